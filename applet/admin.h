/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new card management key, never half: the key (9B) is a file, the ADMIN
 * reference that has to follow it is in the vault, and a crash may come
 * between the two.
 */
#ifndef TPMVSC_APPLET_ADMIN_H
#define TPMVSC_APPLET_ADMIN_H

#include "applet/piv.h"
#include "applet/sw.h"

#define KEYREF_MANAGEMENT 0x9b

/*
 * Put a new card management key in the place of the old one.  On any failure
 * the old one stands, or a later admin_settle() finds out which does.
 *
 * old    the vault's octets of 9B
 * proof  of the old one, as its owner knows it, for ADMIN to follow; NULL: the
 *        vault may know it
 * octets of the new one, as its owner knows them
 * fresh  the vault's octets of the new one
 *
 * SW_CONDITIONS_NOT_SATISFIED when the vault does not know it, or it is not
 * ADMIN's: nothing has changed.
 */
MUST_CHECK sw_t admin_replace(struct piv *p, struct rbuf old, const struct secret *proof,
    const struct secret *octets, struct rbuf fresh);

/*
 * Finish or undo what a crash interrupted.  Uses p->sealed_octets.
 *
 * current  the vault's octets of 9B
 * replaced set when 9B is another one now
 *
 * SW_CONDITIONS_NOT_SATISFIED when the vault cannot tell which of the two keys
 * ADMIN knows: until admin_settle_with() does, neither may pass for 9B.
 */
MUST_CHECK sw_t admin_settle(struct piv *p, struct rbuf current, bool *replaced);

/*
 * The same with octets that somebody says are ADMIN's: settled when they are.
 * SW_CONDITIONS_NOT_SATISFIED when not.
 */
MUST_CHECK sw_t admin_settle_with(
    struct piv *p, struct rbuf current, const struct secret *octets, bool *replaced);

#endif
