#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What pcscd opens of a card's files, and when: once while the card is powered,
# and again after anybody changed something.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages "${build_packages[@]}" "${run_packages[@]}" strace
cd "$scratch"
install_private
swtpm_start
write_conf
pcscd_start
mgr create /name Reads /AdminKey DEFAULT /PIN DEFAULT /generate >create.log 2>&1 || die 'create'
wait_for 10 card_in 0 || die 'the card is in its reader'

chuid='00CB3FFF055C035FC102 00'
sign="0087119A267C2482008120$(printf '%064d' 7) 00"

# Whether each of pcscd's threads has a tracer.
traced() { ! grep -q '^TracerPid:[[:space:]]*0$' /proc/"$pcscd_pid"/task/*/status; }

# reads WHAT FILES HEX...: for a command that is answered 9000, or another line of
# tests/apdu, pcscd opens those of the card's files.
reads()
{
	local what=$1 want=$2 tracer
	shift 2
	strace -f -qq -e trace=open,openat,openat2 -o calls.log -p "$pcscd_pid" 2>strace.log &
	tracer=$!
	wait_for 10 traced || die "trace pcscd: $(cat strace.log)"
	apdu "$@"
	kill "$tracer"
	wait "$tracer" 2>/dev/null || :
	matches "$what: answered" '^(9000|ok)$' "$sw"
	same "$what: opens '$want'" "$want" \
		"$(sed -nE 's/.*"((key|next|object|sealed|sealing|default)-[0-9a-f]+)".*/\1/p' calls.log |
			sort | paste -sd ' ')"
}

session_open 0
admin_auth || die 'authenticate with the admin key'
expect_sw 'a key in 9A' 9000 0047009A05AC03800111 00
reads 'the first GET DATA' object-5fc102 "$chuid"
reads 'the second' '' "$chuid"
expect_sw 'the PIN' 9000 "$(verify_apdu 12345678)"
reads 'the first signature' key-9a "$sign"
reads 'the second signature' '' "$sign"
reads 'a reset' '' reset
reads 'GET DATA after a reset' '' "$chuid"

# Beside the driver, by a name that appears at once.
printf 'another' >"$state/another"
chmod 0600 "$state/another"
mv "$state/another" "$state/0000/object-5fc102"
reads 'GET DATA after a change' object-5fc102 "$chuid"
same 'it is what is there now' "5307$(printf 'another' | hex)" "${data,,}"
reads 'once more' '' "$chuid"
printf 'in place' >"$state/0000/object-5fc102"
apdu "$chuid"
same 'a change in place' "5308$(printf 'in place' | hex)" "${data,,}"
rm "$state/0000/object-5fc102"
expect_sw 'an object that is gone' 6A82 "$chuid"
reads 'GET DATA of another object' object-7e '00CB3FFF035C017E 00'

reads 'power down and up' '' unpower
reads 'GET DATA after power down' object-7e '00CB3FFF035C017E 00'
session_close
