/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kinds of keys: the PIV algorithm identifiers as TPM templates and back.
 * Pure; what is asked of the TPM is in vault.c and its neighbours.
 */
#ifndef TPMVSC_TPM_KEY_H
#define TPMVSC_TPM_KEY_H

#include "tpm/keyfile.h"
#include "tpm/record.h"

/* The public area to create or import a key pair with; false for an algorithm that is none. */
MUST_CHECK bool key_template(uint8_t algorithm, enum key_origin origin,
    const struct digest *policy, TPM2B_PUBLIC *out);

/* The parameters alone, for TestParms. */
MUST_CHECK bool key_parameters(uint8_t algorithm, TPMT_PUBLIC_PARMS *out);

/* The public area of a card management key: an AES key in the TPM, or sealed octets. */
TPM2B_PUBLIC key_admin_template(uint8_t algorithm, bool sealed, const struct digest *policy);

/* The public area of a card's AK: a restricted signing key of the TPM's own, P-256, ECDSA with SHA-256. */
TPM2B_PUBLIC key_attestation_template(const struct digest *policy);

/*
 * What a key file is: algorithm from its public area (or the label of a sealed
 * one), PIN rule from its policy, which must be one of the card's three.
 */
MUST_CHECK bool key_describe(const struct record *r, const struct keyfile *key,
    struct key_info *out);

/* Octets of the modulus or of a coordinate; of the key for symmetric ones.  0: unknown. */
size_t key_size(uint8_t algorithm);

bool key_is_rsa(uint8_t algorithm);
bool key_is_ecc(uint8_t algorithm);

/* Append the public value: modulus, or 04 || x || y with full-length coordinates. */
MUST_CHECK bool key_public_value(const TPM2B_PUBLIC *area, uint8_t algorithm, struct wbuf *out);

#endif
