/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/bundle.h"
#include "tools/commands.h"
#include "tools/file.h"
#include "tools/obtain.h"

#include <stdlib.h>

/* The file first: the TPM is asked for nothing that has no place to go. */
static enum outcome
save(const char *path, const struct evidence *e, struct outfile *file, struct failure *why)
{
	uint8_t *octets = malloc(BUNDLE_TEXT_MAX);
	struct wbuf text = wbuf_over(octets, octets != NULL ? BUNDLE_TEXT_MAX : 0);
	enum outcome outcome = FAILED;

	if (bundle_write(e, &text)) {
		outcome = outfile_write(file, wbuf_view(&text), why);
	} else {
		outfile_drop(file);
		fail(why, "%s: the evidence does not fit a bundle", path != NULL ? path : "attest");
	}
	free(octets);
	return outcome;
}

static enum outcome
gather(const struct config *config, const struct options *options, struct failure *why)
{
	const struct rbuf nonce = rbuf_of(options->nonce, options->nonce_len);
	uint8_t *octets = malloc(EVIDENCE_OCTETS_MAX);
	struct wbuf room = wbuf_over(octets, EVIDENCE_OCTETS_MAX);
	struct outfile file = { .fd = -1 };
	enum outcome outcome;
	struct evidence e;

	if (octets == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	outcome = outfile_open(options->output, &file, why);
	if (outcome == DONE) {
		outcome =
		    cards_attest(config, options->instance, options->slot, nonce, &room, &e, why);
		if (outcome == DONE)
			outcome = save(options->output, &e, &file, why);
		else
			outfile_drop(&file);
	}
	free(octets);
	return outcome;
}

static enum outcome
attest(const struct config *config, const struct options *options, struct failure *why)
{
	if (options->request)
		return obtain_request(config, options, why);
	if (options->install != NULL)
		return obtain_install(config, options, why);
	if (options->acme != NULL || options->webauthn != NULL)
		return export_run(config, options, why);
	return gather(config, options, why);
}

/* Which card is in the instance; 0: none, or nobody can tell. */
static uint64_t
look(const struct config *config, unsigned instance)
{
	struct failure why = { "" };
	uint64_t which = 0;

	return card_present(config, instance, &which, &why) == DONE ? which : 0;
}

/* A first AK, or a certificate for it, changes the card. */
enum outcome
attest_run(const struct config *config, const struct options *options, struct failure *why)
{
	const struct reader_mark mark = reader_mark(options->instance);
	const uint64_t before = look(config, options->instance);
	const enum outcome outcome = attest(config, options, why);

	if (look(config, options->instance) != before)
		reader_follow(options->instance, &mark);
	return outcome;
}
