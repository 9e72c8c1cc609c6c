/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounds of the octet reader and writer. */
#include "base/bytes.h"
#include "tests/suite.h"

#include <stdlib.h>
#include <string.h>

/*
 * A copy of octets in a heap block of exactly that size, so that a sanitizer
 * sees every read beyond the end.
 */
static uint8_t *
exact(const void *octets, size_t len)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);

	ck_assert_ptr_nonnull(copy);
	if (len != 0)
		memcpy(copy, octets, len);
	return copy;
}

static const struct take_row {
	const char *why;
	size_t len, n;
	bool taken;
} take_rows[] = {
	{ "nothing of nothing", 0, 0, true },
	{ "one of nothing", 0, 1, false },
	{ "nothing of some", 4, 0, true },
	{ "a part", 4, 3, true },
	{ "all", 4, 4, true },
	{ "one too many", 4, 5, false },
	{ "so many that a sum wraps", 4, SIZE_MAX, false },
};

START_TEST(take)
{
	const struct take_row *row = &take_rows[_i];
	uint8_t *octets = exact("\x01\x02\x03\x04", row->len);
	struct rbuf in = rbuf_of(octets, row->len);
	struct rbuf out = rbuf_of("zz", 2);

	ck_assert_msg(rbuf_take(&in, row->n, &out) == row->taken, "%s", row->why);
	if (row->taken) {
		ck_assert_msg(out.len == row->n && in.len == row->len - row->n, "%s", row->why);
		ck_assert_msg(out.data == octets, "%s", row->why);
		ck_assert_msg(row->n == 0 || in.data == octets + row->n, "%s", row->why);
	} else {
		ck_assert_msg(in.data == octets && in.len == row->len, "%s: in moved", row->why);
		ck_assert_msg(out.len == 2, "%s: out changed", row->why);
	}
	free(octets);
}
END_TEST

START_TEST(take_of_null)
{
	struct rbuf in = rbuf_of(NULL, 0);
	struct rbuf out;

	ck_assert(rbuf_take(&in, 0, &out));
	ck_assert_uint_eq(out.len, 0);
	ck_assert(!rbuf_take(&in, 1, &out));
}
END_TEST

static const struct number_row {
	const char *why;
	size_t len;
	unsigned width;
	bool read;
	uint32_t value;
} number_rows[] = {
	{ "u8 of nothing", 0, 1, false, 0 },
	{ "u8", 1, 1, true, 0x81 },
	{ "u16 one octet short", 1, 2, false, 0 },
	{ "u16 is big-endian", 2, 2, true, 0x8192 },
	{ "u16 leaves the rest", 4, 2, true, 0x8192 },
	{ "u32 one octet short", 3, 4, false, 0 },
	{ "u32 is big-endian, top bit set", 4, 4, true, 0x8192a3b4 },
};

START_TEST(numbers_read)
{
	const struct number_row *row = &number_rows[_i];
	uint8_t *octets = exact("\x81\x92\xa3\xb4", row->len);
	struct rbuf in = rbuf_of(octets, row->len);
	uint8_t u8 = 0;
	uint16_t u16 = 0;
	uint32_t u32 = 0;
	bool read = row->width == 1   ? rbuf_u8(&in, &u8)
		    : row->width == 2 ? rbuf_u16(&in, &u16)
				      : rbuf_u32(&in, &u32);

	ck_assert_msg(read == row->read, "%s", row->why);
	ck_assert_msg((u32 | u16 | u8) == row->value, "%s", row->why);
	ck_assert_msg(in.len == row->len - (read ? row->width : 0), "%s", row->why);
	free(octets);
}
END_TEST

START_TEST(numbers_written)
{
	uint8_t out[7];
	struct wbuf w = wbuf_over(out, sizeof out);

	wbuf_u8(&w, 0x81);
	wbuf_u16(&w, 0x8192);
	wbuf_u32(&w, 0x8192a3b4);
	ck_assert(wbuf_ok(&w));
	ck_assert(rbuf_eq(wbuf_view(&w), rbuf_of("\x81\x81\x92\x81\x92\xa3\xb4", 7)));
	wbuf_u8(&w, 0);
	ck_assert(!wbuf_ok(&w));
}
END_TEST

START_TEST(copy_moves_all_or_nothing)
{
	uint8_t *octets = exact("abc", 3);
	struct rbuf in = rbuf_of(octets, 3);
	uint8_t out[4] = { 0 };

	ck_assert(!rbuf_copy(&in, out, 4));
	ck_assert_uint_eq(in.len, 3);
	ck_assert_uint_eq(out[0], 0);
	ck_assert(rbuf_copy(&in, out, 2));
	ck_assert_mem_eq(out, "ab\0\0", 4);
	ck_assert(rbuf_copy(&in, NULL, 0));
	ck_assert_uint_eq(in.len, 1);
	free(octets);
}
END_TEST

START_TEST(at_ends_with_zeros)
{
	uint8_t *octets = exact("abc", 3);
	struct rbuf in = rbuf_of(octets, 3);

	ck_assert_uint_eq(rbuf_at(in, 2), 'c');
	ck_assert_uint_eq(rbuf_at(in, 3), 0);
	ck_assert_uint_eq(rbuf_at(in, SIZE_MAX), 0);
	ck_assert_uint_eq(rbuf_at(rbuf_of(NULL, 0), 0), 0);
	free(octets);
}
END_TEST

static const struct eq_row {
	const char *why;
	const char *a, *b;
	bool same;
} eq_rows[] = {
	{ "two empty ones", "", "", true },
	{ "an empty one and another", "", "a", false },
	{ "the same", "abc", "abc", true },
	{ "a prefix", "abc", "ab", false },
	{ "first octet differs", "abc", "xbc", false },
	{ "last octet differs", "abc", "abx", false },
	{ "differences that cancel out", "ab", "ba", false },
};

START_TEST(eq)
{
	const struct eq_row *row = &eq_rows[_i];
	struct rbuf a = rbuf_str(row->a);
	struct rbuf b = rbuf_str(row->b);

	ck_assert_msg(rbuf_eq(a, b) == row->same, "%s", row->why);
	ck_assert_msg(rbuf_eq_secret(a, b) == row->same, "%s, as a secret", row->why);
	ck_assert(rbuf_eq(rbuf_of(NULL, 0), rbuf_of(NULL, 0)));
}
END_TEST

static const struct put_row {
	const char *why;
	size_t cap;
	const char *first, *second;
	bool fits;
	const char *result;
} put_rows[] = {
	{ "nothing into nothing", 0, "", "", true, "" },
	{ "one into nothing", 0, "a", "", false, "" },
	{ "to the last octet", 4, "ab", "cd", true, "abcd" },
	{ "the second does not fit", 4, "ab", "cde", false, "ab" },
	{ "a shorter one after an overflow is dropped too", 2, "abc", "a", false, "" },
	{ "nothing after an overflow does not heal it", 2, "abc", "", false, "" },
};

START_TEST(put)
{
	const struct put_row *row = &put_rows[_i];
	uint8_t *octets = exact("????", row->cap);
	struct wbuf w = wbuf_over(octets, row->cap);

	wbuf_put(&w, rbuf_str(row->first));
	wbuf_put(&w, rbuf_str(row->second));
	ck_assert_msg(wbuf_ok(&w) == row->fits, "%s", row->why);
	ck_assert_msg(rbuf_eq(wbuf_view(&w), rbuf_str(row->result)), "%s", row->why);
	free(octets);
}
END_TEST

START_TEST(put_huge)
{
	uint8_t out[4];
	struct wbuf w = wbuf_over(out, sizeof out);

	wbuf_u8(&w, 1);
	wbuf_put(&w, rbuf_of(out, SIZE_MAX));
	ck_assert(!wbuf_ok(&w));
	wbuf_truncate(&w, 1);
	wbuf_fill(&w, 0xff, SIZE_MAX);
	ck_assert(!wbuf_ok(&w));
	ck_assert_uint_eq(w.len, 1);
}
END_TEST

START_TEST(put_of_itself)
{
	uint8_t out[4] = "ab";
	struct wbuf w = wbuf_over(out, sizeof out);

	wbuf_put(&w, rbuf_of(out, 2));
	wbuf_put(&w, rbuf_of(out, 2));
	ck_assert(rbuf_eq(wbuf_view(&w), rbuf_str("abab")));
}
END_TEST

START_TEST(fill)
{
	uint8_t out[3] = { 0 };
	struct wbuf w = wbuf_over(out, sizeof out);

	wbuf_fill(&w, 0xff, 0);
	ck_assert_uint_eq(w.len, 0);
	wbuf_fill(&w, 0xff, 3);
	ck_assert(wbuf_ok(&w));
	ck_assert_mem_eq(out, "\xff\xff\xff", 3);
	wbuf_fill(&w, 0xff, 1);
	ck_assert(!wbuf_ok(&w));
}
END_TEST

static const struct insert_row {
	const char *why;
	size_t cap, at;
	const char *what;
	bool fits;
	const char *result;
} insert_rows[] = {
	{ "in front", 8, 0, "xy", true, "xyabcd" },
	{ "in the middle", 8, 2, "xy", true, "abxycd" },
	{ "at the end", 8, 4, "xy", true, "abcdxy" },
	{ "to the last octet", 6, 1, "xy", true, "axybcd" },
	{ "nothing", 4, 2, "", true, "abcd" },
	{ "does not fit: what was there stays", 5, 1, "xy", false, "abcd" },
};

START_TEST(insert)
{
	const struct insert_row *row = &insert_rows[_i];
	uint8_t *octets = exact("????????", row->cap);
	struct wbuf w = wbuf_over(octets, row->cap);

	wbuf_put(&w, rbuf_str("abcd"));
	wbuf_insert(&w, row->at, rbuf_str(row->what));
	ck_assert_msg(wbuf_ok(&w) == row->fits, "%s", row->why);
	ck_assert_msg(rbuf_eq(wbuf_view(&w), rbuf_str(row->result)), "%s", row->why);
	free(octets);
}
END_TEST

START_TEST(truncate_forgets)
{
	uint8_t out[4];
	struct wbuf w = wbuf_over(out, sizeof out);

	wbuf_put(&w, rbuf_str("abcd"));
	wbuf_u8(&w, 'e');
	ck_assert(!wbuf_ok(&w));
	wbuf_truncate(&w, 9);
	ck_assert(wbuf_ok(&w));
	ck_assert_uint_eq(w.len, 4);
	wbuf_truncate(&w, 1);
	ck_assert_mem_eq(out, "a\0\0\0", 4);
	wbuf_u8(&w, 'z');
	ck_assert(rbuf_eq(wbuf_view(&w), rbuf_str("az")));
}
END_TEST

START_TEST(wipe_reaches_all_of_it)
{
	uint8_t out[] = "abcd";
	struct wbuf w = wbuf_over(out, 4);
	struct wbuf none = wbuf_over(NULL, 0);

	wbuf_put(&w, rbuf_str("xyzuv"));
	wbuf_wipe(&w);
	ck_assert_mem_eq(out, "\0\0\0\0", 4);
	ck_assert(wbuf_ok(&w));
	ck_assert_uint_eq(w.len, 0);
	wbuf_wipe(&none);
	wbuf_truncate(&none, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bytes");
	TCase *reader = tcase_create("reader");
	TCase *writer = tcase_create("writer");

	suite_add_tcase(suite, reader);
	tcase_add_rows(reader, take, take_rows);
	tcase_add_test(reader, take_of_null);
	tcase_add_rows(reader, numbers_read, number_rows);
	tcase_add_test(reader, copy_moves_all_or_nothing);
	tcase_add_test(reader, at_ends_with_zeros);
	tcase_add_rows(reader, eq, eq_rows);

	suite_add_tcase(suite, writer);
	tcase_add_rows(writer, put, put_rows);
	tcase_add_test(writer, put_huge);
	tcase_add_test(writer, put_of_itself);
	tcase_add_test(writer, numbers_written);
	tcase_add_test(writer, fill);
	tcase_add_rows(writer, insert, insert_rows);
	tcase_add_test(writer, truncate_forgets);
	tcase_add_test(writer, wipe_reaches_all_of_it);

	return suite_run(suite);
}
