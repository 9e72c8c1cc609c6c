/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking for a challenge or a response: lines, mistakes, a deadline, signals. */
#include "tests/suite.h"
#include "tools/paste.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GOOD  "RESPONSE:28006-WG61C-R5ARW-MAGSG" /* 0b 30 55 */
#define TYPO  "RESPONSE:28006-WG61C-R5ARW-MAGSH"
#define OTHER "CHALLENGE:24007-5KM1C-R5BK8-F21M0"
#define A64   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define A1024 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64
#define N8    "\n\n\n\n\n\n\n\n"
#define N64   N8 N8 N8 N8 N8 N8 N8 N8
#define N1024 N64 N64 N64 N64 N64 N64 N64 N64 N64 N64 N64 N64 N64 N64 N64 N64

static const uint8_t content[] = { 0x0b, 0x30, 0x55 };

/* What a paste says goes into a pipe: out. */
static struct prompt
prompt_from(const char *input, int *said)
{
	struct prompt p = { .in = -1 };
	int in[2], out[2];

	ck_assert_int_eq(pipe(in), 0);
	ck_assert_int_eq(pipe(out), 0);
	ck_assert_int_eq(fcntl(out[0], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(write(in[1], input, strlen(input)), (ssize_t)strlen(input));
	ck_assert_int_eq(close(in[1]), 0);
	p.in = in[0];
	p.out = out[1];
	*said = out[0];
	return p;
}

static void
read_said(int fd, char *text, size_t size)
{
	ssize_t n = read(fd, text, size - 1);

	text[n > 0 ? n : 0] = '\0';
}

static const struct row {
	const char *why;
	const char *input;
	enum outcome outcome;
	const char *failure; /* when it is not DONE */
	const char *left;    /* of the input */
} rows[] = {
	{ "a line", GOOD "\nthe key\n", DONE, NULL, "the key\n" },
	{ "a line of Windows", GOOD "\r\n", DONE, NULL, "" },
	{ "the end for a newline", GOOD, DONE, NULL, "" },
	{ "empty lines before it", "\n\n" GOOD "\n", DONE, NULL, "" },
	{ "two lines", "RESPONSE:28006-WG\n61C-R5ARW-MAGSG\nx", DONE, NULL, "x" },
	{ "quoted in three", "> RESPONSE:\n> 28006-WG61C-\n> R5ARW-MAGSG\n", DONE, NULL, "" },
	{ "a typo", TYPO "\n" GOOD "\n", WRONG_SECRET, "mistyped", GOOD "\n" },
	{ "a challenge", OTHER "\n", WRONG_SECRET, "it is a challenge", "" },
	{ "half, given up", "RESPONSE:28006-WG\n\n", WRONG_SECRET, "not complete", "" },
	{ "too long: the rest is not waited for", A1024 A1024 "A\n" GOOD "\n", WRONG_SECRET, "it is too long", "\n" GOOD "\n" },
	{ "an escape", "\033[31m\n", WRONG_SECRET, "1. character", "" },
	{ "nothing", "", WRONG_SECRET, "the input ended", "" },
	{ "empty lines as if for ever", N1024 GOOD "\n", WRONG_SECRET, "the input ended", GOOD "\n" },
	{ "empty lines only", "\n\n", WRONG_SECRET, "the input ended", "" },
	{ "half", "RESPONSE:28006-WG61C\n", WRONG_SECRET, "not complete", "" },
};

START_TEST(lines)
{
	const struct row *row = &rows[_i];
	uint8_t octets[CODE_OCTETS_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct failure why = { "" };
	struct prompt prompt;
	struct paste paste;
	char text[512];
	int said;

	prompt = prompt_from(row->input, &said);
	paste_begin(&paste, &prompt, 0);
	ck_assert_msg(paste_code(&paste, CODE_RESPONSE, "Response", &out, &why) == row->outcome,
	    "%s: %s", row->why, why.text);
	paste_end(&paste);
	if (row->outcome == DONE)
		ck_assert_msg(
		    rbuf_eq(wbuf_view(&out), rbuf_of(content, sizeof content)), "%s", row->why);
	else
		ck_assert_msg(out.len == 0 && strstr(why.text, row->failure) != NULL, "%s: %s",
		    row->why, why.text);
	/* Nobody is there to read what could be said meanwhile. */
	read_said(said, text, sizeof text);
	ck_assert_msg(text[0] == '\0', "%s: said %s", row->why, text);
	if (row->left != NULL) {
		read_said(prompt.in, text, sizeof text);
		ck_assert_msg(strcmp(text, row->left) == 0, "%s: left %s", row->why, text);
	}
}
END_TEST

static int64_t
milliseconds(void)
{
	struct timespec t;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Somebody who types and never ends does not keep it open. */
START_TEST(late)
{
	uint8_t octets[CODE_OCTETS_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct prompt prompt = { .out = -1 };
	struct failure why = { "" };
	struct paste paste;
	int64_t begun = milliseconds(), took;
	int fds[2], i;
	pid_t writer;

	ck_assert_int_eq(pipe(fds), 0);
	writer = fork();
	if (writer == 0) {
		for (i = 0; i < 30; i++) {
			(void)!write(fds[1], "2", 1);
			(void)poll(NULL, 0, 100);
		}
		_exit(0);
	}
	prompt.in = fds[0];
	paste_begin(&paste, &prompt, 1);
	ck_assert_int_eq(paste_code(&paste, CODE_RESPONSE, "Response", &out, &why), FAILED);
	paste_end(&paste);
	took = milliseconds() - begun;
	ck_assert_msg(took >= 900 && took < 2900, "%lld ms", (long long)took);
	ck_assert_msg(strstr(why.text, "in time") != NULL, "%s", why.text);
	ck_assert_int_eq(kill(writer, SIGKILL), 0);
	ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
}
END_TEST

static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

/* A signal waits while others work, and ends the asking. */
START_TEST(signalled)
{
	uint8_t octets[CODE_OCTETS_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct prompt prompt = { .out = -1 };
	struct failure why = { "" };
	struct paste paste;
	struct sigaction before, after;
	sigset_t mask;
	int fds[2];

	ck_assert_int_eq(sigaction(ending[_i], NULL, &before), 0);
	ck_assert_int_eq(pipe(fds), 0);
	prompt.in = fds[0];
	paste_begin(&paste, &prompt, 0);
	ck_assert_int_eq(raise(ending[_i]), 0); /* and we are still here */
	ck_assert_int_eq(paste_code(&paste, CODE_RESPONSE, "Response", &out, &why), FAILED);
	ck_assert_msg(strstr(why.text, "interrupted") != NULL, "%s", why.text);
	ck_assert_int_eq(raise(ending[_i]), 0);
	paste_end(&paste);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	ck_assert_int_eq(sigismember(&mask, ending[_i]), 0);
	ck_assert_int_eq(sigaction(ending[_i], NULL, &after), 0);
	ck_assert(after.sa_handler == before.sa_handler);
}
END_TEST

/* Read what the terminal shows until it has that text. */
static void
await(int master, char *shown, size_t size, const char *wanted)
{
	struct pollfd fd = { .fd = master, .events = POLLIN };
	size_t n = 0;

	shown[0] = '\0';
	while (strstr(shown, wanted) == NULL) {
		ck_assert_msg(poll(&fd, 1, 5000) == 1, "%s: %s", wanted, shown);
		ck_assert(n + 1 < size);
		ck_assert_int_eq(read(master, shown + n, 1), 1);
		n++;
		shown[n] = '\0';
	}
}

static void
type(int master, const char *text)
{
	ck_assert_int_eq(write(master, text, strlen(text)), (ssize_t)strlen(text));
}

/* At a terminal what is typed is seen, and the rest of a response is asked for. */
START_TEST(terminal)
{
	uint8_t octets[CODE_OCTETS_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct paste paste;
	struct prompt p;
	int master, slave, status;
	char shown[1024];
	pid_t child;

	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	child = fork();
	if (child == 0) {
		p = (struct prompt){ .in = slave, .out = slave, .terminal = true };
		paste_begin(&paste, &p, 0);
		if (paste_code(&paste, CODE_RESPONSE, "Response", &out, NULL) != DONE)
			_exit(1);
		if (!rbuf_eq(wbuf_view(&out), rbuf_of(content, sizeof content)))
			_exit(2);
		if (!paste_agrees(&paste, "Go on? ") || paste_agrees(&paste, "Go on? "))
			_exit(3);
		paste_end(&paste);
		_exit(0);
	}
	await(master, shown, sizeof shown, "Response: ");
	type(master, TYPO "\n");
	await(master, shown, sizeof shown, "again.\r\nResponse: ");
	ck_assert_ptr_nonnull(strstr(shown, TYPO));
	ck_assert_ptr_nonnull(strstr(shown, "mistyped"));
	type(master, "RESPONSE:28006-WG\n");
	await(master, shown, sizeof shown, "the rest of it: ");
	type(master, "\n");
	await(master, shown, sizeof shown, "again.\r\nResponse: ");
	ck_assert_ptr_nonnull(strstr(shown, "not complete"));
	type(master, "\033[31m\n");
	await(master, shown, sizeof shown, "again.\r\nResponse: ");
	ck_assert_ptr_nonnull(strstr(shown, "1. character"));
	type(master, "RESPONSE:28006-WG61C\n");
	await(master, shown, sizeof shown, "the rest of it: ");
	type(master, "R5ARW-MAGSG\n");
	await(master, shown, sizeof shown, "Go on? ");
	type(master, "Yes\n");
	await(master, shown, sizeof shown, "Go on? ");
	type(master, "\n");
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	(void)close(master);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("paste");
	TCase *paste = tcase_create("paste");

	tcase_add_rows(paste, lines, rows);
	tcase_add_test(paste, late);
	tcase_add_rows(paste, signalled, ending);
	tcase_add_test(paste, terminal);
	suite_add_tcase(suite, paste);
	return suite_run(suite);
}
