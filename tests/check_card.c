/* SPDX-License-Identifier: BSD-2-Clause */
/* Cards made, opened, used, listed and destroyed; and every way that is refused. */
#include "applet/tlv.h"
#include "card/parts.h"
#include "tests/installation.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define OCTETS(text) rbuf_of((text), sizeof(text) - 1)

/* ---- the file system ---- */

struct element {
	uint32_t tag;
	size_t len;
};

/* clang-format off */
static const struct {
	uint32_t id;
	struct element elements[14]; /* in this order; ends with tag 0 */
} objects[] = {
	{ 0x5fc102, { { 0x30, 25 }, { 0x34, 16 }, { 0x35, 8 }, { 0x3e, 0 }, { 0xfe, 0 } } },
	{ 0x5fc107, { { 0xf0, 21 }, { 0xf1, 1 }, { 0xf2, 1 }, { 0xf3, 0 }, { 0xf4, 1 }, { 0xf5, 1 },
			{ 0xf6, 0 }, { 0xf7, 0 }, { 0xfa, 0 }, { 0xfb, 0 }, { 0xfc, 0 },
			{ 0xfd, 0 }, { 0xfe, 0 } } },
	{ 0x7e, { { 0x4f, 11 }, { 0x5f2f, 2 } } },
	{ 0x5fc10c, { { 0xc1, 1 }, { 0xc2, 1 }, { 0xfe, 0 } } },
};
/* clang-format on */

START_TEST(object)
{
	struct card_request request = installation_request();
	struct files *files = NULL;
	struct store *store = NULL;
	uint8_t octets[512];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	const struct element *want;
	struct rbuf in;
	struct tlv t;

	ck_assert_uint_eq(installation_create(&request), 0);
	ck_assert_int_eq(files_open(installation.state_dir, false, &files, NULL), FILES_OK);
	ck_assert_int_eq(files_store_open(files, 0, &store, NULL), FILES_OK);
	ck_assert_int_eq(store_get(store, STORE_OBJECT, objects[_i].id, &out), STORE_OK);
	in = wbuf_view(&out);
	for (want = objects[_i].elements; want->tag != 0; want++) {
		ck_assert_msg(tlv_next(&in, &t), "%x: %x is missing", objects[_i].id, want->tag);
		ck_assert_uint_eq(t.tag, want->tag);
		ck_assert_uint_eq(t.value.len, want->len);
		if (t.tag == 0x4f)
			ck_assert(rbuf_eq(
			    t.value, OCTETS("\xa0\x00\x00\x03\x08\x00\x00\x10\x00\x01\x00")));
		if (t.tag == 0x5f2f)
			ck_assert(rbuf_eq(t.value, OCTETS("\x40\x00")));
	}
	ck_assert_uint_eq(in.len, 0);
	files_store_close(store);
	files_close(files);
}
END_TEST

/* ---- a card's life ---- */

static unsigned reports;

static void
count_report(void *context, const char *what)
{
	ck_assert_ptr_eq(context, &reports);
	ck_assert_ptr_nonnull(what);
	reports++;
}

static const struct progress progress = { count_report, &reports };

/* Send a command; the answer's status word. */
static unsigned
say(struct card *card, struct rbuf command, struct wbuf *answer)
{
	struct rbuf view;

	wbuf_truncate(answer, 0);
	card_transmit(card, command, answer);
	ck_assert(wbuf_ok(answer));
	view = wbuf_view(answer);
	ck_assert_uint_ge(view.len, 2);
	return (unsigned)rbuf_at(view, view.len - 2) << 8 | rbuf_at(view, view.len - 1);
}

#define SELECT OCTETS("\x00\xa4\x04\x00\x09\xa0\x00\x00\x03\x08\x00\x00\x10\x00\x00")
#define VERIFY                                                                                     \
	OCTETS("\x00\x20\x00\x80\x08"                                                              \
	       "12345678")
#define VERIFY_WRONG                                                                               \
	OCTETS("\x00\x20\x00\x80\x08"                                                              \
	       "12345679")
#define VERIFY_QUERY OCTETS("\x00\x20\x00\x80")
#define GET_CHUID    OCTETS("\x00\xcb\x3f\xff\x05\x5c\x03\x5f\xc1\x02\x00")

START_TEST(life)
{
	struct card_request request = installation_request();
	static uint8_t octets[PIV_DATA_MAX + 2];
	struct wbuf answer = wbuf_over(octets, sizeof octets);
	struct failure why = { "" };
	struct card *card = NULL;
	unsigned instance = 99, rests;

	reports = 0;
	ck_assert_int_eq(cards_create(&installation, &request, &progress, &instance, &why), DONE);
	ck_assert_uint_eq(instance, 0);
	ck_assert_uint_ge(reports, 3);
	ck_assert_msg(!failed(&why), "%s", why.text);
	installation_check("after create");
	ck_assert_uint_eq(fake_tpm->pin_tries, 5);
	ck_assert_uint_eq(fake_tpm->puk_tries, 4);
	ck_assert(fake_tpm->had_puk && fake_tpm->had_admin_key);
	ck_assert_uint_eq(fake_tpm->admin_algorithm, ALG_3DES);
	ck_assert_str_eq(fake_tpm->tcti, "swtpm:path=/x");
	ck_assert_ptr_nonnull(strstr(fake_tpm->lease, "/state/.lock"));
	ck_assert_str_eq(fake_tpm->owner_auth_file, "(none)");

	ck_assert_int_eq(card_open(&installation, 0, &card, &why), DONE);
	ck_assert_uint_eq(say(card, SELECT, &answer), 0x9000);
	ck_assert_ptr_nonnull(memmem(octets, answer.len, "Alice", 5));
	ck_assert_uint_eq(say(card, GET_CHUID, &answer), 0x9000);
	ck_assert_uint_eq(say(card, VERIFY_QUERY, &answer), 0x63c5);
	ck_assert_uint_eq(say(card, VERIFY_WRONG, &answer), 0x63c4);
	ck_assert_uint_eq(say(card, VERIFY, &answer), 0x9000);
	ck_assert_uint_eq(say(card, VERIFY_QUERY, &answer), 0x9000);
	card_reset(card);
	ck_assert_uint_eq(say(card, VERIFY_QUERY, &answer), 0x63c5);
	ck_assert_uint_eq(say(card, VERIFY, &answer), 0x9000);
	rests = fake_tpm->rests;
	card_power_down(card);
	ck_assert_uint_eq(fake_tpm->rests, rests + 1);
	ck_assert(!fake_tpm_vault()->once);
	ck_assert_uint_eq(say(card, VERIFY_QUERY, &answer), 0x63c5);
	ck_assert_uint_eq(say(card, rbuf_of(NULL, 0), &answer), 0x6700);
	card_close(card);
	ck_assert_uint_eq(fake_tpm->open, 0);

	reports = 0;
	ck_assert_int_eq(cards_destroy(&installation, 0, &progress, &why), DONE);
	ck_assert_uint_ge(reports, 2);
	ck_assert_msg(!failed(&why), "%s", why.text);
	installation_check("after destroy");
	card = NULL;
	ck_assert_int_eq(card_open(&installation, 0, &card, &why), NO_SUCH_CARD);
	ck_assert_ptr_null(card);
}
END_TEST

/* ---- what is read from the disk, and when ---- */

/* Send GET DATA for the CHUID; how many files of the card were opened for it, by a watch of its directory. */
static unsigned
opened(struct card *card, int watch, struct wbuf *answer)
{
	_Alignas(struct inotify_event) uint8_t octets[4096];
	struct inotify_event event;
	struct rbuf events, name;
	unsigned count = 0;
	ssize_t n;

	while (read(watch, octets, sizeof octets) > 0)
		;
	ck_assert_uint_eq(say(card, GET_CHUID, answer), 0x9000);
	n = read(watch, octets, sizeof octets);
	events = rbuf_of(octets, n > 0 ? (size_t)n : 0);
	while (rbuf_copy(&events, &event, sizeof event) && rbuf_take(&events, event.len, &name))
		count++;
	return count;
}

START_TEST(read_once)
{
	struct card_request request = installation_request();
	uint8_t octets[4096];
	struct wbuf answer = wbuf_over(octets, sizeof octets);
	struct card *card = NULL;
	int watch = inotify_init1(IN_NONBLOCK);

	ck_assert_uint_eq(installation_create(&request), 0);
	ck_assert_int_eq(card_open(&installation, 0, &card, NULL), DONE);
	ck_assert_int_ge(inotify_add_watch(watch, scratch_path("state/0000"), IN_OPEN), 0);
	ck_assert_msg(opened(card, watch, &answer) == 1, "read");
	ck_assert_msg(opened(card, watch, &answer) == 0, "remembered");
	card_reset(card);
	ck_assert_msg(opened(card, watch, &answer) == 0, "a reset is no power down");
	card_power_down(card);
	ck_assert_msg(opened(card, watch, &answer) == 1, "forgotten with the power");
	scratch_chmod("state/0000/key-9b", 0600);
	ck_assert_msg(opened(card, watch, &answer) == 1, "a change of any file");
	ck_assert_msg(opened(card, watch, &answer) == 0, "remembered again");

	scratch_write("state/0000/object-5fc102", OCTETS("another"), 0600);
	ck_assert_uint_eq(say(card, GET_CHUID, &answer), 0x9000);
	ck_assert(rbuf_eq(wbuf_view(&answer), OCTETS("\x53\x07" "another\x90\x00")));
	scratch_remove("state/0000/object-5fc102");
	ck_assert_uint_eq(say(card, GET_CHUID, &answer), 0x6a82);
	(void)close(watch);
	card_close(card);
}
END_TEST

START_TEST(blank_card)
{
	struct card_request request = installation_request();

	request.generate = false;
	request.puk = NULL;
	request.admin_key = NULL;
	request.admin_algorithm = ALG_AES_256;
	(void)snprintf(installation.owner_auth_file, sizeof installation.owner_auth_file, "/x/y");
	ck_assert_uint_eq(installation_create(&request), 0);
	/*
	 * The record, the card management key, the same for the PIN's owner (two
	 * objects and a sealing key), and that the PIN is the default one; nothing else.
	 */
	ck_assert_uint_eq(scratch_count("state/0000"), 6);
	ck_assert(scratch_exists("state/0000/key-9b"));
	ck_assert(scratch_exists("state/0000/default-80"));
	ck_assert(!fake_tpm->had_puk && !fake_tpm->had_admin_key);
	ck_assert_uint_eq(fake_tpm->admin_algorithm, ALG_AES_256);
	ck_assert_str_eq(fake_tpm->owner_auth_file, "/x/y");
}
END_TEST

/* A key that was left to chance is where Yubico's programs look for it, and needs the PIN. */
START_TEST(protected_key)
{
	static const uint8_t admin_data[] = { 0x80, 0x03, 0x81, 0x01, 0x02 };
	static const uint8_t get_printed[] = { 0x00, 0xcb, 0x3f, 0xff, 0x05, 0x5c, 0x03, 0x5f, 0xc1,
		0x09, 0x00 };
	static const char found[] = "\x53\x1c\x88\x1a\x89\x18" "a random key of 24 octet\x90\x00";
	struct card_request request = installation_request();
	uint8_t octets[64];
	struct wbuf answer = wbuf_over(octets, sizeof octets);
	struct card *card = NULL;

	request.admin_key = NULL;
	request.generate = _i != 0;
	ck_assert_uint_eq(installation_create(&request), 0);
	ck_assert_uint_eq(scratch_read("state/0000/object-5fff00", octets, sizeof octets),
	    sizeof admin_data);
	ck_assert_mem_eq(octets, admin_data, sizeof admin_data);
	ck_assert(!scratch_exists("state/0000/object-5fc109"));
	ck_assert(scratch_exists("state/0000/sealed-5fc109"));
	ck_assert_int_eq(card_open(&installation, 0, &card, NULL), DONE);
	ck_assert_uint_eq(say(card, rbuf_of(get_printed, sizeof get_printed), &answer), 0x6982);
	ck_assert_uint_eq(say(card, VERIFY, &answer), 0x9000);
	ck_assert_uint_eq(say(card, rbuf_of(get_printed, sizeof get_printed), &answer), 0x9000);
	ck_assert_uint_eq(answer.len, sizeof found - 1);
	ck_assert_mem_eq(octets, found, answer.len);
	card_close(card);
	installation_check("a random key");
}
END_TEST

START_TEST(numbers)
{
	struct card_request request = installation_request();
	struct failure why = { "" };
	unsigned i, instance = 99;

	for (i = 0; i < CARDS_MAX; i++)
		ck_assert_uint_eq(installation_create(&request), i);
	ck_assert_int_eq(cards_create(&installation, &request, NULL, &instance, &why), NO_ROOM);
	ck_assert_ptr_nonnull(strstr(why.text, "all 10 places"));
	ck_assert_uint_eq(instance, 99);
	installation_check("ten cards");
	ck_assert_int_eq(cards_destroy(&installation, 7, NULL, NULL), DONE);
	ck_assert_int_eq(cards_destroy(&installation, 3, NULL, NULL), DONE);
	installation_check("eight cards");
	ck_assert_msg(installation_create(&request) == 3, "the lowest free number");
	ck_assert_uint_eq(installation_create(&request), 7);
	for (i = 0; i < CARDS_MAX; i++)
		ck_assert_int_eq(cards_destroy(&installation, i, NULL, NULL), DONE);
	installation_check("no card");
}
END_TEST

/* ---- refusals ---- */

static void
no_preparation(void)
{
}

static void
tpm_away(void)
{
	fake_tpm->away = true;
}

static void
tpm_denied(void)
{
	fake_tpm->denied = true;
}

static void
tpm_full(void)
{
	fake_tpm->room = fake_tpm_count(0) + 2;
}

static void
record_damaged(void)
{
	scratch_write("state/0000/record", OCTETS("junk"), 0600);
}

static void
record_empty(void)
{
	scratch_write("state/0000/record", OCTETS(""), 0600);
}

static void
record_huge(void)
{
	static uint8_t much[TPM_RECORD_MAX + 1];

	scratch_write("state/0000/record", rbuf_of(much, sizeof much), 0600);
}

static void
record_gone(void)
{
	scratch_remove("state/0000/record");
}

static void
record_of_another(void)
{
	struct card_request request = installation_request();

	ck_assert_uint_eq(installation_create(&request), 1);
	scratch_remove("state/0000");
	ck_assert_int_eq(rename(scratch_path("state/0001"), scratch_path("state/0000")), 0);
}

static void
card_is_a_file(void)
{
	scratch_remove("state/0000");
	scratch_write("state/0000", OCTETS("x"), 0600);
}

static void
state_open_to_others(void)
{
	scratch_chmod("state", 0755);
}

static void
state_gone(void)
{
	scratch_remove("state");
}

static void
journal_damaged(void)
{
	scratch_write("state/.journal-0000", OCTETS("junk"), 0600);
}

static void
other_journal_damaged(void)
{
	scratch_write("state/.journal-0001", OCTETS("junk"), 0600);
}

static void
tpm_cleared(void)
{
	memset(fake_tpm->nv, 0, sizeof fake_tpm->nv);
}

enum verb { OPEN, CREATE, DESTROY, DESTROY_OTHER };

/* clang-format off */
static const struct {
	const char *why;
	void (*prepare)(void);
	enum verb verb;
	enum outcome outcome;
	const char *says;
	bool unchanged; /* what was there is there, to the octet and the index */
} refusals[] = {
	{ "open: as it should be", no_preparation, OPEN, DONE, "", true },
	{ "open: the TPM is away, the card shows", tpm_away, OPEN, DONE, "", true },
	{ "open: damaged record", record_damaged, OPEN, FAILED, "damaged", true },
	{ "open: empty record", record_empty, OPEN, FAILED, "damaged", true },
	{ "open: huge record", record_huge, OPEN, FAILED, "longer", true },
	{ "open: no record", record_gone, OPEN, FAILED, "record", true },
	{ "open: another card's directory", record_of_another, OPEN, FAILED, "own number", true },
	{ "open: a file for a directory", card_is_a_file, OPEN, FAILED, "", true },
	{ "open: state open to others", state_open_to_others, OPEN, FAILED, "chmod 0700", true },
	{ "open: no state directory", state_gone, OPEN, NO_SUCH_CARD, "", false },

	{ "create: no TPM", tpm_away, CREATE, TPM_PROBLEM, "does not answer (no card was made)", true },
	{ "create: owner auth wrong", tpm_denied, CREATE, NOT_PERMITTED, "authorisation", false },
	{ "create: NV full", tpm_full, CREATE, NO_ROOM, "no NV space (no card was made)", true },
	{ "create: state open to others", state_open_to_others, CREATE, FAILED, "chmod 0700", true },
	{ "create: beside a damaged card", record_damaged, CREATE, DONE, "", false },
	{ "create: beside a damaged journal", other_journal_damaged, CREATE, DONE, "", false },
	{ "create: no state directory", state_gone, CREATE, DONE, "", false },

	{ "destroy: as it should be", no_preparation, DESTROY, DONE, "", false },
	{ "destroy: no such card", no_preparation, DESTROY_OTHER, NO_SUCH_CARD, "no card", true },
	{ "destroy: no state directory", state_gone, DESTROY, NO_SUCH_CARD, "", false },
	{ "destroy: no TPM", tpm_away, DESTROY, TPM_PROBLEM, "the card is as it was", true },
	{ "destroy: owner auth wrong", tpm_denied, DESTROY, NOT_PERMITTED, "the card is as it was",
	    true },
	{ "destroy: damaged record", record_damaged, DESTROY, FAILED, "was not destroyed", true },
	{ "destroy: no record", record_gone, DESTROY, FAILED, "was not destroyed", true },
	{ "destroy: another card's directory", record_of_another, DESTROY, FAILED,
	    "was not destroyed", true },
	{ "destroy: damaged journal", journal_damaged, DESTROY, FAILED, "cannot use the journal",
	    true },
	{ "destroy: TPM cleared before", tpm_cleared, DESTROY, DONE, "", false },
};
/* clang-format on */

static enum outcome
attempt(enum verb verb, struct failure *why)
{
	struct card_request request = installation_request();
	struct card *card = NULL;
	unsigned instance;
	enum outcome outcome = FAILED;

	switch (verb) {
	case OPEN:
		outcome = card_open(&installation, 0, &card, why);
		ck_assert((outcome == DONE) == (card != NULL));
		card_close(card);
		break;
	case CREATE:
		outcome = cards_create(&installation, &request, NULL, &instance, why);
		break;
	case DESTROY:
		outcome = cards_destroy(&installation, 0, NULL, why);
		break;
	case DESTROY_OTHER:
		outcome = cards_destroy(&installation, 5, NULL, why);
		break;
	}
	return outcome;
}

START_TEST(refusal)
{
	struct card_request request = installation_request();
	struct failure why = { "" };
	enum outcome outcome;
	unsigned indices;
	uint64_t sum = 0;

	ck_assert_uint_eq(installation_create(&request), 0);
	refusals[_i].prepare();
	indices = fake_tpm_count(0);
	if (scratch_exists("state"))
		sum = scratch_sum("state");
	outcome = attempt(refusals[_i].verb, &why);
	ck_assert_msg(outcome == refusals[_i].outcome, "%s: %d, %s", refusals[_i].why, (int)outcome,
	    why.text);
	ck_assert_msg(strstr(why.text, refusals[_i].says) != NULL, "%s: says: %s", refusals[_i].why,
	    why.text);
	ck_assert_msg(failed(&why) == (outcome != DONE), "%s: %s", refusals[_i].why, why.text);
	if (refusals[_i].unchanged) {
		ck_assert_msg(scratch_sum("state") == sum, "%s: files changed", refusals[_i].why);
		ck_assert_msg(fake_tpm_count(0) == indices, "%s: %u indices, were %u",
		    refusals[_i].why, fake_tpm_count(0), indices);
	}
}
END_TEST

START_TEST(name_of_another_caller)
{
	struct card_request request = installation_request();
	struct failure why = { "" };
	unsigned instance = 99;

	(void)snprintf(request.profile.name, sizeof request.profile.name, "a\nb");
	ck_assert_int_eq(cards_create(&installation, &request, NULL, &instance, &why), FAILED);
	ck_assert_ptr_nonnull(strstr(why.text, "name"));
	installation_check("bad name");
}
END_TEST

/* A parent that a card which cannot be read may be using is not evicted. */
START_TEST(parent_of_the_unreadable)
{
	struct card_request request = installation_request();

	ck_assert_uint_eq(installation_create(&request), 0);
	ck_assert_uint_eq(installation_create(&request), 1);
	record_damaged();
	ck_assert_int_eq(cards_destroy(&installation, 1, NULL, NULL), DONE);
	ck_assert_uint_ne(fake_tpm->parent, 0);
	ck_assert_uint_eq(fake_tpm_count(0), FAKE_INDICES);
}
END_TEST

static int
attempt_all(void *context)
{
	struct card_summary rows[CARDS_MAX];
	struct failure why = { "" };
	size_t count;
	enum verb verb;

	(void)context;
	for (verb = OPEN; verb <= DESTROY; verb++) {
		why = (struct failure){ "" };
		if (attempt(verb, &why) != NOT_PERMITTED ||
		    strstr(why.text, "run this as root") == NULL)
			return 1 + (int)verb;
	}
	return cards_list(&installation, rows, &count, &why) == NOT_PERMITTED ? 0 : 50;
}

START_TEST(not_permitted)
{
	struct card_request request = installation_request();

	if (!scratch_is_root())
		return;
	ck_assert_uint_eq(installation_create(&request), 0);
	scratch_chmod("", 0755);
	ck_assert_int_eq(scratch_as_stranger(attempt_all, NULL), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("card");
	TCase *tc = tcase_create("cards");

	tcase_add_checked_fixture(tc, installation_setup, installation_teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_rows(tc, object, objects);
	tcase_add_test(tc, life);
	tcase_add_test(tc, read_once);
	tcase_add_test(tc, blank_card);
	tcase_add_loop_test(tc, protected_key, 0, 2);
	tcase_add_test(tc, numbers);
	tcase_add_rows(tc, refusal, refusals);
	tcase_add_test(tc, name_of_another_caller);
	tcase_add_test(tc, parent_of_the_unreadable);
	tcase_add_test(tc, not_permitted);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
