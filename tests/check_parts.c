/* SPDX-License-Identifier: BSD-2-Clause */
/* Which private keys are let into the TPM: malformed ones and weak ones are not.  Needs no TPM. */
#include <openssl/core_names.h>
#include <string.h>

#include "tests/keyparts.h"
#include "tests/suite.h"
#include "tpm/kdf.h"
#include "tpm/parts.h"
#include "tpm/rc.h"

static struct keyparts k;

static TSS2_RC
take(uint8_t algorithm, TPMU_PUBLIC_ID *id, struct private_part *part)
{
	const struct key_parts parts = keyparts_view(&k);
	TSS2_RC rc;

	memset(id, 0, sizeof *id);
	rc = parts_take(algorithm, &parts, id, part);
	ck_assert_msg(rc == TSS2_RC_SUCCESS || part->len == 0, "something of a refused key is left");
	return rc;
}

/* Made once: finding primes takes a while. */
static struct keyparts rsa_2048, rsa_3072, p256, p384;

static void
setup_once(void)
{
	keyparts_make(&rsa_2048, ALG_RSA_2048);
	keyparts_make(&rsa_3072, ALG_RSA_3072);
	keyparts_make(&p256, ALG_ECC_P256);
	keyparts_make(&p384, ALG_ECC_P384);
}

static void
teardown_once(void)
{
	keyparts_free(&rsa_2048);
	keyparts_free(&rsa_3072);
	keyparts_free(&p256);
	keyparts_free(&p384);
}

/* A copy to change. */
static void
start_with(uint8_t algorithm)
{
	k = algorithm == ALG_RSA_2048 ? rsa_2048
	    : algorithm == ALG_RSA_3072 ? rsa_3072
	    : algorithm == ALG_ECC_P256 ? p256
					: p384;
}

/* ---- good keys ---- */

static void
as_they_are(void)
{
}

static void
primes_only(void)
{
	k.dp.len = k.dq.len = k.qinv.len = 0;
}

static void
one_exponent(void)
{
	k.dq.len = k.qinv.len = 0;
}

static void
zeros_in_front(void)
{
	part_pad(&k.p, 1);
	part_pad(&k.q, 30);
	part_pad(&k.dp, 2);
}

static void
zeros_before_the_scalar(void)
{
	part_pad(&k.scalar, 3);
}

static void
primes_swapped(void)
{
	struct part p = k.p, dp = k.dp;

	k.p = k.q;
	k.q = p;
	k.dp = k.dq;
	k.dq = dp;
	k.qinv.len = 0;
}

/* Change and make the key anew: the modulus or point stays what OpenSSL's key has. */
static const struct good_row {
	const char *why;
	uint8_t algorithm;
	void (*change)(void);
	size_t part;
} good_rows[] = {
	{ "RSA-2048", ALG_RSA_2048, as_they_are, 128 },
	{ "RSA-3072", ALG_RSA_3072, as_they_are, 192 },
	{ "RSA, primes only", ALG_RSA_2048, primes_only, 128 },
	{ "RSA, one exponent", ALG_RSA_2048, one_exponent, 128 },
	{ "RSA, zeros in front", ALG_RSA_2048, zeros_in_front, 128 },
	{ "RSA, the smaller prime first or last", ALG_RSA_2048, primes_swapped, 128 },
	{ "P-256", ALG_ECC_P256, as_they_are, 32 },
	{ "P-384", ALG_ECC_P384, as_they_are, 48 },
	{ "P-256, zeros in front", ALG_ECC_P256, zeros_before_the_scalar, 32 },
};

/* Whether a TPM's number is that of the OpenSSL key. */
static bool
is_param(const char *name, const uint8_t *octets, size_t len)
{
	BIGNUM *theirs = NULL, *ours = BN_bin2bn(octets, (int)len, NULL);
	bool same;

	ck_assert_int_eq(EVP_PKEY_get_bn_param(k.key, name, &theirs), 1);
	same = BN_cmp(theirs, ours) == 0;
	BN_free(theirs);
	BN_free(ours);
	return same;
}

START_TEST(good_keys_are_taken)
{
	const struct good_row *row = &good_rows[_i];
	TPMU_PUBLIC_ID id;
	PRIVATE_PART(part);

	start_with(row->algorithm);
	row->change();
	ck_assert_msg(take(row->algorithm, &id, &part) == TSS2_RC_SUCCESS, "%s", row->why);
	ck_assert_uint_eq(part.len, row->part);
	if (k.p.len != 0) {
		ck_assert(is_param(OSSL_PKEY_PARAM_RSA_N, id.rsa.buffer, id.rsa.size));
		ck_assert_uint_eq(id.rsa.size, 2 * row->part);
		ck_assert(rbuf_eq(rbuf_of(part.octets, part.len),
		    rbuf_of(k.p.octets + k.p.len - part.len, part.len)));
		return;
	}
	ck_assert(is_param(OSSL_PKEY_PARAM_EC_PUB_X, id.ecc.x.buffer, id.ecc.x.size));
	ck_assert(is_param(OSSL_PKEY_PARAM_EC_PUB_Y, id.ecc.y.buffer, id.ecc.y.size));
	ck_assert(is_param(OSSL_PKEY_PARAM_PRIV_KEY, part.octets, part.len));
	ck_assert_uint_eq(id.ecc.x.size, row->part);
}
END_TEST

/* ---- malformed ones ---- */

static void
nothing(void)
{
	const struct part none = { .len = 0 };

	k.p = k.q = k.dp = k.dq = k.qinv = k.scalar = none;
}

static void
no_p(void)
{
	k.p.len = 0;
}

static void
no_q(void)
{
	k.q.len = 0;
}

static void
zero_q(void)
{
	memset(k.q.octets, 0, k.q.len);
}

static void
wrong_dp(void)
{
	k.dp.octets[k.dp.len - 1] ^= 2;
}

static void
wrong_dq(void)
{
	k.dq.octets[0] ^= 1;
}

static void
wrong_qinv(void)
{
	k.qinv.octets[k.qinv.len / 2] ^= 0x80;
}

static void
longer_dp(void)
{
	part_pad(&k.dp, 1);
	k.dp.octets[0] = 1;
}

static void
even_p(void)
{
	primes_only();
	k.p.octets[k.p.len - 1] ^= 1;
}

static void
composite_q(void)
{
	primes_only();
	k.q.octets[k.q.len - 1] ^= 2;
}

static void
cut_p(void)
{
	primes_only();
	k.p.len--;
}

static void
same_primes(void)
{
	primes_only();
	k.q = k.p;
}

static void
primes_swapped_alone(void)
{
	primes_swapped();
	k.dp.len = k.dq.len = 0;
	k.qinv = (struct part){ .len = 1, .octets = { 3 } };
}

static void
endless_p(void)
{
	part_pad(&k.p, sizeof k.p.octets - k.p.len);
}

static void
zero_scalar(void)
{
	memset(k.scalar.octets, 0, k.scalar.len);
}

static void
longer_scalar(void)
{
	part_pad(&k.scalar, 1);
	k.scalar.octets[0] = 1;
}

static const struct bad_row {
	const char *why;
	uint8_t made, taken_as;
	void (*change)(void);
} bad_rows[] = {
	{ "no parts at all", ALG_RSA_2048, ALG_RSA_2048, nothing },
	{ "no p", ALG_RSA_2048, ALG_RSA_2048, no_p },
	{ "no q", ALG_RSA_2048, ALG_RSA_2048, no_q },
	{ "q is zero", ALG_RSA_2048, ALG_RSA_2048, zero_q },
	{ "dp is another", ALG_RSA_2048, ALG_RSA_2048, wrong_dp },
	{ "dq is another", ALG_RSA_2048, ALG_RSA_2048, wrong_dq },
	{ "qinv is another", ALG_RSA_2048, ALG_RSA_2048, wrong_qinv },
	{ "qinv of the primes the other way round", ALG_RSA_2048, ALG_RSA_2048, primes_swapped_alone },
	{ "dp longer than p", ALG_RSA_2048, ALG_RSA_2048, longer_dp },
	{ "p is even", ALG_RSA_2048, ALG_RSA_2048, even_p },
	{ "q is not prime", ALG_RSA_2048, ALG_RSA_2048, composite_q },
	{ "p is cut short", ALG_RSA_2048, ALG_RSA_2048, cut_p },
	{ "p and q are the same", ALG_RSA_2048, ALG_RSA_2048, same_primes },
	{ "longer than anything", ALG_RSA_2048, ALG_RSA_2048, endless_p },
	{ "RSA-2048 as RSA-3072", ALG_RSA_2048, ALG_RSA_3072, as_they_are },
	{ "RSA-3072 as RSA-2048", ALG_RSA_3072, ALG_RSA_2048, as_they_are },
	{ "RSA-2048 as RSA-4096", ALG_RSA_2048, ALG_RSA_4096, as_they_are },
	{ "RSA as ECC", ALG_RSA_2048, ALG_ECC_P256, as_they_are },
	{ "ECC as RSA", ALG_ECC_P256, ALG_RSA_2048, as_they_are },
	{ "ECC as AES", ALG_ECC_P256, ALG_AES_256, as_they_are },
	{ "no scalar", ALG_ECC_P256, ALG_ECC_P256, nothing },
	{ "scalar zero", ALG_ECC_P256, ALG_ECC_P256, zero_scalar },
	{ "scalar longer than the curve", ALG_ECC_P256, ALG_ECC_P256, longer_scalar },
	{ "a scalar of P-384 for P-256", ALG_ECC_P384, ALG_ECC_P256, as_they_are },
};

START_TEST(malformed_keys_are_refused)
{
	const struct bad_row *row = &bad_rows[_i];
	TPMU_PUBLIC_ID id;
	PRIVATE_PART(part);

	start_with(row->made);
	row->change();
	ck_assert_msg(take(row->taken_as, &id, &part) == RC_MISMATCH, "%s", row->why);
}
END_TEST

/* The order of a curve, and its neighbours. */
static const struct order_row {
	const char *curve;
	uint8_t algorithm;
} order_rows[] = {
	{ "P-256", ALG_ECC_P256 },
	{ "P-384", ALG_ECC_P384 },
};

START_TEST(a_scalar_is_below_the_order)
{
	const struct order_row *row = &order_rows[_i];
	BIGNUM *order = NULL;
	TPMU_PUBLIC_ID id;
	int more;

	start_with(row->algorithm);
	ck_assert_int_eq(EVP_PKEY_get_bn_param(k.key, OSSL_PKEY_PARAM_EC_ORDER, &order), 1);
	ck_assert_int_eq(BN_sub_word(order, 1), 1);
	for (more = -1; more <= 1; more++) {
		PRIVATE_PART(part);

		k.scalar.len = (size_t)BN_bn2bin(order, k.scalar.octets);
		ck_assert_msg(take(row->algorithm, &id, &part) ==
			(more < 0 ? TSS2_RC_SUCCESS : RC_MISMATCH), "%s, order + %d", row->curve, more);
		ck_assert_int_eq(BN_add_word(order, 1), 1);
	}
	BN_free(order);
}
END_TEST

/* ---- weak ones: all is well with each but for one thing ---- */

static BN_CTX *ctx;
static BIGNUM *p, *q;

/* Find the first prime at or above a number, in steps. */
static void
to_prime(BIGNUM *number, const BIGNUM *step)
{
	while (BN_check_prime(number, ctx, NULL) != 1)
		ck_assert_int_eq(BN_add(number, number, step), 1);
}

static void
random_prime(BIGNUM *out, int bits)
{
	ck_assert_int_eq(BN_generate_prime_ex(out, bits, 0, NULL, NULL, NULL), 1);
}

static void
strong(void)
{
	random_prime(p, 1024);
	random_prime(q, 1024);
}

static void
close_primes(void)
{
	BIGNUM *gap = BN_new(), *two = BN_new();

	random_prime(p, 1024);
	ck_assert_int_eq(BN_set_bit(gap, 922), 1);
	ck_assert_int_eq(BN_set_word(two, 2), 1);
	ck_assert_int_eq(BN_add(q, p, gap), 1);
	to_prime(q, two);
	BN_free(gap);
	BN_free(two);
}

static void
unequal_primes(void)
{
	random_prime(p, 1016);
	random_prime(q, 1032);
}

/* A prime just above 2^bit. */
static void
low_prime(BIGNUM *out, int bit)
{
	BIGNUM *two = BN_new();

	ck_assert_int_eq(BN_set_word(two, 2), 1);
	ck_assert_int_eq(BN_priv_rand(out, 1000, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ODD), 1);
	ck_assert_int_eq(BN_set_bit(out, bit), 1);
	to_prime(out, two);
	BN_free(two);
}

static void
short_modulus(void)
{
	low_prime(p, 1023);
	low_prime(q, 1023);
}

/* The modulus has 2048 bits, and one of the primes 1024. */
static void
one_bit_more(void)
{
	low_prime(p, 1023);
	low_prime(q, 1024);
}

static void
exponent_divides(void)
{
	BIGNUM *add = BN_new();

	random_prime(q, 1024);
	ck_assert_int_eq(BN_set_word(add, 2 * 65537UL), 1);
	ck_assert_int_eq(BN_generate_prime_ex(p, 1024, 0, add, NULL, NULL), 1);
	BN_free(add);
}

static void
product_of_two(void)
{
	BIGNUM *a = BN_new(), *b = BN_new();

	strong();
	do {
		random_prime(a, 512);
		random_prime(b, 512);
		ck_assert(BN_mul(p, a, b, ctx) == 1 && BN_mul(b, p, q, ctx) == 1);
	} while (BN_num_bits(b) != 2048);
	BN_free(a);
	BN_free(b);
}

/* p - 1 and q - 1 share nearly all: d is short. */
static void
short_exponent(void)
{
	BIGNUM *g = BN_new(), *step = BN_new();

	do {
		random_prime(g, 1010);
		ck_assert_int_eq(BN_lshift1(step, g), 1);
		ck_assert(BN_copy(p, step) != NULL && BN_mul_word(p, 7500) == 1 &&
		    BN_add_word(p, 1) == 1);
		to_prime(p, step);
		ck_assert_int_eq(BN_add(q, p, step), 1);
		to_prime(q, step);
	} while (BN_num_bits(q) != 1024 || BN_num_bits(p) != 1024);
	BN_free(g);
	BN_free(step);
}

/* As the library of CVE-2017-15361 made them: k * M + (65537^a mod M), M a product of the first primes. */
static void
roca_prime(BIGNUM *out)
{
	static const unsigned primes[] = { 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59,
		61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151,
		157, 163, 167, 173, 179, 181 };
	BIGNUM *m = BN_new(), *a = BN_new(), *e = BN_new(), *r = BN_new();
	size_t i;

	ck_assert(BN_set_word(m, 2) == 1 && BN_set_word(e, 65537) == 1);
	for (i = 0; i < sizeof primes / sizeof primes[0]; i++)
		ck_assert_int_eq(BN_mul_word(m, primes[i]), 1);
	ck_assert_int_eq(BN_priv_rand(a, 64, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY), 1);
	ck_assert_int_eq(BN_priv_rand(out, 1024, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY), 1);
	ck_assert(BN_mod_mul(r, out, BN_value_one(), m, ctx) == 1 && BN_sub(out, out, r) == 1);
	ck_assert(BN_mod_exp_simple(r, e, a, m, ctx) == 1 && BN_add(out, out, r) == 1);
	to_prime(out, m);
	BN_free(m);
	BN_free(a);
	BN_free(e);
	BN_free(r);
}

static void
roca(void)
{
	roca_prime(p);
	roca_prime(q);
}

static const struct weak_row {
	const char *why;
	void (*make)(void);
	TSS2_RC rc;
} weak_rows[] = {
	{ "nothing is wrong with it", strong, TSS2_RC_SUCCESS },
	{ "primes too close", close_primes, RC_MISMATCH },
	{ "primes of different lengths", unequal_primes, RC_MISMATCH },
	{ "a prime of a bit more", one_bit_more, RC_MISMATCH },
	{ "a modulus of 2047 bits", short_modulus, RC_MISMATCH },
	{ "the exponent divides p - 1", exponent_divides, RC_MISMATCH },
	{ "p is a product of two primes", product_of_two, RC_MISMATCH },
	{ "a short private exponent", short_exponent, RC_MISMATCH },
	{ "CVE-2017-15361", roca, RC_MISMATCH },
};

START_TEST(weak_keys_are_refused)
{
	const struct weak_row *row = &weak_rows[_i];
	TPMU_PUBLIC_ID id;
	PRIVATE_PART(part);

	ctx = BN_CTX_new();
	p = BN_new();
	q = BN_new();
	row->make();
	keyparts_set(&k, p, q);
	ck_assert_msg(take(ALG_RSA_2048, &id, &part) == row->rc, "%s", row->why);
	keyparts_set(&k, q, p);
	ck_assert_msg(take(ALG_RSA_2048, &id, &part) == row->rc, "%s, swapped", row->why);
	BN_free(p);
	BN_free(q);
	BN_CTX_free(ctx);
}
END_TEST

/* ---- derivation ---- */

/* RFC 5869, A.3: no salt, no info.  The others have the TPM for a witness. */
START_TEST(hkdf_is_the_standard_s)
{
	static const uint8_t expected[] = { 0x8d, 0xa4, 0xe7, 0x75, 0xa5, 0x63, 0xc1, 0x8f, 0x71, 0x5f,
		0x80, 0x2a, 0x06, 0x3c, 0x5a, 0x31, 0xb8, 0xa1, 0x1f, 0x5c, 0x5e, 0xe1, 0x87, 0x9e, 0xc3,
		0x45, 0x4e, 0x5f, 0x3c, 0x73, 0x8d, 0x2d, 0x9d, 0x20, 0x13, 0x95, 0xfa, 0xa4, 0xb6, 0x1a,
		0x96, 0xc8 };
	SECRET(key);
	SECRET(out);

	key.len = 22;
	memset(key.data, 0x0b, key.len);
	ck_assert(hkdf(&key, rbuf_of(NULL, 0), sizeof expected, &out));
	ck_assert(rbuf_eq(secret_view(&out), rbuf_of(expected, sizeof expected)));
	ck_assert(!hkdf(&key, rbuf_of(NULL, 0), SECRET_MAX + 1, &out));
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("parts");
	TCase *tcase = tcase_create("parts");

	tcase_set_timeout(tcase, 300);
	tcase_add_unchecked_fixture(tcase, setup_once, teardown_once);
	tcase_add_rows(tcase, good_keys_are_taken, good_rows);
	tcase_add_rows(tcase, malformed_keys_are_refused, bad_rows);
	tcase_add_rows(tcase, a_scalar_is_below_the_order, order_rows);
	tcase_add_rows(tcase, weak_keys_are_refused, weak_rows);
	tcase_add_test(tcase, hkdf_is_the_standard_s);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
