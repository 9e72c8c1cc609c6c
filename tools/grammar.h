/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of the command line: commands, their options, what each option
 * takes and does.  options.c reads by these tables.  Knows options.h.
 */
#ifndef TPMVSC_TOOLS_GRAMMAR_H
#define TPMVSC_TOOLS_GRAMMAR_H

#include "tools/setters.h"

enum takes {
	TAKES_NOTHING,
	TAKES_VALUE, /* once */
	TAKES_MANY,  /* a value, as often as one likes */
	TAKES_RULES,
};

struct option {
	const char *name; /* lower case; GNU's hyphens do not count */
	char letter;
	bool seed; /* Windows' tpmvscmgr has it: its prefixes win */
	enum takes takes;
	set_option *set;   /* NULL: a flag or a text, put at ... */
	size_t at;	   /* ... this offset in struct options */
	const char *wants; /* what to say when the text is empty */
	bool here;	   /* means something on this machine only: /machine does not send it on */
	bool whole;	   /* is never cut short: /PIN 12345678 must not be the name of a file */
};

/* A command, and the options that are its own. */
struct command {
	const char *name;
	enum verb verb;
	const struct option *options;
	size_t count;
	size_t operand; /* where in struct options a file goes that is named without an option; 0: none is */
};

/* What may come before any command's name, beside the common options. */
extern const struct command command_none;

/* The options of every command. */
extern const struct command command_any;

/* The command a word names, in any case; NULL when there is none. */
const struct command *grammar_command(struct rbuf word);

/* Make the most of what was said, then look at it as a whole.  NULL, or what is wrong. */
MUST_CHECK const char *options_settle(struct options *o);

/* The commands one by one, from 0; NULL behind the last. */
const struct command *command_at(size_t i);

#endif
