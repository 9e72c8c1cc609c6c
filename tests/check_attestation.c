/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attestation by a live software TPM that was manufactured with EK
 * certificates.  What it certifies is checked here by OpenSSL and ESYS, not by the code
 * that will check it elsewhere.
 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "tests/cardtpm.h"
#include "tests/suite.h"
#include "tpm/attestation.h"
#include "tpm/key.h"
#include "tpm/link.h"
#include "tpm/rc.h"
#include "tpm/record.h"

static struct cardtpm c, other;
static uint8_t ak_octets[VAULT_KEY_MAX], other_octets[VAULT_KEY_MAX];
static struct wbuf ak, others;
static uint8_t out_octets[1 << 14];
static struct wbuf out;
static const uint8_t nonce[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
static struct rbuf extra;

static void
hush(enum log_level level, const char *text)
{
	(void)level;
	(void)text;
}

static void
setup(void)
{
	log_open(LOG_LEVEL_ERROR, hush);
	memset(&other, 0, sizeof other);
	extra = rbuf_of(nonce, sizeof nonce);
	out = wbuf_over(out_octets, sizeof out_octets);
	ak = wbuf_over(ak_octets, sizeof ak_octets);
	others = wbuf_over(other_octets, sizeof other_octets);
	cardtpm_begin_certified(&c, &cardtpm_usual);
	ck_assert_int_eq(attestation_make(c.vault, &ak), VAULT_OK);
}

static void
teardown(void)
{
	if (other.vault != NULL)
		cardtpm_end(&other);
	/* A key and a session are kept, and where the PIN was shown the one for PIN-always keys. */
	ck_assert_uint_le(cardtpm_loaded_count(&c), 3);
	cardtpm_end(&c);
}

/* Another card in the same TPM, with an AK. */
static void
join(void)
{
	cardtpm_join(&other, &c, &cardtpm_usual);
	ck_assert_int_eq(attestation_make(other.vault, &others), VAULT_OK);
}

static TPMT_PUBLIC
area_of(struct rbuf octets)
{
	TPMT_PUBLIC area;
	size_t at = 0;

	memset(&area, 0, sizeof area);
	ck_assert_uint_eq(Tss2_MU_TPMT_PUBLIC_Unmarshal(octets.data, octets.len, &at, &area), 0);
	ck_assert_uint_eq(at, octets.len);
	return area;
}

static TPMT_PUBLIC
ak_area(void)
{
	struct evidence_key e;

	ck_assert_int_eq(attestation_of_key(c.vault, wbuf_view(&ak), &out, &e), VAULT_OK);
	return area_of(e.area);
}

/* ---- checking, without the code that does it elsewhere ---- */

static EVP_PKEY *
p256(const TPMT_PUBLIC *area)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	const TPMS_ECC_POINT *p = &area->unique.ecc;
	uint8_t point[65] = { 4 };
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	memcpy(point + 33 - p->x.size, p->x.buffer, p->x.size);
	memcpy(point + 65 - p->y.size, p->y.buffer, p->y.size);
	ck_assert_int_eq(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0), 1);
	ck_assert_int_eq(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point), 1);
	params = OSSL_PARAM_BLD_to_param(build);
	ck_assert_int_eq(EVP_PKEY_fromdata_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* Whether the AK has signed a statement. */
static bool
signed_by(const TPMT_PUBLIC *area, const struct statement *s)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG *pair = ECDSA_SIG_new();
	EVP_PKEY *key = p256(area);
	TPMT_SIGNATURE sig;
	uint8_t *der = NULL;
	size_t at = 0;
	bool ok;
	int len;

	memset(&sig, 0, sizeof sig);
	ck_assert_uint_eq(Tss2_MU_TPMT_SIGNATURE_Unmarshal(s->signature.data, s->signature.len, &at, &sig), 0);
	ck_assert_uint_eq(at, s->signature.len);
	ck_assert_uint_eq(sig.sigAlg, TPM2_ALG_ECDSA);
	ck_assert_uint_eq(sig.signature.ecdsa.hash, TPM2_ALG_SHA256);
	ck_assert_int_eq(ECDSA_SIG_set0(pair,
	    BN_bin2bn(sig.signature.ecdsa.signatureR.buffer, sig.signature.ecdsa.signatureR.size, NULL),
	    BN_bin2bn(sig.signature.ecdsa.signatureS.buffer, sig.signature.ecdsa.signatureS.size, NULL)), 1);
	len = i2d_ECDSA_SIG(pair, &der);
	ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, der, (size_t)len, s->attest.data, s->attest.len) == 1;
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	EVP_PKEY_free(key);
	EVP_MD_CTX_free(ctx);
	return ok;
}

/* Check what all statements have in common, and give the rest. */
static TPMS_ATTEST
check(const struct statement *s, TPM2_ST type)
{
	const TPMT_PUBLIC by = ak_area();
	TPMS_ATTEST a;
	size_t at = 0;

	memset(&a, 0, sizeof a);
	ck_assert_uint_eq(Tss2_MU_TPMS_ATTEST_Unmarshal(s->attest.data, s->attest.len, &at, &a), 0);
	ck_assert_uint_eq(at, s->attest.len);
	ck_assert_uint_eq(a.magic, TPM2_GENERATED_VALUE);
	ck_assert_uint_eq(a.type, type);
	ck_assert(rbuf_eq(rbuf_of(a.extraData.buffer, a.extraData.size), extra));
	ck_assert_msg(signed_by(&by, s), "the signature is wrong");
	return a;
}

static bool
is_name(const TPM2B_NAME *theirs, struct rbuf area)
{
	uint8_t octets[34] = { 0x00, 0x0b };
	unsigned len = 0;

	ck_assert_int_eq(EVP_Digest(area.data, area.len, octets + 2, &len, EVP_sha256(), NULL), 1);
	return rbuf_eq(rbuf_of(theirs->name, theirs->size), rbuf_of(octets, sizeof octets));
}

/* ---- the AK ---- */

START_TEST(an_ak_is_what_it_should_be)
{
	const TPMT_PUBLIC area = ak_area();
	struct evidence_key e;

	ck_assert_uint_eq(area.type, TPM2_ALG_ECC);
	ck_assert_uint_eq(area.nameAlg, TPM2_ALG_SHA256);
	ck_assert_uint_eq(area.objectAttributes,
	    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
		TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT);
	ck_assert_uint_eq(area.parameters.eccDetail.scheme.scheme, TPM2_ALG_ECDSA);
	ck_assert_uint_eq(area.parameters.eccDetail.curveID, TPM2_ECC_NIST_P256);
	ck_assert_uint_eq(area.authPolicy.size, 32);
	ck_assert_int_eq(attestation_of_key(c.vault, wbuf_view(&ak), &out, &e), VAULT_OK);
	ck_assert(evidence_is_ak(e.area));
	ck_assert_uint_ne(e.creation.len, 0);
}
END_TEST

/* It signs nothing that does not come from the TPM, a forged statement neither. */
START_TEST(an_ak_signs_nothing_else)
{
	cardtpm_generate(&c, ALG_ECC_P256, PIN_NEVER); /* the same policy, for comparison */
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	c.key = ak;
	ck_assert_int_ne(cardtpm_sign(&c), VAULT_OK);
	ck_assert_int_ne(cardtpm_operate(&c, KEY_ECDH, 65), VAULT_OK);
}
END_TEST

/* Take LIFE from the TPM, as an owner may. */
static void
kill_life(void)
{
	struct record r;
	ESYS_CONTEXT *esys;
	ESYS_TR index;

	ck_assert(record_read(wbuf_view(&c.record), &r));
	ck_assert_uint_eq(link_begin(c.tpm, LINK_SECONDS, NULL), 0);
	esys = cardtpm_esys(c.tpm);
	ck_assert_uint_eq(Esys_TR_FromTPMPublic(esys, r.index[INDEX_LIFE].handle, ESYS_TR_NONE,
	    ESYS_TR_NONE, ESYS_TR_NONE, &index), 0);
	ck_assert_uint_eq(Esys_NV_UndefineSpace(esys, ESYS_TR_RH_OWNER, index, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE), 0);
	Esys_Finalize(&esys);
	link_end(c.tpm);
}

START_TEST(an_ak_dies_with_life)
{
	struct statement s;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	ck_assert_int_eq(attestation_creation(c.vault, wbuf_view(&ak), wbuf_view(&c.key), extra, &out, &s), VAULT_OK);
	kill_life();
	ck_assert_int_eq(attestation_creation(c.vault, wbuf_view(&ak), wbuf_view(&c.key), extra, &out, &s), VAULT_FAULT);
	ck_assert_int_eq(attestation_key(c.vault, wbuf_view(&ak), wbuf_view(&c.key), extra, &out, &s), VAULT_FAULT);
	ck_assert_int_eq(attestation_index(c.vault, wbuf_view(&ak), INDEX_PIN, extra, &out, &s), VAULT_FAULT);
}
END_TEST

/* ---- statements ---- */

static const struct {
	uint8_t algorithm;
	enum pin_rule rule;
} keys[] = {
	{ ALG_ECC_P256, PIN_ONCE },
	{ ALG_ECC_P384, PIN_ALWAYS },
	{ ALG_RSA_2048, PIN_NEVER },
};

/* No PIN was shown. */
START_TEST(keys_are_certified)
{
	struct evidence_key e;
	struct statement s;
	TPMS_ATTEST a;
	unsigned len = 0;
	uint8_t d[32];

	cardtpm_generate(&c, keys[_i].algorithm, keys[_i].rule);
	ck_assert_int_eq(attestation_of_key(c.vault, wbuf_view(&c.key), &out, &e), VAULT_OK);
	ck_assert_int_eq(attestation_creation(c.vault, wbuf_view(&ak), wbuf_view(&c.key), extra, &out, &s), VAULT_OK);
	a = check(&s, TPM2_ST_ATTEST_CREATION);
	ck_assert(is_name(&a.attested.creation.objectName, e.area));
	ck_assert_int_eq(EVP_Digest(e.creation.data, e.creation.len, d, &len, EVP_sha256(), NULL), 1);
	ck_assert(rbuf_eq(rbuf_of(d, len), rbuf_of(a.attested.creation.creationHash.buffer,
	    a.attested.creation.creationHash.size)));
	ck_assert_int_eq(attestation_key(c.vault, wbuf_view(&ak), wbuf_view(&c.key), extra, &out, &s), VAULT_OK);
	a = check(&s, TPM2_ST_ATTEST_CERTIFY);
	ck_assert(is_name(&a.attested.certify.name, e.area));
	ck_assert_uint_le(cardtpm_loaded_count(&c), 2);
}
END_TEST

/* The AK's own creation, and an empty qualifyingData. */
START_TEST(an_ak_certifies_itself)
{
	struct evidence_key e;
	struct statement s;
	TPMS_ATTEST a;

	extra = rbuf_of(NULL, 0);
	ck_assert_int_eq(attestation_of_key(c.vault, wbuf_view(&ak), &out, &e), VAULT_OK);
	ck_assert_int_eq(attestation_creation(c.vault, wbuf_view(&ak), wbuf_view(&ak), extra, &out, &s), VAULT_OK);
	a = check(&s, TPM2_ST_ATTEST_CREATION);
	ck_assert(is_name(&a.attested.creation.objectName, e.area));
}
END_TEST

static const struct {
	enum card_index which;
	uint32_t limit;
} indices[] = {
	{ INDEX_PIN, 5 },
	{ INDEX_PUK, 5 },
	{ INDEX_ADMIN, 0x7fffffff },
	{ INDEX_LIFE, 0 },
};

START_TEST(indices_are_certified)
{
	const TPMS_NV_CERTIFY_INFO *nv;
	struct evidence e = { .keys = 0 };
	struct statement s;
	uint32_t count, limit;
	struct rbuf content;
	TPMS_ATTEST a;

	ck_assert(attestation_of_record(c.vault, &out, &e));
	ck_assert_int_eq(cardtpm_verify(&c, "00000000"), VAULT_AUTH);
	ck_assert_int_eq(attestation_index(c.vault, wbuf_view(&ak), indices[_i].which, extra, &out, &s), VAULT_OK);
	a = check(&s, TPM2_ST_ATTEST_NV);
	nv = &a.attested.nv;
	ck_assert_uint_eq(nv->offset, 0);
	ck_assert(is_name(&nv->indexName, e.index[indices[_i].which].area));
	content = rbuf_of(nv->nvContents.buffer, nv->nvContents.size);
	ck_assert_uint_eq(content.len, 8);
	ck_assert(rbuf_u32(&content, &count) && rbuf_u32(&content, &limit));
	ck_assert_uint_eq(count, indices[_i].which == INDEX_PIN);
	ck_assert_uint_eq(limit, indices[_i].limit);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
}
END_TEST

/* The PIN's proof stays what it was while others are certified. */
START_TEST(a_proof_outlasts_attestation)
{
	uint8_t once_octets[VAULT_KEY_MAX];
	struct wbuf once = wbuf_over(once_octets, sizeof once_octets);
	struct statement s;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	wbuf_put(&once, wbuf_view(&c.key));
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ALWAYS);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(attestation_key(c.vault, wbuf_view(&ak), wbuf_view(&once), extra, &out, &s), VAULT_OK);
	ck_assert_int_eq(attestation_index(c.vault, wbuf_view(&ak), INDEX_PIN, extra, &out, &s), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	ck_assert(cardtpm_checks(&c, KEY_ECDSA));
	c.key = once;
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(anothers_ak_is_refused)
{
	struct evidence_key e;
	struct statement s;

	join();
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	ck_assert_int_eq(attestation_of_key(c.vault, wbuf_view(&others), &out, &e), VAULT_MISMATCH);
	ck_assert_int_eq(attestation_creation(c.vault, wbuf_view(&others), wbuf_view(&c.key), extra, &out, &s), VAULT_MISMATCH);
	ck_assert_int_eq(attestation_index(c.vault, wbuf_view(&others), INDEX_PIN, extra, &out, &s), VAULT_MISMATCH);
	ck_assert_int_eq(attestation_creation(other.vault, wbuf_view(&others), wbuf_view(&c.key), extra, &out, &s), VAULT_MISMATCH);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(what_is_no_ak_is_refused)
{
	uint8_t long_octets[ATTESTATION_EXTRA_MAX + 1] = { 0 };
	struct statement s;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_NEVER);
	ck_assert_int_eq(attestation_creation(c.vault, wbuf_view(&c.key), wbuf_view(&c.key), extra, &out, &s), VAULT_MISMATCH);
	ck_assert_int_eq(attestation_index(c.vault, wbuf_view(&c.admin), INDEX_PIN, extra, &out, &s), VAULT_MISMATCH);
	ck_assert_int_eq(attestation_creation(c.vault, wbuf_view(&ak), wbuf_view(&c.admin), extra, &out, &s), VAULT_MISMATCH);
	ck_assert_int_eq(attestation_index(c.vault, wbuf_view(&ak), INDEX_COUNT, extra, &out, &s), VAULT_ABSENT);
	ck_assert_int_eq(attestation_index(c.vault, wbuf_view(&ak), INDEX_PIN,
	    rbuf_of(long_octets, sizeof long_octets), &out, &s), VAULT_MISMATCH);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

/* What a key file may be made to claim about its key's creation. */
static void lose(struct keyfile *f, const struct keyfile *o) { (void)o; f->has_creation = false; }
static void swap(struct keyfile *f, const struct keyfile *o) { f->creation = o->creation; f->ticket = o->ticket; }
static void no_ticket(struct keyfile *f, const struct keyfile *o) { (void)o; f->ticket.digest.size = 0; }
static void other_hierarchy(struct keyfile *f, const struct keyfile *o) { (void)o; f->ticket.hierarchy = TPM2_RH_ENDORSEMENT; }
static void other_data(struct keyfile *f, const struct keyfile *o) { (void)o; f->creation.locality ^= 2; }

static const struct {
	const char *why;
	void (*forge)(struct keyfile *file, const struct keyfile *other);
} forgeries[] = {
	{ "nothing is known", lose },
	{ "another key's", swap },
	{ "an empty ticket", no_ticket },
	{ "a ticket of another hierarchy", other_hierarchy },
	{ "other creation data", other_data },
};

START_TEST(forged_creations_are_refused)
{
	struct keyfile file, second;
	struct statement s;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	ck_assert(keyfile_read(wbuf_view(&c.key), &second));
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	ck_assert(keyfile_read(wbuf_view(&c.key), &file));
	forgeries[_i].forge(&file, &second);
	wbuf_truncate(&c.key, 0);
	ck_assert(keyfile_write(&file, &c.key));
	ck_assert_msg(attestation_creation(c.vault, wbuf_view(&ak), wbuf_view(&c.key), extra, &out, &s) ==
	    VAULT_MISMATCH, "%s", forgeries[_i].why);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

/* ---- the EK ---- */

/* Whether the certificate chains to the root of the TPM's maker. */
static bool
chains(struct rbuf certificate)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *above = sk_X509_new_null();
	static const char *const names[] = { SWTPM_ROOT, SWTPM_ISSUER };
	const uint8_t *at = certificate.data;
	X509 *x = d2i_X509(NULL, &at, (long)certificate.len), *authority[2];
	char path[192];
	bool ok;
	size_t i;

	ck_assert_ptr_nonnull(x);
	ck_assert_ptr_eq(at, certificate.data + certificate.len);
	for (i = 0; i < 2; i++) {
		FILE *f;

		(void)snprintf(path, sizeof path, "%s/%s", c.swtpm.dir, names[i]);
		f = fopen(path, "r");
		ck_assert_ptr_nonnull(f);
		authority[i] = PEM_read_X509(f, NULL, NULL, NULL);
		(void)fclose(f);
	}
	ck_assert_int_eq(X509_STORE_add_cert(store, authority[0]), 1);
	ck_assert_int_gt(sk_X509_push(above, authority[1]), 0);
	/* swtpm_localca marks the name of the TPM as critical, which OpenSSL does not know. */
	ok = X509_STORE_CTX_init(ctx, store, x, above) == 1;
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_IGNORE_CRITICAL);
	ok = ok && X509_verify_cert(ctx) == 1;
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(above);
	X509_free(authority[0]);
	X509_free(authority[1]);
	X509_free(x);
	return ok;
}

START_TEST(the_ek_is_the_certificates)
{
	struct failure why = { "" };
	struct rbuf certificate, area;
	TPMT_PUBLIC ek;

	ck_assert_msg(ek_find(c.tpm, &out, &certificate, &area, &why) == TPM_OK, "%s", why.text);
	ck_assert(chains(certificate));
	ek = area_of(area);
	ck_assert_uint_eq(ek.type, TPM2_ALG_RSA);
	ck_assert_uint_eq(ek.unique.rsa.size, 256);
	ck_assert_uint_le(cardtpm_loaded_count(&c), 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("attestation");
	TCase *tcase = tcase_create("attestation");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_ak_is_what_it_should_be);
	tcase_add_test(tcase, an_ak_signs_nothing_else);
	tcase_add_test(tcase, an_ak_dies_with_life);
	tcase_add_rows(tcase, keys_are_certified, keys);
	tcase_add_test(tcase, an_ak_certifies_itself);
	tcase_add_rows(tcase, indices_are_certified, indices);
	tcase_add_test(tcase, a_proof_outlasts_attestation);
	tcase_add_test(tcase, anothers_ak_is_refused);
	tcase_add_test(tcase, what_is_no_ak_is_refused);
	tcase_add_rows(tcase, forged_creations_are_refused, forgeries);
	tcase_add_test(tcase, the_ek_is_the_certificates);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
