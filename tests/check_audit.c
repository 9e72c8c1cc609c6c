/* SPDX-License-Identifier: BSD-2-Clause */
/* Audit records: what they say, and that they never wait. */
#include "card/audit.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A socket that listens as a log does. */
static int
listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", scratch_path(name));
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* The next record, as text; empty when there is none. */
static size_t
next(int fd, char *text, size_t size)
{
	const ssize_t n = recv(fd, text, size - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

#define GUID                                                                                       \
	{                                                                                          \
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15                               \
	}

/* clang-format off */
static const struct row {
	const char *why;
	struct audit audit;
	const char *message, *fields[8], *absent;
} rows[] = {
	{ "a card made",
	    { .event = AUDIT_CREATE, .has_instance = true, .instance = 3, .name = "Corp", .has_guid = true, .guid = GUID, .person = true },
	    "MESSAGE=TPM smart card ROOT\\SMARTCARDREADER\\0003 (Corp) was created (user ",
	    { "MESSAGE_ID=4f6eed2b8aa84cb4bcf64039d5a62939\n", "PRIORITY=5\n", "SYSLOG_IDENTIFIER=tpmvsc\n", "TPMVSC_EVENT=create\n",
	      "TPMVSC_INSTANCE=ROOT\\SMARTCARDREADER\\0003\n", "TPMVSC_NAME=Corp\n",
	      "TPMVSC_GUID=00010203-0405-0607-0809-0a0b0c0d0e0f\n", "TPMVSC_UID=" }, "TPMVSC_REASON" },
	{ "one that could not be", { .event = AUDIT_CREATE, .outcome = NO_ROOM, .name = "Corp", .reason = "there are ten", .person = true },
	    "MESSAGE=TPM smart card (Corp) could not be created (user ",
	    { "PRIORITY=4\n", "TPMVSC_OUTCOME=no-room\n", "TPMVSC_REASON=there are ten\n" }, "TPMVSC_INSTANCE" },
	{ "destroyed", { .event = AUDIT_DESTROY, .has_instance = true, .name = "Corp", .person = true },
	    "0000 (Corp) was destroyed", { "MESSAGE_ID=761ad6c447b543a7a4a425ea16e915f6\n", "TPMVSC_OUTCOME=done\n" }, "TPMVSC_GUID" },
	{ "unblocked", { .event = AUDIT_UNBLOCK, .has_instance = true, .name = "Corp", .by = "PUK", .person = true },
	    "0000 (Corp) was unblocked by PUK (user ", { "MESSAGE_ID=be757f151ec249db8b2a157c70c5be35\n", "TPMVSC_BY=PUK\n" }, NULL },
	{ "not unblocked", { .event = AUDIT_UNBLOCK, .outcome = WRONG_SECRET, .has_instance = true, .by = "administrator key", .reason = "it is wrong" },
	    "0000 could not be unblocked by administrator key: it is wrong\n", { "TPMVSC_OUTCOME=wrong-secret\n", "PRIORITY=4\n" }, "TPMVSC_UID" },
	{ "blocked", { .event = AUDIT_BLOCK, .has_instance = true, .instance = 1, .name = "Corp", .by = "PIN" },
	    "MESSAGE=TPM smart card ROOT\\SMARTCARDREADER\\0001 (Corp): its PIN was blocked\n",
	    { "MESSAGE_ID=9b4334473bdf4c77a00ca0023c9bfe7e\n", "PRIORITY=4\n", "TPMVSC_BY=PIN\n" }, "TPMVSC_UID" },
	{ "what a terminal would obey", { .event = AUDIT_DESTROY, .outcome = FAILED, .has_instance = true, .reason = "x\x1b[31m" },
	    "could not be destroyed: x?[31m\n", { NULL }, NULL },
};
/* clang-format on */

START_TEST(journal)
{
	const struct row *row = &rows[_i];
	const int log = listen_at("journal");
	char text[4096];
	size_t i;

	ck_assert(audit_send(&row->audit, scratch_path("journal"), scratch_path("none")));
	ck_assert_msg(next(log, text, sizeof text) != 0, "%s", row->why);
	ck_assert_msg(strstr(text, row->message) != NULL, "%s: %s", row->why, text);
	for (i = 0; i < 8 && row->fields[i] != NULL; i++)
		ck_assert_msg(strstr(text, row->fields[i]) != NULL, "%s: no %s in %s", row->why,
		    row->fields[i], text);
	if (row->absent != NULL)
		ck_assert_msg(strstr(text, row->absent) == NULL, "%s: %s", row->why, text);
	ck_assert_msg(next(log, text, sizeof text) == 0, "%s: one record only", row->why);
	(void)close(log);
}
END_TEST

/* A newline in a value makes no field of what is behind it. */
START_TEST(newline)
{
	static const char wanted[] = "TPMVSC_REASON\n\x0b\0\0\0\0\0\0\0a\nTPMVSC_X=\n";
	const struct audit audit = {
		.event = AUDIT_DESTROY, .outcome = FAILED, .reason = "a\nTPMVSC_X="
	};
	const int log = listen_at("journal");
	char text[4096];
	size_t n;

	ck_assert(audit_send(&audit, scratch_path("journal"), scratch_path("none")));
	n = next(log, text, sizeof text);
	ck_assert_ptr_nonnull(memmem(text, n, wanted, sizeof wanted - 1));
	ck_assert_ptr_null(
	    memmem(text, n, "MESSAGE=TPM smart card could not be destroyed: a\n", 49));
	(void)close(log);
}
END_TEST

START_TEST(no_journal)
{
	const struct audit audit = {
		.event = AUDIT_BLOCK, .has_instance = true, .name = "Corp", .by = "PUK"
	};
	const int log = listen_at("log");
	char text[4096];

	ck_assert(audit_send(&audit, scratch_path("none"), scratch_path("log")));
	ck_assert_uint_ne(next(log, text, sizeof text), 0);
	ck_assert_int_eq(strncmp(text, "<84>", 4), 0);
	ck_assert_msg(strstr(text, " tpmvsc[") != NULL &&
			  strstr(text, "]: TPM smart card ROOT\\SMARTCARDREADER\\0000 (Corp): its "
				       "PUK was blocked") != NULL,
	    "%s", text);
	(void)close(log);
}
END_TEST

START_TEST(nobody_listens)
{
	const struct audit audit = { .event = AUDIT_CREATE };
	char longest[200];

	ck_assert(!audit_send(&audit, scratch_path("none"), scratch_path("none")));
	scratch_write("file", rbuf_str(""), 0600);
	ck_assert(!audit_send(&audit, scratch_path("file"), scratch_path("file")));
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	ck_assert(!audit_send(&audit, longest, longest));
}
END_TEST

/* A log that does not read: its queue fills, and nobody waits for it. */
START_TEST(stuck)
{
	const struct audit audit = { .event = AUDIT_CREATE, .name = "Corp" };
	const int log = listen_at("journal");
	int i;

	for (i = 0; i < 100000 && audit_send(&audit, scratch_path("journal"), scratch_path("none"));
	     i++)
		continue;
	ck_assert_int_gt(i, 0);
	ck_assert_int_lt(i, 100000);
	(void)close(log);
}
END_TEST

/* The longest of everything fits. */
START_TEST(longest)
{
	struct audit audit = { .event = AUDIT_UNBLOCK,
		.outcome = NOT_PERMITTED,
		.has_instance = true,
		.has_guid = true,
		.by = "administrator key",
		.person = true };
	const int log = listen_at("journal");
	struct failure why = { .text = "" };
	char text[4096];

	memset(audit.name, 'n', sizeof audit.name - 1);
	memset(why.text, 'w', sizeof why.text - 1);
	audit.reason = why.text;
	ck_assert(audit_send(&audit, scratch_path("journal"), scratch_path("none")));
	ck_assert_uint_ne(next(log, text, sizeof text), 0);
	ck_assert_ptr_nonnull(strstr(text, "TPMVSC_UID="));
	(void)close(log);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("audit");
	TCase *tcase = tcase_create("records");

	tcase_add_checked_fixture(tcase, scratch_setup, scratch_teardown);
	tcase_add_rows(tcase, journal, rows);
	tcase_add_test(tcase, newline);
	tcase_add_test(tcase, no_journal);
	tcase_add_test(tcase, nobody_listens);
	tcase_add_test(tcase, stuck);
	tcase_add_test(tcase, longest);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
