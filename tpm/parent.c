/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/parent.h"

#include <string.h>

#include "tpm/command.h"
#include "tpm/rc.h"
#include "tpm/record.h"

#define PARENT_MUST                                                                        \
	(TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM |             \
	    TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA | TPMA_OBJECT_USERWITHAUTH)

/* The TCG's standard storage template for P-256, plus noDA: a kill must not cost the whole TPM a try. */
static const TPM2B_PUBLIC storage_template = {
	.publicArea = {
		.type = TPM2_ALG_ECC,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = PARENT_MUST | TPMA_OBJECT_SENSITIVEDATAORIGIN,
		.parameters.eccDetail = {
			.symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128,
			    .mode.aes = TPM2_ALG_CFB },
			.scheme.scheme = TPM2_ALG_NULL,
			.curveID = TPM2_ECC_NIST_P256,
			.kdf.scheme = TPM2_ALG_NULL,
		},
	},
};

static const TPML_PCR_SELECTION no_pcr;
static const TPM2B_DATA no_info;

/* Skip what is taken, in ascending order: what lies between is free.  The first handle nobody has looked at. */
static TPM2_HANDLE
gaps(const TPML_HANDLE *taken, TPM2_HANDLE next, TPM2_HANDLE out[], size_t n, size_t *found)
{
	UINT32 i;

	for (i = 0; i < taken->count; i++) {
		for (; next < taken->handle[i] && *found < n; next++) {
			out[*found] = next;
			(*found)++;
		}
		if (next == taken->handle[i])
			next++;
	}
	return next;
}

TSS2_RC
handles_free(struct tpm *t, TPM2_HANDLE first, TPM2_HANDLE end, TPM2_HANDLE out[], size_t n)
{
	TPM2_HANDLE next = first, asked;
	TPMI_YES_NO more = TPM2_NO;
	TPMS_CAPABILITY_DATA data;
	size_t found = 0;
	TSS2_RC rc;

	do {
		memset(&data, 0, sizeof data);
		asked = next;
		rc = Tss2_Sys_GetCapability(t->sys, NULL, TPM2_CAP_HANDLES, asked,
		    TPM2_MAX_CAP_HANDLES, &more, &data, NULL);
		if (rc == TSS2_RC_SUCCESS && data.capability != TPM2_CAP_HANDLES)
			rc = RC_CRYPTO; /* a longer list of something else */
		if (rc != TSS2_RC_SUCCESS)
			return rc;
		next = gaps(&data.data.handles, asked, out, n, &found);
		/* A list that does not go on would have us ask for ever. */
	} while (more != TPM2_NO && next != asked && next < end && found < n);
	for (; found < n; next++) {
		out[found] = next;
		found++;
	}
	return out[n - 1] < end ? TSS2_RC_SUCCESS : RC_ABSENT;
}

/* Read what is at a handle, and compute its Name.  A missing one is the TPM's handle error. */
static TSS2_RC
look(struct tpm *t, TPM2_HANDLE handle, struct storage_key *out)
{
	TPM2B_PUBLIC area = { .size = 0 };
	TSS2_RC rc;

	rc = Tss2_Sys_ReadPublic(t->sys, handle, NULL, &area, NULL, NULL, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	*out = (struct storage_key){ .handle = handle, .area = area.publicArea };
	return name_of_object(&out->area, &out->name) ? TSS2_RC_SUCCESS : RC_UNSUPPORTED;
}

/* Whether an empty authorisation and a salted session work on it: make something under it and forget that. */
static bool
usable(struct tpm *t, const struct storage_key *key)
{
	const struct digest no_policy = { .octets = { 0 } };
	const TPM2B_PUBLIC area = {
		.publicArea = {
			.type = TPM2_ALG_KEYEDHASH,
			.nameAlg = TPM2_ALG_SHA256,
			.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
			    TPMA_OBJECT_NODA,
			.authPolicy = digest_tpm2b(&no_policy),
			.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL,
		},
	};
	const TPM2B_SENSITIVE_CREATE octet = { .sensitive.data.size = 1 };
	SESSION(session);
	const struct command c = { .entities = { { key->handle, &key->name } },
		.by = { { .session = &session, .use = TPMA_SESSION_DECRYPT, .last = true } } };
	TSS2_RC rc;

	rc = session_open(t, key, TPM2_SE_HMAC, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Create_Prepare(t->sys, key->handle, &octet, &area, &no_info, &no_pcr);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(t, &c);
	session_close(t, &session);
	return rc == TSS2_RC_SUCCESS;
}

/* CreatePrimary from the storage template. */
static TSS2_RC
create_primary(struct tpm *t, TPM2_HANDLE hierarchy, const struct authorization *by,
    struct storage_key *out)
{
	const TPM2B_SENSITIVE_CREATE no_secret = { .size = 0 };
	const struct command c = { .entities = { { hierarchy, NULL } }, .by = { *by } };
	TPM2B_PUBLIC area = { .size = 0 };
	TPM2_HANDLE handle = 0;
	TSS2_RC rc;

	rc = Tss2_Sys_CreatePrimary_Prepare(
	    t->sys, hierarchy, &no_secret, &storage_template, &no_info, &no_pcr);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(t, &c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_CreatePrimary_Complete(
		    t->sys, &handle, &area, NULL, NULL, NULL, NULL);
	*out = (struct storage_key){ .handle = handle, .area = area.publicArea };
	if (rc == TSS2_RC_SUCCESS && !name_of_object(&out->area, &out->name))
		rc = RC_UNSUPPORTED;
	if (rc != TSS2_RC_SUCCESS)
		handle_flush(t, &out->handle);
	return rc;
}

/* Make the primary, transient; the same template gives the same key until the owner hierarchy is cleared. */
static TSS2_RC
make_primary(struct tpm *t, struct storage_key *out, struct failure *why)
{
	OWNER(owner);
	TSS2_RC rc;

	rc = owner_begin(t, NULL, &owner);
	if (rc == TSS2_RC_SUCCESS)
		rc = create_primary(t, TPM2_RH_OWNER, &(struct authorization){ .session = &owner.session,
			.auth = &owner.auth }, out);
	if (rc != TSS2_RC_SUCCESS)
		fail(why, "cannot make a storage key in the TPM (0x%x)%s", (unsigned)rc,
		    tpm_err_from_rc(rc) == TPM_DENIED ?
			": the owner authorisation is set; give it with owner_auth_file" : "");
	owner_end(t, &owner);
	return rc;
}

/* Make a transient key persistent at a handle, or evict a persistent one there. */
static TSS2_RC
evict_control(struct tpm *t, const struct storage_key *key, TPM2_HANDLE at)
{
	OWNER(owner);
	const struct command c = {
		.entities = { { TPM2_RH_OWNER, NULL }, { key->handle, &key->name } },
		.by = { { .session = &owner.session, .auth = &owner.auth } },
	};
	TSS2_RC rc;

	rc = owner_begin(t, key, &owner);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_EvictControl_Prepare(t->sys, TPM2_RH_OWNER, key->handle, at);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(t, &c);
	owner_end(t, &owner);
	return rc;
}

static TSS2_RC
plan_own(struct tpm *t, struct parent *out, struct failure *why)
{
	struct storage_key key;
	TSS2_RC rc;

	out->ours = true;
	rc = handles_free(t, PARENT_FIRST, PARENT_END, &out->handle, 1);
	if (rc == RC_ABSENT)
		fail(why, "no free persistent handle in the TPM");
	if (rc == TSS2_RC_SUCCESS)
		rc = make_primary(t, &key, why);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	out->name = key.name;
	handle_flush(t, &key.handle);
	return rc;
}

static bool
is_fit(const struct storage_key *key)
{
	return (key->area.objectAttributes & PARENT_MUST) == PARENT_MUST;
}

TSS2_RC
parent_choose(struct tpm *t, const struct parent *sibling, struct parent *out,
    struct storage_key *key, struct failure *why)
{
	/* What we made has an empty authorisation; another's key may have been given one since. */
	if (sibling != NULL && parent_read(t, sibling, key) == TSS2_RC_SUCCESS && is_fit(key) &&
	    (sibling->ours || usable(t, key))) {
		*out = *sibling;
		return TSS2_RC_SUCCESS;
	}
	if (look(t, PARENT_SRK, key) == TSS2_RC_SUCCESS && is_fit(key) && usable(t, key)) {
		*out = (struct parent){ .handle = PARENT_SRK, .name = key->name };
		return TSS2_RC_SUCCESS;
	}
	key->handle = 0;
	return plan_own(t, out, why);
}

TSS2_RC
parent_make(struct tpm *t, const struct parent *planned, struct storage_key *out,
    struct failure *why)
{
	struct storage_key key;
	TSS2_RC rc;

	rc = make_primary(t, &key, why);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (!rbuf_eq(name_view(&key.name), name_view(&planned->name)))
		rc = RC_IMPOSTOR;
	if (rc == TSS2_RC_SUCCESS)
		rc = evict_control(t, &key, planned->handle);
	if (rc != TSS2_RC_SUCCESS)
		fail(why, "cannot keep a storage key in the TPM (0x%x)", (unsigned)rc);
	handle_flush(t, &key.handle);
	*out = key;
	out->handle = planned->handle;
	return rc;
}

TSS2_RC
parent_passing(struct tpm *t, struct storage_key *out)
{
	struct session empty = { .handle = TPM2_RS_PW };

	return create_primary(
	    t, TPM2_RH_NULL, &(struct authorization){ .session = &empty }, out);
}

TSS2_RC
parent_evict(struct tpm *t, const struct parent *parent)
{
	struct storage_key key;
	TSS2_RC rc;

	if (!parent->ours)
		return TSS2_RC_SUCCESS;
	rc = parent_read(t, parent, &key);
	if (rc == RC_IMPOSTOR || rc_base(rc) == rc_base(TPM2_RC_HANDLE))
		return TSS2_RC_SUCCESS;
	if (rc == TSS2_RC_SUCCESS)
		rc = evict_control(t, &key, key.handle);
	return rc;
}
