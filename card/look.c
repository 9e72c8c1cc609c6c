/* SPDX-License-Identifier: BSD-2-Clause */
/* One card, or the TPM, looked at. */
#include "card/look.h"

#include <stdio.h>
#include <string.h>

#define CARD_MANAGEMENT_KEY 0x9b

_Static_assert(CARD_RECORD_MAX >= TPM_RECORD_MAX, "room for every record");

/* Clear up after an interrupted run, if there was one and nobody else is at work. */
static void
recover(const struct config *config, struct files *files)
{
	struct failure why = { "" };
	struct work work = { .config = config, .files = files };
	struct repair tally;

	if (!files_unfinished(files))
		return;
	if (files_lock(files, 0, &why) != FILES_OK || !tpm_link_open(&work.link, config, &why)) {
		log_info("unfinished work is left alone: %s", why.text);
		return;
	}
	work_recover_all(&work, &tally, NULL);
	tpm_link_close(&work.link);
}

enum outcome
look_open(struct look *look, const struct config *config, struct failure *why)
{
	struct failure cause = { "" };
	enum files_err err;

	*look = (struct look){ .files = NULL };
	err = files_open(config->state_dir, false, &look->files, &cause);
	if (err == FILES_ABSENT)
		return NO_SUCH_CARD;
	if (err != FILES_OK) {
		fail(why, "%s", cause.text);
		return outcome_of_files(err);
	}
	recover(config, look->files);
	if (!tpm_link_open(&look->link, config, why)) {
		look_close(look);
		return FAILED;
	}
	return DONE;
}

void
look_close(struct look *look)
{
	tpm_link_close(&look->link);
	files_close(look->files);
	look->files = NULL;
}

static int
tries_left(struct vault *vault, enum reference which)
{
	struct tries tries;

	return vault_tries(vault, which, &tries) == VAULT_OK ? (int)tries.left : -1;
}

void
look_ask(struct look *look, const struct parts *parts, struct look_state *out)
{
	*out = (struct look_state){ .pin_left = -1, .puk_left = -1 };
	if (!failed(&look->away)) {
		if (tpm_vault_health(parts->vault, &out->problem) == TPM_OK) {
			out->pin_left = tries_left(parts->vault, REFERENCE_PIN);
			if (parts->paper.info.has_puk)
				out->puk_left = tries_left(parts->vault, REFERENCE_PUK);
			return;
		}
		/* The card's own trouble, or everybody's?  Ten deadlines are too long a wait. */
		if (tpm_probe(look->link.tpm, &look->away) == TPM_OK)
			return;
	}
	out->problem = look->away;
}

/* The algorithm of 9B; 0 with a problem when the key cannot be read. */
static uint8_t
admin_algorithm(const struct parts *parts, struct failure *problem)
{
	uint8_t octets[VAULT_KEY_MAX];
	struct wbuf key = wbuf_over(octets, sizeof octets);
	struct key_info info;

	if (store_get(parts->store, STORE_KEY, CARD_MANAGEMENT_KEY, &key) == STORE_OK &&
	    vault_describe(parts->vault, wbuf_view(&key), &info) == VAULT_OK)
		return info.algorithm;
	if (!failed(problem))
		fail(problem, "the key 9B cannot be read");
	return 0;
}

static void
describe(struct look *look, const struct parts *parts, struct card_details *out)
{
	const struct piv_profile *profile = &parts->paper.profile;
	const struct tpm_card_info *info = &parts->paper.info;
	struct look_state state;
	size_t i;

	look_ask(look, parts, &state);
	*out = (struct card_details){
		.pin_limit = info->pin_tries,
		.puk_limit = info->has_puk ? info->puk_tries : 0,
		.pin_left = state.pin_left,
		.puk_left = state.puk_left,
		.policy = profile->policy,
		.allow_reset = profile->allow_reset,
		.admin_random = !info->has_admin,
		.admin_unblocks = info->admin_unblocks,
		.problem = state.problem,
	};
	(void)snprintf(out->name, sizeof out->name, "%s", profile->name);
	for (i = 0; i < sizeof out->guid; i++)
		out->guid[i] = profile->guid[i];
	out->admin_algorithm = admin_algorithm(parts, &out->problem);
}

/* Without a state directory there is no card: say so as of any other that is missing. */
static enum outcome
missing(enum outcome outcome, unsigned instance, struct failure *why)
{
	if (outcome == NO_SUCH_CARD)
		fail(why, "there is no card " INSTANCE_PREFIX "%04u", instance);
	return outcome;
}

enum outcome
cards_look(const struct config *config, unsigned instance, struct card_details *out,
    struct failure *why)
{
	enum outcome outcome;
	struct parts parts;
	struct look look;

	outcome = look_open(&look, config, why);
	if (outcome != DONE)
		return missing(outcome, instance, why);
	outcome = parts_fill(look.files, look.link.tpm, instance, &parts, why);
	if (outcome == DONE) {
		describe(&look, &parts, out);
		parts_clear(&parts);
	}
	look_close(&look);
	return outcome;
}

enum outcome
cards_record(
    const struct config *config, unsigned instance, struct wbuf *out, struct failure *why)
{
	enum outcome outcome;
	struct paper paper;
	struct look look;

	outcome = look_open(&look, config, why);
	if (outcome != DONE)
		return missing(outcome, instance, why);
	outcome = paper_read(look.files, instance, &paper, why);
	if (outcome == DONE)
		wbuf_put(out, paper.record);
	look_close(&look);
	return outcome;
}

/* Whether it is the card of that name, and sound: DONE, NO_SUCH_CARD, or what stands in the way. */
static enum outcome
is_named(struct look *look, unsigned instance, const char *name, struct failure *why)
{
	struct look_state state;
	struct parts parts;

	if (parts_fill(look->files, look->link.tpm, instance, &parts, NULL) != DONE)
		return NO_SUCH_CARD;
	if (strcmp(parts.paper.profile.name, name) != 0) {
		parts_clear(&parts);
		return NO_SUCH_CARD;
	}
	look_ask(look, &parts, &state);
	parts_clear(&parts);
	if (!failed(&state.problem))
		return DONE;
	/* Without the TPM nobody can tell: neither yes nor no would be true. */
	if (failed(&look->away)) {
		fail(why, "%s", look->away.text);
		return TPM_PROBLEM;
	}
	return NO_SUCH_CARD;
}

enum outcome
cards_find(
    const struct config *config, const char *name, unsigned *instance, struct failure *why)
{
	enum outcome outcome;
	struct look look;
	unsigned i;

	outcome = look_open(&look, config, why);
	if (outcome == DONE) {
		outcome = NO_SUCH_CARD;
		for (i = 0; i < CARDS_MAX && outcome == NO_SUCH_CARD; i++) {
			if (files_has(look.files, i))
				outcome = is_named(&look, i, name, why);
		}
		if (outcome == DONE)
			*instance = i - 1;
		look_close(&look);
	}
	if (outcome == NO_SUCH_CARD)
		fail(why, "there is no sound card of that name");
	return outcome;
}

enum outcome
cards_tpm(const struct config *config, struct tpm_facts *out, struct failure *why)
{
	struct tpm_link link;
	enum outcome outcome;

	if (!tpm_link_open(&link, config, why))
		return FAILED;
	outcome = outcome_of_tpm(tpm_ask(link.tpm, out, why));
	tpm_link_close(&link);
	return outcome;
}
