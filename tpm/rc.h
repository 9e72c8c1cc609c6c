/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TPM response codes: what they mean to a card, in one table.  Inside this
 * room functions return a TSS2_RC; it is converted once, at the border.
 */
#ifndef TPMVSC_TPM_RC_H
#define TPMVSC_TPM_RC_H

#include <tss2/tss2_common.h>

#include "applet/vault.h"

/* Findings of our own, in the same number space (a layer nobody else uses). */
#define RC_OWN_LAYER ((TSS2_RC)0xf0 << TSS2_RC_LAYER_SHIFT)
#define RC_MISMATCH (RC_OWN_LAYER | 1)	  /* the input does not fit the key */
#define RC_NO_PROOF (RC_OWN_LAYER | 2)	  /* no ticket, no armed session */
#define RC_IMPOSTOR (RC_OWN_LAYER | 3)	  /* an object whose Name is not the pinned one */
#define RC_UNSUPPORTED (RC_OWN_LAYER | 4) /* the TPM does not offer it */
#define RC_ABSENT (RC_OWN_LAYER | 5)	  /* the card has no such reference */
#define RC_CRYPTO (RC_OWN_LAYER | 7)	  /* OpenSSL refused */
#define RC_STUCK (RC_OWN_LAYER | 8)	  /* an earlier command is still out, or the lease is taken */
#define RC_UNKNOWABLE (RC_OWN_LAYER | 9)  /* not readable with the authorisations we have */
#define RC_FORGED (RC_OWN_LAYER | 11)	  /* an answer whose HMAC is wrong */
#define RC_DISK_FULL (RC_OWN_LAYER | 10)  /* no room for the lease */

/* The TPM's own code: layers, and handle, session and parameter numbers removed. */
TSS2_RC rc_base(TSS2_RC rc);

/* Whether objects or sessions of ours have vanished: begin again with a fresh connection. */
bool rc_stale(TSS2_RC rc);

/*
 * Whether the trouble was on the way (tss2, the connection) and not the TPM's
 * word or a finding of ours.  The connection is of no use afterwards: after
 * an answer that it did not understand tss2 takes no further command.
 */
bool rc_on_the_way(TSS2_RC rc);

/* Whether the TPM found fault with a parameter, rather than being in trouble itself. */
bool rc_of_parameter(TSS2_RC rc);

/* Whether the TPM has no place for another session: leftovers have to go. */
bool rc_sessions_full(TSS2_RC rc);

/* Whether the TPM did nothing and asks to be asked again later. */
bool rc_busy(TSS2_RC rc);

/* What the card's user learns.  Logs what, with the decoded code, when it is VAULT_FAULT. */
enum vault_err vault_err_from_rc(const char *what, TSS2_RC rc);

/* Log a failed command, with its decoded code. */
void rc_log(const char *what, TSS2_RC rc);

#endif
