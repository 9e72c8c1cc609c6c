/* SPDX-License-Identifier: BSD-2-Clause */
/* Secrets and data objects. */
#include "tools/client.h"

#include "applet/tlv.h"
#include "tools/client_parts.h"

#include <openssl/x509.h>

enum {
	INS_VERIFY = 0x20,
	INS_CHANGE = 0x24,
	INS_UNBLOCK = 0x2c,
	INS_GET_DATA = 0xcb,
	INS_PUT_DATA = 0xdb,
};

/* SP 800-73-4 Part 2, 2.4.3; and our extension for longer ones. */
#define PADDED_LEN 8
#define LONGEST    127
#define PADDING    0xff

/* Room for an object in its envelopes. */
#define ENVELOPE_MAX (CLIENT_OBJECT_MAX + 32)

/* A command whose answer is its status word alone. */
static enum outcome
command(struct channel *ch, const struct command_apdu *c, unsigned asked, struct failure *why)
{
	uint8_t octets[256];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	enum outcome outcome;
	uint16_t sw = 0;

	outcome = channel_send(ch, c, &out, &sw, why);
	return outcome == DONE ? status_outcome(asked, sw, why) : outcome;
}

/* ---- PIN and PUK ---- */

static bool
fits(const struct secret *s, const char *what, struct failure *why)
{
	if (s->len == 0)
		fail(why, "%s is empty", what);
	else if (s->len > LONGEST)
		fail(why, "%s is longer than %d characters", what, LONGEST);
	return s->len != 0 && s->len <= LONGEST;
}

static void
put_padded(struct wbuf *out, const struct secret *s, size_t len)
{
	wbuf_put(out, secret_view(s));
	if (s->len < len)
		wbuf_fill(out, PADDING, len - s->len);
}

enum outcome
client_verify(struct channel *ch, const struct secret *pin, struct failure *why)
{
	struct command_apdu c = { .ins = INS_VERIFY, .p2 = REF_PIN };
	uint8_t octets[LONGEST];
	struct wbuf data = wbuf_over(octets, sizeof octets);
	enum outcome outcome;

	if (!fits(pin, "the PIN", why))
		return WRONG_SECRET;
	put_padded(&data, pin, PADDED_LEN);
	c.data = wbuf_view(&data);
	outcome = command(ch, &c, ASK_VERIFY, why);
	wbuf_wipe(&data);
	return outcome;
}

/* The two commands with two secrets: equal halves. */
static enum outcome
send_two(struct channel *ch, uint8_t ins, uint8_t reference, const struct secret *first,
    const struct secret *second, unsigned asked, struct failure *why)
{
	struct command_apdu c = { .ins = ins, .p2 = reference };
	const size_t longer = first->len > second->len ? first->len : second->len;
	const size_t half = longer > PADDED_LEN ? longer : PADDED_LEN;
	uint8_t octets[2 * LONGEST];
	struct wbuf data = wbuf_over(octets, sizeof octets);
	enum outcome outcome;

	put_padded(&data, first, half);
	put_padded(&data, second, half);
	c.data = wbuf_view(&data);
	outcome = command(ch, &c, asked, why);
	wbuf_wipe(&data);
	return outcome;
}

enum outcome
client_change(struct channel *ch, uint8_t reference, const struct secret *old,
    const struct secret *fresh, struct failure *why)
{
	const bool pin = reference == REF_PIN;

	if (!fits(old, pin ? "the PIN" : "the PUK", why) ||
	    !fits(fresh, pin ? "the new PIN" : "the new PUK", why))
		return WRONG_SECRET;
	return send_two(
	    ch, INS_CHANGE, reference, old, fresh, pin ? ASK_CHANGE_PIN : ASK_CHANGE_PUK, why);
}

enum outcome
client_unblock(struct channel *ch, const struct secret *puk, const struct secret *fresh_pin,
    struct failure *why)
{
	if (!fits(puk, "the PUK", why) || !fits(fresh_pin, "the new PIN", why))
		return WRONG_SECRET;
	return send_two(ch, INS_UNBLOCK, REF_PIN, puk, fresh_pin, ASK_UNBLOCK, why);
}

/* ---- data objects ---- */

uint32_t
client_certificate_object(uint8_t reference)
{
	switch (reference) {
	case 0x9a:
		return 0x5fc105;
	case 0x9c:
		return 0x5fc10a;
	case 0x9d:
		return 0x5fc10b;
	case 0x9e:
		return 0x5fc101;
	default:
		return reference >= RETIRED_FIRST && reference <= RETIRED_LAST
			   ? 0x5fc10du + reference - RETIRED_FIRST
			   : 0;
	}
}

/* The tag list that names one object. */
static void
put_name(struct wbuf *out, uint32_t tag)
{
	size_t mark = tlv_open(out, 0x5c);

	if (tag > 0xffff)
		wbuf_u8(out, (uint8_t)(tag >> 16));
	if (tag > 0xff)
		wbuf_u8(out, (uint8_t)(tag >> 8));
	wbuf_u8(out, (uint8_t)tag);
	tlv_close(out, mark);
}

/* The Discovery Object and the BIT Group Template come as they are. */
static uint32_t
envelope_of(uint32_t tag)
{
	return tag == 0x7e || tag == 0x7f61 ? tag : 0x53;
}

enum outcome
client_get(struct channel *ch, uint32_t tag, struct wbuf *out, bool *there, struct failure *why)
{
	struct command_apdu c = { .ins = INS_GET_DATA, .p1 = 0x3f, .p2 = 0xff };
	uint8_t name[8], octets[ENVELOPE_MAX];
	struct wbuf list = wbuf_over(name, sizeof name), answer = wbuf_over(octets, sizeof octets);
	enum outcome outcome;
	struct tlv object;
	struct rbuf in;
	uint16_t sw = 0;

	*there = false;
	put_name(&list, tag);
	c.data = wbuf_view(&list);
	outcome = channel_send(ch, &c, &answer, &sw, why);
	if (outcome != DONE || sw == STATUS_NO_DATA)
		goto out;
	outcome = status_outcome(ASK_READ, sw, why);
	if (outcome != DONE)
		goto out;
	in = wbuf_view(&answer);
	if (!tlv_next(&in, &object) || in.len != 0 || object.tag != envelope_of(tag) ||
	    object.value.len > out->cap - out->len) {
		fail(why, "the card's data object %06X is malformed or too long", (unsigned)tag);
		outcome = FAILED;
		goto out;
	}
	*there = object.value.len != 0;
	wbuf_put(out, object.value);
out:
	wbuf_wipe(&answer);
	return outcome;
}

enum outcome
client_put(struct channel *ch, uint32_t tag, struct rbuf content, struct failure *why)
{
	struct command_apdu c = { .ins = INS_PUT_DATA, .p1 = 0x3f, .p2 = 0xff };
	uint8_t octets[ENVELOPE_MAX];
	struct wbuf data = wbuf_over(octets, sizeof octets);
	enum outcome outcome = FAILED;

	if (envelope_of(tag) == 0x53)
		put_name(&data, tag);
	tlv_put(&data, envelope_of(tag), content);
	c.data = wbuf_view(&data);
	if (wbuf_ok(&data))
		outcome = command(ch, &c, ASK_WRITE, why);
	else
		fail(why, "the data object %06X would be longer than a card's can be",
		    (unsigned)tag);
	wbuf_wipe(&data);
	return outcome;
}

/* ---- certificates ---- */

/* What a certificate object has. */
enum { CERTIFICATE, CERT_INFO, MSCUID, ERROR_CODE, CERTIFICATE_FIELDS };

static X509 *
read_certificate(struct rbuf content, struct failure *why)
{
	struct tlv_field f[CERTIFICATE_FIELDS] = {
		[CERTIFICATE] = { .tag = 0x70 },
		[CERT_INFO] = { .tag = 0x71 },
		[MSCUID] = { .tag = 0x72 },
		[ERROR_CODE] = { .tag = 0xfe },
	};
	const unsigned char *der;
	X509 *certificate;

	if (!tlv_read_fields(content, f, CERTIFICATE_FIELDS)) {
		fail(why, "the card's certificate object is malformed");
		return NULL;
	}
	if ((rbuf_at(f[CERT_INFO].value, 0) & 0x01) != 0) {
		fail(why, "the certificate is stored compressed, which is not supported");
		return NULL;
	}
	der = f[CERTIFICATE].value.data;
	certificate = d2i_X509(NULL, &der, (long)f[CERTIFICATE].value.len);
	if (certificate == NULL || der != f[CERTIFICATE].value.data + f[CERTIFICATE].value.len) {
		fail(why, "what the card has for a certificate is none");
		X509_free(certificate);
		return NULL;
	}
	return certificate;
}

enum outcome
client_get_certificate(struct channel *ch, uint8_t reference, X509 **out, struct failure *why)
{
	const uint32_t tag = client_certificate_object(reference);
	uint8_t octets[CLIENT_OBJECT_MAX];
	struct wbuf content = wbuf_over(octets, sizeof octets);
	enum outcome outcome;
	bool there;

	*out = NULL;
	if (tag == 0)
		return DONE;
	outcome = client_get(ch, tag, &content, &there, why);
	if (outcome != DONE || !there)
		return outcome;
	*out = read_certificate(wbuf_view(&content), why);
	return *out != NULL ? DONE : FAILED;
}

enum outcome
client_put_certificate(
    struct channel *ch, uint8_t reference, X509 *certificate, struct failure *why)
{
	static const uint8_t uncompressed[] = { 0x00 };
	const uint32_t tag = client_certificate_object(reference);
	uint8_t octets[CLIENT_OBJECT_MAX];
	struct wbuf content = wbuf_over(octets, sizeof octets);
	unsigned char *der = NULL;
	int len;

	if (tag == 0) {
		fail(why, "key reference %02X has no certificate", reference);
		return FAILED;
	}
	len = i2d_X509(certificate, &der);
	if (len <= 0) {
		fail(why, "the certificate cannot be encoded");
		return FAILED;
	}
	tlv_put(&content, 0x70, rbuf_of(der, (size_t)len));
	tlv_put(&content, 0x71, rbuf_of(uncompressed, sizeof uncompressed));
	tlv_put(&content, 0xfe, rbuf_of(NULL, 0));
	OPENSSL_free(der);
	if (!wbuf_ok(&content)) {
		fail(why, "the certificate has %d octets, more than a card's can have", len);
		return FAILED;
	}
	return client_put(ch, tag, wbuf_view(&content), why);
}
