/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/audit.h"

#include "base/text.h"
#include "card/parts.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define JOURNAL "/run/systemd/journal/socket"
#define SYSLOG  "/dev/log"

/* Syslog's numbers, RFC 5424, 6.2.1: facility authpriv, severities warning and notice. */
#define FACILITY 10
#define WARNING  4
#define NOTICE   5

/* Room for every field at its longest. */
#define RECORD_MAX 4096

/* clang-format off */
static const struct {
	const char *name; /* TPMVSC_EVENT */
	const char *done; /* for a person, behind the card's name */
	const char *tried;
	const char *id;
} events[] = {
	[AUDIT_CREATE]  = { "create",  "was created",   "could not be created",   "4f6eed2b8aa84cb4bcf64039d5a62939" },
	[AUDIT_DESTROY] = { "destroy", "was destroyed", "could not be destroyed", "761ad6c447b543a7a4a425ea16e915f6" },
	[AUDIT_UNBLOCK] = { "unblock", "was unblocked", "could not be unblocked", "be757f151ec249db8b2a157c70c5be35" },
	[AUDIT_BLOCK]   = { "block",   "was blocked",   "could not be blocked",   "9b4334473bdf4c77a00ca0023c9bfe7e" },
};

static const char *const outcomes[] = {
	[DONE] = "done", [FAILED] = "failed", [WRONG_USAGE] = "wrong-usage", [NO_SUCH_CARD] = "no-such-card",
	[TPM_PROBLEM] = "tpm-problem", [NOT_PERMITTED] = "not-permitted", [WRONG_SECRET] = "wrong-secret",
	[NO_ROOM] = "no-room",
};
/* clang-format on */

void
audit_look(struct audit *a, const struct config *config, unsigned instance)
{
	struct files *files = NULL;
	struct paper paper;

	a->has_instance = true;
	a->instance = instance;
	if (files_open(config->state_dir, false, &files, NULL) != FILES_OK)
		return;
	if (paper_read(files, instance, &paper, NULL) == DONE) {
		struct rbuf guid = rbuf_of(paper.profile.guid, sizeof paper.profile.guid);

		(void)snprintf(a->name, sizeof a->name, "%s", paper.profile.name);
		a->has_guid = rbuf_copy(&guid, a->guid, sizeof a->guid);
	}
	files_close(files);
}

/* ---- the text for a person ---- */

static int
priority(const struct audit *a)
{
	return a->outcome != DONE || a->event == AUDIT_BLOCK ? WARNING : NOTICE;
}

static void
put_text(struct wbuf *out, const char *text)
{
	wbuf_put(out, rbuf_str(text));
}

/* "TPM smart card ROOT\SMARTCARDREADER\0000 (Corp): its PIN was blocked", and who and why. */
static void
put_message(const struct audit *a, struct wbuf *out)
{
	char text[48];

	put_text(out, "TPM smart card");
	if (a->has_instance) {
		(void)snprintf(text, sizeof text, " " INSTANCE_PREFIX "%04u", a->instance);
		put_text(out, text);
	}
	if (a->name[0] != '\0') {
		put_text(out, " (");
		text_clean(rbuf_str(a->name), out);
		put_text(out, ")");
	}
	if (a->event == AUDIT_BLOCK && a->by != NULL) {
		put_text(out, ": its ");
		put_text(out, a->by);
	}
	put_text(out, " ");
	put_text(out, a->outcome == DONE ? events[a->event].done : events[a->event].tried);
	if (a->event == AUDIT_UNBLOCK && a->by != NULL) {
		put_text(out, " by ");
		put_text(out, a->by);
	}
	if (a->person) {
		(void)snprintf(text, sizeof text, " (user %lu)", (unsigned long)getuid());
		put_text(out, text);
	}
	if (a->outcome != DONE && a->reason != NULL && a->reason[0] != '\0') {
		put_text(out, ": ");
		text_clean(rbuf_str(a->reason), out);
	}
}

/* ---- the journal's native protocol ---- */

/* KEY=VALUE and a newline; a value with a newline in it goes with its length, little-endian. */
static void
put_field(struct wbuf *out, const char *key, struct rbuf value)
{
	uint64_t len = value.len;
	int i;

	put_text(out, key);
	if (value.len != 0 && memchr(value.data, '\n', value.len) != NULL) {
		put_text(out, "\n");
		for (i = 0; i < 8; i++, len >>= 8)
			wbuf_u8(out, (uint8_t)(len & 0xff));
	} else {
		put_text(out, "=");
	}
	wbuf_put(out, value);
	put_text(out, "\n");
}

static void
put_string(struct wbuf *out, const char *key, const char *value)
{
	if (value != NULL && value[0] != '\0')
		put_field(out, key, rbuf_str(value));
}

static void
put_number(struct wbuf *out, const char *key, unsigned long number)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%lu", number);
	put_field(out, key, rbuf_str(text));
}

static void
put_guid(struct wbuf *out, const uint8_t guid[16])
{
	uint8_t octets[40];
	struct wbuf text = wbuf_over(octets, sizeof octets);

	text_guid(guid, &text);
	put_field(out, "TPMVSC_GUID", wbuf_view(&text));
}

static void
put_journal(const struct audit *a, struct rbuf message, struct wbuf *out)
{
	char text[48];

	put_field(out, "MESSAGE", message);
	put_string(out, "MESSAGE_ID", events[a->event].id);
	put_number(out, "PRIORITY", (unsigned long)priority(a));
	put_number(out, "SYSLOG_FACILITY", FACILITY);
	put_string(out, "SYSLOG_IDENTIFIER", "tpmvsc");
	put_string(out, "TPMVSC_EVENT", events[a->event].name);
	put_string(out, "TPMVSC_OUTCOME", outcomes[a->outcome]);
	if (a->has_instance) {
		(void)snprintf(text, sizeof text, INSTANCE_PREFIX "%04u", a->instance);
		put_string(out, "TPMVSC_INSTANCE", text);
	}
	put_string(out, "TPMVSC_NAME", a->name);
	if (a->has_guid)
		put_guid(out, a->guid);
	put_string(out, "TPMVSC_BY", a->by);
	if (a->outcome != DONE)
		put_string(out, "TPMVSC_REASON", a->reason);
	if (a->person)
		put_number(out, "TPMVSC_UID", (unsigned long)getuid());
}

/* ---- the system log, as syslog(3) writes to it ---- */

static void
put_syslog(const struct audit *a, struct rbuf message, struct wbuf *out)
{
	const time_t now = time(NULL);
	char text[64], when[32];
	struct tm local;

	if (localtime_r(&now, &local) == NULL ||
	    strftime(when, sizeof when, "%b %e %H:%M:%S", &local) == 0)
		when[0] = '\0';
	(void)snprintf(text, sizeof text, "<%d>%s tpmvsc[%ld]: ", FACILITY * 8 + priority(a), when,
	    (long)getpid());
	put_text(out, text);
	wbuf_put(out, message);
}

/* ---- sending ---- */

/* One datagram; whoever does not take it at once does not get it. */
static bool
send_to(const char *path, struct rbuf record)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	ssize_t n;
	int fd;

	if (strlen(path) >= sizeof address.sun_path)
		return false;
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	n = sendto(fd, record.data, record.len, MSG_NOSIGNAL | MSG_DONTWAIT,
	    (const struct sockaddr *)&address, sizeof address);
	(void)close(fd);
	return n == (ssize_t)record.len;
}

bool
audit_send(const struct audit *a, const char *journal, const char *syslog)
{
	uint8_t message_octets[1024], octets[RECORD_MAX];
	struct wbuf message = wbuf_over(message_octets, sizeof message_octets);
	struct wbuf out = wbuf_over(octets, sizeof octets);

	put_message(a, &message);
	put_journal(a, wbuf_view(&message), &out);
	if (wbuf_ok(&out) && send_to(journal, wbuf_view(&out)))
		return true;
	wbuf_truncate(&out, 0);
	put_syslog(a, wbuf_view(&message), &out);
	return wbuf_ok(&out) && send_to(syslog, wbuf_view(&out));
}

void
audit_write(const struct audit *a)
{
	if (!audit_send(a, JOURNAL, SYSLOG))
		log_debug("neither the journal nor the system log took the audit record");
}

void
audit_end(struct audit *a, enum outcome outcome, const struct failure *why)
{
	a->outcome = outcome;
	a->reason = why != NULL ? why->text : NULL;
	a->person = true;
	if (outcome != NO_SUCH_CARD)
		audit_write(a);
	a->reason = NULL; /* why may go before a does */
}
