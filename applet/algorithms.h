/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the card knows of each algorithm identifier (SP 800-78-4, Table 6-2).
 */
#ifndef TPMVSC_APPLET_ALGORITHMS_H
#define TPMVSC_APPLET_ALGORITHMS_H

#include "applet/vault.h"

enum family { FAMILY_BLOCK, FAMILY_RSA, FAMILY_ECC };

struct algorithm_info {
	uint8_t id; /* enum algorithm */
	enum family family;
	size_t size; /* octets of a block, the modulus, or a coordinate */
};

/* The algorithm with that identifier, or NULL. */
const struct algorithm_info *algorithm_find(uint8_t id);

#endif
