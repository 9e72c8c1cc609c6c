/* SPDX-License-Identifier: BSD-2-Clause */
/* The conformance tables against the PIV card application in process, over fake ports. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "applet/sw.h"
#include "tests/conformance/notation.h"
#include "tests/conformance/session.h"
#include "tests/fake_card.h"
#include "tests/suite.h"

/* What has to run in process as well as on a real card. */
#define BOTH_MIN 400

static struct tables *tables;
static int in_process[2000], in_process_count; /* which rows run here */

/* ---- the transport ---- */

struct fake {
	struct transport port; /* first */
	struct fake_card *card;
	struct piv_host host;
};

static struct fake_card *
card_of(struct transport *t)
{
	return ((struct fake *)(void *)t)->card;
}

/* What a card has that was made with the default PIN, another PUK, and the default 9B. */
static void
note_defaults(struct fake_card *card)
{
	static const uint32_t references[] = { 0x80, 0x9b };
	size_t i;

	for (i = 0; i < 2; i++)
		ck_assert_int_eq(store_put(&card->store.port, STORE_DEFAULT, references[i],
				     rbuf_str("default\n")),
		    STORE_OK);
}

/* Make the card anew, as tpmvscmgr's side of RESET does. */
static enum store_err
start_over(struct piv_host *host)
{
	static const uint8_t others[] = { 0x9a, 0x9c, 0x9d, 0x9e };
	struct fake *fake = (struct fake *)(void *)((char *)host - offsetof(struct fake, host));
	struct fake_card *card = fake->card, *fresh = fake_card_new();
	size_t i;

	card->vault = fresh->vault;
	fake_vault_share(&card->vault, &card->vault.own);
	card->store = fresh->store;
	fake_card_free(fresh);
	note_defaults(card);
	card->vault.references[REFERENCE_PUK].value = card->vault.references[REFERENCE_PIN].value;
	for (i = 0; i < sizeof others; i++)
		ck_assert_int_eq(store_remove(&card->store.port, STORE_KEY, others[i]), STORE_OK);
	ck_assert_int_eq(store_remove(&card->store.port, STORE_OBJECT, 0x5fc102), STORE_OK);
	ck_assert_int_eq(store_remove(&card->store.port, STORE_OBJECT, 0x5fc105), STORE_OK);
	piv_init(&card->piv, &card->vault.port, &card->store.port, &card->profile, host);
	return STORE_OK;
}

static bool
fake_send(struct transport *t, struct rbuf command, struct wbuf *answer)
{
	struct fake_card *card = card_of(t);

	(void)fake_card_send(card, command, sizeof card->answer);
	wbuf_put(answer, rbuf_of(card->answer, card->answer_len));
	return true;
}

/* The fake vault's cipher undoes itself, and knows no key. */
static bool
fake_cipher(struct transport *t, const struct admin_key *key, bool decrypt, struct rbuf block,
    struct wbuf *out)
{
	size_t i;

	(void)t;
	(void)decrypt;
	for (i = 0; i < block.len; i++)
		wbuf_u8(out, fake_vault_mix(key->algorithm, rbuf_at(block, i)));
	return true;
}

/* ---- what only fakes can be told to do ---- */

static void
reset(struct fake_card *card)
{
	piv_reset(&card->piv);
}

static void
no_puk(struct fake_card *card)
{
	card->vault.references[REFERENCE_PUK].present = false;
}

static void
tries_unreadable(struct fake_card *card)
{
	card->vault.unreadable = true;
}

static void
vault_fault(struct fake_card *card)
{
	fake_vault_fail(&card->vault, 1, VAULT_FAULT);
}

static void
vault_fault_second(struct fake_card *card)
{
	fake_vault_fail(&card->vault, 2, VAULT_FAULT);
}

static void
vault_full(struct fake_card *card)
{
	fake_vault_fail(&card->vault, 1, VAULT_FULL);
}

static void
store_fault(struct fake_card *card)
{
	fake_store_fail(&card->store, 1, STORE_FAULT);
}

static void
store_full(struct fake_card *card)
{
	fake_store_fail(&card->store, 1, STORE_FULL);
}

static void
pin_expires(struct fake_card *card)
{
	card->vault.once = card->vault.always = false;
}

static void
admin_hidden(struct fake_card *card)
{
	card->vault.admin_hidden = true;
	card->vault.memory->admin_serial = 1;
}

static void
no_reset(struct fake_card *card)
{
	card->profile.allow_reset = false;
}

/* As /pinpolicy minlen 6 maxlen 8 makes it, and nothing but digits. */
static void
digits(struct fake_card *card)
{
	card->profile.policy = (struct pin_policy){ .min = 6,
		.max = 8,
		.rules = { CLASS_DISALLOWED, CLASS_DISALLOWED, CLASS_ALLOWED, CLASS_DISALLOWED },
		.printable = true };
}

static const struct {
	const char *name;
	void (*act)(struct fake_card *card);
} preparations[] = {
	{ "reset", reset },
	{ "unpower", reset }, /* the applet is told of both alike */
	{ "no-puk", no_puk },
	{ "tries-unreadable", tries_unreadable },
	{ "vault-fault", vault_fault },
	{ "vault-fault-second", vault_fault_second },
	{ "vault-full", vault_full },
	{ "store-fault", store_fault },
	{ "store-full", store_full },
	{ "pin-expires", pin_expires },
	{ "admin-hidden", admin_hidden },
	{ "no-reset", no_reset },
	{ "digits", digits },
};

static bool
fake_prepare(struct transport *t, const char *what)
{
	size_t i;

	for (i = 0; i < sizeof preparations / sizeof preparations[0]; i++) {
		if (strcmp(what, preparations[i].name) == 0) {
			preparations[i].act(card_of(t));
			return true;
		}
	}
	return false;
}

/* ---- the rows ---- */

/* Run a row on a new card; false, with the reason in why, when it does something else. */
static bool
run_row(const struct table_row *r, char *why, size_t size)
{
	struct fake fake = { .port = { fake_send, fake_prepare, fake_cipher }, .host = { .start_over = start_over } };
	struct session *s = malloc(sizeof *s);
	bool ok;

	ck_assert_ptr_nonnull(s);
	fake.card = fake_card_new();
	fake.card->piv.host = &fake.host;
	fake.card->profile.allow_reset = true;
	fake.card->profile.guid[0] = 0xa0;
	fake.card->profile.guid[1] = 0xb1;
	fake.card->profile.guid[2] = 0xc2;
	fake.card->profile.guid[3] = 0xd3;
	note_defaults(fake.card);
	session_begin(s, tables, &fake.port);
	ok = session_run(s, r);
	(void)snprintf(why, size, "%s", s->failure);
	fake_card_free(fake.card);
	free(s);
	return ok;
}

START_TEST(row)
{
	const struct table_row *r = tables_row(tables, (size_t)in_process[_i]);
	char why[1024];
	bool ok = run_row(r, why, sizeof why);

	ck_assert_msg(ok, "%s.table:%u: %s (%s): %s", r->table, r->line, r->why, r->source, why);
}
END_TEST

/* ---- the tables as a whole ---- */

START_TEST(enough_rows)
{
	size_t i, both = 0;

	for (i = 0; i < tables_rows(tables); i++)
		both += tables_row(tables, i)->fake && tables_row(tables, i)->live;
	ck_assert_uint_ge(both, BOTH_MIN);
}
END_TEST

/* Whether a row expects that status word; the count in 61xx and 63Cx does not matter. */
static bool
expected_somewhere(unsigned sw)
{
	const unsigned mask = sw == SW_BYTES_REMAINING ? 0xff00
			      : sw == SW_TRIES_LEFT      ? 0xfff0
							 : 0xffff;
	const struct table_row *r;
	unsigned found;
	size_t i;

	for (i = 0; i < tables_rows(tables); i++) {
		r = tables_row(tables, i);
		if (sscanf(r->steps[r->count - 1].sw, "%4x", &found) == 1 && (found & mask) == sw)
			return true;
	}
	return false;
}

/* Every status word the application can send is one of sw.h; each has its row. */
START_TEST(every_status_word)
{
	char path[1024], line[256], name[64];
	unsigned sw, count = 0;
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/applet/sw.h", getenv("srcdir"));
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s", path);
	while (fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, " SW_%63[A-Z0-9_] = 0x%4x", name, &sw) != 2)
			continue;
		count++;
		ck_assert_msg(expected_somewhere(sw), "no row expects SW_%s (%04x)", name, sw);
	}
	(void)fclose(file);
	ck_assert_uint_ge(count, 20);
	ck_assert(!expected_somewhere(0x6f42));
}
END_TEST

/* ---- the notation itself ---- */

static const struct {
	const char *text, *octets;
	bool fits;
} fitting[] = {
	{ "", "", true },
	{ "", "00", false },
	{ "53 14 c1*20", "53 14 c1*20", true },
	{ "53 14 c1*20", "53 14 c1*19", false },
	{ "53 14 c1*20", "53 14 c1*19 c2", false },
	{ "0102*2", "01 02 01 02", true },
	{ "??*3", "01 02 03", true },
	{ "??*3", "01 02", false },
	{ "...", "", true },
	{ "...", "01 02", true },
	{ "01 ... 03", "01 02 02 03", true },
	{ "01 ... 03", "01 03", true },
	{ "01 ... 03", "01 02", false },
	{ "7c{82{...}}", "7c 04 82 02 aa bb", true },
	{ "7c{82{...}}", "7c 04 82 01 aa bb", false },
	{ "7c{82{...}}", "7c 05 82 02 aa bb", false },
	{ "7c{82{...}}", "7c 81 04 82 02 aa bb", false },
	{ "7c{82{...}}", "7c 04 82 02 aa bb 00", false },
	{ "7f49{86{04 ??*64}}", "7f 49 43 86 41 04 c3*64", true },
	{ "53{aa*128}", "53 81 80 aa*128", true },
	{ "53{aa*128}", "53 82 00 80 aa*128", false },
	{ "53{aa*256}", "53 82 01 00 aa*256", true },
	{ "53{aa", "53 01 aa", false },
	{ "zz", "00", false },
	{ "5", "05", false },
	{ "[aa]", "01 aa", false },
	{ "enc(00 01)", "00 01 00", true },
	{ "@nonce", "11 22", true },
	{ "cut(@nonce)", "11", true },
	{ "01\t02  03", "01 02 03", true },
};

/* Not a cipher, but enough to see which one was asked for. */
static bool
plus(void *context, enum notation_cipher which, struct rbuf block, struct wbuf *out)
{
	(void)context;
	wbuf_put(out, block);
	wbuf_u8(out, (uint8_t)which);
	return true;
}

static const struct notation_values some_values = { { (const uint8_t *)"\x11\x22", 2 }, plus, NULL };

START_TEST(fitting_octets)
{
	uint8_t octets[1024];
	size_t len = fake_card_octets(fitting[_i].octets, octets, sizeof octets);

	ck_assert_msg(notation_fits(fitting[_i].text, &some_values, rbuf_of(octets, len)) ==
			  fitting[_i].fits,
	    "%s and %s", fitting[_i].text, fitting[_i].octets);
}
END_TEST

static const struct {
	const char *text, *octets; /* NULL: malformed */
} written[] = {
	{ "00 cb 3f ff [5c{5fc102}] 00", "00 cb 3f ff 05 5c 03 5f c1 02 00" },
	{ "00 db 3f ff x[53{aa*300}] 0000", "00 db 3f ff 00 01 30 53 82 01 2c aa*300 00 00" },
	{ "[]", "00" },
	{ "x[]", "00 00 00" },
	{ "[aa*256]", NULL },
	{ "enc(01) dec(02) stale(cut(03 04))", "01 00 02 01 03 02" },
	{ "cut()", NULL },
	{ "oops(01)", NULL },
	{ "7c{@nonce}", "7c 02 11 22" },
	{ "7c{81{01}", NULL },
	{ "7c{81(01}}", NULL },
	{ "00 ??", NULL },
	{ "00 ...", NULL },
	{ "0", NULL },
	{ "0g", NULL },
};

START_TEST(written_octets)
{
	uint8_t want[1024], got[1024];
	struct wbuf out = wbuf_over(got, sizeof got);
	bool ok = notation_write(written[_i].text, &some_values, &out);
	size_t len;

	ck_assert_msg(ok == (written[_i].octets != NULL), "%s", written[_i].text);
	if (ok) {
		len = fake_card_octets(written[_i].octets, want, sizeof want);
		ck_assert_msg(
		    rbuf_eq(wbuf_view(&out), rbuf_of(want, len)), "%s", written[_i].text);
	}
}
END_TEST

/* ---- rows that have to fail ---- */

#define CHUID "00 cb 3f ff [5c{5fc102}]"

static const struct table_row failing[] = {
	{ .given = "-", .steps = { { CHUID, "9000", "53{c1*19}" } }, .count = 1 },
	{ .given = "-", .steps = { { CHUID, "9001", "53{c1*20}" } }, .count = 1 },
	{ .given = "-", .steps = { { CHUID, "9000", "" } }, .count = 1 },
	{ .given = "-", .steps = { { CHUID " 08", "9000", NULL } }, .count = 1 },
	{ .given = "-", .steps = { { "00 fd 00", "9000", "" }, { CHUID, "9000", NULL } }, .count = 2 },
	{ .given = "nowhere", .steps = { { CHUID, "9000", NULL } }, .count = 1 },
	{ .given = "!nothing", .steps = { { CHUID, "9000", NULL } }, .count = 1 },
	{ .given = "-", .steps = { { "zz", "6700", NULL } }, .count = 1 },
};

START_TEST(row_fails)
{
	char why[1024];

	ck_assert(!run_row(&failing[_i], why, sizeof why));
	ck_assert_str_ne(why, "");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conformance");
	TCase *tcase = tcase_create("conformance");
	const char *srcdir = getenv("srcdir");
	char dir[1024];
	size_t i;

	(void)snprintf(dir, sizeof dir, "%s/tests/conformance", srcdir != NULL ? srcdir : ".");
	tables = tables_load(dir);
	if (tables == NULL)
		return EXIT_FAILURE;
	for (i = 0; i < tables_rows(tables); i++) {
		if (tables_row(tables, i)->fake)
			in_process[in_process_count++] = (int)i;
	}
	tcase_add_loop_test(tcase, row, 0, in_process_count);
	tcase_add_test(tcase, enough_rows);
	tcase_add_test(tcase, every_status_word);
	tcase_add_rows(tcase, fitting_octets, fitting);
	tcase_add_rows(tcase, written_octets, written);
	tcase_add_rows(tcase, row_fails, failing);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
