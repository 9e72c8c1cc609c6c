/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fake_server.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/scratch.h"

#define HEADER 10

struct fake_server {
	int listening[2]; /* commands, control */
	int stop[2], go[2];
	pthread_t thread;
	_Atomic(const struct script *) script;
	atomic_uint commands, ends;
};

static void
die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static int
listen_at(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *path = scratch_path(name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof at.sun_path)
		die(path);
	memcpy(at.sun_path, path, strlen(path));
	(void)unlink(path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 16) != 0)
		die(path);
	return fd;
}

/* Wait until fd can be read; false when the server is to end. */
static bool
wait_for(struct fake_server *f, int fd)
{
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN },
		{ .fd = f->stop[0], .events = POLLIN } };

	return poll(fds, 2, -1) > 0 && fds[1].revents == 0;
}

/* One command, by the size it tells; false when none came. */
static bool
read_command(struct fake_server *f, int fd)
{
	uint8_t octets[4096];
	size_t have = 0, want = HEADER;
	ssize_t n;

	while (have < want) {
		if (!wait_for(f, fd) || (n = read(fd, octets + have, want - have)) <= 0)
			return false;
		have += (size_t)n;
		if (have == HEADER)
			want = (size_t)octets[4] << 8 | octets[5];
		if (want > sizeof octets)
			return false;
	}
	return true;
}

static bool
send_answer(struct fake_server *f, int fd, const struct script *s)
{
	uint8_t octets[FAKE_ANSWER_MAX];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	size_t at = 0, n;
	char token;

	wbuf_u16(&w, 0x8001);
	wbuf_u32(&w, s->says);
	wbuf_u32(&w, 0);
	while (w.len < sizeof octets)
		wbuf_u8(&w, FAKE_OCTET(w.len));
	while (at < s->comes) {
		if (s->held == at + 1 && (!wait_for(f, f->go[0]) || read(f->go[0], &token, 1) != 1))
			return false;
		n = s->piece != 0 && s->piece < s->comes - at ? s->piece : s->comes - at;
		if (at < s->held && s->held <= at + n)
			n = s->held == at + 1 ? n : s->held - 1 - at;
		if (send(fd, octets + at, n, MSG_NOSIGNAL) != (ssize_t)n)
			return false;
		at += n;
		/* So that they do not come together. */
		if (at < s->comes)
			(void)usleep(500);
	}
	return true;
}

static void
serve(struct fake_server *f, int fd)
{
	const struct script *s = atomic_load(&f->script);
	char octet;

	if (s->closes == UNHEARD)
		return;
	if (s->closes == UNREAD) {
		/* A connection without a command says nothing. */
		if (wait_for(f, fd) && recv(fd, &octet, 1, MSG_PEEK) == 1)
			atomic_fetch_add(&f->commands, 1);
		return;
	}
	if (!read_command(f, fd))
		return;
	atomic_fetch_add(&f->commands, 1);
	if (!send_answer(f, fd, s) || s->closes == AFTER_ALL)
		return;
	if (wait_for(f, fd) && read(fd, &octet, 1) == 0)
		atomic_fetch_add(&f->ends, 1);
}

/* Whatever it is told to do has worked. */
static void
serve_control(struct fake_server *f, int fd)
{
	static const uint8_t done[4];
	uint8_t octets[64];

	if (wait_for(f, fd) && read(fd, octets, sizeof octets) > 0)
		(void)send(fd, done, sizeof done, MSG_NOSIGNAL);
}

static void *
run(void *context)
{
	struct fake_server *f = context;
	struct pollfd fds[3] = { { .fd = f->listening[0], .events = POLLIN },
		{ .fd = f->listening[1], .events = POLLIN }, { .fd = f->stop[0], .events = POLLIN } };
	int fd, which;

	while (poll(fds, 3, -1) > 0 && fds[2].revents == 0) {
		which = fds[0].revents != 0 ? 0 : 1;
		fd = accept4(f->listening[which], NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		if (which == 0)
			serve(f, fd);
		else
			serve_control(f, fd);
		(void)close(fd);
	}
	return NULL;
}

struct fake_server *
fake_server_begin(const struct script *script)
{
	struct fake_server *f = calloc(1, sizeof *f);
	sigset_t all, before;

	if (f == NULL || pipe(f->stop) != 0 || pipe(f->go) != 0)
		die("fake server");
	f->listening[0] = listen_at("sock");
	f->listening[1] = listen_at("sock.ctrl");
	atomic_store(&f->script, script);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&f->thread, NULL, run, f) != 0)
		die("thread");
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return f;
}

void
fake_server_end(struct fake_server *f)
{
	int i;

	(void)!write(f->stop[1], "", 1);
	(void)pthread_join(f->thread, NULL);
	for (i = 0; i < 2; i++) {
		(void)close(f->listening[i]);
		(void)close(f->stop[i]);
		(void)close(f->go[i]);
	}
	free(f);
}

void
fake_server_follow(struct fake_server *f, const struct script *script)
{
	atomic_store(&f->script, script);
}

void
fake_server_go(struct fake_server *f)
{
	(void)!write(f->go[1], "", 1);
}

unsigned
fake_server_commands(struct fake_server *f)
{
	return atomic_load(&f->commands);
}

unsigned
fake_server_ends(struct fake_server *f)
{
	return atomic_load(&f->ends);
}
