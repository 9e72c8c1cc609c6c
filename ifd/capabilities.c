/* SPDX-License-Identifier: BSD-2-Clause */
#include "ifd/capabilities.h"

#include "ifd/poll.h"
#include "ifd/version.h"

#include <reader.h>
#include <stdio.h>

/* The longest command APDU: header, extended Lc, 65535 octets, extended Le. */
#define COMMAND_MAX (4 + 3 + 65535 + 2)
/* SCARD_ATTR_CHANNEL_ID is 0xDDDDCCCC; DDDD = 00F0 is a vendor's own kind of channel. */
#define CHANNEL_VENDOR UINT32_C(0x00f00000)

static void
put_number(struct wbuf *out, uint32_t value)
{
	wbuf_put(out, rbuf_of(&value, sizeof value));
}

static void
put_text(struct wbuf *out, const char *text)
{
	wbuf_put(out, rbuf_str(text));
	wbuf_u8(out, 0);
}

/* ---- the same for every slot; slot may be NULL ---- */

static void
put_simultaneous(const struct slot *slot, struct wbuf *out)
{
	(void)slot;
	wbuf_u8(out, 255); /* anything less, and every static reader is Lun 0 */
}

static void
put_yes(const struct slot *slot, struct wbuf *out)
{
	(void)slot;
	wbuf_u8(out, 1);
}

static void
put_no(const struct slot *slot, struct wbuf *out)
{
	(void)slot;
	wbuf_u8(out, 0);
}

static void
put_poll(const struct slot *slot, struct wbuf *out)
{
	RESPONSECODE (*const function)(DWORD, int) = poll_wait;

	(void)slot;
	wbuf_put(out, rbuf_of(&function, sizeof function));
}

static void
put_stop(const struct slot *slot, struct wbuf *out)
{
	RESPONSECODE (*const function)(DWORD) = poll_stop;

	(void)slot;
	wbuf_put(out, rbuf_of(&function, sizeof function));
}

static void
put_vendor(const struct slot *slot, struct wbuf *out)
{
	(void)slot;
	put_text(out, "tpmvsc");
}

static void
put_type(const struct slot *slot, struct wbuf *out)
{
	(void)slot;
	put_text(out, READER_NAME);
}

static void
put_version(const struct slot *slot, struct wbuf *out)
{
	(void)slot;
	put_number(out, version_number());
}

static void
put_maxinput(const struct slot *slot, struct wbuf *out)
{
	(void)slot;
	put_number(out, COMMAND_MAX);
}

/* ---- of one slot ---- */

static void
put_slots(const struct slot *slot, struct wbuf *out)
{
	wbuf_u8(out, (uint8_t)slot->slots);
}

static void
put_atr(const struct slot *slot, struct wbuf *out)
{
	if (slot->powered)
		wbuf_put(out, card_atr());
}

static void
put_serial(const struct slot *slot, struct wbuf *out)
{
	char text[sizeof INSTANCE_PREFIX + 4];

	(void)snprintf(text, sizeof text, INSTANCE_PREFIX "%04u", slot->instance % 10000);
	put_text(out, text);
}

static void
put_channel(const struct slot *slot, struct wbuf *out)
{
	put_number(out, CHANNEL_VENDOR | slot->instance);
}

static void
put_presence(const struct slot *slot, struct wbuf *out)
{
	wbuf_u8(out, slot->told != 0 ? 2 : 0); /* 2: in, and in position for use */
}

static void
put_contact(const struct slot *slot, struct wbuf *out)
{
	wbuf_u8(out, slot->powered);
}

/* clang-format off */
static const struct capability {
	DWORD tag;
	bool of_slot;
	void (*put)(const struct slot *, struct wbuf *);
} capabilities[] = {
	{ TAG_IFD_SIMULTANEOUS_ACCESS,         false, put_simultaneous },
	{ TAG_IFD_THREAD_SAFE,                 false, put_yes },
	{ TAG_IFD_SLOT_THREAD_SAFE,            false, put_yes },
	{ TAG_IFD_POLLING_THREAD_WITH_TIMEOUT, false, put_poll },
	{ TAG_IFD_STOP_POLLING_THREAD,         false, put_stop },
	{ TAG_IFD_POLLING_THREAD_KILLABLE,     false, put_no }, /* it may hold a lock */
	{ TAG_IFD_SLOTS_NUMBER,                true,  put_slots },
	{ TAG_IFD_ATR,                         true,  put_atr },
	{ SCARD_ATTR_ATR_STRING,               true,  put_atr },
	{ SCARD_ATTR_VENDOR_NAME,              false, put_vendor },
	{ SCARD_ATTR_VENDOR_IFD_TYPE,          false, put_type },
	{ SCARD_ATTR_VENDOR_IFD_VERSION,       false, put_version },
	{ SCARD_ATTR_VENDOR_IFD_SERIAL_NO,     true,  put_serial },
	{ SCARD_ATTR_CHANNEL_ID,               true,  put_channel },
	{ SCARD_ATTR_ICC_PRESENCE,             true,  put_presence },
	{ SCARD_ATTR_ICC_INTERFACE_STATUS,     true,  put_contact },
	{ SCARD_ATTR_MAXINPUT,                 false, put_maxinput },
};
/* clang-format on */

static const struct capability *
find(DWORD tag)
{
	size_t i;

	for (i = 0; i < sizeof capabilities / sizeof capabilities[0]; i++) {
		if (capabilities[i].tag == tag)
			return &capabilities[i];
	}
	return NULL;
}

RESPONSECODE
capability_get(DWORD lun, DWORD tag, struct wbuf *value)
{
	const struct capability *capability = find(tag);
	struct slot *slot;

	if (capability == NULL)
		return IFD_ERROR_TAG;
	if (capability->of_slot) {
		slot = slot_lock(lun);
		if (slot == NULL)
			return IFD_NO_SUCH_DEVICE;
		capability->put(slot, value);
		slot_unlock(slot);
	} else {
		capability->put(NULL, value);
	}
	return wbuf_ok(value) ? IFD_SUCCESS : IFD_ERROR_INSUFFICIENT_BUFFER;
}

RESPONSECODE
capability_set(DWORD tag)
{
	return find(tag) != NULL ? IFD_ERROR_VALUE_READ_ONLY : IFD_ERROR_TAG;
}
