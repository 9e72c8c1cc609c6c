/* SPDX-License-Identifier: BSD-2-Clause */
/* What a certificate says, in words that a terminal can bear. */
#ifndef TPMVSC_TOOLS_CERTIFICATE_H
#define TPMVSC_TOOLS_CERTIFICATE_H

#include <openssl/x509.h>
#include <time.h>

#include "card/card.h"

enum certificate_state { CERTIFICATE_VALID, CERTIFICATE_EARLY, CERTIFICATE_EXPIRED };

/* Texts are clean, and cut with "..." when they are longer. */
struct certificate_facts {
	char subject[512], issuer[512]; /* RFC 2253 */
	char serial[64];		/* hexadecimal */
	char from[24], until[24];	/* 2026-11-22T17:36:45Z; empty: not to be read */
	char sha256[65];
	enum certificate_state state; /* EXPIRED also when its times cannot be read */
	int days_left;		      /* of a valid one */
};

/* Read a certificate at a time. */
void certificate_read(X509 *certificate, time_t now, struct certificate_facts *out);

/* "valid", "not-yet-valid", "expired". */
const char *certificate_state_name(enum certificate_state state);

/* Append it as PEM.  False when memory or out is full. */
MUST_CHECK bool certificate_pem(X509 *certificate, struct wbuf *out);

#endif
