/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/command.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "tpm/kdf.h"
#include "tpm/rc.h"

/* KDFa's label for parameter encryption, and what it is asked for: key and IV of AES-128. */
#define LABEL_CFB "CFB"
#define CIPHER_KEY_OCTETS 16
#define CIPHER_IV_OCTETS 16

/* The largest first parameter. */
#define PARAMETER_MAX TPM2_MAX_COMMAND_SIZE

/* pHash, four nonces, attributes. */
#define MAC_INPUT_MAX (TPM2_SHA256_DIGEST_SIZE + 4 * sizeof((TPM2B_NONCE *)0)->buffer + 1)

/* A command on its way. */
struct exchange {
	struct tpm *t;
	const struct command *c;
	size_t sessions;
	TPM2B_NONCE caller[COMMAND_SESSIONS_MAX]; /* this command's nonceCaller */
	struct digest hash;			  /* cpHash, then rpHash */
};

static bool
is_password(const struct authorization *by)
{
	return by->session->handle == TPM2_RS_PW;
}

static struct rbuf
nonce_view(const TPM2B_NONCE *n)
{
	return rbuf_of(n->buffer, n->size);
}

/*
 * sessionKey || authValue, which the TPM keeps without zeros at its end.  A
 * policy session's HMAC leaves the authValue out; we give it none.
 */
static bool
key_of(const struct authorization *by, struct secret *out)
{
	struct wbuf w = wbuf_over(out->data, sizeof out->data);
	struct rbuf auth = by->auth != NULL ? secret_view(by->auth) : rbuf_of(NULL, 0);

	while (auth.len != 0 && rbuf_at(auth, auth.len - 1) == 0)
		auth.len--;
	wbuf_put(&w, secret_view(&by->session->key));
	wbuf_put(&w, auth);
	out->len = w.len;
	return wbuf_ok(&w);
}

/* The session with that attribute, or NULL. */
static const struct authorization *
session_with(const struct exchange *x, TPMA_SESSION attribute, size_t *which)
{
	size_t i;

	for (i = 0; i < x->sessions; i++) {
		if ((x->c->by[i].use & attribute) != 0) {
			*which = i;
			return &x->c->by[i];
		}
	}
	return NULL;
}

/* ---- parameter encryption: TCG TPM 2.0 Part 1, 21 ---- */

static bool
crypt_parameter(const struct authorization *by, struct rbuf newer, struct rbuf older, bool encrypt,
    struct rbuf in, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nonces[2 * sizeof by->session->nonce.buffer];
	struct wbuf w = wbuf_over(nonces, sizeof nonces);
	struct rbuf view, key, iv;
	int len = 0;
	SECRET(base);
	SECRET(derived);
	bool ok;

	wbuf_put(&w, newer);
	wbuf_put(&w, older);
	ok = ctx != NULL && wbuf_ok(&w) && key_of(by, &base) &&
	    kdfa(KDF_SHA256, &base, LABEL_CFB, wbuf_view(&w), CIPHER_KEY_OCTETS + CIPHER_IV_OCTETS,
		&derived);
	view = secret_view(&derived);
	ok = ok && rbuf_take(&view, CIPHER_KEY_OCTETS, &key) &&
	    rbuf_take(&view, CIPHER_IV_OCTETS, &iv) &&
	    EVP_CipherInit_ex(ctx, EVP_aes_128_cfb128(), NULL, key.data, iv.data, encrypt) == 1 &&
	    EVP_CipherUpdate(ctx, out, &len, in.data, (int)in.len) == 1 && (size_t)len == in.len;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* Whether a session has nothing secret in it to encrypt with. */
static bool
keyless(const struct authorization *by)
{
	SECRET(key);

	return by != NULL && (!key_of(by, &key) || key.len == 0);
}

static TSS2_RC
encrypt_request(const struct exchange *x)
{
	size_t which = 0, len = 0;
	const struct authorization *by = session_with(x, TPMA_SESSION_DECRYPT, &which);
	uint8_t out[PARAMETER_MAX];
	const uint8_t *in = NULL;
	TSS2_RC rc;

	if (keyless(by) || keyless(session_with(x, TPMA_SESSION_ENCRYPT, &len)))
		return RC_CRYPTO;
	if (by == NULL)
		return TSS2_RC_SUCCESS;
	rc = Tss2_Sys_GetDecryptParam(x->t->sys, &len, &in);
	if (rc != TSS2_RC_SUCCESS || len == 0)
		return rc;
	if (len > sizeof out ||
	    !crypt_parameter(by, nonce_view(&x->caller[which]), nonce_view(&by->session->nonce),
		true, rbuf_of(in, len), out))
		return RC_CRYPTO;
	return Tss2_Sys_SetDecryptParam(x->t->sys, len, out);
}

/* The sessions' nonces are the new ones already. */
static TSS2_RC
decrypt_answer(const struct exchange *x)
{
	size_t which = 0, len = 0;
	const struct authorization *by = session_with(x, TPMA_SESSION_ENCRYPT, &which);
	uint8_t out[PARAMETER_MAX];
	const uint8_t *in = NULL;
	TSS2_RC rc;

	if (by == NULL)
		return TSS2_RC_SUCCESS;
	rc = Tss2_Sys_GetEncryptParam(x->t->sys, &len, &in);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (len > sizeof out)
		return RC_FORGED;
	if (!crypt_parameter(by, nonce_view(&by->session->nonce), nonce_view(&x->caller[which]),
		false, rbuf_of(in, len), out))
		rc = RC_CRYPTO;
	else
		rc = Tss2_Sys_SetEncryptParam(x->t->sys, len, out);
	explicit_bzero(out, len);
	return rc;
}

/* ---- HMACs: TCG TPM 2.0 Part 1, 19 ---- */

/* cpHash: command code, Names, parameters. */
static TSS2_RC
hash_request(struct exchange *x)
{
	uint8_t code[sizeof(TPM2_CC)], handles[COMMAND_ENTITIES_MAX * sizeof(TPM2_HANDLE)];
	struct rbuf parts[2 + COMMAND_ENTITIES_MAX] = { rbuf_of(code, sizeof code) };
	struct wbuf w = wbuf_over(handles, sizeof handles);
	const uint8_t *parameters = NULL;
	size_t len = 0, i, at;
	TSS2_RC rc;

	rc = Tss2_Sys_GetCommandCode(x->t->sys, code);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_GetCpBuffer(x->t->sys, &len, &parameters);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	for (i = 0; i < COMMAND_ENTITIES_MAX && x->c->entities[i].handle != 0; i++) {
		const struct entity *e = &x->c->entities[i];

		at = w.len;
		wbuf_u32(&w, e->handle);
		parts[1 + i] = e->name != NULL ? name_view(e->name) :
					     rbuf_of(handles + at, sizeof(TPM2_HANDLE));
	}
	parts[1 + i] = rbuf_of(parameters, len);
	return digest_of(parts, 2 + i, &x->hash) ? TSS2_RC_SUCCESS : RC_CRYPTO;
}

/* rpHash: response code (success), command code, parameters. */
static TSS2_RC
hash_answer(struct exchange *x)
{
	static const uint8_t success[sizeof(TPM2_RC)];
	uint8_t code[sizeof(TPM2_CC)];
	const uint8_t *parameters = NULL;
	size_t len = 0;
	TSS2_RC rc;

	rc = Tss2_Sys_GetCommandCode(x->t->sys, code);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_GetRpBuffer(x->t->sys, &len, &parameters);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	/* What tss2 hands on is the answer's own word; it compares in a size_t, which may be short. */
	if (len > TPM2_MAX_RESPONSE_SIZE)
		return RC_FORGED;
	const struct rbuf parts[] = { rbuf_of(success, sizeof success), rbuf_of(code, sizeof code),
		rbuf_of(parameters, len) };

	return digest_of(parts, sizeof parts / sizeof parts[0], &x->hash) ? TSS2_RC_SUCCESS :
									     RC_CRYPTO;
}

/*
 * The nonces of the sessions that encrypt: the first session's HMAC covers them
 * too, so that nobody takes those sessions out of the command.
 */
static void
put_other_nonces(const struct exchange *x, struct wbuf *out)
{
	size_t decrypt = 0, encrypt = 0;

	(void)session_with(x, TPMA_SESSION_DECRYPT, &decrypt);
	(void)session_with(x, TPMA_SESSION_ENCRYPT, &encrypt);
	if (decrypt != 0)
		wbuf_put(out, nonce_view(&x->c->by[decrypt].session->nonce));
	if (encrypt != 0 && encrypt != decrypt)
		wbuf_put(out, nonce_view(&x->c->by[encrypt].session->nonce));
}

static bool
mac(const struct exchange *x, size_t which, struct rbuf newer, struct rbuf older, bool request,
    TPMA_SESSION attributes, TPM2B_AUTH *out)
{
	uint8_t octets[MAC_INPUT_MAX];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	struct digest d;
	SECRET(key);

	wbuf_put(&w, digest_view(&x->hash));
	wbuf_put(&w, newer);
	wbuf_put(&w, older);
	if (request && which == 0)
		put_other_nonces(x, &w);
	wbuf_u8(&w, (uint8_t)attributes);
	if (!wbuf_ok(&w) || !key_of(&x->c->by[which], &key) ||
	    !hmac_of(secret_view(&key), wbuf_view(&w), &d))
		return false;
	*out = digest_tpm2b(&d);
	return true;
}

static TPMA_SESSION
attributes_of(const struct authorization *by)
{
	return by->use | (by->last ? 0 : TPMA_SESSION_CONTINUESESSION);
}

static TSS2_RC
authorise_request(const struct exchange *x)
{
	TSS2L_SYS_AUTH_COMMAND auths = { .count = (UINT16)x->sessions };
	size_t i;

	for (i = 0; i < x->sessions; i++) {
		const struct authorization *by = &x->c->by[i];
		TPMS_AUTH_COMMAND *auth = &auths.auths[i];

		auth->sessionHandle = by->session->handle;
		if (is_password(by))
			continue;
		auth->nonce = x->caller[i];
		auth->sessionAttributes = attributes_of(by);
		if (!mac(x, i, nonce_view(&x->caller[i]), nonce_view(&by->session->nonce), true,
			auth->sessionAttributes, &auth->hmac))
			return RC_CRYPTO;
	}
	return Tss2_Sys_SetCmdAuths(x->t->sys, &auths);
}

/* Check every session's HMAC, and only then take over the nonces. */
static TSS2_RC
check_answer(struct exchange *x)
{
	TSS2L_SYS_AUTH_RESPONSE auths = { .count = (UINT16)x->sessions };
	TPM2B_AUTH expected;
	TSS2_RC rc;
	size_t i;

	rc = Tss2_Sys_GetRspAuths(x->t->sys, &auths);
	if (rc == TSS2_RC_SUCCESS)
		rc = hash_answer(x);
	if (rc != TSS2_RC_SUCCESS || auths.count != x->sessions)
		return RC_FORGED;
	for (i = 0; i < x->sessions; i++) {
		const TPMS_AUTH_RESPONSE *auth = &auths.auths[i];

		if (is_password(&x->c->by[i]))
			continue;
		if (!mac(x, i, nonce_view(&auth->nonce), nonce_view(&x->caller[i]), false,
			auth->sessionAttributes, &expected))
			return RC_CRYPTO;
		if (!rbuf_eq_secret(rbuf_of(auth->hmac.buffer, auth->hmac.size),
			rbuf_of(expected.buffer, expected.size)))
			return RC_FORGED;
	}
	for (i = 0; i < x->sessions; i++) {
		if (is_password(&x->c->by[i]))
			continue;
		x->c->by[i].session->nonce = auths.auths[i].nonce;
		x->c->by[i].session->proven = 0;
	}
	return TSS2_RC_SUCCESS;
}

/* ---- the whole ---- */

static bool
draw_nonces(struct exchange *x)
{
	size_t i;

	for (i = 0; i < x->sessions; i++) {
		const struct session *s = x->c->by[i].session;

		x->caller[i].size = s->nonce_octets;
		if (s->nonce_octets > sizeof x->caller[i].buffer ||
		    (s->nonce_octets != 0 &&
			RAND_bytes(x->caller[i].buffer, s->nonce_octets) != 1))
			return false;
	}
	return true;
}

/* Do to the prepared command what its sessions ask for. */
static TSS2_RC
protect(struct exchange *x)
{
	TSS2_RC rc;

	while (x->sessions < COMMAND_SESSIONS_MAX && x->c->by[x->sessions].session != NULL)
		x->sessions++;
	if (x->sessions == 0)
		return TSS2_RC_SUCCESS;
	if (!draw_nonces(x))
		return RC_CRYPTO;
	rc = encrypt_request(x);
	if (rc == TSS2_RC_SUCCESS)
		rc = hash_request(x);
	if (rc == TSS2_RC_SUCCESS)
		rc = authorise_request(x);
	return rc;
}

TSS2_RC
command_run(struct tpm *t, const struct command *c)
{
	struct exchange x = { .t = t, .c = c };
	TSS2_RC rc = protect(&x);
	size_t i;

	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_ExecuteAsync(t->sys);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (c->meanwhile != NULL)
		c->meanwhile(c->context);
	rc = Tss2_Sys_ExecuteFinish(t->sys, TSS2_TCTI_TIMEOUT_BLOCK);
	if (rc != TSS2_RC_SUCCESS || x.sessions == 0)
		return rc;
	rc = check_answer(&x);
	if (rc == TSS2_RC_SUCCESS)
		rc = decrypt_answer(&x);
	for (i = 0; i < x.sessions && rc == TSS2_RC_SUCCESS; i++) {
		if (c->by[i].last)
			session_forget(c->by[i].session);
	}
	return rc;
}

TSS2_RC
random_octets(struct tpm *t, struct session *s, size_t n, struct wbuf *out)
{
	const struct command c = { .by = { { .session = s, .use = TPMA_SESSION_ENCRYPT } } };
	const size_t begin = out->len;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	/* A TPM gives at most a digest at a time, and may give less. */
	while (rc == TSS2_RC_SUCCESS && out->len - begin < n && wbuf_ok(out)) {
		TPM2B_DIGEST some = { .size = sizeof some.buffer };
		const size_t left = n - (out->len - begin);

		rc = Tss2_Sys_GetRandom_Prepare(t->sys, (UINT16)left);
		if (rc == TSS2_RC_SUCCESS)
			rc = command_run(t, &c);
		if (rc == TSS2_RC_SUCCESS)
			rc = Tss2_Sys_GetRandom_Complete(t->sys, &some);
		command_forget(t);
		if (rc == TSS2_RC_SUCCESS && (some.size == 0 || some.size > left))
			rc = RC_CRYPTO;
		if (rc == TSS2_RC_SUCCESS)
			wbuf_put(out, rbuf_of(some.buffer, some.size));
		explicit_bzero(&some, sizeof some);
	}
	return rc;
}

void
command_forget(struct tpm *t)
{
	static const uint8_t zeros[PARAMETER_MAX];
	const uint8_t *answer = NULL;
	size_t n = 0;

	if (t->sys != NULL && Tss2_Sys_GetEncryptParam(t->sys, &n, &answer) == TSS2_RC_SUCCESS &&
	    n <= sizeof zeros)
		(void)Tss2_Sys_SetEncryptParam(t->sys, n, zeros);
}
