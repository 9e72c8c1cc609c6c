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

/* The longest certificate of a key: what Yubico's programs take. */
#define VAULT_CERTIFICATE_MAX 3072

/* How much longer sealed data may be than clear data. */
#define VAULT_SEAL_MAX 256

/* Where a key comes from: Yubico's tag 03 of metadata, same numbers. */
enum key_origin { ORIGIN_GENERATED = 1, ORIGIN_IMPORTED = 2 };

/* What a key is, as the vault itself reads it from the key. */
struct key_info {
	uint8_t algorithm; /* enum algorithm */
	enum pin_rule pin;
	enum key_origin origin; /* of a private key: made in the vault, or brought to it */
};

/* A private key on its way in, as Yubico's IMPORT ASYMMETRIC KEY carries it; big-endian numbers. */
struct key_parts {
	struct rbuf p, q;	    /* RSA: the primes, half the modulus' length each at most */
	struct rbuf dp, dq, qinv;   /* RSA: d mod p-1, d mod q-1, q^-1 mod p */
	struct rbuf scalar;	    /* ECC: at most the curve's size */
};

/* How often a secret may still be wrong, and how often it might have been. */
struct tries {
	unsigned left, limit;
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
	enum vault_err (*tries)(struct vault *, enum reference, struct tries *out);
	enum vault_err (*change)(struct vault *, enum reference, const struct secret *old,
	    const struct secret *fresh);
	enum vault_err (*unblock)(struct vault *, enum reference by, const struct secret *proof,
	    const struct secret *fresh_pin);
	void (*disarm)(struct vault *);
	void (*forget)(struct vault *);
	enum vault_err (*generate)(struct vault *, uint8_t algorithm, enum pin_rule,
	    struct wbuf *key, struct wbuf *public_value);
	enum vault_err (*import)(struct vault *, uint8_t algorithm, enum pin_rule,
	    const struct key_parts *, struct wbuf *key);
	enum vault_err (*describe)(struct vault *, struct rbuf key, struct key_info *);
	enum vault_err (*public_value)(struct vault *, struct rbuf key, struct wbuf *out);
	enum vault_err (*operate)(struct vault *, struct rbuf key, enum key_operation,
	    struct rbuf in, struct wbuf *out);
	enum vault_err (*encrypt)(struct vault *, struct rbuf key, struct rbuf block,
	    struct wbuf *out);
	enum vault_err (*attest)(struct vault *, struct rbuf attestation_key, uint8_t reference,
	    struct rbuf key, struct wbuf *certificate);
	enum vault_err (*random)(struct vault *, size_t n, struct wbuf *out);
	enum vault_err (*seal)(struct vault *, struct rbuf key, uint32_t label, struct rbuf clear,
	    struct wbuf *out);
	enum vault_err (*unseal)(struct vault *, struct rbuf key, uint32_t label,
	    struct rbuf sealed, struct wbuf *out);
	enum vault_err (*admin_make)(struct vault *, uint8_t algorithm, const struct secret *octets,
	    struct rbuf old, struct wbuf *key);
	enum vault_err (*admin_follow)(struct vault *, struct rbuf old, const struct secret *fresh);
	enum vault_err (*admin_holds)(struct vault *, struct rbuf key);
	enum vault_err (*admin_is)(struct vault *, struct rbuf key, const struct secret *octets);
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
vault_tries(struct vault *v, enum reference which, struct tries *out)
{
	return v->ops->tries(v, which, out);
}

/*
 * Replace a secret by its owner's proof: one atomic step.  When it is the PIN
 * every proof of it is dropped, also on failure.
 * VAULT_AUTH, _BLOCKED, _ABSENT, _FAULT.
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
 * Bring a private key into the vault; it never leaves it again, and nothing of
 * it is kept outside in clear.
 *
 * parts the caller wipes them
 * key   appended: the key, at most VAULT_KEY_MAX octets
 *
 * VAULT_MISMATCH when the parts are no key of that algorithm or a weak one;
 * VAULT_UNSUPPORTED, VAULT_FULL, VAULT_FAULT.
 */
MUST_CHECK static inline enum vault_err
vault_import(struct vault *v, uint8_t algorithm, enum pin_rule pin, const struct key_parts *parts,
    struct wbuf *key)
{
	return v->ops->import(v, algorithm, pin, parts, key);
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
 * Append a private key's public value, as vault_generate() does.
 * VAULT_MISMATCH when the octets are no private key of this card.
 */
MUST_CHECK static inline enum vault_err
vault_public_value(struct vault *v, struct rbuf key, struct wbuf *out)
{
	return v->ops->public_value(v, key, out);
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

/*
 * Have the attestation key say that a private key was made in this vault.  No
 * PIN is needed.
 *
 * attestation_key a key of this card that serves for nothing else
 * reference       where the card has the key, e.g. 0x9a
 * certificate     appended: X.509 in DER, at most VAULT_CERTIFICATE_MAX octets
 *
 * VAULT_MISMATCH when the octets are no such keys of this card;
 * VAULT_UNSUPPORTED when nothing can be said of the key (it was imported, or
 * made before that was noted) or of the PIN (this program may not have it
 * certified); VAULT_FAULT.
 */
MUST_CHECK static inline enum vault_err
vault_attest(struct vault *v, struct rbuf attestation_key, uint8_t reference, struct rbuf key,
    struct wbuf *certificate)
{
	return v->ops->attest(v, attestation_key, reference, key, certificate);
}

/* Append n random octets.  VAULT_FAULT. */
MUST_CHECK static inline enum vault_err
vault_random(struct vault *v, size_t n, struct wbuf *out)
{
	return v->ops->random(v, n, out);
}

/* ---- data that only the PIN opens ---- */

/* The algorithm of the key that data is sealed to. */
#define VAULT_SEALING_ALGORITHM ALG_ECC_P256

/*
 * Seal data to a key: no PIN is needed, but only who proves it can unseal.
 *
 * key   of VAULT_SEALING_ALGORITHM, generated in this vault, PIN_ONCE
 * label what the data is (its tag): sealed data unseals under its own label only
 * out   appended: the sealed data, at most VAULT_SEAL_MAX octets longer
 *
 * VAULT_MISMATCH when the key is not such a key of this card; VAULT_FAULT.
 */
MUST_CHECK static inline enum vault_err
vault_seal(struct vault *v, struct rbuf key, uint32_t label, struct rbuf clear, struct wbuf *out)
{
	return v->ops->seal(v, key, label, clear, out);
}

/*
 * Unseal what vault_seal() made.  VAULT_AUTH without a proof of the PIN;
 * VAULT_MISMATCH when key, label or sealed data are not what they were.
 */
MUST_CHECK static inline enum vault_err
vault_unseal(struct vault *v, struct rbuf key, uint32_t label, struct rbuf sealed,
    struct wbuf *out)
{
	return v->ops->unseal(v, key, label, sealed, out);
}

/* ---- a new card management key ---- */

/*
 * Make a card management key of given octets.  It serves under the same rule
 * as the old one (after the PIN, or without it).
 *
 * algorithm ALG_3DES or ALG_AES_*
 * octets    of that algorithm's length, else VAULT_MISMATCH
 * key       appended: the key, at most VAULT_KEY_MAX octets
 */
MUST_CHECK static inline enum vault_err
vault_admin_make(struct vault *v, uint8_t algorithm, const struct secret *octets, struct rbuf old,
    struct wbuf *key)
{
	return v->ops->admin_make(v, algorithm, octets, old, key);
}

/*
 * Let the ADMIN reference follow a new card management key: by proof of the old
 * key's octets it becomes the fresh octets, in one atomic step.  VAULT_OK
 * also when it knows them already, or when this card has no ADMIN that could do
 * anything: such an ADMIN keeps what it knew, and is no check of the card
 * management key; ask vault_admin_is().
 * VAULT_UNSUPPORTED when the old key's octets cannot be had: only their owner
 * can change ADMIN then.  VAULT_AUTH when they are not ADMIN's; VAULT_FAULT:
 * it may have happened or not, ask vault_admin_holds().
 */
MUST_CHECK static inline enum vault_err
vault_admin_follow(struct vault *v, struct rbuf old, const struct secret *fresh)
{
	return v->ops->admin_follow(v, old, fresh);
}

/*
 * Whether a card management key's octets are what the ADMIN reference knows:
 * VAULT_OK or VAULT_AUTH; VAULT_OK without an ADMIN to follow.
 * VAULT_UNSUPPORTED when the octets cannot be had.
 */
MUST_CHECK static inline enum vault_err
vault_admin_holds(struct vault *v, struct rbuf key)
{
	return v->ops->admin_holds(v, key);
}

/*
 * Whether a card management key has these octets: VAULT_OK or VAULT_AUTH
 * (which also says that the key serves only after the PIN).
 * VAULT_MISMATCH when it is no such key of this card; VAULT_FAULT.
 */
MUST_CHECK static inline enum vault_err
vault_admin_is(struct vault *v, struct rbuf key, const struct secret *octets)
{
	return v->ops->admin_is(v, key, octets);
}

#endif
