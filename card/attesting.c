/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/attesting.h"

#include "applet/tlv.h"
#include "card/ak.h"

/* ---- errors ---- */

enum outcome
attesting_explain(struct attesting *a, enum vault_err err, const char *doing)
{
	if (err == VAULT_UNSUPPORTED) {
		fail(a->why, "cannot %s: that takes the owner's authorisation of the TPM "
			     "(owner_auth_file in the configuration)", doing);
		return NOT_PERMITTED;
	}
	if (err == VAULT_MISMATCH) {
		fail(a->why, "cannot %s: a key of card %u is not what its TPM made", doing,
		    a->b.instance);
		return FAILED;
	}
	return beside_explain(&a->b, err, doing, "the TPM refuses it");
}

enum outcome
attesting_unendorsed(struct failure *why)
{
	fail(why, "the TPM has no certificate of an endorsement key (RSA-2048 or P-256) in its NV "
		  "memory: no authority can tell whose it is");
	return TPM_PROBLEM;
}

/* ---- the AK ---- */

static enum outcome
make_ak(struct attesting *a)
{
	enum store_err kept = STORE_OK;
	enum outcome outcome;
	enum vault_err err;

	outcome = beside_begin(&a->b);
	if (outcome != DONE)
		return outcome;
	err = attestation_make(a->b.parts.vault, &a->ak);
	if (err == VAULT_OK) {
		/* The certificate of one that is gone is not this one's. */
		kept = store_remove(a->b.parts.store, STORE_CHAIN, ATTESTATION_KEY);
		if (kept == STORE_OK || kept == STORE_ABSENT)
			kept = ak_keep(a->b.parts.vault, a->b.parts.store, wbuf_view(&a->ak));
		outcome = outcome_of_store(kept);
		if (kept != STORE_OK)
			fail(a->why, "cannot make the attestation key's certificate, or write "
				     "both, for card %u", a->b.instance);
	} else {
		outcome = attesting_explain(a, err, "make an attestation key");
	}
	return beside_end(&a->b, err == VAULT_OK, outcome);
}

void
attesting_close(struct attesting *a)
{
	beside_close(&a->b);
}

enum outcome
attesting_open(struct attesting *a, const struct config *config, unsigned instance, bool make,
    struct failure *why)
{
	enum outcome outcome;
	enum store_err err;

	a->why = why;
	a->ak = wbuf_over(a->octets, sizeof a->octets);
	outcome = beside_open(&a->b, config, instance, why);
	if (outcome != DONE)
		return outcome;
	err = store_get(a->b.parts.store, STORE_KEY, ATTESTATION_KEY, &a->ak);
	if (err == STORE_ABSENT && make) {
		outcome = make_ak(a);
	} else if (err != STORE_OK) {
		fail(why, err == STORE_ABSENT ? "card %u has no attestation key" :
						"the attestation key of card %u cannot be read", instance);
		outcome = err == STORE_ABSENT ? NO_SUCH_CARD : FAILED;
	}
	if (outcome != DONE)
		attesting_close(a);
	return outcome;
}

/* ---- certificates ---- */

bool
certificate_take(struct rbuf *in, struct rbuf *out)
{
	struct rbuf rest = *in;
	struct tlv sequence;

	return tlv_next(&rest, &sequence) && sequence.tag == 0x30 &&
	       rbuf_take(in, in->len - rest.len, out);
}

bool
chain_read(struct rbuf in, struct chain *out)
{
	size_t i;

	*out = (struct chain){ .certificate.len = 0 };
	if (!certificate_take(&in, &out->certificate))
		return false;
	for (i = 0; in.len != 0; i++) {
		if (i == EVIDENCE_CHAIN_MAX || !certificate_take(&in, &out->above[i]))
			return false;
	}
	return true;
}
