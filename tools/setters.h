/* SPDX-License-Identifier: BSD-2-Clause */
/* What reads the values of options, for grammar.c's tables to name.  Knows options.h. */
#ifndef TPMVSC_TOOLS_SETTERS_H
#define TPMVSC_TOOLS_SETTERS_H

#include "tools/options.h"

/* Read an option's value (empty and NULL: it takes none).  NULL, or what the option wants. */
typedef const char *set_option(struct options *o, struct rbuf value, const char *text);

set_option add_alt_name, set_admin_algorithm, set_admin_key, set_admin_unblock,
    set_algorithm, set_attestation, set_by_admin_key, set_by_challenge, set_by_puk, set_days,
    set_instance, set_key_slot, set_machine, set_name, set_nonce, set_pin, set_pin_rule,
    set_pin_tries, set_puk, set_puk_tries, set_require,
    set_slot, set_wait;

#endif
