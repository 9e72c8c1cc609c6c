#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every hash, padding and format that OpenSC offers on a PIV card, with each kind
# of key, against OpenSSL.  The card does RSA on blocks, ECDSA on digests and
# ECDH; the rest is OpenSC's.
set -eu
# shellcheck source=tests/opensc.sh
. "$(dirname "${BASH_SOURCE[0]}")/opensc.sh"
swtpm_start
write_conf
pcscd_start
create_card Mechanisms 0
hashes=(sha1 sha224 sha256 sha384 sha512)
printf 'what is signed or encrypted\n' >message
for hash in "${hashes[@]}"; do
	openssl dgst "-$hash" -binary -out "$hash" message
done

# PKCS#11's names for hashes
upper() { printf '%s' "${1^^}"; }
dashed() { upper "${1/#sha1/sha-1}"; }

# sign KEY-ID MECHANISM INPUT [OPTION...], decrypt likewise: to the file "out".
sign()
{
	local id=$1 mechanism=$2 input=$3
	shift 3
	rm -f out
	p11_user 0 --sign --id "$id" -m "$mechanism" -i "$input" -o out "$@"
}

decrypt()
{
	local id=$1 mechanism=$2 input=$3
	shift 3
	rm -f out
	p11_user 0 --decrypt --id "$id" -m "$mechanism" -i "$input" -o out "$@"
}

crypt()
{
	rm -f out
	pkcs15-crypt --reader 0 --pin 12345678 --raw -o out "$@"
}

# ---- RSA, the key in 9A ----

# pkeyutl COMMAND PADDING FILE [OPTION...]: with the public key.
pkeyutl()
{
	local command=$1 padding=$2 input=$3
	shift 3
	openssl pkeyutl "-$command" -pubin -inkey 9a.pub -pkeyopt "rsa_padding_mode:$padding" \
		-in "$input" "$@"
}

hash_and_pkcs1()
{
	sign 01 "$(upper "$1")-RSA-PKCS" message &&
		openssl dgst "-$1" -verify 9a.pub -signature out message
}

# The digest, in a DigestInfo that the caller makes: RFC 8017, 9.2, note 1.
digest_info()
{
	local digest oid
	case $1 in
	sha1) oid=06052B0E03021A ;;
	sha224) oid=0609608648016503040204 ;;
	sha256) oid=0609608648016503040201 ;;
	sha384) oid=0609608648016503040202 ;;
	sha512) oid=0609608648016503040203 ;;
	esac
	digest=$(hex <"$1")
	unhex "$(tlv 30 "$(tlv 30 "${oid}0500")$(tlv 04 "$digest")")"
}

info_and_pkcs1()
{
	digest_info "$1" >info && sign 01 RSA-PKCS info &&
		pkeyutl verify pkcs1 "$1" -pkeyopt "digest:$1" -sigfile out
}

# A PKCS #1 signature of anything that fits.
any_and_pkcs1()
{
	sign 01 RSA-PKCS message && pkeyutl verifyrecover pkcs1 out -out recovered &&
		cmp message recovered
}

raw_signature()
{
	sign 01 RSA-X-509 block && pkeyutl verifyrecover none out -out recovered && cmp block recovered
}

# pss HASH SALT OPENSSL'S-SALT: hashed by OpenSC
pss()
{
	sign 01 "$(upper "$1")-RSA-PKCS-PSS" message --salt-len "$2" &&
		pkeyutl verify pss "$1" -pkeyopt "digest:$1" -pkeyopt "rsa_pss_saltlen:$3" -sigfile out
}

# pss_of HASH MGF: hashed by the caller
pss_of()
{
	sign 01 RSA-PKCS-PSS "$1" --hash-algorithm "$(dashed "$1")" --mgf "MGF1-$(upper "$2")" &&
		pkeyutl verify pss "$1" -pkeyopt "digest:$1" -pkeyopt "rsa_mgf1_md:$2" \
			-pkeyopt rsa_pss_saltlen:digest -sigfile out
}

pkcs1_decryption()
{
	pkeyutl encrypt pkcs1 message -out encrypted && decrypt 01 RSA-PKCS encrypted && cmp message out
}

raw_decryption()
{
	pkeyutl encrypt none block -out encrypted && decrypt 01 RSA-X-509 encrypted && cmp block out
}

# OpenSC 0.23 takes the MGF's length for the hash's, so that they have to be the same.
oaep()
{
	pkeyutl encrypt oaep message -pkeyopt "rsa_oaep_md:$1" -pkeyopt "rsa_mgf1_md:$1" -out encrypted &&
		decrypt 01 RSA-PKCS-OAEP encrypted --hash-algorithm "$(dashed "$1")" \
			--mgf "MGF1-$(upper "$1")" && cmp message out
}

crypt_pkcs1()
{
	crypt --sign --key 01 --pkcs1 "--${1/sha/sha-}" -i "$1" &&
		openssl dgst "-$1" -verify 9a.pub -signature out message
}

# Without --pkcs1 it signs nothing: "Not supported", before it asks the card.
crypt_any_and_pkcs1()
{
	crypt --sign --key 01 --pkcs1 -i message &&
		pkeyutl verifyrecover pkcs1 out -out recovered && cmp message recovered
}

crypt_pkcs1_decryption()
{
	pkeyutl encrypt pkcs1 message -out encrypted && crypt --decipher --key 01 --pkcs1 -i encrypted &&
		cmp message out
}

crypt_raw_decryption()
{
	pkeyutl encrypt none block -out encrypted && crypt --decipher --key 01 -i encrypted &&
		cmp block out
}

# rsa NAME OCTETS
rsa()
{
	local name=$1 hash mgf
	{ printf '\0'; openssl rand $(($2 - 1)); } >block
	for hash in "${hashes[@]}"; do
		check "$name: $hash, PKCS #1" hash_and_pkcs1 "$hash"
		check "$name: PKCS #1 of a DigestInfo with $hash" info_and_pkcs1 "$hash"
		check "$name: pkcs15-crypt, PKCS #1 with $hash" crypt_pkcs1 "$hash"
		check "$name: $hash, PSS" pss "$hash" -1 digest
		check "$name: $hash, PSS without salt" pss "$hash" 0 0
		check "$name: $hash, PSS with the longest salt" pss "$hash" -2 max
		check "$name: OAEP with $hash" oaep "$hash"
		for mgf in "${hashes[@]}"; do
			check "$name: PSS of a $hash, MGF with $mgf" pss_of "$hash" "$mgf"
		done
	done
	check "$name: PKCS #1 of any octets" any_and_pkcs1
	check "$name: raw signature" raw_signature
	check "$name: PKCS #1 decryption" pkcs1_decryption
	check "$name: raw decryption" raw_decryption
	check "$name: pkcs15-crypt, PKCS #1 of any octets" crypt_any_and_pkcs1
	check "$name: pkcs15-crypt, PKCS #1 decryption" crypt_pkcs1_decryption
	check "$name: pkcs15-crypt, raw decryption" crypt_raw_decryption
}

# ---- ECDSA, the key in 9C; ECDH, that in 9D ----

# der_integer HEX: unsigned
der_integer()
{
	local hex=$1
	while [ "${hex:0:2}" = 00 ] && [ ${#hex} -gt 2 ]; do hex=${hex:2}; done
	case $hex in
	[89a-fA-F]*) hex=00$hex ;;
	esac
	tlv 02 "$hex"
}

# ec_verify HASH: of r and s, of the size of the curve each, or of DER
ec_verify() { openssl pkeyutl -verify -pubin -inkey 9c.pub -in "$1" -sigfile "${2:-out}"; }

ec_verify_rs()
{
	local hex half
	hex=$(hex <out) half=${#hex}
	[ "$half" -eq $((4 * octets)) ] || return 1
	half=$((half / 2))
	unhex "$(tlv 30 "$(der_integer "${hex:0:half}")$(der_integer "${hex:half}")")" >out.der
	ec_verify "$1" out.der
}

hash_and_ecdsa()
{
	sign 02 "ECDSA-$(upper "$1")" message --signature-format openssl && ec_verify "$1" &&
		sign 02 "ECDSA-$(upper "$1")" message --signature-format rs && ec_verify_rs "$1"
}

ecdsa()
{
	sign 02 ECDSA "$1" --signature-format sequence && ec_verify "$1" &&
		sign 02 ECDSA "$1" && ec_verify_rs "$1"
}

crypt_ecdsa()
{
	crypt --sign --key 02 -f openssl -i "$1" && ec_verify "$1" &&
		crypt --sign --key 02 -f rs -i "$1" && ec_verify_rs "$1"
}

# agree MECHANISM
agree()
{
	rm -f out
	openssl pkeyutl -derive -inkey peer.key -peerkey 9d.pub -out wanted &&
		p11_user 0 --derive --id 03 -m "$1" -i peer.der -o out && cmp wanted out
}

# ec NAME OCTETS
ec()
{
	local name=$1 octets=$2 hash
	for hash in "${hashes[@]}"; do
		check "$name: $hash, ECDSA, both formats" hash_and_ecdsa "$hash"
		check "$name: ECDSA of a $hash, both formats" ecdsa "$hash"
		check "$name: pkcs15-crypt, ECDSA of a $hash, both formats" crypt_ecdsa "$hash"
	done
	openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$name" -out peer.key 2>/dev/null
	openssl pkey -in peer.key -pubout -outform DER -out peer.der
	check "$name: ECDH" agree ECDH1-DERIVE
	check "$name: ECDH with cofactor" agree ECDH1-COFACTOR-DERIVE
}

# ---- once with the shorter keys, then with longer ones in their place ----
admin_session 0
enrol 9A 07 9a 'RSA-2048 in 9A'
enrol 9C 11 9c 'P-256 in 9C'
enrol 9D 11 9d 'P-256 in 9D'
session_close
rsa RSA-2048 256
ec P-256 32

admin_session 0
enrol 9A 05 9a 'RSA-3072 in 9A'
enrol 9C 14 9c 'P-384 in 9C'
enrol 9D 14 9d 'P-384 in 9D'
session_close
rsa RSA-3072 384
ec P-384 48
