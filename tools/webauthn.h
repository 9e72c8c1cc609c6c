/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attestation objects of WebAuthn whose statement is a TPM's ("tpm", Web
 * Authentication Level 2, 8.3), for a key of a card: as WebAuthn has them, and as
 * ACME's challenge device-attest-01 takes them.  Pure.
 *
 * The two differ in what the TPM is to certify, in authData, and in what "sig" is:
 * WebAuthn's text says a TPMT_SIGNATURE, and so ACME servers take it; those who
 * verify WebAuthn take an ECDSA-Sig-Value in DER, as with all other signatures.
 */
#ifndef TPMVSC_TOOLS_WEBAUTHN_H
#define TPMVSC_TOOLS_WEBAUTHN_H

#include "card/attest.h"

/* SHA-256: what the TPM certifies beside the key (extraData). */
#define WEBAUTHN_DIGEST 32

/* The longest authData. */
#define WEBAUTHN_AUTH_DATA_MAX 1024

/*
 * Append authData: of a relying party, for a new credential that is the key.
 * No user was there, and none was verified: no flag says so.
 *
 * rp_id a domain, e.g. "example.org"
 * area  TPMT_PUBLIC of the key; the credential's id is its SHA-256
 *
 * False when area is no RSA key and none on P-256 or P-384, or memory is out.
 */
MUST_CHECK bool webauthn_auth_data(const char *rp_id, struct rbuf area, struct wbuf *out);

/* Append SHA-256(authData || the hash of the client's data), for WebAuthn. */
MUST_CHECK bool webauthn_extra(
    struct rbuf auth_data, struct rbuf client_data_hash, struct wbuf *out);

/*
 * Append SHA-256(key authorization), for ACME.
 *
 * authorization token "." thumbprint of the account's key (RFC 8555, 8.1)
 */
MUST_CHECK bool webauthn_extra_acme(struct rbuf authorization, struct wbuf *out);

/*
 * Append the attestation object in CBOR: canonical (CTAP2).
 *
 * key       as cards_certify() gives it, over the extra data
 * ak        its certificates
 * auth_data empty: for ACME
 *
 * False when the AK has no certificate or the statement is no AK's; why says so.
 */
MUST_CHECK bool webauthn_object(const struct evidence_key *key, const struct chain *ak,
    struct rbuf auth_data, struct wbuf *out, struct failure *why);

#endif
