/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

#include <time.h>

#define CARD_MANAGEMENT_KEY 0x9b

/* A card being made. */
struct making {
	struct work work;
	const struct card_request *request;
	unsigned instance;
	struct rbuf claims;   /* what it may occupy in the TPM; empty until planned */
	struct tpm_spec spec; /* the creation keeps a pointer to it, and it to the profile */
	uint8_t profile[1024];
	struct tpm_creation *creation;
};

/* The lowest instance with neither card nor journal. */
static bool
find_free(const struct work *w, unsigned *out)
{
	unsigned i;

	for (i = 0; i < CARDS_MAX; i++) {
		if (files_has(w->files, i) || work_pending(w, i))
			continue;
		*out = i;
		return true;
	}
	fail(w->why, "all %d places for cards are taken: destroy one", CARDS_MAX);
	return false;
}

/* The record of any other card, whose parent is to be used again; empty when there is none. */
static struct rbuf
find_sibling(const struct work *w, struct paper *paper)
{
	unsigned i;

	for (i = 0; i < CARDS_MAX; i++) {
		if (files_has(w->files, i) && paper_read(w->files, i, paper, NULL) == DONE)
			return paper->record;
	}
	return rbuf_of(NULL, 0);
}

/* Decide everything and write it down; nothing is made yet. */
static enum outcome
plan(struct making *m, struct wbuf *claims, struct failure *why)
{
	const struct card_request *r = m->request;
	struct wbuf profile = wbuf_over(m->profile, sizeof m->profile);
	struct paper sibling;
	enum outcome outcome;

	if (!profile_write(m->instance, &r->profile, &profile)) {
		fail(why, "the name or the PIN policy is not one a card can have");
		return FAILED;
	}
	m->spec = (struct tpm_spec){
		.pin = r->pin,
		.pin_tries = r->pin_tries,
		.puk = r->puk,
		.puk_tries = r->puk_tries,
		.admin_key = r->admin_key,
		.admin_algorithm = r->admin_algorithm,
		.admin_unblock = r->admin_unblock,
		.profile = wbuf_view(&profile),
	};
	work_report(&m->work, "Checking the TPM");
	outcome = outcome_of_tpm(tpm_probe(m->work.link.tpm, why));
	if (outcome != DONE)
		return outcome;
	return outcome_of_tpm(tpm_creation_plan(m->work.link.tpm, &m->spec,
	    find_sibling(&m->work, &sibling), &m->creation, claims, why));
}

/* Write the card's items into its directory, which no driver sees yet. */
static enum outcome
write_items(struct making *m, struct rbuf admin_key, struct failure *why)
{
	struct file_system fs;
	struct store *store = NULL;
	enum store_err err;
	enum files_err begun;

	begun = files_begin(m->work.files, m->instance, &store, why);
	if (begun != FILES_OK)
		return outcome_of_files(begun);
	err = store_put(store, STORE_KEY, CARD_MANAGEMENT_KEY, admin_key);
	if (err == STORE_OK && m->request->generate) {
		work_report(&m->work, "Generating the card's file system");
		err = file_system_draw((int64_t)time(NULL), &fs) ? file_system_write(store, &fs)
								 : STORE_FAULT;
	}
	files_store_close(store);
	if (err == STORE_FULL)
		fail(why, "no room for the card's files in %s", m->work.config->state_dir);
	else if (err != STORE_OK)
		fail(why, "cannot write the card's files in %s", m->work.config->state_dir);
	return outcome_of_store(err);
}

/* Make what was planned; the journal is on disk. */
static enum outcome
make(struct making *m, struct failure *why)
{
	uint8_t record_octets[TPM_RECORD_MAX], key_octets[VAULT_KEY_MAX];
	struct wbuf record = wbuf_over(record_octets, sizeof record_octets);
	struct wbuf key = wbuf_over(key_octets, sizeof key_octets);
	enum outcome outcome;

	work_report(&m->work, "Creating the TPM smart card");
	outcome = outcome_of_tpm(tpm_creation_run(m->creation, &record, &key, why));
	if (outcome != DONE)
		return outcome;
	outcome = write_items(m, wbuf_view(&key), why);
	if (outcome != DONE)
		return outcome;
	return outcome_of_files(files_commit(m->work.files, m->instance, wbuf_view(&record), why));
}

/*
 * Undo a failed creation.  The files go first: were the directory to outlive
 * its indices in a second accident, the journal would pass for a finished
 * creation's.
 */
static bool
take_back(struct making *m, struct failure *why)
{
	if (files_remove(m->work.files, m->instance, why) != FILES_OK)
		return false;
	if (work_erase(&m->work, m->instance, m->claims, why) != DONE)
		return false;
	return files_journal_drop(m->work.files, m->instance, why) == FILES_OK;
}

/* Say what failed and what became of the rest. */
static void
explain(struct making *m, const struct failure *cause)
{
	struct failure undo = { "" };

	if (m->claims.len == 0 || take_back(m, &undo))
		fail(m->work.why, "%s (no card was made)", cause->text);
	else
		fail(m->work.why,
		    "%.240s (what was made could not be taken back: %.160s; the next "
		    "run of tpmvscmgr does it)",
		    cause->text, undo.text);
}

static enum outcome
create(struct making *m)
{
	uint8_t octets[TPM_CLAIMS_MAX];
	struct wbuf claims = wbuf_over(octets, sizeof octets);
	struct failure cause = { "" };
	enum outcome outcome;

	work_recover_all(&m->work);
	if (!find_free(&m->work, &m->instance))
		return NO_ROOM;
	outcome = plan(m, &claims, &cause);
	if (outcome == DONE) {
		m->claims = wbuf_view(&claims);
		outcome = outcome_of_files(files_journal_write(
		    m->work.files, m->instance, JOURNAL_CREATING, m->claims, &cause));
	}
	if (outcome == DONE)
		outcome = make(m, &cause);
	/* Before anything else: it holds the policy authority. */
	tpm_creation_free(m->creation);
	m->creation = NULL;
	if (outcome != DONE) {
		explain(m, &cause);
		return outcome;
	}
	/* The card is there and whole; a journal that stays says no more than that. */
	if (files_journal_drop(m->work.files, m->instance, &cause) != FILES_OK)
		log_warning("card %u is made, but its journal stays: %s", m->instance, cause.text);
	work_report(&m->work, "TPM smart card created");
	return DONE;
}

enum outcome
cards_create(const struct config *config, const struct card_request *request,
    const struct progress *progress, unsigned *instance, struct failure *why)
{
	struct making m = { .request = request };
	enum outcome outcome;

	outcome = work_open(&m.work, config, true, progress, why);
	if (outcome != DONE)
		return outcome;
	outcome = create(&m);
	work_close(&m.work);
	if (outcome == DONE)
		*instance = m.instance;
	return outcome;
}
