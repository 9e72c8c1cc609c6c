/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <tss2/tss2_mu.h>

struct rbuf
digest_view(const struct digest *d)
{
	return rbuf_of(d->octets, sizeof d->octets);
}

struct rbuf
name_view(const struct name *n)
{
	return rbuf_of(n->octets, sizeof n->octets);
}

/*
 * OpenSSL looks an algorithm up by its name each time, which takes longer than
 * these short texts do: so it is asked once, for the life of the process.
 */
static struct {
	pthread_once_t once;
	EVP_MD *sha256;
	EVP_MAC_CTX *hmac; /* without a key: to be copied */
} algorithms = { .once = PTHREAD_ONCE_INIT };

static void
fetch_algorithms(void)
{
	char name[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;

	algorithms.sha256 = EVP_MD_fetch(NULL, name, NULL);
	if (ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) == 1)
		algorithms.hmac = ctx;
	else
		EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(hmac);
}

bool
digest_of(const struct rbuf *parts, size_t count, struct digest *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct digest d;
	bool ok;
	size_t i;

	(void)pthread_once(&algorithms.once, fetch_algorithms);
	ok = ctx != NULL && algorithms.sha256 != NULL &&
	    EVP_DigestInit_ex2(ctx, algorithms.sha256, NULL) == 1;
	for (i = 0; ok && i < count; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, d.octets, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (ok)
		*out = d;
	return ok;
}

bool
hmac_of(struct rbuf key, struct rbuf octets, struct digest *out)
{
	static const uint8_t no_key[1];
	EVP_MAC_CTX *ctx;
	struct digest d;
	size_t len = 0;
	bool ok;

	(void)pthread_once(&algorithms.once, fetch_algorithms);
	ctx = algorithms.hmac != NULL ? EVP_MAC_CTX_dup(algorithms.hmac) : NULL;
	ok = ctx != NULL &&
	    EVP_MAC_init(ctx, key.len != 0 ? key.data : no_key, key.len, NULL) == 1 &&
	    EVP_MAC_update(ctx, octets.data, octets.len) == 1 &&
	    EVP_MAC_final(ctx, d.octets, &len, sizeof d.octets) == 1 && len == sizeof d.octets;
	EVP_MAC_CTX_free(ctx); /* OpenSSL clears what it has of the key */
	if (ok)
		*out = d;
	return ok;
}

static bool
name_of_octets(struct rbuf octets, struct name *out)
{
	struct digest d;
	struct wbuf w = wbuf_over(out->octets, sizeof out->octets);

	if (!digest_of(&octets, 1, &d))
		return false;
	wbuf_u16(&w, TPM2_ALG_SHA256);
	wbuf_put(&w, digest_view(&d));
	return wbuf_ok(&w);
}

bool
name_of_object(const TPMT_PUBLIC *object, struct name *out)
{
	uint8_t octets[sizeof *object];
	size_t len = 0;

	return object->nameAlg == TPM2_ALG_SHA256 &&
	    Tss2_MU_TPMT_PUBLIC_Marshal(object, octets, sizeof octets, &len) == TSS2_RC_SUCCESS &&
	    name_of_octets(rbuf_of(octets, len), out);
}

bool
name_of_index(const TPMS_NV_PUBLIC *index, struct name *out)
{
	uint8_t octets[sizeof *index];
	size_t len = 0;

	return index->nameAlg == TPM2_ALG_SHA256 &&
	    Tss2_MU_TPMS_NV_PUBLIC_Marshal(index, octets, sizeof octets, &len) ==
		TSS2_RC_SUCCESS &&
	    name_of_octets(rbuf_of(octets, len), out);
}

TPM2B_NAME
name_tpm2b(const struct name *n)
{
	TPM2B_NAME out = { .size = NAME_OCTETS };

	memcpy(out.name, n->octets, NAME_OCTETS);
	return out;
}

TPM2B_DIGEST
digest_tpm2b(const struct digest *d)
{
	TPM2B_DIGEST out = { .size = sizeof d->octets };

	memcpy(out.buffer, d->octets, sizeof d->octets);
	return out;
}

TPM2B_NONCE
nonce_tpm2b(struct rbuf octets)
{
	TPM2B_NONCE out = { .size = 0 };
	struct wbuf w = wbuf_over(out.buffer, sizeof out.buffer);

	wbuf_put(&w, octets);
	out.size = (UINT16)w.len;
	return out;
}

struct policy
policy_new(void)
{
	return (struct policy){ .broken = false };
}

/* policyDigest = H(policyDigest || commandCode || more) */
static void
extend(struct policy *p, TPM2_CC code, struct rbuf more)
{
	uint8_t head[4];
	struct wbuf w = wbuf_over(head, sizeof head);
	struct rbuf parts[3];

	wbuf_u32(&w, code);
	parts[0] = digest_view(&p->digest);
	parts[1] = wbuf_view(&w);
	parts[2] = more;
	if (!digest_of(parts, 3, &p->digest))
		p->broken = true;
}

/* PolicyUpdate(): extend by the Name, then policyDigest = H(policyDigest || policyRef).  Part 3, 23.2.3 */
static void
update(struct policy *p, TPM2_CC code, const struct name *entity, const char *ref)
{
	struct rbuf parts[2];

	extend(p, code, name_view(entity));
	parts[0] = digest_view(&p->digest);
	parts[1] = rbuf_str(ref);
	if (!digest_of(parts, 2, &p->digest))
		p->broken = true;
}

void
policy_secret(struct policy *p, const struct name *entity, const char *ref)
{
	update(p, TPM2_CC_PolicySecret, entity, ref);
}

void
policy_signed(struct policy *p, const struct name *key, const char *ref)
{
	update(p, TPM2_CC_PolicySigned, key, ref);
}

void
policy_authorize(struct policy *p, const struct name *key, const char *ref)
{
	/* PolicyAuthorize begins anew: what was approved is replaced by who approves. */
	p->digest = policy_new().digest;
	update(p, TPM2_CC_PolicyAuthorize, key, ref);
}

void
policy_command_code(struct policy *p, TPM2_CC code)
{
	uint8_t octets[4];
	struct wbuf w = wbuf_over(octets, sizeof octets);

	wbuf_u32(&w, code);
	extend(p, TPM2_CC_PolicyCommandCode, wbuf_view(&w));
}

void
policy_cphash(struct policy *p, const struct digest *cphash)
{
	extend(p, TPM2_CC_PolicyCpHash, digest_view(cphash));
}

void
policy_nv_zero(struct policy *p, const struct name *index)
{
	/* args = H(operandB || offset || operation), Part 3, 23.9 */
	uint8_t operand[8 + 2 + 2], more[sizeof(struct digest) + NAME_OCTETS];
	struct wbuf w = wbuf_over(operand, sizeof operand);
	struct rbuf part;
	struct digest args;

	wbuf_fill(&w, 0, 8);
	wbuf_u16(&w, 0);
	wbuf_u16(&w, TPM2_EO_EQ);
	part = wbuf_view(&w);
	if (!digest_of(&part, 1, &args)) {
		p->broken = true;
		return;
	}
	w = wbuf_over(more, sizeof more);
	wbuf_put(&w, digest_view(&args));
	wbuf_put(&w, name_view(index));
	extend(p, TPM2_CC_PolicyNV, wbuf_view(&w));
}

bool
policy_digest(const struct policy *p, struct digest *out)
{
	if (!p->broken)
		*out = p->digest;
	return !p->broken;
}

bool
cphash_reset_count(const struct name *index, struct digest *out)
{
	uint8_t octets[4 + 2 * NAME_OCTETS + 2 + 4 + 2];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	struct rbuf part;

	wbuf_u32(&w, TPM2_CC_NV_Write);
	wbuf_put(&w, name_view(index)); /* authHandle: the index itself */
	wbuf_put(&w, name_view(index)); /* nvIndex */
	wbuf_u16(&w, 4);
	wbuf_u32(&w, 0);
	wbuf_u16(&w, 0);
	part = wbuf_view(&w);
	return wbuf_ok(&w) && digest_of(&part, 1, out);
}

bool
approval_digest(const struct digest *policy, const char *ref, struct digest *out)
{
	struct rbuf parts[2] = { digest_view(policy), rbuf_str(ref) };

	return digest_of(parts, 2, out);
}

bool
signed_digest(struct rbuf nonce_tpm, int32_t expiration, const char *ref, struct digest *out)
{
	uint8_t octets[4];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	struct rbuf parts[3];

	wbuf_u32(&w, (uint32_t)expiration);
	parts[0] = nonce_tpm;
	parts[1] = wbuf_view(&w);
	parts[2] = rbuf_str(ref);
	return digest_of(parts, 3, out);
}
