/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes from one machine to another: requests, and output made harmless. */
#include "tests/suite.h"
#include "tools/harmless.h"
#include "tools/request.h"
#include "tools/secrets.h"

#include <stdio.h>
#include <string.h>

/* ---- output ---- */

/* clang-format off */
static const struct output_row {
	const char *why;
	const char *in;
	const char *out;
} outputs[] = {
	{ "text", "Creating\nthe card\n", "Creating\nthe card\n" },
	{ "nothing", "", "" },
	{ "UTF-8", "J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x94\x91\n", "J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x94\x91\n" },
	{ "colours and titles", "\x1b[31mred\x1b]0;x\a\n", "?[31mred?]0;x?\n" },
	{ "C1 controls", "\xc2\x9b" "31m\x9b\n", "?31m?\n" },
	{ "ssh's line ends", "Host key verification failed.\r\n", "Host key verification failed.\n" },
	{ "overwriting a line", "bad\rgood\n", "bad?good\n" },
	{ "a CR at the end", "x\r", "x?" },
	{ "two", "x\r\r\n", "x?\n" },
	{ "backspaces and tabs", "a\b\tb\n", "a??b\n" },
	{ "direction of text", "a\xe2\x80\xae" "b\n", "a?b\n" },
	{ "no UTF-8", "\xff\xfe\xc3:\xe2\x82:\n", "???:??:\n" },
	{ "a character cut at the end", "a\xf0\x9f\x94", "a???" },
	{ "too long a form", "\xc0\x80\xe0\x80\x80\n", "?????\n" },
};
/* clang-format on */

/* Whole, octet by octet, and in every two pieces: it comes to the same. */
START_TEST(harmless)
{
	const struct output_row *row = &outputs[_i];
	const size_t n = strlen(row->in);
	uint8_t octets[2 * HARMLESS_ROOM];
	size_t cut, i;

	for (cut = 0; cut <= n + 1; cut++) {
		struct wbuf out = wbuf_over(octets, sizeof octets);
		struct harmless h = { .held_len = 0 };

		if (cut <= n) {
			harmless_pass(&h, rbuf_of(row->in, cut), false, &out);
			harmless_pass(&h, rbuf_of(row->in + cut, n - cut), false, &out);
		} else {
			for (i = 0; i < n; i++)
				harmless_pass(&h, rbuf_of(row->in + i, 1), false, &out);
		}
		harmless_pass(&h, rbuf_of(NULL, 0), true, &out);
		ck_assert_msg(wbuf_ok(&out) && rbuf_eq(wbuf_view(&out), rbuf_str(row->out)),
		    "%s, cut at %zu: %.*s", row->why, cut, (int)out.len, (char *)octets);
	}
}
END_TEST

/* The most that may come at once, of the worst kind, behind what is held. */
START_TEST(full)
{
	uint8_t in[HARMLESS_CHUNK], octets[HARMLESS_ROOM];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct harmless h = { .held_len = 0 };

	harmless_pass(&h, rbuf_str("\xf0\x9f\x94"), false, &out);
	ck_assert_uint_eq(out.len, 0);
	memset(in, 0x1b, sizeof in);
	harmless_pass(&h, rbuf_of(in, sizeof in), false, &out);
	ck_assert(wbuf_ok(&out));
	ck_assert_uint_eq(out.len, sizeof in + 3);
}
END_TEST

/* ---- requests ---- */

/* clang-format off */
static const struct bad_row {
	const char *why;
	const char *line;
	const char *fault;
} bad[] = {
	{ "nothing", "", "no JSON" },
	{ "no JSON", "hello", "no JSON" },
	{ "cut", "{\"version\":1,\"arguments\":[\"list\"],\"secrets\":[", "no JSON" },
	{ "something behind it", "{\"version\":1,\"arguments\":[\"list\"],\"secrets\":[]} x", "no JSON" },
	{ "another behind it", "{\"version\":1,\"arguments\":[\"list\"],\"secrets\":[]}{}", "no JSON" },
	{ "too deep", "{\"version\":1,\"arguments\":[[[[\"list\"]]]],\"secrets\":[]}", "no JSON" },
	{ "a comment", "{\"version\":1,/* */\"arguments\":[\"list\"],\"secrets\":[]}", "no JSON" },
	{ "single quotes", "{'version':1,'arguments':['list'],'secrets':[]}", "no JSON" },
	{ "no UTF-8", "{\"version\":1,\"arguments\":[\"\xff\"],\"secrets\":[]}", "no JSON" },
	{ "a list", "[]", "no JSON object" },
	{ "a number", "1", "no JSON" },
	{ "null", "null", "no JSON" },
	{ "an empty object", "{}", "lacks" },
	{ "no version", "{\"arguments\":[\"list\"],\"secrets\":[]}", "lacks" },
	{ "no arguments", "{\"version\":1,\"secrets\":[]}", "lacks" },
	{ "no secrets", "{\"version\":1,\"arguments\":[\"list\"]}", "lacks" },
	{ "one more", "{\"version\":1,\"arguments\":[\"list\"],\"secrets\":[],\"x\":1}", "unknown member" },
	{ "a later version", "{\"version\":2,\"arguments\":[\"list\"],\"secrets\":[]}", "version" },
	{ "a version in words", "{\"version\":\"1\",\"arguments\":[\"list\"],\"secrets\":[]}", "version" },
	{ "a broken version", "{\"version\":1.5,\"arguments\":[\"list\"],\"secrets\":[]}", "version" },
	{ "an enormous one", "{\"version\":99999999999999999999,\"arguments\":[\"list\"],\"secrets\":[]}", "version" },
	{ "arguments in a row", "{\"version\":1,\"arguments\":\"list\",\"secrets\":[]}", "no list" },
	{ "arguments null", "{\"version\":1,\"arguments\":null,\"secrets\":[]}", "no list" },
	{ "an argument null", "{\"version\":1,\"arguments\":[null],\"secrets\":[]}", "no text" },
	{ "a number of arguments", "{\"version\":1,\"arguments\":[\"destroy\",\"/instance\",0],\"secrets\":[]}", "no text" },
	{ "a NUL", "{\"version\":1,\"arguments\":[\"list\\u0000/x\"],\"secrets\":[]}", "no text" },
	{ "secrets in the request", "{\"version\":1,\"arguments\":[\"list\"],\"secrets\":{\"pin\":\"1\"}}", "no list" },
	{ "an unknown secret", "{\"version\":1,\"arguments\":[\"list\"],\"secrets\":[\"password\"]}", "none" },
	{ "a secret of no name", "{\"version\":1,\"arguments\":[\"list\"],\"secrets\":[1]}", "none" },
	{ "twice", "{\"version\":1,\"arguments\":[\"list\"],\"secrets\":[\"pin\",\"pin\"]}", "twice" },
	{ "seven", "{\"version\":1,\"arguments\":[\"list\"],\"secrets\":[1,2,3,4,5,6,7]}", "too many" },
};
/* clang-format on */

START_TEST(refused)
{
	const struct bad_row *row = &bad[_i];
	const size_t n = strlen(row->line);
	char *line = malloc(n + 1);
	struct request r;
	const char *fault;

	ck_assert_ptr_nonnull(line);
	memcpy(line, row->line, n); /* exactly as long as it is */
	fault = request_read(rbuf_of(line, n), &r);
	ck_assert_msg(fault != NULL && strstr(fault, row->fault) != NULL, "%s: %s", row->why,
	    fault != NULL ? fault : "accepted");
	ck_assert_ptr_null(r.json);
	free(line);
}
END_TEST

/* No cut and no single wrong octet of a good one does any harm. */
START_TEST(mangled)
{
	static const char good[] =
	    "{\"version\":1,\"arguments\":[\"create\",\"/name\",\"x\"],\"secrets\":[\"pin\"]}";
	static const uint8_t wrong[] = { 0, '"', '\\', '{', ']', 0x80, 0xff, '\n' };
	char line[sizeof good];
	struct request r;
	size_t i, k;

	for (i = 0; i < sizeof good - 1; i++) {
		ck_assert_ptr_nonnull(request_read(rbuf_of(good, i), &r));
		for (k = 0; k < sizeof wrong; k++) {
			memcpy(line, good, sizeof good);
			line[i] = (char)wrong[k];
			if (request_read(rbuf_of(line, sizeof good - 1), &r) == NULL)
				request_free(&r);
		}
	}
}
END_TEST

START_TEST(too_many_words)
{
	char line[4096];
	struct wbuf text = wbuf_over(line, sizeof line);
	struct request r;
	const char *fault;
	size_t i;

	wbuf_put(&text, rbuf_str("{\"version\":1,\"secrets\":[],\"arguments\":[\"list\""));
	for (i = 1; i < WORDS_SENT_MAX; i++)
		wbuf_put(&text, rbuf_str(",\"-q\""));
	wbuf_put(&text, rbuf_str("]}"));
	fault = request_read(wbuf_view(&text), &r);
	ck_assert(fault != NULL && strstr(fault, "too many") != NULL);
}
END_TEST

/* ---- both sides ---- */

/* clang-format off */
static const struct trip_row {
	const char *why;
	const char *words[12];
	const char *secrets[SECRET_KINDS];
	const char *arrives; /* words with a bar between */
	const char *line;    /* NULL: whatever */
} trips[] = {
	{ "list", { "list", "/machine", "pc7" }, { NULL }, "list",
	    "{\"version\":1,\"arguments\":[\"list\"],\"secrets\":[]}" },
	{ "create", { "create", "/name", "My \"card\" \\ J\xc3\xbcrgen", "/PIN", "PROMPT", "--machine=pc7", "-c", "/x" },
	    { [SECRET_PIN] = "12341234" }, "create|/name|My \"card\" \\ J\xc3\xbcrgen|/PIN|PROMPT", NULL },
	{ "files stand for words", { "create", "-n", "x", "--pin-file", "/p", "--puk-file=-", "/machine", "a", "--admin-key-file=/k" },
	    { [SECRET_ADMIN_KEY] = "k", [SECRET_PIN] = "p", [SECRET_PUK] = "q" },
	    "create|-n|x|--admin-key=PROMPT|--pin=PROMPT|--puk=PROMPT",
	    "{\"version\":1,\"arguments\":[\"create\",\"-n\",\"x\",\"--admin-key=PROMPT\",\"--pin=PROMPT\",\"--puk=PROMPT\"],"
	    "\"secrets\":[\"admin-key\",\"pin\",\"puk\"]}" },
	{ "said anyway", { "create", "-n", "x", "/PIN", "PROMPT", "--pin-file", "/p", "/machine", "a" }, { [SECRET_PIN] = "p" },
	    "create|-n|x|/PIN|PROMPT", NULL },
	{ "unblock", { "unblock", "-i", "0", "--admin-key-file", "/k", "/machine", "a", "--" },
	    { [SECRET_ADMIN_KEY] = "k", [SECRET_NEW_PIN] = "n" }, "unblock|-i|0|--admin-key", NULL },
};
/* clang-format on */

START_TEST(there)
{
	const struct trip_row *row = &trips[_i];
	struct secret texts[SECRET_KINDS] = { { .len = 0 } };
	char *argv[16] = { (char *)(uintptr_t) "tpmvscmgr" };
	char arrived[512] = "", octets[1024];
	struct wbuf line = wbuf_over(octets, sizeof octets), words;
	struct failure why = { .text = "" };
	struct options here, over_there;
	size_t k, sent = 0;
	struct request r;
	int argc = 1, i;

	for (i = 0; row->words[i] != NULL; i++) {
		argv[argc] = (char *)(uintptr_t)row->words[i];
		argc++;
	}
	for (k = 0; k < SECRET_KINDS; k++) {
		if (row->secrets[k] != NULL)
			ck_assert(secret_set(&texts[k], rbuf_str(row->secrets[k])));
	}
	ck_assert_msg(options_parse(argc, argv, &here, &why) == DONE, "%s: %s", row->why, why.text);
	ck_assert(request_write(argc, argv, &here, texts, &line));
	if (row->line != NULL)
		ck_assert_msg(rbuf_eq(wbuf_view(&line), rbuf_str(row->line)), "%s: %.*s", row->why,
		    (int)line.len, octets);
	ck_assert_ptr_null(request_read(wbuf_view(&line), &r));
	words = wbuf_over(arrived, sizeof arrived - 1);
	for (i = 1; i < r.argc; i++) {
		wbuf_put(&words, rbuf_str(i > 1 ? "|" : ""));
		wbuf_put(&words, rbuf_str(r.argv[i]));
	}
	ck_assert_str_eq(arrived, row->arrives);
	for (k = 0; k < SECRET_KINDS; k++) {
		if (row->secrets[k] == NULL)
			continue;
		ck_assert(sent < r.secret_count && r.secrets[sent] == k);
		sent++;
	}
	ck_assert_uint_eq(sent, r.secret_count);
	/* The far side reads the same command out of it, and nothing that stays here. */
	ck_assert_msg(
	    options_parse(r.argc, r.argv, &over_there, &why) == DONE, "%s: %s", row->why, why.text);
	ck_assert(over_there.verb == here.verb && over_there.pin == here.pin &&
		  over_there.puk == here.puk && over_there.admin_key == here.admin_key &&
		  over_there.by == here.by && over_there.instance == here.instance);
	ck_assert(over_there.here == 0 && over_there.machine == NULL);
	request_free(&r);
}
END_TEST

START_TEST(no_room)
{
	struct secret texts[SECRET_KINDS] = { { .len = 0 } };
	char *argv[] = { (char *)(uintptr_t) "tpmvscmgr", (char *)(uintptr_t) "list", NULL };
	struct options o = { .verb = VERB_LIST };
	uint8_t octets[16];
	struct wbuf line = wbuf_over(octets, sizeof octets);

	ck_assert(!request_write(2, argv, &o, texts, &line));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("request");
	TCase *tcase = tcase_create("between machines");

	tcase_add_rows(tcase, harmless, outputs);
	tcase_add_test(tcase, full);
	tcase_add_rows(tcase, refused, bad);
	tcase_add_test(tcase, mangled);
	tcase_add_test(tcase, too_many_words);
	tcase_add_rows(tcase, there, trips);
	tcase_add_test(tcase, no_room);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
