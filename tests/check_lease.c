/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns on a shared TPM, without one: clients of one process, and of others
 * that wait, are killed, or come again and again.
 */
#include "tpm/lease.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scratch.h"
#include "tests/suite.h"

#define TPM "swtpm:path=/x"
#define SOON_MS 50	 /* for what is not to be had */
#define PATIENCE_MS 20000 /* for what is */

static char path[256];

static void
setup(void)
{
	scratch_setup();
	(void)snprintf(path, sizeof path, "%s", scratch_path("lock"));
}

static enum lease_err
take_within(struct lease *l, bool alone, unsigned ms, struct failure *why)
{
	struct timespec deadline;

	(void)clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += (time_t)(ms / 1000);
	deadline.tv_nsec += (long)(ms % 1000) * 1000000;
	deadline.tv_sec += deadline.tv_nsec / 1000000000;
	deadline.tv_nsec %= 1000000000;
	return lease_take(l, path, TPM, alone, &deadline, why);
}

static enum lease_err
take(struct lease *l, bool alone)
{
	return take_within(l, alone, PATIENCE_MS, NULL);
}

/* A new client with one turn behind it, which keeps what it says. */
static struct lease *
client(uint32_t object, uint32_t session)
{
	struct lease *l = lease_new();
	enum lease_err err;

	ck_assert_ptr_nonnull(l);
	err = take(l, true);
	ck_assert(err == LEASE_KEPT || err == LEASE_TAKEN);
	lease_keep(l, object, session);
	lease_give(l);
	return l;
}

/* ---- one process ---- */

static const struct beside_row {
	const char *why;
	bool first_alone, second_alone;
	uint32_t first_keeps, second_keeps;
	bool together;
} besides[] = {
	{ "both use what they keep", false, false, 1, 2, true },
	{ "the first wants to be alone", true, false, 1, 2, false },
	{ "the second wants to be alone", false, true, 1, 2, false },
	{ "the first keeps nothing", false, false, 0, 2, false },
	{ "the second keeps nothing", false, false, 1, 0, false },
};

START_TEST(two_clients)
{
	const struct beside_row *row = &besides[_i];
	struct lease *a = client(row->first_keeps, 0), *b = client(row->second_keeps, 0);
	struct failure why = { "" };
	enum lease_err err;

	ck_assert_int_eq(take(a, row->first_alone), LEASE_KEPT);
	err = take_within(b, row->second_alone, SOON_MS, &why);
	ck_assert_msg(err == (row->together ? LEASE_KEPT : LEASE_LATE), "%s: %d", row->why, (int)err);
	ck_assert_msg(failed(&why) == !row->together, "%s", row->why);
	if (!row->together)
		ck_assert_msg(strstr(why.text, "another card keeps the TPM busy") != NULL, "%s",
		    why.text);
	lease_give(a);
	if (!row->together)
		ck_assert_int_eq(take(b, row->second_alone), LEASE_KEPT);
	lease_give(b);
	lease_give(b); /* nothing happens */
	ck_assert_int_eq(take(a, true), LEASE_KEPT);
	lease_give(a);
	lease_free(a);
	lease_free(b);
}
END_TEST

START_TEST(one_client_has_one_turn)
{
	struct lease *a = client(1, 2);
	struct failure why = { "" };

	ck_assert_int_eq(take(a, false), LEASE_KEPT);
	ck_assert_int_eq(take_within(a, false, SOON_MS, &why), LEASE_LATE);
	ck_assert_msg(strstr(why.text, "an earlier command keeps the TPM busy") != NULL, "%s", why.text);
	lease_give(a);
	ck_assert_int_eq(take(a, false), LEASE_KEPT);
	lease_free(a); /* its last command is under way: the end of that frees it */
	lease_give(a);
	lease_free(NULL);
}
END_TEST

START_TEST(another_tpm_or_file_is_another_lease)
{
	struct lease *a = client(1, 2), *b = lease_new();
	struct timespec deadline;
	char other[256];

	(void)snprintf(other, sizeof other, "%s", scratch_path("other"));
	(void)clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += 10;
	ck_assert_int_eq(take(a, true), LEASE_KEPT);
	ck_assert_int_eq(lease_take(b, other, TPM, true, &deadline, NULL), LEASE_TAKEN);
	ck_assert(!lease_evict(b, 0, (uint32_t[2]){ 0, 0 }));
	lease_give(b);
	lease_free(b);
	lease_give(a);
	lease_free(a);
}
END_TEST

START_TEST(what_is_kept)
{
	struct lease *a = client(1, 11), *b = client(2, 12), *d = client(3, 13);
	uint32_t out[2] = { 0, 0 };
	uint32_t loaded[] = { 3, 4, 11, 14, 13 };

	ck_assert(lease_keeps(a, 1) && lease_keeps(a, 11));
	ck_assert(!lease_keeps(a, 2) && !lease_keeps(a, 0));
	/* a's turn was longest ago, but for this one. */
	ck_assert_int_eq(take(a, true), LEASE_KEPT);
	ck_assert(lease_evict(a, 1, out));
	ck_assert(out[0] == 2 && out[1] == 12 && !lease_keeps(b, 2));
	ck_assert(!lease_evict(a, 1, out));
	ck_assert(lease_keeps(d, 3));
	/* a's object is not in the TPM any more; two that are there are nobody's. */
	ck_assert_uint_eq(lease_nobodys(a, loaded, sizeof loaded / sizeof loaded[0]), 2);
	ck_assert(loaded[0] == 4 && loaded[1] == 14);
	ck_assert(!lease_keeps(a, 1) && lease_keeps(a, 11) && lease_keeps(d, 3));
	/* What it loads where another's was: that is gone. */
	lease_keep(a, 3, 11);
	ck_assert(lease_keeps(a, 3) && !lease_keeps(d, 3) && lease_keeps(d, 13));
	ck_assert(lease_evict(a, 0, out));
	ck_assert(out[0] == 0 && out[1] == 13);
	ck_assert(!lease_evict(a, 0, out));
	lease_give(a);
	lease_free(a);
	lease_free(b);
	lease_free(d);
}
END_TEST

/* Without sharing nobody takes turns. */
START_TEST(alone_in_the_world)
{
	struct lease *a = lease_new(), *b = lease_new();
	uint32_t out[2], loaded[] = { 1, 5 };

	lease_keep(a, 1, 2);
	ck_assert(lease_keeps(a, 1) && !lease_keeps(b, 1));
	ck_assert(!lease_evict(b, 0, out));
	ck_assert_uint_eq(lease_nobodys(b, loaded, 2), 2);
	lease_give(a);
	lease_free(a);
	lease_free(b);
}
END_TEST

/* ---- threads ---- */

#define TURNS 100

static struct {
	pthread_mutex_t lock;
	unsigned in, most, alone, clashes, failures;
	bool over;
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct player {
	struct lease *lease;
	unsigned every; /* one turn in so many is alone; or what it keeps */
};

static void
count(int by, bool alone)
{
	(void)pthread_mutex_lock(&seen.lock);
	seen.in += (unsigned)by;
	seen.alone += alone ? (unsigned)by : 0;
	seen.clashes += seen.alone > 1 || (seen.alone == 1 && seen.in > 1);
	if (seen.in > seen.most)
		seen.most = seen.in;
	(void)pthread_mutex_unlock(&seen.lock);
}

static void *
play(void *context)
{
	const struct player *p = context;
	enum lease_err err;
	unsigned i;
	bool alone;

	for (i = 0; i < TURNS; i++) {
		alone = i % p->every == 0;
		err = take_within(p->lease, alone, PATIENCE_MS, NULL);
		if (err != LEASE_KEPT) {
			(void)pthread_mutex_lock(&seen.lock);
			seen.failures++;
			(void)pthread_mutex_unlock(&seen.lock);
			continue;
		}
		count(1, alone);
		(void)poll(NULL, 0, 1);
		count(-1, alone);
		lease_give(p->lease);
	}
	return NULL;
}

START_TEST(many_threads)
{
	struct player players[6];
	pthread_t threads[6];
	uint32_t i;

	seen.in = seen.most = seen.alone = seen.clashes = seen.failures = 0;
	for (i = 0; i < 6; i++)
		players[i] = (struct player){ client(i + 1, i + 11), 3 + i };
	for (i = 0; i < 6; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, play, &players[i]), 0);
	for (i = 0; i < 6; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_uint_eq(seen.failures, 0);
	ck_assert_uint_eq(seen.clashes, 0);
	ck_assert_uint_gt(seen.most, 1);
	for (i = 0; i < 6; i++)
		lease_free(players[i].lease);
}
END_TEST

/* ---- processes ---- */

/* Fork a process that does body, and is killed with this one. */
static pid_t
process(int (*body)(void))
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)alarm(60);
		_exit(body());
	}
	return pid;
}

static int
status_of(pid_t pid)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct lease *inherited;

static int
one_turn(void)
{
	return (int)take_within(inherited, false, SOON_MS, NULL);
}

static int
give_what_is_not_ours(void)
{
	lease_give(inherited);
	lease_free(inherited);
	return 0;
}

START_TEST(a_child_has_no_part_in_it)
{
	struct lease *a = client(1, 11), *b = client(2, 12);

	inherited = a;
	ck_assert_int_eq(take(a, false), LEASE_KEPT);
	ck_assert_int_eq(status_of(process(one_turn)), LEASE_LATE);
	ck_assert_int_eq(status_of(process(give_what_is_not_ours)), 0);
	ck_assert_int_eq(status_of(process(one_turn)), LEASE_LATE);
	lease_give(a);
	ck_assert_int_eq(take(b, false), LEASE_KEPT);
	lease_give(b);
	/* Another process had its turn: both have lost what they had, and each hears of it once. */
	ck_assert_int_eq(status_of(process(one_turn)), LEASE_TAKEN);
	ck_assert(lease_keeps(a, 1) && lease_keeps(b, 2));
	ck_assert_int_eq(take(a, false), LEASE_TAKEN);
	ck_assert(!lease_keeps(a, 1) && !lease_keeps(b, 2));
	lease_keep(a, 1, 11);
	/* After such a beginning it is alone, whatever it wanted. */
	ck_assert_int_eq(take_within(b, false, SOON_MS, NULL), LEASE_LATE);
	lease_give(a);
	ck_assert_int_eq(take(b, false), LEASE_TAKEN);
	lease_give(b);
	ck_assert_int_eq(take(b, false), LEASE_KEPT);
	lease_give(b);
	ck_assert_int_eq(take(a, false), LEASE_KEPT);
	lease_give(a);
	lease_free(a);
	lease_free(b);
}
END_TEST

static int ready[2];

/* Take a turn, say so, and never give it back. */
static int
hold(void)
{
	struct lease *l = lease_new();

	if (take(l, true) == LEASE_TAKEN)
		(void)!write(ready[1], "!", 1);
	(void)pause();
	return 1;
}

START_TEST(a_killed_process_gives_it_back)
{
	struct lease *a = client(1, 11);
	struct failure why = { "" };
	pid_t pid;
	char octet;

	ck_assert_int_eq(pipe(ready), 0);
	pid = process(hold);
	ck_assert_int_eq(read(ready[0], &octet, 1), 1);
	ck_assert_int_eq(take_within(a, false, SOON_MS, &why), LEASE_LATE);
	ck_assert_msg(strstr(why.text, "another program keeps the TPM busy") != NULL, "%s", why.text);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(take(a, false), LEASE_TAKEN);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	lease_give(a);
	lease_free(a);
	(void)close(ready[0]);
	(void)close(ready[1]);
}
END_TEST

#define OUTSIDE_TURNS 20

/* Another program that wants so many turns, each after a while of waiting. */
static int
outsider(void)
{
	struct lease *l = lease_new();
	enum lease_err err;
	unsigned i;

	for (i = 0; i < OUTSIDE_TURNS; i++) {
		err = take(l, true);
		if (err != LEASE_TAKEN && err != LEASE_KEPT)
			return 1;
		lease_give(l);
		(void)poll(NULL, 0, 5);
	}
	lease_free(l);
	return 0;
}

static bool
is_over(void)
{
	bool over;

	(void)pthread_mutex_lock(&seen.lock);
	over = seen.over;
	(void)pthread_mutex_unlock(&seen.lock);
	return over;
}

/* One turn after the other, each longer than the pause between two. */
static void *
hog(void *context)
{
	const struct player *p = context;
	enum lease_err err;

	while (!is_over()) {
		err = take_within(p->lease, false, PATIENCE_MS, NULL);
		if (err != LEASE_KEPT && err != LEASE_TAKEN)
			break;
		lease_keep(p->lease, p->every, 0);
		(void)poll(NULL, 0, 2);
		lease_give(p->lease);
	}
	return NULL;
}

/* Turns that overlap without end: who waits outside has his all the same. */
START_TEST(nobody_starves_outside)
{
	struct player players[2] = { { client(1, 0), 1 }, { client(2, 0), 2 } };
	pid_t pid = process(outsider);
	pthread_t threads[2];
	unsigned i;

	seen.over = false;
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, hog, &players[i]), 0);
	ck_assert_int_eq(status_of(pid), 0);
	(void)pthread_mutex_lock(&seen.lock);
	seen.over = true;
	(void)pthread_mutex_unlock(&seen.lock);
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		lease_free(players[i].lease);
	}
}
END_TEST

/* ---- the file ---- */

static const struct {
	const char *why;
	mode_t mode;
	bool link, directory;
	const char *text;
} files[] = {
	{ "others may read it", 0644, false, false, "not a private file" },
	{ "a link", 0600, true, false, "cannot open the TPM lease" },
	{ "a directory", 0700, false, true, "the TPM lease" },
};

START_TEST(a_file_that_is_not_ours)
{
	struct lease *a = lease_new();
	struct failure why = { "" };

	if (files[_i].directory)
		scratch_mkdir("lock", files[_i].mode);
	else
		scratch_write(files[_i].link ? "target" : "lock", rbuf_of(NULL, 0), files[_i].mode);
	if (files[_i].link)
		scratch_symlink("target", "lock");
	ck_assert_msg(take_within(a, true, SOON_MS, &why) == LEASE_FAULT, "%s", files[_i].why);
	ck_assert_msg(strstr(why.text, files[_i].text) != NULL, "%s: %s", files[_i].why, why.text);
	scratch_remove("lock");
	ck_assert_int_eq(take(a, true), LEASE_TAKEN);
	lease_give(a);
	lease_free(a);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lease");
	TCase *tc = tcase_create("lease");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, scratch_teardown);
	tcase_add_rows(tc, two_clients, besides);
	tcase_add_test(tc, one_client_has_one_turn);
	tcase_add_test(tc, another_tpm_or_file_is_another_lease);
	tcase_add_test(tc, what_is_kept);
	tcase_add_test(tc, alone_in_the_world);
	tcase_add_test(tc, many_threads);
	tcase_add_test(tc, a_child_has_no_part_in_it);
	tcase_add_test(tc, a_killed_process_gives_it_back);
	tcase_add_test(tc, nobody_starves_outside);
	tcase_add_rows(tc, a_file_that_is_not_ours, files);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
