/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What takes a wire's commands to the TPM and its answers back, with a deadline
 * for each step: swtpm's socket, or tss2's TCTI behind a thread, for those know
 * no deadline.  One command at a time, one thread of the caller's at a time.
 */
#ifndef TPMVSC_TPM_CARRIER_H
#define TPMVSC_TPM_CARRIER_H

#include <time.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"

/* An answer begins with tag, size of the whole, response code; TCG TPM 2.0 Part 1, 18. */
#define CARRIER_HEADER 10

struct carrier;

/* Deadlines are of CLOCK_MONOTONIC; one that is past means: do not wait. */
struct carrier_way {
	/*
	 * Send a command.  TSS2_TCTI_RC_TRY_AGAIN when the TPM takes none before the
	 * deadline: then nothing was sent.
	 */
	TSS2_RC (*send)(struct carrier *c, struct rbuf command, const struct timespec *deadline);

	/*
	 * Append the answer to the command sent.  TSS2_TCTI_RC_TRY_AGAIN when it is not
	 * there before the deadline; it may be asked for again.
	 */
	TSS2_RC (*receive)(struct carrier *c, const struct timespec *deadline, struct wbuf *answer);

	/*
	 * Whether receive() would not wait; after a send() that came to nothing,
	 * whether another would not.
	 */
	bool (*arrived)(struct carrier *c);

	/* Close, whatever is under way; never waits. */
	void (*close)(struct carrier *c);
};

/* First in whatever a carrier is. */
struct carrier {
	const struct carrier_way *way;
};

/*
 * swtpm's Unix socket at path, which is connected to for each command: swtpm
 * serves one connection at a time.  NULL when the path is too long or memory is out.
 */
struct carrier *socket_carrier(const char *path);

/*
 * tss2's TCTI of that name, e.g. "device:/dev/tpmrm0", opened and used by a
 * thread of its own, which outlives close() while the TPM holds it up.  The
 * first receive(), without a send(), tells how the opening went and appends nothing.
 * NULL when memory is out.
 */
struct carrier *thread_carrier(const char *tcti);

#endif
