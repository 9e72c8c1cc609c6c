/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/exchange.h"

#include "tools/document.h"

#include "applet/tlv.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stddef.h>
#include <stdlib.h>

#define AREA_MAX        2048
#define CERTIFICATE_MAX 8192
#define GUID_OCTETS     16

#define KEY_OCTETS   32
#define NONCE_OCTETS 12
#define TAG_OCTETS   16

/* ---- texts ---- */

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)
#define LEAF             NULL, 0, 0, 0
#define WITHIN(table)    table, sizeof(table) / sizeof(table)[0], 0, 0

/* name, kind, where, least and most octets */
static const struct field card_fields[] = {
	{ "name", FIELD_TEXT, AT(evidence, name), 1, FIELD_TEXT_MAX, LEAF },
	{ "guid", FIELD_HEX,  AT(evidence, guid), GUID_OCTETS, GUID_OCTETS, LEAF },
};

static const struct field ek_fields[] = {
	{ "certificates", FIELD_CHAIN,  AT(evidence, ek), 1, CERTIFICATE_MAX, LEAF },
	{ "area",         FIELD_BASE64, AT(evidence, ek_area), 1, AREA_MAX, LEAF },
};

static const struct field ak_fields[] = {
	{ "area", FIELD_BASE64, AT(evidence, ak_area), 1, AREA_MAX, LEAF },
};

static const struct field request_fields[] = {
	{ "card", FIELD_OBJECT, 0, 0, 0, WITHIN(card_fields) },
	{ "ek",   FIELD_OBJECT, 0, 0, 0, WITHIN(ek_fields) },
	{ "ak",   FIELD_OBJECT, 0, 0, 0, WITHIN(ak_fields) },
};

static const struct field for_fields[] = {
	{ "name", FIELD_TEXT, AT(response, name), 1, FIELD_TEXT_MAX, LEAF },
	{ "guid", FIELD_HEX,  AT(response, guid), GUID_OCTETS, GUID_OCTETS, LEAF },
};

static const struct field response_fields[] = {
	{ "card",      FIELD_OBJECT, 0, 0, 0, WITHIN(for_fields) },
	{ "blob",      FIELD_BASE64, AT(response, blob), 1, CREDENTIAL_OCTETS_MAX, LEAF },
	{ "encrypted", FIELD_BASE64, AT(response, encrypted), 1, CREDENTIAL_OCTETS_MAX, LEAF },
	{ "sealed",    FIELD_BASE64, AT(response, sealed), NONCE_OCTETS + TAG_OCTETS + 1,
	    (1 + EVIDENCE_CHAIN_MAX) * CERTIFICATE_MAX, LEAF },
};

static const struct document request = { "tpmvsc attestation request",
	"a request to an attestation CA", EXCHANGE_TEXT_MAX, request_fields,
	sizeof request_fields / sizeof request_fields[0] };

static const struct document response = { "tpmvsc attestation response",
	"a response of an attestation CA", EXCHANGE_TEXT_MAX, response_fields,
	sizeof response_fields / sizeof response_fields[0] };
/* clang-format on */

bool
exchange_write_request(const struct evidence *e, struct wbuf *text)
{
	return document_write(&request, e, text);
}

bool
exchange_read_request(
    struct rbuf text, struct wbuf *octets, struct evidence *out, struct failure *why)
{
	*out = (struct evidence){ .keys = 0 };
	return document_read(&request, text, out, octets, why);
}

bool
exchange_write_response(const struct response *r, struct wbuf *text)
{
	return document_write(&response, r, text);
}

bool
exchange_read_response(
    struct rbuf text, struct wbuf *octets, struct response *out, struct failure *why)
{
	*out = (struct response){ .name = { NULL, 0 } };
	return document_read(&response, text, out, octets, why);
}

/* ---- what is sealed ---- */

/* Encrypt or decrypt all of in; tag is written or compared. */
static bool
crypt(bool encrypt, const struct secret *key, struct rbuf nonce, struct rbuf in, uint8_t *out,
    uint8_t tag[TAG_OCTETS])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok = ctx != NULL && key->len == KEY_OCTETS && in.len <= EXCHANGE_OCTETS_MAX;
	int len = 0, rest = 0;

	ok = ok &&
	     EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->data, nonce.data, encrypt) == 1 &&
	     EVP_CipherUpdate(ctx, out, &len, in.data, (int)in.len) == 1 && (size_t)len == in.len;
	if (ok && !encrypt)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_OCTETS, tag) == 1;
	ok = ok && EVP_CipherFinal_ex(ctx, out + len, &rest) == 1 && rest == 0;
	if (ok && encrypt)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_OCTETS, tag) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

bool
exchange_seal(const struct secret *key, const struct chain *ak, struct wbuf *sealed)
{
	uint8_t nonce[NONCE_OCTETS], tag[TAG_OCTETS];
	uint8_t *octets = malloc(2 * EXCHANGE_OCTETS_MAX);
	struct wbuf plain;
	bool ok = false;
	size_t i;

	if (octets == NULL)
		return false;
	plain = wbuf_over(octets, EXCHANGE_OCTETS_MAX);
	wbuf_put(&plain, ak->certificate);
	for (i = 0; i < EVIDENCE_CHAIN_MAX; i++)
		wbuf_put(&plain, ak->above[i]);
	if (wbuf_ok(&plain) && RAND_bytes(nonce, sizeof nonce) == 1 &&
	    crypt(true, key, rbuf_of(nonce, sizeof nonce), wbuf_view(&plain),
		octets + EXCHANGE_OCTETS_MAX, tag)) {
		wbuf_put(sealed, rbuf_of(nonce, sizeof nonce));
		wbuf_put(sealed, rbuf_of(octets + EXCHANGE_OCTETS_MAX, plain.len));
		wbuf_put(sealed, rbuf_of(tag, sizeof tag));
		ok = wbuf_ok(sealed);
	}
	free(octets);
	return ok;
}

bool
exchange_split(struct rbuf certificates, struct chain *out)
{
	struct rbuf rest = certificates, whole = certificates;
	struct tlv certificate;
	size_t n = 0;

	*out = (struct chain){ .certificate = { NULL, 0 } };
	while (rest.len != 0) {
		if (!tlv_next(&rest, &certificate) || certificate.tag != 0x30 ||
		    n > EVIDENCE_CHAIN_MAX ||
		    !rbuf_take(&whole, whole.len - rest.len,
			n == 0 ? &out->certificate : &out->above[n - 1]))
			return false;
		n++;
	}
	return n != 0;
}

bool
exchange_open(const struct secret *key, struct rbuf sealed, struct wbuf *octets, struct chain *out)
{
	uint8_t tag[TAG_OCTETS], *plain = malloc(EXCHANGE_OCTETS_MAX);
	const size_t before = octets->len;
	struct rbuf nonce, body, certificates;
	bool ok = false;

	if (plain != NULL && rbuf_take(&sealed, NONCE_OCTETS, &nonce) && sealed.len > sizeof tag &&
	    rbuf_take(&sealed, sealed.len - sizeof tag, &body) &&
	    rbuf_copy(&sealed, tag, sizeof tag) && crypt(false, key, nonce, body, plain, tag)) {
		wbuf_put(octets, rbuf_of(plain, body.len));
		certificates = wbuf_view(octets);
		ok = wbuf_ok(octets) && rbuf_take(&certificates, before, &nonce) &&
		     exchange_split(certificates, out);
	}
	if (!ok)
		wbuf_truncate(octets, before);
	free(plain);
	return ok;
}
