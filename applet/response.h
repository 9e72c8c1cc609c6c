/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Response data on its way to the host: as much as Le allows, the rest by
 * GET RESPONSE (ISO/IEC 7816-4).
 */
#ifndef TPMVSC_APPLET_RESPONSE_H
#define TPMVSC_APPLET_RESPONSE_H

#include "applet/apdu.h"
#include "applet/piv.h"

/* Wipe response data that nobody has fetched. */
void response_drop(struct piv *p);

/* Whether there is response data nobody has fetched yet. */
bool response_waits(const struct piv *p);

/*
 * Append the next response data and SW1-SW2, as much as c allows and rapdu
 * holds: 9000 when that was all, 61xx when more is left.  What has been sent
 * to its end is wiped.
 */
void response_send(struct piv *p, const struct capdu *c, struct wbuf *rapdu);

#endif
