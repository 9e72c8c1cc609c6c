/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/wrap.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "tpm/kdf.h"
#include "tpm/rc.h"

#define LABEL_SEED "DUPLICATE"
#define LABEL_CIPHER "STORAGE"
#define LABEL_HMAC "INTEGRITY"

/* An RSA public area leaves its exponent out when it is this one. */
#define EXPONENT_DEFAULT 65537

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

/* ---- a seed that only the parent learns ---- */

/* The parent's curve by OpenSSL's name, and its coordinates' length. */
static const char *
curve_of(const TPMT_PUBLIC *parent, size_t *n)
{
	static const struct {
		TPMI_ECC_CURVE id;
		size_t octets;
		const char *name;
	} curves[] = {
		{ TPM2_ECC_NIST_P256, 32, "P-256" },
		{ TPM2_ECC_NIST_P384, 48, "P-384" },
		{ TPM2_ECC_NIST_P521, 66, "P-521" },
	};
	size_t i;

	for (i = 0; i < sizeof curves / sizeof curves[0]; i++) {
		if (curves[i].id == parent->parameters.eccDetail.curveID) {
			*n = curves[i].octets;
			return curves[i].name;
		}
	}
	return NULL;
}

static bool
put_coordinate(struct wbuf *out, const TPM2B_ECC_PARAMETER *c, size_t n)
{
	if (c->size > n)
		return false;
	wbuf_fill(out, 0, n - c->size);
	wbuf_put(out, rbuf_of(c->buffer, c->size));
	return true;
}

/* The point 04 || x || y as a TPMS_ECC_POINT; x is handed out as well. */
static bool
put_point(struct rbuf point, size_t n, TPM2B_ENCRYPTED_SECRET *out, struct rbuf *x)
{
	struct wbuf w = wbuf_over(out->secret, sizeof out->secret);
	struct rbuf y;
	uint8_t form;

	if (!rbuf_u8(&point, &form) || !rbuf_take(&point, n, x) || !rbuf_take(&point, n, &y))
		return false;
	wbuf_u16(&w, (uint16_t)n);
	wbuf_put(&w, *x);
	wbuf_u16(&w, (uint16_t)n);
	wbuf_put(&w, y);
	out->size = (UINT16)w.len;
	return wbuf_ok(&w);
}

static TSS2_RC
seed_by_ecdh(const TPMT_PUBLIC *parent, struct secret *seed, TPM2B_ENCRYPTED_SECRET *out)
{
	const TPMS_ECC_POINT *to = &parent->unique.ecc;
	uint8_t theirs[KDF_POINT_MAX], own[KDF_POINT_MAX];
	struct wbuf peer = wbuf_over(theirs, sizeof theirs), mine = wbuf_over(own, sizeof own);
	const char *curve;
	struct rbuf x;
	size_t n = 0;
	SECRET(shared);

	curve = curve_of(parent, &n);
	if (curve == NULL)
		return RC_UNSUPPORTED;
	wbuf_u8(&peer, 0x04);
	if (!put_coordinate(&peer, &to->x, n) || !put_coordinate(&peer, &to->y, n) ||
	    !wbuf_ok(&peer) || !ecdh_ephemeral(curve, wbuf_view(&peer), &mine, &shared) ||
	    !put_point(wbuf_view(&mine), n, out, &x) ||
	    !kdfe(&shared, LABEL_SEED, x, rbuf_of(to->x.buffer, to->x.size),
		TPM2_SHA256_DIGEST_SIZE, seed))
		return RC_CRYPTO;
	return TSS2_RC_SUCCESS;
}

static EVP_PKEY *
rsa_public(const TPMT_PUBLIC *parent)
{
	const TPM2B_PUBLIC_KEY_RSA *modulus = &parent->unique.rsa;
	const UINT32 given = parent->parameters.rsaDetail.exponent;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *n = BN_bin2bn(modulus->buffer, modulus->size, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (n != NULL && build != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_uint32(build, OSSL_PKEY_PARAM_RSA_E,
		given != 0 ? given : EXPONENT_DEFAULT) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* OAEP's label is the one string that goes with its NUL. */
static bool
set_label(EVP_PKEY_CTX *ctx)
{
	char *label = OPENSSL_strdup(LABEL_SEED);

	if (label != NULL &&
	    EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, (int)sizeof LABEL_SEED) == 1)
		return true; /* it is the context's now */
	OPENSSL_free(label);
	return false;
}

static TSS2_RC
seed_by_rsa(const TPMT_PUBLIC *parent, struct secret *seed, TPM2B_ENCRYPTED_SECRET *out)
{
	EVP_PKEY *key = rsa_public(parent);
	EVP_PKEY_CTX *ctx = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	size_t len = sizeof out->secret;
	bool ok;

	seed->len = TPM2_SHA256_DIGEST_SIZE;
	ok = ctx != NULL && RAND_bytes(seed->data, (int)seed->len) == 1 &&
	    EVP_PKEY_encrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 && set_label(ctx) &&
	    EVP_PKEY_encrypt(ctx, out->secret, &len, seed->data, seed->len) == 1;
	out->size = (UINT16)len;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok ? TSS2_RC_SUCCESS : RC_CRYPTO;
}

/* ---- what travels under it ---- */

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
	size_t len = 0;
	SECRET(key);

	wbuf_put(&w, encrypted);
	wbuf_put(&w, name_view(name));
	return wbuf_ok(&w) &&
	    kdfa(seed, LABEL_HMAC, rbuf_of(NULL, 0), TPM2_SHA256_DIGEST_SIZE, &key) &&
	    EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.data, key.len, octets, w.len,
		out->octets, sizeof out->octets, &len) != NULL &&
	    len == sizeof out->octets;
}

TSS2_RC
wrap(const TPMT_PUBLIC *parent, const TPMT_PUBLIC *object, const struct private_part *part,
    struct wrapped *out)
{
	const bool rsa = parent->type == TPM2_ALG_RSA;
	const EVP_CIPHER *cipher = cipher_of(&parent->parameters.asymDetail.symmetric);
	__attribute__((cleanup(sensitive_clear))) struct sensitive clear = { .len = 0 };
	struct wbuf w = wbuf_over(out->duplicate.buffer, sizeof out->duplicate.buffer);
	uint8_t octets[SENSITIVE_MAX];
	struct wbuf encrypted = wbuf_over(octets, sizeof octets);
	struct digest mac;
	struct name name;
	SECRET(seed);
	TSS2_RC rc;

	if (cipher == NULL || parent->nameAlg != TPM2_ALG_SHA256 ||
	    (!rsa && parent->type != TPM2_ALG_ECC))
		return RC_UNSUPPORTED;
	rc = rsa ? seed_by_rsa(parent, &seed, &out->seed) : seed_by_ecdh(parent, &seed, &out->seed);
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
