/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether evidence holds.  Policies and templates are those that cards are made
 * with: a record is filled in from the evidence, and record.c and key.c say what
 * must be there.
 */
#include <stdio.h>
#include <string.h>

#include "tpm/area.h"
#include "tpm/key.h"
#include "tpm/statement.h"

_Static_assert((int)EVIDENCE_INDICES == (int)INDEX_COUNT, "an area for each index");
_Static_assert((int)EVIDENCE_APPROVALS == (int)APPROVAL_COUNT, "a place for each approval");

/* "the PIN index", "key 9a" */
#define SUBJECT_MAX 32

#define NV_OCTETS 8

struct check {
	const struct evidence *e;
	struct evidence_report *out;
	struct record record; /* of a card that has that authority and these indices */
	struct signer ak;
};

/* ---- the indices' places ---- */

static bool
is_present(const struct check *c, enum card_index which)
{
	return c->e->index[which].area.len != 0;
}

static bool
handle_taken(const struct check *c, enum card_index which)
{
	int i;

	for (i = 0; i < (int)which; i++) {
		if (c->record.index[i].present &&
		    c->record.index[i].handle == c->record.index[which].handle)
			return true;
	}
	return false;
}

/* The one thing a card's index may choose: where it is. */
static void
place_index(struct check *c, enum card_index which)
{
	struct failure *why = &c->out->index[which].fault;
	const char *const label = index_label(which);
	TPMS_NV_PUBLIC area;

	if (!is_present(c, which)) {
		if (which == INDEX_PIN || which == INDEX_LIFE)
			fail(why, "there is no %s index", label);
		return;
	}
	c->out->index[which].present = true;
	if (!area_read_index(c->e->index[which].area, &area)) {
		fail(why, "the %s index's public area is none: cut short, or altered", label);
		return;
	}
	c->record.index[which].handle = area.nvIndex;
	if (area.nvIndex < INDEX_FIRST || area.nvIndex >= INDEX_END)
		fail(why, "the %s index is at 0x%08x, where no card has its indices", label,
		    (unsigned)area.nvIndex);
	else if (handle_taken(c, which))
		fail(why, "the %s index has the handle of another one", label);
	else
		c->record.index[which].present = true;
}

/* ---- the authority and what it approved ---- */

static void
take_authority(struct check *c)
{
	struct failure *why = &c->out->authority;
	struct rbuf in = c->e->authority;
	TPM2B_PUBLIC area;
	EVP_PKEY *key;

	if (in.len != 2 * P256_OCTETS || !rbuf_copy(&in, c->record.k.x, P256_OCTETS) ||
	    !rbuf_copy(&in, c->record.k.y, P256_OCTETS)) {
		fail(why, "the policy authority's public key is none");
		return;
	}
	area = authority_template(&c->record.k);
	key = area_key(&area.publicArea);
	if (key == NULL)
		fail(why, "the policy authority's public key is no point of P-256");
	EVP_PKEY_free(key);
}

static const struct {
	const char *what;
	bool always; /* every card with that prover has it */
} approvals[APPROVAL_COUNT] = {
	[PIN_BY_PIN] = { "the PIN's owner may change it", true },
	[PIN_BY_PUK] = { "the PUK's owner may set a new PIN", true },
	[PIN_BY_ADMIN] = { "the administrator may set a new PIN", false },
	[PUK_BY_PUK] = { "the PUK's owner may change it", true },
	[ADMIN_BY_ADMIN] = { "the administrator may change his key", true },
	[COUNT_BY_PUK] = { "the PUK's owner may give the PIN its tries back", true },
	[COUNT_BY_ADMIN] = { "the administrator may give the PIN its tries back", false },
};

/* Whether K signed that very approval, which covers who proves what and for which command. */
static bool
is_approved(const struct check *c, enum approval_id id)
{
	struct authority_signature signature;
	struct rbuf in = c->e->approval[id];
	struct digest policy, d;

	return in.len == sizeof signature.r + sizeof signature.s &&
	    rbuf_copy(&in, signature.r, sizeof signature.r) &&
	    rbuf_copy(&in, signature.s, sizeof signature.s) &&
	    record_approved_policy(&c->record, id, &policy) &&
	    approval_digest(&policy, index_label(approval_target(id)), &d) &&
	    authority_verify(&c->record.k, &d, &signature);
}

static void
check_approval(struct check *c, enum approval_id id)
{
	const bool given = c->e->approval[id].len != 0;
	struct failure *why = &c->out->authority;

	if (!is_present(c, approval_prover(id))) {
		if (given)
			fail(why, "there is an approval for a %s that the card does not have",
			    index_label(approval_prover(id)));
	} else if (!given) {
		if (approvals[id].always)
			fail(why, "the approval that %s is not shown, and every such card has it",
			    approvals[id].what);
	} else if (!is_approved(c, id)) {
		fail(why, "the approval that %s is not this card's authority's, "
			  "or it allows something else", approvals[id].what);
	}
}

static void
check_authority(struct check *c)
{
	const struct rbuf *given = c->e->approval;
	int i;

	if (failed(&c->out->authority))
		return;
	for (i = 0; i < APPROVAL_COUNT; i++)
		check_approval(c, (enum approval_id)i);
	c->out->puk_resets = given[PIN_BY_PUK].len != 0 || given[COUNT_BY_PUK].len != 0;
	c->out->admin_resets = given[PIN_BY_ADMIN].len != 0 || given[COUNT_BY_ADMIN].len != 0;
}

/* ---- the AK ---- */

/* Take its point, whatever else is wrong with it: statements are checked against what is shown. */
static bool
take_point(struct check *c, const TPMT_PUBLIC *area)
{
	uint8_t octets[1 + 2 * P256_OCTETS];
	struct wbuf point = wbuf_over(octets, sizeof octets);
	struct rbuf in;
	uint8_t form;
	EVP_PKEY *key = area_key(area);
	bool ok;

	ok = key != NULL && area_point(area, &point);
	in = wbuf_view(&point);
	ok = ok && in.len == sizeof octets && rbuf_u8(&in, &form) &&
	    rbuf_copy(&in, c->ak.key.x, P256_OCTETS) && rbuf_copy(&in, c->ak.key.y, P256_OCTETS);
	EVP_PKEY_free(key);
	return ok;
}

static void
check_ak(struct check *c)
{
	struct failure *why = &c->out->ak;
	struct digest policy;
	TPM2B_PUBLIC expected;
	TPMT_PUBLIC area;

	if (!area_read_object(c->e->ak_area, &area)) {
		fail(why, "the attestation key's public area is none: cut short, or altered");
		return;
	}
	c->ak.known = take_point(c, &area);
	if (!evidence_is_ak(c->e->ak_area)) {
		fail(why, "the attestation key is none: no restricted P-256 signing key that "
			  "was made in a TPM and stays there");
		return;
	}
	if (!c->record.index[INDEX_LIFE].present ||
	    !record_key_policy(&c->record, PIN_NEVER, &policy)) {
		fail(why, "the attestation key cannot be told from another card's: "
			  "there is no LIFE index");
		return;
	}
	expected = key_attestation_template(&policy);
	if (!area_same_kind(&area, &expected.publicArea))
		fail(why, "the attestation key is another card's: "
			  "its policy does not name this card's LIFE index");
}

/* ---- what the indices hold ---- */

static bool
check_area(struct check *c, enum card_index which, struct failure *why)
{
	const char *const label = index_label(which);
	TPMS_NV_PUBLIC given, expected;
	struct name name;

	if (!area_read_index(c->e->index[which].area, &given) ||
	    !record_nv_public(&c->record, which, true, &expected)) {
		fail(why, "the %s index's public area is none", label);
	} else if ((given.attributes & TPMA_NV_WRITTEN) == 0) {
		fail(why, "the %s index was never written: it is not the one the card was made with",
		    label);
	} else if (given.attributes != expected.attributes) {
		fail(why, "the %s index has attributes 0x%08x instead of 0x%08x: "
			  "it could be used in ways a card's cannot", label,
		    (unsigned)given.attributes, (unsigned)expected.attributes);
	} else if (!rbuf_eq(rbuf_of(given.authPolicy.buffer, given.authPolicy.size),
		       rbuf_of(expected.authPolicy.buffer, expected.authPolicy.size))) {
		fail(why, "the %s index obeys another policy than that of this card's authority",
		    label);
	} else if (!name_of_index(&given, &name) ||
	    !rbuf_eq(name_view(&name), name_view(&c->record.name[which]))) {
		fail(why, "the %s index is not such as a card makes it", label);
	} else {
		return true;
	}
	return false;
}

static void
check_limit(struct check *c, enum card_index which, struct failure *why)
{
	const uint32_t count = c->out->index[which].count, limit = c->out->index[which].limit;
	const char *const label = index_label(which);

	if (which == INDEX_LIFE) {
		if (count != 0 || limit != 0)
			fail(why, "the LIFE index does not read as zero");
	} else if (which == INDEX_ADMIN) {
		if (limit != RECORD_ADMIN_LIMIT)
			fail(why, "the ADMIN index allows %u wrong tries, and a card's allows %u",
			    (unsigned)limit, RECORD_ADMIN_LIMIT);
	} else if (limit == 0 || limit > RECORD_TRIES_MAX) {
		fail(why, "the %s index allows %u wrong tries, and a card's 1 to %u", label,
		    (unsigned)limit, RECORD_TRIES_MAX);
	}
}

static void
check_index(struct check *c, enum card_index which)
{
	struct failure *why = &c->out->index[which].fault;
	TPMS_ATTEST attest;
	const TPMS_NV_CERTIFY_INFO *nv = &attest.attested.nv;
	char subject[SUBJECT_MAX];
	struct rbuf contents;

	if (!is_present(c, which) || failed(why) || !check_area(c, which, why))
		return;
	(void)snprintf(subject, sizeof subject, "the %s index", index_label(which));
	if (!statement_check(&c->e->index[which].statement, &c->ak, TPM2_ST_ATTEST_NV, subject,
		&attest, why))
		return;
	contents = rbuf_of(nv->nvContents.buffer, nv->nvContents.size);
	if (!rbuf_eq(rbuf_of(nv->indexName.name, nv->indexName.size),
		name_view(&c->record.name[which])))
		fail(why, "the statement about %s is about another index", subject);
	else if (nv->offset != 0 || contents.len != NV_OCTETS ||
	    !rbuf_u32(&contents, &c->out->index[which].count) ||
	    !rbuf_u32(&contents, &c->out->index[which].limit))
		fail(why, "the statement about %s covers something else than its eight octets",
		    subject);
	else
		check_limit(c, which, why);
}

/* ---- the keys ---- */

/* Whether the area is octet for octet one that a card makes keys with. */
static bool
describe(const struct check *c, const TPMT_PUBLIC *area, struct key_info *out)
{
	const struct keyfile key = { .public_area = { .publicArea = *area } };
	struct digest policy;
	TPM2B_PUBLIC expected;
	EVP_PKEY *point;
	bool ok;

	ok = key_describe(&c->record, &key, out) &&
	    record_key_policy(&c->record, out->pin, &policy) &&
	    key_template(out->algorithm, out->origin, &policy, &expected) &&
	    area_same_kind(area, &expected.publicArea);
	point = ok ? area_key(area) : NULL;
	EVP_PKEY_free(point);
	return point != NULL;
}

/* A key that the TPM made: when, by whom and as what is in the creation data, whose hash it remembers. */
static void
check_generated(const struct check *c, const struct evidence_key *key, const TPMT_PUBLIC *area,
    const char *subject, struct failure *why)
{
	TPMS_ATTEST attest;
	const TPMS_CREATION_INFO *creation = &attest.attested.creation;
	TPMS_CREATION_DATA data;
	struct digest hash;
	struct name name;

	if (!statement_check(&key->statement, &c->ak, TPM2_ST_ATTEST_CREATION, subject, &attest,
		why))
		return;
	if (!name_of_object(area, &name) ||
	    !rbuf_eq(rbuf_of(creation->objectName.name, creation->objectName.size),
		name_view(&name)))
		fail(why, "the statement about %s is about another key", subject);
	else if (!digest_of(&key->creation, 1, &hash) ||
	    !rbuf_eq(rbuf_of(creation->creationHash.buffer, creation->creationHash.size),
		digest_view(&hash)) ||
	    !area_read_creation(key->creation, &data))
		fail(why, "the creation data of %s are not those its TPM speaks of", subject);
}

static void
check_key(struct check *c, size_t i)
{
	const struct evidence_key *key = &c->e->key[i];
	const struct statement *s = &key->statement;
	struct failure *why = &c->out->key[i].fault;
	struct key_info info;
	char subject[SUBJECT_MAX];
	TPMT_PUBLIC area;

	(void)snprintf(subject, sizeof subject, "key %02x", key->reference);
	if (i != 0 && c->e->key[i - 1].reference >= key->reference)
		fail(why, "%s is not in its place: keys go by their references", subject);
	else if (!area_read_object(key->area, &area))
		fail(why, "the public area of %s is none: cut short, or altered", subject);
	else if (!describe(c, &area, &info))
		fail(why, "%s is not such as this card makes or takes keys: its algorithm, "
			  "attributes or policy are others", subject);
	else if (info.origin == ORIGIN_GENERATED)
		check_generated(c, key, &area, subject, why);
	else if (key->creation.len != 0 || s->attest.len != 0 || s->signature.len != 0)
		fail(why, "%s was imported, and yet is said to be made in the TPM", subject);
	if (!failed(why))
		c->out->key[i].info = info;
}

/* ---- all ---- */

static bool
no_fault(const struct evidence_report *out, size_t keys)
{
	bool ok = !failed(&out->ak) && !failed(&out->authority);
	size_t i;

	for (i = 0; i < EVIDENCE_INDICES; i++)
		ok = ok && !failed(&out->index[i].fault);
	for (i = 0; i < keys; i++)
		ok = ok && !failed(&out->key[i].fault);
	return ok;
}

bool
evidence_check(const struct evidence *e, struct evidence_report *out)
{
	struct check c = { .e = e, .out = out };
	size_t i;

	memset(out, 0, sizeof *out);
	if (e->nonce.len > EVIDENCE_NONCE_MAX || !evidence_digest(e, &c.ak.qualifying)) {
		fail(&out->ak, "the evidence is longer than any card's");
		return false;
	}
	for (i = 0; i < EVIDENCE_INDICES; i++)
		place_index(&c, (enum card_index)i);
	take_authority(&c);
	if (!record_complete(&c.record)) {
		fail(&out->ak, "out of memory");
		return false;
	}
	check_authority(&c);
	check_ak(&c);
	for (i = 0; i < EVIDENCE_INDICES; i++)
		check_index(&c, (enum card_index)i);
	for (i = 0; i < e->keys; i++)
		check_key(&c, i);
	return no_fault(out, e->keys);
}
