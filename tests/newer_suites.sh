#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A newer yubico-piv-tool than this Debian's, built from a later Debian's source:
# what the older one cannot do itself (it signs certificates, knows AES), and
# the library's and the PKCS#11 module's own tests of a token.  A command of its
# own, sudo tests/newer_suites.sh: what a later Debian has is not ours to rely on.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages "${yubico_new_packages[@]}"
cd "$scratch"
install_private

# ---- the source: by a list of our own, from where the system's packages come ----
# Lists and archives are in the scratch directory; what the system has of them is not touched.
fetch()
{
	local suite apt=(-o "Dir::Etc::sourcelist=$PWD/yubico/sources.list" -o Dir::Etc::sourceparts=-
		-o "Dir::State::lists=$PWD/yubico/lists" -o "Dir::Cache=$PWD/yubico/cache")
	mkdir -p yubico/lists/partial yubico/cache/archives/partial yubico/source
	for suite in trixie sid; do
		apt-cache madison yubico-piv-tool | awk -v suite=$suite \
			'$6 ~ "/main$" { print "deb-src", $5, suite, "main" }' | sort -u >yubico/sources.list
		cat yubico/sources.list
		test -s yubico/sources.list && apt-get "${apt[@]}" update &&
			(cd yubico/source && apt-get "${apt[@]}" source --only-source yubico-piv-tool) && return
		rm -rf yubico/source/*
	done
	return 1
}

# leave_out FILE TEST...: the suite does not run them, and still compiles them
leave_out()
{
	local file=$1 name
	shift
	for name in "$@"; do
		sed -i -E "s/^  tcase_add_test\(tc, test_$name\)/  (void)test_$name/; s/^  test_$name\(\);/  (void)test_$name;/" "$file"
		grep -q "(void)test_$name;" "$file" || return
	done
}

# The suites are for a YubiKey 5.7 fresh from the factory, whose data they destroy.
# What they want that no other card can have is left out:
#   reset           it sets numbers of tries, and knows Yubico's
#   devicemodel     it wants a YubiKey's ATR and reader
#   import_key, pin_policy_always, pin_cache
#                   RSA-4096, and an answer that the library itself does not give
#   generate_key, find_objects
#                   attestation, by Yubico's certificates
#   encrypt_RSA     RSA-1024 written into what it compares; nothing of it is on the card
#   token_info      a YubiKey's model
# and otherwise RSA-1024 becomes RSA-2048, policies that want a touch are not
# tried, fewer slots are, since e2e_many.sh fills them all, and nothing is done
# four times.
tailor()
{
	local lib=lib/tests/api.c p11=ykcs11/tests/ykcs11_tests.c util=ykcs11/tests/ykcs11_tests_util.c
	# A later compiler's warnings are no errors, and there need be no C++ compiler.
	sed -i 's/ -Werror//; s/^project (yubico-piv-tool)/project (yubico-piv-tool C)/' CMakeLists.txt &&
		leave_out $lib reset devicemodel import_key pin_policy_always pin_cache generate_key &&
		leave_out $p11 encrypt_RSA find_objects &&
		sed -i -E '
			s/if \(test_token_info\(\) != 0\)/if (0 \&\& test_token_info() != 0)/
			/test_(generate|import|sign)_rsa\(1024/d
			s/(test_(pub|priv)key_attributes_rsa\(.*), 1024, (.*), 128,/\1, 2048, \3, 256,/
			s/(_rsa_keys?\(funcs, session), 1024/\1, 2048/
			s/YKPIV_TOUCHPOLICY_ALWAYS, YKPIV_TOUCHPOLICY_CACHED, //
			s/(define N_ALL_KEYS +)24/\16/
			s/is_neo \? N_SELECTED_KEYS : N_ALL_KEYS/N_SELECTED_KEYS/' $p11 &&
		sed -i 's/enc+108, 20,/enc+108, enc_len-108,/; s/ j < 4;/ j < 1;/' $util
}

build()
{
	cd "$source" && tailor && mkdir build && cd build &&
		cmake -DCMAKE_BUILD_TYPE=Release -DENABLE_HARDWARE_TESTS=ON -DGENERATE_MAN_PAGES=OFF .. &&
		make -j"$(nproc)" yubico-piv-tool ykcs11_shared test_api test_ykcs11
}

check 'the source' fetch
source=$(find "$PWD/yubico/source" -mindepth 1 -maxdepth 1 -type d)
check 'build' eval '(build)'
new=$source/build
[ -x "$new/tool/yubico-piv-tool" ] || die 'there is no program'

# ---- the suites, on a card as they expect one ----
swtpm_start
write_conf 'spare_slots = 2'
pcscd_start
printf '123456\n12345678\n' | mgr create /name Suites /AdminKey DEFAULT /PIN PROMPT /PUK PROMPT \
	/pinpolicy minlen 6 --admin-unblock no /generate >/dev/null 2>create.log ||
	die "create: $(cat create.log)"
wait_for 5 card_in 0 || die 'the card is in its reader'

# They ask a script three directories up whether it is meant, and one tells on descriptor 0 how far it is.
here=run/there/is/here
mkdir -p $here run/tools
printf '#!/bin/sh\n' >run/tools/confirm.sh
chmod +x run/tools/confirm.sh
# suite PROGRAM
suite()
{
	(cd $here && YKPIV_ENV_HWTESTS_CONFIRMED=1 timeout 300 "$new/$1" 0>ended >out 2>err) && return
	tail -n 3 $here/err
	return 1
}
check 'the library: it ends well' suite lib/tests/test_api
for name in authenticate change_pin change_puk get_set_cardid list_readers \
	read_write_list_delete_cert allocator; do
	matches "the library: $name" ":P:api:test_$name:0: Passed$" "$(cat $here/out)"
done
check 'the module: it ends well' suite ykcs11/tests/test_ykcs11
for name in initalize mechanism_list_and_info session multiple_sessions max_multiple_sessions login \
	login_order digest generate_eccp256 generate_eccp384 generate_rsakeys \
	generate_eccp256_with_policy import_eccp256 import_eccp384 import_rsakeys \
	import_rsa_with_policy sign_eccp256 sign_eccp384 sign_rsakeys decrypt_RSA key_attributes; do
	matches "the module: $name" "^TEST END: test_$name\(\)" "$(cat $here/ended)"
done
check 'destroy the card' mgr destroy /instance 0

# ---- the program ----
pin=12345678 key=$default_admin_key
ypt() { "$new/tool/yubico-piv-tool" -r "$(reader 0)" --key="$key" "$@"; }
with_pin() { ypt -a verify-pin -P "$pin" "$@"; }
mgr create /name New /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT --allow-reset /generate >/dev/null \
	2>create.log || die "create: $(cat create.log)"
wait_for 5 card_in 0 || die 'the new card is in its reader'
matches 'version' '5\.4\.3' "$(ypt -a version 2>&1)"

# self_signed SLOT HASH: a certificate that the slot's key has signed
self_signed()
{
	with_pin -a selfsign-certificate -s "$1" -S "/CN=Self $1/O=Tests/" -H "$2" --valid-days 20 \
		-i "$1.pub" -o "$1.pem" &&
		openssl verify -check_ss_sig -CAfile "$1.pem" "$1.pem" &&
		openssl x509 -in "$1.pem" -noout -subject | grep -qx "subject=CN = Self $1, O = Tests" &&
		openssl x509 -in "$1.pem" -noout -pubkey | cmp - "$1.pub"
}
# request SLOT HASH
request()
{
	with_pin -a request-certificate -s "$1" -S "/CN=Request $1/" -H "$2" -i "$1.pub" -o "$1.csr" &&
		openssl req -in "$1.csr" -noout -verify &&
		openssl req -in "$1.csr" -noout -subject | grep -qx "subject=CN = Request $1" &&
		openssl req -in "$1.csr" -noout -pubkey | cmp - "$1.pub"
}
read_back()
{
	ypt -a read-public-key -s "$1" -o "$1.out" && cmp "$1.pub" "$1.out" &&
		ypt -a read-certificate -s "$1" -o "$1.out" && cmp "$1.pem" "$1.out"
}
# enrol SLOT ALGORITHM HASH
enrol()
{
	check "generate: $2 in $1" ypt -a generate -s "$1" -A "$2" -o "$1.pub"
	check "selfsign-certificate, $3" self_signed "$1" "$3"
	check "request-certificate, $3" request "$1" "$3"
	check 'import-certificate' ypt -a import-certificate -s "$1" -i "$1.pem"
	check 'read-public-key, read-certificate' read_back "$1"
	check 'test-signature' with_pin -a test-signature -s "$1" -i "$1.pem"
	check 'test-decipher' with_pin -a test-decipher -s "$1" -i "$1.pem"
}
enrol 9a RSA2048 SHA256
enrol 9c ECCP256 SHA512
enrol 9d ECCP384 SHA384
enrol 82 ECCP256 SHA256
check 'RSA signs with SHA512' self_signed 9a SHA512
status=$(ypt -a status 2>&1)
for slot in 9a:RSA2048 9c:ECCP256 9d:ECCP384 82:ECCP256; do
	matches "status: ${slot%:*}" "Private Key Algorithm:.${slot#*:}$" \
		"$(grep -A 1 "^Slot ${slot%:*}" <<<"$status")"
done
import()
{
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out 83.key 2>/dev/null
	openssl req -x509 -new -key 83.key -subj /CN=Imported -days 20 -out 83.pem
	openssl pkcs12 -export -inkey 83.key -in 83.pem -passout pass:secret -out 83.p12
	openssl pkey -in 83.key -pubout -out 83.pub
	ypt -a import-key -a import-certificate -s 83 -A RSA2048 -K PKCS12 -p secret -i 83.p12 &&
		ypt -a read-public-key -s 83 -o 83.out && cmp 83.pub 83.out && request 83 SHA256
}
check 'PKCS#12: key and certificate' import
for algorithm in RSA1024 ED25519 X25519; do
	refuse "$algorithm is refused" 1 ypt -a generate -s 9e -A $algorithm -o none.pub
done
# Keys are moved and deleted with a version that also has Ed25519; this one says 5.4.3.
for action in move-key delete-key; do
	refuse "$action: the program itself does not try" 1 ypt -a $action -s 9a --to-slot 84
done
refuse 'attest: the card has no attestation key' 1 ypt -a attest -s 9a
refuse 'verify-bio: no fingers' 1 ypt -a verify-bio
refuse 'pin-retries: not on this card' 1 with_pin -a pin-retries --pin-retries 3 --puk-retries 3
check 'and PIN and tries are what they were' \
	eval 'with_pin && mgr list | grep -qE "ready +5 left +5 left"'

# change_key ALGORITHM KEY: the new one is right, the old one wrong
change_key()
{
	local old=$key
	check "set-mgm-key: $1" ypt -a set-mgm-key -m "$1" -n "$2"
	refuse "$1: the old key is wrong" 1 ypt -a set-chuid
	key=$2
	check "$1: the new one is right" ypt -a set-ccc
	[ "$old" != "$key" ] || not_ok "$1: they are the same"
}
change_key TDES A1A2A3A4A5A6A7A8B1B2B3B4B5B6B7B8C1C2C3C4C5C6C7C8
change_key AES192 0102030405060708090A0B0C0D0E0F101112131415161718
change_key TDES $default_admin_key
refuse 'a key that wants a touch is refused' 1 \
	ypt -a set-mgm-key -m AES192 -n $default_admin_key --touch-policy always
change_key AES128 0102030405060708090A0B0C0D0E0F10
# It is in the TPM for good, where nobody can read it, and only the old key's owner
# can let what it may do to the PIN follow a new one: 6985.
refuse 'set-mgm-key: not from here' 1 ypt -a set-mgm-key -m TDES -n $default_admin_key
check 'the key is still right' ypt -a set-chuid
check 'and keys are what they were' request 9a SHA256

block()
{
	local n
	for n in 1 2 3 4 5; do
		ypt -a verify-pin -P "0000000$n"
		ypt -a change-puk -P "0000000$n" -N 11111111
	done
	! with_pin
}
check 'PIN and PUK are blocked' block
check 'reset' ypt -a reset
key=$default_admin_key
check 'the PIN is the default' with_pin
status=$(ypt -a status 2>&1)
matches 'status, after it' '^PIN tries left:.5$' "$status"
fails 'no certificate is left' grep -q 'Subject' <<<"$status"
check 'the management key is the default' ypt -a generate -s 9a -A ECCP256 -o 9a.pub
check 'and signs' self_signed 9a SHA256
check 'destroy the card' mgr destroy /instance 0
same 'no NV index is left' '' "$(nv_indices)"
same 'no persistent key is left' '' "$(tpm2_getcap handles-persistent)"
