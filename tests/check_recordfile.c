/* SPDX-License-Identifier: BSD-2-Clause */
/* A card's record as a file: there and back, through mail, and what is none. */
#include "tests/scratch.h"
#include "tests/suite.h"
#include "tools/recordfile.h"

#include <string.h>

#define BEGIN "-----BEGIN TPMVSC CARD RECORD-----\n"
#define END   "-----END TPMVSC CARD RECORD-----\n"

static uint8_t octets[CARD_RECORD_MAX + 1];

/* A record of n octets, every value in it. */
static struct rbuf
sample(size_t n)
{
	struct wbuf out = wbuf_over(octets, sizeof octets);
	size_t i;

	for (i = 0; i < n; i++)
		wbuf_u8(&out, (uint8_t)(i * 7));
	return wbuf_view(&out);
}

static const size_t sizes[] = { 1, 47, 48, 49, 700, CARD_RECORD_MAX };

START_TEST(there_and_back)
{
	uint8_t text_octets[RECORD_TEXT_MAX], back_octets[CARD_RECORD_MAX];
	struct wbuf text = wbuf_over(text_octets, sizeof text_octets);
	struct wbuf back = wbuf_over(back_octets, sizeof back_octets);

	ck_assert(recordfile_armour(sample(sizes[_i]), &text));
	ck_assert(recordfile_unarmour(wbuf_view(&text), &back));
	ck_assert(rbuf_eq(wbuf_view(&back), sample(sizes[_i])));
}
END_TEST

START_TEST(no_room)
{
	uint8_t text_octets[60], back_octets[2];
	struct wbuf text = wbuf_over(text_octets, sizeof text_octets);
	struct wbuf back = wbuf_over(back_octets, sizeof back_octets);

	ck_assert(!recordfile_armour(sample(700), &text));
	ck_assert(wbuf_ok(&text) && text.len == 0);
	ck_assert(!recordfile_armour(sample(CARD_RECORD_MAX + 1), &text));
	ck_assert(!recordfile_unarmour(rbuf_str(BEGIN "AQID\n" END), &back));
	ck_assert(wbuf_ok(&back) && back.len == 0);
}
END_TEST

/* clang-format off */
static const struct {
	const char *why, *text;
	bool good;
} texts[] = {
	{ "as it is", BEGIN "AQID\n" END, true },
	{ "lines of another system", "-----BEGIN TPMVSC CARD RECORD-----\r\nAQID\r\n-----END TPMVSC CARD RECORD-----\r\n", true },
	{ "a letter around it", "Dear desk,\n\n" BEGIN "AQID\n" END "\nYours\n", true },
	{ "no line end at the end", BEGIN "AQID\n-----END TPMVSC CARD RECORD-----", true },
	{ "something else before it", "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n" BEGIN "AQID\n" END, true },
	{ "empty", "", false },
	{ "no armour", "AQID\n", false },
	{ "only something else", "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n", false },
	{ "nothing in it", BEGIN END, false },
	{ "not base64", BEGIN "A!ID\n" END, false },
	{ "cut short", BEGIN "AQID\n", false },
	{ "another end", BEGIN "AQID\n-----END CERTIFICATE-----\n", false },
	{ "encrypted", BEGIN "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAQID\n" END, false },
};
/* clang-format on */

START_TEST(through_mail)
{
	uint8_t back_octets[CARD_RECORD_MAX];
	struct wbuf back = wbuf_over(back_octets, sizeof back_octets);

	ck_assert_msg(recordfile_unarmour(rbuf_str(texts[_i].text), &back) == texts[_i].good, "%s",
	    texts[_i].why);
	ck_assert_msg(rbuf_eq(wbuf_view(&back), texts[_i].good ? rbuf_of("\1\2\3", 3) : rbuf_of(NULL, 0)),
	    "%s", texts[_i].why);
}
END_TEST

/* Longer than any record: it must not come back cut. */
START_TEST(too_long)
{
	static char text[12000] = BEGIN;
	uint8_t back_octets[CARD_RECORD_MAX * 2];
	struct wbuf back = wbuf_over(back_octets, sizeof back_octets);
	size_t i;

	for (i = 0; i < 100; i++)
		(void)strcat(text, "AQIDAQIDAQIDAQIDAQIDAQIDAQIDAQIDAQIDAQIDAQIDAQIDAQIDAQIDAQIDAQID\n");
	(void)strcat(text, END);
	ck_assert(!recordfile_unarmour(rbuf_str(text), &back));
}
END_TEST

static void
save(const char *name, struct rbuf record)
{
	struct failure why = { "" };
	struct outfile f;

	ck_assert_int_eq(outfile_open(scratch_path(name), &f, &why), DONE);
	ck_assert_int_eq(recordfile_write(&f, record, &why), DONE);
	ck_assert(!failed(&why));
}

static bool
loads(const char *name, struct rbuf record)
{
	uint8_t back_octets[CARD_RECORD_MAX];
	struct wbuf back = wbuf_over(back_octets, sizeof back_octets);
	struct failure why = { "" };

	return recordfile_read(scratch_path(name), &back, &why) == DONE &&
	       rbuf_eq(wbuf_view(&back), record);
}

START_TEST(a_file)
{
	save("a", sample(700));
	ck_assert(loads("a", sample(700)));
	save("a", sample(20)); /* over a longer one */
	ck_assert(loads("a", sample(20)));
}
END_TEST

/* clang-format off */
static const struct {
	const char *why, *name;
} unreadable[] = {
	{ "not there", "nothing" },
	{ "a directory", "dir" },
	{ "no record", "prose" },
	{ "larger than any", "big" },
};
/* clang-format on */

START_TEST(not_to_be_read)
{
	static uint8_t zeros[RECORD_FILE_MAX + 1];
	uint8_t back_octets[CARD_RECORD_MAX];
	struct wbuf back = wbuf_over(back_octets, sizeof back_octets);
	struct failure why = { "" };

	scratch_mkdir("dir", 0700);
	scratch_write("prose", rbuf_str("Dear desk,\n"), 0600);
	scratch_write("big", rbuf_of(zeros, sizeof zeros), 0600);
	ck_assert_msg(recordfile_read(scratch_path(unreadable[_i].name), &back, &why) == FAILED, "%s",
	    unreadable[_i].why);
	ck_assert_msg(strstr(why.text, unreadable[_i].name) != NULL, "%s: %s", unreadable[_i].why, why.text);
	ck_assert_uint_eq(back.len, 0);
}
END_TEST

START_TEST(not_to_be_written)
{
	struct failure why = { "" };
	struct outfile f;

	ck_assert_int_eq(outfile_open(scratch_path("long"), &f, &why), DONE);
	ck_assert_int_eq(recordfile_write(&f, sample(CARD_RECORD_MAX + 1), &why), FAILED);
	ck_assert(!scratch_exists("long"));
	ck_assert_int_eq(outfile_open("/dev/full", &f, &why), DONE);
	ck_assert_int_eq(recordfile_write(&f, sample(700), &why), NO_ROOM);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("recordfile");
	TCase *text = tcase_create("text"), *files = tcase_create("files");

	tcase_add_rows(text, there_and_back, sizes);
	tcase_add_test(text, no_room);
	tcase_add_rows(text, through_mail, texts);
	tcase_add_test(text, too_long);
	suite_add_tcase(suite, text);
	tcase_add_checked_fixture(files, scratch_setup, scratch_teardown);
	tcase_add_test(files, a_file);
	tcase_add_rows(files, not_to_be_read, unreadable);
	tcase_add_test(files, not_to_be_written);
	suite_add_tcase(suite, files);
	return suite_run(suite);
}
