/* SPDX-License-Identifier: BSD-2-Clause */
/* Card management keys at work: encrypt, make a new one, and have ADMIN follow it. */
#include <string.h>

#include "tpm/adminkey.h"
#include "tpm/cipher.h"
#include "tpm/rc.h"
#include "tpm/vault.h"

#define BLOCK_MAX 16

static struct tpm_vault *
own(struct vault *vault)
{
	return (struct tpm_vault *)vault;
}

/* ---- at work in the TPM ---- */

static TSS2_RC
unseal(struct tpm_vault *v, const struct command *c, const struct operation *op)
{
	TPM2B_SENSITIVE_DATA data = { .size = sizeof data.buffer };
	TSS2_RC rc;

	rc = Tss2_Sys_Unseal_Prepare(v->card.tpm->sys, v->key);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Unseal_Complete(v->card.tpm->sys, &data);
	if (rc == TSS2_RC_SUCCESS)
		wbuf_put(op->out, rbuf_of(data.buffer, data.size));
	explicit_bzero(&data, sizeof data);
	return rc;
}

static TSS2_RC
encrypt_in_tpm(struct tpm_vault *v, const struct command *c, const struct operation *op)
{
	TPM2B_MAX_BUFFER in = { .size = (UINT16)op->in.len }, result = { .size = sizeof result.buffer };
	const TPM2B_IV no_iv = { .size = 0 };
	struct rbuf from = op->in;
	TSS2_RC rc;

	if (!rbuf_copy(&from, in.buffer, op->in.len))
		return RC_MISMATCH;
	rc = Tss2_Sys_EncryptDecrypt2_Prepare(v->card.tpm->sys, v->key, &in, TPM2_NO,
	    TPM2_ALG_ECB, &no_iv);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_EncryptDecrypt2_Complete(v->card.tpm->sys, &result, NULL);
	if (rc == TSS2_RC_SUCCESS)
		wbuf_put(op->out, rbuf_of(result.buffer, result.size));
	explicit_bzero(&in, sizeof in);
	explicit_bzero(&result, sizeof result);
	return rc;
}

/* ---- octets ---- */

/* The default key that an AES-128 key can be: AES-256 has none, and the others are sealed. */
static const uint8_t known[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8 };

/* Octets do not come out of the TPM, but what they encrypt to tells whether they are these. */
static enum vault_err
encrypts_like(struct tpm_vault *v, struct rbuf octets)
{
	static const uint8_t zeros[BLOCK_MAX];
	const struct rbuf block = rbuf_of(zeros, cipher_block(v->info.algorithm));
	uint8_t theirs[BLOCK_MAX], ours[BLOCK_MAX];
	struct wbuf got = wbuf_over(theirs, sizeof theirs), expected = wbuf_over(ours, sizeof ours);
	struct operation op = { TPMA_SESSION_ENCRYPT | TPMA_SESSION_DECRYPT, encrypt_in_tpm, block,
		&got };
	enum vault_err err;

	err = vault_use(v, "use the card management key", use_step, &op);
	if (err != VAULT_OK)
		return err;
	if (!cipher_encrypt(v->info.algorithm, octets, block, &expected))
		return VAULT_FAULT;
	return rbuf_eq_secret(wbuf_view(&got), wbuf_view(&expected)) ? VAULT_OK : VAULT_AUTH;
}

static enum vault_err
well_known(struct tpm_vault *v, struct secret *out)
{
	struct rbuf all = rbuf_of(known, sizeof known), octets;
	enum vault_err err;

	if (!rbuf_take(&all, key_size(v->info.algorithm), &octets))
		return VAULT_UNSUPPORTED;
	err = encrypts_like(v, octets);
	if (err == VAULT_OK && !secret_set(out, octets))
		err = VAULT_FAULT;
	return err == VAULT_AUTH ? VAULT_UNSUPPORTED : err;
}

static enum vault_err
octets_of(struct tpm_vault *v, struct rbuf key, struct secret *out)
{
	struct wbuf w = wbuf_over(out->data, sizeof out->data);
	struct operation op = { TPMA_SESSION_ENCRYPT, unseal, rbuf_of(NULL, 0), &w };
	enum vault_err err;

	if (!use_adopt(v, key) || cipher_block(v->info.algorithm) == 0)
		return VAULT_MISMATCH;
	if (!v->file.sealed)
		return well_known(v, out);
	err = vault_use(v, "unseal the card management key", use_step, &op);
	out->len = w.len;
	return err;
}

/* ---- encrypt ---- */

enum vault_err
manage_encrypt(struct vault *vault, struct rbuf key, struct rbuf block, struct wbuf *out)
{
	struct operation op = { TPMA_SESSION_ENCRYPT | TPMA_SESSION_DECRYPT, encrypt_in_tpm, block,
		out };
	struct tpm_vault *v = own(vault);
	enum vault_err err;
	SECRET(octets);

	if (!use_adopt(v, key) || block.len != cipher_block(v->info.algorithm) || block.len == 0)
		return VAULT_MISMATCH;
	if (!v->file.sealed)
		return vault_use(v, "use the card management key", use_step, &op);
	err = octets_of(v, key, &octets);
	if (err == VAULT_OK &&
	    !cipher_encrypt(v->info.algorithm, secret_view(&octets), block, out))
		err = VAULT_FAULT;
	return err;
}

/* ---- a new one ---- */

struct making {
	uint8_t algorithm;
	enum pin_rule rule;
	const struct secret *octets;
	struct keyfile key;
};

static TSS2_RC
step_make(struct tpm_vault *v, void *context)
{
	struct making *m = context;

	return admin_key_make(&v->card, m->algorithm, m->rule, m->octets, &m->key);
}

enum vault_err
manage_make(struct vault *vault, uint8_t algorithm, const struct secret *octets, struct rbuf old,
    struct wbuf *key)
{
	struct making m = { .algorithm = algorithm, .octets = octets };
	struct tpm_vault *v = own(vault);
	const size_t begin = key->len;
	enum vault_err err;

	if (cipher_block(algorithm) == 0 || octets->len != key_size(algorithm) ||
	    !use_adopt(v, old) || cipher_block(v->info.algorithm) == 0)
		return VAULT_MISMATCH;
	m.rule = v->info.pin;
	err = vault_run(v, "make a card management key", LINK_SECONDS, true, step_make, &m);
	if (err != VAULT_OK)
		return err;
	if (!keyfile_write(&m.key, key) || !wbuf_ok(key)) {
		wbuf_truncate(key, begin);
		return VAULT_FAULT;
	}
	return VAULT_OK;
}

/* ---- ADMIN ---- */

/* Whether ADMIN may do anything: else nobody needs it to know the key. */
static bool
admin_matters(const struct tpm_vault *v)
{
	return v->record.approved[PIN_BY_ADMIN];
}

enum vault_err
manage_follow(struct vault *vault, struct rbuf old, const struct secret *fresh)
{
	struct tpm_vault *v = own(vault);
	enum vault_err err;
	SECRET(octets);

	if (!admin_matters(v))
		return VAULT_OK;
	err = octets_of(v, old, &octets);
	if (err != VAULT_OK)
		return err;
	err = vault_change(vault, REFERENCE_ADMIN, &octets, fresh);
	/* Done before, and the answer was not to be had, or the old key is one from a backup. */
	if (err == VAULT_AUTH && vault_check(vault, REFERENCE_ADMIN, fresh) == VAULT_OK)
		err = VAULT_OK;
	return err;
}

enum vault_err
manage_holds(struct vault *vault, struct rbuf key)
{
	struct tpm_vault *v = own(vault);
	enum vault_err err;
	SECRET(octets);

	if (!admin_matters(v))
		return VAULT_OK;
	err = octets_of(v, key, &octets);
	if (err != VAULT_OK)
		return err;
	return vault_check(vault, REFERENCE_ADMIN, &octets);
}

enum vault_err
manage_is(struct vault *vault, struct rbuf key, const struct secret *octets)
{
	struct tpm_vault *v = own(vault);
	enum vault_err err;
	SECRET(theirs);

	if (!use_adopt(v, key) || cipher_block(v->info.algorithm) == 0)
		return VAULT_MISMATCH;
	if (octets->len != key_size(v->info.algorithm))
		return VAULT_AUTH;
	if (!v->file.sealed)
		return encrypts_like(v, secret_view(octets));
	err = octets_of(v, key, &theirs);
	if (err != VAULT_OK)
		return err;
	return rbuf_eq_secret(secret_view(&theirs), secret_view(octets)) ? VAULT_OK : VAULT_AUTH;
}
