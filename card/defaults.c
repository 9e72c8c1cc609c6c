/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

#include "applet/defaults.h"

/* Of Windows' tpmvscmgr. */
static const char pin_text[] = "12345678";
static const char puk_text[] = "12345678";
static const uint8_t admin_octets[DEFAULT_ADMIN_KEY_OCTETS] = { 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4,
	5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8 };

bool
default_pin(struct secret *out)
{
	return secret_set(out, rbuf_str(pin_text));
}

bool
default_puk(struct secret *out)
{
	return secret_set(out, rbuf_str(puk_text));
}

bool
default_admin_key(size_t octets, struct secret *out)
{
	struct rbuf all = rbuf_of(admin_octets, sizeof admin_octets), first;

	return rbuf_take(&all, octets, &first) && secret_set(out, first);
}

enum store_err
defaults_write(struct store *store, const struct card_request *request)
{
	const struct {
		uint8_t id;
		const struct secret *given;
	} rows[] = {
		{ 0x80, request->pin },
		{ 0x81, request->puk },
		{ 0x9b, request->admin_key },
	};
	enum store_err err = STORE_OK;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0] && err == STORE_OK; i++) {
		if (rows[i].given != NULL &&
		    default_is(rows[i].id, secret_view(rows[i].given)))
			err = store_put(store, STORE_DEFAULT, rows[i].id, rbuf_str("default\n"));
	}
	return err;
}
