/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

#include "base/text.h"

#include <string.h>

#define PROFILE_VERSION 2
#define NAME_CHARACTERS 64

/* The flags of a profile. */
#define FLAG_ALLOW_RESET 0x01

const char *
card_name_fault(const char *name)
{
	struct rbuf in = rbuf_str(name);
	size_t count = 0;
	uint32_t c;

	while (in.len != 0) {
		if (!text_take(&in, &c))
			return "it is not UTF-8";
		if (!text_printable(c))
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
