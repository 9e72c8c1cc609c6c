/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What another machine writes, passed on as it comes: UTF-8 and newlines as
 * they are, a question mark for what a terminal would obey.  Knows base.
 */
#ifndef TPMVSC_TOOLS_HARMLESS_H
#define TPMVSC_TOOLS_HARMLESS_H

#include "base/bytes.h"

struct harmless {
	uint8_t held[4]; /* the beginning of a character, or a CR, whose end is to come */
	size_t held_len;
};

/* The most that may come in at once, and the most that it becomes. */
#define HARMLESS_CHUNK 4096
#define HARMLESS_ROOM  (HARMLESS_CHUNK + 4)

/* Append what has come in; out has HARMLESS_ROOM octets left.  last: nothing will follow. */
void harmless_pass(struct harmless *h, struct rbuf in, bool last, struct wbuf *out);

#endif
