/* SPDX-License-Identifier: BSD-2-Clause */
/* The package's version as readers report theirs.  Knows libc only. */
#ifndef TPMVSC_IFD_VERSION_H
#define TPMVSC_IFD_VERSION_H

#include <stdint.h>

/* 0xMMmmbbbb: major, minor, build. */
uint32_t version_number(void);

#endif
