/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long between two looks at a lease somebody else holds. */
#define LEASE_POLL_NS 500000L

void
lease_init(struct lease *l)
{
	l->fd = -1;
	if (getrandom(l->owner, sizeof l->owner, 0) != (ssize_t)sizeof l->owner)
		memset(l->owner, 0, sizeof l->owner); /* then every turn counts as taken: see read_owner() */
}

/* A file that root makes belongs to whoever the directory belongs to, or pcscd's user could not open it. */
static bool
adopt(int fd, const char *path)
{
	char dir[4096];
	struct stat st;
	char *slash;

	if (geteuid() != 0)
		return true;
	(void)snprintf(dir, sizeof dir, "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL || slash == dir)
		return true;
	*slash = '\0';
	return stat(dir, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0;
}

static bool
is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

static bool
open_file(struct lease *l, const char *path, bool *full, struct failure *why)
{
	struct stat st;

	if (l->fd >= 0)
		return true;
	l->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	if (l->fd < 0) {
		*full = is_full(errno);
		fail(why, "cannot open the TPM lease %s: %s", path, strerror(errno));
		return false;
	}
	if (fstat(l->fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 ||
	    !adopt(l->fd, path)) {
		fail(why, "the TPM lease %s is not a private file; remove it", path);
		lease_close(l);
		return false;
	}
	return true;
}

static bool
passed(const struct timespec *deadline)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > deadline->tv_sec ||
	    (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

/* Whether the file names us; writes our id when it does not. */
static enum lease_err
claim(struct lease *l)
{
	static const uint8_t nobody[sizeof l->owner];
	uint8_t last[sizeof l->owner] = { 0 };

	if (pread(l->fd, last, sizeof last, 0) == (ssize_t)sizeof last &&
	    memcmp(last, l->owner, sizeof last) == 0 && memcmp(last, nobody, sizeof last) != 0)
		return LEASE_KEPT;
	if (pwrite(l->fd, l->owner, sizeof l->owner, 0) != (ssize_t)sizeof l->owner) {
		const int error = errno;

		lease_give(l);
		errno = error;
		return is_full(error) ? LEASE_FULL : LEASE_FAULT;
	}
	return LEASE_TAKEN;
}

enum lease_err
lease_take(struct lease *l, const char *path, const struct timespec *deadline, struct failure *why)
{
	const struct timespec pause = { .tv_nsec = LEASE_POLL_NS };
	enum lease_err err;
	bool full = false;

	if (!open_file(l, path, &full, why))
		return full ? LEASE_FULL : LEASE_FAULT;
	while (flock(l->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			fail(why, "cannot lock the TPM lease %s: %s", path, strerror(errno));
			return LEASE_FAULT;
		}
		if (passed(deadline)) {
			fail(why, "another program keeps the TPM busy (it holds %s)", path);
			return LEASE_LATE;
		}
		(void)nanosleep(&pause, NULL);
	}
	err = claim(l);
	if (err == LEASE_FAULT || err == LEASE_FULL)
		fail(why, "cannot write the TPM lease %s: %s", path, strerror(errno));
	return err;
}

void
lease_give(struct lease *l)
{
	if (l->fd >= 0)
		(void)flock(l->fd, LOCK_UN);
}

void
lease_close(struct lease *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
}
