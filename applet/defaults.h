/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which of PIN, PUK and card management key still have their well-known
 * values: GET METADATA tells.  It cannot be asked of the vault without
 * spending a try, so the store keeps a note.
 */
#ifndef TPMVSC_APPLET_DEFAULTS_H
#define TPMVSC_APPLET_DEFAULTS_H

#include "applet/piv.h"
#include "applet/sw.h"

/* The well-known value of PIN and PUK (0x80, 0x81) or of the card management key (0x9b; 24 octets). */
struct rbuf default_value(uint8_t id);

/* Whether a value is the well-known one of PIN and PUK (0x80, 0x81) or of the card management key (0x9b). */
MUST_CHECK bool default_is(uint8_t id, struct rbuf value);

/* Whether there is a note that it has its default value. */
MUST_CHECK sw_t default_noted(struct piv *p, uint8_t id, bool *out);

/*
 * Take the note away, before the value changes: a note that stays longer than
 * the value would be a lie.  *was says whether there was one.
 */
MUST_CHECK sw_t default_drop(struct piv *p, uint8_t id, bool *was);

/* Make the note.  One that cannot be made is merely missing. */
void default_note(struct piv *p, uint8_t id);

#endif
