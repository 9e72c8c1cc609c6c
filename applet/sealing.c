/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/sealing.h"

#include "applet/status.h"

static sw_t
make_key(struct piv *p, struct wbuf *key)
{
	uint8_t octets[VAULT_PUBLIC_MAX];
	struct wbuf public_value = wbuf_over(octets, sizeof octets);
	enum vault_err err;

	err = vault_generate(p->vault, VAULT_SEALING_ALGORITHM, PIN_ONCE, key, &public_value);
	if (err != VAULT_OK)
		return sw_of_vault(err);
	if (!wbuf_ok(key))
		return SW_NO_DIAGNOSIS;
	return sw_of_store(store_put(p->store, STORE_SEALING_KEY, 0, wbuf_view(key)));
}

sw_t
sealed_put(struct piv *p, uint32_t tag, struct rbuf content)
{
	struct wbuf key = wbuf_over(p->key_octets, sizeof p->key_octets);
	struct wbuf sealed = wbuf_over(p->sealed_octets, sizeof p->sealed_octets);
	enum store_err missing = store_get(p->store, STORE_SEALING_KEY, 0, &key);
	enum vault_err err;
	sw_t sw = missing == STORE_ABSENT ? make_key(p, &key) : sw_of_store(missing);

	if (sw != SW_OK)
		return sw;
	err = vault_seal(p->vault, wbuf_view(&key), tag, content, &sealed);
	/* A key that is not one, is nobody's fault outside. */
	if (err == VAULT_MISMATCH || !wbuf_ok(&sealed))
		return SW_NO_DIAGNOSIS;
	if (err != VAULT_OK)
		return sw_of_vault(err);
	return sw_of_store(store_put(p->store, STORE_SEALED, tag, wbuf_view(&sealed)));
}

sw_t
sealed_get(struct piv *p, uint32_t tag, struct wbuf *out)
{
	struct wbuf key = wbuf_over(p->key_octets, sizeof p->key_octets);
	struct wbuf sealed = wbuf_over(p->sealed_octets, sizeof p->sealed_octets);
	enum store_err missing = store_get(p->store, STORE_SEALED, tag, &sealed);
	enum vault_err err;

	if (missing != STORE_OK)
		return sw_of_store(missing);
	if (store_get(p->store, STORE_SEALING_KEY, 0, &key) != STORE_OK)
		return SW_NO_DIAGNOSIS;
	err = vault_unseal(p->vault, wbuf_view(&key), tag, wbuf_view(&sealed), out);
	if (err == VAULT_OK)
		return SW_OK;
	wbuf_wipe(out); /* all of it: what was written and taken back, too */
	if (err == VAULT_AUTH)
		pin_forget(p); /* its time is over */
	return err == VAULT_MISMATCH ? (sw_t)SW_NO_DIAGNOSIS : sw_of_vault(err);
}
