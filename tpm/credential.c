/* SPDX-License-Identifier: BSD-2-Clause */
/* TPM2_MakeCredential without a TPM. */
#include "tpm/area.h"
#include "tpm/evidence.h"
#include "tpm/seed.h"
#include "tpm/wrap.h"

#define EK_ATTRIBUTES (TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)

/* Whether the area is of a key that a credential can be made for. */
static bool
is_ek(const TPMT_PUBLIC *area)
{
	const TPMA_OBJECT use = area->objectAttributes & (EK_ATTRIBUTES | TPMA_OBJECT_SIGN_ENCRYPT);
	const bool kind = area->type == TPM2_ALG_RSA
	    ? area->parameters.rsaDetail.keyBits == 2048
	    : area->type == TPM2_ALG_ECC &&
		(area->parameters.eccDetail.curveID == TPM2_ECC_NIST_P256 ||
		    area->parameters.eccDetail.curveID == TPM2_ECC_NIST_P384);

	return kind && use == EK_ATTRIBUTES;
}

/* Append octets with their length before them, as a TPM2B. */
static void
put_tpm2b(struct wbuf *out, struct rbuf octets)
{
	wbuf_u16(out, (uint16_t)octets.len);
	wbuf_put(out, octets);
}

/* The secret as TPM2B_DIGEST: what is encrypted. */
static bool
clear_of(const struct secret *secret, struct secret *out)
{
	struct wbuf w = wbuf_over(out->data, sizeof out->data);

	put_tpm2b(&w, secret_view(secret));
	out->len = w.len;
	return wbuf_ok(&w);
}

bool
credential_make(struct rbuf ek_area, struct rbuf ak_area, const struct secret *secret,
    struct wbuf *blob, struct wbuf *encrypted)
{
	uint8_t octets[CREDENTIAL_OCTETS_MAX];
	struct wbuf id = wbuf_over(octets, sizeof octets);
	TPM2B_ENCRYPTED_SECRET seed = { .size = 0 };
	TPMT_PUBLIC ek, ak;
	struct name name;
	SECRET(clear);

	if (secret->len == 0 || secret->len > CREDENTIAL_SECRET_MAX ||
	    !area_read_object(ek_area, &ek) || !area_read_object(ak_area, &ak) || !is_ek(&ek) ||
	    !name_of_object(&ak, &name) || !clear_of(secret, &clear) ||
	    wrap_octets(&ek, SEED_OF_CREDENTIAL, &name, secret_view(&clear), &id, &seed) !=
		TSS2_RC_SUCCESS)
		return false;
	put_tpm2b(blob, wbuf_view(&id));
	put_tpm2b(encrypted, rbuf_of(seed.secret, seed.size));
	return wbuf_ok(blob) && wbuf_ok(encrypted);
}
