/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where secrets come from: the near side of /machine, else a file that an
 * option names, else a systemd credential, else the terminal or lines of
 * standard input.  What a command asks for first it gets first, in the order
 * of enum secret_kind.
 */
#ifndef TPMVSC_TOOLS_SECRETS_H
#define TPMVSC_TOOLS_SECRETS_H

#include "base/secret.h"
#include "tools/options.h"
#include "tools/prompt.h"

struct asking {
	const struct options *options;
	struct prompt prompt;
};

/* What a secret is called: "admin-key" and so on, in credentials and requests. */
extern const char *const secret_names[SECRET_KINDS];

/* Begin and end asking; the terminal is open in between. */
void asking_begin(struct asking *a, const struct options *options);
void asking_end(struct asking *a);

/*
 * Ask for a PIN or a PUK.
 *
 * kind   SECRET_PIN, SECRET_PUK, SECRET_NEW_PIN or SECRET_NEW_PUK
 * times  PROMPT_TWICE for one that is to be set
 * policy of a PIN that is to be set; NULL: 1 to 127 characters, or, for a PUK
 *        that is to be set, its own rule
 *
 * DONE; WRONG_SECRET when there is none or it breaks the rule; FAILED.  out is
 * empty then.
 */
MUST_CHECK enum outcome asking_pin(struct asking *a, enum secret_kind kind, enum prompt_times times,
    const struct pin_policy *policy, struct secret *out, struct failure *why);

/*
 * Ask for a card management key in hexadecimal, and get its octets.
 *
 * kind      SECRET_ADMIN_KEY or SECRET_NEW_ADMIN_KEY
 * algorithm ALG_3DES or ALG_AES_*: it says how long
 */
MUST_CHECK enum outcome asking_admin_key(struct asking *a, enum secret_kind kind,
    enum prompt_times times, uint8_t algorithm, struct secret *out, struct failure *why);

/* The same, left in hexadecimal.  algorithm 0: one that is not known here, of any length. */
MUST_CHECK enum outcome asking_digits(struct asking *a, enum secret_kind kind,
    enum prompt_times times, uint8_t algorithm, struct secret *out, struct failure *why);

/* Octets of a card management key. */
size_t admin_key_octets(uint8_t algorithm);

/* ---- all at once ---- */

/*
 * Ask for what the options of create or unblock say is asked for: as text, keys
 * in hexadecimal.  What is not asked for stays empty.  DONE; WRONG_SECRET;
 * FAILED: texts are wiped then.
 */
MUST_CHECK enum outcome secrets_ask(
    const struct options *options, struct secret texts[SECRET_KINDS], struct failure *why);
void secrets_wipe(struct secret texts[SECRET_KINDS]);

/* ---- the secrets of a card to be made ---- */

struct secrets {
	struct secret admin_key, pin, puk;
};

/*
 * Gather what create's options ask for: defaults, and what secrets_ask() asks
 * for.  What there is not to be stays empty.  DONE; WRONG_SECRET; FAILED.
 */
MUST_CHECK enum outcome secrets_gather(
    const struct options *options, struct secrets *out, struct failure *why);

/* Wipe them all. */
void secrets_clear(struct secrets *s);

#endif
