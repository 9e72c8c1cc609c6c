/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/parent.h"

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

static const TPM2B_SENSITIVE_CREATE no_secret;
static const TPML_PCR_SELECTION no_pcr;
static const TPM2B_DATA no_info;

TSS2_RC
handle_free(struct tpm *t, TPM2_HANDLE first, TPM2_HANDLE end, TPM2_HANDLE *out)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPM2_HANDLE candidate = first;
	TPMI_YES_NO more = TPM2_YES;
	TSS2_RC rc = TSS2_RC_SUCCESS;
	UINT32 i;

	while (more != TPM2_NO && candidate < end) {
		rc = Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		    TPM2_CAP_HANDLES, candidate, TPM2_MAX_CAP_HANDLES, &more, &data);
		if (rc != TSS2_RC_SUCCESS)
			return rc;
		/* Handles come in ascending order: the first gap is free. */
		for (i = 0; i < data->data.handles.count; i++) {
			if (data->data.handles.handle[i] != candidate)
				break;
			candidate++;
		}
		if (i < data->data.handles.count || data->data.handles.count == 0)
			more = TPM2_NO;
		Esys_Free(data);
	}
	if (candidate >= end)
		return RC_ABSENT;
	*out = candidate;
	return TSS2_RC_SUCCESS;
}

/* Read what is at a handle: its Name computed, its attributes.  A missing one is the TPM's handle error. */
static TSS2_RC
look(struct tpm *t, TPM2_HANDLE handle, struct name *name, TPMA_OBJECT *attributes)
{
	TPM2B_PUBLIC *area = NULL;
	ESYS_TR key = ESYS_TR_NONE;
	TSS2_RC rc;

	rc = Esys_TR_FromTPMPublic(t->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &key);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_ReadPublic(t->esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area,
		    NULL, NULL);
	if (rc == TSS2_RC_SUCCESS) {
		*attributes = area->publicArea.objectAttributes;
		if (!name_of_object(&area->publicArea, name))
			rc = RC_UNSUPPORTED;
	}
	Esys_Free(area);
	if (key != ESYS_TR_NONE)
		(void)Esys_TR_Close(t->esys, &key);
	return rc;
}

/* Whether an empty authorisation and a salted session work on it: make something under it and forget that. */
static bool
usable(struct tpm *t, const struct parent *parent)
{
	const struct digest no_policy = { .octets = { 0 } };
	TPM2B_PUBLIC area = {
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
	ESYS_TR key = ESYS_TR_NONE, session = ESYS_TR_NONE;
	TPM2B_PRIVATE *private_area = NULL;
	TPM2B_PUBLIC *public_area = NULL;
	TSS2_RC rc;

	rc = parent_open(t, parent, &key);
	if (rc == TSS2_RC_SUCCESS)
		rc = session_start(t, key, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Create(t->esys, key, session, ESYS_TR_NONE, ESYS_TR_NONE, &octet, &area,
		    &no_info, &no_pcr, &private_area, &public_area, NULL, NULL, NULL);
	Esys_Free(private_area);
	Esys_Free(public_area);
	session_end(t, &session);
	if (key != ESYS_TR_NONE)
		(void)Esys_TR_Close(t->esys, &key);
	return rc == TSS2_RC_SUCCESS;
}

/* Make the primary, transient; the same template gives the same key until the owner hierarchy is cleared. */
static TSS2_RC
make_primary(struct tpm *t, ESYS_TR *out, struct name *name, struct failure *why)
{
	TPM2B_PUBLIC *area = NULL;
	ESYS_TR owner = ESYS_TR_NONE;
	TSS2_RC rc;

	rc = esys_owner_begin(t, ESYS_TR_NONE, &owner);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_CreatePrimary(t->esys, ESYS_TR_RH_OWNER, owner, ESYS_TR_NONE, ESYS_TR_NONE,
		    &no_secret, &storage_template, &no_info, &no_pcr, out, &area, NULL, NULL, NULL);
	if (rc == TSS2_RC_SUCCESS && !name_of_object(&area->publicArea, name))
		rc = RC_UNSUPPORTED;
	if (rc != TSS2_RC_SUCCESS) {
		fail(why, "cannot make a storage key in the TPM (0x%x)%s", (unsigned)rc,
		    tpm_err_from_rc(rc) == TPM_DENIED ?
			": the owner authorisation is set; give it with owner_auth_file" : "");
		session_end(t, out);
	}
	Esys_Free(area);
	esys_owner_end(t, &owner);
	return rc;
}

static TSS2_RC
plan_own(struct tpm *t, struct parent *out, struct failure *why)
{
	ESYS_TR key = ESYS_TR_NONE;
	TSS2_RC rc;

	out->ours = true;
	rc = handle_free(t, PARENT_FIRST, PARENT_END, &out->handle);
	if (rc == RC_ABSENT)
		fail(why, "no free persistent handle in the TPM");
	if (rc == TSS2_RC_SUCCESS)
		rc = make_primary(t, &key, &out->name, why);
	session_end(t, &key);
	return rc;
}

TSS2_RC
parent_choose(struct tpm *t, const struct parent *sibling, struct parent *out, bool *to_make,
    struct failure *why)
{
	TPMA_OBJECT attributes = 0;
	struct name name;

	*to_make = false;
	if (sibling != NULL && look(t, sibling->handle, &name, &attributes) == TSS2_RC_SUCCESS &&
	    (attributes & PARENT_MUST) == PARENT_MUST && usable(t, sibling)) {
		*out = *sibling;
		return TSS2_RC_SUCCESS;
	}
	*out = (struct parent){ .handle = PARENT_SRK };
	if (look(t, PARENT_SRK, &name, &attributes) == TSS2_RC_SUCCESS &&
	    (attributes & PARENT_MUST) == PARENT_MUST) {
		out->name = name;
		if (usable(t, out))
			return TSS2_RC_SUCCESS;
	}
	*to_make = true;
	return plan_own(t, out, why);
}

TSS2_RC
parent_make(struct tpm *t, const struct parent *planned, struct failure *why)
{
	ESYS_TR key = ESYS_TR_NONE, owner = ESYS_TR_NONE, kept = ESYS_TR_NONE;
	struct name name;
	TSS2_RC rc;

	rc = make_primary(t, &key, &name, why);
	if (rc == TSS2_RC_SUCCESS && !rbuf_eq(name_view(&name), name_view(&planned->name)))
		rc = RC_IMPOSTOR;
	if (rc == TSS2_RC_SUCCESS)
		rc = esys_owner_begin(t, key, &owner);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_EvictControl(t->esys, ESYS_TR_RH_OWNER, key, owner, ESYS_TR_NONE,
		    ESYS_TR_NONE, planned->handle, &kept);
	if (rc != TSS2_RC_SUCCESS)
		fail(why, "cannot keep a storage key in the TPM (0x%x)", (unsigned)rc);
	if (kept != ESYS_TR_NONE)
		(void)Esys_TR_Close(t->esys, &kept);
	esys_owner_end(t, &owner);
	session_end(t, &key);
	return rc;
}

TSS2_RC
parent_passing(struct tpm *t, ESYS_TR *out)
{
	return Esys_CreatePrimary(t->esys, ESYS_TR_RH_NULL, ESYS_TR_PASSWORD, ESYS_TR_NONE,
	    ESYS_TR_NONE, &no_secret, &storage_template, &no_info, &no_pcr, out, NULL, NULL, NULL,
	    NULL);
}

TSS2_RC
parent_evict(struct tpm *t, const struct parent *parent)
{
	ESYS_TR key = ESYS_TR_NONE, owner = ESYS_TR_NONE, gone = ESYS_TR_NONE;
	TSS2_RC rc;

	if (!parent->ours)
		return TSS2_RC_SUCCESS;
	rc = parent_open(t, parent, &key);
	if (rc == RC_IMPOSTOR || rc_base(rc) == rc_base(TPM2_RC_HANDLE))
		return TSS2_RC_SUCCESS;
	if (rc == TSS2_RC_SUCCESS)
		rc = esys_owner_begin(t, key, &owner);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_EvictControl(t->esys, ESYS_TR_RH_OWNER, key, owner, ESYS_TR_NONE,
		    ESYS_TR_NONE, parent->handle, &gone);
	esys_owner_end(t, &owner);
	if (rc != TSS2_RC_SUCCESS && key != ESYS_TR_NONE)
		(void)Esys_TR_Close(t->esys, &key);
	return rc;
}
