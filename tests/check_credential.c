/* SPDX-License-Identifier: BSD-2-Clause */
/* Credentials made in software: a live software TPM reads them, with that EK and that AK only. */
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

#include "tests/suite.h"
#include "tests/swtpm.h"
#include "tpm/evidence.h"
#include "tpm/key.h"

#define AREA_MAX 1024

static struct swtpm swtpm;
static TSS2_TCTI_CONTEXT *tcti;
static ESYS_CONTEXT *esys;
static ESYS_TR ek, ak;
static uint8_t ek_octets[AREA_MAX], ak_octets[AREA_MAX], blob_octets[CREDENTIAL_OCTETS_MAX],
    encrypted_octets[CREDENTIAL_OCTETS_MAX];
static struct wbuf ek_area, ak_area, blob, encrypted;

static void
setup(void)
{
	swtpm_begin(&swtpm);
	ck_assert_uint_eq(Tss2_TctiLdr_Initialize(swtpm.tcti, &tcti), 0);
	ck_assert_uint_eq(Esys_Initialize(&esys, tcti, NULL), 0);
	blob = wbuf_over(blob_octets, sizeof blob_octets);
	encrypted = wbuf_over(encrypted_octets, sizeof encrypted_octets);
}

static void
teardown(void)
{
	Esys_Finalize(&esys);
	Tss2_TctiLdr_Finalize(&tcti);
	swtpm_end(&swtpm);
}

/* ---- keys ---- */

static const struct ek_row {
	const char *why;
	TPMI_ALG_PUBLIC type;
	uint16_t detail; /* RSA: bits; ECC: curve */
	TPMI_ALG_HASH hash;
	uint16_t aes;
} ek_rows[] = {
	{ "RSA-2048, as the TCG's template L-1", TPM2_ALG_RSA, 2048, TPM2_ALG_SHA256, 128 },
	{ "P-256, L-2", TPM2_ALG_ECC, TPM2_ECC_NIST_P256, TPM2_ALG_SHA256, 128 },
	{ "P-384, H-3", TPM2_ALG_ECC, TPM2_ECC_NIST_P384, TPM2_ALG_SHA384, 256 },
	{ "RSA-2048, AES-256", TPM2_ALG_RSA, 2048, TPM2_ALG_SHA256, 256 },
	{ "RSA-2048, SHA-384", TPM2_ALG_RSA, 2048, TPM2_ALG_SHA384, 256 },
	{ "P-384, SHA-256", TPM2_ALG_ECC, TPM2_ECC_NIST_P384, TPM2_ALG_SHA256, 128 },
};

static TPM2B_PUBLIC
ek_template(const struct ek_row *row)
{
	const TPMT_SYM_DEF_OBJECT aes = { .algorithm = TPM2_ALG_AES,
		.keyBits.aes = row->aes,
		.mode.aes = TPM2_ALG_CFB };
	TPM2B_PUBLIC out = {
		.publicArea = {
			.type = row->type,
			.nameAlg = row->hash,
			.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
			    TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
			    TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
		},
	};

	out.publicArea.parameters.asymDetail.symmetric = aes;
	if (row->type == TPM2_ALG_RSA) {
		out.publicArea.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
		out.publicArea.parameters.rsaDetail.keyBits = row->detail;
		return out;
	}
	out.publicArea.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
	out.publicArea.parameters.eccDetail.curveID = row->detail;
	out.publicArea.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	return out;
}

/* Make a primary key, and append its area. */
static ESYS_TR
primary(ESYS_TR hierarchy, const TPM2B_PUBLIC *template, struct wbuf *area)
{
	const TPM2B_SENSITIVE_CREATE sensitive = { .size = 0 };
	const TPML_PCR_SELECTION pcrs = { .count = 0 };
	const TPM2B_DATA outside = { .size = 0 };
	ESYS_TR key = ESYS_TR_NONE;
	TPM2B_PUBLIC *made = NULL;
	size_t len = 0;

	ck_assert_uint_eq(Esys_CreatePrimary(esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			      ESYS_TR_NONE, &sensitive, template, &outside, &pcrs, &key, &made,
			      NULL, NULL, NULL), 0);
	ck_assert_uint_eq(Tss2_MU_TPMT_PUBLIC_Marshal(&made->publicArea, area->data, area->cap, &len),
	    0);
	area->len = len;
	Esys_Free(made);
	return key;
}

static void
make_keys(const struct ek_row *row)
{
	const struct digest policy = { { 1 } };
	const TPM2B_PUBLIC ek_kind = ek_template(row), ak_kind = key_attestation_template(&policy);

	ek_area = wbuf_over(ek_octets, sizeof ek_octets);
	ak_area = wbuf_over(ak_octets, sizeof ak_octets);
	ek = primary(ESYS_TR_RH_ENDORSEMENT, &ek_kind, &ek_area);
	ak = primary(ESYS_TR_RH_OWNER, &ak_kind, &ak_area);
}

static bool
make(size_t n)
{
	static const uint8_t octets[SECRET_MAX] = "only that TPM reads these octets, 32";
	SECRET(secret);

	ck_assert(secret_set(&secret, rbuf_of(octets, n)));
	return credential_make(wbuf_view(&ek_area), wbuf_view(&ak_area), &secret, &blob, &encrypted);
}

/* What the TPM reads; NULL when it does not. */
static TPM2B_DIGEST *
activate(void)
{
	TPM2B_ENCRYPTED_SECRET seed;
	TPM2B_DIGEST *out = NULL;
	TPM2B_ID_OBJECT id;
	size_t at = 0;

	ck_assert_uint_eq(Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(blob.data, blob.len, &at, &id), 0);
	ck_assert_uint_eq(at, blob.len);
	at = 0;
	ck_assert_uint_eq(Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(encrypted.data, encrypted.len,
			      &at, &seed), 0);
	ck_assert_uint_eq(at, encrypted.len);
	return Esys_ActivateCredential(esys, ak, ek, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD,
		   ESYS_TR_NONE, &id, &seed, &out) == 0 ? out : NULL;
}

START_TEST(the_tpm_reads_it)
{
	static const size_t lengths[] = { 32, 1, 16 };
	const struct ek_row *row = &ek_rows[_i];
	TPM2B_DIGEST *read;
	size_t i;

	make_keys(row);
	ck_assert(evidence_is_ak(wbuf_view(&ak_area)));
	for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		blob.len = encrypted.len = 0;
		ck_assert_msg(make(lengths[i]), "%s", row->why);
		read = activate();
		ck_assert_msg(read != NULL, "%s", row->why);
		ck_assert(rbuf_eq(rbuf_of(read->buffer, read->size),
		    rbuf_of("only that TPM reads these octets, 32", lengths[i])));
		Esys_Free(read);
	}
}
END_TEST

/* ---- nobody else ---- */

START_TEST(another_ak_does_not_get_it)
{
	const struct digest policy = { { 2 } };
	const TPM2B_PUBLIC kind = key_attestation_template(&policy);
	TPM2B_DIGEST *read;

	make_keys(&ek_rows[_i]);
	ck_assert_uint_eq(Esys_FlushContext(esys, ak), 0);
	ak_area.len = 0;
	ak = primary(ESYS_TR_RH_OWNER, &kind, &ak_area);
	ck_assert(make(32));
	read = activate();
	ck_assert_msg(read != NULL, "for the AK there is");
	Esys_Free(read);
	ck_assert_uint_eq(Esys_FlushContext(esys, ak), 0);
	ck_assert_uint_eq(Esys_FlushContext(esys, ek), 0);
	make_keys(&ek_rows[_i]);
	ck_assert_ptr_null(activate());
}
END_TEST

START_TEST(what_was_changed_is_refused)
{
	size_t i;

	make_keys(&ek_rows[1]);
	ck_assert(make(32));
	/* The lengths in front are another matter: then it is no such structure. */
	for (i = 4; i < blob.len; i += 7) {
		blob_octets[i] ^= 0x10;
		ck_assert_msg(activate() == NULL, "octet %zu of the blob", i);
		blob_octets[i] ^= 0x10;
	}
	for (i = 4; i < encrypted.len; i += 7) {
		encrypted_octets[i] ^= 0x10;
		ck_assert_msg(activate() == NULL, "octet %zu of the secret", i);
		encrypted_octets[i] ^= 0x10;
	}
}
END_TEST

/* ---- what no credential is made for ---- */

static void
any_ek(TPMT_PUBLIC *area)
{
	(void)area;
}

static void
signing(TPMT_PUBLIC *area)
{
	area->objectAttributes |= TPMA_OBJECT_SIGN_ENCRYPT;
}

static void
unrestricted(TPMT_PUBLIC *area)
{
	area->objectAttributes &= ~(TPMA_OBJECT)TPMA_OBJECT_RESTRICTED;
}

static void
no_cipher(TPMT_PUBLIC *area)
{
	area->parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
}

static void
sha1(TPMT_PUBLIC *area)
{
	area->nameAlg = TPM2_ALG_SHA1;
}

static void
p521(TPMT_PUBLIC *area)
{
	area->parameters.eccDetail.curveID = TPM2_ECC_NIST_P521;
}

static void
off_the_curve(TPMT_PUBLIC *area)
{
	area->unique.ecc.y.buffer[31] ^= 1;
}

static void
long_coordinate(TPMT_PUBLIC *area)
{
	area->unique.ecc.x.size = 33;
}

static void
symmetric(TPMT_PUBLIC *area)
{
	area->type = TPM2_ALG_SYMCIPHER;
}

static const struct refused_row {
	const char *why;
	void (*spoil)(TPMT_PUBLIC *ek);
	size_t secret;
	bool ok;
} refused_rows[] = {
	{ "nothing is wrong", any_ek, 32, true },
	{ "no secret", any_ek, 0, false },
	{ "a secret that is too long", any_ek, 33, false },
	{ "a signing key", signing, 32, false },
	{ "a key that decrypts anything", unrestricted, 32, false },
	{ "no cipher", no_cipher, 32, false },
	{ "nameAlg SHA-1", sha1, 32, false },
	{ "P-521", p521, 32, false },
	{ "a point off the curve", off_the_curve, 32, false },
	{ "a coordinate that is too long", long_coordinate, 32, false },
	{ "a symmetric key", symmetric, 32, false },
};

/* Areas without a TPM: a real point, by the policy authority's maker. */
static void
soft_areas(void (*spoil)(TPMT_PUBLIC *))
{
	const struct digest policy = { { 1 } };
	TPM2B_PUBLIC ek_kind = ek_template(&ek_rows[1]), ak_kind = key_attestation_template(&policy);
	struct authority *k = authority_new();
	struct authority_public half;
	TPM2B_PUBLIC point;

	ck_assert_ptr_nonnull(k);
	authority_public(k, &half);
	authority_free(k);
	point = authority_template(&half);
	ek_kind.publicArea.unique = ak_kind.publicArea.unique = point.publicArea.unique;
	spoil(&ek_kind.publicArea);
	ek_area = wbuf_over(ek_octets, sizeof ek_octets);
	ak_area = wbuf_over(ak_octets, sizeof ak_octets);
	ck_assert_uint_eq(Tss2_MU_TPMT_PUBLIC_Marshal(&ek_kind.publicArea, ek_octets,
			      sizeof ek_octets, &ek_area.len), 0);
	ck_assert_uint_eq(Tss2_MU_TPMT_PUBLIC_Marshal(&ak_kind.publicArea, ak_octets,
			      sizeof ak_octets, &ak_area.len), 0);
	blob = wbuf_over(blob_octets, sizeof blob_octets);
	encrypted = wbuf_over(encrypted_octets, sizeof encrypted_octets);
}

START_TEST(what_is_no_ek_gets_none)
{
	const struct refused_row *row = &refused_rows[_i];

	soft_areas(row->spoil);
	ck_assert_msg(make(row->secret) == row->ok, "%s", row->why);
	ck_assert_msg(row->ok || (blob.len == 0 && encrypted.len == 0), "%s: something is left",
	    row->why);
}
END_TEST

START_TEST(areas_cut_short_get_none)
{
	struct wbuf *const areas[] = { &ek_area, &ak_area };
	size_t i, len;

	soft_areas(any_ek);
	for (i = 0; i < sizeof areas / sizeof areas[0]; i++) {
		len = areas[i]->len;
		for (areas[i]->len = 0; areas[i]->len < len; areas[i]->len++)
			ck_assert_msg(!make(32), "%zu octets", areas[i]->len);
		areas[i]->len = len + 1;
		ck_assert_msg(!make(32), "one octet too many");
		areas[i]->len = len;
	}
	ck_assert(make(32));
	blob = wbuf_over(blob_octets, 40);
	ck_assert_msg(!make(32), "no room");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("credential");
	TCase *live = tcase_create("live"), *pure = tcase_create("pure");

	tcase_set_timeout(live, 120);
	tcase_add_checked_fixture(live, setup, teardown);
	tcase_add_rows(live, the_tpm_reads_it, ek_rows);
	tcase_add_loop_test(live, another_ak_does_not_get_it, 0, 3);
	tcase_add_test(live, what_was_changed_is_refused);
	suite_add_tcase(suite, live);
	tcase_add_rows(pure, what_is_no_ek_gets_none, refused_rows);
	tcase_add_test(pure, areas_cut_short_get_none);
	suite_add_tcase(suite, pure);
	return suite_run(suite);
}
