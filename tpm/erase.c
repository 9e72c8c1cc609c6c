/* SPDX-License-Identifier: BSD-2-Clause */
/* Unmaking a card: what the claims name, and nothing else. */
#include "tpm/command.h"
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

/* Read the index at a claimed handle, if it is the claimed one: its policy names the card's own K. */
static TSS2_RC
read_index(struct tpm *t, TPM2_HANDLE handle, const struct digest *policy, struct name *out)
{
	TPM2B_NV_PUBLIC area = { .size = 0 };
	TSS2_RC rc;

	rc = Tss2_Sys_NV_ReadPublic(t->sys, handle, NULL, &area, NULL, NULL);
	if (rc == TSS2_RC_SUCCESS && !claims_fit(&area.nvPublic, policy))
		rc = RC_IMPOSTOR;
	if (rc == TSS2_RC_SUCCESS && !name_of_index(&area.nvPublic, out))
		rc = RC_CRYPTO;
	return rc;
}

/* Not before something is there to be undefined; then once for all. */
static TSS2_RC
become_owner(struct tpm *t, const struct parent *parent, struct owner *owner)
{
	struct storage_key key;
	bool salted;

	if (owner->session.handle != 0)
		return TSS2_RC_SUCCESS;
	/* A card whose parent is gone is erased all the same. */
	salted = t->owner_has_auth && parent_read(t, parent, &key) == TSS2_RC_SUCCESS;
	return owner_begin(t, salted ? &key : NULL, owner);
}

static TSS2_RC
undefine(struct tpm *t, const struct claims *claims, size_t which, struct owner *owner)
{
	const TPM2_HANDLE handle = claims->index[which].handle;
	struct name name;
	const struct command c = {
		.entities = { { TPM2_RH_OWNER, NULL }, { handle, &name } },
		.by = { { .session = &owner->session, .auth = &owner->auth } },
	};
	TSS2_RC rc = read_index(t, handle, &claims->index[which].policy, &name);

	if (rc == RC_IMPOSTOR)
		log_warning("NV index 0x%08x is not the card's: left alone", (unsigned)handle);
	if (rc == RC_IMPOSTOR || rc_base(rc) == rc_base(TPM2_RC_HANDLE))
		return TSS2_RC_SUCCESS;
	if (rc == TSS2_RC_SUCCESS)
		rc = become_owner(t, &claims->parent, owner);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_NV_UndefineSpace_Prepare(t->sys, TPM2_RH_OWNER, handle);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(t, &c);
	return rc;
}

static TSS2_RC
erase(struct tpm *t, const struct claims *c, bool parent_too)
{
	TSS2_RC rc = TSS2_RC_SUCCESS, first = TSS2_RC_SUCCESS;
	OWNER(owner);
	size_t i;

	for (i = 0; i < c->count; i++) {
		rc = undefine(t, c, i, &owner);
		if (rc != TSS2_RC_SUCCESS && first == TSS2_RC_SUCCESS)
			first = rc;
	}
	owner_end(t, &owner);
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
