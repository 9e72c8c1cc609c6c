/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/harmless.h"

#include "base/text.h"

/* Whether more octets could make a character of these, of which none can be made so far. */
static bool
may_go_on(struct rbuf in)
{
	const uint8_t first = rbuf_at(in, 0);
	const size_t whole = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;

	return in.len < whole;
}

/* One character off the front; false when it waits for more. */
static bool
pass_one(struct rbuf *in, bool last, struct wbuf *out)
{
	struct rbuf rest = *in, one;
	uint32_t c = 0;

	if (rbuf_at(*in, 0) == '\r' && in->len == 1 && !last)
		return false;
	if (rbuf_at(*in, 0) == '\r' && rbuf_at(*in, 1) == '\n')
		return rbuf_take(in, 1, &one); /* ssh ends its own lines so */
	if (!text_take(&rest, &c)) {
		if (!last && may_go_on(*in))
			return false;
		rest = rbuf_of(in->data + 1, in->len - 1);
	}
	if (!rbuf_take(in, in->len - rest.len, &one))
		return false;
	if (c == '\n' || text_printable(c))
		wbuf_put(out, one);
	else
		wbuf_u8(out, '?');
	return true;
}

void
harmless_pass(struct harmless *h, struct rbuf in, bool last, struct wbuf *out)
{
	uint8_t octets[sizeof h->held + HARMLESS_CHUNK];
	struct wbuf joined = wbuf_over(octets, sizeof octets);
	struct wbuf held = wbuf_over(h->held, sizeof h->held);
	struct rbuf rest;

	wbuf_put(&joined, rbuf_of(h->held, h->held_len));
	wbuf_put(&joined, in);
	rest = wbuf_view(&joined);
	while (rest.len != 0 && pass_one(&rest, last, out))
		continue;
	wbuf_put(&held, rest);
	h->held_len = held.len;
}
