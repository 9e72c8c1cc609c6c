/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Yubico's software asks of a card before it works with it: version,
 * serial number, metadata.
 */
#include "applet/commands.h"
#include "applet/defaults.h"
#include "applet/keys.h"

sw_t
cmd_get_version(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	/* The last one that neither has 5.7's algorithms nor lacks 5.3's metadata and 5.4's AES. */
	static const uint8_t version[] = { 5, 4, 3 };

	(void)p;
	(void)c;
	wbuf_put(out, rbuf_of(version, sizeof version));
	return SW_OK;
}

/*
 * Not from the CHUID, which hosts rewrite as they please: a card whose number
 * changed is another card to them.  Positive and not zero, since they take it for
 * an int and zero for none.
 */
sw_t
cmd_get_serial(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	struct rbuf guid = rbuf_of(p->profile->guid, sizeof p->profile->guid);
	uint32_t serial = 0;

	(void)c;
	if (!rbuf_u32(&guid, &serial))
		return SW_NO_DIAGNOSIS;
	serial &= 0x7fffffff;
	wbuf_u32(out, serial != 0 ? serial : 1);
	return SW_OK;
}

/* ---- GET METADATA ---- */

enum { ALGORITHM = 0x01, POLICY = 0x02, ORIGIN = 0x03, PUBLIC = 0x04, IS_DEFAULT = 0x05, RETRIES = 0x06 };

#define ALG_NONE 0xff  /* of PIN and PUK */
#define TOUCH_NEVER 1  /* nobody can touch this card */
#define RULE_DEFAULT 0

static void
put_octet(struct wbuf *out, uint32_t tag, unsigned value)
{
	const uint8_t octet = (uint8_t)value;

	tlv_put(out, tag, rbuf_of(&octet, 1));
}

static void
put_pair(struct wbuf *out, uint32_t tag, unsigned first, unsigned second)
{
	const uint8_t octets[] = { (uint8_t)first, (uint8_t)second };

	tlv_put(out, tag, rbuf_of(octets, sizeof octets));
}

static sw_t
put_default(struct piv *p, uint8_t id, struct wbuf *out)
{
	bool noted = false;
	sw_t sw = default_noted(p, id, &noted);

	put_octet(out, IS_DEFAULT, noted);
	return sw;
}

/* Of a PIN or PUK. */
static sw_t
describe_reference(struct piv *p, uint8_t id, enum reference which, struct wbuf *out)
{
	struct tries tries = { .left = 0 };
	enum vault_err err = vault_tries(p->vault, which, &tries);
	sw_t sw;

	/* A card without a PUK is one whose PUK is blocked. */
	if (err != VAULT_OK && err != VAULT_ABSENT) /* without the owner's authorisation the count cannot be told */
		return err == VAULT_UNSUPPORTED ? (sw_t)SW_CONDITIONS_NOT_SATISFIED
						: sw_of_vault(err);
	put_octet(out, ALGORITHM, ALG_NONE);
	sw = put_default(p, id, out);
	put_pair(out, RETRIES, tries.limit, tries.left);
	return sw;
}

static sw_t
describe_management_key(struct piv *p, uint8_t id, struct wbuf *out)
{
	struct card_key key;
	sw_t sw = key_load(p, id, KEYREF_ADMIN, &key);

	/* One that is in doubt does not serve; that there is one, and which, can be told. */
	if (sw != SW_OK && sw != SW_CONDITIONS_NOT_SATISFIED)
		return sw;
	put_octet(out, ALGORITHM, key.info.algorithm);
	put_pair(out, POLICY, RULE_DEFAULT, TOUCH_NEVER);
	return put_default(p, id, out);
}

static sw_t
describe_key(struct piv *p, uint8_t id, struct wbuf *out)
{
	uint8_t octets[VAULT_PUBLIC_MAX];
	struct wbuf value = wbuf_over(octets, sizeof octets);
	struct card_key key;
	enum vault_err err;
	size_t mark;
	sw_t sw = key_load(p, id, KEYREF_PRIVATE, &key);

	if (sw != SW_OK)
		return sw;
	err = vault_public_value(p->vault, key.octets, &value);
	if (err != VAULT_OK || !wbuf_ok(&value))
		return SW_NO_DIAGNOSIS;
	put_octet(out, ALGORITHM, key.info.algorithm);
	put_pair(out, POLICY, key.info.pin, TOUCH_NEVER);
	put_octet(out, ORIGIN, key.info.origin);
	mark = tlv_open(out, PUBLIC);
	key_put_public(out, key.algorithm->family, wbuf_view(&value));
	tlv_close(out, mark);
	return SW_OK;
}

sw_t
cmd_get_metadata(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	const struct keyref *keyref = keyref_find(c->p2);

	if (c->p2 == KEYREF_PIN || c->p2 == KEYREF_PUK)
		return describe_reference(
		    p, c->p2, c->p2 == KEYREF_PIN ? REFERENCE_PIN : REFERENCE_PUK, out);
	if (keyref == NULL)
		return SW_REFERENCE_NOT_FOUND;
	return keyref->use == KEYREF_ADMIN ? describe_management_key(p, c->p2, out)
					   : describe_key(p, c->p2, out);
}
