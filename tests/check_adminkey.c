/* SPDX-License-Identifier: BSD-2-Clause */
/* A new card management key on a live software TPM, and whether ADMIN follows it. */
#include <openssl/evp.h>
#include <string.h>
#include <tss2/tss2_tpm2_types.h>

#include "tests/cardtpm.h"
#include "tests/memory.h"
#include "tests/suite.h"
#include "tests/tap.h"

static struct cardtpm c;

/* A new key of n octets is the first n. */
static const uint8_t fresh_octets[32] = "a new key of the administrator's";

static size_t
octets_of(uint8_t algorithm)
{
	return algorithm == ALG_AES_128 ? 16 : algorithm == ALG_AES_256 ? 32 : 24;
}

/* Make a new key into c.key. */
static enum vault_err
make(uint8_t algorithm, size_t n)
{
	enum vault_err err;
	SECRET(octets);

	ck_assert(secret_set(&octets, rbuf_of(fresh_octets, n)));
	c.key = wbuf_over(c.key_octets, sizeof c.key_octets);
	err = vault_admin_make(c.vault, algorithm, &octets, wbuf_view(&c.admin), &c.key);
	ck_assert_msg(err == VAULT_OK || c.key.len == 0, "output of a failure");
	return err;
}

static enum vault_err
follow(size_t n)
{
	SECRET(octets);

	ck_assert(secret_set(&octets, rbuf_of(fresh_octets, n)));
	return vault_admin_follow(c.vault, wbuf_view(&c.admin), &octets);
}

/* Whether ADMIN unblocks the PIN by octets. */
static enum vault_err
unblock(const uint8_t *octets, size_t n)
{
	SECRET(key);
	SECRET(pin);

	ck_assert(secret_set(&key, rbuf_of(octets, n)) &&
	    secret_set(&pin, rbuf_str(CARDTPM_PIN)));
	return vault_unblock(c.vault, REFERENCE_ADMIN, &key, &pin);
}

static void
begin(uint8_t algorithm, bool random, bool admin_unblock)
{
	struct cardtpm_kind kind = cardtpm_usual;

	kind.admin_algorithm = algorithm;
	kind.random_admin = random;
	kind.admin_unblock = admin_unblock;
	cardtpm_begin(&c, &kind);
}

static void
teardown(void)
{
	cardtpm_end(&c);
}

/* ---- following ---- */

static const struct row {
	const char *why;
	uint8_t old, fresh;
	bool random, unblock; /* the card: a random key; ADMIN may unblock */
	enum vault_err follow, old_holds, fresh_holds;
} rows[] = {
	{ "3DES to 3DES", ALG_3DES, ALG_3DES, false, true, VAULT_OK, VAULT_AUTH, VAULT_OK },
	{ "3DES to AES-192", ALG_3DES, ALG_AES_192, false, true, VAULT_OK, VAULT_AUTH, VAULT_OK },
	{ "AES-192 to 3DES", ALG_AES_192, ALG_3DES, false, true, VAULT_OK, VAULT_AUTH, VAULT_OK },
	{ "3DES to the TPM's AES-256", ALG_3DES, ALG_AES_256, false, true, VAULT_OK, VAULT_AUTH,
	    VAULT_UNSUPPORTED },
	{ "the TPM's AES-128 to 3DES, for it is the well-known one", ALG_AES_128, ALG_3DES, false, true,
	    VAULT_OK, VAULT_AUTH, VAULT_OK },
	{ "the TPM's AES-128 to another", ALG_AES_128, ALG_AES_128, false, true, VAULT_OK,
	    VAULT_AUTH, VAULT_UNSUPPORTED },
	{ "the TPM's AES-256 to 3DES", ALG_AES_256, ALG_3DES, false, true, VAULT_UNSUPPORTED,
	    VAULT_UNSUPPORTED, VAULT_AUTH },
	{ "the TPM's AES-256 to AES-256", ALG_AES_256, ALG_AES_256, false, true, VAULT_UNSUPPORTED,
	    VAULT_UNSUPPORTED, VAULT_UNSUPPORTED },
	{ "ADMIN may do nothing", ALG_AES_256, ALG_3DES, false, false, VAULT_OK, VAULT_OK, VAULT_OK },
	{ "random key, no ADMIN", ALG_3DES, ALG_AES_256, true, true, VAULT_OK, VAULT_OK, VAULT_OK },
	{ "random AES-256, no ADMIN", ALG_AES_256, ALG_AES_256, true, true, VAULT_OK, VAULT_OK,
	    VAULT_OK },
};

START_TEST(admin_follows)
{
	const struct row *row = &rows[_i];
	const size_t n = octets_of(row->fresh), old = octets_of(row->old);
	const bool admin = !row->random && row->unblock, follows = admin && row->follow == VAULT_OK;

	begin(row->old, row->random, row->unblock);
	ck_assert_int_eq(make(row->fresh, n), VAULT_OK);
	ck_assert_msg(follow(n) == row->follow, "%s", row->why);
	ck_assert_msg(vault_admin_holds(c.vault, wbuf_view(&c.admin)) == row->old_holds, "%s",
	    row->why);
	ck_assert_msg(vault_admin_holds(c.vault, wbuf_view(&c.key)) == row->fresh_holds, "%s",
	    row->why);
	if (!admin) {
		ck_assert_int_eq(unblock(cardtpm_admin_key32, old), VAULT_ABSENT);
		return;
	}
	ck_assert_int_eq(unblock(cardtpm_admin_key32, old), follows ? VAULT_AUTH : VAULT_OK);
	ck_assert_int_eq(unblock(fresh_octets, n), follows ? VAULT_OK : VAULT_AUTH);
	/* A second time the old octets are not ADMIN's any more, but the fresh ones are. */
	ck_assert_int_eq(follow(n), follows ? VAULT_OK : VAULT_UNSUPPORTED);
	ck_assert_int_eq(unblock(fresh_octets, n), follows ? VAULT_OK : VAULT_AUTH);
	ck_assert_int_eq(follow(n - 1), follows ? VAULT_AUTH : VAULT_UNSUPPORTED);
}
END_TEST

/* ---- whether a key is of given octets ---- */

static enum vault_err
is(struct rbuf key, const uint8_t *octets, size_t n)
{
	SECRET(value);

	ck_assert(secret_set(&value, rbuf_of(octets, n)));
	return vault_admin_is(c.vault, key, &value);
}

static const uint8_t every_algorithm[] = { ALG_3DES, ALG_AES_128, ALG_AES_192, ALG_AES_256 };

START_TEST(octets_are_told)
{
	const uint8_t algorithm = every_algorithm[_i / 2];
	const size_t n = octets_of(algorithm);
	uint8_t other[32];
	size_t i;

	begin(algorithm, false, _i % 2 != 0);
	for (i = 0; i < sizeof other; i++)
		other[i] = cardtpm_admin_key32[i];
	other[n - 1] ^= 0x02; /* no parity bit of 3DES */
	ck_assert_int_eq(is(wbuf_view(&c.admin), cardtpm_admin_key32, n), VAULT_OK);
	ck_assert_int_eq(is(wbuf_view(&c.admin), other, n), VAULT_AUTH);
	ck_assert_int_eq(is(wbuf_view(&c.admin), cardtpm_admin_key32, n - 1), VAULT_AUTH);
	ck_assert_int_eq(is(wbuf_view(&c.admin), cardtpm_admin_key32, 0), VAULT_AUTH);
	ck_assert_int_eq(is(rbuf_str("junk"), cardtpm_admin_key32, n), VAULT_MISMATCH);
	/* A new one is told from the old one, wherever either is. */
	ck_assert_int_eq(make(ALG_AES_256, 32), VAULT_OK);
	ck_assert_int_eq(is(wbuf_view(&c.key), fresh_octets, 32), VAULT_OK);
	ck_assert_int_eq(is(wbuf_view(&c.key), cardtpm_admin_key32, 32), VAULT_AUTH);
	ck_assert_int_eq(is(wbuf_view(&c.admin), cardtpm_admin_key32, n), VAULT_OK);
}
END_TEST

/* Of a key that serves after the PIN only, nothing is told before it. */
START_TEST(octets_of_a_random_key)
{
	const size_t n = octets_of(every_algorithm[_i]);
	SECRET(pin);

	begin(every_algorithm[_i], true, true);
	ck_assert_int_eq(make(every_algorithm[_i], n), VAULT_OK);
	ck_assert_int_eq(is(wbuf_view(&c.key), fresh_octets, n), VAULT_AUTH);
	ck_assert(secret_set(&pin, rbuf_str(CARDTPM_PIN)));
	ck_assert_int_eq(vault_verify(c.vault, &pin), VAULT_OK);
	ck_assert_int_eq(is(wbuf_view(&c.key), fresh_octets, n), VAULT_OK);
	ck_assert_int_eq(is(wbuf_view(&c.admin), fresh_octets, n), VAULT_AUTH);
}
END_TEST

/* ---- the new key ---- */

static const struct cipher_row {
	const char *why;
	uint8_t old, fresh;
	bool random;
	const char *cipher;
	size_t block;
} cipher_rows[] = {
	{ "3DES", ALG_3DES, ALG_3DES, false, "DES-EDE3-ECB", 8 },
	{ "AES-128 after 3DES", ALG_3DES, ALG_AES_128, false, "AES-128-ECB", 16 },
	{ "AES-192 after AES-256", ALG_AES_256, ALG_AES_192, false, "AES-192-ECB", 16 },
	{ "AES-256 after AES-192", ALG_AES_192, ALG_AES_256, false, "AES-256-ECB", 16 },
	{ "3DES after a random AES-256", ALG_AES_256, ALG_3DES, true, "DES-EDE3-ECB", 8 },
	{ "AES-128 after a random 3DES", ALG_3DES, ALG_AES_128, true, "AES-128-ECB", 16 },
};

static size_t
encrypt_with(const uint8_t *octets, const char *cipher, struct rbuf block, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;

	ck_assert_int_eq(EVP_EncryptInit_ex(ctx, EVP_get_cipherbyname(cipher), NULL, octets, NULL), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(ctx, out, &n, block.data, (int)block.len), 1);
	EVP_CIPHER_CTX_free(ctx);
	return (size_t)n;
}

static size_t
encrypt(const char *cipher, struct rbuf block, uint8_t *out)
{
	return encrypt_with(fresh_octets, cipher, block, out);
}

/* It encrypts as its octets do, and under the old one's rule. */
START_TEST(the_new_key_serves_as_the_old_one_did)
{
	const struct cipher_row *row = &cipher_rows[_i];
	const struct rbuf block = rbuf_of("0123456789abcdef", row->block);
	uint8_t expected[64], got[64];
	struct wbuf w = wbuf_over(got, sizeof got);
	struct key_info info;
	size_t n;

	begin(row->old, row->random, true);
	ck_assert_int_eq(make(row->fresh, octets_of(row->fresh)), VAULT_OK);
	ck_assert_int_eq(vault_describe(c.vault, wbuf_view(&c.key), &info), VAULT_OK);
	ck_assert_uint_eq(info.algorithm, row->fresh);
	ck_assert_int_eq(info.pin, row->random ? PIN_ONCE : PIN_NEVER);
	if (row->random) {
		ck_assert_int_eq(vault_encrypt(c.vault, wbuf_view(&c.key), block, &w), VAULT_AUTH);
		ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	}
	ck_assert_msg(vault_encrypt(c.vault, wbuf_view(&c.key), block, &w) == VAULT_OK, "%s", row->why);
	n = encrypt(row->cipher, block, expected);
	ck_assert_msg(rbuf_eq(wbuf_view(&w), rbuf_of(expected, n)), "%s", row->why);
}
END_TEST

/* ---- the first key ---- */

static const struct first_row {
	const char *why;
	uint8_t algorithm;
	bool random, unblock;
	const char *cipher;
} first_rows[] = {
	{ "3DES", ALG_3DES, false, true, "DES-EDE3-ECB" },
	{ "3DES that may not unblock", ALG_3DES, false, false, "DES-EDE3-ECB" },
	{ "random 3DES", ALG_3DES, true, false, "DES-EDE3-ECB" },
	{ "AES-128", ALG_AES_128, false, true, "AES-128-ECB" },
	{ "random AES-128", ALG_AES_128, true, false, "AES-128-ECB" },
	{ "AES-192", ALG_AES_192, false, true, "AES-192-ECB" },
	{ "random AES-192", ALG_AES_192, true, false, "AES-192-ECB" },
	{ "AES-256", ALG_AES_256, false, true, "AES-256-ECB" },
	{ "AES-256 that may not unblock", ALG_AES_256, false, false, "AES-256-ECB" },
	{ "random AES-256", ALG_AES_256, true, false, "AES-256-ECB" },
};

/* The creator gets the octets of a key that was left to chance, and of no other; they are what the key encrypts with. */
START_TEST(a_random_key_is_told)
{
	const struct first_row *row = &first_rows[_i];
	const size_t n = row->algorithm == ALG_3DES ? 8 : 16;
	const struct rbuf block = rbuf_of("0123456789abcdef", n);
	uint8_t expected[64], got[64];
	struct wbuf w = wbuf_over(got, sizeof got);

	begin(row->algorithm, row->random, row->unblock);
	ck_assert_msg(c.random.len == (row->random ? octets_of(row->algorithm) : 0), "%s", row->why);
	ck_assert(!row->random || !rbuf_eq(secret_view(&c.random),
				      rbuf_of(cardtpm_admin_key32, octets_of(row->algorithm))));
	if (row->random)
		ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(vault_encrypt(c.vault, wbuf_view(&c.admin), block, &w), VAULT_OK);
	(void)encrypt_with(row->random ? c.random.data : cardtpm_admin_key32, row->cipher, block,
	    expected);
	ck_assert_msg(rbuf_eq(wbuf_view(&w), rbuf_of(expected, n)), "%s", row->why);
}
END_TEST

/* Its owner proves it to ADMIN, whatever the card: to be checked, to change it, and to unblock where it may. */
START_TEST(the_owner_proves_it)
{
	const struct first_row *row = &first_rows[_i];
	const size_t n = octets_of(row->algorithm);
	const enum vault_err may = row->random ? VAULT_ABSENT : VAULT_OK;
	const enum vault_err no = row->random ? VAULT_ABSENT : VAULT_AUTH;
	SECRET(old);
	SECRET(fresh);

	begin(row->algorithm, row->random, row->unblock);
	ck_assert(secret_set(&old, rbuf_of(cardtpm_admin_key32, n)));
	ck_assert(secret_set(&fresh, rbuf_of(fresh_octets, n)));
	ck_assert_msg(vault_check(c.vault, REFERENCE_ADMIN, &old) == may, "%s", row->why);
	ck_assert_msg(vault_check(c.vault, REFERENCE_ADMIN, &fresh) == no, "%s", row->why);
	ck_assert_msg(vault_change(c.vault, REFERENCE_ADMIN, &fresh, &old) == no, "%s", row->why);
	ck_assert_msg(vault_change(c.vault, REFERENCE_ADMIN, &old, &fresh) == may, "%s", row->why);
	ck_assert_msg(vault_check(c.vault, REFERENCE_ADMIN, &old) == no, "%s", row->why);
	ck_assert_msg(vault_check(c.vault, REFERENCE_ADMIN, &fresh) == may, "%s", row->why);
	ck_assert_int_eq(unblock(fresh_octets, n),
	    row->random || !row->unblock ? VAULT_ABSENT : VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	/* 9B is another matter: it is the file it was. */
	if (!row->random)
		ck_assert_int_eq(vault_admin_is(c.vault, wbuf_view(&c.admin), &old), VAULT_OK);
}
END_TEST

static const struct misfit_row {
	const char *why;
	uint8_t algorithm;
	size_t n;
} misfit_rows[] = {
	{ "3DES of 16 octets", ALG_3DES, 16 },
	{ "3DES of 32 octets", ALG_3DES, 32 },
	{ "AES-128 of 24 octets", ALG_AES_128, 24 },
	{ "AES-256 of 31 octets", ALG_AES_256, 31 },
	{ "no octets", ALG_AES_128, 0 },
	{ "P-256", ALG_ECC_P256, 32 },
	{ "no algorithm", 0, 0 },
};

START_TEST(misfits_are_refused)
{
	begin(ALG_3DES, false, true);
	ck_assert_msg(make(misfit_rows[_i].algorithm, misfit_rows[_i].n) == VAULT_MISMATCH, "%s",
	    misfit_rows[_i].why);
}
END_TEST

/* In the place of the old key only a card management key of this card will do. */
START_TEST(the_old_one_must_be_a_management_key)
{
	struct cardtpm other;

	begin(ALG_3DES, false, true);
	cardtpm_join(&other, &c, &cardtpm_usual);
	c.admin = other.admin;
	ck_assert_int_eq(make(ALG_3DES, 24), VAULT_MISMATCH);
	ck_assert_int_eq(follow(24), VAULT_MISMATCH);
	cardtpm_generate(&c, ALG_ECC_P256, PIN_NEVER);
	c.admin = wbuf_over(c.admin_octets, sizeof c.admin_octets);
	wbuf_put(&c.admin, wbuf_view(&c.key));
	ck_assert_int_eq(make(ALG_3DES, 24), VAULT_MISMATCH);
	ck_assert_int_eq(follow(24), VAULT_MISMATCH);
	ck_assert_int_eq(vault_admin_holds(c.vault, wbuf_view(&c.admin)), VAULT_MISMATCH);
	wbuf_truncate(&c.admin, 0);
	ck_assert_int_eq(make(ALG_3DES, 24), VAULT_MISMATCH);
	cardtpm_end(&other);
}
END_TEST

START_TEST(too_little_room)
{
	uint8_t octets[100];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	SECRET(fresh);

	begin(ALG_3DES, false, true);
	ck_assert(secret_set(&fresh, rbuf_of(fresh_octets, 24)));
	wbuf_u8(&w, 7);
	ck_assert_int_eq(vault_admin_make(c.vault, ALG_3DES, &fresh, wbuf_view(&c.admin), &w),
	    VAULT_FAULT);
	ck_assert_uint_eq(w.len, 1);
	ck_assert(wbuf_ok(&w));
}
END_TEST

/* Who has shown the PIN need not show it again: not for "use" keys, nor for the one use of "always". */
START_TEST(proofs_of_the_pin_are_kept)
{
	const enum pin_rule rule = _i == 0 ? PIN_ONCE : PIN_ALWAYS;
	uint8_t octets[VAULT_KEY_MAX];
	struct wbuf fresh = wbuf_over(octets, sizeof octets);
	struct rbuf key;

	begin(ALG_3DES, false, true);
	ck_assert_int_eq(make(ALG_3DES, 24), VAULT_OK);
	wbuf_put(&fresh, wbuf_view(&c.key));
	cardtpm_generate(&c, ALG_ECC_P256, rule);
	key = wbuf_view(&c.key);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(vault_admin_holds(c.vault, wbuf_view(&c.admin)), VAULT_OK);
	ck_assert_int_eq(vault_admin_holds(c.vault, wbuf_view(&fresh)), VAULT_AUTH);
	ck_assert_int_eq(follow(24), VAULT_OK);
	ck_assert_int_eq(cardtpm_change(&c, REFERENCE_PUK, CARDTPM_PUK, "99999999"), VAULT_OK);
	ck_assert_int_eq(cardtpm_change(&c, REFERENCE_PUK, CARDTPM_PUK, "99999999"), VAULT_AUTH);
	ck_assert(rbuf_eq(key, wbuf_view(&c.key)));
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
}
END_TEST

/* Wrong octets cost the administrator nothing that matters: he is not blocked by them. */
START_TEST(asking_does_not_block)
{
	struct tries tries = { .left = 0 };
	int i;

	begin(ALG_3DES, false, true);
	ck_assert_int_eq(make(ALG_3DES, 24), VAULT_OK);
	for (i = 0; i < 20; i++)
		ck_assert_int_eq(vault_admin_holds(c.vault, wbuf_view(&c.key)), VAULT_AUTH);
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_ADMIN, &tries), VAULT_OK);
	ck_assert_uint_ge(tries.left, 0x7fffff00);
	ck_assert_int_eq(unblock(cardtpm_admin_key32, 24), VAULT_OK);
}
END_TEST

START_TEST(no_octets_on_the_wire)
{
	static const uint8_t algorithms[] = { ALG_3DES, ALG_AES_128, ALG_AES_256 };
	const size_t n = octets_of(algorithms[_i]);
	uint8_t out[16];
	struct wbuf w = wbuf_over(out, sizeof out);
	struct tap *tap;

	begin(ALG_3DES, false, true);
	tap = tap_begin(&c.swtpm, NULL);
	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.config.tcti = tap_tcti(tap);
	c.tpm = tpm_new(&c.config);
	ck_assert_int_eq(tpm_vault_open(c.tpm, wbuf_view(&c.record), &c.vault), TPM_OK);
	ck_assert_int_eq(make(algorithms[_i], n), VAULT_OK);
	ck_assert_int_eq(follow(n), VAULT_OK);
	ck_assert_int_eq(vault_admin_holds(c.vault, wbuf_view(&c.admin)), VAULT_AUTH);
	ck_assert_int_eq(vault_encrypt(c.vault, wbuf_view(&c.key),
			     rbuf_of("0123456789abcdef", _i == 0 ? 8 : 16), &w), VAULT_OK);
	ck_assert_uint_eq(tap_count(tap, TPM2_CC_Create), 1);
	ck_assert(!tap_saw(tap, rbuf_of(fresh_octets, 16)));
	ck_assert(!tap_saw(tap, rbuf_of(fresh_octets + n - 8, 8)));
	ck_assert(!tap_saw(tap, rbuf_of(cardtpm_admin_key, 16)));
	cardtpm_end(&c);
	tap_end(tap);
}
END_TEST

/* The search finds them while they are there, and not when all is done: neither made, nor used. */
START_TEST(no_octets_in_memory)
{
	static const uint8_t algorithms[] = { ALG_3DES, ALG_AES_192, ALG_AES_256 };
	const size_t n = octets_of(algorithms[_i]);
	uint8_t inverted[32], copy[32], out[16];
	struct wbuf w = wbuf_over(out, sizeof out);
	struct rbuf from = rbuf_of(fresh_octets, n);
	size_t i;

	for (i = 0; i < n; i++)
		inverted[i] = (uint8_t)~fresh_octets[i];
	begin(ALG_3DES, false, true);
	ck_assert(rbuf_copy(&from, copy, n));
	ck_assert_msg(memory_hits(inverted, n) > 0, "the search finds nothing at all");
	explicit_bzero(copy, sizeof copy);
	ck_assert_int_eq(make(algorithms[_i], n), VAULT_OK);
	ck_assert_uint_eq(memory_hits(inverted, n), 0);
	ck_assert_int_eq(follow(n), VAULT_OK);
	ck_assert_int_eq(vault_encrypt(c.vault, wbuf_view(&c.key),
			     rbuf_of("0123456789abcdef", _i == 0 ? 8 : 16), &w), VAULT_OK);
	ck_assert_uint_eq(memory_hits(inverted, n), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("adminkey");
	TCase *tcase = tcase_create("adminkey");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_rows(tcase, admin_follows, rows);
	tcase_add_loop_test(tcase, octets_are_told, 0, 2 * sizeof every_algorithm);
	tcase_add_rows(tcase, octets_of_a_random_key, every_algorithm);
	tcase_add_rows(tcase, the_new_key_serves_as_the_old_one_did, cipher_rows);
	tcase_add_rows(tcase, a_random_key_is_told, first_rows);
	tcase_add_rows(tcase, the_owner_proves_it, first_rows);
	tcase_add_rows(tcase, misfits_are_refused, misfit_rows);
	tcase_add_test(tcase, the_old_one_must_be_a_management_key);
	tcase_add_test(tcase, too_little_room);
	tcase_add_loop_test(tcase, proofs_of_the_pin_are_kept, 0, 2);
	tcase_add_test(tcase, asking_does_not_block);
	tcase_add_loop_test(tcase, no_octets_on_the_wire, 0, 3);
	if (!memory_kept())
		tcase_add_loop_test(tcase, no_octets_in_memory, 0, 3);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
