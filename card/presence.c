/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

#include <stdlib.h>

struct card_watch {
	struct files_watch *files;
};

static uint64_t
mix(uint64_t sum, struct rbuf in)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		sum = (sum ^ in.data[i]) * UINT64_C(0x100000001b3);
	return sum;
}

uint64_t
card_number(struct files *files, unsigned instance)
{
	uint8_t record_octets[TPM_RECORD_MAX], octets[FILES_GENERATION_MAX];
	struct wbuf record = wbuf_over(record_octets, sizeof record_octets);
	struct wbuf generation = wbuf_over(octets, sizeof octets);
	uint64_t sum;

	/* A card without a readable record is there all the same: mute, not absent. */
	if (files_record(files, instance, &record, NULL) != FILES_OK)
		wbuf_truncate(&record, 0);
	if (files_generation(files, instance, &generation, NULL) != FILES_OK)
		wbuf_truncate(&generation, 0);
	sum = mix(UINT64_C(0xcbf29ce484222325), wbuf_view(&record));
	sum = mix(sum, wbuf_view(&generation));
	return sum != 0 ? sum : 1;
}

enum outcome
card_present(const struct config *config, unsigned instance, uint64_t *which, struct failure *why)
{
	struct files *files = NULL;
	enum files_err err;

	*which = 0;
	err = files_open(config->state_dir, false, &files, why);
	if (err != FILES_OK)
		return err == FILES_ABSENT ? DONE : outcome_of_files(err);
	if (files_has(files, instance))
		*which = card_number(files, instance);
	files_close(files);
	return DONE;
}

enum outcome
card_watch_open(
    const struct config *config, bool make, struct card_watch **out, struct failure *why)
{
	struct files *files = NULL;
	struct card_watch *w;
	enum files_err err;

	/* Before the first card there is no directory, and what is not there cannot be watched. */
	err = files_open(config->state_dir, make, &files, why);
	if (err != FILES_OK)
		return outcome_of_files(err);
	files_close(files);
	w = calloc(1, sizeof *w);
	if (w == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	err = files_watch_open(config->state_dir, &w->files, why);
	if (err != FILES_OK) {
		free(w);
		return outcome_of_files(err);
	}
	*out = w;
	return DONE;
}

int
card_watch_fd(const struct card_watch *w)
{
	return files_watch_fd(w->files);
}

bool
card_watch_drain(struct card_watch *w, unsigned instance)
{
	return files_watch_drain(w->files, instance);
}

void
card_watch_close(struct card_watch *w)
{
	if (w == NULL)
		return;
	files_watch_close(w->files);
	free(w);
}
