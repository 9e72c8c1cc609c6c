# SPDX-License-Identifier: BSD-2-Clause
noinst_LTLIBRARIES += libstore.la

libstore_la_SOURCES = \
	store/files.h

# Tests of this room, one program per noun, e.g.
#check_PROGRAMS += tests/check_NOUN
#tests_check_NOUN_SOURCES = tests/check_NOUN.c tests/suite.h
#tests_check_NOUN_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
#tests_check_NOUN_LDADD = libstore.la libbase.la $(CHECK_LIBS)
