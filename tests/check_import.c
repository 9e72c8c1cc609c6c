/* SPDX-License-Identifier: BSD-2-Clause */
/* Private keys brought into a live software TPM: which are let in, what they do there, and that they stay. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "tests/cardtpm.h"
#include "tests/suite.h"

#define PART_MAX 300

/* A key's parts as they come with a command; a test may change them. */
struct part {
	size_t len;
	uint8_t octets[PART_MAX];
};

struct parts {
	uint8_t algorithm;
	EVP_PKEY *key;
	struct part p, q, dp, dq, qinv, scalar;
};

static struct cardtpm c;
static struct parts parts;

/* A number of an OpenSSL key, in n octets. */
static void
take(const EVP_PKEY *key, const char *name, size_t n, struct part *out)
{
	BIGNUM *number = NULL;

	ck_assert_int_eq(EVP_PKEY_get_bn_param(key, name, &number), 1);
	out->len = n;
	ck_assert_int_eq(BN_bn2binpad(number, out->octets, (int)n), (int)n);
	BN_clear_free(number);
}

static void
take_rsa(EVP_PKEY *key, size_t bits)
{
	parts.key = key;
	take(key, OSSL_PKEY_PARAM_RSA_FACTOR1, bits / 16, &parts.p);
	take(key, OSSL_PKEY_PARAM_RSA_FACTOR2, bits / 16, &parts.q);
	take(key, OSSL_PKEY_PARAM_RSA_EXPONENT1, bits / 16, &parts.dp);
	take(key, OSSL_PKEY_PARAM_RSA_EXPONENT2, bits / 16, &parts.dq);
	take(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, bits / 16, &parts.qinv);
}

static size_t
bits_of(uint8_t algorithm)
{
	return algorithm == ALG_RSA_2048 ? 2048 : algorithm == ALG_RSA_3072 ? 3072 : 4096;
}

/* Make a key of that algorithm with OpenSSL. */
static void
make_parts(uint8_t algorithm)
{
	memset(&parts, 0, sizeof parts);
	parts.algorithm = algorithm;
	if (algorithm == ALG_ECC_P256 || algorithm == ALG_ECC_P384) {
		parts.key = EVP_EC_gen(algorithm == ALG_ECC_P256 ? "P-256" : "P-384");
		take(parts.key, OSSL_PKEY_PARAM_PRIV_KEY, algorithm == ALG_ECC_P256 ? 32 : 48,
		    &parts.scalar);
	} else {
		take_rsa(EVP_RSA_gen((unsigned)bits_of(algorithm)), bits_of(algorithm));
	}
}

static struct rbuf
view(const struct part *p)
{
	return rbuf_of(p->octets, p->len);
}

static enum vault_err
import(uint8_t algorithm, enum pin_rule rule)
{
	const struct key_parts k = { .p = view(&parts.p), .q = view(&parts.q),
		.dp = view(&parts.dp), .dq = view(&parts.dq), .qinv = view(&parts.qinv),
		.scalar = view(&parts.scalar) };
	enum vault_err err;

	c.algorithm = algorithm;
	c.key = wbuf_over(c.key_octets, sizeof c.key_octets);
	c.public_value = wbuf_over(c.public_octets, sizeof c.public_octets);
	err = vault_import(c.vault, algorithm, rule, &k, &c.key);
	ck_assert(err == VAULT_OK || c.key.len == 0);
	return err;
}

static void
setup(void)
{
	cardtpm_begin(&c, &cardtpm_usual);
}

static void
teardown(void)
{
	cardtpm_end(&c);
	EVP_PKEY_free(parts.key);
	memset(&parts, 0, sizeof parts);
}

/* ---- keys that are let in ---- */

static const struct key_row {
	const char *why;
	uint8_t algorithm;
	enum pin_rule rule;
	enum key_operation kind;
	size_t in;
} key_rows[] = {
	{ "RSA-2048, PIN never", ALG_RSA_2048, PIN_NEVER, KEY_RSA, 256 },
	{ "RSA-2048, PIN once", ALG_RSA_2048, PIN_ONCE, KEY_RSA, 256 },
	{ "RSA-3072, PIN always", ALG_RSA_3072, PIN_ALWAYS, KEY_RSA, 384 },
	{ "P-256, PIN never", ALG_ECC_P256, PIN_NEVER, KEY_ECDSA, 32 },
	{ "P-256, PIN once", ALG_ECC_P256, PIN_ONCE, KEY_ECDSA, 20 },
	{ "P-256, PIN always", ALG_ECC_P256, PIN_ALWAYS, KEY_ECDSA, 32 },
	{ "P-384, PIN once", ALG_ECC_P384, PIN_ONCE, KEY_ECDSA, 48 },
};

START_TEST(imported_keys_obey_their_rule)
{
	const struct key_row *row = &key_rows[_i];
	const bool never = row->rule == PIN_NEVER;
	struct key_info info;

	make_parts(row->algorithm);
	ck_assert_msg(import(row->algorithm, row->rule) == VAULT_OK, "%s", row->why);
	ck_assert_int_eq(vault_describe(c.vault, wbuf_view(&c.key), &info), VAULT_OK);
	ck_assert_uint_eq(info.algorithm, row->algorithm);
	ck_assert_int_eq(info.pin, row->rule);
	ck_assert_int_eq(info.origin, ORIGIN_IMPORTED);
	ck_assert_int_eq(vault_public_value(c.vault, wbuf_view(&c.key), &c.public_value), VAULT_OK);
	ck_assert_int_eq(cardtpm_operate(&c, row->kind, row->in), never ? VAULT_OK : VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_msg(cardtpm_operate(&c, row->kind, row->in) == VAULT_OK, "%s", row->why);
	ck_assert_msg(cardtpm_checks(&c, row->kind), "%s: OpenSSL does not agree", row->why);
	ck_assert_int_eq(cardtpm_operate(&c, row->kind, row->in),
	    row->rule == PIN_ALWAYS ? VAULT_AUTH : VAULT_OK);
	vault_forget(c.vault);
	ck_assert_int_eq(cardtpm_operate(&c, row->kind, row->in), never ? VAULT_OK : VAULT_AUTH);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("import");
	TCase *tcase = tcase_create("import");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_rows(tcase, imported_keys_obey_their_rule, key_rows);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
