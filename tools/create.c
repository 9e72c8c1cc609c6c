/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/audit.h"
#include "tools/alive.h"
#include "tools/commands.h"
#include "tools/message.h"
#include "tools/obtain.h"
#include "tools/recordfile.h"
#include "tools/secrets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* Omitting a secret is warned of always; asking for the default, unless quiet. */
static void
warn_default(enum source source, bool quiet, const char *what, const char *option)
{
	if (source == SOURCE_OMITTED)
		message_warning("no %s given: the card gets the default %s, which everybody knows",
		    option, what);
	else if (source == SOURCE_DEFAULT && !quiet)
		message_warning("the card gets the default %s, which everybody knows", what);
}

/* Nobody ever learns a random key: what is left when the PIN is forgotten. */
static void
warn_random(const struct options *o)
{
	if (o->quiet || o->admin_key != SOURCE_RANDOM)
		return;
	message_warning("nobody knows the random administrator key: when the PIN is forgotten or "
			"blocked, %s",
	    o->puk != SOURCE_OMITTED
		? "only the PUK resets it"
		: "and there is no PUK, the card has to be destroyed and made again");
}

static void
warn_secrets(const struct options *o, const struct secrets *s)
{
	warn_default(o->admin_key, o->quiet, "administrator key", "/AdminKey");
	warn_random(o);
	warn_default(o->pin, o->quiet, "PIN", "/PIN");
	if (o->puk == SOURCE_DEFAULT)
		warn_default(o->puk, o->quiet, "PUK", "/PUK");
	if (o->policy.min > PIV_PIN_OCTETS)
		message_warning("PIV programs send PINs of at most %d characters, and the policy "
				"wants more: they cannot use the card",
		    PIV_PIN_OCTETS);
	else
		message_length("PIN", s->pin.len);
	message_length("PUK", s->puk.len);
}

static enum outcome
make(const struct config *config, const struct options *o, const struct secrets *s,
    unsigned *instance, bool *existed, struct failure *why)
{
	struct card_request request = {
		.profile = { .policy = o->policy, .allow_reset = o->allow_reset },
		.pin = &s->pin,
		.pin_tries = o->pin_tries,
		.puk = o->puk == SOURCE_OMITTED ? NULL : &s->puk,
		.puk_tries = o->puk_tries,
		.admin_key = o->admin_key == SOURCE_RANDOM ? NULL : &s->admin_key,
		.admin_algorithm = o->admin_algorithm,
		.admin_unblock = o->admin_unblock,
		.generate = o->generate,
		.attestation = o->attestation != ATTESTATION_NONE,
		.existed = o->if_absent ? existed : NULL,
	};

	/* options_parse() has seen that it fits. */
	(void)snprintf(request.profile.name, sizeof request.profile.name, "%s", o->name);
	return cards_create(config, &request, message_progress(o->quiet), instance, why);
}

/* Whether a card's record is still this one: a CA may take its time, and others make cards meanwhile. */
static bool
is_still(const struct config *config, unsigned instance, struct rbuf record)
{
	uint8_t octets[CARD_RECORD_MAX];
	struct wbuf now = wbuf_over(octets, sizeof octets);
	struct failure why = { .text = "" };

	return cards_record(config, instance, &now, &why) == DONE &&
	    rbuf_eq(wbuf_view(&now), record);
}

/* A card that was asked for with a certificate is none without it. */
static enum outcome
take_back(const struct config *config, const struct options *o, unsigned instance,
    struct rbuf record, const struct failure *cause, struct failure *why)
{
	const struct progress *progress = message_progress(o->quiet);
	struct failure stays = { .text = "" };

	if (progress != NULL)
		progress->report(progress->context, "Taking the card back");
	if (!is_still(config, instance, record))
		fail(why, "%s; the card that was made is not there any more", cause->text);
	else if (cards_destroy(config, instance, NULL, &stays) == DONE)
		fail(why, "%s; no card is made", cause->text);
	else
		fail(why,
		    "%s; and the card could not be taken back: %s; tpmvscmgr destroy "
		    "/instance %u removes it",
		    cause->text, stays.text, instance);
	return FAILED;
}

/* Make the card, with a certificate for its attestation key if one is asked for. */
static enum outcome
make_whole(const struct config *config, const struct options *o, const struct secrets *s,
    unsigned *instance, bool *existed, struct failure *why)
{
	const struct progress *progress = message_progress(o->quiet);
	uint8_t octets[CARD_RECORD_MAX];
	struct wbuf record = wbuf_over(octets, sizeof octets);
	struct failure cause = { .text = "" };
	enum outcome outcome;

	outcome = make(config, o, s, instance, existed, why);
	if (outcome != DONE || *existed || o->attestation != AIK_AND_CERT)
		return outcome;
	outcome = cards_record(config, *instance, &record, why);
	if (outcome != DONE)
		return outcome;
	if (progress != NULL)
		progress->report(
		    progress->context, "Getting a certificate from the attestation CA");
	outcome = obtain_certificate(config, *instance, &cause);
	return outcome == DONE ? DONE : take_back(config, o, *instance, wbuf_view(&record), &cause, why);
}

/* The ID is what the card is destroyed by: that it got through is part of the job. */
static bool
print_instance(unsigned instance)
{
	if (printf(INSTANCE_PREFIX "%04u\n", instance) < 0)
		return false;
	return fclose(stdout) == 0;
}

static void
tell_reader(unsigned instance, bool quiet)
{
	switch (reader_look(instance)) {
	case READER_THERE:
		if (!quiet)
			(void)fprintf(stderr, "The card is in the reader \"%s 00 %02X\".\n",
			    READER_NAME, instance);
		break;
	case READER_MISSING:
		message_warning(
		    "the running pcscd has no free slot for the card: its reader, \"%s 00 "
		    "%02X\", appears when pcscd is restarted (systemctl restart pcscd; "
		    "it interrupts every smart card in use)",
		    READER_NAME, instance);
		break;
	case READER_UNKNOWN:
		if (!quiet)
			(void)fprintf(stderr,
			    "pcscd is not running; the card's reader is \"%s 00 %02X\" "
			    "when it does.\n",
			    READER_NAME, instance);
		break;
	}
}

/* With the secrets in hand. */
static enum outcome
make_with(const struct config *config, const struct options *o, unsigned *instance, bool *existed,
    struct failure *why)
{
	struct secrets secrets = { .pin.len = 0 };
	struct audit audit = { .event = AUDIT_CREATE };
	enum outcome outcome;

	(void)snprintf(audit.name, sizeof audit.name, "%s", o->name);
	(void)mlock(&secrets, sizeof secrets); /* as far as the limits let us */
	outcome = secrets_gather(o, &secrets, why);
	if (outcome == DONE) {
		warn_secrets(o, &secrets);
		alive_begin(o->quiet);
		outcome = make_whole(config, o, &secrets, instance, existed, why);
		alive_end();
		if (outcome == DONE && !*existed)
			audit_look(&audit, config, *instance);
		if (!*existed)
			audit_end(&audit, outcome, why);
	}
	secrets_clear(&secrets);
	return outcome;
}

/* The card stays, whatever becomes of its record. */
static enum outcome
write_record(
    const struct config *config, unsigned instance, struct outfile *file, struct failure *why)
{
	uint8_t octets[CARD_RECORD_MAX];
	struct wbuf record = wbuf_over(octets, sizeof octets);
	struct failure fault = { .text = "" };
	enum outcome outcome;

	outcome = cards_record(config, instance, &record, &fault);
	if (outcome == DONE)
		outcome = recordfile_write(file, wbuf_view(&record), &fault);
	else
		outfile_drop(file);
	if (outcome != DONE)
		fail(why,
		    "the card is made, but not its record: %s; tpmvscmgr show /instance %u "
		    "--record FILE writes it",
		    fault.text, instance);
	return outcome;
}

/* With --if-absent, when there is one. */
static enum outcome
report_existing(unsigned instance, bool quiet, struct failure *why)
{
	if (!quiet)
		(void)fprintf(stderr, "There is a card of that name; nothing is changed.\n");
	if (print_instance(instance))
		return DONE;
	fail(why, "cannot write to standard output: %s", strerror(errno));
	return FAILED;
}

static enum outcome
report_new(const struct config *config, const struct options *o, unsigned instance,
    struct outfile *file, struct failure *why)
{
	enum outcome outcome = DONE, recorded = DONE;

	if (!print_instance(instance)) {
		fail(why,
		    "the card is made, but its instance ID, " INSTANCE_PREFIX "%04u, could not be "
		    "written to standard output: %s",
		    instance, strerror(errno));
		outcome = FAILED;
	}
	if (o->record != NULL)
		recorded = write_record(config, instance, file, why);
	tell_reader(instance, o->quiet);
	return outcome != DONE ? outcome : recorded;
}

static enum outcome
make_and_report(const struct config *config, const struct options *o, struct failure *why)
{
	struct outfile file = { .fd = -1 };
	enum outcome outcome = DONE;
	bool existed = false;
	unsigned instance = 0;

	if (o->record != NULL)
		outcome = outfile_open(o->record, &file, why);
	if (outcome != DONE)
		return outcome;
	outcome = make_with(config, o, &instance, &existed, why);
	if (outcome == DONE && !existed)
		return report_new(config, o, instance, &file, why);
	if (o->record != NULL)
		outfile_drop(&file);
	return outcome == DONE ? report_existing(instance, o->quiet, why) : outcome;
}

enum outcome
create_run(const struct config *config, const struct options *options, struct failure *why)
{
	struct failure absent = { .text = "" };
	unsigned instance = 0;

	/* Before anything is asked; what keeps us from looking keeps us from making one, too: that
	 * one tells. */
	if (options->if_absent && cards_find(config, options->name, &instance, &absent) == DONE)
		return report_existing(instance, options->quiet, why);
	if (options->attestation == AIK_AND_CERT) {
		const enum outcome possible = obtain_possible(config, why);

		if (possible != DONE)
			return possible;
	}
	return make_and_report(config, options, why);
}
