/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/alive.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

static struct {
	pthread_mutex_t mutex; /* held between hide and show */
	pthread_cond_t ended;
	pthread_t thread;
	bool running, end, drawn;
	struct timespec next; /* when the mark is to be drawn */
	unsigned turn;
} alive = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void
put(const char *text, size_t n)
{
	/* Nothing depends on it. */
	if (write(STDERR_FILENO, text, n) < 0)
		return;
}

static void
erase(void)
{
	if (alive.drawn)
		put("\r \r", 3);
	alive.drawn = false;
}

static void
draw(void)
{
	static const char marks[][3] = { "\r|", "\r/", "\r-", "\r\\" };

	put(marks[alive.turn % 4], 2);
	alive.turn++;
	alive.drawn = true;
}

static void
set_next(long ms)
{
	(void)clock_gettime(CLOCK_MONOTONIC, &alive.next);
	alive.next.tv_nsec += ms * 1000000;
	alive.next.tv_sec += alive.next.tv_nsec / 1000000000;
	alive.next.tv_nsec %= 1000000000;
}

static bool
is_due(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > alive.next.tv_sec ||
	       (now.tv_sec == alive.next.tv_sec && now.tv_nsec >= alive.next.tv_nsec);
}

static void *
turn(void *context)
{
	struct timespec until;

	(void)context;
	(void)pthread_mutex_lock(&alive.mutex);
	while (!alive.end) {
		until = alive.next;
		(void)pthread_cond_timedwait(&alive.ended, &alive.mutex, &until);
		if (!alive.end && is_due()) {
			draw();
			set_next(ALIVE_TURN_MS);
		}
	}
	(void)pthread_mutex_unlock(&alive.mutex);
	return NULL;
}

/* Signals are for the thread that does the work. */
static bool
start(void)
{
	pthread_condattr_t attributes;
	sigset_t all, mask;
	bool started;

	if (pthread_condattr_init(&attributes) != 0)
		return false;
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	started = pthread_cond_init(&alive.ended, &attributes) == 0;
	(void)pthread_condattr_destroy(&attributes);
	if (!started)
		return false;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &mask);
	started = pthread_create(&alive.thread, NULL, turn, NULL) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
	if (!started)
		(void)pthread_cond_destroy(&alive.ended);
	return started;
}

void
alive_begin(bool quiet)
{
	if (quiet || alive.running || !isatty(STDERR_FILENO))
		return;
	alive.end = false;
	set_next(ALIVE_AFTER_MS);
	alive.running = start();
}

void
alive_end(void)
{
	if (!alive.running)
		return;
	(void)pthread_mutex_lock(&alive.mutex);
	alive.end = true;
	erase();
	(void)pthread_cond_signal(&alive.ended);
	(void)pthread_mutex_unlock(&alive.mutex);
	(void)pthread_join(alive.thread, NULL);
	(void)pthread_cond_destroy(&alive.ended);
	alive.running = false;
}

void
alive_hide(void)
{
	(void)pthread_mutex_lock(&alive.mutex);
	erase();
}

void
alive_show(void)
{
	set_next(ALIVE_AFTER_MS);
	(void)pthread_mutex_unlock(&alive.mutex);
}
