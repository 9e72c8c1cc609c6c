/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An installation in the scratch directory over the fake TPM: real card/,
 * store/ and applet/, and what must hold of them at any time.
 */
#ifndef TPMVSC_TESTS_INSTALLATION_H
#define TPMVSC_TESTS_INSTALLATION_H

#include "card/card.h"
#include "tests/fake_tpm.h"

extern struct config installation; /* state directory: "state" in scratch */

/* Scratch directory, empty TPM, configuration; and the end of it all. */
void installation_setup(void);
void installation_teardown(void);

/* A request for an ordinary card with PUK, DEFAULT admin key and file system. */
struct card_request installation_request(void);

/* Make a card of the request, or end the test. */
unsigned installation_create(const struct card_request *request);

/*
 * Check what must hold when no work is unfinished: every directory has its
 * card whole in the TPM, the TPM has nothing else, the parent is there just
 * when a card is, and nothing but cards, their generations and locks is in the
 * state directory.
 * (RELIABILITY I1, I2, I11.)  what names the occasion.
 */
void installation_check(const char *what);

/* The cards list says are there and without a problem; -1 when it fails or names a problem. */
int installation_list(void);

#endif
