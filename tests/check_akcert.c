/* SPDX-License-Identifier: BSD-2-Clause */
/* An attestation CA's files, and the certificate it gives an AK. */
#include "tests/scratch.h"
#include "tests/suite.h"
#include "tools/akcert.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CA, ROOT, EK, AK, OTHER, KEYS };
static EVP_PKEY *keys[KEYS];

/* ---- certificates as they come ---- */

static void
add_extension(X509 *to, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, to, to, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ck_assert_msg(extension != NULL, "%s", value);
	ck_assert_int_eq(X509_add_ext(to, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static X509 *
make(int key, const char *subject, int by, const char *issuer, int days)
{
	X509 *certificate = X509_new();

	ck_assert_int_eq(X509_set_version(certificate, X509_VERSION_3), 1);
	ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7), 1);
	ck_assert_int_eq(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN",
			     MBSTRING_UTF8, (const unsigned char *)subject, -1, -1, 0),
	    1);
	ck_assert_int_eq(X509_NAME_add_entry_by_txt(X509_get_issuer_name(certificate), "CN",
			     MBSTRING_UTF8, (const unsigned char *)issuer, -1, -1, 0),
	    1);
	ck_assert_ptr_nonnull(X509_time_adj_ex(X509_getm_notBefore(certificate), -30, 0, NULL));
	ck_assert_ptr_nonnull(X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, NULL));
	ck_assert_int_eq(X509_set_pubkey(certificate, keys[key]), 1);
	if (key == CA || key == ROOT) {
		add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
		add_extension(certificate, NID_key_usage, "critical,keyCertSign");
		add_extension(certificate, NID_subject_key_identifier, "hash");
	}
	ck_assert_int_gt(X509_sign(certificate, keys[by], EVP_sha256()), 0);
	return certificate;
}

/* Give an EK's certificate the name of its TPM; attributes: how many of the three. */
static void
name_tpm(X509 *ek, size_t attributes)
{
	static const char *const oids[] = { "2.23.133.2.3", "2.23.133.2.2", "2.23.133.2.1" };
	static const char *const values[] = { "id:20191023", "swtpm", "id:00001014" };
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *name = GENERAL_NAME_new();
	X509_NAME *tpm = X509_NAME_new();
	size_t i;

	for (i = 0; i < attributes; i++)
		ck_assert_int_eq(X509_NAME_add_entry_by_txt(tpm, oids[i], MBSTRING_UTF8,
				     (const unsigned char *)values[i], -1, -1, 0),
		    1);
	GENERAL_NAME_set0_value(name, GEN_DIRNAME, tpm);
	ck_assert_int_ne(sk_GENERAL_NAME_push(names, name), 0);
	ck_assert_int_eq(X509_add1_ext_i2d(ek, NID_subject_alt_name, names, 1, 0), 1);
	ck_assert_int_gt(X509_sign(ek, keys[OTHER], EVP_sha256()), 0);
	GENERAL_NAMES_free(names);
}

static void
save(const char *name, X509 *const certificates[], size_t count, const EVP_PKEY *key,
    const EVP_CIPHER *cipher)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	size_t i;
	long len;

	for (i = 0; i < count; i++)
		ck_assert_int_eq(PEM_write_bio_X509(bio, certificates[i]), 1);
	if (key != NULL)
		ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(
				     bio, key, cipher, "word", cipher != NULL ? 4 : 0, NULL, NULL),
		    1);
	len = BIO_get_mem_data(bio, &data);
	scratch_write(name, rbuf_of(data, (size_t)len), 0600);
	BIO_free(bio);
}

static X509 *ca, *root, *ek;

static void
setup(void)
{
	X509 *chain[2];
	int i;

	scratch_setup();
	for (i = 0; i < KEYS; i++)
		keys[i] = EVP_EC_gen("P-256");
	ca = make(CA, "CA", ROOT, "Root", 100);
	root = make(ROOT, "Root", ROOT, "Root", 200);
	ek = make(EK, "EK", OTHER, "Maker", 100);
	chain[0] = ca;
	chain[1] = root;
	save("ca.pem", chain, 2, NULL, NULL);
	save("ca.key", NULL, 0, keys[CA], NULL);
}

static void
teardown(void)
{
	int i;

	X509_free(ca);
	X509_free(root);
	X509_free(ek);
	for (i = 0; i < KEYS; i++)
		EVP_PKEY_free(keys[i]);
	scratch_teardown();
}

/* ---- its files ---- */

static enum outcome
read_ca(const char *certificates, const char *key, struct failure *why)
{
	char path[4096];
	struct authority a;
	enum outcome outcome;

	(void)snprintf(path, sizeof path, "%s", scratch_path(certificates));
	outcome = authority_read(path, scratch_path(key), &a, why);
	ck_assert(outcome != DONE || (a.key != NULL && a.count == 1));
	authority_clear(&a);
	ck_assert_uint_eq(a.count, 0);
	return outcome;
}

START_TEST(files)
{
	X509 *expired = make(CA, "CA", ROOT, "Root", -1), *leaf = make(OTHER, "X", CA, "CA", 9);
	X509 *many[] = { ca, ca, ca, ca, ca, ca };
	const struct {
		const char *why, *certificates, *key, *wanted;
	} rows[] = {
		{ "as it should be", "ca.pem", "ca.key", NULL },
		{ "no file", "nothing.pem", "ca.key", "nothing.pem" },
		{ "no key", "ca.pem", "nothing.key", "nothing.key" },
		{ "a key for a certificate", "ca.key", "ca.key", "has no certificate" },
		{ "a certificate for a key", "ca.pem", "ca.pem", "no private key" },
		{ "another key", "ca.pem", "other.key", "not the key of" },
		{ "a key with a password", "ca.pem", "locked.key", "with a password" },
		{ "a key for all to read", "ca.pem", "open.key", "chmod 600" },
		{ "no CA", "leaf.pem", "other.key", "not a CA's" },
		{ "a CA of yesterday", "expired.pem", "ca.key", "expired" },
		{ "too many", "many.pem", "ca.key", "or more than 5" },
	};
	size_t i;

	save("other.key", NULL, 0, keys[OTHER], NULL);
	save("open.key", NULL, 0, keys[CA], NULL);
	ck_assert_int_eq(chmod(scratch_path("open.key"), 0640), 0);
	save("locked.key", NULL, 0, keys[CA], EVP_aes_256_cbc());
	save("leaf.pem", &leaf, 1, NULL, NULL);
	save("expired.pem", &expired, 1, NULL, NULL);
	save("many.pem", many, 6, NULL, NULL);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct failure why = { "" };
		const enum outcome outcome = read_ca(rows[i].certificates, rows[i].key, &why);

		ck_assert_msg(
		    (outcome == DONE) == (rows[i].wanted == NULL), "%s: %s", rows[i].why, why.text);
		ck_assert_msg(rows[i].wanted == NULL || strstr(why.text, rows[i].wanted) != NULL,
		    "%s: %s", rows[i].why, why.text);
	}
	X509_free(expired);
	X509_free(leaf);
}
END_TEST

/* ---- what it makes ---- */

static void
put_number(struct wbuf *out, const char *name)
{
	uint8_t octets[32];
	BIGNUM *number = NULL;

	ck_assert_int_eq(EVP_PKEY_get_bn_param(keys[AK], name, &number), 1);
	ck_assert_int_eq(BN_bn2binpad(number, octets, 32), 32);
	wbuf_u16(out, 32);
	wbuf_put(out, rbuf_of(octets, 32));
	BN_free(number);
}

/* An AK's TPMT_PUBLIC (TCG TPM 2.0 Part 2, 12.2.4). */
static struct rbuf
ak_area(void)
{
	static uint8_t octets[256];
	struct wbuf out = wbuf_over(octets, sizeof octets);

	wbuf_u16(&out, 0x0023);
	wbuf_u16(&out, 0x000b);
	wbuf_u32(&out, 0x00050432);
	wbuf_u16(&out, 32);
	wbuf_fill(&out, 0xa5, 32);
	wbuf_u16(&out, 0x0010);
	wbuf_u16(&out, 0x0018);
	wbuf_u16(&out, 0x000b);
	wbuf_u16(&out, 0x0003);
	wbuf_u16(&out, 0x0010);
	put_number(&out, OSSL_PKEY_PARAM_EC_PUB_X);
	put_number(&out, OSSL_PKEY_PARAM_EC_PUB_Y);
	ck_assert(wbuf_ok(&out));
	return wbuf_view(&out);
}

static enum outcome
certify(unsigned days, X509 **out, struct failure *why)
{
	char path[4096];
	struct authority a;
	enum outcome outcome;

	(void)snprintf(path, sizeof path, "%s", scratch_path("ca.pem"));
	ck_assert_int_eq(authority_read(path, scratch_path("ca.key"), &a, why), DONE);
	outcome = authority_certify(&a, ek, ak_area(), days, out, why);
	authority_clear(&a);
	return outcome;
}

/* How OpenSSL prints an extension; whether it is critical. */
static void
is_extension(const X509 *certificate, const char *oid, bool critical, const char *wanted)
{
	ASN1_OBJECT *type = OBJ_txt2obj(oid, 0);
	const int at = X509_get_ext_by_OBJ(certificate, type, -1);
	X509_EXTENSION *extension = at >= 0 ? X509_get_ext(certificate, at) : NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;

	ck_assert_msg(extension != NULL, "%s", oid);
	ck_assert_int_eq(X509_EXTENSION_get_critical(extension) != 0, critical);
	ck_assert_int_eq(X509V3_EXT_print(bio, extension, X509V3_EXT_DUMP_UNKNOWN, 0), 1);
	ck_assert_int_eq(BIO_write(bio, "", 1), 1);
	(void)BIO_get_mem_data(bio, &text);
	ck_assert_msg(strstr(text, wanted) != NULL, "%s: %s", oid, text);
	BIO_free(bio);
	ASN1_OBJECT_free(type);
}

START_TEST(a_certificate)
{
	struct failure why = { "" };
	X509 *made = NULL;
	BIGNUM *serial;
	int days = 0, seconds = 0;

	name_tpm(ek, 3);
	ck_assert_msg(certify(30, &made, &why) == DONE, "%s", why.text);
	ck_assert_int_eq(X509_get_version(made), X509_VERSION_3);
	ck_assert_int_eq(X509_verify(made, keys[CA]), 1);
	ck_assert_int_eq(X509_check_issued(ca, made), X509_V_OK);
	ck_assert_int_eq(X509_NAME_entry_count(X509_get_subject_name(made)), 0);
	ck_assert_int_eq(EVP_PKEY_eq(X509_get0_pubkey(made), keys[AK]), 1);
	ck_assert_int_eq(X509_check_ca(made), 0);
	is_extension(made, "basicConstraints", true, "CA:FALSE");
	is_extension(made, "keyUsage", true, "Digital Signature");
	is_extension(made, "extendedKeyUsage", false, "2.23.133.8.3");
	/* In the order of the profile, whatever the EK's certificate has. */
	is_extension(made, "subjectAltName", true,
	    "DirName:/2.23.133.2.1=id:00001014/2.23.133.2.2=swtpm/2.23.133.2.3=id:20191023");
	is_extension(made, OID_SEEN_EK, false, "");
	is_extension(made, "authorityKeyIdentifier", false, "");
	is_extension(made, "subjectKeyIdentifier", false, "");
	serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(made), NULL);
	ck_assert_int_eq(BN_num_bits(serial), 127);
	BN_free(serial);
	ck_assert_int_lt(X509_cmp_current_time(X509_get0_notBefore(made)), 0);
	ck_assert_int_eq(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(made)), 1);
	ck_assert_int_eq(days + (seconds + 43200) / 86400, 30);
	X509_free(made);
}
END_TEST

START_TEST(which_ek)
{
	struct failure why = { "" }, other = { "" };
	uint8_t octets[2][1024];
	struct wbuf area[2] = { wbuf_over(octets[0], 1024), wbuf_over(octets[1], 1024) };
	const int of[2] = { EK, OTHER };
	unsigned char *der;
	X509 *made = NULL;
	bool says = false;
	int i, len;

	name_tpm(ek, 3);
	ck_assert_int_eq(certify(30, &made, &why), DONE);
	for (i = 0; i < 2; i++) {
		der = NULL;
		len = i2d_PUBKEY(keys[of[i]], &der);
		ck_assert(evidence_ek_area(rbuf_of(der, (size_t)len), &area[i]));
		OPENSSL_free(der);
	}
	ck_assert_msg(
	    chain_seen_ek(made, wbuf_view(&area[0]), &says, &why) && says, "%s", why.text);
	ck_assert(!chain_seen_ek(made, wbuf_view(&area[1]), &says, &other));
	X509_free(made);
}
END_TEST

START_TEST(no_longer_than_the_ca)
{
	struct failure why = { "" };
	X509 *made = NULL;

	name_tpm(ek, 3);
	ck_assert_int_eq(certify(36500, &made, &why), DONE);
	ck_assert_int_eq(ASN1_TIME_compare(X509_get0_notAfter(made), X509_get0_notAfter(ca)), 0);
	X509_free(made);
}
END_TEST

/* Without a name, or with part of one. */
START_TEST(a_tpm_without_a_name)
{
	struct failure why = { "" };
	X509 *made = NULL;

	if (_i < 3)
		name_tpm(ek, (size_t)_i);
	ck_assert_int_eq(certify(30, &made, &why), FAILED);
	ck_assert_ptr_null(made);
	ck_assert_ptr_nonnull(strstr(why.text, "does not name its TPM"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("akcert");
	TCase *tcase = tcase_create("akcert");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, files);
	tcase_add_test(tcase, a_certificate);
	tcase_add_test(tcase, which_ek);
	tcase_add_test(tcase, no_longer_than_the_ca);
	tcase_add_loop_test(tcase, a_tpm_without_a_name, 0, 4);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
