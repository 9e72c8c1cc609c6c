/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * create, destroy and a reset, struck at every system call and every step of
 * the TPM: a card is there whole or not at all (after a reset, the old one or the
 * new one), whatever was told is true, and the next run of anything leaves no
 * trace of the accident.
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

/* What a child tells its parent, beyond its status. */
static struct told {
	struct failure why;
	unsigned instance;
} * told;

static int
create(void *context)
{
	struct card_request request = installation_request();

	(void)context;
	return (int)cards_create(&installation, &request, NULL, &told->instance, &told->why);
}

static int
create_attesting(void *context)
{
	struct card_request request = installation_request();

	(void)context;
	request.attestation = true;
	return (int)cards_create(&installation, &request, NULL, &told->instance, &told->why);
}

static int
create_random(void *context)
{
	struct card_request request = installation_request();

	(void)context;
	request.admin_key = NULL;
	return (int)cards_create(&installation, &request, NULL, &told->instance, &told->why);
}

static int
destroy_second(void *context)
{
	(void)context;
	return (int)cards_destroy(&installation, 1, NULL, &told->why);
}

static int
destroy_first(void *context)
{
	(void)context;
	return (int)cards_destroy(&installation, 0, NULL, &told->why);
}

/* The second card's record before a reset, and what became of it after. */
static uint8_t old_octets[TPM_RECORD_MAX];
static struct wbuf old_record;

static int
start_over_second(void *context)
{
	(void)context;
	return (int)cards_start_over(&installation, 1, wbuf_view(&old_record), &told->why);
}

static int
start_over_without_exchange(void *context)
{
	fault_refuse_exchange();
	return start_over_second(context);
}

static void
read_second(struct wbuf *record)
{
	struct files *files = NULL;

	wbuf_truncate(record, 0);
	ck_assert_int_eq(files_open(installation.state_dir, false, &files, NULL), FILES_OK);
	ck_assert_int_eq(files_record(files, 1, record, NULL), FILES_OK);
	files_close(files);
}

static int
list(void *context)
{
	struct card_summary rows[CARDS_MAX];
	size_t count = 0;

	(void)context;
	return (int)cards_list(&installation, rows, &count, &told->why);
}

/* The three runs that may come after the accident; each clears up before its own work. */
static void
next_run(unsigned which)
{
	struct card_request request = installation_request();
	unsigned instance = 99;
	enum outcome outcome;

	if (which % 3 == 0) {
		ck_assert_int_ge(installation_list(), 0);
	} else if (which % 3 == 1) {
		instance = installation_create(&request);
		ck_assert_int_eq(cards_destroy(&installation, instance, NULL, NULL), DONE);
	} else {
		outcome = cards_destroy(&installation, 7, NULL, NULL);
		ck_assert_int_eq(outcome, NO_SUCH_CARD);
	}
}

static const struct {
	const char *why;
	int (*body)(void *);
	bool second; /* there are two cards before, else one */
	struct fault fault;
} accidents[] = {
	{ "create, killed", create, false, { FAULT_KILL, 0, 0 } },
	{ "create, I/O error", create, false, { FAULT_ERROR, 0, EIO } },
	{ "create with a random key, killed", create_random, false, { FAULT_KILL, 0, 0 } },
	{ "create with a random key, no space", create_random, false, { FAULT_ERROR, 0, ENOSPC } },
	{ "create with an attestation key, killed", create_attesting, false, { FAULT_KILL, 0, 0 } },
	{ "create with an attestation key, I/O error", create_attesting, false,
	    { FAULT_ERROR, 0, EIO } },
	{ "create, no space", create, false, { FAULT_ERROR, 0, ENOSPC } },
	{ "create, no right", create, false, { FAULT_ERROR, 0, EACCES } },
	{ "create, everything gone", create, false, { FAULT_CUT, 0, EIO } },
	{ "destroy, killed", destroy_second, true, { FAULT_KILL, 0, 0 } },
	{ "destroy, I/O error", destroy_second, true, { FAULT_ERROR, 0, EIO } },
	{ "destroy, no space", destroy_second, true, { FAULT_ERROR, 0, ENOSPC } },
	{ "destroy, everything gone", destroy_second, true, { FAULT_CUT, 0, EIO } },
	{ "list, killed", list, true, { FAULT_KILL, 0, 0 } },
	{ "list, I/O error", list, true, { FAULT_ERROR, 0, EIO } },
};

/* What create said must be so before anybody clears up (I13). */
static void
check_words_of_create(const char *what, int status, int before)
{
	const char *text = told->why.text;

	if (status == DONE) {
		ck_assert_msg(scratch_exists("state/0001"), "%s: DONE without a card", what);
		return;
	}
	ck_assert_msg(text[0] != '\0', "%s: failed without a word", what);
	if (strstr(text, "(no card was made)") != NULL) {
		ck_assert_msg(!scratch_exists("state/0001"), "%s: says %s", what, text);
		ck_assert_msg(fake_tpm_count(0) == (unsigned)before * FAKE_INDICES,
		    "%s: indices stay, says %s", what, text);
	}
}

static void
check_words_of_destroy(const char *what, int status, int before)
{
	const char *text = told->why.text;

	if (status == DONE) {
		ck_assert_msg(!scratch_exists("state/0001"), "%s: DONE with the card there", what);
		ck_assert_msg(fake_tpm_count(0) == FAKE_INDICES, "%s: DONE with indices", what);
		return;
	}
	ck_assert_msg(text[0] != '\0', "%s: failed without a word", what);
	if (strstr(text, "the card is as it was") != NULL)
		ck_assert_msg(scratch_exists("state/0001") &&
				  fake_tpm_count(0) == (unsigned)before * FAKE_INDICES,
		    "%s: says %s", what, text);
	else if (strstr(text, "is erased from the TPM") != NULL)
		ck_assert_msg(fake_tpm_count(0) == FAKE_INDICES, "%s: says %s", what, text);
}

static bool
is_create(unsigned row)
{
	return accidents[row].body == create || accidents[row].body == create_attesting ||
	       accidents[row].body == create_random;
}

static void
strike(unsigned row, struct fault fault, struct fault_outcome *o)
{
	struct card_request request = installation_request();
	int before = accidents[row].second ? 2 : 1, after;
	uint64_t other;
	char what[128];

	scratch_remove("state");
	fake_tpm_reset();
	ck_assert_uint_eq(installation_create(&request), 0);
	if (accidents[row].second)
		ck_assert_uint_eq(installation_create(&request), 1);
	other = scratch_sum("state/0000");
	*told = (struct told){ .instance = 99 };

	*o = fault_run(&fault, accidents[row].body, NULL);
	fake_tpm->open = 0; /* a killed child frees nothing */
	if (!o->reached)
		return;
	(void)snprintf(
	    what, sizeof what, "%s at %s, call %u", accidents[row].why, o->call, fault.nth);
	ck_assert_msg(o->killed == (fault.kind == FAULT_KILL), "%s: killed %d", what, o->killed);
	if (!o->killed && is_create(row))
		check_words_of_create(what, o->status, before);
	if (!o->killed && accidents[row].body == destroy_second)
		check_words_of_destroy(what, o->status, before);

	/* Crypto-erase comes first: a card whose files are gone has nothing in the TPM (I9). */
	if (accidents[row].body == destroy_second && !scratch_exists("state/0001"))
		ck_assert_msg(fake_tpm_count(0) == FAKE_INDICES, "%s: files went first", what);

	next_run(fault.nth);
	installation_check(what);
	ck_assert_msg(scratch_sum("state/0000") == other, "%s: the other card changed", what);
	after = installation_list();
	if (accidents[row].body == list)
		ck_assert_msg(after == before, "%s: %d cards", what, after);
	else
		ck_assert_msg(after == 1 || after == 2, "%s: %d cards", what, after);
	/* What was told as done stays done; what was told as not done may still be finished. */
	if (!o->killed && o->status == DONE && is_create(row))
		ck_assert_msg(after == 2, "%s: the card went away again", what);
	if (!o->killed && o->status == DONE && accidents[row].body == destroy_second)
		ck_assert_msg(after == 1, "%s: the card came back", what);
	if (!o->killed && strstr(told->why.text, "(no card was made)") != NULL)
		ck_assert_msg(after == 1, "%s: a card appeared", what);
	if (!o->killed && strstr(told->why.text, "the card is as it was") != NULL)
		ck_assert_msg(after == 2, "%s: the card went away", what);
}

START_TEST(accident)
{
	struct fault fault = accidents[_i].fault;
	struct fault_outcome o = { .reached = true };

	for (fault.nth = 1 + (unsigned)_i % fault_stride(); o.reached; fault.nth += fault_stride())
		strike((unsigned)_i, fault, &o);
	/* The last time nothing was struck. */
	ck_assert_int_eq(o.status, DONE);
	ck_assert_msg(fault.nth > 10, "%s: only %u calls", accidents[_i].why, fault.nth - 2);
}
END_TEST

/* ---- a reset ---- */

/* One card that can be made anew beside another; the object tells the old from the new. */
static void
two_cards(void)
{
	struct card_request request = installation_request();

	scratch_remove("state");
	fake_tpm_reset();
	ck_assert_uint_eq(installation_create(&request), 0);
	request.profile.allow_reset = true;
	request.attestation = true;
	ck_assert_uint_eq(installation_create(&request), 1);
	scratch_write("state/0001/object-5fc105", rbuf_str("a certificate"), 0600);
	old_record = wbuf_over(old_octets, sizeof old_octets);
	read_second(&old_record);
	*told = (struct told){ .instance = 99 };
}

/* Whether the new card is in place: the old one to the octet, or a new one with all that belongs to it. */
static bool
is_fresh(const char *what, uint64_t old_sum)
{
	static const char *const names[] = { "record", "key-9b", "key-f9", "default-80", "default-81",
		"default-9b", "object-5fc102", "object-5fc107", "object-7e", "object-5fc10c",
		"object-5fff01" };
	uint8_t octets[TPM_RECORD_MAX];
	struct wbuf record = wbuf_over(octets, sizeof octets);
	char path[64];
	size_t i;

	read_second(&record);
	if (rbuf_eq(wbuf_view(&record), wbuf_view(&old_record))) {
		ck_assert_msg(scratch_sum("state/0001") == old_sum, "%s: files changed", what);
		return false;
	}
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		(void)snprintf(path, sizeof path, "state/0001/%s", names[i]);
		ck_assert_msg(scratch_exists(path), "%s: no %s", what, names[i]);
	}
	ck_assert_uint_eq(scratch_count("state/0001"), sizeof names / sizeof names[0]);
	ck_assert_msg(fake_tpm_count(fake_tpm_number(wbuf_view(&record))) == FAKE_INDICES,
	    "%s: the new card's indices", what);
	return true;
}

static const struct {
	const char *why;
	int (*body)(void *);
	struct fault fault;
} resets[] = {
	{ "killed", start_over_second, { FAULT_KILL, 0, 0 } },
	{ "I/O error", start_over_second, { FAULT_ERROR, 0, EIO } },
	{ "no space", start_over_second, { FAULT_ERROR, 0, ENOSPC } },
	{ "no right", start_over_second, { FAULT_ERROR, 0, EACCES } },
	{ "not supported", start_over_second, { FAULT_ERROR, 0, EINVAL } },
	{ "everything gone", start_over_second, { FAULT_CUT, 0, EIO } },
	{ "without exchange, killed", start_over_without_exchange, { FAULT_KILL, 0, 0 } },
	{ "without exchange, I/O error", start_over_without_exchange, { FAULT_ERROR, 0, EIO } },
	{ "without exchange, all gone", start_over_without_exchange, { FAULT_CUT, 0, EIO } },
};

/* What the reset said must be so before anybody clears up. */
static void
check_words_of_reset(const char *what, int status, uint64_t old_sum)
{
	const char *text = told->why.text;

	if (status == DONE) {
		ck_assert_msg(is_fresh(what, old_sum), "%s: DONE with the old card", what);
		ck_assert_msg(fake_tpm_count(fake_tpm_number(wbuf_view(&old_record))) == 0,
		    "%s: DONE with old indices", what);
		return;
	}
	ck_assert_msg(text[0] != '\0', "%s: failed without a word", what);
	if (strstr(text, "(the card is as it was)") != NULL)
		ck_assert_msg(!is_fresh(what, old_sum) &&
				  fake_tpm_count(0) == 2 * FAKE_INDICES,
		    "%s: says %s", what, text);
}

START_TEST(reset)
{
	struct fault fault = resets[_i].fault;
	struct fault_outcome o = { .reached = true };
	const unsigned stride = fault_stride();
	unsigned fresh = 0, old = 0;
	uint64_t other, sum;
	char what[128];
	bool now;

	for (fault.nth = 1 + (unsigned)_i % stride; o.reached; fault.nth += stride) {
		two_cards();
		other = scratch_sum("state/0000");
		sum = scratch_sum("state/0001");
		o = fault_run(&fault, resets[_i].body, NULL);
		fake_tpm->open = 0;
		(void)snprintf(what, sizeof what, "%s at %s, call %u", resets[_i].why, o.call,
		    fault.nth);
		if (!o.killed)
			check_words_of_reset(what, o.status, sum);
		next_run(fault.nth);
		installation_check(what);
		ck_assert_msg(installation_list() == 2, "%s: a card is missing", what);
		ck_assert_msg(scratch_sum("state/0000") == other, "%s: the other card", what);
		now = is_fresh(what, sum);
		fresh += now;
		old += !now;
		if (!o.killed && o.status == DONE)
			ck_assert_msg(now, "%s: the old card came back", what);
		if (!o.killed && strstr(told->why.text, "as it was") != NULL)
			ck_assert_msg(!now, "%s: the old card went away", what);
	}
	ck_assert_int_eq(o.status, DONE);
	ck_assert_msg(old > 30 / stride && fresh > 5 / stride, "%s: %u old, %u new", resets[_i].why, old, fresh);
}
END_TEST

static const struct {
	const char *why;
	int (*next)(void *);
	struct fault fault;
} troubles[] = {
	{ "list, I/O error", list, { FAULT_ERROR, 0, EIO } },
	{ "list, no descriptors", list, { FAULT_ERROR, 0, EMFILE } },
	{ "list, everything gone", list, { FAULT_CUT, 0, EIO } },
	{ "the other card's end, I/O error", destroy_first, { FAULT_ERROR, 0, EIO } },
	{ "the other card's end, no descriptors", destroy_first, { FAULT_ERROR, 0, EMFILE } },
};

/*
 * Killed between the two names, where no card is in place; and what comes next
 * is in trouble too: it must not take the card, nor the parent it lives under,
 * for gone.
 */
START_TEST(trouble_between_the_names)
{
	const unsigned stride = fault_stride();
	struct fault kill = { FAULT_KILL, 0, 0 }, fault = troubles[_i].fault;
	struct fault_outcome o = { .reached = true };
	char what[128];

	do {
		kill.nth++;
		two_cards();
		ck_assert(fault_run(&kill, start_over_without_exchange, NULL).reached);
	} while (scratch_exists("state/0001"));
	for (fault.nth = 1 + (unsigned)_i % stride; o.reached; fault.nth += stride) {
		two_cards();
		(void)fault_run(&kill, start_over_without_exchange, NULL);
		ck_assert(!scratch_exists("state/0001"));
		o = fault_run(&fault, troubles[_i].next, NULL);
		fake_tpm->open = 0;
		(void)snprintf(what, sizeof what, "%s at %s, call %u", troubles[_i].why, o.call,
		    fault.nth);
		next_run(fault.nth);
		installation_check(what);
		ck_assert_msg(scratch_exists("state/0001"), "%s: the card is gone", what);
		ck_assert_msg(is_fresh(what, 0), "%s: the old card came back", what);
	}
	ck_assert_int_eq(o.status, DONE);
}
END_TEST

/* Two accidents: one in the work, one in what clears up after it. */
static const struct {
	const char *why;
	int (*body)(void *), (*then)(void *);
} pairs[] = {
	{ "create, then list", create, list },
	{ "create, then create", create, create },
	{ "destroy, then list", destroy_second, list },
	{ "destroy, then destroy", destroy_second, destroy_second },
	{ "reset, then list", start_over_second, list },
	{ "reset, then reset", start_over_second, start_over_second },
	{ "reset, then create", start_over_without_exchange, create },
	{ "reset, then destroy", start_over_without_exchange, destroy_second },
};

START_TEST(two_accidents)
{
	struct fault first = { FAULT_KILL, 0, 0 }, second = { FAULT_KILL, 0, 0 };
	struct fault_outcome one = { .reached = true }, two;
	char what[128];

	/* Some points of each keep this within seconds; the steps differ, so all are met. */
	for (first.nth = (unsigned)_i + 1; one.reached; first.nth += 7 * fault_stride()) {
		two.reached = true;
		for (second.nth = first.nth % 5 + 1; two.reached; second.nth += 5 * fault_stride()) {
			two_cards();
			one = fault_run(&first, pairs[_i].body, NULL);
			two = fault_run(&second, pairs[_i].then, NULL);
			fake_tpm->open = 0;
			(void)snprintf(what, sizeof what, "%s, calls %u (%s) and %u (%s)",
			    pairs[_i].why, first.nth, one.call, second.nth, two.call);
			next_run(second.nth);
			installation_check(what);
			if (pairs[_i].body != destroy_second && pairs[_i].then != destroy_second)
				ck_assert_msg(scratch_exists("state/0001"), "%s: none", what);
		}
	}
}
END_TEST

static void
setup(void)
{
	if (told == NULL)
		told = mmap(
		    NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(told, MAP_FAILED);
	installation_setup();
}

int
main(void)
{
	Suite *suite = suite_create("transactions");
	TCase *tc = tcase_create("transactions");

	tcase_add_checked_fixture(tc, setup, installation_teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_rows(tc, accident, accidents);
	tcase_add_rows(tc, reset, resets);
	tcase_add_rows(tc, trouble_between_the_names, troubles);
	tcase_add_rows(tc, two_accidents, pairs);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
