# SPDX-License-Identifier: BSD-2-Clause
# Checks of the tree as a whole; each room's unit tests are in its own local.mk.
# Every unit test again under valgrind.
check-valgrind: $(check_PROGRAMS)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(check_PROGRAMS)' \
		LOG_COMPILER='valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite'

.PHONY: check-valgrind
