# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# For scripts that use cards through OpenSC, instead of lib.sh: a private
# installation and the scratch directory to be in.  Keys and certificates are
# put on a card over APDUs, by an authority of the script's own; and OpenSC's
# debug log is read.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages "${run_packages[@]}" "${opensc_packages[@]}"
cd "$scratch" || exit
install_private

module=$(find /usr/lib -name opensc-pkcs11.so -print -quit 2>/dev/null)

# p11 READER-NUMBER ARGUMENT...: OpenSC has one PKCS#11 slot for each reader.
p11()
{
	local n=$1
	shift
	pkcs11-tool --module "$module" --slot-index "$n" "$@"
}

# The same, logged in with the default PIN.
p11_user()
{
	local n=$1
	shift
	p11 "$n" --login --pin 12345678 "$@"
}

# ---- facts ----

# facts REFERENCE: sets tag (of its certificate) and id (in OpenSC).
# shellcheck disable=SC2034
facts()
{
	local retired
	case $1 in
	9A) tag=5FC105 id=01 ;;
	9C) tag=5FC10A id=02 ;;
	9D) tag=5FC10B id=03 ;;
	9E) tag=5FC101 id=04 ;;
	*)
		retired=$((16#$1 - 16#82))
		tag=$(printf '5FC1%02X' $((16#0D + retired)))
		# OpenSC counts in tens: 05 to 09, then 10 to 24
		id=$(printf '%02d' $((5 + retired)))
		;;
	esac
}

# ---- DER ----

# tlv TAG HEX
tlv()
{
	local n=$((${#2} / 2))
	if [ $n -lt 128 ]; then
		printf '%s%02X%s' "$1" $n "$2"
	elif [ $n -lt 256 ]; then
		printf '%s81%02X%s' "$1" $n "$2"
	else
		printf '%s82%04X%s' "$1" $n "$2"
	fi
}

# value TAG HEX: of the element with that tag which HEX begins with.
value()
{
	local hex=${2#"$1"} n
	case ${hex:0:2} in
	81) n=${hex:2:2} hex=${hex:4} ;;
	82) n=${hex:2:4} hex=${hex:6} ;;
	*) n=${hex:0:2} hex=${hex:2} ;;
	esac
	printf '%s' "${hex:0:$((2 * 16#$n))}"
}

# public_key HEX: the answer of GENERATE ASYMMETRIC KEY PAIR as a public key in PEM.
public_key()
{
	local key of
	key=$(value 7F49 "$1")
	case $key in
	8182*) of=300D06092A864886F70D0101010500 key=$(tlv 30 "$(tlv 02 "00$(value 81 "$key")")0203010001") ;;
	8641*) of=301306072A8648CE3D020106082A8648CE3D030107 key=$(value 86 "$key") ;;
	8661*) of=301006072A8648CE3D020106052B81040022 key=$(value 86 "$key") ;;
	*) return 1 ;;
	esac
	unhex "$(tlv 30 "$of$(tlv 03 "00$key")")" | openssl pkey -pubin -inform DER
}

# ---- enrolment, in an open session ----

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
	-subj '/CN=tests' -days 30 >ca.log 2>&1

# certify NAME SUBJECT: NAME.pub is in NAME.pem and NAME.der then.
certify()
{
	openssl x509 -new -force_pubkey "$1.pub" -subj "/O=Tests of a PIV card in a TPM/CN=$2" \
		-CA ca.pem -CAkey ca.key -days 30 -out "$1.pem" &&
		openssl x509 -in "$1.pem" -outform DER -out "$1.der"
}

# admin_session READER-NUMBER
admin_session()
{
	session_open "$1"
	admin_auth || die "admin authentication in reader $1: $sw"
}

# make_key REFERENCE ALGORITHM NAME: its public key is in NAME.pub.
make_key()
{
	apdu "0047 00$1 000005 AC03 8001$2 0000"
	[ "$sw" = 9000 ] && public_key "$data" >"$3.pub"
}

# put_object TAG HEX
put_object()
{
	local octets
	octets="$(tlv 5C "$1")$(tlv 53 "$2")"
	apdu "00DB3FFF 00$(printf '%04X' $((${#octets} / 2)))$octets"
	[ "$sw" = 9000 ]
}

# put_certificate REFERENCE NAME: NAME.der
put_certificate()
{
	facts "$1"
	put_object "$tag" "$(tlv 70 "$(hex <"$2.der")")710100FE00"
}

# key_history N: that many certificates of retired keys are on the card.
key_history() { put_object 5FC10C "$(printf 'C101%02XC20100FE00' "$1")"; }

# enrol REFERENCE ALGORITHM NAME SUBJECT: one assertion for all of it.
enrol()
{
	if make_key "$1" "$2" "$3" && certify "$3" "$4" && put_certificate "$1" "$3"; then
		ok "enrol $4"
	else
		die "enrol $4: $sw"
	fi
}

# create_card NAME INSTANCE
create_card()
{
	mgr create /name "$1" /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT /generate >/dev/null 2>create.log ||
		die "create $1: $(cat create.log)"
	wait_for 5 card_in "$2" || die "$1 is in its reader"
}

# ---- OpenSC's debug log ----

# logged LOG COMMAND...: with OpenSC's debug log in that file; its standard output is the command's.
logged()
{
	local log=$1
	shift
	printf 'app default { debug = 9; debug_file = %s; }\n' "$PWD/$log" >"$log.conf"
	: >"$log"
	OPENSC_CONF=$PWD/$log.conf "$@"
}

# apdus LOG: one to a line, "> HEX" sent and "< HEX" received.
apdus()
{
	awk '
	/^(Outgoing|Incoming) APDU \(/ {
		mark = $1 == "Outgoing" ? ">" : "<"
		left = substr($3, 2) + 0
		hex = ""
		next
	}
	left > 0 {
		n = left < 16 ? left : 16
		for (i = 1; i <= n; i++)
			hex = hex $i
		left -= n
		if (left == 0)
			print mark, hex
	}' "$1"
}

# calls LOG: the PKCS#11 calls that sent commands, in order, "CALL COMMANDS" to a
# line: each writes a line of its own after the commands, C_DeriveKey only what
# it consists of.
calls()
{
	awk '
	/^Outgoing APDU \(/ {
		n++
	}
	n > 0 && match($0, /:(C_[A-Z][A-Za-z]*|pkcs15_prkey_derive): /) {
		call = substr($0, RSTART + 1, RLENGTH - 3)
		print call ~ /derive/ ? "C_DeriveKey" : call, n
		n = 0
	}' "$1"
}
