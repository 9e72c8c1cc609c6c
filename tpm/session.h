/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions, and the parent that salts them.  Everything that carries a secret
 * or uses a key goes through a session salted to the pinned parent, so that
 * neither a recorder nor an interposer on the bus learns or changes it.
 */
#ifndef TPMVSC_TPM_SESSION_H
#define TPMVSC_TPM_SESSION_H

#include "base/secret.h"
#include "tpm/digest.h"
#include "tpm/link.h"

/* ---- the parent ---- */

/* A persistent storage key, as a card's record names it. */
struct parent {
	TPM2_HANDLE handle;
	struct name name;
	bool ours; /* made for cards: the last card's end evicts it */
};

/* A storage key, read and compared with its pinned Name: sessions are salted to it. */
struct storage_key {
	TPM2_HANDLE handle;
	struct name name;
	TPMT_PUBLIC area;
};

/*
 * Read the parent, and make sure that it is the key with the pinned Name: the
 * Name a TPM (or whoever sits before it) sends along proves nothing, so it is
 * computed from the public area.  RC_IMPOSTOR when another key is at the handle.
 */
MUST_CHECK TSS2_RC parent_read(
    struct tpm *t, const struct parent *parent, struct storage_key *out);

/* ---- sessions ---- */

/* All zeros is none.  Its key is secret: declare it with SESSION(), or wipe it with session_forget(). */
struct session {
	TPM2_HANDLE handle; /* 0: none; TPM2_RS_PW: no session but an empty authValue in clear */
	bool policy;
	unsigned proven;   /* the caller's: which policy it satisfies, 0 none; a command through it ends that */
	struct secret key; /* sessionKey; empty when the session is not salted */
	TPM2B_NONCE nonce; /* nonceTPM, the last one */
	uint16_t nonce_octets; /* of each of our nonces */
};

/* No session, but the empty password in clear: for what anybody may use. */
extern struct session session_password;

#define SESSION(name) \
	__attribute__((cleanup(session_forget))) struct session name = { .handle = 0 }

/*
 * Start a session of type TPM2_SE_HMAC or TPM2_SE_POLICY: SHA-256, AES-128 CFB,
 * nonces of a digest's length.
 *
 * salt the key it is salted to; NULL: not salted (its key is empty then, and
 *      anybody between us and the TPM can be the TPM)
 * out  set on success; what it held is overwritten
 */
MUST_CHECK TSS2_RC session_open(
    struct tpm *t, const struct storage_key *salt, TPM2_SE type, struct session *out);

/* The same for a policy session whose nonces are short: what a person has to carry. */
#define SHORT_NONCE_OCTETS 16
MUST_CHECK TSS2_RC session_open_short(
    struct tpm *t, const struct storage_key *salt, struct session *out);

/*
 * Make ready what a session salted to a key needs, while something else is waited
 * for: a session that is not salted to it in this turn makes no use of it.
 */
void session_foresee(struct tpm *t, const struct storage_key *salt);

/*
 * Make sure that a salted session is the TPM's own and its nonceTPM fresh.
 * The answer to StartAuthSession is not authenticated: an interposer can slip
 * in a session of his, and whatever is proven or signed to its nonce is proven
 * to him.  A command through the session is answered with an HMAC that only
 * the TPM can make; RC_IMPOSTOR when it is not.  Must come before the session
 * has proven anything.
 */
MUST_CHECK TSS2_RC session_confirm(struct tpm *t, struct session *s);

/*
 * Put a session where other clients' turns do not end it, and take it back.
 * After session_save() it is not loaded (s->handle stays what it was); on
 * failure it is as before.  A context says nothing about the key, which stays in s.
 */
MUST_CHECK TSS2_RC session_save(struct tpm *t, struct session *s, TPMS_CONTEXT *saved);
MUST_CHECK TSS2_RC session_load(struct tpm *t, const TPMS_CONTEXT *saved, struct session *s);

/* Flush it, if there is one, and forget it. */
void session_close(struct tpm *t, struct session *s);

/* Forget our end of it alone: it went with its connection, or is in other hands. */
void session_forget(struct session *s);

/* Flush a loaded object or session and set the handle to 0; 0 is allowed. */
void handle_flush(struct tpm *t, TPM2_HANDLE *handle);

/* ---- the owner ---- */

/* Who may define and undefine indices, and read any. */
struct owner {
	struct session session;
	struct secret auth;
};

#define OWNER(name) \
	__attribute__((cleanup(owner_forget))) struct owner name = { .session.handle = 0 }

/*
 * Get what authorises as the owner: nothing but a password session while the
 * owner's authorisation is empty, else a session salted to key (not salted
 * when key is NULL: before there is a parent).  RC_UNKNOWABLE when the
 * authorisation is not to be had.  End it with owner_end().
 */
MUST_CHECK TSS2_RC owner_begin(
    struct tpm *t, const struct storage_key *key, struct owner *out);
void owner_end(struct tpm *t, struct owner *o);
void owner_forget(struct owner *o);

#endif
