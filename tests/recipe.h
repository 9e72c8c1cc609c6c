/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates for tests, good and odd, and public areas of keys.  A failure ends the test. */
#ifndef TPMVSC_TESTS_RECIPE_H
#define TPMVSC_TESTS_RECIPE_H

#include "tools/ekchain.h"

#define RECIPE_EXTENSIONS 6

/* What a certificate is made of. */
struct recipe {
	const char *subject; /* NULL: empty */
	const char *issuer;
	int key, signer;     /* which of the keys */
	const char *extensions[RECIPE_EXTENSIONS]; /* "name=value" as OpenSSL's configuration has it */
	int from, until;	   /* days from now */
	const char *digest;	   /* NULL: SHA-256 */
};

/* As long as usual, signed as usual. */
#define NOW 0, 0, NULL

X509 *recipe_make(const struct recipe *r, EVP_PKEY *const keys[]);

/* A TPMT_PUBLIC of an RSA-2048 or P-256 key (TCG TPM 2.0 Part 2, 12.2.4): restricted, for signing or as a parent. */
void recipe_area(const EVP_PKEY *key, bool signs, struct wbuf *out);

/* The extension that says which EK was seen, with n octets of its digest, changed or not; static. */
const char *recipe_seen(EVP_PKEY *key, uint8_t change, size_t n);

#endif
