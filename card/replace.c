/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A card replaced by a new one of the same instance: what a journal says of
 * it, and how it ends, whether or not an accident came between.  Which of the
 * two is in place decides: it stays, and the other one goes.
 */
#include "card/parts.h"

bool
replacement_write(const struct replacement *r, struct wbuf *out)
{
	wbuf_u16(out, (uint16_t)r->old.len);
	wbuf_put(out, r->old);
	wbuf_put(out, r->fresh);
	return wbuf_ok(out) && r->old.len <= TPM_CLAIMS_MAX && r->fresh.len <= TPM_CLAIMS_MAX;
}

/* The views are into claims. */
static bool
replacement_read(struct rbuf claims, struct replacement *out)
{
	uint16_t length;

	if (!rbuf_u16(&claims, &length) || !rbuf_take(&claims, length, &out->old))
		return false;
	out->fresh = claims;
	return claims.len != 0;
}

/* The claims of the card in place; empty when there is none. */
static enum outcome
claims_in_place(
    const struct work *w, unsigned instance, struct wbuf *claims, struct failure *why)
{
	struct paper paper;
	enum outcome outcome;

	if (!files_has(w->files, instance))
		return DONE;
	outcome = paper_read(w->files, instance, &paper, why);
	if (outcome == DONE && tpm_record_claims(paper.record, claims) != TPM_OK) {
		fail(why, "the record of card %u is damaged", instance);
		outcome = FAILED;
	}
	return outcome;
}

/* Erase what is not in place, and remove its files; in_place is empty when neither is. */
static enum outcome
clear_other(const struct work *w, unsigned instance, const struct replacement *r,
    struct rbuf in_place, struct failure *why)
{
	enum outcome outcome = DONE;

	if (!rbuf_eq(in_place, r->fresh))
		outcome = work_erase(w, instance, r->fresh, in_place, why);
	if (outcome == DONE && !rbuf_eq(in_place, r->old))
		outcome = work_erase(w, instance, r->old, in_place, why);
	if (outcome == DONE)
		outcome = outcome_of_files(files_clear(w->files, instance, why));
	return outcome;
}

enum outcome
work_settle(const struct work *w, unsigned instance, struct rbuf claims, bool *fresh,
    struct failure *why)
{
	uint8_t octets[TPM_CLAIMS_MAX];
	struct wbuf in_place = wbuf_over(octets, sizeof octets);
	struct replacement r;
	enum outcome outcome;
	struct rbuf there;

	if (!replacement_read(claims, &r)) {
		fail(why, "the journal of card %u does not name two cards", instance);
		return FAILED;
	}
	/* What is in place must stay there, come a power cut, before the other one is erased. */
	outcome = outcome_of_files(files_resume(w->files, instance, why));
	if (outcome == DONE)
		outcome = claims_in_place(w, instance, &in_place, why);
	if (outcome != DONE)
		return outcome;
	there = wbuf_view(&in_place);
	*fresh = rbuf_eq(there, r.fresh);
	if (there.len != 0 && !*fresh && !rbuf_eq(there, r.old)) {
		fail(why, "card %u is neither of the two its journal names: restore its files "
			  "from a backup, or remove the journal, which may leave NV indices in "
			  "the TPM", instance);
		return FAILED;
	}
	return clear_other(w, instance, &r, there, why);
}
