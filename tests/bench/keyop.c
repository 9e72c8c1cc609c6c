/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/keyop.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "applet/tlv.h"

#define ALG_RSA_2048 0x07
#define ALG_P256     0x11
#define RSA_LEN      256
#define POINT_LEN    65
#define COORD_LEN    32

static bool
is_rsa(const struct keyop *op)
{
	return EVP_PKEY_get_base_id(op->key) == EVP_PKEY_RSA;
}

static bool
fits(const struct keyop *op)
{
	char group[32] = "";

	if (is_rsa(op))
		return op->kind == KEYOP_SIGN && EVP_PKEY_get_bits(op->key) == 8 * RSA_LEN;
	return EVP_PKEY_get_group_name(op->key, group, sizeof group, NULL) == 1 &&
	       rbuf_eq(rbuf_str(group), rbuf_str("prime256v1"));
}

bool
keyop_open(struct keyop *op, enum keyop_kind kind, uint8_t reference, const char *file)
{
	FILE *in = fopen(file, "r");

	*op = (struct keyop){ .kind = kind, .reference = reference };
	if (in == NULL) {
		perror(file);
		return false;
	}
	op->key = PEM_read_PUBKEY(in, NULL, NULL, NULL);
	(void)fclose(in);
	if (op->key != NULL && fits(op)) {
		if (kind != KEYOP_ECDH)
			return true;
		op->peer = EVP_EC_gen("P-256");
		if (op->peer != NULL)
			return true;
	}
	(void)fprintf(stderr, "%s: no public key for this\n", file);
	keyop_close(op);
	return false;
}

void
keyop_close(struct keyop *op)
{
	EVP_PKEY_free(op->key);
	EVP_PKEY_free(op->peer);
	*op = (struct keyop){ 0 };
}

/* The digest that is signed. */
static void
digest_of(uint32_t n, uint8_t digest[SHA256_DIGEST_LENGTH])
{
	uint8_t octets[sizeof n];
	struct wbuf message = wbuf_over(octets, sizeof octets);

	wbuf_u32(&message, n);
	(void)SHA256(octets, sizeof octets, digest);
}

/* EMSA-PKCS1-v1_5 of a SHA-256 digest (RFC 8017, 9.2). */
static void
put_padded(struct rbuf digest, struct wbuf *out)
{
	static const uint8_t info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
		0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

	wbuf_u16(out, 0x0001);
	wbuf_fill(out, 0xff, RSA_LEN - 3 - sizeof info - digest.len);
	wbuf_u8(out, 0);
	wbuf_put(out, rbuf_of(info, sizeof info));
	wbuf_put(out, digest);
}

bool
keyop_command(const struct keyop *op, uint32_t n, struct wbuf *out)
{
	uint8_t digest[SHA256_DIGEST_LENGTH], block_octets[RSA_LEN], data_octets[RSA_LEN + 16];
	struct wbuf block = wbuf_over(block_octets, sizeof block_octets);
	struct wbuf data = wbuf_over(data_octets, sizeof data_octets);
	uint8_t *point = NULL;
	size_t mark;

	digest_of(n, digest);
	if (op->kind == KEYOP_ECDH) {
		wbuf_put(
		    &block, rbuf_of(point, EVP_PKEY_get1_encoded_public_key(op->peer, &point)));
	} else if (is_rsa(op)) {
		put_padded(rbuf_of(digest, sizeof digest), &block);
	} else {
		wbuf_put(&block, rbuf_of(digest, sizeof digest));
	}
	OPENSSL_free(point);
	mark = tlv_open(&data, 0x7c);
	tlv_put(&data, 0x82, rbuf_of(NULL, 0));
	tlv_put(&data, op->kind == KEYOP_ECDH ? 0x85 : 0x81, wbuf_view(&block));
	tlv_close(&data, mark);

	wbuf_u16(out, 0x0087);
	wbuf_u8(out, is_rsa(op) ? ALG_RSA_2048 : ALG_P256);
	wbuf_u8(out, op->reference);
	if (data.len < 256) {
		wbuf_u8(out, (uint8_t)data.len);
		wbuf_put(out, wbuf_view(&data));
		wbuf_u8(out, 0);
	} else {
		wbuf_u8(out, 0);
		wbuf_u16(out, (uint16_t)data.len);
		wbuf_put(out, wbuf_view(&data));
		wbuf_u16(out, 0);
	}
	return wbuf_ok(&block) && wbuf_ok(&data) && wbuf_ok(out);
}

static bool
right_signature(const struct keyop *op, uint32_t n, struct rbuf signature)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(op->key, NULL);
	bool right;

	digest_of(n, digest);
	/* The padding of RSA is PKCS #1's unless one asks for another. */
	right = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
		EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		EVP_PKEY_verify(ctx, signature.data, signature.len, digest, sizeof digest) == 1;
	EVP_PKEY_CTX_free(ctx);
	return right;
}

static bool
right_secret(const struct keyop *op, struct rbuf secret)
{
	uint8_t ours[COORD_LEN];
	size_t len = sizeof ours;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(op->peer, NULL);
	bool right;

	right = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
		EVP_PKEY_derive_set_peer(ctx, op->key) == 1 &&
		EVP_PKEY_derive(ctx, ours, &len) == 1 && rbuf_eq(rbuf_of(ours, len), secret);
	EVP_PKEY_CTX_free(ctx);
	return right;
}

bool
keyop_right(const struct keyop *op, uint32_t n, struct rbuf answer)
{
	struct tlv template;
	struct tlv_field field = { .tag = 0x82 };

	if (!tlv_next(&answer, &template) || template.tag != 0x7c || answer.len != 0 ||
	    !tlv_read_fields(template.value, &field, 1) || !field.present)
		return false;
	return op->kind == KEYOP_ECDH ? right_secret(op, field.value)
				      : right_signature(op, n, field.value);
}
