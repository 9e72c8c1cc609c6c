/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/attacker.h"

#include <string.h>

#include "tests/suite.h"

struct cardtpm c;
struct tpm *attacker;
ESYS_CONTEXT *esys;
struct record record;

/* Wait for the turn, and begin it. */
static void
begin(void)
{
	attacker = tpm_new(&c.config);
	ck_assert_ptr_nonnull(attacker);
	ck_assert_uint_eq(link_begin(attacker, 60, NULL), TSS2_RC_SUCCESS);
	esys = cardtpm_esys(attacker);
}

void
attack_begin(void)
{
	ck_assert(record_read(wbuf_view(&c.record), &record));
	begin();
}

void
attack_end(void)
{
	Esys_Finalize(&esys);
	link_end(attacker);
	tpm_free(attacker);
	attacker = NULL;
}

void
attack_setup(void)
{
	cardtpm_begin(&c, &cardtpm_usual);
}

void
attack_teardown(void)
{
	cardtpm_end(&c);
}

/* An unsalted session; nonce NULL: nonces of a digest's length. */
static ESYS_TR
start(TPM2_SE type, const TPM2B_NONCE *nonce, TPMA_SESSION more)
{
	const TPMT_SYM_DEF aes = {
		.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB
	};
	ESYS_TR session = ESYS_TR_NONE;

	ck_assert_uint_eq(Esys_StartAuthSession(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
			      ESYS_TR_NONE, ESYS_TR_NONE, nonce, type, &aes, TPM2_ALG_SHA256,
			      &session), 0);
	ck_assert_uint_eq(Esys_TRSess_SetAttributes(esys, session,
			      TPMA_SESSION_CONTINUESESSION | more, 0xff), 0);
	return session;
}

ESYS_TR
policy_session(TPMA_SESSION more)
{
	return start(TPM2_SE_POLICY, NULL, more);
}

ESYS_TR
policy_session_short(void)
{
	const TPM2B_NONCE nonce = { .size = 16, .buffer = "short and public" };

	return start(TPM2_SE_POLICY, &nonce, 0);
}

void
discard(ESYS_TR *what)
{
	ck_assert_uint_eq(Esys_FlushContext(esys, *what), 0);
	*what = ESYS_TR_NONE;
}

ESYS_TR
object_at(TPM2_HANDLE handle)
{
	ESYS_TR object = ESYS_TR_NONE;

	ck_assert_uint_eq(Esys_TR_FromTPMPublic(esys, handle, ESYS_TR_NONE, ESYS_TR_NONE,
			      ESYS_TR_NONE, &object), TSS2_RC_SUCCESS);
	return object;
}

TSS2_RC
authorize_as(const struct record *whose, enum approval_id id, const char *ref, ESYS_TR session)
{
	const TPM2B_NAME k_name = name_tpm2b(&whose->k_name);
	const TPM2B_PUBLIC area = authority_template(&whose->k);
	const TPM2B_NONCE policy_ref = nonce_tpm2b(rbuf_str(ref));
	const TPMT_SIGNATURE sig = authority_tpmt(&whose->approval[id]);
	TPMT_TK_VERIFIED *verified = NULL;
	ESYS_TR key = ESYS_TR_NONE;
	struct digest policy, d;
	TPM2B_DIGEST approved, ahash;
	TSS2_RC rc;

	ck_assert(record_approved_policy(whose, id, &policy));
	ck_assert(approval_digest(&policy, ref, &d));
	approved = digest_tpm2b(&policy);
	ahash = digest_tpm2b(&d);
	ck_assert_uint_eq(Esys_LoadExternal(esys, ESYS_TR_NONE, ESYS_TR_NONE,
			      ESYS_TR_NONE, NULL, &area, ESYS_TR_RH_OWNER, &key), 0);
	rc = Esys_VerifySignature(esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
	    &ahash, &sig, &verified);
	discard(&key);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_PolicyAuthorize(esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
		    ESYS_TR_NONE, &approved, &policy_ref, &k_name, verified);
	Esys_Free(verified);
	return rc;
}

TSS2_RC
authorize(enum approval_id id, ESYS_TR session)
{
	return authorize_as(&record, id, index_label(approval_target(id)), session);
}

void
auth_of(enum card_index which, const char *value, struct secret *auth)
{
	SECRET(s);

	ck_assert(secret_set(&s, rbuf_str(value)));
	ck_assert(reference_auth(&record, which, &s, auth));
}

TSS2_RC
prove(enum card_index which, const char *value, ESYS_TR session, const char *purpose,
    int32_t expiration, struct ticket *ticket)
{
	const ESYS_TR index = object_at(record.index[which].handle);
	const TPM2B_NONCE ref = nonce_tpm2b(rbuf_str(purpose));
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	ESYS_TR hmac = start(TPM2_SE_HMAC, NULL, 0);
	TPM2B_NONCE *nonce = NULL;
	TPM2B_TIMEOUT *timeout = NULL;
	TPMT_TK_AUTH *proof = NULL;
	TPM2B_AUTH known;
	TSS2_RC rc;
	SECRET(auth);

	auth_of(which, value, &auth);
	known = nonce_tpm2b(secret_view(&auth));
	ck_assert_uint_eq(Esys_TR_SetAuth(esys, index, &known), 0);
	ck_assert_uint_eq(Esys_TRSess_GetNonceTPM(esys, session, &nonce), 0);
	rc = Esys_PolicySecret(esys, index, session, hmac, ESYS_TR_NONE, ESYS_TR_NONE, nonce,
	    &no_cphash, &ref, expiration, &timeout, &proof);
	if (rc == TSS2_RC_SUCCESS && ticket != NULL)
		*ticket = (struct ticket){ .held = true, .timeout = *timeout, .ticket = *proof };
	Esys_Free(nonce);
	Esys_Free(timeout);
	Esys_Free(proof);
	discard(&hmac);
	return rc;
}

ESYS_TR
reset_session(void)
{
	ESYS_TR session = policy_session(0);
	struct digest cphash;
	TPM2B_DIGEST restricted;

	ck_assert_uint_eq(prove(INDEX_PUK, CARDTPM_PUK, session, "unblock", 0, NULL), 0);
	ck_assert(cphash_reset_count(&record.name[INDEX_PIN], &cphash));
	restricted = digest_tpm2b(&cphash);
	ck_assert_uint_eq(Esys_PolicyCpHash(esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
			      &restricted), 0);
	ck_assert_uint_eq(authorize(COUNT_BY_PUK, session), 0);
	return session;
}

TSS2_RC
write_count(ESYS_TR session, const TPM2B_MAX_NV_BUFFER *data, UINT16 offset)
{
	const ESYS_TR index = object_at(record.index[INDEX_PIN].handle);

	return Esys_NV_Write(esys, index, index, session, ESYS_TR_NONE, ESYS_TR_NONE, data, offset);
}

TSS2_RC
change_auth(TPM2_HANDLE handle, ESYS_TR session, const char *value)
{
	const TPM2B_AUTH fresh = nonce_tpm2b(rbuf_str(value));

	return Esys_NV_ChangeAuth(esys, object_at(handle), session, ESYS_TR_NONE,
	    ESYS_TR_NONE, &fresh);
}

void
unharmed(void)
{
	struct tries tries = { .left = 0 };

	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_OK);
	ck_assert_uint_eq(tries.left, 5);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
}

void
undefine(TPM2_HANDLE handle)
{
	ck_assert_uint_eq(Esys_NV_UndefineSpace(esys, ESYS_TR_RH_OWNER, object_at(handle),
			      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE), 0);
}

ESYS_TR
define(enum card_index which, TPMA_NV more, const struct secret *auth)
{
	const TPM2B_AUTH value = nonce_tpm2b(secret_view(auth));
	TPM2B_NV_PUBLIC area = { .size = 0 };
	ESYS_TR index = ESYS_TR_NONE;

	ck_assert(record_nv_public(&record, which, false, &area.nvPublic));
	area.nvPublic.attributes |= more;
	ck_assert_uint_eq(Esys_NV_DefineSpace(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
			      ESYS_TR_NONE, ESYS_TR_NONE, &value, &area, &index), 0);
	return index;
}

TPM2B_PUBLIC
storage_key_template(void)
{
	return (TPM2B_PUBLIC){ .publicArea = {
		.type = TPM2_ALG_ECC, .nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
		    TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA |
		    TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
		.parameters.eccDetail = {
			.symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128,
			    .mode.aes = TPM2_ALG_CFB },
			.scheme.scheme = TPM2_ALG_NULL, .curveID = TPM2_ECC_NIST_P256,
			.kdf.scheme = TPM2_ALG_NULL },
	} };
}

void
provision_template(TPM2_HANDLE handle, const TPM2B_PUBLIC *template)
{
	const TPM2B_SENSITIVE_CREATE none = { .size = 0 };
	const TPML_PCR_SELECTION no_pcr = { .count = 0 };
	const TPM2B_DATA no_info = { .size = 0 };
	ESYS_TR key = ESYS_TR_NONE, kept = ESYS_TR_NONE;

	begin();
	if (Esys_TR_FromTPMPublic(esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		&kept) == TSS2_RC_SUCCESS)
		ck_assert_uint_eq(Esys_EvictControl(esys, ESYS_TR_RH_OWNER, kept,
				      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, handle, &kept), 0);
	ck_assert_uint_eq(Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
			      ESYS_TR_NONE, ESYS_TR_NONE, &none, template, &no_info, &no_pcr, &key,
			      NULL, NULL, NULL, NULL), 0);
	ck_assert_uint_eq(Esys_EvictControl(esys, ESYS_TR_RH_OWNER, key, ESYS_TR_PASSWORD,
			      ESYS_TR_NONE, ESYS_TR_NONE, handle, &kept), 0);
	discard(&key);
	attack_end();
}

void
provision(TPM2_HANDLE handle, TPMA_OBJECT without, uint8_t unique)
{
	TPM2B_PUBLIC template = storage_key_template();

	template.publicArea.objectAttributes &= ~without;
	template.publicArea.unique.ecc.x = (TPM2B_ECC_PARAMETER){ .size = 32, .buffer = { unique } };
	template.publicArea.unique.ecc.y = (TPM2B_ECC_PARAMETER){ .size = 32 };
	provision_template(handle, &template);
}

void
swap_point(uint8_t *answer, size_t len)
{
	static struct authority *mine;
	struct authority_public point;
	struct rbuf in = rbuf_of(answer, len), skip, area;
	struct digest d;
	uint16_t size;

	/* Header, TPM2B_PUBLIC whose end is the point, name, qualifiedName. */
	ck_assert(rbuf_take(&in, 10, &skip) && rbuf_u16(&in, &size) && rbuf_take(&in, size, &area) &&
	    in.len == 2 * (2 + NAME_OCTETS) && area.len > 2 * (2 + P256_OCTETS));
	if (mine == NULL)
		mine = authority_new();
	ck_assert_ptr_nonnull(mine);
	authority_public(mine, &point);
	memcpy(answer + 12 + size - P256_OCTETS, point.y, P256_OCTETS);
	memcpy(answer + 12 + size - 2 * P256_OCTETS - 2, point.x, P256_OCTETS);
	ck_assert(digest_of(&area, 1, &d));
	memcpy(answer + 12 + size + 4, d.octets, sizeof d.octets);
}

void
life_is_zero(ESYS_TR session)
{
	const ESYS_TR life = object_at(record.index[INDEX_LIFE].handle);
	const TPM2B_OPERAND zeros = { .size = 8 };

	ck_assert_uint_eq(Esys_PolicyNV(esys, life, life, session, ESYS_TR_PASSWORD,
			      ESYS_TR_NONE, ESYS_TR_NONE, &zeros, 0, TPM2_EO_EQ), 0);
}
