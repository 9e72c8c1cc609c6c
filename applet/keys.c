/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/keys.h"

#include "applet/admin.h"

/* Yubico's values of AB. */
enum { TOUCH_DEFAULT = 0, TOUCH_NEVER = 1 };

/* Read what the store has of a key; the vault says what it is. */
static sw_t
read_key(struct piv *p, uint8_t id, struct card_key *out)
{
	struct wbuf key = wbuf_over(p->key_octets, sizeof p->key_octets);
	enum store_err missing = store_get(p->store, STORE_KEY, id, &key);
	enum vault_err err;

	if (missing != STORE_OK)
		return missing == STORE_ABSENT ? (sw_t)SW_REFERENCE_NOT_FOUND : sw_of_store(missing);
	out->octets = wbuf_view(&key);
	err = vault_describe(p->vault, out->octets, &out->info);
	if (err != VAULT_OK)
		return err == VAULT_MISMATCH ? (sw_t)SW_REFERENCE_NOT_FOUND : sw_of_vault(err);
	out->algorithm = algorithm_find(out->info.algorithm);
	return out->algorithm != NULL ? SW_OK : SW_REFERENCE_NOT_FOUND;
}

sw_t
key_load(struct piv *p, uint8_t id, unsigned use, struct card_key *out)
{
	bool replaced = false;
	sw_t sw = read_key(p, id, out);

	if (sw != SW_OK)
		return sw;
	if ((out->algorithm->family == FAMILY_BLOCK) != (use == KEYREF_ADMIN))
		return SW_REFERENCE_NOT_FOUND;
	if (use == KEYREF_ADMIN) {
		sw = admin_settle(p, out->octets, &replaced);
		if (sw == SW_OK && replaced)
			sw = read_key(p, id, out);
	}
	return sw;
}

/* A field's one octet, or 0 (the default) when it is absent; false when it is longer or empty. */
static bool
octet_of(const struct tlv_field *field, uint8_t *out)
{
	struct rbuf value = field->value;

	*out = 0;
	return !field->present || (rbuf_u8(&value, out) && value.len == 0);
}

bool
key_read_policies(
    const struct tlv_field *pin, const struct tlv_field *touch, enum pin_rule *rule)
{
	uint8_t wanted, touched;

	if (!octet_of(pin, &wanted) || wanted > PIN_ALWAYS || !octet_of(touch, &touched) ||
	    touched > TOUCH_NEVER)
		return false;
	if (wanted != 0)
		*rule = (enum pin_rule)wanted;
	return true;
}

struct rbuf
key_exponent(void)
{
	static const uint8_t exponent[] = { 0x01, 0x00, 0x01 };

	return rbuf_of(exponent, sizeof exponent);
}

void
key_put_public(struct wbuf *out, enum family family, struct rbuf value)
{
	if (family == FAMILY_RSA) {
		tlv_put(out, 0x81, value);
		tlv_put(out, 0x82, key_exponent());
	} else {
		tlv_put(out, 0x86, value);
	}
}
