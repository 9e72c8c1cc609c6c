/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measure a card through pcscd, from SCardTransmit() to its return:
 *
 *	edge [OPTION]... select READER...
 *	edge [OPTION]... data TAG READER...
 *	edge [OPTION]... verify READER...
 *	edge [OPTION]... sign|ecdh {READER REFERENCE PUBLIC-KEY-FILE}...
 *
 *	-n COUNT	operations in each reader (1000)
 *	-u COUNT	operations before that count (10)
 *	-b COUNT	GET DATA of the discovery object so often before each operation
 *			(0), as an application does that does something in between; not counted
 *	-t CASE, -a AT	what the line is called
 *	-s FILE		keep the durations there
 *
 * Several readers are used at once, by a thread each, until the first is done.
 * REFERENCE and TAG are hexadecimal, READER is a reader's whole name.  PINs are
 * the well-known default.  A status other than 9000 ends it with status 1, and so
 * does a first or last result of a key that OpenSSL does not find right.
 */
#include "tests/bench/keyop.h"
#include "tests/bench/measure.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <winscard.h>

#define READERS_MAX 16
#define CAPDU_MAX   600

struct job {
	const struct operation *operation;
	uint32_t tag;
	unsigned count, warm_up, between;
	const char *name, *at, *file;
	pthread_barrier_t start;
	atomic_bool stop;
};

struct client {
	struct job *job;
	const char *reader;
	struct keyop key;
	SCARDCONTEXT context;
	SCARDHANDLE card;
	uint8_t answer[MAX_BUFFER_SIZE_EXTENDED];
	DWORD answer_len;
	struct samples samples;
	int64_t begin, end;
	pthread_t thread;
	bool ok;
};

struct operation {
	const char *name;
	unsigned words; /* on the command line, for each reader */
	bool has_tag, wants_pin, has_key;
	enum keyop_kind kind;
	bool (*put)(const struct client *, uint32_t n, struct wbuf *);
};

/* ---- the commands ---- */

static bool
put_select(const struct client *c, uint32_t n, struct wbuf *out)
{
	static const uint8_t select[] = { 0x00, 0xa4, 0x04, 0x00, 0x09, 0xa0, 0x00, 0x00, 0x03,
		0x08, 0x00, 0x00, 0x10, 0x00, 0x00 };

	(void)c;
	(void)n;
	wbuf_put(out, rbuf_of(select, sizeof select));
	return wbuf_ok(out);
}

/* Of a three-octet tag, with extended lengths. */
static bool
put_get_data(const struct client *c, uint32_t n, struct wbuf *out)
{
	(void)n;
	wbuf_u32(out, 0x00cb3fff);
	wbuf_u8(out, 0);
	wbuf_u16(out, 5);
	wbuf_u16(out, 0x5c03);
	wbuf_u8(out, (uint8_t)(c->job->tag >> 16));
	wbuf_u16(out, (uint16_t)c->job->tag);
	wbuf_u16(out, 0);
	return wbuf_ok(out);
}

static bool
put_verify(const struct client *c, uint32_t n, struct wbuf *out)
{
	(void)c;
	(void)n;
	wbuf_u32(out, 0x00200080);
	wbuf_u8(out, 8);
	wbuf_put(out, rbuf_str("12345678"));
	return wbuf_ok(out);
}

static bool
put_key_use(const struct client *c, uint32_t n, struct wbuf *out)
{
	return keyop_command(&c->key, n, out);
}

/* clang-format off */
static const struct operation operations[] = {
	/* name   words  tag    PIN    key */
	{ "select", 1, false, false, false, KEYOP_SIGN, put_select },
	{ "data",   1, true,  false, false, KEYOP_SIGN, put_get_data },
	{ "verify", 1, false, false, false, KEYOP_SIGN, put_verify },
	{ "sign",   3, false, true,  true,  KEYOP_SIGN, put_key_use },
	{ "ecdh",   3, false, true,  true,  KEYOP_ECDH, put_key_use },
};
/* clang-format on */

/* ---- one client ---- */

static bool
pcsc_ok(const struct client *c, const char *what, LONG rc)
{
	if (rc != SCARD_S_SUCCESS)
		(void)fprintf(stderr, "%s: %s: %s\n", c->reader, what, pcsc_stringify_error(rc));
	return rc == SCARD_S_SUCCESS;
}

/* Send a command; the answer is in c.  Returns the nanoseconds it took, -1 when it failed. */
static int64_t
transmit(struct client *c, struct rbuf capdu)
{
	int64_t begin, took;
	LONG rc;
	struct rbuf status = rbuf_of(NULL, 0);

	c->answer_len = sizeof c->answer;
	begin = measure_now();
	rc = SCardTransmit(
	    c->card, SCARD_PCI_T1, capdu.data, capdu.len, NULL, c->answer, &c->answer_len);
	took = measure_now() - begin;
	if (!pcsc_ok(c, "transmit", rc))
		return -1;
	if (c->answer_len >= 2)
		status = rbuf_of(c->answer + c->answer_len - 2, 2);
	if (rbuf_at(status, 0) == 0x90 && rbuf_at(status, 1) == 0x00)
		return took;
	(void)fprintf(stderr, "%s: command %02X: status %02X%02X\n", c->reader, rbuf_at(capdu, 1),
	    rbuf_at(status, 0), rbuf_at(status, 1));
	return -1;
}

/* Do the n-th operation. */
static int64_t
operate(struct client *c, uint32_t n)
{
	uint8_t octets[CAPDU_MAX];
	struct wbuf capdu = wbuf_over(octets, sizeof octets);

	return c->job->operation->put(c, n, &capdu) ? transmit(c, wbuf_view(&capdu)) : -1;
}

/* The same, with a look at the result. */
static bool
operate_rightly(struct client *c, uint32_t n)
{
	if (operate(c, n) < 0)
		return false;
	if (!c->job->operation->has_key ||
	    keyop_right(&c->key, n, rbuf_of(c->answer, c->answer_len - 2)))
		return true;
	(void)fprintf(stderr, "%s: a wrong result\n", c->reader);
	return false;
}

static bool
connect_client(struct client *c)
{
	uint8_t octets[CAPDU_MAX];
	struct wbuf capdu = wbuf_over(octets, sizeof octets);
	DWORD protocol;

	if (!pcsc_ok(c, "establish context",
		SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &c->context)) ||
	    !pcsc_ok(c, "connect",
		SCardConnect(c->context, c->reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, &c->card,
		    &protocol)))
		return false;
	if (!put_select(c, 0, &capdu) || transmit(c, wbuf_view(&capdu)) < 0)
		return false;
	wbuf_truncate(&capdu, 0);
	return !c->job->operation->wants_pin ||
	       (put_verify(c, 0, &capdu) && transmit(c, wbuf_view(&capdu)) >= 0);
}

static bool
warm_up(struct client *c)
{
	uint32_t i;

	if (!connect_client(c) || !operate_rightly(c, 0))
		return false;
	for (i = 0; i < c->job->warm_up; i++) {
		if (operate(c, i) < 0)
			return false;
	}
	return true;
}

/* What is done before each operation and not counted. */
static bool
do_between(struct client *c)
{
	static const uint8_t discovery[] = { 0x00, 0xcb, 0x3f, 0xff, 0x03, 0x5c, 0x01, 0x7e, 0x00 };
	unsigned i;

	for (i = 0; i < c->job->between; i++) {
		if (transmit(c, rbuf_of(discovery, sizeof discovery)) < 0)
			return false;
	}
	return true;
}

static bool
measure(struct client *c)
{
	struct job *job = c->job;
	uint32_t i;

	for (i = 0; i < job->count && !atomic_load_explicit(&job->stop, memory_order_relaxed);
	     i++) {
		int64_t took;

		if (!do_between(c))
			return false;
		took = operate(c, i);
		if (took < 0)
			return false;
		samples_add(&c->samples, took);
	}
	return true;
}

static void *
run_client(void *arg)
{
	struct client *c = arg;

	c->ok = warm_up(c);
	if (!c->ok)
		atomic_store(&c->job->stop, true);
	(void)pthread_barrier_wait(&c->job->start);
	c->begin = measure_now();
	c->ok = c->ok && measure(c);
	c->end = measure_now();
	atomic_store(&c->job->stop, true);
	c->ok = c->ok && operate_rightly(c, c->job->count);
	/* Without power the card leaves the TPM to whatever is measured next. */
	if (c->card != 0)
		(void)SCardDisconnect(c->card, SCARD_UNPOWER_CARD);
	if (c->context != 0)
		(void)SCardReleaseContext(c->context);
	return NULL;
}

/* ---- all of them ---- */

static bool
run_all(struct job *job, struct client *clients, unsigned n)
{
	struct samples all = { 0 };
	int64_t begin, end;
	unsigned i;
	bool ok = true;

	if (pthread_barrier_init(&job->start, NULL, n) != 0)
		return false;
	for (i = 0; i < n; i++) {
		if (pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) != 0) {
			perror("pthread_create");
			exit(1);
		}
	}
	for (i = 0; i < n; i++) {
		(void)pthread_join(clients[i].thread, NULL);
		ok = ok && clients[i].ok;
		samples_join(&all, &clients[i].samples);
		samples_free(&clients[i].samples);
	}
	(void)pthread_barrier_destroy(&job->start);
	begin = clients[0].begin;
	end = clients[0].end;
	for (i = 1; i < n; i++) {
		begin = clients[i].begin < begin ? clients[i].begin : begin;
		end = clients[i].end > end ? clients[i].end : end;
	}
	ok = ok && measure_print(job->name, job->at, &all, n > 1 ? end - begin : 0, job->file);
	samples_free(&all);
	return ok;
}

/* The operation and its readers, after the options.  Returns the number of readers, 0 for wrong
 * usage. */
static unsigned
read_clients(struct job *job, struct client *clients, int argc, char **argv)
{
	const struct operation *op = NULL;
	unsigned n = 0;
	size_t i;

	for (i = 0; argc > 0 && i < sizeof operations / sizeof operations[0]; i++) {
		if (strcmp(argv[0], operations[i].name) == 0)
			op = &operations[i];
	}
	job->operation = op;
	if (op == NULL)
		return 0;
	argc--;
	argv++;
	if (op->has_tag) {
		if (argc == 0)
			return 0;
		job->tag = (uint32_t)strtoul(argv[0], NULL, 16);
		argc--;
		argv++;
	}
	if (argc % (int)op->words != 0 || argc / (int)op->words > READERS_MAX)
		return 0;
	for (; argc > 0; argc -= (int)op->words, argv += op->words, n++) {
		clients[n].job = job;
		clients[n].reader = argv[0];
		if (op->has_key && !keyop_open(&clients[n].key, op->kind,
				       (uint8_t)strtoul(argv[1], NULL, 16), argv[2]))
			exit(1);
	}
	return n;
}

static bool
read_options(struct job *job, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "n:u:b:t:a:s:")) != -1) {
		switch (option) {
		case 'n':
			job->count = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'u':
			job->warm_up = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'b':
			job->between = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 't':
			job->name = optarg;
			break;
		case 'a':
			job->at = optarg;
			break;
		case 's':
			job->file = optarg;
			break;
		default:
			return false;
		}
	}
	return job->count > 0;
}

int
main(int argc, char **argv)
{
	static struct client clients[READERS_MAX];
	struct job job = { .count = 1000, .warm_up = 10, .name = "?", .at = "card edge" };
	unsigned n = 0, i;
	bool ok;

	if (read_options(&job, argc, argv))
		n = read_clients(&job, clients, argc - optind, argv + optind);
	if (n == 0) {
		(void)fprintf(stderr, "usage: edge [OPTION]... OPERATION READER...\n");
		return 2;
	}
	ok = run_all(&job, clients, n);
	for (i = 0; i < n; i++)
		keyop_close(&clients[i].key);
	return ok ? 0 : 1;
}
