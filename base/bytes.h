/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bounded octet reader and writer: the only place that indexes buffers.
 * A reader is a view that shrinks from the front; a writer appends to memory
 * the caller owns and remembers when something did not fit.  Knows libc only.
 */
#ifndef TPMVSC_BASE_BYTES_H
#define TPMVSC_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))

/* A view of octets owned by somebody else. */
struct rbuf {
	const uint8_t *data;
	size_t len;
};

/*
 * An appender over memory owned by somebody else.  Once a write did not fit,
 * overflow stays set and later writes are dropped: check wbuf_ok() once, at
 * the end.
 */
struct wbuf {
	uint8_t *data;
	size_t len;
	size_t cap;
	bool overflow;
};

/* View len octets at data; data may be NULL when len is 0. */
struct rbuf rbuf_of(const void *data, size_t len);

/* View the octets of a NUL-terminated string, without its NUL. */
struct rbuf rbuf_str(const char *text);

/*
 * Split the first n octets off in into out.
 * Returns false, with both unchanged, when in holds fewer than n.
 */
MUST_CHECK bool rbuf_take(struct rbuf *in, size_t n, struct rbuf *out);

/*
 * Read one big-endian number off the front.  Return false, with in and *out
 * unchanged, when too few octets are left.
 */
MUST_CHECK bool rbuf_u8(struct rbuf *in, uint8_t *out);
MUST_CHECK bool rbuf_u16(struct rbuf *in, uint16_t *out);
MUST_CHECK bool rbuf_u32(struct rbuf *in, uint32_t *out);

/* Copy exactly n octets off the front to out; false (nothing moved) when fewer are left. */
MUST_CHECK bool rbuf_copy(struct rbuf *in, void *out, size_t n);

/* Octet i of a view, 0 beyond its end. */
uint8_t rbuf_at(struct rbuf in, size_t i);

/* Whether two views hold the same octets.  Not constant time. */
bool rbuf_eq(struct rbuf a, struct rbuf b);

/* The same for secrets: time depends on the lengths only. */
bool rbuf_eq_secret(struct rbuf a, struct rbuf b);

/* Write into cap octets at data, from its beginning. */
struct wbuf wbuf_over(void *data, size_t cap);

/* Append; an overflow latches. */
void wbuf_put(struct wbuf *out, struct rbuf octets);
void wbuf_u8(struct wbuf *out, uint8_t value);
void wbuf_u16(struct wbuf *out, uint16_t value);
void wbuf_u32(struct wbuf *out, uint32_t value);

/* Append n times the octet value. */
void wbuf_fill(struct wbuf *out, uint8_t value, size_t n);

/* Whether everything written so far fitted. */
MUST_CHECK bool wbuf_ok(const struct wbuf *out);

/* View what was written so far. */
struct rbuf wbuf_view(const struct wbuf *out);

/* View what was written after the first len octets; empty after an overflow. */
struct rbuf wbuf_since(const struct wbuf *out, size_t len);

/*
 * Insert octets at offset at, moving what follows.  at must not exceed
 * out->len; an overflow latches and leaves the octets as they were.
 */
void wbuf_insert(struct wbuf *out, size_t at, struct rbuf octets);

/*
 * Forget what was written after the first len octets, and an overflow with it.
 * What is forgotten is wiped: behind its end a writer leaves nothing.
 */
void wbuf_truncate(struct wbuf *out, size_t len);

/* Overwrite all cap octets with zeros in a way no compiler removes, and empty the writer. */
void wbuf_wipe(struct wbuf *out);

#endif
