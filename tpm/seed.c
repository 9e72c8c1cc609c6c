/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/seed.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "tpm/kdf.h"
#include "tpm/rc.h"

/* An RSA public area leaves its exponent out when it is this one. */
#define EXPONENT_DEFAULT 65537

/* The key's curve by OpenSSL's name, and its coordinates' length. */
static const char *
curve_of(const TPMT_PUBLIC *key, size_t *n)
{
	static const struct {
		TPMI_ECC_CURVE id;
		size_t octets;
		const char *name;
	} curves[] = {
		{ TPM2_ECC_NIST_P256, 32, "P-256" },
		{ TPM2_ECC_NIST_P384, 48, "P-384" },
		{ TPM2_ECC_NIST_P521, 66, "P-521" },
	};
	size_t i;

	for (i = 0; i < sizeof curves / sizeof curves[0]; i++) {
		if (curves[i].id == key->parameters.eccDetail.curveID) {
			*n = curves[i].octets;
			return curves[i].name;
		}
	}
	return NULL;
}

static bool
put_coordinate(struct wbuf *out, const TPM2B_ECC_PARAMETER *c, size_t n)
{
	if (c->size > n)
		return false;
	wbuf_fill(out, 0, n - c->size);
	wbuf_put(out, rbuf_of(c->buffer, c->size));
	return true;
}

/* The point 04 || x || y as a TPMS_ECC_POINT; x is handed out as well. */
static bool
put_point(struct rbuf point, size_t n, TPM2B_ENCRYPTED_SECRET *out, struct rbuf *x)
{
	struct wbuf w = wbuf_over(out->secret, sizeof out->secret);
	struct rbuf y;
	uint8_t form;

	if (!rbuf_u8(&point, &form) || !rbuf_take(&point, n, x) || !rbuf_take(&point, n, &y))
		return false;
	wbuf_u16(&w, (uint16_t)n);
	wbuf_put(&w, *x);
	wbuf_u16(&w, (uint16_t)n);
	wbuf_put(&w, y);
	out->size = (UINT16)w.len;
	return wbuf_ok(&w);
}

static TSS2_RC
seed_by_ecdh(const TPMT_PUBLIC *key, const char *purpose, struct secret *seed,
    TPM2B_ENCRYPTED_SECRET *out)
{
	const TPMS_ECC_POINT *to = &key->unique.ecc;
	uint8_t theirs[KDF_POINT_MAX], own[KDF_POINT_MAX];
	struct wbuf peer = wbuf_over(theirs, sizeof theirs), mine = wbuf_over(own, sizeof own);
	const char *curve;
	struct rbuf x;
	size_t n = 0;
	SECRET(shared);

	curve = curve_of(key, &n);
	if (curve == NULL)
		return RC_UNSUPPORTED;
	wbuf_u8(&peer, 0x04);
	if (!put_coordinate(&peer, &to->x, n) || !put_coordinate(&peer, &to->y, n) ||
	    !wbuf_ok(&peer) || !ecdh_ephemeral(curve, wbuf_view(&peer), &mine, &shared) ||
	    !put_point(wbuf_view(&mine), n, out, &x) ||
	    !kdfe(&shared, purpose, x, rbuf_of(to->x.buffer, to->x.size),
		TPM2_SHA256_DIGEST_SIZE, seed))
		return RC_CRYPTO;
	return TSS2_RC_SUCCESS;
}

static EVP_PKEY *
rsa_public(const TPMT_PUBLIC *area)
{
	const TPM2B_PUBLIC_KEY_RSA *modulus = &area->unique.rsa;
	const UINT32 given = area->parameters.rsaDetail.exponent;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *n = BN_bin2bn(modulus->buffer, modulus->size, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (n != NULL && build != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_uint32(build, OSSL_PKEY_PARAM_RSA_E,
		given != 0 ? given : EXPONENT_DEFAULT) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* OAEP's label is the one string that goes with its NUL. */
static bool
set_label(EVP_PKEY_CTX *ctx, const char *purpose)
{
	char *label = OPENSSL_strdup(purpose);

	if (label != NULL &&
	    EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, (int)strlen(purpose) + 1) == 1)
		return true; /* it is the context's now */
	OPENSSL_free(label);
	return false;
}

static TSS2_RC
seed_by_rsa(const TPMT_PUBLIC *area, const char *purpose, struct secret *seed,
    TPM2B_ENCRYPTED_SECRET *out)
{
	EVP_PKEY *key = rsa_public(area);
	EVP_PKEY_CTX *ctx = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	size_t len = sizeof out->secret;
	bool ok;

	seed->len = TPM2_SHA256_DIGEST_SIZE;
	ok = ctx != NULL && RAND_bytes(seed->data, (int)seed->len) == 1 &&
	    EVP_PKEY_encrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 && set_label(ctx, purpose) &&
	    EVP_PKEY_encrypt(ctx, out->secret, &len, seed->data, seed->len) == 1;
	out->size = (UINT16)len;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok ? TSS2_RC_SUCCESS : RC_CRYPTO;
}

TSS2_RC
seed_make(const TPMT_PUBLIC *to, const char *purpose, struct secret *seed,
    TPM2B_ENCRYPTED_SECRET *out)
{
	if (to->nameAlg == TPM2_ALG_SHA256 && to->type == TPM2_ALG_RSA)
		return seed_by_rsa(to, purpose, seed, out);
	if (to->nameAlg == TPM2_ALG_SHA256 && to->type == TPM2_ALG_ECC)
		return seed_by_ecdh(to, purpose, seed, out);
	return RC_UNSUPPORTED;
}
