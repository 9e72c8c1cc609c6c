/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/renewal.h"

#include "applet/tlv.h"

#include <openssl/x509.h>

/* ---- certificates of keys ---- */

/* Whether a certificate object's content is a certificate of a key; unclear when it cannot be read.
 */
static bool
belongs(struct rbuf content, const EVP_PKEY *key, bool unclear)
{
	X509 *certificate = NULL;
	const unsigned char *der;
	bool result = unclear;
	struct tlv t;

	while (certificate == NULL && tlv_next(&content, &t)) {
		der = t.value.data;
		if (t.tag == 0x70)
			certificate = d2i_X509(NULL, &der, (long)t.value.len);
	}
	if (certificate != NULL)
		result = EVP_PKEY_eq(X509_get0_pubkey(certificate), key) == 1;
	X509_free(certificate);
	return result;
}

/* ---- where a key may retire to ---- */

/* Look at the place of one retired key. */
static enum outcome
look_at(struct channel *ch, uint8_t reference, struct wbuf *certificate, bool *has_key,
    bool *has_certificate, struct failure *why)
{
	struct metadata metadata;
	enum outcome outcome;

	wbuf_truncate(certificate, 0);
	outcome = client_metadata(ch, reference, &metadata, why);
	*has_key = metadata.there;
	if (outcome == DONE)
		outcome = client_get(
		    ch, client_certificate_object(reference), certificate, has_certificate, why);
	return outcome;
}

/*
 * The first free place, so that certificates follow each other from 82 on: a
 * reader that knows their number looks at as many places (OpenSC).  A key that
 * somebody put there without a certificate counts as one of them, for the same
 * reason.  A place with this key's certificate and no key is where an
 * interrupted run was about to move it.
 */
static enum outcome
find_place(struct channel *ch, const EVP_PKEY *key, struct renewal *plan, struct failure *why)
{
	uint8_t octets[CLIENT_OBJECT_MAX], free_place = 0, begun = 0, reference;
	struct wbuf certificate = wbuf_over(octets, sizeof octets);
	bool has_key = false, has_certificate = false;
	enum outcome outcome = DONE;
	unsigned count = 0;

	for (reference = RETIRED_FIRST; reference <= RETIRED_LAST && outcome == DONE; reference++) {
		outcome = look_at(ch, reference, &certificate, &has_key, &has_certificate, why);
		if (outcome != DONE)
			return outcome;
		if (has_certificate)
			count = reference - RETIRED_FIRST + 1u;
		if (has_key)
			continue;
		if (!has_certificate && free_place == 0)
			free_place = reference;
		if (has_certificate && begun == 0 && belongs(wbuf_view(&certificate), key, false))
			begun = reference;
	}
	plan->retired = begun != 0 ? begun : free_place;
	if (plan->retired == 0) {
		fail(why, "all places for retired keys (82 to 95) are taken; with --no-history "
			  "the old key and its certificate go");
		return NO_ROOM;
	}
	if (count < plan->retired - RETIRED_FIRST + 1u)
		count = plan->retired - RETIRED_FIRST + 1u;
	plan->certificates = (uint8_t)count;
	return DONE;
}

enum outcome
renewal_plan(struct channel *ch, uint8_t slot, bool keep, struct renewal *out, struct failure *why)
{
	EVP_PKEY *key = NULL;
	enum outcome outcome;

	*out = (struct renewal){ .slot = slot };
	out->certificate = wbuf_over(out->octets, sizeof out->octets);
	outcome = look_at(ch, slot, &out->certificate, &out->has_key, &out->has_certificate, why);
	if (outcome != DONE || !keep || !out->has_key || !out->has_certificate)
		return outcome;
	outcome = client_public_key(ch, slot, &key, why);
	/* A certificate of another key is left from a run that was interrupted later. */
	if (outcome == DONE && belongs(wbuf_view(&out->certificate), key, true))
		outcome = find_place(ch, key, out, why);
	EVP_PKEY_free(key);
	return outcome;
}

/* ---- the key history object ---- */

enum { ON_CARD, OFF_CARD, URL, CHECK, FIELDS };

static void
put_count(struct wbuf *out, uint32_t tag, uint8_t count)
{
	tlv_put(out, tag, rbuf_of(&count, 1));
}

/* What others keep elsewhere, and where, stays as it is. */
static enum outcome
put_history(struct channel *ch, struct rbuf old, uint8_t certificates, struct failure *why)
{
	struct tlv_field f[FIELDS] = {
		[ON_CARD] = { .tag = 0xc1 },
		[OFF_CARD] = { .tag = 0xc2 },
		[URL] = { .tag = 0xf3 },
		[CHECK] = { .tag = 0xfe },
	};
	uint8_t octets[512];
	struct wbuf content = wbuf_over(octets, sizeof octets);

	if (!tlv_read_fields(old, f, FIELDS)) {
		fail(why, "the card's key history object is malformed; with --no-history it is not "
			  "needed, and the old key and its certificate go");
		return FAILED;
	}
	put_count(&content, 0xc1, certificates);
	put_count(&content, 0xc2, rbuf_at(f[OFF_CARD].value, 0));
	if (f[URL].present)
		tlv_put(&content, 0xf3, f[URL].value);
	tlv_put(&content, 0xfe, rbuf_of(NULL, 0));
	if (wbuf_ok(&content))
		return client_put(ch, OBJECT_KEY_HISTORY, wbuf_view(&content), why);
	fail(why, "the card's key history object is too long");
	return FAILED;
}

/* ---- retiring ---- */

/* How far it has come; each step can be taken back. */
enum step { NOTHING, CERTIFICATE_COPIED, HISTORY_WRITTEN, KEY_MOVED };

/*
 * Certificate and history first: until the key moves, and from then on, it is
 * found with its certificate.
 */
static enum outcome
retire(struct channel *ch, const struct renewal *plan, struct rbuf old_history, enum step *step,
    struct failure *why)
{
	enum outcome outcome;

	outcome = client_put(
	    ch, client_certificate_object(plan->retired), wbuf_view(&plan->certificate), why);
	if (outcome != DONE)
		return outcome;
	*step = CERTIFICATE_COPIED;
	outcome = put_history(ch, old_history, plan->certificates, why);
	if (outcome != DONE)
		return outcome;
	*step = HISTORY_WRITTEN;
	outcome = client_move(ch, plan->slot, plan->retired, why);
	if (outcome == DONE)
		*step = KEY_MOVED;
	return outcome;
}

/* As it was, as far as the card lets us: a step that fails keeps those before it. */
static void
take_back(struct channel *ch, const struct renewal *plan, struct rbuf old_history, enum step step)
{
	if (step == KEY_MOVED && client_move(ch, plan->retired, plan->slot, NULL) != DONE)
		return;
	if (step >= HISTORY_WRITTEN &&
	    client_put(ch, OBJECT_KEY_HISTORY, old_history, NULL) != DONE)
		return;
	if (step >= CERTIFICATE_COPIED && client_put(ch, client_certificate_object(plan->retired),
					      rbuf_of(NULL, 0), NULL) != DONE)
		return; /* it does no harm there */
}

enum outcome
renewal_make(struct channel *ch, const struct renewal *plan, uint8_t algorithm, unsigned rule,
    EVP_PKEY **out, struct failure *why)
{
	uint8_t octets[CLIENT_OBJECT_MAX];
	struct wbuf history = wbuf_over(octets, sizeof octets);
	enum outcome outcome = DONE;
	enum step step = NOTHING;
	bool there;

	*out = NULL;
	if (plan->retired != 0) {
		outcome = client_get(ch, OBJECT_KEY_HISTORY, &history, &there, why);
		if (outcome == DONE)
			outcome = retire(ch, plan, wbuf_view(&history), &step, why);
	}
	if (outcome == DONE)
		outcome = client_generate(ch, plan->slot, algorithm, rule, out, why);
	if (outcome != DONE) {
		take_back(ch, plan, wbuf_view(&history), step);
		return outcome;
	}
	if (!plan->has_certificate)
		return DONE;
	/* It says nothing of the new key. */
	outcome = client_put(ch, client_certificate_object(plan->slot), rbuf_of(NULL, 0), why);
	if (outcome != DONE) {
		EVP_PKEY_free(*out);
		*out = NULL;
	}
	return outcome;
}
