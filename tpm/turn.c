/* SPDX-License-Identifier: BSD-2-Clause */
/* A card's turn on the TPM: one piece of work at a time, with what is loaded kept up to date. */
#include <time.h>

#include "tpm/rc.h"
#include "tpm/vault.h"

/* After a new connection nothing is loaded, and a live armed session is lost. */
static TSS2_RC
refresh(struct tpm_vault *v)
{
	struct tpm *t = v->card.tpm;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (v->epoch != t->epoch) {
		session_forget(&v->policy);
		v->key = 0;
		v->ahead = NULL;
		v->card.storage.handle = 0;
		if (v->armed == ARMED_LIVE)
			v->armed = ARMED_NOT;
		if (v->armed == ARMED_NOT)
			session_forget(&v->armed_session);
		v->epoch = t->epoch;
		rc = parent_read(t, &v->record.parent, &v->card.storage);
	}
	if (rc == TSS2_RC_SUCCESS)
		rc = ahead_collect(v);
	/* Another card may have needed the place. */
	if (!link_keeps(t, v->key))
		v->key = 0;
	if (!link_keeps(t, v->policy.handle))
		session_forget(&v->policy);
	return rc;
}

static TSS2_RC
attempt(struct tpm_vault *v, enum link_use use, unsigned seconds, vault_step step, void *context)
{
	TSS2_RC rc = link_enter(v->card.tpm, use, seconds, NULL);

	if (rc != TSS2_RC_SUCCESS)
		return rc;
	rc = refresh(v);
	v->next = 0;
	if (rc == TSS2_RC_SUCCESS && v->armed == ARMED_SPENT)
		armed_drop(v);
	if (rc == TSS2_RC_SUCCESS)
		rc = step(v, context);
	if (rc_sessions_full(rc))
		link_flush_saved(v->card.tpm);
	if (rc_stale(rc) || rc_on_the_way(rc) || v->card.storage.handle == 0) {
		link_drop(v->card.tpm);
	} else {
		armed_save(v);
		link_keep(v->card.tpm, v->key, v->policy.handle);
		if (rc == TSS2_RC_SUCCESS)
			ahead_send(v);
	}
	link_end(v->card.tpm);
	return rc;
}

enum vault_err
vault_do(struct tpm_vault *v, const char *what, enum link_use use, unsigned seconds,
    bool repeatable, vault_step step, void *context)
{
	const struct timespec pause = { .tv_nsec = 200 * 1000 * 1000 };
	TSS2_RC rc = attempt(v, use, seconds, step, context);
	const bool broken = (rc & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER;
	int patience = 10;

	/* It spares its NV memory, or is not done with its tests: nothing was done or counted. */
	while (rc_busy(rc) && patience-- > 0) {
		(void)nanosleep(&pause, NULL);
		rc = attempt(v, use, seconds, step, context);
	}
	if (rc_stale(rc) && (repeatable || !broken) && !link_late(v->card.tpm)) {
		log_debug("%s: beginning again after 0x%x", what, (unsigned)rc);
		rc = attempt(v, use, seconds, step, context);
	}
	return vault_err_from_rc(what, rc);
}

enum vault_err
vault_run(struct tpm_vault *v, const char *what, unsigned seconds, bool repeatable,
    vault_step step, void *context)
{
	return vault_do(v, what, LINK_ALONE, seconds, repeatable, step, context);
}

enum vault_err
vault_use(struct tpm_vault *v, const char *what, vault_step step, void *context)
{
	return vault_do(v, what, use_needs(v), LINK_SECONDS, true, step, context);
}

TSS2_RC
vault_policy(struct tpm_vault *v)
{
	if (v->policy.handle != 0)
		return TSS2_RC_SUCCESS;
	return session_open(v->card.tpm, &v->card.storage, TPM2_SE_POLICY, &v->policy);
}

/* ---- health ---- */

static TSS2_RC
step_health(struct tpm_vault *v, void *context)
{
	enum card_index *which = context;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	for (*which = INDEX_PIN; *which < INDEX_COUNT && rc == TSS2_RC_SUCCESS; ++*which) {
		if (v->record.index[*which].present)
			rc = reference_check(&v->card, *which);
	}
	return rc;
}

enum tpm_err
tpm_vault_health(struct vault *vault, struct failure *why)
{
	struct tpm_vault *v = (struct tpm_vault *)vault;
	enum card_index which = INDEX_PIN;
	TSS2_RC rc;

	rc = link_begin(v->card.tpm, LINK_SECONDS, why);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_err_from_rc(rc);
	link_end(v->card.tpm);
	rc = attempt(v, LINK_LOAD, LINK_SECONDS, step_health, &which);
	if (rc == TSS2_RC_SUCCESS)
		return TPM_OK;
	if (rc != RC_IMPOSTOR && rc_base(rc) != rc_base(TPM2_RC_HANDLE))
		fail(why, "cannot ask the TPM about the card (0x%x): try again", (unsigned)rc);
	else if (v->card.storage.handle == 0)
		fail(why, "the card's storage key is not in the TPM any more (0x%08x): the TPM was cleared; destroy the card and make a new one",
		    (unsigned)v->record.parent.handle);
	else
		fail(why, "the card's %s is not in the TPM any more: the card is dead; destroy it and make a new one",
		    which > INDEX_PIN ? index_label(which - 1) : index_label(INDEX_PIN));
	return TPM_UNUSABLE;
}
