/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/akcert.h"

#include "tools/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERIAL_OCTETS 16
#define SLACK_S       300 /* clocks differ */
#define KEY_OCTETS    512 /* a SubjectPublicKeyInfo of P-256 has 91 */
#define DIGEST_OCTETS 32

/* ---- files ---- */

static bool
push(struct authority *a, X509 *certificate)
{
	if (certificate == NULL || a->count == sizeof a->certificate / sizeof a->certificate[0])
		return false;
	a->certificate[a->count] = certificate;
	a->count++;
	return true;
}

static bool
signs_itself(X509 *certificate)
{
	return X509_check_issued(certificate, certificate) == X509_V_OK;
}

/* A root goes with nobody's chain: whoever trusts it has it. */
static bool
read_certificates(BIO *in, struct authority *out)
{
	X509 *certificate;

	while ((certificate = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
		if (out->count != 0 && signs_itself(certificate)) {
			X509_free(certificate);
		} else if (!push(out, certificate)) {
			X509_free(certificate);
			return false;
		}
	}
	ERR_clear_error(); /* the end of the text is an error to it */
	return out->count != 0;
}

static enum outcome
read_chain(const char *path, struct authority *out, struct failure *why)
{
	uint8_t *octets = malloc(CHAIN_FILE_MAX);
	enum outcome outcome = FAILED;
	struct wbuf file;
	BIO *bio = NULL;

	if (octets == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	file = wbuf_over(octets, CHAIN_FILE_MAX);
	outcome = file_read(path, &file, why);
	if (outcome == DONE) {
		bio = BIO_new_mem_buf(octets, (int)file.len);
		if (bio == NULL || !wbuf_ok(&file) || !read_certificates(bio, out)) {
			fail(why, "%s: it has no certificate (PEM), or more than %d", path,
			    1 + EVIDENCE_CHAIN_MAX);
			outcome = FAILED;
		}
	}
	BIO_free(bio);
	free(octets);
	return outcome;
}

/* A password would have to come from somewhere; nobody is asked for one. */
static int
no_password(char *text, int size, int writing, void *context)
{
	(void)text;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

/* Others' eyes on this key make anybody's TPM a good one. */
static bool
is_private(int fd, const char *path, struct failure *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		fail(why, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		fail(why, "%s: it is not a file", path);
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		fail(why, "%s: it belongs to somebody else", path);
	else if ((st.st_mode & 077) != 0)
		fail(why, "%s: others than its owner may open it: chmod 600", path);
	else
		return true;
	return false;
}

static enum outcome
read_key(const char *path, EVP_PKEY **out, struct failure *why)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	BIO *bio = NULL;

	if (fd < 0) {
		fail(why, "%s: %s", path, strerror(errno));
		return errno == EACCES ? NOT_PERMITTED : FAILED;
	}
	if (is_private(fd, path, why)) {
		bio = BIO_new_fd(fd, BIO_NOCLOSE);
		*out = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
		if (*out == NULL)
			fail(why, "%s: it has no private key (PEM), or one with a password", path);
	}
	ERR_clear_error();
	BIO_free(bio);
	(void)close(fd);
	return *out != NULL ? DONE : FAILED;
}

enum outcome
authority_read(
    const char *certificates, const char *key, struct authority *out, struct failure *why)
{
	enum outcome outcome;

	*out = (struct authority){ .key = NULL };
	outcome = read_chain(certificates, out, why);
	if (outcome == DONE)
		outcome = read_key(key, &out->key, why);
	if (outcome != DONE)
		return outcome;
	if (X509_check_private_key(out->certificate[0], out->key) != 1)
		fail(why, "%s is not the key of the first certificate in %s", key, certificates);
	else if (X509_check_ca(out->certificate[0]) != 1)
		fail(why, "%s: the first certificate is not a CA's", certificates);
	else if (X509_cmp_current_time(X509_get0_notAfter(out->certificate[0])) < 0)
		fail(why, "%s: the first certificate has expired", certificates);
	else
		return DONE;
	ERR_clear_error();
	return FAILED;
}

void
authority_clear(struct authority *a)
{
	while (a->count != 0) {
		a->count--;
		X509_free(a->certificate[a->count]);
	}
	EVP_PKEY_free(a->key); /* which wipes it */
	a->key = NULL;
}

/* ---- extensions ---- */

static bool
add(X509 *to, int nid, void *value, bool critical)
{
	return value != NULL &&
	       X509_add1_ext_i2d(to, nid, value, critical, X509V3_ADD_DEFAULT) == 1;
}

/* What a TPM is called: TCG EK Credential Profile, 3.1.2; as strings the EK's certificate has. */
static const char *const tpm_attributes[] = { "2.23.133.2.1", "2.23.133.2.2", "2.23.133.2.3" };

static bool
copy_attribute(const X509_NAME *from, const char *oid, X509_NAME *to)
{
	ASN1_OBJECT *type = OBJ_txt2obj(oid, 1);
	const X509_NAME_ENTRY *entry = NULL;
	const ASN1_STRING *value;
	bool ok = false;
	int at;

	at = type != NULL ? X509_NAME_get_index_by_OBJ(from, type, -1) : -1;
	if (at >= 0)
		entry = X509_NAME_get_entry(from, at);
	value = entry != NULL ? X509_NAME_ENTRY_get_data(entry) : NULL;
	if (value != NULL)
		ok = X509_NAME_add_entry_by_OBJ(to, type, ASN1_STRING_type(value),
			 ASN1_STRING_get0_data(value), ASN1_STRING_length(value), -1, 0) == 1;
	ASN1_OBJECT_free(type);
	return ok;
}

/* The TPM's name out of an EK's certificate; NULL when it has none. */
static X509_NAME *
tpm_name(const X509 *ek)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(ek, NID_subject_alt_name, NULL, NULL);
	X509_NAME *out = X509_NAME_new();
	bool whole = false;
	size_t a;
	int i;

	for (i = 0; out != NULL && !whole && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		whole = name->type == GEN_DIRNAME && X509_NAME_entry_count(out) == 0;
		for (a = 0; whole && a < sizeof tpm_attributes / sizeof tpm_attributes[0]; a++)
			whole = copy_attribute(name->d.directoryName, tpm_attributes[a], out);
	}
	GENERAL_NAMES_free(names);
	if (whole)
		return out;
	X509_NAME_free(out);
	return NULL;
}

/* Critical, since there is no subject beside it (RFC 5280, 4.2.1.6). */
static bool
add_tpm_name(X509 *to, const X509 *ek, struct failure *why)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *name = GENERAL_NAME_new();
	X509_NAME *tpm = tpm_name(ek);
	bool ok = false;

	if (tpm == NULL) {
		fail(why, "the EK's certificate does not name its TPM (subjectAltName: "
			  "manufacturer, model and version)");
	} else if (names != NULL && name != NULL) {
		GENERAL_NAME_set0_value(name, GEN_DIRNAME, tpm);
		tpm = NULL;
		if (sk_GENERAL_NAME_push(names, name) != 0) {
			name = NULL;
			ok = add(to, NID_subject_alt_name, names, true);
		}
	}
	X509_NAME_free(tpm);
	GENERAL_NAME_free(name);
	GENERAL_NAMES_free(names);
	return ok;
}

static bool
add_usage(X509 *to)
{
	BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new(); /* CA:FALSE */
	EXTENDED_KEY_USAGE *extended = sk_ASN1_OBJECT_new_null();
	ASN1_OBJECT *purpose = OBJ_txt2obj(OID_AK_CERTIFICATE, 1);
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
	bool ok;

	ok = add(to, NID_basic_constraints, constraints, true) && bits != NULL &&
	     ASN1_BIT_STRING_set_bit(bits, 0, 1) == 1 && /* digitalSignature */
	     add(to, NID_key_usage, bits, true) && extended != NULL && purpose != NULL &&
	     sk_ASN1_OBJECT_push(extended, purpose) != 0;
	if (ok) {
		purpose = NULL;
		ok = add(to, NID_ext_key_usage, extended, false);
	}
	ASN1_OBJECT_free(purpose);
	ASN1_BIT_STRING_free(bits);
	EXTENDED_KEY_USAGE_free(extended);
	BASIC_CONSTRAINTS_free(constraints);
	return ok;
}

/* Which EK the CA saw: SHA-256 of its SubjectPublicKeyInfo. */
static bool
add_seen(X509 *to, const X509 *ek)
{
	ASN1_OCTET_STRING *digest = ASN1_OCTET_STRING_new(), *value = ASN1_OCTET_STRING_new();
	unsigned char octets[DIGEST_OCTETS], *key = NULL, *der = NULL;
	const int key_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(ek), &key);
	X509_EXTENSION *extension = NULL;
	ASN1_OBJECT *type = OBJ_txt2obj(OID_SEEN_EK, 1);
	bool ok = false;
	int len = -1;

	if (digest != NULL && value != NULL && type != NULL && key_len > 0 &&
	    EVP_Digest(key, (size_t)key_len, octets, NULL, EVP_sha256(), NULL) == 1 &&
	    ASN1_OCTET_STRING_set(digest, octets, sizeof octets) == 1)
		len = i2d_ASN1_OCTET_STRING(digest, &der);
	if (len > 0 && ASN1_OCTET_STRING_set(value, der, len) == 1)
		extension = X509_EXTENSION_create_by_OBJ(NULL, type, 0, value);
	if (extension != NULL)
		ok = X509_add_ext(to, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	ASN1_OBJECT_free(type);
	OPENSSL_free(der);
	OPENSSL_free(key);
	ASN1_OCTET_STRING_free(value);
	ASN1_OCTET_STRING_free(digest);
	return ok;
}

/* Ours by the key's digest, and the CA's as its own certificate says. */
static bool
add_key_ids(X509 *to, X509 *by)
{
	const ASN1_OCTET_STRING *theirs = X509_get0_subject_key_id(by);
	ASN1_OCTET_STRING *ours = ASN1_OCTET_STRING_new();
	AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	bool ok;

	ok = ours != NULL && X509_pubkey_digest(to, EVP_sha1(), digest, &len) == 1 &&
	     ASN1_OCTET_STRING_set(ours, digest, (int)len) == 1 &&
	     add(to, NID_subject_key_identifier, ours, false);
	if (ok && theirs != NULL) {
		ok = authority != NULL;
		if (ok) {
			authority->keyid = ASN1_OCTET_STRING_dup(theirs);
			ok = authority->keyid != NULL &&
			     add(to, NID_authority_key_identifier, authority, false);
		}
	}
	AUTHORITY_KEYID_free(authority);
	ASN1_OCTET_STRING_free(ours);
	return ok;
}

/* ---- the certificate ---- */

static bool
set_serial(X509 *certificate)
{
	unsigned char octets[SERIAL_OCTETS];
	ASN1_INTEGER *serial = NULL;
	BIGNUM *number = NULL;
	bool ok = false;

	if (RAND_bytes(octets, sizeof octets) == 1)
		number = BN_bin2bn(octets, sizeof octets, NULL);
	/* Positive, and never too short to be unique. */
	if (number != NULL && BN_clear_bit(number, SERIAL_OCTETS * 8 - 1) >= 0 &&
	    BN_set_bit(number, SERIAL_OCTETS * 8 - 2) == 1)
		serial = BN_to_ASN1_INTEGER(number, NULL);
	if (serial != NULL)
		ok = X509_set_serialNumber(certificate, serial) == 1;
	ASN1_INTEGER_free(serial);
	BN_free(number);
	return ok;
}

static bool
set_dates(X509 *certificate, unsigned days, const X509 *by)
{
	const ASN1_TIME *last = X509_get0_notAfter(by);

	if (X509_gmtime_adj(X509_getm_notBefore(certificate), -SLACK_S) == NULL ||
	    X509_time_adj_ex(X509_getm_notAfter(certificate), (int)days, 0, NULL) == NULL)
		return false;
	if (ASN1_TIME_compare(X509_get0_notAfter(certificate), last) > 0)
		return X509_set1_notAfter(certificate, last) == 1;
	return true;
}

static bool
set_key(X509 *certificate, struct rbuf area)
{
	unsigned char octets[KEY_OCTETS];
	struct wbuf der = wbuf_over(octets, sizeof octets);
	const unsigned char *at = octets;
	EVP_PKEY *key = NULL;
	bool ok;

	if (evidence_public_key(area, &der))
		key = d2i_PUBKEY(NULL, &at, (long)der.len);
	ok = key != NULL && X509_set_pubkey(certificate, key) == 1;
	EVP_PKEY_free(key);
	return ok;
}

/* A key of an Edwards curve has a digest of its own; for P-384 and larger SHA-384 fits. */
static const EVP_MD *
digest_for(const EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1)
		return NULL;
	return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_bits(key) > 256 ? EVP_sha384()
									     : EVP_sha256();
}

enum outcome
authority_certify(const struct authority *a, const X509 *ek, struct rbuf ak_area, unsigned days,
    X509 **out, struct failure *why)
{
	X509 *by = a->certificate[0];
	X509 *made = X509_new();
	bool ok;

	ok = made != NULL && X509_set_version(made, X509_VERSION_3) == 1 && set_serial(made) &&
	     X509_set_issuer_name(made, X509_get_subject_name(by)) == 1 &&
	     set_dates(made, days, by) && set_key(made, ak_area) && add_usage(made) &&
	     add_tpm_name(made, ek, why) && add_seen(made, ek) && add_key_ids(made, by) &&
	     X509_sign(made, a->key, digest_for(a->key)) > 0;
	ERR_clear_error();
	if (!ok) {
		fail(why, "the certificate cannot be made");
		X509_free(made);
		return FAILED;
	}
	*out = made;
	return DONE;
}
