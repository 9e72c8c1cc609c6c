/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The proof for PIN-always keys: a policy session that VERIFY opened and that
 * serves once.  PIN change, blocking and deletion of the index do not end such
 * a session by themselves, so everything that should must flush it.
 */
#include <stdlib.h>
#include <string.h>

#include "tpm/rc.h"
#include "tpm/vault.h"

void
armed_wipe(struct tpm_vault *v)
{
	if (v->armed_saved != NULL)
		explicit_bzero(v->armed_saved, sizeof *v->armed_saved);
	free(v->armed_saved);
	v->armed_saved = NULL;
	session_forget(&v->armed_session);
	v->armed = ARMED_NOT;
}

TSS2_RC
armed_set(struct tpm_vault *v, struct prover *pin)
{
	SESSION(session);
	TSS2_RC rc;

	rc = session_open(v->card.tpm, &v->card.storage, TPM2_SE_POLICY, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = reference_prove(&v->card, pin, &session, PURPOSE_ALWAYS, ARMED_SECONDS, NULL);
	if (rc != TSS2_RC_SUCCESS) {
		session_close(v->card.tpm, &session);
		return rc;
	}
	armed_wipe(v); /* a spent one that would not be flushed is left to link_flush_saved() */
	v->armed = ARMED_LIVE;
	v->armed_session = session;
	return TSS2_RC_SUCCESS;
}

TSS2_RC
armed_take(struct tpm_vault *v, struct session *out)
{
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (v->armed != ARMED_LIVE && v->armed != ARMED_SAVED)
		return RC_NO_PROOF;
	if (v->armed == ARMED_SAVED)
		rc = session_load(v->card.tpm, v->armed_saved, &v->armed_session);
	if (rc != TSS2_RC_SUCCESS) {
		/* The TPM was reset, or somebody flushed it: the proof is gone, not the card. */
		armed_drop(v);
		return RC_NO_PROOF;
	}
	*out = v->armed_session;
	armed_wipe(v);
	return TSS2_RC_SUCCESS;
}

/*
 * Flush a saved session; false when it may still be there.  It is loaded first:
 * after a reset of the TPM its handle may be somebody else's session.
 */
static bool
flush_saved(struct tpm_vault *v)
{
	SESSION(session);
	TSS2_RC rc;

	if (v->card.tpm->sys == NULL)
		return false;
	rc = session_load(v->card.tpm, v->armed_saved, &session);
	if (rc == TSS2_RC_SUCCESS)
		session_close(v->card.tpm, &session);
	return rc == TSS2_RC_SUCCESS || rc_of_parameter(rc);
}

void
armed_drop(struct tpm_vault *v)
{
	if (v->armed == ARMED_LIVE)
		session_close(v->card.tpm, &v->armed_session);
	session_forget(&v->armed_session);
	if (v->armed_saved != NULL && !flush_saved(v)) {
		v->armed = ARMED_SPENT;
		return;
	}
	armed_wipe(v);
}

void
armed_save(struct tpm_vault *v)
{
	TPMS_CONTEXT *saved;

	if (v->armed != ARMED_LIVE || !link_shared(v->card.tpm))
		return;
	saved = calloc(1, sizeof *saved);
	if (saved == NULL ||
	    session_save(v->card.tpm, &v->armed_session, saved) != TSS2_RC_SUCCESS) {
		free(saved);
		armed_drop(v);
		return;
	}
	v->armed = ARMED_SAVED;
	v->armed_saved = saved;
}
