# SPDX-License-Identifier: BSD-2-Clause
noinst_LTLIBRARIES += libtpm.la

libtpm_la_SOURCES = \
	tpm/rc.c \
	tpm/rc.h \
	tpm/tpm.h \
	tpm/wire.c \
	tpm/wire.h

libtpm_la_CPPFLAGS = $(AM_CPPFLAGS) $(TSS2_CFLAGS) $(CRYPTO_CFLAGS)

# Tests of this room, one program per noun, e.g.
#check_PROGRAMS += tests/check_NOUN
#tests_check_NOUN_SOURCES = tests/check_NOUN.c tests/suite.h
#tests_check_NOUN_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
#tests_check_NOUN_LDADD = libtpm.la libbase.la $(TSS2_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)
