/* SPDX-License-Identifier: BSD-2-Clause */
/* What doctor makes of a TPM, of readers and of cards that no test can have here. */
#include "tests/suite.h"
#include "tools/doctor.h"

#include <stdio.h>
#include <string.h>

static struct doctor d;
static struct options options;

/* A machine where all is well. */
static void
setup(void)
{
	d = (struct doctor){ .options = &options,
		.has_config = true,
		.has_tpm = true,
		.has_readers = true,
		.has_cards = true };
	(void)snprintf(d.config.tcti, sizeof d.config.tcti, "device:/dev/tpmrm0");
	d.tpm = (struct tpm_facts){ .revision = 138,
		.has_pin_indices = true,
		.has_p256 = true,
		.has_encrypt = true,
		.owner_auth_works = true,
		.lockout_auth_set = true,
		.lockout_limit = 32 };
}

/* ---- the TPM ---- */

static void
nothing(void)
{
}

static void
old_tpm(void)
{
	d.tpm.has_pin_indices = false;
	d.tpm.revision = 116;
}

static void
no_curve(void)
{
	d.tpm.has_p256 = false;
}

static void
no_encryption(void)
{
	d.tpm.has_encrypt = false;
}

static void
every_algorithm(void)
{
	d.tpm.has_p384 = d.tpm.has_rsa3072 = d.tpm.has_rsa4096 = true;
}

static void
locked(void)
{
	d.tpm.in_lockout = true;
	d.tpm.lockout_counter = 32;
	d.tpm.lockout_recovery = 7200;
}

static void
lockout_open(void)
{
	d.tpm.lockout_auth_set = false;
}

static void
owner_unknown(void)
{
	d.tpm.owner_auth_set = true;
	d.tpm.owner_auth_works = false;
}

static void
owner_other(void)
{
	owner_unknown();
	(void)snprintf(d.config.owner_auth_file, sizeof d.config.owner_auth_file, "/etc/owner");
}

static void
software(void)
{
	(void)snprintf(d.config.tcti, sizeof d.config.tcti, "swtpm:path=/x");
}

/* ---- readers and cards ---- */

static void
reader(const char *name)
{
	(void)snprintf(d.readers.names[d.readers.count], READER_NAME_MAX, "%s", name);
	d.readers.count++;
}

static void
one_slot(void)
{
	reader("Other 00 00");
	reader(READER_NAME " 00 00");
}

static void
one_card(void)
{
	one_slot();
	d.cards[0] = (struct card_summary){
		.readable = true, .name = "Corp", .pin_left = 5, .puk_left = -1
	};
	d.card_count = 1;
}

static void
gap(void)
{
	one_card();
	d.cards[1] = d.cards[0];
	d.cards[1].instance = 2;
	d.card_count = 2;
	reader(READER_NAME " 00 01");
}

static void
ten_cards(void)
{
	unsigned i;

	for (i = 0; i < CARDS_MAX; i++)
		d.cards[i] = (struct card_summary){ .instance = i };
	d.card_count = CARDS_MAX;
}

static void
crowd(void)
{
	int i;

	one_slot();
	for (i = 0; i < 14; i++)
		reader("Other 01 00");
}

static void
blocked(void)
{
	one_card();
	d.cards[0].pin_left = 0;
}

static void
no_tries_told(void)
{
	one_card();
	d.cards[0].pin_left = -1;
}

static void
puk_blocked(void)
{
	one_card();
	d.cards[0].has_puk = true;
	d.cards[0].puk_left = 0;
}

static void
broken(void)
{
	one_card();
	d.cards[0].readable = false;
	d.cards[0].pin_left = 0;
	(void)snprintf(d.cards[0].problem.text, sizeof d.cards[0].problem.text, "cut short");
}

static void
out_of_sight(void)
{
	one_card();
	d.readers.count = 1;
}

static void
repaired(void)
{
	d.repair.found = d.repair.finished = 2;
}

static void
not_repaired(void)
{
	(void)snprintf(d.repair_problem.text, sizeof d.repair_problem.text, "the TPM is away");
}

/* clang-format off */
static const struct {
	const char *why;
	void (*stage)(void);
	check_function *check;
	enum level worst;
	const char *text, *remedy;
} rows[] = {
	{ "a good TPM", nothing, check_tpm_abilities, LEVEL_OK, "RSA-2048, P-256", "" },
	{ "all algorithms", every_algorithm, check_tpm_abilities, LEVEL_OK, "RSA-2048, P-256, P-384, RSA-3072, RSA-4096", "" },
	{ "an old one", old_tpm, check_tpm_abilities, LEVEL_PROBLEM, "PIN_FAIL", "1.16" },
	{ "one without the curve", no_curve, check_tpm_abilities, LEVEL_PROBLEM, "lacks P-256", "" },
	{ "one that does not encrypt", no_encryption, check_tpm_abilities, LEVEL_NOTE, "root can use them", "" },
	{ "not locked", nothing, check_lockout, LEVEL_OK, "0 of 32", "" },
	{ "locked", locked, check_lockout, LEVEL_PROBLEM, "after 32 wrong tries", "7200 seconds" },
	{ "anybody may clear it", lockout_open, check_lockout, LEVEL_NOTE, "not set", "tpm2_changeauth" },
	{ "no owner's password", nothing, check_owner, LEVEL_OK, "is empty", "" },
	{ "one we do not have", owner_unknown, check_owner, LEVEL_PROBLEM, "we have none", "owner_auth_file" },
	{ "one that is not ours", owner_other, check_owner, LEVEL_PROBLEM, "another", "owner_auth_file" },
	{ "a chip", nothing, check_software_tpm, LEVEL_OK, NULL, "" },
	{ "a program", software, check_software_tpm, LEVEL_NOTE, "swtpm", "" },
	{ "no driver", nothing, check_driver, LEVEL_PROBLEM, "no reader", "restart pcscd" },
	{ "the driver", one_slot, check_driver, LEVEL_OK, "1 slot", "" },
	{ "a free slot", one_slot, check_room, LEVEL_OK, "0000", "" },
	{ "none", one_card, check_room, LEVEL_WARNING, "0001", "spare_slots" },
	{ "one between two cards", gap, check_room, LEVEL_OK, "0001", "" },
	{ "ten cards", ten_cards, check_room, LEVEL_NOTE, "no other", "destroy" },
	{ "sixteen readers", crowd, check_room, LEVEL_WARNING, "16 readers", "spare_slots" },
	{ "a good card", one_card, check_cards, LEVEL_OK, "Corp", "" },
	{ "no card", nothing, check_cards, LEVEL_OK, "none", "" },
	{ "a blocked PIN", blocked, check_cards, LEVEL_PROBLEM, "PIN is blocked", "unblock /instance 0" },
	{ "one that cannot be asked", no_tries_told, check_cards, LEVEL_OK, "Corp", "" },
	{ "a blocked PUK", puk_blocked, check_cards, LEVEL_WARNING, "PUK is blocked", "administrator" },
	{ "a broken card is not called blocked", broken, check_cards, LEVEL_PROBLEM, "cut short", "destroy /instance 0" },
	{ "no reader", out_of_sight, check_cards, LEVEL_PROBLEM, "does not show", "restart pcscd" },
	{ "nothing was left", nothing, check_unfinished, LEVEL_OK, "none", "" },
	{ "something was, and is no more", repaired, check_unfinished, LEVEL_NOTE, "2 interrupted runs have", "" },
	{ "something stays", not_repaired, check_unfinished, LEVEL_PROBLEM, "the TPM is away", "tpmvscmgr repair" },
};
/* clang-format on */

/* Among what was found: one with that text, and nothing worse. */
START_TEST(finding)
{
	const struct finding *f, *wanted = NULL;
	enum level worst = LEVEL_OK;
	size_t i;

	setup();
	d.check = "test";
	rows[_i].stage();
	rows[_i].check(&d);
	for (i = 0; i < d.count; i++) {
		f = &d.findings[i];
		worst = f->level > worst ? f->level : worst;
		if (rows[_i].text != NULL && strstr(f->text, rows[_i].text) != NULL)
			wanted = f;
		ck_assert_msg(
		    f->level != LEVEL_OK || f->remedy[0] == '\0', "%s: %s", rows[_i].why, f->text);
	}
	ck_assert_msg(worst == rows[_i].worst, "%s: level %d", rows[_i].why, (int)worst);
	if (rows[_i].text == NULL) {
		ck_assert_uint_eq(d.count, 0);
		return;
	}
	ck_assert_msg(
	    wanted != NULL && wanted->level == rows[_i].worst, "%s: not found", rows[_i].why);
	ck_assert_msg(strstr(wanted->remedy, rows[_i].remedy) != NULL, "%s: do: %s", rows[_i].why,
	    wanted->remedy);
}
END_TEST

/* However many there are, the last ones are not lost beyond the end. */
START_TEST(more_than_there_is_room_for)
{
	int i;

	setup();
	d.check = "test";
	for (i = 0; i < FINDINGS_MAX + 5; i++)
		remedy(found(&d, LEVEL_PROBLEM, "%d", i), "%d", i);
	ck_assert_uint_eq(d.count, FINDINGS_MAX);
	ck_assert_str_eq(d.findings[0].text, "0");
	ck_assert_str_eq(d.findings[FINDINGS_MAX - 1].remedy, "260");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("doctor");
	TCase *tcase = tcase_create("findings");

	tcase_add_rows(tcase, finding, rows);
	tcase_add_test(tcase, more_than_there_is_room_for);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
