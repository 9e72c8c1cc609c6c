/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/client_parts.h"

#include <stdio.h>

/* Every command that says in its status word how many tries are left. */
#define ASK_OF_PIN           (ASK_VERIFY | ASK_CHANGE_PIN)
#define ASK_OF_PUK           (ASK_CHANGE_PUK | ASK_UNBLOCK)
#define ASK_OF_ADMINISTRATOR (ASK_WRITE | ASK_GENERATE | ASK_MOVE | ASK_SET_KEY)
#define ASK_ANY              0xffffu

#define TRIES 0xfff0 /* mask: the last digit counts */
#define EXACT 0xffff

/* clang-format off */
static const struct {
	unsigned asked;
	uint16_t sw, mask;
	enum outcome outcome;
	const char *text;
} meanings[] = {
	/* The first row that fits.  ISO/IEC 7816-4; SP 800-73-4 Part 2 */
	{ ASK_ANY,        0x9000, EXACT, DONE,         "" },
	{ ASK_OF_PIN,     0x63c0, TRIES, WRONG_SECRET, "the PIN is wrong" },
	{ ASK_OF_PIN,     0x6300, EXACT, WRONG_SECRET, "the PIN is wrong" },
	{ ASK_OF_PUK,     0x63c0, TRIES, WRONG_SECRET, "the PUK is wrong" },
	{ ASK_OF_PUK,     0x6300, EXACT, WRONG_SECRET, "the PUK is wrong" },
	{ ASK_OF_PIN,     0x6983, EXACT, WRONG_SECRET, "the PIN is blocked: tpmvscmgr unblock sets a new one" },
	{ ASK_OF_PUK,     0x6983, EXACT, WRONG_SECRET, "the PUK is blocked, or the card has none" },
	{ ASK_VERIFY,     0x6a80, EXACT, WRONG_SECRET, "the PIN has a character that none can have" },
	{ ASK_CHANGE_PIN, 0x6a80, EXACT, WRONG_SECRET, "the new PIN breaks the card's PIN policy" },
	{ ASK_UNBLOCK,    0x6a80, EXACT, WRONG_SECRET, "the new PIN breaks the card's PIN policy" },
	{ ASK_CHANGE_PUK, 0x6a80, EXACT, WRONG_SECRET, "the new PUK does not have 8 to 127 ASCII characters" },
	{ ASK_CHALLENGE,  0x6982, EXACT, NOT_PERMITTED, "the card takes its administrator key after the PIN only" },
	{ ASK_CHALLENGE,  0x6a86, EXACT, WRONG_SECRET, "the card's administrator key is of another algorithm" },
	{ ASK_PROOF,      0x6982, EXACT, WRONG_SECRET, "the administrator key is wrong" },
	{ ASK_READ,       0x6982, EXACT, NOT_PERMITTED, "the card gives that after the PIN only" },
	{ ASK_USE,        0x6982, EXACT, NOT_PERMITTED, "the key serves after the PIN only" },
	{ ASK_OF_ADMINISTRATOR, 0x6982, EXACT, NOT_PERMITTED, "the card wants its administrator key first" },
	{ ASK_WRITE,      0x6a82, EXACT, FAILED,       "the card has no such data object" },
	{ ASK_WRITE | ASK_GENERATE | ASK_MOVE, 0x6a84, EXACT, NO_ROOM, "there is no room on the card" },
	{ ASK_GENERATE,   0x6a80, EXACT, FAILED,       "the TPM does not offer keys of that algorithm" },
	{ ASK_MOVE,       0x6985, EXACT, FAILED,       "there is a key already where it is to go" },
	{ ASK_SET_KEY,    0x6985, EXACT, NOT_PERMITTED, "the administrator key lives in the TPM: only root can replace it" },
	{ ASK_SET_KEY,    0x6a80, EXACT, FAILED,       "the card does not take such an administrator key" },
	{ ASK_USE | ASK_MOVE | ASK_CHALLENGE, 0x6a88, EXACT, FAILED, "there is no key in that place of the card" },
	{ ASK_ANY,        0x6f00, EXACT, FAILED,       "the card could not do it (status 6F00): "
	    "tpmvscmgr doctor says more" },
};
/* clang-format on */

static const char *
name_of(unsigned asked)
{
	/* clang-format off */
	static const struct { unsigned asked; const char *name; } names[] = {
		{ ASK_OF_PIN, "the PIN" },
		{ ASK_OF_PUK, "the PUK" },
		{ ASK_READ, "to read" },
		{ ASK_WRITE, "to write" },
		{ ASK_CHALLENGE | ASK_PROOF, "the administrator key" },
		{ ASK_GENERATE, "to make a key" },
		{ ASK_USE, "to use the key" },
		{ ASK_MOVE, "to move the key" },
		{ ASK_SET_KEY, "the new administrator key" },
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		if ((names[i].asked & asked) != 0)
			return names[i].name;
	}
	return "the command";
}

enum outcome
status_outcome(unsigned asked, uint16_t sw, struct failure *why)
{
	const unsigned left = sw & 0x0f;
	size_t i;

	for (i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
		if ((meanings[i].asked & asked) == 0 || (sw & meanings[i].mask) != meanings[i].sw)
			continue;
		if (meanings[i].outcome == DONE)
			return DONE;
		if (meanings[i].mask != TRIES)
			fail(why, "%s", meanings[i].text);
		else if (left == 0)
			fail(why, "%s, and no try is left", meanings[i].text);
		else
			fail(why, "%s; %u %s left", meanings[i].text, left,
			    left == 1 ? "try is" : "tries are");
		return meanings[i].outcome;
	}
	fail(why, "the card refused %s: status %04X", name_of(asked), sw);
	return FAILED;
}
