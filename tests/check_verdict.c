/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a verifier makes of evidence: who vouches for what, what is required,
 * and what is said of the rest.  The evidence is signed by keys of OpenSSL's.
 */
#include "tests/evidence_maker.h"
#include "tests/recipe.h"
#include "tests/suite.h"
#include "tools/bundle.h"
#include "tools/verdict.h"

#include <string.h>

enum { CA, EK, AK, OTHER, KEY_9A, KEYS };
static EVP_PKEY *keys[KEYS];
static struct evidence_maker m;
static struct verdict v;
static X509_STORE *roots;

#define AUTHORITY "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"
#define OF_EK "extendedKeyUsage=" OID_EK_CERTIFICATE
#define OF_AK "extendedKeyUsage=" OID_AK_CERTIFICATE

static struct rbuf
keep_certificate(const struct recipe *r)
{
	X509 *certificate = recipe_make(r, keys);
	uint8_t der[4096], *at = der;
	const int len = i2d_X509(certificate, &at);

	X509_free(certificate);
	ck_assert_int_gt(len, 0);
	return maker_keep(&m, rbuf_of(der, (size_t)len));
}

static EVP_PKEY *
key_of(struct rbuf area)
{
	uint8_t octets[1024];
	struct wbuf der = wbuf_over(octets, sizeof octets);
	const unsigned char *at = octets;
	EVP_PKEY *key;

	ck_assert(evidence_public_key(area, &der));
	key = d2i_PUBKEY(NULL, &at, (long)der.len);
	ck_assert_ptr_nonnull(key);
	return key;
}

/* An AK's certificate, which names an EK or not. */
static struct rbuf
ak_certificate(int key, const char *more)
{
	const struct recipe r = { NULL, "Root", key, CA, { OF_AK, more }, NOW };

	return keep_certificate(&r);
}

/* A card of a TPM with EK and AK certificates. */
static void
setup(void)
{
	static const struct recipe root = { "Root", "Root", CA, CA, { AUTHORITY }, NOW };
	static const struct recipe ek = { NULL, "Root", EK, CA, { OF_EK }, NOW };
	uint8_t area_octets[1024];
	struct wbuf area = wbuf_over(area_octets, sizeof area_octets);
	X509 *certificate;
	size_t i;

	maker_begin(&m, true);
	for (i = 0; i < m.evidence.keys; i++)
		m.evidence.key[i].certificate = rbuf_of(NULL, 0);
	keys[CA] = EVP_EC_gen("P-256");
	keys[OTHER] = EVP_EC_gen("P-256");
	keys[EK] = EVP_EC_gen("P-256");
	keys[AK] = key_of(m.evidence.ak_area);
	keys[KEY_9A] = key_of(m.evidence.key[0].area);
	recipe_area(keys[EK], false, &area);
	m.evidence.ek_area = maker_keep(&m, wbuf_view(&area));
	m.evidence.ek = (struct chain){ .certificate = keep_certificate(&ek) };
	m.evidence.ak = (struct chain){ .certificate = ak_certificate(
					    AK, recipe_seen(keys[EK], 0, 32)) };
	maker_certify(&m);
	certificate = recipe_make(&root, keys);
	roots = X509_STORE_new();
	ck_assert_int_eq(X509_STORE_add_cert(roots, certificate), 1);
	X509_free(certificate);
}

static void
teardown(void)
{
	int i;

	for (i = 0; i < KEYS; i++)
		EVP_PKEY_free(keys[i]);
	X509_STORE_free(roots);
	maker_end(&m);
}

/* Leave out the imported key, 9d. */
static void
drop_imported(void)
{
	m.evidence.key[2] = m.evidence.key[3];
	m.evidence.keys = 3;
}

static bool
reach(unsigned required)
{
	const struct trial t = { .roots = roots, .required = required };

	maker_certify(&m);
	return verdict_reach(&m.evidence, &t, &v);
}

/* Whether a point says something about something. */
static bool
says(enum point_state state, const char *about, const char *text)
{
	size_t i;

	for (i = 0; i < v.count; i++) {
		if (v.points[i].state == state && strcmp(v.points[i].about, about) == 0 &&
		    strstr(v.points[i].text, text) != NULL)
			return true;
	}
	return false;
}

#define ck_says(state, about, text) ck_assert_msg(says(state, about, text), "%s: %s", about, text)

static unsigned
count(enum point_state state)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < v.count; i++)
		n += v.points[i].state == state;
	return n;
}

/* ---- who vouches ---- */

START_TEST(all_is_proven)
{
	struct failure why = { "" };

	drop_imported();
	ck_assert(reach(REQUIRE_USUAL));
	ck_assert(v.holds && (v.held & REQUIRE_USUAL) == REQUIRE_USUAL);
	ck_says(POINT_PROVEN, "ek", "by a certificate of \"CN=Root\"");
	ck_says(POINT_PROVEN, "ak", "in a TPM, by a certificate of \"CN=Root\"");
	ck_says(POINT_PROVEN, "ak", "names that EK");
	ck_says(POINT_PROVEN, "ak", "is what the card's machine shows");
	ck_says(POINT_PROVEN, "pin", "refuses more than 5");
	ck_says(POINT_PROVEN, "puk", "refuses more than");
	ck_says(POINT_PROVEN, "admin", "no limit");
	ck_says(POINT_PROVEN, "approvals", "the PUK and the administrator key can");
	ck_says(POINT_PROVEN, "9a", "once in a session");
	ck_says(POINT_PROVEN, "9c", "each time");
	ck_says(POINT_PROVEN, "9e", "no PIN");
	/* what never is */
	ck_says(POINT_UNPROVEN, "approvals", "no other approval");
	ck_says(POINT_UNPROVEN, "nonce", "none is given here");
	ck_assert_uint_eq(count(POINT_UNPROVEN), 2);
	ck_assert_uint_eq(count(POINT_SHOWN) + count(POINT_WRONG), 0);
	verdict_fault(&v, &why); /* nobody asks, and it does no harm */
}
END_TEST

/* AIK_ONLY: nothing is proven, and it says so. */
START_TEST(no_certificate_of_the_ak)
{
	drop_imported();
	m.evidence.ak.certificate = rbuf_of(NULL, 0);
	ck_assert(!reach(REQUIRE_USUAL));
	ck_says(POINT_UNPROVEN, "ak", "no authority has certified it");
	ck_says(POINT_PROVEN, "ek", "by a certificate");
	ck_says(POINT_SHOWN, "pin", "refuses more than 5");
	ck_says(POINT_SHOWN, "9a", "made in the TPM");
	ck_assert_uint_eq(count(POINT_PROVEN), 1);
	ck_assert(reach(REQUIRE_USUAL & ~(unsigned)REQUIRE_AK));
}
END_TEST

START_TEST(no_certificate_of_the_ek)
{
	drop_imported();
	m.evidence.ek.certificate = m.evidence.ek_area = rbuf_of(NULL, 0);
	ck_assert(!reach(REQUIRE_USUAL));
	ck_says(POINT_UNPROVEN, "ek", "no certificate of its maker");
	ck_says(POINT_UNPROVEN, "ak", "no EK is shown");
	ck_says(POINT_PROVEN, "9a", "made in the TPM");
	ck_assert(reach(REQUIRE_USUAL & ~(unsigned)REQUIRE_EK));
}
END_TEST

START_TEST(no_authorities)
{
	const struct trial t = { .required = REQUIRE_PIN };

	maker_certify(&m);
	ck_assert(verdict_reach(&m.evidence, &t, &v));
	ck_assert_uint_eq(v.held & (REQUIRE_EK | REQUIRE_AK), 0);
	ck_says(POINT_UNPROVEN, "ek", "--ca");
	ck_says(POINT_UNPROVEN, "ak", "--ca");
	ck_assert_uint_eq(count(POINT_PROVEN), 0);
}
END_TEST

/* An authority that is trusted here has vouched for another one's key. */
START_TEST(of_another_key)
{
	static const struct recipe ek = { NULL, "Root", OTHER, CA, { OF_EK }, NOW };

	drop_imported();
	m.evidence.ek.certificate = keep_certificate(&ek);
	ck_assert(!reach(REQUIRE_PIN));
	ck_says(POINT_WRONG, "ek", "is for another key");
	m.evidence.ak.certificate = ak_certificate(OTHER, NULL);
	ck_assert(!reach(REQUIRE_PIN));
	ck_says(POINT_WRONG, "ak", "is for another key");
	ck_assert_uint_eq(v.held & (REQUIRE_EK | REQUIRE_AK), 0);
}
END_TEST

START_TEST(by_nobody)
{
	static const struct recipe ek = { NULL, "Root", EK, OTHER, { OF_EK }, NOW };

	m.evidence.ek.certificate = keep_certificate(&ek);
	ck_assert(!reach(REQUIRE_EK));
	ck_assert(!says(POINT_PROVEN, "ek", ""));
}
END_TEST

/* Which EK the CA saw: one, none, another. */
START_TEST(two_tpms)
{
	struct failure why = { "" };

	drop_imported();
	m.evidence.ak.certificate = ak_certificate(AK, NULL);
	ck_assert(!reach(REQUIRE_USUAL));
	ck_says(POINT_UNPROVEN, "ak", "names no EK");
	verdict_fault(&v, &why);
	ck_assert_ptr_nonnull(strstr(why.text, "required: ak"));
	why = (struct failure){ "" };
	ck_assert(reach(REQUIRE_USUAL & ~(unsigned)REQUIRE_EK));
	m.evidence.ak.certificate = ak_certificate(AK, recipe_seen(keys[OTHER], 0, 32));
	ck_assert(!reach(REQUIRE_PIN));
	ck_says(POINT_WRONG, "ak", "for another EK");
	verdict_fault(&v, &why);
	ck_assert_ptr_nonnull(strstr(why.text, "for another EK"));
}
END_TEST

/* ---- freshness ---- */

START_TEST(freshness)
{
	const struct rbuf mine = rbuf_str("a verifier's nonce"), other = rbuf_str("another one's");
	struct trial t = { .roots = roots, .has_nonce = true, .nonce = mine };
	struct failure why = { "" };

	m.evidence.nonce = maker_keep(&m, mine);
	maker_certify(&m);
	ck_assert(verdict_reach(&m.evidence, &t, &v));
	ck_says(POINT_PROVEN, "nonce", "it has the nonce");
	t.nonce = other;
	ck_assert(!verdict_reach(&m.evidence, &t, &v));
	ck_says(POINT_WRONG, "nonce", "another nonce");
	verdict_fault(&v, &why);
	ck_assert_ptr_nonnull(strstr(why.text, "not fresh"));
	m.evidence.nonce = rbuf_of(NULL, 0);
	maker_certify(&m);
	ck_assert(!verdict_reach(&m.evidence, &t, &v));
	ck_says(POINT_WRONG, "nonce", "it has no nonce");
	t.has_nonce = false;
	ck_assert(verdict_reach(&m.evidence, &t, &v));
	ck_says(POINT_UNPROVEN, "nonce", "it has no nonce");
}
END_TEST

/* ---- what is required ---- */

enum change { NOTHING, NO_IMPORTED, ONLY_9C, ONLY_9D, ONLY_9E, NO_KEYS, PIN_LIMIT };

/* clang-format off */
static const struct {
	const char *why;
	enum change change;
	unsigned required;
	const char *missing; /* NULL: it holds */
} requirements[] = {
	{ "an imported key is none that was generated", NOTHING, REQUIRE_USUAL, "required: generated" },
	{ "unless nobody minds", NOTHING, REQUIRE_KEYS | REQUIRE_PIN | REQUIRE_EK | REQUIRE_AK, NULL },
	{ "none of them imported", NO_IMPORTED, REQUIRE_USUAL, NULL },
	{ "the imported one alone", ONLY_9D, REQUIRE_GENERATED, "generated" },
	{ "an imported key's policy is nobody's word", ONLY_9D, REQUIRE_PIN_ONCE, "pin-once" },
	{ "a key without a PIN", NO_IMPORTED, REQUIRE_PIN_ONCE, "pin-once" },
	{ "a key with one", ONLY_9C, REQUIRE_PIN_ONCE | REQUIRE_PIN_ALWAYS, NULL },
	{ "each time", NO_IMPORTED, REQUIRE_PIN_ALWAYS, "pin-always" },
	{ "a key without a PIN alone", ONLY_9E, REQUIRE_PIN_ONCE | REQUIRE_KEYS, "required: pin-once" },
	{ "no key at all", NO_KEYS, REQUIRE_USUAL, "keys, generated" },
	{ "nor is one required", NO_KEYS, REQUIRE_PIN, NULL },
	{ "no certificate", ONLY_9C, REQUIRE_CERTIFICATES, "certificates" },
};
/* clang-format on */

static void
change(enum change what)
{
	switch (what) {
	case NO_IMPORTED:
		drop_imported();
		break;
	case ONLY_9C:
	case ONLY_9D:
	case ONLY_9E:
		m.evidence.key[0] = m.evidence.key[what == ONLY_9C ? 1 : what == ONLY_9D ? 2 : 3];
		m.evidence.keys = 1;
		break;
	case NO_KEYS:
		m.evidence.keys = 0;
		break;
	case NOTHING:
	case PIN_LIMIT:
		break;
	}
}

START_TEST(required)
{
	struct failure why = { "" };
	bool holds;

	change(requirements[_i].change);
	holds = reach(requirements[_i].required);
	ck_assert_msg(holds == (requirements[_i].missing == NULL), "%s", requirements[_i].why);
	if (holds)
		return;
	verdict_fault(&v, &why);
	ck_assert_msg(strstr(why.text, requirements[_i].missing) != NULL, "%s: %s",
	    requirements[_i].why, why.text);
}
END_TEST

/* ---- certificates on the card ---- */

START_TEST(of_a_slot)
{
	static const struct recipe own = { "Alice", "Root", KEY_9A, CA, { NULL }, NOW };
	static const struct recipe copied = { "Alice", "Root", OTHER, CA, { NULL }, NOW };

	m.evidence.keys = 1;
	m.evidence.key[0].certificate = keep_certificate(&own);
	ck_assert(reach(REQUIRE_USUAL | REQUIRE_CERTIFICATES));
	ck_says(POINT_PROVEN, "9a", "its certificate is for this key");
	m.evidence.key[0].certificate = keep_certificate(&copied);
	ck_assert(!reach(REQUIRE_PIN));
	ck_says(POINT_WRONG, "9a", "its certificate is for another key");
	m.evidence.key[0].certificate = maker_keep(&m, rbuf_str("none"));
	ck_assert(!reach(REQUIRE_PIN));
	ck_says(POINT_WRONG, "9a", "its certificate is no certificate");
}
END_TEST

/* ---- what is wrong is wrong, whatever is required ---- */

START_TEST(a_fault_of_a_key)
{
	struct failure why = { "" };

	m.evidence.key[0].statement = (struct statement){ { NULL, 0 }, { NULL, 0 } };
	ck_assert(!verdict_reach(&m.evidence, &(struct trial){ .required = REQUIRE_PIN }, &v));
	ck_assert(says(POINT_WRONG, "9a", ""));
	verdict_fault(&v, &why);
	ck_assert_ptr_nonnull(strstr(why.text, "refused: 9a: "));
}
END_TEST

/* What was altered is told, if it can be; else that something was. */
START_TEST(altered)
{
	struct failure name = { "" }, approval = { "" };

	m.evidence.name = rbuf_str("Another");
	ck_assert(!verdict_reach(&m.evidence, &(struct trial){ .required = REQUIRE_PIN }, &v));
	verdict_fault(&v, &name);
	ck_assert_ptr_nonnull(strstr(name.text, "something was altered"));
	m.evidence.approval[1] = m.evidence.approval[0];
	ck_assert(!verdict_reach(&m.evidence, &(struct trial){ .required = REQUIRE_PIN }, &v));
	verdict_fault(&v, &approval);
	ck_assert_ptr_nonnull(strstr(approval.text, "refused: approvals: "));
}
END_TEST

/* An AK of another card: what it says of this one is not told at all. */
START_TEST(a_fault_of_the_ak)
{
	struct failure why = { "" };

	m.evidence.ak_area = m.evidence.key[0].area;
	ck_assert(!verdict_reach(&m.evidence, &(struct trial){ .required = REQUIRE_PIN }, &v));
	ck_assert(says(POINT_WRONG, "ak", ""));
	ck_assert(!says(POINT_SHOWN, "pin", "") && v.held == 0);
	verdict_fault(&v, &why);
	ck_assert_ptr_nonnull(strstr(why.text, "refused: ak: "));
}
END_TEST

/* Names are hostile. */
START_TEST(shown_to_a_terminal)
{
	static const struct recipe ek = { NULL, "Ro\x1b[2Jot", EK, CA, { OF_EK }, NOW };
	static const struct recipe root = { "Ro\x1b[2Jot", "Ro\x1b[2Jot", CA, CA, { AUTHORITY }, NOW };
	X509 *certificate = recipe_make(&root, keys);
	size_t i;

	ck_assert_int_eq(X509_STORE_add_cert(roots, certificate), 1);
	X509_free(certificate);
	m.evidence.ek.certificate = keep_certificate(&ek);
	ck_assert(reach(REQUIRE_EK));
	for (i = 0; i < v.count; i++)
		ck_assert_ptr_null(strchr(v.points[i].text, '\x1b'));
}
END_TEST

/* ---- from end to end: what was certified, as a bundle, and every bit of that ---- */

static uint8_t text_octets[BUNDLE_TEXT_MAX], octets[EVIDENCE_OCTETS_MAX];

/* Whether a text is refused on its way to a verdict. */
static bool
refuses(struct rbuf text)
{
	struct wbuf out = wbuf_over(octets, sizeof octets);
	static struct evidence_report report;
	struct failure why = { "" };
	struct evidence e;

	return !bundle_read(text, &out, &e, &why) || !evidence_check(&e, &report);
}

/* Some here; tests/flips has all of a bundle that a TPM has certified. */
START_TEST(bits_of_a_bundle)
{
	struct wbuf text = wbuf_over(text_octets, sizeof text_octets);
	size_t bit;

	ck_assert(bundle_write(&m.evidence, &text));
	ck_assert(!refuses(wbuf_view(&text)));
	for (bit = 0; bit < text.len * 8; bit += 83) {
		text_octets[bit / 8] ^= (uint8_t)(1U << bit % 8);
		ck_assert_msg(refuses(wbuf_view(&text)), "bit %zu of octet %zu", bit % 8, bit / 8);
		text_octets[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("verdict");
	TCase *tcase = tcase_create("verdict");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, all_is_proven);
	tcase_add_test(tcase, no_certificate_of_the_ak);
	tcase_add_test(tcase, no_certificate_of_the_ek);
	tcase_add_test(tcase, no_authorities);
	tcase_add_test(tcase, of_another_key);
	tcase_add_test(tcase, by_nobody);
	tcase_add_test(tcase, two_tpms);
	tcase_add_test(tcase, freshness);
	tcase_add_rows(tcase, required, requirements);
	tcase_add_test(tcase, of_a_slot);
	tcase_add_test(tcase, a_fault_of_a_key);
	tcase_add_test(tcase, altered);
	tcase_add_test(tcase, a_fault_of_the_ak);
	tcase_add_test(tcase, shown_to_a_terminal);
	tcase_add_test(tcase, bits_of_a_bundle);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
