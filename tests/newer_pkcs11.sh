#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Programs that reach the card through a newer OpenSC's PKCS#11 module: OpenSSH 10,
# OpenSSL 3.5's provider, p11-kit, GnuTLS, NSS.  Run by tests/newer.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
cd "$scratch"
install_private

pin=12345678
printf '%s\n' $pin >pin
chmod 0600 pin
module=$(find /usr/lib -name opensc-pkcs11.so -print -quit)
ypt() { yubico-piv-tool -r "$(reader 0)" "$@"; }
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
	-subj '/CN=tests' -days 30 >ca.log 2>&1
enrol()
{
	ypt -a generate -s "$1" -A "$2" -o "$1.pub" &&
		openssl x509 -new -force_pubkey "$1.pub" -subj "/CN=Holder $1" -CA ca.pem -CAkey ca.key \
			-days 30 -out "$1.pem" &&
		ypt -a import-certificate -s "$1" -i "$1.pem"
}
printf 'what is signed\n' >message

swtpm_start
write_conf 'spare_slots = 2'
pcscd_start
mgr create /name Programs /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT /generate >/dev/null 2>create.log ||
	die "create: $(cat create.log)"
check 'the card is in its reader' wait_for 5 card_in 0
check 'a key in 9a' enrol 9a RSA2048
check 'a key in 9c' enrol 9c ECCP384
check 'a key in 9d' enrol 9d RSA2048
check 'a key in 9e' enrol 9e ECCP256
token='pkcs11:token=Holder%209a'

# ---- p11-kit, and GnuTLS through it ----
matches 'p11-kit list-modules: the token' '^ *token: Holder 9a$' "$(p11-kit list-modules 2>&1)"
same 'p11-kit list-objects: the certificates' 4 \
	"$(p11-kit list-objects "$token;type=cert" 2>/dev/null | grep -c '^Object:')"
same 'p11-kit export-object' "$(cat 9c.pem)" "$(p11-kit export-object "$token;id=%02;type=cert" 2>/dev/null)"
export GNUTLS_PIN=$pin
for id in 01 02 04; do
	check "p11tool --test-sign: $id" p11tool --login --test-sign "$token;id=%$id;type=private"
done

# ---- OpenSSL's provider ----
cat >openssl.cnf <<-END
	openssl_conf = all
	[all]
	providers = some
	[some]
	default = own
	pkcs11 = tokens
	[own]
	activate = 1
	[tokens]
	activate = 1
	pkcs11-module-path = $module
	pkcs11-module-token-pin = file:$scratch/pin
END
with_card() { OPENSSL_CONF=$scratch/openssl.cnf openssl "$@"; }
# sign ID SLOT HASH
sign()
{
	with_card dgst -"$3" -sign "$token;id=%$1;type=private" -out sig message &&
		openssl dgst -"$3" -verify "$2.pub" -signature sig message
}
check 'the provider signs: RSA' sign 01 9a sha256
check 'P-384, which asks for the PIN each time' sign 02 9c sha384
check 'P-256' sign 04 9e sha256
request()
{
	with_card req -new -key "$token;id=%$1;type=private" -subj "/CN=Request $1" -out csr.pem &&
		openssl req -in csr.pem -noout -verify && openssl req -in csr.pem -noout -pubkey | cmp - "$2.pub"
}
check 'a request: RSA' request 01 9a
check 'a request: P-384' request 02 9c
sign_cms()
{
	with_card cms -sign -nodetach -binary -in message -signer 9a.pem -inkey "$token;id=%01;type=private" \
		-outform DER -out sig.p7 &&
		openssl cms -verify -binary -inform DER -in sig.p7 -CAfile ca.pem -purpose any -out back &&
		cmp message back
}
check 'CMS: sign' sign_cms
decrypt_cms()
{
	openssl cms -encrypt -binary -aes128 -in message -outform DER -out enc 9d.pem &&
		with_card cms -decrypt -binary -inform DER -in enc -recip 9d.pem \
			-inkey "$token;id=%03;type=private" -out back &&
		cmp message back
}
check 'CMS: decrypt' decrypt_cms

# TLS with a client's certificate: what a browser does.
tls()
{
	local server status=0
	openssl s_server -unix tls.sock -cert server.pem -key server.key -CAfile ca.pem \
		-Verify 2 -verify_return_error -www >server.log 2>&1 </dev/null &
	server=$!
	wait_for 5 test -S tls.sock
	printf 'GET / HTTP/1.0\r\n\r\n' | with_card s_client -unix tls.sock -CAfile ca.pem -quiet \
		-cert "$1.pem" -key "$token;id=%$2;type=private" >answer 2>client.log || status=$?
	kill $server
	wait $server 2>/dev/null
	rm -f tls.sock
	cat client.log
	[ $status -eq 0 ] && grep -q '^HTTP/1.0 200' answer && grep "^depth=0 CN=Holder $1" server.log
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.pem \
	-subj /CN=server -CA ca.pem -CAkey ca.key -days 30 >ca.log 2>&1
check 'TLS 1.3: RSA-PSS' tls 9a 01
check 'TLS 1.3: P-384' tls 9c 02

# ---- OpenSSH ----
ssh-keygen -D "$module" >ssh.keys 2>ssh.log || :
same 'ssh-keygen -D: the keys' 4 "$(grep -c -E '^(ssh-rsa|ecdsa-sha2-nistp(256|384)) ' ssh.keys)"
printf '#!/bin/sh\ncat %s/pin\n' "$scratch" >askpass
chmod +x askpass
export SSH_ASKPASS=$scratch/askpass SSH_ASKPASS_REQUIRE=force
ssh-keygen -q -t ed25519 -N '' -f host
echo "card $(cat host.pub)" >known
cat >sshd.conf <<-END
	HostKey $scratch/host
	AuthorizedKeysFile $scratch/authorized
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	StrictModes no
	PermitRootLogin yes
	UsePAM no
END
mkdir -p /run/sshd
# log_in TYPE SSH-OPTION...: to this machine, with the card's key of that type
log_in()
{
	local type=$1
	shift
	grep "^$type " ssh.keys >authorized
	same "ssh, $type" 'logged in' "$(ssh -F none -o UserKnownHostsFile="$scratch/known" -o LogLevel=ERROR \
		-o ProxyCommand="/usr/sbin/sshd -i -f $scratch/sshd.conf" "$@" \
		root@card echo logged in 2>ssh.log || cat ssh.log)"
}
# Not the key in 9c: right after it has logged in, ssh does not give the PIN again for a
# key that asks for it each time, and what OpenSC sends between the two spoils it.
for type in ssh-rsa ecdsa-sha2-nistp256; do
	log_in $type -o PKCS11Provider="$module" -o IdentityAgent=none
done
eval "$(ssh-agent -P "$(realpath "$module")")" >/dev/null
check 'ssh-add -s' ssh-add -s "$(realpath "$module")"
same 'ssh-add -l: the keys' 4 "$(ssh-add -l | wc -l)"
head -n 1 ssh.keys >first.pub
check 'ssh-add -T' ssh-add -T first.pub
log_in ecdsa-sha2-nistp256 -o IdentitiesOnly=no
ssh_sign()
{
	rm -f message.sig
	ssh-keygen -Y sign -f first.pub -n tests message &&
		sed 's/^/holder /' first.pub >allowed &&
		ssh-keygen -Y verify -f allowed -I holder -n tests -s message.sig <message
}
check 'ssh-keygen -Y sign' ssh_sign
check 'ssh-add -e' ssh-add -e "$(realpath "$module")"
ssh-agent -k >/dev/null

# ---- NSS, as in Firefox ----
mkdir nss
check 'modutil -add' modutil -force -dbdir sql:nss -add OpenSC -libfile "$module"
listed=$(certutil -L -d sql:nss -h 'Holder 9a' -f pin 2>&1)
same 'certutil -L: the certificates' 4 "$(grep -c '^Holder 9a:Certificate for' <<<"$listed")"
same 'certutil -K: the keys' 4 "$(certutil -K -d sql:nss -h 'Holder 9a' -f pin 2>&1 | grep -c '^<')"
certutil -A -d sql:nss -n authority -t CT,C,C -i ca.pem
nss_sign()
{
	cmsutil -S -d sql:nss -N 'Holder 9a:Certificate for PIV Authentication' -f pin -G -i message -o nss.p7 &&
		openssl cms -verify -binary -inform DER -in nss.p7 -CAfile ca.pem -purpose any -out back &&
		cmp message back
}
check 'cmsutil -S, which OpenSSL verifies' nss_sign
nss_decrypt()
{
	openssl cms -encrypt -binary -aes128 -in message -outform DER -out enc 9d.pem &&
		cmsutil -D -d sql:nss -f pin -i enc -o back && cmp message back
}
check 'cmsutil -D, what OpenSSL encrypted' nss_decrypt

check 'destroy the card' mgr destroy /instance 0
same 'no NV index is left' '' "$(nv_indices)"
