/* SPDX-License-Identifier: BSD-2-Clause */
/* Unmaking a card: what the claims name, and nothing else. */
#include "tpm/parent.h"
#include "tpm/rc.h"
#include "tpm/record.h"

enum tpm_err
tpm_record_claims(struct rbuf record, struct wbuf *claims)
{
	struct record r;
	struct claims c;

	if (!record_read(record, &r) || !claims_of(&r, &c))
		return TPM_RECORD;
	claims_write(&c, claims);
	return TPM_OK;
}

bool
tpm_claims_share_parent(struct rbuf claims, struct rbuf other)
{
	struct claims a, b;

	return claims_read(claims, &a) && claims_read(other, &b) &&
	    a.parent.handle == b.parent.handle &&
	    rbuf_eq(name_view(&a.parent.name), name_view(&b.parent.name));
}

/* Whether the index at a claimed handle is the claimed one: its policy names the card's own K. */
static TSS2_RC
read_index(struct tpm *t, TPM2_HANDLE handle, const struct digest *policy, ESYS_TR *out)
{
	TPM2B_NV_PUBLIC *area = NULL;
	ESYS_TR index = ESYS_TR_NONE;
	TSS2_RC rc;

	rc = Esys_TR_FromTPMPublic(t->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &index);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_ReadPublic(t->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		    &area, NULL);
	if (rc == TSS2_RC_SUCCESS && !claims_fit(&area->nvPublic, policy))
		rc = RC_IMPOSTOR;
	Esys_Free(area);
	if (rc == TSS2_RC_SUCCESS)
		*out = index;
	else if (index != ESYS_TR_NONE)
		(void)Esys_TR_Close(t->esys, &index);
	return rc;
}

static TSS2_RC
undefine(struct tpm *t, ESYS_TR parent, TPM2_HANDLE handle, const struct digest *policy)
{
	ESYS_TR index = ESYS_TR_NONE, owner = ESYS_TR_NONE;
	TSS2_RC rc = read_index(t, handle, policy, &index);

	if (rc == RC_IMPOSTOR)
		log_warning("NV index 0x%08x is not the card's: left alone", (unsigned)handle);
	if (rc == RC_IMPOSTOR || rc_base(rc) == rc_base(TPM2_RC_HANDLE))
		return TSS2_RC_SUCCESS;
	if (rc == TSS2_RC_SUCCESS)
		rc = esys_owner_begin(t, parent, &owner);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_UndefineSpace(t->esys, ESYS_TR_RH_OWNER, index, owner, ESYS_TR_NONE,
		    ESYS_TR_NONE);
	esys_owner_end(t, &owner);
	if (rc != TSS2_RC_SUCCESS && index != ESYS_TR_NONE)
		(void)Esys_TR_Close(t->esys, &index);
	return rc;
}

static TSS2_RC
erase(struct tpm *t, const struct claims *c, bool parent_too)
{
	ESYS_TR parent = ESYS_TR_NONE;
	TSS2_RC rc = TSS2_RC_SUCCESS, first = TSS2_RC_SUCCESS;
	size_t i;

	/* To salt with; a card whose parent is gone is erased all the same. */
	if (parent_open(t, &c->parent, &parent) != TSS2_RC_SUCCESS)
		parent = ESYS_TR_NONE;
	for (i = 0; i < c->count; i++) {
		rc = undefine(t, parent, c->index[i].handle, &c->index[i].policy);
		if (rc != TSS2_RC_SUCCESS && first == TSS2_RC_SUCCESS)
			first = rc;
	}
	if (parent != ESYS_TR_NONE)
		(void)Esys_TR_Close(t->esys, &parent);
	if (first == TSS2_RC_SUCCESS && parent_too)
		first = parent_evict(t, &c->parent);
	return first;
}

enum tpm_err
tpm_erase(struct tpm *t, struct rbuf claims, bool parent_too, struct failure *why)
{
	struct claims c;
	TSS2_RC rc;

	if (!claims_read(claims, &c)) {
		fail(why, "the list of what the card occupies in the TPM is damaged");
		return TPM_RECORD;
	}
	rc = link_begin(t, LINK_SECONDS_CREATE, why);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_err_from_rc(rc);
	rc = erase(t, &c, parent_too);
	if (rc != TSS2_RC_SUCCESS) {
		rc_log("erase a card", rc);
		fail(why, "the TPM refused to erase the card: error 0x%x%s", (unsigned)rc,
		    tpm_err_from_rc(rc) == TPM_DENIED ?
			" (is the owner authorisation set? give it with owner_auth_file)" : "");
		link_drop(t);
	}
	link_end(t);
	return tpm_err_from_rc(rc);
}
