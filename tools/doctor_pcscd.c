/* SPDX-License-Identifier: BSD-2-Clause */
/* What doctor finds out about pcscd, the driver in it, and who looks for readers. */
#include "tools/doctor.h"

#include "tools/file.h"
#include "tools/names.h"
#include "tools/pcsc.h"
#include "tools/readerconf.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long pcscd may take to answer, and its program to say what it is. */
#define PATIENCE_S 10
#define VERSION_S  5

/* What pcscd before 2.5 has room for. */
#define OLD_PCSCD_READERS 16

/* ---- pcscd ---- */

void
check_pcscd(struct doctor *d)
{
	const struct timespec deadline = pcsc_deadline(PATIENCE_S);
	struct pcsc pcsc = { .talk = NULL };
	enum pcsc_err err;

	err = pcsc_open(&pcsc, &deadline);
	if (err == PCSC_OK)
		err = pcsc_list(&pcsc, &d->readers, &deadline);
	pcsc_close(&pcsc, false);
	d->has_readers = err == PCSC_OK;
	d->pcscd_hangs = err == PCSC_LATE;
	switch (err) {
	case PCSC_OK:
		found(d, LEVEL_OK, "it answers, and has %zu reader%s", d->readers.count,
		    d->readers.count == 1 ? "" : "s");
		return;
	case PCSC_AWAY:
		remedy(found(d, LEVEL_PROBLEM, "pcscd does not run"),
		    "systemctl enable --now pcscd.socket; if there is no such unit, install pcscd");
		return;
	case PCSC_DENIED:
		denied(found(d, LEVEL_PROBLEM, "pcscd does not let this user in (polkit)"));
		return;
	case PCSC_LATE:
		remedy(
		    found(d, LEVEL_PROBLEM, "pcscd does not answer within %d seconds", PATIENCE_S),
		    "systemctl restart pcscd; it interrupts every smart card in use");
		return;
	case PCSC_NO_READER:
	case PCSC_NO_CARD:
	case PCSC_BUSY:
	case PCSC_FAULT:
		break;
	}
	remedy(found(d, LEVEL_PROBLEM, "pcscd does not tell its readers"),
	    "see what it says (journalctl -u pcscd), and restart it");
}

/* ---- who may use it ---- */

/* Collect what a program writes, until it ends or time is up. */
static void
collect(int fd, struct wbuf *out)
{
	const struct timespec deadline = pcsc_deadline(VERSION_S);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timespec now = { .tv_sec = 0 };
	uint8_t octets[1024];
	ssize_t n = 1;

	while (n > 0 && wbuf_ok(out) && now.tv_sec <= deadline.tv_sec && poll(&p, 1, 1000) >= 0) {
		if (p.revents != 0) {
			n = read(fd, octets, sizeof octets);
			wbuf_put(out, rbuf_of(octets, n > 0 ? (size_t)n : 0));
		}
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
	}
}

/* Append what "pcscd --version" says.  False when there is no such program. */
static bool
ask_version(const char *program, struct wbuf *out)
{
	char name[] = "pcscd", option[] = "--version", locale[] = "LC_ALL=C";
	char *const words[] = { name, option, NULL }, *const environment[] = { locale, NULL };
	posix_spawn_file_actions_t actions;
	bool started = false;
	int ends[2];
	pid_t pid;

	if (access(program, X_OK) != 0 || pipe2(ends, O_CLOEXEC) != 0)
		return false;
	if (posix_spawn_file_actions_init(&actions) == 0) {
		started = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) == 0 &&
			  posix_spawn(&pid, program, &actions, NULL, words, environment) == 0;
		(void)posix_spawn_file_actions_destroy(&actions);
	}
	(void)close(ends[1]);
	if (started) {
		collect(ends[0], out);
		(void)kill(pid, SIGKILL); /* it has nothing to lose */
		(void)waitpid(pid, NULL, 0);
	}
	(void)close(ends[0]);
	return started;
}

void
check_polkit(struct doctor *d)
{
	static const char *const programs[] = { "/usr/sbin/pcscd", "/usr/local/sbin/pcscd" };
	char text[4096] = "";
	struct wbuf out = wbuf_over(text, sizeof text - 1);
	bool told = false;
	size_t i;

	for (i = 0; i < sizeof programs / sizeof programs[0] && !told; i++)
		told = ask_version(programs[i], &out);
	if (!told)
		return; /* pcscd's own finding says so */
	if (strstr(text, "polkit") == NULL)
		found(
		    d, LEVEL_NOTE, "pcscd is built without it: every local user may use the cards");
	else
		remedy(
		    found(d, LEVEL_NOTE,
			"pcscd asks it who may use smart cards: at first that is whoever sits at the "
			"machine, and root"),
		    "for others, such as services or ssh log-ins, write a rule for "
		    "org.debian.pcsc-lite.access_pcsc");
}

/* ---- the driver's entry ---- */

/* Whether the entry's text is what pcscd needs; a finding when not. */
static bool
entry_fits(struct doctor *d, struct rbuf text)
{
	static const char prefix[] = "tpmvsc:";
	const char *path = doctor_config_path(d);
	char library[512], device[512];

	if (!readerconf_value(text, "LIBPATH", library, sizeof library) ||
	    !readerconf_value(text, "DEVICENAME", device, sizeof device) ||
	    strncmp(device, prefix, strlen(prefix)) != 0) {
		remedy(found(d, LEVEL_PROBLEM, "%s is not an entry for the driver",
			   TPMVSC_READER_CONF),
		    "install tpmvsc again");
	} else if (access(library, R_OK) != 0) {
		remedy(found(d, LEVEL_PROBLEM, "%s names %s, which cannot be read: %s",
			   TPMVSC_READER_CONF, library, strerror(errno)),
		    "install tpmvsc again, or remove the entry: with it pcscd does not start, for no "
		    "smart card at all");
	} else if (strcmp(device + strlen(prefix), path) != 0) {
		remedy(
		    found(d, d->options->config != NULL ? LEVEL_NOTE : LEVEL_PROBLEM,
			"the driver reads %s, and this is about %s", device + strlen(prefix), path),
		    "where that is not meant, correct DEVICENAME in %s", TPMVSC_READER_CONF);
	} else {
		return true;
	}
	return false;
}

void
check_entry(struct doctor *d)
{
	uint8_t *octets = malloc(READERCONF_MAX);
	struct failure why = { "" };
	struct wbuf text;

	if (octets == NULL)
		return;
	text = wbuf_over(octets, READERCONF_MAX);
	if (file_read(TPMVSC_READER_CONF, &text, &why) != DONE)
		remedy(found(d, LEVEL_PROBLEM, "%s: pcscd does not load the driver", why.text),
		    "install tpmvsc again, and restart pcscd");
	else if (entry_fits(d, wbuf_view(&text)))
		found(d, LEVEL_OK, "%s is good", TPMVSC_READER_CONF);
	free(octets);
}

/* ---- readers ---- */

static size_t
count_ours(const struct doctor *d)
{
	size_t n = 0, position;
	unsigned i;

	for (i = 0; i < CARDS_MAX; i++)
		n += doctor_reader(d, i, &position);
	return n;
}

void
check_driver(struct doctor *d)
{
	const size_t ours = count_ours(d);

	if (ours == 0)
		remedy(found(d, LEVEL_PROBLEM, "pcscd shows no reader \"" READER_NAME "\""),
		    "systemctl restart pcscd; if that does not help, see what it says of tpmvsc "
		    "(journalctl -u pcscd)");
	else
		found(d, LEVEL_OK, "pcscd has loaded it, with %zu slot%s", ours,
		    ours == 1 ? "" : "s");
}

/* The lowest number that no card has: the next card's. */
static unsigned
next_instance(const struct doctor *d)
{
	unsigned next = 0;
	size_t i;

	for (i = 0; i < d->card_count; i++) { /* ascending */
		if (d->cards[i].instance == next)
			next++;
	}
	return next;
}

void
check_room(struct doctor *d)
{
	const unsigned next = next_instance(d);
	size_t position;

	if (next == CARDS_MAX)
		remedy(found(d, LEVEL_NOTE, "all %d instances have a card: there can be no other",
			   CARDS_MAX),
		    "destroy one that nobody uses");
	else if (doctor_reader(d, next, &position))
		found(d, LEVEL_OK, "one is there for the next card, " INSTANCE_PREFIX "%04u", next);
	else
		remedy(
		    found(d, LEVEL_WARNING,
			"there is none for the next card, " INSTANCE_PREFIX "%04u: it will have no "
			"reader until pcscd starts again",
			next),
		    "restart pcscd when no smart card is in use; spare_slots in %s says how many are "
		    "kept free",
		    doctor_config_path(d));
	if (d->readers.count >= OLD_PCSCD_READERS)
		remedy(
		    found(d, LEVEL_WARNING,
			"there are %zu readers, and pcscd before 2.5 has room for %d: one that is "
			"plugged in is not seen",
			d->readers.count, OLD_PCSCD_READERS),
		    "lower spare_slots in %s, or unplug one", doctor_config_path(d));
}

/* ---- OpenSC ---- */

/* How many of our cards are in a reader from the position on. */
static unsigned
cards_beyond(const struct doctor *d, unsigned limit)
{
	unsigned n = 0;
	size_t i, position;

	for (i = 0; i < d->card_count; i++)
		n += doctor_reader(d, d->cards[i].instance, &position) && position >= limit;
	return n;
}

/* Read OpenSC's limits.  False when it is not installed here. */
static bool
read_opensc(const char *path, struct opensc_limits *out)
{
	uint8_t *octets = malloc(READERCONF_MAX);
	struct failure unread = { "" };
	struct wbuf text;
	bool done;

	if (octets == NULL)
		return false;
	text = wbuf_over(octets, READERCONF_MAX);
	done = file_read(path, &text, &unread) == DONE;
	if (done)
		opensc_read(wbuf_view(&text), out);
	free(octets);
	return done;
}

void
check_opensc(struct doctor *d)
{
	const char *path = getenv("OPENSC_CONF"); /* as OpenSC does */
	struct opensc_limits limits;
	unsigned seen, beyond;
	struct finding *f;

	if (path == NULL || path[0] != '/')
		path = "/etc/opensc/opensc.conf";
	if (!read_opensc(path, &limits))
		return;
	seen = opensc_readers(&limits);
	if (d->readers.count <= seen) {
		found(d, LEVEL_OK, "it looks at the first %u readers, and there are %zu", seen,
		    d->readers.count);
		return;
	}
	beyond = cards_beyond(d, seen);
	f = found(d, beyond != 0 ? LEVEL_PROBLEM : LEVEL_WARNING,
	    "it looks at the first %u of %zu readers: %u of the cards here %s in the others", seen,
	    d->readers.count, beyond, beyond == 1 ? "is" : "are");
	remedy(f, "write app opensc-pkcs11 { pkcs11 { max_virtual_slots = %zu; } } into %s",
	    d->readers.count * (limits.per_card != 0 ? limits.per_card : 1), path);
}
