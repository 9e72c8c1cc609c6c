/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/audit.h"
#include "tools/alive.h"
#include "tools/commands.h"
#include "tools/message.h"

enum outcome
destroy_run(const struct config *config, const struct options *options, struct failure *why)
{
	struct audit audit = { .event = AUDIT_DESTROY };
	enum outcome outcome;

	/* IDs of that form that no card can have. */
	if (options->instance >= CARDS_MAX) {
		fail(why, "there is no card " INSTANCE_PREFIX "%04u", options->instance);
		return NO_SUCH_CARD;
	}
	audit_look(&audit, config, options->instance); /* while there is a record to read */
	alive_begin(options->quiet);
	outcome = cards_destroy(config, options->instance, message_progress(options->quiet), why);
	alive_end();
	audit_end(&audit, outcome, why);
	return outcome;
}
