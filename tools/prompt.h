/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking for secrets.  At a terminal: without echo, twice.  From anything
 * else: one line each.  What is typed goes octet by octet into a struct secret
 * and nowhere else.
 */
#ifndef TPMVSC_TOOLS_PROMPT_H
#define TPMVSC_TOOLS_PROMPT_H

#include "base/log.h"
#include "base/secret.h"
#include "card/card.h"

/* Where to ask. */
struct prompt {
	int in, out;
	bool terminal; /* in is one: hide what is typed, ask up to three times */
	bool opened;   /* in and out are /dev/tty, opened here */
};

/* Ask at the terminal when standard input is one, else read standard input. */
struct prompt prompt_open(void);
void prompt_close(struct prompt *p);

/* Which rule an answer breaks, as a short English clause; NULL when none. */
typedef const char *(*prompt_check)(const void *context, struct rbuf answer);

/* A new secret is asked for twice at a terminal, one that exists once. */
enum prompt_times { PROMPT_ONCE, PROMPT_TWICE };

/*
 * Ask for what ("PIN").  DONE; WRONG_SECRET when there is no answer, or none
 * that check accepts, or the two differ; FAILED when reading fails.  A signal
 * that ends the program does so after the echo is back.
 */
MUST_CHECK enum outcome prompt_ask(const struct prompt *p, const char *what,
    enum prompt_times times, prompt_check check, const void *context, struct secret *out, struct failure *why);

#endif
