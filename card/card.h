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
#include "tpm/facts.h"

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
 * is none, else a number that neither a later card of the same instance shares
 * (chances aside) nor the same one after a change beside it: what was proven to
 * the card holds no more.  DONE; NOT_PERMITTED or FAILED
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
	bool attestation; /* make an attestation key: card/attest.h */

	/*
	 * NULL: make a card whatever the others' names are.  Else set to whether
	 * there is a sound card of that name; then no other one is made.
	 */
	bool *existed;
};

/* Told what is being done, e.g. "Creating the TPM smart card". */
struct progress {
	void (*report)(void *context, const char *what);
	void *context;
};

/*
 * Make a card at the lowest free instance, or find the one that existed.  On failure nothing is left behind,
 * in the TPM or on disk, or, if even that failed, the next call of this, of
 * cards_destroy() or of cards_list() removes it.  request is checked by the
 * caller against policy.
 */
MUST_CHECK enum outcome cards_create(const struct config *config,
    const struct card_request *request, const struct progress *progress, unsigned *instance,
    struct failure *why);

/*
 * Make a card anew in its place, with the default PIN, PUK (if it had one) and
 * admin key, no other key but an attestation key of its own (if it had one), and a
 * file system of its own; name, policy, limits and rules stay.  Nothing of the old one is left, or, if even that failed,
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

/* ---- one card in full ---- */

struct card_details {
	char name[65 * 4];
	uint8_t guid[16];
	unsigned pin_limit, puk_limit; /* tries; puk_limit 0: no PUK */
	int pin_left, puk_left;	       /* -1: not to be told */
	struct pin_policy policy;
	bool allow_reset;
	bool admin_random;   /* /AdminKey RANDOM: the card's own user manages it */
	bool admin_unblocks; /* the admin key may reset the PIN */
	uint8_t admin_algorithm;
	struct failure problem; /* what is wrong with it in the TPM; empty when all is well */
};

/*
 * Read what a card's record and its TPM say of it.  DONE also with a problem.
 * NO_SUCH_CARD, NOT_PERMITTED, FAILED when its record cannot be read.
 */
MUST_CHECK enum outcome cards_look(const struct config *config, unsigned instance,
    struct card_details *out, struct failure *why);

/* Append a card's record: public, for a help desk to keep.  At most CARD_RECORD_MAX octets. */
#define CARD_RECORD_MAX 4096
MUST_CHECK enum outcome cards_record(
    const struct config *config, unsigned instance, struct wbuf *out, struct failure *why);

/* The instance of the first sound card with that name.  NO_SUCH_CARD. */
MUST_CHECK enum outcome cards_find(
    const struct config *config, const char *name, unsigned *instance, struct failure *why);

/* What the TPM says of itself.  TPM_PROBLEM, NOT_PERMITTED. */
MUST_CHECK enum outcome cards_tpm(
    const struct config *config, struct tpm_facts *out, struct failure *why);

/* ---- changes beside a live card ---- */

/*
 * They take the tools' lock and leave a mark that a driver with the card open
 * notices: it forgets that a PIN was proven, as at a reset.
 */

/* Set a new PIN and give it its tries back, by the admin key.  WRONG_SECRET, NOT_PERMITTED (may not unblock). */
MUST_CHECK enum outcome cards_unblock(const struct config *config, unsigned instance,
    const struct secret *admin_key, const struct secret *fresh_pin, struct failure *why);

/*
 * Replace the admin key, by the old one: for cards whose key lives in the TPM,
 * where SET MANAGEMENT KEY cannot prove the old one.  Key and ADMIN reference
 * change together or not at all.  WRONG_SECRET.
 */
MUST_CHECK enum outcome cards_change_admin_key(const struct config *config, unsigned instance,
    const struct secret *old, uint8_t algorithm, const struct secret *fresh, struct failure *why);

/*
 * Unblocking with a help desk.  While a challenge is open the tools' lock is
 * not held: whoever forgets the answer stops nobody.
 */
#define CARD_CHALLENGE_MAX 256
#define CARD_RESPONSE_MAX 128
struct card_challenge;

/* Open a challenge; octets: appended.  NOT_PERMITTED when the card's admin key may not unblock. */
MUST_CHECK enum outcome card_challenge_open(const struct config *config, unsigned instance,
    struct card_challenge **out, struct wbuf *octets, struct failure *why);

/* Set the new PIN by the response.  WRONG_SECRET: it is none to this challenge, or the TPM refuses it. */
MUST_CHECK enum outcome card_challenge_answer(struct card_challenge *c, struct rbuf response,
    const struct secret *fresh_pin, struct failure *why);
void card_challenge_close(struct card_challenge *c);

/* At the desk, with its own copy of the record: what a challenge asks for. */
struct desk_view {
	unsigned instance;
	char name[65 * 4];
	uint8_t guid[16];
	uint8_t admin_algorithm; /* 0: not in the record: whichever the desk knows */
	bool reset_count; /* the PIN is blocked: give it its tries back, and set a new one */
};

/* FAILED when record is none; NOT_PERMITTED when the challenge is another card's or asks for anything else. */
MUST_CHECK enum outcome desk_read(
    struct rbuf record, struct rbuf challenge, struct desk_view *out, struct failure *why);

/* response: appended. */
MUST_CHECK enum outcome desk_respond(struct rbuf record, struct rbuf challenge,
    const struct secret *admin_key, struct wbuf *response, struct failure *why);

/* ---- repair ---- */

struct repair {
	unsigned found;	   /* interrupted runs */
	unsigned finished; /* of these, ended now */
};

/*
 * End what interrupted runs left, telling each through progress.  FAILED (with
 * why about the first) when something stays.
 */
MUST_CHECK enum outcome cards_repair(const struct config *config,
    const struct progress *progress, struct repair *out, struct failure *why);

#endif
