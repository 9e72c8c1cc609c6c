# SPDX-License-Identifier: BSD-2-Clause
# How long a signature takes, as a distribution; tests/bench/run sets
#	title1, files1, titles1 and the same with 2
# title is the algorithm; files are lists of files with a duration in
# microseconds and the part of all that took at most that, to a line, and titles
# the places they were measured at.
set terminal svg size 900,760 background rgb 'white' font 'sans-serif,13'
set multiplot layout 2,1
set rmargin 26
set logscale x 10
set xtics (20, 50, 100, 200, 300, 500, 1000, 2000, 3000, 5000, 10000, 20000)
set xrange [30:20000]
set yrange [0:1]
set ytics ('0 %%' 0, '25 %%' 0.25, '50 %%' 0.5, '75 %%' 0.75, '99 %%' 0.99)
set grid x y linecolor rgb '#dddddd'
set key outside right center reverse Left samplen 2
set xlabel 'microseconds (logarithmic)'
set ylabel 'of all signatures took at most that'
colour(title) = \
	title eq 'raw TPM' ? 0x222222 : \
	title eq 'card edge' ? 0x0072b2 : \
	title eq 'card edge (ahead)' ? 0x56b4e9 : \
	title eq 'opensc-pkcs11' ? 0x009e73 : \
	title eq 'tpm2-pkcs11' ? 0xd55e00 : 0xcc79a7
set title title1
plot for [i = 1:words(files1)] word(files1, i) using 1:2 with lines \
	linewidth 2 linecolor rgb colour(word(titles1, i)) title word(titles1, i)
set title title2
plot for [i = 1:words(files2)] word(files2, i) using 1:2 with lines \
	linewidth 2 linecolor rgb colour(word(titles2, i)) title word(titles2, i)
