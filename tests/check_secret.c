/* SPDX-License-Identifier: BSD-2-Clause */
/* The wiping type: what it holds, and that nothing is left of it. */
#include "base/secret.h"
#include "tests/suite.h"

#include <string.h>

/* Counts the calls that SECRET() makes at the end of a scope. */
static void (*const real_clear)(struct secret *) = secret_clear;
static int cleared;
static bool wiped;

static void
counted_clear(struct secret *s)
{
	cleared++;
	real_clear(s);
	wiped = s->len == 0 && s->data[0] == 0;
}

/* Whether every octet of the structure is zero, its length included. */
static bool
is_wiped(const struct secret *s)
{
	static const struct secret nothing;

	return memcmp(s, &nothing, sizeof nothing) == 0;
}

static const struct set_row {
	const char *why;
	size_t len;
	bool fits;
} set_rows[] = {
	{ "empty", 0, true },
	{ "a PIN", 8, true },
	{ "the longest", SECRET_MAX, true },
	{ "one too long", SECRET_MAX + 1, false },
	{ "far too long", SECRET_MAX * 4, false },
};

START_TEST(set)
{
	const struct set_row *row = &set_rows[_i];
	uint8_t octets[SECRET_MAX * 4];
	SECRET(s);

	memset(octets, 'p', sizeof octets);
	ck_assert(secret_set(&s, rbuf_str("something before, longer than a PIN")));
	ck_assert_msg(secret_set(&s, rbuf_of(octets, row->len)) == row->fits, "%s", row->why);
	ck_assert_msg(s.len == (row->fits ? row->len : 0), "%s", row->why);
	ck_assert_msg(rbuf_eq(secret_view(&s), rbuf_of(octets, s.len)), "%s", row->why);
	if (!row->fits)
		ck_assert_msg(is_wiped(&s), "%s: something was kept", row->why);
}
END_TEST

START_TEST(set_leaves_nothing_of_a_longer_one)
{
	SECRET(s);

	ck_assert(secret_set(&s, rbuf_str("a long secret")));
	ck_assert(secret_set(&s, rbuf_str("ab")));
	ck_assert_mem_eq(s.data, "ab\0\0\0\0\0\0\0\0\0\0\0", 13);
}
END_TEST

START_TEST(clear)
{
	SECRET(s);

	ck_assert(secret_set(&s, rbuf_str("12345678")));
	secret_clear(&s);
	ck_assert(is_wiped(&s));
	secret_clear(NULL);
}
END_TEST

START_TEST(declared_empty)
{
	SECRET(s);

	ck_assert(is_wiped(&s));
	ck_assert_uint_eq(secret_view(&s).len, 0);
}
END_TEST

#define secret_clear counted_clear

static int
return_early(void)
{
	SECRET(s);

	if (secret_set(&s, rbuf_str("12345678")))
		return 1;
	return 2;
}

START_TEST(wiped_when_its_scope_ends)
{
	ck_assert_int_eq(return_early(), 1);
	ck_assert_int_eq(cleared, 1);
	ck_assert(wiped);
}
END_TEST

#undef secret_clear

int
main(void)
{
	Suite *suite = suite_create("secret");
	TCase *tcase = tcase_create("secret");

	suite_add_tcase(suite, tcase);
	tcase_add_rows(tcase, set, set_rows);
	tcase_add_test(tcase, set_leaves_nothing_of_a_longer_one);
	tcase_add_test(tcase, clear);
	tcase_add_test(tcase, declared_empty);
	tcase_add_test(tcase, wiped_when_its_scope_ends);

	return suite_run(suite);
}
