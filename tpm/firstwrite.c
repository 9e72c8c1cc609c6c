/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/firstwrite.h"

#include <string.h>

#include "tpm/command.h"
#include "tpm/rc.h"

#define FIRST_WRITE "first write"
#define FIRST_WRITE_SECONDS 20

/* ---- define ---- */

static TSS2_RC
define(const struct card_tpm *c, enum card_index which, const struct secret *auth,
    struct owner *owner, struct session *envelope)
{
	const struct command command = {
		.entities = { { TPM2_RH_OWNER, NULL } },
		.by = { { .session = &owner->session, .auth = &owner->auth },
		    { .session = envelope, .use = TPMA_SESSION_DECRYPT } },
	};
	TPM2B_AUTH value = nonce_tpm2b(secret_view(auth));
	TPM2B_NV_PUBLIC area = { .size = 0 };
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (!record_nv_public(c->record, which, false, &area.nvPublic))
		rc = RC_CRYPTO;
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_NV_DefineSpace_Prepare(c->tpm->sys, TPM2_RH_OWNER, &value, &area);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(c->tpm, &command);
	explicit_bzero(&value, sizeof value);
	return rc;
}

static TSS2_RC
define_all(const struct card_tpm *c, const struct secret auth[INDEX_COUNT],
    struct session *envelope)
{
	OWNER(owner);
	TSS2_RC rc;
	int i;

	rc = owner_begin(c->tpm, &c->storage, &owner);
	for (i = 0; i < INDEX_COUNT && rc == TSS2_RC_SUCCESS; i++) {
		if (c->record->index[i].present)
			rc = define(c, (enum card_index)i, &auth[i], &owner, envelope);
	}
	owner_end(c->tpm, &owner);
	return rc;
}

/* ---- write ---- */

/* What the first writes have in common: K in the TPM and here, and one policy session for all. */
struct writer {
	const struct card_tpm *card;
	const struct authority *k;
	TPM2_HANDLE key;
	struct session *session;
};

/* PolicySigned(K, "first write") over this very session's nonce, which came in an answer whose HMAC was checked. */
static TSS2_RC
sign_nonce(const struct writer *w)
{
	const TPM2B_NONCE ref = nonce_tpm2b(rbuf_str(FIRST_WRITE)), *nonce = &w->session->nonce;
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	struct authority_signature signature;
	TPMT_SIGNATURE sig;
	struct digest d;

	if (!signed_digest(rbuf_of(nonce->buffer, nonce->size), FIRST_WRITE_SECONDS, FIRST_WRITE,
		&d) ||
	    !authority_sign(w->k, &d, &signature))
		return RC_CRYPTO;
	sig = authority_tpmt(&signature);
	return Tss2_Sys_PolicySigned(w->card->tpm->sys, w->key, w->session->handle, NULL, nonce,
	    &no_cphash, &ref, FIRST_WRITE_SECONDS, &sig, NULL, NULL, NULL);
}

/* The approval of the first write: made here, used here, kept nowhere. */
static TSS2_RC
approve(const struct writer *w, enum card_index which)
{
	const struct name *const k_name = &w->card->record->k_name;
	const TPM2B_NONCE ref = nonce_tpm2b(rbuf_str(index_label(which)));
	const TPM2B_NAME key_sign = name_tpm2b(k_name);
	TSS2_SYS_CONTEXT *sys = w->card->tpm->sys;
	struct policy p = policy_new();
	struct authority_signature signature;
	TPMT_TK_VERIFIED verified = { .tag = 0 };
	struct digest policy, d;
	TPM2B_DIGEST ahash, approved;
	TPMT_SIGNATURE sig;
	TSS2_RC rc;

	policy_signed(&p, k_name, FIRST_WRITE);
	policy_command_code(&p, TPM2_CC_NV_Write);
	if (!policy_digest(&p, &policy) || !approval_digest(&policy, index_label(which), &d) ||
	    !authority_sign(w->k, &d, &signature))
		return RC_CRYPTO;
	ahash = digest_tpm2b(&d);
	approved = digest_tpm2b(&policy);
	sig = authority_tpmt(&signature);
	rc = Tss2_Sys_VerifySignature(sys, w->key, NULL, &ahash, &sig, &verified, NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_PolicyAuthorize(
		    sys, w->session->handle, NULL, &approved, &ref, &key_sign, &verified, NULL);
	return rc;
}

/* Afterwards the session is as new, with a nonce that can be signed for the next. */
static TSS2_RC
write_index(const struct writer *w, enum card_index which)
{
	const struct record *r = w->card->record;
	const TPM2_HANDLE index = r->index[which].handle;
	TSS2_SYS_CONTEXT *sys = w->card->tpm->sys;
	TPM2B_MAX_NV_BUFFER data = { .size = 8 };
	struct wbuf out = wbuf_over(data.buffer, 8);
	TPMS_NV_PUBLIC area;
	struct name name;
	/* Every card has LIFE, and it comes last. */
	const struct command c = {
		.entities = { { index, &name }, { index, &name } },
		.by = { { .session = w->session, .last = which == INDEX_LIFE } },
	};
	TSS2_RC rc;

	wbuf_u32(&out, 0);		       /* pinCount */
	wbuf_u32(&out, r->index[which].limit); /* pinLimit */
	if (!record_nv_public(r, which, false, &area) || !name_of_index(&area, &name))
		return RC_CRYPTO;
	rc = sign_nonce(w);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_PolicyCommandCode(
		    sys, w->session->handle, NULL, TPM2_CC_NV_Write, NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = approve(w, which);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_NV_Write_Prepare(sys, index, index, &data, 0);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(w->card->tpm, &c);
	return rc;
}

static TSS2_RC
write_all(const struct card_tpm *c, const struct authority *k)
{
	const TPM2B_PUBLIC area = authority_template(&c->record->k);
	TPM2B_NAME name = { .size = 0 };
	SESSION(session);
	struct writer w = { .card = c, .k = k, .session = &session };
	TSS2_RC rc;
	int i;

	/* In the owner hierarchy: the TPM gives tickets of the null hierarchy no force. */
	rc = Tss2_Sys_LoadExternal(
	    c->tpm->sys, NULL, NULL, &area, TPM2_RH_OWNER, &w.key, &name, NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = session_open(c->tpm, &c->storage, TPM2_SE_POLICY, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = session_confirm(c->tpm, &session);
	for (i = 0; i < INDEX_COUNT && rc == TSS2_RC_SUCCESS; i++) {
		if (c->record->index[i].present)
			rc = write_index(&w, (enum card_index)i);
	}
	handle_flush(c->tpm, &w.key);
	session_close(c->tpm, &session);
	return rc;
}

TSS2_RC
indices_make(const struct card_tpm *card, const struct secret auth[INDEX_COUNT],
    const struct authority *k, struct session *envelope)
{
	TSS2_RC rc = define_all(card, auth, envelope);

	if (rc == TSS2_RC_SUCCESS)
		rc = write_all(card, k);
	return rc;
}
