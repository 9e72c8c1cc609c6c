/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct tpm: one client's way to the TPM.  Connection, lease and SAPI context
 * are made at need and thrown away together; epoch changes whenever that
 * happened, and with it everything loaded is gone.
 */
#ifndef TPMVSC_TPM_LINK_H
#define TPMVSC_TPM_LINK_H

#include <tss2/tss2_sys.h>

#include "base/secret.h"
#include "tpm/digest.h"
#include "tpm/lease.h"
#include "tpm/tpm.h"
#include "tpm/wire.h"

struct tpm {
	struct tpm_config config;
	struct wire *wire;   /* NULL: not connected */
	struct wire *sunk;   /* a wire that missed its deadline, until its answer is there */
	TSS2_SYS_CONTEXT *sys; /* likewise, on the same wire */
	struct {
		struct wire *wire;
		TSS2_SYS_CONTEXT *sys;
	} side; /* a second way to it, see link_side() */
	struct lease *lease;
	struct {
		struct name key; /* whom it is encrypted to */
		struct secret octets; /* empty: none yet */
		TPM2B_ENCRYPTED_SECRET encrypted;
	} salt; /* of the sessions of this turn */
	unsigned others; /* how many other clients may keep something while this one has its turn */
	struct tpm_spent spent; /* on wires that are closed */
	unsigned epoch;
	bool owner_has_auth; /* the owner's authorisation is not empty */
	bool owner_unknown;  /* and we could not read it: what needs it cannot be done */
};

/*
 * Deadlines, in seconds, of whole operations.  Proving a secret takes the TPM
 * up to a dozen key agreements, of up to half a second each on slow chips;
 * generating a key is a search for primes.
 */
#define LINK_SECONDS 5
#define LINK_SECONDS_SECRET 10
#define LINK_SECONDS_DISARM 1 /* for the turn; the TPM itself gets LINK_SECONDS */
#define LINK_SECONDS_CREATE 60
#define LINK_SECONDS_GENERATE 120

/*
 * Begin an operation that must end within seconds: wait for the turn, connect
 * if need be.  After RC_STUCK nothing was begun; after TSS2_RC_SUCCESS
 * link_end() must follow.
 *
 * why may be NULL; else set on failure, in words for the administrator
 */
MUST_CHECK TSS2_RC link_begin(struct tpm *t, unsigned seconds, struct failure *why);

/*
 * What an operation is to the other cards of this process on a shared TPM.
 * Without sharing all are the same.
 */
enum link_use {
	LINK_ALONE, /* any number of objects and sessions: what others keep loaded is flushed before */
	LINK_LOAD,  /* alone too, but one object and two sessions at once are enough */
	LINK_KEPT,  /* one object and one session, those it keeps: two such go on side by side */
};

/*
 * link_begin() for an operation that is not LINK_ALONE.  LINK_KEPT is made
 * LINK_LOAD when the connection or anything kept is gone (somebody needed
 * the place), so that it can load again: ask link_keeps() after it.
 */
MUST_CHECK TSS2_RC link_enter(
    struct tpm *t, enum link_use use, unsigned seconds, struct failure *why);

/*
 * Flush what other cards keep, as far as this turn's use calls for it.  link_begin() and
 * link_enter() do so themselves, unless an answer is still to be received (see
 * link_end()): then call this when it has been.
 */
void link_make_room(struct tpm *t);

/*
 * Between begin and end: say what stays loaded after the end, at most one
 * object and one session, 0 for none.  Whatever else is loaded is nobody's, and flushed
 * when somebody needs the place.  It holds until it is said again.
 */
void link_keep(struct tpm *t, TPM2_HANDLE object, TPM2_HANDLE session);

/* Whether what link_keep() named (not 0) is still loaded; ask between begin and end. */
MUST_CHECK bool link_keeps(const struct tpm *t, TPM2_HANDLE handle);

/*
 * End it: others may have their turn.  A command may still be under way (sent,
 * and its answer not yet asked for): the TPM does it before whatever they send.
 */
void link_end(struct tpm *t);

/*
 * Between begin and end: whether there is a second way to the same TPM (side), for a
 * command to be sent while another is under way.  The TPM does them in that order.
 * A resource manager would give it a place of its own for objects and sessions: no.
 */
MUST_CHECK bool link_side(struct tpm *t);

/* Throw the connection away (between begin and end, or outside): the next begin makes a new one. */
void link_drop(struct tpm *t);

/*
 * Read the owner's authorisation from its file; empty when no file is
 * configured.  False when it cannot be used; why (NULL is allowed) says so.
 */
MUST_CHECK bool link_owner_auth(const struct tpm *t, struct secret *auth, struct failure *why);

/* Whether a command that missed its deadline is still out: no use in asking again. */
MUST_CHECK bool link_late(struct tpm *t);

/*
 * On a shared TPM, flush the sessions that clients have saved and perhaps never
 * come back for: 64 of them stop everybody.  A card that was armed has to
 * be shown its PIN again.
 */
void link_flush_saved(struct tpm *t);

/* Whether other clients share this TPM without a resource manager between us. */
MUST_CHECK bool link_shared(const struct tpm *t);

/* What a failure to reach or use the TPM means to the tool. */
enum tpm_err tpm_err_from_rc(TSS2_RC rc);

#endif
