/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Yubico's software asks of the card: version, serial number, metadata,
 * imports, moves, a new management key, reset.  Cards whose power goes in the
 * middle of one are in check_piv_crash.
 */
#include <stdio.h>
#include <string.h>

#include "tests/exchanges.h"
#include "tests/suite.h"

/* ---- cards not like the others ---- */

static void
note(struct fake_card *card, uint32_t id)
{
	ck_assert_int_eq(
	    store_put(&card->store.port, STORE_DEFAULT, id, rbuf_str("default\n")), STORE_OK);
}

static void
all_defaults(struct fake_card *card)
{
	note(card, 0x80);
	note(card, 0x81);
	note(card, 0x9b);
}

static void
without_puk(struct fake_card *card)
{
	card->vault.references[REFERENCE_PUK].present = false;
}

static void
without_pin(struct fake_card *card)
{
	card->vault.references[REFERENCE_PIN].present = false;
}

static void
attests(struct fake_card *card)
{
	fake_card_attests(card);
}

/* A key that asks for the PIN is no attestation key of this card. */
static void
attests_by_another(struct fake_card *card)
{
	ck_assert_int_eq(
	    store_put(&card->store.port, STORE_KEY, 0xf9, rbuf_str("K\x11\x02\x07")), STORE_OK);
}

static void
unreadable(struct fake_card *card)
{
	card->vault.unreadable = true;
}

static void
other_limits(struct fake_card *card)
{
	card->vault.references[REFERENCE_PIN].left = 0;
	card->vault.references[REFERENCE_PIN].limit = 10;
	card->vault.references[REFERENCE_PUK].left = 2;
	card->vault.references[REFERENCE_PUK].limit = 3;
}

static void
begin_guid(struct fake_card *card, const char *octets)
{
	struct rbuf in = rbuf_of(octets, 4);

	memset(card->profile.guid, 0x77, sizeof card->profile.guid);
	ck_assert(rbuf_copy(&in, card->profile.guid, 4));
}

static void
with_guid(struct fake_card *card)
{
	begin_guid(card, "\x5e\xad\xbe\xef");
}

static void
with_negative_guid(struct fake_card *card)
{
	begin_guid(card, "\xde\xad\xbe\xef");
}

static void
with_smallest_guid(struct fake_card *card)
{
	begin_guid(card, "\x80\0\0\0");
}

/* There is an ADMIN, and the octets of 9B cannot be had. */
static void
hidden_admin(struct fake_card *card)
{
	struct rbuf key;

	ck_assert(fake_store_peek(&card->store, STORE_KEY, 0x9b, &key));
	card->vault.memory->admin_serial = rbuf_at(key, 3);
	card->vault.admin_hidden = true;
}

static void
give_9b(struct fake_card *card, uint8_t algorithm, enum pin_rule rule)
{
	uint8_t octets[8];
	struct wbuf key = wbuf_over(octets, sizeof octets);

	fake_vault_key(&card->vault, algorithm, rule, &key);
	ck_assert_int_eq(store_put(&card->store.port, STORE_KEY, 0x9b, wbuf_view(&key)), STORE_OK);
}

static void
aes_admin(struct fake_card *card)
{
	give_9b(card, ALG_AES_256, PIN_NEVER);
}

static void
admin_behind_pin(struct fake_card *card)
{
	give_9b(card, ALG_3DES, PIN_ONCE);
}

/* There was a 9B once. */
static void
without_admin(struct fake_card *card)
{
	ck_assert_int_eq(store_remove(&card->store.port, STORE_KEY, 0x9b), STORE_OK);
}

/* ---- sessions ---- */

struct session {
	const char *why;
	void (*prepare)(struct fake_card *); /* or NULL */
	struct exchange steps[STEPS];
};

#define SERIAL             "00 f8 00 00"
#define PUT_CHUID(lc, len) "00 db 3f ff " lc " 5c 03 5f c1 02 53 " len " "

#define P256(rule, origin) "01 01 11 02 02 " rule " 01 03 01 " origin " 04 43 86 41 04 c3*64 9000"
#define P384(rule, origin) "01 01 14 02 02 " rule " 01 03 01 " origin " 04 63 86 61 04 c3*96 9000"
#define RSA2048(rule, origin)                                                                      \
	"01 01 07 02 02 " rule " 01 03 01 " origin                                                 \
	" 04 82 01 09 81 82 01 00 c3*256 82 03 01 00 01 9000"
#define RSA3072(rule, origin)                                                                      \
	"01 01 05 02 02 " rule " 01 03 01 " origin                                                 \
	" 04 82 01 89 81 82 01 80 c3*384 82 03 01 00 01 9000"

/* Keys to import: numbers of octets that are found nowhere else. */
#define SCALAR_256      "06 20 d6*32"
#define SCALAR_384      "06 30 d6*48"
#define PARTS_2048      "01 81 80 d1*128 02 81 80 d2*128 03 81 80 d3*128 04 81 80 d4*128 05 81 80 d5*128"
#define PARTS_3072      "01 81 c0 d1*192 02 81 c0 d2*192 03 81 c0 d3*192 04 81 c0 d4*192 05 81 c0 d5*192"
/* The fake vault's certificate by the AK, its sixth key, for a key of a serial number. */
#define CERTIFIES_10(ref, n) "06 " ref " " n " 06 " ref " " n " 06 " ref " " n " 06 " ref " " n " 06 " ref " " n \
	" 06 " ref " " n " 06 " ref " " n " 06 " ref " " n " 06 " ref " " n " 06 " ref " " n " "
#define CERTIFIES(ref, n) CERTIFIES_10(ref, n) CERTIFIES_10(ref, n) CERTIFIES_10(ref, n) CERTIFIES_10(ref, n) \
	CERTIFIES_10(ref, n) CERTIFIES_10(ref, n) CERTIFIES_10(ref, n) CERTIFIES_10(ref, n) CERTIFIES_10(ref, n) \
	CERTIFIES_10(ref, n)
#define IMPORT_EC(ref)  "00 fe 11 " ref " 22 " SCALAR_256
#define IMPORT_RSA(ref) "00 fe 07 " ref " 00 02 8f " PARTS_2048

#define SIGN_82  "00 87 11 82 26 7c 24 82 00 81 20 22*32"
#define SIGN_83  "00 87 11 83 26 7c 24 82 00 81 20 22*32"
#define KEY_24   "31*8 32*8 33*8"
#define SET_3DES "00 ff ff ff 1b 03 9b 18 " KEY_24

/* clang-format off */
static const struct session sessions[] = {
	/* ---- GET VERSION ---- */
	{ "the version, however it is asked for", NULL, {
		{ "00 fd 00 00", "05 04 03 9000" }, { "00 fd 00 00 00", "05 04 03 9000" },
		{ "00 fd 00 00 03", "05 04 03 9000" }, { "00 fd 00 00 00 00 00", "05 04 03 9000" },
		{ "00 fd 00 00 01", "05 6102" }, { "00 c0 00 00 02", "04 03 9000" },
		{ "00 fd 00 00 01 aa", "6700" }, { "00 fd 01 00", "6a86" }, { "00 fd 00 01", "6a86" },
		{ "10 fd 00 00", "6884" },
	} },
	{ "the version takes nothing away", NULL, {
		VERIFIED, ADMIN, { "00 fd 00 00", "05 04 03 9000" }, SIGN_9A, IS_ADMIN,
		{ "00 fd 00 00", "05 04 03 9000" }, { SIGN_9C, "6982" },
	} },

	/* ---- GET SERIAL ---- */
	{ "the card's GUID's first four octets", with_guid, {
		{ SERIAL, "5e ad be ef 9000" }, { SERIAL " 00", "5e ad be ef 9000" },
		{ SERIAL " 04", "5e ad be ef 9000" }, { SERIAL " 00 00 00", "5e ad be ef 9000" },
		{ SERIAL " 02", "5e ad 6102" }, { "00 c0 00 00", "be ef 9000" },
		{ SERIAL " 01 aa", "6700" }, { "00 f8 00 01", "6a86" }, { "00 f8 01 00", "6a86" },
		{ "10 f8 00 00", "6884" },
	} },
	{ "hosts take it for a number greater than zero", with_negative_guid, { { SERIAL, "5e ad be ef 9000" } } },
	{ "never zero", NULL, { { SERIAL, "00 00 00 01 9000" } } },
	{ "never zero, whatever its sign", with_smallest_guid, { { SERIAL, "00 00 00 01 9000" } } },
	{ "the number stays, whatever becomes of the CHUID", with_guid, {
		ADMIN, { PUT_CHUID("19", "12") "34 10 aa*16", "9000" }, { SERIAL, "5e ad be ef 9000" },
		{ PUT_CHUID("07", "00"), "9000" }, { SERIAL, "5e ad be ef 9000" },
		{ PUT_CHUID("08", "01") "34", "9000" }, { SERIAL, "5e ad be ef 9000" },
	} },
	{ "the number takes nothing away", with_guid, {
		VERIFIED, ADMIN, { SERIAL, "5e ad be ef 9000" }, SIGN_9A, IS_ADMIN,
	} },

	/* ---- GET METADATA ---- */
	{ "metadata of the keys a card comes with", NULL, {
		{ "00 f7 00 9a 00 00 00", RSA2048("02", "01") }, { "00 f7 00 9c", P256("03", "01") },
		{ "00 f7 00 9d", P384("02", "01") }, { "00 f7 00 9e", P256("01", "01") },
		{ "00 f7 00 9e 00", P256("01", "01") }, { "00 f7 00 9b", "01 01 03 02 02 00 01 05 01 00 9000" },
	} },
	{ "a modulus in pieces", NULL, {
		{ "00 f7 00 9a", "01 01 07 02 02 02 01 03 01 01 04 82 01 09 81 82 01 00 c3*238 6117" },
		{ "00 c0 00 00", "c3*18 82 03 01 00 01 9000" },
	} },
	{ "references without a key, and no references", NULL, {
		{ "00 f7 00 82", "6a88" }, { "00 f7 00 95", "6a88" }, { "00 f7 00 00", "6a88" },
		{ "00 f7 00 81", "01 01 ff 05 01 00 06 02 05 05 9000" },
		{ "00 f7 00 96", "6a88" }, { "00 f7 00 98", "6a88" }, { "00 f7 00 99", "6a88" },
		{ "00 f7 00 9f", "6a88" }, { "00 f7 00 f9", "6a88" }, { "00 f7 00 ff", "6a88" },
		{ "00 f7 00 04", "6a88" }, { "00 f7 01 9a", "6a86" }, { "00 f7 00 9a 01 aa", "6700" },
		{ "10 f7 00 9a", "6884" },
	} },
	{ "PIN and PUK: tries and no defaults", NULL, {
		{ "00 f7 00 80", "01 01 ff 05 01 00 06 02 05 05 9000" }, { PIN_WRONG, "63c4" },
		{ "00 f7 00 80", "01 01 ff 05 01 00 06 02 05 04 9000" },
		{ "00 f7 00 81", "01 01 ff 05 01 00 06 02 05 05 9000" },
		{ "00 2c 00 80 10 " BAD " " NEW, "63c4" }, { "00 2c 00 80 10 " BAD " " NEW, "63c3" },
		{ "00 f7 00 81", "01 01 ff 05 01 00 06 02 05 03 9000" },
		VERIFIED, { "00 f7 00 80", "01 01 ff 05 01 00 06 02 05 05 9000" },
	} },
	{ "all three have their default values", all_defaults, {
		{ "00 f7 00 80", "01 01 ff 05 01 01 06 02 05 05 9000" },
		{ "00 f7 00 81", "01 01 ff 05 01 01 06 02 05 05 9000" },
		{ "00 f7 00 9b", "01 01 03 02 02 00 01 05 01 01 9000" },
		{ "00 f7 00 80 02", "01 01 6108" }, { "00 c0 00 00", "ff 05 01 01 06 02 05 05 9000" },
	} },
	{ "other numbers of tries, and none left", other_limits, {
		{ "00 f7 00 80", "01 01 ff 05 01 00 06 02 0a 00 9000" },
		{ "00 f7 00 81", "01 01 ff 05 01 00 06 02 03 02 9000" },
	} },
	{ "a card without a PUK: it is blocked", without_puk, {
		{ "00 f7 00 81", "01 01 ff 05 01 00 06 02 00 00 9000" }, { "00 f7 00 80", "...9000" } } },
	{ "tries that cannot be told", unreadable, {
		{ "00 f7 00 80", "6985" }, { "00 f7 00 81", "6985" }, { "00 f7 00 9b", "...9000" },
		{ "00 f7 00 9e", P256("01", "01") },
	} },
	{ "an AES 9B", aes_admin, { { "00 f7 00 9b", "01 01 0c 02 02 00 01 05 01 00 9000" } } },
	{ "metadata take the freshness of a VERIFY, and nothing else", NULL, {
		VERIFIED, ADMIN, { "00 f7 00 9c", P256("03", "01") }, SIGN_9A, IS_ADMIN,
		VERIFIED, { "00 f7 00 9c", P256("03", "01") }, { SIGN_9C, "6982" },
	} },

	/* ---- IMPORT ASYMMETRIC KEY ---- */
	{ "IMPORT is the administrator's", NULL, {
		{ IMPORT_EC("9a"), "6982" }, { "10 fe 11 9a 02 06 20", "6982" }, VERIFIED,
		{ IMPORT_EC("9a"), "6982" }, { "00 f7 00 9a 00 00 00", RSA2048("02", "01") },
	} },
	{ "a key in the place of another", NULL, {
		ADMIN, { IMPORT_EC("9a"), "9000" }, { "00 f7 00 9a", P256("02", "02") },
		{ "00 87 11 9a 26 7c 24 82 00 81 20 22*32", "6982" }, VERIFIED,
		{ "00 87 11 9a 26 7c 24 82 00 81 20 22*32", SIGN_9C_ANSWER },
		{ "00 fe 14 9a 32 " SCALAR_384, "9000" }, { "00 f7 00 9a", P384("02", "02") },
		{ "00 fe 05 9a 00 03 cf " PARTS_3072, "9000" }, { "00 f7 00 9a 00 00 00", RSA3072("02", "02") },
		{ IMPORT_RSA("9a"), "9000" }, { "00 f7 00 9a 00 00 00", RSA2048("02", "02") }, SIGN_9A,
	} },
	{ "a first key, with its place's rule", NULL, {
		ADMIN, { IMPORT_EC("82"), "9000" }, { SIGN_82, "6982" }, VERIFIED,
		{ SIGN_82, SIGN_9C_ANSWER }, { IMPORT_EC("9c"), "9000" }, { SIGN_9C, "6982" },
		VERIFIED, { SIGN_9C, SIGN_9C_ANSWER }, { SIGN_9C, "6982" },
	} },
	{ "rules of the host's own: never and once", NULL, {
		ADMIN,
		{ "00 fe 11 9c 25 " SCALAR_256 " aa 01 01", "9000" }, { "00 f7 00 9c", P256("01", "02") },
		{ SIGN_9C, SIGN_9C_ANSWER },
		{ "00 fe 11 9c 25 aa 01 02 " SCALAR_256, "9000" }, { "00 f7 00 9c", P256("02", "02") },
		{ SIGN_9C, "6982" }, VERIFIED, { SIGN_9C, SIGN_9C_ANSWER }, { SIGN_9C, SIGN_9C_ANSWER },
		{ "00 fe 11 9c 25 " SCALAR_256 " aa 01 00", "9000" }, { "00 f7 00 9c", P256("03", "02") },
	} },
	{ "rules of the host's own: always, and touch never", NULL, {
		ADMIN,
		{ "00 fe 11 9e 28 " SCALAR_256 " aa 01 03 ab 01 01", "9000" }, { "00 f7 00 9e", P256("03", "02") },
		VERIFIED, SIGN_9E, { "00 87 11 9e 26 7c 24 82 00 81 20 22*32", "6982" },
		{ "00 fe 11 9e 28 ab 01 00 aa 01 00 " SCALAR_256, "9000" }, SIGN_9E,
		{ "00 f7 00 9e", P256("01", "02") },
	} },
	{ "values that are none, and a touch that nobody can give", NULL, {
		ADMIN,
		{ "00 fe 11 9e 25 " SCALAR_256 " aa 01 04", "6a80" }, { "00 fe 11 9e 25 " SCALAR_256 " aa 01 ff", "6a80" },
		{ "00 fe 11 9e 24 " SCALAR_256 " aa 00", "6a80" }, { "00 fe 11 9e 26 " SCALAR_256 " aa 02 01 01", "6a80" },
		{ "00 fe 11 9e 25 " SCALAR_256 " ab 01 02", "6a80" }, { "00 fe 11 9e 25 " SCALAR_256 " ab 01 03", "6a80" },
		{ "00 fe 11 9e 25 " SCALAR_256 " ab 01 ff", "6a80" }, { "00 fe 11 9e 24 " SCALAR_256 " ab 00", "6a80" },
		{ "00 fe 11 9e 26 " SCALAR_256 " ab 02 01 01", "6a80" },
		{ "00 fe 11 9e 28 " SCALAR_256 " aa 01 01 aa 01 01", "6a80" },
		{ "00 f7 00 9e", P256("01", "01") },
	} },
	{ "scalars that are none", NULL, {
		ADMIN,
		{ "00 fe 11 9e", "6700" }, { "00 fe 11 9e 01 06", "6700" }, { "00 fe 11 9e 02 06 00", "6a80" },
		{ "00 fe 11 9e 03 aa 01 01", "6a80" }, { "00 fe 11 9e 44 " SCALAR_256 " " SCALAR_256, "6a80" },
		{ "00 fe 11 9e 21 06 20 d6*31", "6a80" }, { "00 fe 11 9e 23 " SCALAR_256 " 00", "6a80" },
		{ "00 fe 11 9e 23 06 81 20 d6*32", "6a80" }, { "00 fe 11 9e 22 07 20 d6*32", "6a80" },
		{ "00 fe 11 9e 22 08 20 d6*32", "6a80" }, { "00 fe 11 9e 24 7c 22 " SCALAR_256, "6a80" },
		{ "00 fe 11 9e 22 06 20 00 d6*31", "6a80" }, { "00 f7 00 9e", P256("01", "01") },
	} },
	{ "parts of the other family", NULL, {
		ADMIN,
		{ "00 fe 11 9e 24 " SCALAR_256 " 01 00", "6a80" }, { "00 fe 11 9e 25 " SCALAR_256 " 01 01 d1", "6a80" },
		{ "00 fe 11 9e 25 " SCALAR_256 " 05 01 d5", "6a80" },
		{ "00 fe 11 9e 00 02 8f " PARTS_2048, "6a80" }, { "00 fe 07 9e 22 " SCALAR_256, "6a80" },
		{ "00 fe 07 9e 00 02 b1 " PARTS_2048 " " SCALAR_256, "6a80" },
		{ "00 fe 07 9e 00 02 91 " PARTS_2048 " 06 00", "6a80" }, { "00 f7 00 9e", P256("01", "01") },
	} },
	{ "algorithms that no key is imported of", NULL, {
		ADMIN,
		{ "00 fe 00 9e 22 " SCALAR_256, "6a80" }, { "00 fe 03 9e 22 " SCALAR_256, "6a80" },
		{ "00 fe 08 9e 22 " SCALAR_256, "6a80" }, { "00 fe 0c 9e 22 " SCALAR_256, "6a80" },
		{ "00 fe 06 9e 00 02 8f " PARTS_2048, "6a80" }, { "00 fe 16 9e 00 02 8f " PARTS_2048, "6a80" },
		{ "00 fe e0 9e 22 07 20 d6*32", "6a80" }, { "00 fe e1 9e 22 08 20 d6*32", "6a80" },
		{ "00 fe ff 9e 22 " SCALAR_256, "6a80" }, { "00 f7 00 9e", P256("01", "01") },
	} },
	{ "places there are none", NULL, {
		ADMIN,
		{ IMPORT_EC("9b"), "6a86" }, { IMPORT_EC("80"), "6a86" }, { IMPORT_EC("81"), "6a86" },
		{ IMPORT_EC("96"), "6a86" }, { IMPORT_EC("99"), "6a86" }, { IMPORT_EC("9f"), "6a86" },
		{ IMPORT_EC("f9"), "6a86" }, { IMPORT_EC("00"), "6a86" }, { IMPORT_EC("ff"), "6a86" },
		{ "00 fe 11 9b 02 06 00", "6a86" },
	} },
	{ "an import in a chain", NULL, {
		ADMIN,
		{ "10 fe 07 82 ff 01 81 80 d1*128 02 81 79 d2*121", "9000" }, { "00 fe 07 82 01 d2", "6a80" },
		{ "10 fe 07 82 83 01 81 80 d1*128", "9000" }, { "10 fe 07 82 83 02 81 80 d2*128", "9000" },
		{ "10 fe 07 82 83 03 81 80 d3*128", "9000" }, { "10 fe 07 82 80 04 81 80 d4*125", "9000" },
		{ "00 fe 07 82 86 d4*3 05 81 80 d5*128", "9000" }, { "00 f7 00 82 00 00 00", RSA2048("02", "02") },
		{ "10 fe 07 82 83 01 81 80 d1*128", "9000" }, { "00 fe 11 82 22 " SCALAR_256, "6883" },
		{ "00 f7 00 82 00 00 00", RSA2048("02", "02") },
	} },
	{ "more than any key has", NULL, {
		ADMIN,
		{ "00 fe 07 82 00 08 00 01 82 07 fc d1*2044", "6a80" },
		{ "00 fe 07 82 00 08 01 01 82 07 fd d1*2045", "6700" },
		{ "10 fe 07 82 00 08 00 01 82 07 fc d1*2044", "9000" }, { "00 fe 07 82 01 aa", "6700" },
		{ "00 f7 00 82", "6a88" },
	} },

	/* ---- MOVE KEY ---- */
	{ "MOVE is the administrator's", NULL, {
		{ "00 f6 82 9e", "6982" }, { "00 f6 ff 9e", "6982" }, VERIFIED, { "00 f6 82 9e", "6982" }, SIGN_9E,
	} },
	{ "a key moves with its rule, and is gone where it was", NULL, {
		ADMIN, { "00 f6 82 9e", "9000" }, { "00 f7 00 9e", "6a88" }, { "00 f7 00 82", P256("01", "01") },
		{ "00 87 11 9e 26 7c 24 82 00 81 20 22*32", "6a88" }, { SIGN_82, SIGN_9C_ANSWER },
		{ "00 f6 83 9c", "9000" }, { SIGN_83, "6982" }, VERIFIED, { SIGN_83, SIGN_9C_ANSWER },
		{ SIGN_83, "6982" }, { "00 f6 9c 83", "9000" }, VERIFIED, { SIGN_9C, SIGN_9C_ANSWER },
		{ "00 f7 00 9c", P256("03", "01") },
	} },
	{ "an imported key stays one", NULL, {
		ADMIN, { "00 fe 11 82 25 " SCALAR_256 " aa 01 03", "9000" }, { "00 f6 95 82", "9000" },
		{ "00 f7 00 95", P256("03", "02") }, { "00 f7 00 82", "6a88" },
	} },
	{ "a key in the way stays, and so does the one that was to move", NULL, {
		ADMIN, { "00 f6 9a 9e", "6985" }, { "00 f7 00 9a 00 00 00", RSA2048("02", "01") }, SIGN_9E,
		{ "00 f6 9e 82", "6985" }, SIGN_9E,
	} },
	{ "no key there", NULL, {
		ADMIN, { "00 f6 82 83", "6a88" }, { "00 f6 ff 82", "6a88" }, { "00 f7 00 82", "6a88" },
	} },
	{ "a key is deleted; its certificate stays", NULL, {
		ADMIN, { "00 f6 ff 9e", "9000" }, { "00 f7 00 9e", "6a88" }, { "00 f6 ff 9e", "6a88" },
		{ "00 f6 ff 9a", "9000" }, { "00 f7 00 9a", "6a88" },
		{ "00 cb 3f ff 00 00 05 5c 03 5f c1 05 00 00", "53 82 0c 00 ce*3072 9000" },
		{ "00 47 00 9e 05 ac 03 80 01 11", "...9000" }, SIGN_9E,
	} },
	{ "places that keys do not move to or from", NULL, {
		ADMIN,
		{ "00 f6 9e 9e", "6a86" }, { "00 f6 9b 9e", "6a86" }, { "00 f6 82 9b", "6a86" },
		{ "00 f6 ff 9b", "6a86" }, { "00 f6 80 9e", "6a86" }, { "00 f6 82 80", "6a86" },
		{ "00 f6 96 9e", "6a86" }, { "00 f6 82 f9", "6a86" }, { "00 f6 f9 9e", "6a86" },
		{ "00 f6 00 9e", "6a86" }, { "00 f6 ff ff", "6a86" }, { "00 f6 82 9e 01 aa", "6700" },
		{ "10 f6 82 9e", "6884" }, SIGN_9E,
	} },

	/* ---- SET MANAGEMENT KEY ---- */
	{ "SET MANAGEMENT KEY is the administrator's", NULL, {
		{ SET_3DES, "6982" }, VERIFIED, { SET_3DES, "6982" }, ADMIN, IS_ADMIN,
	} },
	{ "another algorithm: the new one serves, the old one does not", NULL, {
		ADMIN, { "00 ff ff ff 13 08 9b 10 31*16", "9000" },
		{ "00 f7 00 9b", "01 01 08 02 02 00 01 05 01 00 9000" }, { DELETE_CHUID, "9000" },
		{ "00 87 03 9b 04 7c 02 81 00", "6a86" },
		{ "00 87 08 9b 04 7c 02 81 00", "7c 12 81 10 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27 9000" },
		{ "00 87 08 9b 14 7c 12 82 10 4a 4b 48 49 4e 4f 4c 4d 72 73 70 71 76 77 74 75", "9000" },
		{ DELETE_CHUID, "9000" },
	} },
	{ "every algorithm", NULL, {
		ADMIN,
		{ "00 ff ff ff 13 08 9b 10 31*16", "9000" }, { "00 f7 00 9b", "01 01 08 02 02 00 01 05 01 00 9000" },
		{ "00 ff ff ff 1b 0a 9b 18 31*24", "9000" }, { "00 f7 00 9b", "01 01 0a 02 02 00 01 05 01 00 9000" },
		{ "00 ff ff ff 23 0c 9b 20 31*32", "9000" }, { "00 f7 00 9b", "01 01 0c 02 02 00 01 05 01 00 9000" },
		{ SET_3DES, "9000" }, { "00 f7 00 9b", "01 01 03 02 02 00 01 05 01 00 9000" },
		{ SET_3DES " 00", "9000" }, { "00 ff ff ff 00 00 1b 03 9b 18 " KEY_24, "9000" },
	} },
	{ "lengths that are none", NULL, {
		ADMIN,
		{ "00 ff ff ff", "6700" }, { "00 ff ff ff 03 03 9b 00", "6700" }, { "00 ff ff ff 04 03 9b 00 31", "6a80" },
		{ "00 ff ff ff 1a 03 9b 18 31*23", "6a80" }, { "00 ff ff ff 1c 03 9b 18 31*25", "6a80" },
		{ "00 ff ff ff 1a 03 9b 17 31*23", "6a80" }, { "00 ff ff ff 1c 03 9b 19 31*25", "6a80" },
		{ "00 ff ff ff 1b 03 9b 17 31*24", "6a80" }, { "00 ff ff ff 1b 03 9b 19 31*24", "6a80" },
		{ "00 ff ff ff 13 03 9b 10 31*16", "6a80" }, { "00 ff ff ff 1b 08 9b 18 31*24", "6a80" },
		{ "00 ff ff ff 13 0a 9b 10 31*16", "6a80" }, { "00 ff ff ff 1b 0c 9b 18 31*24", "6a80" },
		{ "00 f7 00 9b", "01 01 03 02 02 00 01 05 01 00 9000" },
	} },
	{ "as long as a command may be", NULL, {
		ADMIN, { "00 ff ff ff ff 03 9b fc 31*252", "6a80" }, { "00 ff ff ff 83 03 9b 80 31*128", "6a80" },
		{ "00 ff ff ff 84 03 9b 81 31*129", "6a80" }, { "00 ff ff ff 00 01 00 03 9b fd 31*253", "6700" },
		{ "10 ff ff ff 02 03 9b", "6884" }, { "00 f7 00 9b", "01 01 03 02 02 00 01 05 01 00 9000" },
	} },
	{ "algorithms and references that 9B is not", NULL, {
		ADMIN,
		{ "00 ff ff ff 1b 00 9b 18 31*24", "6a80" }, { "00 ff ff ff 1b 11 9b 18 31*24", "6a80" },
		{ "00 ff ff ff 1b 07 9b 18 31*24", "6a80" }, { "00 ff ff ff 1b ff 9b 18 31*24", "6a80" },
		{ "00 ff ff ff 1b 03 9a 18 31*24", "6a80" }, { "00 ff ff ff 1b 03 80 18 31*24", "6a80" },
		{ "00 ff ff ff 1b 03 00 18 31*24", "6a80" }, { "00 f7 00 9b", "01 01 03 02 02 00 01 05 01 00 9000" },
	} },
	{ "P1 and P2: a touch is refused, anything else is none", NULL, {
		ADMIN,
		{ "00 ff ff fe 1b 03 9b 18 31*24", "6a80" }, { "00 ff ff fd 1b 03 9b 18 31*24", "6a86" },
		{ "00 ff ff 00 1b 03 9b 18 31*24", "6a86" }, { "00 ff fe ff 1b 03 9b 18 31*24", "6a86" },
		{ "00 ff 00 ff 1b 03 9b 18 31*24", "6a86" }, { "00 f7 00 9b", "01 01 03 02 02 00 01 05 01 00 9000" },
	} },
	{ "only the owner of a hidden key can change ADMIN", hidden_admin, {
		ADMIN, { SET_3DES, "6985" }, { "00 f7 00 9b", "01 01 03 02 02 00 01 05 01 00 9000" },
		{ "00 87 03 9b 04 7c 02 81 00", "7c 0a 81 08 18 19 1a 1b 1c 1d 1e 1f 9000" },
		{ "00 87 03 9b 0c 7c 0a 82 08 41 40 43 42 45 44 47 46", "9000" }, IS_ADMIN,
	} },

	{ "the new key serves as the old one did: after the PIN", admin_behind_pin, {
		VERIFIED, ADMIN, { SET_3DES, "9000" }, { "00 20 ff 80", "9000" },
		{ "00 87 03 9b 04 7c 02 81 00", "7c 0a 81 08 18 19 1a 1b 1c 1d 1e 1f 9000" },
		{ "00 87 03 9b 0c 7c 0a 82 08 41 40 43 42 45 44 47 46", "6982" }, NOT_ADMIN, VERIFIED,
		{ "00 87 03 9b 04 7c 02 81 00", "7c 0a 81 08 20 21 22 23 24 25 26 27 9000" },
		{ "00 87 03 9b 0c 7c 0a 82 08 79 78 7b 7a 7d 7c 7f 7e", "9000" }, IS_ADMIN,
	} },
	{ "a card without 9B has no administrator", without_admin, {
		{ "00 f7 00 9b", "6a88" }, { "00 87 03 9b 04 7c 02 81 00", "6a88" }, { SET_3DES, "6982" },
	} },

	/* ---- SET PIN RETRIES ---- */
	{ "SET PIN RETRIES wants administrator and PIN", NULL, {
		{ "00 fa 03 03", "6982" }, VERIFIED, { "00 fa 03 03", "6982" }, { "00 20 ff 80", "9000" },
		ADMIN, { "00 fa 03 03", "6982" }, VERIFIED, { "00 fa 03 03", "6985" },
	} },
	{ "numbers of tries", NULL, {
		VERIFIED, ADMIN,
		{ "00 fa 01 01", "6985" }, { "00 fa 0a 0a", "6985" }, { "00 fa 00 03", "6a80" },
		{ "00 fa 03 00", "6a80" }, { "00 fa 0b 03", "6a80" }, { "00 fa 03 0b", "6a80" },
		{ "00 fa ff ff", "6a80" }, { "00 fa 00 00", "6a80" }, { "00 fa 03 03 01 aa", "6700" },
		{ "10 fa 03 03", "6884" }, { PIN_QUERY, "9000" }, SIGN_9A,
		{ "00 f7 00 80", "01 01 ff 05 01 00 06 02 05 05 9000" },
	} },

	/* ---- ATTEST ---- */
	{ "a key made on the card", attests, {
		{ "00 f9 9a 00 00 00 00", "30 82 01 2c " CERTIFIES("9a", "01") " 9000" },
		{ "00 f9 9e 00 00 00 00", "30 82 01 2c " CERTIFIES("9e", "05") " 9000" },
		{ "00 f9 9c 00 00 00 00", "30 82 01 2c " CERTIFIES("9c", "03") " 9000" },
	} },
	{ "in pieces", attests, {
		{ "00 f9 9a 00", "30 82 01 2c ??*252 6130" }, { "00 c0 00 00", "??*48 9000" },
		{ "00 f9 9a 00 00", "30 82 01 2c ??*252 6130" }, { "00 c0 00 00 00", "??*48 9000" },
	} },
	{ "of no key, or none that the card makes", attests, {
		{ "00 f9 82 00", "6a88" }, { "00 f9 95 00", "6a88" }, { "00 f9 9b 00", "6a86" },
		{ "00 f9 f9 00", "6a86" }, { "00 f9 80 00", "6a86" }, { "00 f9 96 00", "6a86" },
		{ "00 f9 00 00", "6a86" }, { "00 f9 9a 01", "6a86" }, { "00 f9 9a 00 01 aa", "6700" },
	} },
	{ "of an imported key", attests, {
		ADMIN, { IMPORT_EC("9e"), "9000" }, { "00 f9 9e 00", "6a80" }, { "00 f9 9a 00", "30 82 ??*254 6130" },
	} },
	{ "of a moved key: where it is now", attests, {
		ADMIN, { "00 f6 95 9e", "9000" }, { "00 f9 9e 00", "6a88" },
		{ "00 f9 95 00 00 00 00", "30 82 01 2c " CERTIFIES("95", "05") " 9000" },
	} },
	{ "without an attestation key", NULL, {
		{ "00 f9 9a 00", "6a88" }, { "00 f7 00 f9", "6a88" },
		ADMIN, { IMPORT_EC("9e"), "9000" }, { "00 f9 9e 00", "6a80" },
	} },
	{ "with another key in its place", attests_by_another, {
		{ "00 f9 9a 00", "6a88" },
	} },
	{ "it takes nothing away", attests, {
		VERIFIED, ADMIN, { "00 f9 9a 00", "30 82 ??*254 6130" }, SIGN_9A, IS_ADMIN,
		{ "00 f9 9a 00", "30 82 ??*254 6130" }, { SIGN_9C, "6982" },
	} },
	{ "the attestation key does nothing else", attests, {
		{ "00 f7 00 f9", P256("01", "01") }, VERIFIED, ADMIN,
		{ "00 87 11 f9 26 7c 24 82 00 81 20 22*32", "6a86" }, { "00 87 11 f9 02 53 00", "6a86" },
		{ "00 47 00 f9 05 ac 03 80 01 11", "6a86" }, { IMPORT_EC("f9"), "6a86" },
		{ "00 f6 ff f9", "6a86" }, { "00 f6 95 f9", "6a86" }, { "00 f6 f9 9e", "6a86" },
		{ "00 f7 00 f9", P256("01", "01") },
	} },

	/* ---- what there is not ---- */
	{ "no PIN at all", without_pin, {
		{ "00 f7 00 80", "01 01 ff 05 01 00 06 02 00 00 9000" }, { PIN_QUERY, "6983" }, { PIN_RIGHT, "6983" },
	} },
	{ "the management application", NULL, {
		{ "00 a4 04 00 08 a0 00 00 05 27 47 11 17", "6a82" },
		{ "00 fd 00 00", "05 04 03 9000" },
	} },
};
/* clang-format on */

START_TEST(session)
{
	const struct session *s = &sessions[_i];
	struct fake_card *card = fake_card_new();

	if (s->prepare != NULL)
		s->prepare(card);
	run_steps(card, s->why, s->steps);
	fake_card_free(card);
}
END_TEST

/* ---- metadata of every key there can be ---- */

/* clang-format off */
static const struct {
	const char *algorithm, *import;
	const char *metadata; /* after the rule and the origin */
} kinds[] = {
	{ "07", "00 02 8f " PARTS_2048, " 04 82 01 09 81 82 01 00 c3*256 82 03 01 00 01 9000" },
	{ "05", "00 03 cf " PARTS_3072, " 04 82 01 89 81 82 01 80 c3*384 82 03 01 00 01 9000" },
	{ "11", "00 00 22 " SCALAR_256, " 04 43 86 41 04 c3*64 9000" },
	{ "14", "00 00 32 " SCALAR_384, " 04 63 86 61 04 c3*96 9000" },
};

static const struct {
	uint8_t from, to;
	unsigned rule; /* when the host asks for none */
} places[] = {
	{ 0x9a, 0x9a, 2 }, { 0x9c, 0x9c, 3 }, { 0x9d, 0x9d, 2 }, { 0x9e, 0x9e, 1 }, { 0x82, 0x95, 2 },
};
/* clang-format on */

/* The rule makes the data three octets longer than the row says. */
static void
import_with_rule(struct fake_card *card, size_t kind, unsigned ref, unsigned rule)
{
	char command[300];
	uint8_t octets[1200];
	size_t len;

	(void)snprintf(command, sizeof command, "00 fe %s %02x %s aa 01 %02x",
	    kinds[kind].algorithm, ref, kinds[kind].import, rule);
	len = fake_card_octets(command, octets, sizeof octets);
	octets[5] = (uint8_t)((len - 7) >> 8);
	octets[6] = (uint8_t)(len - 7);
	ck_assert_uint_eq(fake_card_send(card, rbuf_of(octets, len), 2), 0x9000);
}

static void
expect_metadata(struct fake_card *card, size_t kind, unsigned ref, unsigned rule, unsigned origin)
{
	char command[40], answer[120];

	(void)snprintf(command, sizeof command, "00 f7 00 %02x 00 00 00", ref);
	(void)snprintf(answer, sizeof answer, "01 01 %s 02 02 %02x 01 03 01 %02x%s",
	    kinds[kind].algorithm, rule, origin, kinds[kind].metadata);
	fake_card_expect(card, command, (struct exchange){ command, answer });
}

START_TEST(metadata)
{
	struct fake_card *card = fake_card_new();
	unsigned ref, rule;

	fake_card_become_admin(card);
	for (ref = places[_i].from; ref <= places[_i].to; ref++) {
		for (rule = 0; rule <= 3; rule++) {
			unsigned kept = rule != 0 ? rule : places[_i].rule;
			size_t kind;

			for (kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
				char command[60];

				(void)snprintf(command, sizeof command,
				    "00 47 00 %02x 00 00 08 ac 06 80 01 %s aa 01 %02x 00 00", ref,
				    kinds[kind].algorithm, rule);
				ck_assert_uint_eq(fake_card_say(card, command), 0x9000);
				expect_metadata(card, kind, ref, kept, 1);
				import_with_rule(card, kind, ref, rule);
				expect_metadata(card, kind, ref, kept, 2);
			}
		}
	}
	fake_card_free(card);
}
END_TEST

/* ---- imports: what is missing, and what stays ---- */

/* Each of the five parts of an RSA key, missing, empty, twice, or under another tag. */
START_TEST(rsa_parts)
{
	enum { WHOLE, MISSING, EMPTY, TWICE, FOREIGN, WAYS };
	struct fake_card *card = fake_card_new();
	unsigned part, way;

	fake_card_become_admin(card);
	for (part = 1; part <= 5; part++) {
		for (way = WHOLE; way < WAYS; way++) {
			uint8_t octets[1024];
			struct wbuf w = wbuf_over(octets, sizeof octets);
			unsigned i;
			uint16_t sw;

			wbuf_put(&w, rbuf_of("\x00\xfe\x07\x82\x00\x00\x00", 7));
			for (i = 1; i <= 5; i++) {
				unsigned times = i != part        ? 1
						 : way == MISSING ? 0
						 : way == TWICE   ? 2
								  : 1;

				while (times-- > 0) {
					size_t n = i == part && way == EMPTY ? 0 : 127;

					wbuf_u8(
					    &w, (uint8_t)(i == part && way == FOREIGN ? 0x07 : i));
					wbuf_u8(&w, (uint8_t)n);
					wbuf_fill(&w, (uint8_t)(0xd0 + i), n);
				}
			}
			octets[5] = (uint8_t)((w.len - 7) >> 8);
			octets[6] = (uint8_t)(w.len - 7);
			sw = fake_card_send(card, wbuf_view(&w), 2);
			ck_assert_msg(sw == (way == WHOLE ? 0x9000 : 0x6a80),
			    "part %u, way %u: %04x", part, way, sw);
		}
	}
	fake_card_free(card);
}
END_TEST

#define FIRST      "10 fe 07 82 00 02 00 01 81 80 d1*128 02 81 80 d2*128 03 81 80 d3*128 04 74 d4*116 05"
#define LAST       "00 fe 07 82 76 74 d5*116 " /* and one octet less than would do */
#define WHOLE_LAST "00 fe 07 82 75 74 d5*116"

/* clang-format off */
static const struct {
	const char *why;
	struct exchange first, last; /* the two ends of a chain, or the first only */
	enum vault_err vault;        /* how the import fails */
	enum store_err store;        /* how the file does */
} secrets[] = {
	{ "imported", { FIRST, "9000" }, { WHOLE_LAST, "9000" }, VAULT_OK, STORE_OK },
	{ "no key for the vault", { FIRST, "9000" }, { WHOLE_LAST, "6a80" }, VAULT_MISMATCH, STORE_OK },
	{ "a broken vault", { FIRST, "9000" }, { WHOLE_LAST, "6f00" }, VAULT_FAULT, STORE_OK },
	{ "a full disk", { FIRST, "9000" }, { WHOLE_LAST, "6a84" }, VAULT_OK, STORE_FULL },
	{ "a broken disk", { FIRST, "9000" }, { WHOLE_LAST, "6f00" }, VAULT_OK, STORE_FAULT },
	{ "one octet too many", { FIRST, "9000" }, { LAST "00", "6a80" }, VAULT_OK, STORE_OK },
	{ "a touch policy", { FIRST, "9000" }, { "00 fe 07 82 78 74 d5*116 ab 01 02", "6a80" }, VAULT_OK, STORE_OK },
	{ "another place at the end", { FIRST, "9000" }, { "00 fe 07 83 75 74 d5*116", "6883" }, VAULT_OK, STORE_OK },
	{ "another command", { FIRST, "9000" }, { PIN_QUERY, "6883" }, VAULT_OK, STORE_OK },
	{ "SELECT", { FIRST, "9000" }, { SELECT_PIV, "...9000" }, VAULT_OK, STORE_OK },
	{ "no command", { FIRST, "9000" }, { "00", "6700" }, VAULT_OK, STORE_OK },
	{ "too much", { FIRST, "9000" }, { "00 fe 07 82 00 06 01 d5*1537", "6700" }, VAULT_OK, STORE_OK },
	{ "at once", { IMPORT_RSA("82"), "9000" }, { NULL, NULL }, VAULT_OK, STORE_OK },
	{ "at once, no key for the vault", { IMPORT_RSA("82"), "6a80" }, { NULL, NULL }, VAULT_MISMATCH, STORE_OK },
	{ "a scalar", { IMPORT_EC("82"), "9000" }, { NULL, NULL }, VAULT_OK, STORE_OK },
	{ "a scalar, and a full vault", { IMPORT_EC("82"), "6a84" }, { NULL, NULL }, VAULT_FULL, STORE_OK },
	{ "a scalar refused", { IMPORT_EC("9b"), "6a86" }, { NULL, NULL }, VAULT_OK, STORE_OK },
};
/* clang-format on */

/* Whatever came of an import: nothing of the key stays in the card's memory, nor gets into a file.
 */
START_TEST(no_trace_of_a_key)
{
	struct fake_card *card = fake_card_new();
	uint8_t octet;

	fake_card_become_admin(card);
	if (secrets[_i].vault != VAULT_OK)
		fake_vault_fail(&card->vault, 1, secrets[_i].vault);
	if (secrets[_i].store != STORE_OK)
		fake_store_fail(&card->store, 1, secrets[_i].store);
	fake_card_expect(card, secrets[_i].why, secrets[_i].first);
	if (secrets[_i].last.command != NULL) {
		ck_assert(has_run(&card->piv, sizeof card->piv, 0xd1, 128));
		fake_card_expect(card, secrets[_i].why, secrets[_i].last);
	}
	for (octet = 0xd1; octet <= 0xd6; octet++) {
		ck_assert_msg(!has_run(&card->piv, sizeof card->piv, octet, 4), "%s: %02x",
		    secrets[_i].why, octet);
		ck_assert_msg(!has_run(&card->store, sizeof card->store, octet, 4), "%s: %02x",
		    secrets[_i].why, octet);
	}
	fake_card_free(card);
}
END_TEST

/* A reset in the middle of an import. */
START_TEST(no_trace_after_reset)
{
	struct fake_card *card = fake_card_new();
	uint8_t octet;

	fake_card_become_admin(card);
	fake_card_expect(card, "chain", (struct exchange){ FIRST, "9000" });
	piv_reset(&card->piv);
	for (octet = 0xd1; octet <= 0xd6; octet++)
		ck_assert(!has_run(&card->piv, sizeof card->piv, octet, 4));
	fake_card_free(card);
}
END_TEST

/* A new management key is nowhere either, whatever came of it. */
START_TEST(no_trace_of_a_management_key)
{
	static const struct {
		uint16_t sw;
		unsigned vault, store; /* the call that fails */
	} rows[] = { { 0x9000, 0, 0 }, { 0x6f00, 1, 0 }, { 0x6f00, 2, 0 }, { 0x6f00, 3, 0 },
		{ 0x6f00, 0, 1 }, { 0x6f00, 0, 3 }, { 0x6f00, 0, 4 }, { 0x6f00, 0, 5 } };
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fake_card *card = fake_card_new();

		fake_card_become_admin(card);
		if (rows[i].vault != 0)
			fake_vault_fail(&card->vault, rows[i].vault, VAULT_FAULT);
		if (rows[i].store != 0)
			fake_store_fail(&card->store, rows[i].store, STORE_FAULT);
		ck_assert_uint_eq(fake_card_say(card, "00 ff ff ff 23 0c 9b 20 d1*32"), rows[i].sw);
		ck_assert(!has_run(&card->piv, sizeof card->piv, 0xd1, 4));
		ck_assert(!has_run(&card->store, sizeof card->store, 0xd1, 4));
		fake_card_free(card);
	}
}
END_TEST

/* ---- keys and vaults that are broken ---- */

START_TEST(vault_says_too_much)
{
	struct fake_card *card = fake_card_new();

	fake_card_become_admin(card);
	fake_card_expect(
	    card, "RSA 3072", (struct exchange){ "00 fe 05 82 00 03 cf " PARTS_3072, "9000" });
	card->vault.oversize = 255; /* longer than any public value */
	fake_card_expect(card, "import", (struct exchange){ IMPORT_EC("9e"), "6f00" });
	fake_card_expect(card, "management key", (struct exchange){ SET_3DES, "6f00" });
	fake_card_expect(card, "public value", (struct exchange){ "00 f7 00 82", "6f00" });
	card->vault.oversize = 0;
	fake_card_expect(card, "no harm", (struct exchange){ "00 f7 00 9e", P256("01", "01") });
	fake_card_expect(card, "no harm",
	    (struct exchange){ "00 f7 00 9b", "01 01 03 02 02 00 01 05 01 00 9000" });
	fake_card_free(card);
}
END_TEST

/* What can be seen to be no key is refused here: the vault is not asked. */
START_TEST(vault_is_not_bothered)
{
	static const struct exchange commands[] = { { "00 ff ff ff 1b 11 9b 18 31*24", "6a80" },
		{ "00 ff ff ff 1b 03 9a 18 31*24", "6a80" },
		{ "00 ff ff fe 1b 03 9b 18 31*24", "6a80" },
		{ "00 ff ff ff 1b 03 9b 17 31*24", "6a80" }, { IMPORT_EC("9b"), "6a86" },
		{ "00 fe 03 9a 22 06 20 d6*32", "6a80" }, { "00 fe 11 9a 02 06 00", "6a80" },
		{ "00 fe 11 9a 25 06 20 d6*32 ab 01 02", "6a80" }, { "00 f6 9b 9a", "6a86" },
		{ "00 f7 00 96", "6a88" }, { "00 f9 9b 00", "6a86" },
		{ "00 f9 f9 00", "6a86" }, { "00 fa 00 00", "6a80" }, { "00 fb 00 00", "6985" } };
	struct fake_card *card = fake_card_new();
	size_t i;

	fake_card_become_admin(card);
	fake_card_expect(card, "PIN", (struct exchange)VERIFIED);
	for (i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		unsigned vault = card->vault.calls, store = card->store.calls;

		fake_card_expect(card, commands[i].command, commands[i]);
		ck_assert_msg(card->vault.calls == vault && card->store.calls == store,
		    "%s: ports were asked", commands[i].command);
	}
	fake_card_free(card);
}
END_TEST

/* A file moved about by hand is no key, and has no metadata. */
START_TEST(keys_in_wrong_places)
{
	static const uint8_t admin[] = { 'K', ALG_3DES, PIN_NEVER, 1 };
	static const uint8_t sign[] = { 'K', ALG_ECC_P256, PIN_NEVER, 2 };
	static const uint8_t strange[] = { 'K', 0x99, PIN_NEVER, 3 };
	struct fake_card *card = fake_card_new();
	struct store *s = &card->store.port;

	fake_card_become_admin(card);
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x9e, rbuf_of(admin, 4)), STORE_OK);
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x9b, rbuf_of(sign, 4)), STORE_OK);
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x82, rbuf_of(strange, 4)), STORE_OK);
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x83, rbuf_of("junk", 4)), STORE_OK);
	fake_card_expect(card, "9B in 9E", (struct exchange){ "00 f7 00 9e", "6a88" });
	fake_card_expect(card, "9E in 9B", (struct exchange){ "00 f7 00 9b", "6a88" });
	fake_card_expect(card, "9E in 9B", (struct exchange){ SET_3DES, "6a88" });
	fake_card_expect(card, "unknown algorithm", (struct exchange){ "00 f7 00 82", "6a88" });
	fake_card_expect(card, "junk", (struct exchange){ "00 f7 00 83", "6a88" });
	fake_card_free(card);
}
END_TEST

/* ---- RESET ---- */

/* A host that makes the card anew, if it does not fail. */
struct fake_host {
	struct piv_host port;
	struct fake_card *card;
	unsigned calls;
	enum store_err err;
};

static enum store_err
start_over(struct piv_host *port)
{
	struct fake_host *host = (struct fake_host *)(void *)port;
	struct fake_card *card = host->card;

	host->calls++;
	if (host->err != STORE_OK)
		return host->err;
	fake_vault_init(&card->vault);
	piv_init(&card->piv, &card->vault.port, &card->store.port, &card->profile, port);
	return STORE_OK;
}

static struct fake_card *
card_with_host(struct fake_host *host)
{
	struct fake_card *card = fake_card_new();

	*host = (struct fake_host){ .port = { .start_over = start_over }, .card = card };
	piv_init(&card->piv, &card->vault.port, &card->store.port, &card->profile, &host->port);
	card->profile.allow_reset = true;
	card->vault.references[REFERENCE_PIN].left = 0;
	card->vault.references[REFERENCE_PUK].left = 0;
	return card;
}

/* clang-format off */
static const struct {
	const char *why;
	bool allowed, host;
	int pin, puk;	   /* tries left; -1: there is none */
	bool unreadable;
	enum store_err err; /* the host's */
	unsigned calls;
	uint16_t sw;
} resets[] = {
	{ "all conditions met", true, true, 0, 0, false, STORE_OK, 1, 0x9000 },
	{ "a card without a PUK", true, true, 0, -1, false, STORE_OK, 1, 0x9000 },
	{ "not allowed", false, true, 0, 0, false, STORE_OK, 0, 0x6985 },
	{ "nobody to do it", true, false, 0, 0, false, STORE_OK, 0, 0x6985 },
	{ "PIN not blocked", true, true, 1, 0, false, STORE_OK, 0, 0x6985 },
	{ "PUK not blocked", true, true, 0, 1, false, STORE_OK, 0, 0x6985 },
	{ "neither blocked", true, true, 5, 5, false, STORE_OK, 0, 0x6985 },
	{ "no PUK, PIN not blocked", true, true, 3, -1, false, STORE_OK, 0, 0x6985 },
	{ "tries that cannot be told", true, true, 0, 0, true, STORE_OK, 0, 0x6985 },
	{ "no PUK, tries that cannot be told", true, true, 0, -1, true, STORE_OK, 0, 0x6985 },
	{ "no room", true, true, 0, 0, false, STORE_FULL, 1, 0x6a84 },
	{ "a broken disk", true, true, 0, 0, false, STORE_FAULT, 1, 0x6f00 },
};
/* clang-format on */

static void
set_tries(struct fake_card *card, enum reference which, int left)
{
	card->vault.references[which].present = left >= 0;
	card->vault.references[which].left = left >= 0 ? (unsigned)left : 0;
}

START_TEST(reset)
{
	struct fake_host host;
	struct fake_card *card = card_with_host(&host);

	fake_card_become_admin(card);
	card->profile.allow_reset = resets[_i].allowed;
	if (!resets[_i].host)
		card->piv.host = NULL;
	set_tries(card, REFERENCE_PIN, resets[_i].pin);
	set_tries(card, REFERENCE_PUK, resets[_i].puk);
	card->vault.unreadable = resets[_i].unreadable;
	host.err = resets[_i].err;
	ck_assert_msg(fake_card_say(card, "00 fb 00 00") == resets[_i].sw, "%s", resets[_i].why);
	ck_assert_msg(host.calls == resets[_i].calls, "%s: %u calls", resets[_i].why, host.calls);
	/* The new card knows no administrator; the old one still does. */
	ck_assert_uint_eq(
	    fake_card_say(card, DELETE_CHUID), resets[_i].sw == 0x9000 ? 0x6982 : 0x9000);
	if (resets[_i].sw == 0x9000)
		ck_assert_uint_eq(fake_card_say(card, PIN_RIGHT), 0x9000);
	fake_card_free(card);
}
END_TEST

/* RESET is refused as long as the vault does not say that both are blocked. */
START_TEST(reset_without_answers)
{
	int err;
	unsigned n;

	for (n = 1; n <= 2; n++) {
		for (err = VAULT_AUTH; err <= VAULT_FAULT; err++) {
			struct fake_host host;
			struct fake_card *card = card_with_host(&host);
			bool absent = err == VAULT_ABSENT;

			fake_vault_fail(&card->vault, n, (enum vault_err)err);
			ck_assert_uint_eq(
			    fake_card_say(card, "00 fb 00 00"), absent ? 0x9000 : 0x6985);
			ck_assert_uint_eq(host.calls, absent);
			fake_card_free(card);
		}
	}
}
END_TEST

START_TEST(reset_of_no_other_form)
{
	static const struct exchange steps[] = { { "00 fb 00 01", "6a86" },
		{ "00 fb 01 00", "6a86" }, { "00 fb 00 00 01 aa", "6700" },
		{ "10 fb 00 00", "6884" }, { "0c fb 00 00", "6882" },
		{ "10 87 11 9e 10 7c 24 82 00 81 20 22*10", "9000" }, { "00 fb 00 00", "6883" } };
	struct fake_host host;
	struct fake_card *card = card_with_host(&host);
	size_t i;

	for (i = 0; i < sizeof steps / sizeof steps[0]; i++)
		fake_card_expect(card, "RESET", steps[i]);
	ck_assert_uint_eq(host.calls, 0);
	fake_card_expect(card, "RESET", (struct exchange){ "00 fb 00 00 00", "9000" });
	ck_assert_uint_eq(host.calls, 1);
	fake_card_free(card);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("piv, managing");
	TCase *tcase = tcase_create("manage");

	tcase_add_rows(tcase, session, sessions);
	tcase_add_rows(tcase, metadata, places);
	tcase_add_test(tcase, rsa_parts);
	tcase_add_rows(tcase, no_trace_of_a_key, secrets);
	tcase_add_test(tcase, no_trace_after_reset);
	tcase_add_test(tcase, no_trace_of_a_management_key);
	tcase_add_test(tcase, vault_says_too_much);
	tcase_add_test(tcase, vault_is_not_bothered);
	tcase_add_test(tcase, keys_in_wrong_places);
	tcase_add_rows(tcase, reset, resets);
	tcase_add_test(tcase, reset_without_answers);
	tcase_add_test(tcase, reset_of_no_other_form);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
