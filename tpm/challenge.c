/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The card's side of an unblocking by a help desk.  Each proof has two sessions:
 * a policy session of ours, salted, that the proof goes into, and one that
 * nobody knows a secret of, which the desk's HMAC authorises.
 */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "tpm/desk.h"
#include "tpm/rc.h"
#include "tpm/vault.h"

/*
 * The sessions of one proof.  Where clients share a TPM without a resource
 * manager they are saved whenever others may have their turn; with one they stay
 * loaded, so that they end with the connection.
 */
struct proof {
	struct tpm_vault *card; /* the card on a connection of its own */
	enum approval_id id;
	struct challenge_proof *fields;
	struct digest hmac;
	const struct secret *fresh;

	unsigned epoch;		 /* what is loaded is good while it is the connection's */
	struct session policy;	 /* handle 0: none */
	TPM2_HANDLE authorising; /* 0: none, or saved */
	bool policy_saved;	 /* rather than loaded */
	TPMS_CONTEXT saved_policy;
	TPMS_CONTEXT saved_authorising; /* savedHandle 0 when not saved */
	bool proven, approved;
};

struct tpm_challenge {
	struct tpm_vault *vault;
	struct challenge fields;
	struct proof proof[CHALLENGE_PROOFS_MAX];
	struct wbuf text;
	uint8_t text_octets[TPM_CHALLENGE_MAX];
	bool spent;
};

static struct tpm *
tpm_of(const struct proof *p)
{
	return p->card->card.tpm;
}

/* ---- sessions, and where they are between turns ---- */

static void
forget_policy(struct proof *p)
{
	session_forget(&p->policy);
	explicit_bzero(&p->saved_policy, sizeof p->saved_policy);
	p->policy_saved = false;
}

/* Flush what is loaded. */
static void
flush(struct proof *p)
{
	if (!p->policy_saved)
		session_close(tpm_of(p), &p->policy);
	handle_flush(tpm_of(p), &p->authorising);
}

/* Others may have their turn. */
static TSS2_RC
park(struct proof *p)
{
	TSS2_RC rc = TSS2_RC_SUCCESS;

	p->epoch = p->card->epoch;
	if (!link_shared(tpm_of(p)))
		return TSS2_RC_SUCCESS;
	if (p->policy.handle != 0 && !p->policy_saved) {
		rc = session_save(tpm_of(p), &p->policy, &p->saved_policy);
		p->policy_saved = rc == TSS2_RC_SUCCESS;
	}
	if (rc == TSS2_RC_SUCCESS && p->authorising != 0) {
		rc = Tss2_Sys_ContextSave(tpm_of(p)->sys, p->authorising, &p->saved_authorising);
		if (rc == TSS2_RC_SUCCESS)
			p->authorising = 0;
	}
	return rc;
}

/* Load what is saved, as far as it goes: a context that the TPM finds fault with will not get better. */
static TSS2_RC
load(struct proof *p)
{
	TSS2_RC rc = TSS2_RC_SUCCESS, policy = TSS2_RC_SUCCESS;

	if (p->policy_saved) {
		policy = session_load(tpm_of(p), &p->saved_policy, &p->policy);
		if (policy == TSS2_RC_SUCCESS)
			p->policy_saved = false;
		else if (rc_of_parameter(policy))
			forget_policy(p);
	}
	if (p->saved_authorising.savedHandle != 0) {
		rc = Tss2_Sys_ContextLoad(tpm_of(p)->sys, &p->saved_authorising, &p->authorising);
		if (rc == TSS2_RC_SUCCESS || rc_of_parameter(rc))
			p->saved_authorising.savedHandle = 0;
	}
	return policy != TSS2_RC_SUCCESS ? policy : rc;
}

/* It is our turn again.  RC_ABSENT when the sessions are gone: the TPM was reset, or somebody flushed them. */
static TSS2_RC
resume(struct proof *p)
{
	TSS2_RC rc;

	if (p->epoch != p->card->epoch) {
		/* What was loaded went with the connection. */
		if (!p->policy_saved)
			forget_policy(p);
		p->authorising = 0;
	}
	rc = load(p);
	if (rc == TSS2_RC_SUCCESS &&
	    (p->policy.handle == 0 || (p->authorising == 0 && !p->proven)))
		rc = RC_ABSENT;
	return rc_of_parameter(rc) ? RC_ABSENT : rc;
}

/* ---- opening ---- */

static TSS2_RC
open_policy(struct proof *p)
{
	struct wbuf out = wbuf_over(p->fields->policy_nonce, SHORT_NONCE_OCTETS);
	TSS2_RC rc;

	rc = session_open_short(tpm_of(p), &p->card->card.storage, &p->policy);
	/* The desk signs for this nonce: it must be the TPM's word. */
	if (rc == TSS2_RC_SUCCESS)
		rc = session_confirm(tpm_of(p), &p->policy);
	p->fields->policy = p->policy.handle;
	wbuf_put(&out, rbuf_of(p->policy.nonce.buffer, p->policy.nonce.size));
	return rc == TSS2_RC_SUCCESS && out.len != SHORT_NONCE_OCTETS ? RC_CRYPTO : rc;
}

/* Unsalted and unbound: whoever knows ADMIN's authValue, and nothing else, can use it. */
static TSS2_RC
open_authorising(struct proof *p)
{
	const TPMT_SYM_DEF no_encryption = { .algorithm = TPM2_ALG_NULL };
	const TPM2B_ENCRYPTED_SECRET no_salt = { .size = 0 };
	TPM2B_NONCE caller = { .size = SHORT_NONCE_OCTETS }, nonce = { .size = 0 };
	struct wbuf out = wbuf_over(p->fields->nonce, SHORT_NONCE_OCTETS);
	TSS2_RC rc;

	if (RAND_bytes(caller.buffer, SHORT_NONCE_OCTETS) != 1)
		return RC_CRYPTO;
	rc = Tss2_Sys_StartAuthSession(tpm_of(p)->sys, TPM2_RH_NULL, TPM2_RH_NULL, NULL, &caller,
	    &no_salt, TPM2_SE_HMAC, &no_encryption, TPM2_ALG_SHA256, &p->authorising, &nonce, NULL);
	if (rc == TSS2_RC_SUCCESS)
		wbuf_put(&out, rbuf_of(nonce.buffer, nonce.size));
	return rc == TSS2_RC_SUCCESS && out.len != SHORT_NONCE_OCTETS ? RC_CRYPTO : rc;
}

static TSS2_RC
step_open(struct tpm_vault *v, void *context)
{
	struct proof *p = context;
	TSS2_RC rc;

	(void)resume(p); /* from an earlier attempt */
	flush(p);
	p->epoch = v->epoch;
	rc = open_policy(p);
	if (rc == TSS2_RC_SUCCESS)
		rc = open_authorising(p);
	if (rc == TSS2_RC_SUCCESS)
		rc = park(p);
	if (rc != TSS2_RC_SUCCESS)
		flush(p);
	return rc;
}

/* Whether the PIN has no tries left; unknown is what holds if we may not know. */
static bool
is_blocked(struct vault *vault, bool unknown)
{
	struct tries tries = { .left = 0 };

	return vault_tries(vault, REFERENCE_PIN, &tries) == VAULT_OK ? tries.left == 0 : unknown;
}

/* Whether the challenge still holds. */
static TSS2_RC
step_reach(struct tpm_vault *v, void *context)
{
	struct proof *p = context;
	TSS2_RC rc = resume(p);

	(void)v;
	if (rc == TSS2_RC_SUCCESS)
		rc = park(p);
	if (rc == RC_ABSENT)
		flush(p);
	return rc;
}

static enum vault_err
each(struct tpm_challenge *c, const char *what, bool repeatable, vault_step step)
{
	enum vault_err err = VAULT_OK;
	size_t i;

	for (i = 0; i < c->fields.count && err == VAULT_OK; i++)
		err = vault_run(c->proof[i].card, what, LINK_SECONDS_SECRET, repeatable, step,
		    &c->proof[i]);
	return err;
}

static bool
make_proofs(struct tpm_challenge *c)
{
	static const enum approval_id ids[CHALLENGE_PROOFS_MAX] = { PIN_BY_ADMIN, COUNT_BY_ADMIN };
	size_t i;

	challenge_card(&c->vault->record, c->fields.card);
	/* To reset a count that is not at its limit does no harm. */
	c->fields.count = is_blocked(&c->vault->port, true) ? CHALLENGE_PROOFS_MAX : 1;
	for (i = 0; i < c->fields.count; i++) {
		c->proof[i] = (struct proof){ .card = vault_twin(c->vault), .id = ids[i],
			.fields = &c->fields.proof[i] };
		if (c->proof[i].card == NULL)
			return false;
	}
	return true;
}

static enum vault_err
open_proofs(struct tpm_challenge *c)
{
	enum vault_err err = VAULT_ABSENT;
	int patience = 2;

	/* When the TPM was full, making room for the last session has cost the first ones. */
	while (err == VAULT_ABSENT && patience-- > 0) {
		err = each(c, "open a challenge", true, step_open);
		if (err == VAULT_OK)
			err = each(c, "reach the challenge", true, step_reach);
	}
	return err;
}

enum tpm_err
tpm_challenge_open(struct vault *vault, struct tpm_challenge **out, struct wbuf *octets,
    struct failure *why)
{
	struct tpm_vault *v = (struct tpm_vault *)vault;
	struct tpm_challenge *c;
	enum tpm_err err;
	bool opened;

	if (!v->record.approved[PIN_BY_ADMIN] || !v->record.approved[COUNT_BY_ADMIN]) {
		fail(why, "the admin key of this card may not unblock it: it was made with a random one or with --admin-unblock no");
		return TPM_DENIED;
	}
	err = tpm_vault_health(vault, why);
	if (err != TPM_OK)
		return err;
	c = calloc(1, sizeof *c);
	if (c == NULL) {
		fail(why, "out of memory");
		return TPM_UNUSABLE;
	}
	c->vault = v;
	c->text = wbuf_over(c->text_octets, sizeof c->text_octets);
	opened = make_proofs(c) && open_proofs(c) == VAULT_OK;
	challenge_write(&c->fields, &c->text);
	if (!opened || !wbuf_ok(&c->text)) {
		fail(why, "the TPM would not open the sessions for a challenge: try again");
		tpm_challenge_close(c);
		return TPM_UNUSABLE;
	}
	wbuf_put(octets, wbuf_view(&c->text));
	*out = c;
	return TPM_OK;
}

/* ---- answering ---- */

/* PolicySecret(ADMIN, "unblock") authorised by the desk. */
static TSS2_RC
policy_secret_command(struct proof *p)
{
	const TPM2B_NONCE nonce = nonce_tpm2b(rbuf_of(p->fields->policy_nonce, SHORT_NONCE_OCTETS));
	const TPM2B_NONCE ref = nonce_tpm2b(rbuf_str(PURPOSE_UNBLOCK));
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	const TSS2L_SYS_AUTH_COMMAND auths = { .count = 1, .auths = { {
		.sessionHandle = p->authorising,
		.nonce = challenge_nonce_caller(),
		.sessionAttributes = 0,
		.hmac = nonce_tpm2b(digest_view(&p->hmac)),
	} } };
	const struct record *r = &p->card->record;
	TSS2L_SYS_AUTH_RESPONSE answers = { .count = 0 };
	TPM2B_TIMEOUT timeout = { .size = 0 };
	TPMT_TK_AUTH no_ticket = { .tag = 0 };
	TSS2_RC rc;

	rc = reference_check(&p->card->card, INDEX_ADMIN);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_PolicySecret(tpm_of(p)->sys, r->index[INDEX_ADMIN].handle, p->fields->policy,
		    &auths, &nonce, &no_cphash, &ref, 0, &timeout, &no_ticket, &answers);
	return rc;
}

static TSS2_RC
step_prove(struct tpm_vault *v, void *context)
{
	struct proof *p = context;
	TSS2_RC rc = resume(p), parked;

	(void)v;
	if (rc == TSS2_RC_SUCCESS) {
		rc = policy_secret_command(p);
		if (rc == TSS2_RC_SUCCESS) {
			p->proven = true;
			p->authorising = 0; /* it ended with the command */
		}
	}
	if (rc != TSS2_RC_SUCCESS && !rc_busy(rc)) {
		flush(p);
		return rc;
	}
	parked = park(p);
	return rc == TSS2_RC_SUCCESS ? parked : rc;
}

static TSS2_RC
step_use(struct tpm_vault *v, void *context)
{
	struct proof *p = context;
	TSS2_RC rc = resume(p), parked;

	if (rc == TSS2_RC_SUCCESS && !p->approved) {
		rc = reference_approve(&v->card, p->id, &p->policy);
		p->approved = rc == TSS2_RC_SUCCESS;
	}
	if (rc == TSS2_RC_SUCCESS)
		rc = p->id == COUNT_BY_ADMIN ? reference_zero(&v->card, p->id, &p->policy) :
					       reference_set(&v->card, p->id, &p->policy, p->fresh);
	if (!rc_busy(rc)) {
		flush(p);
		return rc;
	}
	parked = park(p);
	return parked == TSS2_RC_SUCCESS ? rc : parked;
}

enum vault_err
tpm_challenge_answer(
    struct tpm_challenge *c, struct rbuf response, const struct secret *fresh_pin)
{
	struct digest hmac[CHALLENGE_PROOFS_MAX];
	enum vault_err err;
	size_t i;
	SECRET(fresh);

	if (!response_read(wbuf_view(&c->text), c->fields.count, response, hmac))
		return VAULT_MISMATCH;
	if (c->spent)
		return VAULT_ABSENT;
	c->spent = true;
	if (!reference_derive(&c->vault->card, INDEX_PIN, fresh_pin, &fresh))
		return VAULT_FAULT;
	err = each(c, "reach the challenge", true, step_reach);
	if (err != VAULT_OK)
		return err;
	/* One proof does not serve two commands: a PIN that was blocked meanwhile needs another challenge. */
	if (c->fields.count == 1 && is_blocked(&c->vault->port, false))
		return VAULT_BLOCKED;
	vault_forget(&c->vault->port);
	for (i = 0; i < c->fields.count; i++) {
		c->proof[i].hmac = hmac[i];
		c->proof[i].fresh = &fresh;
	}
	/* Both proofs before anything is done; then the PIN, then its tries, as vault_unblock() does. */
	err = each(c, "prove by a response", false, step_prove);
	if (err == VAULT_OK && each(c, "unblock the PIN", false, step_use) != VAULT_OK)
		err = VAULT_FAULT;
	for (i = 0; i < c->fields.count; i++)
		c->proof[i].fresh = NULL; /* it is wiped now */
	return err;
}

/* ---- closing ---- */

static TSS2_RC
step_close(struct tpm_vault *v, void *context)
{
	struct proof *p = context;

	(void)v;
	/* Loaded again before it is flushed: by now its handle may be somebody else's session. */
	(void)resume(p);
	flush(p);
	return TSS2_RC_SUCCESS;
}

void
tpm_challenge_close(struct tpm_challenge *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < CHALLENGE_PROOFS_MAX; i++) {
		struct proof *p = &c->proof[i];

		if (p->card == NULL)
			continue;
		if ((p->policy.handle != 0 || p->authorising != 0 ||
			p->saved_authorising.savedHandle != 0) &&
		    vault_run(p->card, "close a challenge", LINK_SECONDS, false, step_close, p) !=
			VAULT_OK)
			log_warning("a challenge's sessions stay in the TPM until it is reset");
		forget_policy(p);
		vault_twin_free(p->card);
	}
	explicit_bzero(c, sizeof *c);
	free(c);
}
