/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/lease.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tpm/lockfile.h"

#define MS 1000000L

/* How long between two looks at a lock another process holds. */
#define POLL_NS (MS / 2)

/* How long to wait for luck before the door is shut on those who begin again and again. */
#define POLITE_NS (20 * MS)

/* What the clients of one process on one TPM have in common. */
struct turns {
	struct turns *next;
	char *path, *tpm;
	unsigned clients;
	bool foreign; /* of the process this one was forked from */

	pthread_mutex_t lock; /* guards what is below, and the clients */
	struct lockfile file; /* locked while anybody is in */
	struct lease *first;
	unsigned in;	/* how many have the turn now */
	bool alone;	/* it is one, and no other may join */
	unsigned epoch; /* changes when another process was last */
	uint64_t clock; /* counts tickets and turns */
};

struct lease {
	struct turns *turns; /* NULL: it never took a turn */
	struct lease *next;
	pthread_cond_t woken; /* to look again whether it may go in */
	bool in, freed;
	unsigned epoch;
	uint64_t ticket; /* 0: not waiting */
	uint64_t last;	 /* when the last turn ended */
	uint32_t kept[2];
};

/* ---- the process's turns ---- */

static struct {
	pthread_once_t once;
	pthread_mutex_t lock;
	struct turns *first;
} all = { .once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER };

static void
before_fork(void)
{
	(void)pthread_mutex_lock(&all.lock);
}

static void
after_fork(void)
{
	(void)pthread_mutex_unlock(&all.lock);
}

/* The locks are the parent's: what has his descriptor could give them back. */
static void
in_child(void)
{
	struct turns *s;

	for (s = all.first; s != NULL; s = s->next) {
		lockfile_close(&s->file);
		s->foreign = true;
	}
	(void)pthread_mutex_unlock(&all.lock);
}

static void
watch_forks(void)
{
	(void)pthread_atfork(before_fork, after_fork, in_child);
}

static void
turns_free(struct turns *s)
{
	lockfile_close(&s->file);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s->tpm);
	free(s);
}

static struct turns *
turns_new(const char *path, const char *tpm)
{
	struct turns *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	(void)pthread_mutex_init(&s->lock, NULL);
	lockfile_init(&s->file);
	s->path = strdup(path);
	s->tpm = strdup(tpm);
	if (s->path == NULL || s->tpm == NULL) {
		turns_free(s);
		return NULL;
	}
	return s;
}

/* Become a client of the turns on that path and TPM. */
static bool
join(struct lease *l, const char *path, const char *tpm)
{
	pthread_condattr_t attr;
	struct turns *s;

	if (l->turns != NULL && !l->turns->foreign)
		return true;
	(void)pthread_once(&all.once, watch_forks);
	(void)pthread_mutex_lock(&all.lock);
	for (s = all.first; s != NULL; s = s->next) {
		if (!s->foreign && strcmp(s->path, path) == 0 && strcmp(s->tpm, tpm) == 0)
			break;
	}
	if (s == NULL) {
		s = turns_new(path, tpm);
		if (s != NULL) {
			s->next = all.first;
			all.first = s;
		}
	}
	if (s != NULL)
		s->clients++;
	(void)pthread_mutex_unlock(&all.lock);
	if (s == NULL)
		return false;
	*l = (struct lease){ .turns = s }; /* what a parent process had or kept is not ours */
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&l->woken, &attr);
	(void)pthread_condattr_destroy(&attr);
	(void)pthread_mutex_lock(&s->lock);
	l->epoch = s->epoch;
	l->next = s->first;
	s->first = l;
	(void)pthread_mutex_unlock(&s->lock);
	return true;
}

static void
leave(struct lease *l)
{
	struct turns *s = l->turns, **all_at;
	struct lease **at;

	(void)pthread_mutex_lock(&s->lock);
	for (at = &s->first; *at != l; at = &(*at)->next)
		;
	*at = l->next;
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_cond_destroy(&l->woken);
	(void)pthread_mutex_lock(&all.lock);
	if (--s->clients == 0) {
		for (all_at = &all.first; *all_at != s; all_at = &(*all_at)->next)
			;
		*all_at = s->next;
		turns_free(s);
	}
	(void)pthread_mutex_unlock(&all.lock);
}

/* Whether it has turns in this process, and then their lock. */
static bool
lock_turns(struct lease *l)
{
	if (l->turns == NULL || l->turns->foreign)
		return false;
	(void)pthread_mutex_lock(&l->turns->lock);
	return true;
}

static void
unlock_turns(struct lease *l)
{
	(void)pthread_mutex_unlock(&l->turns->lock);
}

/* ---- a turn ---- */

static void
time_in(long ns, struct timespec *out)
{
	(void)clock_gettime(CLOCK_MONOTONIC, out);
	out->tv_nsec += ns;
	out->tv_sec += out->tv_nsec / (1000 * MS);
	out->tv_nsec %= 1000 * MS;
}

static bool
is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static bool
passed(const struct timespec *deadline)
{
	struct timespec now;

	time_in(0, &now);
	return !is_before(&now, deadline);
}

static bool
keeps_something(const struct lease *l)
{
	return l->kept[0] != 0 || l->kept[1] != 0;
}

/* Whose ticket is the oldest; NULL when nobody waits. */
static struct lease *
head(const struct turns *s)
{
	struct lease *l, *oldest = NULL;

	for (l = s->first; l != NULL; l = l->next) {
		if (l->ticket != 0 && (oldest == NULL || l->ticket < oldest->ticket))
			oldest = l;
	}
	return oldest;
}

static void
wake_head(const struct turns *s)
{
	struct lease *l = head(s);

	if (l != NULL)
		(void)pthread_cond_signal(&l->woken);
}

/* Whether it is to wait for other clients of this process, or for an earlier command of its own. */
static bool
must_wait(const struct turns *s, const struct lease *l, bool alone)
{
	if (l->in || head(s) != l)
		return true;
	return s->in != 0 &&
	    (alone || s->alone || !keeps_something(l) || lockfile_is_shut(&s->file));
}

/* The file's lock is ours, after another process: what anybody had is gone. */
static void
lose_all(struct turns *s)
{
	struct lease *l;

	s->epoch++;
	for (l = s->first; l != NULL; l = l->next)
		l->kept[0] = l->kept[1] = 0;
}

/* With the lock held. */
static enum lease_err
wait_for_turn(struct turns *s, struct lease *l, bool alone, const struct timespec *deadline,
    struct failure *why)
{
	struct timespec until, patience;
	enum lease_err err;
	bool outside;

	time_in(POLITE_NS, &patience);
	for (;;) {
		outside = !must_wait(s, l, alone);
		if (outside && s->in != 0)
			return LEASE_KEPT;
		err = outside ? lockfile_try(&s->file, why) : LEASE_LATE;
		if (err != LEASE_LATE)
			return err;
		if (passed(deadline)) {
			fail(why, "%s keeps the TPM busy (it holds %s)",
			    outside   ? "another program" :
				l->in ? "an earlier command" : "another card",
			    s->path);
			return LEASE_LATE;
		}
		if (outside && passed(&patience))
			lockfile_shut(&s->file);
		time_in(POLL_NS, &until);
		if (!outside || is_before(deadline, &until))
			until = *deadline;
		(void)pthread_cond_timedwait(&l->woken, &s->lock, &until);
	}
}

static enum lease_err
queue(struct turns *s, struct lease *l, bool alone, const struct timespec *deadline,
    struct failure *why)
{
	enum lease_err err;

	l->ticket = ++s->clock;
	err = wait_for_turn(s, l, alone, deadline, why);
	l->ticket = 0;
	lockfile_reopen(&s->file);
	if (err == LEASE_TAKEN)
		lose_all(s);
	if (err == LEASE_KEPT || err == LEASE_TAKEN) {
		err = l->epoch != s->epoch ? LEASE_TAKEN : LEASE_KEPT;
		s->alone = alone || !keeps_something(l);
		s->in++;
		l->epoch = s->epoch;
		l->in = true;
	}
	wake_head(s); /* it may come beside, or is the first now */
	return err;
}

enum lease_err
lease_take(struct lease *l, const char *path, const char *tpm, bool alone,
    const struct timespec *deadline, struct failure *why)
{
	enum lease_err err;

	if (!join(l, path, tpm) || !lock_turns(l)) {
		fail(why, "out of memory");
		return LEASE_FAULT;
	}
	err = lockfile_open(&l->turns->file, path, why);
	if (err == LEASE_KEPT)
		err = queue(l->turns, l, alone, deadline, why);
	unlock_turns(l);
	return err;
}

void
lease_give(struct lease *l)
{
	struct turns *s = l->turns;
	bool freed;

	if (!lock_turns(l))
		return;
	if (l->in) {
		l->in = false;
		l->last = ++s->clock;
		s->alone = false;
		if (--s->in == 0)
			lockfile_give(&s->file);
		wake_head(s);
	}
	freed = l->freed;
	unlock_turns(l);
	if (freed)
		lease_free(l);
}

/* ---- what is kept ---- */

void
lease_keep(struct lease *l, uint32_t object, uint32_t session)
{
	const bool shared = lock_turns(l);
	struct lease *other;
	unsigned i;

	/* Where another's was, it is gone: somebody has flushed it beside us. */
	for (other = shared ? l->turns->first : NULL; other != NULL; other = other->next) {
		for (i = 0; i < 2; i++) {
			if (other->kept[i] == object || other->kept[i] == session)
				other->kept[i] = 0;
		}
	}
	l->kept[0] = object;
	l->kept[1] = session;
	if (shared)
		unlock_turns(l);
}

bool
lease_keeps(struct lease *l, uint32_t handle)
{
	const bool shared = lock_turns(l);
	const bool found = handle != 0 && (l->kept[0] == handle || l->kept[1] == handle);

	if (shared)
		unlock_turns(l);
	return found;
}

bool
lease_evict(struct lease *l, unsigned n, uint32_t out[2])
{
	struct lease *other, *oldest = NULL;
	unsigned keepers = 0;

	if (!lock_turns(l))
		return false;
	for (other = l->turns->first; other != NULL; other = other->next) {
		if (other == l || !keeps_something(other))
			continue;
		keepers++;
		if (!other->in && (oldest == NULL || other->last < oldest->last))
			oldest = other;
	}
	if (keepers <= n)
		oldest = NULL;
	if (oldest != NULL) {
		out[0] = oldest->kept[0];
		out[1] = oldest->kept[1];
		oldest->kept[0] = oldest->kept[1] = 0;
	}
	unlock_turns(l);
	return oldest != NULL;
}

static bool
is_among(uint32_t handle, const uint32_t *handles, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (handles[i] == handle)
			return true;
	}
	return false;
}

/* Whether one of the clients from l on keeps it. */
static bool
is_somebodys(const struct lease *l, uint32_t handle)
{
	for (; l != NULL; l = l->next) {
		if (is_among(handle, l->kept, 2))
			return true;
	}
	return false;
}

size_t
lease_nobodys(struct lease *l, uint32_t *handles, size_t n)
{
	struct lease *client;
	size_t i, left = 0;

	if (!lock_turns(l))
		return n;
	for (client = l->turns->first; client != NULL; client = client->next) {
		for (i = 0; i < 2; i++) {
			if (!is_among(client->kept[i], handles, n))
				client->kept[i] = 0;
		}
	}
	for (i = 0; i < n; i++) {
		if (!is_somebodys(l->turns->first, handles[i])) {
			handles[left] = handles[i];
			left++;
		}
	}
	unlock_turns(l);
	return left;
}

/* ---- the client ---- */

struct lease *
lease_new(void)
{
	return calloc(1, sizeof(struct lease));
}

void
lease_free(struct lease *l)
{
	bool later = false;

	if (l == NULL)
		return;
	if (lock_turns(l)) {
		later = l->freed = l->in;
		unlock_turns(l);
		if (later)
			return;
		leave(l);
	}
	free(l);
}
