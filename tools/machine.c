/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The near side of /machine: asks for the secrets here, has the system's ssh
 * run "tpmvscmgr --stdio" over there, sends the request to its standard input
 * and passes on what it writes.
 */
#include "tools/alive.h"
#include "tools/commands.h"
#include "tools/harmless.h"
#include "tools/request.h"
#include "tools/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What ssh and a shell return when they are what failed. */
#define SSH_FAILED    255
#define SHELL_NO_FILE 127
#define SHELL_NO_RUN  126

/* What is sent: the line, the secrets, a newline after each. */
#define PIECES_MAX (2 + 2 * SECRET_KINDS)

/* One of the far side's outputs, and where it goes here. */
struct stream {
	int from, to;
	struct harmless harmless;
	int fault; /* errno of writing it here; nothing is written after that */
};

struct far {
	pid_t ssh;
	int in; /* -1: all is sent, or nobody listens */
	struct rbuf pieces[PIECES_MAX];
	size_t piece, piece_count;
	struct stream streams[2];
	bool quiet;
	bool spoke;  /* it answers: ssh asks nothing at the terminal any more */
	bool hidden; /* an unfinished line stands at the terminal: no sign of life on it */
};

/* ---- ssh ---- */

/* Three pipes and one that says how exec went. */
enum { TO_IN, FROM_OUT, FROM_ERR, EXEC, PIPES };
struct pipes {
	int ends[PIPES][2];
};

static void
close_end(struct pipes *p, int which, int end)
{
	if (p->ends[which][end] >= 0)
		(void)close(p->ends[which][end]);
	p->ends[which][end] = -1;
}

static void
close_pipes(struct pipes *p)
{
	int i;

	for (i = 0; i < PIPES; i++) {
		close_end(p, i, 0);
		close_end(p, i, 1);
	}
}

static bool
open_pipes(struct pipes *p)
{
	int i;

	for (i = 0; i < PIPES; i++)
		p->ends[i][0] = p->ends[i][1] = -1;
	for (i = 0; i < PIPES; i++) {
		if (pipe2(p->ends[i], O_CLOEXEC) != 0) {
			close_pipes(p);
			return false;
		}
	}
	return true;
}

/* In the child: become ssh, or tell why not. */
static void
become_ssh(const struct pipes *p, const char *host, pid_t parent)
{
	/* A peer that is gone is noticed after a minute; no other door is opened to it. */
	static const char *const words[] = { "ssh", "-T", "-o", "ConnectTimeout=30", "-o",
		"ServerAliveInterval=15", "-o", "ServerAliveCountMax=4", "-o",
		"ClearAllForwardings=yes", "-o", "ForwardAgent=no", "-o", "ForwardX11=no", "-o",
		"ControlMaster=no", "--" };
	static const size_t count = sizeof words / sizeof words[0];
	static const char *const command[] = { "tpmvscmgr", "--stdio" };
	char *argv[sizeof words / sizeof words[0] + 4];
	size_t i;
	int fault;

	for (i = 0; i < count; i++)
		argv[i] = (char *)(uintptr_t)words[i]; /* exec's type; nobody writes there */
	argv[count] = (char *)(uintptr_t)host;
	argv[count + 1] = (char *)(uintptr_t)command[0];
	argv[count + 2] = (char *)(uintptr_t)command[1];
	argv[count + 3] = NULL;
	(void)signal(SIGPIPE, SIG_DFL);
	/* Whatever ends us ends it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (getppid() == parent && dup2(p->ends[TO_IN][0], STDIN_FILENO) >= 0 &&
	    dup2(p->ends[FROM_OUT][1], STDOUT_FILENO) >= 0 &&
	    dup2(p->ends[FROM_ERR][1], STDERR_FILENO) >= 0)
		(void)execvp(argv[0], argv);
	fault = errno;
	if (write(p->ends[EXEC][1], &fault, sizeof fault) < 0)
		_exit(FAILED);
	_exit(SHELL_NO_FILE);
}

static enum outcome
start_ssh(struct far *far, const char *host, struct failure *why)
{
	const pid_t self = getpid();
	struct pipes p;
	int fault = 0;

	if (!open_pipes(&p)) {
		fail(why, "cannot make a pipe: %s", strerror(errno));
		return FAILED;
	}
	far->ssh = fork();
	if (far->ssh == 0)
		become_ssh(&p, host, self);
	if (far->ssh < 0) {
		fail(why, "cannot start ssh: %s", strerror(errno));
		close_pipes(&p);
		return FAILED;
	}
	close_end(&p, EXEC, 1);
	if (read(p.ends[EXEC][0], &fault, sizeof fault) > 0) {
		fail(why, "cannot start ssh: %s; it comes with the package openssh-client",
		    strerror(fault));
		(void)waitpid(far->ssh, NULL, 0);
		close_pipes(&p);
		return FAILED;
	}
	far->in = p.ends[TO_IN][1];
	far->streams[0] = (struct stream){ .from = p.ends[FROM_OUT][0], .to = STDOUT_FILENO };
	far->streams[1] = (struct stream){ .from = p.ends[FROM_ERR][0], .to = STDERR_FILENO };
	p.ends[TO_IN][1] = p.ends[FROM_OUT][0] = p.ends[FROM_ERR][0] = -1;
	close_pipes(&p);
	(void)fcntl(far->in, F_SETFL, O_NONBLOCK);
	return DONE;
}

/* ---- to and from ---- */

static void
stop_sending(struct far *far)
{
	(void)close(far->in);
	far->in = -1;
}

/* Send what fits.  Whoever does not listen will say so by his exit status. */
static void
send_some(struct far *far)
{
	struct rbuf *piece = &far->pieces[far->piece], sent;
	ssize_t n = write(far->in, piece->data, piece->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 || !rbuf_take(piece, (size_t)n, &sent)) {
		stop_sending(far);
		return;
	}
	if (piece->len == 0)
		far->piece++;
	if (far->piece == far->piece_count)
		stop_sending(far);
}

static void
write_all(struct stream *s, struct rbuf text)
{
	struct rbuf done;
	ssize_t n;

	while (s->fault == 0 && text.len != 0) {
		n = write(s->to, text.data, text.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || !rbuf_take(&text, (size_t)n, &done))
			s->fault = errno;
	}
}

/* Write what the far side wrote, with the sign of life out of its way. */
static void
show(struct far *far, struct stream *s, struct rbuf text)
{
	if (text.len == 0)
		return;
	if (!far->spoke)
		alive_begin(far->quiet);
	far->spoke = true;
	if (!far->hidden)
		alive_hide();
	write_all(s, text);
	far->hidden = rbuf_at(text, text.len - 1) != '\n';
	if (!far->hidden)
		alive_show();
}

static void
receive_some(struct far *far, struct stream *s)
{
	uint8_t in[HARMLESS_CHUNK], out[HARMLESS_ROOM];
	struct wbuf text = wbuf_over(out, sizeof out);
	ssize_t n = read(s->from, in, sizeof in);

	if (n < 0 && errno == EINTR)
		return;
	harmless_pass(&s->harmless, rbuf_of(in, n > 0 ? (size_t)n : 0), n <= 0, &text);
	show(far, s, wbuf_view(&text));
	if (n <= 0) {
		(void)close(s->from);
		s->from = -1;
	}
}

/* Send and receive until both outputs are at their end. */
static void
converse(struct far *far)
{
	struct stream *s = far->streams;
	struct pollfd fds[3];
	int i;

	while (s[0].from >= 0 || s[1].from >= 0) {
		fds[0] = (struct pollfd){ .fd = s[0].from, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = s[1].from, .events = POLLIN };
		fds[2] = (struct pollfd){ .fd = far->in, .events = POLLOUT };
		/* ssh has deadlines of its own, and ends. */
		if (poll(fds, 3, -1) < 0)
			continue;
		for (i = 0; i < 2; i++) {
			if (fds[i].revents != 0)
				receive_some(far, &s[i]);
		}
		if (fds[2].revents != 0)
			send_some(far);
	}
	if (far->in >= 0)
		stop_sending(far);
	if (far->hidden)
		alive_show();
	alive_end();
}

/* ---- the outcome ---- */

static enum outcome
outcome_of_far(struct far *far, const char *host, struct failure *why)
{
	int status = 0;
	pid_t ended;

	do {
		ended = waitpid(far->ssh, &status, 0);
	} while (ended < 0 && errno == EINTR);
	if (ended < 0 || !WIFEXITED(status)) {
		fail(why,
		    "%s: ssh was ended before it was done; what became of the command "
		    "there is not known",
		    host);
		return FAILED;
	}
	switch (WEXITSTATUS(status)) {
	case SSH_FAILED:
		fail(why,
		    "cannot reach %s, or the connection broke: try ssh %s tpmvscmgr --version",
		    host, host);
		return FAILED;
	case SHELL_NO_FILE:
	case SHELL_NO_RUN:
		fail(why, "%s has no tpmvscmgr in the PATH that ssh gives to commands there", host);
		return FAILED;
	default:
		break;
	}
	if (WEXITSTATUS(status) > NO_ROOM) {
		fail(why, "%s answers with exit status %d, which is none of tpmvscmgr's", host,
		    WEXITSTATUS(status));
		return FAILED;
	}
	if (far->streams[0].fault != 0) {
		fail(why,
		    "%s has done it, but its answer could not be written to standard "
		    "output: %s",
		    host, strerror(far->streams[0].fault));
		return WEXITSTATUS(status) != DONE ? (enum outcome)WEXITSTATUS(status) : FAILED;
	}
	return (enum outcome)WEXITSTATUS(status);
}

static void
add_line(struct far *far, struct rbuf text, const char *end)
{
	far->pieces[far->piece_count] = text;
	far->pieces[far->piece_count + 1] = rbuf_str(end);
	far->piece_count += 2;
}

static enum outcome
send_request(const struct options *options, struct rbuf line,
    const struct secret texts[SECRET_KINDS], struct failure *why)
{
	struct far far = { .quiet = options->quiet };
	enum outcome outcome;
	size_t i;

	add_line(&far, line, "\n");
	/* A reader of lines takes one CR away: a PIN may end in one. */
	for (i = 0; i < SECRET_KINDS; i++) {
		if (texts[i].len != 0)
			add_line(&far, secret_view(&texts[i]), "\r\n");
	}
	if (!options->quiet && isatty(STDERR_FILENO))
		(void)fprintf(stderr, "Waiting for %s\n", options->machine);
	outcome = start_ssh(&far, options->machine, why);
	if (outcome != DONE)
		return outcome;
	converse(&far);
	return outcome_of_far(&far, options->machine, why);
}

enum outcome
machine_run(int argc, char *const argv[], const struct options *options, struct failure *why)
{
	struct secret texts[SECRET_KINDS] = { { .len = 0 } };
	enum outcome outcome;
	struct wbuf line;
	uint8_t *octets = malloc(REQUEST_MAX);

	if (octets == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	line = wbuf_over(octets, REQUEST_MAX);
	(void)mlock(texts, sizeof texts); /* as far as the limits let us */
	outcome = secrets_ask(options, texts, why);
	if (outcome == DONE && !request_write(argc, argv, options, texts, &line)) {
		fail(why, "the request is too long");
		outcome = FAILED;
	}
	if (outcome == DONE)
		outcome = send_request(options, wbuf_view(&line), texts, why);
	secrets_wipe(texts);
	free(octets);
	return outcome;
}
