/* SPDX-License-Identifier: BSD-2-Clause */
/* What evidence is as a whole: the form that is certified, and public areas on their own. */
#include "tpm/evidence.h"

#include <openssl/x509.h>
#include <stdlib.h>

#include "tpm/area.h"
#include "tpm/key.h"

/* No other text whose digest the AK signs over begins like this. */
#define DOMAIN "tpmvsc: evidence about a card\n"

/* Lengths and counts of all fields: fewer than that many, of four octets each. */
#define NUMBERS_MAX 256

static void
put_item(struct wbuf *out, struct rbuf item)
{
	wbuf_u32(out, (uint32_t)item.len);
	wbuf_put(out, item);
}

/* False when the list has a hole: two lists would be written the same way. */
static bool
put_chain(struct wbuf *out, const struct chain *chain)
{
	uint32_t count = 0;
	size_t i;

	while (count < EVIDENCE_CHAIN_MAX && chain->above[count].len != 0)
		count++;
	put_item(out, chain->certificate);
	wbuf_u32(out, count);
	for (i = 0; i < count; i++)
		put_item(out, chain->above[i]);
	for (; i < EVIDENCE_CHAIN_MAX; i++) {
		if (chain->above[i].len != 0)
			return false;
	}
	return true;
}

static void
put_key(struct wbuf *out, const struct evidence_key *key)
{
	wbuf_u32(out, key->reference);
	put_item(out, key->area);
	put_item(out, key->creation);
	put_item(out, key->certificate);
}

bool
evidence_canonical(const struct evidence *e, struct wbuf *out)
{
	size_t i;

	if (e->keys > EVIDENCE_KEYS_MAX)
		return false;
	wbuf_put(out, rbuf_str(DOMAIN));
	wbuf_u32(out, EVIDENCE_VERSION);
	put_item(out, e->name);
	put_item(out, e->guid);
	put_item(out, e->nonce);
	if (!put_chain(out, &e->ek))
		return false;
	put_item(out, e->ek_area);
	if (!put_chain(out, &e->ak))
		return false;
	put_item(out, e->ak_area);
	put_item(out, e->authority);
	wbuf_u32(out, EVIDENCE_APPROVALS);
	for (i = 0; i < EVIDENCE_APPROVALS; i++)
		put_item(out, e->approval[i]);
	wbuf_u32(out, EVIDENCE_INDICES);
	for (i = 0; i < EVIDENCE_INDICES; i++)
		put_item(out, e->index[i].area);
	wbuf_u32(out, (uint32_t)e->keys);
	for (i = 0; i < e->keys; i++)
		put_key(out, &e->key[i]);
	return wbuf_ok(out);
}

bool
evidence_digest(const struct evidence *e, struct digest *out)
{
	const size_t room = EVIDENCE_OCTETS_MAX + 4 * NUMBERS_MAX;
	uint8_t *octets = malloc(room);
	struct wbuf w = wbuf_over(octets, octets != NULL ? room : 0);
	struct rbuf text;
	bool ok;

	ok = evidence_canonical(e, &w);
	text = wbuf_view(&w);
	ok = ok && digest_of(&text, 1, out);
	free(octets);
	return ok;
}

bool
evidence_public_key(struct rbuf area, struct wbuf *out)
{
	TPMT_PUBLIC object;
	EVP_PKEY *key = NULL;
	uint8_t *der = NULL;
	int len = -1;

	if (area_read_object(area, &object))
		key = area_key(&object);
	if (key != NULL)
		len = i2d_PUBKEY(key, &der);
	if (len > 0)
		wbuf_put(out, rbuf_of(der, (size_t)len));
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	return len > 0 && wbuf_ok(out);
}

bool
evidence_is_ak(struct rbuf area)
{
	TPM2B_PUBLIC expected;
	struct digest policy;
	TPMT_PUBLIC object;
	struct rbuf given;
	EVP_PKEY *key;

	if (!area_read_object(area, &object))
		return false;
	given = rbuf_of(object.authPolicy.buffer, object.authPolicy.size);
	if (!rbuf_copy(&given, policy.octets, sizeof policy.octets))
		return false;
	expected = key_attestation_template(&policy);
	key = area_same_kind(&object, &expected.publicArea) ? area_key(&object) : NULL;
	EVP_PKEY_free(key);
	return key != NULL;
}
