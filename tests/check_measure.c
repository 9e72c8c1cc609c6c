/* SPDX-License-Identifier: BSD-2-Clause */
/* What the measuring programs make of durations. */
#include "tests/bench/measure.h"
#include "tests/suite.h"

static const struct {
	size_t n; /* durations n, n - 1 ... 1 */
	double part;
	int64_t want;
	const char *why;
} percentiles[] = {
	{ 0, 0.5, 0, "there are none" },
	{ 1, 0.5, 1, "one is all of them" },
	{ 1, 0.99, 1, "one is all of them" },
	{ 3, 0.5, 2, "the middle one" },
	{ 101, 0.5, 51, "the middle one" },
	{ 101, 0.99, 100, "one of a hundred is slower" },
	{ 101, 0, 1, "the fastest" },
	{ 101, 1, 101, "the slowest" },
	{ 5000, 0.99, 4950, "more than fit at first" },
};

START_TEST(percentile)
{
	struct samples s = { 0 }, all = { 0 };
	size_t i;

	for (i = percentiles[_i].n; i > 0; i--)
		samples_add(&s, (int64_t)i);
	samples_join(&all, &s);
	ck_assert_msg(samples_percentile(&all, percentiles[_i].part) == percentiles[_i].want,
	    "%zu, %g: %s", percentiles[_i].n, percentiles[_i].part, percentiles[_i].why);
	ck_assert_uint_eq(all.n, percentiles[_i].n);
	samples_free(&s);
	samples_free(&all);
	ck_assert_uint_eq(all.n, 0);
}
END_TEST

START_TEST(clock_moves_forward)
{
	const int64_t begin = measure_now(), cpu = measure_cpu();

	while (measure_cpu() == cpu)
		;
	ck_assert_int_gt(measure_now(), begin);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("measure");
	TCase *tcase = tcase_create("durations");

	tcase_add_rows(tcase, percentile, percentiles);
	tcase_add_test(tcase, clock_moves_forward);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
