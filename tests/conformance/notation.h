/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the conformance tables write octets down, to send them or to compare
 * an answer with them.  Knows base only.
 *
 *	5fc102		octets, in hexadecimal; "5f c1 02" is the same
 *	ff*8		the same octet, or run of octets, eight times
 *	53{c1 c1}	a data object: tag, length in the shortest form, value
 *	[aabb]		Lc and command data
 *	x[aabb]		the same in an extended command: 00, two octets of Lc, data
 *	@nonce		the witness or challenge the card sent last
 *	enc(...)	a block encrypted with the card management key
 *	dec(...)	a block decrypted with it
 *	stale(...)	a block encrypted with the key that the card began with
 *	cut(...)	without the last octet
 *	??, ??*8	any octet, any eight octets; in answers only
 *	...		any number of octets, or none; in answers only
 */
#ifndef TPMVSC_TESTS_NOTATION_H
#define TPMVSC_TESTS_NOTATION_H

#include "base/bytes.h"

/* The longest run of octets: an extended command with 65535 octets of data. */
#define NOTATION_MAX 65600

enum notation_cipher { NOTATION_ENC, NOTATION_DEC, NOTATION_STALE };

/* What @nonce, enc(), dec() and stale() stand for. */
struct notation_values {
	struct rbuf nonce;
	/* Append what becomes of a block; false when this cannot be done. */
	bool (*cipher)(void *context, enum notation_cipher, struct rbuf block, struct wbuf *out);
	void *context;
};

/* Append what text says.  False when it is malformed or does not fit; out is then of no use. */
MUST_CHECK bool notation_write(
    const char *text, const struct notation_values *values, struct wbuf *out);

/* Whether octets are as text says.  A malformed text fits nothing. */
MUST_CHECK bool notation_fits(
    const char *text, const struct notation_values *values, struct rbuf octets);

#endif
