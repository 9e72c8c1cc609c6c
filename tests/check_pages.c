/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages: zero, taken when they are written to, gone when they are given back. */
#include "base/pages.h"
#include "tests/suite.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES 64

/* How many of the pages take memory; -1 when they are no memory at all. */
static int
resident(void *pages, size_t size)
{
	unsigned char there[PAGES];
	int count = 0;
	size_t i;

	if (mincore(pages, PAGES * size, there) != 0)
		return -1;
	for (i = 0; i < PAGES; i++)
		count += there[i] & 1;
	return count;
}

START_TEST(taken_and_given_back)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *pages = pages_take(PAGES * size);

	ck_assert_ptr_nonnull(pages);
	ck_assert_int_eq(resident(pages, size), 0);
	ck_assert_uint_eq(pages[3 * size], 0);
	pages[3 * size] = 1;
	pages[40 * size] = 1;
	ck_assert_int_ge(resident(pages, size), 2);
	ck_assert_int_lt(resident(pages, size), PAGES);
	pages_give(pages, PAGES * size);
	ck_assert_int_eq(resident(pages, size), -1);
	pages_give(NULL, size);
}
END_TEST

START_TEST(none_to_be_had)
{
	ck_assert_ptr_null(pages_take(SIZE_MAX - 65536));
	ck_assert_ptr_null(pages_take(0));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pages");
	TCase *tc = tcase_create("pages");

	tcase_add_test(tc, taken_and_given_back);
	tcase_add_test(tc, none_to_be_had);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
