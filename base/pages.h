/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory in pages of its own.  It is zero and takes no memory where nobody has
 * written, and what is given back is the system's again at once: malloc keeps
 * it, for each thread that ever asked.  Knows libc only.
 */
#ifndef TPMVSC_BASE_PAGES_H
#define TPMVSC_BASE_PAGES_H

#include <stddef.h>

/* Take so many octets, zero.  NULL when memory is out. */
void *pages_take(size_t octets);

/* Give back what pages_take() gave for that number.  Nobody sees what was in it.  NULL is allowed. */
void pages_give(void *pages, size_t octets);

#endif
