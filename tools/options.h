/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line: Windows' spelling and GNU's of one grammar, freely mixed.
 * Knows card/card.h.  Nothing here prints or exits.
 */
#ifndef TPMVSC_TOOLS_OPTIONS_H
#define TPMVSC_TOOLS_OPTIONS_H

#include "card/attest.h"
#include "tools/words.h"

enum verb {
	VERB_NONE,
	VERB_CREATE,
	VERB_DESTROY,
	VERB_LIST,
	VERB_SHOW,
	VERB_ENROLL,
	VERB_UNBLOCK,
	VERB_RESPOND,
	VERB_CA_RESPOND,
	VERB_CHANGE_PIN,
	VERB_CHANGE_PUK,
	VERB_CHANGE_ADMIN_KEY,
	VERB_ATTEST,
	VERB_VERIFY,
	VERB_DOCTOR,
	VERB_REPAIR,
	VERBS
};

/* Where a secret comes from. */
enum source { SOURCE_OMITTED, SOURCE_DEFAULT, SOURCE_PROMPT, SOURCE_RANDOM };

/* The secrets a command may ask for, in the order it asks. */
enum secret_kind {
	SECRET_ADMIN_KEY,
	SECRET_PIN,
	SECRET_PUK,
	SECRET_NEW_ADMIN_KEY,
	SECRET_NEW_PIN,
	SECRET_NEW_PUK,
	SECRET_KINDS
};

/* What unblocks a PIN. */
enum unblock_by { BY_PUK, BY_ADMIN_KEY, BY_CHALLENGE };

/* What evidence must prove, for verify to be content; bits. */
enum requirement {
	REQUIRE_EK = 1 << 0,		/* an EK with its maker's certificate */
	REQUIRE_AK = 1 << 1,		/* an AK that an authority has found in a TPM */
	REQUIRE_PIN = 1 << 2,		/* the PIN's limit and policy, and who may reset it */
	REQUIRE_KEYS = 1 << 3,		/* keys, and none with a fault */
	REQUIRE_GENERATED = 1 << 4,	/* none that was imported */
	REQUIRE_PIN_ONCE = 1 << 5,	/* none that asks for no PIN */
	REQUIRE_PIN_ALWAYS = 1 << 6,	/* none that does not ask for it each time */
	REQUIRE_CERTIFICATES = 1 << 7,	/* none without a certificate */
};
#define REQUIREMENTS 8
#define REQUIRE_USUAL \
	(REQUIRE_EK | REQUIRE_AK | REQUIRE_PIN | REQUIRE_KEYS | REQUIRE_GENERATED)

/* The word for each bit, in their order. */
extern const struct word requirement_words[REQUIREMENTS];

/* The most words of a line that /machine sends on, and the program's name. */
#define WORDS_SENT_MAX 64

/* How a subject's alternative names are written: "email:alice@example.org". */
#define ALT_NAMES_MAX 16

/* What of attestation a new card gets: an AK; a certificate for it, too. */
enum attestation { ATTESTATION_NONE, AIK_ONLY, AIK_AND_CERT };

struct options {
	enum verb verb;
	bool help, version, quiet, verbose, json;
	bool stdio;          /* be the far side of /machine; no verb then */
	const char *config;  /* NULL: the usual place */
	const char *machine; /* NULL: here */
	uint64_t here;       /* bit i: argv[i] belongs to an option that is not sent on */
	const char *secret_file[SECRET_KINDS]; /* NULL: elsewhere; "-": standard input */
	const struct secret *given;            /* far side: SECRET_KINDS texts; NULL: ask */
	unsigned implied; /* bit of a secret_kind: its file stands for /PIN PROMPT and the like */

	/* create */
	const char *name;
	enum source admin_key, pin, puk; /* admin_key also for change-admin-key */
	uint8_t admin_algorithm; /* ALG_3DES, ALG_AES_*; of change-admin-key also 0: as it is */
	bool admin_unblock;
	unsigned pin_tries, puk_tries;
	bool generate;
	bool allow_reset;
	bool if_absent;
	enum attestation attestation;
	bool has_policy;
	struct pin_policy policy; /* the default one without has_policy */

	/* all that are about one card */
	bool has_instance;
	unsigned instance; /* 0 to 9999 */

	const char *record; /* create, show: written; respond: read.  NULL: none */

	/* unblock and respond */
	enum unblock_by by;
	unsigned by_count; /* how many were given */
	unsigned wait;     /* minutes that a challenge is good for */
	bool no_qr;
	const char *challenge; /* respond: NULL: ask for it */

	const char *input; /* ca-respond: the request; verify: the evidence; a file or "-" */
	const char *ca_cert, *ca_key, *ek_roots;
	bool request; /* attest: for an attestation CA */
	bool https;   /* the request is a call of calls.h */

	/* enroll */
	uint8_t slot;      /* key reference; 0: not given */
	uint8_t algorithm; /* ALG_RSA_*, ALG_ECC_* */
	unsigned pin_rule; /* enum pin_rule; 0: the slot's own */
	const char *subject;
	const char *alt_names[ALT_NAMES_MAX];
	size_t alt_name_count;
	bool self_signed;
	unsigned days;
	const char *output;  /* NULL: standard output */
	const char *install; /* NULL: make a key */
	bool no_history;     /* the old key and its certificate go */

	/* attest and verify */
	const char *ca;   /* verify: a file of authorities; NULL: none */
	const char *acme, *webauthn; /* attest: a key authorization, a relying party's ID; NULL: not asked for */
	uint8_t nonce[EVIDENCE_NONCE_MAX];
	size_t nonce_len;  /* 0: not given */
	unsigned required; /* bits of enum requirement */
};

/*
 * Read a command line.  Strings in out are views into argv.  --help and
 * --version end the reading: what follows is not looked at.  DONE;
 * WRONG_USAGE, with the option at fault named in why and no value repeated.
 */
MUST_CHECK enum outcome options_parse(
    int argc, char *const argv[], struct options *out, struct failure *why);

/* The rules of /pinpolicy from "minlen=4,digits=required".  NULL or what is wrong. */
MUST_CHECK const char *options_policy(const char *list, struct pin_policy *policy, unsigned *seen);

/* One rule and its value.  NULL or what is wrong. */
MUST_CHECK const char *options_rule(
    struct rbuf rule, struct rbuf value, struct pin_policy *policy, unsigned *seen);

/* Whether a word names a rule of /pinpolicy. */
MUST_CHECK bool options_is_rule(struct rbuf word);

#endif
