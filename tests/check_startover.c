/* SPDX-License-Identifier: BSD-2-Clause */
/* A card made anew: what stays of it, what does not, and every way that is refused. */
#include "card/parts.h"
#include "tests/installation.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define OCTETS(text) rbuf_of((text), sizeof(text) - 1)

static struct card_request
request_with_reset(void)
{
	struct card_request request = installation_request();

	request.profile.allow_reset = true;
	return request;
}

/* The paper of a card in the installation. */
static void
read_paper(unsigned instance, struct paper *out)
{
	struct failure why = { "" };
	struct files *files = NULL;

	ck_assert_int_eq(files_open(installation.state_dir, false, &files, NULL), FILES_OK);
	ck_assert_msg(paper_read(files, instance, out, &why) == DONE, "%s", why.text);
	files_close(files);
}

/* ---- what is noted of well-known secrets ---- */

static const struct {
	const char *why;
	const char *pin, *puk; /* NULL: none */
	struct rbuf admin_key; /* empty: random */
	uint8_t algorithm;
	bool notes[3]; /* PIN, PUK, 9B */
} secrets[] = {
#define KEY(text) { (const uint8_t *)(text), sizeof(text) - 1 }
#define DEFAULT_24 KEY("\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10")
	{ "all of them", "12345678", "12345678", DEFAULT_24, ALG_3DES, { true, true, true } },
	{ "none", "12345679", "12345679", KEY("\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\11"),
	    ALG_3DES, { false, false, false } },
	{ "the PIN alone", "12345678", "87654321", { NULL, 0 }, ALG_3DES, { true, false, false } },
	{ "the PUK alone", "123456789", "12345678", { NULL, 0 }, ALG_AES_256,
	    { false, true, false } },
	{ "no PUK", "1234567", NULL, DEFAULT_24, ALG_AES_192, { false, false, true } },
	{ "a part of the key is another key", "12345678", NULL,
	    KEY("\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10"), ALG_AES_128, { true, false, false } },
#undef DEFAULT_24
#undef KEY
};

START_TEST(noted)
{
	static const char *const names[] = { "state/0000/default-80", "state/0000/default-81",
		"state/0000/default-9b" };
	struct card_request request = installation_request();
	SECRET(pin);
	SECRET(puk);
	SECRET(admin_key);
	size_t i;

	ck_assert(secret_set(&pin, rbuf_str(secrets[_i].pin)));
	request.pin = &pin;
	request.puk = NULL;
	if (secrets[_i].puk != NULL) {
		ck_assert(secret_set(&puk, rbuf_str(secrets[_i].puk)));
		request.puk = &puk;
	}
	ck_assert(secret_set(&admin_key, secrets[_i].admin_key));
	request.admin_key = secrets[_i].admin_key.len != 0 ? &admin_key : NULL;
	request.admin_algorithm = secrets[_i].algorithm;
	ck_assert_uint_eq(installation_create(&request), 0);
	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		ck_assert_msg(scratch_exists(names[i]) == secrets[_i].notes[i], "%s: %s",
		    secrets[_i].why, names[i]);
}
END_TEST

/* ---- what stays ---- */

static const struct {
	const char *why;
	bool puk, admin_key, admin_unblock, generate;
	uint8_t admin_algorithm;
	unsigned pin_tries, puk_tries;
} kinds[] = {
	{ "an ordinary card", true, true, true, true, ALG_3DES, 5, 4 },
	{ "no PUK", false, true, true, true, ALG_3DES, 1, 5 },
	{ "an admin key that stays out of it", true, true, false, true, ALG_AES_128, 10, 1 },
	{ "a random admin key", true, false, false, true, ALG_AES_256, 2, 3 },
	{ "a blank card", true, true, true, false, ALG_AES_192, 3, 10 },
};

START_TEST(kept)
{
	struct card_request request = request_with_reset();
	struct failure why = { "" };
	struct paper old, fresh;

	request.puk = kinds[_i].puk ? request.puk : NULL;
	request.admin_key = kinds[_i].admin_key ? request.admin_key : NULL;
	request.admin_unblock = kinds[_i].admin_unblock;
	request.admin_algorithm = kinds[_i].admin_algorithm;
	request.generate = kinds[_i].generate;
	request.pin_tries = kinds[_i].pin_tries;
	request.puk_tries = kinds[_i].puk_tries;
	request.profile.policy.min = 6;
	request.profile.policy.rules[PIN_DIGITS] = CLASS_REQUIRED;
	ck_assert_uint_eq(installation_create(&request), 0);
	scratch_write("state/0000/object-5fc105", OCTETS("x"), 0600);
	scratch_write("state/0000/sealed-5fc103", OCTETS("x"), 0600);
	read_paper(0, &old);
	ck_assert_msg(cards_start_over(&installation, 0, old.record, &why) == DONE, "%s: %s",
	    kinds[_i].why, why.text);
	installation_check(kinds[_i].why);
	ck_assert_msg(!scratch_exists("state/0000/key-f9"), "an attestation key from nowhere");
	read_paper(0, &fresh);
	ck_assert_uint_ne(fake_tpm_number(fresh.record), fake_tpm_number(old.record));
	ck_assert_uint_eq(fresh.info.pin_tries, kinds[_i].pin_tries);
	ck_assert_uint_eq(fresh.info.puk_tries, kinds[_i].puk_tries);
	ck_assert(fresh.info.has_puk == kinds[_i].puk);
	ck_assert(fresh.info.admin_unblocks == (kinds[_i].admin_key && kinds[_i].admin_unblock));
	ck_assert_str_eq(fresh.profile.name, "Alice");
	ck_assert_mem_eq(
	    &fresh.profile.policy, &request.profile.policy, sizeof fresh.profile.policy);
	ck_assert(fresh.profile.allow_reset);
	ck_assert_mem_ne(fresh.profile.guid, old.profile.guid, sizeof old.profile.guid);
	ck_assert(fake_tpm->had_admin_key);
	ck_assert_uint_eq(fake_tpm->admin_algorithm, ALG_3DES);
	/* The record, key-9b, four objects; notes of PIN, 9B and perhaps the PUK. */
	ck_assert_uint_eq(scratch_count("state/0000"), kinds[_i].puk ? 9 : 8);
	ck_assert(scratch_exists("state/0000/object-5fc102"));
	ck_assert(scratch_exists("state/0000/default-80"));
	ck_assert(scratch_exists("state/0000/default-9b"));
	ck_assert(scratch_exists("state/0000/default-81") == kinds[_i].puk);
}
END_TEST

/* ---- refusals ---- */

static void
no_preparation(void)
{
}

static void
tpm_away(void)
{
	fake_tpm->away = true;
}

static void
tpm_denied(void)
{
	fake_tpm->denied = true;
}

static void
tpm_full(void)
{
	fake_tpm->room = fake_tpm_count(0) + 2;
}

static void
other_card(void)
{
	struct card_request request = request_with_reset();

	ck_assert_int_eq(cards_destroy(&installation, 0, NULL, NULL), DONE);
	ck_assert_uint_eq(installation_create(&request), 0);
}

static void
card_gone(void)
{
	ck_assert_int_eq(cards_destroy(&installation, 0, NULL, NULL), DONE);
}

static void
record_damaged(void)
{
	scratch_write("state/0000/record", OCTETS("junk"), 0600);
}

static void
state_open_to_others(void)
{
	scratch_chmod("state", 0755);
}

static void
journal_damaged(void)
{
	scratch_write("state/.journal-0000", OCTETS("junk"), 0600);
}

static void
write_journal(enum journal_verb verb, struct rbuf claims)
{
	struct files *files = NULL;

	ck_assert_int_eq(files_open(installation.state_dir, false, &files, NULL), FILES_OK);
	ck_assert_int_eq(files_journal_write(files, 0, verb, claims, NULL), FILES_OK);
	files_close(files);
}

static void
destruction_pending(void)
{
	struct paper paper;
	uint8_t octets[TPM_CLAIMS_MAX];
	struct wbuf claims = wbuf_over(octets, sizeof octets);

	read_paper(0, &paper);
	ck_assert_int_eq(tpm_record_claims(paper.record, &claims), TPM_OK);
	write_journal(JOURNAL_DESTROYING, wbuf_view(&claims));
}

static void
replacement_of_others(void)
{
	write_journal(JOURNAL_REPLACING, OCTETS("\0\3oneanother"));
}

static void
replacement_of_one(void)
{
	write_journal(JOURNAL_REPLACING, OCTETS("\0\3one"));
}

static void
replacement_cut(void)
{
	write_journal(JOURNAL_REPLACING, OCTETS("\0\11one"));
}

/* clang-format off */
static const struct {
	const char *why;
	void (*prepare)(void);
	bool may; /* made with allow_reset */
	uint8_t least; /* characters of its PINs */
	enum outcome outcome;
	const char *says;
	bool unchanged;
} refusals[] = {
	{ "as it should be", no_preparation, true, 8, DONE, "", false },
	{ "made without --allow-reset", no_preparation, false, 8, NOT_PERMITTED, "--allow-reset", true },
	{ "a policy that forbids the default PIN", no_preparation, true, 9, FAILED,
	    "forbids the default PIN: ", true },
	{ "another card by now", other_card, true, 8, FAILED, "another card", true },
	{ "no card by now", card_gone, true, 8, NO_SUCH_CARD, "no card", true },
	{ "no TPM", tpm_away, true, 8, TPM_PROBLEM, "does not answer", true },
	{ "owner auth wrong", tpm_denied, true, 8, NOT_PERMITTED, "authorisation", false },
	{ "NV full", tpm_full, true, 8, NO_ROOM, "no NV space (the card is as it was)", true },
	{ "damaged record", record_damaged, true, 8, FAILED, "damaged", true },
	{ "state open to others", state_open_to_others, true, 8, FAILED, "chmod 0700", true },
	{ "damaged journal", journal_damaged, true, 8, FAILED, "cannot use the journal", true },
	{ "its end was begun", destruction_pending, true, 8, NO_SUCH_CARD, "no card", false },
	{ "a replacement of other cards", replacement_of_others, true, 8, FAILED, "neither of the two", true },
	{ "a replacement of one card", replacement_of_one, true, 8, FAILED, "does not name two", true },
	{ "a replacement cut short", replacement_cut, true, 8, FAILED, "does not name two", true },
};
/* clang-format on */

START_TEST(refusal)
{
	struct card_request request = installation_request();
	struct failure why = { "" };
	enum outcome outcome;
	struct paper paper;
	unsigned indices;
	uint64_t sum;

	request.profile.allow_reset = refusals[_i].may;
	request.profile.policy.min = refusals[_i].least;
	ck_assert_uint_eq(installation_create(&request), 0);
	read_paper(0, &paper);
	refusals[_i].prepare();
	indices = fake_tpm_count(0);
	sum = scratch_sum("state");
	outcome = cards_start_over(&installation, 0, paper.record, &why);
	ck_assert_msg(outcome == refusals[_i].outcome, "%s: %d, %s", refusals[_i].why,
	    (int)outcome, why.text);
	ck_assert_msg(strstr(why.text, refusals[_i].says) != NULL, "%s: says: %s",
	    refusals[_i].why, why.text);
	ck_assert_msg(failed(&why) == (outcome != DONE), "%s: %s", refusals[_i].why, why.text);
	if (refusals[_i].unchanged) {
		ck_assert_msg(scratch_sum("state") == sum, "%s: files changed", refusals[_i].why);
		ck_assert_msg(fake_tpm_count(0) == indices, "%s: indices", refusals[_i].why);
	}
	/* What could not be taken back then is, when the obstacle is gone. */
	if (refusals[_i].prepare == tpm_denied) {
		fake_tpm->denied = false;
		ck_assert_int_eq(installation_list(), 1);
		installation_check(refusals[_i].why);
	}
}
END_TEST

/* A client waits for a tpmvscmgr at work, but not for long. */
START_TEST(patience)
{
	struct card_request request = request_with_reset();
	struct failure why = { "" };
	struct timespec begin, end;
	struct paper paper;
	int fd;

	ck_assert_uint_eq(installation_create(&request), 0);
	read_paper(0, &paper);
	fd = open(scratch_path("state/.manage"), O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	ck_assert_int_eq(cards_start_over(&installation, 0, paper.record, &why), FAILED);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	ck_assert_ptr_nonnull(strstr(why.text, "at work"));
	ck_assert_msg(end.tv_sec - begin.tv_sec >= 4 && end.tv_sec - begin.tv_sec < 15,
	    "waited %ld seconds", (long)(end.tv_sec - begin.tv_sec));
	(void)close(fd);
	ck_assert_int_eq(cards_start_over(&installation, 0, paper.record, &why), DONE);
	installation_check("after patience");
}
END_TEST

/* ---- through an open card ---- */

static unsigned
say(struct card *card, struct rbuf command)
{
	static uint8_t octets[PIV_DATA_MAX + 2];
	struct wbuf answer = wbuf_over(octets, sizeof octets);
	struct rbuf view;

	card_transmit(card, command, &answer);
	ck_assert(wbuf_ok(&answer));
	view = wbuf_view(&answer);
	ck_assert_uint_ge(view.len, 2);
	return (unsigned)rbuf_at(view, view.len - 2) << 8 | rbuf_at(view, view.len - 1);
}

#define RESET OCTETS("\x00\xfb\x00\x00")
#define SELECT OCTETS("\x00\xa4\x04\x00\x09\xa0\x00\x00\x03\x08\x00\x00\x10\x00\x00")
#define VERIFY                                                                                     \
	OCTETS("\x00\x20\x00\x80\x08"                                                              \
	       "12345678")
#define VERIFY_QUERY OCTETS("\x00\x20\x00\x80")

static struct card *
open_card(bool blocked)
{
	struct failure why = { "" };
	struct card *card = NULL;

	ck_assert_msg(card_open(&installation, 0, &card, &why) == DONE, "%s", why.text);
	if (blocked)
		fake_tpm_vault()->references[REFERENCE_PIN].left =
		    fake_tpm_vault()->references[REFERENCE_PUK].left = 0;
	return card;
}

static uint64_t
present(void)
{
	uint64_t which = 0;

	ck_assert_int_eq(card_present(&installation, 0, &which, NULL), DONE);
	return which;
}

/* The card that is open goes on as the new one, and is known by its number. */
START_TEST(open_card_follows)
{
	struct card_request request = request_with_reset();
	struct card *card;
	uint64_t before;
	unsigned open;

	ck_assert_uint_eq(installation_create(&request), 0);
	card = open_card(false);
	ck_assert_uint_eq(say(card, RESET), 0x6985);
	card_close(card);
	card = open_card(true);
	before = card_which(card);
	open = fake_tpm->open;
	ck_assert_uint_eq(before, present());
	ck_assert_uint_eq(say(card, VERIFY), 0x6983);
	ck_assert_uint_eq(say(card, RESET), 0x9000);
	ck_assert_msg(fake_tpm->open == open, "%u clients and vaults, were %u", fake_tpm->open, open);
	installation_check("reset");
	ck_assert_uint_ne(card_which(card), before);
	ck_assert_uint_eq(card_which(card), present());
	ck_assert_uint_eq(say(card, VERIFY_QUERY), 0x63c5);
	ck_assert_uint_eq(say(card, SELECT), 0x9000);
	ck_assert_uint_eq(say(card, VERIFY), 0x9000);
	ck_assert_uint_eq(say(card, RESET), 0x6985);
	card_reset(card);
	card_power_down(card);
	ck_assert_uint_eq(say(card, VERIFY_QUERY), 0x63c5);
	card_close(card);
}
END_TEST

static const struct {
	const char *why;
	void (*prepare)(void);
	unsigned sw;
	bool replaced; /* what is open afterwards is not what was */
} troubles[] = {
	{ "NV full", tpm_full, 0x6a84, false },
	{ "no TPM", tpm_away, 0x6f00, false },
	{ "owner auth wrong", tpm_denied, 0x6f00, false },
	{ "damaged journal", journal_damaged, 0x6f00, false },
	{ "state open to others", state_open_to_others, 0x6f00, false },
	{ "another card by now", other_card, 0x6f00, true },
	{ "no card by now", card_gone, 0x6f00, false },
};

/* After a failure the card that is open is the one on the disk, whichever that is. */
START_TEST(open_card_in_trouble)
{
	struct card_request request = request_with_reset();
	struct card *card;
	uint64_t before;
	unsigned sw;

	ck_assert_uint_eq(installation_create(&request), 0);
	card = open_card(true);
	before = card_which(card);
	troubles[_i].prepare();
	sw = say(card, RESET);
	ck_assert_msg(sw == troubles[_i].sw, "%s: %04x", troubles[_i].why, sw);
	ck_assert_msg(
	    (card_which(card) != before) == troubles[_i].replaced, "%s", troubles[_i].why);
	sw = say(card, VERIFY_QUERY);
	ck_assert_msg(
	    sw == (troubles[_i].replaced ? 0x63c5U : 0x6983U), "%s: %04x", troubles[_i].why, sw);
	card_close(card);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("startover");
	TCase *tc = tcase_create("startover");

	tcase_add_checked_fixture(tc, installation_setup, installation_teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_rows(tc, noted, secrets);
	tcase_add_rows(tc, kept, kinds);
	tcase_add_rows(tc, refusal, refusals);
	tcase_add_test(tc, patience);
	tcase_add_test(tc, open_card_follows);
	tcase_add_rows(tc, open_card_in_trouble, troubles);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
