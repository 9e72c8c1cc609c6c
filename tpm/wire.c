/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tpm/carrier.h"

#define WIRE_MAGIC 0x74706d7673632031ULL

#define SWTPM_SOCKET "swtpm:path="

enum wire_state {
	WIRE_IDLE,     /* nothing asked */
	WIRE_ASKED,    /* a command is under way, or was not taken in time: then late */
	WIRE_ANSWERED, /* rc and answer are there */
};

struct wire {
	TSS2_TCTI_CONTEXT_COMMON_V1 tcti; /* first: what tss2 holds is this */
	struct carrier *carrier;
	struct timespec deadline;
	enum wire_state state;
	bool late; /* once: nobody waits for its answers any more */
	uint64_t spent_ns;
	unsigned commands;
	TSS2_RC rc;
	struct wbuf answer; /* over octets */
	uint8_t octets[TPM2_MAX_RESPONSE_SIZE];
};

static uint64_t
ns_of(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000000U + (uint64_t)t->tv_nsec;
}

uint64_t
wire_clock(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return ns_of(&now);
}

static TSS2_RC
too_late(struct wire *w)
{
	w->late = true;
	log_error("the TPM did not answer in time");
	return TSS2_TCTI_RC_IO_ERROR;
}

/* Wait for the answer until the deadline. */
static TSS2_RC
await(struct wire *w)
{
	const uint64_t before = wire_clock();
	TSS2_RC rc;

	if (w->state == WIRE_IDLE)
		return TSS2_TCTI_RC_BAD_SEQUENCE;
	if (w->state == WIRE_ANSWERED)
		return w->rc;
	rc = w->carrier->way->receive(w->carrier, &w->deadline, &w->answer);
	w->spent_ns += wire_clock() - before;
	if (rc == TSS2_TCTI_RC_TRY_AGAIN)
		return too_late(w);
	w->rc = rc;
	w->state = WIRE_ANSWERED;
	return rc;
}

static TSS2_RC
transmit(TSS2_TCTI_CONTEXT *context, size_t size, const uint8_t *command)
{
	struct wire *w = (struct wire *)context;
	uint64_t before;
	TSS2_RC rc;

	/* An answer nobody asked for has to come in first. */
	if (w->state == WIRE_ASKED)
		(void)await(w);
	if (w->late)
		return TSS2_TCTI_RC_BAD_SEQUENCE;
	wbuf_truncate(&w->answer, 0);
	before = wire_clock();
	rc = w->carrier->way->send(w->carrier, rbuf_of(command, size), &w->deadline);
	w->spent_ns += wire_clock() - before;
	w->commands += rc == TSS2_RC_SUCCESS;
	/* Who has waited for it in vain is not to wait again before the TPM takes commands. */
	if (rc == TSS2_TCTI_RC_TRY_AGAIN && before < ns_of(&w->deadline)) {
		w->state = WIRE_ASKED;
		return too_late(w);
	}
	w->state = rc == TSS2_RC_SUCCESS ? WIRE_ASKED : WIRE_IDLE;
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
	TSS2_RC rc = await(w);
	struct wbuf out;

	(void)timeout;
	if (rc == TSS2_RC_SUCCESS && response != NULL) {
		out = wbuf_over(response, *size);
		wbuf_put(&out, wbuf_view(&w->answer));
		if (!wbuf_ok(&out))
			rc = TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
	}
	if (rc == TSS2_RC_SUCCESS)
		*size = w->answer.len;
	if (response != NULL && w->state == WIRE_ANSWERED)
		w->state = WIRE_IDLE;
	return rc;
}

static struct wire *
wire_new(const char *tcti)
{
	const size_t n = strlen(SWTPM_SOCKET);
	const bool swtpm = strncmp(tcti, SWTPM_SOCKET, n) == 0;
	struct wire *w = calloc(1, sizeof *w);

	if (w == NULL)
		return NULL;
	w->carrier = swtpm ? socket_carrier(tcti + n) : thread_carrier(tcti);
	if (w->carrier == NULL) {
		free(w);
		return NULL;
	}
	/* A thread is opening its TCTI already. */
	w->state = swtpm ? WIRE_IDLE : WIRE_ASKED;
	w->answer = wbuf_over(w->octets, sizeof w->octets);
	w->tcti.magic = WIRE_MAGIC;
	w->tcti.version = 1;
	w->tcti.transmit = transmit;
	w->tcti.receive = receive;
	return w;
}

TSS2_RC
wire_open(const char *tcti, const struct timespec *deadline, struct wire **out)
{
	struct wire *w = wire_new(tcti);
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (w == NULL)
		return TSS2_TCTI_RC_MEMORY;
	w->deadline = *deadline;
	if (w->state == WIRE_ASKED)
		rc = await(w);
	if (rc == TSS2_RC_SUCCESS || wire_stuck(w)) {
		/* That it is open is no answer to a command. */
		if (rc == TSS2_RC_SUCCESS)
			w->state = WIRE_IDLE;
		w->spent_ns = 0;
		*out = w;
	} else {
		wire_close(w);
	}
	return rc;
}

void
wire_deadline(struct wire *w, const struct timespec *deadline)
{
	w->deadline = *deadline;
}

bool
wire_unread(const struct wire *w)
{
	return w->state != WIRE_IDLE;
}

bool
wire_stuck(struct wire *w)
{
	return w->late && w->state == WIRE_ASKED && !w->carrier->way->arrived(w->carrier);
}

void
wire_spent(const struct wire *w, uint64_t *ns, unsigned *commands)
{
	*ns += w->spent_ns;
	*commands += w->commands;
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
	w->carrier->way->close(w->carrier);
	explicit_bzero(w->octets, sizeof w->octets);
	free(w);
}
