/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A wire and what carries its commands: swtpm's socket, and tss2's TCTI behind a
 * thread, each before a server that does what servers should not.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <tss2/tss2_tpm2_types.h>
#include <unistd.h>

#include "tests/fake_server.h"
#include "tests/scratch.h"
#include "tests/suite.h"
#include "tests/swtpm.h"
#include "tpm/wire.h"

#define HEADER 10
#define ANY 0xffffffffU /* some error; which is tss2's affair */

/* Time enough, and far too much for what must not wait. */
#define AMPLE_MS 20000
#define LONG_S 10

enum { SOCKET, THREAD, CARRIERS };

static const char *const prefixes[CARRIERS] = { "swtpm:path=", "libtss2-tcti-swtpm.so.0:path=" };

static const struct script usual = { .comes = HEADER, .says = HEADER };
static const struct script mute = { .comes = HEADER, .says = HEADER, .held = 1 };

static const uint8_t command[] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8 };

static struct fake_server *server;
static size_t threads_before;

static size_t
threads(void)
{
	size_t n = 0;
	DIR *dir = opendir("/proc/self/task");

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

/* Threads that were let go end by themselves, and with them their descriptors. */
static void
wait_for_threads(size_t n)
{
	int i;

	for (i = 0; i < AMPLE_MS && threads() > n; i++)
		(void)usleep(1000);
	ck_assert_uint_eq(threads(), n);
}

static void
setup(void)
{
	scratch_setup();
	threads_before = threads();
}

static void
teardown(void)
{
	if (server != NULL)
		fake_server_end(server);
	server = NULL;
	wait_for_threads(threads_before);
	scratch_teardown();
}

static struct timespec
in_ms(long ms)
{
	struct timespec t;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

static TSS2_RC
wire_to(int how, const char *path, struct wire **out)
{
	const struct timespec deadline = in_ms(AMPLE_MS);
	char tcti[512];

	*out = NULL;
	(void)snprintf(tcti, sizeof tcti, "%s%s", prefixes[how], path);
	return wire_open(tcti, &deadline, out);
}

/* A wire to the fake server, with time enough. */
static struct wire *
wire_begin(int how)
{
	struct wire *w;

	ck_assert_uint_eq(wire_to(how, scratch_path("sock"), &w), TSS2_RC_SUCCESS);
	ck_assert(!wire_unread(w) && !wire_stuck(w));
	return w;
}

static void
serve(const struct script *script)
{
	server = fake_server_begin(script);
}

static TSS2_RC
transmit(struct wire *w)
{
	return Tss2_Tcti_Transmit(wire_tcti(w), sizeof command, command);
}

static TSS2_RC
receive(struct wire *w, size_t *size, uint8_t *octets)
{
	return Tss2_Tcti_Receive(wire_tcti(w), size, octets, TSS2_TCTI_TIMEOUT_BLOCK);
}

/* Send and receive; the length of the answer is looked at if it is one. */
static TSS2_RC
exchange(struct wire *w, size_t expected)
{
	uint8_t octets[TPM2_MAX_RESPONSE_SIZE];
	size_t size = sizeof octets, i;
	TSS2_RC rc = transmit(w);

	if (rc == TSS2_RC_SUCCESS)
		rc = receive(w, &size, octets);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	ck_assert_uint_eq(size, expected);
	for (i = HEADER; i < size; i++)
		ck_assert_uint_eq(octets[i], FAKE_OCTET(i));
	return rc;
}

static void
deadline_in(struct wire *w, long ms)
{
	const struct timespec deadline = in_ms(ms);

	wire_deadline(w, &deadline);
}

/* ---- answers ---- */

/* tss2 reads as much as the answer says and no more. */
static const struct answer_row {
	const char *why;
	struct script script;
	TSS2_RC rc[CARRIERS];
} answer_rows[] = {
	{ "in one piece", { .comes = 40, .says = 40 }, { 0, 0 } },
	{ "a header alone", { .comes = 10, .says = 10 }, { 0, 0 } },
	{ "in single octets", { .comes = 40, .says = 40, .piece = 1 }, { 0, 0 } },
	{ "header and rest apart", { .comes = 20, .says = 20, .piece = 10 }, { 0, 0 } },
	{ "the size torn", { .comes = 40, .says = 40, .piece = 4 }, { 0, 0 } },
	{ "the longest", { .comes = 4096, .says = 4096 }, { 0, 0 } },
	{ "the longest in pieces", { .comes = 4096, .says = 4096, .piece = 1000 }, { 0, 0 } },
	{ "and gone", { .comes = 40, .says = 40, .closes = AFTER_ALL }, { 0, 0 } },
	{ "too short", { .comes = 30, .says = 40, .closes = AFTER_ALL }, { TSS2_TCTI_RC_IO_ERROR, ANY } },
	{ "no header", { .comes = 7, .says = 40, .closes = AFTER_ALL }, { TSS2_TCTI_RC_IO_ERROR, ANY } },
	{ "nothing", { .comes = 0, .closes = AFTER_ALL }, { TSS2_TCTI_RC_IO_ERROR, ANY } },
	{ "reset", { .closes = UNREAD }, { TSS2_TCTI_RC_IO_ERROR, ANY } },
	{ "closed before", { .closes = UNHEARD }, { TSS2_TCTI_RC_IO_ERROR, ANY } },
	{ "too long", { .comes = 14, .says = 10 }, { TSS2_TCTI_RC_IO_ERROR, 0 } },
	{ "one more than fits", { .comes = 4097, .says = 4097 }, { TSS2_TCTI_RC_IO_ERROR, ANY } },
	{ "far more than fits", { .comes = 8192, .says = 8192, .piece = 999 }, { TSS2_TCTI_RC_IO_ERROR, ANY } },
	{ "says far more", { .comes = 10, .says = 0xffffffff, .closes = AFTER_ALL }, { TSS2_TCTI_RC_IO_ERROR, ANY } },
	{ "says 0", { .comes = 10, .says = 0 }, { TSS2_TCTI_RC_IO_ERROR, ANY } },
	{ "says 9", { .comes = 10, .says = 9 }, { TSS2_TCTI_RC_IO_ERROR, ANY } },
};

START_TEST(answers)
{
	const struct answer_row *row = &answer_rows[_i / CARRIERS];
	const int how = _i % CARRIERS;
	struct wire *w;
	TSS2_RC rc;

	serve(&usual);
	w = wire_begin(how);
	fake_server_follow(server, &row->script);
	rc = exchange(w, row->script.says);
	ck_assert_msg(rc == row->rc[how] || (row->rc[how] == ANY && rc != TSS2_RC_SUCCESS),
	    "%s: 0x%x", row->why, rc);
	ck_assert_msg(!wire_unread(w) && !wire_stuck(w), "%s", row->why);
	/* Whatever it was, the socket's next command knows nothing of it; tss2 may be confused. */
	fake_server_follow(server, &usual);
	if (how == THREAD) {
		wire_close(w);
		w = wire_begin(how);
	}
	ck_assert_msg(exchange(w, HEADER) == TSS2_RC_SUCCESS, "%s", row->why);
	wire_close(w);
}
END_TEST

/* ---- what tss2 may ask of a TCTI ---- */

START_TEST(the_rules_of_a_tcti)
{
	const struct script longer = { .comes = 40, .says = 40 };
	uint8_t octets[TPM2_MAX_RESPONSE_SIZE];
	size_t size = sizeof octets;
	struct wire *w;

	serve(&longer);
	w = wire_begin(_i);
	ck_assert_uint_eq(receive(w, &size, octets), TSS2_TCTI_RC_BAD_SEQUENCE);
	ck_assert_uint_eq(transmit(w), TSS2_RC_SUCCESS);
	ck_assert(wire_unread(w));
	size = 0;
	ck_assert_uint_eq(receive(w, &size, NULL), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(size, 40);
	ck_assert(wire_unread(w));
	ck_assert_uint_eq(receive(w, &size, octets), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(octets[39], FAKE_OCTET(39U));
	ck_assert(!wire_unread(w));
	ck_assert_uint_eq(receive(w, &size, octets), TSS2_TCTI_RC_BAD_SEQUENCE);
	/* A buffer that is too small: nothing is written, and the wire goes on. */
	memset(octets, 0, sizeof octets);
	size = 39;
	ck_assert_uint_eq(transmit(w), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(receive(w, &size, octets), TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
	ck_assert_uint_eq(octets[0], 0);
	ck_assert_uint_eq(exchange(w, 40), TSS2_RC_SUCCESS);
	/* An answer nobody asked for is not taken for the next one's. */
	ck_assert_uint_eq(transmit(w), TSS2_RC_SUCCESS);
	fake_server_follow(server, &usual);
	while (fake_server_commands(server) < 4)
		(void)usleep(1000);
	ck_assert_uint_eq(exchange(w, HEADER), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(fake_server_commands(server), 5);
	wire_close(w);
}
END_TEST

START_TEST(what_was_spent)
{
	uint64_t ns = 0, more = 0;
	unsigned n = 0;
	struct wire *w;
	int i;

	serve(&usual);
	w = wire_begin(_i);
	wire_spent(w, &ns, &n);
	ck_assert(n == 0 && ns == 0);
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(exchange(w, HEADER), TSS2_RC_SUCCESS);
	wire_spent(w, &ns, &n);
	ck_assert(n == 3 && ns > 0);
	/* A late one counts, with the time it was waited for; it adds to what was there. */
	fake_server_follow(server, &mute);
	deadline_in(w, 50);
	ck_assert_uint_eq(exchange(w, 0), TSS2_TCTI_RC_IO_ERROR);
	n = 1;
	wire_spent(w, &more, &n);
	ck_assert_uint_eq(n, 5);
	ck_assert_uint_ge(more, ns + 20000000);
	wire_close(w);
	fake_server_go(server);
}
END_TEST

/* ---- deadlines ---- */

/* How much of the answer is there before the server falls silent. */
static const size_t held_rows[] = { 0, 1, 5, 9, 10, 39 };

START_TEST(a_deadline_is_kept)
{
	const struct script script = { .comes = 40, .says = 40, .held = held_rows[_i / CARRIERS] + 1 };
	const int how = _i % CARRIERS;
	const time_t begin = time(NULL);
	uint8_t octets[64];
	size_t size = sizeof octets;
	struct wire *w;
	int i;

	serve(&usual);
	w = wire_begin(how);
	fake_server_follow(server, &script);
	deadline_in(w, 200);
	ck_assert_uint_eq(exchange(w, 40), TSS2_TCTI_RC_IO_ERROR);
	ck_assert(wire_stuck(w) && wire_unread(w));
	/* It has all the time again: but nobody waits for this one any more. */
	deadline_in(w, 0);
	ck_assert_uint_eq(transmit(w), TSS2_TCTI_RC_BAD_SEQUENCE);
	ck_assert_uint_eq(receive(w, &size, octets), TSS2_TCTI_RC_IO_ERROR);
	ck_assert(wire_stuck(w));
	ck_assert_int_le(time(NULL) - begin, LONG_S);
	fake_server_go(server);
	for (i = 0; i < AMPLE_MS && wire_stuck(w); i++)
		(void)usleep(1000);
	ck_assert(!wire_stuck(w));
	/* Who comes for it after all gets it, and no other. */
	deadline_in(w, AMPLE_MS);
	ck_assert_uint_eq(receive(w, &size, octets), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(size, 40);
	ck_assert(!wire_stuck(w) && !wire_unread(w));
	ck_assert_uint_eq(transmit(w), TSS2_TCTI_RC_BAD_SEQUENCE);
	wire_close(w);
}
END_TEST

/* tss2's TCTI finds the server at once, and then waits for the control channel. */
START_TEST(an_opening_has_a_deadline)
{
	const struct timespec deadline = in_ms(200);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const time_t begin = time(NULL);
	struct wire *w = NULL;
	int fds[2], i;
	char tcti[256];

	for (i = 0; i < 2; i++) {
		(void)snprintf(at.sun_path, sizeof at.sun_path, "%s",
		    scratch_path(i == 0 ? "sock" : "sock.ctrl"));
		fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		ck_assert_int_eq(bind(fds[i], (const struct sockaddr *)&at, sizeof at), 0);
		ck_assert_int_eq(listen(fds[i], 8), 0);
	}
	(void)snprintf(tcti, sizeof tcti, "%s%s", prefixes[THREAD], scratch_path("sock"));
	ck_assert_uint_eq(wire_open(tcti, &deadline, &w), TSS2_TCTI_RC_IO_ERROR);
	ck_assert_int_le(time(NULL) - begin, LONG_S);
	ck_assert_ptr_nonnull(w);
	ck_assert(wire_stuck(w));
	wire_close(w);
	ck_assert_int_le(time(NULL) - begin, LONG_S);
	(void)close(fds[0]);
	(void)close(fds[1]);
}
END_TEST

/* ---- closing ---- */

enum { IDLE, ASKED, ANSWERED, LATE, STATES };

/* With nothing left behind once the server is done. */
START_TEST(closed_in_any_state)
{
	const int how = _i % CARRIERS;
	const int state = _i / CARRIERS;
	const time_t begin = time(NULL);
	struct wire *w;
	size_t before;

	serve(&usual);
	before = threads();
	w = wire_begin(how);
	if (state == ASKED || state == LATE)
		fake_server_follow(server, &mute);
	if (state != IDLE)
		ck_assert_uint_eq(transmit(w), TSS2_RC_SUCCESS);
	while (state != IDLE && fake_server_commands(server) == 0)
		(void)usleep(1000);
	if (state == LATE) {
		size_t size = 0;

		deadline_in(w, 20);
		ck_assert_uint_eq(receive(w, &size, NULL), TSS2_TCTI_RC_IO_ERROR);
		ck_assert(wire_stuck(w));
	}
	wire_close(w);
	ck_assert_int_le(time(NULL) - begin, LONG_S);
	fake_server_go(server);
	wait_for_threads(before);
	/* The server lives, and teardown() counts descriptors. */
	fake_server_follow(server, &usual);
	w = wire_begin(how);
	ck_assert_uint_eq(exchange(w, HEADER), TSS2_RC_SUCCESS);
	wire_close(w);
}
END_TEST

START_TEST(no_wire_is_closed)
{
	wire_close(NULL);
}
END_TEST

/* ---- where no TPM is ---- */

static void
prepare_nothing(void)
{
}

static void
prepare_directory(void)
{
	scratch_mkdir("sock", 0700);
}

static void
prepare_file(void)
{
	scratch_write("sock", rbuf_str("text"), 0600);
}

/* A server that has ended leaves its socket there. */
static void
prepare_dead(void)
{
	server = fake_server_begin(&usual);
	fake_server_end(server);
	server = NULL;
}

static const struct place_row {
	const char *why;
	void (*prepare)(void);
	const char *name;
	TSS2_RC open, send; /* of the socket */
} place_rows[] = {
	{ "nothing there", prepare_nothing, "sock", 0, TSS2_TCTI_RC_IO_ERROR },
	{ "a directory", prepare_directory, "sock", 0, TSS2_TCTI_RC_IO_ERROR },
	{ "a file", prepare_file, "sock", 0, TSS2_TCTI_RC_IO_ERROR },
	{ "a dead server's", prepare_dead, "sock", 0, TSS2_TCTI_RC_IO_ERROR },
	{ "a path too long", prepare_nothing,
	    "0123456789012345678901234567890123456789012345678901234567890123456789"
	    "0123456789012345678901234567890123456789",
	    TSS2_TCTI_RC_MEMORY, 0 },
};

START_TEST(no_tpm_there)
{
	const struct place_row *row = &place_rows[_i / CARRIERS];
	const int how = _i % CARRIERS;
	struct wire *w;
	TSS2_RC rc;

	row->prepare();
	rc = wire_to(how, scratch_path(row->name), &w);
	if (how == THREAD) {
		ck_assert_msg(rc != TSS2_RC_SUCCESS && w == NULL, "%s", row->why);
		return;
	}
	ck_assert_msg(rc == row->open, "%s: 0x%x", row->why, rc);
	if (rc != TSS2_RC_SUCCESS)
		return;
	/* Again and again: the server may come. */
	ck_assert_uint_eq(transmit(w), row->send);
	ck_assert_uint_eq(transmit(w), row->send);
	ck_assert(!wire_stuck(w) && !wire_unread(w));
	scratch_remove("sock");
	serve(&usual);
	ck_assert_uint_eq(exchange(w, HEADER), TSS2_RC_SUCCESS);
	wire_close(w);
}
END_TEST

static int
knock(void *context)
{
	const int *how = context;
	struct wire *w;
	TSS2_RC rc = wire_to(*how, scratch_path("sock"), &w);

	if (rc == TSS2_RC_SUCCESS)
		rc = transmit(w);
	wire_close(w);
	return rc != TSS2_RC_SUCCESS;
}

START_TEST(not_permitted)
{
	int how = _i;

	if (!scratch_is_root())
		return;
	serve(&usual);
	scratch_chmod("sock", 0600);
	ck_assert_int_eq(scratch_as_stranger(knock, &how), 1);
	ck_assert_uint_eq(fake_server_commands(server), 0);
}
END_TEST

/* ---- the socket's own ---- */

#define CROWD 16

static int crowd[CROWD];

/* A server that accepts nobody, with as many before it as it lets wait. */
static int
full_house(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), i;

	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s", scratch_path("sock"));
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	for (i = 0; i < CROWD; i++) {
		crowd[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (connect(crowd[i], (const struct sockaddr *)&at, sizeof at) != 0)
			break;
	}
	ck_assert_int_lt(i, CROWD);
	(void)close(crowd[i]);
	crowd[i] = -1;
	return fd;
}

static void
go_home(int fd)
{
	int i;

	for (i = 0; crowd[i] >= 0; i++)
		(void)close(crowd[i]);
	(void)close(fd);
}

static void
nothing(int number)
{
	(void)number;
}

/* Signals, a thousand a second. */
static void
storm(bool on)
{
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { .it_value = { 0, 0 } };
	struct sigaction action = { .sa_handler = nothing };

	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, on ? &often : &never, NULL), 0);
}

/* A deadline that is past means not to wait, whatever the weather. */
START_TEST(nobody_accepts)
{
	const struct timespec past = { .tv_sec = 0 };
	const int fd = full_house();
	const time_t begin = time(NULL);
	struct wire *w;

	ck_assert_uint_eq(wire_to(SOCKET, scratch_path("sock"), &w), TSS2_RC_SUCCESS);
	if (_i == 1)
		storm(true);
	wire_deadline(w, &past);
	ck_assert_uint_eq(transmit(w), TSS2_TCTI_RC_TRY_AGAIN);
	ck_assert(!wire_unread(w) && !wire_stuck(w));
	/* Who waited in vain need not wait again. */
	deadline_in(w, 300);
	ck_assert_uint_eq(transmit(w), TSS2_TCTI_RC_IO_ERROR);
	deadline_in(w, 0);
	ck_assert(wire_stuck(w));
	ck_assert_uint_eq(transmit(w), TSS2_TCTI_RC_BAD_SEQUENCE);
	ck_assert(wire_stuck(w));
	ck_assert_int_le(time(NULL) - begin, LONG_S);
	if (_i == 1)
		storm(false);
	(void)close(accept(fd, NULL, NULL));
	ck_assert(!wire_stuck(w));
	wire_close(w);
	go_home(fd);
}
END_TEST

/* Take the first out of the queue, after a while: the next is let in. */
static void *
accept_late(void *context)
{
	const int *fd = context;

	(void)usleep(100000);
	(void)close(accept(*fd, NULL, NULL));
	return NULL;
}

START_TEST(somebody_accepts_late)
{
	int fd = full_house();
	sigset_t all, before;
	pthread_t thread;
	struct wire *w;

	ck_assert_uint_eq(wire_to(SOCKET, scratch_path("sock"), &w), TSS2_RC_SUCCESS);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	ck_assert_int_eq(pthread_create(&thread, NULL, accept_late, &fd), 0);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (_i == 1)
		storm(true);
	ck_assert_uint_eq(transmit(w), TSS2_RC_SUCCESS);
	if (_i == 1)
		storm(false);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	wire_close(w);
	go_home(fd);
}
END_TEST

/* So that swtpm is free for others, it must see that no more commands come. */
START_TEST(the_end_of_the_half)
{
	struct wire *w;
	int i;

	serve(&usual);
	w = wire_begin(SOCKET);
	ck_assert_uint_eq(transmit(w), TSS2_RC_SUCCESS);
	for (i = 0; i < AMPLE_MS && fake_server_ends(server) == 0; i++)
		(void)usleep(1000);
	/* We have neither asked for the answer nor closed. */
	ck_assert_uint_eq(fake_server_ends(server), 1);
	ck_assert(wire_unread(w));
	wire_close(w);
}
END_TEST

/* How many of this process's sockets exec() closes. */
static unsigned
sockets_that_stay_here(void)
{
	struct stat st;
	unsigned n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
	return n;
}

START_TEST(no_child_inherits_it)
{
	struct wire *w;
	unsigned before;

	serve(&mute);
	w = wire_begin(SOCKET);
	before = sockets_that_stay_here();
	ck_assert_uint_eq(transmit(w), TSS2_RC_SUCCESS);
	while (fake_server_commands(server) == 0)
		(void)usleep(1000);
	/* Ours, and the end that the server accepted. */
	ck_assert_uint_eq(sockets_that_stay_here(), before + 2);
	fake_server_go(server);
	wire_close(w);
}
END_TEST

/* ---- signals ---- */

START_TEST(signals_come_in_between)
{
	const struct script slow = { .comes = 200, .says = 200, .piece = 1 };
	struct wire *w;
	int i;

	serve(&slow);
	w = wire_begin(_i);
	storm(true);
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(exchange(w, 200), TSS2_RC_SUCCESS);
	storm(false);
	wire_close(w);
}
END_TEST

/* A server that closes at once must not kill us. */
START_TEST(no_sigpipe)
{
	const struct script deaf = { .closes = UNHEARD };
	struct wire *w;
	int i;

	(void)signal(SIGPIPE, SIG_DFL);
	serve(&usual);
	for (i = 0; i < 100; i++) {
		fake_server_follow(server, &usual);
		w = wire_begin(_i);
		fake_server_follow(server, &deaf);
		ck_assert_uint_ne(exchange(w, 0), TSS2_RC_SUCCESS);
		wire_close(w);
	}
}
END_TEST

/* ---- the real one ---- */

START_TEST(swtpm_answers)
{
	/* TPM2_GetRandom of 8 octets is answered with those and their length. */
	const size_t expected = HEADER + 2 + 8;
	uint8_t octets[64];
	struct swtpm s;
	struct wire *w;
	size_t size;
	int i;

	swtpm_begin(&s);
	ck_assert_uint_eq(wire_to(_i, s.tcti + strlen("swtpm:path="), &w), TSS2_RC_SUCCESS);
	for (i = 0; i < 100; i++) {
		size = sizeof octets;
		ck_assert_uint_eq(transmit(w), TSS2_RC_SUCCESS);
		ck_assert_uint_eq(receive(w, &size, octets), TSS2_RC_SUCCESS);
		ck_assert_uint_eq(size, expected);
	}
	/* It hangs, and comes back. */
	ck_assert_int_eq(kill(s.pid, SIGSTOP), 0);
	deadline_in(w, 100);
	size = sizeof octets;
	ck_assert_uint_eq(transmit(w), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(receive(w, &size, octets), TSS2_TCTI_RC_IO_ERROR);
	ck_assert(wire_stuck(w));
	ck_assert_int_eq(kill(s.pid, SIGCONT), 0);
	for (i = 0; i < AMPLE_MS && wire_stuck(w); i++)
		(void)usleep(1000);
	ck_assert(!wire_stuck(w));
	wire_close(w);
	wait_for_threads(threads_before);
	swtpm_end(&s);
}
END_TEST

static Suite *
wires(void)
{
	const int answer_count = sizeof answer_rows / sizeof answer_rows[0] * CARRIERS;
	const int held_count = sizeof held_rows / sizeof held_rows[0] * CARRIERS;
	const int place_count = sizeof place_rows / sizeof place_rows[0] * CARRIERS;
	Suite *suite = suite_create("wire");
	TCase *tc = tcase_create("wire");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, answers, 0, answer_count);
	tcase_add_loop_test(tc, the_rules_of_a_tcti, 0, CARRIERS);
	tcase_add_loop_test(tc, what_was_spent, 0, CARRIERS);
	tcase_add_loop_test(tc, a_deadline_is_kept, 0, held_count);
	tcase_add_test(tc, an_opening_has_a_deadline);
	tcase_add_loop_test(tc, closed_in_any_state, 0, STATES * CARRIERS);
	tcase_add_test(tc, no_wire_is_closed);
	tcase_add_loop_test(tc, no_tpm_there, 0, place_count);
	tcase_add_loop_test(tc, not_permitted, 0, CARRIERS);
	tcase_add_loop_test(tc, nobody_accepts, 0, 2);
	tcase_add_loop_test(tc, somebody_accepts_late, 0, 2);
	tcase_add_test(tc, the_end_of_the_half);
	tcase_add_test(tc, no_child_inherits_it);
	tcase_add_loop_test(tc, signals_come_in_between, 0, CARRIERS);
	tcase_add_loop_test(tc, no_sigpipe, 0, CARRIERS);
	tcase_add_loop_test(tc, swtpm_answers, 0, CARRIERS);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	return suite_run(wires());
}
