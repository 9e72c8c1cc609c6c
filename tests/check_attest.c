/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attestation from a card's own machine: real card/, store/ and a software TPM
 * that was manufactured with EK certificates.
 */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>

#include "card/attest.h"
#include "card/parts.h"
#include "tests/scratch.h"
#include "tests/suite.h"
#include "tests/swtpm.h"

static struct swtpm swtpm;
static struct config config;
static struct secret pin, admin_key;
static struct failure why;

static uint8_t room[EVIDENCE_OCTETS_MAX], more_room[EVIDENCE_OCTETS_MAX];
static struct wbuf octets, more;
static struct evidence e;

static void
hush(enum log_level level, const char *text)
{
	(void)level;
	(void)text;
}

static void
begin(void (*start)(struct swtpm *))
{
	log_open(LOG_LEVEL_ERROR, hush);
	scratch_setup();
	start(&swtpm);
	config = (struct config){ .pin_cache = 60 };
	(void)snprintf(config.tcti, sizeof config.tcti, "%s", swtpm.tcti);
	(void)snprintf(config.state_dir, sizeof config.state_dir, "%s", scratch_path("state"));
	ck_assert(secret_set(&pin, rbuf_str("12345678")));
	ck_assert(default_admin_key(24, &admin_key));
	octets = wbuf_over(room, sizeof room);
	more = wbuf_over(more_room, sizeof more_room);
	why.text[0] = '\0';
}

static void
setup(void)
{
	begin(swtpm_begin_certified);
}

static void
setup_plain(void)
{
	begin(swtpm_begin);
}

static void
teardown(void)
{
	swtpm_end(&swtpm);
	scratch_teardown();
}

static unsigned
create(bool attestation)
{
	const struct card_request request = {
		.profile = { .name = "Alice", .policy = pin_policy_default, .allow_reset = true },
		.pin = &pin, .pin_tries = 5, .admin_key = &admin_key, .admin_algorithm = ALG_3DES,
		.admin_unblock = true, .generate = true, .attestation = attestation,
	};
	unsigned instance = 99;

	ck_assert_msg(cards_create(&config, &request, NULL, &instance, &why) == DONE, "%s", why.text);
	return instance;
}

/* ---- keys of a card, made without its applet ---- */

struct opened {
	struct files *files;
	struct tpm_link link;
	struct parts parts;
};

static void
card_parts(struct opened *o, unsigned instance)
{
	memset(o, 0, sizeof *o);
	ck_assert_int_eq(files_open(config.state_dir, false, &o->files, NULL), FILES_OK);
	ck_assert(tpm_link_open(&o->link, &config, NULL));
	ck_assert_int_eq(parts_fill(o->files, o->link.tpm, instance, &o->parts, NULL), DONE);
}

static void
card_parts_close(struct opened *o)
{
	parts_clear(&o->parts);
	tpm_link_close(&o->link);
	files_close(o->files);
}

static void
generate(unsigned instance, uint8_t reference, enum pin_rule rule)
{
	uint8_t key_octets[VAULT_KEY_MAX], public_octets[VAULT_PUBLIC_MAX];
	struct wbuf key = wbuf_over(key_octets, sizeof key_octets);
	struct wbuf value = wbuf_over(public_octets, sizeof public_octets);
	struct opened o;

	card_parts(&o, instance);
	ck_assert_int_eq(vault_generate(o.parts.vault, ALG_ECC_P256, rule, &key, &value), VAULT_OK);
	ck_assert_int_eq(store_put(o.parts.store, STORE_KEY, reference, wbuf_view(&key)), STORE_OK);
	card_parts_close(&o);
}

static void
import(unsigned instance, uint8_t reference)
{
	uint8_t key_octets[VAULT_KEY_MAX], scalar[32] = { 0x42 };
	const struct key_parts parts = { .scalar = rbuf_of(scalar, sizeof scalar) };
	struct wbuf key = wbuf_over(key_octets, sizeof key_octets);
	struct opened o;

	card_parts(&o, instance);
	ck_assert_int_eq(vault_import(o.parts.vault, ALG_ECC_P256, PIN_ONCE, &parts, &key), VAULT_OK);
	ck_assert_int_eq(store_put(o.parts.store, STORE_KEY, reference, wbuf_view(&key)), STORE_OK);
	card_parts_close(&o);
}

/* Make a key's file what an earlier version wrote: the first of its two blocks. */
static void
age(const char *name)
{
	static const char end[] = "-----END TSS2 PRIVATE KEY-----\n";
	uint8_t file[VAULT_KEY_MAX];
	size_t len = scratch_read(name, file, sizeof file);
	const uint8_t *at = memmem(file, len, end, sizeof end - 1);

	ck_assert_ptr_nonnull(at);
	ck_assert_uint_gt(len, (size_t)(at - file) + sizeof end - 1);
	scratch_write(name, rbuf_of(file, (size_t)(at - file) + sizeof end - 1), 0600);
}

/* ---- evidence ---- */

static enum outcome
attest(unsigned instance, uint8_t reference)
{
	wbuf_truncate(&octets, 0);
	why.text[0] = '\0';
	return cards_attest(&config, instance, reference, rbuf_str("nonce"), &octets, &e, &why);
}

START_TEST(a_whole_card)
{
	struct evidence_report report;

	ck_assert_uint_eq(create(true), 0);
	ck_assert(scratch_exists("state/0000/key-f9"));
	generate(0, 0x9c, PIN_ALWAYS);
	generate(0, 0x82, PIN_ONCE);
	import(0, 0x9d);
	ck_assert_msg(attest(0, 0) == DONE, "%s", why.text);
	ck_assert_msg(evidence_check(&e, &report), "%s%s%s", report.ak.text, report.authority.text,
	    report.index[0].fault.text);
	ck_assert(rbuf_eq(e.name, rbuf_str("Alice")) && rbuf_eq(e.nonce, rbuf_str("nonce")));
	ck_assert_uint_eq(e.keys, 3);
	ck_assert_uint_eq(e.key[0].reference, 0x82);
	ck_assert_uint_eq(e.key[1].reference, 0x9c);
	ck_assert_uint_eq(e.key[2].reference, 0x9d);
	ck_assert_int_eq(report.key[1].info.pin, PIN_ALWAYS);
	ck_assert_int_eq(report.key[1].info.origin, ORIGIN_GENERATED);
	ck_assert_int_eq(report.key[2].info.origin, ORIGIN_IMPORTED);
	ck_assert_uint_eq(e.key[2].statement.attest.len, 0);
	ck_assert_uint_eq(report.index[0].limit, 5);
	ck_assert(!report.index[1].present && report.index[2].present && report.index[3].present);
	ck_assert(report.admin_resets && !report.puk_resets);
	ck_assert_uint_ne(e.ek.certificate.len, 0);
	ck_assert_uint_eq(e.ak.certificate.len, 0);
}
END_TEST

START_TEST(one_key)
{
	struct evidence_report report;

	(void)create(true);
	generate(0, 0x9a, PIN_ONCE);
	generate(0, 0x9e, PIN_NEVER);
	ck_assert_msg(attest(0, 0x9e) == DONE, "%s", why.text);
	ck_assert(evidence_check(&e, &report));
	ck_assert_uint_eq(e.keys, 1);
	ck_assert_uint_eq(e.key[0].reference, 0x9e);
	ck_assert_int_eq(attest(0, 0x9c), NO_SUCH_CARD);
	ck_assert_int_eq(attest(1, 0), NO_SUCH_CARD);
	ck_assert_int_eq(attest(0, 0x9b), NO_SUCH_CARD);
	ck_assert_int_eq(attest(0, 0xf9), NO_SUCH_CARD);
	ck_assert_uint_eq(octets.len, 0);
}
END_TEST

/* A certificate of the user's own, and one nobody can read. */
START_TEST(certificates_come_along)
{
	static const uint8_t good[] = { 0x70, 0x05, 0x30, 0x03, 0x02, 0x01, 0x07, 0x71, 0x01, 0x00, 0xfe, 0x00 };
	static const uint8_t compressed[] = { 0x70, 0x05, 0x30, 0x03, 0x02, 0x01, 0x07, 0x71, 0x01, 0x01, 0xfe, 0x00 };
	static const uint8_t junk[] = { 0x70, 0x09, 0x30 };

	(void)create(true);
	generate(0, 0x9a, PIN_ONCE);
	scratch_write("state/0000/object-5fc105", rbuf_of(good, sizeof good), 0600);
	ck_assert_msg(attest(0, 0x9a) == DONE, "%s", why.text);
	ck_assert(rbuf_eq(e.key[0].certificate, rbuf_of(good + 2, 5)));
	scratch_write("state/0000/object-5fc105", rbuf_of(compressed, sizeof compressed), 0600);
	ck_assert_int_eq(attest(0, 0x9a), DONE);
	ck_assert_uint_eq(e.key[0].certificate.len, 0);
	scratch_write("state/0000/object-5fc105", rbuf_of(junk, sizeof junk), 0600);
	ck_assert_int_eq(attest(0, 0x9a), DONE);
	ck_assert_uint_eq(e.key[0].certificate.len, 0);
}
END_TEST

START_TEST(a_key_of_an_earlier_version)
{
	struct evidence_report report;

	(void)create(true);
	generate(0, 0x9a, PIN_ONCE);
	generate(0, 0x9c, PIN_ONCE);
	age("state/0000/key-9a");
	ck_assert_int_eq(attest(0, 0x9a), FAILED);
	ck_assert_msg(strstr(why.text, "generate it anew") != NULL, "%s", why.text);
	ck_assert_msg(attest(0, 0x9c) == DONE, "%s", why.text);
	ck_assert_msg(attest(0, 0) == DONE, "%s", why.text);
	ck_assert(!evidence_check(&e, &report));
	ck_assert(failed(&report.key[0].fault) && !failed(&report.key[1].fault));
}
END_TEST

/* The card had none; whoever has it open is told. */
START_TEST(an_ak_at_first_use)
{
	uint64_t before, after;

	(void)create(false);
	ck_assert(!scratch_exists("state/0000/key-f9"));
	ck_assert_int_eq(card_present(&config, 0, &before, NULL), DONE);
	scratch_write("state/0000/chain-f9", rbuf_str("of an AK that is gone"), 0600);
	ck_assert_msg(attest(0, 0) == DONE, "%s", why.text);
	ck_assert(scratch_exists("state/0000/key-f9") && !scratch_exists("state/0000/chain-f9"));
	ck_assert_int_eq(card_present(&config, 0, &after, NULL), DONE);
	ck_assert_uint_ne(before, after);
	ck_assert_int_eq(attest(0, 0), DONE);
	ck_assert_int_eq(card_present(&config, 0, &before, NULL), DONE);
	ck_assert_uint_eq(before, after);
}
END_TEST

START_TEST(a_reset_makes_a_new_ak)
{
	uint8_t old[256], record_octets[CARD_RECORD_MAX];
	struct wbuf kept = wbuf_over(old, sizeof old);
	struct wbuf record = wbuf_over(record_octets, sizeof record_octets);
	struct evidence_report report;

	(void)create(true);
	ck_assert_int_eq(attest(0, 0), DONE);
	wbuf_put(&kept, e.ak_area);
	ck_assert_int_eq(cards_record(&config, 0, &record, NULL), DONE);
	ck_assert_msg(cards_start_over(&config, 0, wbuf_view(&record), &why) == DONE, "%s", why.text);
	ck_assert(scratch_exists("state/0000/key-f9"));
	ck_assert_int_eq(attest(0, 0), DONE);
	ck_assert(evidence_check(&e, &report));
	ck_assert(!rbuf_eq(e.ak_area, wbuf_view(&kept)));
}
END_TEST

/* ---- what a site has set ---- */

static void
set_auth(ESYS_TR hierarchy)
{
	const TPM2B_AUTH secret = { .size = 6, .buffer = "secret" };
	TSS2_TCTI_CONTEXT *tcti = NULL;
	ESYS_CONTEXT *esys = NULL;

	ck_assert_uint_eq(Tss2_TctiLdr_Initialize(config.tcti, &tcti), 0);
	ck_assert_uint_eq(Esys_Initialize(&esys, tcti, NULL), 0);
	ck_assert_uint_eq(Esys_HierarchyChangeAuth(esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE,
	    ESYS_TR_NONE, &secret), 0);
	Esys_Finalize(&esys);
	Tss2_TctiLdr_Finalize(&tcti);
}

START_TEST(the_owner_has_an_authorisation)
{
	struct evidence_report report;

	(void)create(true);
	set_auth(ESYS_TR_RH_OWNER);
	ck_assert_int_eq(attest(0, 0), NOT_PERMITTED);
	ck_assert_msg(strstr(why.text, "owner_auth_file") != NULL, "%s", why.text);
	scratch_write("owner", rbuf_str("secret"), 0600);
	(void)snprintf(config.owner_auth_file, sizeof config.owner_auth_file, "%s", scratch_path("owner"));
	ck_assert_msg(attest(0, 0) == DONE, "%s", why.text);
	ck_assert(evidence_check(&e, &report));
}
END_TEST

START_TEST(the_endorsement_hierarchy_has_one)
{
	(void)create(true);
	set_auth(ESYS_TR_RH_ENDORSEMENT);
	ck_assert_int_eq(attest(0, 0), NOT_PERMITTED);
	ck_assert_msg(strstr(why.text, "endorsement") != NULL, "%s", why.text);
	why.text[0] = '\0';
	ck_assert_int_eq(cards_endorsed(&config, &why), NOT_PERMITTED);
}
END_TEST

START_TEST(no_ek_certificate)
{
	struct evidence_report report;

	(void)create(true);
	ck_assert_msg(attest(0, 0) == DONE, "%s", why.text);
	ck_assert(evidence_check(&e, &report));
	ck_assert_uint_eq(e.ek.certificate.len + e.ek_area.len, 0);
	wbuf_truncate(&octets, 0);
	ck_assert_int_eq(cards_identity(&config, 0, true, &octets, &e, &why), TPM_PROBLEM);
	ck_assert_uint_eq(octets.len, 0);
	ck_assert_msg(cards_identity(&config, 0, false, &octets, &e, &why) == DONE, "%s", why.text);
	ck_assert_int_eq(cards_endorsed(&config, &why), TPM_PROBLEM);
}
END_TEST

/* ---- credentials ---- */

static void
identify(unsigned instance, struct wbuf *w, struct evidence *out)
{
	wbuf_truncate(w, 0);
	ck_assert_msg(cards_identity(&config, instance, true, w, out, &why) == DONE, "%s", why.text);
}

static enum outcome
activate(unsigned instance, const struct evidence *to, bool spoil, struct secret *out)
{
	uint8_t blob_octets[CREDENTIAL_OCTETS_MAX], secret_octets[CREDENTIAL_OCTETS_MAX];
	struct wbuf blob = wbuf_over(blob_octets, sizeof blob_octets);
	struct wbuf encrypted = wbuf_over(secret_octets, sizeof secret_octets);
	SECRET(secret);

	ck_assert(secret_set(&secret, rbuf_str("thirty-two octets, as it happens")));
	ck_assert(credential_make(to->ek_area, to->ak_area, &secret, &blob, &encrypted));
	if (spoil)
		blob_octets[blob.len - 1] ^= 1;
	why.text[0] = '\0';
	return cards_activate(&config, instance, wbuf_view(&blob), wbuf_view(&encrypted), out, &why);
}

START_TEST(credentials_are_for_one_ak_and_ek)
{
	struct evidence second;
	struct swtpm elsewhere;
	unsigned i;
	SECRET(out);

	(void)create(true);
	(void)create(true);
	ck_assert_msg(cards_endorsed(&config, &why) == DONE, "%s", why.text);
	identify(0, &octets, &e);
	identify(1, &more, &second);
	ck_assert(rbuf_eq(e.ek_area, second.ek_area) && !rbuf_eq(e.ak_area, second.ak_area));
	ck_assert_msg(activate(0, &e, false, &out) == DONE, "%s", why.text);
	ck_assert(rbuf_eq(secret_view(&out), rbuf_str("thirty-two octets, as it happens")));
	ck_assert_msg(activate(1, &e, false, &out) == WRONG_SECRET, "another card: %s", why.text);
	ck_assert_uint_eq(out.len, 0);
	ck_assert_msg(activate(0, &e, true, &out) == WRONG_SECRET, "altered: %s", why.text);
	ck_assert_int_eq(cards_activate(&config, 0, rbuf_str("junk"), rbuf_str("junk"), &out, &why), WRONG_SECRET);

	/* The same AK, and the EK of another TPM. */
	elsewhere = swtpm;
	swtpm_begin_certified(&swtpm);
	(void)snprintf(config.tcti, sizeof config.tcti, "%s", swtpm.tcti);
	(void)snprintf(config.state_dir, sizeof config.state_dir, "%s", scratch_path("elsewhere"));
	(void)create(true);
	identify(0, &more, &second);
	second.ak_area = e.ak_area;
	swtpm_end(&swtpm);
	swtpm = elsewhere;
	(void)snprintf(config.tcti, sizeof config.tcti, "%s", swtpm.tcti);
	(void)snprintf(config.state_dir, sizeof config.state_dir, "%s", scratch_path("state"));
	/* Each is another number, below this EK's modulus or not; some TPMs answer as if they were broken. */
	for (i = 0; i < 4; i++) {
		ck_assert_msg(activate(0, &second, false, &out) == WRONG_SECRET,
		    "another TPM: %s", why.text);
		ck_assert_uint_eq(out.len, 0);
	}
	ck_assert_int_eq(activate(0, &e, false, &out), DONE);
}
END_TEST

START_TEST(no_ak_no_credential)
{
	struct evidence second;
	SECRET(out);

	(void)create(false);
	(void)create(true);
	identify(1, &more, &second);
	ck_assert_int_eq(activate(0, &second, false, &out), NO_SUCH_CARD);
	ck_assert(!scratch_exists("state/0000/key-f9"));
}
END_TEST

/* What the HTTPS protocol wants: the AK, which says itself how it was made. */
START_TEST(an_identity_has_the_ak)
{
	(void)create(true);
	generate(0, 0x9a, PIN_ONCE);
	identify(0, &octets, &e);
	ck_assert_uint_eq(e.keys, 1);
	ck_assert_uint_eq(e.key[0].reference, ATTESTATION_KEY);
	ck_assert(rbuf_eq(e.key[0].area, e.ak_area));
	ck_assert_uint_ne(e.key[0].creation.len, 0);
	ck_assert_uint_ne(e.key[0].statement.attest.len, 0);
	ck_assert_uint_eq(e.index[0].statement.attest.len, 0);
}
END_TEST

/* ---- the AK's certificate ---- */

/* A certificate of a public key in DER, by an authority made for that. */
static struct rbuf
issue(struct rbuf spki, uint8_t **der)
{
	EVP_PKEY *authority = EVP_EC_gen("P-256"), *key;
	const uint8_t *at = spki.data;
	X509 *x = X509_new();
	int len;

	key = d2i_PUBKEY(NULL, &at, (long)spki.len);
	ck_assert_ptr_nonnull(key);
	ck_assert_int_eq(X509_set_version(x, 2), 1);
	ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
	ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
	ck_assert_int_eq(X509_set_pubkey(x, key), 1);
	ck_assert_int_gt(X509_sign(x, authority, EVP_sha256()), 0);
	*der = NULL;
	len = i2d_X509(x, der);
	ck_assert_int_gt(len, 0);
	X509_free(x);
	EVP_PKEY_free(key);
	EVP_PKEY_free(authority);
	return rbuf_of(*der, (size_t)len);
}

static void
issue_chain(struct rbuf area, struct chain *out, uint8_t *ders[2])
{
	uint8_t spki_octets[256], *other = NULL;
	struct wbuf spki = wbuf_over(spki_octets, sizeof spki_octets);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	int len = i2d_PUBKEY(key, &other);

	ck_assert(evidence_public_key(area, &spki));
	*out = (struct chain){ .certificate = issue(wbuf_view(&spki), &ders[0]) };
	out->above[0] = issue(rbuf_of(other, (size_t)len), &ders[1]);
	OPENSSL_free(other);
	EVP_PKEY_free(key);
}

START_TEST(an_aks_certificate_is_kept)
{
	struct evidence_report report;
	struct evidence second;
	struct chain chain, odd;
	uint8_t *ders[2];

	(void)create(true);
	(void)create(true);
	identify(0, &octets, &e);
	identify(1, &more, &second);
	issue_chain(e.ak_area, &chain, ders);
	ck_assert_int_eq(cards_certified(&config, 1, &chain, &why), FAILED);
	ck_assert(!scratch_exists("state/0001/chain-f9"));
	odd = chain;
	odd.certificate = rbuf_of(NULL, 0);
	ck_assert_int_eq(cards_certified(&config, 0, &odd, NULL), FAILED);
	odd.certificate = chain.above[0];
	ck_assert_int_eq(cards_certified(&config, 0, &odd, NULL), FAILED);
	odd = chain;
	odd.above[0].len--;
	ck_assert_int_eq(cards_certified(&config, 0, &odd, NULL), FAILED);
	odd = chain;
	odd.above[2] = chain.above[0];
	odd.above[0].len = 0;
	ck_assert_int_eq(cards_certified(&config, 0, &odd, NULL), FAILED);
	ck_assert(!scratch_exists("state/0000/chain-f9"));
	ck_assert_msg(cards_certified(&config, 0, &chain, &why) == DONE, "%s", why.text);
	ck_assert_int_eq(attest(0, 0), DONE);
	ck_assert(evidence_check(&e, &report));
	ck_assert(rbuf_eq(e.ak.certificate, chain.certificate));
	ck_assert(rbuf_eq(e.ak.above[0], chain.above[0]));
	ck_assert_uint_eq(e.ak.above[1].len, 0);
	scratch_write("state/0000/chain-f9", rbuf_str("x"), 0600);
	ck_assert_int_eq(attest(0, 0), FAILED);
	OPENSSL_free(ders[0]);
	OPENSSL_free(ders[1]);
}
END_TEST

/* ---- one key, for a WebAuthn statement ---- */

START_TEST(a_key_is_certified)
{
	struct evidence_key key;

	(void)create(true);
	generate(0, 0x9a, PIN_ONCE);
	import(0, 0x9d);
	ck_assert_msg(cards_certify(&config, 0, 0x9a, rbuf_str("extra"), &octets, &key, &why) == DONE,
	    "%s", why.text);
	ck_assert_uint_ne(key.statement.attest.len, 0);
	ck_assert_uint_ne(key.area.len, 0);
	ck_assert_int_eq(key.reference, 0x9a);
	ck_assert_int_eq(cards_certify(&config, 0, 0x9d, rbuf_str("extra"), &octets, &key, &why), DONE);
	wbuf_truncate(&octets, 0);
	ck_assert_int_eq(cards_certify(&config, 0, 0x9c, rbuf_str("extra"), &octets, &key, &why), NO_SUCH_CARD);
	ck_assert_int_eq(cards_certify(&config, 0, 0x9b, rbuf_str("extra"), &octets, &key, &why), FAILED);
	ck_assert_uint_eq(octets.len, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("attest");
	TCase *tcase = tcase_create("certified"), *plain = tcase_create("plain");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_whole_card);
	tcase_add_test(tcase, credentials_are_for_one_ak_and_ek);
	tcase_add_test(tcase, an_identity_has_the_ak);
	tcase_add_test(tcase, no_ak_no_credential);
	tcase_add_test(tcase, an_aks_certificate_is_kept);
	tcase_add_test(tcase, the_endorsement_hierarchy_has_one);
	suite_add_tcase(suite, tcase);
	/* The same, without what takes the maker a second. */
	tcase_set_timeout(plain, 120);
	tcase_add_checked_fixture(plain, setup_plain, teardown);
	tcase_add_test(plain, one_key);
	tcase_add_test(plain, certificates_come_along);
	tcase_add_test(plain, a_key_of_an_earlier_version);
	tcase_add_test(plain, an_ak_at_first_use);
	tcase_add_test(plain, a_reset_makes_a_new_ak);
	tcase_add_test(plain, the_owner_has_an_authorisation);
	tcase_add_test(plain, no_ek_certificate);
	tcase_add_test(plain, a_key_is_certified);
	suite_add_tcase(suite, plain);
	return suite_run(suite);
}
