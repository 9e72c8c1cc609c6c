/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes by file between a card's machine and an attestation CA: one request,
 * and one response that nobody can read but that TPM with that AK in it.
 * docs/attestation-ca.md has the members.
 */
#ifndef TPMVSC_TOOLS_EXCHANGE_H
#define TPMVSC_TOOLS_EXCHANGE_H

#include "card/attest.h"

/* The longest text of either. */
#define EXCHANGE_TEXT_MAX (128UL << 10)
/* Room for all that a text stands for, and for what is sealed. */
#define EXCHANGE_OCTETS_MAX (64UL << 10)

/* Append the text of a request: name, GUID, EK and AK.  False when something is missing or out is
 * full. */
MUST_CHECK bool exchange_write_request(const struct evidence *e, struct wbuf *text);

/* Read one; see document_read().  Nothing is checked of what it says. */
MUST_CHECK bool exchange_read_request(
    struct rbuf text, struct wbuf *octets, struct evidence *out, struct failure *why);

struct response {
	struct rbuf name, guid;      /* of the request */
	struct rbuf blob, encrypted; /* the credential: TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET */
	struct rbuf sealed;          /* the certificates, by the credential's secret */
};

MUST_CHECK bool exchange_write_response(const struct response *r, struct wbuf *text);
MUST_CHECK bool exchange_read_response(
    struct rbuf text, struct wbuf *octets, struct response *out, struct failure *why);

/*
 * Seal an AK's chain: appended are a nonce of 12 octets, the certificates in
 * DER one behind the other by AES-256-GCM, and the tag of 16.
 *
 * key 32 octets, of one use
 */
MUST_CHECK bool exchange_seal(
    const struct secret *key, const struct chain *ak, struct wbuf *sealed);

/* Open it; octets: the certificates are appended, for out's views.  False when it is not of that
 * key. */
MUST_CHECK bool exchange_open(
    const struct secret *key, struct rbuf sealed, struct wbuf *octets, struct chain *out);

/* Split certificates in DER, one behind the other, into a chain. */
MUST_CHECK bool exchange_split(struct rbuf certificates, struct chain *out);

#endif
