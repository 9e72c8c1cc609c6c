/* SPDX-License-Identifier: BSD-2-Clause */
/* The card management key (9B): proving it, replacing it, and where a PIN-protected one is. */
#include "tools/client.h"

#include "applet/tlv.h"
#include "tools/client_parts.h"

#include <openssl/rand.h>
#include <string.h>

#define INS_SET_KEY 0xff

/* ---- the card management key ---- */

#define BLOCK_MAX 16

static const struct block_cipher {
	uint8_t algorithm;
	size_t key, block; /* octets */
	const EVP_CIPHER *(*cipher)(void);
} ciphers[] = {
	{ ALG_3DES, 24, 8, EVP_des_ede3_ecb },
	{ ALG_AES_128, 16, 16, EVP_aes_128_ecb },
	{ ALG_AES_192, 24, 16, EVP_aes_192_ecb },
	{ ALG_AES_256, 32, 16, EVP_aes_256_ecb },
};

static const struct block_cipher *
cipher_of(uint8_t algorithm)
{
	size_t i;

	for (i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++) {
		if (ciphers[i].algorithm == algorithm)
			return &ciphers[i];
	}
	return NULL;
}

/* Encrypt or decrypt one block. */
static bool
crypt_block(const struct block_cipher *b, const struct secret *key, bool encrypt, struct rbuf in,
    uint8_t out[BLOCK_MAX])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0;
	bool ok;

	ok = ctx != NULL && in.len == b->block &&
	     EVP_CipherInit_ex2(ctx, b->cipher(), key->data, NULL, encrypt, NULL) == 1 &&
	     EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	     EVP_CipherUpdate(ctx, out, &len, in.data, (int)in.len) == 1 && len == (int)b->block;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* Both sides prove that they know the key, the card last. */
static enum outcome
prove(
    struct channel *ch, const struct block_cipher *b, const struct secret *key, struct failure *why)
{
	uint8_t octets[CLIENT_ANSWER_MAX], witness[BLOCK_MAX], challenge[BLOCK_MAX],
	    expected[BLOCK_MAX];
	struct template t = { .tags = { TAG_WITNESS } };
	struct wbuf answer = wbuf_over(octets, sizeof octets);
	enum outcome outcome;
	struct rbuf value;

	outcome = client_ask_template(
	    ch, b->algorithm, REF_MANAGEMENT, ASK_CHALLENGE, &t, &answer, TAG_WITNESS, &value, why);
	if (outcome != DONE)
		return outcome;
	if (!crypt_block(b, key, false, value, witness) ||
	    RAND_bytes(challenge, (int)b->block) != 1 ||
	    !crypt_block(b, key, true, rbuf_of(challenge, b->block), expected)) {
		fail(why, "cannot answer the card's challenge");
		return FAILED;
	}
	t = (struct template){ .tags = { TAG_WITNESS, TAG_CHALLENGE },
		.values = { rbuf_of(witness, b->block), rbuf_of(challenge, b->block) } };
	wbuf_wipe(&answer);
	outcome = client_ask_template(
	    ch, b->algorithm, REF_MANAGEMENT, ASK_PROOF, &t, &answer, TAG_RESPONSE, &value, why);
	if (outcome == DONE && !rbuf_eq_secret(value, rbuf_of(expected, b->block))) {
		fail(why, "the card does not know its own administrator key: do not use it");
		outcome = FAILED;
	}
	explicit_bzero(witness, sizeof witness);
	explicit_bzero(expected, sizeof expected);
	return outcome;
}

enum outcome
client_authenticate(
    struct channel *ch, uint8_t algorithm, const struct secret *key, struct failure *why)
{
	const struct block_cipher *b = cipher_of(algorithm);

	if (b == NULL || key->len != b->key) {
		fail(why, "the administrator key is not as long as its algorithm wants");
		return WRONG_SECRET;
	}
	return prove(ch, b, key, why);
}

enum outcome
client_set_management_key(struct channel *ch, uint8_t algorithm, const struct secret *key,
    bool *owner_only, struct failure *why)
{
	struct command_apdu c = { .ins = INS_SET_KEY, .p1 = 0xff, .p2 = 0xff };
	uint8_t octets[3 + SECRET_MAX], nothing[16];
	struct wbuf data = wbuf_over(octets, sizeof octets);
	struct wbuf answer = wbuf_over(nothing, sizeof nothing);
	enum outcome outcome;
	uint16_t sw = 0;

	*owner_only = false;
	wbuf_u8(&data, algorithm);
	wbuf_u8(&data, REF_MANAGEMENT);
	wbuf_u8(&data, (uint8_t)key->len);
	wbuf_put(&data, secret_view(key));
	c.data = wbuf_view(&data);
	outcome = channel_send(ch, &c, &answer, &sw, why);
	wbuf_wipe(&data);
	if (outcome != DONE)
		return outcome;
	*owner_only = sw == STATUS_CONDITIONS;
	return status_outcome(ASK_SET_KEY, sw, why);
}

/* ---- a management key that the PIN protects: Yubico's convention ---- */

#define FLAG_PROTECTED 0x02

enum outcome
client_is_protected(struct channel *ch, bool *yes, struct failure *why)
{
	enum { FLAGS, SALT, TIME, FIELDS };
	struct tlv_field f[FIELDS] = {
		[FLAGS] = { .tag = 0x81 },
		[SALT] = { .tag = 0x82 },
		[TIME] = { .tag = 0x83 },
	};
	uint8_t octets[CLIENT_OBJECT_MAX];
	struct wbuf content = wbuf_over(octets, sizeof octets);
	enum outcome outcome;
	struct tlv outer;
	struct rbuf in;
	bool there;

	*yes = false;
	outcome = client_get(ch, OBJECT_ADMIN_DATA, &content, &there, why);
	if (outcome != DONE || !there)
		return outcome;
	in = wbuf_view(&content);
	/* What others have put there is theirs: it only does not say so. */
	*yes = tlv_next(&in, &outer) && outer.tag == 0x80 &&
	       tlv_read_fields(outer.value, f, FIELDS) &&
	       (rbuf_at(f[FLAGS].value, 0) & FLAG_PROTECTED) != 0;
	return DONE;
}

/* In OBJECT_PRINTED, within 88: the key, and the one that a change was about to set. */
enum { TAG_PROTECTED = 0x88, TAG_KEY = 0x89, TAG_NEXT = 0x8a };

/* Whether a key is the one in force. */
static bool
in_force(struct channel *ch, const struct secret *key)
{
	struct failure unread = { "" };
	struct metadata m;

	return client_metadata(ch, REF_MANAGEMENT, &m, &unread) == DONE &&
	       client_authenticate(ch, m.algorithm, key, &unread) == DONE;
}

/* The content of OBJECT_PRINTED. */
static bool
read_protected(struct channel *ch, struct rbuf in, struct secret *key)
{
	struct tlv_field f[] = { { .tag = TAG_KEY }, { .tag = TAG_NEXT } };
	struct tlv outer;
	SECRET(next);

	if (!tlv_next(&in, &outer) || outer.tag != TAG_PROTECTED ||
	    !tlv_read_fields(outer.value, f, 2) || f[0].value.len == 0 ||
	    !secret_set(&next, f[1].value))
		return false;
	if (next.len != 0 && in_force(ch, &next))
		return secret_set(key, f[1].value);
	return secret_set(key, f[0].value);
}

enum outcome
client_protected_key(struct channel *ch, struct secret *key, struct failure *why)
{
	uint8_t octets[CLIENT_OBJECT_MAX];
	struct wbuf content = wbuf_over(octets, sizeof octets);
	enum outcome outcome;
	bool there;

	outcome = client_get(ch, OBJECT_PRINTED, &content, &there, why);
	if (outcome == DONE && (!there || !read_protected(ch, wbuf_view(&content), key))) {
		fail(why, "the card has no administrator key that its PIN protects");
		outcome = FAILED;
	}
	wbuf_wipe(&content);
	return outcome;
}

enum outcome
client_keep_protected(
    struct channel *ch, const struct secret *key, const struct secret *next, struct failure *why)
{
	uint8_t octets[16 + 2 * SECRET_MAX];
	struct wbuf content = wbuf_over(octets, sizeof octets);
	size_t mark = tlv_open(&content, TAG_PROTECTED);
	enum outcome outcome;

	tlv_put(&content, TAG_KEY, secret_view(key));
	if (next != NULL)
		tlv_put(&content, TAG_NEXT, secret_view(next));
	tlv_close(&content, mark);
	outcome = client_put(ch, OBJECT_PRINTED, wbuf_view(&content), why);
	wbuf_wipe(&content);
	return outcome;
}
