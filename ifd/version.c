/* SPDX-License-Identifier: BSD-2-Clause */
#include "ifd/version.h"

#include <stdlib.h>

uint32_t
version_number(void)
{
	const char *text = PACKAGE_VERSION;
	unsigned long part[3] = { 0 };
	char *end;
	int i;

	for (i = 0; i < 3; i++) {
		part[i] = strtoul(text, &end, 10);
		if (end == text || *end != '.')
			break;
		text = end + 1;
	}
	return (uint32_t)((part[0] & 0xff) << 24 | (part[1] & 0xff) << 16 | (part[2] & 0xffff));
}
