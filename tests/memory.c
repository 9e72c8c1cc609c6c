/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/memory.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (1U << 16)

/* Where a mapping is read to. */
static uint8_t *chunk;

/* Every bit of one turned is the other. */
static bool
matches(const uint8_t *at, const uint8_t *inverted, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if ((at[i] ^ inverted[i]) != 0xff)
			return false;
	}
	return true;
}

/* Search one mapping, a chunk at a time, chunks overlapping by n - 1 octets. */
static size_t
search(int fd, uintptr_t begin, uintptr_t end, const uint8_t *inverted, size_t n)
{
	size_t hits = 0, i;
	ssize_t got;

	for (; begin + n <= end; begin += (size_t)got - n + 1) {
		got = pread(fd, chunk, end - begin < CHUNK ? end - begin : CHUNK, (off_t)begin);
		if (got < (ssize_t)n)
			break;
		for (i = 0; i + n <= (size_t)got; i++)
			hits += matches(chunk + i, inverted, n);
	}
	return hits;
}

size_t
memory_hits(const uint8_t *inverted, size_t n)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	uintptr_t begin, end, own;
	size_t hits = 0;
	char line[512], mode[8];

	chunk = aligned_alloc(4096, CHUNK + 4096);
	if (maps == NULL || fd < 0 || chunk == NULL) {
		perror("memory_hits");
		exit(EXIT_FAILURE);
	}
	own = (uintptr_t)chunk;
	while (fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &begin, &end, mode) != 3 || mode[0] != 'r' ||
		    mode[1] != 'w')
			continue;
		/* All but our own copy. */
		if (own >= begin && own < end) {
			hits += search(fd, begin, own, inverted, n);
			begin = own + CHUNK;
		}
		hits += search(fd, begin, end, inverted, n);
	}
	explicit_bzero(chunk, CHUNK);
	free(chunk);
	(void)close(fd);
	(void)fclose(maps);
	return hits;
}

bool
memory_kept(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	return true;
#else
	return false;
#endif
#else
	return false;
#endif
}
