/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/algorithms.h"

/* clang-format off */
static const struct algorithm_info algorithms[] = {
	/* id            family        size */
	{ ALG_3DES,      FAMILY_BLOCK,    8 },
	{ ALG_AES_128,   FAMILY_BLOCK,   16 },
	{ ALG_AES_192,   FAMILY_BLOCK,   16 },
	{ ALG_AES_256,   FAMILY_BLOCK,   16 },
	{ ALG_RSA_2048,  FAMILY_RSA,    256 },
	{ ALG_RSA_3072,  FAMILY_RSA,    384 },
	{ ALG_RSA_4096,  FAMILY_RSA,    512 },
	{ ALG_ECC_P256,  FAMILY_ECC,     32 },
	{ ALG_ECC_P384,  FAMILY_ECC,     48 },
};
/* clang-format on */

const struct algorithm_info *
algorithm_find(uint8_t id)
{
	size_t i;

	for (i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
		if (algorithms[i].id == id)
			return &algorithms[i];
	}
	return NULL;
}
