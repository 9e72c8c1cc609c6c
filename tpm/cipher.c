/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/cipher.h"

#include <openssl/evp.h>

/* clang-format off */
static const struct cipher_row {
	uint8_t algorithm;
	size_t block, key;
	const EVP_CIPHER *(*cipher)(void);
} ciphers[] = {
	{ ALG_3DES,     8, 24, EVP_des_ede3_ecb },
	{ ALG_AES_128, 16, 16, EVP_aes_128_ecb },
	{ ALG_AES_192, 16, 24, EVP_aes_192_ecb },
	{ ALG_AES_256, 16, 32, EVP_aes_256_ecb },
};
/* clang-format on */

#define BLOCK_MAX 16

static const struct cipher_row *
find(uint8_t algorithm)
{
	size_t i;

	for (i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++) {
		if (ciphers[i].algorithm == algorithm)
			return &ciphers[i];
	}
	return NULL;
}

size_t
cipher_block(uint8_t algorithm)
{
	const struct cipher_row *row = find(algorithm);

	return row != NULL ? row->block : 0;
}

bool
cipher_encrypt(uint8_t algorithm, struct rbuf key, struct rbuf block, struct wbuf *out)
{
	const struct cipher_row *row = find(algorithm);
	uint8_t result[BLOCK_MAX];
	EVP_CIPHER_CTX *ctx;
	int len = 0;
	bool ok;

	if (row == NULL || key.len != row->key || block.len != row->block)
		return false;
	ctx = EVP_CIPHER_CTX_new();
	ok = ctx != NULL && EVP_EncryptInit_ex(ctx, row->cipher(), NULL, key.data, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	    EVP_EncryptUpdate(ctx, result, &len, block.data, (int)block.len) == 1 &&
	    (size_t)len == row->block;
	EVP_CIPHER_CTX_free(ctx);
	if (ok)
		wbuf_put(out, rbuf_of(result, row->block));
	return ok;
}
