/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes to a card whose driver has it open: what they do, what they refuse,
 * that the driver is told, and that no accident leaves half of one.
 */
#include "store/files.h"
#include "tests/faults.h"
#include "tests/installation.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define DEFAULT_KEY "\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10"
#define OTHER_KEY   "an admin key of 24 octet"
#define AES_KEY     "sixteen octets! "

static struct secret
secret(const char *text)
{
	struct secret s;

	ck_assert(secret_set(&s, rbuf_str(text)));
	return s;
}

static uint64_t
which(unsigned instance)
{
	uint64_t number = 0;

	ck_assert_int_eq(card_present(&installation, instance, &number, NULL), DONE);
	return number;
}

static struct fake_memory *
memory(void)
{
	return &fake_tpm->memory[1]; /* of the first card */
}

static bool
has_pin(const char *pin)
{
	return rbuf_eq(secret_view(&memory()->references[REFERENCE_PIN].value), rbuf_str(pin));
}

/* ---- unblock ---- */

static const struct unblock_row {
	const char *why;
	bool admin_key, puk, may;
	const char *key, *pin;
	enum outcome outcome;
	const char *text; /* of the failure */
	bool noted;	  /* the PIN as the default, afterwards */
} unblocks[] = {
	{ "another PIN", true, true, true, DEFAULT_KEY, "87654321", DONE, NULL, false },
	{ "the default PIN", true, true, true, DEFAULT_KEY, "12345678", DONE, NULL, true },
	{ "without a PUK", true, false, true, DEFAULT_KEY, "a long new PIN", DONE, NULL, false },
	{ "a wrong key", true, true, true, OTHER_KEY, "87654321", WRONG_SECRET,
	    "the administrator key is wrong", true },
	{ "an empty key", true, true, true, "", "87654321", WRONG_SECRET,
	    "the administrator key is wrong", true },
	{ "a PIN too short", true, true, true, DEFAULT_KEY, "1234567", WRONG_SECRET,
	    "forbids the new PIN: it is too short", true },
	{ "no digit", true, true, true, DEFAULT_KEY, "abcdefgh", WRONG_SECRET,
	    "it has no digit", true },
	{ "it may not", true, true, false, DEFAULT_KEY, "87654321", NOT_PERMITTED,
	    "--admin-unblock no): use its PUK", true },
	{ "it may not, and there is no PUK", true, false, false, DEFAULT_KEY, "87654321",
	    NOT_PERMITTED, "it has no PUK either", true },
	{ "left to chance", false, true, true, DEFAULT_KEY, "87654321", NOT_PERMITTED,
	    "left to chance (/AdminKey RANDOM)", true },
};

START_TEST(unblock)
{
	const struct unblock_row *row = &unblocks[_i];
	struct card_request request = installation_request();
	struct secret key = secret(row->key), pin = secret(row->pin);
	struct failure why = { "" };
	uint64_t before;

	request.profile.policy.rules[PIN_DIGITS] =
	    strcmp(row->pin, "abcdefgh") == 0 ? CLASS_REQUIRED : CLASS_ALLOWED;
	request.admin_key = row->admin_key ? request.admin_key : NULL;
	request.puk = row->puk ? request.puk : NULL;
	request.admin_unblock = row->may;
	ck_assert_uint_eq(installation_create(&request), 0);
	memory()->references[REFERENCE_PIN].left = 0;
	before = which(0);
	ck_assert_msg(cards_unblock(&installation, 0, &key, &pin, &why) == row->outcome, "%s: %s",
	    row->why, why.text);
	ck_assert_msg(failed(&why) == (row->text != NULL), "%s: %s", row->why, why.text);
	if (row->text != NULL)
		ck_assert_msg(strstr(why.text, row->text) != NULL, "%s: %s", row->why, why.text);
	ck_assert_msg(has_pin(row->outcome == DONE ? row->pin : "12345678"), "%s", row->why);
	ck_assert_uint_eq(
	    memory()->references[REFERENCE_PIN].left, row->outcome == DONE ? 5 : 0);
	ck_assert_msg((which(0) != before) == (row->outcome == DONE), "%s: told", row->why);
	ck_assert_msg(
	    scratch_exists("state/0000/default-80") == row->noted, "%s: noted", row->why);
	installation_check(row->why);
}
END_TEST

START_TEST(no_card)
{
	struct secret key = secret(DEFAULT_KEY), pin = secret("87654321");
	struct failure first = { "" }, second = { "" };

	ck_assert_int_eq(cards_unblock(&installation, 3, &key, &pin, &first), NO_SUCH_CARD);
	ck_assert_int_eq(
	    cards_change_admin_key(&installation, 3, &key, ALG_3DES, &key, &second), NO_SUCH_CARD);
	ck_assert_ptr_nonnull(strstr(first.text, "there is no card ROOT\\SMARTCARDREADER\\0003"));
	ck_assert_ptr_nonnull(strstr(second.text, "there is no card"));
	ck_assert(!scratch_exists("state"));
}
END_TEST

START_TEST(no_tpm)
{
	struct card_request request = installation_request();
	struct secret key = secret(DEFAULT_KEY), pin = secret("87654321");
	struct failure why = { "" };

	ck_assert_uint_eq(installation_create(&request), 0);
	memory()->broken = true;
	fake_tpm->away = true;
	ck_assert_int_eq(cards_unblock(&installation, 0, &key, &pin, &why), TPM_PROBLEM);
	ck_assert_msg(strstr(why.text, "the TPM does not answer") != NULL, "%s", why.text);
	ck_assert(has_pin("12345678"));
	/* Whether it happened nobody knows, so the PIN does not pass for the default. */
	ck_assert(!scratch_exists("state/0000/default-80"));
	why = (struct failure){ "" };
	ck_assert_int_eq(
	    cards_change_admin_key(&installation, 0, &key, ALG_3DES, &key, &why), TPM_PROBLEM);
	ck_assert(failed(&why));
}
END_TEST

/* ---- a new admin key ---- */

static const struct change_row {
	const char *why;
	bool admin_key, may, hidden;
	const char *old, *fresh;
	uint8_t algorithm;
	enum outcome outcome;
	const char *text;
	bool noted; /* 9B as the default, afterwards */
} changes[] = {
	{ "to another", true, true, false, DEFAULT_KEY, OTHER_KEY, ALG_3DES, DONE, NULL, false },
	{ "to another algorithm", true, true, false, DEFAULT_KEY, AES_KEY, ALG_AES_128, DONE, NULL,
	    false },
	{ "to itself", true, true, false, DEFAULT_KEY, DEFAULT_KEY, ALG_3DES, DONE, NULL, true },
	{ "one that stays in the TPM", true, true, true, DEFAULT_KEY, AES_KEY, ALG_AES_128, DONE,
	    NULL, false },
	{ "one that may not unblock", true, false, false, DEFAULT_KEY, OTHER_KEY, ALG_3DES, DONE,
	    NULL, false },
	{ "neither unblocks nor leaves", true, false, true, DEFAULT_KEY, AES_KEY, ALG_AES_128, DONE,
	    NULL, false },
	{ "a wrong old one", true, true, false, OTHER_KEY, AES_KEY, ALG_AES_128, WRONG_SECRET,
	    "the old administrator key is wrong", true },
	{ "a wrong old one that may not unblock", true, false, true, OTHER_KEY, AES_KEY,
	    ALG_AES_128, WRONG_SECRET, "the old administrator key is wrong", true },
	{ "a new one too short", true, true, false, DEFAULT_KEY, AES_KEY, ALG_3DES, WRONG_SECRET,
	    "another length", true },
	{ "left to chance", false, true, false, DEFAULT_KEY, OTHER_KEY, ALG_3DES, NOT_PERMITTED,
	    "the card's user changes it", false },
};

static bool
is_whole(uint8_t *serial)
{
	uint8_t octets[8];

	if (scratch_read("state/0000/key-9b", octets, sizeof octets) != 4 ||
	    scratch_exists("state/0000/next-9b"))
		return false;
	*serial = octets[3];
	return memory()->admin_serial == 0 || memory()->admin_serial == octets[3];
}

static bool
has_key(uint8_t serial, const struct secret *octets)
{
	return rbuf_eq(secret_view(&memory()->octets[serial]), secret_view(octets));
}

START_TEST(change)
{
	const struct change_row *row = &changes[_i];
	struct card_request request = installation_request();
	struct secret old = secret(row->old), fresh = secret(row->fresh);
	struct secret first = secret(DEFAULT_KEY), pin = secret("87654321");
	struct failure why = { "" };
	uint8_t serial = 0;
	uint64_t before;

	request.admin_key = row->admin_key ? request.admin_key : NULL;
	request.admin_unblock = row->may;
	ck_assert_uint_eq(installation_create(&request), 0);
	memory()->hidden = row->hidden;
	before = which(0);
	ck_assert_msg(cards_change_admin_key(&installation, 0, &old, row->algorithm, &fresh,
			  &why) == row->outcome, "%s: %s", row->why, why.text);
	ck_assert_msg(failed(&why) == (row->text != NULL), "%s: %s", row->why, why.text);
	if (row->text != NULL)
		ck_assert_msg(strstr(why.text, row->text) != NULL, "%s: %s", row->why, why.text);
	ck_assert_msg(is_whole(&serial), "%s", row->why);
	ck_assert_msg((which(0) != before) == (row->outcome == DONE), "%s: told", row->why);
	ck_assert_msg(
	    scratch_exists("state/0000/default-9b") == row->noted, "%s: noted", row->why);
	ck_assert_msg(!row->admin_key || has_key(serial, row->outcome == DONE ? &fresh : &first),
	    "%s", row->why);
	if (row->may && row->admin_key)
		ck_assert_int_eq(cards_unblock(&installation, 0,
				     row->outcome == DONE ? &fresh : &first, &pin, NULL), DONE);
	installation_check(row->why);
}
END_TEST

/* ---- accidents ---- */

static struct told {
	struct failure why;
} *told;

static int
run_unblock(void *context)
{
	struct secret key = secret(DEFAULT_KEY), pin = secret("87654321");

	(void)context;
	return (int)cards_unblock(&installation, 0, &key, &pin, &told->why);
}

static int
run_change(void *context)
{
	struct secret old = secret(DEFAULT_KEY), fresh = secret(AES_KEY);

	(void)context;
	return (int)cards_change_admin_key(
	    &installation, 0, &old, ALG_AES_128, &fresh, &told->why);
}

static const struct {
	const char *why;
	int (*body)(void *);
	bool may, hidden;
	struct fault fault;
} accidents[] = {
	{ "unblock, killed", run_unblock, true, false, { FAULT_KILL, 0, 0 } },
	{ "unblock, I/O error", run_unblock, true, false, { FAULT_ERROR, 0, EIO } },
	{ "unblock, no space", run_unblock, true, false, { FAULT_ERROR, 0, ENOSPC } },
	{ "unblock, everything gone", run_unblock, true, false, { FAULT_CUT, 0, EIO } },
	{ "change, killed", run_change, true, false, { FAULT_KILL, 0, 0 } },
	{ "change, I/O error", run_change, true, false, { FAULT_ERROR, 0, EIO } },
	{ "change, no space", run_change, true, false, { FAULT_ERROR, 0, ENOSPC } },
	{ "change, everything gone", run_change, true, false, { FAULT_CUT, 0, EIO } },
	{ "change in the TPM, killed", run_change, true, true, { FAULT_KILL, 0, 0 } },
	{ "change in the TPM, I/O error", run_change, true, true, { FAULT_ERROR, 0, EIO } },
	{ "change in the TPM, all gone", run_change, true, true, { FAULT_CUT, 0, EIO } },
	{ "change without ADMIN, killed", run_change, false, true, { FAULT_KILL, 0, 0 } },
	{ "change without ADMIN, I/O error", run_change, false, true, { FAULT_ERROR, 0, EIO } },
};

/* Ask the card for its 9B, as the driver would: what a crash left is settled, or in doubt. */
static bool
serves(const char *what)
{
	static const uint8_t ask[] = { 0x00, 0x87, 0x00, 0x9b, 0x04, 0x7c, 0x02, 0x81, 0x00 };
	uint8_t octets[300];
	struct wbuf answer = wbuf_over(octets, sizeof octets);
	struct card *card = NULL;
	struct rbuf view;
	unsigned sw;

	ck_assert_int_eq(card_open(&installation, 0, &card, NULL), DONE);
	card_transmit(card, rbuf_of(ask, sizeof ask), &answer);
	card_close(card);
	view = wbuf_view(&answer);
	sw = (unsigned)rbuf_at(view, view.len - 2) << 8 | rbuf_at(view, view.len - 1);
	ck_assert_msg(sw == 0x9000 || sw == 0x6985, "%s: %04x", what, sw);
	return sw == 0x9000;
}

/* Whichever of the two ADMIN takes settles it: unblocking does. */
static void
expect_settlement(const char *what)
{
	const bool led = memory()->admin_serial > 1;
	struct secret pin = secret("87654321"), taken = secret(led ? AES_KEY : DEFAULT_KEY);
	struct secret other = secret(led ? DEFAULT_KEY : AES_KEY);
	uint8_t serial = 0;

	ck_assert_int_eq(cards_unblock(&installation, 0, &other, &pin, NULL), WRONG_SECRET);
	ck_assert_msg(!serves(what), "%s: settled by another key", what);
	ck_assert_int_eq(cards_unblock(&installation, 0, &taken, &pin, NULL), DONE);
	ck_assert_msg(serves(what) && is_whole(&serial) && has_key(serial, &taken), "%s", what);
}

/* Either key is both 9B and ADMIN, or neither is any until a repeat, which works. */
static void
expect_either_key(unsigned row, const char *what, bool done)
{
	struct secret fresh = secret(AES_KEY), old = secret(DEFAULT_KEY), pin = secret("87654321");
	uint8_t serial = 0;

	if (serves(what)) {
		ck_assert_msg(is_whole(&serial), "%s: half", what);
		ck_assert_msg(has_key(serial, &fresh) || (!done && has_key(serial, &old)), "%s",
		    what);
		ck_assert_msg(has_key(serial, &old) || !scratch_exists("state/0000/default-9b"),
		    "%s: noted as the default", what);
	} else {
		ck_assert_msg(accidents[row].hidden && accidents[row].may && !done, "%s: in doubt",
		    what);
		expect_settlement(what);
	}
	told->why = (struct failure){ "" };
	ck_assert_msg(run_change(NULL) == DONE, "%s: no repeat: %s", what, told->why.text);
	ck_assert_msg(serves(what) && is_whole(&serial) && has_key(serial, &fresh), "%s", what);
	if (accidents[row].may) {
		ck_assert_int_eq(cards_unblock(&installation, 0, &fresh, &pin, NULL), DONE);
		ck_assert_int_eq(
		    cards_unblock(&installation, 0, &old, &pin, NULL), WRONG_SECRET);
	}
}

static void
expect_either_pin(const char *what, bool done)
{
	ck_assert_msg(has_pin("87654321") || (!done && has_pin("12345678")), "%s", what);
	ck_assert_msg(has_pin("12345678") || !scratch_exists("state/0000/default-80"),
	    "%s: noted as the default", what);
	told->why = (struct failure){ "" };
	ck_assert_msg(run_unblock(NULL) == DONE, "%s: no repeat: %s", what, told->why.text);
	ck_assert(has_pin("87654321"));
}

static void
strike(unsigned row, struct fault fault, struct fault_outcome *o)
{
	struct card_request request = installation_request();
	struct repair repair;
	bool changed, done;
	uint64_t before;
	char what[128];

	scratch_remove("state");
	fake_tpm_reset();
	request.admin_unblock = accidents[row].may;
	ck_assert_uint_eq(installation_create(&request), 0);
	memory()->hidden = accidents[row].hidden;
	before = which(0);
	*told = (struct told){ { "" } };
	*o = fault_run(&fault, accidents[row].body, NULL);
	fake_tpm->open = 0;
	if (!o->reached)
		return;
	(void)snprintf(what, sizeof what, "%s at %s, call %u", accidents[row].why, o->call,
	    fault.nth);
	done = !o->killed && o->status == DONE;
	ck_assert_msg(o->killed || done || failed(&told->why), "%s: failed without a word", what);
	changed = !has_pin("12345678") || memory()->admin_serial > 1;
	/* The driver is told at once, or by the next run of anything. */
	if (done)
		ck_assert_msg(which(0) != before, "%s: done, and not told", what);
	if (fault.nth % 2 == 0)
		ck_assert_int_eq(cards_repair(&installation, NULL, &repair, NULL), DONE);
	else
		ck_assert_int_ge(installation_list(), 0);
	ck_assert_msg(!changed || which(0) != before, "%s: changed, and never told", what);
	installation_check(what);
	if (accidents[row].body == run_change)
		expect_either_key(row, what, done);
	else
		expect_either_pin(what, done);
	installation_check(what);
}

START_TEST(accident)
{
	struct fault fault = accidents[_i].fault;
	struct fault_outcome o = { .reached = true };

	for (fault.nth = 1 + (unsigned)_i % fault_stride(); o.reached; fault.nth += fault_stride())
		strike((unsigned)_i, fault, &o);
	ck_assert_int_eq(o.status, DONE);
	ck_assert_msg(fault.nth > 10, "%s: only %u calls", accidents[_i].why, fault.nth - 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("beside");
	TCase *tc = tcase_create("beside"), *crash = tcase_create("accidents");

	told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED)
		return 1;
	tcase_add_checked_fixture(tc, installation_setup, installation_teardown);
	tcase_add_rows(tc, unblock, unblocks);
	tcase_add_test(tc, no_card);
	tcase_add_test(tc, no_tpm);
	tcase_add_rows(tc, change, changes);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(crash, installation_setup, installation_teardown);
	tcase_add_rows(crash, accident, accidents);
	tcase_set_timeout(crash, 300);
	suite_add_tcase(suite, crash);
	return suite_run(suite);
}
