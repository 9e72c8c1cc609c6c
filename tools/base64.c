/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/base64.h"

#include <openssl/evp.h>

#define OCTETS  3 /* that become ... */
#define LETTERS 4 /* ... so many characters */

/* Append up to OCTETS octets as LETTERS characters. */
static void
write_group(struct rbuf octets, struct wbuf *out)
{
	uint8_t letters[LETTERS + 1];

	(void)EVP_EncodeBlock(letters, octets.data, (int)octets.len);
	wbuf_put(out, rbuf_of(letters, LETTERS));
}

void
base64_write(struct rbuf octets, struct wbuf *out)
{
	struct rbuf group;

	while (rbuf_take(&octets, OCTETS, &group))
		write_group(group, out);
	if (octets.len != 0)
		write_group(octets, out);
}

/* Append what LETTERS characters stand for.  Writing it again shows spare bits and odd characters.
 */
static bool
read_group(struct rbuf letters, bool last, struct wbuf *out)
{
	uint8_t octets[OCTETS], again[LETTERS];
	struct wbuf text = wbuf_over(again, sizeof again);
	size_t n = OCTETS;

	if (last && rbuf_at(letters, LETTERS - 1) == '=')
		n = rbuf_at(letters, LETTERS - 2) == '=' ? 1 : 2;
	if (EVP_DecodeBlock(octets, letters.data, LETTERS) != OCTETS)
		return false;
	write_group(rbuf_of(octets, n), &text);
	if (!rbuf_eq(wbuf_view(&text), letters))
		return false;
	wbuf_put(out, rbuf_of(octets, n));
	return wbuf_ok(out);
}

bool
base64_read(struct rbuf text, struct wbuf *out)
{
	const size_t before = out->len;
	struct rbuf group;

	while (rbuf_take(&text, LETTERS, &group)) {
		if (!read_group(group, text.len == 0, out)) {
			wbuf_truncate(out, before);
			return false;
		}
	}
	if (text.len == 0)
		return true;
	wbuf_truncate(out, before);
	return false;
}
