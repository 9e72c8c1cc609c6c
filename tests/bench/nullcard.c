/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/nullcard.h"

#include <stdio.h>

#define LEN_MAX 65535

bool
null_card_read(const char *text, struct null_card *out)
{
	unsigned select_len, data_len;
	char rest;

	if (sscanf(text, "%5u:%5u%c", &select_len, &data_len, &rest) != 2 || select_len > LEN_MAX ||
	    data_len > LEN_MAX)
		return false;
	out->select_len = select_len;
	out->data_len = data_len;
	return true;
}

struct rbuf
null_card_atr(void)
{
	/* T=1 only, five historical octets, TCK */
	static const uint8_t atr[] = { 0x3b, 0x85, 0x80, 0x01, 0x80, 'n', 'u', 'l', 'l', 0x9f };

	return rbuf_of(atr, sizeof atr);
}

void
null_card_answer(const struct null_card *card, struct rbuf capdu, struct wbuf *out)
{
	const uint8_t ins = capdu.len > 1 ? rbuf_at(capdu, 1) : 0;

	if (ins == 0xa4)
		wbuf_fill(out, 0, card->select_len);
	else if (ins == 0xcb)
		wbuf_fill(out, 0, card->data_len);
	wbuf_u16(out, 0x9000);
}
