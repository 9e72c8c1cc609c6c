/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains of certificates: a maker's and an attestation CA's, made here, and
 * what resembles one.
 */
#include "tests/recipe.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#define DER_MAX 4096

/* ---- keys and certificates, made once ---- */

enum { ROOT, MIDDLE, EK, EK_ECC, AK, OTHER, KEYS };
static EVP_PKEY *keys[KEYS];

/* A certificate as octets, in one of several places. */
static struct rbuf
der_of(const struct recipe *r, unsigned place)
{
	static uint8_t octets[8][DER_MAX];
	X509 *certificate = recipe_make(r, keys);
	unsigned char *at = octets[place];
	const int len = i2d_X509(certificate, NULL);

	ck_assert_int_le(len, DER_MAX);
	ck_assert_int_eq(i2d_X509(certificate, &at), len);
	X509_free(certificate);
	return rbuf_of(octets[place], (size_t)len);
}

#define AUTHORITY "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"
/* subjectDirectoryAttributes: tPMSpecification 2.0, level 0, revision 138. */
#define SPECIFICATION "30:19:30:17:06:05:67:81:05:02:10:31:0e:30:0c:0c:03:32:2e:30:02:01:00:02:02:00:8a"

static const struct recipe root = { "Maker Root", "Maker Root", ROOT, ROOT, { AUTHORITY }, NOW };
static const struct recipe middle = { "Maker", "Maker Root", MIDDLE, ROOT, { AUTHORITY }, NOW };

static void
setup(void)
{
	int i;

	for (i = 0; i < KEYS; i++) {
		keys[i] = i == EK ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
		ck_assert_ptr_nonnull(keys[i]);
	}
}

static void
teardown(void)
{
	int i;

	for (i = 0; i < KEYS; i++)
		EVP_PKEY_free(keys[i]);
}

static struct rbuf
area_of(int which)
{
	static uint8_t octets[2][DER_MAX];
	static unsigned turn;
	struct wbuf out = wbuf_over(octets[turn++ % 2], DER_MAX);

	recipe_area(keys[which], which == AK, &out);
	return wbuf_view(&out);
}

/* ---- roots ---- */

static X509_STORE *
store_of(const struct recipe *r)
{
	X509_STORE *store = X509_STORE_new();
	X509 *certificate = recipe_make(r, keys);

	ck_assert_int_eq(X509_STORE_add_cert(store, certificate), 1);
	X509_free(certificate);
	return store;
}

static void
save_pem(const char *name, const struct recipe *r, const char *more)
{
	BIO *bio = BIO_new(BIO_s_mem());
	X509 *certificate = recipe_make(r, keys);
	char *data;
	long len;

	ck_assert_int_eq(PEM_write_bio_X509(bio, certificate), 1);
	ck_assert_int_gt(BIO_puts(bio, more), -1);
	len = BIO_get_mem_data(bio, &data);
	scratch_write(name, rbuf_of(data, (size_t)len), 0600);
	BIO_free(bio);
	X509_free(certificate);
}

/* clang-format off */
static const struct {
	const char *why, *text;  /* behind a certificate */
	const char *wanted;      /* in the message; NULL: it is fine */
} root_files[] = {
	{ "one certificate", "", NULL },
	{ "prose behind it", "and so on\n", NULL },
	{ "a broken one behind it", "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n", "broken" },
	{ "one cut short behind it", "-----BEGIN CERTIFICATE-----\nMIIB\n", "broken" },
};
/* clang-format on */

START_TEST(a_file_of_roots)
{
	struct failure why = { "" };
	X509_STORE *store = NULL;
	enum outcome outcome;

	save_pem("roots", &root, root_files[_i].text);
	outcome = chain_roots(scratch_path("roots"), &store, &why);
	ck_assert_msg(outcome == (root_files[_i].wanted == NULL ? DONE : FAILED), "%s: %s",
	    root_files[_i].why, why.text);
	ck_assert(root_files[_i].wanted == NULL ||
		  (store == NULL && strstr(why.text, root_files[_i].wanted) != NULL));
	X509_STORE_free(store);
}
END_TEST

START_TEST(no_roots)
{
	static uint8_t zeros[CHAIN_FILE_MAX + 1];
	struct failure why = { "" }, too_long = { "" }, missing = { "" };
	X509_STORE *store = NULL;

	scratch_write("none", rbuf_str("no certificate\n"), 0600);
	ck_assert_int_eq(chain_roots(scratch_path("none"), &store, &why), FAILED);
	ck_assert_ptr_nonnull(strstr(why.text, "no certificate in it"));
	scratch_write("zeros", rbuf_of(zeros, sizeof zeros), 0600);
	ck_assert_int_eq(chain_roots(scratch_path("zeros"), &store, &too_long), FAILED);
	ck_assert_ptr_nonnull(strstr(too_long.text, "too long"));
	ck_assert_int_eq(chain_roots(scratch_path("nothing"), &store, &missing), FAILED);
	ck_assert_ptr_null(store);
}
END_TEST

/* ---- chains ---- */

enum above { WITH_MIDDLE, WITH_NOTHING, WITH_ROOT, WITH_NOISE };

#define OF_EK  "extendedKeyUsage=" OID_EK_CERTIFICATE
#define OF_AK  "extendedKeyUsage=" OID_AK_CERTIFICATE
#define NO_CA  "basicConstraints=critical,CA:FALSE"
#define BY_MIDDLE "Maker", EK, MIDDLE
#define ALT    "subjectAltName=critical,DNS:tpm"
#define TRUSTS "leads to none of the authorities"

/* clang-format off */
static const struct {
	const char *why;
	struct recipe ek;
	enum above above;
	int area; /* the key that is shown */
	const char *wanted; /* NULL: it is fine */
} eks[] = {
	{ "as makers make it", { NULL, BY_MIDDLE, { NO_CA, OF_EK, ALT, "keyUsage=critical,keyEncipherment" }, NOW }, WITH_MIDDLE, EK, NULL },
	{ "by the root itself", { NULL, "Maker Root", EK, ROOT, { NO_CA, OF_EK, ALT }, NOW }, WITH_NOTHING, EK, NULL },
	{ "the root is sent along", { NULL, "Maker Root", EK, ROOT, { NO_CA, OF_EK, ALT }, NOW }, WITH_ROOT, EK, NULL },
	{ "of an ECC key", { NULL, "Maker", EK_ECC, MIDDLE, { NO_CA, OF_EK, ALT, "keyUsage=critical,keyAgreement" }, NOW }, WITH_MIDDLE, EK_ECC, NULL },
	{ "with no extended key usage", { NULL, BY_MIDDLE, { NO_CA, ALT }, NOW }, WITH_MIDDLE, EK, NULL },
	{ "with no basic constraints", { NULL, BY_MIDDLE, { OF_EK, ALT }, NOW }, WITH_MIDDLE, EK, NULL },
	{ "with an odd key usage", { NULL, BY_MIDDLE, { NO_CA, OF_EK, ALT, "keyUsage=critical,encipherOnly" }, NOW }, WITH_MIDDLE, EK, NULL },
	{ "with another extended key usage as well", { NULL, BY_MIDDLE, { NO_CA, OF_EK ",clientAuth", ALT }, NOW }, WITH_MIDDLE, EK, NULL },
	{ "with a critical extended key usage", { NULL, BY_MIDDLE, { NO_CA, "extendedKeyUsage=critical," OID_EK_CERTIFICATE, ALT }, NOW }, WITH_MIDDLE, EK, NULL },
	{ "with critical directory attributes", { NULL, BY_MIDDLE, { NO_CA, OF_EK, "2.5.29.9=critical,DER:" SPECIFICATION }, NOW }, WITH_MIDDLE, EK, NULL },
	{ "without an end", { NULL, BY_MIDDLE, { NO_CA, OF_EK }, 0, 365 * 7000, NULL }, WITH_MIDDLE, EK, NULL },

	{ "another critical extension", { NULL, BY_MIDDLE, { NO_CA, OF_EK, "1.2.3.4=critical,DER:05:00" }, NOW }, WITH_MIDDLE, EK, "critical extension" },
	{ "another one beside the attributes", { NULL, BY_MIDDLE, { NO_CA, "2.5.29.9=critical,DER:" SPECIFICATION, "1.2.3.4=critical,DER:05:00" }, NOW }, WITH_MIDDLE, EK, "critical extension" },
	{ "for servers only", { NULL, BY_MIDDLE, { NO_CA, "extendedKeyUsage=serverAuth" }, NOW }, WITH_MIDDLE, EK, "another use" },
	{ "an AK's", { NULL, BY_MIDDLE, { NO_CA, OF_AK }, NOW }, WITH_MIDDLE, EK, "another use" },
	{ "an authority's", { "X", BY_MIDDLE, { AUTHORITY, OF_EK }, NOW }, WITH_MIDDLE, EK, "is an authority's" },
	{ "for another key", { NULL, BY_MIDDLE, { NO_CA, OF_EK }, NOW }, WITH_MIDDLE, OTHER, "is for another key" },
	{ "of another TPM's, of the other kind", { NULL, BY_MIDDLE, { NO_CA, OF_EK }, NOW }, WITH_MIDDLE, EK_ECC, "is for another key" },
	{ "without what is between", { NULL, BY_MIDDLE, { NO_CA, OF_EK }, NOW }, WITH_NOTHING, EK, TRUSTS },
	{ "signed by itself", { "Maker", "Maker", EK, EK, { OF_EK }, NOW }, WITH_NOTHING, EK, TRUSTS },
	{ "in the maker's name", { NULL, "Maker", EK, OTHER, { NO_CA, OF_EK }, NOW }, WITH_MIDDLE, EK, "signature" },
	{ "in the root's name", { NULL, "Maker Root", EK, OTHER, { NO_CA, OF_EK }, NOW }, WITH_NOTHING, EK, "signature" },
	{ "expired", { NULL, BY_MIDDLE, { NO_CA, OF_EK }, -9, -1, NULL }, WITH_MIDDLE, EK, "has expired" },
	{ "too early", { NULL, BY_MIDDLE, { NO_CA, OF_EK }, 3, 9, NULL }, WITH_MIDDLE, EK, "not yet valid" },
	{ "signed with SHA-1", { NULL, BY_MIDDLE, { NO_CA, OF_EK }, 0, 0, "SHA1" }, WITH_MIDDLE, EK, "too weak" },
	{ "no certificate above it", { NULL, BY_MIDDLE, { NO_CA, OF_EK }, NOW }, WITH_NOISE, EK, "no certificate" },
};
/* clang-format on */

static struct chain
chain_of(const struct recipe *leaf, enum above above)
{
	struct chain c = { .certificate = der_of(leaf, 0) };

	if (above == WITH_MIDDLE)
		c.above[0] = der_of(&middle, 1);
	else if (above == WITH_ROOT)
		c.above[0] = der_of(&root, 1);
	else if (above == WITH_NOISE)
		c.above[0] = rbuf_str("noise");
	return c;
}

START_TEST(of_an_ek)
{
	const struct chain chain = chain_of(&eks[_i].ek, eks[_i].above);
	X509_STORE *store = store_of(&root);
	struct failure why = { "" };
	X509 *certificate = NULL;
	bool good;

	good = chain_check_ek(&chain, area_of(eks[_i].area), store, &certificate, &why);
	ck_assert_msg(good == (eks[_i].wanted == NULL), "%s: %s", eks[_i].why, why.text);
	ck_assert_msg(good || strstr(why.text, eks[_i].wanted) != NULL, "%s: %s", eks[_i].why,
	    why.text);
	ck_assert((certificate != NULL) == good && failed(&why) != good);
	ck_assert_uint_eq(ERR_peek_error(), 0);
	X509_free(certificate);
	X509_STORE_free(store);
}
END_TEST

/* What brings its own root: it is not one because it signs itself. */
START_TEST(a_root_of_its_own)
{
	static const struct recipe false_root = { "Maker Root", "Maker Root", OTHER, OTHER,
		{ AUTHORITY }, NOW };
	static const struct recipe strange = { "Strange", "Strange", OTHER, OTHER, { AUTHORITY },
		NOW };
	static const struct recipe leaves[] = {
		{ NULL, "Maker Root", EK, OTHER, { NO_CA, OF_EK }, NOW },
		{ NULL, "Strange", EK, OTHER, { NO_CA, OF_EK }, NOW },
	};
	struct chain chain = { .certificate = der_of(&leaves[_i], 0) };
	X509_STORE *store = store_of(&root);
	struct failure why = { "" };

	chain.above[0] = der_of(_i == 0 ? &false_root : &strange, 1);
	ck_assert(!chain_check_ek(&chain, area_of(EK), store, NULL, &why));
	ck_assert(failed(&why));
	X509_STORE_free(store);
}
END_TEST

/* clang-format off */
static const struct {
	const char *why;
	struct recipe middle;
	const char *wanted; /* NULL: it is fine */
} middles[] = {
	{ "as it should be", { "Maker", "Maker Root", MIDDLE, ROOT, { AUTHORITY }, NOW }, NULL },
	{ "expired", { "Maker", "Maker Root", MIDDLE, ROOT, { AUTHORITY }, -9, -1, NULL }, "1. certificate above it: certificate has expired" },
	{ "no authority", { "Maker", "Maker Root", MIDDLE, ROOT, { NO_CA }, NOW }, "invalid CA certificate" },
	{ "not for signing certificates", { "Maker", "Maker Root", MIDDLE, ROOT, { "basicConstraints=critical,CA:TRUE", "keyUsage=digitalSignature" }, NOW }, "above it" },
	{ "with directory attributes, which only an EK's has", { "Maker", "Maker Root", MIDDLE, ROOT, { AUTHORITY, "2.5.29.9=critical,DER:" SPECIFICATION }, NOW }, "critical extension" },
};
/* clang-format on */

START_TEST(between)
{
	static const struct recipe leaf = { NULL, BY_MIDDLE, { NO_CA, OF_EK }, NOW };
	struct chain chain = { .certificate = der_of(&leaf, 0) };
	X509_STORE *store = store_of(&root);
	struct failure why = { "" };
	bool good;

	chain.above[0] = der_of(&middles[_i].middle, 1);
	good = chain_check_ek(&chain, area_of(EK), store, NULL, &why);
	ck_assert_msg(good == (middles[_i].wanted == NULL), "%s: %s", middles[_i].why, why.text);
	ck_assert_msg(good || strstr(why.text, middles[_i].wanted) != NULL, "%s: %s",
	    middles[_i].why, why.text);
	X509_STORE_free(store);
}
END_TEST

/* An authority in the middle can be what is trusted; a root that is expired cannot. */
START_TEST(anchors)
{
	static const struct recipe leaf = { NULL, BY_MIDDLE, { NO_CA, OF_EK }, NOW };
	static const struct recipe old = { "Maker Root", "Maker Root", ROOT, ROOT, { AUTHORITY }, -9,
		-1, NULL };
	const struct chain chain = chain_of(&leaf, WITH_MIDDLE);
	X509_STORE *store = store_of(&middle);
	struct failure why = { "" };

	ck_assert_msg(chain_check_ek(&chain, area_of(EK), store, NULL, &why), "%s", why.text);
	X509_STORE_free(store);
	store = store_of(&old);
	ck_assert(!chain_check_ek(&chain, area_of(EK), store, NULL, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "expired"));
	X509_STORE_free(store);
}
END_TEST

/* ---- an AK's ---- */

#define SIGNS "keyUsage=critical,digitalSignature"
#define BY_ROOT "Maker Root", AK, ROOT

/* clang-format off */
static const struct {
	const char *why;
	struct recipe ak;
	int area;
	const char *wanted;
} aks[] = {
	{ "as it should be", { NULL, BY_ROOT, { NO_CA, OF_AK, SIGNS, ALT }, NOW }, AK, NULL },
	{ "without key usage", { NULL, BY_ROOT, { NO_CA, OF_AK }, NOW }, AK, NULL },
	{ "with a critical extended key usage", { NULL, BY_ROOT, { NO_CA, "extendedKeyUsage=critical," OID_AK_CERTIFICATE, SIGNS }, NOW }, AK, NULL },
	{ "without extended key usage", { NULL, BY_ROOT, { NO_CA, SIGNS }, NOW }, AK, "another use" },
	{ "an EK's", { NULL, BY_ROOT, { NO_CA, OF_EK, SIGNS }, NOW }, AK, "another use" },
	{ "a user's", { NULL, BY_ROOT, { NO_CA, "extendedKeyUsage=clientAuth,emailProtection", SIGNS }, NOW }, AK, "another use" },
	{ "an authority's", { "X", BY_ROOT, { AUTHORITY, OF_AK }, NOW }, AK, "is an authority's" },
	{ "not for signing", { NULL, BY_ROOT, { NO_CA, OF_AK, "keyUsage=critical,keyAgreement" }, NOW }, AK, "not for a key that signs" },
	{ "for another key", { NULL, BY_ROOT, { NO_CA, OF_AK, SIGNS }, NOW }, OTHER, "is for another key" },
	{ "of a software key", { NULL, "Maker Root", OTHER, ROOT, { NO_CA, OF_AK, SIGNS }, NOW }, AK, "is for another key" },
	{ "with critical directory attributes", { NULL, BY_ROOT, { NO_CA, OF_AK, "2.5.29.9=critical,DER:" SPECIFICATION }, NOW }, AK, "critical extension" },
	{ "by nobody", { "X", "X", AK, AK, { OF_AK, SIGNS }, NOW }, AK, TRUSTS },
};
/* clang-format on */

START_TEST(of_an_ak)
{
	const struct chain chain = chain_of(&aks[_i].ak, WITH_NOTHING);
	X509_STORE *store = store_of(&root);
	struct failure why = { "" };
	bool good;

	good = chain_check_ak(&chain, area_of(aks[_i].area), store, NULL, &why);
	ck_assert_msg(good == (aks[_i].wanted == NULL), "%s: %s", aks[_i].why, why.text);
	ck_assert_msg(good || strstr(why.text, aks[_i].wanted) != NULL, "%s: %s", aks[_i].why,
	    why.text);
	X509_STORE_free(store);
}
END_TEST

/* clang-format off */
static const struct {
	const char *why;
	int key, area;
	uint8_t change;
	size_t n; /* octets; 0: no extension */
	bool good;
} sights[] = {
	{ "that one", EK, EK, 0, 32, true },
	{ "that one, ECC", EK_ECC, EK_ECC, 0, 32, true },
	{ "nothing is said", EK, EK, 0, 0, true },
	{ "another one", OTHER, EK, 0, 32, false },
	{ "a bit of difference", EK, EK, 1, 32, false },
	{ "a part of it", EK, EK, 0, 31, false },
};
/* clang-format on */

START_TEST(which_ek)
{
	struct recipe r = { NULL, BY_ROOT, { NO_CA, OF_AK, SIGNS }, NOW };
	struct failure why = { "" };
	bool says = sights[_i].n == 0;
	X509 *ak;

	if (sights[_i].n != 0)
		r.extensions[3] = recipe_seen(keys[sights[_i].key], sights[_i].change, sights[_i].n);
	ak = recipe_make(&r, keys);
	ck_assert_msg(chain_seen_ek(ak, area_of(sights[_i].area), &says, &why) == sights[_i].good,
	    "%s", sights[_i].why);
	ck_assert_msg(says == (sights[_i].n != 0), "%s", sights[_i].why);
	ck_assert(failed(&why) != sights[_i].good);
	X509_free(ak);
}
END_TEST

/* What follows is no string at all. */
START_TEST(an_odd_sight)
{
	const struct recipe r = { NULL, BY_ROOT, { NO_CA, OID_SEEN_EK "=DER:05:00" }, NOW };
	struct failure why = { "" };
	X509 *ak = recipe_make(&r, keys);
	bool says = false;

	ck_assert(!chain_seen_ek(ak, area_of(EK), &says, &why));
	ck_assert(says);
	X509_free(ak);
}
END_TEST

/* ---- one certificate ---- */

START_TEST(whose)
{
	static const struct recipe user = { "Alice", BY_MIDDLE, { NULL }, NOW };
	struct failure why = { "" }, none = { "" };

	ck_assert(chain_is_for(der_of(&user, 0), area_of(EK), &why));
	ck_assert(!failed(&why));
	ck_assert(!chain_is_for(der_of(&user, 0), area_of(OTHER), &why));
	ck_assert_ptr_nonnull(strstr(why.text, "another key"));
	ck_assert(!chain_is_for(rbuf_str("no"), area_of(EK), &none));
	ck_assert_ptr_nonnull(strstr(none.text, "no certificate"));
	ck_assert(!chain_is_for(der_of(&user, 0), rbuf_str("no area"), &why));
}
END_TEST

/* Nothing in front, nothing behind, nothing missing. */
START_TEST(octets_of_one)
{
	static uint8_t more[DER_MAX + 1];
	struct wbuf out = wbuf_over(more, sizeof more);
	struct rbuf der = der_of(&root, 0), part;
	X509 *certificate = chain_parse(der);

	ck_assert_ptr_nonnull(certificate);
	X509_free(certificate);
	wbuf_put(&out, der);
	wbuf_u8(&out, 0);
	ck_assert_ptr_null(chain_parse(wbuf_view(&out)));
	ck_assert(rbuf_take(&der, der.len - 1, &part));
	ck_assert_ptr_null(chain_parse(part));
	ck_assert_ptr_null(chain_parse(rbuf_of(NULL, 0)));
	ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ekchain");
	TCase *roots = tcase_create("roots"), *chains = tcase_create("chains");

	tcase_add_unchecked_fixture(roots, setup, teardown);
	tcase_add_checked_fixture(roots, scratch_setup, scratch_teardown);
	tcase_add_rows(roots, a_file_of_roots, root_files);
	tcase_add_test(roots, no_roots);
	suite_add_tcase(suite, roots);
	tcase_add_unchecked_fixture(chains, setup, teardown);
	tcase_add_rows(chains, of_an_ek, eks);
	tcase_add_loop_test(chains, a_root_of_its_own, 0, 2);
	tcase_add_rows(chains, between, middles);
	tcase_add_test(chains, anchors);
	tcase_add_rows(chains, of_an_ak, aks);
	tcase_add_rows(chains, which_ek, sights);
	tcase_add_test(chains, an_odd_sight);
	tcase_add_test(chains, whose);
	tcase_add_test(chains, octets_of_one);
	suite_add_tcase(suite, chains);
	return suite_run(suite);
}
