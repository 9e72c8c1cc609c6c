/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/qr.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The light border around it: four modules wide. */
#define QUIET 4

/* The largest QR code has 177 modules; a text of QR_TEXT_MAX takes far fewer. */
#define QR_TEXT_MAX 1024

/* How modules look on a terminal. */
struct look {
	int rows;                /* of modules in a line of text */
	int columns;             /* a module takes */
	const char *begin, *end; /* of each line */
	const char *cells[4]; /* by the modules in it: 1 the upper one is dark, 2 the lower one */
};

/* Black on white, whatever the terminal's own colours, if it has any. */

static const struct look half_blocks = { 2, 1, "\033[30;107m", "\033[0m",
	{ " ", "\xe2\x96\x80", "\xe2\x96\x84", "\xe2\x96\x88" } };
static const struct look spaces = { 1, 2, "", "\033[0m", { "\033[107m  ", "\033[40m  ", "", "" } };
static const struct look ascii = { 1, 2, "", "", { "  ", "##", "", "" } };

static bool
locale_is_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool yes;

	if (locale == (locale_t)0)
		return false;
	yes = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	freelocale(locale);
	return yes;
}

static const struct look *
choose_look(void)
{
	const char *term = getenv("TERM");

	if (term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0)
		return &ascii;
	return locale_is_utf8() ? &half_blocks : &spaces;
}

/* Whether the module there is dark; what is outside is the border. */
static unsigned
dark(const QRcode *qr, int x, int y)
{
	if (x < 0 || y < 0 || x >= qr->width || y >= qr->width)
		return 0;
	return qr->data[y * qr->width + x] & 1U;
}

static void
draw(const QRcode *qr, const struct look *look)
{
	unsigned cell;
	int x, y;

	for (y = -QUIET; y < qr->width + QUIET; y += look->rows) {
		(void)fputs(look->begin, stderr);
		for (x = -QUIET; x < qr->width + QUIET; x++) {
			cell = dark(qr, x, y);
			if (look->rows == 2)
				cell |= dark(qr, x, y + 1) << 1;
			(void)fputs(look->cells[cell], stderr);
		}
		(void)fprintf(stderr, "%s\n", look->end);
	}
}

/* Whether it fits on the terminal, whole: half a code is of no use. */
static bool
fits(const QRcode *qr, const struct look *look)
{
	const int side = qr->width + 2 * QUIET;
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && side * look->columns <= size.ws_col;
}

static void
show(struct rbuf text)
{
	const struct look *look;
	char string[QR_TEXT_MAX + 1] = "";
	QRcode *qr;

	if (!isatty(STDERR_FILENO) || text.len > QR_TEXT_MAX || !rbuf_copy(&text, string, text.len))
		return;
	look = choose_look();
	/* In capitals, so that it is read as alphanumeric: 5.5 bits for a character. */
	qr = QRcode_encodeString(string, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
	if (qr == NULL)
		return;
	if (fits(qr, look))
		draw(qr, look);
	QRcode_free(qr);
}

enum outcome
print_code(enum code_kind kind, struct rbuf octets, bool with_qr, struct failure *why)
{
	char text[CODE_TEXT_MAX + 2] = "";
	struct wbuf out = wbuf_over(text, sizeof text - 1);

	code_write(kind, octets, true, &out);
	wbuf_u8(&out, '\n');
	if (!wbuf_ok(&out)) {
		fail(why, "the %s is too long", kind == CODE_CHALLENGE ? "challenge" : "response");
		return FAILED;
	}
	if (fputs(text, stdout) < 0 || fflush(stdout) != 0) {
		fail(why, "cannot write to standard output: %s", strerror(errno));
		return FAILED;
	}
	if (!with_qr)
		return DONE;
	/* Without hyphens: fewer, and so larger, modules. */
	out = wbuf_over(text, sizeof text - 1);
	code_write(kind, octets, false, &out);
	show(wbuf_view(&out));
	return DONE;
}
