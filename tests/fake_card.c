/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fake_card.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tests/suite.h"

/* ---- text to octets ---- */

enum { ANY_OCTET = 0x100 };

/* One token, "a4", "??" or either followed by "*N", from *text on; false at the end. */
static bool
next_token(const char **text, unsigned *value, size_t *times)
{
	const char *s = *text;
	char *end;

	while (*s == ' ')
		s++;
	if (*s == '\0')
		return false;
	if (strncmp(s, "??", 2) == 0) {
		*value = ANY_OCTET;
	} else {
		/* Not an assertion each time: check writes a file for every one. */
		if (!isxdigit((unsigned char)s[0]) || !isxdigit((unsigned char)s[1]) ||
		    sscanf(s, "%2x", value) != 1)
			ck_abort_msg("not hexadecimal: %s", s);
	}
	s += 2;
	*times = 1;
	if (*s == '*') {
		*times = strtoul(s + 1, &end, 10);
		s = end;
	}
	*text = s;
	return true;
}

size_t
fake_card_octets(const char *text, uint8_t *out, size_t cap)
{
	struct wbuf w = wbuf_over(out, cap);
	unsigned value;
	size_t times;

	while (next_token(&text, &value, &times)) {
		if (value > 0xff)
			ck_abort_msg("no octet to send: %s", text);
		wbuf_fill(&w, (uint8_t)value, times);
	}
	ck_assert(wbuf_ok(&w));
	return w.len;
}

/* Whether octets are as written. */
static bool
matches(const char *text, struct rbuf octets)
{
	const char *count;
	size_t times, total = 0, at = 0;
	unsigned value;

	if (strncmp(text, "...", 3) == 0) {
		text += 3;
		for (count = text; next_token(&count, &value, &times);)
			total += times;
		if (octets.len < total)
			return false;
		at = octets.len - total;
	}
	while (next_token(&text, &value, &times)) {
		for (; times > 0; times--, at++) {
			if (at >= octets.len || (value != ANY_OCTET && octets.data[at] != value))
				return false;
		}
	}
	return at == octets.len;
}

/* ---- the card ---- */

static void
add_key(struct fake_card *card, uint8_t id, uint8_t algorithm, enum pin_rule pin)
{
	uint8_t octets[16];
	struct wbuf key = wbuf_over(octets, sizeof octets);

	fake_vault_key(&card->vault, algorithm, pin, &key);
	ck_assert_int_eq(store_put(&card->store.port, STORE_KEY, id, wbuf_view(&key)), STORE_OK);
}

static void
add_object(struct fake_card *card, uint32_t tag, uint8_t octet, size_t len)
{
	uint8_t octets[4096];
	struct wbuf value = wbuf_over(octets, sizeof octets);

	wbuf_fill(&value, octet, len);
	ck_assert_int_eq(
	    store_put(&card->store.port, STORE_OBJECT, tag, wbuf_view(&value)), STORE_OK);
}

struct fake_card *
fake_card_new(void)
{
	struct fake_card *card = malloc(sizeof *card);

	ck_assert_ptr_nonnull(card);
	memset(&card->profile, 0, sizeof card->profile);
	(void)snprintf(card->profile.name, sizeof card->profile.name, "Test card");
	card->profile.policy = pin_policy_default;
	fake_vault_init(&card->vault);
	fake_store_init(&card->store);
	add_key(card, 0x9a, ALG_RSA_2048, PIN_ONCE);
	add_key(card, 0x9b, ALG_3DES, PIN_NEVER);
	add_key(card, 0x9c, ALG_ECC_P256, PIN_ALWAYS);
	add_key(card, 0x9d, ALG_ECC_P384, PIN_ONCE);
	add_key(card, 0x9e, ALG_ECC_P256, PIN_NEVER);
	add_object(card, 0x5fc102, 0xc1, 20);
	add_object(card, 0x5fc105, 0xce, 3072);
	/* Powered up on memory full of octets that are not zero. */
	/* Whatever it holds, but that its buffers are clean. */
	memset(&card->piv, 0xa5, sizeof card->piv);
	memset(card->piv.chain_octets, 0, sizeof card->piv.chain_octets);
	memset(card->piv.pending_octets, 0, sizeof card->piv.pending_octets);
	piv_init(&card->piv, &card->vault.port, &card->store.port, &card->profile, NULL);
	return card;
}

void
fake_card_attests(struct fake_card *card)
{
	add_key(card, 0xf9, ALG_ECC_P256, PIN_NEVER);
}

void
fake_card_free(struct fake_card *card)
{
	free(card);
}

uint16_t
fake_card_send(struct fake_card *card, struct rbuf command, size_t room)
{
	/* Blocks of the exact size: a sanitizer sees every step beyond. */
	uint8_t *octets = malloc(command.len == 0 ? 1 : command.len), *answer = malloc(room);
	struct wbuf rapdu = wbuf_over(answer, room);
	struct rbuf sw;
	uint16_t value = 0;

	ck_assert(octets != NULL && answer != NULL && room >= 2);
	if (command.len != 0)
		memcpy(octets, command.data, command.len);
	piv_process(&card->piv, rbuf_of(octets, command.len), &rapdu);
	ck_assert(wbuf_ok(&rapdu));
	ck_assert_uint_ge(rapdu.len, 2);
	ck_assert_uint_le(rapdu.len, sizeof card->answer);
	memcpy(card->answer, answer, rapdu.len);
	card->answer_len = rapdu.len;
	sw = rbuf_of(answer + rapdu.len - 2, 2);
	ck_assert(rbuf_u16(&sw, &value));
	free(octets);
	free(answer);
	return value;
}

uint16_t
fake_card_say(struct fake_card *card, const char *command)
{
	uint8_t octets[70000];
	size_t len = fake_card_octets(command, octets, sizeof octets);

	return fake_card_send(card, rbuf_of(octets, len), sizeof card->answer);
}

void
fake_card_expect(struct fake_card *card, const char *why, struct exchange x)
{
	char got[64] = "";
	size_t i;

	(void)fake_card_say(card, x.command);
	for (i = 0; i < card->answer_len && i < 20; i++)
		(void)snprintf(got + 3 * i, sizeof got - 3 * i, "%02x ", card->answer[i]);
	ck_assert_msg(matches(x.answer, rbuf_of(card->answer, card->answer_len)),
	    "%s: to %.60s the card says %s(%zu octets, SW %02x%02x), not %.80s", why, x.command,
	    got, card->answer_len, card->answer[card->answer_len - 2],
	    card->answer[card->answer_len - 1], x.answer);
}

void
fake_card_become_admin(struct fake_card *card)
{
	char command[128];
	size_t i;
	int n = snprintf(command, sizeof command, "00 87 03 9b 0c 7c 0a 82 08");

	fake_card_expect(card, "challenge",
	    (struct exchange){ "00 87 03 9b 04 7c 02 81 00", "7c 0a 81 08 ??*8 9000" });
	for (i = 0; i < 8; i++)
		n += snprintf(command + n, sizeof command - (size_t)n, " %02x",
		    fake_vault_mix(ALG_3DES, card->answer[4 + i]));
	fake_card_expect(card, "response", (struct exchange){ command, "9000" });
}
