/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The card's data objects and the facts about them (SP 800-73-4 Part 1,
 * Table 3), and the objects Yubico's software keeps beside them.
 */
#ifndef TPMVSC_APPLET_OBJECTS_H
#define TPMVSC_APPLET_OBJECTS_H

#include "applet/piv.h"

struct object {
	uint32_t first, last; /* BER-TLV tags this row is about */
	size_t capacity;      /* octets of content */
	unsigned read, write; /* ACCESS_* */
	const char *name;
};

/* Whether an object is kept sealed: what only the PIN may read, no file may tell. */
bool object_sealed(const struct object *object);

/* The row of a tag, or NULL when the card has no such data object. */
const struct object *object_find(uint32_t tag);

/*
 * The tag around an object's content on the wire: 53, except for the
 * Discovery Object and the Biometric Information Templates Group Template,
 * which come under their own tag.
 */
uint32_t object_envelope(uint32_t tag);

#endif
