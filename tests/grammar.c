/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the tool's grammar, for tests/check_completion.sh: a line for each
 * option, its fields between tabs: command ("-": any), option, letter ("-":
 * none), what it takes, and what the parser says it wants.
 */
#include "tools/grammar.h"

#include <stdio.h>

static const char *const kinds[] = {
	[TAKES_NOTHING] = "nothing",
	[TAKES_VALUE] = "value",
	[TAKES_MANY] = "value",
	[TAKES_RULES] = "rules",
};

/* An option that takes a value says what it wants when it gets none. */
static const char *
wants(const struct option *option)
{
	struct options o = { .policy = pin_policy_default };
	struct pin_policy policy = pin_policy_default;
	unsigned seen = 0;

	switch (option->takes) {
	case TAKES_NOTHING:
		return "";
	case TAKES_RULES:
		return options_rule(rbuf_str(""), rbuf_str(""), &policy, &seen);
	case TAKES_VALUE:
	case TAKES_MANY:
		break;
	}
	return option->set == NULL ? option->wants : option->set(&o, rbuf_str(""), "");
}

static void
print(const char *name, const struct command *command)
{
	const struct option *option;
	const char *wanted;
	size_t i;

	for (i = 0; i < command->count; i++) {
		option = &command->options[i];
		wanted = wants(option);
		(void)printf("%s\t%s\t%c\t%s\t%s\n", name, option->name,
		    option->letter != 0 ? option->letter : '-', kinds[option->takes],
		    wanted != NULL ? wanted : "");
	}
}

int
main(void)
{
	const struct command *command;
	size_t i;

	print("-", &command_any);
	for (i = 0; (command = command_at(i)) != NULL; i++)
		print(command->name, command);
	return fflush(stdout) == 0 ? 0 : 1;
}
