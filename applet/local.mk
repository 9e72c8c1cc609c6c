# SPDX-License-Identifier: BSD-2-Clause
noinst_LTLIBRARIES += libapplet.la

libapplet_la_SOURCES = \
	applet/pinpolicy.h \
	applet/piv.h \
	applet/store.h \
	applet/vault.h

# Tests of this room, one program per noun, e.g.
#check_PROGRAMS += tests/check_NOUN
#tests_check_NOUN_SOURCES = tests/check_NOUN.c tests/suite.h
#tests_check_NOUN_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
#tests_check_NOUN_LDADD = libapplet.la libbase.la $(CHECK_LIBS)
