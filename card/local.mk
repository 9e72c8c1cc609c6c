# SPDX-License-Identifier: BSD-2-Clause
noinst_LTLIBRARIES += libcard.la

libcard_la_SOURCES = \
	card/card.c \
	card/card.h \
	card/config.c \
	card/config.h \
	card/create.c \
	card/destroy.c \
	card/filesystem.c \
	card/list.c \
	card/outcome.c \
	card/paper.c \
	card/parts.h \
	card/presence.c \
	card/profile.c \
	card/work.c
