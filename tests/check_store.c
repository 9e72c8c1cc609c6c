/* SPDX-License-Identifier: BSD-2-Clause */
/* A card's items in ordinary use, and on a disk that is full, read-only or shared. */
#include "store/files.h"
#include "tests/faults.h"
#include "tests/one_card.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static bool
holds(struct rbuf value)
{
	return one_card_holds(value, value);
}

/* ---- ordinary use ---- */

static const struct {
	const char *why;
	enum store_kind kind;
	uint32_t id;
	size_t len;
	enum store_err err;
	const char *file;
} items[] = {
	{ "a certificate", STORE_OBJECT, 0x5fc105, 3000, STORE_OK, "object-5fc105" },
	{ "discovery object", STORE_OBJECT, 0x7e, 20, STORE_OK, "object-7e" },
	{ "biometric template", STORE_OBJECT, 0x7f61, 1, STORE_OK, "object-7f61" },
	{ "a key", STORE_KEY, 0x9a, 1500, STORE_OK, "key-9a" },
	{ "a retired key", STORE_KEY, 0x82, 1500, STORE_OK, "key-82" },
	{ "a key reference of one digit", STORE_KEY, 4, 5, STORE_OK, "key-04" },
	{ "an object only the PIN may read", STORE_SEALED, 0x5fc103, 300, STORE_OK, "sealed-5fc103" },
	{ "the key it is sealed to", STORE_SEALING_KEY, 0, 1500, STORE_OK, "sealing-00" },
	{ "a management key on its way in", STORE_KEY_NEXT, 0x9b, 700, STORE_OK, "next-9b" },
	{ "a note", STORE_DEFAULT, 0x80, 8, STORE_OK, "default-80" },
	{ "certificates of the attestation key", STORE_CHAIN, 0xf9, 3000, STORE_OK, "chain-f9" },
	{ "nothing in it", STORE_OBJECT, 0x5fc109, 0, STORE_OK, "object-5fc109" },
	{ "one read long", STORE_OBJECT, 0x5fc103, 4096, STORE_OK, "object-5fc103" },
	{ "as long as can be", STORE_OBJECT, 0x5fc108, STORE_ITEM_MAX, STORE_OK, "object-5fc108" },
	{ "one octet longer", STORE_OBJECT, 0x5fc108, STORE_ITEM_MAX + 1, STORE_FULL, NULL },
	{ "the greatest tag", STORE_OBJECT, 0xffffffff, 3, STORE_OK, "object-ffffffff" },
};

START_TEST(round_trip)
{
	static uint8_t value[STORE_ITEM_MAX + 1], octets[STORE_ITEM_MAX + 2];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	char name[64];
	struct files *f;
	struct store *s;
	enum store_err err;

	one_card_make(0, OLD);
	f = one_card_state();
	s = one_card_items(f, 0);
	memset(value, 'v', sizeof value);
	err = store_put(s, items[_i].kind, items[_i].id, rbuf_of(value, items[_i].len));
	ck_assert_msg(err == items[_i].err, "%s", items[_i].why);
	wbuf_u8(&out, '!');
	err = store_get(s, items[_i].kind, items[_i].id, &out);
	if (items[_i].err == STORE_OK) {
		ck_assert_int_eq(err, STORE_OK);
		ck_assert_uint_eq(out.len, items[_i].len + 1);
		(void)snprintf(name, sizeof name, "state/0000/%s", items[_i].file);
		ck_assert_msg(scratch_exists(name), "%s", name);
		ck_assert_int_eq(store_remove(s, items[_i].kind, items[_i].id), STORE_OK);
		ck_assert(!scratch_exists(name));
	}
	wbuf_truncate(&out, 1);
	if (items[_i].file == NULL || strcmp(items[_i].file, "key-9a") != 0)
		ck_assert(holds(OLD));
	ck_assert_int_eq(store_get(s, items[_i].kind, items[_i].id, &out), STORE_ABSENT);
	ck_assert_int_eq(store_remove(s, items[_i].kind, items[_i].id), STORE_ABSENT);
	ck_assert_uint_eq(out.len, 1);
	ck_assert(!scratch_exists("state/0000/.tmp"));
	files_store_close(s);
	files_close(f);
}
END_TEST

/* ---- moves ---- */

static const struct {
	const char *why;
	enum store_kind from, to;
	uint32_t from_id, to_id;
	enum store_err err;
	const char *has, *has_not; /* afterwards; NULL: nothing to look for */
} moves[] = {
	{ "a new management key", STORE_KEY_NEXT, STORE_KEY, 0x9b, 0x9b, STORE_OK, "key-9b", "next-9b" },
	{ "over another item", STORE_KEY_NEXT, STORE_KEY, 0x9b, 0x9a, STORE_OK, "key-9a", "next-9b" },
	{ "to another reference", STORE_KEY, STORE_KEY, 0x9a, 0x82, STORE_OK, "key-82", "key-9a" },
	{ "to itself", STORE_KEY, STORE_KEY, 0x9a, 0x9a, STORE_OK, "key-9a", NULL },
	{ "what is not there", STORE_KEY, STORE_KEY, 0x9c, 0x82, STORE_ABSENT, "key-9a", "key-82" },
	{ "what is not there over what is", STORE_KEY, STORE_KEY, 0x9c, 0x9a, STORE_ABSENT, "key-9a", NULL },
	{ "over a directory", STORE_KEY, STORE_OBJECT, 0x9a, 0xd1, STORE_FAULT, "key-9a", NULL },
};

START_TEST(move)
{
	uint8_t octets[OLD_LEN];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	char path[64];
	struct files *f;
	struct store *s;
	enum store_err err;

	one_card_make(0, OLD);
	scratch_mkdir("state/0000/object-d1", 0700);
	f = one_card_state();
	s = one_card_items(f, 0);
	ck_assert_int_eq(store_put(s, STORE_KEY_NEXT, 0x9b, OCTETS("next")), STORE_OK);
	err = store_move(s, moves[_i].from, moves[_i].from_id, moves[_i].to, moves[_i].to_id);
	ck_assert_msg(err == moves[_i].err, "%s: %d", moves[_i].why, (int)err);
	(void)snprintf(path, sizeof path, "state/0000/%s", moves[_i].has);
	ck_assert_msg(scratch_exists(path), "%s: no %s", moves[_i].why, path);
	if (moves[_i].has_not != NULL) {
		(void)snprintf(path, sizeof path, "state/0000/%s", moves[_i].has_not);
		ck_assert_msg(!scratch_exists(path), "%s: %s", moves[_i].why, path);
	}
	if (err == STORE_OK) {
		ck_assert_int_eq(store_get(s, moves[_i].to, moves[_i].to_id, &out), STORE_OK);
		ck_assert_msg(rbuf_eq(wbuf_view(&out),
				  moves[_i].from == STORE_KEY ? OLD : OCTETS("next")),
		    "%s: another content", moves[_i].why);
	}
	files_store_close(s);
	files_close(f);
}
END_TEST

/* A driver whose card has gone meanwhile moves nothing. */
START_TEST(move_in_a_card_that_is_gone)
{
	struct files *f;
	struct store *s;

	one_card_make(0, OLD);
	f = one_card_state();
	s = one_card_items(f, 0);
	ck_assert_int_eq(files_remove(f, 0, NULL), FILES_OK);
	ck_assert_int_eq(store_move(s, STORE_KEY, 0x9a, STORE_KEY, 0x82), STORE_ABSENT);
	ck_assert_uint_eq(scratch_count("state"), 0);
	files_store_close(s);
	files_close(f);
}
END_TEST

START_TEST(get_into_too_little)
{
	uint8_t octets[OLD_LEN];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct files *f;
	struct store *s;

	one_card_make(0, OLD);
	f = one_card_state();
	s = one_card_items(f, 0);
	wbuf_u8(&out, '!');
	ck_assert_int_eq(store_get(s, STORE_KEY, 0x9a, &out), STORE_FAULT);
	ck_assert_uint_eq(out.len, 1);
	ck_assert(wbuf_ok(&out));
	wbuf_truncate(&out, 0);
	ck_assert_int_eq(store_get(s, STORE_KEY, 0x9a, &out), STORE_OK);
	ck_assert(rbuf_eq(wbuf_view(&out), OLD));
	/* A writer that has overflowed already stays as it is. */
	wbuf_fill(&out, 0, sizeof octets);
	ck_assert_int_eq(store_get(s, STORE_KEY, 0x9a, &out), STORE_FAULT);
	ck_assert(!wbuf_ok(&out));
	files_store_close(s);
	files_close(f);
}
END_TEST

START_TEST(life_of_a_card)
{
	uint8_t octets[64];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct failure why = { "" };
	struct files *f = one_card_state();
	struct store *s = NULL, *driver;

	ck_assert(!files_has(f, 0));
	ck_assert_int_eq(files_store_open(f, 0, &s, &why), FILES_ABSENT);
	ck_assert_int_eq(files_record(f, 0, &out, NULL), FILES_ABSENT);
	ck_assert_int_eq(files_commit(f, 0, OCTETS("r"), NULL), FILES_ABSENT);
	ck_assert_int_eq(files_remove(f, 0, NULL), FILES_OK);

	/* Begun twice: the second finds nothing of the first. */
	ck_assert_int_eq(files_begin(f, 0, &s, NULL), FILES_OK);
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x9c, OCTETS("left over")), STORE_OK);
	files_store_close(s);
	ck_assert(!files_has(f, 0));
	ck_assert_int_eq(files_begin(f, 0, &s, NULL), FILES_OK);
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x9a, OCTETS("k")), STORE_OK);
	ck_assert_int_eq(files_commit(f, 0, OCTETS("the record"), NULL), FILES_OK);
	/* Its store goes on working under the new name. */
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x9d, OCTETS("later")), STORE_OK);
	files_store_close(s);
	ck_assert(files_has(f, 0));
	ck_assert_int_eq(files_record(f, 0, &out, NULL), FILES_OK);
	ck_assert(rbuf_eq(wbuf_view(&out), OCTETS("the record")));
	ck_assert_uint_eq(scratch_count("state"), 1);
	ck_assert_uint_eq(scratch_count("state/0000"), 3);

	/* Nothing is put over a card that is there. */
	ck_assert_int_eq(files_begin(f, 0, &s, NULL), FILES_OK);
	files_store_close(s);
	ck_assert_int_eq(files_commit(f, 0, OCTETS("another"), &why), FILES_FAULT);
	wbuf_truncate(&out, 0);
	ck_assert_int_eq(files_record(f, 0, &out, NULL), FILES_OK);
	ck_assert(rbuf_eq(wbuf_view(&out), OCTETS("the record")));

	/* A driver that still has it open finds nothing and can put nothing. */
	driver = one_card_items(f, 0);
	ck_assert_int_eq(files_remove(f, 0, NULL), FILES_OK);
	ck_assert_uint_eq(scratch_count("state"), 0);
	ck_assert_int_eq(store_get(driver, STORE_KEY, 0x9a, &out), STORE_ABSENT);
	ck_assert_int_eq(store_put(driver, STORE_KEY, 0x9a, OCTETS("k")), STORE_FAULT);
	files_store_close(driver);
	ck_assert_uint_eq(scratch_count("state"), 0);
	files_close(f);
}
END_TEST

START_TEST(remove_what_is_there)
{
	struct failure why = { "" };
	struct files *f = one_card_state();

	scratch_mkdir("state/.gone-0000", 0700);
	scratch_write("state/.gone-0000/x", OCTETS("x"), 0600);
	scratch_mkdir("state/.new-0000", 0700);
	scratch_write("state/.new-0000/x", OCTETS("x"), 0600);
	scratch_write("victim", OCTETS("x"), 0600);
	scratch_symlink(scratch_path(""), "state/0000");
	ck_assert_int_eq(files_remove(f, 0, &why), FILES_OK);
	ck_assert_uint_eq(scratch_count("state"), 0);
	ck_assert(scratch_exists("victim"));

	scratch_write("state/0000", OCTETS("a file"), 0600);
	ck_assert(files_has(f, 0));
	ck_assert_int_eq(files_remove(f, 0, &why), FILES_OK);

	/* A link inside is removed, not followed; so is an empty directory. */
	one_card_make(0, OLD);
	scratch_symlink(scratch_path("victim"), "state/0000/object-7e");
	scratch_mkdir("state/0000/empty", 0700);
	ck_assert_int_eq(files_remove(f, 0, &why), FILES_OK);
	ck_assert(scratch_exists("victim"));
	ck_assert_uint_eq(scratch_count("state"), 0);

	/* What we would never make stays, and is named; the card has disappeared all the same. */
	one_card_make(0, OLD);
	scratch_mkdir("state/0000/full", 0700);
	scratch_write("state/0000/full/x", OCTETS("x"), 0600);
	ck_assert_int_eq(files_remove(f, 0, &why), FILES_FAULT);
	ck_assert_ptr_nonnull(strstr(why.text, "full"));
	ck_assert(!files_has(f, 0));
	scratch_remove("state/.gone-0000/full");
	ck_assert_int_eq(files_remove(f, 0, NULL), FILES_OK);
	ck_assert_uint_eq(scratch_count("state"), 0);
	files_close(f);
}
END_TEST

/* ---- accidents ---- */

static int
put_new(void *context)
{
	struct files *f = NULL;
	struct store *s = NULL;
	enum store_err err = STORE_FAULT;

	(void)context;
	if (files_open(scratch_path("state"), false, &f, NULL) == FILES_OK &&
	    files_store_open(f, 0, &s, NULL) == FILES_OK)
		err = store_put(s, STORE_KEY, 0x9a, NEW);
	files_store_close(s);
	files_close(f);
	return (int)err;
}

static int
remove_it(void *context)
{
	struct files *f = NULL;
	struct store *s = NULL;
	enum store_err err = STORE_FAULT;

	(void)context;
	if (files_open(scratch_path("state"), false, &f, NULL) == FILES_OK &&
	    files_store_open(f, 0, &s, NULL) == FILES_OK)
		err = store_remove(s, STORE_KEY, 0x9a);
	files_store_close(s);
	files_close(f);
	return (int)err;
}

static int
put_in_little(void *context)
{
	const struct rlimit little = { 10000, 10000 };
	int err;

	(void)context;
	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &little) != 0)
		return 50;
	err = put_new(NULL);
	return scratch_exists("state/0000/.tmp") ? 51 : err;
}

START_TEST(file_size_limit)
{
	struct fault none = { FAULT_KILL, 0, 0 };

	one_card_make(0, OLD);
	ck_assert_int_eq(fault_run(&none, put_in_little, NULL).status, STORE_FULL);
	ck_assert(holds(OLD));
}
END_TEST

static int
put_on_full_disk(void *context)
{
	static uint8_t much[65536];
	struct files *f = NULL;
	struct store *s = NULL;

	(void)context;
	if (mount("tmpfs", scratch_path("state"), "tmpfs", 0, "size=32k,mode=0700") != 0)
		return 50;
	one_card_make(0, OLD);
	if (put_new(NULL) != STORE_OK || !holds(NEW))
		return 51;
	/* Leave room for the old content, not for old and new together. */
	if (files_open(scratch_path("state"), false, &f, NULL) != FILES_OK ||
	    files_begin(f, 1, &s, NULL) != FILES_OK)
		return 52;
	while (store_put(s, STORE_OBJECT, (uint32_t)much[0], rbuf_of(much, 4096)) == STORE_OK)
		much[0]++;
	files_store_close(s);
	if (put_new(NULL) != STORE_FULL || !holds(NEW) || scratch_exists("state/0000/.tmp"))
		return 53;
	if (files_journal_write(f, 2, JOURNAL_CREATING, rbuf_of(much, 4000), NULL) != FILES_FULL)
		return 54;
	/* Removing needs no room. */
	if (files_remove(f, 1, NULL) != FILES_OK || put_new(NULL) != STORE_OK)
		return 55;
	files_close(f);
	return 0;
}

START_TEST(full_disk)
{
	if (scratch_is_root())
		ck_assert_int_eq(scratch_in_mounts(put_on_full_disk, NULL), 0);
}
END_TEST

static int
put_read_only(void *context)
{
	struct failure why = { "" };
	struct files *f = NULL;

	(void)context;
	one_card_make(0, OLD);
	if (mount(scratch_path("state"), scratch_path("state"), "none", MS_BIND, "") != 0 ||
	    mount("none", scratch_path("state"), "none", MS_BIND | MS_REMOUNT | MS_RDONLY, "") != 0)
		return 50;
	if (put_new(NULL) != STORE_FAULT || remove_it(NULL) != STORE_FAULT || !holds(OLD))
		return 51;
	if (files_open(scratch_path("state"), false, &f, NULL) != FILES_OK ||
	    files_lock(f, 0, &why) != FILES_FAULT || strstr(why.text, "Read-only") == NULL)
		return 52;
	files_close(f);
	return 0;
}

START_TEST(read_only_disk)
{
	if (scratch_is_root())
		ck_assert_int_eq(scratch_in_mounts(put_read_only, NULL), 0);
}
END_TEST

/* Two writers of the same item, as two pcscd by mistake would be: each read is whole. */
START_TEST(two_writers)
{
	struct files *f;
	struct store *s;
	int i;
	pid_t pid;

	one_card_make(0, OLD);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	for (i = 0; i < 100; i++) {
		f = one_card_state();
		s = one_card_items(f, 0);
		ck_assert_int_eq(store_put(s, STORE_KEY, 0x9a, pid == 0 ? OLD : NEW), STORE_OK);
		files_store_close(s);
		files_close(f);
		ck_assert(one_card_holds(OLD, NEW));
	}
	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, &i, 0), pid);
	ck_assert_int_eq(i, 0);
	ck_assert(!scratch_exists("state/0000/.tmp"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("store");

	tcase_add_checked_fixture(tc, one_card_setup, scratch_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_rows(tc, round_trip, items);
	tcase_add_rows(tc, move, moves);
	tcase_add_test(tc, move_in_a_card_that_is_gone);
	tcase_add_test(tc, get_into_too_little);
	tcase_add_test(tc, life_of_a_card);
	tcase_add_test(tc, remove_what_is_there);
	tcase_add_test(tc, file_size_limit);
	tcase_add_test(tc, full_disk);
	tcase_add_test(tc, read_only_disk);
	tcase_add_test(tc, two_writers);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
