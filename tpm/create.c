/* SPDX-License-Identifier: BSD-2-Clause */
/* Making a card: plan, then run. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "tpm/adminkey.h"
#include "tpm/command.h"
#include "tpm/firstwrite.h"
#include "tpm/parent.h"
#include "tpm/probe.h"
#include "tpm/rc.h"

/* About 20 ms of scrypt a guess: N = 2^13, r = 8, p = 1. */
#define SCRYPT_LOG_N 13
#define SCRYPT_R 8
#define SCRYPT_P 1

/* What becomes of a secret: the authValue of its index, by a thread of its own. */
struct derivation {
	const struct record *record;
	const struct secret *value; /* NULL: none, and the authValue is empty */
	enum card_index which;
	pthread_t thread;
	bool running, ok;
	struct secret auth;
};

struct tpm_creation {
	struct tpm *tpm;
	const struct tpm_spec *spec;
	struct authority *k;
	struct record record;
	struct storage_key storage; /* the parent; handle 0: to be made */
	struct derivation derivations[INDEX_COUNT];
	bool run; /* once only */
};

/* ---- derivations ---- */

static void *
derive(void *context)
{
	struct derivation *d = context;

	d->ok = reference_auth(d->record, d->which, d->value, &d->auth);
	return NULL;
}

/*
 * Derive all side by side, and beside what is planned: that asks the TPM little,
 * and writes to the disk.
 */
static void
derivations_begin(struct tpm_creation *c)
{
	const struct secret *const secrets[] = {
		[INDEX_PIN] = c->spec->pin,
		[INDEX_PUK] = c->spec->puk,
		[INDEX_ADMIN] = c->spec->admin_key,
		[INDEX_LIFE] = NULL,
	};
	enum card_index i;

	for (i = INDEX_PIN; i < INDEX_COUNT; i++) {
		struct derivation *d = &c->derivations[i];

		*d = (struct derivation){ .record = &c->record, .value = secrets[i], .which = i,
			.ok = secrets[i] == NULL };
		if (d->value != NULL)
			d->running = pthread_create(&d->thread, NULL, derive, d) == 0;
	}
}

/* Have it done, and count as derivation what we wait for it; on our own when there was no thread to be had. */
static bool
derivation_end(struct tpm_creation *c, enum card_index which)
{
	struct derivation *d = &c->derivations[which];
	const uint64_t begun = wire_clock();

	if (d->running)
		(void)pthread_join(d->thread, NULL);
	else if (d->value != NULL && d->auth.len == 0)
		(void)derive(d);
	d->running = false;
	c->tpm->spent.deriving_ns += wire_clock() - begun;
	return d->ok;
}

/*
 * Wait for all but the last: that one may go on while the TPM works on the
 * others, and nobody waits for us before.
 */
static bool
derivations_wait(struct tpm_creation *c)
{
	enum card_index last = INDEX_PIN, i;
	bool ok = true;

	for (i = INDEX_PIN; i < INDEX_COUNT; i++) {
		if (c->derivations[i].value != NULL)
			last = i;
	}
	for (i = INDEX_PIN; i < INDEX_COUNT && ok; i++)
		ok = i == last || derivation_end(c, i);
	return ok;
}

static void
derivations_clear(struct tpm_creation *c)
{
	size_t i;

	for (i = 0; i < INDEX_COUNT; i++) {
		if (c->derivations[i].running)
			(void)pthread_join(c->derivations[i].thread, NULL);
	}
	explicit_bzero(c->derivations, sizeof c->derivations);
}

/* auth_source of indices_make() */
static bool
derived(void *context, enum card_index which, const struct secret **auth)
{
	struct tpm_creation *c = context;

	*auth = &c->derivations[which].auth;
	return derivation_end(c, which);
}

/* ---- plan ---- */

static bool
plan_index(struct tpm_creation *c, enum card_index which, uint32_t limit)
{
	struct record_index *index = &c->record.index[which];

	index->present = true;
	index->limit = limit;
	return which == INDEX_LIFE || RAND_bytes(index->salt, sizeof index->salt) == 1;
}

static bool
plan_record(struct tpm_creation *c)
{
	const struct tpm_spec *spec = c->spec;
	struct record *r = &c->record;
	struct wbuf profile = wbuf_over(r->profile, sizeof r->profile);
	const bool puk = spec->puk != NULL, admin = spec->admin_key != NULL;

	wbuf_put(&profile, spec->profile);
	r->profile_len = profile.len;
	r->scrypt_log_n = SCRYPT_LOG_N;
	r->scrypt_r = SCRYPT_R;
	r->scrypt_p = SCRYPT_P;
	r->approved[PIN_BY_PIN] = true;
	r->approved[PUK_BY_PUK] = r->approved[PIN_BY_PUK] = r->approved[COUNT_BY_PUK] = puk;
	r->approved[ADMIN_BY_ADMIN] = admin;
	r->approved[PIN_BY_ADMIN] = r->approved[COUNT_BY_ADMIN] = admin && spec->admin_unblock;
	authority_public(c->k, &r->k);
	return wbuf_ok(&profile) && plan_index(c, INDEX_PIN, spec->pin_tries) &&
	    (!puk || plan_index(c, INDEX_PUK, spec->puk_tries)) &&
	    (!admin || plan_index(c, INDEX_ADMIN, RECORD_ADMIN_LIMIT)) && plan_index(c, INDEX_LIFE, 0);
}

static TSS2_RC
plan_handles(struct tpm_creation *c, struct failure *why)
{
	TPM2_HANDLE handles[INDEX_COUNT];
	struct record_index *index = c->record.index;
	size_t n = 0, used = 0;
	TSS2_RC rc;
	int i;

	for (i = 0; i < INDEX_COUNT; i++)
		n += index[i].present;
	rc = handles_free(c->tpm, INDEX_FIRST, INDEX_END, handles, n);
	if (rc != TSS2_RC_SUCCESS)
		fail(why, "cannot find free NV indices in the TPM (0x%x)", (unsigned)rc);
	for (i = 0; i < INDEX_COUNT && rc == TSS2_RC_SUCCESS; i++) {
		if (!index[i].present)
			continue;
		index[i].handle = handles[used];
		used++;
	}
	return rc;
}

static TSS2_RC
plan(struct tpm_creation *c, struct rbuf sibling, struct failure *why)
{
	struct record other;
	const bool has_sibling = sibling.len != 0 && record_read(sibling, &other);
	TSS2_RC rc;

	rc = probe_card(c->tpm, why);
	if (rc == TSS2_RC_SUCCESS)
		rc = parent_choose(c->tpm, has_sibling ? &other.parent : NULL, &c->record.parent,
		    &c->storage, why);
	if (rc == TSS2_RC_SUCCESS)
		rc = plan_handles(c, why);
	if (rc == TSS2_RC_SUCCESS && !record_complete(&c->record))
		rc = RC_CRYPTO;
	return rc;
}

enum tpm_err
tpm_creation_plan(struct tpm *t, const struct tpm_spec *spec, struct rbuf sibling,
    struct tpm_creation **out, struct wbuf *claims, struct failure *why)
{
	struct tpm_creation *c = calloc(1, sizeof *c);
	enum tpm_err err = TPM_UNUSABLE;
	struct claims planned;
	TSS2_RC rc;

	if (c == NULL || (c->k = authority_new()) == NULL) {
		fail(why, "out of memory");
		goto out;
	}
	c->tpm = t;
	c->spec = spec;
	if (!plan_record(c)) {
		fail(why, "cannot prepare the card's record");
		goto out;
	}
	derivations_begin(c);
	rc = link_begin(t, LINK_SECONDS_CREATE, why);
	if (rc == TSS2_RC_SUCCESS) {
		rc = plan(c, sibling, why);
		link_end(t);
	}
	err = tpm_err_from_rc(rc);
	if (err == TPM_OK && claims_of(&c->record, &planned))
		claims_write(&planned, claims);
	else if (err == TPM_OK)
		err = TPM_UNUSABLE;
	if (err != TPM_OK)
		fail(why, "cannot plan the card in the TPM (0x%x)", (unsigned)rc);
out:
	if (err == TPM_OK) {
		*out = c;
	} else {
		tpm_creation_free(c);
	}
	return err;
}

void
tpm_creation_free(struct tpm_creation *c)
{
	if (c == NULL)
		return;
	derivations_clear(c);
	authority_free(c->k);
	explicit_bzero(c, sizeof *c);
	free(c);
}

/* ---- run ---- */

/* Sign what the card's owner, PUK and administrator may ever do. */
static bool
approve(struct tpm_creation *c)
{
	struct digest policy, d;
	int i;

	for (i = 0; i < APPROVAL_COUNT; i++) {
		const enum approval_id id = (enum approval_id)i;

		if (c->record.approved[i] &&
		    (!record_approved_policy(&c->record, id, &policy) ||
			!approval_digest(&policy, index_label(approval_target(id)), &d) ||
			!authority_sign(c->k, &d, &c->record.approval[i])))
			return false;
	}
	return true;
}

/* The card management key: the administrator's, or a random one, whose only user is the PIN's owner. */
static TSS2_RC
make_admin_key(const struct tpm_creation *c, const struct card_tpm *card,
    struct session *envelope, struct keyfile *out, struct secret *random)
{
	const uint8_t algorithm = c->spec->admin_algorithm;
	struct wbuf w = wbuf_over(random->data, sizeof random->data);
	TSS2_RC rc;

	if (c->spec->admin_key != NULL)
		return admin_key_make_in(
		    card, envelope, algorithm, PIN_NEVER, c->spec->admin_key, out);
	rc = random_octets(card->tpm, envelope, key_size(algorithm), &w);
	random->len = rc == TSS2_RC_SUCCESS && wbuf_ok(&w) ? w.len : 0;
	if (rc == TSS2_RC_SUCCESS)
		rc = admin_key_make_in(card, envelope, algorithm, PIN_ONCE, random, out);
	return rc;
}

static TSS2_RC
make_card(struct tpm_creation *c, struct keyfile *admin_key,
    struct secret *random, struct failure *why)
{
	struct card_tpm card = { .tpm = c->tpm, .record = &c->record };
	TSS2_RC rc = TSS2_RC_SUCCESS;
	SESSION(envelope);

	if (c->storage.handle == 0)
		rc = parent_make(c->tpm, &c->record.parent, &c->storage, why);
	card.storage = c->storage;
	/* If another key is at the handle now, it does not learn what this is salted with. */
	if (rc == TSS2_RC_SUCCESS)
		rc = session_open(c->tpm, &card.storage, TPM2_SE_HMAC, &envelope);
	if (rc == TSS2_RC_SUCCESS)
		rc = indices_make(&card, c->k, derived, c, &envelope);
	if (rc_base(rc) == TPM2_RC_NV_SPACE)
		fail(why, "the TPM's NV memory is full: a card needs up to four NV indices; free some (tpm2_nvundefine) and try again");
	if (rc == TSS2_RC_SUCCESS)
		rc = make_admin_key(c, &card, &envelope, admin_key, random);
	session_close(c->tpm, &envelope);
	if (rc != TSS2_RC_SUCCESS)
		fail(why, "the TPM refused to make the card: error 0x%x%s", (unsigned)rc,
		    tpm_err_from_rc(rc) == TPM_DENIED ?
			" (is the owner authorisation set? give it with owner_auth_file)" : "");
	if (rc != TSS2_RC_SUCCESS)
		rc_log("create a card", rc);
	return rc;
}

enum tpm_err
tpm_creation_run(struct tpm_creation *c, struct wbuf *record, struct wbuf *admin_key,
    struct secret *random, struct failure *why)
{
	struct keyfile key;
	TSS2_RC rc;

	if (c->run)
		return TPM_UNUSABLE;
	c->run = true;
	secret_clear(random);
	/* Signed while keys are derived: the names are known since the plan. */
	if (!approve(c)) {
		fail(why, "cannot sign the card's approvals");
		return TPM_UNUSABLE;
	}
	if (!derivations_wait(c)) {
		fail(why, "cannot derive the PIN's and the keys' values for the TPM");
		return TPM_UNUSABLE;
	}
	rc = link_begin(c->tpm, LINK_SECONDS_CREATE, why);
	if (rc == TSS2_RC_SUCCESS) {
		rc = make_card(c, &key, random, why);
		/* Whatever was loaded goes with the connection. */
		if (rc != TSS2_RC_SUCCESS)
			link_drop(c->tpm);
		link_end(c->tpm);
	}
	derivations_clear(c);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_err_from_rc(rc);
	if (!record_write(&c->record, c->k, record) || !wbuf_ok(record) ||
	    !keyfile_write(&key, admin_key) || !wbuf_ok(admin_key)) {
		fail(why, "cannot sign the card's record");
		return TPM_UNUSABLE;
	}
	return TPM_OK;
}
