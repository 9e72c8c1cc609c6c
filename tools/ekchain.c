/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/ekchain.h"

#include "tools/file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

/* OpenSSL's security level of 112 bits: RSA of 2048, SHA-224 and more. */
#define LEVEL 2

/* An area becomes a SubjectPublicKeyInfo of at most so many octets: RSA-4096 has 550. */
#define PUBLIC_MAX 1024

/* What is asked of the certificate at the chain's end. */
struct wanted {
	const char *what;  /* "the EK's certificate" */
	const char *usage; /* an OID */
	bool may_lack_usage;
	bool signs; /* its key usage, where there is one, must allow signatures */
	int spared; /* a critical extension that OpenSSL does not know */
};

static const struct wanted of_ek = { "the EK's certificate", OID_EK_CERTIFICATE, true, false,
	NID_subject_directory_attributes };
static const struct wanted of_ak = { "the AK's certificate", OID_AK_CERTIFICATE, false, true,
	NID_undef };

/* ---- roots ---- */

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

/* Add all certificates of a text.  False when one is broken. */
static bool
add_roots(BIO *in, X509_STORE *store, size_t *count)
{
	X509 *certificate;
	bool added = true;

	while (added && (certificate = PEM_read_bio_X509(in, NULL, no_passphrase, NULL)) != NULL) {
		added = X509_STORE_add_cert(store, certificate) == 1;
		X509_free(certificate);
		(*count)++;
	}
	/* The end of the text is an error to it. */
	return added && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

static X509_STORE *
store_of(struct rbuf text, const char **fault)
{
	BIO *in = BIO_new_mem_buf(text.data, (int)text.len);
	X509_STORE *store = X509_STORE_new();
	size_t count = 0;

	*fault = "out of memory";
	if (in != NULL && store != NULL) {
		if (!add_roots(in, store, &count))
			*fault = "a certificate in it is broken";
		else if (count == 0)
			*fault = "there is no certificate in it (-----BEGIN CERTIFICATE-----)";
		else
			*fault = NULL;
	}
	ERR_clear_error();
	BIO_free(in);
	if (*fault == NULL)
		return store;
	X509_STORE_free(store);
	return NULL;
}

enum outcome
chain_roots(const char *path, X509_STORE **out, struct failure *why)
{
	uint8_t *octets = malloc(CHAIN_FILE_MAX);
	struct wbuf text = wbuf_over(octets, octets != NULL ? CHAIN_FILE_MAX : 0);
	enum outcome outcome;
	const char *fault;

	*out = NULL;
	outcome = file_read(path, &text, why);
	if (outcome == DONE) {
		fault = "it is too long for a file of certificates";
		if (wbuf_ok(&text))
			*out = store_of(wbuf_view(&text), &fault);
		if (*out == NULL) {
			fail(why, "%s: %s", path, fault);
			outcome = FAILED;
		}
	}
	free(octets);
	return outcome;
}

/* ---- certificates and keys ---- */

X509 *
chain_parse(struct rbuf der)
{
	const unsigned char *at = der.data;
	X509 *certificate = NULL;

	if (der.len != 0 && der.len <= CHAIN_FILE_MAX)
		certificate = d2i_X509(NULL, &at, (long)der.len);
	if (certificate != NULL && at != der.data + der.len) {
		X509_free(certificate);
		certificate = NULL;
	}
	ERR_clear_error();
	return certificate;
}

static EVP_PKEY *
key_of(struct rbuf area)
{
	uint8_t octets[PUBLIC_MAX];
	struct wbuf der = wbuf_over(octets, sizeof octets);
	const unsigned char *at = octets;

	if (!evidence_public_key(area, &der) || !wbuf_ok(&der))
		return NULL;
	return d2i_PUBKEY(NULL, &at, (long)der.len);
}

static bool
is_for(const X509 *certificate, struct rbuf area)
{
	const EVP_PKEY *named = X509_get0_pubkey(certificate);
	EVP_PKEY *key = key_of(area);
	const bool same = named != NULL && key != NULL && EVP_PKEY_eq(named, key) == 1;

	EVP_PKEY_free(key);
	ERR_clear_error();
	return same;
}

bool
chain_is_for(struct rbuf der, struct rbuf area, struct failure *why)
{
	X509 *certificate = chain_parse(der);
	const bool same = certificate != NULL && is_for(certificate, area);

	if (certificate == NULL)
		fail(why, "is no certificate");
	else if (!same)
		fail(why, "is for another key");
	X509_free(certificate);
	return same;
}

/* ---- chains ---- */

/* Whether OpenSSL knows all critical extensions but, perhaps, one. */
static bool
spared(const X509 *certificate, int but)
{
	int i;

	for (i = 0; i < X509_get_ext_count(certificate); i++) {
		X509_EXTENSION *extension = X509_get_ext(certificate, i);

		if (X509_EXTENSION_get_critical(extension) == 1 &&
		    X509_supported_extension(extension) == 0 &&
		    OBJ_obj2nid(X509_EXTENSION_get_object(extension)) != but)
			return false;
	}
	return true;
}

/* Overrules OpenSSL in one thing; else it has said so already. */
static int
judge(int fine, X509_STORE_CTX *context)
{
	const struct wanted *wanted = X509_STORE_CTX_get_app_data(context);

	if (fine == 1)
		return 1;
	if (X509_STORE_CTX_get_error(context) == X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION &&
	    X509_STORE_CTX_get_error_depth(context) == 0 && wanted->spared != NID_undef &&
	    spared(X509_STORE_CTX_get_current_cert(context), wanted->spared)) {
		X509_STORE_CTX_set_error(context, X509_V_OK);
		return 1;
	}
	return 0;
}

static void
say_why(const X509_STORE_CTX *context, const struct wanted *wanted, struct failure *why)
{
	const int error = X509_STORE_CTX_get_error(context);
	const int depth = X509_STORE_CTX_get_error_depth(context);

	switch (error) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		fail(
		    why, "%s leads to none of the authorities that are trusted here", wanted->what);
		break;
	default:
		if (depth == 0)
			fail(why, "%s: %s", wanted->what, X509_verify_cert_error_string(error));
		else
			fail(why, "%s, in the %d. certificate above it: %s", wanted->what, depth,
			    X509_verify_cert_error_string(error));
	}
}

static bool
stack_of(const struct chain *chain, STACK_OF(X509) * above)
{
	X509 *certificate;
	size_t i;

	for (i = 0; i < EVIDENCE_CHAIN_MAX && chain->above[i].len != 0; i++) {
		certificate = chain_parse(chain->above[i]);
		if (certificate == NULL || sk_X509_push(above, certificate) == 0) {
			X509_free(certificate);
			return false;
		}
	}
	return true;
}

/* Whether it leads to a root today; purposes are the caller's. */
static bool
leads_up(X509 *certificate, STACK_OF(X509) * above, X509_STORE *roots, const struct wanted *wanted,
    struct failure *why)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	struct wanted mine = *wanted;
	X509_VERIFY_PARAM *param;
	bool good = false;

	if (context == NULL || X509_STORE_CTX_init(context, roots, certificate, above) != 1) {
		fail(why, "out of memory");
		goto out;
	}
	param = X509_STORE_CTX_get0_param(context);
	(void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_auth_level(param, LEVEL);
	X509_STORE_CTX_set_verify_cb(context, judge);
	(void)X509_STORE_CTX_set_app_data(context, &mine);
	good = X509_verify_cert(context) == 1 && X509_STORE_CTX_get_error(context) == X509_V_OK;
	if (!good)
		say_why(context, wanted, why);
out:
	X509_STORE_CTX_free(context);
	ERR_clear_error();
	return good;
}

/* ---- what the key is for ---- */

/* Whether its extended key usages name one; *any becomes whether it has some. */
static bool
has_usage(const X509 *certificate, const char *oid, bool *any)
{
	EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
	ASN1_OBJECT *wanted = OBJ_txt2obj(oid, 1);
	bool has = false;
	int i;

	*any = usages != NULL || X509_get_ext_by_NID(certificate, NID_ext_key_usage, -1) >= 0;
	for (i = 0; i < sk_ASN1_OBJECT_num(usages) && wanted != NULL; i++)
		has = has || OBJ_cmp(sk_ASN1_OBJECT_value(usages, i), wanted) == 0;
	ASN1_OBJECT_free(wanted);
	EXTENDED_KEY_USAGE_free(usages);
	return has;
}

/* What is wrong with a certificate's own claims; NULL when nothing is. */
static const char *
fault_of(X509 *certificate, const struct wanted *wanted)
{
	bool any;

	if (X509_check_ca(certificate) != 0)
		return "is an authority's";
	if (!has_usage(certificate, wanted->usage, &any) && (any || !wanted->may_lack_usage))
		return "is for another use of its key (extended key usage)";
	/* Without that extension all bits are set. */
	if (wanted->signs && (X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) == 0)
		return "is not for a key that signs (key usage)";
	return NULL;
}

static bool
check(const struct chain *chain, struct rbuf area, X509_STORE *roots, const struct wanted *wanted,
    X509 **out, struct failure *why)
{
	STACK_OF(X509) *above = sk_X509_new_null();
	X509 *certificate = chain_parse(chain->certificate);
	const char *fault = NULL;
	bool good = false;

	if (above == NULL)
		fail(why, "out of memory");
	else if (certificate == NULL)
		fail(why, "%s is none", wanted->what);
	else if (!stack_of(chain, above))
		fail(why, "%s: one above it is no certificate", wanted->what);
	else if ((fault = fault_of(certificate, wanted)) != NULL)
		fail(why, "%s %s", wanted->what, fault);
	else if (!is_for(certificate, area))
		fail(why, "%s is for another key", wanted->what);
	else
		good = leads_up(certificate, above, roots, wanted, why);
	sk_X509_pop_free(above, X509_free);
	if (good && out != NULL)
		*out = certificate;
	else
		X509_free(certificate);
	return good;
}

bool
chain_check_ek(
    const struct chain *ek, struct rbuf ek_area, X509_STORE *roots, X509 **out, struct failure *why)
{
	return check(ek, ek_area, roots, &of_ek, out, why);
}

bool
chain_check_ak(
    const struct chain *ak, struct rbuf ak_area, X509_STORE *roots, X509 **out, struct failure *why)
{
	return check(ak, ak_area, roots, &of_ak, out, why);
}

/* ---- which EK the authority saw ---- */

/* The extension's OCTET STRING; NULL when there is none, or no such string in it. */
static ASN1_OCTET_STRING *
seen_ek(const X509 *ak, bool *says)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(OID_SEEN_EK, 1);
	const int at = oid != NULL ? X509_get_ext_by_OBJ(ak, oid, -1) : -1;
	const ASN1_OCTET_STRING *value;
	ASN1_OCTET_STRING *digest = NULL;
	const unsigned char *octets;

	*says = at >= 0;
	if (at >= 0) {
		value = X509_EXTENSION_get_data(X509_get_ext(ak, at));
		octets = ASN1_STRING_get0_data(value);
		digest = d2i_ASN1_OCTET_STRING(NULL, &octets, ASN1_STRING_length(value));
	}
	ASN1_OBJECT_free(oid);
	ERR_clear_error();
	return digest;
}

bool
chain_seen_ek(const X509 *ak, struct rbuf ek_area, bool *says, struct failure *why)
{
	uint8_t octets[PUBLIC_MAX], digest[EVP_MAX_MD_SIZE];
	struct wbuf der = wbuf_over(octets, sizeof octets);
	ASN1_OCTET_STRING *seen = seen_ek(ak, says);
	unsigned len = 0;
	bool same;

	same = seen != NULL && evidence_public_key(ek_area, &der) && wbuf_ok(&der) &&
	       EVP_Digest(octets, der.len, digest, &len, EVP_sha256(), NULL) == 1 &&
	       rbuf_eq(rbuf_of(digest, len),
		   rbuf_of(ASN1_STRING_get0_data(seen), (size_t)ASN1_STRING_length(seen)));
	if (*says && !same)
		fail(why, "the AK's certificate was given for another EK than this one");
	ASN1_OCTET_STRING_free(seen);
	return !*says || same;
}
