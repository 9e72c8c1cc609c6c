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

TSS2_RC
use_create(struct tpm_vault *v, const TPM2B_PUBLIC *template, struct keyfile *out)
{
	const TPM2B_SENSITIVE_CREATE no_secret = { .size = 0 };
	const TPML_PCR_SELECTION no_pcr = { .count = 0 };
	const TPM2B_DATA no_info = { .size = 0 };
	TSS2_SYS_CONTEXT *sys = v->card.tpm->sys;
	const struct command c = { .entities = { { v->card.storage.handle, &v->card.storage.name } },
		/* Its HMAC says that the public key that comes back is the TPM's own. */
		.by = { { .session = &session_password },
		    { .session = &v->policy, .use = TPMA_SESSION_DECRYPT } } };
	TPM2B_CREATION_DATA creation = { .size = 0 };
	TSS2_RC rc;

	*out = (struct keyfile){ .parent = v->record.parent.handle,
		.private_area.size = sizeof out->private_area.buffer };
	rc = vault_policy(v);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Create_Prepare(sys, v->card.storage.handle, &no_secret, template,
		    &no_info, &no_pcr);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, &c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Create_Complete(sys, &out->private_area, &out->public_area,
		    &creation, NULL, &out->ticket);
	out->creation = creation.creationData;
	out->has_creation = true;
	return rc;
}

static TSS2_RC
step_generate(struct tpm_vault *v, void *context)
{
	struct generation *g = context;
	TPM2B_PUBLIC template;
	struct digest policy;
	TSS2_RC rc = probe_algorithm(v->card.tpm, g->algorithm);

	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (!record_key_policy(&v->record, g->rule, &policy) ||
	    !key_template(g->algorithm, ORIGIN_GENERATED, &policy, &template))
		return RC_CRYPTO;
	return use_create(v, &template, &g->key);
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
	if (!keyfile_read(key, &v->file) || !key_describe(&v->record, &v->file, &v->info) ||
	    !name_of_object(&v->file.public_area.publicArea, &v->name))
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
	TSS2_SYS_CONTEXT *sys = v->card.tpm->sys;
	const struct command c = { .entities = { { v->card.storage.handle, &v->card.storage.name } },
		.by = { { .session = &session_password },
		    { .session = &v->policy, .use = TPMA_SESSION_ENCRYPT } } };
	TSS2_RC rc;

	if (v->key != 0 && !v->stale_key)
		return TSS2_RC_SUCCESS;
	handle_flush(v->card.tpm, &v->key);
	rc = vault_policy(v);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Load_Prepare(sys, v->card.storage.handle, &v->file.private_area,
		    &v->file.public_area);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, &c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Load_Complete(sys, &v->key, NULL);
	v->stale_key = rc != TSS2_RC_SUCCESS;
	return rc;
}

/* ---- use ---- */

enum link_use
use_needs(const struct tpm_vault *v)
{
	const bool loaded = v->key != 0 && !v->stale_key && v->policy.handle != 0;

	/* An armed session comes beside the one it keeps. */
	return loaded && v->info.pin != PIN_ALWAYS ? LINK_KEPT : LINK_LOAD;
}

TSS2_RC
use_step(struct tpm_vault *v, void *context)
{
	const struct operation *op = context;
	const size_t begin = op->out->len;
	struct command c;
	SESSION(armed);
	TSS2_RC rc;

	rc = use_load(v);
	if (rc == TSS2_RC_SUCCESS) {
		rc = authorise(v, op->encryption, &armed, &c);
		if (rc == TSS2_RC_SUCCESS)
			rc = op->act(v, &c, op);
		if ((op->encryption & TPMA_SESSION_ENCRYPT) != 0)
			command_forget(v->card.tpm);
		rc = settle(v, &armed, rc);
	}
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
do_rsa(struct tpm_vault *v, const struct command *c, const struct operation *op)
{
	const TPMT_RSA_DECRYPT raw = { .scheme = TPM2_ALG_NULL };
	const TPM2B_DATA no_label = { .size = 0 };
	TPM2B_PUBLIC_KEY_RSA in = { .size = (UINT16)op->in.len },
			     result = { .size = sizeof result.buffer };
	struct rbuf from = op->in;
	TSS2_RC rc;

	if (!rbuf_copy(&from, in.buffer, op->in.len <= sizeof in.buffer ? op->in.len : SIZE_MAX))
		return RC_MISMATCH;
	rc = Tss2_Sys_RSA_Decrypt_Prepare(v->card.tpm->sys, v->key, &in, &raw, &no_label);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_RSA_Decrypt_Complete(v->card.tpm->sys, &result);
	if (rc == TSS2_RC_SUCCESS)
		rc = put_number(op->out, result.buffer, result.size, op->in.len);
	explicit_bzero(&result, sizeof result);
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
do_ecdsa(struct tpm_vault *v, const struct command *c, const struct operation *op)
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
	TPMT_SIGNATURE sig = { .sigAlg = 0 };
	TSS2_RC rc;

	rc = put_number(&w, op->in.data, op->in.len, n);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Sign_Prepare(v->card.tpm->sys, v->key, &digest, &scheme, &no_ticket);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Sign_Complete(v->card.tpm->sys, &sig);
	return rc == TSS2_RC_SUCCESS ? put_signature(op->out, &sig.signature.ecdsa) : rc;
}

static TSS2_RC
do_ecdh(struct tpm_vault *v, const struct command *c, const struct operation *op)
{
	const size_t n = key_size(v->info.algorithm);
	TPM2B_ECC_POINT in = { .point = { .x.size = (UINT16)n, .y.size = (UINT16)n } };
	TPM2B_ECC_POINT shared = { .size = 0 };
	struct rbuf from = op->in;
	uint8_t form;
	TSS2_RC rc;

	if (!rbuf_u8(&from, &form) || !rbuf_copy(&from, in.point.x.buffer, n) ||
	    !rbuf_copy(&from, in.point.y.buffer, n))
		return RC_MISMATCH;
	rc = Tss2_Sys_ECDH_ZGen_Prepare(v->card.tpm->sys, v->key, &in);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_ECDH_ZGen_Complete(v->card.tpm->sys, &shared);
	if (rc == TSS2_RC_SUCCESS)
		rc = put_number(op->out, shared.point.x.buffer, shared.point.x.size, n);
	explicit_bzero(&shared, sizeof shared);
	return rc;
}

/* clang-format off */
static const struct {
	bool (*fits)(uint8_t algorithm);
	TPMA_SESSION encryption;
	TSS2_RC (*act)(struct tpm_vault *, const struct command *, const struct operation *);
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
	return vault_use(v, "use a key", use_step, &op);
}
