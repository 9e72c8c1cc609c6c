/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Managing a card as Yubico's software does: its management key, its keys'
 * places, its numbers of tries, and the way back to the beginning.
 */
#include "applet/admin.h"
#include "applet/commands.h"
#include "applet/defaults.h"
#include "applet/keys.h"

/* ---- SET MANAGEMENT KEY ---- */

/* In P2: whether the key wants a touch. */
enum { WITHOUT_TOUCH = 0xff, WITH_TOUCH = 0xfe };

/* Algorithm, key reference, length, key. */
static bool
read_management_key(struct rbuf in, uint8_t *algorithm, struct secret *octets)
{
	const struct algorithm_info *known;
	uint8_t id, len;

	if (!rbuf_u8(&in, algorithm) || !rbuf_u8(&in, &id) || !rbuf_u8(&in, &len))
		return false;
	known = algorithm_find(*algorithm);
	return known != NULL && known->family == FAMILY_BLOCK && id == KEYREF_MANAGEMENT &&
	       len == in.len && secret_set(octets, in);
}

sw_t
cmd_set_management_key(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	uint8_t octets[VAULT_KEY_MAX], algorithm;
	struct wbuf fresh = wbuf_over(octets, sizeof octets);
	struct card_key old;
	enum vault_err err;
	bool was_default;
	SECRET(value);
	sw_t sw;

	(void)out;
	if (c->p2 != WITHOUT_TOUCH && c->p2 != WITH_TOUCH)
		return SW_INCORRECT_P1P2;
	if (c->p2 == WITH_TOUCH || !read_management_key(c->data, &algorithm, &value))
		return SW_INCORRECT_DATA;
	sw = key_load(p, KEYREF_MANAGEMENT, KEYREF_ADMIN, &old);
	if (sw != SW_OK)
		return sw;
	err = vault_admin_make(p->vault, algorithm, &value, old.octets, &fresh);
	if (err != VAULT_OK || !wbuf_ok(&fresh))
		return err != VAULT_OK ? sw_of_vault(err) : (sw_t)SW_NO_DIAGNOSIS;
	sw = default_drop(p, KEYREF_MANAGEMENT, &was_default);
	if (sw == SW_OK)
		sw = admin_replace(p, old.octets, NULL, &value, wbuf_view(&fresh));
	if (sw == SW_OK ? default_is(KEYREF_MANAGEMENT, secret_view(&value))
			: was_default && sw == SW_CONDITIONS_NOT_SATISFIED)
		default_note(p, KEYREF_MANAGEMENT);
	return sw;
}

/* ---- MOVE KEY ---- */

/* In P1, where a key is to go: nowhere. */
#define DELETE 0xff

static bool
is_private(uint8_t id)
{
	const struct keyref *keyref = keyref_find(id);

	return keyref != NULL && keyref->use == KEYREF_PRIVATE;
}

/* The key keeps its PIN policy wherever it goes; certificates are other objects and stay. */
sw_t
cmd_move_key(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	struct wbuf key = wbuf_over(p->key_octets, sizeof p->key_octets);
	enum store_err err;

	(void)out;
	if (!is_private(c->p2) || c->p1 == c->p2 || (c->p1 != DELETE && !is_private(c->p1)))
		return SW_INCORRECT_P1P2;
	if (c->p1 == DELETE) {
		err = store_remove(p->store, STORE_KEY, c->p2);
	} else {
		/* A key that is in the way is not lost by a slip of the finger. */
		err = store_get(p->store, STORE_KEY, c->p1, &key);
		if (err != STORE_ABSENT)
			return err == STORE_OK ? (sw_t)SW_CONDITIONS_NOT_SATISFIED
					       : sw_of_store(err);
		err = store_move(p->store, STORE_KEY, c->p2, STORE_KEY, c->p1);
	}
	return err == STORE_ABSENT ? (sw_t)SW_REFERENCE_NOT_FOUND : sw_of_store(err);
}

/* ---- SET PIN RETRIES ---- */

#define TRIES_MAX 10

/*
 * A limit of tries is written once, when the card is made, and nobody may
 * write it again: whoever could would try PINs for ever.  So the card says
 * that it cannot; tpmvscmgr create --pin-tries and --puk-tries can.
 */
sw_t
cmd_set_pin_retries(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	(void)p;
	(void)out;
	if (c->p1 < 1 || c->p1 > TRIES_MAX || c->p2 < 1 || c->p2 > TRIES_MAX)
		return SW_INCORRECT_DATA;
	return SW_CONDITIONS_NOT_SATISFIED;
}

/* ---- RESET ---- */

/* A card without a PUK is one whose PUK is blocked. */
static bool
blocked(struct piv *p, enum reference which)
{
	struct tries tries;
	enum vault_err err = vault_tries(p->vault, which, &tries);

	return err == VAULT_ABSENT || (err == VAULT_OK && tries.left == 0);
}

sw_t
cmd_reset(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	(void)c;
	(void)out;
	if (!p->profile->allow_reset || p->host == NULL || !blocked(p, REFERENCE_PIN) ||
	    !blocked(p, REFERENCE_PUK))
		return SW_CONDITIONS_NOT_SATISFIED;
	return sw_of_store(p->host->start_over(p->host));
}
