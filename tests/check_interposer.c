/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks from the wire between driver and TPM, and what is to be found there,
 * in the TPM and in memory afterwards.
 */
#include <string.h>
#include <unistd.h>

#include "tests/attacker.h"
#include "tests/memory.h"
#include "tests/suite.h"
#include "tests/tap.h"
#include "tpm/vault.h"

/* ---- the parent ---- */

/* An interposer answers ReadPublic with a key of its own, at the first time of asking or always. */
enum { NEVER = -1, ALWAYS = 1 };

struct swap {
	int nth, seen;
};

static void
swap_public(void *context, uint32_t command_code, uint8_t *answer, size_t len)
{
	struct swap *swap = context;

	if (command_code == TPM2_CC_ReadPublic && len > 100 &&
	    (swap->seen++ == swap->nth || swap->nth == ALWAYS))
		swap_point(answer, len);
}

START_TEST(an_interposer_cannot_swap_the_parent)
{
	struct swap swap = { .nth = NEVER };
	const struct tap_hooks hooks = { .answer = swap_public, .context = &swap };
	struct tap *tap = tap_begin(&c.swtpm, &hooks);

	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.config.tcti = tap_tcti(tap);
	c.tpm = tpm_new(&c.config);
	ck_assert_int_eq(tpm_vault_open(c.tpm, wbuf_view(&c.record), &c.vault), TPM_OK);
	unharmed();
	/* What was checked is what sessions are salted to: it is not read a second time. */
	ck_assert_msg(swap.seen == 1, "the parent was read %d times", swap.seen);
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
	wbuf_u32(&out, (uint32_t)(10 + 8 + 2 + nonce.len + 2 + 1 + 6 + 2));
	wbuf_u32(&out, TPM2_CC_StartAuthSession);
	wbuf_u32(&out, TPM2_RH_NULL);
	wbuf_u32(&out, TPM2_RH_NULL);
	wbuf_u16(&out, (uint16_t)nonce.len);
	wbuf_put(&out, rbuf_of(copy, nonce.len));
	wbuf_u16(&out, 0);
	wbuf_u8(&out, TPM2_SE_POLICY);
	/* All as the victim asked, but for the salt. */
	wbuf_u16(&out, TPM2_ALG_AES);
	wbuf_u16(&out, 128);
	wbuf_u16(&out, TPM2_ALG_CFB);
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

/* Each way to prove something, the help desk's included; none of them gets far. */
static void
prove_something(int way)
{
	uint8_t octets[TPM_CHALLENGE_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct tpm_challenge *challenge = NULL;
	struct failure why = { .text = "" };

	if (way == 0)
		ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_FAULT);
	else if (way == 1)
		ck_assert_int_eq(cardtpm_change(&c, REFERENCE_PIN, CARDTPM_PIN, "87654321"),
		    VAULT_FAULT);
	else if (way == 2)
		ck_assert_int_eq(cardtpm_unblock(&c, CARDTPM_PUK, "87654321"), VAULT_FAULT);
	else
		ck_assert_int_eq(tpm_challenge_open(c.vault, &challenge, &out, &why), TPM_UNUSABLE);
	ck_assert(challenge == NULL && out.len == 0);
}

START_TEST(an_interposer_cannot_have_the_pin_proven_to_him)
{
	struct takeover takeover = { .active = false };
	const struct tap_hooks hooks = { .command = take_over, .context = &takeover };
	struct tap *tap;

	cardtpm_end(&c);
	cardtpm_prepare(&c);
	tap = tap_begin(&c.swtpm, &hooks);
	c.config.tcti = tap_tcti(tap);
	cardtpm_make(&c, &cardtpm_usual, rbuf_of(NULL, 0));
	ck_assert(record_read(wbuf_view(&c.record), &record));
	auth_of(INDEX_PIN, "66666666", &takeover.evil);
	takeover.active = true;
	prove_something(_i);
	takeover.active = false;
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

/* The HMAC of the answer that vouches for a session is looked at. */
static void
spoil_random(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	const bool *active = context;

	if (*active && code == TPM2_CC_GetRandom)
		octets[len - 1] ^= 1;
}

/* What the nth StartAuthSession brings: nonceCaller, and the salt, encrypted. */
static bool
session_seeds(struct tap *tap, size_t n, struct rbuf *nonce, struct rbuf *salt)
{
	struct rbuf command = tap_command(tap, TPM2_CC_StartAuthSession, n), skip;
	uint16_t size;

	return rbuf_take(&command, 10 + 8, &skip) && rbuf_u16(&command, &size) &&
	    rbuf_take(&command, size, nonce) && rbuf_u16(&command, &size) &&
	    rbuf_take(&command, size, salt);
}

#define TURNS 2
#define SESSIONS_OF_VERIFY 3

/* The sessions of one turn share a salt, which it takes along; their nonces are their own. */
START_TEST(a_salt_serves_one_turn)
{
	static const struct session none;
	struct rbuf nonce[TURNS * SESSIONS_OF_VERIFY], salt[TURNS * SESSIONS_OF_VERIFY];
	struct tap *tap = tap_begin(&c.swtpm, NULL);
	size_t i, j;

	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.config.tcti = tap_tcti(tap);
	c.tpm = tpm_new(&c.config);
	ck_assert_int_eq(tpm_vault_open(c.tpm, wbuf_view(&c.record), &c.vault), TPM_OK);
	for (i = 0; i < TURNS; i++) {
		ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
		ck_assert_uint_eq(c.tpm->salt.octets.len, 0);
		ck_assert_mem_eq(c.tpm->salt.octets.data, none.key.data, sizeof none.key.data);
	}
	ck_assert_uint_eq(tap_count(tap, TPM2_CC_StartAuthSession), TURNS * SESSIONS_OF_VERIFY);
	for (i = 0; i < TURNS * SESSIONS_OF_VERIFY; i++) {
		ck_assert(session_seeds(tap, i, &nonce[i], &salt[i]));
		ck_assert_uint_eq(nonce[i].len, TPM2_SHA256_DIGEST_SIZE);
		ck_assert_uint_gt(salt[i].len, 0);
		for (j = 0; j < i; j++) {
			ck_assert(!rbuf_eq(nonce[i], nonce[j]));
			ck_assert(rbuf_eq(salt[i], salt[j]) ==
			    (i / SESSIONS_OF_VERIFY == j / SESSIONS_OF_VERIFY));
		}
	}
	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.vault = NULL;
	c.tpm = NULL;
	tap_end(tap);
}
END_TEST

START_TEST(a_forged_answer_vouches_for_nothing)
{
	bool active = false;
	const struct tap_hooks hooks = { .answer = spoil_random, .context = &active };
	struct tap *tap = tap_begin(&c.swtpm, &hooks);

	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.config.tcti = tap_tcti(tap);
	c.tpm = tpm_new(&c.config);
	ck_assert_int_eq(tpm_vault_open(c.tpm, wbuf_view(&c.record), &c.vault), TPM_OK);
	active = true;
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_FAULT);
	ck_assert_uint_eq(tap_count(tap, TPM2_CC_PolicySecret), 0);
	active = false;
	unharmed();
	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.vault = NULL;
	c.tpm = NULL;
	tap_end(tap);
}
END_TEST

/* An answer that tss2 cannot read, where nobody looks at it: to a flush. */
static void
spoil_flush(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	const bool *active = context;

	(void)len;
	if (*active && code == TPM2_CC_FlushContext)
		octets[2] = 0xff;
}

START_TEST(a_garbled_answer_to_a_flush_costs_nothing)
{
	bool active = false;
	const struct tap_hooks hooks = { .answer = spoil_flush, .context = &active };
	struct tap *tap = tap_begin(&c.swtpm, &hooks);

	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.config.tcti = tap_tcti(tap);
	c.tpm = tpm_new(&c.config);
	ck_assert_int_eq(tpm_vault_open(c.tpm, wbuf_view(&c.record), &c.vault), TPM_OK);
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	vault_disarm(c.vault);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	active = true;
	vault_forget(c.vault);
	active = false;
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	unharmed();
	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.vault = NULL;
	c.tpm = NULL;
	tap_end(tap);
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

/* The fixture has just made a card: what the TPM was told is gone, from the threads that derived it as well. */
START_TEST(making_a_card_leaves_no_secret_in_memory)
{
	uint8_t inverted[INDEX_LIFE][TPM2_SHA256_DIGEST_SIZE];
	size_t i;

	ck_assert(record_read(wbuf_view(&c.record), &record));
	{
		SECRET(auth);
		SECRET(key);

		auth_of(INDEX_PIN, CARDTPM_PIN, &auth);
		invert(&auth, inverted[INDEX_PIN]);
		auth_of(INDEX_PUK, CARDTPM_PUK, &auth);
		invert(&auth, inverted[INDEX_PUK]);
		ck_assert(secret_set(&key, rbuf_of(cardtpm_admin_key, sizeof cardtpm_admin_key)));
		ck_assert(reference_auth(&record, INDEX_ADMIN, &key, &auth));
		invert(&auth, inverted[INDEX_ADMIN]);
	}
	for (i = 0; i < INDEX_LIFE; i++)
		ck_assert_msg(memory_hits(inverted[i], sizeof inverted[i]) == 0, "%s",
		    index_label((enum card_index)i));
}
END_TEST

/* A step, by its number: each has other ways for a secret to stay behind. */
static enum vault_err
change_step(size_t step)
{
	switch (step) {
	case 0:
		return cardtpm_change(&c, REFERENCE_PIN, CARDTPM_PIN, "87654321");
	case 1:
		return cardtpm_change(&c, REFERENCE_PUK, CARDTPM_PUK, "99999999");
	default:
		return cardtpm_unblock(&c, "99999999", "11223344");
	}
}

/* Nor is a new PIN there, or a new PUK, or what proved the right to set it. */
START_TEST(change_leaves_no_secret_in_memory)
{
	static const struct {
		enum card_index which;
		const char *text;
	} secrets[] = {
		{ INDEX_PIN, CARDTPM_PIN }, { INDEX_PIN, "87654321" }, { INDEX_PIN, "11223344" },
		{ INDEX_PUK, CARDTPM_PUK }, { INDEX_PUK, "99999999" },
	};
	uint8_t inverted[sizeof secrets / sizeof secrets[0]][TPM2_SHA256_DIGEST_SIZE];
	size_t i, step;

	ck_assert(record_read(wbuf_view(&c.record), &record));
	for (i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
		SECRET(auth);

		auth_of(secrets[i].which, secrets[i].text, &auth);
		invert(&auth, inverted[i]);
	}
	for (step = 0; step < 3; step++) {
		ck_assert_int_eq(change_step(step), VAULT_OK);
		for (i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
			ck_assert_msg(memory_hits(inverted[i], sizeof inverted[i]) == 0,
			    "after step %zu: %s", step, secrets[i].text);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("interposer");
	TCase *tcase = tcase_create("interposer");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, attack_setup, attack_teardown);
	tcase_add_loop_test(tcase, an_interposer_cannot_swap_the_parent, 0, 2);
	tcase_add_loop_test(tcase, an_interposer_cannot_have_the_pin_proven_to_him, 0, 4);
	tcase_add_test(tcase, a_salt_serves_one_turn);
	tcase_add_test(tcase, a_forged_answer_vouches_for_nothing);
	tcase_add_test(tcase, a_garbled_answer_to_a_flush_costs_nothing);
	tcase_add_test(tcase, saved_sessions_do_not_pile_up);
	tcase_add_test(tcase, a_missed_disarm_is_made_up_for);
	tcase_add_loop_test(tcase, no_secret_on_the_wire, 0, 2);
	if (!memory_kept()) {
		tcase_add_test(tcase, making_a_card_leaves_no_secret_in_memory);
		tcase_add_test(tcase, verify_leaves_no_pin_in_memory);
		tcase_add_test(tcase, change_leaves_no_secret_in_memory);
	}
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
