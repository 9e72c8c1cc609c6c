/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/algorithms.h"
#include "applet/commands.h"
#include "applet/keyrefs.h"
#include "applet/tlv.h"

/* Data objects of the control reference template (AC): the standard's two, and Yubico's two. */
enum { MECHANISM, PARAMETER, PIN_POLICY, TOUCH_POLICY, CONTROL_FIELDS };

/* Yubico's values of AB; this card cannot be touched. */
enum { TOUCH_DEFAULT = 0, TOUCH_NEVER = 1 };

static const uint8_t exponent[] = { 0x01, 0x00, 0x01 };

/* A field's one octet, or 0 (the default) when it is absent; false when it is longer or empty. */
static bool
octet_of(const struct tlv_field *field, uint8_t *out)
{
	struct rbuf value = field->value;

	*out = 0;
	return !field->present || (rbuf_u8(&value, out) && value.len == 0);
}

static bool
read_control(struct rbuf in, const struct algorithm_info **algorithm, enum pin_rule *rule)
{
	struct tlv_field f[CONTROL_FIELDS] = {
		[MECHANISM] = { .tag = 0x80 },
		[PARAMETER] = { .tag = 0x81 },
		[PIN_POLICY] = { .tag = 0xaa },
		[TOUCH_POLICY] = { .tag = 0xab },
	};
	uint8_t mechanism, pin, touch;
	struct tlv t;

	if (!tlv_next(&in, &t) || t.tag != 0xac || in.len != 0 ||
	    !tlv_read_fields(t.value, f, CONTROL_FIELDS) || !octet_of(&f[MECHANISM], &mechanism) ||
	    !octet_of(&f[PIN_POLICY], &pin) || !octet_of(&f[TOUCH_POLICY], &touch))
		return false;
	*algorithm = algorithm_find(mechanism);
	if (*algorithm == NULL || (*algorithm)->family == FAMILY_BLOCK || pin > PIN_ALWAYS ||
	    touch > TOUCH_NEVER)
		return false;
	/* The one public exponent there is may be spelled out. */
	if (f[PARAMETER].present &&
	    ((*algorithm)->family != FAMILY_RSA ||
		!rbuf_eq(f[PARAMETER].value, rbuf_of(exponent, sizeof exponent))))
		return false;
	if (pin != 0)
		*rule = (enum pin_rule)pin;
	return true;
}

/* SP 800-73-4 Part 2, 3.3.2 */
static void
put_public(struct wbuf *out, enum family family, struct rbuf value)
{
	size_t mark = tlv_open(out, 0x7f49);

	if (family == FAMILY_RSA) {
		tlv_put(out, 0x81, value);
		tlv_put(out, 0x82, rbuf_of(exponent, sizeof exponent));
	} else {
		tlv_put(out, 0x86, value);
	}
	tlv_close(out, mark);
}

sw_t
cmd_generate(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	uint8_t octets[VAULT_PUBLIC_MAX];
	struct wbuf public_value = wbuf_over(octets, sizeof octets);
	struct wbuf key = wbuf_over(p->key_octets, sizeof p->key_octets);
	const struct keyref *keyref = keyref_find(c->p2);
	const struct algorithm_info *algorithm;
	enum vault_err err;
	enum pin_rule rule;
	sw_t sw;

	if (keyref == NULL || keyref->use != KEYREF_PRIVATE)
		return SW_INCORRECT_P1P2;
	rule = keyref->pin;
	if (!read_control(c->data, &algorithm, &rule))
		return SW_INCORRECT_DATA;
	err = vault_generate(p->vault, algorithm->id, rule, &key, &public_value);
	if (err != VAULT_OK)
		return sw_of_vault(err);
	if (!wbuf_ok(&key) || !wbuf_ok(&public_value))
		return SW_NO_DIAGNOSIS;
	/* The host may rely on the key once it knows it: keep it first. */
	sw = sw_of_store(store_put(p->store, STORE_KEY, c->p2, wbuf_view(&key)));
	if (sw == SW_OK)
		put_public(out, algorithm->family, wbuf_view(&public_value));
	return sw;
}
