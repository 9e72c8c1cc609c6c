/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One block with a card management key that the TPM only keeps sealed: the
 * ciphers it cannot do itself.  Pure; OpenSSL does the work.
 */
#ifndef TPMVSC_TPM_CIPHER_H
#define TPMVSC_TPM_CIPHER_H

#include "applet/vault.h"

/* Octets of a block: 8 or 16; 0 for an algorithm that is no card management key's. */
size_t cipher_block(uint8_t algorithm);

/* Append block encrypted in ECB without padding.  False, out unchanged, for wrong lengths. */
MUST_CHECK bool cipher_encrypt(uint8_t algorithm, struct rbuf key, struct rbuf block,
    struct wbuf *out);

#endif
