/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

/*
 * A card whose record cannot be read is not destroyed: what it holds in the
 * TPM is not known, so it could not be erased, and a copy of its files with a
 * sound record would go on working.  Saying "destroyed" would be untrue, and
 * removing the files would only hide that.  The administrator can restore the
 * record, or remove the directory by hand, knowing what stays.
 */
static enum outcome
read_claims(struct work *w, unsigned instance, struct paper *paper, struct wbuf *claims)
{
	struct failure cause = { "" };
	enum outcome outcome;

	outcome = paper_read(w->files, instance, paper, &cause);
	if (outcome == DONE && tpm_record_claims(paper->record, claims) != TPM_OK) {
		fail(&cause, "the record of card %u is damaged", instance);
		outcome = FAILED;
	}
	if (outcome == FAILED)
		fail(w->why,
		    "%.200s; the card was not destroyed, for what it holds in the TPM is "
		    "not known.  If there is no backup, remove %.180s/%04u by hand: its NV "
		    "indices then stay in the TPM",
		    cause.text, w->config->state_dir, instance);
	else if (outcome != DONE)
		fail(w->why, "%s", cause.text);
	return outcome;
}

/* Whether all of the card is in the TPM; why says what is not. */
static bool
is_whole(const struct work *w, struct rbuf record, struct failure *why)
{
	struct vault *vault = NULL;
	bool whole;

	if (tpm_vault_open(w->link.tpm, record, &vault) != TPM_OK)
		return false;
	whole = tpm_vault_health(vault, why) == TPM_OK;
	tpm_vault_free(vault);
	return whole;
}

/* See that the TPM answers before anything is begun; a card that is not whole does not matter. */
static enum outcome
check_tpm(struct work *w, unsigned instance, struct rbuf record)
{
	struct failure cause = { "" };
	enum tpm_err err;

	if (is_whole(w, record, NULL))
		return DONE;
	err = tpm_probe(w->link.tpm, &cause);
	if (err == TPM_OK)
		return DONE;
	fail(w->why,
	    "%.200s (the card is as it was; if its TPM is gone for good, remove "
	    "%.180s/%04u by hand)",
	    cause.text, w->config->state_dir, instance);
	return outcome_of_tpm(err);
}

/* Erasing failed: when nothing was erased yet, the card stays; else the journal does. */
static void
stop(struct work *w, unsigned instance, struct rbuf record, const struct failure *cause)
{
	if (is_whole(w, record, NULL) && files_journal_drop(w->files, instance, NULL) == FILES_OK)
		fail(w->why, "%s (the card is as it was)", cause->text);
	else
		fail(w->why,
		    "%.400s (the card's end has begun; the next run of tpmvscmgr completes "
		    "it)",
		    cause->text);
}

static enum outcome
destroy(struct work *w, unsigned instance)
{
	uint8_t octets[TPM_CLAIMS_MAX];
	struct wbuf claims = wbuf_over(octets, sizeof octets);
	struct failure cause = { "" };
	struct paper paper;
	enum outcome outcome;

	outcome = read_claims(w, instance, &paper, &claims);
	if (outcome == DONE)
		outcome = check_tpm(w, instance, paper.record);
	if (outcome != DONE)
		return outcome;
	outcome = outcome_of_files(files_journal_write(
	    w->files, instance, JOURNAL_DESTROYING, wbuf_view(&claims), &cause));
	if (outcome == DONE) {
		work_report(w, "Erasing the TPM smart card");
		outcome = work_erase(w, instance, wbuf_view(&claims), rbuf_of(NULL, 0), &cause);
	}
	if (outcome != DONE) {
		stop(w, instance, paper.record, &cause);
		return outcome;
	}
	work_report(w, "Removing the card's files");
	outcome = outcome_of_files(files_remove(w->files, instance, &cause));
	if (outcome != DONE) {
		fail(w->why,
		    "%.300s (the card is erased from the TPM; the next run of tpmvscmgr "
		    "removes what is left of its files)",
		    cause.text);
		return outcome;
	}
	if (files_journal_drop(w->files, instance, &cause) != FILES_OK)
		log_warning(
		    "card %u is destroyed, but its journal stays: %s", instance, cause.text);
	work_report(w, "TPM smart card destroyed");
	return DONE;
}

/* Whether the instance's destruction was begun by an earlier run. */
static bool
was_begun(const struct work *w, unsigned instance)
{
	uint8_t octets[WORK_CLAIMS_MAX];
	struct wbuf claims = wbuf_over(octets, sizeof octets);
	enum journal_verb verb;

	return files_journal_read(w->files, instance, &verb, &claims, NULL) == FILES_OK &&
	       verb == JOURNAL_DESTROYING;
}

enum outcome
cards_destroy(const struct config *config, unsigned instance, const struct progress *progress,
    struct failure *why)
{
	enum outcome outcome;
	struct repair tally;
	struct work work;
	bool begun, found;

	outcome = work_open(&work, config, false, WORK_PATIENCE, progress, why);
	if (outcome != DONE)
		return outcome;
	begun = was_begun(&work, instance);
	outcome = work_recover(&work, instance, &found, why);
	work_recover_all(&work, &tally, NULL);
	if (outcome == DONE && !begun)
		outcome = destroy(&work, instance);
	work_close(&work);
	return outcome;
}
