/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/secret.h"

#include <string.h>

bool
secret_set(struct secret *s, struct rbuf octets)
{
	struct wbuf out;

	secret_clear(s);
	out = wbuf_over(s->data, sizeof s->data);
	wbuf_put(&out, octets);
	s->len = out.len;
	return wbuf_ok(&out);
}

struct rbuf
secret_view(const struct secret *s)
{
	return rbuf_of(s->data, s->len);
}

void
secret_clear(struct secret *s)
{
	if (s != NULL)
		explicit_bzero(s, sizeof *s);
}
