/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Command APDUs, short and extended (ISO/IEC 7816-4).  Knows base only.
 */
#ifndef TPMVSC_APPLET_APDU_H
#define TPMVSC_APPLET_APDU_H

#include "base/bytes.h"

/* Set in CLA of every command of a chain but the last. */
#define CLA_CHAINING 0x10

struct capdu {
	uint8_t cla, ins, p1, p2;
	struct rbuf data; /* Nc octets; empty in cases 1 and 2 */
	bool le_present;
	size_t ne; /* how many octets Le allows: 1 to 65536; 0 without Le */
};

/*
 * Take a command APDU apart, all of cases 1, 2S, 3S, 4S, 2E, 3E and 4E.
 * out->data is a view of in's octets.  Returns false when the octets are none
 * of these.
 */
MUST_CHECK bool capdu_parse(struct rbuf in, struct capdu *out);

#endif
