# SPDX-License-Identifier: BSD-2-Clause
noinst_LTLIBRARIES += libtpm.la

libtpm_la_SOURCES = \
	tpm/adminkey.c \
	tpm/adminkey.h \
	tpm/area.c \
	tpm/area.h \
	tpm/armed.c \
	tpm/attestation.c \
	tpm/attestation.h \
	tpm/authority.c \
	tpm/authority.h \
	tpm/authorise.c \
	tpm/challenge.c \
	tpm/carrier.h \
	tpm/certificate.c \
	tpm/certificate.h \
	tpm/certify.c \
	tpm/certify.h \
	tpm/cipher.c \
	tpm/cipher.h \
	tpm/command.c \
	tpm/command.h \
	tpm/create.c \
	tpm/credential.c \
	tpm/desk.c \
	tpm/desk.h \
	tpm/digest.c \
	tpm/digest.h \
	tpm/ektemplate.c \
	tpm/ektemplate.h \
	tpm/ek.c \
	tpm/erase.c \
	tpm/evidence.c \
	tpm/evidence.h \
	tpm/evidence_check.c \
	tpm/extension.c \
	tpm/facts.c \
	tpm/facts.h \
	tpm/firstwrite.c \
	tpm/firstwrite.h \
	tpm/import.c \
	tpm/kdf.c \
	tpm/kdf.h \
	tpm/key.c \
	tpm/key.h \
	tpm/keyfile.c \
	tpm/keyfile.h \
	tpm/lease.c \
	tpm/lease.h \
	tpm/link.c \
	tpm/link.h \
	tpm/lockfile.c \
	tpm/lockfile.h \
	tpm/manage.c \
	tpm/oids.h \
	tpm/parent.c \
	tpm/parent.h \
	tpm/parts.c \
	tpm/parts.h \
	tpm/probe.h \
	tpm/rc.c \
	tpm/rc.h \
	tpm/record.c \
	tpm/record.h \
	tpm/reference.c \
	tpm/reference.h \
	tpm/sealing.c \
	tpm/socket.c \
	tpm/statement.c \
	tpm/statement.h \
	tpm/thread.c \
	tpm/tpm.h \
	tpm/turn.c \
	tpm/use.c \
	tpm/vault.c \
	tpm/vault.h \
	tpm/seed.c \
	tpm/seed.h \
	tpm/session.c \
	tpm/session.h \
	tpm/wire.c \
	tpm/wire.h \
	tpm/wrap.c \
	tpm/wrap.h

libtpm_la_CPPFLAGS = $(AM_CPPFLAGS) $(TSS2_CFLAGS) $(SODIUM_CFLAGS) $(CRYPTO_CFLAGS)

# A card in a software TPM, and who attacks it.
check_LTLIBRARIES += libcardtpm.la
libcardtpm_la_SOURCES = \
	tests/attacker.c tests/attacker.h \
	tests/cardtpm.c tests/cardtpm.h \
	tests/keyparts.c tests/keyparts.h \
	tests/memory.c tests/memory.h \
	tests/swtpm.c tests/swtpm.h \
	tests/tap.c tests/tap.h
libcardtpm_la_CPPFLAGS = $(AM_CPPFLAGS) $(TSS2_CFLAGS) $(ESYS_CFLAGS) $(CRYPTO_CFLAGS)
libcardtpm_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)

TPM_CHECK_CPPFLAGS = $(AM_CPPFLAGS) $(TSS2_CFLAGS) $(ESYS_CFLAGS) $(CRYPTO_CFLAGS)
TPM_CHECK_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
TPM_CHECK_LIBS = libcardtpm.la libtpm.la libbase.la $(TSS2_LIBS) $(SODIUM_LIBS) $(ESYS_LIBS) $(CRYPTO_LIBS) \
	$(CHECK_LIBS)

check_PROGRAMS += tests/check_digest
tests_check_digest_SOURCES = tests/check_digest.c tests/suite.h
tests_check_digest_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_digest_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_digest_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_command
tests_check_command_SOURCES = tests/check_command.c tests/suite.h
tests_check_command_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_command_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_command_LDADD = libscratch.la $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_reference
tests_check_reference_SOURCES = tests/check_reference.c tests/suite.h
tests_check_reference_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_reference_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_reference_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_record
tests_check_record_SOURCES = tests/check_record.c tests/suite.h
tests_check_record_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_record_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_record_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_vault
tests_check_vault_SOURCES = tests/check_vault.c tests/suite.h
tests_check_vault_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_vault_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_vault_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_spent
tests_check_spent_SOURCES = tests/check_spent.c tests/suite.h
tests_check_spent_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_spent_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_spent_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_attacks
tests_check_attacks_SOURCES = tests/check_attacks.c tests/suite.h
tests_check_attacks_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_attacks_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_attacks_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_recreated
tests_check_recreated_SOURCES = tests/check_recreated.c tests/suite.h
tests_check_recreated_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_recreated_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_recreated_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_failures
tests_check_failures_SOURCES = tests/check_failures.c tests/suite.h
tests_check_failures_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_failures_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_failures_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_interposer
tests_check_interposer_SOURCES = tests/check_interposer.c tests/suite.h
tests_check_interposer_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_interposer_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_interposer_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_adminkey
tests_check_adminkey_SOURCES = tests/check_adminkey.c tests/suite.h
tests_check_adminkey_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_adminkey_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_adminkey_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_import
tests_check_import_SOURCES = tests/check_import.c tests/suite.h
tests_check_import_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_import_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_import_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_parts
tests_check_parts_SOURCES = tests/check_parts.c tests/suite.h
tests_check_parts_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_parts_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_parts_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_sealing
tests_check_sealing_SOURCES = tests/check_sealing.c tests/suite.h
tests_check_sealing_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_sealing_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_sealing_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_certify
tests_check_certify_SOURCES = tests/check_certify.c tests/suite.h
tests_check_certify_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_certify_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_certify_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_challenge
tests_check_challenge_SOURCES = tests/check_challenge.c tests/suite.h
tests_check_challenge_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_challenge_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_challenge_LDADD = $(TPM_CHECK_LIBS)

# The line to a TPM.
check_PROGRAMS += tests/check_wire
tests_check_wire_SOURCES = tests/check_wire.c tests/fake_server.c tests/fake_server.h tests/suite.h
tests_check_wire_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_wire_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_wire_LDADD = libscratch.la $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_credential
tests_check_credential_SOURCES = tests/check_credential.c tests/suite.h
tests_check_credential_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_credential_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_credential_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_witness
tests_check_witness_SOURCES = tests/check_witness.c tests/suite.h
tests_check_witness_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_witness_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_witness_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_evidence
tests_check_evidence_SOURCES = tests/check_evidence.c tests/evidence_maker.c tests/evidence_maker.h \
	tests/faults.c tests/faults.h tests/suite.h
tests_check_evidence_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_evidence_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_evidence_LDADD = $(TPM_CHECK_LIBS)

# Turns on a shared TPM.
check_PROGRAMS += tests/check_lease
tests_check_lease_SOURCES = tests/check_lease.c tests/suite.h
tests_check_lease_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_lease_LDADD = libscratch.la $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_together
tests_check_together_SOURCES = tests/check_together.c tests/suite.h
tests_check_together_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_together_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_together_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_ahead
tests_check_ahead_SOURCES = tests/check_ahead.c tests/suite.h
tests_check_ahead_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_ahead_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_ahead_LDADD = $(TPM_CHECK_LIBS)

check_PROGRAMS += tests/check_facts
tests_check_facts_SOURCES = tests/check_facts.c tests/suite.h
tests_check_facts_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_facts_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_facts_LDADD = libscratch.la $(TPM_CHECK_LIBS)

# Attestation, by a TPM that was manufactured with certificates.
check_PROGRAMS += tests/check_attestation
tests_check_attestation_SOURCES = tests/check_attestation.c tests/suite.h
tests_check_attestation_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_check_attestation_CFLAGS = $(TPM_CHECK_CFLAGS)
tests_check_attestation_LDADD = $(TPM_CHECK_LIBS)
