/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/rc.h"

#include <tss2/tss2_rc.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/log.h"

/* Format-one codes carry a handle, session or parameter number: TCG TPM 2.0 Part 2, 6.6.2 */
#define RC_FORMAT_ONE 0x080U
#define RC_FORMAT_ONE_MASK 0x0bfU

static const struct {
	TSS2_RC base;
	enum vault_err err;
} meanings[] = {
	{ TSS2_RC_SUCCESS, VAULT_OK },
	{ RC_MISMATCH, VAULT_MISMATCH },
	{ RC_NO_PROOF, VAULT_AUTH },
	{ RC_UNSUPPORTED, VAULT_UNSUPPORTED },
	{ RC_UNKNOWABLE, VAULT_UNSUPPORTED },
	{ RC_ABSENT, VAULT_ABSENT },
	{ TPM2_RC_BAD_AUTH, VAULT_AUTH },	  /* 0x9a2: wrong secret */
	{ TPM2_RC_AUTH_UNAVAILABLE, VAULT_BLOCKED }, /* 0x12f: at the limit, or never written */
	{ TPM2_RC_POLICY_FAIL, VAULT_AUTH },	  /* 0x99d: no proof */
	{ TPM2_RC_TICKET, VAULT_AUTH },		  /* 0x5e0: forged, other purpose, or before a TPM reset */
	{ TPM2_RC_ECC_POINT, VAULT_MISMATCH },	  /* 0x1e7: not on the curve */
};

/* Proofs that were good once: a ticket (parameter 1), the armed session (session 1).  Elsewhere it is a bug. */
#define RC_TICKET_EXPIRED 0x1e3U
#define RC_SESSION_EXPIRED 0x9a3U

TSS2_RC
rc_base(TSS2_RC rc)
{
	/* The resource manager answers in the TPM's own words under its own layer. */
	if ((rc & TSS2_RC_LAYER_MASK) == TSS2_RESMGR_TPM_RC_LAYER)
		rc &= ~(TSS2_RC)TSS2_RC_LAYER_MASK;
	if ((rc & TSS2_RC_LAYER_MASK) == 0 && (rc & RC_FORMAT_ONE) != 0)
		return rc & RC_FORMAT_ONE_MASK;
	return rc;
}

bool
rc_stale(TSS2_RC rc)
{
	TSS2_RC base = rc_base(rc);

	return base == TPM2_RC_HANDLE || base == TPM2_RC_OBJECT_MEMORY ||
	    base == TPM2_RC_SESSION_MEMORY || base == TPM2_RC_SESSION_HANDLES ||
	    base == TPM2_RC_CONTEXT_GAP || base == TPM2_RC_INITIALIZE ||
	    (base >= TPM2_RC_REFERENCE_H0 && base <= TPM2_RC_REFERENCE_S6) ||
	    rc == TSS2_SYS_RC_BAD_SEQUENCE || /* it choked on an earlier answer; nothing was sent */
	    (rc & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER;
}

/* Our own findings in words. */
static const char *
own_words(TSS2_RC rc)
{
	static const struct {
		TSS2_RC rc;
		const char *words;
	} findings[] = {
		{ RC_MISMATCH, "the input does not fit the key" },
		{ RC_NO_PROOF, "the PIN is not proven" },
		{ RC_IMPOSTOR, "what is at the card's handle is not the card's" },
		{ RC_UNSUPPORTED, "the TPM does not offer it" },
		{ RC_ABSENT, "the card has no such reference, or no handle is free" },
		{ RC_CRYPTO, "OpenSSL refused, or the TPM's answer makes no sense" },
		{ RC_STUCK, "the TPM is busy with something else" },
		{ RC_DISK_FULL, "the disk is full" },
		{ RC_FORGED, "an answer whose HMAC is wrong: something between us and the TPM changes it" },
		{ RC_UNKNOWABLE, "the owner's authorisation is needed" },
	};
	size_t i;

	for (i = 0; i < sizeof findings / sizeof findings[0]; i++) {
		if (findings[i].rc == rc)
			return findings[i].words;
	}
	return "unknown";
}

bool
rc_on_the_way(TSS2_RC rc)
{
	const TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;

	return rc == RC_FORGED ||
	    (layer != 0 && layer != TSS2_RESMGR_TPM_RC_LAYER && layer != RC_OWN_LAYER);
}

bool
rc_of_parameter(TSS2_RC rc)
{
	return (rc & TSS2_RC_LAYER_MASK) == 0 && (rc & RC_FORMAT_ONE) != 0 && (rc & TPM2_RC_P) != 0;
}

bool
rc_sessions_full(TSS2_RC rc)
{
	return rc_base(rc) == TPM2_RC_SESSION_HANDLES || rc_base(rc) == TPM2_RC_CONTEXT_GAP;
}

bool
rc_busy(TSS2_RC rc)
{
	TSS2_RC base = rc_base(rc);

	return base == TPM2_RC_NV_RATE || base == TPM2_RC_RETRY || base == TPM2_RC_YIELDED ||
	    base == TPM2_RC_TESTING;
}

void
rc_log(const char *what, TSS2_RC rc)
{
	const bool own = (rc & TSS2_RC_LAYER_MASK) == RC_OWN_LAYER;

	log_error("%s: 0x%x %s", what, (unsigned)rc, own ? own_words(rc) : Tss2_RC_Decode(rc));
}

enum vault_err
vault_err_from_rc(const char *what, TSS2_RC rc)
{
	TSS2_RC base = rc_base(rc);
	size_t i;

	if (rc == RC_TICKET_EXPIRED || rc == RC_SESSION_EXPIRED)
		return VAULT_AUTH;
	for (i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
		if (rc_base(meanings[i].base) == base)
			return meanings[i].err;
	}
	rc_log(what, rc);
	return VAULT_FAULT;
}
