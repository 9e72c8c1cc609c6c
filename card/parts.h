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

/* ---- the profile: what the record says about the card itself ---- */

/*
 * Append a profile's octets, big-endian: version 1 (1), instance (2), length
 * (2) and text of the name, PIN policy (PIN_POLICY_OCTETS).  False when the
 * name cannot be one or out is full.
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

/* ---- unfinished work ---- */

/* One run over the cards: the lock is held from work_open() to work_close(). */
struct work {
	const struct config *config;
	const struct progress *progress;
	struct files *files;
	struct tpm_link link;
	struct failure *why;
};

/* Open state directory (made if make is set), lock and TPM client. */
MUST_CHECK enum outcome work_open(struct work *w, const struct config *config, bool make,
    const struct progress *progress, struct failure *why);
void work_close(struct work *w);
void work_report(const struct work *w, const char *what);

/* Whether an instance has a journal, sound or not. */
MUST_CHECK bool work_pending(const struct work *w, unsigned instance);

/* Finish or undo what a journal of the instance says; DONE also when there is none. */
MUST_CHECK enum outcome work_recover(const struct work *w, unsigned instance, struct failure *why);

/* Recover every instance; what fails is logged and stays as it is. */
void work_recover_all(const struct work *w);

/* Erase claims from the TPM, with the parent unless another card may be using it. */
MUST_CHECK enum outcome work_erase(
    const struct work *w, unsigned instance, struct rbuf claims, struct failure *why);

#endif
