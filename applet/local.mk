# SPDX-License-Identifier: BSD-2-Clause
noinst_LTLIBRARIES += libapplet.la

libapplet_la_SOURCES = \
	applet/admin.c \
	applet/admin.h \
	applet/algorithms.c \
	applet/algorithms.h \
	applet/apdu.c \
	applet/apdu.h \
	applet/auth.h \
	applet/cmd_admin.c \
	applet/cmd_attest.c \
	applet/cmd_auth.c \
	applet/cmd_data.c \
	applet/cmd_generate.c \
	applet/cmd_info.c \
	applet/cmd_manage.c \
	applet/cmd_pin.c \
	applet/cmd_select.c \
	applet/commands.c \
	applet/commands.h \
	applet/defaults.c \
	applet/defaults.h \
	applet/keyrefs.c \
	applet/keyrefs.h \
	applet/keys.c \
	applet/keys.h \
	applet/objects.c \
	applet/objects.h \
	applet/pinpolicy.c \
	applet/pinpolicy.h \
	applet/piv.c \
	applet/piv.h \
	applet/response.c \
	applet/response.h \
	applet/sealing.c \
	applet/sealing.h \
	applet/status.c \
	applet/status.h \
	applet/store.h \
	applet/sw.c \
	applet/sw.h \
	applet/tlv.c \
	applet/tlv.h \
	applet/vault.h

EXTRA_DIST += applet/README.md

# A card over fake ports, for the tests of this room and of those above it.
check_LTLIBRARIES += libfakecard.la
libfakecard_la_SOURCES = \
	tests/fake_card.c \
	tests/fake_card.h \
	tests/fake_store.c \
	tests/fake_store.h \
	tests/fake_vault.c \
	tests/fake_vault.h \
	tests/suite.h
libfakecard_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)

check_PROGRAMS += \
	tests/check_tlv \
	tests/check_apdu \
	tests/check_pinpolicy \
	tests/check_piv \
	tests/check_piv_crash \
	tests/check_piv_faults \
	tests/check_piv_manage \
	tests/check_piv_sealed \
	tests/check_piv_sweep \
	tests/check_conformance

tests_check_tlv_SOURCES = tests/check_tlv.c tests/suite.h
tests_check_tlv_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_tlv_LDADD = libfakecard.la libapplet.la libbase.la $(CHECK_LIBS)

tests_check_apdu_SOURCES = tests/check_apdu.c tests/suite.h
tests_check_apdu_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_apdu_LDADD = libfakecard.la libapplet.la libbase.la $(CHECK_LIBS)

tests_check_pinpolicy_SOURCES = tests/check_pinpolicy.c tests/suite.h
tests_check_pinpolicy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_pinpolicy_LDADD = libapplet.la libbase.la $(CHECK_LIBS)

tests_check_piv_SOURCES = tests/check_piv.c tests/exchanges.h tests/suite.h
tests_check_piv_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_piv_LDADD = libfakecard.la libapplet.la libbase.la $(CHECK_LIBS)

tests_check_piv_crash_SOURCES = tests/check_piv_crash.c tests/exchanges.h tests/suite.h
tests_check_piv_crash_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_piv_crash_LDADD = libfakecard.la libapplet.la libbase.la $(CHECK_LIBS)

tests_check_piv_faults_SOURCES = tests/check_piv_faults.c tests/suite.h
tests_check_piv_faults_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_piv_faults_LDADD = libfakecard.la libapplet.la libbase.la $(CHECK_LIBS)

tests_check_piv_manage_SOURCES = tests/check_piv_manage.c tests/exchanges.h tests/suite.h
tests_check_piv_manage_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_piv_manage_LDADD = libfakecard.la libapplet.la libbase.la $(CHECK_LIBS)

tests_check_piv_sealed_SOURCES = tests/check_piv_sealed.c tests/exchanges.h tests/suite.h
tests_check_piv_sealed_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_piv_sealed_LDADD = libfakecard.la libapplet.la libbase.la $(CHECK_LIBS)

tests_check_piv_sweep_SOURCES = tests/check_piv_sweep.c tests/suite.h
tests_check_piv_sweep_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_piv_sweep_LDADD = libfakecard.la libapplet.la libbase.la $(CHECK_LIBS)

# The conformance tables, here over fakes; on a real card by tests/e2e_conformance.sh.
check_LTLIBRARIES += libconformance.la
libconformance_la_SOURCES = \
	tests/conformance/notation.c \
	tests/conformance/notation.h \
	tests/conformance/session.c \
	tests/conformance/session.h \
	tests/conformance/tables.c \
	tests/conformance/tables.h

EXTRA_DIST += \
	tests/conformance/README.md \
	tests/conformance/admin.table \
	tests/conformance/authenticate.table \
	tests/conformance/chaining.table \
	tests/conformance/change.table \
	tests/conformance/classes.table \
	tests/conformance/faults.table \
	tests/conformance/generate.table \
	tests/conformance/getdata.table \
	tests/conformance/import.table \
	tests/conformance/manage.table \
	tests/conformance/preconditions.table \
	tests/conformance/putdata.table \
	tests/conformance/select.table \
	tests/conformance/status.table \
	tests/conformance/unblock.table \
	tests/conformance/verify.table \
	tests/conformance/yubico.table

tests_check_conformance_SOURCES = tests/check_conformance.c tests/suite.h
tests_check_conformance_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_conformance_LDADD = libconformance.la libfakecard.la libapplet.la libbase.la $(CHECK_LIBS)
