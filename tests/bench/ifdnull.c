/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An IFD handler with the null card in its reader: the floor under whatever a
 * driver in the same pcscd can reach.  To pcscd it says the same as ifd/ does:
 * thread safe, and a polling thread that sleeps.  reader.conf's DEVICENAME is
 * "null:SELECT:DATA", see nullcard.h.
 */
#include "tests/bench/nullcard.h"

#include <ifdhandler.h>
#include <poll.h>
#include <pthread.h>
#include <reader.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EXPORT        __attribute__((visibility("default")))
#define DEVICE_PREFIX "null:"
#define READERS_MAX   16

/* pcscd calls by number.  Its own locks keep two calls of one reader apart, but for the polling
 * thread's; and it ends that one before it closes. */
static struct reader {
	bool open, powered;
	struct null_card card;
	int bell; /* ends the polling thread's sleep */
} readers[READERS_MAX];

static struct reader *
reader_of(DWORD lun)
{
	const DWORD n = lun >> 16;

	return n < READERS_MAX && (lun & 0xffff) == 0 ? &readers[n] : NULL;
}

static struct reader *
open_reader(DWORD lun)
{
	struct reader *reader = reader_of(lun);

	return reader != NULL && reader->open ? reader : NULL;
}

EXPORT RESPONSECODE
IFDHCreateChannelByName(DWORD Lun, LPSTR DeviceName)
{
	struct reader *reader = reader_of(Lun);

	if (reader == NULL || reader->open ||
	    strncmp(DeviceName, DEVICE_PREFIX, strlen(DEVICE_PREFIX)) != 0 ||
	    !null_card_read(DeviceName + strlen(DEVICE_PREFIX), &reader->card))
		return IFD_NO_SUCH_DEVICE;
	reader->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (reader->bell < 0)
		return IFD_COMMUNICATION_ERROR;
	reader->powered = false;
	reader->open = true;
	return IFD_SUCCESS;
}

EXPORT RESPONSECODE
IFDHCreateChannel(DWORD Lun, DWORD Channel)
{
	(void)Lun;
	(void)Channel;
	return IFD_NO_SUCH_DEVICE;
}

EXPORT RESPONSECODE
IFDHCloseChannel(DWORD Lun)
{
	struct reader *reader = open_reader(Lun);

	if (reader == NULL)
		return IFD_NO_SUCH_DEVICE;
	reader->open = false;
	(void)close(reader->bell);
	return IFD_SUCCESS;
}

static RESPONSECODE
poll_wait(DWORD lun, int timeout)
{
	struct reader *reader = open_reader(lun);
	struct pollfd bell = { .events = POLLIN };
	eventfd_t rings;

	if (reader == NULL)
		return IFD_NO_SUCH_DEVICE;
	bell.fd = reader->bell;
	if (poll(&bell, 1, timeout) > 0)
		(void)eventfd_read(reader->bell, &rings);
	return IFD_SUCCESS;
}

static RESPONSECODE
poll_stop(DWORD lun)
{
	struct reader *reader = open_reader(lun);

	if (reader == NULL)
		return IFD_NO_SUCH_DEVICE;
	(void)eventfd_write(reader->bell, 1);
	return IFD_SUCCESS;
}

static RESPONSECODE (*const wait_function)(DWORD, int) = poll_wait;
static RESPONSECODE (*const stop_function)(DWORD) = poll_stop;
static const uint8_t none = 0, one = 1, many = 255, in_position = 2;

/* clang-format off */
static const struct capability {
	DWORD tag;
	const void *value;
	size_t len;
} capabilities[] = {
	{ TAG_IFD_SIMULTANEOUS_ACCESS,         &many,          1 },
	{ TAG_IFD_THREAD_SAFE,                 &one,           1 },
	{ TAG_IFD_SLOTS_NUMBER,                &one,           1 },
	{ TAG_IFD_POLLING_THREAD_WITH_TIMEOUT, &wait_function, sizeof wait_function },
	{ TAG_IFD_STOP_POLLING_THREAD,         &stop_function, sizeof stop_function },
	{ TAG_IFD_POLLING_THREAD_KILLABLE,     &none,          1 },
	{ SCARD_ATTR_ICC_PRESENCE,             &in_position,   1 },
};
/* clang-format on */

EXPORT RESPONSECODE
IFDHGetCapabilities(DWORD Lun, DWORD Tag, PDWORD Length, PUCHAR Value)
{
	struct wbuf value;
	size_t i;

	if (Length == NULL || open_reader(Lun) == NULL)
		return IFD_NO_SUCH_DEVICE;
	value = wbuf_over(Value, Value != NULL ? *Length : 0);
	for (i = 0; i < sizeof capabilities / sizeof capabilities[0]; i++) {
		if (capabilities[i].tag != Tag)
			continue;
		wbuf_put(&value, rbuf_of(capabilities[i].value, capabilities[i].len));
		*Length = value.len;
		return wbuf_ok(&value) ? IFD_SUCCESS : IFD_ERROR_INSUFFICIENT_BUFFER;
	}
	return IFD_ERROR_TAG;
}

EXPORT RESPONSECODE
IFDHSetCapabilities(DWORD Lun, DWORD Tag, DWORD Length, PUCHAR Value)
{
	(void)Lun;
	(void)Tag;
	(void)Length;
	(void)Value;
	return IFD_ERROR_TAG;
}

EXPORT RESPONSECODE
IFDHSetProtocolParameters(
    DWORD Lun, DWORD Protocol, UCHAR Flags, UCHAR PTS1, UCHAR PTS2, UCHAR PTS3)
{
	(void)Protocol;
	(void)Flags;
	(void)PTS1;
	(void)PTS2;
	(void)PTS3;
	return open_reader(Lun) != NULL ? IFD_SUCCESS : IFD_NO_SUCH_DEVICE;
}

EXPORT RESPONSECODE
IFDHPowerICC(DWORD Lun, DWORD Action, PUCHAR Atr, PDWORD AtrLength)
{
	struct reader *reader = open_reader(Lun);
	struct wbuf atr;

	if (reader == NULL || AtrLength == NULL)
		return IFD_NO_SUCH_DEVICE;
	atr = wbuf_over(Atr, Atr != NULL ? *AtrLength : 0);
	reader->powered = Action != IFD_POWER_DOWN;
	if (reader->powered)
		wbuf_put(&atr, null_card_atr());
	*AtrLength = atr.len;
	return wbuf_ok(&atr) ? IFD_SUCCESS : IFD_ERROR_INSUFFICIENT_BUFFER;
}

EXPORT RESPONSECODE
IFDHTransmitToICC(DWORD Lun, SCARD_IO_HEADER SendPci, PUCHAR TxBuffer, DWORD TxLength,
    PUCHAR RxBuffer, PDWORD RxLength, PSCARD_IO_HEADER RecvPci)
{
	const struct reader *reader = open_reader(Lun);
	struct wbuf rapdu;

	if (reader == NULL || RxLength == NULL)
		return IFD_NO_SUCH_DEVICE;
	rapdu = wbuf_over(RxBuffer, *RxLength);
	*RxLength = 0;
	if (!reader->powered)
		return IFD_COMMUNICATION_ERROR;
	null_card_answer(&reader->card, rbuf_of(TxBuffer, TxLength), &rapdu);
	if (!wbuf_ok(&rapdu))
		return IFD_ERROR_INSUFFICIENT_BUFFER;
	*RxLength = rapdu.len;
	if (RecvPci != NULL)
		RecvPci->Protocol = SendPci.Protocol;
	return IFD_SUCCESS;
}

EXPORT RESPONSECODE
IFDHICCPresence(DWORD Lun)
{
	return open_reader(Lun) != NULL ? IFD_ICC_PRESENT : IFD_NO_SUCH_DEVICE;
}

EXPORT RESPONSECODE
IFDHControl(DWORD Lun, DWORD dwControlCode, PUCHAR TxBuffer, DWORD TxLength, PUCHAR RxBuffer,
    DWORD RxLength, LPDWORD pdwBytesReturned)
{
	(void)dwControlCode;
	(void)TxBuffer;
	(void)TxLength;
	(void)RxBuffer;
	(void)RxLength;
	if (pdwBytesReturned != NULL)
		*pdwBytesReturned = 0;
	return open_reader(Lun) != NULL ? IFD_NOT_SUPPORTED : IFD_NO_SUCH_DEVICE;
}
