/* SPDX-License-Identifier: BSD-2-Clause */
/* base64, and what only looks like it. */
#include "tests/suite.h"
#include "tools/base64.h"

#include <string.h>

/* RFC 4648, 10, and all values of a group. */
static const struct {
	const char *octets, *text;
} pairs[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xff\xff\xff", "////" },
	{ "\xfb\xef\xbe", "++++" },
};

START_TEST(there_and_back)
{
	uint8_t text[64], octets[64];
	struct wbuf t = wbuf_over(text, sizeof text), o = wbuf_over(octets, sizeof octets);

	base64_write(rbuf_str(pairs[_i].octets), &t);
	ck_assert(rbuf_eq(wbuf_view(&t), rbuf_str(pairs[_i].text)));
	ck_assert_uint_eq(t.len, BASE64_LENGTH(strlen(pairs[_i].octets)));
	ck_assert(base64_read(wbuf_view(&t), &o));
	ck_assert(rbuf_eq(wbuf_view(&o), rbuf_str(pairs[_i].octets)));
}
END_TEST

static const char *const wrong[] = {
	"Z", "Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm=v",
	"Zm9v\n", " Zm9v", "Zm9v ", "Zm 9", "Zm9v    ", "Zm9-", "Zm9_", "Zm\x01v", "Zm\3779", "    ",
};

START_TEST(other_texts)
{
	uint8_t octets[64];
	struct wbuf o = wbuf_over(octets, sizeof octets);

	wbuf_u8(&o, 7);
	ck_assert_msg(!base64_read(rbuf_str(wrong[_i]), &o), "\"%s\"", wrong[_i]);
	ck_assert_uint_eq(o.len, 1);
	ck_assert(wbuf_ok(&o));
}
END_TEST

START_TEST(room)
{
	uint8_t octets[5];
	struct wbuf o = wbuf_over(octets, sizeof octets);

	ck_assert(!base64_read(rbuf_str("Zm9vYmFy"), &o));
	ck_assert_uint_eq(o.len, 0);
	ck_assert(base64_read(rbuf_str("Zm9vYmE="), &o));
	ck_assert_uint_eq(o.len, 5);
	o = wbuf_over(octets, 3);
	base64_write(rbuf_str("f"), &o);
	ck_assert(!wbuf_ok(&o));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base64");
	TCase *tcase = tcase_create("base64");

	tcase_add_rows(tcase, there_and_back, pairs);
	tcase_add_rows(tcase, other_texts, wrong);
	tcase_add_test(tcase, room);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
