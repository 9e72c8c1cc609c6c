#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What an administrator looks at: list, show, doctor, repair.  Every finding of
# doctor is provoked once, as far as a machine with swtpm can have it.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages jq libtss2-tcti-swtpm0 opensc openssl pcscd swtpm tpm2-tools util-linux
cd "$scratch"
install_private
chmod -R a+rX "$prefix" 2>/dev/null || :
swtpm_start
write_conf 'spare_slots = 2'
pcscd_start
create=(create /PIN DEFAULT /PUK DEFAULT /AdminKey DEFAULT /generate /quiet /name)
entry=$prefix/etc/reader.conf.d/libifdtpmvsc
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

# run COMMAND...: leaves its exit status in got, its output in out and err.
run()
{
	got=0
	"$@" >out.txt 2>err.txt </dev/null || got=$?
	out=$(cat out.txt) err=$(cat err.txt)
}

# json FILTER: of the last output.
json() { jq -r "$1" <out.txt 2>&1; }

# finds WHAT STATUS LEVEL CHECK PATTERN [REMEDY] [COMMAND...]: doctor has that finding.
finds()
{
	local what=$1 status=$2 level=$3 name=$4 pattern=$5 remedy=${6:-}
	shift 5
	[ $# -eq 0 ] || shift
	[ $# -gt 0 ] || set -- mgr
	run "$@" doctor --json
	if [ "$got" -eq "$status" ] && jq -e --arg l "$level" --arg c "$name" --arg p "$pattern" --arg r "$remedy" \
		'.version == 1 and any(.findings[]; .level == $l and .check == $c and (.text | test($p)) and
		(.remedy // "" | test($r)))' out.txt >/dev/null 2>&1; then
		ok "doctor: $what"
	else
		not_ok "doctor: $what: exit status $got, wanted $status and $level of $name: $pattern / $remedy"
		indent "$(jq -c '.findings[] | select(.level != "ok")' out.txt 2>&1)"
		indent "$err"
	fi
}

# ---- a machine where all is well ----
run mgr doctor
same 'doctor: all is well' 0 "$got"
matches 'and it says so' '^All is well\.$' "$out"
same 'no problem, no warning' '' "$(grep -E '^(problem|warning)' <<<"$out" || :)"
run mgr doctor /quiet
same 'doctor /quiet has nothing to say then' '0 ' "$got $out"
run mgr doctor --json
same 'doctor for programs' 'true 1' "$(json '"\(.healthy) \(.version)"')"
run mgr list --json
same 'list for programs, without a card' '[]' "$(json '.cards | tostring')"
run mgr repair
same 'repair: nothing to do' 0 "$got"
matches 'and it says so' 'nothing to repair' "$err"
run mgr repair --json
same 'repair for programs' '0 0 null' "$(json '"\(.found) \(.finished) \(.problem)"')"

# ---- a card ----
check 'create' mgr "${create[@]}" "Alice's \"card\" \\ é"
check 'its reader' wait_for 5 card_in 0

# put_certificate REFERENCE OBJECT-TAG FILE: the administrator writes it.
put_certificate()
{
	local der n
	der=$(openssl x509 -in "$3" -outform DER | hex)
	n=$((${#der} / 2))
	der=$(printf '7082%04X%s710100FE00' "$n" "$der")
	n=$((${#der} / 2))
	apdu "$(printf '00DB3FFF00%04X5C03%s5382%04X%s' $((n + 9)) "$2" "$n" "$der")"
	same "$1: a certificate is put on the card" 9000 "$sw"
}

cat >ca.conf <<'END'
[ca]
default_ca = any
[any]
database = ./database
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any_policy
[any_policy]
commonName = supplied
END

# certificate NAME FROM UNTIL SUBJECT: one that is good from one day to another, counted from today.
certificate()
{
	: >database
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -utf8 \
		-subj "$4" -out "$1.csr" 2>/dev/null || die 'make a request'
	openssl ca -batch -selfsign -notext -preserveDN -utf8 -config ca.conf -keyfile "$1.key" -in "$1.csr" \
		-startdate "$(date -u -d "$2 days" +%Y%m%d%H%M%SZ)" \
		-enddate "$(date -u -d "$3 days" +%Y%m%d%H%M%SZ)" -out "$1.pem" >ca.log 2>&1 ||
		die "make a certificate: $(cat ca.log)"
}

certificate evil -1 365 "/O=Ex,ample/CN=$(printf 'Mal\033[31m\342\200\256lory')"
certificate old -9 -5 '/CN=Old'
certificate soon -1 10 '/CN=Soon'
certificate early 3 20 '/CN=Early'
session_open 0
check 'the administrator' admin_auth
apdu 0047009A05AC03800111 00
same 'a key in 9A' 9000 "$sw"
apdu 0047009C08AC06800114AA0102 00
same 'a key in 9C that wants the PIN once' 9000 "$sw"
put_certificate 9A 5FC105 evil.pem
session_close

# ---- show ----
run mgr show /instance 0
same 'show' 0 "$got"
matches 'show: name' "0000  Alice's \"card\" .* é" "$out"
matches 'show: state' '^ *State +ready$' "$out"
matches 'show: PIN' '^ *PIN +5 of 5 tries left; the default one' "$out"
matches 'show: PIN policy' '^ *PIN policy +8 to 127 ASCII' "$out"
matches 'show: what root can do' 'root on this machine can act as administrator' "$out"
matches 'show: TPM' '^ *TPM +IBM .*firmware [0-9.]+, specification 1\.[0-9]' "$out"
matches 'show: a key' '9A +P-256 +generated +PIN once$' "$out"
matches 'show: a key with a rule of its own' '9C +P-384 +generated +PIN once \(not the usual' "$out"
matches 'show: a subject, harmless' 'subject +CN=Mal\\1B\[31m\?lory,O=Ex\\,ample' "$out"
matches 'show: days left' '36[45] days left' "$out"
matches 'show: no attestation key' '^ *Attestation +no key for it' "$out"
same 'show: nothing a terminal obeys' '' "$(LC_ALL=C grep -a "$(printf '[\001-\010\013-\037\177]')" out.txt || :)"

run mgr show /instance 0 --json
same 'show --json' 0 "$got"
same 'its version' 1 "$(json .version)"
same 'its name' "Alice's \"card\" \\ é" "$(json .card.name)"
same 'it is complete' true "$(json .card.complete)"
guid=$(json .card.guid)
same 'GUID and CHUID agree' "$guid" "$(json .card.chuid_guid)"
same 'the serial number is of the GUID' $((0x${guid:0:8} & 0x7fffffff)) "$(json .card.serial_number)"
same 'its reader' 'TPM Virtual Smart Card 00 00 true' "$(json '.card.reader | "\(.name) \(.shown)"')"
same 'its PIN' '5 5 true 8 allowed' "$(json '.card.pin | "\(.tries_left) \(.tries_limit) \(.default) \(.policy.minlen) \(.policy.digits)"')"
same 'its admin key' '3DES true false true true' \
	"$(json '.card.admin_key | "\(.algorithm) \(.default) \(.random) \(.may_unblock) \(.root_can_administer)"')"
same 'its keys' '9a P-256 generated once true,9c P-384 generated once false' \
	"$(json '[.card.keys[] | "\(.reference) \(.algorithm) \(.origin) \(.pin_rule) \(.usual_pin_rule)"] | join(",")')"
same 'no attestation key' false "$(json .card.attestation_key)"
same 'the digest of its certificate' \
	"$(openssl x509 -in evil.pem -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f)" \
	"$(json '.card.certificates[0].sha256')"
same 'and the certificate' "$(cat evil.pem)" "$(json '.card.certificates[0].pem')"
matches 'its end' '^20[0-9-]+T[0-9:]+Z$' "$(json '.card.certificates[0].not_after')"

run mgr list --json
same 'list --json' "ROOT\\SMARTCARDREADER\\0000 ready 5 true 9a,9c" \
	"$(json '.cards[0] | "\(.instance) \(.state) \(.pin_tries_left) \(.puk_present) \([.keys[].reference] | join(","))"')"

# ---- the same card, and somebody else ----
run as_nobody "$prefix/sbin/tpmvscmgr" show /instance 0 --config "$conf"
same 'show as somebody else' 0 "$got"
matches 'his card has its name' "0000  Alice's" "$out"
matches 'and its tries' '^ *PIN +5 of 5' "$out"
matches 'the policy is not for him' '^ *PIN policy +\(only root' "$out"
matches 'the keys are' '9A +P-256' "$out"
run as_nobody "$prefix/sbin/tpmvscmgr" show /instance 0 --json --config "$conf"
same 'the same for programs' 'false null true 5' \
	"$(json '.card | "\(.complete) \(.guid) \(.chuid_guid != null) \(.pin.tries_left)"')"
run as_nobody "$prefix/sbin/tpmvscmgr" show /instance 0 --record r.pem --config "$conf"
same 'the record is not for him' '5 ' "$got $out"
run as_nobody "$prefix/sbin/tpmvscmgr" list --json --config "$conf"
same 'list is not for him' '5 ' "$got $out"
finds 'not for everybody' 5 problem 'state directory' 'root' '' \
	as_nobody env "HOME=$scratch" "$prefix/sbin/tpmvscmgr" --config "$conf"

# ---- the record ----
run mgr show /instance 0 --record desk.pem
same 'show --record' 0 "$got"
same 'it is for others to read' 644 "$(stat -c %a desk.pem)"
same 'it is the record' "$(hex <"$state/0000/record")" "$(sed '/-----/d' desk.pem | openssl base64 -d | hex)"
same 'with its name around it' '-----BEGIN TPMVSC CARD RECORD-----' "$(head -1 desk.pem)"
run mgr show /instance 0 --record "$scratch/none/desk.pem"
same 'a file that cannot be' '1 ' "$got $out"
run mgr show /instance 0 --record /dev/full
same 'a full disk' '7 ' "$got $out"

# ---- what is not there, and what cannot be written ----
refuse 'show of a card that is not there' 3 mgr show /instance 7
refuse 'show of a card that cannot be' 3 mgr show /instance 77
refuse 'show without a card' 2 mgr show
# shellcheck disable=SC2016
for words in 'show /instance 0' 'show /instance 0 --json' 'list' 'list --json' 'doctor' 'doctor --json' 'repair --json'; do
	# shellcheck disable=SC2086
	refuse "$words to a full disk" 1 sh -c '"$0" "$@" >/dev/full' "$prefix/sbin/tpmvscmgr" $words --config "$conf"
done

# ---- doctor: the card ----
finds 'a default PIN' 1 warning 'on the cards' 'PIN is the default' 'change-pin /instance 0'
finds 'a default PUK' 1 warning 'on the cards' 'PUK is the default' 'change-puk'
finds 'a default administrator key' 1 warning 'on the cards' 'administrator key is the default' 'change-admin-key'
run mgr doctor
same 'warnings are not all is well' '' "$(grep -i 'all is well' <<<"$out" || :)"
matches 'they are counted' 'not all is well: 0 problems and 3 warnings' "$err"
session_open 0
check 'the administrator' admin_auth
put_certificate 9C 5FC10A soon.pem
session_close
finds 'a certificate that ends soon' 1 warning 'on the cards' 'certificate of 9C expires in (9|10) days' 'enroll /instance 0 --slot 9c'
session_open 0
check 'the administrator' admin_auth
put_certificate 9C 5FC10A early.pem
session_close
finds 'a certificate of the days to come' 1 warning 'on the cards' '9C is not valid before 20' 'clock'
session_open 0
check 'the administrator' admin_auth
put_certificate 9C 5FC10A old.pem
put_certificate 82 5FC10D old.pem
session_close
finds 'an expired one' 1 problem 'on the cards' 'certificate of 9C expired on 20' 'enroll'
same 'a retired one may be old' '' "$(grep -o 'certificate of 82' out.txt || :)"
run mgr show /instance 0
matches 'show says so too' 'EXPIRED' "$out"
matches 'a certificate without a key' '82 +a certificate without a key' "$out"
session_open 0
check 'the administrator' admin_auth
apdu 00DB3FFF075C035FC10A5300
for pin in 00000001 00000002 00000003 00000004 00000005; do apdu "$(verify_apdu $pin)"; done
session_close
finds 'a blocked PIN' 1 problem cards 'PIN is blocked' 'unblock /instance 0'
run mgr show /instance 0
matches 'show: blocked' '^ *State +blocked$' "$out"
session_open 0
expect_sw 'the PUK gives it back' 9000 "$(unblock_apdu 12345678 12345678)"
for pin in 00000001 00000002 00000003 00000004 00000005; do apdu "$(unblock_apdu $pin 12345678)"; done
session_close
finds 'a blocked PUK' 1 warning cards 'PUK is blocked' 'administrator'

# ---- doctor: readers ----
finds 'a free slot' 1 ok 'free slots' '0001'
check 'a second card' mgr "${create[@]}" Second
finds 'no free slot' 1 warning 'free slots' '0002' 'spare_slots'
run mgr "${create[@]}" Third
finds 'a card without a reader' 1 problem cards '0002: pcscd does not show' 'restart pcscd'
run mgr show /instance 2
matches 'show says so too' 'pcscd does not show it' "$out"
check 'it goes again' mgr destroy /instance 2 /quiet
echo 'app default { pkcs11 { max_virtual_slots = 4; } }' >opensc.conf
finds 'OpenSC does not look far enough' 1 problem OpenSC 'first 1 of 2 readers: 1 of the cards' \
	'max_virtual_slots = 8; } } into .*opensc.conf' env OPENSC_CONF="$scratch/opensc.conf" "$prefix/sbin/tpmvscmgr" --config "$conf"
check 'the second card goes' mgr destroy /instance 1 /quiet
finds 'only an empty reader is out of sight' 1 warning OpenSC '0 of the cards' '' \
	env OPENSC_CONF="$scratch/opensc.conf" "$prefix/sbin/tpmvscmgr" --config "$conf"
finds 'OpenSC as it is' 1 ok OpenSC 'first 4 readers, and there are 2' '' \
	env OPENSC_CONF=/dev/null "$prefix/sbin/tpmvscmgr" --config "$conf"

# ---- doctor: the driver's entry ----
[ -f "$entry" ] || die "no $entry"
cp "$entry" entry.saved
finds 'the entry is another configuration'"'"'s' 1 note "driver's entry" "the driver reads .*about $conf"
rm "$entry"
finds 'no entry' 1 problem "driver's entry" 'does not load the driver' 'install'
echo 'LIBPATH /nothing.so' >"$entry"
finds 'no entry in the file' 1 problem "driver's entry" 'is not an entry'
sed 's|^LIBPATH .*|LIBPATH /none/driver.so|' entry.saved >"$entry"
finds 'a driver that is not there' 1 problem "driver's entry" '/none/driver.so' 'no smart card at all'
sed "s|tpmvsc:.*|tpmvsc:$conf|" entry.saved >"$entry"
finds 'the right entry' 1 ok "driver's entry" 'is good'
cat entry.saved >"$entry"

# ---- doctor: files ----
finds 'the state directory' 1 ok 'state directory' 'there is 1 card'
chmod 0755 "$state"
finds 'its mode' 1 problem 'state directory' 'chmod 0700'
chmod 0700 "$state"
mkdir -m 0700 "$state/0004"
echo nonsense >"$state/0004/record"
chmod 0600 "$state/0004/record"
finds 'a broken card' 1 problem cards '0004: ' 'destroy /instance 4'
refuse 'show of a broken card' 1 mgr show /instance 4
run mgr show /instance 4
matches 'it is a card nevertheless' '^ *State +broken$' "$out"
run mgr list --json
same 'list for programs' 'broken null true' "$(json '.cards[1] | "\(.state) \(.name) \(.problem != null)"')"
rm -r "$state/0004"
echo 'colour = blue' >>"$conf"
finds 'the configuration' 1 problem configuration 'colour' 'tpmvsc.conf'
same 'what does not depend on it is checked all the same' ok "$(json '.findings[] | select(.check == "pcscd") | .level')"
sed -i '/colour/d' "$conf"
chmod 0666 "$conf"
finds 'its mode' 1 problem configuration 'written by others'
chmod 0644 "$conf"
finds 'no configuration where one was named' 1 problem configuration 'there is no' '' \
	"$prefix/sbin/tpmvscmgr" --config "$scratch/none.conf"
install -d -m 0700 small
sed "s|^state_dir.*|state_dir = $scratch/small|" "$conf" >small.conf
# shellcheck disable=SC2016
on_a_full_disk()
{
	unshare -m sh -c 'mount -t tmpfs -o size=64k,mode=0700 none "$0/small" && "$@"' "$scratch" "$@"
}
finds 'a full disk' 1 problem 'state directory' 'is full' 'make room' \
	on_a_full_disk "$prefix/sbin/tpmvscmgr" --config "$scratch/small.conf"

# ---- doctor: the TPM ----
device_conf() { sed "s|^tcti.*|tcti = $1|" "$conf" >device.conf; }
device_conf device:/dev/tpmrm77
finds 'no TPM' 1 problem TPM 'tpmrm77' "firmware's set-up" "$prefix/sbin/tpmvscmgr" --config "$scratch/device.conf"
mknod -m 0600 tpmrm0 c 1 7
device_conf "device:$scratch/tpmrm0"
finds 'a TPM that does not answer' 1 problem TPM 'tpmrm0' 'kernel' "$prefix/sbin/tpmvscmgr" --config "$scratch/device.conf"
finds 'a TPM for others' 5 problem TPM 'tpmrm0' 'group root' as_nobody "$prefix/sbin/tpmvscmgr" --config "$scratch/device.conf"
chmod 0666 tpmrm0
finds 'a TPM for everybody' 1 warning 'TPM device' 'tpmrm0 has mode 0666 and group root' 'udev' \
	"$prefix/sbin/tpmvscmgr" --config "$scratch/device.conf"
sed "s|^state_dir.*|state_dir = $scratch/none|" "$conf" >none.conf
finds 'no state directory yet' 1 ok 'state directory' 'no .*/none yet' '' "$prefix/sbin/tpmvscmgr" --config "$scratch/none.conf"
finds 'which the lock of swtpm needs' 1 problem TPM 'none/.lock' 'install -d' "$prefix/sbin/tpmvscmgr" --config "$scratch/none.conf"
rm none.conf
finds 'swtpm is a note' 1 note 'software TPM' 'swtpm'
finds 'the lockout authorisation' 1 note 'TPM lockout' 'not set' 'tpm2_changeauth'
tpm2_changeauth -c lockout lock
finds 'it is set' 1 ok 'TPM lockout' 'not locked'
same 'no word of it then' '' "$(grep -o 'authorisation is not set' out.txt || :)"
tpm2_changeauth -c owner secret
finds 'an owner we do not know' 1 problem 'TPM owner' 'we have none' 'owner_auth_file'
printf 'other' >auth
chmod 0600 auth
echo "owner_auth_file = $scratch/auth" >>"$conf"
finds 'another owner' 1 problem 'TPM owner' 'is another'
printf 'secret' >auth
finds 'the right one' 1 ok 'TPM owner' 'ours works'
tpm2_changeauth -c owner -p secret
sed -i '/owner_auth_file/d' "$conf"

# Wrong tries at an object of somebody else: the TPM locks itself.
tpm2_dictionarylockout -s -n 2 -t 1000 -l 1000 -p lock
{
	tpm2_createprimary -C o -c primary.ctx
	tpm2_create -C primary.ctx -i "$conf" -p right -u seal.pub -r seal.priv
	tpm2_flushcontext -t
	tpm2_load -C primary.ctx -u seal.pub -r seal.priv -c seal.ctx
	tpm2_flushcontext -t
} >/dev/null 2>&1 || die 'an object of somebody else'
for _ in 1 2 3; do
	fails 'a wrong try' tpm2_unseal -c seal.ctx -p wrong
	tpm2_flushcontext -t
done
finds 'the TPM is locked' 1 problem 'TPM lockout' 'locked itself' 'dictionarylockout'
tpm2_dictionarylockout -c -p lock
finds 'it is open again' 1 ok 'TPM lockout' 'not locked'

# ---- what a killed run leaves ----
unfinished() { compgen -G "$state/.journal*" >/dev/null; }
for _ in {1..30}; do
	"$prefix/sbin/tpmvscmgr" "${create[@]}" Victim --config "$conf" >/dev/null 2>&1 &
	victim=$!
	# without a pause: a card is made in a twentieth of a second
	until unfinished || gone "$victim"; do :; done
	kill -9 "$victim" 2>/dev/null || :
	wait "$victim" 2>/dev/null || :
	! unfinished || break
	mgr destroy /instance 1 /quiet >/dev/null 2>&1 || :
done
check 'a run was killed' unfinished
run mgr repair --json
same 'repair: what was found and ended' '0 1 1 null' "$got $(json '"\(.found) \(.finished) \(.problem)"')"
fails 'nothing is left of it' unfinished

# ---- the TPM away ----
stop_process "$swtpm_pid"
swtpm_pid=''
finds 'the TPM is away' 1 problem TPM "$scratch/tpm.sock" 'start swtpm'
finds 'each card says so' 1 problem cards '0000: ' 'see to the TPM first'
run mgr list
same 'list without the TPM' 4 "$got"
matches 'the table is printed all the same' '0000 .* trouble ' "$out"
run mgr list --json
same 'for programs too' '4 trouble null' "$got $(json '.cards[0] | "\(.state) \(.pin_tries_left)"')"
run mgr show /instance 0
same 'show without the TPM' 4 "$got"
matches 'what the record says is shown all the same' "0000  Alice's" "$out"
run mgr show /instance 0 --json
same 'for programs too' '4 false null null' "$got $(json '.card | "\(.complete) \(.keys) \(.tpm)"')"
swtpm_start
check 'the TPM is back' mgr list

# ---- pcscd away ----
kill -STOP "$pcscd_pid"
finds 'pcscd hangs' 1 problem pcscd 'does not answer' 'restart pcscd'
kill -CONT "$pcscd_pid"
pcscd_stop
finds 'pcscd does not run' 1 problem pcscd 'does not run' 'pcscd.socket'
run mgr show /instance 0
same 'root sees his card without it' 0 "$got"
matches 'and why others do not' 'pcscd is not running' "$out"
run as_nobody "$prefix/sbin/tpmvscmgr" show /instance 0 --config "$conf"
same 'others see nothing' '5 ' "$got $out"
mkdir -p empty.d
reader_conf_d=$scratch/empty.d
pcscd_start
finds 'pcscd without the driver' 1 problem driver 'shows no reader' 'restart'
pcscd_stop

# Sixteen readers: ten of one configuration and six of another.
install -d -m 0700 state2
sed "s|^state_dir.*|state_dir = $scratch/state2|; s|^spare_slots.*|spare_slots = 6|" "$conf" >second.conf
sed -i 's|^spare_slots.*|spare_slots = 10|' "$conf"
cp -r "$scratch/reader.conf.d" many.d
sed "s|tpmvsc:.*|tpmvsc:$scratch/second.conf|; s|^FRIENDLYNAME.*|FRIENDLYNAME \"Another\"|; s|^CHANNELID.*|CHANNELID 1|" \
	"$scratch/reader.conf.d/libifdtpmvsc" >many.d/second
reader_conf_d=$scratch/many.d
pcscd_start
finds 'as many readers as there is room for' 1 warning 'free slots' 'there are 16 readers' 'spare_slots'
