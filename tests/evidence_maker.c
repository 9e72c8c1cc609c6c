/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/evidence_maker.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "tests/suite.h"
#include "tpm/area.h"
#include "tpm/key.h"

#define TRIES 5

struct rbuf
maker_keep(struct evidence_maker *m, struct rbuf octets)
{
	const size_t at = m->pool.len;

	wbuf_put(&m->pool, octets);
	ck_assert(wbuf_ok(&m->pool));
	return rbuf_of(m->octets + at, octets.len);
}

struct rbuf
maker_keep_object(struct evidence_maker *m, const TPMT_PUBLIC *area)
{
	uint8_t octets[sizeof *area];
	size_t len = 0;

	ck_assert_uint_eq(Tss2_MU_TPMT_PUBLIC_Marshal(area, octets, sizeof octets, &len), 0);
	return maker_keep(m, rbuf_of(octets, len));
}

struct rbuf
maker_keep_index(struct evidence_maker *m, const TPMS_NV_PUBLIC *area)
{
	uint8_t octets[sizeof *area];
	size_t len = 0;

	ck_assert_uint_eq(Tss2_MU_TPMS_NV_PUBLIC_Marshal(area, octets, sizeof octets, &len), 0);
	return maker_keep(m, rbuf_of(octets, len));
}

/* ---- statements ---- */

static TPMS_ATTEST
attest_begin(const struct evidence_maker *m, TPMI_ST_ATTEST type)
{
	TPMS_ATTEST out = { .magic = TPM2_GENERATED_VALUE, .type = type };
	const struct name signer = { { 0, TPM2_ALG_SHA256, 1, 2, 3 } };
	struct digest qualifying;

	ck_assert(evidence_digest(&m->evidence, &qualifying));
	out.qualifiedSigner = name_tpm2b(&signer);
	out.extraData.size = sizeof qualifying.octets;
	memcpy(out.extraData.buffer, qualifying.octets, sizeof qualifying.octets);
	out.clockInfo.clock = 123456;
	out.firmwareVersion = 7;
	return out;
}

TPMS_ATTEST
maker_index_attest(const struct evidence_maker *m, enum card_index which)
{
	TPMS_ATTEST out = attest_begin(m, TPM2_ST_ATTEST_NV);
	TPMS_NV_CERTIFY_INFO *nv = &out.attested.nv;
	struct wbuf w = wbuf_over(nv->nvContents.buffer, 8);
	TPMS_NV_PUBLIC area;
	struct name name;

	/* What it is about is what is shown, whatever that is. */
	ck_assert(area_read_index(m->evidence.index[which].area, &area));
	ck_assert(name_of_index(&area, &name));
	nv->indexName = name_tpm2b(&name);
	wbuf_u32(&w, 0);
	wbuf_u32(&w, m->record.index[which].limit);
	nv->nvContents.size = 8;
	return out;
}

TPMS_ATTEST
maker_key_attest(const struct evidence_maker *m, size_t i)
{
	TPMS_ATTEST out = attest_begin(m, TPM2_ST_ATTEST_CREATION);
	TPMS_CREATION_INFO *creation = &out.attested.creation;
	struct digest hash;
	struct name name;
	TPMT_PUBLIC area;

	ck_assert(area_read_object(m->evidence.key[i].area, &area));
	ck_assert(name_of_object(&area, &name));
	ck_assert(digest_of(&m->evidence.key[i].creation, 1, &hash));
	creation->objectName = name_tpm2b(&name);
	creation->creationHash = digest_tpm2b(&hash);
	return out;
}

struct statement
maker_sign(struct evidence_maker *m, const struct authority *by, const TPMS_ATTEST *attest)
{
	uint8_t octets[sizeof *attest];
	struct authority_signature numbers;
	struct statement out;
	TPMT_SIGNATURE signature;
	struct digest d;
	size_t len = 0;

	ck_assert_uint_eq(Tss2_MU_TPMS_ATTEST_Marshal(attest, octets, sizeof octets, &len), 0);
	out.attest = maker_keep(m, rbuf_of(octets, len));
	ck_assert(digest_of(&out.attest, 1, &d) && authority_sign(by, &d, &numbers));
	signature = authority_tpmt(&numbers);
	len = 0;
	ck_assert_uint_eq(Tss2_MU_TPMT_SIGNATURE_Marshal(&signature, octets, sizeof octets, &len), 0);
	out.signature = maker_keep(m, rbuf_of(octets, len));
	return out;
}

void
maker_certify(struct evidence_maker *m)
{
	struct evidence *e = &m->evidence;
	TPMS_ATTEST attest;
	size_t i;

	for (i = 0; i < EVIDENCE_INDICES; i++) {
		if (e->index[i].area.len == 0)
			continue;
		attest = maker_index_attest(m, (enum card_index)i);
		e->index[i].statement = maker_sign(m, m->ak, &attest);
	}
	for (i = 0; i < e->keys; i++) {
		if (e->key[i].creation.len == 0)
			continue;
		attest = maker_key_attest(m, i);
		e->key[i].statement = maker_sign(m, m->ak, &attest);
	}
}

/* ---- what is certified ---- */

struct rbuf
maker_approve(struct evidence_maker *m, const struct authority *by, const struct digest *policy,
    const char *ref)
{
	struct authority_signature signature;
	struct digest d;

	ck_assert(approval_digest(policy, ref, &d) && authority_sign(by, &d, &signature));
	return maker_keep(m, rbuf_of(&signature, sizeof signature));
}

static void
make_record(struct evidence_maker *m, bool whole)
{
	struct record *r = &m->record;
	int i;

	for (i = 0; i < INDEX_COUNT; i++) {
		r->index[i].present = whole || i == INDEX_PIN || i == INDEX_LIFE;
		r->index[i].handle = INDEX_FIRST + 16 + (unsigned)i;
		r->index[i].limit = TRIES;
	}
	r->index[INDEX_ADMIN].limit = RECORD_ADMIN_LIMIT;
	r->index[INDEX_LIFE].limit = 0;
	authority_public(m->k, &r->k);
	ck_assert(record_complete(r));
}

static void
make_indices(struct evidence_maker *m)
{
	struct evidence *e = &m->evidence;
	struct digest policy;
	TPMS_NV_PUBLIC area;
	int i;

	for (i = 0; i < INDEX_COUNT; i++) {
		if (!m->record.index[i].present)
			continue;
		ck_assert(record_nv_public(&m->record, (enum card_index)i, true, &area));
		e->index[i].area = maker_keep_index(m, &area);
	}
	e->authority = maker_keep(m, rbuf_of(&m->record.k, sizeof m->record.k));
	for (i = 0; i < APPROVAL_COUNT; i++) {
		if (!m->record.index[approval_prover((enum approval_id)i)].present)
			continue;
		ck_assert(record_approved_policy(&m->record, (enum approval_id)i, &policy));
		e->approval[i] = maker_approve(m, m->k, &policy,
		    index_label(approval_target((enum approval_id)i)));
	}
}

/* A point that nobody knows the secret of, or a number as long as a modulus. */
static void
make_unique(TPMT_PUBLIC *area)
{
	uint8_t octets[1 + 2 * 66];
	size_t n = 0, len = 0;
	TPMS_ECC_POINT *point = &area->unique.ecc;
	const char *curve = area_curve(area, &n);
	struct rbuf in;
	uint8_t form;
	EVP_PKEY *key;

	if (curve == NULL) {
		area->unique.rsa.size = area->parameters.rsaDetail.keyBits / 8;
		ck_assert_int_eq(RAND_bytes(area->unique.rsa.buffer, area->unique.rsa.size), 1);
		area->unique.rsa.buffer[0] |= 0x80;
		area->unique.rsa.buffer[area->unique.rsa.size - 1] |= 1;
		return;
	}
	key = EVP_EC_gen(curve);
	ck_assert_int_eq(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, octets,
			     sizeof octets, &len), 1);
	EVP_PKEY_free(key);
	in = rbuf_of(octets, len);
	point->x.size = point->y.size = (UINT16)n;
	ck_assert(rbuf_u8(&in, &form) && rbuf_copy(&in, point->x.buffer, n) &&
	    rbuf_copy(&in, point->y.buffer, n));
}

static struct rbuf
make_creation(struct evidence_maker *m)
{
	const struct name parent = { { 0, TPM2_ALG_SHA256, 4, 5, 6 } };
	TPMS_CREATION_DATA data = { .locality = TPMA_LOCALITY_TPM2_LOC_ZERO,
		.parentNameAlg = TPM2_ALG_SHA256, .parentName = name_tpm2b(&parent),
		.parentQualifiedName = name_tpm2b(&parent) };
	uint8_t octets[sizeof data];
	size_t len = 0;

	ck_assert_uint_eq(Tss2_MU_TPMS_CREATION_DATA_Marshal(&data, octets, sizeof octets, &len), 0);
	return maker_keep(m, rbuf_of(octets, len));
}

static void
add_key(struct evidence_maker *m, uint8_t reference, uint8_t algorithm, enum pin_rule rule,
    enum key_origin origin)
{
	struct evidence_key *key = &m->evidence.key[m->evidence.keys];
	struct digest policy;
	TPM2B_PUBLIC area;

	ck_assert(record_key_policy(&m->record, rule, &policy));
	ck_assert(key_template(algorithm, origin, &policy, &area));
	make_unique(&area.publicArea);
	key->reference = reference;
	key->area = maker_keep_object(m, &area.publicArea);
	key->certificate = maker_keep(m, rbuf_str("what the card keeps for it"));
	if (origin == ORIGIN_GENERATED)
		key->creation = make_creation(m);
	m->evidence.keys++;
}

static void
make_ak(struct evidence_maker *m)
{
	struct authority_public half;
	TPM2B_PUBLIC area, point;
	struct digest policy;

	authority_public(m->ak, &half);
	point = authority_template(&half);
	ck_assert(record_key_policy(&m->record, PIN_NEVER, &policy));
	area = key_attestation_template(&policy);
	area.publicArea.unique = point.publicArea.unique;
	m->evidence.ak_area = maker_keep_object(m, &area.publicArea);
}

void
maker_begin(struct evidence_maker *m, bool whole)
{
	struct evidence *e = &m->evidence;
	struct authority_public half;
	TPM2B_PUBLIC ek;

	memset(m, 0, sizeof *m);
	m->pool = wbuf_over(m->octets, sizeof m->octets);
	m->k = authority_new();
	m->ak = authority_new();
	ck_assert(m->k != NULL && m->ak != NULL);
	make_record(m, whole);
	e->name = maker_keep(m, rbuf_str("a card"));
	e->guid = maker_keep(m, rbuf_str("sixteen octets.."));
	e->nonce = maker_keep(m, rbuf_str("fresh"));
	e->ek.certificate = maker_keep(m, rbuf_str("EK's certificate"));
	e->ek.above[0] = maker_keep(m, rbuf_str("who signed that"));
	e->ak.certificate = maker_keep(m, rbuf_str("AK's certificate"));
	authority_public(m->k, &half);
	ek = authority_template(&half);
	e->ek_area = maker_keep_object(m, &ek.publicArea);
	make_indices(m);
	make_ak(m);
	add_key(m, 0x9a, ALG_ECC_P256, PIN_ONCE, ORIGIN_GENERATED);
	if (whole)
		add_key(m, 0x9c, ALG_RSA_2048, PIN_ALWAYS, ORIGIN_GENERATED);
	add_key(m, 0x9d, ALG_ECC_P384, PIN_ONCE, ORIGIN_IMPORTED);
	if (whole)
		add_key(m, 0x9e, ALG_ECC_P256, PIN_NEVER, ORIGIN_GENERATED);
	maker_certify(m);
}

void
maker_end(struct evidence_maker *m)
{
	authority_free(m->k);
	authority_free(m->ak);
}
