/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration files of others, as far as doctor asks about them: pcscd's
 * entry for the driver, and OpenSC's limit of readers.  Knows base only.
 */
#ifndef TPMVSC_TOOLS_READERCONF_H
#define TPMVSC_TOOLS_READERCONF_H

#include "base/bytes.h"

/* The longest file that is looked at. */
#define READERCONF_MAX 65536

/* A value of an entry, such as "LIBPATH": into size octets, ended.  False when there is none, or it is too long. */
MUST_CHECK bool readerconf_value(struct rbuf text, const char *key, char *out, size_t size);

/* What OpenSC's PKCS #11 module makes of its readers. */
struct opensc_limits {
	unsigned slots;	  /* max_virtual_slots */
	unsigned per_card; /* slots_per_card */
};

/* What holds without a word in the file: 16 slots, four for each reader. */
extern const struct opensc_limits opensc_default;

/*
 * Read them from an opensc.conf: the block pkcs11 of app opensc-pkcs11, or else
 * of app default.  What cannot be read is as if it was not there.
 */
void opensc_read(struct rbuf text, struct opensc_limits *out);

/* How many readers the module looks at. */
unsigned opensc_readers(const struct opensc_limits *limits);

#endif
