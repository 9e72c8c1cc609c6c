/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new card management key and new PINs on a card whose ports fail, lie or
 * lose power at every step: the old or the new key serves, never both or
 * none, ADMIN knows that one, and no note calls a value a default that is not.
 */
#include <stdio.h>

#include "tests/exchanges.h"
#include "tests/suite.h"

enum { PIN_NOTE = 1 << 0, PUK_NOTE = 1 << 1, ADMIN_NOTE = 1 << 2, ALL_NOTES = 7 };
static const uint32_t noted_ids[] = { 0x80, 0x81, 0x9b };

static void
make_notes(struct fake_card *card, unsigned notes)
{
	size_t i;

	for (i = 0; i < 3; i++) {
		if ((notes >> i & 1) != 0)
			ck_assert_int_eq(store_put(&card->store.port, STORE_DEFAULT, noted_ids[i],
					     rbuf_str("default\n")),
			    STORE_OK);
	}
}

static unsigned
notes_of(const struct fake_card *card)
{
	struct rbuf value;
	unsigned notes = 0;
	size_t i;

	for (i = 0; i < 3; i++)
		notes |=
		    (unsigned)fake_store_peek(&card->store, STORE_DEFAULT, noted_ids[i], &value)
		    << i;
	return notes;
}

static void
power_cycle(struct fake_card *card)
{
	card->vault.power = card->store.power = NULL;
	piv_init(&card->piv, &card->vault.port, &card->store.port, &card->profile, card->piv.host);
}

static void
no_more_failures(struct fake_card *card)
{
	card->vault.fail_at = card->store.fail_at = 0;
	card->store.late = card->vault.admin_broken = card->vault.admin_hidden = false;
}

/* ---- a new management key ---- */

/* External authentication with a key of that algorithm; whether it worked. */
static bool
authenticates(struct fake_card *card, uint8_t algorithm)
{
	const unsigned size = algorithm == ALG_3DES ? 8 : 16;
	char command[128];
	unsigned i;
	int n;

	(void)snprintf(command, sizeof command, "00 87 %02x 9b 04 7c 02 81 00", algorithm);
	if (fake_card_say(card, command) != 0x9000)
		return false;
	n = snprintf(command, sizeof command, "00 87 %02x 9b %02x 7c %02x 82 %02x", algorithm,
	    size + 4, size + 2, size);
	for (i = 0; i < size; i++)
		n += snprintf(command + n, sizeof command - (size_t)n, " %02x",
		    fake_vault_mix(algorithm, card->answer[4 + i]));
	return fake_card_say(card, command) == 0x9000;
}

#define DEFAULT_24 "01 02 03 04 05 06 07 08 01 02 03 04 05 06 07 08 01 02 03 04 05 06 07 08"

/* clang-format off */
static const struct renewal {
	const char *why;
	uint8_t old, fresh; /* algorithms */
	const char *command;
	bool admin;	    /* there is an ADMIN that has to follow */
	bool was_default, becomes_default;
} renewals[] = {
	{ "3DES, well-known, to AES", ALG_3DES, ALG_AES_128, "00 ff ff ff 13 08 9b 10 31*16", true, true, false },
	{ "the same without ADMIN", ALG_3DES, ALG_AES_128, "00 ff ff ff 13 08 9b 10 31*16", false, true, false },
	{ "AES to the well-known 3DES", ALG_AES_256, ALG_3DES, "00 ff ff ff 1b 03 9b 18 " DEFAULT_24, true, false, true },
	{ "the same without ADMIN", ALG_AES_256, ALG_3DES, "00 ff ff ff 1b 03 9b 18 " DEFAULT_24, false, false, true },
	{ "3DES to 3DES", ALG_3DES, ALG_3DES, "00 ff ff ff 1b 03 9b 18 31*24", true, false, false },
	{ "the well-known to itself", ALG_3DES, ALG_3DES, "00 ff ff ff 1b 03 9b 18 " DEFAULT_24, true, true, true },
	{ "AES to AES", ALG_AES_192, ALG_AES_256, "00 ff ff ff 23 0c 9b 20 31*32", true, false, false },
};
/* clang-format on */

static uint8_t
serial_of(const struct fake_card *card, enum store_kind kind)
{
	struct rbuf key;

	return fake_store_peek(&card->store, kind, 0x9b, &key) ? rbuf_at(key, 3) : 0;
}

/* A card with the row's old key, and its administrator there. */
static struct fake_card *
card_before(const struct renewal *row)
{
	struct fake_card *card = fake_card_new();
	uint8_t octets[8];
	struct wbuf key = wbuf_over(octets, sizeof octets);

	fake_vault_key(&card->vault, row->old, PIN_NEVER, &key);
	ck_assert_int_eq(store_put(&card->store.port, STORE_KEY, 0x9b, wbuf_view(&key)), STORE_OK);
	card->vault.memory->admin_serial = row->admin ? serial_of(card, STORE_KEY) : 0;
	make_notes(card, PIN_NOTE | PUK_NOTE | (row->was_default ? ADMIN_NOTE : 0));
	ck_assert(authenticates(card, row->old));
	return card;
}

/* Whatever happened: one key serves, ADMIN knows it, and the notes tell no lie. */
static void
expect_whole(struct fake_card *card, const struct renewal *row, uint8_t old, uint16_t sw,
    const char *what, unsigned n)
{
	bool with_old = authenticates(card, row->old);
	bool with_fresh = authenticates(card, row->fresh);
	bool fresh = serial_of(card, STORE_KEY) != old;
	unsigned notes = notes_of(card);

	ck_assert_msg(
	    with_fresh == (fresh || row->old == row->fresh), "%s, %s %u", row->why, what, n);
	ck_assert_msg(
	    with_old == (!fresh || row->old == row->fresh), "%s, %s %u", row->why, what, n);
	ck_assert_msg(!row->admin || card->vault.memory->admin_serial == serial_of(card, STORE_KEY),
	    "%s, %s %u: ADMIN knows %u, 9B is %u", row->why, what, n, card->vault.memory->admin_serial,
	    serial_of(card, STORE_KEY));
	ck_assert_msg(serial_of(card, STORE_KEY_NEXT) == 0, "%s, %s %u: left", row->why, what, n);
	ck_assert_msg(fresh || sw != 0x9000, "%s, %s %u: it said 9000", row->why, what, n);
	ck_assert_msg(
	    (notes & ADMIN_NOTE) == 0 || (fresh ? row->becomes_default : row->was_default),
	    "%s, %s %u: noted as the default", row->why, what, n);
	ck_assert_msg(
	    (notes | ADMIN_NOTE) == ALL_NOTES, "%s, %s %u: other notes", row->why, what, n);
	/* And a repeat works. */
	ck_assert(authenticates(card, fresh ? row->fresh : row->old));
	ck_assert_msg(
	    fake_card_say(card, row->command) == 0x9000, "%s, %s %u: no repeat", row->why, what, n);
	ck_assert(serial_of(card, STORE_KEY) != old && authenticates(card, row->fresh));
	ck_assert(((notes_of(card) & ADMIN_NOTE) != 0) == row->becomes_default);
}

START_TEST(nothing_fails)
{
	const struct renewal *row = &renewals[_i];
	struct fake_card *card = card_before(row);
	uint8_t old = serial_of(card, STORE_KEY);

	ck_assert_uint_eq(fake_card_say(card, row->command), 0x9000);
	ck_assert(serial_of(card, STORE_KEY) != old);
	ck_assert_uint_eq(notes_of(card),
	    PIN_NOTE | PUK_NOTE | (row->becomes_default ? (unsigned)ADMIN_NOTE : 0));
	expect_whole(card, row, old, 0x9000, "nothing fails", 0);
	fake_card_free(card);
}
END_TEST

/* The power goes after n calls, and again after m calls of whatever comes next. */
static bool
cut_twice(const struct renewal *row, unsigned n, unsigned m)
{
	struct fake_card *card = card_before(row);
	uint8_t old = serial_of(card, STORE_KEY);
	unsigned power = n;
	uint16_t sw;
	bool went;

	card->vault.power = card->store.power = &power;
	sw = fake_card_say(card, row->command);
	went = sw != 0x9000;
	power_cycle(card);
	power = m;
	card->vault.power = card->store.power = &power;
	(void)authenticates(card, row->old);
	power_cycle(card);
	expect_whole(card, row, old, sw, "power", n * 100 + m);
	fake_card_free(card);
	return went;
}

START_TEST(power_goes)
{
	unsigned n, m;
	bool went = true;

	for (n = 0; went; n++) {
		ck_assert_uint_lt(n, 20);
		for (m = 0; m < 8; m++) /* key, next; holds; move; key again; ... */
			went = cut_twice(&renewals[_i], n, m);
	}
	/* Key, next, note; describe; make, put, follow, move: at least so many were cut off. */
	ck_assert_uint_ge(n, 8);
}
END_TEST

/* A call of the vault fails without doing anything, in every way. */
START_TEST(vault_fails)
{
	const struct renewal *row = &renewals[_i];
	unsigned n;
	int err, cycle;

	for (n = 1; n <= 4; n++) {
		for (err = VAULT_AUTH; err <= VAULT_FAULT; err++) {
			/* An old key that ADMIN does not know, and then follows after all. */
			if (n == 3 && err == VAULT_AUTH)
				continue;
			for (cycle = 0; cycle < 2; cycle++) {
				struct fake_card *card = card_before(row);
				uint8_t old = serial_of(card, STORE_KEY);
				uint16_t sw;

				fake_vault_fail(&card->vault, n, (enum vault_err)err);
				sw = fake_card_say(card, row->command);
				ck_assert(card->vault.calls >= card->vault.fail_at);
				ck_assert_msg(sw != 0x9000 && serial_of(card, STORE_KEY) == old,
				    "%s: call %u fails with %d: %04x", row->why, n, err, sw);
				no_more_failures(card);
				if (cycle != 0)
					power_cycle(card);
				expect_whole(card, row, old, sw, "vault call", n);
				fake_card_free(card);
			}
		}
	}
}
END_TEST

/* A call of the store fails, or says that it failed.  "Absent" of what is there would be a lie. */
static bool
store_failed(const struct renewal *row, unsigned n, enum store_err err, bool late, bool cycle)
{
	struct fake_card *card = card_before(row);
	uint8_t old = serial_of(card, STORE_KEY);
	bool reached;
	uint16_t sw;

	fake_store_fail(&card->store, n, err);
	card->store.late = late;
	sw = fake_card_say(card, row->command);
	reached = card->store.calls >= card->store.fail_at;
	no_more_failures(card);
	if (cycle)
		power_cycle(card);
	expect_whole(card, row, old, sw, late ? "late store call" : "store call", n);
	fake_card_free(card);
	return reached;
}

START_TEST(store_fails)
{
	const struct renewal *row = &renewals[_i];
	unsigned n;
	int err, cycle;
	bool reached = true;

	for (n = 1; reached; n++) {
		ck_assert_uint_lt(n, 20);
		for (cycle = 0; cycle < 2; cycle++) {
			for (err = STORE_FULL; err <= STORE_FAULT; err++)
				reached =
				    store_failed(row, n, (enum store_err)err, false, cycle != 0);
			reached = store_failed(row, n, STORE_FAULT, true, cycle != 0);
		}
	}
	ck_assert_uint_ge(n, 6);
}
END_TEST

/* ADMIN has followed, but the vault says that it failed. */
START_TEST(vault_fails_late)
{
	const struct renewal *row = &renewals[_i];
	struct fake_card *card = card_before(row);
	uint8_t old = serial_of(card, STORE_KEY);
	uint16_t sw;

	card->vault.admin_broken = true;
	sw = fake_card_say(card, row->command);
	ck_assert_uint_eq(sw, 0x6f00);
	ck_assert_uint_eq(serial_of(card, STORE_KEY), old);
	ck_assert_uint_ne(serial_of(card, STORE_KEY_NEXT), 0);
	no_more_failures(card);
	expect_whole(card, row, old, sw, "following", 0);
	fake_card_free(card);
}
END_TEST

/* The octets of the old key cannot be had: not a thing is changed, not even the note. */
START_TEST(hidden)
{
	const struct renewal *row = &renewals[_i];
	struct fake_card *card;
	uint8_t old;

	if (!row->admin)
		return;
	card = card_before(row);
	old = serial_of(card, STORE_KEY);
	card->vault.admin_hidden = true;
	ck_assert_uint_eq(fake_card_say(card, row->command), 0x6985);
	ck_assert_uint_eq(serial_of(card, STORE_KEY), old);
	ck_assert_uint_eq(serial_of(card, STORE_KEY_NEXT), 0);
	ck_assert_uint_eq(card->vault.memory->admin_serial, old);
	ck_assert_uint_eq(
	    notes_of(card), PIN_NOTE | PUK_NOTE | (row->was_default ? (unsigned)ADMIN_NOTE : 0));
	ck_assert(authenticates(card, row->old));
	fake_card_free(card);
}
END_TEST

/*
 * The old key's octets are not ADMIN's, says the vault, and then the new key
 * cannot be dropped, or is gone already: nothing is changed, now or later.
 */
START_TEST(refused_and_left)
{
	static const struct {
		enum store_err err;
		bool late;
		uint16_t sw;
	} ways[] = { { STORE_FULL, false, 0x6a84 }, { STORE_FAULT, false, 0x6f00 },
		{ STORE_FAULT, true, 0x6f00 }, { STORE_ABSENT, true, 0x6985 } };
	const struct renewal *row = &renewals[_i];
	size_t i;

	for (i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct fake_card *card = card_before(row);
		uint8_t old = serial_of(card, STORE_KEY);
		uint16_t sw;

		fake_vault_fail(&card->vault, 4, VAULT_AUTH);
		fake_store_fail(&card->store, row->was_default ? 6 : 5, ways[i].err);
		card->store.late = ways[i].late;
		sw = fake_card_say(card, row->command);
		ck_assert_uint_eq(sw, ways[i].sw);
		ck_assert_uint_eq(card->store.calls - (sw == 0x6985 && row->was_default ? 1 : 0),
		    card->store.fail_at);
		no_more_failures(card);
		ck_assert(authenticates(card, row->old));
		ck_assert_uint_eq(serial_of(card, STORE_KEY), old);
		expect_whole(card, row, old, sw, "refused", (unsigned)i);
		fake_card_free(card);
	}
}
END_TEST

/* ---- what a crash left is settled by the next command that wants 9B ---- */

enum { ADMIN_OLD = 21, ADMIN_FRESH = 22 };

/* clang-format off */
static const struct {
	const char *why;
	uint8_t admin;		 /* the serial number it knows; 0: there is none */
	bool hidden;
	unsigned vault, store;	 /* the call that fails in the command; 0: none */
	struct exchange x;
	uint8_t key, next;	 /* serial numbers afterwards */
} settlements[] = {
	{ "ADMIN knows the old one", ADMIN_OLD, false, 0, 0,
	    { "00 f7 00 9b", "01 01 03 02 02 00 01 05 01 00 9000" }, ADMIN_OLD, 0 },
	{ "ADMIN knows the new one", ADMIN_FRESH, false, 0, 0,
	    { "00 f7 00 9b", "01 01 08 02 02 00 01 05 01 00 9000" }, ADMIN_FRESH, 0 },
	{ "no ADMIN", 0, false, 0, 0,
	    { "00 f7 00 9b", "01 01 03 02 02 00 01 05 01 00 9000" }, ADMIN_OLD, 0 },
	{ "octets that cannot be had", ADMIN_OLD, true, 0, 0,
	    { "00 f7 00 9b", "01 01 03 02 02 00 01 05 01 00 9000" }, ADMIN_OLD, ADMIN_FRESH },
	{ "no challenge, and ADMIN knows the new one", ADMIN_FRESH, true, 0, 0,
	    { "00 87 00 9b 04 7c 02 81 00", "6985" }, ADMIN_OLD, ADMIN_FRESH },
	{ "no challenge before it is settled", ADMIN_OLD, true, 0, 0,
	    { "00 87 00 9b 04 7c 02 81 00", "6985" }, ADMIN_OLD, ADMIN_FRESH },
	{ "a challenge", ADMIN_FRESH, false, 0, 0,
	    { "00 87 08 9b 04 7c 02 81 00", "7c 12 81 10 ??*16 9000" }, ADMIN_FRESH, 0 },
	{ "a challenge of the old one", ADMIN_FRESH, false, 0, 0,
	    { "00 87 03 9b 04 7c 02 81 00", "6a86" }, ADMIN_FRESH, 0 },
	{ "other keys do not care", ADMIN_FRESH, false, 0, 0,
	    { "00 87 11 9e 26 7c 24 82 00 81 20 22*32", SIGN_9C_ANSWER }, ADMIN_OLD, ADMIN_FRESH },
	{ "the vault cannot be asked", ADMIN_FRESH, false, 2, 0, { "00 f7 00 9b", "6f00" }, ADMIN_OLD, ADMIN_FRESH },
	{ "the next one cannot be read", ADMIN_FRESH, false, 0, 2, { "00 f7 00 9b", "6f00" }, ADMIN_OLD, ADMIN_FRESH },
	{ "it cannot be moved", ADMIN_FRESH, false, 0, 3, { "00 f7 00 9b", "6f00" }, ADMIN_OLD, ADMIN_FRESH },
	{ "it cannot be dropped", ADMIN_OLD, false, 0, 3, { "00 f7 00 9b", "6f00" }, ADMIN_OLD, ADMIN_FRESH },
	{ "moved, it cannot be read", ADMIN_FRESH, false, 0, 4, { "00 f7 00 9b", "6f00" }, ADMIN_FRESH, 0 },
	{ "moved, it cannot be described", ADMIN_FRESH, false, 3, 0, { "00 f7 00 9b", "6f00" }, ADMIN_FRESH, 0 },
};
/* clang-format on */

START_TEST(settlement)
{
	static const uint8_t old[] = { 'K', ALG_3DES, PIN_NEVER, ADMIN_OLD };
	static const uint8_t fresh[] = { 'K', ALG_AES_128, PIN_NEVER, ADMIN_FRESH };
	struct fake_card *card = fake_card_new();
	struct store *s = &card->store.port;

	ck_assert_int_eq(store_put(s, STORE_KEY, 0x9b, rbuf_of(old, 4)), STORE_OK);
	ck_assert_int_eq(store_put(s, STORE_KEY_NEXT, 0x9b, rbuf_of(fresh, 4)), STORE_OK);
	card->vault.memory->admin_serial = settlements[_i].admin;
	card->vault.admin_hidden = settlements[_i].hidden;
	if (settlements[_i].vault != 0)
		fake_vault_fail(&card->vault, settlements[_i].vault, VAULT_FAULT);
	if (settlements[_i].store != 0)
		fake_store_fail(&card->store, settlements[_i].store, STORE_FAULT);
	fake_card_expect(card, settlements[_i].why, settlements[_i].x);
	ck_assert_msg(serial_of(card, STORE_KEY) == settlements[_i].key, "%s", settlements[_i].why);
	ck_assert_msg(
	    serial_of(card, STORE_KEY_NEXT) == settlements[_i].next, "%s", settlements[_i].why);
	ck_assert(card->vault.calls >= card->vault.fail_at);
	ck_assert(card->store.calls >= card->store.fail_at);
	/* The next one finds it settled, whatever it was. */
	no_more_failures(card);
	ck_assert(
	    authenticates(card, settlements[_i].admin == ADMIN_FRESH ? ALG_AES_128 : ALG_3DES));
	ck_assert_uint_eq(serial_of(card, STORE_KEY_NEXT), 0);
	fake_card_free(card);
}
END_TEST

/* ---- notes of default values ---- */

#define CHANGE_PIN "00 24 00 80 10 "
#define CHANGE_PUK "00 24 00 81 10 "
#define UNBLOCK    "00 2c 00 80 10 "
#define SET_24     "00 ff ff ff 1b 03 9b 18 "

/* clang-format off */
static const struct note_row {
	const char *why;
	unsigned before; /* notes */
	const char *command;
	uint16_t sw;
	unsigned after;
	int vault;	 /* how the vault's call fails, and which; 0: it does not */
	unsigned call;
	bool blocked;	 /* PIN and PUK */
} notes[] = {
	{ "PIN to another", ALL_NOTES, CHANGE_PIN PIN " " NEW, 0x9000, PUK_NOTE | ADMIN_NOTE, 0, 0, false },
	{ "PIN to itself", 0, CHANGE_PIN PIN " " PIN, 0x9000, PIN_NOTE, 0, 0, false },
	{ "PIN, noted, to itself", ALL_NOTES, CHANGE_PIN PIN " " PIN, 0x9000, ALL_NOTES, 0, 0, false },
	{ "a longer PIN", 0, "00 24 00 80 12 " PIN "ff " PIN "39", 0x9000, 0, 0, 0, false },
	{ "wrong PIN", ALL_NOTES, CHANGE_PIN BAD " " NEW, 0x63c4, ALL_NOTES, 0, 0, false },
	{ "wrong PIN, no note", 0, CHANGE_PIN BAD " " PIN, 0x63c4, 0, 0, 0, false },
	{ "PIN blocked", ALL_NOTES, CHANGE_PIN PIN " " NEW, 0x6983, ALL_NOTES, 0, 0, true },
	{ "a new PIN that breaks the policy", ALL_NOTES, CHANGE_PIN PIN " 41*7 ff", 0x6a80, ALL_NOTES, 0, 0, false },
	{ "no such PIN", ALL_NOTES, CHANGE_PIN PIN " " NEW, 0x6983, ALL_NOTES, VAULT_ABSENT, 1, false },
	{ "perhaps changed", ALL_NOTES, CHANGE_PIN PIN " " NEW, 0x6f00, PUK_NOTE | ADMIN_NOTE, VAULT_FAULT, 1, false },
	{ "perhaps changed to the default", 0, CHANGE_PIN PIN " " PIN, 0x6f00, 0, VAULT_FAULT, 1, false },
	{ "changed, not verified", ALL_NOTES, CHANGE_PIN PIN " " NEW, 0x9000, PUK_NOTE | ADMIN_NOTE, VAULT_FAULT, 2, false },
	{ "PUK to the default", 0, CHANGE_PUK PUK " " PIN, 0x9000, PUK_NOTE, 0, 0, false },
	{ "PUK to another", ALL_NOTES, CHANGE_PUK PUK " " NEW, 0x9000, PIN_NOTE | ADMIN_NOTE, 0, 0, false },
	{ "wrong PUK", ALL_NOTES, CHANGE_PUK BAD " " NEW, 0x63c4, ALL_NOTES, 0, 0, false },
	{ "PUK blocked", ALL_NOTES, CHANGE_PUK PUK " " NEW, 0x6983, ALL_NOTES, 0, 0, true },
	{ "PUK, perhaps", ALL_NOTES, CHANGE_PUK PUK " " NEW, 0x6f00, PIN_NOTE | ADMIN_NOTE, VAULT_FAULT, 1, false },
	{ "unblocked with another PIN", ALL_NOTES, UNBLOCK PUK " " NEW, 0x9000, PUK_NOTE | ADMIN_NOTE, 0, 0, false },
	{ "unblocked with the default", 0, UNBLOCK PUK " " PIN, 0x9000, PIN_NOTE, 0, 0, false },
	{ "unblocked with the default, noted", ALL_NOTES, UNBLOCK PUK " " PIN, 0x9000, ALL_NOTES, 0, 0, false },
	{ "unblocking, wrong PUK", ALL_NOTES, UNBLOCK BAD " " NEW, 0x63c4, ALL_NOTES, 0, 0, false },
	{ "unblocking, wrong PUK, no note", 0, UNBLOCK BAD " " PIN, 0x63c4, 0, 0, 0, false },
	{ "unblocking, PUK blocked", ALL_NOTES, UNBLOCK PUK " " NEW, 0x6983, ALL_NOTES, 0, 0, true },
	{ "unblocking, no PUK", ALL_NOTES, UNBLOCK PUK " " NEW, 0x6983, ALL_NOTES, VAULT_ABSENT, 1, false },
	{ "unblocking, perhaps", ALL_NOTES, UNBLOCK PUK " " NEW, 0x6f00, PUK_NOTE | ADMIN_NOTE, VAULT_FAULT, 1, false },
	{ "unblocking, bad new PIN", ALL_NOTES, UNBLOCK PUK " 41*7 ff", 0x6a80, ALL_NOTES, 0, 0, false },
	{ "VERIFY", ALL_NOTES, PIN_RIGHT, 0x9000, ALL_NOTES, 0, 0, false },
	{ "9B to another", ALL_NOTES, SET_24 "31*24", 0x9000, PIN_NOTE | PUK_NOTE, 0, 0, false },
	{ "9B to the default", 0, SET_24 DEFAULT_24, 0x9000, ADMIN_NOTE, 0, 0, false },
	{ "the same octets for AES", 0, "00 ff ff ff 1b 0a 9b 18 " DEFAULT_24, 0x9000, ADMIN_NOTE, 0, 0, false },
	{ "the first of them", ALL_NOTES, "00 ff ff ff 13 08 9b 10 01 02 03 04 05 06 07 08 01 02 03 04 05 06 07 08",
	    0x9000, PIN_NOTE | PUK_NOTE, 0, 0, false },
	{ "9B of another length", ALL_NOTES, "00 ff ff ff 1a 03 9b 17 31*23", 0x6a80, ALL_NOTES, 0, 0, false },
	{ "a touch", ALL_NOTES, "00 ff ff fe 1b 03 9b 18 31*24", 0x6a80, ALL_NOTES, 0, 0, false },
	{ "9B that cannot be made", ALL_NOTES, SET_24 "31*24", 0x6f00, ALL_NOTES, VAULT_FAULT, 2, false },
	{ "an old key that ADMIN does not know", ALL_NOTES, SET_24 "31*24", 0x6985, ALL_NOTES, VAULT_AUTH, 4, false },
	{ "the same without a note", 0, SET_24 DEFAULT_24, 0x6985, 0, VAULT_AUTH, 4, false },
	{ "9B, perhaps", ALL_NOTES, SET_24 "31*24", 0x6f00, PIN_NOTE | PUK_NOTE, VAULT_FAULT, 4, false },
};
/* clang-format on */

static struct fake_card *
card_with_notes(const struct note_row *row)
{
	struct fake_card *card = fake_card_new();

	make_notes(card, row->before);
	fake_card_become_admin(card);
	if (row->blocked) {
		card->vault.references[REFERENCE_PIN].left = 0;
		card->vault.references[REFERENCE_PUK].left = 0;
	}
	return card;
}

START_TEST(default_notes)
{
	const struct note_row *row = &notes[_i];
	struct fake_card *card = card_with_notes(row);
	uint16_t sw;

	if (row->vault != 0)
		fake_vault_fail(&card->vault, row->call, (enum vault_err)row->vault);
	sw = fake_card_say(card, row->command);
	ck_assert_msg(sw == row->sw, "%s: %04x, not %04x", row->why, sw, row->sw);
	ck_assert_msg(notes_of(card) == row->after, "%s: notes %u, not %u", row->why,
	    notes_of(card), row->after);
	fake_card_free(card);
}
END_TEST

static bool
holds(const struct fake_card *card, enum reference which, const char *value)
{
	return rbuf_eq(secret_view(&card->vault.references[which].value), rbuf_str(value));
}

/* Whatever of a change is cut off: no note is made or stays beside a value that is not the default.
 */
START_TEST(notes_and_power)
{
	const struct note_row *row = &notes[_i];
	unsigned n;

	for (n = 0; n < 12; n++) {
		struct fake_card *card = card_with_notes(row);
		unsigned power = n;

		card->vault.power = card->store.power = &power;
		(void)fake_card_say(card, row->command);
		ck_assert_msg(
		    (notes_of(card) & PIN_NOTE) == 0 || holds(card, REFERENCE_PIN, "12345678"),
		    "%s: power for %u", row->why, n);
		/* This card's PUK was never the default: a note of it stays with the PUK. */
		ck_assert_msg(
		    (notes_of(card) & PUK_NOTE) == 0 || holds(card, REFERENCE_PUK, "12345678") ||
			((row->before & PUK_NOTE) != 0 && holds(card, REFERENCE_PUK, "87654321")),
		    "%s: power for %u", row->why, n);
		fake_card_free(card);
	}
}
END_TEST

/* A note that cannot be dropped keeps the value as it is; one that cannot be made is missing. */
START_TEST(notes_and_failing_store)
{
	const struct note_row *row = &notes[_i];
	struct fake_card *card = card_with_notes(row);
	bool admin = row->command[3] == 'f';
	uint8_t old = serial_of(card, STORE_KEY);

	/* Before it come 9B and the next one. */
	fake_store_fail(&card->store, admin ? 3 : 1, STORE_FAULT);
	if (fake_card_say(card, row->command) == 0x6f00 &&
	    card->store.calls >= card->store.fail_at) {
		ck_assert_msg(notes_of(card) == row->before, "%s", row->why);
		ck_assert_msg(holds(card, REFERENCE_PIN, "12345678"), "%s", row->why);
		ck_assert_msg(holds(card, REFERENCE_PUK, "87654321"), "%s", row->why);
		ck_assert_msg(serial_of(card, STORE_KEY) == old, "%s", row->why);
	}
	fake_card_free(card);
	if (row->sw != 0x9000 || row->after == 0 || row->before == ALL_NOTES)
		return;
	card = card_with_notes(row);
	fake_store_fail(&card->store, admin ? 6 : 2, STORE_FULL);
	ck_assert_msg(fake_card_say(card, row->command) == 0x9000, "%s", row->why);
	ck_assert_msg(notes_of(card) == 0, "%s", row->why);
	fake_card_free(card);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("piv, failing in the middle");
	TCase *tcase = tcase_create("crash");

	tcase_add_rows(tcase, nothing_fails, renewals);
	tcase_add_rows(tcase, power_goes, renewals);
	tcase_add_rows(tcase, vault_fails, renewals);
	tcase_add_rows(tcase, store_fails, renewals);
	tcase_add_rows(tcase, vault_fails_late, renewals);
	tcase_add_rows(tcase, hidden, renewals);
	tcase_add_rows(tcase, refused_and_left, renewals);
	tcase_add_rows(tcase, settlement, settlements);
	tcase_add_rows(tcase, default_notes, notes);
	tcase_add_rows(tcase, notes_and_power, notes);
	tcase_add_rows(tcase, notes_and_failing_store, notes);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
