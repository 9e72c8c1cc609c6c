/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tap on the way to a software TPM: what a bus recorder or interposer sees
 * and can do.  Every command and answer passes through; they are kept, and may
 * be altered.
 */
#ifndef TPMVSC_TESTS_TAP_H
#define TPMVSC_TESTS_TAP_H

#include "base/bytes.h"
#include "tests/swtpm.h"

struct tap;

/* The longest command or answer. */
#define TAP_MESSAGE_MAX 8192

/* What an interposer does; each may be NULL. */
struct tap_hooks {
	/* Asked about each command; may write another one over it, and returns its length. */
	size_t (*command)(void *context, uint32_t code, uint8_t *octets, size_t len);
	/* Asked about each answer, to a command with that code; may change octets, not the length. */
	void (*answer)(void *context, uint32_t code, uint8_t *octets, size_t len);
	void *context;
};

/*
 * Put a tap before s; tap_tcti() is what the victim connects to.  hooks may be
 * NULL, and outlives the tap.  Ends the test program on failure.
 */
struct tap *tap_begin(const struct swtpm *s, const struct tap_hooks *hooks);
const char *tap_tcti(const struct tap *t);
void tap_end(struct tap *t);

/* Whether the octets went over the wire, either way. */
bool tap_saw(struct tap *t, struct rbuf octets);

/* How many commands with that code went by. */
size_t tap_count(struct tap *t, uint32_t command_code);

/* The nth command (from 0) with that code; empty when there is none. */
struct rbuf tap_command(struct tap *t, uint32_t command_code, size_t n);

/* Forget what was kept. */
void tap_clear(struct tap *t);

#endif
