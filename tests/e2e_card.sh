#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Cards as people use them: made while pcscd runs, enrolled with piv-tool and
# yubico-piv-tool, used by OpenSC, checked by OpenSSL, destroyed.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
cd "$scratch"
install_private

module=$(find /usr/lib -name opensc-pkcs11.so -print -quit)
p11() { pkcs11-tool --module "$module" "$@"; }
ypt() { yubico-piv-tool -r "$(reader 0)" "$@"; }
admin_key_file() { sed 's/../&:/g; s/:$//' <<<"$1" >"$scratch/admin.key"; }
export PIV_EXT_AUTH_KEY=$scratch/admin.key

# A certificate over a public key, by an authority of our own.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
	-subj '/CN=tests' -days 30 >ca.log 2>&1
certify() { openssl x509 -new -force_pubkey "$1" -subj "/CN=$2" -CA ca.pem -CAkey ca.key -days 30 -out "$3"; }

swtpm_start
write_conf 'spare_slots = 4'
pcscd_start

# ---- three cards, without a restart of pcscd ----
before=$(nv_indices)
same 'a new TPM has no NV index' '' "$before"

id=$(mgr create /name First /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT /generate 2>create.log) ||
	not_ok "create the first card: $(cat create.log)"
same 'create prints the instance' 'ROOT\SMARTCARDREADER\0000' "$id"
check 'the first card is in its reader' wait_for 5 card_in 0
first=$(nv_indices)

key_b=A1A2A3A4A5A6A7A8B1B2B3B4B5B6B7B8C1C2C3C4C5C6C7C8
id=$(printf '%s\n' $key_b 24681357 86427531 |
	mgr create --name=Second --adminkey PROMPT --pin PROMPT --puk PROMPT --generate 2>create.log) ||
	not_ok "create the second card: $(cat create.log)"
same 'the second instance, secrets from standard input' 'ROOT\SMARTCARDREADER\0001' "$id"
check 'the second card is in its reader' wait_for 5 card_in 1
second=$(comm -13 <(echo "$first") <(nv_indices))

id=$(mgr create /n Third /ad RANDOM /pin DEFAULT /puk DEFAULT /g 2>create.log) ||
	not_ok "create the third card: $(cat create.log)"
same 'the third instance, by prefixes of options' 'ROOT\SMARTCARDREADER\0002' "$id"
check 'the third card is in its reader' wait_for 5 card_in 2
check 'the others are still there' eval 'card_in 0 && card_in 1'
all=$(nv_indices)
check 'each card has NV indices of its own' test -n "$first" -a -n "$second" -a "$all" != "$first"

listed=$(mgr list)
matches 'list names the first' '0000.*First' "$listed"
matches 'list names the second' '0001.*Second' "$listed"
matches 'list names the third' '0002.*Third' "$listed"

# ---- enrolment of the first ----
admin_key_file $default_admin_key
check 'piv-tool authenticates with the admin key' piv-tool --reader "$(reader 0)" -A M:9B:03
admin_key_file $key_b
fails 'piv-tool is refused with another key' piv-tool --reader "$(reader 0)" -A M:9B:03
check 'piv-tool authenticates with the second card'"'"'s key' piv-tool --reader "$(reader 1)" -A M:9B:03

enrol()
{
	local slot=$1 algorithm=$2
	check "generate $algorithm in $slot" ypt -a generate -s "$slot" -A "$algorithm" -o "$slot.pub"
	certify "$slot.pub" "First $slot" "$slot.pem"
	check "write the certificate of $slot" ypt -a import-certificate -s "$slot" -i "$slot.pem"
	openssl x509 -in "$slot.pem" -outform DER -out "$slot.der"
}
enrol 9a RSA2048
enrol 9c ECCP256
enrol 9d ECCP384
matches '9a is an RSA key of 2048 bits' '2048 bit' "$(openssl pkey -pubin -in 9a.pub -noout -text 2>&1)"
matches '9c is on P-256' 'P-256' "$(openssl pkey -pubin -in 9c.pub -noout -text 2>&1)"
matches '9d is on P-384' 'P-384' "$(openssl pkey -pubin -in 9d.pub -noout -text 2>&1)"

# certificate_back SLOT ID
certificate_back()
{
	ypt -a read-certificate -s "$1" -K DER -o "$1.back" 2>&1 || return
	cmp "$1.der" "$1.back" || return
	pkcs15-tool --reader "$(reader 0)" --read-certificate "$2" --output "$1.opensc" || return
	openssl x509 -in "$1.opensc" -outform DER | cmp "$1.der" -
}
check 'the certificate of 9a comes back, octet for octet' certificate_back 9a 01
check 'the certificate of 9c comes back, octet for octet' certificate_back 9c 02
check 'the certificate of 9d comes back, octet for octet' certificate_back 9d 03

# ---- use of the first ----
use_card=(--slot-index 0 --login --pin 12345678)
check 'pkcs15-tool verifies the PIN' \
	pkcs15-tool --reader "$(reader 0)" --verify-pin --auth-id 01 --pin 12345678
printf 'what is signed\n' >message
openssl dgst -sha256 -binary -out digest message

sign_rsa()
{
	p11 "${use_card[@]}" --sign --id 01 -m SHA256-RSA-PKCS -i message -o rsa.sig &&
		openssl dgst -sha256 -verify 9a.pub -signature rsa.sig message
}
check 'OpenSSL verifies an RSA signature by pkcs11-tool' sign_rsa
sign_pss()
{
	p11 "${use_card[@]}" --sign --id 01 -m SHA256-RSA-PKCS-PSS -i message -o pss.sig &&
		openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-2 \
			-verify 9a.pub -signature pss.sig message
}
check 'OpenSSL verifies an RSA-PSS signature by pkcs11-tool' sign_pss
decrypt_rsa()
{
	openssl pkeyutl -encrypt -pubin -inkey 9a.pub -in digest -out rsa.enc &&
		p11 "${use_card[@]}" --decrypt --id 01 -m RSA-PKCS -i rsa.enc -o rsa.dec &&
		cmp digest rsa.dec
}
check 'what OpenSSL encrypts, the card decrypts' decrypt_rsa
sign_ec()
{
	p11 "${use_card[@]}" --sign --id 02 -m ECDSA --signature-format openssl -i digest -o ec.sig &&
		openssl pkeyutl -verify -pubin -inkey 9c.pub -in digest -sigfile ec.sig
}
check 'OpenSSL verifies an ECDSA signature of the key that asks for the PIN each time' sign_ec
sign_p15()
{
	pkcs15-crypt --reader "$(reader 0)" --sign --key 01 --pin 12345678 --pkcs1 --sha-256 \
		-i digest -o p15.sig --raw && openssl dgst -sha256 -verify 9a.pub -signature p15.sig message
}
check 'OpenSSL verifies an RSA signature by pkcs15-crypt' sign_p15
agree()
{
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out peer.key &&
		openssl pkey -in peer.key -pubout -outform DER -out peer.der &&
		openssl pkeyutl -derive -inkey peer.key -peerkey 9d.pub -out wanted.secret &&
		p11 "${use_card[@]}" --derive --id 03 -m ECDH1-COFACTOR-DERIVE -i peer.der -o card.secret &&
		cmp wanted.secret card.secret
}
check 'card and OpenSSL agree on an ECDH secret' agree
p11_test()
{
	local out
	out=$(p11 "${use_card[@]}" --test 2>&1)
	printf '%s\n' "$out"
	grep -q '^No errors' <<<"$out" && ! grep -qiE 'fail|ERR:' <<<"$out"
}
check 'pkcs11-tool --test finds nothing wrong' p11_test

# ---- the third: its admin key serves after the PIN only ----
session_open 2
expect_sw 'RANDOM: no witness before the PIN' 6982 0087039B047C028000 00
fails 'RANDOM: DEFAULT is not the key, before the PIN' admin_auth
same 'RANDOM: it is refused' 6982 "$sw"
expect_sw 'RANDOM: the PIN' 9000 "$(verify_apdu 12345678)"
expect_sw 'RANDOM: a witness after the PIN' 9000 0087039B047C028000 00
expect_sw 'RANDOM: the PIN again' 9000 "$(verify_apdu 12345678)"
fails 'RANDOM: DEFAULT is not the key, after the PIN' admin_auth
same 'RANDOM: it is refused' 6982 "$sw"
expect_sw 'RANDOM: without it no key can be made' 6982 0047009E05AC03800111 00
session_close
third=$(comm -13 <(printf '%s\n' "$first" "$second" | sort) <(echo "$all") | wc -l)
same 'RANDOM: it has no index for the admin key' "$(($(wc -l <<<"$first") - 1))" "$third"

# ---- a card whose admin key is AES ----
key_aes=000102030405060708090A0B0C0D0E0F
id=$(printf '%s\n' $key_aes | mgr create /name Fourth /AdminKey PROMPT --admin-algorithm AES128 \
	/PIN DEFAULT /PUK DEFAULT /generate 2>create.log) || not_ok "create an AES card: $(cat create.log)"
same 'the fourth instance' 'ROOT\SMARTCARDREADER\0003' "$id"
check 'the fourth card is in its reader' wait_for 5 card_in 3
admin_key_file $key_aes
check 'piv-tool authenticates with AES' piv-tool --reader "$(reader 3)" -A M:9B:08
session_open 3
check 'AES: external authentication' admin_auth $key_aes 08 aes-128-ecb
expect_sw 'AES: after it a key can be made' 9000 0047009A05AC03800111 00
session_close

# ---- destroy the second ----
check 'destroy the second card' mgr destroy /instance 'ROOT\SMARTCARDREADER\0001'
check 'its reader is empty at once' wait_for 2 card_out 1
left=$(nv_indices)
same 'its NV indices are gone' '' "$(comm -12 <(echo "$second") <(echo "$left"))"
same 'those of the others are not' "$(comm -23 <(echo "$all") <(echo "$second"))" \
	"$(comm -12 <(echo "$all") <(echo "$left"))"
check 'its directory is gone' test ! -e "$state/0001"
refuse 'a second destroy finds no card' 3 mgr destroy /instance 1
check 'the first still signs' sign_rsa
session_open 2
expect_sw 'the third still takes its PIN' 9000 "$(verify_apdu 12345678)"
session_close

id=$(mgr create /name Again /PIN DEFAULT /PUK DEFAULT /AdminKey DEFAULT /generate /quiet 2>create.log) ||
	not_ok "create a card in a freed slot: $(cat create.log)"
same 'the lowest free instance is used again' 'ROOT\SMARTCARDREADER\0001' "$id"
same 'with /quiet nothing else is said' '' "$(cat create.log)"
check 'it is in its reader' wait_for 5 card_in 1

# ---- destroy them all ----
for n in 0 1 2 3; do
	check "destroy card $n" mgr destroy /instance ROOTSMARTCARDREADER000$n /quiet
done
same 'no NV index is left' '' "$(nv_indices)"
same 'no persistent key is left' '' "$(tpm2_getcap handles-persistent)"
same 'no card is left in the state directory' '' "$(ls "$state")"
