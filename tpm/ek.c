/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The endorsement key: what its certificate says, the key made again, and
 * credentials for it.  TCG EK Credential Profile for TPM Family 2.0, 2.2 and B.
 */
#include <openssl/x509.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/attestation.h"
#include "tpm/ektemplate.h"
#include "tpm/rc.h"
#include "tpm/vault.h"

/* No certificate is longer. */
#define CERTIFICATE_MAX 8192

/* Where a certificate may be; the first there is counts. */
static const struct ek_place {
	TPM2_HANDLE certificate;
	enum ek_kind kind;
} places[] = {
	{ 0x01c00002, EK_RSA_2048 },
	{ 0x01c0000a, EK_P256 },
};

/* ---- the certificate ---- */

/* How much the TPM gives of an index at a time. */
static TSS2_RC
piece_max(struct tpm *t, UINT16 *out)
{
	const UINT32 ours = sizeof((TPM2B_MAX_NV_BUFFER *)0)->buffer;
	TPMS_CAPABILITY_DATA data;
	TPMI_YES_NO more;
	TSS2_RC rc;

	memset(&data, 0, sizeof data);
	rc = Tss2_Sys_GetCapability(t->sys, NULL, TPM2_CAP_TPM_PROPERTIES, TPM2_PT_NV_BUFFER_MAX, 1,
	    &more, &data, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (data.capability != TPM2_CAP_TPM_PROPERTIES || data.data.tpmProperties.count == 0 ||
	    data.data.tpmProperties.tpmProperty[0].property != TPM2_PT_NV_BUFFER_MAX ||
	    data.data.tpmProperties.tpmProperty[0].value == 0)
		return RC_CRYPTO;
	const UINT32 theirs = data.data.tpmProperties.tpmProperty[0].value;

	*out = (UINT16)(theirs < ours ? theirs : ours);
	return TSS2_RC_SUCCESS;
}

/* Read an index by an authorisation: its own, which is empty, or the owner's. */
static TSS2_RC
read_index(struct tpm *t, const TPMS_NV_PUBLIC *area, struct owner *owner, struct wbuf *out)
{
	const bool by_itself = (area->attributes & TPMA_NV_AUTHREAD) != 0;
	struct name name;
	const struct entity index = { area->nvIndex, &name };
	const struct command c = { .entities = { by_itself ? index :
					       (struct entity){ TPM2_RH_OWNER, NULL }, index },
		.by = { { .session = by_itself ? &session_password : &owner->session,
		    .auth = by_itself ? NULL : &owner->auth } } };
	TPM2B_MAX_NV_BUFFER piece;
	UINT16 at = 0, n = 0, max;
	TSS2_RC rc = piece_max(t, &max);

	if (rc == TSS2_RC_SUCCESS && !name_of_index(area, &name))
		rc = RC_UNSUPPORTED;
	for (; rc == TSS2_RC_SUCCESS && at < area->dataSize; at = (UINT16)(at + n)) {
		n = (UINT16)(area->dataSize - at < max ? area->dataSize - at : max);
		piece.size = sizeof piece.buffer;
		rc = Tss2_Sys_NV_Read_Prepare(t->sys, c.entities[0].handle, area->nvIndex, n, at);
		if (rc == TSS2_RC_SUCCESS)
			rc = command_run(t, &c);
		if (rc == TSS2_RC_SUCCESS)
			rc = Tss2_Sys_NV_Read_Complete(t->sys, &piece);
		if (rc == TSS2_RC_SUCCESS && piece.size != n)
			rc = RC_CRYPTO;
		if (rc == TSS2_RC_SUCCESS)
			wbuf_put(out, rbuf_of(piece.buffer, n));
	}
	return rc;
}

/* RC_ABSENT when there is nothing at the handle. */
static TSS2_RC
read_certificate(struct tpm *t, TPM2_HANDLE handle, struct wbuf *out)
{
	TPM2B_NV_PUBLIC area = { .size = 0 };
	TPM2B_NAME name = { .size = 0 };
	OWNER(owner);
	TSS2_RC rc;

	rc = Tss2_Sys_NV_ReadPublic(t->sys, handle, NULL, &area, &name, NULL);
	if (rc_base(rc) == rc_base(TPM2_RC_HANDLE))
		return RC_ABSENT;
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if ((area.nvPublic.attributes & TPMA_NV_WRITTEN) == 0)
		return RC_ABSENT;
	if (area.nvPublic.nvIndex != handle || area.nvPublic.dataSize > CERTIFICATE_MAX)
		return RC_UNSUPPORTED;
	if ((area.nvPublic.attributes & TPMA_NV_AUTHREAD) == 0)
		rc = owner_begin(t, NULL, &owner);
	if (rc == TSS2_RC_SUCCESS)
		rc = read_index(t, &area.nvPublic, &owner, out);
	owner_end(t, &owner);
	return rc;
}

/* The certificate alone: an index may be longer than what is in it.  NULL when it is none. */
static X509 *
parse(struct wbuf *octets)
{
	const uint8_t *at = octets->data;
	X509 *x = d2i_X509(NULL, &at, (long)octets->len);

	if (x != NULL)
		wbuf_truncate(octets, (size_t)(at - octets->data));
	return x;
}

/* Whether a key is the certificate's: its bits, for some authorities give RSA keys another algorithm identifier. */
static bool
is_of(X509 *x, struct rbuf area)
{
	uint8_t octets[1024];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	const ASN1_BIT_STRING *theirs = X509_get0_pubkey_bitstr(x);
	const uint8_t *bits = NULL, *at = octets;
	X509_PUBKEY *key = NULL;
	int len = 0;
	bool same;

	if (evidence_public_key(area, &w) && wbuf_ok(&w))
		key = d2i_X509_PUBKEY(NULL, &at, (long)w.len);
	same = key != NULL && theirs != NULL &&
	    X509_PUBKEY_get0_param(NULL, &bits, &len, NULL, key) == 1 &&
	    rbuf_eq(rbuf_of(bits, (size_t)len), rbuf_of(ASN1_STRING_get0_data(theirs),
		(size_t)ASN1_STRING_length(theirs)));
	X509_PUBKEY_free(key);
	return same;
}

bool
attestation_certifies(struct rbuf certificate, struct rbuf area)
{
	const uint8_t *at = certificate.data;
	X509 *x = certificate.len <= CERTIFICATE_MAX ?
	    d2i_X509(NULL, &at, (long)certificate.len) : NULL;
	const bool ok = x != NULL && at == certificate.data + certificate.len && is_of(x, area);

	X509_free(x);
	return ok;
}

/* ---- the key ---- */

/* Make it again; it is there until it is flushed. */
static TSS2_RC
create(struct tpm *t, enum ek_kind kind, TPM2_HANDLE *handle, TPMT_PUBLIC *area)
{
	const TPM2B_SENSITIVE_CREATE no_secret = { .size = 0 };
	const TPML_PCR_SELECTION no_pcr = { .count = 0 };
	const TPM2B_DATA no_info = { .size = 0 };
	const struct command c = { .entities = { { TPM2_RH_ENDORSEMENT, NULL } },
		.by = { { .session = &session_password } } };
	const TPM2B_PUBLIC template = { .publicArea = *ek_template(kind) };
	TPM2B_PUBLIC out = { .size = 0 };
	TSS2_RC rc;

	rc = Tss2_Sys_CreatePrimary_Prepare(
	    t->sys, TPM2_RH_ENDORSEMENT, &no_secret, &template, &no_info, &no_pcr);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(t, &c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_CreatePrimary_Complete(t->sys, handle, &out, NULL, NULL, NULL, NULL);
	*area = out.publicArea;
	return rc;
}

static bool
put_area(const TPMT_PUBLIC *area, struct wbuf *out)
{
	uint8_t octets[sizeof *area];
	size_t len = 0;

	if (Tss2_MU_TPMT_PUBLIC_Marshal(area, octets, sizeof octets, &len) != TSS2_RC_SUCCESS)
		return false;
	wbuf_put(out, rbuf_of(octets, len));
	return wbuf_ok(out);
}

/* ---- finding ---- */

/* What was found; octets are in writers of their own. */
struct found {
	struct wbuf certificate, area;
};

/* See that the certificate in found is one, and that its key is the TPM's. */
static TSS2_RC
confirm(struct tpm *t, const struct ek_place *place, struct found *found, struct failure *why)
{
	X509 *x = parse(&found->certificate);
	TPM2_HANDLE handle = 0;
	TPMT_PUBLIC area;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (x == NULL) {
		fail(why, "what the TPM has at 0x%08x is no certificate of an endorsement key",
		    (unsigned)place->certificate);
		return RC_MISMATCH;
	}
	rc = create(t, place->kind, &handle, &area);
	handle_flush(t, &handle);
	if (rc == TSS2_RC_SUCCESS &&
	    (!put_area(&area, &found->area) || !is_of(x, wbuf_view(&found->area)))) {
		fail(why, "the endorsement key's certificate in the TPM (0x%08x) is of another key: "
			  "the TPM does not make that key by the TCG's template, or is not the one "
			  "the certificate was made for", (unsigned)place->certificate);
		rc = RC_MISMATCH;
	}
	X509_free(x);
	return rc;
}

static TSS2_RC
find(struct tpm *t, struct found *found, struct failure *why)
{
	TSS2_RC rc = RC_ABSENT;
	size_t i;

	for (i = 0; rc == RC_ABSENT && i < sizeof places / sizeof places[0]; i++) {
		wbuf_truncate(&found->certificate, 0);
		rc = read_certificate(t, places[i].certificate, &found->certificate);
		if (rc == TSS2_RC_SUCCESS)
			rc = confirm(t, &places[i], found, why);
	}
	return rc;
}

static enum tpm_err
explain(TSS2_RC rc, struct failure *why)
{
	rc_log("find the endorsement key", rc);
	if (rc_base(rc) == rc_base(TPM2_RC_BAD_AUTH) || rc_base(rc) == rc_base(TPM2_RC_AUTH_FAIL)) {
		fail(why, "the TPM's endorsement hierarchy has an authorisation: attestation needs "
			  "an empty one (tpm2_changeauth -c endorsement)");
		return TPM_DENIED;
	}
	fail(why, "cannot find the TPM's endorsement key: error 0x%x", (unsigned)rc);
	return rc == RC_MISMATCH ? TPM_UNUSABLE : tpm_err_from_rc(rc);
}

/* Hand out what was found. */
static enum tpm_err
hand_out(const struct found *found, struct wbuf *octets, struct rbuf *certificate,
    struct rbuf *area, struct failure *why)
{
	const size_t begin = octets->len;

	wbuf_put(octets, wbuf_view(&found->certificate));
	wbuf_put(octets, wbuf_view(&found->area));
	*area = wbuf_since(octets, begin);
	if (rbuf_take(area, found->certificate.len, certificate))
		return TPM_OK;
	wbuf_truncate(octets, begin);
	fail(why, "no room for the endorsement key's certificate");
	return TPM_UNUSABLE;
}

enum tpm_err
ek_find(struct tpm *t, struct wbuf *octets, struct rbuf *certificate, struct rbuf *area,
    struct failure *why)
{
	uint8_t certificate_octets[CERTIFICATE_MAX], area_octets[sizeof(TPMT_PUBLIC)];
	struct found found = { wbuf_over(certificate_octets, sizeof certificate_octets),
		wbuf_over(area_octets, sizeof area_octets) };
	TSS2_RC rc;

	*certificate = *area = rbuf_of(NULL, 0);
	rc = link_begin(t, LINK_SECONDS_GENERATE, why);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_err_from_rc(rc);
	rc = find(t, &found, why);
	if (rc_stale(rc) || rc_on_the_way(rc))
		link_drop(t);
	link_end(t);
	if (rc == RC_ABSENT)
		return TPM_OK;
	if (rc != TSS2_RC_SUCCESS)
		return explain(rc, why);
	return hand_out(&found, octets, certificate, area, why);
}

/* ---- credentials ---- */

struct activation {
	enum ek_kind kind;
	struct rbuf ek_area;
	TPM2B_ID_OBJECT blob;
	TPM2B_ENCRYPTED_SECRET encrypted;
	struct secret *out;
};

/* Prove that the endorsement hierarchy has no secret. */
static TSS2_RC
prove_endorsement(struct tpm *t, struct session *session)
{
	const struct command c = { .entities = { { TPM2_RH_ENDORSEMENT, NULL },
					     { session->handle, NULL } },
		.by = { { .session = &session_password } } };
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	const TPM2B_NONCE none = { .size = 0 };
	TSS2_RC rc;

	rc = Tss2_Sys_PolicySecret_Prepare(
	    t->sys, TPM2_RH_ENDORSEMENT, session->handle, &none, &no_cphash, &none, 0);
	return rc == TSS2_RC_SUCCESS ? command_run(t, &c) : rc;
}

/*
 * What a failed activation means.  The TPM does not say which of the two keys
 * a credential is not for; and some answer to one that was encrypted to another EK as if
 * they were broken, which is soon found out.
 */
static TSS2_RC
judge(struct tpm *t, TSS2_RC rc)
{
	TPM2B_DIGEST some = { .size = sizeof some.buffer };

	if (rc_of_parameter(rc))
		return RC_MISMATCH;
	if (rc_base(rc) == TPM2_RC_FAILURE &&
	    Tss2_Sys_GetRandom(t->sys, NULL, 8, &some, NULL) == TSS2_RC_SUCCESS)
		return RC_MISMATCH;
	return rc;
}

/* The AK takes part as its administrator, whose authorisation is empty. */
static TSS2_RC
activate(struct tpm_vault *v, const struct activation *a, const struct entity *ek,
    struct session *policy)
{
	const struct command c = { .entities = { { v->key, &v->name }, *ek },
		.by = { { .session = &session_password }, { .session = policy },
		    { .session = &v->policy, .use = TPMA_SESSION_ENCRYPT } } };
	struct tpm *t = v->card.tpm;
	TPM2B_DIGEST secret = { .size = sizeof secret.buffer };
	TSS2_RC rc;

	rc = prove_endorsement(t, policy);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_ActivateCredential_Prepare(
		    t->sys, v->key, ek->handle, &a->blob, &a->encrypted);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(t, &c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_ActivateCredential_Complete(t->sys, &secret);
	else
		rc = judge(t, rc);
	command_forget(t);
	if (rc == TSS2_RC_SUCCESS && !secret_set(a->out, rbuf_of(secret.buffer, secret.size)))
		rc = RC_CRYPTO;
	explicit_bzero(&secret, sizeof secret);
	return rc;
}

static TSS2_RC
step_activate(struct tpm_vault *v, void *context)
{
	const struct activation *a = context;
	uint8_t octets[sizeof(TPMT_PUBLIC)];
	struct wbuf made = wbuf_over(octets, sizeof octets);
	struct name name;
	struct entity ek = { 0, &name };
	TPMT_PUBLIC area;
	SESSION(policy);
	TSS2_RC rc;

	rc = use_load(v);
	if (rc == TSS2_RC_SUCCESS)
		rc = vault_policy(v);
	if (rc == TSS2_RC_SUCCESS)
		rc = session_open(v->card.tpm, &v->card.storage, TPM2_SE_POLICY, &policy);
	if (rc == TSS2_RC_SUCCESS)
		rc = create(v->card.tpm, a->kind, &ek.handle, &area);
	if (rc == TSS2_RC_SUCCESS &&
	    (!put_area(&area, &made) || !rbuf_eq(wbuf_view(&made), a->ek_area) ||
		!name_of_object(&area, &name)))
		rc = RC_MISMATCH;
	if (rc == TSS2_RC_SUCCESS)
		rc = activate(v, a, &ek, &policy);
	handle_flush(v->card.tpm, &ek.handle);
	session_close(v->card.tpm, &policy);
	return rc;
}

/* The kind of an area; EK_KINDS: none that we find. */
static enum ek_kind
kind_of(struct rbuf area)
{
	uint16_t type;
	size_t i;

	if (!rbuf_u16(&area, &type))
		return EK_KINDS;
	for (i = 0; i < sizeof places / sizeof places[0]; i++) {
		if (ek_template(places[i].kind)->type == type)
			return places[i].kind;
	}
	return EK_KINDS;
}

enum vault_err
ek_activate(struct vault *vault, struct rbuf ak, struct rbuf ek_area, struct rbuf blob,
    struct rbuf encrypted, struct secret *out)
{
	struct tpm_vault *v = (struct tpm_vault *)vault;
	struct activation a = { .kind = kind_of(ek_area), .ek_area = ek_area, .out = out };
	size_t blob_len = 0, encrypted_len = 0;

	if (a.kind == EK_KINDS || !use_adopt(v, ak) ||
	    Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(blob.data, blob.len, &blob_len, &a.blob) !=
		TSS2_RC_SUCCESS ||
	    Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(encrypted.data, encrypted.len,
		&encrypted_len, &a.encrypted) != TSS2_RC_SUCCESS ||
	    blob_len != blob.len || encrypted_len != encrypted.len)
		return VAULT_MISMATCH;
	return vault_run(v, "activate a credential", LINK_SECONDS_GENERATE, true, step_activate, &a);
}
