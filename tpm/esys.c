/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/esys.h"

#include <openssl/rand.h>
#include <string.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_sys.h>

#include "tpm/rc.h"

/*
 * Whether ESYS will salt to this very public area.  ESYS reads the area for
 * itself, a second time, and does not compare it with any Name; the serialised
 * form of its handle holds the area it will use, in the TPM's own format.
 */
static bool
salts_to(struct tpm *t, ESYS_TR key, const TPMT_PUBLIC *area)
{
	uint8_t octets[sizeof *area], *blob = NULL;
	size_t len = 0, blob_len = 0;
	bool same;

	same = Tss2_MU_TPMT_PUBLIC_Marshal(area, octets, sizeof octets, &len) == TSS2_RC_SUCCESS &&
	    Esys_TR_Serialize(t->esys, key, &blob, &blob_len) == TSS2_RC_SUCCESS &&
	    memmem(blob, blob_len, octets, len) != NULL;
	Esys_Free(blob);
	return same;
}

TSS2_RC
parent_open(struct tpm *t, const struct parent *parent, ESYS_TR *out)
{
	TPM2B_PUBLIC *area = NULL;
	ESYS_TR key = ESYS_TR_NONE;
	struct name name;
	TSS2_RC rc;

	rc = Esys_TR_FromTPMPublic(t->esys, parent->handle, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &key);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_ReadPublic(t->esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area,
		    NULL, NULL);
	if (rc == TSS2_RC_SUCCESS &&
	    (!name_of_object(&area->publicArea, &name) ||
		!rbuf_eq(name_view(&name), name_view(&parent->name)) ||
		!salts_to(t, key, &area->publicArea)))
		rc = RC_IMPOSTOR;
	Esys_Free(area);
	if (rc == TSS2_RC_SUCCESS)
		*out = key;
	else if (key != ESYS_TR_NONE)
		(void)Esys_TR_Close(t->esys, &key);
	return rc;
}

/* nonce as long as all nonces of the session are to be; NULL: a digest's length. */
static TSS2_RC
start(struct tpm *t, ESYS_TR key, const TPM2B_NONCE *nonce, TPM2_SE type, TPMA_SESSION more,
    ESYS_TR *out)
{
	const TPMT_SYM_DEF aes = {
		.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB
	};
	ESYS_TR session = ESYS_TR_NONE;
	TSS2_RC rc;

	rc = Esys_StartAuthSession(t->esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, nonce, type, &aes, TPM2_ALG_SHA256, &session);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	rc = Esys_TRSess_SetAttributes(t->esys, session, TPMA_SESSION_CONTINUESESSION | more, 0xff);
	if (rc == TSS2_RC_SUCCESS)
		*out = session;
	else
		session_end(t, &session);
	return rc;
}

TSS2_RC
session_start(struct tpm *t, ESYS_TR key, TPM2_SE type, TPMA_SESSION more, ESYS_TR *out)
{
	return start(t, key, NULL, type, more, out);
}

TSS2_RC
session_start_short(struct tpm *t, ESYS_TR key, ESYS_TR *out)
{
	TPM2B_NONCE nonce = { .size = SHORT_NONCE_OCTETS };

	if (RAND_bytes(nonce.buffer, SHORT_NONCE_OCTETS) != 1)
		return RC_CRYPTO;
	return start(t, key, &nonce, TPM2_SE_POLICY, 0, out);
}

TSS2_RC
session_authenticate(struct tpm *t, ESYS_TR session)
{
	TPM2B_DIGEST *random = NULL;
	TSS2_RC rc;

	rc = Esys_TRSess_SetAttributes(t->esys, session, TPMA_SESSION_ENCRYPT,
	    TPMA_SESSION_ENCRYPT | TPMA_SESSION_DECRYPT);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_GetRandom(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, 8, &random);
	Esys_Free(random);
	/* The session does not know the salt: nobody's secret is wrong, the session is. */
	if (rc_base(rc) == rc_base(TPM2_RC_BAD_AUTH) || rc_base(rc) == rc_base(TPM2_RC_AUTH_FAIL))
		rc = RC_IMPOSTOR;
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TRSess_SetAttributes(t->esys, session, 0,
		    TPMA_SESSION_ENCRYPT | TPMA_SESSION_DECRYPT);
	return rc;
}

/* As deep as ESYS goes, with what it decrypts into on its stack. */
#define ESYS_STACK (16U << 10)

void
session_forget_answer(struct tpm *t)
{
	uint8_t zeros[ESYS_STACK]; /* where those frames were, and to copy from */
	const uint8_t *answer = NULL;
	TSS2_SYS_CONTEXT *sys = NULL;
	size_t n = 0;

	explicit_bzero(zeros, sizeof zeros);
	if (t->esys != NULL && Esys_GetSysContext(t->esys, &sys) == TSS2_RC_SUCCESS &&
	    Tss2_Sys_GetEncryptParam(sys, &n, &answer) == TSS2_RC_SUCCESS && n <= sizeof zeros)
		(void)Tss2_Sys_SetEncryptParam(sys, n, zeros);
}

void
session_end(struct tpm *t, ESYS_TR *session)
{
	/* A failure means that it is gone from the TPM already: then ESYS alone has to forget it. */
	if (*session != ESYS_TR_NONE && t->esys != NULL &&
	    Esys_FlushContext(t->esys, *session) != TSS2_RC_SUCCESS)
		(void)Esys_TR_Close(t->esys, session);
	*session = ESYS_TR_NONE;
}

TSS2_RC
esys_owner_begin(struct tpm *t, ESYS_TR key, ESYS_TR *out)
{
	if (t->owner_unknown)
		return RC_UNKNOWABLE;
	if (t->owner_has_auth)
		return session_start(t, key, TPM2_SE_HMAC, 0, out);
	*out = ESYS_TR_PASSWORD;
	return TSS2_RC_SUCCESS;
}

void
esys_owner_end(struct tpm *t, ESYS_TR *session)
{
	if (*session != ESYS_TR_PASSWORD)
		session_end(t, session);
	*session = ESYS_TR_NONE;
}
