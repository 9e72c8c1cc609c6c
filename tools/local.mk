# SPDX-License-Identifier: BSD-2-Clause
sbin_PROGRAMS += tpmvscmgr

# What the unit tests link as well.
tools_parts = \
	tools/codes.c tools/codes.h \
	tools/file.c tools/file.h \
	tools/grammar.c tools/grammar.h \
	tools/options.c tools/options.h \
	tools/paste.c tools/paste.h \
	tools/policy.c \
	tools/prompt.c tools/prompt.h \
	tools/recordfile.c tools/recordfile.h \
	tools/secrets.c tools/secrets.h \
	tools/setters.c tools/setters.h \
	tools/settle.c \
	tools/words.c tools/words.h

# JSON, as it is written.
json_parts = tools/base64.c tools/base64.h tools/json.c tools/json.h

# Documents that go from one machine to another, and evidence as one of them.
bundle_parts = tools/bundle.c tools/bundle.h tools/document.c tools/document.h

# Checking it.
verify_parts = tools/ekchain.c tools/ekchain.h tools/verdict.c tools/verdict.h

# A key's attestation as WebAuthn and ACME have it.
webauthn_parts = tools/webauthn.c tools/webauthn.h

# What a person or a program gets to see.
view_parts = \
	tools/certificate.c tools/certificate.h \
	$(json_parts) \
	tools/readerconf.c tools/readerconf.h \
	tools/readers.c tools/readers.h \
	tools/names.c tools/names.h \
	tools/view.c tools/view.h \
	tools/viewjson.c \
	tools/viewtext.c

doctor_parts = \
	tools/doctor.c tools/doctor.h \
	tools/doctor_cards.c \
	tools/doctor_pcscd.c \
	tools/doctor_tpm.c

# A card's client, whatever the channel.
client_parts = \
	tools/channel.h \
	tools/client.c tools/client.h \
	tools/client_admin.c \
	tools/client_keys.c \
	tools/client_parts.h \
	tools/client_status.c

# Changing a card's secrets.
change_parts = tools/changekey.c tools/changepin.c tools/target.c tools/target.h tools/unblock.c

# Certificates, whoever signs them.
x509_parts = tools/identity.c tools/x509.c tools/x509.h

# An attestation CA, and the way to one.
exchange_parts = \
	tools/akcert.c tools/akcert.h \
	tools/calls.c tools/calls.h \
	tools/exchange.c tools/exchange.h \
	tools/https.c tools/https.h \
	tools/obtain.c tools/obtain.h

tpmvscmgr_SOURCES = $(tools_parts) \
	$(client_parts) $(x509_parts) $(change_parts) \
	$(bundle_parts) $(exchange_parts) $(verify_parts) $(view_parts) $(webauthn_parts) \
	tools/channel.c \
	tools/alive.c tools/alive.h \
	tools/attest.c \
	tools/challenge.c \
	tools/commands.h \
	tools/carespond.c \
	tools/create.c \
	tools/destroy.c \
	$(doctor_parts) \
	tools/enroll.c \
	tools/export.c \
	tools/harmless.c tools/harmless.h \
	tools/help.c \
	tools/list.c \
	tools/machine.c \
	tools/message.c tools/message.h \
	tools/qr.c tools/qr.h \
	tools/pcsc.c tools/pcsc.h \
	tools/reader.c \
	tools/renewal.c tools/renewal.h \
	tools/repair.c \
	tools/request.c tools/request.h \
	tools/show.c \
	tools/stdio.c \
	tools/respond.c \
	tools/tpmvscmgr.c \
	tools/verify.c
tpmvscmgr_CPPFLAGS = $(AM_CPPFLAGS) $(PCSC_CFLAGS) $(CBOR_CFLAGS) $(CRYPTO_CFLAGS) $(CURL_CFLAGS) \
	$(JSON_CFLAGS) $(QRENCODE_CFLAGS) -DTPMVSC_READER_CONF='"$(serialconfdir)/libifdtpmvsc"'
tpmvscmgr_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
tpmvscmgr_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
tpmvscmgr_LDADD = $(ROOM_LIBS) $(CBOR_LIBS) $(CURL_LIBS) $(PCSC_LIBS) $(JSON_LIBS) $(QRENCODE_LIBS)

# The client of a card, and the way to it: both ends are played.
check_PROGRAMS += tests/check_channel tests/check_client tests/check_pcsc

tests_check_pcsc_SOURCES = tests/check_pcsc.c tests/suite.h tools/pcsc.c tools/pcsc.h \
	tools/readers.c tools/readers.h
tests_check_pcsc_CPPFLAGS = $(AM_CPPFLAGS) $(PCSC_CFLAGS)
tests_check_pcsc_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_pcsc_LDADD = libbase.la $(CHECK_LIBS)

tests_check_channel_SOURCES = tests/check_channel.c tests/suite.h tools/channel.c tools/channel.h tools/pcsc.h
tests_check_channel_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_channel_LDADD = libbase.la $(CHECK_LIBS)

tests_check_client_SOURCES = tests/check_client.c tests/suite.h $(client_parts)
tests_check_client_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
tests_check_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_client_LDADD = libapplet.la libbase.la $(CRYPTO_LIBS) $(CHECK_LIBS)

# Command lines, and what help and manual say of them; secrets from pipes and
# from a terminal of their own.
check_PROGRAMS += tests/check_help tests/check_options tests/check_prompt

tests_check_help_SOURCES = tests/check_help.c tests/suite.h tools/help.c $(tools_parts)
tests_check_help_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_help_LDADD = $(ROOM_LIBS) $(CHECK_LIBS)

tests_check_options_SOURCES = tests/check_options.c tests/suite.h $(tools_parts)
tests_check_options_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_options_LDADD = $(ROOM_LIBS) $(CHECK_LIBS)

# Files, credentials and what /machine brings.
check_PROGRAMS += tests/check_secrets

tests_check_secrets_SOURCES = tests/check_secrets.c tests/suite.h $(tools_parts)
tests_check_secrets_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_secrets_LDADD = libscratch.la $(ROOM_LIBS) $(CHECK_LIBS)

# What goes from one machine to another.
check_PROGRAMS += tests/check_request

tests_check_request_SOURCES = tests/check_request.c tests/suite.h tools/harmless.c tools/harmless.h \
	tools/request.c tools/request.h $(tools_parts)
tests_check_request_CPPFLAGS = $(AM_CPPFLAGS) $(JSON_CFLAGS)
tests_check_request_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_request_LDADD = $(ROOM_LIBS) $(JSON_LIBS) $(CHECK_LIBS)

# The sign of life, and messages.
check_PROGRAMS += tests/check_alive

tests_check_alive_SOURCES = tests/check_alive.c tests/suite.h tools/alive.c tools/alive.h \
	tools/message.c tools/message.h
tests_check_alive_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_alive_LDADD = $(ROOM_LIBS) $(CHECK_LIBS) -lutil

tests_check_prompt_SOURCES = tests/check_prompt.c tests/suite.h $(tools_parts)
tests_check_prompt_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_prompt_LDADD = $(ROOM_LIBS) $(CHECK_LIBS) -lutil

# Challenges and responses as text, and asking for them.
check_PROGRAMS += tests/check_codes tests/check_paste

tests_check_codes_SOURCES = tests/check_codes.c tests/suite.h $(tools_parts)
tests_check_codes_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_codes_LDADD = $(ROOM_LIBS) $(CHECK_LIBS)

tests_check_paste_SOURCES = tests/check_paste.c tests/suite.h $(tools_parts)
tests_check_paste_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_paste_LDADD = $(ROOM_LIBS) $(CHECK_LIBS) -lutil

# A small attestation CA over HTTPS, for small sites; README says how.
dist_pkglibexec_SCRIPTS = tools/attestation-ca

dist_man_MANS += man/tpmvscmgr.8 man/tpmvscmgr-json.5 man/tpmvsc.conf.5

# A card's record as a file.
check_PROGRAMS += tests/check_recordfile

tests_check_recordfile_SOURCES = tests/check_recordfile.c tests/suite.h \
	tools/file.c tools/file.h tools/recordfile.c tools/recordfile.h
tests_check_recordfile_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
tests_check_recordfile_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_recordfile_LDADD = libscratch.la libbase.la $(CRYPTO_LIBS) $(CHECK_LIBS)

# Requests and certificates, signed by a key in software.
check_PROGRAMS += tests/check_x509

tests_check_x509_SOURCES = tests/check_x509.c tests/suite.h tools/words.c tools/words.h $(x509_parts)
tests_check_x509_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
tests_check_x509_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_x509_LDADD = libapplet.la libbase.la $(CRYPTO_LIBS) $(CHECK_LIBS)

# A new key for a slot, on a card over fake ports.
check_PROGRAMS += tests/check_renewal

tests_check_renewal_SOURCES = tests/check_renewal.c tests/suite.h tools/renewal.c tools/renewal.h $(client_parts)
tests_check_renewal_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
tests_check_renewal_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_renewal_LDADD = libfakecard.la libapplet.la libbase.la $(CRYPTO_LIBS) $(CHECK_LIBS)

# What show, list and doctor print, and what they read.
check_PROGRAMS += tests/check_show tests/check_doctor

looking_parts = $(view_parts) $(client_parts) tools/channel.c tools/commands.h tools/file.c tools/file.h tools/pcsc.c tools/pcsc.h \
	tools/reader.c tools/words.c tools/words.h
tests_check_show_SOURCES = tests/check_show.c tests/suite.h $(looking_parts)
tests_check_show_CPPFLAGS = $(AM_CPPFLAGS) $(PCSC_CFLAGS) $(CRYPTO_CFLAGS) $(JSON_CFLAGS)
tests_check_show_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_show_LDADD = $(ROOM_LIBS) $(PCSC_LIBS) $(JSON_LIBS) $(CHECK_LIBS)

tests_check_doctor_SOURCES = tests/check_doctor.c tests/suite.h $(doctor_parts) $(looking_parts)
tests_check_doctor_CPPFLAGS = $(tpmvscmgr_CPPFLAGS)
tests_check_doctor_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_doctor_LDADD = $(ROOM_LIBS) $(PCSC_LIBS) $(JSON_LIBS) $(CHECK_LIBS)

# Chains of certificates, made for the purpose.
check_PROGRAMS += tests/check_ekchain

tests_check_ekchain_SOURCES = tests/check_ekchain.c tests/recipe.c tests/recipe.h tests/suite.h \
	tools/ekchain.c tools/ekchain.h tools/file.c tools/file.h
tests_check_ekchain_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
tests_check_ekchain_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_ekchain_LDADD = libscratch.la $(ROOM_LIBS) $(CHECK_LIBS)

# A key's attestation for WebAuthn and ACME.
check_PROGRAMS += tests/check_webauthn

tests_check_webauthn_SOURCES = tests/check_webauthn.c tests/suite.h $(webauthn_parts)
tests_check_webauthn_CPPFLAGS = $(AM_CPPFLAGS) $(CBOR_CFLAGS) $(CRYPTO_CFLAGS) $(TSS2_CFLAGS)
tests_check_webauthn_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_webauthn_LDADD = $(ROOM_LIBS) $(CBOR_LIBS) $(CRYPTO_LIBS) $(TSS2_LIBS) $(CHECK_LIBS)

# What evidence proves.
check_PROGRAMS += tests/check_verdict

tests_check_verdict_SOURCES = tests/check_verdict.c tests/evidence_maker.c tests/evidence_maker.h \
	tests/recipe.c tests/recipe.h tests/suite.h $(verify_parts) $(bundle_parts) $(json_parts) \
	tools/certificate.c tools/certificate.h tools/names.c tools/names.h $(tools_parts)
tests_check_verdict_CPPFLAGS = $(AM_CPPFLAGS) $(TSS2_CFLAGS) $(CRYPTO_CFLAGS) $(JSON_CFLAGS)
tests_check_verdict_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_verdict_LDADD = $(ROOM_LIBS) $(JSON_LIBS) $(CHECK_LIBS)

# Evidence as JSON: there and back, and every bit of it.
check_PROGRAMS += tests/check_bundle

tests_check_bundle_SOURCES = tests/check_bundle.c tests/suite.h $(bundle_parts) $(json_parts) \
	tools/words.c tools/words.h
tests_check_bundle_CPPFLAGS = $(AM_CPPFLAGS) $(JSON_CFLAGS) $(CRYPTO_CFLAGS)
tests_check_bundle_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_bundle_LDADD = $(ROOM_LIBS) $(JSON_LIBS) $(CHECK_LIBS)

# Files that the command line names.
check_PROGRAMS += tests/check_file

tests_check_file_SOURCES = tests/check_file.c tests/suite.h tools/file.c tools/file.h
tests_check_file_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_file_LDADD = libscratch.la libbase.la $(CHECK_LIBS)

# Octets in JSON.
check_PROGRAMS += tests/check_base64

tests_check_base64_SOURCES = tests/check_base64.c tests/suite.h tools/base64.c tools/base64.h
tests_check_base64_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
tests_check_base64_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_base64_LDADD = libbase.la $(CRYPTO_LIBS) $(CHECK_LIBS)

# What goes between a card's machine and an attestation CA.
check_PROGRAMS += tests/check_exchange

tests_check_exchange_SOURCES = tests/check_exchange.c tests/suite.h tools/calls.c tools/calls.h \
	tools/exchange.c tools/exchange.h tools/https.c tools/https.h $(bundle_parts) $(json_parts) \
	tools/words.c tools/words.h
tests_check_exchange_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS) $(CURL_CFLAGS) $(JSON_CFLAGS)
tests_check_exchange_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_exchange_LDADD = $(ROOM_LIBS) $(CURL_LIBS) $(JSON_LIBS) $(CHECK_LIBS)

# What an attestation CA makes.
check_PROGRAMS += tests/check_akcert

tests_check_akcert_SOURCES = tests/check_akcert.c tests/suite.h tools/akcert.c tools/akcert.h \
	tools/ekchain.c tools/ekchain.h tools/file.c tools/file.h
tests_check_akcert_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
tests_check_akcert_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_akcert_LDADD = libscratch.la $(ROOM_LIBS) $(CHECK_LIBS)
