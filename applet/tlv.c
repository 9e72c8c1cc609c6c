/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/tlv.h"

bool
tlv_tag(struct rbuf *in, uint32_t *out)
{
	struct rbuf rest = *in;
	uint8_t octet;
	uint32_t tag;

	if (!rbuf_u8(&rest, &octet))
		return false;
	tag = octet;
	if ((octet & 0x1f) == 0x1f) {
		do {
			if (tag > 0xffff || !rbuf_u8(&rest, &octet))
				return false;
			/* The second octet cannot be one that a shorter tag would do for. */
			if (tag <= 0xff && (octet < 0x1f || octet == 0x80))
				return false;
			tag = tag << 8 | octet;
		} while ((octet & 0x80) != 0);
	}
	*in = rest;
	*out = tag;
	return true;
}

static bool
take_length(struct rbuf *in, size_t *out)
{
	uint8_t first, one;
	uint16_t two;

	if (!rbuf_u8(in, &first))
		return false;
	if (first < 0x80) {
		*out = first;
		return true;
	}
	if (first == 0x81 && rbuf_u8(in, &one) && one >= 0x80) {
		*out = one;
		return true;
	}
	if (first == 0x82 && rbuf_u16(in, &two) && two >= 0x100) {
		*out = two;
		return true;
	}
	return false;
}

bool
tlv_next(struct rbuf *in, struct tlv *out)
{
	struct rbuf rest = *in;
	struct tlv t;
	size_t len;

	if (!tlv_tag(&rest, &t.tag) || !take_length(&rest, &len) ||
	    !rbuf_take(&rest, len, &t.value))
		return false;
	*in = rest;
	*out = t;
	return true;
}

static struct tlv_field *
find_field(struct tlv_field *fields, size_t n, uint32_t tag)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (fields[i].tag == tag)
			return &fields[i];
	}
	return NULL;
}

bool
tlv_read_fields(struct rbuf in, struct tlv_field *fields, size_t n)
{
	struct tlv_field *f;
	struct tlv t;
	size_t i;

	for (i = 0; i < n; i++)
		fields[i].present = false;
	while (in.len != 0) {
		if (!tlv_next(&in, &t))
			return false;
		f = find_field(fields, n, t.tag);
		if (f == NULL || f->present)
			return false;
		f->present = true;
		f->value = t.value;
	}
	return true;
}

static void
put_tag(struct wbuf *out, uint32_t tag)
{
	if (tag > 0xffff)
		wbuf_u8(out, (uint8_t)(tag >> 16));
	if (tag > 0xff)
		wbuf_u8(out, (uint8_t)(tag >> 8));
	wbuf_u8(out, (uint8_t)tag);
}

size_t
tlv_open(struct wbuf *out, uint32_t tag)
{
	put_tag(out, tag);
	return out->len;
}

void
tlv_close(struct wbuf *out, size_t mark)
{
	uint8_t octets[3];
	struct wbuf length = wbuf_over(octets, sizeof octets);
	size_t len = out->len - mark;

	if (len > 0xffff) {
		out->overflow = true;
		return;
	}
	if (len >= 0x100) {
		wbuf_u8(&length, 0x82);
		wbuf_u16(&length, (uint16_t)len);
	} else {
		if (len >= 0x80)
			wbuf_u8(&length, 0x81);
		wbuf_u8(&length, (uint8_t)len);
	}
	wbuf_insert(out, mark, wbuf_view(&length));
}

void
tlv_put(struct wbuf *out, uint32_t tag, struct rbuf value)
{
	size_t mark = tlv_open(out, tag);

	wbuf_put(out, value);
	tlv_close(out, mark);
}
