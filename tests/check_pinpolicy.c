/* SPDX-License-Identifier: BSD-2-Clause */
/* PIN policies: impossible ones, what breaks them, and how they are kept. */
#include "applet/pinpolicy.h"

#include <string.h>

#include "tests/suite.h"

enum { A = CLASS_ALLOWED, R = CLASS_REQUIRED, D = CLASS_DISALLOWED };

/* clang-format off */
static const struct fault_row {
	const char *why;
	struct pin_policy policy; /* min, max, { upper, lower, digits, special }, printable */
	const char *fault;
} fault_rows[] = {
	{ "the default", { 8, 127, { A, A, A, A }, false }, NULL },
	{ "the least", { 4, 4, { A, A, A, A }, true }, NULL },
	{ "all required in the least", { 4, 4, { R, R, R, R }, true }, NULL },
	{ "one kind left", { 8, 8, { D, D, R, D }, true }, NULL },
	{ "too short", { 3, 8, { A, A, A, A }, true }, "minlen is smaller than 4" },
	{ "nothing", { 0, 0, { A, A, A, A }, false }, "minlen is smaller than 4" },
	{ "too long", { 8, 128, { A, A, A, A }, true }, "maxlen is greater than 127" },
	{ "crossed", { 9, 8, { A, A, A, A }, true }, "minlen is greater than maxlen" },
	{ "no character left", { 8, 8, { D, D, D, D }, true },
	    "every kind of character is DISALLOWED" },
	{ "a rule that is none", { 8, 8, { A, A, 3, A }, true },
	    "a rule is neither ALLOWED, REQUIRED nor DISALLOWED" },
	{ "a last rule that is none", { 8, 8, { A, A, A, 0xff }, true },
	    "a rule is neither ALLOWED, REQUIRED nor DISALLOWED" },
};
/* clang-format on */

/* Whether two clauses are the same, or both none. */
static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

START_TEST(fault)
{
	const struct fault_row *row = &fault_rows[_i];
	const char *got = pin_policy_fault(&row->policy);

	ck_assert_msg(same(got, row->fault), "%s: %s", row->why, got != NULL ? got : "no fault");
}
END_TEST

#define TEN     "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* clang-format off */
static const struct breach_row {
	const char *why;
	struct pin_policy policy;
	const char *pin, *breach;
} breach_rows[] = {
	{ "digits", { 8, 127, { A, A, A, A }, false }, "12345678", NULL },
	{ "one short", { 8, 127, { A, A, A, A }, false }, "1234567", "it is too short" },
	{ "nothing at all", { 8, 127, { A, A, A, A }, false }, "", "it is too short" },
	{ "the longest", { 8, 127, { A, A, A, A }, false }, HUNDRED TEN TEN "1234567", NULL },
	{ "one long", { 8, 127, { A, A, A, A }, false }, HUNDRED TEN TEN "12345678",
	    "it is too long" },
	{ "longer than its own rule", { 4, 6, { A, A, A, A }, true }, "1234567",
	    "it is too long" },
	{ "control characters by default", { 8, 127, { A, A, A, A }, false },
	    "\x01\x02\x03\x7f\x1f\x09\x0a\x0d", NULL },
	{ "a control character where only printable ones go", { 8, 127, { A, A, A, A }, true },
	    "1234567\x1f", "it has a character that is not allowed" },
	{ "DEL where only printable ones go", { 8, 127, { A, A, A, A }, true },
	    "1234567\x7f", "it has a character that is not allowed" },
	{ "blank and tilde are printable", { 8, 127, { A, A, A, A }, true }, "1234 56~", NULL },
	{ "not ASCII", { 8, 127, { A, A, A, A }, false }, "1234567\x80",
	    "it has a character that is not allowed" },
	{ "padding", { 8, 127, { A, A, A, A }, false }, "\xff\xff\xff\xff\xff\xff\xff\xff",
	    "it has a character that is not allowed" },
	{ "all kinds required and there", { 4, 8, { R, R, R, R }, true }, "aA0-", NULL },
	{ "no uppercase letter", { 4, 8, { R, A, A, A }, true }, "aaaa0-",
	    "it has no uppercase letter" },
	{ "no lowercase letter", { 4, 8, { A, R, A, A }, true }, "AA0-",
	    "it has no lowercase letter" },
	{ "no digit", { 4, 8, { A, A, R, A }, true }, "aA--", "it has no digit" },
	{ "no special character", { 4, 8, { A, A, A, R }, true }, "aA00",
	    "it has no special character" },
	{ "an uppercase letter", { 4, 8, { D, A, A, A }, true }, "aaaZ",
	    "it has an uppercase letter" },
	{ "a lowercase letter", { 4, 8, { A, D, A, A }, true }, "AAAz",
	    "it has a lowercase letter" },
	{ "a digit", { 4, 8, { A, A, D, A }, true }, "aaa9", "it has a digit" },
	{ "a special character", { 4, 8, { A, A, A, D }, true }, "aaa@",
	    "it has a special character" },
	{ "neighbours of the letters and digits are special", { 4, 8, { D, D, D, A }, true },
	    "@[`{/:", NULL },
};
/* clang-format on */

START_TEST(breach)
{
	const struct breach_row *row = &breach_rows[_i];
	size_t len = strlen(row->pin);
	uint8_t *pin = malloc(len + 1); /* one octet more: it may be empty */
	const char *got;

	ck_assert_ptr_nonnull(pin);
	memcpy(pin, row->pin, len);
	got = pin_policy_breach(&row->policy, rbuf_of(pin, len));
	ck_assert_msg(same(got, row->breach), "%s: %s", row->why, got != NULL ? got : "no breach");
	free(pin);
}
END_TEST

START_TEST(nul_is_no_character)
{
	ck_assert_str_eq(pin_policy_breach(&pin_policy_default, rbuf_of("1234567\0", 8)),
	    "it has a character that is not allowed");
	ck_assert_str_eq(
	    puk_breach(rbuf_of("\0001234567", 8)), "it has a character that is not allowed");
}
END_TEST

START_TEST(puk)
{
	ck_assert_ptr_null(puk_breach(rbuf_str("12345678")));
	ck_assert_ptr_null(puk_breach(rbuf_str(HUNDRED TEN TEN "1234567")));
	ck_assert_str_eq(puk_breach(rbuf_str("1234567")), "it is too short");
	ck_assert_str_eq(puk_breach(rbuf_str(HUNDRED TEN TEN "12345678")), "it is too long");
	ck_assert_str_eq(
	    puk_breach(rbuf_str("1234567\x80")), "it has a character that is not allowed");
}
END_TEST

START_TEST(kept)
{
	const struct fault_row *row = &fault_rows[_i];
	uint8_t octets[PIN_POLICY_OCTETS];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct pin_policy back = { .min = 99 };
	struct rbuf in;

	pin_policy_write(&row->policy, &out);
	ck_assert(wbuf_ok(&out) && out.len == PIN_POLICY_OCTETS);
	in = wbuf_view(&out);
	ck_assert_msg(pin_policy_read(&in, &back) == (row->fault == NULL), "%s", row->why);
	if (row->fault == NULL) {
		ck_assert_uint_eq(in.len, 0);
		ck_assert(back.min == row->policy.min && back.max == row->policy.max);
		ck_assert(memcmp(back.rules, row->policy.rules, sizeof back.rules) == 0);
		ck_assert(back.printable == row->policy.printable);
	} else {
		ck_assert(in.len == PIN_POLICY_OCTETS && back.min == 99);
	}
}
END_TEST

START_TEST(cut_short_or_odd)
{
	static const uint8_t octets[] = { 8, 127, 0, 0, 0, 0, 2 };
	struct pin_policy back;
	size_t len;

	for (len = 0; len <= sizeof octets; len++) {
		uint8_t *copy = malloc(len + 1);
		struct rbuf in = rbuf_of(copy, len);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, octets, len);
		ck_assert_msg(!pin_policy_read(&in, &back) && in.len == len, "%zu", len);
		free(copy);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pinpolicy");
	TCase *tcase = tcase_create("pinpolicy");

	tcase_add_rows(tcase, fault, fault_rows);
	tcase_add_rows(tcase, breach, breach_rows);
	tcase_add_test(tcase, nul_is_no_character);
	tcase_add_test(tcase, puk);
	tcase_add_rows(tcase, kept, fault_rows);
	tcase_add_test(tcase, cut_short_or_odd);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
