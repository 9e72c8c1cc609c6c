/* SPDX-License-Identifier: BSD-2-Clause */
/* The AK tied to the TPM: the EK, credentials, and the certificate that comes of it. */
#include "card/attesting.h"

/* Find the EK; octets has room for it. */
static enum outcome
find_ek(struct tpm *tpm, struct wbuf *octets, struct rbuf *area, struct failure *why)
{
	struct rbuf certificate;
	enum outcome outcome;

	outcome = outcome_of_tpm(ek_find(tpm, octets, &certificate, area, why));
	if (outcome == DONE && certificate.len == 0)
		return attesting_unendorsed(why);
	return outcome;
}

enum outcome
cards_endorsed(const struct config *config, struct failure *why)
{
	uint8_t octets[STORE_ITEM_MAX];
	struct wbuf found = wbuf_over(octets, sizeof octets);
	struct tpm_link link;
	enum outcome outcome;
	struct rbuf area;

	if (!tpm_link_open(&link, config, why))
		return FAILED;
	outcome = find_ek(link.tpm, &found, &area, why);
	tpm_link_close(&link);
	return outcome;
}

enum outcome
cards_activate(const struct config *config, unsigned instance, struct rbuf blob,
    struct rbuf encrypted, struct secret *out, struct failure *why)
{
	uint8_t octets[STORE_ITEM_MAX];
	struct wbuf found = wbuf_over(octets, sizeof octets);
	enum vault_err err = VAULT_OK;
	struct attesting a;
	enum outcome outcome;
	struct rbuf area;

	secret_clear(out);
	outcome = attesting_open(&a, config, instance, false, why);
	if (outcome != DONE)
		return outcome;
	outcome = find_ek(a.b.work.link.tpm, &found, &area, why);
	if (outcome == DONE)
		err = ek_activate(a.b.parts.vault, wbuf_view(&a.ak), area, blob, encrypted, out);
	if (err == VAULT_MISMATCH) {
		fail(why, "the response is for another card's attestation key, or for another TPM");
		outcome = WRONG_SECRET;
	} else if (err != VAULT_OK) {
		outcome = attesting_explain(&a, err, "read the response");
	}
	attesting_close(&a);
	return outcome;
}

/* ---- the AK's certificate ---- */

static bool
write_chain(const struct chain *chain, struct wbuf *out)
{
	struct chain again;
	size_t i;

	wbuf_put(out, chain->certificate);
	for (i = 0; i < EVIDENCE_CHAIN_MAX; i++)
		wbuf_put(out, chain->above[i]);
	/* A certificate that is none, or two in one place, would be read otherwise. */
	if (!wbuf_ok(out) || !chain_read(wbuf_view(out), &again) ||
	    !rbuf_eq(again.certificate, chain->certificate))
		return false;
	for (i = 0; i < EVIDENCE_CHAIN_MAX; i++) {
		if (!rbuf_eq(again.above[i], chain->above[i]))
			return false;
	}
	return true;
}

static enum outcome
keep_chain(struct attesting *a, const struct chain *chain)
{
	uint8_t key_octets[sizeof a->octets], octets[STORE_ITEM_MAX];
	struct wbuf area = wbuf_over(key_octets, sizeof key_octets);
	struct wbuf value = wbuf_over(octets, sizeof octets);
	struct evidence_key ak;
	enum outcome outcome;
	enum store_err err;

	if (attestation_of_key(a->b.parts.vault, wbuf_view(&a->ak), &area, &ak) != VAULT_OK ||
	    !attestation_certifies(chain->certificate, ak.area)) {
		fail(a->why, "the certificate is not of the attestation key of card %u",
		    a->b.instance);
		return FAILED;
	}
	if (!write_chain(chain, &value)) {
		fail(a->why, "the certificates above the attestation key's are malformed, or too long");
		return FAILED;
	}
	outcome = beside_begin(&a->b);
	if (outcome != DONE)
		return outcome;
	err = store_put(a->b.parts.store, STORE_CHAIN, ATTESTATION_KEY, wbuf_view(&value));
	if (err != STORE_OK)
		fail(a->why, "cannot write the attestation key's certificate of card %u",
		    a->b.instance);
	return beside_end(&a->b, true, outcome_of_store(err));
}

enum outcome
cards_certified(const struct config *config, unsigned instance, const struct chain *ak,
    struct failure *why)
{
	struct attesting a;
	enum outcome outcome;

	outcome = attesting_open(&a, config, instance, false, why);
	if (outcome != DONE)
		return outcome;
	outcome = keep_chain(&a, ak);
	attesting_close(&a);
	return outcome;
}
