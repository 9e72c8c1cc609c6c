# SPDX-License-Identifier: BSD-2-Clause
# How long a signature takes, as a distribution; tests/bench/run sets
#	title1, files1, titles1 and the same with 2
# title is the algorithm; files are lists of files with one duration, in
# microseconds, to a line, and titles the places they were measured at.
set terminal svg size 900,760 background rgb 'white' font 'sans-serif,13'
set multiplot layout 2,1
set logscale x 10
set format x '%.0f'
set xtics (50, 100, 200, 300, 500, 1000, 2000, 3000, 5000, 10000, 20000)
set mxtics default
set xrange [20:20000]
set yrange [0:1]
set format y '%.0f %%'
set ytics 0, 25, 100
set yrange [0:100]
set grid x y linecolor rgb '#dddddd'
set key outside right center reverse Left samplen 2
set xlabel 'microseconds (logarithmic)'
set ylabel 'of all signatures took at most that'
array Colours[6] = ['#222222', '#0072b2', '#56b4e9', '#009e73', '#d55e00', '#cc79a7']
colour(title) = \
	title eq 'raw TPM' ? 0x222222 : \
	title eq 'card edge' ? 0x0072b2 : \
	title eq 'card edge (ahead)' ? 0x56b4e9 : \
	title eq 'opensc-pkcs11' ? 0x009e73 : \
	title eq 'tpm2-pkcs11' ? 0xd55e00 : 0xcc79a7
set title title1
plot for [i = 1:words(files1)] word(files1, i) using 1:(1) smooth cnormal \
	linewidth 2 linecolor rgb colour(word(titles1, i)) title word(titles1, i)
set title title2
plot for [i = 1:words(files2)] word(files2, i) using 1:(1) smooth cnormal \
	linewidth 2 linecolor rgb colour(word(titles2, i)) title word(titles2, i)
