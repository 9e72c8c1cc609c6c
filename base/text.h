/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that somebody else wrote: read as UTF-8, and made fit to be shown.  Knows libc only. */
#ifndef TPMVSC_BASE_TEXT_H
#define TPMVSC_BASE_TEXT_H

#include "base/bytes.h"

/*
 * Read one character of UTF-8 (RFC 3629, 4): shortest form, no surrogates, at
 * most 10FFFF.  False, with both unchanged, when there is none.
 */
MUST_CHECK bool text_take(struct rbuf *in, uint32_t *out);

/* False for controls, line separators and what turns the direction of text: nothing a list could show. */
MUST_CHECK bool text_printable(uint32_t c);

/* Append a text with a question mark for each octet or character that cannot be shown. */
void text_clean(struct rbuf in, struct wbuf *out);

/* Append a GUID as people write it: 8-4-4-4-12 hexadecimal digits (RFC 9562, 4). */
void text_guid(const uint8_t guid[16], struct wbuf *out);

#endif
