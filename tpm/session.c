/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/session.h"

#include <openssl/rand.h>
#include <string.h>

#include "tpm/command.h"
#include "tpm/kdf.h"
#include "tpm/rc.h"
#include "tpm/seed.h"

/* KDFa's label for a session's key: TCG TPM 2.0 Part 1, 19.6.8 */
#define LABEL_SESSION_KEY "ATH"

TSS2_RC
parent_read(struct tpm *t, const struct parent *parent, struct storage_key *out)
{
	TPM2B_PUBLIC area = { .size = 0 };
	struct name name;
	TSS2_RC rc;

	rc = Tss2_Sys_ReadPublic(t->sys, parent->handle, NULL, &area, NULL, NULL, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (!name_of_object(&area.publicArea, &name) ||
	    !rbuf_eq(name_view(&name), name_view(&parent->name)))
		return RC_IMPOSTOR;
	*out = (struct storage_key){ parent->handle, name, area.publicArea };
	return TSS2_RC_SUCCESS;
}

struct session session_password = { .handle = TPM2_RS_PW };

/* ---- starting ---- */

/* sessionKey, from salt and nonces. */
static bool
derive_key(struct secret *salt, const TPM2B_NONCE *caller, struct session *s)
{
	uint8_t nonces[2 * sizeof caller->buffer];
	struct wbuf w = wbuf_over(nonces, sizeof nonces);

	wbuf_put(&w, rbuf_of(s->nonce.buffer, s->nonce.size));
	wbuf_put(&w, rbuf_of(caller->buffer, caller->size));
	return wbuf_ok(&w) &&
	    kdfa(KDF_SHA256, salt, LABEL_SESSION_KEY, wbuf_view(&w), TPM2_SHA256_DIGEST_SIZE,
		&s->key);
}

/*
 * The salt for a session: one for all those of a turn, since to agree on one takes
 * longer than all else here.  What sets their keys apart is the nonces.
 */
static TSS2_RC
salt_for(struct tpm *t, const struct storage_key *to)
{
	TSS2_RC rc;

	if (t->salt.octets.len != 0 && rbuf_eq(name_view(&t->salt.key), name_view(&to->name)))
		return TSS2_RC_SUCCESS;
	rc = seed_make(&to->area, SEED_OF_SESSION, &t->salt.octets, &t->salt.encrypted);
	if (rc == TSS2_RC_SUCCESS)
		t->salt.key = to->name;
	else
		secret_clear(&t->salt.octets);
	return rc;
}

void
session_foresee(struct tpm *t, const struct storage_key *salt)
{
	if (salt_for(t, salt) != TSS2_RC_SUCCESS)
		log_debug("no salt for a session yet"); /* whoever starts it says what that means */
}

static TSS2_RC
start(struct tpm *t, const struct storage_key *to, TPM2_SE type, uint16_t nonce_octets,
    struct session *out)
{
	const TPMT_SYM_DEF aes = {
		.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB
	};
	const TPM2B_ENCRYPTED_SECRET no_salt = { .size = 0 };
	TPM2B_NONCE caller = { .size = nonce_octets };
	SESSION(s);
	TSS2_RC rc = TSS2_RC_SUCCESS;

	s.policy = type == TPM2_SE_POLICY;
	s.nonce_octets = nonce_octets;
	if (RAND_bytes(caller.buffer, nonce_octets) != 1)
		return RC_CRYPTO;
	if (to != NULL)
		rc = salt_for(t, to);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_StartAuthSession(t->sys, to != NULL ? to->handle : TPM2_RH_NULL,
		    TPM2_RH_NULL, NULL, &caller, to != NULL ? &t->salt.encrypted : &no_salt, type,
		    &aes, TPM2_ALG_SHA256, &s.handle, &s.nonce, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (to != NULL && !derive_key(&t->salt.octets, &caller, &s)) {
		session_close(t, &s);
		return RC_CRYPTO;
	}
	*out = s;
	return TSS2_RC_SUCCESS;
}

TSS2_RC
session_open(struct tpm *t, const struct storage_key *salt, TPM2_SE type, struct session *out)
{
	return start(t, salt, type, TPM2_SHA256_DIGEST_SIZE, out);
}

TSS2_RC
session_open_short(struct tpm *t, const struct storage_key *salt, struct session *out)
{
	return start(t, salt, TPM2_SE_POLICY, SHORT_NONCE_OCTETS, out);
}

TSS2_RC
session_confirm(struct tpm *t, struct session *s)
{
	const struct command c = { .by = { { .session = s, .use = TPMA_SESSION_ENCRYPT } } };
	TSS2_RC rc;

	rc = Tss2_Sys_GetRandom_Prepare(t->sys, 8);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(t, &c);
	/* The session does not know the salt: nobody's secret is wrong, the session is. */
	if (rc == RC_FORGED || rc_base(rc) == rc_base(TPM2_RC_BAD_AUTH) ||
	    rc_base(rc) == rc_base(TPM2_RC_AUTH_FAIL))
		rc = RC_IMPOSTOR;
	return rc;
}

/* ---- ending, and between turns ---- */

void
handle_flush(struct tpm *t, TPM2_HANDLE *handle)
{
	/* A failure means that it is gone from the TPM already. */
	if (*handle != 0 && t->sys != NULL)
		(void)Tss2_Sys_FlushContext(t->sys, *handle);
	*handle = 0;
}

void
session_forget(struct session *s)
{
	explicit_bzero(s, sizeof *s);
}

void
session_close(struct tpm *t, struct session *s)
{
	if (s->handle != TPM2_RS_PW)
		handle_flush(t, &s->handle);
	session_forget(s);
}

TSS2_RC
session_save(struct tpm *t, struct session *s, TPMS_CONTEXT *saved)
{
	return Tss2_Sys_ContextSave(t->sys, s->handle, saved);
}

TSS2_RC
session_load(struct tpm *t, const TPMS_CONTEXT *saved, struct session *s)
{
	return Tss2_Sys_ContextLoad(t->sys, saved, &s->handle);
}

/* ---- the owner ---- */

TSS2_RC
owner_begin(struct tpm *t, const struct storage_key *key, struct owner *out)
{
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (!link_owner_auth(t, &out->auth, NULL))
		return RC_UNKNOWABLE;
	if (out->auth.len != 0)
		rc = session_open(t, key, TPM2_SE_HMAC, &out->session);
	else
		out->session.handle = TPM2_RS_PW;
	return rc;
}

void
owner_end(struct tpm *t, struct owner *o)
{
	session_close(t, &o->session);
	secret_clear(&o->auth);
}

void
owner_forget(struct owner *o)
{
	session_forget(&o->session);
	secret_clear(&o->auth);
}
