/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Status words SW1-SW2 (ISO/IEC 7816-4; SP 800-73-4 Part 2) and what each port's
 * answer becomes on the card edge.  Nothing outside applet/ knows a status word.
 */
#ifndef TPMVSC_APPLET_SW_H
#define TPMVSC_APPLET_SW_H

#include "applet/store.h"
#include "applet/vault.h"

typedef uint16_t sw_t;

enum {
	SW_OK = 0x9000,
	SW_BYTES_REMAINING = 0x6100, /* + how many, 00 for 256 or more */
	SW_WRONG_VALUE = 0x6300,     /* the tries left cannot be told */
	SW_TRIES_LEFT = 0x63c0,      /* + how many, at most 15 */
	SW_WRONG_LENGTH = 0x6700,    /* also: these octets are no command APDU */
	SW_LOGICAL_CHANNEL_NOT_SUPPORTED = 0x6881,
	SW_SECURE_MESSAGING_NOT_SUPPORTED = 0x6882,
	SW_LAST_COMMAND_EXPECTED = 0x6883, /* another command came in the middle of a chain */
	SW_CHAINING_NOT_SUPPORTED = 0x6884,
	SW_SECURITY_STATUS_NOT_SATISFIED = 0x6982,
	SW_BLOCKED = 0x6983, /* no tries left, or no such PIN or PUK */
	SW_CONDITIONS_NOT_SATISFIED = 0x6985,
	SW_INCORRECT_DATA = 0x6a80,
	SW_NOT_FOUND = 0x6a82, /* data object or application */
	SW_NOT_ENOUGH_MEMORY = 0x6a84,
	SW_INCORRECT_P1P2 = 0x6a86,      /* also: algorithm or key reference not served */
	SW_REFERENCE_NOT_FOUND = 0x6a88, /* also: no key there */
	SW_INS_NOT_SUPPORTED = 0x6d00,
	SW_CLA_NOT_SUPPORTED = 0x6e00,
	SW_NO_DIAGNOSIS = 0x6f00, /* vault or store failed; the log knows more */
};

/* What the vault's answer about a key means to the host. */
sw_t sw_of_vault(enum vault_err err);

/* What the store's answer means to the host. */
sw_t sw_of_store(enum store_err err);

#endif
