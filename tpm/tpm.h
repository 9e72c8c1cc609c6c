/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cards in a TPM 2.0: make one, open one as the applet's vault, erase one.
 * The object model is documented in tpm/README.md.  The only room that sees
 * tss2; no TSS2_RC leaves it.
 */
#ifndef TPMVSC_TPM_TPM_H
#define TPMVSC_TPM_TPM_H

#include "applet/vault.h"
#include "base/log.h"
#include "tpm/facts.h"

enum tpm_err {
	TPM_OK,
	TPM_UNUSABLE, /* absent, broken, locked out, cleared, or it lacks a feature */
	TPM_DENIED,   /* this user may not use the TPM, or the owner's authorisation is wrong */
	TPM_NO_ROOM,  /* no NV space or no free handle */
	TPM_RECORD,   /* a record is not what a card's creator wrote */
};

/* How to reach the TPM.  All strings outlive the struct tpm. */
struct tpm_config {
	const char *tcti;	     /* "device:/dev/tpmrm0", "swtpm:path=/x/sock", "tabrmd:..." */
	const char *lease;	     /* absolute path of the lock file that clients of one swtpm share */
	const char *owner_auth_file; /* NULL: the owner's authorisation is empty */
	uint32_t pin_cache;	     /* seconds one VERIFY lasts at most, 1 to 2^31 - 1 */
};

/* One client of the TPM; calls on it must not overlap.  Use one per card. */
struct tpm;

/*
 * Make a client.  Nothing is asked of the TPM yet: the connection is made at
 * first use and made again after a failure.  NULL when memory is out.
 */
struct tpm *tpm_new(const struct tpm_config *config);

/* Where a client's time went. */
struct tpm_spent {
	uint64_t ns;	      /* the TPM's: its commands, each from when it is sent to its answer */
	unsigned commands;
	uint64_t deriving_ns; /* deriving authValues from secrets, as far as nothing else was done meanwhile */
};

/* The sums since tpm_new(), over all connections; a command still under way is not in them. */
void tpm_spent(const struct tpm *t, struct tpm_spent *out);

/* Drop every proof, flush what is loaded, close the connection.  NULL is allowed. */
void tpm_free(struct tpm *t);

/* Give up the connection until next use (power down): nothing of ours stays loaded. */
void tpm_rest(struct tpm *t);

/*
 * Check that the TPM is there and can carry a card: reachable, not in failure
 * mode or lockout, PIN_FAIL indices, P-256.  why is set on failure.
 */
MUST_CHECK enum tpm_err tpm_probe(struct tpm *t, struct failure *why);

/*
 * Ask the TPM what it is and how it does.  What it does not tell stays zero;
 * nothing of it is counted as a try.  why is set on failure, and when the first
 * use of the connection finds that owner_auth_file cannot be used.
 */
MUST_CHECK enum tpm_err tpm_ask(struct tpm *t, struct tpm_facts *out, struct failure *why);

/* ---- making a card ---- */

struct tpm_spec {
	const struct secret *pin;
	unsigned pin_tries;	   /* 1 to 10 */
	const struct secret *puk;  /* NULL: the card has no PUK */
	unsigned puk_tries;
	const struct secret *admin_key; /* NULL: RANDOM, made here, serves after the PIN only */
	uint8_t admin_algorithm;   /* ALG_3DES or ALG_AES_*; admin_key has its length */
	bool admin_unblock;	   /* ADMIN may reset the PIN; ignored without admin_key */
	struct rbuf profile;	   /* opaque to this room, kept in the signed record; at most 1024 octets */
};

/* Longest record and list of claims. */
#define TPM_RECORD_MAX 4096
#define TPM_CLAIMS_MAX 512

/* A creation under way: it holds the card's policy authority. */
struct tpm_creation;

/*
 * Plan a card: choose free handles, find or plan the parent, make the policy
 * authority, begin to derive the indices' authValues.  Nothing lasting is made in the TPM.
 *
 * spec    must outlive the creation
 * sibling the record of another card of this installation, whose parent is
 *         used again; empty when there is none
 * claims  appended: what the card will occupy in the TPM, for tpm_erase();
 *         make it durable before tpm_creation_run()
 */
MUST_CHECK enum tpm_err tpm_creation_plan(struct tpm *t, const struct tpm_spec *spec,
    struct rbuf sibling, struct tpm_creation **out, struct wbuf *claims, struct failure *why);

/*
 * Make it.  On failure tpm_erase() with the claims takes back what was made;
 * the same creation cannot be run again.
 *
 * record    appended: the card's record, at most TPM_RECORD_MAX octets, public
 * admin_key appended: the card management key for the store (key reference 9B)
 * random    set to that key's octets when the spec left it to chance, else
 *           empty; to be sealed for the PIN's owner, and wiped
 */
MUST_CHECK enum tpm_err tpm_creation_run(struct tpm_creation *c, struct wbuf *record,
    struct wbuf *admin_key, struct secret *random, struct failure *why);

/* Wipe the policy authority and what was derived from secrets.  NULL is allowed. */
void tpm_creation_free(struct tpm_creation *c);

/* ---- unmaking a card ---- */

/* Append the claims of an existing card.  TPM_RECORD when the record is not one. */
MUST_CHECK enum tpm_err tpm_record_claims(struct rbuf record, struct wbuf *claims);

/*
 * Take from the TPM what the claims name and nothing else: an index or
 * persistent key that is at a claimed handle but is not the claimed one stays.
 * What is already gone is fine, so it may be repeated.
 *
 * parent_too evict the parent as well, if it was made for cards (pass false
 *            while another card of this installation uses it)
 */
MUST_CHECK enum tpm_err tpm_erase(struct tpm *t, struct rbuf claims, bool parent_too,
    struct failure *why);

/* Whether two cards' claims (or a card's and a plan's) name the same parent. */
MUST_CHECK bool tpm_claims_share_parent(struct rbuf claims, struct rbuf other);

/* ---- using a card ---- */

/* What the record says, signature checked; no TPM is asked. */
struct tpm_card_info {
	unsigned pin_tries, puk_tries;
	bool has_puk;
	bool has_admin;	 /* the card knows its admin key's owner: it was not RANDOM */
	bool admin_unblocks; /* and he may reset the PIN */
	struct rbuf profile; /* a view into the record */
};

MUST_CHECK enum tpm_err tpm_record_info(struct rbuf record, struct tpm_card_info *out);

/*
 * Open a card as a vault on t.  The record is checked and copied, no TPM is
 * asked.  Free it before t.  TPM_RECORD; TPM_UNUSABLE when memory is out.
 */
MUST_CHECK enum tpm_err tpm_vault_open(struct tpm *t, struct rbuf record, struct vault **out);
void tpm_vault_free(struct vault *v);

/* Whether the card's indices are in the TPM and its own (a check for list); why says what is not. */
MUST_CHECK enum tpm_err tpm_vault_health(struct vault *v, struct failure *why);

/* ---- unblocking with a help desk: challenge and response ---- */

/*
 * The card's machine opens a challenge; the desk, which has the card's record
 * and its admin key, turns it into a response; the TPM checks that.  The key
 * never comes near the machine.  tpm/README.md has the fields.
 */
#define TPM_CHALLENGE_MAX 256
#define TPM_RESPONSE_MAX 128

struct tpm_challenge;

/*
 * Open a challenge for a card's PIN to be set anew, and, when it is blocked,
 * to get its tries back: one proof each.  The challenge is good until it is
 * answered or closed; other clients of the TPM may have their turns meanwhile.
 *
 * vault  stays open longer
 * octets appended: at most TPM_CHALLENGE_MAX
 *
 * TPM_DENIED when the card's admin key may not unblock, or there is none.
 */
MUST_CHECK enum tpm_err tpm_challenge_open(struct vault *vault, struct tpm_challenge **out,
    struct wbuf *octets, struct failure *why);

/*
 * Set the new PIN, by the desk's response.
 *
 * VAULT_MISMATCH for octets that are no response to this very challenge, mistyped
 * ones too: nothing was asked of the TPM, try again.  The others end the
 * challenge, and a new one is needed.  With these nothing has changed:
 * VAULT_AUTH, the TPM refuses them (another admin key); VAULT_ABSENT, the
 * challenge is gone (answered before, or the TPM was restarted or ran full of
 * sessions); VAULT_BLOCKED, the PIN was blocked after a challenge for the PIN
 * alone was opened.  VAULT_FAULT: as with vault_unblock(), the new PIN may be
 * set and still be blocked.
 */
MUST_CHECK enum vault_err tpm_challenge_answer(
    struct tpm_challenge *c, struct rbuf response, const struct secret *fresh_pin);

/* Flush its sessions.  NULL is allowed. */
void tpm_challenge_close(struct tpm_challenge *c);

/* What a challenge asks for, as the desk reads it. */
struct tpm_challenge_info {
	bool reset_count; /* the PIN is blocked: its tries as well as a new PIN */
};

/*
 * Read a challenge at the desk: pure, no TPM is asked.  The record is the
 * desk's own copy, from when the card was made.
 *
 * TPM_RECORD when that is no record; TPM_DENIED when the octets are no
 * challenge of that card, or ask for anything but to unblock its PIN.
 */
MUST_CHECK enum tpm_err tpm_challenge_read(struct rbuf record, struct rbuf challenge,
    struct tpm_challenge_info *out, struct failure *why);

/* Answer it with the admin key's octets.  response: appended, at most TPM_RESPONSE_MAX. */
MUST_CHECK enum tpm_err tpm_challenge_respond(struct rbuf record, struct rbuf challenge,
    const struct secret *admin_key, struct wbuf *response, struct failure *why);

#endif
