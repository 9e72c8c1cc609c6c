/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The card that a command is about, looked at before anybody is asked for a
 * secret: is it there, can it be reached, are there tries left.
 */
#ifndef TPMVSC_TOOLS_TARGET_H
#define TPMVSC_TOOLS_TARGET_H

#include "tools/client.h"

struct target {
	unsigned instance;
	struct metadata pin, puk, admin;
	bool protected;              /* the admin key is in OBJECT_PRINTED, behind the PIN */
	bool local;                  /* this user may look at the card itself: then ... */
	struct card_details details; /* ... this is what there is to see */
};

/*
 * Look.  NO_SUCH_CARD, NOT_PERMITTED, TPM_PROBLEM, FAILED.  The card is left as
 * it was, with what others have proven to it.
 */
MUST_CHECK enum outcome target_look(
    const struct config *config, unsigned instance, struct target *out, struct failure *why);

/*
 * WRONG_SECRET, with what can be done, when REF_PIN or REF_PUK has no tries
 * left or is not there; else DONE.
 */
MUST_CHECK enum outcome target_blocked(
    const struct target *t, uint8_t reference, struct failure *why);

/*
 * Say why a secret was refused: the client's line, or, when that was the last
 * try, what can be done now.  Returns WRONG_SECRET.
 */
enum outcome target_refused(struct target *t, struct channel *ch, uint8_t reference,
    const struct failure *line, struct failure *why);

/* The policy of the card's PIN; NULL when only the card knows it. */
const struct pin_policy *target_policy(const struct target *t);

#endif
