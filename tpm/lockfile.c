/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* The octet behind the id that is the door: locked, never written. */
#define DOOR 8

void
lockfile_init(struct lockfile *f)
{
	*f = (struct lockfile){ .fd = -1 };
	if (getrandom(f->owner, sizeof f->owner, 0) != (ssize_t)sizeof f->owner)
		memset(f->owner, 0, sizeof f->owner); /* then every lock counts as taken: see claim() */
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

enum lease_err
lockfile_open(struct lockfile *f, const char *path, struct failure *why)
{
	struct stat st;
	int error;

	if (f->fd >= 0)
		return LEASE_KEPT;
	f->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	error = errno;
	if (f->fd < 0) {
		fail(why, "cannot open the TPM lease %s: %s", path, strerror(error));
		return is_full(error) ? LEASE_FULL : LEASE_FAULT;
	}
	if (fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 ||
	    !adopt(f->fd, path)) {
		fail(why, "the TPM lease %s is not a private file; remove it", path);
		lockfile_close(f);
		return LEASE_FAULT;
	}
	return LEASE_KEPT;
}

/* The lock is ours.  Whether the file names us; writes our id when it does not. */
static enum lease_err
claim(struct lockfile *f, struct failure *why)
{
	static const uint8_t nobody[sizeof f->owner];
	uint8_t last[sizeof f->owner] = { 0 };
	int error;

	if (pread(f->fd, last, sizeof last, 0) == (ssize_t)sizeof last &&
	    memcmp(last, f->owner, sizeof last) == 0 && memcmp(last, nobody, sizeof last) != 0)
		return LEASE_KEPT;
	if (pwrite(f->fd, f->owner, sizeof f->owner, 0) == (ssize_t)sizeof f->owner)
		return LEASE_TAKEN;
	error = errno;
	lockfile_give(f);
	fail(why, "cannot write the TPM lease: %s", strerror(error));
	return is_full(error) ? LEASE_FULL : LEASE_FAULT;
}

enum lease_err
lockfile_try(struct lockfile *f, struct failure *why)
{
	int error;

	if (lockfile_is_shut(f))
		return LEASE_LATE;
	if (flock(f->fd, LOCK_EX | LOCK_NB) == 0)
		return claim(f, why);
	error = errno;
	if (error == EWOULDBLOCK || error == EINTR)
		return LEASE_LATE;
	fail(why, "cannot lock the TPM lease: %s", strerror(error));
	return LEASE_FAULT;
}

void
lockfile_give(struct lockfile *f)
{
	(void)flock(f->fd, LOCK_UN);
}

bool
lockfile_is_shut(const struct lockfile *f)
{
	struct flock door = { .l_type = F_RDLCK, .l_start = DOOR, .l_len = 1 };

	return fcntl(f->fd, F_OFD_GETLK, &door) == 0 && door.l_type != F_UNLCK;
}

void
lockfile_shut(struct lockfile *f)
{
	struct flock door = { .l_type = F_WRLCK, .l_start = DOOR, .l_len = 1 };

	f->shut = f->shut || fcntl(f->fd, F_OFD_SETLK, &door) == 0;
}

void
lockfile_reopen(struct lockfile *f)
{
	struct flock door = { .l_type = F_UNLCK, .l_start = DOOR, .l_len = 1 };

	if (f->shut)
		(void)fcntl(f->fd, F_OFD_SETLK, &door);
	f->shut = false;
}

void
lockfile_close(struct lockfile *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
	f->shut = false;
}
