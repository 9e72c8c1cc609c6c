/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

enum outcome
parts_fill(struct files *files, struct tpm *tpm, unsigned instance, struct parts *out,
    struct failure *why)
{
	enum outcome outcome;
	enum tpm_err err;

	out->vault = NULL;
	out->store = NULL;
	/* First: of what changes from here on, the number it is compared with will tell. */
	out->number = card_number(files, instance);
	outcome = paper_read(files, instance, &out->paper, why);
	if (outcome != DONE)
		return outcome;
	outcome = outcome_of_files(files_store_open(files, instance, &out->store, why));
	if (outcome != DONE)
		return outcome;
	err = tpm_vault_open(tpm, out->paper.record, &out->vault);
	if (err != TPM_OK) {
		fail(why, "cannot open the vault of card %u", instance);
		parts_clear(out);
	}
	return outcome_of_tpm(err);
}

void
parts_clear(struct parts *parts)
{
	tpm_vault_free(parts->vault);
	files_store_close(parts->store);
	parts->vault = NULL;
	parts->store = NULL;
}
