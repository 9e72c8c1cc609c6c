/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port to what a card keeps outside the vault (store/ implements it):
 * data objects and keys, each whole or not there.  Nothing in it is secret:
 * what must not be read without the PIN is sealed by the vault.
 * Knows base only.  On anything but STORE_OK outputs are as they were.
 */
#ifndef TPMVSC_APPLET_STORE_H
#define TPMVSC_APPLET_STORE_H

#include "base/bytes.h"

enum store_err {
	STORE_OK,
	STORE_ABSENT, /* no such item */
	STORE_FULL,   /* no room; the old item is still there, whole */
	STORE_FAULT,  /* cannot be read or written, or is not what it should be */
};

enum store_kind {
	STORE_OBJECT, /* id: the BER-TLV tag, e.g. 0x5fc105; value: the content of 53 (or of 7E, 7F61) */
	STORE_SEALED, /* the same for objects that only the PIN may read; value: sealed by the vault */
	STORE_KEY,    /* id: the key reference, e.g. 0x9a; value: the vault's octets */
	STORE_KEY_NEXT,    /* a card management key on its way to being 9B; id and value as above */
	STORE_SEALING_KEY, /* the key that objects are sealed to; id: 0 */
	STORE_DEFAULT, /* there when PIN (0x80), PUK (0x81) or 9B (0x9b) has its default value; value: any */
	STORE_CHAIN,   /* the certificate of a key that no object is for (id: its reference), and those above it; DER */
	STORE_KINDS
};

/* The longest item. */
#define STORE_ITEM_MAX 16384

struct store;

struct store_ops {
	enum store_err (*get)(struct store *, enum store_kind, uint32_t id, struct wbuf *out);
	enum store_err (*put)(struct store *, enum store_kind, uint32_t id, struct rbuf value);
	enum store_err (*remove)(struct store *, enum store_kind, uint32_t id);
	enum store_err (*move)(struct store *, enum store_kind, uint32_t id, enum store_kind to_kind,
	    uint32_t to_id);
};

/* The first member of every implementation. */
struct store {
	const struct store_ops *ops;
};

/* Append an item's value.  STORE_FAULT also when it does not fit in out. */
MUST_CHECK static inline enum store_err
store_get(struct store *s, enum store_kind kind, uint32_t id, struct wbuf *out)
{
	return s->ops->get(s, kind, id, out);
}

/* Set an item, atomically; when this returns STORE_OK it survives a power cut. */
MUST_CHECK static inline enum store_err
store_put(struct store *s, enum store_kind kind, uint32_t id, struct rbuf value)
{
	return s->ops->put(s, kind, id, value);
}

/* Delete an item, durably.  STORE_ABSENT when there was none. */
MUST_CHECK static inline enum store_err
store_remove(struct store *s, enum store_kind kind, uint32_t id)
{
	return s->ops->remove(s, kind, id);
}

/*
 * Give an item another kind and id, atomically and durably; what was there
 * before is gone.  STORE_ABSENT when there was no such item.
 */
MUST_CHECK static inline enum store_err
store_move(struct store *s, enum store_kind kind, uint32_t id, enum store_kind to_kind,
    uint32_t to_id)
{
	return s->ops->move(s, kind, id, to_kind, to_id);
}

#endif
