/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/grammar.h"

#include "tools/words.h"

#include <stddef.h>

/* What an option takes, where it goes, and what to say when that does not fit. */
/* clang-format off */
#define FLAG(field)        TAKES_NOTHING, NULL, offsetof(struct options, field), NULL, false, false
#define ACT(set)           TAKES_NOTHING, set, 0, NULL, false, false
#define TEXT(field, wants) TAKES_VALUE, NULL, offsetof(struct options, field), wants, false, false
#define HERE(field, wants) TAKES_VALUE, NULL, offsetof(struct options, field), wants, true, false
#define FILE_NAME(field)   TEXT(field, "wants a file")
#define SECRET_FILE(kind)  TAKES_VALUE, NULL, offsetof(struct options, secret_file[kind]), \
	"wants a file, or - for standard input", true, true
#define VALUE(set)         TAKES_VALUE, set, 0, NULL, false, false
#define MACHINE            TAKES_VALUE, set_machine, 0, NULL, true, false
#define MANY(set)          TAKES_MANY, set, 0, NULL, false, false
#define RULES              TAKES_RULES, NULL, 0, NULL, false, false

static const struct option common_options[] = {
	/* name, letter, whether the seed has it, what it takes */
	{ "config",  'c', false, HERE(config, "wants a file") },
	{ "help",    'h', false, FLAG(help) },
	{ "quiet",   'q', true,  FLAG(quiet) },
	{ "verbose", 'v', false, FLAG(verbose) },
	{ "version", 'V', false, FLAG(version) },
};

static const struct option tool_options[] = {
	{ "stdio", 0, false, FLAG(stdio) },
};

static const struct option create_options[] = {
	{ "name",            'n', true,  VALUE(set_name) },
	{ "admin-key",       0,   true,  VALUE(set_admin_key) },
	{ "pin",             0,   true,  VALUE(set_pin) },
	{ "puk",             0,   true,  VALUE(set_puk) },
	{ "generate",        'g', true,  FLAG(generate) },
	{ "pin-policy",      0,   true,  RULES },
	{ "attestation",     0,   true,  VALUE(set_attestation) },
	{ "machine",         0,   true,  MACHINE },
	{ "admin-algorithm", 0,   false, VALUE(set_admin_algorithm) },
	{ "admin-unblock",   0,   false, VALUE(set_admin_unblock) },
	{ "pin-tries",       0,   false, VALUE(set_pin_tries) },
	{ "puk-tries",       0,   false, VALUE(set_puk_tries) },
	{ "allow-reset",     0,   false, FLAG(allow_reset) },
	{ "if-absent",       0,   false, FLAG(if_absent) },
	{ "record",          0,   false, FILE_NAME(record) },
	{ "admin-key-file",  0,   false, SECRET_FILE(SECRET_ADMIN_KEY) },
	{ "pin-file",        0,   false, SECRET_FILE(SECRET_PIN) },
	{ "puk-file",        0,   false, SECRET_FILE(SECRET_PUK) },
};

static const struct option destroy_options[] = {
	{ "instance", 'i', true, VALUE(set_instance) },
	{ "machine",  0,   true, MACHINE },
};

static const struct option list_options[] = {
	{ "json",    'j', false, FLAG(json) },
	{ "machine", 0,   true,  MACHINE },
};

static const struct option show_options[] = {
	{ "instance", 'i', true,  VALUE(set_instance) },
	{ "machine",  0,   true,  MACHINE },
	{ "json",     'j', false, FLAG(json) },
	{ "record",   0,   false, FILE_NAME(record) },
};

static const struct option enroll_options[] = {
	{ "instance",       'i', true,  VALUE(set_instance) },
	{ "slot",           's', false, VALUE(set_slot) },
	{ "subject",        0,   false, TEXT(subject, "wants a name, such as CN=Alice,O=Example") },
	{ "alt-name",       0,   false, MANY(add_alt_name) },
	{ "algorithm",      'a', false, VALUE(set_algorithm) },
	{ "pin-rule",       0,   false, VALUE(set_pin_rule) },
	{ "self-signed",    0,   false, FLAG(self_signed) },
	{ "days",           0,   false, VALUE(set_days) },
	{ "output",         'o', false, FILE_NAME(output) },
	{ "install",        0,   false, FILE_NAME(install) },
	{ "no-history",     0,   false, FLAG(no_history) },
	{ "admin-key-file", 0,   false, SECRET_FILE(SECRET_ADMIN_KEY) },
	{ "pin-file",       0,   false, SECRET_FILE(SECRET_PIN) },
};

static const struct option unblock_options[] = {
	{ "instance",       'i', true,  VALUE(set_instance) },
	{ "machine",        0,   true,  MACHINE },
	{ "puk",            0,   true,  ACT(set_by_puk) },
	{ "admin-key",      0,   true,  ACT(set_by_admin_key) },
	{ "challenge",      0,   false, ACT(set_by_challenge) },
	{ "wait",           0,   false, VALUE(set_wait) },
	{ "no-qr",          0,   false, FLAG(no_qr) },
	{ "admin-key-file", 0,   false, SECRET_FILE(SECRET_ADMIN_KEY) },
	{ "puk-file",       0,   false, SECRET_FILE(SECRET_PUK) },
	{ "new-pin-file",   0,   false, SECRET_FILE(SECRET_NEW_PIN) },
};

static const struct option respond_options[] = {
	{ "record",         0, false, FILE_NAME(record) },
	{ "challenge",      0, false, TEXT(challenge, "wants what unblock --challenge printed") },
	{ "no-qr",          0, false, FLAG(no_qr) },
	{ "admin-key-file", 0, false, SECRET_FILE(SECRET_ADMIN_KEY) },
};

static const struct option ca_respond_options[] = {
	{ "ca-cert",  0,   false, FILE_NAME(ca_cert) },
	{ "ca-key",   0,   false, FILE_NAME(ca_key) },
	{ "ek-roots", 0,   false, FILE_NAME(ek_roots) },
	{ "days",     0,   false, VALUE(set_days) },
	{ "https",    0,   false, FLAG(https) },
	{ "output",   'o', false, FILE_NAME(output) },
};

static const struct option change_pin_options[] = {
	{ "instance",     'i', true,  VALUE(set_instance) },
	{ "pin-file",     0,   false, SECRET_FILE(SECRET_PIN) },
	{ "new-pin-file", 0,   false, SECRET_FILE(SECRET_NEW_PIN) },
};

static const struct option change_puk_options[] = {
	{ "instance",     'i', true,  VALUE(set_instance) },
	{ "puk-file",     0,   false, SECRET_FILE(SECRET_PUK) },
	{ "new-puk-file", 0,   false, SECRET_FILE(SECRET_NEW_PUK) },
};

static const struct option change_admin_key_options[] = {
	{ "instance",           'i', true,  VALUE(set_instance) },
	{ "admin-key",          0,   true,  VALUE(set_admin_key) },
	{ "admin-algorithm",    0,   false, VALUE(set_admin_algorithm) },
	{ "admin-key-file",     0,   false, SECRET_FILE(SECRET_ADMIN_KEY) },
	{ "new-admin-key-file", 0,   false, SECRET_FILE(SECRET_NEW_ADMIN_KEY) },
	{ "pin-file",           0,   false, SECRET_FILE(SECRET_PIN) },
};

static const struct option attest_options[] = {
	{ "instance", 'i', true,  VALUE(set_instance) },
	{ "machine",  0,   true,  MACHINE },
	{ "slot",     's', false, VALUE(set_key_slot) },
	{ "nonce",    0,   false, VALUE(set_nonce) },
	{ "acme",     0,   false, TEXT(acme, "wants a key authorization: TOKEN.THUMBPRINT") },
	{ "webauthn", 0,   false, TEXT(webauthn, "wants the ID of a relying party, such as example.org") },
	{ "client-data-hash", 0, false, VALUE(set_nonce) },
	{ "request",  0,   false, FLAG(request) },
	{ "install",  0,   false, FILE_NAME(install) },
	{ "output",   'o', false, FILE_NAME(output) },
};

static const struct option verify_options[] = {
	{ "ca",      0,   false, FILE_NAME(ca) },
	{ "nonce",   0,   false, VALUE(set_nonce) },
	{ "require", 0,   false, VALUE(set_require) },
	{ "json",    'j', false, FLAG(json) },
};

static const struct option doctor_options[] = {
	{ "json",    'j', false, FLAG(json) },
	{ "machine", 0,   true,  MACHINE },
};

static const struct option repair_options[] = {
	{ "json",    'j', false, FLAG(json) },
	{ "machine", 0, true, MACHINE },
};

#define ROWS(table) table, sizeof(table) / sizeof(table)[0]

const struct command command_none = { "", VERB_NONE, ROWS(tool_options), 0 };
const struct command command_any = { "", VERB_NONE, ROWS(common_options), 0 };

static const struct command commands[] = {
	{ "create",           VERB_CREATE,           ROWS(create_options), 0 },
	{ "destroy",          VERB_DESTROY,          ROWS(destroy_options), 0 },
	{ "list",             VERB_LIST,             ROWS(list_options), 0 },
	{ "show",             VERB_SHOW,             ROWS(show_options), 0 },
	{ "enroll",           VERB_ENROLL,           ROWS(enroll_options), 0 },
	{ "unblock",          VERB_UNBLOCK,          ROWS(unblock_options), 0 },
	{ "respond",          VERB_RESPOND,          ROWS(respond_options), 0 },
	{ "ca-respond",       VERB_CA_RESPOND,       ROWS(ca_respond_options), offsetof(struct options, input) },
	{ "change-pin",       VERB_CHANGE_PIN,       ROWS(change_pin_options), 0 },
	{ "change-puk",       VERB_CHANGE_PUK,       ROWS(change_puk_options), 0 },
	{ "change-admin-key", VERB_CHANGE_ADMIN_KEY, ROWS(change_admin_key_options), 0 },
	{ "attest",           VERB_ATTEST,           ROWS(attest_options), 0 },
	{ "verify",           VERB_VERIFY,           ROWS(verify_options), offsetof(struct options, input) },
	{ "doctor",           VERB_DOCTOR,           ROWS(doctor_options), 0 },
	{ "repair",           VERB_REPAIR,           ROWS(repair_options), 0 },
};
/* clang-format on */

const struct command *
grammar_command(struct rbuf word)
{
	size_t i;

	for (i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (word_is(word, commands[i].name))
			return &commands[i];
	}
	return NULL;
}

const struct command *
command_at(size_t i)
{
	return i < sizeof commands / sizeof commands[0] ? &commands[i] : NULL;
}
