/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small attestation CA: checks what a card's machine asks for and answers it.
 * No TPM, no configuration, no root.
 */
#include "tools/akcert.h"
#include "tools/calls.h"
#include "tools/commands.h"
#include "tools/exchange.h"
#include "tools/file.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

/* Octets of what one request stands for, and of one chain of certificates. */
#define ROOM_OCTETS  EXCHANGE_OCTETS_MAX
#define CHAIN_OCTETS 49152

/* One request, and what becomes of it. */
struct grant {
	const struct options *options;
	struct authority authority;
	X509_STORE *roots;
	uint8_t *octets;
	struct evidence asked;
	struct chain chain;
	struct wbuf chain_octets;
	uint8_t credential[2 * CREDENTIAL_OCTETS_MAX];
	struct wbuf blob, encrypted;
	struct secret secret;
};

/* ---- the request ---- */

static enum outcome
read_request(struct grant *g, struct failure *why)
{
	uint8_t *text = malloc(EXCHANGE_TEXT_MAX + 1);
	struct wbuf octets = wbuf_over(g->octets, ROOM_OCTETS);
	struct failure fault = { .text = "" };
	enum outcome outcome = FAILED;
	struct wbuf file;
	bool ok;

	if (text == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	file = wbuf_over(text, EXCHANGE_TEXT_MAX + 1);
	outcome = file_read(g->options->input, &file, why);
	if (outcome == DONE) {
		ok = wbuf_ok(&file) &&
		     (g->options->https
			     ? call_attest_read(wbuf_view(&file), &octets, &g->asked, &fault)
			     : exchange_read_request(wbuf_view(&file), &octets, &g->asked, &fault));
		if (!ok) {
			fail(why, "%s: it is no request to an attestation CA%s%s",
			    g->options->input, failed(&fault) ? ": " : "", fault.text);
			outcome = FAILED;
		}
	}
	free(text);
	return outcome;
}

/* ---- what is granted ---- */

static bool
put_certificate(struct wbuf *out, const X509 *certificate)
{
	unsigned char *der = NULL;
	const int len = i2d_X509(certificate, &der);

	if (len > 0)
		wbuf_put(out, rbuf_of(der, (size_t)len));
	OPENSSL_free(der);
	return len > 0 && wbuf_ok(out);
}

/* The AK's certificate and the CA's, but no root. */
static bool
put_chain(struct grant *g, const X509 *certificate)
{
	X509 *by = g->authority.certificate[0];
	const bool root = X509_check_issued(by, by) == X509_V_OK;
	size_t i;
	bool ok;

	ok = put_certificate(&g->chain_octets, certificate);
	for (i = root ? 1 : 0; ok && i < g->authority.count; i++)
		ok = put_certificate(&g->chain_octets, g->authority.certificate[i]);
	return ok && exchange_split(wbuf_view(&g->chain_octets), &g->chain);
}

static enum outcome
certify(struct grant *g, struct failure *why)
{
	X509 *ek = NULL, *certificate = NULL;
	enum outcome outcome = FAILED;

	if (!evidence_is_ak(g->asked.ak_area))
		fail(why, "the key in the request is not an attestation key: restricted, for "
			  "signatures (P-256), made in its TPM and not to leave it");
	else if (chain_check_ek(&g->asked.ek, g->asked.ek_area, g->roots, &ek, why))
		outcome = authority_certify(
		    &g->authority, ek, g->asked.ak_area, g->options->days, &certificate, why);
	if (outcome == DONE && !put_chain(g, certificate)) {
		fail(why, "the CA's certificates are too long");
		outcome = FAILED;
	}
	X509_free(certificate);
	X509_free(ek);
	return outcome;
}

/* A secret that only the TPM with that EK and that AK can read. */
static enum outcome
make_credential(struct grant *g, struct failure *why)
{
	g->blob = wbuf_over(g->credential, CREDENTIAL_OCTETS_MAX);
	g->encrypted = wbuf_over(g->credential + CREDENTIAL_OCTETS_MAX, CREDENTIAL_OCTETS_MAX);
	g->secret.len = CREDENTIAL_SECRET_MAX;
	if (RAND_priv_bytes(g->secret.data, CREDENTIAL_SECRET_MAX) == 1 &&
	    credential_make(
		g->asked.ek_area, g->asked.ak_area, &g->secret, &g->blob, &g->encrypted))
		return DONE;
	fail(why, "the EK in the request is none that a credential can be made for");
	return FAILED;
}

static bool
write_answer(struct grant *g, struct wbuf *text)
{
	struct response response = { .name = g->asked.name,
		.guid = g->asked.guid,
		.blob = wbuf_view(&g->blob),
		.encrypted = wbuf_view(&g->encrypted) };
	uint8_t *octets;
	struct wbuf sealed;
	bool ok;

	if (g->options->https)
		return call_plan_write(
		    response.blob, response.encrypted, &g->secret, &g->chain, text);
	octets = malloc(CHAIN_OCTETS);
	if (octets == NULL)
		return false;
	sealed = wbuf_over(octets, CHAIN_OCTETS);
	ok = exchange_seal(&g->secret, &g->chain, &sealed);
	response.sealed = wbuf_view(&sealed);
	ok = ok && exchange_write_response(&response, text);
	free(octets);
	return ok;
}

static enum outcome
answer(struct grant *g, struct outfile *out, struct failure *why)
{
	uint8_t *octets = malloc(EXCHANGE_TEXT_MAX), *chain = malloc(CHAIN_OCTETS);
	enum outcome outcome = FAILED;
	struct wbuf text;

	if (octets == NULL || chain == NULL) {
		fail(why, "out of memory");
		goto out;
	}
	text = wbuf_over(octets, EXCHANGE_TEXT_MAX);
	g->chain_octets = wbuf_over(chain, CHAIN_OCTETS);
	outcome = certify(g, why);
	if (outcome == DONE)
		outcome = make_credential(g, why);
	if (outcome == DONE && !write_answer(g, &text)) {
		fail(why, "out of memory");
		outcome = FAILED;
	}
	if (outcome == DONE)
		outcome = outfile_write(out, wbuf_view(&text), why);
out:
	free(chain);
	free(octets);
	return outcome;
}

/* ---- the command ---- */

static enum outcome
run(struct grant *g, struct outfile *out, struct failure *why)
{
	const struct options *o = g->options;
	enum outcome outcome;

	outcome = authority_read(o->ca_cert, o->ca_key, &g->authority, why);
	if (outcome == DONE)
		outcome = chain_roots(o->ek_roots, &g->roots, why);
	if (outcome == DONE)
		outcome = read_request(g, why);
	if (outcome == DONE)
		outcome = answer(g, out, why);
	return outcome;
}

enum outcome
ca_respond_run(const struct config *config, const struct options *options, struct failure *why)
{
	struct grant g = { .options = options };
	struct outfile out = { .fd = -1 };
	enum outcome outcome;

	(void)config;
	g.octets = malloc(ROOM_OCTETS);
	if (g.octets == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	outcome = outfile_open(options->output, &out, why);
	if (outcome == DONE)
		outcome = run(&g, &out, why);
	outfile_drop(&out);
	secret_clear(&g.secret);
	authority_clear(&g.authority);
	X509_STORE_free(g.roots);
	free(g.octets);
	return outcome;
}
