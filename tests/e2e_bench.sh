#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The measuring programs work: a quick run has every figure and every ratio.
# How fast anything is, is no matter of a test.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages "${run_packages[@]}" "${opensc_packages[@]}" jq
cd "$scratch"
install_private

# ---- report ----
report() { "$build/tests/bench/report" "$@"; }

# line CASE AT MEDIAN RATE
line() { printf '{"case":"%s","at":"%s","unit":"us","n":10,"median":%s,"p99":9,"mean":5,"rate":%s}\n' "$@"; }

ratio() { jq -c --arg what "$1" '.ratios[] | select(.what == $what) | [.value, .met]' report.json; }

{
	line 'sign P-256' 'card edge' 120 8000
	line 'sign P-256' 'raw TPM' 100 10000
	line 'sign P-256' 'card edge' 330 3000
	line 'sign P-256' 'raw TPM' 300 3300
	line 'sign P-256' 'card edge' 130 7500
	line 'sign P-256' 'raw TPM' 100 10000
	line SELECT 'card edge' 20 50000
	line SELECT 'null driver' 10 100000
} >lines
takes_lines() { report --json report.json <lines; }
check 'report takes lines' takes_lines
same 'rounds are one row' 4 "$(jq '.results | length' report.json)"
same 'of each figure the median' '[130,7500,30]' \
	"$(jq -c '.results[] | select(.case == "sign P-256" and .at == "card edge") | [.median, .rate, .n]' report.json)"
same 'a ratio is the median of the ratios in a round' '[1.2,true]' "$(ratio 'P-256 sign: card edge / raw TPM')"
same 'a ratio that is not met' '[0.5,false]' "$(ratio 'SELECT, rate: card edge / null driver')"
same 'a ratio that is not measured' '[null,null]' "$(ratio 'memory per card, KiB')"
check_line() { printf '%s\n' "$1" | report; }
refuse 'a line that is cut short' 1 check_line '{"case":"SELECT","at":"car'
refuse 'a line without a figure' 1 check_line '{"case":"SELECT","at":"card edge","unit":"us"}'
refuse 'no line' 1 report

# ---- the card edge: no result of a wrong answer counts ----
openssl ecparam -name prime256v1 -genkey -noout | openssl pkey -pubout -out key.pub
mkdir reader.conf.d
cat >reader.conf.d/bench <<-END
	FRIENDLYNAME "Null reader"
	DEVICENAME null:30:3000
	LIBPATH $build/tests/bench/.libs/ifdnull.so
	CHANNELID 0
END
pcscd_start
edge() { "$build/tests/bench/edge" -n 5 "$@"; }
check 'the null driver answers' edge select 'Null reader 00 00'
same 'each operation counts' 5 "$(edge -t SELECT select 'Null reader 00 00' | jq .n)"
refuse 'an answer that is no signature' 1 edge sign 'Null reader 00 00' 9A key.pub
refuse 'no such reader' 1 edge select 'Another reader'
pcscd_stop

# ---- all of it ----
bench() { "$top/tests/bench/run" "$@"; }
export TPMVSC_PREFIX=$prefix TPMVSC_BUILD=$build
refuse 'an option that there is not' 2 bench --slow
check 'a quick run' bench --quick --json run.json --plot run.svg
same 'every ratio is measured' '[]' "$(jq -c '[.ratios[] | select(.value == null) | .what]' run.json)"
check 'the plot is one' grep -q '</svg>' run.svg

# rows AT CASE...: each is there, with a figure.
rows()
{
	local at=$1 what
	shift
	for what; do
		same "$what at $at" true "$(jq --arg at "$at" --arg what "$what" \
			'any(.results[]; .case == $what and .at == $at and .median >= 0)' run.json)"
	done
}
for at in 'raw TPM' 'card edge' opensc-pkcs11 tpm2-pkcs11 softhsm; do
	rows "$at" 'sign P-256' 'sign RSA-2048'
	# which tpm2-pkcs11 cannot
	[ "$at" = tpm2-pkcs11 ] || rows "$at" 'ECDH P-256'
done
for at in 'null driver' vpcd 'card edge'; do
	rows "$at" SELECT 'GET DATA 3 KB'
done
rows 'card edge (ahead)' 'sign P-256'
rows 'key derivation' VERIFY create
for readers in '1 reader' '2 readers' '8 readers'; do
	rows 'null driver' "SELECT, $readers"
	rows 'card edge' "SELECT, $readers" "sign P-256, $readers"
done
