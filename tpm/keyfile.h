/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A key outside the TPM: PEM of the "TSS2 PRIVATE KEY" form that OpenSSL's
 * tpm2 provider and others read.  The private part is encrypted by the TPM;
 * the policy is in the public area.  A second PEM block, which those do not
 * look at, says how a generated key was made.  Pure conversion; input is hostile.
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

	/* What certifies that the TPM made it; false: not kept, or it was not made there. */
	bool has_creation;
	TPMS_CREATION_DATA creation;
	TPMT_TK_CREATION ticket; /* the TPM's own word that these belong to this key */
};

/* Append the PEM text.  False when memory is out or the areas cannot be marshalled. */
MUST_CHECK bool keyfile_write(const struct keyfile *key, struct wbuf *out);

/* Parse a PEM text.  False when it is anything else. */
MUST_CHECK bool keyfile_read(struct rbuf in, struct keyfile *out);

/* Append a key's creation data as the TPM has hashed it: marshalled.  False when there is none. */
MUST_CHECK bool keyfile_creation(const struct keyfile *key, struct wbuf *out);

#endif
