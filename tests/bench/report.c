/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One table out of what was measured, and the ratios that are wanted.
 *
 *	report [--json FILE] <LINES
 *
 * LINES are objects of JSON as tests/bench/measure.h prints them.  Lines of the
 * same case and place are rounds of one measurement: the table has the median
 * over the rounds of each figure.  Exit status 1 when a line is none, or nothing was
 * measured; a ratio that is not met is no error.
 */
#include <json-c/json.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX   256
#define ROUNDS_MAX 99
#define TEXT_MAX   48

enum figure { MEDIAN, P99, MEAN, RATE, FIGURES };

static const char *const figure_names[FIGURES] = { "median", "p99", "mean", "rate" };

struct row {
	char name[TEXT_MAX], at[TEXT_MAX], unit[16];
	long n;
	unsigned rounds;
	double figures[FIGURES][ROUNDS_MAX]; /* NAN: the line has none */
};

static struct row rows[ROWS_MAX];
static unsigned row_count;

/* ---- reading ---- */

static bool
read_text(struct json_object *line, const char *name, char *out, size_t cap)
{
	struct json_object *member;
	const int n = json_object_object_get_ex(line, name, &member)
			  ? snprintf(out, cap, "%s", json_object_get_string(member))
			  : -1;

	return n > 0 && (size_t)n < cap;
}

static double
read_number(struct json_object *line, const char *name)
{
	struct json_object *member;

	return json_object_object_get_ex(line, name, &member) ? json_object_get_double(member)
							      : (double)NAN;
}

static struct row *
find_row(const char *name, const char *at)
{
	unsigned i;

	for (i = 0; i < row_count; i++) {
		if (strcmp(rows[i].name, name) == 0 && strcmp(rows[i].at, at) == 0)
			return &rows[i];
	}
	return NULL;
}

static bool
add_line(struct json_object *line)
{
	struct row new = { 0 }, *row;
	int figure;

	if (!read_text(line, "case", new.name, sizeof new.name) ||
	    !read_text(line, "at", new.at, sizeof new.at) ||
	    !read_text(line, "unit", new.unit, sizeof new.unit) ||
	    isnan(read_number(line, "median")))
		return false;
	row = find_row(new.name, new.at);
	if (row == NULL) {
		if (row_count == ROWS_MAX)
			return false;
		row = &rows[row_count];
		row_count++;
		*row = new;
	}
	if (row->rounds == ROUNDS_MAX || strcmp(row->unit, new.unit) != 0)
		return false;
	for (figure = 0; figure < FIGURES; figure++)
		row->figures[figure][row->rounds] = read_number(line, figure_names[figure]);
	row->rounds++;
	if (!isnan(read_number(line, "n")))
		row->n += (long)read_number(line, "n");
	return true;
}

static bool
read_lines(FILE *in)
{
	char text[1024];

	while (fgets(text, sizeof text, in) != NULL) {
		struct json_object *line = json_tokener_parse(text);
		const bool ok = json_object_is_type(line, json_type_object) && add_line(line);

		json_object_put(line);
		if (!ok) {
			(void)fprintf(stderr, "report: not a line of a measurement: %s", text);
			return false;
		}
	}
	return row_count > 0;
}

/* ---- figures ---- */

static int
compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The median of n values, which are sorted; NAN when one of them is. */
static double
median(double *values, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (isnan(values[i]))
			return (double)NAN;
	}
	qsort(values, n, sizeof values[0], compare);
	return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static double
over_rounds(const struct row *row, enum figure figure)
{
	double values[ROUNDS_MAX];
	unsigned i;

	for (i = 0; i < row->rounds; i++)
		values[i] = row->figures[figure][i];
	return median(values, row->rounds);
}

/* ---- ratios ---- */

struct term {
	const char *name, *at;
	enum figure figure;
};

enum how {
	VALUE,         /* a */
	QUOTIENT,      /* a / b */
	DIFFERENCE_MS, /* (a - b) / 1000 */
	REST,          /* (a - b) / c */
	SUM,           /* (a + b) / c */
	SLOWDOWN,      /* (a / b) / (c / d) */
};

#define TERMS_MAX 4

/* clang-format off */
static const struct ratio {
	const char *what;
	enum how how;
	bool at_least; /* else at most */
	double wanted;
	struct term terms[TERMS_MAX];
} ratios[] = {
	{ "P-256 sign: card edge / raw TPM", QUOTIENT, false, 1.25,
	    { { "sign P-256", "card edge", MEDIAN }, { "sign P-256", "raw TPM", MEDIAN } } },
	{ "P-256 sign, ticket spent ahead: card edge / raw TPM", QUOTIENT, false, 1.15,
	    { { "sign P-256", "card edge (ahead)", MEDIAN }, { "sign P-256", "raw TPM", MEDIAN } } },
	{ "... / raw TPM, open to a password", QUOTIENT, false, 1.25,
	    { { "sign P-256", "card edge", MEDIAN }, { "sign P-256", "raw TPM (password)", MEDIAN } } },
	{ "RSA-2048 sign: card edge / raw TPM", QUOTIENT, false, 1.05,
	    { { "sign RSA-2048", "card edge", MEDIAN }, { "sign RSA-2048", "raw TPM", MEDIAN } } },
	{ "... / raw TPM, open to a password", QUOTIENT, false, 1.05,
	    { { "sign RSA-2048", "card edge", MEDIAN }, { "sign RSA-2048", "raw TPM (password)", MEDIAN } } },
	{ "P-256 C_Sign, rate: opensc-pkcs11 / tpm2-pkcs11", QUOTIENT, true, 2.0,
	    { { "sign P-256", "opensc-pkcs11", RATE }, { "sign P-256", "tpm2-pkcs11", RATE } } },
	{ "RSA-2048 C_Sign, rate: opensc-pkcs11 / tpm2-pkcs11", QUOTIENT, true, 1.5,
	    { { "sign RSA-2048", "opensc-pkcs11", RATE }, { "sign RSA-2048", "tpm2-pkcs11", RATE } } },
	{ "SELECT, rate: card edge / null driver", QUOTIENT, true, 0.85,
	    { { "SELECT", "card edge", RATE }, { "SELECT", "null driver", RATE } } },
	{ "GET DATA 3 KB, rate: card edge / null driver", QUOTIENT, true, 0.85,
	    { { "GET DATA 3 KB", "card edge", RATE }, { "GET DATA 3 KB", "null driver", RATE } } },
	{ "VERIFY less key derivation / its TPM commands", SUM, false, 1.3,
	    { { "VERIFY less key derivation", "driver", MEDIAN }, { "SELECT", "null driver", MEDIAN },
	      { "VERIFY's commands", "raw TPM", MEDIAN } } },
	{ "2 cards / 1 card, over 2 raw clients / 1 raw client", SLOWDOWN, false, 1.0,
	    { { "sign P-256, 2 at once", "card edge", MEDIAN }, { "sign P-256", "card edge", MEDIAN },
	      { "sign P-256, 2 at once", "raw TPM", MEDIAN }, { "sign P-256", "raw TPM", MEDIAN } } },
	{ "generate RSA-2048 less the TPM's time, ms", DIFFERENCE_MS, false, 5.0,
	    { { "generate RSA-2048", "card edge", MEDIAN }, { "generate RSA-2048", "raw TPM", MEDIAN } } },
	{ "create / the TPM commands it needs", QUOTIENT, false, 1.3,
	    { { "create", "tpmvscmgr", MEDIAN }, { "create", "raw TPM", MEDIAN } } },
	{ "create less key derivation / the TPM commands it needs", REST, false, 1.3,
	    { { "create", "tpmvscmgr", MEDIAN }, { "create", "key derivation", MEDIAN },
	      { "create", "raw TPM", MEDIAN } } },
	{ "memory per card, KiB", VALUE, false, 128,
	    { { "memory per card", "pcscd", MEDIAN } } },
	{ "idle wake-ups with 10 cards, 1/s", VALUE, false, 2,
	    { { "idle wake-ups, 10 cards", "pcscd", MEDIAN } } },
	{ "idle CPU with 10 cards, %", VALUE, false, 0.002,
	    { { "idle CPU, 10 cards", "pcscd", MEDIAN } } },
};
/* clang-format on */

#define RATIOS (sizeof ratios / sizeof ratios[0])

static double
combine(enum how how, const double v[TERMS_MAX])
{
	switch (how) {
	case VALUE:
		return v[0];
	case QUOTIENT:
		return v[0] / v[1];
	case DIFFERENCE_MS:
		return (v[0] - v[1]) / 1000;
	case REST:
		return (v[0] - v[1]) / v[2];
	case SUM:
		return (v[0] + v[1]) / v[2];
	case SLOWDOWN:
		return (v[0] / v[1]) / (v[2] / v[3]);
	}
	return (double)NAN;
}

/*
 * What is measured in the same round has had the same machine: where all terms
 * have as many rounds the median of each round's ratio counts, else the ratio
 * of the medians.  NAN when something was not measured.
 */
static double
ratio_value(const struct ratio *ratio)
{
	const struct row *of[TERMS_MAX];
	double v[TERMS_MAX] = { 0 }, each[ROUNDS_MAX];
	unsigned terms, round, i;
	bool paired = true;

	for (terms = 0; terms < TERMS_MAX && ratio->terms[terms].name != NULL; terms++) {
		of[terms] = find_row(ratio->terms[terms].name, ratio->terms[terms].at);
		if (of[terms] == NULL)
			return (double)NAN;
		paired = paired && of[terms]->rounds == of[0]->rounds;
		v[terms] = over_rounds(of[terms], ratio->terms[terms].figure);
	}
	if (!paired)
		return combine(ratio->how, v);
	for (round = 0; round < of[0]->rounds; round++) {
		for (i = 0; i < terms; i++)
			v[i] = of[i]->figures[ratio->terms[i].figure][round];
		each[round] = combine(ratio->how, v);
	}
	return median(each, of[0]->rounds);
}

static bool
ratio_met(const struct ratio *ratio, double value)
{
	/* Less than nothing is left only where the figures are noise. */
	return value >= 0 && (ratio->at_least ? value >= ratio->wanted : value <= ratio->wanted);
}

/* ---- the table ---- */

/* A figure in a column: as many digits as say something. */
static void
print_figure(double value, const char *end)
{
	const int decimals = value >= 1000 ? 0 : value >= 100 ? 1 : value >= 1 ? 2 : 4;

	if (isnan(value))
		(void)printf("  %10s%s", "", end);
	else
		(void)printf("  %10.*f%s", decimals, value, end);
}

/* The longest name's. */
static int
name_width(void)
{
	size_t width = 0;
	unsigned i;

	for (i = 0; i < row_count; i++) {
		const size_t len = strlen(rows[i].name);

		width = len > width ? len : width;
	}
	return (int)width;
}

static void
print_row(const struct row *row)
{
	(void)printf("%-*s  %-18s", name_width(), row->name, row->at);
	print_figure(over_rounds(row, MEDIAN), "");
	(void)printf(" %-5s", row->unit);
	print_figure(over_rounds(row, P99), "");
	print_figure(over_rounds(row, RATE), "");
	if (row->n > 0)
		(void)printf("  %7ld", row->n);
	(void)printf("\n");
}

/* Whether no row before has the same case. */
static bool
is_first(unsigned row)
{
	unsigned i;

	for (i = 0; i < row; i++) {
		if (strcmp(rows[i].name, rows[row].name) == 0)
			return false;
	}
	return true;
}

/* Durations, or all else.  Rows of one case stand together, in the order in which they came. */
static void
print_rows(bool durations)
{
	unsigned i, j;

	for (i = 0; i < row_count; i++) {
		if (!is_first(i) || (strcmp(rows[i].unit, "us") == 0) != durations)
			continue;
		for (j = i; j < row_count; j++) {
			if (strcmp(rows[j].name, rows[i].name) == 0)
				print_row(&rows[j]);
		}
	}
}

static void
print_table(void)
{
	(void)printf("%-*s  %-18s  %10s       %10s  %10s  %7s\n", name_width(), "what", "at",
	    "median", "p99", "rate 1/s", "n");
	print_rows(true);
	print_rows(false);
}

static void
print_ratios(void)
{
	size_t i;

	(void)printf("\n%-56s  %10s  %10s\n", "ratio", "wanted", "got");
	for (i = 0; i < RATIOS; i++) {
		const double value = ratio_value(&ratios[i]);

		(void)printf("%-56s  %s %7.5g", ratios[i].what,
		    ratios[i].at_least ? ">=" : "<=", ratios[i].wanted);
		print_figure(value, isnan(value)                   ? "not measured\n"
				    : ratio_met(&ratios[i], value) ? "  met\n"
								   : "  NOT MET\n");
	}
}

/* ---- JSON ---- */

static struct json_object *
number_or_null(double value)
{
	return isnan(value) ? NULL : json_object_new_double(value);
}

static void
put(struct json_object *to, const char *name, struct json_object *value)
{
	(void)json_object_object_add(to, name, value);
}

static struct json_object *
row_json(const struct row *row)
{
	struct json_object *out = json_object_new_object();
	int figure;

	put(out, "case", json_object_new_string(row->name));
	put(out, "at", json_object_new_string(row->at));
	put(out, "unit", json_object_new_string(row->unit));
	put(out, "rounds", json_object_new_int64(row->rounds));
	if (row->n > 0)
		put(out, "n", json_object_new_int64(row->n));
	for (figure = 0; figure < FIGURES; figure++) {
		const double value = over_rounds(row, (enum figure)figure);

		if (!isnan(value))
			put(out, figure_names[figure], json_object_new_double(value));
	}
	return out;
}

static struct json_object *
ratio_json(const struct ratio *ratio)
{
	const double value = ratio_value(ratio);
	struct json_object *out = json_object_new_object();

	put(out, "what", json_object_new_string(ratio->what));
	put(out, ratio->at_least ? "at_least" : "at_most", json_object_new_double(ratio->wanted));
	put(out, "value", number_or_null(value));
	put(out, "met", isnan(value) ? NULL : json_object_new_boolean(ratio_met(ratio, value)));
	return out;
}

static bool
write_json(const char *file)
{
	struct json_object *document = json_object_new_object();
	struct json_object *list = json_object_new_array();
	size_t i;
	int rc;

	for (i = 0; i < row_count; i++)
		(void)json_object_array_add(list, row_json(&rows[i]));
	put(document, "results", list);
	list = json_object_new_array();
	for (i = 0; i < RATIOS; i++)
		(void)json_object_array_add(list, ratio_json(&ratios[i]));
	put(document, "ratios", list);
	rc = json_object_to_file_ext(file, document, JSON_C_TO_STRING_PRETTY);
	json_object_put(document);
	if (rc != 0)
		(void)fprintf(stderr, "report: cannot write %s\n", file);
	return rc == 0;
}

int
main(int argc, char **argv)
{
	const bool json = argc == 3 && strcmp(argv[1], "--json") == 0;

	if (argc != 1 && !json) {
		(void)fprintf(stderr, "usage: report [--json FILE] <LINES\n");
		return 2;
	}
	if (!read_lines(stdin))
		return 1;
	print_table();
	print_ratios();
	return json && !write_json(argv[2]) ? 1 : 0;
}
