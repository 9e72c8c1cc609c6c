/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unblocking with a help desk, between a card's files and its record: what is
 * refused and why, that the driver is told, that nothing stays open.
 */
#include "store/files.h"
#include "tests/faults.h"
#include "tests/installation.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <errno.h>
#include <string.h>

#define DEFAULT_KEY "\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10"
#define OTHER_KEY   "an admin key of 24 octet"

static struct secret
secret(const char *text)
{
	struct secret s;

	ck_assert(secret_set(&s, rbuf_str(text)));
	return s;
}

static uint64_t
which(unsigned instance)
{
	uint64_t number = 0;

	ck_assert_int_eq(card_present(&installation, instance, &number, NULL), DONE);
	return number;
}

static struct fake_memory *
memory(void)
{
	return &fake_tpm->memory[1]; /* of the first card */
}

static bool
has_pin(const char *pin)
{
	return rbuf_eq(secret_view(&memory()->references[REFERENCE_PIN].value), rbuf_str(pin));
}

/* Octets with room. */
struct text {
	struct wbuf out;
	uint8_t octets[CARD_RECORD_MAX];
};

static struct rbuf
record_of(unsigned instance, struct text *text)
{
	text->out = wbuf_over(text->octets, sizeof text->octets);
	ck_assert_int_eq(cards_record(&installation, instance, &text->out, NULL), DONE);
	return wbuf_view(&text->out);
}

/* Open a challenge of card 0. */
static struct card_challenge *
open_challenge(struct text *text)
{
	struct card_challenge *c = NULL;
	struct failure why = { "" };

	text->out = wbuf_over(text->octets, CARD_CHALLENGE_MAX);
	ck_assert_msg(
	    card_challenge_open(&installation, 0, &c, &text->out, &why) == DONE, "%s", why.text);
	return c;
}

/* What the desk answers with a key, by the record of card 0. */
static struct rbuf
respond(const struct text *challenge, const char *key, struct text *response)
{
	struct secret admin_key = secret(key);
	struct text record;

	response->out = wbuf_over(response->octets, CARD_RESPONSE_MAX);
	ck_assert_int_eq(desk_respond(record_of(0, &record), wbuf_view(&challenge->out), &admin_key,
			     &response->out, NULL),
	    DONE);
	return wbuf_view(&response->out);
}

/* ---- opening ---- */

static const struct open_row {
	const char *why;
	bool admin_key, puk, may, away;
	enum outcome outcome;
	const char *text;
} opens[] = {
	{ "a card that may be unblocked", true, true, true, false, DONE, NULL },
	{ "left to chance", false, true, true, false, NOT_PERMITTED, "/AdminKey RANDOM" },
	{ "it may not", true, true, false, false, NOT_PERMITTED, "use its PUK" },
	{ "it may not, without a PUK", true, false, false, false, NOT_PERMITTED, "no PUK either" },
	{ "no TPM", true, true, true, true, TPM_PROBLEM, "does not answer" },
};

START_TEST(opened)
{
	const struct open_row *row = &opens[_i];
	struct card_request request = installation_request();
	struct card_challenge *c = NULL;
	struct failure why = { "" };
	struct text text;

	request.admin_key = row->admin_key ? request.admin_key : NULL;
	request.puk = row->puk ? request.puk : NULL;
	request.admin_unblock = row->may;
	ck_assert_uint_eq(installation_create(&request), 0);
	fake_tpm->away = row->away;
	text.out = wbuf_over(text.octets, sizeof text.octets);
	ck_assert_msg(card_challenge_open(&installation, 0, &c, &text.out, &why) == row->outcome,
	    "%s: %s", row->why, why.text);
	ck_assert_msg((c != NULL) == (row->outcome == DONE), "%s", row->why);
	ck_assert_msg((text.out.len != 0) == (row->outcome == DONE), "%s", row->why);
	if (row->text != NULL)
		ck_assert_msg(strstr(why.text, row->text) != NULL, "%s: %s", row->why, why.text);
	card_challenge_close(c);
}
END_TEST

START_TEST(no_card)
{
	struct card_request request = installation_request();
	struct card_challenge *c = NULL;
	struct failure none = { "" }, other = { "" };
	struct text text;

	text.out = wbuf_over(text.octets, sizeof text.octets);
	ck_assert_int_eq(card_challenge_open(&installation, 0, &c, &text.out, &none), NO_SUCH_CARD);
	ck_assert_ptr_nonnull(strstr(none.text, "there is no card ROOT\\SMARTCARDREADER\\0000"));
	ck_assert_uint_eq(installation_create(&request), 0);
	ck_assert_int_eq(
	    card_challenge_open(&installation, 7, &c, &text.out, &other), NO_SUCH_CARD);
	ck_assert_ptr_nonnull(strstr(other.text, "there is no card ROOT\\SMARTCARDREADER\\0007"));
	ck_assert_ptr_null(c);
}
END_TEST

/* What does not fit is not half there. */
START_TEST(no_room)
{
	struct card_request request = installation_request();
	struct card_challenge *c = NULL;
	struct failure why = { "" };
	struct text text;

	ck_assert_uint_eq(installation_create(&request), 0);
	text.out = wbuf_over(text.octets, 12);
	ck_assert_int_eq(card_challenge_open(&installation, 0, &c, &text.out, &why), FAILED);
	ck_assert_uint_eq(text.out.len, 0);
	ck_assert_ptr_null(c);
}
END_TEST

/* ---- answering ---- */

static const struct answer_row {
	const char *why;
	const char *key, *pin;
	enum vault_err err; /* of the vault; VAULT_OK: its own */
	bool forgetful;
	enum outcome outcome;
	const char *text;
	bool told, noted; /* the driver; the PIN as the default, afterwards */
} answers[] = {
	{ "another PIN", DEFAULT_KEY, "87654321", VAULT_OK, false, DONE, NULL, true, false },
	{ "the default PIN", DEFAULT_KEY, "12345678", VAULT_OK, false, DONE, NULL, true, true },
	{ "another key", OTHER_KEY, "87654321", VAULT_OK, false, WRONG_SECRET, "the TPM refuses",
	    false, true },
	{ "a PIN too short", DEFAULT_KEY, "1234567", VAULT_OK, false, WRONG_SECRET,
	    "forbids the new PIN: it is too short", false, true },
	{ "blocked meanwhile", DEFAULT_KEY, "87654321", VAULT_BLOCKED, false, WRONG_SECRET,
	    "start again", false, true },
	{ "the TPM was reset", DEFAULT_KEY, "87654321", VAULT_OK, true, FAILED,
	    "no longer knows the challenge; nothing has changed", false, true },
	{ "who knows", DEFAULT_KEY, "87654321", VAULT_FAULT, false, TPM_PROBLEM,
	    "if it has happened all the same", true, false },
};

START_TEST(answered)
{
	const struct answer_row *row = &answers[_i];
	struct card_request request = installation_request();
	struct secret pin = secret(row->pin);
	struct failure why = { "" };
	struct text challenge, response;
	struct card_challenge *c;
	uint64_t before;

	ck_assert_uint_eq(installation_create(&request), 0);
	memory()->references[REFERENCE_PIN].left = 0;
	before = which(0);
	c = open_challenge(&challenge);
	if (row->err != VAULT_OK)
		fake_vault_fail(fake_tpm_vault(), 1, row->err);
	fake_tpm->forgetful = row->forgetful;
	ck_assert_msg(card_challenge_answer(
			  c, respond(&challenge, row->key, &response), &pin, &why) == row->outcome,
	    "%s: %s", row->why, why.text);
	ck_assert_msg(failed(&why) == (row->text != NULL), "%s: %s", row->why, why.text);
	if (row->text != NULL)
		ck_assert_msg(strstr(why.text, row->text) != NULL, "%s: %s", row->why, why.text);
	ck_assert_msg(has_pin(row->outcome == DONE ? row->pin : "12345678"), "%s", row->why);
	ck_assert_msg((which(0) != before) == row->told, "%s: told", row->why);
	ck_assert_msg(scratch_exists("state/0000/default-80") == row->noted, "%s: noted", row->why);
	card_challenge_close(c);
	installation_check(row->why);
}
END_TEST

/* Of another challenge, cut, empty: never to the TPM. */
START_TEST(no_response)
{
	struct card_request request = installation_request();
	struct secret pin = secret("87654321");
	struct text challenge, other, response;
	struct card_challenge *c, *second;
	struct failure why = { "" };
	struct rbuf answer;

	ck_assert_uint_eq(installation_create(&request), 0);
	c = open_challenge(&challenge);
	second = open_challenge(&other);
	answer = respond(&other, DEFAULT_KEY, &response);
	ck_assert_int_eq(card_challenge_answer(c, answer, &pin, &why), WRONG_SECRET);
	ck_assert_msg(strstr(why.text, "no response to this challenge") != NULL, "%s", why.text);
	ck_assert_int_eq(
	    card_challenge_answer(c, rbuf_of(answer.data, 3), &pin, NULL), WRONG_SECRET);
	ck_assert_int_eq(card_challenge_answer(c, rbuf_of(NULL, 0), &pin, NULL), WRONG_SECRET);
	ck_assert(has_pin("12345678"));
	ck_assert_int_eq(card_challenge_answer(second, answer, &pin, NULL), DONE);
	card_challenge_close(c);
	card_challenge_close(second);
	ck_assert(has_pin("87654321"));
	installation_check("no response");
}
END_TEST

/* Somebody forgets the answer, and stops nobody; the card is another one when it comes. */
START_TEST(another_card)
{
	struct card_request request = installation_request();
	struct secret pin = secret("87654321");
	struct text challenge, response;
	struct failure why = { "" };
	struct card_challenge *c;
	struct rbuf answer;

	ck_assert_uint_eq(installation_create(&request), 0);
	c = open_challenge(&challenge);
	answer = respond(&challenge, DEFAULT_KEY, &response);
	ck_assert_int_eq(cards_destroy(&installation, 0, NULL, NULL), DONE);
	ck_assert_int_eq(card_challenge_answer(c, answer, &pin, &why), NO_SUCH_CARD);
	ck_assert_ptr_nonnull(strstr(why.text, "there is no card"));
	ck_assert_uint_eq(installation_create(&request), 0);
	why = (struct failure){ "" };
	ck_assert_int_eq(card_challenge_answer(c, answer, &pin, &why), FAILED);
	ck_assert_msg(strstr(why.text, "another card by now") != NULL, "%s", why.text);
	card_challenge_close(c);
	ck_assert(rbuf_eq(secret_view(&fake_tpm->memory[2].references[REFERENCE_PIN].value),
	    rbuf_str("12345678")));
	installation_check("another card");
}
END_TEST

/* ---- the desk ---- */

START_TEST(read_challenge)
{
	struct card_request request = installation_request();
	struct text challenge, record, other;
	struct failure why = { "" };
	struct card_challenge *c;
	struct card_details card;
	struct desk_view view;
	struct rbuf asked;
	uint8_t *octet;
	size_t i;

	ck_assert_uint_eq(installation_create(&request), 0);
	(void)strcpy(request.profile.name, "Bob");
	ck_assert_uint_eq(installation_create(&request), 1);
	ck_assert_int_eq(cards_look(&installation, 0, &card, NULL), DONE);
	c = open_challenge(&challenge);
	asked = wbuf_view(&challenge.out);
	ck_assert_int_eq(desk_read(record_of(0, &record), asked, &view, NULL), DONE);
	ck_assert_str_eq(view.name, "Alice");
	ck_assert_uint_eq(view.instance, 0);
	ck_assert(rbuf_eq(rbuf_of(view.guid, 16), rbuf_of(card.guid, 16)));
	ck_assert(!view.reset_count && view.admin_algorithm == 0);
	card_challenge_close(c);
	memory()->references[REFERENCE_PIN].left = 0;
	c = open_challenge(&challenge);
	asked = wbuf_view(&challenge.out);
	ck_assert_int_eq(desk_read(record_of(0, &record), asked, &view, NULL), DONE);
	ck_assert(view.reset_count);
	card_challenge_close(c);

	ck_assert_int_eq(desk_read(record_of(1, &other), asked, &view, &why), NOT_PERMITTED);
	ck_assert_msg(strstr(why.text, "the record is of Bob") != NULL, "%s", why.text);
	for (i = 0; i < asked.len; i++) {
		ck_assert_int_eq(
		    desk_read(record_of(0, &record), rbuf_of(asked.data, i), &view, NULL),
		    NOT_PERMITTED);
	}
	for (i = 0; i < record.out.len; i++) {
		octet = &record.octets[i];
		*octet ^= 1;
		why = (struct failure){ "" };
		ck_assert_int_eq(desk_read(wbuf_view(&record.out), asked, &view, &why), FAILED);
		ck_assert_msg(strstr(why.text, "the record is damaged") != NULL, "%s", why.text);
		*octet ^= 1;
	}
	ck_assert_int_eq(desk_read(rbuf_of(NULL, 0), asked, &view, NULL), FAILED);
}
END_TEST

/* What it would not read it does not answer. */
START_TEST(no_answer)
{
	struct card_request request = installation_request();
	struct secret key = secret(DEFAULT_KEY);
	struct text challenge, record, response;
	struct card_challenge *c;
	struct rbuf asked;

	ck_assert_uint_eq(installation_create(&request), 0);
	ck_assert_uint_eq(installation_create(&request), 1);
	c = open_challenge(&challenge);
	card_challenge_close(c);
	asked = wbuf_view(&challenge.out);
	response.out = wbuf_over(response.octets, sizeof response.octets);
	ck_assert_int_eq(
	    desk_respond(record_of(1, &record), asked, &key, &response.out, NULL), NOT_PERMITTED);
	ck_assert_int_eq(desk_respond(record_of(0, &record), rbuf_of(asked.data, asked.len - 1),
			     &key, &response.out, NULL),
	    NOT_PERMITTED);
	ck_assert_int_eq(
	    desk_respond(rbuf_str("no record"), asked, &key, &response.out, NULL), FAILED);
	ck_assert_uint_eq(response.out.len, 0);
}
END_TEST

/* ---- accidents ---- */

static int
run(void *context)
{
	struct secret pin = secret("87654321");
	struct text challenge, response;
	struct card_challenge *c = NULL;
	enum outcome outcome;

	(void)context;
	challenge.out = wbuf_over(challenge.octets, CARD_CHALLENGE_MAX);
	outcome = card_challenge_open(&installation, 0, &c, &challenge.out, NULL);
	if (outcome == DONE) {
		/* What the desk would say, without the files that the accident is about. */
		response.out = wbuf_over(response.octets, sizeof response.octets);
		wbuf_u32(&response.out, fake_tpm->challenges);
		wbuf_put(&response.out, rbuf_str(DEFAULT_KEY));
		outcome = card_challenge_answer(c, wbuf_view(&response.out), &pin, NULL);
	}
	card_challenge_close(c);
	return (int)outcome;
}

static const struct {
	const char *why;
	struct fault fault;
} accidents[] = {
	{ "killed", { FAULT_KILL, 0, 0 } },
	{ "I/O error", { FAULT_ERROR, 0, EIO } },
	{ "no space", { FAULT_ERROR, 0, ENOSPC } },
};

/* The old PIN or the new one; if the new one, the driver is told, at the latest by the next run. */
START_TEST(accident)
{
	struct fault fault = accidents[_i].fault;
	struct fault_outcome o = { .reached = true };
	struct card_request request = installation_request();
	uint64_t before;
	bool fresh;

	for (fault.nth = 1; o.reached; fault.nth++) {
		fake_tpm_reset();
		ck_assert_uint_eq(installation_create(&request), 0);
		before = which(0);
		o = fault_run(&fault, run, NULL);
		fake_tpm->open = 0;
		fresh = has_pin("87654321");
		ck_assert_msg(fresh || has_pin("12345678"), "%s at %s", accidents[_i].why, o.call);
		if (!o.killed && o.status == DONE)
			ck_assert_msg(fresh && which(0) != before, "%s at %s: untrue",
			    accidents[_i].why, o.call);
		ck_assert_msg(!fresh || !scratch_exists("state/0000/default-80"),
		    "%s at %s: noted as the default", accidents[_i].why, o.call);
		ck_assert_int_eq(installation_list(), 1);
		ck_assert_msg(!fresh || which(0) != before, "%s at %s: nobody was told",
		    accidents[_i].why, o.call);
		ck_assert_int_eq(cards_destroy(&installation, 0, NULL, NULL), DONE);
	}
	ck_assert_int_eq(o.status, DONE);
	ck_assert_msg(fault.nth > 8, "only %u calls", fault.nth - 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("desk");
	TCase *desk = tcase_create("desk");

	tcase_add_checked_fixture(desk, installation_setup, installation_teardown);
	tcase_set_timeout(desk, 60);
	tcase_add_rows(desk, opened, opens);
	tcase_add_test(desk, no_card);
	tcase_add_test(desk, no_room);
	tcase_add_rows(desk, answered, answers);
	tcase_add_test(desk, no_response);
	tcase_add_test(desk, another_card);
	tcase_add_test(desk, read_challenge);
	tcase_add_test(desk, no_answer);
	tcase_add_rows(desk, accident, accidents);
	suite_add_tcase(suite, desk);
	return suite_run(suite);
}
