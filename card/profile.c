/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

#include <string.h>

#define PROFILE_VERSION 2
#define NAME_CHARACTERS 64

/* The flags of a profile. */
#define FLAG_ALLOW_RESET 0x01

/*
 * Read one character of UTF-8 (RFC 3629, 4): shortest form, no surrogates, at
 * most 10FFFF.
 */
static bool
take_character(struct rbuf *in, uint32_t *out)
{
	static const struct {
		uint8_t mask, lead;
		size_t more;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0, 0 },
		{ 0xe0, 0xc0, 1, 0x80 },
		{ 0xf0, 0xe0, 2, 0x800 },
		{ 0xf8, 0xf0, 3, 0x10000 },
	};
	struct rbuf at = *in;
	uint32_t value;
	uint8_t octet;
	size_t i, n;

	if (!rbuf_u8(&at, &octet))
		return false;
	for (i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if ((octet & forms[i].mask) == forms[i].lead)
			break;
	}
	if (i == sizeof forms / sizeof forms[0])
		return false;
	value = octet & (uint8_t)~forms[i].mask;
	for (n = 0; n < forms[i].more; n++) {
		if (!rbuf_u8(&at, &octet) || (octet & 0xc0) != 0x80)
			return false;
		value = value << 6 | (octet & 0x3f);
	}
	if (value < forms[i].least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return false;
	*in = at;
	*out = value;
	return true;
}

/* Controls, line separators and what turns the direction of text: nothing a list could show. */
static bool
printable(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} refused[] = {
		{ 0x00, 0x1f },
		{ 0x7f, 0x9f },
		{ 0x200b, 0x200f },
		{ 0x2028, 0x202e },
		{ 0x2060, 0x206f },
		{ 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb },
		{ 0xfffe, 0xffff },
	};
	size_t i;

	for (i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		if (c >= refused[i].first && c <= refused[i].last)
			return false;
	}
	return true;
}

const char *
card_name_fault(const char *name)
{
	struct rbuf in = rbuf_str(name);
	size_t count = 0;
	uint32_t c;

	while (in.len != 0) {
		if (!take_character(&in, &c))
			return "it is not UTF-8";
		if (!printable(c))
			return "it has a character that cannot be printed";
		count++;
	}
	if (count == 0)
		return "it is empty";
	return count > NAME_CHARACTERS ? "it is longer than 64 characters" : NULL;
}

bool
profile_write(unsigned instance, const struct piv_profile *profile, struct wbuf *out)
{
	struct rbuf name = rbuf_str(profile->name);

	if (card_name_fault(profile->name) != NULL || pin_policy_fault(&profile->policy) != NULL)
		return false;
	wbuf_u8(out, PROFILE_VERSION);
	wbuf_u8(out, profile->allow_reset ? FLAG_ALLOW_RESET : 0);
	wbuf_u16(out, (uint16_t)instance);
	wbuf_put(out, rbuf_of(profile->guid, sizeof profile->guid));
	wbuf_u16(out, (uint16_t)name.len);
	wbuf_put(out, name);
	pin_policy_write(&profile->policy, out);
	return wbuf_ok(out);
}

bool
profile_read(struct rbuf in, unsigned *instance, struct piv_profile *profile)
{
	struct piv_profile found = { .name = "" };
	uint16_t number, length;
	uint8_t version, flags;

	if (!rbuf_u8(&in, &version) || version != PROFILE_VERSION || !rbuf_u8(&in, &flags) ||
	    (flags & ~FLAG_ALLOW_RESET) != 0 || !rbuf_u16(&in, &number) ||
	    !rbuf_copy(&in, found.guid, sizeof found.guid) || !rbuf_u16(&in, &length))
		return false;
	if (length >= sizeof found.name || !rbuf_copy(&in, found.name, length))
		return false;
	if (strlen(found.name) != length || card_name_fault(found.name) != NULL)
		return false;
	if (!pin_policy_read(&in, &found.policy) || in.len != 0)
		return false;
	found.allow_reset = (flags & FLAG_ALLOW_RESET) != 0;
	*instance = number;
	*profile = found;
	return true;
}
