/* SPDX-License-Identifier: BSD-2-Clause */
/* The sign of life at a terminal, and what messages make of hostile text. */
#include "tests/suite.h"
#include "tools/alive.h"
#include "tools/message.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ESC "\x1b"

static void
pause_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

/* ---- what a child does with its standard error ---- */

static void
short_step(void)
{
	alive_begin(false);
	message_progress(false)->report(NULL, "A step");
	pause_ms(200);
	alive_end();
	message_error("end");
}

static void
long_step(void)
{
	alive_begin(false);
	pause_ms(ALIVE_AFTER_MS + 2 * ALIVE_TURN_MS);
	alive_end();
	message_error("end");
}

static void
long_and_quiet(void)
{
	alive_begin(true);
	pause_ms(ALIVE_AFTER_MS + 2 * ALIVE_TURN_MS);
	alive_end();
	message_error("end");
}

static void
message_between(void)
{
	alive_begin(false);
	pause_ms(ALIVE_AFTER_MS + 2 * ALIVE_TURN_MS);
	message_warning("between");
	pause_ms(200); /* the mark stays away for a while */
	alive_end();
	message_error("end");
}

static void
twice(void)
{
	alive_begin(false);
	message_progress(false)->report(NULL, "A step");
	alive_end();
	long_step();
}

static void
ends_alone(void)
{
	alive_end();
	message_error("end");
}

static void
hostile(void)
{
	struct failure why = { .text = "" };

	message_error("%s", "a" ESC "]0;pwned\a\r\nb\x9b"
			    "31m\xc2\x9b\xe2\x80\xae"
			    "c\xc3\xbc");
	fail(&why, "card " ESC "[2J");
	message_failure(FAILED, &why);
	message_progress(false)->report(NULL, "step" ESC "c");
	message_log(true);
	log_warning("log" ESC "c");
	message_error("end");
}

/* clang-format off */
static const struct row {
	const char *why;
	void (*body)(void);
	bool terminal;
	bool turns; /* the mark was seen */
	const char *shows;
} rows[] = {
	{ "a short step", short_step, true, false, "A step" },
	{ "a long step", long_step, true, true, "end" },
	{ "quiet", long_and_quiet, true, false, "end" },
	{ "no terminal", long_step, false, false, "end" },
	{ "a message in between", message_between, true, true, "\r \rtpmvscmgr: warning: between" },
	{ "begun again", twice, true, true, "A step" },
	{ "an end without a beginning", ends_alone, true, false, "end" },
	{ "what a terminal would obey", hostile, true, false, "tpmvscmgr: a?]0;pwned???b?31m??c\xc3\xbc" },
	{ "in a failure", hostile, true, false, "tpmvscmgr: card ?[2J" },
	{ "in progress", hostile, true, false, "step?c" },
	{ "in the log", hostile, true, false, "warning: log?c" },
};
/* clang-format on */

/* Run body in a child; what it wrote to standard error. */
static void
run(const struct row *row, char *seen, size_t size)
{
	int fds[2] = { -1, -1 }, status = 0;
	size_t have = 0;
	ssize_t n;
	pid_t child;

	if (row->terminal)
		ck_assert_int_eq(openpty(&fds[0], &fds[1], NULL, NULL, NULL), 0);
	else
		ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		(void)dup2(fds[1], STDERR_FILENO);
		(void)close(fds[1]);
		row->body();
		_exit(0);
	}
	(void)close(fds[1]);
	do {
		n = read(fds[0], seen + have, size - 1 - have);
		have += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	seen[have] = '\0';
	(void)close(fds[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(
	    WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: %x", row->why, (unsigned)status);
}

START_TEST(shown)
{
	const struct row *row = &rows[_i];
	const char *end, *mark, *erased;
	char seen[4096];

	run(row, seen, sizeof seen);
	mark = strstr(seen, "\r|");
	ck_assert_msg((mark != NULL) == row->turns, "%s: %s", row->why, seen);
	ck_assert_msg(strstr(seen, row->shows) != NULL, "%s: %s", row->why, seen);
	ck_assert_msg(strstr(seen, ESC) == NULL && strstr(seen, "\a") == NULL, "%s", row->why);
	/* What comes last stands on a line of its own. */
	end = strstr(seen, "tpmvscmgr: end");
	ck_assert_msg(end != NULL, "%s: %s", row->why, seen);
	if (row->turns) {
		erased = strstr(mark, "\r \r");
		ck_assert_msg(erased != NULL && erased < end, "%s: %s", row->why, seen);
		ck_assert_msg(end[-1] == '\r' || end[-1] == '\n', "%s: %s", row->why, seen);
	} else {
		ck_assert_msg(end == seen || end[-1] == '\n', "%s: %s", row->why, seen);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("alive");
	TCase *tcase = tcase_create("at a terminal");

	tcase_set_timeout(tcase, 30);
	tcase_add_rows(tcase, shown, rows);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
