/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/piv.h"

#include "applet/commands.h"
#include "applet/response.h"
#include "applet/status.h"

/* What becomes of a class octet (ISO/IEC 7816-4): the first row that fits. */
/* clang-format off */
static const struct {
	uint8_t mask, value;
	sw_t sw;
} classes[] = {
	{ 0xef, 0x00, SW_OK },                             /* plain, perhaps a part of a chain */
	{ 0xe0, 0x20, SW_CLA_NOT_SUPPORTED },              /* reserved */
	{ 0x80, 0x80, SW_CLA_NOT_SUPPORTED },              /* proprietary */
	{ 0xec, 0x00, SW_LOGICAL_CHANNEL_NOT_SUPPORTED },  /* channels 1 to 3 */
	{ 0xe0, 0x40, SW_LOGICAL_CHANNEL_NOT_SUPPORTED },  /* channels 4 to 19 */
	{ 0x00, 0x00, SW_SECURE_MESSAGING_NOT_SUPPORTED }, /* what is left */
};
/* clang-format on */

static sw_t
check_class(uint8_t cla)
{
	size_t i = 0;

	while ((cla & classes[i].mask) != classes[i].value)
		i++; /* the last row fits everything */
	return classes[i].sw;
}

/* ---- command chaining ---- */

enum { HEADER_LEN = 4 };

/* What the commands of one chain have in common. */
static struct rbuf
chain_header(const struct capdu *c, uint8_t octets[HEADER_LEN])
{
	struct wbuf out = wbuf_over(octets, HEADER_LEN);

	wbuf_u8(&out, (uint8_t)(c->cla & ~CLA_CHAINING));
	wbuf_u8(&out, c->ins);
	wbuf_u8(&out, c->p1);
	wbuf_u8(&out, c->p2);
	return wbuf_view(&out);
}

static bool
chain_goes_on(const struct piv *p, const struct capdu *c)
{
	uint8_t octets[HEADER_LEN];

	return rbuf_eq(chain_header(c, octets), rbuf_of(p->chain_header, HEADER_LEN));
}

static void
chain_drop(struct piv *p)
{
	p->chaining = false;
	wbuf_truncate(&p->chain, 0);
}

/* Add a command's data to the chain; with the last command the whole becomes its data. */
static sw_t
chain_add(struct piv *p, const struct command *command, struct capdu *c)
{
	bool more = (c->cla & CLA_CHAINING) != 0;

	if (!p->chaining && !more)
		return SW_OK;
	if (!p->chaining)
		(void)chain_header(c, p->chain_header);
	wbuf_put(&p->chain, c->data);
	if (!wbuf_ok(&p->chain) || p->chain.len > command->nc_max)
		return SW_WRONG_LENGTH;
	p->chaining = more;
	c->data = wbuf_view(&p->chain);
	return SW_OK;
}

/* ---- one command ---- */

/* All that can be said of a command, or of a part of its chain, from its header. */
static sw_t
check_header(const struct piv *p, const struct command *command, const struct capdu *c)
{
	bool starts_over = command != NULL && (command->traits & STARTS_OVER) != 0;

	if (p->chaining && !chain_goes_on(p, c) && !starts_over)
		return SW_LAST_COMMAND_EXPECTED;
	if (command == NULL)
		return SW_INS_NOT_SUPPORTED;
	if ((c->cla & CLA_CHAINING) != 0 && (command->traits & CHAINS) == 0)
		return SW_CHAINING_NOT_SUPPORTED;
	if ((command->p1 != ANY && command->p1 != c->p1) ||
	    (command->p2 != ANY && command->p2 != c->p2))
		return SW_INCORRECT_P1P2;
	if ((command->access & ~p->status) != 0)
		return SW_SECURITY_STATUS_NOT_SATISFIED;
	return SW_OK;
}

/*
 * Take a command, or a part of its chain, as far as it needs no handler.
 * On SW_OK either p->chaining says that more is to come, or the command is
 * complete in c.
 */
static sw_t
take(struct piv *p, struct rbuf octets, struct capdu *c, const struct command **command)
{
	sw_t sw;

	if (!capdu_parse(octets, c))
		return SW_WRONG_LENGTH;
	sw = check_class(c->cla);
	if (sw != SW_OK)
		return sw;
	*command = command_find(c->ins);
	sw = check_header(p, *command, c);
	if (sw != SW_OK)
		return sw;
	if (p->chaining && !chain_goes_on(p, c))
		chain_drop(p);
	sw = chain_add(p, *command, c);
	if (sw == SW_OK && !p->chaining &&
	    (c->data.len < (*command)->nc_min || c->data.len > (*command)->nc_max))
		sw = SW_WRONG_LENGTH;
	return sw;
}

/* Let go of what does not outlive the command that has come. */
static void
let_go(struct piv *p, unsigned kept)
{
	if ((kept & KEEPS_FRESH) == 0)
		pin_disarm(p);
	if ((kept & KEEPS_NONCE) == 0)
		nonce_forget(p);
	if ((kept & KEEPS_RESPONSE) == 0)
		response_drop(p);
}

/* Run the handler; the response data is in p->pending. */
static sw_t
carry_out(struct piv *p, const struct command *command, const struct capdu *c)
{
	sw_t sw = command->handler(p, c, &p->pending);

	chain_drop(p);
	/* The one command that a VERIFY is fresh for has been, whatever came of it. */
	if ((command->traits & KEEPS_FRESH) != 0)
		pin_disarm(p);
	return sw == SW_OK && !wbuf_ok(&p->pending) ? (sw_t)SW_NO_DIAGNOSIS : sw;
}

void
piv_process(struct piv *p, struct rbuf capdu, struct wbuf *rapdu)
{
	const struct command *command = NULL;
	struct capdu c;
	sw_t sw = take(p, capdu, &c, &command);

	if (sw != SW_OK || command == NULL) {
		chain_drop(p);
		let_go(p, 0);
	} else {
		let_go(p, command->traits);
		if (!p->chaining)
			sw = carry_out(p, command, &c);
	}
	if (sw == SW_OK) {
		response_send(p, &c, rapdu);
	} else {
		response_drop(p);
		wbuf_u16(rapdu, sw);
	}
}

/* ---- power ---- */

void
piv_init(struct piv *p, struct vault *vault, struct store *store,
    const struct piv_profile *profile, struct piv_host *host)
{
	p->host = host;
	p->vault = vault;
	p->store = store;
	p->profile = profile;
	p->chain = wbuf_over(p->chain_octets, sizeof p->chain_octets);
	p->pending = wbuf_over(p->pending_octets, sizeof p->pending_octets);
	piv_reset(p);
}

void
piv_reset(struct piv *p)
{
	struct wbuf key = wbuf_over(p->key_octets, sizeof p->key_octets);

	p->status = ACCESS_ALWAYS;
	vault_forget(p->vault);
	nonce_forget(p);
	p->chaining = false;
	p->sent = 0;
	/* Their memory behind what was appended is as it was given to us: pages never used take none. */
	wbuf_truncate(&p->chain, 0);
	wbuf_truncate(&p->pending, 0);
	wbuf_wipe(&key);
}
