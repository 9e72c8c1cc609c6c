/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unfinished work.  A journal is durable before anything is made in the TPM or
 * taken from it, and is dropped after everything is in place or gone.  So
 * whatever a killed run leaves, its journal says:
 *   creating, no directory      undo: erase what the claims name
 *   creating, with a directory  it was committed, all is there: only the journal is left
 *   destroying                  finish: erase, then remove the files
 *   replacing                   the card in place stays, the other one goes (replace.c)
 * A change to a card that goes on being the same has no journal but an
 * announcement (store/change.c).
 */
#include "card/parts.h"

#include <stdio.h>

void
work_report(const struct work *w, const char *what)
{
	if (w->progress != NULL && w->progress->report != NULL)
		w->progress->report(w->progress->context, what);
}

enum outcome
work_open(struct work *w, const struct config *config, bool make, unsigned seconds,
    const struct progress *progress, struct failure *why)
{
	enum files_err err;

	*w = (struct work){ .config = config, .progress = progress, .why = why };
	err = files_open(config->state_dir, make, &w->files, why);
	if (err == FILES_OK)
		err = files_lock(w->files, seconds, why);
	if (err != FILES_OK) {
		work_close(w);
		return err == FILES_ABSENT && !make ? NO_SUCH_CARD : outcome_of_files(err);
	}
	if (!tpm_link_open(&w->link, config, why)) {
		work_close(w);
		return FAILED;
	}
	lap_begin(&w->lap, w->link.tpm);
	return DONE;
}

void
work_close(struct work *w)
{
	char text[LAP_TEXT];

	if (w->link.tpm != NULL) {
		tpm_rest(w->link.tpm);
		lap_tell(&w->lap, w->link.tpm, text);
		log_debug("all of it took %s", text);
	}
	tpm_link_close(&w->link);
	files_close(w->files);
	w->files = NULL;
}

bool
work_pending(const struct work *w, unsigned instance)
{
	uint8_t octets[WORK_CLAIMS_MAX];
	struct wbuf claims = wbuf_over(octets, sizeof octets);
	enum journal_verb verb;

	return files_journal_read(w->files, instance, &verb, &claims, NULL) != FILES_ABSENT;
}

/* Whether an instance's card is moved aside, and nobody has put the new one in its place yet. */
static bool
is_between(const struct work *w, unsigned instance)
{
	uint8_t octets[WORK_CLAIMS_MAX];
	struct wbuf claims = wbuf_over(octets, sizeof octets);
	enum journal_verb verb;
	enum files_err err;

	err = files_journal_read(w->files, instance, &verb, &claims, NULL);
	/* Of a journal that cannot be read, believe the worst. */
	return err == FILES_OK ? verb == JOURNAL_REPLACING : err != FILES_ABSENT;
}

/* Whether another card may be living under the parent that claims name. */
static bool
parent_in_use(const struct work *w, unsigned instance, struct rbuf claims)
{
	uint8_t octets[TPM_CLAIMS_MAX];
	struct wbuf other;
	struct paper paper;
	unsigned i;

	for (i = 0; i < CARDS_MAX; i++) {
		if (i == instance || (!files_has(w->files, i) && !is_between(w, i)))
			continue;
		/* Of a card that cannot be read, believe the worst. */
		if (paper_read(w->files, i, &paper, NULL) != DONE)
			return true;
		other = wbuf_over(octets, sizeof octets);
		if (tpm_record_claims(paper.record, &other) != TPM_OK ||
		    tpm_claims_share_parent(claims, wbuf_view(&other)))
			return true;
	}
	return false;
}

enum outcome
work_erase(const struct work *w, unsigned instance, struct rbuf claims, struct rbuf beside,
    struct failure *why)
{
	bool parent_too = (beside.len == 0 || !tpm_claims_share_parent(claims, beside)) &&
			  !parent_in_use(w, instance, claims);

	return outcome_of_tpm(tpm_erase(w->link.tpm, claims, parent_too, why));
}

/* Tell of unfinished work: to whoever is waiting, and to the log. */
static void
tell(const struct work *w, unsigned instance, const char *doing)
{
	char text[96];

	(void)snprintf(text, sizeof text, "%s " INSTANCE_PREFIX "%04u", doing, instance);
	log_warning("a run was interrupted: %s", text);
	work_report(w, text);
}

/* Do what a journal asks for. */
static enum outcome
end_work(const struct work *w, unsigned instance, enum journal_verb verb, struct rbuf claims,
    struct failure *why)
{
	enum outcome outcome;
	bool fresh;

	switch (verb) {
	case JOURNAL_REPLACING:
		tell(w, instance, "Ending the interrupted reset of");
		return work_settle(w, instance, claims, &fresh, why);
	case JOURNAL_CREATING:
		if (files_has(w->files, instance)) {
			tell(w, instance, "Ending the creation of");
			return DONE;
		}
		tell(w, instance, "Undoing the interrupted creation of");
		break;
	case JOURNAL_DESTROYING:
		tell(w, instance, "Completing the destruction of");
		break;
	}
	outcome = work_erase(w, instance, claims, rbuf_of(NULL, 0), why);
	if (outcome != DONE)
		return outcome;
	return outcome_of_files(files_remove(w->files, instance, why));
}

static enum outcome
end_journal(const struct work *w, unsigned instance, struct failure *why)
{
	uint8_t octets[WORK_CLAIMS_MAX];
	struct wbuf claims = wbuf_over(octets, sizeof octets);
	enum journal_verb verb;
	enum outcome outcome;

	outcome = outcome_of_files(files_journal_read(w->files, instance, &verb, &claims, why));
	if (outcome == DONE)
		outcome = end_work(w, instance, verb, wbuf_view(&claims), why);
	if (outcome == DONE)
		outcome = outcome_of_files(files_journal_drop(w->files, instance, why));
	return outcome;
}

/* A change that was announced and not ended may have been made: the card's driver has to know. */
static enum outcome
end_change(const struct work *w, unsigned instance, struct failure *why)
{
	tell(w, instance, "Telling the reader of an interrupted change to");
	return outcome_of_files(files_change_end(
	    w->files, instance, files_has(w->files, instance), why));
}

enum outcome
work_recover(const struct work *w, unsigned instance, bool *found, struct failure *why)
{
	enum outcome outcome = DONE;
	bool left = false;

	*found = false;
	if (work_pending(w, instance)) {
		*found = true;
		outcome = end_journal(w, instance, why);
	}
	if (outcome == DONE && files_changing(w->files, instance)) {
		*found = true;
		outcome = end_change(w, instance, why);
	}
	if (outcome == DONE)
		outcome = outcome_of_files(files_tidy(w->files, instance, &left, why));
	if (left && !*found) {
		*found = true;
		tell(w, instance, "Removing half-written files of");
	}
	return outcome;
}

void
work_recover_all(const struct work *w, struct repair *tally, struct failure *first)
{
	struct failure why;
	enum outcome outcome;
	bool found;
	unsigned i;

	*tally = (struct repair){ .found = 0 };
	for (i = 0; i < CARDS_MAX; i++) {
		why = (struct failure){ "" };
		outcome = work_recover(w, i, &found, &why);
		tally->found += found ? 1 : 0;
		tally->finished += found && outcome == DONE ? 1 : 0;
		if (outcome == DONE)
			continue;
		log_warning("card %u: unfinished work stays unfinished: %s", i, why.text);
		fail(first, "%s", why.text);
	}
}

enum outcome
cards_repair(const struct config *config, const struct progress *progress, struct repair *out,
    struct failure *why)
{
	struct failure first = { "" };
	enum outcome outcome;
	struct work work;

	*out = (struct repair){ .found = 0 };
	outcome = work_open(&work, config, false, WORK_PATIENCE, progress, why);
	if (outcome != DONE)
		return outcome == NO_SUCH_CARD ? DONE : outcome;
	work_recover_all(&work, out, &first);
	if (files_tidied(work.files)) {
		work_report(&work, "Removing a half-written file");
		out->found++;
		out->finished++;
	}
	work_close(&work);
	if (!failed(&first))
		return DONE;
	fail(why, "%s", first.text);
	return FAILED;
}
