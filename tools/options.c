/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/options.h"

#include "tools/grammar.h"
#include "tools/words.h"

#include <string.h>

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
search(struct search *s, const struct command *command)
{
	const struct option *option;
	size_t i;

	for (i = 0; i < command->count; i++) {
		option = &command->options[i];
		switch (word_match(s->typed, option->name)) {
		case MATCH_EXACT:
			s->exact = option;
			break;
		case MATCH_PREFIX:
			if (option->whole)
				break;
			if (option->seed) {
				s->seed = option;
				s->seeds++;
			} else {
				s->other = option;
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

	search(&s, r->command);
	search(&s, &command_any);
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
find_letter(const struct command *command, uint8_t letter)
{
	size_t i;

	for (i = 0; i < command->count; i++) {
		if (command->options[i].letter != 0 &&
		    (uint8_t)command->options[i].letter == letter)
			return &command->options[i];
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
			fault = options_rule(
			    word, rbuf_str(r->argv[r->at + 1]), &r->out->policy, &r->rules);
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

/* Put a flag or a text where the option's row says. */
static const char *
put(struct options *o, const struct option *option, const char *text)
{
	void *at = (char *)o + option->at;

	if (option->takes == TAKES_NOTHING)
		*(bool *)at = true;
	else if (text[0] == '\0')
		return option->wants;
	else
		*(const char **)at = text;
	return NULL;
}

/* Apply an option; value is what was attached with =, NULL when nothing was. */
static const char *
apply(struct reader *r, const struct option *option, const char *value)
{
	size_t i;

	switch (option->takes) {
	case TAKES_NOTHING:
		if (value != NULL)
			return "takes no value";
		break;
	case TAKES_RULES:
		if (!r->out->has_policy)
			r->out->policy =
			    (struct pin_policy){ .min = 8, .max = 127, .printable = true };
		r->out->has_policy = true;
		return value != NULL ? options_policy(value, &r->out->policy, &r->rules)
				     : read_rules(r);
	case TAKES_VALUE:
		for (i = 0; i < r->given_count; i++) {
			if (r->given[i] == option)
				return "is given twice";
		}
		r->given[r->given_count] = option;
		r->given_count++;
		break;
	case TAKES_MANY:
		break;
	}
	if (value == NULL && option->takes != TAKES_NOTHING) {
		if (r->at == r->argc)
			return "wants a value";
		value = r->argv[r->at];
		r->at++;
	}
	if (option->set == NULL)
		return put(r->out, option, value);
	return option->set(r->out, value != NULL ? rbuf_str(value) : rbuf_of(NULL, 0), value);
}

/* The words from first on stay here. */
static void
keep_here(struct reader *r, int first)
{
	for (; first < r->at && first < WORDS_SENT_MAX; first++)
		r->out->here |= UINT64_C(1) << first;
}

/* A word behind "/" or "--" (or "-", when it has several letters). */
static enum outcome
read_option(struct reader *r, const char *word, size_t mark)
{
	struct rbuf rest = rbuf_str(word + mark), typed;
	const char *value = word_split(&rest, '=', &typed) ? word + mark + typed.len + 1 : NULL;
	const struct rbuf shown = rbuf_of(word, mark + typed.len);
	const int first = r->at - 1;
	const struct option *option;
	const char *fault = NULL;

	option = find_name(r, typed, &fault);
	if (option == NULL && mark == 1 && typed.len == 1 && word[0] == '-') {
		option = find_letter(r->command, rbuf_at(typed, 0));
		if (option == NULL)
			option = find_letter(&command_any, rbuf_at(typed, 0));
	}
	if (option != NULL)
		fault = apply(r, option, value);
	if (option != NULL && option->here)
		keep_here(r, first);
	return fault == NULL ? DONE : wrong(r, shown, fault);
}

/* The file that a command is about. */
static enum outcome
read_operand(struct reader *r, const char *word)
{
	void *field = (char *)r->out + r->command->operand;
	const char **at = field;

	if (*at != NULL || word[0] == '\0') {
		fail(r->why, "word %d: %s takes one file", r->at - 1, r->command->name);
		return WRONG_USAGE;
	}
	*at = word;
	return DONE;
}

/* Whether a word is a path though it begins as an option does: no option has a slash in its name. */
static bool
is_operand(const struct reader *r, const char *word)
{
	const char *slash = strchr(word + 1, '/');

	return r->command->operand != 0 && word[0] == '/' && slash != NULL &&
	       (size_t)(slash - word) < strcspn(word, "=");
}

static enum outcome
read_command(struct reader *r, const char *word)
{
	const struct command *command = grammar_command(rbuf_str(word));

	if (r->command->operand != 0)
		return read_operand(r, word);
	if (r->command->verb != VERB_NONE) {
		/* It may be a secret: it is not repeated. */
		fail(r->why, "word %d: it has no option before it", r->at - 1);
		return WRONG_USAGE;
	}
	if (command == NULL)
		return wrong(r, rbuf_str(word), "no such command; tpmvscmgr --help lists them");
	r->command = command;
	r->out->verb = command->verb;
	return DONE;
}

static enum outcome
read_words(struct reader *r)
{
	enum outcome outcome = DONE;
	bool options = true;

	while (outcome == DONE && r->at < r->argc && !r->out->help && !r->out->version) {
		const char *word = r->argv[r->at];

		r->at++;
		if (options && strcmp(word, "--") == 0) {
			options = false;
			keep_here(r, r->at - 1);
		} else if (options && strncmp(word, "--", 2) == 0)
			outcome = read_option(r, word, 2);
		else if (options && (word[0] == '/' || word[0] == '-') && word[1] != '\0' &&
			 !is_operand(r, word))
			outcome = read_option(r, word, 1);
		else
			outcome = read_command(r, word);
	}
	return outcome;
}

enum outcome
options_parse(int argc, char *const argv[], struct options *out, struct failure *why)
{
	struct reader r = { .argv = argv,
		.argc = argc,
		.at = 1,
		.command = &command_none,
		.out = out,
		.why = why };
	enum outcome outcome;
	const char *fault;

	*out = (struct options){ .admin_unblock = true,
		.pin_tries = 5,
		.puk_tries = 5,
		.algorithm = ALG_ECC_P256,
		.days = 365,
		.wait = 15,
		.required = REQUIRE_USUAL,
		.policy = pin_policy_default };
	outcome = read_words(&r);
	if (outcome != DONE || out->help || out->version)
		return outcome;
	fault = options_settle(out);
	if (fault == NULL && out->machine != NULL && argc > WORDS_SENT_MAX)
		fault = "/machine: there are too many words to send on";
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
