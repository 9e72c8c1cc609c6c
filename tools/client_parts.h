/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to tools/client*.c: what status words of a card mean to whoever
 * asked, as an outcome and a line for a person; and GENERAL AUTHENTICATE.
 */
#ifndef TPMVSC_TOOLS_CLIENT_PARTS_H
#define TPMVSC_TOOLS_CLIENT_PARTS_H

#include "tools/client.h"

/* What was asked of the card: the same status word means different things. */
enum {
	ASK_VERIFY = 1 << 0,
	ASK_CHANGE_PIN = 1 << 1,
	ASK_CHANGE_PUK = 1 << 2,
	ASK_UNBLOCK = 1 << 3,
	ASK_READ = 1 << 4,
	ASK_WRITE = 1 << 5,
	ASK_CHALLENGE = 1 << 6, /* the first half of proving the administrator key */
	ASK_PROOF = 1 << 7,	/* the second half */
	ASK_GENERATE = 1 << 8,
	ASK_USE = 1 << 9,
	ASK_MOVE = 1 << 10,
	ASK_SET_KEY = 1 << 11,
	ASK_DESCRIBE = 1 << 12,
};

#define STATUS_OK	   0x9000
#define STATUS_CONDITIONS  0x6985
#define STATUS_NO_DATA	   0x6a82
#define STATUS_NO_KEY	   0x6a88

/* The outcome of one of ASK_*, with why set on anything but DONE. */
MUST_CHECK enum outcome status_outcome(unsigned asked, uint16_t sw, struct failure *why);

/* Data objects in the dynamic authentication template. */
enum { TAG_WITNESS = 0x80, TAG_CHALLENGE = 0x81, TAG_RESPONSE = 0x82 };

/* Two of them, in that order; those of tag 0 are left out. */
struct template {
	uint32_t tags[2];
	struct rbuf values[2];
};

/* The longest answer about a key: an RSA 4096 public key, metadata or result. */
#define CLIENT_ANSWER_MAX 1024

/*
 * Send GENERAL AUTHENTICATE.
 *
 * asked  ASK_CHALLENGE, ASK_PROOF or ASK_USE
 * answer room for CLIENT_ANSWER_MAX octets
 * tag    of the one data object that the answer must have; value: its view into answer
 */
MUST_CHECK enum outcome client_ask_template(struct channel *ch, uint8_t algorithm,
    uint8_t reference, unsigned asked, const struct template *t, struct wbuf *answer, uint32_t tag,
    struct rbuf *value, struct failure *why);

#endif
