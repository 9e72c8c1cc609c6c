# SPDX-License-Identifier: BSD-2-Clause
noinst_LTLIBRARIES += libcard.la

libcard_la_SOURCES = \
	card/card.h

# Tests of this room, one program per noun, e.g.
#check_PROGRAMS += tests/check_NOUN
#tests_check_NOUN_SOURCES = tests/check_NOUN.c tests/suite.h
#tests_check_NOUN_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
#tests_check_NOUN_LDADD = libcard.la libtpm.la libstore.la libapplet.la libbase.la $(TSS2_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)
