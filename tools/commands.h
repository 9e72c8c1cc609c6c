/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tool's commands, one file each.  Each returns its outcome, which is the
 * exit status, with why set on anything but DONE.
 */
#ifndef TPMVSC_TOOLS_COMMANDS_H
#define TPMVSC_TOOLS_COMMANDS_H

#include "tools/options.h"

typedef enum outcome command_run(
    const struct config *config, const struct options *options, struct failure *why);

command_run create_run, destroy_run, list_run, show_run, enroll_run,
    unblock_run, respond_run, ca_respond_run, change_pin_run, change_puk_run, change_admin_key_run,
    attest_run, verify_run, doctor_run, repair_run;

/* Run a command here, by its own configuration. */
MUST_CHECK enum outcome command_run_here(const struct options *options, struct failure *why);

/*
 * Run a command on another machine (/machine), or one that another machine
 * sends (--stdio).  why stays empty when the far side has said what is wrong.
 */
MUST_CHECK enum outcome machine_run(
    int argc, char *const argv[], const struct options *options, struct failure *why);
MUST_CHECK enum outcome stdio_run(const struct options *options, struct failure *why);

/* unblock, when it is by challenge and response with a help desk. */
command_run unblock_by_challenge;

/* attest, in the form of another protocol: --acme, --webauthn. */
command_run export_run;

/* Tell what a person should know after an unblock; tries_left -1: unknown. */
void unblock_tell(int tries_left, bool quiet);

/* The help text of a command, or of the tool. */
const char *help_text(enum verb verb);

/* Whether the running pcscd shows an instance's reader. */
enum reader_state { READER_THERE, READER_MISSING, READER_UNKNOWN };
enum reader_state reader_look(unsigned instance);

/*
 * A change beside a live card shows in its reader as a card that goes and
 * comes.  Mark before the change, follow after it: whoever uses the card then
 * has the one that is changed.  At most some seconds, and no harm without pcscd.
 */
struct reader_mark {
	bool known;
	unsigned events;
};
struct reader_mark reader_mark(unsigned instance);
void reader_follow(unsigned instance, const struct reader_mark *mark);

#endif
