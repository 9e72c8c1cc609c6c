#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# create without anybody at a terminal: secrets from files, pipes, credentials
# and lines, --if-absent, --record, and what fails before anything is made.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages opensc pcscd swtpm tpm2-tools libtss2-tcti-swtpm0
cd "$scratch"
install_private
swtpm_start
write_conf 'spare_slots = 10'
pcscd_start

key=A1A2A3A4A5A6A7A8B1B2B3B4B5B6B7B8C1C2C3C4C5C6C7C8
# look: whatever a card is made of.
look() { nv_indices; find "$state" -printf '%P %s %m\n' | sort; }
fault() { "$@" 2>&1 </dev/null || :; }
# opens INSTANCE PIN: the PIN is that card's.
opens()
{
	wait_for 5 card_in "$1"
	session_open "$1"
	apdu "$(verify_apdu "$2")"
	session_close
	[ "$sw" = 9000 ]
}
make_two() { printf '%s\n' "$key" 86427531 | mgr create "$@"; }

# ---- files and pipes ----
umask 077
printf '97531246\r\nnot this\n' >pin
printf '86427531' >puk
umask 022
printf '%s\n' 97531246 >open
check 'PIN and PUK from files' mgr create /name Files /AdminKey DEFAULT --pin-file pin --puk-file puk /generate
check 'the PIN is the first line, from Windows or not' opens 0 97531246
session_open 0
expect_sw 'the PUK is the file, newline or not' 9000 "$(unblock_apdu 86427531 12341234)"
session_close
check 'a pipe of the shell' mgr create /name Pipes /AdminKey DEFAULT --pin-file <(echo 24681357)
check 'it is that PIN' opens 1 24681357
check 'standard input by name, in its order' eval \
	'make_two /name Lines --puk-file=- --admin-key-file - --pin-file pin /quiet'
check 'it is that PIN, too' opens 2 97531246
session_open 2
check 'and that key' admin_auth $key
session_close
matches 'a file that others may read is warned of' 'warning: open: others than its owner' \
	"$(fault mgr create /name Open /AdminKey DEFAULT --pin-file open)"
fails 'one that they may not is not' grep -q 'others than' <(fault mgr create /name Shut /AdminKey DEFAULT --pin-file pin)
check 'destroy these two' eval 'mgr destroy /quiet /instance 3 && mgr destroy /quiet /instance 4'

# ---- systemd credentials ----
mkdir -m 0700 credentials
printf 13572468 >credentials/tpmvsc.pin
printf 75318642 >credentials/tpmvsc.puk
chmod 0440 credentials/*
export CREDENTIALS_DIRECTORY=$scratch/credentials
check 'PIN and PUK from credentials' mgr create /name Unit /AdminKey DEFAULT /PIN PROMPT /PUK PROMPT
check 'it is that PIN' opens 3 13572468
same 'a credential asks for nothing itself' 'ROOT\SMARTCARDREADER\0004' \
	"$(mgr create /quiet /name Plain /AdminKey DEFAULT /PIN DEFAULT 2>&1)"
check 'the PIN is the default one' opens 4 12345678
check 'unblock with the credential' eval 'echo 11223344 | mgr unblock /instance 3 /PUK'
check 'the new PIN was standard input' opens 3 11223344
unset CREDENTIALS_DIRECTORY

# ---- a name that is there ----
was=$(look)
same '--if-absent prints the ID of the card that is there' 'ROOT\SMARTCARDREADER\0001' \
	"$(mgr create --if-absent /name Pipes /AdminKey DEFAULT /PIN PROMPT 2>/dev/null </dev/null)"
matches 'says so' 'There is a card of that name' "$(fault mgr create --if-absent /name Pipes /PIN PROMPT)"
same 'but not when quiet' 'ROOT\SMARTCARDREADER\0001' "$(fault mgr create /q --if-absent /name Pipes /PIN PROMPT)"
racers=()
for _ in 1 2 3 4; do
	mgr create /quiet --if-absent /name Race /AdminKey DEFAULT /PIN DEFAULT >>race.out 2>/dev/null &
	racers+=($!)
done
status=0
for racer in "${racers[@]}"; do
	wait "$racer" || status=$?
done
same 'four at once all end well' 0 "$status"
same 'four at once make one card, and each prints its ID' '4 1' "$(wc -l <race.out) $(sort -u race.out | wc -l)"
same 'one card of that name' 1 "$(mgr list 2>/dev/null | grep -c 'Race$')"
check 'it goes' mgr destroy /quiet /instance "$(head -n 1 race.out)"
refuse 'a record is not written then' 0 mgr create --if-absent /name Pipes --record there
check 'there is none' test ! -e there
same 'nothing has changed' "$was" "$(look)"
same 'without it a name may be there twice' 'ROOT\SMARTCARDREADER\0005' \
	"$(mgr create /quiet /name Pipes /AdminKey DEFAULT /PIN DEFAULT 2>/dev/null)"
same 'with it a card is made where there is none' 'ROOT\SMARTCARDREADER\0006' \
	"$(mgr create /quiet --if-absent /name pipes /AdminKey DEFAULT /PIN DEFAULT 2>/dev/null)"

# ---- records ----
check 'a record with the card' mgr create /name Kept /AdminKey DEFAULT /PIN DEFAULT --record kept
check 'it is the one that show writes' eval 'mgr show /instance 7 --record shown >/dev/null && cmp kept shown'
same 'all may read it' 644 "$(stat -c %a kept)"
was=$(look)
refuse 'no card for a record that cannot be written' 1 mgr create /name x /AdminKey DEFAULT /PIN DEFAULT --record no/where
refuse 'nor for one that is a directory' 1 mgr create /name x /AdminKey DEFAULT /PIN DEFAULT --record .
same 'none was made' "$was" "$(look)"
got=0
made=$(mgr create /name Full /AdminKey DEFAULT /PIN DEFAULT --record /dev/full 2>full.log) || got=$?
same 'a record that does not get through: no room' 7 "$got"
same 'the card stays' 'ROOT\SMARTCARDREADER\0008' "$made"
matches 'and the message says how to get it' 'show /instance 8 --record' "$(cat full.log)"
refuse 'a record is not left when no card is made' 6 mgr create /name x /PIN PROMPT --record none
check 'there is none' test ! -e none

# ---- what fails leaves nothing ----
was=$(look)
printf '1234567\n' >short
head -c 1000000 /dev/zero | tr '\0' 1 >long
: >empty
refuse 'a PIN too short' 6 mgr create /name x --pin-file short
matches 'names the file' 'PIN in short: it is too short' "$(fault mgr create /name x --pin-file short)"
refuse 'a megabyte' 6 mgr create /name x --pin-file long
refuse 'nothing' 6 mgr create /name x --pin-file empty
refuse 'no file' 1 mgr create /name x --pin-file nowhere
refuse 'a directory' 1 mgr create /name x --pin-file .
refuse 'a device' 1 mgr create /name x --pin-file /dev/zero
refuse 'a file, and DEFAULT' 2 mgr create /name x /PIN DEFAULT --pin-file pin
refuse 'a key that is none' 6 mgr create /name x --admin-key-file pin
refuse 'no line left' 6 eval 'echo 97531246 | mgr create /name x --pin-file - --puk-file -'
fails 'no message has a secret' grep -q '1234567\|1111111' <(
	fault mgr create /name x --pin-file short
	fault mgr create /name x --pin-file long
)
same 'nothing was made' "$was" "$(look)"

# ---- a key that nobody knows ----
random() { fault mgr create /name Own /AdminKey RANDOM /PIN DEFAULT "$@"; }
matches 'RANDOM without a PUK: what that means' 'no PUK, the card has to be destroyed' "$(random)"
check 'destroy it' mgr destroy /quiet /instance 9
matches 'with one' 'only the PUK resets it' "$(random /PUK DEFAULT)"
check 'destroy it, too' mgr destroy /quiet /instance 9
same 'quiet: the ID alone' 'ROOT\SMARTCARDREADER\0009' "$(random /quiet)"
