/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A card made anew in its place, as RESET asks for: whole, or the old one
 * stays as it was.  It runs inside pcscd.
 */
#include "card/attest.h"
#include "card/parts.h"

/* How long a client may wait for a tpmvscmgr that is at work. */
#define PATIENCE 5

/* A card being replaced. */
struct renewal {
	struct work work;
	struct making making;
	struct card_request request;
	struct paper old;
	uint8_t octets[WORK_CLAIMS_MAX]; /* the journal's claims ... */
	struct rbuf claims;		 /* ... empty until it is on disk */
};

/* See that it is the card the caller means, and one that may and can be made anew. */
static enum outcome
examine(struct renewal *r, struct rbuf record)
{
	struct failure *why = r->work.why;
	enum outcome outcome;
	const char *breach;

	outcome = paper_read(r->work.files, r->making.instance, &r->old, why);
	if (outcome != DONE)
		return outcome;
	if (!rbuf_eq(r->old.record, record)) {
		fail(why, "it is another card by now");
		return FAILED;
	}
	if (!r->old.profile.allow_reset) {
		fail(why, "it was not made with --allow-reset");
		return NOT_PERMITTED;
	}
	breach = pin_policy_breach(&r->old.profile.policy, secret_view(r->request.pin));
	if (breach != NULL) {
		fail(why, "its PIN policy forbids the default PIN: %s", breach);
		return FAILED;
	}
	return DONE;
}

/* Whether the old card has an attestation key, which the new one gets one for. */
static enum outcome
look_for_attestation(struct renewal *r)
{
	uint8_t octets[VAULT_KEY_MAX];
	struct wbuf key = wbuf_over(octets, sizeof octets);
	struct store *store = NULL;
	enum outcome outcome;
	enum store_err err;

	outcome = outcome_of_files(
	    files_store_open(r->work.files, r->making.instance, &store, r->work.why));
	if (outcome != DONE)
		return outcome;
	err = store_get(store, STORE_KEY, ATTESTATION_KEY, &key);
	files_store_close(store);
	r->request.attestation = err == STORE_OK;
	if (err == STORE_OK || err == STORE_ABSENT)
		return DONE;
	fail(r->work.why, "its attestation key cannot be read");
	return outcome_of_store(err);
}

/* Complete the request: a card like the old one, but for its secrets. */
static void
request_like_old(struct renewal *r)
{
	const struct tpm_card_info *info = &r->old.info;

	r->request.profile = r->old.profile;
	r->request.pin_tries = info->pin_tries;
	r->request.puk_tries = info->puk_tries;
	if (!info->has_puk)
		r->request.puk = NULL;
	r->request.admin_unblock = info->admin_unblocks;
}

/* Decide everything and write it down: from here on the journal says how it ends. */
static enum outcome
plan(struct renewal *r, struct failure *why)
{
	uint8_t old_octets[TPM_CLAIMS_MAX], fresh_octets[TPM_CLAIMS_MAX];
	struct wbuf old = wbuf_over(old_octets, sizeof old_octets);
	struct wbuf fresh = wbuf_over(fresh_octets, sizeof fresh_octets);
	struct wbuf both = wbuf_over(r->octets, sizeof r->octets);
	struct replacement claims;
	enum outcome outcome;

	if (tpm_record_claims(r->old.record, &old) != TPM_OK) {
		fail(why, "the record of card %u is damaged", r->making.instance);
		return FAILED;
	}
	outcome = making_plan(&r->making, r->old.record, &fresh, why);
	if (outcome != DONE)
		return outcome;
	claims = (struct replacement){ wbuf_view(&old), wbuf_view(&fresh) };
	if (!replacement_write(&claims, &both)) {
		fail(why, "the claims of card %u are too long", r->making.instance);
		return FAILED;
	}
	outcome = outcome_of_files(files_journal_write(
	    r->work.files, r->making.instance, JOURNAL_REPLACING, wbuf_view(&both), why));
	/* Also when that failed: it may be there. */
	r->claims = wbuf_view(&both);
	return outcome;
}

/* Make the new card beside the old one and put it in its place. */
static enum outcome
make(struct renewal *r, struct failure *why)
{
	uint8_t octets[TPM_RECORD_MAX];
	struct wbuf record = wbuf_over(octets, sizeof octets);
	enum outcome outcome;

	outcome = making_run(&r->making, &record, why);
	if (outcome != DONE)
		return outcome;
	return outcome_of_files(
	    files_replace(r->work.files, r->making.instance, wbuf_view(&record), why));
}

/* End what was begun, well or not, and say what came of it. */
static enum outcome
settle(struct renewal *r, enum outcome outcome, const struct failure *cause)
{
	const unsigned instance = r->making.instance;
	struct failure end = { "" };
	enum outcome settled;
	bool fresh = false;

	settled = work_settle(&r->work, instance, r->claims, &fresh, &end);
	if (settled == DONE && files_journal_drop(r->work.files, instance, &end) != FILES_OK)
		log_warning("card %u: its journal stays: %s", instance, end.text);
	if (settled == DONE && fresh) {
		if (outcome != DONE)
			log_warning("card %u is made anew after: %s", instance, cause->text);
		return DONE;
	}
	if (settled == DONE) {
		fail(r->work.why, "%.400s (the card is as it was)", cause->text);
		return outcome;
	}
	fail(r->work.why, "%.240s%s%.160s (the next run of tpmvscmgr completes or undoes it)",
	    cause->text, failed(cause) ? "; " : "", end.text);
	return outcome != DONE ? outcome : settled;
}

static enum outcome
start_over(struct renewal *r, struct rbuf record)
{
	struct failure cause = { "" };
	enum outcome outcome;

	outcome = examine(r, record);
	if (outcome == DONE)
		outcome = look_for_attestation(r);
	if (outcome != DONE)
		return outcome;
	request_like_old(r);
	outcome = plan(r, &cause);
	if (outcome == DONE)
		outcome = make(r, &cause);
	/* Before anything else: it holds the policy authority. */
	making_end(&r->making);
	if (r->claims.len != 0)
		return settle(r, outcome, &cause);
	fail(r->work.why, "%s", cause.text);
	return outcome;
}

enum outcome
cards_start_over(
    const struct config *config, unsigned instance, struct rbuf record, struct failure *why)
{
	SECRET(pin);
	SECRET(puk);
	SECRET(admin_key);
	struct renewal r = {
		.making = { .work = &r.work, .request = &r.request, .instance = instance },
		.request = { .pin = &pin,
		    .puk = &puk,
		    .admin_key = &admin_key,
		    .admin_algorithm = ALG_3DES,
		    .generate = true },
	};
	enum outcome outcome;
	bool found;

	if (!default_pin(&pin) || !default_puk(&puk) ||
	    !default_admin_key(DEFAULT_ADMIN_KEY_OCTETS, &admin_key))
		return FAILED;
	outcome = work_open(&r.work, config, false, PATIENCE, NULL, why);
	if (outcome != DONE)
		return outcome;
	outcome = work_recover(&r.work, instance, &found, why);
	if (outcome == DONE)
		outcome = start_over(&r, record);
	work_close(&r.work);
	return outcome;
}
