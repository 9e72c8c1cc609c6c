/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line to the TPM as tss2 wants it (a TCTI), with a deadline for whatever
 * goes over it, and a count of what it took.  A wire that missed a deadline is stuck
 * until the answer is there.  A client's own: not for two threads at a time.
 */
#ifndef TPMVSC_TPM_WIRE_H
#define TPMVSC_TPM_WIRE_H

#include <time.h>
#include <tss2/tss2_tcti.h>

#include "base/bytes.h"

struct wire;

/*
 * Make a wire to the TPM that a TCTI string names, e.g. "device:/dev/tpmrm0".
 *
 * deadline CLOCK_MONOTONIC; the opening itself must end by then
 * out      set on success, and when the time is up: then to a stuck wire
 *
 * TSS2_RC of the TCTI; TSS2_TCTI_RC_IO_ERROR when the time is up;
 * TSS2_TCTI_RC_MEMORY.  Whether a swtpm is there shows at the first command.
 */
MUST_CHECK TSS2_RC wire_open(const char *tcti, const struct timespec *deadline, struct wire **out);

/*
 * Set the time by which commands from now on must be sent and answered; one
 * that is past means that nothing is waited for: then sending fails with
 * TSS2_TCTI_RC_TRY_AGAIN if the TPM does not take it, and nothing is late.
 */
void wire_deadline(struct wire *w, const struct timespec *deadline);

/* Whether a command was sent and its answer not received yet, be it there or not. */
MUST_CHECK bool wire_unread(const struct wire *w);

/*
 * Whether a command missed its deadline and its answer is still out; or was not taken
 * in time, and another would not be either.
 */
MUST_CHECK bool wire_stuck(struct wire *w);

/* CLOCK_MONOTONIC, in nanoseconds: what all of this is measured with. */
uint64_t wire_clock(void);

/* Add how long commands on the wire were waited for so far, in nanoseconds, and how many they were. */
void wire_spent(const struct wire *w, uint64_t *ns, unsigned *commands);

/* The TCTI context to give to tss2; lives as long as the wire. */
TSS2_TCTI_CONTEXT *wire_tcti(struct wire *w);

/* Close, whatever is under way.  NULL is allowed. */
void wire_close(struct wire *w);

#endif
