/* SPDX-License-Identifier: BSD-2-Clause */
/* What is put is there, whole, whatever happens at whichever system call. */
#include "store/files.h"
#include "tests/faults.h"
#include "tests/one_card.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <errno.h>
#include <string.h>

static bool
holds(struct rbuf value)
{
	return one_card_holds(value, value);
}

/* The three changes of an item, in a child: 0, or 1 + enum store_err. */
static int
put_new(void *context)
{
	struct files *f = NULL;
	struct store *s = NULL;
	enum store_err err = STORE_FAULT;

	(void)context;
	if (files_open(scratch_path("state"), false, &f, NULL) == FILES_OK &&
	    files_store_open(f, 0, &s, NULL) == FILES_OK)
		err = store_put(s, STORE_KEY, 0x9a, NEW);
	files_store_close(s);
	files_close(f);
	return (int)err;
}

static int
remove_it(void *context)
{
	struct files *f = NULL;
	struct store *s = NULL;
	enum store_err err = STORE_FAULT;

	(void)context;
	if (files_open(scratch_path("state"), false, &f, NULL) == FILES_OK &&
	    files_store_open(f, 0, &s, NULL) == FILES_OK)
		err = store_remove(s, STORE_KEY, 0x9a);
	files_store_close(s);
	files_close(f);
	return (int)err;
}

static int
read_it(void *context)
{
	static uint8_t octets[STORE_ITEM_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct files *f = NULL;
	struct store *s = NULL;
	enum store_err err = STORE_FAULT;

	(void)context;
	if (files_open(scratch_path("state"), false, &f, NULL) == FILES_OK &&
	    files_store_open(f, 0, &s, NULL) == FILES_OK)
		err = store_get(s, STORE_KEY, 0x9a, &out);
	files_store_close(s);
	files_close(f);
	if (err == STORE_OK && !rbuf_eq(wbuf_view(&out), OLD))
		return 99;
	return err != STORE_OK && out.len != 0 ? 98 : (int)err;
}

static const struct {
	const char *why;
	int (*body)(void *);
	size_t after;       /* length of the new state: NEW, none or OLD */
	struct fault fault; /* at every n */
} accidents[] = {
	{ "put, killed", put_new, NEW_LEN, { FAULT_KILL, 0, 0 } },
	{ "put, I/O error", put_new, NEW_LEN, { FAULT_ERROR, 0, EIO } },
	{ "put, no space", put_new, NEW_LEN, { FAULT_ERROR, 0, ENOSPC } },
	{ "put, over quota", put_new, NEW_LEN, { FAULT_ERROR, 0, EDQUOT } },
	{ "put, no right", put_new, NEW_LEN, { FAULT_ERROR, 0, EACCES } },
	{ "put, disk gone", put_new, NEW_LEN, { FAULT_CUT, 0, EIO } },
	{ "put, read-only from here on", put_new, NEW_LEN, { FAULT_CUT, 0, EROFS } },
	{ "remove, killed", remove_it, 0, { FAULT_KILL, 0, 0 } },
	{ "remove, I/O error", remove_it, 0, { FAULT_ERROR, 0, EIO } },
	{ "remove, disk gone", remove_it, 0, { FAULT_CUT, 0, EIO } },
	{ "read, I/O error", read_it, OLD_LEN, { FAULT_ERROR, 0, EIO } },
	{ "read, no descriptors", read_it, OLD_LEN, { FAULT_ERROR, 0, EMFILE } },
	{ "read, killed", read_it, OLD_LEN, { FAULT_KILL, 0, 0 } },
};

START_TEST(accident_with_an_item)
{
	struct fault fault = accidents[_i].fault;
	struct rbuf after = accidents[_i].after == NEW_LEN   ? NEW
			    : accidents[_i].after == OLD_LEN ? OLD
							     : rbuf_of(NULL, 0);
	struct fault_outcome o = { .reached = true };

	for (fault.nth = 1; o.reached; fault.nth++) {
		scratch_remove("state/0000");
		one_card_make(0, OLD);
		o = fault_run(&fault, accidents[_i].body, NULL);
		if (!o.reached)
			break;
		ck_assert_msg(one_card_holds(OLD, after), "%s at %s, call %u: neither old nor new",
		    accidents[_i].why, o.call, fault.nth);
		/* An error told is an error, but for one of the last fsync: then the new one is
		 * there. */
		ck_assert_msg(o.killed == (fault.kind == FAULT_KILL), "%s", accidents[_i].why);
		if (!o.killed)
			ck_assert_msg(o.status != 0 || holds(after), "%s at %s, call %u: untrue",
			    accidents[_i].why, o.call, fault.nth);
		if (!o.killed && (fault.error == ENOSPC || fault.error == EDQUOT) &&
		    (strcmp(o.call, "write") == 0 || strcmp(o.call, "fsync") == 0))
			ck_assert_int_eq(o.status, STORE_FULL);
		if (fault.kind == FAULT_ERROR)
			ck_assert_msg(!scratch_exists("state/0000/.tmp"), "%s at %s: litter",
			    accidents[_i].why, o.call);
		/* A repeat works and clears up. */
		ck_assert_int_eq(put_new(NULL), 0);
		ck_assert(holds(NEW));
		ck_assert(!scratch_exists("state/0000/.tmp"));
	}
	ck_assert_int_eq(o.status, 0);
	ck_assert_msg(fault.nth > 4, "%s: only %u calls", accidents[_i].why, fault.nth - 1);
}
END_TEST

static int
move_it(void *context)
{
	struct files *f = NULL;
	struct store *s = NULL;
	enum store_err err = STORE_FAULT;

	(void)context;
	if (files_open(scratch_path("state"), false, &f, NULL) == FILES_OK &&
	    files_store_open(f, 0, &s, NULL) == FILES_OK)
		err = store_move(s, STORE_KEY_NEXT, 0x9a, STORE_KEY, 0x9a);
	files_store_close(s);
	files_close(f);
	return (int)err;
}

static const struct fault move_faults[] = {
	{ FAULT_KILL, 0, 0 },
	{ FAULT_ERROR, 0, EIO },
	{ FAULT_ERROR, 0, ENOSPC },
	{ FAULT_CUT, 0, EIO },
};

/* The old item and the new one beside it, or the new one in its place: nothing else. */
START_TEST(accident_with_a_move)
{
	struct fault fault = move_faults[_i];
	struct fault_outcome o = { .reached = true };
	bool moved;

	for (fault.nth = 1; o.reached; fault.nth++) {
		scratch_remove("state/0000");
		one_card_make(0, OLD);
		scratch_write("state/0000/next-9a", NEW, 0600);
		o = fault_run(&fault, move_it, NULL);
		if (!o.reached)
			break;
		moved = !scratch_exists("state/0000/next-9a");
		ck_assert_msg(holds(moved ? NEW : OLD), "call %u, %s", fault.nth, o.call);
		ck_assert_msg(o.killed || o.status != STORE_OK || moved, "call %u, %s: untrue",
		    fault.nth, o.call);
		ck_assert_uint_eq(scratch_count("state/0000"), moved ? 3 : 4);
		ck_assert_int_eq(move_it(NULL), moved ? STORE_ABSENT : STORE_OK);
		ck_assert(holds(NEW));
	}
	ck_assert_int_eq(o.status, STORE_OK);
	ck_assert_msg(fault.nth > 2, "only %u calls", fault.nth - 1);
	ck_assert_msg(strstr(o.trace, "renameat fsync ") != NULL, "%s", o.trace);
}
END_TEST

static int
make_second(void *context)
{
	struct files *f = NULL;
	struct store *s = NULL;
	bool ok;

	(void)context;
	ok = files_open(scratch_path("state"), false, &f, NULL) == FILES_OK &&
	     files_begin(f, 1, &s, NULL) == FILES_OK &&
	     store_put(s, STORE_KEY, 0x9b, OCTETS("key")) == STORE_OK &&
	     files_commit(f, 1, OCTETS("record"), NULL) == FILES_OK;
	files_store_close(s);
	files_close(f);
	return ok ? 0 : 1;
}

static int
remove_second(void *context)
{
	struct files *f = NULL;
	bool ok;

	(void)context;
	ok = files_open(scratch_path("state"), false, &f, NULL) == FILES_OK &&
	     files_remove(f, 1, NULL) == FILES_OK;
	files_close(f);
	return ok ? 0 : 1;
}

static int
journal_second(void *context)
{
	struct files *f = NULL;
	bool ok;

	(void)context;
	ok = files_open(scratch_path("state"), false, &f, NULL) == FILES_OK &&
	     files_journal_write(f, 1, JOURNAL_CREATING, OCTETS("claims"), NULL) == FILES_OK &&
	     files_journal_drop(f, 1, NULL) == FILES_OK;
	files_close(f);
	return ok ? 0 : 1;
}

static const struct {
	const char *why;
	int (*body)(void *);
	bool there; /* card 1, before */
	struct fault fault;
} directories[] = {
	{ "made, killed", make_second, false, { FAULT_KILL, 0, 0 } },
	{ "made, I/O error", make_second, false, { FAULT_ERROR, 0, EIO } },
	{ "made, no space", make_second, false, { FAULT_ERROR, 0, ENOSPC } },
	{ "made, disk gone", make_second, false, { FAULT_CUT, 0, EIO } },
	{ "removed, killed", remove_second, true, { FAULT_KILL, 0, 0 } },
	{ "removed, I/O error", remove_second, true, { FAULT_ERROR, 0, EIO } },
	{ "removed, disk gone", remove_second, true, { FAULT_CUT, 0, EIO } },
	{ "journal, killed", journal_second, true, { FAULT_KILL, 0, 0 } },
	{ "journal, I/O error", journal_second, true, { FAULT_ERROR, 0, EIO } },
};

/* A card's directory is there with all that belongs in it, or not at all (I1, I12). */
START_TEST(accident_with_a_card)
{
	struct fault fault = directories[_i].fault;
	struct fault_outcome o = { .reached = true };
	uint8_t octets[64];
	enum journal_verb verb;
	struct wbuf out;
	struct files *f;
	uint64_t other;

	one_card_make(0, OLD);
	other = scratch_sum("state/0000");
	for (fault.nth = 1; o.reached; fault.nth++) {
		ck_assert_int_eq(remove_second(NULL), 0);
		if (directories[_i].there)
			ck_assert_int_eq(make_second(NULL), 0);
		o = fault_run(&fault, directories[_i].body, NULL);
		if (!o.reached)
			break;
		f = one_card_state();
		if (files_has(f, 1)) {
			ck_assert_msg(
			    scratch_count("state/0001") == 2 && scratch_exists("state/0001/record"),
			    "%s at %s, call %u: half a card", directories[_i].why, o.call,
			    fault.nth);
		}
		if (!o.killed && o.status == 0)
			ck_assert_msg(files_has(f, 1) != (directories[_i].body == remove_second),
			    "%s at %s, call %u: untrue", directories[_i].why, o.call, fault.nth);
		out = wbuf_over(octets, sizeof octets);
		verb = JOURNAL_DESTROYING;
		if (files_journal_read(f, 1, &verb, &out, NULL) != FILES_ABSENT)
			ck_assert_msg(
			    verb == JOURNAL_CREATING && rbuf_eq(wbuf_view(&out), OCTETS("claims")),
			    "a torn journal");
		/* Whatever is left goes at the next call. */
		ck_assert_int_eq(files_lock(f, 0, NULL), FILES_OK);
		ck_assert_int_eq(files_remove(f, 1, NULL), FILES_OK);
		ck_assert_int_eq(files_journal_drop(f, 1, NULL), FILES_OK);
		files_close(f);
		ck_assert_uint_eq(scratch_count("state"), 2);
		ck_assert_uint_eq(scratch_sum("state/0000"), other);
	}
	ck_assert_int_eq(o.status, 0);
	ck_assert_msg(fault.nth > 6, "%s: only %u calls", directories[_i].why, fault.nth - 1);
}
END_TEST

static const struct {
	const char *why;
	int (*body)(void *);
	const char *order;
} orders[] = {
	{ "a file's content, then its name", put_new,
	    "unlinkat openat fchmod write fsync renameat fsync " },
	{ "a removed name", remove_it, "unlinkat fsync " },
	{ "a card's name comes last, after its two files and their names", make_second,
	    "getdents64 openat fsync openat fsync getdents64 fsync renameat fsync " },
	/* with its generation and the announcement of a change */
	{ "a card's name goes first", remove_second, "renameat unlinkat unlinkat fsync " },
	{ "a directory is gone for good", remove_second, "unlinkat unlinkat getdents64 unlinkat " },
};

/* What no kill shows, only a power cut: each step is on disk before the next. */
START_TEST(order_of_steps)
{
	struct fault none = { FAULT_KILL, 0, 0 };
	struct fault_outcome o;

	one_card_make(0, OLD);
	if (orders[_i].body == remove_second)
		ck_assert_int_eq(make_second(NULL), 0);
	o = fault_run(&none, orders[_i].body, NULL);
	ck_assert_int_eq(o.status, 0);
	ck_assert_msg(strstr(o.trace, orders[_i].order) != NULL, "%s: %s", orders[_i].why, o.trace);
	ck_assert_msg(strcmp(o.trace + strlen(o.trace) - strlen("fsync "), "fsync ") == 0, "%s: %s",
	    orders[_i].why, o.trace);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("durability");
	TCase *tc = tcase_create("durability");

	tcase_add_checked_fixture(tc, one_card_setup, scratch_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_rows(tc, accident_with_an_item, accidents);
	tcase_add_rows(tc, accident_with_a_move, move_faults);
	tcase_add_rows(tc, accident_with_a_card, directories);
	tcase_add_rows(tc, order_of_steps, orders);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
