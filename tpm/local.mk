# SPDX-License-Identifier: BSD-2-Clause
noinst_LTLIBRARIES += libtpm.la

libtpm_la_SOURCES = \
	tpm/armed.c \
	tpm/authority.c \
	tpm/authority.h \
	tpm/cipher.c \
	tpm/cipher.h \
	tpm/create.c \
	tpm/digest.c \
	tpm/digest.h \
	tpm/erase.c \
	tpm/firstwrite.c \
	tpm/key.c \
	tpm/key.h \
	tpm/keyfile.c \
	tpm/keyfile.h \
	tpm/lease.c \
	tpm/lease.h \
	tpm/link.c \
	tpm/link.h \
	tpm/parent.c \
	tpm/parent.h \
	tpm/rc.c \
	tpm/rc.h \
	tpm/record.c \
	tpm/record.h \
	tpm/reference.c \
	tpm/reference.h \
	tpm/session.c \
	tpm/session.h \
	tpm/tpm.h \
	tpm/use.c \
	tpm/vault.c \
	tpm/vault.h \
	tpm/wire.c \
	tpm/wire.h

libtpm_la_CPPFLAGS = $(AM_CPPFLAGS) $(TSS2_CFLAGS) $(CRYPTO_CFLAGS)

check_PROGRAMS += tests/check_vault
tests_check_vault_SOURCES = tests/check_vault.c tests/cardtpm.c tests/cardtpm.h \
	tests/swtpm.c tests/swtpm.h tests/tap.c tests/tap.h tests/suite.h
tests_check_vault_CPPFLAGS = $(AM_CPPFLAGS) $(TSS2_CFLAGS) $(CRYPTO_CFLAGS)
tests_check_vault_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_vault_LDADD = libtpm.la libbase.la $(TSS2_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/check_attacks
tests_check_attacks_SOURCES = tests/check_attacks.c tests/cardtpm.c tests/cardtpm.h \
	tests/memory.c tests/memory.h \
	tests/swtpm.c tests/swtpm.h tests/tap.c tests/tap.h tests/suite.h
tests_check_attacks_CPPFLAGS = $(AM_CPPFLAGS) $(TSS2_CFLAGS) $(CRYPTO_CFLAGS)
tests_check_attacks_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_attacks_LDADD = libtpm.la libbase.la $(TSS2_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/check_digest tests/check_record
tests_check_digest_SOURCES = tests/check_digest.c tests/suite.h
tests_check_digest_CPPFLAGS = $(AM_CPPFLAGS) $(TSS2_CFLAGS) $(CRYPTO_CFLAGS)
tests_check_digest_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_digest_LDADD = libtpm.la libbase.la $(TSS2_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)
tests_check_record_SOURCES = tests/check_record.c tests/suite.h
tests_check_record_CPPFLAGS = $(AM_CPPFLAGS) $(TSS2_CFLAGS) $(CRYPTO_CFLAGS)
tests_check_record_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_record_LDADD = libtpm.la libbase.la $(TSS2_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)
