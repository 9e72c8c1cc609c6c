#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Certificates for attestation keys, from a CA that has seen the TPM's own
# certificate: by file and over HTTPS.  Then whatever can be wrong with the CA, the
# way to it and what it says: no card is made, and nothing is left.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages ca-certificates jq libtss2-tcti-swtpm0 openssl python3-minimal python3 swtpm swtpm-tools tpm2-tools
cd "$scratch"
install_private
swtpm_manufacture
swtpm_start
write_conf
d='/AdminKey DEFAULT /PIN DEFAULT /quiet'
ca_pid='' fake_pid=''
finish_more() { stop_process "$ca_pid"; stop_process "$fake_pid"; }

# ---- two authorities: of attestation keys, and of servers ----
umask 077
authority()
{
	openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" &&
		openssl req -x509 -new -key "$1.key" -subj "/CN=$2" -days 30 -out "$1.pem" \
			-addext 'keyUsage=critical,keyCertSign'
}
{
	authority root 'Site' && authority other 'Somebody else' && authority tls 'Servers'
	openssl ecparam -name prime256v1 -genkey -noout -out ca.key
	openssl req -new -key ca.key -subj '/CN=Site attestation CA' -out ca.csr
	printf '%s\n' 'basicConstraints=critical,CA:TRUE,pathlen:0' 'keyUsage=critical,keyCertSign' \
		'subjectKeyIdentifier=hash' >ca.ext
	openssl x509 -req -in ca.csr -CA root.pem -CAkey root.key -CAcreateserial -days 20 -extfile ca.ext -out ca.pem
	openssl ecparam -name prime256v1 -genkey -noout -out server.key
	openssl req -new -key server.key -subj '/CN=server' -out server.csr
	printf '%s\n' 'subjectAltName=IP:127.0.0.1' >server.ext
	openssl x509 -req -in server.csr -CA tls.pem -CAkey tls.key -CAcreateserial -days 20 -extfile server.ext \
		-out server.pem
} >openssl.log 2>&1 || die 'make authorities'
cat ca.pem root.pem >ca-chain.pem
umask 022

respond() { "$prefix/sbin/tpmvscmgr" ca-respond --ca-cert ca-chain.pem --ca-key ca.key --ek-roots maker.pem "$@"; }
traces() { nv_indices; find "$state" -mindepth 1 ! -name .lock ! -name .manage | sort; tpm2_getcap handles-persistent; }
said() { "$@" 2>&1 </dev/null || :; }
# ak_certificate INSTANCE: what the card has, in ak.pem, and those above it in above.pem.
ak_certificate()
{
	mgr attest /instance "$1" --output bundle.json &&
		jq -r '.ak.certificates[0]' bundle.json | base64 -d | openssl x509 -inform DER -out ak.pem &&
		jq -r '.ak.certificates[1]' bundle.json | base64 -d | openssl x509 -inform DER -out above.pem
}
verifies() { openssl verify -CAfile root.pem -untrusted above.pem ak.pem; }

# ---- by file ----
check 'create /attestation AIK_ONLY' eval "mgr create /name One /attestation AIK_ONLY $d"
check 'another one' eval "mgr create /name Two $d"
check 'a request' mgr attest /instance 0 --request --output request.json
check 'of a card that had no attestation key' mgr attest /instance 1 --request --output two.json
check 'the CA answers, without root and TPM' env -i "$prefix/sbin/tpmvscmgr" ca-respond request.json \
	--ca-cert ca-chain.pem --ca-key ca.key --ek-roots maker.pem --days 7 -o response.json
fails 'nothing of the certificate is to be seen' grep -q "$(openssl x509 -in ca.pem -outform DER | base64 -w0 | cut -c1-40)" \
	response.json
refuse 'a response for another card' 1 mgr attest /instance 1 --install response.json
matches 'it says so' 'for another card, "One"' "$(said mgr attest /instance 1 --install response.json)"
jq --arg g "$(jq -r .card.guid two.json)" '.card.guid = $g' response.json >forged.json
refuse 'and one that only says it is for this card' 1 mgr attest /instance 1 --install forged.json
matches 'it says so, too' 'another attestation key, or for another TPM' \
	"$(said mgr attest /instance 1 --install forged.json)"
jq '.sealed |= ("AAAA" + .[4:])' response.json >forged.json
refuse 'a damaged one' 1 mgr attest /instance 0 --install forged.json
refuse 'half a one' 1 mgr attest /instance 0 --install <(head -c 300 response.json)
refuse 'a request for a response' 1 mgr attest /instance 0 --install request.json
check 'the response' mgr attest /instance 0 --install response.json
check 'the certificate gets out' ak_certificate 0
check 'it leads to the root, for OpenSSL' verifies
text=$(openssl x509 -in ak.pem -noout -text -certopt ext_parse)
matches 'its subject is empty' '^ *Subject: *$' "$text"
matches 'it is for attestation keys' '2\.23\.133\.8\.3' "$text"
matches 'it names the TPM, critically' 'Subject Alternative Name: critical' "$text"
matches 'by maker, model and version' 'DirName:/?2\.23\.133\.2\.1 ?= ?id:[0-9A-F]{8}' "$text"
matches 'for a week' 'notAfter' "$(openssl x509 -in ak.pem -noout -enddate)"
cat maker.pem root.pem >all.pem
check 'the evidence is whole' "$prefix/sbin/tpmvscmgr" verify bundle.json --ca all.pem --require ek,ak

# ---- what a CA refuses ----
chmod 644 ca.key
refuse 'a key that others may read' 1 respond request.json
chmod 600 ca.key
refuse "an EK certificate of somebody else's" 1 "$prefix/sbin/tpmvscmgr" ca-respond request.json --ca-cert ca-chain.pem \
	--ca-key ca.key --ek-roots other.pem
mkdir second certs
swtpm_setup --tpm2 --tpmstate "dir://$scratch/second" --create-ek-cert --config "$scratch/maker/setup.conf" \
	--runas root --write-ek-cert-files "$scratch/certs" >second.log 2>&1 || die 'manufacture another TPM'
jq --arg c "$(base64 -w0 certs/*rsa2048*)" '.ek.certificates = [$c]' request.json >forged.json
refuse 'an EK certificate of another TPM' 1 respond forged.json
matches 'it says so' 'certificate' "$(said respond forged.json)"
jq '.ak.area = .ek.area' request.json >forged.json
refuse 'a key that is no attestation key' 1 respond forged.json
matches 'it says so' 'is not an attestation key' "$(said respond forged.json)"
for n in 0 1 10 100 500; do
	refuse "the first $n octets of a request" 1 respond <(head -c "$n" request.json)
done

# ---- over HTTPS ----
# Whose certificate is trusted here, and only in here.
# shellcheck disable=SC2016
trusting()
{
	unshare -m sh -c 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"' "$scratch/tls.pem" "$@"
}
mkdir issued
"$prefix/libexec/tpmvsc/attestation-ca" --listen 127.0.0.1:0 --tls-cert server.pem --tls-key server.key \
	--ca-cert ca-chain.pem --ca-key ca.key --ek-roots maker.pem --issued issued \
	--tpmvscmgr "$prefix/sbin/tpmvscmgr" >ca.url 2>ca.log </dev/null &
ca_pid=$!
wait_for 10 test -s ca.url || die 'start the CA'
url=$(cat ca.url)
make() { trusting "$prefix/sbin/tpmvscmgr" create /name Net /attestation AIK_AND_CERT "$@" --config "$conf"; }

write_conf "attestation_ca = $url"
check 'create /attestation AIK_AND_CERT' eval "make $d >made"
same 'the instance ID is told' 'ROOT\SMARTCARDREADER\0002' "$(cat made)"
check 'the certificate gets out' ak_certificate 2
check 'it leads to the root, for OpenSSL' verifies
check 'the evidence is whole' "$prefix/sbin/tpmvscmgr" verify bundle.json --ca all.pem --require ek,ak
same 'the CA has kept it' "$(openssl x509 -in ak.pem -outform DER | sha256sum | cut -d' ' -f1).cer" "$(ls issued)"
check 'with --if-absent once more' eval "make --if-absent $d >made"
same 'it is the same' 'ROOT\SMARTCARDREADER\0002' "$(cat made)"
check 'destroy it' mgr destroy /instance 2 /quiet

before=$(traces)
# nothing WHY PATTERN LINE [COMMAND...]: create fails with status 1 and such a message, and nothing is left.
nothing()
{
	local what=$1 pattern=$2 got=0 output
	write_conf "attestation_ca = $3"
	shift 3
	[ $# -gt 0 ] || set -- trusting
	# shellcheck disable=SC2086
	output=$("$@" "$prefix/sbin/tpmvscmgr" create /name Net /attestation AIK_AND_CERT $d --config "$conf" 2>&1 \
		</dev/null) || got=$?
	same "$what: status" 1 "$got"
	matches "$what: message" "$pattern" "$output"
	same "$what: nothing is left" "$before" "$(traces)"
}
nothing 'nobody there' 'onnect' https://127.0.0.1:1
nothing 'a server that is not trusted' 'SSL|certificate' "$url" env
nothing 'nor by the environment' 'SSL|certificate' "$url" env SSL_CERT_FILE="$scratch/tls.pem" CURL_CA_BUNDLE="$scratch/tls.pem"
nothing "another server's certificate" 'SSL|certificate|match' "https://localhost:${url##*:}"
nothing 'no TLS' 'SSL|wrong version|TLS' "https://127.0.0.1:${url##*:}/x" env
nothing 'plain HTTP beyond this machine' 'use https' http://192.0.2.1/
nothing 'no CA' 'names no attestation_ca' ''
nothing 'a CA elsewhere on that server' 'status 404' "$url/elsewhere"

# A CA that misbehaves, each in the way its URL says; the second call is as the first where it gets so far.
cat >fake.py <<'END'
import base64, http.server, json, subprocess, sys, time
other = base64.b64encode(open(sys.argv[1], "rb").read()).decode()
class Fake(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args): pass
    def out(self, status, body, length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        way, call = self.path.strip("/").split("/")
        if way == "500": self.out(500, b"it hurts \x1b[31m here")
        elif way == "403": self.out(403, b"{}")
        elif way == "redirect": self.out(307, b"", Location="/good/" + call)
        elif way == "cut": self.out(200, b'{"credential": "AA', 900)
        elif way == "html": self.out(200, b"<html>sign in to this network</html>")
        elif way == "long": self.out(200, b" " * 1000000)
        elif way == "slow":
            print(way, flush=True)
            time.sleep(60)
        elif way == "random": self.out(200, json.dumps({"credential": other, "secret": other}).encode())
        elif call == "attest":
            plan = json.loads(subprocess.run(sys.argv[2:], input=body, capture_output=True, check=True).stdout)
            self.out(200, json.dumps(plan["answer"]).encode())
        elif way == "other": self.out(200, json.dumps({"chain": [other]}).encode())
        elif way == "none": self.out(200, b'{"chain": []}')
        elif way == "noise": self.out(200, json.dumps({"chain": ["AAAA"]}).encode())
        elif way == "late": self.out(500, b"")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Fake)
print(server.server_address[1], flush=True)
server.serve_forever()
END
openssl x509 -in ca.pem -outform DER -out other.der
python3 fake.py other.der "$prefix/sbin/tpmvscmgr" ca-respond - --https --ca-cert ca-chain.pem --ca-key ca.key \
	--ek-roots maker.pem >fake.out 2>fake.log </dev/null &
fake_pid=$!
wait_for 10 test -s fake.out || die 'start a CA that misbehaves'
fake=http://127.0.0.1:$(head -n 1 fake.out)
nothing 'status 500' 'status 500: it hurts \?\[31m here' "$fake/500"
nothing 'it refuses' 'status 403' "$fake/403"
nothing 'a redirection' 'status 307' "$fake/redirect"
nothing 'an answer cut short' 'attest: ' "$fake/cut"
nothing 'a page for people' 'makes no sense' "$fake/html"
nothing 'a long answer' 'longer than' "$fake/long"
nothing "a credential that is none" 'makes no sense|cannot be read' "$fake/random"
nothing "another key's certificate" "not for this card's attestation key" "$fake/other"
nothing 'no certificate' 'makes no sense' "$fake/none"
nothing 'noise for a certificate' 'not a certificate' "$fake/noise"
nothing 'the second call fails' 'secret: it answers with status 500' "$fake/late"
nothing 'a server that says nothing' 'imed out' "$fake/slow"

# ---- killed in the middle: the card is whole ----
write_conf "attestation_ca = $fake/slow"
n=$(grep -c slow fake.out)
# shellcheck disable=SC2086
"$prefix/sbin/tpmvscmgr" create /name Net /attestation AIK_AND_CERT $d --config "$conf" >/dev/null 2>&1 </dev/null &
create_pid=$!
asked() { [ "$(grep -c slow fake.out)" -gt "$n" ]; }
wait_for 30 asked || die 'create waits for the CA'
kill_process $create_pid
matches 'a card that was to get one is there' ' Net$' "$(mgr list)"
check 'it has an attestation key' mgr attest /instance 2 --request --output killed.json
check 'and can be destroyed' mgr destroy /instance 2 /quiet
same 'without a trace' "$before" "$(traces)"

# ---- the CA, by itself ----
cat >probe.py <<'END'
import http.client, socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
port = int(sys.argv[2])
def ask(method, path, body=None, headers={}):
    c = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=30)
    c.request(method, path, body, headers)
    return c.getresponse().status
def raw(octets):
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 30), server_hostname="127.0.0.1") as s:
        s.sendall(octets)
        return s.recv(100)[9:12].decode()
print(ask("GET", "/attest"), ask("POST", "/", b"{}"), ask("POST", "/attest", b"{}"), ask("POST", "/attest", b"\xff" * 999),
      ask("POST", "/secret", b"{}"), ask("POST", "/secret", b"[" * 9999), ask("POST", "/secret", b'{"secret":[]}'),
      ask("POST", "/secret", b'{"secret":"AAAA"}'), ask("POST", "/attest", b"x" * 65537),
      raw(b"POST /attest HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      raw(b"POST /attest HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), raw(b"POST /secret HTTP/1.1\r\n\r\n"))
# More than it serves at a time, which say nothing; they end, and it is there again.
idle = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(200)]
print(len([1 for s in idle if s.recv(1) == b""]), ask("POST", "/", b"{}"))
END
same 'requests that are none' "501 404 403 403 400 400 400 403 413 411 411 411
200 404" "$(python3 probe.py tls.pem "${url##*:}" 2>&1)"
check 'a secret serves once, and not for long' python3 - "$prefix/libexec/tpmvsc/attestation-ca" <<'END'
import importlib.machinery, importlib.util, sys, time
loader = importlib.machinery.SourceFileLoader("ca", sys.argv[1])
ca = importlib.util.module_from_spec(importlib.util.spec_from_loader("ca", loader))
sys.dont_write_bytecode = True
loader.exec_module(ca)
p = ca.Pending()
p.put("a", 1)
assert p.take("b") is None and p.take("a") == 1 and p.take("a") is None
ca.PENDING_S = -1
p.put("a", 1)
assert p.take("a") is None
ca.PENDING_S = 60
for i in range(ca.PENDING):
    p.put(str(i), i)
try:
    p.put("one more", 0)
except ca.Refusal as full:
    assert full.status == 503
else:
    raise AssertionError
END
write_conf "attestation_ca = $url"
check 'after all that it still serves' eval "make $d"
check 'destroy it' mgr destroy /instance 2 /quiet

# ---- a TPM without a certificate ----
for instance in 0 1; do mgr destroy /instance $instance /quiet; done
swtpm_kill
rm -rf tpm
swtpm_start
before=$(traces)
got=0
# shellcheck disable=SC2086
make $d >made 2>err </dev/null || got=$?
same 'a TPM without an EK certificate: status' 4 "$got"
same 'a TPM without an EK certificate: nothing is made' "$before" "$(traces)"
check 'AIK_ONLY does without' eval "mgr create /name Bare /attestation AIK_ONLY $d"
refuse 'but makes no request' 4 mgr attest /instance 0 --request --output none.json
fails 'and no file' test -e none.json
