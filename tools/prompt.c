/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define ATTEMPTS 3

/* How reading a line ended. */
enum line {
	LINE_WHOLE,
	LINE_NONE, /* the input is at its end */
	LINE_LONG,
	LINE_NUL,
	LINE_BROKEN, /* errno says why */
	LINE_SIGNAL, /* caught says which */
};

/* The signals that must find the echo restored. */
static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGTSTP, SIGTTIN,
	SIGTTOU };
#define SIGNALS (sizeof signals / sizeof signals[0])

static volatile sig_atomic_t caught;

static void
on_signal(int number)
{
	caught = number;
}

/* A terminal with its echo off, and how it was. */
struct hush {
	int fd;
	struct termios terminal;
	struct sigaction actions[SIGNALS];
	sigset_t mask; /* as it was: what to wait with */
};

struct prompt
prompt_open(void)
{
	struct prompt p = { .in = STDIN_FILENO, .out = STDERR_FILENO };
	int fd;

	if (!isatty(STDIN_FILENO))
		return p;
	p.terminal = true;
	fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0) {
		p.in = p.out = fd;
		p.opened = true;
	}
	return p;
}

void
prompt_close(struct prompt *p)
{
	if (p->opened)
		(void)close(p->in);
	p->opened = false;
}

static void
put(const struct prompt *p, const char *text)
{
	size_t n = strlen(text);
	ssize_t done;

	do {
		done = write(p->out, text, n);
	} while (done < 0 && errno == EINTR);
}

/* Turn the echo off, and hold the signals back except while waiting for input. */
static bool
hush_begin(struct hush *h, int fd)
{
	struct sigaction action = { .sa_handler = on_signal }, old;
	struct termios silent;
	pid_t foreground;
	sigset_t held;
	size_t i;

	h->fd = fd;
	/* In the background: stop here, rather than silence the terminal of somebody else. */
	foreground = tcgetpgrp(fd);
	if (foreground > 0 && foreground != getpgrp())
		(void)raise(SIGTTIN);
	if (tcgetattr(fd, &h->terminal) != 0)
		return false;
	caught = 0;
	(void)sigemptyset(&held);
	for (i = 0; i < SIGNALS; i++)
		(void)sigaddset(&held, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &held, &h->mask);
	for (i = 0; i < SIGNALS; i++) {
		(void)sigaction(signals[i], &action, &h->actions[i]);
		old = h->actions[i];
		if (old.sa_handler == SIG_IGN) /* as under nohup */
			(void)sigaction(signals[i], &old, NULL);
	}
	silent = h->terminal;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	silent.c_lflag |= ICANON | ISIG;
	(void)tcsetattr(fd, TCSAFLUSH, &silent);
	return true;
}

/* Put everything back, then let a caught signal act as it would have. */
static void
hush_end(struct hush *h)
{
	size_t i;

	(void)tcsetattr(h->fd, TCSAFLUSH, &h->terminal);
	for (i = 0; i < SIGNALS; i++)
		(void)sigaction(signals[i], &h->actions[i], NULL);
	if (caught != 0)
		(void)raise((int)caught); /* delivered by the next line */
	(void)sigprocmask(SIG_SETMASK, &h->mask, NULL);
}

/* Wait until there is input; only then may a signal come in. */
static bool
wait_input(const struct hush *h)
{
	struct pollfd fd = { .fd = h->fd, .events = POLLIN };

	while (caught == 0) {
		if (ppoll(&fd, 1, NULL, &h->mask) > 0)
			return true;
		if (errno != EINTR)
			return true; /* read() will say */
	}
	return false;
}

/* Read one octet: 1, 0 at the end, -1 with errno. */
static ssize_t
read_octet(int fd, uint8_t *octet)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };
	ssize_t n;

	for (;;) {
		n = read(fd, octet, 1);
		if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			return n;
		/* Whoever shares the descriptor may have made it non-blocking. */
		if (errno == EAGAIN)
			(void)poll(&input, 1, -1);
	}
}

/* Read up to the newline; h is NULL for what is no terminal. */
static enum line
read_line(int fd, const struct hush *h, struct secret *out)
{
	struct wbuf text = wbuf_over(out->data, sizeof out->data);
	enum line line = LINE_WHOLE;
	uint8_t octet = 0;
	bool any = false;
	ssize_t n = 0;

	out->len = 0;
	for (;;) {
		if (h != NULL && !wait_input(h)) {
			line = LINE_SIGNAL;
			break;
		}
		n = read_octet(fd, &octet);
		if (n < 0)
			line = LINE_BROKEN;
		else if (n == 0 && !any)
			line = LINE_NONE;
		if (n <= 0 || octet == '\n')
			break;
		any = true;
		if (octet == 0)
			line = LINE_NUL;
		wbuf_u8(&text, octet);
		/* Nobody is there to enter it again, and such a line may have no end. */
		if (h == NULL && (line == LINE_NUL || !wbuf_ok(&text)))
			break;
	}
	/* Files from Windows end their lines with two octets. */
	if (n > 0 && wbuf_ok(&text) && text.len != 0 &&
	    rbuf_at(wbuf_view(&text), text.len - 1) == '\r')
		wbuf_truncate(&text, text.len - 1);
	explicit_bzero(&octet, sizeof octet);
	if (line == LINE_WHOLE && !wbuf_ok(&text))
		line = LINE_LONG;
	out->len = text.len;
	if (line != LINE_WHOLE)
		secret_clear(out);
	return line;
}

/* Ask once.  A stopped and continued program asks again. */
static enum line
ask_line(const struct prompt *p, const char *again, const char *what, struct secret *out)
{
	struct hush h;
	enum line line;
	char text[128];

	if (!p->terminal)
		return read_line(p->in, NULL, out);
	(void)snprintf(text, sizeof text, "%s%s: ", again, what);
	do {
		if (!hush_begin(&h, p->in))
			return LINE_BROKEN;
		put(p, text);
		line = read_line(p->in, &h, out);
		put(p, "\n");
		hush_end(&h);
	} while (line == LINE_SIGNAL);
	return line;
}

static enum outcome
fault_of(enum line line, const char *what, struct failure *why)
{
	switch (line) {
	case LINE_WHOLE:
		return DONE;
	case LINE_NONE:
		fail(why, "%s: the input ended before it was read", what);
		return WRONG_SECRET;
	case LINE_LONG:
		fail(why, "%s: it is too long", what);
		return WRONG_SECRET;
	case LINE_NUL:
		fail(why, "%s: it has a NUL character", what);
		return WRONG_SECRET;
	case LINE_SIGNAL:
	case LINE_BROKEN:
		break;
	}
	fail(why, "%s: cannot read it: %s", what, strerror(errno));
	return FAILED;
}

/* One attempt: ask, check and, at a terminal, ask again.  ended: nobody is there to answer. */
static enum outcome
attempt(const struct prompt *p, const char *what, enum prompt_times times, prompt_check check,
    const void *context, struct secret *out, bool *ended, struct failure *why)
{
	SECRET(second);
	enum outcome outcome;
	const char *breach;
	enum line line;

	line = ask_line(p, "", what, out);
	*ended = line == LINE_NONE;
	outcome = fault_of(line, what, why);
	if (outcome != DONE)
		return outcome;
	breach = check(context, secret_view(out));
	if (breach != NULL) {
		fail(why, "%s: %s", what, breach);
		return WRONG_SECRET;
	}
	if (!p->terminal || times == PROMPT_ONCE)
		return DONE;
	outcome = fault_of(ask_line(p, "Again, ", what, &second), what, why);
	if (outcome != DONE)
		return outcome;
	if (rbuf_eq_secret(secret_view(out), secret_view(&second)))
		return DONE;
	fail(why, "%s: the two are not the same", what);
	return WRONG_SECRET;
}

enum outcome
prompt_ask(const struct prompt *p, const char *what, enum prompt_times times, prompt_check check,
    const void *context, struct secret *out, struct failure *why)
{
	const int attempts = p->terminal ? ATTEMPTS : 1;
	struct failure fault = { .text = "" };
	enum outcome outcome = FAILED;
	bool ended = false;
	int i;

	for (i = 0; i < attempts; i++) {
		fault = (struct failure){ .text = "" };
		outcome = attempt(p, what, times, check, context, out, &ended, &fault);
		if (outcome != WRONG_SECRET || ended)
			break;
		if (i + 1 < attempts) {
			put(p, fault.text);
			put(p, "\n");
		}
	}
	if (outcome != DONE) {
		secret_clear(out);
		fail(why, "%s", fault.text);
	}
	return outcome;
}
