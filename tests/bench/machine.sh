# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Two parts of tests/bench/run.  raw: the TPM with nothing before it.  machine:
# what is measured inside an operation, by the log; what cards cost the machine;
# and how time grows with keys and cards.
# shellcheck disable=SC2034,SC2154
parts+=(machine)

# ---- the TPM with nothing before it ----

# Single commands; without pcscd, for it has the TPM to itself.
round_raw()
{
	pcscd_stop
	empty_tpm
	bench raw "$tcti" "$(count 100)" load-p256 load-rsa2048 session session-salted flush \
		ticket secret nv-read nv-public random
	bench raw "$tcti" "$(count 20)" create-p256
	bench raw "$tcti" "$(count 5)" create-rsa2048
	bench ways "$tcti" "$(count 100)"
	empty_tpm
	pcscd_again "$pinned"
	wait_for 10 cards_in || die 'the cards are in their readers again'
}

# ---- inside an operation ----

# The driver and the tool tell at level debug how long each operation took, and
# how long of that the TPM and deriving keys: "N us, N us of it in N TPM commands, N us in key derivations".

# median FIELD: of standard input's lines.
median()
{
	awk -v field="$1" '{ print $field }' | sort -n |
		awk '{ v[NR] = $1 } END { if (NR > 0) print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# told CASE FILE PATTERN: into lines, what the log there tells of each: whole, TPM's part, commands, derivations or 0.
told()
{
	sed -nE "s/.*$3.* ([0-9]+) us, ([0-9]+) us of it in ([0-9]+) TPM commands(, ([0-9]+) us in key derivations)?/\1 \2 \3 0\5/p" \
		"$2" >lines
	[ -s lines ] || die "the log tells of $1"
}

# tell CASE AT FILE PATTERN: the medians of what is told there.
tell()
{
	told "$1" "$3" "$4"
	figure "$1" "$2" us "$(median 1 <lines)"
	figure "$1" 'raw TPM' us "$(median 2 <lines)"
}

# derivation CASE: how long of what was told last keys were derived.
derivation() { figure "$1" 'key derivation' us "$(median 4 <lines)"; }

# commands CASE AT: how many they were, of what was told last.
commands() { figure "TPM commands of $1" "$2" commands "$(median 3 <lines)"; }

# logged_pcscd LEVEL LINE...: pcscd that logs from that level on, anew.
logged_pcscd()
{
	local pcscd_level=--$1
	shift
	write_conf "$@"
	: >pcscd.log
	pcscd_again "$pinned"
}

# generate REFERENCE ALGORITHM N
generate()
{
	local i
	: >pcscd.log
	for ((i = 0; i < $3; i++)); do
		make_key "$1" "$2" generated || die "GENERATE $2: $sw"
	done
}

# Of VERIFY the whole is measured at the card's edge, the parts by the log: from each one its own derivation is
# taken off, for these differ by more than all else takes.  In turns with its bare commands.
verify_in_parts()
{
	local i
	for i in 1 2 3 4; do
		bench raw "$tcti" "$(count 8)" verify
		: >pcscd.log
		: >whole
		bench edge -n "$(count 6)" -u 1 -t 'VERIFY, logged' -s whole verify "$(reader 0)"
		told VERIFY pcscd.log 'VERIFY.*9000'
		# Two before those that count, and one behind.
		sed '1,2d;$d' lines | paste -d ' ' - whole
	done >parts
	figure VERIFY 'raw TPM' us "$(median 2 <parts)"
	figure VERIFY 'key derivation' us "$(median 4 <parts)"
	figure 'TPM commands of VERIFY' 'card edge' commands "$(median 3 <parts)"
	awk '{ print $5 - $4 }' parts >lines
	figure 'VERIFY less key derivation' 'card edge, logging' us "$(median 1 <lines)"
	awk '{ print $1 - $4 }' parts >lines
	figure 'VERIFY less key derivation' driver us "$(median 1 <lines)"
}

inside_the_card()
{
	logged_pcscd debug 'spare_slots = 0' 'log_level = debug'
	wait_for 10 cards_in || die 'the cards are in their readers again'
	verify_in_parts
	admin_session 0
	generate 9E 11 "$(count 20)"
	tell 'generate P-256' 'card edge' pcscd.log 'GENERATE.*9000'
	generate 9E 07 "$(count 5)"
	tell 'generate RSA-2048' 'card edge' pcscd.log 'GENERATE.*9000'
	commands 'generate RSA-2048' 'card edge'
	session_close
	logged_pcscd info 'spare_slots = 0'
}

# create_told NAME: a card; leaves its number in instance, and what it took in create.log.  Not on one CPU: it derives
# its keys side by side.
create_told()
{
	local id
	id=$("$prefix/sbin/tpmvscmgr" create /name "$1" /AdminKey DEFAULT /PIN DEFAULT /PUK DEFAULT \
		/generate --verbose --config "$conf" 2>create.log </dev/null) || die "create $1: $(cat create.log)"
	instance=$((10#${id##*\\}))
}

destroy_told()
{
	on_cpu "$prefix/sbin/tpmvscmgr" destroy /instance "$1" --verbose --config "$conf" \
		>destroy.log 2>&1 </dev/null || die "destroy $1: $(cat destroy.log)"
}

# The tool runs on all CPUs: it derives keys side by side, and beside the TPM.
inside_the_tool()
{
	local pinned=''
	create_told Passing
	tell create tpmvscmgr create.log 'all of it took'
	derivation create
	commands create tpmvscmgr
	destroy_told "$instance"
	tell destroy tpmvscmgr destroy.log 'all of it took'
	commands destroy tpmvscmgr
}

round_machine()
{
	inside_the_card
	inside_the_tool
	wait_for 10 cards_in || die 'the cards are in their readers again'
}

# ---- what cards cost the machine ----

# resident: KiB of pcscd, and those it has written to.
resident()
{
	awk '/^Rss:/ { all = $2 } /^Private_Dirty:/ { own = $2 } END { print all, own }' \
		"/proc/$pcscd_pid/smaps_rollup"
}

# use N: every kind of command, with each of N cards; results are not kept.
use()
{
	local i results=/dev/null
	for ((i = 0; i < $1; i++)); do
		bench edge -n 20 sign "$(reader "$i")" 9A "many-$i.pub"
		bench edge -n 5 data 5FC105 "$(reader "$i")"
		bench edge -n 1 -u 0 verify "$(reader "$i")"
		bench edge -n 5 select "$(reader "$i")"
	done
}

# memory N: with N cards in as many readers, all powered and used; in rss and own.
memory()
{
	write_conf 'spare_slots = 0'
	pcscd_again "$pinned"
	wait_for 10 card_in $(($1 - 1)) || die 'the cards are in their readers'
	use "$1"
	read -r rss own < <(resident)
}

# wake_ups: of all of pcscd's threads so far, and nanoseconds of CPU.
wake_ups()
{
	cat "/proc/$pcscd_pid"/task/*/status "/proc/$pcscd_pid"/task/*/schedstat |
		awk '/ctxt_switches:/ { n += $2 } /^[0-9]/ { ns += $1 } END { printf "%d %d\n", n, ns }'
}

# idle N: pcscd with N cards that nobody uses any more.
idle()
{
	local seconds=30 n ns n_after ns_after
	[ -z "$quick" ] || seconds=3
	sleep 8 # until pcscd has powered them down
	read -r n ns < <(wake_ups)
	sleep "$seconds"
	read -r n_after ns_after < <(wake_ups)
	figure "idle wake-ups, $1 cards" pcscd 1/s "$(awk "BEGIN { print ($n_after - $n) / $seconds }")"
	figure "idle CPU, $1 cards" pcscd % "$(awk "BEGIN { print ($ns_after - $ns) / $seconds / 1e7 }")"
}

# ---- how time grows ----

# sign_from_scratch: milliseconds from the start of a program to its first signature, through OpenSC.
sign_from_scratch()
{
	local begun=$EPOCHREALTIME
	on_cpu pkcs11-tool --module "$module" --token-label "$1" --login --pin 12345678 --sign --id 01 \
		-m ECDSA -i hash -o signature >p11.log 2>&1 </dev/null || die "sign with $1: $(cat p11.log)"
	awk "BEGIN { print ($EPOCHREALTIME - $begun) * 1e6 }"
}

# stage WHAT LABEL: what the first card's commands cost now; its key 9A is in many-0.pub.
stage()
{
	local i
	bench edge -n "$(count 300)" -t "sign P-256, $1" sign "$(reader 0)" 9A many-0.pub
	bench edge -n "$(count 10)" -u 1 -t "VERIFY, $1" verify "$(reader 0)"
	bench edge -n "$(count 1000)" -t "SELECT, $1" select "$(reader 0)"
	bench edge -n "$(count 1000)" -t "GET DATA, $1" data 5FC105 "$(reader 0)"
	for ((i = 0; i < $(count 60) / 10 + 1; i++)); do
		sign_from_scratch "$2"
	done >scratch.us
	figure "C_Initialize to C_Sign, $1" opensc-pkcs11 us "$(median 1 <scratch.us)"
}

plural() { printf '%d %s%s' "$1" "$2" "$([ "$1" -eq 1 ] || echo s)"; }

# new_card N: the Nth card (from 0) with a key and a certificate in 9A.
new_card()
{
	create_told "Many $1"
	[ "$instance" -eq "$1" ] || die "card $1 is number $instance"
	wait_for 10 card_in "$1" || die "card $1 is in its reader"
	admin_session "$1"
	enrol 9A 11 "many-$1" "Many $1"
	session_close
}

grow_cards()
{
	local n base
	for ((n = 1; n <= 10; n++)); do
		new_card $((n - 1))
		tell "create, $(plural "$n" card) then" tpmvscmgr create.log 'all of it took'
		case $n in
		1 | 2 | 5 | 10) stage "$(plural "$n" card)" 'Many 0' ;;
		esac
		if [ "$n" -eq 1 ]; then
			memory 1
			base=$rss own_base=$own
			figure 'memory, 1 card' pcscd KiB "$rss"
			write_conf 'spare_slots = 9'
			pcscd_again "$pinned"
		fi
	done
	memory 10
	figure 'memory per card' pcscd KiB "$(awk "BEGIN { print ($rss - $base) / 9 }")"
	figure 'memory per card, written' pcscd KiB "$(awk "BEGIN { print ($own - $own_base) / 9 }")"
	idle 10
}

# Keys with certificates: 9A, then the other ones in PIV's order.
grow_keys()
{
	local keys=(9A 9C 9D 9E 82 83 84 85 86 87 88 89 8A 8B 8C 8D 8E 8F 90 91 92 93 94 95) n=1 key
	[ -z "$quick" ] || keys=("${keys[@]:0:6}")
	new_card 0
	for key in "${keys[@]:1}"; do
		case $n in
		1 | 6 | 12) stage "$(plural "$n" key)" 'Many 0' ;;
		esac
		admin_session 0
		enrol "$key" 11 "many-0-$key" "Many 0, $key"
		n=$((n + 1))
		[ "$n" -le 4 ] || key_history $((n - 4)) || die "key history: $sw"
		session_close
	done
	stage "$(plural "$n" key)" 'Many 0'
}

# in_state NAME COMMAND...: with cards of its own, in the same TPM, and no other reader.
in_state()
{
	local state=$scratch/$1
	shift
	mkdir -p "$scratch/elsewhere"
	mv "$scratch/reader.conf.d"/bench "$scratch/elsewhere" 2>/dev/null || :
	write_conf "$1"
	pcscd_again "$pinned"
	shift
	"$@"
	mv "$scratch/elsewhere"/* "$scratch/reader.conf.d" 2>/dev/null || :
}

after_machine()
{
	local pinned=yes
	openssl rand -out hash 32
	in_state many 'spare_slots = 1' grow_cards
	in_state keys 'spare_slots = 1' grow_keys
	write_conf 'spare_slots = 0'
	pcscd_again
}
