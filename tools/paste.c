/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/paste.h"

#include "tools/words.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* All lines of a code: several times what is written here, for a mail has > signs and spaces as
 * well. */
#define TEXT_MAX 2048

/* A pipe may have empty lines for ever. */
#define LINES_MAX 1024

/* How reading a line ended. */
enum line {
	LINE_WHOLE,
	LINE_LONG,
	LINE_NONE, /* the input is at its end */
	LINE_LATE,
	LINE_SIGNAL,
	LINE_BROKEN, /* errno says why */
};

static const int signals[PASTE_SIGNALS] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

static volatile sig_atomic_t caught;

static void
on_signal(int number)
{
	caught = number;
}

/* Milliseconds since boot: a challenge is no better for a machine that slept. */
static int64_t
now(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
paste_begin(struct paste *p, const struct prompt *prompt, unsigned seconds)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t held;
	size_t i;

	*p = (struct paste){ .prompt = prompt };
	if (seconds != 0)
		p->deadline = now() + (int64_t)seconds * 1000;
	caught = 0;
	(void)sigemptyset(&held);
	for (i = 0; i < PASTE_SIGNALS; i++)
		(void)sigaddset(&held, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &held, &p->mask);
	for (i = 0; i < PASTE_SIGNALS; i++) {
		(void)sigaction(signals[i], &action, &p->actions[i]);
		if (p->actions[i].sa_handler == SIG_IGN) /* as under nohup */
			(void)sigaction(signals[i], &p->actions[i], NULL);
	}
}

void
paste_end(struct paste *p)
{
	size_t i;

	/* One that came too late to stop anything goes to the handler, and is forgotten. */
	(void)sigprocmask(SIG_SETMASK, &p->mask, NULL);
	for (i = 0; i < PASTE_SIGNALS; i++)
		(void)sigaction(signals[i], &p->actions[i], NULL);
}

static void
put(const struct paste *p, const char *text)
{
	ssize_t done;

	do {
		done = write(p->prompt->out, text, strlen(text));
	} while (done < 0 && errno == EINTR);
}

/* Wait for input; only meanwhile may a signal come in. */
static enum line
wait_input(const struct paste *p)
{
	struct pollfd fd = { .fd = p->prompt->in, .events = POLLIN };
	struct timespec left = { 0 };
	int64_t ms;
	int n;

	for (;;) {
		ms = p->deadline - now();
		if (p->deadline != 0 && ms <= 0)
			return LINE_LATE;
		left.tv_sec = ms / 1000;
		left.tv_nsec = ms % 1000 * 1000000;
		n = ppoll(&fd, 1, p->deadline != 0 ? &left : NULL, &p->mask);
		if (caught != 0)
			return LINE_SIGNAL;
		if (n > 0)
			return LINE_WHOLE;
		if (n < 0 && errno != EINTR)
			return LINE_BROKEN;
	}
}

/* Read a line, octet by octet: what is behind it is somebody else's. */
static enum line
read_line(const struct paste *p, struct wbuf *out)
{
	enum line line;
	uint8_t octet;
	bool any = false;
	ssize_t n;

	for (;;) {
		line = wait_input(p);
		if (line != LINE_WHOLE)
			return line;
		n = read(p->prompt->in, &octet, 1);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return LINE_BROKEN;
		if (n == 0 && !any)
			return LINE_NONE;
		if (n == 0 || octet == '\n')
			return wbuf_ok(out) ? LINE_WHOLE : LINE_LONG;
		any = true;
		wbuf_u8(out, octet);
		/* Nobody is there to enter it again, and such a line may have no end. */
		if (!p->prompt->terminal && !wbuf_ok(out))
			return LINE_LONG;
	}
}

/* How asking ends when no more lines come.  wrong: what the last ones had, or nothing. */
static enum outcome
ended(enum line line, const char *what, const struct failure *wrong, struct failure *why)
{
	switch (line) {
	case LINE_NONE:
		fail(why, "%s: %s", what,
		    failed(wrong) ? wrong->text : "the input ended before it was read");
		return WRONG_SECRET;
	case LINE_LATE:
		fail(why, "%s: it did not come in time", what);
		return FAILED;
	case LINE_SIGNAL:
		fail(why, "%s: interrupted", what);
		return FAILED;
	case LINE_WHOLE:
	case LINE_LONG:
	case LINE_BROKEN:
		break;
	}
	fail(why, "%s: cannot read it: %s", what, strerror(errno));
	return FAILED;
}

/* Tell what is wrong.  Only at a terminal is there somebody to correct it. */
static void
complain(const struct paste *p, const char *what, const struct failure *wrong)
{
	char text[256];

	(void)snprintf(text, sizeof text, "%s: %.120s. Enter it again.\n", what, wrong->text);
	put(p, text);
}

/* Ask for one more line of a code.  text holds the lines so far. */
static enum line
ask_line(const struct paste *p, const char *what, struct wbuf *text)
{
	char ask[64];

	(void)snprintf(ask, sizeof ask, text->len == 0 ? "%s: " : "%s, the rest of it: ", what);
	if (p->prompt->terminal)
		put(p, ask);
	return read_line(p, text);
}

enum outcome
paste_code(struct paste *p, enum code_kind kind, const char *what, struct wbuf *octets,
    struct failure *why)
{
	uint8_t lines[TEXT_MAX];
	struct wbuf text = wbuf_over(lines, sizeof lines);
	struct failure wrong = { "" };
	enum code_state state;
	unsigned lines_read;
	enum line line;
	size_t before;

	for (lines_read = 0; lines_read < LINES_MAX; lines_read++) {
		before = text.len;
		line = ask_line(p, what, &text);
		if (line != LINE_WHOLE && line != LINE_LONG)
			return ended(line, what, &wrong, why);
		if (line == LINE_WHOLE && text.len == 0)
			continue;
		wrong = (struct failure){ "" };
		state = CODE_WRONG;
		if (line == LINE_LONG)
			fail(&wrong, "it is too long");
		else
			state = code_read(wbuf_view(&text), kind, octets, &wrong);
		if (state == CODE_WHOLE)
			return DONE;
		/* An empty line gives the rest up. */
		if (state == CODE_SHORT && text.len != before)
			continue;
		if (!p->prompt->terminal)
			return ended(LINE_NONE, what, &wrong, why);
		complain(p, what, &wrong);
		wbuf_truncate(&text, 0);
	}
	return ended(LINE_NONE, what, &wrong, why);
}

bool
paste_agrees(struct paste *p, const char *question)
{
	uint8_t octets[16];
	struct wbuf line = wbuf_over(octets, sizeof octets);

	put(p, question);
	return read_line(p, &line) == LINE_WHOLE &&
	       (word_is(wbuf_view(&line), "y") || word_is(wbuf_view(&line), "yes"));
}
