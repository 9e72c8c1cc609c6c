/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions and the parent that salts them.  Everything that carries a secret
 * goes through a session salted to the pinned parent, so that neither a
 * recorder nor an interposer on the bus learns it.
 */
#ifndef TPMVSC_TPM_ESYS_H
#define TPMVSC_TPM_ESYS_H

#include "tpm/session.h"

/* No handle that ESYS has given out: a command for it goes to no TPM. */
#define HANDLE_UNKNOWN 0xffffffffU

/*
 * Get the parent, and make sure that what sessions will be salted to is the
 * key with the pinned Name: the Name a TPM (or whoever sits before it) sends
 * along proves nothing, so it is computed from the public area.
 * RC_IMPOSTOR when another key is at the handle.
 */
MUST_CHECK TSS2_RC parent_open(struct tpm *t, const struct parent *parent, ESYS_TR *out);

/* Start a session of type HMAC or POLICY, salted to key, AES-128 CFB, SHA-256; continueSession set, and more. */
MUST_CHECK TSS2_RC session_start(struct tpm *t, ESYS_TR key, TPM2_SE type, TPMA_SESSION more,
    ESYS_TR *out);

MUST_CHECK TSS2_RC session_start_short(struct tpm *t, ESYS_TR key, ESYS_TR *out);

/*
 * Make sure that a salted session is the TPM's own and its nonceTPM fresh.
 * The answer to StartAuthSession is not authenticated: an interposer can slip
 * in a session of his, and whatever is proven or signed to its nonce is proven
 * to him.  A command through the session is answered with an HMAC that only
 * the TPM can make.  Must come before the session has proven anything.
 */
MUST_CHECK TSS2_RC session_authenticate(struct tpm *t, ESYS_TR session);

/*
 * Overwrite what tss2 still has of the last answer's first parameter, which was
 * secret on the wire and which it has decrypted.  Call it from where the
 * command was called.
 */
void session_forget_answer(struct tpm *t);

/* Flush a session or transient object and set it to ESYS_TR_NONE; ESYS_TR_NONE is allowed. */
void session_end(struct tpm *t, ESYS_TR *session);

MUST_CHECK TSS2_RC esys_owner_begin(struct tpm *t, ESYS_TR key, ESYS_TR *out);
void esys_owner_end(struct tpm *t, ESYS_TR *session);

#endif
