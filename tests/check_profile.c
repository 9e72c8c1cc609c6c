/* SPDX-License-Identifier: BSD-2-Clause */
/* What a card says of itself: ATR, name and profile, the unchanging parts of its file system. */
#include "card/parts.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

#define OCTETS(text) rbuf_of((text), sizeof(text) - 1)

/* ---- the ATR ---- */

/* ISO/IEC 7816-3: the structure says how long it is, and the XOR of all but TS is zero. */
START_TEST(atr)
{
	struct rbuf in = card_atr(), historical, text;
	uint8_t sum = 0, octet, y, k, protocols = 0;
	size_t i;

	for (i = 1; i < in.len; i++)
		sum ^= rbuf_at(in, i);
	ck_assert_uint_eq(sum, 0);
	ck_assert_uint_le(in.len, 33);
	ck_assert(rbuf_u8(&in, &octet));
	ck_assert_uint_eq(octet, 0x3b);
	ck_assert(rbuf_u8(&in, &octet));
	k = octet & 0x0f;
	for (y = octet >> 4; y != 0;) {
		/* TAi, TBi, TCi, then TDi, which says what follows */
		ck_assert(rbuf_take(&in, (y & 1u) + (y >> 1 & 1u) + (y >> 2 & 1u), &text));
		if ((y & 8) == 0)
			break;
		ck_assert(rbuf_u8(&in, &octet));
		protocols = (uint8_t)(protocols | 1 << (octet & 0x0f));
		y = octet >> 4;
	}
	ck_assert_uint_eq(protocols, 1 << 1);
	ck_assert(rbuf_take(&in, k, &historical));
	ck_assert_msg(in.len == 1, "TCK and nothing else");
	ck_assert(rbuf_eq(historical, OCTETS("\x80\xf9\xa0\x00\x00\x03\x08\x00\x00\x10\x00")));
}
END_TEST

/* ---- names and profiles ---- */

#define A16      "aaaaaaaaaaaaaaaa"
#define E_ACUTE4 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
#define SMILE4   "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
#define SMILE16  SMILE4 SMILE4 SMILE4 SMILE4

static const struct {
	const char *why, *name;
	bool good;
} names[] = {
	{ "one letter", "a", true },
	{ "a space", " ", true },
	{ "words", "Alice's card (2nd)", true },
	{ "two octets a character", E_ACUTE4, true },
	{ "three octets", "\xe2\x82\xac", true },
	{ "64 characters", A16 A16 A16 A16, true },
	{ "64 characters of four octets", SMILE16 SMILE16 SMILE16 SMILE16, true },
	{ "65 characters", A16 A16 A16 A16 "a", false },
	{ "empty", "", false },
	{ "newline", "a\nb", false },
	{ "tab", "a\tb", false },
	{ "escape", "\033[31m", false },
	{ "delete", "a\x7f", false },
	{ "C1 control", "a\xc2\x9b", false },
	{ "right-to-left override",
	    "a\xe2\x80\xae"
	    "b",
	    false },
	{ "zero width space", "a\xe2\x80\x8b", false },
	{ "line separator", "a\xe2\x80\xa8", false },
	{ "byte order mark",
	    "\xef\xbb\xbf"
	    "a",
	    false },
	{ "isolate",
	    "\xe2\x81\xa6"
	    "a",
	    false },
	{ "Latin-1", "\xe9", false },
	{ "lone continuation", "\x80", false },
	{ "cut short", "\xe2\x82", false },
	{ "overlong slash", "\xc0\xaf", false },
	{ "overlong NUL", "\xc0\x80", false },
	{ "overlong of three", "\xe0\x80\xaf", false },
	{ "surrogate", "\xed\xa0\x80", false },
	{ "beyond 10FFFF", "\xf4\x90\x80\x80", false },
	{ "five octets", "\xf8\x88\x80\x80\x80", false },
	{ "FF", "\xff", false },
};

START_TEST(name)
{
	struct piv_profile profile = { .policy = pin_policy_default }, back = { .name = "" };
	const char *fault = card_name_fault(names[_i].name);
	uint8_t octets[512];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	unsigned instance = 99;

	ck_assert_msg((fault == NULL) == names[_i].good, "%s: %s", names[_i].why,
	    fault != NULL ? fault : "good");
	(void)snprintf(profile.name, sizeof profile.name, "%s", names[_i].name);
	ck_assert_msg(profile_write(7, &profile, &out) == names[_i].good, "%s", names[_i].why);
	if (!names[_i].good)
		return;
	ck_assert(profile_read(wbuf_view(&out), &instance, &back));
	ck_assert_uint_eq(instance, 7);
	ck_assert_str_eq(back.name, names[_i].name);
	ck_assert_mem_eq(&back.policy, &pin_policy_default, sizeof back.policy);
}
END_TEST

START_TEST(profile_hostile)
{
	struct piv_profile profile = { .name = "Alice", .guid = { 1, 2, 3 },
		.policy = pin_policy_default };
	struct piv_profile out = { .name = "untouched" };
	uint8_t octets[64], *copy;
	struct wbuf whole = wbuf_over(octets, sizeof octets);
	unsigned instance = 99;
	size_t len, at;
	int value;

	ck_assert(profile_write(3, &profile, &whole));
	for (len = 0; len < whole.len; len++) {
		copy = malloc(len + 1);
		ck_assert_ptr_nonnull(copy);
		memcpy(copy + 1, octets, len);
		ck_assert_msg(!profile_read(rbuf_of(copy + 1, len), &instance, &out), "%zu", len);
		free(copy);
	}
	ck_assert_str_eq(out.name, "untouched");
	ck_assert_uint_eq(instance, 99);
	octets[whole.len] = 0;
	ck_assert(!profile_read(rbuf_of(octets, whole.len + 1), &instance, &out));
	copy = malloc(whole.len);
	ck_assert_ptr_nonnull(copy);
	for (at = 0; at < whole.len; at++) {
		for (value = 0; value < 256; value++) {
			memcpy(copy, octets, whole.len);
			copy[at] = (uint8_t)value;
			if (profile_read(rbuf_of(copy, whole.len), &instance, &out))
				ck_assert_ptr_null(card_name_fault(out.name));
		}
	}
	free(copy);
	/* A NUL inside the name, and another version. */
	octets[24] = 0;
	ck_assert(!profile_read(wbuf_view(&whole), &instance, &out));
	octets[24] = 'c';
	octets[0] = 1;
	ck_assert(!profile_read(wbuf_view(&whole), &instance, &out));
	octets[0] = 3;
	ck_assert(!profile_read(wbuf_view(&whole), &instance, &out));
}
END_TEST

/* The octet behind the version; what a later version may mean by a bit is not ours to guess. */
START_TEST(flags)
{
	struct piv_profile profile = { .name = "Alice", .policy = pin_policy_default };
	struct piv_profile out = { .name = "" };
	uint8_t octets[64];
	struct wbuf whole;
	unsigned instance, value;

	for (value = 0; value < 256; value++) {
		whole = wbuf_over(octets, sizeof octets);
		profile.allow_reset = value % 2 != 0;
		ck_assert(profile_write(3, &profile, &whole));
		ck_assert_uint_eq(octets[1], value % 2);
		octets[1] = (uint8_t)value;
		out.allow_reset = value % 2 == 0;
		ck_assert_msg(profile_read(wbuf_view(&whole), &instance, &out) == (value < 2),
		    "flags %02x", value);
		if (value < 2)
			ck_assert_msg(out.allow_reset == (value == 1), "flags %02x", value);
	}
}
END_TEST

/* ---- the file system ---- */

/* What every card of agency 9999 carries. */
START_TEST(fascn)
{
	static const uint8_t known[] = { 0xd4, 0xe7, 0x39, 0xda, 0x73, 0x9c, 0xed, 0x39, 0xce, 0x73,
		0x9d, 0x83, 0x68, 0x58, 0x21, 0x08, 0x42, 0x10, 0x84, 0x21, 0xc8, 0x42, 0x10, 0xc3,
		0xeb };
	uint8_t octets[32];
	struct wbuf out = wbuf_over(octets, sizeof octets);

	fascn_write(&out);
	ck_assert_uint_eq(out.len, 25);
	ck_assert_mem_eq(octets, known, sizeof known);
}
END_TEST

static const struct {
	const char *why;
	int64_t now;
	const char *expiry;
} dates[] = {
	{ "twenty years on", 1767225600, "20460101" }, /* 2026-01-01 */
	{ "no clock", 0, "20450101" }, { "before 1970", -86400, "20451231" },
	{ "29 February", 1835438400, "20480228" }, /* 2028-02-29 */
	{ "far future", 4102444800, "20990101" },  /* 2100-01-01 */
};

START_TEST(expiry)
{
	struct file_system one, two;

	ck_assert(file_system_draw(dates[_i].now, &one));
	ck_assert_msg(
	    strcmp(one.expiry, dates[_i].expiry) == 0, "%s: %s", dates[_i].why, one.expiry);
	ck_assert(file_system_draw(dates[_i].now, &two));
	ck_assert_mem_ne(one.guid, two.guid, sizeof one.guid);
	ck_assert_mem_ne(one.card_id, two.card_id, sizeof one.card_id);
	ck_assert_uint_eq(one.guid[6] >> 4, 4);
	ck_assert_uint_eq(one.guid[8] >> 6, 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("profile");
	TCase *tc = tcase_create("profile");

	tcase_add_test(tc, atr);
	tcase_add_rows(tc, name, names);
	tcase_add_test(tc, profile_hostile);
	tcase_add_test(tc, flags);
	tcase_add_test(tc, fascn);
	tcase_add_rows(tc, expiry, dates);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
