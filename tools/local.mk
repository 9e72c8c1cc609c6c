# SPDX-License-Identifier: BSD-2-Clause
# Uncomment when tools/main.c (or whatever holds main) exists.
#sbin_PROGRAMS += tpmvscmgr

#tpmvscmgr_SOURCES = tools/main.c
#tpmvscmgr_CPPFLAGS = $(AM_CPPFLAGS) $(PCSC_CFLAGS)
#tpmvscmgr_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
#tpmvscmgr_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
#tpmvscmgr_LDADD = $(ROOM_LIBS) $(PCSC_LIBS)

#dist_man_MANS += tools/tpmvscmgr.8
