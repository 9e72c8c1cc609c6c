/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attestation objects, taken apart by libcbor's own reader.  An independent
 * verifier looks at those of a card: tests/e2e_webauthn.sh.
 */
#include <cbor.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "tests/suite.h"
#include "tools/webauthn.h"

#define R "1111111111111111111111111111111"
#define S "\x80\x22\x22\x22\x22\x22\x22\x22"

static uint8_t area_octets[1024], object_octets[8192], data_octets[WEBAUTHN_AUTH_DATA_MAX];
static struct wbuf area, object, data;

static void
setup(void)
{
	area = wbuf_over(area_octets, sizeof area_octets);
	object = wbuf_over(object_octets, sizeof object_octets);
	data = wbuf_over(data_octets, sizeof data_octets);
}

/* ---- public areas of keys that OpenSSL made ---- */

static uint16_t
number_of(const EVP_PKEY *key, const char *name, uint8_t *out, int n)
{
	BIGNUM *number = NULL;
	int len;

	ck_assert_int_eq(EVP_PKEY_get_bn_param(key, name, &number), 1);
	len = BN_bn2binpad(number, out, n);
	BN_free(number);
	ck_assert_int_gt(len, 0);
	return (uint16_t)len;
}

/* bits: 256 and 384 are curves; else an RSA modulus. */
static EVP_PKEY *
make_area(unsigned bits)
{
	EVP_PKEY *key = bits <= 384 ? EVP_EC_gen(bits == 256 ? "P-256" : "P-384") : EVP_RSA_gen(bits);
	TPMT_PUBLIC a = { .nameAlg = TPM2_ALG_SHA256, .objectAttributes = TPMA_OBJECT_FIXEDTPM };
	size_t len = 0;
	const int n = (int)bits / 8;

	ck_assert_ptr_nonnull(key);
	if (bits <= 384) {
		a.type = TPM2_ALG_ECC;
		a.parameters.eccDetail = (TPMS_ECC_PARMS){ .symmetric.algorithm = TPM2_ALG_NULL,
			.scheme.scheme = TPM2_ALG_NULL,
			.curveID = bits == 256 ? TPM2_ECC_NIST_P256 : TPM2_ECC_NIST_P384,
			.kdf.scheme = TPM2_ALG_NULL };
		a.unique.ecc.x.size = number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, a.unique.ecc.x.buffer, n);
		a.unique.ecc.y.size = number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, a.unique.ecc.y.buffer, n);
	} else {
		a.type = TPM2_ALG_RSA;
		a.parameters.rsaDetail = (TPMS_RSA_PARMS){ .symmetric.algorithm = TPM2_ALG_NULL,
			.scheme.scheme = TPM2_ALG_NULL, .keyBits = (UINT16)bits };
		a.unique.rsa.size = number_of(key, OSSL_PKEY_PARAM_RSA_N, a.unique.rsa.buffer, n);
	}
	ck_assert_uint_eq(
	    Tss2_MU_TPMT_PUBLIC_Marshal(&a, area_octets, sizeof area_octets, &len), TSS2_RC_SUCCESS);
	area.len = len;
	return key;
}

/* ---- what comes back from CBOR ---- */

static struct rbuf
octets_of(const cbor_item_t *item)
{
	return cbor_isa_string(item)
		   ? rbuf_of(cbor_string_handle(item), cbor_string_length(item))
		   : rbuf_of(cbor_bytestring_handle(item), cbor_bytestring_length(item));
}

/* The value of the nth member, which must have that name. */
static cbor_item_t *
member(const cbor_item_t *map, size_t n, const char *name)
{
	const struct cbor_pair *pairs = cbor_map_handle(map);

	ck_assert_msg(n < cbor_map_size(map), "no member %s", name);
	ck_assert(cbor_isa_string(pairs[n].key));
	ck_assert_msg(rbuf_eq(octets_of(pairs[n].key), rbuf_str(name)), "not %s", name);
	return pairs[n].value;
}

static cbor_item_t *
load(struct rbuf octets)
{
	struct cbor_load_result result;
	cbor_item_t *item = cbor_load(octets.data, octets.len, &result);

	ck_assert(item != NULL && result.error.code == CBOR_ERR_NONE && result.read == octets.len);
	return item;
}

static int
integer(const cbor_item_t *item)
{
	const int value = (int)cbor_get_int(item);

	return cbor_isa_negint(item) ? -1 - value : value;
}

/* ---- authData ---- */

/* clang-format off */
static const struct { unsigned bits; int type, algorithm, curve; size_t members; } keys[] = {
	{ 256,  2, -7,   1, 5 },
	{ 384,  2, -35,  2, 5 },
	{ 2048, 3, -257, 0, 4 },
	{ 3072, 3, -257, 0, 4 },
};
/* clang-format on */

START_TEST(credential_data)
{
	EVP_PKEY *key = make_area(keys[_i].bits);
	uint8_t digest[SHA256_DIGEST_LENGTH], number[512];
	struct rbuf in, part;
	cbor_item_t *cose;
	const struct cbor_pair *pairs;
	uint16_t id_len = 0;
	uint32_t count = 1;
	uint8_t flags = 0;
	size_t n;

	ck_assert(webauthn_auth_data("example.org", wbuf_view(&area), &data));
	in = wbuf_view(&data);
	(void)SHA256((const uint8_t *)"example.org", 11, digest);
	ck_assert(rbuf_take(&in, 32, &part) && rbuf_eq(part, rbuf_of(digest, 32)));
	ck_assert(rbuf_u8(&in, &flags) && flags == 0x40);
	ck_assert(rbuf_u32(&in, &count) && count == 0);
	ck_assert(rbuf_take(&in, 16, &part) && rbuf_u16(&in, &id_len) && id_len == 32);
	(void)SHA256(area.data, area.len, digest);
	ck_assert(rbuf_take(&in, 32, &part) && rbuf_eq(part, rbuf_of(digest, 32)));
	cose = load(in);
	pairs = cbor_map_handle(cose);
	ck_assert_uint_eq(cbor_map_size(cose), keys[_i].members);
	ck_assert_int_eq(integer(pairs[0].key), 1);
	ck_assert_int_eq(integer(pairs[0].value), keys[_i].type);
	ck_assert_int_eq(integer(pairs[1].key), 3);
	ck_assert_int_eq(integer(pairs[1].value), keys[_i].algorithm);
	ck_assert_int_eq(integer(pairs[2].key), -1);
	n = keys[_i].type == 2 ? 3 : 2;
	if (n == 3)
		ck_assert_int_eq(integer(pairs[2].value), keys[_i].curve);
	ck_assert_int_eq(integer(pairs[n].key), n == 3 ? -2 : -1);
	(void)number_of(key, n == 3 ? OSSL_PKEY_PARAM_EC_PUB_X : OSSL_PKEY_PARAM_RSA_N, number,
	    (int)keys[_i].bits / 8);
	ck_assert(rbuf_eq(octets_of(pairs[n].value), rbuf_of(number, keys[_i].bits / 8)));
	cbor_decref(&cose);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(no_key)
{
	ck_assert(!webauthn_auth_data("example.org", rbuf_str("no public area"), &data));
	setup();
	EVP_PKEY_free(make_area(256));
	data.cap = 100;
	ck_assert(!webauthn_auth_data("example.org", wbuf_view(&area), &data));
}
END_TEST

START_TEST(extra_data)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	(void)SHA256((const uint8_t *)"token.thumbprint", 16, digest);
	ck_assert(webauthn_extra_acme(rbuf_str("token.thumbprint"), &data));
	ck_assert(rbuf_eq(wbuf_view(&data), rbuf_of(digest, 32)));
	setup();
	ck_assert(webauthn_extra(rbuf_str("token."), rbuf_str("thumbprint"), &data));
	ck_assert(rbuf_eq(wbuf_view(&data), rbuf_of(digest, 32)));
}
END_TEST

/* ---- the object ---- */

#define OCTETS(literal) rbuf_of(literal, sizeof(literal) - 1)

/* An AK's signature: r of 31 octets, s of 8 with the first bit set. */
#define SIGNATURE "\x00\x18\x00\x0b\x00\x1f" R "\x00\x08" S
#define SIGNATURE_DER "\x30\x2c\x02\x1f" R "\x02\x09\x00" S

static const struct chain whole = { .certificate = { (const uint8_t *)"leaf", 4 },
	.above = { { (const uint8_t *)"issuer", 6 } } };

static bool
make_object(struct rbuf signature, const struct chain *ak, struct rbuf data_of, struct failure *why)
{
	const struct evidence_key key = { .reference = 0x9a, .area = rbuf_str("the area"),
		.statement = { rbuf_str("what is certified"), signature } };

	return webauthn_object(&key, ak, data_of, &object, why);
}

static void
expect_statement(const cbor_item_t *statement, struct rbuf signature)
{
	cbor_item_t *chain = member(statement, 3, "x5c");

	ck_assert_uint_eq(cbor_map_size(statement), 6);
	ck_assert_int_eq(integer(member(statement, 0, "alg")), -7);
	ck_assert(rbuf_eq(octets_of(member(statement, 1, "sig")), signature));
	ck_assert(rbuf_eq(octets_of(member(statement, 2, "ver")), rbuf_str("2.0")));
	ck_assert_uint_eq(cbor_array_size(chain), 2);
	ck_assert(rbuf_eq(octets_of(cbor_array_handle(chain)[0]), rbuf_str("leaf")));
	ck_assert(rbuf_eq(octets_of(cbor_array_handle(chain)[1]), rbuf_str("issuer")));
	ck_assert(rbuf_eq(octets_of(member(statement, 4, "pubArea")), rbuf_str("the area")));
	ck_assert(rbuf_eq(octets_of(member(statement, 5, "certInfo")), rbuf_str("what is certified")));
}

START_TEST(for_webauthn)
{
	struct failure why = { "" };
	cbor_item_t *item;

	ck_assert_msg(make_object(OCTETS(SIGNATURE), &whole, rbuf_str("auth data"), &why), "%s", why.text);
	item = load(wbuf_view(&object));
	ck_assert_uint_eq(cbor_map_size(item), 3);
	ck_assert(rbuf_eq(octets_of(member(item, 0, "fmt")), rbuf_str("tpm")));
	expect_statement(member(item, 1, "attStmt"), OCTETS(SIGNATURE_DER));
	ck_assert(rbuf_eq(octets_of(member(item, 2, "authData")), rbuf_str("auth data")));
	cbor_decref(&item);
}
END_TEST

START_TEST(for_acme)
{
	struct failure why = { "" };
	cbor_item_t *item;

	ck_assert_msg(make_object(OCTETS(SIGNATURE), &whole, rbuf_of(NULL, 0), &why), "%s", why.text);
	item = load(wbuf_view(&object));
	ck_assert_uint_eq(cbor_map_size(item), 2);
	expect_statement(member(item, 1, "attStmt"), OCTETS(SIGNATURE));
	cbor_decref(&item);
}
END_TEST

/* clang-format off */
static const struct { const char *why; struct rbuf signature; } no_signatures[] = {
	{ "nothing", { NULL, 0 } },
	{ "RSA", { (const uint8_t *)"\x00\x14\x00\x0b\x00\x01" "1" "\x00\x01" "1", 10 } },
	{ "SHA-384", { (const uint8_t *)"\x00\x18\x00\x0c\x00\x01" "1" "\x00\x01" "1", 10 } },
	{ "cut short", { (const uint8_t *)"\x00\x18\x00\x0b\x00\x01" "1" "\x00\x02" "1", 10 } },
	{ "more behind", { (const uint8_t *)"\x00\x18\x00\x0b\x00\x01" "1" "\x00\x01" "12", 11 } },
	{ "numbers that are too long", { (const uint8_t *)"\x00\x18\x00\x0b\x00\x30" R R "\x00\x01" "1", 6 + 62 + 3 } },
};
/* clang-format on */

START_TEST(no_signature)
{
	struct failure why = { "" };

	ck_assert_msg(!make_object(no_signatures[_i].signature, &whole, rbuf_of(NULL, 0), &why), "%s",
	    no_signatures[_i].why);
	ck_assert_ptr_nonnull(strstr(why.text, "ECDSA"));
	ck_assert_uint_eq(object.len, 0);
}
END_TEST

START_TEST(no_certificate)
{
	const struct chain none = { .certificate.len = 0 };
	struct failure why = { "" };

	ck_assert(!make_object(OCTETS(SIGNATURE), &none, rbuf_of(NULL, 0), &why));
	ck_assert_ptr_nonnull(strstr(why.text, "no certificate"));
	why = (struct failure){ "" };
	object.cap = 50;
	ck_assert(!make_object(OCTETS(SIGNATURE), &whole, rbuf_of(NULL, 0), &why));
	ck_assert_ptr_nonnull(strstr(why.text, "too long"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("WebAuthn");
	TCase *tcase = tcase_create("objects");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_rows(tcase, credential_data, keys);
	tcase_add_test(tcase, no_key);
	tcase_add_test(tcase, extra_data);
	tcase_add_test(tcase, for_webauthn);
	tcase_add_test(tcase, for_acme);
	tcase_add_rows(tcase, no_signature, no_signatures);
	tcase_add_test(tcase, no_certificate);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
