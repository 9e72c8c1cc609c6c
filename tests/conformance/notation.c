/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/conformance/notation.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { END, MALFORMED, OCTETS, ANY, REST, NONCE, OBJECT, SHORT, EXTENDED, CALL };

/* A piece of text, from begin up to end. */
struct piece {
	const char *begin, *end;
};

struct token {
	enum kind kind;
	struct piece word; /* octets, a tag, or a name */
	struct piece body; /* what is between brackets */
	size_t times;
};

static bool write_all(struct piece text, const struct notation_values *values, struct wbuf *out);

static struct piece
whole(const char *text)
{
	return (struct piece){ text, text + strlen(text) };
}

static bool
is(struct piece word, const char *name)
{
	size_t len = strlen(name);

	return (size_t)(word.end - word.begin) == len && strncmp(word.begin, name, len) == 0;
}

static bool
begins(struct piece text, const char *with)
{
	size_t len = strlen(with);

	return (size_t)(text.end - text.begin) >= len && strncmp(text.begin, with, len) == 0;
}

/* The bracket that closes the one that text begins with, or NULL. */
static const char *
closing(struct piece text)
{
	const char *s;
	int depth = 0;

	for (s = text.begin; s < text.end; s++) {
		if (strchr("([{", *s) != NULL)
			depth++;
		else if (strchr(")]}", *s) != NULL && --depth == 0)
			return s;
	}
	return NULL;
}

/* Take "*N" off the front, if it is there. */
static size_t
take_times(struct piece *text)
{
	unsigned long times;
	char *end;

	if (text->begin == text->end || *text->begin != '*')
		return 1;
	times = strtoul(text->begin + 1, &end, 10);
	text->begin = end;
	return times;
}

/* Take a bracket and all up to the one that closes it. */
static void
take_body(struct piece *text, struct token *t)
{
	const char open = *text->begin, *close = closing(*text);

	t->kind = MALFORMED;
	if (close == NULL)
		return;
	if (open == '{' && *close == '}')
		t->kind = OBJECT;
	else if (open == '(' && *close == ')')
		t->kind = CALL;
	else if (open == '[' && *close == ']' && is(t->word, ""))
		t->kind = SHORT;
	else if (open == '[' && *close == ']' && is(t->word, "x"))
		t->kind = EXTENDED;
	t->body = (struct piece){ text->begin + 1, close };
	text->begin = close + 1;
}

static struct token
next_token(struct piece *text)
{
	struct token t = { .kind = MALFORMED, .times = 1 };

	while (text->begin < text->end && isspace((unsigned char)*text->begin))
		text->begin++;
	if (text->begin == text->end) {
		t.kind = END;
	} else if (begins(*text, "...")) {
		t.kind = REST;
		text->begin += 3;
	} else if (begins(*text, "??")) {
		t.kind = ANY;
		text->begin += 2;
		t.times = take_times(text);
	} else if (begins(*text, "@nonce")) {
		t.kind = NONCE;
		text->begin += 6;
	} else {
		t.word.begin = text->begin;
		while (text->begin < text->end && isalnum((unsigned char)*text->begin))
			text->begin++;
		t.word.end = text->begin;
		if (text->begin < text->end && strchr("([{", *text->begin) != NULL) {
			take_body(text, &t);
		} else if (t.word.begin < t.word.end) {
			t.kind = OCTETS;
			t.times = take_times(text);
		}
	}
	return t;
}

/* ---- writing ---- */

static bool
write_hex(struct piece hex, struct wbuf *out)
{
	const char *s;
	unsigned octet;

	for (s = hex.begin; s < hex.end; s += 2) {
		if (s + 1 == hex.end || !isxdigit((unsigned char)s[0]) ||
		    !isxdigit((unsigned char)s[1]) || sscanf(s, "%2x", &octet) != 1)
			return false;
		wbuf_u8(out, (uint8_t)octet);
	}
	return true;
}

/* Put the length of what was written since mark in front of it, as its kind has it. */
static bool
close_length(enum kind kind, struct wbuf *out, size_t mark)
{
	uint8_t octets[3];
	struct wbuf length = wbuf_over(octets, sizeof octets);
	size_t len = out->len - mark;

	if (len > (kind == SHORT ? 0xff : 0xffff))
		return false;
	if (kind == EXTENDED)
		wbuf_u8(&length, 0);
	else if (kind == OBJECT && len > 0xff)
		wbuf_u8(&length, 0x82);
	else if (kind == OBJECT && len > 0x7f)
		wbuf_u8(&length, 0x81);
	if (kind == EXTENDED || len > 0xff)
		wbuf_u16(&length, (uint16_t)len);
	else
		wbuf_u8(&length, (uint8_t)len);
	wbuf_insert(out, mark, wbuf_view(&length));
	return true;
}

static bool
write_call(const struct token *t, const struct notation_values *values, struct wbuf *out)
{
	static const struct {
		const char *name;
		enum notation_cipher cipher;
	} ciphers[] = { { "enc", NOTATION_ENC }, { "dec", NOTATION_DEC },
		{ "stale", NOTATION_STALE } };
	uint8_t octets[256];
	struct wbuf in = wbuf_over(octets, sizeof octets);
	size_t i;

	if (!write_all(t->body, values, &in))
		return false;
	for (i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++) {
		if (is(t->word, ciphers[i].name))
			return values->cipher(values->context, ciphers[i].cipher, wbuf_view(&in), out);
	}
	if (!is(t->word, "cut") || in.len == 0)
		return false;
	wbuf_truncate(&in, in.len - 1);
	wbuf_put(out, wbuf_view(&in));
	return true;
}

static bool
write_token(const struct token *t, const struct notation_values *values, struct wbuf *out)
{
	size_t i, mark;

	switch (t->kind) {
	case OCTETS:
		for (i = 0; i < t->times; i++) {
			if (!write_hex(t->word, out))
				return false;
		}
		return true;
	case OBJECT:
	case SHORT:
	case EXTENDED:
		if (t->kind == OBJECT && !write_hex(t->word, out))
			return false;
		mark = out->len;
		return write_all(t->body, values, out) && close_length(t->kind, out, mark);
	case CALL:
		return write_call(t, values, out);
	case NONCE:
		wbuf_put(out, values->nonce);
		return true;
	case END:
	case MALFORMED:
	case ANY:
	case REST:
		break;
	}
	return false;
}

static bool
write_all(struct piece text, const struct notation_values *values, struct wbuf *out)
{
	struct token t;

	for (t = next_token(&text); t.kind != END; t = next_token(&text)) {
		if (!write_token(&t, values, out))
			return false;
	}
	return wbuf_ok(out);
}

bool
notation_write(const char *text, const struct notation_values *values, struct wbuf *out)
{
	return write_all(whole(text), values, out);
}

/* ---- comparing ---- */

/* Read a length in its shortest form, as the standards want it of a card. */
static bool
take_length(struct rbuf *in, size_t *out)
{
	uint8_t first, one;
	uint16_t two;

	if (!rbuf_u8(in, &first))
		return false;
	*out = first;
	if (first == 0x81 && rbuf_u8(in, &one)) {
		*out = one;
		return one > 0x7f;
	}
	if (first == 0x82 && rbuf_u16(in, &two)) {
		*out = two;
		return two > 0xff;
	}
	return first < 0x80;
}

/* Take what a token without a body says off the front of in. */
static bool
take_written(const struct token *t, const struct notation_values *values, struct rbuf *in)
{
	uint8_t *octets = malloc(NOTATION_MAX);
	struct wbuf want = wbuf_over(octets, octets != NULL ? NOTATION_MAX : 0);
	struct rbuf part;
	bool fits = write_token(t, values, &want) && wbuf_ok(&want) &&
		    rbuf_take(in, want.len, &part) && rbuf_eq(part, wbuf_view(&want));

	free(octets);
	return fits;
}

static bool
fits(struct piece text, const struct notation_values *values, struct rbuf in)
{
	struct token t = next_token(&text);
	struct token tag = { .kind = OCTETS, .word = t.word, .times = 1 };
	struct rbuf part;
	size_t len;

	switch (t.kind) {
	case END:
		return in.len == 0;
	case REST:
		while (!fits(text, values, in)) {
			if (!rbuf_take(&in, 1, &part))
				return false;
		}
		return true;
	case ANY:
		return rbuf_take(&in, t.times, &part) && fits(text, values, in);
	case OBJECT:
		return take_written(&tag, values, &in) && take_length(&in, &len) &&
		       rbuf_take(&in, len, &part) && fits(t.body, values, part) &&
		       fits(text, values, in);
	case OCTETS:
	case NONCE:
	case CALL:
		return take_written(&t, values, &in) && fits(text, values, in);
	case SHORT:
	case EXTENDED:
	case MALFORMED:
		break;
	}
	return false;
}

bool
notation_fits(const char *text, const struct notation_values *values, struct rbuf octets)
{
	return fits(whole(text), values, octets);
}
