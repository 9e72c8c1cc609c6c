/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A card's directory replaced by another: the old one or the new one is in
 * place, whole, whatever happens at whichever system call, on file systems that
 * can exchange two names and on those that cannot.
 */
#include "tests/faults.h"
#include "tests/one_card.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Put a card with 9A NEW and the record "the second" in the place of card 1, in a child. */
static int
replace(void *context)
{
	const bool *exchange = context;
	struct files *f = NULL;
	struct store *s = NULL;
	bool ok;

	if (!*exchange)
		fault_refuse_exchange();
	ok = files_open(scratch_path("state"), false, &f, NULL) == FILES_OK &&
	     files_begin(f, 1, &s, NULL) == FILES_OK &&
	     store_put(s, STORE_KEY, 0x9a, NEW) == STORE_OK &&
	     files_replace(f, 1, OCTETS("the second"), NULL) == FILES_OK;
	files_store_close(s);
	files_close(f);
	return ok ? 0 : 1;
}

/* Whether the second card is in place; the test ends when it is neither, or half of one. */
static bool
second_in_place(struct files *f, const char *what)
{
	uint8_t record_octets[64], key_octets[STORE_ITEM_MAX];
	struct wbuf record = wbuf_over(record_octets, sizeof record_octets);
	struct wbuf key = wbuf_over(key_octets, sizeof key_octets);
	struct store *s = one_card_items(f, 1);
	bool second;

	ck_assert_int_eq(files_record(f, 1, &record, NULL), FILES_OK);
	ck_assert_int_eq(store_get(s, STORE_KEY, 0x9a, &key), STORE_OK);
	files_store_close(s);
	second = rbuf_eq(wbuf_view(&record), OCTETS("the second"));
	ck_assert_msg(second || rbuf_eq(wbuf_view(&record), OCTETS("the record")), "%s", what);
	ck_assert_msg(rbuf_eq(wbuf_view(&key), second ? NEW : OLD), "%s: a mixture", what);
	ck_assert_uint_eq(scratch_count("state/0001"), second ? 2 : 3);
	return second;
}

static const struct {
	const char *why;
	bool exchange;
	struct fault fault;
} accidents[] = {
	{ "killed", true, { FAULT_KILL, 0, 0 } },
	{ "I/O error", true, { FAULT_ERROR, 0, EIO } },
	{ "no space", true, { FAULT_ERROR, 0, ENOSPC } },
	{ "not supported", true, { FAULT_ERROR, 0, EINVAL } },
	{ "disk gone", true, { FAULT_CUT, 0, EIO } },
	{ "without exchange, killed", false, { FAULT_KILL, 0, 0 } },
	{ "without exchange, I/O error", false, { FAULT_ERROR, 0, EIO } },
	{ "without exchange, disk gone", false, { FAULT_CUT, 0, EIO } },
};

START_TEST(accident)
{
	bool exchange = accidents[_i].exchange, absent = false, second;
	struct fault fault = accidents[_i].fault;
	struct fault_outcome o = { .reached = true };
	struct failure why;
	uint64_t other;
	struct files *f;

	one_card_make(0, OLD);
	other = scratch_sum("state/0000");
	for (fault.nth = 1; o.reached; fault.nth++) {
		scratch_remove("state/0001");
		one_card_make(1, OLD);
		o = fault_run(&fault, replace, &exchange);
		why = (struct failure){ "" };
		f = one_card_state();
		absent |= !files_has(f, 1);
		ck_assert_msg(!exchange || files_has(f, 1), "%s: a moment without a card", o.call);
		ck_assert_msg(files_resume(f, 1, &why) == FILES_OK, "%s", why.text);
		second = second_in_place(f, o.call);
		ck_assert_msg(o.killed || o.status != 0 || second, "%s: untrue", o.call);
		ck_assert_msg(files_clear(f, 1, &why) == FILES_OK, "%s", why.text);
		ck_assert_msg(second_in_place(f, o.call) == second, "%s: not any more", o.call);
		files_close(f);
		ck_assert_uint_eq(scratch_count("state"), 2);
		ck_assert_uint_eq(scratch_sum("state/0000"), other);
	}
	ck_assert_int_eq(o.status, 0);
	ck_assert_msg(fault.nth > 12, "%s: only %u calls", accidents[_i].why, fault.nth - 1);
	/* The window that there is must have been met. */
	ck_assert_msg(exchange || absent, "%s: never between the two names", accidents[_i].why);
}
END_TEST

static const struct {
	const char *why;
	bool exchange;
	const char *order;
} orders[] = {
	{ "whole before it gets the name, the name for good", true,
	    "getdents64 openat fsync openat fsync getdents64 fsync renameat2 fsync " },
	{ "the old one stays beside it until then", false,
	    "getdents64 openat fsync openat fsync getdents64 fsync renameat2 renameat renameat fsync " },
};

START_TEST(order_of_steps)
{
	bool exchange = orders[_i].exchange;
	const struct fault none = { FAULT_KILL, 0, 0 };
	struct fault_outcome o;

	one_card_make(1, OLD);
	o = fault_run(&none, replace, &exchange);
	ck_assert_int_eq(o.status, 0);
	ck_assert_msg(strstr(o.trace, orders[_i].order) != NULL, "%s: %s", orders[_i].why, o.trace);
	ck_assert_uint_eq(scratch_count("state"), 2);
	ck_assert(scratch_exists(exchange ? "state/.new-0001/record" : "state/.gone-0001/record"));
}
END_TEST

/* ---- what is found ---- */

/* A directory; whole, when it has a record. */
static void
card_at(const char *name, const char *record)
{
	char path[64];

	scratch_mkdir(name, 0700);
	(void)snprintf(path, sizeof path, "%s/record", name);
	if (record != NULL)
		scratch_write(path, rbuf_str(record), 0600);
}

static void
both(void)
{
	card_at("state/0000", "in place");
	card_at("state/.new-0000", "new");
	card_at("state/.gone-0000", "gone");
}

static void
between(void)
{
	card_at("state/.new-0000", "new");
	card_at("state/.gone-0000", "gone");
}

static void
only_old(void)
{
	card_at("state/.new-0000", NULL);
	card_at("state/.gone-0000", "gone");
}

static void
halves(void)
{
	card_at("state/.new-0000", NULL);
	card_at("state/.gone-0000", NULL);
}

static void
nothing(void)
{
}

static void
links(void)
{
	scratch_mkdir("elsewhere", 0700);
	scratch_write("elsewhere/record", OCTETS("elsewhere"), 0600);
	scratch_symlink(scratch_path("elsewhere"), "state/.new-0000");
	scratch_write("state/.gone-0000", OCTETS("a file"), 0600);
}

static const struct {
	const char *why;
	void (*prepare)(void);
	const char *record; /* of the card in place afterwards; NULL: none */
} finds[] = {
	{ "a card is in place: it stays", both, "in place" },
	{ "between the two names: the new one", between, "new" },
	{ "the new one is not whole: the old one", only_old, "gone" },
	{ "neither is whole", halves, NULL },
	{ "nothing", nothing, NULL },
	{ "what we would never make", links, NULL },
};

START_TEST(found)
{
	uint8_t octets[64];
	struct wbuf record = wbuf_over(octets, sizeof octets);
	struct failure why = { "" };
	struct files *f = one_card_state();

	finds[_i].prepare();
	ck_assert_msg(files_resume(f, 0, &why) == FILES_OK, "%s", why.text);
	ck_assert_msg(files_has(f, 0) == (finds[_i].record != NULL), "%s", finds[_i].why);
	if (finds[_i].record != NULL) {
		ck_assert_int_eq(files_record(f, 0, &record, NULL), FILES_OK);
		ck_assert_msg(rbuf_eq(wbuf_view(&record), rbuf_str(finds[_i].record)), "%s",
		    finds[_i].why);
	}
	ck_assert_msg(files_clear(f, 0, &why) == FILES_OK, "%s", why.text);
	ck_assert_uint_eq(scratch_count("state"), finds[_i].record != NULL ? 1 : 0);
	ck_assert_msg(finds[_i].prepare != links || scratch_exists("elsewhere/record"), "followed");
	files_close(f);
}
END_TEST

/* Who is told that all is well and finds no card in place, erases both. */
START_TEST(what_cannot_be_seen_is_not_gone)
{
	struct rlimit before, few;
	struct files *f = one_card_state();
	struct failure why = { "" };
	int fds[64];
	size_t n = 0;

	between();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = sizeof fds / sizeof fds[0];
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	while ((fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n++;
	ck_assert_int_eq(errno, EMFILE);
	ck_assert_int_eq(files_resume(f, 0, &why), FILES_FAULT);
	while (n > 0)
		ck_assert_int_eq(close(fds[--n]), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_msg(strstr(why.text, ".new-0000") != NULL, "%s", why.text);
	ck_assert_int_eq(files_resume(f, 0, NULL), FILES_OK);
	ck_assert(files_has(f, 0));
	files_close(f);
}
END_TEST

/* Without a begun card, or without one to replace, nothing happens. */
START_TEST(nothing_to_replace)
{
	struct failure why = { "" };
	struct files *f = one_card_state();
	struct store *s = NULL;

	one_card_make(0, OLD);
	ck_assert_int_eq(files_replace(f, 0, OCTETS("r"), &why), FILES_ABSENT);
	ck_assert(failed(&why));
	ck_assert_int_eq(files_begin(f, 1, &s, NULL), FILES_OK);
	files_store_close(s);
	ck_assert_int_eq(files_replace(f, 1, OCTETS("r"), &why), FILES_ABSENT);
	ck_assert(!files_has(f, 1));
	ck_assert(one_card_holds(OLD, OLD));
	files_close(f);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("replace");
	TCase *tc = tcase_create("replace");

	tcase_add_checked_fixture(tc, one_card_setup, scratch_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_rows(tc, accident, accidents);
	tcase_add_rows(tc, order_of_steps, orders);
	tcase_add_rows(tc, found, finds);
	tcase_add_test(tc, what_cannot_be_seen_is_not_gone);
	tcase_add_test(tc, nothing_to_replace);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
