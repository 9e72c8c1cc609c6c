/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks on a real card's objects, by somebody who may send the TPM any
 * command (root), has the card's files, or sits on the wire.  Each was a way
 * in once, in an earlier model or another product (tpm/README.md, "Traps").
 * Each must fail, or only destroy.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/cardtpm.h"
#include "tests/memory.h"
#include "tests/suite.h"
#include "tests/tap.h"
#include "tpm/keyfile.h"
#include "tpm/parent.h"
#include "tpm/rc.h"
#include "tpm/reference.h"
#include "tpm/vault.h"

#define RC_TPM_BAD_AUTH 0x9a2U
#define RC_TPM_UNAVAILABLE 0x12fU
#define RC_TPM_POLICY_FAIL 0x99dU

static struct cardtpm c;     /* the victim */
static struct tpm *attacker; /* another client of the same TPM */
static struct record record; /* which is public */
static struct card_tpm card; /* the card as the attacker sees it */

static void
attack_begin(void)
{
	ck_assert(record_read(wbuf_view(&c.record), &record));
	attacker = tpm_new(&c.config);
	ck_assert_ptr_nonnull(attacker);
	ck_assert_uint_eq(link_begin(attacker, 60, NULL), TSS2_RC_SUCCESS);
	card = (struct card_tpm){ .tpm = attacker, .record = &record, .parent = ESYS_TR_NONE };
	ck_assert_uint_eq(parent_open(attacker, &record.parent, &card.parent), TSS2_RC_SUCCESS);
}

static void
attack_end(void)
{
	link_end(attacker);
	tpm_free(attacker);
	attacker = NULL;
}

static void
setup(void)
{
	cardtpm_begin(&c, &cardtpm_usual);
}

static void
teardown(void)
{
	cardtpm_end(&c);
}

static ESYS_TR
policy_session(TPMA_SESSION more)
{
	ESYS_TR session = ESYS_TR_NONE;

	/* Unsalted: the attacker knows every key of it but the authValue that gets mixed in. */
	ck_assert_uint_eq(session_start(attacker, ESYS_TR_NONE, TPM2_SE_POLICY, more, &session),
	    TSS2_RC_SUCCESS);
	return session;
}

static ESYS_TR
index_at(TPM2_HANDLE handle)
{
	ESYS_TR index = ESYS_TR_NONE;

	ck_assert_uint_eq(Esys_TR_FromTPMPublic(attacker->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE,
			      ESYS_TR_NONE, &index), TSS2_RC_SUCCESS);
	return index;
}

static TSS2_RC
authorize_as(const struct record *whose, enum approval_id id, const char *ref, ESYS_TR session)
{
	const TPM2B_NAME k_name = name_tpm2b(&whose->k_name);
	const TPM2B_PUBLIC area = authority_template(&whose->k);
	const TPM2B_NONCE policy_ref = nonce_tpm2b(rbuf_str(ref));
	const TPMT_SIGNATURE sig = authority_tpmt(&whose->approval[id]);
	TPMT_TK_VERIFIED *verified = NULL;
	ESYS_TR key = ESYS_TR_NONE;
	struct digest policy, d;
	TPM2B_DIGEST approved, ahash;
	TSS2_RC rc;

	ck_assert(record_approved_policy(whose, id, &policy));
	ck_assert(approval_digest(&policy, ref, &d));
	approved = digest_tpm2b(&policy);
	ahash = digest_tpm2b(&d);
	ck_assert_uint_eq(Esys_LoadExternal(attacker->esys, ESYS_TR_NONE, ESYS_TR_NONE,
			      ESYS_TR_NONE, NULL, &area, ESYS_TR_RH_OWNER, &key), 0);
	rc = Esys_VerifySignature(attacker->esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
	    &ahash, &sig, &verified);
	session_end(attacker, &key);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_PolicyAuthorize(attacker->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
		    ESYS_TR_NONE, &approved, &policy_ref, &k_name, verified);
	Esys_Free(verified);
	return rc;
}

static TSS2_RC
authorize(enum approval_id id, ESYS_TR session)
{
	return authorize_as(&record, id, index_label(approval_target(id)), session);
}

static void
auth_of(enum card_index which, const char *value, struct secret *auth)
{
	SECRET(s);

	ck_assert(secret_set(&s, rbuf_str(value)));
	ck_assert(reference_auth(&record, which, &s, auth));
}

static TSS2_RC
prove(enum card_index which, const char *value, ESYS_TR session, const char *purpose,
    int32_t expiration, struct ticket *ticket)
{
	SECRET(auth);

	auth_of(which, value, &auth);
	return reference_prove(&card, which, &auth, session, purpose, expiration, ticket);
}

static TSS2_RC
change_auth(TPM2_HANDLE handle, ESYS_TR session, const char *value)
{
	const TPM2B_AUTH fresh = nonce_tpm2b(rbuf_str(value));

	return Esys_NV_ChangeAuth(attacker->esys, index_at(handle), session, ESYS_TR_NONE,
	    ESYS_TR_NONE, &fresh);
}

/* After an attack the card is as it was: the PIN works and has all its tries. */
static void
unharmed(void)
{
	unsigned left = 0;

	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &left), VAULT_OK);
	ck_assert_uint_eq(left, 5);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
}

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
	index = index_at(record.index[victims[_i]].handle);
	session = policy_session(TPMA_SESSION_ENCRYPT);
	ck_assert_uint_ne(Esys_NV_Read(attacker->esys, index, index, session, ESYS_TR_NONE,
			      ESYS_TR_NONE, 8, 0, &data), TSS2_RC_SUCCESS);
	session_end(attacker, &session);
	/* Nor with any approval there is, taken without its proof. */
	for (id = 0; id < APPROVAL_COUNT; id++) {
		session = policy_session(TPMA_SESSION_ENCRYPT);
		(void)Esys_PolicyCommandCode(attacker->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
		    ESYS_TR_NONE, TPM2_CC_NV_Read);
		ck_assert_uint_eq(authorize((enum approval_id)id, session), 0x1c4);
		ck_assert_uint_ne(Esys_NV_Read(attacker->esys, index, index, session, ESYS_TR_NONE,
				      ESYS_TR_NONE, 8, 0, &data), TSS2_RC_SUCCESS);
		session_end(attacker, &session);
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
				      attacker->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
				      ESYS_TR_NONE), TSS2_RC_SUCCESS);
		ck_assert_uint_eq(Esys_PolicyCommandCode(attacker->esys, session, ESYS_TR_NONE,
				      ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CC_NV_ChangeAuth), 0);
		ck_assert_uint_eq(authorize(PIN_BY_PIN, session), 0x1c4);
		ck_assert_uint_eq(change_auth(record.index[INDEX_PIN].handle, session, "x"),
		    RC_TPM_POLICY_FAIL);
		session_end(attacker, &session);
	}
	attack_end();
	unharmed();
}
END_TEST

START_TEST(guesses_count_whoever_makes_them)
{
	ESYS_TR session;
	unsigned left = 9;
	int i;

	attack_begin();
	for (i = 0; i < 5; i++) {
		session = policy_session(0);
		ck_assert_uint_eq(prove(INDEX_PIN, "00000000", session, PURPOSE_USE, 0, NULL),
		    RC_TPM_BAD_AUTH);
		session_end(attacker, &session);
	}
	session = policy_session(0);
	ck_assert_uint_eq(prove(INDEX_PIN, CARDTPM_PIN, session, PURPOSE_USE, 0, NULL),
	    RC_TPM_UNAVAILABLE);
	session_end(attacker, &session);
	/* The TPM's own lockout reset gives nothing back. */
	(void)Esys_DictionaryAttackLockReset(attacker->esys, ESYS_TR_RH_LOCKOUT, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE);
	attack_end();
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &left), VAULT_OK);
	ck_assert_uint_eq(left, 0);
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
		index = index_at(record.index[all[i]].handle);
		for (k = 0; k < 2; k++)
			ck_assert_uint_ne(Esys_NV_Write(attacker->esys, who[k], index,
					      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &zeros,
					      0), TSS2_RC_SUCCESS);
		ck_assert_uint_ne(Esys_NV_Write(attacker->esys, index, index, ESYS_TR_PASSWORD,
				      ESYS_TR_NONE, ESYS_TR_NONE, &zeros, 0), TSS2_RC_SUCCESS);
		ck_assert_uint_ne(Esys_NV_WriteLock(attacker->esys, ESYS_TR_RH_OWNER, index,
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
	ck_assert_uint_eq(Esys_PolicyCommandCode(attacker->esys, session, ESYS_TR_NONE,
			      ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CC_NV_ChangeAuth), 0);
	(void)authorize(row->approval, session);
	ck_assert_msg(change_auth(record.index[row->target].handle, session, "x") != TSS2_RC_SUCCESS,
	    "%s", row->why);
	/* The same signature does not pass under another policyRef either. */
	ck_assert_uint_eq(rc_base(authorize_as(&record, row->approval,
	    row->approval == PUK_BY_PUK ? "PIN" : "PUK", session)), rc_base(TPM2_RC_SIGNATURE));
	session_end(attacker, &session);
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
	ck_assert_uint_eq(Esys_PolicyCommandCode(attacker->esys, session, ESYS_TR_NONE,
			      ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CC_NV_ChangeAuth), 0);
	ck_assert_uint_ne(authorize_as(&theirs, PIN_BY_PIN, "PIN", session), TSS2_RC_SUCCESS);
	ck_assert_uint_ne(change_auth(theirs.index[INDEX_PIN].handle, session, "x"), TSS2_RC_SUCCESS);
	session_end(attacker, &session);
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
	struct digest cphash;
	TPM2B_DIGEST restricted;
	ESYS_TR session, index;

	attack_begin();
	session = policy_session(0);
	ck_assert_uint_eq(prove(INDEX_PUK, CARDTPM_PUK, session, "unblock", 0, NULL), 0);
	ck_assert(cphash_reset_count(&record.name[INDEX_PIN], &cphash));
	restricted = digest_tpm2b(&cphash);
	ck_assert_uint_eq(Esys_PolicyCpHash(attacker->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
			      ESYS_TR_NONE, &restricted), 0);
	ck_assert_uint_eq(authorize(COUNT_BY_PUK, session), 0);
	index = index_at(record.index[INDEX_PIN].handle);
	memset(data.buffer, _i == 0 ? 0 : 0xff, 8);
	ck_assert_uint_eq(Esys_NV_Write(attacker->esys, index, index, session, ESYS_TR_NONE,
			      ESYS_TR_NONE, &data, writes[_i].offset), RC_TPM_POLICY_FAIL);
	session_end(attacker, &session);
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
	session_end(attacker, &session);
	for (i = 0; i < sizeof purposes / sizeof purposes[0]; i++) {
		session = policy_session(0);
		other = nonce_tpm2b(rbuf_str(purposes[i]));
		ck_assert_uint_eq(Esys_PolicyTicket(attacker->esys, session, ESYS_TR_NONE,
				      ESYS_TR_NONE, ESYS_TR_NONE, &ticket.timeout, &no_cphash,
				      &other, &name, &ticket.ticket), 0x5e0);
		session_end(attacker, &session);
	}
	session = policy_session(0);
	ck_assert_uint_eq(Esys_PolicyTicket(attacker->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
			      ESYS_TR_NONE, &ticket.timeout, &no_cphash, &use, &name,
			      &ticket.ticket), 0);
	ck_assert_uint_eq(Esys_PolicyCommandCode(attacker->esys, session, ESYS_TR_NONE,
			      ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CC_NV_ChangeAuth), 0);
	ck_assert_uint_eq(authorize(PIN_BY_PIN, session), 0x1c4);
	ck_assert_uint_ne(change_auth(record.index[INDEX_PIN].handle, session, "x"), 0);
	session_end(attacker, &session);
	/* Nor can it be made to last longer. */
	ticket.timeout.buffer[2] ^= 1;
	session = policy_session(0);
	ck_assert_uint_eq(Esys_PolicyTicket(attacker->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
			      ESYS_TR_NONE, &ticket.timeout, &no_cphash, &use, &name,
			      &ticket.ticket), 0x5e0);
	session_end(attacker, &session);
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

/* ---- re-created indices ---- */

static void
undefine(TPM2_HANDLE handle)
{
	ck_assert_uint_eq(Esys_NV_UndefineSpace(attacker->esys, ESYS_TR_RH_OWNER, index_at(handle),
			      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE), 0);
}

static ESYS_TR
define(enum card_index which, TPMA_NV more, const struct secret *auth)
{
	const TPM2B_AUTH value = nonce_tpm2b(secret_view(auth));
	TPM2B_NV_PUBLIC area = { .size = 0 };
	ESYS_TR index = ESYS_TR_NONE;

	ck_assert(record_nv_public(&record, which, false, &area.nvPublic));
	area.nvPublic.attributes |= more;
	ck_assert_uint_eq(Esys_NV_DefineSpace(attacker->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
			      ESYS_TR_NONE, ESYS_TR_NONE, &value, &area, &index), 0);
	return index;
}

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
		ck_assert_uint_eq(Esys_NV_Write(attacker->esys, ESYS_TR_RH_OWNER, index,
				      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &limit, 0), 0);
	} else {
		ck_assert_uint_ne(Esys_NV_Write(attacker->esys, ESYS_TR_RH_OWNER, index,
				      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &limit, 0), 0);
		session = policy_session(0);
		ck_assert_uint_eq(prove(INDEX_PUK, CARDTPM_PUK, session, "unblock", 0, NULL), 0);
		session_end(attacker, &session);
	}
	attack_end();
	/* The driver does not even show it the PIN. */
	ck_assert_int_eq(cardtpm_verify(&c, "66666666"), VAULT_FAULT);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_FAULT);
	ck_assert_int_eq(cardtpm_unblock(&c, CARDTPM_PUK, "66666666"), VAULT_FAULT);
	ck_assert_int_ne(cardtpm_sign(&c), VAULT_OK);
	/* And the TPM itself: */
	attack_begin();
	session = policy_session(0);
	ck_assert_uint_eq(Esys_PolicyCommandCode(attacker->esys, session, ESYS_TR_NONE,
			      ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CC_NV_Write), 0);
	ck_assert_uint_eq(authorize(PIN_BY_PIN, session), 0x1c4);
	session_end(attacker, &session);
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
		ck_assert_uint_ne(Esys_NV_Write(attacker->esys, ESYS_TR_RH_OWNER, index,
				      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &zeros, 0), 0);
	else
		ck_assert_uint_eq(Esys_NV_Write(attacker->esys, ESYS_TR_RH_OWNER, index,
				      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &zeros, 0), 0);
	attack_end();
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_FAULT);
	ck_assert_int_eq(vault_encrypt(c.vault, wbuf_view(&c.admin), rbuf_of("01234567", 8), &w),
	    VAULT_FAULT);
}
END_TEST

/* ---- the first write, recorded and replayed ---- */

START_TEST(a_recorded_first_write_is_worthless)
{
	struct tap *tap;
	struct rbuf command, skip, nonce, sig;
	uint16_t size = 0;
	TPM2B_NONCE recorded, *fresh = NULL, blank = { .size = 0 };
	TPM2B_NONCE ref = nonce_tpm2b(rbuf_str("first write"));
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	TPM2B_TIMEOUT *timeout = NULL;
	TPMT_TK_AUTH *ticket = NULL;
	struct authority_signature signature;
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
	/* PolicySigned: header, two handles, nonceTPM, cpHashA, policyRef, expiration, signature */
	ck_assert_uint_eq(tap_count(tap, TPM2_CC_PolicySigned), 4);
	command = tap_command(tap, TPM2_CC_PolicySigned, 0);
	ck_assert(rbuf_take(&command, 10 + 8, &skip) && rbuf_u16(&command, &size) && size > 0 &&
	    rbuf_take(&command, size, &nonce));
	sig = rbuf_of(command.data + command.len - 66, 66);
	ck_assert(rbuf_copy(&sig, signature.r, 32) && rbuf_u16(&sig, &size) && size == 32 &&
	    rbuf_copy(&sig, signature.s, 32));
	recorded = nonce_tpm2b(nonce);
	tpmt = authority_tpmt(&signature);

	attack_begin();
	undefine(record.index[INDEX_PIN].handle);
	auth_of(INDEX_PIN, "66666666", &auth);
	(void)define(INDEX_PIN, 0, &auth);
	k = authority_template(&record.k);
	ck_assert_uint_eq(Esys_LoadExternal(attacker->esys, ESYS_TR_NONE, ESYS_TR_NONE,
			      ESYS_TR_NONE, NULL, &k, ESYS_TR_RH_OWNER, &key), 0);
	session = policy_session(0);
	ck_assert_uint_eq(Esys_TRSess_GetNonceTPM(attacker->esys, session, &fresh), 0);
	for (i = 0; i < 3; i++) {
		const TPM2B_NONCE *nonces[] = { &recorded, fresh, &blank };

		ck_assert_uint_ne(Esys_PolicySigned(attacker->esys, key, session, ESYS_TR_NONE,
				      ESYS_TR_NONE, ESYS_TR_NONE, nonces[i], &no_cphash, &ref, 20,
				      &tpmt, &timeout, &ticket), TSS2_RC_SUCCESS);
	}
	/* Nor does any other public signature of K pass for one. */
	for (i = 0; i < APPROVAL_COUNT; i++) {
		tpmt = authority_tpmt(&record.approval[i]);
		ck_assert_uint_ne(Esys_PolicySigned(attacker->esys, key, session, ESYS_TR_NONE,
				      ESYS_TR_NONE, ESYS_TR_NONE, &blank, &no_cphash, &ref, 0, &tpmt,
				      &timeout, &ticket), TSS2_RC_SUCCESS);
	}
	Esys_Free(fresh);
	session_end(attacker, &session);
	session_end(attacker, &key);
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
	struct tpm_spec spec = { .pin = &pin, .pin_tries = 5, .admin_algorithm = ALG_3DES };

	ck_assert(secret_set(&pin, rbuf_str(CARDTPM_PIN)));
	ck_assert_int_eq(tpm_creation_plan(c.tpm, &spec, rbuf_of(NULL, 0), &creation, &first, &why),
	    TPM_OK);
	swtpm_kill(&c.swtpm);
	ck_assert_int_ne(tpm_creation_run(creation, &rec, &key, &why), TPM_OK);
	swtpm_start(&c.swtpm);
	ck_assert_int_ne(tpm_creation_run(creation, &rec, &key, &why), TPM_OK);
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

/* A storage key at a persistent handle; unique data make it another key than anybody else's. */
static void
provision(TPM2_HANDLE handle, TPMA_OBJECT without, uint8_t unique)
{
	const TPM2B_SENSITIVE_CREATE none = { .size = 0 };
	const TPML_PCR_SELECTION no_pcr = { .count = 0 };
	const TPM2B_DATA no_info = { .size = 0 };
	TPM2B_PUBLIC template = { .publicArea = {
		.type = TPM2_ALG_ECC, .nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
		    TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA |
		    TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT) & ~without,
		.parameters.eccDetail = {
			.symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128,
			    .mode.aes = TPM2_ALG_CFB },
			.scheme.scheme = TPM2_ALG_NULL, .curveID = TPM2_ECC_NIST_P256,
			.kdf.scheme = TPM2_ALG_NULL },
		.unique.ecc = { .x = { .size = 32, .buffer = { unique } }, .y = { .size = 32 } },
	} };
	ESYS_TR key = ESYS_TR_NONE, kept = ESYS_TR_NONE;

	attacker = tpm_new(&c.config);
	ck_assert_uint_eq(link_begin(attacker, 60, NULL), TSS2_RC_SUCCESS);
	if (Esys_TR_FromTPMPublic(attacker->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		&kept) == TSS2_RC_SUCCESS)
		ck_assert_uint_eq(Esys_EvictControl(attacker->esys, ESYS_TR_RH_OWNER, kept,
				      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, handle, &kept), 0);
	ck_assert_uint_eq(Esys_CreatePrimary(attacker->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
			      ESYS_TR_NONE, ESYS_TR_NONE, &none, &template, &no_info, &no_pcr, &key,
			      NULL, NULL, NULL, NULL), 0);
	ck_assert_uint_eq(Esys_EvictControl(attacker->esys, ESYS_TR_RH_OWNER, key, ESYS_TR_PASSWORD,
			      ESYS_TR_NONE, ESYS_TR_NONE, handle, &kept), 0);
	session_end(attacker, &key);
	attack_end();
}

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

/* An interposer answers ReadPublic with a key of its own, at the first or the second time of asking. */
struct swap {
	int nth, seen;
};

static void
swap_public(void *context, uint32_t command_code, uint8_t *answer, size_t len)
{
	struct swap *swap = context;

	/* The last octet of the point, well before name and qualifiedName (2 + 34 octets each). */
	if (command_code == TPM2_CC_ReadPublic && len > 100 && swap->seen++ == swap->nth)
		answer[len - 2 * 36 - 1] ^= 1;
}

START_TEST(an_interposer_cannot_swap_the_parent)
{
	struct swap swap = { .nth = -1 };
	const struct tap_hooks hooks = { .answer = swap_public, .context = &swap };
	struct tap *tap = tap_begin(&c.swtpm, &hooks);

	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.config.tcti = tap_tcti(tap);
	c.tpm = tpm_new(&c.config);
	ck_assert_int_eq(tpm_vault_open(c.tpm, wbuf_view(&c.record), &c.vault), TPM_OK);
	unharmed();
	ck_assert_msg(swap.seen > _i, "the tap did not see the parent being read");
	vault_forget(c.vault);
	tpm_rest(c.tpm);
	swap = (struct swap){ .nth = _i };
	tap_clear(tap);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_FAULT);
	ck_assert_msg(tap_count(tap, TPM2_CC_StartAuthSession) == 0, "salted to a foreign key");
	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.vault = NULL;
	c.tpm = NULL;
	tap_end(tap);
}
END_TEST

/* ---- sessions ---- */

/*
 * An interposer answers StartAuthSession with a policy session of his own,
 * unsalted, so that what the victim proves is proven to him; then he sends an
 * NV_ChangeAuth with a PIN of his own through it.
 */
struct takeover {
	bool active;
	unsigned swapped, replaced;
	struct secret evil; /* the authValue of his PIN */
};

static size_t
swap_session(struct rbuf command, uint8_t *octets)
{
	struct wbuf out = wbuf_over(octets, TAP_MESSAGE_MAX);
	struct rbuf skip, nonce, salt;
	uint8_t type, copy[64];
	uint16_t size;

	ck_assert(rbuf_take(&command, 10 + 8, &skip) && rbuf_u16(&command, &size) &&
	    rbuf_take(&command, size, &nonce) && rbuf_u16(&command, &size) &&
	    rbuf_take(&command, size, &salt) && rbuf_u8(&command, &type));
	if (type != TPM2_SE_POLICY)
		return 0;
	ck_assert(nonce.len <= sizeof copy);
	memcpy(copy, nonce.data, nonce.len);
	wbuf_u16(&out, TPM2_ST_NO_SESSIONS);
	wbuf_u32(&out, (uint32_t)(10 + 8 + 2 + nonce.len + 2 + 1 + 2 + 2));
	wbuf_u32(&out, TPM2_CC_StartAuthSession);
	wbuf_u32(&out, TPM2_RH_NULL);
	wbuf_u32(&out, TPM2_RH_NULL);
	wbuf_u16(&out, (uint16_t)nonce.len);
	wbuf_put(&out, rbuf_of(copy, nonce.len));
	wbuf_u16(&out, 0);
	wbuf_u8(&out, TPM2_SE_POLICY);
	wbuf_u16(&out, TPM2_ALG_NULL);
	wbuf_u16(&out, TPM2_ALG_SHA256);
	return out.len;
}

static size_t
replace_change(const struct takeover *t, struct rbuf command, uint8_t *octets)
{
	struct wbuf out = wbuf_over(octets, TAP_MESSAGE_MAX);
	uint32_t index, size, session;
	struct rbuf skip;

	ck_assert(rbuf_take(&command, 10, &skip) && rbuf_u32(&command, &index) &&
	    rbuf_u32(&command, &size) && rbuf_u32(&command, &session));
	wbuf_u16(&out, TPM2_ST_SESSIONS);
	wbuf_u32(&out, (uint32_t)(10 + 4 + 4 + 9 + 2 + t->evil.len));
	wbuf_u32(&out, TPM2_CC_NV_ChangeAuth);
	wbuf_u32(&out, index);
	wbuf_u32(&out, 9);
	wbuf_u32(&out, session);
	wbuf_u16(&out, 0);
	wbuf_u8(&out, 0);
	wbuf_u16(&out, 0);
	wbuf_u16(&out, (uint16_t)t->evil.len);
	wbuf_put(&out, secret_view(&t->evil));
	return out.len;
}

static size_t
take_over(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	struct takeover *t = context;
	size_t n = 0;

	if (t->active && code == TPM2_CC_StartAuthSession) {
		n = swap_session(rbuf_of(octets, len), octets);
		t->swapped += n != 0;
	} else if (t->active && code == TPM2_CC_NV_ChangeAuth) {
		n = replace_change(t, rbuf_of(octets, len), octets);
		t->replaced++;
	}
	return n != 0 ? n : len;
}

START_TEST(an_interposer_cannot_have_the_pin_proven_to_him)
{
	struct takeover takeover = { .active = false };
	const struct tap_hooks hooks = { .command = take_over, .context = &takeover };
	enum vault_err err;
	struct tap *tap;

	cardtpm_end(&c);
	cardtpm_prepare(&c);
	tap = tap_begin(&c.swtpm, &hooks);
	c.config.tcti = tap_tcti(tap);
	cardtpm_make(&c, &cardtpm_usual, rbuf_of(NULL, 0));
	ck_assert(record_read(wbuf_view(&c.record), &record));
	auth_of(INDEX_PIN, "66666666", &takeover.evil);
	takeover.active = true;
	err = _i == 0 ? cardtpm_verify(&c, CARDTPM_PIN)
	    : _i == 1 ? cardtpm_change(&c, REFERENCE_PIN, CARDTPM_PIN, "87654321")
		      : cardtpm_unblock(&c, CARDTPM_PUK, "87654321");
	takeover.active = false;
	ck_assert_int_eq(err, VAULT_FAULT);
	ck_assert_uint_gt(takeover.swapped, 0);
	ck_assert_uint_eq(takeover.replaced, 0);
	ck_assert_msg(tap_count(tap, TPM2_CC_PolicySecret) == 0, "something was proven to him");
	tpm_rest(c.tpm);
	ck_assert_int_eq(cardtpm_verify(&c, "66666666"), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	unharmed();
	cardtpm_end(&c);
	tap_end(tap);
	cardtpm_begin(&c, &cardtpm_usual);
}
END_TEST

/* Sixty-four drivers that died armed: their saved sessions must not stop the rest of the world. */
START_TEST(saved_sessions_do_not_pile_up)
{
	struct cardtpm dead;
	int i;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_ALWAYS);
	for (i = 0; i < 70; i++) {
		memset(&dead, 0, sizeof dead);
		dead.config = c.config;
		dead.tpm = tpm_new(&dead.config);
		ck_assert_int_eq(tpm_vault_open(dead.tpm, wbuf_view(&c.record), &dead.vault), TPM_OK);
		ck_assert_msg(cardtpm_verify(&dead, CARDTPM_PIN) == VAULT_OK, "after %d", i);
		/* It dies: nothing is flushed, and what is in its memory is gone. */
		armed_wipe((struct tpm_vault *)dead.vault);
		tpm_vault_free(dead.vault);
		tpm_free(dead.tpm);
	}
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
}
END_TEST

/* A disarm that finds the TPM taken is made up for: nothing stays behind. */
START_TEST(a_missed_disarm_is_made_up_for)
{
	size_t before;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_ALWAYS);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	vault_disarm(c.vault);
	before = cardtpm_loaded_count(&c);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	attack_begin();
	vault_disarm(c.vault);
	attack_end();
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_AUTH);
	ck_assert_uint_le(cardtpm_loaded_count(&c), before);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
}
END_TEST

/* ---- the wire ---- */

static bool
tap_saw_auth(struct tap *tap, enum card_index which, const char *value)
{
	SECRET(auth);

	auth_of(which, value, &auth);
	return tap_saw(tap, secret_view(&auth));
}

START_TEST(no_secret_on_the_wire)
{
	struct cardtpm_kind kind = cardtpm_usual;
	struct tap *tap;
	SECRET(pin);
	SECRET(key);
	SECRET(auth);
	uint8_t block[16];
	struct wbuf w = wbuf_over(block, sizeof block);

	kind.admin_algorithm = _i == 0 ? ALG_3DES : ALG_AES_256;
	cardtpm_end(&c);
	cardtpm_prepare(&c);
	tap = tap_begin(&c.swtpm, NULL);
	c.config.tcti = tap_tcti(tap);
	cardtpm_make(&c, &kind, rbuf_of(NULL, 0));
	ck_assert(record_read(wbuf_view(&c.record), &record));
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, "wrong-pin"), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_change(&c, REFERENCE_PIN, CARDTPM_PIN, "87654321"), VAULT_OK);
	ck_assert_int_eq(cardtpm_change(&c, REFERENCE_PUK, CARDTPM_PUK, "99999999"), VAULT_OK);
	ck_assert_int_eq(cardtpm_unblock(&c, "99999999", "11223344"), VAULT_OK);
	ck_assert(secret_set(&pin, rbuf_str("55555555")));
	ck_assert(secret_set(&key, rbuf_of(cardtpm_admin_key32, _i == 0 ? 24 : 32)));
	ck_assert_int_eq(vault_unblock(c.vault, REFERENCE_ADMIN, &key, &pin), VAULT_OK);
	ck_assert_int_eq(vault_encrypt(c.vault, wbuf_view(&c.admin),
			     rbuf_of("witness: 16 octs", _i == 0 ? 8 : 16), &w), VAULT_OK);
	cardtpm_generate(&c, ALG_RSA_2048, PIN_ONCE);
	ck_assert_int_eq(cardtpm_verify(&c, "55555555"), VAULT_OK);
	ck_assert_int_eq(cardtpm_operate(&c, KEY_RSA, 256), VAULT_OK);

	ck_assert_msg(!tap_saw_auth(tap, INDEX_PIN, CARDTPM_PIN), "the PIN's authValue");
	ck_assert_msg(!tap_saw_auth(tap, INDEX_PIN, "wrong-pin"), "a wrong PIN's authValue");
	ck_assert_msg(!tap_saw_auth(tap, INDEX_PIN, "87654321"), "a new PIN's authValue");
	ck_assert_msg(!tap_saw_auth(tap, INDEX_PIN, "11223344"), "a PIN's authValue set by PUK");
	ck_assert_msg(!tap_saw_auth(tap, INDEX_PIN, "55555555"), "a PIN's authValue set by ADMIN");
	ck_assert_msg(!tap_saw_auth(tap, INDEX_PUK, CARDTPM_PUK), "the PUK's authValue");
	ck_assert_msg(!tap_saw_auth(tap, INDEX_PUK, "99999999"), "a new PUK's authValue");
	ck_assert(reference_auth(&record, INDEX_ADMIN, &key, &auth));
	ck_assert_msg(!tap_saw(tap, secret_view(&auth)), "ADMIN's authValue");
	ck_assert_msg(!tap_saw(tap, rbuf_of(cardtpm_admin_key, 16)), "the admin key");
	ck_assert_msg(!tap_saw(tap, rbuf_str(CARDTPM_PIN)), "the PIN");
	ck_assert_msg(_i == 0 || !tap_saw(tap, rbuf_str("witness: 16 octs")), "a witness");
	ck_assert_msg(!tap_saw(tap, wbuf_view(&c.out)), "the result of an RSA operation");
	/* The tap does see what crosses in clear. */
	ck_assert(tap_saw(tap, wbuf_view(&c.in)));
	ck_assert(tap_saw(tap, name_view(&record.k_name)));
	cardtpm_end(&c);
	tap_end(tap);
	cardtpm_begin(&c, &cardtpm_usual);
}
END_TEST

/* ---- memory ---- */

static void
invert(const struct secret *s, uint8_t *out)
{
	size_t i;

	for (i = 0; i < s->len; i++)
		out[i] = (uint8_t)~s->data[i];
}

/* What the TPM takes for the PIN is gone from memory before VERIFY answers; tss2 keeps copies of its own. */
START_TEST(verify_leaves_no_pin_in_memory)
{
	uint8_t pin[TPM2_SHA256_DIGEST_SIZE], wrong[TPM2_SHA256_DIGEST_SIZE], known[32];
	size_t i;

	ck_assert(record_read(wbuf_view(&c.record), &record));
	{
		SECRET(auth);

		auth_of(INDEX_PIN, CARDTPM_PIN, &auth);
		invert(&auth, pin);
		auth_of(INDEX_PIN, "wrong-pin", &auth);
		invert(&auth, wrong);
	}
	for (i = 0; i < sizeof known; i++)
		known[i] = (uint8_t)~record.k.x[i];
	ck_assert_msg(memory_hits(known, sizeof known) > 0, "the search finds nothing at all");
	ck_assert_int_eq(cardtpm_verify(&c, "wrong-pin"), VAULT_AUTH);
	ck_assert_uint_eq(memory_hits(wrong, sizeof wrong), 0);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_uint_eq(memory_hits(pin, sizeof pin), 0);
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ALWAYS);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	ck_assert_uint_eq(memory_hits(pin, sizeof pin), 0);
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
	ck_assert_uint_eq(Esys_Load(attacker->esys, card.parent, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			      ESYS_TR_NONE, &file.private_area, &file.public_area, &key), 0);
	ck_assert_uint_ne(Esys_Sign(attacker->esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			      ESYS_TR_NONE, &digest, &scheme, &no_ticket, &sig), 0);
	session = policy_session(0);
	ck_assert_uint_eq(Esys_Sign(attacker->esys, key, session, ESYS_TR_NONE, ESYS_TR_NONE,
			      &digest, &scheme, &no_ticket, &sig), RC_TPM_POLICY_FAIL);
	ck_assert_uint_ne(Esys_ObjectChangeAuth(attacker->esys, key, card.parent, session,
			      ESYS_TR_NONE, ESYS_TR_NONE, &fresh, &priv), 0);
	ck_assert_uint_ne(Esys_Duplicate(attacker->esys, key, ESYS_TR_RH_NULL, session,
			      ESYS_TR_NONE, ESYS_TR_NONE, NULL, &no_sym, &dup_key, &priv, &seed), 0);
	session_end(attacker, &session);
	session_end(attacker, &key);
	attack_end();
	unharmed();
}
END_TEST

/* Clearing the TPM destroys, and that is all it does. */
START_TEST(clearing_the_tpm_only_destroys)
{
	cardtpm_generate(&c, ALG_ECC_P256, PIN_NEVER);
	attack_begin();
	ck_assert_uint_eq(Esys_Clear(attacker->esys, ESYS_TR_RH_PLATFORM, ESYS_TR_PASSWORD,
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
	tcase_add_checked_fixture(tcase, setup, teardown);
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
	tcase_add_loop_test(tcase, a_recreated_index_is_dead, 0, 2);
	tcase_add_loop_test(tcase, a_recreated_life_is_dead, 0, 2);
	tcase_add_test(tcase, a_recorded_first_write_is_worthless);
	tcase_add_test(tcase, a_creation_runs_once);
	tcase_add_test(tcase, a_foreign_parent_is_not_used);
	tcase_add_loop_test(tcase, an_unfit_srk_is_passed_over, 0, 2);
	tcase_add_loop_test(tcase, an_interposer_cannot_swap_the_parent, 0, 2);
	tcase_add_loop_test(tcase, an_interposer_cannot_have_the_pin_proven_to_him, 0, 3);
	tcase_add_test(tcase, saved_sessions_do_not_pile_up);
	tcase_add_test(tcase, a_missed_disarm_is_made_up_for);
	tcase_add_loop_test(tcase, claims_take_only_what_a_card_can_have_made, 0, 3);
	tcase_add_test(tcase, an_empty_file_is_no_key);
	tcase_add_loop_test(tcase, no_secret_on_the_wire, 0, 2);
#ifndef __SANITIZE_ADDRESS__
	/* A sanitizer keeps freed memory as it is. */
	tcase_add_test(tcase, verify_leaves_no_pin_in_memory);
#endif
	tcase_add_loop_test(tcase, another_cards_key_is_no_key, 0, 2);
	tcase_add_test(tcase, a_stolen_disk_is_useless);
	tcase_add_loop_test(tcase, a_destroyed_card_stays_dead, 0, 2);
	tcase_add_loop_test(tcase, a_key_cannot_be_used_or_moved_without_its_policy, 0, 3);
	tcase_add_test(tcase, clearing_the_tpm_only_destroys);
	tcase_add_test(tcase, unblocking_needs_no_old_pin);
	tcase_add_test(tcase, admin_unblock_can_be_ruled_out);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
