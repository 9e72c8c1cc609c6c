/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names as people write them, and requests and certificates signed by a key
 * that the code under test never sees.
 */
#include "tests/suite.h"
#include "tools/x509.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

/* ---- a signer with the key in software ---- */

enum breakage { WHOLE, REFUSES, LIES, SAYS_TOO_MUCH };

struct software {
	EVP_PKEY *key;
	enum breakage breakage;
	unsigned calls;
};

static enum outcome
software_sign(
    void *context, const EVP_MD *md, struct rbuf digest, struct wbuf *out, struct failure *why)
{
	struct software *s = context;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(s->key, NULL);
	uint8_t octets[600];
	size_t len = sizeof octets;

	s->calls++;
	ck_assert_int_eq(EVP_PKEY_sign_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_signature_md(ctx, md), 1);
	ck_assert_int_eq(EVP_PKEY_sign(ctx, octets, &len, digest.data, digest.len), 1);
	EVP_PKEY_CTX_free(ctx);
	switch (s->breakage) {
	case REFUSES:
		(fail)(why, "no");
		return WRONG_SECRET;
	case LIES:
		octets[len - 1] ^= 1;
		break;
	case SAYS_TOO_MUCH:
		wbuf_fill(out, 0, 2000);
		break;
	case WHOLE:
		break;
	}
	wbuf_put(out, rbuf_of(octets, len));
	return DONE;
}

static EVP_PKEY *
key_new(const char *kind)
{
	EVP_PKEY *key = strcmp(kind, "RSA") == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen(kind);

	ck_assert_msg(key != NULL, "no key %s", kind);
	return key;
}

/* Only the public half, as the card gives it. */
static EVP_PKEY *
public_of(EVP_PKEY *key)
{
	unsigned char *der = NULL;
	const unsigned char *at;
	int len = i2d_PUBKEY(key, &der);
	EVP_PKEY *half;

	at = der;
	half = d2i_PUBKEY(NULL, &at, len);
	ck_assert_ptr_nonnull(half);
	OPENSSL_free(der);
	return half;
}

/* A name as OpenSSL shows it, for comparison: attributes in the order they are encoded. */
static void
show_name(const X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n;

	ck_assert_int_ge(X509_NAME_print_ex(bio, name, 0,
			     (XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ & ~ASN1_STRFLGS_ESC_MSB &
				 ~ASN1_STRFLGS_ESC_QUOTE & ~XN_FLAG_SEP_CPLUS_SPC) |
				 XN_FLAG_SEP_COMMA_PLUS | XN_FLAG_FN_SN),
	    0);
	n = BIO_read(bio, out, (int)size - 1);
	out[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
}

/* ---- subjects ---- */

/* clang-format off */
static const struct {
	const char *why, *text, *shown; /* shown in the order of the encoding */
} good_subjects[] = {
	{ "one attribute", "CN=Alice", "CN=Alice" },
	{ "RFC 4514 begins with the last", "CN=Alice,O=Example", "O=Example,CN=Alice" },
	{ "OpenSSL with the first", "/O=Example/CN=Alice", "O=Example,CN=Alice" },
	{ "OpenSSL's order is kept", "/CN=Alice/O=Example", "CN=Alice,O=Example" },
	{ "spaces around", " CN = Alice B , O = Example ", "O=Example,CN=Alice B" },
	{ "names in any case", "cn=Alice,o=Example,EMAILADDRESS=a@example.org", "emailAddress=a@example.org,O=Example,CN=Alice" },
	{ "long names", "commonName=Alice,countryName=DE", "C=DE,CN=Alice" },
	{ "an escaped comma", "CN=Smith\\, Alice,O=Example", "O=Example,CN=Smith\\, Alice" },
	{ "an escaped backslash, then the mark", "CN=a\\\\,O=b", "O=b,CN=a\\\\" },
	{ "hexadecimal escapes are octets of UTF-8", "CN=J\\c3\\BCrgen", "CN=J\xc3\xbcrgen" },
	{ "UTF-8", "CN=J\xc3\xbcrgen \xe2\x82\xac", "CN=J\xc3\xbcrgen \xe2\x82\xac" },
	{ "escaped spaces stay", "CN=\\ a\\ ,O=b", "O=b,CN=\\ a\\ " },
	{ "an escaped #", "CN=\\#1", "CN=\\#1" },
	{ "# elsewhere", "CN=a#1", "CN=a#1" },
	{ "= in a value", "CN=a=b", "CN=a=b" },
	{ "a slash in RFC 4514", "CN=a/b", "CN=a/b" },
	{ "an escaped slash in OpenSSL's", "/CN=host\\/x/O=b", "CN=host/x,O=b" },
	{ "a comma in OpenSSL's", "/CN=Smith, Alice", "CN=Smith\\, Alice" },
	{ "two attributes of one relative name", "CN=Alice+UID=1,O=b", "O=b,CN=Alice+UID=1" },
	{ "three, and more behind", "CN=a+UID=1+OU=x,O=b+C=DE,DC=c", "DC=c,O=b+C=DE,CN=a+OU=x+UID=1" },
	{ "the same in OpenSSL's", "/O=b/CN=Alice+UID=1", "O=b,CN=Alice+UID=1" },
	{ "domain components", "CN=Alice,DC=example,DC=org", "DC=org,DC=example,CN=Alice" },
	{ "an attribute by its number", "2.5.4.3=Alice", "CN=Alice" },
	{ "one that has no name", "1.3.6.1.4.1.99999.1=x", "1.3.6.1.4.1.99999.1=x" },
	{ "64 characters", "CN=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "CN=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
};

static const struct {
	const char *why, *text, *fault;
} bad_subjects[] = {
	{ "nothing", "", "it is empty" },
	{ "spaces", "   ", "it is empty" },
	{ "a mark alone", "/", "it is empty" },
	{ "no attribute", "Alice", "Alice: is no attribute with" },
	{ "no attribute before =", "=Alice", "is a value without" },
	{ "no value", "CN=", "CN: it is empty" },
	{ "only spaces", "CN=  ,O=b", "CN: it is empty" },
	{ "an unknown attribute", "CN=Alice,Role=x", "Role: is no attribute that" },
	{ "OpenSSL knows it, but it is none", "SHA256=x", "SHA256: is no attribute that" },
	{ "a number that is none", "2.=x", "2.: is no attribute that" },
	{ "dots", "...=x", "is no attribute that" },
	{ "a number as long as it gets", "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25=x", "is no attribute that" },
	{ "a mark at the end", "CN=Alice,", "is no attribute with" },
	{ "a mark at the beginning", ",CN=Alice", "is no attribute with" },
	{ "two marks", "CN=Alice,,O=b", "is no attribute with" },
	{ "two slashes", "//CN=Alice", "is no attribute with" },
	{ "a plus at the end", "CN=Alice+", "is no attribute with" },
	{ "an unescaped quote", "CN=\"Alice\"", "without a backslash" },
	{ "an unescaped semicolon", "CN=a;O=b", "without a backslash" },
	{ "an unescaped # first", "CN=#0c0161", "begins with #" },
	{ "a backslash at the end", "CN=a\\", "a backslash before nothing" },
	{ "half of an escape", "CN=a\\4", "a backslash before nothing" },
	{ "an escape that is none", "CN=a\\x", "a backslash before nothing" },
	{ "a country of three letters", "C=DEU", "C: cannot have that value" },
	{ "65 characters", "CN=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "CN: cannot have that value" },
	{ "a domain component beyond ASCII", "DC=\xc3\xbc", "DC: cannot have that value" },
	{ "no UTF-8", "CN=\xff", "CN: it is not UTF-8" },
	{ "UTF-8 cut short", "CN=a\xc3", "CN: it is not UTF-8" },
	{ "an escaped NUL", "CN=a\\00b", "CN: it has a character" },
	{ "a line feed", "CN=a\nb", "CN: it has a character" },
	{ "an escape sequence", "CN=\033[31m", "CN: it has a character" },
	{ "one in a name, not echoed", "C\033N=a", "C?N: is no attribute" },
	{ "text that turns round", "CN=\xe2\x80\xae" "ecila", "CN: it has a character" },
};

static const struct {
	const char *why, *text;
	int type;
	const char *shown;
} good_alt_names[] = {
	{ "an address", "email:alice@example.org", GEN_EMAIL, "alice@example.org" },
	{ "any case of the word", "EMail:alice@example.org", GEN_EMAIL, "alice@example.org" },
	{ "a comma is a part of it", "email:a,b@example.org", GEN_EMAIL, "a,b@example.org" },
	{ "no word of OpenSSL's", "email:copy@x", GEN_EMAIL, "copy@x" },
	{ "a host", "dns:host-1.example.org", GEN_DNS, "host-1.example.org" },
	{ "one label", "dns:localhost", GEN_DNS, "localhost" },
	{ "an asterisk", "dns:*.example.org", GEN_DNS, "*.example.org" },
	{ "a URI", "uri:https://example.org/a?b=c:d", GEN_URI, "https://example.org/a?b=c:d" },
	{ "a URI without slashes", "uri:urn:x:y", GEN_URI, "urn:x:y" },
	{ "a UPN", "upn:alice@EXAMPLE", GEN_OTHERNAME, "alice@EXAMPLE" },
	{ "a UPN beyond ASCII", "upn:j\xc3\xbcrgen@EXAMPLE", GEN_OTHERNAME, "j\xc3\xbcrgen@EXAMPLE" },
};

static const struct {
	const char *why, *text, *fault;
} bad_alt_names[] = {
	{ "no word", "alice@example.org", "wants email:, dns:" },
	{ "an unknown word", "ip:127.0.0.1", "wants email:, dns:" },
	{ "nothing behind", "email:", "wants an address" },
	{ "no @", "email:alice", "wants an address" },
	{ "two @", "email:a@b@c", "wants an address" },
	{ "nothing before @", "email:@example.org", "wants an address" },
	{ "nothing behind @", "upn:alice@", "wants a user" },
	{ "an address beyond ASCII", "email:j\xc3\xbcrgen@example.org", "wants an address" },
	{ "a space", "email:a b@example.org", "wants an address" },
	{ "a line feed", "upn:a@b\n", "wants a user" },
	{ "a host with an underscore", "dns:a_b", "wants a host" },
	{ "an empty label", "dns:a..b", "wants a host" },
	{ "a dot at the end", "dns:a.", "wants a host" },
	{ "an asterisk within", "dns:a.*.b", "wants a host" },
	{ "an asterisk alone", "dns:*", "wants a host" },
	{ "a hyphen first", "dns:-a", "wants a host" },
	{ "no scheme", "uri://example.org", "wants a URI" },
	{ "nothing behind the scheme", "uri:https:", "wants a URI" },
};

static const struct form {
	const char *why, *key;
	uint8_t slot;
	const char *alt_name;       /* NULL: none */
	unsigned usage;             /* as X509_get_key_usage() has it */
	unsigned extended;          /* as X509_get_extended_key_usage(); UINT32_MAX: none */
	int signature;              /* NID */
} forms[] = {
	{ "9A, P-256", "P-256", 0x9a, NULL, KU_DIGITAL_SIGNATURE, XKU_SSL_CLIENT, NID_ecdsa_with_SHA256 },
	{ "9A, P-384", "P-384", 0x9a, NULL, KU_DIGITAL_SIGNATURE, XKU_SSL_CLIENT, NID_ecdsa_with_SHA384 },
	{ "9A, RSA", "RSA", 0x9a, NULL, KU_DIGITAL_SIGNATURE, XKU_SSL_CLIENT, NID_sha256WithRSAEncryption },
	/* OpenSSL has no bit of its own for smart card logon */
	{ "9A with a UPN", "P-256", 0x9a, "upn:alice@EXAMPLE", KU_DIGITAL_SIGNATURE, XKU_SSL_CLIENT, NID_ecdsa_with_SHA256 },
	{ "9A with an address", "P-256", 0x9a, "email:a@example.org", KU_DIGITAL_SIGNATURE, XKU_SSL_CLIENT, NID_ecdsa_with_SHA256 },
	{ "9C", "P-256", 0x9c, NULL, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, UINT32_MAX, NID_ecdsa_with_SHA256 },
	{ "9C with an address", "RSA", 0x9c, "email:a@example.org", KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, XKU_SMIME, NID_sha256WithRSAEncryption },
	{ "9C with a host", "P-256", 0x9c, "dns:example.org", KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, UINT32_MAX, NID_ecdsa_with_SHA256 },
	{ "9D, RSA", "RSA", 0x9d, NULL, KU_KEY_ENCIPHERMENT, UINT32_MAX, NID_sha256WithRSAEncryption },
	{ "9D, P-256", "P-256", 0x9d, "email:a@example.org", KU_KEY_AGREEMENT, XKU_SMIME, NID_ecdsa_with_SHA256 },
	{ "9E", "P-256", 0x9e, NULL, KU_DIGITAL_SIGNATURE, UINT32_MAX, NID_ecdsa_with_SHA256 },
};
/* clang-format on */

START_TEST(test_good_subject)
{
	struct failure why = { "" };
	struct identity id;
	char shown[512];

	ck_assert_msg(identity_read(good_subjects[_i].text, NULL, 0, &id, &why) == DONE, "%s: %s",
	    good_subjects[_i].why, why.text);
	show_name(id.subject, shown, sizeof shown);
	ck_assert_msg(strcmp(shown, good_subjects[_i].shown) == 0, "%s: %s, not %s",
	    good_subjects[_i].why, shown, good_subjects[_i].shown);
	ck_assert(id.alt_names == NULL && !id.has_email && !id.has_upn);
	identity_clear(&id);
	ck_assert_ptr_null(id.subject);
}
END_TEST

static void
expect_refusal(const char *why, const char *subject, const char *alt_name, const char *option,
    const char *fault)
{
	struct failure got = { "" };
	struct identity id;
	size_t i;

	ck_assert_msg(
	    identity_read(subject, &alt_name, alt_name != NULL ? 1 : 0, &id, &got) == WRONG_USAGE,
	    "%s: accepted", why);
	ck_assert_msg(
	    strncmp(got.text, option, strlen(option)) == 0 && strstr(got.text, fault) != NULL,
	    "%s: says %s", why, got.text);
	for (i = 0; got.text[i] != '\0'; i++)
		ck_assert_msg(got.text[i] >= 0x20 && got.text[i] < 0x7f, "%s: says it raw", why);
	ck_assert(id.subject == NULL && id.alt_names == NULL);
}

START_TEST(test_bad_subject)
{
	expect_refusal(bad_subjects[_i].why, bad_subjects[_i].text, NULL,
	    "--subject: ", bad_subjects[_i].fault);
}
END_TEST

START_TEST(test_bad_alt_name)
{
	expect_refusal(bad_alt_names[_i].why, "CN=a", bad_alt_names[_i].text,
	    "--alt-name: ", bad_alt_names[_i].fault);
}
END_TEST

START_TEST(test_good_alt_name)
{
	struct failure why = { "" };
	struct identity id;
	GENERAL_NAME *name;
	ASN1_OBJECT *oid;
	ASN1_TYPE *other = NULL;
	void *value;
	int type;

	ck_assert_msg(identity_read("CN=a", &good_alt_names[_i].text, 1, &id, &why) == DONE,
	    "%s: %s", good_alt_names[_i].why, why.text);
	ck_assert_int_eq(sk_GENERAL_NAME_num(id.alt_names), 1);
	name = sk_GENERAL_NAME_value(id.alt_names, 0);
	value = GENERAL_NAME_get0_value(name, &type);
	ck_assert_msg(type == good_alt_names[_i].type, "%s: type", good_alt_names[_i].why);
	if (type == GEN_OTHERNAME) {
		ck_assert_int_eq(GENERAL_NAME_get0_otherName(name, &oid, &other), 1);
		ck_assert_int_eq(OBJ_obj2nid(oid), NID_ms_upn);
		ck_assert_int_eq(other->type, V_ASN1_UTF8STRING);
		value = other->value.utf8string;
	}
	ck_assert_msg(
	    rbuf_eq(rbuf_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)),
		rbuf_str(good_alt_names[_i].shown)),
	    "%s: %s", good_alt_names[_i].why, (const char *)ASN1_STRING_get0_data(value));
	ck_assert(id.has_upn == (type == GEN_OTHERNAME) && id.has_email == (type == GEN_EMAIL));
	identity_clear(&id);
}
END_TEST

/* Nothing that is too long for a card gets as far as making a key. */
START_TEST(test_too_long)
{
	char subject[4096] = "CN=a", address[1024] = "email:";
	const char *alt_names[16];
	struct failure why = { "" };
	struct identity id;
	size_t i;

	for (i = 0; i < 60; i++)
		strcat(subject, ",OU=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	ck_assert_int_eq(identity_read(subject, NULL, 0, &id, &why), WRONG_USAGE);
	ck_assert_ptr_nonnull(strstr(why.text, "too long"));
	for (i = 0; i < 200; i++)
		strcat(address, "aaa.");
	strcat(address, "@example.org");
	for (i = 0; i < 16; i++)
		alt_names[i] = address;
	ck_assert_int_eq(identity_read("CN=a", alt_names, 16, &id, NULL), WRONG_USAGE);
	strcpy(subject, "CN=");
	for (i = 0; i < 2000; i++)
		strcat(subject, "a");
	expect_refusal("2000 characters", subject, NULL, "--subject: ", "too long");
}
END_TEST

/* ---- requests and certificates ---- */

/* Whether the extended key usage is what the form and its name ask for, logon included. */
static void
check_extended(const struct form *f, EXTENDED_KEY_USAGE *usage)
{
	const bool logon = f->alt_name != NULL && strncmp(f->alt_name, "upn:", 4) == 0;
	bool found = false;
	int i;

	ck_assert_msg((usage == NULL) == (f->extended == UINT32_MAX), "%s", f->why);
	for (i = 0; i < sk_ASN1_OBJECT_num(usage); i++) {
		if (OBJ_obj2nid(sk_ASN1_OBJECT_value(usage, i)) == NID_ms_smartcard_login)
			found = true;
	}
	ck_assert_msg(found == logon, "%s: smart card logon", f->why);
	if (usage != NULL)
		ck_assert_int_eq(sk_ASN1_OBJECT_num(usage), logon ? 2 : 1);
	EXTENDED_KEY_USAGE_free(usage);
}

static void
identity_of(const struct form *f, struct identity *id)
{
	ck_assert_int_eq(identity_read("CN=Alice,O=Example", &f->alt_name,
			     f->alt_name != NULL ? 1 : 0, id, NULL),
	    DONE);
}

START_TEST(test_request)
{
	const struct form *f = &forms[_i];
	struct software software = { .key = key_new(f->key) };
	const struct signer signer = { .sign = software_sign, .context = &software };
	EVP_PKEY *half = public_of(software.key);
	struct failure why = { "" };
	X509_EXTENSIONS *extensions;
	ASN1_BIT_STRING *usage;
	GENERAL_NAMES *names;
	X509_REQ *request = NULL;
	struct identity id;
	char shown[256];
	int critical;

	identity_of(f, &id);
	ck_assert_msg(x509_request(&id, f->slot, half, &signer, &request, &why) == DONE, "%s: %s",
	    f->why, why.text);
	ck_assert_int_eq(X509_REQ_verify(request, software.key), 1);
	ck_assert_int_eq(X509_REQ_get_signature_nid(request), f->signature);
	ck_assert_int_eq(X509_REQ_get_version(request), X509_REQ_VERSION_1);
	ck_assert_int_eq(EVP_PKEY_eq(X509_REQ_get0_pubkey(request), software.key), 1);
	show_name(X509_REQ_get_subject_name(request), shown, sizeof shown);
	ck_assert_str_eq(shown, "O=Example,CN=Alice");
	extensions = X509_REQ_get_extensions(request);
	usage = X509V3_get_d2i(extensions, NID_key_usage, &critical, NULL);
	ck_assert_msg(usage != NULL && critical == 1, "%s: key usage", f->why);
	ck_assert_msg(ASN1_STRING_get0_data(usage)[0] == f->usage, "%s: key usage %02x", f->why, ASN1_STRING_get0_data(usage)[0]);
	ASN1_BIT_STRING_free(usage);
	check_extended(f, X509V3_get_d2i(extensions, NID_ext_key_usage, NULL, NULL));
	names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
	ck_assert_msg((names != NULL) == (f->alt_name != NULL), "%s: names", f->why);
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	ck_assert_uint_eq(software.calls, 1);
	X509_REQ_free(request);
	identity_clear(&id);
	EVP_PKEY_free(half);
	EVP_PKEY_free(software.key);
}
END_TEST

/* Whether a chain of that one certificate holds. */
static int
stands_alone(X509 *certificate)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int ok;

	ck_assert_int_eq(X509_STORE_add_cert(store, certificate), 1);
	ck_assert_int_eq(X509_STORE_CTX_init(ctx, store, certificate, NULL), 1);
	ok = X509_verify_cert(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return ok;
}

START_TEST(test_self_signed)
{
	const struct form *f = &forms[_i];
	struct software software = { .key = key_new(f->key) };
	const struct signer signer = { .sign = software_sign, .context = &software };
	EVP_PKEY *half = public_of(software.key);
	struct failure why = { "" };
	X509 *certificate = NULL, *other = NULL;
	struct identity id;
	int days = 0, seconds = 0;

	identity_of(f, &id);
	ck_assert_msg(x509_self_signed(&id, f->slot, half, 30, &signer, &certificate, &why) == DONE,
	    "%s: %s", f->why, why.text);
	ck_assert_int_eq(X509_get_version(certificate), X509_VERSION_3);
	ck_assert_int_eq(X509_get_signature_nid(certificate), f->signature);
	ck_assert_int_eq(X509_verify(certificate, software.key), 1);
	ck_assert_msg(stands_alone(certificate) == 1, "%s: as its own anchor", f->why);
	ck_assert_int_eq(ASN1_STRING_length(X509_get0_serialNumber(certificate)), 16);
	ck_assert_int_eq(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(certificate),
			     X509_get0_notAfter(certificate)),
	    1);
	ck_assert_int_eq(days, 30);
	ck_assert_int_eq(seconds, 0);
	ck_assert_int_eq(X509_cmp_current_time(X509_get0_notBefore(certificate)), -1);
	ck_assert_int_eq(ASN1_STRING_length(X509_get0_subject_key_id(certificate)), 20);
	ck_assert_int_eq(X509_check_ca(certificate), 0);
	ck_assert_uint_eq(X509_get_key_usage(certificate), f->usage);
	ck_assert_uint_eq(X509_get_extended_key_usage(certificate), f->extended);
	check_extended(f, X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL));
	ck_assert_int_eq(x509_self_signed(&id, f->slot, half, 30, &signer, &other, &why), DONE);
	ck_assert_msg(ASN1_INTEGER_cmp(
			  X509_get0_serialNumber(certificate), X509_get0_serialNumber(other)) != 0,
	    "two serial numbers");
	X509_free(other);
	X509_free(certificate);
	identity_clear(&id);
	EVP_PKEY_free(half);
	EVP_PKEY_free(software.key);
}
END_TEST

/* A hundred years go beyond what UTCTime can say. */
START_TEST(test_long_life)
{
	struct software software = { .key = key_new("P-256") };
	const struct signer signer = { .sign = software_sign, .context = &software };
	X509 *certificate = NULL;
	struct identity id;

	identity_of(&forms[0], &id);
	ck_assert_int_eq(
	    x509_self_signed(&id, 0x9a, software.key, 36500, &signer, &certificate, NULL), DONE);
	ck_assert_int_eq(ASN1_STRING_type(X509_get0_notAfter(certificate)), V_ASN1_GENERALIZEDTIME);
	ck_assert_int_eq(ASN1_STRING_type(X509_get0_notBefore(certificate)), V_ASN1_UTCTIME);
	X509_free(certificate);
	identity_clear(&id);
	EVP_PKEY_free(software.key);
}
END_TEST

/* What a signer says is passed on; what it signs wrongly never goes out. */
START_TEST(test_bad_signer)
{
	static const struct {
		enum breakage breakage;
		enum outcome outcome;
		const char *fault;
	} rows[] = {
		{ REFUSES, WRONG_SECRET, "no" },
		{ LIES, FAILED, "is wrong" },
		{ SAYS_TOO_MUCH, FAILED, "does not fit" },
	};
	struct software software = { .key = key_new("P-256") };
	const struct signer signer = { .sign = software_sign, .context = &software };
	X509 *certificate = NULL;
	X509_REQ *request = NULL;
	struct identity id;
	size_t i;

	identity_of(&forms[0], &id);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct failure why = { "" }, again = { "" };

		software.breakage = rows[i].breakage;
		ck_assert_int_eq(x509_request(&id, 0x9a, software.key, &signer, &request, &why),
		    rows[i].outcome);
		ck_assert_ptr_nonnull(strstr(why.text, rows[i].fault));
		ck_assert_int_eq(
		    x509_self_signed(&id, 0x9a, software.key, 1, &signer, &certificate, &again),
		    rows[i].outcome);
		ck_assert_ptr_nonnull(strstr(again.text, rows[i].fault));
		ck_assert(request == NULL && certificate == NULL);
	}
	identity_clear(&id);
	EVP_PKEY_free(software.key);
}
END_TEST

/* ---- files of certificates ---- */

static X509 *
certificate_of(EVP_PKEY *key)
{
	struct software software = { .key = key };
	const struct signer signer = { .sign = software_sign, .context = &software };
	X509 *certificate = NULL;
	struct identity id;

	identity_of(&forms[0], &id);
	ck_assert_int_eq(x509_self_signed(&id, 0x9a, key, 30, &signer, &certificate, NULL), DONE);
	identity_clear(&id);
	return certificate;
}

enum file {
	MINE,
	OTHERS,
	CHAIN,
	TEXT_BEFORE,
	KEY_BEFORE,
	NONE,
	EMPTY,
	BINARY,
	DER_MINE,
	DER_OTHERS,
	DER_MORE,
	DER_CUT,
	CUT,
	HUGE
};

/* Append what a row asks for. */
static void
write_file(BIO *out, enum file what, X509 *mine, X509 *others, EVP_PKEY *key)
{
	static const char passphrase[] = "x";
	char *data;
	int i;

	switch (what) {
	case TEXT_BEFORE:
		(void)BIO_puts(out, "Certificate:\r\n    Data: -----\r\n");
		(void)PEM_write_bio_X509(out, mine);
		break;
	case KEY_BEFORE:
		(void)PEM_write_bio_PKCS8PrivateKey(
		    out, key, EVP_aes_128_cbc(), passphrase, 1, NULL, NULL);
		(void)PEM_write_bio_X509(out, mine);
		break;
	case CHAIN:
		(void)PEM_write_bio_X509(out, others);
		(void)PEM_write_bio_X509(out, mine);
		(void)PEM_write_bio_X509(out, others);
		break;
	case MINE:
		(void)PEM_write_bio_X509(out, mine);
		break;
	case OTHERS:
		(void)PEM_write_bio_X509(out, others);
		break;
	case NONE:
		(void)PEM_write_bio_PUBKEY(out, key);
		break;
	case EMPTY:
		break;
	case BINARY:
		(void)BIO_write(out, "\x30\x82\xff\xff\x00", 5);
		break;
	case DER_MINE:
		(void)i2d_X509_bio(out, mine);
		break;
	case DER_OTHERS:
		(void)i2d_X509_bio(out, others);
		break;
	case DER_MORE:
		(void)i2d_X509_bio(out, mine);
		(void)BIO_puts(out, "x");
		break;
	case DER_CUT:
	case CUT:
		(void)(what == CUT ? PEM_write_bio_X509(out, mine) : i2d_X509_bio(out, mine));
		ck_assert_int_gt(BIO_read(out, (char[40]){ 0 }, 40), 0);
		ck_assert_int_gt(BIO_get_mem_data(out, &data), 0);
		break;
	case HUGE:
		for (i = 0; i < 200; i++)
			(void)PEM_write_bio_X509(out, mine);
		break;
	}
}

START_TEST(test_find)
{
	static const struct {
		enum file file;
		const char *fault; /* NULL: found */
	} rows[] = {
		{ MINE, NULL },
		{ CHAIN, NULL },
		{ TEXT_BEFORE, NULL },
		{ KEY_BEFORE, NULL },
		{ DER_MINE, NULL },
		{ OTHERS, "no certificate of the key" },
		{ DER_OTHERS, "no certificate of the key" },
		{ NONE, "no certificate in PEM" },
		{ EMPTY, "no certificate in PEM" },
		{ BINARY, "no certificate in PEM" },
		{ DER_MORE, "no certificate in PEM" },
		{ DER_CUT, "no certificate in PEM" },
		{ CUT, "no certificate in PEM" },
		{ HUGE, "too long" },
	};
	EVP_PKEY *key = key_new("P-256"), *other = key_new("P-256");
	X509 *mine = certificate_of(key), *others = certificate_of(other), *found;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		BIO *out = BIO_new(BIO_s_mem());
		struct failure why = { "" };
		uint8_t *exact;
		char *data;
		long n;

		write_file(out, rows[i].file, mine, others, key);
		n = BIO_get_mem_data(out, &data);
		/* exactly as long, for the sanitizers */
		exact = malloc(n != 0 ? (size_t)n : 1);
		if (n != 0)
			memcpy(exact, data, (size_t)n);
		found = NULL;
		ck_assert_msg((x509_find(rbuf_of(exact, (size_t)n), key, &found, &why) == DONE) ==
				  (rows[i].fault == NULL),
		    "row %zu: %s", i, why.text);
		if (rows[i].fault == NULL)
			ck_assert_int_eq(X509_cmp(found, mine), 0);
		else
			ck_assert_msg(found == NULL && strstr(why.text, rows[i].fault) != NULL,
			    "row %zu: %s", i, why.text);
		X509_free(found);
		free(exact);
		BIO_free(out);
	}
	X509_free(mine);
	X509_free(others);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("x509");
	TCase *names = tcase_create("names"), *made = tcase_create("made");

	tcase_add_rows(names, test_good_subject, good_subjects);
	tcase_add_rows(names, test_bad_subject, bad_subjects);
	tcase_add_rows(names, test_good_alt_name, good_alt_names);
	tcase_add_rows(names, test_bad_alt_name, bad_alt_names);
	tcase_add_test(names, test_too_long);
	suite_add_tcase(suite, names);
	tcase_set_timeout(made, 30);
	tcase_add_rows(made, test_request, forms);
	tcase_add_rows(made, test_self_signed, forms);
	tcase_add_test(made, test_long_life);
	tcase_add_test(made, test_bad_signer);
	tcase_add_test(made, test_find);
	suite_add_tcase(suite, made);
	return suite_run(suite);
}
