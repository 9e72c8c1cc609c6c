/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scrypt (RFC 7914) in memory of its own.  OpenSSL's takes it from malloc, and
 * malloc keeps it: 8 MiB for each thread of pcscd that ever sent a PIN.
 */
#ifndef TPMVSC_TPM_SCRYPT_H
#define TPMVSC_TPM_SCRYPT_H

#include "base/secret.h"

/* What it may take, whatever a record says, in octets. */
#define SCRYPT_MEMORY_MAX (64UL << 20)

/* What an evaluation costs. */
struct scrypt_cost {
	uint8_t log_n; /* 1 to 31: N is 2 to that power */
	uint8_t r, p;  /* at least 1 */
};

/*
 * Derive n octets from a value.  False, with out empty, for a cost that cannot
 * be or is too high, for n more than a secret holds, and when memory is out.
 */
MUST_CHECK bool scrypt(const struct secret *value, struct rbuf salt,
    const struct scrypt_cost *cost, size_t n, struct secret *out);

#endif
