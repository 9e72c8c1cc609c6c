/* SPDX-License-Identifier: BSD-2-Clause */
#include "ifd/poll.h"

#include <poll.h>
#include <sys/eventfd.h>

/* How often to look when the state directory cannot be watched (yet). */
#define UNWATCHED_MS 2000

/*
 * pcscd must see a replaced card's slot empty once, and any client's call may
 * have been the one that noticed.  So the thread is sent to look, and only
 * when it comes back is the next card let in (and the thread sent again).
 */
static bool
advance_absence(struct slot *slot, bool entering)
{
	switch (slot->absence) {
	case ABSENCE_SEEN:
		return false;
	case ABSENCE_NEW:
		slot->absence = ABSENCE_LOOKED;
		return true;
	case ABSENCE_LOOKED:
		if (entering)
			slot->absence = ABSENCE_SEEN;
		return entering;
	}
	return false;
}

/* Watch what is not watched; true when that begins now, and a look is due for what went unseen. */
static bool
rewatch(struct slot *slot)
{
	if (slot->watch != NULL)
		return false;
	if (card_watch_open(slot->config, false, &slot->watch, NULL) != DONE)
		slot->watch = NULL;
	return slot->watch != NULL;
}

/* Sleep with the gate open; true when there is a reason to look. */
static bool
sleep_until(struct slot *slot, int64_t deadline)
{
	const int64_t left = deadline - slot_clock();
	struct pollfd fds[] = {
		{ .fd = slot->bell, .events = POLLIN },
		{ .fd = slot->watch != NULL ? card_watch_fd(slot->watch) : -1, .events = POLLIN },
	};
	eventfd_t rings;
	bool look = false;

	slot_leave(slot);
	(void)poll(fds, sizeof fds / sizeof fds[0], left > 0 ? (int)left : 0);
	(void)pthread_mutex_lock(&slot->gate);

	if (fds[0].revents != 0) {
		/* The bell of a slot that closes goes on ringing, for whoever else polls. */
		if (slot->open)
			(void)eventfd_read(slot->bell, &rings);
		look = true;
	}
	if (fds[1].revents != 0 && slot->watch != NULL &&
	    card_watch_drain(slot->watch, slot->instance)) {
		/* It may be the directory itself that went: watch afresh from the next poll on. */
		card_watch_close(slot->watch);
		slot->watch = NULL;
		look = true;
	}
	return look;
}

RESPONSECODE
poll_wait(DWORD lun, int timeout)
{
	struct slot *slot = slot_enter(lun);
	int64_t deadline;
	bool look;

	if (slot == NULL)
		return IFD_NO_SUCH_DEVICE;
	slot->pollers++;
	look = rewatch(slot) || advance_absence(slot, true);
	if (slot->watch == NULL && timeout > UNWATCHED_MS)
		timeout = UNWATCHED_MS;
	deadline = slot_clock() + timeout;
	while (!look && slot->open && slot_clock() < deadline)
		look = sleep_until(slot, deadline);
	(void)advance_absence(slot, false);
	if (--slot->pollers == 0)
		(void)pthread_cond_broadcast(&slot->idle);
	slot_leave(slot);
	return IFD_SUCCESS;
}

RESPONSECODE
poll_stop(DWORD lun)
{
	struct slot *slot = slot_enter(lun);

	if (slot == NULL)
		return IFD_NO_SUCH_DEVICE;
	slot_ring(slot);
	slot_leave(slot);
	return IFD_SUCCESS;
}
