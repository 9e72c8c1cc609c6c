/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/text.h"
#include "tools/bundle.h"
#include "tools/commands.h"
#include "tools/ekchain.h"
#include "tools/file.h"
#include "tools/json.h"
#include "tools/names.h"
#include "tools/verdict.h"

#include <errno.h>
#include <limits.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a certificate in DER begins with. */
#define DER_SEQUENCE 0x30

/* A bundle, or a certificate with evidence, read: the evidence has views of the octets. */
struct exhibit {
	uint8_t *text, *octets;
	struct evidence evidence;
};

static void
exhibit_drop(struct exhibit *x)
{
	free(x->text);
	free(x->octets);
}

/* The one certificate of a PEM text as it stands there, in DER; false when the text is none. */
static bool
read_pem(struct rbuf text, struct wbuf *out)
{
	BIO *bio = text.len <= INT_MAX ? BIO_new_mem_buf(text.data, (int)text.len) : NULL;
	char *name = NULL, *header = NULL;
	uint8_t *der = NULL;
	long len = 0;
	bool ok;

	ok = bio != NULL && PEM_read_bio(bio, &name, &header, &der, &len) == 1 &&
	    strcmp(name, PEM_STRING_X509) == 0;
	if (ok)
		wbuf_put(out, rbuf_of(der, (size_t)len));
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	(void)BIO_free(bio);
	return ok;
}

/* JSON begins otherwise than PEM does, and than DER. */
static bool
read_evidence(struct rbuf text, struct wbuf *octets, struct evidence *out, struct failure *clause)
{
	uint8_t der_octets[VAULT_CERTIFICATE_MAX];
	struct wbuf der = wbuf_over(der_octets, sizeof der_octets);

	if (rbuf_at(text, 0) == '-' ? read_pem(text, &der) : rbuf_at(text, 0) == DER_SEQUENCE) {
		if (der.len == 0)
			wbuf_put(&der, text);
		if (wbuf_ok(&der))
			return evidence_of_certificate(wbuf_view(&der), octets, out, clause);
	}
	return bundle_read(text, octets, out, clause);
}

static enum outcome
exhibit_read(const char *path, struct exhibit *x, struct failure *why)
{
	struct failure clause = { "" };
	struct wbuf text, octets;
	enum outcome outcome;

	*x = (struct exhibit){ .text = malloc(BUNDLE_TEXT_MAX), .octets = malloc(EVIDENCE_OCTETS_MAX) };
	if (x->text == NULL || x->octets == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	text = wbuf_over(x->text, BUNDLE_TEXT_MAX);
	octets = wbuf_over(x->octets, EVIDENCE_OCTETS_MAX);
	outcome = file_read(path, &text, why);
	if (outcome != DONE)
		return outcome;
	if (!wbuf_ok(&text))
		fail(&clause, "it is too long");
	else if (read_evidence(wbuf_view(&text), &octets, &x->evidence, &clause))
		return DONE;
	fail(why, "%s is no bundle of evidence that could be checked, and no certificate with one: %s",
	    strcmp(path, "-") == 0 ? "standard input" : path, clause.text);
	return FAILED;
}

/* ---- for a person ---- */

static void
print_card(const struct evidence *e)
{
	char name[256] = "", guid[40] = "";
	struct wbuf n = wbuf_over(name, sizeof name - 1), g = wbuf_over(guid, sizeof guid - 1);
	struct rbuf octets = e->guid;
	uint8_t raw[16] = { 0 };

	if (e->guid.len == 0) {
		(void)printf("Evidence in a certificate for one key\n");
		return;
	}
	text_clean(e->name, &n);
	if (rbuf_copy(&octets, raw, sizeof raw))
		text_guid(raw, &g);
	(void)printf("Evidence about the card \"%s\", GUID %s\n", name, guid);
}

static void
print_points(const struct verdict *v)
{
	enum point_state state;
	size_t i;

	for (state = POINT_PROVEN; state < POINT_STATES; state++) {
		for (i = 0; i < v->count; i++) {
			if (v->points[i].state == state)
				(void)printf("%-8s  %-9s  %s\n", point_state_name(state),
				    v->points[i].about, v->points[i].text);
		}
	}
}

static void
put_required(unsigned required, struct wbuf *out)
{
	size_t i;

	for (i = 0; i < REQUIREMENTS; i++) {
		if ((required >> i & 1) != 0)
			put_words(out, "%s%s", out->len != 0 ? "," : "", requirement_words[i].text);
	}
}

static enum outcome
print(const struct evidence *e, const struct verdict *v, bool quiet, struct failure *why)
{
	char list[128] = "";
	struct wbuf words = wbuf_over(list, sizeof list - 1);

	if (!quiet) {
		print_card(e);
		print_points(v);
		put_required(v->required, &words);
		if (v->holds)
			(void)printf("It holds: %s\n", list);
	}
	if (ferror(stdout) == 0 && fclose(stdout) == 0)
		return DONE;
	fail(why, "cannot write to standard output: %s", strerror(errno));
	return FAILED;
}

/* ---- for programs ---- */

static void
put_index(struct json *j, const struct verdict *v, unsigned which, const char *name)
{
	if (failed(&v->report.ak) || !v->report.index[which].present ||
	    failed(&v->report.index[which].fault)) {
		json_put_null(j, name);
		return;
	}
	json_open_object(j, name);
	json_put_number(j, "tries_limit", v->report.index[which].limit);
	json_put_number(j, "tries_used", v->report.index[which].count);
	json_close(j);
}

static void
put_key(struct json *j, const struct verdict *v, const struct evidence *e, size_t i)
{
	const struct key_info *info = &v->report.key[i].info;
	const bool fine = !failed(&v->report.ak) && !failed(&v->report.key[i].fault);

	json_open_object(j, NULL);
	json_put_octets(j, "reference", rbuf_of(&e->key[i].reference, 1));
	json_put_text(j, "algorithm", fine ? algorithm_name(info->algorithm) : NULL);
	json_put_text(j, "origin", fine ? origin_name(info->origin) : NULL);
	json_put_text(j, "pin_rule",
	    fine && info->origin == ORIGIN_GENERATED ? pin_rule_name(info->pin) : NULL);
	json_put_text(j, "problem",
	    fine                      ? NULL
	    : failed(&v->report.ak) ? v->report.ak.text
				      : v->report.key[i].fault.text);
	json_put_bool(j, "certificate", e->key[i].certificate.len != 0);
	json_close(j);
}

static void
put_findings(struct json *j, const struct verdict *v)
{
	size_t i;

	json_open_list(j, "required");
	for (i = 0; i < REQUIREMENTS; i++) {
		if ((v->required >> i & 1) == 0)
			continue;
		json_open_object(j, NULL);
		json_put_text(j, "what", requirement_words[i].text);
		json_put_bool(j, "holds", (v->held >> i & 1) != 0);
		json_close(j);
	}
	json_close(j);
	json_open_list(j, "findings");
	for (i = 0; i < v->count; i++) {
		json_open_object(j, NULL);
		json_put_text(j, "state", point_state_name(v->points[i].state));
		json_put_text(j, "about", v->points[i].about);
		json_put_text(j, "text", v->points[i].text);
		json_close(j);
	}
	json_close(j);
}

static enum outcome
print_json(const struct evidence *e, const struct verdict *v, struct failure *why)
{
	struct json *j = json_begin();
	char name[257] = "";
	struct wbuf n = wbuf_over(name, sizeof name - 1);
	size_t i;

	wbuf_put(&n, e->name);
	json_put_bool(j, "holds", v->holds);
	json_put_text(j, "name", name);
	json_put_octets(j, "guid", e->guid);
	if (e->nonce.len != 0)
		json_put_octets(j, "nonce", e->nonce);
	else
		json_put_null(j, "nonce");
	put_findings(j, v);
	put_index(j, v, 0, "pin");
	put_index(j, v, 1, "puk");
	put_index(j, v, 2, "admin_key");
	json_put_bool(j, "puk_resets_pin", v->report.puk_resets);
	json_put_bool(j, "admin_resets_pin", v->report.admin_resets);
	json_open_list(j, "keys");
	for (i = 0; i < e->keys; i++)
		put_key(j, v, e, i);
	json_close(j);
	return json_print(j, why);
}

/* ---- the command ---- */

static enum outcome
judge(const struct evidence *e, const struct options *options, X509_STORE *roots,
    struct failure *why)
{
	const struct trial trial = { .roots = roots,
		.has_nonce = options->nonce_len != 0,
		.nonce = rbuf_of(options->nonce, options->nonce_len),
		.required = options->required };
	struct verdict *v = malloc(sizeof *v);
	enum outcome outcome;
	bool holds;

	if (v == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	holds = verdict_reach(e, &trial, v);
	outcome = options->json ? print_json(e, v, why) : print(e, v, options->quiet, why);
	if (outcome == DONE && !holds) {
		verdict_fault(v, why);
		outcome = FAILED;
	}
	free(v);
	return outcome;
}

/* config is empty: a verifier has none. */
enum outcome
verify_run(const struct config *config, const struct options *options, struct failure *why)
{
	X509_STORE *roots = NULL;
	enum outcome outcome = DONE;
	struct exhibit x;

	(void)config;
	if (options->ca != NULL)
		outcome = chain_roots(options->ca, &roots, why);
	if (outcome != DONE)
		return outcome;
	outcome = exhibit_read(options->input, &x, why);
	if (outcome == DONE)
		outcome = judge(&x.evidence, options, roots, why);
	exhibit_drop(&x);
	X509_STORE_free(roots);
	return outcome;
}
