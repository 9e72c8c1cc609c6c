/* SPDX-License-Identifier: BSD-2-Clause */
/* Making the card's indices: define them, and write each once by K's leave.  For create.c. */
#ifndef TPMVSC_TPM_FIRSTWRITE_H
#define TPMVSC_TPM_FIRSTWRITE_H

#include "tpm/reference.h"

/* Get what the authValue of an index is to be; asked right before it is defined, LIFE (empty) first, then in their order. */
typedef bool (*auth_source)(void *context, enum card_index which, const struct secret **auth);

/*
 * Define the card's indices and write them for the first time, within a begun
 * link.  k signs a nonce that came in an answer whose HMAC was checked.
 * That each index is what was meant is in the HMAC as well: it covers the Name.
 * After any error undefine, and never use k again.
 *
 * card     its storage is the parent
 * source   RC_CRYPTO when it returns false
 * envelope a salted session that authorises nothing: new secrets travel in it; it stays open
 */
MUST_CHECK TSS2_RC indices_make(const struct card_tpm *card, const struct authority *k,
    auth_source source, void *context, struct session *envelope);

#endif
