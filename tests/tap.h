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

/* Asked about each answer (to a command with that code); may change the octets, not the length. */
typedef void (*tap_alter)(void *context, uint32_t command_code, uint8_t *answer, size_t len);

/* Put a tap before s; tap_tcti() is what the victim connects to.  Ends the test program on failure. */
struct tap *tap_begin(const struct swtpm *s, tap_alter alter, void *context);
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
