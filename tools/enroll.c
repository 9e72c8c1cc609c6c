/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/alive.h"
#include "tools/commands.h"
#include "tools/file.h"
#include "tools/message.h"
#include "tools/renewal.h"
#include "tools/secrets.h"
#include "tools/x509.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define TEXT_MAX 16384

/* What has to be known of a card before its user is asked for anything. */
struct look {
	bool protected; /* the PIN gives the card management key */
	bool is_default;
	uint8_t algorithm; /* of the card management key */
};

/* One enrolment. */
struct work {
	const struct options *options;
	const struct config *config;
	struct look look;
	struct secrets secrets; /* an empty one is not needed */
	struct channel *ch;
};

static void
say(const struct work *w, const char *what)
{
	const struct progress *progress = message_progress(w->options->quiet);

	if (progress != NULL)
		progress->report(progress->context, what);
}

/* ---- the card's administrator ---- */

/* In a session of its own: nobody holds the card while a person thinks of a PIN. */
static enum outcome
look(struct work *w, EVP_PKEY **key, struct failure *why)
{
	struct metadata management;
	enum outcome outcome;

	outcome = channel_open(w->config, w->options->instance, &w->ch, why);
	if (outcome == DONE)
		outcome = client_is_protected(w->ch, &w->look.protected, why);
	if (outcome == DONE)
		outcome = client_metadata(w->ch, REF_MANAGEMENT, &management, why);
	if (outcome == DONE) {
		w->look.is_default = management.is_default;
		w->look.algorithm = management.algorithm;
	}
	if (outcome == DONE && key != NULL)
		outcome = client_public_key(w->ch, w->options->slot, key, why);
	channel_close(w->ch);
	w->ch = NULL;
	return outcome;
}

static enum outcome
ask(struct work *w, bool signs, struct failure *why)
{
	/* A key that somebody has brought is the one he means. */
	const bool known =
	    w->look.is_default && w->options->secret_file[SECRET_ADMIN_KEY] == NULL;
	enum outcome outcome = DONE;
	struct asking a;

	asking_begin(&a, w->options);
	if (!w->look.protected && known)
		outcome =
		    default_admin_key(admin_key_octets(w->look.algorithm), &w->secrets.admin_key)
			? DONE
			: FAILED;
	else if (!w->look.protected)
		outcome = asking_admin_key(&a, SECRET_ADMIN_KEY, PROMPT_ONCE, w->look.algorithm,
		    &w->secrets.admin_key, why);
	if (outcome == DONE && (w->look.protected || signs))
		outcome = asking_pin(&a, SECRET_PIN, PROMPT_ONCE, NULL, &w->secrets.pin, why);
	asking_end(&a);
	return outcome;
}

/* Open the card and become its administrator. */
static enum outcome
enter(struct work *w, struct failure *why)
{
	enum outcome outcome;

	outcome = channel_open(w->config, w->options->instance, &w->ch, why);
	if (outcome == DONE && w->secrets.pin.len != 0)
		outcome = client_verify(w->ch, &w->secrets.pin, why);
	if (outcome == DONE && w->look.protected)
		outcome = client_protected_key(w->ch, &w->secrets.admin_key, why);
	if (outcome == DONE)
		outcome = client_authenticate(w->ch, w->look.algorithm, &w->secrets.admin_key, why);
	return outcome;
}

/* ---- a new key ---- */

static enum outcome
sign(void *context, const EVP_MD *md, struct rbuf digest, struct wbuf *out, struct failure *why)
{
	const struct work *w = context;
	enum outcome outcome = DONE;

	/* A key of PIN ALWAYS wants it just before. */
	if (w->secrets.pin.len != 0)
		outcome = client_verify(w->ch, &w->secrets.pin, why);
	if (outcome == DONE)
		outcome = client_sign(
		    w->ch, w->options->slot, w->options->algorithm, md, digest, out, why);
	return outcome;
}

/* Whether the key wants the PIN before it signs. */
static bool
wants_pin(const struct options *o)
{
	return o->pin_rule != 0 ? o->pin_rule != PIN_NEVER : o->slot != 0x9e;
}

static void
say_renewal(const struct work *w, const struct renewal *plan)
{
	char line[128];

	if (plan->retired != 0)
		(void)snprintf(line, sizeof line,
		    "Moving the old key and its certificate from %02X to %02X", plan->slot,
		    plan->retired);
	else if (plan->has_key)
		(void)snprintf(line, sizeof line, "Replacing the key in %02X%s", plan->slot,
		    !plan->has_certificate ? ", which has no certificate" : " and its certificate");
	else
		return;
	say(w, line);
}

/* What goes out, as text. */
static bool
put_pem(struct wbuf *text, const X509_REQ *request, const X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	bool ok;
	long len;

	ok = bio != NULL && (request != NULL ? PEM_write_bio_X509_REQ(bio, request)
					     : PEM_write_bio_X509(bio, certificate)) == 1;
	len = ok ? BIO_get_mem_data(bio, &data) : 0;
	if (len > 0)
		wbuf_put(text, rbuf_of(data, (size_t)len));
	BIO_free(bio);
	return len > 0 && wbuf_ok(text);
}

/* Have the new key sign; the certificate goes into the card at once. */
static enum outcome
certify(struct work *w, const struct identity *id, EVP_PKEY *key, struct wbuf *text,
    struct failure *why)
{
	const struct signer signer = { .sign = sign, .context = w };
	const struct options *o = w->options;
	X509_REQ *request = NULL;
	X509 *certificate = NULL;
	enum outcome outcome;

	if (!o->self_signed) {
		say(w, "Signing the certificate request");
		outcome = x509_request(id, o->slot, key, &signer, &request, why);
	} else {
		say(w, "Signing the certificate");
		outcome = x509_self_signed(id, o->slot, key, o->days, &signer, &certificate, why);
		if (outcome == DONE)
			outcome = client_put_certificate(w->ch, o->slot, certificate, why);
	}
	if (outcome == DONE && !put_pem(text, request, certificate)) {
		fail(why, "out of memory");
		outcome = FAILED;
	}
	X509_REQ_free(request);
	X509_free(certificate);
	return outcome;
}

/* From an open card to the text of a request or certificate.  *made: the card has a new key. */
static enum outcome
renew(struct work *w, const struct identity *id, struct wbuf *text, bool *made, struct failure *why)
{
	const struct options *o = w->options;
	struct renewal plan;
	EVP_PKEY *key = NULL;
	enum outcome outcome;

	outcome = renewal_plan(w->ch, o->slot, !o->no_history, &plan, why);
	if (outcome != DONE)
		return outcome;
	say_renewal(w, &plan);
	say(w, "Making the key in the TPM");
	outcome = renewal_make(w->ch, &plan, o->algorithm, o->pin_rule, &key, why);
	if (outcome != DONE)
		return outcome;
	*made = true;
	outcome = certify(w, id, key, text, why);
	EVP_PKEY_free(key);
	return outcome;
}

/* What comes next is for a person. */
static void
tell_next(const struct options *o)
{
	if (o->quiet)
		return;
	if (o->self_signed)
		(void)fprintf(stderr, "The certificate is on the card, in %02X.\n", o->slot);
	else
		(void)fprintf(stderr,
		    "Send the request to a certification authority; then put its certificate "
		    "on the card:\n  tpmvscmgr enroll /instance %u --slot %02X --install "
		    "cert.pem\n",
		    o->instance, o->slot);
}

static enum outcome
make(struct work *w, const struct identity *id, struct outfile *out, struct failure *why)
{
	const struct options *o = w->options;
	struct failure fault = { .text = "" };
	uint8_t octets[TEXT_MAX];
	struct wbuf text = wbuf_over(octets, sizeof octets);
	enum outcome outcome;
	bool made = false;

	outcome = look(w, NULL, why);
	if (outcome == DONE)
		outcome = ask(w, wants_pin(o), why);
	if (outcome != DONE)
		return outcome;
	alive_begin(o->quiet);
	outcome = enter(w, &fault);
	if (outcome == DONE)
		outcome = renew(w, id, &text, &made, &fault);
	channel_close(w->ch);
	alive_end();
	if (outcome == DONE)
		outcome = outfile_write(out, wbuf_view(&text), &fault);
	if (outcome == DONE)
		tell_next(o);
	else if (made)
		fail(why,
		    "%s; %02X has a new key, but its %s did not get out: run the command again",
		    fault.text, o->slot, o->self_signed ? "certificate" : "request");
	else
		fail(why, "%s", fault.text);
	return outcome;
}

static enum outcome
make_run(struct work *w, struct failure *why)
{
	const struct options *o = w->options;
	struct outfile out = { .fd = -1 };
	struct identity id;
	enum outcome outcome;

	outcome = identity_read(o->subject, o->alt_names, o->alt_name_count, &id, why);
	if (outcome != DONE)
		return outcome;
	outcome = outfile_open(o->output, &out, why);
	if (outcome == DONE)
		outcome = make(w, &id, &out, why);
	outfile_drop(&out);
	identity_clear(&id);
	return outcome;
}

/* ---- a certificate that was issued ---- */

static enum outcome
read_certificate(const struct options *o, EVP_PKEY *key, X509 **out, struct failure *why)
{
	uint8_t *octets = malloc(X509_FILE_MAX + 1);
	struct failure fault = { .text = "" };
	enum outcome outcome;
	struct wbuf file;

	if (octets == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	file = wbuf_over(octets, X509_FILE_MAX + 1);
	outcome = file_read(o->install, &file, why);
	if (outcome == DONE && !wbuf_ok(&file)) {
		fail(why, "--install: the file is too long for certificates");
		outcome = FAILED;
	} else if (outcome == DONE) {
		outcome = x509_find(wbuf_view(&file), key, out, &fault);
		if (outcome != DONE)
			fail(why, "--install: %s", fault.text);
	}
	free(octets);
	return outcome;
}

static void
warn_dates(const X509 *certificate)
{
	if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
		message_warning("the certificate is not valid yet");
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		message_warning("the certificate has expired");
}

static enum outcome
install(struct work *w, X509 *certificate, struct failure *why)
{
	const struct options *o = w->options;
	enum outcome outcome;

	outcome = ask(w, false, why);
	if (outcome != DONE)
		return outcome;
	alive_begin(o->quiet);
	say(w, "Putting the certificate on the card");
	outcome = enter(w, why);
	if (outcome == DONE)
		outcome = client_put_certificate(w->ch, o->slot, certificate, why);
	channel_close(w->ch);
	alive_end();
	if (outcome == DONE && !o->quiet)
		(void)fprintf(stderr, "The certificate is on the card, in %02X.\n", o->slot);
	return outcome;
}

static enum outcome
install_run(struct work *w, struct failure *why)
{
	X509 *certificate = NULL;
	EVP_PKEY *key = NULL;
	enum outcome outcome;

	outcome = look(w, &key, why);
	if (outcome == DONE)
		outcome = read_certificate(w->options, key, &certificate, why);
	if (outcome == DONE) {
		warn_dates(certificate);
		outcome = install(w, certificate, why);
	}
	X509_free(certificate);
	EVP_PKEY_free(key);
	return outcome;
}

enum outcome
enroll_run(const struct config *config, const struct options *options, struct failure *why)
{
	struct work w = { .options = options, .config = config };
	enum outcome outcome;

	(void)mlock(&w, sizeof w); /* as far as the limits let us */
	outcome = options->install != NULL ? install_run(&w, why) : make_run(&w, why);
	secrets_clear(&w.secrets);
	(void)munlock(&w, sizeof w);
	return outcome;
}
