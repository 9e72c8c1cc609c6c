/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structures of the TPM from anybody's octets, and a public area's key as
 * OpenSSL has it.  Pure; input is hostile.
 */
#ifndef TPMVSC_TPM_AREA_H
#define TPMVSC_TPM_AREA_H

#include <openssl/evp.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"

/*
 * Unmarshal a structure.  False for anything but the very octets that
 * marshalling it gives: none left over, none ignored.  TCG TPM 2.0 Part 2
 */
MUST_CHECK bool area_read_object(struct rbuf in, TPMT_PUBLIC *out);
MUST_CHECK bool area_read_index(struct rbuf in, TPMS_NV_PUBLIC *out);
MUST_CHECK bool area_read_attest(struct rbuf in, TPMS_ATTEST *out);
MUST_CHECK bool area_read_signature(struct rbuf in, TPMT_SIGNATURE *out);
MUST_CHECK bool area_read_creation(struct rbuf in, TPMS_CREATION_DATA *out);

/* Whether two public areas are the same, octet for octet, but for the key itself (unique). */
MUST_CHECK bool area_same_kind(const TPMT_PUBLIC *a, const TPMT_PUBLIC *b);

/* An object's nameAlg by OpenSSL's name, and a digest's length; NULL but for SHA-256 and SHA-384. */
const char *area_hash(const TPMT_PUBLIC *area, size_t *octets);

/* An ECC key's curve by OpenSSL's name, and a coordinate's length; NULL but for P-256, P-384 and P-521. */
const char *area_curve(const TPMT_PUBLIC *area, size_t *octets);

/* Append an ECC key's point, 04 || x || y with full-length coordinates.  False when it is none of those curves'. */
MUST_CHECK bool area_point(const TPMT_PUBLIC *area, struct wbuf *out);

/*
 * The public key of an RSA or ECC area, to be freed.  NULL when there is none:
 * another type, a point that is not on the curve, a modulus that is even or of
 * another length than keyBits says.
 */
EVP_PKEY *area_key(const TPMT_PUBLIC *area);

#endif
