/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A private key in clear, on its way into the TPM: looked at before it is
 * let in.  Pure.
 */
#ifndef TPMVSC_TPM_PARTS_H
#define TPMVSC_TPM_PARTS_H

#include <tss2/tss2_tpm2_types.h>

#include "applet/vault.h"

/* What the TPM's sensitive area holds of a key: one prime, or the scalar.  Full length. */
struct private_part {
	size_t len;
	uint8_t octets[VAULT_RESULT_MAX / 2];
};

/* Wipe; part may be NULL. */
void private_part_clear(struct private_part *part);

/* A private part, wiped at the end of its scope. */
#define PRIVATE_PART(name) \
	__attribute__((cleanup(private_part_clear))) struct private_part name = { .len = 0 }

/*
 * Check a key's parts and work out its public half.
 *
 * algorithm ALG_RSA_* or ALG_ECC_*
 * id        set: the modulus, or the point
 * part      set; wipe it
 *
 * RC_MISMATCH when they are no key of that algorithm, or one that should not
 * be used: RSA primes that are none, too close to each other or of the wrong
 * size, an exponent other than 65537, a modulus of CVE-2017-15361.  RC_CRYPTO
 * when OpenSSL fails.
 */
MUST_CHECK TSS2_RC parts_take(uint8_t algorithm, const struct key_parts *parts,
    TPMU_PUBLIC_ID *id, struct private_part *part);

#endif
