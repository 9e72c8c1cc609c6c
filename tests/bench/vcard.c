/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The null card for the two slots of vpcd, the virtual reader of the
 * vsmartcard project, which is to connect to us (its reversed mode):
 *
 *	vcard SELECT:DATA
 *
 * Prints the port of the first slot and serves until it is killed; the second
 * slot's port is the next one.  Debian's vpcd writes a message's length and the
 * message one after the other, and the kernel holds the second back until the
 * first is acknowledged.  An ordinary card (the first slot's) acknowledges when
 * the kernel thinks it time; the second slot's asks for that at once.
 */
#include "tests/bench/nullcard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOTS      2
#define FIRST_PORT 20000 /* below those that the kernel gives to outgoing connections */
#define LAST_PORT  30000

struct slot {
	struct null_card card;
	int listening;
	bool acknowledges;
};

/* A message of one octet is for the reader, the others are APDUs. */
enum control { CONTROL_OFF = 0, CONTROL_ON = 1, CONTROL_RESET = 2, CONTROL_ATR = 4 };

static bool
receive(const struct slot *slot, int fd, uint8_t *octets, size_t n)
{
	const int yes = 1;

	while (n > 0) {
		const ssize_t got = recv(fd, octets, n, 0);

		if (got <= 0)
			return false;
		octets += got;
		n -= (size_t)got;
		/* The kernel forgets it from time to time. */
		if (slot->acknowledges)
			(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof yes);
	}
	return true;
}

static bool
answer(const struct slot *slot, int fd, struct rbuf message)
{
	uint8_t octets[2 + 65536 + 2];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct wbuf length = wbuf_over(octets, 2);

	wbuf_u16(&out, 0);
	if (message.len != 1)
		null_card_answer(&slot->card, message, &out);
	else if (rbuf_at(message, 0) == CONTROL_ATR)
		wbuf_put(&out, null_card_atr());
	else
		return true;
	wbuf_u16(&length, (uint16_t)(out.len - 2));
	return wbuf_ok(&out) && send(fd, octets, out.len, MSG_NOSIGNAL) == (ssize_t)out.len;
}

static void
serve(const struct slot *slot, int fd)
{
	uint8_t message[65535], octets[2];
	struct rbuf length;
	uint16_t n;

	while (receive(slot, fd, octets, sizeof octets)) {
		length = rbuf_of(octets, sizeof octets);
		if (!rbuf_u16(&length, &n) || !receive(slot, fd, message, n) ||
		    !answer(slot, fd, rbuf_of(message, n)))
			return;
	}
}

static void *
serve_slot(void *arg)
{
	const struct slot *slot = arg;
	const int yes = 1;
	int fd;

	for (;;) {
		fd = accept4(slot->listening, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			return NULL;
		if (fd < 0)
			continue;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
		serve(slot, fd);
		(void)close(fd);
	}
}

/* A socket that listens on the port of the loopback, or -1. */
static int
listen_on(unsigned port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
	    listen(fd, 4) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* Two ports in a row; returns the first, or 0. */
static unsigned
listen_in_a_row(struct slot *slots)
{
	unsigned port;

	for (port = FIRST_PORT; port < LAST_PORT; port += SLOTS) {
		slots[0].listening = listen_on(port);
		if (slots[0].listening < 0)
			continue;
		slots[1].listening = listen_on(port + 1);
		if (slots[1].listening >= 0)
			return port;
		(void)close(slots[0].listening);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct slot slots[SLOTS] = { 0 };
	pthread_t second;
	unsigned port;

	if (argc != 2 || !null_card_read(argv[1], &slots[0].card)) {
		(void)fprintf(stderr, "usage: vcard SELECT:DATA\n");
		return 2;
	}
	slots[1].card = slots[0].card;
	slots[1].acknowledges = true;
	port = listen_in_a_row(slots);
	if (port == 0 || pthread_create(&second, NULL, serve_slot, &slots[1]) != 0) {
		(void)fprintf(stderr, "vcard: no ports, or no thread\n");
		return 1;
	}
	(void)printf("%u\n", port);
	(void)fflush(stdout);
	(void)serve_slot(&slots[0]);
	return 1;
}
