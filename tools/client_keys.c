/* SPDX-License-Identifier: BSD-2-Clause */
/* Private keys: what the card says of them, making, moving and using them. */
#include "tools/client.h"

#include "applet/tlv.h"
#include "tools/client_parts.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

enum {
	INS_GENERATE = 0x47,
	INS_AUTHENTICATE = 0x87,
	INS_MOVE = 0xf6,
	INS_METADATA = 0xf7,
};

static enum outcome
send(struct channel *ch, const struct command_apdu *c, unsigned asked, struct wbuf *out,
    struct failure *why)
{
	enum outcome outcome;
	uint16_t sw = 0;

	outcome = channel_send(ch, c, out, &sw, why);
	return outcome == DONE ? status_outcome(asked, sw, why) : outcome;
}

/* ---- public keys ---- */

static EVP_PKEY *
key_from(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY *key = NULL;

	if (ctx != NULL && params != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* Octets of a modulus or a point; 0 for no algorithm of a private key. */
static size_t
public_size(uint8_t algorithm)
{
	switch (algorithm) {
	case ALG_RSA_2048:
		return 256;
	case ALG_RSA_3072:
		return 384;
	case ALG_RSA_4096:
		return 512;
	case ALG_ECC_P256:
		return 65;
	case ALG_ECC_P384:
		return 97;
	default:
		return 0;
	}
}

static bool
is_ecc(uint8_t algorithm)
{
	return algorithm == ALG_ECC_P256 || algorithm == ALG_ECC_P384;
}

static EVP_PKEY *
rsa_key(struct rbuf modulus, struct rbuf exponent)
{
	BIGNUM *n = BN_bin2bn(modulus.data, (int)modulus.len, NULL);
	BIGNUM *e = BN_bin2bn(exponent.data, (int)exponent.len, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	if (n != NULL && e != NULL && build != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		key = key_from("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(e);
	BN_free(n);
	return key;
}

static EVP_PKEY *
ecc_key(uint8_t algorithm, struct rbuf point)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	if (build != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
		algorithm == ALG_ECC_P256 ? "P-256" : "P-384", 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(
		build, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len) == 1)
		key = key_from("EC", build);
	OSSL_PARAM_BLD_free(build);
	return key;
}

/* From the data objects 81 and 82 (modulus, exponent), or 86 (point). */
static enum outcome
read_public(uint8_t algorithm, struct rbuf in, EVP_PKEY **out, struct failure *why)
{
	enum { MODULUS, EXPONENT, POINT, FIELDS };
	struct tlv_field f[FIELDS] = {
		[MODULUS] = { .tag = 0x81 },
		[EXPONENT] = { .tag = 0x82 },
		[POINT] = { .tag = 0x86 },
	};
	const bool ecc = is_ecc(algorithm);
	const size_t size = public_size(algorithm);

	*out = NULL;
	if (size != 0 && tlv_read_fields(in, f, FIELDS) && f[POINT].present == ecc &&
	    f[MODULUS].present == !ecc && f[ecc ? POINT : MODULUS].value.len == size &&
	    (ecc || (f[EXPONENT].value.len >= 1 && f[EXPONENT].value.len <= 8)))
		*out = ecc ? ecc_key(algorithm, f[POINT].value)
			   : rsa_key(f[MODULUS].value, f[EXPONENT].value);
	if (*out != NULL)
		return DONE;
	fail(why, "the public key that the card gives is none");
	return FAILED;
}

/* ---- metadata ---- */

enum { ALGORITHM, POLICY, ORIGIN, PUBLIC, IS_DEFAULT, RETRIES, METADATA_FIELDS };

/* octets holds what the fields are views of. */
static enum outcome
get_metadata(struct channel *ch, uint8_t reference, struct wbuf *octets, struct tlv_field *f,
    bool *there, bool *told, struct failure *why)
{
	const struct command_apdu c = { .ins = INS_METADATA, .p2 = reference };
	enum outcome outcome;
	uint16_t sw = 0;
	size_t i;

	for (i = 0; i < METADATA_FIELDS; i++)
		f[i] = (struct tlv_field){ .tag = (uint32_t)(i + 1) };
	outcome = channel_send(ch, &c, octets, &sw, why);
	if (outcome != DONE)
		return outcome;
	*there = sw != STATUS_NO_KEY;
	*told = *there && sw != STATUS_CONDITIONS;
	if (!*told)
		return DONE;
	outcome = status_outcome(ASK_DESCRIBE, sw, why);
	if (outcome == DONE && !tlv_read_fields(wbuf_view(octets), f, METADATA_FIELDS)) {
		fail(why, "what the card says of %02X is malformed", reference);
		outcome = FAILED;
	}
	return outcome;
}

enum outcome
client_metadata(struct channel *ch, uint8_t reference, struct metadata *out, struct failure *why)
{
	struct tlv_field f[METADATA_FIELDS];
	uint8_t octets[CLIENT_ANSWER_MAX];
	struct wbuf answer = wbuf_over(octets, sizeof octets);
	bool there = false, told = false;
	enum outcome outcome;

	*out = (struct metadata){ .there = false };
	outcome = get_metadata(ch, reference, &answer, f, &there, &told, why);
	if (outcome != DONE)
		return outcome;
	out->there = there;
	if (!told)
		return DONE;
	out->algorithm = rbuf_at(f[ALGORITHM].value, 0);
	out->pin = (enum pin_rule)rbuf_at(f[POLICY].value, 0);
	out->origin = (enum key_origin)rbuf_at(f[ORIGIN].value, 0);
	out->is_default = rbuf_at(f[IS_DEFAULT].value, 0) != 0;
	out->tries_limit = rbuf_at(f[RETRIES].value, 0);
	out->tries_left = rbuf_at(f[RETRIES].value, 1);
	/* A PUK that may never be tried is none. */
	if (f[RETRIES].present && out->tries_limit == 0)
		out->there = false;
	return DONE;
}

enum outcome
client_public_key(struct channel *ch, uint8_t reference, EVP_PKEY **out, struct failure *why)
{
	struct tlv_field f[METADATA_FIELDS];
	uint8_t octets[CLIENT_ANSWER_MAX];
	struct wbuf answer = wbuf_over(octets, sizeof octets);
	bool there = false, told = false;
	enum outcome outcome;

	*out = NULL;
	outcome = get_metadata(ch, reference, &answer, f, &there, &told, why);
	if (outcome != DONE)
		return outcome;
	if (!told) {
		fail(why, "there is no key %02X on the card", reference);
		return FAILED;
	}
	return read_public(rbuf_at(f[ALGORITHM].value, 0), f[PUBLIC].value, out, why);
}

/* ---- making and moving keys ---- */

static void
put_octet(struct wbuf *out, uint32_t tag, unsigned value)
{
	const uint8_t octet = (uint8_t)value;

	tlv_put(out, tag, rbuf_of(&octet, 1));
}

enum outcome
client_generate(struct channel *ch, uint8_t reference, uint8_t algorithm, unsigned rule,
    EVP_PKEY **out, struct failure *why)
{
	struct command_apdu c = { .ins = INS_GENERATE, .p2 = reference };
	uint8_t control[16], octets[CLIENT_ANSWER_MAX];
	struct wbuf data = wbuf_over(control, sizeof control);
	struct wbuf answer = wbuf_over(octets, sizeof octets);
	size_t mark = tlv_open(&data, 0xac);
	enum outcome outcome;
	struct tlv public;
	struct rbuf in;

	*out = NULL;
	put_octet(&data, 0x80, algorithm);
	if (rule != 0)
		put_octet(&data, 0xaa, rule);
	tlv_close(&data, mark);
	c.data = wbuf_view(&data);
	outcome = send(ch, &c, ASK_GENERATE, &answer, why);
	if (outcome != DONE)
		return outcome;
	in = wbuf_view(&answer);
	if (tlv_next(&in, &public) && public.tag == 0x7f49 && in.len == 0)
		return read_public(algorithm, public.value, out, why);
	fail(why, "the card made a key, but its answer is malformed");
	return FAILED;
}

enum outcome
client_move(struct channel *ch, uint8_t from, uint8_t to, struct failure *why)
{
	const struct command_apdu c = { .ins = INS_MOVE, .p1 = to, .p2 = from };
	uint8_t octets[16];
	struct wbuf answer = wbuf_over(octets, sizeof octets);

	return send(ch, &c, ASK_MOVE, &answer, why);
}

/* ---- GENERAL AUTHENTICATE ---- */

#define TAG_TEMPLATE 0x7c

enum outcome
client_ask_template(struct channel *ch, uint8_t algorithm, uint8_t reference, unsigned asked,
    const struct template *t, struct wbuf *answer, uint32_t tag, struct rbuf *value,
    struct failure *why)
{
	struct command_apdu c = { .ins = INS_AUTHENTICATE, .p1 = algorithm, .p2 = reference };
	uint8_t octets[600];
	struct wbuf data = wbuf_over(octets, sizeof octets);
	struct tlv_field field = { .tag = tag };
	size_t i, mark = tlv_open(&data, TAG_TEMPLATE);
	enum outcome outcome = FAILED;
	struct tlv outer;
	struct rbuf in;

	for (i = 0; i < 2; i++) {
		if (t->tags[i] != 0)
			tlv_put(&data, t->tags[i], t->values[i]);
	}
	tlv_close(&data, mark);
	c.data = wbuf_view(&data);
	if (wbuf_ok(&data))
		outcome = send(ch, &c, asked, answer, why);
	wbuf_wipe(&data);
	if (outcome != DONE)
		return outcome;
	in = wbuf_view(answer);
	if (tlv_next(&in, &outer) && in.len == 0 && outer.tag == TAG_TEMPLATE &&
	    tlv_read_fields(outer.value, &field, 1) && field.present) {
		*value = field.value;
		return DONE;
	}
	fail(why, "the card's answer is malformed");
	return FAILED;
}

/* ---- signatures ---- */

/* DigestInfo in PKCS #1 v1.5 padding, as long as the modulus (RFC 8017, 9.2). */
static bool
put_padded_digest(const EVP_MD *md, struct rbuf digest, size_t size, struct wbuf *out)
{
	X509_SIG *info = X509_SIG_new();
	ASN1_OCTET_STRING *value = NULL;
	X509_ALGOR *algorithm = NULL;
	unsigned char *der = NULL;
	bool ok = false;
	int len;

	if (info == NULL)
		return false;
	X509_SIG_getm(info, &algorithm, &value);
	if (X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(md)), V_ASN1_NULL, NULL) != 1 ||
	    ASN1_OCTET_STRING_set(value, digest.data, (int)digest.len) != 1)
		goto out;
	len = i2d_X509_SIG(info, &der);
	if (len <= 0 || (size_t)len + 11 > size)
		goto out;
	wbuf_u8(out, 0x00);
	wbuf_u8(out, 0x01);
	wbuf_fill(out, 0xff, size - (size_t)len - 3);
	wbuf_u8(out, 0x00);
	wbuf_put(out, rbuf_of(der, (size_t)len));
	ok = wbuf_ok(out);
out:
	OPENSSL_free(der);
	X509_SIG_free(info);
	return ok;
}

enum outcome
client_sign(struct channel *ch, uint8_t reference, uint8_t algorithm, const EVP_MD *md,
    struct rbuf digest, struct wbuf *out, struct failure *why)
{
	const bool ecc = is_ecc(algorithm);
	const size_t size = ecc ? public_size(algorithm) / 2 : public_size(algorithm);
	uint8_t octets[CLIENT_ANSWER_MAX], block[512];
	struct wbuf answer = wbuf_over(octets, sizeof octets);
	struct wbuf challenge = wbuf_over(block, sizeof block);
	struct template t = { .tags = { TAG_RESPONSE, TAG_CHALLENGE } };
	struct rbuf value, whole = digest;
	enum outcome outcome;

	if (ecc && digest.len > size && !rbuf_take(&whole, size, &digest))
		return FAILED;
	if (ecc) {
		wbuf_put(&challenge, digest);
	} else if (size == 0 || !put_padded_digest(md, digest, size, &challenge)) {
		fail(why, "there is no such signature with that key");
		return FAILED;
	}
	t.values[1] = wbuf_view(&challenge);
	outcome = client_ask_template(
	    ch, algorithm, reference, ASK_USE, &t, &answer, TAG_RESPONSE, &value, why);
	if (outcome != DONE)
		return outcome;
	if (value.len == 0 || (!ecc && value.len != size) || value.len > out->cap - out->len) {
		fail(why, "the card's signature is none");
		return FAILED;
	}
	wbuf_put(out, value);
	return DONE;
}
