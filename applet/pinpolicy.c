/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/pinpolicy.h"

/* A longer secret would not fit in VERIFY's data beside its length; see SECRET_MAX too. */
#define LONGEST      127
#define SHORTEST     4
#define SHORTEST_PUK 8

const struct pin_policy pin_policy_default = { .min = 8, .max = LONGEST };

static enum pin_class
class_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return PIN_UPPERCASE;
	if (c >= 'a' && c <= 'z')
		return PIN_LOWERCASE;
	if (c >= '0' && c <= '9')
		return PIN_DIGITS;
	return PIN_SPECIAL;
}

const char *
pin_policy_fault(const struct pin_policy *policy)
{
	unsigned disallowed = 0;
	size_t i;

	if (policy->min < SHORTEST)
		return "minlen is smaller than 4";
	if (policy->max > LONGEST)
		return "maxlen is greater than 127";
	if (policy->min > policy->max)
		return "minlen is greater than maxlen";
	for (i = 0; i < PIN_CLASSES; i++) {
		if (policy->rules[i] > CLASS_DISALLOWED)
			return "a rule is neither ALLOWED, REQUIRED nor DISALLOWED";
		disallowed += policy->rules[i] == CLASS_DISALLOWED;
	}
	if (disallowed == PIN_CLASSES)
		return "every kind of character is DISALLOWED";
	/* Four required kinds always fit: maxlen is at least SHORTEST. */
	return NULL;
}

/* clang-format off */
static const char *const missing[PIN_CLASSES] = {
	[PIN_UPPERCASE] = "it has no uppercase letter",
	[PIN_LOWERCASE] = "it has no lowercase letter",
	[PIN_DIGITS] =    "it has no digit",
	[PIN_SPECIAL] =   "it has no special character",
};

static const char *const unwanted[PIN_CLASSES] = {
	[PIN_UPPERCASE] = "it has an uppercase letter",
	[PIN_LOWERCASE] = "it has a lowercase letter",
	[PIN_DIGITS] =    "it has a digit",
	[PIN_SPECIAL] =   "it has a special character",
};
/* clang-format on */

/* What is wrong with a length or a character, whatever the classes. */
static const char *
form_breach(struct rbuf secret, size_t min, size_t max, uint8_t lowest, uint8_t highest)
{
	size_t i;

	if (secret.len < min)
		return "it is too short";
	if (secret.len > max)
		return "it is too long";
	for (i = 0; i < secret.len; i++) {
		if (rbuf_at(secret, i) < lowest || rbuf_at(secret, i) > highest)
			return "it has a character that is not allowed";
	}
	return NULL;
}

const char *
pin_policy_breach(const struct pin_policy *policy, struct rbuf pin)
{
	size_t counts[PIN_CLASSES] = { 0 };
	const char *why;
	size_t i;

	why = form_breach(pin, policy->min, policy->max, policy->printable ? 0x20 : 0x01,
	    policy->printable ? 0x7e : 0x7f);
	if (why != NULL)
		return why;
	for (i = 0; i < pin.len; i++)
		counts[class_of(rbuf_at(pin, i))]++;
	for (i = 0; i < PIN_CLASSES; i++) {
		if (policy->rules[i] == CLASS_REQUIRED && counts[i] == 0)
			return missing[i];
		if (policy->rules[i] == CLASS_DISALLOWED && counts[i] != 0)
			return unwanted[i];
	}
	return NULL;
}

const char *
puk_breach(struct rbuf puk)
{
	return form_breach(puk, SHORTEST_PUK, LONGEST, 0x01, 0x7f);
}

void
pin_policy_write(const struct pin_policy *policy, struct wbuf *out)
{
	wbuf_u8(out, policy->min);
	wbuf_u8(out, policy->max);
	wbuf_put(out, rbuf_of(policy->rules, sizeof policy->rules));
	wbuf_u8(out, policy->printable ? 1 : 0);
}

bool
pin_policy_read(struct rbuf *in, struct pin_policy *policy)
{
	struct rbuf rest = *in;
	struct pin_policy read;
	uint8_t printable;

	if (!rbuf_u8(&rest, &read.min) || !rbuf_u8(&rest, &read.max) ||
	    !rbuf_copy(&rest, read.rules, sizeof read.rules) || !rbuf_u8(&rest, &printable) ||
	    printable > 1)
		return false;
	read.printable = printable == 1;
	if (pin_policy_fault(&read) != NULL)
		return false;
	*in = rest;
	*policy = read;
	return true;
}
