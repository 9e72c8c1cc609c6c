/* SPDX-License-Identifier: BSD-2-Clause */
/* The card's record, its claims, its key files and the ciphers: what is parsed from files, without a TPM. */
#include <string.h>

#include "tests/suite.h"
#include "tpm/cipher.h"
#include "tpm/key.h"
#include "tpm/rc.h"
#include "tpm/record.h"

static struct authority *k;
static struct record record;
static uint8_t octets[TPM_RECORD_MAX];
static struct wbuf written;

static void
setup(void)
{
	int i;

	k = authority_new();
	memset(&record, 0, sizeof record);
	record.parent = (struct parent){ .handle = 0x81000100, .ours = true };
	record.scrypt_log_n = 13;
	record.scrypt_r = 8;
	record.scrypt_p = 1;
	for (i = 0; i < INDEX_COUNT; i++) {
		record.index[i].present = i != INDEX_PUK;
		record.index[i].handle = 0x018f0000U + (unsigned)i;
		record.index[i].limit = 5;
	}
	memcpy(record.profile, "profile", 7);
	record.profile_len = 7;
	authority_public(k, &record.k);
	ck_assert(record_complete(&record));
	written = wbuf_over(octets, sizeof octets);
	ck_assert(record_write(&record, k, &written) && wbuf_ok(&written));
}

static void
teardown(void)
{
	authority_free(k);
}

/* A copy of exactly n octets on the heap, for the sanitizer to watch. */
static struct rbuf
heap(struct rbuf from, size_t n)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);

	ck_assert_ptr_nonnull(copy);
	if (n != 0)
		memcpy(copy, from.data, n);
	return rbuf_of(copy, n);
}

static void
heap_free(struct rbuf b)
{
	free((void *)(uintptr_t)b.data);
}

START_TEST(what_is_written_reads_back)
{
	struct record back;

	ck_assert(record_read(wbuf_view(&written), &back));
	ck_assert_uint_eq(back.parent.handle, record.parent.handle);
	ck_assert(back.parent.ours && !back.index[INDEX_PUK].present);
	ck_assert_int_eq(memcmp(back.name, record.name, sizeof back.name), 0);
	ck_assert_uint_eq(back.profile_len, 7);
}
END_TEST

START_TEST(a_record_cut_short_is_refused)
{
	struct record back;
	struct rbuf b;
	size_t n;

	for (n = 0; n < written.len; n++) {
		b = heap(wbuf_view(&written), n);
		ck_assert_msg(!record_read(b, &back), "%zu octets", n);
		heap_free(b);
	}
	wbuf_u8(&written, 0);
	ck_assert_msg(!record_read(wbuf_view(&written), &back), "one octet too many");
}
END_TEST

/* Nobody but K: a record signed by another key, or by the same over other octets. */
START_TEST(a_record_signed_by_another_is_refused)
{
	struct authority *other = authority_new();
	struct record back;

	written = wbuf_over(octets, sizeof octets);
	ck_assert(record_write(&record, other, &written));
	ck_assert(!record_read(wbuf_view(&written), &back));
	authority_free(other);
}
END_TEST

static void
no_pin(struct record *r)
{
	r->index[INDEX_PIN].present = false;
}

static void
no_life(struct record *r)
{
	r->index[INDEX_LIFE].present = false;
}

static void
no_index(struct record *r)
{
	r->index[INDEX_PIN].handle = 0x81000001;
}

static void
long_profile(struct record *r)
{
	r->profile_len = PROFILE_MAX + 1;
}

/* Properly signed, and still not what a creation writes. */
static const struct {
	const char *why;
	void (*spoil)(struct record *);
} spoilt[] = {
	{ "no PIN", no_pin },
	{ "no LIFE", no_life },
	{ "an index that is none", no_index },
	{ "a profile longer than allowed", long_profile },
};

START_TEST(a_senseless_record_is_refused)
{
	static struct record bad;
	struct record back;

	bad = record;
	spoilt[_i].spoil(&bad);
	written = wbuf_over(octets, sizeof octets);
	ck_assert(record_write(&bad, k, &written));
	ck_assert_msg(!record_read(wbuf_view(&written), &back), "%s", spoilt[_i].why);
}
END_TEST

START_TEST(claims_read_back_and_are_parsed_as_hostile)
{
	uint8_t claim_octets[TPM_CLAIMS_MAX];
	struct wbuf w = wbuf_over(claim_octets, sizeof claim_octets), again;
	uint8_t record_claims[TPM_CLAIMS_MAX];
	struct claims claims, back;
	struct rbuf b;
	size_t n;

	ck_assert(claims_of(&record, &claims));
	ck_assert_uint_eq(claims.count, 3);
	claims_write(&claims, &w);
	ck_assert(wbuf_ok(&w) && claims_read(wbuf_view(&w), &back));
	ck_assert_uint_eq(back.count, 3);
	ck_assert_uint_eq(back.index[2].handle, 0x018f0003);
	for (n = 0; n < w.len; n++) {
		b = heap(wbuf_view(&w), n);
		ck_assert_msg(!claims_read(b, &back), "%zu octets", n);
		heap_free(b);
	}
	again = wbuf_over(record_claims, sizeof record_claims);
	ck_assert_int_eq(tpm_record_claims(wbuf_view(&written), &again), TPM_OK);
	ck_assert(rbuf_eq(wbuf_view(&again), wbuf_view(&w)));
	ck_assert(tpm_claims_share_parent(wbuf_view(&again), wbuf_view(&w)));
	ck_assert(!tpm_claims_share_parent(wbuf_view(&again), rbuf_of(NULL, 0)));
}
END_TEST

/* ---- key files ---- */

static void
sample_key(struct keyfile *key)
{
	struct digest policy;

	ck_assert(record_key_policy(&record, PIN_ALWAYS, &policy));
	memset(key, 0, sizeof *key);
	key->parent = 0x81000100;
	ck_assert(key_template(ALG_ECC_P256, ORIGIN_GENERATED, &policy, &key->public_area));
	key->public_area.publicArea.unique.ecc.x.size = 31; /* a TPM may leave out a leading zero */
	key->public_area.publicArea.unique.ecc.y.size = 32;
	key->private_area.size = 100;
}

START_TEST(key_files_read_back)
{
	uint8_t pem[VAULT_KEY_MAX];
	struct wbuf w = wbuf_over(pem, sizeof pem);
	struct keyfile key, back;
	struct key_info info;

	sample_key(&key);
	ck_assert(keyfile_write(&key, &w) && wbuf_ok(&w));
	ck_assert(keyfile_read(wbuf_view(&w), &back));
	ck_assert_uint_eq(back.parent, key.parent);
	ck_assert_uint_eq(back.private_area.size, 100);
	ck_assert(!back.sealed);
	ck_assert(key_describe(&record, &back, &info));
	ck_assert_uint_eq(info.algorithm, ALG_ECC_P256);
	ck_assert_int_eq(info.pin, PIN_ALWAYS);
	ck_assert(w.len > 100 && memcmp(pem, "-----BEGIN TSS2 PRIVATE KEY-----", 32) == 0);
}
END_TEST

/* What a TPM says of a key it has made. */
static void
sample_creation(struct keyfile *key)
{
	key->has_creation = true;
	key->creation = (TPMS_CREATION_DATA){ .pcrDigest.size = 32, .locality = 1,
		.parentNameAlg = TPM2_ALG_SHA256, .parentName.size = 34,
		.parentQualifiedName.size = 34 };
	key->ticket = (TPMT_TK_CREATION){ .tag = TPM2_ST_CREATION, .hierarchy = TPM2_RH_OWNER,
		.digest.size = 32 };
	memset(key->creation.parentName.name, 0xa5, 34);
	memset(key->ticket.digest.buffer, 0x5a, 32);
}

START_TEST(key_files_keep_the_creation)
{
	uint8_t pem[VAULT_KEY_MAX], one[sizeof(TPMS_CREATION_DATA)], two[sizeof one];
	struct wbuf w = wbuf_over(pem, sizeof pem), out = wbuf_over(one, sizeof one);
	struct wbuf again = wbuf_over(two, sizeof two);
	struct keyfile key, back;

	sample_key(&key);
	if (_i == 1)
		sample_creation(&key);
	ck_assert(keyfile_write(&key, &w) && wbuf_ok(&w));
	ck_assert_msg(keyfile_read(wbuf_view(&w), &back), "creation %d", _i);
	ck_assert(back.has_creation == (_i == 1));
	ck_assert(keyfile_creation(&back, &out) == (_i == 1));
	if (_i != 1)
		return;
	ck_assert(keyfile_creation(&key, &again) && rbuf_eq(wbuf_view(&out), wbuf_view(&again)));
	ck_assert_uint_eq(back.ticket.hierarchy, TPM2_RH_OWNER);
	ck_assert_mem_eq(back.ticket.digest.buffer, key.ticket.digest.buffer, 32);
}
END_TEST

START_TEST(key_files_are_parsed_as_hostile)
{
	uint8_t pem[VAULT_KEY_MAX];
	struct wbuf w = wbuf_over(pem, sizeof pem);
	struct keyfile key, back;
	struct key_info info;
	size_t n, alone = SIZE_MAX;
	struct rbuf b;

	sample_key(&key);
	if (_i == 1) {
		/* Cut off behind the first block it is a whole file. */
		ck_assert(keyfile_write(&key, &w));
		alone = w.len;
		wbuf_truncate(&w, 0);
		sample_creation(&key);
	}
	ck_assert(keyfile_write(&key, &w));
	for (n = 0; n + 2 < w.len; n++) {
		b = heap(wbuf_view(&w), n);
		ck_assert_msg(keyfile_read(b, &back) == (n == alone || n + 1 == alone),
		    "%zu octets", n);
		heap_free(b);
	}
	for (n = 0; n < w.len; n++) {
		pem[n] ^= 0x02;
		b = heap(wbuf_view(&w), w.len);
		if (keyfile_read(b, &back))
			(void)!key_describe(&record, &back, &info);
		heap_free(b);
		pem[n] ^= 0x02;
	}
	wbuf_put(&w, rbuf_str("trailing"));
	ck_assert(!keyfile_read(wbuf_view(&w), &back));
	ck_assert(!keyfile_read(rbuf_str("-----BEGIN PRIVATE KEY-----\n"), &back));
}
END_TEST

/* A second block that is not what a TPM says of a key. */
static const struct {
	const char *why, *block;
} creations[] = {
	{ "the key again", NULL },
	{ "an empty sequence", "-----BEGIN TPMVSC CREATION-----\nMAA=\n-----END TPMVSC CREATION-----\n" },
	{ "two empty strings", "-----BEGIN TPMVSC CREATION-----\nMAQEAAQA\n-----END TPMVSC CREATION-----\n" },
	{ "no DER", "-----BEGIN TPMVSC CREATION-----\nAAAA\n-----END TPMVSC CREATION-----\n" },
	{ "nothing in it", "-----BEGIN TPMVSC CREATION-----\n-----END TPMVSC CREATION-----\n" },
};

START_TEST(key_files_with_a_senseless_creation)
{
	uint8_t pem[2 * VAULT_KEY_MAX];
	struct wbuf w = wbuf_over(pem, sizeof pem);
	struct keyfile key, back;

	sample_key(&key);
	ck_assert(keyfile_write(&key, &w));
	if (creations[_i].block != NULL)
		wbuf_put(&w, rbuf_str(creations[_i].block));
	else
		ck_assert(keyfile_write(&key, &w));
	ck_assert_msg(!keyfile_read(wbuf_view(&w), &back), "%s", creations[_i].why);
}
END_TEST

START_TEST(a_ticket_of_another_kind_is_none)
{
	uint8_t pem[VAULT_KEY_MAX];
	struct wbuf w = wbuf_over(pem, sizeof pem);
	struct keyfile key, back;

	sample_key(&key);
	sample_creation(&key);
	key.ticket.tag = TPM2_ST_HASHCHECK;
	ck_assert(!keyfile_write(&key, &w) || !keyfile_read(wbuf_view(&w), &back));
}
END_TEST

/* The largest there are fit into what the applet has room for. */
START_TEST(large_keys_fit)
{
	uint8_t pem[VAULT_KEY_MAX];
	struct wbuf w = wbuf_over(pem, sizeof pem);
	struct keyfile key, back;
	struct digest policy;

	ck_assert(record_key_policy(&record, PIN_ONCE, &policy));
	memset(&key, 0, sizeof key);
	ck_assert(key_template(ALG_RSA_4096, ORIGIN_GENERATED, &policy, &key.public_area));
	key.public_area.publicArea.unique.rsa.size = 512;
	key.private_area.size = sizeof key.private_area.buffer;
	sample_creation(&key);
	key.creation.parentName.size = key.creation.parentQualifiedName.size =
	    sizeof key.creation.parentName.name;
	key.ticket.digest.size = sizeof key.ticket.digest.buffer;
	ck_assert(keyfile_write(&key, &w) && wbuf_ok(&w));
	ck_assert(keyfile_read(wbuf_view(&w), &back) && back.has_creation);
}
END_TEST

START_TEST(public_values_are_padded)
{
	uint8_t out[VAULT_PUBLIC_MAX];
	struct wbuf w = wbuf_over(out, sizeof out);
	struct keyfile key;

	sample_key(&key);
	key.public_area.publicArea.unique.ecc.x.buffer[0] = 0xaa;
	ck_assert(key_public_value(&key.public_area, ALG_ECC_P256, &w));
	ck_assert_uint_eq(w.len, 65);
	ck_assert_uint_eq(out[0], 0x04);
	ck_assert_uint_eq(out[1], 0x00);
	ck_assert_uint_eq(out[2], 0xaa);
	key.public_area.publicArea.unique.ecc.x.size = 33;
	ck_assert_msg(!key_public_value(&key.public_area, ALG_ECC_P256, &w), "too long");
	ck_assert(!key_public_value(&key.public_area, ALG_3DES, &w));
}
END_TEST

/* ---- ciphers ---- */

static const struct cipher_row {
	const char *why;
	uint8_t algorithm;
	size_t key, block;
	bool ok;
} cipher_rows[] = {
	{ "3DES", ALG_3DES, 24, 8, true },
	{ "AES-128", ALG_AES_128, 16, 16, true },
	{ "AES-192", ALG_AES_192, 24, 16, true },
	{ "AES-256", ALG_AES_256, 32, 16, true },
	{ "3DES, two keys", ALG_3DES, 16, 8, false },
	{ "AES-256, a short key", ALG_AES_256, 31, 16, false },
	{ "AES-128, half a block", ALG_AES_128, 16, 8, false },
	{ "an RSA key", ALG_RSA_2048, 24, 16, false },
};

START_TEST(ciphers)
{
	static const uint8_t key[32] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
		18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };
	static const uint8_t block[16] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99,
		0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	/* FIPS 197, C.1 */
	static const uint8_t aes_128[16] = { 0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8,
		0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a };
	const struct cipher_row *row = &cipher_rows[_i];
	uint8_t out[32];
	struct wbuf w = wbuf_over(out, sizeof out);

	ck_assert_msg(cipher_encrypt(row->algorithm, rbuf_of(key, row->key),
			  rbuf_of(block, row->block), &w) == row->ok, "%s", row->why);
	ck_assert_uint_eq(w.len, row->ok ? row->block : 0);
	if (row->ok && row->algorithm == ALG_AES_128)
		ck_assert(rbuf_eq(wbuf_view(&w), rbuf_of(aes_128, sizeof aes_128)));
}
END_TEST

/* ---- response codes ---- */

static const struct rc_row {
	TSS2_RC rc;
	enum vault_err err;
	bool stale;
} rc_rows[] = {
	{ 0x000, VAULT_OK, false },
	{ 0x9a2, VAULT_AUTH, false },	    /* wrong secret, in session 1 */
	{ 0x12f, VAULT_BLOCKED, false },    /* at the limit */
	{ 0x99d, VAULT_AUTH, false },	    /* policy fails */
	{ 0x1e3, VAULT_AUTH, false },	    /* expired, parameter 1 */
	{ 0x9a3, VAULT_AUTH, false },	    /* expired, session 1 */
	{ 0x5e0, VAULT_AUTH, false },	    /* ticket */
	{ 0x1e7, VAULT_MISMATCH, false },   /* point off the curve */
	{ 0x18b, VAULT_FAULT, true },	    /* no such handle */
	{ 0x14a, VAULT_FAULT, false },	    /* NV index unwritten */
	{ 0x4e3, VAULT_FAULT, false },	    /* expired, parameter 4: PolicySecret's own time */
	{ 0x1cf, VAULT_FAULT, false },	    /* nonce of another session */
	{ 0x1c4, VAULT_FAULT, false },	    /* approval does not match */
	{ 0x5db, VAULT_FAULT, false },	    /* bad signature */
	{ 0x101, VAULT_FAULT, false },	    /* failure mode: never 63Cx */
	{ 0x902, VAULT_FAULT, true },	    /* object memory */
	{ 0x903, VAULT_FAULT, true },	    /* session memory */
	{ 0x905, VAULT_FAULT, true },	    /* session handles */
	{ 0x910, VAULT_FAULT, true },	    /* handle 1 not loaded */
	{ 0x918, VAULT_FAULT, true },	    /* session 1 not loaded */
	{ 0x921, VAULT_FAULT, false },	    /* lockout */
	{ 0xa000a, VAULT_FAULT, true },	    /* TCTI: IO */
	{ 0x70018, VAULT_FAULT, false },    /* ESYS: no such handle */
	{ 0xc09a2, VAULT_AUTH, false },	    /* by way of a resource manager */
	{ RC_MISMATCH, VAULT_MISMATCH, false },
	{ RC_NO_PROOF, VAULT_AUTH, false },
	{ RC_ABSENT, VAULT_ABSENT, false },
	{ RC_UNSUPPORTED, VAULT_UNSUPPORTED, false },
	{ RC_UNKNOWABLE, VAULT_UNSUPPORTED, false },
	{ RC_IMPOSTOR, VAULT_FAULT, false },
	{ RC_STUCK, VAULT_FAULT, false },
};

static void
quiet(enum log_level level, const char *text)
{
	(void)level;
	(void)text;
}

START_TEST(response_codes)
{
	const struct rc_row *row = &rc_rows[_i];

	log_open(LOG_LEVEL_ERROR, quiet);
	ck_assert_msg(vault_err_from_rc("test", row->rc) == row->err, "0x%x", (unsigned)row->rc);
	ck_assert_msg(rc_stale(row->rc) == row->stale, "0x%x", (unsigned)row->rc);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = tcase_create("record");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_written_reads_back);
	tcase_add_test(tcase, a_record_cut_short_is_refused);
	tcase_add_test(tcase, a_record_signed_by_another_is_refused);
	tcase_add_rows(tcase, a_senseless_record_is_refused, spoilt);
	tcase_add_test(tcase, claims_read_back_and_are_parsed_as_hostile);
	tcase_add_test(tcase, key_files_read_back);
	tcase_add_loop_test(tcase, key_files_keep_the_creation, 0, 2);
	tcase_add_loop_test(tcase, key_files_are_parsed_as_hostile, 0, 2);
	tcase_add_rows(tcase, key_files_with_a_senseless_creation, creations);
	tcase_add_test(tcase, a_ticket_of_another_kind_is_none);
	tcase_add_test(tcase, large_keys_fit);
	tcase_add_test(tcase, public_values_are_padded);
	tcase_add_rows(tcase, ciphers, cipher_rows);
	tcase_add_rows(tcase, response_codes, rc_rows);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
