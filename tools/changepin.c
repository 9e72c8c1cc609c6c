/* SPDX-License-Identifier: BSD-2-Clause */
/* change-pin and change-puk. */
#include "tools/commands.h"
#include "tools/message.h"
#include "tools/secrets.h"
#include "tools/target.h"

#include <stdio.h>
#include <sys/mman.h>

struct change {
	uint8_t reference;
	enum secret_kind old, fresh;
	const char *name;
};

struct pair {
	struct secret old, fresh;
};

static enum outcome
ask(const struct options *o, const struct change *c, const struct target *t, struct pair *out,
    struct failure *why)
{
	const struct pin_policy *policy = c->reference == REF_PIN ? target_policy(t) : NULL;
	struct asking asking;
	enum outcome outcome;

	asking_begin(&asking, o);
	outcome = asking_pin(&asking, c->old, PROMPT_ONCE, NULL, &out->old, why);
	if (outcome == DONE)
		outcome = asking_pin(&asking, c->fresh, PROMPT_TWICE, policy, &out->fresh, why);
	asking_end(&asking);
	return outcome;
}

static enum outcome
carry_out(const struct config *config, const struct change *c, struct target *t,
    const struct pair *secrets, struct failure *why)
{
	struct failure line = { "" };
	struct channel *ch = NULL;
	enum outcome outcome;

	outcome = channel_open(config, t->instance, &ch, why);
	if (outcome != DONE)
		return outcome;
	outcome = client_change(ch, c->reference, &secrets->old, &secrets->fresh, &line);
	if (outcome == WRONG_SECRET)
		outcome = target_refused(t, ch, c->reference, &line, why);
	else if (outcome != DONE)
		fail(why, "%s", line.text);
	channel_close(ch);
	return outcome;
}

static enum outcome
change(const struct config *config, const struct options *o, const struct change *c,
    struct failure *why)
{
	struct pair secrets = { .old.len = 0 };
	enum outcome outcome;
	struct target t;

	outcome = target_look(config, o->instance, &t, why);
	if (outcome == DONE)
		outcome = target_blocked(&t, c->reference, why);
	if (outcome != DONE)
		return outcome;
	(void)mlock(&secrets, sizeof secrets); /* as far as the limits let us */
	outcome = ask(o, c, &t, &secrets, why);
	if (outcome == DONE) {
		message_length(c->name, secrets.fresh.len);
		outcome = carry_out(config, c, &t, &secrets, why);
	}
	secret_clear(&secrets.old);
	secret_clear(&secrets.fresh);
	(void)munlock(&secrets, sizeof secrets);
	if (outcome == DONE && !o->quiet)
		(void)fprintf(stderr, "The %s is changed.\n", c->name);
	return outcome;
}

enum outcome
change_pin_run(const struct config *config, const struct options *options, struct failure *why)
{
	static const struct change pin = { REF_PIN, SECRET_PIN, SECRET_NEW_PIN, "PIN" };

	return change(config, options, &pin, why);
}

enum outcome
change_puk_run(const struct config *config, const struct options *options, struct failure *why)
{
	static const struct change puk = { REF_PUK, SECRET_PUK, SECRET_NEW_PUK, "PUK" };

	return change(config, options, &puk, why);
}
