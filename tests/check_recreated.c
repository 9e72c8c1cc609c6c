/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks with things put in the place of others: indices and storage keys of
 * the same name, first writes replayed, files of other cards, of other
 * machines and of cards that are no more.
 */
#include <string.h>
#include <unistd.h>

#include "tests/attacker.h"
#include "tests/suite.h"
#include "tests/tap.h"
#include "tpm/parent.h"

/* The administrator is told what has become of the card. */
static void
health_says(const char *words)
{
	struct failure why = { .text = "" };

	ck_assert_int_eq(tpm_vault_health(c.vault, &why), TPM_UNUSABLE);
	ck_assert_msg(strstr(why.text, words) != NULL, "%s", why.text);
}

/* ---- re-created indices ---- */

START_TEST(a_recreated_index_is_dead)
{
	const TPMA_NV writable = _i == 0 ? 0 : TPMA_NV_OWNERWRITE;
	const TPM2B_MAX_NV_BUFFER limit = { .size = 8, .buffer = { 0, 0, 0, 0, 0, 0, 0, 5 } };
	SECRET(auth);
	ESYS_TR index, session;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	attack_begin();
	undefine(record.index[INDEX_PIN].handle);
	auth_of(INDEX_PIN, "66666666", &auth);
	index = define(INDEX_PIN, writable, &auth);
	if (writable != 0) {
		/* Written, yes, but under another Name: no policy of the card's knows it. */
		ck_assert_uint_eq(Esys_NV_Write(esys, ESYS_TR_RH_OWNER, index,
				      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &limit, 0), 0);
	} else {
		ck_assert_uint_ne(Esys_NV_Write(esys, ESYS_TR_RH_OWNER, index,
				      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &limit, 0), 0);
		session = policy_session(0);
		ck_assert_uint_eq(prove(INDEX_PUK, CARDTPM_PUK, session, "unblock", 0, NULL), 0);
		discard(&session);
	}
	attack_end();
	/* The driver does not even show it the PIN. */
	ck_assert_int_eq(cardtpm_verify(&c, "66666666"), VAULT_FAULT);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_FAULT);
	ck_assert_int_eq(cardtpm_unblock(&c, CARDTPM_PUK, "66666666"), VAULT_FAULT);
	ck_assert_int_ne(cardtpm_sign(&c), VAULT_OK);
	health_says("PIN");
	/* And the TPM itself: */
	attack_begin();
	session = policy_session(0);
	ck_assert_uint_eq(Esys_PolicyCommandCode(esys, session, ESYS_TR_NONE,
			      ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CC_NV_Write), 0);
	ck_assert_uint_eq(authorize(PIN_BY_PIN, session), 0x1c4);
	discard(&session);
	attack_end();
}
END_TEST

/* LIFE is what PIN-less keys and the sealed admin key hang on. */
START_TEST(a_recreated_life_is_dead)
{
	const TPM2B_MAX_NV_BUFFER zeros = { .size = 8 };
	uint8_t out[16];
	struct wbuf w = wbuf_over(out, sizeof out);
	SECRET(none);
	ESYS_TR index;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_NEVER);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	attack_begin();
	undefine(record.index[INDEX_LIFE].handle);
	index = define(INDEX_LIFE, _i == 0 ? 0 : TPMA_NV_OWNERWRITE, &none);
	if (_i == 0)
		ck_assert_uint_ne(Esys_NV_Write(esys, ESYS_TR_RH_OWNER, index,
				      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &zeros, 0), 0);
	else
		ck_assert_uint_eq(Esys_NV_Write(esys, ESYS_TR_RH_OWNER, index,
				      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &zeros, 0), 0);
	attack_end();
	health_says("LIFE");
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_FAULT);
	ck_assert_int_eq(vault_encrypt(c.vault, wbuf_view(&c.admin), rbuf_of("01234567", 8), &w),
	    VAULT_FAULT);
}
END_TEST

/* ---- the first write, recorded and replayed ---- */

/* What the tap recorded of a first write: K's signature and the nonce it is over. */
static void
read_policy_signed(struct tap *tap, TPM2B_NONCE *recorded, TPMT_SIGNATURE *tpmt)
{
	struct authority_signature signature;
	struct rbuf command, skip, nonce, sig;
	uint16_t size = 0;

	/* PolicySigned: header, two handles, nonceTPM, cpHashA, policyRef, expiration, signature */
	ck_assert_uint_eq(tap_count(tap, TPM2_CC_PolicySigned), 4);
	command = tap_command(tap, TPM2_CC_PolicySigned, 0);
	ck_assert(rbuf_take(&command, 10 + 8, &skip) && rbuf_u16(&command, &size) && size > 0 &&
	    rbuf_take(&command, size, &nonce) && command.len >= 66 &&
	    rbuf_take(&command, command.len - 66, &skip));
	sig = command;
	ck_assert(rbuf_copy(&sig, signature.r, 32) && rbuf_u16(&sig, &size) && size == 32 &&
	    rbuf_copy(&sig, signature.s, 32));
	*recorded = nonce_tpm2b(nonce);
	*tpmt = authority_tpmt(&signature);
}

START_TEST(a_recorded_first_write_is_worthless)
{
	struct tap *tap;
	TPM2B_NONCE recorded, *fresh = NULL, blank = { .size = 0 };
	TPM2B_NONCE ref = nonce_tpm2b(rbuf_str("first write"));
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	TPM2B_TIMEOUT *timeout = NULL;
	TPMT_TK_AUTH *ticket = NULL;
	TPMT_SIGNATURE tpmt;
	TPM2B_PUBLIC k;
	ESYS_TR key = ESYS_TR_NONE, session;
	SECRET(auth);
	int i;

	cardtpm_end(&c);
	cardtpm_prepare(&c);
	tap = tap_begin(&c.swtpm, NULL);
	c.config.tcti = tap_tcti(tap);
	cardtpm_make(&c, &cardtpm_usual, rbuf_of(NULL, 0));
	read_policy_signed(tap, &recorded, &tpmt);

	attack_begin();
	undefine(record.index[INDEX_PIN].handle);
	auth_of(INDEX_PIN, "66666666", &auth);
	(void)define(INDEX_PIN, 0, &auth);
	k = authority_template(&record.k);
	ck_assert_uint_eq(Esys_LoadExternal(esys, ESYS_TR_NONE, ESYS_TR_NONE,
			      ESYS_TR_NONE, NULL, &k, ESYS_TR_RH_OWNER, &key), 0);
	session = policy_session(0);
	ck_assert_uint_eq(Esys_TRSess_GetNonceTPM(esys, session, &fresh), 0);
	for (i = 0; i < 3; i++) {
		const TPM2B_NONCE *nonces[] = { &recorded, fresh, &blank };

		ck_assert_uint_ne(Esys_PolicySigned(esys, key, session, ESYS_TR_NONE,
				      ESYS_TR_NONE, ESYS_TR_NONE, nonces[i], &no_cphash, &ref, 20,
				      &tpmt, &timeout, &ticket), TSS2_RC_SUCCESS);
	}
	/* Nor does any other public signature of K pass for one. */
	for (i = 0; i < APPROVAL_COUNT; i++) {
		tpmt = authority_tpmt(&record.approval[i]);
		ck_assert_uint_ne(Esys_PolicySigned(esys, key, session, ESYS_TR_NONE,
				      ESYS_TR_NONE, ESYS_TR_NONE, &blank, &no_cphash, &ref, 0, &tpmt,
				      &timeout, &ticket), TSS2_RC_SUCCESS);
	}
	Esys_Free(fresh);
	discard(&session);
	discard(&key);
	attack_end();
	cardtpm_end(&c);
	tap_end(tap);
	cardtpm_begin(&c, &cardtpm_usual);
}
END_TEST

/* A creation that failed half-way is not tried again with the same K. */
START_TEST(a_creation_runs_once)
{
	uint8_t a[TPM_CLAIMS_MAX], b[TPM_CLAIMS_MAX], r[TPM_RECORD_MAX], k[VAULT_KEY_MAX];
	struct wbuf first = wbuf_over(a, sizeof a), second = wbuf_over(b, sizeof b);
	struct wbuf rec = wbuf_over(r, sizeof r), key = wbuf_over(k, sizeof k);
	struct tpm_creation *creation = NULL;
	struct failure why = { .text = "" };
	SECRET(pin);
	SECRET(random);
	struct tpm_spec spec = { .pin = &pin, .pin_tries = 5, .admin_algorithm = ALG_3DES };

	ck_assert(secret_set(&pin, rbuf_str(CARDTPM_PIN)));
	ck_assert_int_eq(tpm_creation_plan(c.tpm, &spec, rbuf_of(NULL, 0), &creation, &first, &why),
	    TPM_OK);
	swtpm_kill(&c.swtpm);
	ck_assert_int_ne(tpm_creation_run(creation, &rec, &key, &random, &why), TPM_OK);
	swtpm_start(&c.swtpm);
	ck_assert_int_ne(tpm_creation_run(creation, &rec, &key, &random, &why), TPM_OK);
	tpm_creation_free(creation);
	ck_assert_int_eq(tpm_erase(c.tpm, wbuf_view(&first), false, &why), TPM_OK);
	ck_assert_int_eq(tpm_creation_plan(c.tpm, &spec, rbuf_of(NULL, 0), &creation, &second, &why),
	    TPM_OK);
	tpm_creation_free(creation);
	ck_assert_msg(!rbuf_eq(wbuf_view(&first), wbuf_view(&second)), "the same K twice");
	ck_assert_uint_eq(cardtpm_nv_count(&c), 4);
	unharmed();
}
END_TEST

/* ---- the parent ---- */

START_TEST(a_foreign_parent_is_not_used)
{
	struct tap *tap;

	cardtpm_end(&c);
	cardtpm_prepare(&c);
	provision(PARENT_SRK, 0, 1);
	tap = tap_begin(&c.swtpm, NULL);
	c.config.tcti = tap_tcti(tap);
	cardtpm_make(&c, &cardtpm_usual, rbuf_of(NULL, 0));
	ck_assert(record_read(wbuf_view(&c.record), &record));
	ck_assert_uint_eq(record.parent.handle, PARENT_SRK);
	ck_assert(!record.parent.ours);
	unharmed();
	vault_forget(c.vault);
	tpm_rest(c.tpm);
	provision(PARENT_SRK, 0, 2);
	tap_clear(tap);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_FAULT);
	ck_assert_msg(tap_count(tap, TPM2_CC_StartAuthSession) == 0, "salted to a foreign key");
	health_says("storage key");
	provision(PARENT_SRK, 0, 1);
	unharmed();
	cardtpm_end(&c);
	tap_end(tap);
	cardtpm_begin(&c, &cardtpm_usual);
}
END_TEST

/* An SRK that counts against the TPM's lockout is passed over at creation, and so is none at all. */
START_TEST(an_unfit_srk_is_passed_over)
{
	static const TPMA_OBJECT without[] = { TPMA_OBJECT_NODA };

	cardtpm_end(&c);
	cardtpm_prepare(&c);
	if (_i < 1)
		provision(PARENT_SRK, without[_i], 1);
	cardtpm_make(&c, &cardtpm_usual, rbuf_of(NULL, 0));
	ck_assert(record_read(wbuf_view(&c.record), &record));
	ck_assert_uint_ne(record.parent.handle, PARENT_SRK);
	ck_assert(record.parent.ours);
	unharmed();
}
END_TEST

/* ---- files ---- */

START_TEST(another_cards_key_is_no_key)
{
	struct cardtpm other;
	struct key_info info;

	cardtpm_join(&other, &c, &cardtpm_usual);
	cardtpm_generate(&other, ALG_ECC_P256, _i == 0 ? PIN_ONCE : PIN_NEVER);
	ck_assert_int_eq(vault_describe(c.vault, wbuf_view(&other.key), &info), VAULT_MISMATCH);
	c.key = wbuf_over(c.key_octets, sizeof c.key_octets);
	wbuf_put(&c.key, wbuf_view(&other.key));
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_MISMATCH);
	cardtpm_end(&other);
}
END_TEST

/* The files on another machine: nothing works there. */
START_TEST(a_stolen_disk_is_useless)
{
	struct cardtpm thief;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_NEVER);
	cardtpm_begin(&thief, &cardtpm_usual);
	tpm_vault_free(thief.vault);
	ck_assert_int_eq(tpm_vault_open(thief.tpm, wbuf_view(&c.record), &thief.vault), TPM_OK);
	thief.key = c.key;
	ck_assert_int_eq(cardtpm_verify(&thief, CARDTPM_PIN), VAULT_FAULT);
	ck_assert_int_eq(cardtpm_sign(&thief), VAULT_FAULT);
	cardtpm_end(&thief);
}
END_TEST

/* All files of a destroyed card, its PIN and its PUK: still nothing. */
START_TEST(a_destroyed_card_stays_dead)
{
	uint8_t octets[TPM_CLAIMS_MAX], out[16];
	struct wbuf claims = wbuf_over(octets, sizeof octets), w = wbuf_over(out, sizeof out);
	struct failure why = { .text = "" };
	SECRET(auth);
	SECRET(none);

	cardtpm_generate(&c, ALG_ECC_P256, _i == 0 ? PIN_NEVER : PIN_ONCE);
	ck_assert_int_eq(tpm_record_claims(wbuf_view(&c.record), &claims), TPM_OK);
	ck_assert_int_eq(tpm_erase(c.tpm, wbuf_view(&claims), false, &why), TPM_OK);
	attack_begin();
	auth_of(INDEX_PIN, CARDTPM_PIN, &auth);
	(void)define(INDEX_PIN, 0, &auth);
	(void)define(INDEX_LIFE, 0, &none);
	auth_of(INDEX_PUK, CARDTPM_PUK, &auth);
	(void)define(INDEX_PUK, 0, &auth);
	attack_end();
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_FAULT);
	ck_assert_int_ne(cardtpm_sign(&c), VAULT_OK);
	ck_assert_int_ne(cardtpm_unblock(&c, CARDTPM_PUK, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_ne(vault_encrypt(c.vault, wbuf_view(&c.admin), rbuf_of("01234567", 8), &w),
	    VAULT_OK);
}
END_TEST

/* A list of claims that names somebody else's things is refused, or takes nothing of theirs. */
START_TEST(claims_take_only_what_a_card_can_have_made)
{
	uint8_t octets[TPM_CLAIMS_MAX];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	struct claims claims;
	struct failure why = { .text = "" };

	ck_assert(record_read(wbuf_view(&c.record), &record));
	ck_assert(claims_of(&record, &claims));
	if (_i == 0)
		claims.parent.handle = PARENT_SRK;
	else if (_i == 1)
		claims.index[0].handle = 0x01500001;
	else
		claims.index[0].policy.octets[0] ^= 1;
	claims_write(&claims, &w);
	ck_assert_int_eq(tpm_erase(c.tpm, wbuf_view(&w), false, &why), _i < 2 ? TPM_RECORD : TPM_OK);
	ck_assert_uint_eq(cardtpm_nv_count(&c), _i < 2 ? 4 : 1);
	ck_assert_uint_eq(cardtpm_persistent_count(&c), 1);
}
END_TEST

/* An empty file is no key, least of all the one that was looked at before. */
START_TEST(an_empty_file_is_no_key)
{
	uint8_t out[VAULT_RESULT_MAX];
	struct wbuf w = wbuf_over(out, sizeof out);
	struct key_info info;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_NEVER);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	ck_assert_int_eq(vault_describe(c.vault, rbuf_str("garbage"), &info), VAULT_MISMATCH);
	ck_assert_int_eq(vault_describe(c.vault, rbuf_of(NULL, 0), &info), VAULT_MISMATCH);
	ck_assert_int_eq(vault_operate(c.vault, rbuf_of(NULL, 0), KEY_ECDSA, rbuf_of(out, 32), &w),
	    VAULT_MISMATCH);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("recreated");
	TCase *tcase = tcase_create("recreated");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, attack_setup, attack_teardown);
	tcase_add_loop_test(tcase, a_recreated_index_is_dead, 0, 2);
	tcase_add_loop_test(tcase, a_recreated_life_is_dead, 0, 2);
	tcase_add_test(tcase, a_recorded_first_write_is_worthless);
	tcase_add_test(tcase, a_creation_runs_once);
	tcase_add_test(tcase, a_foreign_parent_is_not_used);
	tcase_add_loop_test(tcase, an_unfit_srk_is_passed_over, 0, 2);
	tcase_add_loop_test(tcase, another_cards_key_is_no_key, 0, 2);
	tcase_add_test(tcase, a_stolen_disk_is_useless);
	tcase_add_loop_test(tcase, a_destroyed_card_stays_dead, 0, 2);
	tcase_add_loop_test(tcase, claims_take_only_what_a_card_can_have_made, 0, 3);
	tcase_add_test(tcase, an_empty_file_is_no_key);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
