/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file behind a lease: a flock that the processes on one TPM share, with
 * the last holder's id in it, and a door to shut on those who would hold it
 * again and again.  The kernel gives all of it back when a process dies.
 */
#ifndef TPMVSC_TPM_LOCKFILE_H
#define TPMVSC_TPM_LOCKFILE_H

#include "tpm/lease.h"

struct lockfile {
	int fd;		  /* -1: not open */
	uint8_t owner[8]; /* this process's id */
	bool shut;	  /* we have shut the door */
};

/* Choose an id. */
void lockfile_init(struct lockfile *f);

/*
 * Open the file, unless it is open, and make it if it is missing (mode 0600,
 * for the owner of its directory).  LEASE_KEPT; LEASE_FULL, LEASE_FAULT with why set.
 */
MUST_CHECK enum lease_err lockfile_open(struct lockfile *f, const char *path, struct failure *why);

/*
 * Take the lock if it is free and nobody else has shut the door.  LEASE_KEPT,
 * LEASE_TAKEN; LEASE_LATE when it is not to be had now; LEASE_FULL, LEASE_FAULT with why set.
 */
MUST_CHECK enum lease_err lockfile_try(struct lockfile *f, struct failure *why);

/* Give the lock back. */
void lockfile_give(struct lockfile *f);

/* Whether another process waits behind a shut door: who has the lock is to give it back soon. */
MUST_CHECK bool lockfile_is_shut(const struct lockfile *f);

/* Shut the door (it may fail: another was faster), and open it again. */
void lockfile_shut(struct lockfile *f);
void lockfile_reopen(struct lockfile *f);

/* Close the file, and with it all locks that no child of this process has. */
void lockfile_close(struct lockfile *f);

#endif
