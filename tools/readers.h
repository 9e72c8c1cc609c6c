/* SPDX-License-Identifier: BSD-2-Clause */
/* The readers that pcscd shows, in its order.  Knows base only. */
#ifndef TPMVSC_TOOLS_READERS_H
#define TPMVSC_TOOLS_READERS_H

#include "base/bytes.h"

/* More than any pcscd shows, and the longest name with its end. */
#define READERS_MAX 64
#define READER_NAME_MAX 129

struct readers {
	char names[READERS_MAX][READER_NAME_MAX]; /* as drivers wrote them */
	size_t count;
};

/* Take the names of a list as PC/SC gives it: each ended by a NUL, and one more at the end. */
void readers_take(struct rbuf list, struct readers *out);

#endif
