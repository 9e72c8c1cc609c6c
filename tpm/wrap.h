/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encrypting to a storage key, so that its TPM can read it and nobody else: a
 * private part for TPM2_Import (TCG TPM 2.0 Part 1, "Outer Duplication
 * Wrapper"), and what else has that form.  Pure; the caller answers for the
 * storage key being the right one.
 */
#ifndef TPMVSC_TPM_WRAP_H
#define TPMVSC_TPM_WRAP_H

#include "tpm/digest.h"
#include "tpm/parts.h"

struct wrapped {
	TPM2B_PRIVATE duplicate;
	TPM2B_ENCRYPTED_SECRET seed;
};

/* A TPM2B_SENSITIVE: lengths, type, no authorisation, no seed, the private part. */
#define WRAP_MAX (2 + 2 + 2 + 2 + 2 + sizeof((struct private_part *)0)->octets)

/*
 * Encrypt octets, with an object's Name bound in.
 *
 * to      a storage key as seed_make() takes it, with AES in CFB mode
 * purpose what for, as seed_make() takes it
 * clear   at most WRAP_MAX octets
 * out     appended: TPM2B_DIGEST of an HMAC, then the octets, encrypted
 * seed    set
 *
 * RC_UNSUPPORTED for any other key; RC_CRYPTO when OpenSSL fails or something does not fit.
 */
MUST_CHECK TSS2_RC wrap_octets(const TPMT_PUBLIC *to, const char *purpose,
    const struct name *name, struct rbuf clear, struct wbuf *out, TPM2B_ENCRYPTED_SECRET *seed);

/*
 * parent a storage key as wrap_octets() takes it
 * object the public area of the key that part belongs to
 *
 * RC_UNSUPPORTED for any other parent; RC_CRYPTO when OpenSSL fails.
 */
MUST_CHECK TSS2_RC wrap(const TPMT_PUBLIC *parent, const TPMT_PUBLIC *object,
    const struct private_part *part, struct wrapped *out);

#endif
