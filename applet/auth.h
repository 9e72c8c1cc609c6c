/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GENERAL AUTHENTICATE once it is taken apart: what its cases get to work on
 * (SP 800-73-4 Part 2, 3.2.4 and Appendix A).
 */
#ifndef TPMVSC_APPLET_AUTH_H
#define TPMVSC_APPLET_AUTH_H

#include "applet/keys.h"

/* The data objects of a dynamic authentication template (7C). */
enum { WITNESS, CHALLENGE, RESPONSE, EXPONENTIATION, AUTH_FIELDS };

struct auth {
	struct card_key key;
	struct tlv_field fields[AUTH_FIELDS];
	enum admin_step step;       /* what was sent before ... */
	const struct secret *nonce; /* ... and will serve no other command */
};

/* A case: appends its answer to out, which is inside 7C. */
typedef sw_t (*auth_case)(struct piv *p, const struct auth *a, struct wbuf *out);

/* With the card management key (9B); see cmd_admin.c. */
sw_t auth_give_challenge(struct piv *p, const struct auth *a, struct wbuf *out);
sw_t auth_check_response(struct piv *p, const struct auth *a, struct wbuf *out);
sw_t auth_give_witness(struct piv *p, const struct auth *a, struct wbuf *out);
sw_t auth_check_witness(struct piv *p, const struct auth *a, struct wbuf *out);

#endif
