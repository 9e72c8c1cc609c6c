/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

#include "applet/tlv.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>

/* Data objects; their elements are in SP 800-73-4 Part 1, Appendix A. */
#define CHUID       0x5fc102
#define CCC         0x5fc107
#define DISCOVERY   0x7e
#define KEY_HISTORY 0x5fc10c

#define LIFETIME_YEARS 20

static const uint8_t piv_aid[] = { 0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01,
	0x00 };

bool
file_system_draw(int64_t now, struct file_system *out)
{
	const time_t seconds = (time_t)now;
	struct tm date;
	int year;

	if (getrandom(out->guid, sizeof out->guid, 0) != (ssize_t)sizeof out->guid ||
	    getrandom(out->card_id, sizeof out->card_id, 0) != (ssize_t)sizeof out->card_id)
		return false;
	/* RFC 9562, 5.4: version 4, variant 10. */
	out->guid[6] = (uint8_t)((out->guid[6] & 0x0f) | 0x40);
	out->guid[8] = (uint8_t)((out->guid[8] & 0x3f) | 0x80);
	if (gmtime_r(&seconds, &date) == NULL)
		return false;
	/* A machine without a clock must not make a card that has expired. */
	year = date.tm_year + 1900 + LIFETIME_YEARS;
	year = year < 2045 ? 2045 : year > 2099 ? 2099 : year;
	if (date.tm_mon == 1 && date.tm_mday == 29)
		date.tm_mday = 28;
	(void)snprintf(out->expiry, sizeof out->expiry, "%04u%02u%02u", (unsigned)year % 10000,
	    (unsigned)(date.tm_mon + 1) % 100, (unsigned)date.tm_mday % 100);
	return true;
}

/*
 * A FASC-N is 40 characters of five bits, least significant bit first, the
 * fifth an odd parity; the last character is the XOR of the others.
 * B start, D separator, F end.
 */
void
fascn_write(struct wbuf *out)
{
	/* agency, system, credential, series, issue; person, category, organisation, association */
	static const char text[] = "B9999D9999D999999D0D1D0000000000300001F";
	unsigned check = 0, pending = 0, bits = 0, value, parity, i, k;

	for (i = 0; i < sizeof text; i++) {
		if (i == sizeof text - 1)
			value = check;
		else
			value = text[i] >= 'A' ? (unsigned)(text[i] - 'A') + 10
					       : (unsigned)(text[i] - '0');
		check ^= value;
		parity = 1;
		for (k = 0; k < 4; k++) {
			pending = pending << 1 | (value >> k & 1);
			parity ^= value >> k & 1;
		}
		pending = pending << 1 | parity;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			wbuf_u8(out, (uint8_t)(pending >> bits));
		}
	}
}

static void
write_chuid(struct wbuf *out, const struct file_system *fs)
{
	size_t mark = tlv_open(out, 0x30);

	fascn_write(out);
	tlv_close(out, mark);
	tlv_put(out, 0x34, rbuf_of(fs->guid, sizeof fs->guid));
	tlv_put(out, 0x35, rbuf_str(fs->expiry));
	tlv_put(out, 0x3e, rbuf_of(NULL, 0)); /* no issuer has signed it */
	tlv_put(out, 0xfe, rbuf_of(NULL, 0));
}

static void
write_ccc(struct wbuf *out, const struct file_system *fs)
{
	/* RID of the GSC-IS, manufacturer FF, card type 02; then the card's own */
	static const uint8_t issuer[] = { 0xa0, 0x00, 0x00, 0x01, 0x16, 0xff, 0x02 };
	static const struct {
		uint8_t tag;
		struct rbuf value;
	} rest[] = {
		{ 0xf1, { (const uint8_t *)"\x21", 1 } }, /* container version 2.1 */
		{ 0xf2, { (const uint8_t *)"\x21", 1 } }, /* grammar version 2.1 */
		{ 0xf3, { NULL, 0 } },
		{ 0xf4, { (const uint8_t *)"\x00", 1 } }, /* no PKCS#15 */
		{ 0xf5, { (const uint8_t *)"\x10", 1 } }, /* data model of PIV */
		{ 0xf6, { NULL, 0 } },
		{ 0xf7, { NULL, 0 } },
		{ 0xfa, { NULL, 0 } },
		{ 0xfb, { NULL, 0 } },
		{ 0xfc, { NULL, 0 } },
		{ 0xfd, { NULL, 0 } },
		{ 0xfe, { NULL, 0 } },
	};
	size_t i, mark = tlv_open(out, 0xf0);

	wbuf_put(out, rbuf_of(issuer, sizeof issuer));
	wbuf_put(out, rbuf_of(fs->card_id, sizeof fs->card_id));
	tlv_close(out, mark);
	for (i = 0; i < sizeof rest / sizeof rest[0]; i++)
		tlv_put(out, rest[i].tag, rest[i].value);
}

/* The application's AID, and a policy of nothing but the card's PIN. */
static void
write_discovery(struct wbuf *out, const struct file_system *fs)
{
	static const uint8_t policy[] = { 0x40, 0x00 };

	(void)fs;
	tlv_put(out, 0x4f, rbuf_of(piv_aid, sizeof piv_aid));
	tlv_put(out, 0x5f2f, rbuf_of(policy, sizeof policy));
}

/* No retired keys yet. */
static void
write_key_history(struct wbuf *out, const struct file_system *fs)
{
	static const uint8_t none[] = { 0x00 };

	(void)fs;
	tlv_put(out, 0xc1, rbuf_of(none, sizeof none));
	tlv_put(out, 0xc2, rbuf_of(none, sizeof none));
	tlv_put(out, 0xfe, rbuf_of(NULL, 0));
}

enum store_err
file_system_write(struct store *store, const struct file_system *fs)
{
	static const struct {
		uint32_t id;
		void (*write)(struct wbuf *, const struct file_system *);
	} objects[] = {
		{ CHUID, write_chuid },
		{ CCC, write_ccc },
		{ DISCOVERY, write_discovery },
		{ KEY_HISTORY, write_key_history },
	};
	uint8_t octets[128];
	struct wbuf value;
	enum store_err err;
	size_t i;

	for (i = 0; i < sizeof objects / sizeof objects[0]; i++) {
		value = wbuf_over(octets, sizeof octets);
		objects[i].write(&value, fs);
		if (!wbuf_ok(&value))
			return STORE_FAULT;
		err = store_put(store, STORE_OBJECT, objects[i].id, wbuf_view(&value));
		if (err != STORE_OK)
			return err;
	}
	return STORE_OK;
}
