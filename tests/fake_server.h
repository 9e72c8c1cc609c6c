/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server that is to pass for swtpm: a thread of the test, at scratch_path("sock") and
 * "sock.ctrl".  Whatever it is sent, it answers as the script says.
 */
#ifndef TPMVSC_TESTS_FAKE_SERVER_H
#define TPMVSC_TESTS_FAKE_SERVER_H

#include <stddef.h>
#include <stdint.h>

/* The longest answer it gives. */
#define FAKE_ANSWER_MAX 8192

/* What it does about a command; octets count from the answer's beginning. */
struct script {
	size_t comes;	/* so many octets are sent ... */
	uint32_t says;	/* ... and this is the size they tell */
	size_t piece;	/* so many at a time; 0: all at once */
	size_t held;	/* before this one it waits to be let go; 0: it does not wait.  1 is the first */
	enum {
		WHEN_DONE, /* close when the client has: the end of its half was read */
		AFTER_ALL, /* close as soon as all was sent */
		UNREAD,	   /* reset: close with the command unread */
		UNHEARD,   /* close before there is a command */
	} closes;
};

struct fake_server;

/* Start it; its thread takes no signals.  Ends the test program on failure. */
struct fake_server *fake_server_begin(const struct script *script);
void fake_server_end(struct fake_server *f);

/* Another script, for the connections from now on. */
void fake_server_follow(struct fake_server *f, const struct script *script);

/* Let one held answer go. */
void fake_server_go(struct fake_server *f);

/* How many commands it has got; behind how many it saw the end of the client's half, before it closed. */
unsigned fake_server_commands(struct fake_server *f);
unsigned fake_server_ends(struct fake_server *f);

/* Octet i of an answer, header aside: its own in each. */
#define FAKE_OCTET(i) ((uint8_t)(0xa5U ^ (i)))

#endif
