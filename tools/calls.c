/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/calls.h"

#include "tools/base64.h"

#include <json-c/json.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#define DEPTH          8
#define TPM_VERSION_20 2
#define CERTIFICATES   (1 + EVIDENCE_CHAIN_MAX)
#define ITEM_MAX       8192 /* octets of one certificate or structure */
#define DIGEST_OCTETS  32

/* ---- writing ---- */

/* Text that goes into quotes as it is: JSON's own signs and what is not ASCII become question
 * marks. */
static void
put_word(struct wbuf *out, const char *word)
{
	for (; *word != '\0'; word++) {
		const bool plain = *word >= 0x20 && *word <= 0x7e && strchr("\"\\", *word) == NULL;

		wbuf_u8(out, plain ? (uint8_t)*word : '?');
	}
}

static void
put_text(struct wbuf *out, const char *text)
{
	wbuf_put(out, rbuf_str(text));
}

/* One member whose value is octets. */
static void
put_octets(struct wbuf *out, const char *before, struct rbuf octets)
{
	put_text(out, before);
	wbuf_u8(out, '"');
	base64_write(octets, out);
	wbuf_u8(out, '"');
}

static void
put_chain(struct wbuf *out, const char *before, const struct chain *chain)
{
	size_t i;

	put_text(out, before);
	put_octets(out, "[", chain->certificate);
	for (i = 0; i < EVIDENCE_CHAIN_MAX && chain->above[i].len != 0; i++)
		put_octets(out, ",", chain->above[i]);
	wbuf_u8(out, ']');
}

/* TPM_PT_MANUFACTURER as a decimal number, which is how that client tells it. */
static void
put_info(struct wbuf *out, const struct tpm_facts *tpm)
{
	const struct rbuf name = rbuf_str(tpm->manufacturer);
	uint32_t manufacturer = 0;
	char line[128];
	size_t i;

	for (i = 0; i < 4; i++)
		manufacturer = manufacturer << 8 | (i < name.len ? rbuf_at(name, i) : ' ');
	(void)snprintf(line, sizeof line,
	    "{\"tpmInfo\":{\"version\":%d,\"manufacturer\":\"%u\",\"model\":\"", TPM_VERSION_20,
	    manufacturer);
	put_text(out, line);
	put_word(out, tpm->model);
	(void)snprintf(line, sizeof line, "\",\"firmwareVersion\":\"%u.%u\"}",
	    tpm->firmware[0] >> 16, tpm->firmware[0] & 0xffff);
	put_text(out, line);
}

bool
call_attest_write(const struct evidence *e, const struct tpm_facts *tpm, struct wbuf *text)
{
	const struct evidence_key *ak = &e->key[0];
	uint8_t octets[ITEM_MAX];
	struct wbuf key = wbuf_over(octets, sizeof octets);

	if (e->keys != 1 || e->ek.certificate.len == 0 || !evidence_public_key(e->ek_area, &key))
		return false;
	put_info(text, tpm);
	put_octets(text, ",\"ek\":", wbuf_view(&key));
	put_chain(text, ",\"ekCerts\":", &e->ek);
	put_octets(text, ",\"params\":{\"public\":", e->ak_area);
	put_octets(text, ",\"createData\":", ak->creation);
	put_octets(text, ",\"createAttestation\":", ak->statement.attest);
	put_octets(text, ",\"createSignature\":", ak->statement.signature);
	put_text(text, "}}\n");
	return wbuf_ok(text);
}

bool
call_secret_write(const struct secret *secret, struct wbuf *text)
{
	put_octets(text, "{\"secret\":", secret_view(secret));
	put_text(text, "}\n");
	return wbuf_ok(text);
}

bool
call_plan_write(struct rbuf blob, struct rbuf encrypted, const struct secret *secret,
    const struct chain *ak, struct wbuf *text)
{
	unsigned char digest[DIGEST_OCTETS];
	char pair[3];
	size_t i;

	if (EVP_Digest(secret->data, secret->len, digest, NULL, EVP_sha256(), NULL) != 1)
		return false;
	put_octets(text, "{\"answer\":{\"credential\":", blob);
	put_octets(text, ",\"secret\":", encrypted);
	put_text(text, "},\"expect\":\"");
	for (i = 0; i < sizeof digest; i++) {
		(void)snprintf(pair, sizeof pair, "%02x", digest[i]);
		put_text(text, pair);
	}
	put_chain(text, "\",\"then\":{\"chain\":", ak);
	put_text(text, "}}\n");
	return wbuf_ok(text);
}

/* ---- reading ---- */

/* Parse all of a text as one object; NULL, with why, when it is none. */
static struct json_object *
parse(struct rbuf text, struct failure *why)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
	struct json_object *object = NULL;

	if (tokener == NULL) {
		fail(why, "out of memory");
		return NULL;
	}
	if (text.len <= CALL_TEXT_MAX)
		object = json_tokener_parse_ex(tokener, (const char *)text.data, (int)text.len);
	if (object != NULL) {
		/* Behind it is nothing but a line's end. */
		struct rbuf rest = text, seen;

		if (!rbuf_take(&rest, json_tokener_get_parse_end(tokener), &seen))
			rest.len = 0;
		while (rest.len != 0 && strchr(" \t\r\n", rbuf_at(rest, 0)) != NULL &&
		       rbuf_at(rest, 0) != '\0')
			(void)!rbuf_take(&rest, 1, &seen);
		if (rest.len != 0 || !json_object_is_type(object, json_type_object)) {
			json_object_put(object);
			object = NULL;
		}
	}
	json_tokener_free(tokener);
	if (object == NULL)
		fail(why, "it is not JSON");
	return object;
}

/* Append the octets of a string. */
static bool
take_string(struct json_object *value, struct wbuf *octets, struct rbuf *out)
{
	const size_t before = octets->len;
	struct rbuf text, skipped;

	if (!json_object_is_type(value, json_type_string))
		return false;
	text = rbuf_of(json_object_get_string(value), (size_t)json_object_get_string_len(value));
	if (text.len == 0 || text.len > BASE64_LENGTH(ITEM_MAX) || !base64_read(text, octets))
		return false;
	*out = wbuf_view(octets);
	return rbuf_take(out, before, &skipped);
}

static bool
take_octets(struct json_object *from, const char *name, struct wbuf *octets, struct rbuf *out,
    struct failure *why)
{
	struct json_object *value = NULL;

	if (json_object_object_get_ex(from, name, &value) && take_string(value, octets, out))
		return true;
	fail(why, "it has no \"%s\", or not as octets in base64", name);
	return false;
}

static bool
take_chain(struct json_object *from, const char *name, struct wbuf *octets, struct chain *out,
    struct failure *why)
{
	struct json_object *list = NULL;
	bool ok = json_object_object_get_ex(from, name, &list) &&
		  json_object_is_type(list, json_type_array);
	const size_t n = ok ? json_object_array_length(list) : 0;
	size_t i;

	*out = (struct chain){ .certificate = { NULL, 0 } };
	ok = n != 0 && n <= CERTIFICATES;
	for (i = 0; ok && i < n; i++)
		ok = take_string(json_object_array_get_idx(list, i), octets,
		    i == 0 ? &out->certificate : &out->above[i - 1]);
	if (!ok)
		fail(why, "it has no \"%s\", or not as 1 to %d certificates in base64", name,
		    CERTIFICATES);
	return ok;
}

bool
call_attest_read(struct rbuf text, struct wbuf *octets, struct evidence *out, struct failure *why)
{
	struct json_object *object = parse(text, why), *params = NULL;
	const size_t before = octets->len;
	struct rbuf key, skipped;
	bool ok;

	*out = (struct evidence){ .keys = 0 };
	if (object == NULL)
		return false;
	ok = take_octets(object, "ek", octets, &key, why) &&
	     take_chain(object, "ekCerts", octets, &out->ek, why);
	if (ok) {
		ok = json_object_object_get_ex(object, "params", &params) &&
		     json_object_is_type(params, json_type_object);
		if (!ok)
			fail(why, "it has no \"params\"");
	}
	ok = ok && take_octets(params, "public", octets, &out->ak_area, why);
	if (ok) {
		const size_t at = octets->len;

		ok = evidence_ek_area(key, octets);
		out->ek_area = wbuf_view(octets);
		if (!ok || !rbuf_take(&out->ek_area, at, &skipped)) {
			fail(why, "its EK is neither of RSA-2048 nor of P-256 or P-384");
			ok = false;
		}
	}
	if (!ok)
		wbuf_truncate(octets, before);
	json_object_put(object);
	return ok;
}

bool
call_credential_read(struct rbuf text, struct wbuf *octets, struct rbuf *blob,
    struct rbuf *encrypted, struct failure *why)
{
	struct json_object *object = parse(text, why);
	bool ok;

	if (object == NULL)
		return false;
	ok = take_octets(object, "credential", octets, blob, why) &&
	     take_octets(object, "secret", octets, encrypted, why);
	json_object_put(object);
	return ok;
}

bool
call_chain_read(struct rbuf text, struct wbuf *octets, struct chain *out, struct failure *why)
{
	struct json_object *object = parse(text, why);
	bool ok;

	if (object == NULL)
		return false;
	ok = take_chain(object, "chain", octets, out, why);
	json_object_put(object);
	return ok;
}
