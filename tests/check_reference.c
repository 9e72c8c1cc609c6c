/* SPDX-License-Identifier: BSD-2-Clause */
/* The authValue of a secret: as OpenSSL's scrypt has it, within limits. */
#include <openssl/evp.h>
#include <string.h>

#include "tests/suite.h"
#include "tpm/reference.h"

static struct record
record_with(uint8_t log_n, uint8_t r, uint8_t p)
{
	struct record record = { .scrypt_log_n = log_n, .scrypt_r = r, .scrypt_p = p };
	size_t i;

	for (i = 0; i < INDEX_COUNT; i++)
		memset(record.index[i].salt, 0x40 + (int)i, sizeof record.index[i].salt);
	return record;
}

/* clang-format off */
static const struct {
	uint8_t log_n, r, p;
	enum card_index which;
	const char *value;
} same[] = {
	{ 13, 8, 1, INDEX_PIN,   "12345678" }, /* what a card is made with */
	{ 13, 8, 1, INDEX_PUK,   "12345678" },
	{ 13, 8, 1, INDEX_ADMIN, "012345678901234567890123" },
	{ 10, 8, 4, INDEX_PIN,   "1" },
	{  4, 1, 1, INDEX_PIN,   "longer than a block of the hash, which the derivation hashes first: 127 is the limit" },
	{  1, 9, 3, INDEX_PUK,   "" },
};
/* clang-format on */

START_TEST(as_openssl)
{
	const struct record record = record_with(same[_i].log_n, same[_i].r, same[_i].p);
	uint8_t octets[64], want[32];
	struct wbuf salt = wbuf_over(octets, sizeof octets);
	SECRET(value);
	SECRET(auth);

	wbuf_put(&salt, rbuf_of(record.index[same[_i].which].salt, SALT_OCTETS));
	wbuf_put(&salt, rbuf_str(index_label(same[_i].which)));
	ck_assert_int_eq(EVP_PBE_scrypt(same[_i].value, strlen(same[_i].value), octets, salt.len,
			     (uint64_t)1 << same[_i].log_n, same[_i].r, same[_i].p, 64UL << 20, want,
			     sizeof want),
	    1);
	ck_assert(secret_set(&value, rbuf_str(same[_i].value)));
	ck_assert(reference_auth(&record, same[_i].which, &value, &auth));
	ck_assert(rbuf_eq(secret_view(&auth), rbuf_of(want, sizeof want)));
}
END_TEST

static const struct {
	const char *why;
	uint8_t log_n, r, p;
} refused[] = {
	{ "N is 1", 0, 8, 1 },
	{ "no r", 13, 0, 1 },
	{ "no p", 13, 8, 0 },
	{ "64 MiB and what else it takes", 16, 8, 1 },
	{ "the greatest N", 31, 1, 1 },
	{ "everything at its greatest", 255, 255, 255 },
};

START_TEST(refusals)
{
	const struct record record = record_with(refused[_i].log_n, refused[_i].r, refused[_i].p);
	SECRET(value);
	SECRET(auth);

	ck_assert(secret_set(&value, rbuf_str("12345678")) &&
	    secret_set(&auth, rbuf_str("what was there")));
	ck_assert_msg(!reference_auth(&record, INDEX_PIN, &value, &auth), "%s", refused[_i].why);
	ck_assert_msg(auth.len == 0, "%s", refused[_i].why);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("reference");
	TCase *tcase = tcase_create("reference");

	tcase_set_timeout(tcase, 120);
	tcase_add_rows(tcase, as_openssl, same);
	tcase_add_rows(tcase, refusals, refused);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
