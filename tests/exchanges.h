/* SPDX-License-Identifier: BSD-2-Clause */
/* Exchanges that the sessions with a fake card (fake_card.h) have in common. */
#ifndef TPMVSC_TESTS_EXCHANGES_H
#define TPMVSC_TESTS_EXCHANGES_H

#include <check.h>

#include "tests/fake_card.h"

/* The most a session has; a shorter one ends with the first step without a command. */
#define STEPS 16

#define AID "a0 00 00 03 08 00 00 10 00 01 00"
#define TEMPLATE                                                                                   \
	"61 1c 4f 06 00 00 10 00 01 00 79 07 4f 05 a0 00 00 03 08"                                 \
	" 50 09 54 65 73 74 20 63 61 72 64"
#define PIN "31 32 33 34 35 36 37 38"
#define PUK "38 37 36 35 34 33 32 31"
#define NEW "41 42 43 44 45 46 47 48"
#define BAD "39*8"

#define VERIFIED                                                                                   \
	{                                                                                          \
		PIN_RIGHT, "9000"                                                                  \
	}
/* The first challenge of the fake vault and its answer with the card's 9B. */
#define CHALLENGE                                                                                  \
	{                                                                                          \
		"00 87 03 9b 04 7c 02 81 00", "7c 0a 81 08 10 11 12 13 14 15 16 17 9000"           \
	}
#define ANSWER "00 87 03 9b 0c 7c 0a 82 08 49 48 4b 4a 4d 4c 4f 4e"
#define ADMIN                                                                                      \
	CHALLENGE,                                                                                 \
	{                                                                                          \
		ANSWER, "9000"                                                                     \
	}
#define WITNESS                                                                                    \
	{                                                                                          \
		"00 87 03 9b 04 7c 02 80 00", "7c 0a 80 08 49 48 4b 4a 4d 4c 4f 4e 9000"           \
	}
#define WITNESS_ANSWER "80 08 10 11 12 13 14 15 16 17 81 08 20 21 22 23 24 25 26 27"
#define WITNESS_OK                                                                                 \
	{                                                                                          \
		"00 87 03 9b 16 7c 14 " WITNESS_ANSWER, "7c 0a 82 08 79 78 7b 7a 7d 7c 7f 7e 9000" \
	}
/* What only the administrator may: something to see whether one is. */
#define DELETE_CHUID "00 db 3f ff 07 5c 03 5f c1 02 53 00"
#define IS_ADMIN                                                                                   \
	{                                                                                          \
		DELETE_CHUID, "9000"                                                               \
	}
#define NOT_ADMIN                                                                                  \
	{                                                                                          \
		DELETE_CHUID, "6982"                                                               \
	}
#define CHUID    "00 cb 3f ff 05 5c 03 5f c1 02"
#define CHUID_IS "53 14 c1*20 9000"

/* Signatures: with 9A after the PIN, with 9C just after, with 9E at any time. */
#define SIGN_9A_FIRST  "10 87 07 9a ff 7c 82 01 06 82 00 81 82 01 00 11*245"
#define SIGN_9A_LAST   "00 87 07 9a 0b 11*11"
#define SIGN_9A_ANSWER "7c 82 01 04 82 82 01 00 11*256"
#define SIGN_9A                                                                                    \
	{                                                                                          \
		"00 87 07 9a 00 01 0a 7c 82 01 06 82 00 81 82 01 00 11*256 00 00",                 \
		    SIGN_9A_ANSWER " 9000"                                                         \
	}
#define SIGN_9C        "00 87 11 9c 26 7c 24 82 00 81 20 22*32"
#define SIGN_9C_ANSWER "7c 26 82 24 30 22 02 20 22*32 9000"
#define SIGN_9E                                                                                    \
	{                                                                                          \
		"00 87 11 9e 26 7c 24 82 00 81 20 22*32", SIGN_9C_ANSWER                           \
	}
#define NO_9A                                                                                      \
	{                                                                                          \
		"00 87 07 9a 00 01 0a 7c 82 01 06 82 00 81 82 01 00 11*256 00 00", "6982"          \
	}

/* Go through a session's steps; afterwards the card is still there. */
static inline void
run_steps(struct fake_card *card, const char *why, const struct exchange steps[STEPS])
{
	size_t i;

	for (i = 0; i < STEPS && steps[i].command != NULL; i++)
		fake_card_expect(card, why, steps[i]);
	ck_assert_msg(i != 0, "%s: no steps", why);
	fake_card_expect(card, why, (struct exchange){ SELECT_PIV, TEMPLATE " 9000" });
}

/* Whether n equal octets are somewhere, one after the other. */
static inline bool
has_run(const void *memory, size_t size, uint8_t octet, size_t n)
{
	const uint8_t *octets = memory;
	size_t i, run = 0;

	for (i = 0; i < size && run < n; i++)
		run = octets[i] == octet ? run + 1 : 0;
	return run == n;
}

#endif
