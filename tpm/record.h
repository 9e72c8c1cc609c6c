/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A card's record: what its policy authority K wrote down and signed when the
 * card was made.  Public; nothing in it can be changed without K, which no
 * longer exists.  Everything else (Names, policies) follows from it.
 */
#ifndef TPMVSC_TPM_RECORD_H
#define TPMVSC_TPM_RECORD_H

#include "tpm/authority.h"
#include "tpm/session.h"
#include "tpm/tpm.h"

/* The card's NV indices.  The first three are also enum reference. */
enum card_index { INDEX_PIN, INDEX_PUK, INDEX_ADMIN, INDEX_LIFE, INDEX_COUNT };

/* What an approval allows, in the order the record keeps them. */
enum approval_id {
	PIN_BY_PIN,	/* change the PIN */
	PIN_BY_PUK,	/* set a new PIN */
	PIN_BY_ADMIN,
	PUK_BY_PUK,	/* change itself */
	ADMIN_BY_ADMIN,
	COUNT_BY_PUK,	/* set the PIN's count to 0 */
	COUNT_BY_ADMIN,
	APPROVAL_COUNT
};

/* Where a card's indices are, and a parent that was made for cards. */
#define INDEX_FIRST 0x018f0000U
#define INDEX_END 0x01900000U
#define PARENT_FIRST 0x81000100U
#define PARENT_END 0x81010000U

/* How many wrong tries a PIN or PUK may allow. */
#define RECORD_TRIES_MAX 10U

/* The admin key is as hard to guess as it is long: a limit would only let anybody block it. */
#define RECORD_ADMIN_LIMIT 0x7fffffffU

#define SALT_OCTETS 32
#define PROFILE_MAX 1024

struct record_index {
	bool present;
	TPM2_HANDLE handle;
	uint32_t limit; /* tries; 0 for LIFE */
	uint8_t salt[SALT_OCTETS];
};

struct record {
	struct parent parent;
	struct authority_public k;
	uint8_t scrypt_log_n, scrypt_r, scrypt_p;
	struct record_index index[INDEX_COUNT];
	bool approved[APPROVAL_COUNT];
	struct authority_signature approval[APPROVAL_COUNT];
	uint8_t profile[PROFILE_MAX];
	size_t profile_len;

	/* computed, not stored */
	struct name k_name;
	struct name name[INDEX_COUNT]; /* written, as they are in the TPM */
};

/* "PIN", "PUK", "ADMIN", "LIFE": the policyRef of the index, and the KDF's label. */
const char *index_label(enum card_index which);

/* The public area of an index; written says whether TPMA_NV_WRITTEN is set.  False when a digest fails. */
MUST_CHECK bool record_nv_public(const struct record *r, enum card_index which, bool written,
    TPMS_NV_PUBLIC *out);

/* Fill in what is computed. */
MUST_CHECK bool record_complete(struct record *r);

/* The approved policy: who proves what, for which command. */
MUST_CHECK bool record_approved_policy(const struct record *r, enum approval_id id,
    struct digest *out);

/* The index an approval is for (whose policyRef it bears), and the one whose proof it asks. */
enum card_index approval_target(enum approval_id id);
enum card_index approval_prover(enum approval_id id);

/* What that proof is for: the policyRef inside PolicySecret. */
const char *approval_purpose(enum approval_id id);

/* The policies of keys: "use", "always", or LIFE for keys without a PIN. */
MUST_CHECK bool record_key_policy(const struct record *r, enum pin_rule rule, struct digest *out);

/* Append the record, signed by k; out overflows or not as ever.  False when signing fails. */
MUST_CHECK bool record_write(const struct record *r, const struct authority *k, struct wbuf *out);

/*
 * Parse octets from a file and check the signature.  False for anything that
 * record_write() would not have written.
 */
MUST_CHECK bool record_read(struct rbuf in, struct record *out);

/* ---- claims: what a card occupies, for tpm_erase() ---- */

struct claims {
	struct parent parent;
	size_t count;
	struct {
		TPM2_HANDLE handle;
		struct digest policy; /* authPolicy: names K, so it is this card's and no other's */
	} index[INDEX_COUNT];
};

/* Whether an index in the TPM can be a card's index with that policy, written or not. */
MUST_CHECK bool claims_fit(const TPMS_NV_PUBLIC *area, const struct digest *policy);

MUST_CHECK bool claims_of(const struct record *r, struct claims *out);
void claims_write(const struct claims *c, struct wbuf *out);
MUST_CHECK bool claims_read(struct rbuf in, struct claims *out);

#endif
