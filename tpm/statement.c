/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/statement.h"

#include "tpm/area.h"

/* A number of the TPM in full length; false when it is longer. */
static bool
pad(const TPM2B_ECC_PARAMETER *number, uint8_t out[P256_OCTETS])
{
	struct wbuf w = wbuf_over(out, P256_OCTETS);

	if (number->size > P256_OCTETS)
		return false;
	wbuf_fill(&w, 0, P256_OCTETS - number->size);
	wbuf_put(&w, rbuf_of(number->buffer, number->size));
	return wbuf_ok(&w);
}

static bool
signature_holds(const struct statement *s, const struct signer *by)
{
	struct authority_signature numbers;
	TPMT_SIGNATURE signature;
	struct digest d;

	return area_read_signature(s->signature, &signature) &&
	    signature.sigAlg == TPM2_ALG_ECDSA &&
	    signature.signature.ecdsa.hash == TPM2_ALG_SHA256 &&
	    pad(&signature.signature.ecdsa.signatureR, numbers.r) &&
	    pad(&signature.signature.ecdsa.signatureS, numbers.s) &&
	    digest_of(&s->attest, 1, &d) && authority_verify(&by->key, &d, &numbers);
}

bool
statement_check(const struct statement *s, const struct signer *by, TPMI_ST_ATTEST kind,
    const char *subject, TPMS_ATTEST *out, struct failure *why)
{
	struct rbuf head = s->attest;
	uint32_t magic = 0;
	uint16_t type = 0;

	if (s->attest.len == 0 || s->signature.len == 0) {
		fail(why, "no TPM says anything about %s: there is no statement", subject);
	} else if (!by->known) {
		fail(why, "the statement about %s cannot be checked: there is no attestation key",
		    subject);
	} else if (!rbuf_u32(&head, &magic) || !rbuf_u16(&head, &type)) {
		fail(why, "the statement about %s is none: cut short", subject);
	} else if (magic != TPM2_GENERATED_VALUE) {
		fail(why, "the statement about %s was not made by a TPM", subject);
	} else if (type != kind) {
		/* Seen before the rest is parsed: another kind may hold anything. */
		fail(why, "the statement about %s is of another kind", subject);
	} else if (!area_read_attest(s->attest, out)) {
		fail(why, "the statement about %s is none: cut short, or altered", subject);
	} else if (!rbuf_eq(rbuf_of(out->extraData.buffer, out->extraData.size),
		       digest_view(&by->qualifying))) {
		/* Before the signature: it costs less. */
		fail(why,
		    "the statement about %s " EVIDENCE_ALTERED ": "
		    "something was altered since, or the nonce is another one",
		    subject);
	} else if (!signature_holds(s, by)) {
		fail(why, "the statement about %s is not signed by this attestation key", subject);
	} else {
		return true;
	}
	return false;
}
