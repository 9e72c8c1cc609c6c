/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/words.h"

#include <string.h>

uint8_t
word_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

bool
word_is(struct rbuf word, const char *text)
{
	size_t i;

	if (word.len != strlen(text))
		return false;
	for (i = 0; i < word.len; i++) {
		if (word_lower(rbuf_at(word, i)) != word_lower((uint8_t)text[i]))
			return false;
	}
	return true;
}

bool
word_find(const struct word *words, size_t count, struct rbuf word, unsigned *out)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (word_is(word, words[i].text)) {
			*out = words[i].value;
			return true;
		}
	}
	return false;
}

bool
word_number(struct rbuf word, unsigned max, unsigned *out)
{
	unsigned value = 0, digit;
	size_t i;

	if (word.len == 0)
		return false;
	for (i = 0; i < word.len; i++) {
		digit = rbuf_at(word, i) - (unsigned)'0';
		if (digit > 9 || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

bool
word_hex(uint8_t c, uint8_t *out)
{
	c = word_lower(c);
	if (c >= '0' && c <= '9')
		*out = (uint8_t)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*out = (uint8_t)(c - 'a' + 10);
	else
		return false;
	return true;
}

bool
word_split(struct rbuf *rest, char mark, struct rbuf *head)
{
	const uint8_t *at = rest->len != 0 ? memchr(rest->data, mark, rest->len) : NULL;
	struct rbuf dropped;

	if (at == NULL) {
		*head = *rest;
		*rest = rbuf_of(NULL, 0);
		return false;
	}
	return rbuf_take(rest, (size_t)(at - rest->data), head) && rbuf_take(rest, 1, &dropped);
}

enum match
word_match(struct rbuf typed, const char *name)
{
	struct rbuf left = rbuf_str(name);
	bool any = false;
	uint8_t a, b;

	while (rbuf_u8(&typed, &a)) {
		if (a == '-')
			continue;
		do {
			if (!rbuf_u8(&left, &b))
				return MATCH_NONE;
		} while (b == '-');
		if (word_lower(a) != b)
			return MATCH_NONE;
		any = true;
	}
	if (!any)
		return MATCH_NONE;
	return left.len == 0 ? MATCH_EXACT : MATCH_PREFIX;
}
