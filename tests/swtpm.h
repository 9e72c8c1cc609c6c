/* SPDX-License-Identifier: BSD-2-Clause */
/* A software TPM of a test's own: private directory, Unix socket, gone with the test. */
#ifndef TPMVSC_TESTS_SWTPM_H
#define TPMVSC_TESTS_SWTPM_H

#include <stdbool.h>
#include <sys/types.h>

struct swtpm {
	pid_t pid;
	char dir[128];	 /* /tmp/tpmvsc-XXXXXX */
	char tcti[192];	 /* swtpm:path=... */
	char lease[192]; /* a lock file beside it */
	bool disconnects, no_control; /* other ways to start it, for swtpm_start() */
};

/* Make the directory and start the TPM; ends the test program when it does not come up. */
void swtpm_begin(struct swtpm *s);

/*
 * The same, manufactured: with endorsement keys (RSA-2048, P-384) whose
 * certificates are of a new authority of its own, SWTPM_ROOT and SWTPM_ISSUER in its directory.
 */
#define SWTPM_ROOT "swtpm-localca-rootca-cert.pem"
#define SWTPM_ISSUER "issuercert.pem"
void swtpm_begin_certified(struct swtpm *s);

/* Start it again on the same state; pid must have ended. */
void swtpm_start(struct swtpm *s);

/* SIGKILL, as a crash would. */
void swtpm_kill(struct swtpm *s);

/* Kill it and remove the directory. */
void swtpm_end(struct swtpm *s);

#endif
