/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TPM room when its port fails: each operation with its nth TPM command
 * failing, for every n, once before the TPM has done it and once after.
 * Whatever the answer, the card stays what it was or becomes what was asked.
 */
#include <string.h>

#include "tests/cardtpm.h"
#include "tests/suite.h"
#include "tests/tap.h"
#include "tpm/tpm.h"

#define OLD_PIN CARDTPM_PIN
#define NEW_PIN "87654321"

/* More commands than any operation has: an end to a loop that does not end. */
#define COMMANDS_MAX 400

/* Fail one command. */
struct fault {
	bool armed, hit;
	bool after; /* the TPM has done it, and the answer says it has not */
	unsigned nth, seen;
};

static void
write_failure(uint8_t *octets, size_t len)
{
	struct wbuf out = wbuf_over(octets, len);

	wbuf_u16(&out, 0x8001);
	wbuf_u32(&out, 10);
	wbuf_u32(&out, 0x101); /* TPM_RC_FAILURE */
}

/* A command no TPM has: it is refused, and nothing is done. */
static size_t
spoil_command(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	struct fault *f = context;
	struct wbuf out = wbuf_over(octets, TAP_MESSAGE_MAX);

	(void)code;
	if (!f->armed)
		return len;
	f->hit = f->seen++ == f->nth;
	if (f->hit) {
		f->armed = f->after; /* for the answer */
		if (!f->after) {
			wbuf_u16(&out, 0x8001);
			wbuf_u32(&out, 10);
			wbuf_u32(&out, 0x000001ff);
			return out.len;
		}
	}
	return len;
}

static void
spoil_answer(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	struct fault *f = context;

	(void)code;
	if (f->armed && f->hit) {
		f->armed = false;
		write_failure(octets, len);
	}
}

static struct cardtpm c;
static struct fault fault;
static const struct tap_hooks hooks = { spoil_command, spoil_answer, &fault };
static struct tap *tap;

static void
setup(void)
{
	cardtpm_prepare(&c);
	fault = (struct fault){ .armed = false };
	tap = tap_begin(&c.swtpm, &hooks);
	c.config.tcti = tap_tcti(tap);
}

static void
teardown(void)
{
	cardtpm_end(&c);
	tap_end(tap);
}

/* ---- operations on a card ---- */

static enum vault_err
do_verify(void)
{
	return cardtpm_verify(&c, OLD_PIN);
}

static enum vault_err
do_change(void)
{
	return cardtpm_change(&c, REFERENCE_PIN, OLD_PIN, NEW_PIN);
}

static enum vault_err
do_unblock(void)
{
	return cardtpm_unblock(&c, CARDTPM_PUK, NEW_PIN);
}

static enum vault_err
do_tries(void)
{
	struct tries tries;

	return vault_tries(c.vault, REFERENCE_PIN, &tries);
}

static enum vault_err
do_generate(void)
{
	uint8_t key[VAULT_KEY_MAX], pub[VAULT_PUBLIC_MAX];
	struct wbuf k = wbuf_over(key, sizeof key), p = wbuf_over(pub, sizeof pub);
	enum vault_err err = vault_generate(c.vault, ALG_ECC_P256, PIN_ONCE, &k, &p);

	ck_assert_msg(err == VAULT_OK || k.len + p.len == 0, "outputs of a failure");
	return err;
}

static enum vault_err
do_encrypt(void)
{
	uint8_t out[16];
	struct wbuf w = wbuf_over(out, sizeof out);
	enum vault_err err = vault_encrypt(c.vault, wbuf_view(&c.admin), rbuf_of("01234567", 8), &w);

	ck_assert_msg(err == VAULT_OK || w.len == 0, "output of a failure");
	return err;
}

static enum vault_err
do_sign(void)
{
	enum vault_err err = cardtpm_sign(&c);

	ck_assert_msg(err == VAULT_OK || c.out.len == 0, "output of a failure");
	return err;
}

static enum vault_err
do_random(void)
{
	uint8_t out[40];
	struct wbuf w = wbuf_over(out, sizeof out);

	return vault_random(c.vault, sizeof out, &w);
}

static const struct row {
	const char *why;
	enum vault_err (*act)(void);
	bool changes; /* the PIN may be the new one afterwards */
	enum pin_rule key; /* of the key to sign with, whose PIN is verified before; 0: none */
} rows[] = {
	{ "VERIFY", do_verify, false, 0 },
	{ "change the PIN", do_change, true, 0 },
	{ "unblock by PUK", do_unblock, true, 0 },
	{ "read the tries", do_tries, false, 0 },
	{ "generate", do_generate, false, 0 },
	{ "card management key", do_encrypt, false, 0 },
	{ "random", do_random, false, 0 },
	{ "sign, PIN never", do_sign, false, PIN_NEVER },
	{ "sign, PIN once", do_sign, false, PIN_ONCE },
	{ "sign, PIN always", do_sign, false, PIN_ALWAYS },
};

/* One of the two PINs works, and not both; make it the old one again. */
static void
settle_pin(const struct row *row, unsigned n)
{
	enum vault_err old = cardtpm_verify(&c, OLD_PIN), fresh;

	if (old == VAULT_OK)
		return;
	ck_assert_msg(row->changes, "%s, command %u: the PIN does not work any more", row->why, n);
	fresh = cardtpm_change(&c, REFERENCE_PIN, NEW_PIN, OLD_PIN);
	ck_assert_msg(fresh == VAULT_OK, "%s, command %u: neither PIN works", row->why, n);
}

/* Run it with command n failing; false when there was no command n. */
static bool
strike(const struct row *row, unsigned n, bool after)
{
	struct tries tries = { .left = 0 };
	enum vault_err err;

	if (row->key != 0)
		ck_assert_int_eq(cardtpm_verify(&c, OLD_PIN), VAULT_OK);
	/* Everything anew, so that connecting is struck as well. */
	if (row->key != PIN_ALWAYS)
		tpm_rest(c.tpm);
	fault = (struct fault){ .armed = true, .after = after, .nth = n };
	err = row->act();
	fault.armed = false;
	ck_assert_msg(err == VAULT_OK || err == VAULT_FAULT ||
		(err == VAULT_AUTH && row->key != 0 && row->key != PIN_NEVER),
	    "%s, command %u: %d", row->why, n, (int)err);
	ck_assert_msg(fault.seen > n || err == VAULT_OK, "%s fails by itself", row->why);
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_OK);
	ck_assert_msg(tries.left == 5, "%s, command %u: cost a try", row->why, n);
	settle_pin(row, n);
	return fault.seen > n;
}

START_TEST(operations_with_a_failing_tpm)
{
	const struct row *row = &rows[_i];
	unsigned n = 0;
	bool after;

	cardtpm_make(&c, &cardtpm_usual, rbuf_of(NULL, 0));
	if (row->key != 0)
		cardtpm_generate(&c, ALG_ECC_P256, row->key);
	for (after = false;; after = true) {
		for (n = 0; strike(row, n, after); n++)
			ck_assert_uint_lt(n, COMMANDS_MAX);
		ck_assert_msg(n >= 2, "%s: only %u commands", row->why, n);
		if (after)
			break;
	}
	ck_assert_int_eq(cardtpm_verify(&c, OLD_PIN), VAULT_OK);
	vault_forget(c.vault);
	tpm_rest(c.tpm);
	ck_assert_uint_eq(cardtpm_loaded_count(&c), 0);
}
END_TEST

/* ---- creation ---- */

/* Plan and run a creation; erase it if it failed.  True when it was made. */
static bool
create(struct wbuf *claims)
{
	uint8_t r[TPM_RECORD_MAX], k[VAULT_KEY_MAX];
	struct wbuf rec = wbuf_over(r, sizeof r), key = wbuf_over(k, sizeof k);
	struct tpm_creation *creation = NULL;
	struct failure why = { .text = "" };
	enum tpm_err err;
	SECRET(pin);
	SECRET(puk);
	const struct tpm_spec spec = { .pin = &pin, .pin_tries = 5, .puk = &puk, .puk_tries = 5,
		.admin_algorithm = ALG_3DES, .profile = rbuf_str("profile") };

	ck_assert(secret_set(&pin, rbuf_str(OLD_PIN)) && secret_set(&puk, rbuf_str(CARDTPM_PUK)));
	err = tpm_creation_plan(c.tpm, &spec, rbuf_of(NULL, 0), &creation, claims, &why);
	if (err == TPM_OK)
		err = tpm_creation_run(creation, &rec, &key, &why);
	fault.armed = false;
	tpm_creation_free(creation);
	ck_assert_msg(err == TPM_OK || failed(&why), "a failure without a word");
	return err == TPM_OK;
}

/* Every third command of a creation fails, before (first half of the rows) or after the TPM has done it. */
START_TEST(a_failed_creation_leaves_nothing)
{
	const bool after = _i % 2 == 1;
	uint8_t octets[TPM_CLAIMS_MAX];
	struct failure why = { .text = "" };
	struct wbuf claims;
	unsigned n;
	bool made;

	c.config.pin_cache = 3600;
	c.tpm = tpm_new(&c.config);
	for (n = (unsigned)_i / 2; n < COMMANDS_MAX; n += 3) {
		claims = wbuf_over(octets, sizeof octets);
		fault = (struct fault){ .armed = true, .after = after, .nth = n };
		made = create(&claims);
		fault.armed = false;
		if (claims.len != 0)
			ck_assert_msg(tpm_erase(c.tpm, wbuf_view(&claims), true, &why) == TPM_OK,
			    "command %u: %s", n, why.text);
		ck_assert_msg(cardtpm_nv_count(&c) == 0, "command %u: an index is left", n);
		ck_assert_msg(cardtpm_persistent_count(&c) == 0, "command %u: a key is left", n);
		if (made && fault.seen <= n)
			break;
	}
	ck_assert_msg(n > 30 && n < COMMANDS_MAX, "%u commands", n);
	tpm_rest(c.tpm);
	ck_assert_uint_eq(cardtpm_loaded_count(&c), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("failures");
	TCase *tcase = tcase_create("failures");

	tcase_set_timeout(tcase, 600);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_rows(tcase, operations_with_a_failing_tpm, rows);
	tcase_add_loop_test(tcase, a_failed_creation_leaves_nothing, 0, 6);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
