/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/readers.h"

#include <string.h>

void
readers_take(struct rbuf list, struct readers *out)
{
	struct rbuf name, nul;
	struct wbuf to;

	out->count = 0;
	while (out->count < READERS_MAX && list.len != 0 && rbuf_at(list, 0) != '\0') {
		if (!rbuf_take(&list, strnlen((const char *)list.data, list.len), &name) ||
		    !rbuf_take(&list, 1, &nul) || name.len >= READER_NAME_MAX)
			return;
		to = wbuf_over(out->names[out->count], READER_NAME_MAX);
		wbuf_put(&to, name);
		wbuf_u8(&to, '\0');
		out->count++;
	}
}
