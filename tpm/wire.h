/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line to the TPM, with a deadline.  tcti-swtpm ignores time-outs and a
 * device may hang in the kernel, so a worker thread of the wire's own does the
 * input and output, on buffers of the wire's own; the caller waits until its
 * deadline and no longer.  A wire that missed one is stuck until its worker
 * returns.  Knows tss2's TCTI only.
 */
#ifndef TPMVSC_TPM_WIRE_H
#define TPMVSC_TPM_WIRE_H

#include <time.h>
#include <tss2/tss2_tcti.h>

#include "base/bytes.h"

struct wire;

/*
 * Connect through the TCTI named, e.g. "device:/dev/tpmrm0".
 *
 * deadline CLOCK_MONOTONIC; the opening itself must end by then
 * out      set on success, and when the time is up: then to a stuck wire
 *
 * TSS2_RC of the TCTI; TSS2_TCTI_RC_IO_ERROR when the time is up;
 * TSS2_TCTI_RC_MEMORY.
 */
MUST_CHECK TSS2_RC wire_open(const char *tcti, const struct timespec *deadline, struct wire **out);

/* Set the time by which every exchange from now on must have its answer. */
void wire_deadline(struct wire *w, const struct timespec *deadline);

/* Whether a command was sent and its answer not received yet, be it there or not. */
MUST_CHECK bool wire_unread(struct wire *w);

/*
 * Call done(context) once no command is under way: now, or, after the TPM has
 * answered (or the wire is closed), on the wire's own thread.  One at a time.
 */
void wire_then(struct wire *w, void (*done)(void *), void *context);

/* Whether an exchange missed its deadline and its answer is still out. */
MUST_CHECK bool wire_stuck(struct wire *w);

/* Add what the wire's exchanges have taken so far: nanoseconds, and how many they were. */
void wire_spent(struct wire *w, uint64_t *ns, unsigned *commands);

/* The TCTI context to give to tss2; lives as long as the wire. */
TSS2_TCTI_CONTEXT *wire_tcti(struct wire *w);

/* Close; a stuck wire closes itself when its worker returns.  NULL is allowed. */
void wire_close(struct wire *w);

#endif
