/* SPDX-License-Identifier: BSD-2-Clause */
/* What pcscd's polling thread of each slot waits in.  Knows slots.h. */
#ifndef TPMVSC_IFD_POLL_H
#define TPMVSC_IFD_POLL_H

#include "ifd/slots.h"

/*
 * Wait until the card of a slot may have come or gone, poll_stop() is called,
 * or timeout milliseconds are over.  IFD_SUCCESS; IFD_NO_SUCH_DEVICE.
 */
RESPONSECODE poll_wait(DWORD lun, int timeout);

/* End poll_wait() on a slot at once; the next one when none is in progress. */
RESPONSECODE poll_stop(DWORD lun);

#endif
