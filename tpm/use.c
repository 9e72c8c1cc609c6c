/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys at work: generate, load, authorise, operate. */
#include <openssl/ec.h>
#include <string.h>

#include "tpm/probe.h"
#include "tpm/rc.h"
#include "tpm/vault.h"

static struct tpm_vault *
own(struct vault *vault)
{
	return (struct tpm_vault *)vault;
}

/* ---- generate ---- */

struct generation {
	uint8_t algorithm;
	enum pin_rule rule;
	struct keyfile key;
};

static TSS2_RC
step_generate(struct tpm_vault *v, void *context)
{
	const TPM2B_SENSITIVE_CREATE no_secret = { .size = 0 };
	const TPML_PCR_SELECTION no_pcr = { .count = 0 };
	const TPM2B_DATA no_info = { .size = 0 };
	ESYS_CONTEXT *esys = v->card.tpm->esys;
	struct generation *g = context;
	ESYS_TR session = ESYS_TR_NONE;
	TPM2B_PRIVATE *private_area = NULL;
	TPM2B_PUBLIC *public_area = NULL;
	TPM2B_PUBLIC template;
	struct digest policy;
	TSS2_RC rc = probe_algorithm(v->card.tpm, g->algorithm);

	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (!record_key_policy(&v->record, g->rule, &policy) ||
	    !key_template(g->algorithm, ORIGIN_GENERATED, &policy, &template))
		return RC_CRYPTO;
	/* Salted, so that the public key that comes back is the TPM's own. */
	rc = session_start(v->card.tpm, v->card.parent, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Create(esys, v->card.parent, session, ESYS_TR_NONE, ESYS_TR_NONE,
		    &no_secret, &template, &no_info, &no_pcr, &private_area, &public_area, NULL,
		    NULL, NULL);
	if (rc == TSS2_RC_SUCCESS)
		g->key = (struct keyfile){ .parent = v->record.parent.handle,
			.public_area = *public_area, .private_area = *private_area };
	Esys_Free(private_area);
	Esys_Free(public_area);
	session_end(v->card.tpm, &session);
	return rc;
}

enum vault_err
use_generate(struct vault *vault, uint8_t algorithm, enum pin_rule rule, struct wbuf *key,
    struct wbuf *public_value)
{
	struct generation g = { .algorithm = algorithm, .rule = rule };
	const size_t key_begin = key->len, public_begin = public_value->len;
	enum vault_err err;

	err = vault_run(own(vault), "generate a key", LINK_SECONDS_GENERATE, true, step_generate, &g);
	if (err != VAULT_OK)
		return err;
	if (!keyfile_write(&g.key, key) || !wbuf_ok(key) ||
	    !key_public_value(&g.key.public_area, algorithm, public_value)) {
		wbuf_truncate(key, key_begin);
		wbuf_truncate(public_value, public_begin);
		return VAULT_FAULT;
	}
	return VAULT_OK;
}

/* ---- which key ---- */

bool
use_adopt(struct tpm_vault *v, struct rbuf key)
{
	if (key.len == 0)
		return false;
	if (rbuf_eq(key, wbuf_view(&v->loaded)))
		return true;
	/* Another one: the loaded key is flushed when the next is loaded. */
	wbuf_truncate(&v->loaded, 0);
	if (!keyfile_read(key, &v->file) || !key_describe(&v->record, &v->file, &v->info))
		return false;
	wbuf_put(&v->loaded, key);
	if (!wbuf_ok(&v->loaded)) {
		wbuf_truncate(&v->loaded, 0);
		return false;
	}
	v->stale_key = true;
	return true;
}

enum vault_err
use_describe(struct vault *vault, struct rbuf key, struct key_info *out)
{
	struct tpm_vault *v = own(vault);

	if (!use_adopt(v, key))
		return VAULT_MISMATCH;
	*out = v->info;
	return VAULT_OK;
}

enum vault_err
use_public_value(struct vault *vault, struct rbuf key, struct wbuf *out)
{
	const size_t begin = out->len;
	struct tpm_vault *v = own(vault);

	if (!use_adopt(v, key))
		return VAULT_MISMATCH;
	if (!key_public_value(&v->file.public_area, v->info.algorithm, out)) {
		wbuf_truncate(out, begin);
		return VAULT_MISMATCH;
	}
	return VAULT_OK;
}

TSS2_RC
use_load(struct tpm_vault *v)
{
	ESYS_TR session = ESYS_TR_NONE;
	TSS2_RC rc;

	if (v->key != ESYS_TR_NONE && !v->stale_key)
		return TSS2_RC_SUCCESS;
	session_end(v->card.tpm, &v->key);
	rc = session_start(v->card.tpm, v->card.parent, TPM2_SE_HMAC, 0, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Load(v->card.tpm->esys, v->card.parent, session, ESYS_TR_NONE,
		    ESYS_TR_NONE, &v->file.private_area, &v->file.public_area, &v->key);
	session_end(v->card.tpm, &session);
	v->stale_key = rc != TSS2_RC_SUCCESS;
	return rc;
}

/* ---- what stays loaded ---- */

static TPM2_HANDLE
handle_of(struct tpm_vault *v, ESYS_TR object)
{
	TPM2_HANDLE handle = 0;

	if (object != ESYS_TR_NONE)
		(void)Esys_TR_GetTpmHandle(v->card.tpm->esys, object, &handle);
	return handle;
}

static void
forget_evicted(struct tpm_vault *v, ESYS_TR *object)
{
	if (*object == ESYS_TR_NONE || link_keeps(v->card.tpm, handle_of(v, *object)))
		return;
	(void)Esys_TR_Close(v->card.tpm->esys, object);
	*object = ESYS_TR_NONE;
}

void
use_forget_evicted(struct tpm_vault *v)
{
	if (!link_shared(v->card.tpm))
		return;
	forget_evicted(v, &v->key);
	forget_evicted(v, &v->policy);
}

void
use_keep(struct tpm_vault *v)
{
	armed_save(v);
	link_keep(v->card.tpm, handle_of(v, v->key), handle_of(v, v->policy));
}

/* ---- authorise ---- */

/* Have the TPM check that LIFE is there and was written by the card's creator. */
static TSS2_RC
prove_life(struct tpm_vault *v, ESYS_TR session)
{
	const TPM2B_OPERAND zeros = { .size = 8 };
	ESYS_TR life = ESYS_TR_NONE;
	TSS2_RC rc = reference_open(&v->card, INDEX_LIFE, &life);

	if (rc == TSS2_RC_SUCCESS) {
		rc = Esys_PolicyNV(v->card.tpm->esys, life, life, session, ESYS_TR_PASSWORD,
		    ESYS_TR_NONE, ESYS_TR_NONE, &zeros, 0, TPM2_EO_EQ);
		(void)Esys_TR_Close(v->card.tpm->esys, &life);
	}
	return rc;
}

static TSS2_RC
prove_ticket(struct tpm_vault *v, ESYS_TR session)
{
	const TPM2B_NONCE ref = nonce_tpm2b(rbuf_str(PURPOSE_USE));
	const TPM2B_NAME pin = name_tpm2b(&v->record.name[INDEX_PIN]);
	const TPM2B_DIGEST no_cphash = { .size = 0 };

	if (!v->ticket.held)
		return RC_NO_PROOF;
	return Esys_PolicyTicket(v->card.tpm->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &v->ticket.timeout, &no_cphash, &ref, &pin, &v->ticket.ticket);
}

/* Get a session that satisfies the adopted key's policy for one use. */
static TSS2_RC
authorise(struct tpm_vault *v, TPMA_SESSION encryption, ESYS_TR *out)
{
	TSS2_RC rc;

	if (v->info.pin == PIN_ALWAYS)
		return armed_take(v, encryption, out);
	rc = vault_policy(v, encryption, out);
	if (rc == TSS2_RC_SUCCESS)
		rc = v->info.pin == PIN_NEVER ? prove_life(v, *out) : prove_ticket(v, *out);
	return rc;
}

/* After the use: an armed session is spent; the other one is kept, unless something went wrong with it. */
static void
settle(struct tpm_vault *v, ESYS_TR session, TSS2_RC rc)
{
	if (session == ESYS_TR_NONE || (session == v->policy && rc == TSS2_RC_SUCCESS))
		return;
	if (session == v->policy)
		v->policy = ESYS_TR_NONE;
	session_end(v->card.tpm, &session);
}

/* ---- use ---- */

enum link_use
use_needs(const struct tpm_vault *v, vault_step step)
{
	const bool loaded = v->key != ESYS_TR_NONE && !v->stale_key;

	if (step != use_step)
		return LINK_ALONE;
	/* An armed session comes beside the one it keeps. */
	if (v->info.pin == PIN_ALWAYS)
		return loaded ? LINK_LOAD : LINK_ALONE;
	return loaded && v->policy != ESYS_TR_NONE ? LINK_KEPT : LINK_LOAD;
}

TSS2_RC
use_step(struct tpm_vault *v, void *context)
{
	const struct operation *op = context;
	const size_t begin = op->out->len;
	ESYS_TR session = ESYS_TR_NONE;
	TSS2_RC rc;

	rc = use_load(v);
	if (rc == TSS2_RC_SUCCESS)
		rc = authorise(v, op->encryption, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = op->act(v, session, op);
	if ((op->encryption & TPMA_SESSION_ENCRYPT) != 0)
		session_forget_answer(v->card.tpm);
	settle(v, session, rc);
	if (rc == TSS2_RC_SUCCESS && !wbuf_ok(op->out))
		rc = RC_MISMATCH;
	if (rc != TSS2_RC_SUCCESS)
		wbuf_truncate(op->out, begin);
	return rc;
}

/* ---- private keys ---- */

/* Append a number of the TPM as n octets. */
static TSS2_RC
put_number(struct wbuf *out, const uint8_t *octets, size_t len, size_t n)
{
	if (len > n)
		return RC_MISMATCH;
	wbuf_fill(out, 0, n - len);
	wbuf_put(out, rbuf_of(octets, len));
	return TSS2_RC_SUCCESS;
}

static TSS2_RC
do_rsa(struct tpm_vault *v, ESYS_TR session, const struct operation *op)
{
	const TPMT_RSA_DECRYPT raw = { .scheme = TPM2_ALG_NULL };
	const TPM2B_DATA no_label = { .size = 0 };
	TPM2B_PUBLIC_KEY_RSA in = { .size = (UINT16)op->in.len }, *result = NULL;
	struct rbuf from = op->in;
	TSS2_RC rc;

	if (!rbuf_copy(&from, in.buffer, op->in.len <= sizeof in.buffer ? op->in.len : SIZE_MAX))
		return RC_MISMATCH;
	rc = Esys_RSA_Decrypt(v->card.tpm->esys, v->key, session, ESYS_TR_NONE, ESYS_TR_NONE, &in,
	    &raw, &no_label, &result);
	if (rc == TSS2_RC_SUCCESS) {
		rc = put_number(op->out, result->buffer, result->size, op->in.len);
		explicit_bzero(result, sizeof *result);
	}
	Esys_Free(result);
	return rc;
}

/* r and s as ECDSA-Sig-Value in DER. */
static TSS2_RC
put_signature(struct wbuf *out, const TPMS_SIGNATURE_ECDSA *sig)
{
	BIGNUM *r = BN_bin2bn(sig->signatureR.buffer, sig->signatureR.size, NULL);
	BIGNUM *s = BN_bin2bn(sig->signatureS.buffer, sig->signatureS.size, NULL);
	ECDSA_SIG *pair = ECDSA_SIG_new();
	uint8_t *der = NULL;
	int len = -1;

	if (pair != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = s = NULL; /* the pair's now */
		len = i2d_ECDSA_SIG(pair, &der);
	}
	if (len > 0)
		wbuf_put(out, rbuf_of(der, (size_t)len));
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	BN_free(r);
	BN_free(s);
	return len > 0 ? TSS2_RC_SUCCESS : RC_CRYPTO;
}

static TSS2_RC
do_ecdsa(struct tpm_vault *v, ESYS_TR session, const struct operation *op)
{
	/* The TPM takes digests of its hashes' sizes only; zeros in front make the same number. */
	const bool wide = op->in.len > TPM2_SHA256_DIGEST_SIZE;
	const size_t n = wide ? TPM2_SHA384_DIGEST_SIZE : TPM2_SHA256_DIGEST_SIZE;
	const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_ECDSA,
		.details.ecdsa.hashAlg = wide ? TPM2_ALG_SHA384 : TPM2_ALG_SHA256 };
	const TPMT_TK_HASHCHECK no_ticket = { .tag = TPM2_ST_HASHCHECK,
		.hierarchy = TPM2_RH_NULL };
	TPM2B_DIGEST digest = { .size = (UINT16)n };
	struct wbuf w = wbuf_over(digest.buffer, n);
	TPMT_SIGNATURE *sig = NULL;
	TSS2_RC rc;

	rc = put_number(&w, op->in.data, op->in.len, n);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Sign(v->card.tpm->esys, v->key, session, ESYS_TR_NONE, ESYS_TR_NONE,
		    &digest, &scheme, &no_ticket, &sig);
	if (rc == TSS2_RC_SUCCESS)
		rc = put_signature(op->out, &sig->signature.ecdsa);
	Esys_Free(sig);
	return rc;
}

static TSS2_RC
do_ecdh(struct tpm_vault *v, ESYS_TR session, const struct operation *op)
{
	const size_t n = key_size(v->info.algorithm);
	TPM2B_ECC_POINT in = { .point = { .x.size = (UINT16)n, .y.size = (UINT16)n } };
	TPM2B_ECC_POINT *shared = NULL;
	struct rbuf from = op->in;
	uint8_t form;
	TSS2_RC rc;

	if (!rbuf_u8(&from, &form) || !rbuf_copy(&from, in.point.x.buffer, n) ||
	    !rbuf_copy(&from, in.point.y.buffer, n))
		return RC_MISMATCH;
	rc = Esys_ECDH_ZGen(v->card.tpm->esys, v->key, session, ESYS_TR_NONE, ESYS_TR_NONE, &in,
	    &shared);
	if (rc == TSS2_RC_SUCCESS) {
		rc = put_number(op->out, shared->point.x.buffer, shared->point.x.size, n);
		explicit_bzero(shared, sizeof *shared);
	}
	Esys_Free(shared);
	return rc;
}

/* clang-format off */
static const struct {
	bool (*fits)(uint8_t algorithm);
	TPMA_SESSION encryption;
	TSS2_RC (*act)(struct tpm_vault *, ESYS_TR, const struct operation *);
} operations[] = {
	[KEY_RSA]   = { key_is_rsa, TPMA_SESSION_ENCRYPT, do_rsa },
	[KEY_ECDSA] = { key_is_ecc, 0,                    do_ecdsa }, /* a signature is no secret */
	[KEY_ECDH]  = { key_is_ecc, TPMA_SESSION_ENCRYPT, do_ecdh },
};
/* clang-format on */

/* Big-endian numbers of the same length. */
static bool
smaller(struct rbuf a, struct rbuf b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) < 0;
}

/*
 * Whether the input is one the key can take.  Asked before the TPM is: to a
 * block not below the modulus it answers as if it were broken.
 */
static bool
input_fits(const struct tpm_vault *v, enum key_operation kind, struct rbuf in)
{
	const TPM2B_PUBLIC_KEY_RSA *modulus = &v->file.public_area.publicArea.unique.rsa;
	const size_t n = key_size(v->info.algorithm);

	if (!operations[kind].fits(v->info.algorithm))
		return false;
	switch (kind) {
	case KEY_RSA:
		return in.len == n && smaller(in, rbuf_of(modulus->buffer, modulus->size));
	case KEY_ECDSA:
		return in.len >= 1 && in.len <= n;
	case KEY_ECDH:
		return in.len == 1 + 2 * n && rbuf_at(in, 0) == 0x04;
	}
	return false;
}

enum vault_err
use_operate(struct vault *vault, struct rbuf key, enum key_operation kind, struct rbuf in,
    struct wbuf *out)
{
	struct operation op = { operations[kind].encryption, operations[kind].act, in, out };
	struct tpm_vault *v = own(vault);

	if (!use_adopt(v, key) || !input_fits(v, kind, in))
		return VAULT_MISMATCH;
	/* Repeating is safe: a proof that was spent is not there a second time. */
	return vault_run(v, "use a key", LINK_SECONDS, true, use_step, &op);
}
