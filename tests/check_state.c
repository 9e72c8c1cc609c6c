/* SPDX-License-Identifier: BSD-2-Clause */
/* The state directory's journals, the tools' lock, the driver's watch. */
#include "store/files.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OCTETS(text) rbuf_of((text), sizeof(text) - 1)

static void
hush(enum log_level level, const char *text)
{
	(void)level;
	(void)text;
}

static struct files *
open_state(void)
{
	struct failure why = { "" };
	struct files *f = NULL;

	ck_assert_msg(
	    files_open(scratch_path("state"), true, &f, &why) == FILES_OK, "%s", why.text);
	return f;
}

/* A card with a record, two items and nothing else. */
static void
make_card(struct files *f, unsigned instance, const char *record)
{
	struct failure why = { "" };
	struct store *s = NULL;

	ck_assert_msg(files_begin(f, instance, &s, &why) == FILES_OK, "%s", why.text);
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x9b, rbuf_str("the key")), STORE_OK);
	ck_assert_int_eq(store_put(s, STORE_OBJECT, 0x5fc102, rbuf_str("the object")), STORE_OK);
	files_store_close(s);
	ck_assert_msg(
	    files_commit(f, instance, rbuf_str(record), &why) == FILES_OK, "%s", why.text);
}

static void
nothing(void)
{
}

static void
good(void)
{
	scratch_mkdir("state", 0700);
}

/* ---- journals ---- */

START_TEST(journal_round)
{
	uint8_t octets[8], claims[300];
	struct wbuf out = wbuf_over(octets, sizeof octets), all = wbuf_over(claims, sizeof claims);
	enum journal_verb verb = JOURNAL_CREATING;
	struct failure why = { "" };
	struct files *f = open_state();

	ck_assert_int_eq(files_journal_read(f, 3, &verb, &out, &why), FILES_ABSENT);
	ck_assert_int_eq(files_journal_drop(f, 3, &why), FILES_OK);
	ck_assert_int_eq(
	    files_journal_write(f, 3, JOURNAL_DESTROYING, OCTETS("claims"), &why), FILES_OK);
	ck_assert_int_eq(files_journal_read(f, 4, &verb, &out, &why), FILES_ABSENT);
	ck_assert(!failed(&why));
	ck_assert_int_eq(files_journal_read(f, 3, &verb, &out, &why), FILES_OK);
	ck_assert_int_eq(verb, JOURNAL_DESTROYING);
	ck_assert(rbuf_eq(wbuf_view(&out), OCTETS("claims")));
	ck_assert_int_eq(
	    files_journal_write(f, 3, JOURNAL_CREATING, OCTETS("other"), &why), FILES_OK);
	/* It does not fit behind the first: the first stays. */
	ck_assert_int_eq(files_journal_read(f, 3, &verb, &out, &why), FILES_FAULT);
	ck_assert(wbuf_ok(&out) && rbuf_eq(wbuf_view(&out), OCTETS("claims")));
	ck_assert_int_eq(verb, JOURNAL_DESTROYING);
	wbuf_fill(&all, 7, sizeof claims);
	ck_assert_int_eq(
	    files_journal_write(f, 3, JOURNAL_CREATING, wbuf_view(&all), &why), FILES_OK);
	ck_assert_int_eq(
	    files_journal_write(f, 3, JOURNAL_REPLACING, wbuf_view(&all), &why), FILES_OK);
	wbuf_truncate(&all, 0);
	ck_assert_int_eq(files_journal_read(f, 3, &verb, &all, &why), FILES_OK);
	ck_assert_int_eq(verb, JOURNAL_REPLACING);
	ck_assert_uint_eq(all.len, sizeof claims);
	ck_assert_int_eq(files_journal_drop(f, 3, &why), FILES_OK);
	ck_assert_int_eq(files_journal_read(f, 3, &verb, &out, &why), FILES_ABSENT);
	ck_assert_uint_eq(scratch_count("state"), 0);
	files_close(f);
}
END_TEST

#define GOOD_JOURNAL "tpmvsc-J\0\1\0\0D\0\2ab"

/* clang-format off */
static const struct {
	const char *why;
	struct rbuf content;
	const char *says;
} journals[] = {
#define ROW(why, text, says) { why, { (const uint8_t *)(text), sizeof(text) - 1 }, says }
	ROW("empty", "", "not a journal"),
	ROW("text", "hello, world\n", "not a journal"),
	ROW("another magic", "tpmvsc-K\0\1\0\0D\0\2ab", "not a journal"),
	ROW("magic alone", "tpmvsc-J", "cut short"),
	ROW("half a version", "tpmvsc-J\0", "cut short"),
	ROW("version 0", "tpmvsc-J\0\0\0\0D\0\2ab", "another version"),
	ROW("version 2", "tpmvsc-J\0\2\0\0D\0\2ab", "another version"),
	ROW("no instance", "tpmvsc-J\0\1", "cut short"),
	ROW("no verb", "tpmvsc-J\0\1\0\0", "cut short"),
	ROW("no length", "tpmvsc-J\0\1\0\0D", "cut short"),
	ROW("half a length", "tpmvsc-J\0\1\0\0D\0", "cut short"),
	ROW("another card's", "tpmvsc-J\0\1\0\1D\0\2ab", "another card"),
	ROW("unknown verb", "tpmvsc-J\0\1\0\0E\0\2ab", "neither"),
	ROW("verb 0", "tpmvsc-J\0\1\0\0\0\0\2ab", "neither"),
	ROW("claims cut short", "tpmvsc-J\0\1\0\0D\0\2a", "length"),
	ROW("claims missing", "tpmvsc-J\0\1\0\0D\0\2", "length"),
	ROW("one octet more", "tpmvsc-J\0\1\0\0D\0\2abc", "length"),
	ROW("length lies high", "tpmvsc-J\0\1\0\0D\377\377ab", "length"),
#undef ROW
};
/* clang-format on */

START_TEST(journal_damaged)
{
	uint8_t octets[64];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	enum journal_verb verb = JOURNAL_CREATING;
	struct failure why = { "" };
	struct files *f = open_state();

	scratch_write("state/.journal-0000", OCTETS(GOOD_JOURNAL), 0600);
	ck_assert_int_eq(files_journal_read(f, 0, &verb, &out, &why), FILES_OK);
	ck_assert(rbuf_eq(wbuf_view(&out), OCTETS("ab")));
	wbuf_truncate(&out, 0);
	scratch_write("state/.journal-0000", journals[_i].content, 0600);
	ck_assert_msg(
	    files_journal_read(f, 0, &verb, &out, &why) == FILES_FAULT, "%s", journals[_i].why);
	ck_assert_msg(
	    strstr(why.text, journals[_i].says) != NULL, "%s: %s", journals[_i].why, why.text);
	ck_assert_ptr_nonnull(strstr(why.text, ".journal-0000"));
	ck_assert_uint_eq(out.len, 0);
	files_close(f);
}
END_TEST

START_TEST(journal_too_long)
{
	static uint8_t octets[70000];
	struct failure why = { "" };
	struct files *f = open_state();

	ck_assert_int_eq(
	    files_journal_write(f, 0, JOURNAL_CREATING, rbuf_of(octets, sizeof octets), &why),
	    FILES_FAULT);
	ck_assert_uint_eq(scratch_count("state"), 0);
	files_close(f);
}
END_TEST

/* ---- the lock ---- */

START_TEST(lock_excludes)
{
	struct failure why = { "" };
	struct files *one = open_state(), *two = open_state();
	int status;
	pid_t pid;

	scratch_write("state/.tmp", OCTETS("left by a killed run"), 0600);
	ck_assert_int_eq(files_lock(one, 0, &why), FILES_OK);
	ck_assert_int_eq(files_lock(one, 0, &why), FILES_OK);
	ck_assert(!scratch_exists("state/.tmp"));
	ck_assert_int_eq(files_lock(two, 0, &why), FILES_FAULT);
	ck_assert_ptr_nonnull(strstr(why.text, "another tpmvscmgr"));
	files_close(one);
	ck_assert_int_eq(files_lock(two, 0, &why), FILES_OK);
	files_close(two);

	/* A killed holder lets go. */
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		one = NULL;
		if (files_open(scratch_path("state"), false, &one, NULL) == FILES_OK &&
		    files_lock(one, 0, NULL) == FILES_OK)
			scratch_write("locked", OCTETS(""), 0600);
		for (;;)
			(void)pause();
	}
	while (!scratch_exists("locked"))
		(void)usleep(1000);
	one = open_state();
	ck_assert_int_eq(files_lock(one, 0, &why), FILES_FAULT);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(files_lock(one, 10, &why), FILES_OK);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	files_close(one);
}
END_TEST

/* ---- the watch ---- */

static void
touch_lock(void)
{
	scratch_write("state/.lock", OCTETS("again"), 0600);
}

static void
card_made(void)
{
	struct files *f = open_state();

	make_card(f, 3, "r");
	files_close(f);
}

static void
other_made(void)
{
	struct files *f = open_state();

	make_card(f, 4, "r");
	files_close(f);
}

static void
card_removed(void)
{
	struct files *f = open_state();

	ck_assert_int_eq(files_remove(f, 3, NULL), FILES_OK);
	files_close(f);
}

static void
item_written(void)
{
	struct files *f = open_state();
	struct store *s = NULL;

	ck_assert_int_eq(files_store_open(f, 3, &s, NULL), FILES_OK);
	ck_assert_int_eq(store_put(s, STORE_OBJECT, 0x5fc105, OCTETS("x")), STORE_OK);
	files_store_close(s);
	files_close(f);
}

static void
journal_written(void)
{
	struct files *f = open_state();

	ck_assert_int_eq(files_journal_write(f, 3, JOURNAL_CREATING, OCTETS("x"), NULL), FILES_OK);
	files_close(f);
}

static void
similar_name(void)
{
	scratch_mkdir("state/00031", 0700);
}

static void
flood(void)
{
	char name[32];
	int i;

	for (i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof name, "state/x%d", i);
		scratch_write(name, OCTETS(""), 0600);
		ck_assert_int_eq(unlink(scratch_path(name)), 0);
	}
}

static void
directory_moved(void)
{
	ck_assert_int_eq(rename(scratch_path("state"), scratch_path("moved")), 0);
}

static void
directory_removed(void)
{
	scratch_remove("state");
}

static void
with_card(void)
{
	good();
	card_made();
	touch_lock();
}

static void
with_lock(void)
{
	good();
	touch_lock();
}

static const struct {
	const char *why;
	void (*before)(void), (*act)(void);
	bool wakes, changed;
} watchings[] = {
	{ "nothing happens", with_lock, nothing, false, false },
	{ "a lock file is written", with_lock, touch_lock, false, false },
	{ "the card is made", with_lock, card_made, true, true },
	{ "another card is made", with_lock, other_made, true, false },
	{ "the card is removed", with_card, card_removed, true, true },
	{ "an item is written", with_card, item_written, false, false },
	{ "a journal is written", with_card, journal_written, true, false },
	{ "a name that begins with the card's", with_card, similar_name, true, false },
	{ "more events than the queue holds", with_lock, flood, true, true },
	{ "the directory is moved", with_card, directory_moved, true, true },
	{ "the directory is removed", with_card, directory_removed, true, true },
};

START_TEST(watching)
{
	struct failure why = { "" };
	struct files_watch *w = NULL;
	struct pollfd p = { .events = POLLIN };
	bool changed;

	watchings[_i].before();
	ck_assert_msg(
	    files_watch_open(scratch_path("state"), &w, &why) == FILES_OK, "%s", why.text);
	p.fd = files_watch_fd(w);
	watchings[_i].act();
	ck_assert_msg((poll(&p, 1, 0) == 1) == watchings[_i].wakes, "%s: wakes", watchings[_i].why);
	changed = files_watch_drain(w, 3);
	ck_assert_msg(
	    changed == watchings[_i].changed, "%s: changed %d", watchings[_i].why, changed);
	ck_assert_msg(poll(&p, 1, 0) == 0, "%s: drained", watchings[_i].why);
	files_watch_close(w);
}
END_TEST

START_TEST(watch_survives_its_directory)
{
	struct files_watch *w = NULL;

	with_card();
	ck_assert_int_eq(files_watch_open(scratch_path("state"), &w, NULL), FILES_OK);
	directory_removed();
	ck_assert(files_watch_drain(w, 3));
	ck_assert_msg(files_watch_drain(w, 3), "without a directory anything may have changed");
	with_lock();
	ck_assert_msg(files_watch_drain(w, 3), "it is back, with who knows what");
	ck_assert(!files_watch_drain(w, 3));
	card_made();
	ck_assert(files_watch_drain(w, 3));
	files_watch_close(w);
}
END_TEST

START_TEST(watch_without_directory)
{
	struct failure why = { "" };
	struct files_watch *w = NULL;

	ck_assert_int_eq(files_watch_open(scratch_path("state"), &w, &why), FILES_ABSENT);
	ck_assert_ptr_nonnull(strstr(why.text, "cannot watch"));
	ck_assert_ptr_null(w);
	files_watch_close(NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("state");
	TCase *tc = tcase_create("state");

	log_open(LOG_LEVEL_ERROR, hush);
	tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, journal_round);
	tcase_add_rows(tc, journal_damaged, journals);
	tcase_add_test(tc, journal_too_long);
	tcase_add_test(tc, lock_excludes);
	tcase_add_rows(tc, watching, watchings);
	tcase_add_test(tc, watch_survives_its_directory);
	tcase_add_test(tc, watch_without_directory);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
