/* SPDX-License-Identifier: BSD-2-Clause */
/* What no single option can see. */
#include "tools/grammar.h"

/* Of the client data of WebAuthn: SHA-256. */
#define CLIENT_DATA_HASH 32

static bool
forbids_default_pin(const struct pin_policy *policy)
{
	SECRET(pin);

	return !default_pin(&pin) || pin_policy_breach(policy, secret_view(&pin)) != NULL;
}

/* A file for a secret that is asked for stands for PROMPT, and goes with nothing else. */
static const char *
file_is_prompt(struct options *o, enum secret_kind kind, enum source *source, const char *fault)
{
	if (o->secret_file[kind] == NULL || *source == SOURCE_PROMPT)
		return NULL;
	if (*source != SOURCE_OMITTED)
		return fault;
	*source = SOURCE_PROMPT;
	o->implied |= 1u << kind;
	return NULL;
}

static const char *
settle_create(struct options *o)
{
	const char *fault;

	if (o->admin_algorithm == 0)
		o->admin_algorithm = ALG_3DES;
	fault = file_is_prompt(o, SECRET_ADMIN_KEY, &o->admin_key,
	    "--admin-key-file: goes with /AdminKey PROMPT only");
	if (fault == NULL)
		fault = file_is_prompt(
		    o, SECRET_PIN, &o->pin, "--pin-file: goes with /PIN PROMPT only");
	if (fault == NULL)
		fault = file_is_prompt(
		    o, SECRET_PUK, &o->puk, "--puk-file: goes with /PUK PROMPT only");
	return fault;
}

static const char *
settle_change_admin_key(struct options *o)
{
	return file_is_prompt(o, SECRET_NEW_ADMIN_KEY, &o->admin_key,
	    "--new-admin-key-file: goes with /AdminKey PROMPT only");
}

/* Without a word on how, the PUK; or the admin key, when that is the file. */
static const char *
settle_unblock(struct options *o)
{
	const char *const key = o->secret_file[SECRET_ADMIN_KEY];
	const char *const puk = o->secret_file[SECRET_PUK];

	if (o->by_count > 1)
		return "/PUK, /AdminKey and --challenge: one of them";
	if (o->by_count == 0 && key != NULL && puk == NULL) {
		o->by = BY_ADMIN_KEY;
		o->implied |= 1u << SECRET_ADMIN_KEY;
	}
	if (key != NULL && o->by != BY_ADMIN_KEY)
		return "--admin-key-file: goes with /AdminKey only";
	if (puk != NULL && o->by != BY_PUK)
		return "--puk-file: goes with /PUK only";
	return NULL;
}

static const char *
fault_of_create(const struct options *o)
{
	if (o->name == NULL)
		return "/name: create needs a name for the card";
	if (o->has_policy && o->pin != SOURCE_PROMPT)
		return "/pinpolicy: goes with /PIN PROMPT only";
	if (o->allow_reset && forbids_default_pin(&o->policy))
		return "--allow-reset: a reset sets the default PIN, which /pinpolicy forbids";
	if (o->admin_algorithm == ALG_AES_256 &&
	    (o->admin_key == SOURCE_OMITTED || o->admin_key == SOURCE_DEFAULT))
		return "/AdminKey: there is no DEFAULT for AES256; use PROMPT or RANDOM";
	return NULL;
}

static const char *
fault_of_instance(const struct options *o)
{
	return o->has_instance ? NULL : "/instance: the command needs the card's instance ID";
}

static const char *
fault_of_enroll(const struct options *o)
{
	if (!o->has_instance)
		return fault_of_instance(o);
	if (o->slot == 0)
		return "--slot: enroll needs a slot: 9A, 9C, 9D or 9E";
	if (o->install != NULL && (o->subject != NULL || o->self_signed || o->output != NULL))
		return "--install: puts a certificate in, and makes nothing new";
	if (o->install == NULL && o->subject == NULL)
		return "--subject: enroll needs a subject, such as CN=Alice,O=Example";
	return NULL;
}

static const char *
fault_of_unblock(const struct options *o)
{
	if (!o->has_instance)
		return fault_of_instance(o);
	if (o->by == BY_CHALLENGE && o->machine != NULL)
		return "--challenge: goes with no /machine";
	return NULL;
}

static const char *
fault_of_respond(const struct options *o)
{
	return o->record != NULL ? NULL : "--record: respond needs the card's record";
}

static const char *
fault_of_ca_respond(const struct options *o)
{
	if (o->input == NULL)
		return "ca-respond needs a request, which attest writes";
	if (o->ca_cert == NULL || o->ca_key == NULL)
		return "--ca-cert, --ca-key: ca-respond needs the CA's certificate and key";
	return o->ek_roots != NULL ? NULL
				   : "--ek-roots: ca-respond needs the roots of the TPMs' makers";
}

static const char *
fault_of_export(const struct options *o)
{
	if (o->request || o->install != NULL || (o->acme != NULL && o->webauthn != NULL))
		return "--acme, --webauthn: go with neither each other nor --request or --install";
	if (o->slot == 0)
		return "--slot: --acme and --webauthn are for one key";
	if (o->acme != NULL)
		return o->nonce_len == 0 ? NULL : "--nonce: with --acme the token is the nonce";
	return o->nonce_len == CLIENT_DATA_HASH ? NULL
						: "--client-data-hash: --webauthn needs 32 octets in hexadecimal";
}

static const char *
fault_of_attest(const struct options *o)
{
	if (!o->has_instance)
		return fault_of_instance(o);
	/* It would be a file over there. */
	if (o->machine != NULL && o->output != NULL)
		return "--output: goes with no /machine; take standard output";
	if (o->acme != NULL || o->webauthn != NULL)
		return fault_of_export(o);
	if (o->install != NULL &&
	    (o->machine != NULL || o->output != NULL || o->request || o->slot != 0 ||
		o->nonce_len != 0))
		return "--install: puts a certificate in, and goes with nothing else";
	if (o->request && (o->slot != 0 || o->nonce_len != 0))
		return "--request: goes with neither --slot nor --nonce";
	return NULL;
}

static const char *
fault_of_verify(const struct options *o)
{
	if (o->input == NULL)
		return "verify needs a bundle: the file that attest wrote, or - for standard input";
	if (o->ca == NULL && (o->required & (REQUIRE_EK | REQUIRE_AK)) != 0)
		return "--ca: verify needs a file of authorities, unless --require asks for "
		       "neither ek nor ak";
	return NULL;
}

static const char *
fault_of_change_admin_key(const struct options *o)
{
	if (!o->has_instance)
		return fault_of_instance(o);
	if (o->admin_algorithm == ALG_AES_256 && o->admin_key == SOURCE_DEFAULT)
		return "/AdminKey: there is no DEFAULT for AES256; use PROMPT or RANDOM";
	return NULL;
}

/* clang-format off */
static const char *(*const faults[VERBS])(const struct options *) = {
	[VERB_CREATE] = fault_of_create,
	[VERB_DESTROY] = fault_of_instance,
	[VERB_SHOW] = fault_of_instance,
	[VERB_ENROLL] = fault_of_enroll,
	[VERB_UNBLOCK] = fault_of_unblock,
	[VERB_RESPOND] = fault_of_respond,
	[VERB_CA_RESPOND] = fault_of_ca_respond,
	[VERB_CHANGE_PIN] = fault_of_instance,
	[VERB_CHANGE_PUK] = fault_of_instance,
	[VERB_CHANGE_ADMIN_KEY] = fault_of_change_admin_key,
	[VERB_ATTEST] = fault_of_attest,
	[VERB_VERIFY] = fault_of_verify,
};
/* clang-format on */

/* Make the most of what was said, before it is looked at as a whole. */
/* clang-format off */
static const char *(*const settlers[VERBS])(struct options *) = {
	[VERB_CREATE] = settle_create,
	[VERB_UNBLOCK] = settle_unblock,
	[VERB_CHANGE_ADMIN_KEY] = settle_change_admin_key,
};
/* clang-format on */

const char *
options_settle(struct options *o)
{
	const char *fault = NULL;

	if (o->verb == VERB_NONE)
		return o->stdio ? NULL : "no command given; tpmvscmgr --help lists them";
	if (o->stdio)
		return "--stdio: goes with no command";
	if (o->machine != NULL && o->record != NULL)
		return "--record: goes with no /machine; run show --record there";
	if (settlers[o->verb] != NULL)
		fault = settlers[o->verb](o);
	if (fault != NULL)
		return fault;
	return faults[o->verb] != NULL ? faults[o->verb](o) : NULL;
}
