/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

#include <stdlib.h>
#include <string.h>

struct card {
	unsigned instance;
	struct piv_profile profile;
	struct tpm_link link;
	struct vault *vault;
	struct store *store;
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

/* Read the card's paper and put the parts together. */
static enum outcome
assemble(struct card *card, struct files *files, const struct config *config, struct failure *why)
{
	struct paper paper;
	enum outcome outcome;
	enum tpm_err err;

	outcome = paper_read(files, card->instance, &paper, why);
	if (outcome != DONE)
		return outcome;
	card->profile = paper.profile;
	outcome = outcome_of_files(files_store_open(files, card->instance, &card->store, why));
	if (outcome != DONE)
		return outcome;
	if (!tpm_link_open(&card->link, config, why))
		return FAILED;
	err = tpm_vault_open(card->link.tpm, paper.record, &card->vault);
	if (err != TPM_OK) {
		fail(why, "cannot open the vault of card %u", card->instance);
		return outcome_of_tpm(err);
	}
	piv_init(&card->piv, card->vault, card->store, &card->profile, NULL);
	return DONE;
}

enum outcome
card_open(const struct config *config, unsigned instance, struct card **out, struct failure *why)
{
	struct files *files = NULL;
	enum outcome outcome;
	struct card *card;
	enum files_err err;

	err = files_open(config->state_dir, false, &files, why);
	if (err != FILES_OK)
		return err == FILES_ABSENT ? NO_SUCH_CARD : outcome_of_files(err);
	card = calloc(1, sizeof *card);
	if (card == NULL) {
		fail(why, "out of memory");
		outcome = FAILED;
	} else {
		card->instance = instance;
		outcome = assemble(card, files, config, why);
	}
	files_close(files);
	if (outcome == DONE)
		*out = card;
	else
		card_close(card);
	return outcome;
}

void
card_close(struct card *card)
{
	if (card == NULL)
		return;
	if (card->vault != NULL)
		piv_reset(&card->piv);
	tpm_vault_free(card->vault);
	tpm_link_close(&card->link);
	files_store_close(card->store);
	explicit_bzero(card, sizeof *card);
	free(card);
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
	tpm_rest(card->link.tpm);
}

void
card_transmit(struct card *card, struct rbuf capdu, struct wbuf *rapdu)
{
	struct rbuf answer;
	char text[64];

	piv_process(&card->piv, capdu, rapdu);
	answer = wbuf_view(rapdu);
	piv_describe(capdu, text, sizeof text);
	log_debug("card %u: %s: %02x%02x", card->instance, text, rbuf_at(answer, answer.len - 2),
	    rbuf_at(answer, answer.len - 1));
}
