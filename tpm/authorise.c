/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What makes a session satisfy a key's policy, and doing that ahead of time.
 *
 * A session that has proven something serves one use; then the TPM has it
 * begin anew.  So that whoever waits for a use waits for one command, the ticket
 * for the next one is sent right behind each use, and nobody waits for that: one
 * command after each use, and then the TPM is idle.
 */
#include <string.h>

#include "tpm/rc.h"
#include "tpm/vault.h"

/* ---- proofs: a command prepared, and what it is about ---- */

/* Have the TPM check that LIFE is there and was written by the card's creator. */
static TSS2_RC
prepare_life(struct tpm_vault *v, struct command *out)
{
	const struct entity life = reference_entity(&v->card, INDEX_LIFE);
	const TPM2B_OPERAND zeros = { .size = 8 };

	*out = (struct command){ .entities = { life, life, { v->policy.handle, NULL } },
		.by = { { .session = &session_password } } };
	return Tss2_Sys_PolicyNV_Prepare(v->card.tpm->sys, life.handle, life.handle,
	    v->policy.handle, &zeros, 0, TPM2_EO_EQ);
}

/* No session protects it: who alters it makes it fail. */
static TSS2_RC
prepare_ticket(struct tpm_vault *v, TSS2_SYS_CONTEXT *sys)
{
	const TPM2B_NONCE ref = nonce_tpm2b(rbuf_str(PURPOSE_USE));
	const TPM2B_NAME pin = name_tpm2b(&v->record.name[INDEX_PIN]);
	const TPM2B_DIGEST no_cphash = { .size = 0 };

	if (!v->ticket.held)
		return RC_NO_PROOF;
	return Tss2_Sys_PolicyTicket_Prepare(sys, v->policy.handle, &v->ticket.timeout,
	    &no_cphash, &ref, &pin, &v->ticket.ticket);
}

/* ---- now ---- */

/* Have the card's own session satisfy the rule, unless it does. */
static TSS2_RC
prove(struct tpm_vault *v, enum pin_rule rule)
{
	struct command c = { .by = { { .session = NULL } } };
	TSS2_RC rc = vault_policy(v);

	if (rc != TSS2_RC_SUCCESS || v->policy.proven == (unsigned)rule)
		return rc;
	if (v->policy.proven != 0)
		rc = Tss2_Sys_PolicyRestart(v->card.tpm->sys, v->policy.handle, NULL, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	v->policy.proven = 0;
	rc = rule == PIN_NEVER ? prepare_life(v, &c) : prepare_ticket(v, v->card.tpm->sys);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, &c);
	if (rc == TSS2_RC_SUCCESS)
		v->policy.proven = rule;
	return rc;
}

/* ---- ahead ---- */

/* Send the ticket if the TPM takes it at once. */
static void
send_ticket(struct tpm_vault *v, struct wire *wire, TSS2_SYS_CONTEXT *sys)
{
	static const struct timespec at_once = { .tv_sec = 0 };

	wire_deadline(wire, &at_once);
	if (prepare_ticket(v, sys) == TSS2_RC_SUCCESS && Tss2_Sys_ExecuteAsync(sys) == TSS2_RC_SUCCESS)
		v->ahead = sys;
}

/*
 * The TPM is at work on a use: where it takes another command meanwhile, it will
 * go on with this one.  If the use fails, so does the session.
 */
static void
send_behind(void *context)
{
	struct tpm_vault *v = context;
	struct tpm *t = v->card.tpm;

	if (link_side(t))
		send_ticket(v, t->side.wire, t->side.sys);
}

void
ahead_send(struct tpm_vault *v)
{
	/* LIFE is looked at when a key is used and no earlier: a destroyed card's keys are dead. */
	if (v->next == PIN_ONCE && v->ahead == NULL && v->policy.handle != 0 && v->policy.proven == 0)
		send_ticket(v, v->card.tpm->wire, v->card.tpm->sys);
}

TSS2_RC
ahead_collect(struct tpm_vault *v)
{
	TSS2_SYS_CONTEXT *sys = v->ahead;
	TSS2_RC rc;

	if (sys == NULL)
		return TSS2_RC_SUCCESS;
	v->ahead = NULL;
	rc = Tss2_Sys_ExecuteFinish(sys, TSS2_TCTI_TIMEOUT_BLOCK);
	if (rc_on_the_way(rc))
		return rc;
	/* If the TPM refused, doing it again in time will tell why.  The session may be forgotten by now. */
	if (rc == TSS2_RC_SUCCESS && v->policy.handle != 0)
		v->policy.proven = PIN_ONCE;
	link_make_room(v->card.tpm);
	return TSS2_RC_SUCCESS;
}

/* ---- a use ---- */

TSS2_RC
authorise(struct tpm_vault *v, TPMA_SESSION encryption, struct session *armed, struct command *out)
{
	const bool once = v->info.pin == PIN_ALWAYS;

	*out = (struct command){ .entities = { { v->key, &v->name } },
		.by = { { .session = once ? armed : &v->policy, .use = encryption, .last = once } },
		.meanwhile = v->info.pin == PIN_ONCE ? send_behind : NULL, .context = v };
	return once ? armed_take(v, armed) : prove(v, v->info.pin);
}

TSS2_RC
settle(struct tpm_vault *v, struct session *armed, TSS2_RC rc)
{
	session_close(v->card.tpm, armed);
	if (rc == TSS2_RC_SUCCESS) {
		v->next = v->info.pin;
		return rc;
	}
	session_close(v->card.tpm, &v->policy);
	/* It asks for nothing but LIFE, so what is at LIFE's handle is another index. */
	if (v->info.pin == PIN_NEVER && rc_base(rc) == rc_base(TPM2_RC_POLICY_FAIL))
		return RC_IMPOSTOR;
	return rc;
}
