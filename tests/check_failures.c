/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TPM room when its port fails: each operation with its nth TPM command
 * failing, for every n, once before the TPM has done it and once after.
 * Whatever the answer, the card stays what it was or becomes what was asked.
 */
#include <string.h>

#include "tests/cardtpm.h"
#include "tests/keyparts.h"
#include "tests/suite.h"
#include "tests/tap.h"
#include "tpm/keyfile.h"
#include "tpm/tpm.h"

#define OLD_PIN CARDTPM_PIN
#define NEW_PIN "87654321"
#define NEW_ADMIN "24 octets, just as 3DES."

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
static struct keyparts parts; /* to import */
static struct wbuf sealed, new_admin;
static uint8_t sealed_octets[VAULT_SEAL_MAX + 5], new_admin_octets[VAULT_KEY_MAX];
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

static enum vault_err
do_import(void)
{
	const struct key_parts view = keyparts_view(&parts);
	uint8_t key[VAULT_KEY_MAX];
	struct wbuf k = wbuf_over(key, sizeof key);
	enum vault_err err = vault_import(c.vault, ALG_ECC_P256, PIN_NEVER, &view, &k);

	ck_assert_msg(err == VAULT_OK || k.len == 0, "output of a failure");
	return err;
}

static enum vault_err
do_seal(void)
{
	enum vault_err err;

	sealed = wbuf_over(sealed_octets, sizeof sealed_octets);
	err = vault_seal(c.vault, wbuf_view(&c.key), 1, rbuf_str("clear"), &sealed);
	ck_assert_msg(err == VAULT_OK || sealed.len == 0, "output of a failure");
	return err;
}

static enum vault_err
do_unseal(void)
{
	uint8_t out[16];
	struct wbuf w = wbuf_over(out, sizeof out);
	enum vault_err err;

	err = vault_unseal(c.vault, wbuf_view(&c.key), 1, wbuf_view(&sealed), &w);
	ck_assert_msg(err == VAULT_OK ? rbuf_eq(wbuf_view(&w), rbuf_str("clear")) : w.len == 0,
	    "output of a failure");
	return err;
}

static enum vault_err
make_admin(uint8_t algorithm, const char *value, struct wbuf *key)
{
	SECRET(octets);

	ck_assert(secret_set(&octets, rbuf_str(value)));
	return vault_admin_make(c.vault, algorithm, &octets, wbuf_view(&c.admin), key);
}

static enum vault_err
do_admin_make(void)
{
	uint8_t octets[VAULT_KEY_MAX];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	enum vault_err err = make_admin(ALG_AES_128, "16 octets of key", &w);
	struct keyfile file;

	ck_assert_msg(err == VAULT_OK || w.len == 0, "output of a failure");
	/* A TPM that could not say whether it has the cipher has it all the same. */
	ck_assert_msg(err != VAULT_OK || (keyfile_read(wbuf_view(&w), &file) && !file.sealed),
	    "sealed, where the TPM would have kept it");
	return err;
}

static enum vault_err
follow(struct rbuf old, struct rbuf fresh)
{
	SECRET(octets);

	ck_assert(secret_set(&octets, fresh));
	return vault_admin_follow(c.vault, old, &octets);
}

static enum vault_err
do_admin_follow(void)
{
	return follow(wbuf_view(&c.admin), rbuf_str(NEW_ADMIN));
}

static enum vault_err
do_admin_holds(void)
{
	return vault_admin_holds(c.vault, wbuf_view(&c.admin));
}

static const struct row {
	const char *why;
	enum vault_err (*act)(void);
	bool changes; /* the PIN may be the new one afterwards */
	enum pin_rule key; /* of the key to use, whose PIN is verified before; 0: none */
	bool follows, admin; /* ADMIN may be the new one afterwards; look at it */
} rows[] = {
	{ "VERIFY", do_verify, false, 0, false, false },
	{ "change the PIN", do_change, true, 0, false, false },
	{ "unblock by PUK", do_unblock, true, 0, false, false },
	{ "read the tries", do_tries, false, 0, false, false },
	{ "generate", do_generate, false, 0, false, false },
	{ "card management key", do_encrypt, false, 0, false, false },
	{ "random", do_random, false, 0, false, false },
	{ "sign, PIN never", do_sign, false, PIN_NEVER, false, false },
	{ "sign, PIN once", do_sign, false, PIN_ONCE, false, false },
	{ "sign, PIN always", do_sign, false, PIN_ALWAYS, false, false },
	{ "import", do_import, false, 0, false, false },
	{ "seal", do_seal, false, PIN_ONCE, false, false },
	{ "unseal", do_unseal, false, PIN_ONCE, false, false },
	{ "make a management key", do_admin_make, false, 0, false, true },
	{ "ADMIN follows", do_admin_follow, false, 0, true, true },
	{ "what ADMIN holds", do_admin_holds, false, 0, false, true },
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

/* ADMIN is the old key or the new one, and the card can say which; make it the old one again. */
static void
settle_admin(const struct row *row, unsigned n, enum vault_err err)
{
	const enum vault_err old = vault_admin_holds(c.vault, wbuf_view(&c.admin));
	const enum vault_err fresh = vault_admin_holds(c.vault, wbuf_view(&new_admin));

	ck_assert_msg((old == VAULT_OK && fresh == VAULT_AUTH) ||
		(old == VAULT_AUTH && fresh == VAULT_OK), "%s, command %u: ADMIN is %d, %d",
	    row->why, n, (int)old, (int)fresh);
	ck_assert_msg(!row->follows || err != VAULT_OK || fresh == VAULT_OK,
	    "%s, command %u: ADMIN did not follow", row->why, n);
	if (old == VAULT_OK)
		return;
	ck_assert_msg(row->follows, "%s, command %u: ADMIN is another", row->why, n);
	ck_assert_int_eq(follow(wbuf_view(&new_admin), rbuf_of(cardtpm_admin_key, 24)), VAULT_OK);
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
	if (row->admin)
		settle_admin(row, n, err);
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
	if (row->act == do_unseal)
		ck_assert_int_eq(do_seal(), VAULT_OK);
	keyparts_make(&parts, ALG_ECC_P256);
	new_admin = wbuf_over(new_admin_octets, sizeof new_admin_octets);
	ck_assert_int_eq(make_admin(ALG_3DES, NEW_ADMIN, &new_admin), VAULT_OK);
	for (after = false;; after = true) {
		for (n = 0; strike(row, n, after); n++)
			ck_assert_uint_lt(n, COMMANDS_MAX);
		ck_assert_msg(n >= 2, "%s: only %u commands", row->why, n);
		if (after)
			break;
	}
	ck_assert_int_eq(cardtpm_verify(&c, OLD_PIN), VAULT_OK);
	keyparts_free(&parts);
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
	SECRET(random);
	const struct tpm_spec spec = { .pin = &pin, .pin_tries = 5, .puk = &puk, .puk_tries = 5,
		.admin_algorithm = ALG_3DES, .profile = rbuf_str("profile") };

	ck_assert(secret_set(&pin, rbuf_str(OLD_PIN)) && secret_set(&puk, rbuf_str(CARDTPM_PUK)));
	err = tpm_creation_plan(c.tpm, &spec, rbuf_of(NULL, 0), &creation, claims, &why);
	if (err == TPM_OK)
		err = tpm_creation_run(creation, &rec, &key, &random, &why);
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
