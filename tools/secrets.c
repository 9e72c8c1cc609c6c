/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/secrets.h"

#include "tools/words.h"

#include <stdio.h>

/* How each secret is called when it is asked for. */
static const char *const labels[SECRET_KINDS] = {
	[SECRET_ADMIN_KEY] = "Administrator key",
	[SECRET_PIN] = "PIN",
	[SECRET_PUK] = "PUK",
	[SECRET_NEW_ADMIN_KEY] = "New administrator key",
	[SECRET_NEW_PIN] = "New PIN",
	[SECRET_NEW_PUK] = "New PUK",
};

/* AES128 takes the first 16 octets of the default; AES256 has none. */
size_t
admin_key_octets(uint8_t algorithm)
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

void
asking_begin(struct asking *a, const struct options *options)
{
	*a = (struct asking){ .options = options, .prompt = prompt_open() };
}

void
asking_end(struct asking *a)
{
	prompt_close(&a->prompt);
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

/* A PIN that exists keeps whatever rule was its policy then. */
static const char *
check_any(const void *context, struct rbuf answer)
{
	(void)context;
	return answer.len == 0 ? "it is empty" : answer.len > 127 ? "it is too long" : NULL;
}

enum outcome
asking_pin(struct asking *a, enum secret_kind kind, enum prompt_times times,
    const struct pin_policy *policy, struct secret *out, struct failure *why)
{
	const bool puk = kind == SECRET_PUK || kind == SECRET_NEW_PUK;
	prompt_check check = check_any;

	if (policy != NULL)
		check = check_pin;
	else if (puk && times == PROMPT_TWICE)
		check = check_puk;
	return prompt_ask(&a->prompt, labels[kind], times, check, policy, out, why);
}

enum outcome
asking_admin_key(struct asking *a, enum secret_kind kind, enum prompt_times times,
    uint8_t algorithm, struct secret *out, struct failure *why)
{
	const size_t octets = admin_key_octets(algorithm);
	enum outcome outcome;
	SECRET(digits);
	char what[64];

	(void)snprintf(
	    what, sizeof what, "%s (%zu hexadecimal digits)", labels[kind], octets * 2);
	outcome = prompt_ask(&a->prompt, what, times, check_admin_key, &octets, &digits, why);
	if (outcome != DONE)
		return outcome;
	return from_hex(secret_view(&digits), out) ? DONE : FAILED;
}

/* ---- the secrets of a card to be made ---- */

static enum outcome
gather_admin_key(struct asking *a, struct secret *out, struct failure *why)
{
	const uint8_t algorithm = a->options->admin_algorithm;

	switch (a->options->admin_key) {
	case SOURCE_PROMPT:
		return asking_admin_key(a, SECRET_ADMIN_KEY, PROMPT_TWICE, algorithm, out, why);
	case SOURCE_RANDOM:
		return DONE;
	case SOURCE_OMITTED:
	case SOURCE_DEFAULT:
		break;
	}
	return default_admin_key(admin_key_octets(algorithm), out) ? DONE : FAILED;
}

static enum outcome
gather(struct asking *a, struct secrets *out, struct failure *why)
{
	const struct options *o = a->options;
	enum outcome outcome;

	outcome = gather_admin_key(a, &out->admin_key, why);
	if (outcome != DONE)
		return outcome;
	if (o->pin == SOURCE_PROMPT)
		outcome = asking_pin(a, SECRET_PIN, PROMPT_TWICE, &o->policy, &out->pin, why);
	else if (!default_pin(&out->pin))
		outcome = FAILED;
	if (outcome != DONE)
		return outcome;
	if (o->puk == SOURCE_PROMPT)
		outcome = asking_pin(a, SECRET_PUK, PROMPT_TWICE, NULL, &out->puk, why);
	else if (o->puk == SOURCE_DEFAULT && !default_puk(&out->puk))
		outcome = FAILED;
	return outcome;
}

enum outcome
secrets_gather(const struct options *options, struct secrets *out, struct failure *why)
{
	struct asking asking;
	enum outcome outcome;

	asking_begin(&asking, options);
	outcome = gather(&asking, out, why);
	asking_end(&asking);
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
