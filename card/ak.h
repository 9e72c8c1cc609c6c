/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to card/: a new attestation key (AK) among a card's items. */
#ifndef TPMVSC_CARD_AK_H
#define TPMVSC_CARD_AK_H

#include "applet/store.h"
#include "applet/vault.h"

/*
 * Keep an AK and, in the data object 5FFF01, its own certificate: the issuer of
 * what ATTEST gives.  The key comes last: a card that has it has both.
 *
 * ak as attestation_make() appends it
 *
 * STORE_FULL; STORE_FAULT also when the TPM does not sign (the log knows more).
 */
MUST_CHECK enum store_err ak_keep(struct vault *vault, struct store *store, struct rbuf ak);

#endif
