/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/reference.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "tpm/rc.h"

/* What scrypt may take, whatever a record says: 64 MiB (RFC 7914, 2). */
#define SCRYPT_MEMORY_MAX (64UL << 20)

/* Ample for the stack that libsodium's works on. */
#define SCRYPT_STACK 16384

static void
start_sodium(void)
{
	/* It finds out what the processor can do; without it all is only slower. */
	if (sodium_init() < 0)
		log_debug("libsodium does not start");
}

/*
 * libsodium's scrypt, for it maps the memory it needs and gives it back.
 * OpenSSL's has it from malloc, and glibc keeps 8 MiB for each thread of pcscd
 * that ever brought a PIN.
 */
bool
reference_auth(const struct record *r, enum card_index which, const struct secret *value,
    struct secret *auth)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const uint64_t n = (uint64_t)1 << (r->scrypt_log_n & 31);
	uint8_t salt[SALT_OCTETS + 8];
	struct wbuf w = wbuf_over(salt, sizeof salt);
	bool ok;

	(void)pthread_once(&once, start_sodium);
	wbuf_put(&w, rbuf_of(r->index[which].salt, SALT_OCTETS));
	wbuf_put(&w, rbuf_str(index_label(which)));
	ok = wbuf_ok(&w) && 128 * r->scrypt_r * (n + r->scrypt_p) <= SCRYPT_MEMORY_MAX &&
	    crypto_pwhash_scryptsalsa208sha256_ll(value->data, value->len, salt, w.len, n,
		r->scrypt_r, r->scrypt_p, auth->data, TPM2_SHA256_DIGEST_SIZE) == 0;
	/* Its PBKDF2 leaves what comes out on the stack, and an ended thread's stack stays. */
	sodium_stackzero(SCRYPT_STACK);
	auth->len = ok ? TPM2_SHA256_DIGEST_SIZE : 0;
	return ok;
}

bool
reference_derive(const struct card_tpm *c, enum card_index which, const struct secret *value,
    struct secret *auth)
{
	const uint64_t begun = wire_clock();
	const bool ok = reference_auth(c->record, which, value, auth);

	c->tpm->spent.deriving_ns += wire_clock() - begun;
	return ok;
}

struct entity
reference_entity(const struct card_tpm *c, enum card_index which)
{
	return (struct entity){ c->record->index[which].handle, &c->record->name[which] };
}

/* reference_check(), and something to do while the TPM looks the index up. */
static TSS2_RC
check_index(const struct card_tpm *c, enum card_index which, void (*meanwhile)(void *context),
    void *context)
{
	const struct command command = { .meanwhile = meanwhile, .context = context };
	TPM2B_NV_PUBLIC area = { .size = 0 };
	TPM2B_NAME theirs = { .size = 0 };
	struct name name;
	TSS2_RC rc;

	if (!c->record->index[which].present)
		return RC_ABSENT;
	rc = Tss2_Sys_NV_ReadPublic_Prepare(c->tpm->sys, c->record->index[which].handle);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(c->tpm, &command);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_NV_ReadPublic_Complete(c->tpm->sys, &area, &theirs);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (!name_of_index(&area.nvPublic, &name) ||
	    !rbuf_eq(name_view(&name), name_view(&c->record->name[which])))
		return RC_IMPOSTOR;
	return TSS2_RC_SUCCESS;
}

TSS2_RC
reference_check(const struct card_tpm *c, enum card_index which)
{
	return check_index(c, which, NULL, NULL);
}

/* ---- proofs ---- */

struct salting {
	struct tpm *tpm;
	const struct storage_key *key;
};

static void
foresee_session(void *context)
{
	const struct salting *salting = context;

	session_foresee(salting->tpm, salting->key);
}

TSS2_RC
prover_begin(const struct card_tpm *c, enum card_index which, const struct secret *auth,
    struct prover *out)
{
	struct salting salting = { .tpm = c->tpm, .key = &c->storage };
	TSS2_RC rc = check_index(c, which, foresee_session, &salting);

	out->which = which;
	out->auth = auth;
	if (rc == TSS2_RC_SUCCESS)
		rc = session_open(c->tpm, &c->storage, TPM2_SE_HMAC, &out->session);
	return rc;
}

void
prover_end(const struct card_tpm *c, struct prover *p)
{
	session_close(c->tpm, &p->session);
}

TSS2_RC
reference_prove(const struct card_tpm *c, struct prover *p, struct session *session,
    const char *purpose, int32_t expiration, struct ticket *ticket)
{
	const TPM2B_NONCE ref = nonce_tpm2b(rbuf_str(purpose));
	const struct entity index = reference_entity(c, p->which);
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	const struct command command = { .entities = { index, { session->handle, NULL } },
		.by = { { .session = &p->session, .auth = p->auth } } };
	TPM2B_TIMEOUT timeout = { .size = sizeof timeout.buffer };
	TPMT_TK_AUTH proof = { .tag = 0 };
	TSS2_RC rc;

	rc = session_confirm(c->tpm, session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_PolicySecret_Prepare(c->tpm->sys, index.handle, session->handle,
		    &session->nonce, &no_cphash, &ref, expiration);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(c->tpm, &command);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_PolicySecret_Complete(c->tpm->sys, &timeout, &proof);
	if (rc == TSS2_RC_SUCCESS && ticket != NULL)
		*ticket = (struct ticket){ .held = true, .timeout = timeout, .ticket = proof };
	explicit_bzero(&proof, sizeof proof);
	return rc;
}

/* ---- approvals ---- */

/* Have the TPM check one of K's signatures. */
static TSS2_RC
verify_signature(const struct card_tpm *c, const struct digest *d,
    const struct authority_signature *signature, TPMT_TK_VERIFIED *out)
{
	const TPM2B_PUBLIC area = authority_template(&c->record->k);
	const TPMT_SIGNATURE sig = authority_tpmt(signature);
	const TPM2B_DIGEST digest = digest_tpm2b(d);
	TPM2_HANDLE key = 0;
	TSS2_RC rc;

	/* In the owner hierarchy: the TPM gives tickets of the null hierarchy no force. */
	rc = Tss2_Sys_LoadExternal(c->tpm->sys, NULL, NULL, &area, TPM2_RH_OWNER, &key, NULL, NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_VerifySignature(c->tpm->sys, key, NULL, &digest, &sig, out, NULL);
	handle_flush(c->tpm, &key);
	return rc;
}

/* PolicyAuthorize: replace what the session has proven by K's approval of it. */
static TSS2_RC
authorize(const struct card_tpm *c, const struct digest *approved, const char *ref,
    const struct authority_signature *signature, const struct session *session)
{
	const TPM2B_DIGEST policy = digest_tpm2b(approved);
	const TPM2B_NONCE policy_ref = nonce_tpm2b(rbuf_str(ref));
	const TPM2B_NAME k_name = name_tpm2b(&c->record->k_name);
	TPMT_TK_VERIFIED verified = { .tag = 0 };
	struct digest d;
	TSS2_RC rc;

	if (!approval_digest(approved, ref, &d))
		return RC_CRYPTO;
	rc = verify_signature(c, &d, signature, &verified);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_PolicyAuthorize(c->tpm->sys, session->handle, NULL, &policy,
		    &policy_ref, &k_name, &verified, NULL);
	return rc;
}

TSS2_RC
reference_approve(const struct card_tpm *c, enum approval_id id, struct session *session)
{
	const enum card_index target = approval_target(id);
	struct digest cphash, policy;
	TPM2B_DIGEST restricted;
	TSS2_RC rc;

	if (!record_approved_policy(c->record, id, &policy) ||
	    !cphash_reset_count(&c->record->name[target], &cphash))
		return RC_CRYPTO;
	restricted = digest_tpm2b(&cphash);
	if (id == COUNT_BY_PUK || id == COUNT_BY_ADMIN)
		rc = Tss2_Sys_PolicyCpHash(c->tpm->sys, session->handle, NULL, &restricted, NULL);
	else
		rc = Tss2_Sys_PolicyCommandCode(c->tpm->sys, session->handle, NULL,
		    TPM2_CC_NV_ChangeAuth, NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = authorize(c, &policy, index_label(target), &c->record->approval[id], session);
	return rc;
}

/* Start a session, prove, and have the approval's command approved. */
static TSS2_RC
approved_session(const struct card_tpm *c, enum approval_id id, const struct secret *auth,
    struct session *out)
{
	PROVER(prover);
	TSS2_RC rc;

	if (!c->record->approved[id])
		return RC_ABSENT;
	rc = session_open(c->tpm, &c->storage, TPM2_SE_POLICY, out);
	if (rc == TSS2_RC_SUCCESS)
		rc = prover_begin(c, approval_prover(id), auth, &prover);
	if (rc == TSS2_RC_SUCCESS)
		rc = reference_prove(c, &prover, out, approval_purpose(id), 0, NULL);
	prover_end(c, &prover);
	if (rc == TSS2_RC_SUCCESS)
		rc = reference_approve(c, id, out);
	return rc;
}

TSS2_RC
reference_set(const struct card_tpm *c, enum approval_id id, struct session *session,
    const struct secret *fresh)
{
	const struct entity index = reference_entity(c, approval_target(id));
	TPM2B_AUTH value = nonce_tpm2b(secret_view(fresh));
	SESSION(envelope);
	/*
	 * The new secret travels in a session that authorises nothing: into the
	 * key of one that does the TPM mixes the old authValue, which a PUK
	 * holder does not know, and what arrived would be garbage.
	 */
	const struct command command = { .entities = { index },
		.by = { { .session = session },
		    { .session = &envelope, .use = TPMA_SESSION_DECRYPT } } };
	TSS2_RC rc;

	rc = reference_check(c, approval_target(id));
	if (rc == TSS2_RC_SUCCESS)
		rc = session_open(c->tpm, &c->storage, TPM2_SE_HMAC, &envelope);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_NV_ChangeAuth_Prepare(c->tpm->sys, index.handle, &value);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(c->tpm, &command);
	session_close(c->tpm, &envelope);
	explicit_bzero(&value, sizeof value);
	return rc;
}

TSS2_RC
reference_zero(const struct card_tpm *c, enum approval_id id, struct session *session)
{
	const TPM2B_MAX_NV_BUFFER zeros = { .size = 4 };
	const struct entity index = reference_entity(c, approval_target(id));
	const struct command command = { .entities = { index, index },
		.by = { { .session = session } } };
	TSS2_RC rc;

	rc = reference_check(c, approval_target(id));
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_NV_Write_Prepare(c->tpm->sys, index.handle, index.handle, &zeros, 0);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(c->tpm, &command);
	return rc;
}

TSS2_RC
reference_change(const struct card_tpm *c, enum approval_id id, const struct secret *auth,
    const struct secret *fresh)
{
	SESSION(session);
	TSS2_RC rc;

	rc = approved_session(c, id, auth, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = reference_set(c, id, &session, fresh);
	session_close(c->tpm, &session);
	return rc;
}

TSS2_RC
reference_reset_count(const struct card_tpm *c, enum approval_id id, const struct secret *auth)
{
	SESSION(session);
	TSS2_RC rc;

	rc = approved_session(c, id, auth, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = reference_zero(c, id, &session);
	session_close(c->tpm, &session);
	return rc;
}

/* ---- counts ---- */

TSS2_RC
reference_tries(const struct card_tpm *c, enum card_index which, struct tries *out)
{
	const struct entity index = reference_entity(c, which);
	TPM2B_MAX_NV_BUFFER data = { .size = sizeof data.buffer };
	uint32_t count, limit;
	struct rbuf in;
	OWNER(owner);
	const struct command command = { .entities = { { TPM2_RH_OWNER, NULL }, index },
		.by = { { .session = &owner.session, .auth = &owner.auth } } };
	TSS2_RC rc;

	rc = reference_check(c, which);
	if (rc == TSS2_RC_SUCCESS)
		rc = owner_begin(c->tpm, &c->storage, &owner);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_NV_Read_Prepare(c->tpm->sys, TPM2_RH_OWNER, index.handle, 8, 0);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(c->tpm, &command);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_NV_Read_Complete(c->tpm->sys, &data);
	owner_end(c->tpm, &owner);
	/* The site has set an owner's authorisation that we were not given. */
	if (rc_base(rc) == rc_base(TPM2_RC_BAD_AUTH) || rc_base(rc) == rc_base(TPM2_RC_AUTH_FAIL))
		rc = RC_UNKNOWABLE;
	if (rc == TSS2_RC_SUCCESS) {
		in = rbuf_of(data.buffer, data.size);
		if (!rbuf_u32(&in, &count) || !rbuf_u32(&in, &limit))
			rc = RC_IMPOSTOR;
		else
			*out = (struct tries){ count < limit ? limit - count : 0, limit };
	}
	return rc;
}
