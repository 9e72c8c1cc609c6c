/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which way a channel takes to a card, chaining and GET RESPONSE, and answers
 * of every wrong kind.  pcscd and the card that is here are played.
 */
#include "tests/suite.h"
#include "tools/channel.h"
#include "tools/pcsc.h"

#include <stdio.h>
#include <string.h>

#define HERE_SERIAL "\x00\x00\x00\x07\x90\x00"
#define OTHER_SERIAL "\x00\x00\x00\x08\x90\x00"

/* ---- what is played ---- */

struct talk {
	int unused;
};

struct card {
	int unused;
};

static struct {
	/* pcscd */
	enum pcsc_err open, find, connect, transmit;
	const char *serial; /* answer to GET SERIAL */
	struct rbuf answers[40];
	size_t answer_count, answered;
	bool repeats; /* the last answer, for ever */
	uint8_t sent[40][PCSC_COMMAND_MAX];
	size_t sent_len[40], sent_count;
	bool closed, reset;
	/* here */
	enum outcome here;
	bool here_open, here_used;
} play;

static struct talk talk;
static struct card card;

struct timespec
pcsc_deadline(unsigned seconds)
{
	return (struct timespec){ .tv_sec = (time_t)seconds };
}

enum pcsc_err
pcsc_open(struct pcsc *p, const struct timespec *deadline)
{
	ck_assert_int_le(deadline->tv_sec, 10);
	p->talk = play.open == PCSC_OK ? &talk : NULL;
	return play.open;
}

enum pcsc_err
pcsc_find(struct pcsc *p, const char *reader, const struct timespec *deadline)
{
	(void)deadline;
	ck_assert_ptr_nonnull(p->talk);
	ck_assert_str_eq(reader, "TPM Virtual Smart Card 00 03");
	return play.find;
}

enum pcsc_err
pcsc_connect(struct pcsc *p, const struct timespec *deadline)
{
	(void)deadline;
	if (play.connect == PCSC_BUSY)
		p->talk = NULL; /* given up */
	return play.connect;
}

static void
answer_with(struct rbuf octets, struct wbuf *out)
{
	wbuf_put(out, octets);
}

static bool
answer_usual(struct rbuf command, const char *serial, struct wbuf *out)
{
	if (rbuf_at(command, 1) == 0xa4)
		answer_with(rbuf_of("\x61\x00\x90\x00", 4), out);
	else if (rbuf_at(command, 1) == 0xf8)
		answer_with(rbuf_of(serial, 6), out);
	else
		return false;
	return true;
}

enum pcsc_err
pcsc_transmit(
    struct pcsc *p, struct rbuf command, struct wbuf *answer, const struct timespec *deadline)
{
	struct rbuf in = command;
	size_t n = play.sent_count;

	ck_assert_ptr_nonnull(p->talk);
	ck_assert_int_ge(deadline->tv_sec, 10);
	if (answer_usual(command, play.serial, answer))
		return PCSC_OK;
	if (n < 40) {
		play.sent_len[n] = command.len;
		ck_assert(rbuf_copy(&in, play.sent[n], command.len));
		play.sent_count++;
	}
	if (play.transmit != PCSC_OK)
		return play.transmit;
	ck_assert_uint_lt(play.answered, play.answer_count);
	answer_with(play.answers[play.answered], answer);
	if (!play.repeats || play.answered + 1 < play.answer_count)
		play.answered++;
	return PCSC_OK;
}

void
pcsc_close(struct pcsc *p, bool reset)
{
	if (p->talk == NULL)
		return;
	play.closed = true;
	play.reset = reset;
	p->talk = NULL;
}

enum outcome
card_open(const struct config *config, unsigned instance, struct card **out, struct failure *why)
{
	(void)config;
	(void)why;
	ck_assert_uint_eq(instance, 3);
	if (play.here == DONE) {
		*out = &card;
		play.here_open = true;
	} else if (play.here == FAILED) {
		fail(why, "the record is damaged");
	}
	return play.here;
}

void
card_close(struct card *c)
{
	if (c != NULL)
		play.here_open = false;
}

void
card_transmit(struct card *c, struct rbuf capdu, struct wbuf *rapdu)
{
	ck_assert(c == &card && play.here_open);
	if (rbuf_at(capdu, 1) == 0xcb)
		play.here_used = true;
	if (!answer_usual(capdu, HERE_SERIAL, rapdu))
		answer_with(rbuf_of("\x90\x00", 2), rapdu);
}

static const struct config config = { .state_dir = "/the/state" };

static void
setup(void)
{
	memset(&play, 0, sizeof play);
	play.serial = HERE_SERIAL;
	play.here = NOT_PERMITTED;
}

static struct channel *
open_channel(void)
{
	struct failure why = { "" };
	struct channel *ch = NULL;

	ck_assert_msg(channel_open(&config, 3, &ch, &why) == DONE, "%s", why.text);
	return ch;
}

/* ---- which way ---- */

enum way { NOWHERE, PCSCD, HERE };

/* clang-format off */
static const struct {
	const char *why;
	enum outcome here;
	enum pcsc_err open, find, connect;
	const char *serial;
	enum outcome outcome;
	enum way way;
	const char *text;
} ways[] = {
	{ "a user", NOT_PERMITTED, 0, 0, 0, HERE_SERIAL, DONE, PCSCD, NULL },
	{ "a user; whose card it is he cannot know", NOT_PERMITTED, 0, 0, 0, OTHER_SERIAL, DONE, PCSCD, NULL },
	{ "root, the same card", DONE, 0, 0, 0, HERE_SERIAL, DONE, PCSCD, NULL },
	{ "root, another installation's pcscd", DONE, 0, 0, 0, OTHER_SERIAL, DONE, HERE, NULL },
	{ "root, a reader of that name with something else in it", DONE, 0, 0, 0, "\x00\x00\x00\x07\x6d\x00", DONE, HERE, NULL },
	{ "root, no pcscd", DONE, PCSC_AWAY, 0, 0, NULL, DONE, HERE, NULL },
	{ "root, pcscd says no", DONE, PCSC_DENIED, 0, 0, NULL, DONE, HERE, NULL },
	{ "root, no reader", DONE, 0, PCSC_NO_READER, 0, NULL, DONE, HERE, NULL },
	{ "root, an empty reader", DONE, 0, PCSC_NO_CARD, 0, NULL, DONE, HERE, NULL },
	{ "root, another program has it", DONE, 0, 0, PCSC_BUSY, NULL, FAILED, NOWHERE, "another program" },
	{ "root, pcscd hangs", DONE, PCSC_LATE, 0, 0, NULL, FAILED, NOWHERE, "pcscd does not answer" },
	{ "root, pcscd hangs later", DONE, 0, PCSC_LATE, 0, NULL, FAILED, NOWHERE, "pcscd does not answer" },
	{ "root, pcscd fails", DONE, PCSC_FAULT, 0, 0, NULL, FAILED, NOWHERE, "connection" },
	{ "root, no such card here", NO_SUCH_CARD, 0, 0, 0, HERE_SERIAL, NO_SUCH_CARD, NOWHERE, "no card" },
	{ "root, a damaged card", FAILED, 0, 0, 0, HERE_SERIAL, FAILED, NOWHERE, "damaged" },
	{ "a user, no pcscd", NOT_PERMITTED, PCSC_AWAY, 0, 0, NULL, NOT_PERMITTED, NOWHERE, "pcscd is not running.*root.*/the/state" },
	{ "a user, pcscd says no", NOT_PERMITTED, PCSC_DENIED, 0, 0, NULL, NOT_PERMITTED, NOWHERE, "polkit.*/the/state" },
	{ "a user, no reader", NOT_PERMITTED, 0, PCSC_NO_READER, 0, NULL, NO_SUCH_CARD, NOWHERE, "0003" },
	{ "a user, an empty reader", NOT_PERMITTED, 0, PCSC_NO_CARD, 0, NULL, NO_SUCH_CARD, NOWHERE, "0003" },
	{ "a user, another program has it", NOT_PERMITTED, 0, 0, PCSC_BUSY, NULL, FAILED, NOWHERE, "another program" },
	{ "a user, pcscd hangs", NOT_PERMITTED, PCSC_LATE, 0, 0, NULL, FAILED, NOWHERE, "does not answer" },
};
/* clang-format on */

/* Whether the parts of a pattern, between ".*", occur in that order. */
static bool
has(const char *text, const char *pattern)
{
	char part[64];
	const char *end;

	for (; *pattern != '\0'; pattern = end) {
		end = strstr(pattern, ".*");
		end = end != NULL ? end : pattern + strlen(pattern);
		(void)snprintf(part, sizeof part, "%.*s", (int)(end - pattern), pattern);
		text = strstr(text, part);
		if (text == NULL)
			return false;
		if (*end != '\0')
			end += 2;
	}
	return true;
}

START_TEST(way)
{
	static const struct command_apdu look = { .ins = 0xcb };
	struct failure why = { "" };
	struct channel *ch = NULL;
	uint8_t octets[16];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	enum outcome outcome;
	uint16_t sw = 0;

	play.here = ways[_i].here;
	play.open = ways[_i].open;
	play.find = ways[_i].find;
	play.connect = ways[_i].connect;
	play.serial = ways[_i].serial;
	play.answers[0] = rbuf_of("\x90\x00", 2);
	play.answer_count = 1;
	outcome = channel_open(&config, 3, &ch, &why);
	ck_assert_msg(outcome == ways[_i].outcome, "%s: %d %s", ways[_i].why, (int)outcome, why.text);
	ck_assert_msg((ch != NULL) == (outcome == DONE), "%s", ways[_i].why);
	if (outcome == DONE) {
		ck_assert_int_eq(channel_send(ch, &look, &out, &sw, &why), DONE);
		ck_assert_msg(play.here_used == (ways[_i].way == HERE), "%s", ways[_i].why);
		ck_assert_msg(play.here_open == (ways[_i].way == HERE), "%s", ways[_i].why);
	} else {
		ck_assert_msg(has(why.text, ways[_i].text), "%s: %s", ways[_i].why, why.text);
	}
	channel_close(ch);
	ck_assert_msg(!play.here_open, "%s: left open", ways[_i].why);
	ck_assert_msg(!play.reset, "%s: others lose what they proved", ways[_i].why);
}
END_TEST

START_TEST(no_instance)
{
	struct failure why = { "" };
	struct channel *ch = NULL;

	ck_assert_int_eq(channel_open(&config, CARDS_MAX, &ch, &why), NO_SUCH_CARD);
	ck_assert_ptr_null(ch);
	channel_close(NULL);
}
END_TEST

/* ---- what is sent ---- */

/* clang-format off */
static const struct {
	const char *why;
	size_t data;
	struct rbuf answers[4];
	size_t answer_count;
	size_t parts[4]; /* octets of data in each command */
	size_t count;
	uint16_t sw;
} chains[] = {
	{ "no data", 0, { { (const uint8_t *)"\x90\x00", 2 } }, 1, { 0 }, 1, 0x9000 },
	{ "all that fits", 255, { { (const uint8_t *)"\x90\x00", 2 } }, 1, { 255 }, 1, 0x9000 },
	{ "one more", 256, { { (const uint8_t *)"\x90\x00", 2 }, { (const uint8_t *)"\x90\x00", 2 } }, 2, { 255, 1 }, 2, 0x9000 },
	{ "three", 600, { { (const uint8_t *)"\x90\x00", 2 }, { (const uint8_t *)"\x90\x00", 2 }, { (const uint8_t *)"\x69\x82", 2 } }, 3,
	    { 255, 255, 90 }, 3, 0x6982 },
	{ "the first is refused", 600, { { (const uint8_t *)"\x6a\x84", 2 } }, 1, { 255 }, 1, 0x6a84 },
	{ "the second is refused", 600, { { (const uint8_t *)"\x90\x00", 2 }, { (const uint8_t *)"\x68\x84", 2 } }, 2, { 255, 255 }, 2, 0x6884 },
};
/* clang-format on */

START_TEST(chaining)
{
	uint8_t data[600], octets[16];
	struct command_apdu c = { .ins = 0xdb, .p1 = 0x3f, .p2 = 0xff };
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct channel *ch = open_channel();
	struct failure why = { "" };
	uint16_t sw = 0;
	size_t i;

	memset(data, 0xab, sizeof data);
	c.data = rbuf_of(data, chains[_i].data);
	for (i = 0; i < chains[_i].answer_count; i++)
		play.answers[i] = chains[_i].answers[i];
	play.answer_count = chains[_i].answer_count;
	ck_assert_int_eq(channel_send(ch, &c, &out, &sw, &why), DONE);
	ck_assert_uint_eq(sw, chains[_i].sw);
	ck_assert_msg(play.sent_count == chains[_i].count, "%s", chains[_i].why);
	for (i = 0; i < chains[_i].count; i++) {
		const size_t part = chains[_i].parts[i];
		const bool last = (i + 1) * 255 >= chains[_i].data;

		ck_assert_msg(play.sent[i][0] == (last ? 0x00 : 0x10), "%s", chains[_i].why);
		ck_assert_mem_eq(play.sent[i] + 1, "\xdb\x3f\xff", 3);
		ck_assert_msg(play.sent_len[i] == 4u + (part != 0 ? 1u : 0u) + part + (last ? 1u : 0u),
		    "%s", chains[_i].why);
		ck_assert(part == 0 || play.sent[i][4] == part);
	}
	channel_close(ch);
	ck_assert_msg(play.closed && play.reset, "%s: what was proven is forgotten", chains[_i].why);
}
END_TEST

/* ---- what comes back ---- */

#define A(text) { (const uint8_t *)(text), sizeof(text) - 1 }

/* clang-format off */
static const struct {
	const char *why;
	struct rbuf answers[4];
	size_t count;
	bool repeats;
	enum outcome outcome;
	const char *data; /* or the failure */
	uint16_t sw;
} answers[] = {
	{ "status alone", { A("\x90\x00") }, 1, false, DONE, "", 0x9000 },
	{ "data", { A("ab\x90\x00") }, 1, false, DONE, "ab", 0x9000 },
	{ "a failure with data", { A("ab\x63\xc2") }, 1, false, DONE, "ab", 0x63c2 },
	{ "more, in two", { A("ab\x61\x02"), A("cd\x90\x00") }, 2, false, DONE, "abcd", 0x9000 },
	{ "all of it later", { A("\x61\x02"), A("cd\x90\x00") }, 2, false, DONE, "cd", 0x9000 },
	{ "more, and then an error", { A("ab\x61\x00"), A("\x6f\x00") }, 2, false, DONE, "ab", 0x6f00 },
	{ "another length wanted: for the caller to see", { A("\x6c\x10") }, 1, false, DONE, "", 0x6c10 },
	{ "nothing", { A("") }, 1, false, FAILED, "is none", 0 },
	{ "half a status", { A("\x90") }, 1, false, FAILED, "is none", 0 },
	{ "longer than any", { A("0123456789012345678901234567890123456789\x90\x00") }, 1, false, FAILED, "longer than any", 0 },
	{ "more without end", { A("ab\x61\x00") }, 1, true, FAILED, "longer than any", 0 },
	{ "more, and nothing, without end", { A("\x61\x00"), A("\x61\x00") }, 2, true, FAILED, "has no end", 0 },
};
/* clang-format on */

START_TEST(answer)
{
	static const struct command_apdu look = { .ins = 0xcb, .p1 = 0x3f, .p2 = 0xff };
	struct channel *ch = open_channel();
	struct failure why = { "" };
	uint8_t octets[32];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	enum outcome outcome;
	uint16_t sw = 0;
	size_t i;

	for (i = 0; i < answers[_i].count; i++)
		play.answers[i] = answers[_i].answers[i];
	play.answer_count = answers[_i].count;
	play.repeats = answers[_i].repeats;
	outcome = channel_send(ch, &look, &out, &sw, &why);
	ck_assert_msg(outcome == answers[_i].outcome, "%s: %s", answers[_i].why, why.text);
	if (outcome == DONE) {
		ck_assert_msg(rbuf_eq(wbuf_view(&out), rbuf_str(answers[_i].data)), "%s",
		    answers[_i].why);
		ck_assert_msg(sw == answers[_i].sw, "%s: %04x", answers[_i].why, sw);
	} else {
		ck_assert_msg(
		    strstr(why.text, answers[_i].data) != NULL, "%s: %s", answers[_i].why, why.text);
	}
	for (i = 1; i < play.sent_count; i++)
		ck_assert_mem_eq(play.sent[i], "\x00\xc0\x00\x00", 4);
	channel_close(ch);
}
END_TEST

static const enum pcsc_err breaks[] = { PCSC_LATE, PCSC_NO_CARD, PCSC_FAULT, PCSC_AWAY };

START_TEST(broken_off)
{
	static const struct command_apdu change = { .ins = 0x24, .p2 = 0x80 };
	struct channel *ch = open_channel();
	struct failure why = { "" };
	uint8_t octets[32];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	uint16_t sw = 0;

	play.transmit = breaks[_i];
	ck_assert_int_eq(channel_send(ch, &change, &out, &sw, &why), FAILED);
	ck_assert(failed(&why));
	ck_assert_uint_eq(play.sent_count, 1); /* nothing is repeated */
	channel_close(ch);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("channel");
	TCase *t = tcase_create("channel");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_rows(t, way, ways);
	tcase_add_test(t, no_instance);
	tcase_add_rows(t, chaining, chains);
	tcase_add_rows(t, answer, answers);
	tcase_add_rows(t, broken_off, breaks);
	suite_add_tcase(s, t);
	return suite_run(s);
}
