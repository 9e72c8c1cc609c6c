/* SPDX-License-Identifier: BSD-2-Clause */
/* Private keys in clear, as they come to a card: made with OpenSSL, and weak ones made on purpose. */
#ifndef TPMVSC_TESTS_KEYPARTS_H
#define TPMVSC_TESTS_KEYPARTS_H

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "applet/vault.h"

#define PART_MAX 600

/* One number; a test may change it. */
struct part {
	size_t len;
	uint8_t octets[PART_MAX];
};

struct keyparts {
	EVP_PKEY *key; /* NULL when it was not OpenSSL that made it */
	struct part p, q, dp, dq, qinv, scalar;
};

/* Make a key of that algorithm. */
void keyparts_make(struct keyparts *k, uint8_t algorithm);

/* Put primes, or what is none, in the place of the primes, and leave out the other parts. */
void keyparts_set(struct keyparts *k, const BIGNUM *p, const BIGNUM *q);

void keyparts_free(struct keyparts *k);

/* Insert zeros in front of a number. */
void part_pad(struct part *p, size_t zeros);

/* The view that the vault gets; good while k is. */
struct key_parts keyparts_view(const struct keyparts *k);

#endif
