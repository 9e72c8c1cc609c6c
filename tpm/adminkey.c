/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/adminkey.h"

#include <string.h>

#include "tpm/probe.h"
#include "tpm/rc.h"

/* ESYS keeps what is to be created until it is asked to create something else. */
static void
forget_sensitive(ESYS_CONTEXT *esys, const TPM2B_PUBLIC *area)
{
	const TPM2B_SENSITIVE_CREATE nothing = { .size = 0 };
	const TPML_PCR_SELECTION no_pcr = { .count = 0 };
	const TPM2B_DATA no_info = { .size = 0 };

	(void)Esys_Create_Async(esys, HANDLE_UNKNOWN, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
	    &nothing, area, &no_info, &no_pcr);
}

TSS2_RC
admin_key_make(const struct card_tpm *card, uint8_t algorithm, enum pin_rule rule,
    const struct secret *octets, struct keyfile *out)
{
	const bool aes = algorithm == ALG_AES_128 || algorithm == ALG_AES_256;
	const TPML_PCR_SELECTION no_pcr = { .count = 0 };
	const TPM2B_DATA no_info = { .size = 0 };
	TPM2B_SENSITIVE_CREATE sensitive = { .size = 0 };
	struct wbuf data = wbuf_over(sensitive.sensitive.data.buffer, SECRET_MAX);
	TPM2B_PRIVATE *private_area = NULL;
	TPM2B_PUBLIC *public_area = NULL, area;
	ESYS_TR session = ESYS_TR_NONE;
	TSS2_RC rc = TSS2_RC_SUCCESS;
	struct digest policy;
	bool in_tpm = false;

	if (!record_key_policy(card->record, rule, &policy))
		return RC_CRYPTO;
	if (aes && rule == PIN_NEVER)
		rc = probe_command(card->tpm, TPM2_CC_EncryptDecrypt2, &in_tpm);
	area = key_admin_template(algorithm, !in_tpm, &policy);
	if (rc == TSS2_RC_SUCCESS)
		rc = session_start(card->tpm, card->parent, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT,
		    &session);
	wbuf_put(&data, secret_view(octets));
	sensitive.sensitive.data.size = (UINT16)data.len;
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Create(card->tpm->esys, card->parent, session, ESYS_TR_NONE, ESYS_TR_NONE,
		    &sensitive, &area, &no_info, &no_pcr, &private_area, &public_area, NULL, NULL,
		    NULL);
	if (rc == TSS2_RC_SUCCESS)
		*out = (struct keyfile){ .sealed = !in_tpm, .algorithm = in_tpm ? 0 : algorithm,
			.parent = card->record->parent.handle, .public_area = *public_area,
			.private_area = *private_area };
	explicit_bzero(&sensitive, sizeof sensitive);
	forget_sensitive(card->tpm->esys, &area);
	Esys_Free(private_area);
	Esys_Free(public_area);
	session_end(card->tpm, &session);
	return rc;
}
