/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The help desk's side of unblocking: a card's record, a challenge and the
 * admin key become a response.  No TPM, no configuration, no root.
 */
#include "base/text.h"
#include "tools/commands.h"
#include "tools/paste.h"
#include "tools/qr.h"
#include "tools/recordfile.h"
#include "tools/secrets.h"

#include <stdio.h>

/* The challenge of the command line, or one that is asked for. */
static enum outcome
get_challenge(
    struct paste *paste, const struct options *options, struct wbuf *challenge, struct failure *why)
{
	struct failure wrong = { "" };

	if (options->challenge == NULL)
		return paste_code(paste, CODE_CHALLENGE, "Challenge", challenge, why);
	if (code_read(rbuf_str(options->challenge), CODE_CHALLENGE, challenge, &wrong) ==
	    CODE_WHOLE)
		return DONE;
	fail(why, "--challenge: %s", wrong.text);
	return WRONG_USAGE;
}

/* What the response will do, in words. */
static void
describe(const struct desk_view *view)
{
	char guid[40] = "";
	struct wbuf text = wbuf_over(guid, sizeof guid - 1);

	text_guid(view->guid, &text);
	(void)fprintf(stderr, "Card:  %s, " INSTANCE_PREFIX "%04u\nGUID:  %s\n", view->name,
	    view->instance, guid);
	(void)fprintf(stderr, "Asks:  to set a new PIN%s\n",
	    view->reset_count ? ", and to give it its tries back, for it is blocked (two proofs)"
			      : "");
	(void)fprintf(stderr,
	    "The response does nothing else, once, on the computer the challenge is from.\n");
}

/* See what is asked for, and that the person at the desk wants to answer it. */
static enum outcome
read_challenge(struct asking *asking, struct rbuf record, struct wbuf *challenge,
    struct desk_view *view, struct failure *why)
{
	const bool terminal = asking->prompt.terminal;
	enum outcome outcome;
	struct paste paste;

	paste_begin(&paste, &asking->prompt, 0);
	outcome = get_challenge(&paste, asking->options, challenge, why);
	if (outcome == DONE)
		outcome = desk_read(record, wbuf_view(challenge), view, why);
	if (outcome == DONE && (terminal || !asking->options->quiet))
		describe(view);
	if (outcome == DONE && terminal && !paste_agrees(&paste, "Answer it? [y/N] ")) {
		fail(why, "the challenge is not answered");
		outcome = FAILED;
	}
	paste_end(&paste);
	return outcome;
}

static enum outcome
respond(struct asking *asking, struct rbuf record, struct failure *why)
{
	uint8_t asked[CODE_OCTETS_MAX], answered[CARD_RESPONSE_MAX];
	struct wbuf challenge = wbuf_over(asked, sizeof asked);
	struct wbuf response = wbuf_over(answered, sizeof answered);
	struct desk_view view;
	enum outcome outcome;
	SECRET(key);

	outcome = read_challenge(asking, record, &challenge, &view, why);
	if (outcome != DONE)
		return outcome;
	outcome = asking_admin_key(
	    asking, SECRET_ADMIN_KEY, PROMPT_ONCE, view.admin_algorithm, &key, why);
	if (outcome == DONE)
		outcome = desk_respond(record, wbuf_view(&challenge), &key, &response, why);
	if (outcome != DONE)
		return outcome;
	if (!asking->options->quiet)
		(void)fprintf(stderr, "Give this response to the user:\n");
	return print_code(CODE_RESPONSE, wbuf_view(&response), !asking->options->no_qr, why);
}

enum outcome
respond_run(const struct config *config, const struct options *options, struct failure *why)
{
	uint8_t octets[CARD_RECORD_MAX];
	struct wbuf record = wbuf_over(octets, sizeof octets);
	struct asking asking;
	enum outcome outcome;

	(void)config;
	outcome = recordfile_read(options->record, &record, why);
	if (outcome != DONE)
		return outcome;
	asking_begin(&asking, options);
	outcome = respond(&asking, wbuf_view(&record), why);
	asking_end(&asking);
	return outcome;
}
