/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/pages.h"
#include "card/audit.h"
#include "card/cache.h"
#include "card/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct card {
	struct piv_host host; /* first: what the applet holds is a pointer to this */
	const struct config *config;
	unsigned instance;
	struct tpm_link link;
	struct parts *parts;
	struct cache *cache; /* what the application reads of the parts' store goes through it */
	struct piv piv;
};

/*
 * ISO/IEC 7816-3.  T=1 alone: some clients connect with nothing else, and
 * none needs T=0, whose transmission has no extended length.
 */
/* clang-format off */
static const uint8_t atr[] = {
	0x3b,				  /* TS: direct convention */
	0x8b,				  /* T0: TD1 follows, 11 historical octets */
	0x01,				  /* TD1: T=1 */
	0x80,				  /* category: compact TLV */
	0xf9,				  /* tag F (application identifier), 9 octets */
	0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00,
	0x48,				  /* TCK: makes the XOR of all from T0 on zero */
};
/* clang-format on */

struct rbuf
card_atr(void)
{
	return rbuf_of(atr, sizeof atr);
}

static void
parts_close(struct parts *parts)
{
	if (parts == NULL)
		return;
	parts_clear(parts);
	free(parts);
}

static enum outcome
parts_open(const struct card *card, struct parts **out, struct failure *why)
{
	struct files *files = NULL;
	struct parts *parts;
	enum outcome outcome;
	enum files_err err;

	err = files_open(card->config->state_dir, false, &files, why);
	if (err != FILES_OK)
		return err == FILES_ABSENT ? NO_SUCH_CARD : outcome_of_files(err);
	parts = calloc(1, sizeof *parts);
	if (parts == NULL) {
		fail(why, "out of memory");
		outcome = FAILED;
	} else {
		outcome = parts_fill(files, card->link.tpm, card->instance, parts, why);
	}
	files_close(files);
	if (outcome == DONE)
		*out = parts;
	else
		parts_close(parts);
	return outcome;
}

/* Have the application work with parts from now on; without memory for a cache, with the files alone. */
static void
install(struct card *card, struct parts *parts)
{
	struct cache *cache = cache_new(parts->store, files_store_changed);

	if (card->parts != NULL)
		piv_reset(&card->piv);
	cache_free(card->cache);
	card->cache = cache;
	card->parts = parts;
	piv_init(&card->piv, parts->vault, cache != NULL ? cache_store(cache) : parts->store,
	    &parts->paper.profile, &card->host);
}

/* Follow what is on the disk: the card we have open, or a new one in its place. */
static enum outcome
follow(struct card *card, struct failure *why)
{
	struct parts *old = card->parts, *found = NULL;
	enum outcome outcome;

	outcome = parts_open(card, &found, why);
	if (outcome != DONE)
		return outcome;
	if (rbuf_eq(found->paper.record, old->paper.record)) {
		parts_close(found);
		return DONE;
	}
	install(card, found);
	parts_close(old);
	return DONE;
}

static enum store_err
start_over(struct piv_host *host)
{
	struct card *card = (struct card *)host;
	struct failure why = { "" };
	enum outcome outcome, followed;

	/* A TPM without a resource manager has one client at a time. */
	tpm_rest(card->link.tpm);
	outcome =
	    cards_start_over(card->config, card->instance, card->parts->paper.record, &why);
	if (outcome != DONE)
		log_error("card %u is not made anew: %s", card->instance, why.text);
	followed = follow(card, &why);
	if (followed != DONE)
		log_error("card %u: cannot go on: %s", card->instance, why.text);
	return store_err_of(outcome != DONE ? outcome : followed);
}

static void
blocked(struct piv_host *host, enum reference which)
{
	const struct card *card = (const struct card *)host;
	const struct piv_profile *profile = &card->parts->paper.profile;
	struct rbuf guid = rbuf_of(profile->guid, sizeof profile->guid);
	struct audit audit = { .event = AUDIT_BLOCK,
		.has_instance = true,
		.instance = card->instance,
		.by = which == REFERENCE_PIN ? "PIN" : "PUK" };

	(void)snprintf(audit.name, sizeof audit.name, "%s", profile->name);
	audit.has_guid = rbuf_copy(&guid, audit.guid, sizeof audit.guid);
	audit_write(&audit);
}

enum outcome
card_open(const struct config *config, unsigned instance, struct card **out, struct failure *why)
{
	/* Most of it are buffers, most of which no command ever fills. */
	struct card *card = pages_take(sizeof *card);
	struct parts *parts = NULL;
	enum outcome outcome = FAILED;

	if (card == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	card->host.start_over = start_over;
	card->host.blocked = blocked;
	card->config = config;
	card->instance = instance;
	if (tpm_link_open(&card->link, config, why))
		outcome = parts_open(card, &parts, why);
	if (outcome == DONE) {
		install(card, parts);
		*out = card;
	} else {
		card_close(card);
	}
	return outcome;
}

void
card_close(struct card *card)
{
	if (card == NULL)
		return;
	if (card->parts != NULL)
		piv_reset(&card->piv);
	cache_free(card->cache);
	parts_close(card->parts);
	tpm_link_close(&card->link);
	pages_give(card, sizeof *card);
}

void
card_reset(struct card *card)
{
	piv_reset(&card->piv);
}

void
card_power_down(struct card *card)
{
	piv_reset(&card->piv);
	if (card->cache != NULL)
		cache_drop(card->cache);
	tpm_rest(card->link.tpm);
}

void
card_transmit(struct card *card, struct rbuf capdu, struct wbuf *rapdu)
{
	const bool tell = log_wants(LOG_LEVEL_DEBUG);
	char text[64], took[LAP_TEXT];
	struct rbuf answer;
	struct lap lap;

	if (tell)
		lap_begin(&lap, card->link.tpm);
	piv_process(&card->piv, capdu, rapdu);
	if (!tell)
		return;
	lap_tell(&lap, card->link.tpm, took);
	answer = wbuf_view(rapdu);
	piv_describe(capdu, text, sizeof text);
	log_debug("card %u: %s: %02x%02x, %s", card->instance, text,
	    rbuf_at(answer, answer.len - 2), rbuf_at(answer, answer.len - 1), took);
}

uint64_t
card_which(const struct card *card)
{
	return card->parts->number;
}
