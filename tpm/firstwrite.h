/* SPDX-License-Identifier: BSD-2-Clause */
/* Making the card's indices: define them, and write each once by K's leave.  For create.c. */
#ifndef TPMVSC_TPM_FIRSTWRITE_H
#define TPMVSC_TPM_FIRSTWRITE_H

#include "tpm/reference.h"

/*
 * Define the card's indices and write them for the first time, within a begun
 * link.  k signs a nonce that came in an answer whose HMAC was checked.
 * That each index is what was meant is in the HMAC as well: it covers the Name.
 * After any error undefine, and never use k again.
 *
 * card     its storage is the parent
 * auth     of each index, from reference_auth(); empty for LIFE
 * envelope a salted session that authorises nothing: new secrets travel in it; it stays open
 */
MUST_CHECK TSS2_RC indices_make(const struct card_tpm *card,
    const struct secret auth[INDEX_COUNT], const struct authority *k, struct session *envelope);

#endif
