/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/seed.h"

#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "tpm/area.h"
#include "tpm/kdf.h"
#include "tpm/rc.h"

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
seed_by_ecdh(const TPMT_PUBLIC *key, const char *hash, size_t octets, const char *purpose,
    struct secret *seed, TPM2B_ENCRYPTED_SECRET *out)
{
	const TPM2B_ECC_PARAMETER *their_x = &key->unique.ecc.x;
	uint8_t theirs[KDF_POINT_MAX], own[KDF_POINT_MAX];
	struct wbuf peer = wbuf_over(theirs, sizeof theirs), mine = wbuf_over(own, sizeof own);
	const char *curve;
	struct rbuf x;
	size_t n = 0;
	SECRET(shared);

	curve = area_curve(key, &n);
	if (curve == NULL)
		return RC_UNSUPPORTED;
	if (!area_point(key, &peer) || !ecdh_ephemeral(curve, wbuf_view(&peer), &mine, &shared) ||
	    !put_point(wbuf_view(&mine), n, out, &x) ||
	    !kdfe(hash, &shared, purpose, x, rbuf_of(their_x->buffer, their_x->size), octets,
		seed))
		return RC_CRYPTO;
	return TSS2_RC_SUCCESS;
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
seed_by_rsa(const TPMT_PUBLIC *area, const char *hash, size_t octets, const char *purpose,
    struct secret *seed, TPM2B_ENCRYPTED_SECRET *out)
{
	EVP_PKEY *key = area_key(area);
	EVP_PKEY_CTX *ctx = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	size_t len = sizeof out->secret;
	bool ok;

	seed->len = octets;
	ok = ctx != NULL && RAND_bytes(seed->data, (int)seed->len) == 1 &&
	    EVP_PKEY_encrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, hash, NULL) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, hash, NULL) == 1 && set_label(ctx, purpose) &&
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
	size_t octets = 0;
	const char *hash = area_hash(to, &octets);

	if (hash != NULL && to->type == TPM2_ALG_RSA)
		return seed_by_rsa(to, hash, octets, purpose, seed, out);
	if (hash != NULL && to->type == TPM2_ALG_ECC)
		return seed_by_ecdh(to, hash, octets, purpose, seed, out);
	return RC_UNSUPPORTED;
}
