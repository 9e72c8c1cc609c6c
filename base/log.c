/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum log_level threshold = LOG_LEVEL_WARNING;
static log_sink sink_of_program;

static const char *const level_words[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void
log_open(enum log_level level, log_sink sink)
{
	threshold = level;
	sink_of_program = sink;
}

bool
log_level_from(const char *word, enum log_level *out)
{
	size_t i;

	for (i = 0; i < sizeof level_words / sizeof level_words[0]; i++) {
		if (strcmp(word, level_words[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

bool
log_wants(enum log_level level)
{
	return level <= threshold;
}

void
log_at(enum log_level level, const char *format, ...)
{
	char line[512];
	va_list args;

	if (!log_wants(level))
		return;
	va_start(args, format);
	(void)vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (sink_of_program != NULL)
		sink_of_program(level, line);
	else
		(void)fprintf(stderr, "tpmvsc: %s: %s\n", level_words[level], line);
}

void
fail(struct failure *f, const char *format, ...)
{
	va_list args;

	if (f == NULL || failed(f))
		return;
	va_start(args, format);
	(void)vsnprintf(f->text, sizeof f->text, format, args);
	va_end(args);
}

bool
failed(const struct failure *f)
{
	return f->text[0] != '\0';
}
