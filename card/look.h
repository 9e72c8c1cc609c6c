/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to card/: the state directory and the TPM, open for looking at cards. */
#ifndef TPMVSC_CARD_LOOK_H
#define TPMVSC_CARD_LOOK_H

#include "card/parts.h"

struct look {
	struct files *files;
	struct tpm_link link;
	struct failure away; /* why the TPM did not answer; it is not asked again */
};

/*
 * Open both, after clearing up what an interrupted run left, if nobody else is
 * at work.  The lock is not held.  NO_SUCH_CARD when there is no state
 * directory; NOT_PERMITTED, FAILED.
 */
MUST_CHECK enum outcome look_open(
    struct look *look, const struct config *config, struct failure *why);
void look_close(struct look *look);

/* What the TPM says of a card. */
struct look_state {
	int pin_left, puk_left; /* -1 unknown, or no PUK */
	struct failure problem; /* empty when all is well */
};

/* Ask, unless the TPM is known not to answer. */
void look_ask(struct look *look, const struct parts *parts, struct look_state *out);

#endif
