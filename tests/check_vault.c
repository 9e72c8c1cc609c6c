/* SPDX-License-Identifier: BSD-2-Clause */
/* The TPM room on a live software TPM: a card made, used, changed, blocked, unblocked, erased. */
#include <dirent.h>
#include <openssl/evp.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tss2/tss2_tpm2_types.h>

#include "tests/cardtpm.h"
#include "tests/suite.h"
#include "tests/tap.h"

static struct cardtpm c;

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

/* ---- PIN, PUK ---- */

START_TEST(wrong_pins_count_down_and_block)
{
	struct tries tries = { .left = 0 };
	int i;

	for (i = 4; i >= 0; i--) {
		ck_assert_int_eq(cardtpm_verify(&c, "00000000"), VAULT_AUTH);
		ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_OK);
		ck_assert_uint_eq(tries.left, (unsigned)i);
	}
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_BLOCKED);
	ck_assert_int_eq(cardtpm_change(&c, REFERENCE_PIN, CARDTPM_PIN, "87654321"), VAULT_BLOCKED);
	ck_assert_int_eq(cardtpm_unblock(&c, "00000000", "11223344"), VAULT_AUTH);
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PUK, &tries), VAULT_OK);
	ck_assert_uint_eq(tries.left, 4);
	ck_assert_int_eq(cardtpm_unblock(&c, CARDTPM_PUK, "11223344"), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, "11223344"), VAULT_OK);
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_OK);
	ck_assert_uint_eq(tries.left, 5);
}
END_TEST

START_TEST(a_right_pin_gives_the_tries_back)
{
	struct tries tries = { .left = 0 };

	ck_assert_int_eq(cardtpm_verify(&c, "1234567"), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_OK);
	ck_assert_uint_eq(tries.left, 5);
}
END_TEST

START_TEST(secrets_change)
{
	ck_assert_int_eq(cardtpm_change(&c, REFERENCE_PIN, "00000000", "87654321"), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_change(&c, REFERENCE_PIN, CARDTPM_PIN, "87654321"), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, "87654321"), VAULT_OK);
	ck_assert_int_eq(cardtpm_change(&c, REFERENCE_PUK, "00000000", "99999999"), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_change(&c, REFERENCE_PUK, CARDTPM_PUK, "99999999"), VAULT_OK);
	ck_assert_int_eq(cardtpm_unblock(&c, CARDTPM_PUK, "11223344"), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_unblock(&c, "99999999", "11223344"), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, "11223344"), VAULT_OK);
}
END_TEST

START_TEST(admin_unblocks_and_changes_itself)
{
	SECRET(key);
	SECRET(fresh);
	SECRET(pin);

	ck_assert(secret_set(&key, rbuf_of(cardtpm_admin_key, sizeof cardtpm_admin_key)));
	ck_assert(secret_set(&fresh, rbuf_str("another key, 24 octets!!")));
	ck_assert(secret_set(&pin, rbuf_str("55555555")));
	ck_assert_int_eq(vault_unblock(c.vault, REFERENCE_ADMIN, &key, &pin), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, "55555555"), VAULT_OK);
	ck_assert_int_eq(vault_change(c.vault, REFERENCE_ADMIN, &key, &fresh), VAULT_OK);
	ck_assert_int_eq(vault_unblock(c.vault, REFERENCE_ADMIN, &key, &pin), VAULT_AUTH);
	ck_assert_int_eq(vault_unblock(c.vault, REFERENCE_ADMIN, &fresh, &pin), VAULT_OK);
}
END_TEST

START_TEST(the_counter_outlives_a_killed_tpm)
{
	struct tries tries = { .left = 0 };
	int i;

	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(cardtpm_verify(&c, "00000000"), VAULT_AUTH);
		swtpm_kill(&c.swtpm);
		swtpm_start(&c.swtpm);
	}
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_OK);
	ck_assert_uint_eq(tries.left, 2);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
}
END_TEST

START_TEST(a_tpm_reset_ends_the_proof)
{
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	swtpm_kill(&c.swtpm);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_FAULT);
	swtpm_start(&c.swtpm);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
}
END_TEST

/* A TPM that answers "not now" is asked again; one that is in trouble is not taken for a dead card. */
struct trouble {
	uint32_t code;
	TSS2_RC rc;
	unsigned times;
};

static void
answer_trouble(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	struct trouble *t = context;
	struct wbuf out = wbuf_over(octets, len);

	if (code != t->code || t->times == 0)
		return;
	t->times--;
	wbuf_u16(&out, TPM2_ST_NO_SESSIONS);
	wbuf_u32(&out, 10);
	wbuf_u32(&out, t->rc);
}

static const struct trouble_row {
	const char *why;
	struct trouble trouble;
	enum vault_err verify;
	enum tpm_err health;
} trouble_rows[] = {
	{ "NV_RATE once", { TPM2_CC_PolicySecret, 0x920, 1 }, VAULT_OK, TPM_OK },
	{ "RETRY for a while", { TPM2_CC_NV_ReadPublic, 0x922, 7 }, VAULT_OK, TPM_OK },
	{ "sessions full once", { TPM2_CC_StartAuthSession, 0x903, 1 }, VAULT_OK, TPM_OK },
	{ "saved sessions full once", { TPM2_CC_StartAuthSession, 0x905, 1 }, VAULT_OK, TPM_OK },
	{ "context gap once", { TPM2_CC_StartAuthSession, 0x901, 1 }, VAULT_OK, TPM_OK },
	{ "session gone once", { TPM2_CC_PolicySecret, 0x918, 1 }, VAULT_OK, TPM_OK },
	{ "failure mode", { TPM2_CC_PolicySecret, 0x101, 99 }, VAULT_FAULT, TPM_OK },
	{ "lockout", { TPM2_CC_PolicySecret, 0x921, 99 }, VAULT_FAULT, TPM_OK },
	{ "NV not readable now", { TPM2_CC_NV_ReadPublic, 0x101, 99 }, VAULT_FAULT, TPM_UNUSABLE },
	{ "index really gone", { TPM2_CC_NV_ReadPublic, 0x18b, 99 }, VAULT_FAULT, TPM_UNUSABLE },
};

START_TEST(a_tpm_in_trouble)
{
	const struct trouble_row *row = &trouble_rows[_i];
	struct trouble trouble = { .times = 0 };
	const struct tap_hooks hooks = { .answer = answer_trouble, .context = &trouble };
	struct tap *tap = tap_begin(&c.swtpm, &hooks);
	struct failure why = { .text = "" };
	const bool gone = row->trouble.rc == 0x18b;
	struct tries tries = { .left = 0 };

	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.config.tcti = tap_tcti(tap);
	c.tpm = tpm_new(&c.config);
	ck_assert_int_eq(tpm_vault_open(c.tpm, wbuf_view(&c.record), &c.vault), TPM_OK);
	trouble = row->trouble;
	ck_assert_msg(cardtpm_verify(&c, CARDTPM_PIN) == row->verify, "%s", row->why);
	ck_assert_msg(tpm_vault_health(c.vault, &why) == row->health, "%s", row->why);
	ck_assert_msg(row->health == TPM_OK || (strstr(why.text, "destroy") != NULL) == gone,
	    "%s: %s", row->why, why.text);
	trouble.times = 0;
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_OK);
	ck_assert_uint_eq(tries.left, 5);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.vault = NULL;
	c.tpm = NULL;
	tap_end(tap);
}
END_TEST

static size_t
threads(void)
{
	size_t n = 0;
	DIR *dir = opendir("/proc/self/task");

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

START_TEST(a_tpm_that_hangs_at_the_first_word)
{
	struct tries tries = { .left = 0 };
	size_t before;
	time_t begin;
	int i;

	tpm_rest(c.tpm);
	(void)usleep(200000);
	ck_assert_int_eq(kill(c.swtpm.pid, SIGSTOP), 0);
	before = threads();
	begin = time(NULL);
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_FAULT);
	ck_assert_int_le(time(NULL) - begin, 8);
	ck_assert_uint_le(threads(), before + 1);
	ck_assert_int_eq(kill(c.swtpm.pid, SIGCONT), 0);
	(void)sleep(1);
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
}
END_TEST

START_TEST(a_tpm_that_hangs_does_not_hang_us)
{
	struct tries tries = { .left = 0 };
	time_t before;

	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_OK);
	ck_assert_int_eq(kill(c.swtpm.pid, SIGSTOP), 0);
	before = time(NULL);
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_FAULT);
	ck_assert_int_le(time(NULL) - before, 8);
	before = time(NULL);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_FAULT);
	ck_assert_int_le(time(NULL) - before, 1);
	ck_assert_int_eq(kill(c.swtpm.pid, SIGCONT), 0);
	(void)sleep(1);
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_OK);
	ck_assert_uint_eq(tries.left, 5);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
}
END_TEST

/* ---- keys ---- */

static const struct key_row {
	const char *why;
	uint8_t algorithm;
	enum pin_rule rule;
	enum key_operation kind;
	size_t in; /* octets of input */
} key_rows[] = {
	{ "RSA-2048, PIN once", ALG_RSA_2048, PIN_ONCE, KEY_RSA, 256 },
	{ "RSA-2048, PIN always", ALG_RSA_2048, PIN_ALWAYS, KEY_RSA, 256 },
	{ "P-256, PIN once", ALG_ECC_P256, PIN_ONCE, KEY_ECDSA, 32 },
	{ "P-256, PIN always", ALG_ECC_P256, PIN_ALWAYS, KEY_ECDSA, 32 },
	{ "P-256, PIN never", ALG_ECC_P256, PIN_NEVER, KEY_ECDSA, 20 },
	{ "P-384, PIN once", ALG_ECC_P384, PIN_ONCE, KEY_ECDSA, 48 },
	{ "P-384, a short digest", ALG_ECC_P384, PIN_NEVER, KEY_ECDSA, 32 },
	{ "P-384, one octet", ALG_ECC_P384, PIN_NEVER, KEY_ECDSA, 1 },
};

START_TEST(keys_obey_their_rule)
{
	const struct key_row *row = &key_rows[_i];
	struct key_info info;

	cardtpm_generate(&c, row->algorithm, row->rule);
	ck_assert_int_eq(vault_describe(c.vault, wbuf_view(&c.key), &info), VAULT_OK);
	ck_assert_uint_eq(info.algorithm, row->algorithm);
	ck_assert_int_eq(info.pin, row->rule);
	ck_assert_int_eq(info.origin, ORIGIN_GENERATED);
	ck_assert_int_eq(cardtpm_operate(&c, row->kind, row->in),
	    row->rule == PIN_NEVER ? VAULT_OK : VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_msg(cardtpm_operate(&c, row->kind, row->in) == VAULT_OK, "%s", row->why);
	ck_assert_msg(cardtpm_checks(&c, row->kind), "%s: OpenSSL does not agree", row->why);
	ck_assert_msg(cardtpm_operate(&c, row->kind, row->in) ==
		(row->rule == PIN_ALWAYS ? VAULT_AUTH : VAULT_OK), "%s: second time", row->why);
	vault_forget(c.vault);
	ck_assert_int_eq(cardtpm_operate(&c, row->kind, row->in),
	    row->rule == PIN_NEVER ? VAULT_OK : VAULT_AUTH);
}
END_TEST

START_TEST(disarm_spares_the_other_keys)
{
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ALWAYS);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	vault_disarm(c.vault);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_AUTH);
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
}
END_TEST

START_TEST(a_pin_change_ends_every_proof)
{
	cardtpm_generate(&c, ALG_ECC_P256, _i == 0 ? PIN_ONCE : PIN_ALWAYS);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_change(&c, REFERENCE_PIN, CARDTPM_PIN, "87654321"), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, "87654321"), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
}
END_TEST

/* A change of the PUK is none of the PIN's business, whether it succeeds or not. */
START_TEST(a_puk_change_ends_no_proof)
{
	cardtpm_generate(&c, ALG_ECC_P256, _i == 0 ? PIN_ONCE : PIN_ALWAYS);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_change(&c, REFERENCE_PUK, "00000000", "99999999"), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_change(&c, REFERENCE_PUK, CARDTPM_PUK, "99999999"), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
}
END_TEST

START_TEST(ecdh_agrees_with_openssl)
{
	static const uint8_t algorithms[] = { ALG_ECC_P256, ALG_ECC_P384 };

	cardtpm_generate(&c, algorithms[_i], PIN_ONCE);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert(cardtpm_agrees(&c, _i == 0 ? "P-256" : "P-384"));
}
END_TEST

static const struct misfit_row {
	const char *why;
	uint8_t algorithm;
	enum key_operation kind;
	size_t in;
	uint8_t fill;
} misfit_rows[] = {
	{ "RSA block too short", ALG_RSA_2048, KEY_RSA, 255, 0 },
	{ "RSA block too long", ALG_RSA_2048, KEY_RSA, 257, 0 },
	{ "RSA block not below the modulus", ALG_RSA_2048, KEY_RSA, 256, 0xff },
	{ "ECDSA on an RSA key", ALG_RSA_2048, KEY_ECDSA, 32, 1 },
	{ "ECDH on an RSA key", ALG_RSA_2048, KEY_ECDH, 65, 4 },
	{ "RSA on an ECC key", ALG_ECC_P256, KEY_RSA, 256, 0 },
	{ "empty digest", ALG_ECC_P256, KEY_ECDSA, 0, 0 },
	{ "digest longer than the curve", ALG_ECC_P256, KEY_ECDSA, 33, 1 },
	{ "point off the curve", ALG_ECC_P256, KEY_ECDH, 65, 4 },
	{ "point too short", ALG_ECC_P256, KEY_ECDH, 64, 4 },
	{ "point of another curve", ALG_ECC_P256, KEY_ECDH, 97, 4 },
};

START_TEST(misfits_are_refused)
{
	const struct misfit_row *row = &misfit_rows[_i];
	uint8_t in[512], out[VAULT_RESULT_MAX];
	struct wbuf w = wbuf_over(out, sizeof out);

	memset(in, row->fill, sizeof in);
	cardtpm_generate(&c, row->algorithm, PIN_NEVER);
	ck_assert_msg(vault_operate(c.vault, wbuf_view(&c.key), row->kind, rbuf_of(in, row->in),
			  &w) == VAULT_MISMATCH, "%s", row->why);
	ck_assert_uint_eq(w.len, 0);
}
END_TEST

START_TEST(what_the_tpm_lacks_is_not_offered)
{
	static const uint8_t algorithms[] = { ALG_RSA_4096, ALG_AES_128, ALG_3DES, 0x00, 0xe0 };
	uint8_t key[VAULT_KEY_MAX], pub[VAULT_PUBLIC_MAX];
	struct wbuf k = wbuf_over(key, sizeof key), p = wbuf_over(pub, sizeof pub);

	ck_assert_int_eq(vault_generate(c.vault, algorithms[_i], PIN_ONCE, &k, &p),
	    VAULT_UNSUPPORTED);
	ck_assert_uint_eq(k.len + p.len, 0);
}
END_TEST

START_TEST(random_is_as_long_as_asked)
{
	uint8_t octets[SECRET_MAX] = { 0 };
	struct wbuf w = wbuf_over(octets, sizeof octets);

	ck_assert_int_eq(vault_random(c.vault, 100, &w), VAULT_OK);
	ck_assert_uint_eq(w.len, 100);
	ck_assert(!rbuf_eq(rbuf_of(octets, 16), rbuf_of(octets + 16, 16)));
	ck_assert_int_eq(vault_random(c.vault, 100, &w), VAULT_MISMATCH);
	ck_assert_uint_eq(w.len, 100);
}
END_TEST

/* ---- card management key ---- */

static const struct admin_row {
	const char *why;
	uint8_t algorithm;
	size_t key, block;
	const char *cipher;
} admin_rows[] = {
	{ "3DES, sealed", ALG_3DES, 24, 8, "DES-EDE3-ECB" },
	{ "AES-128, in the TPM", ALG_AES_128, 16, 16, "AES-128-ECB" },
	{ "AES-192, sealed", ALG_AES_192, 24, 16, "AES-192-ECB" },
	{ "AES-256, in the TPM", ALG_AES_256, 32, 16, "AES-256-ECB" },
};

START_TEST(the_admin_key_encrypts_as_openssl_does)
{
	const struct admin_row *row = &admin_rows[_i];
	struct cardtpm_kind kind = cardtpm_usual;
	uint8_t expected[64], got[64];
	struct wbuf w = wbuf_over(got, sizeof got);
	struct key_info info;
	int len = 0;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	kind.admin_algorithm = row->algorithm;
	cardtpm_end(&c);
	cardtpm_begin(&c, &kind);
	ck_assert_int_eq(vault_describe(c.vault, wbuf_view(&c.admin), &info), VAULT_OK);
	ck_assert_uint_eq(info.algorithm, row->algorithm);
	ck_assert_int_eq(info.pin, PIN_NEVER);
	ck_assert_int_eq(vault_encrypt(c.vault, wbuf_view(&c.admin),
			     rbuf_of("0123456789abcdef", row->block), &w), VAULT_OK);
	ck_assert_int_eq(EVP_EncryptInit_ex(ctx, EVP_get_cipherbyname(row->cipher), NULL,
			     cardtpm_admin_key32, NULL), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(ctx, expected, &len, (const uint8_t *)"0123456789abcdef",
			     (int)row->block), 1);
	ck_assert_msg(rbuf_eq(wbuf_view(&w), rbuf_of(expected, (size_t)len)), "%s", row->why);
	EVP_CIPHER_CTX_free(ctx);
	ck_assert_int_eq(vault_encrypt(c.vault, wbuf_view(&c.admin), rbuf_of("0123456", 7), &w),
	    VAULT_MISMATCH);
}
END_TEST

START_TEST(a_random_admin_key_serves_after_the_pin)
{
	struct cardtpm_kind kind = cardtpm_usual;
	uint8_t got[64];
	struct wbuf w = wbuf_over(got, sizeof got);
	SECRET(key);
	struct tries tries;

	kind.random_admin = true;
	cardtpm_end(&c);
	cardtpm_begin(&c, &kind);
	ck_assert_int_eq(vault_encrypt(c.vault, wbuf_view(&c.admin), rbuf_of("01234567", 8), &w),
	    VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(vault_encrypt(c.vault, wbuf_view(&c.admin), rbuf_of("01234567", 8), &w),
	    VAULT_OK);
	ck_assert_uint_eq(w.len, 8);
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_ADMIN, &tries), VAULT_ABSENT);
	ck_assert_int_eq(vault_check(c.vault, REFERENCE_ADMIN, &key), VAULT_ABSENT);
}
END_TEST

/* ---- neighbours ---- */

START_TEST(two_cards_keep_out_of_each_others_way)
{
	struct cardtpm other;
	int i;

	cardtpm_join(&other, &c, &cardtpm_usual);
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ALWAYS);
	cardtpm_generate(&other, ALG_ECC_P256, PIN_ONCE);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
		ck_assert_int_eq(cardtpm_verify(&other, CARDTPM_PIN), VAULT_OK);
		ck_assert_int_eq(cardtpm_sign(&other), VAULT_OK);
		ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
		ck_assert_int_eq(cardtpm_sign(&c), VAULT_AUTH);
		ck_assert_int_eq(cardtpm_sign(&other), VAULT_OK);
	}
	cardtpm_end(&other);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
}
END_TEST

/* A client that dies with its sessions and keys loaded must not stop the others: three leftovers fill the TPM. */
START_TEST(a_killed_neighbour_stops_nobody)
{
	struct cardtpm other;
	pid_t child;
	int round, i;

	cardtpm_join(&other, &c, &cardtpm_usual);
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	cardtpm_generate(&other, ALG_ECC_P256, PIN_ONCE);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	for (round = 0; round < 5; round++) {
		/* No command under way: the child would hold its connection open, and swtpm serves one at a time. */
		tpm_rest(c.tpm);
		child = fork();
		ck_assert_int_ge(child, 0);
		if (child == 0) {
			/* A client of its own: a connection is not for two processes. */
			other.tpm = tpm_new(&other.config);
			if (tpm_vault_open(other.tpm, wbuf_view(&other.record), &other.vault) != TPM_OK)
				_exit(1);
			for (;;) {
				if (cardtpm_verify(&other, CARDTPM_PIN) != VAULT_OK ||
				    cardtpm_sign(&other) != VAULT_OK)
					_exit(1);
			}
		}
		for (i = 0; i < 10; i++)
			ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
		ck_assert_int_eq(kill(child, SIGKILL), 0);
		ck_assert_int_eq(waitpid(child, &i, 0), child);
		ck_assert_msg(WIFSIGNALED(i), "the neighbour failed before it was killed");
		for (i = 0; i < 10; i++)
			ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	}
	cardtpm_end(&other);
}
END_TEST

START_TEST(an_erased_card_leaves_nothing_and_is_dead)
{
	uint8_t octets[TPM_CLAIMS_MAX];
	struct wbuf claims = wbuf_over(octets, sizeof octets);
	struct failure why = { .text = "" };

	cardtpm_generate(&c, ALG_ECC_P256, PIN_NEVER);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	ck_assert_int_eq(tpm_vault_health(c.vault, &why), TPM_OK);
	ck_assert_uint_eq(cardtpm_nv_count(&c), 4);
	ck_assert_int_eq(tpm_record_claims(wbuf_view(&c.record), &claims), TPM_OK);
	ck_assert_int_eq(tpm_erase(c.tpm, wbuf_view(&claims), true, &why), TPM_OK);
	ck_assert_uint_eq(cardtpm_nv_count(&c), 0);
	ck_assert_uint_eq(cardtpm_persistent_count(&c), 0);
	ck_assert_int_eq(tpm_erase(c.tpm, wbuf_view(&claims), true, &why), TPM_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_FAULT);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_FAULT);
	ck_assert_int_eq(tpm_vault_health(c.vault, &why), TPM_UNUSABLE);
	ck_assert(failed(&why));
}
END_TEST

START_TEST(nothing_stays_loaded_at_rest)
{
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ALWAYS);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	vault_forget(c.vault);
	tpm_rest(c.tpm);
	ck_assert_uint_eq(cardtpm_loaded_count(&c), 0);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
}
END_TEST

START_TEST(a_record_has_no_bit_to_spare)
{
	uint8_t octets[TPM_RECORD_MAX];
	struct tpm_card_info info;
	size_t i;

	for (i = 0; i < c.record.len; i++) {
		memcpy(octets, c.record.data, c.record.len);
		octets[i] ^= (uint8_t)(1 << (i % 8));
		ck_assert_msg(tpm_record_info(rbuf_of(octets, c.record.len), &info) == TPM_RECORD,
		    "octet %zu", i);
	}
	for (i = 0; i < c.record.len; i++)
		ck_assert_int_eq(tpm_record_info(rbuf_of(c.record.data, i), &info), TPM_RECORD);
	ck_assert_int_eq(tpm_record_info(wbuf_view(&c.record), &info), TPM_OK);
	ck_assert(rbuf_eq(info.profile, rbuf_str("profile")));
	ck_assert_uint_eq(info.pin_tries, 5);
	ck_assert(info.has_puk && info.has_admin && info.admin_unblocks);
}
END_TEST

/* A spoilt key file is refused here or by the TPM; where neither is, it is still the same key. */
START_TEST(a_spoilt_key_file_is_no_other_key)
{
	uint8_t octets[VAULT_KEY_MAX];
	struct key_info info;
	size_t i, tried = 0;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_NEVER);
	memcpy(octets, c.key.data, c.key.len);
	for (i = 0; i < c.key.len; i++) {
		c.key.data[i] ^= 0x04;
		/* The TPM is asked about one in sixteen, or this would take long. */
		if (vault_describe(c.vault, wbuf_view(&c.key), &info) == VAULT_OK && i % 16 == 0) {
			tried++;
			ck_assert_msg(cardtpm_sign(&c) != VAULT_OK || cardtpm_checks(&c, KEY_ECDSA),
			    "octet %zu", i);
		}
		c.key.data[i] = octets[i];
	}
	ck_assert_uint_gt(tried, 0);
	for (i = 0; i < c.key.len; i += 37)
		ck_assert_int_eq(vault_describe(c.vault, rbuf_of(c.key.data, i), &info),
		    VAULT_MISMATCH);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
}
END_TEST

/* ---- what has programs of its own, once here, where valgrind looks ---- */

START_TEST(a_key_is_imported)
{
	static const uint8_t scalar[32] = { 0x01, 0x02, 0x03 };
	const struct key_parts parts = { .scalar = { scalar, sizeof scalar } };

	c.key = wbuf_over(c.key_octets, sizeof c.key_octets);
	c.public_value = wbuf_over(c.public_octets, sizeof c.public_octets);
	c.algorithm = ALG_ECC_P256;
	ck_assert_int_eq(vault_import(c.vault, ALG_ECC_P256, PIN_NEVER, &parts, &c.key), VAULT_OK);
	ck_assert_int_eq(
	    vault_public_value(c.vault, wbuf_view(&c.key), &c.public_value), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	ck_assert(cardtpm_checks(&c, KEY_ECDSA));
}
END_TEST

START_TEST(data_is_sealed_to_the_pin)
{
	static const char text[] = "what only the PIN may read";
	uint8_t octets[sizeof text + VAULT_SEAL_MAX], back_octets[sizeof text];
	struct wbuf sealed = wbuf_over(octets, sizeof octets);
	struct wbuf back = wbuf_over(back_octets, sizeof back_octets);
	struct rbuf key;

	cardtpm_generate(&c, VAULT_SEALING_ALGORITHM, PIN_ONCE);
	key = wbuf_view(&c.key);
	ck_assert_int_eq(
	    vault_seal(c.vault, key, 0x5fc109, rbuf_of(text, sizeof text), &sealed), VAULT_OK);
	ck_assert_int_eq(
	    vault_unseal(c.vault, key, 0x5fc109, wbuf_view(&sealed), &back), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(vault_unseal(c.vault, key, 0x5fc109, wbuf_view(&sealed), &back), VAULT_OK);
	ck_assert(rbuf_eq(wbuf_view(&back), rbuf_of(text, sizeof text)));
}
END_TEST

START_TEST(admin_follows_a_new_key)
{
	uint8_t octets[VAULT_KEY_MAX];
	struct wbuf fresh = wbuf_over(octets, sizeof octets);
	SECRET(value);

	value.len = 24;
	ck_assert_int_eq(
	    vault_admin_make(c.vault, ALG_3DES, &value, wbuf_view(&c.admin), &fresh), VAULT_OK);
	ck_assert_int_eq(vault_admin_follow(c.vault, wbuf_view(&c.admin), &value), VAULT_OK);
	ck_assert_int_eq(vault_admin_holds(c.vault, wbuf_view(&c.admin)), VAULT_AUTH);
	ck_assert_int_eq(vault_admin_holds(c.vault, wbuf_view(&fresh)), VAULT_OK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("vault");
	TCase *tcase = tcase_create("vault");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, wrong_pins_count_down_and_block);
	tcase_add_test(tcase, a_right_pin_gives_the_tries_back);
	tcase_add_test(tcase, secrets_change);
	tcase_add_test(tcase, admin_unblocks_and_changes_itself);
	tcase_add_test(tcase, the_counter_outlives_a_killed_tpm);
	tcase_add_test(tcase, a_tpm_reset_ends_the_proof);
	tcase_add_rows(tcase, a_tpm_in_trouble, trouble_rows);
	tcase_add_test(tcase, a_tpm_that_hangs_at_the_first_word);
	tcase_add_test(tcase, a_tpm_that_hangs_does_not_hang_us);
	tcase_add_rows(tcase, keys_obey_their_rule, key_rows);
	tcase_add_test(tcase, disarm_spares_the_other_keys);
	tcase_add_loop_test(tcase, a_pin_change_ends_every_proof, 0, 2);
	tcase_add_loop_test(tcase, a_puk_change_ends_no_proof, 0, 2);
	tcase_add_loop_test(tcase, ecdh_agrees_with_openssl, 0, 2);
	tcase_add_rows(tcase, misfits_are_refused, misfit_rows);
	tcase_add_loop_test(tcase, what_the_tpm_lacks_is_not_offered, 0, 5);
	tcase_add_test(tcase, random_is_as_long_as_asked);
	tcase_add_rows(tcase, the_admin_key_encrypts_as_openssl_does, admin_rows);
	tcase_add_test(tcase, a_random_admin_key_serves_after_the_pin);
	tcase_add_test(tcase, two_cards_keep_out_of_each_others_way);
	tcase_add_test(tcase, a_killed_neighbour_stops_nobody);
	tcase_add_test(tcase, an_erased_card_leaves_nothing_and_is_dead);
	tcase_add_test(tcase, nothing_stays_loaded_at_rest);
	tcase_add_test(tcase, a_record_has_no_bit_to_spare);
	tcase_add_test(tcase, a_spoilt_key_file_is_no_other_key);
	tcase_add_test(tcase, a_key_is_imported);
	tcase_add_test(tcase, data_is_sealed_to_the_pin);
	tcase_add_test(tcase, admin_follows_a_new_key);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
