/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to card/: a change to a card whose driver may have it open. */
#ifndef TPMVSC_CARD_BESIDE_H
#define TPMVSC_CARD_BESIDE_H

#include "card/parts.h"

struct beside {
	struct work work; /* its lock is held, and what interrupted runs left of this card is ended */
	unsigned instance;
	struct parts parts;
	struct piv *piv; /* the card's applet, for its keys and notes; no APDU goes through it */
	struct failure *why;
};

/* Open a card to change it; no TPM is asked.  NO_SUCH_CARD, NOT_PERMITTED, FAILED. */
MUST_CHECK enum outcome beside_open(struct beside *b, const struct config *config,
    unsigned instance, struct failure *why);
void beside_close(struct beside *b);

/*
 * Announce a change to the driver, and end that: it was made (or may have
 * been), or not.  The end's outcome is the change's own, or FAILED when it was
 * made and the driver could not be told.
 */
MUST_CHECK enum outcome beside_begin(struct beside *b);
MUST_CHECK enum outcome beside_end(struct beside *b, bool made, enum outcome outcome);

/*
 * What an error of the vault means; why is set unless it has a line already.
 * doing: "unblock the PIN"; wrong: what VAULT_AUTH says of the proof
 */
MUST_CHECK enum outcome beside_explain(
    struct beside *b, enum vault_err err, const char *doing, const char *wrong);

/* Whether the card's admin key may unblock; else NOT_PERMITTED with the reason. */
MUST_CHECK enum outcome admin_may_unblock(const struct paper *paper, struct failure *why);

/*
 * Set a new PIN: checked against the card's policy; the note of a default PIN
 * is gone before it changes, and made again if the new one is that; then the
 * driver is told.
 *
 * set   sets it in the vault: once, VAULT_OK or VAULT_FAULT when it has
 *       happened or may have, anything else when it has not
 * wrong what VAULT_AUTH or VAULT_MISMATCH says of the proof, a whole sentence
 *
 * WRONG_SECRET: proof or PIN, why says which.
 */
MUST_CHECK enum outcome beside_set_pin(struct beside *b, const struct secret *fresh,
    enum vault_err (*set)(void *context, const struct secret *fresh), void *context,
    const char *wrong);

#endif
