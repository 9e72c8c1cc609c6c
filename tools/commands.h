/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tool's commands, one file each.  Each returns its outcome, which is the
 * exit status, with why set on anything but DONE.
 */
#ifndef TPMVSC_TOOLS_COMMANDS_H
#define TPMVSC_TOOLS_COMMANDS_H

#include "tools/options.h"

enum outcome create_run(
    const struct config *config, const struct options *options, struct failure *why);
enum outcome destroy_run(
    const struct config *config, const struct options *options, struct failure *why);
enum outcome list_run(
    const struct config *config, const struct options *options, struct failure *why);

/* The help text of a command, or of the tool. */
const char *help_text(enum verb verb);

/* Whether the running pcscd shows an instance's reader. */
enum reader_state { READER_THERE, READER_MISSING, READER_UNKNOWN };
enum reader_state reader_look(unsigned instance);

#endif
