/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/grammar.h"

#include "tools/words.h"

#include <stddef.h>
#include <string.h>

/* ---- setters ---- */

/* What unblocks: by_count finds out whether one alone was named. */
static const char *
set_by(struct options *o, enum unblock_by way)
{
	o->by = way;
	o->by_count++;
	return NULL;
}

static const char *
set_by_puk(struct options *o, struct rbuf value, const char *text)
{
	(void)value;
	(void)text;
	return set_by(o, BY_PUK);
}

static const char *
set_by_admin_key(struct options *o, struct rbuf value, const char *text)
{
	(void)value;
	(void)text;
	return set_by(o, BY_ADMIN_KEY);
}

static const char *
set_by_challenge(struct options *o, struct rbuf value, const char *text)
{
	(void)value;
	(void)text;
	return set_by(o, BY_CHALLENGE);
}

/*
 * Whether a user's or a host's name is one that may come near a shell: ssh puts
 * both into commands of its configuration (ProxyCommand, Match exec).  One that
 * begins with a hyphen would be an option there.
 */
static bool
is_tame(struct rbuf name, const char *wild)
{
	size_t i;

	for (i = 0; i < name.len; i++) {
		const uint8_t c = rbuf_at(name, i);

		if (c <= 0x20 || c >= 0x7f || strchr(wild, c) != NULL)
			return false;
	}
	return name.len != 0 && rbuf_at(name, 0) != '-';
}

static const char *
set_machine(struct options *o, struct rbuf value, const char *text)
{
	const char *at = strrchr(text, '@');
	const struct rbuf user = rbuf_of(text, at != NULL ? (size_t)(at - text) : 0);
	const struct rbuf host = rbuf_str(at != NULL ? at + 1 : text);

	(void)value;
	if ((at != NULL && !is_tame(user, "'`\";&<>|(){}")) ||
	    !is_tame(host, "'`\"$\\;&<>|(){},"))
		return "wants a host, or user@host";
	o->machine = text;
	return NULL;
}

static const char *
set_name(struct options *o, struct rbuf value, const char *text)
{
	(void)value;
	o->name = text;
	return card_name_fault(text) == NULL ? NULL : "wants 1 to 64 printable characters of UTF-8";
}

static bool
source_of(struct rbuf value, enum source *out)
{
	static const struct word words[] = {
		{ "DEFAULT", SOURCE_DEFAULT },
		{ "PROMPT", SOURCE_PROMPT },
		{ "RANDOM", SOURCE_RANDOM },
	};
	unsigned source;

	if (!word_find(words, sizeof words / sizeof words[0], value, &source))
		return false;
	*out = (enum source)source;
	return true;
}

static const char *
set_admin_key(struct options *o, struct rbuf value, const char *text)
{
	(void)text;
	return source_of(value, &o->admin_key) ? NULL : "wants DEFAULT, PROMPT or RANDOM";
}

static const char *
set_pin(struct options *o, struct rbuf value, const char *text)
{
	(void)text;
	if (!source_of(value, &o->pin) || o->pin == SOURCE_RANDOM)
		return "wants DEFAULT or PROMPT";
	return NULL;
}

static const char *
set_puk(struct options *o, struct rbuf value, const char *text)
{
	(void)text;
	if (!source_of(value, &o->puk) || o->puk == SOURCE_RANDOM)
		return "wants DEFAULT or PROMPT";
	return NULL;
}

static const char *
set_admin_algorithm(struct options *o, struct rbuf value, const char *text)
{
	static const struct word words[] = {
		{ "3DES", ALG_3DES },
		{ "AES128", ALG_AES_128 },
		{ "AES192", ALG_AES_192 },
		{ "AES256", ALG_AES_256 },
	};
	unsigned algorithm;

	(void)text;
	if (!word_find(words, sizeof words / sizeof words[0], value, &algorithm))
		return "wants 3DES, AES128, AES192 or AES256";
	o->admin_algorithm = (uint8_t)algorithm;
	return NULL;
}

static const char *
set_admin_unblock(struct options *o, struct rbuf value, const char *text)
{
	static const struct word words[] = { { "no", false }, { "yes", true } };
	unsigned yes;

	(void)text;
	if (!word_find(words, sizeof words / sizeof words[0], value, &yes))
		return "wants yes or no";
	o->admin_unblock = yes != 0;
	return NULL;
}

static const char *
set_tries(unsigned *out, struct rbuf value)
{
	return word_number(value, 10, out) && *out != 0 ? NULL : "wants a number from 1 to 10";
}

static const char *
set_pin_tries(struct options *o, struct rbuf value, const char *text)
{
	(void)text;
	return set_tries(&o->pin_tries, value);
}

static const char *
set_puk_tries(struct options *o, struct rbuf value, const char *text)
{
	(void)text;
	return set_tries(&o->puk_tries, value);
}

/* Take one word of an instance ID and the backslashes behind it, as many as the shell left. */
static bool
take_part(struct rbuf *in, const char *part)
{
	struct rbuf word, slash;

	if (!rbuf_take(in, strlen(part), &word) || !word_is(word, part))
		return false;
	while (rbuf_at(*in, 0) == '\\' && rbuf_take(in, 1, &slash))
		continue;
	return true;
}

static const char *
set_instance(struct options *o, struct rbuf value, const char *text)
{
	struct rbuf id = value;
	bool whole = take_part(&id, "ROOT") && take_part(&id, "SMARTCARDREADER");

	(void)text;
	o->has_instance = whole ? id.len == 4 && word_number(id, 9999, &o->instance)
				: word_number(value, 9999, &o->instance);
	return o->has_instance ? NULL : "wants " INSTANCE_PREFIX "0000 or the number at its end";
}

static const char *
set_number(unsigned *out, struct rbuf value, unsigned max, const char *wanted)
{
	return word_number(value, max, out) && *out != 0 ? NULL : wanted;
}

static const char *
set_days(struct options *o, struct rbuf value, const char *text)
{
	(void)text;
	return set_number(&o->days, value, 36500, "wants a number of days, from 1 to 36500");
}

static const char *
set_wait(struct options *o, struct rbuf value, const char *text)
{
	(void)text;
	return set_number(&o->wait, value, 1440, "wants a number of minutes, from 1 to 1440");
}

static const char *
set_algorithm(struct options *o, struct rbuf value, const char *text)
{
	static const struct word words[] = {
		{ "RSA2048", ALG_RSA_2048 },
		{ "RSA3072", ALG_RSA_3072 },
		{ "RSA4096", ALG_RSA_4096 },
		{ "ECCP256", ALG_ECC_P256 },
		{ "ECCP384", ALG_ECC_P384 },
	};
	unsigned algorithm;

	(void)text;
	if (!word_find(words, sizeof words / sizeof words[0], value, &algorithm))
		return "wants ECCP256, ECCP384, RSA2048, RSA3072 or RSA4096";
	o->algorithm = (uint8_t)algorithm;
	return NULL;
}

static const char *
set_pin_rule(struct options *o, struct rbuf value, const char *text)
{
	static const struct word words[] = {
		{ "NEVER", PIN_NEVER },
		{ "ONCE", PIN_ONCE },
		{ "ALWAYS", PIN_ALWAYS },
	};

	(void)text;
	return word_find(words, sizeof words / sizeof words[0], value, &o->pin_rule)
		   ? NULL
		   : "wants ONCE, ALWAYS or NEVER";
}

static const char *
set_slot(struct options *o, struct rbuf value, const char *text)
{
	static const struct word words[] = {
		{ "9A", 0x9a },
		{ "9C", 0x9c },
		{ "9D", 0x9d },
		{ "9E", 0x9e },
	};
	unsigned slot;

	(void)text;
	if (!word_find(words, sizeof words / sizeof words[0], value, &slot))
		return "wants 9A, 9C, 9D or 9E";
	o->slot = (uint8_t)slot;
	return NULL;
}

static const char *
add_alt_name(struct options *o, struct rbuf value, const char *text)
{
	if (value.len == 0)
		return "wants a name, such as email:alice@example.org";
	if (o->alt_name_count == ALT_NAMES_MAX)
		return "is given too often";
	o->alt_names[o->alt_name_count] = text;
	o->alt_name_count++;
	return NULL;
}

/* ---- tables ---- */

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
#define LATER              NOT_BUILT, NULL, 0, NULL, false, false

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
	{ "attestation",     0,   true,  LATER },
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

static const struct option doctor_options[] = {
	{ "json",    'j', false, FLAG(json) },
	{ "machine", 0,   true,  MACHINE },
};

static const struct option repair_options[] = {
	{ "json",    'j', false, FLAG(json) },
	{ "machine", 0, true, MACHINE },
};

#define ROWS(table) table, sizeof(table) / sizeof(table)[0]

const struct command command_none = { "", VERB_NONE, ROWS(tool_options) };
const struct command command_any = { "", VERB_NONE, ROWS(common_options) };

static const struct command commands[] = {
	{ "create",           VERB_CREATE,           ROWS(create_options) },
	{ "destroy",          VERB_DESTROY,          ROWS(destroy_options) },
	{ "list",             VERB_LIST,             ROWS(list_options) },
	{ "show",             VERB_SHOW,             ROWS(show_options) },
	{ "enroll",           VERB_ENROLL,           ROWS(enroll_options) },
	{ "unblock",          VERB_UNBLOCK,          ROWS(unblock_options) },
	{ "respond",          VERB_RESPOND,          ROWS(respond_options) },
	{ "change-pin",       VERB_CHANGE_PIN,       ROWS(change_pin_options) },
	{ "change-puk",       VERB_CHANGE_PUK,       ROWS(change_puk_options) },
	{ "change-admin-key", VERB_CHANGE_ADMIN_KEY, ROWS(change_admin_key_options) },
	{ "doctor",           VERB_DOCTOR,           ROWS(doctor_options) },
	{ "repair",           VERB_REPAIR,           ROWS(repair_options) },
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
