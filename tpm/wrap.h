/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encrypting a private part to a storage key, so that TPM2_Import takes it and
 * nobody else can read it: TCG TPM 2.0 Part 1, "Outer Duplication Wrapper".
 * Pure; the caller answers for the storage key being the right one.
 */
#ifndef TPMVSC_TPM_WRAP_H
#define TPMVSC_TPM_WRAP_H

#include "tpm/digest.h"
#include "tpm/parts.h"

struct wrapped {
	TPM2B_PRIVATE duplicate;
	TPM2B_ENCRYPTED_SECRET seed;
};

/*
 * parent a storage key with nameAlg SHA-256: RSA, or ECC on P-256, P-384 or P-521
 * object the public area of the key that part belongs to
 *
 * RC_UNSUPPORTED for any other parent; RC_CRYPTO when OpenSSL fails.
 */
MUST_CHECK TSS2_RC wrap(const TPMT_PUBLIC *parent, const TPMT_PUBLIC *object,
    const struct private_part *part, struct wrapped *out);

#endif
