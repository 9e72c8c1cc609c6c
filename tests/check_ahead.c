/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is sent ahead of time: in which order the TPM does it, and what becomes of
 * a card when the TPM dies or hangs before, behind or in the middle of it.
 */
#include <openssl/sha.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/cardtpm.h"
#include "tests/suite.h"
#include "tests/tap.h"
#include "tpm/link.h"

static struct cardtpm c;

/* ---- order ---- */

#define PROCESSES 3
#define ROUNDS 1000
#define DEBUG_PCR 16

/*
 * What the TPM is to have done, in order; written by who has the turn.  An
 * extended PCR tells the order in which it was done.
 */
struct account {
	unsigned n, sides;
	uint8_t marks[2 * PROCESSES * ROUNDS];
};

static TSS2_RC
extend(TSS2_SYS_CONTEXT *sys, uint8_t mark)
{
	const TSS2L_SYS_AUTH_COMMAND auths = { .count = 1,
		.auths = { { .sessionHandle = TPM2_RS_PW } } };
	const TPML_DIGEST_VALUES values = { .count = 1,
		.digests = { { .hashAlg = TPM2_ALG_SHA256, .digest.sha256 = { mark } } } };
	TSS2_RC rc = Tss2_Sys_PCR_Extend_Prepare(sys, DEBUG_PCR, &values);

	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_SetCmdAuths(sys, &auths);
	return rc == TSS2_RC_SUCCESS ? Tss2_Sys_ExecuteAsync(sys) : rc;
}

/* Collect what is out on a context of this epoch; false when it failed. */
static bool
collect(TSS2_SYS_CONTEXT *sys, bool *out)
{
	const bool was_out = *out;

	*out = false;
	return !was_out || Tss2_Sys_ExecuteFinish(sys, TSS2_TCTI_TIMEOUT_BLOCK) == TSS2_RC_SUCCESS;
}

/* One turn: a command, and another behind it; either may be left out there. */
static bool
turn(struct tpm *t, struct account *a, uint8_t mark, bool leave, bool *first, bool *second)
{
	static const struct timespec at_once = { .tv_sec = 0 };

	if (!collect(t->sys, first) || !collect(t->side.sys, second) ||
	    extend(t->sys, mark) != TSS2_RC_SUCCESS)
		return false;
	a->marks[a->n++] = mark;
	*first = true;
	if (!link_side(t))
		return false;
	wire_deadline(t->side.wire, &at_once);
	/* It may be that too many stand in line; then it was not sent. */
	if (extend(t->side.sys, mark + 1) == TSS2_RC_SUCCESS) {
		a->marks[a->n++] = mark + 1;
		a->sides++;
		*second = true;
	}
	return leave || collect(t->sys, first);
}

static int
client(const struct tpm_config *config, struct account *a, uint8_t mark)
{
	struct tpm *t = tpm_new(config);
	bool first = false, second = false, ok = t != NULL;
	unsigned epoch = 0, i;

	for (i = 0; i < ROUNDS && ok; i++) {
		ok = link_begin(t, 60, NULL) == TSS2_RC_SUCCESS;
		if (!ok)
			break;
		if (epoch != t->epoch)
			first = second = false;
		epoch = t->epoch;
		ok = turn(t, a, mark, i % 3 == 0, &first, &second);
		link_end(t);
	}
	tpm_free(t);
	return ok ? 0 : 1;
}

static void
fold(const struct account *a, uint8_t pcr[SHA256_DIGEST_LENGTH])
{
	uint8_t in[2 * SHA256_DIGEST_LENGTH];
	struct wbuf w;
	unsigned i;

	memset(pcr, 0, SHA256_DIGEST_LENGTH);
	for (i = 0; i < a->n; i++) {
		w = wbuf_over(in, sizeof in);
		wbuf_put(&w, rbuf_of(pcr, SHA256_DIGEST_LENGTH));
		wbuf_u8(&w, a->marks[i]);
		wbuf_fill(&w, 0, SHA256_DIGEST_LENGTH - 1);
		(void)SHA256(in, sizeof in, pcr);
	}
}

START_TEST(the_tpm_does_things_in_order)
{
	const TPML_PCR_SELECTION which = { .count = 1,
		.pcrSelections = {
		    { .hash = TPM2_ALG_SHA256, .sizeofSelect = 3, .pcrSelect = { 0, 0, 1 } } } };
	struct account *a = mmap(NULL, sizeof *a, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint8_t expected[SHA256_DIGEST_LENGTH];
	TPML_PCR_SELECTION read;
	TPML_DIGEST values;
	UINT32 counter;
	pid_t pids[PROCESSES];
	int i, status;

	ck_assert_ptr_ne(a, MAP_FAILED);
	cardtpm_prepare(&c);
	c.tpm = tpm_new(&c.config);
	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			_exit(client(&c.config, a, (uint8_t)(1 + 2 * i)));
	}
	for (i = 0; i < PROCESSES; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "client %d", i);
	}
	ck_assert_uint_eq(link_begin(c.tpm, LINK_SECONDS, NULL), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(
	    Tss2_Sys_PCR_Read(c.tpm->sys, NULL, &which, &counter, &read, &values, NULL), TSS2_RC_SUCCESS);
	link_end(c.tpm);
	ck_assert_uint_eq(a->n, PROCESSES * ROUNDS + a->sides);
	ck_assert_uint_gt(a->sides, PROCESSES * ROUNDS / 2);
	fold(a, expected);
	ck_assert_uint_eq(values.count, 1);
	ck_assert_mem_eq(values.digests[0].buffer, expected, sizeof expected);
	(void)munmap(a, sizeof *a);
}
END_TEST

/* ---- accidents ---- */

static const struct accident {
	const char *why;
	uint32_t code;
	bool before; /* the TPM has not got it; else it has answered */
	int signal;
} accidents[] = {
	{ "dies before the use", TPM2_CC_Sign, true, SIGKILL },
	{ "dies after the use", TPM2_CC_Sign, false, SIGKILL },
	{ "dies before the ticket", TPM2_CC_PolicyTicket, true, SIGKILL },
	{ "dies after the ticket", TPM2_CC_PolicyTicket, false, SIGKILL },
	{ "hangs before the use", TPM2_CC_Sign, true, SIGSTOP },
	{ "hangs after the use", TPM2_CC_Sign, false, SIGSTOP },
	{ "hangs before the ticket", TPM2_CC_PolicyTicket, true, SIGSTOP },
	{ "hangs after the ticket", TPM2_CC_PolicyTicket, false, SIGSTOP },
};

struct trap {
	_Atomic(const struct accident *) accident; /* NULL: it is sprung */
	pid_t pid;
};

static void
strike(struct trap *trap, uint32_t code, bool before)
{
	const struct accident *a = atomic_load(&trap->accident);

	if (a == NULL || a->code != code || a->before != before)
		return;
	(void)kill(trap->pid, a->signal);
	atomic_store(&trap->accident, NULL);
}

static size_t
on_command(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	(void)octets;
	strike(context, code, true);
	return len;
}

static void
on_answer(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	(void)octets;
	(void)len;
	strike(context, code, false);
}

static void
signs(const char *why)
{
	ck_assert_msg(cardtpm_sign(&c) == VAULT_OK, "%s", why);
	ck_assert_msg(cardtpm_checks(&c, KEY_ECDSA), "%s", why);
}

static void
come_back(const struct accident *a)
{
	int tries;

	if (a->signal == SIGSTOP) {
		/* Nothing was lost: it goes on without the PIN. */
		ck_assert_int_eq(kill(c.swtpm.pid, SIGCONT), 0);
		for (tries = 0; tries < 100 && cardtpm_sign(&c) != VAULT_OK; tries++)
			(void)usleep(50000);
		signs(a->why);
		return;
	}
	swtpm_kill(&c.swtpm);
	swtpm_start(&c.swtpm);
	ck_assert_msg(cardtpm_sign(&c) == VAULT_AUTH, "%s", a->why);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	signs(a->why);
}

START_TEST(a_card_outlives_an_accident)
{
	const struct accident *a = &accidents[_i];
	const bool lost = a->before && a->code == TPM2_CC_Sign;
	struct trap trap = { .pid = 0 };
	const struct tap_hooks hooks = { on_command, on_answer, &trap };
	struct tries tries = { .left = 0 };
	struct tap *tap;
	time_t begin;
	int i;

	cardtpm_prepare(&c);
	trap.pid = c.swtpm.pid;
	tap = tap_begin(&c.swtpm, &hooks);
	c.config.tcti = tap_tcti(tap);
	cardtpm_make(&c, &cardtpm_usual, rbuf_of(NULL, 0));
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	signs(a->why);
	/* So that the last ticket is answered, and it is the next one's turn. */
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_OK);
	atomic_store(&trap.accident, a);
	begin = time(NULL);
	ck_assert_msg(cardtpm_sign(&c) == (lost ? VAULT_FAULT : VAULT_OK), "%s", a->why);
	ck_assert_msg(lost || cardtpm_checks(&c, KEY_ECDSA), "%s", a->why);
	for (i = 0; i < 20000 && atomic_load(&trap.accident) != NULL; i++)
		(void)usleep(1000);
	ck_assert_msg(atomic_load(&trap.accident) == NULL, "%s", a->why);
	/* One of these may wait for it; the others know. */
	for (i = 0; i < 4; i++)
		ck_assert_msg(cardtpm_sign(&c) == VAULT_FAULT, "%s", a->why);
	ck_assert_msg(time(NULL) - begin <= LINK_SECONDS + 3, "%s", a->why);
	come_back(a);
	signs(a->why);
	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.vault = NULL;
	c.tpm = NULL;
	tap_end(tap);
}
END_TEST

/* ---- other swtpms ---- */

START_TEST(swtpm_started_otherwise)
{
	int i;

	cardtpm_begin(&c, &cardtpm_usual);
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	swtpm_kill(&c.swtpm);
	c.swtpm.disconnects = (_i & 1) != 0;
	c.swtpm.no_control = (_i & 2) != 0;
	swtpm_start(&c.swtpm);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	for (i = 0; i < 50; i++)
		signs("otherwise");
}
END_TEST

static void
teardown(void)
{
	cardtpm_end(&c);
}

int
main(void)
{
	Suite *suite = suite_create("ahead");
	TCase *tc = tcase_create("ahead");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, the_tpm_does_things_in_order);
	tcase_add_rows(tc, a_card_outlives_an_accident, accidents);
	tcase_add_loop_test(tc, swtpm_started_otherwise, 0, 4);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
