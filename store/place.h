/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to store/: a place is an open directory whose files belong to one
 * owner.  Every file of the state directory is read, written and removed
 * through these calls, by name and relative to the place.
 */
#ifndef TPMVSC_STORE_PLACE_H
#define TPMVSC_STORE_PLACE_H

#include "store/files.h"

#include <dirent.h>
#include <sys/stat.h>

#define PLACE_PATH_MAX 512

struct place {
	int fd;
	uid_t owner;
	gid_t group;
	bool unborn; /* what is written to it is durable only after place_settle() */
	char path[PLACE_PATH_MAX]; /* for messages only */
};

struct files {
	struct place root;
	int lock; /* -1: not taken */
	bool tidied;
};

/* What an errno means to a caller; ABSENT only for ENOENT. */
enum files_err files_err_of(int error);

/* Set why to "cannot DOING PATH/NAME: reason; remedy" for errno error, and return its meaning. */
enum files_err place_fail(
    const struct place *p, const char *name, const char *doing, int error, struct failure *why);

/*
 * Whether st may be used: of the given kind (S_IFREG, S_IFDIR), owned by the
 * place's owner, closed to group and others, and a file with one link at most.
 * FILES_UNSAFE otherwise.
 */
MUST_CHECK enum files_err place_check(const struct place *p, const char *name,
    const struct stat *st, mode_t kind, struct failure *why);

/* Open a directory in the place.  ABSENT, DENIED, UNSAFE, FAULT. */
MUST_CHECK enum files_err place_open(
    const struct place *p, const char *name, struct place *out, struct failure *why);

/* Make a directory in the place, of its owner, mode 0700, and open it. */
MUST_CHECK enum files_err place_make(
    const struct place *p, const char *name, struct place *out, struct failure *why);

void place_close(struct place *p);

/* Open a place for reading its names, beside its own descriptor.  NULL with errno. */
DIR *place_names(const struct place *p);

/*
 * A descriptor that becomes readable when a file of the place, or its name, is
 * changed by anybody, reading excepted.  -1 when there is none to be had.
 */
MUST_CHECK int place_watch(const struct place *p);

/* Whether it was readable; it is not any more. */
MUST_CHECK bool place_changed(int watch);

/* Append a file of at most max octets.  ABSENT, DENIED, UNSAFE, FAULT (also: longer). */
MUST_CHECK enum files_err place_read(
    const struct place *p, const char *name, size_t max, struct wbuf *out, struct failure *why);

/*
 * Set a file's content, atomically and durably: temporary file, fsync, rename,
 * fsync of the place; in an unborn place only atomically.  On failure the old
 * content stands, except that after a failed last step the new content stands but
 * may not survive a power cut.
 */
MUST_CHECK enum files_err place_write(
    const struct place *p, const char *name, struct rbuf value, struct failure *why);

/*
 * End what place_write() began in an unborn place: each file, then the place
 * itself, is on disk, and the place is like any other.  On failure it is
 * unborn still.
 */
MUST_CHECK enum files_err place_settle(struct place *p, struct failure *why);

/*
 * Rename a file, atomically and durably; one that had the new name is gone.
 * ABSENT when there is none.  A failed last step is as with place_write().
 */
MUST_CHECK enum files_err place_rename(
    const struct place *p, const char *name, const char *to, struct failure *why);

/* Remove a file, durably.  ABSENT when there is none. */
MUST_CHECK enum files_err place_remove(
    const struct place *p, const char *name, struct failure *why);

/* Remove a temporary file that a killed process left; true when there was one. */
MUST_CHECK bool place_tidy(const struct place *p);

/* Make the names in the place durable. */
MUST_CHECK enum files_err place_sync(const struct place *p, struct failure *why);

/* Take an exclusive lock on fd.  False with errno; EBUSY when the time is up. */
MUST_CHECK bool lock_wait(int fd, unsigned milliseconds);
void lock_drop(int fd);

/* The name of a temporary file; there is at most one in a place. */
#define PLACE_TEMPORARY ".tmp"

/* What the generation of a card is called, before its number. */
#define PLACE_GENERATION ".generation-"

/* What an instance's things are called: its number behind "", ".new-", ".gone-", ".journal-". */
struct instance_name {
	char text[24];
};
struct instance_name instance_name(const char *prefix, unsigned instance);

/* Whether there is anything of that name in the state directory. */
MUST_CHECK bool files_occupied(struct files *f, const char *name);

/* Forget generation and announcement of a card that is going; fine when there is neither.  Sync afterwards. */
MUST_CHECK enum files_err files_change_forget(
    struct files *f, unsigned instance, struct failure *why);

/* A store over an open place; it takes the place over, also on failure. */
MUST_CHECK enum files_err items_open(struct place *p, struct store **out, struct failure *why);

#endif
