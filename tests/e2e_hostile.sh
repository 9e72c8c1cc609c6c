#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Hostile command lines and inputs: each ends with the right exit status and one
# line that a terminal can show, and leaves nothing behind, in the TPM or on the
# disk, where there is a card all along.  Words of a row are evaluated when it
# runs, hence the quotes.
# shellcheck disable=SC2016,SC2034
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
cd "$scratch"
install_private
swtpm_start
write_conf 'spare_slots = 2'
pcscd_start

tool=$prefix/sbin/tpmvscmgr
rows=0
M=$((1024 * 1024))

# ---- rows ----

# What there is in the TPM and in the state directory.
traces()
{
	local kind
	for kind in nv-index persistent transient loaded-session saved-session; do
		tpm2_getcap "handles-$kind"
	done
	(cd "$state" && find . ! -name .lock ! -name .manage ! -type f -printf '%y %m %U %p\n' | sort)
	(cd "$state" && find . -type f ! -name .lock ! -name .manage -print0 | sort -z | xargs -0 sha256sum)
	find "$scratch/out" | sort
}

# Rows are many and looking is slow: once for each group of them.
group()
{
	same "nothing is left behind: $1" "$before" "$(traces)"
	before=$(traces)
}

# judge WHY EXIT: one line, printable, and that exit status; nothing on standard output.
judge()
{
	local complaint=''
	rows=$((rows + 1))
	[ "$got" -eq "$2" ] || complaint="exit status $got, not $2"
	[ "$(wc -l <err.txt)" -eq 1 ] || complaint+="; $(wc -l <err.txt) lines"
	[ ! -s out.txt ] || complaint+='; something on standard output'
	! grep -q '[^ -~]' err.txt || complaint+='; not printable'
	[ "$(wc -c <err.txt)" -le 1100 ] || complaint+='; too long'
	if [ -z "$complaint" ]; then
		ok "$1"
	else
		not_ok "$1: $complaint"
		head -c 600 err.txt | cat -v | sed 's/^/    /'
	fi
}

# bad WHY EXIT WORDS [INPUT [WRAPPER]]: words as a shell has them, input as printf %b.
bad()
{
	local words wrapper
	eval "words=($3)"
	eval "wrapper=(${5:-})"
	got=0
	printf '%b' "${4:-}" | timeout 20 ${wrapper[@]+"${wrapper[@]}"} "$tool" --config "$conf" \
		"${words[@]}" >out.txt 2>err.txt || got=$?
	judge "$1" "$2"
}

# fed WHY EXIT WORDS COMMAND...: standard input is what a command prints.
fed()
{
	local why=$1 want=$2 words
	eval "words=($3)"
	shift 3
	got=0
	"$@" 2>/dev/null | { timeout 20 "$tool" --config "$conf" "${words[@]}" >out.txt 2>err.txt || echo $? >got.txt; } || :
	[ ! -e got.txt ] || got=$(cat got.txt)
	rm -f got.txt
	judge "$why" "$want"
}

# bare WHY EXIT WORDS: without this script's --config.
bare()
{
	local words
	eval "words=($3)"
	got=0
	timeout 20 "$tool" "${words[@]}" >out.txt 2>err.txt </dev/null || got=$?
	judge "$1" "$2"
}

mkdir out
mgr create /name Here /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT /generate /quiet --record record >/dev/null 2>&1 || die 'create'
wait_for 5 card_in 0 || die 'the card is in its reader'
before=$(traces)
long=$(head -c 100000 /dev/zero | tr '\0' x)
newline=$'a\nb' escape=$'\e]0;pwned\a' latin=$'\xfc\xff' utf8=$'\xe2\x80\xae' # the last turns text around
commands=(create destroy list show enroll unblock respond change-pin change-puk change-admin-key doctor repair)

# ---- every command: words that are none of its own ----
for c in "${commands[@]}"; do
	bad "$c: an unknown option" 2 "$c --colour"
	bad "$c: in Windows' spelling" 2 "$c /colour red"
	bad "$c: a word too many" 2 "$c 0"
	bad "$c: an empty word" 2 "$c ''"
	bad "$c: a value for a flag" 2 "$c --quiet=yes"
	bad "$c: control characters" 2 "$c \"--\$escape\""
	bad "$c: not UTF-8" 2 "$c \"/\$latin\""
	bad "$c: a word of 100000 letters" 2 "$c \"\$long\""
	bad "$c: an option of 100000 letters" 2 "$c \"--\${long:0:50000}=\${long:0:50000}\""
done
group 'words that are no options'
for c in destroy show enroll unblock change-pin change-puk change-admin-key; do
	bad "$c: no instance" 2 "$c /quiet"
	bad "$c: an instance without a value" 2 "$c /instance"
	bad "$c: an empty one" 2 "$c --instance="
	bad "$c: one that is too long" 2 "$c --instance=\$long"
	bad "$c: control characters in it" 2 "$c /instance \"ROOT\\\\SMARTCARDREADER\\\\000\$newline\""
	bad "$c: another device" 2 "$c /instance 'ROOT\\NET\\0000'"
	bad "$c: two of them" 2 "$c -i 0 --instance=1"
	bad "$c: a path" 2 "$c -i ../0000"
done
group 'instances'

# ---- the tool as a whole ----
bad 'no command' 2 ''
bad 'a command in parts' 2 'change pin'
bad 'a command cut short' 2 'destr /instance 0'
bad 'a command that is an option' 2 '/destroy /instance 0'
bad 'a command with a slash behind it' 2 'list/'
bad 'a command with a newline in it' 2 "\$'list\\n'"
bad 'two commands' 2 'list list'
bad 'hyphens only' 2 'list ----'
bad 'a slash alone' 2 'list /'
bad 'an equals sign alone' 2 'list ='
bad 'an ambiguous prefix' 2 'create /a DEFAULT /name x'
bad '--stdio with a command' 2 'list --stdio'
bad '--stdio with nothing to do' 2 '--stdio'
bad '--stdio with garbage' 2 '--stdio' '\001\002\003'
bad '--stdio with JSON that asks for nothing' 2 '--stdio' '{}\n'
bad '--stdio with JSON of a wrong kind' 2 '--stdio' '[1, 2]\n'
bad '--stdio, cut off' 2 '--stdio' '{"argv": ["list"'
fed '--stdio with a line of a megabyte' 2 '--stdio' head -c $M /dev/zero
fed '--stdio with nesting' 2 '--stdio' sh -c 'head -c 200000 /dev/zero | tr "\0" "["'
far() { bad "--stdio: $1" "$2" '--stdio' "$3\n"; }
far 'another version' 2 '{"version":2,"arguments":["list"],"secrets":[]}'
far 'no version' 2 '{"arguments":["list"],"secrets":[]}'
far 'a member too many' 2 '{"version":1,"arguments":["list"],"secrets":[],"user":"root"}'
far 'arguments that are no list' 2 '{"version":1,"arguments":"list","secrets":[]}'
far 'an argument that is no text' 2 '{"version":1,"arguments":["destroy","/instance",0],"secrets":[]}'
far 'an argument with NUL' 2 '{"version":1,"arguments":["li\\u0000st"],"secrets":[]}'
far 'a secret there is not' 2 '{"version":1,"arguments":["list"],"secrets":["password"]}'
far 'a secret twice' 2 '{"version":1,"arguments":["list"],"secrets":["pin","pin"]}\n12345678\n12345678'
far 'a machine behind the machine' 2 '{"version":1,"arguments":["list","/machine","x"],"secrets":[]}'
far 'a configuration of its own' 2 '{"version":1,"arguments":["list","--config","/dev/null"],"secrets":[]}'
far 'a file of secrets' 2 '{"version":1,"arguments":["create","/name","x","--pin-file","/etc/shadow"],"secrets":[]}'
far 'a record to write' 2 '{"version":1,"arguments":["show","-i","0","--record","/etc/x"],"secrets":[]}'
far 'a request within a request' 2 '{"version":1,"arguments":["--stdio"],"secrets":[]}'
far 'a command with no far side' 2 '{"version":1,"arguments":["change-pin","-i","0"],"secrets":["pin"]}\n12345678'
far 'a secret that does not come' 6 '{"version":1,"arguments":["create","/quiet","/name","x","/PIN","PROMPT"],"secrets":["pin"]}'
far 'a prompt that brings no secret' 6 '{"version":1,"arguments":["create","/quiet","/name","x","/AdminKey","DEFAULT","/PIN","PROMPT"],"secrets":[]}'
far 'a wrong command line' 2 '{"version":1,"arguments":["create"],"secrets":[]}'
far 'not UTF-8' 2 '{"version":1,"arguments":["\0377"],"secrets":[]}'
bare '--config without a value' 2 'list --config'
bare '--config, empty' 2 'list --config='
bare '--config that is not there' 1 "list --config $scratch/none"
bare '--config in a directory that is none' 1 "list --config $conf/x"
bare '--config that is a directory' 1 "list --config $scratch"
bare '--config that never ends' 1 'list --config /dev/zero'
bare '--config with control characters' 1 'list --config "/none/$escape"'
bare '--config with a newline' 1 'list --config "/none/$newline"'
bare '--config, not UTF-8' 1 'list --config "/none/$latin"'
bare '--config with text that turns around' 1 'list --config "/none/$utf8"'
bare '--config of 100000 letters' 1 'list --config "/$long"'
bare '--config twice' 2 "list --config $conf -c $conf"
group 'the tool as a whole'

# ---- configurations ----
configured()
{
	printf '%b' "$2" >hostile.conf
	bare "configuration: $1" 1 'list --config hostile.conf'
}
configured 'NUL' "tcti = $tcti\n\\0000\n"
configured 'control characters' "tcti = $tcti\n\033[31m = 1\n"
configured 'control characters in a value' "tcti = \033[31m\n"
configured 'not UTF-8' '\0377\0376\n'
configured 'a TCTI that names a library' 'tcti = /tmp/evil.so:x\n'
configured 'a relative state directory' 'state_dir = cards\n'
configured 'a key twice' 'spare_slots = 1\nspare_slots = 1\n'
configured 'a number beyond numbers' 'pin_cache = 99999999999999999999\n'
configured 'a negative number' 'spare_slots = -1\n'
head -c $M /dev/zero | tr '\0' x >hostile.conf
bare 'configuration: a line of a megabyte' 1 'list --config hostile.conf'
rm hostile.conf
ln -s "$conf" link.conf
chmod 0666 "$conf"
bad 'a configuration that anybody may write' 1 'list'
chmod 0644 "$conf"
group 'configurations'

# ---- create: the command line ----
c='create /AdminKey DEFAULT /PIN DEFAULT /quiet'
bad 'no name' 2 "$c"
bad 'an empty name' 2 "$c --name="
bad 'a name of 65 characters' 2 "$c /name ${long:0:65}"
bad 'a name of 100000' 2 "$c /name \$long"
bad 'a name with a newline' 2 "$c /name \"\$newline\""
bad 'a name with an escape sequence' 2 "$c /name \"\$escape\""
bad 'a name that is not UTF-8' 2 "$c /name \"\$latin\""
bad 'a name that turns text around' 2 "$c /name \"a\$utf8\""
bad 'a name that is cut within a character' 2 "$c /name \$'a\\xe2\\x80'"
bad 'a name twice' 2 "$c /name a --name b"
c='create /name x /quiet'
bad 'an administrator key on the command line' 2 "$c /AdminKey $default_admin_key"
bad 'a PIN on the command line' 2 "$c /PIN 12345678"
bad 'a PUK on the command line' 2 "$c --puk=12345678"
bad 'a PIN cut short into a file name' 2 "$c /PIN= DEFAULT"
bad 'RANDOM for a PIN' 2 "$c /PIN RANDOM"
bad 'no tries' 2 "$c --pin-tries 0"
bad 'too many tries' 2 "$c --puk-tries 11"
bad 'tries beyond numbers' 2 "$c --pin-tries 18446744073709551621"
bad 'tries with a sign' 2 "$c --pin-tries +5"
bad 'tries with a space' 2 "$c --pin-tries ' 5'"
bad 'an algorithm of a key pair' 2 "$c --admin-algorithm RSA2048"
bad 'AES256 with the default key' 2 "$c --admin-algorithm AES256 /AdminKey DEFAULT"
bad 'neither yes nor no' 2 "$c --admin-unblock 1"
bad '/attestation without a CA' 1 "$c /attestation AIK_AND_CERT"
bad '/attestation of neither kind' 2 "$c /attestation AIK"
bad '/attestation, half of it' 2 "$c /attestation"
p="$c /AdminKey DEFAULT /PIN PROMPT"
bad '/pinpolicy with a default PIN' 2 "$c /PIN DEFAULT /pinpolicy minlen 4"
bad 'minlen 3' 2 "$p /pinpolicy minlen 3"
bad 'maxlen 128' 2 "$p /pinpolicy maxlen 128"
bad 'minlen beyond numbers' 2 "$p /pinpolicy minlen 4294967300"
bad 'minlen above maxlen' 2 "$p /pinpolicy minlen 9 maxlen 8"
bad 'a rule twice' 2 "$p --pin-policy=digits=REQUIRED,digits=REQUIRED"
bad 'a rule without a value' 2 "$p --pin-policy=digits="
bad 'a rule without a rule' 2 "$p --pin-policy==REQUIRED"
bad 'a list that goes on' 2 "$p --pin-policy=minlen=4,"
bad 'a rule with control characters' 2 "$p /pinpolicy \"\$escape\" 4"
bad 'a list of 100000 letters' 2 "$p --pin-policy=\$long"
bad 'a policy that a reset would break' 2 "$p --allow-reset /pinpolicy minlen 9"
bad 'a host that is an option' 2 "$c /machine -oProxyCommand=id"
bad 'a host with a space' 2 "$c /machine 'a b'"
bad 'a host with a newline' 2 "$c /machine \"\$newline\""
bad 'an empty host' 2 "$c --machine="
bad 'a record where no directory is' 1 "$c /AdminKey DEFAULT /PIN DEFAULT --record $scratch/none/record"
bad 'a record that is a directory' 1 "$c /AdminKey DEFAULT /PIN DEFAULT --record $scratch/out"
group 'create, command lines'

# ---- create: what is read ----
k='/PIN DEFAULT /AdminKey PROMPT'
for why in PIN PUK; do
	case $why in
	PIN) w='create /quiet /name x /AdminKey DEFAULT /PIN PROMPT' ;;
	PUK) w='create /quiet /name x /AdminKey DEFAULT /PIN DEFAULT /PUK PROMPT' ;;
	esac
	bad "$why: nothing" 6 "$w" ''
	bad "$why: an empty line" 6 "$w" '\n'
	bad "$why: 7 characters" 6 "$w" '1234567\n'
	bad "$why: 7 characters and no end" 6 "$w" '1234567'
	bad "$why: 128 characters" 6 "$w" "${long:0:128}\n"
	bad "$why: NUL within" 6 "$w" '1234\00005678\n'
	bad "$why: NUL before" 6 "$w" '\000012345678\n'
	bad "$why: not ASCII" 6 "$w" 'p\0303\0244ssword1\n'
	bad "$why: not UTF-8" 6 "$w" '1234567\0377\n'
	fed "$why: a line of a megabyte" 6 "$w" sh -c "head -c $M /dev/zero | tr '\0' 1"
	fed "$why: a megabyte of NUL" 6 "$w" head -c $M /dev/zero
	fed "$why: a megabyte of newlines" 6 "$w" sh -c "head -c $M /dev/zero | tr '\0' '\n'"
	fed "$why: noise" 6 "$w" sh -c 'printf "\377\376"; head -c 4096 /dev/zero | tr "\0" "\200"'
done
w="create /quiet /name x $k"
bad 'key: nothing' 6 "$w" ''
bad 'key: 47 digits' 6 "$w" "${default_admin_key:1}\n"
bad 'key: 49 digits' 6 "$w" "${default_admin_key}0\n"
bad 'key: with 0x' 6 "$w" "0x${default_admin_key:2}\n"
bad 'key: with spaces' 6 "$w" "${default_admin_key:0:46} 1\n"
bad 'key: not hexadecimal' 6 "$w" "${default_admin_key:1}g\n"
bad 'key: of AES128' 6 "$w" "${default_admin_key:0:32}\n"
bad 'key: of 3DES for AES256' 6 "$w --admin-algorithm AES256" "$default_admin_key\n"
fed 'key: a line of a megabyte' 6 "$w" sh -c "head -c $M /dev/zero | tr '\0' a"
bad 'the second secret is not there' 6 'create /quiet /name x /AdminKey PROMPT /PIN PROMPT' "$default_admin_key\n"
bad 'nor the third' 6 'create /quiet /name x /AdminKey PROMPT /PIN PROMPT /PUK PROMPT' "$default_admin_key\n12345678\n"
bad 'the third is bad' 6 'create /quiet /name x /AdminKey PROMPT /PIN PROMPT /PUK PROMPT' "$default_admin_key\n12345678\n1\n"
bad 'a control character where only printable ones may be' 6 "$p /pinpolicy minlen 4" '12345\000678\n'
group 'create, input'

# ---- secrets in files ----
printf '123' >out/short
printf '12345678' >out/good
: >out/empty
head -c $M /dev/zero | tr '\0' 1 >out/endless
printf '1234\0005678' >out/nul
ln -s loop out/loop
chmod 0600 out/*  2>/dev/null || :
before=$(traces)
f="create /quiet /name x /AdminKey DEFAULT --pin-file"
bad 'a file that is not there' 1 "$f out/none"
bad 'a file behind a file' 1 "$f out/good/x"
bad 'a file that is a directory' 1 "$f out"
bad 'a link to itself' 1 "$f out/loop"
bad 'a device' 1 "$f /dev/zero"
bad 'an empty name' 2 "$f ''"
bad 'a name with a newline' 1 "$f \"out/\$newline\""
bad 'a name with an escape sequence' 1 "$f \"out/\$escape\""
bad 'a name that is not UTF-8' 1 "$f \"out/\$latin\""
bad 'a name of 100000 letters' 1 "$f \$long"
bad 'an empty file' 6 "$f out/empty"
bad 'a PIN too short in it' 6 "$f out/short"
bad 'a megabyte in it' 6 "$f out/endless"
bad 'NUL in it' 6 "$f out/nul"
bad 'a file and DEFAULT' 2 "$f out/good /PIN DEFAULT"
bad 'standard input, which is empty' 6 "$f -"
bad 'a key in a file that is none' 6 'create /quiet /name x /PIN DEFAULT --admin-key-file out/good'
bad 'a file with an equals sign and none' 2 'create /name x --pin-file='
bad 'a file whose option was cut short' 2 'create /name x --puk-f out/good'
group 'files'

# ---- standard streams that are not there ----
{
	closed_in='bash -c "exec \"\$@\" <&-" -'
	dir_in='bash -c "exec \"\$@\" </" -'
	full_out='bash -c "exec \"\$@\" >/dev/full" -'
	closed_out='bash -c "exec \"\$@\" >&-" -'
	few() { printf 'bash -c "ulimit -n %d; exec \"\$@\"" -' "$1"; }
	tiny='bash -c "{ (ulimit -f 0; exec \"\$@\") 2>&1 >&3 | cat >&2; exit \${PIPESTATUS[0]}; } 3>&1" -'
}
w='create /quiet /name x /AdminKey DEFAULT /PIN PROMPT'
bad 'standard input is closed' 1 "$w" '' "$closed_in"
bad 'standard input is a directory' 1 "$w" '' "$dir_in"
for c in 'list' 'create --help' '--version' 'show /instance 0' 'doctor --json'; do
	bad "$c: standard output is full" 1 "$c" '' "$full_out"
	bad "$c: standard output is closed" 1 "$c" '' "$closed_out"
done
bad 'a file descriptor too few for the lease' 4 'create /quiet /name x /AdminKey DEFAULT /PIN DEFAULT' '' "$(few 5)"
bad 'or for the TPM' 4 'create /quiet /name x /AdminKey DEFAULT /PIN DEFAULT' '' "$(few 6)"
bad 'or for the files of the card, or to take them back: the next run does' 1 \
	'create /quiet /name x /AdminKey DEFAULT /PIN DEFAULT' '' "$(few 8)"
matches 'which is what it says' 'next run of tpmvscmgr' "$(cat err.txt)"
mgr list >/dev/null 2>&1 || not_ok 'list after that'
bad 'files may not grow' 7 'create /quiet /name x /AdminKey DEFAULT /PIN DEFAULT' '' "$tiny"
group 'standard streams and limits'

# ---- cards that are there, and that are not ----
for c in destroy show 'enroll --slot 9a --subject CN=x' unblock change-pin change-puk change-admin-key; do
	bad "${c%% *}: no such card" 3 "$c /instance 1 /quiet"
	bad "${c%% *}: beyond ten" 3 "$c /instance 9999 /quiet"
done
bad 'change-pin: nothing' 6 'change-pin -i 0' ''
bad 'change-pin: half of it' 6 'change-pin -i 0' '12345678\n'
bad 'change-pin: a new one too short' 6 'change-pin -i 0' '12345678\n1234567\n'
bad 'change-pin: a new one too long' 6 'change-pin -i 0' "12345678\n${long:0:128}\n"
bad 'change-pin: a new one with NUL' 6 'change-pin -i 0' '12345678\n1234\00005678\n'
bad 'change-pin: a new one that is not ASCII' 6 'change-pin -i 0' '12345678\n1234567\0344\n'
bad 'change-pin: an old one that never was' 6 'change-pin -i 0' "${long:0:128}\n12345678\n"
fed 'change-pin: megabytes' 6 'change-pin -i 0' head -c $M /dev/zero
bad 'change-puk: nothing' 6 'change-puk -i 0' ''
bad 'change-puk: half of it' 6 'change-puk -i 0' '12345678\n'
bad 'change-puk: a new one too short' 6 'change-puk -i 0' '12345678\n1234567\n'
bad 'change-puk: a new one with NUL' 6 'change-puk -i 0' '12345678\n1234\00005678\n'
bad 'unblock: nothing' 6 'unblock -i 0' ''
bad 'unblock: half of it' 6 'unblock -i 0' '12345678\n'
bad 'unblock: a new PIN too short' 6 'unblock -i 0' '12345678\n1234567\n'
bad 'unblock /AdminKey: nothing' 6 'unblock -i 0 /AdminKey' ''
bad 'unblock /AdminKey: no key' 6 'unblock -i 0 /AdminKey' 'key\n12345678\n'
bad 'unblock /AdminKey: a new PIN too short' 6 'unblock -i 0 /AdminKey' "$default_admin_key\n1234\n"
bad 'unblock: two ways' 2 'unblock -i 0 /PUK /AdminKey'
bad 'unblock: three ways' 2 'unblock -i 0 /PUK /AdminKey --challenge'
bad 'unblock --challenge on another machine' 2 'unblock -i 0 --challenge /machine host'
bad 'unblock --wait 0' 2 'unblock -i 0 --challenge --wait 0'
bad 'unblock --wait 1441' 2 'unblock -i 0 --challenge --wait 1441'
bad 'unblock --challenge: no response' 6 'unblock -i 0 --challenge --quiet --no-qr' ''
# the challenge itself is not what is looked at
mute='bash -c "exec \"\$@\" >/dev/null" -'
bad 'unblock --challenge: a response that is none' 6 'unblock -i 0 --challenge --quiet --no-qr' '24681357\nhello\n' "$mute"
bad 'of control characters' 6 'unblock -i 0 --challenge --quiet --no-qr' '24681357\n\033]0;x\a\n' "$mute"
bad 'cut off' 6 'unblock -i 0 --challenge --quiet --no-qr' '24681357\nRESPONSE:2804H-0Y66T\n' "$mute"
bad 'empty lines' 6 'unblock -i 0 --challenge --quiet --no-qr' '24681357\n\n\n\n' "$mute"
bad 'a new PIN too short' 6 'unblock -i 0 --challenge --quiet --no-qr' '1234\nRESPONSE:2804H\n'
bad 'change-admin-key: no key' 6 'change-admin-key -i 0 /quiet' 'x\ny\n'
bad 'change-admin-key: nothing' 6 'change-admin-key -i 0 /quiet' ''
bad 'change-admin-key: a new one too short' 6 'change-admin-key -i 0 /quiet' "${default_admin_key:1}\n"
bad 'change-admin-key: AES256 with the default key' 2 'change-admin-key -i 0 /AdminKey DEFAULT --admin-algorithm AES256'
group 'changes'

# ---- enroll ----
e='enroll -i 0 /quiet --slot 9a'
bad 'no slot' 2 'enroll -i 0 --subject CN=x'
bad 'no such slot' 2 'enroll -i 0 --subject CN=x --slot 9b'
bad 'a slot of retired keys' 2 'enroll -i 0 --subject CN=x --slot 82'
bad 'no subject' 2 "$e"
bad 'an empty subject' 2 "$e --subject="
bad 'a subject without a type' 2 "$e --subject Alice"
bad 'a subject of a type there is not' 2 "$e --subject COLOUR=red"
bad 'a subject that is cut off' 2 "$e --subject CN="
bad 'a subject with a newline' 2 "$e --subject \"CN=\$newline\""
bad 'a subject that is not UTF-8' 2 "$e --subject \"CN=\$latin\""
bad 'a subject of 100000 letters' 2 "$e --subject \"CN=\$long\""
bad 'an alternative name of no kind' 2 "$e --subject CN=x --alt-name alice"
bad 'of an unknown kind' 2 "$e --subject CN=x --alt-name colour:red"
bad 'one that OpenSSL would read as a section' 2 "$e --subject CN=x --alt-name @section"
bad 'no address' 2 "$e --subject CN=x --alt-name email:alice"
bad 'no name of a host' 2 "$e --subject CN=x --alt-name 'DNS:host,DNS:evil'"
bad 'one that is not ASCII' 2 "$e --subject CN=x --alt-name \"DNS:\$latin\""
bad 'seventeen' 2 "$e --subject CN=x $(printf -- '--alt-name DNS:n%d ' $(seq 17))"
bad 'an algorithm there is not' 2 "$e --subject CN=x --algorithm ED25519"
bad 'no days' 2 "$e --subject CN=x --self-signed --days 0"
bad 'days beyond a hundred years' 2 "$e --subject CN=x --self-signed --days 36501"
bad 'a rule there is not' 2 "$e --subject CN=x --pin-rule SOMETIMES"
bad '--install with a subject' 2 "$e --install out/good --subject CN=x"
bad '--install of nothing' 2 "$e --install="
bad '--install of a file that is not there' 1 "$e --install out/none"
bad '--install of a directory' 1 "$e --install out"
bad '--install of no certificate' 1 "$e --install out/good"
bad '--install of an empty file' 1 "$e --install out/empty"
bad '--install of a megabyte' 1 "$e --install out/endless"
bad '--install of what never ends' 1 "$e --install /dev/zero"
bad '--output where no directory is' 1 "$e --subject CN=x --output out/none/x" '12345678\n'
bad '--output that is a directory' 1 "$e --subject CN=x --output out" '12345678\n'
bad '--output with a newline' 1 "$e --subject CN=x --output \"none/\$newline\"" '12345678\n'
bad 'nothing for the PIN' 6 "$e --subject CN=x" ''
bad 'a PIN that is too long' 6 "$e --subject CN=x" "${long:0:128}\n"
group 'enroll'

# ---- respond ----
head -c 300 /dev/urandom >out/noise
before=$(traces)
bad 'no record' 2 'respond'
bad 'a record that is not there' 1 'respond --record out/none' 'x\n'
bad 'a record that is a directory' 1 'respond --record out' 'x\n'
bad 'a record that is empty' 1 'respond --record out/empty --challenge x' "$default_admin_key\n"
bad 'a record of noise' 1 'respond --record out/noise --challenge x' "$default_admin_key\n"
bad 'a record of a megabyte' 1 'respond --record out/endless --challenge x' "$default_admin_key\n"
bad 'a record that never ends' 1 'respond --record /dev/zero --challenge x' "$default_admin_key\n"
r="respond --record record"
bad 'no challenge' 6 "$r" ''
bad 'a challenge of nothing' 2 "$r --challenge=" ''
bad 'a challenge that is none' 2 "$r --challenge hello" "$default_admin_key\n"
bad 'a challenge of control characters' 2 "$r --challenge \"\$escape\"" "$default_admin_key\n"
bad 'a challenge of 100000 letters' 2 "$r --challenge \$long" "$default_admin_key\n"
bad 'a challenge of zeros' 2 "$r --challenge $(printf '0%.0s' $(seq 200))" "$default_admin_key\n"
group 'respond'

# ---- arguments by the thousand ----
{
	bad '20000 words' 2 'list $(seq 20000)'
	bad '20000 flags and a mistake' 2 'list $(printf -- "/quiet %.0s" $(seq 20000)) --nonsense'
	bad '20000 names' 2 'create $(printf -- "/name x %.0s" $(seq 20000))'
	bad '20000 rules' 2 'create /name x /PIN PROMPT /pinpolicy $(printf -- "minlen 4 %.0s" $(seq 20000))'
}
group 'arguments by the thousand'

# ---- the state directory ----
# elsewhere WHY EXIT WORDS: with a state directory of its own.
elsewhere()
{
	printf '%s\n' "tcti = $tcti" "state_dir = $where" >other.conf
	bare "$1" "$2" "$3 --config other.conf"
}
make='create /quiet /name x /AdminKey DEFAULT /PIN DEFAULT'
where=$scratch/none/cards
elsewhere 'no directory to make it in' 1 "$make"
where=$scratch/out/good
elsewhere 'it is a file' 1 "$make"
elsewhere 'it is a file: list' 1 list
where=$scratch/open
mkdir -m 0777 open
elsewhere 'it is open to all' 1 "$make"
rmdir open
where=$scratch/linked
ln -s "$state" linked
elsewhere 'it is a link' 1 "$make"
rm linked
where=/proc/1
elsewhere 'it is in /proc' 1 "$make"
where=/dev/null
elsewhere 'it is a device' 1 "$make"
group 'state directories'

# within WHY EXIT WORDS MOUNT: the tool runs where a shell command has changed the mounts.
within()
{
	local words
	eval "words=($3)"
	got=0
	unshare -m --propagation private sh -c "$4"' && exec "$@"' - "$tool" "${words[@]}" --config "${5:-$conf}" \
		>out.txt 2>err.txt </dev/null || got=$?
	judge "$1" "$2"
}
readonly_state="mount --bind $state $state && mount -o remount,bind,ro $state"
within 'a state directory that is read-only: create' 1 "$make" "$readonly_state"
within 'destroy' 1 'destroy /quiet /instance 0' "$readonly_state"
group 'a state directory that is read-only'

# A disk with room for so many kilobytes, however far that gets.
mkdir disk
printf '%s\n' "tcti = $tcti" "state_dir = $scratch/disk/cards" >disk.conf
for room in 0 4 8 12 16 20; do
	within "a disk with $room kilobytes" 7 "$make" "mount -t tmpfs -o size=$((64 + room))k none $scratch/disk &&
		mkdir -m 0700 $scratch/disk/cards && { head -c 65536 /dev/zero >$scratch/disk/fill || :; }" disk.conf
done
group 'full disks'
check "$rows hostile rows" test "$rows" -ge 200
mgr destroy /instance 0 /quiet || not_ok 'the card is sound: destroy'
same 'and nothing is left of it' '' "$(nv_indices)"
