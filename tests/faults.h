/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accidents on demand: run a function in a child process and kill it, or make
 * a system call fail, at the nth call that touches a file.  The code under test
 * is the shipped one; nothing is wrapped or preloaded (ptrace does it).
 */
#ifndef TPMVSC_TESTS_FAULTS_H
#define TPMVSC_TESTS_FAULTS_H

#include <stdbool.h>

enum fault_kind {
	FAULT_KILL,  /* SIGKILL before the call */
	FAULT_ERROR, /* the call is not made and returns error */
	FAULT_CUT,   /* as FAULT_ERROR, and so does every such call after it: the disk is gone */
};

struct fault {
	enum fault_kind kind;
	unsigned nth; /* from 1; 0: no accident */
	int error;    /* an errno */
};

struct fault_outcome {
	bool reached; /* the nth call came */
	bool killed;
	int status;       /* what body returned, 0 to 255, when it was not killed */
	unsigned calls;   /* how many there were */
	char call[24];    /* which call was struck, for messages */
	char trace[2048]; /* the calls' names in order, each with a space behind; the first so many
			   */
};

/*
 * Fork, run body(context) in the child, and strike as told.  Memory is the
 * child's own unless it is shared.  Aborts the test when tracing is impossible.
 */
struct fault_outcome fault_run(const struct fault *fault, int (*body)(void *), void *context);

/*
 * How many calls to go on by from one accident to the next: 1, or what
 * FAULT_STRIDE in the environment says, for valgrind.  Rows begin at different
 * calls, so that together they meet most all the same.
 */
unsigned fault_stride(void);

/*
 * From here on this process, and what it forks, cannot exchange two names: as
 * on a file system that cannot.
 */
void fault_refuse_exchange(void);

/*
 * A place where a fake port may be struck: counts as one call.  Returns false
 * when it is to fail.
 */
bool fault_point(void);

#endif
