/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The card's keys and the facts about them (SP 800-73-4 Part 1, Table 4b).
 */
#ifndef TPMVSC_APPLET_KEYREFS_H
#define TPMVSC_APPLET_KEYREFS_H

#include "applet/vault.h"

/* PIN and PUK: references too, though no keys. */
#define KEYREF_PIN 0x80
#define KEYREF_PUK 0x81

/* The attestation key, which its owner makes on the card's machine. */
#define KEYREF_ATTESTATION 0xf9

/* What a key reference serves for. */
enum {
	KEYREF_PRIVATE = 1 << 0, /* signs, decrypts or agrees on keys; may be generated */
	KEYREF_ADMIN = 1 << 1,   /* authenticates the administrator */
	KEYREF_ATTEST = 1 << 2,  /* certifies other keys, and does nothing else */
};

struct keyref {
	uint8_t first, last; /* key references this row is about */
	unsigned use;        /* KEYREF_* */
	enum pin_rule pin;   /* for a generated key, unless the host asks for another */
	const char *name;
};

/* The row of a key reference, or NULL when the card has no such key. */
const struct keyref *keyref_find(uint8_t id);

#endif
