/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What single commands cost with nothing before the TPM: from the command, ready
 * made, to its answer.
 *
 *	raw [-c CLIENTS] [-f FILE] TCTI N CASE...
 *
 * Each case N times; with clients, each in a process of its own, at once.  FILE
 * gets the durations.  The TPM is ours while it runs: what others have left
 * loaded is flushed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/client.h"
#include "tests/bench/measure.h"
#include "tpm/command.h"

#define INDEX 0x01c10101U

/* A bench to measure on: what a case needs is put there before. */
struct bench {
	struct client c;
	struct key key;
	TPM2_HANDLE handle; /* of a session or object that comes and goes */
	TSS2L_SYS_AUTH_COMMAND by; /* what authorises the use of the key */
	struct client_ticket ticket;
	struct session hmac;
	struct name index;
};

/* What to measure with. */
struct setting {
	const char *tcti, *file;
	long n;
	int clients;
};

static void
must_pass(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

/* ---- putting things there ---- */

static void
with_p256(struct bench *b)
{
	client_create(&b->c, CLIENT_P256, &b->key);
}

static void
with_rsa(struct bench *b)
{
	client_create(&b->c, CLIENT_RSA2048, &b->key);
}

static void
load(struct bench *b)
{
	client_load(&b->c, &b->key);
}

static void
with_loaded_p256(struct bench *b)
{
	with_p256(b);
	load(b);
}

static void
with_loaded_rsa(struct bench *b)
{
	with_rsa(b);
	load(b);
}

static void
unload(struct bench *b)
{
	handle_flush(&b->c.tpm, &b->key.handle);
}

static void
start(struct bench *b)
{
	SESSION(s);

	client_must(session_open(&b->c.tpm, NULL, TPM2_SE_POLICY, &s), "start a session");
	b->handle = s.handle;
}

static void
start_salted(struct bench *b)
{
	SESSION(s);

	client_must(session_open(&b->c.tpm, &b->c.storage, TPM2_SE_POLICY, &s), "start a session");
	b->handle = s.handle;
}

static void
flush(struct bench *b)
{
	handle_flush(&b->c.tpm, &b->handle);
}

static void
restart(struct bench *b)
{
	client_must(Tss2_Sys_PolicyRestart(b->c.tpm.sys, b->handle, NULL, NULL), "PolicyRestart");
}

static void
with_ticket(struct bench *b)
{
	SESSION(s);

	client_must(session_open(&b->c.tpm, NULL, TPM2_SE_POLICY, &s), "start a session");
	client_prove(&b->c, &s, &b->ticket);
	b->handle = s.handle;
	restart(b);
}

/* The key obeys a policy, as a card's does: a session that the ticket satisfies each time. */
static void
by_policy(struct bench *b)
{
	with_ticket(b);
	b->by = (TSS2L_SYS_AUTH_COMMAND){ .count = 1,
		.auths = { { .sessionHandle = b->handle,
		    .sessionAttributes = TPMA_SESSION_CONTINUESESSION } } };
}

static void
with_p256_by_policy(struct bench *b)
{
	with_loaded_p256(b);
	by_policy(b);
}

static void
with_rsa_by_policy(struct bench *b)
{
	with_loaded_rsa(b);
	by_policy(b);
}

static void
unload_by_policy(struct bench *b)
{
	unload(b);
	flush(b);
}

/* An index like a card's: it counts wrong tries. */
static void
with_index(struct bench *b)
{
	const TPM2B_NV_PUBLIC area = { .nvPublic = { .nvIndex = INDEX,
		.nameAlg = TPM2_ALG_SHA256, .dataSize = 8,
		.attributes = (TPM2_NT_PIN_FAIL << TPMA_NV_TPM2_NT_SHIFT) | TPMA_NV_OWNERWRITE |
		    TPMA_NV_OWNERREAD | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA } };
	const TPM2B_MAX_NV_BUFFER data = { .size = 8, .buffer = { [7] = 5 } };
	const TPM2B_AUTH no_auth = { .size = 0 };
	TPM2B_NV_PUBLIC got = { .size = 0 };
	TPM2B_NAME name = { .size = sizeof name.name };
	TSS2_SYS_CONTEXT *sys = b->c.tpm.sys;

	(void)Tss2_Sys_NV_UndefineSpace(sys, TPM2_RH_OWNER, INDEX, &client_empty, NULL);
	client_must(Tss2_Sys_NV_DefineSpace(sys, TPM2_RH_OWNER, &client_empty, &no_auth, &area,
			NULL), "define an index");
	client_must(Tss2_Sys_NV_Write(sys, TPM2_RH_OWNER, INDEX, &client_empty, &data, 0, NULL),
	    "write an index");
	client_must(Tss2_Sys_NV_ReadPublic(sys, INDEX, NULL, &got, &name, NULL), "read an index");
	if (!name_of_index(&got.nvPublic, &b->index))
		client_must(TSS2_BASE_RC_GENERAL_FAILURE, "name an index");
}

static void
without_index(struct bench *b)
{
	client_must(Tss2_Sys_NV_UndefineSpace(b->c.tpm.sys, TPM2_RH_OWNER, INDEX, &client_empty,
			NULL), "undefine an index");
}

/* To prove it with: the index, an HMAC session that protects the proof, a policy session that gets it. */
static void
with_proof(struct bench *b)
{
	with_index(b);
	client_must(session_open(&b->c.tpm, &b->c.storage, TPM2_SE_HMAC, &b->hmac),
	    "start a session");
	start_salted(b);
}

static void
without_proof(struct bench *b)
{
	without_index(b);
	session_close(&b->c.tpm, &b->hmac);
	flush(b);
}

/* ---- what is measured ---- */

static void
sign(struct bench *b)
{
	const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_ECDSA,
		.details.ecdsa.hashAlg = TPM2_ALG_SHA256 };
	const TPMT_TK_HASHCHECK no_ticket = { .tag = TPM2_ST_HASHCHECK,
		.hierarchy = TPM2_RH_NULL };
	TPMT_SIGNATURE out;

	client_must(Tss2_Sys_Sign(b->c.tpm.sys, b->key.handle, &b->by, &client_digest,
			&scheme, &no_ticket, &out, NULL), "Sign");
}

static void
decrypt(struct bench *b)
{
	const TPMT_RSA_DECRYPT raw = { .scheme = TPM2_ALG_NULL };
	const TPM2B_DATA no_label = { .size = 0 };
	TPM2B_PUBLIC_KEY_RSA out = { .size = sizeof out.buffer };

	client_must(Tss2_Sys_RSA_Decrypt(b->c.tpm.sys, b->key.handle, &b->by, &client_block,
			&raw, &no_label, &out, NULL), "RSA_Decrypt");
}

static void
agree(struct bench *b)
{
	const TPM2B_ECC_POINT in = client_point(&b->key);
	TPM2B_ECC_POINT out = { .size = 0 };

	client_must(Tss2_Sys_ECDH_ZGen(b->c.tpm.sys, b->key.handle, &b->by, &in, &out, NULL),
	    "ECDH_ZGen");
}

static void
show_ticket(struct bench *b)
{
	client_show(&b->c, b->handle, &b->ticket);
}

static void
nv_read(struct bench *b)
{
	TPM2B_MAX_NV_BUFFER out = { .size = sizeof out.buffer };

	client_must(Tss2_Sys_NV_Read(b->c.tpm.sys, TPM2_RH_OWNER, INDEX, &client_empty, 8, 0, &out,
			NULL), "NV_Read");
}

static void
nv_read_public(struct bench *b)
{
	TPM2B_NV_PUBLIC area = { .size = 0 };
	TPM2B_NAME name = { .size = sizeof name.name };

	client_must(Tss2_Sys_NV_ReadPublic(b->c.tpm.sys, INDEX, NULL, &area, &name, NULL),
	    "NV_ReadPublic");
}

static void
get_random(struct bench *b)
{
	TPM2B_DIGEST out = { .size = sizeof out.buffer };

	client_must(Tss2_Sys_GetRandom(b->c.tpm.sys, NULL, 8, &out, NULL), "GetRandom");
}

static void
prove_to(struct bench *b, TPM2_HANDLE session, const TPM2B_NONCE *nonce, int32_t expiration)
{
	const TPM2B_NONCE purpose = nonce_tpm2b(rbuf_str(CLIENT_PURPOSE));
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	const struct command c = {
		.entities = { { INDEX, &b->index }, { session, NULL } },
		.by = { { .session = &b->hmac } },
	};

	client_must(Tss2_Sys_PolicySecret_Prepare(b->c.tpm.sys, INDEX, session, nonce, &no_cphash,
			&purpose, expiration), "PolicySecret");
	client_must(command_run(&b->c.tpm, &c), "PolicySecret");
}

static void
prove(struct bench *b)
{
	const TPM2B_NONCE no_nonce = { .size = 0 };

	prove_to(b, b->handle, &no_nonce, 0);
}

static void
prove_in_session(struct bench *b, struct session *s, int32_t expiration)
{
	client_must(session_open(&b->c.tpm, &b->c.storage, TPM2_SE_POLICY, s), "start a session");
	client_must(session_confirm(&b->c.tpm, s), "confirm a session");
	prove_to(b, s->handle, &s->nonce, expiration);
}

/* What VERIFY asks of the TPM, by the same commands: a ticket, and a session that is saved. */
static void
verify(struct bench *b)
{
	TPMS_CONTEXT saved = { .sequence = 0 };
	SESSION(use);
	SESSION(armed);

	nv_read_public(b);
	client_must(session_open(&b->c.tpm, &b->c.storage, TPM2_SE_HMAC, &b->hmac),
	    "start a session");
	prove_in_session(b, &use, -3600);
	prove_in_session(b, &armed, 30);
	session_close(&b->c.tpm, &b->hmac);
	client_must(session_save(&b->c.tpm, &armed, &saved), "save a session");
	/* The next VERIFY begins with the end of this one. */
	client_must(session_load(&b->c.tpm, &saved, &armed), "load a session");
	session_close(&b->c.tpm, &armed);
	session_close(&b->c.tpm, &use);
}

/* ---- cases ---- */

#define PASSWORD "raw TPM (password)"

/* clang-format off */
static const struct row {
	const char *word, *name, *at; /* NULL: the TPM with nothing before it */
	void (*begin)(struct bench *);	/* once; NULL: nothing to do, for each of the five */
	void (*before)(struct bench *);
	void (*act)(struct bench *);	/* measured */
	void (*after)(struct bench *);
	void (*end)(struct bench *);
} rows[] = {
	{ "sign-p256", "sign P-256", NULL, with_p256_by_policy, show_ticket, sign, NULL,
	    unload_by_policy },
	{ "sign-rsa2048", "sign RSA-2048", NULL, with_rsa_by_policy, show_ticket, decrypt, NULL,
	    unload_by_policy },
	{ "sign-p256-password", "sign P-256", PASSWORD, with_loaded_p256, NULL, sign, NULL, unload },
	{ "sign-rsa2048-password", "sign RSA-2048", PASSWORD, with_loaded_rsa, NULL, decrypt, NULL,
	    unload },
	{ "ecdh-p256", "ECDH P-256", NULL, with_loaded_p256, NULL, agree, NULL, unload },
	{ "load-p256", "TPM2_Load P-256", NULL, with_p256, NULL, load, unload, NULL },
	{ "load-rsa2048", "TPM2_Load RSA-2048", NULL, with_rsa, NULL, load, unload, NULL },
	{ "create-p256", "TPM2_Create P-256", NULL, NULL, NULL, with_p256, NULL, NULL },
	{ "create-rsa2048", "TPM2_Create RSA-2048", NULL, NULL, NULL, with_rsa, NULL, NULL },
	{ "session", "TPM2_StartAuthSession", NULL, NULL, NULL, start, flush, NULL },
	{ "session-salted", "TPM2_StartAuthSession salted", NULL, NULL, NULL, start_salted, flush, NULL },
	{ "flush", "TPM2_FlushContext", NULL, NULL, start, flush, NULL, NULL },
	{ "ticket", "TPM2_PolicyTicket", NULL, with_ticket, NULL, show_ticket, restart, flush },
	{ "secret", "TPM2_PolicySecret", NULL, with_proof, NULL, prove, restart, without_proof },
	{ "nv-read", "TPM2_NV_Read", NULL, with_index, NULL, nv_read, NULL, without_index },
	{ "nv-public", "TPM2_NV_ReadPublic", NULL, with_index, NULL, nv_read_public, NULL,
	    without_index },
	{ "random", "TPM2_GetRandom", NULL, NULL, NULL, get_random, NULL, NULL },
	{ "verify", "VERIFY's commands", NULL, with_index, NULL, verify, NULL, without_index },
};
/* clang-format on */

static const struct row *
find(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (strcmp(rows[i].word, word) == 0)
			return &rows[i];
	}
	(void)fprintf(stderr, "raw: no case %s\n", word);
	exit(EXIT_FAILURE);
}

static const char *
at_of(const struct row *row)
{
	return row->at != NULL ? row->at : "raw TPM";
}

static void
step(void (*what)(struct bench *), struct bench *b)
{
	if (what != NULL)
		what(b);
}

static void
run(const struct setting *set, const struct row *row, struct bench *b, struct samples *out)
{
	long i;

	for (i = 0; i < set->n; i++) {
		step(row->before, b);
		b->c.spent = 0;
		row->act(b);
		samples_add(out, b->c.spent);
		step(row->after, b);
	}
}

static void
alone(const struct setting *set, const struct row *row)
{
	struct samples samples = { 0 };
	struct bench b = { .by = client_empty };

	client_clean(set->tcti);
	client_open(&b.c, set->tcti);
	step(row->begin, &b);
	run(set, row, &b, &samples);
	step(row->end, &b);
	client_close(&b.c);
	if (!measure_print(row->name, at_of(row), &samples, 0, set->file))
		exit(EXIT_FAILURE);
	samples_free(&samples);
}

/* ---- several at once ---- */

#define CLIENTS_MAX 2 /* a TPM has three places for objects, and making a key takes two */

struct process {
	pid_t pid;
	int to, from; /* pipes: told to go on; durations */
};

/* A client: when it is ready it says so, and waits for the word. */
static void
be_client(const struct setting *set, const struct row *row, int from, int to)
{
	struct samples samples = { 0 };
	struct bench b = { .by = client_empty };
	char word = '.';

	client_open(&b.c, set->tcti);
	step(row->begin, &b);
	client_drop_storage(&b.c);
	must_pass(write(to, &word, 1) == 1 && read(from, &word, 1) == 1, "raw: client");
	run(set, row, &b, &samples);
	step(row->end, &b);
	client_close(&b.c);
	must_pass(write(to, samples.ns, samples.n * sizeof *samples.ns) ==
		(ssize_t)(samples.n * sizeof *samples.ns), "raw: client");
	exit(EXIT_SUCCESS);
}

static void
start_client(const struct setting *set, const struct row *row, struct process *p)
{
	int down[2], up[2];
	char word;

	must_pass(pipe(down) == 0 && pipe(up) == 0, "raw: pipe");
	p->pid = fork();
	must_pass(p->pid >= 0, "raw: fork");
	if (p->pid == 0) {
		(void)close(down[1]);
		(void)close(up[0]);
		be_client(set, row, down[0], up[1]);
	}
	(void)close(down[0]);
	(void)close(up[1]);
	p->to = down[1];
	p->from = up[0];
	must_pass(read(p->from, &word, 1) == 1, "raw: a client");
}

static void
collect(struct process *p, struct samples *out)
{
	int64_t ns;
	FILE *in = fdopen(p->from, "r");
	int status;

	must_pass(in != NULL, "raw: fdopen");
	while (fread(&ns, sizeof ns, 1, in) == 1)
		samples_add(out, ns);
	(void)fclose(in);
	(void)close(p->to);
	must_pass(waitpid(p->pid, &status, 0) == p->pid && status == 0, "raw: a client");
}

static void
together(const struct setting *set, const struct row *row)
{
	struct process p[CLIENTS_MAX];
	struct samples samples = { 0 };
	char name[96];
	int64_t begun;
	int i;

	client_clean(set->tcti);
	for (i = 0; i < set->clients; i++)
		start_client(set, row, &p[i]);
	begun = measure_now();
	for (i = 0; i < set->clients; i++)
		must_pass(write(p[i].to, ".", 1) == 1, "raw: a client");
	for (i = 0; i < set->clients; i++)
		collect(&p[i], &samples);
	begun = measure_now() - begun;
	(void)snprintf(name, sizeof name, "%s, %d at once", row->name, set->clients);
	if (!measure_print(name, at_of(row), &samples, begun, set->file))
		exit(EXIT_FAILURE);
	samples_free(&samples);
}

static int
usage(void)
{
	(void)fprintf(stderr,
	    "Usage: raw [-c CLIENTS] [-f FILE] TCTI N CASE...\n");
	return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	struct setting set = { .clients = 1 };
	int option;

	while ((option = getopt(argc, argv, "c:f:")) != -1) {
		if (option == 'c')
			set.clients = atoi(optarg);
		else if (option == 'f')
			set.file = optarg;
		else
			return usage();
	}
	set.n = argc - optind >= 3 ? atol(argv[optind + 1]) : 0;
	if (set.n < 1 || set.clients < 1 || set.clients > CLIENTS_MAX)
		return usage();
	set.tcti = argv[optind];
	for (optind += 2; optind < argc; optind++) {
		if (set.clients == 1)
			alone(&set, find(argv[optind]));
		else
			together(&set, find(argv[optind]));
	}
	return EXIT_SUCCESS;
}
