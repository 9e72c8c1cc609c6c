/* SPDX-License-Identifier: BSD-2-Clause */
/* What a live software TPM certifies about cards of all kinds is evidence that holds; about others, it is none. */
#include <string.h>

#include "tests/attacker.h"
#include "tests/keyparts.h"
#include "tests/suite.h"
#include "tpm/attestation.h"
#include "tpm/digest.h"

#define KEYS 4

static struct evidence e;
static struct evidence_report report;
static uint8_t pool_octets[1 << 15], ak_octets[VAULT_KEY_MAX], key_octets[KEYS][VAULT_KEY_MAX];
static struct wbuf pool, ak, keys[KEYS];
static struct digest qualifying;

/* clang-format off */
static const struct card_row {
	const char *why;
	struct cardtpm_kind kind;
	bool puk, admin, puk_resets, admin_resets;
} cards[] = {
	{ "the usual card", { true, false, true, ALG_3DES, 60 }, true, true, true, true },
	{ "no PUK", { false, false, true, ALG_3DES, 60 }, false, true, false, true },
	{ "an AES key of the TPM's", { true, false, true, ALG_AES_256, 60 }, true, true, true, true },
	{ "an administrator without power", { true, false, false, ALG_3DES, 60 }, true, true, true, false },
	{ "a random admin key", { true, true, false, ALG_3DES, 60 }, true, false, true, false },
};

static const struct key_row {
	uint8_t reference, algorithm;
	enum pin_rule rule;
	enum key_origin origin;
} key_rows[KEYS] = {
	{ 0x9a, ALG_RSA_2048, PIN_ONCE, ORIGIN_GENERATED },
	{ 0x9c, ALG_ECC_P384, PIN_ALWAYS, ORIGIN_GENERATED },
	{ 0x9d, ALG_ECC_P256, PIN_ONCE, ORIGIN_IMPORTED },
	{ 0x9e, ALG_ECC_P256, PIN_NEVER, ORIGIN_GENERATED },
};
/* clang-format on */

static void
make_key(size_t i)
{
	uint8_t octets[VAULT_PUBLIC_MAX];
	struct wbuf public_value = wbuf_over(octets, sizeof octets);
	struct keyparts parts;
	struct key_parts view;

	keys[i] = wbuf_over(key_octets[i], sizeof key_octets[i]);
	if (key_rows[i].origin == ORIGIN_GENERATED) {
		ck_assert_int_eq(vault_generate(c.vault, key_rows[i].algorithm, key_rows[i].rule,
				     &keys[i], &public_value), VAULT_OK);
		return;
	}
	keyparts_make(&parts, key_rows[i].algorithm);
	view = keyparts_view(&parts);
	ck_assert_int_eq(vault_import(c.vault, key_rows[i].algorithm, key_rows[i].rule, &view,
			     &keys[i]), VAULT_OK);
	keyparts_free(&parts);
}

static void
make_card(const struct cardtpm_kind *kind)
{
	size_t i;

	cardtpm_begin(&c, kind);
	ak = wbuf_over(ak_octets, sizeof ak_octets);
	ck_assert_int_eq(attestation_make(c.vault, &ak), VAULT_OK);
	for (i = 0; i < KEYS; i++)
		make_key(i);
}

static void
gather(void)
{
	struct evidence_key own = { .reference = 0xf9 };
	size_t i;

	memset(&e, 0, sizeof e);
	pool = wbuf_over(pool_octets, sizeof pool_octets);
	e.name = rbuf_str("a card");
	e.nonce = rbuf_str("fresh");
	ck_assert(attestation_of_record(c.vault, &pool, &e));
	ck_assert_int_eq(attestation_of_key(c.vault, wbuf_view(&ak), &pool, &own), VAULT_OK);
	e.ak_area = own.area;
	for (i = 0; i < KEYS; i++) {
		e.key[i].reference = key_rows[i].reference;
		ck_assert_int_eq(attestation_of_key(c.vault, wbuf_view(&keys[i]), &pool, &e.key[i]),
		    VAULT_OK);
	}
	e.keys = KEYS;
	ck_assert(evidence_digest(&e, &qualifying));
}

static void
certify(void)
{
	size_t i;

	for (i = 0; i < EVIDENCE_INDICES; i++) {
		if (e.index[i].area.len != 0)
			ck_assert_int_eq(attestation_index(c.vault, wbuf_view(&ak), i,
					     digest_view(&qualifying), &pool, &e.index[i].statement),
			    VAULT_OK);
	}
	for (i = 0; i < KEYS; i++) {
		if (e.key[i].creation.len != 0)
			ck_assert_int_eq(attestation_creation(c.vault, wbuf_view(&ak),
					     wbuf_view(&keys[i]), digest_view(&qualifying), &pool,
					     &e.key[i].statement), VAULT_OK);
	}
}

START_TEST(a_card_is_what_it_says)
{
	const struct card_row *row = &cards[_i];
	size_t i;

	make_card(&row->kind);
	ck_assert_int_eq(cardtpm_verify(&c, "wrong one"), VAULT_AUTH);
	gather();
	certify();
	ck_assert_msg(evidence_check(&e, &report), "%s: %s %s %s %s", row->why, report.ak.text,
	    report.authority.text, report.index[INDEX_PIN].fault.text, report.key[0].fault.text);
	ck_assert_msg(report.index[INDEX_PUK].present == row->puk &&
		report.index[INDEX_ADMIN].present == row->admin &&
		report.puk_resets == row->puk_resets && report.admin_resets == row->admin_resets,
	    "%s", row->why);
	ck_assert_uint_eq(report.index[INDEX_PIN].count, 1);
	ck_assert_uint_eq(report.index[INDEX_PIN].limit, 5);
	for (i = 0; i < KEYS; i++) {
		ck_assert_uint_eq(report.key[i].info.algorithm, key_rows[i].algorithm);
		ck_assert_int_eq(report.key[i].info.pin, key_rows[i].rule);
		ck_assert_int_eq(report.key[i].info.origin, key_rows[i].origin);
	}
	cardtpm_end(&c);
}
END_TEST

/* The AK of an earlier card in the place of this one's, which certifies. */
START_TEST(cards_are_told_apart)
{
	static uint8_t area[512];
	struct wbuf others = wbuf_over(area, sizeof area);

	make_card(&cardtpm_usual);
	gather();
	wbuf_put(&others, e.ak_area);
	ck_assert(wbuf_ok(&others));
	cardtpm_end(&c);
	make_card(&cardtpm_usual);
	gather();
	e.ak_area = wbuf_view(&others);
	ck_assert(evidence_digest(&e, &qualifying));
	certify();
	ck_assert(!evidence_check(&e, &report));
	ck_assert_msg(strstr(report.ak.text, "another card's") != NULL, "%s", report.ak.text);
	ck_assert(strstr(report.index[INDEX_PIN].fault.text, "not signed by this") != NULL);
	ck_assert(strstr(report.key[0].fault.text, "not signed by this") != NULL);
	cardtpm_end(&c);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("witness");
	TCase *tcase = tcase_create("witness");

	tcase_set_timeout(tcase, 120);
	tcase_add_rows(tcase, a_card_is_what_it_says, cards);
	tcase_add_test(tcase, cards_are_told_apart);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
