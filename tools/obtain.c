/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/obtain.h"

#include "tools/calls.h"
#include "tools/ekchain.h"
#include "tools/exchange.h"
#include "tools/file.h"
#include "tools/https.h"

#include <stdio.h>
#include <stdlib.h>

/* Room for one exchange: texts that come and go, and the octets that views are of. */
struct room {
	uint8_t *text, *octets;
	struct wbuf out, in, of;
	struct evidence card;
};

static enum outcome
room_open(struct room *r, struct failure *why)
{
	*r = (struct room){ .text = malloc(2 * EXCHANGE_TEXT_MAX),
		.octets = malloc(EVIDENCE_OCTETS_MAX) };
	if (r->text == NULL || r->octets == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	r->out = wbuf_over(r->text, EXCHANGE_TEXT_MAX);
	r->in = wbuf_over(r->text + EXCHANGE_TEXT_MAX, EXCHANGE_TEXT_MAX);
	r->of = wbuf_over(r->octets, EVIDENCE_OCTETS_MAX);
	return DONE;
}

/* One of the texts may have been a secret. */
static void
room_close(struct room *r)
{
	wbuf_wipe(&r->out);
	free(r->text);
	free(r->octets);
}

/* ---- what comes back ---- */

/* Whether a certificate is for attestation keys. */
static bool
is_for_aks(const X509 *certificate)
{
	EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
	ASN1_OBJECT *wanted = OBJ_txt2obj(OID_AK_CERTIFICATE, 1);
	bool found = false;
	int i;

	for (i = 0; wanted != NULL && !found && i < sk_ASN1_OBJECT_num(usage); i++)
		found = OBJ_cmp(sk_ASN1_OBJECT_value(usage, i), wanted) == 0;
	ASN1_OBJECT_free(wanted);
	EXTENDED_KEY_USAGE_free(usage);
	return found;
}

/*
 * Nobody here knows whom a verifier trusts, so that the CA's signature is not
 * looked at; but what is no certificate of this AK would do the card no good.
 */
static enum outcome
install(const struct config *config, unsigned instance, const struct evidence *card,
    const struct chain *chain, struct failure *why)
{
	X509 *certificate = chain_parse(chain->certificate);
	struct failure fault = { .text = "" };
	enum outcome outcome = FAILED;
	bool says;

	if (certificate == NULL)
		fail(why, "what the attestation CA sent is not a certificate");
	else if (!chain_is_for(chain->certificate, card->ak_area, &fault))
		fail(why, "the certificate is not for this card's attestation key: %s", fault.text);
	else if (!is_for_aks(certificate))
		fail(why,
		    "the certificate is not for an attestation key (extended key usage " OID_AK_CERTIFICATE
		    ")");
	else if (card->ek_area.len == 0 || chain_seen_ek(certificate, card->ek_area, &says, why))
		outcome = cards_certified(config, instance, chain, why);
	X509_free(certificate);
	return outcome;
}

/* ---- by file ---- */

static enum outcome
request(struct room *r, const struct config *config, const struct options *options,
    struct outfile *out, struct failure *why)
{
	enum outcome outcome;

	outcome = cards_identity(config, options->instance, true, &r->of, &r->card, why);
	if (outcome != DONE)
		return outcome;
	if (exchange_write_request(&r->card, &r->out))
		return outfile_write(out, wbuf_view(&r->out), why);
	fail(why, "the request does not fit");
	return FAILED;
}

enum outcome
obtain_request(const struct config *config, const struct options *options, struct failure *why)
{
	struct outfile out = { .fd = -1 };
	enum outcome outcome;
	struct room room;

	outcome = room_open(&room, why);
	if (outcome == DONE)
		outcome = outfile_open(options->output, &out, why);
	if (outcome == DONE) {
		outcome = request(&room, config, options, &out, why);
		outfile_drop(&out);
		if (outcome == DONE && !options->quiet)
			(void)fprintf(stderr,
			    "Take the request to an attestation CA, and what it answers back "
			    "here:\n  tpmvscmgr attest /instance %u --install response.json\n",
			    options->instance);
	}
	room_close(&room);
	return outcome;
}

static enum outcome
read_response(struct room *r, const char *path, struct response *out, struct failure *why)
{
	struct failure fault = { .text = "" };
	enum outcome outcome;

	outcome = file_read(path, &r->in, why);
	if (outcome != DONE)
		return outcome;
	if (wbuf_ok(&r->in) && exchange_read_response(wbuf_view(&r->in), &r->of, out, &fault))
		return DONE;
	fail(why, "%s: it is no response of an attestation CA%s%s", path,
	    failed(&fault) ? ": " : "", fault.text);
	return FAILED;
}

/* Have the TPM read the secret, and open what it seals. */
static enum outcome
open_response(struct room *r, const struct config *config, unsigned instance,
    const struct response *response, struct chain *chain, struct failure *why)
{
	struct failure refused = { .text = "" };
	enum outcome outcome;
	SECRET(key);

	outcome =
	    cards_activate(config, instance, response->blob, response->encrypted, &key, &refused);
	if (outcome != DONE) {
		fail(why, "%s",
		    outcome == WRONG_SECRET
			? "the response is for another attestation key, or for another TPM"
			: refused.text);
		return outcome == WRONG_SECRET ? FAILED : outcome;
	}
	if (exchange_open(&key, response->sealed, &r->of, chain))
		return DONE;
	fail(why, "the response is damaged: its certificate cannot be opened");
	return FAILED;
}

static enum outcome
install_file(
    struct room *r, const struct config *config, const struct options *options, struct failure *why)
{
	struct response response;
	enum outcome outcome;
	struct chain chain;

	outcome = read_response(r, options->install, &response, why);
	if (outcome == DONE)
		outcome = cards_identity(config, options->instance, false, &r->of, &r->card, why);
	if (outcome != DONE)
		return outcome;
	if (!rbuf_eq(response.guid, r->card.guid)) {
		fail(why, "the response is for another card, \"%.*s\"", (int)response.name.len,
		    (const char *)response.name.data);
		return FAILED;
	}
	outcome = open_response(r, config, options->instance, &response, &chain, why);
	if (outcome == DONE)
		outcome = install(config, options->instance, &r->card, &chain, why);
	return outcome;
}

enum outcome
obtain_install(const struct config *config, const struct options *options, struct failure *why)
{
	enum outcome outcome;
	struct room room;

	outcome = room_open(&room, why);
	if (outcome == DONE)
		outcome = install_file(&room, config, options, why);
	room_close(&room);
	if (outcome == DONE && !options->quiet)
		(void)fprintf(stderr, "The card has a certificate for its attestation key.\n");
	return outcome;
}

/* ---- over HTTPS ---- */

enum outcome
obtain_possible(const struct config *config, struct failure *why)
{
	const char *fault;

	if (config->attestation_ca[0] == '\0') {
		fail(why, "/attestation AIK_AND_CERT: tpmvsc.conf names no attestation_ca");
		return FAILED;
	}
	fault = https_fault(config->attestation_ca);
	if (fault != NULL) {
		fail(why, "attestation_ca = %s: %s", config->attestation_ca, fault);
		return FAILED;
	}
	return cards_endorsed(config, why);
}

static enum outcome
nonsense(const struct config *config, const struct failure *fault, struct failure *why)
{
	fail(why, "%s: what it answers makes no sense: %s", config->attestation_ca, fault->text);
	return FAILED;
}

/* The first call: out comes the secret. */
static enum outcome
call_attest(struct room *r, const struct config *config, unsigned instance, struct secret *secret,
    struct failure *why)
{
	struct failure fault = { .text = "" };
	struct rbuf blob, encrypted;
	struct tpm_facts tpm;
	enum outcome outcome;

	outcome = cards_tpm(config, &tpm, why);
	if (outcome == DONE && !call_attest_write(&r->card, &tpm, &r->out)) {
		fail(why, "the request does not fit");
		outcome = FAILED;
	}
	if (outcome == DONE)
		outcome =
		    https_post(config->attestation_ca, "attest", wbuf_view(&r->out), &r->in, why);
	if (outcome != DONE)
		return outcome;
	if (!call_credential_read(wbuf_view(&r->in), &r->of, &blob, &encrypted, &fault))
		return nonsense(config, &fault, why);
	outcome = cards_activate(config, instance, blob, encrypted, secret, &fault);
	if (outcome == WRONG_SECRET)
		return nonsense(config, &fault, why);
	if (outcome != DONE)
		fail(why, "%s", fault.text);
	return outcome;
}

/* The second: the secret goes back, and a chain comes. */
static enum outcome
call_secret(struct room *r, const struct config *config, const struct secret *secret,
    struct chain *chain, struct failure *why)
{
	struct failure fault = { .text = "" };
	enum outcome outcome;

	wbuf_truncate(&r->out, 0);
	wbuf_truncate(&r->in, 0);
	if (!call_secret_write(secret, &r->out)) {
		fail(why, "the secret does not fit");
		return FAILED;
	}
	outcome = https_post(config->attestation_ca, "secret", wbuf_view(&r->out), &r->in, why);
	if (outcome == DONE && !call_chain_read(wbuf_view(&r->in), &r->of, chain, &fault))
		outcome = nonsense(config, &fault, why);
	return outcome;
}

static enum outcome
obtain(struct room *r, const struct config *config, unsigned instance, struct failure *why)
{
	enum outcome outcome;
	struct chain chain;
	SECRET(secret);

	outcome = cards_identity(config, instance, true, &r->of, &r->card, why);
	if (outcome == DONE)
		outcome = call_attest(r, config, instance, &secret, why);
	if (outcome == DONE)
		outcome = call_secret(r, config, &secret, &chain, why);
	if (outcome == DONE)
		outcome = install(config, instance, &r->card, &chain, why);
	return outcome;
}

enum outcome
obtain_certificate(const struct config *config, unsigned instance, struct failure *why)
{
	enum outcome outcome;
	struct room room;

	outcome = room_open(&room, why);
	if (outcome == DONE)
		outcome = obtain(&room, config, instance, why);
	room_close(&room);
	return outcome;
}
