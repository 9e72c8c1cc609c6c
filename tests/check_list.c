/* SPDX-License-Identifier: BSD-2-Clause */
/* What list and the driver see of whole cards, broken ones, and an absent or cleared TPM. */
#include "tests/installation.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

#define OCTETS(text) rbuf_of((text), sizeof(text) - 1)

START_TEST(listing)
{
	struct card_request request = installation_request();
	struct card_summary rows[CARDS_MAX];
	struct failure why = { "" };
	size_t count = 99;

	ck_assert_int_eq(cards_list(&installation, rows, &count, &why), DONE);
	ck_assert_uint_eq(count, 0);
	ck_assert(!scratch_exists("state"));
	ck_assert_uint_eq(installation_create(&request), 0);
	request.puk = NULL;
	(void)snprintf(request.profile.name, sizeof request.profile.name, "Bob");
	ck_assert_uint_eq(installation_create(&request), 1);
	scratch_write("state/0001/key-9a", OCTETS("K\x07\x02\x01"), 0600);
	scratch_write("state/0001/key-82", OCTETS("K\x11\x02\x02"), 0600);
	scratch_write("state/0001/key-9c", OCTETS("K\x14\x03\x03"), 0600);

	ck_assert_int_eq(cards_list(&installation, rows, &count, &why), DONE);
	ck_assert_uint_eq(count, 2);
	ck_assert(rows[0].readable && rows[0].has_puk && !failed(&rows[0].problem));
	ck_assert_str_eq(rows[0].name, "Alice");
	ck_assert_int_eq(rows[0].pin_left, 5);
	ck_assert_int_eq(rows[0].puk_left, 4);
	ck_assert_uint_eq(rows[0].key_count, 0);
	ck_assert_str_eq(rows[1].name, "Bob");
	ck_assert(!rows[1].has_puk);
	ck_assert_int_eq(rows[1].puk_left, -1);
	ck_assert_uint_eq(rows[1].key_count, 3);
	ck_assert_mem_eq(rows[1].keys, "\x82\x9a\x9c", 3);
	ck_assert_mem_eq(rows[1].algorithms, "\x11\x07\x14", 3);

	/* A broken key is a problem of its card's row alone. */
	scratch_write("state/0001/key-9a", OCTETS("junk"), 0600);
	ck_assert_int_eq(cards_list(&installation, rows, &count, &why), DONE);
	ck_assert_uint_eq(rows[1].key_count, 3);
	ck_assert_uint_eq(rows[1].algorithms[1], 0);
	ck_assert_ptr_nonnull(strstr(rows[1].problem.text, "9A"));
	ck_assert(!failed(&rows[0].problem));

	/* A broken card too. */
	scratch_write("state/0000/record", OCTETS("junk"), 0600);
	ck_assert_int_eq(cards_list(&installation, rows, &count, &why), DONE);
	ck_assert_uint_eq(count, 2);
	ck_assert(!rows[0].readable && rows[1].readable);
	ck_assert_ptr_nonnull(strstr(rows[0].problem.text, "damaged"));

	/* Without the TPM both are there, and say so. */
	fake_tpm->away = true;
	ck_assert_int_eq(cards_list(&installation, rows, &count, &why), DONE);
	ck_assert_uint_eq(count, 2);
	ck_assert(rows[1].readable);
	ck_assert_int_eq(rows[1].pin_left, -1);
	ck_assert_ptr_nonnull(strstr(rows[1].problem.text, "does not answer"));

	/* Another TPM, or one that was cleared. */
	fake_tpm->away = false;
	memset(fake_tpm->nv, 0, sizeof fake_tpm->nv);
	ck_assert_int_eq(cards_list(&installation, rows, &count, &why), DONE);
	ck_assert_ptr_nonnull(strstr(rows[1].problem.text, "not in the TPM"));
}
END_TEST

/* ---- presence ---- */

static uint64_t
present(unsigned instance)
{
	uint64_t which = 99;

	ck_assert_int_eq(card_present(&installation, instance, &which, NULL), DONE);
	return which;
}

START_TEST(presence)
{
	struct card_request request = installation_request();
	struct failure why = { "" };
	struct card_watch *watch = NULL;
	uint64_t first, which = 99;

	ck_assert_uint_eq(present(0), 0);
	ck_assert_int_ne(card_watch_open(&installation, false, &watch, &why), DONE);
	ck_assert(failed(&why));
	ck_assert_ptr_null(watch);
	ck_assert_int_eq(card_watch_open(&installation, true, &watch, NULL), DONE);
	ck_assert(!card_watch_drain(watch, 0));
	ck_assert_uint_eq(installation_create(&request), 0);
	ck_assert_int_ge(card_watch_fd(watch), 0);
	ck_assert(card_watch_drain(watch, 0));
	ck_assert(!card_watch_drain(watch, 0));
	first = present(0);
	ck_assert_uint_ne(first, 0);
	ck_assert_msg(present(0) == first, "the same card is the same card");
	ck_assert_uint_eq(present(1), 0);

	/* Destroyed and made again between two looks: another card. */
	ck_assert_int_eq(cards_destroy(&installation, 0, NULL, NULL), DONE);
	ck_assert_uint_eq(installation_create(&request), 0);
	ck_assert(card_watch_drain(watch, 0));
	ck_assert_uint_ne(present(0), 0);
	ck_assert_uint_ne(present(0), first);
	card_watch_close(watch);
	card_watch_close(NULL);

	/* A card that cannot be opened is in its reader all the same. */
	scratch_write("state/0000/record", OCTETS("junk"), 0600);
	ck_assert_uint_ne(present(0), 0);
	scratch_remove("state/0000/record");
	ck_assert_uint_ne(present(0), 0);

	scratch_chmod("state", 0755);
	ck_assert_int_eq(card_present(&installation, 0, &which, &why), FAILED);
	ck_assert_uint_eq(which, 0);
	ck_assert_int_eq(card_watch_open(&installation, true, &watch, NULL), FAILED);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("list");
	TCase *tc = tcase_create("list");

	tcase_add_checked_fixture(tc, installation_setup, installation_teardown);
	tcase_add_test(tc, listing);
	tcase_add_test(tc, presence);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
