#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every command of Debian's ykman piv.  What a command did is judged by OpenSSL, by
# the tries that are left and by what works afterwards, not by what it says.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages "${ykman_packages[@]}"
cd "$scratch"
install_private

pin=24681357 puk=86427531 key=$default_admin_key
piv() { ykman --reader "$(reader 0)" piv "$@"; }
keys() { piv keys "$@"; }
certificates() { piv certificates "$@"; }
access() { piv access "$@"; }
objects() { piv objects "$@"; }
card_says() { mgr list | sed -n 's/.*SMARTCARDREADER.0000 //p'; }
tries_are() { matches "$1" "$2" "$(card_says)"; }

# info_lacks WHAT PATTERN
info_lacks()
{
	local text
	if text=$(piv info 2>&1) && ! grep -qE -- "$2" <<<"$text"; then
		ok "$1"
	else
		not_ok "$1"
		indent "$text"
	fi
}

# When it cannot connect it kills every scdaemon of the machine; not from here.
mkdir bin
printf '#!/bin/sh\nexit 1\n' >bin/pkill
chmod +x bin/pkill
PATH=$PWD/bin:$PATH

# A certificate over a public key, by an authority of our own.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
	-subj '/CN=tests' -days 30 >ca.log 2>&1
certify() { openssl x509 -new -force_pubkey "$1" -subj "/CN=$2" -CA ca.pem -CAkey ca.key -days 30 -out "$3"; }

swtpm_start
write_conf 'spare_slots = 2'
pcscd_start
mgr create /name Ykman /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT --allow-reset /generate >/dev/null \
	2>create.log || die "create: $(cat create.log)"
wait_for 5 card_in 0 || die 'the card is in its reader'

# ---- what it says of a new card ----
info=$(piv info 2>&1)
matches 'info: version' '^PIV version: 5\.4\.3$' "$info"
matches 'info: tries' '^PIN tries remaining: 5/5$' "$info"
matches 'info: the PIN is the default' '^WARNING: Using default PIN!$' "$info"
matches 'info: the management key is the default' '^WARNING: Using default Management key!$' "$info"
matches 'info: its algorithm' '^Management key algorithm: TDES$' "$info"
matches 'info: CHUID' '^CHUID:.3019.*fe00$' "$info"
matches 'info: CCC' '^CCC: .f015.*fe00$' "$info"
info_lacks 'info: no certificate yet' '^Slot'

# ---- PIN and PUK ----
check 'change-pin' access change-pin -P 12345678 -n $pin
refuse 'the old PIN is wrong' 1 access change-pin -P 12345678 -n 11223344
tries_are 'it costs a try' '4 left +5 left'
matches 'info: the try that is gone' '^PIN tries remaining: 4/5$' "$(piv info 2>&1)"
check 'change-puk' access change-puk -p 12345678 -n $puk
refuse 'the old PUK is wrong' 1 access unblock-pin -p 12345678 -n 11223344
tries_are 'it costs a try' '4 left +4 left'
for _ in 1 2 3 4; do access change-pin -P 00000000 -n 11223344 >/dev/null 2>&1 || :; done
matches 'a blocked PIN' '^PIN tries remaining: 0/5$' "$(piv info 2>&1)"
refuse 'the right one is refused' 1 access change-pin -P $pin -n 11223344
check 'unblock-pin' access unblock-pin -p $puk -n 11223344
tries_are 'all tries are back' '5 left +5 left'
check 'the PIN is the one it set' access change-pin -P 11223344 -n $pin
info_lacks 'info: it is not the default' 'default PIN'

# The limits are written when a card is made, and nobody may write them again: the
# card answers 6985, and what this command does to PIN and PUK elsewhere does not happen.
refuse 'set-retries' 1 access set-retries -f -m $key -P $pin 3 4
tries_are 'set-retries leaves the tries alone' '5 left +5 left'
check 'and the PIN' access change-pin -P $pin -n $pin
check 'and the PUK' access change-puk -p $puk -n $puk

# ---- keys made on the card ----
# public_is FILE TEXT
public_is() { openssl pkey -pubin -in "$1" -noout -text | grep -q "$2"; }
# self_signed SLOT HASH: what is in the slot is a certificate that its key has signed
self_signed()
{
	certificates generate -m $key -P $pin -s "CN=Self $1,O=Tests" -d 20 -a "$2" "$1" "$1.pub" &&
		certificates export "$1" "$1.pem" &&
		openssl verify -check_ss_sig -CAfile "$1.pem" "$1.pem" &&
		openssl x509 -in "$1.pem" -noout -subject | grep -qx "subject=O = Tests, CN = Self $1" &&
		openssl x509 -in "$1.pem" -noout -pubkey | cmp - "$1.pub"
}
# request SLOT HASH
request()
{
	certificates request -P $pin -s "CN=Request $1" -a "$2" "$1" "$1.pub" "$1.csr" &&
		openssl req -in "$1.csr" -noout -verify &&
		openssl req -in "$1.csr" -noout -subject | grep -qx "subject=CN = Request $1" &&
		openssl req -in "$1.csr" -noout -pubkey | cmp - "$1.pub"
}
# enrol SLOT ALGORITHM TEXT HASH
enrol()
{
	check "keys generate: $2 in $1" keys generate -m $key -a "$2" "$1" "$1.pub"
	check 'it is what was asked for' public_is "$1.pub" "$3"
	check 'keys export' keys export "$1" "$1.out"
	check 'it is the same key' cmp "$1.pub" "$1.out"
	check "certificates generate, $4" self_signed "$1" "$4"
	check "certificates request, $4" request "$1" "$4"
}
enrol 9a RSA2048 '2048 bit' SHA256
enrol 9c ECCP256 P-256 SHA512
enrol 9d ECCP384 P-384 SHA384
enrol 95 ECCP256 P-256 SHA256
check 'RSA signs with SHA512' request 9a SHA512
check 'P-384 signs with SHA256' request 9d SHA256
info=$(piv info 2>&1)
for slot in 9a 9c 9d 95; do
	matches "info shows the certificate in $slot" \
		"Fingerprint:.$(openssl x509 -in $slot.pem -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1)" "$info"
done
check 'keys generate in DER' keys generate -m $key -a ECCP256 -F DER 82 82.der
openssl pkey -pubin -inform DER -in 82.der -out 82.pub
check 'a request for it' request 82 SHA256
refuse 'keys export: no key' 1 keys export 83 none.pub
refuse 'RSA-1024 is refused' 1 keys generate -m $key -a RSA1024 9e none.pub
refuse 'a wrong management key is refused' 1 \
	keys generate -m A1A2A3A4A5A6A7A8B1B2B3B4B5B6B7B8C1C2C3C4C5C6C7C8 9a none.pub
refuse 'a wrong PIN is refused' 1 certificates request -P 00000000 -s CN=none 9a 9a.pub none.csr
tries_are 'and costs a try' '4 left'
refuse 'keys attest: the card has no attestation key' 1 keys attest 9a none.pem
check 'it gets one' mgr attest /instance 0 -o bundle.json
attested() { keys attest "$1" "$1.attest" && certificates export f9 f9.pem && attests "$1.attest" f9.pem "$1" "$1.pub"; }
check 'keys attest, P-256' attested 82
check 'keys attest, RSA' attested 9a
check 'keys export: from the attestation' keys export 82 82.back
same 'it is the key' "$(cat 82.pub)" "$(cat 82.back)"
refuse 'keys attest: no key there' 1 keys attest 83 none.pem
check 'the key in 9a is what it was' request 9a SHA256
tries_are 'the tries are back' '5 left +5 left'

# ---- policies ----
check 'PIN policy never' keys generate -m $key -a ECCP256 --pin-policy NEVER 9e 9e.pub
certify 9e.pub 'Ykman 9e' 9e.pem
check 'the key signs without the PIN' certificates import -m $key --verify 9e 9e.pem
check 'PIN policy always' keys generate -m $key -a ECCP256 --pin-policy ALWAYS 84 84.pub
check 'the key signs right after the PIN' request 84 SHA256
check 'PIN policy once' keys generate -m $key -a ECCP256 --pin-policy ONCE --touch-policy NEVER 85 85.pub
check 'the key signs' request 85 SHA256
for policy in ALWAYS CACHED; do
	refuse "nobody can touch this card: touch $policy" 1 \
		keys generate -m $key -a ECCP256 --touch-policy $policy 85 none.pub
done
check 'the key is still the one before' request 85 SHA256

# ---- import ----
# import SLOT TEXT GENPKEY-OPTION...
import()
{
	local slot=$1 text=$2
	shift 2
	openssl genpkey "$@" -out "$slot.key" 2>/dev/null
	openssl pkey -in "$slot.key" -pubout -out "$slot.pub"
	certify "$slot.pub" "Import $slot" "$slot.pem"
	check "keys import: $text" keys import -m $key "$slot" "$slot.key"
	check 'keys export: it is that key' keys export "$slot" "$slot.out"
	check 'octet for octet' cmp "$slot.pub" "$slot.out"
	check 'it signs' request "$slot" SHA256
	check 'certificates import, which verifies that it belongs to the key' \
		certificates import -m $key -P $pin --verify "$slot" "$slot.pem"
	certificates export -F DER "$slot" "$slot.der" >/dev/null 2>&1 || :
	check 'certificates export' cmp <(openssl x509 -in "$slot.pem" -outform DER) "$slot.der"
}
import 86 RSA-2048 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
import 87 P-256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
import 88 P-384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
refuse "a certificate of another key of its kind does not pass for this one's" 1 \
	certificates import -m $key -P $pin --verify 87 9e.pem
check 'and is not there' eval 'certificates export 87 87.back && cmp 87.pem 87.back'
openssl pkey -in 87.key -aes256 -passout pass:secret -out locked.key
check 'keys import: from a locked file, PIN never' \
	keys import -m $key -p secret --pin-policy NEVER 9e locked.key
check 'the key made there is replaced' certificates import -m $key --verify 9e 87.pem
pkcs12()
{
	openssl pkcs12 -export -inkey 86.key -in 86.pem -certfile ca.pem -passout pass:secret -out 86.p12 &&
		keys import -m $key -p secret 89 86.p12 &&
		certificates import -m $key -P $pin -p secret --verify 89 86.p12 &&
		certificates export 89 89.pem && cmp 86.pem 89.pem
}
check 'PKCS#12: key and certificate' pkcs12
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out small.key 2>/dev/null
refuse 'keys import: RSA-1024 is refused' 1 keys import -m $key 9e small.key
check 'certificates delete' certificates delete -m $key 89
refuse 'it is gone' 1 certificates export 89 none.pem
check 'its key is not' keys export 89 89.out

# ---- objects ----
head -c 3000 /dev/urandom >object
check 'objects import' objects import -m $key 5fff10 object
check 'objects export' objects export 5fff10 object.back
check 'it is the same' cmp object object.back
head -c 12000 /dev/urandom >face
check 'objects import: the facial image' objects import -m $key FACIAL face
check 'objects export: with the PIN' objects export -P $pin FACIAL face.back
check 'it is the same' cmp face face.back
fails 'not without' objects export FACIAL none
refuse 'objects export: none there' 1 objects export -P $pin IRIS none
chuid=$(piv info 2>&1 | grep ^CHUID)
check 'objects generate chuid' objects generate -m $key chuid
check 'objects generate ccc' objects generate -m $key ccc
info_lacks 'the CHUID is another' "${chuid#*:?}"

# ---- the management key ----
# change_key NAME ALGORITHM KEY: the new one is right, the old one wrong
change_key()
{
	local old=$key
	if access change-management-key -f -m "$old" -a "$2" -n "$3" >out.log 2>&1; then
		ok "change-management-key: $1"
		key=$3
	else
		not_ok "change-management-key: $1"
		indent "$(cat out.log)"
	fi
	matches "$1: info" "^Management key algorithm: $2$" "$(piv info 2>&1)"
	check "$1: the new key is right" objects generate -m "$3" chuid
	refuse "$1: the old one is wrong" 1 objects generate -m "$old" chuid
}
change_key 3DES TDES A1A2A3A4A5A6A7A8B1B2B3B4B5B6B7B8C1C2C3C4C5C6C7C8
info_lacks 'info: it is not the default' 'default Management'
change_key '3DES again' TDES $default_admin_key
matches 'info: it is the default' 'default Management key' "$(piv info 2>&1)"
change_key AES-192 AES192 0102030405060708090A0B0C0D0E0F101112131415161718
refuse 'a key that wants a touch is refused' 1 \
	access change-management-key -f -m "$key" -t -a TDES -n $default_admin_key
check 'nothing has changed' objects generate -m "$key" chuid
check 'keys are what they were' request 9a SHA256
change_key 'back to 3DES' TDES $default_admin_key

# ---- a management key that the PIN opens ----
check 'change-management-key --protect' access change-management-key -f -m "$key" -P $pin --protect
matches 'info says so' 'Management key is stored on the YubiKey, protected by PIN' "$(piv info 2>&1)"
refuse 'the default key is wrong' 1 objects generate -m $default_admin_key chuid
check 'the PIN alone generates' keys generate -P $pin -a ECCP256 8a 8a.pub
check 'and writes a certificate' \
	certificates generate -P $pin -s CN=Protected 8a 8a.pub
check 'which is there' eval 'certificates export 8a 8a.pem && openssl verify -check_ss_sig -CAfile 8a.pem 8a.pem'
refuse 'a wrong PIN does not' 1 keys generate -P 00000000 -a ECCP256 8a none.pub
check 'change-pin' access change-pin -P $pin -n 11223344
pin=11223344
check 'the key opens with the new PIN' objects generate -P $pin chuid
check 'change-management-key: no longer protected' \
	access change-management-key -f -P $pin -n $default_admin_key
info_lacks 'info says so' 'protected by PIN'
check 'the key itself serves' objects generate -m $default_admin_key chuid
key=$default_admin_key

# An AES-256 key is in the TPM for good, where nobody can read it, and only the old
# key's owner can let what it may do to the PIN follow a new one: 6985.
change_key AES-256 AES256 "$(printf '%064d' 42)"
refuse 'change-management-key: not from here' 1 \
	access change-management-key -f -m "$key" -a TDES -n "$default_admin_key"
check 'the key is still right' objects generate -m "$key" ccc
matches 'info: AES-256' '^Management key algorithm: AES256$' "$(piv info 2>&1)"

# ---- reset ----
check 'reset' piv reset -f
tries_are 'all tries are back' '5 left +5 left'
check 'the PIN is the default again' access change-pin -P 12345678 -n 12345678
refuse 'the old one is wrong' 1 access change-pin -P $pin -n $pin
check 'the PUK is the default again' access change-puk -p 12345678 -n 12345678
info_lacks 'no certificate is left' '^Slot'
info=$(piv info 2>&1)
matches 'the PIN is known to be the default' 'default PIN' "$info"
matches 'the management key too' 'default Management key' "$info"
refuse 'no key is left' 1 keys export 9a none.pub
refuse 'no object is left' 1 objects export 5fff10 none
pin=12345678 key=$default_admin_key
check 'the management key serves' keys generate -m $key -a ECCP256 9a 9a.pub
check 'the new key signs' request 9a SHA256

mgr create /name Fixed /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT /generate >/dev/null 2>create.log ||
	die "create a second card: $(cat create.log)"
check 'the second card is in its reader' wait_for 5 card_in 1
piv() { ykman --reader "$(reader 1)" piv "$@"; }
check 'a key on it' keys generate -m $key -a ECCP256 --pin-policy NEVER 9e 9e.pub
certify 9e.pub 'Fixed 9e' 9e.pem
refuse 'a card made without --allow-reset does not forget' 1 piv reset -f
check 'its key is still there' certificates import -m $key --verify 9e 9e.pem
for n in 0 1; do
	check "destroy card $n" mgr destroy /instance $n
done
same 'no NV index is left' '' "$(nv_indices)"
same 'no persistent key is left' '' "$(tpm2_getcap handles-persistent)"
