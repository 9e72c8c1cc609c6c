/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store in memory, for tests of applet/; any of its calls can be told to fail.
 */
#ifndef TPMVSC_TESTS_FAKE_STORE_H
#define TPMVSC_TESTS_FAKE_STORE_H

#include "applet/store.h"

#define FAKE_ITEMS 64

struct fake_item {
	bool used;
	enum store_kind kind;
	uint32_t id;
	size_t len;
	uint8_t octets[STORE_ITEM_MAX];
};

struct fake_store {
	struct store port; /* first: the applet sees this */
	struct fake_item items[FAKE_ITEMS];

	unsigned calls;   /* so far */
	unsigned fail_at; /* the call that fails; 0: none */
	enum store_err fail_with;
	bool late;       /* the writing call that fails is done all the same */
	unsigned writes; /* that were done */

	unsigned *power; /* calls left of all ports until the power goes; NULL: it stays */
};

/* An empty store. */
void fake_store_init(struct fake_store *s);

/* Let the nth call from now on fail with err, without doing anything. */
void fake_store_fail(struct fake_store *s, unsigned n, enum store_err err);

/* Look at an item without counting a call; false when there is none. */
bool fake_store_peek(
    const struct fake_store *s, enum store_kind kind, uint32_t id, struct rbuf *out);

#endif
