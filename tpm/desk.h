/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What challenges and responses are made of (tpm/README.md, "Unblocking with a
 * help desk").  Pure: the desk has no TPM.  challenge.c is the card's side.
 */
#ifndef TPMVSC_TPM_DESK_H
#define TPMVSC_TPM_DESK_H

#include "tpm/record.h"

#define CHALLENGE_PROOFS_MAX 2
#define CARD_MARK_OCTETS 8

/* One proof of ADMIN, for "unblock": what the card's machine has to tell of its sessions. */
struct challenge_proof {
	uint8_t nonce[SHORT_NONCE_OCTETS];	  /* nonceTPM of the session that authorises */
	TPM2_HANDLE policy;			  /* the policy session that the proof goes into */
	uint8_t policy_nonce[SHORT_NONCE_OCTETS]; /* and its nonceTPM */
};

struct challenge {
	uint8_t card[CARD_MARK_OCTETS]; /* from challenge_card() */
	uint8_t count;			/* of proofs: 1 for a new PIN, 2 for its tries as well */
	struct challenge_proof proof[CHALLENGE_PROOFS_MAX];
};

/* What a card's challenges are marked with, so that the desk notices at once when it has another card's record. */
void challenge_card(const struct record *r, uint8_t mark[CARD_MARK_OCTETS]);

/* Append a challenge; read one, with nothing left over.  False for what challenge_write() would not have written. */
void challenge_write(const struct challenge *c, struct wbuf *out);
MUST_CHECK bool challenge_read(struct rbuf in, struct challenge *out);

/*
 * The HMACs of a response to these very octets.  False when it is none: of
 * another length, for another challenge, or altered by accident.
 */
MUST_CHECK bool response_read(struct rbuf challenge, size_t count, struct rbuf response,
    struct digest hmac[CHALLENGE_PROOFS_MAX]);

/* nonceCaller of the command that carries a proof: nobody but the TPM has to be told something new. */
TPM2B_NONCE challenge_nonce_caller(void);

#endif
