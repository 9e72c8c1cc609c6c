/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One POST over HTTPS to a server that the configuration names.  Nothing of
 * what goes over it is logged.
 */
#ifndef TPMVSC_TOOLS_HTTPS_H
#define TPMVSC_TOOLS_HTTPS_H

#include "card/card.h"

/* The longest answer. */
#define HTTPS_ANSWER_MAX 65536

/* Seconds for a connection, TLS included, and for all of one call. */
#define HTTPS_CONNECT_S 10
#define HTTPS_WHOLE_S   20

/*
 * Whether a URL can be used: https, or http to 127.0.0.0/8 or ::1 spelt as a
 * number; no user, password, query or fragment.  NULL, or what is wrong.
 */
MUST_CHECK const char *https_fault(const char *url);

/*
 * POST JSON to URL/call and append the JSON that comes back with status 200.
 * The server must be who the URL says, by a root that this machine trusts.  No
 * proxy, no redirect, no cookie.
 *
 * call   e.g. "attest"
 * answer at most HTTPS_ANSWER_MAX octets are appended
 *
 * FAILED, with answer as it was.
 */
MUST_CHECK enum outcome https_post(
    const char *url, const char *call, struct rbuf body, struct wbuf *answer, struct failure *why);

#endif
