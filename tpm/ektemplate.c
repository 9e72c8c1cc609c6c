/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/ektemplate.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/evidence.h"

#define SPKI_MAX 1024

#define LOW_ATTRIBUTES                                                                             \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |        \
	    TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)

/* PolicyA of the profile: PolicySecret(TPM_RH_ENDORSEMENT), SHA-256. */
/* clang-format off */
#define POLICY_A { .size = 32, .buffer = { \
	0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24, \
	0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa } }

/* PolicyB, SHA-384: PolicyA's way or that of an NV index, with userWithAuth. */
#define POLICY_B { .size = 48, .buffer = { \
	0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc, 0x53, 0xd8, 0x82, 0xbc, 0xf5, 0xfd, 0x3a, 0x1a, \
	0x07, 0x41, 0x48, 0xbb, 0x35, 0xd3, 0xb4, 0xe4, 0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4, 0x19, 0xca, \
	0xcb, 0x47, 0xba, 0x09, 0x69, 0x96, 0x46, 0x15, 0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8, 0x0e, 0x12 } }

#define AES(bits) { .algorithm = TPM2_ALG_AES, .keyBits.aes = (bits), .mode.aes = TPM2_ALG_CFB }

static const TPMT_PUBLIC templates[EK_KINDS] = {
	[EK_RSA_2048] = {
		.type = TPM2_ALG_RSA,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = LOW_ATTRIBUTES,
		.authPolicy = POLICY_A,
		.parameters.rsaDetail = { .symmetric = AES(128), .scheme.scheme = TPM2_ALG_NULL, .keyBits = 2048 },
		.unique.rsa.size = 256,
	},
	[EK_P256] = {
		.type = TPM2_ALG_ECC,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = LOW_ATTRIBUTES,
		.authPolicy = POLICY_A,
		.parameters.eccDetail = { .symmetric = AES(128), .scheme.scheme = TPM2_ALG_NULL,
			.curveID = TPM2_ECC_NIST_P256, .kdf.scheme = TPM2_ALG_NULL },
		.unique.ecc = { .x.size = 32, .y.size = 32 },
	},
	[EK_P384] = {
		.type = TPM2_ALG_ECC,
		.nameAlg = TPM2_ALG_SHA384,
		.objectAttributes = LOW_ATTRIBUTES | TPMA_OBJECT_USERWITHAUTH,
		.authPolicy = POLICY_B,
		.parameters.eccDetail = { .symmetric = AES(256), .scheme.scheme = TPM2_ALG_NULL,
			.curveID = TPM2_ECC_NIST_P384, .kdf.scheme = TPM2_ALG_NULL },
	},
};
/* clang-format on */

const TPMT_PUBLIC *
ek_template(enum ek_kind kind)
{
	return &templates[kind];
}

/* Which template's key it would be; EK_KINDS: none's. */
static enum ek_kind
kind_of(const EVP_PKEY *key)
{
	const int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "RSA") == 1 && bits == 2048)
		return EK_RSA_2048;
	if (EVP_PKEY_is_a(key, "EC") == 1 && (bits == 256 || bits == 384))
		return bits == 256 ? EK_P256 : EK_P384;
	return EK_KINDS;
}

/* A number of the key, in exactly size octets. */
static bool
number(const EVP_PKEY *key, const char *name, BYTE *out, size_t size)
{
	BIGNUM *bn = NULL;
	bool ok;

	ok = EVP_PKEY_get_bn_param(key, name, &bn) == 1 &&
	     BN_bn2binpad(bn, out, (int)size) == (int)size;
	BN_free(bn);
	return ok;
}

/* What is the key's own, in the place that the template keeps for it. */
static bool
put_key(const EVP_PKEY *key, enum ek_kind kind, TPMT_PUBLIC *area)
{
	const size_t octets = kind == EK_P384 ? 48 : 32;
	BIGNUM *exponent = NULL;
	bool ok;

	if (kind != EK_RSA_2048) {
		area->unique.ecc.x.size = area->unique.ecc.y.size = (UINT16)octets;
		return number(key, OSSL_PKEY_PARAM_EC_PUB_X, area->unique.ecc.x.buffer, octets) &&
		       number(key, OSSL_PKEY_PARAM_EC_PUB_Y, area->unique.ecc.y.buffer, octets);
	}
	ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
	     BN_is_word(exponent, 65537) == 1 &&
	     number(key, OSSL_PKEY_PARAM_RSA_N, area->unique.rsa.buffer, area->unique.rsa.size);
	BN_free(exponent);
	return ok;
}

bool
evidence_ek_area(struct rbuf spki, struct wbuf *area)
{
	const unsigned char *at = spki.data;
	EVP_PKEY *key = spki.len <= SPKI_MAX ? d2i_PUBKEY(NULL, &at, (long)spki.len) : NULL;
	const enum ek_kind kind = key != NULL ? kind_of(key) : EK_KINDS;
	uint8_t octets[sizeof(TPMT_PUBLIC)];
	TPMT_PUBLIC made;
	size_t len = 0;
	bool ok = false;

	if (kind != EK_KINDS) {
		made = templates[kind];
		ok = put_key(key, kind, &made) && Tss2_MU_TPMT_PUBLIC_Marshal(&made, octets,
						      sizeof octets, &len) == TSS2_RC_SUCCESS;
	}
	EVP_PKEY_free(key);
	if (ok)
		wbuf_put(area, rbuf_of(octets, len));
	return ok && wbuf_ok(area);
}
