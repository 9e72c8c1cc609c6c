/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/setters.h"

#include "tools/words.h"

#include <string.h>

/* What unblocks: by_count finds out whether one alone was named. */
static const char *
set_by(struct options *o, enum unblock_by way)
{
	o->by = way;
	o->by_count++;
	return NULL;
}

const char *
set_by_puk(struct options *o, struct rbuf value, const char *text)
{
	(void)value;
	(void)text;
	return set_by(o, BY_PUK);
}

const char *
set_by_admin_key(struct options *o, struct rbuf value, const char *text)
{
	(void)value;
	(void)text;
	return set_by(o, BY_ADMIN_KEY);
}

const char *
set_by_challenge(struct options *o, struct rbuf value, const char *text)
{
	(void)value;
	(void)text;
	return set_by(o, BY_CHALLENGE);
}

/*
 * Whether a user's or a host's name is one that may come near a shell: ssh puts
 * both into commands of its configuration (ProxyCommand, Match exec).  One that
 * begins with a hyphen would be an option there.
 */
static bool
is_tame(struct rbuf name, const char *wild)
{
	size_t i;

	for (i = 0; i < name.len; i++) {
		const uint8_t c = rbuf_at(name, i);

		if (c <= 0x20 || c >= 0x7f || strchr(wild, c) != NULL)
			return false;
	}
	return name.len != 0 && rbuf_at(name, 0) != '-';
}

const char *
set_machine(struct options *o, struct rbuf value, const char *text)
{
	const char *at = strrchr(text, '@');
	const struct rbuf user = rbuf_of(text, at != NULL ? (size_t)(at - text) : 0);
	const struct rbuf host = rbuf_str(at != NULL ? at + 1 : text);

	(void)value;
	if ((at != NULL && !is_tame(user, "'`\";&<>|(){}")) ||
	    !is_tame(host, "'`\"$\\;&<>|(){},"))
		return "wants a host, or user@host";
	o->machine = text;
	return NULL;
}

const char *
set_name(struct options *o, struct rbuf value, const char *text)
{
	(void)value;
	o->name = text;
	return card_name_fault(text) == NULL ? NULL : "wants 1 to 64 printable characters of UTF-8";
}

static bool
source_of(struct rbuf value, enum source *out)
{
	static const struct word words[] = {
		{ "DEFAULT", SOURCE_DEFAULT },
		{ "PROMPT", SOURCE_PROMPT },
		{ "RANDOM", SOURCE_RANDOM },
	};
	unsigned source;

	if (!word_find(words, sizeof words / sizeof words[0], value, &source))
		return false;
	*out = (enum source)source;
	return true;
}

const char *
set_admin_key(struct options *o, struct rbuf value, const char *text)
{
	(void)text;
	return source_of(value, &o->admin_key) ? NULL : "wants DEFAULT, PROMPT or RANDOM";
}

const char *
set_pin(struct options *o, struct rbuf value, const char *text)
{
	(void)text;
	if (!source_of(value, &o->pin) || o->pin == SOURCE_RANDOM)
		return "wants DEFAULT or PROMPT";
	return NULL;
}

const char *
set_puk(struct options *o, struct rbuf value, const char *text)
{
	(void)text;
	if (!source_of(value, &o->puk) || o->puk == SOURCE_RANDOM)
		return "wants DEFAULT or PROMPT";
	return NULL;
}

const char *
set_admin_algorithm(struct options *o, struct rbuf value, const char *text)
{
	static const struct word words[] = {
		{ "3DES", ALG_3DES },
		{ "AES128", ALG_AES_128 },
		{ "AES192", ALG_AES_192 },
		{ "AES256", ALG_AES_256 },
	};
	unsigned algorithm;

	(void)text;
	if (!word_find(words, sizeof words / sizeof words[0], value, &algorithm))
		return "wants 3DES, AES128, AES192 or AES256";
	o->admin_algorithm = (uint8_t)algorithm;
	return NULL;
}

const char *
set_admin_unblock(struct options *o, struct rbuf value, const char *text)
{
	static const struct word words[] = { { "no", false }, { "yes", true } };
	unsigned yes;

	(void)text;
	if (!word_find(words, sizeof words / sizeof words[0], value, &yes))
		return "wants yes or no";
	o->admin_unblock = yes != 0;
	return NULL;
}

static const char *
set_tries(unsigned *out, struct rbuf value)
{
	return word_number(value, 10, out) && *out != 0 ? NULL : "wants a number from 1 to 10";
}

const char *
set_pin_tries(struct options *o, struct rbuf value, const char *text)
{
	(void)text;
	return set_tries(&o->pin_tries, value);
}

const char *
set_puk_tries(struct options *o, struct rbuf value, const char *text)
{
	(void)text;
	return set_tries(&o->puk_tries, value);
}

/* Take one word of an instance ID and the backslashes behind it, as many as the shell left. */
static bool
take_part(struct rbuf *in, const char *part)
{
	struct rbuf word, slash;

	if (!rbuf_take(in, strlen(part), &word) || !word_is(word, part))
		return false;
	while (rbuf_at(*in, 0) == '\\' && rbuf_take(in, 1, &slash))
		continue;
	return true;
}

const char *
set_instance(struct options *o, struct rbuf value, const char *text)
{
	struct rbuf id = value;
	bool whole = take_part(&id, "ROOT") && take_part(&id, "SMARTCARDREADER");

	(void)text;
	o->has_instance = whole ? id.len == 4 && word_number(id, 9999, &o->instance)
				: word_number(value, 9999, &o->instance);
	return o->has_instance ? NULL : "wants " INSTANCE_PREFIX "0000 or the number at its end";
}

static const char *
set_number(unsigned *out, struct rbuf value, unsigned max, const char *wanted)
{
	return word_number(value, max, out) && *out != 0 ? NULL : wanted;
}

const char *
set_days(struct options *o, struct rbuf value, const char *text)
{
	(void)text;
	return set_number(&o->days, value, 36500, "wants a number of days, from 1 to 36500");
}

const char *
set_wait(struct options *o, struct rbuf value, const char *text)
{
	(void)text;
	return set_number(&o->wait, value, 1440, "wants a number of minutes, from 1 to 1440");
}

const char *
set_algorithm(struct options *o, struct rbuf value, const char *text)
{
	static const struct word words[] = {
		{ "RSA2048", ALG_RSA_2048 },
		{ "RSA3072", ALG_RSA_3072 },
		{ "RSA4096", ALG_RSA_4096 },
		{ "ECCP256", ALG_ECC_P256 },
		{ "ECCP384", ALG_ECC_P384 },
	};
	unsigned algorithm;

	(void)text;
	if (!word_find(words, sizeof words / sizeof words[0], value, &algorithm))
		return "wants ECCP256, ECCP384, RSA2048, RSA3072 or RSA4096";
	o->algorithm = (uint8_t)algorithm;
	return NULL;
}

const char *
set_pin_rule(struct options *o, struct rbuf value, const char *text)
{
	static const struct word words[] = {
		{ "NEVER", PIN_NEVER },
		{ "ONCE", PIN_ONCE },
		{ "ALWAYS", PIN_ALWAYS },
	};

	(void)text;
	return word_find(words, sizeof words / sizeof words[0], value, &o->pin_rule)
		   ? NULL
		   : "wants ONCE, ALWAYS or NEVER";
}

const char *
set_attestation(struct options *o, struct rbuf value, const char *text)
{
	static const struct word words[] = {
		{ "AIK_ONLY", AIK_ONLY },
		{ "AIK_AND_CERT", AIK_AND_CERT },
	};
	unsigned attestation;

	(void)text;
	if (!word_find(words, sizeof words / sizeof words[0], value, &attestation))
		return "wants AIK_ONLY or AIK_AND_CERT";
	o->attestation = (enum attestation)attestation;
	return NULL;
}

const char *
set_slot(struct options *o, struct rbuf value, const char *text)
{
	static const struct word words[] = {
		{ "9A", 0x9a },
		{ "9C", 0x9c },
		{ "9D", 0x9d },
		{ "9E", 0x9e },
	};
	unsigned slot;

	(void)text;
	if (!word_find(words, sizeof words / sizeof words[0], value, &slot))
		return "wants 9A, 9C, 9D or 9E";
	o->slot = (uint8_t)slot;
	return NULL;
}

const char *
add_alt_name(struct options *o, struct rbuf value, const char *text)
{
	if (value.len == 0)
		return "wants a name, such as email:alice@example.org";
	if (o->alt_name_count == ALT_NAMES_MAX)
		return "is given too often";
	o->alt_names[o->alt_name_count] = text;
	o->alt_name_count++;
	return NULL;
}

/* Any key reference with a key of the user's, as two digits. */
const char *
set_key_slot(struct options *o, struct rbuf value, const char *text)
{
	const uint8_t high = rbuf_at(value, 0), low = rbuf_at(value, 1);
	uint8_t h = 0, l = 0;
	unsigned slot;

	if (value.len == 2 && word_hex(high, &h) && word_hex(low, &l)) {
		slot = (unsigned)h << 4 | l;
		if (slot >= 0x82 && slot <= 0x95) {
			o->slot = (uint8_t)slot;
			return NULL;
		}
	}
	return set_slot(o, value, text) == NULL ? NULL
						: "wants a slot: 9A, 9C, 9D, 9E or 82 to 95";
}

const char *
set_nonce(struct options *o, struct rbuf value, const char *text)
{
	struct wbuf out = wbuf_over(o->nonce, sizeof o->nonce);
	uint8_t pair[2], high = 0, low = 0;
	bool digits = true;

	(void)text;
	while (digits && rbuf_copy(&value, pair, sizeof pair)) {
		digits = word_hex(pair[0], &high) && word_hex(pair[1], &low);
		wbuf_u8(&out, (uint8_t)(high << 4 | low));
	}
	o->nonce_len = out.len;
	if (digits && value.len == 0 && out.len != 0 && wbuf_ok(&out))
		return NULL;
	return "wants 1 to 64 octets in hexadecimal";
}

const struct word requirement_words[REQUIREMENTS] = {
	{ "ek", REQUIRE_EK },
	{ "ak", REQUIRE_AK },
	{ "pin", REQUIRE_PIN },
	{ "keys", REQUIRE_KEYS },
	{ "generated", REQUIRE_GENERATED },
	{ "pin-once", REQUIRE_PIN_ONCE },
	{ "pin-always", REQUIRE_PIN_ALWAYS },
	{ "certificates", REQUIRE_CERTIFICATES },
};

const char *
set_require(struct options *o, struct rbuf value, const char *text)
{
	unsigned bit, required = 0;
	struct rbuf word;
	bool more;

	(void)text;
	do {
		more = word_split(&value, ',', &word);
		if (!word_find(requirement_words, REQUIREMENTS, word, &bit))
			return "wants words with commas between, out of ek, ak, pin, keys, "
			       "generated, pin-once, pin-always and certificates";
		required |= bit;
	} while (more);
	o->required = required;
	return NULL;
}
