/* SPDX-License-Identifier: BSD-2-Clause */
/* Making the card's indices: define, and write once by K's leave. */
#include <string.h>

#include "tpm/rc.h"
#include "tpm/reference.h"

#define FIRST_WRITE "first write"
#define FIRST_WRITE_SECONDS 20

static TSS2_RC
define(const struct card_tpm *c, enum card_index which, const struct secret *auth, ESYS_TR *out)
{
	TPM2B_NV_PUBLIC area = { .size = 0 };
	ESYS_TR owner = ESYS_TR_NONE, envelope = ESYS_TR_NONE;
	TPM2B_AUTH value;
	TSS2_RC rc;

	if (!record_nv_public(c->record, which, false, &area.nvPublic))
		return RC_CRYPTO;
	value = nonce_tpm2b(secret_view(auth));
	rc = esys_owner_begin(c->tpm, c->parent, &owner);
	if (rc == TSS2_RC_SUCCESS)
		rc = session_start(c->tpm, c->parent, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT, &envelope);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_DefineSpace(c->tpm->esys, ESYS_TR_RH_OWNER, owner, envelope,
		    ESYS_TR_NONE, &value, &area, out);
	session_end(c->tpm, &envelope);
	esys_owner_end(c->tpm, &owner);
	explicit_bzero(&value, sizeof value);
	return rc;
}

/* PolicySigned(K, "first write") over this very session's nonce. */
static TSS2_RC
sign_nonce(const struct card_tpm *c, const struct authority *k, ESYS_TR key, ESYS_TR session)
{
	const TPM2B_NONCE ref = nonce_tpm2b(rbuf_str(FIRST_WRITE));
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	struct authority_signature signature;
	TPM2B_TIMEOUT *timeout = NULL;
	TPM2B_NONCE *nonce = NULL;
	TPMT_TK_AUTH *ticket = NULL;
	TPMT_SIGNATURE sig;
	struct digest d;
	TSS2_RC rc;

	rc = session_authenticate(c->tpm, session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TRSess_GetNonceTPM(c->tpm->esys, session, &nonce);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (!signed_digest(rbuf_of(nonce->buffer, nonce->size), FIRST_WRITE_SECONDS, FIRST_WRITE,
		&d) ||
	    !authority_sign(k, &d, &signature)) {
		Esys_Free(nonce);
		return RC_CRYPTO;
	}
	sig = authority_tpmt(&signature);
	rc = Esys_PolicySigned(c->tpm->esys, key, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
	    nonce, &no_cphash, &ref, FIRST_WRITE_SECONDS, &sig, &timeout, &ticket);
	Esys_Free(nonce);
	Esys_Free(timeout);
	Esys_Free(ticket);
	return rc;
}

/* The approval of the first write: made here, used here, kept nowhere. */
static TSS2_RC
approve_first_write(const struct card_tpm *c, enum card_index which, const struct authority *k,
    ESYS_TR key, ESYS_TR session)
{
	const TPM2B_NONCE ref = nonce_tpm2b(rbuf_str(index_label(which)));
	const TPM2B_NAME k_name = name_tpm2b(&c->record->k_name);
	struct policy p = policy_new();
	struct authority_signature signature;
	TPMT_TK_VERIFIED *verified = NULL;
	struct digest policy, d;
	TPM2B_DIGEST ahash, approved;
	TPMT_SIGNATURE sig;
	TSS2_RC rc;

	policy_signed(&p, &c->record->k_name, FIRST_WRITE);
	policy_command_code(&p, TPM2_CC_NV_Write);
	if (!policy_digest(&p, &policy) || !approval_digest(&policy, index_label(which), &d) ||
	    !authority_sign(k, &d, &signature))
		return RC_CRYPTO;
	ahash = digest_tpm2b(&d);
	approved = digest_tpm2b(&policy);
	sig = authority_tpmt(&signature);
	rc = Esys_VerifySignature(c->tpm->esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
	    &ahash, &sig, &verified);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_PolicyAuthorize(c->tpm->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
		    ESYS_TR_NONE, &approved, &ref, &k_name, verified);
	Esys_Free(verified);
	return rc;
}

static TSS2_RC
first_write(const struct card_tpm *c, enum card_index which, const struct authority *k,
    ESYS_TR index)
{
	const TPM2B_PUBLIC area = authority_template(&c->record->k);
	TPM2B_MAX_NV_BUFFER data = { .size = 8 };
	struct wbuf w = wbuf_over(data.buffer, 8);
	ESYS_TR session = ESYS_TR_NONE, key = ESYS_TR_NONE;
	ESYS_CONTEXT *esys = c->tpm->esys;
	TSS2_RC rc;

	wbuf_u32(&w, 0);				/* pinCount */
	wbuf_u32(&w, c->record->index[which].limit);	/* pinLimit */
	rc = session_start(c->tpm, c->parent, TPM2_SE_POLICY, 0, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_LoadExternal(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, &area,
		    ESYS_TR_RH_OWNER, &key);
	if (rc == TSS2_RC_SUCCESS)
		rc = sign_nonce(c, k, key, session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_PolicyCommandCode(esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		    TPM2_CC_NV_Write);
	if (rc == TSS2_RC_SUCCESS)
		rc = approve_first_write(c, which, k, key, session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_Write(esys, index, index, session, ESYS_TR_NONE, ESYS_TR_NONE, &data, 0);
	session_end(c->tpm, &key);
	session_end(c->tpm, &session);
	return rc;
}

TSS2_RC
reference_make(const struct card_tpm *c, enum card_index which, const struct secret *auth,
    const struct authority *k)
{
	ESYS_TR index = ESYS_TR_NONE, again = ESYS_TR_NONE;
	TSS2_RC rc;

	rc = define(c, which, auth, &index);
	if (rc == TSS2_RC_SUCCESS)
		rc = first_write(c, which, k, index);
	if (index != ESYS_TR_NONE)
		(void)Esys_TR_Close(c->tpm->esys, &index);
	/* And it is what we meant to make: the Name the TPM gives it is the one we computed. */
	if (rc == TSS2_RC_SUCCESS)
		rc = reference_open(c, which, &again);
	if (again != ESYS_TR_NONE)
		(void)Esys_TR_Close(c->tpm->esys, &again);
	return rc;
}
