/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose turn it is on a TPM without a resource manager (swtpm): a flock on a
 * file all clients share, with the last holder's id in it.  Who finds another
 * id there has lost what it had loaded, and flushes what the other left.
 */
#ifndef TPMVSC_TPM_LEASE_H
#define TPMVSC_TPM_LEASE_H

#include <time.h>

#include "base/log.h"

struct lease {
	int fd;		  /* -1: not open */
	uint8_t owner[8]; /* this client's id */
};

enum lease_err {
	LEASE_KEPT,  /* ours, and nobody had it since */
	LEASE_TAKEN, /* ours now; another client was last */
	LEASE_LATE,  /* not to be had before the deadline */
	LEASE_FULL,  /* the disk has no room for the file */
	LEASE_FAULT, /* the file cannot be used */
};

/* Choose an id; the file is opened at the first lease_take(). */
void lease_init(struct lease *l);

/*
 * Wait for the turn until deadline (CLOCK_MONOTONIC).  The file at path is
 * made if missing (mode 0600, for the owner of its directory).
 */
MUST_CHECK enum lease_err lease_take(struct lease *l, const char *path,
    const struct timespec *deadline, struct failure *why);

/* Let others go on. */
void lease_give(struct lease *l);

/* Close the file. */
void lease_close(struct lease *l);

#endif
