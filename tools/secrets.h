/* SPDX-License-Identifier: BSD-2-Clause */
/* The secrets of a card to be made: gathered, checked, kept in one place. */
#ifndef TPMVSC_TOOLS_SECRETS_H
#define TPMVSC_TOOLS_SECRETS_H

#include "base/secret.h"
#include "tools/options.h"

struct secrets {
	struct secret admin_key, pin, puk;
};

/*
 * Gather what the options ask for: defaults, and answers to prompts in the
 * order admin key, PIN, PUK.  What is not asked for stays empty.  DONE;
 * WRONG_SECRET; FAILED.
 */
MUST_CHECK enum outcome secrets_gather(
    const struct options *options, struct secrets *out, struct failure *why);

/* Wipe them all. */
void secrets_clear(struct secrets *s);

#endif
