/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Send APDUs to a card: one line of hexadecimal in, one line "DATA SW" out, all
 * in one connection, so that the card keeps its security status between lines.
 *
 *	apdu READER <commands
 *
 * READER is a part of a reader's name.  Other lines: "reset" resets the card,
 * "unpower" takes its power away for a moment, "sleep MILLISECONDS" waits,
 * "hold" keeps all other programs from the card until "release"; each answers
 * "ok".  "time COUNT HEX" sends a command that often and answers
 * "MICROSECONDS SW": the least it took, which depends least on what else the
 * machine does, and the last status.  Empty lines and # comments are skipped.
 * Exit status 1 when PC/SC fails, with its reason.
 */
#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <winscard.h>

/* An extended-length command of 65535 octets of data, in hexadecimal. */
#define LINE_MAX_CHARS (2 * 66000)

static SCARDCONTEXT context;
static SCARDHANDLE card;
static DWORD protocol;

static bool
pcsc_ok(const char *what, LONG rc)
{
	if (rc == SCARD_S_SUCCESS)
		return true;
	(void)fprintf(stderr, "apdu: %s: %s\n", what, pcsc_stringify_error(rc));
	return false;
}

/* Connect to the first reader whose name contains part. */
static bool
connect_to(const char *part)
{
	LPSTR names = NULL;
	DWORD len = SCARD_AUTOALLOCATE;
	const char *name;
	bool ok = false;

	if (!pcsc_ok("establish context",
		SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context)))
		return false;
	if (!pcsc_ok("list readers", SCardListReaders(context, NULL, (LPSTR)&names, &len)))
		return false;
	for (name = names; *name != '\0'; name += strlen(name) + 1) {
		if (strcasestr(name, part) != NULL)
			break;
	}
	if (*name == '\0')
		(void)fprintf(stderr, "apdu: no reader \"%s\"\n", part);
	else
		ok = pcsc_ok(name, SCardConnect(context, name, SCARD_SHARE_SHARED,
				       SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol));
	(void)SCardFreeMemory(context, names);
	return ok;
}

static int
digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = strchr(digits, tolower((unsigned char)c));

	return c == '\0' || at == NULL ? -1 : (int)(at - digits);
}

/* Read hexadecimal, spaces allowed, to out.  Returns the number of octets, 0 when malformed. */
static size_t
from_hex(const char *text, unsigned char *out, size_t cap)
{
	size_t n = 0;

	for (;;) {
		int high, low;

		while (isspace((unsigned char)*text))
			text++;
		if (*text == '\0')
			return n;
		high = digit(text[0]);
		low = high < 0 ? -1 : digit(text[1]);
		if (low < 0 || n == cap)
			return 0;
		out[n] = (unsigned char)(high << 4 | low);
		n++;
		text += 2;
	}
}

static unsigned char rapdu[MAX_BUFFER_SIZE_EXTENDED];

/* Send a command; the answer, two octets at least, is in rapdu. */
static bool
transmit(const char *line, DWORD *len)
{
	static unsigned char capdu[LINE_MAX_CHARS / 2];
	const SCARD_IO_REQUEST *pci = protocol == SCARD_PROTOCOL_T1 ? SCARD_PCI_T1 : SCARD_PCI_T0;
	size_t n = from_hex(line, capdu, sizeof capdu);

	*len = sizeof rapdu;
	if (n == 0) {
		(void)fprintf(stderr, "apdu: not hexadecimal: %s\n", line);
		return false;
	}
	if (!pcsc_ok("transmit", SCardTransmit(card, pci, capdu, n, NULL, rapdu, len)))
		return false;
	if (*len >= 2)
		return true;
	(void)fprintf(stderr, "apdu: an answer without a status\n");
	return false;
}

static bool
exchange(const char *line)
{
	DWORD len;
	DWORD i;

	if (!transmit(line, &len))
		return false;
	for (i = 0; i < len; i++)
		(void)printf("%s%02X", len > 2 && i == len - 2 ? " " : "", rapdu[i]);
	(void)printf("\n");
	return true;
}

static long
now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* "COUNT HEX" */
static bool
measure(const char *line)
{
	long least = LONG_MAX, begin, took;
	unsigned long i, count;
	DWORD len = 0;
	char *hex;

	count = strtoul(line, &hex, 10);
	if (count == 0 || count > 1000) {
		(void)fprintf(stderr, "apdu: not a count from 1 to 1000: %s\n", line);
		return false;
	}
	for (i = 0; i < count; i++) {
		begin = now_us();
		if (!transmit(hex, &len))
			return false;
		took = now_us() - begin;
		least = took < least ? took : least;
	}
	(void)printf("%ld %02X%02X\n", least, rapdu[len - 2], rapdu[len - 1]);
	return true;
}

static bool
answer_ok(const char *what, LONG rc)
{
	if (!pcsc_ok(what, rc))
		return false;
	(void)printf("ok\n");
	return true;
}

static bool
reconnect(DWORD how)
{
	return answer_ok("reconnect", SCardReconnect(card, SCARD_SHARE_SHARED,
					  SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, how, &protocol));
}

static bool
obey(const char *line)
{
	if (strcmp(line, "hold") == 0)
		return answer_ok(line, SCardBeginTransaction(card));
	if (strcmp(line, "release") == 0)
		return answer_ok(line, SCardEndTransaction(card, SCARD_LEAVE_CARD));
	if (strcmp(line, "reset") == 0)
		return reconnect(SCARD_RESET_CARD);
	if (strcmp(line, "unpower") == 0)
		return reconnect(SCARD_UNPOWER_CARD);
	if (strncmp(line, "sleep ", 6) == 0) {
		(void)usleep((useconds_t)strtoul(line + 6, NULL, 10) * 1000);
		(void)printf("ok\n");
		return true;
	}
	if (strncmp(line, "time ", 5) == 0)
		return measure(line + 5);
	return exchange(line);
}

int
main(int argc, char **argv)
{
	static char line[LINE_MAX_CHARS];

	if (argc != 2) {
		(void)fprintf(stderr, "usage: apdu READER <commands\n");
		return 2;
	}
	if (!connect_to(argv[1]))
		return 1;
	while (fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "#\r\n")] = '\0';
		if (line[strspn(line, " \t")] == '\0')
			continue;
		if (!obey(line))
			return 1;
		(void)fflush(stdout);
	}
	(void)SCardDisconnect(card, SCARD_LEAVE_CARD);
	(void)SCardReleaseContext(context);
	return 0;
}
