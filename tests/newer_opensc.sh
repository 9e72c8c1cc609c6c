#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A newer OpenSC than Debian 12's: run by tests/newer.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
cd "$scratch"
install_private

pin=12345678
module=$(find /usr/lib -name opensc-pkcs11.so -print -quit)
p11() { pkcs11-tool --module "$module" --slot-index 0 "$@"; }
user=(--login --pin "$pin")
p15() { pkcs15-tool --reader 0 "$@"; }
ypt() { yubico-piv-tool -r "$(reader 0)" "$@"; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
	-subj '/CN=tests' -days 30 >ca.log 2>&1
certify() { openssl x509 -new -force_pubkey "$1" -subj "/CN=$2" -CA ca.pem -CAkey ca.key -days 30 -out "$3"; }
printf 'what is signed\n' >message
openssl dgst -sha256 -binary -out digest message

swtpm_start
write_conf 'spare_slots = 2'
pcscd_start
mgr create /name First /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT /generate >/dev/null 2>create.log ||
	die "create: $(cat create.log)"
check 'the card is in its reader' wait_for 5 card_in 0
same 'OpenSC knows it by its ATR' 'Personal Identity Verification Card' "$(opensc-tool --reader 0 --name 2>&1)"
matches 'its ATR' '^3b:8b:01:80:f9:a0:00:00:03:08:00:00:10:00:48' "$(opensc-tool --reader 0 --atr 2>&1)"

# ---- keys and certificates: the four, and two retired ones with their history ----
enrol()
{
	ypt -a generate -s "$1" -A "$2" -o "$1.pub" && certify "$1.pub" "First $1" "$1.pem" &&
		ypt -a import-certificate -s "$1" -i "$1.pem"
}
check 'a key in 9a' enrol 9a RSA2048
check 'a key in 9c' enrol 9c ECCP384
check 'a key in 9d' enrol 9d ECCP384
check 'a key in 9e' enrol 9e ECCP256
check 'a retired RSA key' enrol 82 RSA2048
check 'a retired ECC key' enrol 83 ECCP256
history() { echo C10102C20100FE00 | ypt -a write-object --id 0x5fc10c -f hex; }
check 'the key history' history

card_says() { mgr list | sed -n 's/.*SMARTCARDREADER.0000 //p'; }
tries_are() { matches "$1" "$2" "$(card_says)"; }

# ---- what it shows ----
slots=$(p11 -L 2>&1)
matches 'the slot' "Slot 0 .*: $(reader 0)" "$slots"
matches 'the token is called after its certificate' 'token label +: First 9a' "$slots"
objects=$(p11 -O "${user[@]}" 2>&1)
# ids KIND: the objects' IDs in one line
ids()
{
	awk -v kind="$1" '/^[^ ]/ { mine = index($0, kind) == 1 } mine && $1 == "ID:" { print $2 }' \
		<<<"$objects" | sed 's/^0//' | sort | tr '\n' ' '
}
same 'the certificates' '1 2 3 4 5 6 ' "$(ids Certificate)"
same 'the private keys' '1 2 3 4 5 6 ' "$(ids Private)"
same 'the public keys' '1 2 3 4 5 6 ' "$(ids Public)"
dump=$(p15 --dump 2>&1)
matches 'pkcs15-tool --dump: the card' '^PKCS#15 Card \[First 9a\]' "$dump"
same 'its private keys' 6 "$(grep -c '^Private .* Key' <<<"$dump")"
same 'its certificates' 6 "$(grep -c '^X.509 Certificate' <<<"$dump")"
matches 'its PIN' 'Reference +: 128' "$dump"
matches 'its serial number is the CHUID'"'"'s GUID' 'Serial number +: [0-9a-f]{32}$' "$dump"
same 'pkcs15-tool reads the certificate' "$(cat 9a.pem)" "$(p15 --read-certificate 01 2>/dev/null)"
same 'and a retired one' "$(cat 83.pem)" "$(p15 --read-certificate 06 2>/dev/null)"
same 'pkcs15-tool reads the public key' "$(cat 9d.pub)" "$(p15 --read-public-key 03 2>/dev/null)"

# ---- PIN ----
check 'verify the PIN' p15 --verify-pin --auth-id 01 --pin $pin
fails 'a wrong PIN' p15 --verify-pin --auth-id 01 --pin 00000000
tries_are 'costs a try' '4 left +5 left'
check 'change the PIN' p15 --change-pin --auth-id 01 --pin $pin --new-pin 24681357
check 'change it back, through PKCS#11' p11 --login --pin 24681357 --change-pin --new-pin $pin
check 'unblock it' p15 --unblock-pin --auth-id 01 --puk 12345678 --new-pin $pin
check 'it is the PIN' p15 --verify-pin --auth-id 01 --pin $pin

# ---- pkcs11-tool's own test ----
p11_test()
{
	local out
	out=$(p11 "${user[@]}" --test 2>&1)
	printf '%s\n' "$out"
	grep -q '^No errors' <<<"$out" && ! grep -qiE 'fail|ERR:' <<<"$out"
}
check 'pkcs11-tool --test finds nothing wrong' p11_test

# logout: as this OpenSC's drivers for other systems send it; its PKCS#11 module only
# forgets that it has logged in.
logout()
{
	opensc-tool --reader 0 -s 00A404000BA000000308000010000100 \
		-s "$(verify_apdu $pin)" -s 00200080 -s 0020FF80 -s 00200080 2>&1 |
		sed -n 's/^Received (SW1=0x\(..\), SW2=0x\(..\)).*/\1\2/p' | tail -n 4 | tr '\n' ' '
}
same 'logout: verified, still so, logged out, five tries' '9000 9000 9000 63C5 ' "$(logout)"

# ---- signatures, each verified by OpenSSL ----
# sign_rsa ID SLOT HASH, and so on
sign_rsa()
{
	p11 "${user[@]}" --sign --id "$1" -m "$3-RSA-PKCS" -i message -o sig &&
		openssl dgst -"$3" -verify "$2.pub" -signature sig message
}
sign_pss()
{
	p11 "${user[@]}" --sign --id "$1" -m "$3-RSA-PKCS-PSS" -i message -o sig &&
		openssl dgst -"$3" -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-2 \
			-verify "$2.pub" -signature sig message
}
sign_ec()
{
	p11 "${user[@]}" --sign --id "$1" -m "ECDSA-$3" --signature-format openssl -i message -o sig &&
		openssl dgst -"$3" -verify "$2.pub" -signature sig message
}
for hash in SHA1 SHA256 SHA384 SHA512; do
	check "RSA, $hash" sign_rsa 01 9a $hash
	check "RSA-PSS, $hash" sign_pss 01 9a $hash
	check "P-384 that asks for the PIN each time, $hash" sign_ec 02 9c $hash
	check "P-256, $hash" sign_ec 04 9e $hash
done
no_pin()
{
	pkcs15-crypt --reader 0 --sign --key 04 --signature-format openssl -i digest -o sig --raw &&
		openssl dgst -sha256 -verify 9e.pub -signature sig message
}
check '9e signs without the PIN' no_pin
raw()
{
	p11 "${user[@]}" --sign --id 01 -m RSA-PKCS -i digest -o sig &&
		openssl pkeyutl -verify -pubin -inkey 9a.pub -in digest -sigfile sig
}
check 'RSA, what the program has hashed' raw
p15_sign()
{
	pkcs15-crypt --reader 0 --sign --key 01 --pin $pin --pkcs1 --sha-256 -i digest -o sig --raw &&
		openssl dgst -sha256 -verify 9a.pub -signature sig message
}
check 'pkcs15-crypt signs' p15_sign

# ---- decryption and agreement ----
decrypt()
{
	openssl pkeyutl -encrypt -pubin -inkey "$2.pub" -in digest -out enc &&
		p11 "${user[@]}" --decrypt --id "$1" -m RSA-PKCS -i enc -o dec && cmp digest dec
}
check 'what OpenSSL encrypts, the card decrypts' decrypt 01 9a
check 'with a retired key too' decrypt 05 82
oaep()
{
	openssl pkeyutl -encrypt -pubin -inkey "$2.pub" -pkeyopt rsa_padding_mode:oaep \
		-pkeyopt rsa_oaep_md:"$3" -in digest -out enc &&
		p11 "${user[@]}" --decrypt --id "$1" -m RSA-PKCS-OAEP --hash-algorithm "$3" -i enc -o dec &&
		cmp digest dec
}
for hash in SHA-1 SHA256 SHA384; do
	check "OAEP, $hash" oaep 01 9a $hash
done
derive()
{
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:"$3" -out peer.key &&
		openssl pkey -in peer.key -pubout -outform DER -out peer.der &&
		openssl pkeyutl -derive -inkey peer.key -peerkey "$2.pub" -out wanted.secret &&
		p11 "${user[@]}" --derive --id "$1" -m ECDH1-COFACTOR-DERIVE -i peer.der -o card.secret &&
		cmp wanted.secret card.secret
}
check 'ECDH on P-384' derive 03 9d P-384
check 'ECDH with a retired key, P-256' derive 06 83 P-256

# ---- piv-tool ----
export PIV_EXT_AUTH_KEY=$scratch/admin.key
sed 's/../&:/g; s/:$//' <<<$default_admin_key >admin.key
check 'piv-tool authenticates' piv-tool --reader 0 -A M:9B:03
# piv_generate ALGORITHM: a new key in 9a, to be verified by its signature.  The tool
# writes the key as OpenSSL does, and what the card has said to its log.
piv_generate()
{
	piv-tool --reader 0 -A M:9B:03 -G "9A:$1" -o made.pem
	openssl pkey -pubin -in made.pem -out 9a.pub && certify 9a.pub 'Made by piv-tool' 9a.pem &&
		openssl x509 -in 9a.pem -outform DER -out 9a.der &&
		ypt -a import-certificate -s 9a -i 9a.pem
}
check 'piv-tool makes an RSA key' piv_generate 07
check 'it signs' sign_rsa 01 9a SHA256
check 'piv-tool makes an ECC key' piv_generate 11
check 'it signs' sign_ec 01 9a SHA256

check 'destroy the card' mgr destroy /instance 0
same 'no NV index is left' '' "$(nv_indices)"
