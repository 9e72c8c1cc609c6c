# SPDX-License-Identifier: BSD-2-Clause
noinst_LTLIBRARIES += libcard.la

libcard_la_SOURCES = \
	card/ak.c \
	card/ak.h \
	card/audit.c \
	card/audit.h \
	card/adminkey.c \
	card/attest.c \
	card/attesting.c \
	card/attesting.h \
	card/beside.c \
	card/beside.h \
	card/cache.c \
	card/cache.h \
	card/card.c \
	card/attest.h card/card.h \
	card/config.c \
	card/config.h \
	card/create.c \
	card/defaults.c \
	card/endorse.c \
	card/desk.c \
	card/destroy.c \
	card/filesystem.c \
	card/lap.c \
	card/list.c \
	card/look.c \
	card/look.h \
	card/making.c \
	card/outcome.c \
	card/paper.c \
	card/parts.c \
	card/parts.h \
	card/presence.c \
	card/profile.c \
	card/replace.c \
	card/startover.c \
	card/work.c

# The TPM and its vaults in memory, under the real card/, store/ and applet/.
check_LTLIBRARIES += libinstallation.la
libinstallation_la_SOURCES = \
	tests/fake_tpm.c \
	tests/fake_tpm.h \
	tests/fake_vault.c \
	tests/fake_vault.h \
	tests/installation.c \
	tests/installation.h
libinstallation_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)

card_check_libs = libinstallation.la libscratch.la libcard.la libstore.la libapplet.la libbase.la \
	$(CHECK_LIBS)
# For a program that uses parts of card/ only: what those parts need of the TPM comes behind them.
card_part_libs = libcard.la libstore.la libapplet.la libinstallation.la libscratch.la libbase.la \
	$(CHECK_LIBS)

check_PROGRAMS += tests/check_config \
	tests/check_profile \
	tests/check_beside \
	tests/check_card \
	tests/check_desk \
	tests/check_list \
	tests/check_look \
	tests/check_repair \
	tests/check_startover \
	tests/check_transactions

# What is read once, over a store in memory.
check_PROGRAMS += tests/check_cache

tests_check_cache_SOURCES = tests/check_cache.c
tests_check_cache_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_cache_LDADD = libcard.la libfakecard.la libapplet.la libbase.la $(CHECK_LIBS)

# Audit records, read where the journal and the system log would.
check_PROGRAMS += tests/check_audit

tests_check_audit_SOURCES = tests/check_audit.c
tests_check_audit_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_audit_LDADD = $(card_part_libs)

tests_check_config_SOURCES = tests/check_config.c
tests_check_config_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_config_LDADD = $(card_part_libs)

tests_check_profile_SOURCES = tests/check_profile.c
tests_check_profile_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_profile_LDADD = $(card_part_libs)

tests_check_card_SOURCES = tests/check_card.c
tests_check_card_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_card_LDADD = $(card_check_libs)

tests_check_list_SOURCES = tests/check_list.c
tests_check_list_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_list_LDADD = $(card_check_libs)

tests_check_beside_SOURCES = tests/check_beside.c
tests_check_beside_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_beside_LDADD = $(card_check_libs)

tests_check_repair_SOURCES = tests/check_repair.c
tests_check_repair_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_repair_LDADD = $(card_check_libs)

tests_check_look_SOURCES = tests/check_look.c
tests_check_look_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_look_LDADD = $(card_check_libs)

tests_check_transactions_SOURCES = tests/check_transactions.c
tests_check_transactions_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_transactions_LDADD = $(card_check_libs)

tests_check_startover_SOURCES = tests/check_startover.c
tests_check_startover_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_startover_LDADD = $(card_check_libs)

tests_check_desk_SOURCES = tests/check_desk.c
tests_check_desk_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_desk_LDADD = $(card_check_libs)

# Attestation, by a live software TPM.
check_PROGRAMS += tests/check_attest
tests_check_attest_SOURCES = tests/check_attest.c
tests_check_attest_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_attest_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_attest_LDADD = libscratch.la libcardtpm.la $(ROOMS) $(TSS2_LIBS) $(SODIUM_LIBS) $(ESYS_LIBS) $(CRYPTO_LIBS) \
	$(CHECK_LIBS)
