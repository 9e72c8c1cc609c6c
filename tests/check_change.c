/* SPDX-License-Identifier: BSD-2-Clause */
/* Announced changes and generations in the state directory, and what is tidied up there. */
#include "store/files.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <poll.h>
#include <string.h>

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
	tcase_add_rows(tc, hostile, planted);
	tcase_add_rows(tc, tidy, leftovers);
	tcase_add_test(tc, tidied_by_the_lock);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
