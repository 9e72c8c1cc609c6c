/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/commands.h"

#include <stdio.h>

/* clang-format off */
static const struct command commands[] = {
	/* INS   P1    P2    Nc                access        traits                  handler, name */
	{ 0xa4, 0x04, 0x00, 0, 16,            ACCESS_ALWAYS, STARTS_OVER,
	    cmd_select, "SELECT" },                            /* SP 800-73-4 Part 2, 3.1.1 */
	{ 0xcb, 0x3f, 0xff, 3, 5,             ACCESS_ALWAYS, 0,
	    cmd_get_data, "GET DATA" },                        /* SP 800-73-4 Part 2, 3.1.2 */
	{ 0x20, ANY,  ANY,  0, 255,           ACCESS_ALWAYS, 0,
	    cmd_verify, "VERIFY" },                            /* SP 800-73-4 Part 2, 3.2.1 */
	{ 0x24, ANY,  ANY,  0, 255,           ACCESS_ALWAYS, 0,
	    cmd_change_reference_data, "CHANGE REFERENCE DATA" }, /* SP 800-73-4 Part 2, 3.2.2 */
	{ 0x2c, ANY,  ANY,  0, 255,           ACCESS_ALWAYS, 0,
	    cmd_reset_retry_counter, "RESET RETRY COUNTER" },  /* SP 800-73-4 Part 2, 3.2.3 */
	{ 0x87, ANY,  ANY,  2, 1024,          ACCESS_ALWAYS, CHAINS | KEEPS_FRESH | KEEPS_NONCE,
	    cmd_general_authenticate, "GENERAL AUTHENTICATE" }, /* SP 800-73-4 Part 2, 3.2.4 */
	{ 0xdb, 0x3f, 0xff, 2, PIV_DATA_MAX,  ACCESS_ADMIN,  CHAINS,
	    cmd_put_data, "PUT DATA" },                        /* SP 800-73-4 Part 2, 3.3.1 */
	{ 0x47, 0x00, ANY,  2, 32,            ACCESS_ADMIN,  CHAINS,
	    cmd_generate, "GENERATE ASYMMETRIC KEY PAIR" },    /* SP 800-73-4 Part 2, 3.3.2 */
	/* Yubico's; the names are its manuals'. */
	{ 0xf6, ANY,  ANY,  0, 0,             ACCESS_ADMIN,  0,
	    cmd_move_key, "MOVE KEY" },
	{ 0xf7, 0x00, ANY,  0, 0,             ACCESS_ALWAYS, 0,
	    cmd_get_metadata, "GET METADATA" },
	{ 0xf8, 0x00, 0x00, 0, 0,             ACCESS_ALWAYS, 0,
	    cmd_get_serial, "GET SERIAL" },
	{ 0xf9, ANY,  0x00, 0, 0,             ACCESS_ALWAYS, 0,
	    cmd_attest, "ATTEST" },
	{ 0xfa, ANY,  ANY,  0, 0,             ACCESS_ADMIN | ACCESS_PIN, 0,
	    cmd_set_pin_retries, "SET PIN RETRIES" },
	{ 0xfb, 0x00, 0x00, 0, 0,             ACCESS_ALWAYS, 0,
	    cmd_reset, "RESET" },
	{ 0xfd, 0x00, 0x00, 0, 0,             ACCESS_ALWAYS, 0,
	    cmd_get_version, "GET VERSION" },
	{ 0xfe, ANY,  ANY,  2, 2048,          ACCESS_ADMIN,  CHAINS,
	    cmd_import_key, "IMPORT ASYMMETRIC KEY" },
	{ 0xff, 0xff, ANY,  4, 255,           ACCESS_ADMIN,  0,
	    cmd_set_management_key, "SET MANAGEMENT KEY" },
	{ 0xc0, 0x00, 0x00, 0, 0,             ACCESS_ALWAYS, KEEPS_NONCE | KEEPS_RESPONSE,
	    cmd_get_response, "GET RESPONSE" },                /* ISO/IEC 7816-4 */
};
/* clang-format on */

const struct command *
command_find(uint8_t ins)
{
	size_t i;

	for (i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (commands[i].ins == ins)
			return &commands[i];
	}
	return NULL;
}

void
piv_describe(struct rbuf capdu, char *text, size_t size)
{
	const struct command *command;
	struct capdu c;

	if (!capdu_parse(capdu, &c)) {
		(void)snprintf(text, size, "no command APDU");
		return;
	}
	command = command_find(c.ins);
	if (command != NULL)
		(void)snprintf(text, size, "%s %02x %02x%s", command->name, c.p1, c.p2,
		    (c.cla & CLA_CHAINING) != 0 ? " (more follows)" : "");
	else
		(void)snprintf(
		    text, size, "unknown command %02x %02x %02x %02x", c.cla, c.ins, c.p1, c.p2);
}
