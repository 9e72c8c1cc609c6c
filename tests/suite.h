/* SPDX-License-Identifier: BSD-2-Clause */
/* What every check program has in common: rows of a table as tests, and its exit status. */
#ifndef TPMVSC_TESTS_SUITE_H
#define TPMVSC_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

/* An old spelling of ck_abort_msg(); the name is taken by base/log.h. */
#undef fail

/* Run test once for each row of an array; the test finds its row by _i. */
#define tcase_add_rows(tcase, test, rows)                                                          \
	tcase_add_loop_test(tcase, test, 0, (int)(sizeof(rows) / sizeof(rows)[0]))

/* Run a suite and free it.  Returns what main() is to return. */
static inline int
suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failures;

	srunner_run_all(runner, CK_ENV);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
