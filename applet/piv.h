/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PIV card application: command APDUs in, response APDUs out
 * (SP 800-73-4 Part 2; ISO/IEC 7816-4).  All its state is in struct piv; it
 * reaches secrets and files through its two ports only.  Knows base.
 */
#ifndef TPMVSC_APPLET_PIV_H
#define TPMVSC_APPLET_PIV_H

#include "applet/pinpolicy.h"
#include "applet/store.h"
#include "applet/vault.h"

/* The longest command data (after chaining) and response data. */
#define PIV_DATA_MAX STORE_ITEM_MAX

/* What is the card's own, set at its creation. */
struct piv_profile {
	char name[65 * 4];	   /* friendly name, UTF-8, NUL-terminated: the label in SELECT's answer */
	uint8_t guid[16];	   /* the card's from its creation to its end, whatever becomes of its CHUID */
	struct pin_policy policy;
	bool allow_reset; /* RESET may make the card anew once PIN and PUK are blocked */
};

/* What the application cannot do by itself: asked of whoever put the card together. */
struct piv_host {
	/*
	 * Make the card anew: the same name and policies, PIN, PUK and 9B with
	 * their default values, no other key, no data object but what a generated
	 * file system has.  Whole or not at all; afterwards piv_init() was called
	 * again.
	 */
	enum store_err (*start_over)(struct piv_host *host);

	/* Told once when a wrong PIN or PUK was the last that may be wrong.  NULL: nobody asks. */
	void (*blocked)(struct piv_host *host, enum reference which);
};

/* Security status: what holds now.  A data object's or command's access rule is a mask of these. */
enum {
	ACCESS_ALWAYS = 0,
	ACCESS_PIN = 1 << 0,   /* VERIFY succeeded since the last reset */
	ACCESS_ADMIN = 1 << 1, /* 9B authenticated since the last reset */
	ACCESS_FRESH = 1 << 2, /* VERIFY was the command before: what a PIN-always key wants */
};

/* Dynamic authentication in progress with 9B. */
enum admin_step { ADMIN_IDLE, ADMIN_CHALLENGED, ADMIN_WITNESSED };

struct piv {
	struct vault *vault;
	struct store *store;
	const struct piv_profile *profile;
	struct piv_host *host;
	unsigned status; /* ACCESS_* */

	enum admin_step admin_step;
	struct secret admin_nonce; /* the challenge sent, or the witness kept: serves one answer */

	bool chaining; /* command chaining: header of the first command, data so far */
	uint8_t chain_header[4];
	struct wbuf chain;
	struct wbuf pending; /* response data not yet fetched by GET RESPONSE ... */
	size_t sent;	     /* ... from this offset on */

	/* What most commands use comes first, so that it shares its pages. */
	uint8_t key_octets[VAULT_KEY_MAX];
	uint8_t pending_octets[PIV_DATA_MAX + 16];
	uint8_t chain_octets[PIV_DATA_MAX];
	uint8_t sealed_octets[STORE_ITEM_MAX]; /* a data object as the store has it */
};

/*
 * Set up a card that has just been powered.  The others must outlive p, whose
 * buffers are zero, as calloc() or piv_reset() leaves them.
 */
void piv_init(struct piv *p, struct vault *vault, struct store *store,
    const struct piv_profile *profile, struct piv_host *host);

/* Cold or warm reset, and power down: all security status is lost, secrets in p are wiped. */
void piv_reset(struct piv *p);

/*
 * Answer one command APDU.
 *
 * capdu any octets at all, from an untrusted client
 * rapdu appended: response data and SW1-SW2, at least two octets; room for
 *       PIV_DATA_MAX + 2 more is needed for an extended answer
 */
void piv_process(struct piv *p, struct rbuf capdu, struct wbuf *rapdu);

/* "GENERAL AUTHENTICATE 9a" and the like, for the log: header only, never data. */
void piv_describe(struct rbuf capdu, char *text, size_t size);

#endif
