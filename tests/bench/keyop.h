/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GENERAL AUTHENTICATE with a key whose public part is known: the command, and
 * whether the answer is right.  P-256 and RSA-2048 only.
 */
#ifndef TPMVSC_TESTS_BENCH_KEYOP_H
#define TPMVSC_TESTS_BENCH_KEYOP_H

#include "base/bytes.h"

#include <openssl/evp.h>

enum keyop_kind { KEYOP_SIGN, KEYOP_ECDH };

struct keyop {
	enum keyop_kind kind;
	uint8_t reference; /* 0x9a ... */
	EVP_PKEY *key;     /* the card's, public */
	EVP_PKEY *peer;    /* ECDH: the other side's; else NULL */
};

/*
 * Read the public key of an operation, in PEM, from a file; for ECDH a peer is
 * made.  False, with the reason on standard error and nothing to free, when
 * there is none or the card's key is of another kind.
 */
MUST_CHECK bool keyop_open(
    struct keyop *op, enum keyop_kind kind, uint8_t reference, const char *file);

void keyop_close(struct keyop *op);

/* Append the command for the n-th operation: what is signed differs from one to the next. */
MUST_CHECK bool keyop_command(const struct keyop *op, uint32_t n, struct wbuf *out);

/* Whether answer, without status, is the right one to the n-th operation. */
MUST_CHECK bool keyop_right(const struct keyop *op, uint32_t n, struct rbuf answer);

#endif
