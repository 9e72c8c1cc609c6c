/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

#include <stdio.h>

/* Every key reference but 9B, ascending. */
static const uint8_t references[] = { 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b,
	0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x9a, 0x9c, 0x9d, 0x9e, 0xf9 };

_Static_assert(sizeof references <= sizeof((struct card_summary *)0)->keys, "room for every key");

static void
list_keys(struct store *store, struct vault *vault, struct card_summary *row)
{
	uint8_t octets[VAULT_KEY_MAX];
	struct key_info info;
	enum store_err err;
	struct wbuf key;
	size_t i;

	for (i = 0; i < sizeof references; i++) {
		key = wbuf_over(octets, sizeof octets);
		err = store_get(store, STORE_KEY, references[i], &key);
		if (err == STORE_ABSENT)
			continue;
		if (err != STORE_OK || vault_describe(vault, wbuf_view(&key), &info) != VAULT_OK) {
			info.algorithm = 0;
			fail(&row->problem, "the key %02X cannot be read", references[i]);
		}
		row->keys[row->key_count] = references[i];
		row->algorithms[row->key_count] = info.algorithm;
		row->key_count++;
	}
}

static int
tries_left(struct vault *vault, enum reference which)
{
	struct tries tries;

	return vault_tries(vault, which, &tries) == VAULT_OK ? (int)tries.left : -1;
}

/* What the TPM says of a card.  away is set for later cards when it does not answer at all. */
static void
ask_tpm(struct tpm *tpm, struct vault *vault, struct card_summary *row, struct failure *away)
{
	if (!failed(away)) {
		if (tpm_vault_health(vault, &row->problem) == TPM_OK) {
			row->pin_left = tries_left(vault, REFERENCE_PIN);
			if (row->has_puk)
				row->puk_left = tries_left(vault, REFERENCE_PUK);
			return;
		}
		/* The card's own trouble, or everybody's?  Ten deadlines are too long a wait. */
		if (tpm_probe(tpm, away) == TPM_OK)
			return;
	}
	row->problem = *away;
}

static void
summarise(struct files *files, struct tpm *tpm, unsigned instance, struct card_summary *row,
    struct failure *away)
{
	struct store *store = NULL;
	struct vault *vault = NULL;
	struct paper paper;

	*row = (struct card_summary){ .instance = instance, .pin_left = -1, .puk_left = -1 };
	if (paper_read(files, instance, &paper, &row->problem) != DONE)
		return;
	if (files_store_open(files, instance, &store, &row->problem) != FILES_OK)
		return;
	if (tpm_vault_open(tpm, paper.record, &vault) == TPM_OK) {
		row->readable = true;
		(void)snprintf(row->name, sizeof row->name, "%s", paper.profile.name);
		row->has_puk = paper.info.has_puk;
		ask_tpm(tpm, vault, row, away);
		list_keys(store, vault, row);
	} else {
		fail(&row->problem, "the record of card %u cannot be opened", instance);
	}
	tpm_vault_free(vault);
	files_store_close(store);
}

/* Clear up after an interrupted run, if there was one and nobody else is at work. */
static void
recover(const struct config *config, struct files *files)
{
	struct failure why = { "" };
	struct work work = { .config = config, .files = files };

	if (!files_unfinished(files))
		return;
	if (files_lock(files, 0, &why) != FILES_OK || !tpm_link_open(&work.link, config, &why)) {
		log_info("unfinished work is left alone: %s", why.text);
		return;
	}
	work_recover_all(&work);
	tpm_link_close(&work.link);
}

enum outcome
cards_list(
    const struct config *config, struct card_summary *rows, size_t *count, struct failure *why)
{
	struct failure away = { "" };
	struct files *files = NULL;
	struct tpm_link link;
	enum files_err err;
	unsigned i;

	*count = 0;
	err = files_open(config->state_dir, false, &files, why);
	if (err != FILES_OK)
		return err == FILES_ABSENT ? DONE : outcome_of_files(err);
	recover(config, files);
	if (!tpm_link_open(&link, config, why)) {
		files_close(files);
		return FAILED;
	}
	for (i = 0; i < CARDS_MAX; i++) {
		if (files_has(files, i))
			summarise(files, link.tpm, i, &rows[(*count)++], &away);
	}
	tpm_link_close(&link);
	files_close(files);
	return DONE;
}
