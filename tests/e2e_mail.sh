#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Encrypted mail outlives certificates and keys: a certificate is renewed, the
# key behind it is retired, and mail for either is still decrypted, by OpenSSL
# with OpenSC's module.
set -eu
# shellcheck source=tests/opensc.sh
. "$(dirname "${BASH_SOURCE[0]}")/opensc.sh"
swtpm_start
write_conf
pcscd_start
create_card Mail 0
printf 'Subject: keep this\r\n\r\nfor years\r\n' >mail

encrypt() { openssl cms -encrypt -aes256 -binary -in mail -outform DER -out "$1.cms" "$1.pem"; }

# decrypts ID MAIL [CERTIFICATE]
decrypts()
{
	rm -f decrypted
	PKCS11_MODULE_PATH=$module openssl cms -decrypt -binary -inform DER -in "$2.cms" -out decrypted \
		-engine pkcs11 -keyform engine -inkey "pkcs11:id=%$1;type=private?pin-value=12345678" \
		-recip "${3:-$2}.pem" && cmp mail decrypted
}

# ---- renewal: the same key, another certificate ----
admin_session 0
enrol 9D 07 first 'First certificate'
session_close
check 'mail for the first certificate' encrypt first
check 'the key decrypts it' decrypts 03 first

cp first.pub second.pub
admin_session 0
check 'the key gets a second certificate' certify second 'Second certificate'
check 'it is written in the place of the first' put_certificate 9D second
session_close
check 'the card has the second certificate' eval \
	'pkcs15-tool --reader 0 --read-certificate 03 | openssl x509 -outform DER | cmp second.der -'
check 'mail for the second certificate' encrypt second
check 'the key decrypts it' decrypts 03 second
check 'the key decrypts the mail for the first certificate' decrypts 03 first

# ---- retirement: the key moves, with its certificate, and a new one takes its place ----
# retire REFERENCE N OLD NEW ALGORITHM: the key in 9D goes there, so that N are
# retired, with its certificate OLD; a key of that algorithm, with certificate
# NEW, takes its place.
retire()
{
	local reference=$1 n=$2 old=$3 new=$4 algorithm=$5
	admin_session 0
	expect_sw "9D is moved to $reference" 9000 "00F6${reference}9D"
	expect_sw 'no key is left in 9D' 6A88 "0087079D047C028200" 00
	check 'its certificate goes with it' put_certificate "$reference" "$old"
	check 'the key history knows' key_history "$n"
	enrol 9D "$algorithm" "$new" "$new"
	session_close
	check "mail for the $new certificate" encrypt "$new"
}

retire 82 1 second third 07
objects=$(pkcs11-tool --module "$module" --slot-index 0 --login --pin 12345678 -O 2>&1)
matches 'OpenSC shows the retired certificate' 'Second certificate' "$objects"
matches 'OpenSC shows the retired key' 'Retired KEY MAN 1' "$objects"
check 'the new key decrypts its mail' decrypts 03 third
check 'the retired key decrypts the mail for the second certificate' decrypts 05 second
check 'the retired key decrypts the mail for the first certificate' decrypts 05 first
fails 'the new key does not' decrypts 03 second

# ---- and again, to keys on curves ----
retire 83 2 third fourth 14
check 'the P-384 key decrypts its mail' decrypts 03 fourth
check 'the second retired key decrypts' decrypts 06 third
check 'the first retired key decrypts' decrypts 05 first
retire 84 3 fourth fifth 11
check 'the P-256 key decrypts its mail' decrypts 03 fifth
check 'the retired P-384 key decrypts its mail' decrypts 07 fourth

# ---- none of it is a process's memory ----
pcscd_kill
swtpm_kill
swtpm_start
pcscd_start
wait_for 5 card_in 0 || die 'the card is back'
for mail in 03:fifth 05:first 05:second 06:third 07:fourth; do
	check "after a crash, the mail for the ${mail#*:} certificate" decrypts ${mail%:*} ${mail#*:}
done
