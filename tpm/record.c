/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/record.h"

#include <string.h>

#define RECORD_MAGIC "TPMVSC card"
#define RECORD_VERSION 1
#define CLAIMS_VERSION 1

/* Signed before the record's octets: no approval or PolicySigned hash can begin like this and be as long. */
#define RECORD_DOMAIN "tpmvsc: record of a card, not an approval\n"

static const char *const labels[INDEX_COUNT] = {
	[INDEX_PIN] = "PIN",
	[INDEX_PUK] = "PUK",
	[INDEX_ADMIN] = "ADMIN",
	[INDEX_LIFE] = "LIFE",
};

/* Nothing else, ever: OWNERWRITE, AUTHWRITE, POLICYREAD or WRITEALL would each break the card (tpm/README.md). */
#define COUNTER_ATTRIBUTES                                                                         \
	((TPMA_NV)TPM2_NT_PIN_FAIL << TPMA_NV_TPM2_NT_SHIFT | TPMA_NV_NO_DA | TPMA_NV_OWNERREAD | \
	    TPMA_NV_POLICYWRITE)
#define LIFE_ATTRIBUTES (TPMA_NV_NO_DA | TPMA_NV_AUTHREAD | TPMA_NV_POLICYWRITE)

enum approved_command { CHANGE_AUTH, RESET_COUNT };

static const struct {
	enum card_index target, prover;
	const char *purpose;
	enum approved_command command;
} approvals[APPROVAL_COUNT] = {
	[PIN_BY_PIN] = { INDEX_PIN, INDEX_PIN, "change", CHANGE_AUTH },
	[PIN_BY_PUK] = { INDEX_PIN, INDEX_PUK, "unblock", CHANGE_AUTH },
	[PIN_BY_ADMIN] = { INDEX_PIN, INDEX_ADMIN, "unblock", CHANGE_AUTH },
	[PUK_BY_PUK] = { INDEX_PUK, INDEX_PUK, "change", CHANGE_AUTH },
	[ADMIN_BY_ADMIN] = { INDEX_ADMIN, INDEX_ADMIN, "change", CHANGE_AUTH },
	[COUNT_BY_PUK] = { INDEX_PIN, INDEX_PUK, "unblock", RESET_COUNT },
	[COUNT_BY_ADMIN] = { INDEX_PIN, INDEX_ADMIN, "unblock", RESET_COUNT },
};

const char *
index_label(enum card_index which)
{
	return labels[which];
}

enum card_index
approval_target(enum approval_id id)
{
	return approvals[id].target;
}

enum card_index
approval_prover(enum approval_id id)
{
	return approvals[id].prover;
}

const char *
approval_purpose(enum approval_id id)
{
	return approvals[id].purpose;
}

bool
record_nv_public(const struct record *r, enum card_index which, bool written, TPMS_NV_PUBLIC *out)
{
	struct policy p = policy_new();
	struct digest d;

	policy_authorize(&p, &r->k_name, index_label(which));
	if (!policy_digest(&p, &d))
		return false;
	*out = (TPMS_NV_PUBLIC){
		.nvIndex = r->index[which].handle,
		.nameAlg = TPM2_ALG_SHA256,
		.attributes = (which == INDEX_LIFE ? LIFE_ATTRIBUTES : COUNTER_ATTRIBUTES) |
		    (written ? TPMA_NV_WRITTEN : 0U),
		.authPolicy = digest_tpm2b(&d),
		.dataSize = 8,
	};
	return true;
}

bool
record_complete(struct record *r)
{
	TPMS_NV_PUBLIC area;
	int i;

	if (!authority_name(&r->k, &r->k_name))
		return false;
	for (i = 0; i < INDEX_COUNT; i++) {
		if (!record_nv_public(r, (enum card_index)i, true, &area) ||
		    !name_of_index(&area, &r->name[i]))
			return false;
	}
	return true;
}

bool
record_approved_policy(const struct record *r, enum approval_id id, struct digest *out)
{
	struct policy p = policy_new();
	struct digest cphash;

	policy_secret(&p, &r->name[approvals[id].prover], approvals[id].purpose);
	if (approvals[id].command == CHANGE_AUTH) {
		policy_command_code(&p, TPM2_CC_NV_ChangeAuth);
	} else {
		if (!cphash_reset_count(&r->name[approvals[id].target], &cphash))
			return false;
		policy_cphash(&p, &cphash);
	}
	return policy_digest(&p, out);
}

bool
record_key_policy(const struct record *r, enum pin_rule rule, struct digest *out)
{
	struct policy p = policy_new();

	if (rule == PIN_NEVER)
		policy_nv_zero(&p, &r->name[INDEX_LIFE]);
	else
		policy_secret(&p, &r->name[INDEX_PIN], rule == PIN_ALWAYS ? "always" : "use");
	return policy_digest(&p, out);
}

static void
write_parent(const struct parent *parent, struct wbuf *out)
{
	wbuf_u32(out, parent->handle);
	wbuf_u8(out, parent->ours);
	wbuf_put(out, name_view(&parent->name));
}

/* A flag is 0 or 1: one card has one record, octet for octet. */
static bool
read_flag(struct rbuf *in, bool *out)
{
	uint8_t flag;

	if (!rbuf_u8(in, &flag) || flag > 1)
		return false;
	*out = flag == 1;
	return true;
}

/* A file that calls somebody else's key ours would have it evicted. */
static bool
read_parent(struct rbuf *in, struct parent *out)
{
	return rbuf_u32(in, &out->handle) && read_flag(in, &out->ours) &&
	    rbuf_copy(in, out->name.octets, sizeof out->name.octets) &&
	    (!out->ours || (out->handle >= PARENT_FIRST && out->handle < PARENT_END));
}

static bool
is_index_handle(TPM2_HANDLE handle)
{
	return handle >= INDEX_FIRST && handle < INDEX_END;
}

static void
write_body(const struct record *r, struct wbuf *out)
{
	int i;

	wbuf_put(out, rbuf_str(RECORD_MAGIC));
	wbuf_u8(out, RECORD_VERSION);
	write_parent(&r->parent, out);
	wbuf_put(out, rbuf_of(r->k.x, sizeof r->k.x));
	wbuf_put(out, rbuf_of(r->k.y, sizeof r->k.y));
	wbuf_u8(out, r->scrypt_log_n);
	wbuf_u8(out, r->scrypt_r);
	wbuf_u8(out, r->scrypt_p);
	for (i = 0; i < INDEX_COUNT; i++) {
		wbuf_u8(out, r->index[i].present);
		wbuf_u32(out, r->index[i].handle);
		wbuf_u32(out, r->index[i].limit);
		wbuf_put(out, rbuf_of(r->index[i].salt, SALT_OCTETS));
	}
	for (i = 0; i < APPROVAL_COUNT; i++) {
		wbuf_u8(out, r->approved[i]);
		wbuf_put(out, rbuf_of(&r->approval[i], sizeof r->approval[i]));
	}
	wbuf_u16(out, (uint16_t)r->profile_len);
	wbuf_put(out, rbuf_of(r->profile, r->profile_len));
}

static bool
body_digest(struct rbuf body, struct digest *out)
{
	struct rbuf parts[2] = { rbuf_str(RECORD_DOMAIN), body };

	return digest_of(parts, 2, out);
}

bool
record_write(const struct record *r, const struct authority *k, struct wbuf *out)
{
	size_t begin = out->len;
	struct authority_signature sig;
	struct rbuf body, before;
	struct digest d;

	write_body(r, out);
	body = wbuf_view(out);
	if (!rbuf_take(&body, begin, &before) || !body_digest(body, &d) ||
	    !authority_sign(k, &d, &sig))
		return false;
	wbuf_put(out, rbuf_of(&sig, sizeof sig));
	return true;
}

static bool
read_index(struct rbuf *in, struct record_index *out)
{
	return read_flag(in, &out->present) && rbuf_u32(in, &out->handle) &&
	    rbuf_u32(in, &out->limit) && rbuf_copy(in, out->salt, SALT_OCTETS) &&
	    (!out->present || is_index_handle(out->handle));
}

static bool
read_body(struct rbuf *in, struct record *r)
{
	struct rbuf magic;
	uint16_t profile_len;
	uint8_t version;
	int i;

	if (!rbuf_take(in, strlen(RECORD_MAGIC), &magic) ||
	    !rbuf_eq(magic, rbuf_str(RECORD_MAGIC)) || !rbuf_u8(in, &version) ||
	    version != RECORD_VERSION || !read_parent(in, &r->parent) ||
	    !rbuf_copy(in, r->k.x, sizeof r->k.x) || !rbuf_copy(in, r->k.y, sizeof r->k.y) ||
	    !rbuf_u8(in, &r->scrypt_log_n) || !rbuf_u8(in, &r->scrypt_r) ||
	    !rbuf_u8(in, &r->scrypt_p))
		return false;
	for (i = 0; i < INDEX_COUNT; i++) {
		if (!read_index(in, &r->index[i]))
			return false;
	}
	for (i = 0; i < APPROVAL_COUNT; i++) {
		if (!read_flag(in, &r->approved[i]) ||
		    !rbuf_copy(in, &r->approval[i], sizeof r->approval[i]))
			return false;
	}
	if (!rbuf_u16(in, &profile_len) || profile_len > PROFILE_MAX ||
	    !rbuf_copy(in, r->profile, profile_len))
		return false;
	r->profile_len = profile_len;
	return r->index[INDEX_PIN].present && r->index[INDEX_LIFE].present;
}

bool
record_read(struct rbuf in, struct record *out)
{
	struct authority_signature sig;
	struct rbuf rest = in, body;
	struct digest d;

	memset(out, 0, sizeof *out);
	return read_body(&rest, out) && rest.len == sizeof sig &&
	    rbuf_take(&in, in.len - sizeof sig, &body) && rbuf_copy(&in, &sig, sizeof sig) &&
	    body_digest(body, &d) && authority_verify(&out->k, &d, &sig) && record_complete(out);
}

bool
claims_fit(const TPMS_NV_PUBLIC *area, const struct digest *policy)
{
	const TPMA_NV attributes = area->attributes & ~(TPMA_NV)TPMA_NV_WRITTEN;

	return (attributes == COUNTER_ATTRIBUTES || attributes == LIFE_ATTRIBUTES) &&
	    area->dataSize == 8 &&
	    rbuf_eq(rbuf_of(area->authPolicy.buffer, area->authPolicy.size), digest_view(policy));
}

bool
claims_of(const struct record *r, struct claims *out)
{
	TPMS_NV_PUBLIC area;
	struct rbuf policy;
	int i;

	memset(out, 0, sizeof *out);
	out->parent = r->parent;
	for (i = 0; i < INDEX_COUNT; i++) {
		if (!r->index[i].present)
			continue;
		if (!record_nv_public(r, (enum card_index)i, true, &area))
			return false;
		policy = rbuf_of(area.authPolicy.buffer, area.authPolicy.size);
		if (!rbuf_copy(&policy, out->index[out->count].policy.octets,
			sizeof out->index[0].policy.octets))
			return false;
		out->index[out->count].handle = area.nvIndex;
		out->count++;
	}
	return true;
}

void
claims_write(const struct claims *c, struct wbuf *out)
{
	size_t i;

	wbuf_u8(out, CLAIMS_VERSION);
	write_parent(&c->parent, out);
	wbuf_u8(out, (uint8_t)c->count);
	for (i = 0; i < c->count; i++) {
		wbuf_u32(out, c->index[i].handle);
		wbuf_put(out, digest_view(&c->index[i].policy));
	}
}

bool
claims_read(struct rbuf in, struct claims *out)
{
	uint8_t version, count;
	size_t i;

	memset(out, 0, sizeof *out);
	if (!rbuf_u8(&in, &version) || version != CLAIMS_VERSION ||
	    !read_parent(&in, &out->parent) || !rbuf_u8(&in, &count) || count > INDEX_COUNT)
		return false;
	for (i = 0; i < count; i++) {
		if (!rbuf_u32(&in, &out->index[i].handle) ||
		    !is_index_handle(out->index[i].handle) ||
		    !rbuf_copy(&in, out->index[i].policy.octets,
			sizeof out->index[i].policy.octets))
			return false;
	}
	out->count = count;
	return in.len == 0;
}
