/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/recordfile.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_LABEL "TPMVSC CARD RECORD"

/* ---- the text ---- */

bool
recordfile_armour(struct rbuf record, struct wbuf *text)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const size_t before = text->len;
	bool done = false;
	char *data = NULL;
	long len;

	if (bio == NULL || record.len > CARD_RECORD_MAX ||
	    PEM_write_bio(bio, RECORD_LABEL, "", record.data, (long)record.len) <= 0)
		goto out;
	len = BIO_get_mem_data(bio, &data);
	if (len <= 0)
		goto out;
	wbuf_put(text, rbuf_of(data, (size_t)len));
	done = wbuf_ok(text);
	if (!done)
		wbuf_truncate(text, before);
out:
	BIO_free(bio);
	return done;
}

/* Read one block of whatever kind; *mine when it is a record, appended then.  False at the end. */
static bool
next_block(BIO *bio, struct wbuf *record, bool *mine)
{
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long len = 0;

	if (PEM_read_bio(bio, &name, &header, &data, &len) != 1)
		return false;
	*mine = strcmp(name, RECORD_LABEL) == 0 && header[0] == '\0' && len > 0 &&
	    len <= CARD_RECORD_MAX;
	if (*mine)
		wbuf_put(record, rbuf_of(data, (size_t)len));
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(data);
	return true;
}

bool
recordfile_unarmour(struct rbuf text, struct wbuf *record)
{
	const size_t before = record->len;
	bool found = false;
	BIO *bio;

	if (text.len == 0 || text.len > RECORD_FILE_MAX)
		return false;
	bio = BIO_new_mem_buf(text.data, (int)text.len);
	while (bio != NULL && !found && next_block(bio, record, &found))
		;
	BIO_free(bio);
	ERR_clear_error(); /* the end of the text is an error to it */
	if (found && wbuf_ok(record))
		return true;
	wbuf_truncate(record, before);
	return false;
}

/* ---- files ---- */

static enum outcome
file_fault(const char *path, int error, struct failure *why)
{
	fail(why, "%s: %s", path, strerror(error));
	if (error == EACCES || error == EPERM || error == EROFS)
		return NOT_PERMITTED;
	return error == ENOSPC || error == EDQUOT || error == EFBIG ? NO_ROOM : FAILED;
}

/* Read until the end or until text is full. */
static bool
read_all(int fd, struct wbuf *text)
{
	uint8_t octets[4096];
	ssize_t n;

	do {
		n = read(fd, octets, sizeof octets);
		if (n > 0)
			wbuf_put(text, rbuf_of(octets, (size_t)n));
	} while ((n > 0 && wbuf_ok(text)) || (n < 0 && errno == EINTR));
	return n >= 0;
}

enum outcome
recordfile_read(const char *path, struct wbuf *record, struct failure *why)
{
	uint8_t *octets = malloc(RECORD_FILE_MAX);
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum outcome outcome = FAILED;
	struct wbuf text;

	if (fd < 0) {
		outcome = file_fault(path, errno, why);
		goto out;
	}
	if (octets == NULL) {
		fail(why, "out of memory");
		goto out;
	}
	text = wbuf_over(octets, RECORD_FILE_MAX);
	if (!read_all(fd, &text))
		outcome = file_fault(path, errno, why);
	else if (!wbuf_ok(&text) || !recordfile_unarmour(wbuf_view(&text), record))
		fail(why, "%s: there is no card's record in it (-----BEGIN " RECORD_LABEL "-----)",
		    path);
	else
		outcome = DONE;
out:
	if (fd >= 0)
		(void)close(fd);
	free(octets);
	return outcome;
}

enum outcome
recordfile_open(const char *path, struct recordfile *out, struct failure *why)
{
	const int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY;

	*out = (struct recordfile){ .path = path, .fresh = true };
	out->fd = open(path, flags | O_CREAT | O_EXCL, 0644);
	if (out->fd < 0 && errno == EEXIST) {
		out->fresh = false;
		out->fd = open(path, flags);
	}
	if (out->fd < 0)
		return file_fault(path, errno, why);
	/* The tool's own umask is narrow; a help desk is somebody else. */
	if (out->fresh)
		(void)fchmod(out->fd, 0644);
	return DONE;
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
recordfile_write(struct recordfile *f, struct rbuf record, struct failure *why)
{
	uint8_t octets[RECORD_TEXT_MAX];
	struct wbuf text = wbuf_over(octets, sizeof octets);
	int error;

	errno = ENOMEM;
	if (recordfile_armour(record, &text) && empty(f->fd) && write_all(f->fd, wbuf_view(&text)) &&
	    settle(f->fd)) {
		(void)close(f->fd);
		f->fd = -1;
		return DONE;
	}
	error = errno;
	(void)empty(f->fd);
	recordfile_drop(f);
	return file_fault(f->path, error, why);
}

void
recordfile_drop(struct recordfile *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	if (f->fresh)
		(void)unlink(f->path);
	f->fd = -1;
	f->fresh = false;
}
