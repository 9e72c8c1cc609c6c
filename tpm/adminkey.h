/* SPDX-License-Identifier: BSD-2-Clause */
/* Making the TPM's object of a card management key: for create.c and manage.c. */
#ifndef TPMVSC_TPM_ADMINKEY_H
#define TPMVSC_TPM_ADMINKEY_H

#include "tpm/key.h"
#include "tpm/reference.h"

/*
 * Make a card management key of octets, within a begun link: an AES key of the
 * TPM's own where it has the cipher and the rule is PIN_NEVER, else sealed.
 * One that asks for the PIN is sealed: its only user is the PIN's owner, who
 * may read it.
 */
MUST_CHECK TSS2_RC admin_key_make(const struct card_tpm *card, uint8_t algorithm,
    enum pin_rule rule, const struct secret *octets, struct keyfile *out);

/* The same in a salted HMAC session that there is already; it ends with this, unless it fails. */
MUST_CHECK TSS2_RC admin_key_make_in(const struct card_tpm *card, struct session *envelope,
    uint8_t algorithm, enum pin_rule rule, const struct secret *octets, struct keyfile *out);

#endif
