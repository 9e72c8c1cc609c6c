/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/commands.h"
#include "tools/json.h"
#include "tools/message.h"

#include <stdio.h>

static enum outcome
print_json(const struct repair *repair, const struct failure *problem, struct failure *why)
{
	struct json *j = json_begin();

	json_put_number(j, "found", repair->found);
	json_put_number(j, "finished", repair->finished);
	json_put_text(j, "problem", failed(problem) ? problem->text : NULL);
	return json_print(j, why);
}

/* What was done goes with the progress; a failure ends the command. */
static void
print_end(const struct repair *repair)
{
	if (repair->found == 0)
		(void)fprintf(stderr, "There is nothing to repair.\n");
	else
		(void)fprintf(stderr, "%u of %u interrupted run%s ended.\n", repair->finished,
		    repair->found, repair->found == 1 ? " is" : "s are");
}

enum outcome
repair_run(const struct config *config, const struct options *options, struct failure *why)
{
	struct failure problem = { "" };
	struct repair repair = { .found = 0 };
	enum outcome outcome, printed = DONE;

	outcome = cards_repair(config, message_progress(options->quiet), &repair, &problem);
	if (options->json)
		printed = print_json(&repair, &problem, why);
	else if (!options->quiet && (outcome == DONE || repair.found != 0))
		print_end(&repair);
	if (outcome != DONE)
		fail(why, "%s", problem.text);
	return outcome != DONE ? outcome : printed;
}
