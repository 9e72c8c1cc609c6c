/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A conversation with pcscd that never waits longer than it may: each question
 * goes to a thread of its own, which is left behind when it is late.  Knows
 * base and PC/SC.
 */
#ifndef TPMVSC_TOOLS_PCSC_H
#define TPMVSC_TOOLS_PCSC_H

#include "tools/readers.h"

#include <time.h>

enum pcsc_err {
	PCSC_OK,
	PCSC_AWAY,      /* no pcscd runs */
	PCSC_DENIED,    /* pcscd does not let this user in */
	PCSC_NO_READER, /* there is no such reader */
	PCSC_NO_CARD,   /* the reader is empty */
	PCSC_BUSY,      /* another program has the card, and keeps it */
	PCSC_LATE,      /* no answer in time: the conversation is over */
	PCSC_FAULT,     /* anything else */
};

struct talk;

struct pcsc {
	struct talk *talk; /* NULL once it is over */
};

/* The longest command and answer: what short APDUs have. */
#define PCSC_COMMAND_MAX 261
#define PCSC_ANSWER_MAX  258

/* A moment some seconds from now. */
struct timespec pcsc_deadline(unsigned seconds);

/* Begin a conversation.  AWAY, DENIED, LATE, FAULT; there is none then. */
MUST_CHECK enum pcsc_err pcsc_open(struct pcsc *p, const struct timespec *deadline);

/* What readers there are: PCSC_OK also without any. */
MUST_CHECK enum pcsc_err pcsc_list(
    struct pcsc *p, struct readers *out, const struct timespec *deadline);

/* Find a reader by its whole name, and wait a little for a card in it.  NO_READER, NO_CARD. */
MUST_CHECK enum pcsc_err pcsc_find(
    struct pcsc *p, const char *reader, const struct timespec *deadline);

/*
 * Look at a reader without waiting: events becomes how many cards came or went
 * there (16 bits), present whether there is one now.  NO_READER.
 */
MUST_CHECK enum pcsc_err pcsc_look(struct pcsc *p, const char *reader, unsigned *events,
    bool *present, const struct timespec *deadline);

/*
 * Connect to the card in the reader that was found, and keep all other programs
 * from it.  BUSY also when they do not leave it in time; the conversation is
 * over then.
 */
MUST_CHECK enum pcsc_err pcsc_connect(struct pcsc *p, const struct timespec *deadline);

/*
 * Send a command, at most PCSC_COMMAND_MAX octets, and append the answer.
 * What was sent and received is wiped.
 */
MUST_CHECK enum pcsc_err pcsc_transmit(
    struct pcsc *p, struct rbuf command, struct wbuf *answer, const struct timespec *deadline);

/* Leave the card to the others, as it is or reset, and end; waits a few seconds at most. */
void pcsc_close(struct pcsc *p, bool reset);

#endif
