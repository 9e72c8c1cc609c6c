/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store that remembers: a powered card reads each of its files once.
 * Knows the applet's port only.
 */
#ifndef TPMVSC_CARD_CACHE_H
#define TPMVSC_CARD_CACHE_H

#include "applet/store.h"

/*
 * What one card may keep in memory: keys and certificates of 24 slots.  Pages
 * that nothing was put into take none.
 */
#define CACHE_OCTETS 65536

struct cache;

/*
 * Make a store that answers from memory what inner has answered before, that
 * an item is absent, too.  What does not fit is asked for each time.  A write
 * goes to inner, and then everything is forgotten.
 *
 * inner   the caller's; it must outlive the cache
 * changed whether an item of inner may be another one than when it was asked
 *         last, whoever changed it: then everything is forgotten, too
 *
 * NULL when memory is out.
 */
struct cache *cache_new(struct store *inner, bool (*changed)(struct store *inner));

/* The store; good until cache_free(). */
struct store *cache_store(struct cache *c);

/* Forget everything and give the memory back. */
void cache_drop(struct cache *c);

/* NULL is allowed. */
void cache_free(struct cache *c);

#endif
