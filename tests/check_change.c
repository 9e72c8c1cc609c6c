/* SPDX-License-Identifier: BSD-2-Clause */
/* Announced changes and generations in the state directory, and what is tidied up there. */
#include "store/files.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct files *files;

static void
setup(void)
{
	struct store *store = NULL;

	scratch_setup();
	ck_assert_int_eq(files_open(scratch_path("state"), true, &files, NULL), FILES_OK);
	ck_assert_int_eq(files_lock(files, 0, NULL), FILES_OK);
	ck_assert_int_eq(files_begin(files, 0, &store, NULL), FILES_OK);
	files_store_close(store);
	ck_assert_int_eq(files_commit(files, 0, rbuf_str("record"), NULL), FILES_OK);
}

static void
teardown(void)
{
	files_close(files);
	scratch_teardown();
}

static size_t
generation(uint8_t octets[FILES_GENERATION_MAX])
{
	struct wbuf w = wbuf_over(octets, FILES_GENERATION_MAX);

	ck_assert_int_eq(files_generation(files, 0, &w, NULL), FILES_OK);
	return w.len;
}

START_TEST(generations)
{
	uint8_t first[FILES_GENERATION_MAX], second[FILES_GENERATION_MAX];

	ck_assert_uint_eq(generation(first), 0);
	ck_assert(!files_changing(files, 0) && !files_unfinished(files));
	ck_assert_int_eq(files_change_end(files, 0, true, NULL), FILES_OK);
	ck_assert_msg(generation(first) == 0, "nothing was announced");

	ck_assert_int_eq(files_change_begin(files, 0, NULL), FILES_OK);
	ck_assert(files_changing(files, 0) && files_unfinished(files));
	ck_assert(!files_changing(files, 1));
	ck_assert_msg(generation(first) == 0, "announced is not made");
	ck_assert_int_eq(files_change_end(files, 0, false, NULL), FILES_OK);
	ck_assert(!files_changing(files, 0) && !files_unfinished(files));
	ck_assert_uint_eq(generation(first), 0);

	ck_assert_int_eq(files_change_begin(files, 0, NULL), FILES_OK);
	ck_assert_int_eq(files_change_end(files, 0, true, NULL), FILES_OK);
	ck_assert_uint_eq(generation(first), sizeof first);
	ck_assert_msg(!files_unfinished(files), "a generation is nobody's unfinished work");
	ck_assert_int_eq(files_change_begin(files, 0, NULL), FILES_OK);
	ck_assert_int_eq(files_change_begin(files, 0, NULL), FILES_OK);
	ck_assert_int_eq(files_change_end(files, 0, true, NULL), FILES_OK);
	ck_assert_uint_eq(generation(second), sizeof second);
	ck_assert_mem_ne(first, second, sizeof first);
}
END_TEST

/* What becomes of them with the card. */
START_TEST(removed_with_the_card)
{
	uint8_t octets[FILES_GENERATION_MAX];
	struct store *store = NULL;

	ck_assert_int_eq(files_change_begin(files, 0, NULL), FILES_OK);
	ck_assert_int_eq(files_change_end(files, 0, true, NULL), FILES_OK);
	ck_assert_int_eq(files_begin(files, 0, &store, NULL), FILES_OK);
	files_store_close(store);
	ck_assert_int_eq(files_replace(files, 0, rbuf_str("another"), NULL), FILES_OK);
	ck_assert_int_eq(files_clear(files, 0, NULL), FILES_OK);
	ck_assert_msg(generation(octets) != 0, "a reset keeps the generation");
	ck_assert_int_eq(files_change_begin(files, 0, NULL), FILES_OK);
	ck_assert_int_eq(files_remove(files, 0, NULL), FILES_OK);
	ck_assert_uint_eq(generation(octets), 0);
	ck_assert(!files_changing(files, 0));
	ck_assert_msg(scratch_count("state") == 1, "but the lock file nothing is left");
}
END_TEST

static bool
noticed(struct files_watch *watch, unsigned instance)
{
	struct pollfd fd = { .fd = files_watch_fd(watch), .events = POLLIN };

	return poll(&fd, 1, 0) == 1 && files_watch_drain(watch, instance);
}

START_TEST(watched)
{
	struct files_watch *watch = NULL;

	ck_assert_int_eq(files_watch_open(scratch_path("state"), &watch, NULL), FILES_OK);
	ck_assert_int_eq(files_change_begin(files, 0, NULL), FILES_OK);
	ck_assert_msg(!noticed(watch, 0), "announced");
	ck_assert_int_eq(files_change_end(files, 0, false, NULL), FILES_OK);
	ck_assert_msg(!noticed(watch, 0), "not made");
	ck_assert_int_eq(files_change_begin(files, 0, NULL), FILES_OK);
	ck_assert_int_eq(files_change_end(files, 0, true, NULL), FILES_OK);
	ck_assert_msg(noticed(watch, 0), "made");
	ck_assert_msg(!noticed(watch, 0), "once");
	ck_assert_int_eq(files_change_begin(files, 0, NULL), FILES_OK);
	ck_assert_int_eq(files_change_end(files, 0, true, NULL), FILES_OK);
	ck_assert_msg(!noticed(watch, 1), "another card's");
	files_watch_close(watch);
}
END_TEST

/* ---- a card's files, changed by anybody ---- */

static void
look_only(void)
{
	uint8_t octets[64];

	ck_assert_uint_eq(scratch_read("state/0000/key-9a", octets, sizeof octets), 3);
	ck_assert_uint_eq(scratch_count("state/0000"), 2);
}

static void
change_another(void)
{
	scratch_write("state/0001", rbuf_str("x"), 0600);
	scratch_write("state/.generation-0000", rbuf_str("x"), 0600);
}

static void
make_item(void)
{
	scratch_write("state/0000/key-9c", rbuf_str("new"), 0600);
}

static void
write_in_place(void)
{
	FILE *file = fopen(scratch_path("state/0000/key-9a"), "r+");

	ck_assert(file != NULL && fputs("x", file) >= 0 && fclose(file) == 0);
}

static void
cut_short(void)
{
	ck_assert_int_eq(truncate(scratch_path("state/0000/key-9a"), 1), 0);
}

static void
open_to_others(void)
{
	scratch_chmod("state/0000/key-9a", 0644);
}

static void
link_it(void)
{
	scratch_hardlink("state/0000/key-9a", "elsewhere");
}

static void
remove_item(void)
{
	scratch_remove("state/0000/key-9a");
}

static void
rename_item(void)
{
	ck_assert_int_eq(
	    rename(scratch_path("state/0000/key-9a"), scratch_path("state/0000/key-9c")), 0);
}

static void
put_another_over_it(void)
{
	scratch_write("another", rbuf_str("another"), 0600);
	ck_assert_int_eq(rename(scratch_path("another"), scratch_path("state/0000/key-9a")), 0);
}

static void
write_as_the_driver_does(void)
{
	struct store *other = NULL;

	ck_assert_int_eq(files_store_open(files, 0, &other, NULL), FILES_OK);
	ck_assert_int_eq(store_put(other, STORE_KEY, 0x9a, rbuf_str("other")), STORE_OK);
	files_store_close(other);
}

static void
remove_card(void)
{
	ck_assert_int_eq(files_remove(files, 0, NULL), FILES_OK);
}

static void
replace_card(void)
{
	struct store *fresh = NULL;

	ck_assert_int_eq(files_begin(files, 0, &fresh, NULL), FILES_OK);
	files_store_close(fresh);
	ck_assert_int_eq(files_replace(files, 0, rbuf_str("another"), NULL), FILES_OK);
}

static const struct {
	const char *why;
	void (*act)(void);
	bool seen;
} changes[] = {
	{ "it is read", look_only, false },
	{ "something beside the card", change_another, false },
	{ "an item more", make_item, true },
	{ "an item is written in place", write_in_place, true },
	{ "an item is cut short", cut_short, true },
	{ "an item's mode", open_to_others, true },
	/* The kernel does not tell a directory.  Such a file is refused when it is read again. */
	{ "an item's links", link_it, false },
	{ "an item less", remove_item, true },
	{ "an item's name", rename_item, true },
	{ "another file in an item's place", put_another_over_it, true },
	{ "another client of this room", write_as_the_driver_does, true },
	{ "the card goes", remove_card, true },
	{ "another card in its place", replace_card, true },
};

START_TEST(files_changed)
{
	struct store *store = NULL;
	int i;

	scratch_write("state/0000/key-9a", rbuf_str("key"), 0600);
	ck_assert_int_eq(files_store_open(files, 0, &store, NULL), FILES_OK);
	ck_assert_msg(files_store_changed(store), "nobody knows what was before");
	ck_assert(!files_store_changed(store));
	changes[_i].act();
	ck_assert_msg(files_store_changed(store) == changes[_i].seen, "%s", changes[_i].why);
	ck_assert_msg(!files_store_changed(store), "%s, once", changes[_i].why);
	/* More events than the kernel keeps are still a change. */
	for (i = 0; i < 20000 && scratch_exists("state/0000/key-9a"); i++)
		scratch_chmod("state/0000/key-9a", i % 2 == 0 ? 0600 : 0400);
	ck_assert(files_store_changed(store) == (i != 0));
	ck_assert(!files_store_changed(store));
	files_store_close(store);
}
END_TEST

/* Where nobody can tell, everything may have changed. */
START_TEST(files_not_watched)
{
	struct rlimit limit, none;
	struct store *store = NULL;
	bool blind[2];

	ck_assert_int_eq(files_store_open(files, 0, &store, NULL), FILES_OK);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ .rlim_max = limit.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	blind[0] = files_store_changed(store);
	blind[1] = files_store_changed(store);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert(blind[0] && blind[1]);
	ck_assert(files_store_changed(store));
	ck_assert(!files_store_changed(store));
	files_store_close(store);
}
END_TEST

/* ---- what is not what we made ---- */

static void
plant_link(void)
{
	scratch_symlink("/etc/passwd", "state/.generation-0000");
}

static void
plant_directory(void)
{
	scratch_mkdir("state/.generation-0000", 0700);
}

static void
plant_open(void)
{
	scratch_write("state/.generation-0000", rbuf_str("0123456789abcdef"), 0644);
}

static void
plant_fifo(void)
{
	scratch_fifo("state/.generation-0000");
}

static void
plant_long(void)
{
	scratch_write("state/.generation-0000", rbuf_str("0123456789abcdefg"), 0600);
}

static const struct {
	const char *why;
	void (*plant)(void);
	enum files_err err;
	bool replaced; /* by the next change, with a sound one */
} planted[] = {
	{ "a link", plant_link, FILES_UNSAFE, true },
	{ "a directory", plant_directory, FILES_UNSAFE, false },
	{ "open to others", plant_open, FILES_UNSAFE, true },
	{ "a FIFO", plant_fifo, FILES_UNSAFE, true },
	{ "too long", plant_long, FILES_FAULT, true },
};

START_TEST(hostile)
{
	uint8_t octets[FILES_GENERATION_MAX];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	struct failure why = { "" };

	planted[_i].plant();
	ck_assert_msg(
	    files_generation(files, 0, &w, &why) == planted[_i].err, "%s", planted[_i].why);
	ck_assert_msg(failed(&why) && w.len == 0, "%s", planted[_i].why);
	ck_assert_int_eq(files_change_begin(files, 0, NULL), FILES_OK);
	ck_assert_msg((files_change_end(files, 0, true, NULL) == FILES_OK) == planted[_i].replaced,
	    "%s", planted[_i].why);
	if (planted[_i].replaced)
		ck_assert_uint_eq(generation(octets), sizeof octets);
	else
		ck_assert_msg(files_changing(files, 0), "the announcement stays for later");
}
END_TEST

/* ---- tidying up ---- */

static const struct {
	const char *why, *directory, *file;
	bool found;
} leftovers[] = {
	{ "nothing", NULL, NULL, false },
	{ "a card begun", "state/.new-0000", "state/.new-0000/key-9b", true },
	{ "a card gone", "state/.gone-0000", "state/.gone-0000/record", true },
	{ "a file in the place of one", NULL, "state/.gone-0000", true },
	{ "a half-written file", NULL, "state/0000/.tmp", true },
	{ "another card's", "state/.new-0001", "state/.new-0001/key-9b", false },
};

START_TEST(tidy)
{
	bool found = false;

	if (leftovers[_i].directory != NULL)
		scratch_mkdir(leftovers[_i].directory, 0700);
	if (leftovers[_i].file != NULL)
		scratch_write(leftovers[_i].file, rbuf_str("x"), 0600);
	ck_assert_int_eq(files_tidy(files, 0, &found, NULL), FILES_OK);
	ck_assert_msg(found == leftovers[_i].found, "%s", leftovers[_i].why);
	if (found)
		ck_assert_msg(!scratch_exists(leftovers[_i].file), "%s", leftovers[_i].why);
	ck_assert(scratch_exists("state/0000/record"));
}
END_TEST

START_TEST(tidied_by_the_lock)
{
	ck_assert(!files_tidied(files));
	files_close(files);
	scratch_write("state/.tmp", rbuf_str("x"), 0600);
	ck_assert_int_eq(files_open(scratch_path("state"), false, &files, NULL), FILES_OK);
	ck_assert_int_eq(files_lock(files, 0, NULL), FILES_OK);
	ck_assert(files_tidied(files) && !scratch_exists("state/.tmp"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("change");
	TCase *tc = tcase_create("change");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, generations);
	tcase_add_test(tc, removed_with_the_card);
	tcase_add_test(tc, watched);
	tcase_add_rows(tc, files_changed, changes);
	tcase_add_test(tc, files_not_watched);
	tcase_add_rows(tc, hostile, planted);
	tcase_add_rows(tc, tidy, leftovers);
	tcase_add_test(tc, tidied_by_the_lock);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
