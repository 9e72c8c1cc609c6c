/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The composition root: configuration, a card put together from applet, vault
 * and store, and the transactions that make and unmake cards.  What the driver
 * and the tool call.
 */
#ifndef TPMVSC_CARD_CARD_H
#define TPMVSC_CARD_CARD_H

#include "applet/piv.h"
#include "base/log.h"

/* How an operation ended; the values are the tool's exit statuses. */
enum outcome {
	DONE = 0,
	FAILED = 1,
	WRONG_USAGE = 2,
	NO_SUCH_CARD = 3,
	TPM_PROBLEM = 4,
	NOT_PERMITTED = 5,
	WRONG_SECRET = 6,
	NO_ROOM = 7,
};

/* Instances are 0 to CARDS_MAX - 1. */
#define CARDS_MAX 10
/* What an instance is called: ROOT\SMARTCARDREADER\0000 */
#define INSTANCE_PREFIX "ROOT\\SMARTCARDREADER\\"
#define READER_NAME     "TPM Virtual Smart Card"

/* ---- configuration: tpmvsc.conf ---- */

struct config {
	char tcti[256];
	char state_dir[256];       /* absolute */
	char owner_auth_file[256]; /* empty: none */
	char attestation_ca[256];  /* empty: none */
	unsigned spare_slots;      /* 0 to 10 */
	uint32_t pin_cache;        /* seconds */
	enum log_level log_level;
};

/*
 * Read the configuration at path.  A missing file is the defaults; an unknown
 * key, a bad value, a file others may write is FAILED (NOT_PERMITTED when it
 * cannot be opened for lack of rights), and why names file, line and key.
 */
MUST_CHECK enum outcome config_load(const char *path, struct config *out, struct failure *why);

/* ---- a card in its reader ---- */

struct card;

/*
 * Open the card of an instance: checks directory, record and signature; asks
 * no TPM, so a card shows even while the TPM is away (its answers are 6F00).
 * NO_SUCH_CARD, NOT_PERMITTED, FAILED.  config must outlive the card.
 */
MUST_CHECK enum outcome card_open(
    const struct config *config, unsigned instance, struct card **out, struct failure *why);
void card_close(struct card *card);

/* Power up or reset: security status is lost, whatever it was. */
void card_reset(struct card *card);

/* Power down: as reset, and the TPM connection is given up until next use. */
void card_power_down(struct card *card);

/* The answer to reset, the same for every card: T=1, PIV in the historical bytes. */
struct rbuf card_atr(void);

/*
 * Answer one command APDU; see piv_process().  RESET may have made the card
 * anew afterwards: card_which() tells.
 */
void card_transmit(struct card *card, struct rbuf capdu, struct wbuf *rapdu);

/* What card_present() calls the card that is open here. */
MUST_CHECK uint64_t card_which(const struct card *card);

/* ---- presence: what the driver sees of the state directory (card/presence.c) ---- */

/*
 * Which card is in an instance, without opening it.  which becomes 0 when there
 * is none, else a number that a later card of the same instance does not share
 * (chances aside): a change means another card.  DONE; NOT_PERMITTED or FAILED
 * when the state directory cannot be looked at, with which 0.
 */
MUST_CHECK enum outcome card_present(
    const struct config *config, unsigned instance, uint64_t *which, struct failure *why);

/*
 * Tells when a card comes or goes.  The descriptor becomes readable: poll it,
 * then drain, which says whether instance may have changed.
 */
struct card_watch;

/* Watch the state directory; make says to make a missing one.  NOT_PERMITTED, NO_ROOM, FAILED. */
MUST_CHECK enum outcome card_watch_open(
    const struct config *config, bool make, struct card_watch **out, struct failure *why);
int card_watch_fd(const struct card_watch *w);
MUST_CHECK bool card_watch_drain(struct card_watch *w, unsigned instance);
void card_watch_close(struct card_watch *w);

/* ---- the cards of this machine ---- */

/* The secrets everybody knows: PIN and PUK, and the first octets (24 at most) of the admin key. */
MUST_CHECK bool default_pin(struct secret *out);
MUST_CHECK bool default_puk(struct secret *out);
MUST_CHECK bool default_admin_key(size_t octets, struct secret *out);

/* Why text cannot be a card's name: 1 to 64 printable characters of UTF-8.  NULL when it can. */
MUST_CHECK const char *card_name_fault(const char *name);

struct card_request {
	struct piv_profile profile;
	const struct secret *pin;
	unsigned pin_tries;
	const struct secret *puk; /* NULL: none */
	unsigned puk_tries;
	const struct secret *admin_key; /* NULL: RANDOM */
	uint8_t admin_algorithm;
	bool admin_unblock;
	bool generate; /* write CHUID, CCC, discovery object and key history */
};

/* Told what is being done, e.g. "Creating the TPM smart card". */
struct progress {
	void (*report)(void *context, const char *what);
	void *context;
};

/*
 * Make a card at the lowest free instance.  On failure nothing is left behind,
 * in the TPM or on disk, or, if even that failed, the next call of this, of
 * cards_destroy() or of cards_list() removes it.  request is checked by the
 * caller against policy.
 */
MUST_CHECK enum outcome cards_create(const struct config *config,
    const struct card_request *request, const struct progress *progress, unsigned *instance,
    struct failure *why);

/*
 * Make a card anew in its place, with the default PIN, PUK (if it had one) and
 * admin key, no other key, and a file system of its own; name, policy, limits
 * and rules stay.  Nothing of the old one is left, or, if even that failed,
 * the next call of this or of the other three removes it.  Waits some seconds
 * only for a tpmvscmgr at work.
 *
 * record of the card that is meant: another one is not touched (FAILED)
 *
 * NOT_PERMITTED when it was not made with allow_reset; FAILED also when its PIN
 * policy forbids the default PIN.  On failure the old card is as it was, or the
 * new one is in place: look at its record.
 */
MUST_CHECK enum outcome cards_start_over(
    const struct config *config, unsigned instance, struct rbuf record, struct failure *why);

/* Erase a card from the TPM, then its files.  NO_SUCH_CARD when there is none. */
MUST_CHECK enum outcome cards_destroy(const struct config *config, unsigned instance,
    const struct progress *progress, struct failure *why);

/* One row of list. */
struct card_summary {
	unsigned instance;
	bool readable; /* record opened and signed by its creator; else only problem is set */
	char name[65 * 4];
	bool has_puk;
	int pin_left, puk_left; /* tries; -1 unknown */
	uint8_t keys[32]; /* key references present, key_count of them, ascending; without 9B */
	uint8_t algorithms[32]; /* of each key; 0 when the key cannot be read */
	size_t key_count;
	struct failure problem; /* empty when all is well */
};

/*
 * Look at every card.  rows has room for CARDS_MAX.  A card that is broken is
 * a row with a problem; DONE also with no card at all.
 */
MUST_CHECK enum outcome cards_list(
    const struct config *config, struct card_summary *rows, size_t *count, struct failure *why);

#endif
