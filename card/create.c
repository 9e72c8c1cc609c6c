/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

/* A card being created. */
struct creating {
	struct work work;
	struct making making;
	struct rbuf claims; /* what it may occupy in the TPM; empty until planned */
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

/* Make what was planned; the journal is on disk. */
static enum outcome
make(struct creating *c, struct failure *why)
{
	uint8_t octets[TPM_RECORD_MAX];
	struct wbuf record = wbuf_over(octets, sizeof octets);
	enum outcome outcome;

	outcome = making_run(&c->making, &record, why);
	if (outcome != DONE)
		return outcome;
	return outcome_of_files(
	    files_commit(c->work.files, c->making.instance, wbuf_view(&record), why));
}

/*
 * Undo a failed creation.  The files go first: were the directory to outlive
 * its indices in a second accident, the journal would pass for a finished
 * creation's.
 */
static bool
take_back(struct creating *c, struct failure *why)
{
	const unsigned instance = c->making.instance;

	if (files_remove(c->work.files, instance, why) != FILES_OK)
		return false;
	if (work_erase(&c->work, instance, c->claims, rbuf_of(NULL, 0), why) != DONE)
		return false;
	return files_journal_drop(c->work.files, instance, why) == FILES_OK;
}

/* Say what failed and what became of the rest. */
static void
explain(struct creating *c, const struct failure *cause)
{
	struct failure undo = { "" };

	if (c->claims.len == 0 || take_back(c, &undo))
		fail(c->work.why, "%s (no card was made)", cause->text);
	else
		fail(c->work.why,
		    "%.240s (what was made could not be taken back: %.160s; the next "
		    "run of tpmvscmgr does it)",
		    cause->text, undo.text);
}

/* Whether the card that is asked for is there.  The lock is held: of two that ask, one makes it. */
static bool
is_there(struct creating *c)
{
	const struct card_request *request = c->making.request;
	struct failure absent = { "" };

	if (request->existed == NULL)
		return false;
	*request->existed = cards_find(c->work.config, request->profile.name,
				&c->making.instance, &absent) == DONE;
	return *request->existed;
}

static enum outcome
create(struct creating *c)
{
	uint8_t octets[TPM_CLAIMS_MAX];
	struct wbuf claims = wbuf_over(octets, sizeof octets);
	struct failure cause = { "" };
	struct paper sibling;
	enum outcome outcome;
	struct repair tally;

	work_recover_all(&c->work, &tally, NULL);
	if (is_there(c))
		return DONE;
	if (!find_free(&c->work, &c->making.instance))
		return NO_ROOM;
	outcome = making_plan(&c->making, find_sibling(&c->work, &sibling), &claims, &cause);
	if (outcome == DONE) {
		c->claims = wbuf_view(&claims);
		outcome = outcome_of_files(files_journal_write(c->work.files, c->making.instance,
		    JOURNAL_CREATING, c->claims, &cause));
	}
	if (outcome == DONE)
		outcome = make(c, &cause);
	/* Before anything else: it holds the policy authority. */
	making_end(&c->making);
	if (outcome != DONE) {
		explain(c, &cause);
		return outcome;
	}
	/* The card is there and whole; a journal that stays says no more than that. */
	if (files_journal_drop(c->work.files, c->making.instance, &cause) != FILES_OK)
		log_warning("card %u is made, but its journal stays: %s", c->making.instance,
		    cause.text);
	work_report(&c->work, "TPM smart card created");
	return DONE;
}

enum outcome
cards_create(const struct config *config, const struct card_request *request,
    const struct progress *progress, unsigned *instance, struct failure *why)
{
	struct creating c = { .making = { .work = &c.work, .request = request } };
	enum outcome outcome;

	outcome = work_open(&c.work, config, true, WORK_PATIENCE, progress, why);
	if (outcome != DONE)
		return outcome;
	outcome = create(&c);
	work_close(&c.work);
	if (outcome == DONE)
		*instance = c.making.instance;
	return outcome;
}
