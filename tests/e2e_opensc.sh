#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What OpenSC's tools can do with a PIV card, one by one, and ssh with OpenSC's
# module.  Hashes and paddings are in e2e_mechanisms.sh.
set -eu
# shellcheck source=tests/opensc.sh
. "$(dirname "${BASH_SOURCE[0]}")/opensc.sh"
swtpm_start
write_conf 'spare_slots = 2'
pcscd_start
create_card OpenSC 0
admin_session 0
enrol 9A 07 9a 'RSA-2048 in 9A'
enrol 9C 11 9c 'P-256 in 9C'
enrol 9D 14 9d 'P-384 in 9D'
enrol 9E 11 9e 'P-256 in 9E'
apdu 00CB3FFF055C035FC10200
guid=${data:62:32}
session_close
printf 'what is signed\n' >message

p15() { pkcs15-tool --reader 0 "$@"; }
piv() { piv-tool --reader 0 "$@"; }

# prints WHAT PATTERN COMMAND...: the command succeeds and prints that.
prints()
{
	local what=$1 pattern=$2 output status=0
	shift 2
	output=$("$@" 2>&1 </dev/null) || status=$?
	if [ $status -eq 0 ]; then
		matches "$what" "$pattern" "$output"
	else
		not_ok "$what: exit status $status"
		printf '    $ %s\n' "$*"
		indent "$output"
	fi
}

# ---- which card it is ----
spaced=$(sed 's/../& /g; s/ $//' <<<"$guid")
prints 'opensc-tool: the reader' 'Yes .*TPM Virtual Smart Card 00 00' opensc-tool --list-readers
prints 'opensc-tool: the ATR' '^3b:8b:01:80:f9:a0:00:00:03:08:00:00:10:00:48$' opensc-tool --reader 0 --atr
prints 'opensc-tool: the name' '^Personal Identity Verification Card$' opensc-tool --reader 0 --name
prints 'opensc-tool: the serial number' "^$spaced" opensc-tool --reader 0 --serial
prints 'opensc-tool: an APDU' 'Received \(SW1=0x90, SW2=0x00\)' \
	opensc-tool --reader 0 --send-apdu 00:A4:04:00:05:A0:00:00:03:08
prints 'opensc-tool: algorithms' 'Key length: 384' opensc-tool --reader 0 --list-algorithms
check 'opensc-tool: a warm reset' opensc-tool --reader 0 --reset=warm
check 'opensc-tool: a cold reset' opensc-tool --reader 0 --reset=cold
prints 'piv-tool: the name' '^Personal Identity Verification Card$' piv --name
prints 'piv-tool: the serial number' "^$spaced" piv --serial
prints 'piv-tool: an APDU' 'Received \(SW1=0x90, SW2=0x00\)' piv --send-apdu 00:CB:3F:FF:05:5C:03:5F:C1:07:00

# ---- what is on it ----
prints 'pkcs15-tool: the card' "Serial number  : $(tr 'A-F' 'a-f' <<<"$guid")" p15 --list-info
dump=$(p15 --dump 2>/dev/null) || not_ok 'pkcs15-tool dumps'
n() { grep -cE "$1" <<<"$dump" || :; }
same 'pkcs15-tool dumps two PINs' 2 "$(n '^PIN \[')"
same 'pkcs15-tool dumps the private keys' 4 "$(n '^Private (RSA|EC) Key \[')"
same 'pkcs15-tool dumps the public keys' 4 "$(n '^Public (RSA|EC) Key \[')"
same 'pkcs15-tool dumps the certificates' 4 "$(n '^X.509 Certificate \[')"
same 'pkcs15-tool dumps the data objects' 14 "$(n '^Data object ')"
prints 'pkcs15-tool: PINs' 'Reference +: 128 \(0x80\)' p15 --list-pins
prints 'pkcs15-tool: private keys' 'Key ref +: 158 \(0x9E\)' p15 --list-keys
prints 'pkcs15-tool: public keys' 'Key ref +: 157 \(0x9D\)' p15 --list-public-keys
prints 'pkcs15-tool: certificates' 'Certificate for Card Authentication' p15 --list-certificates
prints 'pkcs15-tool: data objects' 'Card Holder Unique Identifier' p15 --list-data-objects
prints 'pkcs15-tool: a data object' "34 10 $spaced" p15 --read-data-object 2.16.840.1.101.3.7.2.48.0

# Each certificate and public key, octet for octet; ssh's form of it by ssh's own conversion.
certificate_back()
{
	p15 --read-certificate "$1" --output back.pem &&
		openssl x509 -in back.pem -outform DER | cmp "$2.der" - &&
		p11 0 --read-object --type cert --id "$1" -o back.der && cmp "$2.der" back.der
}
public_key_back()
{
	p15 --read-public-key "$1" --output back.pub && cmp <(openssl pkey -pubin -in "$2.pub") back.pub
}
ssh_key_back()
{
	same "pkcs15-tool: ssh's form of $1" "$(ssh-keygen -i -m PKCS8 -f "$2.pub")" \
		"$(p15 --read-ssh-key "$1" 2>/dev/null | cut -d' ' -f1,2)"
}
for key in 01:9a 02:9c 03:9d 04:9e; do
	check "the certificate ${key%:*} comes back" certificate_back ${key%:*} ${key#*:}
	check "the public key ${key%:*} comes back" public_key_back ${key%:*} ${key#*:}
	ssh_key_back ${key%:*} ${key#*:}
done

prints 'pkcs11-tool: slots' 'TPM Virtual Smart Card 00 00' p11 0 --list-slots
prints 'pkcs11-tool: slots with tokens' 'token label +: RSA-2048 in 9A' p11 0 --list-token-slots
prints 'pkcs11-tool: the token can do random, has a PIN' \
	'token flags +: login required, rng, token initialized, PIN initialized$' p11 0 --list-token-slots
prints 'pkcs11-tool: the module' 'OpenSC smartcard framework' p11 0 --show-info
mechanisms=$(p11 0 --list-mechanisms 2>&1)
for m in RSA-X-509 RSA-PKCS RSA-PKCS-PSS RSA-PKCS-OAEP ECDSA ECDH1-DERIVE ECDH1-COFACTOR-DERIVE; do
	matches "pkcs11-tool: mechanism $m in hardware" "^  $m, keySize=\{[0-9]*,[0-9]*\}, hw," "$mechanisms"
done
objects=$(p11 0 --list-objects 2>&1)
same 'pkcs11-tool: one private key before login' 1 "$(grep -c '^Private Key Object' <<<"$objects" || :)"
matches 'it is that in 9E' 'CARD AUTH key' "$(grep -A 1 '^Private Key Object' <<<"$objects")"
objects=$(p11_user 0 --list-objects 2>&1)
same 'pkcs11-tool: all of them after it' 4 "$(grep -c '^Private Key Object' <<<"$objects" || :)"
matches '9C is the one that asks for the PIN each time' 'always authenticate' \
	"$(grep -A 5 'SIGN key' <<<"$objects")"
p11_test()
{
	local out
	out=$(p11_user 0 --test 2>&1)
	printf '%s\n' "$out"
	grep -q '^No errors$' <<<"$out" && ! grep -qiE 'fail|ERR' <<<"${out//No errors/}"
}
check 'pkcs11-tool --test --login has no errors' p11_test
check 'pkcs11-tool: after fork' p11_user 0 --test-fork

random()
{
	p11 0 --generate-random 300 -o random.1 && p11 0 --generate-random 300 -o random.2 &&
		[ "$(wc -c <random.1)" -eq 300 ] && ! cmp -s random.1 random.2
}
check 'pkcs11-tool: random octets' random

# ---- PIN and PUK ----

# left WHAT PIN-TRIES PUK-TRIES: as the TPM counts them
left() { matches "$1" "ready +$2 left +$3 left" "$(mgr list)"; }

p11_fails()
{
	local what=$1 pattern=$2 output
	shift 2
	if output=$(p11 0 "$@" 2>&1 </dev/null); then
		not_ok "$what"
	else
		matches "$what" "$pattern" "$output"
	fi
}

check 'pkcs15-tool verifies the PIN' p15 --verify-pin --pin 12345678
fails 'pkcs15-tool: a wrong PIN' p15 --verify-pin --auth-id 01 --pin 00000000
left 'it was counted' 4 5
check 'pkcs15-tool changes the PIN' p15 --change-pin --pin 12345678 --new-pin 24681357
left 'that gave all tries back' 5 5
fails 'the old PIN is wrong' p15 --verify-pin --auth-id 01 --pin 12345678
check 'the new PIN is right' p15 --verify-pin --auth-id 01 --pin 24681357
check 'pkcs15-tool changes the PUK' p15 --change-pin --auth-id 02 --pin 12345678 --new-pin 86427531
check 'pkcs15-tool sets the PIN with the PUK' p15 --unblock-pin --puk 86427531 --new-pin 11223344
fails 'pkcs15-tool: the old PUK' p15 --unblock-pin --auth-id 01 --puk 12345678 --new-pin 12345678
left 'it was counted' 5 4
p11_fails 'pkcs11-tool: nobody is a security officer' CKR_GENERAL_ERROR --login --login-type so \
	--so-pin 12345678 --init-pin --new-pin 12345678
left 'that costs no try' 5 4
check 'pkcs11-tool changes the PIN' p11 0 --login --pin 11223344 --change-pin --new-pin 55667788
for n in 4 3 2 1; do
	p11_fails "pkcs11-tool: a wrong PIN, $n left" CKR_PIN_INCORRECT --login --pin 00000000 --list-objects
	left 'it was counted' $n 4
done
prints 'pkcs11-tool sees the last try' 'final user PIN try' p11 0 --list-token-slots
p11_fails 'pkcs11-tool: the PIN is blocked' 'CKR_PIN_(LOCKED|INCORRECT)' \
	--login --pin 00000000 --list-objects
p11_fails 'pkcs11-tool: blocked for the right PIN as well' CKR_PIN_LOCKED \
	--login --pin 55667788 --list-objects
prints 'pkcs11-tool sees that it is' 'user PIN locked' p11 0 --list-token-slots
# Unless it is told so, OpenSC means CHANGE REFERENCE DATA, with the PUK for the old PIN.
cat >unblock.conf <<-END
	app opensc-pkcs11 {
		pkcs11 {
			user_pin_unblock_style = set_pin_in_unlogged_session;
		}
	}
END
check 'pkcs11-tool unblocks the PIN with the PUK' env OPENSC_CONF="$PWD/unblock.conf" \
	pkcs11-tool --module "$module" --slot-index 0 --unlock-pin --puk 86427531 --new-pin 12345678
left 'that gave all tries back, for the PUK too' 5 5
p11_signs()
{
	p11_user 0 --sign --id 02 -m ECDSA-SHA256 --signature-format openssl -i message -o signature &&
		openssl dgst -sha256 -verify 9c.pub -signature signature message
}
check 'and signs' p11_signs

# ---- piv-tool: administration ----
export PIV_EXT_AUTH_KEY=$scratch/admin.key
admin_key_file() { sed 's/../&:/g; s/:$//' <<<"$1" >"$PIV_EXT_AUTH_KEY"; }
admin_key_file $default_admin_key

# Its exit status is the number of octets written, modulo 256.
admin()
{
	local want=$1 status=0
	shift
	piv --admin M:9B:03 "$@" || status=$?
	[ "$status" -eq $((want % 256)) ]
}

check 'piv-tool authenticates' piv --admin M:9B:03
fails 'piv-tool writes nothing without that' piv --object 9000 --in message

renew()
{
	certify "$2" "$3" && admin "$(wc -c <"$2.der")" --cert "$1" --in "$2.pem"
}
for key in 9A:9a:01 9C:9c:02 9D:9d:03 9E:9e:04; do
	IFS=: read -r reference name id <<<"$key"
	check "piv-tool writes a certificate for $reference" renew "$reference" "$name" "Renewed $reference"
	check 'it comes back' certificate_back "$id" "$name"
done
compressed()
{
	certify 9a 'Compressed' && gzip -9n <9a.der >9a.gz &&
		admin "$(wc -c <9a.gz)" --compresscert 9A --in 9a.gz
}
check 'piv-tool writes a compressed certificate' compressed
check 'it comes back' certificate_back 01 9a
unhex 53055AA5000102 >object
check 'piv-tool writes an object' admin 7 --object 9000 --in object
prints 'it comes back' '53 05 5A A5 00 01 02' p15 --read-data-object 2.16.840.1.101.3.7.2.144.0

# What only the PIN may read; the longest there is comes in a chain of commands.
{ printf '\x53\x82\x31\xa6'; openssl rand 12710; } >image
check 'piv-tool writes a facial image' admin 12714 --object 6030 --in image
opensc-tool --reader 0 --reset >/dev/null
fails 'it is not read without the PIN' p15 --read-data-object 2.16.840.1.101.3.7.2.96.48 --output image.back
check 'pkcs15-tool reads it with the PIN' p15 --verify-pin --auth-id 01 --pin 12345678 \
	--read-data-object 2.16.840.1.101.3.7.2.96.48 --output image.back
check 'it came back' cmp image image.back
check 'pkcs11-tool reads it with the PIN' p11_user 0 --read-object --type data \
	--application-id 2.16.840.1.101.3.7.2.96.48 -o image.p11
check 'it came back' cmp image image.p11

# It cannot write down the public key, with OpenSSL 3: that is taken from what the card answered.
generated()
{
	local algorithm=$1
	shift
	logged debug piv --admin M:9B:03 --genkey "9E:$algorithm" || :
	apdus debug | awk '
		$1 == ">" && $2 !~ /^00C0/ { on = $2 ~ /^0047009E/ }
		on && $1 == "<" { printf "%s", substr($2, 1, length($2) - 4) }' >answer
	public_key "$(cat answer)" >9e.pub && renew 9E 9e "Generated $algorithm" &&
		opensc-tool --reader 0 --reset >/dev/null &&
		pkcs15-crypt --reader 0 --sign --key 04 --raw -i digest -o signature "$@" &&
		openssl dgst -sha256 -verify 9e.pub -signature signature message
}
openssl dgst -sha256 -binary -out digest message
check 'piv-tool makes an RSA key, which signs without the PIN' generated 07 --pkcs1 --sha-256
check 'piv-tool makes a P-256 key, which signs without the PIN' generated 11 -f openssl
check 'piv-tool makes a P-384 key, which signs without the PIN' generated 14 -f openssl

for kind in 08:AES128:32 0A:AES192:48 0C:AES256:64; do
	IFS=: read -r number name length <<<"$kind"
	key=$(openssl rand -hex $((length / 2)))
	printf '%s\n' "$key" | mgr create /name "$name" /AdminKey PROMPT --admin-algorithm "$name" \
		/PIN DEFAULT /PUK DEFAULT /generate >/dev/null 2>create.log || not_ok "create: $(cat create.log)"
	wait_for 5 card_in 1 || die "the card with $name is in its reader"
	admin_key_file "$key"
	check "piv-tool authenticates with $name" piv-tool --reader 1 --admin "M:9B:$number"
	admin_key_file "${key%??}$(printf '%02x' $((0x${key: -2} ^ 1)))"
	fails "piv-tool is refused with another $name key" piv-tool --reader 1 --admin "M:9B:$number"
	mgr destroy /instance 1 >/dev/null 2>&1
	wait_for 5 card_out 1 || die "the card with $name is out"
done

# ---- ssh with OpenSC's module ----
same 'ssh-keygen -D lists the keys' "$(for key in 9a 9c 9d; do ssh-keygen -i -m PKCS8 -f $key.pub; done)" \
	"$(ssh-keygen -D "$module" 2>/dev/null | cut -d' ' -f1,2 | head -n 3)"
printf '#!/bin/sh\necho 12345678\n' >askpass
chmod +x askpass
ssh_signs()
(
	trap 'kill "$SSH_AGENT_PID"' EXIT
	eval "$(ssh-agent -s -a "$scratch/agent.sock")"
	SSH_ASKPASS=$scratch/askpass SSH_ASKPASS_REQUIRE=force ssh-add -s "$module" &&
		ssh-keygen -i -m PKCS8 -f 9a.pub >ssh.pub &&
		ssh-keygen -Y sign -f ssh.pub -n file message &&
		ssh-keygen -Y check-novalidate -n file -s message.sig <message &&
		ssh-add -e "$module"
)
check 'ssh-agent signs with the key in 9A' ssh_signs
