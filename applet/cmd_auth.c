/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GENERAL AUTHENTICATE: finds the key, the case its template asks for, and
 * whether the PIN allows it.  Private keys are used here; 9B in cmd_admin.c.
 */
#include "applet/auth.h"
#include "applet/commands.h"
#include "applet/status.h"

/* In P1: whatever the key's algorithm is; SP 800-78-4, Table 6-2 has it for 3DES. */
#define ALG_OF_THE_KEY 0x00

/* ---- private keys ---- */

static sw_t
operate(struct piv *p, const struct auth *a, enum key_operation operation, struct rbuf in,
    struct wbuf *out)
{
	size_t mark = tlv_open(out, 0x82);
	enum vault_err err = vault_operate(p->vault, a->key.octets, operation, in, out);

	if (err == VAULT_OK)
		tlv_close(out, mark);
	else
		wbuf_wipe(out); /* all of it: what was written and taken back, too */
	if (err == VAULT_AUTH)
		pin_forget(p); /* its time is over: what the vault will not take is not verified */
	return sw_of_vault(err);
}

/* The host pads and hashes; what comes is a block for RSA, a digest for ECDSA. */
static sw_t
use_challenge(struct piv *p, const struct auth *a, struct wbuf *out)
{
	struct rbuf in = a->fields[CHALLENGE].value;
	bool rsa = a->key.algorithm->family == FAMILY_RSA;

	if (in.len > a->key.algorithm->size || (rsa && in.len != a->key.algorithm->size))
		return SW_INCORRECT_DATA;
	return operate(p, a, rsa ? KEY_RSA : KEY_ECDSA, in, out);
}

static sw_t
use_exponentiation(struct piv *p, const struct auth *a, struct wbuf *out)
{
	struct rbuf point = a->fields[EXPONENTIATION].value;

	if (a->key.algorithm->family != FAMILY_ECC || point.len != 1 + 2 * a->key.algorithm->size ||
	    rbuf_at(point, 0) != 0x04)
		return SW_INCORRECT_DATA;
	return operate(p, a, KEY_ECDH, point, out);
}

/* ---- cases ---- */

enum presence { ABSENT, EMPTY, FILLED };

/* clang-format off */
static const struct {
	unsigned use;
	enum presence fields[AUTH_FIELDS];
	auth_case act;
} cases[] = {
	/* key              80      81      82      85 */
	{ KEYREF_PRIVATE, { ABSENT, FILLED, ABSENT, ABSENT }, use_challenge },
	{ KEYREF_PRIVATE, { ABSENT, FILLED, EMPTY,  ABSENT }, use_challenge },
	{ KEYREF_PRIVATE, { ABSENT, ABSENT, ABSENT, FILLED }, use_exponentiation },
	{ KEYREF_PRIVATE, { ABSENT, ABSENT, EMPTY,  FILLED }, use_exponentiation },
	{ KEYREF_ADMIN,   { ABSENT, EMPTY,  ABSENT, ABSENT }, auth_give_challenge },
	{ KEYREF_ADMIN,   { ABSENT, ABSENT, FILLED, ABSENT }, auth_check_response },
	{ KEYREF_ADMIN,   { EMPTY,  ABSENT, ABSENT, ABSENT }, auth_give_witness },
	{ KEYREF_ADMIN,   { FILLED, FILLED, ABSENT, ABSENT }, auth_check_witness },
	{ KEYREF_ADMIN,   { FILLED, FILLED, EMPTY,  ABSENT }, auth_check_witness },
};
/* clang-format on */

static enum presence
presence(const struct tlv_field *field)
{
	if (!field->present)
		return ABSENT;
	return field->value.len != 0 ? FILLED : EMPTY;
}

static auth_case
find_case(unsigned use, const struct tlv_field *fields)
{
	size_t i, f;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (f = 0; f < AUTH_FIELDS; f++) {
			if (cases[i].fields[f] != presence(&fields[f]))
				break;
		}
		if (f == AUTH_FIELDS && cases[i].use == use)
			return cases[i].act;
	}
	return NULL;
}

/* ---- the command ---- */

/* What a key's own rule asks of the security status. */
static const unsigned access_of_rule[] = {
	[PIN_NEVER] = ACCESS_ALWAYS,
	[PIN_ONCE] = ACCESS_PIN,
	[PIN_ALWAYS] = ACCESS_PIN | ACCESS_FRESH,
};

static bool
allowed(const struct piv *p, enum pin_rule rule)
{
	return rule >= PIN_NEVER && rule <= PIN_ALWAYS && (access_of_rule[rule] & ~p->status) == 0;
}

static bool
read_template(struct rbuf in, struct auth *a)
{
	struct tlv t;

	a->fields[WITNESS].tag = 0x80;
	a->fields[CHALLENGE].tag = 0x81;
	a->fields[RESPONSE].tag = 0x82;
	a->fields[EXPONENTIATION].tag = 0x85;
	return tlv_next(&in, &t) && t.tag == 0x7c && in.len == 0 &&
	       tlv_read_fields(t.value, a->fields, AUTH_FIELDS);
}

static sw_t
authenticate(struct piv *p, const struct capdu *c, struct auth *a, struct wbuf *out)
{
	const struct keyref *keyref = keyref_find(c->p2);
	auth_case act;
	size_t mark;
	sw_t sw;

	if (keyref == NULL || keyref->use == KEYREF_ATTEST)
		return SW_INCORRECT_P1P2;
	if (!read_template(c->data, a))
		return SW_INCORRECT_DATA;
	sw = key_load(p, c->p2, keyref->use, &a->key);
	if (sw != SW_OK)
		return sw;
	if (c->p1 != a->key.info.algorithm && !(keyref->use == KEYREF_ADMIN && c->p1 == ALG_OF_THE_KEY))
		return SW_INCORRECT_P1P2;
	act = find_case(keyref->use, a->fields);
	if (act == NULL)
		return SW_INCORRECT_DATA;
	/* 9B's own rule, if it has one, is for the vault to keep. */
	if (keyref->use == KEYREF_PRIVATE && !allowed(p, a->key.info.pin))
		return SW_SECURITY_STATUS_NOT_SATISFIED;
	mark = tlv_open(out, 0x7c);
	sw = act(p, a, out);
	if (sw != SW_OK || !wbuf_ok(out))
		return sw;
	if (out->len == mark)
		wbuf_truncate(out, 0); /* a case that only says yes or no */
	else
		tlv_close(out, mark);
	return SW_OK;
}

sw_t
cmd_general_authenticate(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	struct auth a = { .step = p->admin_step };
	SECRET(nonce);

	if (!secret_set(&nonce, secret_view(&p->admin_nonce)))
		return SW_NO_DIAGNOSIS;
	a.nonce = &nonce;
	nonce_forget(p); /* before anything can fail: it serves this command only */
	return authenticate(p, c, &a, out);
}
