/* SPDX-License-Identifier: BSD-2-Clause */
/* change-admin-key: of a managed card by its administrator, of a RANDOM one by its user. */
#include "tools/commands.h"
#include "tools/message.h"
#include "tools/secrets.h"
#include "tools/target.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <sys/mman.h>

struct keys {
	struct secret pin, old, fresh;
	uint8_t old_algorithm, fresh_algorithm;
};

/* ---- a managed card ---- */

/* The old key, where it is not the one that everybody knows. */
static enum outcome
ask_old(struct asking *a, const struct target *t, struct keys *out, struct failure *why)
{
	const struct options *o = a->options;

	if (!t->admin.is_default || o->secret_file[SECRET_ADMIN_KEY] != NULL)
		return asking_admin_key(
		    a, SECRET_ADMIN_KEY, PROMPT_ONCE, out->old_algorithm, &out->old, why);
	if (!o->quiet)
		(void)fprintf(stderr, "The old administrator key is the default one: it is not "
				      "asked for.\n");
	return default_admin_key(admin_key_octets(out->old_algorithm), &out->old) ? DONE : FAILED;
}

static enum outcome
ask_fresh(struct asking *a, struct keys *out, struct failure *why)
{
	if (a->options->admin_key != SOURCE_DEFAULT)
		return asking_admin_key(
		    a, SECRET_NEW_ADMIN_KEY, PROMPT_TWICE, out->fresh_algorithm, &out->fresh, why);
	if (!default_admin_key(admin_key_octets(out->fresh_algorithm), &out->fresh)) {
		fail(why, "/AdminKey: there is no DEFAULT for AES256; use PROMPT");
		return WRONG_USAGE;
	}
	if (!a->options->quiet)
		message_warning(
		    "the card gets the default administrator key, which everybody knows");
	return DONE;
}

static enum outcome
ask(const struct options *o, const struct target *t, struct keys *out, struct failure *why)
{
	struct asking asking;
	enum outcome outcome;

	asking_begin(&asking, o);
	outcome = ask_old(&asking, t, out, why);
	if (outcome == DONE)
		outcome = ask_fresh(&asking, out, why);
	asking_end(&asking);
	if (outcome != DONE)
		return outcome;
	/* As when a script brings an old key that was not asked for. */
	if (out->old_algorithm == out->fresh_algorithm &&
	    rbuf_eq_secret(secret_view(&out->old), secret_view(&out->fresh))) {
		fail(why, "the new administrator key is the old one");
		return WRONG_SECRET;
	}
	return DONE;
}

/* The old key is in the TPM, which compares and never tells: its owner has to. */
static enum outcome
change_beside(
    const struct config *config, unsigned instance, const struct keys *k, struct failure *why)
{
	const struct reader_mark mark = reader_mark(instance);
	enum outcome outcome;

	outcome =
	    cards_change_admin_key(config, instance, &k->old, k->fresh_algorithm, &k->fresh, why);
	if (outcome == DONE)
		reader_follow(instance, &mark);
	return outcome;
}

static enum outcome
change_managed(
    const struct config *config, unsigned instance, const struct keys *k, struct failure *why)
{
	struct failure line = { "" }, beside = { "" };
	struct channel *ch = NULL;
	bool owner_only = false;
	enum outcome outcome;

	outcome = channel_open(config, instance, &ch, why);
	if (outcome != DONE)
		return outcome;
	outcome = client_authenticate(ch, k->old_algorithm, &k->old, &line);
	/* After a change that was interrupted neither key may serve, until its owner shows one. */
	if (outcome == DONE)
		outcome = client_set_management_key(
		    ch, k->fresh_algorithm, &k->fresh, &owner_only, &line);
	else if (outcome != WRONG_SECRET)
		owner_only = true;
	channel_close(ch);
	if (owner_only) {
		outcome = change_beside(config, instance, k, &beside);
		if (outcome != NOT_PERMITTED)
			line = beside;
	}
	if (outcome != DONE)
		fail(why, "%s", line.text);
	return outcome;
}

/* ---- a card whose user manages it ---- */

/*
 * The new key has to be readable before and after: it is put beside the old one
 * first, then set, then put in its place.
 */
static enum outcome
replace_protected(struct channel *ch, struct keys *k, struct failure *why)
{
	struct failure line = { "" };
	bool owner_only = false;
	enum outcome outcome;

	outcome = client_keep_protected(ch, &k->old, &k->fresh, why);
	if (outcome != DONE)
		return outcome;
	outcome = client_set_management_key(ch, k->fresh_algorithm, &k->fresh, &owner_only, why);
	if (outcome != DONE) {
		if (client_keep_protected(ch, &k->old, NULL, &line) != DONE)
			log_info("the key that was to be is still noted: %s", line.text);
		return outcome;
	}
	outcome = client_keep_protected(ch, &k->fresh, NULL, &line);
	if (outcome != DONE)
		fail(why,
		    "the card has the new administrator key, but it could not be put where other "
		    "programs look for it (%s): run change-admin-key again",
		    line.text);
	return outcome;
}

static enum outcome
change_protected(const struct config *config, struct target *t, struct keys *k, struct failure *why)
{
	struct failure line = { "" };
	struct channel *ch = NULL;
	enum outcome outcome;

	k->fresh.len = admin_key_octets(k->fresh_algorithm);
	if (RAND_priv_bytes(k->fresh.data, (int)k->fresh.len) != 1) {
		fail(why, "no random numbers are to be had");
		return FAILED;
	}
	outcome = channel_open(config, t->instance, &ch, why);
	if (outcome != DONE)
		return outcome;
	outcome = client_verify(ch, &k->pin, &line);
	if (outcome == WRONG_SECRET) {
		outcome = target_refused(t, ch, REF_PIN, &line, why);
		goto out;
	}
	if (outcome == DONE)
		outcome = client_protected_key(ch, &k->old, &line);
	if (outcome == DONE)
		outcome = client_authenticate(ch, k->old_algorithm, &k->old, &line);
	if (outcome == DONE)
		outcome = replace_protected(ch, k, &line);
	if (outcome != DONE)
		fail(why, "%s", line.text);
out:
	channel_close(ch);
	return outcome;
}

static enum outcome
ask_pin(const struct options *o, const struct target *t, struct keys *out, struct failure *why)
{
	struct asking asking;
	enum outcome outcome;

	outcome = target_blocked(t, REF_PIN, why);
	if (outcome != DONE)
		return outcome;
	asking_begin(&asking, o);
	outcome = asking_pin(&asking, SECRET_PIN, PROMPT_ONCE, NULL, &out->pin, why);
	asking_end(&asking);
	return outcome;
}

/* ---- which it is ---- */

static enum outcome
check_source(const struct options *o, const struct target *t, struct failure *why)
{
	const bool random = o->admin_key == SOURCE_RANDOM;

	if (!t->admin.there)
		fail(why, "the card has no administrator key");
	else if (random && !t->protected)
		fail(
		    why, "/AdminKey RANDOM: only a card that was made with it can have such a key");
	else if (!random && o->admin_key != SOURCE_OMITTED && t->protected)
		fail(why,
		    "/AdminKey: the card's key is one that its PIN opens and nobody knows, and "
		    "stays so: /AdminKey RANDOM makes another");
	else
		return DONE;
	return t->admin.there ? WRONG_USAGE : FAILED;
}

static enum outcome
change(const struct config *config, const struct options *o, struct target *t, struct keys *k,
    struct failure *why)
{
	enum outcome outcome;

	outcome = t->protected ? ask_pin(o, t, k, why) : ask(o, t, k, why);
	if (outcome != DONE)
		return outcome;
	return t->protected ? change_protected(config, t, k, why)
			    : change_managed(config, t->instance, k, why);
}

enum outcome
change_admin_key_run(
    const struct config *config, const struct options *options, struct failure *why)
{
	struct keys keys = { .pin.len = 0 };
	enum outcome outcome;
	struct target t;

	outcome = target_look(config, options->instance, &t, why);
	if (outcome == DONE)
		outcome = check_source(options, &t, why);
	if (outcome != DONE)
		return outcome;
	keys.old_algorithm = t.admin.algorithm;
	keys.fresh_algorithm =
	    options->admin_algorithm != 0 ? options->admin_algorithm : t.admin.algorithm;
	(void)mlock(&keys, sizeof keys); /* as far as the limits let us */
	outcome = change(config, options, &t, &keys, why);
	secret_clear(&keys.pin);
	secret_clear(&keys.old);
	secret_clear(&keys.fresh);
	(void)munlock(&keys, sizeof keys);
	if (outcome == DONE && !options->quiet)
		(void)fprintf(stderr, "The administrator key is changed.\n");
	return outcome;
}
