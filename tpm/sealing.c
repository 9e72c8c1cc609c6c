/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data that only the PIN opens: encrypted to a key of the card, in software
 * and without a proof; decrypted with a secret that the TPM agrees on only by
 * proof of the PIN.
 */
#include <string.h>

#include "tpm/kdf.h"
#include "tpm/rc.h"
#include "tpm/vault.h"

/*
 * Sealed data: version, the sealer's point, AES-256-GCM ciphertext, tag.  Key
 * and nonce are HKDF-SHA256 of the shared x and of DOMAIN, both points and the
 * label; each point serves once, and so does each key.
 */
#define VERSION 1
#define DOMAIN "tpmvsc sealed data 1"
#define CURVE "P-256"
#define COORDINATE_OCTETS 32
#define POINT_OCTETS (1 + 2 * COORDINATE_OCTETS)
#define KEY_OCTETS 32
#define NONCE_OCTETS 12
#define TAG_OCTETS 16
#define LABEL_OCTETS 4

_Static_assert(1 + POINT_OCTETS + TAG_OCTETS <= VAULT_SEAL_MAX, "the port's promise");

/* Octets at a time through the cipher. */
#define CHUNK 512

/* One sealing or unsealing. */
struct envelope {
	uint32_t label;
	bool open;		 /* rather than close */
	uint8_t tag[TAG_OCTETS]; /* in to open, out to close */
	struct secret keys;	 /* key and nonce */
};

static void
envelope_clear(struct envelope *e)
{
	explicit_bzero(e, sizeof *e);
}

#define ENVELOPE(name, label_, open_) \
	__attribute__((cleanup(envelope_clear))) struct envelope name = { .label = (label_), \
		.open = (open_) }

static bool
derive_keys(struct envelope *e, struct secret *shared, struct rbuf sealer, struct rbuf key)
{
	uint8_t info[sizeof DOMAIN + 2 * POINT_OCTETS + LABEL_OCTETS];
	struct wbuf w = wbuf_over(info, sizeof info);

	wbuf_put(&w, rbuf_of(DOMAIN, sizeof DOMAIN));
	wbuf_put(&w, sealer);
	wbuf_put(&w, key);
	wbuf_u32(&w, e->label);
	return wbuf_ok(&w) && hkdf(shared, wbuf_view(&w), KEY_OCTETS + NONCE_OCTETS, &e->keys);
}

static bool
crypt_begin(EVP_CIPHER_CTX *ctx, const struct envelope *e)
{
	uint8_t head[1 + LABEL_OCTETS];
	struct wbuf w = wbuf_over(head, sizeof head);
	struct rbuf in = secret_view(&e->keys), key;
	int n = 0;

	wbuf_u8(&w, VERSION);
	wbuf_u32(&w, e->label);
	return rbuf_take(&in, KEY_OCTETS, &key) && in.len == NONCE_OCTETS &&
	    EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key.data, in.data, !e->open) == 1 &&
	    EVP_CipherUpdate(ctx, NULL, &n, head, (int)w.len) == 1;
}

static bool
crypt_end(EVP_CIPHER_CTX *ctx, struct envelope *e)
{
	uint8_t none[EVP_MAX_BLOCK_LENGTH];
	int n = 0;

	if (e->open)
		return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_OCTETS, e->tag) == 1 &&
		    EVP_CipherFinal_ex(ctx, none, &n) == 1;
	return EVP_CipherFinal_ex(ctx, none, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_OCTETS, e->tag) == 1;
}

/* Append in, encrypted or decrypted.  After false nothing of it is left in out. */
static bool
transform(struct envelope *e, struct rbuf in, struct wbuf *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const size_t begin = out->len;
	uint8_t chunk[CHUNK];
	struct rbuf part;
	int n = 0;
	bool ok;

	ok = ctx != NULL && crypt_begin(ctx, e);
	while (ok && in.len > 0) {
		ok = rbuf_take(&in, in.len < sizeof chunk ? in.len : sizeof chunk, &part) &&
		    EVP_CipherUpdate(ctx, chunk, &n, part.data, (int)part.len) == 1;
		if (ok)
			wbuf_put(out, rbuf_of(chunk, (size_t)n));
	}
	ok = ok && crypt_end(ctx, e) && wbuf_ok(out);
	explicit_bzero(chunk, sizeof chunk);
	EVP_CIPHER_CTX_free(ctx);
	if (!ok) {
		const size_t written = out->len - begin;

		wbuf_truncate(out, begin);
		wbuf_fill(out, 0, written);
		wbuf_truncate(out, begin);
	}
	return ok;
}

/* ---- the key ---- */

/*
 * Whether the adopted key is one that obeys the PIN and nothing else: made in
 * the TPM, with every attribute as it makes them.
 */
static bool
is_sealing_key(const struct tpm_vault *v)
{
	const TPMT_PUBLIC *area = &v->file.public_area.publicArea;
	struct name theirs, ours;
	TPM2B_PUBLIC template;
	struct digest policy;

	if (v->file.sealed || v->info.algorithm != VAULT_SEALING_ALGORITHM ||
	    !record_key_policy(&v->record, PIN_ONCE, &policy) ||
	    !key_template(VAULT_SEALING_ALGORITHM, ORIGIN_GENERATED, &policy, &template))
		return false;
	template.publicArea.unique = area->unique;
	return name_of_object(area, &theirs) && name_of_object(&template.publicArea, &ours) &&
	    rbuf_eq(name_view(&theirs), name_view(&ours));
}

/* The TPM loads a public area only with the private one it was made with. */
static TSS2_RC
step_load(struct tpm_vault *v, void *context)
{
	TSS2_RC rc = use_load(v);

	(void)context;
	return rc_of_parameter(rc) ? RC_MISMATCH : rc;
}

/*
 * Adopt the key and have the TPM vouch for it: whoever could write its file
 * could have put a point of his own there.  point is appended to.
 */
static enum vault_err
trust_key(struct tpm_vault *v, struct rbuf key, struct wbuf *point)
{
	enum vault_err err;

	if (!use_adopt(v, key) || !is_sealing_key(v))
		return VAULT_MISMATCH;
	err = vault_use(v, "load the sealing key", step_load, NULL);
	if (err == VAULT_OK &&
	    !key_public_value(&v->file.public_area, VAULT_SEALING_ALGORITHM, point))
		err = VAULT_MISMATCH;
	return err;
}

/* ---- the port ---- */

enum vault_err
sealing_seal(struct vault *vault, struct rbuf key, uint32_t label, struct rbuf clear,
    struct wbuf *out)
{
	uint8_t peer[POINT_OCTETS], own[POINT_OCTETS];
	struct wbuf theirs = wbuf_over(peer, sizeof peer), ours = wbuf_over(own, sizeof own);
	const size_t begin = out->len;
	enum vault_err err;
	ENVELOPE(e, label, false);
	SECRET(shared);

	err = trust_key((struct tpm_vault *)vault, key, &theirs);
	if (err != VAULT_OK)
		return err;
	if (!ecdh_ephemeral(CURVE, wbuf_view(&theirs), &ours, &shared) ||
	    !derive_keys(&e, &shared, wbuf_view(&ours), wbuf_view(&theirs)))
		return VAULT_FAULT;
	wbuf_u8(out, VERSION);
	wbuf_put(out, wbuf_view(&ours));
	if (transform(&e, clear, out))
		wbuf_put(out, rbuf_of(e.tag, sizeof e.tag));
	else
		out->overflow = true;
	if (!wbuf_ok(out)) {
		wbuf_truncate(out, begin);
		return VAULT_FAULT;
	}
	return VAULT_OK;
}

enum vault_err
sealing_unseal(struct vault *vault, struct rbuf key, uint32_t label, struct rbuf sealed,
    struct wbuf *out)
{
	uint8_t own[POINT_OCTETS];
	struct wbuf ours = wbuf_over(own, sizeof own), x;
	struct rbuf theirs, in = sealed, encrypted;
	uint8_t version;
	enum vault_err err;
	ENVELOPE(e, label, true);
	SECRET(shared);

	if (!rbuf_u8(&in, &version) || version != VERSION ||
	    !rbuf_take(&in, POINT_OCTETS, &theirs) || in.len < TAG_OCTETS ||
	    !rbuf_take(&in, in.len - TAG_OCTETS, &encrypted) || !rbuf_copy(&in, e.tag, TAG_OCTETS))
		return VAULT_MISMATCH;
	if (encrypted.len > out->cap - out->len)
		return VAULT_FAULT;
	err = trust_key((struct tpm_vault *)vault, key, &ours);
	if (err != VAULT_OK)
		return err;
	x = wbuf_over(shared.data, sizeof shared.data);
	err = use_operate(vault, key, KEY_ECDH, theirs, &x);
	if (err != VAULT_OK)
		return err;
	shared.len = x.len;
	if (!derive_keys(&e, &shared, theirs, wbuf_view(&ours)))
		return VAULT_FAULT;
	return transform(&e, encrypted, out) ? VAULT_OK : VAULT_MISMATCH;
}
