/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/commands.h"
#include "tools/pcsc.h"

#include <stdio.h>

/* How long pcscd may take to answer. */
#define PATIENCE_S 10

/* How long pcscd may take to see that a card has changed, and how often to look. */
#define FOLLOW_S  2
#define FOLLOW_NS 20000000

/* What it shows then: one that goes, one that comes. */
#define FOLLOW_EVENTS 2

static void
name_reader(unsigned instance, char *out, size_t size)
{
	(void)snprintf(out, size, READER_NAME " 00 %02X", instance);
}

enum reader_state
reader_look(unsigned instance)
{
	const struct timespec deadline = pcsc_deadline(PATIENCE_S);
	struct pcsc pcsc = { .talk = NULL };
	enum pcsc_err err;
	char wanted[64];

	name_reader(instance, wanted, sizeof wanted);
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

struct reader_mark
reader_mark(unsigned instance)
{
	const struct timespec deadline = pcsc_deadline(FOLLOW_S);
	struct reader_mark mark = { .known = false };
	struct pcsc pcsc = { .talk = NULL };
	char reader[64];
	bool present;

	name_reader(instance, reader, sizeof reader);
	mark.known = pcsc_open(&pcsc, &deadline) == PCSC_OK &&
		     pcsc_look(&pcsc, reader, &mark.events, &present, &deadline) == PCSC_OK &&
		     present;
	pcsc_close(&pcsc, false);
	return mark;
}

void
reader_follow(unsigned instance, const struct reader_mark *mark)
{
	const struct timespec deadline = pcsc_deadline(FOLLOW_S), pause = { .tv_nsec = FOLLOW_NS };
	struct pcsc pcsc = { .talk = NULL };
	unsigned events = mark->events;
	bool present = false;
	char reader[64];
	int i;

	if (!mark->known || pcsc_open(&pcsc, &deadline) != PCSC_OK)
		return;
	name_reader(instance, reader, sizeof reader);
	for (i = 0; i < FOLLOW_S * (1000000000 / FOLLOW_NS); i++) {
		if (pcsc_look(&pcsc, reader, &events, &present, &deadline) != PCSC_OK ||
		    (present && ((events - mark->events) & 0xffff) >= FOLLOW_EVENTS))
			break;
		(void)nanosleep(&pause, NULL);
	}
	pcsc_close(&pcsc, false);
}
