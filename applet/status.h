/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forgetting: the only places that take PIN, freshness and nonces away, here
 * and in the vault alike.
 */
#ifndef TPMVSC_APPLET_STATUS_H
#define TPMVSC_APPLET_STATUS_H

#include "applet/piv.h"

/* The PIN counts as not verified from now on. */
void pin_forget(struct piv *p);

/* The PIN was not verified just now: no more PIN-always key. */
void pin_disarm(struct piv *p);

/* No challenge or witness can be answered any more. */
void nonce_forget(struct piv *p);

#endif
