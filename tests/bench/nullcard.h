/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A card that does nothing: what is left of an exchange with it is transport.
 * It answers SELECT and GET DATA with as many octets as a real one, and
 * everything else with 9000 alone.
 */
#ifndef TPMVSC_TESTS_BENCH_NULLCARD_H
#define TPMVSC_TESTS_BENCH_NULLCARD_H

#include "base/bytes.h"

struct null_card {
	size_t select_len, data_len; /* octets of data in the answers, at most 65535 */
};

/* Read "SELECT:DATA", two decimal numbers; false when text is something else. */
MUST_CHECK bool null_card_read(const char *text, struct null_card *out);

/* The ATR, which is of no card that a program knows. */
struct rbuf null_card_atr(void);

/* Append the answer to a command APDU; out overflows when it has no room. */
void null_card_answer(const struct null_card *card, struct rbuf capdu, struct wbuf *out);

#endif
