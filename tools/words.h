/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of the command line: compared in any case, read as numbers, split.  Knows base only. */
#ifndef TPMVSC_TOOLS_WORDS_H
#define TPMVSC_TOOLS_WORDS_H

#include "base/bytes.h"

/* A word that stands for a number. */
struct word {
	const char *text;
	unsigned value;
};

/* Whether a word is text, in any case of its ASCII letters. */
MUST_CHECK bool word_is(struct rbuf word, const char *text);

/* Look a word up. */
MUST_CHECK bool word_find(const struct word *words, size_t count, struct rbuf word, unsigned *out);

/* Read decimal digits and nothing else, at most max. */
MUST_CHECK bool word_number(struct rbuf word, unsigned max, unsigned *out);

/* Read one hexadecimal digit, in either case. */
MUST_CHECK bool word_hex(uint8_t c, uint8_t *out);

/*
 * Split off what comes before the first mark, which is dropped.  Without a
 * mark head is everything, rest becomes empty and false is returned.
 */
bool word_split(struct rbuf *rest, char mark, struct rbuf *head);

/* How a typed name relates to an option's; hyphens and case do not count. */
enum match { MATCH_NONE, MATCH_PREFIX, MATCH_EXACT };
enum match word_match(struct rbuf typed, const char *name);

/* The letter in lower case, if it is an ASCII one. */
uint8_t word_lower(uint8_t c);

#endif
