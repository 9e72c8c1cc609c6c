/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a card's PIN may look like: the rules of tpmvscmgr's /pinpolicy, and
 * the rule for PUKs.  Knows base only.
 */
#ifndef TPMVSC_APPLET_PINPOLICY_H
#define TPMVSC_APPLET_PINPOLICY_H

#include "base/bytes.h"

enum pin_class { PIN_UPPERCASE, PIN_LOWERCASE, PIN_DIGITS, PIN_SPECIAL, PIN_CLASSES };

enum class_rule { CLASS_ALLOWED, CLASS_REQUIRED, CLASS_DISALLOWED };

struct pin_policy {
	uint8_t min, max;		  /* characters, 4 to 127 */
	uint8_t rules[PIN_CLASSES];	  /* enum class_rule */
	bool printable;			  /* only 20 to 7E, as with /pinpolicy; else 01 to 7F */
};

/* 8 to 127 characters out of 01 to 7F: what holds when nobody asked for a policy. */
extern const struct pin_policy pin_policy_default;

/*
 * Why no PIN can satisfy the policy, or why a field is out of range: a short
 * English clause such as "minlen is greater than maxlen".  NULL when all is well.
 */
MUST_CHECK const char *pin_policy_fault(const struct pin_policy *policy);

/* Which rule the PIN (unpadded) breaks, as a short English clause; NULL when none. */
MUST_CHECK const char *pin_policy_breach(const struct pin_policy *policy, struct rbuf pin);

/* The same for a PUK: 8 to 127 characters out of 01 to 7F. */
MUST_CHECK const char *puk_breach(struct rbuf puk);

/* The seven octets that stand for a policy in a card's record: min, max, four rules, printable. */
#define PIN_POLICY_OCTETS 7
void pin_policy_write(const struct pin_policy *policy, struct wbuf *out);

/* Read them back; false when they are cut short or name an impossible policy. */
MUST_CHECK bool pin_policy_read(struct rbuf *in, struct pin_policy *policy);

#endif
