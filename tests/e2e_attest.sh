#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Evidence from a TPM with its maker's certificate, checked by somebody who has
# neither TPM nor card nor configuration; and what passes itself off as evidence.
set -eu
# shellcheck source=tests/opensc.sh
. "$(dirname "${BASH_SOURCE[0]}")/opensc.sh"
need_packages jq strace swtpm-tools yubico-piv-tool
swtpm_manufacture
swtpm_start
write_conf 'spare_slots = 2'
pcscd_start
pin=24681357
far=$scratch/far
only=ek,pin,keys,generated
mkdir "$far"
chmod 0755 "$far"
cp maker.pem "$far"

for name in First Second; do
	printf '%s\n' $pin | mgr create /name $name /generate /quiet /PIN PROMPT /PUK DEFAULT \
		>/dev/null 2>create.log || die "create: $(cat create.log)"
done
wait_for 5 card_in 1 || die 'the cards are in their readers'
# make INSTANCE SLOT: a key and a certificate of its own
make()
{
	printf '%s\n' $pin | mgr enroll /instance "$1" --slot "$2" --subject CN=Alice --self-signed \
		>/dev/null 2>enroll.log || die "enroll: $(cat enroll.log)"
}
make 0 9A
make 0 9C
make 1 9A

# ---- gathering it ----
check 'evidence' mgr attest /instance 0 --output first.json
check 'of another card' mgr attest /instance 1 --output second.json
mgr attest /instance 0 --slot 9c --nonce 00ff17 >signing.json
same 'one key only' 9c "$(jq -r '.keys[].reference' signing.json)"
same 'all keys' '9a 9c' "$(jq -r '.keys[].reference' first.json | xargs)"
same 'the nonce' 00ff17 "$(jq -r .nonce signing.json)"
same 'it is the text that jq writes' "$(sha256sum <first.json)" "$(jq . first.json | sha256sum)"
refuse 'no such card' 3 mgr attest /instance 7
refuse 'no such key' 3 mgr attest /instance 0 --slot 9d
refuse 'no such place for it' 1 mgr attest /instance 0 --output "$scratch/nowhere/x"
cp first.json second.json signing.json "$far"

# ---- somewhere else ----

# verify ARGUMENT...: by nobody in particular, with nothing of this machine's.
verify()
{
	(cd "$far" && env -i PATH="$PATH" setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$prefix/sbin/tpmvscmgr" verify "$@" 2>&1)
}
# refused WHAT PATTERN ARGUMENT...: exit status 1, and a message
refused()
{
	local what=$1 pattern=$2 got=0 output
	shift 2
	output=$(verify "$@") || got=$?
	same "$what: refused" 1 "$got"
	matches "$what: says why" "$pattern" "$(grep '^tpmvscmgr: ' <<<"$output" || echo "$output")"
}
chmod 0755 "$scratch" "$prefix" "$prefix/sbin" "$prefix/sbin/tpmvscmgr"

check 'AIK_ONLY: what can hold, holds' verify first.json --ca maker.pem --require $only
output=$(verify first.json --ca maker.pem --require $only)
matches 'the EK is proven' '^proven +ek .*swtpm-localca' "$output"
matches 'the PIN is shown' '^shown +pin .*refuses more than 5: 0' "$output"
matches 'its PUK as well' '^shown +puk ' "$output"
matches 'who resets it' '^shown +approvals .*the PUK and the administrator key' "$output"
matches '9A' '^shown +9a .*made in the TPM.*once' "$output"
matches '9C' '^shown +9c .*made in the TPM.*each time' "$output"
matches 'its certificate' '^proven +9c .*its certificate is for this key' "$output"
matches 'AK and EK: not proven' '^unproven +ak .*no authority has certified it' "$output"
matches 'other approvals: not proven' '^unproven +approvals ' "$output"
matches 'freshness: not proven' '^unproven +nonce ' "$output"
same 'nothing is wrong' '' "$(grep '^wrong' <<<"$output" || :)"
refused 'AIK_ONLY' 'does not prove what is required: ak$' first.json --ca maker.pem
refused 'the first key asks once only' 'required: pin-always$' first.json --require pin-always
check 'the signing key asks each time' verify signing.json --require pin-always --nonce 00ff17
json=$(verify first.json --ca maker.pem --require $only --json)
same 'for programs' 'true 5 0 9a,9c' \
	"$(jq -r '"\(.holds) \(.pin.tries_limit) \(.pin.tries_used) \([.keys[].reference] | join(","))"' <<<"$json")"
same 'from standard input' '' "$(verify - --require pin --quiet <first.json)"

strace -f -o trace -e trace=%network,openat "$prefix/sbin/tpmvscmgr" verify first.json --ca maker.pem \
	--require $only >/dev/null
fails 'no TPM, no socket, no state, no configuration' grep -E 'connect|socket|/dev/tpm|tpm.sock|tpmvsc.conf|"[^"]*/state' trace

# ---- wrong guesses are in it ----
session_open 0
expect_sw 'a wrong PIN' 63C4 "$(verify_apdu 11111111)"
session_close
mgr attest /instance 0 --output "$far/used.json"
matches 'a try that was used' '^shown +pin .*: 1 of them' "$(verify used.json --require pin)"

# ---- forgeries, as far as files go; tests/check_evidence.c has those that are rightly signed ----
# forge NAME FILTER: of first.json; the other card's is $other[0]
forge()
{
	local name=$1 filter=$2
	jq --slurpfile other "$far/second.json" "$filter" "$far/first.json" >"$far/$name.json"
}
no_ca='--require pin'
forge unchanged .
check 'what is not forged holds' verify unchanged.json --require pin
# shellcheck disable=SC2016
{
	forge other_ak '.ak = $other[0].ak'
	forge other_key '.keys[0].area = $other[0].keys[0].area | .keys[0].certificate = null'
	forge other_whole_key '.keys[0] = $other[0].keys[0]'
	forge other_pin '.indices.pin = $other[0].indices.pin'
	forge approval '.approvals.puk_sets_pin = $other[0].approvals.puk_sets_pin'
	forge authority '.authority = $other[0].authority'
	forge copied '.keys[0].certificate = $other[0].keys[0].certificate'
	forge no_statement '.keys[0].attest = null | .keys[0].signature = null'
	forge renamed '.card.name = "Furst"'
	forge less '.keys = [.keys[0]]'
	forge fresh '.nonce = "00ff17"'
}
# shellcheck disable=SC2086
{
	refused "another card's AK" 'refused: ak: .*another card' other_ak.json $no_ca
	refused 'a key of another card' 'refused: 9a: .*policy' other_key.json $no_ca
	refused 'with all about it' 'refused: 9a: .*policy' other_whole_key.json $no_ca
	refused "another card's PIN" 'refused: pin: .*another policy' other_pin.json $no_ca
	refused 'an approval of another authority' 'refused: approvals: .*not this card.s authority.s' approval.json $no_ca
	refused 'another authority' 'refused: ak: ' authority.json $no_ca
	refused 'a copied certificate' 'refused: 9a: its certificate is for another key' copied.json $no_ca
	refused 'a key without a statement' 'refused: 9a: no TPM says anything' no_statement.json $no_ca
	refused 'another name' 'something was altered since' renamed.json $no_ca
	refused 'a key left out' 'something was altered since' less.json $no_ca
	refused 'a nonce put in' 'something was altered since' fresh.json --nonce 00ff17 $no_ca
	refused 'a stale nonce' 'not fresh: it has another nonce' signing.json --nonce 00ff18 $no_ca
	refused 'no nonce' 'not fresh: it has no nonce' first.json --nonce 00ff17 $no_ca
}

# Another TPM's EK certificate, by the same maker.
openssl req -new -newkey rsa:2048 -nodes -keyout other.key -subj / -out other.csr 2>/dev/null
openssl x509 -req -in other.csr -CA maker/issuercert.pem -CAkey maker/signkey.pem -days 9 -outform DER \
	-out other.der -CAcreateserial 2>/dev/null
jq --arg der "$(base64 -w0 other.der)" '.ek.certificates = [$der]' first.json >"$far/other_ek.json"
refused 'an EK certificate of another TPM' 'refused: ek: the EK.s certificate is for another key' other_ek.json --ca maker.pem --require ek
openssl req -x509 -newkey rsa:2048 -nodes -keyout strange.key -subj /CN=Strange -out "$far/strange.pem" 2>/dev/null
refused 'an authority that did not make it' 'required: ek$' first.json --ca strange.pem --require ek
matches 'it is named' 'leads to none of the authorities' "$(verify first.json --ca strange.pem --require ek || :)"
refuse 'no such file of authorities' 1 verify first.json --ca nowhere.pem
refuse 'no such bundle' 1 verify nowhere.json --ca maker.pem
refuse 'no file of authorities' 2 verify first.json
refuse 'a word that is none' 2 verify first.json --require everything
refused 'no certificates' 'there is no certificate in it' first.json --ca first.json
refused 'no bundle' 'maker.pem is no bundle' maker.pem --ca maker.pem

# ---- cut and bent ----
size=$(wc -c <first.json)
for n in 0 1 100 $((size / 2)) $((size - 1)); do
	head -c "$n" first.json >"$far/cut.json"
	refused "cut to $n octets" 'cut.json is no bundle of evidence' cut.json --require pin
done
(cat first.json; echo) >"$far/longer.json"
refused 'a newline more' 'is no bundle of evidence' longer.json --require pin
jq -c . first.json >"$far/compact.json"
refused 'without spaces' 'not written as' compact.json --require pin
same 'bits turned, each refused' 10007 "$("$build/tests/flips" first.json 10007 2>&1)"

# ---- an imported key says so ----
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out soft.pem 2>/dev/null
check 'import a key' yubico-piv-tool -r "$(reader 0)" -a import-key -s 9d -i soft.pem
mgr attest /instance 0 --output "$far/imported.json"
refused 'an imported key' 'required: generated$' imported.json --ca maker.pem --require $only
matches 'it is named' '^unproven +9d .*it was imported' "$(verify imported.json --require pin)"
check 'unless nobody minds' verify imported.json --ca maker.pem --require ek,pin,keys
# shellcheck disable=SC2016
jq '.keys[2] as $k | .keys[2] = (.keys[0] | .reference = $k.reference | .area = $k.area | .certificate = $k.certificate) |
	.keys |= sort_by(.reference)' "$far/imported.json" >"$far/claimed.json"
refused 'claimed as generated' 'refused: 9d: .*was imported, and yet is said to be made in the TPM' claimed.json --require pin

# ---- what INS F9 gives has evidence in it ----
(cd "$far" && yubico-piv-tool -r "$(reader 0)" -a attest -s 9a >9a.pem && openssl x509 -in 9a.pem -outform der -out 9a.der)
check 'a certificate of INS F9' verify 9a.pem --require pin,keys,generated
check 'in DER' verify 9a.der --require pin,keys,generated
matches 'its key is shown' '^shown +9a +this .* key was made in the TPM' "$(verify 9a.pem --require pin)"
refused 'it has no EK' 'required: ek, ak$' 9a.pem --ca maker.pem
refused 'another certificate' 'has no evidence from a TPM in it' maker.pem --require pin
head -c -1 "$far/9a.der" >"$far/short.der"
refused 'cut' 'no X.509 certificate' short.der --require pin
