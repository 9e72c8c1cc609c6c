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
	NOTE_DROP = 'n', /* "has its default value": absent is ordinary */
	NEXT_GET = 'q',	 /* a management key on its way in: absent is ordinary */
	PROVE_AGAIN = 'v', /* the new PIN: changed it is, verified it is not */
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
};

static const struct { enum purpose purpose; uint16_t sw[4]; } store_table[] = {
	/*              OK   ABSENT  FULL    FAULT */
	{ OBJECT_GET, { 0, 0x6a82, 0x6a84, 0x6f00 } },
	{ KEY_GET,    { 0, 0x6a88, 0x6a84, 0x6f00 } },
	{ PUT,        { 0, 0x6a82, 0x6a84, 0x6f00 } },
	{ REMOVE,     { 0, 0x9000, 0x6a84, 0x6f00 } },
	{ NOTE_DROP,  { 0, 0,      0x6a84, 0x6f00 } },
	{ NEXT_GET,   { 0, 0,      0x6a84, 0x6f00 } },
};

#define HALF "31 32 33 34 35 36 37 38"
#define PUK "38 37 36 35 34 33 32 31"
#define BAD "39*8"
#define NEW "41*8"

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

	if (row->admin)
		fake_card_become_admin(card);
	if (row->verified)
		ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	if (row->first != NULL)
		ck_assert_uint_eq(fake_card_say(card, row->first), 0x9000);
	return card;
}

/* The command, with a call that fails; sw is the answer it must get. */
static void
run_failing(struct fake_card *card, const struct row *row, uint16_t sw)
{
	unsigned status = card->piv.status, writes = card->store.writes;
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
	ck_assert_msg(card->store.writes == writes, "%s: written", row->why);
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
			struct fake_card *card = card_before(row);

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
