/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storage key under which a card's keys are made: found, or planned and
 * made.  Within a begun link.
 */
#ifndef TPMVSC_TPM_PARENT_H
#define TPMVSC_TPM_PARENT_H

#include "tpm/session.h"

/* The storage root key of the TCG's provisioning guidance. */
#define PARENT_SRK 0x81000001U

/*
 * Choose a parent: sibling's if it is still there, else the SRK if it is
 * restricted, decrypt, fixedTPM, fixedParent, noDA and its authorisation is
 * empty, else plan one of our own at a free handle (out->ours).
 *
 * sibling may be NULL
 * key     the chosen one; its handle is 0 when it has yet to be made
 */
MUST_CHECK TSS2_RC parent_choose(struct tpm *t, const struct parent *sibling, struct parent *out,
    struct storage_key *key, struct failure *why);

/* Make the planned parent and persist it.  RC_IMPOSTOR when it does not come out with the planned Name. */
MUST_CHECK TSS2_RC parent_make(struct tpm *t, const struct parent *planned,
    struct storage_key *out, struct failure *why);

/*
 * Make a storage key of no hierarchy, to salt a session to where no card's is
 * known.  It keeps listeners out, not an interposer.  End it with handle_flush().
 */
MUST_CHECK TSS2_RC parent_passing(struct tpm *t, struct storage_key *out);

/* Evict a parent that is ours and has its Name; fine when it is gone or another key is there. */
MUST_CHECK TSS2_RC parent_evict(struct tpm *t, const struct parent *parent);

/*
 * Find the n lowest free handles at or after first, in ascending order.
 * RC_ABSENT when there are not so many below end.
 */
MUST_CHECK TSS2_RC handles_free(struct tpm *t, TPM2_HANDLE first, TPM2_HANDLE end,
    TPM2_HANDLE out[], size_t n);

#endif
