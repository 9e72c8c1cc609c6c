/* SPDX-License-Identifier: BSD-2-Clause */
/* BER-TLV: what is read, what is refused, what is written. */
#include "applet/tlv.h"

#include <string.h>

#include "tests/fake_card.h"
#include "tests/suite.h"

/* Octets in a heap block of exactly their size. */
static uint8_t *
exact(const char *text, size_t *len)
{
	uint8_t octets[70000];
	uint8_t *copy;

	*len = fake_card_octets(text, octets, sizeof octets);
	copy = malloc(*len == 0 ? 1 : *len);
	ck_assert_ptr_nonnull(copy);
	if (*len != 0)
		memcpy(copy, octets, *len);
	return copy;
}

/* clang-format off */
static const struct next_row {
	const char *why, *in;
	bool read;
	uint32_t tag;
	size_t len, left;
} next_rows[] = {
	{ "nothing", "", false, 0, 0, 0 },
	{ "a tag alone", "5c", false, 0, 0, 0 },
	{ "an empty value", "53 00", true, 0x53, 0, 0 },
	{ "a value and more", "5c 01 7e 53", true, 0x5c, 1, 1 },
	{ "a value cut short", "5c 02 7e", false, 0, 0, 0 },
	{ "a tag of two octets", "7f 49 01 aa", true, 0x7f49, 1, 0 },
	{ "a tag of three octets", "5f c1 05 01 aa", true, 0x5fc105, 1, 0 },
	{ "a tag of three octets ending in 00", "5f ff 00 00", true, 0x5fff00, 0, 0 },
	{ "a tag of four octets", "5f c1 85 01 00", false, 0, 0, 0 },
	{ "a tag cut after its first octet", "7f", false, 0, 0, 0 },
	{ "a tag cut after its second octet", "5f c1", false, 0, 0, 0 },
	{ "a second tag octet that one octet would do for", "5f 1e 00", false, 0, 0, 0 },
	{ "the smallest second tag octet", "5f 1f 00", true, 0x5f1f, 0, 0 },
	{ "a second tag octet of leading zeros", "5f 80 01 00", false, 0, 0, 0 },
	{ "the longest length of one octet", "53 7f aa*127", true, 0x53, 127, 0 },
	{ "an indefinite length", "53 80 aa 00 00", false, 0, 0, 0 },
	{ "a length of two octets where one does", "53 81 7f aa*127", false, 0, 0, 0 },
	{ "the shortest length of two octets", "53 81 80 aa*128", true, 0x53, 128, 0 },
	{ "the longest length of two octets", "53 81 ff aa*255", true, 0x53, 255, 0 },
	{ "a length of three octets where two do", "53 82 00 ff aa*255", false, 0, 0, 0 },
	{ "the shortest length of three octets", "53 82 01 00 aa*256", true, 0x53, 256, 0 },
	{ "the longest length", "53 82 ff ff aa*65535", true, 0x53, 65535, 0 },
	{ "a length cut after 81", "53 81", false, 0, 0, 0 },
	{ "a length cut after 82", "53 82", false, 0, 0, 0 },
	{ "a length cut in the middle", "53 82 01", false, 0, 0, 0 },
	{ "a length of four octets", "53 83 00 00 01 aa", false, 0, 0, 0 },
	{ "a length of five octets", "53 84 00 00 00 01 aa", false, 0, 0, 0 },
	{ "the length octet that means nothing", "53 ff aa", false, 0, 0, 0 },
	{ "one octet short of 128", "53 81 80 aa*127", false, 0, 0, 0 },
	{ "one octet short of 256", "53 82 01 00 aa*255", false, 0, 0, 0 },
};
/* clang-format on */

START_TEST(next)
{
	const struct next_row *row = &next_rows[_i];
	size_t len;
	uint8_t *octets = exact(row->in, &len);
	struct rbuf in = rbuf_of(octets, len);
	struct tlv t = { .tag = 0xdead };

	ck_assert_msg(tlv_next(&in, &t) == row->read, "%s", row->why);
	if (row->read) {
		ck_assert_msg(t.tag == row->tag, "%s: tag %x", row->why, (unsigned)t.tag);
		ck_assert_msg(t.value.len == row->len, "%s: %zu", row->why, t.value.len);
		ck_assert_msg(in.len == row->left, "%s: %zu left", row->why, in.len);
		ck_assert_msg(t.value.data + t.value.len + in.len == octets + len, "%s", row->why);
	} else {
		ck_assert_msg(in.data == octets && in.len == len, "%s: in moved", row->why);
		ck_assert_msg(t.tag == 0xdead, "%s: out changed", row->why);
	}
	free(octets);
}
END_TEST

/* Whatever is cut off the end of a good data object, it is refused. */
START_TEST(every_truncation)
{
	static const char whole[] = "5f c1 05 82 01 00 aa*256";
	size_t len, cut;
	uint8_t *octets = exact(whole, &len);

	for (cut = 0; cut < len; cut++) {
		uint8_t *part = malloc(cut == 0 ? 1 : cut);
		struct rbuf in = rbuf_of(part, cut);
		struct tlv t;

		ck_assert_ptr_nonnull(part);
		memcpy(part, octets, cut);
		ck_assert_msg(!tlv_next(&in, &t), "cut to %zu", cut);
		free(part);
	}
	free(octets);
}
END_TEST

/* All beginnings of three octets: read, refused, but never out of bounds. */
START_TEST(every_header)
{
	uint32_t n;

	for (n = 0; n < 0x1000000; n += 7) {
		const uint8_t octets[3] = { (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
		struct rbuf in = rbuf_of(octets, sizeof octets);
		struct tlv t;

		if (tlv_next(&in, &t))
			ck_assert_uint_le(t.value.len + in.len, 1);
	}
}
END_TEST

/* clang-format off */
static const struct fields_row {
	const char *why, *in;
	bool read;
	unsigned present; /* bit 0: 80, bit 1: 81, bit 2: 7f49 */
} fields_rows[] = {
	{ "nothing", "", true, 0 },
	{ "one", "81 01 aa", true, 2 },
	{ "all, in another order", "7f 49 00 81 01 aa 80 00", true, 7 },
	{ "an unknown one", "80 00 83 00", false, 0 },
	{ "a repeated one", "80 00 81 00 80 00", false, 0 },
	{ "a repeated one of another length", "81 01 aa 81 00", false, 0 },
	{ "a half one at the end", "80 00 81", false, 0 },
	{ "padding between", "80 00 00 00 81 00", false, 0 },
	{ "a length that is not the shortest", "80 81 01 aa", false, 0 },
};
/* clang-format on */

START_TEST(fields)
{
	const struct fields_row *row = &fields_rows[_i];
	struct tlv_field f[] = {
		{ .tag = 0x80, .present = true },
		{ .tag = 0x81, .present = true },
		{ .tag = 0x7f49, .present = true },
	};
	size_t i, len;
	uint8_t *octets = exact(row->in, &len);

	ck_assert_msg(tlv_read_fields(rbuf_of(octets, len), f, 3) == row->read, "%s", row->why);
	for (i = 0; row->read && i < 3; i++)
		ck_assert_msg(f[i].present == ((row->present >> i & 1) != 0), "%s", row->why);
	if (row->read && f[1].present)
		ck_assert_msg(rbuf_eq(f[1].value, rbuf_of("\xaa", 1)), "%s", row->why);
	free(octets);
}
END_TEST

static const struct write_row {
	uint32_t tag;
	size_t len;
	const char *header;
} write_rows[] = {
	{ 0x53, 0, "53 00" },
	{ 0x53, 127, "53 7f" },
	{ 0x7f49, 128, "7f 49 81 80" },
	{ 0x7f49, 255, "7f 49 81 ff" },
	{ 0x5fc105, 256, "5f c1 05 82 01 00" },
	{ 0x5fff00, 65535, "5f ff 00 82 ff ff" },
};

START_TEST(written)
{
	const struct write_row *row = &write_rows[_i];
	uint8_t octets[70000], header[8], *value = calloc(1, row->len + 1);
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct rbuf in;
	struct tlv t;

	ck_assert_ptr_nonnull(value);
	tlv_put(&out, row->tag, rbuf_of(value, row->len));
	ck_assert(wbuf_ok(&out));
	ck_assert(rbuf_eq(rbuf_of(octets, out.len - row->len),
	    rbuf_of(header, fake_card_octets(row->header, header, sizeof header))));
	in = wbuf_view(&out);
	ck_assert(tlv_next(&in, &t) && t.tag == row->tag && t.value.len == row->len && in.len == 0);
	free(value);
}
END_TEST

START_TEST(nested)
{
	uint8_t octets[512], want[512];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	size_t outer, inner;

	outer = tlv_open(&out, 0x7f49);
	tlv_put(&out, 0x81, rbuf_of("\x01", 1));
	inner = tlv_open(&out, 0x82);
	wbuf_fill(&out, 0xbb, 200);
	tlv_close(&out, inner);
	tlv_close(&out, outer);
	ck_assert(wbuf_ok(&out));
	ck_assert(rbuf_eq(wbuf_view(&out),
	    rbuf_of(want,
		fake_card_octets("7f 49 81 ce 81 01 01 82 81 c8 bb*200", want, sizeof want))));
}
END_TEST

/* However little room there is: it fits whole or the overflow shows. */
START_TEST(no_room)
{
	size_t cap;

	for (cap = 0; cap < 135; cap++) {
		uint8_t *octets = malloc(cap == 0 ? 1 : cap);
		struct wbuf out = wbuf_over(octets, cap);
		size_t mark;

		ck_assert_ptr_nonnull(octets);
		mark = tlv_open(&out, 0x7c);
		wbuf_fill(&out, 0xaa, 130);
		tlv_close(&out, mark);
		ck_assert_msg(wbuf_ok(&out) == (cap >= 133), "%zu", cap);
		free(octets);
	}
}
END_TEST

START_TEST(too_long_to_write)
{
	static uint8_t octets[70000];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	size_t mark = tlv_open(&out, 0x53);

	wbuf_fill(&out, 0, 65536);
	tlv_close(&out, mark);
	ck_assert(!wbuf_ok(&out));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tlv");
	TCase *tcase = tcase_create("tlv");

	tcase_add_rows(tcase, next, next_rows);
	tcase_add_test(tcase, every_truncation);
	tcase_add_test(tcase, every_header);
	tcase_add_rows(tcase, fields, fields_rows);
	tcase_add_rows(tcase, written, write_rows);
	tcase_add_test(tcase, nested);
	tcase_add_test(tcase, no_room);
	tcase_add_test(tcase, too_long_to_write);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
