/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storage key under which a card's keys are made: found, or planned and
 * made.  Within a begun link.
 */
#ifndef TPMVSC_TPM_PARENT_H
#define TPMVSC_TPM_PARENT_H

#include "tpm/esys.h"

/* The storage root key of the TCG's provisioning guidance. */
#define PARENT_SRK 0x81000001U

/*
 * Choose a parent: sibling's if it is still there, else the SRK if it is
 * restricted, decrypt, fixedTPM, fixedParent, noDA and its authorisation is
 * empty, else plan one of our own at a free handle (out->ours, *to_make).
 * sibling may be NULL.
 */
MUST_CHECK TSS2_RC parent_choose(struct tpm *t, const struct parent *sibling, struct parent *out,
    bool *to_make, struct failure *why);

/* Make the planned parent and persist it.  RC_IMPOSTOR when it does not come out with the planned Name. */
MUST_CHECK TSS2_RC parent_make(struct tpm *t, const struct parent *planned, struct failure *why);

/*
 * Make a storage key of no hierarchy, to salt a session to where no card's is
 * known.  It keeps listeners out, not an interposer.  End it with session_end().
 */
MUST_CHECK TSS2_RC parent_passing(struct tpm *t, ESYS_TR *out);

/* Evict a parent that is ours and has its Name; fine when it is gone or another key is there. */
MUST_CHECK TSS2_RC parent_evict(struct tpm *t, const struct parent *parent);

/* Find the lowest free handle at or after first.  RC_ABSENT when none is left below end. */
MUST_CHECK TSS2_RC handle_free(struct tpm *t, TPM2_HANDLE first, TPM2_HANDLE end,
    TPM2_HANDLE *out);

#endif
