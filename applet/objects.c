/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/objects.h"

/* Capacities are at least the standard's; together they are the card's quota. */
/* clang-format off */
static const struct object objects[] = {
	/* first     last      cap.  read           write         name (SP 800-73-4 Part 1, Table 3) */
	{ 0x5fc107, 0x5fc107,  512, ACCESS_ALWAYS, ACCESS_ADMIN, "Card Capability Container" },
	{ 0x5fc102, 0x5fc102, 3072, ACCESS_ALWAYS, ACCESS_ADMIN, "Card Holder Unique Identifier" },
	{ 0x5fc103, 0x5fc103, 4096, ACCESS_PIN,    ACCESS_ADMIN, "Cardholder Fingerprints" },
	{ 0x5fc105, 0x5fc105, 4096, ACCESS_ALWAYS, ACCESS_ADMIN, "X.509 Certificate for PIV Authentication" },
	{ 0x5fc106, 0x5fc106, 2048, ACCESS_ALWAYS, ACCESS_ADMIN, "Security Object" },
	{ 0x5fc108, 0x5fc108, 12800, ACCESS_PIN,   ACCESS_ADMIN, "Cardholder Facial Image" },
	{ 0x5fc101, 0x5fc101, 4096, ACCESS_ALWAYS, ACCESS_ADMIN, "X.509 Certificate for Card Authentication" },
	{ 0x5fc10a, 0x5fc10a, 4096, ACCESS_ALWAYS, ACCESS_ADMIN, "X.509 Certificate for Digital Signature" },
	{ 0x5fc10b, 0x5fc10b, 4096, ACCESS_ALWAYS, ACCESS_ADMIN, "X.509 Certificate for Key Management" },
	{ 0x5fc109, 0x5fc109, 3072, ACCESS_PIN,    ACCESS_ADMIN, "Printed Information" },
	{ 0x00007e, 0x00007e,  128, ACCESS_ALWAYS, ACCESS_ADMIN, "Discovery Object" },
	{ 0x5fc10c, 0x5fc10c,  256, ACCESS_ALWAYS, ACCESS_ADMIN, "Key History Object" },
	{ 0x5fc10d, 0x5fc120, 4096, ACCESS_ALWAYS, ACCESS_ADMIN, "Retired X.509 Certificate for Key Management" },
	{ 0x5fc121, 0x5fc121, 7168, ACCESS_PIN,    ACCESS_ADMIN, "Cardholder Iris Images" },
	{ 0x007f61, 0x007f61,  256, ACCESS_ALWAYS, ACCESS_ADMIN, "Biometric Information Templates Group Template" },
	{ 0x5fc122, 0x5fc122, 4096, ACCESS_ALWAYS, ACCESS_ADMIN, "Secure Messaging Certificate Signer" },
	{ 0x5fc123, 0x5fc123,   16, ACCESS_PIN,    ACCESS_ADMIN, "Pairing Code Reference Data Container" },
	/* Yubico's */
	{ 0x5fff00, 0x5fff00, 3072, ACCESS_ALWAYS, ACCESS_ADMIN, "Administrative Data" },
	{ 0x5fff01, 0x5fff01, 4096, ACCESS_ALWAYS, ACCESS_ADMIN, "Attestation Certificate" },
	{ 0x5fff10, 0x5fff10, 3072, ACCESS_ALWAYS, ACCESS_ADMIN, "Microsoft Container Map" },
	{ 0x5fff11, 0x5fff15, 3072, ACCESS_ALWAYS, ACCESS_ADMIN, "Microsoft Root Certificates" },
};
/* clang-format on */

const struct object *
object_find(uint32_t tag)
{
	size_t i;

	for (i = 0; i < sizeof objects / sizeof objects[0]; i++) {
		if (tag >= objects[i].first && tag <= objects[i].last)
			return &objects[i];
	}
	return NULL;
}

bool
object_sealed(const struct object *object)
{
	return (object->read & ACCESS_PIN) != 0;
}

uint32_t
object_envelope(uint32_t tag)
{
	return tag == 0x7e || tag == 0x7f61 ? tag : 0x53;
}
