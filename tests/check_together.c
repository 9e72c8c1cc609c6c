/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cards of one process on one software TPM without a resource manager: side by
 * side, in each other's way, with another process beside them, and with the
 * TPM's places taken from under them.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#include "tests/cardtpm.h"
#include "tests/suite.h"
#include "tpm/link.h"
#include "tpm/rc.h"

#define MEMBERS 10
#define ROUNDS 6
#define SIGNATURES 4 /* of a member in a round */

/* Clients of one card, each with a key of its own. */
static struct cardtpm c, members[MEMBERS];

static void
setup(void)
{
	cardtpm_begin(&c, &cardtpm_usual);
	tpm_rest(c.tpm);
}

static void
teardown(void)
{
	unsigned i;

	for (i = 0; i < MEMBERS; i++)
		cardtpm_end(&members[i]);
	cardtpm_end(&c);
}

static void
join(struct cardtpm *m, enum pin_rule rule)
{
	m->config = c.config;
	m->tpm = tpm_new(&m->config);
	ck_assert_ptr_nonnull(m->tpm);
	ck_assert_int_eq(tpm_vault_open(m->tpm, wbuf_view(&c.record), &m->vault), TPM_OK);
	cardtpm_generate(m, ALG_ECC_P256, rule);
	if (rule == PIN_ONCE)
		ck_assert_int_eq(cardtpm_verify(m, CARDTPM_PIN), VAULT_OK);
}

static void
signs(struct cardtpm *m)
{
	ck_assert_int_eq(cardtpm_sign(m), VAULT_OK);
	ck_assert(cardtpm_checks(m, KEY_ECDSA));
}

/* ---- at random ---- */

static struct work {
	struct cardtpm *m;
	unsigned verifies; /* before which signature the PIN is shown again */
	struct secret pin;
	unsigned failures;
	struct wbuf signatures[SIGNATURES];
	uint8_t octets[SIGNATURES][128];
} works[MEMBERS];

static void *
work(void *context)
{
	struct work *w = context;
	unsigned i;

	for (i = 0; i < SIGNATURES; i++) {
		if (i == w->verifies)
			w->failures += vault_verify(w->m->vault, &w->pin) != VAULT_OK;
		w->failures += cardtpm_sign(w->m) != VAULT_OK;
		w->signatures[i] = wbuf_over(w->octets[i], sizeof w->octets[i]);
		wbuf_put(&w->signatures[i], wbuf_view(&w->m->out));
	}
	return NULL;
}

/* All that have been joined sign at the same time; every signature is checked. */
static void
work_together(unsigned n, unsigned round)
{
	pthread_t threads[MEMBERS];
	unsigned i, k;

	for (i = 0; i < n; i++) {
		works[i] = (struct work){ .m = &members[i], .verifies = i + round };
		ck_assert(secret_set(&works[i].pin, rbuf_str(CARDTPM_PIN)));
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &works[i]), 0);
	}
	for (i = 0; i < n; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	for (i = 0; i < n; i++) {
		ck_assert_msg(works[i].failures == 0, "member %u failed", i);
		for (k = 0; k < SIGNATURES; k++) {
			members[i].out.len = 0;
			wbuf_put(&members[i].out, wbuf_view(&works[i].signatures[k]));
			ck_assert_msg(cardtpm_checks(&members[i], KEY_ECDSA), "member %u", i);
		}
	}
}

START_TEST(ten_at_random)
{
	unsigned i;

	for (i = 0; i < MEMBERS; i++)
		join(&members[i], i % 2 == 0 ? PIN_NEVER : PIN_ONCE);
	for (i = 0; i < ROUNDS; i++)
		work_together(MEMBERS, i % 3);
	for (i = 0; i < MEMBERS; i++)
		vault_disarm(members[i].vault);
	/* Two members keep a key and a session; there is room for others. */
	ck_assert_uint_le(cardtpm_loaded_count(&c), 4);
	for (i = 0; i < MEMBERS; i++)
		tpm_rest(members[i].tpm);
	ck_assert_uint_eq(cardtpm_loaded_count(&c), 0);
}
END_TEST

/* ---- two in turn ---- */

#define IN_TURN 10

/* A command that is under way when one looks is not counted yet: one more in this, one less in that. */
#define SLACK 2

static unsigned
commands(const struct cardtpm *m)
{
	struct tpm_spent spent;

	tpm_spent(m->tpm, &spent);
	return spent.commands;
}

/* How many commands so many signatures take; other (or NULL) signs in between. */
static unsigned
cost(struct cardtpm *m, struct cardtpm *other)
{
	unsigned before, i;

	signs(m);
	if (other != NULL)
		signs(other);
	before = commands(m);
	for (i = 0; i < IN_TURN; i++) {
		signs(m);
		if (other != NULL)
			signs(other);
	}
	return commands(m) - before;
}

static void
join_two(void)
{
	join(&members[0], PIN_ONCE);
	join(&members[1], PIN_ONCE);
	vault_disarm(members[0].vault);
	vault_disarm(members[1].vault);
}

START_TEST(two_in_turn_load_nothing)
{
	unsigned single;

	join_two();
	single = cost(&members[0], NULL);
	ck_assert_uint_le(cost(&members[0], &members[1]), single + SLACK);
	ck_assert_uint_le(cost(&members[1], &members[0]), single + SLACK);
	ck_assert_uint_eq(cardtpm_loaded_count(&c), 4);
}
END_TEST

START_TEST(who_rests_takes_his_own_along)
{
	unsigned single;

	join_two();
	single = cost(&members[0], &members[1]);
	signs(&members[1]);
	signs(&members[0]);
	tpm_rest(members[1].tpm);
	ck_assert_uint_eq(cardtpm_loaded_count(&c), 2);
	ck_assert_uint_le(cost(&members[0], NULL), single + SLACK);
	signs(&members[1]);
	cardtpm_end(&members[1]);
	ck_assert_uint_eq(cardtpm_loaded_count(&c), 2);
	ck_assert_uint_le(cost(&members[0], NULL), single + SLACK);
}
END_TEST

/* ---- accidents ---- */

static void
restart(void)
{
	swtpm_kill(&c.swtpm);
	swtpm_start(&c.swtpm);
}

/* Somebody who knows of no lease flushes all there is. */
static void
flush_all(void)
{
	static const TPM2_HANDLE kinds[] = { 0x80000000U, 0x02000000U };
	TSS2_TCTI_CONTEXT *tcti = NULL;
	TSS2_SYS_CONTEXT *sys = NULL;
	TPMS_CAPABILITY_DATA data;
	TPMI_YES_NO more;
	ESYS_CONTEXT *esys = NULL;
	size_t i;
	UINT32 k;

	ck_assert_uint_eq(Tss2_TctiLdr_Initialize(c.config.tcti, &tcti), 0);
	ck_assert_uint_eq(Esys_Initialize(&esys, tcti, NULL), 0);
	ck_assert_uint_eq(Esys_GetSysContext(esys, &sys), 0);
	for (i = 0; i < 2; i++) {
		ck_assert_uint_eq(Tss2_Sys_GetCapability(sys, NULL, TPM2_CAP_HANDLES, kinds[i], 64,
				      &more, &data, NULL), 0);
		for (k = 0; k < data.data.handles.count; k++)
			ck_assert_uint_eq(
			    Tss2_Sys_FlushContext(sys, data.data.handles.handle[k]), 0);
	}
	Esys_Finalize(&esys);
	Tss2_TctiLdr_Finalize(&tcti);
}

static const struct {
	const char *why;
	void (*strike)(void);
} accidents[] = {
	{ "the TPM is restarted", restart },
	{ "a stranger flushes all", flush_all },
};

START_TEST(what_was_loaded_is_gone)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		join(&members[i], PIN_NEVER);
	for (i = 0; i < 12; i++) {
		signs(&members[i % 2]);
		/* So that either of the two is first afterwards, or a third. */
		if (i % 4 == 3) {
			accidents[_i].strike();
			signs(&members[i / 4]);
		}
	}
	work_together(3, SIGNATURES);
}
END_TEST

/* Another process, in and out, and killed in the middle. */
static void
neighbour(struct cardtpm *m)
{
	m->tpm = tpm_new(&m->config);
	if (tpm_vault_open(m->tpm, wbuf_view(&c.record), &m->vault) != TPM_OK)
		_exit(1);
	for (;;) {
		if (cardtpm_sign(m) != VAULT_OK)
			_exit(1);
	}
}

START_TEST(a_killed_neighbour)
{
	struct cardtpm *other = &members[2];
	unsigned round;
	int status;
	pid_t pid;

	join(&members[0], PIN_NEVER);
	join(&members[1], PIN_NEVER);
	join(other, PIN_NEVER);
	for (round = 0; round < 4; round++) {
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			(void)alarm(60);
			neighbour(other);
		}
		work_together(2, SIGNATURES);
		(void)poll(NULL, 0, 20);
		work_together(2, SIGNATURES);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		work_together(2, SIGNATURES);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFSIGNALED(status), "the neighbour failed before it was killed");
	}
}
END_TEST

/* ---- a command under way when the turn ends ---- */

static void
send(struct tpm *t)
{
	ck_assert_uint_eq(link_begin(t, LINK_SECONDS, NULL), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(Tss2_Sys_GetRandom_Prepare(t->sys, 8), TSS2_RC_SUCCESS);
	ck_assert_int_eq(kill(c.swtpm.pid, SIGSTOP), 0);
	ck_assert_uint_eq(Tss2_Sys_ExecuteAsync(t->sys), TSS2_RC_SUCCESS);
	link_end(t);
}

static const enum link_use uses[] = { LINK_ALONE, LINK_LOAD };

START_TEST(a_command_left_behind_goes_first)
{
	struct tpm *a = c.tpm, *b = tpm_new(&c.config);
	TPM2B_DIGEST random = { .size = 0 };

	/* The turn is over; what the next one sends waits behind it. */
	send(a);
	ck_assert_uint_ne(link_enter(b, LINK_KEPT, 1, NULL), TSS2_RC_SUCCESS);
	ck_assert_int_eq(kill(c.swtpm.pid, SIGCONT), 0);
	while (link_late(b))
		(void)usleep(1000);
	ck_assert_uint_eq(link_begin(b, LINK_SECONDS, NULL), TSS2_RC_SUCCESS);
	link_end(b);
	/* The answer waits for whoever sent the command. */
	ck_assert_uint_eq(link_begin(a, LINK_SECONDS, NULL), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(Tss2_Sys_ExecuteFinish(a->sys, TSS2_TCTI_TIMEOUT_BLOCK), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(Tss2_Sys_GetRandom_Complete(a->sys, &random), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(random.size, 8);
	link_end(a);
	tpm_free(b);
}
END_TEST

START_TEST(an_answer_nobody_asks_for)
{
	struct tpm *a = tpm_new(&c.config), *b = tpm_new(&c.config);

	send(a);
	ck_assert_int_eq(kill(c.swtpm.pid, SIGCONT), 0);
	tpm_rest(a);
	send(a);
	ck_assert_int_eq(kill(c.swtpm.pid, SIGCONT), 0);
	ck_assert_uint_eq(link_begin(b, LINK_SECONDS, NULL), TSS2_RC_SUCCESS);
	link_end(b);
	tpm_free(a);
	/* The TPM does not answer before the client is gone: that is no reason for others to wait. */
	a = tpm_new(&c.config);
	send(a);
	tpm_free(a);
	ck_assert_int_eq(kill(c.swtpm.pid, SIGCONT), 0);
	ck_assert_uint_eq(link_begin(b, LINK_SECONDS, NULL), TSS2_RC_SUCCESS);
	link_end(b);
	tpm_free(b);
}
END_TEST

/* A proof is to be forgotten while a neighbour has a long turn: it is, and the answer that was out is in nobody's way. */
START_TEST(a_proof_is_forgotten_in_a_neighbours_turn)
{
	struct cardtpm *m = &members[0];
	struct tpm *b = tpm_new(&c.config);

	join(m, PIN_ONCE);
	vault_disarm(m->vault);
	signs(m);
	ck_assert_uint_eq(link_enter(b, uses[_i], LINK_SECONDS, NULL), TSS2_RC_SUCCESS);
	vault_forget(m->vault);
	link_end(b);
	ck_assert_int_eq(cardtpm_sign(m), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(m, CARDTPM_PIN), VAULT_OK);
	signs(m);
	signs(m);
	tpm_free(b);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("together");
	TCase *tc = tcase_create("together");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, ten_at_random);
	tcase_add_test(tc, two_in_turn_load_nothing);
	tcase_add_test(tc, who_rests_takes_his_own_along);
	tcase_add_rows(tc, what_was_loaded_is_gone, accidents);
	tcase_add_test(tc, a_killed_neighbour);
	tcase_add_test(tc, a_command_left_behind_goes_first);
	tcase_add_test(tc, an_answer_nobody_asks_for);
	tcase_add_rows(tc, a_proof_is_forgotten_in_a_neighbours_turn, uses);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
