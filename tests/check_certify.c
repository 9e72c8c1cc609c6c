/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates that an AK signs, on a live software TPM: read by OpenSSL, the
 * evidence in them taken out and checked, and every bit of them altered.
 */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tests/cardtpm.h"
#include "tests/keyparts.h"
#include "tests/suite.h"
#include "tests/tap.h"
#include "tpm/attestation.h"
#include "tpm/certificate.h"
#include "tpm/certify.h"

static struct cardtpm c;
static struct wbuf ak, self, certificate;
static uint8_t ak_octets[VAULT_KEY_MAX], self_octets[VAULT_CERTIFICATE_MAX];
static uint8_t certificate_octets[VAULT_CERTIFICATE_MAX];

/* Room for the evidence in one certificate. */
static uint8_t evidence_octets[2 * VAULT_CERTIFICATE_MAX];

/* Fail the nth command; 0: none. */
struct fault {
	unsigned nth, seen;
	uint32_t swap; /* the first answer to this command gets a bit turned; 0: none */
};
static struct fault fault;
static struct tap *tap;

static size_t
spoil(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	struct fault *f = context;
	struct wbuf out = wbuf_over(octets, TAP_MESSAGE_MAX);

	(void)code;
	f->seen++;
	if (f->nth == 0 || f->seen != f->nth)
		return len;
	/* A command no TPM has. */
	wbuf_u16(&out, 0x8001);
	wbuf_u32(&out, 10);
	wbuf_u32(&out, 0x000001ff);
	return out.len;
}

/* Another digest than that of the octets which were sent. */
static void
turn_a_bit(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	struct fault *f = context;

	if (f->swap == 0 || code != f->swap || len < 40)
		return;
	octets[len > 30 ? 20 : 0] ^= 1;
	f->swap = 0;
}

static const struct tap_hooks hooks = { spoil, turn_a_bit, &fault };

static void
setup(void)
{
	cardtpm_prepare(&c);
	fault = (struct fault){ .nth = 0 };
	tap = tap_begin(&c.swtpm, &hooks);
	c.config.tcti = tap_tcti(tap);
	cardtpm_make(&c, &cardtpm_usual, rbuf_of(NULL, 0));
	ak = wbuf_over(ak_octets, sizeof ak_octets);
	self = wbuf_over(self_octets, sizeof self_octets);
	certificate = wbuf_over(certificate_octets, sizeof certificate_octets);
	ck_assert_int_eq(attestation_make(c.vault, &ak), VAULT_OK);
	ck_assert_int_eq(certify_self(c.vault, wbuf_view(&ak), &self), VAULT_OK);
}

static void
teardown(void)
{
	cardtpm_end(&c);
	tap_end(tap);
}

static enum vault_err
attest(uint8_t reference)
{
	certificate.len = 0;
	return vault_attest(c.vault, wbuf_view(&ak), reference, wbuf_view(&c.key), &certificate);
}

static X509 *
x509_of(struct rbuf der)
{
	const uint8_t *at = der.data;
	X509 *x = d2i_X509(NULL, &at, (long)der.len);

	ck_assert_msg(x != NULL && at == der.data + der.len, "no certificate");
	return x;
}

/* Whether OpenSSL's own verification accepts the certificate below the AK's. */
static bool
chains(X509 *leaf, X509 *issuer)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool ok;

	ck_assert(store != NULL && ctx != NULL && X509_STORE_add_cert(store, issuer) == 1 &&
	    X509_STORE_CTX_init(ctx, store, leaf, NULL) == 1);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
	ok = X509_verify_cert(ctx) == 1;
	ck_assert_msg(ok, "%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return ok;
}

static void
expect_name(X509_NAME *name, const char *text)
{
	char got[128];

	ck_assert_int_gt(X509_NAME_get_text_by_NID(name, NID_commonName, got, sizeof got), 0);
	ck_assert_msg(strncmp(got, text, strlen(text)) == 0, "%s", got);
	ck_assert_int_eq(X509_NAME_entry_count(name), 1);
}

static bool
evidence_of(struct rbuf der, struct evidence *out, struct failure *why)
{
	struct wbuf w = wbuf_over(evidence_octets, sizeof evidence_octets);

	return evidence_of_certificate(der, &w, out, why);
}

/* ---- what comes out ---- */

START_TEST(the_aks_own)
{
	X509 *x = x509_of(wbuf_view(&self));

	expect_name(X509_get_subject_name(x), "tpmvsc attestation key ");
	ck_assert_int_eq(X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)), 0);
	ck_assert_int_eq(X509_get_version(x), X509_VERSION_3);
	ck_assert(chains(x, x));
	ck_assert_int_eq(X509_check_ca(x), 1);
	ck_assert_int_eq(X509_get_pathlen(x), 0);
	X509_free(x);
}
END_TEST

/* clang-format off */
static const struct { uint8_t algorithm; enum pin_rule rule; uint8_t reference; } kinds[] = {
	{ ALG_ECC_P256, PIN_ONCE, 0x9a }, { ALG_ECC_P384, PIN_ALWAYS, 0x9c }, { ALG_RSA_2048, PIN_NEVER, 0x9e },
	{ ALG_RSA_3072, PIN_ONCE, 0x95 },
};
/* clang-format on */

START_TEST(of_a_key)
{
	char subject[sizeof "PIV key 9a"];
	struct failure why = { "" };
	struct evidence_report report;
	struct evidence e;
	X509 *x, *issuer;

	cardtpm_generate(&c, kinds[_i].algorithm, kinds[_i].rule);
	ck_assert_int_eq(attest(kinds[_i].reference), VAULT_OK);
	x = x509_of(wbuf_view(&certificate));
	issuer = x509_of(wbuf_view(&self));
	(void)snprintf(subject, sizeof subject, "PIV key %02x", kinds[_i].reference);
	expect_name(X509_get_subject_name(x), subject);
	ck_assert_int_eq(X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(issuer)), 0);
	ck_assert(chains(x, issuer));
	ck_assert_int_eq(X509_check_ca(x), 0);
	ck_assert_msg(evidence_of(wbuf_view(&certificate), &e, &why), "%s", why.text);
	ck_assert_uint_eq(e.key[0].reference, kinds[_i].reference);
	ck_assert_msg(evidence_check(&e, &report), "AK: %s; PIN: %s; LIFE: %s; key: %s",
	    report.ak.text, report.index[0].fault.text, report.index[3].fault.text,
	    report.key[0].fault.text);
	ck_assert_int_eq(report.key[0].info.algorithm, kinds[_i].algorithm);
	ck_assert_int_eq(report.key[0].info.pin, kinds[_i].rule);
	ck_assert_int_eq(report.key[0].info.origin, ORIGIN_GENERATED);
	ck_assert(report.index[0].present && report.index[0].limit == 5);
	X509_free(x);
	X509_free(issuer);
}
END_TEST

/* Keys of the card go on as before, and two statements are two. */
START_TEST(others_are_not_disturbed)
{
	uint8_t before[VAULT_CERTIFICATE_MAX];
	struct wbuf first = wbuf_over(before, sizeof before);

	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	ck_assert_int_eq(attest(0x9a), VAULT_OK); /* without the PIN */
	wbuf_put(&first, wbuf_view(&certificate));
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	ck_assert_int_eq(attest(0x9a), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	ck_assert(cardtpm_checks(&c, KEY_ECDSA));
	ck_assert(!rbuf_eq(wbuf_view(&first), wbuf_view(&certificate)));
}
END_TEST

/* ---- what is refused ---- */

START_TEST(an_imported_key)
{
	struct keyparts k;
	struct key_parts parts;

	keyparts_make(&k, ALG_ECC_P256);
	parts = keyparts_view(&k);
	c.key = wbuf_over(c.key_octets, sizeof c.key_octets);
	ck_assert_int_eq(vault_import(c.vault, ALG_ECC_P256, PIN_ONCE, &parts, &c.key), VAULT_OK);
	ck_assert_int_eq(attest(0x9a), VAULT_UNSUPPORTED);
	ck_assert_uint_eq(certificate.len, 0);
	keyparts_free(&k);
}
END_TEST

/* A key of an earlier version: how it was made was not kept. */
START_TEST(a_key_of_unknown_making)
{
	static const char second[] = "-----BEGIN TPMVSC CREATION";
	const uint8_t *at;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	at = memmem(c.key.data, c.key.len, second, sizeof second - 1);
	ck_assert_ptr_nonnull(at);
	wbuf_truncate(&c.key, (size_t)(at - c.key.data));
	ck_assert_int_eq(attest(0x9a), VAULT_UNSUPPORTED);
	ck_assert_uint_eq(certificate.len, 0);
}
END_TEST

START_TEST(what_is_no_ak)
{
	struct cardtpm other;
	struct wbuf theirs = wbuf_over(evidence_octets, VAULT_KEY_MAX);

	cardtpm_generate(&c, ALG_ECC_P256, PIN_NEVER);
	/* An ordinary key, which would sign anything. */
	wbuf_truncate(&ak, 0);
	wbuf_put(&ak, wbuf_view(&c.key));
	ck_assert_int_eq(attest(0x9e), VAULT_MISMATCH);
	ck_assert_int_eq(certify_self(c.vault, wbuf_view(&ak), &certificate), VAULT_MISMATCH);
	wbuf_truncate(&ak, 0);
	ck_assert_int_eq(attest(0x9e), VAULT_MISMATCH);
	wbuf_put(&ak, rbuf_str("no key at all"));
	ck_assert_int_eq(attest(0x9e), VAULT_MISMATCH);
	/* The AK of another card in the same TPM. */
	cardtpm_join(&other, &c, &cardtpm_usual);
	ck_assert_int_eq(attestation_make(other.vault, &theirs), VAULT_OK);
	wbuf_truncate(&ak, 0);
	wbuf_put(&ak, wbuf_view(&theirs));
	cardtpm_end(&other);
	ck_assert_int_eq(attest(0x9e), VAULT_MISMATCH);
	ck_assert_uint_eq(certificate.len, 0);
}
END_TEST

/* Whoever sits before the TPM would have another text signed. */
START_TEST(a_digest_of_something_else)
{
	cardtpm_generate(&c, ALG_ECC_P256, PIN_NEVER);
	fault.swap = TPM2_CC_SequenceComplete;
	ck_assert_int_eq(attest(0x9e), VAULT_FAULT);
	ck_assert_uint_eq(certificate.len, 0);
	ck_assert_uint_eq(fault.swap, 0);
	ck_assert_int_eq(attest(0x9e), VAULT_OK);
}
END_TEST

/* ---- accidents ---- */

START_TEST(each_command_fails)
{
	unsigned n, commands;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_NEVER);
	fault.seen = 0;
	ck_assert_int_eq(attest(0x9e), VAULT_OK);
	commands = fault.seen;
	ck_assert_uint_gt(commands, 5);
	/* Nothing stays in the TPM but what the vault keeps: a key and a session. */
	ck_assert_uint_le(cardtpm_loaded_count(&c), 2);
	for (n = 1; n <= commands; n++) {
		fault = (struct fault){ .nth = n };
		if (attest(0x9e) == VAULT_OK)
			ck_assert_msg(fault.seen < n || certificate.len != 0, "command %u", n);
		else
			ck_assert_msg(certificate.len == 0, "command %u: something is left", n);
		fault = (struct fault){ .nth = 0 };
		ck_assert_msg(attest(0x9e) == VAULT_OK, "not again after command %u", n);
	}
}
END_TEST

/* ---- forgeries ---- */

/* No octet can be another one: it is found in reading it or in checking it. */
START_TEST(every_octet_counts)
{
	struct evidence_report report;
	struct evidence e;
	struct failure why;
	size_t i;
	int bit;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	ck_assert_int_eq(attest(0x9a), VAULT_OK);
	for (i = 0; i < certificate.len; i++) {
		for (bit = 0; bit < 8; bit += 3) {
			certificate.data[i] ^= (uint8_t)(1 << bit);
			why = (struct failure){ "" };
			if (evidence_of(wbuf_view(&certificate), &e, &why))
				ck_abort_msg("octet %zu, bit %d: %d", i, bit,
				    (int)evidence_check(&e, &report));
			ck_assert_msg(why.text[0] != '\0', "no reason");
			certificate.data[i] ^= (uint8_t)(1 << bit);
		}
	}
	for (i = 0; i < certificate.len; i += 7)
		ck_assert(!evidence_of(rbuf_of(certificate.data, i), &e, &why));
}
END_TEST

/* Another key signs a certificate of the same text, with the true evidence inside. */
START_TEST(a_copy_by_another_key)
{
	EVP_PKEY *forger = EVP_EC_gen("P-256");
	struct failure why = { "" };
	struct evidence e;
	uint8_t *der = NULL;
	X509 *x;
	int len;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	ck_assert_int_eq(attest(0x9a), VAULT_OK);
	x = x509_of(wbuf_view(&certificate));
	/* Of its own key ... */
	ck_assert(X509_set_pubkey(x, forger) == 1 && X509_sign(x, forger, EVP_sha256()) > 0);
	len = i2d_X509(x, &der);
	ck_assert_int_gt(len, 0);
	ck_assert(!evidence_of(rbuf_of(der, (size_t)len), &e, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "not what the AK"));
	OPENSSL_free(der);
	X509_free(x);
	/* ... and one without evidence. */
	why = (struct failure){ "" };
	ck_assert(!evidence_of(wbuf_view(&self), &e, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "no evidence"));
	EVP_PKEY_free(forger);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("certificates by an AK");
	TCase *tcase = tcase_create("certificates");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, the_aks_own);
	tcase_add_rows(tcase, of_a_key, kinds);
	tcase_add_test(tcase, others_are_not_disturbed);
	tcase_add_test(tcase, an_imported_key);
	tcase_add_test(tcase, a_key_of_unknown_making);
	tcase_add_test(tcase, what_is_no_ak);
	tcase_add_test(tcase, a_digest_of_something_else);
	tcase_add_test(tcase, each_command_fails);
	tcase_add_test(tcase, every_octet_counts);
	tcase_add_test(tcase, a_copy_by_another_key);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
