/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/bytes.h"

#include <string.h>

struct rbuf
rbuf_of(const void *data, size_t len)
{
	return (struct rbuf){ .data = data, .len = len };
}

struct rbuf
rbuf_str(const char *text)
{
	return rbuf_of(text, strlen(text));
}

bool
rbuf_take(struct rbuf *in, size_t n, struct rbuf *out)
{
	if (n > in->len)
		return false;
	*out = rbuf_of(in->data, n);
	if (n != 0)
		*in = rbuf_of(in->data + n, in->len - n);
	return true;
}

bool
rbuf_u8(struct rbuf *in, uint8_t *out)
{
	struct rbuf b;

	if (!rbuf_take(in, 1, &b))
		return false;
	*out = b.data[0];
	return true;
}

bool
rbuf_u16(struct rbuf *in, uint16_t *out)
{
	struct rbuf b;

	if (!rbuf_take(in, 2, &b))
		return false;
	*out = (uint16_t)((unsigned)b.data[0] << 8 | b.data[1]);
	return true;
}

bool
rbuf_u32(struct rbuf *in, uint32_t *out)
{
	struct rbuf b;

	if (!rbuf_take(in, 4, &b))
		return false;
	*out = (uint32_t)b.data[0] << 24 | (uint32_t)b.data[1] << 16 | (uint32_t)b.data[2] << 8 |
	    b.data[3];
	return true;
}

bool
rbuf_copy(struct rbuf *in, void *out, size_t n)
{
	struct rbuf b;

	if (!rbuf_take(in, n, &b))
		return false;
	if (n != 0)
		memcpy(out, b.data, n);
	return true;
}

uint8_t
rbuf_at(struct rbuf in, size_t i)
{
	return i < in.len ? in.data[i] : 0;
}

bool
rbuf_eq(struct rbuf a, struct rbuf b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool
rbuf_eq_secret(struct rbuf a, struct rbuf b)
{
	volatile uint8_t differ = 0;
	size_t i;

	if (a.len != b.len)
		return false;
	for (i = 0; i < a.len; i++)
		differ = (uint8_t)(differ | (a.data[i] ^ b.data[i]));
	return differ == 0;
}

struct wbuf
wbuf_over(void *data, size_t cap)
{
	return (struct wbuf){ .data = data, .cap = cap };
}

/* Room for n more octets, or NULL with the overflow latched. */
static uint8_t *
reserve(struct wbuf *out, size_t n)
{
	uint8_t *at;

	if (out->overflow || n > out->cap - out->len) {
		out->overflow = true;
		return NULL;
	}
	at = out->data + out->len;
	out->len += n;
	return at;
}

void
wbuf_put(struct wbuf *out, struct rbuf octets)
{
	uint8_t *at;

	if (octets.len == 0)
		return;
	at = reserve(out, octets.len);
	if (at != NULL)
		memmove(at, octets.data, octets.len);
}

void
wbuf_u8(struct wbuf *out, uint8_t value)
{
	wbuf_put(out, rbuf_of(&value, 1));
}

void
wbuf_u16(struct wbuf *out, uint16_t value)
{
	const uint8_t b[] = { (uint8_t)(value >> 8), (uint8_t)value };

	wbuf_put(out, rbuf_of(b, sizeof b));
}

void
wbuf_u32(struct wbuf *out, uint32_t value)
{
	const uint8_t b[] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
		(uint8_t)(value >> 8), (uint8_t)value };

	wbuf_put(out, rbuf_of(b, sizeof b));
}

void
wbuf_fill(struct wbuf *out, uint8_t value, size_t n)
{
	uint8_t *at;

	if (n == 0)
		return;
	at = reserve(out, n);
	if (at != NULL)
		memset(at, value, n);
}

bool
wbuf_ok(const struct wbuf *out)
{
	return !out->overflow;
}

struct rbuf
wbuf_view(const struct wbuf *out)
{
	return rbuf_of(out->data, out->len);
}

struct rbuf
wbuf_since(const struct wbuf *out, size_t len)
{
	struct rbuf all = wbuf_view(out), before;

	return !out->overflow && rbuf_take(&all, len, &before) ? all : rbuf_of(NULL, 0);
}

void
wbuf_insert(struct wbuf *out, size_t at, struct rbuf octets)
{
	size_t tail = out->len - at;

	if (octets.len == 0 || reserve(out, octets.len) == NULL)
		return;
	memmove(out->data + at + octets.len, out->data + at, tail);
	memcpy(out->data + at, octets.data, octets.len);
}

void
wbuf_truncate(struct wbuf *out, size_t len)
{
	if (len < out->len) {
		explicit_bzero(out->data + len, out->len - len);
		out->len = len;
	}
	out->overflow = false;
}

void
wbuf_wipe(struct wbuf *out)
{
	if (out->cap != 0)
		explicit_bzero(out->data, out->cap);
	out->len = 0;
	out->overflow = false;
}
