/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/ak.h"

#include "applet/keyrefs.h"
#include "applet/tlv.h"
#include "tpm/certify.h"

#define ATTESTATION_CERTIFICATE 0x5fff01

/* What is around a certificate in its data object: that it is not compressed (71), and no check value (FE). */
#define AROUND_MAX 16

enum store_err
ak_keep(struct vault *vault, struct store *store, struct rbuf ak)
{
	static const uint8_t plain = 0;
	uint8_t octets[VAULT_CERTIFICATE_MAX], object_octets[VAULT_CERTIFICATE_MAX + AROUND_MAX];
	struct wbuf certificate = wbuf_over(octets, sizeof octets);
	struct wbuf object = wbuf_over(object_octets, sizeof object_octets);
	enum store_err err;

	if (certify_self(vault, ak, &certificate) != VAULT_OK)
		return STORE_FAULT;
	tlv_put(&object, 0x70, wbuf_view(&certificate));
	tlv_put(&object, 0x71, rbuf_of(&plain, 1));
	tlv_put(&object, 0xfe, rbuf_of(NULL, 0));
	if (!wbuf_ok(&object))
		return STORE_FAULT;
	err = store_put(store, STORE_OBJECT, ATTESTATION_CERTIFICATE, wbuf_view(&object));
	return err == STORE_OK ? store_put(store, STORE_KEY, KEYREF_ATTESTATION, ak) : err;
}
