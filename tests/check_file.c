/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that the command line names: read, and written at the end or not at all. */
#include "tests/scratch.h"
#include "tests/suite.h"
#include "tools/file.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void
save(const char *name, const char *text)
{
	struct failure why = { "" };
	struct outfile f;

	ck_assert_int_eq(outfile_open(scratch_path(name), &f, &why), DONE);
	ck_assert_int_eq(outfile_write(&f, rbuf_str(text), &why), DONE);
	ck_assert(!failed(&why));
}

static bool
loads(const char *name, const char *text)
{
	uint8_t octets[64];
	struct wbuf out = wbuf_over(octets, sizeof octets);

	return file_read(scratch_path(name), &out, NULL) == DONE &&
	       rbuf_eq(wbuf_view(&out), rbuf_str(text));
}

START_TEST(there_and_back)
{
	struct stat st;

	(void)umask(077); /* the tool's */
	save("a", "something long");
	ck_assert(loads("a", "something long"));
	ck_assert_int_eq(stat(scratch_path("a"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(chmod(scratch_path("a"), 0640), 0);
	save("a", "short"); /* over a longer one */
	ck_assert(loads("a", "short"));
	ck_assert_int_eq(stat(scratch_path("a"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	save("a", "");
	ck_assert(loads("a", ""));
}
END_TEST

START_TEST(nothing_yet)
{
	struct outfile fresh, old;

	save("old", "as it was");
	ck_assert_int_eq(outfile_open(scratch_path("new"), &fresh, NULL), DONE);
	ck_assert_int_eq(outfile_open(scratch_path("old"), &old, NULL), DONE);
	ck_assert_msg(!scratch_exists("new"), "who is killed now leaves nothing");
	ck_assert(loads("old", "as it was"));
	outfile_drop(&fresh);
	outfile_drop(&old);
	ck_assert(!scratch_exists("new"));
	ck_assert(loads("old", "as it was"));
}
END_TEST

/* Whoever may write to the directory could otherwise say where root writes. */
START_TEST(came_meanwhile)
{
	struct failure why = { "" };
	struct outfile f;

	save("target", "as it was");
	ck_assert_int_eq(outfile_open(scratch_path("new"), &f, &why), DONE);
	scratch_symlink("target", "new");
	ck_assert_int_eq(outfile_write(&f, rbuf_str("x"), &why), FAILED);
	ck_assert_ptr_nonnull(strstr(why.text, "new"));
	ck_assert(loads("target", "as it was"));
}
END_TEST

/* Every write to /dev/full fails as on a full disk. */
START_TEST(a_full_disk)
{
	struct failure why = { "" };
	struct outfile f;

	ck_assert_int_eq(outfile_open("/dev/full", &f, &why), DONE);
	ck_assert_int_eq(outfile_write(&f, rbuf_str("x"), &why), NO_ROOM);
	ck_assert_ptr_nonnull(strstr(why.text, "/dev/full"));
	ck_assert_int_eq(access("/dev/full", F_OK), 0);
}
END_TEST

/* A file may grow no further: what of it was written goes, or is emptied. */
START_TEST(half_written)
{
	struct failure why = { "" };
	struct rlimit all, few;
	enum outcome outcome;
	struct outfile f;

	ck_assert_int_eq(outfile_open(scratch_path("new"), &f, &why), DONE);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &all), 0);
	few = all;
	few.rlim_cur = 4;
	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &few), 0);
	outcome = outfile_write(&f, rbuf_str("more than fits"), &why);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0); /* check writes files, too */
	ck_assert_int_eq(outcome, NO_ROOM);
	ck_assert(!scratch_exists("new"));
}
END_TEST

START_TEST(standard_output)
{
	struct failure why = { "" };
	struct outfile f;
	int fd;

	fd = open(scratch_path("out"), O_RDWR | O_CREAT, 0600);
	ck_assert_int_ge(dup2(fd, STDOUT_FILENO), 0);
	ck_assert_int_eq(outfile_open(NULL, &f, &why), DONE);
	ck_assert_int_eq(outfile_write(&f, rbuf_str("text"), &why), DONE);
	ck_assert(loads("out", "text"));
	(void)close(fd);
	fd = open("/dev/null", O_RDONLY);
	ck_assert_int_ge(dup2(fd, STDOUT_FILENO), 0);
	ck_assert_msg(outfile_open(NULL, &f, &why) == FAILED, "one that was closed");
	ck_assert_ptr_nonnull(strstr(why.text, "standard output"));
	(void)close(fd);
}
END_TEST

START_TEST(reading)
{
	uint8_t octets[8];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct failure why = { "" };
	int fd;

	save("a", "12345678");
	ck_assert(file_read(scratch_path("a"), &out, &why) == DONE && wbuf_ok(&out));
	save("a", "123456789");
	out = wbuf_over(octets, sizeof octets);
	ck_assert(file_read(scratch_path("a"), &out, &why) == DONE && !wbuf_ok(&out));
	out = wbuf_over(octets, sizeof octets);
	fd = open(scratch_path("a"), O_RDONLY);
	ck_assert_int_ge(dup2(fd, STDIN_FILENO), 0);
	(void)close(fd);
	ck_assert_int_eq(file_read("-", &out, &why), DONE);
	ck_assert(!failed(&why));
	ck_assert_int_eq(file_read(scratch_path("none"), &out, &why), FAILED);
	ck_assert_ptr_nonnull(strstr(why.text, "none"));
	scratch_mkdir("dir", 0700);
	ck_assert_int_eq(file_read(scratch_path("dir"), &out, &why), FAILED);
}
END_TEST

static const char *const unwritable[] = { "none/a", "dir", "dangling" };

START_TEST(not_to_be_written)
{
	struct failure why = { "" };
	struct outfile f;

	scratch_mkdir("dir", 0700);
	scratch_symlink("elsewhere", "dangling");
	ck_assert_int_eq(outfile_open(scratch_path(unwritable[_i]), &f, &why), FAILED);
	ck_assert_ptr_nonnull(strstr(why.text, unwritable[_i]));
	ck_assert(!scratch_exists("elsewhere"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("file");
	TCase *tcase = tcase_create("file");

	tcase_add_checked_fixture(tcase, scratch_setup, scratch_teardown);
	tcase_add_test(tcase, there_and_back);
	tcase_add_test(tcase, nothing_yet);
	tcase_add_test(tcase, came_meanwhile);
	tcase_add_test(tcase, a_full_disk);
	tcase_add_test(tcase, half_written);
	tcase_add_test(tcase, standard_output);
	tcase_add_test(tcase, reading);
	tcase_add_rows(tcase, not_to_be_written, unwritable);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
