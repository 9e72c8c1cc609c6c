/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log and failure text.  A log line goes to whoever the program named (pcscd's
 * log, standard error); a failure is the one line a person gets to read.  No
 * function here takes a secret, and no caller may format one.  Knows libc only.
 */
#ifndef TPMVSC_BASE_LOG_H
#define TPMVSC_BASE_LOG_H

#include "base/bytes.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Where lines go; text has no newline. */
typedef void (*log_sink)(enum log_level level, const char *text);

/*
 * Send lines of at most the given level to sink (NULL: standard error).
 * Process-wide; call before threads start.  Until then only errors and
 * warnings are written, to standard error.
 */
void log_open(enum log_level level, log_sink sink);

/* The level named error, warning, info or debug; false for another word. */
MUST_CHECK bool log_level_from(const char *word, enum log_level *out);

/* Whether lines of a level are written: asked before work that only such a line needs. */
bool log_wants(enum log_level level);

void log_at(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* What went wrong, in one line: what, where, and what to do about it. */
struct failure {
	char text[512];
};

/*
 * Set the line.  The first one stands: it was written nearest to the cause.
 * f may be NULL (nobody will read it).
 */
void fail(struct failure *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether a line has been set. */
bool failed(const struct failure *f);

#endif
