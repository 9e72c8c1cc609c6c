#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# yubico-piv-tool and ykcs11 2.7, which do what Debian 12's 2.2 cannot: certificates
# and requests with OpenSSL 3, management keys of all kinds: run by tests/newer.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
cd "$scratch"
install_private

pin=24681357 puk=86427531 instance=0
ypt() { yubico-piv-tool -r "$(reader $instance)" "$@"; }
with_pin() { ypt -a verify-pin -P "$pin" "$@"; }
card_says() { mgr list | sed -n "s/.*SMARTCARDREADER.000$instance //p"; }
tries_are() { matches "$1" "$2" "$(card_says)"; }
new_card()
{
	mgr create "$@" /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT /generate >/dev/null 2>create.log ||
		die "create: $(cat create.log)"
}
printf 'what is signed\n' >message
openssl dgst -sha256 -binary -out digest message

swtpm_start
write_conf 'spare_slots = 2'
# ykcs11 looks at readers whose name begins with "Yubico" only; a reader is called what
# pcscd's entry calls it.
sed -i 's/^FRIENDLYNAME "/&Yubico /' "$scratch/reader.conf.d/libifdtpmvsc"
pcscd_start
new_card /name Yubico --allow-reset
check 'the card is in its reader' wait_for 5 card_in 0

# ---- what it says of a new card ----
matches 'list-readers' "^Yubico $(reader 0)$" "$(ypt -a list-readers)"
matches 'version' 'version 5\.4\.3 found\.$' "$(ypt -a version 2>&1)"
status=$(ypt -a status 2>&1)
matches 'status: version' '^Version:.5\.4\.3$' "$status"
matches 'status: a serial number' '^Serial Number:.[1-9][0-9]*$' "$status"
matches 'status: CHUID' '^CHUID:.3019.*fe00$' "$status"
matches 'status: tries' '^PIN tries left:.5$' "$status"
refuse 'a reader that is not there' 1 yubico-piv-tool -r 'No such reader' -a status

# ---- PIN and PUK ----
check 'change-pin' ypt -a change-pin -P 12345678 -N $pin
refuse 'the old PIN is wrong' 1 ypt -a verify-pin -P 12345678
tries_are 'it costs a try' '4 left +5 left'
check 'change-puk' ypt -a change-puk -P 12345678 -N $puk
refuse 'the old PUK is wrong' 1 ypt -a unblock-pin -P 12345678 -N $pin
check 'unblock-pin' ypt -a unblock-pin -P $puk -N 11223344
check 'change-pin again' ypt -a change-pin -P 11223344 -N $pin
tries_are 'all tries are back' '5 left +5 left'
refuse 'pin-retries: these limits are for ever' 1 with_pin -a pin-retries --pin-retries 3 --puk-retries 4
check 'the PIN is what it was' with_pin

# ---- keys made on the card, certificates and requests signed by them ----
sign_with()
{
	with_pin --sign -s "$1" -A "$2" -H "$3" -i message -o sig &&
		openssl dgst -"$3" -verify "$1.pub" -signature sig message
}
selfsign()
{
	with_pin -a selfsign-certificate -s "$1" -S "/CN=Self $1/O=Tests/" -H "$2" -i "$1.pub" -o "$1.pem" \
		--valid-days 20 --serial 77 &&
		openssl verify -check_ss_sig -CAfile "$1.pem" "$1.pem" &&
		openssl x509 -in "$1.pem" -noout -pubkey | cmp - "$1.pub" &&
		openssl x509 -in "$1.pem" -noout -subject -nameopt RFC2253 | grep "O=Tests,CN=Self $1" &&
		ypt -a import-certificate -s "$1" -i "$1.pem" &&
		ypt -a read-certificate -s "$1" -o "$1.back" && cmp "$1.pem" "$1.back"
}
request()
{
	with_pin -a request-certificate -s "$1" -S "/CN=Request $1/" -H "$2" -i "$1.pub" -o "$1.csr" &&
		openssl req -in "$1.csr" -noout -verify &&
		openssl req -in "$1.csr" -noout -pubkey | cmp - "$1.pub"
}
# exercise SLOT ALGORITHM HASH: all that can be done with a key
exercise()
{
	check "$1: sign, $3" sign_with "$1" "$2" "$3"
	check "$1: selfsign-certificate, import-certificate, read-certificate" selfsign "$1" "$3"
	check "$1: request-certificate" request "$1" "$3"
	check "$1: test-signature" with_pin -a test-signature -s "$1" -i "$1.pem"
	check "$1: test-decipher" with_pin -a test-decipher -s "$1" -i "$1.pem"
}
enrol()
{
	check "generate: $2 in $1" ypt -a generate -s "$1" -A "$2" -o "$1.pub"
	exercise "$@"
}
enrol 9a RSA2048 SHA256
enrol 9c ECCP256 SHA256
enrol 9d ECCP384 SHA384
enrol 95 RSA2048 SHA512
check 'generate: PIN never' ypt -a generate -s 9e -A ECCP256 --pin-policy never -o 9e.pub
refuse 'generate: no one can touch this card' 1 ypt -a generate -s 83 -A ECCP256 --touch-policy always
for algorithm in RSA1024 RSA3072 RSA4096 ED25519 X25519; do
	refuse "generate: not $algorithm" 1 ypt -a generate -s 83 -A $algorithm
done
status=$(ypt -a status 2>&1)
for slot in 9a 9c 9d 95; do
	matches "status shows $slot" "$(openssl x509 -in $slot.pem -noout -fingerprint -sha256 |
		sed 's/.*=//; s/://g' | tr A-F a-f)" "$status"
done

# ---- import ----
# Whether no part of a key begins with a zero octet: libykpiv 2.7 sends such
# a part with a wrong length, which no card can make sense of.
no_short_part()
{
	local der
	der=$(openssl pkey -in "$1" -traditional | openssl asn1parse)
	# RSA: the primes, exponents and coefficient are the last five; ECC: the scalar is the first
	if grep -q 'OCTET STRING' <<<"$der"; then
		grep -q 'OCTET STRING.*DUMP]:\([1-9A-F].\|.[1-9A-F]\)' <<<"$der"
	else
		[ "$(grep INTEGER <<<"$der" | tail -n 5 | grep -c 'l= *12[89] ')" -eq 5 ]
	fi
}
# import SLOT ALGORITHM HASH GENPKEY-OPTION...
import()
{
	local slot=$1 algorithm=$2 hash=$3
	shift 3
	until [ -e "$slot.key" ] && no_short_part "$slot.key"; do
		openssl genpkey "$@" -out "$slot.key" 2>/dev/null
	done
	openssl pkey -in "$slot.key" -pubout -out "$slot.pub"
	check "import-key: $algorithm" ypt -a import-key -s "$slot" -A "$algorithm" -i "$slot.key"
	exercise "$slot" "$algorithm" "$hash"
}
import 84 RSA2048 SHA256 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
import 85 ECCP256 SHA256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
import 86 ECCP384 SHA384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
# pkcs12 SLOT ALGORITHM: what is in another slot comes as a PKCS#12 file
pkcs12()
{
	openssl pkcs12 -export -inkey "$1.key" -in "$1.pem" -passout pass:secret -out both.p12 &&
		ypt -a import-key -a import-certificate -s 87 -A "$2" -K PKCS12 -p secret -i both.p12 &&
		with_pin -a test-signature -s 87 -i "$1.pem" &&
		ypt -a read-certificate -s 87 -o 87.back && cmp "$1.pem" 87.back
}
check 'PKCS#12: RSA' pkcs12 84 RSA2048
check 'PKCS#12: P-256' pkcs12 85 ECCP256
compressed()
{
	ypt -a import-certificate -s 87 -i 84.pem --compress &&
		ypt -a read-certificate -s 87 -o 87.back && cmp 84.pem 87.back
}
check 'import-certificate --compress, read-certificate' compressed
check 'delete-certificate' ypt -a delete-certificate -s 87
refuse 'it is gone' 1 ypt -a read-certificate -s 87
refuse 'attest: the card has no attestation key' 1 ypt -a attest -s 9a
check 'it gets one' mgr attest /instance 0 -o bundle.json
# The tool waits until its reader shows the card again; of this reader it does not know the name.
wait_for 5 ypt -a status || die 'the card is there again'
attested()
{
	ypt -a attest -s "$1" >"$1.attest" && ypt -a read-certificate -s f9 >f9.pem &&
		attests "$1.attest" f9.pem "$1" "$1.pub"
}
check 'attest, and the certificate in F9' attested 9a
# The tool asks for a version this card does not claim, and sends nothing.
refuse 'move-key' 1 ypt -a move-key -s 85 --to-slot 88
refuse 'delete-key' 1 ypt -a delete-key -s 85
check 'the key is where it was' with_pin -a test-signature -s 85 -i 85.pem

# ---- objects ----
object()
{
	head -c "$2" /dev/urandom >object && ypt -a write-object --id "$1" -f binary -i object &&
		with_pin -a read-object --id "$1" -f binary -o object.back && cmp object object.back
}
check 'write-object, read-object: 3 KB' object 0x5fff10 3000
check 'one that wants the PIN to be read' object 0x5fc109 100
refuse 'without the PIN it is not read' 1 ypt -a read-object --id 0x5fc109
check 'set-chuid' ypt -a set-chuid
check 'set-ccc' ypt -a set-ccc

# ---- the management key ----
key=$default_admin_key
# set_key ALGORITHM KEY: the new one is right, the old one wrong
set_key()
{
	local old=$key
	check "set-mgm-key: $1" ypt --key="$old" -a set-mgm-key -m "$1" -n "$2"
	key=$2
	check "$1: the new key is right" ypt --key="$key" -a set-chuid
	refuse "$1: the old one is wrong" 1 ypt --key="$old" -a set-chuid
	check "$1: a key is made with it" ypt --key="$key" -a generate -s 82 -A ECCP256 -o 82.pub
	check "$1: keys are as they were" sign_with 9a RSA2048 SHA256
}
key_3des=A1A2A3A4A5A6A7A8B1B2B3B4B5B6B7B8C1C2C3C4C5C6C7C8
key_192=0102030405060708090A0B0C0D0E0F101112131415161718
key_256=F0E1D2C3B4A5968778695A4B3C2D1E0F00112233445566778899AABBCCDDEEFF
refuse 'set-mgm-key with a wrong old key' 1 ypt --key=$key_3des -a set-mgm-key -n $key_192
set_key TDES $key_3des
set_key AES192 $key_192
set_key TDES $default_admin_key
set_key AES256 $key_256
# From now on the TPM has the key, which could reset the PIN; only its owner can give
# it to another.
refuse 'set-mgm-key: not away from a key the TPM keeps' 1 \
	ypt --key=$key_256 -a set-mgm-key -m TDES -n $default_admin_key
check 'it is still that key' ypt --key=$key_256 -a set-chuid

# ---- ykcs11 ----
module=$(find /usr/lib -name 'libykcs11.so.*' -print -quit)
p11() { pkcs11-tool --module "$module" --slot-index 0 "$@"; }
user=(--login --pin "$pin")
slots=$(p11 -L 2>&1)
matches 'ykcs11: the slot' "^Slot 0 .*: Yubico $(reader 0)$" "$slots"
matches 'ykcs11: the serial number' "serial num +: $(sed -n 's/^Serial Number:.//p' <<<"$status")$" "$slots"
p11_rsa()
{
	p11 "${user[@]}" --sign --id "$1" -m SHA256-RSA-PKCS-PSS -i message -o sig &&
		openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-2 \
			-verify "$2.pub" -signature sig message
}
# p11_ec ID SLOT HASH
p11_ec()
{
	p11 "${user[@]}" --sign --id "$1" -m "ECDSA-$3" --signature-format openssl -i message -o sig &&
		openssl dgst -"$3" -verify "$2.pub" -signature sig message
}
p11_decrypt()
{
	openssl pkeyutl -encrypt -pubin -inkey 9a.pub -pkeyopt rsa_padding_mode:oaep \
		-pkeyopt rsa_oaep_md:sha256 -in digest -out enc &&
		p11 "${user[@]}" --decrypt --id 01 -m RSA-PKCS-OAEP --hash-algorithm SHA256 -i enc -o dec &&
		cmp digest dec
}
p11_derive()
{
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out peer.key &&
		openssl pkey -in peer.key -pubout -outform DER -out peer.der &&
		openssl pkeyutl -derive -inkey peer.key -peerkey 9d.pub -out wanted.secret &&
		p11 "${user[@]}" --derive --id 03 -m ECDH1-DERIVE -i peer.der -o card.secret &&
		cmp wanted.secret card.secret
}
p11_test()
{
	local out
	out=$(p11 "${user[@]}" --test 2>&1)
	printf '%s\n' "$out"
	grep -q '^No errors' <<<"$out" && ! grep -qiE 'fail|ERR:' <<<"$out"
}
check 'ykcs11: RSA-PSS' p11_rsa 01 9a
check 'ykcs11: an imported RSA key' p11_rsa 07 84
check 'ykcs11: P-256, which asks for the PIN each time' p11_ec 02 9c SHA256
check 'ykcs11: P-384' p11_ec 03 9d SHA384
check 'ykcs11: OAEP' p11_decrypt
check 'ykcs11: ECDH on P-384' p11_derive
check 'ykcs11: pkcs11-tool --test finds nothing wrong' p11_test
so=(--login --login-type so --so-pin "$key_256")
p11_generate()
{
	p11 "${so[@]}" --keypairgen --key-type "$3" --id "$1" &&
		p11 --read-object --type cert --id "$1" -o made.der &&
		openssl x509 -inform DER -in made.der -noout -pubkey >"$2.pub"
}
check 'ykcs11: generates, with an AES key' p11_generate 05 82 EC:secp256r1
check 'ykcs11: it signs' p11_ec 05 82 SHA256
check 'ykcs11: changes the PIN' p11 "${user[@]}" --change-pin --new-pin 11223344
check 'it is changed' ypt -a change-pin -P 11223344 -N $pin

# ---- reset ----
block()
{
	local n
	for n in 1 2 3 4 5; do
		ypt -a verify-pin -P "0000000$n"
		ypt -a change-puk -P "0000000$n" -N 11111111
	done
	! with_pin
}
refuse 'reset: not while PIN and PUK work' 1 ypt -a reset
check 'PIN and PUK are blocked' block
check 'reset' ypt -a reset
tries_are 'all tries are back' '5 left +5 left'
check 'the PIN is the default' ypt -a verify-pin -P 12345678
fails 'no certificate is left' grep -q '^Slot' <<<"$(ypt -a status 2>&1)"
check 'the management key is the default' ypt -a generate -s 9a -A ECCP256 -o 9a.pub

# ---- a card whose management key cannot reset the PIN takes any key at any time ----
new_card /name Free --admin-unblock no
instance=1 pin=12345678 key=$default_admin_key
check 'the second card is in its reader' wait_for 5 card_in 1
check 'generate' ypt -a generate -s 9a -A RSA2048 -o 9a.pub
set_key AES128 000102030405060708090A0B0C0D0E0F
set_key AES256 $key_256
set_key TDES $key_3des
for n in 0 1; do
	check "destroy card $n" mgr destroy /instance $n
done
same 'no NV index is left' '' "$(nv_indices)"
same 'no persistent key is left' '' "$(tpm2_getcap handles-persistent)"
