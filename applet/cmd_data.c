/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/commands.h"
#include "applet/objects.h"
#include "applet/sealing.h"
#include "applet/tlv.h"

/* The data object that a tag list (5C) with one tag names. */
static sw_t
find_listed(struct rbuf list, const struct object **object, uint32_t *tag)
{
	if (!tlv_tag(&list, tag) || list.len != 0)
		return SW_INCORRECT_DATA;
	*object = object_find(*tag);
	return *object != NULL ? SW_OK : SW_NOT_FOUND;
}

sw_t
cmd_get_data(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	const struct object *object;
	struct rbuf in = c->data;
	struct tlv list;
	uint32_t tag;
	size_t mark;
	sw_t sw;

	if (!tlv_next(&in, &list) || list.tag != 0x5c || in.len != 0)
		return SW_INCORRECT_DATA;
	sw = find_listed(list.value, &object, &tag);
	if (sw != SW_OK)
		return sw;
	if ((object->read & ~p->status) != 0)
		return SW_SECURITY_STATUS_NOT_SATISFIED;
	mark = tlv_open(out, object_envelope(tag));
	sw = object_sealed(object) ? sealed_get(p, tag, out)
				   : sw_of_store(store_get(p->store, STORE_OBJECT, tag, out));
	if (sw == SW_OK)
		tlv_close(out, mark);
	return sw;
}

/*
 * PUT DATA's two forms (SP 800-73-4 Part 2, 3.3.1): a tag list and 53, or the
 * Discovery Object or BIT Group Template as they are.
 */
static sw_t
read_put(struct rbuf in, const struct object **object, uint32_t *tag, struct rbuf *content)
{
	struct tlv first, second;
	sw_t sw;

	if (!tlv_next(&in, &first))
		return SW_INCORRECT_DATA;
	if (first.tag != 0x5c) {
		*object = object_find(first.tag);
		*tag = first.tag;
		*content = first.value;
		return *object != NULL && object_envelope(first.tag) == first.tag && in.len == 0
			   ? SW_OK
			   : SW_INCORRECT_DATA;
	}
	sw = find_listed(first.value, object, tag);
	if (sw != SW_OK)
		return sw;
	if (!tlv_next(&in, &second) || second.tag != 0x53 || in.len != 0 ||
	    object_envelope(*tag) != 0x53)
		return SW_INCORRECT_DATA;
	*content = second.value;
	return SW_OK;
}

sw_t
cmd_put_data(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	const struct object *object;
	enum store_err err;
	struct rbuf content;
	uint32_t tag;
	sw_t sw;

	(void)out;
	sw = read_put(c->data, &object, &tag, &content);
	if (sw != SW_OK)
		return sw;
	if ((object->write & ~p->status) != 0)
		return SW_SECURITY_STATUS_NOT_SATISFIED;
	if (content.len > object->capacity)
		return SW_NOT_ENOUGH_MEMORY;
	if (content.len != 0)
		return object_sealed(object)
			   ? sealed_put(p, tag, content)
			   : sw_of_store(store_put(p->store, STORE_OBJECT, tag, content));
	err = store_remove(p->store, object_sealed(object) ? STORE_SEALED : STORE_OBJECT, tag);
	return sw_of_store(err == STORE_ABSENT ? STORE_OK : err); /* it is gone either way */
}
