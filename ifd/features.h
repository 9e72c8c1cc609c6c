/* SPDX-License-Identifier: BSD-2-Clause */
/* SCardControl() on a reader: the features of PC/SC Part 10.  Knows PC/SC's reader.h. */
#ifndef TPMVSC_IFD_FEATURES_H
#define TPMVSC_IFD_FEATURES_H

#include "base/bytes.h"

#include <ifdhandler.h>

/* Append the answer to a control code.  IFD_ERROR_NOT_SUPPORTED; IFD_ERROR_INSUFFICIENT_BUFFER. */
MUST_CHECK RESPONSECODE feature_control(DWORD code, struct wbuf *answer);

#endif
