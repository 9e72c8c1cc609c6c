/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wiping type: the only home of a PIN, PUK, admin key, authValue or
 * private scalar in this program.  Knows libc only.  Declare it with SECRET()
 * and it is wiped when the variable goes out of scope, on every path.
 */
#ifndef TPMVSC_BASE_SECRET_H
#define TPMVSC_BASE_SECRET_H

#include "base/bytes.h"

/* The longest secret: a PIN of 127 characters. */
#define SECRET_MAX 128

struct secret {
	size_t len;
	uint8_t data[SECRET_MAX];
};

/* A secret variable, empty now and wiped at the end of its scope. */
#define SECRET(name) __attribute__((cleanup(secret_clear))) struct secret name = { .len = 0 }

/* Replace the content.  Returns false, with the secret empty, for more than SECRET_MAX octets. */
MUST_CHECK bool secret_set(struct secret *s, struct rbuf octets);

/* View the content; good until the secret changes. */
struct rbuf secret_view(const struct secret *s);

/* Wipe; the secret is empty afterwards.  s may be NULL. */
void secret_clear(struct secret *s);

#endif
