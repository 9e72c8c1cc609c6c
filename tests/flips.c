/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Not a test: turns single bits of a bundle that a TPM has certified, one at a
 * time, COUNT of them evenly spread, and checks each.  Prints how many; fails
 * when one is not refused.
 */
#include "tools/bundle.h"

#include <stdio.h>
#include <stdlib.h>

static uint8_t text_octets[BUNDLE_TEXT_MAX], octets[EVIDENCE_OCTETS_MAX];
static struct evidence_report report;

static bool
holds(struct rbuf text)
{
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct failure why = { "" };
	struct evidence e;

	return bundle_read(text, &out, &e, &why) && evidence_check(&e, &report);
}

static struct rbuf
load(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n = f != NULL ? fread(text_octets, 1, sizeof text_octets, f) : 0;

	if (f != NULL)
		(void)fclose(f);
	return rbuf_of(text_octets, n);
}

int
main(int argc, char *argv[])
{
	const unsigned long wanted = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long flips, bit;
	struct rbuf text;

	if (wanted == 0) {
		(void)fputs("Usage: flips BUNDLE COUNT\n", stderr);
		return 2;
	}
	text = load(argv[1]);
	if (!holds(text)) {
		(void)fprintf(stderr, "%s does not hold as it is\n", argv[1]);
		return 1;
	}
	for (flips = 0; flips < wanted; flips++) {
		/* Spread over the text, and over the bits of octets. */
		bit = (unsigned long)((double)flips * (double)text.len * 8 / (double)wanted);
		text_octets[bit / 8] ^= (uint8_t)(1U << bit % 8);
		if (holds(text)) {
			(void)fprintf(stderr, "bit %lu of octet %lu\n", bit % 8, bit / 8);
			return 1;
		}
		text_octets[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	(void)printf("%lu\n", flips);
	return 0;
}
