/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/doctor.h"

#include "base/text.h"
#include "tools/json.h"
#include "tools/names.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a check needs to have been found out before. */
enum { NEEDS_NOTHING, NEEDS_CONFIG = 1, NEEDS_TPM = 2, NEEDS_READERS = 4, NEEDS_CARDS = 8 };

/* clang-format off */
static const struct {
	const char *name;
	unsigned needs;
	check_function *check;
} checks[] = {
	{ "configuration",   NEEDS_NOTHING,               check_configuration },
	{ "TPM",             NEEDS_CONFIG,                check_tpm },
	{ "TPM device",      NEEDS_CONFIG,                check_device },
	{ "TPM abilities",   NEEDS_TPM,                   check_tpm_abilities },
	{ "TPM lockout",     NEEDS_TPM,                   check_lockout },
	{ "TPM owner",       NEEDS_TPM,                   check_owner },
	{ "software TPM",    NEEDS_CONFIG,                check_software_tpm },
	{ "state directory", NEEDS_CONFIG,                check_state },
	{ "unfinished work", NEEDS_CARDS,                 check_unfinished },
	{ "pcscd",           NEEDS_NOTHING,               check_pcscd },
	{ "polkit",          NEEDS_NOTHING,               check_polkit },
	{ "driver's entry",  NEEDS_NOTHING,               check_entry },
	{ "driver",          NEEDS_READERS,               check_driver },
	{ "free slots",      NEEDS_READERS | NEEDS_CARDS, check_room },
	{ "OpenSC",          NEEDS_READERS | NEEDS_CARDS, check_opensc },
	{ "cards",           NEEDS_CARDS,                 check_cards },
	{ "on the cards",    NEEDS_CARDS | NEEDS_TPM,     check_contents },
};
/* clang-format on */

/* ---- findings ---- */

struct finding *
found(struct doctor *d, enum level level, const char *format, ...)
{
	struct finding *f;
	va_list args;

	if (d->count < FINDINGS_MAX)
		d->count++;
	f = &d->findings[d->count - 1];
	*f = (struct finding){ .level = level, .check = d->check };
	va_start(args, format);
	(void)vsnprintf(f->text, sizeof f->text, format, args);
	va_end(args);
	return f;
}

void
remedy(struct finding *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(f->remedy, sizeof f->remedy, format, args);
	va_end(args);
}

void
denied(struct finding *f)
{
	f->denied = true;
	remedy(f, "run this as root, or as the owner of the cards");
}

const char *
doctor_config_path(const struct doctor *d)
{
	return d->options->config != NULL ? d->options->config : TPMVSC_CONF;
}

bool
doctor_reader(const struct doctor *d, unsigned instance, size_t *position)
{
	char name[64] = "";
	struct wbuf out = wbuf_over(name, sizeof name - 1);
	size_t i;

	reader_words(instance, &out);
	for (i = 0; i < d->readers.count; i++) {
		if (strcmp(d->readers.names[i], name) == 0) {
			*position = i;
			return true;
		}
	}
	return false;
}

/* ---- running ---- */

static bool
has_all(const struct doctor *d, unsigned needs)
{
	const unsigned has = (d->has_config ? NEEDS_CONFIG : 0u) | (d->has_tpm ? NEEDS_TPM : 0u) |
			     (d->has_readers ? NEEDS_READERS : 0u) |
			     (d->has_cards ? NEEDS_CARDS : 0u);

	return (needs & has) == needs;
}

static const char *const level_names[LEVELS] = {
	[LEVEL_OK] = "ok",
	[LEVEL_NOTE] = "note",
	[LEVEL_WARNING] = "warning",
	[LEVEL_PROBLEM] = "problem",
};

/* A driver's or a file's words may be in it. */
static void
print_clean(const char *text)
{
	char clean[sizeof((struct finding *)0)->text] = "";
	struct wbuf out = wbuf_over(clean, sizeof clean - 1);

	text_clean(rbuf_str(text), &out);
	(void)fputs(clean, stdout);
	(void)fputc('\n', stdout);
}

static void
print_finding(const struct finding *f)
{
	(void)printf("%-8s %-16s ", level_names[f->level], f->check);
	print_clean(f->text);
	if (f->remedy[0] == '\0')
		return;
	(void)printf("%-8s %-16s do: ", "", "");
	print_clean(f->remedy);
}

/* Each as soon as it is known: some checks wait for others. */
static void
run_checks(struct doctor *d)
{
	size_t i, told = 0;

	for (i = 0; i < sizeof checks / sizeof checks[0]; i++) {
		if (!has_all(d, checks[i].needs))
			continue;
		d->check = checks[i].name;
		checks[i].check(d);
		for (; told < d->count && !d->options->json; told++) {
			if (!d->options->quiet || d->findings[told].level >= LEVEL_WARNING)
				print_finding(&d->findings[told]);
		}
		(void)fflush(stdout);
	}
}

static unsigned
count_of(const struct doctor *d, enum level level)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < d->count; i++)
		n += d->findings[i].level == level;
	return n;
}

static enum outcome
print_json(const struct doctor *d, struct failure *why)
{
	struct json *j = json_begin();
	const struct finding *f;
	size_t i;

	json_put_bool(j, "healthy", count_of(d, LEVEL_PROBLEM) + count_of(d, LEVEL_WARNING) == 0);
	json_open_list(j, "findings");
	for (i = 0; i < d->count; i++) {
		f = &d->findings[i];
		json_open_object(j, NULL);
		json_put_text(j, "check", f->check);
		json_put_text(j, "level", level_names[f->level]);
		json_put_text(j, "text", f->text);
		json_put_text(j, "remedy", f->remedy[0] != '\0' ? f->remedy : NULL);
		json_close(j);
	}
	json_close(j);
	return json_print(j, why);
}

static enum outcome
print_end(const struct doctor *d, struct failure *why)
{
	if (d->options->json)
		return print_json(d, why);
	if (count_of(d, LEVEL_PROBLEM) + count_of(d, LEVEL_WARNING) == 0 && !d->options->quiet)
		(void)puts("All is well.");
	if (ferror(stdout) == 0 && fclose(stdout) == 0)
		return DONE;
	fail(why, "cannot write to standard output: %s", strerror(errno));
	return FAILED;
}

/* Nobody is told that all is well who could not look. */
static enum outcome
verdict(const struct doctor *d, struct failure *why)
{
	const unsigned problems = count_of(d, LEVEL_PROBLEM), warnings = count_of(d, LEVEL_WARNING);
	unsigned others = 0;
	size_t i;

	for (i = 0; i < d->count; i++)
		others += d->findings[i].level == LEVEL_PROBLEM && !d->findings[i].denied;
	if (problems + warnings == 0)
		return DONE;
	fail(why, "not all is well: %u %s and %u %s%s", problems,
	    problems == 1 ? "problem" : "problems", warnings,
	    warnings == 1 ? "warning" : "warnings",
	    others < problems ? "; not everything is for this user to see: run it as root" : "");
	return problems != 0 && others == 0 ? NOT_PERMITTED : FAILED;
}

/* config is empty: reading it is the first check. */
enum outcome
doctor_run(const struct config *config, const struct options *options, struct failure *why)
{
	struct doctor *d = calloc(1, sizeof *d);
	enum outcome outcome;

	(void)config;
	if (d == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	d->options = options;
	run_checks(d);
	outcome = print_end(d, why);
	if (outcome == DONE)
		outcome = verdict(d, why);
	free(d);
	return outcome;
}
