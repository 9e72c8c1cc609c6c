#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# As many keys and certificates as a PIV card has room for: 24.  Each is listed,
# read and used, and no operation is slower than on a card with one.
set -eu
# shellcheck source=tests/opensc.sh
. "$(dirname "${BASH_SOURCE[0]}")/opensc.sh"
swtpm_start
write_conf 'spare_slots = 2'
pcscd_start

# The retired ones are of each kind in turn; the first and the last are on P-256.
references=(9A 9C 9D 9E)
algorithms=(07 11 07 11)
for n in {0..19}; do
	references+=("$(printf '%02X' $((0x82 + n)))")
	case $((n < 19 ? n % 3 : 0)) in
	0) algorithms+=(11) ;;
	1) algorithms+=(14) ;;
	2) algorithms+=(07) ;;
	esac
done

create_card Many 0
admin_session 0
for n in "${!references[@]}"; do
	enrol "${references[n]}" "${algorithms[n]}" "${references[n]}" "Key in ${references[n]}"
done
check 'the key history says so' key_history 20
session_close
matches 'tpmvscmgr lists the last' '[ ,]95:' "$(mgr list)"

# ---- listing ----
count() { grep -c "^$1" <<<"$2" || :; }
listed=$(p11 0 -O 2>&1)
same 'pkcs11-tool lists the certificates' 24 "$(count 'Certificate Object' "$listed")"
same 'pkcs11-tool lists the public keys' 24 "$(count 'Public Key Object' "$listed")"
same 'pkcs11-tool lists the private keys' 24 \
	"$(count 'Private Key Object' "$(p11_user 0 -O 2>&1)")"
listed=$(pkcs15-tool --reader 0 --dump 2>&1)
same 'pkcs15-tool lists the certificates' 24 "$(count 'X.509 Certificate \[' "$listed")"
same 'pkcs15-tool lists the private keys' 24 "$(count 'Private .* Key \[' "$listed")"

# ---- each certificate and each key ----
printf 'what is signed or encrypted\n' >message
openssl dgst -sha256 -binary -out digest message
for curve in P-256 P-384; do
	openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$curve" -out "$curve.key" 2>/dev/null
	openssl pkey -in "$curve.key" -pubout -outform DER -out "$curve.der"
done

certificate_back()
{
	pkcs15-tool --reader 0 --read-certificate "$id" --output back.pem &&
		openssl x509 -in back.pem -outform DER | cmp "$1.der" -
}

signs()
{
	p11_user 0 --sign --id "$id" -m "$2" --signature-format openssl -i message -o signature &&
		openssl dgst -sha256 -verify "$1.pub" -signature signature message
}

decrypts()
{
	openssl pkeyutl -encrypt -pubin -inkey "$1.pub" -in digest -out encrypted &&
		p11_user 0 --decrypt --id "$id" -m RSA-PKCS -i encrypted -o decrypted &&
		cmp digest decrypted
}

agrees()
{
	openssl pkeyutl -derive -inkey "$2.key" -peerkey "$1.pub" -out wanted &&
		p11_user 0 --derive --id "$id" -m ECDH1-COFACTOR-DERIVE -i "$2.der" -o derived &&
		cmp wanted derived
}

for n in "${!references[@]}"; do
	reference=${references[n]}
	facts "$reference"
	rm -f signature decrypted derived back.pem
	check "$reference: its certificate comes back" certificate_back "$reference"
	case $reference-${algorithms[n]} in
	9A-*) check "$reference signs" signs 9A SHA256-RSA-PKCS ;;
	9[CE]-*) check "$reference signs" signs "$reference" ECDSA-SHA256 ;;
	*-07) check "$reference decrypts" decrypts "$reference" ;;
	*-11) check "$reference agrees on a secret" agrees "$reference" P-256 ;;
	*-14) check "$reference agrees on a secret" agrees "$reference" P-384 ;;
	esac
done

# ---- time: the same on a card with one key ----
create_card One 1
admin_session 1
enrol 9E 11 only 'Key in 9E, the only one'
session_close

# best NAME HEX [COUNT]: keeps the least time seen.
declare -A least=()
best()
{
	apdu "time ${3:-25} $2"
	if [ "$sw" != 9000 ]; then
		not_ok "time of $1: $sw"
	elif [ -z "${least[$1]:-}" ] || [ "$data" -lt "${least[$1]}" ]; then
		least[$1]=$data
	fi
}

point=04$(tail -c 64 P-256.der | hex)
for _ in 1 2 3 4 5; do
	for n in 0 1; do
		admin_session $n
		best "select $n" 00A4040009A0000003080000100000
		best "sign $n" "0087119E267C2482008120$(hex <digest)00"
		best "certificate $n" '00CB3FFF 000005 5C035FC101 0000'
		best "put $n" "00DB3FFF 0000CF 5C035FC106 5381C7$(printf '%0398d' 0)"
		best "verify $n" "$(verify_apdu 12345678)" 5
		[ $n -eq 0 ] || continue
		best 'last certificate' '00CB3FFF 000005 5C035FC120 0000'
		best 'first agree' "00871182477C4582008541${point}00"
		best 'last agree' "00871195477C4582008541${point}00"
	done
done
session_close

# no_slower WHAT NAME THAN-NAME
no_slower()
{
	local this=${least[$2]:-0} that=${least[$3]:-0}
	if [ "$this" -gt 0 ] && [ "$this" -le $((3 * that)) ]; then
		ok "$1: $this us, and $that us"
	else
		not_ok "$1: $this us is more than three times $that us"
	fi
}
no_slower 'SELECT with 24 keys and with one' 'select 0' 'select 1'
no_slower 'a signature with 24 keys and with one' 'sign 0' 'sign 1'
no_slower 'a certificate with 24 keys and with one' 'certificate 0' 'certificate 1'
no_slower 'PUT DATA with 24 keys and with one' 'put 0' 'put 1'
no_slower 'VERIFY with 24 keys and with one' 'verify 0' 'verify 1'
no_slower 'the last certificate and the only one' 'last certificate' 'certificate 1'
no_slower 'a secret with the last key and with the first' 'last agree' 'first agree'
