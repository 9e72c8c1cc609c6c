/* SPDX-License-Identifier: BSD-2-Clause */
/* Yubico's ATTEST: a certificate that says where a key was made. */
#include "applet/commands.h"
#include "applet/keys.h"

/*
 * Hosts tell 6D00 (a card that cannot attest) from everything else and no
 * more; so each refusal gets the status word that it has elsewhere on this card.
 */
sw_t
cmd_attest(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	uint8_t octets[VAULT_KEY_MAX];
	struct wbuf attestation_key = wbuf_over(octets, sizeof octets);
	const struct keyref *keyref = keyref_find(c->p1);
	const size_t begin = out->len;
	enum store_err missing;
	struct card_key key;
	enum vault_err err;
	sw_t sw;

	if (keyref == NULL || keyref->use != KEYREF_PRIVATE)
		return SW_INCORRECT_P1P2;
	sw = key_load(p, c->p1, KEYREF_PRIVATE, &key);
	if (sw != SW_OK)
		return sw;
	if (key.info.origin != ORIGIN_GENERATED)
		return SW_INCORRECT_DATA;
	missing = store_get(p->store, STORE_KEY, KEYREF_ATTESTATION, &attestation_key);
	if (missing != STORE_OK)
		return missing == STORE_ABSENT ? (sw_t)SW_REFERENCE_NOT_FOUND : sw_of_store(missing);
	err = vault_attest(p->vault, wbuf_view(&attestation_key), c->p1, key.octets, out);
	if (err == VAULT_OK && out->len - begin > VAULT_CERTIFICATE_MAX)
		return SW_NO_DIAGNOSIS;
	if (err == VAULT_MISMATCH) /* what is there is no attestation key */
		return SW_REFERENCE_NOT_FOUND;
	/* The command is right; it is the key that does not have what the statement needs. */
	return err == VAULT_UNSUPPORTED ? (sw_t)SW_CONDITIONS_NOT_SATISFIED : sw_of_vault(err);
}
