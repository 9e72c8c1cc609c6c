/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_US 1000.0

static int64_t
clock_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t
measure_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t
measure_cpu(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void
samples_add(struct samples *s, int64_t ns)
{
	if (s->n == s->cap) {
		const size_t cap = s->cap == 0 ? 1024 : 2 * s->cap;
		int64_t *more = reallocarray(s->ns, cap, sizeof *more);

		if (more == NULL) {
			perror("samples");
			exit(1);
		}
		s->ns = more;
		s->cap = cap;
	}
	s->ns[s->n] = ns;
	s->n++;
}

void
samples_join(struct samples *s, const struct samples *from)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		samples_add(s, from->ns[i]);
}

void
samples_free(struct samples *s)
{
	free(s->ns);
	*s = (struct samples){ 0 };
}

static int
compare(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

int64_t
samples_percentile(struct samples *s, double part)
{
	if (s->n == 0)
		return 0;
	qsort(s->ns, s->n, sizeof *s->ns, compare);
	return s->ns[(size_t)(part * (double)(s->n - 1) + 0.5)];
}

static double
mean_us(const struct samples *s)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		sum += (double)s->ns[i];
	return sum / (double)s->n / NS_PER_US;
}

static bool
append_to(const char *file, const struct samples *s)
{
	FILE *out = fopen(file, "a");
	bool ok = out != NULL;
	size_t i;

	for (i = 0; ok && i < s->n; i++)
		ok = fprintf(out, "%.3f\n", (double)s->ns[i] / NS_PER_US) > 0;
	if (out != NULL && fclose(out) != 0)
		ok = false;
	if (!ok)
		perror(file);
	return ok;
}

static bool
end_line(bool ok)
{
	if (ok && printf("}\n") > 0 && fflush(stdout) == 0)
		return true;
	perror("standard output");
	return false;
}

bool
measure_print(const char *name, const char *at, struct samples *s, int64_t wall, const char *file)
{
	bool ok;
	double mean;

	if (s->n == 0) {
		(void)fprintf(stderr, "%s, %s: nothing measured\n", name, at);
		return false;
	}
	if (file != NULL && !append_to(file, s))
		return false;
	mean = mean_us(s);
	ok = printf("{\"case\":\"%s\",\"at\":\"%s\",\"unit\":\"us\",\"n\":%zu,"
		    "\"median\":%.3f,\"p99\":%.3f,\"mean\":%.3f,\"rate\":%.2f",
		 name, at, s->n, (double)samples_percentile(s, 0.5) / NS_PER_US,
		 (double)samples_percentile(s, 0.99) / NS_PER_US, mean,
		 wall > 0 ? (double)s->n * (double)NS_PER_S / (double)wall : 1e6 / mean) > 0;
	if (file != NULL)
		ok = printf(",\"samples\":\"%s\"", file) > 0 && ok;
	return end_line(ok);
}

bool
measure_print_figure(const char *name, const char *at, const char *unit, double value)
{
	return end_line(printf("{\"case\":\"%s\",\"at\":\"%s\",\"unit\":\"%s\",\"median\":%.6g",
			    name, at, unit, value) > 0);
}
