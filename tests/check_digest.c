/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names and policy digests, computed in software, against what a TPM (libtpms
 * 0.9.2) answered to TPM2_NV_ReadPublic, TPM2_LoadExternal and, in trial
 * sessions, TPM2_PolicyGetDigest.
 */
#include <string.h>

#include "tests/suite.h"
#include "tpm/authority.h"
#include "tpm/digest.h"

#define INDEX_UNWRITTEN "000bf23a4541d05f0b57ee1d696530af490ec6fb8d3c13f171f01e909f92d6a22943"
#define INDEX_WRITTEN "000b9f33767824b4ec7d2ce893d52bc360c135e8dd7b79144d58e1bed3375712f44b"
#define KEY_NAME "000b19366a7e682a0589dc1096b44aab74b7942f84b386b94eab81013d9970daf605"

/* The generator of P-256: a public key anybody can write down. */
static const char generator_x[] = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
static const char generator_y[] = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

static void
hex(const char *text, uint8_t *out, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		char octet[3] = { text[2 * i], text[2 * i + 1], '\0' };

		out[i] = (uint8_t)strtoul(octet, NULL, 16);
	}
}

static struct name
name_from(const char *text)
{
	struct name n;

	hex(text, n.octets, sizeof n.octets);
	return n;
}

static struct authority_public
generator(void)
{
	struct authority_public k;

	hex(generator_x, k.x, sizeof k.x);
	hex(generator_y, k.y, sizeof k.y);
	return k;
}

START_TEST(names_of_indices)
{
	TPMS_NV_PUBLIC area = { .nvIndex = 0x018f1234, .nameAlg = TPM2_ALG_SHA256,
		.attributes = TPMA_NV_NO_DA | TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE, .dataSize = 8 };
	struct name expected = name_from(INDEX_UNWRITTEN), got;

	ck_assert(name_of_index(&area, &got));
	ck_assert(rbuf_eq(name_view(&got), name_view(&expected)));
	area.attributes |= TPMA_NV_WRITTEN;
	expected = name_from(INDEX_WRITTEN);
	ck_assert(name_of_index(&area, &got));
	ck_assert(rbuf_eq(name_view(&got), name_view(&expected)));
	area.nameAlg = TPM2_ALG_SHA384;
	ck_assert_msg(!name_of_index(&area, &got), "another name algorithm than ours");
}
END_TEST

START_TEST(name_of_the_authority)
{
	struct authority_public k = generator();
	struct name expected = name_from(KEY_NAME), got;
	TPM2B_NAME wire;

	ck_assert(authority_name(&k, &got));
	ck_assert(rbuf_eq(name_view(&got), name_view(&expected)));
	wire = name_tpm2b(&got);
	ck_assert(rbuf_eq(rbuf_of(wire.name, wire.size), name_view(&expected)));
}
END_TEST

static void
build_secret(struct policy *p)
{
	const struct name n = name_from(INDEX_WRITTEN);

	policy_secret(p, &n, "use");
}

static void
build_secret_command(struct policy *p)
{
	build_secret(p);
	policy_command_code(p, TPM2_CC_NV_ChangeAuth);
}

static void
build_nv(struct policy *p)
{
	const struct name n = name_from(INDEX_WRITTEN);

	policy_nv_zero(p, &n);
}

static void
build_cphash(struct policy *p)
{
	struct digest d;
	uint8_t i;

	for (i = 0; i < sizeof d.octets; i++)
		d.octets[i] = i;
	policy_cphash(p, &d);
}

static void
build_authorize(struct policy *p)
{
	const struct name n = name_from(KEY_NAME);

	/* Whatever was proven before is replaced. */
	build_secret(p);
	policy_authorize(p, &n, "PIN");
}

static void
build_signed(struct policy *p)
{
	const struct name n = name_from(KEY_NAME);

	policy_signed(p, &n, "first write");
}

static const struct row {
	const char *why;
	void (*build)(struct policy *);
	const char *digest;
} rows[] = {
	{ "PolicySecret", build_secret,
	    "b7f86d9fb3a9d2cbffb16502e2f1d37244faaaf74f72a9d2a0812df6f8586088" },
	{ "PolicySecret, PolicyCommandCode", build_secret_command,
	    "9d76898e3de2e6a14774ccf32f137ab17d4aea98fbc55792688fcb34e90c51f8" },
	{ "PolicyNV", build_nv,
	    "0ce5deb1e50999deec6db4504ed5a5aa47591ff8321df4276e0a407309aabc21" },
	{ "PolicyCpHash", build_cphash,
	    "8e4cbcadb43e7a0890318ce11337ceaed337ba59af481251f9caf9baf8ffc84e" },
	{ "PolicyAuthorize", build_authorize,
	    "193955866a9dbfc3cf1935dd27c9b3cdec87efae5699a5b08a191523cb57c277" },
	{ "PolicySigned", build_signed,
	    "8bf769ea6a3523ce95852390d240e9b0fc4adde73f05c55f66eff2fd44886953" },
};

START_TEST(policies)
{
	struct policy p = policy_new();
	struct digest got, expected;

	rows[_i].build(&p);
	hex(rows[_i].digest, expected.octets, sizeof expected.octets);
	ck_assert(policy_digest(&p, &got));
	ck_assert_msg(rbuf_eq(digest_view(&got), digest_view(&expected)), "%s", rows[_i].why);
}
END_TEST

START_TEST(a_failure_latches)
{
	struct policy p = policy_new();
	struct digest d;

	p.broken = true;
	build_secret_command(&p);
	ck_assert(!policy_digest(&p, &d));
}
END_TEST

START_TEST(the_authority_signs_what_it_verifies)
{
	struct authority *k = authority_new();
	struct digest d = { .octets = { 1, 2, 3 } }, other = { .octets = { 1, 2, 4 } };
	struct authority_signature signature;
	struct authority_public public_half;

	ck_assert_ptr_nonnull(k);
	authority_public(k, &public_half);
	ck_assert(authority_sign(k, &d, &signature));
	ck_assert(authority_verify(&public_half, &d, &signature));
	ck_assert(!authority_verify(&public_half, &other, &signature));
	signature.r[5] ^= 1;
	ck_assert(!authority_verify(&public_half, &d, &signature));
	memset(&signature, 0, sizeof signature);
	ck_assert(!authority_verify(&public_half, &d, &signature));
	public_half.y[31] ^= 1;
	ck_assert_msg(!authority_verify(&public_half, &d, &signature), "a point off the curve");
	authority_free(k);
	authority_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("digest");
	TCase *tcase = tcase_create("digest");

	tcase_add_test(tcase, names_of_indices);
	tcase_add_test(tcase, name_of_the_authority);
	tcase_add_rows(tcase, policies, rows);
	tcase_add_test(tcase, a_failure_latches);
	tcase_add_test(tcase, the_authority_signs_what_it_verifies);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
