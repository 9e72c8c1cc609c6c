/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PIV card application as seen by a client: what commands of the tool say
 * to a card over a channel.  SP 800-73-4 Part 2, and Yubico's extensions.
 *
 * A status word becomes an outcome, and why a line for a person: "the PIN is
 * wrong; 4 tries are left".  WRONG_SECRET: PIN, PUK or key is wrong, or
 * blocked, or a new one breaks the policy.  NO_SUCH_CARD never.  FAILED: all
 * else.  Secrets are the caller's to wipe.
 */
#ifndef TPMVSC_TOOLS_CLIENT_H
#define TPMVSC_TOOLS_CLIENT_H

#include <openssl/evp.h>

#include "tools/channel.h"

/* Key references and data objects that the tool knows by name. */
enum { REF_PIN = 0x80, REF_PUK = 0x81, REF_MANAGEMENT = 0x9b };
#define OBJECT_CHUID 0x5fc102
#define OBJECT_KEY_HISTORY 0x5fc10c
#define OBJECT_PRINTED 0x5fc109 /* where a PIN-protected management key is */
#define OBJECT_ADMIN_DATA 0x5fff00
#define RETIRED_FIRST 0x82
#define RETIRED_LAST 0x95

/* The longest data object the tool reads or writes. */
#define CLIENT_OBJECT_MAX 4096

/* Prove the PIN for the rest of the session. */
MUST_CHECK enum outcome client_verify(
    struct channel *ch, const struct secret *pin, struct failure *why);

/* CHANGE REFERENCE DATA of REF_PIN or REF_PUK. */
MUST_CHECK enum outcome client_change(struct channel *ch, uint8_t reference,
    const struct secret *old, const struct secret *fresh, struct failure *why);

/* RESET RETRY COUNTER: a new PIN by the PUK. */
MUST_CHECK enum outcome client_unblock(struct channel *ch, const struct secret *puk,
    const struct secret *fresh_pin, struct failure *why);

/* ---- data objects: the content of 53 ---- */

/* The tag of the certificate object of a key reference; 0 for one that has none. */
uint32_t client_certificate_object(uint8_t reference);

/* Append an object's content.  *there: false, and nothing appended, when it is empty or missing. */
MUST_CHECK enum outcome client_get(
    struct channel *ch, uint32_t tag, struct wbuf *out, bool *there, struct failure *why);

/* Write it; empty content deletes it.  The administrator must have authenticated. */
MUST_CHECK enum outcome client_put(
    struct channel *ch, uint32_t tag, struct rbuf content, struct failure *why);

/* The certificate of a key reference.  *out is NULL when there is none; the caller frees it. */
MUST_CHECK enum outcome client_get_certificate(
    struct channel *ch, uint8_t reference, X509 **out, struct failure *why);
MUST_CHECK enum outcome client_put_certificate(
    struct channel *ch, uint8_t reference, X509 *certificate, struct failure *why);

/* ---- what the card says of a key or secret: GET METADATA ---- */

struct metadata {
	bool there;	    /* else the rest is of no use, and the card has no such key or PUK */
	uint8_t algorithm;  /* of a key; enum algorithm */
	enum pin_rule pin;  /* of a private key */
	enum key_origin origin;
	bool is_default;    /* of PIN, PUK and management key */
	unsigned tries_left, tries_limit; /* of PIN and PUK; limit 0: not to be told */
};

MUST_CHECK enum outcome client_metadata(
    struct channel *ch, uint8_t reference, struct metadata *out, struct failure *why);

/* The public key of a private key on the card; the caller frees it. */
MUST_CHECK enum outcome client_public_key(
    struct channel *ch, uint8_t reference, EVP_PKEY **out, struct failure *why);

/* ---- keys ---- */

/* Mutual authentication with the card management key. */
MUST_CHECK enum outcome client_authenticate(
    struct channel *ch, uint8_t algorithm, const struct secret *key, struct failure *why);

/*
 * Get the management key of a card whose own user may manage it: PIN-protected,
 * in OBJECT_PRINTED.  The PIN must have been proven.
 */
MUST_CHECK enum outcome client_protected_key(
    struct channel *ch, struct secret *key, struct failure *why);

/*
 * Keep a management key there: the administrator must have authenticated.  next
 * (NULL: none) is noted beside it: the one that is about to be set, so that
 * whatever happens in between, the one in force can be found.
 */
MUST_CHECK enum outcome client_keep_protected(struct channel *ch, const struct secret *key,
    const struct secret *next, struct failure *why);

/* Whether OBJECT_ADMIN_DATA says that there is one. */
MUST_CHECK enum outcome client_is_protected(
    struct channel *ch, bool *yes, struct failure *why);

/* Make a key pair.  rule 0: as the slot has it.  The caller frees *out. */
MUST_CHECK enum outcome client_generate(struct channel *ch, uint8_t reference, uint8_t algorithm,
    unsigned rule, EVP_PKEY **out, struct failure *why);

/* MOVE KEY: to another reference, which must be free. */
MUST_CHECK enum outcome client_move(
    struct channel *ch, uint8_t from, uint8_t to, struct failure *why);

/*
 * SET MANAGEMENT KEY.  *owner_only: NOT_PERMITTED because the card wants its owner to prove
 * the old one in another way (6985).
 */
MUST_CHECK enum outcome client_set_management_key(struct channel *ch, uint8_t algorithm,
    const struct secret *key, bool *owner_only, struct failure *why);

/*
 * Sign a digest with a private key: PKCS #1 v1.5 for RSA, ECDSA-Sig-Value in
 * DER for ECC.  md says which digest it is.
 */
MUST_CHECK enum outcome client_sign(struct channel *ch, uint8_t reference, uint8_t algorithm,
    const EVP_MD *md, struct rbuf digest, struct wbuf *out, struct failure *why);

#endif
