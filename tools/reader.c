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
