/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A secret that only the owner of a storage key learns besides us: the salt of
 * a session, the seed of an import or of a credential.  TCG TPM 2.0 Part 1,
 * annexes B.10 and C.6.
 * Pure; the caller answers for the key being the right one.
 */
#ifndef TPMVSC_TPM_SEED_H
#define TPMVSC_TPM_SEED_H

#include <tss2/tss2_common.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/secret.h"

/* What the secret is for: bound into it. */
#define SEED_OF_SESSION "SECRET"
#define SEED_OF_IMPORT "DUPLICATE"
#define SEED_OF_CREDENTIAL "IDENTITY"

/*
 * to   a storage key with nameAlg SHA-256 or SHA-384: RSA, or ECC on P-256, P-384 or P-521
 * seed set: as long as a digest of its nameAlg
 * out  set: what tells the key's owner the seed
 *
 * RC_UNSUPPORTED for any other key; RC_CRYPTO when OpenSSL fails.
 */
MUST_CHECK TSS2_RC seed_make(const TPMT_PUBLIC *to, const char *purpose, struct secret *seed,
    TPM2B_ENCRYPTED_SECRET *out);

#endif
