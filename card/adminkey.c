/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new admin key by the old one.  SET MANAGEMENT KEY does it for a host that
 * has authenticated, if the vault knows the old key; of one that never leaves
 * the TPM only the owner can prove it to ADMIN.
 */
#include "card/beside.h"

#include "applet/admin.h"
#include "applet/defaults.h"
#include "applet/keys.h"

/* A change of 9B. */
struct change {
	struct beside b;
	const struct secret *old, *fresh;
	uint8_t algorithm;
	struct card_key key; /* the one there is */
};

/* The applet could not go on, and does not say why: the TPM, or the files? */
static enum outcome
refuse(struct change *c)
{
	enum tpm_err health = tpm_vault_health(c->b.parts.vault, c->b.why);

	if (health != TPM_OK)
		return outcome_of_tpm(health);
	fail(c->b.why, "the administrator key of card %u cannot be read or written", c->b.instance);
	return FAILED;
}

/* Get the key there is; one that a crash left in doubt is settled by either of the two we know. */
static enum outcome
load(struct change *c)
{
	struct piv *p = c->b.piv;
	bool replaced = false;
	sw_t sw = key_load(p, KEYREF_MANAGEMENT, KEYREF_ADMIN, &c->key);

	if (sw == SW_CONDITIONS_NOT_SATISFIED) {
		sw = admin_settle_with(p, c->key.octets, c->old, &replaced);
		if (sw == SW_CONDITIONS_NOT_SATISFIED)
			sw = admin_settle_with(p, c->key.octets, c->fresh, &replaced);
		if (sw == SW_CONDITIONS_NOT_SATISFIED)
			return beside_explain(&c->b, VAULT_AUTH, "change the administrator key",
			    "an earlier change was interrupted, and neither key is the card's");
		if (sw == SW_OK)
			sw = key_load(p, KEYREF_MANAGEMENT, KEYREF_ADMIN, &c->key);
	}
	return sw == SW_OK ? DONE : refuse(c);
}

/* Whether the new key is the card's already: what is left of a repeat. */
static bool
is_done(const struct change *c)
{
	struct vault *vault = c->b.parts.vault;

	return c->key.info.algorithm == c->algorithm &&
	       vault_admin_is(vault, c->key.octets, c->fresh) == VAULT_OK &&
	       (!c->b.parts.paper.info.admin_unblocks ||
		   vault_check(vault, REFERENCE_ADMIN, c->fresh) == VAULT_OK);
}

/* Put the key in its place; ADMIN follows if it is to be of use. */
static enum outcome
replace(struct change *c, struct rbuf made, bool *perhaps)
{
	const bool follows = c->b.parts.paper.info.admin_unblocks;
	struct piv *p = c->b.piv;
	bool was_default;
	sw_t sw;

	if (default_drop(p, KEYREF_MANAGEMENT, &was_default) != SW_OK)
		return refuse(c);
	sw = admin_replace(p, c->key.octets, follows ? c->old : NULL, c->fresh, made);
	if (sw == SW_OK ? default_is(KEYREF_MANAGEMENT, secret_view(c->fresh))
			: was_default && sw == SW_CONDITIONS_NOT_SATISFIED)
		default_note(p, KEYREF_MANAGEMENT);
	*perhaps = sw != SW_CONDITIONS_NOT_SATISFIED;
	if (sw == SW_CONDITIONS_NOT_SATISFIED) {
		fail(c->b.why, "the card's key 9B is not what its TPM knows as the administrator "
			       "key: restore key-9b from a backup; nothing has changed");
		return FAILED;
	}
	if (sw == SW_NOT_ENOUGH_MEMORY) {
		fail(c->b.why, "no room for the new administrator key of card %u", c->b.instance);
		return NO_ROOM;
	}
	return sw == SW_OK ? DONE
			   : beside_explain(&c->b, VAULT_FAULT, "change the administrator key", "");
}

static enum outcome
change(struct change *c)
{
	uint8_t octets[VAULT_KEY_MAX];
	struct wbuf made = wbuf_over(octets, sizeof octets);
	bool perhaps = false;
	enum outcome outcome;
	enum vault_err err;

	outcome = load(c);
	if (outcome != DONE)
		return outcome;
	err = vault_admin_is(c->b.parts.vault, c->key.octets, c->old);
	if (err == VAULT_AUTH && is_done(c))
		return DONE;
	if (err != VAULT_OK)
		return beside_explain(&c->b, err, "change the administrator key",
		    "the old administrator key is wrong");
	err = vault_admin_make(
	    c->b.parts.vault, c->algorithm, c->fresh, c->key.octets, &made);
	if (err != VAULT_OK)
		return beside_explain(&c->b, err, "make the new administrator key",
		    "the new administrator key has another length than its algorithm's");
	outcome = beside_begin(&c->b);
	if (outcome != DONE)
		return outcome;
	outcome = replace(c, wbuf_view(&made), &perhaps);
	return beside_end(&c->b, perhaps, outcome);
}

enum outcome
cards_change_admin_key(const struct config *config, unsigned instance, const struct secret *old,
    uint8_t algorithm, const struct secret *fresh, struct failure *why)
{
	struct change c = { .old = old, .fresh = fresh, .algorithm = algorithm };
	enum outcome outcome;

	outcome = beside_open(&c.b, config, instance, why);
	if (outcome != DONE)
		return outcome;
	if (c.b.parts.paper.info.has_admin) {
		outcome = change(&c);
	} else {
		fail(why, "the card's administrator key was left to chance (/AdminKey RANDOM): the "
			  "card's user changes it over PC/SC, after the PIN");
		outcome = NOT_PERMITTED;
	}
	beside_close(&c.b);
	return outcome;
}
