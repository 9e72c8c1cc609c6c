/* SPDX-License-Identifier: BSD-2-Clause */
/* attest --acme, --webauthn: a key's attestation as others' protocols carry it. */
#include "tools/base64.h"
#include "tools/commands.h"
#include "tools/file.h"
#include "tools/webauthn.h"

#include <stdlib.h>

/* The longest object: certificates and one statement. */
#define OBJECT_MAX 32768

struct export {
	const struct config *config;
	const struct options *options;
	struct failure *why;
	struct wbuf octets; /* what the card's side appends */
	uint8_t auth_data_octets[WEBAUTHN_AUTH_DATA_MAX], object_octets[OBJECT_MAX];
	struct wbuf auth_data, object;
};

static enum outcome
certify(struct export *x, struct rbuf extra, struct evidence_key *out)
{
	return cards_certify(x->config, x->options->instance, x->options->slot, extra, &x->octets,
	    out, x->why);
}

/* What the TPM is to certify beside the key. */
static enum outcome
make_extra(struct export *x, struct wbuf *out)
{
	const struct options *o = x->options;
	struct evidence_key key;
	enum outcome outcome;
	bool ok;

	if (o->acme != NULL) {
		ok = webauthn_extra_acme(rbuf_str(o->acme), out);
	} else {
		/* The public key is part of it, so the card is asked for that first. */
		outcome = certify(x, rbuf_of(NULL, 0), &key);
		if (outcome != DONE)
			return outcome;
		ok = webauthn_auth_data(o->webauthn, key.area, &x->auth_data) &&
		     webauthn_extra(wbuf_view(&x->auth_data), rbuf_of(o->nonce, o->nonce_len), out);
	}
	if (!ok)
		fail(x->why, "the key %02X cannot be told in WebAuthn's form", o->slot);
	return ok ? DONE : FAILED;
}

static enum outcome
make_object(struct export *x)
{
	uint8_t digest[WEBAUTHN_DIGEST];
	struct wbuf extra = wbuf_over(digest, sizeof digest);
	struct evidence_key key;
	enum outcome outcome;
	struct evidence e;

	outcome = cards_identity(
	    x->config, x->options->instance, false, &x->octets, &e, x->why);
	if (outcome == DONE && e.ak.certificate.len == 0) {
		fail(x->why, "the card's attestation key has no certificate, which must be shown: attest --request asks an authority for one");
		return FAILED;
	}
	if (outcome == DONE)
		outcome = make_extra(x, &extra);
	if (outcome == DONE)
		outcome = certify(x, wbuf_view(&extra), &key);
	if (outcome != DONE)
		return outcome;
	return webauthn_object(&key, &e.ak, wbuf_view(&x->auth_data), &x->object, x->why) ? DONE
											  : FAILED;
}

/* The object in base64url without padding (RFC 4648, 5), as JSON carries it. */
static enum outcome
save(struct export *x, struct outfile *file)
{
	const size_t room = BASE64_LENGTH(OBJECT_MAX) + 1;
	char *text = malloc(room);
	struct wbuf out = wbuf_over(text, text != NULL ? room : 0);
	enum outcome outcome;
	size_t i;

	base64_write(wbuf_view(&x->object), &out);
	for (i = 0; i < out.len; i++)
		out.data[i] = out.data[i] == '+' ? '-' : out.data[i] == '/' ? '_' : out.data[i];
	while (out.len != 0 && out.data[out.len - 1] == '=')
		out.len--;
	wbuf_u8(&out, '\n');
	if (wbuf_ok(&out)) {
		outcome = outfile_write(file, wbuf_view(&out), x->why);
	} else {
		outfile_drop(file);
		fail(x->why, "out of memory");
		outcome = FAILED;
	}
	free(text);
	return outcome;
}

enum outcome
export_run(const struct config *config, const struct options *options, struct failure *why)
{
	struct export *x = calloc(1, sizeof *x);
	uint8_t *octets = malloc(EVIDENCE_OCTETS_MAX);
	struct outfile file = { .fd = -1 };
	enum outcome outcome = FAILED;

	if (x == NULL || octets == NULL) {
		fail(why, "out of memory");
		goto out;
	}
	x->config = config;
	x->options = options;
	x->why = why;
	x->octets = wbuf_over(octets, EVIDENCE_OCTETS_MAX);
	x->auth_data = wbuf_over(x->auth_data_octets, sizeof x->auth_data_octets);
	x->object = wbuf_over(x->object_octets, sizeof x->object_octets);
	outcome = outfile_open(options->output, &file, why);
	if (outcome != DONE)
		goto out;
	outcome = make_object(x);
	if (outcome == DONE)
		outcome = save(x, &file);
	else
		outfile_drop(&file);
out:
	free(octets);
	free(x);
	return outcome;
}
