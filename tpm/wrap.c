/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/wrap.h"

#include <string.h>

#include "tpm/kdf.h"
#include "tpm/rc.h"
#include "tpm/seed.h"

#define LABEL_CIPHER "STORAGE"
#define LABEL_HMAC "INTEGRITY"

/* A TPM2B_SENSITIVE: lengths, type, no authorisation, no seed, the private part. */
#define SENSITIVE_MAX (2 + 2 + 2 + 2 + 2 + sizeof((struct private_part *)0)->octets)

struct sensitive {
	size_t len;
	uint8_t octets[SENSITIVE_MAX];
};

static void
sensitive_clear(struct sensitive *s)
{
	explicit_bzero(s, sizeof *s);
}

static bool
sensitive_write(TPMI_ALG_PUBLIC type, const struct private_part *part, struct sensitive *out)
{
	struct wbuf w = wbuf_over(out->octets, sizeof out->octets);

	wbuf_u16(&w, (uint16_t)(2 + 2 + 2 + 2 + part->len));
	wbuf_u16(&w, type);
	wbuf_u16(&w, 0);
	wbuf_u16(&w, 0);
	wbuf_u16(&w, (uint16_t)part->len);
	wbuf_put(&w, rbuf_of(part->octets, part->len));
	out->len = w.len;
	return wbuf_ok(&w);
}

static const EVP_CIPHER *
cipher_of(const TPMT_SYM_DEF_OBJECT *sym)
{
	if (sym->algorithm != TPM2_ALG_AES || sym->mode.aes != TPM2_ALG_CFB)
		return NULL;
	switch (sym->keyBits.aes) {
	case 128:
		return EVP_aes_128_cfb128();
	case 192:
		return EVP_aes_192_cfb128();
	case 256:
		return EVP_aes_256_cfb128();
	default:
		return NULL;
	}
}

/* Append the sensitive area, encrypted; the key is new, so the IV may be zero. */
static bool
put_encrypted(struct wbuf *out, const EVP_CIPHER *cipher, struct secret *seed,
    const struct name *name, const struct sensitive *in)
{
	static const uint8_t zero_iv[EVP_MAX_IV_LENGTH];
	const size_t n = (size_t)EVP_CIPHER_get_key_length(cipher);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t result[SENSITIVE_MAX];
	SECRET(key);
	int len = 0;
	bool ok;

	ok = ctx != NULL && kdfa(seed, LABEL_CIPHER, name_view(name), n, &key) &&
	    EVP_EncryptInit_ex(ctx, cipher, NULL, key.data, zero_iv) == 1 &&
	    EVP_EncryptUpdate(ctx, result, &len, in->octets, (int)in->len) == 1 &&
	    (size_t)len == in->len;
	EVP_CIPHER_CTX_free(ctx);
	if (ok)
		wbuf_put(out, rbuf_of(result, in->len));
	return ok;
}

static bool
integrity(struct secret *seed, struct rbuf encrypted, const struct name *name, struct digest *out)
{
	uint8_t octets[SENSITIVE_MAX + NAME_OCTETS];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	SECRET(key);

	wbuf_put(&w, encrypted);
	wbuf_put(&w, name_view(name));
	return wbuf_ok(&w) &&
	    kdfa(seed, LABEL_HMAC, rbuf_of(NULL, 0), TPM2_SHA256_DIGEST_SIZE, &key) &&
	    hmac_of(secret_view(&key), wbuf_view(&w), out);
}

TSS2_RC
wrap(const TPMT_PUBLIC *parent, const TPMT_PUBLIC *object, const struct private_part *part,
    struct wrapped *out)
{
	const EVP_CIPHER *cipher = cipher_of(&parent->parameters.asymDetail.symmetric);
	__attribute__((cleanup(sensitive_clear))) struct sensitive clear = { .len = 0 };
	struct wbuf w = wbuf_over(out->duplicate.buffer, sizeof out->duplicate.buffer);
	uint8_t octets[SENSITIVE_MAX];
	struct wbuf encrypted = wbuf_over(octets, sizeof octets);
	struct digest mac;
	struct name name;
	SECRET(seed);
	TSS2_RC rc;

	if (cipher == NULL)
		return RC_UNSUPPORTED;
	rc = seed_make(parent, SEED_OF_IMPORT, &seed, &out->seed);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (!name_of_object(object, &name) || !sensitive_write(object->type, part, &clear) ||
	    !put_encrypted(&encrypted, cipher, &seed, &name, &clear) ||
	    !integrity(&seed, wbuf_view(&encrypted), &name, &mac))
		return RC_CRYPTO;
	wbuf_u16(&w, sizeof mac.octets);
	wbuf_put(&w, digest_view(&mac));
	wbuf_put(&w, wbuf_view(&encrypted));
	out->duplicate.size = (UINT16)w.len;
	return wbuf_ok(&w) ? TSS2_RC_SUCCESS : RC_CRYPTO;
}
