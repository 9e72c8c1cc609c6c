/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new key for a slot, on a whole card application over ports in memory: what
 * becomes of the old key, wherever the work is cut off.
 */
#include "tests/fake_card.h"
#include "tests/suite.h"
#include "tools/renewal.h"

#include "applet/tlv.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

/* ---- a channel that may break ---- */

struct channel {
	struct fake_card *card;
	unsigned left; /* commands until the card is gone */
	bool late;     /* the last of them is done, but its answer is lost */
};

#define FOREVER 1000000

enum outcome
channel_send(struct channel *ch, const struct command_apdu *command, struct wbuf *out, uint16_t *sw,
    struct failure *why)
{
	uint8_t octets[8192];
	struct wbuf capdu = wbuf_over(octets, sizeof octets);

	if (ch->left == 0) {
		(fail)(why, "the card is gone");
		return FAILED;
	}
	ch->left--;
	wbuf_u8(&capdu, 0x00);
	wbuf_u8(&capdu, command->ins);
	wbuf_u8(&capdu, command->p1);
	wbuf_u8(&capdu, command->p2);
	wbuf_u8(&capdu, 0x00);
	if (command->data.len != 0)
		wbuf_u16(&capdu, (uint16_t)command->data.len);
	wbuf_put(&capdu, command->data);
	wbuf_u16(&capdu, 0x0000);
	ck_assert(wbuf_ok(&capdu));
	*sw = fake_card_send(ch->card, wbuf_view(&capdu), sizeof ch->card->answer);
	if (ch->left == 0 && ch->late) {
		(fail)(why, "the card is gone");
		return FAILED;
	}
	wbuf_put(out, rbuf_of(ch->card->answer, ch->card->answer_len - 2));
	return DONE;
}

/* ---- a card with a key and its certificate in 9A ---- */

#define SLOT        0x9a
#define CERTIFICATE 0x5fc105
#define HISTORY     0x5fc10c

struct bench {
	struct fake_card *card;
	struct channel channel;
	uint8_t key[16]; /* the key in the slot, as the store has it */
	size_t key_len;
	uint8_t certificate[CLIENT_OBJECT_MAX]; /* and the content of its object */
	size_t certificate_len;
};

/* A fresh session in which the administrator has authenticated. */
static void
power_up(struct bench *b)
{
	piv_reset(&b->card->piv);
	b->card->piv.status |= ACCESS_ADMIN;
	b->channel = (struct channel){ .card = b->card, .left = FOREVER };
}

static void
put_object(struct bench *b, uint32_t tag, struct rbuf content)
{
	ck_assert_int_eq(store_put(&b->card->store.port, STORE_OBJECT, tag, content), STORE_OK);
}

static void
put_key(struct bench *b, uint8_t reference, uint8_t algorithm)
{
	uint8_t octets[16];
	struct wbuf key = wbuf_over(octets, sizeof octets);

	fake_vault_key(&b->card->vault, algorithm, PIN_ONCE, &key);
	ck_assert_int_eq(
	    store_put(&b->card->store.port, STORE_KEY, reference, wbuf_view(&key)), STORE_OK);
}

/* Append a certificate object of the key in a reference, whoever signed it. */
static void
put_certificate_of(struct bench *b, uint8_t reference, struct wbuf *out)
{
	EVP_PKEY *authority = EVP_EC_gen("P-256"), *key = NULL;
	X509 *certificate = X509_new();
	unsigned char *der = NULL;
	size_t mark;
	int len;

	ck_assert_int_eq(client_public_key(&b->channel, reference, &key, NULL), DONE);
	ck_assert_int_eq(X509_set_pubkey(certificate, key), 1);
	ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
	ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notAfter(certificate), 60));
	ck_assert_int_ne(X509_sign(certificate, authority, EVP_sha256()), 0);
	len = i2d_X509(certificate, &der);
	ck_assert_int_gt(len, 0);
	mark = tlv_open(out, 0x70);
	wbuf_put(out, rbuf_of(der, (size_t)len));
	tlv_close(out, mark);
	tlv_put(out, 0x71, rbuf_of("", 1));
	tlv_put(out, 0xfe, rbuf_of(NULL, 0));
	ck_assert(wbuf_ok(out));
	OPENSSL_free(der);
	X509_free(certificate);
	EVP_PKEY_free(key);
	EVP_PKEY_free(authority);
}

static void
bench_open(struct bench *b)
{
	struct wbuf certificate = wbuf_over(b->certificate, sizeof b->certificate);
	struct rbuf key;

	b->card = fake_card_new();
	power_up(b);
	put_certificate_of(b, SLOT, &certificate);
	b->certificate_len = certificate.len;
	put_object(b, CERTIFICATE, wbuf_view(&certificate));
	ck_assert(fake_store_peek(&b->card->store, STORE_KEY, SLOT, &key));
	b->key_len = key.len;
	memcpy(b->key, key.data, key.len);
}

static void
bench_close(struct bench *b)
{
	fake_card_free(b->card);
}

/* ---- what there is ---- */

static bool
has(const struct bench *b, enum store_kind kind, uint32_t id, struct rbuf wanted)
{
	struct rbuf found;

	return fake_store_peek(&b->card->store, kind, id, &found) && rbuf_eq(found, wanted);
}

static bool
absent(const struct bench *b, enum store_kind kind, uint32_t id)
{
	struct rbuf found;

	return !fake_store_peek(&b->card->store, kind, id, &found);
}

static bool
old_key_is_in(const struct bench *b, uint8_t reference)
{
	return has(b, STORE_KEY, reference, rbuf_of(b->key, b->key_len)) &&
	       has(b, STORE_OBJECT, client_certificate_object(reference),
		   rbuf_of(b->certificate, b->certificate_len));
}

static unsigned
keys_count(const struct bench *b)
{
	unsigned count = 0;
	size_t i;

	for (i = 0; i < FAKE_ITEMS; i++) {
		if (b->card->store.items[i].used && b->card->store.items[i].kind == STORE_KEY)
			count++;
	}
	return count;
}

/* Whether two stores hold the same, wherever the items are kept. */
static bool
same_store(const struct fake_store *a, const struct fake_store *b)
{
	struct rbuf found;
	size_t i;

	for (i = 0; i < FAKE_ITEMS; i++) {
		const struct fake_item *item = &a->items[i];

		if (item->used && (!fake_store_peek(b, item->kind, item->id, &found) ||
				      !rbuf_eq(found, rbuf_of(item->octets, item->len))))
			return false;
	}
	return true;
}

static bool
history_says(const struct bench *b, uint8_t certificates)
{
	const uint8_t content[] = { 0xc1, 1, certificates, 0xc2, 1, 0, 0xfe, 0 };

	return has(b, STORE_OBJECT, HISTORY, rbuf_of(content, sizeof content));
}

/* The whole of it, to a key of another algorithm: the fake vault's keys of one are alike. */
static enum outcome
renew(struct bench *b, bool keep, uint8_t algorithm, struct failure *why)
{
	struct renewal plan;
	EVP_PKEY *key = NULL;
	enum outcome outcome;

	outcome = renewal_plan(&b->channel, SLOT, keep, &plan, why);
	if (outcome == DONE)
		outcome = renewal_make(&b->channel, &plan, algorithm, 0, &key, why);
	ck_assert((key != NULL) == (outcome == DONE));
	EVP_PKEY_free(key);
	return outcome;
}

/* What a renewal comes to: the old key in 82, a new one without a certificate in its place. */
static void
expect_renewed(const struct bench *b, const char *why, unsigned n)
{
	ck_assert_msg(old_key_is_in(b, 0x82), "%s, %u: the old key in 82", why, n);
	ck_assert_msg(!absent(b, STORE_KEY, SLOT), "%s, %u: a key in the slot", why, n);
	ck_assert_msg(!old_key_is_in(b, SLOT), "%s, %u: a new one", why, n);
	ck_assert_msg(absent(b, STORE_OBJECT, CERTIFICATE), "%s, %u: its certificate", why, n);
	ck_assert_msg(absent(b, STORE_OBJECT, 0x5fc10e), "%s, %u: nothing in 83", why, n);
	ck_assert_msg(history_says(b, 1), "%s, %u: the key history", why, n);
	ck_assert_msg(keys_count(b) == 6, "%s, %u: %u keys", why, n, keys_count(b));
}

START_TEST(test_renewal)
{
	struct failure why = { "" };
	struct bench b;

	bench_open(&b);
	ck_assert_msg(renew(&b, true, ALG_RSA_3072, &why) == DONE, "%s", why.text);
	expect_renewed(&b, "at once", 0);
	/* And the new key, which never got a certificate, makes room for another. */
	ck_assert_msg(renew(&b, true, ALG_RSA_3072, &why) == DONE, "%s", why.text);
	expect_renewed(&b, "again", 0);
	bench_close(&b);
}
END_TEST

/* Cut off after every command in turn: nothing is lost, and the second run ends it. */
START_TEST(test_cut_off)
{
	const bool late = _i != 0;
	enum outcome outcome = FAILED;
	struct failure why = { "" };
	unsigned n, cuts = 0;
	struct bench b;

	for (n = late ? 1 : 0; outcome != DONE; n++) {
		bench_open(&b);
		b.channel.left = n;
		b.channel.late = late;
		outcome = renew(&b, true, ALG_RSA_3072, NULL);
		cuts += outcome != DONE;
		ck_assert_msg(old_key_is_in(&b, SLOT) || old_key_is_in(&b, 0x82),
		    "%u: where is the old key?", n);
		power_up(&b);
		if (outcome != DONE)
			ck_assert_msg(
			    renew(&b, true, ALG_RSA_3072, &why) == DONE, "%u: %s", n, why.text);
		expect_renewed(&b, late ? "late" : "early", n);
		bench_close(&b);
	}
	ck_assert_uint_ge(cuts, 45); /* 20 places with two questions each, and the work */
}
END_TEST

/* When the card refuses a step all is as it was, or, once there is a new key, nothing is lost. */
START_TEST(test_step_fails)
{
	struct fake_store *before = malloc(sizeof *before);
	enum outcome outcome = FAILED;
	unsigned n, restored = 0;
	struct bench b;

	for (n = 1; outcome != DONE; n++) {
		bench_open(&b);
		*before = b.card->store;
		fake_store_fail(&b.card->store, n, _i == 0 ? STORE_FULL : STORE_FAULT);
		outcome = renew(&b, true, ALG_RSA_3072, NULL);
		if (outcome != DONE && absent(&b, STORE_KEY, 0x82)) {
			ck_assert_msg(same_store(before, &b.card->store) &&
					  same_store(&b.card->store, before),
			    "%u: as it was", n);
			restored++;
		} else {
			ck_assert_msg(old_key_is_in(&b, 0x82), "%u: the old key", n);
		}
		bench_close(&b);
	}
	ck_assert_uint_ge(restored, 40);
	free(before);
}
END_TEST

/* A key that cannot be made, cut off while the old one is put back. */
START_TEST(test_no_key)
{
	struct fake_store *before = malloc(sizeof *before);
	unsigned n, last = 0;
	struct bench b;

	for (n = 200; n > 0; n--) {
		bench_open(&b);
		*before = b.card->store;
		b.channel.left = n;
		ck_assert_int_ne(renew(&b, true, ALG_RSA_4096, NULL), DONE);
		ck_assert_msg(old_key_is_in(&b, SLOT) || old_key_is_in(&b, 0x82),
		    "%u: where is the old key?", n);
		if (b.channel.left != 0) {
			ck_assert_msg(same_store(before, &b.card->store) &&
					  same_store(&b.card->store, before),
			    "%u: as it was", n);
			last = n;
		}
		power_up(&b);
		ck_assert_int_eq(renew(&b, true, ALG_RSA_3072, NULL), DONE);
		expect_renewed(&b, "after no key", n);
		bench_close(&b);
	}
	ck_assert_uint_ge(last, 45);
	free(before);
}
END_TEST

/* ---- where it goes ---- */

/*
 * What is in 82, 83 and so on: b a key and its certificate, k a key alone, c a
 * certificate alone, m the slot's certificate alone, g garbage for a certificate.
 */
static const struct {
	const char *why, *places;
	uint8_t retired, certificates; /* 0: NO_ROOM */
} rows[] = {
	{ "none yet", "", 0x82, 1 },
	{ "behind one", "b", 0x83, 2 },
	{ "behind three", "bbb", 0x85, 4 },
	{ "into a hole", "b.b", 0x83, 3 },
	{ "behind a key without a certificate", "k", 0x83, 2 },
	{ "behind one among others", "bkb", 0x85, 4 },
	{ "somebody's certificate is not overwritten", "c", 0x83, 2 },
	{ "nor is what is none", "g", 0x83, 2 },
	{ "where it was about to go", "m", 0x82, 1 },
	{ "where it was about to go, behind others", "b.m", 0x84, 3 },
	{ "into the last place", "bbbbbbbbbbbbbbbbbbb", 0x95, 20 },
	{ "no place", "bbbbbbbbbbbbbbbbbbbb", 0, 0 },
	{ "no place, of all kinds", "kbcgkbcgkbcgkbcgkbcg", 0, 0 },
};

static void
fill_place(struct bench *b, uint8_t reference, char what)
{
	const uint32_t tag = client_certificate_object(reference);
	uint8_t octets[CLIENT_OBJECT_MAX];
	struct wbuf certificate = wbuf_over(octets, sizeof octets);

	if (what == 'b' || what == 'k' || what == 'c')
		put_key(b, reference, ALG_RSA_3072);
	if (what == 'b' || what == 'c')
		put_certificate_of(b, reference, &certificate);
	if (what == 'm')
		put_certificate_of(b, SLOT, &certificate);
	if (what == 'g')
		wbuf_fill(&certificate, 0x70, 300);
	if (what != 'k' && what != '.')
		put_object(b, tag, wbuf_view(&certificate));
	if (what == 'c')
		ck_assert_int_eq(
		    store_remove(&b->card->store.port, STORE_KEY, reference), STORE_OK);
}

START_TEST(test_places)
{
	struct fake_store *before = malloc(sizeof *before);
	struct failure why = { "" };
	struct renewal plan;
	struct bench b;
	size_t i;

	bench_open(&b);
	for (i = 0; rows[_i].places[i] != '\0'; i++)
		fill_place(&b, (uint8_t)(RETIRED_FIRST + i), rows[_i].places[i]);
	*before = b.card->store;
	ck_assert_msg(renewal_plan(&b.channel, SLOT, true, &plan, &why) ==
			  (rows[_i].retired != 0 ? DONE : NO_ROOM),
	    "%s: %s", rows[_i].why, why.text);
	ck_assert_msg(plan.retired == rows[_i].retired, "%s: to %02x", rows[_i].why, plan.retired);
	ck_assert_msg(same_store(before, &b.card->store), "%s: only looked", rows[_i].why);
	if (rows[_i].retired == 0) {
		ck_assert_ptr_nonnull(strstr(why.text, "--no-history"));
	} else {
		ck_assert_int_eq(renew(&b, true, ALG_RSA_3072, NULL), DONE);
		ck_assert_msg(old_key_is_in(&b, rows[_i].retired), "%s", rows[_i].why);
		ck_assert_msg(history_says(&b, rows[_i].certificates), "%s: history", rows[_i].why);
	}
	bench_close(&b);
	free(before);
}
END_TEST

/* ---- slots without a key or without its certificate ---- */

START_TEST(test_slots)
{
	static const struct {
		const char *why;
		bool key, certificate, keep, foreign;
		bool retires;
	} slots[] = {
		{ "empty", false, false, true, false, false },
		{ "a key alone", true, false, true, false, false },
		{ "a certificate alone", false, true, true, false, false },
		{ "both", true, true, true, false, true },
		{ "both, not to be kept", true, true, false, false, false },
		{ "another key's certificate", true, true, true, true, false },
	};
	struct fake_store *before = malloc(sizeof *before);
	struct failure why = { "" };
	struct renewal plan;
	struct bench b;
	size_t i;

	for (i = 0; i < sizeof slots / sizeof slots[0]; i++) {
		bench_open(&b);
		if (slots[i].foreign)
			put_key(&b, SLOT, ALG_RSA_3072);
		if (!slots[i].key)
			ck_assert_int_eq(
			    store_remove(&b.card->store.port, STORE_KEY, SLOT), STORE_OK);
		if (!slots[i].certificate)
			ck_assert_int_eq(
			    store_remove(&b.card->store.port, STORE_OBJECT, CERTIFICATE), STORE_OK);
		*before = b.card->store;
		ck_assert_int_eq(renewal_plan(&b.channel, SLOT, slots[i].keep, &plan, &why), DONE);
		ck_assert_msg(plan.has_key == slots[i].key &&
				  plan.has_certificate == slots[i].certificate &&
				  (plan.retired != 0) == slots[i].retires,
		    "%s", slots[i].why);
		ck_assert_int_ne(renew(&b, slots[i].keep, ALG_RSA_4096, NULL), DONE);
		ck_assert_msg(
		    same_store(before, &b.card->store) && same_store(&b.card->store, before),
		    "%s: no key could be made", slots[i].why);
		ck_assert_msg(renew(&b, slots[i].keep, ALG_RSA_3072, &why) == DONE, "%s: %s",
		    slots[i].why, why.text);
		ck_assert(!absent(&b, STORE_KEY, SLOT) && absent(&b, STORE_OBJECT, CERTIFICATE));
		ck_assert_msg(absent(&b, STORE_KEY, 0x82) == !slots[i].retires, "%s", slots[i].why);
		bench_close(&b);
	}
	free(before);
}
END_TEST

/* A certificate that cannot be read, such as a compressed one, may be the key's. */
START_TEST(test_unclear)
{
	struct bench b;

	bench_open(&b);
	memset(b.certificate, 0xce, b.certificate_len);
	put_object(&b, CERTIFICATE, rbuf_of(b.certificate, b.certificate_len));
	ck_assert_int_eq(renew(&b, true, ALG_RSA_3072, NULL), DONE);
	expect_renewed(&b, "unclear", 0);
	bench_close(&b);
}
END_TEST

/* ---- the key history of others ---- */

START_TEST(test_history)
{
	static const uint8_t others[] = { 0xc1, 1, 0, 0xc2, 1, 3, 0xf3, 4, 'h', 't', 't', 'p', 0xfe,
		0 };
	static const uint8_t both[] = { 0xc1, 1, 1, 0xc2, 1, 3, 0xf3, 4, 'h', 't', 't', 'p', 0xfe,
		0 };
	struct fake_store *before = malloc(sizeof *before);
	struct failure why = { "" };
	struct bench b;

	bench_open(&b);
	put_object(&b, HISTORY, rbuf_of(others, sizeof others));
	ck_assert_int_eq(renew(&b, true, ALG_RSA_3072, NULL), DONE);
	ck_assert_msg(has(&b, STORE_OBJECT, HISTORY, rbuf_of(both, sizeof both)),
	    "keys whose certificates are elsewhere stay known");
	bench_close(&b);

	bench_open(&b);
	put_object(&b, HISTORY, rbuf_of(others, sizeof others - 3));
	*before = b.card->store;
	ck_assert_int_eq(renew(&b, true, ALG_RSA_3072, &why), FAILED);
	ck_assert_ptr_nonnull(strstr(why.text, "key history"));
	ck_assert_msg(same_store(before, &b.card->store) && same_store(&b.card->store, before),
	    "a malformed one is not overwritten");
	bench_close(&b);
	free(before);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("renewal");
	TCase *tcase = tcase_create("renewal");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_renewal);
	tcase_add_loop_test(tcase, test_cut_off, 0, 2);
	tcase_add_loop_test(tcase, test_step_fails, 0, 2);
	tcase_add_test(tcase, test_no_key);
	tcase_add_rows(tcase, test_places, rows);
	tcase_add_test(tcase, test_slots);
	tcase_add_test(tcase, test_unclear);
	tcase_add_test(tcase, test_history);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
