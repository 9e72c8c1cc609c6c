/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swtpm's socket, in the caller's thread.  A connection carries one command.
 * We shut down our half behind it: swtpm sends the answer, finds the end, and is
 * free for others, whether or not we have come for the answer by then.  So what
 * is sent ahead of time holds nobody up.  Connections are served in the
 * order in which they were made.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tpm/carrier.h"

struct line {
	struct carrier carrier;
	struct sockaddr_un at;
	int fd;	       /* of the last command; -1: there was none, or it could not be sent */
	bool refused;  /* the last command was not taken in time */
	bool answered; /* closed when the TPM is at work on the next: that takes a while */
};

/* How long until then; zero when it is past. */
static struct timespec
until(const struct timespec *deadline)
{
	struct timespec now, left;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	left.tv_sec = deadline->tv_sec - now.tv_sec;
	left.tv_nsec = deadline->tv_nsec - now.tv_nsec;
	if (left.tv_nsec < 0) {
		left.tv_nsec += 1000000000;
		left.tv_sec--;
	}
	return left.tv_sec < 0 ? (struct timespec){ .tv_sec = 0 } : left;
}

static void
hang_up(struct line *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
}

/* A socket on which connect() and send() wait for so long, or not at all. */
static int
patient_socket(struct timespec patience)
{
	const struct timeval wait = { patience.tv_sec, patience.tv_nsec / 1000 };
	const bool waits = wait.tv_sec != 0 || wait.tv_usec != 0;
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (waits ? 0 : SOCK_NONBLOCK), 0);

	if (fd >= 0 && waits && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Connect and send: the connection, or -1 with errno; 0 when the command went in part. */
static int
call(const struct line *l, struct rbuf command, const struct timespec *deadline)
{
	const int fd = patient_socket(until(deadline));
	int err;

	if (fd < 0)
		return -1;
	errno = 0;
	if (connect(fd, (const struct sockaddr *)&l->at, sizeof l->at) == 0 &&
	    send(fd, command.data, command.len, MSG_NOSIGNAL) == (ssize_t)command.len &&
	    shutdown(fd, SHUT_WR) == 0)
		return fd;
	err = errno;
	(void)close(fd);
	errno = err;
	return -1;
}

static TSS2_RC
line_send(struct carrier *c, struct rbuf command, const struct timespec *deadline)
{
	struct line *l = (struct line *)c;
	const int last = l->fd;

	l->answered = false;
	/* A signal ends connect() before anything is sent. */
	do {
		l->fd = call(l, command, deadline);
	} while (l->fd < 0 && errno == EINTR);
	l->refused = l->fd < 0 && errno == EAGAIN;
	if (last >= 0)
		(void)close(last);
	if (l->refused)
		return TSS2_TCTI_RC_TRY_AGAIN;
	return l->fd >= 0 ? TSS2_RC_SUCCESS : TSS2_TCTI_RC_IO_ERROR;
}

static bool
readable(const struct line *l, const struct timespec *deadline)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	struct timespec left;
	int n;

	do {
		left = until(deadline);
		n = ppoll(&p, 1, &left, NULL);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

/* How long an answer is to be, as far as its beginning tells. */
static size_t
wanted(struct rbuf begin)
{
	uint16_t tag;
	uint32_t size;

	if (begin.len < CARRIER_HEADER || !rbuf_u16(&begin, &tag) || !rbuf_u32(&begin, &size))
		return CARRIER_HEADER;
	return size;
}

static TSS2_RC
line_receive(struct carrier *c, const struct timespec *deadline, struct wbuf *answer)
{
	struct line *l = (struct line *)c;
	uint8_t some[TPM2_MAX_RESPONSE_SIZE];
	ssize_t n;

	if (l->refused)
		return TSS2_TCTI_RC_TRY_AGAIN;
	if (l->fd < 0 || l->answered)
		return TSS2_TCTI_RC_BAD_SEQUENCE;
	do {
		if (!readable(l, deadline))
			return TSS2_TCTI_RC_TRY_AGAIN;
		n = recv(l->fd, some, sizeof some, MSG_DONTWAIT);
		if (n > 0) {
			wbuf_put(answer, rbuf_of(some, (size_t)n));
			explicit_bzero(some, (size_t)n);
		}
	} while (n > 0 && wbuf_ok(answer) && answer->len < wanted(wbuf_view(answer)));
	l->answered = true;
	return n > 0 && answer->len == wanted(wbuf_view(answer)) ? TSS2_RC_SUCCESS :
								   TSS2_TCTI_RC_IO_ERROR;
}

static bool
line_arrived(struct carrier *c)
{
	static const struct timespec at_once = { .tv_sec = 0 };
	struct line *l = (struct line *)c;
	int fd;

	if (l->refused) {
		/* A connection without a command is no burden to swtpm. */
		fd = call(l, rbuf_of(NULL, 0), &at_once);
		l->refused = fd < 0 && (errno == EAGAIN || errno == EINTR);
		if (fd >= 0)
			(void)close(fd);
		return !l->refused;
	}
	return l->fd < 0 || l->answered || readable(l, &at_once);
}

static void
line_close(struct carrier *c)
{
	struct line *l = (struct line *)c;

	hang_up(l);
	free(l);
}

struct carrier *
socket_carrier(const char *path)
{
	static const struct carrier_way way = { line_send, line_receive, line_arrived, line_close };
	struct line *l = calloc(1, sizeof *l);

	if (l == NULL || strlen(path) >= sizeof l->at.sun_path) {
		free(l);
		return NULL;
	}
	l->carrier.way = &way;
	l->fd = -1;
	l->at.sun_family = AF_UNIX;
	memcpy(l->at.sun_path, path, strlen(path));
	return &l->carrier;
}
