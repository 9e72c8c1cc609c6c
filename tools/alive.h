/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sign of life at a terminal while a step takes its time: a mark that turns
 * at the beginning of the line, and goes when anything else is written.  Where
 * standard error is no terminal there is none.
 */
#ifndef TPMVSC_TOOLS_ALIVE_H
#define TPMVSC_TOOLS_ALIVE_H

#include <stdbool.h>

/* How long a step may be silent before the mark comes, and how fast it turns. */
#define ALIVE_AFTER_MS 1000
#define ALIVE_TURN_MS  150

/*
 * Begin and end showing it, in pairs; quiet: not at all.  Nothing may be asked
 * at the terminal in between, and what is written to standard error goes
 * through message.h, or between alive_hide() and alive_show().
 */
void alive_begin(bool quiet);
void alive_end(void);

/* Take the mark away, and keep it away until alive_show(); it comes back after a while. */
void alive_hide(void);
void alive_show(void);

#endif
