/* SPDX-License-Identifier: BSD-2-Clause */
/* unblock by the PUK or by the administrator key; --challenge is in challenge.c. */
#include "card/audit.h"
#include "tools/commands.h"
#include "tools/message.h"
#include "tools/secrets.h"
#include "tools/target.h"

#include <stdio.h>
#include <sys/mman.h>

struct pair {
	struct secret proof, fresh_pin;
};

typedef enum outcome work(
    const struct config *config, struct target *t, const struct pair *secrets, struct failure *why);

/* See "Not promised" in the TPM room's README about the old PIN. */
void
unblock_tell(int tries_left, bool quiet)
{
	if (quiet)
		return;
	if (tries_left >= 0)
		(void)fprintf(stderr, "The new PIN is set; it has %d %s.\n", tries_left,
		    tries_left == 1 ? "try" : "tries");
	else
		(void)fprintf(stderr, "The new PIN is set.\n");
	(void)fprintf(stderr, "The old PIN counts as disclosed: use it nowhere again.\n");
}

static enum outcome
ask(struct asking *a, const struct target *t, enum secret_kind kind, struct pair *out,
    struct failure *why)
{
	enum outcome outcome;

	if (kind == SECRET_PUK)
		outcome = asking_pin(a, kind, PROMPT_ONCE, NULL, &out->proof, why);
	else
		outcome =
		    asking_admin_key(a, kind, PROMPT_ONCE, t->admin.algorithm, &out->proof, why);
	if (outcome == DONE)
		outcome = asking_pin(
		    a, SECRET_NEW_PIN, PROMPT_TWICE, target_policy(t), &out->fresh_pin, why);
	return outcome;
}

static enum outcome
unblock(const struct config *config, const struct options *o, struct target *t,
    enum secret_kind kind, work *carry_out, struct failure *why)
{
	struct audit audit = { .event = AUDIT_UNBLOCK };
	struct pair secrets = { .proof.len = 0 };
	struct asking asking;
	enum outcome outcome;

	(void)mlock(&secrets, sizeof secrets); /* as far as the limits let us */
	asking_begin(&asking, o);
	outcome = ask(&asking, t, kind, &secrets, why);
	asking_end(&asking);
	if (outcome == DONE) {
		message_length("PIN", secrets.fresh_pin.len);
		outcome = carry_out(config, t, &secrets, why);
		audit_look(&audit, config, t->instance);
		audit.by = kind == SECRET_PUK ? "PUK" : "administrator key";
		audit_end(&audit, outcome, why);
	}
	secret_clear(&secrets.proof);
	secret_clear(&secrets.fresh_pin);
	(void)munlock(&secrets, sizeof secrets);
	if (outcome == DONE)
		unblock_tell(t->pin.tries_limit != 0 ? (int)t->pin.tries_left : -1, o->quiet);
	return outcome;
}

/* ---- by the PUK, as anybody whom pcscd lets in ---- */

static enum outcome
by_puk(
    const struct config *config, struct target *t, const struct pair *secrets, struct failure *why)
{
	struct failure line = { "" }, unread = { "" };
	struct channel *ch = NULL;
	enum outcome outcome;

	outcome = channel_open(config, t->instance, &ch, why);
	if (outcome != DONE)
		return outcome;
	outcome = client_unblock(ch, &secrets->proof, &secrets->fresh_pin, &line);
	if (outcome == WRONG_SECRET)
		outcome = target_refused(t, ch, REF_PUK, &line, why);
	else if (outcome != DONE)
		fail(why, "%s", line.text);
	if (outcome == DONE && client_metadata(ch, REF_PIN, &t->pin, &unread) != DONE)
		t->pin.tries_limit = 0; /* nobody could tell how many */
	channel_close(ch);
	return outcome;
}

static enum outcome
unblock_by_puk(const struct config *config, const struct options *o, struct failure *why)
{
	enum outcome outcome;
	struct target t;

	outcome = target_look(config, o->instance, &t, why);
	if (outcome == DONE)
		outcome = target_blocked(&t, REF_PUK, why);
	return outcome == DONE ? unblock(config, o, &t, SECRET_PUK, by_puk, why) : outcome;
}

/* ---- by the administrator key, which takes the right to the TPM ---- */

static enum outcome
by_admin_key(
    const struct config *config, struct target *t, const struct pair *secrets, struct failure *why)
{
	const struct reader_mark mark = reader_mark(t->instance);
	struct card_details details;
	struct failure unread = { "" };
	enum outcome outcome;

	outcome = cards_unblock(config, t->instance, &secrets->proof, &secrets->fresh_pin, why);
	if (outcome != DONE)
		return outcome;
	reader_follow(t->instance, &mark);
	t->pin = (struct metadata){ .there = true };
	if (cards_look(config, t->instance, &details, &unread) == DONE && details.pin_left >= 0) {
		t->pin.tries_limit = details.pin_limit;
		t->pin.tries_left = (unsigned)details.pin_left;
	}
	return DONE;
}

/* Whether there is any use in asking for the key. */
static enum outcome
may_unblock(const struct target *t, struct failure *why)
{
	const struct card_details *d = &t->details;

	if (d->admin_random)
		fail(why,
		    "the card was made with /AdminKey RANDOM: no administrator key unblocks it");
	else if (!d->admin_unblocks)
		fail(why,
		    "the card was made with --admin-unblock no: its administrator key does not "
		    "unblock it");
	else if (d->admin_algorithm != 0)
		return DONE;
	else {
		fail(why, "%s", d->problem.text);
		return TPM_PROBLEM;
	}
	return NOT_PERMITTED;
}

static enum outcome
unblock_by_admin_key(const struct config *config, const struct options *o, struct failure *why)
{
	struct target t = { .instance = o->instance };
	enum outcome outcome;

	outcome = cards_look(config, o->instance, &t.details, why);
	if (outcome == DONE)
		outcome = may_unblock(&t, why);
	if (outcome != DONE)
		return outcome;
	t.local = true;
	t.admin.algorithm = t.details.admin_algorithm;
	return unblock(config, o, &t, SECRET_ADMIN_KEY, by_admin_key, why);
}

enum outcome
unblock_run(const struct config *config, const struct options *options, struct failure *why)
{
	switch (options->by) {
	case BY_PUK:
		return unblock_by_puk(config, options, why);
	case BY_ADMIN_KEY:
		return unblock_by_admin_key(config, options, why);
	case BY_CHALLENGE:
		break;
	}
	return unblock_by_challenge(config, options, why);
}
