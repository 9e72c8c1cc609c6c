/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/certificate.h"

#include <limits.h>
#include <openssl/asn1t.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "tpm/digest.h"

/* What the issuer's name shows of the AK's Name: enough to tell two cards' apart. */
#define ISSUER "tpmvsc attestation key "
#define ISSUER_OCTETS 8

/* RFC 7093, 2: the leftmost 160 bits of a SHA-256 identify a key. */
#define KEY_ID_OCTETS 20
#define SERIAL_OCTETS 16

#define NO_END "99991231235959Z" /* RFC 5280, 4.1.2.5: no well-defined expiration date */
#define VERSION_3 2

#define AREA_DER_MAX 1024

/* OpenSSL's X509 can be signed by keys it has; this one is the TPM's.  RFC 5280, 4.1 */
typedef struct {
	ASN1_INTEGER *version;
	ASN1_INTEGER *serial;
	X509_ALGOR *algorithm;
	X509_NAME *issuer;
	X509_VAL *validity;
	X509_NAME *subject;
	X509_PUBKEY *key;
	STACK_OF(X509_EXTENSION) * extensions;
} TO_SIGN;

typedef struct {
	TO_SIGN *body;
	X509_ALGOR *algorithm;
	ASN1_BIT_STRING *signature;
} CERTIFICATE;

DECLARE_ASN1_FUNCTIONS(TO_SIGN)
DECLARE_ASN1_FUNCTIONS(CERTIFICATE)

/* OpenSSL's macros define more functions than we use and cast as they like. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-function"
ASN1_SEQUENCE(TO_SIGN) = {
	ASN1_EXP(TO_SIGN, version, ASN1_INTEGER, 0),
	ASN1_SIMPLE(TO_SIGN, serial, ASN1_INTEGER),
	ASN1_SIMPLE(TO_SIGN, algorithm, X509_ALGOR),
	ASN1_SIMPLE(TO_SIGN, issuer, X509_NAME),
	ASN1_SIMPLE(TO_SIGN, validity, X509_VAL),
	ASN1_SIMPLE(TO_SIGN, subject, X509_NAME),
	ASN1_SIMPLE(TO_SIGN, key, X509_PUBKEY),
	ASN1_EXP_SEQUENCE_OF(TO_SIGN, extensions, X509_EXTENSION, 3),
} ASN1_SEQUENCE_END(TO_SIGN)
IMPLEMENT_ASN1_FUNCTIONS(TO_SIGN)

ASN1_SEQUENCE(CERTIFICATE) = {
	ASN1_SIMPLE(CERTIFICATE, body, TO_SIGN),
	ASN1_SIMPLE(CERTIFICATE, algorithm, X509_ALGOR),
	ASN1_SIMPLE(CERTIFICATE, signature, ASN1_BIT_STRING),
} ASN1_SEQUENCE_END(CERTIFICATE)
IMPLEMENT_ASN1_FUNCTIONS(CERTIFICATE)
#pragma GCC diagnostic pop

/* Append what OpenSSL encoded, and free it. */
static bool
put_der(struct wbuf *out, uint8_t *der, int len)
{
	if (len > 0)
		wbuf_put(out, rbuf_of(der, (size_t)len));
	OPENSSL_free(der);
	return len > 0 && wbuf_ok(out);
}

static bool
set_algorithm(X509_ALGOR *algorithm)
{
	return X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_ecdsa_with_SHA256), V_ASN1_UNDEF, NULL) == 1;
}

static bool
set_name(X509_NAME *name, const char *text)
{
	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
		   (const unsigned char *)text, -1, -1, 0) == 1;
}

static bool
issuer_text(struct rbuf ak_area, char *out, size_t size)
{
	struct digest name;
	int n = snprintf(out, size, "%s", ISSUER);
	size_t i;

	if (!digest_of(&ak_area, 1, &name))
		return false;
	for (i = 0; i < ISSUER_OCTETS && n > 0 && (size_t)n < size; i++)
		n += snprintf(out + n, size - (size_t)n, "%02x", name.octets[i]);
	return i == ISSUER_OCTETS && (size_t)n < size;
}

/* The digest of all that the certificate says anew, without its first bit: positive. */
static bool
set_serial(ASN1_INTEGER *serial, const struct certificate_spec *spec)
{
	const struct rbuf parts[] = { spec->ak_area, spec->key_area, spec->extension };
	struct digest d;
	BIGNUM *number;
	bool ok;

	if (!digest_of(parts, sizeof parts / sizeof parts[0], &d))
		return false;
	d.octets[0] &= 0x7f;
	number = BN_bin2bn(d.octets, SERIAL_OCTETS, NULL);
	ok = number != NULL && BN_to_ASN1_INTEGER(number, serial) != NULL;
	BN_free(number);
	return ok;
}

static X509_PUBKEY *
public_key(struct rbuf area)
{
	uint8_t octets[AREA_DER_MAX];
	struct wbuf der = wbuf_over(octets, sizeof octets);
	const uint8_t *at = octets;

	return evidence_public_key(area, &der) ? d2i_X509_PUBKEY(NULL, &at, (long)der.len) : NULL;
}

/* ---- extensions ---- */

static bool
add(TO_SIGN *body, int nid, bool critical, void *value)
{
	return value != NULL && X509V3_add1_i2d(&body->extensions, nid, value, critical, 0) == 1;
}

static ASN1_OCTET_STRING *
key_id(struct rbuf area)
{
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	struct digest d;

	if (id != NULL && digest_of(&area, 1, &d) &&
	    ASN1_OCTET_STRING_set(id, d.octets, KEY_ID_OCTETS) == 1)
		return id;
	ASN1_OCTET_STRING_free(id);
	return NULL;
}

static bool
add_key_ids(TO_SIGN *body, const struct certificate_spec *spec)
{
	ASN1_OCTET_STRING *own = key_id(spec->key_area);
	AUTHORITY_KEYID *signer = AUTHORITY_KEYID_new();
	bool ok = false;

	if (signer != NULL) {
		signer->keyid = key_id(spec->ak_area);
		ok = signer->keyid != NULL && add(body, NID_subject_key_identifier, false, own) &&
		    add(body, NID_authority_key_identifier, false, signer);
	}
	ASN1_OCTET_STRING_free(own);
	AUTHORITY_KEYID_free(signer);
	return ok;
}

/* The AK's own certificate is one of a CA, for keys' certificates alone. */
static bool
add_constraints(TO_SIGN *body, bool ca)
{
	BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
	ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
	bool ok = constraints != NULL && usage != NULL;

	if (ok && ca) {
		constraints->ca = 0xff;
		constraints->pathlen = ASN1_INTEGER_new();
		/* digitalSignature (0) and keyCertSign (5): RFC 5280, 4.2.1.3 */
		ok = constraints->pathlen != NULL && ASN1_BIT_STRING_set_bit(usage, 0, 1) == 1 &&
		    ASN1_BIT_STRING_set_bit(usage, 5, 1) == 1 &&
		    add(body, NID_key_usage, true, usage);
	}
	ok = ok && add(body, NID_basic_constraints, true, constraints);
	BASIC_CONSTRAINTS_free(constraints);
	ASN1_BIT_STRING_free(usage);
	return ok;
}

static bool
add_evidence(TO_SIGN *body, struct rbuf der)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(OID_EVIDENCE, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension = NULL;
	bool ok = false;

	if (oid != NULL && value != NULL &&
	    ASN1_OCTET_STRING_set(value, der.data, (int)der.len) == 1)
		extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
	if (extension != NULL)
		ok = X509v3_add_ext(&body->extensions, extension, -1) != NULL;
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	return ok;
}

/* ---- what is signed ---- */

static bool
fill(TO_SIGN *body, const struct certificate_spec *spec)
{
	char issuer[sizeof ISSUER + 2 * ISSUER_OCTETS];

	X509_PUBKEY_free(body->key);
	body->key = public_key(spec->key_area);
	return body->key != NULL && issuer_text(spec->ak_area, issuer, sizeof issuer) &&
	    ASN1_INTEGER_set(body->version, VERSION_3) == 1 && set_serial(body->serial, spec) &&
	    set_algorithm(body->algorithm) && set_name(body->issuer, issuer) &&
	    set_name(body->subject, spec->subject != NULL ? spec->subject : issuer) &&
	    ASN1_TIME_adj(body->validity->notBefore, spec->from, 0, 0) != NULL &&
	    ASN1_TIME_set_string(body->validity->notAfter, NO_END) == 1 &&
	    add_constraints(body, spec->subject == NULL) && add_key_ids(body, spec) &&
	    (spec->extension.len == 0 || add_evidence(body, spec->extension));
}

bool
certificate_begin(const struct certificate_spec *spec, struct wbuf *out)
{
	TO_SIGN *body = TO_SIGN_new();
	uint8_t *der = NULL;
	int len = -1;

	if (body != NULL && fill(body, spec))
		len = i2d_TO_SIGN(body, &der);
	TO_SIGN_free(body);
	return put_der(out, der, len);
}

/* ---- the signature ---- */

static bool
set_signature(ASN1_BIT_STRING *out, const TPMS_SIGNATURE_ECDSA *signature)
{
	BIGNUM *r = BN_bin2bn(signature->signatureR.buffer, signature->signatureR.size, NULL);
	BIGNUM *s = BN_bin2bn(signature->signatureS.buffer, signature->signatureS.size, NULL);
	ECDSA_SIG *pair = ECDSA_SIG_new();
	uint8_t *der = NULL;
	int len = -1;
	bool ok;

	if (pair != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = s = NULL; /* the pair's now */
		len = i2d_ECDSA_SIG(pair, &der);
	}
	ok = len > 0 && ASN1_BIT_STRING_set(out, der, len) == 1;
	/* All its bits count: without that OpenSSL leaves out zeros at the end. */
	out->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 0x07);
	out->flags |= ASN1_STRING_FLAG_BITS_LEFT;
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	BN_free(r);
	BN_free(s);
	return ok;
}

bool
certificate_finish(struct rbuf tbs, const TPMS_SIGNATURE_ECDSA *signature, struct wbuf *out)
{
	CERTIFICATE *certificate = CERTIFICATE_new();
	const uint8_t *at = tbs.data;
	uint8_t *der = NULL;
	int len = -1;

	if (certificate != NULL && tbs.len <= INT_MAX &&
	    d2i_TO_SIGN(&certificate->body, &at, (long)tbs.len) != NULL &&
	    set_algorithm(certificate->algorithm) &&
	    set_signature(certificate->signature, signature))
		len = i2d_CERTIFICATE(certificate, &der);
	CERTIFICATE_free(certificate);
	return put_der(out, der, len);
}
