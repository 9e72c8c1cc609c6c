/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/commands.h"
#include "tools/pcsc.h"

#include <stdio.h>

/* How long pcscd may take to answer. */
#define PATIENCE_S 10

enum reader_state
reader_look(unsigned instance)
{
	const struct timespec deadline = pcsc_deadline(PATIENCE_S);
	struct pcsc pcsc = { .talk = NULL };
	enum pcsc_err err;
	char wanted[64];

	(void)snprintf(wanted, sizeof wanted, READER_NAME " 00 %02X", instance);
	err = pcsc_open(&pcsc, &deadline);
	if (err == PCSC_OK)
		err = pcsc_find(&pcsc, wanted, &deadline);
	pcsc_close(&pcsc, false);
	switch (err) {
	case PCSC_OK:
	case PCSC_NO_CARD: /* it is on its way */
		return READER_THERE;
	case PCSC_NO_READER:
		return READER_MISSING;
	case PCSC_AWAY:
	case PCSC_DENIED:
	case PCSC_BUSY:
	case PCSC_LATE:
	case PCSC_FAULT:
		break;
	}
	return READER_UNKNOWN;
}
