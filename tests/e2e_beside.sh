#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A new PIN or a new administrator key, set by root while a program has proven
# the PIN: within a second that proof is worth nothing, in its own card only.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages strace
cd "$scratch"
install_private
swtpm_start
write_conf 'spare_slots = 2'
pcscd_start

sign_9a="0087119A267C2482008120$(printf '%064d' 1)"
aes_old=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
aes_new=ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100

printf '%s\n' 24681357 | mgr create /name First /generate /quiet /AdminKey DEFAULT /PIN PROMPT \
	>/dev/null 2>create.log || die "create: $(cat create.log)"
printf '%s\n' $aes_old 24681357 | mgr create /name Second /generate /quiet /AdminKey PROMPT \
	--admin-algorithm AES256 /PIN PROMPT >/dev/null 2>create.log || die "create: $(cat create.log)"
wait_for 5 card_in 1 || die 'the cards are in their readers'

# enter INSTANCE: a session, once the card is back from what a change made of it
enter()
{
	sleep 0.3
	wait_for 5 card_in "$1" || die "card $1 is back in its reader"
	session_open "$1"
}

# make_key INSTANCE ADMIN-KEY...: in 9A
make_key()
{
	enter "$1"
	shift
	admin_auth "$@" || die 'admin authentication'
	expect_sw 'a key in 9A' 9000 0047009A05AC03800111 00
	session_close
}

# prove INSTANCE PIN: a session in which the PIN is proven
prove()
{
	enter "$1"
	expect_sw "card $1: VERIFY" 9000 "$(verify_apdu "$2")"
	expect_sw "card $1: 9A signs" 9000 "$sign_9a" 00
}

# dropped WHAT: the session's proof is of no use, within a second from now
dropped()
{
	local begin=${EPOCHREALTIME/./} now
	while :; do
		apdu "$sign_9a" 00
		now=${EPOCHREALTIME/./}
		[ "$sw" = 9000 ] || break
		[ $((now - begin)) -lt 1000000 ] || break
	done
	if [ "$sw" != 9000 ]; then
		ok "$1: the proof is dropped"
		echo "# after $(((now - begin) / 1000)) ms: $sw"
	else
		not_ok "$1: 9A signs a second later"
	fi
	session_close
}

# removals INSTANCE: how often the card was out of its reader so far
removals() { grep -c "Card Removed From $(reader "$1")" pcscd.log; }

removed() { [ "$(removals "$1")" -eq "$2" ]; }

make_key 0
make_key 1 $aes_old 0C aes-256-ecb

# ---- unblock ----
prove 0 24681357
check 'unblock beside it' eval "printf '%s\n' $default_admin_key 13572468 | mgr unblock /instance 0 /AdminKey"
dropped unblock
enter 0
expect_sw 'unblock: a new session has to prove the PIN' 6982 "$sign_9a" 00
expect_sw 'unblock: the old PIN is wrong' 63C4 "$(verify_apdu 24681357)"
session_close
prove 0 13572468
refuse 'a wrong administrator key' 6 eval \
	"printf '%s\n' ${default_admin_key/01/00} 87654321 | mgr unblock /instance 0 /AdminKey"
refuse 'a PIN that the policy forbids' 6 eval \
	"printf '%s\n' $default_admin_key 1234567 | mgr unblock /instance 0 /AdminKey"
expect_sw 'what was not done disturbs nobody' 9000 "$sign_9a" 00

# ---- a new administrator key, in the TPM; the first card's session lives on ----
check 'unblock the other card' eval "printf '%s\n' $aes_old 13572468 | mgr unblock /instance 1 /AdminKey"
expect_sw "the other card's change is none of this one's" 9000 "$sign_9a" 00
session_close
prove 1 13572468
refuse 'a wrong old key' 6 eval "printf '%s\n' $aes_new $aes_old |
	mgr change-admin-key /instance 1 /AdminKey PROMPT"
same 'what was not done takes no card out' 1 "$(removals 1)"
prove 1 13572468
check 'change-admin-key beside it' eval "printf '%s\n' $aes_old $aes_new |
	mgr change-admin-key /instance 1 /AdminKey PROMPT"
dropped 'change-admin-key'
# The command is a program of PC/SC, too, and resets the card when it leaves: that alone drops proofs.
check 'the driver was told, too' wait_for 1 removed 1 2
enter 1
check 'the new key authenticates' admin_auth $aes_new 0C aes-256-ecb
fails 'the old one does not' admin_auth $aes_old 0C aes-256-ecb
session_close
check 'the new key unblocks' eval "printf '%s\n' $aes_new 24681357 | mgr unblock /instance 1 /AdminKey"
refuse 'the old one does not' 6 eval "printf '%s\n' $aes_old 13572468 | mgr unblock /instance 1 /AdminKey"
prove 1 24681357
session_close

# ---- a new key in the TPM, killed at each rename: what becomes of 9B and ADMIN ----
old=$aes_new new=$aes_old
change() { printf '%s\n' $old $new | "$@" "$prefix/sbin/tpmvscmgr" change-admin-key /instance 1 /AdminKey PROMPT --config "$conf"; }
authenticates() { admin_auth "$1" 0C aes-256-ecb; }
unblocks() { printf '%s\n' "$1" 24681357 | mgr unblock /instance 1 /AdminKey >/dev/null 2>&1; }
for n in 1 2 3 4; do
	kill=(strace -f -qq -o strace.log -e trace=renameat -e "inject=renameat:signal=KILL:when=$n")
	refuse "rename $n: killed" 137 change "${kill[@]}"
	check "rename $n: repair" mgr repair
	enter 1
	with_old=no with_new=no
	! authenticates $old || with_old=yes
	! authenticates $new || with_new=yes
	session_close
	# In doubt neither serves; whichever ADMIN takes is it from then on.
	if unblocks $old; then
		by=$old other=$new as=$with_old against=$with_new
	else
		by=$new other=$old as=$with_new against=$with_old
		check "rename $n: the new key unblocks, if the old one does not" unblocks $new
	fi
	echo "# rename $n: old key $with_old, new key $with_new, $([ "$by" = $old ] && echo old || echo new) unblocks"
	same "rename $n: what does not unblock does not authenticate" no "$against"
	same "rename $n: what unblocks authenticates, unless it was in doubt" "$([ "$n" = 3 ] && echo no || echo yes)" "$as"
	enter 1
	check "rename $n: what unblocks authenticates" authenticates "$by"
	fails "rename $n: and nothing else" authenticates "$other"
	session_close
	fails "rename $n: the other one does not unblock" unblocks "$other"
	[ "$by" = $old ] || { new=$old old=$by; }
done
refuse 'in doubt once more' 137 change strace -f -qq -o strace.log -e trace=renameat \
	-e inject=renameat:signal=KILL:when=3
check 'what does not ask for the key works meanwhile' mgr show /instance 1
check 'a repeat settles it' change
enter 1
check 'the new key authenticates' authenticates $new
fails 'the old one does not' authenticates $old
session_close
check 'the new key unblocks' unblocks $new
aes_new=$new
prove 1 24681357
session_close

# ---- a run that is killed when it has changed the PIN, and not told the driver ----
prove 1 24681357
cp -p "$state/.generation-0001" "$state/.changing-0001"
expect_sw 'announced, and nobody knows whether it was made' 9000 "$sign_9a" 00
matches 'repair says so' 'Telling the reader of an interrupted change to ROOT.SMARTCARDREADER.0001' \
	"$(mgr repair 2>&1)"
expect_sw 'the same generation is no other card' 9000 "$sign_9a" 00
head -c 16 /dev/urandom >"$state/.changing-0001"
chmod 0600 "$state/.changing-0001"
check 'repair' mgr repair
dropped 'repair'

# ---- the end ----
same 'generations stay, announcements do not' '.generation-0000 .generation-0001' \
	"$(cd "$state" && echo .[cg][he]*)"
for n in 0 1; do
	check "destroy card $n" mgr destroy /instance $n
done
same 'they go with their cards' '' "$(find "$state" -mindepth 1 ! -name .manage ! -name .lock)"
same 'no NV index is left' '' "$(nv_indices)"
