/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/area.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/kdf.h"

/* An RSA public area leaves its exponent out when it is this one. */
#define EXPONENT_DEFAULT 65537

/* What is marshalled is never longer than what is not. */
#define DEFINE_READ(name, TYPE)                                                                \
	bool name(struct rbuf in, TYPE *out)                                                   \
	{                                                                                      \
		uint8_t again[sizeof *out];                                                    \
		size_t taken = 0, given = 0;                                                   \
                                                                                               \
		memset(out, 0, sizeof *out);                                                   \
		return in.len != 0 && in.len <= sizeof again &&                                \
		    Tss2_MU_##TYPE##_Unmarshal(in.data, in.len, &taken, out) ==                \
			TSS2_RC_SUCCESS &&                                                     \
		    Tss2_MU_##TYPE##_Marshal(out, again, sizeof again, &given) ==              \
			TSS2_RC_SUCCESS &&                                                     \
		    taken == in.len && rbuf_eq(rbuf_of(again, given), in);                     \
	}

/* clang-format off */
DEFINE_READ(area_read_object, TPMT_PUBLIC)
DEFINE_READ(area_read_index, TPMS_NV_PUBLIC)
DEFINE_READ(area_read_attest, TPMS_ATTEST)
DEFINE_READ(area_read_signature, TPMT_SIGNATURE)
DEFINE_READ(area_read_creation, TPMS_CREATION_DATA)
/* clang-format on */

/* Marshal without the key itself. */
static bool
put_kind(const TPMT_PUBLIC *area, struct wbuf *out)
{
	TPMT_PUBLIC kind = *area;
	uint8_t octets[sizeof kind];
	size_t len = 0;

	memset(&kind.unique, 0, sizeof kind.unique);
	if (Tss2_MU_TPMT_PUBLIC_Marshal(&kind, octets, sizeof octets, &len) != TSS2_RC_SUCCESS)
		return false;
	wbuf_put(out, rbuf_of(octets, len));
	return wbuf_ok(out);
}

bool
area_same_kind(const TPMT_PUBLIC *a, const TPMT_PUBLIC *b)
{
	uint8_t kind_a[sizeof *a], kind_b[sizeof *b];
	struct wbuf one = wbuf_over(kind_a, sizeof kind_a), other = wbuf_over(kind_b, sizeof kind_b);

	return put_kind(a, &one) && put_kind(b, &other) &&
	    rbuf_eq(wbuf_view(&one), wbuf_view(&other));
}

/* One row for each algorithm identifier that has a name and a size. */
struct named {
	uint16_t id;
	size_t octets;
	const char *name;
};

static const char *
find(const struct named rows[], size_t count, uint16_t id, size_t *octets)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (rows[i].id == id) {
			*octets = rows[i].octets;
			return rows[i].name;
		}
	}
	return NULL;
}

const char *
area_hash(const TPMT_PUBLIC *area, size_t *octets)
{
	static const struct named rows[] = {
		{ TPM2_ALG_SHA256, TPM2_SHA256_DIGEST_SIZE, "SHA256" },
		{ TPM2_ALG_SHA384, TPM2_SHA384_DIGEST_SIZE, "SHA384" },
	};

	return find(rows, sizeof rows / sizeof rows[0], area->nameAlg, octets);
}

const char *
area_curve(const TPMT_PUBLIC *area, size_t *octets)
{
	static const struct named rows[] = {
		{ TPM2_ECC_NIST_P256, 32, "P-256" },
		{ TPM2_ECC_NIST_P384, 48, "P-384" },
		{ TPM2_ECC_NIST_P521, 66, "P-521" },
	};

	if (area->type != TPM2_ALG_ECC)
		return NULL;
	return find(rows, sizeof rows / sizeof rows[0], area->parameters.eccDetail.curveID, octets);
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

bool
area_point(const TPMT_PUBLIC *area, struct wbuf *out)
{
	const TPMS_ECC_POINT *point = &area->unique.ecc;
	size_t n = 0;

	if (area_curve(area, &n) == NULL)
		return false;
	wbuf_u8(out, 0x04);
	return put_coordinate(out, &point->x, n) && put_coordinate(out, &point->y, n) &&
	    wbuf_ok(out);
}

/* Whether the modulus is as long as it should be; an even one makes some of OpenSSL's arithmetic fail late. */
static bool
modulus_fits(const TPMT_PUBLIC *area)
{
	const TPM2B_PUBLIC_KEY_RSA *n = &area->unique.rsa;
	const struct rbuf view = rbuf_of(n->buffer, n->size);

	return n->size != 0 && n->size <= sizeof n->buffer &&
	    n->size == area->parameters.rsaDetail.keyBits / 8 && rbuf_at(view, 0) >= 0x80 &&
	    rbuf_at(view, n->size - 1U) % 2 == 1;
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

EVP_PKEY *
area_key(const TPMT_PUBLIC *area)
{
	uint8_t octets[KDF_POINT_MAX];
	struct wbuf point = wbuf_over(octets, sizeof octets);
	const char *curve;
	size_t n = 0;

	if (area->type == TPM2_ALG_RSA)
		return modulus_fits(area) ? rsa_public(area) : NULL;
	curve = area_curve(area, &n);
	return curve != NULL && area_point(area, &point) ? ecc_public(curve, wbuf_view(&point)) :
							   NULL;
}
