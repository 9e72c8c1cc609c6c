#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A card behind a resource manager: tpm2-abrmd gives each connection places of its
# own, loads and saves what it has there, and flushes it when the connection
# ends.  pcscd and the tool are two of its clients.
# shellcheck disable=SC2317
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
cd "$scratch"
need_packages dbus-daemon tpm2-abrmd libtss2-tcti-tabrmd0
install_private
swtpm_start

# ---- a bus and a resource manager of our own ----

bus_pid='' manager_pid='' tool_pid=''
finish_more()
{
	stop_process "$tool_pid"
	session_close
	stop_process "$pcscd_pid"
	pcscd_pid=''
	stop_process "$manager_pid"
	stop_process "$bus_pid"
}
export DBUS_SESSION_BUS_ADDRESS=unix:path=$scratch/bus
dbus-daemon --session --nofork --address="$DBUS_SESSION_BUS_ADDRESS" >bus.log 2>&1 </dev/null &
bus_pid=$!
wait_for 10 test -S bus || die 'start a message bus'
tpm2-abrmd --session --allow-root --tcti="$tcti" >manager.log 2>&1 </dev/null &
manager_pid=$!
wait_for 20 env TPM2TOOLS_TCTI=tabrmd:bus_type=session tpm2_getcap properties-fixed ||
	die 'start the resource manager'

# The TPM itself, behind the manager: what is loaded or saved in it.
sessions() { { tpm2_getcap handles-loaded-session && tpm2_getcap handles-saved-session; } | grep -c 0x || :; }
no_sessions() { [ "$(sessions)" -eq 0 ]; }

tcti=tabrmd:bus_type=session
write_conf 'spare_slots = 2'
pcscd_start

# ---- a card ----

key=0f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778
printf '%s\n' $key 24681357 86427531 | mgr create /name managed /generate /quiet /AdminKey PROMPT \
	/PIN PROMPT /PUK PROMPT --pin-tries 3 --record "$scratch/record" >create.out 2>create.log ||
	die "create: $(cat create.log)"
wait_for 10 card_in 0 || die 'the card is in its reader'
check 'the tool sees it' mgr show /instance 0
session_open 0
expect_sw 'the PIN' 9000 "$(verify_apdu 24681357)"
check 'the administrator' admin_auth $key
apdu 0047009C05AC03800111 00
same 'a key that asks for the PIN always' 9000 "$sw"
expect_sw 'the PIN again' 9000 "$(verify_apdu 24681357)"
sign=0087119C267C248200812000$(printf '%062d' 7)
apdu "$sign" 00
same 'it signs once' 9000 "$sw"
expect_sw 'and not twice' 6982 "$sign" 00
expect_sw 'the PIN once more' 9000 "$(verify_apdu 24681357)"
check 'another client has its turn' mgr list
apdu "$sign" 00
same 'and the proof survives it' 9000 "$sw"
session_close

# ---- a help desk ----

# ask: the tool waits with a challenge, which is in ask.out.
ask()
{
	rm -f ask.in
	mkfifo ask.in
	mgr unblock /instance 0 --challenge <ask.in >ask.out 2>ask.err &
	tool_pid=$!
	exec {input}>ask.in
	echo "$1" >&"$input"
	wait_for 20 grep -q ^CHALLENGE: ask.out || die "a challenge: $(cat ask.err)"
}

# answer RESPONSE: the exit status is left in status.
answer()
{
	echo "$1" >&"$input"
	exec {input}>&-
	status=0
	wait $tool_pid || status=$?
	tool_pid=''
}

respond() { printf '%s\n' $key | mgr respond --record record --challenge "$(cat ask.out)" 2>respond.err; }

use_card()
{
	session_open 0
	expect_sw "$1" "$2" "$(verify_apdu "$3")"
	session_close
}

ask 99887766
use_card 'while a challenge waits the card is used' 9000 24681357
check 'and looked at' mgr list
answer "$(respond)"
same 'a forgotten PIN' 0 $status
use_card 'the new PIN' 9000 99887766
session_open 0
for _ in 1 2 3; do apdu "$(verify_apdu 00000000)"; done
same 'a PIN is blocked' 6983 "$sw"
session_close
ask 55443322
use_card 'while two proofs wait the card is used' 6983 99887766
check 'and looked at again' mgr list
answer "$(respond)"
same 'a blocked PIN' 0 $status
use_card 'the new PIN again' 9000 55443322
before=$(sessions)
ask 11111111
check 'the TPM holds the sessions of a challenge' test "$(sessions)" -ge $((before + 2))
kill_process $tool_pid
tool_pid=''
exec {input}>&-
use_card 'a killed challenge leaves the PIN' 9000 55443322

# ---- afterwards ----

check 'the card is destroyed' mgr destroy /instance 0 /quiet
pcscd_stop
check 'no session stays behind, the killed one'"'"'s neither' wait_for 5 no_sessions
same 'no NV index' '' "$(nv_indices)"
