/* SPDX-License-Identifier: BSD-2-Clause */
/* What a TPM can do, asked before something is made in it.  Within a begun link. */
#ifndef TPMVSC_TPM_PROBE_H
#define TPMVSC_TPM_PROBE_H

#include "tpm/link.h"

/* Whether the TPM can carry a card at all.  RC_UNSUPPORTED, with why set. */
MUST_CHECK TSS2_RC probe_card(struct tpm *t, struct failure *why);

/* Whether it has a command; a failure is trouble, and no answer. */
MUST_CHECK TSS2_RC probe_command(struct tpm *t, TPM2_CC code, bool *out);

/* RC_UNSUPPORTED when it has no keys of a PIV algorithm (enum algorithm). */
MUST_CHECK TSS2_RC probe_algorithm(struct tpm *t, uint8_t algorithm);

#endif
