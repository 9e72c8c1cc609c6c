/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A card's record as a file to hand on: base64 between BEGIN and END lines, as
 * a certificate's, so that mail does not spoil it.  It is public.
 */
#ifndef TPMVSC_TOOLS_RECORDFILE_H
#define TPMVSC_TOOLS_RECORDFILE_H

#include "tools/file.h"

/* The longest text of a record, and the longest file with one, prose around it included. */
#define RECORD_TEXT_MAX 6144
#define RECORD_FILE_MAX 65536

/* Append a record's text, lines ended.  False, with nothing appended, when memory or out is full. */
MUST_CHECK bool recordfile_armour(struct rbuf record, struct wbuf *text);

/*
 * Find the first record in a text and append its octets, at most
 * CARD_RECORD_MAX; nobody has checked yet that they are one.  False, with
 * nothing appended, when there is none.
 */
MUST_CHECK bool recordfile_unarmour(struct rbuf text, struct wbuf *record);

/* Append the octets of the record in a file.  NOT_PERMITTED; FAILED when it cannot be read or holds none. */
MUST_CHECK enum outcome recordfile_read(const char *path, struct wbuf *record, struct failure *why);

/* Put a record in a file that outfile_open() has found open to it, and close that; as outfile_write(). */
MUST_CHECK enum outcome recordfile_write(
    struct outfile *f, struct rbuf record, struct failure *why);

#endif
