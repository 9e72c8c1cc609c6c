/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of the TPM with nothing between: SAPI over the TCTI named, which
 * notes how long the TPM takes from a command to its answer.  Has a storage key
 * and keys below it, as a card has.  For measurements: what goes wrong ends the
 * program.
 */
#ifndef TPMVSC_TESTS_BENCH_CLIENT_H
#define TPMVSC_TESTS_BENCH_CLIENT_H

#include <tss2/tss2_sys.h>
#include <tss2/tss2_tcti.h>

#include "tpm/link.h"
#include "tpm/session.h"

struct client {
	TSS2_TCTI_CONTEXT_COMMON_V1 tcti; /* first: what SAPI and ESYS hold is this */
	TSS2_TCTI_CONTEXT *real;
	int64_t sent;	  /* when the last command was, by measure_now() */
	int64_t spent;	  /* from commands to their answers, in nanoseconds: set it to 0 to begin */
	struct tpm tpm;	  /* its sys is ours; nothing else in it is of use */
	struct storage_key storage;
	struct digest policy; /* of its keys: PolicySecret(owner, CLIENT_PURPOSE) */
};

#define CLIENT_PURPOSE "use"

enum client_key { CLIENT_P256, CLIENT_RSA2048, CLIENT_KEYS };

struct key {
	TPM2B_PUBLIC area;
	TPM2B_PRIVATE secret;
	TPM2_HANDLE handle; /* 0: not loaded */
	struct name name;
};

/* The TPM said no, or there is no TPM: say so, and end. */
void client_must(TSS2_RC rc, const char *what);

/* Flush whatever anybody has left loaded. */
void client_clean(const char *tcti);

/* Connect, and make a storage key. */
void client_open(struct client *c, const char *tcti);

/* Flush the storage key; what was loaded below it stays. */
void client_drop_storage(struct client *c);

void client_close(struct client *c);

TSS2_TCTI_CONTEXT *client_tcti(struct client *c);

/* One authorisation by a password session, with an empty password. */
extern const TSS2L_SYS_AUTH_COMMAND client_empty;

/* Make a key that serves with an empty authorisation, or with the policy.  It is not loaded then. */
void client_create(struct client *c, enum client_key kind, struct key *out);
void client_load(struct client *c, struct key *key);

/*
 * Satisfy the policy in a fresh policy session, for hours.  ticket: set to what does so
 * again in another, or after PolicyRestart; NULL: none is wanted.
 */
struct client_ticket {
	TPM2B_TIMEOUT timeout;
	TPMT_TK_AUTH ticket;
};
void client_prove(struct client *c, const struct session *s, struct client_ticket *ticket);
extern const TPM2B_NAME client_owner; /* the Name of a hierarchy: its handle */
void client_show(struct client *c, TPM2_HANDLE session, const struct client_ticket *ticket);

/* What there is to sign, to decrypt, to agree with: the same each time, and fit for the key. */
extern const TPM2B_DIGEST client_digest;
extern const TPM2B_PUBLIC_KEY_RSA client_block;
TPM2B_ECC_POINT client_point(const struct key *key);

#endif
