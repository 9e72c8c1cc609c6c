/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificate requests (RFC 2986) and certificates (RFC 5280) for keys that
 * OpenSSL cannot use: OpenSSL makes the parts and checks the whole, the card
 * signs.
 */
#ifndef TPMVSC_TOOLS_X509_H
#define TPMVSC_TOOLS_X509_H

#include <openssl/x509v3.h>

#include "card/card.h"

/* ---- whom a certificate is for ---- */

/* What was asked for on the command line; empty names are NULL. */
struct identity {
	X509_NAME *subject;
	GENERAL_NAMES *alt_names; /* NULL: none */
	bool has_email, has_upn;  /* among alt_names */
};

/*
 * Read a subject and its alternative names.
 *
 * subject   "CN=Alice,O=Example" as RFC 4514 writes it, most specific first, or
 *           "/O=Example/CN=Alice" as OpenSSL does, the other way round; UTF-8
 * alt_names count of them: "email:", "dns:", "upn:" or "uri:" and a name
 * out       the caller frees it with identity_clear()
 *
 * DONE; WRONG_USAGE, which names the option; FAILED.  out is empty then.
 */
MUST_CHECK enum outcome identity_read(const char *subject, const char *const *alt_names,
    size_t count, struct identity *out, struct failure *why);
void identity_clear(struct identity *id);

/* ---- making ---- */

/* Signs a digest with the key in question: client_sign() and its like. */
struct signer {
	enum outcome (*sign)(void *context, const EVP_MD *md, struct rbuf digest, struct wbuf *out,
	    struct failure *why);
	void *context;
};

/*
 * Make a request for a certificate of the key in a slot (0x9a and so on: it
 * decides what the key may be used for).  The caller frees *out.  What the
 * signer says; FAILED, also when the signature is not one.
 */
MUST_CHECK enum outcome x509_request(const struct identity *id, uint8_t slot, EVP_PKEY *key,
    const struct signer *signer, X509_REQ **out, struct failure *why);

/* Make a certificate that the key itself signs, good from now on. */
MUST_CHECK enum outcome x509_self_signed(const struct identity *id, uint8_t slot, EVP_PKEY *key,
    unsigned days, const struct signer *signer, X509 **out, struct failure *why);

/* ---- reading ---- */

/* The longest file that is looked for a certificate in. */
#define X509_FILE_MAX 65536

/*
 * Find the certificate of a key in a file's octets: one in DER, or any number
 * in PEM.  The caller frees *out.  FAILED when there is none, or none of that
 * key.
 */
MUST_CHECK enum outcome x509_find(struct rbuf file, EVP_PKEY *key, X509 **out, struct failure *why);

#endif
