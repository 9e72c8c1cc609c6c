/* SPDX-License-Identifier: BSD-2-Clause */
/* The far side of /machine: a request comes in on standard input and is run here. */
#include "tools/commands.h"
#include "tools/message.h"
#include "tools/prompt.h"
#include "tools/request.h"
#include "tools/secrets.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* How long the near side may take; it sends when all has been asked. */
#define PATIENCE_S 60

/* Commands that may come from another machine: those that have /machine. */
/* clang-format off */
static const bool may_come[VERBS] = {
	[VERB_CREATE] = true,
	[VERB_DESTROY] = true,
	[VERB_LIST] = true,
	[VERB_SHOW] = true,
	[VERB_UNBLOCK] = true,
	[VERB_ATTEST] = true,
	[VERB_DOCTOR] = true,
	[VERB_REPAIR] = true,
};
/* clang-format on */

/* Read up to a newline; octet by octet, for what follows is not ours. */
static bool
read_line(struct wbuf *line, struct failure *why)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	uint8_t octet;
	ssize_t n;

	for (;;) {
		n = read(STDIN_FILENO, &octet, 1);
		if (n < 0 && errno == EAGAIN)
			(void)poll(&input, 1, -1);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			fail(why, "the request cannot be read: %s", strerror(errno));
		else if (n == 0)
			fail(why, "the request ended before it was read");
		else if (octet != '\n')
			wbuf_u8(line, octet);
		if (n > 0 && octet == '\n' && wbuf_ok(line))
			return true;
		if (n > 0 && !wbuf_ok(line))
			fail(why, "the request is too long");
		if (failed(why))
			return false;
	}
}

/* What a request may not have, although the grammar does. */
static const char *
fault_of(const struct options *o)
{
	if (o->help || o->version || o->stdio || !may_come[o->verb])
		return "its command is not for /machine";
	if (o->here != 0 || o->record != NULL || o->output != NULL || o->install != NULL)
		return "it has an option that is not for /machine";
	if (o->verb == VERB_UNBLOCK && o->by == BY_CHALLENGE)
		return "--challenge is not for /machine";
	return NULL;
}

static const char *
any(const void *context, struct rbuf answer)
{
	(void)context;
	return answer.len == 0 ? "it is empty" : NULL;
}

/* The lines behind the request. */
static enum outcome
read_secrets(const struct request *r, struct secret texts[SECRET_KINDS], struct failure *why)
{
	const struct prompt input = { .in = STDIN_FILENO, .out = -1 };
	enum outcome outcome = DONE;
	enum secret_kind kind;
	size_t i;

	for (i = 0; i < r->secret_count && outcome == DONE; i++) {
		kind = r->secrets[i];
		outcome = prompt_ask(
		    &input, secret_names[kind], PROMPT_ONCE, any, NULL, &texts[kind], why);
	}
	return outcome;
}

static enum outcome
run_request(const struct options *near, const struct request *r, struct failure *why)
{
	struct secret texts[SECRET_KINDS] = { { .len = 0 } };
	struct options options;
	enum outcome outcome;
	const char *fault;

	outcome = options_parse(r->argc, r->argv, &options, why);
	if (outcome != DONE)
		return outcome;
	fault = fault_of(&options);
	if (fault != NULL) {
		fail(why, "the request: %s", fault);
		return WRONG_USAGE;
	}
	(void)mlock(texts, sizeof texts); /* as far as the limits let us */
	options.config = near->config;
	options.given = texts;
	outcome = read_secrets(r, texts, why);
	(void)alarm(0);
	if (outcome == DONE) {
		message_log(options.verbose);
		outcome = command_run_here(&options, why);
	}
	secrets_wipe(texts);
	return outcome;
}

enum outcome
stdio_run(const struct options *options, struct failure *why)
{
	enum outcome outcome = FAILED;
	struct request request;
	struct wbuf line;
	const char *fault;
	uint8_t *octets;

	if (isatty(STDIN_FILENO)) {
		fail(why, "--stdio: it is the far side of /machine, and not for a terminal");
		return WRONG_USAGE;
	}
	octets = malloc(REQUEST_MAX);
	if (octets == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	line = wbuf_over(octets, REQUEST_MAX);
	(void)alarm(PATIENCE_S); /* ends us: nothing has been done */
	if (!read_line(&line, why)) {
		outcome = WRONG_USAGE;
	} else {
		fault = request_read(wbuf_view(&line), &request);
		if (fault == NULL) {
			outcome = run_request(options, &request, why);
			request_free(&request);
		} else {
			fail(why, "the request: %s", fault);
			outcome = WRONG_USAGE;
		}
	}
	free(octets);
	return outcome;
}
