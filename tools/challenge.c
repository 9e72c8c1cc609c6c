/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unblocking with a help desk, on the card's machine: a challenge goes out and
 * a response comes in, through the user's hands.
 */
#include "card/audit.h"
#include "tools/commands.h"
#include "tools/message.h"
#include "tools/paste.h"
#include "tools/qr.h"
#include "tools/secrets.h"

#include <stdio.h>
#include <sys/mman.h>

/* Refuse before anything is typed. */
static enum outcome
examine(const struct config *config, const struct options *options, struct card_details *card,
    struct failure *why)
{
	enum outcome outcome;

	outcome = cards_look(config, options->instance, card, why);
	if (outcome != DONE || card->admin_unblocks)
		return outcome;
	fail(why, "no help desk can unblock this card: its administrator may not%s",
	    card->puk_limit != 0 ? "; use unblock /PUK" : "");
	return NOT_PERMITTED;
}

/* Hand the challenge out and wait for what comes back. */
static enum outcome
exchange(struct paste *paste, const struct options *options, struct rbuf challenge,
    struct wbuf *response, struct failure *why)
{
	enum outcome outcome;

	if (!options->quiet)
		(void)fprintf(stderr, "Give this challenge to the help desk:\n");
	outcome = print_code(CODE_CHALLENGE, challenge, !options->no_qr, why);
	if (outcome != DONE)
		return outcome;
	if (!options->quiet)
		(void)fprintf(stderr,
		    "It is good for %u minute%s, and only while this command goes on.\n",
		    options->wait, options->wait == 1 ? "" : "s");
	return paste_code(paste, CODE_RESPONSE, "Response", response, why);
}

static enum outcome
unblock(struct paste *paste, const struct config *config, const struct options *options,
    const struct secret *fresh, struct failure *why)
{
	uint8_t asked[CARD_CHALLENGE_MAX], answered[CODE_OCTETS_MAX];
	struct wbuf challenge = wbuf_over(asked, sizeof asked);
	struct wbuf response = wbuf_over(answered, sizeof answered);
	struct audit audit = { .event = AUDIT_UNBLOCK, .by = "help desk" };
	struct card_challenge *open = NULL;
	struct reader_mark mark;
	struct failure cause = { "" };
	enum outcome outcome;

	outcome = card_challenge_open(config, options->instance, &open, &challenge, why);
	if (outcome != DONE)
		return outcome;
	outcome = exchange(paste, options, wbuf_view(&challenge), &response, &cause);
	if (outcome == DONE) {
		mark = reader_mark(options->instance);
		outcome = card_challenge_answer(open, wbuf_view(&response), fresh, why);
		if (outcome == DONE)
			reader_follow(options->instance, &mark);
		audit_look(&audit, config, options->instance);
		audit_end(&audit, outcome, why);
	} else {
		fail(why, "%s (nothing has changed; start again with a new challenge)", cause.text);
	}
	card_challenge_close(open);
	return outcome;
}

static enum outcome
ask_and_unblock(struct asking *asking, const struct config *config, const struct pin_policy *policy,
    struct secret *fresh, struct failure *why)
{
	const struct options *options = asking->options;
	enum outcome outcome;
	struct paste paste;

	/* First of all: the challenge grows no older while somebody thinks of a PIN. */
	outcome = asking_pin(asking, SECRET_NEW_PIN, PROMPT_TWICE, policy, fresh, why);
	if (outcome != DONE)
		return outcome;
	message_length("PIN", fresh->len);
	paste_begin(&paste, &asking->prompt, options->wait * 60);
	outcome = unblock(&paste, config, options, fresh, why);
	paste_end(&paste);
	return outcome;
}

enum outcome
unblock_by_challenge(
    const struct config *config, const struct options *options, struct failure *why)
{
	struct failure unread = { "" };
	struct card_details card;
	struct asking asking;
	enum outcome outcome;
	SECRET(fresh);

	outcome = examine(config, options, &card, why);
	if (outcome != DONE)
		return outcome;
	(void)mlock(&fresh, sizeof fresh); /* as far as the limits let us */
	asking_begin(&asking, options);
	outcome = ask_and_unblock(&asking, config, &card.policy, &fresh, why);
	asking_end(&asking);
	secret_clear(&fresh);
	(void)munlock(&fresh, sizeof fresh);
	if (outcome == DONE && cards_look(config, options->instance, &card, &unread) == DONE)
		unblock_tell(card.pin_left, options->quiet);
	return outcome;
}
