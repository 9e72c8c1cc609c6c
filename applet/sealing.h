/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data objects that only the PIN may read: sealed to a key of the card's own,
 * so that whoever has the files has nothing, and writing needs no PIN.
 */
#ifndef TPMVSC_APPLET_SEALING_H
#define TPMVSC_APPLET_SEALING_H

#include "applet/piv.h"
#include "applet/sw.h"

/* Append an object's content.  The PIN must be verified, and the vault wants its proof. */
MUST_CHECK sw_t sealed_get(struct piv *p, uint32_t tag, struct wbuf *out);

/* Write an object's content; the key is made with the first one. */
MUST_CHECK sw_t sealed_put(struct piv *p, uint32_t tag, struct rbuf content);

#endif
