/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/beside.h"

#include "applet/admin.h"
#include "applet/defaults.h"
#include "applet/keys.h"

#include <stdlib.h>

enum outcome
beside_open(struct beside *b, const struct config *config, unsigned instance, struct failure *why)
{
	struct failure cause = { "" };
	enum outcome outcome;
	bool found;

	*b = (struct beside){ .instance = instance, .why = why };
	outcome = work_open(&b->work, config, false, WORK_PATIENCE, NULL, &cause);
	b->work.why = why;
	if (outcome == NO_SUCH_CARD)
		fail(why, "there is no card " INSTANCE_PREFIX "%04u", instance);
	else if (outcome != DONE)
		fail(why, "%s", cause.text);
	if (outcome != DONE)
		return outcome;
	outcome = work_recover(&b->work, instance, &found, why);
	if (outcome == DONE)
		outcome = parts_fill(b->work.files, b->work.link.tpm, instance, &b->parts, why);
	if (outcome == DONE) {
		b->piv = calloc(1, sizeof *b->piv);
		if (b->piv == NULL) {
			fail(why, "out of memory");
			outcome = FAILED;
		}
	}
	if (outcome == DONE)
		piv_init(b->piv, b->parts.vault, b->parts.store, &b->parts.paper.profile, NULL);
	else
		beside_close(b);
	return outcome;
}

void
beside_close(struct beside *b)
{
	if (b->piv != NULL)
		piv_reset(b->piv);
	free(b->piv);
	b->piv = NULL;
	parts_clear(&b->parts);
	work_close(&b->work);
}

enum outcome
beside_explain(struct beside *b, enum vault_err err, const char *doing, const char *wrong)
{
	struct failure cause = { "" };
	enum tpm_err health;

	switch (err) {
	case VAULT_OK:
		return DONE;
	case VAULT_AUTH:
	case VAULT_MISMATCH:
		fail(b->why, "%s; nothing has changed", wrong);
		return WRONG_SECRET;
	case VAULT_BLOCKED:
		fail(b->why, "cannot %s: the admin key has no tries left", doing);
		return WRONG_SECRET;
	case VAULT_UNSUPPORTED:
		fail(b->why, "cannot %s: this TPM does not offer what that needs", doing);
		return TPM_PROBLEM;
	case VAULT_FULL:
		fail(b->why, "cannot %s: no room for a key in the TPM", doing);
		return NO_ROOM;
	case VAULT_ABSENT:
	case VAULT_FAULT:
		break;
	}
	health = tpm_vault_health(b->parts.vault, &cause);
	fail(b->why, "cannot %s: %.300s (if it has happened all the same, a repeat does no harm)",
	    doing, health != TPM_OK ? cause.text : "the TPM did not do as it should");
	return health != TPM_OK ? outcome_of_tpm(health) : TPM_PROBLEM;
}

enum outcome
beside_begin(struct beside *b)
{
	enum files_err err = files_change_begin(b->work.files, b->instance, b->why);

	/* It may be there all the same. */
	if (err != FILES_OK && files_change_end(b->work.files, b->instance, false, NULL) != FILES_OK)
		log_warning("card %u: the announcement of a change stays", b->instance);
	return outcome_of_files(err);
}

enum outcome
beside_end(struct beside *b, bool made, enum outcome outcome)
{
	struct failure cause = { "" };

	if (files_change_end(b->work.files, b->instance, made, &cause) == FILES_OK)
		return outcome;
	log_warning("card %u: the announcement of a change stays: %s", b->instance, cause.text);
	if (!made || outcome != DONE)
		return outcome;
	fail(b->why, "the change is made, but programs that have the card open were not told and "
		     "may go on with what they proved before: %.240s; the next run of tpmvscmgr "
		     "tells them, restarting pcscd does too", cause.text);
	return FAILED;
}

enum outcome
admin_may_unblock(const struct paper *paper, struct failure *why)
{
	const char *else_by = paper->info.has_puk ? "use its PUK" : "it has no PUK either";

	if (paper->info.admin_unblocks)
		return DONE;
	if (!paper->info.has_admin)
		fail(why, "the card's administrator key was left to chance (/AdminKey RANDOM) and "
			  "cannot unblock it: %s", else_by);
	else
		fail(why, "the card was made so that its administrator key cannot unblock it "
			  "(--admin-unblock no): %s", else_by);
	return NOT_PERMITTED;
}

/* ---- a new PIN ---- */

/* The note is gone before, and comes back when the PIN is what it said. */
static enum outcome
set_noted(struct beside *b, const struct secret *fresh,
    enum vault_err (*set)(void *context, const struct secret *fresh), void *context,
    enum vault_err *err)
{
	bool was_default;

	if (default_drop(b->piv, KEYREF_PIN, &was_default) != SW_OK) {
		fail(b->why, "cannot write the files of card %u; nothing has changed", b->instance);
		return FAILED;
	}
	*err = set(context, fresh);
	if (*err == VAULT_OK ? default_is(KEYREF_PIN, secret_view(fresh))
			     : was_default && *err != VAULT_FAULT)
		default_note(b->piv, KEYREF_PIN);
	return DONE;
}

enum outcome
beside_set_pin(struct beside *b, const struct secret *fresh,
    enum vault_err (*set)(void *context, const struct secret *fresh), void *context,
    const char *wrong)
{
	enum vault_err err = VAULT_AUTH;
	enum outcome outcome;
	const char *breach;

	breach = pin_policy_breach(&b->parts.paper.profile.policy, secret_view(fresh));
	if (breach != NULL) {
		fail(b->why, "the card's PIN policy forbids the new PIN: %s; nothing has changed",
		    breach);
		return WRONG_SECRET;
	}
	outcome = beside_begin(b);
	if (outcome != DONE)
		return outcome;
	outcome = set_noted(b, fresh, set, context, &err);
	if (outcome == DONE)
		outcome = beside_explain(b, err, "set the new PIN", wrong);
	return beside_end(b, err == VAULT_OK || err == VAULT_FAULT, outcome);
}

/* ---- by the admin key ---- */

struct unblocking {
	struct vault *vault;
	const struct secret *admin_key;
};

static enum vault_err
unblock(void *context, const struct secret *fresh)
{
	const struct unblocking *u = context;

	return vault_unblock(u->vault, REFERENCE_ADMIN, u->admin_key, fresh);
}

/* A key that a crash left in doubt is settled by octets that ADMIN has just taken. */
static void
settle(struct beside *b, const struct secret *admin_key)
{
	struct card_key key;
	bool replaced;

	if (key_load(b->piv, KEYREF_MANAGEMENT, KEYREF_ADMIN, &key) == SW_CONDITIONS_NOT_SATISFIED &&
	    admin_settle_with(b->piv, key.octets, admin_key, &replaced) != SW_OK)
		log_warning("card %u: its key 9B stays in doubt", b->instance);
}

enum outcome
cards_unblock(const struct config *config, unsigned instance, const struct secret *admin_key,
    const struct secret *fresh_pin, struct failure *why)
{
	struct unblocking u = { .admin_key = admin_key };
	enum outcome outcome;
	struct beside b;

	outcome = beside_open(&b, config, instance, why);
	if (outcome != DONE)
		return outcome;
	u.vault = b.parts.vault;
	outcome = admin_may_unblock(&b.parts.paper, why);
	if (outcome == DONE)
		outcome = beside_set_pin(
		    &b, fresh_pin, unblock, &u, "the administrator key is wrong");
	if (outcome == DONE)
		settle(&b, admin_key);
	beside_close(&b);
	return outcome;
}
