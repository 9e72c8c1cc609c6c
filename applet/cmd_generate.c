/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Key pairs come to the card: made in the vault, or brought to it.
 */
#include "applet/commands.h"
#include "applet/keys.h"

/* ---- GENERATE ASYMMETRIC KEY PAIR ---- */

/* Data objects of the control reference template (AC): the standard's two, and Yubico's two. */
enum { MECHANISM, PARAMETER, PIN_POLICY, TOUCH_POLICY, CONTROL_FIELDS };

static bool
read_control(struct rbuf in, const struct algorithm_info **algorithm, enum pin_rule *rule)
{
	struct tlv_field f[CONTROL_FIELDS] = {
		[MECHANISM] = { .tag = 0x80 },
		[PARAMETER] = { .tag = 0x81 },
		[PIN_POLICY] = { .tag = 0xaa },
		[TOUCH_POLICY] = { .tag = 0xab },
	};
	struct tlv t;

	if (!tlv_next(&in, &t) || t.tag != 0xac || in.len != 0 ||
	    !tlv_read_fields(t.value, f, CONTROL_FIELDS) || f[MECHANISM].value.len != 1)
		return false;
	*algorithm = algorithm_find(rbuf_at(f[MECHANISM].value, 0));
	if (*algorithm == NULL || (*algorithm)->family == FAMILY_BLOCK)
		return false;
	/* The one public exponent there is may be spelled out. */
	if (f[PARAMETER].present && ((*algorithm)->family != FAMILY_RSA ||
					!rbuf_eq(f[PARAMETER].value, key_exponent())))
		return false;
	return key_read_policies(&f[PIN_POLICY], &f[TOUCH_POLICY], rule);
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
	size_t mark;
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
	if (sw == SW_OK) {
		mark = tlv_open(out, 0x7f49); /* SP 800-73-4 Part 2, 3.3.2 */
		key_put_public(out, algorithm->family, wbuf_view(&public_value));
		tlv_close(out, mark);
	}
	return sw;
}

/* ---- IMPORT ASYMMETRIC KEY (Yubico) ---- */

/* Data objects of an import, without a template around them. */
enum { PRIME_P, PRIME_Q, EXPONENT_P, EXPONENT_Q, COEFFICIENT, SCALAR, RULE, TOUCH, IMPORT_FIELDS };

static bool
read_parts(struct rbuf in, enum family family, struct key_parts *parts, enum pin_rule *rule)
{
	struct tlv_field f[IMPORT_FIELDS] = {
		[PRIME_P] = { .tag = 0x01 },
		[PRIME_Q] = { .tag = 0x02 },
		[EXPONENT_P] = { .tag = 0x03 },
		[EXPONENT_Q] = { .tag = 0x04 },
		[COEFFICIENT] = { .tag = 0x05 },
		[SCALAR] = { .tag = 0x06 },
		[RULE] = { .tag = 0xaa },
		[TOUCH] = { .tag = 0xab },
	};
	const bool rsa = family == FAMILY_RSA;
	size_t i;

	if (!tlv_read_fields(in, f, IMPORT_FIELDS))
		return false;
	/* All that belongs to the one family, and nothing of the other. */
	for (i = PRIME_P; i <= SCALAR; i++) {
		if ((f[i].value.len != 0) != (rsa == (i != SCALAR)) || f[i].present != (f[i].value.len != 0))
			return false;
	}
	*parts = (struct key_parts){
		.p = f[PRIME_P].value,
		.q = f[PRIME_Q].value,
		.dp = f[EXPONENT_P].value,
		.dq = f[EXPONENT_Q].value,
		.qinv = f[COEFFICIENT].value,
		.scalar = f[SCALAR].value,
	};
	return key_read_policies(&f[RULE], &f[TOUCH], rule);
}

sw_t
cmd_import_key(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	struct wbuf key = wbuf_over(p->key_octets, sizeof p->key_octets);
	const struct algorithm_info *algorithm = algorithm_find(c->p1);
	const struct keyref *keyref = keyref_find(c->p2);
	struct key_parts parts;
	enum vault_err err;
	enum pin_rule rule;

	(void)out;
	if (keyref == NULL || keyref->use != KEYREF_PRIVATE)
		return SW_INCORRECT_P1P2;
	rule = keyref->pin;
	if (algorithm == NULL || algorithm->family == FAMILY_BLOCK ||
	    !read_parts(c->data, algorithm->family, &parts, &rule))
		return SW_INCORRECT_DATA;
	err = vault_import(p->vault, algorithm->id, rule, &parts, &key);
	if (err != VAULT_OK)
		return sw_of_vault(err);
	if (!wbuf_ok(&key))
		return SW_NO_DIAGNOSIS;
	return sw_of_store(store_put(p->store, STORE_KEY, c->p2, wbuf_view(&key)));
}
