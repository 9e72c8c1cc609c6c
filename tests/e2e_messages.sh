#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What the tool says when something is wrong, and its exit status.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
cd "$scratch"
install_private
chmod -R a+rX "$prefix" 2>/dev/null || :
create=(create /name Card /PIN DEFAULT /PUK DEFAULT /AdminKey DEFAULT /generate)

# says WHAT STATUS PATTERN COMMAND...: that exit status, and one line on
# standard error that matches; nothing on standard output.
says()
{
	local what=$1 want=$2 pattern=$3 got=0 out err
	shift 3
	out=$("$@" 2>err.txt </dev/null) || got=$?
	err=$(cat err.txt)
	if [ "$got" -eq "$want" ] && [ -z "$out" ] && [ "$(wc -l <err.txt)" -eq 1 ] &&
		grep -qiE -- "$pattern" err.txt; then
		ok "$what"
	else
		not_ok "$what: exit status $got, wanted $want and one line with: $pattern"
		indent "$*"
		indent "$out"
		indent "$err"
	fi
}
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
mgr_quiet() { mgr "$@" /quiet; }

swtpm_start
write_conf

# ---- usage ----
refuse 'no subcommand' 2 mgr
refuse 'an unknown subcommand' 2 mgr frobnicate
refuse 'an unknown option' 2 mgr list --frobnicate
refuse 'create without a name' 2 mgr create
refuse 'an admin key of a wrong kind' 2 mgr create /name x /AdminKey MAYBE
check 'help' mgr create '/?'
says 'destroy of a card that is not there' 3 'no.*card|0004' mgr_quiet destroy /instance 4
refuse 'destroy of nonsense' 2 mgr destroy /instance 'ROOT\SMARTCARDREADER\99x'
check 'list without cards is fine' mgr list

# ---- secrets ----
short_pin() { printf '1234\n' | mgr create /name x /PIN PROMPT /PUK DEFAULT /AdminKey DEFAULT /quiet; }
says 'a PIN too short' 6 'PIN' short_pin
bad_key() { printf '0102\n' | mgr create /name x /PIN DEFAULT /PUK DEFAULT /AdminKey PROMPT /quiet; }
says 'an admin key too short' 6 'admin' bad_key
no_line() { mgr create /name x /PIN PROMPT /PUK DEFAULT /AdminKey DEFAULT /quiet </dev/null; }
refuse 'no line for the PIN' 6 no_line
same 'no card has come of it' '' "$(nv_indices)"

# ---- no permission ----
says 'create by somebody else' 5 'permission|permitted|root' as_nobody "$prefix/sbin/tpmvscmgr" \
	"${create[@]}" /quiet --config "$conf"
says 'list by somebody else' 5 'permission|permitted|root' as_nobody "$prefix/sbin/tpmvscmgr" \
	list --config "$conf"
says 'destroy by somebody else' 5 'permission|permitted|root' as_nobody "$prefix/sbin/tpmvscmgr" \
	destroy /instance 0 /quiet --config "$conf"

# ---- the configuration ----
bad_conf()
{
	printf '%s\n' "state_dir = $state" '# the cards' '' "$2" >"$conf"
	says "configuration: $1" 1 "tpmvsc.conf.*4.*$3" mgr list
	says "configuration: $1, create" 1 "tpmvsc.conf.*4.*$3" mgr_quiet "${create[@]}"
}
bad_conf 'an unknown key' 'colour = blue' 'colour'
bad_conf 'a bad value' 'pin_cache = soon' 'pin_cache'
bad_conf 'a number out of range' 'spare_slots = 4000000000000' 'spare_slots'
bad_conf 'no equals sign' 'spare_slots' 'spare_slots'
bad_conf 'a TCTI that would load any library' 'tcti = cmd:true' 'tcti'
write_conf
chmod 0666 "$conf"
says 'a configuration that others may write' 1 'tpmvsc.conf' mgr list
chmod 0644 "$conf"

# ---- the state directory ----
chown 65534:65534 "$state"
says 'a state directory of somebody else, list' 1 "$state.*65534" mgr list
says 'a state directory of somebody else, create' 1 "$state.*65534" mgr_quiet "${create[@]}"
chown 0:0 "$state"
chmod 0777 "$state"
says 'a state directory open to all' 1 "$state.*0777" mgr_quiet "${create[@]}"
chmod 0700 "$state"
same 'no card has come of it' '' "$(nv_indices)"

# ---- no TPM ----
mgr_quiet "${create[@]}" >/dev/null 2>create.log || not_ok "create: $(cat create.log)"
stop_process "$swtpm_pid"
swtpm_pid=''
says 'no TPM, create' 4 'TPM' mgr_quiet "${create[@]}"
says 'no TPM, destroy' 4 'TPM' mgr_quiet destroy /instance 0
matches 'no TPM, list still names the card and says why' '0000.*TPM|TPM.*0000' \
	"$(mgr list 2>&1 | tr '\n' ' ')"
refuse 'no TPM, list, and its exit status' 4 mgr list
swtpm_start
check 'the TPM is back: destroy works' mgr destroy /instance 0 /quiet
write_conf 'pin_cache = 1h'
sed -i "s|^tcti = .*|tcti = device:$scratch/no-such-device|" "$conf"
says 'no such device, create' 4 'no-such-device' mgr_quiet "${create[@]}"
write_conf

# ---- no room ----
pcscd_start
for n in 0 1 2 3 4 5 6 7 8 9; do
	same "card $n" "ROOT\\SMARTCARDREADER\\000$n" "$(mgr_quiet "${create[@]}" 2>create.log)"
	case $n in
	0) matches 'a free slot: no word about pcscd' '^$' "$(cat create.log)" ;;
	5) matches 'no free slot: says when the reader appears' 'pcscd' "$(cat create.log)" ;;
	esac
done
says 'the eleventh card' 7 'ten|10|room|slot' mgr_quiet "${create[@]}"
pcscd_stop
pcscd_start
check 'all ten are there after a restart of pcscd' wait_for 10 card_in 9
for n in 0 1 2 3 4 5 6 7 8 9; do
	mgr destroy /instance "$n" /quiet || not_ok "destroy card $n"
done
same 'no NV index is left' '' "$(nv_indices)"
