/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

#include <stdio.h>

bool
tpm_link_open(struct tpm_link *link, const struct config *config, struct failure *why)
{
	(void)snprintf(link->lease, sizeof link->lease, "%s/.lock", config->state_dir);
	link->settings = (struct tpm_config){
		.tcti = config->tcti,
		.lease = link->lease,
		.owner_auth_file =
		    config->owner_auth_file[0] != '\0' ? config->owner_auth_file : NULL,
		.pin_cache = config->pin_cache,
	};
	link->tpm = tpm_new(&link->settings);
	if (link->tpm == NULL)
		fail(why, "out of memory");
	return link->tpm != NULL;
}

void
tpm_link_close(struct tpm_link *link)
{
	tpm_free(link->tpm);
	link->tpm = NULL;
}

enum outcome
paper_read(struct files *files, unsigned instance, struct paper *out, struct failure *why)
{
	struct wbuf record = wbuf_over(out->octets, sizeof out->octets);
	enum files_err err;
	unsigned number;

	if (!files_has(files, instance)) {
		fail(why, "there is no card " INSTANCE_PREFIX "%04u", instance);
		return NO_SUCH_CARD;
	}
	err = files_record(files, instance, &record, why);
	if (err != FILES_OK)
		return outcome_of_files(err);
	out->record = wbuf_view(&record);
	if (tpm_record_info(out->record, &out->info) != TPM_OK) {
		fail(why,
		    "the record of card %u is damaged or was altered: restore it from a "
		    "backup",
		    instance);
		return FAILED;
	}
	if (!profile_read(out->info.profile, &number, &out->profile)) {
		fail(why, "the record of card %u was made by another version of this program",
		    instance);
		return FAILED;
	}
	if (number != instance) {
		fail(why,
		    "the files of card %u are those of card %u: put the directory back under "
		    "its own number",
		    instance, number);
		return FAILED;
	}
	return DONE;
}
