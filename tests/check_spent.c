/* SPDX-License-Identifier: BSD-2-Clause */
/* What the TPM took is counted: each command that went by, with its time, over connections. */
#include <signal.h>
#include <time.h>
#include <tss2/tss2_tpm2_types.h>

#include "tests/cardtpm.h"
#include "tests/suite.h"
#include "tests/tap.h"

#define SLOW_NS 20000000

/* What went by. */
struct traffic {
	unsigned commands, slow;
};

static struct cardtpm c;
static struct traffic traffic;
static struct tap *tap;

static size_t
count(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	struct traffic *t = context;

	(void)code;
	(void)octets;
	t->commands++;
	return len;
}

/* A TPM that takes its time over random numbers. */
static void
linger(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	const struct timespec pause = { .tv_nsec = SLOW_NS };
	struct traffic *t = context;

	(void)octets;
	(void)len;
	if (code != TPM2_CC_GetRandom)
		return;
	t->slow++;
	(void)nanosleep(&pause, NULL);
}

static const struct tap_hooks hooks = { count, linger, &traffic };

static void
setup(void)
{
	cardtpm_prepare(&c);
	traffic = (struct traffic){ .commands = 0 };
	tap = tap_begin(&c.swtpm, &hooks);
	c.config.tcti = tap_tcti(tap);
	cardtpm_make(&c, &cardtpm_usual, rbuf_of(NULL, 0));
}

static void
teardown(void)
{
	cardtpm_end(&c);
	tap_end(tap);
}

/* Octets of random numbers from the TPM. */
static enum vault_err
draw(void)
{
	uint8_t octets[8];
	struct wbuf out = wbuf_over(octets, sizeof octets);

	return vault_random(c.vault, sizeof octets, &out);
}

START_TEST(every_command_is_counted)
{
	struct tpm_spent before, after;
	int i;

	tpm_spent(c.tpm, &before);
	ck_assert_uint_eq(before.commands, traffic.commands);
	ck_assert_uint_gt(before.ns, 0);
	for (i = 0; i < 3; i++) {
		traffic.slow = 0;
		ck_assert_int_eq(draw(), VAULT_OK);
		tpm_spent(c.tpm, &after);
		ck_assert_uint_gt(after.commands, before.commands);
		ck_assert_uint_eq(after.commands, traffic.commands);
		ck_assert_uint_gt(traffic.slow, 0);
		ck_assert_uint_ge(after.ns - before.ns, traffic.slow * (uint64_t)SLOW_NS);
		tpm_rest(c.tpm);
		tpm_spent(c.tpm, &before);
		ck_assert_uint_eq(before.commands, traffic.commands);
		ck_assert_uint_ge(before.ns, after.ns);
	}
}
END_TEST

/* A command without an answer counts, with the time it was waited for. */
START_TEST(a_late_command_is_counted)
{
	struct tpm_spent before, after;
	int tries;

	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(kill(c.swtpm.pid, SIGSTOP), 0);
	tpm_spent(c.tpm, &before);
	ck_assert_int_eq(draw(), VAULT_FAULT);
	ck_assert_int_eq(kill(c.swtpm.pid, SIGCONT), 0);
	for (tries = 0; tries < 100 && draw() != VAULT_OK; tries++)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	tpm_rest(c.tpm);
	tpm_spent(c.tpm, &after);
	ck_assert_uint_eq(after.commands, traffic.commands);
	ck_assert_uint_gt(after.ns - before.ns, 1000000000);
}
END_TEST

static enum vault_err
verify(void)
{
	return cardtpm_verify(&c, CARDTPM_PIN);
}

static enum vault_err
check_puk(void)
{
	SECRET(puk);

	ck_assert(secret_set(&puk, rbuf_str(CARDTPM_PUK)));
	return vault_check(c.vault, REFERENCE_PUK, &puk);
}

static enum vault_err
change_pin(void)
{
	return cardtpm_change(&c, REFERENCE_PIN, CARDTPM_PIN, CARDTPM_PIN);
}

static enum vault_err
unblock(void)
{
	return cardtpm_unblock(&c, CARDTPM_PUK, CARDTPM_PIN);
}

static enum vault_err
ask_tries(void)
{
	struct tries tries;

	return vault_tries(c.vault, REFERENCE_PIN, &tries);
}

static const struct {
	const char *what;
	enum vault_err (*act)(void);
	unsigned derivations;
} acts[] = {
	{ "VERIFY", verify, 1 },
	{ "check of the PUK", check_puk, 1 },
	{ "change of the PIN", change_pin, 2 },
	{ "unblocking", unblock, 2 },
	{ "random numbers", draw, 0 },
	{ "tries left", ask_tries, 0 },
};

/* However fast a machine is: scrypt with 8 MiB takes it a millisecond. */
#define DERIVATION_NS 1000000U

/* Derivations are counted where there are some, and are none of the TPM's time. */
START_TEST(derivations_are_counted)
{
	struct timespec begun, ended;
	struct tpm_spent before, after;
	uint64_t deriving, all;

	tpm_spent(c.tpm, &before);
	(void)clock_gettime(CLOCK_MONOTONIC, &begun);
	ck_assert_int_eq(acts[_i].act(), VAULT_OK);
	(void)clock_gettime(CLOCK_MONOTONIC, &ended);
	tpm_spent(c.tpm, &after);
	deriving = after.deriving_ns - before.deriving_ns;
	all = (uint64_t)((ended.tv_sec - begun.tv_sec) * 1000000000 + ended.tv_nsec - begun.tv_nsec);
	ck_assert_msg(acts[_i].derivations == 0 ? deriving == 0 :
		deriving >= acts[_i].derivations * (uint64_t)DERIVATION_NS, "%s: %ju ns",
	    acts[_i].what, (uintmax_t)deriving);
	ck_assert_msg(deriving + (after.ns - before.ns) <= all, "%s: counted twice", acts[_i].what);
}
END_TEST

/* A card is made while its keys are derived: what is counted is less than all of it. */
START_TEST(derivations_of_a_new_card_are_counted)
{
	struct timespec begun, ended;
	struct tpm_spent spent;
	struct cardtpm other;
	uint64_t all;

	(void)clock_gettime(CLOCK_MONOTONIC, &begun);
	cardtpm_join(&other, &c, &cardtpm_usual);
	(void)clock_gettime(CLOCK_MONOTONIC, &ended);
	tpm_spent(other.tpm, &spent);
	all = (uint64_t)((ended.tv_sec - begun.tv_sec) * 1000000000 + ended.tv_nsec - begun.tv_nsec);
	ck_assert_uint_gt(spent.deriving_ns, 0);
	ck_assert_uint_le(spent.deriving_ns + spent.ns, all);
	cardtpm_end(&other);
}
END_TEST

/* A client that asked nothing spent nothing. */
START_TEST(nothing_is_spent_on_nothing)
{
	struct tpm *t = tpm_new(&c.config);
	struct tpm_spent spent = { .commands = 1, .deriving_ns = 1 };

	ck_assert_ptr_nonnull(t);
	tpm_rest(t);
	tpm_spent(t, &spent);
	ck_assert_uint_eq(spent.commands, 0);
	ck_assert_uint_eq(spent.ns, 0);
	ck_assert_uint_eq(spent.deriving_ns, 0);
	tpm_free(t);
}
END_TEST

/*
 * A further card: 3 commands to connect, 4 to plan, 30 to make it.  These
 * are two sessions, the card management key, K brought in and out, the first
 * nonce, and six for each index; more is a step backwards.
 */
START_TEST(a_card_is_made_with_few_commands)
{
	struct tpm_spent spent;
	struct cardtpm other;

	cardtpm_join(&other, &c, &cardtpm_usual);
	tpm_spent(other.tpm, &spent);
	ck_assert_uint_le(spent.commands, 37);
	cardtpm_end(&other);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("spent");
	TCase *tcase = tcase_create("spent");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, every_command_is_counted);
	tcase_add_test(tcase, a_late_command_is_counted);
	tcase_add_rows(tcase, derivations_are_counted, acts);
	tcase_add_test(tcase, derivations_of_a_new_card_are_counted);
	tcase_add_test(tcase, nothing_is_spent_on_nothing);
	tcase_add_test(tcase, a_card_is_made_with_few_commands);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
