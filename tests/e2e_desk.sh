#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Unblocking with a help desk, by three parties: the user's machine, which has
# the card and never the admin key; the desk, which has record and key and may
# look at nothing of the user's; and the mail between them, which replays, alters,
# delays and swaps what it carries.
# shellcheck disable=SC2317
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
cd "$scratch"
need_packages zbar-tools
install_private
swtpm_start
write_conf 'spare_slots = 5'
chmod 0600 "$conf"
pcscd_start

desk_uid=64206
install -d -m 0700 user
install -d -m 0700 -o $desk_uid -g $desk_uid desk
install -d -m 0755 mail
user=$scratch/user desk=$scratch/desk mail=$scratch/mail

# ---- the three parties ----

# at_desk COMMAND...: as the desk's user, who is nobody on the user's machine.
at_desk()
{
	(cd "$desk" && exec env -i LC_ALL=C PATH="$PATH" setpriv --reuid=$desk_uid --regid=$desk_uid \
		--clear-groups "$@")
}

# respond NAME CHALLENGE [KEY]: the desk answers; the response, or what it says instead, is printed.
respond()
{
	printf '%s\n' "${3:-$(cat "$desk/$1.key")}" | at_desk "$prefix/sbin/tpmvscmgr" respond \
		--record "$1.record" --challenge "$2" 2>"$scratch/desk.err" || return
}

# refuses_to_respond WHAT STATUS PATTERN NAME CHALLENGE
refuses_to_respond()
{
	local got=0 out
	out=$(respond "$4" "$5") || got=$?
	same "$1" "$2," "$got,$out"
	matches "$1: says so" "$3" "$(cat desk.err)"
}

declare -A pid fd challenge

# ask INSTANCE NEW-PIN [OPTION...]: the user's machine makes a challenge and waits.
ask()
{
	local n=$1 pin=$2 in
	shift 2
	rm -f "$user/$n.in"
	mkfifo "$user/$n.in"
	# What runs in the background of a script would ignore Ctrl-C.
	env --default-signal=INT "$prefix/sbin/tpmvscmgr" unblock --config "$conf" /instance "$n" --challenge "$@" \
		<"$user/$n.in" >"$user/$n.out" 2>"$user/$n.err" &
	pid[$n]=$!
	exec {in}>"$user/$n.in"
	fd[$n]=$in
	printf '%s\n' "$pin" >&"$in"
	wait_for 15 grep -q ^CHALLENGE: "$user/$n.out" || die "a challenge of card $n: $(cat "$user/$n.err")"
	challenge[$n]=$(cat "$user/$n.out")
}

# hang_up INSTANCE: no more input; the exit status is left in status, what was said in said.
hang_up()
{
	local in=${fd[$1]}
	status=0
	exec {in}>&-
	wait "${pid[$1]}" || status=$?
	said=$(cat "$user/$1.err")
}

# answer INSTANCE RESPONSE
answer()
{
	printf '%s\n' "$2" >&"${fd[$1]}"
	hang_up "$1"
}

# Tries of PIN and PUK, as the card tells anybody.
state_of()
{
	local pin meta
	session_open "$1"
	apdu 00200080
	pin=$sw
	apdu 00F70080 00
	meta=$data
	apdu 00F70081 00
	session_close
	echo "$pin $meta $data"
}

# unanswered WHAT INSTANCE STATUS PATTERN RESPONSE: the response is refused, and nothing has changed.
unanswered()
{
	local before
	before=$(state_of "$2")
	answer "$2" "$5"
	same "$1" "$3" "$status"
	matches "$1: says so" "$4" "$said"
	same "$1: changes nothing" "$before" "$(state_of "$2")"
}

# ---- what the attacker on the way can make: codes of any content, with checks that are right ----

digits=0123456789ABCDEFGHJKMNPQRSTVWXYZ

sha256_hex() { unhex "$1" | sha256sum | cut -c 1-64; }

# content_of CODE: the octets that it carries, in hexadecimal.
content_of()
{
	local text=${1##*:} bits=0 held=0 out='' i before
	text=${text//-/}
	for ((i = 0; i < ${#text}; i++)); do
		before=${digits%%"${text:i:1}"*}
		held=$(((held << 5 | ${#before}) & 0xfff))
		bits=$((bits + 5))
		if [ $bits -ge 8 ]; then
			bits=$((bits - 8))
			out+=$(printf '%02x' $((held >> bits & 0xff)))
		fi
	done
	out=${out:10}
	printf '%s' "${out%????????}"
}

# code_of KIND CONTENT: 1 a challenge, 2 a response.
code_of()
{
	local front all bits=0 held=0 out='' i
	front=$(printf '1%d%04x' "$1" $((${#2} / 2)))
	all=$front$(sha256_hex "$front" | cut -c 1-4)$2
	all+=$(sha256_hex "$all" | cut -c 1-8)
	for ((i = 0; i < ${#all}; i += 2)); do
		held=$(((held << 8 | 0x${all:i:2}) & 0xfff))
		bits=$((bits + 8))
		while [ $bits -ge 5 ]; do
			bits=$((bits - 5))
			out+=${digits:$((held >> bits & 0x1f)):1}
		done
	done
	[ $bits -eq 0 ] || out+=${digits:$((held << (5 - bits) & 0x1f)):1}
	printf '%s' "$out"
}

# flip CONTENT OCTET: one bit of that octet is another.
flip() { printf '%s%02x%s' "${1:0:$(($2 * 2))}" $((0x${1:$(($2 * 2)):2} ^ 1)) "${1:$(($2 * 2 + 2))}"; }

# forge CHALLENGE HMACS: a response with the mark of one to that challenge.
forge()
{
	local domain
	domain=$(printf 'tpmvsc: response to a challenge\n' | hex)
	code_of 2 "$(sha256_hex "$domain$(content_of "$1" | cut -c 9-)$2" | cut -c 1-16)$2"
}

# ---- cards, and what the desk gets of each: its record and the admin key ----

# make_card NAME KEY PIN PUK [OPTION...]
make_card()
{
	local name=$1 key=$2 pin=$3 puk=$4
	shift 4
	printf '%s\n' "$key" "$pin" "$puk" | mgr create /name "$name" /generate /quiet /AdminKey PROMPT \
		/PIN PROMPT /PUK PROMPT --pin-tries 3 --record "$user/record" "$@" >create.out 2>create.log ||
		die "create $name: $(cat create.log)"
	install -m 0600 -o $desk_uid -g $desk_uid "$user/record" "$desk/$name.record"
	(umask 077 && printf '%s\n' "$key" >"$desk/$name.key")
	chown $desk_uid:$desk_uid "$desk/$name.key"
	rm "$user/record"
}

key3=0f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778
key3b=8877665544332211f0e1d2c3b4a5968778695a4b3c2d1e0f
key32=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
make_card alice $key3 24681357 86427531
make_card bob $key3b 13572468 97538642
make_card carol $key32 11223344 44332211 --admin-algorithm AES256
make_card dave $key3 55667788 88776655 --admin-unblock no
mgr create /name erin /generate /quiet /AdminKey RANDOM >/dev/null 2>&1 || die 'create erin'
for n in 0 1 2 3 4; do
	wait_for 10 card_in $n || die "card $n is in its reader"
done

fails 'the desk may not read the configuration' at_desk cat "$conf"
fails 'nor the state directory' at_desk ls "$state"
fails "nor what is the user's" at_desk ls "$user"

# ---- a PIN that is forgotten ----
session_open 0
expect_sw 'a program has proven the PIN' 9000 "$(verify_apdu 24681357)"
ask 0 99887766
cp "$user/0.out" "$mail/challenge"
matches 'the challenge is alone on standard output' '^CHALLENGE:[0-9A-Z]{5}(-[0-9A-Z]{1,5})+$' "$(cat "$mail/challenge")"
same 'on one line' 1 "$(wc -l <"$mail/challenge")"
expect_sw 'the live card works while the challenge is out' 9000 00200080
first=${challenge[0]}
response=$(respond alice "$(cat "$mail/challenge")") || die "the desk responds: $(cat desk.err)"
matches 'the response is alone on standard output' '^RESPONSE:[0-9A-Z]{5}(-[0-9A-Z]{1,5})+$' "$response"
matches 'the desk is shown whose card it is' 'alice, ROOT.SMARTCARDREADER.0000' "$(cat desk.err)"
matches 'and what is asked for' 'to set a new PIN$' "$(cat desk.err)"
printf '> %s\n' "${response:0:40}" >&"${fd[0]}" # as a mail quotes it
rest=${response:40}
answer 0 "> ${rest,,}"
same 'in two lines, quoted, in small letters: it sets the new PIN' 0 "$status"
matches 'and says what there is to know' 'old PIN counts as disclosed' "$said"
apdu 00200080
check 'what was proven to the live card is forgotten' test "$sw" != 9000
session_open 0
expect_sw 'the old PIN is wrong' 63C2 "$(verify_apdu 24681357)"
expect_sw 'the new PIN is right' 9000 "$(verify_apdu 99887766)"
expect_sw 'the PUK is what it was' 9000 "$(unblock_apdu 86427531 99887766)"
apdu "$(verify_apdu 00000000)"
session_close

# ---- at a terminal ----

# prompted COUNT TEXT: the terminal has shown it that often.
prompted() { [ "$(grep -oF -- "$2" "$user/tty" | wc -l)" -ge "$1" ]; }

# type_at COUNT PROMPT LINE
type_at()
{
	wait_for 10 prompted "$1" "$2" || die "$2 at the terminal: $(cat "$user/tty")"
	sleep 0.3 # what is typed before the echo is off is thrown away
	printf '%s\n' "$3" >&"$keyboard"
}

mkfifo "$user/keyboard"
TERM=dumb script -qefc "stty cols 200
	'$prefix/sbin/tpmvscmgr' unblock --config '$conf' /instance 0 --challenge" "$user/tty" \
	<"$user/keyboard" >script.log 2>&1 &
terminal=$!
exec {keyboard}>"$user/keyboard"
type_at 1 'New PIN: ' 99887766
type_at 1 'Again, New PIN: ' 99887766
wait_for 10 prompted 1 'Response: ' || die 'a response is asked for'
challenge[0]=$(grep -o 'CHALLENGE:[0-9A-Z-]*' "$user/tty")
check 'a QR code is shown' test "$(grep -c '^ *##' "$user/tty")" -gt 20
good=$(respond alice "${challenge[0]}")
type_at 1 'Response: ' "${good%?????}22222"
type_at 2 'Response: ' "$first"
type_at 3 'Response: ' "$good"
status=0
wait $terminal || status=$?
exec {keyboard}>&-
same 'after two mistakes the response is taken' 0 "$status"
matches 'mistyped: said so' 'Response: it is mistyped.*Enter it again' "$(cat "$user/tty")"
matches 'the wrong thing: said so' 'it is a challenge; the response is what' "$(cat "$user/tty")"
fails 'the new PIN is not shown' grep -q 99887766 "$user/tty"

# ---- one that comes late: its minute runs while the rest goes on ----
ask 1 77777777 --wait 1
late_begin=$SECONDS
late=$(respond bob "${challenge[1]}")
late_pid=${pid[1]} late_fd=${fd[1]}
mv "$user/1.err" "$user/late.err"

# ---- replayed, swapped, altered ----
ask 0 70000001
unanswered 'a replayed response' 0 6 'no response to this challenge' "$response"
ask 0 70000001
refuses_to_respond "another card's record" 5 'GUID begins with [0-9a-f]{8}, the record is of bob' bob "${challenge[0]}"
unanswered "the response to another card's challenge" 0 6 'no response to this challenge' "$late"
ask 0 70000001
hmac=$(content_of "$response" | cut -c 17-)
unanswered 'a replayed proof that looks like a response to this one' 0 6 'TPM refuses' \
	"$(forge "${challenge[0]}" "$hmac")"
ask 0 70000001
good=$(respond alice "${challenge[0]}")
hmac=$(content_of "$good" | cut -c 17-)
same 'the attacker makes codes as we do' "${good//-/}" "RESPONSE:$(forge "${challenge[0]}" "$hmac")"
unanswered 'an altered proof' 0 6 'TPM refuses' "$(forge "${challenge[0]}" "$(flip "$hmac" 31)")"
ask 0 70000001
unanswered 'an altered mark' 0 6 'no response to this challenge' \
	"$(code_of 2 "$(flip "$(content_of "$(respond alice "${challenge[0]}")")" 7)")"
ask 0 70000001
unanswered 'a cut response' 0 6 'no response to this challenge' \
	"$(code_of 2 "$(content_of "$(respond alice "${challenge[0]}")" | cut -c 1-40)")"
ask 0 70000001
good=$(respond alice "${challenge[0]}")
unanswered 'a mistyped response' 0 6 'mistyped.*nothing has changed' \
	"${good%?}$([ "${good: -1}" = 8 ] && echo G || echo 8)"
ask 0 70000001
unanswered 'a challenge for a response' 0 6 'help desk sends back.*nothing has changed' "${challenge[0]}"
ask 0 70000001
unanswered 'half a response' 0 6 'not complete.*nothing has changed' "${good:0:30}"
ask 0 70000001
wrong=$(respond alice "${challenge[0]}" $key3b)
unanswered 'a response of another admin key' 0 6 'TPM refuses' "$wrong"

# ---- a challenge altered on the way: refused, or answered to no avail ----
ask 0 70000001
now=$(content_of "${challenge[0]}")
refuses_to_respond 'its GUID' 5 'GUID begins' alice "$(code_of 1 "$(flip "$now" 3)")"
refuses_to_respond 'its version' 5 'no challenge' alice "$(code_of 1 "$(flip "$now" 4)")"
refuses_to_respond 'its number of proofs, 0' 5 'no challenge' alice "$(code_of 1 "$(flip "$now" 5)")"
refuses_to_respond 'its number of proofs, 2' 5 'no challenge' alice "$(code_of 1 "${now:0:10}02${now:12}")"
refuses_to_respond 'two proofs of one session' 5 'no challenge' alice "$(code_of 1 "${now:0:10}02${now:12}${now:28}")"
refuses_to_respond 'its card' 5 'another card' alice "$(code_of 1 "$(flip "$now" 6)")"
refuses_to_respond 'the kind of its session' 5 'no challenge' alice "$(code_of 1 "$(flip "$now" 30)")"
refuses_to_respond 'something behind it' 5 'no challenge' alice "$(code_of 1 "${now}00")"
refuses_to_respond 'a response for a challenge' 2 'it is a response' alice "$good"
refuses_to_respond 'one that is mistyped' 2 'mistyped' alice "${first%?????}$digits"
for field in '15 the nonce that authorises' '33 the policy session' '45 its nonce'; do
	altered=$(code_of 1 "$(flip "$now" "${field%% *}")")
	check "altered: ${field#* }: the desk cannot tell" test -n "$(respond alice "$altered")"
	hmac=$(content_of "$(respond alice "$altered")" | cut -c 17-)
	unanswered "altered: ${field#* }: the TPM can" 0 6 'TPM refuses' "$(forge "${challenge[0]}" "$hmac")"
	ask 0 70000001
	now=$(content_of "${challenge[0]}")
done
unanswered 'an old challenge answered' 0 6 'no response to this challenge' "$(respond alice "$first")"
session_open 0
expect_sw 'after all that the PIN is what it was' 9000 "$(verify_apdu 99887766)"
expect_sw 'and so is the PUK' 9000 "$(unblock_apdu 86427531 99887766)"
session_close

# ---- a PIN that is blocked as well: two proofs, and an AES key that lives in the TPM ----
session_open 2
for pin in 1 2 3; do apdu "$(verify_apdu 0000000$pin)"; done
expect_sw 'the PIN is blocked' 6983 00200080
session_close
ask 2 70000002
blocked=$(respond carol "${challenge[2]}")
matches 'the desk sees that two proofs are asked for' 'tries back.*two proofs' "$(cat desk.err)"
hmacs=$(content_of "$blocked" | cut -c 17-)
unanswered 'proofs in the other order' 2 6 'TPM refuses' "$(forge "${challenge[2]}" "${hmacs:64}${hmacs:0:64}")"
ask 2 70000002
hmacs=$(content_of "$(respond carol "${challenge[2]}")" | cut -c 17-)
unanswered 'only the first of two is good' 2 6 'TPM refuses' "$(forge "${challenge[2]}" "$(flip "$hmacs" 40)")"
ask 2 70000002
answer 2 "$(respond carol "${challenge[2]}")"
same 'both set a new PIN' 0 "$status"
matches 'that has all its tries' 'it has 3 tries' "$said"
session_open 2
expect_sw 'three tries' 63C3 00200080
expect_sw 'the new PIN is right' 9000 "$(verify_apdu 70000002)"
session_close

# ---- as a QR code ----

# draw TERM LOCALE: what the desk's terminal shows, two hundred columns wide.
draw()
{
	(sleep 1; printf 'y\n'; sleep 2) | at_desk env TERM="$1" LC_ALL="$2" script -qec "stty cols 200
		'$prefix/sbin/tpmvscmgr' respond --record alice.record --admin-key-file alice.key \
			--challenge '$first'" /dev/null | tr -d '\r' >"$scratch/shown"
}

# scan: what a camera reads from that; each module becomes a square of four dots.
scan()
{
	sed -nE -e 's/\x1b\[107m  /dd/g; s/\x1b\[40m  /cc/g; s/\x1b\[[0-9;]*m//g' \
		-e 's/\xe2\x96\x80/a/g; s/\xe2\x96\x84/b/g; s/\xe2\x96\x88/c/g' \
		-e '/^[abcd# ]{40,}$/p' "$scratch/shown" | awk -v double="$1" '
		{
			for (half = 0; half < (double ? 2 : 1); half++) {
				row = ""
				for (i = 1; i <= length($0); i += double ? 1 : 2) {
					c = substr($0, i, 1)
					dark = c == "c" || c == "#" || double && c == (half ? "b" : "a")
					row = row (dark ? "1 1 1 1 " : "0 0 0 0 ")
				}
				for (i = 0; i < 4; i++)
					rows[n++] = row
			}
		}
		END {
			print "P1", split(rows[0], x, " "), n
			for (i = 0; i < n; i++)
				print rows[i]
		}' >"$scratch/qr.pbm"
	zbarimg -q --raw "$scratch/qr.pbm" 2>/dev/null || echo nothing
}

for look in 'dumb C 0' 'xterm C 0' 'xterm C.UTF-8 1'; do
	read -r term locale double <<<"$look"
	draw "$term" "$locale"
	text=$(grep ^RESPONSE: shown) || die "the response on a terminal: $(cat shown)"
	same "a camera reads the same as the user ($term, $locale)" "${text//-/}" "$(scan "$double")"
done
matches 'the person at the desk is asked first' 'Answer it\? \[y/N\] y' "$(cat shown)"
fails 'the key is not shown' grep -qi "$key3" shown
out=$( (sleep 1; echo; sleep 1) | at_desk script -qec "'$prefix/sbin/tpmvscmgr' respond --record alice.record \
	--admin-key-file alice.key --challenge '$first'" /dev/null) && got=0 || got=$?
same 'no answer is a no' 1 "$got"
fails 'and makes no response' grep -q RESPONSE: <<<"$out"

# ---- what cannot be ----
refuse 'a card whose administrator may not unblock' 5 mgr unblock /instance 3 --challenge
refuse 'a card with an admin key that nobody knows' 5 mgr unblock /instance 4 --challenge
refuse 'a card that is not there' 3 mgr unblock /instance 5 --challenge
printf '1234567\n' >"$user/short"
got=0
mgr unblock /instance 0 --challenge <"$user/short" >"$user/short.out" 2>&1 || got=$?
same 'a new PIN that breaks the policy, before anything is asked' 6 "$got"
fails 'makes no challenge' grep -q CHALLENGE "$user/short.out"
sed 's/^\([A-Za-z0-9+/]\{20\}\)./\1_/' "$desk/alice.record" >"$desk/broken.record"
chown $desk_uid "$desk/broken.record"
cp "$desk/alice.key" "$desk/broken.key"
refuses_to_respond 'a damaged record' 1 'record' broken "$first"
base64 -d <<<"$(sed '/^-/d' "$desk/alice.record")" | hex >raw
unhex "$(flip "$(cat raw)" 300)" | base64 |
	sed -e '1i-----BEGIN TPMVSC CARD RECORD-----' -e '$a-----END TPMVSC CARD RECORD-----' >"$desk/broken.record"
refuses_to_respond 'an altered record' 1 'record' broken "$first"
rm "$desk/broken.record"
refuses_to_respond 'no record' 1 'broken.record: No such file' broken "$first"

# ---- interrupted, forgotten by the TPM, of another process ----
ask 0 70000001
before=$(state_of 0)
kill -INT "${pid[0]}"
wait_for 5 gone "${pid[0]}" || not_ok 'Ctrl-C ends it while the input is open'
hang_up 0
same 'Ctrl-C ends it' 1 "$status"
matches 'and says that nothing has changed' 'interrupted.*nothing has changed' "$said"
same 'which is so' "$before" "$(state_of 0)"
ask 0 70000001
kill -9 "${pid[0]}"
wait "${pid[0]}" 2>/dev/null || :
killed=$(respond alice "${challenge[0]}")
ask 0 70000001
unanswered 'a response for a process that was killed' 0 6 'no response to this challenge' "$killed"

# ---- late ----
pid[1]=$late_pid fd[1]=$late_fd
cp "$user/late.err" "$user/1.err"
before=$(state_of 1)
status=0
wait "$late_pid" || status=$?
same 'a response that does not come in time' 1 "$status"
matches 'the time is over' 'did not come in time.*nothing has changed; start again' "$(cat "$user/late.err")"
check 'after a minute' test $((SECONDS - late_begin)) -ge 59
exec {late_fd}>&-
same 'and nothing has changed' "$before" "$(state_of 1)"
ask 1 70000003
unanswered 'it is of no use later' 1 6 'no response to this challenge' "$late"
session_open 1
expect_sw "bob's PIN is what it was" 9000 "$(verify_apdu 13572468)"
session_close

# ---- the TPM was reset meanwhile ----
ask 1 70000003
response=$(respond bob "${challenge[1]}")
pcscd_stop
tpm2_shutdown -c
swtpm_kill
swtpm_start
answer 1 "$response"
same 'a response after the TPM was reset' 1 "$status"
matches 'is told as such' 'no longer knows the challenge; nothing has changed' "$said"

# ---- without pcscd: the sessions that are left are ours ----
sessions() { tpm2_getcap handles-loaded-session; tpm2_getcap handles-saved-session; }
same 'the TPM has no session' '' "$(sessions)"
ask 1 70000003
check 'a challenge has some' test -n "$(sessions)"
hang_up 1
same 'which go at the end of the input' '' "$(sessions)"
ask 1 70000003
kill -TERM "${pid[1]}"
wait_for 5 gone "${pid[1]}" || not_ok 'SIGTERM ends it'
hang_up 1
same 'at SIGTERM' '' "$(sessions)"
ask 1 70000003
answer 1 "$(forge "${challenge[1]}" "$(flip "$(content_of "$(respond bob "${challenge[1]}")" | cut -c 17-)" 0)")"
same 'after a response that is refused' '6,' "$status,$(sessions)"
ask 1 13572468
answer 1 "$(respond bob "${challenge[1]}")"
same 'and after a good one' '0,' "$status,$(sessions)"
pcscd_start
wait_for 10 card_in 1 || die 'the card is back'
session_open 1
expect_sw "bob's PIN is what it was still" 9000 "$(verify_apdu 13572468)"
session_close

# ---- nothing is left ----
same 'no announced change is left' '' "$(find "$state" -name '.changing-*')"
for key in $key3 $key3b $key32; do
	fails "an admin key is in nothing that left the desk (${key:0:8}...)" \
		grep -riq "$key" "$user" "$mail" desk.err
done

