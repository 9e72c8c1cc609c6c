/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Evidence, and who would like to pass something else off as it: rightly signed
 * forgeries, each found for what it is, and every bit that can be turned.
 */
#include <openssl/x509.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "tests/evidence_maker.h"
#include "tests/faults.h"
#include "tests/suite.h"
#include "tpm/area.h"
#include "tpm/key.h"

static struct evidence_maker m;
static struct evidence_report report;

static void
setup(void)
{
	maker_begin(&m, true);
}

static void
setup_small(void)
{
	maker_begin(&m, false);
}

static void
teardown(void)
{
	maker_end(&m);
}

/* ---- what is right ---- */

START_TEST(whole_evidence_holds)
{
	static const struct key_info keys[] = {
		{ ALG_ECC_P256, PIN_ONCE, ORIGIN_GENERATED },
		{ ALG_RSA_2048, PIN_ALWAYS, ORIGIN_GENERATED },
		{ ALG_ECC_P384, PIN_ONCE, ORIGIN_IMPORTED },
		{ ALG_ECC_P256, PIN_NEVER, ORIGIN_GENERATED },
	};
	size_t i;

	ck_assert(evidence_check(&m.evidence, &report));
	ck_assert(!failed(&report.ak) && !failed(&report.authority));
	ck_assert(report.puk_resets && report.admin_resets);
	for (i = 0; i < EVIDENCE_INDICES; i++)
		ck_assert(report.index[i].present && !failed(&report.index[i].fault));
	ck_assert_uint_eq(report.index[INDEX_PIN].limit, 5);
	ck_assert_uint_eq(report.index[INDEX_ADMIN].limit, RECORD_ADMIN_LIMIT);
	ck_assert_uint_eq(report.index[INDEX_LIFE].limit, 0);
	ck_assert_uint_eq(m.evidence.keys, sizeof keys / sizeof keys[0]);
	for (i = 0; i < m.evidence.keys; i++) {
		ck_assert_msg(!failed(&report.key[i].fault), "%s", report.key[i].fault.text);
		ck_assert_uint_eq(report.key[i].info.algorithm, keys[i].algorithm);
		ck_assert_int_eq(report.key[i].info.pin, keys[i].pin);
		ck_assert_int_eq(report.key[i].info.origin, keys[i].origin);
	}
}
END_TEST

START_TEST(less_is_enough)
{
	ck_assert(evidence_check(&m.evidence, &report));
	ck_assert(!report.index[INDEX_PUK].present && !report.index[INDEX_ADMIN].present);
	ck_assert(!report.puk_resets && !report.admin_resets);
	m.evidence.keys = 0;
	m.evidence.nonce.len = 0;
	maker_certify(&m);
	ck_assert(evidence_check(&m.evidence, &report));
}
END_TEST

/* ADMIN that may do nothing for the PIN: --admin-unblock no. */
START_TEST(an_admin_may_be_without_power)
{
	m.evidence.approval[PIN_BY_ADMIN].len = m.evidence.approval[COUNT_BY_ADMIN].len = 0;
	maker_certify(&m);
	ck_assert(evidence_check(&m.evidence, &report));
	ck_assert(report.puk_resets && !report.admin_resets);
}
END_TEST

/* What was counted is told, and is no fault; nor is a PIN that is blocked. */
START_TEST(counts_are_reported)
{
	TPMS_ATTEST attest = maker_index_attest(&m, INDEX_PIN);

	attest.attested.nv.nvContents.buffer[3] = 5;
	m.evidence.index[INDEX_PIN].statement = maker_sign(&m, m.ak, &attest);
	ck_assert(evidence_check(&m.evidence, &report));
	ck_assert_uint_eq(report.index[INDEX_PIN].count, 5);
}
END_TEST

/* ---- forgeries ---- */

/* Where the fault is to be found. */
enum part { AK, AUTHORITY, INDEX, KEY = INDEX + EVIDENCE_INDICES };

static const struct failure *
fault_of(size_t part)
{
	if (part == AK)
		return &report.ak;
	if (part == AUTHORITY)
		return &report.authority;
	if (part < KEY)
		return &report.index[part - INDEX].fault;
	return &report.key[part - KEY].fault;
}

/* -- the AK -- */

static TPMT_PUBLIC
ak_area(void)
{
	TPMT_PUBLIC area;

	ck_assert(area_read_object(m.evidence.ak_area, &area));
	return area;
}

static void
set_ak(const TPMT_PUBLIC *area)
{
	m.evidence.ak_area = maker_keep_object(&m, area);
	maker_certify(&m);
}

static void
another_cards_ak(void)
{
	static struct evidence_maker other;

	maker_begin(&other, false);
	authority_free(m.ak);
	m.ak = other.ak;
	other.ak = NULL;
	m.evidence.ak_area = maker_keep(&m, other.evidence.ak_area);
	maker_end(&other);
	maker_certify(&m);
}

static void
ak_attributes(TPMA_OBJECT turned)
{
	TPMT_PUBLIC area = ak_area();

	area.objectAttributes ^= turned;
	set_ak(&area);
}

static void
ak_unrestricted(void)
{
	ak_attributes(TPMA_OBJECT_RESTRICTED);
}

static void
ak_may_leave(void)
{
	ak_attributes(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT);
}

static void
ak_from_outside(void)
{
	ak_attributes(TPMA_OBJECT_SENSITIVEDATAORIGIN);
}

static void
ak_by_value(void)
{
	ak_attributes(TPMA_OBJECT_USERWITHAUTH);
}

static void
ak_without_policy(void)
{
	TPMT_PUBLIC area = ak_area();

	area.authPolicy.size = 0;
	set_ak(&area);
}

static void
ak_any_scheme(void)
{
	TPMT_PUBLIC area = ak_area();

	area.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
	set_ak(&area);
}

static void
ak_off_the_curve(void)
{
	TPMT_PUBLIC area = ak_area();

	area.unique.ecc.x.buffer[31] ^= 1;
	set_ak(&area);
}

static void
ak_cut(void)
{
	m.evidence.ak_area.len--;
	maker_certify(&m);
}

static void
ak_none(void)
{
	m.evidence.ak_area.len = 0;
	maker_certify(&m);
}

/* -- the authority -- */

static void
authority_off_the_curve(void)
{
	uint8_t octets[2 * P256_OCTETS];
	struct rbuf in = m.evidence.authority;

	ck_assert(rbuf_copy(&in, octets, sizeof octets));
	octets[40] ^= 1;
	m.evidence.authority = maker_keep(&m, rbuf_of(octets, sizeof octets));
	maker_certify(&m);
}

static void
authority_cut(void)
{
	m.evidence.authority.len--;
	maker_certify(&m);
}

static void
another_authority(void)
{
	struct authority *other = authority_new();
	struct authority_public half;

	authority_public(other, &half);
	m.evidence.authority = maker_keep(&m, rbuf_of(&half, sizeof half));
	authority_free(other);
	maker_certify(&m);
}

static void
approval_by_another(void)
{
	struct authority *other = authority_new();
	struct digest policy;

	ck_assert(record_approved_policy(&m.record, COUNT_BY_PUK, &policy));
	m.evidence.approval[COUNT_BY_PUK] = maker_approve(&m, other, &policy, "PIN");
	authority_free(other);
	maker_certify(&m);
}

/* K did sign it, and it lets anybody with the PUK do anything, e.g. write the limit. */
static void
approval_of_more(void)
{
	struct policy p = policy_new();
	struct digest policy;

	policy_secret(&p, &m.record.name[INDEX_PUK], "unblock");
	ck_assert(policy_digest(&p, &policy));
	m.evidence.approval[COUNT_BY_PUK] = maker_approve(&m, m.k, &policy, "PIN");
	maker_certify(&m);
}

/* ... or whoever comes. */
static void
approval_of_all(void)
{
	const struct digest nothing = { { 0 } };

	m.evidence.approval[PIN_BY_ADMIN] = maker_approve(&m, m.k, &nothing, "PIN");
	maker_certify(&m);
}

static void
approval_for_another_index(void)
{
	struct digest policy;

	ck_assert(record_approved_policy(&m.record, PIN_BY_PIN, &policy));
	m.evidence.approval[PIN_BY_PIN] = maker_approve(&m, m.k, &policy, "PUK");
	maker_certify(&m);
}

static void
approvals_swapped(void)
{
	const struct rbuf one = m.evidence.approval[PIN_BY_PUK];

	m.evidence.approval[PIN_BY_PUK] = m.evidence.approval[PIN_BY_ADMIN];
	m.evidence.approval[PIN_BY_ADMIN] = one;
	maker_certify(&m);
}

static void
approval_cut(void)
{
	m.evidence.approval[ADMIN_BY_ADMIN].len--;
	maker_certify(&m);
}

static void
approval_and_more(void)
{
	uint8_t octets[2 * P256_OCTETS + 1] = { 0 };
	struct rbuf in = m.evidence.approval[PIN_BY_PIN];

	ck_assert(rbuf_copy(&in, octets, 2 * P256_OCTETS));
	m.evidence.approval[PIN_BY_PIN] = maker_keep(&m, rbuf_of(octets, sizeof octets));
	maker_certify(&m);
}

static void
approval_of_zeros(void)
{
	static const uint8_t zeros[2 * P256_OCTETS];

	m.evidence.approval[PUK_BY_PUK] = maker_keep(&m, rbuf_of(zeros, sizeof zeros));
	maker_certify(&m);
}

static void
approval_hidden(void)
{
	m.evidence.approval[COUNT_BY_PUK].len = 0;
	maker_certify(&m);
}

/* The PUK is not shown, and what it may do is. */
static void
approval_without_puk(void)
{
	m.evidence.index[INDEX_PUK].area.len = 0;
	maker_certify(&m);
}

/* -- indices -- */

static TPMS_NV_PUBLIC
index_area(enum card_index which)
{
	TPMS_NV_PUBLIC area;

	ck_assert(area_read_index(m.evidence.index[which].area, &area));
	return area;
}

static void
set_index(enum card_index which, const TPMS_NV_PUBLIC *area)
{
	m.evidence.index[which].area = maker_keep_index(&m, area);
	maker_certify(&m);
}

static void
index_attributes(enum card_index which, TPMA_NV turned)
{
	TPMS_NV_PUBLIC area = index_area(which);

	area.attributes ^= turned;
	set_index(which, &area);
}

static void
index_limit(enum card_index which, uint32_t limit)
{
	m.record.index[which].limit = limit;
	maker_certify(&m);
}

static void
pin_limit_200(void)
{
	index_limit(INDEX_PIN, 200);
}

static void
pin_limit_11(void)
{
	index_limit(INDEX_PIN, 11);
}

static void
puk_limit_0(void)
{
	index_limit(INDEX_PUK, 0);
}

static void
admin_limit_5(void)
{
	index_limit(INDEX_ADMIN, 5);
}

static void
life_not_zero(void)
{
	index_limit(INDEX_LIFE, 1);
}

static void
pin_owner_writes(void)
{
	index_attributes(INDEX_PIN, TPMA_NV_OWNERWRITE);
}

static void
pin_policy_reads(void)
{
	index_attributes(INDEX_PIN, TPMA_NV_POLICYREAD);
}

static void
puk_auth_writes(void)
{
	index_attributes(INDEX_PUK, TPMA_NV_AUTHWRITE);
}

static void
pin_does_not_count(void)
{
	index_attributes(INDEX_PIN, (TPMA_NV)TPM2_NT_PIN_FAIL << TPMA_NV_TPM2_NT_SHIFT);
}

static void
life_unwritten(void)
{
	index_attributes(INDEX_LIFE, TPMA_NV_WRITTEN);
}

static void
pin_another_policy(void)
{
	TPMS_NV_PUBLIC area = index_area(INDEX_PIN);

	area.authPolicy.buffer[0] ^= 1;
	set_index(INDEX_PIN, &area);
}

static void
pin_no_policy(void)
{
	TPMS_NV_PUBLIC area = index_area(INDEX_PIN);

	area.authPolicy.size = 0;
	set_index(INDEX_PIN, &area);
}

static void
life_longer(void)
{
	TPMS_NV_PUBLIC area = index_area(INDEX_LIFE);

	area.dataSize = 9;
	set_index(INDEX_LIFE, &area);
}

static void
pin_elsewhere(void)
{
	TPMS_NV_PUBLIC area = index_area(INDEX_PIN);

	area.nvIndex = INDEX_END;
	set_index(INDEX_PIN, &area);
}

static void
puk_in_the_pins_place(void)
{
	TPMS_NV_PUBLIC area = index_area(INDEX_PUK);

	area.nvIndex = index_area(INDEX_PIN).nvIndex;
	set_index(INDEX_PUK, &area);
}

static void
pin_not_there(void)
{
	m.evidence.index[INDEX_PIN].area.len = 0;
	maker_certify(&m);
}

static void
life_not_there(void)
{
	m.evidence.index[INDEX_LIFE].area.len = 0;
	maker_certify(&m);
}

static void
pin_uncertified(void)
{
	m.evidence.index[INDEX_PIN].statement.attest.len = 0;
}

/* -- statements -- */

static void
pin_certified_as(const TPMS_ATTEST *attest)
{
	m.evidence.index[INDEX_PIN].statement = maker_sign(&m, m.ak, attest);
}

static void
pin_by_puks_statement(void)
{
	m.evidence.index[INDEX_PIN].statement = m.evidence.index[INDEX_PUK].statement;
}

static void
pin_by_a_keys_statement(void)
{
	m.evidence.index[INDEX_PIN].statement = m.evidence.key[0].statement;
}

static void
pin_offset(void)
{
	TPMS_ATTEST attest = maker_index_attest(&m, INDEX_PIN);

	attest.attested.nv.offset = 4;
	pin_certified_as(&attest);
}

static void
pin_half(void)
{
	TPMS_ATTEST attest = maker_index_attest(&m, INDEX_PIN);

	attest.attested.nv.nvContents.size = 4;
	pin_certified_as(&attest);
}

static void
pin_and_more(void)
{
	TPMS_ATTEST attest = maker_index_attest(&m, INDEX_PIN);

	attest.attested.nv.nvContents.size = 9;
	pin_certified_as(&attest);
}

static void
pin_not_by_a_tpm(void)
{
	TPMS_ATTEST attest = maker_index_attest(&m, INDEX_PIN);

	attest.magic = 0x80010000;
	pin_certified_as(&attest);
}

static void
pin_stale_nonce(void)
{
	m.evidence.nonce = maker_keep(&m, rbuf_str("another"));
}

static void
pin_no_qualifying_data(void)
{
	TPMS_ATTEST attest = maker_index_attest(&m, INDEX_PIN);

	attest.extraData.size = 0;
	pin_certified_as(&attest);
}

static void
pin_by_another_ak(void)
{
	const TPMS_ATTEST attest = maker_index_attest(&m, INDEX_PIN);

	m.evidence.index[INDEX_PIN].statement = maker_sign(&m, m.k, &attest);
}

/* A signature with other numbers or algorithms over the right statement. */
static void
pin_signature(const TPMT_SIGNATURE *signature)
{
	uint8_t octets[sizeof *signature];
	size_t len = 0;

	ck_assert_uint_eq(Tss2_MU_TPMT_SIGNATURE_Marshal(signature, octets, sizeof octets, &len), 0);
	m.evidence.index[INDEX_PIN].statement.signature = maker_keep(&m, rbuf_of(octets, len));
}

static TPMT_SIGNATURE
pins_signature(void)
{
	TPMT_SIGNATURE out;

	ck_assert(area_read_signature(m.evidence.index[INDEX_PIN].statement.signature, &out));
	return out;
}

static void
pin_other_hash(void)
{
	TPMT_SIGNATURE signature = pins_signature();

	signature.signature.ecdsa.hash = TPM2_ALG_SHA384;
	pin_signature(&signature);
}

static void
pin_other_algorithm(void)
{
	TPMT_SIGNATURE signature = pins_signature();

	signature.sigAlg = TPM2_ALG_ECSCHNORR;
	pin_signature(&signature);
}

static void
pin_r_zero(void)
{
	TPMT_SIGNATURE signature = pins_signature();

	signature.signature.ecdsa.signatureR.size = 0;
	pin_signature(&signature);
}

static void
pin_s_too_large(void)
{
	TPMT_SIGNATURE signature = pins_signature();

	memset(signature.signature.ecdsa.signatureS.buffer, 0xff, P256_OCTETS);
	pin_signature(&signature);
}

static void
pin_s_too_long(void)
{
	TPMT_SIGNATURE signature = pins_signature();

	signature.signature.ecdsa.signatureS.size = P256_OCTETS + 1;
	pin_signature(&signature);
}

static void
pin_something_behind(void)
{
	uint8_t octets[256];
	struct wbuf w = wbuf_over(octets, sizeof octets);

	wbuf_put(&w, m.evidence.index[INDEX_PIN].statement.attest);
	wbuf_u8(&w, 0);
	m.evidence.index[INDEX_PIN].statement.attest = maker_keep(&m, wbuf_view(&w));
}

/* -- keys: 9a and 9c were generated, 9d imported -- */

static TPMT_PUBLIC
key_area(size_t i)
{
	TPMT_PUBLIC area;

	ck_assert(area_read_object(m.evidence.key[i].area, &area));
	return area;
}

static void
set_key(size_t i, const TPMT_PUBLIC *area)
{
	m.evidence.key[i].area = maker_keep_object(&m, area);
	maker_certify(&m);
}

static void
key_attributes(size_t i, TPMA_OBJECT turned)
{
	TPMT_PUBLIC area = key_area(i);

	area.objectAttributes ^= turned;
	set_key(i, &area);
}

/* A key in software, with the certificate of the real one: it has its point, and nobody who certifies it. */
static void
software_key(void)
{
	m.evidence.key[0].creation.len = 0;
	m.evidence.key[0].statement = (struct statement){ { NULL, 0 }, { NULL, 0 } };
	maker_certify(&m);
}

/* ... with what the TPM says of another key. */
static void
software_key_and_a_statement(void)
{
	const TPMT_PUBLIC area = key_area(3);
	TPMT_PUBLIC forged = key_area(0);

	forged.unique = area.unique;
	m.evidence.key[0].area = maker_keep_object(&m, &forged);
	maker_certify(&m);
	m.evidence.key[0].statement = m.evidence.key[3].statement;
}

#define MADE_HERE \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN)

static void
imported_as_generated(void)
{
	key_attributes(2, MADE_HERE);
}

static void
imported_as_generated_with_a_statement(void)
{
	m.evidence.key[2].creation = m.evidence.key[0].creation;
	key_attributes(2, MADE_HERE);
	m.evidence.key[2].statement = m.evidence.key[0].statement;
}

static void
imported_with_an_attest(void)
{
	m.evidence.key[2].statement.attest = m.evidence.key[0].statement.attest;
}

static void
imported_with_a_signature(void)
{
	m.evidence.key[2].statement.signature = m.evidence.key[0].statement.signature;
}

static void
imported_with_creation(void)
{
	m.evidence.key[2].creation = m.evidence.key[0].creation;
	maker_certify(&m);
	m.evidence.key[2].statement = (struct statement){ { NULL, 0 }, { NULL, 0 } };
}

static void
imported_by_half(void)
{
	key_attributes(2, TPMA_OBJECT_FIXEDTPM);
}

static void
creation_of_another(void)
{
	TPMS_ATTEST attest = maker_key_attest(&m, 0);

	attest.attested.creation.creationHash.buffer[5] ^= 1;
	m.evidence.key[0].statement = maker_sign(&m, m.ak, &attest);
}

static void
creation_is_none(void)
{
	m.evidence.key[0].creation = maker_keep(&m, rbuf_str("no creation data"));
	maker_certify(&m);
}

static void
key_by_value(void)
{
	key_attributes(0, TPMA_OBJECT_USERWITHAUTH);
}

static void
key_admin_by_policy(void)
{
	key_attributes(0, TPMA_OBJECT_ADMINWITHPOLICY);
}

static void
key_restricted(void)
{
	key_attributes(0, TPMA_OBJECT_RESTRICTED);
}

static void
key_no_policy(void)
{
	TPMT_PUBLIC area = key_area(0);

	area.authPolicy.size = 0;
	set_key(0, &area);
}

/* PolicySecret(PIN, "change"), which is no key's. */
static void
key_another_purpose(void)
{
	struct policy p = policy_new();
	TPMT_PUBLIC area = key_area(0);
	struct digest policy;

	policy_secret(&p, &m.record.name[INDEX_PIN], "change");
	ck_assert(policy_digest(&p, &policy));
	area.authPolicy = digest_tpm2b(&policy);
	set_key(0, &area);
}

static void
key_of_another_card(void)
{
	static struct evidence_maker other;

	maker_begin(&other, false);
	m.evidence.key[0].area = maker_keep(&m, other.evidence.key[0].area);
	maker_end(&other);
	maker_certify(&m);
}

static void
key_with_a_scheme(void)
{
	TPMT_PUBLIC area = key_area(0);

	area.parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
	area.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
	set_key(0, &area);
}

static void
key_off_the_curve(void)
{
	TPMT_PUBLIC area = key_area(0);

	area.unique.ecc.y.buffer[3] ^= 1;
	set_key(0, &area);
}

static void
key_even_modulus(void)
{
	TPMT_PUBLIC area = key_area(1);

	area.unique.rsa.buffer[255] ^= 1;
	set_key(1, &area);
}

static void
key_short_modulus(void)
{
	TPMT_PUBLIC area = key_area(1);

	area.unique.rsa.size = 255;
	area.unique.rsa.buffer[254] |= 1;
	set_key(1, &area);
}

static void
key_small_modulus(void)
{
	TPMT_PUBLIC area = key_area(1);

	area.unique.rsa.buffer[0] &= 0x7f;
	set_key(1, &area);
}

static void
key_exponent_3(void)
{
	TPMT_PUBLIC area = key_area(1);

	area.parameters.rsaDetail.exponent = 3;
	set_key(1, &area);
}

static void
key_sha1(void)
{
	TPMT_PUBLIC area = key_area(0);

	area.nameAlg = TPM2_ALG_SHA1;
	m.evidence.key[0].area = maker_keep_object(&m, &area);
}

static void
key_cut(void)
{
	m.evidence.key[0].area.len--;
}

static void
key_twice(void)
{
	m.evidence.key[1].reference = 0x9a;
	maker_certify(&m);
}

static void
key_admin(void)
{
	struct digest policy;
	TPM2B_PUBLIC area;

	ck_assert(record_key_policy(&m.record, PIN_NEVER, &policy));
	area = key_admin_template(ALG_AES_256, false, &policy);
	area.publicArea.unique.sym.size = 32;
	set_key(0, &area.publicArea);
}

/* -- more than there can be -- */

static void
too_many_keys(void)
{
	m.evidence.keys = EVIDENCE_KEYS_MAX + 1;
}

static void
chain_with_a_hole(void)
{
	m.evidence.ek.above[2] = m.evidence.ek.above[0];
}

static void
nonce_too_long(void)
{
	m.evidence.nonce = rbuf_of(m.octets, EVIDENCE_NONCE_MAX + 1);
}

static void
name_too_long(void)
{
	static const uint8_t octets[EVIDENCE_OCTETS_MAX];

	m.evidence.name = rbuf_of(octets, sizeof octets);
}

#define ALONE true /* no other part has a fault */

static const struct forgery {
	const char *why;
	void (*forge)(void);
	size_t part;
	bool alone;
	const char *says;
} forgeries[] = {
	{ "another card's AK", another_cards_ak, AK, ALONE, "another card's" },
	{ "an AK that signs anything", ak_unrestricted, AK, ALONE, "no restricted" },
	{ "an AK that may leave its TPM", ak_may_leave, AK, ALONE, "stays there" },
	{ "an AK from outside", ak_from_outside, AK, ALONE, "made in a TPM" },
	{ "an AK used by authValue", ak_by_value, AK, ALONE, "no restricted" },
	{ "an AK without policy", ak_without_policy, AK, ALONE, "no restricted" },
	{ "an AK of any scheme", ak_any_scheme, AK, ALONE, "no restricted" },
	{ "an AK off its curve", ak_off_the_curve, AK, false, "no restricted" },
	{ "an AK off its curve certifies nothing", ak_off_the_curve, KEY, false,
	    "there is no attestation key" },
	{ "an AK cut short", ak_cut, AK, false, "cut short" },
	{ "no AK", ak_none, AK, false, "cut short" },

	{ "an authority off the curve", authority_off_the_curve, AUTHORITY, false, "no point" },
	{ "an authority cut short", authority_cut, AUTHORITY, false, "public key is none" },
	{ "another authority's approvals", another_authority, AUTHORITY, false,
	    "is not this card's authority's" },
	{ "another authority's indices", another_authority, INDEX + INDEX_PUK, false,
	    "another policy" },
	{ "an approval by an unknown key", approval_by_another, AUTHORITY, ALONE,
	    "give the PIN its tries back is not this card's authority's" },
	{ "an approval of more", approval_of_more, AUTHORITY, ALONE, "allows something else" },
	{ "an approval of everything", approval_of_all, AUTHORITY, ALONE,
	    "administrator may set a new PIN is not" },
	{ "an approval for another index", approval_for_another_index, AUTHORITY, ALONE,
	    "the PIN's owner may change it is not" },
	{ "approvals in each other's places", approvals_swapped, AUTHORITY, ALONE,
	    "the PUK's owner may set a new PIN is not" },
	{ "an approval cut short", approval_cut, AUTHORITY, ALONE, "administrator may change" },
	{ "something behind an approval", approval_and_more, AUTHORITY, ALONE,
	    "PIN's owner may change" },
	{ "an approval of zeros", approval_of_zeros, AUTHORITY, ALONE, "PUK's owner may change" },
	{ "an approval that is not shown", approval_hidden, AUTHORITY, ALONE, "is not shown" },
	{ "a PUK that is not shown", approval_without_puk, AUTHORITY, ALONE,
	    "a PUK that the card does not have" },

	{ "a PIN with 200 tries", pin_limit_200, INDEX + INDEX_PIN, ALONE, "allows 200 wrong" },
	{ "a PIN with 11 tries", pin_limit_11, INDEX + INDEX_PIN, ALONE, "allows 11 wrong" },
	{ "a PUK without tries", puk_limit_0, INDEX + INDEX_PUK, ALONE, "allows 0 wrong" },
	{ "another limit of ADMIN", admin_limit_5, INDEX + INDEX_ADMIN, ALONE, "allows 5 wrong" },
	{ "a LIFE that is over", life_not_zero, INDEX + INDEX_LIFE, ALONE, "not read as zero" },
	{ "the owner writes the PIN", pin_owner_writes, INDEX + INDEX_PIN, ALONE, "attributes" },
	{ "anybody reads the PIN", pin_policy_reads, INDEX + INDEX_PIN, ALONE, "attributes" },
	{ "the PUK writes itself", puk_auth_writes, INDEX + INDEX_PUK, ALONE, "attributes" },
	{ "a PIN that counts nothing", pin_does_not_count, INDEX + INDEX_PIN, ALONE,
	    "attributes" },
	{ "a LIFE made anew", life_unwritten, INDEX + INDEX_LIFE, ALONE, "never written" },
	{ "a PIN of another policy", pin_another_policy, INDEX + INDEX_PIN, ALONE,
	    "another policy" },
	{ "a PIN without policy", pin_no_policy, INDEX + INDEX_PIN, ALONE, "another policy" },
	{ "a longer LIFE", life_longer, INDEX + INDEX_LIFE, ALONE, "not such as a card makes" },
	{ "a PIN elsewhere", pin_elsewhere, INDEX + INDEX_PIN, false, "no card has its indices" },
	{ "two indices in one place", puk_in_the_pins_place, INDEX + INDEX_PUK, false,
	    "the handle of another" },
	{ "no PIN", pin_not_there, INDEX + INDEX_PIN, false, "there is no PIN index" },
	{ "no LIFE", life_not_there, INDEX + INDEX_LIFE, false, "there is no LIFE index" },
	{ "an AK without LIFE", life_not_there, AK, false, "there is no LIFE index" },

	{ "a PIN that nobody certifies", pin_uncertified, INDEX + INDEX_PIN, ALONE,
	    "there is no statement" },
	{ "the PUK's statement", pin_by_puks_statement, INDEX + INDEX_PIN, ALONE,
	    "about another index" },
	{ "a key's statement", pin_by_a_keys_statement, INDEX + INDEX_PIN, ALONE,
	    "of another kind" },
	{ "a statement from offset 4", pin_offset, INDEX + INDEX_PIN, ALONE, "eight octets" },
	{ "a statement about half", pin_half, INDEX + INDEX_PIN, ALONE, "eight octets" },
	{ "a statement about more", pin_and_more, INDEX + INDEX_PIN, ALONE, "eight octets" },
	{ "a statement by a program", pin_not_by_a_tpm, INDEX + INDEX_PIN, ALONE,
	    "not made by a TPM" },
	{ "a stale nonce", pin_stale_nonce, INDEX + INDEX_PIN, false, "the nonce is another" },
	{ "a statement about no evidence", pin_no_qualifying_data, INDEX + INDEX_PIN, ALONE,
	    "for other evidence" },
	{ "a statement by another AK", pin_by_another_ak, INDEX + INDEX_PIN, ALONE,
	    "not signed by this" },
	{ "a signature of another hash", pin_other_hash, INDEX + INDEX_PIN, ALONE, "not signed" },
	{ "a signature of another kind", pin_other_algorithm, INDEX + INDEX_PIN, ALONE,
	    "not signed" },
	{ "r is zero", pin_r_zero, INDEX + INDEX_PIN, ALONE, "not signed" },
	{ "s is more than the order", pin_s_too_large, INDEX + INDEX_PIN, ALONE, "not signed" },
	{ "s is longer than the order", pin_s_too_long, INDEX + INDEX_PIN, ALONE, "not signed" },
	{ "something behind a statement", pin_something_behind, INDEX + INDEX_PIN, ALONE,
	    "cut short, or altered" },

	{ "a software key", software_key, KEY, ALONE, "no TPM says anything about key 9a" },
	{ "a software key and a statement", software_key_and_a_statement, KEY, ALONE,
	    "about another key" },
	{ "an imported key as generated", imported_as_generated, KEY + 2, ALONE,
	    "no TPM says anything about key 9d" },
	{ "an imported key, another's statement", imported_as_generated_with_a_statement,
	    KEY + 2, ALONE, "about another key" },
	{ "an imported key, attested", imported_with_an_attest, KEY + 2, ALONE, "was imported" },
	{ "an imported key, signed", imported_with_a_signature, KEY + 2, ALONE, "was imported" },
	{ "an imported key with creation data", imported_with_creation, KEY + 2, ALONE,
	    "was imported" },
	{ "an imported key, half a lie", imported_by_half, KEY + 2, ALONE, "not such as" },
	{ "creation data of another key", creation_of_another, KEY, ALONE, "creation data of" },
	{ "creation data that are none", creation_is_none, KEY, ALONE, "creation data of" },
	{ "a key used by authValue", key_by_value, KEY, ALONE, "not such as this card makes" },
	{ "a key certified by policy", key_admin_by_policy, KEY, ALONE, "not such as" },
	{ "a restricted key", key_restricted, KEY, ALONE, "not such as" },
	{ "a key without policy", key_no_policy, KEY, ALONE, "not such as" },
	{ "a key for another purpose", key_another_purpose, KEY, ALONE, "not such as" },
	{ "another card's key", key_of_another_card, KEY, ALONE, "not such as" },
	{ "a key with a scheme", key_with_a_scheme, KEY, ALONE, "not such as" },
	{ "a key off its curve", key_off_the_curve, KEY, ALONE, "not such as" },
	{ "an even modulus", key_even_modulus, KEY + 1, ALONE, "not such as" },
	{ "a short modulus", key_short_modulus, KEY + 1, ALONE, "not such as" },
	{ "a small modulus", key_small_modulus, KEY + 1, ALONE, "not such as" },
	{ "exponent 3", key_exponent_3, KEY + 1, ALONE, "not such as" },
	{ "a Name of SHA-1", key_sha1, KEY, false, "not such as" },
	{ "a card management key", key_admin, KEY, ALONE, "not such as" },
	{ "a key cut short", key_cut, KEY, false, "cut short" },
	{ "a reference twice", key_twice, KEY + 1, ALONE, "not in its place" },

	{ "too many keys", too_many_keys, AK, ALONE, "longer than any card's" },
	{ "a chain with a hole", chain_with_a_hole, AK, ALONE, "longer than any card's" },
	{ "a nonce that is too long", nonce_too_long, AK, ALONE, "longer than any card's" },
	{ "a name without end", name_too_long, AK, ALONE, "longer than any card's" },
};

START_TEST(a_forgery_is_found)
{
	const struct forgery *row = &forgeries[_i];
	size_t part;

	row->forge();
	ck_assert_msg(!evidence_check(&m.evidence, &report), "%s", row->why);
	ck_assert_msg(strstr(fault_of(row->part)->text, row->says) != NULL, "%s: '%s'", row->why,
	    fault_of(row->part)->text);
	for (part = AK; row->alone && part < KEY + EVIDENCE_KEYS_MAX; part++)
		ck_assert_msg(part == row->part || !failed(fault_of(part)), "%s, and: '%s'",
		    row->why, fault_of(part)->text);
}
END_TEST

/* ---- every bit ---- */

/* Where time is short (valgrind) one of so many; odd, so that all bits have their turn. */
static size_t
stride(void)
{
	return (size_t)fault_stride() * fault_stride();
}

/*
 * The pool is what the evidence has views of, and nothing else: every octet of
 * it counts.
 */
static void
turn_bits(size_t step)
{
	size_t bit;

	for (bit = 0; bit < 8 * m.pool.len; bit += step) {
		m.octets[bit / 8] ^= (uint8_t)(1U << bit % 8);
		ck_assert_msg(!evidence_check(&m.evidence, &report), "bit %zu of octet %zu",
		    bit % 8, bit / 8);
		m.octets[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	ck_assert(evidence_check(&m.evidence, &report));
}

START_TEST(every_bit_counts)
{
	ck_assert_uint_ge(8 * m.pool.len, 10000);
	turn_bits(stride());
}
END_TEST

/* So do those of a larger card; all of them would take long. */
START_TEST(bits_of_a_whole_card_count)
{
	turn_bits(31 * stride());
}
END_TEST

/* The canonical form covers them, too, but for the statements; and nothing is covered twice the same way. */
START_TEST(every_bit_is_in_the_canonical_form)
{
	struct digest before, after;
	struct statement *s = &m.evidence.index[INDEX_PIN].statement;
	const size_t end = (size_t)(s->attest.data - m.octets);
	size_t i;

	ck_assert(evidence_digest(&m.evidence, &before));
	for (i = 0; i < end; i++) {
		m.octets[i] ^= 0x40;
		ck_assert(evidence_digest(&m.evidence, &after));
		ck_assert_msg(memcmp(&before, &after, sizeof before) != 0, "octet %zu", i);
		m.octets[i] ^= 0x40;
	}
	m.evidence.key[0].reference = 0x99;
	ck_assert(evidence_digest(&m.evidence, &after));
	ck_assert(memcmp(&before, &after, sizeof before) != 0);
	m.evidence.key[0].reference = 0x9a;
	s->attest.len = s->signature.len = 0;
	ck_assert(evidence_digest(&m.evidence, &after));
	ck_assert(memcmp(&before, &after, sizeof before) == 0);
}
END_TEST

/* ---- lengths ---- */

#define FIELDS_MAX 128

static size_t
fields(struct rbuf *out[FIELDS_MAX])
{
	struct evidence *e = &m.evidence;
	struct rbuf *const head[] = { &e->name, &e->guid, &e->nonce, &e->ek.certificate,
		&e->ek.above[0], &e->ek_area, &e->ak.certificate, &e->ak_area, &e->authority };
	size_t i, n = 0;

	for (i = 0; i < sizeof head / sizeof head[0]; i++)
		out[n++] = head[i];
	for (i = 0; i < EVIDENCE_APPROVALS; i++)
		out[n++] = &e->approval[i];
	for (i = 0; i < EVIDENCE_INDICES; i++) {
		out[n++] = &e->index[i].area;
		out[n++] = &e->index[i].statement.attest;
		out[n++] = &e->index[i].statement.signature;
	}
	for (i = 0; i < e->keys; i++) {
		out[n++] = &e->key[i].area;
		out[n++] = &e->key[i].creation;
		out[n++] = &e->key[i].statement.attest;
		out[n++] = &e->key[i].statement.signature;
		out[n++] = &e->key[i].certificate;
	}
	return n;
}

/* A copy of exactly n octets on the heap, for the sanitizer to watch. */
static void
refused_at(struct rbuf *field, size_t n)
{
	const struct rbuf whole = *field;
	uint8_t *copy = malloc(n == 0 ? 1 : n);
	struct rbuf in = whole;

	ck_assert(copy != NULL && rbuf_copy(&in, copy, n));
	*field = rbuf_of(copy, n);
	ck_assert_msg(!evidence_check(&m.evidence, &report), "%zu of %zu octets", n, whole.len);
	*field = whole;
	free(copy);
}

START_TEST(every_length_counts)
{
	struct rbuf *field[FIELDS_MAX];
	const size_t count = fields(field), step = stride();
	size_t i, n;

	for (i = 0; i < count; i++) {
		for (n = 0; n < field[i]->len; n += step)
			refused_at(field[i], n);
	}
	ck_assert(evidence_check(&m.evidence, &report));
}
END_TEST

/* An octet may not move from one field into the next. */
START_TEST(fields_do_not_run_together)
{
	struct digest before, after;

	ck_assert(evidence_digest(&m.evidence, &before));
	m.evidence.name.len--;
	m.evidence.guid.data--;
	m.evidence.guid.len++;
	ck_assert(evidence_digest(&m.evidence, &after));
	ck_assert(memcmp(&before, &after, sizeof before) != 0);
}
END_TEST

/* Octet for octet, so that it stays what it is. */
START_TEST(the_canonical_form)
{
	static const uint8_t expected[] = "tpmvsc: evidence about a card\n"
		"\0\0\0\1" "\0\0\0\3abc" "\0\0\0\2id" "\0\0\0\1n"
		"\0\0\0\2ek" "\0\0\0\2" "\0\0\0\1a" "\0\0\0\2bb" "\0\0\0\3eka"
		"\0\0\0\2ak" "\0\0\0\0" "\0\0\0\3aka" "\0\0\0\1K"
		"\0\0\0\7" "\0\0\0\1r" "\0\0\0\0" "\0\0\0\0" "\0\0\0\0" "\0\0\0\0" "\0\0\0\0" "\0\0\0\0"
		"\0\0\0\4" "\0\0\0\1P" "\0\0\0\0" "\0\0\0\0" "\0\0\0\1L"
		"\0\0\0\1" "\0\0\0\x9a"  "\0\0\0\3pub" "\0\0\0\1c" "\0\0\0\4cert";
	const struct evidence e = {
		.name = rbuf_str("abc"), .guid = rbuf_str("id"), .nonce = rbuf_str("n"),
		.ek = { rbuf_str("ek"), { rbuf_str("a"), rbuf_str("bb") } },
		.ek_area = rbuf_str("eka"), .ak = { .certificate = rbuf_str("ak") },
		.ak_area = rbuf_str("aka"), .authority = rbuf_str("K"),
		.approval = { rbuf_str("r") },
		.index = { [INDEX_PIN] = { .area = rbuf_str("P") },
		    [INDEX_LIFE] = { .area = rbuf_str("L") } },
		.key = { { .reference = 0x9a, .area = rbuf_str("pub"), .creation = rbuf_str("c"),
		    .statement = { rbuf_str("not"), rbuf_str("this") },
		    .certificate = rbuf_str("cert") } },
		.keys = 1,
	};
	uint8_t octets[512];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	size_t room;

	ck_assert(evidence_canonical(&e, &w));
	ck_assert(rbuf_eq(wbuf_view(&w), rbuf_of(expected, sizeof expected - 1)));
	for (room = 0; room < sizeof expected - 1; room++) {
		w = wbuf_over(octets, room);
		ck_assert_msg(!evidence_canonical(&e, &w), "%zu octets", room);
	}
}
END_TEST

/* ---- areas alone ---- */

START_TEST(public_keys_are_openssls)
{
	size_t i;

	for (i = 0; i < m.evidence.keys; i++) {
		uint8_t octets[600];
		struct wbuf w = wbuf_over(octets, sizeof octets);
		const uint8_t *at = octets;
		const TPMT_PUBLIC area = key_area(i);
		EVP_PKEY *key, *same = area_key(&area);

		ck_assert(evidence_public_key(m.evidence.key[i].area, &w));
		key = d2i_PUBKEY(NULL, &at, (long)w.len);
		ck_assert(key != NULL && at == octets + w.len && EVP_PKEY_eq(key, same) == 1);
		EVP_PKEY_free(key);
		EVP_PKEY_free(same);
		ck_assert(!evidence_is_ak(m.evidence.key[i].area));
		w = wbuf_over(octets, 20);
		ck_assert_msg(!evidence_public_key(m.evidence.key[i].area, &w), "no room");
	}
	ck_assert(evidence_is_ak(m.evidence.ak_area));
	ck_assert(!evidence_is_ak(rbuf_of(NULL, 0)));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("evidence");
	TCase *whole = tcase_create("whole"), *small = tcase_create("small");

	tcase_set_timeout(whole, 300);
	tcase_add_checked_fixture(whole, setup, teardown);
	tcase_add_test(whole, whole_evidence_holds);
	tcase_add_test(whole, an_admin_may_be_without_power);
	tcase_add_test(whole, counts_are_reported);
	tcase_add_rows(whole, a_forgery_is_found, forgeries);
	tcase_add_test(whole, bits_of_a_whole_card_count);
	tcase_add_test(whole, fields_do_not_run_together);
	tcase_add_test(whole, public_keys_are_openssls);
	suite_add_tcase(suite, whole);
	tcase_set_timeout(small, 300);
	tcase_add_checked_fixture(small, setup_small, teardown);
	tcase_add_test(small, less_is_enough);
	tcase_add_test(small, every_bit_counts);
	tcase_add_test(small, every_bit_is_in_the_canonical_form);
	tcase_add_test(small, every_length_counts);
	tcase_add_test(small, the_canonical_form);
	suite_add_tcase(suite, small);
	return suite_run(suite);
}
