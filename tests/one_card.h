/* SPDX-License-Identifier: BSD-2-Clause */
/* A state directory "state" in scratch with a card or two, for tests of store/. */
#ifndef TPMVSC_TESTS_ONE_CARD_H
#define TPMVSC_TESTS_ONE_CARD_H

#include "store/files.h"

/* Octets of a literal, NULs included, without the last. */
#define OCTETS(text) rbuf_of((text), sizeof(text) - 1)

/* Scratch, an empty state directory, and a log that says nothing. */
void one_card_setup(void);

/* Open the state directory, or a card in it; end the test when that fails. */
struct files *one_card_state(void);
struct store *one_card_items(struct files *f, unsigned instance);

/* A card with the record "the record", 9A as given, and the object 5fc102. */
void one_card_make(unsigned instance, struct rbuf key);

/* Old and new content of 9A: longer than one read, and different in length. */
#define OLD_LEN 9000
#define NEW_LEN 12000
extern uint8_t one_card_old[OLD_LEN], one_card_new[NEW_LEN];
#define OLD rbuf_of(one_card_old, OLD_LEN)
#define NEW rbuf_of(one_card_new, NEW_LEN)

/* Whether 9A of card 0 holds just one of the two; empty stands for its absence. */
bool one_card_holds(struct rbuf one, struct rbuf two);

#endif
