#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# How many APDUs a login and one signature through OpenSC's PKCS#11 module are:
# other PIV cards that OpenSC knows need 37 to 43, by how many certificates they
# have.  OpenSC reads each certificate with two or three commands, asks for an
# absent one with one, and sees with the discovery object, before each turn with
# the card, that it is still selected.  The operation itself is the discovery
# object and GENERAL AUTHENTICATE: for RSA-2048 a chain of two, and GET RESPONSE;
# VERIFY before it when the PIN is always asked for.
set -eu
# shellcheck source=tests/opensc.sh
. "$(dirname "${BASH_SOURCE[0]}")/opensc.sh"
swtpm_start
write_conf
pcscd_start
create_card Counted 0
printf 'what is signed\n' >message

# What the APDUs of a log are for.
explain()
{
	apdus "$1" | awk '
	BEGIN {
		object["7E"] = "discovery object"
		object["5FC107"] = "card capability container"
		object["5FC10C"] = "key history object"
		object["5FC102"] = "CHUID"
		object["5FC105"] = object["5FC10A"] = object["5FC10B"] = object["5FC101"] = "certificates"
	}
	$1 == ">" {
		what = substr($2, 1, 4)
		if (what == "00A4")
			what = $2 ~ /^00A4....09A000000308/ ? "SELECT of PIV" : "SELECT of other cards applications"
		else if (what == "00CA")
			what = "GET DATA of other cards"
		else if (what == "00CB")
			what = "GET DATA, " object[substr($2, 15, substr($2, 13, 2) == "01" ? 2 : 6)]
		else if (what == "00C0")
			what = "GET RESPONSE"
		else if (what == "0020")
			what = length($2) > 10 ? "VERIFY" : "VERIFY, asking for the state"
		else if (what ~ /^.087/)
			what = "GENERAL AUTHENTICATE"
		count[what]++
	}
	END {
		for (what in count)
			printf "    %2d %s\n", count[what], what
	}' | sort -k2
}

# call WHAT CALL COMMANDS: the last of these PKCS#11 calls sent that many.
call() { same "$1: $2 is $3 APDUs" "$3" "$(calls debug | sed -n "s/^$2 //p" | tail -n 1)"; }

# count WHAT LIMIT SIGNATURE KEY-ID MECHANISM PUBLIC-KEY: on a card just powered,
# by a process that knows nothing of it.  SIGNATURE: of the signature alone.
count()
{
	local what=$1 limit=$2 signature=$3 id=$4 mechanism=$5 public=$6 n
	opensc-tool --reader 0 --reset >/dev/null 2>&1
	logged debug p11_user 0 --sign --id "$id" -m "$mechanism" --signature-format openssl \
		-i message -o signature >sign.out 2>&1 || indent "$(cat sign.out)"
	check "$what: OpenSSL verifies it" \
		openssl dgst -sha256 -verify "$public" -signature signature message
	n=$(apdus debug | grep -c '^>') || :
	if [ "$n" -gt 0 ] && [ "$n" -le "$limit" ]; then
		ok "$what: login and signature are $n APDUs, at most $limit"
	else
		not_ok "$what: login and signature are $n APDUs, more than $limit or none"
	fi
	call "$what" C_Login 2
	call "$what" C_Sign "$signature"
	explain debug
}

admin_session 0
enrol 9A 07 9a 'RSA-2048 in 9A'
session_close
count 'one certificate, RSA' 37 4 01 SHA256-RSA-PKCS 9a.pub

admin_session 0
enrol 9C 11 9c 'P-256 in 9C'
enrol 9D 14 9d 'P-384 in 9D'
enrol 9E 11 9e 'P-256 in 9E'
session_close
count 'four certificates, RSA' 43 4 01 SHA256-RSA-PKCS 9a.pub
count 'four certificates, P-256, PIN always' 43 3 02 ECDSA-SHA256 9c.pub
count 'four certificates, P-256, PIN never' 43 2 04 ECDSA-SHA256 9e.pub

# ---- key agreement ----
openssl ecparam -name secp384r1 -genkey -noout -out other.key
openssl pkey -in other.key -pubout -outform DER -out other.pub
check 'ECDH: the module derives a secret' logged debug p11_user 0 --derive --id 03 \
	-m ECDH1-DERIVE -i other.pub -o secret
openssl pkeyutl -derive -inkey other.key -peerkey 9d.pub -out expected
check 'ECDH: OpenSSL derives the same' cmp secret expected
call 'ECDH' C_DeriveKey 2
