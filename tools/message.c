/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/message.h"

#include "base/text.h"
#include "tools/alive.h"

#include <stdarg.h>
#include <stdio.h>

/* A line for a terminal: names, paths and what others said are in it. */
static void
put_line(const char *intro, const char *kind, const char *text)
{
	char clean[1024] = "";
	struct wbuf out = wbuf_over(clean, sizeof clean - 1);

	text_clean(rbuf_str(text), &out);
	alive_hide();
	(void)fprintf(stderr, "%s%s%s\n", intro, kind, clean);
	alive_show();
}

static void __attribute__((format(printf, 2, 0)))
say(const char *kind, const char *format, va_list args)
{
	char line[1024];

	(void)vsnprintf(line, sizeof line, format, args);
	put_line("tpmvscmgr: ", kind, line);
}

void
message_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("", format, args);
	va_end(args);
}

void
message_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("warning: ", format, args);
	va_end(args);
}

void
message_length(const char *what, size_t characters)
{
	if (characters > PIV_PIN_OCTETS)
		message_warning(
		    "the %s has more than %d characters: most PIV programs cannot send it", what,
		    PIV_PIN_OCTETS);
}

void
message_failure(enum outcome outcome, const struct failure *why)
{
	static const char *const lines[] = {
		[FAILED] = "it did not work",
		[WRONG_USAGE] = "wrong usage",
		[NO_SUCH_CARD] = "there is no such card",
		[TPM_PROBLEM] = "the TPM cannot be used",
		[NOT_PERMITTED] = "not permitted; run it as root",
		[WRONG_SECRET] = "the secret is wrong",
		[NO_ROOM] = "there is no room",
	};

	if (failed(why))
		message_error("%s", why->text);
	else if (outcome != DONE)
		message_error("%s", lines[outcome]);
}

static void
report(void *context, const char *what)
{
	(void)context;
	put_line("", "", what);
}

const struct progress *
message_progress(bool quiet)
{
	static const struct progress progress = { .report = report };

	return quiet ? NULL : &progress;
}

static void
log_all(enum log_level level, const char *text)
{
	static const char *const kinds[] = {
		[LOG_LEVEL_ERROR] = "",
		[LOG_LEVEL_WARNING] = "warning: ",
		[LOG_LEVEL_INFO] = "",
		[LOG_LEVEL_DEBUG] = "debug: ",
	};

	put_line("tpmvscmgr: ", kinds[level], text);
}

/* What ends a command reaches the user as its failure; a logged error is that one's raw form. */
static void
log_warnings(enum log_level level, const char *text)
{
	if (level == LOG_LEVEL_WARNING)
		log_all(level, text);
}

void
message_log(bool verbose)
{
	log_open(verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING, verbose ? log_all : log_warnings);
}
