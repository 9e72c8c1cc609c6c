/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/certify.h"

#include <stdio.h>
#include <time.h>

#include "tpm/attestation.h"
#include "tpm/certificate.h"
#include "tpm/rc.h"
#include "tpm/vault.h"

/* Room for the evidence about one key. */
#define OCTETS_MAX 8192

/* Certificates begin with the day: a clock that is somewhat behind does not make one invalid. */
#define DAY (24 * 60 * 60)

/* ---- a signature ---- */

struct signing {
	struct rbuf octets;
	struct digest digest; /* theirs, as we know it */
	TPMS_SIGNATURE_ECDSA signature;
};

/*
 * A restricted key signs what the TPM itself has hashed, and seen that it does not
 * look like a statement of the TPM's own: the ticket says so.  No session protects
 * the octets on the way: what comes out must be the digest that we know.
 */
static TSS2_RC
hash(struct tpm_vault *v, const struct signing *s, TPM2_HANDLE *sequence, TPMT_TK_HASHCHECK *ticket)
{
	const struct command begin = { .by = { { .session = NULL } } };
	const TPM2B_AUTH no_auth = { .size = 0 };
	TSS2_SYS_CONTEXT *sys = v->card.tpm->sys;
	TPM2B_DIGEST digest = { .size = sizeof digest.buffer };
	TPM2B_MAX_BUFFER part = { .size = 0 };
	struct rbuf rest = s->octets;
	TSS2_RC rc;

	rc = Tss2_Sys_HashSequenceStart_Prepare(sys, &no_auth, TPM2_ALG_SHA256);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, &begin);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_HashSequenceStart_Complete(sys, sequence);
	const struct command go_on = { .entities = { { *sequence, NULL } },
		.by = { { .session = &session_password } } };
	while (rc == TSS2_RC_SUCCESS && rest.len > sizeof part.buffer) {
		part.size = sizeof part.buffer;
		if (!rbuf_copy(&rest, part.buffer, part.size))
			return RC_MISMATCH;
		rc = Tss2_Sys_SequenceUpdate_Prepare(sys, *sequence, &part);
		if (rc == TSS2_RC_SUCCESS)
			rc = command_run(v->card.tpm, &go_on);
	}
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	part.size = (UINT16)rest.len;
	if (!rbuf_copy(&rest, part.buffer, part.size))
		return RC_MISMATCH;
	rc = Tss2_Sys_SequenceComplete_Prepare(sys, *sequence, &part, TPM2_RH_OWNER);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, &go_on);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_SequenceComplete_Complete(sys, &digest, ticket);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	*sequence = 0; /* it went with that */
	return rbuf_eq(rbuf_of(digest.buffer, digest.size), digest_view(&s->digest)) ?
		   TSS2_RC_SUCCESS : RC_FORGED;
}

static TSS2_RC
sign(struct tpm_vault *v, struct signing *s, const TPMT_TK_HASHCHECK *ticket)
{
	const TPMT_SIG_SCHEME own_scheme = { .scheme = TPM2_ALG_NULL };
	const TPM2B_DIGEST digest = digest_tpm2b(&s->digest);
	TPMT_SIGNATURE signature = { .sigAlg = 0 };
	struct command c;
	SESSION(armed);
	TSS2_RC rc;

	rc = authorise(v, 0, &armed, &c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Sign_Prepare(v->card.tpm->sys, v->key, &digest, &own_scheme, ticket);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, &c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Sign_Complete(v->card.tpm->sys, &signature);
	rc = settle(v, &armed, rc);
	if (rc == TSS2_RC_SUCCESS && signature.sigAlg != TPM2_ALG_ECDSA)
		rc = RC_MISMATCH;
	s->signature = signature.signature.ecdsa;
	return rc;
}

static TSS2_RC
step_sign(struct tpm_vault *v, void *context)
{
	TPMT_TK_HASHCHECK ticket = { .tag = 0 };
	struct signing *s = context;
	TPM2_HANDLE sequence = 0;
	TSS2_RC rc;

	rc = use_load(v);
	if (rc == TSS2_RC_SUCCESS)
		rc = hash(v, s, &sequence, &ticket);
	if (rc == TSS2_RC_SUCCESS)
		rc = sign(v, s, &ticket);
	handle_flush(v->card.tpm, &sequence);
	return rc;
}

/* ---- a certificate ---- */

static enum vault_err
issue(struct tpm_vault *v, struct rbuf ak, const struct certificate_spec *spec, struct wbuf *out)
{
	uint8_t octets[CERTIFICATE_MAX];
	struct wbuf tbs = wbuf_over(octets, sizeof octets);
	const size_t begin = out->len;
	struct signing s;
	enum vault_err err;

	if (!certificate_begin(spec, &tbs))
		return VAULT_FAULT;
	s.octets = wbuf_view(&tbs);
	if (!digest_of(&s.octets, 1, &s.digest))
		return VAULT_FAULT;
	/* As the same octets: others may have had a turn, and what is adopted is the last key used. */
	if (!use_adopt(v, ak) || !evidence_is_ak(spec->ak_area))
		return VAULT_MISMATCH;
	err = vault_run(v, "sign a certificate", LINK_SECONDS_SECRET, true, step_sign, &s);
	if (err != VAULT_OK)
		return err;
	if (certificate_finish(s.octets, &s.signature, out) && out->len - begin <= CERTIFICATE_MAX)
		return VAULT_OK;
	wbuf_truncate(out, begin);
	return VAULT_FAULT;
}

static time_t
today(void)
{
	const time_t now = time(NULL);

	return now - now % DAY;
}

enum vault_err
certify_self(struct vault *vault, struct rbuf ak, struct wbuf *out)
{
	uint8_t octets[sizeof(TPMT_PUBLIC)];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	struct evidence_key key = { .reference = 0 };
	enum vault_err err;

	err = attestation_of_key(vault, ak, &w, &key);
	if (err != VAULT_OK)
		return err;
	const struct certificate_spec spec = {
		.ak_area = key.area, .key_area = key.area, .from = today() };

	return issue((struct tpm_vault *)vault, ak, &spec, out);
}

/* ---- with evidence ---- */

/* All that the extension has, but the statements. */
static enum vault_err
gather(struct vault *v, struct rbuf ak, uint8_t reference, struct rbuf key, struct wbuf *octets,
    struct evidence *out)
{
	struct evidence_key signer = { .reference = 0 };
	struct evidence all = { .keys = 0 };
	enum vault_err err;

	if (!attestation_of_record(v, octets, &all))
		return VAULT_FAULT;
	*out = (struct evidence){ .authority = all.authority, .keys = 1 };
	out->approval[PIN_BY_PIN] = all.approval[PIN_BY_PIN];
	out->index[INDEX_PIN].area = all.index[INDEX_PIN].area;
	out->index[INDEX_LIFE].area = all.index[INDEX_LIFE].area;
	out->key[0].reference = reference;
	err = attestation_of_key(v, ak, octets, &signer);
	if (err == VAULT_OK)
		err = attestation_of_key(v, key, octets, &out->key[0]);
	if (err != VAULT_OK)
		return err;
	out->ak_area = signer.area;
	return out->key[0].creation.len != 0 ? VAULT_OK : VAULT_UNSUPPORTED;
}

static enum vault_err
state(struct vault *v, struct rbuf ak, struct rbuf key, struct wbuf *octets, struct evidence *e)
{
	struct digest digest;
	struct rbuf extra;
	enum vault_err err;

	if (!evidence_digest(e, &digest))
		return VAULT_FAULT;
	extra = digest_view(&digest);
	err = attestation_index(
	    v, ak, INDEX_PIN, extra, octets, &e->index[INDEX_PIN].statement);
	if (err == VAULT_OK)
		err = attestation_index(
		    v, ak, INDEX_LIFE, extra, octets, &e->index[INDEX_LIFE].statement);
	if (err == VAULT_OK)
		err = attestation_creation(v, ak, key, extra, octets, &e->key[0].statement);
	return err;
}

enum vault_err
certify_attest(struct vault *vault, struct rbuf ak, uint8_t reference, struct rbuf key,
    struct wbuf *certificate)
{
	uint8_t octets[OCTETS_MAX], der[CERTIFICATE_MAX];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	struct wbuf extension = wbuf_over(der, sizeof der);
	char subject[sizeof "PIV key 9a"];
	struct evidence e;
	enum vault_err err;

	err = gather(vault, ak, reference, key, &w, &e);
	if (err == VAULT_OK)
		err = state(vault, ak, key, &w, &e);
	if (err != VAULT_OK)
		return err;
	if (!certificate_extension(&e, &extension))
		return VAULT_FAULT;
	(void)snprintf(subject, sizeof subject, "PIV key %02x", reference);
	const struct certificate_spec spec = {
		.ak_area = e.ak_area,
		.key_area = e.key[0].area,
		.subject = subject,
		.extension = wbuf_view(&extension),
		.from = today(),
	};

	return issue((struct tpm_vault *)vault, ak, &spec, certificate);
}
