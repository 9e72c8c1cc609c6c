/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The card's keys as the store has them, and what commands that make or show
 * key pairs have in common.
 */
#ifndef TPMVSC_APPLET_KEYS_H
#define TPMVSC_APPLET_KEYS_H

#include "applet/algorithms.h"
#include "applet/keyrefs.h"
#include "applet/piv.h"
#include "applet/sw.h"
#include "applet/tlv.h"

/* A key of the card, ready to be used. */
struct card_key {
	struct rbuf octets; /* the vault's; a view of p->key_octets */
	struct key_info info;
	const struct algorithm_info *algorithm;
};

/*
 * Get the key behind a reference.  One of the wrong kind (a file moved about)
 * is none.
 *
 * use what the key has to serve for: KEYREF_PRIVATE, KEYREF_ADMIN or KEYREF_ATTEST
 *
 * SW_CONDITIONS_NOT_SATISFIED when it is 9B and must not serve until it is
 * settled (admin.h); out is filled in all the same.
 */
MUST_CHECK sw_t key_load(struct piv *p, uint8_t id, unsigned use, struct card_key *out);

/*
 * Read Yubico's PIN policy (AA) and touch policy (AB) of a key to be.  *rule
 * stays as it is unless the host asks for another one.  False for values that
 * are none, and for a touch: nobody can touch this card.
 */
MUST_CHECK bool key_read_policies(const struct tlv_field *pin, const struct tlv_field *touch,
    enum pin_rule *rule);

/* The one public exponent there is, 65537. */
struct rbuf key_exponent(void);

/* Append a public key: 81 and 82 for RSA, 86 for ECC (SP 800-73-4 Part 2, 3.3.2). */
void key_put_public(struct wbuf *out, enum family family, struct rbuf value);

#endif
