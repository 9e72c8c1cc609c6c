/* SPDX-License-Identifier: BSD-2-Clause */
/* What create and a reset have in common: a card is planned, made, and put beside the others. */
#include "card/ak.h"
#include "card/parts.h"

#include "applet/sealing.h"
#include "applet/tlv.h"
#include "tpm/attestation.h"

#include <stdlib.h>
#include <time.h>

#define CARD_MANAGEMENT_KEY 0x9b

/* Where Yubico's programs look for a management key that the PIN opens, and what they find there. */
#define ADMIN_DATA    0x5fff00 /* 80 { 81 flags }; 02: the key is in the printed information */
#define PRINTED       0x5fc109 /* 88 { 89 key } */
#define KEY_PROTECTED 0x02

enum outcome
making_plan(struct making *m, struct rbuf sibling, struct wbuf *claims, struct failure *why)
{
	const struct card_request *r = m->request;
	struct wbuf profile = wbuf_over(m->profile, sizeof m->profile);
	struct piv_profile named = r->profile;
	struct rbuf guid;

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
	return outcome_of_tpm(tpm_creation_plan(
	    m->work->link.tpm, &m->spec, sibling, &m->creation, claims, why));
}

static enum store_err
write_file_system(const struct making *m, struct store *store)
{
	work_report(m->work, "Generating the card's file system");
	return file_system_write(store, &m->fs);
}

/* Write the key where only the PIN reads it.  The applet seals it, to a key that it makes for that. */
static sw_t
put_protected(struct piv *p, const struct secret *key)
{
	static const uint8_t flags[] = { KEY_PROTECTED };
	uint8_t octets[8];
	struct wbuf data = wbuf_over(octets, sizeof octets), content;
	size_t outer, inner;
	SECRET(clear);
	sw_t sw;

	content = wbuf_over(clear.data, sizeof clear.data);
	outer = tlv_open(&content, 0x88);
	inner = tlv_open(&content, 0x89);
	wbuf_put(&content, secret_view(key));
	tlv_close(&content, inner);
	tlv_close(&content, outer);
	outer = tlv_open(&data, 0x80);
	tlv_put(&data, 0x81, rbuf_of(flags, sizeof flags));
	tlv_close(&data, outer);
	if (!wbuf_ok(&content) || !wbuf_ok(&data))
		return SW_NO_DIAGNOSIS;
	sw = sealed_put(p, PRINTED, wbuf_view(&content));
	return sw != SW_OK
	    ? sw : sw_of_store(store_put(p->store, STORE_OBJECT, ADMIN_DATA, wbuf_view(&data)));
}

/* Say why something could not be done: no room on the disk, the TPM, or else. */
static enum outcome
explain(const struct making *m, bool done, bool full, const char *what, struct failure *why)
{
	enum tpm_err err;

	if (done)
		return DONE;
	if (full) {
		fail(why, "cannot %s: no room in %s", what, m->work->config->state_dir);
		return NO_ROOM;
	}
	err = tpm_probe(m->work->link.tpm, why);
	fail(why, "cannot %s", what);
	return err != TPM_OK ? outcome_of_tpm(err) : FAILED;
}

/*
 * Of a key that was left to chance nobody is told but who proves the PIN: his
 * programs find it on the card.
 */
static enum outcome
protect(struct making *m, struct store *store, struct rbuf record, const struct secret *key,
    struct failure *why)
{
	struct vault *vault = NULL;
	struct piv *p = calloc(1, sizeof *p);
	sw_t sw = SW_NO_DIAGNOSIS;

	if (p != NULL && tpm_vault_open(m->work->link.tpm, record, &vault) == TPM_OK) {
		piv_init(p, vault, store, &m->request->profile, NULL);
		sw = put_protected(p, key);
		piv_reset(p);
	}
	tpm_vault_free(vault);
	free(p);
	return explain(m, sw == SW_OK, sw == SW_NOT_ENOUGH_MEMORY, "seal the card's administrator key", why);
}

/* Make what certifies the card's keys later. */
static enum outcome
make_attestation_key(
    struct making *m, struct store *store, struct rbuf record, struct failure *why)
{
	uint8_t octets[VAULT_KEY_MAX];
	struct wbuf key = wbuf_over(octets, sizeof octets);
	enum vault_err made = VAULT_FAULT;
	enum store_err kept = STORE_OK;
	struct vault *vault = NULL;

	work_report(m->work, "Making the card's attestation key");
	if (tpm_vault_open(m->work->link.tpm, record, &vault) == TPM_OK)
		made = attestation_make(vault, &key);
	if (made == VAULT_OK)
		kept = ak_keep(vault, store, wbuf_view(&key));
	tpm_vault_free(vault);
	return explain(m, made == VAULT_OK && kept == STORE_OK, kept == STORE_FULL,
	    "make the card's attestation key", why);
}

/* Write the card's items into its directory, which no driver sees yet. */
static enum outcome
write_items(struct making *m, struct rbuf record, struct rbuf admin_key,
    const struct secret *random, struct failure *why)
{
	struct store *store = NULL;
	enum outcome outcome = DONE;
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
	if (err == STORE_OK && random->len != 0)
		outcome = protect(m, store, record, random, why);
	if (err == STORE_OK && outcome == DONE && m->request->attestation)
		outcome = make_attestation_key(m, store, record, why);
	files_store_close(store);
	if (outcome != DONE)
		return outcome;
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
	return write_items(m, wbuf_view(record), wbuf_view(&key), &random, why);
}

void
making_end(struct making *m)
{
	tpm_creation_free(m->creation);
	m->creation = NULL;
}
