/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking for a code: what is typed or pasted is seen, may come in several
 * lines, and, at a terminal, may be entered again when it is mistyped.
 */
#ifndef TPMVSC_TOOLS_PASTE_H
#define TPMVSC_TOOLS_PASTE_H

#include "tools/codes.h"
#include "tools/prompt.h"

#include <signal.h>

#define PASTE_SIGNALS 4

/*
 * From here on a signal that ends the program waits until paste_end(); it
 * comes in only while a code is being asked for, and ends that.
 */
struct paste {
	const struct prompt *prompt;
	int64_t deadline; /* milliseconds since boot; 0: none */
	struct sigaction actions[PASTE_SIGNALS];
	sigset_t mask; /* as it was: what to wait with */
};

/* Begin; seconds: how long there is to answer, 0: as long as it takes. */
void paste_begin(struct paste *p, const struct prompt *prompt, unsigned seconds);
void paste_end(struct paste *p);

/*
 * Ask for what ("Response").  octets: appended, at most CODE_OCTETS_MAX.
 *
 * DONE; WRONG_SECRET when there is none, or the input ends before; FAILED when
 * the time is over, a signal came in, or reading fails.
 */
MUST_CHECK enum outcome paste_code(struct paste *p, enum code_kind kind, const char *what,
    struct wbuf *octets, struct failure *why);

/* Ask a question that yes or y answers; anything else, and no answer, is no. */
MUST_CHECK bool paste_agrees(struct paste *p, const char *question);

#endif
