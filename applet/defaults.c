/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/defaults.h"

#include "applet/admin.h"

/* Of Windows' tpmvscmgr. */
struct rbuf
default_value(uint8_t id)
{
	static const uint8_t key[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x01, 0x02,
		0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
		0x08 };

	return id == KEYREF_MANAGEMENT ? rbuf_of(key, sizeof key) : rbuf_str("12345678");
}

bool
default_is(uint8_t id, struct rbuf value)
{
	return rbuf_eq_secret(value, default_value(id));
}

sw_t
default_noted(struct piv *p, uint8_t id, bool *out)
{
	uint8_t octets[16];
	struct wbuf note = wbuf_over(octets, sizeof octets);
	enum store_err err = store_get(p->store, STORE_DEFAULT, id, &note);

	*out = err == STORE_OK;
	return sw_of_store(err == STORE_ABSENT ? STORE_OK : err);
}

sw_t
default_drop(struct piv *p, uint8_t id, bool *was)
{
	sw_t sw = default_noted(p, id, was);

	/* Without a note nothing is written: a PIN changes on a read-only disk, too. */
	if (sw != SW_OK || !*was)
		return sw;
	return sw_of_store(store_remove(p->store, STORE_DEFAULT, id));
}

void
default_note(struct piv *p, uint8_t id)
{
	enum store_err err = store_put(p->store, STORE_DEFAULT, id, rbuf_str("default\n"));

	(void)err;
}
