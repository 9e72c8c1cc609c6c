/* SPDX-License-Identifier: BSD-2-Clause */
/* A card in a software TPM, for tests of the TPM room: made, held open, taken down. */
#ifndef TPMVSC_TESTS_CARDTPM_H
#define TPMVSC_TESTS_CARDTPM_H

#include <openssl/evp.h>
#include <tss2/tss2_esys.h>

#include "tests/swtpm.h"
#include "tpm/tpm.h"

#define CARDTPM_PIN "12345678"
#define CARDTPM_PUK "11111111"

/* 32 octets; a key of n octets is the first n. */
extern const uint8_t cardtpm_admin_key[24];
extern const uint8_t cardtpm_admin_key32[32];

struct cardtpm_kind {
	bool puk, random_admin, admin_unblock;
	uint8_t admin_algorithm;
	uint32_t pin_cache;
};
extern const struct cardtpm_kind cardtpm_usual;

struct cardtpm {
	struct swtpm swtpm; /* pid 0 when it is another's */
	struct tpm_config config;
	struct tpm *tpm;
	struct vault *vault;
	struct wbuf record, admin, key, public_value, in, out;
	struct secret random; /* the card management key that was left to chance; else empty */
	uint8_t algorithm; /* of key */
	uint8_t record_octets[TPM_RECORD_MAX], admin_octets[VAULT_KEY_MAX];
	uint8_t key_octets[VAULT_KEY_MAX], public_octets[VAULT_PUBLIC_MAX];
	uint8_t in_octets[VAULT_RESULT_MAX], out_octets[VAULT_RESULT_MAX];
};

/* Start a TPM and make a card in it; a failure ends the test.  Certified: in one that has an EK certificate. */
void cardtpm_begin(struct cardtpm *c, const struct cardtpm_kind *kind);
void cardtpm_begin_certified(struct cardtpm *c, const struct cardtpm_kind *kind);

/* The two halves of it: start a TPM and fill in c->config; make the card through c->config. */
void cardtpm_prepare(struct cardtpm *c);
void cardtpm_make(struct cardtpm *c, const struct cardtpm_kind *kind, struct rbuf sibling);

/* Make another card in the same TPM, through a client of its own. */
void cardtpm_join(struct cardtpm *c, const struct cardtpm *first, const struct cardtpm_kind *kind);

void cardtpm_end(struct cardtpm *c);

enum vault_err cardtpm_verify(struct cardtpm *c, const char *pin);
enum vault_err cardtpm_change(struct cardtpm *c, enum reference which, const char *old,
    const char *fresh);
enum vault_err cardtpm_unblock(struct cardtpm *c, const char *puk, const char *pin);

/* Make a key and keep it in c->key. */
void cardtpm_generate(struct cardtpm *c, uint8_t algorithm, enum pin_rule rule);

/* Use it on n octets of input; the result is in c->out. */
enum vault_err cardtpm_operate(struct cardtpm *c, enum key_operation kind, size_t n);

/* ... to sign 32 octets with ECDSA. */
enum vault_err cardtpm_sign(struct cardtpm *c);

/* Whether OpenSSL, with the public value, agrees that c->out belongs to c->in. */
bool cardtpm_checks(struct cardtpm *c, enum key_operation kind);

/* Whether OpenSSL and the card agree on a shared secret. */
bool cardtpm_agrees(struct cardtpm *c, const char *curve);

/* Whether the card decrypts what OpenSSL encrypted with an RSA key. */
bool cardtpm_decrypts(struct cardtpm *c, EVP_PKEY *key);

/*
 * ESYS, which is nobody's but the tests', on a client's connection: for the
 * client's turn.  The caller finalizes it before the turn ends.
 */
ESYS_CONTEXT *cardtpm_esys(const struct tpm *t);

/* What is in the TPM: NV indices of cards, persistent keys, loaded objects and sessions (saved ones too). */
size_t cardtpm_nv_count(struct cardtpm *c);
size_t cardtpm_persistent_count(struct cardtpm *c);
size_t cardtpm_loaded_count(struct cardtpm *c);

#endif
