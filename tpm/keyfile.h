/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A key outside the TPM: PEM of the "TSS2 PRIVATE KEY" form that OpenSSL's
 * tpm2 provider and others read.  The private part is encrypted by the TPM;
 * the policy is in the public area.  Pure conversion; input is hostile.
 */
#ifndef TPMVSC_TPM_KEYFILE_H
#define TPMVSC_TPM_KEYFILE_H

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"

struct keyfile {
	bool sealed;	   /* sealed data rather than a key the TPM uses */
	uint8_t algorithm; /* of sealed card management keys, enum algorithm; else 0 */
	TPM2_HANDLE parent;
	TPM2B_PUBLIC public_area;
	TPM2B_PRIVATE private_area;
};

/* Append the PEM text.  False when memory is out or the areas cannot be marshalled. */
MUST_CHECK bool keyfile_write(const struct keyfile *key, struct wbuf *out);

/* Parse a PEM text.  False when it is anything else. */
MUST_CHECK bool keyfile_read(struct rbuf in, struct keyfile *out);

#endif
