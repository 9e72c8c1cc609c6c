# SPDX-License-Identifier: BSD-2-Clause
# Checks of the tree as a whole; each room's unit tests are in its own local.mk.
dist_check_SCRIPTS += tests/check_completion.sh tests/check_includes.sh
EXTRA_DIST += tests/check_exports.sh tests/suite.h
EXTRA_DIST += tests/e2e_audit.sh tests/e2e_machine.sh tests/e2e_secrets.sh
EXTRA_DIST += tests/run tests/lib.sh tools/demo tests/e2e_beside.sh tests/e2e_card.sh tests/e2e_crash.sh tests/e2e_install.sh \
	tests/e2e_messages.sh tests/e2e_pin.sh tests/e2e_reset.sh tests/e2e_show.sh tests/e2e_hostile.sh \
	tests/e2e_takeover.sh tests/e2e_windows.sh

# A sanitizer's driver exports the sanitizer's symbols as well.
if !SANITIZERS
tree_checks = tests/check_exports.sh
endif
TESTS += $(tree_checks)
tests/check_exports.log: libifdtpmvsc.la

# The tool's grammar in print, and completion for bash, which is compared with it.
EXTRA_PROGRAMS += tests/grammar
CLEANFILES += tests/grammar
tests_grammar_SOURCES = tests/grammar.c $(tools_parts)
tests_grammar_LDADD = $(ROOM_LIBS)
check_DATA += tests/grammar$(EXEEXT) etc/tpmvscmgr.bash-completion

# The unit tests, built and not run.
programs: $(check_PROGRAMS)

# The unit tests alone: the rules above do not depend on compiler or options.
check-programs: programs
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(check_PROGRAMS)'

# The unit tests again under valgrind, but for what is too slow there: the
# attacker's ways on the wire, proofs of a secret by the dozen (each is an
# scrypt), and looking for primes.  The card's side of it is in check_vault;
# the sanitizers see all of it.
attackers = tests/check_attacks$(EXEEXT) tests/check_recreated$(EXEEXT) tests/check_interposer$(EXEEXT) \
	tests/check_failures$(EXEEXT)
slow = tests/check_adminkey$(EXEEXT) tests/check_import$(EXEEXT) tests/check_parts$(EXEEXT) \
	tests/check_sealing$(EXEEXT) tests/check_challenge$(EXEEXT)
valgrind_programs = $(filter-out $(attackers) $(slow),$(check_PROGRAMS))
# A process for each test takes most of the time there; these programs want it.
forking = tests/check_file$(EXEEXT) tests/check_log$(EXEEXT) tests/check_pcsc$(EXEEXT)
valgrind = valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
check-valgrind: $(valgrind_programs)
	FAULT_STRIDE=7 CK_FORK=no $(MAKE) $(AM_MAKEFLAGS) check-TESTS \
		TESTS='$(filter-out $(forking),$(valgrind_programs))' LOG_COMPILER='$(valgrind)'
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(forking)' LOG_COMPILER='$(valgrind)'

.PHONY: programs check-programs check-valgrind

# Not a test: sends APDUs, for the end-to-end tests.
EXTRA_PROGRAMS += tests/apdu
CLEANFILES += tests/apdu
tests_apdu_SOURCES = tests/apdu.c
tests_apdu_CPPFLAGS = $(AM_CPPFLAGS) $(PCSC_CFLAGS)
tests_apdu_LDADD = $(PCSC_LIBS)

# A card through OpenSC, end to end.
EXTRA_DIST += tests/opensc.sh tests/e2e_apdus.sh tests/e2e_enroll.sh tests/e2e_mail.sh tests/e2e_many.sh \
	tests/e2e_mechanisms.sh tests/e2e_opensc.sh tests/e2e_p11test.sh

# Yubico's programs, end to end.
EXTRA_DIST += tests/e2e_random.sh tests/e2e_ykman.sh tests/e2e_yubico.sh tests/newer_suites.sh

# The newest clients, in a root of a newer Debian.
EXTRA_DIST += tests/newer tests/newer_gnupg.sh tests/newer_opensc.sh tests/newer_pkcs11.sh \
	tests/newer_ykman.sh tests/newer_yubico.sh

# Not a test either: runs the conformance tables on a card.
EXTRA_PROGRAMS += tests/conformance/live
CLEANFILES += tests/conformance/live
EXTRA_DIST += tests/e2e_conformance.sh
tests_conformance_live_SOURCES = tests/conformance/live.c
tests_conformance_live_CPPFLAGS = $(AM_CPPFLAGS) $(PCSC_CFLAGS)
tests_conformance_live_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_conformance_live_LDADD = libconformance.la libbase.la $(PCSC_LIBS) $(CRYPTO_LIBS)

# Not a test either: turns bits of a bundle.
EXTRA_PROGRAMS += tests/flips
CLEANFILES += tests/flips
EXTRA_DIST += tests/e2e_attest.sh
tests_flips_SOURCES = tests/flips.c $(bundle_parts) $(json_parts) tools/words.c tools/words.h
tests_flips_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS) $(JSON_CFLAGS)
tests_flips_LDADD = $(ROOM_LIBS) $(JSON_LIBS)

# What the end-to-end tests need beside what is installed.
e2e-programs: $(EXTRA_PROGRAMS)
.PHONY: e2e-programs

# Changing a card's secrets, end to end.
EXTRA_DIST += tests/e2e_change.sh

# Certificates for attestation keys, end to end.
EXTRA_DIST += docs/attestation-ca.md tests/e2e_attest_ca.sh

# Keys' attestation for WebAuthn and ACME, end to end.
EXTRA_DIST += tests/e2e_webauthn.sh

# Unblocking with a help desk, end to end.
EXTRA_DIST += tests/e2e_desk.sh

# What is read of a card's files, end to end.
EXTRA_DIST += tests/e2e_reads.sh

# A card behind a resource manager.
EXTRA_DIST += tests/e2e_manager.sh
