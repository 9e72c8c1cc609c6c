/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/names.h"

#include <stdarg.h>
#include <stdio.h>

const char *
algorithm_name(uint8_t algorithm)
{
	static const struct {
		uint8_t algorithm;
		const char *name;
	} names[] = {
		{ ALG_RSA_2048, "RSA-2048" },
		{ ALG_RSA_3072, "RSA-3072" },
		{ ALG_RSA_4096, "RSA-4096" },
		{ ALG_ECC_P256, "P-256" },
		{ ALG_ECC_P384, "P-384" },
		{ ALG_3DES, "3DES" },
		{ ALG_AES_128, "AES128" },
		{ ALG_AES_192, "AES192" },
		{ ALG_AES_256, "AES256" },
	};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (names[i].algorithm == algorithm)
			return names[i].name;
	}
	return "?";
}

const char *
pin_rule_name(enum pin_rule rule)
{
	static const char *const names[] = {
		[PIN_NEVER] = "never",
		[PIN_ONCE] = "once",
		[PIN_ALWAYS] = "always",
	};

	return rule >= PIN_NEVER && rule <= PIN_ALWAYS ? names[rule] : "?";
}

enum pin_rule
pin_rule_default(uint8_t reference)
{
	switch (reference) {
	case 0x9c:
		return PIN_ALWAYS;
	case 0x9e:
		return PIN_NEVER;
	default:
		return PIN_ONCE;
	}
}

const char *
origin_name(enum key_origin origin)
{
	switch (origin) {
	case ORIGIN_GENERATED:
		return "generated";
	case ORIGIN_IMPORTED:
		return "imported";
	}
	return "?";
}

const char *pin_class_name(enum pin_class class)
{
	static const char *const names[PIN_CLASSES] = {
		[PIN_UPPERCASE] = "uppercase",
		[PIN_LOWERCASE] = "lowercase",
		[PIN_DIGITS] = "digits",
		[PIN_SPECIAL] = "specialchars",
	};

	return class < PIN_CLASSES ? names[class] : "?";
}

const char *
class_rule_name(uint8_t rule)
{
	static const char *const names[] = {
		[CLASS_ALLOWED] = "allowed",
		[CLASS_REQUIRED] = "required",
		[CLASS_DISALLOWED] = "disallowed",
	};

	return rule < sizeof names / sizeof names[0] ? names[rule] : "?";
}

void
policy_words(const struct pin_policy *policy, struct wbuf *out)
{
	unsigned class;

	put_words(out, "%u to %u %s characters", policy->min, policy->max,
	    policy->printable ? "printable" : "ASCII");
	for (class = 0; class < PIN_CLASSES; class ++) {
		if (policy->rules[class] != CLASS_ALLOWED)
			put_words(out, ", %s %s", pin_class_name(class),
			    class_rule_name(policy->rules[class]));
	}
}

const char *
state_name(bool readable, const struct failure *problem, int pin_left)
{
	if (!readable)
		return "broken";
	if (failed(problem))
		return "trouble";
	return pin_left == 0 ? "blocked" : "ready";
}

void
instance_words(unsigned instance, struct wbuf *out)
{
	put_words(out, INSTANCE_PREFIX "%04u", instance);
}

void
reader_words(unsigned instance, struct wbuf *out)
{
	put_words(out, READER_NAME " 00 %02X", instance);
}

void
put_words(struct wbuf *out, const char *format, ...)
{
	char text[1024];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof text)
		out->overflow = true;
	else
		wbuf_put(out, rbuf_of(text, (size_t)n));
}
