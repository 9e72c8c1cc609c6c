/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to card/, and for its tests: the text of tpmvsc.conf, wherever it came from. */
#ifndef TPMVSC_CARD_CONFIG_H
#define TPMVSC_CARD_CONFIG_H

#include "card/card.h"

/* The longest configuration file. */
#define CONFIG_FILE_MAX 65536

/* What holds where the file is silent. */
void config_default(struct config *out);

/*
 * Read the text over what out already says.
 *
 * text any octets
 * path the file's name, for messages
 *
 * Returns false with why set, and out of no use, at the first fault.
 */
MUST_CHECK bool config_parse(
    struct rbuf text, const char *path, struct config *out, struct failure *why);

#endif
