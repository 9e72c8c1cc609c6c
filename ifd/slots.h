/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool of reader slots.  A channel is one entry of reader.conf with its
 * configuration; slot n of it is the reader of instance n.  Lun is channel <<
 * 16 | slot.  Knows card/ and PC/SC's ifdhandler.h.
 */
#ifndef TPMVSC_IFD_SLOTS_H
#define TPMVSC_IFD_SLOTS_H

#include "card/card.h"

#include <ifdhandler.h>
#include <pthread.h>

/*
 * What pcscd must still notice of a card that went or was replaced.  Until its
 * polling thread has seen the empty slot, the slot answers "empty" even when
 * the next card is in already.
 */
enum absence {
	ABSENCE_SEEN,   /* nothing to notice */
	ABSENCE_NEW,    /* the polling thread has not looked since */
	ABSENCE_LOOKED, /* it was sent to look and is asking now */
};

struct slot {
	unsigned instance;
	unsigned slots;              /* of the channel: what TAG_IFD_SLOTS_NUMBER answers */
	const struct config *config; /* the channel's */

	pthread_mutex_t lock; /* held while the card works; guards what follows */
	bool open;            /* changed under both locks, so either is enough to read it */
	struct card *card;    /* NULL until it is powered up for the first time */
	bool powered;
	uint64_t told;            /* the card pcscd knows of, see card_present(); 0 none */
	struct failure complaint; /* the last one logged, so that it is logged once */

	pthread_mutex_t gate; /* taken after lock, held briefly; guards what follows */
	pthread_cond_t idle;  /* nobody polls any more */
	unsigned pollers;
	int bell;                 /* eventfd that ends a poll */
	struct card_watch *watch; /* NULL when there is none (any more): each poll tries again */
	enum absence absence;
	int64_t absent_until; /* in ms of the monotonic clock: for a pcscd that polls by itself */
};

/* What a DEVICENAME begins with; the absolute path of the configuration follows. */
#define DEVICE_PREFIX "tpmvsc:"

/*
 * Open the slot lun names.  The first one of a channel reads the configuration
 * that device names and counts the channel's slots, once until all are closed.
 * IFD_NO_SUCH_DEVICE for a lun that cannot be and for a device not ours;
 * IFD_COMMUNICATION_ERROR when the slot is open already or the configuration
 * is broken (a log line says where).
 */
MUST_CHECK RESPONSECODE slot_open(DWORD lun, const char *device);

/* Close it, with its card; a poll in progress returns first. */
MUST_CHECK RESPONSECODE slot_close(DWORD lun);

/* The open slot lun names, locked for work with its card; NULL when there is none. */
MUST_CHECK struct slot *slot_lock(DWORD lun);
void slot_unlock(struct slot *slot);

/* The same for the gate alone: never waits for a card. */
MUST_CHECK struct slot *slot_enter(DWORD lun);
void slot_leave(struct slot *slot);

/* ---- with the slot locked ---- */

/* Look for the card.  IFD_ICC_PRESENT or IFD_ICC_NOT_PRESENT; a card that is gone is closed. */
MUST_CHECK RESPONSECODE slot_presence(struct slot *slot);

/* Power up or reset.  IFD_ERROR_POWER_ACTION when there is no card that works. */
MUST_CHECK RESPONSECODE slot_power_up(struct slot *slot);
void slot_power_down(struct slot *slot);

/*
 * Have the card answer one command APDU.  IFD_ICC_NOT_PRESENT;
 * IFD_ERROR_POWER_ACTION when it is not powered; IFD_ERROR_INSUFFICIENT_BUFFER
 * when the answer does not fit in rapdu.
 */
MUST_CHECK RESPONSECODE slot_transmit(struct slot *slot, struct rbuf capdu, struct wbuf *rapdu);

/* ---- with the gate held ---- */

/* End a poll in progress, or the next one if there is none. */
void slot_ring(struct slot *slot);

/* Milliseconds of the monotonic clock. */
int64_t slot_clock(void);

#endif
