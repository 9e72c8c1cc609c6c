#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# ykman 5, which asks for more than Debian 12's 4.0.9: what a key may do, where it
# comes from, and management keys of every kind: run by tests/newer.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LC_ALL=C.UTF-8
need_root
cd "$scratch"
install_private

pin=24681357 puk=86427531 key=$default_admin_key instance=0
piv() { ykman --reader "$(reader $instance)" piv "$@"; }
keys() { piv keys "$@"; }
certificates() { piv certificates "$@"; }
access() { piv access "$@"; }
objects() { piv objects "$@"; }
card_says() { mgr list | sed -n "s/.*SMARTCARDREADER.000$instance //p"; }
tries_are() { matches "$1" "$2" "$(card_says)"; }
# info_has WHAT PATTERN: a line of ykman's columns, blanks as one
info() { piv info 2>&1 | tr -s ' '; }
info_has() { matches "$1" "$2" "$(info)"; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
	-subj '/CN=tests' -days 30 >ca.log 2>&1
certify() { openssl x509 -new -force_pubkey "$1" -subj "/CN=$2" -CA ca.pem -CAkey ca.key -days 30 -out "$3"; }
new_card()
{
	mgr create "$@" /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT /generate >/dev/null 2>create.log ||
		die "create: $(cat create.log)"
}

swtpm_start
write_conf 'spare_slots = 2'
pcscd_start
new_card /name Ykman --allow-reset
check 'the card is in its reader' wait_for 5 card_in 0

# ---- what it says of a new card ----
new=$(info)
matches 'info: version' '^PIV version: 5\.4\.3$' "$new"
matches 'info: tries' '^PIN tries remaining: 5/5$' "$new"
matches 'info: tries of the PUK' '^PUK tries remaining: 5/5$' "$new"
matches 'info: the PIN is the default' '^WARNING: Using default PIN!$' "$new"
matches 'info: the PUK is the default' '^WARNING: Using default PUK!$' "$new"
matches 'info: the management key is the default' '^WARNING: Using default Management key!$' "$new"
matches 'info: its algorithm' '^Management key algorithm: TDES$' "$new"
matches 'info: CHUID' '^CHUID: 3019.*fe00$' "$new"
matches 'info: CCC' '^CCC: f015.*fe00$' "$new"

# ---- PIN and PUK ----
check 'change-pin' access change-pin -P 12345678 -n $pin
refuse 'the old PIN is wrong' 1 access change-pin -P 12345678 -n 11223344
info_has 'info: the try that is gone' '^PIN tries remaining: 4/5$'
check 'change-puk' access change-puk -p 12345678 -n $puk
refuse 'the old PUK is wrong' 1 access unblock-pin -p 12345678 -n 11223344
info_has 'info: the try that is gone' '^PUK tries remaining: 4/5$'
check 'unblock-pin' access unblock-pin -p $puk -n $pin
tries_are 'all tries are back' '5 left +5 left'
refuse 'set-retries: these limits are for ever' 1 access set-retries -f -m "$key" -P $pin 3 4
check 'the PIN is what it was' access change-pin -P $pin -n $pin

# ---- keys made on the card ----
# key_info SLOT ALGORITHM ORIGIN PIN: what keys info says
key_info()
{
	local said
	said=$(keys info "$1" | tr -s ' ') || return
	printf '%s\n' "$said"
	grep -qx "Algorithm: $2" <<<"$said" && grep -qx "Origin: $3" <<<"$said" &&
		grep -qx "PIN required for use: $4" <<<"$said" &&
		grep -qx 'Touch required for use: NEVER' <<<"$said"
}
public_back() { keys export "$1" "$1.out" && cmp "$1.pub" "$1.out"; }
self_signed()
{
	certificates generate -m "$key" -P $pin -s "CN=Self $1,O=Tests" -d 20 -a "$2" "$1" "$1.pub" &&
		certificates export "$1" "$1.pem" &&
		openssl verify -check_ss_sig -CAfile "$1.pem" "$1.pem" &&
		openssl x509 -in "$1.pem" -noout -subject -nameopt RFC2253 | grep "CN=Self $1" &&
		openssl x509 -in "$1.pem" -noout -pubkey | cmp - "$1.pub"
}
request()
{
	certificates request -P $pin -s "CN=Request $1" -a "$2" "$1" "$1.pub" "$1.csr" &&
		openssl req -in "$1.csr" -noout -verify && openssl req -in "$1.csr" -noout -pubkey | cmp - "$1.pub"
}
# enrol SLOT ALGORITHM PIN HASH
enrol()
{
	check "keys generate: $2 in $1" keys generate -m "$key" -a "$2" "$1" "$1.pub"
	check "$1: keys info" key_info "$1" "$2" GENERATED "$3"
	check "$1: keys export" public_back "$1"
	check "$1: certificates generate, $4" self_signed "$1" "$4"
	check "$1: certificates request, $4" request "$1" "$4"
}
enrol 9a RSA2048 ONCE SHA256
enrol 9c ECCP256 ALWAYS SHA512
enrol 9d ECCP384 ONCE SHA384
enrol 95 ECCP256 ONCE SHA256
check 'PIN policy never' keys generate -m "$key" -a ECCP256 --pin-policy NEVER 9e 9e.pub
check '9e: keys info' key_info 9e ECCP256 GENERATED NEVER
certify 9e.pub 'Ykman 9e' 9e.pem
check 'it signs without the PIN' certificates import -m "$key" --verify 9e 9e.pem
check 'PIN policy always' keys generate -m "$key" -a RSA2048 --pin-policy ALWAYS 82 82.pub
check '82: keys info' key_info 82 RSA2048 GENERATED ALWAYS
check '82: certificates request' request 82 SHA256
refuse 'keys info: no key' 1 keys info 83
for policy in ALWAYS CACHED; do
	refuse "nobody can touch this card: touch $policy" 1 \
		keys generate -m "$key" -a ECCP256 --touch-policy $policy 95 none.pub
done
for algorithm in RSA1024 RSA3072 RSA4096 ED25519 X25519; do
	refuse "keys generate: not $algorithm" 1 keys generate -m "$key" -a $algorithm 83 none.pub
done
refuse 'keys attest: the card has no attestation key' 1 keys attest 9a none.pem
check 'it gets one' mgr attest /instance 0 -o bundle.json
attested() { keys attest "$1" "$1.attest" && certificates export f9 f9.pem && attests "$1.attest" f9.pem "$1" "$1.pub"; }
check 'keys attest' attested 9a
# ykman asks for a version this card does not claim, and sends nothing.
refuse 'keys move' 1 keys move -m "$key" 95 83
refuse 'keys delete' 1 keys delete -m "$key" 95
check 'the key is where it was' request 95 SHA256
said=$(info)
for slot in 9a 9c 9d 95; do
	matches "info shows the certificate in $slot" \
		"Fingerprint: $(openssl x509 -in $slot.pem -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1)" "$said"
done
same 'info shows the type of each key' 4 "$(grep -A 1 -E '^Slot (9A|9C|9D|95) ' <<<"$said" |
	grep -cE '^ Private key type: (RSA2048|ECCP256|ECCP384)$')"

# ---- import ----
# import SLOT ALGORITHM GENPKEY-OPTION...
import()
{
	local slot=$1 algorithm=$2
	shift 2
	openssl genpkey "$@" -out "$slot.key" 2>/dev/null
	openssl pkey -in "$slot.key" -pubout -out "$slot.pub"
	certify "$slot.pub" "Import $slot" "$slot.pem"
	check "keys import: $algorithm" keys import -m "$key" "$slot" "$slot.key"
	check "$slot: keys info" key_info "$slot" "$algorithm" IMPORTED ONCE
	check "$slot: keys export" public_back "$slot"
	check "$slot: certificates request" request "$slot" SHA256
	check "$slot: certificates import, which verifies that it belongs to the key" \
		certificates import -m "$key" -P $pin --verify "$slot" "$slot.pem"
}
import 86 RSA2048 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
import 87 ECCP256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
import 88 ECCP384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
refuse 'certificates import: one of another key does not pass for this one'"'"'s' 1 \
	certificates import -m "$key" -P $pin --verify 87 9e.pem
pkcs12()
{
	openssl pkcs12 -export -inkey 86.key -in 86.pem -passout pass:secret -out 86.p12 &&
		keys import -m "$key" -p secret 89 86.p12 &&
		certificates import -m "$key" -P $pin -p secret --verify 89 86.p12 &&
		certificates export 89 89.pem && cmp 86.pem 89.pem
}
check 'PKCS#12: key and certificate' pkcs12
compressed()
{
	certificates import -m "$key" --compress 89 88.pem && certificates export 89 89.pem && cmp 88.pem 89.pem
}
check 'certificates import --compress' compressed
check 'certificates delete' certificates delete -m "$key" 89
refuse 'it is gone' 1 certificates export 89 none.pem
check 'its key is not' keys export 89 89.out

# ---- objects ----
# object NAME SIZE
object()
{
	head -c "$2" /dev/urandom >object && objects import -m "$key" "$1" object &&
		objects export -P $pin "$1" object.back && cmp object object.back
}
check 'objects: one of Yubico'"'"'s' object 5fff10 3000
check 'objects: the facial image, as much as ykman sends at once' object FACIAL 3000
fails 'which is not read without the PIN' objects export FACIAL none
check 'objects: printed information' object PRINTED 100
refuse 'objects export: none there' 1 objects export IRIS none
check 'objects generate: CHUID' objects generate -m "$key" CHUID
check 'objects generate: CCC' objects generate -m "$key" CCC

# ---- the management key ----
# change_key NAME ALGORITHM KEY: the new one is right, the old one wrong
change_key()
{
	local old=$key
	check "change-management-key: $1" access change-management-key -f -m "$old" -a "$2" -n "$3"
	key=$3
	info_has "$1: info" "^Management key algorithm: $2$"
	check "$1: the new key is right" objects generate -m "$key" CHUID
	refuse "$1: the old one is wrong" 1 objects generate -m "$old" CHUID
}
key_3des=A1A2A3A4A5A6A7A8B1B2B3B4B5B6B7B8C1C2C3C4C5C6C7C8
key_192=0102030405060708090A0B0C0D0E0F101112131415161718
key_256=F0E1D2C3B4A5968778695A4B3C2D1E0F00112233445566778899AABBCCDDEEFF
change_key 3DES TDES $key_3des
change_key AES-192 AES192 $key_192
refuse 'a key that wants a touch is refused' 1 \
	access change-management-key -f -m "$key" -t -a TDES -n $default_admin_key
change_key 'back to 3DES' TDES $default_admin_key
info_has 'info: it is the default' 'Using default Management key'

# ---- a management key that the PIN opens ----
# Objects for it have been written above; ykman keeps what it finds there, or not at all.
check 'no printed information' objects import -m "$key" PRINTED /dev/null
check 'change-management-key --protect' access change-management-key -f -m "$key" -P $pin --protect
info_has 'info says so' 'Management key is stored on the YubiKey, protected by PIN'
refuse 'the default key is wrong' 1 objects generate -m $default_admin_key CHUID
check 'the PIN alone generates' keys generate -P $pin -a ECCP256 8a 8a.pub
check 'and writes a certificate' certificates generate -P $pin -s CN=Protected 8a 8a.pub
refuse 'a wrong PIN does not' 1 keys generate -P 00000000 -a ECCP256 8a none.pub
check 'change-pin' access change-pin -P $pin -n 11223344
pin=11223344
check 'the key opens with the new PIN' objects generate -P $pin CHUID
check 'change-management-key --protect, of a given kind' \
	access change-management-key -f -P $pin --protect -a AES192
info_has 'info: the kind' '^Management key algorithm: AES192$'
check 'the PIN alone generates' keys generate -P $pin -a ECCP256 8a 8a.pub
check 'no longer protected' access change-management-key -f -P $pin -a TDES -n $default_admin_key
fails 'info says so' grep -q 'protected by PIN' <<<"$(info)"
check 'the key itself serves' objects generate -m $default_admin_key CHUID
change_key AES-256 AES256 $key_256
# From now on the TPM has the key, which could reset the PIN; only its owner can give
# it to another.
refuse 'change-management-key: not away from a key the TPM keeps' 1 \
	access change-management-key -f -m "$key" -a TDES -n $default_admin_key
check 'it is still that key' objects generate -m "$key" CHUID

# ---- reset ----
check 'reset' piv reset -f
new=$(info)
tries_are 'all tries are back' '5 left +5 left'
matches 'the PIN is the default' 'default PIN' "$new"
matches 'the PUK is the default' 'default PUK' "$new"
matches 'the management key is the default' 'default Management key' "$new"
fails 'nothing is in a slot' grep -q '^Slot' <<<"$new"
pin=12345678 key=$default_admin_key
enrol 9a ECCP256 ONCE SHA256

# ---- a card whose management key cannot reset the PIN takes any key at any time ----
new_card /name Free --admin-unblock no
instance=1
check 'the second card is in its reader' wait_for 5 card_in 1
change_key AES-128 AES128 000102030405060708090A0B0C0D0E0F
change_key AES-256 AES256 $key_256
check 'change-management-key --protect' access change-management-key -f -m "$key" -P $pin --protect -a AES256
check 'the PIN alone generates' keys generate -P $pin -a RSA2048 9a 9a.pub
check 'no longer protected' access change-management-key -f -P $pin -a TDES -n $default_admin_key
key=$default_admin_key
check '9a: certificates request' request 9a SHA256
refuse 'this card does not forget' 1 piv reset -f
for n in 0 1; do
	check "destroy card $n" mgr destroy /instance $n
done
same 'no NV index is left' '' "$(nv_indices)"
same 'no persistent key is left' '' "$(tpm2_getcap handles-persistent)"
