/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to card/: what a card is made of, shared by opening, making and listing cards. */
#ifndef TPMVSC_CARD_PARTS_H
#define TPMVSC_CARD_PARTS_H

#include "card/card.h"
#include "store/files.h"
#include "tpm/tpm.h"

/* ---- what the rooms' errors mean to whoever asked for an operation ---- */

enum outcome outcome_of_tpm(enum tpm_err err);
enum outcome outcome_of_files(enum files_err err);
enum outcome outcome_of_store(enum store_err err);

/* And what an operation's end means to the applet that asked for it. */
enum store_err store_err_of(enum outcome outcome);

/* ---- the way to the TPM ---- */

/* A client of the configured TPM, and the strings it refers to: do not move an open one. */
struct tpm_link {
	char lease[sizeof((struct config *)0)->state_dir + 8];
	struct tpm_config settings;
	struct tpm *tpm;
};

/* False when memory is out.  The TPM itself is not asked.  config must outlive the link. */
MUST_CHECK bool tpm_link_open(
    struct tpm_link *link, const struct config *config, struct failure *why);
void tpm_link_close(struct tpm_link *link);

/* ---- what an operation takes ---- */

struct lap {
	uint64_t begun; /* CLOCK_MONOTONIC, in nanoseconds */
	struct tpm_spent before;
};

/* Begin to measure an operation on t. */
void lap_begin(struct lap *lap, const struct tpm *t);

/*
 * Say for the log what it took until now: "N us, N us of it in N TPM commands",
 * and ", N us in key derivations" when there were any.
 */
#define LAP_TEXT 144
void lap_tell(const struct lap *lap, const struct tpm *t, char out[LAP_TEXT]);

/* ---- the profile: what the record says about the card itself ---- */

/*
 * Append a profile's octets, big-endian: version 2 (1), flags (1; bit 0: RESET
 * is allowed), instance (2), GUID (16), length (2) and text of the name, PIN
 * policy (PIN_POLICY_OCTETS).  False when the name cannot be one or out is full.
 */
MUST_CHECK bool profile_write(
    unsigned instance, const struct piv_profile *profile, struct wbuf *out);

/* Read them back.  False when they are anything else; outputs are as they were. */
MUST_CHECK bool profile_read(struct rbuf in, unsigned *instance, struct piv_profile *profile);

/* ---- a card's paper: its record, read and checked ---- */

struct paper {
	uint8_t octets[TPM_RECORD_MAX];
	struct rbuf record; /* a view of octets */
	struct tpm_card_info info;
	struct piv_profile profile;
};

/*
 * Read and check a card's record: its signature, its profile, and that it was
 * made for this instance.  NO_SUCH_CARD, NOT_PERMITTED, FAILED.
 */
MUST_CHECK enum outcome paper_read(
    struct files *files, unsigned instance, struct paper *out, struct failure *why);

/* ---- an opened card ---- */

/* What is behind one record: all that RESET replaces. */
struct parts {
	struct paper paper;
	uint64_t number; /* what card_present() called it before it was opened */
	struct vault *vault;
	struct store *store;
};

/*
 * Read a card's paper and open what it names; no TPM is asked.  On failure out
 * is empty.  NO_SUCH_CARD, NOT_PERMITTED, FAILED.
 */
MUST_CHECK enum outcome parts_fill(struct files *files, struct tpm *tpm, unsigned instance,
    struct parts *out, struct failure *why);

/* Close what was opened; the vault forgets what was proven to it. */
void parts_clear(struct parts *parts);

/*
 * What card_present() calls a card: FNV-1a of its record and its generation, 64
 * bits, never 0.  It protects nothing.
 */
MUST_CHECK uint64_t card_number(struct files *files, unsigned instance);

/* ---- the card's file system, as /generate writes it ---- */

/* What differs from card to card. */
struct file_system {
	uint8_t guid[16];    /* version 4 UUID */
	uint8_t card_id[14]; /* random, in the CCC */
	char expiry[9];      /* YYYYMMDD */
};

/* Draw the random parts; the card expires 20 years from now, a time in seconds since 1970. */
MUST_CHECK bool file_system_draw(int64_t now, struct file_system *out);

/* Write CHUID, CCC, discovery object and key history. */
MUST_CHECK enum store_err file_system_write(struct store *store, const struct file_system *fs);

/* The 25 octets of a FASC-N with agency 9999 (not federal): the GUID identifies the card. */
void fascn_write(struct wbuf *out);

/* ---- the secrets everybody knows ---- */

/* The longest default of a card management key: 3DES and AES-192. */
#define DEFAULT_ADMIN_KEY_OCTETS 24

/* Note in a new card's items which of its secrets have their default values (STORE_DEFAULT). */
MUST_CHECK enum store_err defaults_write(struct store *store, const struct card_request *request);

/* ---- unfinished work ---- */

/* One run over the cards: the lock is held from work_open() to work_close(). */
struct work {
	const struct config *config;
	const struct progress *progress;
	struct files *files;
	struct tpm_link link;
	struct lap lap;
	struct failure *why;
};

/* How long tpmvscmgr waits for another one, in seconds. */
#define WORK_PATIENCE 60

/* Open state directory (made if make is set), lock (waiting at most seconds) and TPM client. */
MUST_CHECK enum outcome work_open(struct work *w, const struct config *config, bool make,
    unsigned seconds, const struct progress *progress, struct failure *why);
void work_close(struct work *w);
void work_report(const struct work *w, const char *what);

/* Whether an instance has a journal, sound or not. */
MUST_CHECK bool work_pending(const struct work *w, unsigned instance);

/*
 * Finish or undo what an interrupted run left of an instance: a journal, an
 * announced change, half-written files.  found says whether there was anything.
 */
MUST_CHECK enum outcome work_recover(
    const struct work *w, unsigned instance, bool *found, struct failure *why);

/* Recover every instance; what fails is logged, stays as it is, and first says why (it may be NULL). */
void work_recover_all(const struct work *w, struct repair *tally, struct failure *first);

/*
 * Erase claims from the TPM, with the parent unless another card may be using
 * it: one of another instance, or the one that claims beside (empty: none) name.
 */
MUST_CHECK enum outcome work_erase(const struct work *w, unsigned instance, struct rbuf claims,
    struct rbuf beside, struct failure *why);

/* ---- a card replaced by a new one of its instance ---- */

/* The claims of both, as views. */
struct replacement {
	struct rbuf old, fresh;
};

/* The longest claims of a journal: those of a replacement. */
#define WORK_CLAIMS_MAX (2 * TPM_CLAIMS_MAX + 2)

/* Append a replacement as a journal's claims.  False when it does not fit. */
MUST_CHECK bool replacement_write(const struct replacement *r, struct wbuf *out);

/*
 * End a replacement, at whatever step it stopped: the card in place stays, the
 * other one goes from the TPM and from the disk.  The journal stays.
 *
 * claims of the journal
 * fresh  set to whether the new card is the one in place
 *
 * On failure it may be repeated.
 */
MUST_CHECK enum outcome work_settle(const struct work *w, unsigned instance, struct rbuf claims,
    bool *fresh, struct failure *why);

/* ---- a card being made, by create or by a reset ---- */

struct making {
	const struct work *work;
	const struct card_request *request;
	unsigned instance;

	struct tpm_spec spec; /* the creation keeps a pointer to it, and it to the profile */
	uint8_t profile[1024];
	struct file_system fs; /* its GUID is in the profile, whether it is written or not */
	struct tpm_creation *creation;
};

/*
 * Decide everything; nothing is made yet.  work, request and instance are set
 * and stay where they are; making_end() must follow in any case.
 *
 * sibling a record whose parent is to be used again; empty when there is none
 * claims  appended: what the card will occupy in the TPM
 */
MUST_CHECK enum outcome making_plan(
    struct making *m, struct rbuf sibling, struct wbuf *claims, struct failure *why);

/*
 * Make what was planned in the TPM, and its items in a begun directory.  A
 * journal with the claims is on disk.  record is appended.
 */
MUST_CHECK enum outcome making_run(struct making *m, struct wbuf *record, struct failure *why);

/* Wipe the policy authority. */
void making_end(struct making *m);

#endif
