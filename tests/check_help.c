/* SPDX-License-Identifier: BSD-2-Clause */
/* What help and manual say of commands and options is what the grammar has, both ways. */
#include "tests/suite.h"
#include "tools/commands.h"
#include "tools/grammar.h"
#include "tools/words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MANUAL_MAX 131072

static char manual[MANUAL_MAX];

/* The manual without the backslashes before hyphens, without the letters that choose a font. */
static void
read_manual(void)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	size_t n = 0;
	FILE *f;
	int c;

	(void)snprintf(path, sizeof path, "%s/man/tpmvscmgr.8", srcdir != NULL ? srcdir : ".");
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	while ((c = fgetc(f)) != EOF && n + 1 < sizeof manual) {
		if (c != '\\') {
			manual[n] = (char)c;
			n++;
			continue;
		}
		c = fgetc(f);
		if (c == 'f')
			(void)fgetc(f);
		else
			(void)ungetc(c, f);
	}
	ck_assert(feof(f));
	manual[n] = '\0';
	(void)fclose(f);
}

/* A section of the manual by its heading, up to the next; NULL when there is none. */
static char *
section(const char *heading)
{
	char line[128];
	const char *at, *end;

	(void)snprintf(line, sizeof line, "\n.SH %s\n", heading);
	at = strstr(manual, line);
	if (at == NULL)
		return NULL;
	at += strlen(line);
	end = strstr(at, "\n.SH ");
	return end != NULL ? strndup(at, (size_t)(end - at) + 1) : strdup(at);
}

static char *
section_of(const struct command *command)
{
	char heading[64];
	size_t i;

	(void)snprintf(heading, sizeof heading, "OPTIONS OF %s", command->name);
	for (i = 0; heading[i] != '\0'; i++)
		heading[i] = (char)toupper((unsigned char)heading[i]);
	return section(heading);
}

/* What ends the name of an option in a text. */
#define ENDS " \t\n,;.:|=()[]\"?"

/* Take the next word of a text that is written as an option; empty at the end. */
static struct rbuf
next_option(const char **text)
{
	const char *at = *text;
	size_t n;

	for (; *at != '\0'; at++) {
		const bool starts = at == *text || strchr(" \n[|(\"", at[-1]) != NULL;
		const size_t mark = at[0] == '/' ? 1 : strncmp(at, "--", 2) == 0 ? 2 : 0;

		n = strcspn(at + mark, ENDS);
		/* a path has a second slash, /? is help */
		if (!starts || mark == 0 || n == 0 || memchr(at + mark, '/', n) != NULL)
			continue;
		*text = at + mark + n;
		return rbuf_of(at + mark, n);
	}
	*text = at;
	return rbuf_of(NULL, 0);
}

static bool
names_option(const char *text, const struct option *option)
{
	struct rbuf word;

	do {
		word = next_option(&text);
		if (word_match(word, option->name) == MATCH_EXACT)
			return true;
	} while (word.len != 0);
	return false;
}

/* "-x" as a word of its own. */
static bool
names_letter(const char *text, char letter)
{
	const char wanted[] = { '-', letter, '\0' };
	const char *at = text;

	while ((at = strstr(at, wanted)) != NULL) {
		if (at != text && strchr(" ,|\n", at[-1]) != NULL &&
		    strchr(" ,\n]", at[2]) != NULL)
			return true;
		at++;
	}
	return false;
}

static bool
has_option(const struct command *command, struct rbuf word)
{
	size_t i;

	for (i = 0; i < command->count; i++) {
		if (word_match(word, command->options[i].name) == MATCH_EXACT)
			return true;
	}
	return false;
}

static void
all_named(const char *where, const char *text, const struct command *command)
{
	const struct option *option;
	size_t i;

	for (i = 0; i < command->count; i++) {
		option = &command->options[i];
		ck_assert_msg(names_option(text, option), "%s of %s: no --%s", where,
		    command->name, option->name);
		ck_assert_msg(option->letter == 0 || names_letter(text, option->letter),
		    "%s of %s: no -%c", where, command->name, option->letter);
	}
}

/* Every option a text names is one of its command, or of any. */
static void
none_invented(const char *where, const char *text, const struct command *command)
{
	struct rbuf word;

	while ((word = next_option(&text)).len != 0) {
		ck_assert_msg(has_option(command, word) || has_option(&command_any, word),
		    "%s of %s: %.*s is not its option", where, command->name, (int)word.len,
		    (const char *)word.data);
	}
}

START_TEST(every_command)
{
	const struct command *command = command_at((size_t)_i);
	const char *help = help_text(command->verb);
	char usage[64], *man = section_of(command);

	ck_assert_msg(help != help_text(VERB_NONE), "%s has no help", command->name);
	(void)snprintf(usage, sizeof usage, "Usage: tpmvscmgr %s ", command->name);
	ck_assert_msg(strncmp(help, usage, strlen(usage)) == 0, "help of %s", command->name);
	all_named("help", help, command);
	ck_assert_msg(man != NULL, "no section of the manual for %s", command->name);
	all_named("manual", man, command);
	free(man);
	(void)snprintf(usage, sizeof usage, "\n  %s ", command->name);
	ck_assert_msg(strstr(help_text(VERB_NONE), usage) != NULL, "%s in the help", command->name);
}
END_TEST

START_TEST(no_other_option)
{
	const struct command *command = command_at((size_t)_i);

	if (command->verb == VERB_RESPOND) /* says what unblock --challenge printed */
		ck_assert(has_option(command, rbuf_str("challenge")));
	none_invented("help", help_text(command->verb), command);
}
END_TEST

/* How wide a line is where the configuration has its usual place, not below some prefix. */
static size_t
width(const char *line, size_t n)
{
	const char *conf = memmem(line, n, TPMVSC_CONF, strlen(TPMVSC_CONF));

	return conf == NULL ? n : n - strlen(TPMVSC_CONF) + strlen("/etc/tpmvsc.conf");
}

/* In the 80 columns of a terminal. */
START_TEST(fits)
{
	const struct command *command = _i == 0 ? &command_any : command_at((size_t)_i - 1);
	const char *line = help_text(command->verb);
	size_t n;

	for (; *line != '\0'; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		ck_assert_msg(width(line, n) <= 80, "help of %s: %.*s", command->name, (int)n, line);
		ck_assert_msg(memchr(line, '\t', n) == NULL, "help of %s: a tab", command->name);
		ck_assert_msg(n == 0 || line[n - 1] != ' ', "help of %s: %.*s", command->name,
		    (int)n, line);
	}
}
END_TEST

START_TEST(of_every_command)
{
	char *man = section("OPTIONS OF EVERY COMMAND");

	all_named("help", help_text(VERB_NONE), &command_any);
	all_named("help", help_text(VERB_NONE), &command_none);
	ck_assert(strstr(help_text(VERB_NONE), "/?") != NULL);
	ck_assert(man != NULL);
	all_named("manual", man, &command_any);
	all_named("manual", man, &command_none);
	free(man);
}
END_TEST

/* The manual has a section for each command, and for nothing else. */
START_TEST(no_other_section)
{
	static const char heading[] = "\n.SH OPTIONS OF ";
	const char *at = manual;
	size_t sections = 0, commands = 0;

	while (command_at(commands) != NULL)
		commands++;
	while ((at = strstr(at, heading)) != NULL) {
		at += strlen(heading);
		sections++;
	}
	ck_assert_uint_eq(sections, commands + 1); /* and OF EVERY COMMAND */
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("help");
	TCase *tcase = tcase_create("help");
	int commands = 0;

	while (command_at((size_t)commands) != NULL)
		commands++;
	tcase_add_checked_fixture(tcase, read_manual, NULL);
	tcase_add_loop_test(tcase, every_command, 0, commands);
	tcase_add_loop_test(tcase, no_other_option, 0, commands);
	tcase_add_loop_test(tcase, fits, 0, commands + 1);
	tcase_add_test(tcase, of_every_command);
	tcase_add_test(tcase, no_other_section);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
