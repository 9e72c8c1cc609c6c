#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# change-pin, change-puk, change-admin-key and unblock: as a user through pcscd,
# as root without it, with wrong and blocked secrets, and beside others who use
# the card.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages "${ykman_packages[@]}"
cd "$scratch"
install_private
chmod -R a+rX "$prefix" 2>/dev/null || :
swtpm_start
write_conf 'spare_slots = 4'
chmod 0644 "$conf"
pcscd_start

long=correct-horse-battery-staple
longest=$(printf '%0127d' 7)
key24=000102030405060708090a0b0c0d0e0f1011121314151617
key16=${key24:0:32}
key32=${key24}18191a1b1c1d1e1f

user() { setpriv --reuid=65534 --regid=65534 --clear-groups "$prefix/sbin/tpmvscmgr" "$@" --config "$conf"; }
lines() { printf '%s\n' "$@"; }

# says WHAT STATUS PATTERN SECRETS COMMAND...: the command, given the secrets as
# lines, ends with that status; standard output stays empty, and standard error
# matches, in one line when the status is none.
says()
{
	local what=$1 want=$2 pattern=$3 secrets=$4 got=0 out text
	shift 4
	out=$(printf '%b' "$secrets" | "$@" 2>err.txt) || got=$?
	text=$(cat err.txt)
	if [ "$got" -eq "$want" ] && [ -z "$out" ] && grep -qE -- "$pattern" <<<"$text" &&
		{ [ "$want" -eq 0 ] || [ "$(grep -vc warning: err.txt)" -eq 1 ]; }; then
		ok "$what"
	else
		not_ok "$what: exit status $got, wanted $want and: $pattern"
		indent "$*"
		indent "$out$text"
	fi
}

make_card()
{
	mgr create /quiet /generate "$@" >/dev/null 2>create.log || die "create: $(cat create.log)"
}
make_card /name Managed /PIN DEFAULT /PUK DEFAULT /AdminKey DEFAULT --pin-tries 3 --puk-tries 3
lines 4711 | make_card /name Policy /PIN PROMPT /AdminKey DEFAULT --pinpolicy minlen=4,maxlen=12,lowercase=DISALLOWED
lines $key32 | make_card /name Resident /PIN DEFAULT /AdminKey PROMPT --admin-algorithm AES256
make_card /name Random /PIN DEFAULT /AdminKey RANDOM --pin-tries 3
wait_for 5 card_in 3 || die 'the cards are in their readers'

# ---- a user, through pcscd ----
says 'change-pin' 0 'The PIN is changed' '12345678\n87654321\n' user change-pin /instance 0
says 'the old PIN is wrong' 6 'the PIN is wrong; 2 tries are left' '12345678\n11111111\n' user change-pin /instance 0
says 'quietly' 0 '' '87654321\n12345678\n' user change-pin /quiet /instance 'root\smartcardreader\0000'
same 'says nothing' '' "$(cat err.txt)"
says 'a long PIN, with a warning' 0 'more than 8 characters' "12345678\n$long\n" user change-pin /instance 0
says 'the longest' 0 'changed' "$long\n$longest\n" user change-pin /instance 0
says 'one character too long' 6 'too long' "$longest\n1$longest\n" user change-pin /instance 0
says 'and back' 0 'changed' "$longest\n12345678\n" user change-pin /instance 0
says 'too short for the card: no try is lost' 6 'policy' '12345678\n1234567\n' user change-pin /instance 0
says 'the same by root, who hears the rule' 6 'New PIN: it is too short' '12345678\n1234567\n' mgr change-pin /instance 0
says 'an empty PIN' 6 'PIN: it is empty' '\n87654321\n' user change-pin /instance 0
says 'no new one' 6 'New PIN: the input ended' '12345678\n' user change-pin /instance 0
says 'no characters of ASCII' 6 'policy' '12345678\nP\0303\0244ssw\0303\0266rter\n' user change-pin /instance 0
says 'a policy' 6 'policy' '4711\nsesame\n' user change-pin /instance 1
says 'the policy, to root' 6 'New PIN:.*lower' '4711\nsesame\n' mgr change-pin /instance 1
says 'a PIN of that policy' 0 'changed' '4711\nSESAM-1234\n' user change-pin /instance 1
says 'change-puk' 0 'The PUK is changed' '12345678\n98765432\n' user change-puk /instance 0
says 'a wrong PUK' 6 'the PUK is wrong; 2 tries are left' '12345678\n98765432\n' user change-puk /instance 0
says 'a PUK too short' 6 'New PUK:' '98765432\n1234567\n' user change-puk /instance 0
says 'a card without a PUK' 6 'the card has no PUK' '' user change-puk /instance 1
says 'no such card' 3 'no card.*0007' '' user change-pin /instance 7
says 'an empty reader' 3 'no card.*0004' '' user change-pin /instance 4
says 'no such card, to root' 3 'no card.*0004' '' mgr change-pin /instance 4
says 'an instance that none can be' 3 'no card.*1234' '' user change-puk /instance 1234

# ---- blocked, and unblocked ----
says 'a last try' 6 'the PIN is wrong; 2' '11111111\n87654321\n' user change-pin /instance 0
says 'and another' 6 'the PIN is wrong; 1 try is left' '11111111\n87654321\n' user change-pin /instance 0
says 'the last one tells what to do' 6 'PIN is blocked.*unblock /instance 0.*PUK' '11111111\n87654321\n' \
	user change-pin /instance 0
says 'blocked: nobody is asked for anything' 6 'PIN is blocked.*PUK' '' user change-pin /instance 0
says 'unblock by a wrong PUK' 6 'the PUK is wrong; 1 try is left' '11111111\n87654321\n' user unblock /instance 0
says 'by the PUK, a PIN too short' 6 'policy' '98765432\n1234567\n' user unblock /instance 0
says 'by the PUK' 0 'has 3 tries' '98765432\n87654321\n' user unblock /instance 0 /PUK
matches 'says what the old PIN is worth' 'old PIN counts as disclosed' "$(cat err.txt)"
says 'the new PIN is right' 0 'changed' '87654321\n12345678\n' user change-pin /instance 0
for left in 2 1; do
	says "a wrong PUK, $left left" 6 "the PUK is wrong; $left " '11111111\n12345678\n' user change-puk /instance 0
done
says 'the PUK is blocked' 6 'the PUK is blocked for good.*/AdminKey' '11111111\n12345678\n' user unblock /instance 0
says 'and is not asked for' 6 'the PUK is blocked' '' user change-puk /instance 0
says 'unblock by the administrator key needs root' 5 'root' '' user unblock /instance 0 /AdminKey
says 'a wrong administrator key' 6 'administrator key is wrong' "$key24\n87654321\n" mgr unblock /instance 0 /AdminKey
says 'one too short' 6 'dministrator key' "$key16\n87654321\n" mgr unblock /instance 0 /AdminKey
says 'the right one' 0 'has 3 tries' "$default_admin_key\n87654321\n" mgr unblock /instance 0 /AdminKey
says 'its PIN is right' 0 'changed' '87654321\n12345678\n' user change-pin /instance 0
says 'an administrator key in the TPM unblocks as well' 0 'has 5 tries' "$key32\n24681357\n" mgr unblock /instance 2 /AdminKey
says 'a card without a PUK' 6 'no PUK.*AdminKey' '' user unblock /instance 1
says 'no such card' 3 '0007' '' mgr unblock /instance 7 /AdminKey

# ---- the administrator key ----
says 'change-admin-key: the default one is not asked for' 0 'is the default one.*|changed' "$key24\n" \
	user change-admin-key /instance 0
says 'a script that brings the old one' 6 'the new administrator key is the old one' "$key24\n$key24\n" \
	user change-admin-key /instance 0
says 'a wrong one' 6 'administrator key is wrong' "$default_admin_key\n${key24/0/1}\n" \
	user change-admin-key /instance 0
says 'not hexadecimal' 6 'hexadecimal' "${key24/0/x}\n" user change-admin-key /instance 0
says 'RANDOM needs a card made so' 2 'RANDOM' '' user change-admin-key /instance 0 /AdminKey RANDOM
session_open 0
check 'the key is the new one' admin_auth "$key24"
session_close
says 'of another algorithm' 0 'changed' "$key24\n$key16\n" user change-admin-key /instance 0 --admin-algorithm AES128
session_open 0
check 'it is of that algorithm' admin_auth "$key16" 08 aes-128-ecb
session_close
says 'one that lives in the TPM needs root' 5 'lives in the TPM: only root' "$key16\n${key16//0/f}\n" \
	user change-admin-key /instance 0
says 'root may, and its algorithm stays' 0 'changed' "$key16\n${key16//0/f}\n" mgr change-admin-key /instance 0
session_open 0
check 'the new key is in force' admin_auth "${key16//0/f}" 08 aes-128-ecb
session_close
says 'it unblocks' 0 'has 3 tries' "${key16//0/f}\n12345678\n" mgr unblock /instance 0 /AdminKey
says 'AES256, wrong' 6 'administrator key is wrong' "${key32//0/f}\n${key32//1/f}\n" mgr change-admin-key /instance 2
says 'AES256 to the default' 0 'everybody knows' "$key32\n" mgr change-admin-key /instance 2 /AdminKey DEFAULT --admin-algorithm 3DES
session_open 2
check 'it is the default key' admin_auth
session_close
says 'AES256 has no default' 2 'no DEFAULT' '' mgr change-admin-key /instance 2 /AdminKey DEFAULT --admin-algorithm AES256
says 'no such card' 3 '0007' '' user change-admin-key /instance 7

# ---- a key that only the PIN opens ----
# keep KEY [NEXT]: put it there.
keep()
{
	local content
	content=89$(printf '%02X' $((${#1} / 2)))$1
	[ $# -lt 2 ] || content+=8A$(printf '%02X' $((${#2} / 2)))$2
	content=88$(printf '%02X' $((${#content} / 2)))$content
	content=5C035FC10953$(printf '%02X' $((${#content} / 2)))$content
	apdu "00DB3FFF$(printf '%02X' $((${#content} / 2)))$content"
}
# as_administrator WHAT [ALGORITHM CIPHER]: a session with the PIN and the key proven, which is in held.
as_administrator()
{
	session_open 3
	apdu "$(verify_apdu 12345678)"
	apdu 00CB3FFF055C035FC109 00
	held=${data:12}
	if admin_auth "$held" "${2:-03}" "${3:-des-ede3}"; then ok "$1"; else not_ok "$1: $sw"; fi
}
ykman_manages()
{
	PATH=$scratch/bin:$PATH ykman --reader "$(reader 3)" piv objects generate chuid --pin 12345678
}
# When it cannot connect it kills every scdaemon of the machine; not from here.
mkdir bin
printf '#!/bin/sh\nexit 1\n' >bin/pkill
chmod +x bin/pkill

as_administrator 'RANDOM: the key is where the PIN opens it'
first=$held
session_close
says 'another key, by the PIN' 0 'changed' '12345678\n' user change-admin-key /instance 3
as_administrator 'it is in force'
check 'and another one' test "$held" != "$first"
session_close
check 'ykman manages the card' ykman_manages
says 'of another algorithm' 0 'changed' '12345678\n' user change-admin-key /instance 3 /AdminKey RANDOM --admin-algorithm AES256
as_administrator 'it is in force' 0C aes-256-ecb
same 'and as long as that' 64 ${#held}
session_close
says 'and back' 0 'changed' '12345678\n' user change-admin-key /instance 3 --admin-algorithm 3DES
says 'a wrong PIN' 6 'the PIN is wrong; 2 tries' '11111111\n' user change-admin-key /instance 3
says 'one that somebody knows' 2 '/AdminKey' '' user change-admin-key /instance 3 /AdminKey DEFAULT
says 'no PIN' 6 'ended' '' user change-admin-key /instance 3
says 'it unblocks nothing' 5 'RANDOM' '' mgr unblock /instance 3 /AdminKey

# Cut off before the new key was set, after it, and after a failure to tidy up.
as_administrator 'the administrator key is in force'
keep "$held" "$key24"
same 'both keys are noted' 9000 "$sw"
session_close
says 'cut off before: goes on' 0 'changed' '12345678\n' user change-admin-key /instance 3
as_administrator 'the new key is in force'
keep "$held" "$key24"
apdu "00FFFFFF1B039B18$key24"
same 'the noted key is in force' 9000 "$sw"
session_close
fails 'other programs do not find it' ykman_manages
says 'cut off after: goes on' 0 'changed' '12345678\n' user change-admin-key /instance 3
as_administrator 'there is one key again, and in force'
same 'of one length' 48 ${#held}
session_close
check 'ykman manages the card' ykman_manages

# Killed at any moment.
begin=$(date +%s%N)
says 'how long it takes' 0 'changed' '12345678\n' user change-admin-key /instance 3
took=$((($(date +%s%N) - begin) / 1000000))
killed=0
for i in 3 4 5 6 7 8 9; do
	{
		printf '12345678\n' | timeout -s KILL "$(printf '0.%03d' $((took * i / 10)))" setpriv --reuid=65534 \
			--regid=65534 --clear-groups "$prefix/sbin/tpmvscmgr" change-admin-key /instance 3 --quiet \
			--config "$conf" || killed=$((killed + 1))
	} >/dev/null 2>&1
	says "killed after $i tenths: goes on" 0 'changed' '12345678\n' user change-admin-key /instance 3
done
check "it was killed on its way ($killed of 7)" test $killed -ge 3
as_administrator 'there is one key, and in force'
same 'of one length' 48 ${#held}
session_close

for left in 2 1; do
	says "a wrong PIN, $left left" 6 "the PIN is wrong; $left " '11111111\n12345678\n' user change-pin /instance 3
done
says 'nothing unblocks such a card without a PUK' 6 'PIN is blocked, the card has no PUK, and nothing else' \
	'11111111\n12345678\n' user change-pin /instance 3
says 'root is told the same' 6 'PIN is blocked, the card has no PUK, and nothing else' '' mgr change-pin /instance 3
says 'its key is not asked for' 6 'PIN is blocked' '' mgr change-admin-key /instance 3

# ---- where nobody can tell how many tries are left ----
tpm2_changeauth -Q -c owner owner-secret
says 'change-pin' 0 'changed' '12345678\n87654321\n' user change-pin /instance 0
says 'a wrong PIN' 6 'the PIN is wrong$' '12345678\n87654321\n' user change-pin /instance 0
says 'and back' 0 'changed' '87654321\n12345678\n' user change-pin /instance 0
says 'unblocks' 0 'The new PIN is set\.' "${key16//0/f}\n12345678\n" mgr unblock /instance 0 /AdminKey
tpm2_changeauth -Q -c owner -p owner-secret

# ---- others at the card ----
says 'a PIN for OpenSC' 0 'changed' '12345678\n86427531\n' user change-pin /instance 0
check 'OpenSC takes the new PIN' pkcs15-tool --reader "$(reader 0)" --verify-pin --pin 86427531
fails 'and not the old one' pkcs15-tool --reader "$(reader 0)" --verify-pin --pin 12345678
session_open 0
expect_sw 'somebody has proven the PIN' 9000 "$(verify_apdu 86427531)"
says 'a command that comes to nothing' 6 'ended' '' user change-pin /instance 0
expect_sw 'takes nothing from him' 9000 00200080
says 'one that proves something' 0 'changed' '86427531\n86427532\n' user change-pin /instance 0
session_close
session_open 0
apdu 00200080
matches 'leaves no proof behind' '^63C' "$sw"
apdu hold
begin=$SECONDS
says 'somebody keeps the card' 1 'another program' '' user change-pin /instance 0
says 'root does not go behind him' 1 'another program' '' mgr change-pin /instance 0
check 'both end in time' test $((SECONDS - begin)) -le 30
{ sleep 1; printf 'release\n' >&"$session_out"; } &
says 'somebody keeps it for a moment' 0 'changed' '86427532\n86427531\n' user change-pin /instance 0
wait $!
session_close

# ---- secrets stay where they belong ----
mkfifo pipe
setpriv --reuid=65534 --regid=65534 --clear-groups "$prefix/sbin/tpmvscmgr" change-pin /instance 0 \
	--config "$conf" <pipe 2>pipe.txt &
waiting=$!
exec {feed}>pipe
printf '86427531\nnever-in-proc' >&"$feed"
reads_on() { grep -q pipe "/proc/$waiting/wchan"; }
wait_for 5 reads_on || sleep 2
check 'the command is waiting for the rest' kill -0 $waiting
fails 'no secret in its arguments' grep -aqE '86427531|never-in-proc' "/proc/$waiting/cmdline"
fails 'nor in its environment' grep -aqE '86427531|never-in-proc' "/proc/$waiting/environ"
fails 'and no other user may look into it' setpriv --reuid=65534 --regid=65534 --clear-groups \
	cat "/proc/$waiting/environ"
kill $waiting
exec {feed}>&-
wait $waiting || :

# ---- pcscd hangs, and goes ----
kill -STOP "$pcscd_pid"
begin=$SECONDS
says 'pcscd hangs: change-pin' 1 'pcscd does not answer' '' user change-pin /instance 0
check 'it ends in time' test $((SECONDS - begin)) -le 15
begin=$SECONDS
says 'pcscd hangs: root' 1 'pcscd does not answer' '' mgr change-puk /instance 2
check 'it ends in time' test $((SECONDS - begin)) -le 15
kill -CONT "$pcscd_pid"
other=$scratch/other.conf
sed "s|^state_dir = .*|state_dir = $scratch/other|" "$conf" >"$other"
install -d -m 0700 "$scratch/other"
"$prefix/sbin/tpmvscmgr" create /quiet /name Other /PIN DEFAULT /PUK DEFAULT /AdminKey DEFAULT --config "$other" \
	>/dev/null 2>create.log || die "create in the other installation: $(cat create.log)"
says 'a card of another installation: not the one in our reader of that name' 0 'changed' '12345678\n13572468\n' \
	"$prefix/sbin/tpmvscmgr" change-pin /instance 0 --config "$other"
check 'ours has its PIN' pkcs15-tool --reader "$(reader 0)" --verify-pin --pin 86427531
pcscd_stop
says 'no pcscd: a user' 5 'pcscd is not running.*root' '' user change-pin /instance 0
says 'no pcscd: root changes the PIN' 0 'changed' '86427531\n12345678\n' mgr change-pin /instance 0
says 'the PUK' 6 'the card has no PUK' '' mgr change-puk /instance 1
says 'a wrong PIN' 6 'the PIN is wrong; 2 tries' '11111111\n12345678\n' mgr change-pin /instance 0
says 'the administrator key' 0 'changed' "$key24\n" mgr change-admin-key /instance 2
says 'unblocks' 0 'has 5 tries' "$key24\n12345678\n" mgr unblock /instance 2 /AdminKey
stop_process "$swtpm_pid"
swtpm_pid=''
says 'no TPM' 4 'TPM' '' mgr change-pin /instance 0
