/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose turn it is on a TPM without a resource manager (swtpm).  Between
 * processes: a flock on a file all share, with the last holder's id in it.
 * Within one: its clients share that lock, queue for their turns, and each
 * says what it keeps loaded.  Handles are mere numbers here.
 */
#ifndef TPMVSC_TPM_LEASE_H
#define TPMVSC_TPM_LEASE_H

#include <time.h>

#include "base/log.h"

/* One client. */
struct lease;

enum lease_err {
	LEASE_KEPT,  /* the turn, and nobody else's since: what was kept is there */
	LEASE_TAKEN, /* the turn, alone; another process was last, and what this client had is gone */
	LEASE_LATE,  /* not to be had before the deadline */
	LEASE_FULL,  /* the disk has no room for the file */
	LEASE_FAULT, /* the file cannot be used */
};

/* How many clients may keep something loaded when they have no turn: the third place is for whoever needs one. */
#define LEASE_KEEPERS 2

/* A new client, which keeps nothing; NULL when memory is out.  The file is opened at the first lease_take(). */
struct lease *lease_new(void);

/*
 * Wait for the turn until deadline (CLOCK_MONOTONIC), in the order of asking.
 * The file at path is made if missing (mode 0600, for the owner of its
 * directory).  What other clients of this process on the same path and tpm
 * have or keep is respected; path and tpm do not change from call to call.
 *
 * alone no other client's turn at the same time.  Without it, a client that keeps
 *       something may have its turn beside another such; one that keeps
 *       nothing is alone all the same
 */
MUST_CHECK enum lease_err lease_take(struct lease *l, const char *path, const char *tpm, bool alone,
    const struct timespec *deadline, struct failure *why);

/* Let others go on; any thread may.  Nothing happens without a turn. */
void lease_give(struct lease *l);

/* Say what stays loaded after the turn, 0 for nothing.  During a turn, or without sharing. */
void lease_keep(struct lease *l, uint32_t object, uint32_t session);

/* Whether it is one of those, and still there as far as this process knows. */
MUST_CHECK bool lease_keeps(struct lease *l, uint32_t handle);

/*
 * While alone: unless at most n others keep something, take from the one
 * whose turn was longest ago.  True with what is to be flushed in out (0: nothing);
 * false when there is no more to take.
 */
MUST_CHECK bool lease_evict(struct lease *l, unsigned n, uint32_t out[2]);

/*
 * While alone: of all that is loaded in the TPM, leave in handles what no
 * client of this process keeps, and forget what is kept and not among them.
 * Returns how many are left.
 */
size_t lease_nobodys(struct lease *l, uint32_t *handles, size_t n);

/* Free it; one whose turn has not ended is freed by lease_give().  NULL is allowed. */
void lease_free(struct lease *l);

#endif
