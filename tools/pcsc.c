/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/pcsc.h"

#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>

/* How long the driver may take to show a new card. */
#define CARD_MS 2000

/* How long pcscd may take to hear that we go. */
#define GOODBYE_SECONDS 3

/* How often a card may be reset by others while we are getting hold of it. */
#define RESETS 10

/* The longest list of readers' names. */
#define LIST_MAX 4096

typedef void (*talk_question)(struct talk *);

/* Who has the talk when a thread ends: whoever asked, or nobody. */
enum fate { ASKED, ANSWERED, GIVEN_UP };

struct talk {
	SCARDCONTEXT context;
	SCARDHANDLE card;
	bool entered, connected;
	char reader[READER_NAME_MAX];
	struct readers readers;
	uint8_t command[PCSC_COMMAND_MAX], answer[PCSC_ANSWER_MAX];
	DWORD command_len, answer_len;
	DWORD disposition;
	unsigned events;
	bool present;
	enum pcsc_err late; /* what it means when there is no answer */

	talk_question question;
	enum pcsc_err err;
	atomic_int fate;
};

static enum pcsc_err
err_of(LONG rv, const char *what)
{
	/* clang-format off */
	static const struct {
		LONG rv;
		enum pcsc_err err;
	} map[] = {
		{ SCARD_S_SUCCESS, PCSC_OK },
		{ SCARD_E_NO_SERVICE, PCSC_AWAY },
		{ SCARD_E_SERVICE_STOPPED, PCSC_AWAY },
		{ SCARD_W_SECURITY_VIOLATION, PCSC_DENIED },
		{ SCARD_E_NO_READERS_AVAILABLE, PCSC_NO_READER },
		{ SCARD_E_UNKNOWN_READER, PCSC_NO_READER },
		{ SCARD_E_READER_UNAVAILABLE, PCSC_NO_READER },
		{ SCARD_E_NO_SMARTCARD, PCSC_NO_CARD },
		{ SCARD_W_REMOVED_CARD, PCSC_NO_CARD },
		{ SCARD_E_SHARING_VIOLATION, PCSC_BUSY },
	};
	/* clang-format on */
	size_t i;

	if (rv != SCARD_S_SUCCESS)
		log_debug("pcscd: %s: %s", what, pcsc_stringify_error(rv));
	for (i = 0; i < sizeof map / sizeof map[0]; i++) {
		if (map[i].rv == rv)
			return map[i].err;
	}
	return PCSC_FAULT;
}

/* ---- questions: each runs in a thread of its own ---- */

static void
enter(struct talk *t)
{
	t->err = err_of(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &t->context),
	    "establish context");
	t->entered = t->err == PCSC_OK;
}

static void
list(struct talk *t)
{
	char names[LIST_MAX];
	DWORD size = sizeof names;

	t->readers.count = 0;
	t->err = err_of(SCardListReaders(t->context, NULL, names, &size), "list readers");
	if (t->err == PCSC_OK)
		readers_take(rbuf_of(names, size), &t->readers);
	if (t->err == PCSC_NO_READER)
		t->err = PCSC_OK;
}

static bool
is_listed(const struct readers *readers, const char *wanted)
{
	size_t i;

	for (i = 0; i < readers->count; i++) {
		if (strcmp(readers->names[i], wanted) == 0)
			return true;
	}
	return false;
}

static void
find(struct talk *t)
{
	SCARD_READERSTATE state = { .szReader = t->reader, .dwCurrentState = SCARD_STATE_UNAWARE };

	list(t);
	if (t->err != PCSC_OK)
		return;
	if (!is_listed(&t->readers, t->reader)) {
		t->err = PCSC_NO_READER;
		return;
	}
	/* So that whoever looks after us finds the card there. */
	while (SCardGetStatusChange(t->context, CARD_MS, &state, 1) == SCARD_S_SUCCESS &&
	       (state.dwEventState & SCARD_STATE_PRESENT) == 0)
		state.dwCurrentState = state.dwEventState;
	if ((state.dwEventState & SCARD_STATE_PRESENT) == 0)
		t->err = PCSC_NO_CARD;
}

static void
look(struct talk *t)
{
	SCARD_READERSTATE state = { .szReader = t->reader, .dwCurrentState = SCARD_STATE_UNAWARE };

	t->err = err_of(SCardGetStatusChange(t->context, 0, &state, 1), "look at a reader");
	t->events = (unsigned)(state.dwEventState >> 16) & 0xffff;
	t->present = (state.dwEventState & SCARD_STATE_PRESENT) != 0;
}

/* Others who had the card may have reset it meanwhile: that is heard of here, and nothing lost. */
static void
connect_card(struct talk *t)
{
	DWORD protocol;
	LONG rv;
	int i;

	rv = SCardConnect(
	    t->context, t->reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, &t->card, &protocol);
	t->connected = rv == SCARD_S_SUCCESS;
	for (i = 0; rv == SCARD_S_SUCCESS; i++) {
		rv = SCardBeginTransaction(t->card);
		if (rv != SCARD_W_RESET_CARD || i == RESETS)
			break;
		rv = SCardReconnect(
		    t->card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, SCARD_LEAVE_CARD, &protocol);
	}
	t->err = err_of(rv, "connect");
}

static void
transmit(struct talk *t)
{
	t->answer_len = sizeof t->answer;
	t->err = err_of(SCardTransmit(t->card, SCARD_PCI_T1, t->command, t->command_len, NULL,
			    t->answer, &t->answer_len),
	    "transmit");
}

static void
leave(struct talk *t)
{
	if (t->connected)
		(void)SCardDisconnect(t->card, t->disposition);
	if (t->entered)
		(void)SCardReleaseContext(t->context);
	t->connected = t->entered = false;
	t->err = PCSC_OK;
}

/* ---- asking them ---- */

static void
talk_free(struct talk *t)
{
	explicit_bzero(t, sizeof *t);
	free(t);
}

static void *
answer(void *context)
{
	struct talk *t = context;

	t->question(t);
	if (atomic_exchange(&t->fate, ANSWERED) != GIVEN_UP)
		return NULL;
	t->disposition = SCARD_RESET_CARD;
	leave(t);
	talk_free(t);
	return NULL;
}

/*
 * In a thread of its own: a pcscd that hangs must not take the tool with it.
 * Not in a child: pcsc-lite 2.x loads a library on the first call, and a lock
 * that another thread held at the fork would never be free again.
 */
static enum pcsc_err
ask(struct pcsc *p, talk_question question, const struct timespec *deadline)
{
	struct talk *t = p->talk;
	enum pcsc_err late;
	pthread_t thread;

	if (t == NULL)
		return PCSC_LATE;
	late = t->late;
	t->question = question;
	atomic_store(&t->fate, ASKED);
	if (pthread_create(&thread, NULL, answer, t) != 0)
		return PCSC_FAULT;
	if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, deadline) == 0)
		return t->err;
	if (atomic_exchange(&t->fate, GIVEN_UP) == ASKED) {
		(void)pthread_detach(thread);
		p->talk = NULL; /* the thread's now */
		return late;
	}
	(void)pthread_join(thread, NULL); /* it was just in time */
	return t->err;
}

struct timespec
pcsc_deadline(unsigned seconds)
{
	struct timespec t = { .tv_sec = 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)seconds;
	return t;
}

enum pcsc_err
pcsc_open(struct pcsc *p, const struct timespec *deadline)
{
	enum pcsc_err err;

	p->talk = calloc(1, sizeof *p->talk);
	if (p->talk == NULL)
		return PCSC_FAULT;
	p->talk->late = PCSC_LATE;
	err = ask(p, enter, deadline);
	if (err != PCSC_OK)
		pcsc_close(p, false);
	return err;
}

enum pcsc_err
pcsc_list(struct pcsc *p, struct readers *out, const struct timespec *deadline)
{
	const enum pcsc_err err = ask(p, list, deadline);

	if (err == PCSC_OK && p->talk != NULL)
		*out = p->talk->readers;
	return err;
}

enum pcsc_err
pcsc_find(struct pcsc *p, const char *reader, const struct timespec *deadline)
{
	if (p->talk == NULL)
		return PCSC_LATE;
	(void)snprintf(p->talk->reader, sizeof p->talk->reader, "%s", reader);
	return ask(p, find, deadline);
}

enum pcsc_err
pcsc_look(struct pcsc *p, const char *reader, unsigned *events, bool *present,
    const struct timespec *deadline)
{
	enum pcsc_err err;

	if (p->talk == NULL)
		return PCSC_LATE;
	(void)snprintf(p->talk->reader, sizeof p->talk->reader, "%s", reader);
	err = ask(p, look, deadline);
	if (err == PCSC_OK) {
		*events = p->talk->events;
		*present = p->talk->present;
	}
	return err;
}

enum pcsc_err
pcsc_connect(struct pcsc *p, const struct timespec *deadline)
{
	enum pcsc_err err;

	if (p->talk == NULL)
		return PCSC_LATE;
	/* pcscd has been answering: what takes so long is another program. */
	p->talk->late = PCSC_BUSY;
	err = ask(p, connect_card, deadline);
	if (p->talk != NULL)
		p->talk->late = PCSC_LATE;
	return err;
}

enum pcsc_err
pcsc_transmit(
    struct pcsc *p, struct rbuf command, struct wbuf *out, const struct timespec *deadline)
{
	struct talk *t = p->talk;
	enum pcsc_err err;

	if (t == NULL)
		return PCSC_LATE;
	t->command_len = command.len;
	if (command.len > sizeof t->command || !rbuf_copy(&command, t->command, command.len))
		return PCSC_FAULT;
	err = ask(p, transmit, deadline);
	if (p->talk == NULL)
		return err; /* the thread wipes */
	if (err == PCSC_OK && t->answer_len <= sizeof t->answer)
		wbuf_put(out, rbuf_of(t->answer, t->answer_len));
	explicit_bzero(t->command, sizeof t->command);
	explicit_bzero(t->answer, sizeof t->answer);
	return err;
}

void
pcsc_close(struct pcsc *p, bool reset)
{
	const struct timespec deadline = pcsc_deadline(GOODBYE_SECONDS);

	if (p->talk == NULL)
		return;
	p->talk->disposition = reset ? SCARD_RESET_CARD : SCARD_LEAVE_CARD;
	(void)ask(p, leave, &deadline);
	if (p->talk != NULL)
		talk_free(p->talk);
	p->talk = NULL;
}
