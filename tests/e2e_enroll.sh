#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Enrolment: from the manual's own example to a login with the card over ssh,
# every slot, renewal that keeps old mail readable, and refusals that change
# nothing.
set -eu
# shellcheck source=tests/opensc.sh
. "$(dirname "${BASH_SOURCE[0]}")/opensc.sh"
need_packages openssh-server
swtpm_start
write_conf 'spare_slots = 3'
pcscd_start
pin=24681357
tool=$prefix/sbin/tpmvscmgr

# enroll ARGUMENT...: with the PIN on standard input; what it says is in enroll.log.
enroll() { printf '%s\n' "$pin" | mgr enroll "$@" 2>enroll.log; }

# refused WHAT STATUS PATTERN ARGUMENT...: it says so, and the cards are as they were.
refused()
{
	local what=$1 want=$2 pattern=$3 before got=0
	shift 3
	before=$(cards)
	printf '%s\n' "${typed-$pin}" | mgr enroll "$@" >refused.out 2>enroll.log || got=$?
	same "$what: refused" "$want" "$got"
	matches "$what: says why" "$pattern" "$(grep '^tpmvscmgr: ' enroll.log)"
	same "$what: nothing comes out" '' "$(cat refused.out)"
	same "$what: the cards are as they were" "$before" "$(cards)"
}

# All there is of the cards, as text that changes when any of it does.
cards() { { (cd "$state" && find . -type f -not -name '.*' -exec sha256sum {} + | sort); nv_indices; } | sha256sum; }

# issue NAME: the authority answers NAME.csr with NAME.pem, as asked for.
issue()
{
	openssl req -in "$1.csr" -noout -verify 2>&1 &&
		openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -copy_extensions copyall \
			-days 30 -out "$1.pem" 2>&1
}

# read_back NUMBER ID NAME: the card in OpenSC's reader has that certificate.
read_back()
{
	pkcs15-tool --reader "$1" --read-certificate "$2" 2>/dev/null |
		openssl x509 -outform DER | cmp - <(openssl x509 -in "$3.pem" -outform DER)
}

# ---- the manual's own example: nobody knows the administrator key ----
id=$(printf '%s\n' "$pin" | mgr create /name "VirtualSmartCardForCorpAccess" /AdminKey RANDOM /PIN PROMPT /g 2>create.log) ||
	die "create: $(cat create.log)"
same 'the card of the example' 'ROOT\SMARTCARDREADER\0000' "$id"
wait_for 5 card_in 0 || die 'it is in its reader'
check '9A: the PIN alone makes a key and a request' enroll /instance "$id" --slot 9A \
	--subject 'CN=Alice,O=Example' --alt-name upn:alice@EXAMPLE.ORG -o alice.csr
matches 'it tells what comes next' "tpmvscmgr enroll /instance 0 --slot 9A --install" "$(cat enroll.log)"
check 'the authority takes the request' issue alice
text=$(openssl x509 -in alice.pem -noout -subject -ext keyUsage,extendedKeyUsage,subjectAltName)
matches 'the subject' 'O = Example, CN = Alice' "$text"
matches 'the key usage' 'Digital Signature' "$text"
matches 'the extended key usage' 'Client Authentication, .*Smartcard' "$text"
matches 'the UPN' 'UPN::alice@EXAMPLE.ORG' "$text"
check '--install puts the certificate in' enroll /instance "$id" --slot 9A --install alice.pem
check 'it is read back' read_back 0 01 alice
check 'openssl verify' openssl verify -CAfile ca.pem alice.pem

# ---- a login with it ----
ssh-keygen -q -t ed25519 -N '' -f host
sshd_start "$scratch/host" "$scratch/authorized"
echo "[127.0.0.1]:$port $(cat host.pub)" >known
printf '#!/bin/sh\necho %s\n' "$pin" >askpass
printf '#!/bin/sh\necho 87654321\n' >askpass-wrong
chmod +x askpass askpass-wrong
log_in()
{
	SSH_ASKPASS=$scratch/$1 SSH_ASKPASS_REQUIRE=force ssh -I "$module" -F none -p "$port" \
		-o UserKnownHostsFile="$scratch/known" -o IdentityAgent=none -o LogLevel=ERROR \
		-o PreferredAuthentications=publickey root@127.0.0.1 echo logged in 2>ssh.log </dev/null
}
check 'ssh-keygen -D shows the public key' eval "ssh-keygen -D $module 2>/dev/null >authorized"
same 'one of the kind that was asked for' 'ecdsa-sha2-nistp256' "$(cut -d ' ' -f 1 authorized)"
same 'ssh -I logs in with the card' 'logged in' "$(log_in askpass || cat ssh.log)"
fails 'but not with a wrong PIN' log_in askpass-wrong
check 'the right one gives the tries back' eval "log_in askpass"
sshd_stop

# ---- renewal: old mail still opens ----
printf 'Subject: keep this\r\n\r\nfor years\r\n' >mail
encrypt() { openssl cms -encrypt -aes256 -binary -in mail -outform DER -out "$1.cms" "$1.pem"; }

# opens MAIL ID...: with a key of one of these IDs in OpenSC
opens()
{
	local mail=$1 ref
	shift
	for ref; do
		rm -f decrypted
		PKCS11_MODULE_PATH=$module openssl cms -decrypt -binary -inform DER -in "$mail.cms" \
			-out decrypted -engine pkcs11 -keyform engine \
			-inkey "pkcs11:id=%$ref;type=private?pin-value=$pin" -recip "$mail.pem" &&
			cmp mail decrypted && return
	done
	return 1
}

# enrol_9d NAME [ARGUMENT...]
enrol_9d()
{
	local name=$1
	shift
	check "9D: the request $name" enroll /instance 0 --slot 9D --subject "CN=$name" -o "$name.csr" "$@"
	check "9D: the authority takes it" issue "$name"
}
install_9d()
{
	check "9D: the certificate $1" mgr_pin --slot 9D --install "$1.pem"
	check "9D: mail for $1" encrypt "$1"
	check "9D: opens with the key in 9D" opens "$1" 03
}
mgr_pin() { enroll /instance 0 "$@"; }
enrol_9d first --algorithm RSA2048
install_9d first
enrol_9d lost --algorithm ECCP384
matches '9D: the old key moves' 'from 9D to 82' "$(cat enroll.log)"
check '9D: mail for first opens with the retired key, before there is a new certificate' opens first 05
check '9D: its certificate is with it' read_back 0 05 first
enrol_9d second --algorithm ECCP384
matches '9D: a key that got no certificate is replaced' 'which has no certificate' "$(cat enroll.log)"
refused '9D: the certificate of the replaced one' 1 'no certificate of the key' \
	/instance 0 --slot 9D --install lost.pem
install_9d second
check '9D: mail for first still opens' opens first 05
same '9D: one key is retired' '82' "$(mgr list | grep -oE '\<(8[2-9]|9[0-5]):' | tr -d ':\n')"

# Cut off in the middle, wherever that is: mail opens, and the next run ends it.
# cut_off tool|pcscd SECONDS
cut_off()
{
	local pid
	printf '%s\n' "$pin" >pin
	"$tool" enroll /quiet /instance 0 --slot 9D --subject CN=killed -o killed.csr --pin-file pin \
		--config "$conf" >/dev/null 2>&1 </dev/null &
	pid=$!
	sleep "$2"
	if [ "$1" = tool ]; then
		kill -9 "$pid" 2>/dev/null || :
	else
		pcscd_kill
		pcscd_start
		wait_for 5 card_in 0 || die 'the card is back'
	fi
	wait "$pid" 2>/dev/null || :
}
last=second retired=06
for what in 'tool 0.03' 'pcscd 0.05' 'tool 0.06' 'pcscd 0.08' 'tool 0.1'; do
	# shellcheck disable=SC2086
	cut_off $what
	next=${what/ /-}
	check "killed, $what: mail for $last opens" opens "$last" 03 "$retired"
	enrol_9d "$next"
	check "killed, $what: mail for $last opens with the retired key" opens "$last" "$retired"
	install_9d "$next"
	last=$next
	retired=$(printf '%02d' $((10#$retired + 1)))
done
check 'mail for first still opens' opens first 05
same 'each key is retired once, in order' '82 83 84 85 86 87 ' \
	"$(mgr list | grep -oE '\<(8[2-9]|9[0-5]):' | tr ':\n' ' ' | tr -s ' ')"

# Cut off while it holds the card with the PIN proven: that goes with it.
printf '%s\n' "$pin" >pin
: >killed.log
"$tool" enroll /instance 0 --slot 9C --subject CN=killed --algorithm RSA3072 --pin-file pin \
	--config "$conf" >/dev/null 2>killed.log </dev/null &
killed=$!
check 'a key is being made' wait_for 10 grep -q 'Making the key' killed.log
kill_process "$killed" 2>/dev/null
session_open 0
apdu 00200080
matches 'killed then: the next one at the card has to prove the PIN anew' '^63C[1-9]$' "$sw"
session_close

# ---- a managed card: the key everybody knows, then one that is typed ----
printf '%s\n' "$pin" | mgr create /quiet /name Managed /AdminKey DEFAULT /PIN PROMPT /g >/dev/null 2>create.log ||
	die "create: $(cat create.log)"
printf '%s\n' 000102030405060708090a0b0c0d0e0f "$pin" | mgr create /quiet /name Typed \
	/AdminKey PROMPT --admin-algorithm AES128 /PIN PROMPT /g >/dev/null 2>create.log || die "create: $(cat create.log)"
wait_for 5 card_in 2 || die 'the cards are in their readers'
typed_both() { printf '%s\n' 000102030405060708090a0b0c0d0e0f "$pin" | mgr enroll /instance 2 "$@" 2>enroll.log; }
check 'the key is asked for first, then the PIN' typed_both --slot 9A --subject CN=Typed -o typed.csr
check 'its request' issue typed
check '--install wants the key and no PIN' eval \
	"echo 000102030405060708090a0b0c0d0e0f | mgr enroll /quiet /instance 2 --slot 9A --install typed.pem"
typed=000102030405060708090a0b0c0d0eff refused 'a wrong administrator key' 6 'administrator key is wrong' \
	/instance 2 --slot 9A --install typed.pem
check '--install of the default key asks for nothing' eval \
	"enroll /instance 1 --slot 9E --subject CN=x --self-signed -o x.pem && mgr enroll /instance 1 --slot 9E --install x.pem </dev/null"
(umask 077 && printf '%s\n' 0102030405060708010203040506070801020304050607FF >other.key)
refused 'another key than the default one is not passed over' 6 'administrator key is wrong' \
	/instance 1 --slot 9E --install x.pem --admin-key-file other.key

# ---- every slot, every algorithm ----
# enrol_slot SLOT ID ALGORITHM SUBJECT-OPTION...
enrol_slot()
{
	local slot=$1 ref=$2 algorithm=$3
	shift 3
	check "$slot, $algorithm: a request" enroll /instance 1 --slot "$slot" --algorithm "$algorithm" \
		-o "$slot.csr" --no-history "$@"
	check "$slot, $algorithm: the authority takes it" issue "$slot"
	check "$slot, $algorithm: --install" mgr enroll /instance 1 --slot "$slot" --install "$slot.pem"
	check "$slot, $algorithm: read back" read_back 1 "$ref" "$slot"
}
enrol_slot 9A 01 ECCP384 --subject '/C=DE/O=Example/CN=host.example.org' --alt-name dns:host.example.org
enrol_slot 9C 02 RSA2048 --subject 'CN=Signer,O=Example' --alt-name email:alice@example.org
enrol_slot 9D 03 ECCP256 --subject 'CN=Reader,O=Example' --pin-rule ALWAYS
enrol_slot 9E 04 RSA2048 --subject 'UID=42,CN=J\C3\BCrgen,O=Example'
matches '9C is for signatures that bind' 'Digital Signature, Non Repudiation' "$(openssl x509 -in 9C.pem -noout -ext keyUsage)"
matches '9C with an address is for mail' 'E-mail Protection' "$(openssl x509 -in 9C.pem -noout -ext extendedKeyUsage)"
matches '9D, ECC: key agreement' 'Key Agreement' "$(openssl x509 -in 9D.pem -noout -ext keyUsage)"
matches '9A, P-384: SHA-384' 'ecdsa-with-SHA384' "$(openssl req -in 9A.csr -noout -text)"
matches 'the rule that was asked for' '9d:P-256' "$(mgr list)"
check '9E needs no PIN' eval \
	"mgr enroll /instance 1 --slot 9E --subject CN=x --no-history -o none.csr </dev/null"
same 'a request on standard output' '-----BEGIN CERTIFICATE REQUEST-----' \
	"$(enroll /quiet /instance 1 --slot 9E --subject CN=x | head -n 1)"
same '/quiet says nothing' '' "$(cat enroll.log)"
check 'self-signed' enroll /instance 1 --slot 9A --subject 'CN=Self' --self-signed --days 3 -o self.pem
check 'it is its own anchor' openssl verify -CAfile self.pem self.pem
check 'it is on the card at once' read_back 1 01 self
same 'for as long as was asked' "$(date -u -d '3 days' +%F)" \
	"$(date -u -d "$(openssl x509 -in self.pem -noout -enddate | cut -d= -f2)" +%F)"
matches 'the certificate before it stays on the card, with its key' '82:P-384' "$(mgr list)"

# ---- no place for another retired key ----
renew_9e() { mgr enroll /quiet /instance 1 --slot 9E --subject "CN=$1" --self-signed -o 9e.pem </dev/null 2>enroll.log; }
n=0
while renew_9e "$n" && [ $n -lt 30 ]; do n=$((n + 1)); done
matches 'all places get used' '82:.* 95:' "$(mgr list)"
refused 'one more' 7 'with --no-history' /instance 1 --slot 9E --subject CN=more
check '--no-history: the old key goes' enroll /instance 1 --slot 9E --subject CN=more --no-history -o more.csr
fails 'its certificate, too' pkcs15-tool --reader 1 --read-certificate 04

# ---- a user without any rights ----
install -d -o 65534 -g 65534 nobody
nobody() { printf '%s\n' "${typed-$pin}" | setpriv --reuid=65534 --regid=65534 --clear-groups "$tool" "$@" --config "$conf" 2>enroll.log; }
fails 'nobody sees nothing of the state directory' setpriv --reuid=65534 --regid=65534 --clear-groups ls "$state"
check 'nobody: a request' nobody enroll /instance 0 --slot 9C --subject CN=Nobody --algorithm RSA2048 -o nobody/9c.csr
check 'nobody: the authority takes it' issue nobody/9c
check 'nobody: --install' nobody enroll /instance 0 --slot 9C --install nobody/9c.pem
check 'nobody: read back' read_back 0 02 nobody/9c
same 'nobody: may not write anywhere' 5 \
	"$(nobody enroll /instance 0 --slot 9C --subject CN=Nobody -o /var/nobody.csr >&2; echo $?)"
same 'nobody: a wrong PIN' 6 "$(typed=11111111; nobody enroll /instance 0 --slot 9C --subject CN=Nobody >&2; echo $?)"
matches 'nobody: how many tries are left' '4 tries are left' "$(cat enroll.log)"
check 'nobody: the right one' nobody enroll /quiet /instance 0 --slot 9C --subject CN=Nobody -o nobody/again.csr

# ---- what is refused changes nothing ----
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout foreign.key -out foreign.pem -days 9 \
	-subj /CN=foreign 2>/dev/null
printf 'this is none\n' >text
head -c 70000 /dev/zero >zeros
some=(/instance 0 --slot 9A)
refused 'an unknown attribute' 2 'Role: is no attribute' "${some[@]}" --subject 'CN=a,Role=b'
refused 'an empty subject' 2 '--subject' "${some[@]}" --subject ''
refused 'a control character' 2 'cannot be printed' "${some[@]}" --subject $'CN=a\e[31m'
refused 'an alternative name of no kind' 2 '--alt-name: wants' "${some[@]}" --subject CN=a --alt-name alice
refused 'a directory for an output' 1 'Is a directory' "${some[@]}" --subject CN=a -o nobody
refused 'an output nowhere' 1 'No such file' "${some[@]}" --subject CN=a -o no/where
refused 'no such card' 3 'no card' /instance 7 --slot 9A --subject CN=a
refused 'an algorithm this TPM lacks' 1 'does not offer keys' "${some[@]}" --subject CN=a --algorithm RSA4096
refused 'a certificate of another key' 1 'no certificate of the key' "${some[@]}" --install foreign.pem
refused 'no certificate' 1 'no certificate in PEM or DER' "${some[@]}" --install text
refused 'a file that is too long' 1 'too long' "${some[@]}" --install zeros
refused 'no file' 1 'No such file' "${some[@]}" --install no.pem
refused 'a slot without a key' 1 'no key 9E' /instance 0 --slot 9E --install foreign.pem
typed=11111111 refused 'a wrong PIN' 6 'PIN is wrong; 4 tries are left' "${some[@]}" --subject CN=a
typed='' refused 'no PIN' 6 'PIN' "${some[@]}" --subject CN=a
same 'no output file is left' '' "$(ls no.csr 2>/dev/null)"
before=$(cards)
same 'standard output is closed' 1 "$(enroll "${some[@]}" --subject CN=a >&-; echo $?)"
same 'the cards are as they were' "$before" "$(cards)"
printf 'old\n' >old.csr
typed=11111111 refused 'a wrong PIN again' 6 'PIN is wrong; 3 tries are left' "${some[@]}" --subject CN=a -o old.csr
same 'an output file that was there is as it was' old "$(cat old.csr)"

# ---- what is not ----
cat foreign.pem ca.pem alice.pem foreign.pem >chain.pem
check 'one of several certificates' enroll "${some[@]}" --install chain.pem
openssl x509 -in alice.pem -outform DER -out alice.der
check 'DER' enroll "${some[@]}" --install alice.der
check 'from standard input, with the PIN from a file' eval \
	"echo $pin >pin && mgr enroll ${some[*]} --install - --pin-file pin <alice.pem"
check 'it is the one on the card' read_back 0 01 alice
openssl x509 -in alice.pem -noout -pubkey >alice.pub
openssl x509 -new -force_pubkey alice.pub -subj /CN=old -CA ca.pem -CAkey ca.key -days -1 -out expired.pem
check 'one that has expired' enroll "${some[@]}" --install expired.pem
matches 'is warned of' 'has expired' "$(cat enroll.log)"
printf '%s\n' '[ca]' 'default_ca = x' '[x]' 'database = index' 'rand_serial = yes' 'new_certs_dir = .' 'policy = p' \
	'default_md = sha256' '[p]' 'commonName = supplied' >ca.conf
: >index
openssl ca -batch -config ca.conf -cert ca.pem -keyfile ca.key -startdate 20990101000000Z \
	-enddate 20991231000000Z -in alice.csr -out future.pem 2>ca.log
check 'one for later' enroll "${some[@]}" --install future.pem
matches 'is warned of' 'not valid yet' "$(cat enroll.log)"
same 'an output that is full' 7 "$(enroll "${some[@]}" --subject CN=a -o /dev/full; echo $?)"
matches 'what to do then' 'has a new key.*run the command again' "$(cat enroll.log)"
check 'run again' enroll "${some[@]}" --subject CN=a -o old.csr
check 'a file that was there is overwritten' openssl req -in old.csr -noout -verify

# ---- without pcscd ----
pcscd_stop
check 'root needs no pcscd' enroll /instance 0 --slot 9A --subject CN=Direct -o direct.csr
check 'the authority takes it' issue direct
check 'nor does --install' enroll /instance 0 --slot 9A --install direct.pem
same 'nobody does' 5 "$(nobody enroll /instance 0 --slot 9A --subject CN=Nobody >&2; echo $?)"
pcscd_start
wait_for 5 card_in 0 || die 'the card is back'
check 'it is read back' read_back 0 01 direct
