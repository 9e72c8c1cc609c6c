/* SPDX-License-Identifier: BSD-2-Clause */
/* A statement of an AK, checked: TCG TPM 2.0 Part 2, 10.12.  Pure; input is hostile. */
#ifndef TPMVSC_TPM_STATEMENT_H
#define TPMVSC_TPM_STATEMENT_H

#include "tpm/authority.h"
#include "tpm/evidence.h"

/* Who must have signed, and over which evidence. */
struct signer {
	bool known; /* the AK's area has a point of P-256 */
	struct authority_public key;
	struct digest qualifying;
};

/*
 * Check that a statement was made by a TPM, by that AK, about that evidence.
 * What it is about is left to the caller: each attested Name has to be compared.
 *
 * kind    TPM2_ST_ATTEST_NV or TPM2_ST_ATTEST_CREATION
 * subject for the message: "the PIN index"
 * out     what the AK signed
 */
MUST_CHECK bool statement_check(const struct statement *s, const struct signer *by,
    TPMI_ST_ATTEST kind, const char *subject, TPMS_ATTEST *out, struct failure *why);

#endif
