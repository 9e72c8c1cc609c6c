/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/options.h"
#include "tools/words.h"

static const char *
set_length(uint8_t *out, struct rbuf value)
{
	unsigned n;

	if (!word_number(value, 9999, &n))
		return "wants a number for minlen and maxlen";
	*out = (uint8_t)(n < UINT8_MAX ? n : UINT8_MAX); /* refused with the whole policy */
	return NULL;
}

static const char *
set_min(struct pin_policy *policy, struct rbuf value)
{
	return set_length(&policy->min, value);
}

static const char *
set_max(struct pin_policy *policy, struct rbuf value)
{
	return set_length(&policy->max, value);
}

static const char *
set_class(struct pin_policy *policy, enum pin_class kind, struct rbuf value)
{
	static const struct word words[] = {
		{ "ALLOWED", CLASS_ALLOWED },
		{ "DISALLOWED", CLASS_DISALLOWED },
		{ "REQUIRED", CLASS_REQUIRED },
	};
	unsigned rule;

	if (!word_find(words, sizeof words / sizeof words[0], value, &rule))
		return "wants ALLOWED, DISALLOWED or REQUIRED for a kind of character";
	policy->rules[kind] = (uint8_t)rule;
	return NULL;
}

static const char *
set_uppercase(struct pin_policy *policy, struct rbuf value)
{
	return set_class(policy, PIN_UPPERCASE, value);
}

static const char *
set_lowercase(struct pin_policy *policy, struct rbuf value)
{
	return set_class(policy, PIN_LOWERCASE, value);
}

static const char *
set_digits(struct pin_policy *policy, struct rbuf value)
{
	return set_class(policy, PIN_DIGITS, value);
}

static const char *
set_special(struct pin_policy *policy, struct rbuf value)
{
	return set_class(policy, PIN_SPECIAL, value);
}

static const struct rule {
	const char *name;
	const char *(*set)(struct pin_policy *, struct rbuf value);
} rules[] = {
	{ "minlen", set_min },
	{ "maxlen", set_max },
	{ "uppercase", set_uppercase },
	{ "lowercase", set_lowercase },
	{ "digits", set_digits },
	{ "specialchars", set_special },
};

#define RULES (sizeof rules / sizeof rules[0])

static size_t
find(struct rbuf word)
{
	size_t i;

	for (i = 0; i < RULES; i++) {
		if (word_is(word, rules[i].name))
			break;
	}
	return i;
}

bool
options_is_rule(struct rbuf word)
{
	return find(word) < RULES;
}

const char *
options_rule(struct rbuf rule, struct rbuf value, struct pin_policy *policy, unsigned *seen)
{
	const size_t i = find(rule);

	if (i == RULES)
		return "knows minlen, maxlen, uppercase, lowercase, digits and specialchars only";
	if ((*seen & 1u << i) != 0)
		return "has the same rule twice";
	*seen |= 1u << i;
	return rules[i].set(policy, value);
}

const char *
options_policy(const char *list, struct pin_policy *policy, unsigned *seen)
{
	struct rbuf rest = rbuf_str(list), item, rule;
	const char *fault = NULL;
	bool more = true;

	while (more && fault == NULL) {
		more = word_split(&rest, ',', &item);
		if (!word_split(&item, '=', &rule))
			return "wants RULE=VALUE, with commas between";
		fault = options_rule(rule, item, policy, seen);
	}
	return fault;
}
