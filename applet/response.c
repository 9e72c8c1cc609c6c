/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/response.h"

#include "applet/sw.h"

/* Hosts that leave Le out (libykpiv does) still want the data. */
#define NE_WITHOUT_LE 0x100

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

void
response_drop(struct piv *p)
{
	wbuf_truncate(&p->pending, 0);
	p->sent = 0;
}

bool
response_waits(const struct piv *p)
{
	return p->sent < p->pending.len;
}

void
response_send(struct piv *p, const struct capdu *c, struct wbuf *rapdu)
{
	struct rbuf sent, part, rest = wbuf_view(&p->pending);
	size_t room = rapdu->cap - rapdu->len;
	size_t n = c->le_present ? c->ne : NE_WITHOUT_LE;

	if (!rbuf_take(&rest, p->sent, &sent))
		return; /* cannot be: sent never passes the end */
	n = smaller(smaller(n, rest.len), room > 2 ? room - 2 : 0);
	if (!rbuf_take(&rest, n, &part))
		return;
	wbuf_put(rapdu, part);
	p->sent += n;
	if (rest.len == 0) {
		response_drop(p);
		wbuf_u16(rapdu, SW_OK);
	} else {
		wbuf_u16(rapdu, (sw_t)(SW_BYTES_REMAINING | (rest.len < 0x100 ? rest.len : 0)));
	}
}
