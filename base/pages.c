/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/pages.h"

#include <sys/mman.h>

void *
pages_take(size_t octets)
{
	void *pages =
	    mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return pages != MAP_FAILED ? pages : NULL;
}

void
pages_give(void *pages, size_t octets)
{
	if (pages != NULL)
		(void)munmap(pages, octets);
}
