/* SPDX-License-Identifier: BSD-2-Clause */
/* What a TPM says of itself, and what it can do. */
#include "tpm/facts.h"

#include <string.h>

#include "tpm/command.h"
#include "tpm/key.h"
#include "tpm/parent.h"
#include "tpm/probe.h"
#include "tpm/rc.h"

/* PIN_FAIL indices came with revision 1.38 of the specification. */
#define REVISION_PIN_FAIL 138

/* ---- what it can do ---- */

/* An answer about something else may hold more items than were asked for, and other ones. */
static TSS2_RC
ask_capability(struct tpm *t, TPM2_CAP capability, UINT32 first, UINT32 count, TPMI_YES_NO *more,
    TPMS_CAPABILITY_DATA *out)
{
	TSS2_RC rc;

	memset(out, 0, sizeof *out);
	rc = Tss2_Sys_GetCapability(t->sys, NULL, capability, first, count, more, out, NULL);
	return rc == TSS2_RC_SUCCESS && out->capability != capability ? RC_CRYPTO : rc;
}

TSS2_RC
probe_command(struct tpm *t, TPM2_CC code, bool *out)
{
	TPMS_CAPABILITY_DATA data;
	TPMI_YES_NO more;
	TSS2_RC rc;

	rc = ask_capability(t, TPM2_CAP_COMMANDS, code, 1, &more, &data);
	if (rc == TSS2_RC_SUCCESS)
		*out = data.data.command.count == 1 &&
		    (data.data.command.commandAttributes[0] & TPMA_CC_COMMANDINDEX_MASK) == code;
	return rc;
}

TSS2_RC
probe_algorithm(struct tpm *t, uint8_t algorithm)
{
	TPMT_PUBLIC_PARMS parms;
	TSS2_RC rc;

	if (!key_parameters(algorithm, &parms))
		return RC_UNSUPPORTED;
	rc = Tss2_Sys_TestParms(t->sys, NULL, &parms, NULL);
	/* "Not these parameters" is an answer about a parameter; anything else is trouble. */
	return rc_of_parameter(rc) ? RC_UNSUPPORTED : rc;
}

/* ---- properties ---- */

/* Both groups of them, with room for what newer TPMs will have. */
struct properties {
	size_t count;
	TPMS_TAGGED_PROPERTY item[256];
};

/* Add what the TPM tells from a property on to the end of its group. */
static TSS2_RC
tell_group(struct tpm *t, TPM2_PT next, struct properties *out)
{
	const TPM2_PT end = next + TPM2_PT_GROUP;
	TPMI_YES_NO more = TPM2_YES;
	TPMS_CAPABILITY_DATA data;
	TSS2_RC rc = TSS2_RC_SUCCESS;
	UINT32 i;

	while (rc == TSS2_RC_SUCCESS && more != TPM2_NO && next < end) {
		rc = ask_capability(t, TPM2_CAP_TPM_PROPERTIES, next, TPM2_MAX_TPM_PROPERTIES, &more,
		    &data);
		if (rc != TSS2_RC_SUCCESS)
			break;
		if (data.data.tpmProperties.count == 0)
			more = TPM2_NO;
		for (i = 0; i < data.data.tpmProperties.count; i++) {
			const TPMS_TAGGED_PROPERTY *p = &data.data.tpmProperties.tpmProperty[i];

			/* They come in ascending order; one that does not would have us ask for ever. */
			if (p->property < next || p->property >= end ||
			    out->count == sizeof out->item / sizeof out->item[0]) {
				more = TPM2_NO;
				break;
			}
			out->item[out->count] = *p;
			out->count++;
			next = p->property + 1;
		}
	}
	return rc;
}

static uint32_t
number(const struct properties *p, TPM2_PT which)
{
	size_t i;

	for (i = 0; i < p->count; i++) {
		if (p->item[i].property == which)
			return p->item[i].value;
	}
	return 0;
}

/* Characters, four to a property: up to a NUL, without spaces at the ends or two in a row, and nothing that a terminal obeys. */
static void
text(const struct properties *p, TPM2_PT first, size_t properties, char *out, size_t cap)
{
	uint8_t octets[16];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	size_t i, n = 0;
	char ch;

	for (i = 0; i < properties; i++)
		wbuf_u32(&w, number(p, first + (TPM2_PT)i));
	memset(out, 0, cap);
	for (i = 0; i < w.len && n + 1 < cap; i++) {
		ch = (char)rbuf_at(wbuf_view(&w), i);
		if (ch == '\0')
			break;
		if (ch == ' ' && (n == 0 || out[n - 1] == ' '))
			continue;
		out[n] = ch >= ' ' && ch <= '~' ? ch : '?';
		n++;
	}
	for (; n > 0 && out[n - 1] == ' '; n--)
		out[n - 1] = '\0';
}

TSS2_RC
probe_card(struct tpm *t, struct failure *why)
{
	struct properties p = { .count = 0 };
	uint32_t revision;
	TSS2_RC rc;

	rc = tell_group(t, TPM2_PT_FIXED, &p);
	revision = number(&p, TPM2_PT_REVISION);
	if (rc == TSS2_RC_SUCCESS && revision < REVISION_PIN_FAIL) {
		fail(why, "this TPM (revision %u.%02u) has no PIN indices: revision 1.38 or later is needed",
		    (unsigned)revision / 100, (unsigned)revision % 100);
		return RC_UNSUPPORTED;
	}
	if (rc == TSS2_RC_SUCCESS)
		rc = probe_algorithm(t, ALG_ECC_P256);
	if (rc != TSS2_RC_SUCCESS)
		fail(why, "the TPM cannot carry a card: error 0x%x while asking what it can do",
		    (unsigned)rc);
	return rc;
}

enum tpm_err
tpm_probe(struct tpm *t, struct failure *why)
{
	TSS2_RC rc = link_begin(t, LINK_SECONDS, why);

	if (rc != TSS2_RC_SUCCESS)
		return tpm_err_from_rc(rc);
	rc = probe_card(t, why);
	link_end(t);
	return tpm_err_from_rc(rc);
}

/* ---- the owner's authorisation ---- */

/* PolicySecret for a session that nothing comes of: it asks for the authorisation, and does nothing. */
static TSS2_RC
prove_owner(struct tpm *t, struct owner *owner)
{
	const TPM2B_NONCE none = { .size = 0 };
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	SESSION(policy);
	TSS2_RC rc;

	rc = session_open(t, NULL, TPM2_SE_POLICY, &policy);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_PolicySecret_Prepare(
		    t->sys, TPM2_RH_OWNER, policy.handle, &none, &no_cphash, &none, 0);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(t, &(struct command){
		    .entities = { { .handle = TPM2_RH_OWNER }, { .handle = policy.handle } },
		    .by = { { .session = &owner->session, .auth = &owner->auth } } });
	session_close(t, &policy);
	return rc;
}

/*
 * Whether what we have authorises as the owner.  A wrong one is not counted:
 * the lockout is for objects and for its own authorisation, not for the owner's.
 * TCG TPM 2.0 Part 1, 19.8
 */
static TSS2_RC
try_owner(struct tpm *t, bool is_set, bool *out)
{
	struct storage_key key = { .handle = 0 };
	OWNER(owner);
	TSS2_RC rc = TSS2_RC_SUCCESS;

	*out = !is_set && !t->owner_unknown && !t->owner_has_auth;
	if (*out || t->owner_unknown)
		return TSS2_RC_SUCCESS;
	/* Not in a way that who listens can guess it from. */
	if (t->owner_has_auth)
		rc = parent_passing(t, &key);
	if (rc == TSS2_RC_SUCCESS)
		rc = owner_begin(t, &key, &owner);
	if (rc == TSS2_RC_SUCCESS)
		rc = prove_owner(t, &owner);
	owner_end(t, &owner);
	handle_flush(t, &key.handle);
	*out = rc == TSS2_RC_SUCCESS;
	if (rc != TSS2_RC_SUCCESS && tpm_err_from_rc(rc) != TPM_DENIED)
		rc_log("authorise as the owner", rc);
	return rc_on_the_way(rc) ? rc : TSS2_RC_SUCCESS;
}

/* ---- all of it ---- */

static void
tell(const struct properties *p, struct tpm_facts *out)
{
	const uint32_t permanent = number(p, TPM2_PT_PERMANENT);

	text(p, TPM2_PT_MANUFACTURER, 1, out->manufacturer, sizeof out->manufacturer);
	text(p, TPM2_PT_VENDOR_STRING_1, 4, out->model, sizeof out->model);
	out->firmware[0] = number(p, TPM2_PT_FIRMWARE_VERSION_1);
	out->firmware[1] = number(p, TPM2_PT_FIRMWARE_VERSION_2);
	out->revision = number(p, TPM2_PT_REVISION);
	out->has_pin_indices = out->revision >= REVISION_PIN_FAIL;
	out->owner_auth_set = (permanent & TPMA_PERMANENT_OWNERAUTHSET) != 0;
	out->endorsement_auth_set = (permanent & TPMA_PERMANENT_ENDORSEMENTAUTHSET) != 0;
	out->lockout_auth_set = (permanent & TPMA_PERMANENT_LOCKOUTAUTHSET) != 0;
	out->in_lockout = (permanent & TPMA_PERMANENT_INLOCKOUT) != 0;
	out->lockout_counter = number(p, TPM2_PT_LOCKOUT_COUNTER);
	out->lockout_limit = number(p, TPM2_PT_MAX_AUTH_FAIL);
	out->lockout_recovery = number(p, TPM2_PT_LOCKOUT_INTERVAL);
	out->orderly = (number(p, TPM2_PT_STARTUP_CLEAR) & TPMA_STARTUP_CLEAR_ORDERLY) != 0;
	out->nv_indices = number(p, TPM2_PT_HR_NV_INDEX);
	out->nv_counters_max = number(p, TPM2_PT_NV_COUNTERS_MAX);
	out->persistent_free = number(p, TPM2_PT_HR_PERSISTENT_AVAIL);
}

static TSS2_RC
ask(struct tpm *t, struct tpm_facts *out)
{
	const struct {
		uint8_t algorithm;
		bool *has;
	} kinds[] = {
		{ ALG_ECC_P256, &out->has_p256 },
		{ ALG_ECC_P384, &out->has_p384 },
		{ ALG_RSA_3072, &out->has_rsa3072 },
		{ ALG_RSA_4096, &out->has_rsa4096 },
	};
	struct properties p = { .count = 0 };
	TSS2_RC rc;
	size_t i;

	rc = tell_group(t, TPM2_PT_FIXED, &p);
	if (rc == TSS2_RC_SUCCESS)
		rc = tell_group(t, TPM2_PT_VAR, &p);
	tell(&p, out);
	for (i = 0; rc == TSS2_RC_SUCCESS && i < sizeof kinds / sizeof kinds[0]; i++) {
		rc = probe_algorithm(t, kinds[i].algorithm);
		*kinds[i].has = rc == TSS2_RC_SUCCESS;
		if (rc == RC_UNSUPPORTED)
			rc = TSS2_RC_SUCCESS;
	}
	if (rc == TSS2_RC_SUCCESS)
		rc = probe_command(t, TPM2_CC_EncryptDecrypt2, &out->has_encrypt);
	if (rc == TSS2_RC_SUCCESS)
		rc = try_owner(t, out->owner_auth_set, &out->owner_auth_works);
	return rc;
}

enum tpm_err
tpm_ask(struct tpm *t, struct tpm_facts *out, struct failure *why)
{
	struct tpm_facts facts;
	TSS2_RC rc = link_begin(t, LINK_SECONDS_SECRET, why);

	if (rc != TSS2_RC_SUCCESS)
		return tpm_err_from_rc(rc);
	memset(&facts, 0, sizeof facts);
	rc = ask(t, &facts);
	if (rc_on_the_way(rc))
		link_drop(t);
	link_end(t);
	if (rc == TSS2_RC_SUCCESS) {
		*out = facts;
		return TPM_OK;
	}
	rc_log("ask what the TPM is", rc);
	fail(why, "the TPM does not say what it is: error 0x%x", (unsigned)rc);
	return TPM_UNUSABLE;
}
