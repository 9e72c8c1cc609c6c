/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

#include "applet/defaults.h"

/* The references as the store's notes name them. */
enum { PIN = 0x80, PUK = 0x81, MANAGEMENT_KEY = 0x9b };

bool
default_pin(struct secret *out)
{
	return secret_set(out, default_value(PIN));
}

bool
default_puk(struct secret *out)
{
	return secret_set(out, default_value(PUK));
}

bool
default_admin_key(size_t octets, struct secret *out)
{
	struct rbuf all = default_value(MANAGEMENT_KEY), first;

	return rbuf_take(&all, octets, &first) && secret_set(out, first);
}

enum store_err
defaults_write(struct store *store, const struct card_request *request)
{
	const struct {
		uint8_t id;
		const struct secret *given;
	} rows[] = {
		{ PIN, request->pin },
		{ PUK, request->puk },
		{ MANAGEMENT_KEY, request->admin_key },
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
