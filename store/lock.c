/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define LOCK_NAME ".manage"
#define STEP_MS   20

static uint64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* flock has no deadline of its own, and a signal to end it is not ours to send inside pcscd. */
bool
lock_wait(int fd, unsigned milliseconds)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };
	uint64_t end = now_ms() + milliseconds;

	for (;;) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return false;
		if (now_ms() >= end) {
			errno = EBUSY;
			return false;
		}
		(void)nanosleep(&step, NULL);
	}
}

void
lock_drop(int fd)
{
	(void)flock(fd, LOCK_UN);
}

/* Open the lock file, making it if need be. */
static enum files_err
open_lock(const struct place *p, int *out, struct failure *why)
{
	enum files_err err;
	struct stat st;
	int fd;

	fd = openat(p->fd, LOCK_NAME,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	if (fd < 0)
		return place_fail(p, LOCK_NAME, "open", errno, why);
	/* Ours or just made: give it to the directory's owner.  Foreign: place_check refuses. */
	if (fstat(fd, &st) != 0 ||
	    (st.st_uid == geteuid() && st.st_uid != p->owner &&
		(fchown(fd, p->owner, p->group) != 0 || fstat(fd, &st) != 0)))
		err = place_fail(p, LOCK_NAME, "look at", errno, why);
	else
		err = place_check(p, LOCK_NAME, &st, S_IFREG, why);
	if (err != FILES_OK) {
		(void)close(fd);
		return err;
	}
	*out = fd;
	return FILES_OK;
}

enum files_err
files_lock(struct files *f, unsigned seconds, struct failure *why)
{
	enum files_err err;
	int error, fd = -1;

	if (f->lock >= 0)
		return FILES_OK;
	err = open_lock(&f->root, &fd, why);
	if (err != FILES_OK)
		return err;
	if (!lock_wait(fd, seconds * 1000)) {
		error = errno;
		(void)close(fd);
		if (error != EBUSY)
			return place_fail(&f->root, LOCK_NAME, "lock", error, why);
		fail(why, "another tpmvscmgr is at work on the cards in %s: repeat when it is done",
		    f->root.path);
		return FILES_FAULT;
	}
	f->lock = fd;
	f->tidied = place_tidy(&f->root);
	return FILES_OK;
}

bool
files_tidied(const struct files *f)
{
	return f->tidied;
}
