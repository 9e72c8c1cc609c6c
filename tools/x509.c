/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/x509.h"

#include "applet/tlv.h"

#include <openssl/pem.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* Room for what is signed, and for the whole with its signature. */
#define SIGNED_MAX    4096
#define SIGNATURE_MAX 1024

#define SERIAL_OCTETS 16
/* RFC 7093, 2: as many octets of a SHA-256. */
#define KEY_ID_OCTETS 20

/* Bits of the key usage extension (RFC 5280, 4.2.1.3). */
enum {
	DIGITAL_SIGNATURE = 1 << 0,
	NON_REPUDIATION = 1 << 1,
	KEY_ENCIPHERMENT = 1 << 2,
	KEY_AGREEMENT = 1 << 4,
};
#define USAGE_BITS 9

/* What the key in a slot is for. */
/* clang-format off */
static const struct purpose {
	uint8_t slot;
	unsigned rsa, ecc;   /* key usage */
	int always;          /* extended key usage */
	int with_email;      /* when there is such an alternative name */
	int with_upn;
} purposes[] = {
	/*       RSA                                  ECC                                  always           email              UPN */
	{ 0x9a, DIGITAL_SIGNATURE,                   DIGITAL_SIGNATURE,                   NID_client_auth, NID_undef,         NID_ms_smartcard_login },
	{ 0x9c, DIGITAL_SIGNATURE | NON_REPUDIATION, DIGITAL_SIGNATURE | NON_REPUDIATION, NID_undef,       NID_email_protect, NID_undef },
	{ 0x9d, KEY_ENCIPHERMENT,                    KEY_AGREEMENT,                       NID_undef,       NID_email_protect, NID_undef },
	{ 0x9e, DIGITAL_SIGNATURE,                   DIGITAL_SIGNATURE,                   NID_undef,       NID_undef,         NID_undef },
};
/* clang-format on */

static enum outcome
no_memory(struct failure *why)
{
	fail(why, "out of memory");
	return FAILED;
}

/* Append what an i2d function has allocated. */
static bool
put_der(struct wbuf *out, unsigned char *der, int len)
{
	if (len > 0)
		wbuf_put(out, rbuf_of(der, (size_t)len));
	OPENSSL_free(der);
	return len > 0;
}

static bool
put_name(struct wbuf *out, const X509_NAME *name)
{
	unsigned char *der = NULL;
	int len = i2d_X509_NAME(name, &der);

	return put_der(out, der, len);
}

static bool
put_key(struct wbuf *out, const EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	return put_der(out, der, len);
}

static bool
put_extensions(struct wbuf *out, const X509_EXTENSIONS *extensions)
{
	unsigned char *der = NULL;
	int len = i2d_X509_EXTENSIONS(extensions, &der);

	return put_der(out, der, len);
}

/* ---- extensions ---- */

static bool
add(X509_EXTENSIONS **list, int nid, void *value, bool critical)
{
	return value != NULL &&
	       X509V3_add1_i2d(list, nid, value, critical, X509V3_ADD_DEFAULT) == 1;
}

static bool
add_usage(X509_EXTENSIONS **list, unsigned usage)
{
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
	bool ok = bits != NULL;
	int i;

	for (i = 0; i < USAGE_BITS && ok; i++) {
		if ((usage >> i & 1) != 0)
			ok = ASN1_BIT_STRING_set_bit(bits, i, 1) == 1;
	}
	ok = ok && add(list, NID_key_usage, bits, true);
	ASN1_BIT_STRING_free(bits);
	return ok;
}

static bool
add_extended(X509_EXTENSIONS **list, const struct purpose *purpose, const struct identity *id)
{
	const int uses[] = { purpose->always, id->has_email ? purpose->with_email : NID_undef,
		id->has_upn ? purpose->with_upn : NID_undef };
	EXTENDED_KEY_USAGE *usage = sk_ASN1_OBJECT_new_null();
	bool ok = usage != NULL;
	size_t i;

	for (i = 0; i < sizeof uses / sizeof uses[0] && ok; i++) {
		if (uses[i] != NID_undef)
			ok = sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(uses[i])) != 0;
	}
	if (ok && sk_ASN1_OBJECT_num(usage) != 0)
		ok = add(list, NID_ext_key_usage, usage, false);
	EXTENDED_KEY_USAGE_free(usage);
	return ok;
}

/* What a request and a certificate have in common. */
static bool
add_common(X509_EXTENSIONS **list, const struct identity *id, uint8_t slot, const EVP_PKEY *key)
{
	const bool rsa = EVP_PKEY_is_a(key, "RSA") == 1;
	const struct purpose *purpose = NULL;
	size_t i;

	for (i = 0; i < sizeof purposes / sizeof purposes[0]; i++) {
		if (purposes[i].slot == slot)
			purpose = &purposes[i];
	}
	return purpose != NULL && add_usage(list, rsa ? purpose->rsa : purpose->ecc) &&
	       add_extended(list, purpose, id) &&
	       (id->alt_names == NULL || add(list, NID_subject_alt_name, id->alt_names, false));
}

/* Of the public key's own octets, without what says of which kind it is. */
static bool
add_key_id(X509_EXTENSIONS **list, EVP_PKEY *key)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	const unsigned char *octets = NULL;
	X509_PUBKEY *wrapped = NULL;
	bool ok = false;
	int len = 0;

	if (id != NULL && X509_PUBKEY_set(&wrapped, key) == 1 &&
	    X509_PUBKEY_get0_param(NULL, &octets, &len, NULL, wrapped) == 1 && len > 0 &&
	    EVP_Digest(octets, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1 &&
	    ASN1_OCTET_STRING_set(id, digest, KEY_ID_OCTETS) == 1)
		ok = add(list, NID_subject_key_identifier, id, false);
	X509_PUBKEY_free(wrapped);
	ASN1_OCTET_STRING_free(id);
	return ok;
}

static bool
add_no_authority(X509_EXTENSIONS **list)
{
	BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
	bool ok = add(list, NID_basic_constraints, constraints, true);

	BASIC_CONSTRAINTS_free(constraints);
	return ok;
}

/* ---- signing ---- */

/* SHA-384 for a curve of that size, else SHA-256. */
static const EVP_MD *
digest_for(const EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_bits(key) > 256 ? EVP_sha384()
									     : EVP_sha256();
}

/* RFC 4055, 5 has NULL for parameters; RFC 5758, 3.2 none. */
static bool
put_algorithm(struct wbuf *out, const EVP_PKEY *key)
{
	const bool rsa = EVP_PKEY_is_a(key, "RSA") == 1;
	X509_ALGOR *algorithm = X509_ALGOR_new();
	unsigned char *der = NULL;
	int len = -1, nid = NID_undef;

	if (algorithm != NULL &&
	    OBJ_find_sigid_by_algs(
		&nid, EVP_MD_get_type(digest_for(key)), EVP_PKEY_get_base_id(key)) == 1 &&
	    X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), rsa ? V_ASN1_NULL : V_ASN1_UNDEF, NULL) ==
		1)
		len = i2d_X509_ALGOR(algorithm, &der);
	X509_ALGOR_free(algorithm);
	return put_der(out, der, len);
}

/* Append what was signed, with how and the signature: both RFCs' outermost SEQUENCE. */
static enum outcome
put_signed(struct wbuf *out, struct rbuf content, const EVP_PKEY *key, const struct signer *signer,
    struct failure *why)
{
	uint8_t digest[EVP_MAX_MD_SIZE], octets[SIGNATURE_MAX];
	struct wbuf signature = wbuf_over(octets, sizeof octets);
	const EVP_MD *md = digest_for(key);
	enum outcome outcome;
	unsigned len = 0;
	size_t all, bits;
	bool ok;

	if (EVP_Digest(content.data, content.len, digest, &len, md, NULL) != 1)
		return no_memory(why);
	outcome = signer->sign(signer->context, md, rbuf_of(digest, len), &signature, why);
	if (outcome != DONE)
		return outcome;
	all = tlv_open(out, 0x30);
	wbuf_put(out, content);
	ok = put_algorithm(out, key);
	bits = tlv_open(out, 0x03);
	wbuf_u8(out, 0); /* no unused bits */
	wbuf_put(out, wbuf_view(&signature));
	tlv_close(out, bits);
	tlv_close(out, all);
	if (ok && wbuf_ok(&signature) && wbuf_ok(out))
		return DONE;
	fail(why, "the signature does not fit");
	return FAILED;
}

static enum outcome
bad_signature(const char *of, struct failure *why)
{
	fail(why, "the card's signature of the %s is wrong", of);
	return FAILED;
}

/* ---- requests ---- */

static const uint8_t version_1[] = { 0 };

static bool
put_request_extensions(struct wbuf *out, const X509_EXTENSIONS *extensions)
{
	size_t attributes = tlv_open(out, 0xa0), attribute = tlv_open(out, 0x30), values;
	unsigned char *der = NULL;
	int len = i2d_ASN1_OBJECT(OBJ_nid2obj(NID_ext_req), &der);
	bool ok = put_der(out, der, len);

	values = tlv_open(out, 0x31);
	ok = put_extensions(out, extensions) && ok;
	tlv_close(out, values);
	tlv_close(out, attribute);
	tlv_close(out, attributes);
	return ok;
}

/* CertificationRequestInfo (RFC 2986, 4.1). */
static bool
put_request_info(struct wbuf *out, const struct identity *id, uint8_t slot, const EVP_PKEY *key)
{
	X509_EXTENSIONS *extensions = NULL;
	size_t mark = tlv_open(out, 0x30);
	bool ok;

	tlv_put(out, 0x02, rbuf_of(version_1, sizeof version_1));
	ok = put_name(out, id->subject) && put_key(out, key) &&
	     add_common(&extensions, id, slot, key) && put_request_extensions(out, extensions);
	tlv_close(out, mark);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	return ok && wbuf_ok(out);
}

enum outcome
x509_request(const struct identity *id, uint8_t slot, EVP_PKEY *key, const struct signer *signer,
    X509_REQ **out, struct failure *why)
{
	uint8_t info[SIGNED_MAX], whole[SIGNED_MAX + SIGNATURE_MAX + 64];
	struct wbuf content = wbuf_over(info, sizeof info), der = wbuf_over(whole, sizeof whole);
	const unsigned char *at = whole;
	enum outcome outcome;
	X509_REQ *request;

	if (!put_request_info(&content, id, slot, key))
		return no_memory(why);
	outcome = put_signed(&der, wbuf_view(&content), key, signer, why);
	if (outcome != DONE)
		return outcome;
	request = d2i_X509_REQ(NULL, &at, (long)der.len);
	if (request == NULL || X509_REQ_verify(request, key) != 1) {
		X509_REQ_free(request);
		return bad_signature("request", why);
	}
	*out = request;
	return DONE;
}

/* ---- certificates ---- */

/* Positive, and never shorter. */
static bool
put_serial(struct wbuf *out)
{
	uint8_t serial[SERIAL_OCTETS];

	if (getrandom(serial, sizeof serial, 0) != (ssize_t)sizeof serial)
		return false;
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
	tlv_put(out, 0x02, rbuf_of(serial, sizeof serial));
	return true;
}

static bool
put_validity(struct wbuf *out, unsigned days)
{
	size_t mark = tlv_open(out, 0x30);
	const time_t now = time(NULL);
	bool ok = true;
	int i;

	for (i = 0; i < 2 && ok; i++) {
		ASN1_TIME *when = ASN1_TIME_adj(NULL, now, i == 0 ? 0 : (int)days, 0);
		unsigned char *der = NULL;
		int len = when != NULL ? i2d_ASN1_TIME(when, &der) : -1;

		ok = put_der(out, der, len);
		ASN1_TIME_free(when);
	}
	tlv_close(out, mark);
	return ok;
}

/* TBSCertificate (RFC 5280, 4.1), its issuer its subject. */
static bool
put_certificate_info(
    struct wbuf *out, const struct identity *id, uint8_t slot, EVP_PKEY *key, unsigned days)
{
	static const uint8_t version_3[] = { 2 };
	X509_EXTENSIONS *extensions = NULL;
	size_t all = tlv_open(out, 0x30), mark = tlv_open(out, 0xa0);
	bool ok;

	tlv_put(out, 0x02, rbuf_of(version_3, sizeof version_3));
	tlv_close(out, mark);
	ok = put_serial(out) && put_algorithm(out, key) && put_name(out, id->subject) &&
	     put_validity(out, days) && put_name(out, id->subject) && put_key(out, key) &&
	     add_no_authority(&extensions) && add_common(&extensions, id, slot, key) &&
	     add_key_id(&extensions, key);
	mark = tlv_open(out, 0xa3);
	ok = ok && put_extensions(out, extensions);
	tlv_close(out, mark);
	tlv_close(out, all);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	return ok && wbuf_ok(out);
}

enum outcome
x509_self_signed(const struct identity *id, uint8_t slot, EVP_PKEY *key, unsigned days,
    const struct signer *signer, X509 **out, struct failure *why)
{
	uint8_t info[SIGNED_MAX], whole[SIGNED_MAX + SIGNATURE_MAX + 64];
	struct wbuf content = wbuf_over(info, sizeof info), der = wbuf_over(whole, sizeof whole);
	const unsigned char *at = whole;
	enum outcome outcome;
	X509 *certificate;

	if (!put_certificate_info(&content, id, slot, key, days))
		return no_memory(why);
	outcome = put_signed(&der, wbuf_view(&content), key, signer, why);
	if (outcome != DONE)
		return outcome;
	certificate = d2i_X509(NULL, &at, (long)der.len);
	if (certificate == NULL || X509_verify(certificate, key) != 1) {
		X509_free(certificate);
		return bad_signature("certificate", why);
	}
	*out = certificate;
	return DONE;
}

/* ---- reading ---- */

/* Nobody is asked for a passphrase: what is encrypted is no certificate. */
static int
no_passphrase(char *text, int size, int writing, void *context)
{
	(void)text;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static bool
belongs(const X509 *certificate, const EVP_PKEY *key)
{
	const EVP_PKEY *own = X509_get0_pubkey(certificate);

	return own != NULL && EVP_PKEY_eq(own, key) == 1;
}

/* One certificate, and nothing behind it. */
static X509 *
find_der(struct rbuf file, const EVP_PKEY *key, bool *any)
{
	const unsigned char *at = file.data;
	X509 *certificate = d2i_X509(NULL, &at, (long)file.len);

	if (certificate != NULL && at == file.data + file.len) {
		*any = true;
		if (belongs(certificate, key))
			return certificate;
	}
	X509_free(certificate);
	return NULL;
}

static X509 *
find_pem(struct rbuf file, const EVP_PKEY *key, bool *any)
{
	BIO *in = BIO_new_mem_buf(file.data, (int)file.len);
	X509 *certificate = NULL;

	while (in != NULL &&
	       (certificate = PEM_read_bio_X509(in, NULL, no_passphrase, NULL)) != NULL) {
		*any = true;
		if (belongs(certificate, key))
			break;
		X509_free(certificate);
	}
	BIO_free(in);
	return certificate;
}

enum outcome
x509_find(struct rbuf file, EVP_PKEY *key, X509 **out, struct failure *why)
{
	static const char mark[] = "-----BEGIN ";
	bool any = false;

	if (file.len > X509_FILE_MAX) {
		fail(why, "it is too long for a file of certificates");
		return FAILED;
	}
	if (memmem(file.data, file.len, mark, sizeof mark - 1) != NULL)
		*out = find_pem(file, key, &any);
	else
		*out = find_der(file, key, &any);
	if (*out != NULL)
		return DONE;
	fail(why, any ? "it has no certificate of the key in the slot"
		      : "it has no certificate in PEM or DER");
	return FAILED;
}
