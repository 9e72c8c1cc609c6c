/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole card over fake ports, and a way to write exchanges down: octets in
 * hexadecimal, "ff*8" for eight times ff, "??" for any octet, "..." in front
 * for any octets before.
 */
#ifndef TPMVSC_TESTS_FAKE_CARD_H
#define TPMVSC_TESTS_FAKE_CARD_H

#include "applet/piv.h"
#include "tests/fake_store.h"
#include "tests/fake_vault.h"

struct fake_card {
	struct piv piv;
	struct piv_profile profile;
	struct fake_vault vault;
	struct fake_store store;

	uint8_t answer[PIV_DATA_MAX + 32]; /* the last one */
	size_t answer_len;
};

/* A command and the answer it must get. */
struct exchange {
	const char *command, *answer;
};

/*
 * A powered card named "Test card" with the fake vault's PIN and PUK, the
 * default PIN policy, 9B (3DES), 9A (RSA 2048), 9C (P-256, PIN always), 9D
 * (P-384), 9E (P-256, no PIN), a CHUID and a certificate of 3072 octets in
 * 5fc105.
 */
struct fake_card *fake_card_new(void);
void fake_card_free(struct fake_card *card);

/* Give it an attestation key. */
void fake_card_attests(struct fake_card *card);

/* Send octets; the answer may be up to room octets long.  Returns SW1-SW2. */
uint16_t fake_card_send(struct fake_card *card, struct rbuf command, size_t room);

/* Send a command as written; returns SW1-SW2. */
uint16_t fake_card_say(struct fake_card *card, const char *command);

/* Send a command; fails the test, naming why and both, when the answer is another. */
void fake_card_expect(struct fake_card *card, const char *why, struct exchange x);

/* Turn text into octets at out (cap of them); returns how many.  Fails the test when it is no text
 * of ours. */
size_t fake_card_octets(const char *text, uint8_t *out, size_t cap);

/* Common commands. */
#define SELECT_PIV "00 a4 04 00 05 a0 00 00 03 08"
#define PIN_RIGHT  "00 20 00 80 08 31 32 33 34 35 36 37 38"
#define PIN_WRONG  "00 20 00 80 08 31 32 33 34 35 36 37 39"
#define PIN_QUERY  "00 20 00 80"

/* Mutual authentication with the fake vault's first two random blocks not yet used. */
void fake_card_become_admin(struct fake_card *card);

#endif
