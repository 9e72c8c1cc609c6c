/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver through its entry points, over a fake card room. */
#include "tests/fake_cards.h"
#include "tests/suite.h"

#include <debuglog.h>
#include <ifdhandler.h>
#include <poll.h>
#include <pthread.h>
#include <reader.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEVICE             "tpmvsc:/etc/tpmvsc.conf"
#define LUN(channel, slot) ((DWORD)(channel) << 16 | (DWORD)(slot))
#define ROOM               65548

typedef RESPONSECODE (*wait_fn)(DWORD, int);
typedef RESPONSECODE (*stop_fn)(DWORD);

/* IFDHCreateChannelByName takes a string it does not change, without const. */
static RESPONSECODE
create(DWORD lun, const char *device)
{
	char *copy = device != NULL ? strdup(device) : NULL;
	RESPONSECODE rc = IFDHCreateChannelByName(lun, copy);

	free(copy);
	return rc;
}

/* As pcscd exports it to its drivers. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_line[1024];
static int log_priority;
static unsigned log_lines;

void
log_msg(const int priority, const char *fmt, ...)
{
	va_list args;

	(void)pthread_mutex_lock(&log_lock);
	va_start(args, fmt);
	(void)vsnprintf(log_line, sizeof log_line, fmt, args);
	va_end(args);
	log_priority = priority;
	log_lines++;
	(void)pthread_mutex_unlock(&log_lock);
}

static void
setup(void)
{
	fake_start(1);
	log_lines = 0;
}

static void
close_all(void)
{
	DWORD c, s;

	fake_set_faults((struct fake_faults){ .open = false });
	for (c = 0; c < 16; c++) {
		for (s = 0; s < CARDS_MAX; s++)
			(void)IFDHCloseChannel(LUN(c, s));
	}
}

static void
open_slots(unsigned slots)
{
	unsigned i;

	fake_start(slots);
	for (i = 0; i < slots; i++)
		ck_assert_int_eq(create(LUN(0, i), DEVICE), IFD_SUCCESS);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static RESPONSECODE
power(DWORD lun, DWORD action)
{
	UCHAR atr[MAX_ATR_SIZE];
	DWORD n = sizeof atr;

	return IFDHPowerICC(lun, action, atr, &n);
}

/* ---- names and numbers ---- */

static const struct name_row {
	const char *why;
	const char *device;
	bool config_broken;
	RESPONSECODE rc;
} names[] = {
	{ "the usual one", DEVICE, false, IFD_SUCCESS },
	{ "no name", NULL, false, IFD_NO_SUCH_DEVICE },
	{ "an empty name", "", false, IFD_NO_SUCH_DEVICE },
	{ "no path", "tpmvsc:", false, IFD_NO_SUCH_DEVICE },
	{ "a relative path", "tpmvsc:etc/tpmvsc.conf", false, IFD_NO_SUCH_DEVICE },
	{ "another driver's name", "usb:08e6/3437", false, IFD_NO_SUCH_DEVICE },
	{ "a prefix of ours", "tpmvs", false, IFD_NO_SUCH_DEVICE },
	{ "a broken configuration", DEVICE, true, IFD_COMMUNICATION_ERROR },
};

START_TEST(device_names)
{
	const struct name_row *row = &names[_i];

	fake_set_faults((struct fake_faults){ .config = row->config_broken });
	ck_assert_msg(create(LUN(0, 0), row->device) == row->rc, "%s", row->why);
	ck_assert_msg(IFDHICCPresence(LUN(0, 0)) ==
			  (row->rc == IFD_SUCCESS ? IFD_ICC_NOT_PRESENT : IFD_NO_SUCH_DEVICE),
	    "%s", row->why);
	if (row->rc == IFD_NO_SUCH_DEVICE)
		ck_assert_msg(strstr(log_line, "DEVICENAME") != NULL, "%s: %s", row->why, log_line);
	if (row->config_broken) {
		ck_assert_msg(strstr(log_line, "/tmp/x.conf:3: ") != NULL, "%s", log_line);
		ck_assert_int_eq(log_priority, PCSC_LOG_ERROR);
		fake_set_faults((struct fake_faults){ .config = false });
		ck_assert_msg(
		    create(LUN(0, 0), row->device) == IFD_SUCCESS, "%s, mended", row->why);
	}
}
END_TEST

static const struct lun_row {
	const char *why;
	DWORD lun;
} no_luns[] = {
	{ "a slot that is not open", LUN(0, 1) },
	{ "the slot after the last", LUN(0, CARDS_MAX) },
	{ "the highest slot", LUN(0, 0xffff) },
	{ "a channel that is not open", LUN(1, 0) },
	{ "the channel after the last", LUN(16, 0) },
	{ "the highest channel", LUN(0xffff, 0) },
	{ "all bits of 32", 0xffffffff },
	{ "more than 32 bits", (DWORD)-1 },
	{ "bit 32, else Lun 0", (DWORD)1 << 32 },
};

START_TEST(wrong_luns)
{
	const DWORD lun = no_luns[_i].lun;
	UCHAR octets[256] = { 0x00, 0xa4, 0x04, 0x00 };
	UCHAR answer[256];
	DWORD n = sizeof answer;
	SCARD_IO_HEADER pci = { .Protocol = 1 };

	open_slots(1);
	ck_assert_int_eq(IFDHICCPresence(lun), IFD_NO_SUCH_DEVICE);
	ck_assert_int_eq(IFDHPowerICC(lun, IFD_POWER_UP, answer, &n), IFD_NO_SUCH_DEVICE);
	ck_assert_uint_eq(n, 0);
	n = sizeof answer;
	ck_assert_int_eq(
	    IFDHTransmitToICC(lun, pci, octets, 4, answer, &n, &pci), IFD_NO_SUCH_DEVICE);
	ck_assert_uint_eq(n, 0);
	n = 7;
	ck_assert_int_eq(
	    IFDHControl(lun, CM_IOCTL_GET_FEATURE_REQUEST, NULL, 0, answer, sizeof answer, &n),
	    IFD_NO_SUCH_DEVICE);
	ck_assert_uint_eq(n, 0);
	n = sizeof answer;
	ck_assert_int_eq(
	    IFDHGetCapabilities(lun, TAG_IFD_SLOTS_NUMBER, &n, answer), IFD_NO_SUCH_DEVICE);
	ck_assert_int_eq(
	    IFDHSetProtocolParameters(lun, SCARD_PROTOCOL_T1, 0, 0, 0, 0), IFD_NO_SUCH_DEVICE);
	ck_assert_int_eq(IFDHCloseChannel(lun), IFD_NO_SUCH_DEVICE);
	/* What pcscd asks before it has opened anything is answered all the same. */
	n = 1;
	ck_assert_int_eq(
	    IFDHGetCapabilities(lun, TAG_IFD_SIMULTANEOUS_ACCESS, &n, answer), IFD_SUCCESS);
	ck_assert_uint_eq(answer[0], 255);
}
END_TEST

/* ---- capabilities ---- */

static const struct capability_row {
	const char *why;
	DWORD tag;
	DWORD len;
	uint8_t value[32];
} capabilities[] = {
	{ "any number of readers", TAG_IFD_SIMULTANEOUS_ACCESS, 1, { 255 } },
	{ "thread safe", TAG_IFD_THREAD_SAFE, 1, { 1 } },
	{ "slots are, too", TAG_IFD_SLOT_THREAD_SAFE, 1, { 1 } },
	{ "never cancelled", TAG_IFD_POLLING_THREAD_KILLABLE, 1, { 0 } },
	{ "two slots", TAG_IFD_SLOTS_NUMBER, 1, { 2 } },
	{ "ATR, pcscd's tag", TAG_IFD_ATR, 5, { 0x3b, 0x80, 0x80, 1, 1 } },
	{ "ATR, the application's", SCARD_ATTR_ATR_STRING, 5, { 0x3b, 0x80, 0x80, 1, 1 } },
	{ "vendor", SCARD_ATTR_VENDOR_NAME, 7, "tpmvsc" },
	{ "type", SCARD_ATTR_VENDOR_IFD_TYPE, 23, "TPM Virtual Smart Card" },
	{ "serial number", SCARD_ATTR_VENDOR_IFD_SERIAL_NO, 26, "ROOT\\SMARTCARDREADER\\0001" },
	{ "channel", SCARD_ATTR_CHANNEL_ID, 4, { 1, 0, 0xf0, 0 } },
	{ "a card is in", SCARD_ATTR_ICC_PRESENCE, 1, { 2 } },
	{ "and powered", SCARD_ATTR_ICC_INTERFACE_STATUS, 1, { 1 } },
	{ "longest command", SCARD_ATTR_MAXINPUT, 4, { 0x08, 0, 1, 0 } },
};

START_TEST(capability_values)
{
	const struct capability_row *row = &capabilities[_i];
	const DWORD lun = LUN(0, 1);
	uint8_t *exact = malloc(row->len);
	DWORD n = row->len;

	ck_assert_ptr_nonnull(exact);
	open_slots(2);
	fake_insert(1);
	ck_assert_int_eq(IFDHICCPresence(lun), IFD_ICC_PRESENT);
	ck_assert_int_eq(power(lun, IFD_POWER_UP), IFD_SUCCESS);

	ck_assert_msg(IFDHGetCapabilities(lun, row->tag, &n, exact) == IFD_SUCCESS, "%s", row->why);
	ck_assert_msg(n == row->len && memcmp(exact, row->value, n) == 0, "%s", row->why);
	n = row->len - 1;
	ck_assert_msg(
	    IFDHGetCapabilities(lun, row->tag, &n, exact) == IFD_ERROR_INSUFFICIENT_BUFFER,
	    "%s, one octet short", row->why);
	ck_assert_uint_eq(n, 0);
	n = 256;
	ck_assert_msg(IFDHGetCapabilities(lun, row->tag, &n, NULL) == IFD_ERROR_INSUFFICIENT_BUFFER,
	    "%s, nowhere to", row->why);
	ck_assert_int_eq(IFDHGetCapabilities(lun, row->tag, NULL, exact), IFD_COMMUNICATION_ERROR);
	ck_assert_int_eq(
	    IFDHSetCapabilities(lun, row->tag, row->len, exact), IFD_ERROR_VALUE_READ_ONLY);
	free(exact);
}
END_TEST

START_TEST(capability_others)
{
	UCHAR octets[sizeof(wait_fn)];
	DWORD n = sizeof octets;
	uint32_t version = 0;

	open_slots(1);
	ck_assert_int_eq(
	    IFDHGetCapabilities(0, TAG_IFD_POLLING_THREAD_WITH_TIMEOUT, &n, octets), IFD_SUCCESS);
	ck_assert_uint_eq(n, sizeof(void *));
	n = sizeof octets;
	ck_assert_int_eq(
	    IFDHGetCapabilities(0, TAG_IFD_STOP_POLLING_THREAD, &n, octets), IFD_SUCCESS);
	n = sizeof octets;
	ck_assert_int_eq(IFDHGetCapabilities(0, 0x1234, &n, octets), IFD_ERROR_TAG);
	/* pcscd answers this one itself when the driver does not know it, and needs the room. */
	ck_assert_int_eq(
	    IFDHGetCapabilities(0, SCARD_ATTR_DEVICE_FRIENDLY_NAME, &n, octets), IFD_ERROR_TAG);
	ck_assert_uint_eq(n, sizeof octets);
	ck_assert_int_eq(IFDHSetCapabilities(0, 0x1234, 0, NULL), IFD_ERROR_TAG);
	n = sizeof version;
	ck_assert_int_eq(
	    IFDHGetCapabilities(0, SCARD_ATTR_VENDOR_IFD_VERSION, &n, (PUCHAR)&version),
	    IFD_SUCCESS);
	ck_assert_uint_ne(version, 0);
	/* No card, no ATR, no contact. */
	n = sizeof octets;
	ck_assert_int_eq(IFDHGetCapabilities(0, TAG_IFD_ATR, &n, octets), IFD_SUCCESS);
	ck_assert_uint_eq(n, 0);
	n = 1;
	ck_assert_int_eq(IFDHGetCapabilities(0, SCARD_ATTR_ICC_PRESENCE, &n, octets), IFD_SUCCESS);
	ck_assert_uint_eq(octets[0], 0);
	n = 1;
	ck_assert_int_eq(
	    IFDHGetCapabilities(0, SCARD_ATTR_ICC_INTERFACE_STATUS, &n, octets), IFD_SUCCESS);
	ck_assert_uint_eq(octets[0], 0);
}
END_TEST

static const struct count_row {
	const char *why;
	unsigned spare;
	int highest; /* -1: no card */
	bool blind;
	uint8_t slots;
} slot_counts[] = {
	{ "nothing at all: one slot all the same", 0, -1, false, 1 },
	{ "one spare", 1, -1, false, 1 },
	{ "a card, none spare", 0, 0, false, 1 },
	{ "a card, one spare", 1, 0, false, 2 },
	{ "gaps count", 1, 4, false, 6 },
	{ "the highest card", 0, 9, false, 10 },
	{ "never more than ten", 10, 9, false, 10 },
	{ "an absurd number", 0xffffffff, 3, false, 10 },
	{ "a directory that cannot be looked at", 2, 5, true, 2 },
};

START_TEST(slots_number)
{
	const struct count_row *row = &slot_counts[_i];
	UCHAR n = 0;
	DWORD len = 1;
	unsigned i;

	fake_start(row->spare);
	if (row->highest >= 0)
		fake_insert((unsigned)row->highest);
	fake_set_faults((struct fake_faults){ .present = row->blind });
	ck_assert_int_eq(create(LUN(0, 0), DEVICE), IFD_SUCCESS);
	ck_assert_int_eq(IFDHGetCapabilities(0, TAG_IFD_SLOTS_NUMBER, &len, &n), IFD_SUCCESS);
	ck_assert_msg(n == row->slots, "%s: %u", row->why, n);
	for (i = 1; i < CARDS_MAX; i++)
		ck_assert_msg(create(LUN(0, i), DEVICE) ==
				  (i < row->slots ? IFD_SUCCESS : IFD_NO_SUCH_DEVICE),
		    "%s, slot %u", row->why, i);
}
END_TEST

/* ---- PC/SC Part 10 ---- */

START_TEST(features)
{
	static const DWORD requests[] = { CM_IOCTL_GET_FEATURE_REQUEST, 0x313520 };
	static const uint8_t want[] = { 0x12, 4, 0x42, 0x33, 0x00, 0x12 };
	UCHAR answer[64];
	DWORD n, i;

	open_slots(1);
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(
		    IFDHControl(0, requests[i], NULL, 0, answer, sizeof answer, &n), IFD_SUCCESS);
		ck_assert_uint_eq(n, sizeof want);
		ck_assert_mem_eq(answer, want, sizeof want);
	}
	ck_assert_int_eq(IFDHControl(0, CM_IOCTL_GET_FEATURE_REQUEST, NULL, 0, answer, 5, &n),
	    IFD_ERROR_INSUFFICIENT_BUFFER);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(IFDHControl(0, CM_IOCTL_GET_FEATURE_REQUEST, NULL, 0, NULL, 64, &n),
	    IFD_ERROR_INSUFFICIENT_BUFFER);
	ck_assert_int_eq(IFDHControl(0, CM_IOCTL_GET_FEATURE_REQUEST, NULL, 0, answer, 64, NULL),
	    IFD_COMMUNICATION_ERROR);
	n = 3;
	ck_assert_int_eq(IFDHControl(0, SCARD_CTL_CODE(1), NULL, 0, answer, sizeof answer, &n),
	    IFD_ERROR_NOT_SUPPORTED);
	ck_assert_uint_eq(n, 0);
	/* PIN entry at the reader would stop middleware from asking. */
	ck_assert_int_eq(IFDHControl(0, SCARD_CTL_CODE(FEATURE_VERIFY_PIN_DIRECT + 0x330000), NULL,
			     0, answer, sizeof answer, &n),
	    IFD_ERROR_NOT_SUPPORTED);
}
END_TEST

START_TEST(tlv_properties)
{
	static const uint8_t apdu_size[] = { 0x0a, 4, 0, 0, 1, 0 };
	UCHAR answer[64];
	struct rbuf in, value;
	bool found = false;
	uint8_t tag, len;
	DWORD n = 0;

	open_slots(1);
	ck_assert_int_eq(
	    IFDHControl(0, SCARD_CTL_CODE(0x330012), NULL, 0, answer, sizeof answer, &n),
	    IFD_SUCCESS);
	in = rbuf_of(answer, n);
	while (in.len != 0) {
		struct rbuf whole = in;

		ck_assert(rbuf_u8(&in, &tag) && rbuf_u8(&in, &len) && rbuf_take(&in, len, &value));
		ck_assert_msg(tag != 6 && tag != 7, "no PIN pad, no PIN sizes");
		if (tag == 0x0a) {
			ck_assert_mem_eq(whole.data, apdu_size, sizeof apdu_size);
			found = true;
		}
	}
	ck_assert(found);
}
END_TEST

/* ---- power and exchange ---- */

START_TEST(power_states)
{
	const SCARD_IO_HEADER pci = { .Protocol = 1 };
	UCHAR select[] = { 0x00, 0xa4, 0x04, 0x00 };
	UCHAR atr[MAX_ATR_SIZE], answer[16];
	DWORD n = sizeof atr;

	open_slots(1);
	fake_insert(0);
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_PRESENT);
	ck_assert_int_eq(IFDHPowerICC(0, IFD_POWER_DOWN, atr, &n), IFD_SUCCESS);
	ck_assert_uint_eq(n, 0);
	n = sizeof answer;
	ck_assert_int_eq(
	    IFDHTransmitToICC(0, pci, select, 4, answer, &n, NULL), IFD_ICC_NOT_PRESENT);
	ck_assert_int_eq(
	    IFDHSetProtocolParameters(0, SCARD_PROTOCOL_T1, 0, 0, 0, 0), IFD_ERROR_PTS_FAILURE);

	n = sizeof atr;
	ck_assert_int_eq(IFDHPowerICC(0, IFD_RESET, atr, &n), IFD_SUCCESS);
	ck_assert_uint_eq(n, card_atr().len);
	ck_assert_mem_eq(atr, card_atr().data, n);
	ck_assert_int_eq(IFDHSetProtocolParameters(0, SCARD_PROTOCOL_T0, 0, 0, 0, 0), IFD_SUCCESS);
	ck_assert_int_eq(IFDHSetProtocolParameters(0, SCARD_PROTOCOL_T1, 7, 1, 2, 3), IFD_SUCCESS);
	ck_assert_int_eq(IFDHSetProtocolParameters(0, SCARD_PROTOCOL_RAW, 0, 0, 0, 0),
	    IFD_PROTOCOL_NOT_SUPPORTED);
	ck_assert_int_eq(power(0, IFD_POWER_UP), IFD_SUCCESS);
	ck_assert_uint_eq(fake_counts().resets, 2);
	ck_assert_uint_eq(fake_counts().opened, 1);

	ck_assert_int_eq(power(0, IFD_POWER_DOWN), IFD_SUCCESS);
	ck_assert_int_eq(power(0, IFD_POWER_DOWN), IFD_SUCCESS);
	ck_assert_uint_eq(fake_counts().downs, 1);
	n = sizeof answer;
	ck_assert_int_eq(
	    IFDHTransmitToICC(0, pci, select, 4, answer, &n, NULL), IFD_ERROR_POWER_ACTION);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(power(0, 499), IFD_NOT_SUPPORTED);
	n = card_atr().len - 1;
	ck_assert_int_eq(IFDHPowerICC(0, IFD_POWER_UP, atr, &n), IFD_ERROR_INSUFFICIENT_BUFFER);
	ck_assert_uint_eq(n, 0);
	n = 33;
	ck_assert_int_eq(IFDHPowerICC(0, IFD_POWER_UP, NULL, &n), IFD_ERROR_INSUFFICIENT_BUFFER);
	ck_assert_int_eq(IFDHPowerICC(0, IFD_POWER_UP, atr, NULL), IFD_COMMUNICATION_ERROR);
}
END_TEST

START_TEST(mute_card)
{
	UCHAR atr[MAX_ATR_SIZE];
	DWORD n = sizeof atr;

	open_slots(1);
	fake_insert(0);
	fake_set_faults((struct fake_faults){ .open = true });
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_PRESENT);
	log_lines = 0;
	ck_assert_int_eq(IFDHPowerICC(0, IFD_POWER_UP, atr, &n), IFD_ERROR_POWER_ACTION);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(power(0, IFD_RESET), IFD_ERROR_POWER_ACTION);
	ck_assert_uint_eq(log_lines, 1); /* however often pcscd tries */
	ck_assert_ptr_nonnull(strstr(log_line, "not signed by its creator"));
	fake_set_faults((struct fake_faults){ .open = false });
	ck_assert_int_eq(power(0, IFD_POWER_UP), IFD_SUCCESS);
	fake_remove(0);
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_NOT_PRESENT);
	ck_assert_int_eq(power(0, IFD_POWER_UP), IFD_ERROR_POWER_ACTION);
}
END_TEST

static const struct exchange_row {
	const char *why;
	DWORD len;
	uint8_t capdu[5];
	DWORD room;
	RESPONSECODE rc;
	DWORD want;
} exchanges[] = {
	{ "status only", 4, { 0x80, 0x00, 0, 0 }, 2, IFD_SUCCESS, 2 },
	{ "256 octets", 4, { 0x80, 0x10, 1, 0 }, 258, IFD_SUCCESS, 258 },
	{ "the longest answer", 4, { 0x80, 0x10, 0xff, 0xff }, 65537, IFD_SUCCESS, 65537 },
	{ "one octet of room short", 4, { 0x80, 0x10, 1, 0 }, 257, IFD_ERROR_INSUFFICIENT_BUFFER,
	    0 },
	{ "room for half a status", 4, { 0x80, 0, 0, 0 }, 1, IFD_ERROR_INSUFFICIENT_BUFFER, 0 },
	{ "no room", 4, { 0x80, 0, 0, 0 }, 0, IFD_ERROR_INSUFFICIENT_BUFFER, 0 },
	{ "no APDU", 1, { 0x80 }, 256, IFD_SUCCESS, 2 },
	{ "nothing at all", 0, { 0 }, 256, IFD_SUCCESS, 2 },
};

START_TEST(exchange)
{
	const struct exchange_row *row = &exchanges[_i];
	uint8_t *capdu = malloc(row->len + 1), *rapdu = malloc(row->room + 1);
	SCARD_IO_HEADER send = { .Protocol = 1 }, recv = { .Protocol = 99 };
	DWORD n = row->room;

	ck_assert(capdu != NULL && rapdu != NULL);
	memcpy(capdu, row->capdu, row->len);
	rapdu[row->room] = 0xee;
	open_slots(1);
	fake_insert(0);
	ck_assert_int_eq(power(0, IFD_POWER_UP), IFD_SUCCESS);
	ck_assert_msg(IFDHTransmitToICC(0, send, capdu, row->len, rapdu, &n, &recv) == row->rc,
	    "%s", row->why);
	ck_assert_msg(n == row->want, "%s: %lu octets", row->why, n);
	ck_assert_uint_eq(rapdu[row->room], 0xee);
	if (row->rc == IFD_SUCCESS)
		ck_assert_uint_eq(recv.Protocol, 1);
	free(capdu);
	free(rapdu);
}
END_TEST

START_TEST(exchange_nowhere)
{
	UCHAR octets[4] = { 0x80 };
	SCARD_IO_HEADER pci = { .Protocol = 1 };
	DWORD n = 4;

	open_slots(1);
	fake_insert(0);
	ck_assert_int_eq(power(0, IFD_POWER_UP), IFD_SUCCESS);
	ck_assert_int_eq(
	    IFDHTransmitToICC(0, pci, NULL, 4, octets, &n, NULL), IFD_COMMUNICATION_ERROR);
	ck_assert_uint_eq(n, 0);
	n = 4;
	ck_assert_int_eq(
	    IFDHTransmitToICC(0, pci, octets, 4, NULL, &n, NULL), IFD_COMMUNICATION_ERROR);
	ck_assert_int_eq(
	    IFDHTransmitToICC(0, pci, octets, 4, octets, NULL, NULL), IFD_COMMUNICATION_ERROR);
	ck_assert_uint_eq(fake_counts().transmits, 0);
}
END_TEST

/* ---- coming and going ---- */

START_TEST(odd_orders)
{
	ck_assert_int_eq(IFDHCloseChannel(0), IFD_NO_SUCH_DEVICE);
	ck_assert_int_eq(IFDHICCPresence(0), IFD_NO_SUCH_DEVICE);
	fake_start(3);
	ck_assert_int_eq(create(LUN(0, 2), DEVICE), IFD_SUCCESS); /* the last slot first */
	ck_assert_int_eq(create(LUN(0, 2), DEVICE), IFD_COMMUNICATION_ERROR);
	ck_assert_int_eq(create(LUN(0, 0), DEVICE), IFD_SUCCESS);
	ck_assert_int_eq(IFDHCreateChannel(LUN(15, 0), 0), IFD_SUCCESS);
	fake_insert(2);
	ck_assert_int_eq(IFDHICCPresence(LUN(0, 2)), IFD_ICC_PRESENT);
	ck_assert_int_eq(power(LUN(0, 2), IFD_POWER_UP), IFD_SUCCESS);
	ck_assert_int_eq(IFDHCloseChannel(LUN(0, 2)), IFD_SUCCESS);
	ck_assert_uint_eq(fake_counts().closed, 1);
	ck_assert_int_eq(IFDHCloseChannel(LUN(0, 2)), IFD_NO_SUCH_DEVICE);
	ck_assert_int_eq(IFDHICCPresence(LUN(0, 0)), IFD_ICC_NOT_PRESENT);
	ck_assert_int_eq(IFDHCloseChannel(LUN(0, 0)), IFD_SUCCESS);
	ck_assert_int_eq(create(LUN(0, 2), DEVICE), IFD_SUCCESS);
	ck_assert_int_eq(IFDHICCPresence(LUN(0, 2)), IFD_ICC_PRESENT);
	ck_assert_int_eq(create(LUN(16, 0), DEVICE), IFD_NO_SUCH_DEVICE);
	ck_assert_int_eq(create(LUN(0, 10), DEVICE), IFD_NO_SUCH_DEVICE);
}
END_TEST

START_TEST(directory_unreadable)
{
	open_slots(1);
	fake_insert(0);
	fake_set_faults((struct fake_faults){ .present = true });
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_NOT_PRESENT);
	fake_set_faults((struct fake_faults){ .present = false });
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_PRESENT);
	/* A look that fails does not pull a card that works. */
	fake_set_faults((struct fake_faults){ .present = true });
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_PRESENT);
}
END_TEST

struct poller {
	pthread_t thread;
	DWORD lun;
	int timeout;
	RESPONSECODE rc;
	int64_t took;
};

static void *
poller_main(void *argument)
{
	struct poller *p = argument;
	const int64_t start = now_ms();
	wait_fn wait;
	DWORD n = sizeof wait;

	p->rc = IFDHGetCapabilities(p->lun, TAG_IFD_POLLING_THREAD_WITH_TIMEOUT, &n, (PUCHAR)&wait);
	if (p->rc == IFD_SUCCESS)
		p->rc = wait(p->lun, p->timeout);
	p->took = now_ms() - start;
	return NULL;
}

static void
poller_start(struct poller *p, DWORD lun, int timeout)
{
	p->lun = lun;
	p->timeout = timeout;
	ck_assert_int_eq(pthread_create(&p->thread, NULL, poller_main, p), 0);
	(void)poll(NULL, 0, 50); /* let it get there */
}

static RESPONSECODE
stop(DWORD lun)
{
	stop_fn function;
	DWORD n = sizeof function;

	ck_assert_int_eq(
	    IFDHGetCapabilities(lun, TAG_IFD_STOP_POLLING_THREAD, &n, (PUCHAR)&function),
	    IFD_SUCCESS);
	return function(lun);
}

/* Poll once in this thread. */
static int64_t
poll_once(DWORD lun, int timeout)
{
	struct poller p = { .lun = lun, .timeout = timeout };

	(void)poller_main(&p);
	ck_assert_int_eq(p.rc, IFD_SUCCESS);
	return p.took;
}

enum cause { BY_INSERT, BY_REMOVE, BY_REPLACE, BY_STOP, BY_CLOSE };

static const struct wake_row {
	const char *why;
	enum cause cause;
	RESPONSECODE after;
} wakes[] = {
	{ "a card comes", BY_INSERT, IFD_ICC_PRESENT },
	{ "a card goes", BY_REMOVE, IFD_ICC_NOT_PRESENT },
	{ "another card comes in its place", BY_REPLACE, IFD_ICC_NOT_PRESENT },
	{ "pcscd says stop", BY_STOP, IFD_ICC_NOT_PRESENT },
	{ "the slot is closed", BY_CLOSE, IFD_NO_SUCH_DEVICE },
};

START_TEST(poll_wakes)
{
	const struct wake_row *row = &wakes[_i];
	struct poller p;
	int64_t start;

	open_slots(2);
	if (row->cause == BY_REMOVE || row->cause == BY_REPLACE) {
		fake_insert(1);
		ck_assert_int_eq(IFDHICCPresence(1), IFD_ICC_PRESENT);
		(void)poll_once(1, 0); /* eat the news */
	}
	poller_start(&p, 1, 600000);
	start = now_ms();
	switch (row->cause) {
	case BY_INSERT:
	case BY_REPLACE:
		fake_insert(1);
		break;
	case BY_REMOVE:
		fake_remove(1);
		break;
	case BY_STOP:
		ck_assert_int_eq(stop(1), IFD_SUCCESS);
		break;
	case BY_CLOSE:
		ck_assert_int_eq(IFDHCloseChannel(1), IFD_SUCCESS);
		break;
	}
	(void)pthread_join(p.thread, NULL);
	ck_assert_msg(now_ms() - start < 100, "%s", row->why);
	ck_assert_int_eq(p.rc, IFD_SUCCESS);
	ck_assert_msg(IFDHICCPresence(1) == row->after, "%s", row->why);
}
END_TEST

START_TEST(poll_sleeps)
{
	struct poller p;
	unsigned looks;

	open_slots(2);
	ck_assert_int_ge(poll_once(0, 200), 200);
	ck_assert_int_lt(poll_once(0, 0), 50);
	ck_assert_int_lt(poll_once(0, -5), 50);
	looks = fake_counts().presence;
	poller_start(&p, 0, 300);
	fake_insert(1); /* another slot's business */
	fake_rustle();  /* nobody's business */
	(void)pthread_join(p.thread, NULL);
	ck_assert_int_ge(p.took, 300);
	ck_assert_uint_eq(fake_counts().presence, looks);
	/* A stop that comes early ends the next poll, once. */
	ck_assert_int_eq(stop(0), IFD_SUCCESS);
	ck_assert_int_lt(poll_once(0, 5000), 100);
	ck_assert_int_ge(poll_once(0, 100), 100);
	ck_assert_int_eq(stop(LUN(3, 3)), IFD_NO_SUCH_DEVICE);
	p.lun = LUN(3, 3);
	(void)poller_main(&p);
	ck_assert_int_eq(p.rc, IFD_NO_SUCH_DEVICE);
}
END_TEST

START_TEST(poll_without_watch)
{
	struct poller p;

	fake_set_faults((struct fake_faults){ .watch = true });
	ck_assert_int_eq(create(0, DEVICE), IFD_SUCCESS);
	/* Looks now and then instead of never. */
	ck_assert_int_lt(poll_once(0, 600000), 4000);
	ck_assert_int_ge(poll_once(0, 100), 100);
	poller_start(&p, 0, 600000);
	ck_assert_int_eq(stop(0), IFD_SUCCESS);
	(void)pthread_join(p.thread, NULL);
	ck_assert_int_lt(p.took, 500);
	/* The watch comes back: look at once, for what went unseen, then sleep again. */
	fake_set_faults((struct fake_faults){ .watch = false });
	ck_assert_int_lt(poll_once(0, 5000), 100);
	ck_assert_int_ge(poll_once(0, 100), 100);
}
END_TEST

/* What pcscd's thread does between two polls. */
static RESPONSECODE
poll_and_look(DWORD lun, int timeout)
{
	(void)poll_once(lun, timeout);
	return IFDHICCPresence(lun);
}

START_TEST(replaced_card)
{
	open_slots(1);
	fake_insert(0);
	ck_assert_int_eq(poll_and_look(0, 0), IFD_ICC_PRESENT);
	ck_assert_int_eq(power(0, IFD_POWER_UP), IFD_SUCCESS);
	fake_insert(0); /* destroyed and made anew before anybody looked */
	/* A client's call notices first; pcscd's thread must see the empty slot all the same. */
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_NOT_PRESENT);
	ck_assert_uint_eq(fake_counts().closed, 1);
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_NOT_PRESENT);
	ck_assert_int_eq(poll_and_look(0, 5000), IFD_ICC_NOT_PRESENT);
	ck_assert_int_eq(poll_and_look(0, 5000), IFD_ICC_PRESENT);
	ck_assert_int_eq(power(0, IFD_POWER_UP), IFD_SUCCESS);
	ck_assert_uint_eq(fake_counts().opened, 2);
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_PRESENT);
}
END_TEST

static RESPONSECODE
send_ins(uint8_t ins)
{
	uint8_t capdu[] = { 0x80, ins, 0, 0 }, rapdu[2];
	SCARD_IO_HEADER send = { .Protocol = 1 };
	DWORD n = sizeof rapdu;

	return IFDHTransmitToICC(0, send, capdu, sizeof capdu, rapdu, &n, NULL);
}

/* Made anew at its client's own word: it has not left the reader, whoever looks. */
/* What cannot be watched is looked at before each command: a changed card is not gone on with. */
START_TEST(replaced_card_without_watch)
{
	const SCARD_IO_HEADER pci = { .Protocol = 1 };
	UCHAR select[] = { 0x00, 0xa4, 0x04, 0x00 }, answer[16];
	DWORD n = sizeof answer;

	fake_set_faults((struct fake_faults){ .watch = _i != 0 });
	open_slots(1);
	fake_set_faults((struct fake_faults){ .watch = _i != 0 });
	ck_assert_int_eq(IFDHCloseChannel(0), IFD_SUCCESS);
	ck_assert_int_eq(create(0, DEVICE), IFD_SUCCESS);
	fake_insert(0);
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_PRESENT);
	ck_assert_int_eq(power(0, IFD_POWER_UP), IFD_SUCCESS);
	ck_assert_int_eq(IFDHTransmitToICC(0, pci, select, 4, answer, &n, NULL), IFD_SUCCESS);
	fake_insert(0);
	n = sizeof answer;
	ck_assert_int_eq(IFDHTransmitToICC(0, pci, select, 4, answer, &n, NULL),
	    _i != 0 ? IFD_ICC_NOT_PRESENT : IFD_SUCCESS);
}
END_TEST

START_TEST(card_that_resets_itself)
{
	open_slots(1);
	fake_insert(0);
	ck_assert_int_eq(poll_and_look(0, 0), IFD_ICC_PRESENT);
	ck_assert_int_eq(power(0, IFD_POWER_UP), IFD_SUCCESS);
	ck_assert_int_eq(send_ins(0xfb), IFD_SUCCESS);
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_PRESENT);
	/* The watch tells of it; nothing comes of that. */
	ck_assert_int_eq(poll_and_look(0, 5000), IFD_ICC_PRESENT);
	ck_assert_int_eq(send_ins(0x20), IFD_SUCCESS);
	ck_assert_uint_eq(fake_counts().opened, 1);
	ck_assert_uint_eq(fake_counts().closed, 0);
	/* Replaced by somebody else it has left, as ever. */
	fake_insert(0);
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_NOT_PRESENT);
	ck_assert_uint_eq(fake_counts().closed, 1);
}
END_TEST

/* Replaced before its client resets it: not seen yet is not forgotten. */
START_TEST(card_that_resets_itself_too_late)
{
	open_slots(1);
	fake_insert(0);
	ck_assert_int_eq(power(0, IFD_POWER_UP), IFD_SUCCESS);
	fake_insert(0);
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_PRESENT); /* the first look */
	ck_assert_int_eq(send_ins(0xfb), IFD_SUCCESS);
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_NOT_PRESENT);
	ck_assert_uint_eq(fake_counts().closed, 1);
}
END_TEST

START_TEST(replaced_card_without_polling_thread)
{
	const int64_t start = now_ms();

	open_slots(1);
	fake_insert(0);
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_PRESENT);
	fake_insert(0);
	ck_assert_int_eq(IFDHICCPresence(0), IFD_ICC_NOT_PRESENT);
	while (IFDHICCPresence(0) != IFD_ICC_PRESENT) {
		ck_assert_int_lt(now_ms() - start, 10000);
		(void)poll(NULL, 0, 50);
	}
	ck_assert_int_gt(now_ms() - start, 1000);
}
END_TEST

/* ---- side by side ---- */

struct client {
	pthread_t thread;
	DWORD lun;
	unsigned rounds;
	uint8_t p1, p2;
	unsigned failures;
};

static void *
client_main(void *argument)
{
	struct client *c = argument;
	const SCARD_IO_HEADER pci = { .Protocol = 1 };
	UCHAR capdu[] = { 0x80, 0x20, c->p1, c->p2 }, rapdu[16];
	unsigned i;

	for (i = 0; i < c->rounds; i++) {
		DWORD n = sizeof rapdu;

		if (IFDHTransmitToICC(c->lun, pci, capdu, sizeof capdu, rapdu, &n, NULL) !=
			IFD_SUCCESS ||
		    n != 2)
			c->failures++;
	}
	return NULL;
}

START_TEST(slots_in_parallel)
{
	struct client clients[2] = { { .lun = 0, .rounds = 10, .p2 = 40 },
		{ .lun = 1, .rounds = 10, .p2 = 40 } };
	const int64_t start = now_ms();
	int i;

	open_slots(2);
	for (i = 0; i < 2; i++) {
		fake_insert((unsigned)i);
		ck_assert_int_eq(power((DWORD)i, IFD_POWER_UP), IFD_SUCCESS);
		ck_assert_int_eq(
		    pthread_create(&clients[i].thread, NULL, client_main, &clients[i]), 0);
	}
	for (i = 0; i < 2; i++) {
		(void)pthread_join(clients[i].thread, NULL);
		ck_assert_uint_eq(clients[i].failures, 0);
	}
	ck_assert_uint_eq(fake_counts().at_once, 2);
	ck_assert_int_lt(now_ms() - start, 700); /* 2 x 400 ms one after the other */
}
END_TEST

START_TEST(busy_card_does_not_hold_the_poll)
{
	struct client busy = { .lun = 0, .rounds = 1, .p1 = 2 }; /* 512 ms */
	struct poller p;
	int64_t start;

	open_slots(1);
	fake_insert(0);
	ck_assert_int_eq(power(0, IFD_POWER_UP), IFD_SUCCESS);
	(void)poll_once(0, 0);
	ck_assert_int_eq(pthread_create(&busy.thread, NULL, client_main, &busy), 0);
	poller_start(&p, 0, 600000);
	start = now_ms();
	ck_assert_int_eq(stop(0), IFD_SUCCESS);
	(void)pthread_join(p.thread, NULL);
	ck_assert_int_lt(now_ms() - start, 100);
	(void)pthread_join(busy.thread, NULL);
	ck_assert_uint_eq(busy.failures, 0);
}
END_TEST

static void *
churn_main(void *argument)
{
	const DWORD lun = *(const DWORD *)argument;
	const SCARD_IO_HEADER pci = { .Protocol = 1 };
	UCHAR capdu[] = { 0x80, 0, 0, 0 }, rapdu[16];
	unsigned i;

	for (i = 0; i < 300; i++) {
		DWORD n = sizeof rapdu;

		if (i % 10 == 0)
			(void)create(lun, DEVICE);
		if (i % 3 == 0)
			fake_insert((unsigned)lun);
		(void)IFDHICCPresence(lun);
		(void)power(lun, i % 2 != 0 ? IFD_RESET : IFD_POWER_UP);
		(void)IFDHTransmitToICC(lun, pci, capdu, sizeof capdu, rapdu, &n, NULL);
		if (i % 7 == 0)
			fake_remove((unsigned)lun);
		if (i % 25 == 0)
			(void)IFDHCloseChannel(lun);
	}
	return NULL;
}

/* Everything at once, on the same slots: for the sanitizers. */
START_TEST(churn)
{
	static const DWORD luns[] = { 0, 0, 1, 1 };
	pthread_t threads[4];
	struct poller pollers[4];
	size_t i;

	open_slots(2);
	for (i = 0; i < 4; i++) {
		poller_start(&pollers[i], luns[i], 300);
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, churn_main, (void *)(uintptr_t)&luns[i]), 0);
	}
	for (i = 0; i < 4; i++) {
		(void)pthread_join(threads[i], NULL);
		(void)pthread_join(pollers[i].thread, NULL);
	}
	close_all();
	ck_assert_uint_eq(fake_counts().opened, fake_counts().closed);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ifd");
	TCase *tcase = tcase_create("driver");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, setup, close_all);
	tcase_add_rows(tcase, device_names, names);
	tcase_add_rows(tcase, wrong_luns, no_luns);
	tcase_add_rows(tcase, capability_values, capabilities);
	tcase_add_test(tcase, capability_others);
	tcase_add_rows(tcase, slots_number, slot_counts);
	tcase_add_test(tcase, features);
	tcase_add_test(tcase, tlv_properties);
	tcase_add_test(tcase, power_states);
	tcase_add_test(tcase, mute_card);
	tcase_add_rows(tcase, exchange, exchanges);
	tcase_add_test(tcase, exchange_nowhere);
	tcase_add_test(tcase, odd_orders);
	tcase_add_test(tcase, directory_unreadable);
	tcase_add_rows(tcase, poll_wakes, wakes);
	tcase_add_test(tcase, poll_sleeps);
	tcase_add_test(tcase, poll_without_watch);
	tcase_add_test(tcase, replaced_card);
	tcase_add_loop_test(tcase, replaced_card_without_watch, 0, 2);
	tcase_add_test(tcase, card_that_resets_itself);
	tcase_add_test(tcase, card_that_resets_itself_too_late);
	tcase_add_test(tcase, replaced_card_without_polling_thread);
	tcase_add_test(tcase, slots_in_parallel);
	tcase_add_test(tcase, busy_card_does_not_hold_the_poll);
	tcase_add_test(tcase, churn);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
