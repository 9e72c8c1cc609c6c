/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Audit records: what was made, unmade, unblocked and blocked on this machine,
 * one record each in the system's journal, or in the system log where there is
 * no journal.  Never a secret.  Sending never waits: a log that is stuck stops
 * no card.
 */
#ifndef TPMVSC_CARD_AUDIT_H
#define TPMVSC_CARD_AUDIT_H

#include "card/card.h"

/* Each has a MESSAGE_ID of its own, which the manual lists. */
enum audit_event { AUDIT_CREATE, AUDIT_DESTROY, AUDIT_UNBLOCK, AUDIT_BLOCK };

struct audit {
	enum audit_event event;
	enum outcome outcome; /* of what was tried */
	bool has_instance;
	unsigned instance;
	char name[65 * 4]; /* empty: not known */
	bool has_guid;
	uint8_t guid[16];
	const char *by;     /* what was blocked, or unblocked it: "PIN", "PUK", "help desk"; or NULL */
	const char *reason; /* why it failed; NULL: none */
	bool person;        /* somebody ran a command: say who */
};

/* Fill in instance, and name and GUID as far as the card's record tells. */
void audit_look(struct audit *a, const struct config *config, unsigned instance);

/* Write the record. */
void audit_write(const struct audit *a);

/* The same for a command that somebody ran and that ended so.  A card there is not is no event. */
void audit_end(struct audit *a, enum outcome outcome, const struct failure *why);

/*
 * The same, to a socket of the journal's (its native protocol) or else to one
 * of the system log's.  False when neither took it.
 */
bool audit_send(const struct audit *a, const char *journal, const char *syslog);

#endif
