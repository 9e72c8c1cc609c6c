/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The account newer pcscd run as. */
#define DRIVER_USER "pcscd"

/* Whether uid is the account of that name. */
static bool
is_user(const char *name, uid_t uid)
{
	struct passwd entry, *found = NULL;
	char octets[2048];

	return getpwnam_r(name, &entry, octets, sizeof octets, &found) == 0 && found != NULL &&
	       found->pw_uid == uid;
}

/* Whose directories this process may believe. */
static bool
trusted(uid_t uid)
{
	uid_t self = geteuid();

	return uid == 0 || uid == self || (self == 0 && is_user(DRIVER_USER, uid));
}

/* A directory on the way: nobody else may put another one in its place. */
static enum files_err
check_ancestor(const char *path, size_t len, const struct stat *st, struct failure *why)
{
	if (!trusted(st->st_uid))
		fail(why,
		    "%.*s, on the way to %s, belongs to user %lu, who could replace it: "
		    "keep the cards elsewhere (state_dir)",
		    (int)len, path, path, (unsigned long)st->st_uid);
	else if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 && (st->st_mode & S_ISVTX) == 0)
		fail(why, "%.*s, on the way to %s, may be written by others: chmod go-w %.*s",
		    (int)len, path, path, (int)len, path);
	else
		return FILES_OK;
	return FILES_UNSAFE;
}

/* The state directory itself. */
static enum files_err
check_root(const char *path, const struct stat *st, struct failure *why)
{
	if (!trusted(st->st_uid))
		fail(why,
		    "%s belongs to user %lu: it must belong to root or to the user pcscd; "
		    "chown it, if you trust what is in it",
		    path, (unsigned long)st->st_uid);
	else if ((st->st_mode & 0777) != 0700)
		fail(why,
		    "%s has mode %04o: it must be 0700; chmod 0700 it, if you trust what is "
		    "in it",
		    path, (unsigned)(st->st_mode & 07777));
	else
		return FILES_OK;
	return FILES_UNSAFE;
}

/* A failure at the first len characters of path. */
static enum files_err
path_fail(
    const char *path, size_t len, int parent, const char *name, int error, struct failure *why)
{
	enum files_err err = files_err_of(error);
	struct stat st;

	if (err == FILES_UNSAFE && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode))
		fail(why, "%.*s is a symbolic link: write the real path as state_dir", (int)len,
		    path);
	else if (err == FILES_UNSAFE)
		fail(why, "%.*s is not a directory", (int)len, path);
	else if (err == FILES_DENIED)
		fail(why, "cannot open %.*s: %s; run this as root or as the owner of %s", (int)len,
		    path, strerror(error), path);
	else
		fail(why, "cannot open %.*s: %s", (int)len, path, strerror(error));
	return err;
}

/* Make the directory name; its parent is made durable as far as it lets us. */
static enum files_err
make_root(const char *path, int parent, const char *name, struct failure *why)
{
	enum files_err err;
	int fd;

	if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST) {
		err = files_err_of(errno);
		fail(why, "cannot make %s: %s%s", path, strerror(errno),
		    err == FILES_DENIED ? "; run this as root" : "");
		return err;
	}
	fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		(void)close(fd);
	}
	return FILES_OK;
}

/* The next name of a path; false at its end.  *at moves behind it. */
static bool
next_name(const char *path, size_t *at, char *name, size_t size)
{
	size_t n;

	*at += strspn(path + *at, "/");
	n = strcspn(path + *at, "/");
	if (n == 0 || n >= size)
		return false;
	(void)snprintf(name, size, "%.*s", (int)n, path + *at);
	*at += n;
	return true;
}

/* Open one name below parent, the last of the path or one on the way. */
static enum files_err
step(const char *path, size_t len, int parent, const char *name, bool last, bool make, int *out,
    struct failure *why)
{
	/* On the way the right to pass is enough. */
	int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | (last ? O_RDONLY : O_PATH);
	enum files_err err;
	struct stat st;
	int fd = openat(parent, name, flags);

	if (fd < 0 && errno == ENOENT && last && make) {
		err = make_root(path, parent, name, why);
		if (err != FILES_OK)
			return err;
		fd = openat(parent, name, flags);
	}
	if (fd < 0)
		return path_fail(path, len, parent, name, errno, why);
	if (fstat(fd, &st) != 0)
		err = path_fail(path, len, parent, name, errno, why);
	else if (last)
		err = check_root(path, &st, why);
	else
		err = check_ancestor(path, len, &st, why);
	if (err != FILES_OK) {
		(void)close(fd);
		return err;
	}
	*out = fd;
	return FILES_OK;
}

/* Walk down from the root without following a link. */
static enum files_err
walk(const char *path, bool make, int *out, struct failure *why)
{
	enum files_err err = FILES_OK;
	char name[256];
	size_t at = 0;
	bool last = false;
	int fd, next = -1;

	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		fail(why, "cannot open /: %s", strerror(errno));
		return FILES_FAULT;
	}
	while (err == FILES_OK && next_name(path, &at, name, sizeof name)) {
		last = path[at + strspn(path + at, "/")] == '\0';
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
			fail(why, "%s: . and .. do not belong in a state_dir", path);
			err = FILES_UNSAFE;
			break;
		}
		err = step(path, at, fd, name, last, make, &next, why);
		if (err == FILES_OK) {
			(void)close(fd);
			fd = next;
		}
	}
	if (err == FILES_OK && !last) {
		fail(why, "%s cannot be a state_dir", path);
		err = FILES_UNSAFE;
	}
	if (err != FILES_OK)
		(void)close(fd);
	else
		*out = fd;
	return err;
}

enum files_err
files_open(const char *path, bool make, struct files **out, struct failure *why)
{
	enum files_err err;
	struct files *f;
	struct stat st;
	int fd;

	if (path[0] != '/' || strlen(path) > PLACE_PATH_MAX - 32) {
		fail(why, "state_dir must be an absolute path of at most %d octets",
		    PLACE_PATH_MAX - 32);
		return FILES_UNSAFE;
	}
	err = walk(path, make, &fd, why);
	if (err != FILES_OK)
		return err;
	f = calloc(1, sizeof *f);
	if (f == NULL || fstat(fd, &st) != 0) {
		fail(why, "out of memory");
		free(f);
		(void)close(fd);
		return FILES_FAULT;
	}
	f->root = (struct place){ .fd = fd, .owner = st.st_uid, .group = st.st_gid };
	(void)snprintf(f->root.path, sizeof f->root.path, "%s", path);
	f->lock = -1;
	*out = f;
	return FILES_OK;
}

void
files_close(struct files *f)
{
	if (f == NULL)
		return;
	if (f->lock >= 0)
		(void)close(f->lock);
	place_close(&f->root);
	free(f);
}
