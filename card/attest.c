/* SPDX-License-Identifier: BSD-2-Clause */
/* A card's evidence, put together and certified. */
#include "card/attesting.h"

#include "applet/keyrefs.h"
#include "applet/tlv.h"

/* ---- gathering ---- */

static enum outcome
no_room(struct attesting *a)
{
	fail(a->why, "what card %u has to say is too long", a->b.instance);
	return FAILED;
}

static enum outcome
put_chain(struct attesting *a, struct wbuf *octets, struct chain *out)
{
	const size_t begin = octets->len;
	enum store_err err;

	*out = (struct chain){ .certificate.len = 0 };
	err = store_get(a->b.parts.store, STORE_CHAIN, ATTESTATION_KEY, octets);
	if (err == STORE_ABSENT)
		return DONE;
	if (err == STORE_OK && chain_read(wbuf_since(octets, begin), out))
		return DONE;
	fail(a->why, "the attestation key's certificate of card %u cannot be read", a->b.instance);
	return FAILED;
}

/* Where the certificate of a key is. */
static uint32_t
certificate_tag(uint8_t reference)
{
	static const struct {
		uint8_t first, last;
		uint32_t tag;
	} rows[] = {
		{ 0x9a, 0x9a, 0x5fc105 },
		{ 0x9c, 0x9c, 0x5fc10a },
		{ 0x9d, 0x9d, 0x5fc10b },
		{ 0x9e, 0x9e, 0x5fc101 },
		{ 0x82, 0x95, 0x5fc10d },
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (reference >= rows[i].first && reference <= rows[i].last)
			return rows[i].tag + reference - rows[i].first;
	}
	return 0;
}

/*
 * Append the certificate that the card has for a key; nothing when there is
 * none, or one that only a PIV client understands (compressed): it is the
 * user's, and not what is attested.
 */
static struct rbuf
put_certificate(struct attesting *a, uint8_t reference, struct wbuf *octets)
{
	uint8_t object[STORE_ITEM_MAX];
	struct wbuf content = wbuf_over(object, sizeof object);
	struct tlv_field fields[] = { { .tag = 0x70 }, { .tag = 0x71 }, { .tag = 0x72 },
		{ .tag = 0xfe } };
	const size_t begin = octets->len;
	struct rbuf certificate, der;

	if (store_get(a->b.parts.store, STORE_OBJECT, certificate_tag(reference), &content) !=
		STORE_OK ||
	    !tlv_read_fields(wbuf_view(&content), fields, sizeof fields / sizeof fields[0]) ||
	    (fields[1].present && rbuf_at(fields[1].value, 0) != 0))
		return rbuf_of(NULL, 0);
	certificate = fields[0].value;
	if (!certificate_take(&certificate, &der) || certificate.len != 0)
		return rbuf_of(NULL, 0);
	wbuf_put(octets, der);
	return wbuf_since(octets, begin);
}

static struct rbuf
put(struct wbuf *octets, struct rbuf in)
{
	const size_t begin = octets->len;

	wbuf_put(octets, in);
	return wbuf_since(octets, begin);
}

/* Who the card is: name, GUID, AK, EK. */
static enum outcome
put_identity(struct attesting *a, struct wbuf *octets, struct evidence *e)
{
	const struct piv_profile *profile = &a->b.parts.paper.profile;
	struct evidence_key ak;
	enum outcome outcome;
	enum vault_err err;

	e->name = put(octets, rbuf_str(profile->name));
	e->guid = put(octets, rbuf_of(profile->guid, sizeof profile->guid));
	err = attestation_of_key(a->b.parts.vault, wbuf_view(&a->ak), octets, &ak);
	if (err == VAULT_OK && !evidence_is_ak(ak.area))
		err = VAULT_MISMATCH;
	if (err != VAULT_OK)
		return attesting_explain(a, err, "use the attestation key");
	e->ak_area = ak.area;
	outcome = put_chain(a, octets, &e->ak);
	if (outcome != DONE)
		return outcome;
	if (!attestation_of_record(a->b.parts.vault, octets, e))
		return no_room(a);
	return outcome_of_tpm(
	    ek_find(a->b.work.link.tpm, octets, &e->ek.certificate, &e->ek_area, a->why));
}

/* Read a key's file. */
static enum store_err
read_key(struct attesting *a, uint8_t reference, struct wbuf *out)
{
	wbuf_truncate(out, 0);
	return store_get(a->b.parts.store, STORE_KEY, reference, out);
}

/* Add a key, if the card has it. */
static enum outcome
put_key(struct attesting *a, uint8_t reference, struct wbuf *octets, struct evidence *e)
{
	uint8_t file[VAULT_KEY_MAX];
	struct wbuf key = wbuf_over(file, sizeof file);
	struct evidence_key *out;
	enum store_err err;

	err = read_key(a, reference, &key);
	if (err == STORE_ABSENT)
		return DONE;
	if (e->keys == EVIDENCE_KEYS_MAX)
		return no_room(a);
	out = &e->key[e->keys];
	*out = (struct evidence_key){ .reference = reference };
	if (err != STORE_OK ||
	    attestation_of_key(a->b.parts.vault, wbuf_view(&key), octets, out) != VAULT_OK) {
		fail(a->why, "the key %02X of card %u cannot be read", reference, a->b.instance);
		return FAILED;
	}
	out->certificate = put_certificate(a, reference, octets);
	e->keys++;
	return DONE;
}

static enum outcome
no_key(struct attesting *a, uint8_t reference)
{
	fail(a->why, "card %u has no key %02X", a->b.instance, reference);
	return NO_SUCH_CARD;
}

static enum outcome
put_keys(struct attesting *a, uint8_t reference, struct wbuf *octets, struct evidence *e)
{
	enum outcome outcome = DONE;
	const struct keyref *keyref;
	unsigned id;

	for (id = 0; id <= UINT8_MAX && outcome == DONE; id++) {
		keyref = keyref_find((uint8_t)id);
		if (keyref != NULL && (keyref->use & KEYREF_PRIVATE) != 0 &&
		    (reference == 0 || reference == id))
			outcome = put_key(a, (uint8_t)id, octets, e);
	}
	if (outcome == DONE && reference != 0 && e->keys == 0)
		return no_key(a, reference);
	return outcome;
}

/* ---- certifying ---- */

/* A generated key whose file says how it was made; of the others there is nothing to say. */
static enum outcome
certify_key(struct attesting *a, struct rbuf extra, struct wbuf *octets, struct evidence_key *out)
{
	uint8_t file[VAULT_KEY_MAX];
	struct wbuf key = wbuf_over(file, sizeof file);
	enum vault_err err;

	if (out->creation.len == 0)
		return DONE;
	if (read_key(a, out->reference, &key) != STORE_OK)
		return no_key(a, out->reference);
	err = attestation_creation(a->b.parts.vault, wbuf_view(&a->ak), wbuf_view(&key), extra,
	    octets, &out->statement);
	return err != VAULT_OK ? attesting_explain(a, err, "certify a key") : DONE;
}

static enum outcome
certify(struct attesting *a, struct wbuf *octets, struct evidence *e)
{
	uint8_t text[ATTESTATION_EXTRA_MAX];
	struct wbuf extra = wbuf_over(text, sizeof text);
	enum outcome outcome = DONE;
	enum vault_err err;
	size_t i;

	if (!wbuf_ok(octets) || !attestation_extra(e, &extra))
		return no_room(a);
	for (i = 0; i < EVIDENCE_INDICES; i++) {
		if (e->index[i].area.len == 0)
			continue;
		err = attestation_index(a->b.parts.vault, wbuf_view(&a->ak), i, wbuf_view(&extra),
		    octets, &e->index[i].statement);
		if (err != VAULT_OK)
			return attesting_explain(a, err, "certify the card's counters");
	}
	for (i = 0; i < e->keys && outcome == DONE; i++)
		outcome = certify_key(a, wbuf_view(&extra), octets, &e->key[i]);
	return outcome;
}

/* One key alone that cannot be certified is asked for in vain; among others its evidence says so. */
static enum outcome
is_attestable(struct attesting *a, uint8_t reference, const struct evidence *e)
{
	uint8_t file[VAULT_KEY_MAX];
	struct wbuf key = wbuf_over(file, sizeof file);
	struct key_info info;

	if (reference == 0 || e->key[0].creation.len != 0)
		return DONE;
	if (read_key(a, reference, &key) != STORE_OK ||
	    vault_describe(a->b.parts.vault, wbuf_view(&key), &info) != VAULT_OK)
		return no_key(a, reference);
	if (info.origin == ORIGIN_IMPORTED)
		return DONE;
	fail(a->why, "the key %02X was made by a version that did not keep what attestation needs: "
		     "generate it anew", reference);
	return FAILED;
}

/* ---- what the tool asks for ---- */

/* End it; on failure nothing is handed out. */
static enum outcome
hand_out(enum outcome outcome, struct wbuf *octets, size_t begin, struct evidence *e)
{
	if (outcome == DONE)
		return DONE;
	wbuf_truncate(octets, begin);
	*e = (struct evidence){ .keys = 0 };
	return outcome;
}

enum outcome
cards_attest(const struct config *config, unsigned instance, uint8_t reference,
    struct rbuf nonce, struct wbuf *octets, struct evidence *out, struct failure *why)
{
	const size_t begin = octets->len;
	struct attesting a;
	enum outcome outcome;

	*out = (struct evidence){ .keys = 0 };
	if (nonce.len > EVIDENCE_NONCE_MAX) {
		fail(why, "a nonce has at most %d octets", EVIDENCE_NONCE_MAX);
		return WRONG_USAGE;
	}
	outcome = attesting_open(&a, config, instance, true, why);
	if (outcome != DONE)
		return outcome;
	out->nonce = put(octets, nonce);
	outcome = put_identity(&a, octets, out);
	if (outcome == DONE)
		outcome = put_keys(&a, reference, octets, out);
	if (outcome == DONE)
		outcome = is_attestable(&a, reference, out);
	if (outcome == DONE)
		outcome = certify(&a, octets, out);
	attesting_close(&a);
	return hand_out(outcome, octets, begin, out);
}

/* The AK's own creation, over nothing. */
static enum outcome
put_ak(struct attesting *a, struct wbuf *octets, struct evidence *e)
{
	enum outcome outcome;

	outcome = put_key(a, ATTESTATION_KEY, octets, e);
	return outcome == DONE ? certify_key(a, rbuf_of(NULL, 0), octets, &e->key[0]) : outcome;
}

enum outcome
cards_identity(const struct config *config, unsigned instance, bool need_certificate,
    struct wbuf *octets, struct evidence *out, struct failure *why)
{
	const size_t begin = octets->len;
	struct attesting a;
	enum outcome outcome;

	*out = (struct evidence){ .keys = 0 };
	outcome = attesting_open(&a, config, instance, true, why);
	if (outcome != DONE)
		return outcome;
	outcome = put_identity(&a, octets, out);
	if (outcome == DONE && need_certificate && out->ek.certificate.len == 0)
		outcome = attesting_unendorsed(why);
	if (outcome == DONE)
		outcome = put_ak(&a, octets, out);
	if (outcome == DONE && !wbuf_ok(octets))
		outcome = no_room(&a);
	attesting_close(&a);
	return hand_out(outcome, octets, begin, out);
}

/* ---- one key ---- */

static enum outcome
certify_one(struct attesting *a, uint8_t reference, struct rbuf extra, struct wbuf *octets,
    struct evidence_key *out)
{
	uint8_t file[VAULT_KEY_MAX];
	struct wbuf key = wbuf_over(file, sizeof file);
	enum vault_err err;

	if (read_key(a, reference, &key) != STORE_OK)
		return no_key(a, reference);
	err = attestation_of_key(a->b.parts.vault, wbuf_view(&key), octets, out);
	if (err == VAULT_OK)
		err = attestation_key(a->b.parts.vault, wbuf_view(&a->ak), wbuf_view(&key), extra,
		    octets, &out->statement);
	return err != VAULT_OK ? attesting_explain(a, err, "certify a key") : DONE;
}

enum outcome
cards_certify(const struct config *config, unsigned instance, uint8_t reference,
    struct rbuf extra, struct wbuf *octets, struct evidence_key *out, struct failure *why)
{
	const size_t begin = octets->len;
	struct attesting a;
	enum outcome outcome;

	*out = (struct evidence_key){ .reference = reference };
	outcome = attesting_open(&a, config, instance, true, why);
	if (outcome != DONE)
		return outcome;
	outcome = certify_one(&a, reference, extra, octets, out);
	attesting_close(&a);
	if (outcome != DONE)
		wbuf_truncate(octets, begin);
	return outcome;
}
