/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands to the TPM over SAPI.  The cryptography that authorises and protects
 * them is ours (TCG TPM 2.0 Part 1, 19 and 21): every answer to a command with
 * a session has its HMAC checked before anything of it is used, and no key or
 * authValue stays behind in tss2.
 */
#ifndef TPMVSC_TPM_COMMAND_H
#define TPMVSC_TPM_COMMAND_H

#include "tpm/session.h"

/* A handle and its Name; a hierarchy or session has none: its handle is its Name. */
struct entity {
	TPM2_HANDLE handle;
	const struct name *name; /* NULL: the handle */
};

#define COMMAND_ENTITIES_MAX 3
#define COMMAND_SESSIONS_MAX 3

struct authorization {
	struct session *session;   /* NULL: end of the list */
	const struct secret *auth; /* authValue of what it authorises; NULL: empty, or a policy session's business */
	TPMA_SESSION use; /* TPMA_SESSION_DECRYPT: the first parameter travels encrypted; _ENCRYPT: the answer's does */
	bool last;	  /* the command ends the session, if it succeeds: it is forgotten then */
};

/* What a prepared command needs to be sent: entities in the order of its handles, then who authorises them. */
struct command {
	struct entity entities[COMMAND_ENTITIES_MAX]; /* handle 0 ends the list */
	struct authorization by[COMMAND_SESSIONS_MAX];
	void (*meanwhile)(void *context); /* called while the TPM is at work on it; NULL: nothing to do */
	void *context;
};

/*
 * Send a command that a Tss2_Sys_..._Prepare() has just put into t->sys, and
 * have its answer checked, decrypted and ready for the ..._Complete().
 * A parameter to be encrypted is overwritten where tss2 has it.
 *
 * The TPM's response code; RC_FORGED when an answer's HMAC is wrong: the
 * connection is of no use any more.  On failure sessions are as they were.
 */
MUST_CHECK TSS2_RC command_run(struct tpm *t, const struct command *c);

/* Append n octets of the TPM's own random numbers, encrypted on the way by a salted session. */
MUST_CHECK TSS2_RC random_octets(struct tpm *t, struct session *s, size_t n, struct wbuf *out);

/*
 * Overwrite what tss2 still has of the last answer's first parameter, which was
 * secret on the wire.  After the ..._Complete().
 */
void command_forget(struct tpm *t);

#endif
