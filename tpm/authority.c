/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/authority.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "tpm/kdf.h"

/* The longest DER form of two 32-octet INTEGERs. */
#define SIGNATURE_DER_MAX 80
#define POINT_OCTETS (1 + 2 * P256_OCTETS)

struct authority {
	EVP_PKEY *key;
	struct authority_public public_half;
};

struct authority *
authority_new(void)
{
	struct authority *k = calloc(1, sizeof *k);
	uint8_t point[POINT_OCTETS] = { 0 }, form;
	struct rbuf in = rbuf_of(point, sizeof point);
	size_t len = 0;

	if (k == NULL)
		return NULL;
	k->key = EVP_EC_gen("P-256");
	if (k->key == NULL ||
	    EVP_PKEY_get_octet_string_param(k->key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
		&len) != 1 ||
	    len != sizeof point || !rbuf_u8(&in, &form) ||
	    !rbuf_copy(&in, k->public_half.x, P256_OCTETS) ||
	    !rbuf_copy(&in, k->public_half.y, P256_OCTETS)) {
		authority_free(k);
		return NULL;
	}
	return k;
}

void
authority_free(struct authority *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->key); /* OpenSSL clears the private scalar */
	explicit_bzero(k, sizeof *k);
	free(k);
}

void
authority_public(const struct authority *k, struct authority_public *out)
{
	*out = k->public_half;
}

bool
authority_sign(const struct authority *k, const struct digest *digest,
    struct authority_signature *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->key, NULL);
	uint8_t der[SIGNATURE_DER_MAX];
	const uint8_t *at = der;
	size_t len = sizeof der;
	ECDSA_SIG *sig = NULL;
	bool ok;

	ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
	    EVP_PKEY_sign(ctx, der, &len, digest->octets, sizeof digest->octets) == 1;
	if (ok)
		sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
	ok = sig != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), out->r, sizeof out->r) == P256_OCTETS &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out->s, sizeof out->s) == P256_OCTETS;
	ECDSA_SIG_free(sig);
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

/* The public key as OpenSSL wants it; NULL when the point is not on the curve. */
static EVP_PKEY *
public_key(const struct authority_public *k)
{
	uint8_t point[POINT_OCTETS];
	struct wbuf w = wbuf_over(point, sizeof point);

	wbuf_u8(&w, POINT_CONVERSION_UNCOMPRESSED);
	wbuf_put(&w, rbuf_of(k->x, sizeof k->x));
	wbuf_put(&w, rbuf_of(k->y, sizeof k->y));
	return ecc_public("P-256", wbuf_view(&w));
}

bool
authority_verify(const struct authority_public *k, const struct digest *digest,
    const struct authority_signature *signature)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature->r, sizeof signature->r, NULL);
	BIGNUM *s = BN_bin2bn(signature->s, sizeof signature->s, NULL);
	EVP_PKEY *key = public_key(k);
	EVP_PKEY_CTX *ctx = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	uint8_t *der = NULL;
	int len = -1;
	bool ok;

	if (sig != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* the signature's now */
		len = i2d_ECDSA_SIG(sig, &der);
	}
	ok = len > 0 && ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_verify(ctx, der, (size_t)len, digest->octets, sizeof digest->octets) == 1;
	OPENSSL_free(der);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return ok;
}

TPM2B_PUBLIC
authority_template(const struct authority_public *k)
{
	TPM2B_PUBLIC out = {
		.publicArea = {
			.type = TPM2_ALG_ECC,
			.nameAlg = TPM2_ALG_SHA256,
			.objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH,
			.parameters.eccDetail = {
				.symmetric.algorithm = TPM2_ALG_NULL,
				.scheme = { .scheme = TPM2_ALG_ECDSA,
				    .details.ecdsa.hashAlg = TPM2_ALG_SHA256 },
				.curveID = TPM2_ECC_NIST_P256,
				.kdf.scheme = TPM2_ALG_NULL,
			},
			.unique.ecc = { .x.size = P256_OCTETS, .y.size = P256_OCTETS },
		},
	};

	memcpy(out.publicArea.unique.ecc.x.buffer, k->x, P256_OCTETS);
	memcpy(out.publicArea.unique.ecc.y.buffer, k->y, P256_OCTETS);
	return out;
}

bool
authority_name(const struct authority_public *k, struct name *out)
{
	TPM2B_PUBLIC area = authority_template(k);

	return name_of_object(&area.publicArea, out);
}

TPMT_SIGNATURE
authority_tpmt(const struct authority_signature *signature)
{
	TPMT_SIGNATURE out = {
		.sigAlg = TPM2_ALG_ECDSA,
		.signature.ecdsa = {
			.hash = TPM2_ALG_SHA256,
			.signatureR.size = P256_OCTETS,
			.signatureS.size = P256_OCTETS,
		},
	};

	memcpy(out.signature.ecdsa.signatureR.buffer, signature->r, P256_OCTETS);
	memcpy(out.signature.ecdsa.signatureS.buffer, signature->s, P256_OCTETS);
	return out;
}
