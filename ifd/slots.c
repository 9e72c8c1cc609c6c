/* SPDX-License-Identifier: BSD-2-Clause */
#include "ifd/slots.h"

#include "ifd/sink.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define CHANNELS_MAX 16

/* How long a replaced card stays out when no polling thread comes to look. */
#define ABSENT_MS 1500

struct channel {
	struct config config;
	unsigned slots;
	unsigned open;
	struct slot slot[CARDS_MAX];
};

/* pcscd calls by number, so the pool cannot but be the process's own. */
static struct channel channels[CHANNELS_MAX];
static unsigned channels_open;
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t pool_once = PTHREAD_ONCE_INIT;

static void
pool_init(void)
{
	unsigned c, s;

	log_open(LOG_LEVEL_INFO, sink_of_pcscd());
	for (c = 0; c < CHANNELS_MAX; c++) {
		for (s = 0; s < CARDS_MAX; s++) {
			struct slot *slot = &channels[c].slot[s];

			slot->instance = s;
			slot->config = &channels[c].config;
			slot->bell = -1;
			(void)pthread_mutex_init(&slot->lock, NULL);
			(void)pthread_mutex_init(&slot->gate, NULL);
			(void)pthread_cond_init(&slot->idle, NULL);
		}
	}
}

/* The channel and slot lun names, open or not; NULL when it can be neither. */
static struct slot *
slot_of(DWORD lun, struct channel **channel)
{
	const DWORD c = lun >> 16, s = lun & 0xffff;

	if (pthread_once(&pool_once, pool_init) != 0 || c >= CHANNELS_MAX || s >= CARDS_MAX)
		return NULL;
	*channel = &channels[c];
	return &channels[c].slot[s];
}

int64_t
slot_clock(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- opening and closing ---- */

/* As many slots as the highest card needs, and the spare ones. */
static unsigned
count_slots(const struct config *config)
{
	struct failure why = { .text = "" };
	uint64_t which;
	unsigned n = 0, i;

	for (i = 0; i < CARDS_MAX; i++) {
		if (card_present(config, i, &which, &why) == DONE && which != 0)
			n = i + 1;
	}
	n += config->spare_slots < CARDS_MAX ? config->spare_slots : CARDS_MAX;
	if (n == 0)
		return 1; /* a reader has one slot at least */
	return n < CARDS_MAX ? n : CARDS_MAX;
}

static bool
channel_load(struct channel *channel, const char *path)
{
	struct failure why = { .text = "" };

	if (config_load(path, &channel->config, &why) != DONE) {
		log_error("no reader for virtual smart cards: %s", why.text);
		return false;
	}
	if (channels_open == 0) /* no thread of ours runs yet, so the log may be changed */
		log_open(channel->config.log_level, sink_of_pcscd());
	channel->slots = count_slots(&channel->config);
	log_info("%s: cards in %s, %u slots", path, channel->config.state_dir, channel->slots);
	return true;
}

/* Log a line unless it is the one logged last; an empty one only resets that. */
static void
complain(struct slot *slot, const struct failure *why)
{
	if (failed(why) && strcmp(why->text, slot->complaint.text) != 0)
		log_error("reader %02u: %s", slot->instance, why->text);
	slot->complaint = *why;
}

static RESPONSECODE
slot_start(struct slot *slot, unsigned slots)
{
	struct failure why = { .text = "" };
	const int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (bell < 0) {
		log_error("reader %02u: eventfd: %s", slot->instance, strerror(errno));
		return IFD_COMMUNICATION_ERROR;
	}
	(void)pthread_mutex_lock(&slot->lock);
	(void)pthread_mutex_lock(&slot->gate);
	slot->slots = slots;
	slot->card = NULL;
	slot->powered = false;
	slot->told = 0;
	slot->bell = bell;
	slot->absence = ABSENCE_SEEN;
	if (card_watch_open(slot->config, true, &slot->watch, &why) != DONE)
		slot->watch = NULL;
	complain(slot, &why);
	slot->open = true;
	(void)pthread_mutex_unlock(&slot->gate);
	(void)pthread_mutex_unlock(&slot->lock);
	return IFD_SUCCESS;
}

static const char *
path_of(const char *device)
{
	const size_t n = strlen(DEVICE_PREFIX);

	if (device != NULL && strncmp(device, DEVICE_PREFIX, n) == 0 && device[n] == '/')
		return device + n;
	log_error("DEVICENAME must be " DEVICE_PREFIX "/path/of/tpmvsc.conf");
	return NULL;
}

RESPONSECODE
slot_open(DWORD lun, const char *device)
{
	RESPONSECODE rc = IFD_COMMUNICATION_ERROR;
	struct channel *channel = NULL;
	struct slot *slot = slot_of(lun, &channel);
	const char *path = path_of(device);

	if (slot == NULL || path == NULL)
		return IFD_NO_SUCH_DEVICE;
	(void)pthread_mutex_lock(&pool_lock);
	if (slot->open || (channel->open == 0 && !channel_load(channel, path)))
		goto out;
	if (slot->instance >= channel->slots) {
		rc = IFD_NO_SUCH_DEVICE;
		goto out;
	}
	rc = slot_start(slot, channel->slots);
	if (rc == IFD_SUCCESS && channel->open++ == 0)
		channels_open++;
out:
	(void)pthread_mutex_unlock(&pool_lock);
	return rc;
}

static void
drop_card(struct slot *slot)
{
	if (slot->card != NULL)
		card_close(slot->card);
	slot->card = NULL;
	slot->powered = false;
}

static void
slot_stop(struct slot *slot)
{
	(void)pthread_mutex_lock(&slot->lock);
	(void)pthread_mutex_lock(&slot->gate);
	slot->open = false;
	slot_ring(slot);
	while (slot->pollers != 0)
		(void)pthread_cond_wait(&slot->idle, &slot->gate);
	card_watch_close(slot->watch);
	slot->watch = NULL;
	(void)close(slot->bell);
	slot->bell = -1;
	(void)pthread_mutex_unlock(&slot->gate);
	drop_card(slot);
	(void)pthread_mutex_unlock(&slot->lock);
}

RESPONSECODE
slot_close(DWORD lun)
{
	RESPONSECODE rc = IFD_NO_SUCH_DEVICE;
	struct channel *channel = NULL;
	struct slot *slot = slot_of(lun, &channel);

	if (slot == NULL)
		return rc;
	(void)pthread_mutex_lock(&pool_lock);
	if (slot->open) {
		slot_stop(slot);
		if (--channel->open == 0)
			channels_open--;
		rc = IFD_SUCCESS;
	}
	(void)pthread_mutex_unlock(&pool_lock);
	return rc;
}

/* ---- finding a slot ---- */

struct slot *
slot_lock(DWORD lun)
{
	struct channel *channel = NULL;
	struct slot *slot = slot_of(lun, &channel);

	if (slot == NULL)
		return NULL;
	(void)pthread_mutex_lock(&slot->lock);
	if (slot->open)
		return slot;
	(void)pthread_mutex_unlock(&slot->lock);
	return NULL;
}

void
slot_unlock(struct slot *slot)
{
	(void)pthread_mutex_unlock(&slot->lock);
}

struct slot *
slot_enter(DWORD lun)
{
	struct channel *channel = NULL;
	struct slot *slot = slot_of(lun, &channel);

	if (slot == NULL)
		return NULL;
	(void)pthread_mutex_lock(&slot->gate);
	if (slot->open)
		return slot;
	(void)pthread_mutex_unlock(&slot->gate);
	return NULL;
}

void
slot_leave(struct slot *slot)
{
	(void)pthread_mutex_unlock(&slot->gate);
}

void
slot_ring(struct slot *slot)
{
	/* A full counter rings as well as one more would. */
	(void)eventfd_write(slot->bell, 1);
}

/* ---- the card in it ---- */

/* Make the slot look empty until pcscd's polling thread has been sent to look. */
static void
begin_absence(struct slot *slot)
{
	(void)pthread_mutex_lock(&slot->gate);
	slot->absence = ABSENCE_NEW;
	slot->absent_until = slot_clock() + ABSENT_MS;
	slot_ring(slot);
	(void)pthread_mutex_unlock(&slot->gate);
}

static bool
in_absence(struct slot *slot)
{
	bool yes;

	(void)pthread_mutex_lock(&slot->gate);
	yes = slot->absence != ABSENCE_SEEN && slot_clock() < slot->absent_until;
	(void)pthread_mutex_unlock(&slot->gate);
	return yes;
}

RESPONSECODE
slot_presence(struct slot *slot)
{
	struct failure why = { .text = "" };
	uint64_t which = 0;

	if (card_present(slot->config, slot->instance, &which, &why) != DONE) {
		/* Not being able to look says nothing about the card. */
		complain(slot, &why);
		which = slot->told;
	}
	if (slot->told != 0 && which != slot->told) {
		drop_card(slot);
		slot->told = 0;
		begin_absence(slot);
	}
	if (which != 0 && slot->told == 0 && in_absence(slot))
		return IFD_ICC_NOT_PRESENT;
	slot->told = which;
	return which != 0 ? IFD_ICC_PRESENT : IFD_ICC_NOT_PRESENT;
}

RESPONSECODE
slot_power_up(struct slot *slot)
{
	struct failure why = { .text = "" };

	if (slot->card == NULL &&
	    card_open(slot->config, slot->instance, &slot->card, &why) != DONE) {
		slot->card = NULL;
		slot->powered = false;
		complain(slot, &why);
		return IFD_ERROR_POWER_ACTION;
	}
	complain(slot, &why);
	card_reset(slot->card);
	slot->powered = true;
	return IFD_SUCCESS;
}

void
slot_power_down(struct slot *slot)
{
	if (slot->card != NULL && slot->powered)
		card_power_down(slot->card);
	slot->powered = false;
}

static bool
is_watched(struct slot *slot)
{
	bool yes;

	(void)pthread_mutex_lock(&slot->gate);
	yes = slot->watch != NULL;
	(void)pthread_mutex_unlock(&slot->gate);
	return yes;
}

RESPONSECODE
slot_transmit(struct slot *slot, struct rbuf capdu, struct wbuf *rapdu)
{
	uint64_t before;

	/*
	 * The watch wakes the polling thread when the card is changed beside us, and
	 * pcscd has it drop what was proven.  Without one, look before each command.
	 */
	if (slot->card != NULL && !is_watched(slot) && slot_presence(slot) != IFD_ICC_PRESENT)
		return IFD_ICC_NOT_PRESENT;
	if (slot->card == NULL)
		return IFD_ICC_NOT_PRESENT;
	if (!slot->powered)
		return IFD_ERROR_POWER_ACTION;
	before = card_which(slot->card);
	card_transmit(slot->card, capdu, rapdu);
	/* A card that RESET has made anew was never out of the reader: its client goes on with it. */
	if (slot->told == before)
		slot->told = card_which(slot->card);
	return wbuf_ok(rapdu) ? IFD_SUCCESS : IFD_ERROR_INSUFFICIENT_BUFFER;
}
