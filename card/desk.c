/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unblocking with a help desk: the card's side, and the desk's.  A challenge is
 * the beginning of the card's GUID (4), so that the desk can tell which record
 * it wants, and the TPM room's challenge; a response is the TPM room's.
 */
#include "card/beside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUID_HEAD 4

struct card_challenge {
	const struct config *config;
	unsigned instance;
	struct tpm_link link;
	struct parts parts;
	struct tpm_challenge *challenge;
};

static struct rbuf
guid_head(const struct piv_profile *profile)
{
	return rbuf_of(profile->guid, GUID_HEAD);
}

/* ---- the card's side ---- */

/* Read the card's paper and open its vault, on a connection of its own. */
static enum outcome
open_card(struct card_challenge *c, struct failure *why)
{
	struct failure cause = { "" };
	struct files *files = NULL;
	enum outcome outcome;
	enum files_err err;

	err = files_open(c->config->state_dir, false, &files, &cause);
	if (err == FILES_ABSENT) {
		fail(why, "there is no card " INSTANCE_PREFIX "%04u", c->instance);
		return NO_SUCH_CARD;
	}
	if (err != FILES_OK) {
		fail(why, "%s", cause.text);
		return outcome_of_files(err);
	}
	outcome = FAILED;
	if (tpm_link_open(&c->link, c->config, why))
		outcome = parts_fill(files, c->link.tpm, c->instance, &c->parts, why);
	files_close(files);
	return outcome;
}

static enum outcome
open_challenge(struct card_challenge *c, struct wbuf *octets, struct failure *why)
{
	uint8_t inner_octets[TPM_CHALLENGE_MAX];
	struct wbuf inner = wbuf_over(inner_octets, sizeof inner_octets);
	const size_t begin = octets->len;
	enum outcome outcome;

	outcome = open_card(c, why);
	if (outcome == DONE)
		outcome = admin_may_unblock(&c->parts.paper, why);
	if (outcome == DONE)
		outcome =
		    outcome_of_tpm(tpm_challenge_open(c->parts.vault, &c->challenge, &inner, why));
	if (outcome != DONE)
		return outcome;
	wbuf_put(octets, guid_head(&c->parts.paper.profile));
	wbuf_put(octets, wbuf_view(&inner));
	if (wbuf_ok(octets))
		return DONE;
	wbuf_truncate(octets, begin);
	fail(why, "the challenge is too long");
	return FAILED;
}

enum outcome
card_challenge_open(const struct config *config, unsigned instance, struct card_challenge **out,
    struct wbuf *octets, struct failure *why)
{
	struct card_challenge *c = calloc(1, sizeof *c);
	enum outcome outcome;

	if (c == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	c->config = config;
	c->instance = instance;
	outcome = open_challenge(c, octets, why);
	if (outcome == DONE)
		*out = c;
	else
		card_challenge_close(c);
	return outcome;
}

/* Answering, as beside_set_pin() has it done. */
struct answering {
	struct card_challenge *challenge;
	struct rbuf response;
	struct failure *why;
	bool gone; /* the challenge no longer holds */
};

static enum vault_err
answer(void *context, const struct secret *fresh)
{
	struct answering *a = context;
	enum vault_err err = tpm_challenge_answer(a->challenge->challenge, a->response, fresh);

	a->gone = err == VAULT_ABSENT;
	if (err == VAULT_MISMATCH)
		fail(a->why, "this is no response to this challenge; nothing has changed");
	else if (err == VAULT_BLOCKED)
		fail(a->why,
		    "the PIN has been blocked since, or the administrator key has no tries "
		    "left; nothing has changed: start again with a new challenge");
	else if (a->gone)
		fail(a->why, "the TPM no longer knows the challenge; nothing has changed: start "
			     "again with a new one");
	return err;
}

enum outcome
card_challenge_answer(struct card_challenge *c, struct rbuf response,
    const struct secret *fresh_pin, struct failure *why)
{
	struct answering a = { .challenge = c, .response = response, .why = why };
	enum outcome outcome;
	struct beside b;

	outcome = beside_open(&b, c->config, c->instance, why);
	if (outcome != DONE)
		return outcome;
	if (rbuf_eq(b.parts.paper.record, c->parts.paper.record)) {
		outcome = beside_set_pin(&b, fresh_pin, answer, &a,
		    "the TPM refuses the response: it was made with another administrator key, or "
		    "altered");
	} else {
		fail(why, "it is another card by now; nothing has changed");
		outcome = FAILED;
	}
	beside_close(&b);
	return a.gone ? FAILED : outcome;
}

void
card_challenge_close(struct card_challenge *c)
{
	if (c == NULL)
		return;
	tpm_challenge_close(c->challenge);
	parts_clear(&c->parts);
	tpm_link_close(&c->link);
	explicit_bzero(c, sizeof *c);
	free(c);
}

/* ---- the desk's side: nothing here asks a TPM, or trusts the challenge ---- */

/* What the desk has been given: the record, checked, and the TPM room's challenge. */
struct desk {
	struct rbuf inner;
	unsigned instance;
	struct piv_profile profile;
	struct tpm_challenge_info asked;
};

static enum outcome
desk_open(struct rbuf record, struct rbuf challenge, struct desk *out, struct failure *why)
{
	struct tpm_card_info info;
	struct rbuf head;

	if (tpm_record_info(record, &info) != TPM_OK ||
	    !profile_read(info.profile, &out->instance, &out->profile)) {
		fail(why, "the record is damaged, or of another version of this program");
		return FAILED;
	}
	if (!rbuf_take(&challenge, GUID_HEAD, &head)) {
		fail(why, "this is no challenge to unblock a card");
		return NOT_PERMITTED;
	}
	if (!rbuf_eq(head, guid_head(&out->profile))) {
		fail(why,
		    "the challenge is of a card whose GUID begins with %02x%02x%02x%02x, the record "
		    "is of %s, whose GUID begins with %02x%02x%02x%02x",
		    rbuf_at(head, 0), rbuf_at(head, 1), rbuf_at(head, 2), rbuf_at(head, 3),
		    out->profile.name, out->profile.guid[0], out->profile.guid[1],
		    out->profile.guid[2], out->profile.guid[3]);
		return NOT_PERMITTED;
	}
	out->inner = challenge;
	return outcome_of_tpm(tpm_challenge_read(record, challenge, &out->asked, why));
}

enum outcome
desk_read(struct rbuf record, struct rbuf challenge, struct desk_view *out, struct failure *why)
{
	struct desk desk;
	struct rbuf guid;
	enum outcome outcome;

	outcome = desk_open(record, challenge, &desk, why);
	if (outcome != DONE)
		return outcome;
	*out = (struct desk_view){
		.instance = desk.instance,
		.reset_count = desk.asked.reset_count,
	};
	(void)snprintf(out->name, sizeof out->name, "%s", desk.profile.name);
	guid = rbuf_of(desk.profile.guid, sizeof desk.profile.guid);
	return rbuf_copy(&guid, out->guid, sizeof out->guid) ? DONE : FAILED;
}

enum outcome
desk_respond(struct rbuf record, struct rbuf challenge, const struct secret *admin_key,
    struct wbuf *response, struct failure *why)
{
	enum outcome outcome;
	struct desk desk;

	outcome = desk_open(record, challenge, &desk, why);
	if (outcome != DONE)
		return outcome;
	return outcome_of_tpm(tpm_challenge_respond(record, desk.inner, admin_key, response, why));
}
