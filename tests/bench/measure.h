/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every measuring program uses: a clock, durations with their median and
 * p99, and the line of JSON that tests/bench/report reads.  Not for tests.
 */
#ifndef TPMVSC_TESTS_BENCH_MEASURE_H
#define TPMVSC_TESTS_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Durations in nanoseconds.  All zero is an empty one. */
struct samples {
	int64_t *ns;
	size_t n, cap;
};

/* Nanoseconds of a clock that only moves forward, while the machine is awake. */
int64_t measure_now(void);

/* Nanoseconds of CPU that this process has used. */
int64_t measure_cpu(void);

/* Add one duration.  The process ends with status 1 when memory is out. */
void samples_add(struct samples *s, int64_t ns);

/* Add all of from to s, for instance those of a thread. */
void samples_join(struct samples *s, const struct samples *from);

/* Empty s and free its memory. */
void samples_free(struct samples *s);

/*
 * The duration which the given part of all does not exceed: 0.5 is the median.
 * part is from 0 to 1; 0 when there are none.  Changes the order in s.
 */
int64_t samples_percentile(struct samples *s, double part);

/*
 * Print the line of what was measured at the given place: the number of
 * durations, median, p99 and mean in microseconds, and the rate per second:
 * what one client alone reaches, or, for several at once, durations in wall
 * nanoseconds (0: one client).  name and at go into the line as they are.
 * With a file (NULL: none) the durations are added to it, one to a line, in
 * microseconds, and the line names it.  Both calls return false, with the
 * reason on standard error, when that or standard output cannot be written,
 * and when there are no durations.
 */
bool measure_print(
    const char *name, const char *at, struct samples *s, int64_t wall, const char *file);

/* Print the line of a figure that is no duration; unit is "KiB", "1/s", "%" ... */
bool measure_print_figure(const char *name, const char *at, const char *unit, double value);

#endif
