/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/secrets.h"

#include "tools/prompt.h"
#include "tools/words.h"

#include <stdio.h>

/* Octets of a card management key.  AES128 takes the first 16 of the default; AES256 has none. */
static size_t
key_octets(uint8_t algorithm)
{
	switch (algorithm) {
	case ALG_AES_128:
		return 16;
	case ALG_AES_256:
		return 32;
	default:
		return 24;
	}
}

static bool
hex_digit(uint8_t c, uint8_t *out)
{
	c = word_lower(c);
	if (c >= '0' && c <= '9')
		*out = (uint8_t)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*out = (uint8_t)(c - 'a' + 10);
	else
		return false;
	return true;
}

static const char *
check_admin_key(const void *context, struct rbuf answer)
{
	const size_t *octets = context;
	uint8_t digit = 0;
	size_t i;

	if (answer.len != *octets * 2)
		return "it does not have the right number of hexadecimal digits";
	for (i = 0; i < answer.len; i++) {
		if (!hex_digit(rbuf_at(answer, i), &digit))
			return "it has a character that is no hexadecimal digit";
	}
	return NULL;
}

static const char *
check_pin(const void *context, struct rbuf answer)
{
	return pin_policy_breach(context, answer);
}

static const char *
check_puk(const void *context, struct rbuf answer)
{
	(void)context;
	return puk_breach(answer);
}

/* Digits that have been checked, as octets. */
static bool
from_hex(struct rbuf digits, struct secret *out)
{
	struct wbuf octets = wbuf_over(out->data, sizeof out->data);
	uint8_t high, low, a = 0, b = 0;

	while (rbuf_u8(&digits, &high) && rbuf_u8(&digits, &low) && hex_digit(high, &a) &&
	       hex_digit(low, &b))
		wbuf_u8(&octets, (uint8_t)(a << 4 | b));
	out->len = octets.len;
	return wbuf_ok(&octets);
}

static enum outcome
ask_admin_key(
    const struct prompt *prompt, uint8_t algorithm, struct secret *out, struct failure *why)
{
	SECRET(digits);
	const size_t octets = key_octets(algorithm);
	enum outcome outcome;
	char what[64];

	(void)snprintf(what, sizeof what, "Administrator key (%zu hexadecimal digits)", octets * 2);
	outcome = prompt_ask(prompt, what, check_admin_key, &octets, &digits, why);
	if (outcome != DONE)
		return outcome;
	return from_hex(secret_view(&digits), out) ? DONE : FAILED;
}

static enum outcome
gather_admin_key(
    const struct options *o, const struct prompt *prompt, struct secret *out, struct failure *why)
{
	switch (o->admin_key) {
	case SOURCE_PROMPT:
		return ask_admin_key(prompt, o->admin_algorithm, out, why);
	case SOURCE_RANDOM:
		return DONE;
	case SOURCE_OMITTED:
	case SOURCE_DEFAULT:
		break;
	}
	return default_admin_key(key_octets(o->admin_algorithm), out) ? DONE : FAILED;
}

static enum outcome
gather(
    const struct options *o, const struct prompt *prompt, struct secrets *out, struct failure *why)
{
	enum outcome outcome;

	outcome = gather_admin_key(o, prompt, &out->admin_key, why);
	if (outcome != DONE)
		return outcome;
	if (o->pin == SOURCE_PROMPT)
		outcome = prompt_ask(prompt, "PIN", check_pin, &o->policy, &out->pin, why);
	else if (!default_pin(&out->pin))
		outcome = FAILED;
	if (outcome != DONE)
		return outcome;
	if (o->puk == SOURCE_PROMPT)
		outcome = prompt_ask(prompt, "PUK", check_puk, NULL, &out->puk, why);
	else if (o->puk == SOURCE_DEFAULT && !default_puk(&out->puk))
		outcome = FAILED;
	return outcome;
}

enum outcome
secrets_gather(const struct options *options, struct secrets *out, struct failure *why)
{
	struct prompt prompt = prompt_open();
	enum outcome outcome = gather(options, &prompt, out, why);

	prompt_close(&prompt);
	if (outcome != DONE)
		secrets_clear(out);
	return outcome;
}

void
secrets_clear(struct secrets *s)
{
	secret_clear(&s->admin_key);
	secret_clear(&s->pin);
	secret_clear(&s->puk);
}
