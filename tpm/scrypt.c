/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/scrypt.h"

#include <endian.h>
#include <openssl/evp.h>
#include <sys/mman.h>

#include "base/pages.h"

/* Four words at once, for compilers that know vectors of them. */
typedef uint32_t lanes __attribute__((vector_size(16)));

#define CELL_WORDS 16

/*
 * The 64 octets that Salsa20 works on.  As a matrix of four by four words, lane
 * by lane from its diagonals on: then all that a round does to four words, it
 * does to one vector.
 */
struct cell {
	lanes d[4];
};

static const uint8_t diagonal[CELL_WORDS] = { 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6,
	11 };

static inline lanes
rotated(lanes v, unsigned bits)
{
	return v << bits | v >> (32 - bits);
}

/* Salsa20/8: eight rounds, and the sum with what there was before. */
static inline void
salsa(struct cell *c)
{
	lanes a = c->d[0], b = c->d[1], x = c->d[2], y = c->d[3];
	unsigned i;

	for (i = 0; i < 4; i++) {
		/* down the columns */
		b ^= rotated(a + y, 7);
		x ^= rotated(b + a, 9);
		y ^= rotated(x + b, 13);
		a ^= rotated(y + x, 18);
		b = __builtin_shufflevector(b, b, 3, 0, 1, 2);
		x = __builtin_shufflevector(x, x, 2, 3, 0, 1);
		y = __builtin_shufflevector(y, y, 1, 2, 3, 0);
		/* along the rows */
		y ^= rotated(a + b, 7);
		x ^= rotated(y + a, 9);
		b ^= rotated(x + y, 13);
		a ^= rotated(b + x, 18);
		b = __builtin_shufflevector(b, b, 1, 2, 3, 0);
		x = __builtin_shufflevector(x, x, 2, 3, 0, 1);
		y = __builtin_shufflevector(y, y, 3, 0, 1, 2);
	}
	c->d[0] += a;
	c->d[1] += b;
	c->d[2] += x;
	c->d[3] += y;
}

static inline void
add(struct cell *to, const struct cell *from)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		to->d[i] ^= from->d[i];
}

/* scryptBlockMix of a block of 2r cells, or of the sum of two; out is another block. */
static inline void
mix(const struct cell *in, const struct cell *with, size_t r, struct cell *out)
{
	struct cell x = in[2 * r - 1];
	size_t i;

	if (with != NULL)
		add(&x, &with[2 * r - 1]);
	for (i = 0; i < 2 * r; i++) {
		add(&x, &in[i]);
		if (with != NULL)
			add(&x, &with[i]);
		salsa(&x);
		out[i / 2 + i % 2 * r] = x;
	}
}

/* scryptROMix of the block at the beginning of memory, which has room for n + 2 of them; where the result is. */
static const struct cell *
rom_mix(struct cell *memory, size_t n, size_t r)
{
	struct cell *x = memory + 2 * r * n, *y = memory + 2 * r * (n + 1), *swap;
	size_t i, j;

	for (i = 0; i < n; i++)
		mix(memory + 2 * r * i, NULL, r, memory + 2 * r * (i + 1));
	for (i = 0; i < n; i++) {
		j = x[2 * r - 1].d[0][0] & (n - 1);
		mix(x, memory + 2 * r * j, r, y);
		swap = x;
		x = y;
		y = swap;
	}
	return x;
}

static void
load(struct cell *to, const uint32_t *words, size_t cells)
{
	size_t i, k;

	for (i = 0; i < cells; i++, words += CELL_WORDS) {
		for (k = 0; k < CELL_WORDS; k++)
			to[i].d[k / 4][k % 4] = le32toh(words[diagonal[k]]);
	}
}

static void
save(const struct cell *from, uint32_t *words, size_t cells)
{
	size_t i, k;

	for (i = 0; i < cells; i++, words += CELL_WORDS) {
		for (k = 0; k < CELL_WORDS; k++)
			words[diagonal[k]] = htole32(from[i].d[k / 4][k % 4]);
	}
}

static bool
pbkdf2(const struct secret *value, struct rbuf salt, uint8_t *out, size_t n)
{
	return salt.len <= INT32_MAX && n <= INT32_MAX &&
	       PKCS5_PBKDF2_HMAC((const char *)value->data, (int)value->len, salt.data,
		   (int)salt.len, 1, EVP_sha256(), (int)n, out) == 1;
}

bool
scrypt(const struct secret *value, struct rbuf salt, const struct scrypt_cost *cost, size_t n,
    struct secret *out)
{
	const size_t cells = 2 * (size_t)cost->r, block = cells * sizeof(struct cell);
	const size_t count = (size_t)1 << (cost->log_n & 31), all = block * cost->p;
	const uint64_t size = (uint64_t)block * (count + 2) + all;
	struct cell *memory;
	uint32_t *words;
	bool ok;
	size_t i;

	secret_clear(out);
	if (cost->log_n < 1 || cost->log_n > 31 || cost->r == 0 || cost->p == 0 ||
	    size > SCRYPT_MEMORY_MAX || n > sizeof out->data)
		return false;
	memory = pages_take(size);
	if (memory == NULL)
		return false;
	/* Large pages save thousands of page faults; where there are none, it works without. */
	(void)madvise(memory, size, MADV_HUGEPAGE);
	(void)madvise(memory, size, MADV_DONTDUMP);
	/* What goes in and comes out, behind what it is mixed in. */
	words = (uint32_t *)(memory + cells * (count + 2));
	ok = pbkdf2(value, salt, (uint8_t *)words, all);
	for (i = 0; i < cost->p; i++) {
		load(memory, words + i * cells * CELL_WORDS, cells);
		save(rom_mix(memory, count, cost->r), words + i * cells * CELL_WORDS, cells);
	}
	ok = ok && pbkdf2(value, rbuf_of(words, all), out->data, n);
	out->len = ok ? n : 0;
	pages_give(memory, size);
	return ok;
}
