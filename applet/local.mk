# SPDX-License-Identifier: BSD-2-Clause
noinst_LTLIBRARIES += libapplet.la

libapplet_la_SOURCES = \
	applet/algorithms.c \
	applet/algorithms.h \
	applet/apdu.c \
	applet/apdu.h \
	applet/auth.h \
	applet/cmd_admin.c \
	applet/cmd_auth.c \
	applet/cmd_data.c \
	applet/cmd_generate.c \
	applet/cmd_pin.c \
	applet/cmd_select.c \
	applet/commands.c \
	applet/commands.h \
	applet/keyrefs.c \
	applet/keyrefs.h \
	applet/objects.c \
	applet/objects.h \
	applet/pinpolicy.c \
	applet/pinpolicy.h \
	applet/piv.c \
	applet/piv.h \
	applet/response.c \
	applet/response.h \
	applet/status.c \
	applet/status.h \
	applet/store.h \
	applet/sw.c \
	applet/sw.h \
	applet/tlv.c \
	applet/tlv.h \
	applet/vault.h

EXTRA_DIST += applet/README.md
