/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that the command line names: read whole, and written whole at the end
 * of work that must not begin when there is no place for its result.
 */
#ifndef TPMVSC_TOOLS_FILE_H
#define TPMVSC_TOOLS_FILE_H

#include "card/card.h"

/* Append what is in a file ("-": standard input).  What does not fit latches in out. NOT_PERMITTED,
 * FAILED. */
MUST_CHECK enum outcome file_read(const char *path, struct wbuf *out, struct failure *why);

/* A file to write to. */
struct outfile {
	const char *path; /* NULL: standard output */
	int fd;           /* of a file that is there; -1 else */
};

/*
 * See that a file can be written to.  Until outfile_write() nothing changes: a
 * new file does not appear, what is in an old one stays.  NOT_PERMITTED,
 * NO_ROOM, FAILED; else outfile_write() or outfile_drop() must follow.
 */
MUST_CHECK enum outcome outfile_open(const char *path, struct outfile *out, struct failure *why);

/*
 * Put text there and close.  A new file may be read by all.  NOT_PERMITTED,
 * NO_ROOM, FAILED: a new file is gone again, an old one is empty.
 */
MUST_CHECK enum outcome outfile_write(struct outfile *f, struct rbuf text, struct failure *why);

/* Close without a word. */
void outfile_drop(struct outfile *f);

#endif
