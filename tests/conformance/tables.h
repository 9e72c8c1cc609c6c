/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conformance tables: what a PIV card answers, one rule to a row.  They
 * are text, so that one and the same row is run against the application in
 * process and against a real card.  tests/conformance/README.md says how they
 * are written.
 */
#ifndef TPMVSC_TESTS_TABLES_H
#define TPMVSC_TESTS_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#define TABLE_STEPS 12

/* One exchange, in the tables' notation. */
struct table_step {
	const char *command;
	const char *sw;   /* four digits; an x stands for any */
	const char *data; /* NULL when it does not matter */
};

/* What a card can be brought into, by name. */
struct table_state {
	const char *name;
	struct table_step steps[TABLE_STEPS];
	size_t count;
};

struct table_row {
	const char *table; /* its file's name, without suffix */
	unsigned line;
	const char *given; /* names of states, and "!" with what a runner can do by itself */
	struct table_step steps[TABLE_STEPS]; /* the last is the one that counts */
	size_t count;
	const char *source, *why;
	bool fake, live; /* where it runs */
};

struct tables;

/*
 * Read all tables.
 *
 * dir tests/conformance of the source
 *
 * Returns NULL when one is missing or malformed, or names what no table
 * defines, with the reason on standard error.
 */
struct tables *tables_load(const char *dir);
void tables_free(struct tables *t);

size_t tables_rows(const struct tables *t);
const struct table_row *tables_row(const struct tables *t, size_t i);

/* The state of that name, or NULL. */
const struct table_state *tables_state(const struct tables *t, const char *name);

/* The ith state, or NULL after the last one. */
const struct table_state *tables_state_at(const struct tables *t, size_t i);

/* The next word of a row's given, from *at on; false at its end. */
bool tables_word(const char **at, char *word, size_t size);

#endif
