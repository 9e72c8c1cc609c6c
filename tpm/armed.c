/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The proof for PIN-always keys: a policy session that VERIFY opened and that
 * serves once.  PIN change, blocking and deletion of the index do not end such
 * a session by themselves, so everything that should must flush it.
 */
#include <string.h>

#include "tpm/rc.h"
#include "tpm/vault.h"

void
armed_wipe(struct tpm_vault *v)
{
	/* A context holds the session's key. */
	if (v->armed_saved != NULL)
		explicit_bzero(v->armed_saved, sizeof *v->armed_saved);
	Esys_Free(v->armed_saved);
	v->armed_saved = NULL;
	v->armed_session = ESYS_TR_NONE;
	v->armed = ARMED_NOT;
}

TSS2_RC
armed_set(struct tpm_vault *v, const struct secret *auth)
{
	ESYS_TR session = ESYS_TR_NONE;
	TSS2_RC rc;

	rc = session_start(v->card.tpm, v->card.parent, TPM2_SE_POLICY, 0, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = reference_prove(&v->card, INDEX_PIN, auth, session, PURPOSE_ALWAYS,
		    ARMED_SECONDS, NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TRSess_SetAttributes(v->card.tpm->esys, session, 0,
		    TPMA_SESSION_CONTINUESESSION);
	if (rc != TSS2_RC_SUCCESS) {
		session_end(v->card.tpm, &session);
		return rc;
	}
	armed_wipe(v); /* a spent one that would not be flushed is left to link_flush_saved() */
	v->armed = ARMED_LIVE;
	v->armed_session = session;
	return TSS2_RC_SUCCESS;
}

TSS2_RC
armed_take(struct tpm_vault *v, TPMA_SESSION encryption, ESYS_TR *out)
{
	ESYS_CONTEXT *esys = v->card.tpm->esys;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (v->armed != ARMED_LIVE && v->armed != ARMED_SAVED)
		return RC_NO_PROOF;
	if (v->armed == ARMED_SAVED)
		rc = Esys_ContextLoad(esys, v->armed_saved, &v->armed_session);
	if (rc != TSS2_RC_SUCCESS) {
		/* The TPM was reset, or somebody flushed it: the proof is gone, not the card. */
		armed_drop(v);
		return RC_NO_PROOF;
	}
	*out = v->armed_session;
	armed_wipe(v);
	return Esys_TRSess_SetAttributes(esys, *out, encryption,
	    TPMA_SESSION_ENCRYPT | TPMA_SESSION_DECRYPT | TPMA_SESSION_CONTINUESESSION);
}

/*
 * Flush a saved session; false when it may still be there.  It is loaded first:
 * after a reset of the TPM its handle may be somebody else's session.
 */
static bool
flush_saved(struct tpm_vault *v)
{
	ESYS_TR session = ESYS_TR_NONE;
	TSS2_RC rc;

	if (v->card.tpm->esys == NULL)
		return false;
	rc = Esys_ContextLoad(v->card.tpm->esys, v->armed_saved, &session);
	if (rc == TSS2_RC_SUCCESS)
		session_end(v->card.tpm, &session);
	return rc == TSS2_RC_SUCCESS || rc_of_parameter(rc);
}

void
armed_drop(struct tpm_vault *v)
{
	if (v->armed == ARMED_LIVE)
		session_end(v->card.tpm, &v->armed_session);
	if (v->armed_saved != NULL && !flush_saved(v)) {
		v->armed = ARMED_SPENT;
		return;
	}
	armed_wipe(v);
}

void
armed_save(struct tpm_vault *v)
{
	TPMS_CONTEXT *saved = NULL;

	if (v->armed != ARMED_LIVE || !link_shared(v->card.tpm))
		return;
	if (Esys_ContextSave(v->card.tpm->esys, v->armed_session, &saved) != TSS2_RC_SUCCESS) {
		armed_drop(v);
		return;
	}
	v->armed = ARMED_SAVED;
	v->armed_session = ESYS_TR_NONE;
	v->armed_saved = saved;
}
