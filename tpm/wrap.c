/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/wrap.h"

#include <string.h>

#include "tpm/area.h"
#include "tpm/kdf.h"
#include "tpm/rc.h"
#include "tpm/seed.h"

#define LABEL_CIPHER "STORAGE"
#define LABEL_HMAC "INTEGRITY"

struct sensitive {
	size_t len;
	uint8_t octets[WRAP_MAX];
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

/* What both halves of the protection begin with. */
struct protection {
	const char *hash; /* the storage key's nameAlg */
	size_t hash_octets;
	const EVP_CIPHER *cipher;
	struct rbuf name;
	struct secret seed;
};

static void
protection_clear(struct protection *p)
{
	secret_clear(&p->seed);
}

/* Append the octets, encrypted; the key is new, so the IV may be zero. */
static bool
put_encrypted(struct wbuf *out, struct protection *p, struct rbuf clear)
{
	static const uint8_t zero_iv[EVP_MAX_IV_LENGTH];
	const size_t n = (size_t)EVP_CIPHER_get_key_length(p->cipher);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t result[WRAP_MAX];
	SECRET(key);
	int len = 0;
	bool ok;

	ok = ctx != NULL && clear.len <= sizeof result &&
	    kdfa(p->hash, &p->seed, LABEL_CIPHER, p->name, n, &key) &&
	    EVP_EncryptInit_ex(ctx, p->cipher, NULL, key.data, zero_iv) == 1 &&
	    EVP_EncryptUpdate(ctx, result, &len, clear.data, (int)clear.len) == 1 &&
	    (size_t)len == clear.len;
	EVP_CIPHER_CTX_free(ctx);
	if (ok)
		wbuf_put(out, rbuf_of(result, clear.len));
	return ok;
}

/* Append the HMAC over what is encrypted and the Name, with its length. */
static bool
put_integrity(struct wbuf *out, struct protection *p, struct rbuf encrypted)
{
	uint8_t octets[WRAP_MAX + NAME_OCTETS], mac[TPM2_SHA512_DIGEST_SIZE];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	size_t len = 0;
	SECRET(key);

	wbuf_put(&w, encrypted);
	wbuf_put(&w, p->name);
	if (!wbuf_ok(&w) ||
	    !kdfa(p->hash, &p->seed, LABEL_HMAC, rbuf_of(NULL, 0), p->hash_octets, &key) ||
	    EVP_Q_mac(NULL, "HMAC", NULL, p->hash, NULL, key.data, key.len, w.data, w.len, mac,
		sizeof mac, &len) == NULL)
		return false;
	wbuf_u16(out, (uint16_t)len);
	wbuf_put(out, rbuf_of(mac, len));
	return true;
}

TSS2_RC
wrap_octets(const TPMT_PUBLIC *to, const char *purpose, const struct name *name,
    struct rbuf clear, struct wbuf *out, TPM2B_ENCRYPTED_SECRET *seed)
{
	__attribute__((cleanup(protection_clear))) struct protection p = {
		.cipher = cipher_of(&to->parameters.asymDetail.symmetric),
		.name = name_view(name),
	};
	uint8_t octets[WRAP_MAX];
	struct wbuf encrypted = wbuf_over(octets, sizeof octets);
	TSS2_RC rc;

	p.hash = area_hash(to, &p.hash_octets);
	if (p.hash == NULL || p.cipher == NULL)
		return RC_UNSUPPORTED;
	rc = seed_make(to, purpose, &p.seed, seed);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (!put_encrypted(&encrypted, &p, clear) ||
	    !put_integrity(out, &p, wbuf_view(&encrypted)))
		return RC_CRYPTO;
	wbuf_put(out, wbuf_view(&encrypted));
	return wbuf_ok(out) ? TSS2_RC_SUCCESS : RC_CRYPTO;
}

TSS2_RC
wrap(const TPMT_PUBLIC *parent, const TPMT_PUBLIC *object, const struct private_part *part,
    struct wrapped *out)
{
	__attribute__((cleanup(sensitive_clear))) struct sensitive clear = { .len = 0 };
	struct wbuf w = wbuf_over(out->duplicate.buffer, sizeof out->duplicate.buffer);
	struct name name;
	TSS2_RC rc;

	if (!name_of_object(object, &name) || !sensitive_write(object->type, part, &clear))
		return RC_CRYPTO;
	rc = wrap_octets(parent, SEED_OF_IMPORT, &name, rbuf_of(clear.octets, clear.len), &w,
	    &out->seed);
	out->duplicate.size = (UINT16)w.len;
	return rc;
}
