/* SPDX-License-Identifier: BSD-2-Clause */
/* tpmvsc.conf: every key, every fault, every kind of file. */
#include "card/config.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LONG64  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LONG252 LONG64 LONG64 LONG64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct text {
	const char *why;
	const char *text;
	size_t len;
	const char *says; /* NULL: it is good */
};

#define GOOD(why, text)                                                                            \
	{                                                                                          \
		why, text, sizeof(text) - 1, NULL                                                  \
	}
#define BAD(why, text, says)                                                                       \
	{                                                                                          \
		why, text, sizeof(text) - 1, says                                                  \
	}

/* clang-format off */
static const struct text texts[] = {
	GOOD("empty", ""),
	GOOD("blank lines", "\n\n \t\n"),
	GOOD("comments", "# hello\n   # again\n#"),
	GOOD("no newline at the end", "spare_slots = 3"),
	GOOD("no white space", "spare_slots=3\n"),
	GOOD("much white space", "\t spare_slots \t =  3 \t\n"),
	GOOD("carriage returns", "spare_slots = 3\r\ntcti = tabrmd:\r\n"),
	GOOD("a comment behind a value", "spare_slots = 3 # empty readers\n"),
	GOOD("a number sign inside a value", "attestation_ca = https://ca.example/x#y\n"),
	GOOD("an equals sign inside a value", "tcti = swtpm:path=/run/x=y\n"),
	GOOD("device", "tcti = device:/dev/tpmrm0\n"),
	GOOD("swtpm on a Unix socket", "tcti = swtpm:path=/run/swtpm/sock\n"),
	GOOD("tabrmd", "tcti = tabrmd\n"),
	GOOD("tabrmd with nothing", "tcti = tabrmd:\n"),
	GOOD("tabrmd with options", "tcti = tabrmd:bus_type=session\n"),
	GOOD("no owner password file", "owner_auth_file =\n"),
	GOOD("owner password file", "owner_auth_file = /etc/tpmvsc.owner\n"),
	GOOD("no CA", "attestation_ca =\n"),
	GOOD("longest path", "state_dir = /" LONG252 "aa\n"),
	GOOD("least spare slots", "spare_slots = 0\n"),
	GOOD("most spare slots", "spare_slots = 10\n"),
	GOOD("leading zeros", "spare_slots = 007\n"),
	GOOD("seconds", "pin_cache = 86400\n"),
	GOOD("shortest PIN cache", "pin_cache = 1s\n"),
	GOOD("longest PIN cache", "pin_cache = 2147483647\n"),
	GOOD("every level: error", "log_level = error\n"),
	GOOD("every level: warning", "log_level = warning\n"),
	GOOD("every level: info", "log_level = info\n"),
	GOOD("every level: debug", "log_level = debug\n"),

	BAD("unknown key", "\n\ncolour = red\n", "f:3: unknown key \"colour\""),
	BAD("a key in capitals", "TCTI = tabrmd:\n", "f:1: unknown key \"TCTI\""),
	BAD("a key cut short", "tct = tabrmd:\n", "f:1: unknown key"),
	BAD("a key and more", "tctis = tabrmd:\n", "f:1: unknown key"),
	BAD("no key", "= 3\n", "f:1: unknown key \"\""),
	BAD("no equals sign", "tcti tabrmd:\n", "f:1: no \"=\""),
	BAD("a lone word after good lines", "spare_slots = 1\n# x\nhello\n", "f:3: no \"=\""),
	BAD("twice", "spare_slots = 1\n\nspare_slots = 1\n", "f:3: spare_slots is set twice, first in line 1"),
	BAD("a NUL", "spare_slots = 1\0\n", "f:1: a control character (00)"),
	BAD("a NUL in a comment", "# x\n# \0\n", "f:2: a control character (00)"),
	BAD("an escape", "tcti = \033[2J\n", "f:1: a control character (1b)"),
	BAD("a byte order mark", "\xef\xbb\xbftcti = tabrmd:\n", "f:1: unknown key"),
	BAD("UTF-16", "t\0c\0t\0i\0", "f:1: a control character (00)"),

	BAD("no TCTI", "tcti =\n", "f:1: bad tcti \"\": it must begin with"),
	BAD("a library as TCTI", "tcti = /tmp/evil.so\n", "it must begin with"),
	BAD("a TCTI by file name", "tcti = libtss2-tcti-device.so:/dev/tpm0\n", "it must begin with"),
	BAD("another TCTI", "tcti = cmd:sh\n", "it must begin with"),
	BAD("mssim", "tcti = mssim:host=localhost\n", "it must begin with"),
	BAD("pcap", "tcti = pcap:device:/dev/tpm0\n", "it must begin with"),
	BAD("tabrmd and more", "tcti = tabrmdx\n", "it must begin with"),
	BAD("device without path", "tcti = device:\n", "absolute path"),
	BAD("device without colon", "tcti = device\n", "it must begin with"),
	BAD("device, relative", "tcti = device:dev/tpmrm0\n", "absolute path"),
	BAD("swtpm by default is TCP", "tcti = swtpm:\n", "use a Unix socket"),
	BAD("swtpm without colon", "tcti = swtpm\n", "it must begin with"),
	BAD("swtpm over TCP", "tcti = swtpm:host=127.0.0.1,port=2321\n", "any local user could clear"),
	BAD("swtpm port alone", "tcti = swtpm:port=2321\n", "use a Unix socket"),
	BAD("swtpm path and host", "tcti = swtpm:path=/x,host=y\n", "use a Unix socket"),
	BAD("swtpm, relative", "tcti = swtpm:path=sock\n", "use a Unix socket"),
	BAD("TCTI too long", "tcti = device:/" LONG252 "\n", "longer than 255"),

	BAD("no state directory", "state_dir =\n", "not an absolute path"),
	BAD("relative state directory", "state_dir = tpmvsc\n", "not an absolute path"),
	BAD("state directory with quotes", "state_dir = \"/var\"\n", "not an absolute path"),
	BAD("state directory too long", "state_dir = /" LONG252 "aaa\n", "longer than 255"),
	BAD("much too long", "state_dir = /" LONG252 LONG252 LONG252 "\n", "longer than 255"),
	BAD("relative owner password file", "owner_auth_file = secret\n", "not an absolute path"),
	BAD("CA of no scheme", "attestation_ca = ca.example\n", "not an http"),
	BAD("CA by file", "attestation_ca = file:///etc/passwd\n", "not an http"),
	BAD("CA with a space", "attestation_ca = https://ca.example/ x\n", "no spaces"),

	BAD("no number", "spare_slots =\n", "number from 0 to 10"),
	BAD("a word", "spare_slots = many\n", "number from 0 to 10"),
	BAD("negative", "spare_slots = -1\n", "number from 0 to 10"),
	BAD("a sign", "spare_slots = +1\n", "number from 0 to 10"),
	BAD("too many", "spare_slots = 11\n", "number from 0 to 10"),
	BAD("wraps round", "spare_slots = 18446744073709551617\n", "number from 0 to 10"),
	BAD("hexadecimal", "spare_slots = 0x1\n", "number from 0 to 10"),
	BAD("two numbers", "spare_slots = 1 2\n", "number from 0 to 10"),

	BAD("no time", "pin_cache =\n", "it is not a time"),
	BAD("no cache at all", "pin_cache = 0\n", "it is not a time"),
	BAD("zero hours", "pin_cache = 0h\n", "it is not a time"),
	BAD("a unit alone", "pin_cache = h\n", "it is not a time"),
	BAD("unknown unit", "pin_cache = 3w\n", "its unit"),
	BAD("two units", "pin_cache = 3hh\n", "its unit"),
	BAD("white space before the unit", "pin_cache = 3 h\n", "its unit"),
	BAD("one second too long", "pin_cache = 2147483648\n", "it is not a time"),
	BAD("too many days", "pin_cache = 24856d\n", "too long"),
	BAD("infinite", "pin_cache = 99999999999999999999\n", "it is not a time"),
	BAD("fraction", "pin_cache = 1.5h\n", "its unit"),

	BAD("no level", "log_level =\n", "error, warning"),
	BAD("unknown level", "log_level = loud\n", "error, warning"),
	BAD("level in capitals", "log_level = Debug\n", "error, warning"),
};
/* clang-format on */

START_TEST(text)
{
	const struct text *row = &texts[_i];
	uint8_t *copy = malloc(row->len != 0 ? row->len : 1);
	struct failure why = { "" };
	struct config config;
	bool ok;

	/* Exactly as long as it is, so that a sanitizer sees a read beyond it. */
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, row->text, row->len);
	config_default(&config);
	ok = config_parse(rbuf_of(copy, row->len), "f", &config, &why);
	free(copy);
	ck_assert_msg(ok == (row->says == NULL), "%s: %s", row->why, why.text);
	ck_assert_msg(failed(&why) == !ok, "%s", row->why);
	if (!ok)
		ck_assert_msg(
		    strstr(why.text, row->says) != NULL && strncmp(why.text, "f:", 2) == 0,
		    "%s: says: %s", row->why, why.text);
}
END_TEST

START_TEST(values)
{
	static const char all[] = "tcti=swtpm:path=/x/sock\nstate_dir=/x/state\nspare_slots=4\n"
				  "pin_cache=2h # a while\nowner_auth_file=/x/owner\n"
				  "attestation_ca=http://ca.example/\nlog_level=debug\n";
	struct failure why = { "" };
	struct config c;

	config_default(&c);
	ck_assert_str_eq(c.tcti, "device:/dev/tpmrm0");
	ck_assert_int_eq(c.state_dir[0], '/');
	ck_assert_uint_eq(c.spare_slots, 1);
	ck_assert_uint_eq(c.pin_cache, 86400);
	ck_assert_str_eq(c.owner_auth_file, "");
	ck_assert_str_eq(c.attestation_ca, "");
	ck_assert_int_eq(c.log_level, LOG_LEVEL_WARNING);

	ck_assert_msg(config_parse(rbuf_str(all), "f", &c, &why), "%s", why.text);
	ck_assert_str_eq(c.tcti, "swtpm:path=/x/sock");
	ck_assert_str_eq(c.state_dir, "/x/state");
	ck_assert_uint_eq(c.spare_slots, 4);
	ck_assert_uint_eq(c.pin_cache, 7200);
	ck_assert_str_eq(c.owner_auth_file, "/x/owner");
	ck_assert_str_eq(c.attestation_ca, "http://ca.example/");
	ck_assert_int_eq(c.log_level, LOG_LEVEL_DEBUG);
}
END_TEST

static const struct {
	const char *text;
	uint32_t seconds;
} times[] = { { "90", 90 }, { "90s", 90 }, { "30m", 1800 }, { "24h", 86400 }, { "7d", 604800 },
	{ "24855d", 2147472000 } };

START_TEST(time_units)
{
	struct config c;
	char line[64];

	config_default(&c);
	(void)snprintf(line, sizeof line, "pin_cache = %s", times[_i].text);
	ck_assert(config_parse(rbuf_str(line), "f", &c, NULL));
	ck_assert_uint_eq(c.pin_cache, times[_i].seconds);
}
END_TEST

/* Every octet in every place of a good file: an answer, no overread. */
START_TEST(any_octet)
{
	static const char good[] = "tcti = tabrmd: # x\nspare_slots=3\n";
	uint8_t *copy = malloc(sizeof good - 1);
	struct config c;
	size_t at;

	ck_assert_ptr_nonnull(copy);
	for (at = 0; at < sizeof good - 1; at++) {
		memcpy(copy, good, sizeof good - 1);
		copy[at] = (uint8_t)_i;
		config_default(&c);
		if (config_parse(rbuf_of(copy, sizeof good - 1), "f", &c, NULL))
			ck_assert_uint_le(c.spare_slots, 10);
	}
	free(copy);
}
END_TEST

/* ---- files ---- */

#define TEXT rbuf_str("spare_slots = 7\n")

static void
good(void)
{
	scratch_write("conf", TEXT, 0644);
}

static void
absent(void)
{
}

static void
only_mine(void)
{
	scratch_write("conf", TEXT, 0600);
}

static void
linked(void)
{
	scratch_write("real", TEXT, 0644);
	scratch_symlink("real", "conf");
}

static void
linked_to_bad(void)
{
	scratch_write("real", TEXT, 0666);
	scratch_symlink("real", "conf");
}

static void
linked_to_nothing(void)
{
	scratch_symlink("real", "conf");
}

static void
group_writes(void)
{
	scratch_write("conf", TEXT, 0664);
}

static void
others_write(void)
{
	scratch_write("conf", TEXT, 0646);
}

static void
of_stranger(void)
{
	scratch_write("conf", TEXT, 0644);
	scratch_chown("conf", SCRATCH_STRANGER);
}

static void
directory(void)
{
	scratch_mkdir("conf", 0755);
}

static void
fifo(void)
{
	scratch_fifo("conf");
}

static void
huge(void)
{
	static uint8_t much[CONFIG_FILE_MAX + 1];

	memset(much, '\n', sizeof much);
	scratch_write("conf", rbuf_of(much, sizeof much), 0644);
}

static void
as_long_as_can_be(void)
{
	static uint8_t much[CONFIG_FILE_MAX];
	struct wbuf out = wbuf_over(much, sizeof much);

	wbuf_put(&out, TEXT);
	wbuf_fill(&out, '\n', sizeof much - out.len);
	scratch_write("conf", wbuf_view(&out), 0644);
}

static void
bad_line(void)
{
	scratch_write("conf", rbuf_str("spare_slots = 7\nspare_slot = 8\n"), 0644);
}

static const struct {
	const char *why;
	void (*prepare)(void);
	bool root;
	enum outcome outcome;
	unsigned spare_slots; /* when it is good */
	const char *says;
} files[] = {
	{ "ordinary", good, false, DONE, 7, "" },
	{ "missing: the defaults", absent, false, DONE, 1, "" },
	{ "closed to others", only_mine, false, DONE, 7, "" },
	{ "a link to a good file", linked, false, DONE, 7, "" },
	{ "a link to a file others may write", linked_to_bad, false, FAILED, 0, "chmod go-w" },
	{ "a link to nothing is missing", linked_to_nothing, false, DONE, 1, "" },
	{ "its group may write", group_writes, false, FAILED, 0, "chmod go-w" },
	{ "others may write", others_write, false, FAILED, 0, "chmod go-w" },
	{ "of a stranger", of_stranger, true, FAILED, 0, "belongs to user 65534" },
	{ "a directory", directory, false, FAILED, 0, "not a regular file" },
	{ "a FIFO does not hang", fifo, false, FAILED, 0, "not a regular file" },
	{ "too long", huge, false, FAILED, 0, "longer than 65536" },
	{ "as long as can be", as_long_as_can_be, false, DONE, 7, "" },
	{ "a bad line", bad_line, false, FAILED, 0, "conf:2: unknown key \"spare_slot\"" },
};

START_TEST(file)
{
	struct config c = { .spare_slots = 99 };
	struct failure why = { "" };
	enum outcome outcome;

	if (files[_i].root && !scratch_is_root())
		return;
	files[_i].prepare();
	outcome = config_load(scratch_path("conf"), &c, &why);
	ck_assert_msg(outcome == files[_i].outcome, "%s: %s", files[_i].why, why.text);
	ck_assert_msg(
	    strstr(why.text, files[_i].says) != NULL, "%s: says: %s", files[_i].why, why.text);
	ck_assert_msg(
	    c.spare_slots == (outcome == DONE ? files[_i].spare_slots : 99), "%s", files[_i].why);
}
END_TEST

static int
load(void *context)
{
	struct failure why = { "" };
	struct config c;
	enum outcome outcome = config_load(context, &c, &why);

	return outcome == NOT_PERMITTED && strstr(why.text, "cannot open") == NULL ? 99
										   : (int)outcome;
}

START_TEST(file_not_readable)
{
	char path[512];

	scratch_chmod("", 0755);
	scratch_write("conf", TEXT, 0000);
	(void)snprintf(path, sizeof path, "%s", scratch_path("conf"));
	ck_assert_int_eq(scratch_as_stranger(load, path), NOT_PERMITTED);
	scratch_chmod("conf", 0644);
	/* Root's file serves everybody. */
	ck_assert_int_eq(scratch_as_stranger(load, path), DONE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = tcase_create("text"), *on_disk = tcase_create("file");

	tcase_add_rows(tc, text, texts);
	tcase_add_test(tc, values);
	tcase_add_rows(tc, time_units, times);
	tcase_add_loop_test(tc, any_octet, 0, 256);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(on_disk, scratch_setup, scratch_teardown);
	tcase_add_rows(on_disk, file, files);
	tcase_add_test(on_disk, file_not_readable);
	suite_add_tcase(suite, on_disk);
	return suite_run(suite);
}
