/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All headers: every class and instruction, then every P1 and P2 of the
 * instructions the card has, each on a card as fresh as after a reset, against a table that
 * says what a host must hear.
 */
#include <string.h>

#include "tests/fake_card.h"
#include "tests/suite.h"

/* Octets from..to (inclusive). */
struct range {
	uint8_t from, to;
};
#define ONE(octet)                                                                                 \
	{                                                                                          \
		octet, octet                                                                       \
	}
#define ALL                                                                                        \
	{                                                                                          \
		0x00, 0xff                                                                         \
	}

static bool
within(struct range range, uint8_t octet)
{
	return octet >= range.from && octet <= range.to;
}

/*
 * Send four octets and perhaps data to a card just reset, or to one that has
 * refused everything since: a refusal leaves no trace.  Returns SW1-SW2.
 */
static uint16_t
fresh(struct fake_card *card, const uint8_t header[4], struct rbuf data)
{
	uint8_t octets[64], answer[64];
	struct wbuf command = wbuf_over(octets, sizeof octets);
	struct wbuf rapdu = wbuf_over(answer, sizeof answer);
	struct rbuf tail;
	uint16_t sw = 0;

	wbuf_put(&command, rbuf_of(header, 4));
	if (data.len != 0)
		wbuf_u8(&command, (uint8_t)data.len);
	wbuf_put(&command, data);
	piv_process(&card->piv, wbuf_view(&command), &rapdu);
	/* Not an assertion each time: check writes a file for every one. */
	tail = rbuf_of(answer + (rapdu.len >= 2 ? rapdu.len - 2 : 0), 2);
	if (!wbuf_ok(&rapdu) || rapdu.len < 2 || !rbuf_u16(&tail, &sw))
		ck_abort_msg(
		    "no answer to %02x %02x %02x %02x", header[0], header[1], header[2], header[3]);
	if (sw >> 8 == 0x61)
		sw = 0x9000; /* and more than there was room for */
	if (sw == 0x9000)
		piv_reset(&card->piv);
	return sw;
}

/* ---- CLA, INS; P1-P2 0000, no data ---- */

/* clang-format off */
/* The first row that fits says it. */
static const struct class_row {
	struct range cla, ins;
	uint16_t sw;
} class_rows[] = {
	{ ONE(0x00), ONE(0x20), 0x6a88 }, /* VERIFY: reference 00 */
	{ ONE(0x00), ONE(0x24), 0x6a88 },
	{ ONE(0x00), ONE(0x2c), 0x6a88 },
	{ ONE(0x00), ONE(0x47), 0x6982 }, /* GENERATE: the administrator's */
	{ ONE(0x00), ONE(0x87), 0x6700 }, /* no data */
	{ ONE(0x00), ONE(0xa4), 0x6a86 }, /* not by name */
	{ ONE(0x00), ONE(0xc0), 0x6985 }, /* nothing to fetch */
	{ ONE(0x00), ONE(0xcb), 0x6a86 },
	{ ONE(0x00), ONE(0xdb), 0x6a86 },
	{ ONE(0x00), ONE(0xf6), 0x6982 }, /* MOVE KEY: the administrator's */
	{ ONE(0x00), ONE(0xf7), 0x6a88 }, /* GET METADATA: reference 00 */
	{ ONE(0x00), ONE(0xf8), 0x9000 },
	{ ONE(0x00), ONE(0xf9), 0x6a86 }, /* ATTEST: reference 00 */
	{ ONE(0x00), ONE(0xfa), 0x6982 },
	{ ONE(0x00), ONE(0xfb), 0x6985 }, /* not blocked */
	{ ONE(0x00), ONE(0xfd), 0x9000 },
	{ ONE(0x00), ONE(0xfe), 0x6982 },
	{ ONE(0x00), ONE(0xff), 0x6a86 },
	{ ONE(0x00), ALL,       0x6d00 },
	{ ONE(0x10), ONE(0x20), 0x6884 },
	{ ONE(0x10), ONE(0x24), 0x6884 },
	{ ONE(0x10), ONE(0x2c), 0x6884 },
	{ ONE(0x10), ONE(0x47), 0x6982 },
	{ ONE(0x10), ONE(0x87), 0x9000 }, /* a chain begins */
	{ ONE(0x10), ONE(0xa4), 0x6884 },
	{ ONE(0x10), ONE(0xc0), 0x6884 },
	{ ONE(0x10), ONE(0xcb), 0x6884 },
	{ ONE(0x10), ONE(0xdb), 0x6a86 },
	{ ONE(0x10), { 0xf6, 0xfb }, 0x6884 },
	{ ONE(0x10), ONE(0xfd), 0x6884 },
	{ ONE(0x10), ONE(0xfe), 0x6982 },
	{ ONE(0x10), ONE(0xff), 0x6884 },
	{ ONE(0x10), ALL,       0x6d00 },
	{ { 0x01, 0x03 }, ALL, 0x6881 },
	{ { 0x04, 0x0f }, ALL, 0x6882 },
	{ { 0x11, 0x13 }, ALL, 0x6881 },
	{ { 0x14, 0x1f }, ALL, 0x6882 },
	{ { 0x20, 0x3f }, ALL, 0x6e00 },
	{ { 0x40, 0x5f }, ALL, 0x6881 },
	{ { 0x60, 0x7f }, ALL, 0x6882 },
	{ { 0x80, 0xff }, ALL, 0x6e00 },
};
/* clang-format on */

static uint16_t
class_sw(uint8_t cla, uint8_t ins)
{
	size_t i;

	for (i = 0; i < sizeof class_rows / sizeof class_rows[0]; i++) {
		if (within(class_rows[i].cla, cla) && within(class_rows[i].ins, ins))
			return class_rows[i].sw;
	}
	return 0;
}

START_TEST(every_class_and_instruction)
{
	struct fake_card *card = fake_card_new();
	unsigned n;

	for (n = 0; n < 0x10000; n++) {
		const uint8_t header[4] = { (uint8_t)(n >> 8), (uint8_t)n, 0x00, 0x00 };
		uint16_t sw = fresh(card, header, rbuf_of(NULL, 0));

		if (sw != class_sw(header[0], header[1]))
			ck_abort_msg(
			    "%04x 0000: %04x, not %04x", n, sw, class_sw(header[0], header[1]));
	}
	fake_card_free(card);
}
END_TEST

/* ---- P1, P2 of each instruction ---- */

#define ROWS 12

/* clang-format off */
static const struct sweep {
	const char *why;
	uint8_t ins;
	const char *data;
	struct { struct range p1, p2; uint16_t sw; } rows[ROWS]; /* the first that fits */
} sweeps[] = {
	{ "SELECT", 0xa4, "", {
		{ ONE(0x04), ONE(0x00), 0x6a82 }, { ALL, ALL, 0x6a86 } } },
	{ "GET DATA without data", 0xcb, "", {
		{ ONE(0x3f), ONE(0xff), 0x6700 }, { ALL, ALL, 0x6a86 } } },
	{ "GET DATA", 0xcb, "5c 03 5f c1 02", {
		{ ONE(0x3f), ONE(0xff), 0x9000 }, { ALL, ALL, 0x6a86 } } },
	{ "PUT DATA", 0xdb, "5c 03 5f c1 02 53 00", {
		{ ONE(0x3f), ONE(0xff), 0x6982 }, { ALL, ALL, 0x6a86 } } },
	{ "VERIFY, asking", 0x20, "", {
		{ ONE(0x00), ONE(0x80), 0x63c5 }, { ONE(0xff), ONE(0x80), 0x9000 },
		{ ONE(0x00), ALL, 0x6a88 }, { ONE(0xff), ALL, 0x6a88 }, { ALL, ALL, 0x6a86 } } },
	{ "VERIFY", 0x20, "31 32 33 34 35 36 37 38", {
		{ ONE(0x00), ONE(0x80), 0x9000 }, { ONE(0xff), ONE(0x80), 0x6a80 },
		{ ONE(0x00), ALL, 0x6a88 }, { ONE(0xff), ALL, 0x6a88 }, { ALL, ALL, 0x6a86 } } },
	{ "CHANGE REFERENCE DATA without data", 0x24, "", {
		{ ONE(0x00), { 0x80, 0x81 }, 0x6a80 }, { ONE(0x00), ALL, 0x6a88 }, { ALL, ALL, 0x6a86 } } },
	{ "CHANGE REFERENCE DATA, PIN right and no PUK", 0x24, "31 32 33 34 35 36 37 38 31 32 33 34 35 36 37 38", {
		{ ONE(0x00), ONE(0x80), 0x9000 }, { ONE(0x00), ONE(0x81), 0x63c4 },
		{ ONE(0x00), ALL, 0x6a88 }, { ALL, ALL, 0x6a86 } } },
	{ "RESET RETRY COUNTER", 0x2c, "38 37 36 35 34 33 32 31 31 32 33 34 35 36 37 38", {
		{ ONE(0x00), ONE(0x80), 0x9000 }, { ONE(0x00), ALL, 0x6a88 }, { ALL, ALL, 0x6a86 } } },
	{ "GENERAL AUTHENTICATE without data", 0x87, "", {
		{ ALL, ALL, 0x6700 } } },
	{ "GENERAL AUTHENTICATE, challenge", 0x87, "7c 02 81 00", {
		{ ONE(0x00), ONE(0x9b), 0x9000 }, { ONE(0x03), ONE(0x9b), 0x9000 },
		{ ONE(0x07), ONE(0x9a), 0x6a80 }, { ONE(0x11), ONE(0x9c), 0x6a80 },
		{ ONE(0x14), ONE(0x9d), 0x6a80 }, { ONE(0x11), ONE(0x9e), 0x6a80 },
		{ ALL, { 0x82, 0x95 }, 0x6a88 }, { ALL, ALL, 0x6a86 } } },
	{ "GENERAL AUTHENTICATE, signature", 0x87, "7c 05 82 00 81 01 aa", {
		{ ONE(0x00), ONE(0x9b), 0x6a80 }, { ONE(0x03), ONE(0x9b), 0x6a80 },
		{ ONE(0x07), ONE(0x9a), 0x6982 }, { ONE(0x11), ONE(0x9c), 0x6982 },
		{ ONE(0x14), ONE(0x9d), 0x6982 }, { ONE(0x11), ONE(0x9e), 0x9000 },
		{ ALL, { 0x82, 0x95 }, 0x6a88 }, { ALL, ALL, 0x6a86 } } },
	{ "GENERATE ASYMMETRIC KEY PAIR", 0x47, "ac 03 80 01 11", {
		{ ONE(0x00), ALL, 0x6982 }, { ALL, ALL, 0x6a86 } } },
	{ "GET RESPONSE", 0xc0, "", {
		{ ONE(0x00), ONE(0x00), 0x6985 }, { ALL, ALL, 0x6a86 } } },
	{ "MOVE KEY", 0xf6, "", { { ALL, ALL, 0x6982 } } },
	{ "GET METADATA", 0xf7, "", {
		{ ONE(0x00), { 0x80, 0x81 }, 0x9000 }, { ONE(0x00), { 0x9a, 0x9e }, 0x9000 },
		{ ONE(0x00), ALL, 0x6a88 }, { ALL, ALL, 0x6a86 } } },
	{ "GET METADATA with data", 0xf7, "9a", {
		{ ONE(0x00), ALL, 0x6700 }, { ALL, ALL, 0x6a86 } } },
	{ "GET SERIAL", 0xf8, "", { { ONE(0x00), ONE(0x00), 0x9000 }, { ALL, ALL, 0x6a86 } } },
	{ "ATTEST without an attestation key", 0xf9, "", {
		{ ONE(0x9a), ONE(0x00), 0x6a88 }, { { 0x9c, 0x9e }, ONE(0x00), 0x6a88 },
		{ { 0x82, 0x95 }, ONE(0x00), 0x6a88 }, { ALL, ALL, 0x6a86 } } },
	{ "SET PIN RETRIES", 0xfa, "", { { ALL, ALL, 0x6982 } } },
	{ "RESET", 0xfb, "", { { ONE(0x00), ONE(0x00), 0x6985 }, { ALL, ALL, 0x6a86 } } },
	{ "GET VERSION", 0xfd, "", { { ONE(0x00), ONE(0x00), 0x9000 }, { ALL, ALL, 0x6a86 } } },
	{ "IMPORT ASYMMETRIC KEY", 0xfe, "06 01 d6", { { ALL, ALL, 0x6982 } } },
	{ "SET MANAGEMENT KEY", 0xff, "03 9b 18 31*24", {
		{ ONE(0xff), ALL, 0x6982 }, { ALL, ALL, 0x6a86 } } },
};
/* clang-format on */

static uint16_t
sweep_sw(const struct sweep *s, uint8_t p1, uint8_t p2)
{
	size_t i;

	for (i = 0; i < ROWS; i++) {
		if (within(s->rows[i].p1, p1) && within(s->rows[i].p2, p2))
			return s->rows[i].sw;
	}
	return 0;
}

START_TEST(every_p1_and_p2)
{
	const struct sweep *s = &sweeps[_i];
	struct fake_card *card = fake_card_new();
	uint8_t data[64];
	size_t len = fake_card_octets(s->data, data, sizeof data);
	unsigned n;

	for (n = 0; n < 0x10000; n++) {
		const uint8_t header[4] = { 0x00, s->ins, (uint8_t)(n >> 8), (uint8_t)n };
		uint16_t sw = fresh(card, header, rbuf_of(data, len));

		if (sw != sweep_sw(s, header[2], header[3]))
			ck_abort_msg("%s %04x: %04x, not %04x", s->why, n, sw,
			    sweep_sw(s, header[2], header[3]));
	}
	fake_card_free(card);
}
END_TEST

/* ---- P1, P2 of what the administrator may, each on a card as it was made ---- */

enum place { NO_PLACE, FREE_PLACE, KEY_THERE };

static enum place
place_of(uint8_t reference)
{
	static const struct range keys[] = { ONE(0x9a), { 0x9c, 0x9e } };
	size_t i;

	for (i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		if (within(keys[i], reference))
			return KEY_THERE;
	}
	return reference >= 0x82 && reference <= 0x95 ? FREE_PLACE : NO_PLACE;
}

static uint16_t
move_sw(uint8_t p1, uint8_t p2)
{
	if (place_of(p2) == NO_PLACE || p1 == p2 || (p1 != 0xff && place_of(p1) == NO_PLACE))
		return 0x6a86;
	if (p1 != 0xff && place_of(p1) == KEY_THERE)
		return 0x6985;
	return place_of(p2) == KEY_THERE ? 0x9000 : 0x6a88;
}

static uint16_t
retries_sw(uint8_t p1, uint8_t p2)
{
	return p1 >= 1 && p1 <= 10 && p2 >= 1 && p2 <= 10 ? 0x6985 : 0x6a80;
}

static uint16_t
import_sw(uint8_t p1, uint8_t p2)
{
	if (place_of(p2) == NO_PLACE)
		return 0x6a86;
	return p1 == ALG_ECC_P256 || p1 == ALG_ECC_P384 ? 0x9000 : 0x6a80;
}

static uint16_t
import_rsa_sw(uint8_t p1, uint8_t p2)
{
	if (place_of(p2) == NO_PLACE)
		return 0x6a86;
	return p1 == ALG_RSA_2048 || p1 == ALG_RSA_3072 ? 0x9000 : 0x6a80;
}

static uint16_t
set_key_sw(uint8_t p1, uint8_t p2)
{
	if (p1 != 0xff || p2 < 0xfe)
		return 0x6a86;
	return p2 == 0xff ? 0x9000 : 0x6a80;
}

/* clang-format off */
static const struct admin_sweep {
	const char *why;
	uint8_t ins;
	const char *data;
	uint16_t (*sw)(uint8_t p1, uint8_t p2);
} admin_sweeps[] = {
	{ "MOVE KEY", 0xf6, "", move_sw },
	{ "SET PIN RETRIES", 0xfa, "", retries_sw },
	{ "IMPORT of a scalar", 0xfe, "06 01 d6", import_sw },
	{ "IMPORT of RSA parts", 0xfe, "01 01 d1 02 01 d2 03 01 d3 04 01 d4 05 01 d5", import_rsa_sw },
	{ "SET MANAGEMENT KEY", 0xff, "03 9b 18 31*24", set_key_sw },
};
/* clang-format on */

START_TEST(every_p1_and_p2_of_the_administrator)
{
	const struct admin_sweep *s = &admin_sweeps[_i];
	struct fake_card *card = fake_card_new();
	struct fake_item *items = malloc(sizeof card->store.items);
	uint8_t data[64];
	size_t len = fake_card_octets(s->data, data, sizeof data);
	unsigned n;

	ck_assert_ptr_nonnull(items);
	memcpy(items, card->store.items, sizeof card->store.items);
	card->store.writes = 0;
	for (n = 0; n < 0x10000; n++) {
		const uint8_t header[4] = { 0x00, s->ins, (uint8_t)(n >> 8), (uint8_t)n };
		uint16_t sw;

		card->piv.status = ACCESS_ADMIN | ACCESS_PIN;
		sw = fresh(card, header, rbuf_of(data, len));
		if (sw != s->sw(header[2], header[3]))
			ck_abort_msg(
			    "%s %04x: %04x, not %04x", s->why, n, sw, s->sw(header[2], header[3]));
		if (sw == 0x9000)
			memcpy(card->store.items, items, sizeof card->store.items);
		else if (card->store.writes != 0)
			ck_abort_msg("%s %04x: something was written", s->why, n);
		card->store.writes = 0;
	}
	free(items);
	fake_card_free(card);
}
END_TEST

/* As the administrator, GENERATE makes a key in every place there is, and in no other. */
START_TEST(every_place_for_a_key)
{
	struct fake_card *card = fake_card_new();
	unsigned p2;

	fake_card_become_admin(card);
	for (p2 = 0; p2 < 0x100; p2++) {
		bool place = (p2 >= 0x82 && p2 <= 0x95) || p2 == 0x9a || p2 == 0x9c || p2 == 0x9d ||
			     p2 == 0x9e;
		uint8_t command[] = { 0x00, 0x47, 0x00, (uint8_t)p2, 5, 0xac, 3, 0x80, 1, 0x11 };
		uint16_t sw = fake_card_send(card, rbuf_of(command, sizeof command), 300);

		ck_assert_msg(sw == (place ? 0x9000 : 0x6a86), "%02x: %04x", p2, sw);
		if (p2 >= 0x82 && p2 <= 0x95)
			ck_assert_int_eq(store_remove(&card->store.port, STORE_KEY, p2), STORE_OK);
	}
	fake_card_free(card);
}
END_TEST

/* Every tag 5fc1xx and 5fffxx, and all of one and two octets: those the card keeps, and no other.
 */
START_TEST(every_tag)
{
	struct fake_card *card = fake_card_new();
	unsigned n;

	fake_card_become_admin(card);
	for (n = 0; n < 0x100; n++) {
		static const uint8_t groups[] = { 0xc1, 0xff };
		size_t i;

		for (i = 0; i < 2; i++) {
			bool sealed = i == 0 && (n == 0x03 || n == 0x08 || n == 0x09 || n == 0x21 ||
						    n == 0x23);
			bool c1 = (n >= 0x01 && n <= 0x23) && n != 0x04;
			bool ff = n <= 0x01 || (n >= 0x10 && n <= 0x15);
			bool there = i == 0 ? c1 : ff;
			uint8_t command[] = { 0x00, 0xdb, 0x3f, 0xff, 8, 0x5c, 3, 0x5f, groups[i],
				(uint8_t)n, 0x53, 1, 0xaa };
			uint16_t sw = fake_card_send(card, rbuf_of(command, sizeof command), 2);

			ck_assert_msg(sw == (there         ? 0x9000
						: n < 0x80 ? 0x6a82
							   : 0x6a80),
			    "5f%02x%02x: %04x", groups[i], n, sw);
			if (there)
				ck_assert_int_eq(store_remove(&card->store.port,
						     sealed ? STORE_SEALED : STORE_OBJECT,
						     0x5f0000U | (uint32_t)groups[i] << 8 | n),
				    STORE_OK);
		}
	}
	fake_card_free(card);
}
END_TEST

/* ---- octets at random ---- */

/*
 * A long session of random octets, biased towards what the card knows: no key
 * that wants the PIN answers, nobody becomes the administrator, the answer
 * always ends in a known way, and the card is there after each.
 */
START_TEST(noise)
{
	static const uint8_t likely[] = { 0x00, 0x10, 0x20, 0x24, 0x2c, 0x3f, 0x47, 0x4f, 0x53,
		0x5c, 0x5f, 0x7c, 0x7e, 0x80, 0x81, 0x82, 0x85, 0x87, 0x9a, 0x9b, 0x9c, 0xa4, 0xac,
		0xc0, 0xc1, 0xcb, 0xdb, 0xff, 0x03, 0x07, 0x11, 0x14, 0x01, 0x02, 0x05, 0x06, 0x09,
		0x34, 0x7f, 0x9d, 0x9e, 0xa0, 0xaa, 0xab, 0xf6, 0xf7, 0xf8, 0xfa, 0xfb, 0xfd,
		0xfe };
	struct fake_card *card = fake_card_new();
	uint32_t seed = 0x5eed0000U + (uint32_t)_i, round;

	card->vault.references[REFERENCE_PIN].left = 0;
	card->vault.references[REFERENCE_PUK].left = 0;
	for (round = 0; round < 4000; round++) {
		uint8_t octets[80];
		size_t i, len;
		uint16_t sw;

		seed = seed * 1664525 + 1013904223;
		len = seed >> 26;
		for (i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			octets[i] = (seed >> 16 & 3) != 0 ? likely[(seed >> 24) % sizeof likely]
							  : (uint8_t)(seed >> 24);
		}
		if (len > 5 && (seed & 0x100) != 0)
			octets[4] = (uint8_t)(len - 5);
		if ((seed & 0x200) != 0)
			octets[0] = 0x00;
		sw = fake_card_send(card, rbuf_of(octets, len), 300);
		ck_assert_msg(
		    sw == 0x9000 || sw >> 8 == 0x61 || (sw >= 0x6300 && sw < 0x7000), "%04x", sw);
		ck_assert_uint_eq(card->piv.status, ACCESS_ALWAYS);
		ck_assert(!card->vault.once && !card->vault.always);
		ck_assert_uint_eq(card->store.writes, 7);
		if ((round & 15) == 0)
			ck_assert_uint_eq(fake_card_say(card, SELECT_PIV), 0x9000);
	}
	fake_card_free(card);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("piv, all headers");
	TCase *tcase = tcase_create("sweep");

	tcase_add_test(tcase, every_class_and_instruction);
	tcase_add_rows(tcase, every_p1_and_p2, sweeps);
	tcase_add_rows(tcase, every_p1_and_p2_of_the_administrator, admin_sweeps);
	tcase_add_test(tcase, every_place_for_a_key);
	tcase_add_test(tcase, every_tag);
	tcase_add_loop_test(tcase, noise, 0, 8);
	tcase_set_timeout(tcase, 600);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
