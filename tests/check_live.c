/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A card in its reader, and a change beside it: the driver over the real card
 * room, with a thread that polls as pcscd's does.  What was proven to the card
 * is worth nothing within a second.
 */
#include "tests/installation.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <debuglog.h>
#include <ifdhandler.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SOON_MS 1000

typedef RESPONSECODE (*wait_fn)(DWORD, int);
typedef RESPONSECODE (*stop_fn)(DWORD);

void
log_msg(const int priority, const char *fmt, ...)
{
	(void)priority;
	(void)fmt;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
pause_ms(unsigned ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* ---- pcscd's polling thread ---- */

static struct {
	pthread_t thread;
	wait_fn wait; /* the driver's */
	pthread_mutex_t lock;
	bool stop;
	unsigned absences; /* how often the reader was seen empty after a card */
} poller = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Put the driver's function behind a capability into *function, a pointer to one. */
static void
capability(DWORD tag, void *function)
{
	DWORD n = sizeof(wait_fn);

	ck_assert_int_eq(IFDHGetCapabilities(0, tag, &n, function), IFD_SUCCESS);
}

static bool
stopped(void)
{
	bool yes;

	(void)pthread_mutex_lock(&poller.lock);
	yes = poller.stop;
	(void)pthread_mutex_unlock(&poller.lock);
	return yes;
}

static void *
poll_like_pcscd(void *context)
{
	bool was_there = true, there;

	(void)context;
	while (!stopped()) {
		(void)poller.wait(0, 60000);
		there = IFDHICCPresence(0) == IFD_ICC_PRESENT;
		(void)pthread_mutex_lock(&poller.lock);
		poller.absences += was_there && !there;
		(void)pthread_mutex_unlock(&poller.lock);
		was_there = there;
	}
	return NULL;
}

static unsigned
absences(void)
{
	unsigned n;

	(void)pthread_mutex_lock(&poller.lock);
	n = poller.absences;
	(void)pthread_mutex_unlock(&poller.lock);
	return n;
}

/* ---- the reader ---- */

static RESPONSECODE
power_up(void)
{
	UCHAR atr[MAX_ATR_SIZE];
	DWORD n = sizeof atr;

	return IFDHPowerICC(0, IFD_POWER_UP, atr, &n);
}

static void
setup(void)
{
	struct card_request request;
	char text[1024], device[600];
	struct wbuf conf = wbuf_over(text, sizeof text);

	installation_setup();
	request = installation_request();
	ck_assert_uint_eq(installation_create(&request), 0);
	(void)snprintf(text, sizeof text, "tcti = swtpm:path=/x\nstate_dir = %s\n",
	    installation.state_dir);
	conf.len = strlen(text);
	scratch_write("tpmvsc.conf", wbuf_view(&conf), 0644);
	(void)snprintf(device, sizeof device, "tpmvsc:%s", scratch_path("tpmvsc.conf"));
	ck_assert_int_eq(IFDHCreateChannelByName(0, device), IFD_SUCCESS);
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_PRESENT);
	ck_assert_int_eq(power_up(), IFD_SUCCESS);
	poller.stop = false;
	poller.absences = 0;
	/* Not in the thread: nothing may be asserted there. */
	capability(TAG_IFD_POLLING_THREAD_WITH_TIMEOUT, &poller.wait);
	ck_assert_int_eq(pthread_create(&poller.thread, NULL, poll_like_pcscd, NULL), 0);
}

static void
teardown(void)
{
	stop_fn stop;

	capability(TAG_IFD_STOP_POLLING_THREAD, &stop);
	(void)pthread_mutex_lock(&poller.lock);
	poller.stop = true;
	(void)pthread_mutex_unlock(&poller.lock);
	(void)stop(0);
	ck_assert_int_eq(pthread_join(poller.thread, NULL), 0);
	ck_assert_int_eq(IFDHCloseChannel(0), IFD_SUCCESS);
	installation_teardown();
}

/* Send a command; its status word, 0 when the card is out of the reader. */
static unsigned
say(struct rbuf command)
{
	const SCARD_IO_HEADER pci = { .Protocol = 1 };
	UCHAR in[64], out[300];
	DWORD n = sizeof out;
	struct rbuf from = command;

	ck_assert(rbuf_copy(&from, in, command.len));
	if (IFDHTransmitToICC(0, pci, in, command.len, out, &n, NULL) != IFD_SUCCESS)
		return 0;
	ck_assert_uint_ge(n, 2);
	return (unsigned)out[n - 2] << 8 | out[n - 1];
}

static const uint8_t query[] = { 0x00, 0x20, 0x00, 0x80 };

static unsigned
verify(const char *pin)
{
	uint8_t octets[16];
	struct wbuf w = wbuf_over(octets, sizeof octets);

	wbuf_put(&w, rbuf_of(query, sizeof query));
	wbuf_u8(&w, 8);
	wbuf_put(&w, rbuf_str(pin));
	return say(wbuf_view(&w));
}

static unsigned
state(void)
{
	return say(rbuf_of(query, sizeof query));
}

/* ---- changes ---- */

static enum outcome
unblock(void)
{
	SECRET(key);
	SECRET(pin);

	ck_assert(default_admin_key(24, &key) && secret_set(&pin, rbuf_str("87654321")));
	return cards_unblock(&installation, 0, &key, &pin, NULL);
}

static enum outcome
unblock_wrongly(void)
{
	SECRET(key);
	SECRET(pin);

	ck_assert(secret_set(&key, rbuf_str("another key")));
	ck_assert(secret_set(&pin, rbuf_str("87654321")));
	return cards_unblock(&installation, 0, &key, &pin, NULL);
}

static enum outcome
change_key(void)
{
	SECRET(old);
	SECRET(fresh);

	ck_assert(default_admin_key(24, &old));
	ck_assert(secret_set(&fresh, rbuf_str("an admin key of 24 octet")));
	return cards_change_admin_key(&installation, 0, &old, ALG_3DES, &fresh, NULL);
}

static const struct {
	const char *why;
	enum outcome (*change)(void);
	enum outcome outcome;
	const char *pin; /* afterwards */
} rows[] = {
	{ "unblock", unblock, DONE, "87654321" },
	{ "a new admin key", change_key, DONE, "12345678" },
	{ "a wrong admin key", unblock_wrongly, WRONG_SECRET, "12345678" },
};

/* Bring the card back as a client that reconnects does. */
static void
reconnect(const char *why)
{
	const int64_t end = now_ms() + 5000;

	while (IFDHICCPresence(0) != IFD_ICC_PRESENT && now_ms() < end)
		pause_ms(10);
	ck_assert_msg(power_up() == IFD_SUCCESS, "%s: the card does not come back", why);
}

START_TEST(proof_is_dropped)
{
	const bool told = rows[_i].outcome == DONE;
	int64_t begin;
	unsigned sw;

	ck_assert_uint_eq(verify("12345678"), 0x9000);
	ck_assert_uint_eq(state(), 0x9000);
	ck_assert_msg(rows[_i].change() == rows[_i].outcome, "%s", rows[_i].why);
	begin = now_ms();
	do {
		sw = state();
		pause_ms(1);
	} while (sw == 0x9000 && now_ms() < begin + SOON_MS);
	ck_assert_msg((sw != 0x9000) == told, "%s: %04x after a second", rows[_i].why, sw);
	if (told)
		reconnect(rows[_i].why);
	pause_ms(50);
	ck_assert_msg(absences() == (told ? 1 : 0), "%s: %u times out", rows[_i].why, absences());
	ck_assert_msg(state() == (told ? 0x63c5 : 0x9000), "%s", rows[_i].why);
	ck_assert_msg(verify(rows[_i].pin) == 0x9000, "%s", rows[_i].why);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("live");
	TCase *tc = tcase_create("live");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_rows(tc, proof_is_dropped, rows);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
