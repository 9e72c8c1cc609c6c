/* SPDX-License-Identifier: BSD-2-Clause */
/* What the reader says of itself, by tag.  Knows slots.h. */
#ifndef TPMVSC_IFD_CAPABILITIES_H
#define TPMVSC_IFD_CAPABILITIES_H

#include "ifd/slots.h"

/*
 * Append the value of a tag, as pcscd and SCardGetAttrib() expect it (numbers
 * in the machine's own byte order).  lun need be open only for what depends on
 * the slot.  IFD_ERROR_TAG; IFD_NO_SUCH_DEVICE; IFD_ERROR_INSUFFICIENT_BUFFER.
 */
MUST_CHECK RESPONSECODE capability_get(DWORD lun, DWORD tag, struct wbuf *value);

/* Why a tag cannot be set: IFD_ERROR_VALUE_READ_ONLY or IFD_ERROR_TAG. */
MUST_CHECK RESPONSECODE capability_set(DWORD tag);

#endif
