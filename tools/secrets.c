/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/secrets.h"

#include "tools/words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* How each secret is called when it is asked for. */
static const char *const labels[SECRET_KINDS] = {
	[SECRET_ADMIN_KEY] = "Administrator key",
	[SECRET_PIN] = "PIN",
	[SECRET_PUK] = "PUK",
	[SECRET_NEW_ADMIN_KEY] = "New administrator key",
	[SECRET_NEW_PIN] = "New PIN",
	[SECRET_NEW_PUK] = "New PUK",
};

const char *const secret_names[SECRET_KINDS] = {
	[SECRET_ADMIN_KEY] = "admin-key",
	[SECRET_PIN] = "pin",
	[SECRET_PUK] = "puk",
	[SECRET_NEW_ADMIN_KEY] = "new-admin-key",
	[SECRET_NEW_PIN] = "new-pin",
	[SECRET_NEW_PUK] = "new-puk",
};

/* AES128 takes the first 16 octets of the default; AES256 has none. */
size_t
admin_key_octets(uint8_t algorithm)
{
	switch (algorithm) {
	case ALG_AES_128:
		return 16;
	case ALG_AES_256:
		return 32;
	default:
		return 24;
	}
}

void
asking_begin(struct asking *a, const struct options *options)
{
	*a = (struct asking){ .options = options, .prompt = prompt_open() };
}

void
asking_end(struct asking *a)
{
	prompt_close(&a->prompt);
}

/* ---- where a secret is ---- */

/* What is asked for and how: the same wherever the answer comes from. */
struct question {
	enum secret_kind kind;
	const char *what;
	enum prompt_times times;
	prompt_check check;
	const void *context;
};

/* Whether a file may be read for a secret; says so when others could have, too. */
static bool
suits(int fd, const char *path, struct failure *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		fail(why, "%s: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)) {
		fail(why, "%s: it is neither a file nor a pipe", path);
		return false;
	}
	if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
		log_warning("%s: others than its owner may open it; chmod 600 helps", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		log_warning("%s: it belongs to somebody else", path);
	return true;
}

/* The first line of an open file, which is closed. */
static enum outcome
ask_file(int fd, const struct question *q, struct secret *out, struct failure *why)
{
	const struct prompt file = { .in = fd, .out = -1 };
	enum outcome outcome;

	outcome = prompt_ask(&file, q->what, q->times, q->check, q->context, out, why);
	(void)close(fd);
	return outcome;
}

static enum outcome
ask_path(const char *path, const struct question *q, struct secret *out, struct failure *why)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct question named = *q;
	char what[128];

	if (fd < 0) {
		fail(why, "%s: %s: %s", q->what, path, strerror(errno));
		return errno == EACCES ? NOT_PERMITTED : FAILED;
	}
	if (!suits(fd, path, why)) {
		(void)close(fd);
		return FAILED;
	}
	(void)snprintf(what, sizeof what, "%s in %s", q->what, path);
	named.what = what;
	return ask_file(fd, &named, out, why);
}

/* A systemd credential.  *there is false when there is none. */
static enum outcome
ask_credential(const struct question *q, bool *there, struct secret *out, struct failure *why)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char path[512];
	int fd, n;

	*there = false;
	if (directory == NULL || directory[0] != '/')
		return DONE;
	n = snprintf(path, sizeof path, "%s/tpmvsc.%s", directory, secret_names[q->kind]);
	if (n < 0 || (size_t)n >= sizeof path)
		return DONE;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return DONE;
	*there = true;
	if (fd < 0) {
		fail(why, "credential tpmvsc.%s: %s", secret_names[q->kind], strerror(errno));
		return FAILED;
	}
	return ask_file(fd, q, out, why);
}

/* What the near side of /machine sent: it is asked for nowhere else then. */
static enum outcome
ask_near(
    const struct secret *given, const struct question *q, struct secret *out, struct failure *why)
{
	const char *breach;

	if (given->len == 0) {
		fail(why, "%s: the request brings none", q->what);
		return WRONG_SECRET;
	}
	breach = q->check(q->context, secret_view(given));
	if (breach != NULL) {
		fail(why, "%s: %s", q->what, breach);
		return WRONG_SECRET;
	}
	return secret_set(out, secret_view(given)) ? DONE : FAILED;
}

static enum outcome
ask_somewhere(struct asking *a, const struct question *q, struct secret *out, struct failure *why)
{
	const char *path = a->options->secret_file[q->kind];
	enum outcome outcome;
	bool there;

	if (a->options->given != NULL)
		return ask_near(&a->options->given[q->kind], q, out, why);
	if (path != NULL && strcmp(path, "-") != 0)
		return ask_path(path, q, out, why);
	if (path == NULL) {
		outcome = ask_credential(q, &there, out, why);
		if (there)
			return outcome;
	}
	return prompt_ask(&a->prompt, q->what, q->times, q->check, q->context, out, why);
}

static enum outcome
ask(struct asking *a, const struct question *q, struct secret *out, struct failure *why)
{
	const enum outcome outcome = ask_somewhere(a, q, out, why);

	if (outcome != DONE)
		secret_clear(out);
	return outcome;
}

/* ---- what an answer must be ---- */

/* context: how many octets; 0 for as many as any algorithm has. */
static const char *
check_admin_key(const void *context, struct rbuf answer)
{
	const size_t octets = *(const size_t *)context;
	const bool fits = octets != 0 ? answer.len == octets * 2
				      : answer.len == 32 || answer.len == 48 || answer.len == 64;
	uint8_t digit = 0;
	size_t i;

	if (!fits)
		return "it does not have the right number of hexadecimal digits";
	for (i = 0; i < answer.len; i++) {
		if (!word_hex(rbuf_at(answer, i), &digit))
			return "it has a character that is no hexadecimal digit";
	}
	return NULL;
}

static const char *
check_pin(const void *context, struct rbuf answer)
{
	return pin_policy_breach(context, answer);
}

static const char *
check_puk(const void *context, struct rbuf answer)
{
	(void)context;
	return puk_breach(answer);
}

/* Digits that have been checked, as octets. */
static bool
from_hex(struct rbuf digits, struct secret *out)
{
	struct wbuf octets = wbuf_over(out->data, sizeof out->data);
	uint8_t high, low, a = 0, b = 0;

	while (rbuf_u8(&digits, &high) && rbuf_u8(&digits, &low) && word_hex(high, &a) &&
	       word_hex(low, &b))
		wbuf_u8(&octets, (uint8_t)(a << 4 | b));
	out->len = octets.len;
	return wbuf_ok(&octets);
}

/* A PIN that exists keeps whatever rule was its policy then. */
static const char *
check_any(const void *context, struct rbuf answer)
{
	(void)context;
	return answer.len == 0 ? "it is empty" : answer.len > 127 ? "it is too long" : NULL;
}

/* ---- asking ---- */

enum outcome
asking_pin(struct asking *a, enum secret_kind kind, enum prompt_times times,
    const struct pin_policy *policy, struct secret *out, struct failure *why)
{
	const bool puk = kind == SECRET_PUK || kind == SECRET_NEW_PUK;
	struct question q = { kind, labels[kind], times, check_any, policy };

	if (policy != NULL)
		q.check = check_pin;
	else if (puk && times == PROMPT_TWICE)
		q.check = check_puk;
	return ask(a, &q, out, why);
}

enum outcome
asking_digits(struct asking *a, enum secret_kind kind, enum prompt_times times, uint8_t algorithm,
    struct secret *out, struct failure *why)
{
	const size_t octets = algorithm != 0 ? admin_key_octets(algorithm) : 0;
	char what[64];
	const struct question q = { kind, what, times, check_admin_key, &octets };

	if (octets != 0)
		(void)snprintf(
		    what, sizeof what, "%s (%zu hexadecimal digits)", labels[kind], octets * 2);
	else
		(void)snprintf(what, sizeof what, "%s (hexadecimal digits)", labels[kind]);
	return ask(a, &q, out, why);
}

enum outcome
asking_admin_key(struct asking *a, enum secret_kind kind, enum prompt_times times,
    uint8_t algorithm, struct secret *out, struct failure *why)
{
	enum outcome outcome;
	SECRET(digits);

	outcome = asking_digits(a, kind, times, algorithm, &digits, why);
	if (outcome != DONE)
		return outcome;
	return from_hex(secret_view(&digits), out) ? DONE : FAILED;
}

/* ---- all at once ---- */

static enum outcome
ask_for_create(struct asking *a, struct secret texts[SECRET_KINDS], struct failure *why)
{
	const struct options *o = a->options;
	enum outcome outcome = DONE;

	if (o->admin_key == SOURCE_PROMPT)
		outcome = asking_digits(a, SECRET_ADMIN_KEY, PROMPT_TWICE, o->admin_algorithm,
		    &texts[SECRET_ADMIN_KEY], why);
	if (outcome == DONE && o->pin == SOURCE_PROMPT)
		outcome =
		    asking_pin(a, SECRET_PIN, PROMPT_TWICE, &o->policy, &texts[SECRET_PIN], why);
	if (outcome == DONE && o->puk == SOURCE_PROMPT)
		outcome = asking_pin(a, SECRET_PUK, PROMPT_TWICE, NULL, &texts[SECRET_PUK], why);
	return outcome;
}

/* Neither the card's algorithm nor its policy is known here: the far side will tell. */
static enum outcome
ask_for_unblock(struct asking *a, struct secret texts[SECRET_KINDS], struct failure *why)
{
	enum outcome outcome = DONE;

	switch (a->options->by) {
	case BY_PUK:
		outcome = asking_pin(a, SECRET_PUK, PROMPT_ONCE, NULL, &texts[SECRET_PUK], why);
		break;
	case BY_ADMIN_KEY:
		outcome = asking_digits(
		    a, SECRET_ADMIN_KEY, PROMPT_ONCE, 0, &texts[SECRET_ADMIN_KEY], why);
		break;
	case BY_CHALLENGE:
		break;
	}
	if (outcome == DONE)
		outcome =
		    asking_pin(a, SECRET_NEW_PIN, PROMPT_TWICE, NULL, &texts[SECRET_NEW_PIN], why);
	return outcome;
}

enum outcome
secrets_ask(const struct options *options, struct secret texts[SECRET_KINDS], struct failure *why)
{
	struct asking asking;
	enum outcome outcome = DONE;

	asking_begin(&asking, options);
	if (options->verb == VERB_CREATE)
		outcome = ask_for_create(&asking, texts, why);
	else if (options->verb == VERB_UNBLOCK)
		outcome = ask_for_unblock(&asking, texts, why);
	asking_end(&asking);
	if (outcome != DONE)
		secrets_wipe(texts);
	return outcome;
}

void
secrets_wipe(struct secret texts[SECRET_KINDS])
{
	size_t i;

	for (i = 0; i < SECRET_KINDS; i++)
		secret_clear(&texts[i]);
}

/* ---- the secrets of a card to be made ---- */

static bool
fill(const struct options *o, const struct secret texts[SECRET_KINDS], struct secrets *out)
{
	bool good;

	if (o->admin_key == SOURCE_PROMPT)
		good = from_hex(secret_view(&texts[SECRET_ADMIN_KEY]), &out->admin_key);
	else
		good = o->admin_key == SOURCE_RANDOM ||
		       default_admin_key(admin_key_octets(o->admin_algorithm), &out->admin_key);
	if (o->pin == SOURCE_PROMPT)
		good = good && secret_set(&out->pin, secret_view(&texts[SECRET_PIN]));
	else
		good = good && default_pin(&out->pin);
	if (o->puk == SOURCE_PROMPT)
		good = good && secret_set(&out->puk, secret_view(&texts[SECRET_PUK]));
	else if (o->puk == SOURCE_DEFAULT)
		good = good && default_puk(&out->puk);
	return good;
}

enum outcome
secrets_gather(const struct options *options, struct secrets *out, struct failure *why)
{
	struct secret texts[SECRET_KINDS] = { { .len = 0 } };
	enum outcome outcome;

	/* As far as the limits let us; not undone, for others lock the same pages. */
	(void)mlock(texts, sizeof texts);
	outcome = secrets_ask(options, texts, why);
	if (outcome == DONE && !fill(options, texts, out))
		outcome = FAILED;
	secrets_wipe(texts);
	if (outcome != DONE)
		secrets_clear(out);
	return outcome;
}

void
secrets_clear(struct secrets *s)
{
	secret_clear(&s->admin_key);
	secret_clear(&s->pin);
	secret_clear(&s->puk);
}
