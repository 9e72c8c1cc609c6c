/* SPDX-License-Identifier: BSD-2-Clause */
/* Bringing a private key into the TPM. */
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

/*
 * The card's storage key, to encrypt to.  It is read again, so it is checked
 * again: to another's key the private key would be a present.
 */
static TSS2_RC
read_parent(struct tpm_vault *v, TPMT_PUBLIC *out)
{
	TPM2B_PUBLIC *area = NULL;
	struct name name;
	TSS2_RC rc;

	rc = Esys_ReadPublic(v->card.tpm->esys, v->card.parent, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &area, NULL, NULL);
	if (rc == TSS2_RC_SUCCESS &&
	    (!name_of_object(&area->publicArea, &name) ||
		!rbuf_eq(name_view(&name), name_view(&v->record.parent.name))))
		rc = RC_IMPOSTOR;
	if (rc == TSS2_RC_SUCCESS)
		*out = area->publicArea;
	Esys_Free(area);
	return rc;
}

/* What comes out must be a key the TPM loads: the caller may replace another with it. */
static TSS2_RC
try_load(struct tpm_vault *v, ESYS_TR session, const struct keyfile *key)
{
	ESYS_TR loaded = ESYS_TR_NONE;
	TSS2_RC rc;

	rc = Esys_Load(v->card.tpm->esys, v->card.parent, session, ESYS_TR_NONE, ESYS_TR_NONE,
	    &key->private_area, &key->public_area, &loaded);
	session_end(v->card.tpm, &loaded);
	return rc;
}

static TSS2_RC
step_import(struct tpm_vault *v, void *context)
{
	const TPMT_SYM_DEF_OBJECT no_inner = { .algorithm = TPM2_ALG_NULL };
	const TPM2B_DATA no_inner_key = { .size = 0 };
	struct import *i = context;
	TPM2B_PRIVATE *private_area = NULL;
	ESYS_TR session = ESYS_TR_NONE;
	struct wrapped wrapped;
	TPMT_PUBLIC parent;
	struct digest policy;
	TPM2B_PUBLIC area;
	TSS2_RC rc;

	if (!record_key_policy(&v->record, i->rule, &policy) ||
	    !key_template(i->algorithm, ORIGIN_IMPORTED, &policy, &area))
		return RC_CRYPTO;
	area.publicArea.unique = i->id;
	rc = read_parent(v, &parent);
	if (rc == TSS2_RC_SUCCESS)
		rc = wrap(&parent, &area.publicArea, &i->part, &wrapped);
	/* Salted, so that what comes back is the TPM's own. */
	if (rc == TSS2_RC_SUCCESS)
		rc = session_start(v->card.tpm, v->card.parent, TPM2_SE_HMAC, 0, &session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Import(v->card.tpm->esys, v->card.parent, session, ESYS_TR_NONE,
		    ESYS_TR_NONE, &no_inner_key, &area, &wrapped.duplicate, &wrapped.seed,
		    &no_inner, &private_area);
	if (rc == TSS2_RC_SUCCESS) {
		i->key = (struct keyfile){ .parent = v->record.parent.handle, .public_area = area,
			.private_area = *private_area };
		rc = try_load(v, session, &i->key);
	}
	Esys_Free(private_area);
	session_end(v->card.tpm, &session);
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
