/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of commands, and their handlers (SP 800-73-4 Part 2, Table 2).
 */
#ifndef TPMVSC_APPLET_COMMANDS_H
#define TPMVSC_APPLET_COMMANDS_H

#include "applet/apdu.h"
#include "applet/piv.h"
#include "applet/sw.h"

/* What a command may do with what came before it. */
enum {
	CHAINS = 1 << 0,      /* may be sent as a chain */
	STARTS_OVER = 1 << 1, /* in the middle of a chain: is carried out, and the chain dropped */
	KEEPS_FRESH = 1 << 2, /* a VERIFY just before still counts */
	KEEPS_NONCE = 1 << 3, /* a challenge or witness just sent can still be answered */
	KEEPS_RESPONSE = 1 << 4, /* response data not fetched yet stays */
};

/* A P1 or P2 that the handler looks at. */
#define ANY (-1)

/*
 * Carry out a command whose header, length and access rule are checked.
 *
 * c   with all data of its chain
 * out appended: response data; dropped by the caller unless SW_OK is returned
 *     and everything fitted
 */
typedef sw_t (*command_handler)(struct piv *p, const struct capdu *c, struct wbuf *out);

struct command {
	uint8_t ins;
	short p1, p2;          /* or ANY */
	size_t nc_min, nc_max; /* octets of data, of the whole chain */
	unsigned access;       /* ACCESS_* */
	unsigned traits;       /* CHAINS and so on */
	command_handler handler;
	const char *name;
};

/* The row of an instruction, or NULL. */
const struct command *command_find(uint8_t ins);

sw_t cmd_select(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_get_response(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_get_data(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_put_data(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_verify(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_change_reference_data(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_reset_retry_counter(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_general_authenticate(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_generate(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_import_key(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_move_key(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_get_metadata(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_get_serial(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_get_version(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_attest(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_set_pin_retries(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_set_management_key(struct piv *p, const struct capdu *c, struct wbuf *out);
sw_t cmd_reset(struct piv *p, const struct capdu *c, struct wbuf *out);

#endif
