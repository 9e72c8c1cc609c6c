/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/conformance/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/conformance/notation.h"

/* The key a card is made with by /AdminKey DEFAULT. */
static const struct admin_key first_key = {
	.algorithm = 0x03,
	.octets = { 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8 },
	.len = 24,
};

__attribute__((format(printf, 2, 3))) static bool
failure(struct session *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(s->failure, sizeof s->failure, format, args);
	va_end(args);
	return false;
}

void
session_begin(struct session *s, const struct tables *tables, struct transport *transport)
{
	s->tables = tables;
	s->transport = transport;
	s->stale = s->key = first_key;
	s->nonce_len = 0;
	s->more = false;
	s->command = wbuf_over(s->command_octets, sizeof s->command_octets);
	s->answer = wbuf_over(s->answer_octets, sizeof s->answer_octets);
	s->failure[0] = '\0';
}

static bool
cipher(void *context, enum notation_cipher which, struct rbuf block, struct wbuf *out)
{
	struct session *s = context;

	return s->transport->cipher(s->transport, which == NOTATION_STALE ? &s->stale : &s->key,
	    which == NOTATION_DEC, block, out);
}

static struct notation_values
values_of(struct session *s)
{
	return (struct notation_values){ rbuf_of(s->nonce, s->nonce_len), cipher, s };
}

/* ---- what an exchange tells about the next ones ---- */

/* A witness or challenge: 7C { 80 or 81 { nonce } } */
static void
note_nonce(struct session *s)
{
	struct rbuf in = wbuf_view(&s->answer), nonce;

	if (in.len > 6 && in.len - 6 <= sizeof s->nonce && rbuf_at(in, 0) == 0x7c &&
	    (rbuf_at(in, 2) & 0xfe) == 0x80 && rbuf_at(in, 3) == in.len - 6 &&
	    rbuf_take(&in, 4, &nonce)) {
		memcpy(s->nonce, in.data, in.len - 2);
		s->nonce_len = in.len - 2;
	}
}

/* SET MANAGEMENT KEY that the card has carried out. */
static void
note_key(struct session *s)
{
	struct rbuf c = wbuf_view(&s->command), header, octets;
	uint8_t algorithm, reference, len;

	if (rbuf_at(c, 1) != 0xff || !rbuf_take(&c, 5, &header) || !rbuf_u8(&c, &algorithm) ||
	    !rbuf_u8(&c, &reference) || !rbuf_u8(&c, &len) || len > sizeof s->key.octets ||
	    !rbuf_take(&c, len, &octets))
		return;
	s->key.algorithm = algorithm;
	s->key.len = len;
	memcpy(s->key.octets, octets.data, len);
}

/* ---- one exchange ---- */

/* Send the command; s->answer ends with SW1-SW2. */
static bool
exchange(struct session *s, const char *text)
{
	struct notation_values values = values_of(s);
	bool fetches;

	wbuf_truncate(&s->command, 0);
	if (!notation_write(text, &values, &s->command))
		return failure(s, "malformed command: %.200s", text);
	fetches = s->more && rbuf_at(wbuf_view(&s->command), 1) == 0xc0;
	/* The status word of the part before, or the whole answer before. */
	wbuf_truncate(&s->answer, fetches ? s->answer.len - 2 : 0);
	if (!s->transport->send(s->transport, wbuf_view(&s->command), &s->answer) ||
	    !wbuf_ok(&s->answer) || s->answer.len < 2)
		return failure(s, "no answer to %.200s", text);
	return true;
}

static uint16_t
status_word(const struct session *s)
{
	struct rbuf in = wbuf_view(&s->answer), data;
	uint16_t sw = 0;

	return rbuf_take(&in, in.len - 2, &data) && rbuf_u16(&in, &sw) ? sw : 0;
}

static bool
sw_fits(const char *want, uint16_t sw)
{
	char got[8];
	size_t i;

	(void)snprintf(got, sizeof got, "%04x", sw);
	for (i = 0; i < 4; i++) {
		if (want[i] != 'x' && want[i] != got[i])
			return false;
	}
	return true;
}

/* The first octets, in hexadecimal. */
static const char *
show(struct rbuf octets, char *text, size_t size)
{
	size_t i, n = 0;

	text[0] = '\0';
	for (i = 0; i < octets.len && n + 6 < size; i++)
		n += (size_t)snprintf(text + n, size - n, "%02x", rbuf_at(octets, i));
	if (i < octets.len)
		(void)snprintf(text + n, size - n, "...");
	return text;
}

/*
 * Send a step's command and compare.  The data compared is that of this answer
 * alone, not what went before it in pieces.
 */
static bool
run_step(struct session *s, const struct table_step *step)
{
	size_t before = s->more ? s->answer.len - 2 : 0;
	struct notation_values values;
	struct rbuf all, data;
	char sent[120], got[200];
	uint16_t sw;

	if (!exchange(s, step->command))
		return false;
	sw = status_word(s);
	all = wbuf_view(&s->answer);
	if (rbuf_at(wbuf_view(&s->command), 1) != 0xc0 || before > all.len - 2)
		before = 0;
	data = rbuf_of(all.data + before, all.len - 2 - before);
	/* The answer is compared before what it tells is taken over. */
	values = values_of(s);
	if (!sw_fits(step->sw, sw) ||
	    (step->data != NULL && !notation_fits(step->data, &values, data)))
		return failure(s, "to %s the card says %04x %s; expected is %s %.200s",
		    show(wbuf_view(&s->command), sent, sizeof sent), sw,
		    show(data, got, sizeof got), step->sw, step->data != NULL ? step->data : "");
	s->more = (sw & 0xff00) == 0x6100;
	if (sw == 0x9000) {
		note_nonce(s);
		note_key(s);
	}
	return true;
}

bool
session_enter(struct session *s, const char *name)
{
	const struct table_state *state = tables_state(s->tables, name);
	char why[sizeof s->failure];
	size_t i;

	if (name[0] == '!')
		return s->transport->prepare(s->transport, name + 1) ||
		       failure(s, "cannot prepare %s", name);
	if (state == NULL)
		return failure(s, "no state %s", name);
	for (i = 0; i < state->count; i++) {
		if (!run_step(s, &state->steps[i])) {
			(void)snprintf(why, sizeof why, "%s", s->failure);
			return failure(s, "state %s: %.900s", name, why);
		}
	}
	return true;
}

bool
session_run(struct session *s, const struct table_row *row)
{
	const char *at = row->given;
	char word[64];
	size_t i;

	while (tables_word(&at, word, sizeof word)) {
		if (strcmp(word, "-") == 0 || strcmp(word, "fake") == 0 || strcmp(word, "live") == 0)
			continue;
		if (!session_enter(s, word))
			return false;
	}
	for (i = 0; i < row->count; i++) {
		if (!run_step(s, &row->steps[i]))
			return false;
	}
	return true;
}
