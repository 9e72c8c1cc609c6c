/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/vault.h"

#include <stdlib.h>
#include <string.h>

#include "tpm/rc.h"

static struct tpm_vault *
own(struct vault *vault)
{
	return (struct tpm_vault *)vault;
}

static TSS2_RC
step_disarm(struct tpm_vault *v, void *context)
{
	(void)context;
	armed_drop(v);
	return TSS2_RC_SUCCESS;
}

static void
op_disarm(struct vault *vault)
{
	struct tpm_vault *v = own(vault);

	if (v->armed == ARMED_NOT || v->armed == ARMED_SPENT)
		return;
	/* Not served again, whatever comes; and if the TPM is out of reach now, flushed when it is not. */
	if (vault_do(v, "disarm", LINK_LOAD, LINK_SECONDS_DISARM, false, step_disarm, NULL) != VAULT_OK &&
	    v->armed != ARMED_NOT) {
		v->armed = v->armed_saved != NULL ? ARMED_SPENT : ARMED_NOT;
		session_forget(&v->armed_session);
	}
}

static TSS2_RC
step_forget(struct tpm_vault *v, void *context)
{
	(void)context;
	session_close(v->card.tpm, &v->policy);
	return TSS2_RC_SUCCESS;
}

static void
op_forget(struct vault *vault)
{
	struct tpm_vault *v = own(vault);

	explicit_bzero(&v->ticket, sizeof v->ticket);
	op_disarm(vault);
	if (v->policy.proven != PIN_ONCE && v->ahead == NULL)
		return;
	/*
	 * Without its key nobody can use it, whether the TPM flushes it now or with
	 * the connection.  An answer that is still out is for the next turn to collect.
	 */
	if (vault_do(v, "forget a proof", LINK_LOAD, LINK_SECONDS_DISARM, false, step_forget, NULL) != VAULT_OK)
		session_forget(&v->policy);
}

/* Two derived secrets: the one that proves, and the new one. */
struct proof {
	enum card_index which;
	struct secret auth;
	struct secret fresh;
};

static void
proof_clear(struct proof *p)
{
	explicit_bzero(p, sizeof *p);
}

#define PROOF(name, index) \
	__attribute__((cleanup(proof_clear))) struct proof name = { .which = (index) }

/* Prove the PIN for "use", on a new session: a ticket's time runs from the session's start. */
static TSS2_RC
prove_use(struct tpm_vault *v, struct prover *pin)
{
	const int32_t expiration = -(int32_t)v->card.tpm->config.pin_cache;
	TSS2_RC rc;

	session_close(v->card.tpm, &v->policy);
	rc = vault_policy(v);
	if (rc == TSS2_RC_SUCCESS)
		rc = reference_prove(&v->card, pin, &v->policy, PURPOSE_USE, expiration, &v->ticket);
	if (rc == TSS2_RC_SUCCESS)
		v->policy.proven = PIN_ONCE; /* the first use needs no ticket */
	return rc;
}

static TSS2_RC
step_verify(struct tpm_vault *v, void *context)
{
	const struct proof *p = context;
	PROVER(pin);
	TSS2_RC rc;

	rc = prover_begin(&v->card, INDEX_PIN, &p->auth, &pin);
	if (rc == TSS2_RC_SUCCESS)
		rc = prove_use(v, &pin);
	/* Only now: a wrong PIN must cost one try, not two. */
	if (rc == TSS2_RC_SUCCESS)
		rc = armed_set(v, &pin);
	prover_end(&v->card, &pin);
	if (rc != TSS2_RC_SUCCESS) {
		explicit_bzero(&v->ticket, sizeof v->ticket);
		session_close(v->card.tpm, &v->policy);
	}
	return rc;
}

static enum vault_err
op_verify(struct vault *vault, const struct secret *pin)
{
	struct tpm_vault *v = own(vault);
	PROOF(p, INDEX_PIN);

	op_forget(vault);
	if (!reference_derive(&v->card, INDEX_PIN, pin, &p.auth))
		return VAULT_FAULT;
	return vault_run(v, "VERIFY", LINK_SECONDS_SECRET, false, step_verify, &p);
}

static TSS2_RC
step_check(struct tpm_vault *v, void *context)
{
	const struct proof *p = context;
	const char *purpose = p->which == INDEX_PIN ? PURPOSE_USE : PURPOSE_UNBLOCK;
	SESSION(session);
	PROVER(prover);
	TSS2_RC rc;

	rc = session_open(v->card.tpm, &v->card.storage, TPM2_SE_POLICY, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = prover_begin(&v->card, p->which, &p->auth, &prover);
	if (rc == TSS2_RC_SUCCESS)
		rc = reference_prove(&v->card, &prover, &session, purpose, 0, NULL);
	prover_end(&v->card, &prover);
	session_close(v->card.tpm, &session);
	return rc;
}

/* The port's name of a reference as the record's. */
static enum card_index
index_of(enum reference which)
{
	static const enum card_index indices[] = {
		[REFERENCE_PIN] = INDEX_PIN,
		[REFERENCE_PUK] = INDEX_PUK,
		[REFERENCE_ADMIN] = INDEX_ADMIN,
	};

	return indices[which];
}

static enum vault_err
op_check(struct vault *vault, enum reference which, const struct secret *value)
{
	struct tpm_vault *v = own(vault);
	PROOF(p, index_of(which));

	if (!v->record.index[p.which].present)
		return VAULT_ABSENT;
	if (!reference_derive(&v->card, p.which, value, &p.auth))
		return VAULT_FAULT;
	return vault_run(v, "check a secret", LINK_SECONDS_SECRET, false, step_check, &p);
}

struct tries_query {
	enum card_index which;
	struct tries tries;
};

static TSS2_RC
step_tries(struct tpm_vault *v, void *context)
{
	struct tries_query *q = context;

	return reference_tries(&v->card, q->which, &q->tries);
}

static enum vault_err
op_tries(struct vault *vault, enum reference which, struct tries *out)
{
	struct tries_query q = { .which = index_of(which) };
	enum vault_err err;

	err = vault_do(own(vault), "read the tries left", LINK_LOAD, LINK_SECONDS, true, step_tries, &q);
	if (err == VAULT_OK)
		*out = q.tries;
	return err;
}

/* Who may change what by themselves. */
static const enum approval_id change_by_itself[] = {
	[INDEX_PIN] = PIN_BY_PIN,
	[INDEX_PUK] = PUK_BY_PUK,
	[INDEX_ADMIN] = ADMIN_BY_ADMIN,
};

static TSS2_RC
step_change(struct tpm_vault *v, void *context)
{
	const struct proof *p = context;

	return reference_change(&v->card, change_by_itself[p->which], &p->auth, &p->fresh);
}

static enum vault_err
op_change(struct vault *vault, enum reference which, const struct secret *old,
    const struct secret *fresh)
{
	struct tpm_vault *v = own(vault);
	PROOF(p, index_of(which));

	if (which == REFERENCE_PIN)
		op_forget(vault);
	if (!v->record.index[p.which].present)
		return VAULT_ABSENT;
	if (!reference_derive(&v->card, p.which, old, &p.auth) ||
	    !reference_derive(&v->card, p.which, fresh, &p.fresh))
		return VAULT_FAULT;
	return vault_run(v, "change a secret", LINK_SECONDS_SECRET, false, step_change, &p);
}

static TSS2_RC
step_unblock(struct tpm_vault *v, void *context)
{
	const struct proof *p = context;
	const bool puk = p->which == INDEX_PUK;
	TSS2_RC rc;

	/* The PIN first: between the two it is new and still blocked, never old and free again. */
	rc = reference_change(&v->card, puk ? PIN_BY_PUK : PIN_BY_ADMIN, &p->auth, &p->fresh);
	if (rc == TSS2_RC_SUCCESS)
		rc = reference_reset_count(&v->card, puk ? COUNT_BY_PUK : COUNT_BY_ADMIN, &p->auth);
	return rc;
}

static enum vault_err
op_unblock(struct vault *vault, enum reference by, const struct secret *proof,
    const struct secret *fresh_pin)
{
	struct tpm_vault *v = own(vault);
	PROOF(p, index_of(by));

	op_forget(vault);
	if (by == REFERENCE_PIN || !v->record.index[p.which].present)
		return VAULT_ABSENT;
	if (!reference_derive(&v->card, p.which, proof, &p.auth) ||
	    !reference_derive(&v->card, INDEX_PIN, fresh_pin, &p.fresh))
		return VAULT_FAULT;
	return vault_run(v, "unblock the PIN", LINK_SECONDS_SECRET, false, step_unblock, &p);
}

struct random_request {
	size_t n;
	struct wbuf *out;
};

static TSS2_RC
step_random(struct tpm_vault *v, void *context)
{
	const struct random_request *q = context;
	size_t begin = q->out->len;
	TSS2_RC rc;

	rc = vault_policy(v);
	if (rc == TSS2_RC_SUCCESS)
		rc = random_octets(v->card.tpm, &v->policy, q->n, q->out);
	if (rc != TSS2_RC_SUCCESS || !wbuf_ok(q->out))
		wbuf_truncate(q->out, begin);
	return rc == TSS2_RC_SUCCESS && q->out->len == begin && q->n != 0 ? RC_MISMATCH : rc;
}

static enum vault_err
op_random(struct vault *vault, size_t n, struct wbuf *out)
{
	struct random_request q = { .n = n, .out = out };

	if (n > SECRET_MAX)
		return VAULT_MISMATCH;
	return vault_do(own(vault), "random", LINK_LOAD, LINK_SECONDS, true, step_random, &q);
}

static const struct vault_ops ops = {
	.verify = op_verify,
	.check = op_check,
	.tries = op_tries,
	.change = op_change,
	.unblock = op_unblock,
	.disarm = op_disarm,
	.forget = op_forget,
	.generate = use_generate,
	.describe = use_describe,
	.operate = use_operate,
	.encrypt = manage_encrypt,
	.attest = certify_attest,
	.random = op_random,
	.import = import_key,
	.public_value = use_public_value,
	.seal = sealing_seal,
	.unseal = sealing_unseal,
	.admin_make = manage_make,
	.admin_follow = manage_follow,
	.admin_holds = manage_holds,
	.admin_is = manage_is,
};

/* A vault but for its record. */
static struct tpm_vault *
vault_new(struct tpm *t)
{
	struct tpm_vault *v = calloc(1, sizeof *v);

	if (v == NULL)
		return NULL;
	v->port.ops = &ops;
	v->card = (struct card_tpm){ .tpm = t, .record = &v->record };
	v->epoch = t->epoch - 1; /* nothing is loaded yet */
	v->loaded = wbuf_over(v->loaded_octets, sizeof v->loaded_octets);
	return v;
}

enum tpm_err
tpm_vault_open(struct tpm *t, struct rbuf record, struct vault **out)
{
	struct tpm_vault *v = vault_new(t);

	if (v == NULL)
		return TPM_UNUSABLE;
	if (!record_read(record, &v->record)) {
		free(v);
		return TPM_RECORD;
	}
	*out = &v->port;
	return TPM_OK;
}

struct tpm_vault *
vault_twin(const struct tpm_vault *v)
{
	struct tpm *t = tpm_new(&v->card.tpm->config);
	struct tpm_vault *twin = t != NULL ? vault_new(t) : NULL;

	if (twin == NULL)
		tpm_free(t);
	else
		twin->record = v->record;
	return twin;
}

void
vault_twin_free(struct tpm_vault *twin)
{
	struct tpm *t;

	if (twin == NULL)
		return;
	t = twin->card.tpm;
	tpm_vault_free(&twin->port);
	tpm_free(t);
}

void
tpm_vault_free(struct vault *vault)
{
	if (vault == NULL)
		return;
	op_forget(vault);
	armed_wipe(own(vault));
	explicit_bzero(own(vault), sizeof(struct tpm_vault));
	free(own(vault));
}

enum tpm_err
tpm_record_info(struct rbuf record, struct tpm_card_info *out)
{
	struct record r;
	struct rbuf in = record, before;
	const size_t tail = sizeof(struct authority_signature);

	if (!record_read(record, &r))
		return TPM_RECORD;
	*out = (struct tpm_card_info){
		.pin_tries = r.index[INDEX_PIN].limit,
		.puk_tries = r.index[INDEX_PUK].present ? r.index[INDEX_PUK].limit : 0,
		.has_puk = r.index[INDEX_PUK].present,
		.has_admin = r.index[INDEX_ADMIN].present,
		.admin_unblocks = r.approved[PIN_BY_ADMIN],
	};
	/* The profile is the last thing before the signature. */
	if (!rbuf_take(&in, record.len - tail - r.profile_len, &before) ||
	    !rbuf_take(&in, r.profile_len, &out->profile))
		return TPM_RECORD;
	return TPM_OK;
}
