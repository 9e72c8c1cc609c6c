/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One card's items.  A value is the file's content as it is: an object is BER-TLV, a key is PEM. */
struct items {
	struct store store; /* first: what the applet holds is a pointer to this */
	struct place place;
	int watch; /* -1 until somebody asks whether anything has changed */
};

struct item_name {
	char text[24];
};

static struct item_name
item_name(enum store_kind kind, uint32_t id)
{
	static const char *const kinds[STORE_KINDS] = {
		[STORE_OBJECT] = "object",
		[STORE_SEALED] = "sealed",
		[STORE_KEY] = "key",
		[STORE_KEY_NEXT] = "next",
		[STORE_SEALING_KEY] = "sealing",
		[STORE_DEFAULT] = "default",
		[STORE_CHAIN] = "chain",
	};
	struct item_name name;

	(void)snprintf(name.text, sizeof name.text, "%s-%02x", kinds[kind], (unsigned)id);
	return name;
}

/* Log what the applet's client is not told, and translate. */
static enum store_err
translate(enum files_err err, const struct failure *why)
{
	switch (err) {
	case FILES_OK:
		return STORE_OK;
	case FILES_ABSENT:
		return STORE_ABSENT;
	case FILES_FULL:
		log_error("%s", why->text);
		return STORE_FULL;
	case FILES_DENIED:
	case FILES_UNSAFE:
	case FILES_FAULT:
		break;
	}
	log_error("%s", why->text);
	return STORE_FAULT;
}

static enum store_err
items_get(struct store *s, enum store_kind kind, uint32_t id, struct wbuf *out)
{
	const struct items *items = (struct items *)s;
	struct failure why = { "" };

	return translate(
	    place_read(&items->place, item_name(kind, id).text, STORE_ITEM_MAX, out, &why), &why);
}

static enum store_err
items_put(struct store *s, enum store_kind kind, uint32_t id, struct rbuf value)
{
	const struct items *items = (struct items *)s;
	struct failure why = { "" };
	enum files_err err;

	if (value.len > STORE_ITEM_MAX)
		return STORE_FULL;
	err = place_write(&items->place, item_name(kind, id).text, value, &why);
	/* The card's directory is gone: not an absent item. */
	return translate(err == FILES_ABSENT ? FILES_FAULT : err, &why);
}

static enum store_err
items_remove(struct store *s, enum store_kind kind, uint32_t id)
{
	const struct items *items = (struct items *)s;
	struct failure why = { "" };

	return translate(place_remove(&items->place, item_name(kind, id).text, &why), &why);
}

static enum store_err
items_move(struct store *s, enum store_kind kind, uint32_t id, enum store_kind to_kind,
    uint32_t to_id)
{
	const struct items *items = (struct items *)s;
	struct failure why = { "" };

	return translate(place_rename(&items->place, item_name(kind, id).text,
			     item_name(to_kind, to_id).text, &why),
	    &why);
}

static const struct store_ops items_ops = {
	.get = items_get,
	.put = items_put,
	.remove = items_remove,
	.move = items_move,
};

enum files_err
items_open(struct place *p, struct store **out, struct failure *why)
{
	struct items *items = calloc(1, sizeof *items);

	if (items == NULL) {
		fail(why, "out of memory");
		place_close(p);
		return FILES_FAULT;
	}
	items->store.ops = &items_ops;
	items->place = *p;
	items->watch = -1;
	p->fd = -1;
	*out = &items->store;
	return FILES_OK;
}

void
files_store_close(struct store *s)
{
	struct items *items = (struct items *)s;

	if (items == NULL)
		return;
	if (items->watch >= 0)
		(void)close(items->watch);
	place_close(&items->place);
	free(items);
}

bool
files_store_changed(struct store *s)
{
	struct items *items = (struct items *)s;

	if (items->watch >= 0)
		return place_changed(items->watch);
	items->watch = place_watch(&items->place);
	return true;
}
