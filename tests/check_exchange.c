/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes between a card's machine and an attestation CA, by file and over
 * HTTPS: there and back, and whatever a stranger makes of it.
 */
#include "tests/suite.h"
#include "tools/base64.h"
#include "tools/calls.h"
#include "tools/exchange.h"
#include "tools/https.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

/* Certificates that are none, but have a beginning and an end. */
static const uint8_t leaf[] = { 0x30, 3, 2, 1, 1 }, middle[] = { 0x30, 3, 2, 1, 2 };
static const uint8_t guid[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static uint8_t text_octets[EXCHANGE_TEXT_MAX], pool_octets[EXCHANGE_OCTETS_MAX];
static struct wbuf text, pool;

static void
setup(void)
{
	text = wbuf_over(text_octets, sizeof text_octets);
	pool = wbuf_over(pool_octets, sizeof pool_octets);
}

static void
teardown(void)
{
}

static struct chain
chain_of_two(void)
{
	return (struct chain){ .certificate = rbuf_of(leaf, sizeof leaf),
		.above = { rbuf_of(middle, sizeof middle) } };
}

static struct evidence
card(void)
{
	return (struct evidence){
		.name = rbuf_str("Alice's \"card\""),
		.guid = rbuf_of(guid, sizeof guid),
		.ek = chain_of_two(),
		.ek_area = rbuf_str("an EK's area"),
		.ak_area = rbuf_str("an AK's area"),
	};
}

static bool
same_chain(const struct chain *a, const struct chain *b)
{
	bool same = rbuf_eq(a->certificate, b->certificate);
	size_t i;

	for (i = 0; i < EVIDENCE_CHAIN_MAX; i++)
		same = same && rbuf_eq(a->above[i], b->above[i]);
	return same;
}

/* ---- by file ---- */

START_TEST(a_request)
{
	const struct evidence e = card();
	struct failure why = { "" };
	struct evidence read;

	ck_assert(exchange_write_request(&e, &text));
	ck_assert_msg(exchange_read_request(wbuf_view(&text), &pool, &read, &why), "%s", why.text);
	ck_assert(rbuf_eq(read.name, e.name) && rbuf_eq(read.guid, e.guid));
	ck_assert(rbuf_eq(read.ek_area, e.ek_area) && rbuf_eq(read.ak_area, e.ak_area));
	ck_assert(same_chain(&read.ek, &e.ek));
}
END_TEST

START_TEST(half_a_request)
{
	const struct evidence whole = card();
	struct evidence e = whole;

	e.ek.certificate.len = 0;
	ck_assert(!exchange_write_request(&e, &text));
	e = whole;
	e.ak_area.len = 0;
	ck_assert(!exchange_write_request(&e, &text));
	e = whole;
	e.guid.len = 15;
	ck_assert(!exchange_write_request(&e, &text));
}
END_TEST

static const struct response answer = {
	.name = { (const uint8_t *)"Bob", 3 },
	.guid = { guid, sizeof guid },
	.blob = { leaf, sizeof leaf },
	.encrypted = { middle, sizeof middle },
	.sealed = { (const uint8_t *)"twelve octets, sixteen octets, and one", 38 },
};

START_TEST(a_response)
{
	struct failure why = { "" };
	struct response read;

	ck_assert(exchange_write_response(&answer, &text));
	ck_assert_msg(exchange_read_response(wbuf_view(&text), &pool, &read, &why), "%s", why.text);
	ck_assert(rbuf_eq(read.name, answer.name) && rbuf_eq(read.guid, answer.guid));
	ck_assert(rbuf_eq(read.blob, answer.blob) && rbuf_eq(read.encrypted, answer.encrypted));
	ck_assert(rbuf_eq(read.sealed, answer.sealed));
}
END_TEST

/* Cut anywhere, with any octet another one, or taken for the other kind. */
START_TEST(no_response)
{
	struct failure why = { "" };
	struct response read;
	struct evidence other;
	size_t i;

	ck_assert(exchange_write_response(&answer, &text));
	ck_assert(!exchange_read_request(wbuf_view(&text), &pool, &other, &why));
	for (i = 0; i < text.len; i++) {
		ck_assert(!exchange_read_response(rbuf_of(text.data, i), &pool, &read, &why));
		text.data[i] ^= 0x80;
		ck_assert(!exchange_read_response(wbuf_view(&text), &pool, &read, &why));
		text.data[i] ^= 0x80;
	}
}
END_TEST

/* ---- what is sealed ---- */

static void
set_key(struct secret *key, uint8_t fill)
{
	uint8_t octets[32];

	memset(octets, fill, sizeof octets);
	ck_assert(secret_set(key, rbuf_of(octets, sizeof octets)));
}

START_TEST(sealed)
{
	const struct chain chain = chain_of_two();
	struct chain opened;
	SECRET(key);
	SECRET(other);

	set_key(&key, 7);
	set_key(&other, 8);
	wbuf_u8(&pool, 0xaa); /* something before it */
	ck_assert(exchange_seal(&key, &chain, &text));
	ck_assert_uint_eq(text.len, 12 + sizeof leaf + sizeof middle + 16);
	ck_assert(exchange_open(&key, wbuf_view(&text), &pool, &opened));
	ck_assert(same_chain(&chain, &opened));
	wbuf_truncate(&pool, 1);
	ck_assert(!exchange_open(&other, wbuf_view(&text), &pool, &opened));
	ck_assert(secret_set(&key, rbuf_of(leaf, sizeof leaf)));
	ck_assert(!exchange_seal(&key, &chain, &text));
	ck_assert_uint_eq(pool.len, 1);
}
END_TEST

START_TEST(sealed_otherwise)
{
	const struct chain chain = chain_of_two();
	struct chain opened;
	size_t i;
	SECRET(key);

	set_key(&key, 7);
	ck_assert(exchange_seal(&key, &chain, &text));
	for (i = 0; i < text.len; i++) {
		ck_assert(!exchange_open(&key, rbuf_of(text.data, i), &pool, &opened));
		text.data[i] ^= 1;
		ck_assert(!exchange_open(&key, wbuf_view(&text), &pool, &opened));
		text.data[i] ^= 1;
		ck_assert_uint_eq(pool.len, 0);
	}
}
END_TEST

static const struct {
	const char *why;
	uint8_t octets[40];
	size_t len;
	bool good;
} splits[] = {
	{ "nothing", { 0 }, 0, false },
	{ "one", { 0x30, 1, 9 }, 3, true },
	{ "five", { 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0 }, 10, true },
	{ "six", { 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0 }, 12, false },
	{ "one cut short", { 0x30, 2, 9 }, 3, false },
	{ "an octet behind it", { 0x30, 1, 9, 0x30 }, 4, false },
	{ "no SEQUENCE", { 0x31, 1, 9 }, 3, false },
	{ "of indefinite length", { 0x30, 0x80, 0, 0 }, 4, false },
};

START_TEST(split)
{
	struct chain out;

	ck_assert_msg(
	    exchange_split(rbuf_of(splits[_i].octets, splits[_i].len), &out) == splits[_i].good,
	    "%s", splits[_i].why);
}
END_TEST

/* ---- the two calls ---- */

/* The area of an EK that is of the TCG's template, by a key made here. */
static struct rbuf
ek_area(const char *kind)
{
	static uint8_t octets[1024];
	struct wbuf area = wbuf_over(octets, sizeof octets);
	EVP_PKEY *key = strcmp(kind, "RSA") == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen(kind);
	unsigned char *der = NULL;
	const int len = i2d_PUBKEY(key, &der);

	ck_assert_int_gt(len, 0);
	ck_assert(evidence_ek_area(rbuf_of(der, (size_t)len), &area));
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	return wbuf_view(&area);
}

static const char *const ek_kinds[] = { "RSA", "P-256", "P-384" };

START_TEST(attest_call)
{
	const struct tpm_facts tpm = {
		.manufacturer = "IBM", .model = "SW \"TPM\"\n", .firmware = { 0x20191023, 0 }
	};
	struct evidence e = card(), read;
	struct failure why = { "" };

	e.ek_area = ek_area(ek_kinds[_i]);
	e.keys = 1;
	e.key[0].creation = rbuf_str("creation");
	e.key[0].statement = (struct statement){ rbuf_str("attest"), rbuf_str("signature") };
	ck_assert(call_attest_write(&e, &tpm, &text));
	wbuf_u8(&text, 0);
	ck_assert_ptr_nonnull(strstr((char *)text_octets,
	    "{\"tpmInfo\":{\"version\":2,\"manufacturer\":\"1229081888\",\"model\":\"SW ?TPM??\","
	    "\"firmwareVersion\":\"8217.4131\"},\"ek\":\""));
	ck_assert_ptr_nonnull(strstr((char *)text_octets,
	    "\"createData\":\"Y3JlYXRpb24=\",\"createAttestation\":\"YXR0ZXN0\","
	    "\"createSignature\":\"c2lnbmF0dXJl\"}}\n"));
	ck_assert_msg(call_attest_read(rbuf_of(text_octets, text.len - 1), &pool, &read, &why),
	    "%s", why.text);
	ck_assert(rbuf_eq(read.ek_area, e.ek_area) && rbuf_eq(read.ak_area, e.ak_area));
	ck_assert(same_chain(&read.ek, &e.ek));
}
END_TEST

/* What another program's CA may say, and what it may not. */
static const struct {
	const char *text;
	bool good;
} credentials[] = {
	{ "{\"credential\":\"AQ==\",\"secret\":\"Ag==\"}", true },
	{ "{\"credential\":\"AQ==\",\"secret\":\"Ag==\"}\r\n", true },
	{ "\n{ \"more\": [1, {}], \"secret\": \"Ag==\", \"credential\": \"AQ==\" }\n", true },
	{ "", false },
	{ "{}", false },
	{ "[]", false },
	{ "null", false },
	{ "\"AQ==\"", false },
	{ "{\"credential\":\"AQ==\",\"secret\":\"Ag==\"", false },
	{ "{\"credential\":\"AQ==\",\"secret\":\"Ag==\"} x", false },
	{ "{\"credential\":\"AQ==\"}", false },
	{ "{\"credential\":\"AQ==\",\"secret\":\"\"}", false },
	{ "{\"credential\":\"AQ==\",\"secret\":null}", false },
	{ "{\"credential\":\"AQ==\",\"secret\":2}", false },
	{ "{\"credential\":\"AQ==\",\"secret\":\"Ag\"}", false },
	{ "{\"credential\":\"AQ==\",\"secret\":\"-_==\"}", false },
	{ "{\"credential\":[\"AQ==\"],\"secret\":\"Ag==\"}", false },
	{ "{\"a\":[[[[[[[[[[[[1]]]]]]]]]]]],\"credential\":\"AQ==\",\"secret\":\"Ag==\"}", false },
	{ "<html>502 Bad Gateway</html>", false },
};

START_TEST(credential_call)
{
	struct rbuf blob = { NULL, 0 }, encrypted = { NULL, 0 };
	struct failure why = { "" };
	bool good;

	good = call_credential_read(rbuf_str(credentials[_i].text), &pool, &blob, &encrypted, &why);
	ck_assert_msg(good == credentials[_i].good, "%s", credentials[_i].text);
	ck_assert(good == !failed(&why));
	ck_assert(
	    !good || (rbuf_eq(blob, rbuf_of("\1", 1)) && rbuf_eq(encrypted, rbuf_of("\2", 1))));
}
END_TEST

static const struct {
	const char *text;
	size_t count; /* 0: refused */
} chains[] = {
	{ "{\"chain\":[\"AQ==\"]}", 1 },
	{ "{\"chain\":[\"AQ==\",\"AQ==\",\"AQ==\",\"AQ==\",\"AQ==\"]}", 5 },
	{ "{\"chain\":[\"AQ==\",\"AQ==\",\"AQ==\",\"AQ==\",\"AQ==\",\"AQ==\"]}", 0 },
	{ "{\"chain\":[]}", 0 },
	{ "{\"chain\":null}", 0 },
	{ "{\"chain\":\"AQ==\"}", 0 },
	{ "{\"chain\":[\"AQ==\",null]}", 0 },
	{ "{\"chain\":[\"AQ==\",\"\"]}", 0 },
	{ "{\"chain\":[\"this is no certificate\"]}", 0 },
	{ "{}", 0 },
};

START_TEST(chain_call)
{
	struct failure why = { "" };
	struct chain out;
	size_t n = 0;
	bool good;

	good = call_chain_read(rbuf_str(chains[_i].text), &pool, &out, &why);
	ck_assert_msg(good == (chains[_i].count != 0), "%s", chains[_i].text);
	while (good && n < EVIDENCE_CHAIN_MAX && out.above[n].len != 0)
		n++;
	ck_assert(!good || (out.certificate.len == 1 && n + 1 == chains[_i].count));
}
END_TEST

/* All that was asked for cut anywhere, or too long. */
START_TEST(no_attest_call)
{
	static uint8_t spaces[CALL_TEXT_MAX + 1];
	const struct tpm_facts tpm = { .model = "" };
	struct evidence e = card(), read;
	struct failure why = { "" };
	size_t i;

	e.ek_area = ek_area("P-256");
	ck_assert(!call_attest_write(&e, &tpm, &text)); /* nothing says how the AK was made */
	setup();
	e.keys = 1;
	ck_assert(call_attest_write(&e, &tpm, &text));
	for (i = 0; i < text.len - 1; i++)
		ck_assert(!call_attest_read(rbuf_of(text.data, i), &pool, &read, &why));
	ck_assert_uint_eq(pool.len, 0);
	memset(spaces, ' ', sizeof spaces);
	ck_assert(!call_attest_read(rbuf_of(spaces, sizeof spaces), &pool, &read, &why));
}
END_TEST

START_TEST(the_secret)
{
	const struct chain chain = chain_of_two();
	SECRET(secret);

	ck_assert(secret_set(&secret, rbuf_of("foobar", 6)));
	ck_assert(call_secret_write(&secret, &text));
	ck_assert(rbuf_eq(wbuf_view(&text), rbuf_str("{\"secret\":\"Zm9vYmFy\"}\n")));
	setup();
	ck_assert(call_plan_write(rbuf_of("\1", 1), rbuf_of("\2", 1), &secret, &chain, &text));
	ck_assert(rbuf_eq(wbuf_view(&text),
	    rbuf_str("{\"answer\":{\"credential\":\"AQ==\",\"secret\":\"Ag==\"},\"expect\":\""
		     "c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2\","
		     "\"then\":{\"chain\":[\"MAMCAQE=\",\"MAMCAQI=\"]}}\n")));
}
END_TEST

/* ---- URLs ---- */

static const struct {
	const char *url, *wanted; /* NULL: it is fine */
} urls[] = {
	{ "https://ca.example", NULL },
	{ "https://ca.example:8443/tpm/", NULL },
	{ "https://192.0.2.1/", NULL },
	{ "http://127.0.0.1:8080", NULL },
	{ "http://127.1.2.3/", NULL },
	{ "http://[::1]:8080/", NULL },
	{ "http://localhost/", "https://" },
	{ "http://ca.example/", "https://" },
	{ "http://127.0.0.1.example/", "https://" },
	{ "http://128.0.0.1/", "https://" },
	{ "http://[::2]/", "https://" },
	{ "http://127.0.0.1@ca.example/", "https://" },
	{ "https://user@ca.example/", "user name" },
	{ "https://user:word@ca.example/", "user name" },
	{ "https://ca.example/?a=b", "?" },
	{ "https://ca.example/#a", "#" },
	{ "ftp://ca.example/", "https://" },
	{ "file:///etc/passwd", "URL" },
	{ "ca.example", "URL" },
	{ "", "URL" },
	{ "https://", "URL" },
};

START_TEST(a_url)
{
	const char *fault = https_fault(urls[_i].url);

	ck_assert_msg((fault == NULL) == (urls[_i].wanted == NULL), "%s: %s", urls[_i].url,
	    fault != NULL ? fault : "fine");
	ck_assert_msg(fault == NULL || strstr(fault, urls[_i].wanted) != NULL, "%s: %s",
	    urls[_i].url, fault != NULL ? fault : "");
}
END_TEST

START_TEST(nobody_there)
{
	struct failure why = { "" };

	wbuf_u8(&text, 1);
	ck_assert_int_eq(
	    https_post("http://127.0.0.1:1/", "attest", rbuf_str("{}"), &text, &why), FAILED);
	ck_assert_ptr_nonnull(strstr(why.text, "http://127.0.0.1:1/attest: "));
	ck_assert_uint_eq(text.len, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("exchange");
	TCase *tcase = tcase_create("exchange");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_request);
	tcase_add_test(tcase, half_a_request);
	tcase_add_test(tcase, a_response);
	tcase_add_test(tcase, no_response);
	tcase_add_test(tcase, sealed);
	tcase_add_test(tcase, sealed_otherwise);
	tcase_add_rows(tcase, split, splits);
	tcase_add_rows(tcase, attest_call, ek_kinds);
	tcase_add_rows(tcase, credential_call, credentials);
	tcase_add_rows(tcase, chain_call, chains);
	tcase_add_test(tcase, no_attest_call);
	tcase_add_test(tcase, the_secret);
	tcase_add_rows(tcase, a_url, urls);
	tcase_add_test(tcase, nobody_there);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
