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

sw_t
admin_replace(struct piv *p, struct rbuf old, const struct secret *octets, struct rbuf fresh)
{
	enum vault_err err;
	sw_t sw;

	/* On disk beside the old one before ADMIN changes: whichever ADMIN knows then, its key is there. */
	sw = sw_of_store(store_put(p->store, STORE_KEY_NEXT, KEYREF_MANAGEMENT, fresh));
	if (sw != SW_OK)
		return sw;
	err = vault_admin_follow(p->vault, old, octets);
	if (err == VAULT_OK)
		return adopt_next(p);
	if (err == VAULT_FAULT)
		return SW_NO_DIAGNOSIS; /* done or not: the next admin_settle() asks */
	sw = drop_next(p);
	/* Only who knows the old key can change ADMIN, and he has not shown it. */
	return sw == SW_OK ? (sw_t)SW_CONDITIONS_NOT_SATISFIED : sw;
}

sw_t
admin_settle(struct piv *p, struct rbuf current, bool *replaced)
{
	struct wbuf next = wbuf_over(p->sealed_octets, sizeof p->sealed_octets);
	enum store_err missing = store_get(p->store, STORE_KEY_NEXT, KEYREF_MANAGEMENT, &next);
	enum vault_err err;
	sw_t sw;

	if (missing != STORE_OK)
		return missing == STORE_ABSENT ? (sw_t)SW_OK : sw_of_store(missing);
	err = vault_admin_holds(p->vault, current);
	if (err == VAULT_AUTH) {
		sw = adopt_next(p);
		*replaced = sw == SW_OK;
		return sw;
	}
	/* Of a key whose octets cannot be had, ADMIN cannot have been led away. */
	return err == VAULT_OK || err == VAULT_UNSUPPORTED ? drop_next(p) : sw_of_vault(err);
}
