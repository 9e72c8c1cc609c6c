/* SPDX-License-Identifier: BSD-2-Clause */
/* A pcscd that refuses, hangs, answers at the last moment or too late; it is played. */
#include "tests/suite.h"
#include "tools/pcsc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <winscard.h>

/* ---- pcsc-lite, played ---- */

const SCARD_IO_REQUEST g_rgSCardT1Pci = { SCARD_PROTOCOL_T1, sizeof(SCARD_IO_REQUEST) };

enum call { ESTABLISH, LIST, STATUS, CONNECT, BEGIN, TRANSMIT, CALLS };

static struct {
	LONG answers[CALLS];
	unsigned resets; /* BEGIN is refused that often because others reset the card */
	bool present;
	const char *readers;
	size_t readers_len;
	uint8_t sent[PCSC_COMMAND_MAX];
	size_t sent_len;
	atomic_int hangs; /* 1 + enum call; 0: none */
	atomic_int released, disconnected;
	atomic_ulong disposition;
} play;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;

/* Hang as a stopped pcscd does, until wake(). */
static LONG
played(enum call call)
{
	(void)pthread_mutex_lock(&lock);
	while (atomic_load(&play.hangs) == 1 + (int)call)
		(void)pthread_cond_wait(&woken, &lock);
	(void)pthread_mutex_unlock(&lock);
	return play.answers[call];
}

static void
wake(void)
{
	(void)pthread_mutex_lock(&lock);
	atomic_store(&play.hangs, 0);
	(void)pthread_cond_broadcast(&woken);
	(void)pthread_mutex_unlock(&lock);
}

LONG
SCardEstablishContext(DWORD scope, LPCVOID one, LPCVOID two, LPSCARDCONTEXT context)
{
	ck_assert(scope == SCARD_SCOPE_SYSTEM && one == NULL && two == NULL);
	*context = 7;
	return played(ESTABLISH);
}

LONG
SCardReleaseContext(SCARDCONTEXT context)
{
	ck_assert_int_eq(context, 7);
	atomic_fetch_add(&play.released, 1);
	return SCARD_S_SUCCESS;
}

LONG
SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR readers, LPDWORD len)
{
	ck_assert(context == 7 && groups == NULL);
	ck_assert_uint_le(play.readers_len, *len);
	memcpy(readers, play.readers, play.readers_len);
	*len = play.readers_len;
	return played(LIST);
}

LONG
SCardGetStatusChange(SCARDCONTEXT context, DWORD ms, SCARD_READERSTATE *states, DWORD count)
{
	ck_assert(context == 7 && count == 1 && ms <= 2000);
	states->dwEventState = play.present ? SCARD_STATE_PRESENT : SCARD_STATE_EMPTY;
	states->dwEventState |= (DWORD)0xfffe << 16;
	if (ms == 0)
		return played(STATUS);
	if (play.answers[STATUS] == SCARD_S_SUCCESS && !play.present)
		play.present = true; /* it comes after all */
	return played(STATUS);
}

LONG
SCardConnect(SCARDCONTEXT context, LPCSTR reader, DWORD mode, DWORD protocols, LPSCARDHANDLE card,
    LPDWORD protocol)
{
	ck_assert(context == 7 && mode == SCARD_SHARE_SHARED && protocols == SCARD_PROTOCOL_T1);
	ck_assert_str_eq(reader, "B 00 01");
	*card = 9;
	*protocol = SCARD_PROTOCOL_T1;
	return played(CONNECT);
}

LONG
SCardReconnect(SCARDHANDLE card, DWORD mode, DWORD protocols, DWORD how, LPDWORD protocol)
{
	ck_assert(card == 9 && mode == SCARD_SHARE_SHARED && protocols == SCARD_PROTOCOL_T1);
	ck_assert(how == SCARD_LEAVE_CARD);
	*protocol = SCARD_PROTOCOL_T1;
	return SCARD_S_SUCCESS;
}

LONG
SCardBeginTransaction(SCARDHANDLE card)
{
	ck_assert_int_eq(card, 9);
	if (play.resets != 0) {
		play.resets--;
		return SCARD_W_RESET_CARD;
	}
	return played(BEGIN);
}

LONG
SCardTransmit(SCARDHANDLE card, const SCARD_IO_REQUEST *pci, LPCBYTE command, DWORD command_len,
    SCARD_IO_REQUEST *received, LPBYTE answer, LPDWORD answer_len)
{
	ck_assert(card == 9 && pci == SCARD_PCI_T1 && received == NULL);
	ck_assert_uint_le(command_len, sizeof play.sent);
	memcpy(play.sent, command, command_len);
	play.sent_len = command_len;
	ck_assert_uint_eq(*answer_len, PCSC_ANSWER_MAX);
	memcpy(answer, "ok\x90\x00", 4);
	*answer_len = 4;
	return played(TRANSMIT);
}

LONG
SCardDisconnect(SCARDHANDLE card, DWORD disposition)
{
	ck_assert_int_eq(card, 9);
	atomic_store(&play.disposition, disposition);
	atomic_fetch_add(&play.disconnected, 1);
	return SCARD_S_SUCCESS;
}

const char *
pcsc_stringify_error(const LONG error)
{
	(void)error;
	return "played";
}

#define READERS "A 00 00\0B 00 01\0"

static void
setup(void)
{
	size_t i;

	for (i = 0; i < CALLS; i++)
		play.answers[i] = SCARD_S_SUCCESS;
	play.resets = 0;
	play.present = true;
	play.readers = READERS;
	play.readers_len = sizeof READERS;
	play.sent_len = 0;
	atomic_store(&play.hangs, 0);
	atomic_store(&play.released, 0);
	atomic_store(&play.disconnected, 0);
	atomic_store(&play.disposition, 99);
}

static struct timespec
in_ms(long ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* ---- what each answer means ---- */

/* A deadline that is far, but for the call that hangs. */
static struct timespec
due(enum call first, enum call last)
{
	const int hanging = atomic_load(&play.hangs) - 1;

	return in_ms(hanging >= (int)first && hanging <= (int)last ? 100 : 20000);
}

/* Until something goes wrong; returns how. */
static enum pcsc_err
connected(struct pcsc *p)
{
	struct timespec deadline = due(ESTABLISH, ESTABLISH);
	enum pcsc_err err = pcsc_open(p, &deadline);

	deadline = due(LIST, STATUS);
	if (err == PCSC_OK)
		err = pcsc_find(p, "B 00 01", &deadline);
	deadline = due(CONNECT, BEGIN);
	return err == PCSC_OK ? pcsc_connect(p, &deadline) : err;
}

/* The same, and a command; appends its answer. */
static enum pcsc_err
whole(struct pcsc *p, struct wbuf *out)
{
	enum pcsc_err err = connected(p);
	const struct timespec deadline = due(TRANSMIT, TRANSMIT);

	return err == PCSC_OK ? pcsc_transmit(p, rbuf_str("command"), out, &deadline) : err;
}

/* clang-format off */
static const struct {
	const char *why;
	enum call call;
	LONG answer;
	enum pcsc_err err;
} refusals[] = {
	{ "all is well", ESTABLISH, SCARD_S_SUCCESS, PCSC_OK },
	{ "no pcscd", ESTABLISH, SCARD_E_NO_SERVICE, PCSC_AWAY },
	{ "pcscd ends", ESTABLISH, SCARD_E_SERVICE_STOPPED, PCSC_AWAY },
	{ "polkit", ESTABLISH, SCARD_W_SECURITY_VIOLATION, PCSC_DENIED },
	{ "something else", ESTABLISH, SCARD_F_INTERNAL_ERROR, PCSC_FAULT },
	{ "no readers at all", LIST, SCARD_E_NO_READERS_AVAILABLE, PCSC_NO_READER },
	{ "polkit, of one reader", CONNECT, SCARD_W_SECURITY_VIOLATION, PCSC_DENIED },
	{ "the reader has just gone", CONNECT, SCARD_E_UNKNOWN_READER, PCSC_NO_READER },
	{ "the card has just gone", CONNECT, SCARD_E_NO_SMARTCARD, PCSC_NO_CARD },
	{ "somebody has it for himself", CONNECT, SCARD_E_SHARING_VIOLATION, PCSC_BUSY },
	{ "it goes while we wait", BEGIN, SCARD_W_REMOVED_CARD, PCSC_NO_CARD },
	{ "it goes later", TRANSMIT, SCARD_W_REMOVED_CARD, PCSC_NO_CARD },
	{ "pcscd dies", TRANSMIT, SCARD_F_COMM_ERROR, PCSC_FAULT },
	{ "somebody resets it", TRANSMIT, SCARD_W_RESET_CARD, PCSC_FAULT },
};
/* clang-format on */

START_TEST(refusal)
{
	struct pcsc p = { .talk = NULL };
	uint8_t octets[PCSC_ANSWER_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	enum pcsc_err err;

	play.answers[refusals[_i].call] = refusals[_i].answer;
	err = whole(&p, &out);
	ck_assert_msg(err == refusals[_i].err, "%s: %d", refusals[_i].why, (int)err);
	if (err == PCSC_OK) {
		ck_assert(rbuf_eq(wbuf_view(&out), rbuf_of("ok\x90\x00", 4)));
		ck_assert(rbuf_eq(rbuf_of(play.sent, play.sent_len), rbuf_str("command")));
	} else {
		ck_assert_uint_eq(out.len, 0);
	}
	pcsc_close(&p, true);
	ck_assert_ptr_null(p.talk);
	ck_assert_msg(atomic_load(&play.released) == (refusals[_i].call == ESTABLISH && err != PCSC_OK ? 0 : 1),
	    "%s", refusals[_i].why);
	ck_assert_msg(atomic_load(&play.disconnected) ==
			  (refusals[_i].call >= BEGIN || err == PCSC_OK ? 1 : 0),
	    "%s", refusals[_i].why);
}
END_TEST

/* clang-format off */
static const struct {
	const char *why, *text;
	size_t len;
	enum pcsc_err err;
} lists[] = {
	{ "first", "B 00 01\0A 00 00\0", 17, PCSC_OK },
	{ "longer ones", "B 00 010\0xB 00 01\0", 19, PCSC_NO_READER },
	{ "none", "\0", 2, PCSC_NO_READER },
	{ "nothing", "", 0, PCSC_NO_READER },
	{ "without an end", "A 00 00\0B 00 01", 15, PCSC_NO_READER },
};
/* clang-format on */

START_TEST(list)
{
	const struct timespec deadline = in_ms(5000);
	struct pcsc p = { .talk = NULL };

	play.readers = lists[_i].text;
	play.readers_len = lists[_i].len;
	ck_assert_int_eq(pcsc_open(&p, &deadline), PCSC_OK);
	ck_assert_msg(pcsc_find(&p, "B 00 01", &deadline) == lists[_i].err, "%s", lists[_i].why);
	pcsc_close(&p, false);
}
END_TEST

START_TEST(card_comes)
{
	const struct timespec deadline = in_ms(5000);
	struct pcsc p = { .talk = NULL };

	play.present = false;
	ck_assert_int_eq(pcsc_open(&p, &deadline), PCSC_OK);
	ck_assert_int_eq(pcsc_find(&p, "B 00 01", &deadline), PCSC_OK);
	play.present = false;
	play.answers[STATUS] = SCARD_E_TIMEOUT;
	ck_assert_int_eq(pcsc_find(&p, "B 00 01", &deadline), PCSC_NO_CARD);
	pcsc_close(&p, false);
	ck_assert_int_eq(atomic_load(&play.released), 1);
}
END_TEST

START_TEST(looked_at)
{
	const struct timespec deadline = in_ms(20000);
	struct pcsc p = { .talk = NULL };
	unsigned events = 0;
	bool present = false;

	ck_assert_int_eq(pcsc_open(&p, &deadline), PCSC_OK);
	ck_assert_int_eq(pcsc_look(&p, "B 00 01", &events, &present, &deadline), PCSC_OK);
	ck_assert(events == 0xfffe && present);
	play.present = false;
	ck_assert_int_eq(pcsc_look(&p, "B 00 01", &events, &present, &deadline), PCSC_OK);
	ck_assert(!present);
	play.answers[STATUS] = SCARD_E_UNKNOWN_READER;
	ck_assert_int_eq(pcsc_look(&p, "B 00 01", &events, &present, &deadline), PCSC_NO_READER);
	pcsc_close(&p, false);
	ck_assert_int_eq(pcsc_look(&p, "B 00 01", &events, &present, &deadline), PCSC_LATE);
}
END_TEST

/* Others reset the card when they are done with it: that is no reason to give up, unless it never ends. */
START_TEST(reset_by_others)
{
	uint8_t octets[PCSC_ANSWER_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct pcsc p = { .talk = NULL };

	play.resets = 3;
	ck_assert_int_eq(whole(&p, &out), PCSC_OK);
	pcsc_close(&p, false);
	ck_assert_uint_eq(atomic_load(&play.disposition), SCARD_LEAVE_CARD);
	play.resets = 1000;
	ck_assert_int_ne(whole(&p, &out), PCSC_OK);
	pcsc_close(&p, true);
	ck_assert_uint_eq(atomic_load(&play.disposition), SCARD_RESET_CARD);
}
END_TEST

/* ---- late ---- */

static const struct {
	enum call call;
	enum pcsc_err err;
	bool connected;
} hangs[] = {
	{ ESTABLISH, PCSC_LATE, false },
	{ LIST, PCSC_LATE, false },
	{ STATUS, PCSC_LATE, false },
	{ CONNECT, PCSC_BUSY, true },
	{ BEGIN, PCSC_BUSY, true },
	{ TRANSMIT, PCSC_LATE, true },
};

static bool
released(void)
{
	return atomic_load(&play.released) != 0;
}

START_TEST(hang)
{
	const struct timespec pause = { .tv_nsec = 1000000 }, deadline = in_ms(5000);
	struct pcsc p = { .talk = NULL };
	uint8_t octets[PCSC_ANSWER_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct timespec now;
	int i;

	atomic_store(&play.hangs, 1 + (int)hangs[_i].call);
	ck_assert_int_eq(whole(&p, &out), hangs[_i].err);
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	ck_assert_int_le(now.tv_sec, deadline.tv_sec);
	ck_assert_uint_eq(out.len, 0);
	ck_assert_ptr_null(p.talk);
	/* It is over: nothing more is asked, and nothing waits. */
	ck_assert_int_eq(pcsc_find(&p, "B 00 01", &deadline), PCSC_LATE);
	ck_assert_int_eq(pcsc_connect(&p, &deadline), PCSC_LATE);
	ck_assert_int_eq(pcsc_transmit(&p, rbuf_str("x"), &out, &deadline), PCSC_LATE);
	pcsc_close(&p, true);
	ck_assert(!released());
	/* Who was left behind lets go of everything when it wakes up. */
	wake();
	for (i = 0; i < 2000 && !released(); i++)
		(void)nanosleep(&pause, NULL);
	ck_assert(released());
	ck_assert_int_eq(atomic_load(&play.disconnected), hangs[_i].connected);
	ck_assert(!hangs[_i].connected || atomic_load(&play.disposition) == SCARD_RESET_CARD);
	(void)nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL); /* it frees what it has */
}
END_TEST

static void *
wake_later(void *context)
{
	(void)nanosleep(context, NULL);
	wake();
	return NULL;
}

/* An answer about the very moment of the deadline: in time or late, never both. */
START_TEST(race)
{
	struct timespec deadline, delay = { .tv_nsec = 20000000 - (5 - _i) * 20000 };
	uint8_t octets[PCSC_ANSWER_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct pcsc p = { .talk = NULL };
	pthread_t thread;
	enum pcsc_err err;
	int i;

	ck_assert_int_eq(connected(&p), PCSC_OK);
	atomic_store(&play.hangs, 1 + (int)TRANSMIT);
	deadline = in_ms(20);
	ck_assert_int_eq(pthread_create(&thread, NULL, wake_later, &delay), 0);
	err = pcsc_transmit(&p, rbuf_str("command"), &out, &deadline);
	ck_assert(err == PCSC_OK ? out.len == 4 : err == PCSC_LATE && out.len == 0);
	pcsc_close(&p, true);
	(void)pthread_join(thread, NULL);
	for (i = 0; i < 2000 && !released(); i++)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	ck_assert_int_eq(atomic_load(&play.released), 1);
	ck_assert_int_eq(atomic_load(&play.disconnected), 1);
	(void)nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}
END_TEST

START_TEST(too_long)
{
	const struct timespec deadline = in_ms(5000);
	uint8_t octets[PCSC_ANSWER_MAX], command[PCSC_COMMAND_MAX + 1] = { 0 };
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct pcsc p = { .talk = NULL };

	ck_assert_int_eq(whole(&p, &out), PCSC_OK);
	ck_assert_int_eq(pcsc_transmit(&p, rbuf_of(command, sizeof command), &out, &deadline), PCSC_FAULT);
	ck_assert_int_eq(pcsc_transmit(&p, rbuf_of(command, sizeof command - 1), &out, &deadline), PCSC_OK);
	pcsc_close(&p, false);
	pcsc_close(&p, false);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pcsc");
	TCase *t = tcase_create("pcsc");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_rows(t, refusal, refusals);
	tcase_add_rows(t, list, lists);
	tcase_add_test(t, card_comes);
	tcase_add_test(t, looked_at);
	tcase_add_test(t, reset_by_others);
	tcase_add_rows(t, hang, hangs);
	tcase_add_loop_test(t, race, 0, 10);
	tcase_add_test(t, too_long);
	suite_add_tcase(s, t);
	return suite_run(s);
}
