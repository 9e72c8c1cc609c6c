/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
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

/* In a process of its own: a pcscd that hangs must not take the tool with it. */
enum reader_state
reader_look(unsigned instance)
{
	int status = 0;
	pid_t child;

	(void)fflush(stderr);
	child = fork();
	if (child == 0) {
		(void)alarm(PATIENCE_S);
		_exit((int)ask_pcscd(instance));
	}
	while (child > 0 && waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return READER_UNKNOWN;
	}
	if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) > READER_UNKNOWN)
		return READER_UNKNOWN;
	return (enum reader_state)WEXITSTATUS(status);
}
