/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Key derivation and key agreement in software: OpenSSL's, under the names
 * that the TPM's specification gives them.  Pure; no key outlives its call but
 * in the secrets handed out.
 */
#ifndef TPMVSC_TPM_KDF_H
#define TPMVSC_TPM_KDF_H

#include <openssl/evp.h>

#include "base/secret.h"

/* The longest point, of P-521, and the longest text that a derivation binds. */
#define KDF_POINT_MAX (1 + 2 * 66)
#define KDF_INFO_MAX 512

/* The hash of sessions and of everything else of a card. */
#define KDF_SHA256 "SHA256"

/*
 * Derive n octets from key.  False when OpenSSL fails or something is too
 * long; out is empty then.  hash is one of OpenSSL's by name.
 *
 * kdfa: HMAC in counter mode, SP 800-108; what a storage key derives from a seed
 * kdfe: one hash over a shared secret, SP 800-56A; how a seed is agreed on
 * hkdf: RFC 5869 without salt, SHA-256
 */
MUST_CHECK bool kdfa(const char *hash, struct secret *key, const char *label, struct rbuf context,
    size_t n, struct secret *out);
MUST_CHECK bool kdfe(const char *hash, struct secret *shared, const char *label,
    struct rbuf party_u, struct rbuf party_v, size_t n, struct secret *out);
MUST_CHECK bool hkdf(struct secret *key, struct rbuf info, size_t n, struct secret *out);

/* A public key of a curve by OpenSSL's name; NULL when the point (04 || x || y) is not on it. */
EVP_PKEY *ecc_public(const char *curve, struct rbuf point);

/*
 * Agree on a secret with the owner of a point, by a key made for that.
 *
 * own    appended: the point of that key, as long as peer
 * shared x of the shared point, the curve's size
 */
MUST_CHECK bool ecdh_ephemeral(const char *curve, struct rbuf peer, struct wbuf *own,
    struct secret *shared);

#endif
