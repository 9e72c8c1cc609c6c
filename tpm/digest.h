/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names, policy digests and cpHashes, computed in software: a trial session
 * would need the secrets, and what the TPM says of itself is what we check.
 * SHA-256 throughout.  Pure functions.
 */
#ifndef TPMVSC_TPM_DIGEST_H
#define TPMVSC_TPM_DIGEST_H

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"

struct digest {
	uint8_t octets[TPM2_SHA256_DIGEST_SIZE];
};

/* A Name: the algorithm's two octets and a digest.  TCG TPM 2.0 Part 1, 16 */
#define NAME_OCTETS (2 + TPM2_SHA256_DIGEST_SIZE)
struct name {
	uint8_t octets[NAME_OCTETS];
};

struct rbuf digest_view(const struct digest *d);
struct rbuf name_view(const struct name *n);

/* SHA-256 of the parts, one after the other.  False when OpenSSL fails (memory). */
MUST_CHECK bool digest_of(const struct rbuf *parts, size_t count, struct digest *out);

/* HMAC-SHA256 of octets.  False when OpenSSL fails. */
MUST_CHECK bool hmac_of(struct rbuf key, struct rbuf octets, struct digest *out);

/* The Name of an object or an NV index with the attributes it has in the argument. */
MUST_CHECK bool name_of_object(const TPMT_PUBLIC *object, struct name *out);
MUST_CHECK bool name_of_index(const TPMS_NV_PUBLIC *index, struct name *out);

/* TPM2B forms of ours, for commands. */
TPM2B_NAME name_tpm2b(const struct name *n);
TPM2B_DIGEST digest_tpm2b(const struct digest *d);
TPM2B_NONCE nonce_tpm2b(struct rbuf octets); /* at most 64 octets; more are cut */

/*
 * A policy under construction.  Starts as all zeros; each call extends it as
 * the TPM command of that name would (TCG TPM 2.0 Part 3, 23).  A failure
 * inside latches: check policy_digest().
 */
struct policy {
	struct digest digest;
	bool broken;
};

struct policy policy_new(void);
void policy_secret(struct policy *p, const struct name *entity, const char *ref);
void policy_signed(struct policy *p, const struct name *key, const char *ref);
void policy_authorize(struct policy *p, const struct name *key, const char *ref);
void policy_command_code(struct policy *p, TPM2_CC code);
void policy_cphash(struct policy *p, const struct digest *cphash);

/* PolicyNV: the index reads as eight zero octets at offset 0. */
void policy_nv_zero(struct policy *p, const struct name *index);

/* Take the result; false when something inside failed. */
MUST_CHECK bool policy_digest(const struct policy *p, struct digest *out);

/*
 * cpHash of NV_Write of four zero octets at offset 0, authorised by the index
 * itself: it sets pinCount to 0 and cannot touch pinLimit.  Never approve
 * eight octets: cpHash covers the encrypted parameter, and nonces could be
 * searched until the limit decrypts to something huge.
 */
MUST_CHECK bool cphash_reset_count(const struct name *index, struct digest *out);

/* aHash of PolicyAuthorize: what an approval signs.  TCG TPM 2.0 Part 3, 23.16 */
MUST_CHECK bool approval_digest(const struct digest *policy, const char *ref, struct digest *out);

/* aHash of PolicySigned with that nonce, expiration and policyRef, no cpHash.  Part 3, 23.3 */
MUST_CHECK bool signed_digest(struct rbuf nonce_tpm, int32_t expiration, const char *ref,
    struct digest *out);

#endif
