/* SPDX-License-Identifier: BSD-2-Clause */
#include "ifd/sink.h"

#include <debuglog.h>

/* pcscd exports it to its drivers; another program that loads this one need not. */
#pragma weak log_msg

/* pcscd shows errors only, unless it was asked for more: a warning must be seen too. */
static const int priorities[] = {
	[LOG_LEVEL_ERROR] = PCSC_LOG_ERROR,
	[LOG_LEVEL_WARNING] = PCSC_LOG_ERROR,
	[LOG_LEVEL_INFO] = PCSC_LOG_INFO,
	[LOG_LEVEL_DEBUG] = PCSC_LOG_DEBUG,
};

static void
to_pcscd(enum log_level level, const char *text)
{
	log_msg(priorities[level], "tpmvsc: %s", text);
}

log_sink
sink_of_pcscd(void)
{
	return log_msg != NULL ? to_pcscd : NULL;
}
