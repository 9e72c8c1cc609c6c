/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum files_err
files_err_of(int error)
{
	static const struct {
		int error;
		enum files_err err;
	} meanings[] = {
		{ ENOENT, FILES_ABSENT }, { EACCES, FILES_DENIED }, { EPERM, FILES_DENIED },
		{ ENOSPC, FILES_FULL }, { EDQUOT, FILES_FULL }, { EFBIG, FILES_FULL },
		{ ELOOP, FILES_UNSAFE }, { ENOTDIR, FILES_UNSAFE },
		{ ENXIO, FILES_UNSAFE }, /* a socket */
	};
	size_t i;

	for (i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
		if (meanings[i].error == error)
			return meanings[i].err;
	}
	return FILES_FAULT;
}

static const char *
remedy(enum files_err err)
{
	switch (err) {
	case FILES_DENIED:
		return "; run this as root or as the owner of the state directory";
	case FILES_FULL:
		return "; make room there and repeat";
	case FILES_UNSAFE:
		return "; it is not what this program made: look at it, then remove it";
	case FILES_OK:
	case FILES_ABSENT:
	case FILES_FAULT:
		break;
	}
	return "";
}

DIR *
place_names(const struct place *p)
{
	int fd = openat(p->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL && fd >= 0)
		(void)close(fd);
	return dir;
}

enum files_err
place_fail(
    const struct place *p, const char *name, const char *doing, int error, struct failure *why)
{
	enum files_err err = files_err_of(error);

	fail(why, "cannot %s %s%s%s: %s%s", doing, p->path, name[0] != '\0' ? "/" : "", name,
	    strerror(error), remedy(err));
	return err;
}

enum files_err
place_check(const struct place *p, const char *name, const struct stat *st, mode_t kind,
    struct failure *why)
{
	const char *right = kind == S_IFDIR ? "0700" : "0600";

	if ((st->st_mode & S_IFMT) != kind)
		fail(why, "%s/%s is not a %s: look at it, then remove it", p->path, name,
		    kind == S_IFDIR ? "directory" : "regular file");
	else if (st->st_uid != p->owner)
		fail(why,
		    "%s/%s belongs to user %lu, not to %lu as its directory does: "
		    "chown it, if you trust what is in it",
		    p->path, name, (unsigned long)st->st_uid, (unsigned long)p->owner);
	else if ((st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
		fail(why, "%s/%s is open to other users: chmod %s it, if you trust what is in it",
		    p->path, name, right);
	else if (kind == S_IFREG && st->st_nlink > 1) /* 0: replaced since we opened it */
		fail(why, "%s/%s has another hard link somewhere: remove one of the two", p->path,
		    name);
	else
		return FILES_OK;
	return FILES_UNSAFE;
}

/* Fill in out for name below p. */
static void
describe(const struct place *p, const char *name, int fd, struct place *out)
{
	*out = (struct place){ .fd = fd, .owner = p->owner, .group = p->group };
	(void)snprintf(out->path, sizeof out->path, "%.480s/%.30s", p->path, name);
}

enum files_err
place_open(const struct place *p, const char *name, struct place *out, struct failure *why)
{
	enum files_err err;
	struct stat st;
	int fd;

	fd = openat(p->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return place_fail(p, name, "open", errno, why);
	if (fstat(fd, &st) != 0)
		err = place_fail(p, name, "look at", errno, why);
	else
		err = place_check(p, name, &st, S_IFDIR, why);
	if (err != FILES_OK) {
		(void)close(fd);
		return err;
	}
	describe(p, name, fd, out);
	return FILES_OK;
}

/* The mode is set again because a umask may have narrowed it. */
static bool
own(const struct place *p, int fd, mode_t mode)
{
	if (fchmod(fd, mode) != 0)
		return false;
	return p->owner == geteuid() || fchown(fd, p->owner, p->group) == 0;
}

enum files_err
place_make(const struct place *p, const char *name, struct place *out, struct failure *why)
{
	enum files_err err;
	int fd;

	if (mkdirat(p->fd, name, 0700) != 0)
		return place_fail(p, name, "make", errno, why);
	fd = openat(p->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || !own(p, fd, 0700)) {
		err = place_fail(p, name, "make", errno, why);
		if (fd >= 0)
			(void)close(fd);
		(void)unlinkat(p->fd, name, AT_REMOVEDIR);
		return err;
	}
	describe(p, name, fd, out);
	return FILES_OK;
}

void
place_close(struct place *p)
{
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = -1;
}

enum files_err
place_sync(const struct place *p, struct failure *why)
{
	if (p->unborn)
		return FILES_OK;
	/* Some file systems cannot sync a directory, and say EINVAL. */
	if (fsync(p->fd) != 0 && errno != EINVAL)
		return place_fail(p, "", "write to disk", errno, why);
	return FILES_OK;
}

/* Have one file of p on disk; 0 or an errno. */
static int
settle_file(const struct place *p, const char *name)
{
	const int fd = openat(p->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int error;

	if (fd < 0)
		return errno;
	error = fsync(fd) == 0 ? 0 : errno;
	(void)close(fd);
	return error;
}

enum files_err
place_settle(struct place *p, struct failure *why)
{
	const struct dirent *entry;
	DIR *dir = place_names(p);
	int error = 0;

	if (dir == NULL)
		return place_fail(p, "", "read", errno, why);
	while (error == 0) {
		errno = 0;
		entry = readdir(dir);
		error = errno;
		if (entry == NULL)
			break;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			error = settle_file(p, entry->d_name);
	}
	(void)closedir(dir);
	if (error != 0)
		return place_fail(p, "", "write to disk", error, why);
	p->unborn = false;
	return place_sync(p, why);
}

enum files_err
place_remove(const struct place *p, const char *name, struct failure *why)
{
	if (unlinkat(p->fd, name, 0) != 0)
		return place_fail(p, name, "remove", errno, why);
	return place_sync(p, why);
}

/* Append all of fd; 0 or an errno, EFBIG when it is longer than max or than out has room. */
static int
read_all(int fd, size_t max, struct wbuf *out)
{
	uint8_t octets[4096];
	size_t total = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, octets, sizeof octets);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			return 0;
		total += (size_t)n;
		wbuf_put(out, rbuf_of(octets, (size_t)n));
		if (total > max || !wbuf_ok(out))
			return EFBIG;
	}
}

enum files_err
place_read(
    const struct place *p, const char *name, size_t max, struct wbuf *out, struct failure *why)
{
	size_t before = out->len;
	enum files_err err;
	struct stat st;
	int error, fd;

	if (!wbuf_ok(out))
		return FILES_FAULT;
	/* O_NONBLOCK: a FIFO in the way must not hang us. */
	fd = openat(p->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return place_fail(p, name, "open", errno, why);
	if (fstat(fd, &st) != 0) {
		err = place_fail(p, name, "look at", errno, why);
		goto out;
	}
	err = place_check(p, name, &st, S_IFREG, why);
	if (err != FILES_OK)
		goto out;
	error = read_all(fd, max, out);
	if (error == EFBIG) {
		fail(why, "%s/%s is longer than such a file can be: it is damaged", p->path, name);
		err = FILES_FAULT;
	} else if (error != 0) {
		err = place_fail(p, name, "read", error, why);
	}
out:
	(void)close(fd);
	if (err != FILES_OK)
		wbuf_truncate(out, before);
	return err;
}

/* 0 or an errno. */
static int
write_all(int fd, struct rbuf value)
{
	struct rbuf done;
	ssize_t n;

	while (value.len != 0) {
		n = write(fd, value.data, value.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0 || !rbuf_take(&value, (size_t)n, &done))
			return EIO;
	}
	return 0;
}

/* Make what was written to a file durable; of an unborn card's, only begin to.  0 or an errno. */
static int
sync_file(const struct place *p, int fd)
{
	if (!p->unborn)
		return fsync(fd) == 0 ? 0 : errno;
	/* What comes of it fsync() tells, in place_settle(). */
	(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

/* Write the temporary file, whole and durable.  0 or an errno. */
static int
write_temporary(const struct place *p, struct rbuf value)
{
	int error, fd;

	/* What a killed process left.  We hold the place's lock: it is nobody's. */
	if (unlinkat(p->fd, PLACE_TEMPORARY, 0) != 0 && errno != ENOENT)
		return errno;
	fd = openat(
	    p->fd, PLACE_TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	error = own(p, fd, 0600) ? write_all(fd, value) : errno;
	if (error == 0)
		error = sync_file(p, fd);
	if (close(fd) != 0 && error == 0)
		error = errno;
	return error;
}

/* Where directories cannot be locked at all (NFS), there is one writer only by the tools' lock. */
static bool
lock_place(const struct place *p)
{
	return lock_wait(p->fd, 5000) || errno == EBADF || errno == ENOLCK || errno == EOPNOTSUPP;
}

enum files_err
place_write(const struct place *p, const char *name, struct rbuf value, struct failure *why)
{
	enum files_err err;
	int error;

	if (!lock_place(p))
		return place_fail(p, "", "lock", errno, why);
	error = write_temporary(p, value);
	if (error == 0 && renameat(p->fd, PLACE_TEMPORARY, p->fd, name) != 0)
		error = errno;
	if (error != 0) {
		(void)unlinkat(p->fd, PLACE_TEMPORARY, 0);
		err = place_fail(p, name, "write", error, why);
	} else {
		err = place_sync(p, why);
	}
	lock_drop(p->fd);
	return err;
}

enum files_err
place_rename(const struct place *p, const char *name, const char *to, struct failure *why)
{
	enum files_err err;

	if (!lock_place(p))
		return place_fail(p, "", "lock", errno, why);
	if (renameat(p->fd, name, p->fd, to) != 0)
		err = place_fail(p, name, "rename", errno, why);
	else
		err = place_sync(p, why);
	lock_drop(p->fd);
	return err;
}

bool
place_tidy(const struct place *p)
{
	bool found;

	/* Whoever is writing holds the lock. */
	if (faccessat(p->fd, PLACE_TEMPORARY, F_OK, AT_SYMLINK_NOFOLLOW) != 0 || !lock_place(p))
		return false;
	found = unlinkat(p->fd, PLACE_TEMPORARY, 0) == 0;
	lock_drop(p->fd);
	return found;
}
