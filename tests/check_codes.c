/* SPDX-License-Identifier: BSD-2-Clause */
/* Challenges and responses as text: what comes back is what was written, or nothing. */
#include "tests/suite.h"
#include "tools/codes.h"

#include <stdio.h>
#include <string.h>

/* Octets of a content, all different. */
static struct rbuf
content_of(size_t n, uint8_t *octets)
{
	size_t i;

	for (i = 0; i < n; i++)
		octets[i] = (uint8_t)(i * 37 + 11);
	return rbuf_of(octets, n);
}

/* A code of that content as a string. */
static void
code_of(enum code_kind kind, size_t n, bool grouped, char *text)
{
	struct wbuf out = wbuf_over(text, CODE_TEXT_MAX);
	uint8_t octets[CODE_OCTETS_MAX];

	code_write(kind, content_of(n, octets), grouped, &out);
	ck_assert_msg(wbuf_ok(&out), "%zu octets", n);
	text[out.len] = '\0';
}

/* Read text; the content must be n octets when it is whole, nothing when it is not. */
static enum code_state
read_code(struct rbuf text, enum code_kind kind, size_t n, struct failure *why)
{
	uint8_t octets[CODE_OCTETS_MAX], wanted[CODE_OCTETS_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	enum code_state state;

	*why = (struct failure){ "" };
	state = code_read(text, kind, &out, why);
	if (state == CODE_WHOLE)
		ck_assert(rbuf_eq(wbuf_view(&out), content_of(n, wanted)));
	else
		ck_assert(out.len == 0 && failed(why));
	return state;
}

START_TEST(round_trip)
{
	char text[CODE_TEXT_MAX + 1];
	struct failure why;
	size_t n;

	for (n = 0; n <= CODE_OCTETS_MAX; n++) {
		code_of(CODE_CHALLENGE, n, true, text);
		ck_assert_msg(read_code(rbuf_str(text), CODE_CHALLENGE, n, &why) == CODE_WHOLE,
		    "%zu: %s", n, why.text);
		code_of(CODE_RESPONSE, n, false, text);
		ck_assert_ptr_null(strchr(text, '-'));
		ck_assert_int_eq(read_code(rbuf_str(text), CODE_RESPONSE, n, &why), CODE_WHOLE);
	}
}
END_TEST

/* The format is a contract between two machines: this very text must stay good. */
START_TEST(format)
{
	static const char wanted[] = "RESPONSE:28006-WG61C-R5ARW-MAGSG";
	char text[CODE_TEXT_MAX + 1];

	code_of(CODE_RESPONSE, 3, true, text);
	ck_assert_str_eq(text, wanted);
}
END_TEST

START_TEST(too_long)
{
	uint8_t octets[CODE_OCTETS_MAX + 1] = { 0 };
	char text[2 * CODE_TEXT_MAX];
	struct wbuf out = wbuf_over(text, sizeof text);

	code_write(CODE_CHALLENGE, rbuf_of(octets, sizeof octets), true, &out);
	ck_assert(!wbuf_ok(&out));
}
END_TEST

/* Every character replaced by every other one, left out, doubled, and swapped with the next. */
START_TEST(every_typo)
{
	char text[CODE_TEXT_MAX + 2], typo[CODE_TEXT_MAX + 2];
	struct failure why;
	size_t at, n;
	int c;

	code_of(CODE_CHALLENGE, 40, false, text);
	n = strlen(text);
	for (at = strlen("CHALLENGE:"); at < n; at++) {
		for (c = 0; c < 256; c++) {
			memcpy(typo, text, n);
			typo[at] = (char)c;
			if (c == text[at] ||
			    (text[at] == '0' && strchr("oO", c) != NULL && c != 0) ||
			    (text[at] == '1' && strchr("iIlL", c) != NULL && c != 0) ||
			    (c >= 'a' && c <= 'z' && c - 32 == text[at]))
				continue;
			ck_assert_msg(
			    read_code(rbuf_of(typo, n), CODE_CHALLENGE, 40, &why) != CODE_WHOLE,
			    "character %zu as %02x", at, (unsigned)c);
		}
		memcpy(typo, text, n + 1);
		memmove(typo + at, text + at + 1, n - at);
		ck_assert_int_ne(
		    read_code(rbuf_of(typo, n - 1), CODE_CHALLENGE, 40, &why), CODE_WHOLE);
		memcpy(typo, text, n + 1);
		memmove(typo + at + 1, text + at, n - at);
		ck_assert_int_eq(
		    read_code(rbuf_of(typo, n + 1), CODE_CHALLENGE, 40, &why), CODE_WRONG);
		if (at + 1 == n || text[at] == text[at + 1])
			continue;
		memcpy(typo, text, n);
		typo[at] = text[at + 1];
		typo[at + 1] = text[at];
		ck_assert_int_eq(read_code(rbuf_of(typo, n), CODE_CHALLENGE, 40, &why), CODE_WRONG);
	}
}
END_TEST

/* Every beginning is one: more may follow. */
START_TEST(every_beginning)
{
	char text[CODE_TEXT_MAX + 1];
	struct failure why;
	size_t n, whole;

	code_of(CODE_RESPONSE, 33, true, text);
	whole = strlen(text);
	for (n = strlen("RESPONSE:"); n < whole; n++)
		ck_assert_int_eq(read_code(rbuf_of(text, n), CODE_RESPONSE, 33, &why), CODE_SHORT);
}
END_TEST

/* @ stands for the digits of a good code, { for the first 10, } for the others. */
static const struct dress_row {
	const char *why;
	const char *text;
	enum code_state state;
} dresses[] = {
	{ "as it is", "CHALLENGE:@", CODE_WHOLE },
	{ "without its name", "@", CODE_WHOLE },
	{ "a name in small letters", "challenge:@", CODE_WHOLE },
	{ "from a mail", "On Monday Alice wrote: Challenge: CHALLENGE:@", CODE_WHOLE },
	{ "spaces", "  CHALLENGE: { \t }  ", CODE_WHOLE },
	{ "two lines", "CHALLENGE:{\n}\n", CODE_WHOLE },
	{ "two lines of Windows", "CHALLENGE:{\r\n}\r\n", CODE_WHOLE },
	{ "quoted", "> CHALLENGE:{\n> }\n", CODE_WHOLE },
	{ "hyphens", "CHALLENGE:--{-----}-", CODE_WHOLE },
	{ "a full stop behind it", "CHALLENGE:@.", CODE_WRONG },
	{ "a word before it and no colon", "here @", CODE_WRONG },
	{ "a colon inside", "CHALLENGE:{:}", CODE_WRONG },
	{ "one digit more", "CHALLENGE:@0", CODE_WRONG },
	{ "a whole one more", "CHALLENGE:@@", CODE_WRONG },
	{ "nothing behind the colon", "@:", CODE_SHORT },
	{ "U, which is no digit", "CHALLENGE:{U}", CODE_WRONG },
	{ "UTF-8", "CHALLENGE:{\xc3\xbc}", CODE_WRONG },
	{ "an escape", "\033[2JCHALLENGE:\033[1m@", CODE_WRONG },
};

START_TEST(dressed)
{
	const struct dress_row *row = &dresses[_i];
	char code[CODE_TEXT_MAX + 1], text[3 * CODE_TEXT_MAX];
	const char *digits = code + strlen("CHALLENGE:"), *at;
	struct wbuf out = wbuf_over(text, sizeof text);
	struct failure why;
	size_t i;

	code_of(CODE_CHALLENGE, 40, false, code);
	for (at = row->text; *at != '\0'; at++)
		wbuf_put(&out, *at == '@'   ? rbuf_str(digits)
			       : *at == '{' ? rbuf_of(digits, 10)
			       : *at == '}' ? rbuf_str(digits + 10)
					    : rbuf_of(at, 1));
	wbuf_u8(&out, 0);
	ck_assert_msg(read_code(rbuf_str(text), CODE_CHALLENGE, 40, &why) == row->state, "%s: %s",
	    row->why, why.text);
	for (i = 0; text[i] != '\0'; i++) {
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] = (char)(text[i] + 32);
	}
	ck_assert_msg(
	    read_code(rbuf_str(text), CODE_CHALLENGE, 40, &why) == row->state, "%s", row->why);
}
END_TEST

/* What a person confuses, and what he is told. */
START_TEST(said)
{
	char text[CODE_TEXT_MAX + 1];
	struct failure why;

	code_of(CODE_CHALLENGE, 40, true, text);
	ck_assert_int_eq(read_code(rbuf_str(text), CODE_RESPONSE, 40, &why), CODE_WRONG);
	ck_assert_msg(strstr(why.text, "it is a challenge") != NULL, "%s", why.text);
	code_of(CODE_RESPONSE, 40, true, text);
	ck_assert_int_eq(read_code(rbuf_str(text), CODE_CHALLENGE, 40, &why), CODE_WRONG);
	ck_assert_msg(strstr(why.text, "it is a response") != NULL, "%s", why.text);
	text[60] = text[60] == 'A' ? 'B' : 'A';
	ck_assert_int_eq(read_code(rbuf_str(text), CODE_RESPONSE, 40, &why), CODE_WRONG);
	ck_assert_msg(strstr(why.text, "mistyped") != NULL, "%s", why.text);
	text[60] = '/';
	ck_assert_int_eq(read_code(rbuf_str(text), CODE_RESPONSE, 40, &why), CODE_WRONG);
	ck_assert_msg(strstr(why.text, "44. character") != NULL, "%s", why.text);
	ck_assert_int_eq(read_code(rbuf_str("12345678"), CODE_RESPONSE, 40, &why), CODE_WRONG);
	ck_assert_msg(strstr(why.text, "it is none") != NULL, "%s", why.text);
}
END_TEST

/* Letters that look like digits are read as these. */
START_TEST(alike)
{
	char text[CODE_TEXT_MAX + 1];
	struct failure why;
	size_t i;

	code_of(CODE_CHALLENGE, 200, false, text);
	for (i = strlen("CHALLENGE:"); text[i] != '\0'; i++)
		text[i] = text[i] == '0' ? 'O' : text[i] == '1' ? i % 2 ? 'I' : 'l' : text[i];
	ck_assert_ptr_nonnull(strchr(text, 'O'));
	ck_assert_ptr_nonnull(strchr(text, 'l'));
	ck_assert_int_eq(read_code(rbuf_str(text), CODE_CHALLENGE, 200, &why), CODE_WHOLE);
}
END_TEST

/* Noise of every length, in exact-size memory, and much of it. */
START_TEST(garbage)
{
	static const char wanted[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint8_t *noise;
	struct failure why;
	uint32_t x = 1;
	size_t n, i;

	for (n = 0; n < 700; n++) {
		noise = malloc(n + 1);
		ck_assert_ptr_nonnull(noise);
		for (i = 0; i < n; i++) {
			x = x * 1664525 + 1013904223;
			noise[i] = n % 2 ? (uint8_t)(x >> 24) : (uint8_t)wanted[x >> 27];
		}
		ck_assert_int_ne(read_code(rbuf_of(noise, n), CODE_CHALLENGE, 0, &why), CODE_WHOLE);
		free(noise);
	}
	noise = malloc(1 << 20);
	ck_assert_ptr_nonnull(noise);
	memset(noise, 'A', 1 << 20);
	ck_assert_int_eq(read_code(rbuf_of(noise, 1 << 20), CODE_CHALLENGE, 0, &why), CODE_WRONG);
	memset(noise, '-', 1 << 20);
	ck_assert_int_eq(read_code(rbuf_of(noise, 1 << 20), CODE_CHALLENGE, 0, &why), CODE_SHORT);
	free(noise);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("codes");
	TCase *codes = tcase_create("codes");

	tcase_add_test(codes, round_trip);
	tcase_add_test(codes, format);
	tcase_add_test(codes, too_long);
	tcase_add_test(codes, every_typo);
	tcase_add_test(codes, every_beginning);
	tcase_add_rows(codes, dressed, dresses);
	tcase_add_test(codes, said);
	tcase_add_test(codes, alike);
	tcase_add_test(codes, garbage);
	suite_add_tcase(suite, codes);
	return suite_run(suite);
}
