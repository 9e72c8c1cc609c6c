/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/cache.h"

#include "base/pages.h"

#include <stdlib.h>

/* More than the data objects, keys and notes a card can have together. */
#define ITEMS_MAX 96

struct item {
	uint32_t id;
	uint16_t at, len;
	uint8_t kind;
	bool absent;
};

/* In pages of its own. */
struct memory {
	size_t count;
	struct wbuf values; /* over octets */
	struct item items[ITEMS_MAX];
	uint8_t octets[CACHE_OCTETS - sizeof(size_t) - sizeof(struct wbuf) -
		       ITEMS_MAX * sizeof(struct item)];
};
_Static_assert(sizeof(struct memory) == CACHE_OCTETS, "no page is begun for less");

struct cache {
	struct store store; /* first: what the applet holds is a pointer to this */
	struct store *inner;
	bool (*changed)(struct store *inner);
	struct memory *memory; /* NULL until there is something to remember */
};

static void
forget(struct cache *c)
{
	if (c->memory == NULL)
		return;
	c->memory->count = 0;
	wbuf_truncate(&c->memory->values, 0);
}

static const struct item *
find(const struct cache *c, enum store_kind kind, uint32_t id)
{
	size_t i;

	for (i = 0; c->memory != NULL && i < c->memory->count; i++) {
		if (c->memory->items[i].id == id && c->memory->items[i].kind == kind)
			return &c->memory->items[i];
	}
	return NULL;
}

static bool
provide(struct cache *c)
{
	struct memory *memory;

	if (c->memory != NULL)
		return true;
	memory = pages_take(sizeof *memory);
	if (memory == NULL)
		return false;
	memory->values = wbuf_over(memory->octets, sizeof memory->octets);
	c->memory = memory;
	return true;
}

static void
remember(struct cache *c, enum store_kind kind, uint32_t id, bool absent, struct rbuf value)
{
	struct memory *m;

	if (!provide(c))
		return;
	m = c->memory;
	if (m->count == ITEMS_MAX || value.len > m->values.cap - m->values.len)
		return;
	m->items[m->count] = (struct item){ .kind = (uint8_t)kind,
		.id = id,
		.at = (uint16_t)m->values.len,
		.len = (uint16_t)value.len,
		.absent = absent };
	wbuf_put(&m->values, value);
	m->count++;
}

/* Answer from memory, as the store that was asked first would. */
static enum store_err
recall(const struct cache *c, const struct item *item, struct wbuf *out)
{
	struct rbuf octets = wbuf_view(&c->memory->values), before, value;

	if (item->absent)
		return STORE_ABSENT;
	if (!wbuf_ok(out) || item->len > out->cap - out->len ||
	    !rbuf_take(&octets, item->at, &before) || !rbuf_take(&octets, item->len, &value))
		return STORE_FAULT;
	wbuf_put(out, value);
	return STORE_OK;
}

static enum store_err
cache_get(struct store *s, enum store_kind kind, uint32_t id, struct wbuf *out)
{
	struct cache *c = (struct cache *)s;
	struct rbuf before, value;
	const struct item *item;
	size_t len = out->len;
	enum store_err err;

	/* First: of what changes after this question, the next one will tell. */
	if (c->changed(c->inner))
		forget(c);
	item = find(c, kind, id);
	if (item != NULL)
		return recall(c, item, out);
	err = store_get(c->inner, kind, id, out);
	value = wbuf_view(out);
	if ((err == STORE_OK || err == STORE_ABSENT) && rbuf_take(&value, len, &before))
		remember(c, kind, id, err == STORE_ABSENT, value);
	return err;
}

/*
 * Whatever becomes of a write, what is true afterwards is on the disk.  Writes
 * are rare, so they do not sort out what they leave as it was.
 */
static enum store_err
cache_put(struct store *s, enum store_kind kind, uint32_t id, struct rbuf value)
{
	struct cache *c = (struct cache *)s;
	enum store_err err = store_put(c->inner, kind, id, value);

	forget(c);
	return err;
}

static enum store_err
cache_remove(struct store *s, enum store_kind kind, uint32_t id)
{
	struct cache *c = (struct cache *)s;
	enum store_err err = store_remove(c->inner, kind, id);

	forget(c);
	return err;
}

static enum store_err
cache_move(struct store *s, enum store_kind kind, uint32_t id, enum store_kind to_kind,
    uint32_t to_id)
{
	struct cache *c = (struct cache *)s;
	enum store_err err = store_move(c->inner, kind, id, to_kind, to_id);

	forget(c);
	return err;
}

static const struct store_ops cache_ops = {
	.get = cache_get,
	.put = cache_put,
	.remove = cache_remove,
	.move = cache_move,
};

struct cache *
cache_new(struct store *inner, bool (*changed)(struct store *inner))
{
	struct cache *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->store.ops = &cache_ops;
	c->inner = inner;
	c->changed = changed;
	return c;
}

struct store *
cache_store(struct cache *c)
{
	return &c->store;
}

void
cache_drop(struct cache *c)
{
	pages_give(c->memory, sizeof *c->memory);
	c->memory = NULL;
}

void
cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	cache_drop(c);
	free(c);
}
