/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data objects that only the PIN may read: who may, how much they hold, what
 * is in the files and in memory, and what failures leave.
 */
#include <stdio.h>
#include <string.h>

#include "tests/exchanges.h"
#include "tests/suite.h"

/* clang-format off */
static const struct sealed {
	uint32_t tag;
	size_t capacity; /* octets of content */
} objects[] = {
	{ 0x5fc103, 4096 },
	{ 0x5fc108, 12800 },
	{ 0x5fc109, 3072 },
	{ 0x5fc121, 7168 },
	{ 0x5fc123, 16 },
};
/* clang-format on */

#define CONTENT_OCTET 0xb6

/* PUT DATA of len octets in one extended command, or in a chain of short ones. */
static uint16_t
put(struct fake_card *card, uint32_t tag, uint8_t octet, size_t len, bool chained)
{
	uint8_t data[20000], command[20000];
	struct wbuf w = wbuf_over(data, sizeof data), c;
	struct rbuf rest, part;
	uint16_t sw = 0;

	wbuf_u16(&w, 0x5c03);
	wbuf_u8(&w, (uint8_t)(tag >> 16));
	wbuf_u16(&w, (uint16_t)tag);
	wbuf_u8(&w, 0x53);
	if (len >= 0x100) {
		wbuf_u8(&w, 0x82);
		wbuf_u16(&w, (uint16_t)len);
	} else {
		if (len >= 0x80)
			wbuf_u8(&w, 0x81);
		wbuf_u8(&w, (uint8_t)len);
	}
	wbuf_fill(&w, octet, len);
	ck_assert(wbuf_ok(&w));
	rest = wbuf_view(&w);
	do {
		size_t n = chained && rest.len > 255 ? 255 : rest.len;

		ck_assert(rbuf_take(&rest, n, &part));
		c = wbuf_over(command, sizeof command);
		wbuf_u8(&c, rest.len != 0 ? 0x10 : 0x00);
		wbuf_u8(&c, 0xdb);
		wbuf_u16(&c, 0x3fff);
		wbuf_u8(&c, chained ? (uint8_t)n : 0);
		if (!chained)
			wbuf_u16(&c, (uint16_t)n);
		wbuf_put(&c, part);
		sw = fake_card_send(card, wbuf_view(&c), 2);
	} while (rest.len != 0 && sw == 0x9000);
	return sw;
}

/* GET DATA as an extended command; the answer is in the card. */
static uint16_t
get(struct fake_card *card, uint32_t tag)
{
	char command[64];

	(void)snprintf(command, sizeof command, "00 cb 3f ff 00 00 05 5c 03 %02x %02x %02x 00 00",
	    (unsigned)(tag >> 16), (unsigned)(tag >> 8 & 0xff), (unsigned)(tag & 0xff));
	return fake_card_say(card, command);
}

/* Whether the answer is 53, and in it len times the octet. */
static bool
answered(const struct fake_card *card, uint8_t octet, size_t len)
{
	struct rbuf in = rbuf_of(card->answer, card->answer_len), content;
	size_t head = len < 0x80 ? 2 : len < 0x100 ? 3 : 4;

	return in.len == head + len + 2 && rbuf_at(in, 0) == 0x53 &&
	       rbuf_take(&in, head, &content) && rbuf_take(&in, len, &content) &&
	       (len == 0 || has_run(content.data, len, octet, len));
}

static bool
in_memory(const struct fake_card *card, uint8_t octet)
{
	return has_run(&card->piv, sizeof card->piv, octet, 4);
}

static bool
in_files(const struct fake_card *card, uint8_t octet)
{
	return has_run(card->store.items, sizeof card->store.items, octet, 4);
}

static bool
has(const struct fake_card *card, enum store_kind kind, uint32_t id)
{
	struct rbuf value;

	return fake_store_peek(&card->store, kind, id, &value);
}

static struct fake_card *
card_with_admin(void)
{
	struct fake_card *card = fake_card_new();

	fake_card_become_admin(card);
	return card;
}

/* ---- who may ---- */

START_TEST(access_rules)
{
	const struct sealed *o = &objects[_i];
	struct fake_card *card = fake_card_new();

	/* Without the PIN nobody learns whether it is there. */
	ck_assert_uint_eq(get(card, o->tag), 0x6982);
	ck_assert_uint_eq(put(card, o->tag, CONTENT_OCTET, 5, false), 0x6982);
	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	ck_assert_uint_eq(get(card, o->tag), 0x6a82);
	ck_assert_uint_eq(put(card, o->tag, CONTENT_OCTET, 5, false), 0x6982);
	ck_assert_uint_eq(fake_card_say(card, "00 20 ff 80"), 0x9000);
	/* The administrator writes without the PIN, and cannot read what he wrote. */
	fake_card_become_admin(card);
	ck_assert_uint_eq(put(card, o->tag, CONTENT_OCTET, 5, false), 0x9000);
	ck_assert_uint_eq(get(card, o->tag), 0x6982);
	ck_assert(!card->vault.once);
	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	ck_assert_uint_eq(get(card, o->tag), 0x9000);
	ck_assert(answered(card, CONTENT_OCTET, 5));
	ck_assert_uint_eq(get(card, o->tag), 0x9000);
	/* Reading is a command like others: a PIN-always key wants the PIN again. */
	ck_assert_uint_eq(fake_card_say(card, SIGN_9C), 0x6982);
	ck_assert_uint_eq(fake_card_say(card, PIN_WRONG), 0x63c4);
	ck_assert_uint_eq(get(card, o->tag), 0x6982);
	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	ck_assert_uint_eq(get(card, o->tag), 0x9000);
	piv_reset(&card->piv);
	ck_assert_uint_eq(get(card, o->tag), 0x6982);
	ck_assert_uint_eq(put(card, o->tag, CONTENT_OCTET, 0, false), 0x6982);
	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	ck_assert_uint_eq(get(card, o->tag), 0x9000);
	fake_card_free(card);
}
END_TEST

/* After a changed PIN, and after an unblocked one, what was sealed is still read. */
START_TEST(another_pin)
{
	struct fake_card *card = card_with_admin();

	ck_assert_uint_eq(put(card, 0x5fc109, CONTENT_OCTET, 100, false), 0x9000);
	ck_assert_uint_eq(fake_card_say(card, "00 24 00 80 10 " PIN NEW), 0x9000);
	ck_assert_uint_eq(get(card, 0x5fc109), 0x9000);
	ck_assert(answered(card, CONTENT_OCTET, 100));
	ck_assert_uint_eq(fake_card_say(card, "00 20 ff 80"), 0x9000);
	ck_assert_uint_eq(fake_card_say(card, "00 2c 00 80 10 " PUK PIN), 0x9000);
	ck_assert_uint_eq(get(card, 0x5fc109), 0x6982);
	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	ck_assert_uint_eq(get(card, 0x5fc109), 0x9000);
	ck_assert(answered(card, CONTENT_OCTET, 100));
	fake_card_free(card);
}
END_TEST

/* The management key as Yubico's software keeps it behind the PIN, in pieces as it fetches it. */
START_TEST(protected_management_key)
{
	static const struct exchange steps[] = { ADMIN,
		{ "00 db 3f ff 23 5c 03 5f c1 09 53 1c 88 1a 89 18 b6*24", "9000" },
		{ "00 cb 3f ff 05 5c 03 5f c1 09", "6982" }, VERIFIED,
		{ "00 cb 3f ff 05 5c 03 5f c1 09", "53 1c 88 1a 89 18 b6*24 9000" },
		{ "00 cb 3f ff 05 5c 03 5f c1 09 00", "53 1c 88 1a 89 18 b6*24 9000" },
		{ "00 cb 3f ff 05 5c 03 5f c1 09 08", "53 1c 88 1a 89 18 b6*2 6116" },
		{ "00 c0 00 00 16", "b6*22 9000" },
		{ "00 db 3f ff 09 5c 03 5f c1 09 53 02 88 00", "9000" },
		{ "00 cb 3f ff 05 5c 03 5f c1 09", "53 02 88 00 9000" } };
	struct fake_card *card = fake_card_new();
	size_t i;

	for (i = 0; i < sizeof steps / sizeof steps[0]; i++)
		fake_card_expect(card, "protected management key", steps[i]);
	fake_card_free(card);
}
END_TEST

/* ---- how much ---- */

START_TEST(capacities)
{
	const struct sealed *o = &objects[_i];
	struct fake_card *card = card_with_admin();
	int chained;

	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	for (chained = 0; chained < 2; chained++) {
		ck_assert_uint_eq(put(card, o->tag, 0xb7, 1, chained != 0), 0x9000);
		ck_assert_uint_eq(get(card, o->tag), 0x9000);
		ck_assert(answered(card, 0xb7, 1));
		ck_assert_uint_eq(
		    put(card, o->tag, CONTENT_OCTET, o->capacity, chained != 0), 0x9000);
		ck_assert_uint_eq(put(card, o->tag, 0xb8, o->capacity + 1, chained != 0), 0x6a84);
		ck_assert_uint_eq(get(card, o->tag), 0x9000);
		ck_assert(answered(card, CONTENT_OCTET, o->capacity));
		ck_assert_uint_eq(put(card, o->tag, 0, 0, chained != 0), 0x9000);
		ck_assert_uint_eq(get(card, o->tag), 0x6a82);
		ck_assert(!has(card, STORE_SEALED, o->tag));
		ck_assert_uint_eq(put(card, o->tag, 0, 0, chained != 0), 0x9000);
	}
	fake_card_free(card);
}
END_TEST

/* All of them, full, at the same time. */
START_TEST(all_full)
{
	struct fake_card *card = card_with_admin();
	size_t i;

	for (i = 0; i < sizeof objects / sizeof objects[0]; i++)
		ck_assert_uint_eq(put(card, objects[i].tag, (uint8_t)(CONTENT_OCTET + i),
				      objects[i].capacity, true),
		    0x9000);
	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	for (i = 0; i < sizeof objects / sizeof objects[0]; i++) {
		ck_assert_uint_eq(get(card, objects[i].tag), 0x9000);
		ck_assert(answered(card, (uint8_t)(CONTENT_OCTET + i), objects[i].capacity));
	}
	fake_card_free(card);
}
END_TEST

/* ---- what is where ---- */

START_TEST(nothing_in_clear)
{
	const struct sealed *o = &objects[_i];
	struct fake_card *card = card_with_admin();
	char step[40];
	size_t left;
	uint16_t sw;

	ck_assert_uint_eq(put(card, o->tag, CONTENT_OCTET, o->capacity, true), 0x9000);
	ck_assert(has(card, STORE_SEALED, o->tag) && !has(card, STORE_OBJECT, o->tag));
	ck_assert(!in_files(card, CONTENT_OCTET) && !in_memory(card, CONTENT_OCTET));
	ck_assert_uint_eq(put(card, o->tag, CONTENT_OCTET, o->capacity, false), 0x9000);
	ck_assert(!in_files(card, CONTENT_OCTET) && !in_memory(card, CONTENT_OCTET));
	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	ck_assert_uint_eq(get(card, o->tag), 0x9000);
	ck_assert(!in_memory(card, CONTENT_OCTET));
	/* Part of it fetched, the rest dropped by another command, a refused one, or a reset. */
	for (left = 0; left < 3; left++) {
		(void)snprintf(step, sizeof step, "00 cb 3f ff 05 5c 03 5f c1 %02x 0a",
		    (unsigned)(o->tag & 0xff));
		sw = fake_card_say(card, step);
		ck_assert_uint_eq(sw >> 8, 0x61);
		ck_assert(in_memory(card, CONTENT_OCTET));
		if (left == 2)
			piv_reset(&card->piv);
		else
			(void)fake_card_say(card, left == 0 ? PIN_QUERY : "00 12 34 56");
		ck_assert(!in_memory(card, CONTENT_OCTET));
	}
	/* Too much of it. */
	fake_card_become_admin(card);
	ck_assert_uint_eq(put(card, o->tag, CONTENT_OCTET, o->capacity + 1, true), 0x6a84);
	ck_assert(!in_memory(card, CONTENT_OCTET) && !in_files(card, CONTENT_OCTET));
	fake_card_free(card);
}
END_TEST

/* ---- the key ---- */

START_TEST(one_key)
{
	struct fake_card *card = card_with_admin();
	uint8_t serial = card->vault.memory->serial;
	uint8_t octets[16];
	struct rbuf key;
	size_t i, len;

	ck_assert(!has(card, STORE_SEALING_KEY, 0));
	/* Deleting what is not there, reading it, and objects for everybody need no key. */
	ck_assert_uint_eq(put(card, 0x5fc109, 0, 0, false), 0x9000);
	ck_assert_uint_eq(put(card, 0x5fc107, 0xaa, 5, false), 0x9000);
	ck_assert(!has(card, STORE_SEALING_KEY, 0) && card->vault.memory->serial == serial);
	ck_assert_uint_eq(put(card, 0x5fc109, CONTENT_OCTET, 5, false), 0x9000);
	ck_assert(fake_store_peek(&card->store, STORE_SEALING_KEY, 0, &key));
	ck_assert_uint_eq(rbuf_at(key, 1), ALG_ECC_P256);
	ck_assert_uint_eq(rbuf_at(key, 2), PIN_ONCE);
	len = key.len;
	ck_assert(rbuf_copy(&key, octets, len));
	for (i = 0; i < sizeof objects / sizeof objects[0]; i++) {
		ck_assert_uint_eq(put(card, objects[i].tag, CONTENT_OCTET, 7, false), 0x9000);
		ck_assert_uint_eq(put(card, objects[i].tag, 0, 0, false), 0x9000);
	}
	piv_reset(&card->piv);
	fake_card_become_admin(card);
	ck_assert_uint_eq(put(card, 0x5fc103, CONTENT_OCTET, 7, false), 0x9000);
	ck_assert_uint_eq(card->vault.memory->serial, serial + 1);
	ck_assert(fake_store_peek(&card->store, STORE_SEALING_KEY, 0, &key));
	ck_assert(rbuf_eq(key, rbuf_of(octets, len)));
	fake_card_free(card);
}
END_TEST

/* What the object was before, or is to become: nothing else, whatever failed. */
static void
expect_whole(struct fake_card *card, const char *what, unsigned n, size_t before, uint16_t sw)
{
	uint16_t got;

	ck_assert_msg(!has(card, STORE_SEALED, 0x5fc109) || has(card, STORE_SEALING_KEY, 0),
	    "%s %u: an object without its key", what, n);
	ck_assert_msg(!in_memory(card, CONTENT_OCTET) && !in_files(card, CONTENT_OCTET),
	    "%s %u: in clear", what, n);
	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	got = get(card, 0x5fc109);
	if (sw == 0x9000)
		ck_assert_msg(answered(card, CONTENT_OCTET, 20), "%s %u: %04x", what, n, got);
	else if (before == 0)
		ck_assert_msg(got == 0x6a82 || answered(card, CONTENT_OCTET, 20), "%s %u: %04x",
		    what, n, got);
	else
		ck_assert_msg(answered(card, 0xb7, before) || answered(card, CONTENT_OCTET, 20),
		    "%s %u: %04x", what, n, got);
	/* And a repeat works. */
	fake_card_become_admin(card);
	ck_assert_uint_eq(put(card, 0x5fc109, CONTENT_OCTET, 20, false), 0x9000);
	ck_assert_uint_eq(get(card, 0x5fc109), 0x9000);
	ck_assert(answered(card, CONTENT_OCTET, 20));
}

/* before: octets of an object that is there already; 0: the first one of the card is put. */
static const size_t befores[] = { 0, 30 };

static struct fake_card *
card_before(size_t before)
{
	struct fake_card *card = card_with_admin();

	if (before != 0)
		ck_assert_uint_eq(put(card, 0x5fc109, 0xb7, before, false), 0x9000);
	return card;
}

START_TEST(power_goes)
{
	uint16_t sw = 0;
	unsigned n;

	for (n = 0; sw != 0x9000; n++) {
		struct fake_card *card = card_before(befores[_i]);
		unsigned power = n;

		ck_assert_uint_lt(n, 12);
		card->vault.power = card->store.power = &power;
		sw = put(card, 0x5fc109, CONTENT_OCTET, 20, false);
		card->vault.power = card->store.power = NULL;
		piv_init(&card->piv, &card->vault.port, &card->store.port, &card->profile, NULL);
		expect_whole(card, "power", n, befores[_i], sw);
		fake_card_free(card);
	}
	ck_assert_uint_eq(n, befores[_i] == 0 ? 6 : 4);
}
END_TEST

START_TEST(store_fails)
{
	static const enum store_err errs[] = { STORE_FULL, STORE_FAULT, STORE_FAULT };
	size_t e;
	unsigned n;

	/* Get the key; put the key, if it is new; put the object. */
	for (n = 1; n <= (befores[_i] == 0 ? 3 : 2); n++) {
		for (e = 0; e < 3; e++) {
			struct fake_card *card = card_before(befores[_i]);
			uint16_t sw;

			fake_store_fail(&card->store, n, errs[e]);
			card->store.late = e == 2 && n != 1;
			sw = put(card, 0x5fc109, CONTENT_OCTET, 20, false);
			ck_assert_uint_eq(sw, errs[e] == STORE_FULL ? 0x6a84 : 0x6f00);
			card->store.fail_at = 0;
			card->store.late = false;
			expect_whole(card, "store call", n, befores[_i], sw);
			fake_card_free(card);
		}
	}
}
END_TEST

START_TEST(vault_fails)
{
	unsigned n;
	int err;

	/* Make the key, if there is none; seal. */
	for (n = 1; n <= (befores[_i] == 0 ? 2 : 1); n++) {
		for (err = VAULT_AUTH; err <= VAULT_FAULT; err++) {
			struct fake_card *card = card_before(befores[_i]);
			bool sealing = n == (befores[_i] == 0 ? 2 : 1);
			uint16_t sw;

			fake_vault_fail(&card->vault, n, (enum vault_err)err);
			sw = put(card, 0x5fc109, CONTENT_OCTET, 20, false);
			ck_assert_uint_ne(sw, 0x9000);
			if (err == VAULT_FULL)
				ck_assert_uint_eq(sw, 0x6a84);
			/* The host's data are not at fault. */
			if (err == VAULT_MISMATCH && sealing)
				ck_assert_uint_eq(sw, 0x6f00);
			expect_whole(card, "vault call", n, befores[_i], sw);
			fake_card_free(card);
		}
	}
}
END_TEST

/* A vault that says too much: a key or a sealed object that is too long. */
START_TEST(vault_says_too_much)
{
	struct fake_card *card = card_before(befores[_i]);

	card->vault.oversize = 1;
	ck_assert_uint_eq(put(card, 0x5fc109, CONTENT_OCTET, 20, false), 0x6f00);
	card->vault.oversize = 0;
	ck_assert(has(card, STORE_SEALING_KEY, 0) == (befores[_i] != 0));
	expect_whole(card, "oversize", 0, befores[_i], 0x6f00);
	fake_card_free(card);
}
END_TEST

/* An object cannot be deleted: it is still there. */
START_TEST(deletion_fails)
{
	struct fake_card *card = card_before(30);

	fake_store_fail(&card->store, 1, STORE_FAULT);
	ck_assert_uint_eq(put(card, 0x5fc109, 0, 0, false), 0x6f00);
	expect_whole(card, "deletion", 0, 30, 0x6f00);
	fake_card_free(card);
}
END_TEST

/* ---- unsealing ---- */

/* clang-format off */
static const struct {
	enum vault_err err;
	uint16_t sw;
	bool verified; /* afterwards */
} unsealings[] = {
	{ VAULT_AUTH, 0x6982, false },
	{ VAULT_BLOCKED, 0x6983, true },
	{ VAULT_ABSENT, 0x6a88, true },
	{ VAULT_MISMATCH, 0x6f00, true },
	{ VAULT_UNSUPPORTED, 0x6a80, true },
	{ VAULT_FULL, 0x6a84, true },
	{ VAULT_FAULT, 0x6f00, true },
};
/* clang-format on */

static void
unsealing_failed(size_t row, bool late)
{
	struct fake_card *card = card_with_admin();

	ck_assert_uint_eq(put(card, 0x5fc108, CONTENT_OCTET, 12800, false), 0x9000);
	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	card->vault.late = late;
	fake_vault_fail(&card->vault, 1, unsealings[row].err);
	ck_assert_uint_eq(get(card, 0x5fc108), unsealings[row].sw);
	ck_assert_uint_eq(card->answer_len, 2);
	ck_assert(!in_memory(card, CONTENT_OCTET));
	ck_assert((card->piv.status & ACCESS_PIN) == (unsealings[row].verified ? ACCESS_PIN : 0U));
	ck_assert(card->vault.once == unsealings[row].verified);
	card->vault.late = false;
	ck_assert_uint_eq(fake_card_say(card, "00 c0 00 00 00"), 0x6985);
	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	ck_assert_uint_eq(get(card, 0x5fc108), 0x9000);
	ck_assert(answered(card, CONTENT_OCTET, 12800));
	fake_card_free(card);
}

/* Before anything was unsealed, or after, and taken back. */
START_TEST(unsealing_fails)
{
	unsealing_failed((size_t)_i, false);
	unsealing_failed((size_t)_i, true);
}
END_TEST

/* The proof in the vault ran out: the card stops saying that the PIN is verified. */
START_TEST(proof_ran_out)
{
	struct fake_card *card = card_before(30);

	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	card->vault.once = false;
	ck_assert_uint_eq(get(card, 0x5fc109), 0x6982);
	ck_assert_uint_eq(fake_card_say(card, PIN_QUERY), 0x63c5);
	fake_card_free(card);
}
END_TEST

/* The vault hands out more than was sealed, and more than an answer may be. */
START_TEST(unsealing_says_too_much)
{
	struct fake_card *card = card_with_admin();
	uint8_t octets[STORE_ITEM_MAX];
	struct wbuf sealed = wbuf_over(octets, sizeof octets);
	struct rbuf key;

	ck_assert_uint_eq(put(card, 0x5fc108, CONTENT_OCTET, 10, false), 0x9000);
	ck_assert(fake_store_peek(&card->store, STORE_SEALING_KEY, 0, &key));
	wbuf_u32(&sealed, 0x5fc108);
	wbuf_u8(&sealed, rbuf_at(key, 3));
	wbuf_fill(&sealed, CONTENT_OCTET ^ 0x3c, STORE_ITEM_MAX - 5);
	ck_assert_int_eq(
	    store_put(&card->store.port, STORE_SEALED, 0x5fc108, wbuf_view(&sealed)), STORE_OK);
	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	card->vault.oversize = 255;
	ck_assert_uint_eq(get(card, 0x5fc108), 0x6f00);
	ck_assert(!in_memory(card, CONTENT_OCTET));
	fake_card_free(card);
}
END_TEST

static const uint8_t another_key[] = { 'K', ALG_ECC_P256, PIN_ONCE, 99 };
static const uint8_t pinless_key[] = { 'K', ALG_ECC_P256, PIN_NEVER, 99 };

/* clang-format off */
static const struct {
	const char *why;
	enum store_kind kind;	/* the file that is another one ... */
	uint32_t id;
	const void *octets;	/* ... now; NULL: gone */
	size_t len;
	uint16_t put, get;
} files[] = {
	{ "no key any more", STORE_SEALING_KEY, 0, NULL, 0, 0x9000, 0x6f00 },
	{ "another card's key", STORE_SEALING_KEY, 0, another_key, 4, 0x9000, 0x6f00 },
	{ "a key that wants no PIN", STORE_SEALING_KEY, 0, pinless_key, 4, 0x6f00, 0x6f00 },
	{ "a key that is none", STORE_SEALING_KEY, 0, "junk", 4, 0x6f00, 0x6f00 },
	{ "an empty key", STORE_SEALING_KEY, 0, "", 0, 0x6f00, 0x6f00 },
	{ "sealed octets that are none", STORE_SEALED, 0x5fc109, "junk", 4, 0x9000, 0x6f00 },
	{ "empty", STORE_SEALED, 0x5fc109, "", 0, 0x9000, 0x6f00 },
	{ "in clear", STORE_SEALED, 0x5fc109, "\xb6\xb6\xb6\xb6\xb6\xb6\xb6\xb6", 8, 0x9000, 0x6f00 },
};
/* clang-format on */

/* Files that somebody put there: refused, never shown, and nobody is locked out. */
START_TEST(files_of_others)
{
	struct fake_card *card = card_before(30);
	struct store *s = &card->store.port;

	ck_assert_uint_eq(put(card, 0x5fc103, 0xb7, 9, false), 0x9000);
	ck_assert_int_eq(files[_i].octets == NULL ? store_remove(s, files[_i].kind, files[_i].id)
						  : store_put(s, files[_i].kind, files[_i].id,
							rbuf_of(files[_i].octets, files[_i].len)),
	    STORE_OK);
	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	ck_assert_msg(get(card, 0x5fc109) == files[_i].get, "%s", files[_i].why);
	ck_assert_uint_eq(card->answer_len, 2);
	ck_assert_uint_eq(fake_card_say(card, PIN_QUERY), 0x9000);
	ck_assert_msg(
	    put(card, 0x5fc109, CONTENT_OCTET, 20, false) == files[_i].put, "%s", files[_i].why);
	if (files[_i].put == 0x9000) {
		ck_assert_uint_eq(get(card, 0x5fc109), 0x9000);
		ck_assert(answered(card, CONTENT_OCTET, 20));
	}
	ck_assert_uint_eq(put(card, 0x5fc109, 0, 0, false), 0x9000);
	fake_card_free(card);
}
END_TEST

/* One object's file under another's name is not read. */
START_TEST(moved_file)
{
	struct fake_card *card = card_before(30);
	struct store *s = &card->store.port;

	ck_assert_int_eq(store_move(s, STORE_SEALED, 0x5fc109, STORE_SEALED, 0x5fc103), STORE_OK);
	ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	ck_assert_uint_eq(get(card, 0x5fc103), 0x6f00);
	/* Nor is a sealed one shown, or an open one taken, where the other belongs. */
	ck_assert_int_eq(store_move(s, STORE_SEALED, 0x5fc103, STORE_OBJECT, 0x5fc109), STORE_OK);
	ck_assert_uint_eq(get(card, 0x5fc109), 0x6a82);
	fake_card_free(card);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("piv, sealed objects");
	TCase *tcase = tcase_create("sealed");

	tcase_add_rows(tcase, access_rules, objects);
	tcase_add_test(tcase, another_pin);
	tcase_add_test(tcase, protected_management_key);
	tcase_add_rows(tcase, capacities, objects);
	tcase_add_test(tcase, all_full);
	tcase_add_rows(tcase, nothing_in_clear, objects);
	tcase_add_test(tcase, one_key);
	tcase_add_rows(tcase, power_goes, befores);
	tcase_add_rows(tcase, store_fails, befores);
	tcase_add_rows(tcase, vault_fails, befores);
	tcase_add_rows(tcase, vault_says_too_much, befores);
	tcase_add_test(tcase, deletion_fails);
	tcase_add_rows(tcase, unsealing_fails, unsealings);
	tcase_add_test(tcase, proof_ran_out);
	tcase_add_test(tcase, unsealing_says_too_much);
	tcase_add_rows(tcase, files_of_others, files);
	tcase_add_test(tcase, moved_file);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
