/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conformance tables on a card, through PC/SC.
 *
 *	live READER TABLES RENEW [WORD]
 *
 * READER is the reader's name, TABLES the directory of the tables.  RENEW is a
 * command for the shell: it takes the card away and makes another one without
 * keys and data objects, in the way that a word after it says ("no-reset", "no-puk", "digits").
 * With WORD only rows of that table, or with that word in their reason, run.
 * One line "ok - ..." or "not ok - ..." for each row; what a row has changed is
 * put back after it.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <winscard.h>

#include "tests/conformance/session.h"

#define TAGS_MAX 32

/* A PIN or PUK as it is on the wire: padded with FF to whatever length. */
struct padded {
	uint8_t octets[127];
	size_t len;
};

/* What the row has changed, as far as the card's answers tell. */
struct changes {
	bool verified;	/* VERIFY with data */
	bool secrets;	/* CHANGE REFERENCE DATA, RESET RETRY COUNTER ... */
	bool replaced;	/* ... that the card has carried out */
	struct padded puk; /* what it is now */
	bool management_key;
	bool keys[256];
	uint32_t tags[TAGS_MAX];
	size_t tag_count;
	bool anew;    /* RESET */
	bool spoiled; /* nothing but another card will do */
	uint8_t chain_octets[20000];
	struct wbuf chain; /* PUT DATA's data so far */
};

struct live {
	struct transport port; /* first */
	const char *reader, *renew;
	const struct tables *tables;
	SCARDCONTEXT context;
	SCARDHANDLE card;
	DWORD protocol;
	struct changes changes;
	char way[16]; /* the card was made in; "" is the ordinary one */
	struct session *own; /* for what is done between rows */
	unsigned renewed;
};

static const struct padded first_pin = { { '1', '2', '3', '4', '5', '6', '7', '8' }, 8 };
static const struct padded first_puk = { { '8', '7', '6', '5', '4', '3', '2', '1' }, 8 };

static struct live *
live_of(struct transport *t)
{
	return (struct live *)(void *)t;
}

/* ---- PC/SC ---- */

static bool
pcsc_ok(const char *what, LONG rc)
{
	if (rc != SCARD_S_SUCCESS)
		(void)fprintf(stderr, "live: %s: %s\n", what, pcsc_stringify_error(rc));
	return rc == SCARD_S_SUCCESS;
}

/* A card that has just been made takes its time to show. */
static bool
connect_card(struct live *l)
{
	LONG rc = SCARD_E_NO_SMARTCARD;
	int i;

	for (i = 0; i < 100 && rc != SCARD_S_SUCCESS; i++) {
		if (i != 0)
			(void)usleep(100 * 1000);
		rc = SCardConnect(l->context, l->reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1,
		    &l->card, &l->protocol);
	}
	return pcsc_ok(l->reader, rc);
}

static bool
reconnect(struct live *l, DWORD how)
{
	return pcsc_ok("reconnect", SCardReconnect(l->card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1,
					how, &l->protocol));
}

/* ---- what a command changes ---- */

/* A command's data, however long its Lc. */
static struct rbuf
data_of(struct rbuf command)
{
	struct rbuf header, data = rbuf_of(NULL, 0);
	uint16_t extended;
	uint8_t lc;

	if (!rbuf_take(&command, 4, &header) || !rbuf_u8(&command, &lc) || command.len == 0)
		return data;
	extended = lc;
	if (lc == 0 && !rbuf_u16(&command, &extended))
		return data;
	(void)!rbuf_take(&command, extended, &data);
	return data;
}

static void
note_tag(struct changes *c, uint32_t tag)
{
	if (c->tag_count == TAGS_MAX)
		c->spoiled = true;
	else
		c->tags[c->tag_count++] = tag;
}

/* The data object that PUT DATA's data names: 5C { tag }, 7E or 7F61. */
static void
note_object(struct changes *c, struct rbuf data)
{
	uint32_t tag = 0;
	uint8_t first = rbuf_at(data, 0), len = rbuf_at(data, 1), i;

	if (first == 0x5c && len >= 1 && len <= 3) {
		for (i = 0; i < len; i++)
			tag = tag << 8 | rbuf_at(data, 2U + i);
	} else {
		tag = first == 0x7e ? 0x7e : 0x7f61;
	}
	note_tag(c, tag);
}

static void
note_put(struct changes *c, struct rbuf command)
{
	wbuf_put(&c->chain, data_of(command));
	if ((rbuf_at(command, 0) & 0x10) != 0)
		return;
	note_object(c, wbuf_view(&c->chain));
	wbuf_truncate(&c->chain, 0);
}

/* CHANGE REFERENCE DATA of the PUK, carried out: the second half is the new one. */
static void
note_puk(struct changes *c, struct rbuf data)
{
	struct rbuf half;

	c->puk.len = data.len / 2;
	if (rbuf_take(&data, c->puk.len, &half))
		(void)!rbuf_copy(&data, c->puk.octets, c->puk.len);
}

/* RESET: PIN, PUK and 9B have their default values, and what a new card has may be there. */
static void
note_reset(struct changes *c)
{
	static const uint32_t tags[] = { 0x5fc107, 0x5fc10c, 0x7e };
	size_t i;

	c->anew = c->secrets = c->replaced = true;
	c->puk = first_pin;
	for (i = 0; i < sizeof tags / sizeof tags[0]; i++)
		note_tag(c, tags[i]);
}

static void
note_change(struct changes *c, struct rbuf command, uint16_t sw)
{
	const uint8_t ins = rbuf_at(command, 1), p1 = rbuf_at(command, 2), p2 = rbuf_at(command, 3);
	const bool done = sw == 0x9000 || (sw & 0xff00) == 0x6100;

	if (ins != 0xdb)
		wbuf_truncate(&c->chain, 0);
	if (ins == 0x20)
		c->verified = c->verified || data_of(command).len != 0;
	if (ins == 0x24 || ins == 0x2c)
		c->secrets = true;
	if (!done)
		return;
	switch (ins) {
	case 0x24:
		if (p2 == 0x81)
			note_puk(c, data_of(command));
		c->replaced = true;
		break;
	case 0x2c:
		c->replaced = true;
		break;
	case 0xdb:
		note_put(c, command);
		break;
	case 0x47:
	case 0xfe:
		c->keys[p2] = true;
		break;
	case 0xf6:
		c->keys[p2] = true;
		c->keys[p1] = p1 != 0xff;
		break;
	case 0xfa:
		c->spoiled = true;
		break;
	case 0xfb:
		note_reset(c);
		break;
	case 0xff:
		c->management_key = true;
		break;
	default:
		break;
	}
}

static void
forget_changes(struct changes *c)
{
	memset(c, 0, sizeof *c);
	c->puk = first_puk;
	c->chain = wbuf_over(c->chain_octets, sizeof c->chain_octets);
}

/* ---- the transport ---- */

static bool
live_send(struct transport *t, struct rbuf command, struct wbuf *answer)
{
	struct live *l = live_of(t);
	static uint8_t octets[MAX_BUFFER_SIZE_EXTENDED];
	DWORD len = sizeof octets;

	if (!pcsc_ok("transmit", SCardTransmit(l->card, SCARD_PCI_T1, command.data, command.len, NULL,
				     octets, &len)) ||
	    len < 2)
		return false;
	note_change(
	    &l->changes, command, (uint16_t)(octets[len - 2] << 8 | octets[len - 1]));
	wbuf_put(answer, rbuf_of(octets, len));
	return true;
}

static bool
live_cipher(struct transport *t, const struct admin_key *key, bool decrypt, struct rbuf block,
    struct wbuf *out)
{
	static const struct {
		uint8_t algorithm;
		const EVP_CIPHER *(*cipher)(void);
	} ciphers[] = { { 0x03, EVP_des_ede3_ecb }, { 0x08, EVP_aes_128_ecb },
		{ 0x0a, EVP_aes_192_ecb }, { 0x0c, EVP_aes_256_ecb } };
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t octets[32];
	size_t i = 0;
	int len = 0;
	bool ok = false;

	(void)t;
	while (i < 3 && ciphers[i].algorithm != key->algorithm)
		i++;
	if (ctx != NULL && block.len <= 16 &&
	    EVP_CipherInit_ex(ctx, ciphers[i].cipher(), NULL, key->octets, NULL, !decrypt) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	    EVP_CipherUpdate(ctx, octets, &len, block.data, (int)block.len) == 1)
		ok = (size_t)len == block.len;
	if (ok)
		wbuf_put(out, rbuf_of(octets, (size_t)len));
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* ---- another card ---- */

/* Say what went wrong between rows. */
static bool
between(const char *what, const struct session *s)
{
	(void)fprintf(stderr, "live: %s: %s\n", what, s->failure);
	return false;
}

/* Give the card the keys and data objects of the states "card-..."; the administrator is there. */
static bool
personalise(struct live *l)
{
	const struct table_state *state;
	size_t i;

	for (i = 0; (state = tables_state_at(l->tables, i)) != NULL; i++) {
		if (strncmp(state->name, "card-", 5) == 0 && !session_enter(l->own, state->name))
			return between("a new card", l->own);
	}
	return true;
}

/* Begin with a card that has nothing yet. */
static bool
begin(struct live *l)
{
	session_begin(l->own, l->tables, &l->port);
	if (!connect_card(l) || !session_enter(l->own, "admin"))
		return between("a new card", l->own);
	if (!personalise(l))
		return false;
	forget_changes(&l->changes);
	return reconnect(l, SCARD_RESET_CARD);
}

static bool
renew(struct live *l, const char *way)
{
	char command[1024];

	l->renewed++;
	(void)snprintf(command, sizeof command, "%s %s", l->renew, way);
	if (way != l->way)
		(void)snprintf(l->way, sizeof l->way, "%s", way);
	(void)SCardDisconnect(l->card, SCARD_LEAVE_CARD);
	(void)fflush(stdout);
	if (system(command) != 0) {
		(void)fprintf(stderr, "live: failed: %s\n", command);
		return false;
	}
	return begin(l);
}

static bool
live_prepare(struct transport *t, const char *what)
{
	static const char *const ways[] = { "no-reset", "no-puk", "digits" };
	struct live *l = live_of(t);
	size_t i;

	if (strcmp(what, "reset") == 0)
		return reconnect(l, SCARD_RESET_CARD);
	if (strcmp(what, "unpower") == 0)
		return reconnect(l, SCARD_UNPOWER_CARD);
	for (i = 0; i < sizeof ways / sizeof ways[0] && strcmp(what, ways[i]) != 0; i++)
		;
	if (i == sizeof ways / sizeof ways[0])
		return false;
	return strcmp(what, l->way) == 0 || renew(l, what);
}

/* Whether the card is made in a way that this row does not ask for. */
static bool
made_otherwise(const struct live *l, const struct table_row *row)
{
	char word[sizeof l->way + 1];

	(void)snprintf(word, sizeof word, "!%s", l->way);
	return l->way[0] != '\0' && strstr(row->given, word) == NULL;
}

/* ---- back to the first state ---- */

/* Send a command of n octets' header and two padded secrets; whether it is carried out. */
static bool
send_secrets(struct live *l, const char *header, struct padded a, struct padded b)
{
	uint8_t octets[300], answer[16];
	struct wbuf command = wbuf_over(octets, sizeof octets);
	struct wbuf got = wbuf_over(answer, sizeof answer);
	const size_t half = a.len > b.len ? a.len : b.len;

	wbuf_put(&command, rbuf_of(header, 4));
	wbuf_u8(&command, (uint8_t)(2 * half));
	wbuf_put(&command, rbuf_of(a.octets, a.len));
	wbuf_fill(&command, 0xff, half - a.len);
	wbuf_put(&command, rbuf_of(b.octets, b.len));
	wbuf_fill(&command, 0xff, half - b.len);
	return live_send(&l->port, wbuf_view(&command), &got) &&
	       rbuf_eq(wbuf_view(&got), rbuf_of("\x90\x00", 2));
}

/* Whether neither PIN nor PUK has lost a try. */
static bool
all_tries_left(struct live *l)
{
	static const struct table_row row = { .given = "-",
		.steps = { { "00f70080", "9000", "... 06{0505}" }, { "00f70081", "9000", "... 06{0505}" } },
		.count = 2 };

	return session_run(l->own, &row);
}

/* PIN and PUK with their first values, and all their tries. */
static bool
restore_secrets(struct live *l)
{
	if (!l->changes.replaced && all_tries_left(l))
		return true;
	if (!l->changes.secrets || strcmp(l->way, "no-puk") == 0)
		return session_enter(l->own, "query") || session_enter(l->own, "pin") ||
		       send_secrets(l, "\x00\x2c\x00\x80", first_puk, first_pin);
	return send_secrets(l, "\x00\x24\x00\x81", l->changes.puk, first_puk) &&
	       send_secrets(l, "\x00\x2c\x00\x80", first_puk, first_pin);
}

/* Run one command, and again: the first time with any answer, then with that status word. */
static bool
insist(struct live *l, const char *command, const char *sw)
{
	const struct table_row row = { .given = "-",
		.steps = { { command, "xxxx", NULL }, { command, sw, NULL } },
		.count = 2 };

	return session_run(l->own, &row);
}

/* A data object or key as it was: made again if the card begins with one, else taken away. */
static bool
restore_one(struct live *l, uint32_t id, const char *removal, const char *sw)
{
	char name[32], command[64];

	(void)snprintf(name, sizeof name, "card-%02x", id);
	if (tables_state(l->tables, name) != NULL)
		return session_enter(l->own, name) || between(name, l->own);
	(void)snprintf(command, sizeof command, "%s", removal);
	return insist(l, command, sw) || between(name, l->own);
}

static bool
restore_contents(struct live *l, const struct changes *c)
{
	char removal[64];
	unsigned id;
	size_t i;

	for (i = 0; i < c->tag_count; i++) {
		(void)snprintf(removal, sizeof removal,
		    c->tags[i] == 0x7e || c->tags[i] == 0x7f61 ? "00db3fff [%02x{}]"
							       : "00db3fff [5c{%02x} 53{}]",
		    c->tags[i]);
		if (!restore_one(l, c->tags[i], removal, "9000"))
			return false;
	}
	for (id = 0; id < sizeof c->keys; id++) {
		(void)snprintf(removal, sizeof removal, "00f6ff%02x", id);
		if (c->keys[id] && !restore_one(l, id, removal, "6a88"))
			return false;
	}
	return true;
}

/* Put back what the row has changed; key is 9B as the row leaves it. */
static bool
restore(struct live *l, const struct admin_key *key)
{
	struct changes c = l->changes;
	bool ok;

	if (!reconnect(l, SCARD_RESET_CARD))
		return false;
	session_begin(l->own, l->tables, &l->port);
	l->own->key = *key;
	ok = !c.spoiled && (!(c.verified || c.secrets) || restore_secrets(l));
	if (ok && c.management_key)
		ok = session_enter(l->own, "admin") && session_enter(l->own, "default-key");
	if (ok && (c.tag_count != 0 || memchr(c.keys, 1, sizeof c.keys) != NULL))
		ok = session_enter(l->own, "admin") && (!c.anew || personalise(l)) &&
		     restore_contents(l, &c);
	forget_changes(&l->changes);
	return ok ? reconnect(l, SCARD_RESET_CARD) : renew(l, l->way);
}

/* ---- rows ---- */

static bool
wanted(const struct table_row *row, const char *word)
{
	return row->live &&
	       (word == NULL || strcmp(row->table, word) == 0 || strstr(row->why, word) != NULL);
}

/* Run the rows.  Returns how many failed, or -1 when the card could not be put back. */
static int
run_rows(struct live *l, const char *word)
{
	struct session *s = calloc(1, sizeof *s);
	const struct table_row *row;
	unsigned passed = 0, failed = 0;
	bool ok = s != NULL;
	size_t i;

	for (i = 0; ok && i < tables_rows(l->tables); i++) {
		row = tables_row(l->tables, i);
		if (!wanted(row, word))
			continue;
		if (made_otherwise(l, row) && !renew(l, ""))
			ok = false;
		session_begin(s, l->tables, &l->port);
		if (ok && session_run(s, row)) {
			passed++;
			(void)printf("ok - %s: %s\n", row->table, row->why);
		} else {
			failed++;
			(void)printf("not ok - %s: %s\n    line %u, %s: %s\n", row->table, row->why,
			    row->line, row->source, s->failure);
		}
		(void)fflush(stdout);
		ok = ok && restore(l, &s->key);
	}
	free(s);
	(void)printf("# %u rows on the card, %u in process only, %u cards made anew\n", passed + failed,
	    (unsigned)tables_rows(l->tables) - passed - failed, l->renewed);
	return ok ? (int)failed : -1;
}

int
main(int argc, char **argv)
{
	struct live *l = calloc(1, sizeof *l);
	struct tables *tables;
	int failed = -1;

	if (argc < 4 || argc > 5) {
		(void)fprintf(stderr, "usage: live READER TABLES RENEW [WORD]\n");
		return 2;
	}
	tables = tables_load(argv[2]);
	if (l == NULL || tables == NULL)
		return 1;
	l->port = (struct transport){ live_send, live_prepare, live_cipher };
	l->reader = argv[1];
	l->renew = argv[3];
	l->tables = tables;
	l->own = calloc(1, sizeof *l->own);
	forget_changes(&l->changes);
	if (l->own != NULL && pcsc_ok("establish context",
				  SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &l->context))) {
		if (begin(l))
			failed = run_rows(l, argc == 5 ? argv[4] : NULL);
		(void)SCardReleaseContext(l->context);
	}
	free(l->own);
	free(l);
	tables_free(tables);
	return failed == 0 ? 0 : 1;
}
