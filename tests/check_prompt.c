/* SPDX-License-Identifier: BSD-2-Clause */
/* Secrets from pipes and from a terminal. */
#include "tests/suite.h"
#include "tools/options.h"
#include "tools/prompt.h"
#include "tools/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define A8   "12345678"
#define A64  A8 A8 A8 A8 A8 A8 A8 A8
#define A127 A64 A8 A8 A8 A8 A8 A8 A8 "1234567"

static const char *
any(const void *context, struct rbuf answer)
{
	(void)context;
	(void)answer;
	return NULL;
}

/* ---- standard input that is no terminal ---- */

static const struct line_row {
	const char *why;
	const char *input;
	size_t len;
	enum outcome outcome;
	const char *answer; /* NULL: none */
	const char *message;
} lines[] = {
	{ "a line", A8 "\n", 9, DONE, A8, NULL },
	{ "a line from Windows", A8 "\r\n", 10, DONE, A8, NULL },
	{ "the end for a newline", A8, 8, DONE, A8, NULL },
	{ "a CR that ends no line", A8 "\r", 9, DONE, A8 "\r", NULL },
	{ "two CRs: one is part of it", A8 "\r\r\n", 11, DONE, A8 "\r", NULL },
	{ "spaces are part of it", " 123 \n", 6, DONE, " 123 ", NULL },
	{ "an empty line", "\n", 1, DONE, "", NULL },
	{ "nothing", "", 0, WRONG_SECRET, NULL, "ended" },
	{ "127 characters", A127 "\n", 128, DONE, A127, NULL },
	{ "128 and a CR fit not", A127 "12\r\n", 131, WRONG_SECRET, NULL, "too long" },
	{ "129 characters", A127 "12\n", 130, WRONG_SECRET, NULL, "too long" },
	{ "many more", A127 A127 A127 "\n", 382, WRONG_SECRET, NULL, "too long" },
	{ "too long, and no newline", A127 A127, 254, WRONG_SECRET, NULL, "too long" },
	{ "a NUL inside",
	    "1234\0"
	    "5678\n",
	    10, WRONG_SECRET, NULL, "NUL" },
	{ "a NUL in front", "\0\n", 2, WRONG_SECRET, NULL, "NUL" },
	{ "a NUL at the end", "12345678\0", 9, WRONG_SECRET, NULL, "NUL" },
	{ "beyond ASCII, as it is", "\xc3\xbc\n", 3, DONE, "\xc3\xbc", NULL },
};

/* A pipe that holds octets and nothing more to come. */
static int
pipe_of(const char *octets, size_t n)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], octets, n), (ssize_t)n);
	ck_assert_int_eq(close(fds[1]), 0);
	return fds[0];
}

START_TEST(one_line)
{
	const struct line_row *row = &lines[_i];
	const struct prompt p = { .in = pipe_of(row->input, row->len), .out = -1 };
	struct failure why = { .text = "" };
	SECRET(answer);

	ck_assert_msg(prompt_ask(&p, "PIN", PROMPT_TWICE, any, NULL, &answer, &why) == row->outcome,
	    "%s: %s", row->why, why.text);
	if (row->answer != NULL)
		ck_assert_msg(rbuf_eq(secret_view(&answer), rbuf_str(row->answer)), "%s", row->why);
	else
		ck_assert_msg(
		    answer.len == 0 && answer.data[0] == 0 && answer.data[7] == 0, "%s", row->why);
	if (row->message != NULL)
		ck_assert_msg(strstr(why.text, row->message) != NULL, "%s: %s", row->why, why.text);
	(void)close(p.in);
}
END_TEST

START_TEST(lines_in_order)
{
	const struct prompt p = { .in = pipe_of("first\r\nsecond\nthird", 19), .out = -1 };
	static const char *const wanted[] = { "first", "second", "third" };
	SECRET(answer);
	size_t i;

	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(prompt_ask(&p, "x", PROMPT_TWICE, any, NULL, &answer, NULL), DONE);
		ck_assert(rbuf_eq(secret_view(&answer), rbuf_str(wanted[i])));
	}
	ck_assert_int_eq(prompt_ask(&p, "x", PROMPT_TWICE, any, NULL, &answer, NULL), WRONG_SECRET);
	(void)close(p.in);
}
END_TEST

/* What is wrong already is not read to its end: it may have none. */
START_TEST(no_end)
{
	static const char *const texts[] = { A127 A127, "1234\0" };
	struct prompt p = { .out = -1 };
	SECRET(answer);
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], texts[_i], strlen(texts[_i]) + 1), (ssize_t)strlen(texts[_i]) + 1);
	p.in = fds[0]; /* and whoever writes goes on */
	ck_assert_int_eq(prompt_ask(&p, "PIN", PROMPT_TWICE, any, NULL, &answer, NULL), WRONG_SECRET);
	(void)close(fds[0]);
	(void)close(fds[1]);
}
END_TEST

START_TEST(unreadable)
{
	const struct prompt p = { .in = -1, .out = -1 };
	struct failure why = { .text = "" };
	SECRET(answer);

	ck_assert_int_eq(prompt_ask(&p, "PUK", PROMPT_TWICE, any, NULL, &answer, &why), FAILED);
	ck_assert_ptr_nonnull(strstr(why.text, "PUK"));
}
END_TEST

/* A pipe somebody made non-blocking, whose writer takes its time. */
START_TEST(slow_pipe)
{
	struct prompt p = { .out = -1 };
	SECRET(answer);
	int fds[2];
	pid_t writer;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	writer = fork();
	if (writer == 0) {
		(void)poll(NULL, 0, 200);
		(void)!write(fds[1], "1234", 4);
		(void)poll(NULL, 0, 200);
		(void)!write(fds[1], "5678\n", 5);
		_exit(0);
	}
	(void)close(fds[1]);
	p.in = fds[0];
	ck_assert_int_eq(prompt_ask(&p, "PIN", PROMPT_TWICE, any, NULL, &answer, NULL), DONE);
	ck_assert(rbuf_eq(secret_view(&answer), rbuf_str(A8)));
	(void)waitpid(writer, NULL, 0);
	(void)close(fds[0]);
}
END_TEST

/* ---- what create gathers ---- */

#define KEY24 "010203040506070801020304050607080102030405060708"

static const struct gather_row {
	const char *why;
	struct options options;
	const char *input;
	enum outcome outcome;
	size_t key, pin, puk; /* octets of each */
	const char *message;
} gatherings[] = {
	{ "all defaults",
	    { .admin_key = SOURCE_DEFAULT,
		.pin = SOURCE_DEFAULT,
		.puk = SOURCE_DEFAULT,
		.admin_algorithm = ALG_3DES },
	    "", DONE, 24, 8, 8, NULL },
	{ "all left out", { .admin_algorithm = ALG_3DES }, "", DONE, 24, 8, 0, NULL },
	{ "AES128's default", { .admin_algorithm = ALG_AES_128 }, "", DONE, 16, 8, 0, NULL },
	{ "AES192's default", { .admin_algorithm = ALG_AES_192 }, "", DONE, 24, 8, 0, NULL },
	{ "a random key", { .admin_key = SOURCE_RANDOM, .admin_algorithm = ALG_3DES }, "", DONE, 0,
	    8, 0, NULL },
	{ "key, PIN, PUK",
	    { .admin_key = SOURCE_PROMPT,
		.pin = SOURCE_PROMPT,
		.puk = SOURCE_PROMPT,
		.admin_algorithm = ALG_3DES },
	    KEY24 "\nabcdefghi\n0123456789\n", DONE, 24, 9, 10, NULL },
	{ "AES256", { .admin_key = SOURCE_PROMPT, .admin_algorithm = ALG_AES_256 },
	    "000102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f\n", DONE, 32, 8, 0,
	    NULL },
	{ "PIN and PUK only",
	    { .pin = SOURCE_PROMPT, .puk = SOURCE_PROMPT, .admin_algorithm = ALG_3DES },
	    "12341234\n87654321\n", DONE, 24, 8, 8, NULL },
	{ "a key too short", { .admin_key = SOURCE_PROMPT, .admin_algorithm = ALG_3DES }, "0102\n",
	    WRONG_SECRET, 0, 0, 0, "dministrator key" },
	{ "AES256's length for 3DES", { .admin_key = SOURCE_PROMPT, .admin_algorithm = ALG_3DES },
	    KEY24 "0102030405060708\n", WRONG_SECRET, 0, 0, 0, "48" },
	{ "not hexadecimal", { .admin_key = SOURCE_PROMPT, .admin_algorithm = ALG_AES_128 },
	    "0102030405060708010203040506070g\n", WRONG_SECRET, 0, 0, 0, "hexadecimal" },
	{ "a short PIN", { .pin = SOURCE_PROMPT, .admin_algorithm = ALG_3DES }, "1234567\n",
	    WRONG_SECRET, 0, 0, 0, "PIN: it is too short" },
	{ "a PIN beyond ASCII", { .pin = SOURCE_PROMPT, .admin_algorithm = ALG_3DES },
	    "1234567\xc3\xbc\n", WRONG_SECRET, 0, 0, 0, "PIN: " },
	{ "a short PUK", { .puk = SOURCE_PROMPT, .admin_algorithm = ALG_3DES }, "1234567\n",
	    WRONG_SECRET, 0, 0, 0, "PUK: " },
	{ "no line for the PUK",
	    { .pin = SOURCE_PROMPT, .puk = SOURCE_PROMPT, .admin_algorithm = ALG_3DES },
	    "12345678\n", WRONG_SECRET, 0, 0, 0, "PUK: " },
};

START_TEST(gathering)
{
	const struct gather_row *row = &gatherings[_i];
	struct secrets s = { .pin.len = 0 };
	struct options options = row->options;
	struct failure why = { .text = "" };
	const int saved = dup(STDIN_FILENO);
	const int in = pipe_of(row->input, strlen(row->input));
	enum outcome outcome;

	options.verb = VERB_CREATE;
	options.policy = pin_policy_default;
	ck_assert_int_eq(dup2(in, STDIN_FILENO), STDIN_FILENO);
	outcome = secrets_gather(&options, &s, &why);
	(void)dup2(saved, STDIN_FILENO);
	(void)close(saved);
	(void)close(in);
	ck_assert_msg(outcome == row->outcome, "%s: %s", row->why, why.text);
	ck_assert_msg(s.admin_key.len == row->key && s.pin.len == row->pin && s.puk.len == row->puk,
	    "%s", row->why);
	if (row->message != NULL)
		ck_assert_msg(strstr(why.text, row->message) != NULL, "%s: %s", row->why, why.text);
	ck_assert_ptr_null(strstr(why.text, "1234567"));
	secrets_clear(&s);
	ck_assert_uint_eq(s.pin.len, 0);
}
END_TEST

START_TEST(hexadecimal)
{
	struct secrets s = { .pin.len = 0 };
	struct options options = { .verb = VERB_CREATE,
		.admin_key = SOURCE_PROMPT,
		.admin_algorithm = ALG_AES_128,
		.policy = pin_policy_default };
	static const uint8_t key[] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99,
		0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	const int saved = dup(STDIN_FILENO);
	const int in = pipe_of("00112233445566778899AabBCcdDeEFf\r\n", 34);
	enum outcome outcome;

	ck_assert_int_eq(dup2(in, STDIN_FILENO), STDIN_FILENO);
	outcome = secrets_gather(&options, &s, NULL);
	(void)dup2(saved, STDIN_FILENO);
	(void)close(saved);
	(void)close(in);
	ck_assert_int_eq(outcome, DONE);
	ck_assert(rbuf_eq(secret_view(&s.admin_key), rbuf_of(key, sizeof key)));
	secrets_clear(&s);
}
END_TEST

/* ---- a terminal ---- */

static const struct key_row {
	const char *why;
	const char *typed; /* at the terminal, or NULL: a signal */
	int signal;
} endings[] = {
	{ "^C", "1234\x03", SIGINT },
	{ "^\\", "1234\x1c", SIGQUIT },
	{ "SIGTERM", NULL, SIGTERM },
	{ "SIGHUP", NULL, SIGHUP },
};

/* A child at a terminal of its own, asked for an 8-character PIN; its exit status is the outcome.
 */
struct terminal {
	int master;
	pid_t child;
	struct termios before;
	char seen[4096]; /* all the terminal has shown */
	size_t seen_len,
	    passed; /* octets, and how many of them earlier calls of expect() were content with */
};

static const char *
eight(const void *context, struct rbuf answer)
{
	(void)context;
	return answer.len == 8 ? NULL : "it does not have 8 characters";
}

static void
child_main(int slave)
{
	struct failure why = { .text = "" };
	struct prompt p;
	SECRET(answer);
	enum outcome outcome;
	size_t i;

	for (i = 0; i < sizeof endings / sizeof endings[0]; i++)
		(void)signal(endings[i].signal, SIG_DFL); /* check has handlers of its own */
	(void)setsid();
	(void)ioctl(slave, TIOCSCTTY, 0);
	(void)dup2(slave, STDIN_FILENO);
	p = prompt_open();
	if (!p.terminal)
		_exit(99);
	outcome = prompt_ask(&p, "PIN", PROMPT_TWICE, eight, NULL, &answer, &why);
	(void)dprintf(slave, "[%s]", why.text);
	if (outcome == DONE && !rbuf_eq(secret_view(&answer), rbuf_str(A8)))
		_exit(98);
	prompt_close(&p);
	_exit((int)outcome);
}

static void
terminal_start(struct terminal *t)
{
	int slave;

	memset(t, 0, sizeof *t);
	ck_assert_int_eq(openpty(&t->master, &slave, NULL, NULL, NULL), 0);
	ck_assert_int_eq(tcgetattr(slave, &t->before), 0);
	t->child = fork();
	if (t->child == 0) {
		(void)close(t->master);
		child_main(slave);
	}
	ck_assert_int_gt(t->child, 0);
	/* Open here as well, so that its state can be looked at when the child is gone. */
	ck_assert_int_ge(slave, 0);
}

/* Read until the terminal has shown text once more. */
static void
expect(struct terminal *t, const char *text)
{
	struct pollfd fd = { .fd = t->master, .events = POLLIN };
	const char *at;
	ssize_t n;

	while ((at = strstr(t->seen + t->passed, text)) == NULL) {
		ck_assert_msg(poll(&fd, 1, 5000) == 1, "\"%s\" not seen, but: %s", text, t->seen);
		n = read(t->master, t->seen + t->seen_len, sizeof t->seen - 1 - t->seen_len);
		ck_assert_int_gt(n, 0);
		t->seen_len += (size_t)n;
	}
	t->passed = (size_t)(at - t->seen) + strlen(text);
}

static void
type(struct terminal *t, const char *text)
{
	ck_assert_int_eq(write(t->master, text, strlen(text)), (ssize_t)strlen(text));
}

/* The master's view of the terminal's mode is the terminal's own. */
static bool
echoes(struct terminal *t)
{
	struct termios now;

	ck_assert_int_eq(tcgetattr(t->master, &now), 0);
	return (now.c_lflag & ECHO) != 0;
}

static int
terminal_end(struct terminal *t)
{
	int status = 0;

	ck_assert_int_eq(waitpid(t->child, &status, 0), t->child);
	ck_assert_msg(echoes(t), "the echo is back");
	ck_assert_msg(strstr(t->seen, A8) == NULL, "what was typed was shown: %s", t->seen);
	(void)close(t->master);
	return status;
}

START_TEST(asked_twice)
{
	struct terminal t;
	int status;

	terminal_start(&t);
	expect(&t, "PIN: ");
	ck_assert(!echoes(&t));
	type(&t, A8 "\n");
	expect(&t, "Again, PIN: ");
	ck_assert(!echoes(&t));
	type(&t, A8 "\n");
	expect(&t, "[]");
	status = terminal_end(&t);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == DONE);
}
END_TEST

START_TEST(asked_anew)
{
	struct terminal t;
	int status;

	terminal_start(&t);
	expect(&t, "PIN: ");
	type(&t, "short\n");
	expect(&t, "8 characters");
	expect(&t, "PIN: ");
	type(&t, A8 "\n");
	expect(&t, "Again, PIN: ");
	type(&t, "87654321\n");
	expect(&t, "not the same");
	expect(&t, "PIN: ");
	type(&t, "99\x7f\x7f" A8 "\n"); /* the terminal's own editing is left on */
	expect(&t, "Again, PIN: ");
	type(&t, A8 "\n");
	expect(&t, "[]");
	status = terminal_end(&t);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == DONE);
}
END_TEST

START_TEST(three_attempts)
{
	struct terminal t;
	int status, i;

	terminal_start(&t);
	for (i = 0; i < 3; i++) {
		expect(&t, "PIN: ");
		type(&t, "short\n");
		expect(&t, "8 characters");
	}
	expect(&t, "]");
	status = terminal_end(&t);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == WRONG_SECRET);
}
END_TEST

START_TEST(signals)
{
	const struct key_row *row = &endings[_i];
	struct terminal t;
	int status;

	terminal_start(&t);
	expect(&t, "PIN: ");
	if (row->typed != NULL)
		type(&t, row->typed);
	else
		ck_assert_int_eq(kill(t.child, row->signal), 0);
	status = terminal_end(&t);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == row->signal, "%s: %x", row->why,
	    (unsigned)status);
}
END_TEST

/*
 * A continued program asks again, from the beginning of the line.  A session
 * of one process cannot be stopped from its terminal, so SIGSTOP's gentler
 * brother comes as a signal and is discarded: the question comes again.
 */
START_TEST(stop_and_go)
{
	struct terminal t;
	int status;

	terminal_start(&t);
	expect(&t, "PIN: ");
	type(&t, "1234");
	ck_assert_int_eq(kill(t.child, SIGTSTP), 0);
	expect(&t, "PIN: ");
	type(&t, A8 "\n");
	expect(&t, "Again, PIN: ");
	type(&t, A8 "\n");
	expect(&t, "[]");
	status = terminal_end(&t);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == DONE);
}
END_TEST

START_TEST(end_of_input)
{
	struct terminal t;
	int status;

	terminal_start(&t);
	expect(&t, "PIN: ");
	type(&t, "\x04");
	expect(&t, "ended");
	status = terminal_end(&t);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == WRONG_SECRET);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("prompt");
	TCase *tcase = tcase_create("secrets");

	tcase_set_timeout(tcase, 30);
	tcase_add_rows(tcase, one_line, lines);
	tcase_add_test(tcase, lines_in_order);
	tcase_add_loop_test(tcase, no_end, 0, 2);
	tcase_add_test(tcase, unreadable);
	tcase_add_test(tcase, slow_pipe);
	tcase_add_rows(tcase, gathering, gatherings);
	tcase_add_test(tcase, hexadecimal);
	tcase_add_test(tcase, asked_twice);
	tcase_add_test(tcase, asked_anew);
	tcase_add_test(tcase, three_attempts);
	tcase_add_rows(tcase, signals, endings);
	tcase_add_test(tcase, stop_and_go);
	tcase_add_test(tcase, end_of_input);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
