/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the driver's log lines go: pcscd's own log.  Knows base/log.h. */
#ifndef TPMVSC_IFD_SINK_H
#define TPMVSC_IFD_SINK_H

#include "base/log.h"

/* pcscd's log; NULL (standard error) in a program that has none. */
log_sink sink_of_pcscd(void);

#endif
