#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What the manual of Windows' tpmvscmgr promises, row by row of its two tables:
# each parameter with each of its values, the examples word for word, the
# remarks; and every exit status.  What a card got is asked of the live card.
# Assertions of a row are evaluated where they find the card, hence the quotes.
# shellcheck disable=SC2016,SC2034
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages "${yubico_packages[@]}" openssh-client
cd "$scratch"
install_private
swtpm_start
write_conf 'spare_slots = 4'
pcscd_start

tpmvscmgr.exe() { "$prefix/sbin/tpmvscmgr.exe" "$@" --config "$conf"; }
id0='ROOT\SMARTCARDREADER\0000'
key_hex=A1A2A3A4A5A6A7A8B1B2B3B4B5B6B7B8C1C2C3C4C5C6C7C8
get_chuid=00CB3FFF055C035FC10200
abc=abcdefghijklmnopqrstuvwxyz
long127=$abc$abc$abc$abc${abc:0:23}

# ---- rows ----

# run_tool WORDS INPUT: words as a shell has them; out, err, got.
run_tool()
{
	local words
	eval "words=($1)"
	got=0
	out=$(printf '%b' "$2" | tpmvscmgr.exe "${words[@]}" 2>err.txt) || got=$?
	err=$(cat err.txt)
}

# What is left behind by whom: the TPM and the files.
traces() { nv_indices; find "$state" -mindepth 1 ! -name .lock ! -name .manage | sort; }

# row WHY WORDS INPUT ASSERTION...: create makes card 0; each assertion is a
# command, its words parted at spaces; then the card goes.
row()
{
	local why=$1 words=$2 input=$3 assertion
	shift 3
	run_tool "create $words" "$input"
	same "$why" "0 $id0" "$got $out"
	if [ "$got" -ne 0 ]; then
		indent "$err"
		return
	fi
	wait_for 5 card_in 0 || not_ok "$why: the card is in its reader"
	session_open 0
	for assertion; do
		eval "$assertion"
	done
	session_close
	mgr destroy /instance 0 /quiet || not_ok "$why: destroy"
	[ -z "$(traces)" ] || not_ok "$why: something is left: $(traces)"
}

# no WHY STATUS WORDS INPUT: nothing comes of it but one line that says why.
no()
{
	local before
	before=$(traces)
	run_tool "$3" "${4:-}"
	if [ "$got" -eq "$2" ] && [ -z "$out" ] && [ "$(wc -l <err.txt)" -eq 1 ] && [ "$(traces)" = "$before" ]; then
		ok "$1"
	else
		not_ok "$1: exit status $got, not $2, or not one line, or something is left"
		indent "$3"
		indent "$out$err"
	fi
}

# ---- assertions about card 0 ----

# Over PC/SC a PIN of more than eight octets goes as it is.
verify_any() { printf '00200080%02X%s' $(($(pin_hex "$1" | wc -c) / 2)) "$(pin_hex "$1")"; }

# Two secrets in equal halves.
two_secrets()
{
	local head=$1 a b n
	a=$(pin_hex "$2") b=$(pin_hex "$3")
	n=${#a}
	[ "$n" -gt ${#b} ] || n=${#b}
	while [ ${#a} -lt "$n" ]; do a+=ff; done
	while [ ${#b} -lt "$n" ]; do b+=ff; done
	printf '%s%02X%s%s' "$head" "$n" "$a" "$b"
}
change_any() { two_secrets 00240080 "$1" "$2"; }
unblock_any() { two_secrets 002C0080 "$1" "$2"; }

pin() { expect_sw "$why: the PIN" 9000 "$(verify_any "$1")"; }
puk() { expect_sw "$why: the PUK sets a PIN" 9000 "$(unblock_any "$1" "${2:-12345678}")"; }
no_puk() { expect_sw "$why: there is no PUK" 6983 "$(unblock_apdu 12345678 12345678)"; }
admin() { check "$why: the administrator key" admin_auth "$@"; }
no_admin() { fails "$why: another key is none" admin_auth "$@"; }
chuid() { expect_sw "$why: GET DATA CHUID" "$1" $get_chuid; }
warned() { matches "$why: is warned of" "$1" "$err"; }
writable() { expect_sw "$why: PUT DATA" 9000 00DB3FFF0D5C035FC10553067001AA710100; }
named() { matches "$why: the card has its name" "$(printf '%s' "$1" | hex | tr a-f A-F)" "$(apdu 00A4040009A00000030800001000 00; echo "$data")"; }

# ---- create: /name, /AdminKey, /PIN, /PUK, /generate ----
d='/AdminKey DEFAULT /PIN DEFAULT'
row '/name' "/name 'Corp card' $d" '' "named 'Corp card'"
row '/name of 64 characters' "/name ${long127:0:64} $d /q" '' "named ${long127:0:64}"
row '/name in UTF-8' "/name Jürgen $d" '' 'named Jürgen'
no '/name is required' 2 "create $d"
no '/name without a value' 2 "create $d /name"
no '/name of 65 characters' 2 "create $d /name ${long127:0:65}"
no '/name, empty' 2 "create $d /name ''"

row '/AdminKey DEFAULT' '/name x /AdminKey DEFAULT /PIN DEFAULT /g' '' 'admin' 'writable' "no_admin $key_hex"
row '/AdminKey PROMPT' '/name x /AdminKey PROMPT /PIN DEFAULT /g' "$key_hex\n" "admin $key_hex" 'writable' 'no_admin'
row '/AdminKey PROMPT, in small letters' '/name x /AdminKey PROMPT /PIN DEFAULT' "${key_hex,,}\n" "admin $key_hex"
row '/AdminKey RANDOM' '/name x /AdminKey RANDOM /PIN DEFAULT /g' '' 'no_admin' "no_admin $key_hex" 'pin 12345678' 'no_admin'
row '/AdminKey left out' '/name x /PIN DEFAULT' '' 'admin' 'warned /AdminKey'
no '/AdminKey PROMPT, 47 digits' 6 'create /q /name x /PIN DEFAULT /AdminKey PROMPT' "${key_hex:1}\n"
no '/AdminKey PROMPT, 49 digits' 6 'create /q /name x /PIN DEFAULT /AdminKey PROMPT' "${key_hex}A\n"
no '/AdminKey PROMPT, no hexadecimal digit' 6 'create /q /name x /PIN DEFAULT /AdminKey PROMPT' "${key_hex:1}g\n"
no '/AdminKey with a key on the command line' 2 "create /name x /PIN DEFAULT /AdminKey $key_hex"
no '/AdminKey without a value' 2 'create /name x /PIN DEFAULT /AdminKey'

row '/PIN DEFAULT' '/name x /AdminKey DEFAULT /PIN DEFAULT' '' 'pin 12345678'
row '/PIN PROMPT' '/name x /AdminKey DEFAULT /PIN PROMPT' 'Ab1!x~ 9\n' 'pin "Ab1!x~ 9"'
row '/PIN left out' '/name x /AdminKey DEFAULT' '' 'pin 12345678' 'warned /PIN'
row '/PIN of 8 characters, the least' '/name x /AdminKey DEFAULT /PIN PROMPT' 'abcdefgh\n' 'pin abcdefgh'
no '/PIN of 7' 6 'create /q /name x /AdminKey DEFAULT /PIN PROMPT' 'abcdefg\n'
row '/PIN of 127, the most' '/name x /AdminKey DEFAULT /PIN PROMPT' "$long127\n" "pin $long127" 'warned 8.characters'
no '/PIN of 128' 6 'create /q /name x /AdminKey DEFAULT /PIN PROMPT' "${long127}x\n"
no '/PIN RANDOM' 2 'create /name x /AdminKey DEFAULT /PIN RANDOM'
no '/PIN on the command line' 2 'create /name x /AdminKey DEFAULT /PIN 12345678'

row '/PUK DEFAULT' "/name x $d /PUK DEFAULT" '' 'puk 12345678'
row '/PUK PROMPT' "/name x $d /PUK PROMPT" 'Ab1!x~ 9\n' 'puk "Ab1!x~ 9" 87654321' 'pin 87654321'
row '/PUK of 127' "/name x $d /PUK PROMPT" "$long127\n" "puk $long127"
row '/PUK left out' "/name x $d" '' 'no_puk' 'pin 12345678'
no '/PUK of 7' 6 "create /q /name x $d /PUK PROMPT" 'abcdefg\n'
no '/PUK of 128' 6 "create /q /name x $d /PUK PROMPT" "${long127}x\n"
no '/PUK RANDOM' 2 "create /name x $d /PUK RANDOM"

row '/generate' "/name x $d /generate" '' 'chuid 9000'
row '/g' "/name x $d /g" '' 'chuid 9000'
row '/generate left out' "/name x $d" '' 'chuid 6A82' 'pin 12345678' 'admin'

row 'all prompts, in their order' '/name x /PUK PROMPT /PIN PROMPT /AdminKey PROMPT' \
	"$key_hex\n24681357\n86427531\n" "admin $key_hex" 'pin 24681357' 'puk 86427531'
row 'lines from Windows' '/name x /PIN PROMPT /AdminKey PROMPT' "$key_hex\r\n24681357\r\n" \
	"admin $key_hex" 'pin 24681357'
row 'any case, both spellings' '--NAME=x /ADMINKEY default --pin Default /Puk=DEFAULT --Generate' '' \
	'chuid 9000' 'puk 12345678'

# ---- create: /quiet, /?, /machine, /attestation ----
row '/quiet prints the instance and nothing else' "/name x $d /quiet" '' 'same "$why: standard error" "" "$err"'
row 'without it progress is told' "/name x $d /g" '' 'warned TPM' 'warned file.system'
for command in create destroy; do
	run_tool "$command /?" ''
	same "$command /? succeeds, on standard output" '0 ' "$got $err"
	matches "$command /? is about it" "^Usage: tpmvscmgr $command " "$out"
done
no '/machine without a host' 2 "create /name x $d /machine"
no '/machine with an option for ssh' 2 "create /name x $d /machine -oProxyCommand=true"
# away WHY WORDS: a host that is not there; e2e_machine has one that is.  ssh has its say, too.
away()
{
	run_tool "$2 /machine no-such-host.invalid" ''
	same "$1 /machine, a host that is not there" '1 ' "$got $out"
	matches "$1 /machine says so" '^tpmvscmgr: cannot reach no-such-host.invalid' "$err"
}
away create "create /name x $d"
away destroy 'destroy /instance 0'
same 'and nothing is made here' '' "$(traces)"
no '/machine with a space' 2 "create /name x $d /machine 'a b'"
row '/attestation AIK_ONLY' "/name x $d /attestation AIK_ONLY" '' \
	'expect_sw "$why: the card has an attestation key" 9000 00F700F900'
no '/attestation AIK_AND_CERT without a CA' 1 "create /name x $d /attestation AIK_AND_CERT"
matches 'it says so' 'names no attestation_ca' "$err"
no '/attestation of another kind' 2 "create /name x $d /attestation AIK"

# ---- create: /pinpolicy ----
p='/name x /AdminKey DEFAULT /PUK DEFAULT /PIN PROMPT /pinpolicy'

# policy WHY RULES KEEPS BREAKS: at creation, and on the card, whoever changes the PIN.
policy()
{
	local keeps=$3 breaks=$4
	no "$1: a PIN that breaks it" 6 "create /q $p $2" "$breaks\n"
	row "$1: a PIN that keeps it" "$p $2" "$keeps\n" 'pin "$keeps"' \
		'expect_sw "$why: CHANGE REFERENCE DATA to one that does not" 6A80 "$(change_any "$keeps" "$breaks")"' \
		'expect_sw "$why: RESET RETRY COUNTER to one that does not" 6A80 "$(unblock_any 12345678 "$breaks")"' \
		'pin "$keeps"' \
		'expect_sw "$why: a change to itself" 9000 "$(change_any "$keeps" "$keeps")"'
}
policy 'no rule: 8 to 127 characters' '' 12345678 1234567
policy 'minlen 4, the lower bound' 'minlen 4' abcd abc
policy 'minlen left out is 8' 'maxlen 12' 12345678 1234567
policy 'minlen 127' 'minlen 127' "$long127" "${long127:1}"
policy 'maxlen 6' 'minlen 4 maxlen 6' 123456 1234567
policy 'maxlen 8' 'maxlen 8' 12345678 123456789
policy 'maxlen and minlen alike' 'minlen 5 maxlen 5' 12345 1234
policy 'uppercase DISALLOWED' 'uppercase DISALLOWED' abcdefg1 abcdefgA
policy 'uppercase REQUIRED' 'uppercase REQUIRED' abcdefgA abcdefg1
policy 'lowercase DISALLOWED' 'lowercase DISALLOWED' ABCDEFG1 ABCDEFGa
policy 'lowercase REQUIRED' 'lowercase REQUIRED' ABCDEFGa ABCDEFG1
policy 'digits DISALLOWED' 'digits DISALLOWED' abcdefgA abcdefg1
policy 'digits REQUIRED' 'digits REQUIRED' abcdefg1 abcdefgA
policy 'specialchars DISALLOWED' 'specialchars DISALLOWED' abcdefg1 'abcdef 1'
policy 'specialchars REQUIRED' 'specialchars REQUIRED' 'abcdef~1' abcdefg1
policy 'all REQUIRED' 'minlen 4 uppercase REQUIRED lowercase REQUIRED digits REQUIRED specialchars REQUIRED' 'aB3_' 'aB34'
policy 'digits only' 'minlen 4 uppercase DISALLOWED lowercase DISALLOWED specialchars DISALLOWED' 1234 123a
policy 'the default PIN of a machine is no exception' 'lowercase REQUIRED' abcdefgh 12345678
policy 'printable ASCII only' 'minlen 4' 'a ~!' "$(printf 'ab\001c')"

# allowed RULE WITH WITHOUT: the characters may be there, and need not.
allowed()
{
	local with=$2 without=$3
	row "$1 ALLOWED" "$p $1 ALLOWED" "$with\n" 'pin "$with"' \
		'expect_sw "$why: none of them" 9000 "$(change_any "$with" "$without")"' 'pin "$without"'
}
allowed uppercase aB3_aB3_ ab3_ab3_
allowed lowercase aB3_aB3_ AB3_AB3_
allowed digits aB3_aB3_ aBc_aBc_
allowed specialchars aB3_aB3_ aB3xaB3x
row 'rules left out are ALLOWED' "$p maxlen 20" 'aB3_aB3_\n' 'pin aB3_aB3_' \
	'expect_sw "$why: one kind alone" 9000 "$(change_any aB3_aB3_ 12345678)"'
row 'rules in any case, as a list' "$p MinLen=4,DIGITS=required" '123a\n' 'pin 123a' \
	'expect_sw "$why: kept" 6A80 "$(change_any 123a abcd)"'
no 'minlen 3 is below the bound' 2 "create $p minlen 3"
no 'maxlen 128 is above it' 2 "create $p maxlen 128"
no 'minlen above maxlen' 2 "create $p minlen 9 maxlen 8"
no 'nothing allowed' 2 "create $p uppercase DISALLOWED lowercase DISALLOWED digits DISALLOWED specialchars DISALLOWED"
no 'a rule without a value' 2 "create $p minlen"
no 'a rule there is not' 2 "create $p letters REQUIRED"
no 'a value there is not' 2 "create $p digits MAYBE"
no '/pinpolicy goes with a prompt' 2 'create /name x /AdminKey DEFAULT /PIN DEFAULT /pinpolicy minlen 4'
no '/pinpolicy without /PIN' 2 'create /name x /AdminKey DEFAULT /pinpolicy minlen 4'

# ---- PINs of 4 to 127 characters, over PC/SC, end to end ----
for n in 4 5 7 8 9 16 63 64 126 127; do
	one=${long127:0:n} two=${one^^} three=${one//a/Z}
	row "a PIN of $n characters" "$p minlen 4" "$one\n" 'pin "$one"' \
		'expect_sw "$why: changed" 9000 "$(change_any "$one" "$two")"' 'pin "$two"' \
		'expect_sw "$why: set by the PUK" 9000 "$(unblock_any 12345678 "$three")"' 'pin "$three"' \
		'expect_sw "$why: the first is wrong now" 63C4 "$(verify_any "$one")"'
done

# ---- remarks: all 127 characters of ASCII ----
ascii=$(printf '%b' "$(printf '\\%03o' $(seq 1 9) $(seq 11 127))")
row 'all ASCII characters that fit a line' '/name x /AdminKey DEFAULT /PIN PROMPT /PUK PROMPT' \
	"$(printf '\\0%03o' $(seq 1 9) $(seq 11 127))\n$(printf '\\0%03o' $(seq 127 -1 11) $(seq 9 -1 1))\n" \
	'pin "$ascii"' 'puk "$(rev <<<"$ascii")"'
full=$(printf '%02x' $(seq 1 127))
row 'all 127 of them' '/name x /AdminKey DEFAULT' '' \
	'expect_sw "$why: set" 9000 "00240080FE$(pin_hex 12345678)$(printf "ff%.0s" $(seq 119))$full"' \
	'expect_sw "$why: verified" 9000 "002000807F$full"'

# ---- the policy is the card's: real programs cannot break it, nor can who edits the files ----
run_tool "create $p minlen 6 maxlen 7 digits REQUIRED uppercase DISALLOWED" 'secret1\n'
same 'a card with a policy' "0 $id0" "$got $out"
wait_for 5 card_in 0 || die 'the card is in its reader'
ypt() { yubico-piv-tool -r "$(reader 0)" "$@"; }
fails 'pkcs15-tool cannot set a PIN without a digit' pkcs15-tool --reader 0 --change-pin --pin secret1 --new-pin secreta
fails 'yubico-piv-tool cannot either' ypt -a change-pin -P secret1 -N secreta
fails 'nor one too long' ypt -a change-pin -P secret1 -N secret12
fails 'nor by the PUK' ypt -a unblock-pin -P 12345678 -N SECRET1
check 'the PIN is as it was' ypt -a verify-pin -P secret1
check 'yubico-piv-tool sets one that keeps it' ypt -a change-pin -P secret1 -N secret2
check 'by the PUK, too' ypt -a unblock-pin -P 12345678 -N secret3
check 'and that is the PIN' ypt -a verify-pin -P secret3
# minlen, maxlen, four rules, printable ASCII only
rules=06070200010001
record=$(hex <"$state/0000/record")
same 'the policy is in the record, once' 1 "$(grep -o "$rules" <<<"$record" | wc -l)"
cp "$state/0000/record" record
unhex "${record/$rules/04070200000001}" >"$state/0000/record"
matches 'a record that was edited is no card' '0000 .*broken' "$(mgr list 2>/dev/null)"
pcscd_stop
pcscd_start
fails 'pcscd gives no access to it' ypt -a verify-pin -P secret3
session_open 0
same 'not to a single command' no-answer "$sw"
session_close
cp record "$state/0000/record"
matches 'with the old record it is whole' '0000 .*ready' "$(mgr list)"
check 'and in its reader' wait_for 5 card_in 0
mgr destroy /instance 0 /quiet || not_ok 'destroy'

# ---- destroy: /instance, /quiet, /machine ----
spelled()
{
	mgr create /name x /AdminKey DEFAULT /PIN DEFAULT /quiet >/dev/null 2>&1 || not_ok "create"
	run_tool "destroy $2" ''
	same "$1" '0 ' "$got $out"
	same "$1: nothing is left" '' "$(traces)"
}
spelled '/instance as printed' "/instance '$id0'"
spelled '/instance, its backslashes eaten' '/instance ROOT\SMARTCARDREADER\0000'
spelled '/instance in small letters' "/instance 'root\\smartcardreader\\0000'"
spelled '/instance, the number' '/instance 0'
spelled '/i' '-i 0000'
matches 'progress is told' 'TPM' "$err"
spelled '/quiet' '/instance 0 /quiet'
same 'is quiet' '' "$err"
no '/instance is required' 2 'destroy'
no '/instance of no card' 3 'destroy /instance 5'
no '/instance that is none' 2 "destroy /instance 'ROOT\\SMARTCARDREADER\\00000'"
no '/machine with an option for ssh' 2 'destroy /instance 0 /machine -v'

# What was destroyed does not come back with its files.
mgr create /name x /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT /generate /quiet >/dev/null 2>&1
cp -a "$state/0000" backup
mgr destroy /instance 0 /quiet
cp -a backup "$state/0000"
wait_for 5 card_in 0 || not_ok 'the files are a card again'
session_open 0
apdu "$(verify_apdu 12345678)"
check 'a destroyed card takes its PIN no more' test "$sw" != 9000
session_close
rm -r "$state/0000"

# ---- instances are counted from 0 ----
new() { mgr create /name "$1" /AdminKey DEFAULT /PIN DEFAULT /quiet 2>/dev/null; }
same 'the first' "$id0" "$(new a)"
same 'the second' 'ROOT\SMARTCARDREADER\0001' "$(new b)"
same 'the third' 'ROOT\SMARTCARDREADER\0002' "$(new c)"
mgr destroy /instance 1 /quiet
same 'the lowest that is free: unlike Windows, and the manual says so' 'ROOT\SMARTCARDREADER\0001' "$(new d)"
check 'it does' grep -q 'lowest number that is free' "$top/man/tpmvscmgr.8"
for n in 0 1 2; do mgr destroy /instance $n /quiet; done

# ---- the examples, word for word ----
examples=(
	'tpmvscmgr.exe create /name "VirtualSmartCardForCorpAccess" /AdminKey DEFAULT /PIN PROMPT'
	'tpmvscmgr.exe create /name "VirtualSmartCardForCorpAccess" /AdminKey PROMPT /PIN PROMPT'
	'tpmvscmgr.exe create /name "VirtualSmartCardForCorpAccess" /AdminKey RANDOM /PIN PROMPT /g'
	'tpmvscmgr.exe create /name "VirtualSmartCardForCorpAccess" /PIN PROMPT /pinpolicy minlen 4'
)
input=('24681357\n' "$key_hex\n24681357\n" '24681357\n' '2468\n')
for n in 0 1 2 3; do
	check "example $((n + 1)) is in the manual" grep -qxF -- "${examples[n]}" "$top/man/tpmvscmgr.8"
	id=$(printf '%b' "${input[n]}" | eval "${examples[n]}" 2>err.txt) || not_ok "example $((n + 1)): $(cat err.txt)"
	same "example $((n + 1))" "$id0" "$id"
	wait_for 5 card_in 0 || not_ok 'the card is in its reader'
	session_open 0
	why="example $((n + 1))"
	case $n in
	0) pin 24681357; admin; no_puk; chuid 6A82 ;;
	1) pin 24681357; admin $key_hex; no_admin; chuid 6A82 ;;
	2) pin 24681357; no_admin; chuid 9000 ;;
	3) pin 2468; admin; chuid 6A82 ;;
	esac
	session_close
	# the fourth of the manual's examples in between: destroy, as it was printed
	tpmvscmgr.exe destroy /instance "$id" >/dev/null 2>err.txt || not_ok "destroy: $(cat err.txt)"
	same 'nothing is left' '' "$(traces)"
done
# at a terminal: asked twice
: >typescript
answer() { wait_for 10 grep -q "$1" typescript && printf '24681357\r'; }
{ answer '^PIN: '; answer 'Again, PIN: '; } |
	script -qefc "'$prefix/sbin/tpmvscmgr.exe' create /name VirtualSmartCardForCorpAccess /AdminKey RANDOM /PIN PROMPT /g --config '$conf'" \
		typescript >/dev/null || not_ok "at a terminal: $(cat typescript)"
matches 'the third at a terminal, asked for the PIN twice' 'ROOT.SMARTCARDREADER.0000' "$(cat typescript)"
fails 'which is not shown' grep -q 2468 typescript
wait_for 5 card_in 0 || not_ok 'the card is in its reader'
session_open 0
why='at a terminal'
pin 24681357
session_close

# ---- every exit status, with one card there ----
write_conf 'spare_slots = many'
no '1, failed' 1 'list'
write_conf
no '2, wrong usage' 2 'create /name x /attestation AIK'
no '3, no such card' 3 'destroy /instance 9 /quiet'
no '6, a secret that breaks the policy' 6 'create /name x /AdminKey DEFAULT /PIN PROMPT /quiet' '1234\n'
as_nobody()
{
	local words
	eval "words=($1)"
	got=0
	out=$(setpriv --reuid=65534 --regid=65534 --clear-groups "$prefix/sbin/tpmvscmgr.exe" "${words[@]}" \
		--config "$conf" 2>err.txt </dev/null) || got=$?
}
chmod -R a+rX "$prefix" 2>/dev/null || :
as_nobody 'destroy /instance 0 /quiet'
same '5, not permitted' '5 1' "$got $(wc -l <err.txt)"
before=$(traces)
stop_process "$swtpm_pid"
swtpm_pid=''
run_tool 'destroy /instance 0 /quiet' ''
same '4, no TPM' '4 1' "$got $(wc -l <err.txt)"
swtpm_start
same 'and the card is as it was' "$before" "$(traces)"
for n in 1 2 3 4 5 6 7 8 9; do new "card $n" >/dev/null || not_ok "card $n"; done
no '7, no room for an eleventh' 7 'create /name x /AdminKey DEFAULT /PIN DEFAULT /quiet'
run_tool 'list' ''
same '0, done' 0 "$got"
for n in 0 1 2 3 4 5 6 7 8 9; do mgr destroy /instance $n /quiet || not_ok "destroy $n"; done
same 'nothing is left of it all' '' "$(traces)"
