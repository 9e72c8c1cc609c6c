/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PIN, PUK, ADMIN and LIFE in the TPM: proving a secret, changing it, resetting
 * the PIN's count.  The caller has begun the link and opened the parent.
 */
#ifndef TPMVSC_TPM_REFERENCE_H
#define TPMVSC_TPM_REFERENCE_H

#include "tpm/command.h"
#include "tpm/record.h"

/* What a proof may be for: the policyRef inside PolicySecret. */
#define PURPOSE_USE "use"
#define PURPOSE_ALWAYS "always"
#define PURPOSE_UNBLOCK "unblock"

/* A proof that outlives its session: the TPM's ticket. */
struct ticket {
	bool held;
	TPM2B_TIMEOUT timeout;
	TPMT_TK_AUTH ticket;
};

/* One card's indices on a connection. */
struct card_tpm {
	struct tpm *tpm;
	const struct record *record;
	struct storage_key storage; /* the parent, read and checked; handle 0: not yet */
};

/* authValue = scrypt(secret, salt || label): what the TPM compares.  False, with auth empty, when memory is out. */
MUST_CHECK bool reference_auth(const struct record *r, enum card_index which,
    const struct secret *value, struct secret *auth);

/* reference_auth() of the card's own, whose time is counted as the client's deriving_ns. */
MUST_CHECK bool reference_derive(const struct card_tpm *c, enum card_index which,
    const struct secret *value, struct secret *auth);

/*
 * Make sure that an index is the card's: to another one's guardian an HMAC over
 * the PIN would be a present.  RC_ABSENT when the card has none; RC_IMPOSTOR
 * when another is there; the TPM's handle error when none is.
 */
MUST_CHECK TSS2_RC reference_check(const struct card_tpm *c, enum card_index which);

/* The index as commands name it. */
struct entity reference_entity(const struct card_tpm *c, enum card_index which);

/* Somebody who knows a secret, for one proof or several. */
struct prover {
	enum card_index which;
	const struct secret *auth; /* from reference_auth() */
	struct session session;	   /* salted; what authorises */
};

static inline void
prover_forget(struct prover *p)
{
	session_forget(&p->session);
}

#define PROVER(name) \
	__attribute__((cleanup(prover_forget))) struct prover name = { .auth = NULL }

/* Check the index and open the session.  End it with prover_end(), also after a failure. */
MUST_CHECK TSS2_RC prover_begin(const struct card_tpm *c, enum card_index which,
    const struct secret *auth, struct prover *out);
void prover_end(const struct card_tpm *c, struct prover *p);

/*
 * Prove the secret to a policy session that has proven nothing yet:
 * PolicySecret.  A wrong one is counted.
 *
 * session    its nonceTPM goes into the proof
 * purpose    policyRef
 * expiration seconds: negative asks for a ticket, positive limits the session, 0 neither
 * ticket     set when expiration is negative; may be NULL otherwise
 */
MUST_CHECK TSS2_RC reference_prove(const struct card_tpm *c, struct prover *p,
    struct session *session, const char *purpose, int32_t expiration, struct ticket *ticket);

/* Restrict a session that has proven what an approval asks for to the approved command, and have that approved. */
MUST_CHECK TSS2_RC reference_approve(const struct card_tpm *c, enum approval_id id,
    struct session *session);

/* Do what the session is approved for: NV_ChangeAuth of the target to fresh (a fresh authValue). */
MUST_CHECK TSS2_RC reference_set(const struct card_tpm *c, enum approval_id id,
    struct session *session, const struct secret *fresh);

/* The same for COUNT_BY_*: write zeros over the PIN's pinCount. */
MUST_CHECK TSS2_RC reference_zero(
    const struct card_tpm *c, enum approval_id id, struct session *session);

/* All of it in one: prove by auth of the approval's prover, have it approved, and set or zero. */
MUST_CHECK TSS2_RC reference_change(const struct card_tpm *c, enum approval_id id,
    const struct secret *auth, const struct secret *fresh);
MUST_CHECK TSS2_RC reference_reset_count(const struct card_tpm *c, enum approval_id id,
    const struct secret *auth);

/* Read how often a secret may still be wrong.  RC_UNKNOWABLE without the owner's authorisation. */
MUST_CHECK TSS2_RC reference_tries(const struct card_tpm *c, enum card_index which,
    struct tries *out);

#endif
