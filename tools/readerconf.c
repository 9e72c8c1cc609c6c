/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/readerconf.h"

#include "tools/words.h"

#include <ctype.h>
#include <string.h>

const struct opensc_limits opensc_default = { .slots = 16, .per_card = 4 };

/* A blank line, a letter: what separates words. */
static bool
is_blank(uint8_t c)
{
	return isspace(c) != 0;
}

/* ---- pcscd's entry: a key, blanks, a value, which may stand in quotation marks ---- */

static struct rbuf
trim(struct rbuf in)
{
	while (in.len != 0 && is_blank(in.data[0]))
		in = rbuf_of(in.data + 1, in.len - 1);
	while (in.len != 0 && is_blank(in.data[in.len - 1]))
		in.len--;
	return in;
}

static struct rbuf
unquote(struct rbuf in)
{
	if (in.len >= 2 && in.data[0] == '"' && in.data[in.len - 1] == '"')
		return rbuf_of(in.data + 1, in.len - 2);
	return in;
}

bool
readerconf_value(struct rbuf text, const char *key, char *out, size_t size)
{
	struct wbuf to = wbuf_over(out, size);
	struct rbuf line, value;
	const size_t n = strlen(key);
	bool more = true;

	while (more) {
		more = word_split(&text, '\n', &line);
		line = trim(line);
		value = line;
		if (!rbuf_take(&value, n, &line) || !rbuf_eq(line, rbuf_str(key)) ||
		    value.len == 0 || !is_blank(value.data[0]))
			continue;
		wbuf_put(&to, unquote(trim(value)));
		wbuf_u8(&to, '\0');
		return wbuf_ok(&to) && strlen(out) == to.len - 1;
	}
	return false;
}

/* ---- opensc.conf: words, and { } = ; , each a word of its own; # until the end of the line ----
 */

static bool
next_word(struct rbuf *in, struct rbuf *out)
{
	static const char single[] = "{}=;,";
	struct rbuf line;
	size_t n = 0;

	for (;;) {
		*in = trim(*in);
		if (rbuf_at(*in, 0) != '#' || in->len == 0)
			break;
		(void)word_split(in, '\n', &line);
	}
	if (in->len == 0)
		return false;
	if (strchr(single, in->data[0]) != NULL)
		return rbuf_take(in, 1, out);
	if (in->data[0] == '"') {
		for (n = 1; n < in->len && in->data[n] != '"'; n++)
			continue;
		return rbuf_take(in, n < in->len ? n + 1 : n, out);
	}
	while (n < in->len && !is_blank(in->data[n]) && strchr(single, in->data[n]) == NULL)
		n++;
	return rbuf_take(in, n, out);
}

/* Where in the file we are. */
struct place {
	unsigned depth;
	bool in_app;                       /* the one that is wanted */
	bool in_pkcs11;                    /* its block pkcs11 */
	struct rbuf word, before, earlier; /* the last three words */
};

static bool
word_eq(struct rbuf word, const char *text)
{
	return rbuf_eq(unquote(word), rbuf_str(text));
}

static void
enter(struct place *p, const char *app)
{
	p->depth++;
	if (p->depth == 1)
		p->in_app = word_eq(p->earlier, "app") && word_eq(p->before, app);
	else if (p->depth == 2)
		p->in_pkcs11 = p->in_app && word_eq(p->before, "pkcs11");
}

static void
leave(struct place *p)
{
	if (p->depth == 1)
		p->in_app = false;
	else if (p->depth == 2)
		p->in_pkcs11 = false;
	if (p->depth != 0)
		p->depth--;
}

/* The last of three words is a number that is wanted. */
static void
take_number(const struct place *p, struct opensc_limits *out)
{
	unsigned number;

	if (!p->in_pkcs11 || p->depth != 2 || !word_eq(p->before, "=") ||
	    !word_number(unquote(p->word), 100000, &number))
		return;
	if (word_eq(p->earlier, "max_virtual_slots"))
		out->slots = number;
	else if (word_eq(p->earlier, "slots_per_card"))
		out->per_card = number;
}

/* Read the block of one application.  False when there is none. */
static bool
read_app(struct rbuf text, const char *app, struct opensc_limits *out)
{
	struct place p = { .depth = 0 };
	bool found = false;

	while (next_word(&text, &p.word)) {
		if (word_eq(p.word, "{"))
			enter(&p, app);
		else if (word_eq(p.word, "}"))
			leave(&p);
		found = found || p.in_pkcs11;
		take_number(&p, out);
		p.earlier = p.before;
		p.before = p.word;
	}
	return found;
}

void
opensc_read(struct rbuf text, struct opensc_limits *out)
{
	*out = opensc_default;
	if (!read_app(text, "opensc-pkcs11", out))
		(void)read_app(text, "default", out);
}

unsigned
opensc_readers(const struct opensc_limits *limits)
{
	return limits->per_card != 0 ? limits->slots / limits->per_card : limits->slots;
}
