/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/commands.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <winscard.h>

/* How long pcscd may take to answer. */
#define PATIENCE_S 10

/* How long the driver may take to show a new card. */
#define CARD_MS 2000

/* Wait for the card to be in its reader, so that whoever looks after us finds it there. */
static void
await_card(SCARDCONTEXT context, const char *reader)
{
	SCARD_READERSTATE state = { .szReader = reader, .dwCurrentState = SCARD_STATE_UNAWARE };

	while (SCardGetStatusChange(context, CARD_MS, &state, 1) == SCARD_S_SUCCESS &&
	    (state.dwEventState & SCARD_STATE_PRESENT) == 0)
		state.dwCurrentState = state.dwEventState;
}

/* Ask pcscd for its readers and look for the instance's. */
static enum reader_state
ask_pcscd(unsigned instance)
{
	enum reader_state state = READER_UNKNOWN;
	SCARDCONTEXT context;
	char readers[4096], wanted[64];
	DWORD size = sizeof readers;
	struct rbuf list, name, nul;
	LONG rv;

	if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
		return READER_UNKNOWN;
	(void)snprintf(wanted, sizeof wanted, READER_NAME " 00 %02X", instance);
	rv = SCardListReaders(context, NULL, readers, &size);
	if (rv == SCARD_E_NO_READERS_AVAILABLE)
		state = READER_MISSING;
	if (rv != SCARD_S_SUCCESS)
		goto out;
	state = READER_MISSING;
	list = rbuf_of(readers, size);
	while (list.len != 0 && list.data[0] != '\0') {
		if (!rbuf_take(&list, strnlen((const char *)list.data, list.len), &name) ||
		    !rbuf_take(&list, 1, &nul))
			break;
		if (rbuf_eq(name, rbuf_str(wanted)))
			state = READER_THERE;
	}
	if (state == READER_THERE)
		await_card(context, wanted);
out:
	(void)SCardReleaseContext(context);
	return state;
}

/* What a thread is asked, and its answer. */
struct question {
	unsigned instance;
	enum reader_state answer;
};

static void *
answer(void *context)
{
	struct question *q = context;

	q->answer = ask_pcscd(q->instance);
	return NULL;
}

/*
 * In a thread of its own: a pcscd that hangs must not take the tool with it.
 * Not in a child: pcsc-lite 2.x loads a library on the first call, and a lock
 * that another thread held at the fork would never be free again.
 */
enum reader_state
reader_look(unsigned instance)
{
	struct question *q = calloc(1, sizeof *q);
	enum reader_state state = READER_UNKNOWN;
	struct timespec deadline;
	pthread_t thread;

	if (q == NULL || clock_gettime(CLOCK_MONOTONIC, &deadline) != 0)
		goto out;
	q->instance = instance;
	deadline.tv_sec += PATIENCE_S;
	if (pthread_create(&thread, NULL, answer, q) != 0)
		goto out;
	if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &deadline) == 0) {
		state = q->answer;
	} else {
		(void)pthread_detach(thread);
		return READER_UNKNOWN; /* the question is the thread's now */
	}
out:
	free(q);
	return state;
}
