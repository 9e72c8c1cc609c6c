/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks on a live card's objects, by somebody who may send the TPM any
 * command (root).  Each was a way in once, in an earlier model or another
 * product (tpm/README.md, "Traps").  Each must fail, or only destroy.
 */
#include <string.h>
#include <unistd.h>

#include "tests/attacker.h"
#include "tests/suite.h"
#include "tpm/keyfile.h"

/* ---- the PIN as an oracle ---- */

/*
 * An index read under its own policy in an unsalted encrypt session would
 * answer in a keystream of the PIN: guess offline, no try spent.
 */
START_TEST(no_reading_by_the_index_own_policy)
{
	static const enum card_index victims[] = { INDEX_PIN, INDEX_PUK, INDEX_ADMIN };
	TPM2B_MAX_NV_BUFFER *data = NULL;
	ESYS_TR session, index;
	int id;

	attack_begin();
	index = object_at(record.index[victims[_i]].handle);
	session = policy_session(TPMA_SESSION_ENCRYPT);
	ck_assert_uint_ne(Esys_NV_Read(esys, index, index, session, ESYS_TR_NONE,
			      ESYS_TR_NONE, 8, 0, &data), TSS2_RC_SUCCESS);
	discard(&session);
	/* Nor with any approval there is, taken without its proof. */
	for (id = 0; id < APPROVAL_COUNT; id++) {
		session = policy_session(TPMA_SESSION_ENCRYPT);
		(void)Esys_PolicyCommandCode(esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
		    ESYS_TR_NONE, TPM2_CC_NV_Read);
		ck_assert_uint_eq(authorize((enum approval_id)id, session), 0x1c4);
		ck_assert_uint_ne(Esys_NV_Read(esys, index, index, session, ESYS_TR_NONE,
				      ESYS_TR_NONE, 8, 0, &data), TSS2_RC_SUCCESS);
		discard(&session);
	}
	attack_end();
	unharmed();
}
END_TEST

/* PolicyAuthValue in the index's policy was an unlimited oracle: the TPM does not look at the count then. */
START_TEST(no_auth_value_policy)
{
	ESYS_TR session;
	int i;

	attack_begin();
	for (i = 0; i < 8; i++) {
		session = policy_session(0);
		ck_assert_uint_eq((i % 2 == 0 ? Esys_PolicyAuthValue : Esys_PolicyPassword)(
				      esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
				      ESYS_TR_NONE), TSS2_RC_SUCCESS);
		ck_assert_uint_eq(Esys_PolicyCommandCode(esys, session, ESYS_TR_NONE,
				      ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CC_NV_ChangeAuth), 0);
		ck_assert_uint_eq(authorize(PIN_BY_PIN, session), 0x1c4);
		ck_assert_uint_eq(change_auth(record.index[INDEX_PIN].handle, session, "x"),
		    RC_TPM_POLICY_FAIL);
		discard(&session);
	}
	attack_end();
	unharmed();
}
END_TEST

START_TEST(guesses_count_whoever_makes_them)
{
	ESYS_TR session;
	struct tries tries = { .left = 9 };
	int i;

	attack_begin();
	for (i = 0; i < 5; i++) {
		session = policy_session(0);
		ck_assert_uint_eq(prove(INDEX_PIN, "00000000", session, PURPOSE_USE, 0, NULL),
		    RC_TPM_BAD_AUTH);
		discard(&session);
	}
	session = policy_session(0);
	ck_assert_uint_eq(prove(INDEX_PIN, CARDTPM_PIN, session, PURPOSE_USE, 0, NULL),
	    RC_TPM_UNAVAILABLE);
	discard(&session);
	/* The TPM's own lockout reset gives nothing back. */
	(void)Esys_DictionaryAttackLockReset(esys, ESYS_TR_RH_LOCKOUT, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE);
	attack_end();
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_OK);
	ck_assert_uint_eq(tries.left, 0);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_BLOCKED);
	ck_assert_int_eq(cardtpm_unblock(&c, CARDTPM_PUK, CARDTPM_PIN), VAULT_OK);
	unharmed();
}
END_TEST

/* Direct use of the index's authValue: there is no AUTHREAD, AUTHWRITE, and the owner may not write. */
START_TEST(no_direct_writes)
{
	const TPM2B_MAX_NV_BUFFER zeros = { .size = 8 };
	const ESYS_TR who[] = { ESYS_TR_RH_OWNER, ESYS_TR_RH_PLATFORM };
	static const enum card_index all[] = { INDEX_PIN, INDEX_PUK, INDEX_ADMIN, INDEX_LIFE };
	ESYS_TR index;
	size_t i, k;

	attack_begin();
	for (i = 0; i < 4; i++) {
		index = object_at(record.index[all[i]].handle);
		for (k = 0; k < 2; k++)
			ck_assert_uint_ne(Esys_NV_Write(esys, who[k], index,
					      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &zeros,
					      0), TSS2_RC_SUCCESS);
		ck_assert_uint_ne(Esys_NV_Write(esys, index, index, ESYS_TR_PASSWORD,
				      ESYS_TR_NONE, ESYS_TR_NONE, &zeros, 0), TSS2_RC_SUCCESS);
		ck_assert_uint_ne(Esys_NV_WriteLock(esys, ESYS_TR_RH_OWNER, index,
				      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE), TSS2_RC_SUCCESS);
	}
	attack_end();
	unharmed();
}
END_TEST

/* ---- approvals ---- */

static const struct crossing {
	const char *why;
	enum card_index prover;
	const char *value, *purpose;
	enum approval_id approval;
	enum card_index target;
} crossings[] = {
	{ "PIN's proof and approval on the PUK", INDEX_PIN, CARDTPM_PIN, "change", PIN_BY_PIN,
	    INDEX_PUK },
	{ "PIN's proof and approval on ADMIN", INDEX_PIN, CARDTPM_PIN, "change", PIN_BY_PIN,
	    INDEX_ADMIN },
	{ "PUK's change approval on the PIN", INDEX_PUK, CARDTPM_PUK, "change", PUK_BY_PUK,
	    INDEX_PIN },
	{ "PUK's unblock proof, PUK's change approval", INDEX_PUK, CARDTPM_PUK, "unblock",
	    PUK_BY_PUK, INDEX_PUK },
	{ "PIN proven for use, change approval", INDEX_PIN, CARDTPM_PIN, "use", PIN_BY_PIN,
	    INDEX_PIN },
	{ "PIN proven, ADMIN's approval", INDEX_PIN, CARDTPM_PIN, "unblock", PIN_BY_ADMIN,
	    INDEX_PIN },
	{ "PUK proven, ADMIN's approval", INDEX_PUK, CARDTPM_PUK, "unblock", PIN_BY_ADMIN,
	    INDEX_PIN },
	{ "PUK's approval for the PIN on ADMIN", INDEX_PUK, CARDTPM_PUK, "unblock", PIN_BY_PUK,
	    INDEX_ADMIN },
};

START_TEST(approvals_do_not_cross)
{
	const struct crossing *row = &crossings[_i];
	ESYS_TR session;

	attack_begin();
	session = policy_session(0);
	ck_assert_uint_eq(prove(row->prover, row->value, session, row->purpose, 0, NULL), 0);
	ck_assert_uint_eq(Esys_PolicyCommandCode(esys, session, ESYS_TR_NONE,
			      ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CC_NV_ChangeAuth), 0);
	(void)authorize(row->approval, session);
	ck_assert_msg(change_auth(record.index[row->target].handle, session, "x") != TSS2_RC_SUCCESS,
	    "%s", row->why);
	/* The same signature does not pass under another policyRef either. */
	ck_assert_uint_eq(rc_base(authorize_as(&record, row->approval,
	    row->approval == PUK_BY_PUK ? "PIN" : "PUK", session)), rc_base(TPM2_RC_SIGNATURE));
	discard(&session);
	attack_end();
	unharmed();
}
END_TEST

START_TEST(another_cards_approvals_serve_no_purpose)
{
	struct cardtpm other;
	struct record theirs;
	ESYS_TR session;

	cardtpm_join(&other, &c, &cardtpm_usual);
	ck_assert(record_read(wbuf_view(&other.record), &theirs));
	attack_begin();
	session = policy_session(0);
	ck_assert_uint_eq(prove(INDEX_PIN, CARDTPM_PIN, session, "change", 0, NULL), 0);
	ck_assert_uint_eq(Esys_PolicyCommandCode(esys, session, ESYS_TR_NONE,
			      ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CC_NV_ChangeAuth), 0);
	ck_assert_uint_ne(authorize_as(&theirs, PIN_BY_PIN, "PIN", session), TSS2_RC_SUCCESS);
	ck_assert_uint_ne(change_auth(theirs.index[INDEX_PIN].handle, session, "x"), TSS2_RC_SUCCESS);
	discard(&session);
	attack_end();
	cardtpm_end(&other);
	unharmed();
}
END_TEST

/*
 * Who may reset the count may not touch the limit.  cpHash covers the
 * encrypted parameter, so with an approval of eight octets nonces could be
 * searched until the limit decrypts to something huge.
 */
START_TEST(a_reset_writes_four_zeros_at_the_beginning)
{
	static const struct {
		UINT16 size, offset;
	} writes[] = { { 8, 0 }, { 4, 4 }, { 5, 0 }, { 1, 7 }, { 2, 0 }, { 0, 0 } };
	TPM2B_MAX_NV_BUFFER data = { .size = writes[_i].size };
	ESYS_TR session;

	attack_begin();
	session = reset_session();
	memset(data.buffer, _i == 0 ? 0 : 0xff, 8);
	ck_assert_uint_eq(write_count(session, &data, writes[_i].offset), RC_TPM_POLICY_FAIL);
	discard(&session);
	attack_end();
	unharmed();
}
END_TEST

/* ---- tickets ---- */

START_TEST(a_stolen_ticket_only_uses)
{
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	TPM2B_NONCE use = nonce_tpm2b(rbuf_str("use")), other;
	static const char *const purposes[] = { "change", "unblock", "always", "", "USE" };
	struct ticket ticket = { .held = false };
	ESYS_TR session;
	TPM2B_NAME name;
	size_t i;

	attack_begin();
	name = name_tpm2b(&record.name[INDEX_PIN]);
	session = policy_session(0);
	ck_assert_uint_eq(prove(INDEX_PIN, CARDTPM_PIN, session, "use", -3600, &ticket), 0);
	discard(&session);
	for (i = 0; i < sizeof purposes / sizeof purposes[0]; i++) {
		session = policy_session(0);
		other = nonce_tpm2b(rbuf_str(purposes[i]));
		ck_assert_uint_eq(Esys_PolicyTicket(esys, session, ESYS_TR_NONE,
				      ESYS_TR_NONE, ESYS_TR_NONE, &ticket.timeout, &no_cphash,
				      &other, &name, &ticket.ticket), 0x5e0);
		discard(&session);
	}
	session = policy_session(0);
	ck_assert_uint_eq(Esys_PolicyTicket(esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
			      ESYS_TR_NONE, &ticket.timeout, &no_cphash, &use, &name,
			      &ticket.ticket), 0);
	ck_assert_uint_eq(Esys_PolicyCommandCode(esys, session, ESYS_TR_NONE,
			      ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CC_NV_ChangeAuth), 0);
	ck_assert_uint_eq(authorize(PIN_BY_PIN, session), 0x1c4);
	ck_assert_uint_ne(change_auth(record.index[INDEX_PIN].handle, session, "x"), 0);
	discard(&session);
	/* Nor can it be made to last longer. */
	ticket.timeout.buffer[2] ^= 1;
	session = policy_session(0);
	ck_assert_uint_eq(Esys_PolicyTicket(esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
			      ESYS_TR_NONE, &ticket.timeout, &no_cphash, &use, &name,
			      &ticket.ticket), 0x5e0);
	discard(&session);
	attack_end();
	unharmed();
}
END_TEST

/* A card whose proofs last one second: the ticket's time is the TPM's to keep, and VERIFY works on a TPM older than that. */
START_TEST(proofs_expire)
{
	struct cardtpm_kind kind = cardtpm_usual;

	kind.pin_cache = 1;
	cardtpm_end(&c);
	cardtpm_begin(&c, &kind);
	(void)sleep(3);
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	(void)sleep(3);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	/* A ticket's time runs from the start of its session: VERIFY may not reuse an old one. */
	(void)sleep(3);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	/* Nor does the session itself outlast it, with the key loaded and the proof of VERIFY still in it. */
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	(void)sleep(3);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_AUTH);
}
END_TEST

START_TEST(the_armed_session_expires)
{
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ALWAYS);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	(void)sleep(32);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
}
END_TEST

/* ---- keys ---- */

START_TEST(a_key_cannot_be_used_or_moved_without_its_policy)
{
	const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_ECDSA,
		.details.ecdsa.hashAlg = TPM2_ALG_SHA256 };
	const TPMT_TK_HASHCHECK no_ticket = { .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL };
	const TPMT_SYM_DEF_OBJECT no_sym = { .algorithm = TPM2_ALG_NULL };
	const TPM2B_DIGEST digest = { .size = 32 };
	const TPM2B_AUTH fresh = { .size = 1 };
	TPMT_SIGNATURE *sig = NULL;
	TPM2B_PRIVATE *priv = NULL;
	TPM2B_ENCRYPTED_SECRET *seed = NULL;
	TPM2B_DATA *dup_key = NULL;
	struct keyfile file;
	ESYS_TR key = ESYS_TR_NONE, session;

	cardtpm_generate(&c, ALG_ECC_P256, _i == 0 ? PIN_ONCE : _i == 1 ? PIN_ALWAYS : PIN_NEVER);
	ck_assert(keyfile_read(wbuf_view(&c.key), &file));
	attack_begin();
	ck_assert_uint_eq(Esys_Load(esys, object_at(record.parent.handle), ESYS_TR_PASSWORD, ESYS_TR_NONE,
			      ESYS_TR_NONE, &file.private_area, &file.public_area, &key), 0);
	ck_assert_uint_ne(Esys_Sign(esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			      ESYS_TR_NONE, &digest, &scheme, &no_ticket, &sig), 0);
	session = policy_session(0);
	ck_assert_uint_eq(Esys_Sign(esys, key, session, ESYS_TR_NONE, ESYS_TR_NONE,
			      &digest, &scheme, &no_ticket, &sig), RC_TPM_POLICY_FAIL);
	ck_assert_uint_ne(Esys_ObjectChangeAuth(esys, key, object_at(record.parent.handle), session,
			      ESYS_TR_NONE, ESYS_TR_NONE, &fresh, &priv), 0);
	ck_assert_uint_ne(Esys_Duplicate(esys, key, ESYS_TR_RH_NULL, session,
			      ESYS_TR_NONE, ESYS_TR_NONE, NULL, &no_sym, &dup_key, &priv, &seed), 0);
	discard(&session);
	discard(&key);
	attack_end();
	unharmed();
}
END_TEST

/* Clearing the TPM destroys, and that is all it does. */
START_TEST(clearing_the_tpm_only_destroys)
{
	cardtpm_generate(&c, ALG_ECC_P256, PIN_NEVER);
	attack_begin();
	ck_assert_uint_eq(Esys_Clear(esys, ESYS_TR_RH_PLATFORM, ESYS_TR_PASSWORD,
			      ESYS_TR_NONE, ESYS_TR_NONE), 0);
	attack_end();
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_FAULT);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_FAULT);
}
END_TEST

/* The user's PIN is unblocked by a process that has never seen the old one. */
START_TEST(unblocking_needs_no_old_pin)
{
	struct cardtpm helper = { .config = c.config };
	int i;

	for (i = 0; i < 5; i++)
		ck_assert_int_eq(cardtpm_verify(&c, "00000000"), VAULT_AUTH);
	helper.tpm = tpm_new(&helper.config);
	ck_assert_int_eq(tpm_vault_open(helper.tpm, wbuf_view(&c.record), &helper.vault), TPM_OK);
	ck_assert_int_eq(cardtpm_unblock(&helper, CARDTPM_PUK, CARDTPM_PIN), VAULT_OK);
	tpm_vault_free(helper.vault);
	tpm_free(helper.tpm);
	unharmed();
}
END_TEST

/* A card whose administrator may not unblock: no approval exists for it. */
START_TEST(admin_unblock_can_be_ruled_out)
{
	struct cardtpm_kind kind = cardtpm_usual;
	SECRET(key);
	SECRET(pin);

	kind.admin_unblock = false;
	cardtpm_end(&c);
	cardtpm_begin(&c, &kind);
	ck_assert(secret_set(&key, rbuf_of(cardtpm_admin_key, 24)));
	ck_assert(secret_set(&pin, rbuf_str("55555555")));
	ck_assert_int_eq(vault_unblock(c.vault, REFERENCE_ADMIN, &key, &pin), VAULT_ABSENT);
	unharmed();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("attacks");
	TCase *tcase = tcase_create("attacks");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, attack_setup, attack_teardown);
	tcase_add_loop_test(tcase, no_reading_by_the_index_own_policy, 0, 3);
	tcase_add_test(tcase, no_auth_value_policy);
	tcase_add_test(tcase, guesses_count_whoever_makes_them);
	tcase_add_test(tcase, no_direct_writes);
	tcase_add_rows(tcase, approvals_do_not_cross, crossings);
	tcase_add_test(tcase, another_cards_approvals_serve_no_purpose);
	tcase_add_loop_test(tcase, a_reset_writes_four_zeros_at_the_beginning, 0, 6);
	tcase_add_test(tcase, a_stolen_ticket_only_uses);
	tcase_add_test(tcase, proofs_expire);
	tcase_add_test(tcase, the_armed_session_expires);
	tcase_add_loop_test(tcase, a_key_cannot_be_used_or_moved_without_its_policy, 0, 3);
	tcase_add_test(tcase, clearing_the_tpm_only_destroys);
	tcase_add_test(tcase, unblocking_needs_no_old_pin);
	tcase_add_test(tcase, admin_unblock_can_be_ruled_out);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
