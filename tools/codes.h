/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes between a card's user and the help desk, as text that survives
 * mail, chat and being read from a screen: "CHALLENGE:" or "RESPONSE:" and
 * groups of Crockford's base 32.  Knows base only.
 */
#ifndef TPMVSC_TOOLS_CODES_H
#define TPMVSC_TOOLS_CODES_H

#include "base/log.h"

enum code_kind { CODE_CHALLENGE = 1, CODE_RESPONSE = 2 };

/* The most octets a code carries, and the most characters of its text, as it is written here. */
#define CODE_OCTETS_MAX 256
#define CODE_TEXT_MAX   544

/*
 * Append a code's text, without a newline.  What is encoded, big-endian: 16
 * times the version, which is 1, plus the kind (1); length (2); check of these
 * three octets (2); the content; check of all (4).  A check is the first
 * octets of a SHA-256; the last character is filled up with zero bits.
 *
 * grouped with a hyphen after every five characters
 */
void code_write(enum code_kind kind, struct rbuf octets, bool grouped, struct wbuf *text);

/* What a text is. */
enum code_state {
	CODE_WHOLE,
	CODE_SHORT, /* the beginning of one: more text may complete it */
	CODE_WRONG,
};

/*
 * Read a code.  Case, spaces, newlines, hyphens and the > of quoted mail do
 * not count; what is before a colon is for people only; I and L are read as 1,
 * O as 0.  octets: appended, CODE_WHOLE only; else why says what is wrong, as
 * a clause about it ("it is mistyped").
 */
MUST_CHECK enum code_state code_read(
    struct rbuf text, enum code_kind kind, struct wbuf *octets, struct failure *why);

#endif
