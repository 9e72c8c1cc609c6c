/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fake_store.h"

#include <string.h>

static struct fake_store *
self(struct store *s)
{
	return (struct fake_store *)(void *)s;
}

/* Whether this call is the one that fails, or there is no power for it. */
static bool
fails(struct fake_store *s)
{
	s->calls++;
	if (s->power != NULL && *s->power == 0) {
		s->fail_with = STORE_FAULT;
		return true;
	}
	if (s->power != NULL)
		--*s->power;
	return s->fail_at != 0 && s->calls == s->fail_at && !s->late;
}

/* What to say of a write that was done. */
static enum store_err
written(struct fake_store *s)
{
	s->writes++;
	return s->fail_at != 0 && s->calls == s->fail_at ? s->fail_with : STORE_OK;
}

/* The item's place, or FAKE_ITEMS. */
static size_t
place_of(const struct fake_store *s, enum store_kind kind, uint32_t id)
{
	size_t i;

	for (i = 0; i < FAKE_ITEMS; i++) {
		if (s->items[i].used && s->items[i].kind == kind && s->items[i].id == id)
			break;
	}
	return i;
}

static enum store_err
fake_get(struct store *port, enum store_kind kind, uint32_t id, struct wbuf *out)
{
	struct rbuf value;

	if (fails(self(port)))
		return self(port)->fail_with;
	if (!fake_store_peek(self(port), kind, id, &value))
		return STORE_ABSENT;
	if (value.len > out->cap - out->len)
		return STORE_FAULT;
	wbuf_put(out, value);
	return STORE_OK;
}

static enum store_err
fake_put(struct store *port, enum store_kind kind, uint32_t id, struct rbuf value)
{
	struct fake_store *s = self(port);
	size_t i;

	if (fails(s))
		return s->fail_with;
	i = place_of(s, kind, id);
	if (i == FAKE_ITEMS) {
		for (i = 0; i < FAKE_ITEMS && s->items[i].used; i++)
			;
	}
	if (i == FAKE_ITEMS || value.len > STORE_ITEM_MAX)
		return STORE_FULL;
	s->items[i].used = true;
	s->items[i].kind = kind;
	s->items[i].id = id;
	s->items[i].len = value.len;
	memcpy(s->items[i].octets, value.data, value.len);
	return written(s);
}

static enum store_err
fake_remove(struct store *port, enum store_kind kind, uint32_t id)
{
	struct fake_store *s = self(port);
	size_t i;

	if (fails(s))
		return s->fail_with;
	i = place_of(s, kind, id);
	if (i == FAKE_ITEMS)
		return STORE_ABSENT;
	s->items[i].used = false;
	return written(s);
}

static enum store_err
fake_move(
    struct store *port, enum store_kind kind, uint32_t id, enum store_kind to_kind, uint32_t to_id)
{
	struct fake_store *s = self(port);
	size_t i, j;

	if (fails(s))
		return s->fail_with;
	i = place_of(s, kind, id);
	if (i == FAKE_ITEMS)
		return STORE_ABSENT;
	j = place_of(s, to_kind, to_id);
	if (j != FAKE_ITEMS)
		s->items[j].used = false;
	s->items[i].used = true;
	s->items[i].kind = to_kind;
	s->items[i].id = to_id;
	return written(s);
}

static const struct store_ops ops = {
	.get = fake_get,
	.put = fake_put,
	.remove = fake_remove,
	.move = fake_move,
};

void
fake_store_init(struct fake_store *s)
{
	memset(s, 0, sizeof *s);
	s->port.ops = &ops;
}

void
fake_store_fail(struct fake_store *s, unsigned n, enum store_err err)
{
	s->fail_at = s->calls + n;
	s->fail_with = err;
}

bool
fake_store_peek(const struct fake_store *s, enum store_kind kind, uint32_t id, struct rbuf *out)
{
	size_t i = place_of(s, kind, id);

	if (i == FAKE_ITEMS)
		return false;
	*out = rbuf_of(s->items[i].octets, s->items[i].len);
	return true;
}
