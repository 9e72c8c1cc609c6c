/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tool says to a card, and what it makes of answers of every kind; the channel is played. */
#include "tests/suite.h"
#include "tools/client.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

/* ---- the channel that is played: canned answers, or a card that knows its key ---- */

#define SENT_MAX 8

struct channel {
	struct {
		uint8_t octets[4096];
		size_t len;
		uint16_t sw;
	} answers[SENT_MAX];
	size_t answer_count, count;
	struct {
		uint8_t header[3], octets[4200];
		size_t len;
	} sent[SENT_MAX];
	enum outcome broken;

	/* the card that knows its key: GENERAL AUTHENTICATE is answered by it */
	const EVP_CIPHER *cipher;
	uint8_t key[32];
	uint8_t witness[16];
	bool liar, proven;
};

static struct channel channel, *const ch = &channel;
static struct failure why;

static void
setup(void)
{
	memset(&channel, 0, sizeof channel);
	why = (struct failure){ "" };
}

/* Append hexadecimal digits' octets; spaces are skipped. */
static size_t
unhex(const char *text, uint8_t *out, size_t cap)
{
	struct wbuf w = wbuf_over(out, cap);
	unsigned octet;

	for (; *text != '\0'; text++) {
		if (*text == ' ')
			continue;
		ck_assert_int_eq(sscanf(text, "%2x", &octet), 1);
		wbuf_u8(&w, (uint8_t)octet);
		text++;
	}
	ck_assert(wbuf_ok(&w));
	return w.len;
}

static void
then(const char *hex, uint16_t sw)
{
	const size_t n = channel.answer_count;

	ck_assert_uint_lt(n, SENT_MAX);
	channel.answers[n].len =
	    unhex(hex, channel.answers[n].octets, sizeof channel.answers[n].octets);
	channel.answers[n].sw = sw;
	channel.answer_count++;
}

static void
then_octets(struct rbuf octets, uint16_t sw)
{
	const size_t n = channel.answer_count;

	then("", sw);
	channel.answers[n].len = octets.len;
	ck_assert(rbuf_copy(&octets, channel.answers[n].octets, octets.len));
}

static void
crypt_block(bool encrypt, const uint8_t *in, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const int block = EVP_CIPHER_get_block_size(channel.cipher);
	int len = 0;

	ck_assert_int_eq(EVP_CipherInit_ex2(ctx, channel.cipher, channel.key, NULL, encrypt, NULL), 1);
	ck_assert_int_eq(EVP_CIPHER_CTX_set_padding(ctx, 0), 1);
	ck_assert_int_eq(EVP_CipherUpdate(ctx, out, &len, in, block), 1);
	ck_assert_int_eq(len, block);
	EVP_CIPHER_CTX_free(ctx);
}

/* The card's half of mutual authentication. */
static uint16_t
authenticate(struct rbuf data, struct wbuf *out)
{
	const uint8_t block = (uint8_t)EVP_CIPHER_get_block_size(channel.cipher);
	uint8_t result[16];

	if (rbuf_eq(data, rbuf_of("\x7c\x02\x80\x00", 4))) {
		memset(channel.witness, 0x5a, sizeof channel.witness);
		crypt_block(true, channel.witness, result);
		wbuf_u8(out, 0x7c);
		wbuf_u8(out, (uint8_t)(block + 2));
		wbuf_u8(out, 0x80);
	} else {
		ck_assert_uint_eq(data.len, 6u + 2u * block);
		if (memcmp(data.data + 4, channel.witness, block) != 0)
			return 0x6982;
		channel.proven = true;
		crypt_block(!channel.liar, data.data + 6 + block, result);
		wbuf_u8(out, 0x7c);
		wbuf_u8(out, (uint8_t)(block + 2));
		wbuf_u8(out, 0x82);
	}
	wbuf_u8(out, block);
	wbuf_put(out, rbuf_of(result, block));
	return 0x9000;
}

enum outcome
channel_send(struct channel *c, const struct command_apdu *command, struct wbuf *out,
    uint16_t *sw, struct failure *line)
{
	struct rbuf data = command->data;
	const size_t n = c->count;

	if (c->broken != DONE) {
		fail(line, "gone");
		return c->broken;
	}
	if (c->cipher != NULL && command->ins == 0x87) {
		*sw = authenticate(command->data, out);
		return DONE;
	}
	ck_assert_uint_lt(n, c->answer_count);
	memcpy(c->sent[n].header, (uint8_t[]){ command->ins, command->p1, command->p2 }, 3);
	c->sent[n].len = command->data.len;
	ck_assert_uint_le(command->data.len, sizeof c->sent[n].octets);
	ck_assert(rbuf_copy(&data, c->sent[n].octets, command->data.len));
	wbuf_put(out, rbuf_of(c->answers[n].octets, c->answers[n].len));
	*sw = c->answers[n].sw;
	c->count++;
	if (wbuf_ok(out))
		return DONE;
	fail(line, "too long");
	return FAILED;
}

/* What was sent as the nth command: header and data. */
static void
was_sent(size_t n, const char *hex, const char *row)
{
	uint8_t want[4200];
	const size_t len = unhex(hex, want, sizeof want);

	ck_assert_msg(n < channel.count, "%s: not sent", row);
	ck_assert_msg(channel.sent[n].len + 3 == len, "%s: %zu octets of data", row, channel.sent[n].len);
	ck_assert_msg(memcmp(want, channel.sent[n].header, 3) == 0, "%s: header", row);
	ck_assert_msg(memcmp(want + 3, channel.sent[n].octets, len - 3) == 0, "%s: data", row);
}

/* ---- PIN and PUK ---- */

enum { VERIFY, CHANGE_PIN, CHANGE_PUK, UNBLOCK };

#define TEN "1234567890"
#define L100 TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define F4 "ffffffff"

/* clang-format off */
static const struct {
	const char *why;
	int what;
	const char *first, *second, *sent; /* NULL: nothing */
	uint16_t sw;
	enum outcome outcome;
	const char *text;
} secrets[] = {
	{ "eight", VERIFY, "12345678", "", "200080 3132333435363738", 0x9000, DONE, "" },
	{ "four, padded", VERIFY, "1234", "", "200080 31323334" F4, 0x9000, DONE, "" },
	{ "nine, as they are", VERIFY, "123456789", "", "200080 313233343536373839", 0x9000, DONE, "" },
	{ "none", VERIFY, "", "", NULL, 0, WRONG_SECRET, "empty" },
	{ "too many", VERIFY, L100 TEN TEN "12345678", "", NULL, 0, WRONG_SECRET, "longer than 127" },
	{ "wrong", VERIFY, "12345678", "", NULL, 0x63c4, WRONG_SECRET, "the PIN is wrong; 4 tries are left" },
	{ "one try left", VERIFY, "12345678", "", NULL, 0x63c1, WRONG_SECRET, "the PIN is wrong; 1 try is left" },
	{ "none left", VERIFY, "12345678", "", NULL, 0x63c0, WRONG_SECRET, "the PIN is wrong, and no try is left" },
	{ "nobody can tell", VERIFY, "12345678", "", NULL, 0x6300, WRONG_SECRET, "the PIN is wrong" },
	{ "blocked", VERIFY, "12345678", "", NULL, 0x6983, WRONG_SECRET, "blocked" },
	{ "no PIN at all", VERIFY, "12345678", "", NULL, 0x6a80, WRONG_SECRET, "character" },
	{ "broken card", VERIFY, "12345678", "", NULL, 0x6f00, FAILED, "6F00" },
	{ "more than was asked", VERIFY, "12345678", "", NULL, 0x6110, FAILED, "6110" },
	{ "no card", VERIFY, "12345678", "", NULL, 0x6d00, FAILED, "6D00" },
	{ "two of eight", CHANGE_PIN, "12345678", "87654321", "240080 3132333435363738 3837363534333231", 0x9000, DONE, "" },
	{ "halves are equal", CHANGE_PIN, "1234", "1234567890", "240080 31323334" F4 "ffff 31323334353637383930", 0x9000, DONE, "" },
	{ "the other way round", CHANGE_PIN, "1234567890", "12345678", "240080 31323334353637383930 3132333435363738ffff", 0x9000, DONE, "" },
	{ "old is wrong", CHANGE_PIN, "12345678", "87654321", NULL, 0x63c2, WRONG_SECRET, "the PIN is wrong; 2 tries are left" },
	{ "policy", CHANGE_PIN, "12345678", "87654321", NULL, 0x6a80, WRONG_SECRET, "policy" },
	{ "old is empty", CHANGE_PIN, "", "87654321", NULL, 0, WRONG_SECRET, "the PIN is empty" },
	{ "new is empty", CHANGE_PIN, "12345678", "", NULL, 0, WRONG_SECRET, "the new PIN is empty" },
	{ "PUK", CHANGE_PUK, "12345678", "87654321", "240081 3132333435363738 3837363534333231", 0x9000, DONE, "" },
	{ "PUK is wrong", CHANGE_PUK, "12345678", "87654321", NULL, 0x63c3, WRONG_SECRET, "the PUK is wrong; 3 tries are left" },
	{ "PUK is blocked", CHANGE_PUK, "12345678", "87654321", NULL, 0x6983, WRONG_SECRET, "PUK is blocked" },
	{ "PUK's rule", CHANGE_PUK, "12345678", "8765", NULL, 0x6a80, WRONG_SECRET, "new PUK" },
	{ "unblock", UNBLOCK, "12345678", "87654321", "2c0080 3132333435363738 3837363534333231", 0x9000, DONE, "" },
	{ "unblock, wrong", UNBLOCK, "12345678", "87654321", NULL, 0x63c3, WRONG_SECRET, "the PUK is wrong; 3 tries are left" },
	{ "unblock, policy", UNBLOCK, "12345678", "87654321", NULL, 0x6a80, WRONG_SECRET, "PIN policy" },
	{ "unblock, no PUK given", UNBLOCK, "", "87654321", NULL, 0, WRONG_SECRET, "the PUK is empty" },
};
/* clang-format on */

static enum outcome
run_secret(int what, const struct secret *first, const struct secret *second)
{
	switch (what) {
	case VERIFY:
		return client_verify(ch, first, &why);
	case UNBLOCK:
		return client_unblock(ch, first, second, &why);
	default:
		return client_change(
		    ch, what == CHANGE_PIN ? REF_PIN : REF_PUK, first, second, &why);
	}
}

START_TEST(secret)
{
	enum outcome outcome;
	SECRET(first);
	SECRET(second);

	ck_assert(secret_set(&first, rbuf_str(secrets[_i].first)));
	ck_assert(secret_set(&second, rbuf_str(secrets[_i].second)));
	if (secrets[_i].sw != 0)
		then("", secrets[_i].sw);
	outcome = run_secret(secrets[_i].what, &first, &second);
	ck_assert_msg(outcome == secrets[_i].outcome, "%s: %d", secrets[_i].why, (int)outcome);
	ck_assert_msg(strstr(why.text, secrets[_i].text) != NULL && failed(&why) == (outcome != DONE),
	    "%s: %s", secrets[_i].why, why.text);
	if (secrets[_i].sent != NULL)
		was_sent(0, secrets[_i].sent, secrets[_i].why);
}
END_TEST

START_TEST(longest)
{
	uint8_t text[127];
	SECRET(pin);

	memset(text, 'x', sizeof text);
	ck_assert(secret_set(&pin, rbuf_of(text, sizeof text)));
	then("", 0x9000);
	then("", 0x9000);
	ck_assert_int_eq(client_verify(ch, &pin, &why), DONE);
	ck_assert_uint_eq(channel.sent[0].len, 127);
	ck_assert_int_eq(client_change(ch, REF_PIN, &pin, &pin, &why), DONE);
	ck_assert_uint_eq(channel.sent[1].len, 254);
	channel.broken = FAILED;
	ck_assert_int_eq(client_verify(ch, &pin, &why), FAILED);
}
END_TEST

/* ---- data objects ---- */

/* clang-format off */
static const struct {
	const char *why;
	uint32_t tag;
	const char *sent, *answer;
	uint16_t sw;
	enum outcome outcome;
	const char *content; /* NULL: not there */
} gets[] = {
	{ "an object", 0x5fc102, "cb3fff 5c035fc102", "5303616263", 0x9000, DONE, "abc" },
	{ "missing", 0x5fc102, "cb3fff 5c035fc102", "", 0x6a82, DONE, NULL },
	{ "empty", 0x5fc102, "cb3fff 5c035fc102", "5300", 0x9000, DONE, NULL },
	{ "the discovery object", 0x7e, "cb3fff 5c017e", "7e03616263", 0x9000, DONE, "abc" },
	{ "the BIT group template", 0x7f61, "cb3fff 5c027f61", "7f6103616263", 0x9000, DONE, "abc" },
	{ "behind the PIN", 0x5fc109, "cb3fff 5c035fc109", "", 0x6982, NOT_PERMITTED, NULL },
	{ "trouble", 0x5fc102, "cb3fff 5c035fc102", "", 0x6f00, FAILED, NULL },
	{ "nothing at all", 0x5fc102, "cb3fff 5c035fc102", "", 0x9000, FAILED, NULL },
	{ "cut short", 0x5fc102, "cb3fff 5c035fc102", "53056162", 0x9000, FAILED, NULL },
	{ "no length", 0x5fc102, "cb3fff 5c035fc102", "53", 0x9000, FAILED, NULL },
	{ "a length beyond all", 0x5fc102, "cb3fff 5c035fc102", "5384ffffffff61", 0x9000, FAILED, NULL },
	{ "indefinite", 0x5fc102, "cb3fff 5c035fc102", "5380610000", 0x9000, FAILED, NULL },
	{ "something behind it", 0x5fc102, "cb3fff 5c035fc102", "530161 00", 0x9000, FAILED, NULL },
	{ "another tag", 0x5fc102, "cb3fff 5c035fc102", "7e03616263", 0x9000, FAILED, NULL },
	{ "longer than there is room", 0x5fc102, "cb3fff 5c035fc102", "530a 61616161616161616161", 0x9000, FAILED, NULL },
};
/* clang-format on */

START_TEST(get)
{
	uint8_t octets[9];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	const char *content = gets[_i].content;
	enum outcome outcome;
	bool there = true;

	wbuf_u8(&out, '!');
	then(gets[_i].answer, gets[_i].sw);
	outcome = client_get(ch, gets[_i].tag, &out, &there, &why);
	ck_assert_msg(outcome == gets[_i].outcome, "%s: %s", gets[_i].why, why.text);
	ck_assert_msg(failed(&why) == (outcome != DONE), "%s", gets[_i].why);
	ck_assert_msg(there == (content != NULL), "%s", gets[_i].why);
	ck_assert_msg(wbuf_ok(&out) && out.len == 1 + (content != NULL ? strlen(content) : 0), "%s",
	    gets[_i].why);
	ck_assert_msg(content == NULL || memcmp(octets + 1, content, strlen(content)) == 0, "%s",
	    gets[_i].why);
	was_sent(0, gets[_i].sent, gets[_i].why);
}
END_TEST

START_TEST(put)
{
	uint8_t big[CLIENT_OBJECT_MAX + 64] = { 0 };

	then("", 0x9000);
	then("", 0x9000);
	then("", 0x6982);
	then("", 0x6a84);
	ck_assert_int_eq(client_put(ch, OBJECT_CHUID, rbuf_str("abc"), &why), DONE);
	was_sent(0, "db3fff 5c035fc102 5303616263", "put");
	ck_assert_int_eq(client_put(ch, 0x7e, rbuf_str("abc"), &why), DONE);
	was_sent(1, "db3fff 7e03616263", "put the discovery object");
	ck_assert_int_eq(client_put(ch, OBJECT_CHUID, rbuf_of(NULL, 0), &why), NOT_PERMITTED);
	was_sent(2, "db3fff 5c035fc102 5300", "delete");
	why = (struct failure){ "" };
	ck_assert_int_eq(client_put(ch, OBJECT_CHUID, rbuf_of(big, CLIENT_OBJECT_MAX), &why), NO_ROOM);
	why = (struct failure){ "" };
	ck_assert_int_eq(client_put(ch, OBJECT_CHUID, rbuf_of(big, sizeof big), &why), FAILED);
	ck_assert(strstr(why.text, "longer") != NULL);
	ck_assert_uint_eq(channel.count, 4);
}
END_TEST

static const struct {
	uint8_t reference;
	uint32_t tag;
} objects[] = { { 0x9a, 0x5fc105 }, { 0x9c, 0x5fc10a }, { 0x9d, 0x5fc10b }, { 0x9e, 0x5fc101 },
	{ 0x82, 0x5fc10d }, { 0x95, 0x5fc120 }, { 0x81, 0 }, { 0x96, 0 }, { 0x9b, 0 }, { 0xf9, 0 } };

START_TEST(certificate_object)
{
	ck_assert_uint_eq(client_certificate_object(objects[_i].reference), objects[_i].tag);
}
END_TEST

/* ---- certificates ---- */

/* A public key that nobody has the private one of: looking for primes takes its time. */
static EVP_PKEY *
make_rsa(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params;
	uint8_t octets[256];
	EVP_PKEY *key = NULL;
	BIGNUM *n;

	memset(octets, 0xc3, sizeof octets);
	n = BN_bin2bn(octets, sizeof octets, NULL);
	ck_assert_int_eq(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n), 1);
	ck_assert_int_eq(OSSL_PARAM_BLD_push_uint32(build, OSSL_PKEY_PARAM_RSA_E, 65537), 1);
	params = OSSL_PARAM_BLD_to_param(build);
	ck_assert_int_eq(EVP_PKEY_fromdata_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	return key;
}

static EVP_PKEY *
make_key(uint8_t algorithm)
{
	EVP_PKEY *key = algorithm == ALG_RSA_2048 ? make_rsa()
			: EVP_PKEY_Q_keygen(NULL, NULL, "EC", algorithm == ALG_ECC_P256 ? "P-256" : "P-384");

	ck_assert_ptr_nonnull(key);
	return key;
}

/* A certificate with so many octets of name in it. */
static X509 *
make_certificate(EVP_PKEY *key, size_t n)
{
	X509 *x = X509_new();
	char text[61];

	(void)snprintf(text, sizeof text, "%060d", 0);
	ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(x), 7), 1);
	ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
	ck_assert_int_eq(X509_set_pubkey(x, key), 1);
	for (; n > 0; n -= n < 60 ? n : 60)
		ck_assert_int_eq(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "OU",
				     MBSTRING_ASC, (const unsigned char *)text, n < 60 ? (int)n : 60, -1, 0),
		    1);
	ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
	return x;
}

START_TEST(certificate)
{
	EVP_PKEY *key = make_key(ALG_ECC_P256);
	X509 *x = make_certificate(key, 10), *big = make_certificate(key, 4000), *back = NULL;
	struct rbuf sent;

	then("", 0x9000);
	ck_assert_int_eq(client_put_certificate(ch, 0x9d, x, &why), DONE);
	ck_assert_mem_eq(channel.sent[0].octets, "\x5c\x03\x5f\xc1\x0b\x53", 6);
	sent = rbuf_of(channel.sent[0].octets + 5, channel.sent[0].len - 5);
	then_octets(sent, 0x9000);
	ck_assert_int_eq(client_get_certificate(ch, 0x9d, &back, &why), DONE);
	ck_assert_int_eq(X509_cmp(x, back), 0);
	X509_free(back);
	then("", 0x6a82);
	ck_assert_int_eq(client_get_certificate(ch, 0x9a, &back, &why), DONE);
	ck_assert_ptr_null(back);
	ck_assert_int_eq(client_get_certificate(ch, 0x9b, &back, &why), DONE);
	ck_assert_ptr_null(back);
	ck_assert(!failed(&why));
	ck_assert_int_eq(client_put_certificate(ch, 0x9a, big, &why), FAILED);
	ck_assert(strstr(why.text, "more than a card's can have") != NULL);
	why = (struct failure){ "" };
	ck_assert_int_eq(client_put_certificate(ch, 0x9b, x, &why), FAILED);
	ck_assert_uint_eq(channel.count, 3);
	X509_free(big);
	X509_free(x);
	EVP_PKEY_free(key);
}
END_TEST

/* clang-format off */
static const struct { const char *why, *answer, *text; } bad_certificates[] = {
	{ "no DER", "5308 7003616263 7101 00", "none" },
	{ "nothing in it", "5305 7000 710100", "none" },
	{ "no certificate", "5303 710100", "none" },
	{ "compressed", "5308 7003616263 710101", "compressed" },
	{ "a tag that does not belong", "5303 990100", "malformed" },
	{ "twice", "530a 7003616263 7003616263", "malformed" },
	{ "cut short inside", "5303 700561", "malformed" },
	{ "an endless length", "5306 7084ffffffff", "malformed" },
};
/* clang-format on */

START_TEST(bad_certificate)
{
	X509 *x = NULL;

	then(bad_certificates[_i].answer, 0x9000);
	ck_assert_int_eq(client_get_certificate(ch, 0x9a, &x, &why), FAILED);
	ck_assert_ptr_null(x);
	ck_assert_msg(strstr(why.text, bad_certificates[_i].text) != NULL, "%s: %s",
	    bad_certificates[_i].why, why.text);
}
END_TEST

/* ---- metadata ---- */

/* clang-format off */
static const struct {
	const char *why;
	uint8_t reference;
	const char *answer;
	uint16_t sw;
	enum outcome outcome;
	struct metadata want;
} metadata[] = {
	{ "PIN", 0x80, "0101ff 050101 06020503", 0x9000, DONE,
	    { .there = true, .algorithm = 0xff, .is_default = true, .tries_limit = 5, .tries_left = 3 } },
	{ "PIN, not to be told", 0x80, "", 0x6985, DONE, { .there = true } },
	{ "no PUK", 0x81, "0101ff 050100 06020000", 0x9000, DONE, { .algorithm = 0xff } },
	{ "9B", 0x9b, "010103 02020001 050101", 0x9000, DONE, { .there = true, .algorithm = ALG_3DES, .is_default = true } },
	{ "a key", 0x9c, "010111 02020301 030102 0403860104", 0x9000, DONE,
	    { .there = true, .algorithm = ALG_ECC_P256, .pin = PIN_ALWAYS, .origin = ORIGIN_IMPORTED } },
	{ "no key", 0x9c, "", 0x6a88, DONE, { .there = false } },
	{ "trouble", 0x9c, "", 0x6f00, FAILED, { .there = false } },
	{ "cut short", 0x9c, "01", 0x9000, FAILED, { .there = false } },
	{ "a length beyond", 0x9c, "010511", 0x9000, FAILED, { .there = false } },
	{ "twice", 0x9c, "010111 010111", 0x9000, FAILED, { .there = false } },
	{ "an unknown tag", 0x9c, "010111 5f010100", 0x9000, FAILED, { .there = false } },
};
/* clang-format on */

START_TEST(describe)
{
	const struct metadata *want = &metadata[_i].want;
	enum outcome outcome;
	struct metadata m;

	then(metadata[_i].answer, metadata[_i].sw);
	outcome = client_metadata(ch, metadata[_i].reference, &m, &why);
	ck_assert_msg(outcome == metadata[_i].outcome, "%s: %s", metadata[_i].why, why.text);
	ck_assert_mem_eq(channel.sent[0].header, "\xf7\x00", 2);
	if (outcome != DONE)
		return;
	ck_assert_msg(m.there == want->there && m.algorithm == want->algorithm &&
			  m.pin == want->pin && m.origin == want->origin &&
			  m.is_default == want->is_default && m.tries_left == want->tries_left &&
			  m.tries_limit == want->tries_limit,
	    "%s", metadata[_i].why);
}
END_TEST

/* ---- keys ---- */

/* Append a data object with a length of one to three octets. */
static void
put_tlv(struct wbuf *out, unsigned tag, struct rbuf value)
{
	if (tag > 0xff)
		wbuf_u8(out, (uint8_t)(tag >> 8));
	wbuf_u8(out, (uint8_t)tag);
	if (value.len > 0xff) {
		wbuf_u8(out, 0x82);
		wbuf_u16(out, (uint16_t)value.len);
	} else {
		if (value.len > 0x7f)
			wbuf_u8(out, 0x81);
		wbuf_u8(out, (uint8_t)value.len);
	}
	wbuf_put(out, value);
}

/* A public key as the card writes it. */
static void
put_public(struct wbuf *out, EVP_PKEY *key)
{
	uint8_t octets[512];
	BIGNUM *n = NULL;
	size_t len = 0;

	if (EVP_PKEY_is_a(key, "RSA") == 1) {
		ck_assert_int_eq(EVP_PKEY_get_bn_param(key, "n", &n), 1);
		len = (size_t)BN_bn2bin(n, octets);
		put_tlv(out, 0x81, rbuf_of(octets, len));
		put_tlv(out, 0x82, rbuf_of("\x01\x00\x01", 3));
		BN_free(n);
	} else {
		ck_assert_int_eq(EVP_PKEY_get_octet_string_param(key, "pub", octets, sizeof octets, &len), 1);
		put_tlv(out, 0x86, rbuf_of(octets, len));
	}
}

static const uint8_t algorithms[] = { ALG_RSA_2048, ALG_ECC_P256, ALG_ECC_P384 };

START_TEST(public_key)
{
	uint8_t octets[600], outer[600];
	struct wbuf value = wbuf_over(octets, sizeof octets), out = wbuf_over(outer, sizeof outer);
	EVP_PKEY *key = make_key(algorithms[_i]), *back = NULL;

	put_public(&value, key);
	put_tlv(&out, 0x7f49, wbuf_view(&value));
	then_octets(wbuf_view(&out), 0x9000);
	ck_assert_int_eq(client_generate(ch, 0x9a, algorithms[_i], PIN_ALWAYS, &back, &why), DONE);
	ck_assert_int_eq(EVP_PKEY_eq(key, back), 1);
	EVP_PKEY_free(back);
	ck_assert_mem_eq(channel.sent[0].header, "\x47\x00\x9a", 3);
	ck_assert_mem_eq(channel.sent[0].octets, "\xac\x06\x80\x01", 4);
	ck_assert_uint_eq(channel.sent[0].octets[4], algorithms[_i]);
	ck_assert_mem_eq(channel.sent[0].octets + 5, "\xaa\x01\x03", 3);

	out = wbuf_over(outer, sizeof outer);
	put_tlv(&out, 0x01, rbuf_of(&algorithms[_i], 1));
	put_tlv(&out, 0x04, wbuf_view(&value));
	then_octets(wbuf_view(&out), 0x9000);
	ck_assert_int_eq(client_public_key(ch, 0x9a, &back, &why), DONE);
	ck_assert_int_eq(EVP_PKEY_eq(key, back), 1);
	EVP_PKEY_free(back);

	/* The slot's own rule: nothing said of it. */
	then("", 0x6a80);
	ck_assert_int_eq(client_generate(ch, 0x9a, algorithms[_i], 0, &back, &why), FAILED);
	ck_assert_ptr_null(back);
	ck_assert_uint_eq(channel.sent[2].len, 5);
	EVP_PKEY_free(key);
}
END_TEST

#define P256_X "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
#define P256_Y "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"

/* clang-format off */
static const struct { const char *why; uint8_t algorithm; const char *answer; uint16_t sw; } bad_keys[] = {
	{ "no template", ALG_ECC_P256, "8641 04" P256_X P256_Y, 0x9000 },
	{ "cut short", ALG_ECC_P256, "7f4943 8641 04" P256_X, 0x9000 },
	{ "something behind it", ALG_ECC_P256, "7f4943 8641 04" P256_X P256_Y "00", 0x9000 },
	{ "not on the curve", ALG_ECC_P256, "7f4943 8641 04" P256_X P256_X, 0x9000 },
	{ "a short point", ALG_ECC_P256, "7f4923 8621 04" P256_X, 0x9000 },
	{ "of another curve", ALG_ECC_P384, "7f4943 8641 04" P256_X P256_Y, 0x9000 },
	{ "a point for RSA", ALG_RSA_2048, "7f4943 8641 04" P256_X P256_Y, 0x9000 },
	{ "a short modulus", ALG_RSA_2048, "7f4909 8102ffff 8203010001", 0x9000 },
	{ "no such algorithm", 0x99, "7f4943 8641 04" P256_X P256_Y, 0x9000 },
	{ "empty", ALG_ECC_P256, "7f4900", 0x9000 },
	{ "nothing", ALG_ECC_P256, "", 0x9000 },
	{ "no administrator", ALG_ECC_P256, "", 0x6982 },
	{ "no room", ALG_ECC_P256, "", 0x6a84 },
};
/* clang-format on */

START_TEST(bad_key)
{
	EVP_PKEY *key = NULL;

	then(bad_keys[_i].answer, bad_keys[_i].sw);
	ck_assert_msg(client_generate(ch, 0x9a, bad_keys[_i].algorithm, 0, &key, &why) != DONE, "%s",
	    bad_keys[_i].why);
	ck_assert_ptr_null(key);
	ck_assert_msg(failed(&why), "%s", bad_keys[_i].why);
}
END_TEST

START_TEST(move)
{
	then("", 0x9000);
	then("", 0x6985);
	then("", 0x6a88);
	ck_assert_int_eq(client_move(ch, 0x9d, 0x82, &why), DONE);
	was_sent(0, "f6829d", "move");
	ck_assert_int_eq(client_move(ch, 0x9d, 0x82, &why), FAILED);
	ck_assert(strstr(why.text, "already") != NULL);
	why = (struct failure){ "" };
	ck_assert_int_eq(client_move(ch, 0x9d, 0x82, &why), FAILED);
	ck_assert(strstr(why.text, "no key") != NULL);
}
END_TEST

/* ---- the administrator key ---- */

/* clang-format off */
static const struct { uint8_t algorithm; size_t len; const EVP_CIPHER *(*cipher)(void); } ciphers[] = {
	{ ALG_3DES, 24, EVP_des_ede3_ecb },
	{ ALG_AES_128, 16, EVP_aes_128_ecb },
	{ ALG_AES_192, 24, EVP_aes_192_ecb },
	{ ALG_AES_256, 32, EVP_aes_256_ecb },
};
/* clang-format on */

START_TEST(mutual)
{
	SECRET(key);

	memset(channel.key, 0x17, sizeof channel.key);
	channel.key[9] = 3;
	channel.cipher = ciphers[_i].cipher();
	ck_assert(secret_set(&key, rbuf_of(channel.key, ciphers[_i].len)));
	ck_assert_int_eq(client_authenticate(ch, ciphers[_i].algorithm, &key, &why), DONE);
	ck_assert(channel.proven);

	/* A card that knows the key by hearsay only. */
	channel.liar = true;
	ck_assert_int_eq(client_authenticate(ch, ciphers[_i].algorithm, &key, &why), FAILED);
	ck_assert(strstr(why.text, "do not use it") != NULL);

	channel.proven = false;
	why = (struct failure){ "" };
	key.data[0] ^= 0x80;
	ck_assert_int_eq(client_authenticate(ch, ciphers[_i].algorithm, &key, &why), WRONG_SECRET);
	ck_assert(strstr(why.text, "key is wrong") != NULL);
	ck_assert(!channel.proven);

	why = (struct failure){ "" };
	key.len--;
	ck_assert_int_eq(client_authenticate(ch, ciphers[_i].algorithm, &key, &why), WRONG_SECRET);
	ck_assert_int_eq(client_authenticate(ch, 0x42, &key, &why), WRONG_SECRET);
}
END_TEST

/* clang-format off */
static const struct { const char *why, *answer; uint16_t sw; enum outcome outcome; const char *text; } witnesses[] = {
	{ "after the PIN only", "", 0x6982, NOT_PERMITTED, "after the PIN" },
	{ "of another algorithm", "", 0x6a86, WRONG_SECRET, "another algorithm" },
	{ "no key", "", 0x6a88, FAILED, "no key" },
	{ "nothing", "", 0x9000, FAILED, "malformed" },
	{ "short", "7c06 8004 01020304", 0x9000, FAILED, "challenge" },
	{ "long", "7c12 8010 01020304010203040102030401020304", 0x9000, FAILED, "challenge" },
	{ "another object", "7c0a 8108 0102030401020304", 0x9000, FAILED, "malformed" },
	{ "cut short", "7c0a 8008 01020304", 0x9000, FAILED, "malformed" },
	{ "something behind it", "7c0a 8008 0102030401020304 00", 0x9000, FAILED, "malformed" },
	{ "two of them", "7c08 80020102 80020102", 0x9000, FAILED, "malformed" },
};
/* clang-format on */

START_TEST(witness)
{
	enum outcome outcome;
	SECRET(key);

	ck_assert(secret_set(&key, rbuf_str("abcdefghijklmnopqrstuvwx")));
	then(witnesses[_i].answer, witnesses[_i].sw);
	outcome = client_authenticate(ch, ALG_3DES, &key, &why);
	ck_assert_msg(outcome == witnesses[_i].outcome && strstr(why.text, witnesses[_i].text) != NULL,
	    "%s: %s", witnesses[_i].why, why.text);
	was_sent(0, "87039b 7c028000", witnesses[_i].why);
	ck_assert_uint_eq(channel.count, 1);
}
END_TEST

START_TEST(set_key)
{
	bool owner_only = true;
	SECRET(key);

	ck_assert(secret_set(&key, rbuf_str("abcdefghijklmnop")));
	then("", 0x9000);
	then("", 0x6985);
	then("", 0x6982);
	ck_assert_int_eq(client_set_management_key(ch, ALG_AES_128, &key, &owner_only, &why), DONE);
	ck_assert(!owner_only);
	was_sent(0, "ffffff 089b10 6162636465666768696a6b6c6d6e6f70", "set");
	ck_assert_int_eq(
	    client_set_management_key(ch, ALG_AES_128, &key, &owner_only, &why), NOT_PERMITTED);
	ck_assert(owner_only && strstr(why.text, "TPM") != NULL);
	why = (struct failure){ "" };
	ck_assert_int_eq(
	    client_set_management_key(ch, ALG_AES_128, &key, &owner_only, &why), NOT_PERMITTED);
	ck_assert(!owner_only && strstr(why.text, "administrator key first") != NULL);
}
END_TEST

/* clang-format off */
static const struct { const char *why, *answer; uint16_t sw; enum outcome outcome; bool yes; } flags[] = {
	{ "protected", "5305 8003 810102", 0x9000, DONE, true },
	{ "and more", "5309 8007 810103 8202aabb", 0x9000, DONE, true },
	{ "not protected", "5305 8003 810101", 0x9000, DONE, false },
	{ "no flags", "5302 8000", 0x9000, DONE, false },
	{ "nothing", "", 0x6a82, DONE, false },
	{ "something of others", "5303 616263", 0x9000, DONE, false },
	{ "cut short", "5305 8003 8101", 0x9000, FAILED, false },
	{ "trouble", "", 0x6f00, FAILED, false },
};
/* clang-format on */

START_TEST(is_protected)
{
	enum outcome outcome;
	bool yes = !flags[_i].yes;

	then(flags[_i].answer, flags[_i].sw);
	outcome = client_is_protected(ch, &yes, &why);
	ck_assert_msg(outcome == flags[_i].outcome && yes == flags[_i].yes, "%s: %s", flags[_i].why,
	    why.text);
	was_sent(0, "cb3fff 5c035fff00", flags[_i].why);
}
END_TEST

#define OLD_KEY "6f6c646f6c646f6c646f6c646f6c6421" /* oldoldoldoldold! */
#define NEW_KEY "6e65776e65776e65776e65776e657721" /* newnewnewnewnew! */

/* clang-format off */
static const struct { const char *why, *answer; uint16_t sw; const char *card, *key; enum outcome outcome; } kept[] = {
	{ "the key", "5314 8812 8910" OLD_KEY, 0x9000, NULL, "oldoldoldoldold!", DONE },
	{ "a change was interrupted before", "5326 8824 8910" OLD_KEY "8a10" NEW_KEY, 0x9000, "oldoldoldoldold!", "oldoldoldoldold!", DONE },
	{ "a change was interrupted after", "5326 8824 8910" OLD_KEY "8a10" NEW_KEY, 0x9000, "newnewnewnewnew!", "newnewnewnewnew!", DONE },
	{ "missing", "", 0x6a82, NULL, NULL, FAILED },
	{ "no key in it", "5302 8800", 0x9000, NULL, NULL, FAILED },
	{ "an empty one", "5304 8802 8900", 0x9000, NULL, NULL, FAILED },
	{ "printed information", "5305 0103 414243", 0x9000, NULL, NULL, FAILED },
	{ "cut short", "5314 8812 8910 0102", 0x9000, NULL, NULL, FAILED },
	{ "no PIN", "", 0x6982, NULL, NULL, NOT_PERMITTED },
};
/* clang-format on */

START_TEST(protected_key)
{
	enum outcome outcome;
	SECRET(key);

	then(kept[_i].answer, kept[_i].sw);
	if (kept[_i].card != NULL) {
		then("010108 050100", 0x9000); /* metadata of 9B: AES-128 */
		channel.cipher = EVP_aes_128_ecb();
		memcpy(channel.key, kept[_i].card, 16);
	}
	outcome = client_protected_key(ch, &key, &why);
	ck_assert_msg(outcome == kept[_i].outcome, "%s: %s", kept[_i].why, why.text);
	ck_assert_msg(rbuf_eq(secret_view(&key), rbuf_str(kept[_i].key != NULL ? kept[_i].key : "")), "%s",
	    kept[_i].why);
}
END_TEST

START_TEST(keep_protected)
{
	SECRET(old);
	SECRET(fresh);

	ck_assert(secret_set(&old, rbuf_str("oldoldoldoldold!")));
	ck_assert(secret_set(&fresh, rbuf_str("newnewnewnewnew!")));
	then("", 0x9000);
	then("", 0x9000);
	ck_assert_int_eq(client_keep_protected(ch, &old, &fresh, &why), DONE);
	was_sent(0, "db3fff 5c035fc109 5326 8824 8910" OLD_KEY "8a10" NEW_KEY, "both");
	ck_assert_int_eq(client_keep_protected(ch, &fresh, NULL, &why), DONE);
	was_sent(1, "db3fff 5c035fc109 5314 8812 8910" NEW_KEY, "one");
}
END_TEST

/* ---- signatures ---- */

/* RFC 8017, 9.2: the DigestInfo of SHA-256 before the digest. */
#define SHA256_INFO "3031300d060960864801650304020105000420"

START_TEST(sign_rsa)
{
	uint8_t digest[32], answer[300], signature[256], want[300], octets[512];
	struct wbuf out = wbuf_over(octets, sizeof octets), w = wbuf_over(answer, sizeof answer);
	struct wbuf sent = wbuf_over(want, sizeof want);
	uint8_t info[19];

	memset(digest, 0x33, sizeof digest);
	memset(signature, 0x5e, sizeof signature);
	wbuf_put(&w, rbuf_of("\x7c\x82\x01\x04\x82\x82\x01\x00", 8));
	wbuf_put(&w, rbuf_of(signature, sizeof signature));
	then_octets(wbuf_view(&w), 0x9000);
	ck_assert_msg(client_sign(ch, 0x9c, ALG_RSA_2048, EVP_sha256(), rbuf_of(digest, sizeof digest),
			  &out, &why) == DONE, "%s", why.text);
	ck_assert(rbuf_eq(wbuf_view(&out), rbuf_of(signature, sizeof signature)));
	ck_assert_mem_eq(channel.sent[0].header, "\x87\x07\x9c", 3);
	wbuf_put(&sent, rbuf_of("\x7c\x82\x01\x06\x82\x00\x81\x82\x01\x00", 10));
	wbuf_put(&sent, rbuf_of("\x00\x01", 2));
	wbuf_fill(&sent, 0xff, 256 - 3 - sizeof info - sizeof digest);
	wbuf_u8(&sent, 0);
	wbuf_put(&sent, rbuf_of(info, unhex(SHA256_INFO, info, sizeof info)));
	wbuf_put(&sent, rbuf_of(digest, sizeof digest));
	ck_assert(rbuf_eq(wbuf_view(&sent), rbuf_of(channel.sent[0].octets, channel.sent[0].len)));
}
END_TEST

/* clang-format off */
static const struct { const char *why; uint8_t algorithm; const char *answer; uint16_t sw; enum outcome outcome; } signatures[] = {
	{ "ECDSA", ALG_ECC_P256, "7c05 8203 616263", 0x9000, DONE },
	{ "no PIN", ALG_ECC_P256, "", 0x6982, NOT_PERMITTED },
	{ "no key", ALG_ECC_P256, "", 0x6a88, FAILED },
	{ "an empty one", ALG_ECC_P256, "7c02 8200", 0x9000, FAILED },
	{ "no template", ALG_ECC_P256, "8203 616263", 0x9000, FAILED },
	{ "longer than there is room", ALG_ECC_P256, "7c0a 8208 6162636465666768", 0x9000, FAILED },
	{ "a short one of RSA", ALG_RSA_2048, "7c05 8203 616263", 0x9000, FAILED },
	{ "no such algorithm", 0x42, "", 0, FAILED },
};
/* clang-format on */

START_TEST(sign)
{
	uint8_t digest[48], octets[4];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	enum outcome outcome;

	memset(digest, 0x44, sizeof digest);
	if (signatures[_i].sw != 0)
		then(signatures[_i].answer, signatures[_i].sw);
	outcome = client_sign(ch, 0x9a, signatures[_i].algorithm, EVP_sha384(),
	    rbuf_of(digest, sizeof digest), &out, &why);
	ck_assert_msg(outcome == signatures[_i].outcome, "%s: %s", signatures[_i].why, why.text);
	ck_assert_msg(out.len == (outcome == DONE ? 3u : 0u) && wbuf_ok(&out), "%s", signatures[_i].why);
	if (signatures[_i].algorithm != ALG_ECC_P256)
		return;
	/* A digest longer than the curve loses its end. */
	ck_assert_uint_eq(channel.sent[0].len, 2 + 2 + 2 + 32);
	ck_assert_mem_eq(channel.sent[0].octets, "\x7c\x24\x82\x00\x81\x20\x44", 7);
}
END_TEST

/* ---- octets by chance ---- */

#define ROUNDS 400

/* Whatever a card says: an outcome, and no more than fits. */
START_TEST(nonsense)
{
	uint8_t octets[64], out_octets[32];
	unsigned seed = (unsigned)_i;
	struct metadata m;
	EVP_PKEY *key = NULL;
	struct wbuf out;
	X509 *x = NULL;
	bool yes;
	size_t i, round, n;
	enum outcome outcome;
	SECRET(found);

	static const uint8_t usual[] = { 0x53, 0x7c, 0x70, 0x71, 0x80, 0x81, 0x82, 0x86, 0x88, 0x89,
		0x8a, 0xfe, 0x7f, 0x49, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x08, 0x10, 0xff };

	for (round = 0; round < ROUNDS; round++) {
		setup();
		secret_clear(&found);
		for (n = 0; n < SENT_MAX; n++) {
			const size_t len = (size_t)rand_r(&seed) % sizeof octets;

			for (i = 0; i < len; i++)
				octets[i] = usual[(size_t)rand_r(&seed) % sizeof usual];
			then_octets(rbuf_of(octets, len), 0x9000);
		}
		out = wbuf_over(out_octets, sizeof out_octets);
		outcome = client_get(ch, 0x5fc102, &out, &yes, &why);
		ck_assert(wbuf_ok(&out) && (yes ? outcome == DONE && out.len != 0 : out.len == 0));
		ck_assert(client_get_certificate(ch, 0x9a, &x, &why) == DONE || x == NULL);
		X509_free(x);
		outcome = client_metadata(ch, 0x9a, &m, &why);
		ck_assert(outcome == DONE || !m.there);
		ck_assert_int_eq(client_public_key(ch, 0x9a, &key, &why) == DONE, key != NULL);
		EVP_PKEY_free(key);
		outcome = client_generate(ch, 0x9a, ALG_ECC_P256, 0, &key, &why);
		ck_assert_int_eq(outcome == DONE, key != NULL);
		EVP_PKEY_free(key);
		outcome = client_is_protected(ch, &yes, &why);
		ck_assert(outcome == DONE || !yes);
		outcome = client_protected_key(ch, &found, &why);
		ck_assert_int_eq(outcome == DONE, found.len != 0);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("client");
	TCase *t = tcase_create("client");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_rows(t, secret, secrets);
	tcase_add_test(t, longest);
	tcase_add_rows(t, get, gets);
	tcase_add_test(t, put);
	tcase_add_rows(t, certificate_object, objects);
	tcase_add_test(t, certificate);
	tcase_add_rows(t, bad_certificate, bad_certificates);
	tcase_add_rows(t, describe, metadata);
	tcase_add_rows(t, public_key, algorithms);
	tcase_add_rows(t, bad_key, bad_keys);
	tcase_add_test(t, move);
	tcase_add_rows(t, mutual, ciphers);
	tcase_add_rows(t, witness, witnesses);
	tcase_add_test(t, set_key);
	tcase_add_rows(t, is_protected, flags);
	tcase_add_rows(t, protected_key, kept);
	tcase_add_test(t, keep_protected);
	tcase_add_test(t, sign_rsa);
	tcase_add_rows(t, sign, signatures);
	tcase_add_loop_test(t, nonsense, 1, 3);
	suite_add_tcase(s, t);
	return suite_run(s);
}
