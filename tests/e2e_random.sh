#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A card whose administrator key was left to chance (/AdminKey RANDOM): Debian's
# ykman manages it with the PIN alone, whatever the key's algorithm, with a file
# system or without; nobody is shown the key, and it is in no file.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages "${ykman_packages[@]}"
cd "$scratch"
install_private

pin=24681357 puk=86427531
instance=0
piv() { ykman --reader "$(reader "$instance")" piv "$@"; }
keys() { piv keys "$@"; }
certificates() { piv certificates "$@"; }
access() { piv access "$@"; }
objects() { piv objects "$@"; }
get_printed=00CB3FFF055C035FC10900
get_admin_data=00CB3FFF055C035FFF0000

# When it cannot connect it kills every scdaemon of the machine; not from here.
mkdir bin
printf '#!/bin/sh\nexit 1\n' >bin/pkill
chmod +x bin/pkill
PATH=$PWD/bin:$PATH

# make_card ALGORITHM OPTION...: whatever it says is in create.log
make_card()
{
	printf '%s\n' $pin $puk | mgr create /name Unmanaged /AdminKey RANDOM /PIN PROMPT /PUK PROMPT \
		--admin-algorithm "$@" >>create.log 2>&1 || die "create: $(tail -n 3 create.log)"
}

# The key as the PIN's owner reads it, in hexadecimal.
read_key()
{
	session_open "$instance"
	apdu "$(verify_apdu $pin)"
	apdu $get_printed
	session_close
	[ "$sw" = 9000 ] || return 1
	key=${data#53??88??89??}
}

# search PLACE...: the files that have the key, as it is or in hexadecimal
search()
{
	grep -rlaP -e "$(fold -w2 <<<"$key" | sed 's/^/\\x/' | tr -d '\n')" "$@" || :
	grep -rlaiF -e "$key" "$@" || :
}

# nowhere WHAT: the key is in no file of the card's, and in nobody's log
nowhere() { same "$1" '' "$(search "$state" ./*.log)"; }

# self_signed SLOT: the PIN's owner makes a certificate there that OpenSSL accepts
self_signed()
{
	certificates generate -P $pin -s "CN=Self $1" "$1" "$1.pub" &&
		certificates export "$1" "$1.pem" &&
		openssl verify -check_ss_sig -CAfile "$1.pem" "$1.pem" &&
		openssl x509 -in "$1.pem" -noout -pubkey | cmp - "$1.pub"
}

swtpm_start
write_conf 'spare_slots = 4'
pcscd_start
make_card 3DES /generate --allow-reset
make_card AES128
make_card AES192 /generate
make_card AES256 /generate
wait_for 5 card_in 3 || die 'the cards are in their readers'

instance=0
read_key || die "the PIN's owner reads the key"
mkdir decoy
unhex "$key" >decoy/octets
printf '%s\n' "${key,,}" >decoy/text
same 'a search finds a key where it is' 'decoy/octets decoy/text' "$(search decoy | sort | xargs)"

names=(TDES AES128 AES192 AES256) digits=(48 32 48 64)
for instance in 0 1 2 3; do
	name=${names[instance]}
	info=$(piv info 2>&1)
	matches "$name: info" "^Management key algorithm: $name$" "$info"
	matches "$name: info says who has the key" 'Management key is stored on the YubiKey, protected by PIN' "$info"
	session_open "$instance"
	expect_sw "$name: without the PIN nobody reads it" 6982 $get_printed
	expect_sw "$name: nor does the key serve" 6982 0087009B047C028000 00
	session_close
	check "$name: keys generate, by the PIN alone" keys generate -P $pin -a ECCP256 9a 9a.pub
	check "$name: certificates generate, by the PIN alone" self_signed 9a
	check "$name: objects generate, by the PIN alone" objects generate -P $pin chuid
	refuse "$name: a wrong PIN does not" 1 keys generate -P 00000000 -a ECCP256 9d none.pub
	refuse "$name: the default key does not" 1 \
		keys generate -m $default_admin_key -a ECCP256 9d none.pub
	read_key || die "$name: the PIN's owner reads the key"
	same "$name: the key has its algorithm's length" "${digits[instance]}" "${#key}"
	nowhere "$name: it is in no file"
	before=$key
	check "$name: change-management-key --protect" \
		access change-management-key -f -P $pin --protect -a "$name"
	read_key || die "$name: the PIN's owner reads the new key"
	matches "$name: it is another one" '^[0-9A-Fa-f]+$' "$key"
	fails "$name: not the one before" test "$before" = "$key"
	nowhere "$name: it is in no file either"
	check "$name: the PIN alone generates again" keys generate -P $pin -a ECCP256 9d 9d.pub
	check "$name: and certifies" self_signed 9d
done

# ---- the keys differ, and no two cards share one ----
instance=1
check 'another algorithm for a protected key' \
	access change-management-key -f -P $pin --protect -a AES256
check 'which serves' keys generate -P $pin -a ECCP256 9e 9e.pub
check 'change-pin' access change-pin -P $pin -n 11223344
pin=11223344
check 'the key opens with the new PIN' objects generate -P $pin ccc
check 'a key of its own choice' access change-management-key -f -P $pin -a TDES -n $default_admin_key
fails 'is not protected any more' eval 'piv info 2>&1 | grep -q "protected by PIN"'
pin=24681357

# ---- RESET makes a card with the default key, which needs no protection ----
instance=0
check 'reset' piv reset -f
info=$(piv info 2>&1)
matches 'reset: the management key is the default' 'default Management key' "$info"
fails 'reset: and not protected' grep -q 'protected by PIN' <<<"$info"
session_open 0
expect_sw 'reset: no administrative data' 6A82 $get_admin_data
apdu "$(verify_apdu 12345678)"
expect_sw 'reset: no printed information' 6A82 $get_printed
session_close
check 'reset: the default key generates' keys generate -m $default_admin_key -a ECCP256 9a 9a.pub

# ---- what the tool says to whoever wants the key to do more ----
fails 'nobody was shown a key' grep -qE '[0-9A-Fa-f]{32}' create.log
for n in 0 1 2 3; do
	check "destroy card $n" mgr destroy /instance $n
done
same 'no NV index is left' '' "$(nv_indices)"
same 'no persistent key is left' '' "$(tpm2_getcap handles-persistent)"
