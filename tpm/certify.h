/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates signed by a card's AK.  Their signature says that this AK signed;
 * that it is a TPM's says the evidence inside a key's certificate (certificate.h)
 * and, for the AK, its own certificate by some authority.
 */
#ifndef TPMVSC_TPM_CERTIFY_H
#define TPMVSC_TPM_CERTIFY_H

#include "applet/vault.h"

/*
 * Append the AK's own certificate, signed by itself: what Yubico's programs look
 * for in 5FFF01, the issuer of what vault_attest() gives.  X.509 in DER, at most
 * VAULT_CERTIFICATE_MAX octets.
 *
 * ak the vault's octets of the AK
 *
 * VAULT_MISMATCH when it is no AK of this card; VAULT_FAULT.
 */
MUST_CHECK enum vault_err certify_self(struct vault *v, struct rbuf ak, struct wbuf *out);

#endif
