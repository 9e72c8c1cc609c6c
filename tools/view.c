/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/view.h"

#include "applet/tlv.h"
#include "base/text.h"
#include "card/attest.h"

#include <openssl/x509.h>

/* What is asked of a card, one step after the other. */
typedef enum outcome view_step(struct channel *ch, struct view *v, struct failure *why);

static view_step ask_label, ask_serial, ask_chuid, ask_secrets, ask_slots, ask_attestation;

/* The label, 50, in what SELECT answers: the card's name, for anybody. */
static enum outcome
ask_label(struct channel *ch, struct view *v, struct failure *why)
{
	uint8_t octets[CHANNEL_SELECT_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct wbuf label = wbuf_over(v->label, sizeof v->label - 1);
	struct tlv template = { .tag = 0 }, object;
	enum outcome outcome;
	struct rbuf in;

	outcome = channel_select(ch, &out, why);
	in = wbuf_view(&out);
	if (outcome != DONE || !tlv_next(&in, &template))
		return outcome;
	while (tlv_next(&template.value, &object)) {
		if (object.tag == 0x50)
			text_clean(object.value, &label);
	}
	return DONE;
}

/* Its number; a card without one is unusual, but no reason to tell nothing. */
static enum outcome
ask_serial(struct channel *ch, struct view *v, struct failure *why)
{
	static const struct command_apdu get_serial = { .ins = 0xf8 };
	uint8_t octets[256];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	enum outcome outcome;
	struct rbuf in;
	uint16_t sw = 0;

	outcome = channel_send(ch, &get_serial, &out, &sw, why);
	in = wbuf_view(&out);
	v->has_serial = outcome == DONE && sw == 0x9000 && rbuf_u32(&in, &v->serial) && in.len == 0;
	return outcome;
}

/* SP 800-73-4 Part 1, Table 9: the GUID is the data object 34 of a CHUID. */
static enum outcome
ask_chuid(struct channel *ch, struct view *v, struct failure *why)
{
	uint8_t octets[CLIENT_OBJECT_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	enum outcome outcome;
	struct tlv object;
	struct rbuf in;
	bool there;

	outcome = client_get(ch, OBJECT_CHUID, &out, &there, why);
	if (outcome != DONE || !there)
		return outcome;
	in = wbuf_view(&out);
	while (tlv_next(&in, &object)) {
		if (object.tag == 0x34 && object.value.len == sizeof v->chuid_guid)
			v->has_chuid_guid =
			    rbuf_copy(&object.value, v->chuid_guid, sizeof v->chuid_guid);
	}
	return DONE;
}

static enum outcome
ask_secrets(struct channel *ch, struct view *v, struct failure *why)
{
	enum outcome outcome = client_metadata(ch, REF_PIN, &v->pin, why);

	if (outcome == DONE)
		outcome = client_metadata(ch, REF_PUK, &v->puk, why);
	if (outcome == DONE)
		outcome = client_metadata(ch, REF_MANAGEMENT, &v->management, why);
	return outcome;
}

static enum outcome
ask_attestation(struct channel *ch, struct view *v, struct failure *why)
{
	const enum outcome outcome = client_metadata(ch, ATTESTATION_KEY, &v->attestation, why);

	v->has_attestation = outcome == DONE;
	return outcome;
}

static enum outcome
ask_slot(struct channel *ch, uint8_t reference, struct view *v, struct failure *why)
{
	struct view_slot *slot = &v->slots[v->slot_count];
	enum outcome outcome;

	*slot = (struct view_slot){ .reference = reference };
	outcome = client_metadata(ch, reference, &slot->key, why);
	if (outcome == DONE)
		outcome = client_get_certificate(ch, reference, &slot->certificate, why);
	if (slot->key.there || slot->certificate != NULL)
		v->slot_count++;
	return outcome;
}

static enum outcome
ask_slots(struct channel *ch, struct view *v, struct failure *why)
{
	static const uint8_t references[VIEW_SLOTS] = { 0x9a, 0x9c, 0x9d, 0x9e, 0x82, 0x83, 0x84,
		0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x91, 0x92,
		0x93, 0x94, 0x95 };
	enum outcome outcome = DONE, last = DONE;
	size_t i;

	/* One that cannot be read does not hide the others. */
	for (i = 0; i < VIEW_SLOTS; i++) {
		outcome = ask_slot(ch, references[i], v, why);
		if (outcome != DONE)
			last = outcome;
	}
	return last;
}

enum outcome
view_card(const struct config *config, unsigned instance, struct view *out, struct failure *why)
{
	static view_step *const steps[] = { ask_label, ask_serial, ask_chuid, ask_secrets,
		ask_slots, ask_attestation };
	struct channel *ch = NULL;
	enum outcome outcome, last = DONE;
	size_t i;

	outcome = channel_open(config, instance, &ch, why);
	if (outcome != DONE)
		return outcome;
	out->has_card = true;
	for (i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		outcome = steps[i](ch, out, why);
		if (outcome != DONE)
			last = outcome;
	}
	channel_close(ch);
	return last;
}

/* What only root, or the owner of the state directory, gets to see. */
static enum outcome
look(const struct config *config, struct view *v)
{
	enum outcome outcome;

	outcome = cards_look(config, v->instance, &v->record, &v->record_problem);
	v->has_record = outcome == DONE;
	if (outcome == NO_SUCH_CARD)
		return outcome;
	if (outcome != NOT_PERMITTED)
		v->has_tpm = cards_tpm(config, &v->tpm, &v->tpm_problem) == DONE;
	return outcome;
}

enum outcome
view_open(const struct config *config, unsigned instance, struct view *out, struct failure *why)
{
	enum outcome looked, asked;

	*out = (struct view){ .instance = instance };
	looked = instance < CARDS_MAX ? look(config, out) : NO_SUCH_CARD;
	if (looked == NO_SUCH_CARD) {
		fail(why, "there is no card " INSTANCE_PREFIX "%04u", instance);
		return looked;
	}
	/* Each command would wait for the TPM anew. */
	if (looked == DONE && !out->has_tpm)
		fail(&out->card_problem, "without the TPM the card does not answer");
	else if (looked == FAILED)
		fail(&out->card_problem, "a broken card does not answer");
	else {
		asked = view_card(config, instance, out, &out->card_problem);
		if (looked != DONE && !out->has_card) {
			fail(why, "%s", out->card_problem.text);
			return asked;
		}
	}
	out->reader = reader_look(instance);
	return DONE;
}

void
view_clear(struct view *v)
{
	size_t i;

	for (i = 0; i < v->slot_count; i++)
		X509_free(v->slots[i].certificate);
	v->slot_count = 0;
}

const char *
view_name(const struct view *v)
{
	if (v->has_record)
		return v->record.name;
	return v->label[0] != '\0' ? v->label : NULL;
}

static int
tries_left(const struct metadata *m)
{
	return m->there && m->tries_limit != 0 ? (int)m->tries_left : -1;
}

int
view_pin_left(const struct view *v)
{
	return v->has_record ? v->record.pin_left : tries_left(&v->pin);
}

int
view_puk_left(const struct view *v)
{
	return v->has_record ? v->record.puk_left : tries_left(&v->puk);
}

enum outcome
view_outcome(const struct view *v, struct failure *why)
{
	if (v->has_record && !v->has_tpm) {
		fail(why, "%s", v->tpm_problem.text);
		return TPM_PROBLEM;
	}
	if (v->has_record || v->has_card)
		return DONE;
	fail(why, "%s", v->record_problem.text);
	return FAILED;
}

bool
view_root_administers(const struct view *v)
{
	const uint8_t algorithm = v->record.admin_algorithm;
	const bool in_tpm = (algorithm == ALG_AES_128 || algorithm == ALG_AES_256) &&
			    (!v->has_tpm || v->tpm.has_encrypt);

	return v->has_record && v->record.admin_unblocks && !v->record.admin_random && !in_tpm;
}
