# SPDX-License-Identifier: BSD-2-Clause
noinst_LTLIBRARIES += libstore.la

libstore_la_SOURCES = \
	store/cards.c \
	store/change.c \
	store/files.c \
	store/files.h \
	store/items.c \
	store/journal.c \
	store/lock.c \
	store/place.c \
	store/place.h \
	store/watch.c

EXTRA_DIST += store/README.md

# What the tests of files share: a scratch directory, a card in it, accidents at system calls.
check_LTLIBRARIES += libscratch.la
libscratch_la_SOURCES = \
	tests/faults.c \
	tests/faults.h \
	tests/one_card.c \
	tests/one_card.h \
	tests/scratch.c \
	tests/scratch.h
libscratch_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)

store_check_libs = libscratch.la libstore.la libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_change \
	tests/check_files \
	tests/check_intruders \
	tests/check_state \
	tests/check_store \
	tests/check_durability \
	tests/check_replace

tests_check_change_SOURCES = tests/check_change.c
tests_check_change_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_change_LDADD = $(store_check_libs)

tests_check_files_SOURCES = tests/check_files.c
tests_check_files_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_files_LDADD = $(store_check_libs)

tests_check_intruders_SOURCES = tests/check_intruders.c
tests_check_intruders_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_intruders_LDADD = $(store_check_libs)

tests_check_state_SOURCES = tests/check_state.c
tests_check_state_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_state_LDADD = $(store_check_libs)

tests_check_store_SOURCES = tests/check_store.c
tests_check_store_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_store_LDADD = $(store_check_libs)

tests_check_durability_SOURCES = tests/check_durability.c
tests_check_durability_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_durability_LDADD = $(store_check_libs)

tests_check_replace_SOURCES = tests/check_replace.c
tests_check_replace_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_replace_LDADD = $(store_check_libs)
