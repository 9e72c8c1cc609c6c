/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tss2's TCTI behind a thread.  Time-outs are ignored by some TCTIs, and a device
 * may hang in the kernel: so it works on buffers of its own, and the caller
 * waits until his deadline and no longer.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tctildr.h>

#include "tpm/carrier.h"

/* Ample for any TCTI.  The usual 8 MiB would take 2 MiB of memory where the kernel gives out large pages unasked. */
#define STACK_OCTETS (256UL << 10)

struct errand {
	struct carrier carrier;
	TSS2_TCTI_CONTEXT *real; /* the thread's alone */
	char *name;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool asked;   /* the thread has, or will take, the command */
	bool closing; /* the caller has let go: the thread frees */

	TSS2_RC rc;
	size_t command_len, answer_len;
	uint8_t command[TPM2_MAX_COMMAND_SIZE];
	uint8_t answer[TPM2_MAX_RESPONSE_SIZE];
};

static void
errand_free(struct errand *e)
{
	if (e->real != NULL)
		Tss2_TctiLdr_Finalize(&e->real);
	explicit_bzero(e->command, sizeof e->command);
	explicit_bzero(e->answer, sizeof e->answer);
	(void)pthread_cond_destroy(&e->changed);
	(void)pthread_mutex_destroy(&e->lock);
	free(e->name);
	free(e);
}

/* Carry one command there and its answer back; without the lock held. */
static TSS2_RC
exchange(struct errand *e)
{
	TSS2_RC rc;
	size_t len = sizeof e->answer;

	rc = Tss2_Tcti_Transmit(e->real, e->command_len, e->command);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Tcti_Receive(e->real, &len, e->answer, TSS2_TCTI_TIMEOUT_BLOCK);
	/* Some take an answer's word for how long it is. */
	if (rc == TSS2_RC_SUCCESS && (len < CARRIER_HEADER || len > sizeof e->answer))
		rc = TSS2_TCTI_RC_IO_ERROR;
	e->answer_len = rc == TSS2_RC_SUCCESS ? len : 0;
	return rc;
}

static void *
run(void *context)
{
	struct errand *e = context;
	TSS2_RC rc;

	(void)pthread_mutex_lock(&e->lock);
	while (!e->closing) {
		if (!e->asked) {
			(void)pthread_cond_wait(&e->changed, &e->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&e->lock);
		/* Its first task is to connect. */
		rc = e->real == NULL ? Tss2_TctiLdr_Initialize(e->name, &e->real) : exchange(e);
		(void)pthread_mutex_lock(&e->lock);
		e->rc = rc;
		e->asked = false;
		/* Without the lock, or whoever wakes up has to wait for that first. */
		(void)pthread_mutex_unlock(&e->lock);
		(void)pthread_cond_broadcast(&e->changed);
		(void)pthread_mutex_lock(&e->lock);
	}
	(void)pthread_mutex_unlock(&e->lock);
	errand_free(e);
	return NULL;
}

static TSS2_RC
errand_send(struct carrier *c, struct rbuf command, const struct timespec *deadline)
{
	struct errand *e = (struct errand *)c;
	TSS2_RC rc = TSS2_TCTI_RC_TRY_AGAIN;
	struct wbuf out;

	(void)deadline;
	(void)pthread_mutex_lock(&e->lock);
	if (!e->asked) {
		out = wbuf_over(e->command, sizeof e->command);
		wbuf_put(&out, command);
		rc = wbuf_ok(&out) ? TSS2_RC_SUCCESS : TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
		e->command_len = out.len;
		e->asked = rc == TSS2_RC_SUCCESS;
	}
	(void)pthread_mutex_unlock(&e->lock);
	if (rc == TSS2_RC_SUCCESS)
		(void)pthread_cond_broadcast(&e->changed); /* see run() */
	return rc;
}

static TSS2_RC
errand_receive(struct carrier *c, const struct timespec *deadline, struct wbuf *answer)
{
	struct errand *e = (struct errand *)c;
	TSS2_RC rc = TSS2_TCTI_RC_TRY_AGAIN;
	int err = 0;

	(void)pthread_mutex_lock(&e->lock);
	while (e->asked && err == 0)
		err = pthread_cond_timedwait(&e->changed, &e->lock, deadline);
	if (!e->asked) {
		rc = e->rc;
		wbuf_put(answer, rbuf_of(e->answer, e->answer_len));
	}
	(void)pthread_mutex_unlock(&e->lock);
	return rc;
}

static bool
errand_arrived(struct carrier *c)
{
	struct errand *e = (struct errand *)c;
	bool arrived;

	(void)pthread_mutex_lock(&e->lock);
	arrived = !e->asked;
	(void)pthread_mutex_unlock(&e->lock);
	return arrived;
}

static void
errand_close(struct carrier *c)
{
	struct errand *e = (struct errand *)c;

	(void)pthread_mutex_lock(&e->lock);
	e->closing = true;
	(void)pthread_cond_broadcast(&e->changed);
	(void)pthread_mutex_unlock(&e->lock);
}

static bool
start(struct errand *e)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, STACK_OCTETS);
	/* The program's signals are for its own threads. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, &attr, run, e);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	return err == 0;
}

struct carrier *
thread_carrier(const char *tcti)
{
	static const struct carrier_way way = { errand_send, errand_receive, errand_arrived,
		errand_close };
	struct errand *e = calloc(1, sizeof *e);
	pthread_condattr_t attr;

	if (e == NULL)
		return NULL;
	e->carrier.way = &way;
	e->asked = true;
	e->name = strdup(tcti);
	(void)pthread_mutex_init(&e->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&e->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (e->name != NULL && start(e))
		return &e->carrier;
	errand_free(e);
	return NULL;
}
