/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attacker: a second client of the victim's TPM with every right but the
 * secrets, who knows the victim's public record.
 */
#ifndef TPMVSC_TESTS_ATTACKER_H
#define TPMVSC_TESTS_ATTACKER_H

#include <tss2/tss2_esys.h>

#include "tests/cardtpm.h"
#include "tpm/rc.h"
#include "tpm/reference.h"

/* What the TPM answers. */
#define RC_TPM_BAD_AUTH 0x9a2U
#define RC_TPM_UNAVAILABLE 0x12fU
#define RC_TPM_POLICY_FAIL 0x99dU

extern struct cardtpm c;     /* the victim */
extern struct tpm *attacker; /* another client of the same TPM */
extern ESYS_CONTEXT *esys;   /* what the attacker has in his turn: nothing of the victim's program */
extern struct record record; /* the victim's, which is public */

/* The fixture: a victim with the usual card. */
void attack_setup(void);
void attack_teardown(void);

/* The attacker's turn on the TPM, by ESYS; the victim waits. */
void attack_begin(void);
void attack_end(void);

/* After an attack the card is as it was: the PIN works and has all its tries. */
void unharmed(void);

/* Start an unsalted policy session: the attacker knows every key of it but the authValue that gets mixed in. */
ESYS_TR policy_session(TPMA_SESSION more);

/* A policy session whose nonces are as short as a help desk's challenge wants them. */
ESYS_TR policy_session_short(void);

/* Flush a session or a loaded object. */
void discard(ESYS_TR *what);

/* Whatever index or persistent key is at the handle. */
ESYS_TR object_at(TPM2_HANDLE handle);

/* PolicyAuthorize by an approval of the victim's, or of another card's under another policyRef. */
TSS2_RC authorize(enum approval_id id, ESYS_TR session);
TSS2_RC authorize_as(const struct record *whose, enum approval_id id, const char *ref,
    ESYS_TR session);

/* The victim's authValue for a secret. */
void auth_of(enum card_index which, const char *value, struct secret *auth);

/* PolicySecret with a guessed or known secret. */
TSS2_RC prove(enum card_index which, const char *value, ESYS_TR session, const char *purpose,
    int32_t expiration, struct ticket *ticket);

/* A session in which PUK has proven that it may reset the PIN's count, and has that approved; and the reset. */
ESYS_TR reset_session(void);
TSS2_RC write_count(ESYS_TR session, const TPM2B_MAX_NV_BUFFER *data, UINT16 offset);

/* NV_ChangeAuth of an index to an authValue of the attacker's. */
TSS2_RC change_auth(TPM2_HANDLE handle, ESYS_TR session, const char *value);

/* As the owner: remove an index; define one with the victim's public area and more attributes. */
void undefine(TPM2_HANDLE handle);
ESYS_TR define(enum card_index which, TPMA_NV more, const struct secret *auth);

/*
 * As the owner, in a turn of its own: put a storage key at a persistent
 * handle, lacking some attributes; unique makes it another key than others.
 */
void provision(TPM2_HANDLE handle, TPMA_OBJECT without, uint8_t unique);
void provision_template(TPM2_HANDLE handle, const TPM2B_PUBLIC *template);

/* The public area to make such a key with. */
TPM2B_PUBLIC storage_key_template(void);

/* Put a key of the attacker's into an answer to ReadPublic of a P-256 key: its point, and the Name of that. */
void swap_point(uint8_t *answer, size_t len);

/* PolicyNV: what keys that need no PIN ask for. */
void life_is_zero(ESYS_TR session);

#endif
