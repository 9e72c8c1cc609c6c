# SPDX-License-Identifier: BSD-2-Clause
ifd_LTLIBRARIES = libifdtpmvsc.la

ifd_sources = \
	ifd/capabilities.c ifd/capabilities.h \
	ifd/features.c ifd/features.h \
	ifd/handler.c \
	ifd/poll.c ifd/poll.h \
	ifd/sink.c ifd/sink.h \
	ifd/slots.c ifd/slots.h \
	ifd/version.c ifd/version.h

libifdtpmvsc_la_SOURCES = $(ifd_sources)
libifdtpmvsc_la_CPPFLAGS = $(AM_CPPFLAGS) $(PCSC_CFLAGS)
# pcscd unmaps a driver when it closes the reader; a TPM's answer that is still
# out has a thread of ours waiting for it.
libifdtpmvsc_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -Wl,-z,nodelete
libifdtpmvsc_la_LIBADD = $(ROOM_LIBS)

# The whole driver over a fake card room.
check_PROGRAMS += tests/check_ifd tests/check_live
tests_check_ifd_SOURCES = tests/check_ifd.c tests/fake_cards.c tests/fake_cards.h $(ifd_sources)
tests_check_ifd_CPPFLAGS = $(AM_CPPFLAGS) $(PCSC_CFLAGS)
tests_check_ifd_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_ifd_LDADD = libbase.la $(CHECK_LIBS)

# And over the real one, with a TPM in memory.
tests_check_live_SOURCES = tests/check_live.c $(ifd_sources)
tests_check_live_CPPFLAGS = $(AM_CPPFLAGS) $(PCSC_CFLAGS)
tests_check_live_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_live_LDADD = libinstallation.la libscratch.la libcard.la libstore.la libapplet.la \
	libbase.la $(CHECK_LIBS)
