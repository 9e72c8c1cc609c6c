/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/conformance/tables.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 2000
#define NAMES_MAX 400
#define TEXTS_MAX (8 * ROWS_MAX)
#define TEXT_MAX 8192
#define SOURCE_MAX 60

/* The first one defines what the others use. */
static const char *const names[] = { "preconditions", "select", "classes", "chaining", "getdata",
	"putdata", "verify", "change", "unblock", "status", "authenticate", "admin", "generate",
	"yubico", "import", "manage", "faults" };

struct pair {
	const char *name, *text;
};

struct tables {
	struct pair lets[NAMES_MAX], sources[SOURCE_MAX];
	size_t let_count, source_count;
	struct table_state states[NAMES_MAX];
	size_t state_count;
	struct table_row rows[ROWS_MAX];
	size_t row_count;
	char *texts[TEXTS_MAX]; /* all that has to be freed */
	size_t text_count;

	const char *name; /* of the table that is being read */
	unsigned line;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void
complain(struct tables *t, const char *format, ...)
{
	va_list args;

	t->failed = true;
	(void)fprintf(stderr, "%s.table:%u: ", t->name, t->line);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fprintf(stderr, "\n");
}

/* A copy that lives as long as the tables. */
static const char *
keep(struct tables *t, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL || t->text_count == TEXTS_MAX) {
		free(copy);
		complain(t, "too much text");
		return "";
	}
	t->texts[t->text_count++] = copy;
	return copy;
}

/* Take the blanks off both ends. */
static char *
trim(char *text)
{
	char *end;

	text += strspn(text, " \t\n");
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

static const struct pair *
find(const struct pair *pairs, size_t count, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strlen(pairs[i].name) == len && strncmp(pairs[i].name, name, len) == 0)
			return &pairs[i];
	}
	return NULL;
}

/* Put what "let" has defined in the place of $NAMES. */
static const char *
expand(struct tables *t, const char *text)
{
	static const char name_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	char out[TEXT_MAX];
	const struct pair *let;
	size_t n = 0, len;

	while (*text != '\0' && n < sizeof out - 1) {
		if (*text != '$') {
			out[n++] = *text++;
			continue;
		}
		len = strspn(++text, name_chars);
		let = find(t->lets, t->let_count, text, len);
		if (let == NULL || strlen(let->text) >= sizeof out - n) {
			complain(t, "cannot expand $%.*s", (int)len, text);
			return "";
		}
		n += (size_t)sprintf(out + n, "%s", let->text);
		text += len;
	}
	if (n == sizeof out - 1)
		complain(t, "too long");
	out[n] = '\0';
	return keep(t, out);
}

static void
define(struct tables *t, struct pair *pairs, size_t *count, size_t max, char *text)
{
	char *equals = strchr(text, '=');

	if (equals == NULL || *count == max) {
		complain(t, "no definition, or too many");
		return;
	}
	*equals = '\0';
	text = trim(text);
	if (find(pairs, *count, text, strlen(text)) != NULL)
		complain(t, "defined again: %s", text);
	pairs[*count] = (struct pair){ keep(t, text), expand(t, trim(equals + 1)) };
	(*count)++;
}

/* A status word, and with it perhaps what the data has to be. */
static void
read_answer(struct tables *t, char *text, struct table_step *step)
{
	text = trim(text);
	if (strspn(text, "0123456789abcdefx") < 4 || (text[4] != '\0' && text[4] != ' ')) {
		complain(t, "no status word: %s", text);
		return;
	}
	step->data = expand(t, trim(text + 4));
	text[4] = '\0';
	step->sw = keep(t, text);
}

/* COMMAND [-> SW]; COMMAND [-> SW]: data does not matter, SW is 9000 if none is given. */
static void
read_state(struct tables *t, char *text)
{
	struct table_state *state = &t->states[t->state_count];
	char *equals = strchr(text, '='), *next, *arrow;
	struct table_step *step;

	if (equals == NULL || t->state_count == NAMES_MAX) {
		complain(t, "no definition, or too many");
		return;
	}
	*equals = '\0';
	state->name = keep(t, trim(text));
	if (tables_state(t, state->name) != NULL)
		complain(t, "defined again: %s", state->name);
	t->state_count++;
	for (text = equals + 1; text != NULL; text = next) {
		next = strchr(text, ';');
		if (next != NULL)
			*next++ = '\0';
		if (state->count == TABLE_STEPS) {
			complain(t, "too many steps");
			return;
		}
		step = &state->steps[state->count++];
		step->sw = "9000";
		arrow = strstr(text, "->");
		if (arrow != NULL) {
			*arrow = '\0';
			read_answer(t, arrow + 2, step);
		}
		step->data = NULL;
		step->command = expand(t, trim(text));
	}
}

bool
tables_word(const char **at, char *word, size_t size)
{
	size_t len;

	*at += strspn(*at, " ");
	len = strcspn(*at, " ");
	if (len == 0)
		return false;
	(void)snprintf(word, size, "%.*s", (int)len, *at);
	*at += len;
	return true;
}

/* Where a row runs, and whether all that it names is there. */
static void
check_given(struct tables *t, struct table_row *row)
{
	const char *at = row->given;
	char word[64];

	row->fake = row->live = true;
	while (tables_word(&at, word, sizeof word)) {
		if (strcmp(word, "fake") == 0)
			row->live = false;
		else if (strcmp(word, "live") == 0)
			row->fake = false;
		else if (strcmp(word, "-") != 0 && word[0] != '!' && tables_state(t, word) == NULL)
			complain(t, "no state %s", word);
	}
	if (!row->fake && !row->live)
		complain(t, "runs nowhere");
}

/* A known document, and perhaps where in it: "P2 3.1.1". */
static void
check_source(struct tables *t, const char *source)
{
	size_t len = strcspn(source, " ");

	if (find(t->sources, t->source_count, source, len) == NULL)
		complain(t, "no source %.*s", (int)len, source);
}

/* Commands of one row: a slash is between the parts of a chain. */
static void
read_commands(struct tables *t, char *text, struct table_row *row)
{
	char *next;

	for (; text != NULL; text = next) {
		next = strchr(text, '/');
		if (next != NULL)
			*next++ = '\0';
		if (row->count == TABLE_STEPS) {
			complain(t, "too many steps");
			return;
		}
		row->steps[row->count].sw = "9000";
		row->steps[row->count].data = "";
		row->steps[row->count++].command = expand(t, trim(text));
	}
}

/* given | command | answer | source | why */
static void
read_row(struct tables *t, char *text)
{
	struct table_row *row = &t->rows[t->row_count];
	char *fields[5];
	size_t i;

	for (i = 0; i < 5; i++) {
		fields[i] = text;
		if (text != NULL)
			text = strchr(text, '|');
		if (text != NULL)
			*text++ = '\0';
	}
	if (fields[4] == NULL || text != NULL || t->row_count == ROWS_MAX) {
		complain(t, "a row has five fields");
		return;
	}
	t->row_count++;
	row->table = t->name;
	row->line = t->line;
	row->given = keep(t, trim(fields[0]));
	read_commands(t, fields[1], row);
	read_answer(t, fields[2], &row->steps[row->count - 1]);
	row->source = keep(t, trim(fields[3]));
	row->why = keep(t, trim(fields[4]));
	check_given(t, row);
	check_source(t, row->source);
	for (i = 0; i + 1 < t->row_count; i++) {
		if (strcmp(t->rows[i].why, row->why) == 0 && t->rows[i].table == row->table)
			complain(t, "a reason twice: %s", row->why);
	}
}

static void
read_line(struct tables *t, char *text)
{
	text = trim(text);
	if (*text == '\0' || *text == '#')
		return;
	if (strncmp(text, "let ", 4) == 0)
		define(t, t->lets, &t->let_count, NAMES_MAX, text + 4);
	else if (strncmp(text, "source ", 7) == 0)
		define(t, t->sources, &t->source_count, SOURCE_MAX, text + 7);
	else if (strncmp(text, "state ", 6) == 0)
		read_state(t, text + 6);
	else
		read_row(t, text);
}

/* One file; a backslash at its end joins a line with the next. */
static void
read_table(struct tables *t, const char *dir, const char *name)
{
	char path[1024], text[TEXT_MAX];
	size_t len = 0;
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s.table", dir, name);
	t->name = name;
	t->line = 0;
	file = fopen(path, "r");
	if (file == NULL) {
		complain(t, "cannot open %s", path);
		return;
	}
	while (len + 1 < sizeof text && fgets(text + len, (int)(sizeof text - len), file) != NULL) {
		t->line++;
		len = strlen(text);
		if (len >= 2 && strcmp(text + len - 2, "\\\n") == 0) {
			len -= 2;
			continue;
		}
		read_line(t, text);
		len = 0;
	}
	if (len != 0)
		complain(t, "a line too long or without an end");
	(void)fclose(file);
}

struct tables *
tables_load(const char *dir)
{
	struct tables *t = calloc(1, sizeof *t);
	size_t i, common = 0;

	if (t == NULL)
		return NULL;
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		read_table(t, dir, names[i]);
		if (i == 0)
			common = t->let_count;
		t->let_count = common; /* what the others define is their own */
	}
	if (!t->failed)
		return t;
	tables_free(t);
	return NULL;
}

void
tables_free(struct tables *t)
{
	size_t i;

	for (i = 0; t != NULL && i < t->text_count; i++)
		free(t->texts[i]);
	free(t);
}

size_t
tables_rows(const struct tables *t)
{
	return t->row_count;
}

const struct table_row *
tables_row(const struct tables *t, size_t i)
{
	return &t->rows[i];
}

const struct table_state *
tables_state_at(const struct tables *t, size_t i)
{
	return i < t->state_count ? &t->states[i] : NULL;
}

const struct table_state *
tables_state(const struct tables *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->state_count; i++) {
		if (strcmp(t->states[i].name, name) == 0)
			return &t->states[i];
	}
	return NULL;
}
