/* SPDX-License-Identifier: BSD-2-Clause */
/* Log levels and sinks, and the one line a person reads after a failure. */
#include "base/log.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char seen[1024];
static enum log_level seen_level;
static int seen_lines;

static void
remember(enum log_level level, const char *text)
{
	seen_level = level;
	seen_lines++;
	(void)snprintf(seen, sizeof seen, "%s", text);
}

static const struct level_row {
	const char *why;
	enum log_level threshold, level;
	bool written;
} level_rows[] = {
	{ "an error is always written", LOG_LEVEL_ERROR, LOG_LEVEL_ERROR, true },
	{ "a warning is not an error", LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, false },
	{ "an error at the warning level", LOG_LEVEL_WARNING, LOG_LEVEL_ERROR, true },
	{ "information at the warning level", LOG_LEVEL_WARNING, LOG_LEVEL_INFO, false },
	{ "debug at the information level", LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, false },
	{ "debug at its own level", LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG, true },
};

START_TEST(levels)
{
	const struct level_row *row = &level_rows[_i];

	log_open(row->threshold, remember);
	ck_assert_msg(log_wants(row->level) == row->written, "%s", row->why);
	log_at(row->level, "line %d", 7);
	ck_assert_msg(seen_lines == (row->written ? 1 : 0), "%s", row->why);
	if (row->written) {
		ck_assert_msg(seen_level == row->level, "%s", row->why);
		ck_assert_str_eq(seen, "line 7");
	}
}
END_TEST

START_TEST(macros_name_their_level)
{
	log_open(LOG_LEVEL_DEBUG, remember);
	log_error("%s", "e");
	ck_assert_int_eq(seen_level, LOG_LEVEL_ERROR);
	log_warning("%s", "w");
	ck_assert_int_eq(seen_level, LOG_LEVEL_WARNING);
	log_info("%s", "i");
	ck_assert_int_eq(seen_level, LOG_LEVEL_INFO);
	log_debug("%s", "d");
	ck_assert_int_eq(seen_level, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(seen_lines, 4);
}
END_TEST

START_TEST(a_long_line_is_cut)
{
	char text[2000];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	log_open(LOG_LEVEL_ERROR, remember);
	log_error("%s", text);
	ck_assert_uint_lt(strlen(seen), 1000);
	ck_assert_uint_gt(strlen(seen), 400);
}
END_TEST

/* What log calls write to standard error, in text. */
static void
capture_stderr(void (*call)(void), char *text, size_t cap)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t n;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(saved, 0);
	ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
	call();
	(void)fflush(stderr);
	ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
	(void)close(saved);
	rewind(file);
	n = fread(text, 1, cap - 1, file);
	text[n] = '\0';
	(void)fclose(file);
}

static void
log_two(void)
{
	log_warning("w%d", 1);
	log_info("i%d", 1);
}

START_TEST(without_a_sink_to_standard_error)
{
	char text[200];

	capture_stderr(log_two, text, sizeof text);
	ck_assert_str_eq(text, "tpmvsc: warning: w1\n");
	log_open(LOG_LEVEL_INFO, NULL);
	capture_stderr(log_two, text, sizeof text);
	ck_assert_str_eq(text, "tpmvsc: warning: w1\ntpmvsc: info: i1\n");
}
END_TEST

static const struct word_row {
	const char *word;
	bool known;
	enum log_level level;
} word_rows[] = {
	{ "error", true, LOG_LEVEL_ERROR },
	{ "warning", true, LOG_LEVEL_WARNING },
	{ "info", true, LOG_LEVEL_INFO },
	{ "debug", true, LOG_LEVEL_DEBUG },
	{ "", false, LOG_LEVEL_INFO },
	{ "warn", false, LOG_LEVEL_INFO },
	{ "debugging", false, LOG_LEVEL_INFO },
};

START_TEST(words)
{
	const struct word_row *row = &word_rows[_i];
	enum log_level level = LOG_LEVEL_INFO;

	ck_assert_msg(log_level_from(row->word, &level) == row->known, "'%s'", row->word);
	ck_assert_msg(level == row->level, "'%s'", row->word);
}
END_TEST

START_TEST(the_first_failure_stands)
{
	struct failure f = { .text = "" };

	ck_assert(!failed(&f));
	fail(&f, "cannot open %s", "x");
	ck_assert(failed(&f));
	fail(&f, "card cannot be made");
	ck_assert_str_eq(f.text, "cannot open x");
	fail(NULL, "nobody reads this");
}
END_TEST

START_TEST(a_long_failure_is_cut)
{
	struct failure f = { .text = "" };
	char text[2000];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	fail(&f, "%s", text);
	ck_assert_uint_eq(strlen(f.text), sizeof f.text - 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");

	suite_add_tcase(suite, tcase);
	tcase_add_rows(tcase, levels, level_rows);
	tcase_add_test(tcase, macros_name_their_level);
	tcase_add_test(tcase, a_long_line_is_cut);
	tcase_add_test(tcase, without_a_sink_to_standard_error);
	tcase_add_rows(tcase, words, word_rows);
	tcase_add_test(tcase, the_first_failure_stands);
	tcase_add_test(tcase, a_long_failure_is_cut);

	return suite_run(suite);
}
