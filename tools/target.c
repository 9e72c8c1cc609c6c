/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/target.h"

/* What the card itself says. */
static enum outcome
ask_card(struct target *t, struct channel *ch, struct failure *why)
{
	enum outcome outcome;

	outcome = client_metadata(ch, REF_PIN, &t->pin, why);
	if (outcome == DONE)
		outcome = client_metadata(ch, REF_PUK, &t->puk, why);
	if (outcome == DONE)
		outcome = client_metadata(ch, REF_MANAGEMENT, &t->admin, why);
	if (outcome == DONE)
		outcome = client_is_protected(ch, &t->protected, why);
	return outcome;
}

enum outcome
target_look(const struct config *config, unsigned instance, struct target *out, struct failure *why)
{
	struct failure unread = { "" }, line = { "" };
	struct channel *ch = NULL;
	enum outcome outcome;

	*out = (struct target){ .instance = instance };
	outcome = channel_open(config, instance, &ch, why);
	if (outcome != DONE)
		return outcome;
	outcome = ask_card(out, ch, &line);
	channel_close(ch);
	out->local = cards_look(config, instance, &out->details, &unread) == DONE;
	if (outcome == DONE)
		return DONE;
	/* The card can only say that it cannot. */
	if (out->local && failed(&out->details.problem)) {
		fail(why, "%s", out->details.problem.text);
		return TPM_PROBLEM;
	}
	fail(why, "%s", line.text);
	return outcome;
}

static bool
is_blocked(const struct metadata *m)
{
	return m->tries_limit != 0 && m->tries_left == 0;
}

/* Who but the PUK's owner can set a new PIN; NULL when nobody can. */
static const char *
other_way(const struct target *t)
{
	/* A key that nobody knows unblocks nothing. */
	if (t->local ? !t->details.admin_unblocks : t->protected)
		return NULL;
	return "root can set a new PIN with /AdminKey, and a help desk with --challenge";
}

static void
say_pin_blocked(const struct target *t, struct failure *why)
{
	const bool puk = t->puk.there && !is_blocked(&t->puk);
	const char *const other = other_way(t);
	const char *const lost =
	    t->puk.there ? "its PUK is blocked as well" : "the card has no PUK";

	if (puk)
		fail(why,
		    "the PIN is blocked: \"tpmvscmgr unblock /instance %u\" sets a new one by the "
		    "PUK%s%s",
		    t->instance, other != NULL ? "; " : "", other != NULL ? other : "");
	else if (other != NULL)
		fail(why, "the PIN is blocked, and %s: with \"tpmvscmgr unblock /instance %u\", %s",
		    lost, t->instance, other);
	else
		fail(why,
		    "the PIN is blocked, %s, and nothing else may unblock it: the card can only be "
		    "destroyed and made anew",
		    lost);
}

enum outcome
target_blocked(const struct target *t, uint8_t reference, struct failure *why)
{
	if (reference == REF_PIN && is_blocked(&t->pin))
		say_pin_blocked(t, why);
	else if (reference == REF_PUK && !t->puk.there)
		fail(why, "the card has no PUK%s%s", other_way(t) != NULL ? ": " : "",
		    other_way(t) != NULL ? other_way(t) : "");
	else if (reference == REF_PUK && is_blocked(&t->puk))
		fail(why, "the PUK is blocked for good%s%s", other_way(t) != NULL ? ": " : "",
		    other_way(t) != NULL ? other_way(t) : "");
	else
		return DONE;
	return WRONG_SECRET;
}

enum outcome
target_refused(struct target *t, struct channel *ch, uint8_t reference, const struct failure *line,
    struct failure *why)
{
	struct metadata *m = reference == REF_PIN ? &t->pin : &t->puk;
	struct failure unread = { "" };

	if (client_metadata(ch, reference, m, &unread) != DONE ||
	    target_blocked(t, reference, why) == DONE)
		fail(why, "%s", line->text);
	return WRONG_SECRET;
}

const struct pin_policy *
target_policy(const struct target *t)
{
	return t->local ? &t->details.policy : NULL;
}
