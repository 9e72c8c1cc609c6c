/* SPDX-License-Identifier: BSD-2-Clause */
/* A code as a QR code on a terminal, for a telephone's camera.  ISO/IEC 18004. */
#ifndef TPMVSC_TOOLS_QR_H
#define TPMVSC_TOOLS_QR_H

#include "base/bytes.h"

/*
 * Draw text on standard error, if that is a terminal and wide enough: two
 * rows of it in a line where the locale is UTF-8, else in ASCII.  Otherwise
 * nothing: the text itself says it all.
 */
void qr_show(struct rbuf text);

#endif
