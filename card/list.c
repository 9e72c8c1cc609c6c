/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/look.h"

#include "applet/keyrefs.h"

#include <stdio.h>

/* List a key of a card, if it is there. */
static void
list_key(const struct parts *parts, uint8_t id, struct card_summary *row)
{
	uint8_t octets[VAULT_KEY_MAX];
	struct wbuf key = wbuf_over(octets, sizeof octets);
	struct key_info info;
	enum store_err err;

	err = store_get(parts->store, STORE_KEY, id, &key);
	if (err == STORE_ABSENT)
		return;
	if (err != STORE_OK || vault_describe(parts->vault, wbuf_view(&key), &info) != VAULT_OK) {
		info.algorithm = 0;
		fail(&row->problem, "the key %02X cannot be read", id);
	}
	row->keys[row->key_count] = id;
	row->algorithms[row->key_count] = info.algorithm;
	row->key_count++;
}

static void
list_keys(const struct parts *parts, struct card_summary *row)
{
	const struct keyref *keyref;
	unsigned id;

	for (id = 0; id <= UINT8_MAX && row->key_count < sizeof row->keys; id++) {
		keyref = keyref_find((uint8_t)id);
		if (keyref != NULL && (keyref->use & KEYREF_PRIVATE) != 0)
			list_key(parts, (uint8_t)id, row);
	}
}

static void
summarise(struct look *look, unsigned instance, struct card_summary *row)
{
	struct look_state state;
	struct parts parts;

	*row = (struct card_summary){ .instance = instance, .pin_left = -1, .puk_left = -1 };
	if (parts_fill(look->files, look->link.tpm, instance, &parts, &row->problem) != DONE)
		return;
	row->readable = true;
	(void)snprintf(row->name, sizeof row->name, "%s", parts.paper.profile.name);
	row->has_puk = parts.paper.info.has_puk;
	look_ask(look, &parts, &state);
	row->pin_left = state.pin_left;
	row->puk_left = state.puk_left;
	row->problem = state.problem;
	list_keys(&parts, row);
	parts_clear(&parts);
}

enum outcome
cards_list(
    const struct config *config, struct card_summary *rows, size_t *count, struct failure *why)
{
	enum outcome outcome;
	struct look look;
	unsigned i;

	*count = 0;
	outcome = look_open(&look, config, why);
	if (outcome != DONE)
		return outcome == NO_SUCH_CARD ? DONE : outcome;
	for (i = 0; i < CARDS_MAX; i++) {
		if (files_has(look.files, i))
			summarise(&look, i, &rows[(*count)++]);
	}
	look_close(&look);
	return DONE;
}
