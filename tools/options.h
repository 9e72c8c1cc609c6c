/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line: Windows' spelling and GNU's of one grammar, freely mixed.
 * Knows card/card.h.  Nothing here prints or exits.
 */
#ifndef TPMVSC_TOOLS_OPTIONS_H
#define TPMVSC_TOOLS_OPTIONS_H

#include "card/card.h"

enum verb { VERB_NONE, VERB_CREATE, VERB_DESTROY, VERB_LIST };

/* Where a secret comes from. */
enum source { SOURCE_OMITTED, SOURCE_DEFAULT, SOURCE_PROMPT, SOURCE_RANDOM };

struct options {
	enum verb verb;
	bool help, version, quiet, verbose;
	const char *config; /* NULL: the usual place */

	const char *name;
	enum source admin_key, pin, puk;
	uint8_t admin_algorithm; /* ALG_3DES, ALG_AES_* */
	bool admin_unblock;
	unsigned pin_tries, puk_tries;
	bool generate;
	bool allow_reset;
	bool has_policy;
	struct pin_policy policy; /* the default one without has_policy */

	bool has_instance;
	unsigned instance; /* 0 to 9999 */
};

/*
 * Read a command line.  Strings in out are views into argv.  --help and
 * --version end the reading: what follows is not looked at.  DONE;
 * WRONG_USAGE, with the option at fault named in why and no value repeated.
 */
MUST_CHECK enum outcome options_parse(
    int argc, char *const argv[], struct options *out, struct failure *why);

/* The rules of /pinpolicy from "minlen=4,digits=required".  NULL or what is wrong. */
MUST_CHECK const char *options_policy(const char *list, struct pin_policy *policy, unsigned *seen);

/* One rule and its value.  NULL or what is wrong. */
MUST_CHECK const char *options_rule(
    struct rbuf rule, struct rbuf value, struct pin_policy *policy, unsigned *seen);

/* Whether a word names a rule of /pinpolicy. */
MUST_CHECK bool options_is_rule(struct rbuf word);

#endif
