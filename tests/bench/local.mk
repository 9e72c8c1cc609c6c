# SPDX-License-Identifier: BSD-2-Clause
# Measurements, not tests: make bench.  The programs are built with the other
# programs of the end-to-end tests; each prints lines for tests/bench/report.
EXTRA_DIST += tests/bench/README.md tests/bench/run

check_LTLIBRARIES += libmeasure.la
libmeasure_la_SOURCES = tests/bench/measure.c tests/bench/measure.h

# PKCS#11's header is not part of what the cards need.
if HAVE_P11KIT
EXTRA_PROGRAMS += tests/bench/p11
CLEANFILES += tests/bench/p11
tests_bench_p11_SOURCES = tests/bench/p11.c
tests_bench_p11_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
tests_bench_p11_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_bench_p11_LDADD = libmeasure.la libbase.la $(CRYPTO_LIBS)
endif

bench: all e2e-programs
	TPMVSC_SOURCE='$(abs_top_srcdir)' '$(srcdir)/tests/bench/run' $(BENCH_OPTIONS)
.PHONY: bench
