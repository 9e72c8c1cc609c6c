/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static uint64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void
lap_begin(struct lap *lap, const struct tpm *t)
{
	lap->begun = now_ns();
	tpm_spent(t, &lap->before);
}

void
lap_tell(const struct lap *lap, const struct tpm *t, char out[LAP_TEXT])
{
	uint64_t deriving;
	struct tpm_spent now;
	int n;

	tpm_spent(t, &now);
	n = snprintf(out, LAP_TEXT, "%" PRIu64 " us, %" PRIu64 " us of it in %u TPM commands",
	    (now_ns() - lap->begun) / 1000U, (now.ns - lap->before.ns) / 1000U,
	    now.commands - lap->before.commands);
	deriving = (now.deriving_ns - lap->before.deriving_ns) / 1000U;
	if (deriving != 0 && n > 0 && n < LAP_TEXT)
		(void)snprintf(out + n, (size_t)(LAP_TEXT - n),
		    ", %" PRIu64 " us in key derivations", deriving);
}
