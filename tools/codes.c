/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/codes.h"

#include "tools/words.h"

#include <openssl/evp.h>

#define VERSION      0x10
#define GROUP        5
#define HEADER_CHECK 2
#define CHECK        4
#define FRONT        (3 + HEADER_CHECK)
#define ALL_MAX      (FRONT + CODE_OCTETS_MAX + CHECK)

/* Without I, L, O and U: they are read as something else, or spell something. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static const char *
name_of(enum code_kind kind)
{
	return kind == CODE_CHALLENGE ? "CHALLENGE" : "RESPONSE";
}

/* Append the first n octets of the hash of octets. */
static void
put_check(struct rbuf octets, size_t n, struct wbuf *out)
{
	uint8_t hash[EVP_MAX_MD_SIZE] = { 0 };
	struct rbuf view = rbuf_of(hash, sizeof hash), first;

	if (EVP_Digest(octets.data, octets.len, hash, NULL, EVP_sha256(), NULL) == 1 &&
	    rbuf_take(&view, n, &first))
		wbuf_put(out, first);
	else
		out->overflow = true;
}

/* ---- writing ---- */

/* Append one character, which stands for five bits. */
static void
put_digit(struct wbuf *text, unsigned value, size_t count, bool grouped)
{
	if (grouped && count != 0 && count % GROUP == 0)
		wbuf_u8(text, '-');
	wbuf_u8(text, (uint8_t)alphabet[value & 0x1f]);
}

static void
put_digits(struct wbuf *text, struct rbuf octets, bool grouped)
{
	unsigned bits = 0, held = 0;
	size_t count = 0;
	uint8_t octet;

	while (rbuf_u8(&octets, &octet)) {
		held = (held << 8 | octet) & 0xfff;
		bits += 8;
		for (; bits >= 5; bits -= 5)
			put_digit(text, held >> (bits - 5), count++, grouped);
	}
	if (bits != 0)
		put_digit(text, held << (5 - bits), count, grouped);
}

void
code_write(enum code_kind kind, struct rbuf octets, bool grouped, struct wbuf *text)
{
	uint8_t all[ALL_MAX];
	struct wbuf out = wbuf_over(all, sizeof all);

	wbuf_u8(&out, (uint8_t)(VERSION | kind));
	wbuf_u16(&out, (uint16_t)octets.len);
	put_check(wbuf_view(&out), HEADER_CHECK, &out);
	wbuf_put(&out, octets);
	put_check(wbuf_view(&out), CHECK, &out);
	if (!wbuf_ok(&out)) {
		text->overflow = true;
		return;
	}
	wbuf_put(text, rbuf_str(name_of(kind)));
	wbuf_u8(text, ':');
	put_digits(text, wbuf_view(&out), grouped);
}

/* ---- reading ---- */

/* A text on its way to octets. */
struct reading {
	struct wbuf out;
	unsigned bits, held; /* not yet an octet */
	unsigned bad;        /* the first character that belongs to no code, counted from 1 */
};

/* The five bits of a character. */
static bool
digit_of(uint8_t c, unsigned *out)
{
	static const struct {
		uint8_t read, as;
	} alike[] = { { 'i', '1' }, { 'l', '1' }, { 'o', '0' } };
	size_t i;

	c = word_lower(c);
	for (i = 0; i < sizeof alike / sizeof alike[0]; i++) {
		if (c == alike[i].read)
			c = alike[i].as;
	}
	for (i = 0; i < sizeof alphabet - 1; i++) {
		if (word_lower((uint8_t)alphabet[i]) == c) {
			*out = (unsigned)i;
			return true;
		}
	}
	return false;
}

static bool
is_filler(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '-' || c == '>';
}

static struct reading
read_digits(struct rbuf text, uint8_t *octets, size_t size)
{
	struct reading r = { .out = wbuf_over(octets, size) };
	struct rbuf head;
	unsigned digit, count = 0;
	uint8_t c;

	while (word_split(&text, ':', &head))
		continue;
	text = head;
	while (rbuf_u8(&text, &c)) {
		if (is_filler(c))
			continue;
		count++;
		if (!digit_of(c, &digit)) {
			r.bad = r.bad == 0 ? count : r.bad;
			continue;
		}
		r.held = (r.held << 5 | digit) & 0xfff;
		r.bits += 5;
		if (r.bits >= 8) {
			r.bits -= 8;
			wbuf_u8(&r.out, (uint8_t)(r.held >> r.bits));
		}
	}
	return r;
}

/* Take a run of octets and the check behind them. */
static bool
take_checked(struct rbuf all, size_t n, size_t check)
{
	uint8_t octets[CHECK];
	struct wbuf wanted = wbuf_over(octets, sizeof octets);
	struct rbuf covered, found;

	if (!rbuf_take(&all, n, &covered) || !rbuf_take(&all, check, &found))
		return false;
	put_check(covered, check, &wanted);
	return rbuf_eq(wbuf_view(&wanted), found);
}

static enum code_state
wrong(struct failure *why, const char *what)
{
	fail(why, "%s", what);
	return CODE_WRONG;
}

/* Read the front: what it is, and how long. */
static enum code_state
read_front(struct rbuf all, enum code_kind kind, uint16_t *length, struct failure *why)
{
	struct rbuf in = all;
	uint8_t first;

	if (!rbuf_u8(&in, &first) || !rbuf_u16(&in, length) || in.len < HEADER_CHECK) {
		fail(why, "it is not complete");
		return CODE_SHORT;
	}
	if (!take_checked(all, 3, HEADER_CHECK))
		return wrong(why, "it is none, or one of its first characters is mistyped");
	if ((first & 0xf0) != VERSION)
		return wrong(why, "it was made by another version of this program");
	if ((first & 0x0f) != kind) {
		fail(why, kind == CODE_CHALLENGE
			      ? "it is a response; the challenge is what the user has sent"
			      : "it is a challenge; the response is what the help desk sends back");
		return CODE_WRONG;
	}
	return *length <= CODE_OCTETS_MAX ? CODE_WHOLE : wrong(why, "it is too long");
}

enum code_state
code_read(struct rbuf text, enum code_kind kind, struct wbuf *octets, struct failure *why)
{
	uint8_t all[ALL_MAX + 1];
	struct reading r = read_digits(text, all, sizeof all);
	struct rbuf in = wbuf_view(&r.out), content;
	enum code_state state;
	uint16_t length = 0;
	size_t whole;

	if (r.bad != 0) {
		fail(why, "its %u. character belongs to no %s", r.bad,
		    kind == CODE_CHALLENGE ? "challenge" : "response");
		return CODE_WRONG;
	}
	state = read_front(in, kind, &length, why);
	if (state != CODE_WHOLE)
		return state;
	whole = (size_t)FRONT + length + CHECK;
	if (in.len < whole) {
		fail(why, "it is not complete");
		return CODE_SHORT;
	}
	/* Not one digit more, and no bit in the last one that stands for nothing. */
	if (in.len > whole || r.out.overflow || r.bits >= 5 ||
	    (r.held & ((1U << r.bits) - 1)) != 0 || !take_checked(in, whole - CHECK, CHECK))
		return wrong(why, "it is mistyped: a character is wrong, missing or one too many");
	if (!rbuf_take(&in, FRONT, &content) || !rbuf_take(&in, length, &content))
		return wrong(why, "it is mistyped");
	wbuf_put(octets, content);
	return wbuf_ok(octets) ? CODE_WHOLE : wrong(why, "it is too long");
}
