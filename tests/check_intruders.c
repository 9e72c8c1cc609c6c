/* SPDX-License-Identifier: BSD-2-Clause */
/* Links, FIFOs, other owners and modes in the place of everything in the state directory. */
#include "store/files.h"
#include "tests/one_card.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- attacks on what is in it ---- */

enum attack {
	LINK, /* a symbolic link to a copy of the real thing */
	DANGLING,
	LINK_LOOP,
	HARD_LINK,
	FIFO,
	SOCKET,
	DIRECTORY,
	FILE_INSTEAD,
	STRANGER,
	GROUP_READ,
	OTHER_READ,
	GROUP_WRITE,
	HUGE_FILE,
};

static const char *const targets[] = { "state/0000/record", "state/0000/key-9a",
	"state/0000/object-5fc102", "state/0000", "state/.journal-0000", "state/.manage" };
enum target { RECORD, KEY, OBJECT, CARD, JOURNAL, LOCK };

/* clang-format off */
static const struct {
	const char *why;
	enum target target;
	enum attack attack;
	const char *says;
} attacks[] = {
	{ "record: link", RECORD, LINK, "symbolic" },
	{ "record: dangling link", RECORD, DANGLING, "symbolic" },
	{ "record: link to itself", RECORD, LINK_LOOP, "symbolic" },
	{ "record: hard link", RECORD, HARD_LINK, "hard link" },
	{ "record: FIFO must not hang", RECORD, FIFO, "regular file" },
	{ "record: socket", RECORD, SOCKET, "" },
	{ "record: directory", RECORD, DIRECTORY, "regular file" },
	{ "record: of a stranger", RECORD, STRANGER, "belongs to user 65534" },
	{ "record: its group may read", RECORD, GROUP_READ, "chmod 0600" },
	{ "record: others may read", RECORD, OTHER_READ, "chmod 0600" },
	{ "record: its group may write", RECORD, GROUP_WRITE, "chmod 0600" },
	{ "record: huge", RECORD, HUGE_FILE, "longer" },
	{ "key: link", KEY, LINK, "symbolic" },
	{ "key: hard link", KEY, HARD_LINK, "hard link" },
	{ "key: FIFO", KEY, FIFO, "regular file" },
	{ "key: socket", KEY, SOCKET, "" },
	{ "key: directory", KEY, DIRECTORY, "regular file" },
	{ "key: of a stranger", KEY, STRANGER, "belongs" },
	{ "key: others may read", KEY, OTHER_READ, "chmod" },
	{ "object: link", OBJECT, LINK, "symbolic" },
	{ "object: hard link", OBJECT, HARD_LINK, "hard link" },
	{ "object: FIFO", OBJECT, FIFO, "regular" },
	{ "object: huge", OBJECT, HUGE_FILE, "longer" },
	{ "object: of a stranger", OBJECT, STRANGER, "belongs" },
	{ "card: link to a card", CARD, LINK, "" },
	{ "card: dangling link", CARD, DANGLING, "" },
	{ "card: FIFO", CARD, FIFO, "" },
	{ "card: regular file", CARD, FILE_INSTEAD, "" },
	{ "card: of a stranger", CARD, STRANGER, "belongs" },
	{ "card: others may read", CARD, OTHER_READ, "chmod 0700" },
	{ "card: its group may write", CARD, GROUP_WRITE, "chmod 0700" },
	{ "journal: link", JOURNAL, LINK, "symbolic" },
	{ "journal: dangling link", JOURNAL, DANGLING, "symbolic" },
	{ "journal: hard link", JOURNAL, HARD_LINK, "hard link" },
	{ "journal: FIFO", JOURNAL, FIFO, "regular" },
	{ "journal: directory", JOURNAL, DIRECTORY, "regular" },
	{ "journal: of a stranger", JOURNAL, STRANGER, "belongs" },
	{ "journal: others may read", JOURNAL, OTHER_READ, "chmod" },
	{ "lock: link", LOCK, LINK, "symbolic" },
	{ "lock: dangling link makes nothing", LOCK, DANGLING, "symbolic" },
	{ "lock: hard link", LOCK, HARD_LINK, "hard link" },
	{ "lock: FIFO", LOCK, FIFO, "regular" },
	{ "lock: directory", LOCK, DIRECTORY, "" },
	{ "lock: of a stranger", LOCK, STRANGER, "belongs" },
	{ "lock: others may read", LOCK, OTHER_READ, "chmod" },
};
/* clang-format on */

/* Put the attacked thing in the target's place; the real one moves to "real". */
static void
stage(const char *target, enum attack attack)
{
	static uint8_t much[70000];
	struct stat st;

	ck_assert_int_eq(stat(scratch_path(target), &st), 0);
	switch (attack) {
	case STRANGER:
		scratch_chown(target, SCRATCH_STRANGER);
		return;
	case GROUP_READ:
		scratch_chmod(target, st.st_mode | 0040);
		return;
	case OTHER_READ:
		scratch_chmod(target, st.st_mode | 0004);
		return;
	case GROUP_WRITE:
		scratch_chmod(target, st.st_mode | 0020);
		return;
	case HARD_LINK:
		scratch_hardlink(target, "real");
		return;
	case HUGE_FILE:
		scratch_write(target, rbuf_of(much, sizeof much), 0600);
		return;
	case LINK:
	case DANGLING:
	case LINK_LOOP:
	case FIFO:
	case SOCKET:
	case DIRECTORY:
	case FILE_INSTEAD:
		break;
	}
	ck_assert_int_eq(rename(scratch_path(target), scratch_path("real")), 0);
	if (attack == LINK)
		scratch_symlink(scratch_path("real"), target);
	else if (attack == DANGLING)
		scratch_symlink(scratch_path("nowhere"), target);
	else if (attack == LINK_LOOP)
		scratch_symlink(scratch_path(target), target);
	else if (attack == FIFO)
		scratch_fifo(target);
	else if (attack == SOCKET)
		scratch_socket(target);
	else if (attack == DIRECTORY)
		scratch_mkdir(target, 0700);
	else
		scratch_write(target, OCTETS("x"), 0600);
}

static char last_line[512];

static void
keep_line(enum log_level level, const char *text)
{
	(void)level;
	(void)snprintf(last_line, sizeof last_line, "%s", text);
}

/* Use the target as the program does. */
static bool
use(struct files *f, enum target target, struct failure *why)
{
	uint8_t octets[STORE_ITEM_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	enum journal_verb verb = JOURNAL_CREATING;
	struct store *s = NULL;
	bool ok = false;

	switch (target) {
	case RECORD:
		ok = files_record(f, 0, &out, why) == FILES_OK;
		break;
	case KEY:
	case OBJECT:
		ck_assert_int_eq(files_store_open(f, 0, &s, why), FILES_OK);
		ok = store_get(s, target == KEY ? STORE_KEY : STORE_OBJECT,
			 target == KEY ? 0x9a : 0x5fc102, &out) == STORE_OK;
		(void)snprintf(why->text, sizeof why->text, "%s", last_line);
		break;
	case CARD:
		ok = files_store_open(f, 0, &s, why) == FILES_OK ||
		     files_record(f, 0, &out, why) == FILES_OK;
		break;
	case JOURNAL:
		ok = files_journal_read(f, 0, &verb, &out, why) == FILES_OK;
		break;
	case LOCK:
		ok = files_lock(f, 0, why) == FILES_OK;
		break;
	}
	files_store_close(s);
	ck_assert_msg(ok || out.len == 0, "a failed read left octets");
	return ok;
}

START_TEST(attack)
{
	const char *target = targets[attacks[_i].target];
	struct failure why = { "" };
	struct files *f;

	if (attacks[_i].attack == STRANGER && !scratch_is_root())
		return;
	log_open(LOG_LEVEL_ERROR, keep_line);
	f = one_card_state();
	one_card_make(0, OCTETS("the key"));
	ck_assert_int_eq(
	    files_journal_write(f, 0, JOURNAL_DESTROYING, OCTETS("c"), &why), FILES_OK);
	ck_assert_int_eq(files_lock(f, 0, &why), FILES_OK);
	files_close(f);
	f = one_card_state();
	ck_assert_msg(
	    use(f, attacks[_i].target, &why), "%s: before: %s", attacks[_i].why, why.text);
	files_close(f);

	stage(target, attacks[_i].attack);
	f = one_card_state();
	why = (struct failure){ "" };
	ck_assert_msg(!use(f, attacks[_i].target, &why), "%s", attacks[_i].why);
	ck_assert_msg(strstr(why.text, attacks[_i].says) != NULL && failed(&why), "%s: says: %s",
	    attacks[_i].why, why.text);
	ck_assert_msg(!scratch_exists("nowhere"), "%s: followed the link", attacks[_i].why);
	files_close(f);
}
END_TEST

/* Writing replaces what is in the way, and never writes through it. */
START_TEST(write_replaces_links)
{
	static const char *const ways[] = { "state/0000/key-9c", "state/0000/.tmp" };
	struct failure why = { "" };
	uint8_t octets[64];
	struct files *f = one_card_state();
	struct store *s = NULL;

	one_card_make(0, OCTETS("the key"));
	scratch_write("victim", OCTETS("victim"), 0600);
	if (_i < 2)
		scratch_symlink(scratch_path("victim"), ways[_i]);
	else
		scratch_hardlink("victim", ways[_i - 2]);
	ck_assert_int_eq(files_store_open(f, 0, &s, &why), FILES_OK);
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x9c, OCTETS("new")), STORE_OK);
	files_store_close(s);
	files_close(f);
	ck_assert_uint_eq(scratch_read("victim", octets, sizeof octets), 6);
	ck_assert_uint_eq(scratch_read("state/0000/key-9c", octets, sizeof octets), 3);
	ck_assert(!scratch_exists("state/0000/.tmp"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("intruders");
	TCase *tc = tcase_create("intruders");

	tcase_add_checked_fixture(tc, one_card_setup, scratch_teardown);
	tcase_add_rows(tc, attack, attacks);
	tcase_add_loop_test(tc, write_replaces_links, 0, 4);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
