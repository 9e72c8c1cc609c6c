# SPDX-License-Identifier: BSD-2-Clause
noinst_LTLIBRARIES += libbase.la

libbase_la_SOURCES = \
	base/bytes.c \
	base/bytes.h \
	base/log.c \
	base/log.h \
	base/pages.c \
	base/pages.h \
	base/secret.c \
	base/secret.h \
	base/text.c \
	base/text.h

check_PROGRAMS += tests/check_bytes tests/check_secret tests/check_log tests/check_pages tests/check_text

tests_check_pages_SOURCES = tests/check_pages.c tests/suite.h
tests_check_pages_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_pages_LDADD = libbase.la $(CHECK_LIBS)

tests_check_bytes_SOURCES = tests/check_bytes.c tests/suite.h
tests_check_bytes_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_bytes_LDADD = libbase.la $(CHECK_LIBS)

tests_check_secret_SOURCES = tests/check_secret.c tests/suite.h
tests_check_secret_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_secret_LDADD = libbase.la $(CHECK_LIBS)

tests_check_log_SOURCES = tests/check_log.c tests/suite.h
tests_check_log_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_log_LDADD = libbase.la $(CHECK_LIBS)

tests_check_text_SOURCES = tests/check_text.c tests/suite.h
tests_check_text_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_text_LDADD = libbase.la $(CHECK_LIBS)
