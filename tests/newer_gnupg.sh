#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# GnuPG 2.4's own PIV application, used by gpg-card, gpgsm, gpg and ssh: run by
# tests/newer.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
cd "$scratch"
install_private

# ---- GnuPG with a home of its own, and a pinentry that answers what a file says ----
export GNUPGHOME=$scratch/gnupg
mkdir -m 0700 "$GNUPGHOME"
printf '%s\n' disable-ccid pcsc-shared verbose 'debug cardio' "log-file $scratch/scdaemon.log" \
	>"$GNUPGHOME/scdaemon.conf"
echo disable-dirmngr >"$GNUPGHOME/gpgsm.conf"
printf '%s\n' enable-ssh-support verbose "pinentry-program $scratch/pinentry" "log-file $scratch/agent.log" \
	>"$GNUPGHOME/gpg-agent.conf"
cat >pinentry <<'END'
#!/bin/bash
# One line of the file for each question; a question too many is cancelled.
pins=${0%/*}/pins
echo 'OK ready'
while read -r command _; do
	if [ "$command" = GETPIN ]; then
		if ! read -r pin <"$pins"; then
			echo 'ERR 83886179 cancelled'
			continue
		fi
		sed -i 1d "$pins"
		echo "D $pin"
	fi
	echo OK
	[ "$command" != BYE ] || exit 0
done
END
chmod +x pinentry
SSH_AUTH_SOCK=$(gpgconf --list-dirs agent-ssh-socket)
export SSH_AUTH_SOCK

# with_pins PINS COMMAND...: the answers, separated by commas, all of which are asked for.
with_pins()
{
	tr ',' '\n' <<<"$1" >pins
	shift
	"$@" || return
	[ ! -s pins ] || {
		echo "not asked for: $(wc -l <pins)"
		return 1
	}
}
# The card as it comes out of the pocket.
forget_pin() { gpgconf --kill all && opensc-tool --reader 0 --reset && gpgconf --launch gpg-agent; }
as_admin() { gpg-card authenticate "$default_admin_key" -- "$@"; }
card_says() { mgr list | sed -n 's/.*SMARTCARDREADER.0000 //p'; }
tries_are() { matches "$1" "$2" "$(card_says)"; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
	-subj '/CN=tests' -days 30 >ca.log 2>&1
certify() { openssl x509 -new -force_pubkey "$1" -subj "/CN=$2" -CA ca.pem -CAkey ca.key -days 30 -out "$3"; }
echo "$(openssl x509 -in ca.pem -noout -fingerprint -sha1 | sed 's/.*=//') S" >"$GNUPGHOME/trustlist.txt"
printf 'what is signed\n' >message

swtpm_start
write_conf 'spare_slots = 2'
pcscd_start
mgr create /name GnuPG /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT /generate >/dev/null 2>create.log ||
	die "create: $(cat create.log)"
check 'the card is in its reader' wait_for 5 card_in 0

# ---- what it says of a new card ----
status=$(gpg --card-status 2>&1)
matches 'gpg --card-status: the application' '^Application type .*: PIV$' "$status"
matches 'the reader' "^Reader .*: $(reader 0)$" "$status"
listed=$(gpg-card list 2>&1)
matches 'gpg-card list: the serial number is the GUID' '^Serial number .*: [0-9A-F]{32}$' "$listed"
matches 'the PIN is the application'"'"'s' '^PIN usage policy .*: app-pin$' "$listed"
matches 'its tries' '^PIN retry counter : - 5 -$' "$listed"
matches 'no key' '^PIV authentication: \[none\]$' "$listed"

# ---- keys made on the card ----
check 'generate: RSA in 9A' as_admin generate --algo=rsa2048 PIV.9A
check 'generate: P-384 in 9C' as_admin generate --algo=nistp384 PIV.9C
check 'generate: RSA in 9D' as_admin generate --algo=rsa2048 PIV.9D
check 'generate: RSA in 9E' as_admin generate --algo=rsa2048 PIV.9E
check 'generate: P-256 in a retired slot' as_admin generate --algo=nistp256 PIV.82
fails 'generate: not over a key, unless forced' as_admin generate --algo=nistp256 PIV.9E
check 'generate: forced' as_admin generate --force --algo=nistp256 PIV.9E
fails 'a wrong management key' gpg-card authenticate \
	A1A2A3A4A5A6A7A8B1B2B3B4B5B6B7B8C1C2C3C4C5C6C7C8
listed=$(gpg-card list 2>&1)
# key_is NAME ALGORITHM: as the list has it
key_is() { grep -A 2 "^$1" <<<"$listed" | grep -q "algorithm .*: $2$"; }
check 'list: 9A' key_is 'PIV authentication' rsa2048
check 'list: 9C' key_is 'Digital signature' nistp384
check 'list: 9D' key_is 'Key management' rsa2048
check 'list: 9E' key_is 'Card authenticat' nistp256

# ---- PIN and PUK ----
forget_pin >/dev/null
check 'verify' with_pins 12345678 gpg-card verify PIV.80
matches 'list: verified' '^PIN retry counter : - \[verified\] -$' "$(gpg-card list 2>&1)"
forget_pin >/dev/null
fails 'verify: a wrong PIN' with_pins 00000000 gpg-card verify PIV.80
matches 'list: it cost a try' '^PIN retry counter : - 4 -$' "$(gpg-card list 2>&1)"
check 'passwd: the PIN' with_pins 12345678,24681357,24681357 gpg-card passwd PIV.80
tries_are 'all tries are back' '5 left +5 left'
fails 'passwd: the old PIN is wrong' with_pins 12345678,11223344,11223344 gpg-card passwd PIV.80
tries_are 'and costs a try' '4 left +5 left'
check 'passwd: the PUK' with_pins 12345678,86427531,86427531 gpg-card passwd PIV.81
fails 'unblock: the old PUK is wrong' with_pins 12345678,11223344,11223344 gpg-card unblock
tries_are 'and costs a try' '4 left +4 left'
check 'unblock' with_pins 86427531,11223344,11223344 gpg-card unblock
tries_are 'all tries are back' '5 left +5 left'
check 'passwd --reset' with_pins 86427531,12345678,12345678 gpg-card passwd --reset PIV.80
forget_pin >/dev/null
check 'verify' with_pins 12345678 gpg-card verify PIV.80

# ---- certificates, and gpgsm ----
# request SLOT USAGE: gpgsm asks the key on the card to sign its own request
request()
{
	printf '%s\n' "Key-Type: card:PIV.$1" "Key-Usage: $2" "Name-DN: CN=GnuPG $1" |
		gpgsm --batch --armor --generate-key >"$1.csr" &&
		openssl req -in "$1.csr" -noout -verify && openssl req -in "$1.csr" -noout -pubkey >"$1.pub"
}
# write_certificate SLOT: one for the key, written and read
write_certificate()
{
	certify "$1.pub" "GnuPG $1" "$1.pem" && openssl x509 -in "$1.pem" -outform DER -out "$1.der" &&
		as_admin writecert "PIV.$1" '<' "$1.der" &&
		gpg-card readcert "PIV.$1" '>' "$1.back" && cmp "$1.der" "$1.back"
}
check 'gpgsm: a request for 9A' request 9A sign
check 'writecert, readcert: 9A' write_certificate 9A
check 'gpgsm: a request for 9D' request 9D encrypt
check 'writecert, readcert: 9D' write_certificate 9D
check 'gpgsm --import: the authority' gpgsm --import ca.pem
check 'gpgsm --learn-card' gpgsm --learn-card
same 'gpgsm knows both' 2 "$(gpgsm -K 2>/dev/null | grep -c 'Subject: /CN=GnuPG')"
sign_cms()
{
	gpgsm --disable-crl-checks --sign -u 'CN=GnuPG 9A' -o "$1" message &&
		openssl cms -verify -inform DER -in "$1" -CAfile ca.pem -purpose any -binary -out signed &&
		cmp message signed
}
check 'gpgsm --sign, which OpenSSL verifies' sign_cms message.p7
forget_pin >/dev/null
fails 'gpgsm --sign: not without the PIN' with_pins '' sign_cms none.p7
check 'gpgsm --sign: with it' with_pins 12345678 sign_cms again.p7
decrypt_cms()
{
	openssl cms -encrypt -aes128 -binary -in message -outform DER -out enc 9D.pem &&
		gpgsm --decrypt -o dec enc && cmp message dec
}
check 'gpgsm --decrypt, what OpenSSL encrypted' decrypt_cms

# ---- OpenPGP over the card's keys: 9C asks for the PIN each time ----
# It is checkkeys that tells the agent which keys there are; gpgsm --learn-card above
# takes no certificate of a key the agent knows already.
same 'checkkeys: all four can be used' 4 "$(gpg-card checkkeys 2>&1 | grep -c ' PIV\.9[ACDE] shadowed$')"
keygrip()
{
	gpg-connect-agent 'scd learn --force' /bye | sed -n "s/^S KEYPAIRINFO \([0-9A-F]*\) PIV\.$1 .*/\1/p"
}
# openpgp NAME SUBKEY-TYPE: keys made known to gpg; three signatures
openpgp()
{
	printf '%s\n' 'Key-Type: ECDSA' "Key-Grip: $(keygrip 9C)" 'Key-Usage: sign,cert' \
		"Subkey-Type: $2" "Subkey-Grip: $(keygrip 9D)" 'Subkey-Usage: encrypt' \
		"Name-Real: $1" %no-protection %commit >parameters
	gpg --batch --generate-key parameters
}
three=12345678,12345678,12345678
check 'gpg: an OpenPGP key' with_pins $three openpgp 'First Holder' RSA
sign_openpgp()
{
	rm -f message.gpg
	gpg --batch -u "$1" --sign message && gpg --verify message.gpg
}
check 'gpg --sign with 9C' with_pins 12345678 sign_openpgp 'First Holder'
check 'gpg --sign again: with the PIN again' with_pins 12345678 sign_openpgp 'First Holder'
fails 'gpg --sign: not without' with_pins '' sign_openpgp 'First Holder'
decrypt_openpgp()
{
	rm -f enc.gpg dec
	gpg --batch --trust-model always -r "$1" -o enc.gpg --encrypt message &&
		gpg --batch -o dec --decrypt enc.gpg && cmp message dec
}
check 'gpg --decrypt with 9D' decrypt_openpgp 'First Holder'
check 'generate: P-256 in 9D' as_admin generate --force --algo=nistp256 PIV.9D
check 'checkkeys: the new key' gpg-card checkkeys
check 'gpg: another OpenPGP key' with_pins $three openpgp 'Second Holder' ECDH
check 'gpg --decrypt: ECDH' decrypt_openpgp 'Second Holder'

# ---- ssh ----
ssh_key() { ssh-add -L >keys && head -n 1 keys >ssh.pub && grep -q "^$1 .*cardno:" ssh.pub; }
check 'ssh-add -L: the key in 9A' ssh_key ssh-rsa
check 'it signs' ssh-add -T ssh.pub
check 'generate: P-256 in 9A' as_admin generate --force --algo=nistp256 PIV.9A
check 'ssh-add -L: the new key' ssh_key ecdsa-sha2-nistp256
forget_pin >/dev/null
check 'it signs' with_pins 12345678 ssh-add -T ssh.pub

# ---- what GnuPG offers for YubiKeys only, and does not try here ----
printf 'yes\n' >answer
matches 'factory-reset' 'Not supported' "$(gpg-card factory-reset 2>&1 <answer || :)"
matches 'authenticate --setkey' 'Not supported' \
	"$(as_admin authenticate --setkey A1A2A3A4A5A6A7A8B1B2B3B4B5B6B7B8C1C2C3C4C5C6C7C8 2>&1 || :)"
check 'the management key is what it was' gpg-card authenticate "$default_admin_key"

gpgconf --kill all
check 'destroy the card' mgr destroy /instance 0
same 'no NV index is left' '' "$(nv_indices)"
