/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A private directory for one test, and what tests of files do in it.  All
 * paths are relative to it; every call fails the test when it cannot do its work.
 */
#ifndef TPMVSC_TESTS_SCRATCH_H
#define TPMVSC_TESTS_SCRATCH_H

#include "base/bytes.h"

#include <sys/types.h>

/* The account a test gives files to that must not be trusted. */
#define SCRATCH_STRANGER 65534

/* Make the directory, and note which descriptors are open. */
void scratch_setup(void);

/* Remove it with all in it, and see that no descriptor was left open. */
void scratch_teardown(void);

/* The absolute path of name in it; one of a few static buffers. */
const char *scratch_path(const char *name);

void scratch_mkdir(const char *name, mode_t mode);
void scratch_write(const char *name, struct rbuf content, mode_t mode);
size_t scratch_read(const char *name, uint8_t *out, size_t cap);
void scratch_symlink(const char *target, const char *name);
void scratch_hardlink(const char *from, const char *name);
void scratch_fifo(const char *name);
void scratch_socket(const char *name);
void scratch_chown(const char *name, uid_t owner);
void scratch_chmod(const char *name, mode_t mode);
void scratch_remove(const char *name); /* a whole tree; fine when absent */
bool scratch_exists(const char *name);

/* How many entries a directory has. */
unsigned scratch_count(const char *name);

/* A number that changes when any name, mode, owner or content below name does. */
uint64_t scratch_sum(const char *name);

/* Run body in a child; returns what it returned.  As the stranger, or in a mount namespace of its
 * own. */
int scratch_as_stranger(int (*body)(void *), void *context);
int scratch_in_mounts(int (*body)(void *), void *context);

/* Whether this process is root: some accidents can be staged by root only. */
bool scratch_is_root(void);

#endif
