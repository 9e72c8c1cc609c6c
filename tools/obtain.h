/* SPDX-License-Identifier: BSD-2-Clause */
/* Getting a certificate for a card's AK, on the card's machine, from an attestation CA. */
#ifndef TPMVSC_TOOLS_OBTAIN_H
#define TPMVSC_TOOLS_OBTAIN_H

#include "tools/options.h"

/* By file: attest --request and attest --install. */
MUST_CHECK enum outcome obtain_request(
    const struct config *config, const struct options *options, struct failure *why);
MUST_CHECK enum outcome obtain_install(
    const struct config *config, const struct options *options, struct failure *why);

/*
 * Whether a new card could get a certificate over HTTPS: asked before there is
 * one.  FAILED when tpmvsc.conf names no CA, or not one that can be used;
 * TPM_PROBLEM when the TPM has no EK certificate; NOT_PERMITTED.
 */
MUST_CHECK enum outcome obtain_possible(const struct config *config, struct failure *why);

/* Get it from config's attestation_ca, and put it on the card.  FAILED, TPM_PROBLEM, NOT_PERMITTED.
 */
MUST_CHECK enum outcome obtain_certificate(
    const struct config *config, unsigned instance, struct failure *why);

#endif
