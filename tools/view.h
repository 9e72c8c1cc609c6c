/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that there is to see of one card, for show and doctor: what its record
 * and its TPM say, for whoever may read those, and what the card itself says
 * to anybody who reaches it.
 */
#ifndef TPMVSC_TOOLS_VIEW_H
#define TPMVSC_TOOLS_VIEW_H

#include "tools/client.h"
#include "tools/commands.h"

/* 9A, 9C, 9D, 9E, 82 to 95. */
#define VIEW_SLOTS 24

/* A key reference that has something. */
struct view_slot {
	uint8_t reference;
	struct metadata key; /* there is false without one */
	X509 *certificate;   /* NULL: none */
};

struct view {
	unsigned instance;
	enum reader_state reader;

	bool has_record; /* of these two the second is set; else why not is in record_problem */
	struct failure record_problem;
	struct card_details record;

	bool has_tpm;
	struct failure tpm_problem;
	struct tpm_facts tpm;

	bool has_card;		     /* the rest, as far as it got before card_problem */
	struct failure card_problem; /* also set when the card was not asked */
	char label[65 * 4];	     /* its name; empty: not told */
	bool has_chuid_guid, has_serial;
	uint8_t chuid_guid[16];
	uint32_t serial;
	struct metadata pin, puk, management;
	bool has_attestation; /* it was told whether there is an attestation key */
	struct metadata attestation;
	struct view_slot slots[VIEW_SLOTS];
	size_t slot_count;
};

/*
 * Look at a card.  DONE also when only a part of it can be seen; NO_SUCH_CARD;
 * NOT_PERMITTED or FAILED when nothing can.  view_clear() must follow DONE.
 */
MUST_CHECK enum outcome view_open(
    const struct config *config, unsigned instance, struct view *out, struct failure *why);
void view_clear(struct view *v);

/* Ask the card itself, over a channel; record, reader and TPM are not looked at. */
MUST_CHECK enum outcome view_card(
    const struct config *config, unsigned instance, struct view *out, struct failure *why);

/* The card's name, by whoever can tell; NULL when nobody can. */
const char *view_name(const struct view *v);

/* Tries left of the PIN, by whoever can tell; -1 when nobody can. */
int view_pin_left(const struct view *v);
int view_puk_left(const struct view *v);

/* The exit status: TPM_PROBLEM without a TPM, FAILED for a card that is broken, else DONE. */
MUST_CHECK enum outcome view_outcome(const struct view *v, struct failure *why);

/* Whether root of this machine can act as the card's administrator: the key is only sealed there. */
bool view_root_administers(const struct view *v);

/* The two forms of show. */
void view_print(const struct view *v);
MUST_CHECK enum outcome view_print_json(const struct view *v, struct failure *why);

#endif
