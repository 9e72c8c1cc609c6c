/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that somebody else wrote, before a person sees it. */
#include "base/text.h"
#include "tests/suite.h"

#include <string.h>

/* clang-format off */
static const struct {
	const char *why, *in, *want;
} rows[] = {
	{ "nothing", "", "" },
	{ "ASCII", "Alice Example, 7 bits~", "Alice Example, 7 bits~" },
	{ "two, three and four octets", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
	{ "an escape sequence", "\x1b[31mred", "?[31mred" },
	{ "line ends and a tab", "a\r\nb\tc", "a??b?c" },
	{ "DEL", "a\x7f" "b", "a?b" },
	{ "a control of Latin 1, as UTF-8", "a\xc2\x9b" "b", "a?b" },
	{ "a control of Latin 1, as it was", "a\x9b" "b", "a?b" },
	{ "turned direction", "\xe2\x80\xaegpj.exe", "?gpj.exe" },
	{ "an isolate", "a\xe2\x81\xa6" "b", "a?b" },
	{ "no width", "a\xe2\x80\x8b" "b", "a?b" },
	{ "a line separator", "a\xe2\x80\xa8" "b", "a?b" },
	{ "too long a form of a slash", "\xc0\xaf", "??" },
	{ "a surrogate", "\xed\xa0\x80", "???" },
	{ "beyond the last character", "\xf4\x90\x80\x80", "????" },
	{ "cut short", "a\xe2\x82", "a??" },
	{ "cut short before ASCII", "\xe2\x82z", "??z" },
};
/* clang-format on */

START_TEST(cleaned)
{
	char text[64] = "";
	struct wbuf out = wbuf_over(text, sizeof text - 1);

	text_clean(rbuf_str(rows[_i].in), &out);
	ck_assert_msg(wbuf_ok(&out) && strcmp(text, rows[_i].want) == 0, "%s: \"%s\"", rows[_i].why, text);
}
END_TEST

START_TEST(a_zero_octet_inside)
{
	char text[8] = "";
	struct wbuf out = wbuf_over(text, sizeof text - 1);

	text_clean(rbuf_of("a\0b", 3), &out);
	ck_assert_str_eq(text, "a?b");
}
END_TEST

START_TEST(no_room)
{
	char text[4] = "";
	struct wbuf out = wbuf_over(text, 3);

	text_clean(rbuf_str("abcd"), &out);
	ck_assert(!wbuf_ok(&out));
}
END_TEST

START_TEST(guid)
{
	static const uint8_t octets[16] = { 0x00, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0xff };
	char text[40] = "";
	struct wbuf out = wbuf_over(text, sizeof text - 1);

	text_guid(octets, &out);
	ck_assert_str_eq(text, "00123456-789a-bcde-f001-0203040506ff");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("text");
	TCase *tcase = tcase_create("text");

	tcase_add_rows(tcase, cleaned, rows);
	tcase_add_test(tcase, a_zero_octet_inside);
	tcase_add_test(tcase, no_room);
	tcase_add_test(tcase, guid);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
