# SPDX-License-Identifier: BSD-2-Clause
# Measurements, not tests: make bench.  The programs are built with the other
# programs of the end-to-end tests; each prints lines for tests/bench/report.
EXTRA_DIST += tests/bench/README.md tests/bench/run

check_LTLIBRARIES += libmeasure.la
libmeasure_la_SOURCES = tests/bench/measure.c tests/bench/measure.h

bench: all e2e-programs
	TPMVSC_SOURCE='$(abs_top_srcdir)' '$(srcdir)/tests/bench/run' $(BENCH_OPTIONS)
.PHONY: bench
