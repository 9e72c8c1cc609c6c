/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/keyrefs.h"

/* clang-format off */
static const struct keyref keyrefs[] = {
	/* first last  use             PIN         name (SP 800-73-4 Part 1, Table 4b) */
	{ 0x9a, 0x9a, KEYREF_PRIVATE, PIN_ONCE,   "PIV Authentication Key" },
	{ 0x9b, 0x9b, KEYREF_ADMIN,   PIN_NEVER,  "PIV Card Application Administration Key" },
	{ 0x9c, 0x9c, KEYREF_PRIVATE, PIN_ALWAYS, "Digital Signature Key" },
	{ 0x9d, 0x9d, KEYREF_PRIVATE, PIN_ONCE,   "Key Management Key" },
	{ 0x9e, 0x9e, KEYREF_PRIVATE, PIN_NEVER,  "Card Authentication Key" },
	{ 0x82, 0x95, KEYREF_PRIVATE, PIN_ONCE,   "Retired Key Management Key" },
	/* Yubico's */
	{ 0xf9, 0xf9, KEYREF_ATTEST,  PIN_NEVER,  "Attestation Key" },
};
/* clang-format on */

const struct keyref *
keyref_find(uint8_t id)
{
	size_t i;

	for (i = 0; i < sizeof keyrefs / sizeof keyrefs[0]; i++) {
		if (id >= keyrefs[i].first && id <= keyrefs[i].last)
			return &keyrefs[i];
	}
	return NULL;
}
