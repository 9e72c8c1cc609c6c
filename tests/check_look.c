/* SPDX-License-Identifier: BSD-2-Clause */
/* One card in full, its record, the card of a name, and the TPM: sound, broken, away, gone. */
#include "card/parts.h"
#include "tests/installation.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

#define OCTETS(text) rbuf_of((text), sizeof(text) - 1)

/* ---- details ---- */

static const struct {
	const char *why;
	bool puk, admin_key, unblock, reset;
	uint8_t algorithm;
	unsigned pin_tries, puk_tries;
} kinds[] = {
	{ "an ordinary card", true, true, true, false, ALG_3DES, 5, 4 },
	{ "no PUK", false, true, true, true, ALG_AES_128, 1, 7 },
	{ "an admin key that stays out of it", true, true, false, false, ALG_AES_192, 10, 1 },
	{ "a random admin key", true, false, true, true, ALG_AES_256, 2, 3 },
};

START_TEST(details)
{
	struct card_request request = installation_request();
	struct card_details d;
	struct failure why = { "" };

	(void)snprintf(request.profile.name, sizeof request.profile.name, "%s", kinds[_i].why);
	request.profile.allow_reset = kinds[_i].reset;
	request.profile.policy.min = 6;
	request.puk = kinds[_i].puk ? request.puk : NULL;
	request.admin_key = kinds[_i].admin_key ? request.admin_key : NULL;
	request.admin_unblock = kinds[_i].unblock;
	request.admin_algorithm = kinds[_i].algorithm;
	request.pin_tries = kinds[_i].pin_tries;
	request.puk_tries = kinds[_i].puk_tries;
	ck_assert_uint_eq(installation_create(&request), 0);
	ck_assert_msg(cards_look(&installation, 0, &d, &why) == DONE, "%s", why.text);
	ck_assert_msg(!failed(&d.problem), "%s: %s", kinds[_i].why, d.problem.text);
	ck_assert_str_eq(d.name, kinds[_i].why);
	ck_assert_uint_eq(d.guid[6] >> 4, 4);
	ck_assert_uint_eq(d.pin_limit, kinds[_i].pin_tries);
	ck_assert_uint_eq(d.puk_limit, kinds[_i].puk ? kinds[_i].puk_tries : 0);
	ck_assert_int_eq(d.pin_left, (int)kinds[_i].pin_tries);
	ck_assert_int_eq(d.puk_left, kinds[_i].puk ? (int)kinds[_i].puk_tries : -1);
	ck_assert_uint_eq(d.policy.min, 6);
	ck_assert(d.allow_reset == kinds[_i].reset);
	ck_assert(d.admin_random == !kinds[_i].admin_key);
	ck_assert(d.admin_unblocks == (kinds[_i].admin_key && kinds[_i].unblock));
	ck_assert_uint_eq(d.admin_algorithm, kinds[_i].algorithm);
}
END_TEST

/* ---- troubles ---- */

static void
remove_key(void)
{
	scratch_remove("state/0000/key-9b");
}

static void
break_key(void)
{
	scratch_write("state/0000/key-9b", OCTETS("junk"), 0600);
}

static void
leave(void)
{
	fake_tpm->away = true;
}

static void
clear(void)
{
	memset(fake_tpm->nv, 0, sizeof fake_tpm->nv);
}

static void
break_record(void)
{
	scratch_write("state/0000/record", OCTETS("junk"), 0600);
}

static void
open_directory(void)
{
	scratch_chmod("state", 0755);
}

static void
remove_card(void)
{
	ck_assert_int_eq(cards_destroy(&installation, 0, NULL, NULL), DONE);
}

static const struct {
	const char *why;
	void (*happens)(void);
	const char *problem; /* of the details, or NULL: there are none */
	const char *text;    /* of the failure */
	enum outcome look, record, find;
} troubles[] = {
	{ "9B is gone", remove_key, "9B cannot be read", NULL, DONE, DONE, DONE },
	{ "9B is none", break_key, "9B cannot be read", NULL, DONE, DONE, DONE },
	{ "the TPM is away", leave, "does not answer", NULL, DONE, DONE, TPM_PROBLEM },
	{ "the TPM was cleared", clear, "not in the TPM", NULL, DONE, DONE, NO_SUCH_CARD },
	{ "a broken record", break_record, NULL, "damaged", FAILED, FAILED, NO_SUCH_CARD },
	{ "an open directory", open_directory, NULL, "0700", FAILED, FAILED, FAILED },
	{ "no card", remove_card, NULL, "there is no card ROOT\\SMARTCARDREADER\\0000",
	    NO_SUCH_CARD, NO_SUCH_CARD, NO_SUCH_CARD },
};

START_TEST(trouble)
{
	struct card_request request = installation_request();
	uint8_t octets[CARD_RECORD_MAX];
	struct wbuf record = wbuf_over(octets, sizeof octets);
	struct card_details d = { .name = "untouched" };
	struct failure why = { "" }, why_not = { "" };
	unsigned instance = 99;

	ck_assert_uint_eq(installation_create(&request), 0);
	troubles[_i].happens();
	ck_assert_msg(
	    cards_look(&installation, 0, &d, &why) == troubles[_i].look, "%s", troubles[_i].why);
	if (troubles[_i].problem != NULL)
		ck_assert_msg(strstr(d.problem.text, troubles[_i].problem) != NULL, "%s: %s",
		    troubles[_i].why, d.problem.text);
	else
		ck_assert_str_eq(d.name, "untouched");
	ck_assert_msg(failed(&why) == (troubles[_i].text != NULL), "%s", troubles[_i].why);
	if (troubles[_i].text != NULL)
		ck_assert_msg(strstr(why.text, troubles[_i].text) != NULL, "%s", why.text);
	ck_assert_int_eq(
	    cards_record(&installation, 0, &record, &why), troubles[_i].record);
	ck_assert((record.len != 0) == (troubles[_i].record == DONE));
	ck_assert_msg(cards_find(&installation, "Alice", &instance, &why_not) == troubles[_i].find,
	    "%s", troubles[_i].why);
	ck_assert_uint_eq(instance, troubles[_i].find == DONE ? 0 : 99);
	ck_assert(failed(&why_not) == (troubles[_i].find != DONE));
	scratch_chmod("state", 0700);
}
END_TEST

START_TEST(nothing_there)
{
	uint8_t octets[CARD_RECORD_MAX];
	struct wbuf record = wbuf_over(octets, sizeof octets);
	struct failure why[3] = { { "" } };
	struct card_details d;
	unsigned instance;
	size_t i;

	ck_assert_int_eq(cards_look(&installation, 7, &d, &why[0]), NO_SUCH_CARD);
	ck_assert_int_eq(cards_record(&installation, 7, &record, &why[1]), NO_SUCH_CARD);
	ck_assert_int_eq(cards_find(&installation, "Alice", &instance, &why[2]), NO_SUCH_CARD);
	for (i = 0; i < 3; i++)
		ck_assert_msg(strstr(why[i].text, "there is no ") != NULL, "%s", why[i].text);
	ck_assert(!scratch_exists("state"));
}
END_TEST

START_TEST(records)
{
	struct card_request request = installation_request();
	uint8_t octets[CARD_RECORD_MAX + 1];
	struct wbuf record = wbuf_over(octets, sizeof octets);
	struct tpm_card_info info;
	struct rbuf all;
	uint8_t before;

	ck_assert_uint_eq(installation_create(&request), 0);
	wbuf_u8(&record, 'x');
	ck_assert_int_eq(cards_record(&installation, 0, &record, NULL), DONE);
	all = wbuf_view(&record);
	ck_assert(rbuf_u8(&all, &before) && before == 'x');
	ck_assert_int_eq(tpm_record_info(all, &info), TPM_OK);
	ck_assert_uint_ne(fake_tpm_number(all), 0);
}
END_TEST

START_TEST(names)
{
	struct card_request request = installation_request();
	unsigned instance = 99;
	bool existed = false;

	ck_assert_uint_eq(installation_create(&request), 0);
	ck_assert_uint_eq(installation_create(&request), 1);
	(void)snprintf(request.profile.name, sizeof request.profile.name, "Bob");
	ck_assert_uint_eq(installation_create(&request), 2);
	ck_assert_int_eq(cards_find(&installation, "Alice", &instance, NULL), DONE);
	ck_assert_uint_eq(instance, 0);
	ck_assert_int_eq(cards_find(&installation, "Bob", &instance, NULL), DONE);
	ck_assert_uint_eq(instance, 2);
	ck_assert_int_eq(cards_find(&installation, "bob", &instance, NULL), NO_SUCH_CARD);
	ck_assert_int_eq(cards_find(&installation, "", &instance, NULL), NO_SUCH_CARD);
	request.existed = &existed;
	ck_assert_uint_eq(installation_create(&request), 2);
	ck_assert(existed);
	(void)snprintf(request.profile.name, sizeof request.profile.name, "Carol");
	ck_assert_uint_eq(installation_create(&request), 3);
	ck_assert(!existed);
	/* One that is not sound is passed over. */
	scratch_write("state/0000/record", OCTETS("junk"), 0600);
	ck_assert_int_eq(cards_find(&installation, "Alice", &instance, NULL), DONE);
	ck_assert_uint_eq(instance, 1);
}
END_TEST

START_TEST(tpm_itself)
{
	struct tpm_facts facts = { .revision = 0 };
	struct failure why = { "" };

	ck_assert_int_eq(cards_tpm(&installation, &facts, &why), DONE);
	ck_assert_uint_eq(facts.revision, 138);
	ck_assert(!scratch_exists("state"));
	fake_tpm->away = true;
	ck_assert_int_eq(cards_tpm(&installation, &facts, &why), TPM_PROBLEM);
	ck_assert_ptr_nonnull(strstr(why.text, "does not answer"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("look");
	TCase *tc = tcase_create("look");

	tcase_add_checked_fixture(tc, installation_setup, installation_teardown);
	tcase_add_rows(tc, details, kinds);
	tcase_add_rows(tc, trouble, troubles);
	tcase_add_test(tc, nothing_there);
	tcase_add_test(tc, records);
	tcase_add_test(tc, names);
	tcase_add_test(tc, tpm_itself);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
