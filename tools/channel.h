/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A way to talk to a card in APDUs: through pcscd, as everybody does, or, where
 * pcscd does not run or has no slot for it, by putting the card together right
 * here, which takes the right to the state directory and to the TPM.  It is
 * one card session: no other program gets a command in between, and what was
 * proven is forgotten at the end.
 */
#ifndef TPMVSC_TOOLS_CHANNEL_H
#define TPMVSC_TOOLS_CHANNEL_H

#include "card/card.h"

struct channel;

/*
 * Open a channel to an instance's card and select the PIV card application.
 *
 * NO_SUCH_CARD; NOT_PERMITTED when neither way is open to this user (polkit may
 * keep pcscd from him); FAILED.  Ends within some ten seconds, whatever pcscd does.
 */
MUST_CHECK enum outcome channel_open(const struct config *config, unsigned instance,
    struct channel **out, struct failure *why);

/*
 * SELECT the PIV card application, as channel_open() has done: security status
 * stays.  out: appended, the application property template, at most
 * CHANNEL_SELECT_MAX octets.  SP 800-73-4 Part 2, 3.1.1
 */
#define CHANNEL_SELECT_MAX 256
MUST_CHECK enum outcome channel_select(
    struct channel *ch, struct wbuf *out, struct failure *why);

/*
 * Close.  Whatever may have left a proof in the card ends with a reset; after
 * mere questions it stays as it was, with what others have proven.  NULL is allowed.
 */
void channel_close(struct channel *ch);

/* One command.  Lc, Le, command chaining and GET RESPONSE are the channel's affair. */
struct command_apdu {
	uint8_t ins, p1, p2;
	struct rbuf data;
};

/*
 * Send a command and take its answer.
 *
 * out appended: the answer's data; what a failed command sent as well
 * sw  the status word of the last answer
 *
 * DONE whatever the status word; FAILED when the card is gone or the reader
 * does not answer; nothing is repeated then.  The channel's own copies of what
 * went in and out are wiped.
 */
MUST_CHECK enum outcome channel_send(struct channel *ch, const struct command_apdu *command,
    struct wbuf *out, uint16_t *sw, struct failure *why);

#endif
