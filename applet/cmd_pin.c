/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PIN and PUK: VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER.  The vault
 * compares and counts; what is decided here is only which octets are a PIN.
 */
#include "applet/commands.h"
#include "applet/defaults.h"
#include "applet/keyrefs.h"
#include "applet/status.h"

/* SP 800-73-4 Part 2, 2.4.3: PIN and PUK come padded with FF to eight octets. */
#define PADDED_LEN 8
/* Our extension: longer ones come as they are, or in halves padded alike. */
#define LONGEST 127

/*
 * Take the padding off a PIN or PUK.  All padding is no PIN, yet hosts send it
 * to use up tries: it stays as it is, and the vault counts it as wrong.
 * Returns false for octets that are neither.
 */
static bool
unpad(struct rbuf padded, struct secret *out)
{
	struct rbuf value;
	size_t i, len = padded.len;

	while (len > 0 && rbuf_at(padded, len - 1) == 0xff)
		len--;
	if (len == 0)
		return secret_set(out, padded);
	if (!rbuf_take(&padded, len, &value))
		return false;
	for (i = 0; i < len; i++) {
		if (rbuf_at(value, i) < 0x01 || rbuf_at(value, i) > 0x7f)
			return false;
	}
	return secret_set(out, value);
}

/* Split the data of the two commands that carry two secrets: equal halves, each padded. */
static bool
halve(struct rbuf data, struct rbuf *first, struct rbuf *second)
{
	size_t half = data.len / 2;

	if (data.len % 2 != 0 || half < PADDED_LEN || half > LONGEST)
		return false;
	return rbuf_take(&data, half, first) && rbuf_take(&data, half, second);
}

static sw_t
sw_of_tries(unsigned left)
{
	if (left == 0)
		return SW_BLOCKED;
	return (sw_t)(SW_TRIES_LEFT | (left < 15 ? left : 15));
}

/* What the vault's answer about a PIN or PUK means to the host. */
static sw_t
sw_of_reference(struct piv *p, enum reference which, enum vault_err err)
{
	struct tries tries;

	if (err == VAULT_AUTH) {
		if (vault_tries(p->vault, which, &tries) != VAULT_OK)
			return SW_WRONG_VALUE;
		if (tries.left == 0 && p->host != NULL && p->host->blocked != NULL)
			p->host->blocked(p->host, which);
		return sw_of_tries(tries.left);
	}
	if (err == VAULT_BLOCKED || err == VAULT_ABSENT)
		return SW_BLOCKED; /* a card without a PUK is one whose PUK is blocked */
	return err == VAULT_OK ? SW_OK : SW_NO_DIAGNOSIS;
}

/* ---- VERIFY ---- */

/* VERIFY without data: does a host have to ask for the PIN, and how often may it? */
static sw_t
pin_state(struct piv *p)
{
	enum vault_err err;
	struct tries tries;

	if ((p->status & ACCESS_PIN) != 0)
		return SW_OK;
	err = vault_tries(p->vault, REFERENCE_PIN, &tries);
	if (err == VAULT_OK)
		return sw_of_tries(tries.left);
	if (err == VAULT_UNSUPPORTED)
		return SW_SECURITY_STATUS_NOT_SATISFIED;
	return err == VAULT_ABSENT ? SW_BLOCKED : SW_NO_DIAGNOSIS;
}

static sw_t
pin_verify(struct piv *p, struct rbuf data)
{
	enum vault_err err;
	SECRET(pin);

	if (data.len < PADDED_LEN || data.len > LONGEST || !unpad(data, &pin))
		return SW_INCORRECT_DATA;
	if (data.len > PADDED_LEN && pin.len != data.len)
		return SW_INCORRECT_DATA; /* the long form has no padding */
	err = vault_verify(p->vault, &pin);
	if (err == VAULT_OK)
		p->status |= ACCESS_PIN | ACCESS_FRESH;
	else
		pin_forget(p);
	return sw_of_reference(p, REFERENCE_PIN, err);
}

sw_t
cmd_verify(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	(void)out;
	if (c->p1 != 0x00 && c->p1 != 0xff)
		return SW_INCORRECT_P1P2;
	if (c->p2 != KEYREF_PIN)
		return SW_REFERENCE_NOT_FOUND;
	if (c->p1 == 0x00)
		return c->data.len == 0 ? pin_state(p) : pin_verify(p, c->data);
	if (c->data.len != 0)
		return SW_INCORRECT_DATA;
	pin_forget(p);
	return SW_OK;
}

/* ---- CHANGE REFERENCE DATA ---- */

static bool
acceptable(const struct piv *p, enum reference which, const struct secret *fresh)
{
	struct rbuf value = secret_view(fresh);

	return (which == REFERENCE_PIN ? pin_policy_breach(&p->profile->policy, value)
				       : puk_breach(value)) == NULL;
}

/*
 * The PIN was changed, and the vault has dropped its proofs of the old one:
 * prove the new one.  It is not what VERIFY is to a PIN-always key.
 */
static void
prove_again(struct piv *p, const struct secret *pin)
{
	if (vault_verify(p->vault, pin) == VAULT_OK)
		p->status |= ACCESS_PIN;
	pin_disarm(p);
}

/* Afterwards the PIN is verified if it was the PIN (SP 800-73-4 Part 2, 3.2.2), as it was if the PUK. */
static sw_t
change(struct piv *p, uint8_t id, const struct secret *old, const struct secret *fresh)
{
	enum reference which = id == KEYREF_PIN ? REFERENCE_PIN : REFERENCE_PUK;
	bool was_default;
	enum vault_err err;
	sw_t sw;

	sw = default_drop(p, id, &was_default);
	if (sw != SW_OK)
		return sw;
	err = vault_change(p->vault, which, old, fresh);
	if (which == REFERENCE_PIN)
		pin_forget(p);
	if (err == VAULT_OK && which == REFERENCE_PIN)
		prove_again(p, fresh);
	if (err == VAULT_OK ? default_is(id, secret_view(fresh))
			    : was_default && err != VAULT_FAULT)
		default_note(p, id);
	return sw_of_reference(p, which, err);
}

sw_t
cmd_change_reference_data(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	enum reference which = c->p2 == KEYREF_PIN ? REFERENCE_PIN : REFERENCE_PUK;
	struct rbuf first, second;
	SECRET(old);
	SECRET(fresh);

	(void)out;
	if (c->p1 != 0x00)
		return SW_INCORRECT_P1P2;
	if (c->p2 != KEYREF_PIN && c->p2 != KEYREF_PUK)
		return SW_REFERENCE_NOT_FOUND;
	if (!halve(c->data, &first, &second) || !unpad(first, &old) || !unpad(second, &fresh) ||
	    !acceptable(p, which, &fresh))
		return SW_INCORRECT_DATA;
	return change(p, c->p2, &old, &fresh);
}

/* ---- RESET RETRY COUNTER ---- */

/* Afterwards the PIN is verified or not, as it was before (SP 800-73-4 Part 2, 3.2.3). */
static sw_t
unblock(struct piv *p, const struct secret *puk, const struct secret *fresh)
{
	const bool verified = (p->status & ACCESS_PIN) != 0;
	bool was_default;
	enum vault_err err;
	sw_t sw;

	sw = default_drop(p, KEYREF_PIN, &was_default);
	if (sw != SW_OK)
		return sw;
	err = vault_unblock(p->vault, REFERENCE_PUK, puk, fresh);
	pin_forget(p); /* the vault has dropped its proofs; after a wrong PUK it would be due as well */
	if (err == VAULT_OK && verified)
		prove_again(p, fresh);
	if (err == VAULT_OK ? default_is(KEYREF_PIN, secret_view(fresh))
			    : was_default && err != VAULT_FAULT)
		default_note(p, KEYREF_PIN);
	return sw_of_reference(p, REFERENCE_PUK, err);
}

sw_t
cmd_reset_retry_counter(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	struct rbuf first, second;
	sw_t sw;
	SECRET(puk);
	SECRET(fresh);

	(void)out;
	if (c->p1 != 0x00)
		return SW_INCORRECT_P1P2;
	if (c->p2 != KEYREF_PIN)
		return SW_REFERENCE_NOT_FOUND;
	if (!halve(c->data, &first, &second) || !unpad(first, &puk))
		return SW_INCORRECT_DATA;
	if (unpad(second, &fresh) && acceptable(p, REFERENCE_PIN, &fresh))
		return unblock(p, &puk, &fresh);
	/* Whether the new PIN would do is for those to know who know the PUK. */
	sw = sw_of_reference(p, REFERENCE_PUK, vault_check(p->vault, REFERENCE_PUK, &puk));
	if (sw == SW_OK)
		return SW_INCORRECT_DATA;
	pin_forget(p);
	return sw;
}
