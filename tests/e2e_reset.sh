#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# RESET: a card made with --allow-reset starts over once PIN and PUK are
# blocked, in the reader it is in, and nothing of what it was works again; any
# other card refuses, and an accident leaves the old card or the new one.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
cd "$scratch"
install_private
swtpm_start
write_conf 'spare_slots = 3'
pcscd_start

tries=00200080
reset=00FB0000
select=00A4040009A00000030800001000
sign_9a="0087119A267C2482008120$(printf '%064d' 1)"
sign_9e=${sign_9a/0087119A/0087119E}
get_chuid=00CB3FFF055C035FC10200
get_cert=00CB3FFF055C035FC10500
put_cert="00DB3FFF$(printf '%02X' 13)5C035FC10553067001AA710100"

make_card()
{
	mgr create /quiet /generate /PIN DEFAULT /AdminKey DEFAULT --pin-tries 2 --puk-tries 2 \
		/name "$@" >/dev/null 2>create.log || die "create $1: $(cat create.log)"
}

block_pin() { apdu "$(verify_apdu 00000001)"; apdu "$(verify_apdu 00000002)"; }
block_puk() { apdu "$(unblock_apdu 00000001 12345678)"; apdu "$(unblock_apdu 00000002 12345678)"; }

# Files and indices of a card, as text that changes when any of them does.
files_of() { (cd "$state/000$1" && sha256sum ./*); }
look() { files_of "$1"; nv_indices; }

# What unfinished work leaves in the state directory.
left_over() { find "$state" -mindepth 1 -maxdepth 1 -name '.*' ! -name .manage ! -name .lock; }

# ---- the command line ----
refuse '--allow-reset with a policy that forbids the default PIN' 2 \
	mgr create /name No /PIN PROMPT /pinpolicy lowercase REQUIRED --allow-reset
same 'makes nothing' '' "$(ls "$state")"

# ---- a card that may be reset, and one that may not ----
printf '%s\n' 000102030405060708090a0b0c0d0e0f 24681357 86427531 |
	mgr create /name 'Reset me' /generate /quiet /AllowReset /AdminKey PROMPT /PIN PROMPT /PUK PROMPT \
		--admin-algorithm AES128 --pin-tries 2 --puk-tries 3 >/dev/null 2>create.log ||
	die "create: $(cat create.log)"
old_indices=$(nv_indices)
make_card Keep /PUK DEFAULT
wait_for 5 card_in 1 || die 'the cards are in their readers'

session_open 1
check 'card 1: admin authentication' admin_auth
expect_sw 'card 1: a key in 9E' 9000 0047009E05AC03800111 00
block_pin
block_puk
expect_sw 'card 1: blocked' 6983 $tries
before=$(look 1)
expect_sw 'a card made without --allow-reset refuses' 6985 $reset
same 'and is as it was' "$before" "$(look 1)"
expect_sw 'its key signs' 9000 "$sign_9e" 00

session_open 0
check 'card 0: admin authentication' admin_auth 000102030405060708090a0b0c0d0e0f 08 aes-128-ecb
expect_sw 'a key in 9A' 9000 0047009A05AC03800111 00
expect_sw 'a key in 9E' 9000 0047009E05AC03800111 00
expect_sw 'a certificate' 9000 "$put_cert"
expect_sw 'the PIN' 9000 "$(verify_apdu 24681357)"
expect_sw '9A signs' 9000 "$sign_9a" 00
expect_sw '9E signs' 9000 "$sign_9e" 00
apdu $get_chuid
old_chuid=$data
before=$(look 0)
expect_sw 'RESET while nothing is blocked' 6985 $reset
block_pin
expect_sw 'RESET while the PUK is not blocked' 6985 $reset
expect_sw 'with data' 6700 00FB00000100
expect_sw 'with a P2' 6A86 00FB0001
block_puk
apdu "$(unblock_apdu 00000003 12345678)"
expect_sw 'with chaining, though both are blocked' 6884 10FB0000
same 'nothing has changed' "$before" "$(look 0)"
cp -a "$state/0000" copy
other=$(files_of 1)

# ---- reset, in the session that asked for it ----
begin=$(date +%s%N)
expect_sw 'RESET with both blocked' 9000 $reset
took=$((($(date +%s%N) - begin) / 1000000))
echo "    RESET took $took ms"
expect_sw 'the same connection goes on: SELECT' 9000 $select 00
matches 'the card has its name' "$(printf 'Reset me' | hex | tr a-f A-F)" "$data"
expect_sw 'no key in 9A' 6A88 "$sign_9a" 00
expect_sw 'nor in 9E' 6A88 "$sign_9e" 00
expect_sw 'no certificate' 6A82 $get_cert
expect_sw 'two tries of the PIN, as before' 63C2 $tries
expect_sw 'the old PIN is wrong' 63C1 "$(verify_apdu 24681357)"
expect_sw 'the default PIN is right' 9000 "$(verify_apdu 12345678)"
expect_sw 'the default PUK is right' 9000 "$(unblock_apdu 12345678 12345678)"
expect_sw 'a wrong PUK leaves two, as before' 63C2 "$(unblock_apdu 86427531 12345678)"
check 'the default admin key is right' admin_auth
apdu $get_chuid
same 'there is a CHUID' 9000 "$sw"
check 'with another GUID' test "$data" != "$old_chuid"
expect_sw 'a new key in 9E' 9000 0047009E05AC03800111 00
expect_sw 'signs' 9000 "$sign_9e" 00
sleep 2
expect_sw 'the card has not left its reader: the session goes on' 9000 "$sign_9e" 00
same 'the old indices are gone' '' "$(comm -12 <(nv_indices) <(printf '%s\n' "$old_indices"))"
same 'nothing is left over' '' "$(left_over)"
same 'the other card is as it was' "$other" "$(files_of 1)"
matches 'list knows it' '^ROOT.SMARTCARDREADER.0000 .*ready .*Reset me$' "$(mgr list)"
expect_sw 'a second RESET, with nothing blocked' 6985 $reset

# ---- what was copied from it ----
cp copy/key-9a "$state/0000/key-9a"
apdu "$(verify_apdu 12345678)"
apdu "$sign_9a" 00
matches 'an old key file signs no more' '^6[^1]' "$sw"
cp -a "$state/0000" fresh
session_close
rm -r "$state/0000"
# at once, or the reader sees a card that is still changing
cp -a copy put
mv put "$state/0000"
wait_for 5 card_in 0 || not_ok 'the copied card is in its reader'
session_open 0
for pin in 24681357 12345678; do
	apdu "$(verify_apdu $pin)"
	check "the copied card does not take $pin" test "$sw" != 9000
done
apdu "$sign_9e" 00
matches 'nor does its key without a PIN sign' '^6[^1]' "$sw"
session_close
rm -r "$state/0000"
cp -a fresh "$state/0000"
rm "$state/0000/key-9a"

# ---- a card without a PUK; obstacles ----
make_card Bare --allow-reset
wait_for 5 card_in 2 || die 'the third card is in its reader'
session_open 2
block_pin
before=$(look 2)

exec {lock}<"$state/.manage"
flock "$lock"
begin=$SECONDS
apdu $reset
matches 'RESET while tpmvscmgr is at work fails' '^6[^1]' "$sw"
check 'after some seconds' test $((SECONDS - begin)) -le 8
exec {lock}<&-
same 'and changes nothing' "$before" "$(look 2)"

tpm2_changeauth -Q -c owner owner-secret
apdu $reset
matches 'RESET without the authorisation of the owner fails' '^6[^1]' "$sw"
same 'and changes nothing' "$before" "$(look 2)"
tpm2_changeauth -Q -c owner -p owner-secret

fill=0
for size in 2048 512 64 8; do
	while tpm2_nvdefine -Q -s $size -a 'ownerread|ownerwrite' "$(printf '0x%x' $((0x01500000 + fill)))" \
		2>/dev/null; do
		fill=$((fill + 1))
	done
done
same 'the TPM is full' '' "$(tpm2_nvdefine -Q -s 8 -a 'ownerread|ownerwrite' 0x0150ffff 2>/dev/null && echo not)"
full=$(look 2)
expect_sw 'RESET with no room in the TPM' 6A84 $reset
same 'changes nothing' "$full" "$(look 2)"
expect_sw 'the card is as blocked as it was' 6983 $tries
while [ $fill -gt 0 ]; do
	fill=$((fill - 1))
	tpm2_nvundefine -Q "$(printf '0x%x' $((0x01500000 + fill)))"
done
same 'nothing is left of that' "$before" "$(look 2)"

expect_sw 'RESET of a card without a PUK' 9000 $reset
expect_sw 'the default PIN is right' 9000 "$(verify_apdu 12345678)"
expect_sw 'it has no PUK still' 6983 "$(unblock_apdu 12345678 12345678)"
session_close

# ---- pcscd killed in the middle ----
killed=0 old=0 new=0
for i in 1 2 3 5 7 9; do
	session_open 2
	block_pin
	was=$(sha256sum <"$state/0002/record")
	printf '%s\n' $reset >&"$session_out"
	delay=$((took * i / 6))
	sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
	[ ! -e "$state/.journal-0002" ] || killed=$((killed + 1))
	pcscd_kill
	session_close
	mgr list >/dev/null 2>list.log || not_ok "list after a kill: $(cat list.log)"
	if [ "$(sha256sum <"$state/0002/record")" = "$was" ]; then old=$((old + 1)); else new=$((new + 1)); fi
	same "killed, $i: every index is a card's" $((4 + 4 + 3)) "$(nv_indices | wc -l)"
	same 'and nothing is left over' '' "$(left_over)"
	matches 'list finds no trouble' '0002 .*(ready|blocked)' "$(mgr list 2>&1)"
	pcscd_start
	wait_for 5 card_in 2 || not_ok 'the card is back after a kill'
	session_open 2
	apdu $tries # blocked: the old one
	if [ "$sw" = 6983 ]; then
		expect_sw 'the old card is whole: RESET' 9000 $reset
	fi
	expect_sw 'the new card is whole: its PIN' 9000 "$(verify_apdu 12345678)"
done
session_close
check "RESET was killed in its middle ($killed of 6; old $old, new $new)" test "$killed" -ge 1

for n in 0 1 2; do
	check "destroy card $n" mgr destroy /instance $n
done
same 'no NV index is left' '' "$(nv_indices)"
