/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tool says to a person, on standard error: one line each.  No
 * function here takes a secret.
 */
#ifndef TPMVSC_TOOLS_MESSAGE_H
#define TPMVSC_TOOLS_MESSAGE_H

#include "card/card.h"

/* "tpmvscmgr: ..." */
void message_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "tpmvscmgr: warning: ..." */
void message_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Say how a command failed: why, or a line for the outcome when why is empty. */
void message_failure(enum outcome outcome, const struct failure *why);

/* What PIV middleware sends for a PIN or PUK: never more. */
#define PIV_PIN_OCTETS 8

/* Warn of a PIN or PUK (what) of so many characters, when PIV programs cannot send it. */
void message_length(const char *what, size_t characters);

/* Progress, a line for each step; NULL when quiet. */
const struct progress *message_progress(bool quiet);

/* Where log lines of the other rooms go: warnings, and everything with verbose. */
void message_log(bool verbose);

#endif
