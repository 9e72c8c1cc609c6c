/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/wire.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tctildr.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/log.h"

#define WIRE_MAGIC 0x74706d7673632031ULL

/* Ample for any TCTI.  The usual 8 MiB would take 2 MiB of memory where the kernel gives out large pages unasked. */
#define WIRE_STACK (256UL << 10)

enum wire_state {
	WIRE_IDLE,     /* nothing asked */
	WIRE_ASKED,    /* the worker has, or will take, the command */
	WIRE_ANSWERED, /* rc and response are there */
};

struct wire {
	TSS2_TCTI_CONTEXT_COMMON_V1 tcti; /* first: what tss2 holds is this */
	TSS2_TCTI_CONTEXT *real;	  /* the worker's alone */
	char *name;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct timespec deadline;
	enum wire_state state;
	bool late;    /* the caller stopped waiting */
	bool closing; /* the caller has let go: the worker frees */
	void (*done)(void *); /* to be told of the answer; NULL: nobody */
	void *context;
	uint64_t spent_ns;
	unsigned commands;

	TSS2_RC rc;
	size_t command_len, response_len;
	uint8_t command[TPM2_MAX_COMMAND_SIZE];
	uint8_t response[TPM2_MAX_RESPONSE_SIZE];
};

static void
wire_destroy(struct wire *w)
{
	if (w->real != NULL)
		Tss2_TctiLdr_Finalize(&w->real);
	explicit_bzero(w->command, sizeof w->command);
	explicit_bzero(w->response, sizeof w->response);
	(void)pthread_cond_destroy(&w->changed);
	(void)pthread_mutex_destroy(&w->lock);
	free(w->name);
	free(w);
}

static uint64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Carry one command there and its answer back; without the lock held. */
static TSS2_RC
exchange(struct wire *w)
{
	TSS2_RC rc;
	size_t len = sizeof w->response;

	rc = Tss2_Tcti_Transmit(w->real, w->command_len, w->command);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Tcti_Receive(w->real, &len, w->response, TSS2_TCTI_TIMEOUT_BLOCK);
	w->response_len = rc == TSS2_RC_SUCCESS ? len : 0;
	return rc;
}

/* Tell whoever waits for the end of what was under way; with the lock held, but not meanwhile. */
static void
tell(struct wire *w)
{
	void (*done)(void *) = w->done;
	void *context = w->context;

	if (done == NULL)
		return;
	w->done = NULL;
	(void)pthread_mutex_unlock(&w->lock);
	done(context);
	(void)pthread_mutex_lock(&w->lock);
}

static void *
worker(void *context)
{
	struct wire *w = context;
	uint64_t before, ns;
	bool opening;
	TSS2_RC rc;

	(void)pthread_mutex_lock(&w->lock);
	while (!w->closing) {
		if (w->state != WIRE_ASKED) {
			(void)pthread_cond_wait(&w->changed, &w->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&w->lock);
		opening = w->real == NULL;
		before = now_ns();
		rc = opening ? Tss2_TctiLdr_Initialize(w->name, &w->real) : exchange(w);
		ns = now_ns() - before;
		(void)pthread_mutex_lock(&w->lock);
		if (!opening) {
			w->spent_ns += ns;
			w->commands++;
		}
		w->rc = rc;
		w->state = WIRE_ANSWERED;
		tell(w);
		/* Without the lock, or whoever wakes up has to wait for that first. */
		(void)pthread_mutex_unlock(&w->lock);
		(void)pthread_cond_broadcast(&w->changed);
		(void)pthread_mutex_lock(&w->lock);
	}
	tell(w);
	(void)pthread_mutex_unlock(&w->lock);
	wire_destroy(w);
	return NULL;
}

/* Wait for the answer until the deadline; with the lock held. */
static TSS2_RC
await(struct wire *w)
{
	while (w->state == WIRE_ASKED) {
		if (pthread_cond_timedwait(&w->changed, &w->lock, &w->deadline) != 0 &&
		    w->state == WIRE_ASKED) {
			w->late = true;
			log_error("the TPM did not answer in time");
			return TSS2_TCTI_RC_IO_ERROR;
		}
	}
	return w->state == WIRE_ANSWERED ? w->rc : TSS2_TCTI_RC_BAD_SEQUENCE;
}

static TSS2_RC
transmit(TSS2_TCTI_CONTEXT *context, size_t size, const uint8_t *command)
{
	struct wire *w = (struct wire *)context;
	TSS2_RC rc = TSS2_TCTI_RC_BAD_SEQUENCE;
	struct wbuf out;

	(void)pthread_mutex_lock(&w->lock);
	if (!w->late && w->state != WIRE_ASKED) {
		out = wbuf_over(w->command, sizeof w->command);
		wbuf_put(&out, rbuf_of(command, size));
		rc = wbuf_ok(&out) ? TSS2_RC_SUCCESS : TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
		w->command_len = out.len;
	}
	if (rc == TSS2_RC_SUCCESS)
		w->state = WIRE_ASKED;
	(void)pthread_mutex_unlock(&w->lock);
	if (rc == TSS2_RC_SUCCESS)
		(void)pthread_cond_broadcast(&w->changed); /* see worker() */
	return rc;
}

/*
 * TSS2 TCTI, receive: with response NULL only the size is told.  The wire's
 * own deadline holds, whatever timeout says.
 */
static TSS2_RC
receive(TSS2_TCTI_CONTEXT *context, size_t *size, uint8_t *response, int32_t timeout)
{
	struct wire *w = (struct wire *)context;
	struct wbuf out;
	TSS2_RC rc;

	(void)timeout;
	(void)pthread_mutex_lock(&w->lock);
	rc = await(w);
	if (rc == TSS2_RC_SUCCESS && response != NULL) {
		out = wbuf_over(response, *size);
		wbuf_put(&out, rbuf_of(w->response, w->response_len));
		if (!wbuf_ok(&out))
			rc = TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
	}
	if (rc == TSS2_RC_SUCCESS)
		*size = w->response_len;
	if (response != NULL && w->state == WIRE_ANSWERED)
		w->state = WIRE_IDLE;
	(void)pthread_mutex_unlock(&w->lock);
	return rc;
}

static struct wire *
wire_new(const char *name)
{
	struct wire *w = calloc(1, sizeof *w);
	pthread_condattr_t attr;

	if (w == NULL)
		return NULL;
	w->name = strdup(name);
	if (w->name == NULL) {
		free(w);
		return NULL;
	}
	w->tcti.magic = WIRE_MAGIC;
	w->tcti.version = 1;
	w->tcti.transmit = transmit;
	w->tcti.receive = receive;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	return w;
}

TSS2_RC
wire_open(const char *tcti, const struct timespec *deadline, struct wire **out)
{
	struct wire *w = wire_new(tcti);
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	TSS2_RC rc;
	int err;

	if (w == NULL)
		return TSS2_TCTI_RC_MEMORY;
	w->deadline = *deadline;
	w->state = WIRE_ASKED; /* without a connection yet: the worker's first task is to make it */
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, WIRE_STACK);
	/* The program's signals are for its own threads. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, &attr, worker, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	if (err != 0) {
		wire_destroy(w);
		return TSS2_TCTI_RC_MEMORY;
	}
	(void)pthread_mutex_lock(&w->lock);
	rc = await(w);
	(void)pthread_mutex_unlock(&w->lock);
	if (rc == TSS2_RC_SUCCESS || wire_stuck(w))
		*out = w;
	else
		wire_close(w);
	return rc;
}

void
wire_deadline(struct wire *w, const struct timespec *deadline)
{
	(void)pthread_mutex_lock(&w->lock);
	w->deadline = *deadline;
	(void)pthread_mutex_unlock(&w->lock);
}

bool
wire_unread(struct wire *w)
{
	bool unread;

	(void)pthread_mutex_lock(&w->lock);
	unread = w->state != WIRE_IDLE;
	(void)pthread_mutex_unlock(&w->lock);
	return unread;
}

void
wire_then(struct wire *w, void (*done)(void *), void *context)
{
	(void)pthread_mutex_lock(&w->lock);
	w->done = done;
	w->context = context;
	if (w->state != WIRE_ASKED)
		tell(w);
	(void)pthread_mutex_unlock(&w->lock);
}

bool
wire_stuck(struct wire *w)
{
	bool stuck;

	(void)pthread_mutex_lock(&w->lock);
	stuck = w->late && w->state == WIRE_ASKED;
	(void)pthread_mutex_unlock(&w->lock);
	return stuck;
}

void
wire_spent(struct wire *w, uint64_t *ns, unsigned *commands)
{
	(void)pthread_mutex_lock(&w->lock);
	*ns += w->spent_ns;
	*commands += w->commands;
	(void)pthread_mutex_unlock(&w->lock);
}

TSS2_TCTI_CONTEXT *
wire_tcti(struct wire *w)
{
	return (TSS2_TCTI_CONTEXT *)w;
}

void
wire_close(struct wire *w)
{
	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->closing = true;
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
}
