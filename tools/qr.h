/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handing a code out: as text, and on a terminal as a QR code for a
 * telephone's camera (ISO/IEC 18004).
 */
#ifndef TPMVSC_TOOLS_QR_H
#define TPMVSC_TOOLS_QR_H

#include "card/card.h"
#include "tools/codes.h"

/*
 * Print a code alone on a line of standard output, and, with_qr, draw it on
 * standard error, if that is a terminal wide enough: two rows of modules in a
 * line where the locale is UTF-8.  FAILED when standard output fails.
 */
MUST_CHECK enum outcome print_code(
    enum code_kind kind, struct rbuf octets, bool with_qr, struct failure *why);

#endif
