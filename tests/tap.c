/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/tap.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define KEPT_MAX (8U << 20)
#define MESSAGES_MAX 20000

struct message {
	size_t at, len;
	uint32_t code; /* of the command; 0 for an answer */
};

static const struct tap_hooks no_hooks;

struct tap {
	char tcti[192];
	char real[2][192]; /* data, control */
	int listening[2];
	int stop[2]; /* a pipe */
	pthread_t thread;
	pthread_mutex_t lock;
	const struct tap_hooks *hooks;
	struct wbuf kept;
	struct message messages[MESSAGES_MAX];
	size_t count;
};

static void
die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static struct sockaddr_un
address(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof at.sun_path)
		die(path);
	memcpy(at.sun_path, path, strlen(path));
	return at;
}

static int
listen_at(const char *path)
{
	struct sockaddr_un at = address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)unlink(path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 16) != 0)
		die(path);
	return fd;
}

static void
keep(struct tap *t, const uint8_t *octets, size_t len, uint32_t code)
{
	(void)pthread_mutex_lock(&t->lock);
	if (t->count == MESSAGES_MAX)
		die("tap is full");
	t->messages[t->count++] = (struct message){ t->kept.len, len, code };
	wbuf_put(&t->kept, rbuf_of(octets, len));
	if (!wbuf_ok(&t->kept))
		die("tap is full");
	(void)pthread_mutex_unlock(&t->lock);
}

/* How long a message says it is. */
static size_t
size_of(const uint8_t *octets)
{
	return (size_t)octets[2] << 24 | (size_t)octets[3] << 16 | (size_t)octets[4] << 8 | octets[5];
}

/* One whole TPM message; its length is in its header. */
static size_t
read_message(int fd, uint8_t *octets)
{
	size_t have = 0, want = 10;
	ssize_t n;

	while (have < want) {
		n = read(fd, octets + have, want - have);
		if (n <= 0)
			return 0;
		have += (size_t)n;
		if (have == 10)
			want = size_of(octets);
		if (want > TAP_MESSAGE_MAX)
			return 0;
	}
	return have;
}

static uint32_t
code_of(const uint8_t *octets)
{
	return (uint32_t)octets[6] << 24 | (uint32_t)octets[7] << 16 | (uint32_t)octets[8] << 8 |
	    octets[9];
}

static void
carry_commands(struct tap *t, int client, int server)
{
	uint8_t octets[TAP_MESSAGE_MAX];
	uint32_t code;
	size_t n;

	while ((n = read_message(client, octets)) != 0) {
		code = code_of(octets);
		if (t->hooks->command != NULL)
			n = t->hooks->command(t->hooks->context, code, octets, n);
		keep(t, octets, n, code);
		if (send(server, octets, n, MSG_NOSIGNAL) != (ssize_t)n || (n = read_message(server, octets)) == 0)
			return;
		if (t->hooks->answer != NULL)
			t->hooks->answer(t->hooks->context, code, octets, n);
		/* An answer that was made shorter says so. */
		if (size_of(octets) < n)
			n = size_of(octets);
		keep(t, octets, n, 0);
		if (send(client, octets, n, MSG_NOSIGNAL) != (ssize_t)n)
			return;
	}
}

/* The control channel carries no secrets and is not altered. */
static void
carry_control(int client, int server)
{
	uint8_t octets[TAP_MESSAGE_MAX];
	struct pollfd fds[2] = { { .fd = client, .events = POLLIN },
		{ .fd = server, .events = POLLIN } };
	ssize_t n;
	int i;

	for (;;) {
		if (poll(fds, 2, 5000) <= 0)
			return;
		for (i = 0; i < 2; i++) {
			if (fds[i].revents == 0)
				continue;
			n = read(fds[i].fd, octets, sizeof octets);
			if (n <= 0 || send(fds[1 - i].fd, octets, (size_t)n, MSG_NOSIGNAL) != n)
				return;
		}
	}
}

static void
serve(struct tap *t, int which)
{
	struct sockaddr_un at = address(t->real[which]);
	int client = accept(t->listening[which], NULL, NULL);
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (client >= 0 && server >= 0 &&
	    connect(server, (const struct sockaddr *)&at, sizeof at) == 0) {
		if (which == 0)
			carry_commands(t, client, server);
		else
			carry_control(client, server);
	}
	(void)close(client);
	(void)close(server);
}

static void *
tap_thread(void *context)
{
	struct tap *t = context;
	struct pollfd fds[3] = { { .fd = t->listening[0], .events = POLLIN },
		{ .fd = t->listening[1], .events = POLLIN }, { .fd = t->stop[0], .events = POLLIN } };

	while (poll(fds, 3, -1) > 0 && fds[2].revents == 0) {
		if (fds[0].revents != 0)
			serve(t, 0);
		else if (fds[1].revents != 0)
			serve(t, 1);
	}
	return NULL;
}

struct tap *
tap_begin(const struct swtpm *s, const struct tap_hooks *hooks)
{
	struct tap *t = calloc(1, sizeof *t);
	uint8_t *octets = malloc(KEPT_MAX);
	char path[2][192];

	if (t == NULL || octets == NULL)
		die("memory");
	(void)snprintf(t->real[0], sizeof t->real[0], "%s/sock", s->dir);
	(void)snprintf(t->real[1], sizeof t->real[1], "%s/sock.ctrl", s->dir);
	(void)snprintf(path[0], sizeof path[0], "%s/tap", s->dir);
	(void)snprintf(path[1], sizeof path[1], "%s/tap.ctrl", s->dir);
	(void)snprintf(t->tcti, sizeof t->tcti, "swtpm:path=%s/tap", s->dir);
	t->listening[0] = listen_at(path[0]);
	t->listening[1] = listen_at(path[1]);
	t->hooks = hooks != NULL ? hooks : &no_hooks;
	t->kept = wbuf_over(octets, KEPT_MAX);
	(void)pthread_mutex_init(&t->lock, NULL);
	if (pipe(t->stop) != 0 || pthread_create(&t->thread, NULL, tap_thread, t) != 0)
		die("tap");
	return t;
}

const char *
tap_tcti(const struct tap *t)
{
	return t->tcti;
}

void
tap_end(struct tap *t)
{
	int i;

	(void)!write(t->stop[1], "", 1);
	(void)pthread_join(t->thread, NULL);
	for (i = 0; i < 2; i++) {
		(void)close(t->stop[i]);
		(void)close(t->listening[i]);
	}
	(void)pthread_mutex_destroy(&t->lock);
	free(t->kept.data);
	free(t);
}

bool
tap_saw(struct tap *t, struct rbuf octets)
{
	bool saw;

	(void)pthread_mutex_lock(&t->lock);
	saw = memmem(t->kept.data, t->kept.len, octets.data, octets.len) != NULL;
	(void)pthread_mutex_unlock(&t->lock);
	return saw;
}

struct rbuf
tap_command(struct tap *t, uint32_t command_code, size_t n)
{
	struct rbuf found = rbuf_of(NULL, 0);
	size_t i;

	(void)pthread_mutex_lock(&t->lock);
	for (i = 0; i < t->count; i++) {
		if (t->messages[i].code == command_code && n-- == 0) {
			found = rbuf_of(t->kept.data + t->messages[i].at, t->messages[i].len);
			break;
		}
	}
	(void)pthread_mutex_unlock(&t->lock);
	return found;
}

size_t
tap_count(struct tap *t, uint32_t command_code)
{
	size_t n = 0;

	while (tap_command(t, command_code, n).len != 0)
		n++;
	return n;
}

void
tap_clear(struct tap *t)
{
	(void)pthread_mutex_lock(&t->lock);
	t->count = 0;
	wbuf_wipe(&t->kept);
	(void)pthread_mutex_unlock(&t->lock);
}
