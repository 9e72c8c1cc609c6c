/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attestation, on the card's own machine: what its TPM certifies, and the AK
 * (attestation key) that does it.  Checking what comes out needs neither:
 * tpm/evidence.h.
 */
#ifndef TPMVSC_CARD_ATTEST_H
#define TPMVSC_CARD_ATTEST_H

#include "card/card.h"
#include "tpm/evidence.h"

/* The AK's key reference, as Yubico's programs know it. */
#define ATTESTATION_KEY 0xf9

/*
 * Gather a card's evidence.  A card without an AK gets one first.  No PIN is
 * needed; the owner's authorisation is (owner_auth_file), to certify what
 * the counters hold, and the endorsement hierarchy's, which must be empty.
 *
 * reference of the one key to attest; 0: all of the card's
 * nonce     0 to EVIDENCE_NONCE_MAX octets
 * octets    has room for EVIDENCE_OCTETS_MAX; what out has views of is appended
 *
 * NO_SUCH_CARD also when it has no such key; TPM_PROBLEM, NOT_PERMITTED, FAILED.
 */
MUST_CHECK enum outcome cards_attest(const struct config *config, unsigned instance,
    uint8_t reference, struct rbuf nonce, struct wbuf *octets, struct evidence *out,
    struct failure *why);

/*
 * The same without keys and statements: name, GUID, EK, AK.  What a
 * certification authority wants to know.  The one key in it is the AK itself,
 * which has certified its own creation (qualifyingData empty): some authorities
 * ask for that.  TPM_PROBLEM when need_certificate and the TPM has no EK certificate.
 */
MUST_CHECK enum outcome cards_identity(const struct config *config, unsigned instance,
    bool need_certificate, struct wbuf *octets, struct evidence *out, struct failure *why);

/*
 * Whether the TPM has an EK certificate, and makes the key in it again: before a
 * card is made that is to get an AK certificate.  No card is needed.
 * TPM_PROBLEM when not; NOT_PERMITTED, FAILED.
 */
MUST_CHECK enum outcome cards_endorsed(const struct config *config, struct failure *why);

/*
 * Have the TPM read a credential made for this card's AK (TPM2_ActivateCredential).
 * WRONG_SECRET when it is for another AK or TPM.
 *
 * blob, encrypted TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET
 */
MUST_CHECK enum outcome cards_activate(const struct config *config, unsigned instance,
    struct rbuf blob, struct rbuf encrypted, struct secret *out, struct failure *why);

/* Keep the AK's certificate (leaf first), in place of an older one.  FAILED when it is not the AK's. */
MUST_CHECK enum outcome cards_certified(const struct config *config, unsigned instance,
    const struct chain *ak, struct failure *why);

/*
 * TPM2_Certify of one key by the AK, over extra (at most 64 octets): what a
 * WebAuthn "tpm" statement carries.  out has area and statement.
 */
MUST_CHECK enum outcome cards_certify(const struct config *config, unsigned instance,
    uint8_t reference, struct rbuf extra, struct wbuf *octets, struct evidence_key *out,
    struct failure *why);

#endif
