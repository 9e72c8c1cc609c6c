/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/verdict.h"

#include "base/text.h"
#include "tools/certificate.h"
#include "tools/ekchain.h"
#include "tools/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* As enum card_index of tpm/record.h; docs/attestation.md. */
enum { PIN, PUK, ADMIN, LIFE };

/* More tries than anybody has time for. */
#define UNLIMITED 0x7fffffffU

struct judge {
	const struct evidence *e;
	const struct trial *t;
	struct verdict *v;
	bool has_ek, has_ak; /* they lead to an authority */
	bool tied;	     /* and are one TPM's */
};

/* ---- points ---- */

static void say(struct judge *j, enum point_state state, const char *about, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void
say(struct judge *j, enum point_state state, const char *about, const char *format, ...)
{
	char text[sizeof((struct point *)0)->text];
	struct wbuf clean;
	struct point *p;
	va_list args;

	if (j->v->count == POINTS_MAX)
		return;
	p = &j->v->points[j->v->count];
	j->v->count++;
	*p = (struct point){ .state = state, .about = about };
	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	clean = wbuf_over(p->text, sizeof p->text - 1);
	text_clean(rbuf_str(text), &clean);
}

/* What the AK says is proven when the AK is known to be a TPM's. */
static enum point_state
said(const struct judge *j)
{
	return j->has_ak ? POINT_PROVEN : POINT_SHOWN;
}

static void
hold(struct judge *j, unsigned requirement, bool yes)
{
	if (yes)
		j->v->held |= requirement;
}

/* ---- the TPM ---- */

static void
judge_ek(struct judge *j)
{
	struct failure why = { "" };
	struct certificate_facts facts;
	X509 *ek = NULL;

	if (j->e->ek.certificate.len == 0) {
		say(j, POINT_UNPROVEN, "ek",
		    "which TPM it is: it has no certificate of its maker for its EK");
	} else if (!chain_is_for(j->e->ek.certificate, j->e->ek_area, &why)) {
		say(j, POINT_WRONG, "ek", "the EK's certificate %s", why.text);
	} else if (j->t->roots == NULL) {
		say(j, POINT_UNPROVEN, "ek",
		    "which TPM it is: no authorities are named here that could vouch for its EK "
		    "(--ca)");
	} else if (!chain_check_ek(&j->e->ek, j->e->ek_area, j->t->roots, &ek, &why)) {
		say(j, POINT_UNPROVEN, "ek", "which TPM it is: %s", why.text);
	} else {
		j->has_ek = true;
		certificate_read(ek, time(NULL), &facts);
		say(j, POINT_PROVEN, "ek", "the EK is that of a TPM, by a certificate of \"%s\"",
		    facts.issuer);
	}
	X509_free(ek);
	hold(j, REQUIRE_EK, j->has_ek);
}

/* Whether AK and EK are one TPM's is for the AK's authority to say. */
static void
judge_tie(struct judge *j, const X509 *ak)
{
	struct failure why = { "" };
	bool says = false, fits = false;

	if (j->e->ek_area.len == 0)
		say(j, POINT_UNPROVEN, "ak", "of which EK the AK's TPM is: no EK is shown");
	else if (!(fits = chain_seen_ek(ak, j->e->ek_area, &says, &why)))
		say(j, POINT_WRONG, "ak", "%s", why.text);
	else if (says)
		say(j, POINT_PROVEN, "ak",
		    "AK and EK are one TPM's: the AK's certificate names that EK");
	else
		say(j, POINT_UNPROVEN, "ak",
		    "that AK and EK are one TPM's: the AK's certificate names no EK");
	j->tied = says && fits;
}

static void
judge_ak_certificate(struct judge *j)
{
	struct failure why = { "" };
	struct certificate_facts facts;
	X509 *ak = NULL;

	if (j->e->ak.certificate.len == 0) {
		say(j, POINT_UNPROVEN, "ak",
		    "that the AK is a TPM's at all, and of the EK's TPM: no authority has certified "
		    "it; \"shown\" is what holds if it is");
	} else if (!chain_is_for(j->e->ak.certificate, j->e->ak_area, &why)) {
		say(j, POINT_WRONG, "ak", "the AK's certificate %s", why.text);
	} else if (j->t->roots == NULL) {
		say(j, POINT_UNPROVEN, "ak",
		    "that the AK is a TPM's: no authorities are named here that could vouch for it "
		    "(--ca)");
	} else if (!chain_check_ak(&j->e->ak, j->e->ak_area, j->t->roots, &ak, &why)) {
		say(j, POINT_UNPROVEN, "ak", "that the AK is a TPM's: %s", why.text);
	} else {
		j->has_ak = true;
		certificate_read(ak, time(NULL), &facts);
		say(j, POINT_PROVEN, "ak",
		    "the AK is in a TPM, by a certificate of \"%s\", whose rules say what that is "
		    "worth",
		    facts.issuer);
		judge_tie(j, ak);
	}
	X509_free(ak);
	/* An EK that is required beside it is required to be the same TPM's. */
	hold(j, REQUIRE_AK, j->has_ak && (j->tied || (j->v->required & REQUIRE_EK) == 0));
}

static void
judge_ak(struct judge *j)
{
	judge_ak_certificate(j);
	if (failed(&j->v->report.ak))
		say(j, POINT_WRONG, "ak", "%s", j->v->report.ak.text);
	else
		/* A certificate is for its public key: the area around that nobody vouches for. */
		say(j, said(j), "ak",
		    "the AK signs nothing but what its TPM says of itself; that it ends with this "
		    "card is what the card's machine shows of it");
}

static void
judge_nonce(struct judge *j)
{
	if (!j->t->has_nonce)
		say(j, POINT_UNPROVEN, "nonce", "that the evidence is fresh: %s",
		    j->e->nonce.len != 0 ? "it has a nonce, but none is given here (--nonce)"
					 : "it has no nonce (--nonce, of attest and of verify)");
	else if (rbuf_eq(j->e->nonce, j->t->nonce))
		say(j, said(j), "nonce", "the evidence is fresh: it has the nonce");
	else
		say(j, POINT_WRONG, "nonce", "the evidence is not fresh: %s",
		    j->e->nonce.len != 0 ? "it has another nonce" : "it has no nonce");
}

/* ---- the secrets ---- */

static void
judge_index(struct judge *j, unsigned which, const char *about, const char *what)
{
	const struct evidence_report *r = &j->v->report;

	if (failed(&r->index[which].fault))
		say(j, POINT_WRONG, about, "%s", r->index[which].fault.text);
	else if (!r->index[which].present)
		say(j, said(j), about, "there is no %s in the TPM", what);
	else if (r->index[which].limit >= UNLIMITED)
		say(j, said(j), about, "the TPM counts wrong tries of the %s, and sets no limit",
		    what);
	else
		say(j, said(j), about,
		    "the TPM counts wrong tries of the %s and refuses more than %u: %u of them "
		    "were used",
		    what, r->index[which].limit, r->index[which].count);
}

static void
judge_authority(struct judge *j)
{
	const struct evidence_report *r = &j->v->report;
	const char *who = r->puk_resets && r->admin_resets ? "the PUK and the administrator key"
			  : r->puk_resets                  ? "the PUK"
			  : r->admin_resets                ? "the administrator key"
							   : "nobody";

	if (failed(&r->authority)) {
		say(j, POINT_WRONG, "approvals", "%s", r->authority.text);
		return;
	}
	say(j, said(j), "approvals",
	    "by the approvals shown, %s can set a new PIN or give it its tries back", who);
	say(j, POINT_UNPROVEN, "approvals",
	    "that there is no other approval: the key that signs them was in the memory of the "
	    "machine that made the card, which says that it has wiped it");
}

static void
judge_secrets(struct judge *j)
{
	const struct evidence_report *r = &j->v->report;
	bool fine = !failed(&r->authority) && r->index[PIN].present && r->index[LIFE].present;
	size_t i;

	judge_index(j, PIN, "pin", "PIN");
	judge_index(j, PUK, "puk", "PUK");
	judge_index(j, ADMIN, "admin", "administrator key");
	if (failed(&r->index[LIFE].fault))
		say(j, POINT_WRONG, "life", "%s", r->index[LIFE].fault.text);
	else if (r->index[LIFE].present)
		say(j, said(j), "life",
		    "keys that ask for no PIN end with the card: they need its LIFE index");
	judge_authority(j);
	for (i = 0; i < EVIDENCE_INDICES; i++)
		fine = fine && !failed(&r->index[i].fault);
	hold(j, REQUIRE_PIN, fine);
}

/* ---- keys ---- */

static const char *
pin_words(enum pin_rule rule)
{
	switch (rule) {
	case PIN_NEVER:
		return "asks for no PIN";
	case PIN_ONCE:
		return "asks for the PIN once in a session";
	case PIN_ALWAYS:
		return "asks for the PIN each time";
	}
	return "?";
}

/* What the certificate on the card adds.  False when it is wrong. */
static bool
judge_certificate(struct judge *j, size_t i, unsigned *holds)
{
	const struct evidence_key *key = &j->e->key[i];
	const char *about = j->v->references[i];
	struct failure why = { "" };

	if (key->certificate.len == 0)
		return true;
	if (!chain_is_for(key->certificate, key->area, &why)) {
		say(j, POINT_WRONG, about, "its certificate %s", why.text);
		return false;
	}
	say(j, POINT_PROVEN, about,
	    "its certificate is for this key; who signed it is not looked at");
	*holds |= REQUIRE_CERTIFICATES;
	return true;
}

/* What a key holds: a requirement holds for all of them, or not. */
static unsigned
judge_key(struct judge *j, size_t i)
{
	const struct failure *fault = &j->v->report.key[i].fault;
	const struct key_info *info = &j->v->report.key[i].info;
	const char *about = j->v->references[i];
	unsigned holds = REQUIRE_KEYS;
	const bool fine = judge_certificate(j, i, &holds);

	if (failed(fault)) {
		say(j, POINT_WRONG, about, "%s", fault->text);
		return 0;
	}
	if (info->origin == ORIGIN_IMPORTED) {
		say(j, POINT_UNPROVEN, about,
		    "where this %s key is: it was imported, and so has been outside of any TPM",
		    algorithm_name(info->algorithm));
		return fine ? holds : 0;
	}
	holds |= REQUIRE_GENERATED;
	if (info->pin != PIN_NEVER)
		holds |= REQUIRE_PIN_ONCE;
	if (info->pin == PIN_ALWAYS)
		holds |= REQUIRE_PIN_ALWAYS;
	say(j, said(j), about, "this %s key was made in the TPM, cannot leave it, and %s",
	    algorithm_name(info->algorithm), pin_words(info->pin));
	return fine ? holds : 0;
}

static void
judge_keys(struct judge *j)
{
	const unsigned all = REQUIRE_KEYS | REQUIRE_GENERATED | REQUIRE_PIN_ONCE |
			     REQUIRE_PIN_ALWAYS | REQUIRE_CERTIFICATES;
	unsigned held = j->e->keys != 0 ? all : 0;
	size_t i;

	if (j->e->keys == 0)
		say(j, POINT_UNPROVEN, "keys", "anything about keys: none is shown");
	for (i = 0; i < j->e->keys; i++) {
		(void)snprintf(j->v->references[i], sizeof j->v->references[i], "%02x",
		    (unsigned)j->e->key[i].reference);
		held &= judge_key(j, i);
	}
	hold(j, held, true);
}

/* ---- the whole ---- */

bool
verdict_reach(const struct evidence *e, const struct trial *t, struct verdict *out)
{
	struct judge j = { .e = e, .t = t, .v = out };
	bool consistent;
	size_t i;

	*out = (struct verdict){ .required = t->required };
	consistent = evidence_check(e, &out->report);
	judge_ek(&j);
	judge_ak(&j);
	judge_nonce(&j);
	/* What another one says is not about this card. */
	if (!failed(&out->report.ak)) {
		judge_secrets(&j);
		judge_keys(&j);
	}
	for (i = 0; i < out->count; i++)
		consistent = consistent && out->points[i].state != POINT_WRONG;
	out->holds = consistent && (out->required & ~out->held) == 0;
	return out->holds;
}

const char *
point_state_name(enum point_state state)
{
	static const char *const names[POINT_STATES] = {
		[POINT_PROVEN] = "proven",
		[POINT_SHOWN] = "shown",
		[POINT_UNPROVEN] = "unproven",
		[POINT_WRONG] = "wrong",
	};

	return state < POINT_STATES ? names[state] : "?";
}

/* The first thing that is wrong; one that says more than that something was altered, if there is one. */
static const struct point *
first_wrong(const struct verdict *v)
{
	const struct point *first = NULL;
	size_t i;

	for (i = 0; i < v->count; i++) {
		if (v->points[i].state != POINT_WRONG)
			continue;
		if (strstr(v->points[i].text, EVIDENCE_ALTERED) == NULL)
			return &v->points[i];
		if (first == NULL)
			first = &v->points[i];
	}
	return first;
}

void
verdict_fault(const struct verdict *v, struct failure *why)
{
	const unsigned missing = v->required & ~v->held;
	char list[128] = "";
	struct wbuf words = wbuf_over(list, sizeof list - 1);
	const struct point *wrong = first_wrong(v);
	size_t i;

	if (wrong != NULL) {
		fail(why, "the evidence is refused: %s: %s", wrong->about, wrong->text);
		return;
	}
	for (i = 0; i < REQUIREMENTS; i++) {
		if ((missing >> i & 1) != 0)
			put_words(&words, "%s%s", words.len != 0 ? ", " : "",
			    requirement_words[i].text);
	}
	fail(why, "the evidence does not prove what is required: %s", list);
}
