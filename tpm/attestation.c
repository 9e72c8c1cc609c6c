/* SPDX-License-Identifier: BSD-2-Clause */
/* The AK, and what it says.  Whoever holds its file may have it speak: nobody learns a secret by that. */
#include "tpm/attestation.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/rc.h"
#include "tpm/vault.h"

#define AK_ATTRIBUTES                                                                         \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |   \
	    TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT)

/* What is certified of an index: all of it, count and limit. */
#define INDEX_OCTETS 8

static struct tpm_vault *
own(struct vault *vault)
{
	return (struct tpm_vault *)vault;
}

/* ---- the AK ---- */

struct making {
	struct keyfile key;
};

static TSS2_RC
step_make(struct tpm_vault *v, void *context)
{
	struct making *m = context;
	struct digest policy;

	/* It dies with LIFE, as everything of a card does that asks for no PIN. */
	if (!record_key_policy(&v->record, PIN_NEVER, &policy))
		return RC_CRYPTO;
	const TPM2B_PUBLIC template = {
		.publicArea = {
			.type = TPM2_ALG_ECC,
			.nameAlg = TPM2_ALG_SHA256,
			.objectAttributes = AK_ATTRIBUTES,
			.authPolicy = digest_tpm2b(&policy),
			.parameters.eccDetail = {
				.symmetric.algorithm = TPM2_ALG_NULL,
				.scheme = { .scheme = TPM2_ALG_ECDSA,
				    .details.ecdsa.hashAlg = TPM2_ALG_SHA256 },
				.curveID = TPM2_ECC_NIST_P256,
				.kdf.scheme = TPM2_ALG_NULL,
			},
		},
	};

	return use_create(v, &template, &m->key);
}

enum vault_err
attestation_make(struct vault *vault, struct wbuf *key)
{
	const size_t begin = key->len;
	struct making m;
	enum vault_err err;

	err = vault_run(own(vault), "make an attestation key", LINK_SECONDS_GENERATE, true,
	    step_make, &m);
	if (err == VAULT_OK && (!keyfile_write(&m.key, key) || !wbuf_ok(key))) {
		wbuf_truncate(key, begin);
		err = VAULT_FAULT;
	}
	return err;
}

/* ---- what is known without the TPM ---- */

static struct rbuf
put(struct wbuf *out, struct rbuf octets)
{
	const size_t begin = out->len;

	wbuf_put(out, octets);
	return wbuf_since(out, begin);
}

static bool
put_index(const struct record *r, enum card_index which, struct wbuf *octets, struct rbuf *out)
{
	uint8_t marshalled[sizeof(TPMS_NV_PUBLIC)];
	TPMS_NV_PUBLIC area;
	size_t len = 0;

	if (!record_nv_public(r, which, true, &area) ||
	    Tss2_MU_TPMS_NV_PUBLIC_Marshal(&area, marshalled, sizeof marshalled, &len) !=
		TSS2_RC_SUCCESS)
		return false;
	*out = put(octets, rbuf_of(marshalled, len));
	return true;
}

_Static_assert(EVIDENCE_INDICES == INDEX_COUNT && EVIDENCE_APPROVALS == APPROVAL_COUNT,
    "evidence is about a whole record");

bool
attestation_of_record(struct vault *vault, struct wbuf *octets, struct evidence *out)
{
	const struct record *r = &own(vault)->record;
	const size_t begin = octets->len;
	bool ok = true;
	size_t i;

	out->authority = put(octets, rbuf_of(&r->k, sizeof r->k));
	for (i = 0; i < APPROVAL_COUNT; i++) {
		out->approval[i] = rbuf_of(NULL, 0);
		if (r->approved[i])
			out->approval[i] = put(octets, rbuf_of(&r->approval[i], sizeof r->approval[i]));
	}
	for (i = 0; i < INDEX_COUNT && ok; i++) {
		out->index[i] = (struct evidence_index){ .area.len = 0 };
		if (r->index[i].present)
			ok = put_index(r, (enum card_index)i, octets, &out->index[i].area);
	}
	if (ok && wbuf_ok(octets))
		return true;
	wbuf_truncate(octets, begin);
	return false;
}

/* Parse the file of a private key of this card, without a change to what the vault has loaded. */
static bool
read_key(const struct tpm_vault *v, struct rbuf key, struct keyfile *out)
{
	struct key_info info;

	return keyfile_read(key, out) && key_describe(&v->record, out, &info) &&
	    (key_is_rsa(info.algorithm) || key_is_ecc(info.algorithm));
}

enum vault_err
attestation_of_key(
    struct vault *vault, struct rbuf key, struct wbuf *octets, struct evidence_key *out)
{
	uint8_t area[sizeof(TPMT_PUBLIC)];
	const size_t begin = octets->len;
	size_t at, len = 0;
	struct keyfile file;

	if (!read_key(own(vault), key, &file) ||
	    Tss2_MU_TPMT_PUBLIC_Marshal(&file.public_area.publicArea, area, sizeof area, &len) !=
		TSS2_RC_SUCCESS)
		return VAULT_MISMATCH;
	out->area = put(octets, rbuf_of(area, len));
	at = octets->len;
	if (file.has_creation && !keyfile_creation(&file, octets))
		octets->overflow = true;
	out->creation = wbuf_since(octets, at);
	if (wbuf_ok(octets))
		return VAULT_OK;
	wbuf_truncate(octets, begin);
	return VAULT_FAULT;
}

/* ---- statements ---- */

bool
attestation_extra(const struct evidence *e, struct wbuf *out)
{
	struct digest d;

	if (!evidence_digest(e, &d))
		return false;
	wbuf_put(out, digest_view(&d));
	return wbuf_ok(out);
}

/* One that is to be made, and what it is about. */
struct statement_step {
	TSS2_RC (*begin)(struct tpm_vault *, struct statement_step *); /* before the AK is authorised */
	TSS2_RC (*prepare)(struct tpm_vault *, const struct statement_step *, struct command *);
	TSS2_RC (*complete)(TSS2_SYS_CONTEXT *, TPM2B_ATTEST *, TPMT_SIGNATURE *);
	TPM2B_DATA extra;

	enum card_index which;
	struct owner owner;
	struct keyfile key;
	TPM2_HANDLE handle; /* of the key, loaded for this */
	struct name name;

	TPM2B_ATTEST attest;
	TPMT_SIGNATURE signature;
};

static void
statement_clear(struct statement_step *s)
{
	owner_forget(&s->owner);
}

#define STATEMENT(variable) \
	__attribute__((cleanup(statement_clear))) struct statement_step variable = { .which = INDEX_PIN }

/* The key's own scheme. */
static const TPMT_SIG_SCHEME own_scheme = { .scheme = TPM2_ALG_NULL };

/* ---- of an index ---- */

static TSS2_RC
begin_index(struct tpm_vault *v, struct statement_step *s)
{
	TSS2_RC rc = reference_check(&v->card, s->which);

	/* LIFE has no secret: whoever asks may read it. */
	if (rc == TSS2_RC_SUCCESS && s->which != INDEX_LIFE)
		rc = owner_begin(v->card.tpm, &v->card.storage, &s->owner);
	return rc;
}

static TSS2_RC
prepare_index(struct tpm_vault *v, const struct statement_step *s, struct command *c)
{
	const struct entity index = reference_entity(&v->card, s->which);
	const struct entity owner = { TPM2_RH_OWNER, NULL };
	const struct entity by = s->which == INDEX_LIFE ? index : owner;

	c->entities[1] = by;
	c->entities[2] = index;
	return Tss2_Sys_NV_Certify_Prepare(v->card.tpm->sys, c->entities[0].handle, by.handle,
	    index.handle, &s->extra, &own_scheme, INDEX_OCTETS, 0);
}

/* ---- of a key's creation ---- */

/* The public area is enough: that the TPM made this key is for the ticket to say. */
static TSS2_RC
begin_creation(struct tpm_vault *v, struct statement_step *s)
{
	return Tss2_Sys_LoadExternal(v->card.tpm->sys, NULL, NULL, &s->key.public_area,
	    TPM2_RH_OWNER, &s->handle, NULL, NULL);
}

static TSS2_RC
prepare_creation(struct tpm_vault *v, const struct statement_step *s, struct command *c)
{
	uint8_t octets[sizeof s->key.creation];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	struct rbuf creation;
	TPM2B_DIGEST hash;
	struct digest d;

	if (!keyfile_creation(&s->key, &w))
		return RC_MISMATCH;
	creation = wbuf_view(&w);
	if (!digest_of(&creation, 1, &d))
		return RC_CRYPTO;
	hash = digest_tpm2b(&d);
	c->entities[1] = (struct entity){ s->handle, &s->name };
	return Tss2_Sys_CertifyCreation_Prepare(v->card.tpm->sys, c->entities[0].handle, s->handle,
	    &s->extra, &hash, &own_scheme, &s->key.ticket);
}

/* ---- of a key ---- */

static TSS2_RC
begin_key(struct tpm_vault *v, struct statement_step *s)
{
	const struct command c = { .entities = { { v->card.storage.handle, &v->card.storage.name } },
		.by = { { .session = &session_password },
		    { .session = &v->policy, .use = TPMA_SESSION_ENCRYPT } } };
	TSS2_RC rc;

	rc = vault_policy(v);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Load_Prepare(v->card.tpm->sys, v->card.storage.handle,
		    &s->key.private_area, &s->key.public_area);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, &c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Load_Complete(v->card.tpm->sys, &s->handle, NULL);
	return rc;
}

/* The key takes part as its administrator, whose authorisation is empty: it does nothing with its private part. */
static TSS2_RC
prepare_key(struct tpm_vault *v, const struct statement_step *s, struct command *c)
{
	const struct authorization ak = c->by[0];

	c->entities[1] = c->entities[0];
	c->entities[0] = (struct entity){ s->handle, &s->name };
	c->by[0] = (struct authorization){ .session = &session_password };
	c->by[1] = ak;
	return Tss2_Sys_Certify_Prepare(v->card.tpm->sys, s->handle, c->entities[1].handle,
	    &s->extra, &own_scheme);
}

/* ---- any of them ---- */

static TSS2_RC
speak(struct tpm_vault *v, struct statement_step *s)
{
	struct command c;
	SESSION(armed);
	TSS2_RC rc;

	rc = authorise(v, 0, &armed, &c);
	c.meanwhile = NULL;
	if (s->owner.session.handle != 0)
		c.by[1] = (struct authorization){ .session = &s->owner.session, .auth = &s->owner.auth };
	else if (s->begin == begin_index)
		c.by[1] = (struct authorization){ .session = &session_password };
	if (rc == TSS2_RC_SUCCESS)
		rc = s->prepare(v, s, &c);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, &c);
	if (rc == TSS2_RC_SUCCESS)
		rc = s->complete(v->card.tpm->sys, &s->attest, &s->signature);
	return settle(v, &armed, rc);
}

static TSS2_RC
step_state(struct tpm_vault *v, void *context)
{
	struct statement_step *s = context;
	TSS2_RC rc;

	s->handle = 0;
	s->attest = (TPM2B_ATTEST){ .size = sizeof s->attest.attestationData };
	rc = use_load(v);
	if (rc == TSS2_RC_SUCCESS)
		rc = s->begin(v, s);
	if (rc == TSS2_RC_SUCCESS)
		rc = speak(v, s);
	owner_end(v->card.tpm, &s->owner);
	handle_flush(v->card.tpm, &s->handle);
	/* The site has set an owner's authorisation that we were not given. */
	if (rc_base(rc) == rc_base(TPM2_RC_BAD_AUTH) || rc_base(rc) == rc_base(TPM2_RC_AUTH_FAIL))
		rc = RC_UNKNOWABLE;
	/* Area, private part or ticket are not what the TPM gave out. */
	else if (rc_of_parameter(rc))
		rc = RC_MISMATCH;
	return rc;
}

static bool
is_ak(const struct tpm_vault *v)
{
	return v->file.public_area.publicArea.objectAttributes == AK_ATTRIBUTES;
}

/* The longest signature of an AK: two numbers of P-256. */
static bool
put_statement(const struct statement_step *s, struct wbuf *octets, struct statement *out)
{
	uint8_t signature[sizeof s->signature];
	size_t len = 0;

	if (Tss2_MU_TPMT_SIGNATURE_Marshal(&s->signature, signature, sizeof signature, &len) !=
	    TSS2_RC_SUCCESS)
		return false;
	out->attest = put(octets, rbuf_of(s->attest.attestationData, s->attest.size));
	out->signature = put(octets, rbuf_of(signature, len));
	return wbuf_ok(octets);
}

static enum vault_err
state(struct tpm_vault *v, struct rbuf ak, struct statement_step *s, struct rbuf extra,
    struct wbuf *octets, struct statement *out)
{
	const size_t begin = octets->len;
	enum vault_err err;

	s->extra.size = (UINT16)extra.len;
	if (extra.len > ATTESTATION_EXTRA_MAX || !rbuf_copy(&extra, s->extra.buffer, extra.len) ||
	    !use_adopt(v, ak) || !is_ak(v))
		return VAULT_MISMATCH;
	err = vault_run(v, "attest", LINK_SECONDS_SECRET, true, step_state, s);
	if (err == VAULT_OK && !put_statement(s, octets, out)) {
		wbuf_truncate(octets, begin);
		err = VAULT_FAULT;
	}
	return err;
}

enum vault_err
attestation_index(struct vault *vault, struct rbuf ak, size_t which, struct rbuf extra,
    struct wbuf *octets, struct statement *out)
{
	struct tpm_vault *v = own(vault);
	STATEMENT(s);

	if (which >= INDEX_COUNT || !v->record.index[which].present)
		return VAULT_ABSENT;
	s.which = (enum card_index)which;
	s.begin = begin_index;
	s.prepare = prepare_index;
	s.complete = Tss2_Sys_NV_Certify_Complete;
	return state(v, ak, &s, extra, octets, out);
}

enum vault_err
attestation_creation(struct vault *vault, struct rbuf ak, struct rbuf key, struct rbuf extra,
    struct wbuf *octets, struct statement *out)
{
	struct tpm_vault *v = own(vault);
	STATEMENT(s);

	s.begin = begin_creation;
	s.prepare = prepare_creation;
	s.complete = Tss2_Sys_CertifyCreation_Complete;
	if (!read_key(v, key, &s.key) || !s.key.has_creation ||
	    !name_of_object(&s.key.public_area.publicArea, &s.name))
		return VAULT_MISMATCH;
	return state(v, ak, &s, extra, octets, out);
}

enum vault_err
attestation_key(struct vault *vault, struct rbuf ak, struct rbuf key, struct rbuf extra,
    struct wbuf *octets, struct statement *out)
{
	struct tpm_vault *v = own(vault);
	STATEMENT(s);

	s.begin = begin_key;
	s.prepare = prepare_key;
	s.complete = Tss2_Sys_Certify_Complete;
	if (!read_key(v, key, &s.key) ||
	    !name_of_object(&s.key.public_area.publicArea, &s.name))
		return VAULT_MISMATCH;
	return state(v, ak, &s, extra, octets, out);
}
