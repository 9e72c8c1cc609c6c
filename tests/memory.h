/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks for a secret in all of this process's writable memory. */
#ifndef TPMVSC_TESTS_MEMORY_H
#define TPMVSC_TESTS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How often the octets are there.  inverted holds them with every bit turned,
 * so that it does not find itself.  Ends the test program when it cannot look.
 */
size_t memory_hits(const uint8_t *inverted, size_t n);

/* Whether freed memory is kept as it was, as address sanitizers do: then a search for leftovers says nothing. */
bool memory_kept(void);

#endif
