/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A card room made of air, for the driver's and the tool's tests: cards are
 * put in and taken out by calls, ports fail when told to, and everything is
 * counted.
 */
#ifndef TPMVSC_TESTS_FAKE_CARDS_H
#define TPMVSC_TESTS_FAKE_CARDS_H

#include "card/card.h"

/* What fails from now on, until told otherwise. */
struct fake_faults {
	bool config, present, open, watch;
};

struct fake_counts {
	unsigned opened, closed, resets, downs, transmits;
	unsigned at_once; /* most transmits in progress at the same time */
	unsigned presence;
};

/* No cards, no faults, counts at zero, spare_slots as given. */
void fake_start(unsigned spare_slots);

void fake_set_faults(struct fake_faults faults);

/* Put a new card in; one that was there is replaced. */
void fake_insert(unsigned instance);
void fake_remove(unsigned instance);

/* Make the watches tell of something that does not concern any instance. */
void fake_rustle(void);

struct fake_counts fake_counts(void);

/*
 * The fake answers 80 20 P1 P2 after P1P2 milliseconds, 80 10 P1 P2 with P1P2
 * octets 5A, anything with 9000 last, and what is no APDU with 6700.  80 FB
 * makes the card anew.
 */

#endif
