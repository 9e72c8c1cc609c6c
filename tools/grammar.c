/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/grammar.h"

#include "tools/words.h"

#include <string.h>

/* ---- setters ---- */

static const char *
set_help(struct options *o, struct rbuf value, const char *text)
{
	(void)value;
	(void)text;
	o->help = true;
	return NULL;
}

static const char *
set_version(struct options *o, struct rbuf value, const char *text)
{
	(void)value;
	(void)text;
	o->version = true;
	return NULL;
}

static const char *
set_quiet(struct options *o, struct rbuf value, const char *text)
{
	(void)value;
	(void)text;
	o->quiet = true;
	return NULL;
}

static const char *
set_verbose(struct options *o, struct rbuf value, const char *text)
{
	(void)value;
	(void)text;
	o->verbose = true;
	return NULL;
}

static const char *
set_generate(struct options *o, struct rbuf value, const char *text)
{
	(void)value;
	(void)text;
	o->generate = true;
	return NULL;
}

static const char *
set_config(struct options *o, struct rbuf value, const char *text)
{
	if (value.len == 0)
		return "wants a file";
	o->config = text;
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
set_allow_reset(struct options *o, struct rbuf value, const char *text)
{
	(void)value;
	(void)text;
	o->allow_reset = true;
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

/* ---- tables ---- */

/* clang-format off */
static const struct option common_options[] = {
	/* name       letter seed   takes          set */
	{ "config",   'c',   false, TAKES_VALUE,   set_config },
	{ "help",     'h',   false, TAKES_NOTHING, set_help },
	{ "quiet",    'q',   true,  TAKES_NOTHING, set_quiet },
	{ "verbose",  'v',   false, TAKES_NOTHING, set_verbose },
	{ "version",  'V',   false, TAKES_NOTHING, set_version },
};

static const struct option create_options[] = {
	{ "name",            'n', true,  TAKES_VALUE,   set_name },
	{ "admin-key",       0,   true,  TAKES_VALUE,   set_admin_key },
	{ "pin",             0,   true,  TAKES_VALUE,   set_pin },
	{ "puk",             0,   true,  TAKES_VALUE,   set_puk },
	{ "generate",        'g', true,  TAKES_NOTHING, set_generate },
	{ "pin-policy",      0,   true,  TAKES_RULES,   NULL },
	{ "attestation",     0,   true,  NOT_BUILT,     NULL },
	{ "machine",         0,   true,  NOT_BUILT,     NULL },
	{ "admin-algorithm", 0,   false, TAKES_VALUE,   set_admin_algorithm },
	{ "admin-unblock",   0,   false, TAKES_VALUE,   set_admin_unblock },
	{ "pin-tries",       0,   false, TAKES_VALUE,   set_pin_tries },
	{ "puk-tries",       0,   false, TAKES_VALUE,   set_puk_tries },
	{ "allow-reset",     0,   false, TAKES_NOTHING, set_allow_reset },
};

static const struct option destroy_options[] = {
	{ "instance", 'i', true, TAKES_VALUE, set_instance },
	{ "machine",  0,   true, NOT_BUILT,   NULL },
};

static const struct option list_options[] = {
	{ "json", 0, false, NOT_BUILT, NULL },
};

#define ROWS(table) table, sizeof(table) / sizeof(table)[0]

const struct command command_none = { "", VERB_NONE, NULL, 0 };
const struct command command_any = { "", VERB_NONE, ROWS(common_options) };

static const struct command commands[] = {
	{ "create",  VERB_CREATE,  ROWS(create_options) },
	{ "destroy", VERB_DESTROY, ROWS(destroy_options) },
	{ "list",    VERB_LIST,    ROWS(list_options) },
};
/* clang-format on */

const struct command *
command_find(struct rbuf word)
{
	size_t i;

	for (i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (word_is(word, commands[i].name))
			return &commands[i];
	}
	return NULL;
}
