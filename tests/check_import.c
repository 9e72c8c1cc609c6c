/* SPDX-License-Identifier: BSD-2-Clause */
/* Private keys brought into a live software TPM: what they do there, that they stay, and who sees them on the way. */
#include <string.h>
#include <tss2/tss2_mu.h>
#include <unistd.h>

#include "tests/attacker.h"
#include "tests/keyparts.h"
#include "tests/memory.h"
#include "tests/suite.h"
#include "tests/tap.h"
#include "tpm/keyfile.h"
#include "tpm/parent.h"

static struct keyparts k;

/* Made once: finding primes takes a while. */
static struct keyparts rsa_2048, rsa_3072, p256, p384;

static void
setup_once(void)
{
	keyparts_make(&rsa_2048, ALG_RSA_2048);
	keyparts_make(&rsa_3072, ALG_RSA_3072);
	keyparts_make(&p256, ALG_ECC_P256);
	keyparts_make(&p384, ALG_ECC_P384);
}

static void
teardown_once(void)
{
	keyparts_free(&rsa_2048);
	keyparts_free(&rsa_3072);
	keyparts_free(&p256);
	keyparts_free(&p384);
}

static void
start_with(uint8_t algorithm)
{
	k = algorithm == ALG_RSA_2048 ? rsa_2048
	    : algorithm == ALG_RSA_3072 ? rsa_3072
	    : algorithm == ALG_ECC_P256 ? p256
					: p384;
}

/* Import k into c.key, and read its public value. */
static enum vault_err
import(uint8_t algorithm, enum pin_rule rule)
{
	const struct key_parts parts = keyparts_view(&k);
	enum vault_err err;

	c.algorithm = algorithm;
	c.key = wbuf_over(c.key_octets, sizeof c.key_octets);
	c.public_value = wbuf_over(c.public_octets, sizeof c.public_octets);
	err = vault_import(c.vault, algorithm, rule, &parts, &c.key);
	ck_assert_msg(err == VAULT_OK || c.key.len == 0, "something of a refused key is left");
	if (err == VAULT_OK)
		ck_assert_int_eq(vault_public_value(c.vault, wbuf_view(&c.key), &c.public_value),
		    VAULT_OK);
	return err;
}

/* ---- what they do ---- */

static const struct key_row {
	const char *why;
	uint8_t algorithm;
	enum pin_rule rule;
	enum key_operation kind;
	size_t in;
} key_rows[] = {
	{ "RSA-2048, PIN never", ALG_RSA_2048, PIN_NEVER, KEY_RSA, 256 },
	{ "RSA-2048, PIN once", ALG_RSA_2048, PIN_ONCE, KEY_RSA, 256 },
	{ "RSA-3072, PIN always", ALG_RSA_3072, PIN_ALWAYS, KEY_RSA, 384 },
	{ "P-256, PIN never", ALG_ECC_P256, PIN_NEVER, KEY_ECDSA, 32 },
	{ "P-256, PIN once", ALG_ECC_P256, PIN_ONCE, KEY_ECDSA, 20 },
	{ "P-256, PIN always", ALG_ECC_P256, PIN_ALWAYS, KEY_ECDSA, 32 },
	{ "P-384, PIN once", ALG_ECC_P384, PIN_ONCE, KEY_ECDSA, 48 },
};

START_TEST(imported_keys_obey_their_rule)
{
	const struct key_row *row = &key_rows[_i];
	const bool never = row->rule == PIN_NEVER;
	struct key_info info;

	start_with(row->algorithm);
	ck_assert_msg(import(row->algorithm, row->rule) == VAULT_OK, "%s", row->why);
	ck_assert_int_eq(vault_describe(c.vault, wbuf_view(&c.key), &info), VAULT_OK);
	ck_assert_uint_eq(info.algorithm, row->algorithm);
	ck_assert_int_eq(info.pin, row->rule);
	ck_assert_int_eq(info.origin, ORIGIN_IMPORTED);
	ck_assert_int_eq(cardtpm_operate(&c, row->kind, row->in), never ? VAULT_OK : VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_msg(cardtpm_operate(&c, row->kind, row->in) == VAULT_OK, "%s", row->why);
	ck_assert_msg(cardtpm_checks(&c, row->kind), "%s: OpenSSL does not agree", row->why);
	ck_assert_int_eq(cardtpm_operate(&c, row->kind, row->in),
	    row->rule == PIN_ALWAYS ? VAULT_AUTH : VAULT_OK);
	vault_forget(c.vault);
	ck_assert_int_eq(cardtpm_operate(&c, row->kind, row->in), never ? VAULT_OK : VAULT_AUTH);
}
END_TEST

/* The public value is the one the key had outside: certificates stay good. */
START_TEST(the_key_is_the_one_that_was_brought)
{
	static const uint8_t algorithms[] = { ALG_RSA_2048, ALG_RSA_3072, ALG_ECC_P256, ALG_ECC_P384 };
	const uint8_t algorithm = algorithms[_i];
	uint8_t digest[32] = { 1, 2, 3 };
	EVP_PKEY_CTX *ctx;

	start_with(algorithm);
	ck_assert_int_eq(import(algorithm, PIN_NEVER), VAULT_OK);
	if (algorithm == ALG_ECC_P256 || algorithm == ALG_ECC_P384) {
		ck_assert(cardtpm_agrees(&c, _i == 2 ? "P-256" : "P-384"));
		c.in = wbuf_over(c.in_octets, sizeof c.in_octets);
		wbuf_put(&c.in, rbuf_of(digest, sizeof digest));
		c.out = wbuf_over(c.out_octets, sizeof c.out_octets);
		ck_assert_int_eq(vault_operate(c.vault, wbuf_view(&c.key), KEY_ECDSA,
				     wbuf_view(&c.in), &c.out), VAULT_OK);
		ctx = EVP_PKEY_CTX_new(k.key, NULL);
		ck_assert_int_eq(EVP_PKEY_verify_init(ctx), 1);
		ck_assert_int_eq(EVP_PKEY_verify(ctx, c.out.data, c.out.len, digest, sizeof digest), 1);
		EVP_PKEY_CTX_free(ctx);
		return;
	}
	/* Encrypted with OpenSSL, decrypted by the card. */
	ck_assert(cardtpm_decrypts(&c, k.key));
}
END_TEST

static const struct refused_row {
	const char *why;
	uint8_t made, taken_as;
	bool spoilt;
	enum vault_err err;
} refused_rows[] = {
	{ "an exponent that does not fit", ALG_RSA_2048, ALG_RSA_2048, true, VAULT_MISMATCH },
	{ "RSA as ECC", ALG_RSA_2048, ALG_ECC_P256, false, VAULT_MISMATCH },
	{ "ECC as RSA", ALG_ECC_P256, ALG_RSA_2048, false, VAULT_MISMATCH },
	{ "RSA-2048 as RSA-3072", ALG_RSA_2048, ALG_RSA_3072, false, VAULT_MISMATCH },
	{ "RSA-4096, which this TPM lacks", ALG_RSA_2048, ALG_RSA_4096, false, VAULT_UNSUPPORTED },
	{ "AES", ALG_ECC_P256, ALG_AES_128, false, VAULT_UNSUPPORTED },
	{ "no algorithm", ALG_ECC_P256, 0, false, VAULT_UNSUPPORTED },
};

START_TEST(what_is_no_key_is_refused)
{
	const struct refused_row *row = &refused_rows[_i];

	start_with(row->made);
	if (row->spoilt)
		k.dp.octets[20] ^= 1;
	ck_assert_msg(import(row->taken_as, PIN_ONCE) == row->err, "%s", row->why);
}
END_TEST

START_TEST(too_little_room)
{
	const struct key_parts parts = keyparts_view(&p256);
	uint8_t octets[200];
	struct wbuf w = wbuf_over(octets, sizeof octets);

	wbuf_u8(&w, 7);
	ck_assert_int_eq(vault_import(c.vault, ALG_ECC_P256, PIN_ONCE, &parts, &w), VAULT_FAULT);
	ck_assert_uint_eq(w.len, 1);
	ck_assert(wbuf_ok(&w));
}
END_TEST

/* ---- storage keys of other kinds ---- */

static const struct parent_row {
	const char *why;
	TPMI_ALG_PUBLIC type;
	uint16_t detail, aes;
} parent_rows[] = {
	{ "P-256 with AES-256", TPM2_ALG_ECC, TPM2_ECC_NIST_P256, 256 },
	{ "P-384 with AES-128", TPM2_ALG_ECC, TPM2_ECC_NIST_P384, 128 },
	{ "P-384 with AES-256", TPM2_ALG_ECC, TPM2_ECC_NIST_P384, 256 },
	{ "RSA-2048 with AES-128", TPM2_ALG_RSA, 2048, 128 },
	{ "RSA-3072 with AES-256", TPM2_ALG_RSA, 3072, 256 },
};

static TPM2B_PUBLIC
storage_key(const struct parent_row *row)
{
	TPM2B_PUBLIC out = storage_key_template();
	TPMT_PUBLIC *area = &out.publicArea;

	area->type = row->type;
	area->parameters.asymDetail.symmetric.keyBits.aes = row->aes;
	if (row->type == TPM2_ALG_ECC) {
		area->parameters.eccDetail.curveID = row->detail;
		return out;
	}
	area->parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
	area->parameters.rsaDetail.keyBits = row->detail;
	area->parameters.rsaDetail.exponent = 0;
	area->unique.rsa.size = 0;
	return out;
}

START_TEST(any_storage_key_will_do)
{
	const struct parent_row *row = &parent_rows[_i];
	const TPM2B_PUBLIC template = storage_key(row);

	cardtpm_end(&c);
	cardtpm_prepare(&c);
	provision_template(PARENT_SRK, &template);
	cardtpm_make(&c, &cardtpm_usual, rbuf_of(NULL, 0));
	ck_assert(record_read(wbuf_view(&c.record), &record));
	ck_assert_msg(record.parent.handle == PARENT_SRK, "%s is not fit", row->why);
	start_with(ALG_ECC_P256);
	ck_assert_msg(import(ALG_ECC_P256, PIN_NEVER) == VAULT_OK, "%s", row->why);
	ck_assert(cardtpm_sign(&c) == VAULT_OK && cardtpm_checks(&c, KEY_ECDSA));
	start_with(ALG_RSA_2048);
	ck_assert_msg(import(ALG_RSA_2048, PIN_NEVER) == VAULT_OK, "%s", row->why);
	ck_assert(cardtpm_operate(&c, KEY_RSA, 256) == VAULT_OK && cardtpm_checks(&c, KEY_RSA));
}
END_TEST

/* ---- that they stay ---- */

/* Whoever has satisfied the key's own policy still cannot take it out, nor bring it under another authorisation. */
START_TEST(an_imported_key_does_not_come_out)
{
	static const enum pin_rule rules[] = { PIN_NEVER, PIN_ONCE, PIN_ALWAYS };
	static const TPM2_CC codes[] = { 0, TPM2_CC_Duplicate };
	const TPMT_SYM_DEF_OBJECT no_sym = { .algorithm = TPM2_ALG_NULL };
	TPM2B_ENCRYPTED_SECRET *seed = NULL;
	TPM2B_PRIVATE *out = NULL;
	TPM2B_DATA *inner = NULL;
	ESYS_TR key = ESYS_TR_NONE, session;
	struct keyfile file;
	size_t i;

	start_with(ALG_ECC_P256);
	ck_assert_int_eq(import(ALG_ECC_P256, rules[_i]), VAULT_OK);
	ck_assert(keyfile_read(wbuf_view(&c.key), &file));
	ck_assert_uint_eq(file.public_area.publicArea.objectAttributes,
	    TPMA_OBJECT_NODA | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_DECRYPT);
	attack_begin();
	ck_assert_uint_eq(Esys_Load(esys, object_at(record.parent.handle), ESYS_TR_PASSWORD, ESYS_TR_NONE,
			      ESYS_TR_NONE, &file.private_area, &file.public_area, &key), 0);
	ck_assert_uint_ne(Esys_Duplicate(esys, key, ESYS_TR_RH_NULL, ESYS_TR_PASSWORD,
			      ESYS_TR_NONE, ESYS_TR_NONE, NULL, &no_sym, &inner, &out, &seed), 0);
	for (i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		session = policy_session(0);
		if (rules[_i] == PIN_NEVER)
			life_is_zero(session);
		else
			ck_assert_uint_eq(prove(INDEX_PIN, CARDTPM_PIN, session,
					      _i == 1 ? PURPOSE_USE : PURPOSE_ALWAYS, 0, NULL), 0);
		if (codes[i] != 0)
			ck_assert_uint_eq(Esys_PolicyCommandCode(esys, session, ESYS_TR_NONE,
					      ESYS_TR_NONE, ESYS_TR_NONE, codes[i]), 0);
		ck_assert_uint_eq(Esys_Duplicate(esys, key, ESYS_TR_RH_NULL, session,
				      ESYS_TR_NONE, ESYS_TR_NONE, NULL, &no_sym, &inner, &out, &seed),
		    RC_TPM_POLICY_FAIL);
		discard(&session);
	}
	discard(&key);
	attack_end();
	unharmed();
}
END_TEST

/* An imported key's file, edited to say that the TPM made it, is no key. */
START_TEST(a_forged_origin_does_not_load)
{
	struct keyfile file;
	struct key_info info;

	start_with(ALG_ECC_P256);
	ck_assert_int_eq(import(ALG_ECC_P256, PIN_NEVER), VAULT_OK);
	ck_assert(keyfile_read(wbuf_view(&c.key), &file));
	file.public_area.publicArea.objectAttributes |= TPMA_OBJECT_FIXEDTPM |
	    TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN;
	c.key = wbuf_over(c.key_octets, sizeof c.key_octets);
	ck_assert(keyfile_write(&file, &c.key));
	ck_assert_int_eq(vault_describe(c.vault, wbuf_view(&c.key), &info), VAULT_OK);
	ck_assert_int_eq(info.origin, ORIGIN_GENERATED); /* it claims so */
	ck_assert_int_ne(cardtpm_sign(&c), VAULT_OK);
}
END_TEST

/* ---- who sees them on the way ---- */

/* Put a tap between the card and its TPM. */
static struct tap *
tap_in(const struct tap_hooks *hooks)
{
	struct tap *tap = tap_begin(&c.swtpm, hooks);

	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.config.tcti = tap_tcti(tap);
	c.tpm = tpm_new(&c.config);
	ck_assert_int_eq(tpm_vault_open(c.tpm, wbuf_view(&c.record), &c.vault), TPM_OK);
	return tap;
}

static void
tap_out(struct tap *tap)
{
	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.vault = NULL;
	c.tpm = NULL;
	tap_end(tap);
}

/* Whether 16 octets of a number, wherever in it, went over the wire. */
static bool
tap_saw_some(struct tap *tap, const struct part *part)
{
	size_t i;

	for (i = 0; i + 16 <= part->len; i += 16) {
		if (tap_saw(tap, rbuf_of(part->octets + i, 16)))
			return true;
	}
	return false;
}

START_TEST(no_private_key_on_the_wire)
{
	static const uint8_t algorithms[] = { ALG_RSA_2048, ALG_RSA_3072, ALG_ECC_P256, ALG_ECC_P384 };
	struct tap *tap = tap_in(NULL);

	start_with(algorithms[_i]);
	ck_assert_int_eq(import(algorithms[_i], PIN_NEVER), VAULT_OK);
	ck_assert_uint_eq(tap_count(tap, TPM2_CC_Import), 1);
	ck_assert(!tap_saw_some(tap, &k.p) && !tap_saw_some(tap, &k.q));
	ck_assert(!tap_saw_some(tap, &k.dp) && !tap_saw_some(tap, &k.dq));
	ck_assert(!tap_saw_some(tap, &k.qinv) && !tap_saw_some(tap, &k.scalar));
	/* The tap does see what crosses in clear. */
	ck_assert(tap_saw(tap, rbuf_of(c.public_value.data + 1, 32)));
	tap_out(tap);
}
END_TEST

/* The parameters of a recorded Import. */
static void
read_import(struct tap *tap, TPM2B_PUBLIC *area, TPM2B_PRIVATE *duplicate,
    TPM2B_ENCRYPTED_SECRET *seed)
{
	struct rbuf in = tap_command(tap, TPM2_CC_Import, 0), skip;
	uint32_t auth_len;
	size_t at = 0;

	/* Header, parent, sessions, no inner key. */
	ck_assert(rbuf_take(&in, 10 + 4, &skip) && rbuf_u32(&in, &auth_len) &&
	    rbuf_take(&in, auth_len + 2, &skip));
	ck_assert_uint_eq(Tss2_MU_TPM2B_PUBLIC_Unmarshal(in.data, in.len, &at, area), 0);
	ck_assert_uint_eq(Tss2_MU_TPM2B_PRIVATE_Unmarshal(in.data, in.len, &at, duplicate), 0);
	ck_assert_uint_eq(Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(in.data, in.len, &at, seed), 0);
}

static TSS2_RC
import_again(const TPM2B_PUBLIC *area, const TPM2B_PRIVATE *duplicate,
    const TPM2B_ENCRYPTED_SECRET *seed)
{
	const TPMT_SYM_DEF_OBJECT no_inner = { .algorithm = TPM2_ALG_NULL };
	const TPM2B_DATA no_key = { .size = 0 };
	TPM2B_PRIVATE *out = NULL;
	TSS2_RC rc = Esys_Import(esys, object_at(record.parent.handle), ESYS_TR_PASSWORD, ESYS_TR_NONE,
	    ESYS_TR_NONE, &no_key, area, duplicate, seed, &no_inner, &out);

	Esys_Free(out);
	return rc;
}

/* Who has recorded an import can repeat it, and change nothing. */
START_TEST(a_recorded_import_gives_no_other_key)
{
	struct tap *tap = tap_in(NULL);
	TPM2B_ENCRYPTED_SECRET seed = { .size = 0 };
	TPM2B_PUBLIC area = { .size = 0 }, evil;
	TPM2B_PRIVATE duplicate = { .size = 0 };

	start_with(ALG_ECC_P256);
	ck_assert_int_eq(import(ALG_ECC_P256, PIN_ONCE), VAULT_OK);
	read_import(tap, &area, &duplicate, &seed);
	attack_begin();
	ck_assert_uint_eq(import_again(&area, &duplicate, &seed), 0);
	evil = area;
	evil.publicArea.objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
	ck_assert_uint_ne(import_again(&evil, &duplicate, &seed), 0);
	evil = area;
	evil.publicArea.authPolicy.buffer[0] ^= 1;
	ck_assert_uint_ne(import_again(&evil, &duplicate, &seed), 0);
	evil = area;
	evil.publicArea.authPolicy.size = 0;
	evil.publicArea.objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
	ck_assert_uint_ne(import_again(&evil, &duplicate, &seed), 0);
	ck_assert_uint_eq(import_again(&area, &duplicate, &seed), 0);
	attack_end();
	tap_out(tap);
}
END_TEST

/* An interposer answers ReadPublic with another storage key: nothing is encrypted to it. */
struct swap {
	int nth, seen;
};

static void
swap_public(void *context, uint32_t command_code, uint8_t *answer, size_t len)
{
	struct swap *swap = context;

	if (command_code == TPM2_CC_ReadPublic && len > 100 && swap->seen++ == swap->nth)
		swap_point(answer, len);
}

START_TEST(nothing_is_encrypted_to_a_foreign_key)
{
	struct swap swap = { .nth = -1 };
	const struct tap_hooks hooks = { .answer = swap_public, .context = &swap };
	struct tap *tap = tap_in(&hooks);
	enum vault_err err = VAULT_FAULT;

	start_with(ALG_ECC_P256);
	/* Each reading in turn, until there are no more; a card that is open keeps what it has read. */
	while (err == VAULT_FAULT) {
		tpm_vault_free(c.vault);
		tpm_rest(c.tpm);
		ck_assert_int_eq(tpm_vault_open(c.tpm, wbuf_view(&c.record), &c.vault), TPM_OK);
		tap_clear(tap);
		swap = (struct swap){ .nth = swap.nth + 1 };
		err = import(ALG_ECC_P256, PIN_NEVER);
		ck_assert_int_eq(err, swap.seen > swap.nth ? VAULT_FAULT : VAULT_OK);
		ck_assert_uint_eq(tap_count(tap, TPM2_CC_Import), err == VAULT_OK ? 1 : 0);
	}
	ck_assert_int_gt(swap.nth, 0);
	tap_out(tap);
}
END_TEST

/* An interposer answers Import with another private area than the TPM's. */
static void
spoil_import(void *context, uint32_t command_code, uint8_t *answer, size_t len)
{
	(void)context;
	if (command_code == TPM2_CC_Import && len > 100)
		answer[60] ^= 1;
}

START_TEST(a_forged_answer_gives_no_key)
{
	const struct tap_hooks hooks = { .answer = spoil_import };
	struct tap *tap = tap_in(&hooks);

	start_with(ALG_ECC_P256);
	ck_assert_int_eq(import(ALG_ECC_P256, PIN_NEVER), VAULT_FAULT);
	tap_out(tap);
}
END_TEST

/* ---- memory ---- */

#define PIECE 16

/* How often either end of a number is in memory, as its octets or as a number of OpenSSL's. */
static size_t
hits_of(const uint8_t *inverted, size_t n)
{
	uint8_t backwards[PART_MAX];
	size_t i;

	for (i = 0; i < n; i++)
		backwards[i] = inverted[n - 1 - i];
	return memory_hits(inverted, PIECE) + memory_hits(inverted + n - PIECE, PIECE) +
	    memory_hits(backwards, PIECE) + memory_hits(backwards + n - PIECE, PIECE);
}

/* The caller's own copies aside, no private part is left in memory. */
START_TEST(import_leaves_no_private_key_in_memory)
{
	static const uint8_t algorithms[] = { ALG_RSA_2048, ALG_ECC_P256, ALG_ECC_P384 };
	const uint8_t algorithm = algorithms[_i];
	uint8_t inverted[PART_MAX];
	struct key_parts parts;
	const struct part *part;
	size_t n, i, before;

	start_with(algorithm);
	part = k.scalar.len != 0 ? &k.scalar : &k.p;
	n = part->len;
	for (i = 0; i < n; i++)
		inverted[i] = (uint8_t)~part->octets[i];
	parts = keyparts_view(&k);
	c.key = wbuf_over(c.key_octets, sizeof c.key_octets);
	before = hits_of(inverted, n);
	ck_assert_msg(before > 0, "the search finds nothing at all");
	ck_assert_int_eq(vault_import(c.vault, algorithm, PIN_NEVER, &parts, &c.key), VAULT_OK);
	ck_assert_uint_eq(hits_of(inverted, n), before);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("import");
	TCase *tcase = tcase_create("import");

	tcase_set_timeout(tcase, 300);
	tcase_add_unchecked_fixture(tcase, setup_once, teardown_once);
	tcase_add_checked_fixture(tcase, attack_setup, attack_teardown);
	tcase_add_rows(tcase, imported_keys_obey_their_rule, key_rows);
	tcase_add_loop_test(tcase, the_key_is_the_one_that_was_brought, 0, 4);
	tcase_add_rows(tcase, what_is_no_key_is_refused, refused_rows);
	tcase_add_test(tcase, too_little_room);
	tcase_add_rows(tcase, any_storage_key_will_do, parent_rows);
	tcase_add_loop_test(tcase, an_imported_key_does_not_come_out, 0, 3);
	tcase_add_test(tcase, a_forged_origin_does_not_load);
	tcase_add_loop_test(tcase, no_private_key_on_the_wire, 0, 4);
	tcase_add_test(tcase, a_recorded_import_gives_no_other_key);
	tcase_add_test(tcase, nothing_is_encrypted_to_a_foreign_key);
	tcase_add_test(tcase, a_forged_answer_gives_no_key);
	if (!memory_kept())
		tcase_add_loop_test(tcase, import_leaves_no_private_key_in_memory, 0, 3);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
