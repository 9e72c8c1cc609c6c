/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run rows of the conformance tables on a card, whatever it is reached by.
 */
#ifndef TPMVSC_TESTS_SESSION_H
#define TPMVSC_TESTS_SESSION_H

#include "base/bytes.h"
#include "tests/conformance/tables.h"

#define SESSION_ANSWER_MAX 70000

/* A card management key: its algorithm identifier and octets. */
struct admin_key {
	uint8_t algorithm;
	uint8_t octets[32];
	size_t len;
};

/* How a card is reached.  The first member of every implementation. */
struct transport {
	/* Append the answer to a command: response data and SW1-SW2. */
	bool (*send)(struct transport *, struct rbuf command, struct wbuf *answer);
	/* Do what a row's "!what" asks for; false when this transport does not know it. */
	bool (*prepare)(struct transport *, const char *what);
	/* Append a block encrypted, or decrypted, with a key. */
	bool (*cipher)(struct transport *, const struct admin_key *, bool decrypt, struct rbuf block,
	    struct wbuf *out);
};

struct session {
	const struct tables *tables;
	struct transport *transport;
	struct admin_key stale, key; /* the card's first 9B, and the one it has now */
	uint8_t nonce[16];
	size_t nonce_len;
	uint8_t command_octets[SESSION_ANSWER_MAX], answer_octets[SESSION_ANSWER_MAX];
	struct wbuf command, answer; /* the last ones; the answer with what GET RESPONSE brought */
	bool more;		     /* the answer is not complete */
	char failure[1024];	     /* what was wrong with the last row or state */
};

/* Begin with a card in its first state: 9B is 3DES with the default key. */
void session_begin(struct session *s, const struct tables *tables, struct transport *transport);

/*
 * Bring the card into a state of the tables, or let the transport do what "!what"
 * says.  False, with s->failure set, when it does not come.
 */
MUST_CHECK bool session_enter(struct session *s, const char *state);

/* Run one row.  False, with s->failure set, when the card does something else. */
MUST_CHECK bool session_run(struct session *s, const struct table_row *row);

#endif
