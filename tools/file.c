/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITING (O_WRONLY | O_CLOEXEC | O_NOCTTY)
#define MODE    0644

static enum outcome
file_fault(const char *path, int error, struct failure *why)
{
	if (path == NULL)
		fail(why, "cannot write to standard output: %s", strerror(error));
	else
		fail(why, "%s: %s", path, strerror(error));
	if (error == EACCES || error == EPERM || error == EROFS)
		return NOT_PERMITTED;
	return error == ENOSPC || error == EDQUOT || error == EFBIG ? NO_ROOM : FAILED;
}

/* Read until the end or until out is full. */
static bool
read_all(int fd, struct wbuf *out)
{
	uint8_t octets[4096];
	ssize_t n;

	do {
		n = read(fd, octets, sizeof octets);
		if (n > 0)
			wbuf_put(out, rbuf_of(octets, (size_t)n));
	} while ((n > 0 && wbuf_ok(out)) || (n < 0 && errno == EINTR));
	return n >= 0;
}

enum outcome
file_read(const char *path, struct wbuf *out, struct failure *why)
{
	const bool standard = strcmp(path, "-") == 0;
	const int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum outcome outcome = DONE;

	if (fd < 0 || !read_all(fd, out))
		outcome = file_fault(standard ? "standard input" : path, errno, why);
	if (fd >= 0 && !standard)
		(void)close(fd);
	return outcome;
}

enum outcome
outfile_open(const char *path, struct outfile *out, struct failure *why)
{
	int fd, flags;

	*out = (struct outfile){ .path = path, .fd = -1 };
	if (path == NULL) {
		flags = fcntl(STDOUT_FILENO, F_GETFL);
		if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY)
			return DONE;
		return file_fault(NULL, EBADF, why);
	}
	fd = open(path, WRITING | O_CREAT | O_EXCL, MODE);
	if (fd >= 0) {
		/* Whoever is killed from here on leaves no empty file. */
		(void)close(fd);
		(void)unlink(path);
		return DONE;
	}
	if (errno == EEXIST)
		out->fd = open(path, WRITING);
	return out->fd >= 0 ? DONE : file_fault(path, errno, why);
}

static bool
write_all(int fd, struct rbuf text)
{
	struct rbuf part;
	ssize_t n;

	while (text.len != 0) {
		n = write(fd, text.data, text.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || !rbuf_take(&text, (size_t)n, &part))
			return false;
	}
	return true;
}

/* Empty a file; what is none, such as a pipe, has nothing to empty. */
static bool
empty(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || ftruncate(fd, 0) == 0);
}

/* Some file systems find out late that they are full; what is no file has nothing to keep. */
static bool
settle(int fd)
{
	return fsync(fd) == 0 || errno == EINVAL || errno == EROFS;
}

enum outcome
outfile_write(struct outfile *f, struct rbuf text, struct failure *why)
{
	const bool fresh = f->path != NULL && f->fd < 0;
	int fd = f->path == NULL ? STDOUT_FILENO : f->fd, error;

	/* What came there meanwhile, such as a link, is not followed. */
	if (fresh)
		fd = open(f->path, WRITING | O_CREAT | O_EXCL, MODE);
	if (fd < 0)
		return file_fault(f->path, errno, why);
	/* The tool's own umask is narrow; these files go to somebody else. */
	if (fresh)
		(void)fchmod(fd, MODE);
	if (f->path == NULL ? write_all(fd, text)
			    : empty(fd) && write_all(fd, text) && settle(fd)) {
		outfile_drop(f);
		if (fresh)
			(void)close(fd);
		return DONE;
	}
	error = errno;
	if (f->path != NULL)
		(void)empty(fd);
	if (fresh) {
		(void)close(fd);
		(void)unlink(f->path);
	}
	outfile_drop(f);
	return file_fault(f->path, error, why);
}

void
outfile_drop(struct outfile *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
}
