# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# For scripts that need a machine of their own inside this one: a private
# installation, a private swtpm on a Unix socket, a private pcscd in a mount
# namespace.  Nothing outside the scratch directory is touched, but that the
# machine's journal hears of the cards made and destroyed; a pcscd of the system
# is neither used nor disturbed, and everything ends with the script.

umask 022
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Short, since socket names hold 107 characters, and not below /run, which the
# private pcscd does not see.
scratch=$(mktemp -d /tmp/tpmvsc.XXXXXX)
chmod 0711 "$scratch"
conf=$scratch/tpmvsc.conf
state=$scratch/state
tcti=swtpm:path=$scratch/tpm.sock
export PCSCLITE_CSOCK_NAME=$scratch/run/pcscd/pcscd.comm
export TPM2TOOLS_TCTI=$tcti
export LC_ALL=C
unset TSS2_LOG LD_PRELOAD MAKEFLAGS DESTDIR OPENSC_DEBUG OPENSC_CONF
prefix=${TPMVSC_PREFIX:-$scratch/prefix}
build=${TPMVSC_BUILD:-$scratch/build}
passed=0
failed=0
swtpm_pid='' pcscd_pid='' session_pid='' sshd_pid=''

# ---- results: one line for each assertion, counted by tests/run ----

ok() { passed=$((passed + 1)); echo "ok - $1"; }

not_ok() { failed=$((failed + 1)); echo "not ok - $1"; }

indent() { printf '%s\n' "$1" | sed 's/^/    /'; }

# check WHAT COMMAND...: the command succeeds; its output is shown when it does not.
check()
{
	local what=$1 output
	shift
	if output=$("$@" 2>&1 </dev/null); then
		ok "$what"
	else
		not_ok "$what"
		printf '    $ %s\n' "$*"
		indent "$output"
	fi
}

# refuse WHAT STATUS COMMAND...: the command exits with that status.
refuse()
{
	local what=$1 want=$2 got=0 output
	shift 2
	output=$("$@" 2>&1 </dev/null) || got=$?
	if [ "$got" -eq "$want" ]; then
		ok "$what"
	else
		not_ok "$what: exit status $got, not $want"
		printf '    $ %s\n' "$*"
		indent "$output"
	fi
}

# fails WHAT COMMAND...: with whatever status.
fails()
{
	local what=$1
	shift
	if "$@" >/dev/null 2>&1 </dev/null; then
		not_ok "$what"
	else
		ok "$what"
	fi
}

# same WHAT WANTED GOT
same()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		printf '    wanted: %s\n    got:    %s\n' "$2" "$3"
	fi
}

# matches WHAT PATTERN TEXT: an extended regular expression somewhere in the text.
matches()
{
	if grep -qE -- "$2" <<<"$3"; then
		ok "$1"
	else
		not_ok "$1"
		printf '    wanted: %s\n    got:    %s\n' "$2" "$3"
	fi
}

# Give up: nothing that follows can work.
die()
{
	not_ok "$1"
	exit 1
}

# wait_for SECONDS COMMAND...: until it succeeds; false when the time is over.
wait_for()
{
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

# ---- the end, whatever brought it ----

finish()
{
	local status=$?
	trap - EXIT INT TERM HUP
	set +e
	# what else a script has started
	if declare -F finish_more >/dev/null; then
		finish_more
	fi
	session_close
	stop_process "$sshd_pid"
	stop_process "$pcscd_pid"
	stop_process "$swtpm_pid"
	if [ "$failed" -gt 0 ] || [ "$status" -ne 0 ]; then
		for log in "$scratch"/*.log; do
			# need_packages shows its own when it fails
			[ "${log##*/}" != apt.log ] || continue
			[ -s "$log" ] || continue
			echo "---- the end of ${log##*/} ----"
			tail -n 40 "$log"
		done
	fi
	[ "$failed" -eq 0 ] || status=1
	if [ -n "${KEEP:-}" ]; then
		echo "kept: $scratch" >&2
	else
		rm -rf --one-file-system "$scratch"
	fi
	if declare -F summary >/dev/null; then
		summary "$status"
	fi
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Ask a child to end, and insist after five seconds.
stop_process()
{
	[ -n "$1" ] || return 0
	kill "$1" 2>/dev/null
	wait_for 5 gone "$1" || kill -9 "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

# Without a chance to tidy up.
kill_process()
{
	kill -9 "$1"
	wait "$1" 2>/dev/null || :
}

gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:[[:space:]]*Z' "/proc/$1/status"; }

# ---- packages and building ----

need_root()
{
	[ "$(id -u)" -eq 0 ] && return
	echo "${0##*/}: needs root, for packages and a mount namespace: sudo $0" >&2
	exit 1
}

# need_packages PACKAGE...: install what is missing.
need_packages()
{
	local missing=() package
	command -v dpkg-query >/dev/null || return 0
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null |
			grep -qx installed || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	echo "installing: ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update </dev/null >"$scratch/apt.log" 2>&1 &&
		apt-get -qq install -y --no-install-recommends "${missing[@]}" \
			</dev/null >>"$scratch/apt.log" 2>&1 && return 0
	tail -n 20 "$scratch/apt.log" >&2
	echo "${0##*/}: cannot install: ${missing[*]}" >&2
	exit 1
}

# attests CERTIFICATE ISSUER REFERENCE PUBLIC: what ATTEST gave is for that key, says so, and is
# signed with the attestation key whose certificate the card has in F9.
attests()
{
	openssl x509 -in "$1" -noout -text >"$scratch/attested.txt" &&
		grep -q "Subject: CN = PIV key $3\$" "$scratch/attested.txt" &&
		grep -q 'Issuer: CN = tpmvsc attestation key [0-9a-f]\{16\}$' "$scratch/attested.txt" &&
		openssl verify -x509_strict -CAfile "$2" "$1" >"$scratch/attested.log" 2>&1 &&
		openssl x509 -in "$1" -noout -pubkey | cmp -s - "$4"
}

# shellcheck disable=SC2034
build_packages=(autoconf automake binutils check gcc libc6-dev libcbor-dev libcurl4-openssl-dev libjson-c-dev
	libpcsclite-dev libqrencode-dev libsodium-dev libssl-dev libtool libtss2-dev make pkg-config xz-utils)
# shellcheck disable=SC2034
run_packages=(libtss2-tcti-swtpm0 opensc opensc-pkcs11 openssl pcscd swtpm tpm2-tools
	util-linux yubico-piv-tool)
# For what the tests do with OpenSC: its own tests, the programs that use it, and
# PKCS#11's header for tests/bench.
# shellcheck disable=SC2034
opensc_packages=(dpkg-dev gcc libc6-dev libcmocka-dev libengine-pkcs11-openssl libp11-kit-dev libssl-dev
	openssh-client)
# For Yubico's programs: Debian's, and what a newer yubico-piv-tool is built with.
# shellcheck disable=SC2034
yubico_packages=(ykcs11 yubico-piv-tool)
# shellcheck disable=SC2034
yubico_new_packages=(check cmake dpkg-dev gcc gengetopt libc6-dev libpcsclite-dev libssl-dev make
	pkg-config zlib1g-dev)
# shellcheck disable=SC2034
ykman_packages=(yubikey-manager)

# copy_source DIR: the tree without what building leaves in it, so that a tree
# that is read-only, or configured in place, serves as well.
copy_source()
{
	mkdir -p "$1"
	if git -c safe.directory='*' -C "$top" rev-parse --git-dir >/dev/null 2>&1; then
		(cd "$top" && git -c safe.directory='*' ls-files -z --cached --others \
			--exclude-standard --deduplicate | while IFS= read -r -d '' f; do
			[ ! -e "$f" ] || printf '%s\0' "$f"
		done | tar --null -T - -cf -) | tar -C "$1" -xf -
	else
		tar -C "$top" --exclude=./.git --exclude='*.o' --exclude='*.lo' -cf - . | tar -C "$1" -xf -
	fi
	[ -x "$1/configure" ] || (cd "$1" && ./bootstrap)
}

# configure_private SOURCE BUILD PREFIX [OPTION...]: everything below the prefix.
configure_private()
{
	local source=$1 where=$2 to=$3
	shift 3
	mkdir -p "$where"
	(cd "$where" && "$source/configure" -q --prefix="$to" --sysconfdir="$to/etc" \
		--localstatedir="$to/var" --with-ifddir="$to/lib/pcsc/drivers/serial" \
		--with-serialconfdir="$to/etc/reader.conf.d" \
		--with-systemdsystemunitdir="$to/lib/systemd/system" \
		--with-bashcompletiondir="$to/share/bash-completion/completions" "$@")
}

# install_private [OPTION...]: the private installation, configured with the options,
# unless the caller has brought one (TPMVSC_PREFIX, TPMVSC_BUILD).
install_private()
{
	[ -z "${TPMVSC_PREFIX:-}" ] || return 0
	{
		copy_source "$scratch/source" &&
			configure_private "$scratch/source" "$build" "$prefix" "$@" &&
			make -C "$build" -j"$(nproc)" all e2e-programs && make -C "$build" install
	} >"$scratch/build.log" 2>&1 || die 'build and install'
}

# ---- the private TPM ----

swtpm_start()
{
	mkdir -p "$scratch/tpm"
	rm -f "$scratch/tpm.sock" "$scratch/tpm.sock.ctrl"
	swtpm socket --tpm2 --tpmstate dir="$scratch/tpm" \
		--server type=unixio,path="$scratch/tpm.sock" \
		--ctrl type=unixio,path="$scratch/tpm.sock.ctrl" \
		--flags not-need-init,startup-clear >>"$scratch/swtpm.log" 2>&1 </dev/null &
	swtpm_pid=$!
	wait_for 10 test -S "$scratch/tpm.sock" || die 'start swtpm'
}

# A TPM as a maker sells it, before swtpm_start: with certificates for its EKs, by
# an authority of the script's own.  Its certificates are in $scratch/maker.pem.
swtpm_manufacture()
{
	local maker=$scratch/maker
	mkdir -p "$scratch/tpm" "$maker"
	printf '%s\n' "statedir = $maker" "signingkey = $maker/signkey.pem" \
		"issuercert = $maker/issuercert.pem" "certserial = $maker/certserial" >"$maker/ca.conf"
	printf '%s\n' '--platform-manufacturer tpmvsc' '--platform-version 1' \
		'--platform-model tests' >"$maker/ca.options"
	printf '%s\n' 'create_certs_tool = swtpm_localca' "create_certs_tool_config = $maker/ca.conf" \
		"create_certs_tool_options = $maker/ca.options" 'active_pcr_banks = sha256' >"$maker/setup.conf"
	swtpm_setup --tpm2 --tpmstate "dir://$scratch/tpm" --create-ek-cert --lock-nvram \
		--config "$maker/setup.conf" --runas root >"$scratch/swtpm_setup.log" 2>&1 ||
		die 'manufacture a TPM'
	cat "$maker/issuercert.pem" "$maker/swtpm-localca-rootca-cert.pem" >"$scratch/maker.pem"
}

swtpm_kill() { kill_process "$swtpm_pid"; swtpm_pid=''; }

# NV indices of the private TPM, one to a line.
nv_indices() { tpm2_getcap handles-nv-index | sed 's/^- *//' | sort; }

# ---- the private pcscd ----

# write_conf [LINE...]: the configuration of this script's cards, and pcscd's entry for it.
write_conf()
{
	{
		echo "tcti = $tcti"
		echo "state_dir = $state"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$conf"
	[ -d "$state" ] || install -d -m 0700 "$state"
	mkdir -p "$scratch/reader.conf.d"
	cat >"$scratch/reader.conf.d/libifdtpmvsc" <<-END
		FRIENDLYNAME "TPM Virtual Smart Card"
		DEVICENAME tpmvsc:$conf
		LIBPATH $prefix/lib/pcsc/drivers/serial/libifdtpmvsc.so
		CHANNELID 0
	END
}

# Run as sh -c with a scratch directory and a command: that directory is /run for
# the command, and for nothing else.  In a chroot / may be no mount, so that its
# propagation cannot be changed; then a mount is tried where it does no harm first.
# shellcheck disable=SC2016
with_run='
	mount --make-rprivate / 2>/dev/null || {
		mount --bind "$0" "$0" || exit
		if grep -q " $0 .* shared:" /proc/self/mountinfo; then
			umount "$0"
			echo "this chroot shares its mounts; outside, make it a mount first: mount --bind DIR DIR" >&2
			exit 1
		fi
	}
	mount --bind "$0" /run && exec "$@"'

# pcscd with a /run of its own: its socket and its process id are there.  An
# empty drop directory keeps it from real readers, which the system's may hold.
# Where it is built to ask polkit who may use it, it does not: nobody would answer.
pcscd_start()
{
	local program options=()
	program=$(command -v pcscd || echo /usr/sbin/pcscd)
	if "$program" --help | grep -q -e --disable-polkit; then
		options=(--disable-polkit)
	fi
	mkdir -p "$scratch/run/pcscd" "$scratch/no-drivers"
	rm -f "$scratch/run/pcscd/pcscd.comm" "$scratch/run/pcscd/pcscd.pid"
	PCSCLITE_HP_DROPDIR=$scratch/no-drivers unshare -m --propagation unchanged sh -c "$with_run" \
		"$scratch/run" "$program" --foreground "${pcscd_level:---info}" ${options[@]+"${options[@]}"} \
		--config "${reader_conf_d:-$scratch/reader.conf.d}" >>"$scratch/pcscd.log" 2>&1 </dev/null &
	pcscd_pid=$!
	wait_for 10 test -S "$PCSCLITE_CSOCK_NAME" || die 'start pcscd'
}

pcscd_stop() { stop_process "$pcscd_pid"; pcscd_pid=''; }

pcscd_kill() { kill_process "$pcscd_pid"; pcscd_pid=''; }

# ---- a private sshd ----

# sshd_start HOSTKEY AUTHORIZED: on a free port of the loopback, which is left in
# port, for root with the keys in the file AUTHORIZED.  A machine whose root has no
# password, or a locked one, does as well: the accounts' passwords are private, too.
sshd_start()
{
	port=$(perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0);
		bind(S, sockaddr_in(0, INADDR_LOOPBACK)); print +(sockaddr_in(getsockname(S)))[0]')
	install -d -m 0755 "$scratch/run/sshd"
	(umask 077 && sed 's/^root:[^:]*:/root:*:/' /etc/shadow >"$scratch/shadow")
	cat >"$scratch/sshd.conf" <<-END
		ListenAddress 127.0.0.1
		Port $port
		HostKey $1
		AuthorizedKeysFile $2
		PermitRootLogin yes
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		StrictModes no
		UsePAM no
		PidFile none
	END
	# shellcheck disable=SC2016
	unshare -m --propagation unchanged sh -c "$with_run" "$scratch/run" \
		sh -c 'mount --bind "$1" /etc/shadow && exec "$2" -D -e -f "$3"' sh "$scratch/shadow" \
		"$(command -v sshd)" "$scratch/sshd.conf" >"$scratch/sshd.log" 2>&1 </dev/null &
	sshd_pid=$!
	wait_for 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" || die 'start sshd'
}

sshd_stop() { stop_process "$sshd_pid"; sshd_pid=''; }

# The administrator's tool with this script's configuration.
mgr() { "$prefix/sbin/tpmvscmgr" "$@" --config "$conf"; }

# The reader of an instance, and its number as OpenSC counts.
reader() { printf 'TPM Virtual Smart Card 00 %02X' "$1"; }

# card_in INSTANCE: whether opensc-tool -l shows a card in its reader.
card_in() { opensc-tool -l 2>/dev/null | grep -qE "^[0-9]+ +Yes .*$(reader "$1")"; }

card_out() { opensc-tool -l 2>/dev/null | grep -qE "^[0-9]+ +No .*$(reader "$1")"; }

# ---- a card session, APDU by APDU ----

# session_open INSTANCE: the card keeps its security status until session_close.
session_open()
{
	session_close
	rm -f "$scratch/apdu.in" "$scratch/apdu.out"
	mkfifo "$scratch/apdu.in" "$scratch/apdu.out"
	"$build/tests/apdu" "$(reader "$1")" <"$scratch/apdu.in" >"$scratch/apdu.out" \
		2>>"$scratch/apdu.log" &
	session_pid=$!
	exec {session_out}>"$scratch/apdu.in" {session_in}<"$scratch/apdu.out"
	apdu 00A4040009A00000030800001000 00
}

session_close()
{
	[ -n "$session_pid" ] || return 0
	exec {session_out}>&- {session_in}<&-
	wait "$session_pid" 2>/dev/null || :
	session_pid=''
}

# apdu HEX...: sends one command; leaves the answer in data and sw.
apdu()
{
	local answer
	sw='' data=''
	# In a subshell, for a session that has ended raises SIGPIPE.
	(printf '%s\n' "$*" >&"$session_out") 2>/dev/null || :
	read -r -t 60 answer <&"$session_in" || answer=no-answer
	sw=${answer##* }
	[ "$sw" = "$answer" ] || data=${answer% *}
}

# expect_sw WHAT SW HEX...: the command gets that status.
expect_sw()
{
	local what=$1 want=$2
	shift 2
	apdu "$@"
	same "$what" "$want" "$sw"
}

# A PIN or PUK as the card takes it: eight octets padded with FF, longer ones as they are.
pin_hex()
{
	local hex
	hex=$(printf '%s' "$1" | hex)
	while [ ${#hex} -lt 16 ]; do hex+=ff; done
	printf '%s' "$hex"
}

verify_apdu() { printf '0020008008%s' "$(pin_hex "$1")"; }

unblock_apdu() { printf '002C008010%s%s' "$(pin_hex "$1")" "$(pin_hex "$2")"; }

default_admin_key=010203040506070801020304050607080102030405060708

# admin_auth [HEX [ALGORITHM CIPHER]]: external authentication with key 9B.
admin_auth()
{
	local key=${1:-$default_admin_key} algorithm=${2:-03} cipher=${3:-des-ede3} challenge answer n
	apdu "0087${algorithm}9B047C028100" 00
	[ "$sw" = 9000 ] || return 1
	challenge=${data:8}
	answer=$(unhex "$challenge" | openssl enc -"$cipher" -K "$key" -nopad | hex)
	n=$((${#answer} / 2))
	apdu "$(printf '0087%s9B%02X7C%02X82%02X%s' "$algorithm" $((n + 4)) $((n + 2)) "$n" "$answer")"
	[ "$sw" = 9000 ]
}

# Hexadecimal to octets, and back.
unhex() { printf '%b' "$(printf '%s' "$1" | sed 's/../\\x&/g')"; }

hex() { od -An -v -tx1 | tr -d ' \n'; }
