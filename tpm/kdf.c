/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/kdf.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <stdio.h>

/* OpenSSL wants names where it could write, and does not. */
#define HASH_NAME_MAX 16

/* Run one of OpenSSL's derivations; a parameter of no octets is as if it were not there. */
static bool
derive(const char *name, const OSSL_PARAM params[], size_t n, struct secret *out)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	bool ok;

	secret_clear(out);
	ok = ctx != NULL && n <= sizeof out->data &&
	    EVP_KDF_derive(ctx, out->data, n, params) == 1;
	out->len = ok ? n : 0;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

bool
kdfa(const char *hash, struct secret *key, const char *label, struct rbuf context, size_t n,
    struct secret *out)
{
	char digest[HASH_NAME_MAX], mac[] = "HMAC";
	uint8_t salt[16], info[KDF_INFO_MAX];
	struct wbuf s = wbuf_over(salt, sizeof salt), i = wbuf_over(info, sizeof info);

	(void)snprintf(digest, sizeof digest, "%s", hash);
	wbuf_put(&s, rbuf_str(label));
	wbuf_put(&i, context);
	/* Counter and length of 32 bits and the octet between label and context are OpenSSL's defaults. */
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key->data, key->len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, s.len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, i.len),
		OSSL_PARAM_construct_end(),
	};

	return wbuf_ok(&s) && wbuf_ok(&i) && derive("KBKDF", params, n, out);
}

bool
kdfe(const char *hash, struct secret *shared, const char *label, struct rbuf party_u,
    struct rbuf party_v, size_t n, struct secret *out)
{
	char digest[HASH_NAME_MAX];
	uint8_t info[KDF_INFO_MAX];
	struct wbuf i = wbuf_over(info, sizeof info);

	(void)snprintf(digest, sizeof digest, "%s", hash);
	wbuf_put(&i, rbuf_str(label));
	wbuf_u8(&i, 0);
	wbuf_put(&i, party_u);
	wbuf_put(&i, party_v);
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, shared->data, shared->len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, i.len),
		OSSL_PARAM_construct_end(),
	};

	return wbuf_ok(&i) && derive("SSKDF", params, n, out);
}

bool
hkdf(struct secret *key, struct rbuf info, size_t n, struct secret *out)
{
	char digest[] = KDF_SHA256;
	uint8_t octets[KDF_INFO_MAX];
	struct wbuf i = wbuf_over(octets, sizeof octets);

	wbuf_put(&i, info);
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key->data, key->len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, octets, i.len),
		OSSL_PARAM_construct_end(),
	};

	return wbuf_ok(&i) && derive("HKDF", params, n, out);
}

EVP_PKEY *
ecc_public(const char *curve, struct rbuf point)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (build != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.data,
		point.len) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* A key of our own on the curve of theirs, which OpenSSL need not look up again. */
static EVP_PKEY *
generate_beside(EVP_PKEY *theirs)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(theirs, NULL);
	EVP_PKEY *mine = NULL;

	if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_keygen(ctx, &mine) != 1)
		mine = NULL;
	EVP_PKEY_CTX_free(ctx);
	return mine;
}

bool
ecdh_ephemeral(const char *curve, struct rbuf peer, struct wbuf *own, struct secret *shared)
{
	EVP_PKEY *theirs = ecc_public(curve, peer);
	EVP_PKEY *mine = theirs != NULL ? generate_beside(theirs) : NULL;
	EVP_PKEY_CTX *ctx = mine != NULL ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
	size_t point_len = 0, len = sizeof shared->data;
	uint8_t point[KDF_POINT_MAX];
	bool ok;

	/*
	 * ecc_public() saw that the point is on the curve; that it has the group's
	 * order follows, for the order of these curves is a prime: a second look
	 * would take as long as the agreement.
	 */
	ok = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer_ex(ctx, theirs, 0) == 1 &&
	    EVP_PKEY_derive(ctx, shared->data, &len) == 1 &&
	    EVP_PKEY_get_octet_string_param(mine, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
		&point_len) == 1 &&
	    point_len == peer.len;
	if (ok) {
		shared->len = len;
		wbuf_put(own, rbuf_of(point, point_len));
	}
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(mine); /* OpenSSL clears the private scalar */
	EVP_PKEY_free(theirs);
	return ok && wbuf_ok(own);
}
