/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/admin.h"

static sw_t
drop_next(struct piv *p)
{
	enum store_err err = store_remove(p->store, STORE_KEY_NEXT, KEYREF_MANAGEMENT);

	return sw_of_store(err == STORE_ABSENT ? STORE_OK : err);
}

static sw_t
adopt_next(struct piv *p)
{
	return sw_of_store(store_move(
	    p->store, STORE_KEY_NEXT, KEYREF_MANAGEMENT, STORE_KEY, KEYREF_MANAGEMENT));
}

/* By the old key's octets: those the owner has shown, or those the vault has. */
static enum vault_err
lead(struct piv *p, struct rbuf old, const struct secret *proof, const struct secret *octets)
{
	enum vault_err err;

	if (proof == NULL)
		return vault_admin_follow(p->vault, old, octets);
	err = vault_change(p->vault, REFERENCE_ADMIN, proof, octets);
	/* Done before, and the answer was not to be had, or the old key is one from a backup. */
	if (err == VAULT_AUTH && vault_check(p->vault, REFERENCE_ADMIN, octets) == VAULT_OK)
		err = VAULT_OK;
	return err;
}

sw_t
admin_replace(struct piv *p, struct rbuf old, const struct secret *proof,
    const struct secret *octets, struct rbuf fresh)
{
	enum vault_err err;
	sw_t sw;

	/* Only who knows the old key can change ADMIN: where nobody shows it, nothing is begun. */
	err = proof == NULL ? vault_admin_holds(p->vault, old) : VAULT_OK;
	if (err == VAULT_UNSUPPORTED)
		return SW_CONDITIONS_NOT_SATISFIED;
	if (err != VAULT_OK && err != VAULT_AUTH)
		return sw_of_vault(err);
	/* On disk beside the old one before ADMIN changes: whichever ADMIN knows then, its key is there. */
	sw = sw_of_store(store_put(p->store, STORE_KEY_NEXT, KEYREF_MANAGEMENT, fresh));
	if (sw != SW_OK)
		return sw;
	err = lead(p, old, proof, octets);
	if (err == VAULT_OK)
		return adopt_next(p);
	if (err == VAULT_FAULT)
		return SW_NO_DIAGNOSIS; /* done or not: the next admin_settle() asks */
	sw = drop_next(p);
	return sw == SW_OK ? (sw_t)SW_CONDITIONS_NOT_SATISFIED : sw;
}

/* Read the key on its way, if there is one. */
static sw_t
read_next(struct piv *p, struct wbuf *next, bool *there)
{
	enum store_err missing = store_get(p->store, STORE_KEY_NEXT, KEYREF_MANAGEMENT, next);

	*there = missing == STORE_OK;
	return sw_of_store(missing == STORE_ABSENT ? STORE_OK : missing);
}

sw_t
admin_settle(struct piv *p, struct rbuf current, bool *replaced)
{
	struct wbuf next = wbuf_over(p->sealed_octets, sizeof p->sealed_octets);
	bool adopt, there;
	enum vault_err err;
	sw_t sw = read_next(p, &next, &there);

	if (sw != SW_OK || !there)
		return sw;
	err = vault_admin_holds(p->vault, current);
	adopt = err == VAULT_AUTH;
	if (err == VAULT_UNSUPPORTED) {
		err = vault_admin_holds(p->vault, wbuf_view(&next));
		adopt = err == VAULT_OK;
	}
	if (err == VAULT_UNSUPPORTED) /* only who knows the octets of one can tell */
		return SW_CONDITIONS_NOT_SATISFIED;
	if (err != VAULT_OK && err != VAULT_AUTH && err != VAULT_MISMATCH)
		return sw_of_vault(err);
	sw = adopt ? adopt_next(p) : drop_next(p);
	*replaced = adopt && sw == SW_OK;
	return sw;
}

sw_t
admin_settle_with(struct piv *p, struct rbuf current, const struct secret *octets, bool *replaced)
{
	struct wbuf next = wbuf_over(p->sealed_octets, sizeof p->sealed_octets);
	enum vault_err err;
	bool there;
	sw_t sw = read_next(p, &next, &there);

	if (sw != SW_OK || !there)
		return sw;
	err = vault_check(p->vault, REFERENCE_ADMIN, octets);
	if (err != VAULT_OK)
		return err == VAULT_AUTH ? (sw_t)SW_CONDITIONS_NOT_SATISFIED : sw_of_vault(err);
	if (vault_admin_is(p->vault, current, octets) == VAULT_OK)
		return drop_next(p);
	if (vault_admin_is(p->vault, wbuf_view(&next), octets) != VAULT_OK)
		return SW_CONDITIONS_NOT_SATISFIED;
	sw = adopt_next(p);
	*replaced = sw == SW_OK;
	return sw;
}
