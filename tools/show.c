/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/message.h"
#include "tools/recordfile.h"
#include "tools/view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The file first: nothing is shown beside one that cannot be written. */
static enum outcome
save_record(const struct config *config, const struct options *options, struct failure *why)
{
	uint8_t octets[CARD_RECORD_MAX];
	struct wbuf record = wbuf_over(octets, sizeof octets);
	struct outfile file;
	enum outcome outcome;

	outcome = cards_record(config, options->instance, &record, why);
	if (outcome != DONE)
		return outcome;
	outcome = outfile_open(options->record, &file, why);
	return outcome == DONE ? recordfile_write(&file, wbuf_view(&record), why) : outcome;
}

static enum outcome
print(const struct view *v, bool json, struct failure *why)
{
	if (json)
		return view_print_json(v, why);
	view_print(v);
	if (ferror(stdout) == 0 && fclose(stdout) == 0)
		return DONE;
	fail(why, "cannot write to standard output: %s", strerror(errno));
	return FAILED;
}

enum outcome
show_run(const struct config *config, const struct options *options, struct failure *why)
{
	enum outcome outcome;
	struct view v;

	outcome = view_open(config, options->instance, &v, why);
	if (outcome != DONE)
		return outcome;
	if (options->record != NULL)
		outcome = save_record(config, options, why);
	if (outcome == DONE)
		outcome = print(&v, options->json, why);
	if (outcome == DONE)
		outcome = view_outcome(&v, why);
	view_clear(&v);
	return outcome;
}
