/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PIV card application over ports that fail: every call of every command
 * fails in every way, and each time the answer is the right one, nothing is
 * granted, nothing is written, and the card goes on.
 */
#include <string.h>

#include "tests/fake_card.h"
#include "tests/suite.h"

/* What a call is for, hence what its failure has to mean to the host. */
enum purpose {
	SECRET_CHECK = 's', /* compare a PIN or PUK */
	TRIES_AFTER_WRONG = 'w',
	TRIES_ASKED = 't',
	KEY_READ = 'd',
	KEY_USED = 'k', /* or made, or random octets */
	OBJECT_GET = 'g',
	KEY_GET = 'p',
	PUT = 'u',
	REMOVE = 'r',
	NOTE_DROP = 'n',   /* "has its default value": absent is ordinary */
	NEXT_GET = 'q',    /* a management key on its way in: absent is ordinary */
	PROVE_AGAIN = 'v', /* the new PIN: changed it is, verified it is not */
	PUBLIC_READ = 'x', /* of a key that was described: the file is not what it was */
	TRIES_SHOWN = 'm', /* absent is as good as blocked */
	HOLDS = 'h', /* does ADMIN know the old management key? */
	FOLLOW = 'f', /* ADMIN, a new management key */
	SEAL = 'e',
	UNSEAL = 'o',
	ATTEST = 'c',
	NOTE_GET = 'l',      /* absent is ordinary, as of the next three */
	PLACE_GET = 'a',     /* where a key is to go */
	SEALING_GET = 'y',   /* the key to seal to: made when it is absent */
	UNSEALING_GET = 'z', /* the key to unseal with: absent is a fault */
	MOVE = 'i',
	MOVE_NEXT = 'j', /* of a management key that is there */
};

/* clang-format off */
static const struct { enum purpose purpose; uint16_t sw[8]; } vault_table[] = {
	/*                     OK   AUTH    BLOCKED ABSENT  MISMATCH UNSUPP. FULL    FAULT */
	{ SECRET_CHECK,      { 0, 0x63c5, 0x6983, 0x6983, 0x6f00,  0x6f00, 0x6f00, 0x6f00 } },
	{ TRIES_AFTER_WRONG, { 0, 0x6300, 0x6300, 0x6300, 0x6300,  0x6300, 0x6300, 0x6300 } },
	{ TRIES_ASKED,       { 0, 0x6f00, 0x6f00, 0x6983, 0x6f00,  0x6982, 0x6f00, 0x6f00 } },
	{ KEY_READ,          { 0, 0x6982, 0x6983, 0x6a88, 0x6a88,  0x6a80, 0x6a84, 0x6f00 } },
	{ KEY_USED,          { 0, 0x6982, 0x6983, 0x6a88, 0x6a80,  0x6a80, 0x6a84, 0x6f00 } },
	{ PROVE_AGAIN,       { 0, 0x9000, 0x9000, 0x9000, 0x9000,  0x9000, 0x9000, 0x9000 } },
	{ PUBLIC_READ,       { 0, 0x6f00, 0x6f00, 0x6f00, 0x6f00,  0x6f00, 0x6f00, 0x6f00 } },
	{ TRIES_SHOWN,       { 0, 0x6982, 0x6983, 0,      0x6a80,  0x6985, 0x6a84, 0x6f00 } },
	{ HOLDS,             { 0, 0,      0x6983, 0x6a88, 0x6a80,  0x6985, 0x6a84, 0x6f00 } },
	{ FOLLOW,            { 0, 0x6985, 0x6985, 0x6985, 0x6985,  0x6985, 0x6985, 0x6f00 } },
	{ SEAL,              { 0, 0x6982, 0x6983, 0x6a88, 0x6f00,  0x6a80, 0x6a84, 0x6f00 } },
	{ UNSEAL,            { 0, 0x6982, 0x6983, 0x6a88, 0x6f00,  0x6a80, 0x6a84, 0x6f00 } },
	{ ATTEST,            { 0, 0x6982, 0x6983, 0x6a88, 0x6a88,  0x6985, 0x6a84, 0x6f00 } },
};

static const struct { enum purpose purpose; uint16_t sw[4]; } store_table[] = {
	/*              OK   ABSENT  FULL    FAULT */
	{ OBJECT_GET, { 0, 0x6a82, 0x6a84, 0x6f00 } },
	{ KEY_GET,    { 0, 0x6a88, 0x6a84, 0x6f00 } },
	{ PUT,        { 0, 0x6a82, 0x6a84, 0x6f00 } },
	{ REMOVE,     { 0, 0x9000, 0x6a84, 0x6f00 } },
	{ NOTE_DROP,  { 0, 0,      0x6a84, 0x6f00 } },
	{ NEXT_GET,   { 0, 0,      0x6a84, 0x6f00 } },
	{ NOTE_GET,   { 0, 0,      0x6a84, 0x6f00 } },
	{ PLACE_GET,  { 0, 0,      0x6a84, 0x6f00 } },
	{ SEALING_GET, { 0, 0,     0x6a84, 0x6f00 } },
	{ UNSEALING_GET, { 0, 0x6f00, 0x6f00, 0x6f00 } },
	{ MOVE,       { 0, 0x6a88, 0x6a84, 0x6f00 } },
	{ MOVE_NEXT,  { 0, 0x6a82, 0x6a84, 0x6f00 } },
};

#define HALF "31 32 33 34 35 36 37 38"
#define PUK "38 37 36 35 34 33 32 31"
#define BAD "39*8"
#define NEW "41*8"
#define SET_AES "00 ff ff ff 13 08 9b 10 31*16"
#define GET_SEALED "00 cb 3f ff 05 5c 03 5f c1 09"
#define PUT_SEALED "00 db 3f ff 0c 5c 03 5f c1 09 53 05 b6*5"

static const struct row {
	const char *why;
	bool verified, admin;	/* before the command */
	const char *first;	/* sent before the command, or NULL */
	const char *command;
	uint16_t sw;		/* when nothing fails */
	const char *vault, *store; /* the calls the command makes, by purpose */
} rows[] = {
	{ "SELECT", true, true, NULL, SELECT_PIV, 0x9000, "", "" },
	{ "GET DATA", false, false, NULL, "00 cb 3f ff 05 5c 03 5f c1 02", 0x9000, "", "g" },
	{ "PUT DATA", false, true, NULL, "00 db 3f ff 08 5c 03 5f c1 07 53 01 aa", 0x9000, "", "u" },
	{ "PUT DATA, deleting", false, true, NULL, "00 db 3f ff 07 5c 03 5f c1 02 53 00", 0x9000, "", "r" },
	{ "VERIFY", false, false, NULL, PIN_RIGHT, 0x9000, "s", "" },
	{ "VERIFY, wrong", true, false, NULL, PIN_WRONG, 0x63c4, "sw", "" },
	{ "VERIFY, asking", false, false, NULL, PIN_QUERY, 0x63c5, "t", "" },
	{ "VERIFY, asking when verified", true, false, NULL, PIN_QUERY, 0x9000, "", "" },
	{ "VERIFY, logout", true, false, NULL, "00 20 ff 80", 0x9000, "", "" },
	{ "CHANGE of the PIN", true, false, NULL, "00 24 00 80 10 " HALF NEW, 0x9000, "sv", "n" },
	{ "CHANGE of the PIN, wrong", true, false, NULL, "00 24 00 80 10 " BAD " " NEW, 0x63c4, "sw", "n" },
	{ "CHANGE of the PIN, bad new one", true, false, NULL, "00 24 00 80 10 " HALF " 41*7 ff", 0x6a80, "", "" },
	{ "CHANGE of the PUK", true, false, NULL, "00 24 00 81 10 " PUK " " NEW, 0x9000, "s", "n" },
	{ "CHANGE of the PUK, wrong", true, false, NULL, "00 24 00 81 10 " BAD " " NEW, 0x63c4, "sw", "n" },
	{ "RESET RETRY COUNTER", true, false, NULL, "00 2c 00 80 10 " PUK " " NEW, 0x9000, "sv", "n" },
	{ "RESET RETRY COUNTER, wrong", true, false, NULL, "00 2c 00 80 10 " BAD " " NEW, 0x63c4, "sw", "n" },
	{ "RESET RETRY COUNTER, bad PIN", true, false, NULL, "00 2c 00 80 10 " PUK " 41*7 ff", 0x6a80, "s", "" },
	{ "RESET RETRY COUNTER, bad PIN, wrong", true, false, NULL, "00 2c 00 80 10 " BAD " 41*7 ff", 0x63c4, "sw", "" },
	{ "decryption", true, false, NULL,
	    "00 87 07 9a 00 01 0a 7c 82 01 06 82 00 81 82 01 00 11*256 00 00", 0x9000, "dk", "p" },
	{ "signature, PIN always", true, false, NULL,
	    "00 87 11 9c 26 7c 24 82 00 81 20 22*32", 0x9000, "dk", "p" },
	{ "signature, no PIN", false, false, NULL,
	    "00 87 11 9e 26 7c 24 82 00 81 20 22*32", 0x9000, "dk", "p" },
	{ "signature without the PIN", false, false, NULL,
	    "00 87 14 9d 26 7c 24 82 00 81 20 22*32", 0x6982, "d", "p" },
	{ "key agreement", true, false, NULL,
	    "00 87 14 9d 65 7c 63 85 61 04 11*96", 0x9000, "dk", "p" },
	{ "challenge", false, true, NULL, "00 87 03 9b 04 7c 02 81 00", 0x9000, "dk", "pq" },
	{ "response", false, false, "00 87 03 9b 04 7c 02 81 00",
	    "00 87 03 9b 0c 7c 0a 82 08 49 48 4b 4a 4d 4c 4f 4e", 0x9000, "dk", "pq" },
	{ "response, wrong", false, false, "00 87 03 9b 04 7c 02 81 00",
	    "00 87 03 9b 0c 7c 0a 82 08 aa*8", 0x6982, "dk", "pq" },
	{ "response to nothing", false, true, NULL,
	    "00 87 03 9b 0c 7c 0a 82 08 aa*8", 0x6982, "d", "pq" },
	{ "witness", false, true, NULL, "00 87 03 9b 04 7c 02 80 00", 0x9000, "dkk", "pq" },
	{ "witness's answer", false, false, "00 87 03 9b 04 7c 02 80 00",
	    "00 87 03 9b 16 7c 14 80 08 10 11 12 13 14 15 16 17 81 08 20*8", 0x9000, "dk", "pq" },
	{ "witness's answer, wrong", false, false, "00 87 03 9b 04 7c 02 80 00",
	    "00 87 03 9b 16 7c 14 80 08 aa*8 81 08 20*8", 0x6982, "d", "pq" },
	{ "GENERATE in place of a key", false, true, NULL, "00 47 00 9e 05 ac 03 80 01 11", 0x9000, "k", "u" },
	{ "GENERATE of a first key", false, true, NULL, "00 47 00 82 05 ac 03 80 01 07", 0x9000, "k", "u" },
	{ "GET VERSION", true, true, NULL, "00 fd 00 00", 0x9000, "", "" },
	{ "GET SERIAL", true, true, NULL, "00 f8 00 00", 0x9000, "", "" },
	{ "GET METADATA of a key", false, false, NULL, "00 f7 00 9a", 0x9000, "dx", "p" },
	{ "GET METADATA of 9B", false, false, NULL, "00 f7 00 9b", 0x9000, "d", "pql" },
	{ "GET METADATA of the PIN", true, false, NULL, "00 f7 00 80", 0x9000, "m", "l" },
	{ "GET METADATA of the PUK", true, false, NULL, "00 f7 00 81", 0x9000, "m", "l" },
	{ "IMPORT in place of a key", false, true, NULL, "00 fe 11 9e 22 06 20 d6*32", 0x9000, "k", "u" },
	{ "IMPORT of a first key", true, true, NULL, "00 fe 14 82 35 06 30 d6*48 aa 01 03", 0x9000, "k", "u" },
	{ "IMPORT of a weak key", false, true, NULL, "00 fe 11 9e 22 06 20 00*32", 0x6a80, "k", "" },
	{ "MOVE KEY", false, true, NULL, "00 f6 82 9e", 0x9000, "", "ai" },
	{ "MOVE KEY, another in the way", false, true, NULL, "00 f6 9a 9e", 0x6985, "", "a" },
	{ "MOVE KEY, none there", false, true, NULL, "00 f6 82 83", 0x6a88, "", "ai" },
	{ "MOVE KEY, deleting", false, true, NULL, "00 f6 ff 9e", 0x9000, "", "i" },
	{ "SET PIN RETRIES", true, true, NULL, "00 fa 05 05", 0x6985, "", "" },
	{ "RESET", true, true, NULL, "00 fb 00 00", 0x6985, "", "" },
	{ "SET MANAGEMENT KEY", false, true, NULL, SET_AES, 0x9000, "dkhf", "pqnuj" },
	{ "SET MANAGEMENT KEY, another length", false, true, NULL,
	    "00 ff ff ff 12 08 9b 0f 31*15", 0x6a80, "dk", "pq" },
	{ "GET DATA of what is sealed", true, true, PUT_SEALED, GET_SEALED, 0x9000, "o", "gz" },
	{ "GET DATA of what is not there", true, false, NULL, GET_SEALED, 0x6a82, "", "g" },
	{ "PUT DATA, sealed, with a new key", false, true, NULL, PUT_SEALED, 0x9000, "ke", "yuu" },
	{ "PUT DATA, sealed", true, true, PUT_SEALED, PUT_SEALED, 0x9000, "e", "yu" },
	{ "PUT DATA, sealed, deleting", true, true, PUT_SEALED,
	    "00 db 3f ff 07 5c 03 5f c1 09 53 00", 0x9000, "", "r" },
	{ "ATTEST", false, false, NULL, "00 f9 9a 00", 0x9000, "dc", "pp" },
	{ "ATTEST, no key there", true, true, NULL, "00 f9 82 00", 0x6a88, "", "p" },
	{ "GET METADATA of the AK", false, false, NULL, "00 f7 00 f9", 0x9000, "dx", "p" },
};
/* clang-format on */

/* The answer that a failed call must lead to. */
static uint16_t
vault_sw(char purpose, enum vault_err err)
{
	size_t i = 0;

	while (vault_table[i].purpose != (enum purpose)purpose)
		i++;
	return vault_table[i].sw[err];
}

static uint16_t
store_sw(char purpose, enum store_err err)
{
	size_t i = 0;

	while (store_table[i].purpose != (enum purpose)purpose)
		i++;
	return store_table[i].sw[err];
}

/* A card just before the row's command. */
static struct fake_card *
card_before(const struct row *row)
{
	struct fake_card *card = fake_card_new();

	fake_card_attests(card);
	if (row->admin)
		fake_card_become_admin(card);
	if (row->verified)
		ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	if (row->first != NULL)
		ck_assert_uint_eq(fake_card_say(card, row->first), 0x9000);
	return card;
}

static struct fake_store *
copy_of(const struct fake_store *s)
{
	struct fake_store *copy = malloc(sizeof *copy);

	ck_assert_ptr_nonnull(copy);
	*copy = *s;
	return copy;
}

/* Whether b has all that a has, of what a host can ask for. */
static bool
has_all(const struct fake_store *b, const struct fake_store *a)
{
	struct rbuf value;
	size_t i;

	for (i = 0; i < FAKE_ITEMS; i++) {
		const struct fake_item *item = &a->items[i];

		/* A key to seal to, or one on its way to being 9B, may stay: nobody is served by
		 * it. */
		if (!item->used || item->kind == STORE_SEALING_KEY || item->kind == STORE_KEY_NEXT)
			continue;
		if (!fake_store_peek(b, item->kind, item->id, &value) ||
		    !rbuf_eq(value, rbuf_of(item->octets, item->len)))
			return false;
	}
	return true;
}

static bool
same(const struct fake_store *a, const struct fake_store *b)
{
	return has_all(a, b) && has_all(b, a);
}

/* The command, with a call that fails; sw is the answer it must get. */
static void
run_failing(struct fake_card *card, const struct row *row, uint16_t sw)
{
	unsigned status = card->piv.status;
	struct fake_store *before = copy_of(&card->store);
	bool failing_call = false;
	uint16_t got = fake_card_say(card, row->command);

	ck_assert_msg(got == sw,
	    "%s: vault call %u fails with %d or store call %u with %d: %04x, not %04x", row->why,
	    card->vault.fail_at, (int)card->vault.fail_with, card->store.fail_at,
	    (int)card->store.fail_with, got, sw);
	failing_call =
	    card->vault.calls >= card->vault.fail_at && card->store.calls >= card->store.fail_at;
	ck_assert_msg(failing_call, "%s: the call was never made", row->why);
	ck_assert_msg(
	    (card->piv.status & ~status) == 0, "%s: status %x granted", row->why, card->piv.status);
	ck_assert_msg(same(before, &card->store), "%s: written", row->why);
	free(before);
	ck_assert_msg(card->answer_len == 2, "%s: data with an error", row->why);
	/* Card and vault agree on whether the PIN is verified. */
	ck_assert_msg(((card->piv.status & ACCESS_PIN) != 0) == card->vault.once, "%s: %x",
	    row->why, card->piv.status);
	ck_assert_msg(!card->vault.always, "%s: a proof for a PIN-always key left", row->why);
	ck_assert_uint_eq(card->piv.status & ACCESS_FRESH, 0);
	ck_assert_msg(fake_card_say(card, SELECT_PIV) == 0x9000, "%s: no card after", row->why);
}

START_TEST(vault_fails)
{
	const struct row *row = &rows[_i];
	size_t n, calls = strlen(row->vault);
	int err;

	for (n = 1; n <= calls; n++) {
		for (err = VAULT_AUTH; err <= VAULT_FAULT; err++) {
			struct fake_card *card;

			if (vault_sw(row->vault[n - 1], (enum vault_err)err) == 0)
				continue;
			card = card_before(row);
			fake_vault_fail(&card->vault, (unsigned)n, (enum vault_err)err);
			run_failing(card, row, vault_sw(row->vault[n - 1], (enum vault_err)err));
			fake_card_free(card);
		}
	}
}
END_TEST

START_TEST(store_fails)
{
	const struct row *row = &rows[_i];
	size_t n, calls = strlen(row->store);
	int err;

	for (n = 1; n <= calls; n++) {
		for (err = STORE_ABSENT; err <= STORE_FAULT; err++) {
			struct fake_card *card;

			if (store_sw(row->store[n - 1], (enum store_err)err) == 0)
				continue;
			card = card_before(row);
			fake_store_fail(&card->store, (unsigned)n, (enum store_err)err);
			run_failing(card, row, store_sw(row->store[n - 1], (enum store_err)err));
			fake_card_free(card);
		}
	}
}
END_TEST

/* The table tells the truth: these are all the calls, and without failure all goes well. */
START_TEST(nothing_fails)
{
	const struct row *row = &rows[_i];
	struct fake_card *card = card_before(row);
	unsigned vault = card->vault.calls, store = card->store.calls;
	uint16_t got = fake_card_say(card, row->command);

	ck_assert_msg(got == row->sw || (got & 0xff00) == 0x6100, "%s: %04x", row->why, got);
	ck_assert_msg(card->vault.calls - vault == strlen(row->vault), "%s: %u vault calls",
	    row->why, card->vault.calls - vault);
	ck_assert_msg(card->store.calls - store == strlen(row->store), "%s: %u store calls",
	    row->why, card->store.calls - store);
	fake_card_free(card);
}
END_TEST

/* An error that no enum has is a fault, not an index into a table. */
START_TEST(errors_from_nowhere)
{
	struct fake_card *card = fake_card_new();

	fake_store_fail(&card->store, 1, (enum store_err)77);
	ck_assert_uint_eq(fake_card_say(card, "00 cb 3f ff 05 5c 03 5f c1 02"), 0x6f00);
	fake_vault_fail(&card->vault, 1, (enum vault_err)77);
	ck_assert_uint_eq(fake_card_say(card, "00 87 03 9b 04 7c 02 81 00"), 0x6f00);
	fake_card_free(card);
}
END_TEST

/* A lost key file does not take the old key along: GENERATE keeps it until the new one is stored.
 */
START_TEST(old_key_stays)
{
	static const char sign[] = "00 87 11 9e 26 7c 24 82 00 81 20 22*32";
	struct fake_card *card = fake_card_new();

	fake_card_become_admin(card);
	fake_store_fail(&card->store, 1, STORE_FULL);
	ck_assert_uint_eq(fake_card_say(card, "00 47 00 9e 05 ac 03 80 01 14"), 0x6a84);
	ck_assert_uint_eq(fake_card_say(card, sign), 0x9000);
	fake_vault_fail(&card->vault, 1, VAULT_FULL);
	ck_assert_uint_eq(fake_card_say(card, "00 47 00 9e 05 ac 03 80 01 14"), 0x6a84);
	ck_assert_uint_eq(fake_card_say(card, sign), 0x9000);
	fake_card_free(card);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("piv over failing ports");
	TCase *tcase = tcase_create("faults");

	tcase_add_rows(tcase, nothing_fails, rows);
	tcase_add_rows(tcase, vault_fails, rows);
	tcase_add_rows(tcase, store_fails, rows);
	tcase_add_test(tcase, errors_from_nowhere);
	tcase_add_test(tcase, old_key_stays);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
