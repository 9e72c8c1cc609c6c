/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to card/: a card whose attestation key (AK) is at work. */
#ifndef TPMVSC_CARD_ATTESTING_H
#define TPMVSC_CARD_ATTESTING_H

#include "card/attest.h"
#include "card/beside.h"
#include "tpm/attestation.h"

struct attesting {
	struct beside b;
	uint8_t octets[VAULT_KEY_MAX];
	struct wbuf ak; /* the AK's file */
	struct failure *why;
};

/*
 * Open a card and get its AK.  One that has none gets one if make is set, and a
 * driver is told; else it is NO_SUCH_CARD.  As beside_open() otherwise.
 */
MUST_CHECK enum outcome attesting_open(struct attesting *a, const struct config *config,
    unsigned instance, bool make, struct failure *why);
void attesting_close(struct attesting *a);

/* What an error of the vault means; doing: "certify a key". */
MUST_CHECK enum outcome attesting_explain(
    struct attesting *a, enum vault_err err, const char *doing);

/* Say that the TPM has no EK certificate: TPM_PROBLEM. */
MUST_CHECK enum outcome attesting_unendorsed(struct failure *why);

/* Take a certificate, a SEQUENCE, off the front.  False when there is none. */
MUST_CHECK bool certificate_take(struct rbuf *in, struct rbuf *out);

/* Read an AK's certificates as the store keeps them (STORE_CHAIN): one after the other, its own first. */
MUST_CHECK bool chain_read(struct rbuf in, struct chain *out);

#endif
