/* SPDX-License-Identifier: BSD-2-Clause */
/* The extension of a key's certificate that carries the evidence: written, and read again. */
#include <limits.h>
#include <openssl/asn1t.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "tpm/certificate.h"
#include "tpm/record.h"

typedef struct {
	ASN1_OCTET_STRING *attest;
	ASN1_OCTET_STRING *signature;
} STATEMENT;

typedef struct {
	ASN1_OCTET_STRING *area;
	STATEMENT *statement;
} INDEX;

typedef struct {
	ASN1_INTEGER *version;
	ASN1_OCTET_STRING *ak;
	ASN1_OCTET_STRING *authority;
	ASN1_OCTET_STRING *change;
	INDEX *pin;
	INDEX *life;
	ASN1_INTEGER *reference;
	ASN1_OCTET_STRING *key;
	ASN1_OCTET_STRING *creation;
	STATEMENT *statement;
} EVIDENCE;

DECLARE_ASN1_FUNCTIONS(EVIDENCE)

/* OpenSSL's macros define more functions than we use and cast as they like. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-function"
ASN1_SEQUENCE(STATEMENT) = {
	ASN1_SIMPLE(STATEMENT, attest, ASN1_OCTET_STRING),
	ASN1_SIMPLE(STATEMENT, signature, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(STATEMENT)

ASN1_SEQUENCE(INDEX) = {
	ASN1_SIMPLE(INDEX, area, ASN1_OCTET_STRING),
	ASN1_SIMPLE(INDEX, statement, STATEMENT),
} static_ASN1_SEQUENCE_END(INDEX)

ASN1_SEQUENCE(EVIDENCE) = {
	ASN1_SIMPLE(EVIDENCE, version, ASN1_INTEGER),
	ASN1_SIMPLE(EVIDENCE, ak, ASN1_OCTET_STRING),
	ASN1_SIMPLE(EVIDENCE, authority, ASN1_OCTET_STRING),
	ASN1_SIMPLE(EVIDENCE, change, ASN1_OCTET_STRING),
	ASN1_SIMPLE(EVIDENCE, pin, INDEX),
	ASN1_SIMPLE(EVIDENCE, life, INDEX),
	ASN1_SIMPLE(EVIDENCE, reference, ASN1_INTEGER),
	ASN1_SIMPLE(EVIDENCE, key, ASN1_OCTET_STRING),
	ASN1_SIMPLE(EVIDENCE, creation, ASN1_OCTET_STRING),
	ASN1_SIMPLE(EVIDENCE, statement, STATEMENT),
} ASN1_SEQUENCE_END(EVIDENCE)
IMPLEMENT_ASN1_FUNCTIONS(EVIDENCE)
#pragma GCC diagnostic pop

/* An item of the extension, and where evidence has it. */
struct pair {
	ASN1_OCTET_STRING *item;
	struct rbuf *view;
};

enum { PAIRS = 13 };

static void
pair_up(EVIDENCE *der, struct evidence *e, struct pair out[PAIRS])
{
	struct evidence_index *pin = &e->index[INDEX_PIN], *life = &e->index[INDEX_LIFE];
	struct evidence_key *key = &e->key[0];
	const struct pair pairs[PAIRS] = {
		{ der->ak, &e->ak_area },
		{ der->authority, &e->authority },
		{ der->change, &e->approval[PIN_BY_PIN] },
		{ der->pin->area, &pin->area },
		{ der->pin->statement->attest, &pin->statement.attest },
		{ der->pin->statement->signature, &pin->statement.signature },
		{ der->life->area, &life->area },
		{ der->life->statement->attest, &life->statement.attest },
		{ der->life->statement->signature, &life->statement.signature },
		{ der->key, &key->area },
		{ der->creation, &key->creation },
		{ der->statement->attest, &key->statement.attest },
		{ der->statement->signature, &key->statement.signature },
	};
	size_t i;

	for (i = 0; i < PAIRS; i++)
		out[i] = pairs[i];
}

bool
certificate_extension(const struct evidence *e, struct wbuf *out)
{
	EVIDENCE *der = EVIDENCE_new();
	struct evidence copy = *e;
	struct pair pairs[PAIRS];
	uint8_t *octets = NULL;
	int len = -1;
	bool ok;
	size_t i;

	ok = der != NULL && e->keys == 1 && ASN1_INTEGER_set(der->version, EVIDENCE_VERSION) == 1 &&
	    ASN1_INTEGER_set(der->reference, e->key[0].reference) == 1;
	if (ok)
		pair_up(der, &copy, pairs);
	for (i = 0; i < PAIRS && ok; i++)
		ok = pairs[i].view->len != 0 && pairs[i].view->len <= INT_MAX &&
		    ASN1_OCTET_STRING_set(pairs[i].item, pairs[i].view->data,
			(int)pairs[i].view->len) == 1;
	if (ok)
		len = i2d_EVIDENCE(der, &octets);
	if (len > 0)
		wbuf_put(out, rbuf_of(octets, (size_t)len));
	OPENSSL_free(octets);
	EVIDENCE_free(der);
	return len > 0 && wbuf_ok(out);
}

/* ---- and back ---- */

/* Copy an item, for the DER goes. */
static void
keep(const ASN1_OCTET_STRING *item, struct wbuf *octets, struct rbuf *view)
{
	const size_t begin = octets->len;

	wbuf_put(octets, rbuf_of(ASN1_STRING_get0_data(item), (size_t)ASN1_STRING_length(item)));
	*view = wbuf_ok(octets) ? rbuf_of(octets->data + begin, octets->len - begin)
				: rbuf_of(NULL, 0);
}

/* Only what certificate_extension() would have written. */
static bool
same_again(const struct evidence *e, const ASN1_OCTET_STRING *value, struct wbuf *octets)
{
	const size_t begin = octets->len;
	const struct rbuf was = rbuf_of(
	    ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
	bool ok;

	ok = certificate_extension(e, octets) &&
	    rbuf_eq(rbuf_of(octets->data + begin, octets->len - begin), was);
	wbuf_truncate(octets, begin);
	return ok;
}

static bool
read_extension(const ASN1_OCTET_STRING *value, struct wbuf *octets, struct evidence *out)
{
	const uint8_t *at = ASN1_STRING_get0_data(value);
	EVIDENCE *der = d2i_EVIDENCE(NULL, &at, ASN1_STRING_length(value));
	uint64_t version = 0, reference = 0;
	struct pair pairs[PAIRS];
	bool ok;
	size_t i;

	*out = (struct evidence){ .keys = 1 };
	ok = der != NULL && ASN1_INTEGER_get_uint64(&version, der->version) == 1 &&
	    version == EVIDENCE_VERSION &&
	    ASN1_INTEGER_get_uint64(&reference, der->reference) == 1 && reference <= UINT8_MAX;
	if (ok) {
		out->key[0].reference = (uint8_t)reference;
		pair_up(der, out, pairs);
		for (i = 0; i < PAIRS; i++)
			keep(pairs[i].item, octets, pairs[i].view);
		ok = wbuf_ok(octets) && same_again(out, value, octets);
	}
	EVIDENCE_free(der);
	return ok;
}

/* The value of the extension; NULL when the certificate has none, or two. */
static const ASN1_OCTET_STRING *
find_extension(const X509 *certificate)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(OID_EVIDENCE, 1);
	const ASN1_OCTET_STRING *value = NULL;
	int at = -1;

	if (oid != NULL)
		at = X509_get_ext_by_OBJ(certificate, oid, -1);
	if (at >= 0 && X509_get_ext_by_OBJ(certificate, oid, at) < 0)
		value = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
	ASN1_OBJECT_free(oid);
	return value;
}

/* The public key of an area as OpenSSL's, to be freed. */
static EVP_PKEY *
key_of(struct rbuf area)
{
	uint8_t octets[1024];
	struct wbuf der = wbuf_over(octets, sizeof octets);
	const uint8_t *at = octets;

	return evidence_public_key(area, &der) ? d2i_PUBKEY(NULL, &at, (long)der.len) : NULL;
}

/* Whether the certificate is the AK's word for the key in the evidence. */
static bool
fits(X509 *certificate, const struct evidence *e)
{
	EVP_PKEY *ak = key_of(e->ak_area), *key = key_of(e->key[0].area);
	const EVP_PKEY *certified = X509_get0_pubkey(certificate);
	bool ok;

	ok = ak != NULL && key != NULL && certified != NULL && EVP_PKEY_eq(key, certified) == 1 &&
	    X509_verify(certificate, ak) == 1;
	EVP_PKEY_free(ak);
	EVP_PKEY_free(key);
	return ok;
}

bool
evidence_of_certificate(
    struct rbuf certificate, struct wbuf *octets, struct evidence *out, struct failure *why)
{
	const uint8_t *at = certificate.data;
	const ASN1_OCTET_STRING *value = NULL;
	X509 *x509 = NULL;
	bool ok = false;

	if (certificate.len <= INT_MAX)
		x509 = d2i_X509(NULL, &at, (long)certificate.len);
	if (x509 != NULL)
		value = find_extension(x509);
	if (x509 == NULL || at != certificate.data + certificate.len)
		fail(why, "that is no X.509 certificate");
	else if (value == NULL)
		fail(why, "the certificate has no evidence from a TPM in it");
	else if (!read_extension(value, octets, out))
		fail(why, "the evidence in the certificate is malformed");
	else if (!fits(x509, out))
		fail(why, "the certificate is not what the AK in it signed for that key");
	else
		ok = true;
	X509_free(x509);
	return ok;
}
