# SPDX-License-Identifier: BSD-2-Clause
ifd_LTLIBRARIES = libifdtpmvsc.la

libifdtpmvsc_la_SOURCES =
libifdtpmvsc_la_CPPFLAGS = $(AM_CPPFLAGS) $(PCSC_CFLAGS)
libifdtpmvsc_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version
libifdtpmvsc_la_LIBADD = $(ROOM_LIBS)

# Tests of this room, one program per noun, e.g.
#check_PROGRAMS += tests/check_ifd
#tests_check_ifd_SOURCES = tests/check_ifd.c ifd/slots.c
#tests_check_ifd_CPPFLAGS = $(AM_CPPFLAGS) $(PCSC_CFLAGS)
#tests_check_ifd_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
#tests_check_ifd_LDADD = $(ROOM_LIBS) $(CHECK_LIBS)
