/* SPDX-License-Identifier: BSD-2-Clause */
/* Where secrets come from: files, credentials, the near side of /machine, standard input. */
#include "base/log.h"
#include "tests/scratch.h"
#include "tests/suite.h"
#include "tools/secrets.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define A8   "24681357"
#define A64  A8 A8 A8 A8 A8 A8 A8 A8
#define A127 A64 A8 A8 A8 A8 A8 A8 A8 "1234567"

static unsigned warnings;

static void
count_warning(enum log_level level, const char *text)
{
	(void)level;
	ck_assert_ptr_null(strstr(text, A8));
	warnings++;
}

static void
setup(void)
{
	scratch_setup();
	warnings = 0;
	log_open(LOG_LEVEL_WARNING, count_warning);
	ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

/* Ask for a kind with standard input holding lines. */
static enum outcome
ask(const struct options *o, enum secret_kind kind, const char *input, struct secret *out,
    struct failure *why)
{
	const int saved = dup(STDIN_FILENO);
	struct asking asking;
	enum outcome outcome;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], input, strlen(input)), (ssize_t)strlen(input));
	(void)close(fds[1]);
	ck_assert_int_eq(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	(void)close(fds[0]);
	asking_begin(&asking, o);
	outcome = asking_pin(&asking, kind, PROMPT_TWICE, &pin_policy_default, out, why);
	asking_end(&asking);
	(void)dup2(saved, STDIN_FILENO);
	(void)close(saved);
	ck_assert_msg(outcome == DONE || out->len == 0, "a secret is left");
	ck_assert_ptr_null(strstr(why->text, A8));
	return outcome;
}

/* ---- a file that an option names ---- */

static const struct file_row {
	const char *why;
	const char *content;
	size_t len;
	mode_t mode;
	enum outcome outcome;
	const char *answer;
	unsigned warnings;
	const char *message;
} files[] = {
	{ "a line", A8 "\n", 9, 0600, DONE, A8, 0, NULL },
	{ "no newline", A8, 8, 0600, DONE, A8, 0, NULL },
	{ "from Windows", A8 "\r\n", 10, 0600, DONE, A8, 0, NULL },
	{ "only the first line counts", A8 "\nsecond\n", 16, 0400, DONE, A8, 0, NULL },
	{ "as long as can be", A127 "\n", 128, 0600, DONE, A127, 0, NULL },
	{ "others may read it", A8 "\n", 9, 0644, DONE, A8, 1, NULL },
	{ "the group may write it", A8 "\n", 9, 0620, DONE, A8, 1, NULL },
	{ "empty", "", 0, 0600, WRONG_SECRET, NULL, 0, "ended" },
	{ "an empty line", "\n" A8, 9, 0600, WRONG_SECRET, NULL, 0, "too short" },
	{ "too long", A127 "12\n", 130, 0600, WRONG_SECRET, NULL, 0, "too long" },
	{ "a NUL", "2468\0001357\n", 10, 0600, WRONG_SECRET, NULL, 0, "NUL" },
	{ "against the policy", "1234567\n", 8, 0600, WRONG_SECRET, NULL, 0, "too short" },
};

START_TEST(from_file)
{
	const struct file_row *row = &files[_i];
	struct failure why = { .text = "" };
	struct options o = { .secret_file[SECRET_PIN] = scratch_path("pin") };
	enum outcome outcome;
	SECRET(answer);

	scratch_write("pin", rbuf_of(row->content, row->len), row->mode);
	/* What is on standard input is not what was asked for. */
	outcome = ask(&o, SECRET_PIN, "00000000\n", &answer, &why);
	ck_assert_msg(outcome == row->outcome, "%s: %s", row->why, why.text);
	if (row->answer != NULL)
		ck_assert_msg(rbuf_eq(secret_view(&answer), rbuf_str(row->answer)), "%s", row->why);
	if (row->message != NULL)
		ck_assert_msg(
		    strstr(why.text, row->message) != NULL && strstr(why.text, "/pin") != NULL,
		    "%s: %s", row->why, why.text);
	ck_assert_msg(warnings == row->warnings, "%s: %u warnings", row->why, warnings);
}
END_TEST

START_TEST(no_file)
{
	struct failure why = { .text = "" };
	struct options o = { .secret_file[SECRET_PIN] = scratch_path("pin") };
	SECRET(answer);

	ck_assert_int_eq(ask(&o, SECRET_PIN, A8 "\n", &answer, &why), FAILED);
	ck_assert_ptr_nonnull(strstr(why.text, "No such file"));
	scratch_mkdir("pin", 0700);
	why.text[0] = '\0';
	ck_assert_int_eq(ask(&o, SECRET_PIN, A8 "\n", &answer, &why), FAILED);
	ck_assert_ptr_nonnull(strstr(why.text, "neither"));
	o.secret_file[SECRET_PIN] = "/dev/zero";
	why.text[0] = '\0';
	ck_assert_int_eq(ask(&o, SECRET_PIN, A8 "\n", &answer, &why), FAILED);
	ck_assert_ptr_nonnull(strstr(why.text, "neither"));
}
END_TEST

/* As the shell's <(...) gives it. */
START_TEST(from_pipe)
{
	struct failure why = { .text = "" };
	struct options o = { .verb = VERB_NONE };
	char path[32];
	SECRET(answer);
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	(void)snprintf(path, sizeof path, "/dev/fd/%d", fds[0]);
	o.secret_file[SECRET_PIN] = path;
	ck_assert_int_eq(write(fds[1], A8 "\n", 9), 9);
	(void)close(fds[1]);
	ck_assert_int_eq(ask(&o, SECRET_PIN, "", &answer, &why), DONE);
	ck_assert(rbuf_eq(secret_view(&answer), rbuf_str(A8)));
	ck_assert_uint_eq(warnings, 0);
	(void)close(fds[0]);
}
END_TEST

/* Somebody else's file may be read by its owner. */
START_TEST(of_a_stranger)
{
	struct failure why = { .text = "" };
	struct options o = { .secret_file[SECRET_PIN] = scratch_path("pin") };
	SECRET(answer);

	if (!scratch_is_root())
		return;
	scratch_write("pin", rbuf_str(A8), 0600);
	scratch_chown("pin", SCRATCH_STRANGER);
	ck_assert_int_eq(ask(&o, SECRET_PIN, "", &answer, &why), DONE);
	ck_assert_uint_eq(warnings, 1);
}
END_TEST

/* ---- standard input, by name and by default ---- */

START_TEST(lines_in_order)
{
	struct options o = { .verb = VERB_CREATE,
		.admin_algorithm = ALG_AES_128,
		.admin_key = SOURCE_PROMPT,
		.pin = SOURCE_PROMPT,
		.puk = SOURCE_PROMPT,
		.policy = pin_policy_default,
		.secret_file = { [SECRET_PUK] = "-", [SECRET_ADMIN_KEY] = "-" } };
	struct secret texts[SECRET_KINDS] = { { .len = 0 } };
	const int saved = dup(STDIN_FILENO);
	struct failure why = { .text = "" };
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(
	    write(fds[1], "00112233445566778899AABBCCDDEEFF\n" A8 "\nabcdefgh\n", 51), 51);
	(void)close(fds[1]);
	(void)dup2(fds[0], STDIN_FILENO);
	(void)close(fds[0]);
	ck_assert_int_eq(secrets_ask(&o, texts, &why), DONE);
	(void)dup2(saved, STDIN_FILENO);
	(void)close(saved);
	ck_assert_uint_eq(texts[SECRET_ADMIN_KEY].len, 32);
	ck_assert(rbuf_eq(secret_view(&texts[SECRET_PIN]), rbuf_str(A8)));
	ck_assert(rbuf_eq(secret_view(&texts[SECRET_PUK]), rbuf_str("abcdefgh")));
	secrets_wipe(texts);
	ck_assert_uint_eq(texts[SECRET_PUK].len, 0);
}
END_TEST

/* ---- credentials ---- */

START_TEST(from_credential)
{
	struct options o = { .verb = VERB_NONE };
	struct failure why = { .text = "" };
	SECRET(answer);

	scratch_mkdir("cred", 0700);
	scratch_write("cred/tpmvsc.pin", rbuf_str(A8), 0440);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", scratch_path("cred"), 1), 0);
	ck_assert_int_eq(ask(&o, SECRET_PIN, "00000000\n", &answer, &why), DONE);
	ck_assert(rbuf_eq(secret_view(&answer), rbuf_str(A8)));
	ck_assert_uint_eq(warnings, 0); /* systemd sees to its rights */
	/* Another kind has none: standard input it is. */
	ck_assert_int_eq(ask(&o, SECRET_NEW_PIN, "00000000\n", &answer, &why), DONE);
	ck_assert(rbuf_eq(secret_view(&answer), rbuf_str("00000000")));
	/* What an option says goes first. */
	o.secret_file[SECRET_PIN] = "-";
	ck_assert_int_eq(ask(&o, SECRET_PIN, "11111111\n", &answer, &why), DONE);
	ck_assert(rbuf_eq(secret_view(&answer), rbuf_str("11111111")));
	o.secret_file[SECRET_PIN] = scratch_path("pin");
	scratch_write("pin", rbuf_str("22222222"), 0600);
	ck_assert_int_eq(ask(&o, SECRET_PIN, "", &answer, &why), DONE);
	ck_assert(rbuf_eq(secret_view(&answer), rbuf_str("22222222")));
}
END_TEST

START_TEST(bad_credential)
{
	struct options o = { .verb = VERB_NONE };
	struct failure why = { .text = "" };
	SECRET(answer);

	scratch_mkdir("cred", 0700);
	scratch_write("cred/tpmvsc.pin", rbuf_str(""), 0400);
	scratch_symlink("/etc/hostname", "cred/tpmvsc.new-pin");
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", scratch_path("cred"), 1), 0);
	ck_assert_int_eq(ask(&o, SECRET_PIN, A8 "\n", &answer, &why), WRONG_SECRET);
	why.text[0] = '\0';
	ck_assert_int_eq(ask(&o, SECRET_NEW_PIN, A8 "\n", &answer, &why), FAILED);
	ck_assert_ptr_nonnull(strstr(why.text, "tpmvsc.new-pin"));
	/* A directory that is none, or named from here, counts for nothing. */
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", "cred", 1), 0);
	ck_assert_int_eq(ask(&o, SECRET_PIN, A8 "\n", &answer, &why), DONE);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", scratch_path("nowhere"), 1), 0);
	ck_assert_int_eq(ask(&o, SECRET_PIN, A8 "\n", &answer, &why), DONE);
}
END_TEST

/* ---- what the near side of /machine gave ---- */

START_TEST(given)
{
	struct secret texts[SECRET_KINDS] = { { .len = 0 } };
	struct options o = { .given = texts };
	struct failure why = { .text = "" };
	SECRET(answer);

	scratch_mkdir("cred", 0700);
	scratch_write("cred/tpmvsc.puk", rbuf_str(A8), 0400);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", scratch_path("cred"), 1), 0);
	ck_assert(secret_set(&texts[SECRET_PIN], rbuf_str(A8)));
	ck_assert(secret_set(&texts[SECRET_NEW_PIN], rbuf_str("short")));
	ck_assert_int_eq(ask(&o, SECRET_PIN, "00000000\n", &answer, &why), DONE);
	ck_assert(rbuf_eq(secret_view(&answer), rbuf_str(A8)));
	ck_assert_int_eq(ask(&o, SECRET_NEW_PIN, A8 "\n", &answer, &why), WRONG_SECRET);
	ck_assert_ptr_nonnull(strstr(why.text, "too short"));
	why.text[0] = '\0';
	ck_assert_int_eq(ask(&o, SECRET_PUK, A8 "\n", &answer, &why), WRONG_SECRET);
	ck_assert_ptr_nonnull(strstr(why.text, "brings none"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("secrets");
	TCase *tcase = tcase_create("sources");

	tcase_add_checked_fixture(tcase, setup, scratch_teardown);
	tcase_add_rows(tcase, from_file, files);
	tcase_add_test(tcase, no_file);
	tcase_add_test(tcase, from_pipe);
	tcase_add_test(tcase, of_a_stranger);
	tcase_add_test(tcase, lines_in_order);
	tcase_add_test(tcase, from_credential);
	tcase_add_test(tcase, bad_credential);
	tcase_add_test(tcase, given);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
