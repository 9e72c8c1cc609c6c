/* SPDX-License-Identifier: BSD-2-Clause */
/* Bringing a private key into the TPM. */
#include "tpm/command.h"
#include "tpm/probe.h"
#include "tpm/rc.h"
#include "tpm/vault.h"
#include "tpm/wrap.h"

struct import {
	uint8_t algorithm;
	enum pin_rule rule;
	TPMU_PUBLIC_ID id;
	struct private_part part;
	struct keyfile key;
};

static void
import_clear(struct import *i)
{
	private_part_clear(&i->part);
}

static TSS2_RC
step_offered(struct tpm_vault *v, void *context)
{
	const struct import *i = context;

	return probe_algorithm(v->card.tpm, i->algorithm);
}

/* Import under the card's storage key, whose public area was compared with the Name that is pinned. */
static TSS2_RC
import(struct tpm_vault *v, struct session *session, const TPM2B_PUBLIC *area,
    const struct wrapped *wrapped, TPM2B_PRIVATE *out)
{
	const TPMT_SYM_DEF_OBJECT no_inner = { .algorithm = TPM2_ALG_NULL };
	const TPM2B_DATA no_inner_key = { .size = 0 };
	const struct storage_key *parent = &v->card.storage;
	const struct command c = { .entities = { { parent->handle, &parent->name } },
		.by = { { .session = session } } };
	TSS2_SYS_CONTEXT *sys = v->card.tpm->sys;
	TSS2_RC rc;

	rc = Tss2_Sys_Import_Prepare(sys, parent->handle, &no_inner_key, area, &wrapped->duplicate,
	    &wrapped->seed, &no_inner);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, &c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Import_Complete(sys, out);
	return rc;
}

/* What comes out must be a key the TPM loads: the caller may replace another with it. */
static TSS2_RC
try_load(struct tpm_vault *v, struct session *session, const struct keyfile *key)
{
	const struct storage_key *parent = &v->card.storage;
	const struct command c = { .entities = { { parent->handle, &parent->name } },
		.by = { { .session = session, .last = true } } };
	TSS2_SYS_CONTEXT *sys = v->card.tpm->sys;
	TPM2_HANDLE loaded = 0;
	TSS2_RC rc;

	rc = Tss2_Sys_Load_Prepare(sys, parent->handle, &key->private_area, &key->public_area);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(v->card.tpm, &c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Load_Complete(sys, &loaded, NULL);
	handle_flush(v->card.tpm, &loaded);
	return rc;
}

static TSS2_RC
step_import(struct tpm_vault *v, void *context)
{
	struct import *i = context;
	struct wrapped wrapped;
	struct digest policy;
	TPM2B_PUBLIC area;
	SESSION(session);
	TSS2_RC rc;

	if (!record_key_policy(&v->record, i->rule, &policy) ||
	    !key_template(i->algorithm, ORIGIN_IMPORTED, &policy, &area))
		return RC_CRYPTO;
	area.publicArea.unique = i->id;
	i->key = (struct keyfile){ .parent = v->record.parent.handle, .public_area = area };
	rc = wrap(&v->card.storage.area, &area.publicArea, &i->part, &wrapped);
	/* Salted, so that what comes back is the TPM's own. */
	if (rc == TSS2_RC_SUCCESS)
		rc = session_open(v->card.tpm, &v->card.storage, TPM2_SE_HMAC, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = import(v, &session, &area, &wrapped, &i->key.private_area);
	if (rc == TSS2_RC_SUCCESS)
		rc = try_load(v, &session, &i->key);
	session_close(v->card.tpm, &session);
	return rc;
}

enum vault_err
import_key(struct vault *vault, uint8_t algorithm, enum pin_rule rule,
    const struct key_parts *parts, struct wbuf *key)
{
	__attribute__((cleanup(import_clear))) struct import i = { .algorithm = algorithm,
		.rule = rule };
	struct tpm_vault *v = (struct tpm_vault *)vault;
	const size_t begin = key->len;
	enum vault_err err;

	err = vault_run(v, "import a key", LINK_SECONDS, true, step_offered, &i);
	/* Looking for primes takes a while: the TPM is others' meanwhile. */
	if (err == VAULT_OK)
		err = vault_err_from_rc("import a key", parts_take(algorithm, parts, &i.id, &i.part));
	if (err == VAULT_OK)
		err = vault_run(v, "import a key", LINK_SECONDS_SECRET, true, step_import, &i);
	if (err != VAULT_OK)
		return err;
	if (!keyfile_write(&i.key, key) || !wbuf_ok(key)) {
		wbuf_truncate(key, begin);
		return VAULT_FAULT;
	}
	return VAULT_OK;
}
