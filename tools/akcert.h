/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An attestation CA, small: its certificate and key, and the certificate it
 * gives an AK.  docs/attestation-ca.md has the profile.
 */
#ifndef TPMVSC_TOOLS_AKCERT_H
#define TPMVSC_TOOLS_AKCERT_H

#include "tools/ekchain.h"

struct authority {
	EVP_PKEY *key;
	/* The issuing certificate, then those above it in the file, no root but the first. */
	X509 *certificate[1 + EVIDENCE_CHAIN_MAX];
	size_t count;
};

/*
 * Read a CA's certificates (PEM, the issuing one first) and its key (PEM,
 * PKCS #8, not encrypted, in a file that nobody else may open).  The caller
 * frees out with authority_clear(), also after a failure.  NOT_PERMITTED, FAILED.
 */
MUST_CHECK enum outcome authority_read(
    const char *certificates, const char *key, struct authority *out, struct failure *why);
void authority_clear(struct authority *a);

/*
 * Make the certificate of an AK, good from now on, no longer than the CA's own.
 *
 * ek      the certificate of the EK beside it, checked by the caller: its TPM
 *         is who the certificate is for
 * ak_area TPMT_PUBLIC, an AK's: evidence_is_ak()
 *
 * The caller frees *out.  FAILED.
 */
MUST_CHECK enum outcome authority_certify(const struct authority *a, const X509 *ek,
    struct rbuf ak_area, unsigned days, X509 **out, struct failure *why);

#endif
