/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Evidence as JSON: there and back, and nothing but what was written.  The
 * octets in it are made up: whether they prove anything is evidence_check()'s.
 */
#include "tests/suite.h"
#include "tools/bundle.h"
#include "tools/document.h"

#include <stdlib.h>
#include <string.h>

static uint8_t octets[EVIDENCE_OCTETS_MAX], text_octets[BUNDLE_TEXT_MAX];
static char made[BUNDLE_TEXT_MAX];
static uint8_t values[4096];

static void
setup(void)
{
	size_t i;

	for (i = 0; i < sizeof values; i++)
		values[i] = (uint8_t)(i * 7 + i / 256);
}

/* So many octets, others for another place. */
static struct rbuf
some(size_t at, size_t n)
{
	return rbuf_of(values + at, n);
}

/* A card with all there can be, of few octets each. */
static struct evidence
sample(void)
{
	struct evidence e = { .name = rbuf_str("Büro"),
		.guid = some(0, 16),
		.nonce = some(20, 8),
		.ek = { .certificate = some(30, 5), .above = { some(40, 4), some(50, 3) } },
		.ek_area = some(60, 6),
		.ak = { .certificate = some(70, 4) },
		.ak_area = some(80, 7),
		.authority = some(100, 64),
		.keys = 2 };
	size_t i;

	for (i = 0; i < EVIDENCE_APPROVALS; i += 2)
		e.approval[i] = some(200 + i, 4);
	for (i = 0; i < EVIDENCE_INDICES; i++) {
		if (i == 1)
			continue; /* no PUK */
		e.index[i].area = some(300 + 10 * i, 5);
		e.index[i].statement =
		    (struct statement){ some(400 + 10 * i, 6), some(500 + 10 * i, 7) };
	}
	e.key[0] = (struct evidence_key){ .reference = 0x9a,
		.area = some(600, 8),
		.creation = some(610, 5),
		.statement = { some(620, 4), some(630, 5) },
		.certificate = some(640, 6) };
	e.key[1] = (struct evidence_key){ .reference = 0x9e, .area = some(650, 9) };
	return e;
}

static struct rbuf
text_of(const struct evidence *e)
{
	struct wbuf text = wbuf_over(text_octets, sizeof text_octets);

	ck_assert(bundle_write(e, &text));
	return wbuf_view(&text);
}

static bool
reads(struct rbuf text, struct evidence *out, struct failure *why)
{
	struct wbuf w = wbuf_over(octets, sizeof octets);

	return bundle_read(text, &w, out, why);
}

static bool
same_statement(const struct statement *a, const struct statement *b)
{
	return rbuf_eq(a->attest, b->attest) && rbuf_eq(a->signature, b->signature);
}

static size_t
canonical(const struct evidence *e, uint8_t *out, size_t size)
{
	struct wbuf w = wbuf_over(out, size);

	ck_assert(evidence_canonical(e, &w));
	return w.len;
}

/* All that is certified, and the statements, which certify it. */
static bool
same(const struct evidence *a, const struct evidence *b)
{
	static uint8_t of_a[EVIDENCE_OCTETS_MAX], of_b[EVIDENCE_OCTETS_MAX];
	const size_t n = canonical(a, of_a, sizeof of_a);
	bool equal = canonical(b, of_b, sizeof of_b) == n && memcmp(of_a, of_b, n) == 0;
	size_t i;

	for (i = 0; i < EVIDENCE_INDICES; i++)
		equal = equal && same_statement(&a->index[i].statement, &b->index[i].statement);
	for (i = 0; i < a->keys && equal; i++)
		equal = same_statement(&a->key[i].statement, &b->key[i].statement);
	return equal;
}

START_TEST(there_and_back)
{
	const struct evidence e = sample();
	struct failure why = { "" };
	struct evidence back;

	ck_assert_msg(reads(text_of(&e), &back, &why), "%s", why.text);
	ck_assert(same(&e, &back));
	ck_assert(!failed(&why));
}
END_TEST

/* As much of everything as there may be. */
START_TEST(the_largest)
{
	struct failure why = { "" };
	struct evidence e = sample(), back;
	size_t i;

	for (i = 0; i < EVIDENCE_CHAIN_MAX; i++)
		e.ek.above[i] = e.ak.above[i] = some(i, 1200);
	for (i = 0; i < EVIDENCE_APPROVALS; i++)
		e.approval[i] = some(i, 64);
	for (i = 0; i < EVIDENCE_KEYS_MAX; i++)
		e.key[i] = (struct evidence_key){ .reference = (uint8_t)(0x82 + i),
			.area = some(i, 600),
			.creation = some(i, 300),
			.statement = { some(i, 200), some(i, 100) },
			.certificate = some(i, 4000) };
	e.keys = EVIDENCE_KEYS_MAX;
	e.nonce = some(0, EVIDENCE_NONCE_MAX);
	ck_assert_msg(reads(text_of(&e), &back, &why), "%s", why.text);
	ck_assert(same(&e, &back));
}
END_TEST

/* What is little: no EK, no key, no approval. */
START_TEST(the_smallest)
{
	struct failure why = { "" };
	struct evidence back, e = { .name = rbuf_str("x"),
				  .guid = some(0, 16),
				  .ak_area = some(3, 1),
				  .authority = some(9, 64) };

	ck_assert_msg(reads(text_of(&e), &back, &why), "%s", why.text);
	ck_assert(same(&e, &back));
}
END_TEST

/* Every bit of the text: it is refused, or says something else, which nobody has certified. */
START_TEST(every_bit)
{
	const struct evidence e = sample();
	const struct rbuf text = text_of(&e);
	size_t bit, flips = 0;

	for (bit = 0; bit < text.len * 8; bit++, flips++) {
		struct failure why = { "" };
		struct evidence back;
		bool read;

		text_octets[bit / 8] ^= (uint8_t)(1U << bit % 8);
		read = reads(text, &back, &why);
		ck_assert_msg(!read || !same(&e, &back), "bit %zu", bit);
		ck_assert_msg(read || failed(&why), "bit %zu: refused without a word", bit);
		text_octets[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	ck_assert_uint_ge(flips, 10000);
}
END_TEST

START_TEST(cut_short)
{
	const struct evidence e = sample();
	const struct rbuf text = text_of(&e);
	size_t n;

	for (n = 0; n < text.len; n++) {
		struct failure why = { "" };
		struct evidence back;
		uint8_t *exact = malloc(n + (n == 0));

		ck_assert_ptr_nonnull(exact);
		memcpy(exact, text_octets, n);
		ck_assert_msg(!reads(rbuf_of(exact, n), &back, &why), "%zu octets", n);
		ck_assert(failed(&why));
		free(exact);
	}
}
END_TEST

/* clang-format off */
static const struct {
	const char *why, *old, *fresh; /* the first old in the text becomes fresh */
	const char *wanted;            /* in the message */
} changes[] = {
	{ "another version", "\"version\": 1", "\"version\": 2", "version is not 1" },
	{ "a version of another type", "\"version\": 1", "\"version\": \"1\"", "version is not 1" },
	{ "a version like it", "\"version\": 1", "\"version\": 1.0", "version is not 1" },
	{ "no version", "\"version\": 1,\n  ", "", "lacks the members \"version\"" },
	{ "another kind", "tpmvsc evidence", "tpmvsc request", "not a bundle" },
	{ "a kind of another type", "\"tpmvsc evidence\"", "[]", "not a bundle" },
	{ "a kind with a NUL", "tpmvsc evidence", "tpmvsc evidence\\u0000", "not a bundle" },
	{ "a member twice", "\"nonce\": ", "\"nonce\": null,\n  \"nonce\": ", "twice" },
	{ "a member twice, the same", "\"version\": 1,\n", "\"version\": 1,\n  \"version\": 1,\n", "twice" },
	{ "an unknown member", "\"nonce\": ", "\"none\": 1,\n  \"nonce\": ", "nobody here knows" },
	{ "an unknown member further in", "\"guid\": ", "\"gid\": 1,\n    \"guid\": ", "nobody here knows" },
	{ "a member that is missing", "\"authority\": ", "\"autority\": ", "lacks the member \"authority\"" },
	{ "one further in", "\"area\": ", "\"areas\": ", "lacks the member \"area\"" },
	{ "null for what must be there", "\"name\": \"B\xc3\xbcro\"", "\"name\": null", "\"name\" is no text" },
	{ "empty text", "\"name\": \"B\xc3\xbcro\"", "\"name\": \"\"", "\"name\" is too short" },
	{ "a number for text", "\"name\": \"B\xc3\xbcro\"", "\"name\": 1", "\"name\" is no text" },
	{ "a text that no terminal should get", "B\xc3\xbcro", "B\\u001bro", "not written as" },
	{ "a text with a NUL", "B\xc3\xbcro", "B\\u0000ro", "not written as" },
	{ "letters written another way", "B\xc3\xbcro", "B\\u00fcro", "not written as" },
	{ "no UTF-8", "B\xc3\xbcro", "B\xc3ro", "no JSON" },
	{ "a control character", "B\xc3\xbcro", "B\x01ro", "not written as" },
	{ "a GUID in capitals", "\"guid\": \"00070e15", "\"guid\": \"00070E15", "not written as" },
	{ "a GUID of other characters", "\"guid\": \"00070e15", "\"guid\": \"00070g15", "\"guid\" is not hexadecimal" },
	{ "half an octet", "\"guid\": \"00070e15", "\"guid\": \"00070e1", "\"guid\" is not hexadecimal" },
	{ "a GUID too short", "\"guid\": \"00070e15", "\"guid\": \"00070e", "\"guid\" is too short" },
	{ "a GUID too long", "\"guid\": \"00070e15", "\"guid\": \"0000070e15", "\"guid\" is too long" },
	{ "a list for an object", "\"card\": {", "\"card\": [], \"cards\": {", "\"card\" is no object" },
	{ "null for an object", "\"card\": {", "\"card\": null, \"cards\": {", "\"card\" is no object" },
	{ "text for a chain", "\"certificates\": [", "\"certificates\": \"\", \"x\": [", "\"certificates\" is no list" },
	{ "an empty chain", "\"certificates\": [", "\"certificates\": [], \"x\": [", "no certificate, or too many" },
	{ "null in a chain", "\"certificates\": [", "\"certificates\": [null,", "\"certificates\" is no text" },
	{ "an empty certificate", "\"certificates\": [", "\"certificates\": [\"\",", "too long, or empty" },
	{ "too many certificates", "\"certificates\": [", "\"certificates\": [\"AA==\",\"AA==\",\"AA==\",", "too many" },
	{ "text for the keys", "\"keys\": [", "\"keys\": \"\", \"x\": [", "\"keys\" is no list" },
	{ "no key, but brackets", "\"keys\": [", "\"keys\": [], \"x\": [", "\"keys\" has no element" },
	{ "a key that is none", "\"keys\": [", "\"keys\": [1,", "\"keys\" is no object" },
	{ "a reference of two octets", "\"9e\"", "\"9e9e\"", "no key reference" },
	{ "a reference of none", "\"9e\"", "\"\"", "no key reference" },
	{ "spaces", "\"version\": 1", "\"version\":  1", "not written as" },
	{ "no space", "\"version\": 1", "\"version\":1", "not written as" },
	{ "another line end", "\"version\": 1,\n", "\"version\": 1,\r\n", "not written as" },
	{ "a comment", "\"version\": 1,\n", "\"version\": 1, /* */\n", "no JSON" },
	{ "something behind it", "\n}\n", "\n}\n\n", "not written as" },
	{ "another document behind it", "\n}\n", "\n}{}\n", "no JSON" },
	{ "no newline at its end", "\n}\n", "\n}", "no JSON" },
	{ "a BOM", "{\n", "\xef\xbb\xbf{\n", "no JSON" },
	{ "a list around it", "{\n", "[\n", "no JSON" },
	{ "too deep", "\"version\": 1", "\"version\": [[[[[[1]]]]]]", "no JSON" },
};
/* clang-format on */

START_TEST(changed)
{
	const struct evidence e = sample();
	const struct rbuf text = text_of(&e);
	struct wbuf out = wbuf_over(made, sizeof made);
	struct failure why = { "" };
	struct rbuf rest = text, part;
	struct evidence back;
	const char *at;

	text_octets[text.len] = '\0';
	at = strstr((const char *)text_octets, changes[_i].old);
	ck_assert_msg(at != NULL, "%s: nothing to change", changes[_i].why);
	ck_assert(rbuf_take(&rest, (size_t)(at - (const char *)text_octets), &part));
	wbuf_put(&out, part);
	wbuf_put(&out, rbuf_str(changes[_i].fresh));
	ck_assert(rbuf_take(&rest, strlen(changes[_i].old), &part));
	wbuf_put(&out, rest);
	ck_assert_msg(!reads(wbuf_view(&out), &back, &why), "%s", changes[_i].why);
	ck_assert_msg(strstr(why.text, changes[_i].wanted) != NULL, "%s: %s", changes[_i].why,
	    why.text);
}
END_TEST

/* clang-format off */
static const char *const documents[] = {
	"", "\n", "x\n", "null\n", "1\n", "[]\n", "\"text\"\n", "{}\n", "{\n", "{\n}\n",
	"{\n  \"version\": 1\n}\n", "{\n  \"version\": 1,\n  \"kind\": \"tpmvsc evidence\"\n}\n",
	"-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n",
};
/* clang-format on */

START_TEST(no_bundle)
{
	struct failure why = { "" };
	struct evidence back;

	ck_assert_msg(!reads(rbuf_str(documents[_i]), &back, &why), "%s", documents[_i]);
	ck_assert(failed(&why));
}
END_TEST

START_TEST(too_long)
{
	static char spaces[BUNDLE_TEXT_MAX + 2];
	struct failure why = { "" };
	struct evidence back;

	memset(spaces, ' ', sizeof spaces);
	ck_assert(!reads(rbuf_of(spaces, BUNDLE_TEXT_MAX + 1), &back, &why));
	ck_assert_msg(strstr(why.text, "too long") != NULL, "%s", why.text);
}
END_TEST

/* More octets than the caller has room for. */
START_TEST(no_room)
{
	const struct evidence e = sample();
	const struct rbuf text = text_of(&e);
	struct evidence back;
	size_t n;

	for (n = 0; n < 100; n++) {
		struct wbuf few = wbuf_over(octets, n);
		struct failure why = { "" };

		ck_assert(!bundle_read(text, &few, &back, &why));
		ck_assert(failed(&why));
	}
}
END_TEST

/* What could not be read again is not written. */
START_TEST(not_to_be_written)
{
	struct wbuf text = wbuf_over(text_octets, sizeof text_octets), small;
	struct evidence e = sample();
	uint8_t few[64];

	small = wbuf_over(few, sizeof few);
	ck_assert(!bundle_write(&e, &small));
	e.name = rbuf_of("a\0b", 3);
	ck_assert(!bundle_write(&e, &text));
	e = sample();
	e.name = rbuf_str("a\x1b[1mb");
	ck_assert(!bundle_write(&e, &text));
	e = sample();
	e.guid = some(0, 15);
	ck_assert(!bundle_write(&e, &text));
	e = sample();
	e.nonce = some(0, EVIDENCE_NONCE_MAX + 1);
	ck_assert(!bundle_write(&e, &text));
	e = sample();
	e.ek.above[0] = rbuf_of(NULL, 0); /* a hole */
	ck_assert(!bundle_write(&e, &text));
	e = sample();
	e.ek.certificate = rbuf_of(NULL, 0);
	ck_assert(!bundle_write(&e, &text));
	e = sample();
	e.keys = EVIDENCE_KEYS_MAX + 1;
	ck_assert(!bundle_write(&e, &text));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bundle");
	TCase *bundle = tcase_create("bundle");

	tcase_add_checked_fixture(bundle, setup, NULL);
	tcase_set_timeout(bundle, 60);
	tcase_add_test(bundle, there_and_back);
	tcase_add_test(bundle, the_largest);
	tcase_add_test(bundle, the_smallest);
	tcase_add_test(bundle, every_bit);
	tcase_add_test(bundle, cut_short);
	tcase_add_rows(bundle, changed, changes);
	tcase_add_rows(bundle, no_bundle, documents);
	tcase_add_test(bundle, too_long);
	tcase_add_test(bundle, no_room);
	tcase_add_test(bundle, not_to_be_written);
	suite_add_tcase(suite, bundle);
	return suite_run(suite);
}
