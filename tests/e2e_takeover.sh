#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Blank cards, made without /generate, are taken over by card management systems
# over PC/SC: a new administrator key, the file system, PIN and PUK, a key and
# its certificate.  The new key then is the card's administrator in all it does,
# and the old one in nothing; an accident leaves one of the two, whole.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages "${yubico_packages[@]}" "${ykman_packages[@]}"
cd "$scratch"
install_private

get_chuid=00CB3FFF055C035FC10200 get_ccc=00CB3FFF055C035FC10700
sign_9a="0087119A267C2482008120$(printf '%064d' 1)"
key_a=A1A2A3A4A5A6A7A8B1B2B3B4B5B6B7B8C1C2C3C4C5C6C7C8
key_b=0102030405060708F1F2F3F4F5F6F7F8D1D2D3D4D5D6D7D8
aes_a=00112233445566778899AABBCCDDEEFF
aes_b=FFEEDDCCBBAA99887766554433221100

# When it cannot connect it kills every scdaemon of the machine; not from here.
mkdir bin
printf '#!/bin/sh\nexit 1\n' >bin/pkill
chmod +x bin/pkill
PATH=$PWD/bin:$PATH

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
	-subj '/CN=tests' -days 30 >ca.log 2>&1
certify() { openssl x509 -new -force_pubkey "$1" -subj "/CN=$2" -CA ca.pem -CAkey ca.key -days 30 -out "$3"; }

module=$(find /usr/lib -name opensc-pkcs11.so -print -quit)

# blank INSTANCE OPTION...: a card without a file system; what it prompts for is on standard input.
blank()
{
	local n=$1
	shift
	mgr create /name "Blank $n" /PIN DEFAULT /PUK DEFAULT /quiet "$@" >/dev/null 2>create.log ||
		die "create: $(cat create.log)"
	wait_for 5 card_in "$n" || die 'the card is in its reader'
	session_open "$n"
	expect_sw "card $n: no CHUID" 6A82 $get_chuid
	expect_sw "card $n: no CCC" 6A82 $get_ccc
	session_close
}

# unblocks INSTANCE KEY PIN: the tool sets a PIN by an administrator key.
unblocks() { printf '%s\n' "$2" "$3" | mgr unblock /instance "$1" /AdminKey /quiet >unblock.log 2>&1; }

# taken INSTANCE NEW OLD ALGORITHM CIPHER: the new key is the administrator, the old one is nobody.
taken()
{
	local n=$1
	session_open "$n"
	check "card $n: the new key authenticates" admin_auth "$2" "$4" "$5"
	apdu 00A4040009A00000030800001000 00
	fails "card $n: the old one does not" admin_auth "$3" "$4" "$5"
	session_close
	refuse "card $n: the old key does not unblock" 6 eval "unblocks $n $3 55555555"
	check "card $n: the new key unblocks" unblocks "$n" "$2" 24681357
	session_open "$n"
	expect_sw "card $n: its PIN is right" 9000 "$(verify_apdu 24681357)"
	session_close
}

# used INSTANCE: OpenSC finds the certificate, signs with its key, and OpenSSL agrees.
used()
{
	local n=$1
	echo message >message
	openssl dgst -sha256 -binary -out digest message
	check "card $n: OpenSC signs" pkcs11-tool --module "$module" --slot-index "$n" --login --pin 24681357 \
		--sign --id 01 --mechanism ECDSA --signature-format openssl --input-file digest --output-file message.sig
	check "card $n: which verifies" openssl dgst -sha256 -verify "key$n.pub" -signature message.sig message
	check "card $n: the certificate" openssl verify -CAfile ca.pem "cert$n.pem"
}

swtpm_start
write_conf 'spare_slots = 4'
pcscd_start

# ---- yubico-piv-tool: the first example of Windows' manual ----
blank 0 /AdminKey DEFAULT
ypt() { yubico-piv-tool -r "$(reader 0)" "$@"; }
check 'yubico-piv-tool: a new administrator key' ypt --key=$default_admin_key -a set-mgm-key -n $key_a
refuse 'the old one is wrong' 1 ypt --key=$default_admin_key -a set-chuid
check 'a CHUID' ypt --key=$key_a -a set-chuid
check 'a CCC' ypt --key=$key_a -a set-ccc
check 'another PIN' ypt -a change-pin -P 12345678 -N 11112222
check 'another PUK' ypt -a change-puk -P 12345678 -N 86427531
check 'a key' ypt --key=$key_a -a generate -s 9a -A ECCP256 -o key0.pub
certify key0.pub 'Card 0' cert0.pem 2>>ca.log
check 'its certificate' ypt --key=$key_a -a import-certificate -s 9a -i cert0.pem
taken 0 $key_a $default_admin_key 03 des-ede3
used 0
session_open 0
expect_sw 'the CHUID is there' 9000 $get_chuid
expect_sw 'the CCC too' 9000 $get_ccc
expect_sw 'the PUK is the new one' 9000 "$(unblock_apdu 86427531 24681357)"
expect_sw 'and not the old' 63C4 "$(unblock_apdu 12345678 24681357)"
session_close

# ---- ykman: a key that was typed in ----
blank 1 /AdminKey PROMPT <<<$key_a
piv() { ykman --reader "$(reader 1)" piv "$@"; }
check 'ykman: a new administrator key' piv access change-management-key -f -m $key_a -n $key_b
check 'a CHUID' piv objects generate -m $key_b CHUID
check 'a CCC' piv objects generate -m $key_b CCC
check 'another PIN' piv access change-pin -P 12345678 -n 11112222
check 'another PUK' piv access change-puk -p 12345678 -n 86427531
check 'a key' piv keys generate -m $key_b -a ECCP256 9a key1.pub
certify key1.pub 'Card 1' cert1.pem 2>>ca.log
check 'its certificate' piv certificates import -m $key_b 9a cert1.pem
taken 1 $key_b $key_a 03 des-ede3
used 1

# ---- APDUs: keys that live in the TPM ----
# 53 with an empty value deletes, so that a management system can begin anew.
put() { printf '00DB3FFF%02X5C035FC1%s53%02X%s' $((${#2} / 2 + 7)) "$1" $((${#2} / 2)) "$2"; }
set_key() { printf '00FFFFFF%02X%s9B%02X%s' $((${#2} / 2 + 3)) "$1" $((${#2} / 2)) "$2"; }
blank 2 /AdminKey DEFAULT --admin-algorithm AES128
session_open 2
expect_sw 'nothing without the key: PUT DATA' 6982 "$(put 02 3019)"
expect_sw 'nor a new key' 6982 "$(set_key 08 $aes_a)"
check 'authentication' admin_auth ${default_admin_key:0:32} 08 aes-128-ecb
expect_sw 'a key too short' 6A80 "$(set_key 08 "${aes_a:2}")"
expect_sw 'the default key may be replaced by who has proven it' 9000 "$(set_key 08 $aes_a)"
session_close
taken 2 $aes_a ${default_admin_key:0:32} 08 aes-128-ecb
session_open 2
check 'authentication' admin_auth $aes_a 08 aes-128-ecb
expect_sw 'another is for its owner to replace' 6985 "$(set_key 08 $aes_b)"
expect_sw 'a CHUID' 9000 "$(put 02 3019D4E739DA739CED39CE739D836858210842108421C84210C3EB3410A1A2A3A4A5A6A7A8B1B2B3B4B5B6B7B8350832303939313233313E00FE00)"
expect_sw 'a CCC' 9000 "$(put 07 F015A000000116FF02A1A2A3A4A5A6A7A8B1B2B3B4B5B6F10121F20121F300F40100F50110F600F700FA00FB00FC00FD00FE00)"
expect_sw 'a key in 9A' 9000 0047009A05AC03800111 00
session_close
taken 2 $aes_a $aes_b 08 aes-128-ecb
check 'with both keys the tool replaces it' eval \
	"printf '%s\n' $aes_a $aes_b | mgr change-admin-key /instance 2 /AdminKey PROMPT --admin-algorithm AES128 /quiet"
taken 2 $aes_b $aes_a 08 aes-128-ecb
session_open 2
expect_sw 'the PIN' 9000 "$(verify_apdu 24681357)"
expect_sw 'the key signs still' 9000 "$sign_9a" 00
session_close

# ---- pcscd killed in the middle of a new key ----
blank 3 /AdminKey DEFAULT
session_open 3
check 'authentication' admin_auth
begin=$(date +%s%N)
expect_sw 'a new key' 9000 "$(set_key 03 $key_a)"
took=$((($(date +%s%N) - begin) / 1000000))
session_close
echo "    a new key took $took ms"
now=$key_a next=$key_b kept=0 changed=0
for i in 0 20 40 60 80 90 100 110 150 400; do
	session_open 3
	admin_auth $now || not_ok "killed, $i %: the key authenticates"
	set_key 03 $next >&"$session_out"
	echo >&"$session_out"
	delay=$((took * i / 100))
	sleep "$((delay / 1000)).$(printf '%03d' $((delay % 1000)))"
	pcscd_kill
	session_close
	pcscd_start
	wait_for 5 card_in 3 || not_ok 'the card is back after a kill'
	session_open 3
	if admin_auth $next; then
		kept_key=$now now=$next next=$kept_key changed=$((changed + 1))
	else
		apdu 00A4040009A00000030800001000 00
		kept=$((kept + 1))
	fi
	session_close
	taken 3 $now $next 03 des-ede3
	same "killed, $i %: nothing is left over" '' "$(find "$state" -mindepth 1 -maxdepth 1 -name '.*' ! -name .manage ! -name .lock ! -name '.generation-*')"
done
check "it was killed before and behind the change ($kept and $changed of 10)" test "$kept" -ge 1 -a "$changed" -ge 1

# ---- nobody takes over what is not his ----
mgr create /name Own /PIN DEFAULT /AdminKey RANDOM /quiet >/dev/null 2>create.log || die "create: $(cat create.log)"
wait_for 5 card_in 4 || die 'the card is in its reader'
session_open 4
fails 'a RANDOM card has no default key' admin_auth
expect_sw 'and takes no new one' 6982 "$(set_key 03 $key_a)"
session_close

for n in 0 1 2 3 4; do mgr destroy /instance $n /quiet || not_ok "destroy $n"; done
same 'nothing is left' '' "$(nv_indices)"
same 'nor on the disk' '' "$(find "$state" -mindepth 1 ! -name .manage ! -name .lock)"
