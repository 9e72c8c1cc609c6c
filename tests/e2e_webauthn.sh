#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A card whose attestation key a CA has certified: its evidence is whole, and its
# keys' attestation is what others' verifiers take, WebAuthn's and ACME's.
set -eu
# shellcheck source=tests/opensc.sh
. "$(dirname "${BASH_SOURCE[0]}")/opensc.sh"
need_packages jq python3 python3-fido2 swtpm-tools
swtpm_manufacture
swtpm_start
write_conf
pcscd_start
check 'create a card' mgr create /name One /attestation AIK_ONLY /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT \
	/generate /quiet
wait_for 5 card_in 0 || die 'the card is in its reader'

# enrol_slot SLOT ALGORITHM
enrol_slot()
{
	printf '12345678\n' | mgr enroll /instance 0 --slot "$1" --algorithm "$2" --subject CN=Alice --self-signed \
		>/dev/null 2>enroll.log || die "enroll: $(cat enroll.log)"
}
enrol_slot 9A RSA2048
enrol_slot 9C ECCP256

# webauthn CLIENT-DATA-HASH [SLOT]: the object is in object, in base64url.
webauthn()
{
	mgr attest /instance 0 --slot "${2:-9a}" --webauthn example.org --client-data-hash "$1" -o object
}
data=$(printf 'a challenge' | sha256sum | cut -d' ' -f1)
other_data=$(printf 'another one' | sha256sum | cut -d' ' -f1)
refuse 'a key that no authority vouches for' 1 webauthn "$data"
fails 'leaves no file' test -e object

# ---- two authorities, and a certificate from one of them ----
for name in root other; do
	openssl req -x509 -newkey rsa:2048 -nodes -keyout $name.key -out $name.pem -subj "/CN=$name" -days 30 \
		-addext 'keyUsage=critical,keyCertSign' 2>openssl.log || die 'make an authority'
	chmod 600 $name.key
	cat maker.pem $name.pem >with_$name.pem
done
check 'a request' mgr attest /instance 0 --request -o request.json
check 'the CA answers' "$prefix/sbin/tpmvscmgr" ca-respond request.json --ca-cert root.pem --ca-key root.key \
	--ek-roots maker.pem -o response.json
check 'the certificate is installed' mgr attest /instance 0 --install response.json

# ---- its evidence is whole, for who trusts that CA ----
verify() { "$prefix/sbin/tpmvscmgr" verify "$@" 2>&1; }
check 'evidence' mgr attest /instance 0 --nonce 00ff17 -o bundle.json
check 'all that is usually required is proven' verify bundle.json --ca with_root.pem --nonce 00ff17
output=$(verify bundle.json --ca with_root.pem --nonce 00ff17 || :)
matches 'the AK' '^proven +ak .*CN=root' "$output"
matches 'the PIN' '^proven +pin .*refuses more than 5: 0' "$output"
matches 'the key' '^proven +9a .*RSA-2048.*made in the TPM' "$output"
same 'nothing hangs on an "if"' '' "$(grep -E '^(shown|wrong)' <<<"$output" || :)"
refuse 'who does not trust it' 1 verify bundle.json --ca with_other.pem --nonce 00ff17
matches 'is told why' 'does not prove what is required: ak$' "$(verify bundle.json --ca with_other.pem || :)"
refuse "nor who does not trust the TPM's maker" 1 verify bundle.json --ca root.pem

# ---- WebAuthn ----
cat >statement.py <<'END'
"""webauthn OBJECT HASH [CHANGE]: what python3-fido2 says of it; acme OBJECT AUTHORIZATION AREA-OF-THE-KEY"""
import base64, hashlib, struct, subprocess, sys
from fido2 import cbor
from fido2.attestation import TpmAttestation, InvalidData, InvalidSignature
from fido2.attestation.base import verify_x509_chain
from fido2.ctap2 import AttestationObject, AuthenticatorData

def load(path):
    text = open(path).read().rstrip("\n")
    assert not set(text) & set("+/=\n"), "base64url without padding"
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

def flip(octets, at):
    return octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1:]

def webauthn(path, client_data_hash, change=None):
    told = AttestationObject(load(path))
    assert told.fmt == "tpm" and told.auth_data.rp_id_hash == hashlib.sha256(b"example.org").digest()
    assert told.auth_data.flags == 0x40, "nobody was there"
    statement, auth_data = dict(told.att_statement), told.auth_data
    if change == "authData":  # another relying party
        auth_data = AuthenticatorData(flip(bytes(auth_data), 0))
    elif change == "x5c":
        statement["x5c"] = statement["x5c"][1:]
    elif change:
        statement[change] = flip(statement[change], len(statement[change]) - 1)
    try:
        TpmAttestation().verify(statement, auth_data, bytes.fromhex(client_data_hash))
        verify_x509_chain(statement["x5c"])
        return "holds"
    except (InvalidData, InvalidSignature) as e:
        return type(e).__name__

def ecdsa_der(signature):
    """TPMT_SIGNATURE of ECDSA with SHA-256, as OpenSSL takes it."""
    algorithm, digest, n = struct.unpack(">HHH", signature[:6])
    r, (m,) = signature[6:6 + n], struct.unpack(">H", signature[6 + n:8 + n])
    s = signature[8 + n:]
    assert (algorithm, digest, len(s)) == (0x18, 0x0b, m)
    numbers = b"".join(bytes([2, len(x)]) + x for x in (b"\0" * (v[0] >> 7) + v for v in (r.lstrip(b"\0"), s.lstrip(b"\0"))))
    return bytes([0x30, len(numbers)]) + numbers

def take(octets, at):
    n, = struct.unpack(">H", octets[at:at + 2])
    return octets[at + 2:at + 2 + n], at + 2 + n

def acme(path, authorization, area):
    told, rest = cbor.decode_from(load(path))
    assert rest == b"" and sorted(told) == ["attStmt", "fmt"] and told["fmt"] == "tpm"
    s = told["attStmt"]
    assert sorted(s) == ["alg", "certInfo", "pubArea", "sig", "ver", "x5c"]
    assert s["ver"] == "2.0" and s["alg"] == -7
    verify_x509_chain(s["x5c"])
    info = s["certInfo"]
    assert info[:6] == b"\xffTCG\x80\x17"
    _, at = take(info, 6)
    extra, at = take(info, at)
    assert extra == hashlib.sha256(authorization.encode()).digest()
    name, _ = take(info, at + 17 + 8)  # behind the clock and the firmware's version
    assert name == b"\x00\x0b" + hashlib.sha256(s["pubArea"]).digest()
    assert s["pubArea"] == base64.b64decode(area)
    for name, octets in ("info", info), ("sig", ecdsa_der(s["sig"])), ("ak.der", s["x5c"][0]):
        open(name, "wb").write(octets)
    return "holds"

print({"webauthn": webauthn, "acme": acme}[sys.argv[1]](*sys.argv[2:]))
END
# Debian's own: python3 may be another, without the package.
statement() { /usr/bin/python3 statement.py "$@" 2>&1; }

check 'an attestation object' webauthn "$data"
same 'python3-fido2 takes it' holds "$(statement webauthn object "$data")"
same 'not for other client data' InvalidSignature "$(statement webauthn object "$other_data")"
same 'not with another certInfo' InvalidSignature "$(statement webauthn object "$data" certInfo)"
same 'not with another signature' InvalidSignature "$(statement webauthn object "$data" sig)"
same 'not with another key' InvalidSignature "$(statement webauthn object "$data" pubArea)"
same 'not for another relying party' InvalidSignature "$(statement webauthn object "$data" authData)"
same "not with the CA's own certificate" InvalidData "$(statement webauthn object "$data" x5c)"
refuse 'no hash' 2 mgr attest /instance 0 --slot 9a --webauthn example.org
refuse 'a slot without a key' 3 webauthn "$data" 9d

# ---- ACME, device-attest-01 ----
authorization=dG9rZW4.ZPUNPqmU7_jpUMdOcB9cHGkUJpRgIcLQm7bMtBWzOIc
# acme SLOT
acme()
{
	local area
	area=$(jq -r --arg r "$1" '.keys[] | select(.reference == $r).area' bundle.json)
	check "$1: an object for ACME" mgr attest /instance 0 --slot "$1" --acme $authorization -o object
	same "$1: its parts are what they are to be" holds "$(statement acme object $authorization "$area")"
	openssl x509 -inform DER -in ak.der -out ak.pem
	check "$1: the AK's certificate is the CA's" openssl verify -CAfile root.pem ak.pem
	openssl x509 -in ak.pem -noout -pubkey >ak.pub
	check "$1: the AK has signed it" openssl dgst -sha256 -verify ak.pub -signature sig info
	fails "$1: not for another authorization" statement acme object "${authorization}x" "$area"
}
acme 9a
acme 9c
