/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef TPMVSC_STATE_DIR
#define TPMVSC_STATE_DIR "/var/lib/tpmvsc"
#endif

#define VALUE_MAX 256 /* of any key, with its NUL */

/* A setter returns NULL, or why the value is not one. */
typedef const char *(*setter)(const char *value, struct config *out);

/* No control characters reach here: the lines have been looked at. */
static const char *
set_text(const char *value, char *out, size_t size)
{
	if (strlen(value) >= size)
		return "it is longer than 255 octets";
	(void)snprintf(out, size, "%s", value);
	return NULL;
}

static const char *
set_path(const char *value, char *out, size_t size)
{
	return value[0] == '/' ? set_text(value, out, size) : "it is not an absolute path";
}

/* The part of text behind prefix, NULL when it does not begin with it. */
static const char *
after(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* The TCTI's name becomes the name of a library to load, so the list is closed. */
static const char *
set_tcti(const char *value, struct config *out)
{
	const char *rest;

	if ((rest = after(value, "device:")) != NULL) {
		if (rest[0] != '/')
			return "device: wants an absolute path, as in device:/dev/tpmrm0";
	} else if ((rest = after(value, "swtpm:")) != NULL) {
		rest = after(rest, "path=");
		if (rest == NULL || rest[0] != '/' || strchr(rest, ',') != NULL)
			return "any local user could clear a software TPM on a TCP port: "
			       "use a Unix socket, as in swtpm:path=/run/swtpm/sock";
	} else if (strcmp(value, "tabrmd") != 0 && after(value, "tabrmd:") == NULL) {
		return "it must begin with device:, swtpm: or tabrmd:";
	}
	return set_text(value, out->tcti, sizeof out->tcti);
}

static const char *
set_state_dir(const char *value, struct config *out)
{
	return set_path(value, out->state_dir, sizeof out->state_dir);
}

static const char *
set_owner_auth_file(const char *value, struct config *out)
{
	if (value[0] == '\0')
		return set_text(value, out->owner_auth_file, sizeof out->owner_auth_file);
	return set_path(value, out->owner_auth_file, sizeof out->owner_auth_file);
}

static const char *
set_attestation_ca(const char *value, struct config *out)
{
	if (value[0] != '\0' && after(value, "https://") == NULL && after(value, "http://") == NULL)
		return "it is not an http:// or https:// URL";
	if (strchr(value, ' ') != NULL)
		return "a URL has no spaces";
	return set_text(value, out->attestation_ca, sizeof out->attestation_ca);
}

/* The decimal number at the front of *text, at most max; moves behind it. */
static bool
take_number(const char **text, uint32_t max, uint32_t *out)
{
	uint64_t n = 0;
	const char *at = *text;

	while (*at >= '0' && *at <= '9') {
		n = n * 10 + (uint64_t)(*at - '0');
		if (n > max)
			return false;
		at++;
	}
	if (at == *text)
		return false;
	*text = at;
	*out = (uint32_t)n;
	return true;
}

static const char *
set_spare_slots(const char *value, struct config *out)
{
	uint32_t n;

	if (!take_number(&value, CARDS_MAX, &n) || *value != '\0')
		return "it is not a number from 0 to 10";
	out->spare_slots = n;
	return NULL;
}

static const char *
set_pin_cache(const char *value, struct config *out)
{
	static const struct {
		const char *suffix;
		uint32_t seconds;
	} units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
	size_t i;
	uint32_t n;

	if (!take_number(&value, INT32_MAX, &n) || n == 0)
		return "it is not a time such as 86400, 90s, 30m, 24h or 7d";
	for (i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(value, units[i].suffix) != 0)
			continue;
		if (n > INT32_MAX / units[i].seconds)
			return "it is too long";
		out->pin_cache = n * units[i].seconds;
		return NULL;
	}
	return "its unit is not s, m, h or d";
}

static const char *
set_log_level(const char *value, struct config *out)
{
	return log_level_from(value, &out->log_level) ? NULL
						      : "it is not error, warning, info or debug";
}

static const struct {
	const char *key;
	setter set;
} keys[] = {
	{ "tcti", set_tcti },
	{ "state_dir", set_state_dir },
	{ "spare_slots", set_spare_slots },
	{ "pin_cache", set_pin_cache },
	{ "owner_auth_file", set_owner_auth_file },
	{ "attestation_ca", set_attestation_ca },
	{ "log_level", set_log_level },
};

#define KEYS (sizeof keys / sizeof keys[0])

void
config_default(struct config *out)
{
	*out = (struct config){
		.tcti = "device:/dev/tpmrm0",
		.state_dir = TPMVSC_STATE_DIR,
		.spare_slots = 1,
		.pin_cache = 24 * 3600,
		.log_level = LOG_LEVEL_WARNING,
	};
}

/* Where we are in the file, and which line set each key. */
struct reading {
	const char *path;
	unsigned line;
	unsigned set_at[KEYS];
	struct config *config;
	struct failure *why;
};

static struct rbuf
trim(struct rbuf in)
{
	struct rbuf octet;

	while (in.len != 0 && isspace(in.data[in.len - 1]))
		in.len--;
	while (in.len != 0 && isspace(in.data[0]) && rbuf_take(&in, 1, &octet))
		;
	return in;
}

/* Cut a comment: # at the beginning or behind white space. */
static struct rbuf
without_comment(struct rbuf line)
{
	size_t i;

	for (i = 0; i < line.len; i++) {
		if (line.data[i] == '#' && (i == 0 || isspace(line.data[i - 1])))
			return rbuf_of(line.data, i);
	}
	return line;
}

/* A line's text up to stop, or all of it. */
static struct rbuf
until(struct rbuf in, char stop)
{
	const void *at = in.len != 0 ? memchr(in.data, stop, in.len) : NULL;

	return at == NULL ? in : rbuf_of(in.data, (size_t)((const uint8_t *)at - in.data));
}

/* As much of a key as a message should show. */
#define SHOWN(view) (int)((view).len < 40 ? (view).len : 40), (const char *)(view).data

static bool
parse_setting(struct reading *r, struct rbuf key, struct rbuf value)
{
	char text[VALUE_MAX + 1];
	const char *fault;
	size_t i;

	for (i = 0; i < KEYS && !rbuf_eq(key, rbuf_str(keys[i].key)); i++)
		;
	if (i == KEYS) {
		fail(r->why, "%s:%u: unknown key \"%.*s\"", r->path, r->line, SHOWN(key));
		return false;
	}
	if (r->set_at[i] != 0) {
		fail(r->why, "%s:%u: %s is set twice, first in line %u", r->path, r->line,
		    keys[i].key, r->set_at[i]);
		return false;
	}
	r->set_at[i] = r->line;
	(void)snprintf(text, sizeof text, "%.*s",
	    (int)(value.len < VALUE_MAX ? value.len : VALUE_MAX), (const char *)value.data);
	fault = keys[i].set(text, r->config);
	if (fault != NULL)
		fail(r->why, "%s:%u: bad %s \"%.*s\": %s", r->path, r->line, keys[i].key,
		    SHOWN(value), fault);
	return fault == NULL;
}

static bool
parse_line(struct reading *r, struct rbuf line)
{
	struct rbuf key, octet;
	size_t i;

	for (i = 0; i < line.len; i++) {
		if (iscntrl(line.data[i]) && !isspace(line.data[i])) {
			fail(r->why, "%s:%u: a control character (%02x): this is not a text file",
			    r->path, r->line, line.data[i]);
			return false;
		}
	}
	line = trim(without_comment(line));
	if (line.len == 0)
		return true;
	key = until(line, '=');
	if (!rbuf_take(&line, key.len, &key) || !rbuf_take(&line, 1, &octet)) {
		fail(r->why, "%s:%u: no \"=\" in \"%.*s\": lines are key = value", r->path, r->line,
		    SHOWN(key));
		return false;
	}
	return parse_setting(r, trim(key), trim(line));
}

bool
config_parse(struct rbuf text, const char *path, struct config *out, struct failure *why)
{
	struct reading r = { .path = path, .config = out, .why = why };
	struct rbuf line, newline;

	while (text.len != 0) {
		r.line++;
		line = until(text, '\n');
		if (!rbuf_take(&text, line.len, &line) || !parse_line(&r, line))
			return false;
		if (text.len != 0 && !rbuf_take(&text, 1, &newline))
			return false;
	}
	return true;
}

/* Whoever may write this file may name the TPM and the cards' directory. */
static bool
check_file(int fd, const char *path, struct failure *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		fail(why, "cannot look at %s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		fail(why, "%s is not a regular file", path);
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		fail(why,
		    "%s belongs to user %lu: it must belong to root; chown it, if you trust "
		    "what it says",
		    path, (unsigned long)st.st_uid);
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		fail(why, "%s may be written by others: chmod go-w it, if you trust what it says",
		    path);
	else if (st.st_size > CONFIG_FILE_MAX)
		fail(why, "%s is longer than %d octets", path, CONFIG_FILE_MAX);
	else
		return true;
	return false;
}

static bool
read_file(int fd, const char *path, struct wbuf *out, struct failure *why)
{
	uint8_t octets[4096];
	ssize_t n;

	while (wbuf_ok(out)) {
		n = read(fd, octets, sizeof octets);
		if (n == 0)
			return true;
		if (n > 0)
			wbuf_put(out, rbuf_of(octets, (size_t)n));
		else if (errno != EINTR) {
			fail(why, "cannot read %s: %s", path, strerror(errno));
			return false;
		}
	}
	fail(why, "%s is longer than %d octets", path, CONFIG_FILE_MAX);
	return false;
}

enum outcome
config_load(const char *path, struct config *out, struct failure *why)
{
	uint8_t octets[CONFIG_FILE_MAX];
	struct wbuf text = wbuf_over(octets, sizeof octets);
	struct config config;
	enum outcome outcome = FAILED;
	int fd;

	config_default(&config);
	/* A link is the administrator's business; what it leads to is checked. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT) {
		*out = config;
		return DONE;
	}
	if (fd < 0) {
		outcome = errno == EACCES || errno == EPERM ? NOT_PERMITTED : FAILED;
		fail(why, "cannot open %s: %s", path, strerror(errno));
		return outcome;
	}
	if (check_file(fd, path, why) && read_file(fd, path, &text, why) &&
	    config_parse(wbuf_view(&text), path, &config, why)) {
		*out = config;
		outcome = DONE;
	}
	(void)close(fd);
	return outcome;
}
