/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the ways to use a key that asks for a proof cost: PolicyTicket, and the
 * operation in the policy session, which is kept.
 *
 *	ways TCTI N
 *
 * SAPI, not salted: nothing is protected on the way, and no HMAC is there to
 * be computed.  SAPI, salted: as the driver does it, with the HMACs of request
 * and answer, and the answer encrypted where it is a secret.  ESYS: the same,
 * by tss2's own sessions.  Each is the whole operation, client and TPM.
 */
#include <stdio.h>
#include <stdlib.h>
#include <tss2/tss2_esys.h>

#include "tests/bench/client.h"
#include "tests/bench/measure.h"
#include "tpm/command.h"

enum operation { SIGN, DECRYPT, AGREE };

/* clang-format off */
static const struct operation_row {
	const char *name;
	enum client_key key;
	bool secret; /* the answer is */
} operations[] = {
	[SIGN] = { "PolicyTicket and sign P-256", CLIENT_P256, false },
	[DECRYPT] = { "PolicyTicket and RSA-2048", CLIENT_RSA2048, true },
	[AGREE] = { "PolicyTicket and ECDH P-256", CLIENT_P256, true },
};
/* clang-format on */

static const TPMT_SIG_SCHEME ecdsa = { .scheme = TPM2_ALG_ECDSA,
	.details.ecdsa.hashAlg = TPM2_ALG_SHA256 };
static const TPMT_TK_HASHCHECK no_hashcheck = { .tag = TPM2_ST_HASHCHECK,
	.hierarchy = TPM2_RH_NULL };
static const TPMT_RSA_DECRYPT raw_rsa = { .scheme = TPM2_ALG_NULL };
static const TPM2B_DATA no_label;
static const TPM2B_DIGEST no_cphash;
static const TPMT_SYM_DEF aes = {
	.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB
};

struct ways {
	struct client c;
	struct key key;
	struct client_ticket ticket;
	struct session session;
	ESYS_CONTEXT *esys;
	ESYS_TR esys_key, esys_session;
	TPM2B_NONCE purpose;
	TPM2B_NAME owner;
};

/* ---- SAPI ---- */

static TSS2_RC
prepare(struct ways *w, enum operation kind)
{
	const TPM2B_ECC_POINT point = client_point(&w->key);
	TSS2_SYS_CONTEXT *sys = w->c.tpm.sys;

	switch (kind) {
	case SIGN:
		return Tss2_Sys_Sign_Prepare(sys, w->key.handle, &client_digest, &ecdsa,
		    &no_hashcheck);
	case DECRYPT:
		return Tss2_Sys_RSA_Decrypt_Prepare(sys, w->key.handle, &client_block, &raw_rsa,
		    &no_label);
	case AGREE:
		break;
	}
	return Tss2_Sys_ECDH_ZGen_Prepare(sys, w->key.handle, &point);
}

static TSS2_RC
complete(struct ways *w, enum operation kind)
{
	TPM2B_PUBLIC_KEY_RSA plain = { .size = sizeof plain.buffer };
	TPM2B_ECC_POINT shared = { .size = 0 };
	TPMT_SIGNATURE signature;
	TSS2_SYS_CONTEXT *sys = w->c.tpm.sys;

	switch (kind) {
	case SIGN:
		return Tss2_Sys_Sign_Complete(sys, &signature);
	case DECRYPT:
		return Tss2_Sys_RSA_Decrypt_Complete(sys, &plain);
	case AGREE:
		break;
	}
	return Tss2_Sys_ECDH_ZGen_Complete(sys, &shared);
}

/* Not salted: the policy alone authorises, and SAPI sends it as it is. */
static void
by_sapi(struct ways *w, enum operation kind)
{
	const TSS2L_SYS_AUTH_COMMAND auths = { .count = 1, .auths = { {
		.sessionHandle = w->session.handle,
		.sessionAttributes = TPMA_SESSION_CONTINUESESSION } } };

	client_show(&w->c, w->session.handle, &w->ticket);
	client_must(prepare(w, kind), operations[kind].name);
	client_must(Tss2_Sys_SetCmdAuths(w->c.tpm.sys, &auths), operations[kind].name);
	client_must(Tss2_Sys_Execute(w->c.tpm.sys), operations[kind].name);
	client_must(complete(w, kind), operations[kind].name);
}

static void
by_salted_sapi(struct ways *w, enum operation kind)
{
	const struct command c = {
		.entities = { { w->key.handle, &w->key.name } },
		.by = { { .session = &w->session,
		    .use = operations[kind].secret ? TPMA_SESSION_ENCRYPT : 0 } },
	};

	client_show(&w->c, w->session.handle, &w->ticket);
	client_must(prepare(w, kind), operations[kind].name);
	client_must(command_run(&w->c.tpm, &c), operations[kind].name);
	client_must(complete(w, kind), operations[kind].name);
}

static void
open_plain(struct ways *w)
{
	client_must(session_open(&w->c.tpm, NULL, TPM2_SE_POLICY, &w->session), "start a session");
}

static void
open_salted(struct ways *w)
{
	client_must(session_open(&w->c.tpm, &w->c.storage, TPM2_SE_POLICY, &w->session),
	    "start a session");
}

static void
close_session(struct ways *w)
{
	session_close(&w->c.tpm, &w->session);
}

/* ---- ESYS ---- */

static void
open_esys(struct ways *w)
{
	ESYS_TR storage;

	client_must(Esys_Initialize(&w->esys, client_tcti(&w->c), NULL), "start ESYS");
	client_must(Esys_TR_FromTPMPublic(w->esys, w->key.handle, ESYS_TR_NONE, ESYS_TR_NONE,
			ESYS_TR_NONE, &w->esys_key), "show ESYS the key");
	client_must(Esys_TR_FromTPMPublic(w->esys, w->c.storage.handle, ESYS_TR_NONE,
			ESYS_TR_NONE, ESYS_TR_NONE, &storage), "show ESYS the storage key");
	client_must(Esys_StartAuthSession(w->esys, storage, ESYS_TR_NONE, ESYS_TR_NONE,
			ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &aes, TPM2_ALG_SHA256,
			&w->esys_session), "start a session");
}

static void
close_esys(struct ways *w)
{
	client_must(Esys_FlushContext(w->esys, w->esys_session), "end a session");
	Esys_Finalize(&w->esys);
}

static TSS2_RC
ask_esys(struct ways *w, enum operation kind)
{
	const TPM2B_ECC_POINT point = client_point(&w->key);
	TPM2B_PUBLIC_KEY_RSA *plain = NULL;
	TPMT_SIGNATURE *signature = NULL;
	TPM2B_ECC_POINT *shared = NULL;
	TSS2_RC rc = TSS2_RC_SUCCESS;

	switch (kind) {
	case SIGN:
		rc = Esys_Sign(w->esys, w->esys_key, w->esys_session, ESYS_TR_NONE, ESYS_TR_NONE,
		    &client_digest, &ecdsa, &no_hashcheck, &signature);
		break;
	case DECRYPT:
		rc = Esys_RSA_Decrypt(w->esys, w->esys_key, w->esys_session, ESYS_TR_NONE,
		    ESYS_TR_NONE, &client_block, &raw_rsa, &no_label, &plain);
		break;
	case AGREE:
		rc = Esys_ECDH_ZGen(w->esys, w->esys_key, w->esys_session, ESYS_TR_NONE,
		    ESYS_TR_NONE, &point, &shared);
		break;
	}
	Esys_Free(signature);
	Esys_Free(plain);
	Esys_Free(shared);
	return rc;
}

static void
by_esys(struct ways *w, enum operation kind)
{
	const TPMA_SESSION use = TPMA_SESSION_CONTINUESESSION |
	    (operations[kind].secret ? TPMA_SESSION_ENCRYPT : 0);

	client_must(Esys_PolicyTicket(w->esys, w->esys_session, ESYS_TR_NONE, ESYS_TR_NONE,
			ESYS_TR_NONE, &w->ticket.timeout, &no_cphash, &w->purpose, &w->owner,
			&w->ticket.ticket), operations[kind].name);
	client_must(Esys_TRSess_SetAttributes(w->esys, w->esys_session, use, 0xff),
	    operations[kind].name);
	client_must(ask_esys(w, kind), operations[kind].name);
}

/* ---- the whole ---- */

static const struct way {
	const char *at;
	void (*open)(struct ways *);
	void (*act)(struct ways *, enum operation);
	void (*close)(struct ways *);
} all[] = {
	{ "SAPI, not salted", open_plain, by_sapi, close_session },
	{ "SAPI, salted", open_salted, by_salted_sapi, close_session },
	{ "ESYS, salted", open_esys, by_esys, close_esys },
};

#define WAYS  (sizeof all / sizeof all[0])
#define TURNS 10

static void
begin(struct ways *w, const char *tcti, enum operation kind)
{
	SESSION(s);

	client_open(&w->c, tcti);
	client_create(&w->c, operations[kind].key, &w->key);
	client_load(&w->c, &w->key);
	w->purpose = nonce_tpm2b(rbuf_str(CLIENT_PURPOSE));
	w->owner = client_owner;
	client_must(session_open(&w->c.tpm, NULL, TPM2_SE_POLICY, &s), "start a session");
	client_prove(&w->c, &s, &w->ticket);
	session_close(&w->c.tpm, &s);
}

/* What a way has taken. */
struct taken {
	struct samples whole, tpm, client;
};

static void
measure(struct ways *w, const struct way *way, enum operation kind, long n, struct taken *out)
{
	int64_t begun, took;
	long i;

	way->open(w);
	for (i = 0; i < n; i++) {
		w->c.spent = 0;
		begun = measure_now();
		way->act(w, kind);
		took = measure_now() - begun;
		samples_add(&out->whole, took);
		samples_add(&out->tpm, w->c.spent);
		samples_add(&out->client, took - w->c.spent);
	}
	way->close(w);
}

static void
print(const struct way *way, enum operation kind, const char *part, struct samples *samples)
{
	char name[96];

	(void)snprintf(name, sizeof name, "%s%s", operations[kind].name, part);
	if (!measure_print(name, way->at, samples, 0, NULL))
		exit(EXIT_FAILURE);
	samples_free(samples);
}

/* By turns, so that what else the machine does hits each way. */
static void
compare(struct ways *w, enum operation kind, long n)
{
	struct taken taken[WAYS] = { 0 };
	size_t way;
	int turn;

	for (turn = 0; turn < TURNS; turn++) {
		for (way = 0; way < WAYS; way++)
			measure(w, &all[way], kind, (n + TURNS - 1) / TURNS, &taken[way]);
	}
	for (way = 0; way < WAYS; way++) {
		print(&all[way], kind, "", &taken[way].whole);
		print(&all[way], kind, ", the TPM's part", &taken[way].tpm);
		print(&all[way], kind, ", the client's part", &taken[way].client);
	}
}

int
main(int argc, char **argv)
{
	const long n = argc == 3 ? atol(argv[2]) : 0;
	struct ways w = { .esys = NULL };
	enum operation kind;

	if (n < 1) {
		(void)fprintf(stderr, "Usage: ways TCTI N\n");
		return EXIT_FAILURE;
	}
	client_clean(argv[1]);
	for (kind = 0; kind <= AGREE; kind++) {
		begin(&w, argv[1], kind);
		compare(&w, kind, n);
		handle_flush(&w.c.tpm, &w.key.handle);
		client_close(&w.c);
	}
	return EXIT_SUCCESS;
}
