/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One open card in the TPM: what is loaded, what is proven.  vault.c has the
 * references' half of the port; use.c the keys' half, with certify.c, import.c,
 * sealing.c and manage.c (card management keys); turn.c does either's work on the TPM;
 * authorise.c has the proofs for keys, armed.c the one for PIN-always keys.
 */
#ifndef TPMVSC_TPM_VAULT_H
#define TPMVSC_TPM_VAULT_H

#include "tpm/key.h"
#include "tpm/reference.h"

/* How long VERIFY arms the PIN-always keys, in seconds. */
#define ARMED_SECONDS 30

enum armed_state {
	ARMED_NOT,
	ARMED_LIVE,  /* a session in the TPM */
	ARMED_SAVED, /* its context; the TPM keeps a place for it */
	ARMED_SPENT, /* as saved, but good for nothing: to be flushed when the TPM is in reach */
};

struct tpm_vault {
	struct vault port; /* first: what the applet holds */
	struct record record;
	struct card_tpm card; /* tpm, record, and the parent on this connection */

	/* good while epoch is the link's */
	unsigned epoch;
	struct session policy; /* the session that authorises keys */
	TPM2_HANDLE key;       /* the loaded key ... */

	/* ... and the file it came from */
	bool stale_key; /* ... unless another file was looked at since */
	struct wbuf loaded;
	uint8_t loaded_octets[VAULT_KEY_MAX];
	struct keyfile file;
	struct name name; /* of the key in the file */
	struct key_info info;

	struct ticket ticket; /* proof of the PIN for "use" */
	enum pin_rule next;   /* of the key that was just used: what the next use will ask for; 0: unknown */
	TSS2_SYS_CONTEXT *ahead; /* where a ticket is on its way to policy, and the answer not collected yet; or NULL */

	enum armed_state armed;
	struct session armed_session;
	TPMS_CONTEXT *armed_saved; /* when ARMED_SAVED or _SPENT: it survives other clients' turns */
};

/* One piece of work on the TPM; the link is begun, the parent open. */
typedef TSS2_RC (*vault_step)(struct tpm_vault *v, void *context);

/*
 * Do step within seconds.  When what was loaded has vanished (another client,
 * a restarted TPM) it is done once more on a fresh connection; when the
 * connection itself failed, only if repeatable: the TPM may have counted.
 */
MUST_CHECK enum vault_err vault_run(struct tpm_vault *v, const char *what, unsigned seconds,
    bool repeatable, vault_step step, void *context);

/* The same for what is less to other cards than LINK_ALONE. */
MUST_CHECK enum vault_err vault_do(struct tpm_vault *v, const char *what, enum link_use use,
    unsigned seconds, bool repeatable, vault_step step, void *context);

/* The same for the use of one key, within LINK_SECONDS and repeatable: other cards may be at work meanwhile. */
MUST_CHECK enum vault_err vault_use(
    struct tpm_vault *v, const char *what, vault_step step, void *context);

/*
 * The same card on a connection of its own, or NULL when memory is out: a
 * resource manager gives each client places for three sessions or four.
 */
struct tpm_vault *vault_twin(const struct tpm_vault *v);
void vault_twin_free(struct tpm_vault *twin); /* NULL is allowed */

/* Start the policy session, unless there is one. */
MUST_CHECK TSS2_RC vault_policy(struct tpm_vault *v);

/* Prove the PIN for "always" on a session of its own. */
MUST_CHECK TSS2_RC armed_set(struct tpm_vault *v, struct prover *pin);

/* Take the armed session out: it serves once, and the caller ends it.  RC_NO_PROOF when there is none. */
MUST_CHECK TSS2_RC armed_take(struct tpm_vault *v, struct session *out);

/* Flush the armed session, within a begun link; if the TPM fails to, it is spent and flushed later. */
void armed_drop(struct tpm_vault *v);

/* Forget our end of the armed session, without asking the TPM. */
void armed_wipe(struct tpm_vault *v);

/* Before others have their turn on a shared TPM: put the armed session where they do not flush it. */
void armed_save(struct tpm_vault *v);

/* ---- authorising ---- */

/*
 * Name the adopted, loaded key and get a session that satisfies its policy for
 * one use.  RC_NO_PROOF when the PIN is not proven.  settle() must follow, also
 * after a failure.
 *
 * armed where an armed session is put
 * out   entity and session, with encryption; the session is armed or the card's own
 */
MUST_CHECK TSS2_RC authorise(struct tpm_vault *v, TPMA_SESSION encryption, struct session *armed,
    struct command *out);

/*
 * After the use, which ended with rc: an armed session is spent; the other one
 * is kept, unless something went wrong with it.  Returns rc, or what it really means.
 */
MUST_CHECK TSS2_RC settle(struct tpm_vault *v, struct session *armed, TSS2_RC rc);

/*
 * Spend the ticket for a next use like the last one now, so that it will cost
 * one command: send it, as the last thing before link_end(), and do not wait.
 * Nothing to do if it was sent during the last use already.
 */
void ahead_send(struct tpm_vault *v);

/* Learn what has become of it, first thing after link_enter().  Fails with the connection alone. */
MUST_CHECK TSS2_RC ahead_collect(struct tpm_vault *v);

/* ---- using keys ---- */

/*
 * Take notice of a key file: parsed once, remembered with the loaded key.
 * What it claims to be is what the TPM will hold it to.  False when it is no
 * key of this card.
 */
MUST_CHECK bool use_adopt(struct tpm_vault *v, struct rbuf key);

/* Have the TPM make a key under the card's parent, within a begun link.  out says how it was made. */
MUST_CHECK TSS2_RC use_create(
    struct tpm_vault *v, const TPM2B_PUBLIC *template, struct keyfile *out);

/* Load the adopted key, within a begun link, unless it is loaded. */
MUST_CHECK TSS2_RC use_load(struct tpm_vault *v);

/* What using the adopted key is to other cards. */
enum link_use use_needs(const struct tpm_vault *v);

/* Something to do with the adopted key; act is given the key as entity and what authorises it. */
struct operation {
	TPMA_SESSION encryption; /* what crosses the wire is secret: in (DECRYPT), out (ENCRYPT) */
	TSS2_RC (*act)(struct tpm_vault *, const struct command *, const struct operation *);
	struct rbuf in;
	struct wbuf *out;
};

/* Load the adopted key, authorise and do it; context is a struct operation.  After a failure out is as it was. */
TSS2_RC use_step(struct tpm_vault *v, void *context);

/* The keys' half of the port. */
enum vault_err use_generate(struct vault *vault, uint8_t algorithm, enum pin_rule rule,
    struct wbuf *key, struct wbuf *public_value);
enum vault_err use_describe(struct vault *vault, struct rbuf key, struct key_info *out);
enum vault_err use_public_value(struct vault *vault, struct rbuf key, struct wbuf *out);
enum vault_err use_operate(struct vault *vault, struct rbuf key, enum key_operation operation,
    struct rbuf in, struct wbuf *out);
enum vault_err certify_attest(struct vault *vault, struct rbuf attestation_key, uint8_t reference,
    struct rbuf key, struct wbuf *certificate);
enum vault_err import_key(struct vault *vault, uint8_t algorithm, enum pin_rule rule,
    const struct key_parts *parts, struct wbuf *key);
enum vault_err sealing_seal(struct vault *vault, struct rbuf key, uint32_t label,
    struct rbuf clear, struct wbuf *out);
enum vault_err sealing_unseal(struct vault *vault, struct rbuf key, uint32_t label,
    struct rbuf sealed, struct wbuf *out);
enum vault_err manage_encrypt(struct vault *vault, struct rbuf key, struct rbuf block,
    struct wbuf *out);
enum vault_err manage_make(struct vault *vault, uint8_t algorithm, const struct secret *octets,
    struct rbuf old, struct wbuf *key);
enum vault_err manage_follow(struct vault *vault, struct rbuf old, const struct secret *fresh);
enum vault_err manage_holds(struct vault *vault, struct rbuf key);
enum vault_err manage_is(struct vault *vault, struct rbuf key, const struct secret *octets);

#endif
