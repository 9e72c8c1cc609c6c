/* SPDX-License-Identifier: BSD-2-Clause */
/* Octets as base64 (RFC 4648, 4), in one way only: with padding, without line ends. */
#ifndef TPMVSC_TOOLS_BASE64_H
#define TPMVSC_TOOLS_BASE64_H

#include "base/bytes.h"

/* Characters that n octets become. */
#define BASE64_LENGTH(n) (((n) + 2) / 3 * 4)

/* Append octets as text; what does not fit latches in out. */
void base64_write(struct rbuf octets, struct wbuf *out);

/*
 * Append the octets that a text stands for.  False, with out as it was, when it is
 * not what base64_write() makes of them, or they do not fit.
 */
MUST_CHECK bool base64_read(struct rbuf text, struct wbuf *out);

#endif
