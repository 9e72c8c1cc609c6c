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
	return DONE;
}

void
work_close(struct work *w)
{
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

static const char *
doing(enum journal_verb verb)
{
	switch (verb) {
	case JOURNAL_CREATING:
		return "making";
	case JOURNAL_DESTROYING:
		return "destroying";
	case JOURNAL_REPLACING:
		break;
	}
	return "replacing";
}

/* Do what a journal asks for. */
static enum outcome
end_work(const struct work *w, unsigned instance, enum journal_verb verb, struct rbuf claims,
    struct failure *why)
{
	enum outcome outcome;
	bool fresh;

	if (verb == JOURNAL_CREATING && files_has(w->files, instance))
		return DONE;
	work_report(w, "Clearing up after an interrupted run");
	if (verb == JOURNAL_REPLACING)
		return work_settle(w, instance, claims, &fresh, why);
	outcome = work_erase(w, instance, claims, rbuf_of(NULL, 0), why);
	if (outcome != DONE)
		return outcome;
	return outcome_of_files(files_remove(w->files, instance, why));
}

/* A change that was announced and not ended may have been made: the card's driver has to know. */
static enum outcome
end_change(const struct work *w, unsigned instance, struct failure *why)
{
	if (!files_changing(w->files, instance))
		return DONE;
	log_warning("card %u: a run was interrupted while changing it", instance);
	return outcome_of_files(files_change_end(
	    w->files, instance, files_has(w->files, instance), why));
}

enum outcome
work_recover(const struct work *w, unsigned instance, struct failure *why)
{
	uint8_t octets[WORK_CLAIMS_MAX];
	struct wbuf claims = wbuf_over(octets, sizeof octets);
	enum journal_verb verb;
	enum outcome outcome;
	enum files_err err;

	err = files_journal_read(w->files, instance, &verb, &claims, why);
	if (err == FILES_ABSENT)
		return end_change(w, instance, why);
	if (err != FILES_OK)
		return outcome_of_files(err);
	log_warning("card %u: a run was interrupted while %s it", instance, doing(verb));
	outcome = end_work(w, instance, verb, wbuf_view(&claims), why);
	if (outcome == DONE)
		outcome = end_change(w, instance, why);
	if (outcome != DONE)
		return outcome;
	return outcome_of_files(files_journal_drop(w->files, instance, why));
}

void
work_recover_all(const struct work *w)
{
	struct failure why;
	unsigned i;

	for (i = 0; i < CARDS_MAX; i++) {
		why = (struct failure){ "" };
		if (work_recover(w, i, &why) != DONE)
			log_warning("card %u: unfinished work stays unfinished: %s", i, why.text);
	}
}
