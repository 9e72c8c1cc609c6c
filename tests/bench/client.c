/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <tss2/tss2_tctildr.h>

#include "tests/bench/measure.h"
#include "tpm/key.h"

#define TRANSIENT 0x80000000U
#define SESSIONS  0x02000000U

const TSS2L_SYS_AUTH_COMMAND client_empty = { .count = 1,
	.auths = { { .sessionHandle = TPM2_RS_PW } } };

const TPM2B_DIGEST client_digest = { .size = 32, .buffer = { 1, 2, 3, 4, 5, 6, 7, 8 } };

const TPM2B_PUBLIC_KEY_RSA client_block = { .size = 256, .buffer = { 0, 1, 2, 3, 4, 5, 6, 7 } };

void
client_must(TSS2_RC rc, const char *what)
{
	if (rc == TSS2_RC_SUCCESS)
		return;
	(void)fprintf(stderr, "%s: error 0x%x\n", what, (unsigned)rc);
	exit(EXIT_FAILURE);
}

/* ---- the TCTI that holds a watch ---- */

static TSS2_RC
transmit(TSS2_TCTI_CONTEXT *context, size_t size, const uint8_t *command)
{
	struct client *c = (struct client *)context;

	c->sent = measure_now();
	return Tss2_Tcti_Transmit(c->real, size, command);
}

static TSS2_RC
receive(TSS2_TCTI_CONTEXT *context, size_t *size, uint8_t *response, int32_t timeout)
{
	struct client *c = (struct client *)context;
	TSS2_RC rc = Tss2_Tcti_Receive(c->real, size, response, timeout);

	if (response != NULL && rc == TSS2_RC_SUCCESS)
		c->spent += measure_now() - c->sent;
	return rc;
}

TSS2_TCTI_CONTEXT *
client_tcti(struct client *c)
{
	return (TSS2_TCTI_CONTEXT *)c;
}

/* ---- coming and going ---- */

static void
flush_range(struct client *c, TPM2_HANDLE first)
{
	TPMS_CAPABILITY_DATA data;
	TPMI_YES_NO more;
	UINT32 i;

	client_must(Tss2_Sys_GetCapability(c->tpm.sys, NULL, TPM2_CAP_HANDLES, first, 64, &more,
			&data, NULL), "list what is loaded");
	for (i = 0; i < data.data.handles.count; i++)
		(void)Tss2_Sys_FlushContext(c->tpm.sys, data.data.handles.handle[i]);
}

static const TPM2B_PUBLIC storage_template = {
	.publicArea = {
		.type = TPM2_ALG_ECC,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT |
		    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA |
		    TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SENSITIVEDATAORIGIN,
		.parameters.eccDetail = {
			.symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128,
			    .mode.aes = TPM2_ALG_CFB },
			.scheme.scheme = TPM2_ALG_NULL,
			.curveID = TPM2_ECC_NIST_P256,
			.kdf.scheme = TPM2_ALG_NULL,
		},
	},
};

static const TPM2B_SENSITIVE_CREATE no_secret;
static const TPML_PCR_SELECTION no_pcr;
static const TPM2B_DATA no_info;

static void
make_storage(struct client *c)
{
	TPM2B_PUBLIC area = { .size = 0 };
	TPM2B_NAME name = { .size = sizeof name.name };

	client_must(Tss2_Sys_CreatePrimary(c->tpm.sys, TPM2_RH_OWNER, &client_empty, &no_secret,
			&storage_template, &no_info, &no_pcr, &c->storage.handle, &area, NULL,
			NULL, NULL, &name, NULL), "make a storage key");
	c->storage.area = area.publicArea;
	if (!name_of_object(&area.publicArea, &c->storage.name))
		client_must(TSS2_BASE_RC_GENERAL_FAILURE, "name the storage key");
}

static void
connect_to(struct client *c, const char *tcti)
{
	const size_t size = Tss2_Sys_GetContextSize(0);
	TSS2_ABI_VERSION abi = TSS2_ABI_VERSION_CURRENT;

	*c = (struct client){ .tcti = { .magic = 0x62656e6368000001ULL, .version = 1,
				  .transmit = transmit, .receive = receive } };
	client_must(Tss2_TctiLdr_Initialize(tcti, &c->real), tcti);
	c->tpm.sys = calloc(1, size);
	client_must(c->tpm.sys == NULL ? TSS2_TCTI_RC_MEMORY :
		Tss2_Sys_Initialize(c->tpm.sys, size, client_tcti(c), &abi), "start SAPI");
}

static void
disconnect(struct client *c)
{
	Tss2_Sys_Finalize(c->tpm.sys);
	free(c->tpm.sys);
	c->tpm.sys = NULL;
	Tss2_TctiLdr_Finalize(&c->real);
}

void
client_clean(const char *tcti)
{
	struct client c;

	connect_to(&c, tcti);
	flush_range(&c, TRANSIENT);
	flush_range(&c, SESSIONS);
	disconnect(&c);
}

void
client_open(struct client *c, const char *tcti)
{
	TPM2B_DIGEST digest = { .size = sizeof digest.buffer };
	struct rbuf in;
	SESSION(trial);

	connect_to(c, tcti);
	make_storage(c);
	client_must(session_open(&c->tpm, NULL, TPM2_SE_TRIAL, &trial), "a trial session");
	client_prove(c, &trial, NULL);
	client_must(Tss2_Sys_PolicyGetDigest(c->tpm.sys, trial.handle, NULL, &digest, NULL),
	    "read a policy");
	in = rbuf_of(digest.buffer, digest.size);
	if (!rbuf_copy(&in, c->policy.octets, sizeof c->policy.octets))
		client_must(TSS2_BASE_RC_GENERAL_FAILURE, "read a policy");
	session_close(&c->tpm, &trial);
}

void
client_drop_storage(struct client *c)
{
	handle_flush(&c->tpm, &c->storage.handle);
}

void
client_close(struct client *c)
{
	client_drop_storage(c);
	disconnect(c);
}

/* ---- keys ---- */

void
client_create(struct client *c, enum client_key kind, struct key *out)
{
	static const uint8_t algorithms[] = { ALG_ECC_P256, ALG_RSA_2048 };
	TPM2B_PUBLIC area;

	if (!key_template(algorithms[kind], ORIGIN_GENERATED, &c->policy, &area))
		client_must(TSS2_BASE_RC_GENERAL_FAILURE, "a key's template");
	area.publicArea.objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
	*out = (struct key){ .handle = 0 };
	out->secret.size = sizeof out->secret.buffer;
	client_must(Tss2_Sys_Create(c->tpm.sys, c->storage.handle, &client_empty, &no_secret, &area,
			&no_info, &no_pcr, &out->secret, &out->area, NULL, NULL, NULL, NULL),
	    "make a key");
	if (!name_of_object(&out->area.publicArea, &out->name))
		client_must(TSS2_BASE_RC_GENERAL_FAILURE, "name a key");
}

void
client_load(struct client *c, struct key *key)
{
	TPM2B_NAME name = { .size = sizeof name.name };

	client_must(Tss2_Sys_Load(c->tpm.sys, c->storage.handle, &client_empty, &key->secret,
			&key->area, &key->handle, &name, NULL), "load a key");
}

TPM2B_ECC_POINT
client_point(const struct key *key)
{
	return (TPM2B_ECC_POINT){ .point = key->area.publicArea.unique.ecc };
}

/* ---- the policy ---- */

void
client_prove(struct client *c, const struct session *s, struct client_ticket *ticket)
{
	const TPM2B_NONCE purpose = nonce_tpm2b(rbuf_str(CLIENT_PURPOSE));
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	struct client_ticket t = { .timeout.size = sizeof t.timeout.buffer };

	client_must(Tss2_Sys_PolicySecret(c->tpm.sys, TPM2_RH_OWNER, s->handle, &client_empty,
			&s->nonce, &no_cphash, &purpose, ticket != NULL ? -36000 : 0, &t.timeout,
			&t.ticket, NULL), "prove to be the owner");
	if (ticket != NULL)
		*ticket = t;
}

const TPM2B_NAME client_owner = { .size = 4, .name = { 0x40, 0x00, 0x00, 0x01 } };

void
client_show(struct client *c, TPM2_HANDLE session, const struct client_ticket *ticket)
{
	const TPM2B_NONCE purpose = nonce_tpm2b(rbuf_str(CLIENT_PURPOSE));
	const TPM2B_DIGEST no_cphash = { .size = 0 };

	client_must(Tss2_Sys_PolicyTicket(c->tpm.sys, session, NULL, &ticket->timeout, &no_cphash,
			&purpose, &client_owner, &ticket->ticket, NULL), "show a ticket");
}
