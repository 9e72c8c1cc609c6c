/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * K, the policy authority of one card: a P-256 key that lives in locked memory
 * while the card is made, signs what its owner, PUK and administrator may do
 * later, and is wiped.  Afterwards only its public point remains.
 */
#ifndef TPMVSC_TPM_AUTHORITY_H
#define TPMVSC_TPM_AUTHORITY_H

#include "tpm/digest.h"

#define P256_OCTETS 32

/* The public half, as a card's record keeps it. */
struct authority_public {
	uint8_t x[P256_OCTETS], y[P256_OCTETS];
};

/* An ECDSA signature by K over a SHA-256 digest. */
struct authority_signature {
	uint8_t r[P256_OCTETS], s[P256_OCTETS];
};

struct authority;

/* Make K.  NULL when OpenSSL fails.  The private scalar is in OpenSSL's secure heap where the program has set one up. */
struct authority *authority_new(void);

/* Wipe K.  NULL is allowed. */
void authority_free(struct authority *k);

void authority_public(const struct authority *k, struct authority_public *out);
MUST_CHECK bool authority_sign(const struct authority *k, const struct digest *digest,
    struct authority_signature *out);

/* Whether the signature is by that key; false also when the point is not on the curve. */
MUST_CHECK bool authority_verify(const struct authority_public *k, const struct digest *digest,
    const struct authority_signature *signature);

/* K as the TPM sees it, and its Name. */
TPM2B_PUBLIC authority_template(const struct authority_public *k);
MUST_CHECK bool authority_name(const struct authority_public *k, struct name *out);
TPMT_SIGNATURE authority_tpmt(const struct authority_signature *signature);

#endif
