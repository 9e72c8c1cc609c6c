/* SPDX-License-Identifier: BSD-2-Clause */
/* What create and a reset have in common: a card is planned, made, and put beside the others. */
#include "card/parts.h"

#include <time.h>

#define CARD_MANAGEMENT_KEY 0x9b

enum outcome
making_plan(struct making *m, struct rbuf sibling, struct wbuf *claims, struct failure *why)
{
	const struct card_request *r = m->request;
	struct wbuf profile = wbuf_over(m->profile, sizeof m->profile);
	struct piv_profile named = r->profile;
	struct rbuf guid;
	enum outcome outcome;

	if (!file_system_draw((int64_t)time(NULL), &m->fs)) {
		fail(why, "cannot draw random numbers");
		return FAILED;
	}
	guid = rbuf_of(m->fs.guid, sizeof m->fs.guid);
	if (!rbuf_copy(&guid, named.guid, sizeof named.guid) ||
	    !profile_write(m->instance, &named, &profile)) {
		fail(why, "the name or the PIN policy is not one a card can have");
		return FAILED;
	}
	m->spec = (struct tpm_spec){
		.pin = r->pin,
		.pin_tries = r->pin_tries,
		.puk = r->puk,
		.puk_tries = r->puk_tries,
		.admin_key = r->admin_key,
		.admin_algorithm = r->admin_algorithm,
		.admin_unblock = r->admin_unblock,
		.profile = wbuf_view(&profile),
	};
	work_report(m->work, "Checking the TPM");
	outcome = outcome_of_tpm(tpm_probe(m->work->link.tpm, why));
	if (outcome != DONE)
		return outcome;
	return outcome_of_tpm(tpm_creation_plan(
	    m->work->link.tpm, &m->spec, sibling, &m->creation, claims, why));
}

static enum store_err
write_file_system(const struct making *m, struct store *store)
{
	work_report(m->work, "Generating the card's file system");
	return file_system_write(store, &m->fs);
}

/* Write the card's items into its directory, which no driver sees yet. */
static enum outcome
write_items(struct making *m, struct rbuf admin_key, struct failure *why)
{
	struct store *store = NULL;
	enum store_err err;
	enum files_err begun;

	begun = files_begin(m->work->files, m->instance, &store, why);
	if (begun != FILES_OK)
		return outcome_of_files(begun);
	err = store_put(store, STORE_KEY, CARD_MANAGEMENT_KEY, admin_key);
	if (err == STORE_OK)
		err = defaults_write(store, m->request);
	if (err == STORE_OK && m->request->generate)
		err = write_file_system(m, store);
	files_store_close(store);
	if (err == STORE_FULL)
		fail(why, "no room for the card's files in %s", m->work->config->state_dir);
	else if (err != STORE_OK)
		fail(why, "cannot write the card's files in %s", m->work->config->state_dir);
	return outcome_of_store(err);
}

enum outcome
making_run(struct making *m, struct wbuf *record, struct failure *why)
{
	uint8_t key_octets[VAULT_KEY_MAX];
	struct wbuf key = wbuf_over(key_octets, sizeof key_octets);
	enum outcome outcome;
	SECRET(random);

	work_report(m->work, "Creating the TPM smart card");
	outcome = outcome_of_tpm(tpm_creation_run(m->creation, record, &key, &random, why));
	if (outcome != DONE)
		return outcome;
	return write_items(m, wbuf_view(&key), why);
}

void
making_end(struct making *m)
{
	tpm_creation_free(m->creation);
	m->creation = NULL;
}
