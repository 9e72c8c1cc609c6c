/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fake_cards.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WATCHES_MAX 64

struct card {
	unsigned instance;
	uint64_t which;
};

struct card_watch {
	int fd;
	bool changed[CARDS_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t cards[CARDS_MAX];
static uint64_t serial;
static struct card_watch *watches[WATCHES_MAX];
static struct fake_faults faults;
static struct fake_counts counts;
static unsigned spare, busy;

void
fake_start(unsigned spare_slots)
{
	(void)pthread_mutex_lock(&lock);
	memset(cards, 0, sizeof cards);
	memset(&faults, 0, sizeof faults);
	memset(&counts, 0, sizeof counts);
	spare = spare_slots;
	busy = 0;
	(void)pthread_mutex_unlock(&lock);
}

void
fake_set_faults(struct fake_faults wanted)
{
	(void)pthread_mutex_lock(&lock);
	faults = wanted;
	(void)pthread_mutex_unlock(&lock);
}

/* With the lock held; instance CARDS_MAX concerns none. */
static void
tell(unsigned instance)
{
	size_t i;

	for (i = 0; i < WATCHES_MAX; i++) {
		if (watches[i] == NULL)
			continue;
		if (instance < CARDS_MAX)
			watches[i]->changed[instance] = true;
		(void)eventfd_write(watches[i]->fd, 1);
	}
}

static void
put(unsigned instance, bool in)
{
	(void)pthread_mutex_lock(&lock);
	cards[instance] = in ? ++serial : 0;
	tell(instance);
	(void)pthread_mutex_unlock(&lock);
}

void
fake_insert(unsigned instance)
{
	put(instance, true);
}

void
fake_remove(unsigned instance)
{
	put(instance, false);
}

void
fake_rustle(void)
{
	(void)pthread_mutex_lock(&lock);
	tell(CARDS_MAX);
	(void)pthread_mutex_unlock(&lock);
}

struct fake_counts
fake_counts(void)
{
	struct fake_counts copy;

	(void)pthread_mutex_lock(&lock);
	copy = counts;
	(void)pthread_mutex_unlock(&lock);
	return copy;
}

static void
count(unsigned *what)
{
	(void)pthread_mutex_lock(&lock);
	++*what;
	(void)pthread_mutex_unlock(&lock);
}

static bool
fails(const bool *fault, struct failure *why, const char *text)
{
	bool yes;

	(void)pthread_mutex_lock(&lock);
	yes = *fault;
	(void)pthread_mutex_unlock(&lock);
	if (yes)
		fail(why, "%s", text);
	return yes;
}

enum outcome
config_load(const char *path, struct config *out, struct failure *why)
{
	const struct config defaults = { .state_dir = "/nowhere", .log_level = LOG_LEVEL_ERROR };

	(void)path;
	if (fails(&faults.config, why, "/tmp/x.conf:3: no key of that name: colour"))
		return FAILED;
	*out = defaults;
	(void)pthread_mutex_lock(&lock);
	out->spare_slots = spare;
	(void)pthread_mutex_unlock(&lock);
	return DONE;
}

enum outcome
card_present(const struct config *config, unsigned instance, uint64_t *which, struct failure *why)
{
	(void)config;
	*which = 0;
	count(&counts.presence);
	if (fails(&faults.present, why, "/nowhere: mode 0777"))
		return FAILED;
	(void)pthread_mutex_lock(&lock);
	*which = cards[instance];
	(void)pthread_mutex_unlock(&lock);
	return DONE;
}

enum outcome
card_watch_open(
    const struct config *config, bool make, struct card_watch **out, struct failure *why)
{
	struct card_watch *w;
	size_t i;

	(void)config;
	(void)make;
	if (fails(&faults.watch, why, "/nowhere: no more watches"))
		return FAILED;
	w = calloc(1, sizeof *w);
	if (w == NULL)
		return FAILED;
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	(void)pthread_mutex_lock(&lock);
	for (i = 0; i < WATCHES_MAX && watches[i] != NULL; i++)
		continue;
	if (i < WATCHES_MAX)
		watches[i] = w;
	(void)pthread_mutex_unlock(&lock);
	*out = w;
	return DONE;
}

int
card_watch_fd(const struct card_watch *w)
{
	return w->fd;
}

bool
card_watch_drain(struct card_watch *w, unsigned instance)
{
	eventfd_t value;
	bool changed;

	(void)pthread_mutex_lock(&lock);
	(void)eventfd_read(w->fd, &value);
	changed = w->changed[instance];
	memset(w->changed, 0, sizeof w->changed);
	(void)pthread_mutex_unlock(&lock);
	return changed;
}

void
card_watch_close(struct card_watch *w)
{
	size_t i;

	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&lock);
	for (i = 0; i < WATCHES_MAX; i++) {
		if (watches[i] == w)
			watches[i] = NULL;
	}
	(void)pthread_mutex_unlock(&lock);
	(void)close(w->fd);
	free(w);
}

enum outcome
card_open(const struct config *config, unsigned instance, struct card **out, struct failure *why)
{
	struct card *card;
	uint64_t there;

	(void)config;
	if (fails(&faults.open, why, "0000: the record is not signed by its creator"))
		return FAILED;
	(void)pthread_mutex_lock(&lock);
	there = cards[instance];
	(void)pthread_mutex_unlock(&lock);
	if (there == 0) {
		fail(why, "no card");
		return NO_SUCH_CARD;
	}
	card = calloc(1, sizeof *card);
	if (card == NULL)
		return FAILED;
	card->instance = instance;
	card->which = there;
	*out = card;
	count(&counts.opened);
	return DONE;
}

void
card_close(struct card *card)
{
	count(&counts.closed);
	free(card);
}

void
card_reset(struct card *card)
{
	(void)card;
	count(&counts.resets);
}

void
card_power_down(struct card *card)
{
	(void)card;
	count(&counts.downs);
}

struct rbuf
card_atr(void)
{
	static const uint8_t atr[] = { 0x3b, 0x80, 0x80, 0x01, 0x01 };

	return rbuf_of(atr, sizeof atr);
}

/* As RESET: another card is in the place of this one, and open here. */
static void
start_over(struct card *card)
{
	put(card->instance, true);
	(void)pthread_mutex_lock(&lock);
	card->which = cards[card->instance];
	(void)pthread_mutex_unlock(&lock);
}

uint64_t
card_which(const struct card *card)
{
	return card->which;
}

void
card_transmit(struct card *card, struct rbuf capdu, struct wbuf *rapdu)
{
	const int p1p2 = rbuf_at(capdu, 2) << 8 | rbuf_at(capdu, 3);

	(void)pthread_mutex_lock(&lock);
	counts.transmits++;
	if (++busy > counts.at_once)
		counts.at_once = busy;
	(void)pthread_mutex_unlock(&lock);
	if (capdu.len < 4) {
		wbuf_u16(rapdu, 0x6700);
	} else {
		if (rbuf_at(capdu, 1) == 0x20)
			(void)poll(NULL, 0, p1p2);
		if (rbuf_at(capdu, 1) == 0x10)
			wbuf_fill(rapdu, 0x5a, (size_t)p1p2);
		if (rbuf_at(capdu, 1) == 0xfb)
			start_over(card);
		wbuf_u16(rapdu, 0x9000);
	}
	(void)pthread_mutex_lock(&lock);
	busy--;
	(void)pthread_mutex_unlock(&lock);
}
