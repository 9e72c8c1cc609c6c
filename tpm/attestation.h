/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TPM's side of attestation: making an AK, having it certify what the TPM
 * holds of a card, and tying it to the TPM's endorsement key (EK).  What comes
 * out is checked without a TPM: evidence.h.
 *
 * Views in results are of octets that were appended to a writer; nothing is
 * appended on failure.
 */
#ifndef TPMVSC_TPM_ATTESTATION_H
#define TPMVSC_TPM_ATTESTATION_H

#include "tpm/evidence.h"
#include "tpm/tpm.h"

/* The longest qualifyingData. */
#define ATTESTATION_EXTRA_MAX 64

/* ---- the AK ---- */

/*
 * Make an AK for the vault's card: a key like others to whoever keeps it, that
 * signs nothing but what its TPM says.
 *
 * key appended: at most VAULT_KEY_MAX octets
 *
 * VAULT_FULL, VAULT_FAULT.
 */
MUST_CHECK enum vault_err attestation_make(struct vault *v, struct wbuf *key);

/* ---- what is known of a card without asking its TPM ---- */

/* Set authority, approvals and the areas of the indices.  False when octets is full. */
MUST_CHECK bool attestation_of_record(struct vault *v, struct wbuf *octets, struct evidence *out);

/*
 * Set area and creation of a key (an AK, too); creation is empty when the file
 * has none.  VAULT_MISMATCH when it is no private key of this card.
 */
MUST_CHECK enum vault_err attestation_of_key(
    struct vault *v, struct rbuf key, struct wbuf *octets, struct evidence_key *out);

/* ---- statements ---- */

/* Append what all statements of evidence are made over.  False also when memory is out. */
MUST_CHECK bool attestation_extra(const struct evidence *e, struct wbuf *out);

/*
 * Have the AK certify, over extra (at most ATTESTATION_EXTRA_MAX octets):
 *
 * attestation_index    what an index holds: count and limit (which: as in struct evidence)
 * attestation_creation that the TPM made the key, and how
 * attestation_key      that the TPM has the key, with its private part
 *
 * VAULT_MISMATCH when ak is no AK of this card, or key no key of it whose
 * creation is known; VAULT_ABSENT when the card has no such index; VAULT_UNSUPPORTED when the owner's authorisation is needed
 * and not to be had; VAULT_FAULT.
 */
MUST_CHECK enum vault_err attestation_index(struct vault *v, struct rbuf ak, size_t which,
    struct rbuf extra, struct wbuf *octets, struct statement *out);
MUST_CHECK enum vault_err attestation_creation(struct vault *v, struct rbuf ak, struct rbuf key,
    struct rbuf extra, struct wbuf *octets, struct statement *out);
MUST_CHECK enum vault_err attestation_key(struct vault *v, struct rbuf ak, struct rbuf key,
    struct rbuf extra, struct wbuf *octets, struct statement *out);

/* Whether octets are an X.509 certificate and nothing else, of the key with that area (TPMT_PUBLIC). */
MUST_CHECK bool attestation_certifies(struct rbuf certificate, struct rbuf area);

/* ---- the TPM's own identity ---- */

/*
 * Read the EK's certificate from the TPM and make that key again, to see that
 * it is the certificate's.  The endorsement hierarchy's authorisation must be empty.
 *
 * certificate, area set; both empty when the TPM has no certificate that we know of: TPM_OK
 *
 * TPM_UNUSABLE when the certificate is of another key; TPM_DENIED when the
 * authorisation is not empty.
 */
MUST_CHECK enum tpm_err ek_find(struct tpm *t, struct wbuf *octets, struct rbuf *certificate,
    struct rbuf *area, struct failure *why);

/*
 * Read a credential that was made for the EK (of area, from ek_find()) and the AK.
 *
 * blob, encrypted TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET
 *
 * VAULT_MISMATCH when it is for another AK or EK; VAULT_FAULT.
 */
MUST_CHECK enum vault_err ek_activate(struct vault *v, struct rbuf ak, struct rbuf ek_area,
    struct rbuf blob, struct rbuf encrypted, struct secret *out);

#endif
