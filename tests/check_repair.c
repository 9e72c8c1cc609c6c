/* SPDX-License-Identifier: BSD-2-Clause */
/* repair: what each kind of unfinished work is told as, and counted as, and that it ends. */
#include "card/parts.h"
#include "tests/faults.h"
#include "tests/installation.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

/* ---- what is told ---- */

static char heard[1024];

static void
hear(void *context, const char *what)
{
	const size_t n = strlen(heard);

	(void)context;
	(void)snprintf(heard + n, sizeof heard - n, "%s\n", what);
}

static const struct progress progress = { hear, NULL };

/* ---- what is left ---- */

static struct files *
open_files(void)
{
	struct files *files = NULL;

	ck_assert_int_eq(files_open(installation.state_dir, false, &files, NULL), FILES_OK);
	return files;
}

static void
write_journal(enum journal_verb verb, unsigned instance)
{
	uint8_t octets[TPM_CLAIMS_MAX];
	struct wbuf claims = wbuf_over(octets, sizeof octets);
	struct files *files = open_files();
	struct paper paper;

	ck_assert_int_eq(paper_read(files, 1, &paper, NULL), DONE);
	ck_assert_int_eq(tpm_record_claims(paper.record, &claims), TPM_OK);
	ck_assert_int_eq(
	    files_journal_write(files, instance, verb, wbuf_view(&claims), NULL), FILES_OK);
	files_close(files);
}

static void
leave_nothing(void)
{
}

static void
leave_creation(void)
{
	write_journal(JOURNAL_CREATING, 1);
	scratch_remove("state/0001");
}

static void
leave_whole_creation(void)
{
	write_journal(JOURNAL_CREATING, 1);
}

static void
leave_destruction(void)
{
	write_journal(JOURNAL_DESTROYING, 1);
}

static int
start_over(void *context)
{
	struct files *files = open_files();
	enum outcome outcome;
	struct paper paper;

	(void)context;
	outcome = paper_read(files, 1, &paper, NULL);
	files_close(files);
	return outcome != DONE
	    ? 1 : (int)cards_start_over(&installation, 1, paper.record, NULL);
}

/* A reset that was killed as soon as its journal was there. */
static void
leave_reset(void)
{
	struct fault fault = { FAULT_KILL, 1, 0 };
	bool reached = true;

	while (reached && !scratch_exists("state/.journal-0001")) {
		reached = fault_run(&fault, start_over, NULL).reached;
		fake_tpm->open = 0;
		fault.nth++;
	}
	ck_assert(scratch_exists("state/.journal-0001"));
}

static void
leave_change(void)
{
	struct files *files = open_files();

	ck_assert_int_eq(files_change_begin(files, 1, NULL), FILES_OK);
	files_close(files);
}

static void
leave_files(void)
{
	scratch_mkdir("state/.new-0001", 0700);
	scratch_write("state/0000/.tmp", rbuf_str("x"), 0600);
	scratch_write("state/.tmp", rbuf_str("x"), 0600);
}

static void
leave_junk(void)
{
	scratch_write("state/.journal-0000", rbuf_str("junk"), 0600);
	leave_change();
}

static void
leave_without_tpm(void)
{
	leave_destruction();
	fake_tpm->away = true;
}

/* A management key on its way: its card's business, which may be at it right now. */
static void
leave_next_key(void)
{
	scratch_write("state/0001/next-9b", rbuf_str("K\x03\x01\x07"), 0600);
}

#define FIRST "ROOT\\SMARTCARDREADER\\0000\n"
#define SECOND "ROOT\\SMARTCARDREADER\\0001\n"

static const struct {
	const char *why;
	void (*leave)(void);
	unsigned found, finished;
	enum outcome outcome;
	const char *words; /* of progress */
	const char *text;  /* of the failure */
	int cards;	   /* afterwards; -1: no matter */
} rows[] = {
	{ "nothing", leave_nothing, 0, 0, DONE, "", NULL, 2 },
	{ "half a card", leave_creation, 1, 1, DONE,
	    "Undoing the interrupted creation of " SECOND, NULL, 1 },
	{ "a whole card", leave_whole_creation, 1, 1, DONE, "Ending the creation of " SECOND, NULL,
	    2 },
	{ "half a destruction", leave_destruction, 1, 1, DONE, "Completing the destruction of " SECOND,
	    NULL, 1 },
	{ "half a reset", leave_reset, 1, 1, DONE, "Ending the interrupted reset of " SECOND, NULL,
	    2 },
	{ "a change", leave_change, 1, 1, DONE,
	    "Telling the reader of an interrupted change to " SECOND, NULL, 2 },
	{ "files", leave_files, 3, 3, DONE,
	    "Removing half-written files of " FIRST "Removing half-written files of " SECOND
	    "Removing a half-written file\n", NULL, 2 },
	{ "junk, and something else", leave_junk, 2, 1, FAILED,
	    "Telling the reader of an interrupted change to " SECOND, "it is not a journal", -1 },
	{ "no TPM", leave_without_tpm, 1, 0, FAILED, "Completing the destruction of " SECOND,
	    "the TPM does not answer", -1 },
	{ "a key on its way", leave_next_key, 0, 0, DONE, "", NULL, 2 },
};

START_TEST(repairs)
{
	struct card_request request = installation_request();
	struct repair repair = { 99, 99 };
	struct failure why = { "" };

	request.profile.allow_reset = true;
	ck_assert_uint_eq(installation_create(&request), 0);
	ck_assert_uint_eq(installation_create(&request), 1);
	rows[_i].leave();
	heard[0] = '\0';
	ck_assert_msg(cards_repair(&installation, &progress, &repair, &why) == rows[_i].outcome,
	    "%s: %s", rows[_i].why, why.text);
	ck_assert_str_eq(heard, rows[_i].words);
	ck_assert_msg(repair.found == rows[_i].found && repair.finished == rows[_i].finished,
	    "%s: %u found, %u finished", rows[_i].why, repair.found, repair.finished);
	ck_assert_msg(failed(&why) == (rows[_i].text != NULL), "%s: %s", rows[_i].why, why.text);
	if (rows[_i].text != NULL)
		ck_assert_msg(strstr(why.text, rows[_i].text) != NULL, "%s", why.text);
	if (rows[_i].cards >= 0) {
		installation_check(rows[_i].why);
		ck_assert_int_eq(installation_list(), rows[_i].cards);
	}
	/* And a second time there is nothing (more) to do, unless it could not be done. */
	heard[0] = '\0';
	ck_assert_int_eq(cards_repair(&installation, &progress, &repair, NULL), rows[_i].outcome);
	ck_assert_uint_eq(repair.finished, 0);
	ck_assert_uint_eq(repair.found, rows[_i].outcome == DONE ? 0 : 1);
}
END_TEST

START_TEST(no_state)
{
	struct repair repair = { 99, 99 };

	ck_assert_int_eq(cards_repair(&installation, &progress, &repair, NULL), DONE);
	ck_assert_uint_eq(repair.found + repair.finished, 0);
	ck_assert(!scratch_exists("state"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("repair");
	TCase *tc = tcase_create("repair");

	tcase_add_checked_fixture(tc, installation_setup, installation_teardown);
	tcase_add_rows(tc, repairs, rows);
	tcase_add_test(tc, no_state);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
