/* SPDX-License-Identifier: BSD-2-Clause */
/* What a person and a program get to see: words, JSON, certificates, files of others. */
#include "tests/suite.h"
#include "tools/certificate.h"
#include "tools/json.h"
#include "tools/names.h"
#include "tools/readerconf.h"
#include "tools/readers.h"
#include "tools/view.h"

#include <json-c/json.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#define DAY 86400

/* ---- standard output, into memory ---- */

static FILE *real_stdout;
static char *captured;
static size_t captured_len;

static void
capture(void)
{
	real_stdout = stdout;
	stdout = open_memstream(&captured, &captured_len);
	ck_assert_ptr_nonnull(stdout);
}

/* closed: the code under test has closed it. */
static const char *
release(bool closed)
{
	if (!closed)
		ck_assert_int_eq(fclose(stdout), 0);
	stdout = real_stdout;
	return captured;
}

/* ---- words ---- */

/* clang-format off */
static const struct {
	const char *why;
	struct pin_policy policy;
	const char *words;
} policies[] = {
	{ "as it is without /pinpolicy", { .min = 8, .max = 127 }, "8 to 127 ASCII characters" },
	{ "the least", { .min = 4, .max = 8, .printable = true }, "4 to 8 printable characters" },
	{ "rules", { .min = 4, .max = 8, .printable = true, .rules = { [PIN_DIGITS] = CLASS_REQUIRED, [PIN_UPPERCASE] = CLASS_DISALLOWED } },
	    "4 to 8 printable characters, uppercase disallowed, digits required" },
};
/* clang-format on */

START_TEST(policy_in_words)
{
	char text[256] = "";
	struct wbuf out = wbuf_over(text, sizeof text - 1);

	policy_words(&policies[_i].policy, &out);
	ck_assert_msg(strcmp(text, policies[_i].words) == 0, "%s: %s", policies[_i].why, text);
}
END_TEST

START_TEST(names_of_unknown_things)
{
	ck_assert_str_eq(algorithm_name(0), "?");
	ck_assert_str_eq(algorithm_name(0xff), "?");
	ck_assert_str_eq(pin_rule_name((enum pin_rule)0), "?");
	ck_assert_str_eq(pin_rule_name((enum pin_rule)4), "?");
	ck_assert_str_eq(origin_name((enum key_origin)0), "?");
	ck_assert_str_eq(class_rule_name(9), "?");
}
END_TEST

START_TEST(words_that_do_not_fit)
{
	char text[1100];
	struct wbuf out = wbuf_over(text, 4);

	put_words(&out, "12345");
	ck_assert(!wbuf_ok(&out));
	out = wbuf_over(text, sizeof text);
	put_words(&out, "%1050d", 1);
	ck_assert(!wbuf_ok(&out));
}
END_TEST

/* clang-format off */
static const struct {
	const char *why;
	bool readable;
	const char *problem;
	int pin_left;
	const char *state;
} states[] = {
	{ "all is well", true, "", 5, "ready" },
	{ "nobody knows the tries", true, "", -1, "ready" },
	{ "no tries left", true, "", 0, "blocked" },
	{ "trouble goes before blocked", true, "the TPM was cleared", 0, "trouble" },
	{ "no record", false, "cut short", -1, "broken" },
};
/* clang-format on */

START_TEST(state_of_a_card)
{
	struct failure problem = { "" };

	(void)snprintf(problem.text, sizeof problem.text, "%s", states[_i].problem);
	ck_assert_msg(strcmp(state_name(states[_i].readable, &problem, states[_i].pin_left),
			  states[_i].state) == 0,
	    "%s", states[_i].why);
}
END_TEST

/* ---- JSON ---- */

START_TEST(a_document)
{
	struct failure why = { "" };
	struct json_object *o, *m;
	struct json *j;

	capture();
	j = json_begin();
	json_put_text(j, "quotes", "a \"b\" \\ ROOT\\X");
	json_put_text(j, "controls", "a\x1b[31m\x7f\xc2\x9b\xe2\x80\xae\xff");
	json_put_text(j, "lines", "one\ntwo\n");
	json_put_text(j, "letters", "\xc3\xa9");
	json_put_text(j, "nothing", NULL);
	json_put_number(j, "number", -5);
	json_put_octets(j, "octets", rbuf_of("\x00\xfe", 2));
	json_open_list(j, "list");
	json_open_object(j, NULL);
	json_put_bool(j, "yes", true);
	json_close(j);
	json_put_null(j, NULL);
	json_close(j);
	json_put_text(j, "after", "");
	ck_assert_int_eq(json_print(j, &why), DONE);
	o = json_tokener_parse(release(true));
	ck_assert_ptr_nonnull(o);
	ck_assert_int_eq(json_object_get_int(json_object_object_get(o, "version")), 1);
	ck_assert_str_eq(
	    json_object_get_string(json_object_object_get(o, "quotes")), "a \"b\" \\ ROOT\\X");
	ck_assert_str_eq(
	    json_object_get_string(json_object_object_get(o, "controls")), "a?[31m????");
	ck_assert_str_eq(json_object_get_string(json_object_object_get(o, "lines")), "one\ntwo\n");
	ck_assert_str_eq(json_object_get_string(json_object_object_get(o, "letters")), "\xc3\xa9");
	ck_assert(json_object_object_get_ex(o, "nothing", &m) && m == NULL);
	ck_assert_int_eq(json_object_get_int(json_object_object_get(o, "number")), -5);
	ck_assert_str_eq(json_object_get_string(json_object_object_get(o, "octets")), "00fe");
	m = json_object_object_get(o, "list");
	ck_assert_uint_eq(json_object_array_length(m), 2);
	ck_assert(json_object_get_boolean(
	    json_object_object_get(json_object_array_get_idx(m, 0), "yes")));
	ck_assert_ptr_null(json_object_array_get_idx(m, 1));
	ck_assert_str_eq(json_object_get_string(json_object_object_get(o, "after")), "");
	json_object_put(o);
	free(captured);
}
END_TEST

/* Too deep, or without memory for the document at all: nothing is printed. */
START_TEST(a_spoilt_document)
{
	struct failure why = { "" };
	struct json *j = json_begin();
	int i;

	for (i = 0; i < 7; i++)
		json_open_object(j, "deeper");
	json_put_text(j, "a", "b");
	for (i = 0; i < 20; i++)
		json_close(j);
	capture();
	ck_assert_int_eq(json_print(j, &why), FAILED);
	ck_assert(failed(&why));
	why = (struct failure){ "" };
	json_put_text(NULL, "a", "b");
	json_open_list(NULL, "c");
	json_close(NULL);
	ck_assert_int_eq(json_print(NULL, &why), FAILED);
	ck_assert(failed(&why));
	ck_assert_str_eq(release(false), "");
	free(captured);
}
END_TEST

START_TEST(a_document_on_a_full_disk)
{
	struct failure why = { "" };

	real_stdout = stdout;
	stdout = fopen("/dev/full", "w");
	ck_assert_ptr_nonnull(stdout);
	ck_assert_int_eq(json_print(json_begin(), &why), FAILED);
	stdout = real_stdout;
	ck_assert_ptr_nonnull(strstr(why.text, "standard output"));
}
END_TEST

/* ---- certificates ---- */

static X509 *
certificate_of(const char *cn, time_t now, long from, long until)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *c = X509_new();

	ck_assert(c != NULL && key != NULL);
	ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(c), 0x1234), 1);
	ck_assert_int_eq(X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "O", MBSTRING_UTF8,
			     (const unsigned char *)"Example", -1, -1, 0),
	    1);
	ck_assert_int_eq(X509_NAME_add_entry_by_NID(X509_get_subject_name(c), NID_name,
			     V_ASN1_UTF8STRING, (const unsigned char *)cn, (int)strlen(cn), -1, 0),
	    1);
	ck_assert_int_eq(X509_set_issuer_name(c, X509_get_subject_name(c)), 1);
	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notBefore(c), now + from));
	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notAfter(c), now + until));
	ck_assert_int_eq(X509_set_pubkey(c, key), 1);
	ck_assert_int_ne(X509_sign(c, key, EVP_sha256()), 0);
	EVP_PKEY_free(key);
	return c;
}

/* clang-format off */
static const struct {
	const char *why, *name, *subject;
} subjects[] = {
	{ "plain", "Alice", "name=Alice,O=Example" },
	{ "letters", "Zo\xc3\xab", "name=Zo\xc3\xab,O=Example" },
	{ "what separates is escaped", "Alice,O=Root", "name=Alice\\,O=Root,O=Example" },
	{ "an escape sequence", "\x1b[2J", "name=\\1B[2J,O=Example" },
	{ "a line end", "a\nb", "name=a\\0Ab,O=Example" },
	{ "a control of Latin 1", "a\xc2\x9b" "b", "name=a?b,O=Example" },
	{ "turned direction", "\xe2\x80\xaegpj", "name=?gpj,O=Example" },
};

static const struct {
	const char *why;
	long from, until;
	enum certificate_state state;
	int days_left;
} times[] = {
	{ "good", -DAY, 365 * DAY, CERTIFICATE_VALID, 365 },
	{ "its last second", -DAY, 0, CERTIFICATE_VALID, 0 },
	{ "its first second", 0, DAY, CERTIFICATE_VALID, 1 },
	{ "a second too late", -DAY, -1, CERTIFICATE_EXPIRED, 0 },
	{ "days too late", -9 * DAY, -2 * DAY, CERTIFICATE_EXPIRED, -2 },
	{ "a second too early", 1, DAY, CERTIFICATE_EARLY, 1 },
	{ "both", DAY, -DAY, CERTIFICATE_EXPIRED, -1 },
};
/* clang-format on */

START_TEST(subject_of_a_certificate)
{
	X509 *c = certificate_of(subjects[_i].name, 1800000000, 0, DAY);
	struct certificate_facts f;

	certificate_read(c, 1800000000, &f);
	ck_assert_msg(
	    strcmp(f.subject, subjects[_i].subject) == 0, "%s: %s", subjects[_i].why, f.subject);
	ck_assert_str_eq(f.issuer, f.subject);
	X509_free(c);
}
END_TEST

START_TEST(times_of_a_certificate)
{
	X509 *c = certificate_of("Alice", 1800000000, times[_i].from, times[_i].until);
	struct certificate_facts f;

	certificate_read(c, 1800000000, &f);
	ck_assert_msg(f.state == times[_i].state && f.days_left == times[_i].days_left,
	    "%s: %s, %d", times[_i].why, certificate_state_name(f.state), f.days_left);
	X509_free(c);
}
END_TEST

START_TEST(the_rest_of_a_certificate)
{
	X509 *c = certificate_of("Alice", 1800000000, 0, DAY), *back;
	struct certificate_facts f;
	char pem[4096] = "";
	struct wbuf out = wbuf_over(pem, sizeof pem - 1), none = wbuf_over(pem, 0);
	BIO *bio;

	certificate_read(c, 1800000000, &f);
	ck_assert_str_eq(f.serial, "1234");
	ck_assert_str_eq(f.from, "2027-01-15T08:00:00Z");
	ck_assert_str_eq(f.until, "2027-01-16T08:00:00Z");
	ck_assert_uint_eq(strlen(f.sha256), 64);
	ck_assert(!certificate_pem(c, &none) && none.len == 0);
	ck_assert(certificate_pem(c, &out));
	bio = BIO_new_mem_buf(pem, (int)out.len);
	back = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	ck_assert_ptr_nonnull(back);
	ck_assert_int_eq(X509_cmp(c, back), 0);
	X509_free(back);
	BIO_free(bio);
	X509_free(c);
}
END_TEST

/* A name is cut where it would not fit, and says so. */
START_TEST(an_endless_subject)
{
	X509 *c = certificate_of("Alice", 1800000000, 0, DAY);
	char unit[61] = "";
	struct certificate_facts f;
	int i;

	(void)memset(unit, 'u', sizeof unit - 1);
	for (i = 0; i < 20; i++)
		ck_assert_int_eq(X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "OU",
				     MBSTRING_UTF8, (const unsigned char *)unit, -1, -1, 0),
		    1);
	certificate_read(c, 1800000000, &f);
	ck_assert_uint_lt(strlen(f.subject), sizeof f.subject);
	ck_assert_uint_gt(strlen(f.subject), 400);
	ck_assert_str_eq(f.subject + strlen(f.subject) - 3, "...");
	X509_free(c);
}
END_TEST

/* ---- files of others ---- */

/* clang-format off */
static const struct {
	const char *why, *text, *key, *value; /* NULL: none */
} entries[] = {
	{ "as installed", "# c\nFRIENDLYNAME \"TPM Virtual Smart Card\"\nDEVICENAME   tpmvsc:/etc/tpmvsc.conf\nLIBPATH\t/x.so\nCHANNELID 0\n",
	    "DEVICENAME", "tpmvsc:/etc/tpmvsc.conf" },
	{ "with quotation marks", "FRIENDLYNAME \"TPM Virtual Smart Card\"\n", "FRIENDLYNAME", "TPM Virtual Smart Card" },
	{ "the last line, not ended", "A b\nLIBPATH /x.so", "LIBPATH", "/x.so" },
	{ "lines of another system", "LIBPATH /x.so\r\n", "LIBPATH", "/x.so" },
	{ "in a comment", "#LIBPATH /x.so\n", "LIBPATH", NULL },
	{ "a longer key", "LIBPATHS /x.so\n", "LIBPATH", NULL },
	{ "no value", "LIBPATH\n", "LIBPATH", NULL },
	{ "too long a value", "LIBPATH /123456789012345678901234567890123456789012345678901234567890\n", "LIBPATH", NULL },
	{ "an empty file", "", "LIBPATH", NULL },
};

static const struct {
	const char *why, *text;
	unsigned readers;
} limits[] = {
	{ "an empty file", "", 4 },
	{ "Debian's", "app default {\n\t# debug = 3;\n\tframework pkcs15 {\n\t\t# use_file_caching = public;\n\t}\n}\n", 4 },
	{ "set where the module looks first", "app opensc-pkcs11 {\n pkcs11 {\n  max_virtual_slots = 64;\n }\n}\n", 16 },
	{ "set for all", "app default { pkcs11 { max_virtual_slots = 32; } }", 8 },
	{ "no blanks at all", "app default{pkcs11{max_virtual_slots=32;slots_per_card=1;}}", 32 },
	{ "the first one wins", "app default { pkcs11 { max_virtual_slots = 32; } } app opensc-pkcs11 { pkcs11 { slots_per_card = 2; } }", 8 },
	{ "fewer for each", "app default { pkcs11 { slots_per_card = 1; } }", 16 },
	{ "in a comment", "app default { pkcs11 {\n # max_virtual_slots = 64;\n } }", 4 },
	{ "in another block", "app default { pkcs15 { max_virtual_slots = 64; } }", 4 },
	{ "in another application", "app x { pkcs11 { max_virtual_slots = 64; } }", 4 },
	{ "deeper", "app default { pkcs11 { x { max_virtual_slots = 64; } } }", 4 },
	{ "in quotation marks", "app \"default\" { pkcs11 { max_virtual_slots = \"64\"; } }", 16 },
	{ "no number", "app default { pkcs11 { max_virtual_slots = many; } }", 4 },
	{ "too large a number", "app default { pkcs11 { max_virtual_slots = 99999999999; } }", 4 },
	{ "no slots for a card", "app default { pkcs11 { slots_per_card = 0; } }", 16 },
	{ "brackets that do not fit", "} } { { } app default { pkcs11 { max_virtual_slots = 64", 4 },
	{ "a quotation that does not end", "app default { pkcs11 { max_virtual_slots = \"64; } }", 4 },
};
/* clang-format on */

START_TEST(value_of_an_entry)
{
	char value[64] = "";
	bool found = readerconf_value(rbuf_str(entries[_i].text), entries[_i].key, value, 48);

	ck_assert_msg(found == (entries[_i].value != NULL), "%s", entries[_i].why);
	if (found)
		ck_assert_msg(
		    strcmp(value, entries[_i].value) == 0, "%s: %s", entries[_i].why, value);
}
END_TEST

START_TEST(limit_of_opensc)
{
	struct opensc_limits l;

	opensc_read(rbuf_str(limits[_i].text), &l);
	ck_assert_msg(
	    opensc_readers(&l) == limits[_i].readers, "%s: %u", limits[_i].why, opensc_readers(&l));
}
END_TEST

START_TEST(list_of_readers)
{
	static const char two[] = "First 00 00\0TPM Virtual Smart Card 00 01\0";
	static char many[READERS_MAX * 2 * 2 + 1], endless[200];
	struct readers r;
	size_t i;

	readers_take(rbuf_of(two, sizeof two), &r);
	ck_assert_uint_eq(r.count, 2);
	ck_assert_str_eq(r.names[1], "TPM Virtual Smart Card 00 01");
	readers_take(rbuf_of("", 1), &r);
	ck_assert_uint_eq(r.count, 0);
	readers_take(rbuf_of(NULL, 0), &r);
	ck_assert_uint_eq(r.count, 0);
	readers_take(rbuf_of("cut short", 9), &r);
	ck_assert_uint_eq(r.count, 0);
	for (i = 0; i + 2 < sizeof many; i += 2)
		many[i] = 'a';
	readers_take(rbuf_of(many, sizeof many), &r);
	ck_assert_uint_eq(r.count, READERS_MAX);
	(void)memset(endless, 'a', sizeof endless - 2);
	readers_take(rbuf_of(endless, sizeof endless), &r);
	ck_assert_uint_eq(r.count, 0);
}
END_TEST

/* ---- a card ---- */

static struct view
sample(void)
{
	struct view v = { .instance = 3,
		.reader = READER_THERE,
		.has_record = true,
		.has_tpm = true,
		.has_card = true,
		.has_serial = true,
		.serial = 42,
		.slot_count = 1 };

	(void)snprintf(v.record.name, sizeof v.record.name, "Corp");
	v.record.pin_limit = 5;
	v.record.pin_left = 5;
	v.record.policy = pin_policy_default;
	v.record.admin_algorithm = ALG_3DES;
	v.record.admin_unblocks = true;
	v.tpm.has_encrypt = true;
	v.has_attestation = v.attestation.there = true;
	v.pin = (struct metadata){
		.there = true, .is_default = true, .tries_left = 5, .tries_limit = 5
	};
	v.slots[0] = (struct view_slot){ .reference = 0x9c,
		.key = { .there = true,
		    .algorithm = ALG_ECC_P256,
		    .pin = PIN_ONCE,
		    .origin = ORIGIN_IMPORTED } };
	return v;
}

/* clang-format off */
static const struct {
	const char *why;
	uint8_t algorithm;
	bool unblocks, random, encrypts, root;
} administrators[] = {
	{ "3DES is sealed", ALG_3DES, true, false, true, true },
	{ "so is AES192", ALG_AES_192, true, false, true, true },
	{ "AES256 is in the TPM", ALG_AES_256, true, false, true, false },
	{ "AES128 too", ALG_AES_128, true, false, true, false },
	{ "unless it cannot encrypt", ALG_AES_256, true, false, false, true },
	{ "may not unblock", ALG_3DES, false, false, true, false },
	{ "only after the PIN", ALG_3DES, false, true, true, false },
};
/* clang-format on */

START_TEST(root_as_administrator)
{
	struct view v = sample();

	v.record.admin_algorithm = administrators[_i].algorithm;
	v.record.admin_unblocks = administrators[_i].unblocks;
	v.record.admin_random = administrators[_i].random;
	v.tpm.has_encrypt = administrators[_i].encrypts;
	ck_assert_msg(
	    view_root_administers(&v) == administrators[_i].root, "%s", administrators[_i].why);
}
END_TEST

/* What must be on the screen, and what must not. */
START_TEST(a_screen)
{
	/* clang-format off */
	static const char *const wanted[] = {
		"ROOT\\SMARTCARDREADER\\0003  Corp\n", "ready", "TPM Virtual Smart Card 00 03\n", "42\n",
		"5 of 5 tries left; the default one", "PUK            none", "8 to 127 ASCII characters",
		"3DES", "root on this machine can act as administrator", "Reset          not allowed",
		"9C  P-256     imported   PIN once (not the usual rule of this key reference)",
		"subject  name=Alice,O=Example", "EXPIRED", "Attestation    the card has a key for it\n",
	};
	/* clang-format on */
	struct view v = sample();
	const char *text;
	size_t i;

	v.slots[0].certificate = certificate_of("Alice", 1000000000, 0, DAY);
	capture();
	view_print(&v);
	text = release(false);
	for (i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		ck_assert_msg(
		    strstr(text, wanted[i]) != NULL, "no \"%s\" in:\n%s", wanted[i], text);
	ck_assert_ptr_null(strstr(text, "only root"));
	free(captured);
	view_clear(&v);
}
END_TEST

START_TEST(a_screen_for_others)
{
	struct view v = sample();
	struct failure why = { "" };
	const char *text;

	v.has_record = v.has_tpm = false;
	v.slot_count = 0;
	(void)snprintf(v.label, sizeof v.label, "Corp");
	capture();
	view_print(&v);
	text = release(false);
	ck_assert_ptr_nonnull(strstr(text, "0003  Corp\n"));
	ck_assert_ptr_nonnull(strstr(text, "PIN policy     (only root sees this)"));
	ck_assert_ptr_nonnull(strstr(text, "TPM            (only root sees this)"));
	ck_assert_ptr_null(strstr(text, "8 to 127"));
	ck_assert_ptr_null(strstr(text, "Reset"));
	ck_assert_int_eq(view_outcome(&v, &why), DONE);
	free(captured);
}
END_TEST

START_TEST(a_card_without_its_tpm)
{
	struct view v = sample();
	struct failure why = { "" };

	v.has_tpm = v.has_card = false;
	v.slot_count = 0;
	(void)snprintf(v.tpm_problem.text, sizeof v.tpm_problem.text, "no answer");
	ck_assert_int_eq(view_outcome(&v, &why), TPM_PROBLEM);
	ck_assert_str_eq(why.text, "no answer");
	why = (struct failure){ "" };
	v.has_record = false;
	(void)snprintf(v.record_problem.text, sizeof v.record_problem.text, "cut short");
	ck_assert_int_eq(view_outcome(&v, &why), FAILED);
	ck_assert_str_eq(why.text, "cut short");
}
END_TEST

/* Every member is there, whatever is known. */
START_TEST(a_card_as_json)
{
	static const char *const members[] = { "instance", "name", "state", "problem", "complete",
		"guid", "chuid_guid", "serial_number", "reader", "pin", "puk", "admin_key",
		"reset_allowed", "attestation_key", "keys", "certificates", "tpm" };
	struct view v = sample();
	struct failure why = { "" };
	struct json_object *o, *card, *m;
	size_t i;

	v.slots[0].certificate = certificate_of("\x1b", 1000000000, 0, DAY);
	if (_i != 0)
		v.has_record = v.has_tpm = v.has_card = false;
	capture();
	ck_assert_int_eq(view_print_json(&v, &why), DONE);
	o = json_tokener_parse(release(true));
	ck_assert_ptr_nonnull(o);
	card = json_object_object_get(o, "card");
	for (i = 0; i < sizeof members / sizeof members[0]; i++)
		ck_assert_msg(json_object_object_get_ex(card, members[i], &m), "no %s", members[i]);
	ck_assert_int_eq(
	    (int)json_object_object_length(card), (int)(sizeof members / sizeof members[0]));
	m = json_object_object_get(card, "certificates");
	if (_i == 0) {
		m = json_object_array_get_idx(m, 0);
		ck_assert_str_eq(
		    json_object_get_string(json_object_object_get(m, "reference")), "9c");
		ck_assert_str_eq(
		    json_object_get_string(json_object_object_get(m, "state")), "expired");
	} else {
		ck_assert_ptr_null(m);
	}
	json_object_put(o);
	free(captured);
	view_clear(&v);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("show");
	TCase *words = tcase_create("words"), *json = tcase_create("JSON");
	TCase *certificates = tcase_create("certificates"),
	      *files = tcase_create("files of others");
	TCase *cards = tcase_create("cards");

	tcase_add_rows(words, policy_in_words, policies);
	tcase_add_test(words, names_of_unknown_things);
	tcase_add_test(words, words_that_do_not_fit);
	tcase_add_rows(words, state_of_a_card, states);
	suite_add_tcase(suite, words);
	tcase_add_test(json, a_document);
	tcase_add_test(json, a_spoilt_document);
	tcase_add_test(json, a_document_on_a_full_disk);
	suite_add_tcase(suite, json);
	tcase_add_rows(certificates, subject_of_a_certificate, subjects);
	tcase_add_rows(certificates, times_of_a_certificate, times);
	tcase_add_test(certificates, the_rest_of_a_certificate);
	tcase_add_test(certificates, an_endless_subject);
	suite_add_tcase(suite, certificates);
	tcase_add_rows(files, value_of_an_entry, entries);
	tcase_add_rows(files, limit_of_opensc, limits);
	tcase_add_test(files, list_of_readers);
	suite_add_tcase(suite, files);
	tcase_add_rows(cards, root_as_administrator, administrators);
	tcase_add_test(cards, a_screen);
	tcase_add_test(cards, a_screen_for_others);
	tcase_add_test(cards, a_card_without_its_tpm);
	tcase_add_loop_test(cards, a_card_as_json, 0, 2);
	suite_add_tcase(suite, cards);
	return suite_run(suite);
}
