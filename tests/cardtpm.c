/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/cardtpm.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/param_build.h>
#include <string.h>
#include <tss2/tss2_tctildr.h>

#include "tests/suite.h"
#include "tpm/link.h"

/* The seed's DEFAULT, and on to 32 octets. */
const uint8_t cardtpm_admin_key[24] = { 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4,
	5, 6, 7, 8 };
const uint8_t cardtpm_admin_key32[32] = { 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3,
	4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8 };

const struct cardtpm_kind cardtpm_usual = {
	.puk = true,
	.admin_unblock = true,
	.admin_algorithm = ALG_3DES,
	.pin_cache = 86400,
};

static size_t
admin_key_octets(uint8_t algorithm)
{
	return algorithm == ALG_AES_128 ? 16 : algorithm == ALG_AES_256 ? 32 : 24;
}

void
cardtpm_make(struct cardtpm *c, const struct cardtpm_kind *kind, struct rbuf sibling)
{
	uint8_t octets[TPM_CLAIMS_MAX];
	struct wbuf claims = wbuf_over(octets, sizeof octets);
	struct tpm_creation *creation = NULL;
	struct failure why = { .text = "" };
	SECRET(pin);
	SECRET(puk);
	SECRET(key);
	struct tpm_spec spec = { .pin = &pin, .pin_tries = 5, .puk = kind->puk ? &puk : NULL,
		.puk_tries = 5, .admin_key = kind->random_admin ? NULL : &key,
		.admin_algorithm = kind->admin_algorithm, .admin_unblock = kind->admin_unblock,
		.profile = rbuf_str("profile") };

	ck_assert(secret_set(&pin, rbuf_str(CARDTPM_PIN)));
	ck_assert(secret_set(&puk, rbuf_str(CARDTPM_PUK)));
	ck_assert(secret_set(&key,
	    rbuf_of(cardtpm_admin_key32, admin_key_octets(kind->admin_algorithm))));
	c->config.pin_cache = kind->pin_cache;
	c->tpm = tpm_new(&c->config);
	ck_assert_ptr_nonnull(c->tpm);
	c->record = wbuf_over(c->record_octets, sizeof c->record_octets);
	c->admin = wbuf_over(c->admin_octets, sizeof c->admin_octets);
	ck_assert_msg(tpm_creation_plan(c->tpm, &spec, sibling, &creation, &claims, &why) == TPM_OK,
	    "%s", why.text);
	ck_assert(secret_set(&c->random, rbuf_str("left over")));
	ck_assert_msg(tpm_creation_run(creation, &c->record, &c->admin, &c->random, &why) == TPM_OK,
	    "%s", why.text);
	tpm_creation_free(creation);
	ck_assert_int_eq(tpm_vault_open(c->tpm, wbuf_view(&c->record), &c->vault), TPM_OK);
}

void
cardtpm_prepare(struct cardtpm *c)
{
	memset(c, 0, sizeof *c);
	swtpm_begin(&c->swtpm);
	c->config = (struct tpm_config){ .tcti = c->swtpm.tcti, .lease = c->swtpm.lease };
}

void
cardtpm_begin(struct cardtpm *c, const struct cardtpm_kind *kind)
{
	cardtpm_prepare(c);
	cardtpm_make(c, kind, rbuf_of(NULL, 0));
}

void
cardtpm_begin_certified(struct cardtpm *c, const struct cardtpm_kind *kind)
{
	memset(c, 0, sizeof *c);
	swtpm_begin_certified(&c->swtpm);
	c->config = (struct tpm_config){ .tcti = c->swtpm.tcti, .lease = c->swtpm.lease };
	cardtpm_make(c, kind, rbuf_of(NULL, 0));
}

void
cardtpm_join(struct cardtpm *c, const struct cardtpm *first, const struct cardtpm_kind *kind)
{
	memset(c, 0, sizeof *c);
	c->config = first->config;
	cardtpm_make(c, kind, wbuf_view(&first->record));
}

void
cardtpm_end(struct cardtpm *c)
{
	tpm_vault_free(c->vault);
	tpm_free(c->tpm);
	if (c->swtpm.dir[0] != '\0')
		swtpm_end(&c->swtpm);
	memset(c, 0, sizeof *c);
}

enum vault_err
cardtpm_verify(struct cardtpm *c, const char *pin)
{
	SECRET(value);

	ck_assert(secret_set(&value, rbuf_str(pin)));
	return vault_verify(c->vault, &value);
}

enum vault_err
cardtpm_change(struct cardtpm *c, enum reference which, const char *old, const char *fresh)
{
	SECRET(a);
	SECRET(b);

	ck_assert(secret_set(&a, rbuf_str(old)) && secret_set(&b, rbuf_str(fresh)));
	return vault_change(c->vault, which, &a, &b);
}

enum vault_err
cardtpm_unblock(struct cardtpm *c, const char *puk, const char *pin)
{
	SECRET(a);
	SECRET(b);

	ck_assert(secret_set(&a, rbuf_str(puk)) && secret_set(&b, rbuf_str(pin)));
	return vault_unblock(c->vault, REFERENCE_PUK, &a, &b);
}

void
cardtpm_generate(struct cardtpm *c, uint8_t algorithm, enum pin_rule rule)
{
	c->algorithm = algorithm;
	c->key = wbuf_over(c->key_octets, sizeof c->key_octets);
	c->public_value = wbuf_over(c->public_octets, sizeof c->public_octets);
	ck_assert_int_eq(vault_generate(c->vault, algorithm, rule, &c->key, &c->public_value),
	    VAULT_OK);
}

enum vault_err
cardtpm_operate(struct cardtpm *c, enum key_operation kind, size_t n)
{
	c->in = wbuf_over(c->in_octets, sizeof c->in_octets);
	c->out = wbuf_over(c->out_octets, sizeof c->out_octets);
	wbuf_fill(&c->in, 0x5a, n);
	return vault_operate(c->vault, wbuf_view(&c->key), kind, wbuf_view(&c->in), &c->out);
}

enum vault_err
cardtpm_sign(struct cardtpm *c)
{
	return cardtpm_operate(c, KEY_ECDSA, 32);
}

static EVP_PKEY *
from_params(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	ck_assert_int_eq(EVP_PKEY_fromdata_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	return key;
}

static EVP_PKEY *
public_key(const struct cardtpm *c)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = NULL, *e = NULL;
	EVP_PKEY *key;

	if (c->algorithm == ALG_ECC_P256 || c->algorithm == ALG_ECC_P384) {
		ck_assert_int_eq(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
				     c->algorithm == ALG_ECC_P256 ? "P-256" : "P-384", 0), 1);
		ck_assert_int_eq(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
				     c->public_value.data, c->public_value.len), 1);
		return from_params("EC", build);
	}
	n = BN_bin2bn(c->public_value.data, (int)c->public_value.len, NULL);
	e = BN_new();
	ck_assert_int_eq(BN_set_word(e, 65537), 1);
	ck_assert_int_eq(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n), 1);
	ck_assert_int_eq(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e), 1);
	key = from_params("RSA", build);
	BN_free(n);
	BN_free(e);
	return key;
}

/* out^e mod n gives back what went in. */
static bool
rsa_gives_back(struct cardtpm *c, EVP_PKEY_CTX *ctx)
{
	uint8_t back[VAULT_RESULT_MAX];
	size_t len = sizeof back;

	return EVP_PKEY_encrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
	    EVP_PKEY_encrypt(ctx, back, &len, c->out.data, c->out.len) == 1 &&
	    rbuf_eq(rbuf_of(back, len), wbuf_view(&c->in));
}

bool
cardtpm_checks(struct cardtpm *c, enum key_operation kind)
{
	EVP_PKEY *key = public_key(c);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool ok;

	if (kind == KEY_RSA)
		ok = rsa_gives_back(c, ctx);
	else
		ok = EVP_PKEY_verify_init(ctx) == 1 &&
		    EVP_PKEY_verify(ctx, c->out.data, c->out.len, c->in.data, c->in.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok;
}

bool
cardtpm_agrees(struct cardtpm *c, const char *curve)
{
	EVP_PKEY *card = public_key(c), *mine = EVP_EC_gen(curve);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
	uint8_t secret[64];
	size_t len = 0, secret_len = sizeof secret;
	bool ok;

	c->in = wbuf_over(c->in_octets, sizeof c->in_octets);
	c->out = wbuf_over(c->out_octets, sizeof c->out_octets);
	ok = EVP_PKEY_get_octet_string_param(mine, OSSL_PKEY_PARAM_PUB_KEY, c->in.data, c->in.cap,
	    &len) == 1;
	ok = ok && vault_operate(c->vault, wbuf_view(&c->key), KEY_ECDH,
	    rbuf_of(c->in.data, len), &c->out) == VAULT_OK;
	ok = ok && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, card) == 1 &&
	    EVP_PKEY_derive(ctx, secret, &secret_len) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(card);
	EVP_PKEY_free(mine);
	return ok && rbuf_eq(rbuf_of(secret, secret_len), wbuf_view(&c->out));
}

bool
cardtpm_decrypts(struct cardtpm *c, EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t clear[VAULT_RESULT_MAX], in[VAULT_RESULT_MAX];
	size_t n = (size_t)EVP_PKEY_get_size(key), len = sizeof in;
	bool ok;

	/* A block below the modulus. */
	memset(clear, 0x42, n);
	c->out = wbuf_over(c->out_octets, sizeof c->out_octets);
	ok = EVP_PKEY_encrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
	    EVP_PKEY_encrypt(ctx, in, &len, clear, n) == 1 &&
	    vault_operate(c->vault, wbuf_view(&c->key), KEY_RSA, rbuf_of(in, len), &c->out) ==
		VAULT_OK &&
	    rbuf_eq(wbuf_view(&c->out), rbuf_of(clear, n));
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

ESYS_CONTEXT *
cardtpm_esys(const struct tpm *t)
{
	ESYS_CONTEXT *esys = NULL;

	ck_assert_uint_eq(Esys_Initialize(&esys, wire_tcti(t->wire), NULL), 0);
	return esys;
}

static size_t
count(struct cardtpm *c, TPM2_HANDLE first, TPM2_HANDLE end)
{
	TSS2_TCTI_CONTEXT *tcti = NULL;
	ESYS_CONTEXT *esys = NULL;
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	size_t n = 0;
	UINT32 i;

	ck_assert_uint_eq(Tss2_TctiLdr_Initialize(c->config.tcti, &tcti), 0);
	ck_assert_uint_eq(Esys_Initialize(&esys, tcti, NULL), 0);
	ck_assert_uint_eq(Esys_GetCapability(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
			      TPM2_CAP_HANDLES, first, 64, &more, &data), 0);
	for (i = 0; i < data->data.handles.count; i++)
		n += data->data.handles.handle[i] < end;
	Esys_Free(data);
	Esys_Finalize(&esys);
	Tss2_TctiLdr_Finalize(&tcti);
	return n;
}

size_t
cardtpm_nv_count(struct cardtpm *c)
{
	return count(c, 0x018f0000, 0x01900000);
}

size_t
cardtpm_persistent_count(struct cardtpm *c)
{
	return count(c, 0x81000000U, 0x81800000U);
}

size_t
cardtpm_loaded_count(struct cardtpm *c)
{
	return count(c, 0x80000000U, 0x81000000U) +
	    count(c, 0x02000000, 0xffffffff) + count(c, 0x03000000, 0xffffffff);
}
