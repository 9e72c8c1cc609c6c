/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains of certificates: an EK's, up to its TPM's maker, and an AK's, up to an
 * attestation CA.  Certificates and roots are hostile octets until checked.
 */
#ifndef TPMVSC_TOOLS_EKCHAIN_H
#define TPMVSC_TOOLS_EKCHAIN_H

#include <openssl/x509v3.h>

#include "card/attest.h"

/* Extended key usages; TCG EK Credential Profile, 3.2.  WebAuthn names the second for a "tpm" statement. */
#define OID_EK_CERTIFICATE "2.23.133.8.1"
#define OID_AK_CERTIFICATE "2.23.133.8.3"

#define CHAIN_FILE_MAX (1UL << 20)

/*
 * Read the certificates of a PEM file as trust anchors, whether or not they sign
 * themselves.  The caller frees *out.  FAILED when there is none; NOT_PERMITTED.
 */
MUST_CHECK enum outcome chain_roots(const char *path, X509_STORE **out, struct failure *why);

/* Parse one certificate in DER with nothing behind it; NULL when it is none.  The caller frees it. */
MUST_CHECK X509 *chain_parse(struct rbuf der);

/*
 * Check that an EK's certificate leads to one of the roots, today, and is for
 * the key in ek_area (TPMT_PUBLIC).  The caller frees *out, which may be NULL.
 *
 * What is above the certificate in the chain only helps to get there: it is
 * never trusted, even where it signs itself.  A root may be an authority in the
 * middle, or the certificate itself.  Beyond what OpenSSL knows it takes one critical
 * extension, subjectDirectoryAttributes, which has the TPM's specification
 * (TCG EK Credential Profile, 3.2), and no use of the key is asked for; an
 * extended key usage, where there is one, must be OID_EK_CERTIFICATE.  Keys and
 * signatures below 112 bits of strength are refused.  Revocation is not looked at.
 *
 * False, with why, when not.
 */
MUST_CHECK bool chain_check_ek(const struct chain *ek, struct rbuf ek_area, X509_STORE *roots,
    X509 **out, struct failure *why);

/* The same of an AK's; it must have OID_AK_CERTIFICATE among its extended key usages. */
MUST_CHECK bool chain_check_ak(const struct chain *ak, struct rbuf ak_area, X509_STORE *roots,
    X509 **out, struct failure *why);

/*
 * Whether an AK's certificate says for which EK it was given (OID_SEEN_EK), in
 * *says, and then, whether that is the one in ek_area.  False, with why, when it
 * is another one.
 */
MUST_CHECK bool chain_seen_ek(
    const X509 *ak, struct rbuf ek_area, bool *says, struct failure *why);

/* Whether a certificate in DER is for the key in area (TPMT_PUBLIC).  False, with why as a clause, when not. */
MUST_CHECK bool chain_is_for(struct rbuf der, struct rbuf area, struct failure *why);

#endif
