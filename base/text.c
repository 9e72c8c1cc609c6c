/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/text.h"

bool
text_take(struct rbuf *in, uint32_t *out)
{
	static const struct {
		uint8_t mask, lead;
		size_t more;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0, 0 },
		{ 0xe0, 0xc0, 1, 0x80 },
		{ 0xf0, 0xe0, 2, 0x800 },
		{ 0xf8, 0xf0, 3, 0x10000 },
	};
	struct rbuf at = *in;
	uint32_t value;
	uint8_t octet;
	size_t i, n;

	if (!rbuf_u8(&at, &octet))
		return false;
	for (i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if ((octet & forms[i].mask) == forms[i].lead)
			break;
	}
	if (i == sizeof forms / sizeof forms[0])
		return false;
	value = octet & (uint8_t)~forms[i].mask;
	for (n = 0; n < forms[i].more; n++) {
		if (!rbuf_u8(&at, &octet) || (octet & 0xc0) != 0x80)
			return false;
		value = value << 6 | (octet & 0x3f);
	}
	if (value < forms[i].least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return false;
	*in = at;
	*out = value;
	return true;
}

bool
text_printable(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} refused[] = {
		{ 0x00, 0x1f },
		{ 0x7f, 0x9f },
		{ 0x200b, 0x200f },
		{ 0x2028, 0x202e },
		{ 0x2060, 0x206f },
		{ 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb },
		{ 0xfffe, 0xffff },
	};
	size_t i;

	for (i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		if (c >= refused[i].first && c <= refused[i].last)
			return false;
	}
	return true;
}

void
text_clean(struct rbuf in, struct wbuf *out)
{
	struct rbuf rest, one;
	uint32_t c;

	while (in.len != 0) {
		rest = in;
		if (!text_take(&rest, &c)) {
			rest = rbuf_of(in.data + 1, in.len - 1);
			c = 0;
		}
		if (!rbuf_take(&in, in.len - rest.len, &one))
			return;
		if (text_printable(c))
			wbuf_put(out, one);
		else
			wbuf_u8(out, '?');
	}
}

void
text_guid(const uint8_t guid[16], struct wbuf *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			wbuf_u8(out, '-');
		wbuf_u8(out, (uint8_t)digits[guid[i] >> 4]);
		wbuf_u8(out, (uint8_t)digits[guid[i] & 0x0f]);
	}
}
