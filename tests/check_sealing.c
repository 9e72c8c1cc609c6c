/* SPDX-License-Identifier: BSD-2-Clause */
/* Data sealed to the PIN on a live software TPM: who opens it, and to whom it is sealed at all. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <string.h>

#include "tests/attacker.h"
#include "tests/keyparts.h"
#include "tests/memory.h"
#include "tests/suite.h"
#include "tests/tap.h"
#include "tpm/key.h"

#define LABEL 0x5fc103
#define CLEAR_MAX 13000
#define POINT_OCTETS 65

static uint8_t clear_octets[CLEAR_MAX];
static struct wbuf sealed, opened;
static uint8_t sealed_octets[CLEAR_MAX + VAULT_SEAL_MAX], opened_octets[CLEAR_MAX];

static struct rbuf
clear_data(size_t n)
{
	memset(clear_octets, 0xa5, sizeof clear_octets);
	return rbuf_of(clear_octets, n);
}

static enum vault_err
seal_with(struct vault *vault, struct rbuf key, size_t n)
{
	enum vault_err err;

	sealed = wbuf_over(sealed_octets, sizeof sealed_octets);
	err = vault_seal(vault, key, LABEL, clear_data(n), &sealed);
	ck_assert_msg(err == VAULT_OK || sealed.len == 0, "output of a failure");
	return err;
}

static enum vault_err
seal(size_t n)
{
	return seal_with(c.vault, wbuf_view(&c.key), n);
}

static enum vault_err
unseal_with(struct vault *vault, struct rbuf key, uint32_t label, struct rbuf in)
{
	enum vault_err err;

	opened = wbuf_over(opened_octets, sizeof opened_octets);
	memset(opened_octets, 0, sizeof opened_octets);
	err = vault_unseal(vault, key, label, in, &opened);
	if (err == VAULT_OK)
		return err;
	ck_assert_msg(opened.len == 0, "output of a failure");
	ck_assert_msg(memchr(opened_octets, 0xa5, sizeof opened_octets) == NULL,
	    "clear data behind a failure");
	return err;
}

static enum vault_err
unseal(uint32_t label)
{
	return unseal_with(c.vault, wbuf_view(&c.key), label, wbuf_view(&sealed));
}

static void
setup(void)
{
	attack_setup();
	cardtpm_generate(&c, VAULT_SEALING_ALGORITHM, PIN_ONCE);
}

/* ---- who opens it ---- */

START_TEST(only_the_pin_opens)
{
	static const size_t sizes[] = { 0, 1, 511, 512, 513, CLEAR_MAX };
	const size_t n = sizes[_i];

	ck_assert_int_eq(seal(n), VAULT_OK);
	ck_assert_uint_le(sealed.len, n + VAULT_SEAL_MAX);
	ck_assert(n < 16 || memmem(sealed.data, sealed.len, clear_octets, 16) == NULL);
	ck_assert_int_eq(unseal(LABEL), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, "00000000"), VAULT_AUTH);
	ck_assert_int_eq(unseal(LABEL), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(unseal(LABEL), VAULT_OK);
	ck_assert(rbuf_eq(wbuf_view(&opened), clear_data(n)));
	ck_assert_int_eq(unseal(LABEL + 1), VAULT_MISMATCH);
	ck_assert_int_eq(unseal(LABEL), VAULT_OK);
	vault_forget(c.vault);
	ck_assert_int_eq(unseal(LABEL), VAULT_AUTH);
}
END_TEST

/* Sealing asks for nothing: not the PIN, and not one that is not blocked. */
START_TEST(sealing_needs_no_pin)
{
	int i;

	for (i = 0; i < 5; i++)
		ck_assert_int_eq(cardtpm_verify(&c, "00000000"), VAULT_AUTH);
	ck_assert_int_eq(seal(100), VAULT_OK);
	ck_assert_int_eq(unseal(LABEL), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_unblock(&c, CARDTPM_PUK, "87654321"), VAULT_OK);
	ck_assert_int_eq(unseal(LABEL), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, "87654321"), VAULT_OK);
	ck_assert_int_eq(unseal(LABEL), VAULT_OK);
	ck_assert(rbuf_eq(wbuf_view(&opened), clear_data(100)));
}
END_TEST

/* The same data sealed twice shares nothing but its first octet. */
START_TEST(each_sealing_has_a_key_of_its_own)
{
	uint8_t first[600];
	size_t i, same = 0;

	ck_assert_int_eq(seal(500), VAULT_OK);
	ck_assert_uint_le(sealed.len, sizeof first);
	memcpy(first, sealed.data, sealed.len);
	ck_assert_int_eq(seal(500), VAULT_OK);
	for (i = 2; i < sealed.len; i++)
		same += first[i] == sealed.data[i];
	ck_assert_uint_lt(same, 30);
}
END_TEST

START_TEST(what_was_altered_does_not_open)
{
	size_t i;

	ck_assert_int_eq(seal(40), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	for (i = 0; i < sealed.len; i++) {
		sealed.data[i] ^= 0x40;
		ck_assert_msg(unseal(LABEL) == VAULT_MISMATCH, "octet %zu", i);
		sealed.data[i] ^= 0x40;
	}
	for (i = 0; i < sealed.len; i += 9)
		ck_assert_msg(unseal_with(c.vault, wbuf_view(&c.key), LABEL,
				  rbuf_of(sealed.data, i)) == VAULT_MISMATCH, "%zu octets", i);
	wbuf_u8(&sealed, 0);
	ck_assert_int_eq(unseal(LABEL), VAULT_MISMATCH);
	wbuf_truncate(&sealed, sealed.len - 1);
	ck_assert_int_eq(unseal(LABEL), VAULT_OK);
}
END_TEST

START_TEST(too_little_room)
{
	uint8_t octets[200];
	struct wbuf w = wbuf_over(octets, sizeof octets);

	wbuf_u8(&w, 7);
	ck_assert_int_eq(vault_seal(c.vault, wbuf_view(&c.key), LABEL, clear_data(180), &w),
	    VAULT_FAULT);
	ck_assert_uint_eq(w.len, 1);
	ck_assert_int_eq(seal(200), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(vault_unseal(c.vault, wbuf_view(&c.key), LABEL, wbuf_view(&sealed), &w),
	    VAULT_FAULT);
	ck_assert_uint_eq(w.len, 1);
	ck_assert(wbuf_ok(&w));
}
END_TEST

/* Another card's PIN opens nothing, though it is in the same TPM; nor does another key of this card. */
START_TEST(another_card_or_key_does_not_open)
{
	struct cardtpm other;

	cardtpm_join(&other, &c, &cardtpm_usual);
	cardtpm_generate(&other, VAULT_SEALING_ALGORITHM, PIN_ONCE);
	ck_assert_int_eq(seal(100), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&other, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(unseal_with(other.vault, wbuf_view(&other.key), LABEL, wbuf_view(&sealed)),
	    VAULT_MISMATCH);
	ck_assert_int_eq(unseal_with(other.vault, wbuf_view(&c.key), LABEL, wbuf_view(&sealed)),
	    VAULT_MISMATCH);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	cardtpm_generate(&c, VAULT_SEALING_ALGORITHM, PIN_ONCE);
	ck_assert_int_eq(unseal(LABEL), VAULT_MISMATCH);
	cardtpm_end(&other);
}
END_TEST

/* The owner deletes the PIN and makes one of his own: it opens nothing. */
START_TEST(a_recreated_pin_does_not_open)
{
	TPM2B_ECC_POINT in = { .point = { .x.size = 32, .y.size = 32 } }, *out = NULL;
	ESYS_TR session, key = ESYS_TR_NONE;
	struct keyfile file;
	struct rbuf from;
	SECRET(auth);

	ck_assert_int_eq(seal(100), VAULT_OK);
	from = rbuf_of(sealed.data + 2, 64);
	ck_assert(rbuf_copy(&from, in.point.x.buffer, 32) && rbuf_copy(&from, in.point.y.buffer, 32));
	ck_assert(keyfile_read(wbuf_view(&c.key), &file));
	attack_begin();
	undefine(record.index[INDEX_PIN].handle);
	auth_of(INDEX_PIN, "66666666", &auth);
	(void)define(INDEX_PIN, 0, &auth);
	attack_end();
	ck_assert_int_eq(cardtpm_verify(&c, "66666666"), VAULT_FAULT);
	ck_assert_int_eq(unseal(LABEL), VAULT_AUTH);
	/* Nor for himself. */
	attack_begin();
	ck_assert_uint_eq(Esys_Load(esys, object_at(record.parent.handle), ESYS_TR_PASSWORD, ESYS_TR_NONE,
			      ESYS_TR_NONE, &file.private_area, &file.public_area, &key), 0);
	session = policy_session(0);
	ck_assert_uint_ne(prove(INDEX_PIN, "66666666", session, PURPOSE_USE, 0, NULL), 0);
	ck_assert_uint_eq(Esys_ECDH_ZGen(esys, key, session, ESYS_TR_NONE, ESYS_TR_NONE, &in,
			      &out), RC_TPM_POLICY_FAIL);
	discard(&session);
	ck_assert_uint_ne(Esys_ECDH_ZGen(esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			      ESYS_TR_NONE, &in, &out), 0);
	discard(&key);
	attack_end();
}
END_TEST

START_TEST(a_new_pin_opens_what_the_old_one_did)
{
	ck_assert_int_eq(seal(100), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_change(&c, REFERENCE_PIN, CARDTPM_PIN, "87654321"), VAULT_OK);
	ck_assert_int_eq(unseal(LABEL), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, "87654321"), VAULT_OK);
	ck_assert_int_eq(unseal(LABEL), VAULT_OK);
}
END_TEST

/* ---- to whom it is sealed ---- */

static const struct unfit_row {
	const char *why;
	uint8_t algorithm;
	enum pin_rule rule;
} unfit_rows[] = {
	{ "no PIN", ALG_ECC_P256, PIN_NEVER },
	{ "PIN always", ALG_ECC_P256, PIN_ALWAYS },
	{ "another curve", ALG_ECC_P384, PIN_ONCE },
	{ "RSA", ALG_RSA_2048, PIN_ONCE },
};

START_TEST(unfit_keys_are_refused)
{
	const struct unfit_row *row = &unfit_rows[_i];

	ck_assert_int_eq(seal(100), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	cardtpm_generate(&c, row->algorithm, row->rule);
	ck_assert_msg(unseal(LABEL) == VAULT_MISMATCH, "%s: unseals", row->why);
	ck_assert_msg(seal(100) == VAULT_MISMATCH, "%s: seals", row->why);
}
END_TEST

START_TEST(what_is_no_key_is_refused)
{
	ck_assert_int_eq(seal_with(c.vault, rbuf_of(NULL, 0), 10), VAULT_MISMATCH);
	ck_assert_int_eq(seal_with(c.vault, rbuf_str("garbage"), 10), VAULT_MISMATCH);
	ck_assert_int_eq(seal_with(c.vault, wbuf_view(&c.admin), 10), VAULT_MISMATCH);
}
END_TEST

/* A key that was outside the card once: somebody may know it. */
START_TEST(an_imported_key_is_refused)
{
	struct keyparts k;
	struct key_parts parts;

	keyparts_make(&k, ALG_ECC_P256);
	parts = keyparts_view(&k);
	c.key = wbuf_over(c.key_octets, sizeof c.key_octets);
	ck_assert_int_eq(vault_import(c.vault, ALG_ECC_P256, PIN_ONCE, &parts, &c.key), VAULT_OK);
	ck_assert_int_eq(seal(100), VAULT_MISMATCH);
	keyparts_free(&k);
}
END_TEST

/* Write c.key anew from parts. */
static void
forge(const struct keyfile *file)
{
	c.key = wbuf_over(c.key_octets, sizeof c.key_octets);
	ck_assert(keyfile_write(file, &c.key));
}

/* Whoever can write the file puts a point of his own there, to read what is sealed from then on. */
START_TEST(a_swapped_point_is_noticed)
{
	EVP_PKEY *mine = EVP_EC_gen("P-256");
	uint8_t point[POINT_OCTETS];
	struct rbuf from = rbuf_of(point + 1, POINT_OCTETS - 1);
	struct keyfile file, other;
	size_t n = 0;

	ck_assert(keyfile_read(wbuf_view(&c.key), &file));
	if (_i == 0) {
		ck_assert_int_eq(EVP_PKEY_get_octet_string_param(mine, OSSL_PKEY_PARAM_PUB_KEY, point,
				     sizeof point, &n), 1);
		ck_assert(rbuf_copy(&from, file.public_area.publicArea.unique.ecc.x.buffer, 32));
		ck_assert(rbuf_copy(&from, file.public_area.publicArea.unique.ecc.y.buffer, 32));
	} else {
		/* One half of another key of the same card. */
		cardtpm_generate(&c, VAULT_SEALING_ALGORITHM, PIN_ONCE);
		ck_assert(keyfile_read(wbuf_view(&c.key), &other));
		file.private_area = other.private_area;
	}
	/* Whether the key it belongs to was looked at and loaded before makes no difference. */
	ck_assert_int_eq(seal(100), VAULT_OK);
	forge(&file);
	ck_assert_int_eq(seal(100), VAULT_MISMATCH);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(seal(100), VAULT_MISMATCH);
	EVP_PKEY_free(mine);
}
END_TEST

/* Root has the TPM make a key with the card's policy and a way around it. */
static const struct around_row {
	const char *why;
	TPMA_OBJECT more, less;
} around_rows[] = {
	{ "used with an empty authorisation as well", TPMA_OBJECT_USERWITHAUTH, 0 },
	{ "may be duplicated", 0, TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_FIXEDTPM },
	{ "a decryption key only", 0, TPMA_OBJECT_SIGN_ENCRYPT },
	{ "counts against the TPM's lockout", 0, TPMA_OBJECT_NODA },
};

START_TEST(a_key_with_a_way_around_the_pin_is_refused)
{
	const struct around_row *row = &around_rows[_i];
	const TPM2B_SENSITIVE_CREATE none = { .size = 0 };
	const TPML_PCR_SELECTION no_pcr = { .count = 0 };
	const TPM2B_DATA no_info = { .size = 0 };
	TPM2B_PRIVATE *private_area = NULL;
	TPM2B_PUBLIC *public_area = NULL, template;
	struct keyfile file = { .parent = 0 };
	struct key_info info;
	struct digest policy;

	attack_begin();
	ck_assert(record_key_policy(&record, PIN_ONCE, &policy) &&
	    key_template(ALG_ECC_P256, ORIGIN_GENERATED, &policy, &template));
	template.publicArea.objectAttributes |= row->more;
	template.publicArea.objectAttributes &= ~row->less;
	ck_assert_uint_eq(Esys_Create(esys, object_at(record.parent.handle), ESYS_TR_PASSWORD, ESYS_TR_NONE,
			      ESYS_TR_NONE, &none, &template, &no_info, &no_pcr, &private_area,
			      &public_area, NULL, NULL, NULL), 0);
	file = (struct keyfile){ .parent = record.parent.handle, .public_area = *public_area,
		.private_area = *private_area };
	Esys_Free(private_area);
	Esys_Free(public_area);
	attack_end();
	forge(&file);
	ck_assert_int_eq(vault_describe(c.vault, wbuf_view(&c.key), &info), VAULT_OK);
	ck_assert_int_eq(info.pin, PIN_ONCE);
	ck_assert_msg(seal(100) == VAULT_MISMATCH, "%s", row->why);
}
END_TEST

/* An interposer who says that the forged file was loaded cannot vouch for it. */
static void
vouch(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	struct wbuf out = wbuf_over(octets, len);

	(void)context;
	/* A refusal is ten octets long: what fits says success, and nothing else. */
	if (code != TPM2_CC_Load || len != 10)
		return;
	wbuf_u16(&out, TPM2_ST_NO_SESSIONS);
	wbuf_u32(&out, 10);
	wbuf_u32(&out, TPM2_RC_SUCCESS);
}

START_TEST(an_interposer_vouches_for_nothing)
{
	const struct tap_hooks hooks = { .answer = vouch };
	struct tap *tap = tap_begin(&c.swtpm, &hooks);
	struct keyfile file;

	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.config.tcti = tap_tcti(tap);
	c.tpm = tpm_new(&c.config);
	ck_assert_int_eq(tpm_vault_open(c.tpm, wbuf_view(&c.record), &c.vault), TPM_OK);
	ck_assert(keyfile_read(wbuf_view(&c.key), &file));
	ck_assert_int_eq(seal(100), VAULT_OK);
	file.private_area.buffer[file.private_area.size - 1] ^= 1;
	forge(&file);
	ck_assert_int_eq(seal(100), VAULT_FAULT);
	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.vault = NULL;
	c.tpm = NULL;
	tap_end(tap);
}
END_TEST

/* What crosses the wire opens nothing: neither the shared secret nor clear data are there. */
START_TEST(a_recorder_cannot_open_it)
{
	struct tap *tap = tap_begin(&c.swtpm, NULL);
	uint8_t x[32];
	struct wbuf w = wbuf_over(x, sizeof x);

	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.config.tcti = tap_tcti(tap);
	c.tpm = tpm_new(&c.config);
	ck_assert_int_eq(tpm_vault_open(c.tpm, wbuf_view(&c.record), &c.vault), TPM_OK);
	ck_assert_int_eq(seal(100), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(unseal(LABEL), VAULT_OK);
	ck_assert_int_eq(vault_operate(c.vault, wbuf_view(&c.key), KEY_ECDH,
			     rbuf_of(sealed.data + 1, POINT_OCTETS), &w), VAULT_OK);
	ck_assert(tap_saw(tap, rbuf_of(sealed.data + 2, 32)));
	ck_assert(!tap_saw(tap, wbuf_view(&w)));
	ck_assert(!tap_saw(tap, rbuf_of(clear_octets, 16)));
	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.vault = NULL;
	c.tpm = NULL;
	tap_end(tap);
}
END_TEST

/* Nor is what the TPM has agreed on left in memory: it would open the object without the PIN. */
START_TEST(unsealing_leaves_no_secret_in_memory)
{
	uint8_t x[32], inverted[32];
	struct wbuf w = wbuf_over(x, sizeof x);
	size_t i;

	ck_assert_int_eq(seal(100), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(vault_operate(c.vault, wbuf_view(&c.key), KEY_ECDH,
			     rbuf_of(sealed.data + 1, POINT_OCTETS), &w), VAULT_OK);
	for (i = 0; i < sizeof x; i++)
		inverted[i] = (uint8_t)~x[i];
	ck_assert_msg(memory_hits(inverted, sizeof inverted) > 0, "the search finds nothing at all");
	wbuf_wipe(&w);
	ck_assert_uint_eq(memory_hits(inverted, sizeof inverted), 0);
	ck_assert_int_eq(unseal(LABEL), VAULT_OK);
	ck_assert_uint_eq(memory_hits(inverted, sizeof inverted), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sealing");
	TCase *tcase = tcase_create("sealing");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, setup, attack_teardown);
	tcase_add_loop_test(tcase, only_the_pin_opens, 0, 6);
	tcase_add_test(tcase, sealing_needs_no_pin);
	tcase_add_test(tcase, each_sealing_has_a_key_of_its_own);
	tcase_add_test(tcase, what_was_altered_does_not_open);
	tcase_add_test(tcase, too_little_room);
	tcase_add_test(tcase, another_card_or_key_does_not_open);
	tcase_add_test(tcase, a_recreated_pin_does_not_open);
	tcase_add_test(tcase, a_new_pin_opens_what_the_old_one_did);
	tcase_add_rows(tcase, unfit_keys_are_refused, unfit_rows);
	tcase_add_test(tcase, what_is_no_key_is_refused);
	tcase_add_test(tcase, an_imported_key_is_refused);
	tcase_add_loop_test(tcase, a_swapped_point_is_noticed, 0, 2);
	tcase_add_rows(tcase, a_key_with_a_way_around_the_pin_is_refused, around_rows);
	tcase_add_test(tcase, an_interposer_vouches_for_nothing);
	tcase_add_test(tcase, a_recorder_cannot_open_it);
	if (!memory_kept())
		tcase_add_test(tcase, unsealing_leaves_no_secret_in_memory);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
