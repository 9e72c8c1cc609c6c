/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A card's evidence as JSON: what tpmvscmgr attest writes and verify reads.
 * docs/attestation.md says what its members are.
 */
#ifndef TPMVSC_TOOLS_BUNDLE_H
#define TPMVSC_TOOLS_BUNDLE_H

#include "card/attest.h"

/* The longest text: base 64 of all that fits, and names. */
#define BUNDLE_TEXT_MAX (512UL << 10)

/* Append the text of evidence.  False when memory or out is full, or a part of it cannot be. */
MUST_CHECK bool bundle_write(const struct evidence *e, struct wbuf *text);

/*
 * Read a text that bundle_write() could have written, to the octet.  Nothing is
 * checked of what it says: evidence_check() does.
 *
 * octets has room for EVIDENCE_OCTETS_MAX; what out has views of is appended
 * why    a clause about the bundle: "it lacks ..."
 */
MUST_CHECK bool bundle_read(
    struct rbuf text, struct wbuf *octets, struct evidence *out, struct failure *why);

#endif
