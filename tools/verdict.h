/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a card's evidence proves to somebody who has the evidence and a file of
 * authorities, and nothing else: point by point, and as a whole.
 */
#ifndef TPMVSC_TOOLS_VERDICT_H
#define TPMVSC_TOOLS_VERDICT_H

#include <openssl/x509.h>

#include "card/attest.h"
#include "tools/options.h"

enum point_state {
	POINT_PROVEN,   /* checked down to an authority that is trusted here */
	POINT_SHOWN,    /* the AK says so, and what the AK is is not proven */
	POINT_UNPROVEN, /* nobody can tell from the evidence */
	POINT_WRONG,    /* it contradicts itself, or says what no card of this program is */
	POINT_STATES
};

struct point {
	enum point_state state;
	const char *about; /* "ek", "ak", "pin", "puk", "admin", "9a" and so on */
	char text[512];    /* clean */
};

#define POINTS_MAX (24 + 2 * EVIDENCE_KEYS_MAX)

struct verdict {
	unsigned required, held; /* bits of enum requirement */
	bool holds;              /* nothing is wrong, and all that is required is there */
	struct point points[POINTS_MAX];
	size_t count;
	struct evidence_report report;
	char references[EVIDENCE_KEYS_MAX][3]; /* of each key, as digits */
};

struct trial {
	X509_STORE *roots; /* NULL: none */
	bool has_nonce;
	struct rbuf nonce; /* what the evidence must have */
	unsigned required;
};

/* Check evidence.  Whatever is wrong is a point of out; true when it holds. */
MUST_CHECK bool verdict_reach(
    const struct evidence *e, const struct trial *t, struct verdict *out);

/* "proven", "shown", "unproven", "wrong". */
const char *point_state_name(enum point_state state);

/* Why it does not hold: the first thing that is wrong, or what is required and not there. */
void verdict_fault(const struct verdict *v, struct failure *why);

#endif
