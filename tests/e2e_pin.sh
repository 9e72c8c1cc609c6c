#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The PIN's counter over crashes, the PUK, and how long one PIN entry lasts.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
cd "$scratch"
install_private
swtpm_start
write_conf 'spare_slots = 2' 'pin_cache = 2s'
pcscd_start

# Power fails, as far as a process can have that.
crash()
{
	session_close
	pcscd_kill
	swtpm_kill
	swtpm_start
	pcscd_start
	wait_for 5 card_in 0 || not_ok 'the card is back after a crash'
}

tries='00200080'
sign_9a="0087119A267C2482008120$(printf '%064d' 1)"

mgr create /name Counter /PIN DEFAULT /PUK DEFAULT /AdminKey DEFAULT /generate >/dev/null 2>create.log ||
	die "create: $(cat create.log)"
wait_for 5 card_in 0 || die 'the card is in its reader'
session_open 0
same 'SELECT' 9000 "$sw"
check 'admin authentication' admin_auth
expect_sw 'a key in 9A' 9000 0047009A05AC03800111 00
expect_sw 'a key in 9C' 9000 0047009C05AC03800111 00
expect_sw 'a key in 9E' 9000 0047009E05AC03800111 00

# ---- how long a PIN entry lasts; the TPM is older than pin_cache by now ----
sleep 3
expect_sw 'signing needs the PIN' 6982 "$sign_9a" 00
expect_sw 'the PIN on a TPM older than pin_cache' 9000 "$(verify_apdu 12345678)"
expect_sw 'after it the state says verified' 9000 $tries
expect_sw 'after it signing works' 9000 "$sign_9a" 00
expect_sw 'and again' 9000 "$sign_9a" 00
sleep 3
expect_sw 'after pin_cache signing needs the PIN again' 6982 "$sign_9a" 00
expect_sw 'and the state says not verified' 63C5 $tries
expect_sw 'a second PIN entry' 9000 "$(verify_apdu 12345678)"
expect_sw 'signing works again' 9000 "$sign_9a" 00

# ---- a key that asks for the PIN each time, one that never does ----
sign_9c=${sign_9a/0087119A/0087119C} sign_9e=${sign_9a/0087119A/0087119E}
expect_sw '9C is not served by an earlier PIN entry' 6982 "$sign_9c" 00
expect_sw 'the PIN' 9000 "$(verify_apdu 12345678)"
expect_sw '9C right after the PIN' 9000 "$sign_9c" 00
expect_sw '9C once only' 6982 "$sign_9c" 00
expect_sw '9E needs no PIN' 9000 "$sign_9e" 00

# ---- what ends a PIN entry ----
expect_sw 'the PIN' 9000 "$(verify_apdu 12345678)"
expect_sw 'VERIFY with P1 = FF logs out' 9000 0020FF80
expect_sw 'after it signing needs the PIN' 6982 "$sign_9a" 00
expect_sw 'the PIN' 9000 "$(verify_apdu 12345678)"
apdu reset
apdu 00A4040009A00000030800001000 00
expect_sw 'a reset ends it' 6982 "$sign_9a" 00
expect_sw 'the PIN' 9000 "$(verify_apdu 12345678)"
apdu unpower
apdu 00A4040009A00000030800001000 00
expect_sw 'loss of power ends it' 6982 "$sign_9a" 00
expect_sw 'the PIN' 9000 "$(verify_apdu 12345678)"
expect_sw 'a wrong PIN' 63C4 "$(verify_apdu 87654321)"
expect_sw 'a wrong PIN ends it' 6982 "$sign_9a" 00
expect_sw 'the right PIN' 9000 "$(verify_apdu 12345678)"
expect_sw 'VERIFY again' 9000 "$(verify_apdu 12345678)"
apdu 0020FF80
expect_sw 'the right PIN gave all tries back' 63C5 $tries

# ---- the counter survives ----
expect_sw 'first wrong PIN' 63C4 "$(verify_apdu 00000001)"
expect_sw 'second wrong PIN' 63C3 "$(verify_apdu 00000002)"
crash
session_open 0
expect_sw 'three tries left after kill -9 of pcscd and swtpm' 63C3 $tries
expect_sw 'third wrong PIN' 63C2 "$(verify_apdu 00000003)"
expect_sw 'a malformed PIN costs no try' 6A80 002000800431323334
expect_sw 'fourth wrong PIN' 63C1 "$(verify_apdu 00000004)"
apdu "$(verify_apdu 00000005)"
matches 'fifth wrong PIN blocks' '^(63C0|6983)$' "$sw"
expect_sw 'blocked: the right PIN is refused' 6983 "$(verify_apdu 12345678)"
crash
session_open 0
expect_sw 'still blocked after kill -9 of both' 6983 "$(verify_apdu 12345678)"
expect_sw 'and says so when asked' 6983 $tries
expect_sw '9E works all the same' 9000 "$sign_9e" 00

# ---- the PUK, in a process that never knew the PIN ----
crash
session_open 0
expect_sw 'a wrong PUK' 63C4 "$(unblock_apdu 11111111 44444444)"
expect_sw 'the PUK sets a new PIN' 9000 "$(unblock_apdu 12345678 44444444)"
expect_sw 'the old PIN is wrong' 63C4 "$(verify_apdu 12345678)"
expect_sw 'the new PIN is right' 9000 "$(verify_apdu 44444444)"
expect_sw 'and signs' 9000 "$sign_9a" 00

# ---- changing the PIN ----
change="0024008010$(pin_hex 44444444)$(pin_hex 55555555)"
expect_sw 'CHANGE REFERENCE DATA' 9000 "$change"
expect_sw 'the PIN before it is wrong' 63C4 "$change"
expect_sw 'the PIN after it is right' 9000 "$(verify_apdu 55555555)"
crash
session_open 0
expect_sw 'and stays so over a crash' 9000 "$(verify_apdu 55555555)"

# ---- the PUK blocks too ----
for n in 4 3 2 1; do
	expect_sw "a wrong PUK leaves $n" "63C$n" "$(unblock_apdu 0000000$n 66666666)"
done
apdu "$(unblock_apdu 00000000 66666666)"
matches 'the fifth blocks it' '^(63C0|6983)$' "$sw"
expect_sw 'then the right PUK is refused' 6983 "$(unblock_apdu 12345678 66666666)"
expect_sw 'and the PIN is what it was' 9000 "$(verify_apdu 55555555)"
session_close
check 'destroy' mgr destroy /instance 0
same 'no NV index is left' '' "$(nv_indices)"
