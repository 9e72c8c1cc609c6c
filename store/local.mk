# SPDX-License-Identifier: BSD-2-Clause
noinst_LTLIBRARIES += libstore.la

libstore_la_SOURCES = \
	store/cards.c \
	store/files.c \
	store/files.h \
	store/items.c \
	store/journal.c \
	store/lock.c \
	store/place.c \
	store/place.h \
	store/watch.c

EXTRA_DIST += store/README.md
