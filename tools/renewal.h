/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new key for a slot of a card.  The old one, if it has a certificate, stays
 * on the card with it, as a retired key that old mail still opens with
 * (SP 800-73-4 Part 1, 3.3: Key History Object).
 *
 * Each step leaves a card on which old key and certificate are found, in their
 * old place or in their new one, and on which all of it may be done again.
 */
#ifndef TPMVSC_TOOLS_RENEWAL_H
#define TPMVSC_TOOLS_RENEWAL_H

#include "tools/client.h"

/* What is in a slot, and what is to become of it. */
struct renewal {
	uint8_t slot;
	bool has_key;
	bool has_certificate; /* any; it goes from the slot */
	uint8_t retired;      /* where key and certificate go; 0: nowhere */
	uint8_t certificates; /* how many places of retired keys have one then, holes included */
	uint8_t octets[CLIENT_OBJECT_MAX]; /* the certificate object's content */
	struct wbuf certificate;
};

/*
 * Look at a slot, without changing anything.
 *
 * keep whether an old key with a certificate is to stay
 *
 * NO_ROOM when there is no place for it; what the card says.
 */
MUST_CHECK enum outcome renewal_plan(
    struct channel *ch, uint8_t slot, bool keep, struct renewal *out, struct failure *why);

/*
 * Do it.  The administrator must have authenticated.
 *
 * rule 0: the slot's own
 * out  the new key's public half; the caller frees it
 *
 * When no key can be made the old one is put back.  After FAILED for a card
 * that went away planning and making again goes on where it was left.
 */
MUST_CHECK enum outcome renewal_make(struct channel *ch, const struct renewal *plan,
    uint8_t algorithm, unsigned rule, EVP_PKEY **out, struct failure *why);

#endif
