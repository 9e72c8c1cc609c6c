/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/reference.h"

#include <string.h>

#include "tpm/rc.h"
#include "tpm/scrypt.h"

bool
reference_auth(const struct record *r, enum card_index which, const struct secret *value,
    struct secret *auth)
{
	uint8_t salt[SALT_OCTETS + 8];
	struct wbuf w = wbuf_over(salt, sizeof salt);
	const struct scrypt_cost cost = {
		.log_n = r->scrypt_log_n, .r = r->scrypt_r, .p = r->scrypt_p
	};

	wbuf_put(&w, rbuf_of(r->index[which].salt, SALT_OCTETS));
	wbuf_put(&w, rbuf_str(index_label(which)));
	return wbuf_ok(&w) && scrypt(value, wbuf_view(&w), &cost, TPM2_SHA256_DIGEST_SIZE, auth);
}

static TPM2B_AUTH
auth_tpm2b(const struct secret *auth)
{
	/* An authValue is a digest's length; longer ones cannot occur. */
	return nonce_tpm2b(secret_view(auth));
}

static void
auth_wipe(TPM2B_AUTH *auth)
{
	explicit_bzero(auth, sizeof *auth);
}

TSS2_RC
reference_open(const struct card_tpm *c, enum card_index which, ESYS_TR *out)
{
	ESYS_CONTEXT *esys = c->tpm->esys;
	ESYS_TR index = ESYS_TR_NONE;
	TPM2B_NAME *name = NULL;
	TSS2_RC rc;

	if (!c->record->index[which].present)
		return RC_ABSENT;
	rc = Esys_TR_FromTPMPublic(esys, c->record->index[which].handle, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &index);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TR_GetName(esys, index, &name);
	if (rc == TSS2_RC_SUCCESS && !name_is(name, &c->record->name[which]))
		rc = RC_IMPOSTOR;
	Esys_Free(name);
	if (rc == TSS2_RC_SUCCESS)
		*out = index;
	else if (index != ESYS_TR_NONE)
		(void)Esys_TR_Close(esys, &index);
	return rc;
}

static TSS2_RC
set_auth(const struct card_tpm *c, ESYS_TR index, const struct secret *auth)
{
	TPM2B_AUTH value = auth_tpm2b(auth);
	TSS2_RC rc = Esys_TR_SetAuth(c->tpm->esys, index, &value);

	auth_wipe(&value);
	return rc;
}

/* ESYS keeps the authValue in its handle: overwrite it there, then close the handle. */
static void
forget_index(const struct card_tpm *c, ESYS_TR *index)
{
	static const struct secret zeros = { .len = TPM2_SHA256_DIGEST_SIZE };

	if (*index == ESYS_TR_NONE || c->tpm->esys == NULL)
		return;
	(void)set_auth(c, *index, &zeros);
	(void)Esys_TR_Close(c->tpm->esys, index);
}

/*
 * ESYS also keeps the authValue behind the session's key, and frees the two as
 * they are.  Once more through the session, with another authValue, and they
 * are overwritten.  Not one of zeros, which is LIFE's: tss2 4 leaves off zeros at
 * the end, and overwrites nothing.  So the TPM refuses; for LIFE it keeps no count.
 */
static void
forget_session(const struct card_tpm *c, ESYS_TR hmac)
{
	static const struct secret other = { .len = TPM2_SHA256_DIGEST_SIZE,
		.data = { [TPM2_SHA256_DIGEST_SIZE - 1] = 1 } };
	ESYS_CONTEXT *esys = c->tpm->esys;
	TPM2B_MAX_NV_BUFFER *data = NULL;
	ESYS_TR life = ESYS_TR_NONE;

	if (reference_open(c, INDEX_LIFE, &life) != TSS2_RC_SUCCESS)
		return;
	if (set_auth(c, life, &other) == TSS2_RC_SUCCESS &&
	    Esys_TRSess_SetAttributes(esys, hmac, 0, TPMA_SESSION_DECRYPT) == TSS2_RC_SUCCESS)
		(void)Esys_NV_Read(esys, life, life, hmac, ESYS_TR_NONE, ESYS_TR_NONE, 8, 0, &data);
	Esys_Free(data);
	(void)Esys_TR_Close(esys, &life);
}

/* PolicySecret(index, session) authorised by hmac. */
static TSS2_RC
policy_secret_command(const struct card_tpm *c, ESYS_TR index, ESYS_TR session, ESYS_TR hmac,
    const char *purpose, int32_t expiration, struct ticket *ticket)
{
	ESYS_CONTEXT *esys = c->tpm->esys;
	const TPM2B_NONCE ref = nonce_tpm2b(rbuf_str(purpose));
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	TPM2B_TIMEOUT *timeout = NULL;
	TPMT_TK_AUTH *proof = NULL;
	TPM2B_NONCE *nonce = NULL;
	TSS2_RC rc;

	rc = session_authenticate(c->tpm, session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TRSess_GetNonceTPM(esys, session, &nonce);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_PolicySecret(esys, index, session, hmac, ESYS_TR_NONE, ESYS_TR_NONE, nonce,
		    &no_cphash, &ref, expiration, &timeout, &proof);
	if (rc == TSS2_RC_SUCCESS && ticket != NULL)
		*ticket = (struct ticket){ .held = true, .timeout = *timeout, .ticket = *proof };
	if (proof != NULL)
		explicit_bzero(proof, sizeof *proof);
	Esys_Free(nonce);
	Esys_Free(timeout);
	Esys_Free(proof);
	return rc;
}

TSS2_RC
reference_prove(const struct card_tpm *c, enum card_index which, const struct secret *auth,
    ESYS_TR session, const char *purpose, int32_t expiration, struct ticket *ticket)
{
	ESYS_TR index = ESYS_TR_NONE, hmac = ESYS_TR_NONE;
	TSS2_RC rc;

	rc = reference_open(c, which, &index);
	if (rc == TSS2_RC_SUCCESS)
		rc = set_auth(c, index, auth);
	if (rc == TSS2_RC_SUCCESS)
		rc = session_start(c->tpm, c->parent, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT, &hmac);
	if (rc == TSS2_RC_SUCCESS)
		rc = policy_secret_command(c, index, session, hmac, purpose, expiration, ticket);
	if (hmac != ESYS_TR_NONE && (rc & TSS2_RC_LAYER_MASK) != TSS2_TCTI_RC_LAYER)
		forget_session(c, hmac);
	session_end(c->tpm, &hmac);
	forget_index(c, &index);
	return rc;
}

/* Load K's public half, to have one of its signatures checked by the TPM. */
static TSS2_RC
load_authority(const struct card_tpm *c, ESYS_TR *out)
{
	const TPM2B_PUBLIC area = authority_template(&c->record->k);

	/* In the owner hierarchy: the TPM gives tickets of the null hierarchy no force. */
	return Esys_LoadExternal(c->tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, &area,
	    ESYS_TR_RH_OWNER, out);
}

/* PolicyAuthorize: replace what the session has proven by K's approval of it. */
static TSS2_RC
authorize(const struct card_tpm *c, const struct digest *approved, const char *ref,
    const struct authority_signature *signature, ESYS_TR session)
{
	ESYS_CONTEXT *esys = c->tpm->esys;
	const TPM2B_DIGEST policy = digest_tpm2b(approved);
	const TPM2B_NONCE policy_ref = nonce_tpm2b(rbuf_str(ref));
	const TPM2B_NAME k_name = name_tpm2b(&c->record->k_name);
	const TPMT_SIGNATURE sig = authority_tpmt(signature);
	TPMT_TK_VERIFIED *verified = NULL;
	ESYS_TR key = ESYS_TR_NONE;
	struct digest d;
	TPM2B_DIGEST ahash;
	TSS2_RC rc;

	if (!approval_digest(approved, ref, &d))
		return RC_CRYPTO;
	ahash = digest_tpm2b(&d);
	rc = load_authority(c, &key);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_VerifySignature(esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		    &ahash, &sig, &verified);
	session_end(c->tpm, &key);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_PolicyAuthorize(esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		    &policy, &policy_ref, &k_name, verified);
	Esys_Free(verified);
	return rc;
}

TSS2_RC
reference_approve(const struct card_tpm *c, enum approval_id id, ESYS_TR session)
{
	const enum card_index target = approval_target(id);
	ESYS_CONTEXT *esys = c->tpm->esys;
	struct digest cphash, policy;
	TPM2B_DIGEST restricted;
	TSS2_RC rc;

	if (!record_approved_policy(c->record, id, &policy) ||
	    !cphash_reset_count(&c->record->name[target], &cphash))
		return RC_CRYPTO;
	restricted = digest_tpm2b(&cphash);
	if (id == COUNT_BY_PUK || id == COUNT_BY_ADMIN)
		rc = Esys_PolicyCpHash(esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		    &restricted);
	else
		rc = Esys_PolicyCommandCode(esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		    TPM2_CC_NV_ChangeAuth);
	if (rc == TSS2_RC_SUCCESS)
		rc = authorize(c, &policy, index_label(target), &c->record->approval[id], session);
	return rc;
}

/* Start a session, prove, and have the approval's command approved. */
static TSS2_RC
approved_session(const struct card_tpm *c, enum approval_id id, const struct secret *auth,
    ESYS_TR *out)
{
	TSS2_RC rc;

	if (!c->record->approved[id])
		return RC_ABSENT;
	rc = session_start(c->tpm, c->parent, TPM2_SE_POLICY, 0, out);
	if (rc == TSS2_RC_SUCCESS)
		rc = reference_prove(c, approval_prover(id), auth, *out, approval_purpose(id), 0, NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = reference_approve(c, id, *out);
	return rc;
}

/* After a change ESYS has the new authValue behind the session's key and where it keeps what it sends. */
static void
forget_change(const struct card_tpm *c, ESYS_TR session)
{
	static const TPM2B_AUTH zeros = { .size = TPM2_SHA256_DIGEST_SIZE };

	if (session == ESYS_TR_NONE || c->tpm->esys == NULL)
		return;
	forget_session(c, session);
	(void)Esys_NV_ChangeAuth_Async(c->tpm->esys, HANDLE_UNKNOWN, session, ESYS_TR_NONE,
	    ESYS_TR_NONE, &zeros);
}

TSS2_RC
reference_set(const struct card_tpm *c, enum approval_id id, ESYS_TR session,
    const struct secret *fresh)
{
	TPM2B_AUTH value = auth_tpm2b(fresh);
	ESYS_TR index = ESYS_TR_NONE, envelope = ESYS_TR_NONE;
	TSS2_RC rc;

	rc = reference_open(c, approval_target(id), &index);
	/*
	 * The new secret travels in a session that authorises nothing: into the
	 * key of one that does the TPM mixes the old authValue, which a PUK
	 * holder does not know, and what arrived would be garbage.
	 */
	if (rc == TSS2_RC_SUCCESS)
		rc = session_start(c->tpm, c->parent, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT, &envelope);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_ChangeAuth(c->tpm->esys, index, session, envelope, ESYS_TR_NONE,
		    &value);
	if ((rc & TSS2_RC_LAYER_MASK) != TSS2_TCTI_RC_LAYER)
		forget_change(c, session);
	session_end(c->tpm, &envelope);
	forget_index(c, &index);
	auth_wipe(&value);
	return rc;
}

TSS2_RC
reference_zero(const struct card_tpm *c, enum approval_id id, ESYS_TR session)
{
	const TPM2B_MAX_NV_BUFFER zeros = { .size = 4 };
	ESYS_TR index = ESYS_TR_NONE;
	TSS2_RC rc;

	rc = reference_open(c, approval_target(id), &index);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_Write(c->tpm->esys, index, index, session, ESYS_TR_NONE, ESYS_TR_NONE,
		    &zeros, 0);
	forget_index(c, &index);
	return rc;
}

TSS2_RC
reference_change(const struct card_tpm *c, enum approval_id id, const struct secret *auth,
    const struct secret *fresh)
{
	ESYS_TR session = ESYS_TR_NONE;
	TSS2_RC rc;

	rc = approved_session(c, id, auth, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = reference_set(c, id, session, fresh);
	session_end(c->tpm, &session);
	return rc;
}

TSS2_RC
reference_reset_count(const struct card_tpm *c, enum approval_id id, const struct secret *auth)
{
	ESYS_TR session = ESYS_TR_NONE;
	TSS2_RC rc;

	rc = approved_session(c, id, auth, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = reference_zero(c, id, session);
	session_end(c->tpm, &session);
	return rc;
}

TSS2_RC
reference_tries(const struct card_tpm *c, enum card_index which, struct tries *out)
{
	ESYS_TR index = ESYS_TR_NONE, owner = ESYS_TR_NONE;
	TPM2B_MAX_NV_BUFFER *data = NULL;
	uint32_t count, limit;
	struct rbuf in;
	TSS2_RC rc;

	rc = reference_open(c, which, &index);
	if (rc == TSS2_RC_SUCCESS)
		rc = esys_owner_begin(c->tpm, c->parent, &owner);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_Read(c->tpm->esys, ESYS_TR_RH_OWNER, index, owner, ESYS_TR_NONE,
		    ESYS_TR_NONE, 8, 0, &data);
	/* The site has set an owner's authorisation that we were not given. */
	if (rc_base(rc) == rc_base(TPM2_RC_BAD_AUTH) || rc_base(rc) == rc_base(TPM2_RC_AUTH_FAIL))
		rc = RC_UNKNOWABLE;
	if (rc == TSS2_RC_SUCCESS) {
		in = rbuf_of(data->buffer, data->size);
		if (!rbuf_u32(&in, &count) || !rbuf_u32(&in, &limit))
			rc = RC_IMPOSTOR;
		else
			*out = (struct tries){ count < limit ? limit - count : 0, limit };
	}
	Esys_Free(data);
	esys_owner_end(c->tpm, &owner);
	forget_index(c, &index);
	return rc;
}
