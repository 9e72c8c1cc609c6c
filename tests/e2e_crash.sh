#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Create and destroy killed at any moment leave nothing behind after the next
# run; cards in use at the same time do not disturb each other, nor does the
# tool at work beside them.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
cd "$scratch"
install_private
swtpm_start
write_conf 'spare_slots = 4'
pcscd_start
create=(create /PIN DEFAULT /PUK DEFAULT /AdminKey DEFAULT /generate /quiet /name)

# ---- killed at some moment ----

# kill_after SECONDS COMMAND...: whether it was killed before it ended.
kill_after()
{
	local delay=$1 pid
	shift
	"$prefix/sbin/tpmvscmgr" "$@" --config "$conf" >/dev/null 2>&1 </dev/null &
	pid=$!
	sleep "$delay"
	kill -9 "$pid" 2>/dev/null || :
	! wait "$pid" 2>/dev/null
}

# A run that is not killed, to know how long one takes.
begin=$(date +%s%N)
mgr "${create[@]}" Keeper >/dev/null 2>create.log || die "create: $(cat create.log)"
took=$((($(date +%s%N) - begin) / 1000000))
keeper=$(nv_indices)
killed=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	if kill_after "$(printf '0.%03d' $((took * i / 13 % 1000)))" "${create[@]}" Victim; then
		killed=$((killed + 1))
	fi
	# What was made, or what was left half-made, goes.
	mgr destroy /instance 1 /quiet >destroy.log 2>&1 || grep -q 'no card' destroy.log ||
		not_ok "after a killed create: $(cat destroy.log)"
	[ "$(nv_indices)" = "$keeper" ] || not_ok "NV indices left by create killed at $i/13"
	[ ! -e "$state/0001" ] || not_ok "files left by create killed at $i/13"
done
check "create was killed in its middle (${killed} of 12)" test "$killed" -ge 4
same 'nothing is left of killed creates in the TPM' "$keeper" "$(nv_indices)"
same 'and nothing on disk' '0000' "$(ls "$state")"
same 'nor among hidden files' '' "$(find "$state" -maxdepth 1 \( -name '.journal*' -o -name '.new*' -o -name '.gone*' \))"

killed=0
for i in 1 2 3 4 5 6; do
	mgr "${create[@]}" Victim >/dev/null 2>&1 || not_ok 'create a card to destroy'
	if kill_after "$(printf '0.%03d' $((i * 6)))" destroy /instance 1 /quiet; then
		killed=$((killed + 1))
	fi
	mgr destroy /instance 1 /quiet >destroy.log 2>&1 || grep -q 'no card' destroy.log ||
		not_ok "after a killed destroy: $(cat destroy.log)"
done
check "destroy was killed in its middle (${killed} of 6)" test "$killed" -ge 1
same 'nothing is left of killed destroys in the TPM' "$keeper" "$(nv_indices)"
same 'nor on disk' '0000' "$(ls "$state")"

# ---- at the same time ----
mgr "${create[@]}" Other >/dev/null 2>create.log || die "create: $(cat create.log)"
wait_for 5 card_in 1 || die 'the second card is in its reader'
for n in 0 1; do
	session_open "$n"
	check "card $n: admin authentication" admin_auth
	expect_sw "card $n: a key" 9000 0047009A05AC03800111 00
done
session_close

# Forty signatures of a card in one session; prints how many went well.
sign_many()
{
	{
		echo 00A4040009A0000003080000100000
		verify_apdu 12345678
		echo
		for _ in $(seq 40); do
			echo "0087119A267C2482008120$(printf '%064d' 1)00"
		done
	} | "$build/tests/apdu" "$(reader "$1")" 2>&1 | grep -c '^7C.* 9000$'
}
sign_many 0 >signed0 &
one=$!
sign_many 1 >signed1 &
two=$!
trouble=0
for _ in 1 2 3; do
	mgr list >/dev/null 2>&1 || trouble=1
	mgr "${create[@]}" Passing >/dev/null 2>&1 || trouble=1
	mgr destroy /instance 2 /quiet || trouble=1
done
wait $one || :
wait $two || :
same 'the first card signed every time' 40 "$(cat signed0)"
same 'the second card signed every time' 40 "$(cat signed1)"
same 'list, create and destroy worked beside them' 0 $trouble

# ---- a client that dies, a card that goes while it is in use ----
session_open 1
expect_sw 'the PIN' 9000 "$(verify_apdu 12345678)"
kill_process "$session_pid"
session_close
session_open 0
mgr destroy /instance 1 /quiet || not_ok 'destroy a card a client has just left'
mgr destroy /instance 0 /quiet || not_ok 'destroy a card in use'
apdu 0020008000
matches 'a card destroyed in use answers no more' '^(no-answer|6F00|6982|6A82|6D00)$' "$sw"
session_close
check 'pcscd goes on' wait_for 5 card_out 0
same 'no NV index is left' '' "$(nv_indices)"
