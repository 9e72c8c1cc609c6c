/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/options.h"
#include "tools/words.h"

#include <string.h>

enum takes {
	TAKES_NOTHING,
	TAKES_VALUE,
	TAKES_RULES,
	NOT_BUILT, /* known, but of a later version: never silently ignored */
};

/* A setter returns NULL, or what the option wants. */
typedef const char *(*setter)(struct options *, struct rbuf value, const char *text);

struct option {
	const char *name; /* lower case; GNU's hyphens do not count */
	char letter;
	bool seed; /* Windows' tpmvscmgr has it: its prefixes win */
	enum takes takes;
	setter set;
};

struct command {
	const char *name;
	enum verb verb;
	const struct option *options;
	size_t count;
};

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
	{ "allow-reset",     0,   false, NOT_BUILT,     NULL },
};

static const struct option destroy_options[] = {
	{ "instance", 'i', true, TAKES_VALUE, set_instance },
	{ "machine",  0,   true, NOT_BUILT,   NULL },
};

static const struct option list_options[] = {
	{ "json", 0, false, NOT_BUILT, NULL },
};

#define ROWS(table) table, sizeof(table) / sizeof(table)[0]

/* What may come before any command's name. */
static const struct command no_command = { "", VERB_NONE, NULL, 0 };

static const struct command commands[] = {
	{ "create",  VERB_CREATE,  ROWS(create_options) },
	{ "destroy", VERB_DESTROY, ROWS(destroy_options) },
	{ "list",    VERB_LIST,    ROWS(list_options) },
};
/* clang-format on */

/* ---- reading ---- */

struct reader {
	char *const *argv;
	int argc;
	int at; /* the next word */
	const struct command *command;
	const struct option *given[32]; /* those with a value, each once */
	size_t given_count;
	unsigned rules; /* of /pinpolicy, seen so far */
	struct options *out;
	struct failure *why;
};

/* A word as a message may show it: short, and nothing a terminal would obey. */
struct shown {
	char text[41];
};

static struct shown
show(struct rbuf word)
{
	struct shown s = { .text = "" };
	struct wbuf out = wbuf_over(s.text, sizeof s.text - 1);
	size_t i;

	for (i = 0; i < word.len && i < sizeof s.text - 1; i++) {
		const uint8_t c = rbuf_at(word, i);

		wbuf_u8(&out, c >= 0x20 && c <= 0x7e ? c : '?');
	}
	return s;
}

static enum outcome
wrong(struct reader *r, struct rbuf word, const char *what)
{
	fail(r->why, "%s: %s", show(word).text, what);
	return WRONG_USAGE;
}

/* Candidates for a typed name, collected over two tables. */
struct search {
	struct rbuf typed;
	const struct option *exact, *seed, *other;
	unsigned seeds, others;
};

static void
search(struct search *s, const struct option *options, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		switch (word_match(s->typed, options[i].name)) {
		case MATCH_EXACT:
			s->exact = &options[i];
			break;
		case MATCH_PREFIX:
			if (options[i].seed) {
				s->seed = &options[i];
				s->seeds++;
			} else {
				s->other = &options[i];
				s->others++;
			}
			break;
		case MATCH_NONE:
			break;
		}
	}
}

/* The option a typed name means: exact, else a prefix of one seed option, else of one other. */
static const struct option *
find_name(struct reader *r, struct rbuf typed, const char **fault)
{
	struct search s = { .typed = word_is(typed, "?") ? rbuf_str("help") : typed };

	search(&s, r->command->options, r->command->count);
	search(&s, common_options, sizeof common_options / sizeof common_options[0]);
	if (s.exact != NULL)
		return s.exact;
	if (s.seeds > 1 || (s.seeds == 0 && s.others > 1)) {
		*fault = "could be several options; spell it out";
		return NULL;
	}
	*fault = r->command->verb == VERB_NONE ? "is not an option before a command"
					       : "is not an option of this command";
	return s.seeds == 1 ? s.seed : s.other;
}

static const struct option *
find_letter(const struct option *options, size_t count, uint8_t letter)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (options[i].letter != 0 && (uint8_t)options[i].letter == letter)
			return &options[i];
	}
	return NULL;
}

/* Read rules until a word is none: RULE VALUE pairs, or lists RULE=VALUE,... */
static const char *
read_rules(struct reader *r)
{
	const char *fault = NULL;
	struct rbuf word, rule;

	while (fault == NULL && r->at < r->argc) {
		word = rbuf_str(r->argv[r->at]);
		if (options_is_rule(word)) {
			if (r->at + 1 == r->argc)
				return "wants a value for each rule";
			fault = options_rule(word, rbuf_str(r->argv[r->at + 1]), &r->out->policy,
			    &r->rules);
			r->at += 2;
		} else if (word_split(&word, '=', &rule) && options_is_rule(rule)) {
			fault = options_policy(r->argv[r->at], &r->out->policy, &r->rules);
			r->at++;
		} else {
			break;
		}
	}
	/* A word behind the rules that is no option was meant as one: let it say so. */
	if (fault == NULL && r->at < r->argc && strchr("/-", r->argv[r->at][0]) == NULL) {
		word = rbuf_str(r->argv[r->at]);
		fault = options_rule(word, word, &r->out->policy, &r->rules);
	}
	return fault;
}

/* Apply an option; value is what was attached with =, NULL when nothing was. */
static const char *
apply(struct reader *r, const struct option *option, const char *value)
{
	size_t i;

	switch (option->takes) {
	case TAKES_NOTHING:
		return value != NULL ? "takes no value" : option->set(r->out, rbuf_of(NULL, 0), NULL);
	case NOT_BUILT:
		return "is not supported by this version";
	case TAKES_RULES:
		if (!r->out->has_policy)
			r->out->policy = (struct pin_policy){ .min = 8, .max = 127, .printable = true };
		r->out->has_policy = true;
		return value != NULL ? options_policy(value, &r->out->policy, &r->rules)
				     : read_rules(r);
	case TAKES_VALUE:
		break;
	}
	for (i = 0; i < r->given_count; i++) {
		if (r->given[i] == option)
			return "is given twice";
	}
	r->given[r->given_count] = option;
	r->given_count++;
	if (value == NULL) {
		if (r->at == r->argc)
			return "wants a value";
		value = r->argv[r->at];
		r->at++;
	}
	return option->set(r->out, rbuf_str(value), value);
}

/* A word behind "/" or "--" (or "-", when it has several letters). */
static enum outcome
read_option(struct reader *r, const char *word, size_t mark)
{
	struct rbuf rest = rbuf_str(word + mark), typed;
	const char *value = word_split(&rest, '=', &typed) ? word + mark + typed.len + 1 : NULL;
	const struct rbuf shown = rbuf_of(word, mark + typed.len);
	const struct option *option;
	const char *fault = NULL;

	option = find_name(r, typed, &fault);
	if (option == NULL && mark == 1 && typed.len == 1 && word[0] == '-') {
		option = find_letter(r->command->options, r->command->count, rbuf_at(typed, 0));
		if (option == NULL)
			option = find_letter(common_options,
			    sizeof common_options / sizeof common_options[0], rbuf_at(typed, 0));
	}
	if (option != NULL)
		fault = apply(r, option, value);
	return fault == NULL ? DONE : wrong(r, shown, fault);
}

static enum outcome
read_command(struct reader *r, const char *word)
{
	size_t i;

	if (r->command->verb != VERB_NONE)
		return wrong(r, rbuf_str(word), "a word with no option before it");
	for (i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (word_is(rbuf_str(word), commands[i].name)) {
			r->command = &commands[i];
			r->out->verb = commands[i].verb;
			return DONE;
		}
	}
	return wrong(r, rbuf_str(word), "no such command; there are create, destroy and list");
}

static enum outcome
read_words(struct reader *r)
{
	enum outcome outcome = DONE;
	bool options = true;

	while (outcome == DONE && r->at < r->argc && !r->out->help && !r->out->version) {
		const char *word = r->argv[r->at];

		r->at++;
		if (options && strcmp(word, "--") == 0)
			options = false;
		else if (options && strncmp(word, "--", 2) == 0)
			outcome = read_option(r, word, 2);
		else if (options && (word[0] == '/' || word[0] == '-') && word[1] != '\0')
			outcome = read_option(r, word, 1);
		else
			outcome = read_command(r, word);
	}
	return outcome;
}

/* What no single option can see. */
static const char *
fault_between(const struct options *o)
{
	switch (o->verb) {
	case VERB_NONE:
		return "no command given; there are create, destroy and list";
	case VERB_CREATE:
		if (o->name == NULL)
			return "/name: create needs a name for the card";
		if (o->has_policy && o->pin != SOURCE_PROMPT)
			return "/pinpolicy: goes with /PIN PROMPT only";
		if (o->admin_algorithm == ALG_AES_256 &&
		    (o->admin_key == SOURCE_OMITTED || o->admin_key == SOURCE_DEFAULT))
			return "/AdminKey: there is no DEFAULT for AES256; use PROMPT or RANDOM";
		return NULL;
	case VERB_DESTROY:
		return o->has_instance ? NULL : "/instance: destroy needs the card's instance ID";
	case VERB_LIST:
		break;
	}
	return NULL;
}

enum outcome
options_parse(int argc, char *const argv[], struct options *out, struct failure *why)
{
	struct reader r = { .argv = argv, .argc = argc, .at = 1, .command = &no_command,
		.out = out, .why = why };
	enum outcome outcome;
	const char *fault;

	*out = (struct options){ .admin_algorithm = ALG_3DES, .admin_unblock = true,
		.pin_tries = 5, .puk_tries = 5, .policy = pin_policy_default };
	outcome = read_words(&r);
	if (outcome != DONE || out->help || out->version)
		return outcome;
	fault = fault_between(out);
	if (fault == NULL && out->has_policy) {
		fault = pin_policy_fault(&out->policy);
		if (fault != NULL) {
			fail(why, "/pinpolicy: %s", fault);
			return WRONG_USAGE;
		}
	}
	if (fault == NULL)
		return DONE;
	fail(why, "%s", fault);
	return WRONG_USAGE;
}
