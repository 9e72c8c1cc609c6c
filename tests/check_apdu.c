/* SPDX-License-Identifier: BSD-2-Clause */
/* Command APDUs: all cases of ISO/IEC 7816-4, and what is none of them. */
#include "applet/apdu.h"

#include <string.h>

#include "tests/fake_card.h"
#include "tests/suite.h"

/* clang-format off */
static const struct row {
	const char *why, *in;
	bool read;
	size_t nc;
	bool le;
	size_t ne;
} rows[] = {
	{ "nothing", "", false, 0, false, 0 },
	{ "one octet", "00", false, 0, false, 0 },
	{ "three octets", "00 a4 04", false, 0, false, 0 },
	{ "case 1", "00 a4 04 00", true, 0, false, 0 },
	{ "case 2S", "00 a4 04 00 08", true, 0, true, 8 },
	{ "case 2S, 256", "00 a4 04 00 00", true, 0, true, 256 },
	{ "case 3S", "00 a4 04 00 01 aa", true, 1, false, 0 },
	{ "case 3S, longest", "00 a4 04 00 ff aa*255", true, 255, false, 0 },
	{ "case 3S, one octet short", "00 a4 04 00 ff aa*254", false, 0, false, 0 },
	{ "case 4S", "00 a4 04 00 02 aa*2 07", true, 2, true, 7 },
	{ "case 4S, 256", "00 a4 04 00 02 aa*2 00", true, 2, true, 256 },
	{ "case 4S, longest", "00 a4 04 00 ff aa*255 00", true, 255, true, 256 },
	{ "case 4S with Le of two octets", "00 a4 04 00 02 aa*2 00 00", false, 0, false, 0 },
	{ "Lc 00 before Le", "00 a4 04 00 00 00", false, 0, false, 0 },
	{ "case 2E", "00 a4 04 00 00 01 00", true, 0, true, 256 },
	{ "case 2E, smallest", "00 a4 04 00 00 00 01", true, 0, true, 1 },
	{ "case 2E, 65536", "00 a4 04 00 00 00 00", true, 0, true, 65536 },
	{ "case 3E", "00 a4 04 00 00 00 01 aa", true, 1, false, 0 },
	{ "case 3E, longest", "00 a4 04 00 00 ff ff aa*65535", true, 65535, false, 0 },
	{ "case 3E, one octet short", "00 a4 04 00 00 ff ff aa*65534", false, 0, false, 0 },
	{ "case 3E with Lc 0000", "00 a4 04 00 00 00 00 aa", false, 0, false, 0 },
	{ "case 4E", "00 a4 04 00 00 00 02 aa*2 01 02", true, 2, true, 0x102 },
	{ "case 4E, 65536", "00 a4 04 00 00 00 02 aa*2 00 00", true, 2, true, 65536 },
	{ "case 4E, longest", "00 a4 04 00 00 ff ff aa*65535 00 00", true, 65535, true, 65536 },
	{ "case 4E with Le of one octet", "00 a4 04 00 00 00 02 aa*2 00", false, 0, false, 0 },
	{ "case 4E with Le of three octets", "00 a4 04 00 00 00 02 aa*2 00*3", false, 0, false, 0 },
	{ "case 4E with Lc 0000", "00 a4 04 00 00 00 00 00 00", false, 0, false, 0 },
};
/* clang-format on */

START_TEST(parse)
{
	const struct row *row = &rows[_i];
	static uint8_t octets[70000];
	size_t len = fake_card_octets(row->in, octets, sizeof octets);
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	struct capdu c;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, octets, len);
	ck_assert_msg(capdu_parse(rbuf_of(copy, len), &c) == row->read, "%s", row->why);
	if (row->read) {
		ck_assert_msg(
		    c.cla == 0x00 && c.ins == 0xa4 && c.p1 == 0x04 && c.p2 == 0x00, "%s", row->why);
		ck_assert_msg(c.data.len == row->nc, "%s: Nc %zu", row->why, c.data.len);
		ck_assert_msg(
		    c.le_present == row->le && c.ne == row->ne, "%s: Ne %zu", row->why, c.ne);
		ck_assert_msg(
		    row->nc == 0 || (c.data.data[0] == 0xaa && c.data.data[row->nc - 1] == 0xaa),
		    "%s", row->why);
	}
	free(copy);
}
END_TEST

/* All fifth to seventh octets over bodies of all short lengths: nothing is read beyond the end. */
START_TEST(every_length)
{
	size_t len;
	unsigned lc;

	for (len = 0; len < 300; len++) {
		uint8_t *octets = calloc(1, len == 0 ? 1 : len);

		ck_assert_ptr_nonnull(octets);
		for (lc = 0; lc < 0x300; lc++) {
			struct capdu c;

			if (len > 4)
				octets[4] = lc < 0x100 ? (uint8_t)lc : 0;
			if (len > 6) {
				octets[5] = (uint8_t)(lc >> 8);
				octets[6] = (uint8_t)lc;
			}
			if (capdu_parse(rbuf_of(octets, len), &c))
				ck_assert_uint_le(4 + c.data.len, len);
		}
		free(octets);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("apdu");
	TCase *tcase = tcase_create("apdu");

	tcase_add_rows(tcase, parse, rows);
	tcase_add_test(tcase, every_length);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
