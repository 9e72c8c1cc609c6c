/* SPDX-License-Identifier: BSD-2-Clause */
/* scrypt: the vectors of RFC 7914, and OpenSSL's as the other opinion. */
#include "tests/suite.h"
#include "tpm/scrypt.h"

#include <openssl/evp.h>
#include <string.h>
#include <sys/resource.h>

static struct secret
secret_of(const char *text)
{
	struct secret s;

	ck_assert(secret_set(&s, rbuf_str(text)));
	return s;
}

/* clang-format off */
static const struct {
	const char *value, *salt;
	struct scrypt_cost cost;
	uint8_t want[64];
} vectors[] = {
	{ "", "", { 4, 1, 1 },
	    { 0x77, 0xd6, 0x57, 0x62, 0x38, 0x65, 0x7b, 0x20, 0x3b, 0x19, 0xca, 0x42, 0xc1, 0x8a, 0x04, 0x97,
	      0xf1, 0x6b, 0x48, 0x44, 0xe3, 0x07, 0x4a, 0xe8, 0xdf, 0xdf, 0xfa, 0x3f, 0xed, 0xe2, 0x14, 0x42,
	      0xfc, 0xd0, 0x06, 0x9d, 0xed, 0x09, 0x48, 0xf8, 0x32, 0x6a, 0x75, 0x3a, 0x0f, 0xc8, 0x1f, 0x17,
	      0xe8, 0xd3, 0xe0, 0xfb, 0x2e, 0x0d, 0x36, 0x28, 0xcf, 0x35, 0xe2, 0x0c, 0x38, 0xd1, 0x89, 0x06 } },
	{ "password", "NaCl", { 10, 8, 16 },
	    { 0xfd, 0xba, 0xbe, 0x1c, 0x9d, 0x34, 0x72, 0x00, 0x78, 0x56, 0xe7, 0x19, 0x0d, 0x01, 0xe9, 0xfe,
	      0x7c, 0x6a, 0xd7, 0xcb, 0xc8, 0x23, 0x78, 0x30, 0xe7, 0x73, 0x76, 0x63, 0x4b, 0x37, 0x31, 0x62,
	      0x2e, 0xaf, 0x30, 0xd9, 0x2e, 0x22, 0xa3, 0x88, 0x6f, 0xf1, 0x09, 0x27, 0x9d, 0x98, 0x30, 0xda,
	      0xc7, 0x27, 0xaf, 0xb9, 0x4a, 0x83, 0xee, 0x6d, 0x83, 0x60, 0xcb, 0xdf, 0xa2, 0xcc, 0x06, 0x40 } },
	{ "pleaseletmein", "SodiumChloride", { 14, 8, 1 },
	    { 0x70, 0x23, 0xbd, 0xcb, 0x3a, 0xfd, 0x73, 0x48, 0x46, 0x1c, 0x06, 0xcd, 0x81, 0xfd, 0x38, 0xeb,
	      0xfd, 0xa8, 0xfb, 0xba, 0x90, 0x4f, 0x8e, 0x3e, 0xa9, 0xb5, 0x43, 0xf6, 0x54, 0x5d, 0xa1, 0xf2,
	      0xd5, 0x43, 0x29, 0x55, 0x61, 0x3f, 0x0f, 0xcf, 0x62, 0xd4, 0x97, 0x05, 0x24, 0x2a, 0x9a, 0xf9,
	      0xe6, 0x1e, 0x85, 0xdc, 0x0d, 0x65, 0x1e, 0x40, 0xdf, 0xcf, 0x01, 0x7b, 0x45, 0x57, 0x58, 0x87 } },
};
/* clang-format on */

START_TEST(rfc7914)
{
	struct secret value = secret_of(vectors[_i].value), out;

	ck_assert(scrypt(&value, rbuf_str(vectors[_i].salt), &vectors[_i].cost, 64, &out));
	ck_assert(rbuf_eq(secret_view(&out), rbuf_of(vectors[_i].want, 64)));
}
END_TEST

static void
agrees(const char *text, const char *salt, struct scrypt_cost cost, size_t n)
{
	struct secret value = secret_of(text), out;
	uint8_t want[SECRET_MAX];

	ck_assert_int_eq(EVP_PBE_scrypt(text, strlen(text), (const uint8_t *)salt, strlen(salt),
			     (uint64_t)1 << cost.log_n, cost.r, cost.p, SCRYPT_MEMORY_MAX, want, n),
	    1);
	ck_assert_msg(scrypt(&value, rbuf_str(salt), &cost, n, &out) &&
			  rbuf_eq(secret_view(&out), rbuf_of(want, n)),
	    "%u %u %u: %zu", cost.log_n, cost.r, cost.p, n);
}

START_TEST(as_openssl)
{
	static const char *const words[] = { "1", "12345678", "a longer one, of more than a block of the hash: 127 is the limit" };
	struct scrypt_cost cost = { 1, 1, 1 };
	unsigned i = 0;

	for (cost.log_n = 1; cost.log_n <= 7; cost.log_n++) {
		for (cost.r = 1; cost.r <= 9; cost.r++) {
			for (cost.p = 1; cost.p <= 3; cost.p++, i++)
				agrees(words[i % 3], words[i % 2], cost, 1 + i % SECRET_MAX);
		}
	}
	/* What a card is made with. */
	agrees("12345678", "a salt of 16 oct", (struct scrypt_cost){ 13, 8, 1 }, 32);
}
END_TEST

static const struct {
	const char *why;
	struct scrypt_cost cost;
	size_t n;
} refused[] = {
	{ "N is 1", { 0, 8, 1 }, 32 },
	{ "no r", { 13, 0, 1 }, 32 },
	{ "no p", { 13, 8, 0 }, 32 },
	{ "64 MiB and what else it takes", { 16, 8, 1 }, 32 },
	{ "the greatest N", { 31, 1, 1 }, 32 },
	{ "N as if it were 2", { 33, 1, 1 }, 32 },
	{ "everything at its greatest", { 255, 255, 255 }, 32 },
	{ "more than a secret holds", { 4, 1, 1 }, SECRET_MAX + 1 },
};

START_TEST(refusals)
{
	struct secret value = secret_of("12345678"), out = secret_of("what was there");

	ck_assert_msg(!scrypt(&value, rbuf_str("salt"), &refused[_i].cost, refused[_i].n, &out),
	    "%s", refused[_i].why);
	ck_assert_msg(out.len == 0, "%s", refused[_i].why);
}
END_TEST

/* What it took is gone, also when it was not to be had. */
START_TEST(memory)
{
	const struct scrypt_cost cost = { 13, 8, 1 };
	struct secret value = secret_of("12345678"), out;
	struct rlimit limit, none;
	bool ok;

	ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
	none = (struct rlimit){ .rlim_max = limit.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
	ok = scrypt(&value, rbuf_str("salt"), &cost, 32, &out);
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
	ck_assert(!ok && out.len == 0);
	ck_assert(scrypt(&value, rbuf_str("salt"), &cost, 32, &out));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("scrypt");
	TCase *tc = tcase_create("scrypt");

	tcase_set_timeout(tc, 120);
	tcase_add_rows(tc, rfc7914, vectors);
	tcase_add_test(tc, as_openssl);
	tcase_add_rows(tc, refusals, refused);
	tcase_add_test(tc, memory);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
