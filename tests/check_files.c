/* SPDX-License-Identifier: BSD-2-Clause */
/* The state directory: what is opened, what is refused. */
#include "store/files.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define OCTETS(text) rbuf_of((text), sizeof(text) - 1)

static void
hush(enum log_level level, const char *text)
{
	(void)level;
	(void)text;
}

/* ---- opening the state directory ---- */

static void
nothing(void)
{
}

static void
good(void)
{
	scratch_mkdir("state", 0700);
}

static void
open_to_others(void)
{
	scratch_mkdir("state", 0755);
}

static void
open_to_group(void)
{
	scratch_mkdir("state", 0750);
}

static void
too_narrow(void)
{
	scratch_mkdir("state", 0500);
}

static void
set_group_id(void)
{
	scratch_mkdir("state", 02700);
}

static void
link_to_good(void)
{
	scratch_mkdir("elsewhere", 0700);
	scratch_symlink("elsewhere", "state");
}

static void
dangling(void)
{
	scratch_symlink("nowhere", "state");
}

static void
a_file(void)
{
	scratch_write("state", OCTETS("x"), 0600);
}

static void
a_fifo(void)
{
	scratch_fifo("state");
}

static void
a_socket(void)
{
	scratch_socket("state");
}

static void
of_stranger(void)
{
	scratch_mkdir("state", 0700);
	scratch_chown("state", SCRATCH_STRANGER);
}

static void
below_stranger(void)
{
	scratch_mkdir("on", 0755);
	scratch_mkdir("on/the", 0755);
	scratch_mkdir("on/the/way", 0700);
	scratch_chown("on", SCRATCH_STRANGER);
}

static void
below_group_writable(void)
{
	scratch_mkdir("on", 0755);
	scratch_mkdir("on/the", 0775);
	scratch_mkdir("on/the/way", 0700);
	scratch_chmod("on/the", 0775);
}

static void
below_sticky(void)
{
	scratch_mkdir("on", 0755);
	scratch_mkdir("on/the", 01777);
	scratch_mkdir("on/the/way", 0700);
}

static void
below_link(void)
{
	scratch_mkdir("real", 0755);
	scratch_mkdir("real/the", 0755);
	scratch_mkdir("real/the/way", 0700);
	scratch_symlink("real", "on");
}

static void
below_file(void)
{
	scratch_write("on", OCTETS("x"), 0600);
}

/* clang-format off */
static const struct {
	const char *why;
	void (*prepare)(void);
	const char *path; /* relative to the scratch directory, or absolute from '=' on */
	bool make, root;
	enum files_err err;
	const char *says;
} openings[] = {
	{ "as it should be", good, "state", false, false, FILES_OK, "" },
	{ "missing, not to be made", nothing, "state", false, false, FILES_ABSENT, "No such file" },
	{ "missing, to be made", nothing, "state", true, false, FILES_OK, "" },
	{ "its parent missing too", nothing, "a/state", true, false, FILES_ABSENT, "/a: No such" },
	{ "there, to be made", good, "state", true, false, FILES_OK, "" },
	{ "slash at the end", good, "state/", false, false, FILES_OK, "" },
	{ "many slashes", good, "///state//", false, false, FILES_OK, "" },
	{ "set-group-ID, inherited", set_group_id, "state", false, false, FILES_OK, "" },
	{ "open to others", open_to_others, "state", false, false, FILES_UNSAFE, "chmod 0700" },
	{ "open to its group", open_to_group, "state", false, false, FILES_UNSAFE, "mode 0750" },
	{ "cannot be written", too_narrow, "state", false, false, FILES_UNSAFE, "mode 0500" },
	{ "a link to a good one", link_to_good, "state", false, false, FILES_UNSAFE,
	    "is a symbolic link: write the real path" },
	{ "a dangling link is not made good", dangling, "state", true, false, FILES_UNSAFE,
	    "symbolic link" },
	{ "a regular file", a_file, "state", true, false, FILES_UNSAFE, "is not a directory" },
	{ "a FIFO does not hang", a_fifo, "state", true, false, FILES_UNSAFE, "not a directory" },
	{ "a socket", a_socket, "state", true, false, FILES_UNSAFE, "not a directory" },
	{ "of a stranger", of_stranger, "state", false, true, FILES_UNSAFE, "belongs to user 65534" },
	{ "a stranger could replace it", below_stranger, "on/the/way", false, true, FILES_UNSAFE,
	    "who could replace it" },
	{ "a group could replace it", below_group_writable, "on/the/way", false, false,
	    FILES_UNSAFE, "chmod go-w" },
	{ "below a sticky directory", below_sticky, "on/the/way", false, false, FILES_OK, "" },
	{ "a link on the way", below_link, "on/the/way", false, false, FILES_UNSAFE,
	    "/on is a symbolic link" },
	{ "a file on the way", below_file, "on/the/way", true, false, FILES_UNSAFE,
	    "/on is not a directory" },
	{ "a link on the way, making", below_link, "on/new", true, false, FILES_UNSAFE, "link" },
	{ "up and down again", good, "x/../state", false, false, FILES_ABSENT, "No such" },
	{ "dot", good, "./state", false, false, FILES_UNSAFE, ". and .." },
	{ "dot dot", good, "../state", false, false, FILES_UNSAFE, ". and .." },
	{ "relative", nothing, "=state", true, false, FILES_UNSAFE, "absolute" },
	{ "empty", nothing, "=", true, false, FILES_UNSAFE, "absolute" },
	{ "the root", nothing, "=/", true, false, FILES_UNSAFE, "cannot be a state_dir" },
};
/* clang-format on */

START_TEST(opening)
{
	struct failure why = { "" };
	struct files *f = NULL;
	enum files_err err;
	struct stat st;
	const char *path = openings[_i].path;

	if (openings[_i].root && !scratch_is_root())
		return; /* only root can give files away; tests/run is root */
	openings[_i].prepare();
	path = path[0] == '=' ? path + 1 : scratch_path(path);
	err = files_open(path, openings[_i].make, &f, &why);
	ck_assert_msg(err == openings[_i].err, "%s: %d, %s", openings[_i].why, (int)err, why.text);
	ck_assert_msg(strstr(why.text, openings[_i].says) != NULL, "%s: says: %s", openings[_i].why,
	    why.text);
	ck_assert_msg((err == FILES_OK) == (f != NULL), "%s", openings[_i].why);
	if (err == FILES_OK) {
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_msg((st.st_mode & 0777) == 0700, "%s: mode", openings[_i].why);
	}
	files_close(f);
}
END_TEST

START_TEST(opening_too_long)
{
	char path[2000];
	struct failure why = { "" };
	struct files *f = NULL;

	memset(path, 'a', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	path[0] = '/';
	ck_assert_int_eq(files_open(path, true, &f, &why), FILES_UNSAFE);
	ck_assert_ptr_null(f);
	/* A single name no file system takes. */
	path[400] = '\0';
	ck_assert_int_ne(files_open(path, true, &f, &why), FILES_OK);
	ck_assert_ptr_null(f);
}
END_TEST

static int
try_open(void *context)
{
	struct failure why = { "" };
	struct files *f = NULL;
	enum files_err err = files_open(context, true, &f, &why);

	if (err == FILES_DENIED && strstr(why.text, "run this as root") == NULL)
		return 99;
	return (int)err;
}

/* T1: a user who is not the owner gets nothing, and is told so. */
START_TEST(opening_as_stranger)
{
	char path[512];
	bool root = scratch_is_root();

	scratch_chmod("", 0755);
	scratch_mkdir("state", 0700);
	(void)snprintf(path, sizeof path, "%s", scratch_path("state"));
	ck_assert_int_eq(scratch_as_stranger(try_open, path), root ? FILES_DENIED : FILES_OK);
	(void)snprintf(path, sizeof path, "%s", scratch_path("new"));
	ck_assert_int_eq(scratch_as_stranger(try_open, path), root ? FILES_DENIED : FILES_OK);
	scratch_chmod("", 0700);
	(void)snprintf(path, sizeof path, "%s", scratch_path("state"));
	ck_assert_int_eq(scratch_as_stranger(try_open, path), root ? FILES_DENIED : FILES_OK);
}
END_TEST

/* In a mount namespace whose passwd has a user pcscd: root serves his directory. */
static int
serve_pcscd(void *context)
{
	static const char entry[] = "root:x:0:0::/:/bin/sh\npcscd:x:65534:65534::/:/bin/false\n";
	struct failure why = { "" };
	struct files *f = NULL;
	struct store *s = NULL;
	struct stat st;

	(void)context;
	scratch_write("passwd", OCTETS(entry), 0644);
	if (mount(scratch_path("passwd"), "/etc/passwd", "none", MS_BIND, "") != 0)
		return 1;
	scratch_mkdir("state", 0700);
	scratch_chown("state", SCRATCH_STRANGER);
	if (files_open(scratch_path("state"), true, &f, &why) != FILES_OK ||
	    files_lock(f, 0, &why) != FILES_OK || files_begin(f, 0, &s, &why) != FILES_OK ||
	    store_put(s, STORE_KEY, 0x9a, OCTETS("k")) != STORE_OK ||
	    files_commit(f, 0, OCTETS("r"), &why) != FILES_OK) {
		(void)fprintf(stderr, "%s\n", why.text);
		return 2;
	}
	if (stat(scratch_path("state/0000/key-9a"), &st) != 0 || st.st_uid != SCRATCH_STRANGER)
		return 3;
	if (stat(scratch_path("state/0000"), &st) != 0 || st.st_uid != SCRATCH_STRANGER)
		return 4;
	if (stat(scratch_path("state/.manage"), &st) != 0 || st.st_uid != SCRATCH_STRANGER)
		return 5;
	files_store_close(s);
	files_close(f);
	return 0;
}

START_TEST(files_get_the_directorys_owner)
{
	if (scratch_is_root())
		ck_assert_int_eq(scratch_in_mounts(serve_pcscd, NULL), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("files");
	TCase *tc = tcase_create("files");

	log_open(LOG_LEVEL_ERROR, hush);
	tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
	tcase_add_rows(tc, opening, openings);
	tcase_add_test(tc, opening_too_long);
	tcase_add_test(tc, opening_as_stranger);
	tcase_add_test(tc, files_get_the_directorys_owner);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
