/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A card's evidence without a TPM: OpenSSL's keys sign what a TPM would.  So
 * everything can be forged, with right signatures where wanted.
 */
#ifndef TPMVSC_TESTS_EVIDENCE_MAKER_H
#define TPMVSC_TESTS_EVIDENCE_MAKER_H

#include <tss2/tss2_tpm2_types.h>

#include "tpm/evidence.h"
#include "tpm/record.h"

struct evidence_maker {
	struct authority *k, *ak; /* a P-256 key each */
	struct record record;
	struct evidence evidence;
	uint8_t octets[32768]; /* what evidence has views of, and nothing else */
	struct wbuf pool;
};

/*
 * Put evidence together, and have the AK certify it: PIN and LIFE, a key 9a
 * (P-256, PIN once) and an imported one, 9d (P-384, PIN once).  whole: PUK and
 * ADMIN as well, which both may reset the PIN, and keys 9c (RSA-2048, PIN
 * always) and 9e (P-256, PIN never).  A failure ends the test.
 */
void maker_begin(struct evidence_maker *m, bool whole);
void maker_end(struct evidence_maker *m);

/* Sign all statements anew, over the evidence as it is: of indices, and of keys that have creation data. */
void maker_certify(struct evidence_maker *m);

/* Keep octets in the pool; the view is good as long as the maker. */
struct rbuf maker_keep(struct evidence_maker *m, struct rbuf octets);
struct rbuf maker_keep_object(struct evidence_maker *m, const TPMT_PUBLIC *area);
struct rbuf maker_keep_index(struct evidence_maker *m, const TPMS_NV_PUBLIC *area);

/* What the TPM would say, and the AK's signature (or another key's) of it. */
TPMS_ATTEST maker_index_attest(const struct evidence_maker *m, enum card_index which);
TPMS_ATTEST maker_key_attest(const struct evidence_maker *m, size_t i);
struct statement maker_sign(struct evidence_maker *m, const struct authority *by,
    const TPMS_ATTEST *attest);

/* K's approval (or another key's), as the evidence has it. */
struct rbuf maker_approve(struct evidence_maker *m, const struct authority *by,
    const struct digest *policy, const char *ref);

#endif
