/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/channel.h"

#include "tools/pcsc.h"

#include <stdio.h>
#include <stdlib.h>

/* Getting hold of a card, whoever has it meanwhile. */
#define OPEN_SECONDS 10
/* One command: longer than what the driver itself may take for it. */
#define COMMAND_SECONDS 30
#define KEY_SECONDS     150

enum { CLA_PLAIN = 0x00, CLA_MORE_FOLLOWS = 0x10 };
enum {
	INS_GENERATE = 0x47,
	INS_SELECT = 0xa4,
	INS_GET_RESPONSE = 0xc0,
	INS_GET_DATA = 0xcb,
	INS_GET_METADATA = 0xf7,
	INS_GET_SERIAL = 0xf8,
	INS_IMPORT = 0xfe,
};

/* The longest data of one short command. */
#define PART_MAX 255

struct channel {
	struct card *here; /* NULL: through pcscd */
	struct pcsc pcsc;
	bool touched; /* the card may remember a proof */
};

/* ---- one exchange ---- */

static enum outcome
fault_of(enum pcsc_err err, struct failure *why)
{
	switch (err) {
	case PCSC_OK:
		return DONE;
	case PCSC_LATE:
		fail(why, "pcscd does not answer: restart it (systemctl restart pcscd)");
		break;
	case PCSC_BUSY:
		fail(why, "another program is using the card: end it, or wait, and try again");
		break;
	case PCSC_NO_CARD:
		fail(why, "the card has gone from its reader");
		break;
	case PCSC_AWAY:
	case PCSC_DENIED:
	case PCSC_NO_READER:
	case PCSC_FAULT:
		fail(why, "the connection to the card was lost (--verbose says more): try again");
		break;
	}
	return FAILED;
}

/* A command that goes out as it is, and its answer with the status word. */
static enum outcome
exchange(struct channel *ch, struct rbuf capdu, struct wbuf *rapdu, struct failure *why)
{
	const uint8_t ins = rbuf_at(capdu, 1);
	struct timespec deadline;

	if (ch->here != NULL) {
		card_transmit(ch->here, capdu, rapdu);
		return DONE;
	}
	deadline =
	    pcsc_deadline(ins == INS_GENERATE || ins == INS_IMPORT ? KEY_SECONDS : COMMAND_SECONDS);
	return fault_of(pcsc_transmit(&ch->pcsc, capdu, rapdu, &deadline), why);
}

/* Send one short command; out gets its data. */
static enum outcome
send_short(struct channel *ch, uint8_t cla, const struct command_apdu *c, struct rbuf data,
    uint8_t le, struct wbuf *out, uint16_t *sw, struct failure *why)
{
	uint8_t command[PCSC_COMMAND_MAX], answer[PCSC_ANSWER_MAX];
	struct wbuf capdu = wbuf_over(command, sizeof command);
	struct wbuf rapdu = wbuf_over(answer, sizeof answer);
	struct rbuf in, body;
	enum outcome outcome;

	wbuf_u8(&capdu, cla);
	wbuf_u8(&capdu, c->ins);
	wbuf_u8(&capdu, c->p1);
	wbuf_u8(&capdu, c->p2);
	if (data.len != 0)
		wbuf_u8(&capdu, (uint8_t)data.len);
	wbuf_put(&capdu, data);
	if (cla == CLA_PLAIN)
		wbuf_u8(&capdu, le);
	outcome = wbuf_ok(&capdu) ? exchange(ch, wbuf_view(&capdu), &rapdu, why) : FAILED;
	in = wbuf_view(&rapdu);
	if (outcome == DONE && (!wbuf_ok(&rapdu) || in.len < 2 ||
				   !rbuf_take(&in, in.len - 2, &body) || !rbuf_u16(&in, sw))) {
		fail(why, "the card's answer is none");
		outcome = FAILED;
	}
	if (outcome == DONE)
		wbuf_put(out, body);
	wbuf_wipe(&capdu);
	wbuf_wipe(&rapdu);
	return outcome;
}

/* Whether a command may leave the card with a proof of something. */
static bool
touches(const struct command_apdu *c)
{
	switch (c->ins) {
	case INS_SELECT:
	case INS_GET_DATA:
	case INS_GET_METADATA:
	case INS_GET_SERIAL:
		return false;
	default:
		return true;
	}
}

/* All parts but the last, which stays in data.  *sw is an error's, if a part met with one. */
static enum outcome
send_chain(struct channel *ch, const struct command_apdu *c, struct rbuf *data, struct wbuf *out,
    uint16_t *sw, struct failure *why)
{
	enum outcome outcome = DONE;
	struct rbuf part;

	*sw = 0x9000;
	while (outcome == DONE && *sw == 0x9000 && data->len > PART_MAX &&
	       rbuf_take(data, PART_MAX, &part))
		outcome = send_short(ch, CLA_MORE_FOLLOWS, c, part, 0, out, sw, why);
	return outcome;
}

/* Fetch what the card still has of its answer: each step must bring something, and out is finite. */
static enum outcome
fetch_rest(struct channel *ch, struct wbuf *out, uint16_t *sw, struct failure *why)
{
	static const struct command_apdu more = { .ins = INS_GET_RESPONSE };
	const struct rbuf nothing = rbuf_of(NULL, 0);
	enum outcome outcome = DONE;
	size_t before;

	while (outcome == DONE && *sw >> 8 == 0x61 && wbuf_ok(out)) {
		before = out->len;
		outcome =
		    send_short(ch, CLA_PLAIN, &more, nothing, (uint8_t)(*sw & 0xff), out, sw, why);
		if (outcome == DONE && *sw >> 8 == 0x61 && out->len == before && wbuf_ok(out)) {
			fail(why, "the card's answer has no end");
			return FAILED;
		}
	}
	return outcome;
}

enum outcome
channel_send(struct channel *ch, const struct command_apdu *command, struct wbuf *out, uint16_t *sw,
    struct failure *why)
{
	struct rbuf data = command->data;
	enum outcome outcome;

	if (touches(command))
		ch->touched = true;
	outcome = send_chain(ch, command, &data, out, sw, why);
	if (outcome == DONE && *sw == 0x9000)
		outcome = send_short(ch, CLA_PLAIN, command, data, 0, out, sw, why);
	if (outcome == DONE)
		outcome = fetch_rest(ch, out, sw, why);
	if (outcome == DONE && !wbuf_ok(out)) {
		fail(why, "the card's answer is longer than any should be");
		outcome = FAILED;
	}
	return outcome;
}

/* ---- opening ---- */

enum outcome
channel_select(struct channel *ch, struct wbuf *out, struct failure *why)
{
	static const uint8_t aid[] = { 0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00 };
	const struct command_apdu select = {
		.ins = INS_SELECT, .p1 = 0x04, .data = rbuf_of(aid, sizeof aid)
	};
	enum outcome outcome;
	uint16_t sw = 0;

	outcome = channel_send(ch, &select, out, &sw, why);
	if (outcome == DONE && sw != 0x9000) {
		fail(why, "the card does not answer as a PIV card does (status %04X)", sw);
		outcome = FAILED;
	}
	return outcome;
}

/* The card's number; 0 when it has none. */
static uint32_t
serial_of(struct channel *ch)
{
	static const struct command_apdu ask = { .ins = INS_GET_SERIAL };
	uint8_t octets[16];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct failure unread = { "" };
	uint32_t serial = 0;
	struct rbuf in;
	uint16_t sw = 0;

	if (channel_send(ch, &ask, &out, &sw, &unread) != DONE || sw != 0x9000)
		return 0;
	in = wbuf_view(&out);
	return rbuf_u32(&in, &serial) && in.len == 0 ? serial : 0;
}

/*
 * Whether the card that pcscd shows is the one that is here: another
 * installation's pcscd has readers of the same names.
 */
static bool
is_here(struct channel *ch, struct card *card)
{
	struct channel here = { .here = card };
	const uint32_t serial = serial_of(&here);

	return serial != 0 && serial_of(ch) == serial;
}

static enum pcsc_err
go_through_pcscd(struct channel *ch, unsigned instance)
{
	const struct timespec deadline = pcsc_deadline(OPEN_SECONDS);
	enum pcsc_err err;
	char reader[64];

	(void)snprintf(reader, sizeof reader, READER_NAME " 00 %02X", instance);
	err = pcsc_open(&ch->pcsc, &deadline);
	if (err == PCSC_OK)
		err = pcsc_find(&ch->pcsc, reader, &deadline);
	if (err == PCSC_OK)
		err = pcsc_connect(&ch->pcsc, &deadline);
	return err;
}

/* Neither way is open. */
static enum outcome
no_way(enum pcsc_err err, const struct config *config, unsigned instance, struct failure *why)
{
	switch (err) {
	case PCSC_AWAY:
		fail(why,
		    "pcscd is not running, and only root may use the cards in %s without it: start "
		    "it (systemctl start pcscd.socket), or run this as root",
		    config->state_dir);
		return NOT_PERMITTED;
	case PCSC_DENIED:
		fail(why,
		    "pcscd does not let you use smart cards (polkit), and only root may use those "
		    "in %s without it: ask for a polkit rule, or run this as root",
		    config->state_dir);
		return NOT_PERMITTED;
	case PCSC_NO_READER:
		fail(why,
		    "there is no card " INSTANCE_PREFIX
		    "%04u that pcscd shows; one without a reader "
		    "gets it when pcscd is restarted",
		    instance);
		return NO_SUCH_CARD;
	case PCSC_NO_CARD:
		fail(why, "there is no card " INSTANCE_PREFIX "%04u", instance);
		return NO_SUCH_CARD;
	case PCSC_OK:
	case PCSC_BUSY:
	case PCSC_LATE:
	case PCSC_FAULT:
		break;
	}
	return fault_of(err, why);
}

/* card: the one that is here, which becomes the channel's or is closed; NULL: not for this user. */
static enum outcome
choose_way(struct channel *ch, struct card *card, const struct config *config, unsigned instance,
    struct failure *why)
{
	const enum pcsc_err err = go_through_pcscd(ch, instance);

	if (card == NULL)
		return err == PCSC_OK ? DONE : no_way(err, config, instance, why);
	if (err == PCSC_OK && is_here(ch, card)) {
		card_close(card);
		return DONE;
	}
	pcsc_close(&ch->pcsc, false);
	ch->here = card;
	/* It may be in use there, and must not change behind pcscd's back. */
	return err == PCSC_BUSY || err == PCSC_LATE || err == PCSC_FAULT ? fault_of(err, why)
									 : DONE;
}

enum outcome
channel_open(
    const struct config *config, unsigned instance, struct channel **out, struct failure *why)
{
	uint8_t octets[CHANNEL_SELECT_MAX];
	struct wbuf template = wbuf_over(octets, sizeof octets);
	struct failure unread = { "" };
	struct card *card = NULL;
	struct channel *ch;
	enum outcome outcome;

	outcome = instance < CARDS_MAX ? card_open(config, instance, &card, &unread) : NO_SUCH_CARD;
	if (outcome == NO_SUCH_CARD)
		fail(why, "there is no card " INSTANCE_PREFIX "%04u", instance);
	if (outcome != DONE && outcome != NOT_PERMITTED) {
		fail(why, "%s", unread.text);
		return outcome;
	}
	ch = calloc(1, sizeof *ch);
	if (ch == NULL) {
		card_close(card);
		fail(why, "out of memory");
		return FAILED;
	}
	outcome = choose_way(ch, card, config, instance, why);
	if (outcome == DONE)
		outcome = channel_select(ch, &template, why);
	if (outcome == DONE)
		*out = ch;
	else
		channel_close(ch);
	return outcome;
}

void
channel_close(struct channel *ch)
{
	if (ch == NULL)
		return;
	pcsc_close(&ch->pcsc, ch->touched);
	card_close(ch->here); /* which resets it */
	free(ch);
}
