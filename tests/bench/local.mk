# SPDX-License-Identifier: BSD-2-Clause
# Measurements, not tests: make bench.  The programs are built with the other
# programs of the end-to-end tests; each prints lines for tests/bench/report.
EXTRA_DIST += tests/bench/README.md tests/bench/machine.sh tests/bench/run tests/bench/latency.gp tests/bench/latency.svg tests/e2e_bench.sh

check_LTLIBRARIES += libmeasure.la
libmeasure_la_SOURCES = tests/bench/measure.c tests/bench/measure.h

check_PROGRAMS += tests/check_measure
tests_check_measure_SOURCES = tests/check_measure.c tests/suite.h
tests_check_measure_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_measure_LDADD = libmeasure.la $(CHECK_LIBS)

# Cards that do nothing, for the floor of the transport: pcscd loads the module.
nullcard_sources = tests/bench/nullcard.c tests/bench/nullcard.h
EXTRA_LTLIBRARIES = tests/bench/ifdnull.la
CLEANFILES += tests/bench/ifdnull.la
e2e-programs: tests/bench/ifdnull.la
tests_bench_ifdnull_la_SOURCES = tests/bench/ifdnull.c $(nullcard_sources)
tests_bench_ifdnull_la_CPPFLAGS = $(AM_CPPFLAGS) $(PCSC_CFLAGS)
tests_bench_ifdnull_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -rpath $(abs_builddir)
tests_bench_ifdnull_la_LIBADD = libbase.la

EXTRA_PROGRAMS += tests/bench/vcard
tests_bench_vcard_SOURCES = tests/bench/vcard.c $(nullcard_sources)
tests_bench_vcard_LDADD = libbase.la

# The measuring programs.
EXTRA_PROGRAMS += tests/bench/edge
tests_bench_edge_SOURCES = tests/bench/edge.c tests/bench/keyop.c tests/bench/keyop.h
tests_bench_edge_CPPFLAGS = $(AM_CPPFLAGS) $(PCSC_CFLAGS)
tests_bench_edge_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_bench_edge_LDADD = libmeasure.la libapplet.la libbase.la $(PCSC_LIBS) $(CRYPTO_LIBS)

EXTRA_PROGRAMS += tests/bench/report
tests_bench_report_SOURCES = tests/bench/report.c
tests_bench_report_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_bench_report_LDADD = $(JSON_LIBS)

CLEANFILES += tests/bench/vcard tests/bench/edge tests/bench/report

# The TPM with nothing before it, and the ways to ask it.
bench_tpm = tests/bench/client.c tests/bench/client.h
bench_tpm_libs = libmeasure.la libtpm.la libbase.la $(TSS2_LIBS) $(SODIUM_LIBS) $(CRYPTO_LIBS)
EXTRA_PROGRAMS += tests/bench/raw tests/bench/ways
CLEANFILES += tests/bench/raw tests/bench/ways
tests_bench_raw_SOURCES = tests/bench/raw.c $(bench_tpm)
tests_bench_raw_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_bench_raw_LDADD = $(bench_tpm_libs)
tests_bench_ways_SOURCES = tests/bench/ways.c $(bench_tpm)
tests_bench_ways_CPPFLAGS = $(TPM_CHECK_CPPFLAGS)
tests_bench_ways_LDADD = $(bench_tpm_libs) $(ESYS_LIBS)

# Other PKCS#11 modules; PKCS#11's header is not part of what the cards need.
EXTRA_DIST += tests/bench/peers.sh
if HAVE_P11KIT
EXTRA_PROGRAMS += tests/bench/p11
CLEANFILES += tests/bench/p11
tests_bench_p11_SOURCES = tests/bench/p11.c
tests_bench_p11_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
tests_bench_p11_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_bench_p11_LDADD = libmeasure.la libbase.la $(CRYPTO_LIBS)
endif

# Builds and installs for itself, in a scratch directory.
bench:
	'$(srcdir)/tests/bench/run' $(BENCH_OPTIONS)
.PHONY: bench
