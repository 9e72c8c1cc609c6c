/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/firstwrite.h"

#include <string.h>

#include "tpm/command.h"
#include "tpm/rc.h"

#define FIRST_WRITE "first write"
#define FIRST_WRITE_SECONDS 20

/* What the indices have in common: the owner's leave for all, K in the TPM and here, and one policy session. */
struct maker {
	const struct card_tpm *card;
	const struct authority *k;
	struct owner owner;
	struct session *envelope;
	TPM2_HANDLE key;
	struct session session;
	enum card_index last;
};

static TSS2_RC
define(struct maker *m, enum card_index which, const struct secret *auth)
{
	const struct command c = {
		.entities = { { TPM2_RH_OWNER, NULL } },
		.by = { { .session = &m->owner.session, .auth = &m->owner.auth },
		    { .session = m->envelope, .use = TPMA_SESSION_DECRYPT } },
	};
	TPM2B_AUTH value = nonce_tpm2b(secret_view(auth));
	TPM2B_NV_PUBLIC area = { .size = 0 };
	struct tpm *t = m->card->tpm;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (!record_nv_public(m->card->record, which, false, &area.nvPublic))
		rc = RC_CRYPTO;
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_NV_DefineSpace_Prepare(t->sys, TPM2_RH_OWNER, &value, &area);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(t, &c);
	explicit_bzero(&value, sizeof value);
	return rc;
}

/* ---- the first write ---- */

/* PolicySigned(K, "first write") over this very session's nonce, which came in an answer whose HMAC was checked. */
static TSS2_RC
sign_nonce(const struct maker *m)
{
	const TPM2B_NONCE ref = nonce_tpm2b(rbuf_str(FIRST_WRITE)), *nonce = &m->session.nonce;
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	struct authority_signature signature;
	TPMT_SIGNATURE sig;
	struct digest d;

	if (!signed_digest(rbuf_of(nonce->buffer, nonce->size), FIRST_WRITE_SECONDS, FIRST_WRITE,
		&d) ||
	    !authority_sign(m->k, &d, &signature))
		return RC_CRYPTO;
	sig = authority_tpmt(&signature);
	return Tss2_Sys_PolicySigned(m->card->tpm->sys, m->key, m->session.handle, NULL, nonce,
	    &no_cphash, &ref, FIRST_WRITE_SECONDS, &sig, NULL, NULL, NULL);
}

/* The approval of the first write: made here, used here, kept nowhere. */
static TSS2_RC
approve(const struct maker *m, enum card_index which)
{
	const struct name *const k_name = &m->card->record->k_name;
	const TPM2B_NONCE ref = nonce_tpm2b(rbuf_str(index_label(which)));
	const TPM2B_NAME key_sign = name_tpm2b(k_name);
	TSS2_SYS_CONTEXT *sys = m->card->tpm->sys;
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
	    !authority_sign(m->k, &d, &signature))
		return RC_CRYPTO;
	ahash = digest_tpm2b(&d);
	approved = digest_tpm2b(&policy);
	sig = authority_tpmt(&signature);
	rc = Tss2_Sys_VerifySignature(sys, m->key, NULL, &ahash, &sig, &verified, NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_PolicyAuthorize(
		    sys, m->session.handle, NULL, &approved, &ref, &key_sign, &verified, NULL);
	return rc;
}

/* Afterwards the session is as new, with a nonce that can be signed for the next. */
static TSS2_RC
write_index(struct maker *m, enum card_index which)
{
	const struct record *r = m->card->record;
	const TPM2_HANDLE index = r->index[which].handle;
	TSS2_SYS_CONTEXT *sys = m->card->tpm->sys;
	TPM2B_MAX_NV_BUFFER data = { .size = 8 };
	struct wbuf out = wbuf_over(data.buffer, 8);
	TPMS_NV_PUBLIC area;
	struct name name;
	const struct command c = {
		.entities = { { index, &name }, { index, &name } },
		.by = { { .session = &m->session, .last = which == m->last } },
	};
	TSS2_RC rc;

	wbuf_u32(&out, 0);		       /* pinCount */
	wbuf_u32(&out, r->index[which].limit); /* pinLimit */
	if (!record_nv_public(r, which, false, &area) || !name_of_index(&area, &name))
		return RC_CRYPTO;
	rc = sign_nonce(m);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_PolicyCommandCode(
		    sys, m->session.handle, NULL, TPM2_CC_NV_Write, NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = approve(m, which);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_NV_Write_Prepare(sys, index, index, &data, 0);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(m->card->tpm, &c);
	return rc;
}

/* ---- all ---- */

static TSS2_RC
begin(struct maker *m)
{
	const TPM2B_PUBLIC area = authority_template(&m->card->record->k);
	const struct record *r = m->card->record;
	struct tpm *t = m->card->tpm;
	TPM2B_NAME name = { .size = 0 };
	TSS2_RC rc;

	for (m->last = INDEX_ADMIN; m->last != INDEX_PIN && !r->index[m->last].present;)
		m->last--;
	rc = owner_begin(t, &m->card->storage, &m->owner);
	/* In the owner hierarchy: the TPM gives tickets of the null hierarchy no force. */
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_LoadExternal(
		    t->sys, NULL, NULL, &area, TPM2_RH_OWNER, &m->key, &name, NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = session_open(t, &m->card->storage, TPM2_SE_POLICY, &m->session);
	if (rc == TSS2_RC_SUCCESS)
		rc = session_confirm(t, &m->session);
	return rc;
}

static void
end(struct maker *m)
{
	handle_flush(m->card->tpm, &m->key);
	session_close(m->card->tpm, &m->session);
	owner_end(m->card->tpm, &m->owner);
}

TSS2_RC
indices_make(const struct card_tpm *card, const struct authority *k, auth_source source,
    void *context, struct session *envelope)
{
	static const enum card_index order[] = { INDEX_LIFE, INDEX_PIN, INDEX_PUK, INDEX_ADMIN };
	struct maker m = { .card = card, .k = k, .envelope = envelope };
	const struct secret *auth = NULL;
	TSS2_RC rc;
	size_t i;

	rc = begin(&m);
	for (i = 0; i < sizeof order / sizeof order[0] && rc == TSS2_RC_SUCCESS; i++) {
		if (!card->record->index[order[i]].present)
			continue;
		if (!source(context, order[i], &auth))
			rc = RC_CRYPTO;
		if (rc == TSS2_RC_SUCCESS)
			rc = define(&m, order[i], auth);
		if (rc == TSS2_RC_SUCCESS)
			rc = write_index(&m, order[i]);
	}
	end(&m);
	return rc;
}
