/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/adminkey.h"

#include <string.h>

#include "tpm/command.h"
#include "tpm/probe.h"
#include "tpm/rc.h"

/* Create under the card's parent, whose authorisation is empty; the session keeps the octets secret. */
static TSS2_RC
create(const struct card_tpm *card, struct session *envelope, const struct secret *octets,
    const TPM2B_PUBLIC *area, struct keyfile *out)
{
	const struct storage_key *parent = &card->storage;
	const struct command c = {
		.entities = { { parent->handle, &parent->name } },
		.by = { { .session = envelope, .use = TPMA_SESSION_DECRYPT, .last = true } },
	};
	const TPML_PCR_SELECTION no_pcr = { .count = 0 };
	const TPM2B_DATA no_info = { .size = 0 };
	TPM2B_SENSITIVE_CREATE sensitive = { .size = 0 };
	struct wbuf data = wbuf_over(sensitive.sensitive.data.buffer, SECRET_MAX);
	TSS2_SYS_CONTEXT *sys = card->tpm->sys;
	TSS2_RC rc;

	wbuf_put(&data, secret_view(octets));
	sensitive.sensitive.data.size = (UINT16)data.len;
	rc = Tss2_Sys_Create_Prepare(sys, parent->handle, &sensitive, area, &no_info, &no_pcr);
	explicit_bzero(&sensitive, sizeof sensitive);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(card->tpm, &c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Create_Complete(
		    sys, &out->private_area, &out->public_area, NULL, NULL, NULL);
	return rc;
}

TSS2_RC
admin_key_make_in(const struct card_tpm *card, struct session *envelope, uint8_t algorithm,
    enum pin_rule rule, const struct secret *octets, struct keyfile *out)
{
	const bool aes = algorithm == ALG_AES_128 || algorithm == ALG_AES_256;
	struct keyfile made = { .parent = card->record->parent.handle };
	TSS2_RC rc = TSS2_RC_SUCCESS;
	struct digest policy;
	TPM2B_PUBLIC area;
	bool in_tpm = false;

	if (!record_key_policy(card->record, rule, &policy))
		return RC_CRYPTO;
	if (aes && rule == PIN_NEVER)
		rc = probe_command(card->tpm, TPM2_CC_EncryptDecrypt2, &in_tpm);
	area = key_admin_template(algorithm, !in_tpm, &policy);
	made.sealed = !in_tpm;
	made.algorithm = in_tpm ? 0 : algorithm;
	if (rc == TSS2_RC_SUCCESS)
		rc = create(card, envelope, octets, &area, &made);
	if (rc == TSS2_RC_SUCCESS)
		*out = made;
	return rc;
}

TSS2_RC
admin_key_make(const struct card_tpm *card, uint8_t algorithm, enum pin_rule rule,
    const struct secret *octets, struct keyfile *out)
{
	SESSION(envelope);
	TSS2_RC rc;

	rc = session_open(card->tpm, &card->storage, TPM2_SE_HMAC, &envelope);
	if (rc == TSS2_RC_SUCCESS)
		rc = admin_key_make_in(card, &envelope, algorithm, rule, octets, out);
	session_close(card->tpm, &envelope);
	return rc;
}
