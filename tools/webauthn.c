/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/webauthn.h"

#include <cbor.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

/* A head in CBOR: the kind of item, and a number. */
#define HEAD_MAX 9

/* In authData: attested credential data is there (Web Authentication Level 2, 6.1). */
#define FLAG_ATTESTED 0x40
#define AAGUID_OCTETS 16

/* COSE: keys' types, algorithms and curves (RFC 9053; RFC 8230 for RSA). */
enum { COSE_EC2 = 2, COSE_RSA = 3 };
enum { COSE_ES256 = -7, COSE_ES384 = -35, COSE_RS256 = -257 };
enum { COSE_P256 = 1, COSE_P384 = 2 };
enum { LABEL_TYPE = 1, LABEL_ALGORITHM = 3, LABEL_CURVE_OR_N = -1, LABEL_X_OR_E = -2, LABEL_Y = -3 };

/* TPMT_SIGNATURE of an AK: its algorithm and hash (TCG TPM 2.0 Part 2, 6.3). */
enum { TPM_ECDSA = 0x0018, TPM_SHA256 = 0x000b };

#define KEY_DER_MAX 1024
#define NUMBER_MAX 512
#define SIGNATURE_MAX 80

/* ---- CBOR ---- */

static void
put_head(struct wbuf *out, size_t (*encode)(size_t, unsigned char *, size_t), size_t number)
{
	unsigned char octets[HEAD_MAX];

	wbuf_put(out, rbuf_of(octets, encode(number, octets, sizeof octets)));
}

static void
put_octets(struct wbuf *out, struct rbuf octets)
{
	put_head(out, cbor_encode_bytestring_start, octets.len);
	wbuf_put(out, octets);
}

static void
put_text(struct wbuf *out, const char *text)
{
	put_head(out, cbor_encode_string_start, strlen(text));
	wbuf_put(out, rbuf_str(text));
}

static void
put_integer(struct wbuf *out, int value)
{
	unsigned char octets[HEAD_MAX];

	wbuf_put(out, rbuf_of(octets, value < 0 ? cbor_encode_negint((uint64_t)(-1 - value), octets, sizeof octets)
						: cbor_encode_uint((uint64_t)value, octets, sizeof octets)));
}

/* ---- the key in COSE ---- */

/* A number of the key, as long as it is or in n octets. */
static void
put_number(struct wbuf *out, int label, const EVP_PKEY *key, const char *name, size_t n)
{
	uint8_t octets[NUMBER_MAX];
	BIGNUM *number = NULL;
	int len = -1;

	if (EVP_PKEY_get_bn_param(key, name, &number) == 1) {
		if (n == 0)
			n = (size_t)BN_num_bytes(number);
		if (n <= sizeof octets)
			len = BN_bn2binpad(number, octets, (int)n);
	}
	BN_free(number);
	if (len < 0) {
		out->overflow = true;
		return;
	}
	put_integer(out, label);
	put_octets(out, rbuf_of(octets, (size_t)len));
}

static void
put_rsa(struct wbuf *out, const EVP_PKEY *key)
{
	put_head(out, cbor_encode_map_start, 4);
	put_integer(out, LABEL_TYPE);
	put_integer(out, COSE_RSA);
	put_integer(out, LABEL_ALGORITHM);
	put_integer(out, COSE_RS256);
	put_number(out, LABEL_CURVE_OR_N, key, OSSL_PKEY_PARAM_RSA_N, 0);
	put_number(out, LABEL_X_OR_E, key, OSSL_PKEY_PARAM_RSA_E, 0);
}

static void
put_ecc(struct wbuf *out, const EVP_PKEY *key)
{
	const bool wide = EVP_PKEY_get_bits(key) == 384;
	const size_t n = wide ? 48 : 32;

	put_head(out, cbor_encode_map_start, 5);
	put_integer(out, LABEL_TYPE);
	put_integer(out, COSE_EC2);
	put_integer(out, LABEL_ALGORITHM);
	put_integer(out, wide ? COSE_ES384 : COSE_ES256);
	put_integer(out, LABEL_CURVE_OR_N);
	put_integer(out, wide ? COSE_P384 : COSE_P256);
	put_number(out, LABEL_X_OR_E, key, OSSL_PKEY_PARAM_EC_PUB_X, n);
	put_number(out, LABEL_Y, key, OSSL_PKEY_PARAM_EC_PUB_Y, n);
}

/* Append the key of an area as a COSE_Key. */
static bool
put_key(struct wbuf *out, struct rbuf area)
{
	uint8_t octets[KEY_DER_MAX];
	struct wbuf der = wbuf_over(octets, sizeof octets);
	const uint8_t *at = octets;
	EVP_PKEY *key = NULL;
	bool ok = true;

	if (evidence_public_key(area, &der))
		key = d2i_PUBKEY(NULL, &at, (long)der.len);
	if (key == NULL)
		return false;
	if (EVP_PKEY_is_a(key, "RSA"))
		put_rsa(out, key);
	else if (EVP_PKEY_get_bits(key) == 256 || EVP_PKEY_get_bits(key) == 384)
		put_ecc(out, key);
	else
		ok = false;
	EVP_PKEY_free(key);
	return ok && wbuf_ok(out);
}

/* ---- what is certified ---- */

static bool
put_digest(struct wbuf *out, struct rbuf first, struct rbuf second)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t digest[WEBAUTHN_DIGEST];
	bool ok;

	ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, first.data, first.len) == 1 &&
	    EVP_DigestUpdate(ctx, second.data, second.len) == 1 &&
	    EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (ok)
		wbuf_put(out, rbuf_of(digest, sizeof digest));
	return ok && wbuf_ok(out);
}

bool
webauthn_auth_data(const char *rp_id, struct rbuf area, struct wbuf *out)
{
	const struct rbuf nothing = rbuf_of(NULL, 0);

	if (!put_digest(out, rbuf_str(rp_id), nothing))
		return false;
	wbuf_u8(out, FLAG_ATTESTED);
	wbuf_u32(out, 0); /* signatures are not counted */
	wbuf_fill(out, 0, AAGUID_OCTETS);
	wbuf_u16(out, WEBAUTHN_DIGEST);
	return put_digest(out, area, nothing) && put_key(out, area);
}

bool
webauthn_extra(struct rbuf auth_data, struct rbuf client_data_hash, struct wbuf *out)
{
	return put_digest(out, auth_data, client_data_hash);
}

bool
webauthn_extra_acme(struct rbuf authorization, struct wbuf *out)
{
	return put_digest(out, authorization, rbuf_of(NULL, 0));
}

/* ---- the object ---- */

/* The two numbers of a TPMT_SIGNATURE. */
static bool
read_signature(struct rbuf in, struct rbuf *r, struct rbuf *s)
{
	uint16_t algorithm, hash, len;

	return rbuf_u16(&in, &algorithm) && algorithm == TPM_ECDSA && rbuf_u16(&in, &hash) &&
	    hash == TPM_SHA256 && rbuf_u16(&in, &len) && rbuf_take(&in, len, r) &&
	    rbuf_u16(&in, &len) && rbuf_take(&in, len, s) && in.len == 0;
}

/* The same as ECDSA-Sig-Value in DER. */
static bool
put_der(struct wbuf *out, struct rbuf r, struct rbuf s)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *a = BN_bin2bn(r.data, (int)r.len, NULL), *b = BN_bin2bn(s.data, (int)s.len, NULL);
	uint8_t *der = NULL;
	int len = -1;

	if (pair != NULL && ECDSA_SIG_set0(pair, a, b) == 1) {
		a = b = NULL; /* the pair's now */
		len = i2d_ECDSA_SIG(pair, &der);
	}
	if (len > 0)
		wbuf_put(out, rbuf_of(der, (size_t)len));
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	BN_free(a);
	BN_free(b);
	return len > 0 && wbuf_ok(out);
}

static void
put_chain(struct wbuf *out, const struct chain *ak)
{
	size_t i, above = 0;

	while (above < EVIDENCE_CHAIN_MAX && ak->above[above].len != 0)
		above++;
	put_text(out, "x5c");
	put_head(out, cbor_encode_array_start, 1 + above);
	put_octets(out, ak->certificate);
	for (i = 0; i < above; i++)
		put_octets(out, ak->above[i]);
}

/* Shorter names first, then by the alphabet: so CTAP2 has it. */
static void
put_statement(
    struct wbuf *out, const struct evidence_key *key, const struct chain *ak, struct rbuf signature)
{
	put_text(out, "attStmt");
	put_head(out, cbor_encode_map_start, 6);
	put_text(out, "alg");
	put_integer(out, COSE_ES256);
	put_text(out, "sig");
	put_octets(out, signature);
	put_text(out, "ver");
	put_text(out, "2.0");
	put_chain(out, ak);
	put_text(out, "pubArea");
	put_octets(out, key->area);
	put_text(out, "certInfo");
	put_octets(out, key->statement.attest);
}

bool
webauthn_object(const struct evidence_key *key, const struct chain *ak, struct rbuf auth_data,
    struct wbuf *out, struct failure *why)
{
	const bool acme = auth_data.len == 0;
	uint8_t octets[SIGNATURE_MAX];
	struct wbuf der = wbuf_over(octets, sizeof octets);
	struct rbuf r, s;

	if (ak->certificate.len == 0) {
		fail(why, "the card's attestation key has no certificate, which the statement must show: have an authority issue one (attest --request)");
		return false;
	}
	if (!read_signature(key->statement.signature, &r, &s) || !put_der(&der, r, s)) {
		fail(why, "the TPM's signature is none of ECDSA with SHA-256");
		return false;
	}
	put_head(out, cbor_encode_map_start, acme ? 2 : 3);
	put_text(out, "fmt");
	put_text(out, "tpm");
	put_statement(out, key, ak, acme ? key->statement.signature : wbuf_view(&der));
	if (!acme) {
		put_text(out, "authData");
		put_octets(out, auth_data);
	}
	if (!wbuf_ok(out))
		fail(why, "the attestation object is too long");
	return wbuf_ok(out);
}
