/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port to whatever holds secrets, counters and keys (tpm/ implements it).
 * It counts and compares: the caller never sees a stored secret, and a key is
 * an opaque run of octets that works in this vault only.  Knows base only.
 *
 * Every call ends within its deadline; one that ran out of time is VAULT_FAULT.
 * On anything but VAULT_OK outputs are as they were.
 */
#ifndef TPMVSC_APPLET_VAULT_H
#define TPMVSC_APPLET_VAULT_H

#include "base/bytes.h"
#include "base/secret.h"

enum vault_err {
	VAULT_OK,
	VAULT_AUTH,	   /* the secret is wrong (and was counted), or the key wants a PIN proof that is not there (any more) */
	VAULT_BLOCKED,	   /* no tries left; the secret was not looked at */
	VAULT_ABSENT,	   /* the card has no such reference */
	VAULT_MISMATCH,	   /* the input does not fit the key; the key was not used */
	VAULT_UNSUPPORTED, /* this vault does not offer that, and will not later */
	VAULT_FULL,	   /* no room for another key */
	VAULT_FAULT,	   /* anything else: the vault is gone, broken or too late */
};

/* What a secret is checked against. */
enum reference { REFERENCE_PIN, REFERENCE_PUK, REFERENCE_ADMIN };

/* When a key wants the PIN: the PIN policies of Yubico's tag AA, same numbers. */
enum pin_rule { PIN_NEVER = 1, PIN_ONCE = 2, PIN_ALWAYS = 3 };

/* Algorithm identifiers, SP 800-78-4, Table 6-2; 3072 and 4096 as in SP 800-78-5 and by convention. */
enum algorithm {
	ALG_3DES = 0x03,
	ALG_RSA_3072 = 0x05,
	ALG_RSA_2048 = 0x07,
	ALG_AES_128 = 0x08,
	ALG_AES_192 = 0x0a,
	ALG_AES_256 = 0x0c,
	ALG_ECC_P256 = 0x11,
	ALG_ECC_P384 = 0x14,
	ALG_RSA_4096 = 0x16,
};

/* The longest key, public value and result any vault may append. */
#define VAULT_KEY_MAX 4096
#define VAULT_PUBLIC_MAX 512
#define VAULT_RESULT_MAX 512

/* What a key is, as the vault itself reads it from the key. */
struct key_info {
	uint8_t algorithm; /* enum algorithm */
	enum pin_rule pin;
};

enum key_operation {
	KEY_RSA,   /* in: octets of the modulus' length, smaller than it; out: as long, in^d mod n */
	KEY_ECDSA, /* in: a digest of 1 octet up to the curve's size (longer ones cut by the caller); out: ECDSA-Sig-Value in DER */
	KEY_ECDH,  /* in: the other's point, 04 || x || y; out: x of the shared point, the curve's size */
};

struct vault;

struct vault_ops {
	enum vault_err (*verify)(struct vault *, const struct secret *pin);
	enum vault_err (*check)(struct vault *, enum reference, const struct secret *);
	enum vault_err (*tries)(struct vault *, enum reference, unsigned *left);
	enum vault_err (*change)(struct vault *, enum reference, const struct secret *old,
	    const struct secret *fresh);
	enum vault_err (*unblock)(struct vault *, enum reference by, const struct secret *proof,
	    const struct secret *fresh_pin);
	void (*disarm)(struct vault *);
	void (*forget)(struct vault *);
	enum vault_err (*generate)(struct vault *, uint8_t algorithm, enum pin_rule,
	    struct wbuf *key, struct wbuf *public_value);
	enum vault_err (*describe)(struct vault *, struct rbuf key, struct key_info *);
	enum vault_err (*operate)(struct vault *, struct rbuf key, enum key_operation,
	    struct rbuf in, struct wbuf *out);
	enum vault_err (*encrypt)(struct vault *, struct rbuf key, struct rbuf block,
	    struct wbuf *out);
	enum vault_err (*random)(struct vault *, size_t n, struct wbuf *out);
};

/* The first member of every implementation. */
struct vault {
	const struct vault_ops *ops;
};

/*
 * Prove the PIN.  From VAULT_OK on keys of PIN_ONCE work until vault_forget()
 * or the vault's own time limit, and the next operation of one PIN_ALWAYS key
 * works until vault_disarm().  A failure leaves no proof behind.
 * VAULT_AUTH, VAULT_BLOCKED, VAULT_FAULT.
 */
MUST_CHECK static inline enum vault_err
vault_verify(struct vault *v, const struct secret *pin)
{
	return v->ops->verify(v, pin);
}

/* Check a secret, counting a wrong one, without any other effect.  VAULT_AUTH, _BLOCKED, _ABSENT, _FAULT. */
MUST_CHECK static inline enum vault_err
vault_check(struct vault *v, enum reference which, const struct secret *value)
{
	return v->ops->check(v, which, value);
}

/*
 * How many tries are left, read from the counter itself.
 * VAULT_ABSENT; VAULT_UNSUPPORTED when this program may not read it; VAULT_FAULT.
 */
MUST_CHECK static inline enum vault_err
vault_tries(struct vault *v, enum reference which, unsigned *left)
{
	return v->ops->tries(v, which, left);
}

/*
 * Replace a secret by its owner's proof: one atomic step.  Every PIN proof is
 * dropped, also on failure.  VAULT_AUTH, _BLOCKED, _ABSENT, _FAULT.
 */
MUST_CHECK static inline enum vault_err
vault_change(struct vault *v, enum reference which, const struct secret *old,
    const struct secret *fresh)
{
	return v->ops->change(v, which, old, fresh);
}

/*
 * Set a new PIN and give it all its tries back, by the proof of PUK or ADMIN.
 * Every PIN proof is dropped.  A failure between the two steps leaves the new
 * PIN set and still blocked: repeat.  VAULT_AUTH, _BLOCKED, _ABSENT, _FAULT.
 */
MUST_CHECK static inline enum vault_err
vault_unblock(struct vault *v, enum reference by, const struct secret *proof,
    const struct secret *fresh_pin)
{
	return v->ops->unblock(v, by, proof, fresh_pin);
}

/* Drop the proof for PIN_ALWAYS keys only.  Costs nothing when there is none. */
static inline void
vault_disarm(struct vault *v)
{
	v->ops->disarm(v);
}

/* Drop every PIN proof: at reset, power down, logout and change of application. */
static inline void
vault_forget(struct vault *v)
{
	v->ops->forget(v);
}

/*
 * Make a key pair; nothing is kept in the vault.
 *
 * algorithm    ALG_RSA_* or ALG_ECC_*
 * key          appended: the key, at most VAULT_KEY_MAX octets
 * public_value appended: the modulus (the exponent is always 65537), or the
 *              point 04 || x || y; at most VAULT_PUBLIC_MAX octets
 *
 * VAULT_UNSUPPORTED, VAULT_FULL, VAULT_FAULT.
 */
MUST_CHECK static inline enum vault_err
vault_generate(struct vault *v, uint8_t algorithm, enum pin_rule pin, struct wbuf *key,
    struct wbuf *public_value)
{
	return v->ops->generate(v, algorithm, pin, key, public_value);
}

/*
 * Read what a key is, without using it.  Works for card management keys too
 * (ALG_3DES, ALG_AES_*).  VAULT_MISMATCH when the octets are no key of this card.
 */
MUST_CHECK static inline enum vault_err
vault_describe(struct vault *v, struct rbuf key, struct key_info *out)
{
	return v->ops->describe(v, key, out);
}

/*
 * Use a private key.  in and out are as the operation's comment says.
 * VAULT_AUTH when the key wants a PIN proof that is missing, spent or expired;
 * VAULT_MISMATCH when operation or in does not fit the key; VAULT_FAULT.
 */
MUST_CHECK static inline enum vault_err
vault_operate(struct vault *v, struct rbuf key, enum key_operation operation, struct rbuf in,
    struct wbuf *out)
{
	return v->ops->operate(v, key, operation, in, out);
}

/*
 * Encrypt one block (8 octets for 3DES, 16 for AES) with a card management
 * key.  VAULT_AUTH when the key serves only after the PIN; VAULT_MISMATCH.
 */
MUST_CHECK static inline enum vault_err
vault_encrypt(struct vault *v, struct rbuf key, struct rbuf block, struct wbuf *out)
{
	return v->ops->encrypt(v, key, block, out);
}

/* Append n random octets.  VAULT_FAULT. */
MUST_CHECK static inline enum vault_err
vault_random(struct vault *v, size_t n, struct wbuf *out)
{
	return v->ops->random(v, n, out);
}

#endif
