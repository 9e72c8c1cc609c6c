/* SPDX-License-Identifier: BSD-2-Clause */
/* What a person calls things: algorithms, PIN rules, a card's state.  Knows card/card.h. */
#ifndef TPMVSC_TOOLS_NAMES_H
#define TPMVSC_TOOLS_NAMES_H

#include "card/card.h"

/* "RSA-2048", "P-256", "3DES"; "?" for another number. */
const char *algorithm_name(uint8_t algorithm);

/* When a key wants the PIN: "never", "once", "always". */
const char *pin_rule_name(enum pin_rule rule);

/* When the key in a key reference wants the PIN if nobody asked for another rule. */
enum pin_rule pin_rule_default(uint8_t reference);

/* "generated" or "imported". */
const char *origin_name(enum key_origin origin);

/* A rule of /pinpolicy and what it says, as its words there, in lower case: "digits", "required". */
const char *pin_class_name(enum pin_class class);
const char *class_rule_name(uint8_t rule);

/* Append a PIN policy in words: "4 to 8 printable characters, digits required". */
void policy_words(const struct pin_policy *policy, struct wbuf *out);

/* "ready", "blocked" (its PIN), "trouble" (with a problem) or "broken" (no record). */
const char *state_name(bool readable, const struct failure *problem, int pin_left);

/* Append ROOT\SMARTCARDREADER\0000, or the reader's name. */
void instance_words(unsigned instance, struct wbuf *out);
void reader_words(unsigned instance, struct wbuf *out);

/* Append a format's text. */
void put_words(struct wbuf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
