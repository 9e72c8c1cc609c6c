#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every action of Debian's yubico-piv-tool, and Yubico's PKCS#11 module.  What a
# command did is judged by OpenSSL, by the tries that are left and by what works
# afterwards, not by what it says.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages "${yubico_packages[@]}"
cd "$scratch"
install_private

pin=24681357 puk=86427531
key=A1A2A3A4A5A6A7A8B1B2B3B4B5B6B7B8C1C2C3C4C5C6C7C8
ypt() { yubico-piv-tool -r "$(reader 0)" "$@"; }
with_pin() { ypt -a verify-pin -P "$pin" "$@"; }
card_says() { mgr list | sed -n 's/.*SMARTCARDREADER.0000 //p'; }
tries_are() { matches "$1" "$2" "$(card_says)"; }
# status_lacks WHAT PATTERN
status_lacks()
{
	local text
	if text=$(ypt -a status 2>&1) && ! grep -qE -- "$2" <<<"$text"; then
		ok "$1"
	else
		not_ok "$1"
		indent "$text"
	fi
}

# A certificate over a public key, by an authority of our own.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
	-subj '/CN=tests' -days 30 >ca.log 2>&1
certify() { openssl x509 -new -force_pubkey "$1" -subj "/CN=$2" -CA ca.pem -CAkey ca.key -days 30 -out "$3"; }
printf 'what is signed\n' >message
openssl dgst -sha256 -binary -out digest message

swtpm_start
write_conf 'spare_slots = 2'
# ykcs11 looks at readers whose name begins with "Yubico" only; a reader is called what
# pcscd's entry calls it.
sed -i 's/^FRIENDLYNAME "/&Yubico /' "$scratch/reader.conf.d/libifdtpmvsc"
pcscd_start
mgr create /name Yubico /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT --allow-reset /generate >/dev/null \
	2>create.log || die "create: $(cat create.log)"
wait_for 5 card_in 0 || die 'the card is in its reader'

# ---- what it says of a new card ----
matches 'list-readers' "^Yubico $(reader 0)$" "$(ypt -a list-readers)"
matches 'version' '^Application version 5\.4\.3 found\.$' "$(ypt -a version 2>&1)"
status=$(ypt -a status 2>&1)
matches 'status: version' '^Version:.5\.4\.3$' "$status"
matches 'status: a serial number' '^Serial Number:.[1-9][0-9]*$' "$status"
matches 'status: CHUID' '^CHUID:.3019.*fe00$' "$status"
matches 'status: CCC' '^CCC:.f015.*fe00$' "$status"
matches 'status: tries' '^PIN tries left:.5$' "$status"
status_lacks 'status: no certificate yet' '^Slot'

# ---- PIN and PUK ----
check 'verify-pin' ypt -a verify-pin -P 12345678
refuse 'verify-pin, a wrong one' 1 ypt -a verify-pin -P 00000000
tries_are 'it costs a try' '4 left +5 left'
check 'change-pin' ypt -a change-pin -P 12345678 -N $pin
tries_are 'it gives the tries back' '5 left +5 left'
refuse 'the old PIN is wrong' 1 ypt -a verify-pin -P 12345678
check 'the new one is right' with_pin
refuse 'change-pin with a wrong PIN' 1 ypt -a change-pin -P 12345678 -N 13572468
check 'changes nothing' with_pin
refuse 'change-pin to one that is too short' 1 ypt -a change-pin -P $pin -N 135790
tries_are 'costs no try' '5 left +5 left'
check 'change-puk' ypt -a change-puk -P 12345678 -N $puk
refuse 'the old PUK is wrong' 1 ypt -a unblock-pin -P 12345678 -N $pin
tries_are 'and costs a try' '5 left +4 left'
for _ in 1 2 3 4 5; do ypt -a verify-pin -P 00000000 >/dev/null 2>&1 || :; done
matches 'a blocked PIN' 'PIN tries left:.0' "$(ypt -a status 2>&1)"
refuse 'the right one is refused' 1 with_pin
check 'unblock-pin' ypt -a unblock-pin -P $puk -N 11223344
tries_are 'all tries are back' '5 left +5 left'
check 'with the PIN it set' ypt -a verify-pin -P 11223344
check 'change-pin again' ypt -a change-pin -P 11223344 -N $pin

# The limits are written when a card is made, and nobody may write them again: the
# card answers 6985, and what this command does to PIN and PUK elsewhere does not happen.
refuse 'pin-retries' 1 with_pin -a pin-retries --pin-retries 3 --puk-retries 4
tries_are 'pin-retries leaves the tries alone' '5 left +5 left'
check 'and the PIN' with_pin
check 'and the PUK' ypt -a change-puk -P $puk -N $puk

# ---- keys made on the card ----
# key_is FILE TEXT
key_is() { openssl pkey -pubin -in "$1" -noout -text | grep -q "$2"; }
# sign_with SLOT ALGORITHM HASH: OpenSSL verifies with SLOT.pub
sign_with()
{
	with_pin --sign -s "$1" -A "$2" -H "$3" -i message -o sig &&
		openssl dgst -"$3" -verify "$1.pub" -signature sig message
}
enrol()
{
	local slot=$1 algorithm=$2 text=$3
	check "generate: $algorithm in $slot" ypt -a generate -s "$slot" -A "$algorithm" -o "$slot.pub"
	check "it is what was asked for" key_is "$slot.pub" "$text"
	check "it signs" sign_with "$slot" "$algorithm" SHA256
	certify "$slot.pub" "Yubico $slot" "$slot.pem"
	check "import-certificate" ypt -a import-certificate -s "$slot" -i "$slot.pem"
	openssl x509 -in "$slot.pem" -outform DER -out "$slot.der"
	ypt -a read-certificate -s "$slot" -K DER -o "$slot.back" >/dev/null 2>&1 || :
	check "read-certificate: octet for octet" cmp "$slot.der" "$slot.back"
	check "test-signature" with_pin -a test-signature -s "$slot" -i "$slot.pem"
	check "test-decipher" with_pin -a test-decipher -s "$slot" -i "$slot.pem"
}
enrol 9a RSA2048 '2048 bit'
enrol 9c ECCP256 P-256
enrol 9d ECCP384 P-384
enrol 95 ECCP256 P-256
for hash in SHA1 SHA384 SHA512; do
	check "RSA signs with $hash" sign_with 9a RSA2048 $hash
done
check 'P-384 signs with SHA384' sign_with 9d ECCP384 SHA384
refuse 'without the PIN nothing is signed' 1 ypt -a test-signature -s 9a -i 9a.pem
refuse "another key's certificate is noticed" 1 with_pin -a test-signature -s 9c -i 95.pem
refuse 'RSA-1024 is refused' 1 ypt -a generate -s 9e -A RSA1024 -o none.pub
refuse 'a wrong management key is refused' 1 \
	ypt -a generate -s 9a -A ECCP256 -o none.pub --key=$key
check 'and the key in 9a is still there' sign_with 9a RSA2048 SHA256
status=$(ypt -a status 2>&1)
for slot in 9a 9c 9d 95; do
	matches "status shows $slot" "$(openssl x509 -in $slot.pem -noout -fingerprint -sha256 |
		sed 's/.*=//; s/://g' | tr A-F a-f)" "$status"
done

# ---- policies ----
check 'generate: PIN never' ypt -a generate -s 9e -A ECCP256 --pin-policy never -o 9e.pub
certify 9e.pub 'Yubico 9e' 9e.pem
check 'it signs without the PIN' ypt -a test-signature -s 9e -i 9e.pem
check 'generate: PIN always' ypt -a generate -s 82 -A ECCP256 --pin-policy always -o 82.pub
check 'it signs right after the PIN' sign_with 82 ECCP256 SHA256
certify 82.pub 'Yubico 82' 82.pem
refuse 'but not after another command' 1 \
	with_pin -a import-certificate -a test-signature -s 82 -i 82.pem
check 'generate: PIN once' ypt -a generate -s 83 -A ECCP256 --pin-policy once --touch-policy never -o 83.pub
certify 83.pub 'Yubico 83' 83.pem
check 'it signs after another command too' sign_with 83 ECCP256 SHA256
for policy in always cached; do
	refuse "nobody can touch this card: touch $policy" 1 \
		ypt -a generate -s 83 -A ECCP256 --touch-policy $policy -o none.pub
done
check 'the key is still the one before' sign_with 83 ECCP256 SHA256

# ---- self-sign ----
# This version's own selfsign-certificate and request-certificate end before any
# APDU where OpenSSL is 3: it asks OpenSSL to sign with a key that only the card
# has.  So OpenSSL writes the certificate, signed with some other key, and
# the card signs the same octets through the tool; what it takes of the card is
# the same.  (newer_suites.sh has the actions themselves.)
for action in selfsign-certificate request-certificate; do
	fails "$action ends in the tool itself; when not, test it here" \
		with_pin -a $action -s 9a -S /CN=none/ -i 9a.pub -o none.pem
done
# der TAG HEX: a DER element, in hexadecimal
der()
{
	local n=$((${#2} / 2))
	if [ $n -lt 128 ]; then
		printf '%s%02x%s' "$1" $n "$2"
	else
		printf '%s82%04x%s' "$1" $n "$2"
	fi
}
# self_sign SLOT ALGORITHM OTHER-KEY
self_sign()
{
	local whole tbs rest id
	openssl x509 -new -force_pubkey "$1.pub" -subj "/CN=Self $1" -key "$3" -days 30 -outform DER -out other.der &&
		openssl asn1parse -inform DER -in other.der -strparse 4 -noout -out tbs &&
		with_pin --sign -s "$1" -A "$2" -H SHA256 -i tbs -o sig || return
	whole=$(hex <other.der)
	tbs=$(hex <tbs)
	rest=${whole#*"$tbs"}
	id=${rest:0:$((4 + 2 * 0x${rest:2:2}))}
	unhex "$(der 30 "$tbs$id$(der 03 "00$(hex <sig)")")" >"self-$1.der"
	openssl x509 -inform DER -in "self-$1.der" -out "self-$1.pem" &&
		ypt -a import-certificate -s "$1" -i "self-$1.pem" &&
		ypt -a read-certificate -s "$1" -o self.back &&
		openssl verify -check_ss_sig -CAfile self.back self.back &&
		openssl x509 -in self.back -noout -pubkey | cmp - "$1.pub"
}
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out other-rsa.key 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other-ec.key
check 'a certificate that the RSA key signs for itself' self_sign 9a RSA2048 other-rsa.key
check 'and one of an ECC key' self_sign 9c ECCP256 other-ec.key

# ---- import ----
# import SLOT ALGORITHM GENPKEY-OPTION
import()
{
	local slot=$1 algorithm=$2
	shift 2
	openssl genpkey "$@" -out "$slot.key" 2>/dev/null
	openssl pkey -in "$slot.key" -pubout -out "$slot.pub"
	certify "$slot.pub" "Import $slot" "$slot.pem"
	check "import-key: $algorithm" ypt -a import-key -s "$slot" -A "$algorithm" -i "$slot.key"
	check 'it signs' sign_with "$slot" "$algorithm" SHA256
	check 'import-certificate' ypt -a import-certificate -s "$slot" -i "$slot.pem"
	check 'test-signature' with_pin -a test-signature -s "$slot" -i "$slot.pem"
	check 'test-decipher' with_pin -a test-decipher -s "$slot" -i "$slot.pem"
}
import 84 RSA2048 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
import 85 ECCP256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
import 86 ECCP384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
openssl pkey -in 85.key -aes256 -passout pass:secret -out locked.key
check 'import-key: from a locked file, PIN never' \
	ypt -a import-key -s 9e -A ECCP256 -i locked.key -p secret --pin-policy never
check 'the key made there is replaced' ypt -a test-signature -s 9e -i 85.pem
refuse 'import-key: touch always is refused' 1 \
	ypt -a import-key -s 9e -A ECCP256 -i 86.key --touch-policy always
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out small.key 2>/dev/null
refuse 'import-key: RSA-1024 is refused' 1 ypt -a import-key -s 9e -A RSA1024 -i small.key
check 'and the key is still the one before' ypt -a test-signature -s 9e -i 85.pem

pkcs12()
{
	openssl pkcs12 -export -inkey 84.key -in 84.pem -passout pass:secret -out 84.p12 &&
		ypt -a import-key -a import-certificate -s 87 -A RSA2048 -K PKCS12 -p secret -i 84.p12 &&
		with_pin -a test-signature -s 87 -i 84.pem &&
		ypt -a read-certificate -s 87 -o 87.back && openssl x509 -in 84.pem | cmp - 87.back
}
check 'PKCS#12: key and certificate' pkcs12
gzipped()
{
	gzip -nc 9d.der >9d.gz && ypt -a import-certificate -s 9d -K GZIP -i 9d.gz &&
		ypt -a read-object --id 0x5fc10b -f binary -o object &&
		pkcs15-tool --reader 0 --read-certificate 03 --output 9d.opensc &&
		openssl x509 -in 9d.opensc -outform DER | cmp 9d.der - &&
		ypt -a import-certificate -s 9d -i 9d.pem
}
check 'a compressed certificate, which OpenSC expands' gzipped
check 'delete-certificate' ypt -a delete-certificate -s 95
refuse 'it is gone' 1 ypt -a read-certificate -s 95
check 'its key is not' sign_with 95 ECCP256 SHA256
refuse 'attest: the card has no attestation key' 1 ypt -a attest -s 95
check 'it gets one' mgr attest /instance 0 -o bundle.json
# The tool waits until its reader shows the card again; of this reader it does not know the name.
wait_for 5 ypt -a status || die 'the card is there again'
attested()
{
	ypt -a attest -s "$1" >"$1.attest" && ypt -a read-certificate -s f9 >f9.pem &&
		attests "$1.attest" f9.pem "$1" "$1.pub"
}
check 'attest, and the certificate in F9' attested 95
check 'the key is used as before' sign_with 95 ECCP256 SHA256
refuse 'attest: no key there' 1 ypt -a attest -s 94
refuse 'attest: an imported key' 1 ypt -a attest -s 87
refuse 'attest: the attestation key itself' 1 ypt -a attest -s f9
refuse 'another attestation key is not made this way' 1 ypt -a generate -s f9 -A ECCP256 -o none.pub
matches 'show tells of the attestation key' '^ *Attestation +the card has a key for it$' "$(mgr show /instance 0)"

# ---- objects ----
check 'set-chuid' ypt -a set-chuid
check 'set-ccc' ypt -a set-ccc
new_status=$(ypt -a status 2>&1)
status_lacks 'the CHUID is another' "$(grep ^CHUID <<<"$status")"
status_lacks 'the CCC is another' "$(grep ^CCC <<<"$status")"
same 'the serial number is not' "$(grep ^Serial <<<"$status")" "$(grep ^Serial <<<"$new_status")"
# object ID SIZE: what is written comes back
object()
{
	head -c "$2" /dev/urandom >object && ypt -a write-object --id "$1" -f binary -i object &&
		ypt -a read-object --id "$1" -f binary -o object.back && cmp object object.back
}
check 'write-object, read-object: 3 KB' object 0x5fff10 3000
check 'a small one' object 0x5fff15 1
check 'the security object' object 0x5fc106 500
# write_text ID FORMAT TEXT
write_text() { printf '%s\n' "$3" | ypt -a write-object --id "$1" -f "$2"; }
check 'in hexadecimal' write_text 0x5fff11 hex 0102030405
same 'it comes back' 0102030405 "$(ypt -a read-object --id 0x5fff11)"
check 'in base 64' write_text 0x5fff11 base64 AQIDBAUG
same 'it comes back' 010203040506 "$(ypt -a read-object --id 0x5fff11)"
refuse 'read-object: one that is not there' 1 ypt -a read-object --id 0x5fff13
refuse 'write-object: one this card has not' 1 write_text 0x5fffff hex 01
check 'write-object: one that wants the PIN to be read' write_text 0x5fc109 hex 0102030405
refuse 'without the PIN it is not read' 1 ypt -a read-object --id 0x5fc109
same 'with the PIN it is' 0102030405 "$(with_pin -a read-object --id 0x5fc109 2>/dev/null)"

# ---- the management key ----
refuse 'set-mgm-key with a wrong old key' 1 ypt --key=$key -a set-mgm-key -n $key
check 'the old key serves' ypt -a set-chuid
check 'set-mgm-key' ypt -a set-mgm-key -n $key
refuse 'the old key is wrong' 1 ypt -a set-chuid
check 'the new one is right' ypt --key=$key -a set-chuid
check 'keys are as they were' sign_with 9a RSA2048 SHA256
check 'set-mgm-key: back to the default' ypt --key=$key -a set-mgm-key -n $default_admin_key
check 'it is right again' ypt -a set-chuid
refuse 'set-mgm-key: a key that wants a touch is refused' 1 \
	ypt -a set-mgm-key -n $key --touch-policy always
check 'and nothing has changed' ypt -a set-chuid

# ---- ykcs11 ----
module=$(find /usr/lib -name 'libykcs11.so.*' -print -quit)
p11() { pkcs11-tool --module "$module" "$@"; }
user=(--login --pin "$pin")
so=(--login --login-type so --so-pin "$default_admin_key")
slots=$(p11 -L 2>&1)
matches 'ykcs11: the slot' "^Slot 0 .*: Yubico $(reader 0)$" "$slots"
matches 'ykcs11: the version' 'firmware version +: 5\.43$' "$slots"
matches 'ykcs11: the serial number' "serial num +: $(sed -n 's/^Serial Number:.//p' <<<"$status")$" "$slots"
objects=$(p11 "${user[@]}" -O 2>&1)
# ids KIND: the objects' IDs in one line; 01 to 04 are 9A, 9C, 9D, 9E, then come 82 to 95; 19 is F9, and certificates by it
ids() { awk -v kind="$1" '/^[^ ]/ { mine = index($0, kind) == 1 } mine && $1 == "ID:" { printf " %s", $2 }' <<<"$objects"; }
same 'ykcs11: the certificates' ' 01 02 03 05 07 08 09 0a 19 01 02 03 05 06 18' "$(ids Certificate)"
same 'ykcs11: public keys, also where no certificate is' ' 01 02 03 04 05 06 07 08 09 0a 18 19' "$(ids Public)"
same 'ykcs11: private keys' ' 01 02 03 04 05 06 07 08 09 0a 18 19' "$(ids Private)"

p11_sign_rsa()
{
	p11 "${user[@]}" --sign --id 01 -m "$1-RSA-PKCS" -i message -o sig &&
		openssl dgst -"$1" -verify 9a.pub -signature sig message
}
p11_sign_pss()
{
	p11 "${user[@]}" --sign --id 01 -m "$1-RSA-PKCS-PSS" -i message -o sig &&
		openssl dgst -"$1" -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-2 \
			-verify 9a.pub -signature sig message
}
# p11_sign_ec ID SLOT HASH
p11_sign_ec()
{
	p11 "${user[@]}" --sign --id "$1" -m "ECDSA-$3" --signature-format openssl -i message -o sig &&
		openssl dgst -"$3" -verify "$2.pub" -signature sig message
}
for hash in SHA1 SHA256 SHA384 SHA512; do
	check "ykcs11: RSA with $hash" p11_sign_rsa $hash
	check "ykcs11: RSA-PSS with $hash" p11_sign_pss $hash
done
check 'ykcs11: P-256 with SHA1' p11_sign_ec 02 9c SHA1
check 'ykcs11: P-256, which asks for the PIN each time' p11_sign_ec 02 9c SHA256
check 'ykcs11: P-384 with SHA384' p11_sign_ec 03 9d SHA384
check 'ykcs11: an imported key' p11_sign_ec 08 85 SHA256
p11_decrypt()
{
	openssl pkeyutl -encrypt -pubin -inkey 9a.pub -in digest -out enc &&
		p11 "${user[@]}" --decrypt --id 01 -m RSA-PKCS -i enc -o dec && cmp digest dec
}
check 'ykcs11: what OpenSSL encrypts, the card decrypts' p11_decrypt
p11_oaep()
{
	openssl pkeyutl -encrypt -pubin -inkey 9a.pub -pkeyopt rsa_padding_mode:oaep \
		-pkeyopt rsa_oaep_md:"$1" -in digest -out enc &&
		p11 "${user[@]}" --decrypt --id 01 -m RSA-PKCS-OAEP --hash-algorithm "$1" -i enc -o dec &&
		cmp digest dec
}
check 'ykcs11: OAEP with SHA1' p11_oaep SHA-1
check 'ykcs11: OAEP with SHA256' p11_oaep SHA256
# p11_derive ID SLOT CURVE
p11_derive()
{
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:"$3" -out peer.key &&
		openssl pkey -in peer.key -pubout -outform DER -out peer.der &&
		openssl pkeyutl -derive -inkey peer.key -peerkey "$2.pub" -out wanted.secret &&
		p11 "${user[@]}" --derive --id "$1" -m ECDH1-DERIVE -i peer.der -o card.secret &&
		cmp wanted.secret card.secret
}
check 'ykcs11: ECDH on P-256' p11_derive 06 83 P-256
check 'ykcs11: ECDH on P-384' p11_derive 03 9d P-384
# p11_generate ID SLOT TYPE: a key, and a certificate that the module makes of it
p11_generate()
{
	p11 "${so[@]}" --keypairgen --key-type "$3" --id "$1" &&
		p11 --read-object --type cert --id "$1" -o made.der &&
		openssl x509 -inform DER -in made.der -noout -pubkey >"$2.pub"
}
check 'ykcs11: generates an ECC key' p11_generate 05 82 EC:secp256r1
check 'ykcs11: it signs' p11_sign_ec 05 82 SHA256
check 'ykcs11: generates an RSA key' p11_generate 01 9a rsa:2048
check 'ykcs11: it signs' p11_sign_rsa SHA256
fails 'ykcs11: not with a wrong management key' \
	p11 --login --login-type so --so-pin "$key" --keypairgen --key-type EC:secp256r1 --id 05
# It can import no private key that pkcs11-tool offers: it does not know all of its attributes.
check 'ykcs11: writes a certificate' p11 "${so[@]}" --write-object 86.pem --type cert --id 05
same 'ykcs11: it is there' "$(cat 86.pem)" "$(ypt -a read-certificate -s 82)"
check 'ykcs11: deletes a certificate' p11 "${so[@]}" --delete-object --type cert --id 05
refuse 'ykcs11: it is gone' 1 ypt -a read-certificate -s 82
check 'ykcs11: changes the PIN' p11 "${user[@]}" --change-pin --new-pin 11223344
check 'ykcs11: it is changed' ypt -a change-pin -P 11223344 -N $pin
p11_test()
{
	local out
	out=$(p11 "${user[@]}" --test 2>&1)
	printf '%s\n' "$out"
	grep -q '^No errors' <<<"$out" && ! grep -qiE 'fail|ERR:' <<<"$out"
}
check 'ykcs11: pkcs11-tool --test finds nothing wrong' p11_test

# ---- reset ----
# Until PIN and PUK are blocked.
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
check 'keys are as they were' sign_with 9d ECCP384 SHA256
check 'PIN and PUK are blocked' block
check 'reset' ypt -a reset
tries_are 'all tries are back' '5 left +5 left'
check 'the PIN is the default again' ypt -a verify-pin -P 12345678
refuse 'the old one is wrong' 1 with_pin
check 'the PUK is the default again' ypt -a change-puk -P 12345678 -N 12345678
status_lacks 'no certificate is left' '^Slot'
pin=12345678
refuse 'no key is left' 1 sign_with 9d ECCP384 SHA256
refuse 'no object is left' 1 with_pin -a read-object --id 0x5fc109
check 'the management key is the default' ypt -a generate -s 9d -A ECCP384 -o 9d.pub
check 'the new key signs' sign_with 9d ECCP384 SHA256

mgr create /name Fixed /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT /generate >/dev/null 2>create.log ||
	die "create a second card: $(cat create.log)"
check 'the second card is in its reader' wait_for 5 card_in 1
ypt() { yubico-piv-tool -r "$(reader 1)" "$@"; }
check 'a key on it' ypt -a generate -s 9e -A ECCP256 --pin-policy never -o 9e.pub
certify 9e.pub 'Fixed 9e' 9e.pem
check 'its PIN and PUK are blocked' block
refuse 'a card made without --allow-reset does not forget' 1 ypt -a reset
check 'its key is still there' ypt -a test-signature -s 9e -i 9e.pem
for n in 0 1; do
	check "destroy card $n" mgr destroy /instance $n
done
same 'no NV index is left' '' "$(nv_indices)"
same 'no persistent key is left' '' "$(tpm2_getcap handles-persistent)"
