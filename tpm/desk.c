/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/desk.h"

#include <string.h>

#include "tpm/reference.h"

#define CHALLENGE_VERSION 1
#define TAG_OCTETS 8

/* Before what the tag is a digest of. */
#define TAG_DOMAIN "tpmvsc: response to a challenge\n"

/* Policy sessions are at 03xxxxxx; TCG TPM 2.0 Part 2, 7.2 */
#define HANDLE_TYPE_SHIFT 24

/* ---- octets ---- */

void
challenge_card(const struct record *r, uint8_t mark[CARD_MARK_OCTETS])
{
	struct rbuf name = name_view(&r->name[INDEX_ADMIN]), algorithm;
	struct wbuf out = wbuf_over(mark, CARD_MARK_OCTETS);
	struct rbuf head;

	if (rbuf_take(&name, NAME_OCTETS - TPM2_SHA256_DIGEST_SIZE, &algorithm) &&
	    rbuf_take(&name, CARD_MARK_OCTETS, &head))
		wbuf_put(&out, head);
}

void
challenge_write(const struct challenge *c, struct wbuf *out)
{
	size_t i;

	wbuf_u8(out, CHALLENGE_VERSION);
	wbuf_u8(out, c->count);
	wbuf_put(out, rbuf_of(c->card, sizeof c->card));
	for (i = 0; i < c->count; i++) {
		wbuf_put(out, rbuf_of(c->proof[i].nonce, SHORT_NONCE_OCTETS));
		wbuf_u32(out, c->proof[i].policy);
		wbuf_put(out, rbuf_of(c->proof[i].policy_nonce, SHORT_NONCE_OCTETS));
	}
}

static bool
read_proof(struct rbuf *in, struct challenge_proof *out)
{
	return rbuf_copy(in, out->nonce, SHORT_NONCE_OCTETS) && rbuf_u32(in, &out->policy) &&
	    out->policy >> HANDLE_TYPE_SHIFT == TPM2_HT_POLICY_SESSION &&
	    rbuf_copy(in, out->policy_nonce, SHORT_NONCE_OCTETS);
}

bool
challenge_read(struct rbuf in, struct challenge *out)
{
	uint8_t version;
	size_t i;

	memset(out, 0, sizeof *out);
	if (!rbuf_u8(&in, &version) || version != CHALLENGE_VERSION || !rbuf_u8(&in, &out->count) ||
	    out->count == 0 || out->count > CHALLENGE_PROOFS_MAX ||
	    !rbuf_copy(&in, out->card, sizeof out->card))
		return false;
	for (i = 0; i < out->count; i++) {
		if (!read_proof(&in, &out->proof[i]))
			return false;
	}
	return in.len == 0 &&
	    (out->count == 1 || out->proof[0].policy != out->proof[1].policy);
}

/* What tells a response to one challenge from any other, and from a mistyped one.  No secret: the TPM checks the HMACs. */
static bool
response_tag(struct rbuf challenge, struct rbuf hmacs, struct digest *out)
{
	const struct rbuf parts[] = { rbuf_str(TAG_DOMAIN), challenge, hmacs };

	return digest_of(parts, sizeof parts / sizeof parts[0], out);
}

bool
response_read(struct rbuf challenge, size_t count, struct rbuf response,
    struct digest hmac[CHALLENGE_PROOFS_MAX])
{
	struct rbuf tag, whole, expected;
	struct digest d;
	size_t i;

	if (!rbuf_take(&response, TAG_OCTETS, &tag) || count > CHALLENGE_PROOFS_MAX ||
	    response.len != count * sizeof hmac[0].octets || !response_tag(challenge, response, &d))
		return false;
	whole = digest_view(&d);
	if (!rbuf_take(&whole, TAG_OCTETS, &expected) || !rbuf_eq(tag, expected))
		return false;
	for (i = 0; i < count; i++) {
		if (!rbuf_copy(&response, hmac[i].octets, sizeof hmac[i].octets))
			return false;
	}
	return true;
}

TPM2B_NONCE
challenge_nonce_caller(void)
{
	return (TPM2B_NONCE){ .size = SHORT_NONCE_OCTETS };
}

/* ---- the desk ---- */

/*
 * cpHash of PolicySecret(ADMIN, session, "unblock").  What the proof is for,
 * that the session's nonce is in it, that it has no expiration (which would
 * make it a ticket): none of that is taken from the challenge.
 * TCG TPM 2.0 Part 1, 18.7 and Part 3, 23.4
 */
static bool
cphash_unblock(const struct record *r, const struct challenge_proof *p, struct digest *out)
{
	uint8_t octets[4 + NAME_OCTETS + 4 + 2 + SHORT_NONCE_OCTETS + 2 + 2 +
	    sizeof PURPOSE_UNBLOCK + 4];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	const struct rbuf purpose = rbuf_str(PURPOSE_UNBLOCK);
	struct rbuf part;

	wbuf_u32(&w, TPM2_CC_PolicySecret);
	wbuf_put(&w, name_view(&r->name[INDEX_ADMIN]));
	wbuf_u32(&w, p->policy); /* a session's Name is its handle */
	wbuf_u16(&w, SHORT_NONCE_OCTETS);
	wbuf_put(&w, rbuf_of(p->policy_nonce, SHORT_NONCE_OCTETS));
	wbuf_u16(&w, 0); /* cpHashA */
	wbuf_u16(&w, (uint16_t)purpose.len);
	wbuf_put(&w, purpose);
	wbuf_u32(&w, 0); /* expiration */
	part = wbuf_view(&w);
	return wbuf_ok(&w) && digest_of(&part, 1, out);
}

/* authHMAC of a session without a key: the authValue is all of it.  TCG TPM 2.0 Part 1, 19.6 */
static bool
prove(const struct record *r, const struct challenge_proof *p, const struct secret *auth,
    struct wbuf *out)
{
	const TPM2B_NONCE caller = challenge_nonce_caller();
	uint8_t octets[sizeof(struct digest) + sizeof caller.buffer + SHORT_NONCE_OCTETS + 1];
	struct wbuf w = wbuf_over(octets, sizeof octets);
	struct digest cphash, hmac;

	if (!cphash_unblock(r, p, &cphash))
		return false;
	wbuf_put(&w, digest_view(&cphash));
	wbuf_put(&w, rbuf_of(caller.buffer, caller.size));
	wbuf_put(&w, rbuf_of(p->nonce, SHORT_NONCE_OCTETS));
	wbuf_u8(&w, 0); /* attributes: the session ends with this command */
	if (!wbuf_ok(&w) || !hmac_of(secret_view(auth), wbuf_view(&w), &hmac))
		return false;
	wbuf_put(out, digest_view(&hmac));
	return true;
}

static enum tpm_err
read_both(struct rbuf record, struct rbuf challenge, struct record *r, struct challenge *c,
    struct failure *why)
{
	uint8_t mark[CARD_MARK_OCTETS];

	if (!record_read(record, r)) {
		fail(why, "this is not a card's record");
		return TPM_RECORD;
	}
	if (!r->approved[PIN_BY_ADMIN]) {
		fail(why, "the admin key of this card may not unblock it");
		return TPM_DENIED;
	}
	if (!challenge_read(challenge, c)) {
		fail(why, "this is no challenge to unblock a card: have it copied or scanned again");
		return TPM_DENIED;
	}
	challenge_card(r, mark);
	if (!rbuf_eq(rbuf_of(mark, sizeof mark), rbuf_of(c->card, sizeof c->card))) {
		fail(why, "this is the challenge of another card than the record's");
		return TPM_DENIED;
	}
	return TPM_OK;
}

enum tpm_err
tpm_challenge_read(struct rbuf record, struct rbuf challenge, struct tpm_challenge_info *out,
    struct failure *why)
{
	struct challenge c;
	struct record r;
	enum tpm_err err = read_both(record, challenge, &r, &c, why);

	if (err == TPM_OK)
		*out = (struct tpm_challenge_info){ .reset_count = c.count > 1 };
	return err;
}

enum tpm_err
tpm_challenge_respond(struct rbuf record, struct rbuf challenge, const struct secret *admin_key,
    struct wbuf *response, struct failure *why)
{
	uint8_t octets[CHALLENGE_PROOFS_MAX * sizeof(struct digest)];
	struct wbuf hmacs = wbuf_over(octets, sizeof octets);
	const size_t begin = response->len;
	struct challenge c;
	struct rbuf tag, head;
	struct record r;
	struct digest d;
	enum tpm_err err = read_both(record, challenge, &r, &c, why);
	bool ok;
	size_t i;
	SECRET(auth);

	if (err != TPM_OK)
		return err;
	ok = reference_auth(&r, INDEX_ADMIN, admin_key, &auth);
	for (i = 0; ok && i < c.count; i++)
		ok = prove(&r, &c.proof[i], &auth, &hmacs);
	ok = ok && response_tag(challenge, wbuf_view(&hmacs), &d);
	if (ok) {
		tag = digest_view(&d);
		ok = rbuf_take(&tag, TAG_OCTETS, &head);
	}
	if (ok) {
		wbuf_put(response, head);
		wbuf_put(response, wbuf_view(&hmacs));
	}
	if (!ok || !wbuf_ok(response)) {
		wbuf_truncate(response, begin);
		fail(why, "cannot compute the response: out of memory?");
		return TPM_UNUSABLE;
	}
	return TPM_OK;
}
